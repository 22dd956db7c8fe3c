#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The manual pages against the module: kvmsched-events(5) has every record and
field of uapi/record_list.h and every name of uapi/names.h; kvmsched(8) has every
parameter and class."""

import glob
import os
import re
import subprocess
import tempfile

from tap import Tap

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
MODULE = os.path.join(TOP, "module")
EVENTS = "docs/man/kvmsched-events.5"
MAIN = "docs/man/kvmsched.8"

# Which record's page text lists the names of a list
LISTS = {
    "KVMSCHED_CLASSES": "session",
    "KVMSCHED_STATES": "ledger",
    "KVMSCHED_HOWS": "attach",
    "KVMSCHED_SWITCH_KINDS": "switch_out",
    "KVMSCHED_SLEEPS": "switch_out",
    "KVMSCHED_EXIT_ENDS": "exit",
    "KVMSCHED_TIMER_MODES": "timer_arm",
    "KVMSCHED_ARMS": "timer_arm",
    "KVMSCHED_STIMERS": "stimer",
    "KVMSCHED_SENT_BYS": "irq_accept",
    "KVMSCHED_CONTEXTS": "irqfd",
    "KVMSCHED_HOST_IRQ_KINDS": "host_irq",
}

# The compiler reads the headers, so that nothing of them is parsed here.
PROGRAM = """
#include <stdio.h>
#include "uapi/records.h"

#define F(type, name)	puts("field " #name);
#define A(type, name, n)	puts("field " #name);
#define KS_RECORD(record, classes, fields, ...) \\
	printf("record " #record " %u\\n", (unsigned int)(classes)); \\
	fields
#define NAME(symbol, number, name)	printf("name %u %s\\n", number, name)
#define LIST(list)	puts("list " #list); list(NAME);

int main(void)
{
#include "uapi/record_list.h"
@LISTS@
	return 0;
}
"""


def read_headers():
    """{record: (classes, [field])} and {list: {number: name}}"""
    records, lists = {}, {}
    with tempfile.TemporaryDirectory() as work:
        source = os.path.join(work, "names.c")
        with open(source, "w", encoding="ascii") as file:
            file.write(PROGRAM.replace("@LISTS@", "\n".join(
                f"\tLIST({name})" for name in LISTS)))
        subprocess.run(["cc", "-I", MODULE, "-o", f"{work}/names", source],
                       check=True)
        out = subprocess.run([f"{work}/names"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    for line in out.splitlines():
        kind, *words = line.split(maxsplit=2)
        if kind == "record":
            fields = []
            records[words[0]] = (int(words[1]), fields)
        elif kind == "field":
            fields.append(words[0])
        elif kind == "list":
            names = lists[words[0]] = {}
        else:
            names[int(words[0])] = words[1]
    return records, lists


def forgotten_lists():
    """Lists of names.h that LISTS lacks; KVMSCHED_SWITCH_STATES has no names."""
    with open(os.path.join(MODULE, "uapi/names.h"), encoding="utf-8") as file:
        for name in re.findall(r"^#define (KVMSCHED_\w+)\(X\)", file.read(), re.M):
            if name not in LISTS and name != "KVMSCHED_SWITCH_STATES":
                yield f"uapi/names.h: {name} is in no record's text"


def plain(lines):
    """The words of mdoc lines, without macros."""
    words = []
    for line in lines:
        if line.startswith("."):
            line = " ".join(word for word in line[1:].split()
                            if not re.fullmatch(r"[A-Z][a-z]", word))
        words.append(line)
    return re.sub(r" +([,;:.])", r"\1", " ".join(" ".join(words).split()))


def read_page(path):
    """{subsection: (line number, text, {item: text})}"""
    sections = {}
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        lines = file.read().splitlines()
    body = items = item = None
    for number, line in enumerate(lines, 1):
        if line.startswith((".Ss ", ".Sh ")):
            body, items, item = [], {}, None
            sections[line[4:]] = (number, body, items)
        elif line.startswith(".It "):
            words = re.sub(r"^\.It( [A-Z][a-z] )?", "", line).split()
            item = items.setdefault(words[0], [])
        elif line.startswith((".Bl", ".El", ".Pp", r".\"")) or body is None:
            continue
        else:
            (body if item is None else item).append(line)
    return {name: (number, plain(body),
                   {item: plain(text) for item, text in items.items()})
            for name, (number, body, items) in sections.items()}


def undocumented(records, page, classes):
    """Records and fields without a line in the page."""
    _, _, common = page["Common fields"]
    for record, (bits, fields) in records.items():
        if record not in page:
            yield f"{EVENTS} has no record {record}"
            continue
        number, text, items = page[record]
        where = f"{EVENTS}:{number}: record {record}"
        if not text:
            yield f"{where} has no line that says what it is"
        wanted = [f"Class {name}." for bit, name in classes.items()
                  if bits == 1 << bit] or ["Any class."]
        if wanted[0] not in text:
            yield f"{where} does not say \"{wanted[0]}\""
        for field in fields:
            line = items.get(field) or common.get(field)
            if not line:
                yield f"{where}: field {field} has no line"
            elif field.endswith("_cycles") and "cycles" not in line or \
                    field.endswith("_ns") and "nanoseconds" not in line:
                yield f"{where}: field {field} has no unit"


def unknown(records, page):
    """What the page has and the headers don't."""
    inside = False
    for name, (number, _, items) in page.items():
        if name in ("RECORD TYPES", "SEE ALSO"):
            inside = name == "RECORD TYPES"
        elif inside and name not in records:
            yield f"{EVENTS}:{number}: there is no record {name}"
        elif inside:
            for item in items:
                if item not in records[name][1]:
                    yield f"{EVENTS}:{number}: record {name} has no field {item}"


def unnamed(lists, page):
    """Numbers whose names the page doesn't give."""
    for name, names in lists.items():
        number, body, items = page[LISTS[name]]
        text = " ".join([body, *items.values()])
        for value, word in names.items():
            if not re.search(rf"\b{value}:? {re.escape(word)}\b", text):
                yield f"{EVENTS}:{number}: no \"{value} {word}\" of {name}"


def parameters():
    """{parameter of the module: where}, by its sources"""
    found = {}
    for path in sorted(glob.glob(os.path.join(MODULE, "*.c"))):
        with open(path, encoding="utf-8") as file:
            for name in re.findall(
                    r"^module_param\w*\(\s*(\w+)", file.read(), re.M):
                found[name] = os.path.relpath(path, TOP)
    return found


def missing_items(wanted, page, section):
    """Items that a section of kvmsched(8) lacks, or has for nothing."""
    number, _, items = page[section]
    for name, where in wanted.items():
        if not items.get(name):
            yield f"{MAIN}:{number}: {name} of {where} has no line"
    for name in items:
        if name not in wanted:
            yield f"{MAIN}:{number}: {name} is not in the module"


def check_ourselves(tap, records, lists, page, classes):
    """What is taken out of the page is missed."""
    def without(section, field=None):
        number, text, items = page[section]
        copy = dict(page)
        copy[section] = (number, text, {item: line for item, line in items.items()
                                        if item != field})
        if not field:
            del copy[section]
        return copy

    tap.named("a record without a section is found", undocumented(
        records, without("holder"), classes), "no record holder")
    tap.named("a field without a line is found", undocumented(
        records, without("exit", "host_cycles"), classes), "host_cycles")
    tap.named("a field that is no more is found", unknown(
        {**records, "put": (1, ["exit_reason"])}, page), "run_cycles")
    tap.named("a name that is not given is found", unnamed(
        {"KVMSCHED_HOWS": {**lists["KVMSCHED_HOWS"], 4: "magic"}}, page), "magic")


def main():
    records, lists = read_headers()
    classes = lists["KVMSCHED_CLASSES"]
    events, page = read_page(EVENTS), read_page(MAIN)
    tap = Tap()
    tap.empty("each record and field has a line in kvmsched-events(5)",
              undocumented(records, events, classes))
    tap.empty("each line there is of a record or a field", unknown(records, events))
    tap.empty("each name of a number is there",
              [*forgotten_lists(), *unnamed(lists, events)])
    tap.empty("each parameter of the module is in kvmsched(8)", missing_items(
        parameters(), page, "Module parameters"))
    tap.empty("each event class is in kvmsched(8)", missing_items(
        {name: "uapi/names.h" for name in classes.values()}, page,
        "Event classes"))
    check_ourselves(tap, records, lists, events, classes)
    print(f"1..{tap.number}")


if __name__ == "__main__":
    main()

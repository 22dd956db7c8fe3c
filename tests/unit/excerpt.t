#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""`report --from --to`: what three adjacent excerpts of a recording tell sums to what the
whole tells, in each table that is a sum; and that pages have the same tables.

usage: excerpt.t     (O: the build folder, as for make)
"""

import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.dont_write_bytecode = True
from tap import Tap		# noqa: E402
from tool import GOLDEN, KVMSCHED, reports	# noqa: E402


# What tells a row from the others of its list
IDENTITY = ("vm", "vm_index", "vcpu", "name", "kind", "pid", "tid", "comm", "task", "reason",
            "isa", "l2", "fastpath", "code", "vector", "irq", "cause", "id", "by", "relation",
            "process")
# Numbers that are no sums: of a distribution, of an identity, or of the whole recording
NO_SUM = {"avg", "min", "max", "p50", "p99", "p999", "max_ns", "cpu", "prio", "priority",
          "nice", "features", "apicv_inhibits", "halt_poll_ns", "threads", "tsc_offset",
          "tsc_ratio", "tsc_frac_bits", "quota_us", "period_us", "classes", "status",
          "version", "cpus", "tsc_khz", "pages", *IDENTITY}
WHOLE = {"in_short", "attach", "lost", "lost_by_event", "session", "bpf_schedulers",
         "overwritten", "refused", "left_out", "missed", "excerpt", "life", "cpu_stat",
         "kernel_ledger_ns", "bad_pages", "bad_records", "unknown_records", "other_records",
         "truncated_bytes", "in_guest_without_exits"}


def report(path, *options, name=()):
    """A report as JSON, by default everything; its status and messages where there is none."""
    done = subprocess.run([KVMSCHED, "report", *name, "--json", *options, path], check=False,
                          capture_output=True, text=True)
    return json.loads(done.stdout) if done.stdout else (done.returncode, done.stderr)


def sums(value, path=()):
    """Each number that is a sum, by its path; rows of lists have their identity there."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in WHOLE and name not in NO_SUM:
                yield from sums(inner, path + (name,))
    elif isinstance(value, list):
        for row in value:
            if isinstance(row, dict):
                key = tuple((name, str(row[name])) for name in IDENTITY if name in row)
                yield from sums(row, path + (key,))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path, value


def is_time(path):
    """Times are rounded to ns, each by itself; counts are exact."""
    return any(isinstance(name, str) and (name.endswith("_ns") or name == "ns")
               for name in path) and path[-1] != "count"


def added(parts):
    total = {}
    for part in parts:
        for path, value in sums(part):
            total[path] = total.get(path, 0) + value
    return total


def thirds(length):
    """The options of three excerpts that adjoin each other, of so many ns in all"""
    cuts = [f"{length * share // 100}ns" for share in (31, 64)]
    return ("--to", cuts[0]), ("--from", cuts[0], "--to", cuts[1]), ("--from", cuts[1])


def detail_rows(path, *options):
    """{what exits were for: (how many, their time)}, with the row that sums the rest"""
    found = {}
    for table in report(path, *options, name=("exits", "--count=1000"))["details"]:
        for row in table["rows"] + [dict(table["others"], name="others")]:
            found[table["by"], row["name"]] = row["count"], row["host_ns"] or 0
    return found


def io_rows(path, *options):
    """Each sum of `report io`"""
    return dict(sums(report(path, *options, name=("io", "--count=1000"))["io"]))


def moments(path, *options):
    """Each moment of `report worst`"""
    return sorted(f"{m['kind']} {m['begin_ns']} {m['ns']} {m['sentence']}"
                  for m in report(path, *options,
                                  name=("worst", "--each", "--count=10000"))["worst"])


def other_reports(path):
    """What is wrong with reports whose rows are not in the JSON of everything"""
    parts = thirds(report(path)["duration_ns"])
    details = [detail_rows(path, *options) for options in parts]
    for key, (count, host) in detail_rows(path).items():
        rows = [part.get(key, (0, 0)) for part in details]
        if count != sum(row[0] for row in rows) or abs(host - sum(row[1] for row in rows)) > 3:
            yield f"exits {key}: {count}, {host} ns; parts have {rows}"
    parts_io = [io_rows(path, *options) for options in parts]
    for key, value in io_rows(path).items():
        told = sum(part.get(key, 0) for part in parts_io)
        if abs(value - told) > (3 if is_time(key) else 0):
            yield f"io {key}: {value}, parts have {told}"
    if not any(io_rows(path).values()):
        yield "no guest I/O"
    whole = moments(path)
    in_parts = sorted(sum((moments(path, *options) for options in parts), []))
    if len(whole) < 50 or whole != in_parts:
        yield f"{len(whole)} moments, {len(in_parts)} in parts"
        yield from sorted(set(whole) ^ set(in_parts))[:5]


def compare(path):
    whole = report(path)
    length = whole["duration_ns"]
    if not length:
        return None
    parts = [report(path, *options) for options in thirds(length)]
    total = added(parts)
    wrong = []
    found = 0
    for key, value in sums(whole):
        found += 1
        if abs(value - total.pop(key, 0)) > (3 if is_time(key) else 0):
            wrong.append(f"{key}: {value}, parts have {[dict(sums(p)).get(key) for p in parts]}")
    wrong += [f"{key}: {value} in no whole" for key, value in total.items() if value]
    return found, wrong


def same(name, found, expected):
    return name, [] if found == expected else [f"{found}, not {expected}"]


def details():
    """What the report says of the excerpt itself"""
    steal = GOLDEN / "svm-steal.dat"
    whole, middle = report(steal), report(steal, "--from", "100ms", "--to", "0.2")
    told = middle["excerpt"]
    # A time stamp is a cycle of the TSC.
    yield same("the JSON says what it is an excerpt of",
               (round(told["from_ns"], -1), round(told["to_ns"], -1), told["all_records"]),
               (100000000, 200000000, whole["records"]))
    yield same("its duration is that of the excerpt", middle["duration_ns"], 100000000)
    yield same("the whole has none", whole["excerpt"], None)
    yield same("a life is no longer than the excerpt",
               {vcpu["wall_ns"] for vcpu in middle["vcpus"]}, {100000000})
    yield same("and neither begins nor ends there",
               {(v["life"]["began"], v["life"]["ended"]) for v in middle["vcpus"]},
               {(False, False)})
    hlt = GOLDEN / "svm-hlt.dat"
    half = f"{report(hlt)['duration_ns'] // 2}ns"
    yield same("its end is told in the excerpt that has it",
               [{(v["life"]["began"], v["life"]["ended"]) for v in report(hlt, *part)["vcpus"]}
                for part in ((), ("--to", half), ("--from", half))],
               [{(False, True)}, {(False, False)}, {(False, True)}])
    for what, options, message in (
            ("an excerpt behind the end", ("--from", "1000"), "nothing to report: it lasts"),
            ("one that ends before it begins", ("--from", "0.2", "--to", "0.1"),
             "--from is not before --to")):
        answer = report(steal, *options)
        yield f"{what} is refused", [] if answer[0] == 1 and message in answer[1] else [answer]


def page(path, *options):
    """What a page of `report --html` has beside its bars"""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        subprocess.run([KVMSCHED, "report", "--html", file, *options, path], check=True)
        text = file.read_text()
    return json.loads(re.search('<script type="application/json" id="json">(.*?)</script>',
                                text, re.DOTALL)[1])


def squeezed(text):
    return " ".join(text.split())


def on_page(data):
    """Each line and row of a page's tables, as one text"""
    lines = []
    for block in data["report"]:
        lines.append(block["heading"])
        for part in block["parts"]:
            rows = part.get("rows") or []
            lines += [part["line"]] if "line" in part else \
                [" ".join(column["name"] for column in part["columns"])]
            lines += [" ".join(cell or "" for cell in row) for row in rows]
    return "\n".join(map(squeezed, lines))


def not_on_page(data, path, *options):
    """What `report` prints with the same options, and the page does not have"""
    mine = on_page(data)
    for name in reports():
        host = ["--host"] if not name and "host" in report(path)["classes"] else []
        text = subprocess.run([KVMSCHED, "report", *name, *host, *options, path], check=True,
                              capture_output=True, text=True,
                              env=dict(os.environ, COLUMNS="1000", LC_ALL="C.UTF-8")).stdout
        yield from (f"{' '.join(name)}: {line}" for line in text.splitlines()
                    if squeezed(line) not in mine)


def plotted(data):
    """{what a page draws below the time line: how many values, or ns}"""
    found = {(s["group"], s["name"]): s["count"] for s in data["spreads"]}
    for row in data["thieves"]:
        key = "thief", row["vcpu"], row["who"], row["pid"]
        found[key] = found.get(key, 0) + row["ns"]
    return found


def unlike_parts(path):
    """Plots of the whole recording that are not the sum of three adjacent pages'"""
    whole = plotted(page(path))
    parts = [plotted(page(path, *options)) for options in thirds(report(path)["duration_ns"])]
    for key in whole.keys() | set().union(*parts):
        values = [part.get(key, 0) for part in parts]
        if abs(sum(values) - whole.get(key, 0)) > (3 if key[0] == "thief" else 0):
            yield f"{key}: {whole.get(key)}, parts have {values}"
    if len(whole) < 10 or sum(len(part) >= 5 for part in parts) < 2:
        yield f"only {len(whole)} plots, parts have {[len(part) for part in parts]}"


def pages():
    """`report --html --from --to`: its tables are those of `report --from --to`"""
    for path, options in ((GOLDEN / "svm-steal.dat", ("--from", "0.5", "--to", "700ms")),
                          (GOLDEN / "everything.dat", ("--to", "300ms")),
                          (GOLDEN / "everything.dat", ("--from", "0.1"))):
        data, whole = page(path, *options), report(path)
        name = f"page of {path.name} {' '.join(options)}"
        yield f"{name}: its tables", not_on_page(data, path, *options)
        worst = report(path, *options, name=("worst", "--each", "--count=1000"))["worst"]
        yield same(f"{name}: its moments", [m["sentence"] for m in data["moments"]],
                   [m["sentence"] for m in worst[:10]])
        yield same(f"{name}: its head is of the recording",
                   (data["excerpt"], data["records"], data["length_ns"]),
                   (True, whole["records"], whole["duration_ns"]))
    data = page(GOLDEN / "svm-steal.dat")
    yield same("a page of all of it says so", data["excerpt"], False)
    yield "and has the tables of all of it", not_on_page(data, GOLDEN / "svm-steal.dat")
    for name in "svm-steal", "everything":
        yield f"{name}: plots of three adjacent pages sum to those of the whole", \
            unlike_parts(GOLDEN / f"{name}.dat")


def main():
    tap = Tap()
    for path in sorted(GOLDEN.glob("*.dat")):
        result = compare(path)
        if result:
            tap.empty(f"{path.name}: three excerpts sum to the whole, {result[0]} sums",
                      result[1] if result[0] > 40 else ["hardly any sums"])
        else:
            tap.empty(f"{path.name}: has no time", [])
    for name in "svm-steal", "everything":
        tap.empty(f"{name}: so do the details of exits, and the moments are the same",
                  other_reports(GOLDEN / f"{name}.dat"))
    for name, wrong in itertools.chain(details(), pages()):
        tap.empty(name, wrong)
    print(f"1..{tap.number}")


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A still of the time line tells what the report tells: areas are times.

usage: svg.t            (O: the build folder, as for make)
"""

import filecmp
import glob
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
sys.dont_write_bytecode = True
from tap import Tap		# noqa: E402

KVMSCHED = os.path.join(os.path.realpath(os.environ.get("O") or f"{HERE}/../../build"),
                        "tools/kvmsched")
GOLDEN = os.path.join(os.path.dirname(HERE), "golden")
# A guest that recorded itself, and what the host recorded meanwhile
ANSWERS = os.path.realpath(f"{HERE}/../../docs/answers/data")
LINUX, GUEST = f"{ANSWERS}/linux.dat", f"{ANSWERS}/linux-guest.dat"
SVG = "{http://www.w3.org/2000/svg}"
COLUMNS, LANE, LEFT = 1000, 20, 170
# A column's heights are rounded to a hundredth: over all columns that averages out.
CLOSE = 2e-4
MS = 1e6
# Of the legend
WORDS = {"in the guest": "guest", "exit, in the kernel": "exit", "in userspace": "user",
         "polls in its halt": "poll", "halted": "halted", "blocked": "blocked",
         "waits, preempted": "wait_preempted", "waits, woken": "wait_woken",
         "unknown": "unknown", "a guest's task runs": "guest-task-runs",
         "a guest's task waits, for its guest's scheduler or the host's": "guest-task-waits"}
GUEST_LANES = 8		# of each guest


def run(*argv):
    return subprocess.run([KVMSCHED, "report", *argv], capture_output=True, text=True,
                          errors="replace", timeout=60)


def drawn(dat, *options):
    """The picture of a recording, as a tree"""
    with tempfile.NamedTemporaryFile(suffix=".svg") as picture:
        done = run("--svg", picture.name, *options, dat)
        if done.returncode:
            raise RuntimeError(f"{dat}: status {done.returncode}: {done.stderr}")
        return ET.parse(picture.name).getroot()


def lanes(tree, kind):
    return [lane for lane in tree.iter(f"{SVG}g") if lane.get("class") == kind]


def boxes(lane):
    """{kind: [(first column, columns, height)]} of a lane"""
    found = {}
    for path in lane.iter(f"{SVG}path"):
        name = path.get("class")
        if not name.startswith("k-"):
            continue
        each = re.findall(r"M(\d+) [\d.]+h(\d+)v([\d.]+)h-\2z", path.get("d"))
        if "".join(re.findall(r"[Mz]", path.get("d"))) != "Mz" * len(each):
            raise RuntimeError(f"not all of it are boxes: {path.get('d')[:200]}")
        found[name[2:]] = [(int(x) - LEFT, int(w), float(h)) for x, w, h in each]
    return found


def areas(lane):
    """{kind: area} of a lane, as a share of it"""
    return {kind: sum(w * h for _, w, h in each) / (COLUMNS * LANE)
            for kind, each in boxes(lane).items()}


def heights(lane):
    """{kind: [height of each column, as a share of the lane's]}"""
    found = {}
    for kind, each in boxes(lane).items():
        found[kind] = [0] * COLUMNS
        for x, w, h in each:
            found[kind][x:x + w] = [h / LANE] * w
    return found


def told(lane):
    """{state: ms} of what a lane says of itself"""
    title = lane.find(f"{SVG}title").text
    return {WORDS[words]: float(ms) for words, ms in
            re.findall(r"(?:: |; )([^;:]*?) ([\d.]+) ms, [\d.]+ %", title)}


def whole(dat):
    """What is wrong with the picture of a whole recording"""
    report = json.loads(run("--json", dat).stdout)
    tree, wrong = drawn(dat), []
    found = lanes(tree, "vcpu")
    if len(found) != len(report["vcpus"]):
        return [f"{len(found)} lanes, {len(report['vcpus'])} vCPUs"]
    for lane, vcpu in zip(found, report["vcpus"]):
        label = lane.find(f"{SVG}title").text
        if f" vCPU {vcpu['vcpu']}" not in label:
            wrong.append(f"{label}: expected vCPU {vcpu['vcpu']}")
        words, area = told(lane), areas(lane)
        for state, ns in vcpu["states_ns"].items():
            if abs(words.get(state, 0) * MS - ns) > 1000:
                wrong.append(f"{label}: {state}: {words.get(state, 0)} ms, ledger {ns} ns")
            share = ns / report["duration_ns"]
            if abs(area.get(state, 0) - share) > CLOSE:
                wrong.append(f"{label}: {state}: area {area.get(state, 0)}, ledger {share}")
    return wrong


def columns_of(lane, name):
    """Columns that have a mark of this name below the lane"""
    found = set()
    for path in lane.iter(f"{SVG}path"):
        if path.get("class") == name:
            for left, width in re.findall(r"M(\d+) [\d.]+h(\d+)v", path.get("d")):
                found |= set(range(int(left) - LEFT, int(left) - LEFT + int(width)))
    return found


def touched(spans, length, more):
    """Columns that spans touch, if each is longer by so many ns at both ends"""
    return {column for begin, end in spans if end + more > begin - more
            for column in range(int((begin - more) * COLUMNS // length),
                                min(int(-(-(end + more) * COLUMNS // length)), COLUMNS))}


def marks(dat):
    """Marks below a lane that are not where the export has the timer armed, or due"""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([KVMSCHED, "export", "--sqlite", f"{folder}/x.db", dat], check=True,
                       stderr=subprocess.PIPE)
        db = sqlite3.connect(f"{folder}/x.db")
        [(length,)] = db.execute("SELECT length_ns FROM recording")
        for vcpu, lane in enumerate(lanes(drawn(dat), "vcpu"), 1):
            for name, table in ("armed", "timers_armed"), ("due", "timers"):
                spans = db.execute(f"SELECT begin_ns, end_ns FROM {table} WHERE vcpu = ?",
                                   (vcpu,)).fetchall()
                found = columns_of(lane, name)
                # The export's times are rounded.
                if not touched(spans, length, -2) <= found <= touched(spans, length, 2):
                    yield f"{vcpu}: {name}: {len(found)} columns"
                if not spans:
                    yield f"{vcpu}: {table} is empty"


def guest_tasks():
    """{(label, pid): {kind: [(begin, end)]}} of the guest's tasks, ns, by an export; and the
    recording's length"""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([KVMSCHED, "export", "--sqlite", f"{folder}/x.db", "--guest", GUEST, LINUX],
                       check=True, stderr=subprocess.PIPE)
        db = sqlite3.connect(f"{folder}/x.db")
        [(length,)] = db.execute("SELECT length_ns FROM recording")
        found = {}
        for vm, vmm, comm, pid, what, begin, end in db.execute(
                "SELECT name, vms.pid, comm, guest_tasks.pid, what, begin_ns, end_ns "
                "FROM guest_tasks JOIN vms USING (vm) WHERE what IN ('runs', 'waits')"):
            kinds = found.setdefault((f"{vm}/{vmm}: {comm}/{pid}", pid), {})
            kinds.setdefault(f"guest-task-{what}", []).append((begin, end))
        return found, length


def within(spans, begin, end):
    """How much of [begin, end) spans take"""
    return sum(max(0, min(e, end) - max(b, begin)) for b, e in spans)


def wrong_columns(lane, kinds, begin, end):
    """Columns of a guest's task that are not as high as what it did then"""
    edges = [begin + (end - begin) * c // COLUMNS for c in range(COLUMNS + 1)]
    found = heights(lane)
    # Both edges of a box are rounded to a hundredth, and the export's times to the ns.
    most = 0.01 / LANE + 1e-9
    for kind in sorted(found.keys() | kinds.keys()):
        for c, (b, e) in enumerate(zip(edges, edges[1:])):
            spans = kinds.get(kind, [])
            share, high = within(spans, b, e) / (e - b), found.get(kind, [0] * COLUMNS)[c]
            touching = sum(x <= e + 1 and y >= b - 1 for x, y in spans)
            if abs(high - share) > most + 2 * touching / (e - b):
                yield f"{kind}: column {c} is {high}, expected {share}"


def wrong_lane(lane, label, kinds, begin, end):
    words, area = told(lane), areas(lane)
    if not lane.find(f"{SVG}title").text.startswith(f"{label}: "):
        yield f"{lane.find(f'{SVG}title').text}: expected {label}"
    # The end of a long label is there.
    shown = lane.find(f"{SVG}text").text.lstrip("…")
    if not label.endswith(shown) or len(shown) < min(len(label), 26):
        yield f"{label}: labelled {shown}"
    for kind in "guest-task-runs", "guest-task-waits":
        ns = within(kinds.get(kind, []), begin, end)
        if abs(words.get(kind, 0) * MS - ns) > 1000:
            yield f"{label}: {kind}: {words.get(kind, 0)} ms, rows {ns} ns"
        if abs(area.get(kind, 0) - ns / (end - begin)) > CLOSE:
            yield f"{label}: {kind}: area {area.get(kind, 0)}, rows {ns / (end - begin)}"
    yield from (f"{label}: {why}" for why in list(wrong_columns(lane, kinds, begin, end))[:3])


def guests(tasks, begin, end, options, left_out):
    """Lanes of a guest's tasks are those that did something then, those that ran longest
    first, and tell what rows of an export tell."""
    sums = {task: tuple(within(kinds.get(f"guest-task-{what}", []), begin, end)
                        for what in ("runs", "waits")) for task, kinds in tasks.items()}
    there = sorted((task for task in tasks if any(sums[task])),
                   key=lambda task: (-sums[task][0], -sums[task][1], task[1]))
    tree = drawn(LINUX, "--guest", GUEST, *options)
    found = lanes(tree, "guest")
    if len(found) != min(len(there), GUEST_LANES):
        yield f"{len(found)} lanes, expected those of {there}"
    for lane, task in zip(found, there):
        yield from wrong_lane(lane, task[0], tasks[task], begin, end)
    texts = [text.text for text in tree.iter(f"{SVG}text")]
    notes = [text for text in texts if text.startswith("More tasks of guests")]
    words = f"More tasks of guests ran or waited than fit: {left_out} left out; drawn are"
    if max(0, len(there) - GUEST_LANES) != int(left_out.split()[0] if left_out else 0):
        yield f"{len(there)} tasks, and {left_out!r} left out: this test is wrong"
    if [note.startswith(words) for note in notes] != [True] * bool(left_out):
        yield f"{notes}, expected {words}"
    for words, kind in WORDS.items():
        used = any(kind in boxes(lane) for lane in found)
        if kind.startswith("guest-task") and (words in texts) != used:
            yield f"{words}: in the legend: {words in texts}, drawn: {used}"
    styles = tree.find(f"{SVG}style").text
    patterns = {pattern.get("id") for pattern in tree.iter(f"{SVG}pattern")}
    for kind in {kind for lane in found for kind in boxes(lane)}:
        if f"p-{kind}" not in patterns or styles.count(f".c-{kind}{{") != 2:
            yield f"{kind} has no paint"


def check_guests(tap):
    tasks, length = guest_tasks()
    # All of it; turns of two tasks, while a third one waits; 2 ms; where other tasks are
    # among those that ran longest than of all of it; and before the guest's trace
    for begin, end, left_out in ((None, None, "3 are"), (0.3, 0.7, ""), (0.0847, 0.0866, ""),
                                 (1.2, 1.26, "1 is"), (0, 0.08, "")):
        part = [] if begin is None else [f"--from={begin}", f"--to={end}"]
        name = f"from {begin} to {end} s" if part else "all of it"
        tap.empty(f"tasks of a guest, {name}: what the export has",
                  guests(tasks, *((round(begin * 1e9), round(end * 1e9)) if part else (0, length)),
                         part, left_out))
    tap.empty("a picture without --guest has no such lane, nor their paints",
              ["there are"] if lanes(drawn(LINUX), "guest") or
              b"guest-task" in ET.tostring(drawn(LINUX)) else [])


def in_parts(dat, parts=7):
    """Windows that lie side by side sum to the whole."""
    report = json.loads(run("--json", dat).stdout)
    sums = {}
    edges = [report["duration_ns"] / 1e9 * i / parts for i in range(parts + 1)]
    for begin, end in zip(edges, edges[1:]):
        for lane in lanes(drawn(dat, f"--from={begin:.9f}", f"--to={end:.9f}"), "vcpu"):
            name = lane.find(f"{SVG}text").text
            for state, ms in told(lane).items():
                sums[name, state] = sums.get((name, state), 0) + ms
    wrong = []
    for lane in lanes(drawn(dat), "vcpu"):
        name = lane.find(f"{SVG}text").text
        for state, ms in told(lane).items():
            if abs(sums.pop((name, state), 0) - ms) > 0.002 * parts:
                wrong.append(f"{name}: {state}: not {ms} ms")
    return wrong + [f"only in a part: {key}" for key in sums]


def hostile(folder):
    name = os.fsdecode(b'<script>&"\xff\x1b[31m.dat')
    dat = os.path.join(folder, name)
    os.symlink(os.path.join(GOLDEN, "plain.dat"), dat)
    tree = drawn(dat)
    title = next(text.text for text in tree.iter(f"{SVG}text")
                 if text.get("class") == "title")
    if '<script>&"\\xff\\x1b[31m.dat' not in title:
        yield f"the title: {title!r}"
    if list(tree.iter(f"{SVG}script")):
        yield "a script"


def refused(words, *argv, status=1):
    done = run(*argv)
    if done.returncode != status or words not in done.stderr:
        yield f"status {done.returncode}, said: {done.stderr}"


def main():
    tap = Tap()
    for dat in sorted(glob.glob(f"{GOLDEN}/*.dat")):
        name = os.path.basename(dat)
        vcpus = json.loads(run("--json", dat).stdout)["vcpus"]
        if vcpus and vcpus[0]["states_ns"]:
            tap.empty(f"{name}: areas are the ledger's times", whole(dat))
    tap.empty("timers are drawn while they are armed, and due",
              marks(f"{GOLDEN}/svm-hlt.dat"))
    steal = f"{GOLDEN}/svm-steal.dat"
    tap.empty("windows side by side sum to the whole", in_parts(steal))
    check_guests(tap)
    tap.empty("one vCPU alone", [] if len(lanes(drawn(steal, "--vcpu=1"), "vcpu")) == 1
              else ["not one lane"])
    with tempfile.TemporaryDirectory() as folder:
        picture = f"{folder}/x.svg"
        tap.empty("names are text, whatever bytes they have", hostile(folder))
        tap.empty("a window behind the end is refused",
                  refused("nothing to draw", "--svg", picture, "--from=5", steal))
        tap.empty("so is a window that ends before it begins",
                  refused("--from is not before --to", "--svg", picture, "--from=0.5", "--to=0.4", steal))
        tap.empty("and a VM that is not there",
                  refused("no such vCPU", "--svg", picture, "--vm=1", steal))
        tap.empty("a picture prints no report",
                  refused("prints no report", "--svg", picture, "--json", steal, status=2))
        tap.empty("a file that can't be written is told",
                  refused("can't write", "--svg", f"{folder}/no/x.svg", steal))
        tap.empty("so is a full disk", refused("can't write", "--svg", "/dev/full", steal))
        tap.empty("and of a page", refused("can't write", "--html", "/dev/full", steal))
        tap.empty("a page of a VM that is not there is refused",
                  refused("no such vCPU", "--html", picture, "--vm=1", steal))
        tap.empty("and a page and a picture at once",
                  refused("two commands", "--html", picture, "--svg", picture, steal, status=2))
        copy = f"{folder}/copy.dat"
        shutil.copy(steal, copy)
        for option in "--svg", "--html":
            tap.empty(f"a recording is not overwritten by {option}",
                      refused("is the recording itself", option, copy, copy))
            tap.empty("it is as it was", [] if filecmp.cmp(steal, copy, shallow=False)
                      else ["it has changed"])
        tap.empty("spans are a page's",
                  refused("belongs to --html", "--spans=1", "--svg", picture, steal, status=2))
    print(f"1..{tap.number}")


main()

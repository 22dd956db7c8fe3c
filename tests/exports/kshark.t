#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Folders of `kvmsched merge`, read by the library of KernelShark: host and guest have the
same events, at the same times and in the same order, as with `trace-cmd report -i -i`.

usage: kshark.t            (O: the build folder, as for make)
"""
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position
from tool import FORMATS, KVMSCHED, O, TOP  # noqa: E402  pylint: disable=wrong-import-position

ANSWERS = TOP / "docs/answers/data"
PROGRAM = O / "exports/kshark"
# FILE: TASK-PID [CPU] SECONDS.NANOSECONDS: EVENT:
LINE = re.compile(r"^ *(\S+): +.*? \[(\d+)\] .*?(\d+)\.(\d{9}): (\w+):")
TAP = Tap()


def output(*words):
    return subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def build():
    flags = output("pkg-config", "--cflags", "--libs", "libkshark")
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-O1", "-Wall", "-o", PROGRAM, HERE / "kshark.c", *shlex.split(flags)],
                   check=True)


def by_library(files):
    """(file, CPU, ns, event) of each event, in order"""
    rows = (line.split() for line in output(PROGRAM, *files).splitlines())
    return [(files[int(stream)].name, int(cpu), int(ns), event.rpartition("/")[2])
            for stream, cpu, ns, event in rows]


def by_trace_cmd(files):
    inputs = (word for file in files for word in ("-i", file))
    found = filter(None, map(LINE.match, output("trace-cmd", "report", "-t", *inputs).splitlines()))
    return [(file, int(cpu), int(seconds) * 10 ** 9 + int(ns), event)
            for file, cpu, seconds, ns, event in (match.groups() for match in found)]


def same(name, host, guests, folder):
    subprocess.run([KVMSCHED, "merge", host, *guests, "-o", folder], check=True,
                   stdout=subprocess.DEVNULL)
    files = [folder / "host.dat", *(folder / guest.name for guest in guests)]
    mine, theirs = by_library(files), by_trace_cmd(files)
    wrong = [f"{a}, trace-cmd has {b}" for a, b in zip(mine, theirs) if a != b]
    if len(mine) != len(theirs):
        wrong.append(f"{len(mine)} events, trace-cmd has {len(theirs)}")
    TAP.empty(f"{name}: the library has trace-cmd's order", wrong)
    places = [nth for nth, (file, *_) in enumerate(mine) if file != files[0].name]
    turns = sum(b > a + 1 for a, b in zip(places, places[1:]))
    TAP.empty(f"{name}: events of host and guest take turns", [] if turns > 10 else [turns])
    print(f"# {len(mine)} events, {len(places)} of guests, in {turns + 1} places")


def main():
    build()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        same("a Linux", ANSWERS / "linux.dat", [ANSWERS / "linux-guest.dat"], folder / "linux")
        subprocess.run(["make", "-s", "-C", TOP / "tests/unit", O / "unit/merges"], check=True)
        subprocess.run([O / "unit/merges", FORMATS, folder], check=True)
        same("a guest with a scaled TSC", folder / "scaled-host.dat", [folder / "scaled.dat"],
             folder / "scaled")
        same("a guest with two CPUs", folder / "host.dat", [folder / "two.dat"], folder / "two")
    print(f"1..{TAP.number}")


main()

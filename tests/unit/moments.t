#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""--from and --to by the wall clock and since the boot, on recordings of moments.c, whose
clocks are chosen here, and all times worked out from that by hand.

usage: moments.t            (O: the build folder, as for make)"""
import csv
import datetime
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import pftrace  # noqa: E402
import tap  # noqa: E402
from tool import FORMATS, KVMSCHED, O  # noqa: E402

TEST = tap.Tap()
SECOND = 10**9
DAY = 86400
UPTIME = 1000			# s, when a recording begins
OFFSET = 7 * SECOND + 123456789	# from the TSC's 0 to the boot
ASLEEP = 5000 * SECOND		# what CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC
SLEW = 1e-4			# by which the wall clock of these recordings is faster


def epoch(text):
    """ns since 1970 of a time with a zone"""
    return round(datetime.datetime.fromisoformat(text).timestamp() * 1e6) * 1000


def make(name, length, *stretches):
    """A recording of so many seconds; stretches: s after it began, and what the wall clock
    shows then, in ns since 1970, UTC.  Each lasts until the next."""
    begin = UPTIME * SECOND
    ties = []
    for i, (at, wall) in enumerate(stretches):
        until = stretches[i + 1][0] - 0.1 if i + 1 < len(stretches) else length
        for then, ahead in ((at, 0), (until, until - at)):
            now = begin + round(then * SECOND)
            ties += [now, now + ASLEEP, wall + round(ahead * SECOND * (1 + SLEW))]
    subprocess.run([O / "unit/moments", FORMATS, name, *map(str, (
        OFFSET, begin, begin + length * SECOND, *ties))], check=True)


def run(*words, zone="UTC"):
    """Status, standard output, messages"""
    done = subprocess.run([KVMSCHED, *words], text=True, check=False,
                          env=dict(os.environ, LC_ALL="C.UTF-8", COLUMNS="1000", TZ=zone),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout, done.stderr


def same(name, got, expected):
    TEST.empty(name, [] if got == expected else [f"got {got!r}", f"expected {expected!r}"])


def part(name, *options, zone="UTC"):
    """What an excerpt is, in ms since the recording began; or the message"""
    status, out, err = run("report", name, "--json", *options, zone=zone)
    if status:
        return err.removeprefix(f"kvmsched: {name}: ")
    excerpt = json.loads(out)["excerpt"]
    return excerpt["from_ns"] / 1e6, excerpt["to_ns"] / 1e6


def near(name, got, *expected):
    """Within a µs; times are in ms."""
    wrong = isinstance(got, str) or any(abs(a - b) > 0.001 for a, b in zip(got, expected))
    TEST.empty(name, [f"got {got!r}", f"expected {expected!r}"] if wrong else [])


def refused(name, got, *words):
    TEST.empty(name, [] if isinstance(got, str) and all(word in got for word in words) else
               [f"got {got!r}", f"expected {words!r}"])


def wall_ms(seconds):
    """When the slewed wall clock has gone on by so much"""
    return seconds * 1000 / (1 + SLEW)


def check_forms():
    make("plain.dat", 100, (0, epoch("2026-11-29T17:15:49.250+00:00")))
    middle = wall_ms(50), wall_ms(60)
    for words, begin, end, zone in (
            ("a time of day", "17:16:39.25", "17:16:49.250000", "UTC"),
            ("a date", "2026-11-29T17:16:39.25", "2026-11-29 17:16:49.25", "UTC"),
            ("local time", "18:16:39.25", "2026-11-29T18:16:49.25", "Europe/Berlin"),
            ("local time, another day", "03:01:39.25", "2026-11-30T03:01:49.25", "Asia/Kathmandu"),
            ("UTC, said so", "17:16:39.25Z", "2026-11-29T17:16:49.25Z", "Europe/Berlin"),
            ("another zone", "12:16:39.25-0500", "2026-11-29T22:46:49.25+05:30", "UTC")):
        # Nepal is 5:45 ahead: 17:15 there is 23:00.
        if zone == "Asia/Kathmandu":
            begin, end = "23:01:39.25", "2026-11-29T23:01:49.25"
        near(words, part("plain.dat", "--from", begin, "--to", end, zone=zone), *middle)
    near("a time without seconds", part("plain.dat", "--from", "17:16"), wall_ms(10.75), 100000)
    near("seconds since the boot", part("plain.dat", "--from", "boot:1050", "--to", "boot:1060.000001"),
         50000, 60000.001)
    near("both, and seconds since it began", part("plain.dat", "--from", "boot:1050", "--to", "60"),
         50000, 60000)
    near("a begin before the recording's, and an end behind its", part(
        "plain.dat", "--from", "17:00", "--to", "17:30"), 0, 100000)
    near("a date alone: that day's begin", part("plain.dat", "--from", "2026-11-29", "--to",
                                                "2026-11-30"), 0, 100000)
    for words, options, why in (
            ("an end before it begins", ("--to", "17:15"), "--to 17:15 is before it begins"),
            ("the same since the boot", ("--to", "boot:999"), "--to boot:999 is before it begins"),
            ("a begin behind its end", ("--from", "17:30"), "and --from is 17:30"),
            ("another day", ("--from", "2026-11-30T17:16"), "and --from is 2026-11-30T17:16"),
            ("an end before the begin", ("--from", "17:16:40", "--to", "17:16:30"),
             "--from is not before --to")):
        refused(f"refused: {words}", part("plain.dat", *options), why)


def check_values():
    wrong = []
    for text in ("24:00", "17:60", "17:15:60", "17:1", "7:15", "17:15:", "17:15:1.", "17:15x",
                 "2026-13-01", "2026-02-29", "2026-11-31T10:00", "2026-11-29T", "2026-11-29X10:00",
                 "1969-12-31", "2300-01-01", "17:15+1", "17:15+16:00", "17:15+01:", "17:15+01:60",
                 "17:15:00.1234567891", "2026-11-29T17:15 UTC"):
        status, _, err = run("report", "plain.dat", "--from", text)
        if status != 2 or f"'{text}' is not a time such as" not in err:
            wrong.append((text, status, err))
    for text, why in (("boot:", "is not boot: and"), ("boot:1x", "is not boot: and"),
                      ("@", "is not @ and"), ("@x", "is not @ and"), ("@1.", "is not @ and"),
                      ("@-1", "is not @ and"), ("@1.1234567891", "is not @ and"),
                      ("@1764436549", "more than 30 years"), ("now", "is not a time: say")):
        status, _, err = run("report", "plain.dat", "--from", text)
        if status != 2 or why not in err:
            wrong.append((text, status, err))
    TEST.empty("what is no time is refused, and the words say what is one", wrong)


def check_head():
    _, out, _ = run("report", "plain.dat", zone="Europe/Berlin")
    begin, = [line for line in out.splitlines() if line.startswith("Begin ")]
    same("the head tells when it began", begin,
         "Begin     2026-11-29T18:15:49.250000+01:00, 1000.000000 s after the boot")
    near("and both times that it tells are times", part(
        "plain.dat", "--from", begin.split()[1].rstrip(","), "--to", "boot:1001",
        zone="America/New_York"), 0, 1000)
    whole = json.loads(run("report", "plain.dat", "--json")[1])
    same("JSON: the same", [whole[key] for key in ("begin_realtime_ns", "begin_boottime_ns",
                                                   "clock_was_set")],
         [epoch("2026-11-29T17:15:49.250+00:00"), UPTIME * SECOND + ASLEEP, False])


def check_trace_cmd():
    done = subprocess.run(["trace-cmd", "report", "plain.dat"], text=True, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lines = [line for line in done.stdout.splitlines() if "kvmsched_exit:" in line]
    same("trace-cmd reads the file without a word", (len(lines), done.stderr), (1000, ""))
    told = lines[499].split("kvmsched_exit:")[0].split()[-1].rstrip(":")
    near("a time that trace-cmd prints", part("plain.dat", "--from", f"@{told}"), 50000, 100000)


def check_commands():
    times = "--from", "17:16:39.25", "--to", "boot:1060"
    begin, end = wall_ms(50), 60000
    run("export", "--csv", "csv", "plain.dat", *times)
    with open("csv/exits.csv", encoding="utf-8") as rows:
        ends = [int(row["end_ns"]) / 1e6 for row in csv.DictReader(rows)]
    near("export", (min(ends), max(ends)), 50000, 59900 + 100.0)
    with open("csv/recording.csv", encoding="utf-8") as rows:
        row, = csv.DictReader(rows)
    same("export: table recording has all clocks", [int(row[f"begin_{key}"]) for key in (
        "monotonic_ns", "tsc", "boottime_ns", "realtime_ns")],
         [UPTIME * SECOND, 2 * (UPTIME * SECOND - OFFSET), UPTIME * SECOND + ASLEEP,
          epoch("2026-11-29T17:15:49.250+00:00")])
    run("export", "--perfetto", "trace.pftrace", "plain.dat")
    same("export: Perfetto gets them, too", pftrace.Trace(pathlib.Path("trace.pftrace")).clocks,
         {1: epoch("2026-11-29T17:15:49.250+00:00"), 3: UPTIME * SECOND,
          6: UPTIME * SECOND + ASLEEP, 9: 2 * (UPTIME * SECOND - OFFSET)})
    status, out, err = run("compare", "plain.dat", "plain.dat", "--json", *times)
    same("compare", status and err or json.loads(out)["part"],
         {"vm": None, "vcpu": None, "from_s": None, "to_s": None, "from": "17:16:39.25",
          "to": "boot:1060"})
    refused("compare: nothing there", run("compare", "plain.dat", "plain.dat", "--to", "17:00")[2],
            "--to 17:00 is before it begins")
    for kind in ("svg", "html"):
        pictures = []
        for options in (times, ("--from", f"{begin * 1000:.3f}us", "--to", f"{end * 1000:.3f}us")):
            status, _, err = run("report", f"--{kind}", "picture", "plain.dat", *options)
            text = err if status else pathlib.Path("picture").read_text(encoding="utf-8")
            pictures.append([line for line in text.splitlines() if "--from" not in line])
        TEST.empty(f"{kind}: as by seconds since it began",
                   [] if pictures[0] == pictures[1] and len(pictures[0]) > 10 else
                   [f"{len(pictures[0])} and {len(pictures[1])} lines", *pictures[0][:3]])


def check_days():
    make("midnight.dat", 60, (0, epoch("2026-11-29T23:59:30+00:00")))
    near("over midnight", part("midnight.dat", "--from", "23:59:50", "--to", "00:00:10"),
         wall_ms(20), wall_ms(40))
    near("over midnight, of the begin's day and the end's", part(
        "midnight.dat", "--from", "23:00", "--to", "01:00"), 0, 60000)
    make("long.dat", 30 * 3600, (0, epoch("2026-11-29T08:00:00+00:00")))
    near("more than a day, a time that comes once", part(
        "long.dat", "--from", "15:00"), wall_ms(7 * 3600), 30 * 3600e3)
    refused("a time that comes twice", part("long.dat", "--from", "10:00"),
            "'10:00' is twice in it, at 2026-11-29T10:00:00.000000+00:00 (@",
            "2026-11-30T10:00:00.000000+00:00 (@", "say which")
    near("with a date, it comes once", part("long.dat", "--from", "2026-11-30T10:00"),
         wall_ms(26 * 3600), 30 * 3600e3)


def check_summer_time():
    zone = "Europe/Berlin"
    make("autumn.dat", 4 * 3600, (0, epoch("2026-10-25T01:00:00+02:00")))
    refused("the hour that summer time repeats", part("autumn.dat", "--from", "02:30", zone=zone),
            "at 2026-10-25T02:30:00.000000+02:00", "and 2026-10-25T02:30:00.000000+01:00")
    near("each of both, with the offset", part(
        "autumn.dat", "--from", "02:30+02:00", "--to", "2026-10-25T02:30+01:00", zone=zone),
         wall_ms(5400), wall_ms(9000))
    near("elsewhere it is not repeated", part("autumn.dat", "--from", "00:30"), wall_ms(5400),
         4 * 3600e3)
    make("early.dat", 3600, (0, epoch("2026-10-25T02:00:00+02:00")))
    near("one of both, if the other is not in the recording", part(
        "early.dat", "--from", "02:30", zone=zone), wall_ms(1800), 3600e3)
    make("spring.dat", 4 * 3600, (0, epoch("2026-03-29T01:00:00+01:00")))
    near("a time that summer time leaves out is when the clock went on", part(
        "spring.dat", "--from", "02:30", "--to", "03:30", zone=zone), wall_ms(3600), wall_ms(5400))


def check_set_clock():
    noon = epoch("2026-11-29T12:00:00+00:00")
    make("back.dat", 100, (0, noon), (50, noon + 40 * SECOND))
    refused("a clock that was put back by 10 s shows some times twice", part(
        "back.dat", "--from", "12:00:45"), "is twice in it", "(@1037.8", "(@1047.8")
    near("others once", part("back.dat", "--from", "12:00:30", "--to", "12:01:20"),
         wall_ms(30), 50000 + wall_ms(40))
    make("ahead.dat", 100, (0, noon), (50, noon + 3650 * SECOND))
    near("a time that a clock left out is when it was put forward", part(
        "ahead.dat", "--from", "12:30", "--to", "13:01"), 50000, 50000 + wall_ms(10))
    near("times before that, and behind", part(
        "ahead.dat", "--from", "12:00:10", "--to", "13:01:10"), wall_ms(10), 50000 + wall_ms(20))
    _, out, _ = run("report", "ahead.dat")
    TEST.empty("the head says that it was set", [] if
               "after the boot; the wall clock was set meanwhile" in " ".join(out.split()) else [out])


def check_no_wall_clock():
    """Files without ties, or whose ties are garbage"""
    make("old.dat", 100)
    why = "it does not tell the wall clock, as recordings of trace-cmd"
    refused("an older file has no wall clock", part("old.dat", "--from", "17:15"), why)
    near("but the time since the boot", part("old.dat", "--from", "boot:1010"), 10000, 100000)
    _, out, _ = run("report", "old.dat")
    TEST.empty("and its head tells no begin", [line for line in out.splitlines()
                                               if line.startswith("Begin ")])
    good = pathlib.Path("plain.dat").read_bytes()
    at = good.index(b"kvs-ties")
    for words, place, value in (
            ("another tag", 0, b"kvs-TIES"), ("no ties", 8, struct.pack("<I", 0)),
            ("an odd number of them", 8, struct.pack("<I", 1)),
            ("more than there are", 8, struct.pack("<I", 4)),
            ("another size of each", 12, struct.pack("<I", 24)),
            ("time that goes back", 16, struct.pack("<Q", 2**61)),
            ("a wall clock without end", 40, struct.pack("<Q", 2**64 - 1))):
        bad = bytearray(good)
        bad[at + place:at + place + len(value)] = value
        pathlib.Path("bad.dat").write_bytes(bad)
        refused(f"garbage tells nothing: {words}", part("bad.dat", "--from", "17:15"), why)


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for check in (check_forms, check_values, check_head, check_trace_cmd, check_commands,
                      check_days, check_summer_time, check_set_clock, check_no_wall_clock):
            check()
    print(f"1..{TEST.number}")


if __name__ == "__main__":
    main()

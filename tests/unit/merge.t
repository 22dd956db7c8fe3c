#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kvmsched merge on synthetic recordings, whose events say at which time of the host they
happened: trace-cmd shows them there, and whatever does not fit is refused.

usage: merge.t            (O: the build folder, as for make)"""
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import tap  # noqa: E402
from tool import FORMATS, KVMSCHED, O  # noqa: E402

TEST = tap.Tap()


def run(*words, path=None):
    """Status, standard output with each table in one piece, and standard error of a command."""
    environ = dict(os.environ, LC_ALL="C.UTF-8", COLUMNS="1000", **({"PATH": path} if path else {}))
    done = subprocess.run([str(word) for word in words], env=environ, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stdout, done.stderr


def merge(*words, **more):
    return run(KVMSCHED, "merge", *words, **more)


def same(name, got, expected):
    TEST.empty(name, [] if got == expected else [f"got {got!r}", f"expected {expected!r}"])


def merged(name, *words):
    """What a merge says in JSON; it has to succeed."""
    status, out, err = merge("--json", *words)
    TEST.empty(name, [] if not status and not err else [f"status {status}: {err}"])
    return json.loads(out)


def refused(name, words, *parts, status=1, lines=2, **more):
    """A refusal has the parts in its message, a hint, and leaves no folder."""
    got, out, err = merge(*words, "-o", "refused", **more)
    wrong = [f"its message lacks '{part}': {err}" for part in parts if part not in err]
    if got != status:
        wrong.append(f"status {got}, not {status}")
    if out:
        wrong.append(f"it prints: {out}")
    if err.count("\n") != lines or err.count("\nkvmsched: hint: ") != lines - 1:
        wrong.append(f"not a message and a hint: {err}")
    if os.path.exists("refused"):
        wrong.append("it leaves a folder")
        shutil.rmtree("refused")
    TEST.empty(name, wrong)


def shown(folder, *guests):
    """The lines of trace-cmd report: file, CPU, time in ns, what happened"""
    files = [word for name in ("host.dat", *guests) for word in ("-i", f"{folder}/{name}")]
    status, out, err = run("trace-cmd", "report", "-t", *files)
    assert not status, err
    for line in out.splitlines():
        match = re.match(r" *(\S+): .*\[(\d+)\] +(\d+)\.(\d{9}): (.*)", line)
        if match:
            yield match[1], int(match[2]), int(match[3] + match[4]), match[5]


def wrong_times(lines, events, most=0):
    """Lines of guests that stand at another time than the host's, or out of order."""
    last = found = 0
    for name, _, time, what in lines:
        if time < last:
            yield f"{name}: {time} stands after {last}"
        last = time
        match = re.search(r"host (\d+)\.(\d+)$", what)
        if not match:
            continue
        found += 1
        if abs(time - int(match[1] + match[2])) > most:
            yield f"{name}: shown at {time}: {what}"
    if found != events:
        yield f"{found} events of guests, not {events}"


def pages(path):
    """All pages of a version 6 file: the CPUs' data, one after the other"""
    data = pathlib.Path(path).read_bytes()
    clock = b"\x09\0\0\0\0\0\0\0[x86-tsc]"
    table = data.index(b"flyrecord\0") + len(b"flyrecord\0")
    cpus = (data.index(clock, table) - table) // 16
    for cpu in range(cpus):
        at, size = struct.unpack_from("<QQ", data, table + 16 * cpu)
        yield data[at:at + size]


def check_merged():
    found = merged("two guests at once", "host.dat", "one.dat", "two.dat", "-o", "both")
    one, two = found["guests"]
    same("the VM without a name", (one["vm_name"], one["pid"]), (None, 4800))
    same("the VM with a name", (two["vm_name"], two["pid"]), ("web1", 4700))
    same("each CPU is the vCPU that causality allows",
         [(cpu["cpu"], cpu["vcpu"], cpu.get("tid")) for cpu in two["cpus"]],
         [(0, 1, 4712), (1, None, None), (2, 0, 4711)])
    same("all events are in guest mode",
         [(cpu["events"], cpu["in_guest_mode"], cpu["not_told"]) for cpu in one["cpus"]],
         [(798, 798, 0)])
    same("the interval is what lies between events and exits",
         (one["later_ns_from"], one["later_ns_to"]), (-100, 100))
    cpu = one["cpus"][0]
    same("... and so as offsets, around that of KVM",
         (cpu["tsc_offset_from"], cpu["tsc_offset"], cpu["tsc_offset_to"]),
         (-30000000200, -30000000000, -29999999800))
    TEST.empty("trace-cmd shows each event at the time that it had on the host",
               wrong_times(shown("both", "one.dat", "two.dat"), 3 * 798))
    for name in "one.dat", "two.dat":
        same(f"the pages of {name} are as they were", list(pages(f"both/{name}")),
             list(pages(name)))
    same("those of the host, too", list(pages("both/host.dat")), list(pages("host.dat")))
    options = run("trace-cmd", "dump", "--options", "-i", "both/host.dat")[1]
    same("the host names each guest once, by the id of its trace",
         re.findall(r"^(\S*) \[Guest name\]\n0x0*(\S+) \[trace id\]", options, re.M),
         [(name, guest["trace_id"][2:].lstrip("0").upper())
          for name, guest in (("", one), ("web1", two))])
    same("the report on the host's recording is the same",
         run(KVMSCHED, "report", "--json", "both/host.dat")[1],
         run(KVMSCHED, "report", "--json", "host.dat")[1])
    same("... and has what the header says of directed yields",
         json.loads(run(KVMSCHED, "report", "--json", "both/host.dat")[1])["directed_yields"],
         [{"pid": 4700, "vms": 1, "attempted": 400, "successful": 12}])
    for name in "host.dat", "both/host.dat":
        status, _, err = run("trace-cmd", "report", "-i", name)
        same(f"trace-cmd reads {name} without a complaint", (status, err), (0, ""))


def check_text():
    status, out, _ = merge("host.dat", "one.dat", "-o", "text")
    same("as text, it succeeds", status, 0)
    same("the table", re.findall(r"^ +0  .*", out, re.M),
         ["  0     0  4811     798            798         0     -30000000200  "
          "-30000000000  -29999999800"])
    TEST.empty("the interval in words", [] if "could be up to 100 ns earlier or up to 100 ns "
               "later and still lie in guest mode" in " ".join(out.split()) else [out])
    command = out.splitlines()[-1]
    same("its last line is a command that shows them", run(*command.split())[0], 0)


def check_scaled():
    found = merged("a guest whose TSC is scaled", "scaled-host.dat", "scaled.dat", "-o",
                   "scaled")
    same("the interval of a scaled TSC",
         [found["guests"][0][key] for key in ("later_ns_from", "later_ns_to")], [-100, 100])
    same("as offsets, in cycles of the guest's TSC",
         found["guests"][0]["cpus"][0]["tsc_offset_to"], -1000000000 + 250)
    # Half a cycle is what the guest's TSC itself leaves open.
    TEST.empty("trace-cmd shows its events at their times, for 4 s",
               wrong_times(shown("scaled", "scaled.dat"), 2 * 798, most=1))


def check_ahead():
    """A TSC that is set ahead while both record"""
    # Between a loss and the change that was told then: four turns, or five where a turn
    # began while the other vCPU's record was missing
    events, late = 2 * 798, (4 * 2, 5 * 2)
    found = merged("a TSC that was set ahead", "ahead-host.dat", "ahead.dat", "-o", "ahead")
    guest, = found["guests"]
    same("all its events are in guest mode, each by the offset of its time",
         [(cpu["in_guest_mode"], cpu["not_told"], cpu["not_joined"]) for cpu in guest["cpus"]],
         2 * [(798, 0, 0)])
    changes = [cpu["tsc_changes"] for cpu in guest["cpus"]]
    same("the change is told: when, from which offset, to which",
         [[(0 < it["at_ns"] < 4 * 10 ** 9, it["from"], it["to"]) for it in its] for its in changes],
         2 * [[(True, -7000000000, -1000000000)]])
    same("its interval", (guest["later_ns_from"], guest["later_ns_to"]), (-100, 100))
    TEST.empty("trace-cmd shows them at the times that they had on the host",
               wrong_times(shown("ahead", "ahead.dat"), events))
    merged("... also one whose rate was changed with it", "rate-host.dat", "rate.dat", "-o",
           "rate")
    TEST.empty("trace-cmd shows those, too", wrong_times(shown("rate", "rate.dat"), events, most=1))
    found = merged("the host lost when it was", "late-host.dat", "ahead.dat", "-o", "late")
    same("what may have either offset is not joined",
         [(cpu["in_guest_mode"], cpu["not_joined"]) for cpu in found["guests"][0]["cpus"]],
         [(798 - nr, nr) for nr in late])
    out = " ".join(merge("late-host.dat", "ahead.dat", "-o", "late-text")[1].split())
    same("the text says so", "changed 1 time while the host recorded: each event is joined by the "
         f"offset of its time. {sum(late)} events are not joined" in out, True)
    wrong = list(wrong_times(shown("late", "ahead.dat"), events))
    same("trace-cmd shows all others where they were, and these where the TSC was changed",
         (len(wrong), len({re.search(r"shown at (\d+)", line)[1] for line in wrong})),
         (sum(late), 2))
    refused("the host lost nothing: such events are of another guest",
            ["sure-host.dat", "ahead.dat"], "12 of its 1596 events lie outside of guest mode")
    shifted = patched("shifted-host.dat", "ahead-host.dat", struct.pack("<q", -7000000000),
                      struct.pack("<q", -7000002000), times=2)
    refused("the offset before was another one, by 1 µs", [shifted, "ahead.dat"],
            "lie outside of guest mode")


def pages_of(path):
    """Pages of each CPU"""
    return [[data[at:at + 4096] for at in range(0, len(data), 4096)] for data in pages(path)]


def wrong_part(part, whole, begin, end):
    """Is one CPU's part all pages with a time of these, one after the other, and no other?
    A page goes on until the next one begins."""
    times = [struct.unpack_from("<Q", page)[0] for page in whole]
    wanted = [page for page, time, until in zip(whole, times, times[1:] + [end]) if
              time < end and until > begin]
    # One that begins exactly then ends the one before it.
    if part != wanted:
        yield f"{len(part)} pages, not {len(wanted)} of {len(whole)}"


def check_excerpt():
    """A part of the time, a VM, a vCPU: what the folder has of the pages"""
    cycles, zero = 2, 100 * 10 ** 9 * 2
    begin, end = (zero + ms * 10 ** 6 * cycles for ms in (2, 6))
    window = "--from", "2ms", "--to", "6ms"
    found = merged("a part of the time", "host.dat", "one.dat", "two.dat", *window, "-o", "part")
    same("it tells which", found["excerpt"], {"from_ns": 2000000, "to_ns": 6000000})
    whole = json.loads(merge("--json", "host.dat", "one.dat", "two.dat", "-o", "whole")[1])
    same("... and proves as much as the whole",
         [[guest[key] for key in ("later_ns_from", "later_ns_to", "cpus")]
          for guest in found["guests"]],
         [[guest[key] for key in ("later_ns_from", "later_ns_to", "cpus")]
          for guest in whole["guests"]])
    wrong, nr = [], []
    for name, offset in (("host", 0), ("one", -30000000000), ("two", -1000000000)):
        for cpu, (part, all_) in enumerate(zip(pages_of(f"part/{name}.dat"),
                                               pages_of(f"{name}.dat"))):
            wrong += [f"{name}, CPU {cpu}: {line}" for line in
                      wrong_part(part, all_, begin + offset, end + offset)]
            nr.append((len(part), len(all_)))
    TEST.empty("it has all pages with a time of these, as they were, and no others", wrong)
    same("some pages are left out, and some are not",
         (any(0 < part < all_ for part, all_ in nr), sum(part < all_ for part, all_ in nr) >= 6),
         (True, True))
    events = sum(len(re.findall(rb"host \d+\.\d{9}", data)) for name in ("one", "two")
                 for data in pages(f"part/{name}.dat"))
    TEST.empty("trace-cmd shows each event at its time",
               wrong_times(shown("part", "one.dat", "two.dat"), events))
    told = [json.loads(run(KVMSCHED, "report", "--json", name)[1])["directed_yields"] is None
            for name in ("whole/host.dat", "part/host.dat")]
    same("what KVM counted in all of it is not told of a part", told, [False, True])
    out = merge("host.dat", "one.dat", "--from", "2ms", "-o", "rest")[1]
    same("the text says so", "only pages of 0.002000 s" in out, True)
    found = merged("one VM of two", "host.dat", "one.dat", "two.dat", "--vm", "web1", "-o", "vm")
    same("it alone is there", (sorted(os.listdir("vm")), len(found["guests"])),
         (["host.dat", "two.dat"], 1))
    found = merged("one vCPU of two", "host.dat", "two.dat", "--vcpu", "0", "-o", "vcpu")
    same("JSON says so", found["only_vcpu"], 0)
    same("the other CPUs have no pages", [len(cpu) > 0 for cpu in pages_of("vcpu/two.dat")],
         [False, False, True])
    same("those of it are as they were", pages_of("vcpu/two.dat")[2], pages_of("two.dat")[2])
    merged("from before a VM was made", "born-host.dat", "born.dat", "--from", "1us", "-o", "born")
    same("all of it is there", pages_of("born/born.dat"), pages_of("born.dat"))
    whole = pathlib.Path("two.dat").read_bytes()
    pathlib.Path("zero.dat").write_bytes(whole[:-4096] + bytes(4096))
    merge("host.dat", "zero.dat", "--from", "2ms", "-o", "zero")
    merge("host.dat", "two.dat", "--from", "2ms", "-o", "nonzero")
    same("a page whose time makes no sense takes no other one away",
         [cpu[:-1] for cpu in pages_of("zero/zero.dat")],
         [cpu[:-1] for cpu in pages_of("nonzero/two.dat")])
    refused("no guest of that VM", ["host.dat", "one.dat", "--vm", "web1"],
            "none of the guests is of VM web1")
    refused("no guest with that vCPU", ["host.dat", "one.dat", "--vcpu", "1"],
            "no guest has events of vCPU 1")
    refused("nothing of a guest in that time", ["host.dat", "cpu-tie.dat", "--cpu", "0=1",
                                                "--from", "3"],
            "nothing of it is between --from and --to")
    refused("... nor of the host", ["host.dat", "one.dat", "--from", "100"],
            "nothing to report: it lasts", lines=1)


def check_told():
    refused("one CPU that fits two vCPUs", ["host.dat", "cpu-tie.dat"],
            "vCPUs of VM web1/4700 in more than one way")
    found = merged("... but for the user, who knows", "host.dat", "cpu-tie.dat", "--cpu",
                   "0=1", "-o", "told-cpu")
    same("then it is what was told", found["guests"][0]["cpus"][0]["vcpu"], 1)
    refused("one guest that fits two VMs", ["host.dat", "vm-tie.dat"],
            "more than one VM: 4800, 4900")
    found = merged("... but for the user", "host.dat", "4900=vm-tie.dat", "-o", "told-vm")
    same("then it is the VM that was told", found["guests"][0]["pid"], 4900)
    merged("names and CPUs are told together", "host.dat", "web1=two.dat", "4800=one.dat",
           "--cpu", "web1:0=1", "--cpu", "4800:0=0", "-o", "told-both")
    refused("what the user knows is wrong", ["host.dat", "two.dat", "--cpu", "0=0"],
            "lie outside of guest mode")
    refused("a VM that isn't there", ["host.dat", "web2=two.dat"], "no such VM",
            "it recorded web1/4700, 4800, 4900")
    refused("a vCPU that isn't there", ["host.dat", "web1=two.dat", "--cpu", "0=7"],
            "no vCPU 7")
    refused("a CPU that isn't there", ["host.dat", "4800=one.dat", "--cpu", "3=0"],
            "has no CPU 3")
    refused("of which guest?", ["host.dat", "one.dat", "two.dat", "--cpu", "0=1"],
            "of which guest? Say VM:0=1", status=2)


def check_causality():
    refused("planted: 2 µs later", ["host.dat", "later.dat"], "of VM 4800 399 of its 798",
            "all earlier by 1900 to 2100 ns")
    refused("planted: 2 µs earlier", ["host.dat", "earlier.dat"], "of VM 4800 398 of its 798",
            "all later by 1900 to 2100 ns")
    refused("another boot", ["host.dat", "boot.dat"], "by the TSC offset of VM",
            "of one boot alone")
    refused("a TSC that was set back meanwhile", ["back-host.dat", "two.dat"],
            "804 of its 1596 events are from before its TSC was set back")
    refused("a VM with fewer vCPUs than the guest has CPUs", ["host.dat", "crowd.dat"],
            "has events of 2 CPUs", "no VM with so many vCPUs")
    refused("one guest twice", ["host.dat", "one.dat", "link/one2.dat"],
            "are of the same VM")


def patched(name, source, old, new, times=1):
    """A file whose bytes `old`, so often there, are `new`"""
    data = pathlib.Path(source).read_bytes()
    assert data.count(old) == times and len(old) == len(new)
    pathlib.Path(name).write_bytes(data.replace(old, new))
    return name


def option(number, size):
    """How an option begins in the header of version 6"""
    return struct.pack("<HI", number, size)


def check_hosts():
    """What the host's recording has to tell, taken from it bit by bit"""
    unknown = option(99, 16)
    rate = patched("rate.dat", "host.dat", option(14, 16), unknown)
    merged("the session tells the TSC's rate, if the header doesn't", rate, "one.dat", "-o",
           "session")
    refused("nobody tells it",
            [patched("no-rate.dat", rate, struct.pack("<I", 2000000), bytes(4), times=4),
             "one.dat"], "doesn't tell the rate of its TSC")
    refused("a host with another clock",
            [patched("local-host.dat", rate, b"[x86-tsc]", b"[local]  "), "one.dat"],
            "its time stamps are not those of the TSC", "trace-cmd record -C tsc2nsec")


def check_files():
    refused("another clock", ["host.dat", patched("local.dat", "one.dat", b"[x86-tsc]",
                                                  b"[local]  ")],
            "its clock is 'local'", "trace-cmd record -C x86-tsc")
    refused("a guest without events", ["host.dat", "nothing.dat"], "holds no event")
    refused("a host without kvmsched's events", ["one.dat", "two.dat"],
            "one.dat: tells no vCPU's TSC offset")
    refused("a host without switches",
            ["exits-host.dat", "one.dat"], "classes exit and switch are needed")
    refused("no file", ["host.dat", "none.dat"], "none.dat: No such file", lines=1)
    refused("no trace", ["host.dat", str(FORMATS / "ftrace/print/format")],
            "not a trace.dat file")
    short = pathlib.Path("one.dat").read_bytes()
    pathlib.Path("short.dat").write_bytes(short[:-4096])
    refused("a guest that was cut short", ["host.dat", "short.dat"],
            "ends before its last page")
    pathlib.Path("header.dat").write_bytes(short[:2000])
    refused("... within its header", ["host.dat", "header.dat"], "makes no sense")
    one_cpu = option(8, 4) + struct.pack("<I", 1)
    refused("a guest with instances of tracefs",
            ["host.dat", patched("instances.dat", "one.dat", one_cpu + option(4, 0),
                                 one_cpu + option(3, 0))],
            "holds instances of tracefs beside the main buffer")
    os.mkdir("other")
    shutil.copy("one.dat", "other/host.dat")
    refused("a guest's file of the host's name", ["host.dat", "other/host.dat"],
            "would have the name host.dat")


def check_folder():
    status, _, err = merge("host.dat", "one.dat", "-o", "new.dat")
    same("one file for all is refused, and said why",
         (status, "can't hold the formats of two kernels" in err,
          os.path.exists("new.dat")), (2, True, False))
    os.mkdir("empty")
    merged("an empty folder is taken", "host.dat", "one.dat", "-o", "empty")
    status, _, err = merge("host.dat", "one.dat", "-o", "empty")
    same("a full one is not", (status, "empty is not empty" in err), (1, True))
    pathlib.Path("file").touch()
    status, _, err = merge("host.dat", "one.dat", "-o", "file")
    same("a file is not", (status, "formats of two kernels" in err), (1, True))


def check_versions():
    for name in "host", "one":
        run("trace-cmd", "convert", "-i", f"{name}.dat", "-o", f"{name}7.dat",
            "--file-version", "7", "--compression", "zstd")
    merged("compressed recordings of version 7", "host7.dat", "one7.dat", "-o", "seven")
    same("nothing else is left in the folder", sorted(os.listdir("seven")),
         ["host.dat", "one7.dat"])
    same("their pages are those of version 6", list(pages("seven/one7.dat")),
         list(pages("one.dat")))
    TEST.empty("trace-cmd shows their events at the host's times",
               wrong_times(shown("seven", "one7.dat"), 798))
    refused("version 7 without trace-cmd", ["host.dat", "one7.dat"], "can't run trace-cmd",
            "--file-version 6", path="/nonexistent")


def check_carried():
    """A guest's file that was merged before has a shift, which is not added again."""
    found = merged("a file that has a shift already", "host.dat", "text/one.dat", "-o", "again")
    same("the shift that it has is KVM's", found["guests"][0]["carried"],
         {"samples": 1, "later_ns_from": 0, "later_ns_to": 0})
    TEST.empty("it is applied once", wrong_times(shown("again", "one.dat"), 798))
    same("the trace keeps its id", found["guests"][0]["trace_id"],
         json.loads(merge("--json", "host.dat", "again/one.dat", "-o", "more")[1])
         ["guests"][0]["trace_id"])
    same("in words: the same", "of 1 sample: the same as KVM's." in
         merge("host.dat", "again/one.dat", "-o", "same")[1], True)
    at = struct.pack("<Q", 30000000000)
    moved = struct.pack("<Q", 30000000000 + 2000)
    os.mkdir("moved")
    patched("moved/one.dat", "text/one.dat", at, moved)
    found = merged("a shift that is 1 µs off", "host.dat", "moved/one.dat", "-o", "once")
    same("in words, too", re.findall(r"its times are later than KVM's\nby (.*)\.",
                                     merge("host.dat", "moved/one.dat", "-o", "words")[1]),
         ["1000 to 1000 ns. KVM's takes its place"])
    same("is shown as such", found["guests"][0]["carried"],
         {"samples": 1, "later_ns_from": 1000, "later_ns_to": 1000})
    TEST.empty("and replaced", wrong_times(shown("once", "one.dat"), 798))


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        subprocess.run([O / "unit/merges", FORMATS, "."], check=True)
        os.mkdir("link")
        shutil.copy("one.dat", "link/one2.dat")
        check_merged()
        check_text()
        check_scaled()
        check_ahead()
        check_excerpt()
        check_told()
        check_causality()
        check_hosts()
        check_files()
        check_folder()
        check_versions()
        check_carried()
        os.chdir("/")
    print(f"1..{TEST.number}")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-2.0-only
"""A Linux in which a real trace-cmd records, as users do, on the time line of the host.

merge.py writes the guest's trace.dat itself; here it is as trace-cmd wrote it: compressed,
and in a version of its own.  Under icount, as there."""

import json
import os
import re
import shutil

import host
import linux
import merge
from device import Device

SMP = 2
EVENTS = (*linux.EVENTS, linux.CROWD)
ROOM_KB = 8192
# Its recorders wake all the time, so fewer events stand close to an exit than in merge.
NARROW_NS = 2000
WITH = ("--mem", 256, "--with", "trace-cmd")
# Two tasks for each CPU, and then system calls as fast as they go
PROCS = 2 * SMP
LOAD = (f"spin --quiet --seconds 600 --procs {PROCS} & cfs=$!; "
        "sleep 0.2; mark; sleep 1; mark; end $cfs")
CROWD = "dd if=/dev/zero of=/dev/null bs=1 count=10000 2>/dev/null"


def work(guest, *options):
    """trace-cmd records a load in the guest, with these options; the path of its file"""
    events = " ".join(f"-e {event.replace('/', ':')}" for event in EVENTS)
    guest.say(f"record_begin -b {ROOM_KB} {' '.join(options)} {events}")
    guest.say(LOAD)
    guest.say(CROWD)
    guest.say("record_end")
    guest.say("file_out /tmp/trace.dat")
    file = os.path.join(host.WORK, "guest.dat")
    shutil.copy(os.path.join(guest.folder, "file"), file)
    return file


def record():
    """(recording, the guest's file, {PID: TSC offsets that KVM tells}, how often the emulator
    delivered an interrupt twice)"""
    with linux.Linux(SMP, options=WITH) as guest:
        with host.Recording("-m", "16M") as recording, host.spin(*merge.BESIDE_US):
            file = work(guest, "-C", "x86-tsc")
        told = merge.offsets()
        return recording, file, told, guest.off()


def kernel_count(file):
    """How many events of each CPU the guest's kernel had, by its own statistics, which
    trace-cmd keeps: those that were read by then, and those that were to be read.  Failed
    if one was lost."""
    stats = host.run("trace-cmd", "report", "--stat", "-i", file).stdout
    counts = []
    for cpu in re.split(r"^CPU: ", stats, flags=re.M)[1:]:
        found = dict(re.findall(r"^([a-z ]+): (\d+)$", cpu, re.M))
        if [found["overrun"], found["dropped events"]] != ["0", "0"]:
            raise host.Failed(f"the guest lost events: {cpu}")
        counts.append(int(found["entries"]) + int(found["read events"]))
    return counts


def lines(file):
    """How many events of each CPU `trace-cmd report` shows"""
    text = host.run("trace-cmd", "report", "-i", file).stdout
    cpus = re.findall(r"^ *\S.*-\d+ +\[(\d{3})\] +\S", text, re.M)
    return [cpus.count(f"{cpu:03}") for cpu in range(SMP)]


def as_it_came(tap, file):
    """trace-cmd's own version of the format; how many events each CPU has"""
    with open(file, "rb") as data:
        version = re.match(rb"\x17\x08\x44tracing(\d+)\0", data.read(32))[1]
    events = kernel_count(file)
    tap.equal("tracecmd: the file is one of today's trace-cmd, and whole",
              ("version", int(version), 7),
              ("its lines", lines(file), events),
              ("each CPU has some", min(events) > 100, True))
    return events


def later(file, cycles):
    """The same, with all times moved: in version 6, whose pages are as the kernel wrote them"""
    plain = os.path.join(host.WORK, "plain.dat")
    host.run("trace-cmd", "convert", "-i", file, "-o", plain, "--file-version", 6)
    return linux.later(plain, os.path.join(host.WORK, "later.dat"), cycles)


def planted(tap, recording, file, khz):
    """Moved by nothing, it is taken; by little, refused."""
    merge.merged(recording, later(file, 0), "same")
    for us in merge.PLANTED_US, -merge.PLANTED_US:
        words = merge.merged(recording, later(file, us * khz // 1000), "wrong", status=1)
        found = re.search(r"\d+ of its \d+ events lie outside of guest mode", words)
        tap.ok(found is not None and not os.path.exists(f"{host.WORK}/wrong"),
               f"tracecmd: times that are {us} us later are refused", words)
        tap.note(f"{us} us: {found and found[0]}")


def tasks(tap, recording, file):
    """The parent of those that spin sleeps."""
    guest, = json.loads(host.run(host.KVMSCHED, "report", "guest", "--json", recording.file,
                                 "--guest", file).stdout)["guests"]
    spins = [task for task in guest["tasks"]
             if task["comm"] == "spin" and task["slices"]["sum_ns"] > merge.LONG_NS]
    tap.equal("tracecmd: report guest names the tasks that spin, their policy, and their slices",
              ("policies", [task["policy"] for task in spins], PROCS * ["OTHER nice 0"]),
              ("few slices", [task["pid"] for task in spins if task["slices"]["count"] < 10], []),
              ("none of it in guest mode",
               [task["pid"] for task in spins if not task["slices"]["guest_mode_ns"]], []))


def test(tap):
    with host.module():
        with Device() as device:
            khz = device.info().tsc_khz
        recording, file, told, twice = record()
        tap.equal("tracecmd: each interrupt came once", ("twice", twice, 0))
        events = as_it_came(tap, file)
        merge.placed(tap, "tracecmd", recording, file, events, told, NARROW_NS)
        merge.stock(tap, "tracecmd", events)
        planted(tap, recording, file, khz)
        tasks(tap, recording, file)

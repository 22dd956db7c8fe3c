# SPDX-License-Identifier: GPL-2.0-only
"""A Linux in which a real trace-cmd records, as users do, on the time line of the host.

merge.py writes the guest's trace.dat itself; here it is as trace-cmd wrote it: compressed,
and in a version of its own.  Once it records by the guest's TSC; once by the clock tsc2nsec,
of which trace-cmd makes the TSC and its rate; once by its default, which can't be merged; and
once because the host tells it to, by its agent.

Under icount, as there."""

import contextlib
import json
import os
import re
import shutil
import signal
import struct

import host
import linux
import merge
from device import Device

EVENTS = (*linux.EVENTS, linux.CROWD)
ROOM_KB = 8192
# Its recorders wake all the time, and the CPUs of a guest are two.
NARROW_NS = 2000
WITH = ("--mem", 256, "--with", "trace-cmd")
# Tasks that share the CPUs, and then system calls as fast as they go
PROCS = 4
LOAD = (f"spin --quiet --seconds 600 --procs {PROCS} & cfs=$!; "
        "sleep 0.2; mark; sleep 1; mark; end $cfs")
CROWD = "dd if=/dev/zero of=/dev/null bs=1 count=10000 2>/dev/null"
FEW_SLICES = 10			# each has to have more

CID = 3				# the guest's address
VSOCK = ("--module", "vmw_vsock_virtio_transport",
         "--qemu", "-global", "--qemu", "virtio-mmio.force-legacy=false",
         "--qemu", "-device", "--qemu", f"vhost-vsock-device,guest-cid={CID}")
TIME_SHIFT, UNKNOWN = 12, 999	# options of trace.dat
CARRIED_CYCLES = 10 ** 6


def selected():
    return " ".join(f"-e {event.replace('/', ':')}" for event in EVENTS)


def folder_of(name):
    folder = os.path.join(host.WORK, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


@contextlib.contextmanager
def recorded(name):
    """What the host records beside a guest that works"""
    with host.Recording("-m", "16M", file=f"{name}-host.dat") as recording, \
            host.spin(*merge.BESIDE_US):
        yield recording


def by_itself(guest, clock, *lines_of_shell):
    """(the host's recording, the guest's file) of a guest in which trace-cmd records"""
    with recorded(clock) as recording:
        guest.say(f"record_begin -b {ROOM_KB} -C {clock} {selected()}")
        for line in lines_of_shell:
            guest.say(line)
        guest.say("record_end")
    os.truncate(f"{guest.folder}/file", 0)
    guest.say("file_out /tmp/trace.dat")
    return recording, shutil.copy(f"{guest.folder}/file", f"{folder_of(clock)}/guest.dat")


def by_agent(guest):
    """The same where trace-cmd on the host tells its agent in the guest to record, and to
    synchronize times"""
    folder = folder_of("agent")
    guest.say("trace-cmd agent >/tmp/said 2>&1 & echo 0 >tracing_on; sleep 1")
    words = (f"-o {folder}/trace.dat -e kvm:kvm_entry "
             f"-A traced@{CID} -b {ROOM_KB} {selected()}").split()
    # trace-cmd leaves the clock as it set it.
    with host.settings({f"{host.TRACING}/trace_clock": "local"}), \
            recorded("agent") as recording, host.Child("trace-cmd", "record", *words) as child:
        host.wait_for(lambda: not child.running() or guest.say("cat tracing_on") == ["1"],
                      "the agent")
        guest.say(LOAD)
        guest.say(CROWD)
        child.signal(signal.SIGINT)
        out = child.wait()
    said = guest.say("cat /tmp/said")
    if len(said) != 1:		# that it listens
        raise host.Failed(f"the agent: {said}")
    if "Negotiated kvm time sync protocol" not in out:
        raise host.Failed(f"KVM's offsets were not used: {out}")
    return recording, shutil.move(f"{folder}/trace-traced.dat", f"{folder}/guest.dat")


@contextlib.contextmanager
def vsock():
    """Guests may have a device for vsock."""
    host.run("modprobe", "vhost_vsock")
    try:
        yield
    finally:
        host.run("modprobe", "-r", "vhost_vsock")


def lines(file):
    """How many events of each CPU `trace-cmd report` shows"""
    text = host.run("trace-cmd", "report", "-i", file).stdout
    cpus = re.findall(r"^ *\S.*-\d+ +\[(\d{3})\]", text, re.M)
    return [cpus.count(f"{cpu:03}") for cpu in range(int(max(cpus)) + 1)]


def of_kernel(file):
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


def as_it_came(tap, name, file):
    with open(file, "rb") as data:
        version = re.match(rb"\x17\x08\x44tracing(\d+)\0", data.read(32))[1]
    tap.equal(f"{name}: the file is one of today's trace-cmd, and its own",
              ("version", int(version), 7))


def plain(file):
    """The same in version 6, where pages and options are as they were"""
    path = os.path.join(host.WORK, "plain.dat")
    host.run("trace-cmd", "convert", "-i", file, "-o", path, "--file-version", 6)
    return path


def planted(tap, name, recording, file, khz):
    """Moved by nothing, it is taken; by little, refused."""
    file, moved = plain(file), os.path.join(host.WORK, "moved.dat")
    merge.merged(recording, linux.later(file, moved, 0), "same")
    for us in merge.PLANTED_US, -merge.PLANTED_US:
        linux.later(file, moved, us * khz // 1000)
        words = merge.merged(recording, moved, "wrong", status=1)
        found = re.search(r"\d+ of its \d+ events lie outside of guest mode", words)
        tap.ok(found is not None and not os.path.exists(f"{host.WORK}/wrong"),
               f"{name}: times that are {us} us later are refused", words)
        tap.note(f"{us} us: {found and found[0]}")


def tasks(tap, name, recording, file):
    """The parent of those that spin sleeps."""
    guest, = json.loads(host.run(host.KVMSCHED, "report", "guest", "--json", recording.file,
                                 "--guest", file).stdout)["guests"]
    spins = [task for task in guest["tasks"]
             if task["comm"] == "spin" and task["slices"]["sum_ns"] > merge.LONG_NS]
    tap.equal(f"{name}: report guest names the tasks that spin, their policy, and their slices",
              ("policies", [task["policy"] for task in spins], PROCS * ["OTHER nice 0"]),
              *((f"{task['pid']}: {task['slices']}", (task["slices"]["count"] > FEW_SLICES,
                 task["slices"]["guest_mode_ns"] > 0), (True, True)) for task in spins))


def merges(tap, name, recording, file, told, khz):
    as_it_came(tap, name, file)
    events = lines(file)
    merge.placed(tap, name, recording, file, events, told, NARROW_NS)
    merge.stock(tap, name, events)
    planted(tap, name, recording, file, khz)
    tasks(tap, name, recording, file)
    return events


def change_shift(source, name, change):
    """A copy of a file of version 6, with the option that says how its times become the
    host's changed; the option begins with its number and its size."""
    with open(source, "rb") as file:
        data = bytearray(file.read())
    at = data.index(b"options  \0") + len(b"options  \0")
    while True:
        number, size = struct.unpack_from("<HI", data, at)
        if number == TIME_SHIFT:
            break
        if not number:
            raise host.Failed(f"{source} has no time shift")
        at += 6 + size
    change(data, at)
    path = os.path.join(host.WORK, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def rename(data, at):
    struct.pack_into("<H", data, at, UNKNOWN)


def move(data, at):
    """Of each CPU: the number of samples, their times, offsets and ratios"""
    cpus, = struct.unpack_from("<I", data, at + 18)
    at += 22
    for _ in range(cpus):
        samples, = struct.unpack_from("<I", data, at)
        for sample in range(samples):
            place = at + 4 + 8 * (samples + sample)
            offset, = struct.unpack_from("<q", data, place)
            struct.pack_into("<q", data, place, offset + CARRIED_CYCLES)
        at += 4 + 24 * samples


def joined(recording, file):
    """(what the file's own shift is, all that merge says of events and their places)"""
    guest, = merge.merged(recording, file, "carried")["guests"]
    return guest["carried"], {key: guest[key] for key in
                              ("pid", "later_ns_from", "later_ns_to", "cpus")}


def carried(tap, recording, file, khz):
    """The shift that the file has is compared, and never added."""
    shift, same = joined(recording, file)
    file = plain(file)
    none, without = joined(recording, change_shift(file, "without.dat", rename))
    wrong, moved = joined(recording, change_shift(file, "moved.dat", move))
    # The rate that a file has is rounded.
    off = [wrong[key] - CARRIED_CYCLES * 10 ** 6 / khz for key in ("later_ns_from", "later_ns_to")]
    tap.equal("agent: the file's own time shift is shown, and is KVM's",
              ("has samples", shift["samples"] >= 2, True),
              ("later than KVM's", (shift["later_ns_from"], shift["later_ns_to"]), (0, 0)),
              ("without it", none, None),
              (f"one that is later: {wrong}", max(map(abs, off)) < 2, True))
    tap.equal("agent: and all places are the same without it, or with a wrong one",
              ("without", without, same), ("wrong", moved, same))


def another_clock(tap, recording, file):
    """The one that trace-cmd takes if it isn't told any is not the TSC."""
    words = merge.merged(recording, file, "wrong", status=1)
    tap.ok("its clock is 'local'" in words and "trace-cmd record -C x86-tsc" in words and
           not os.path.exists(f"{host.WORK}/wrong"),
           "local: is refused, with what to do", words)


def with_kvm_clock(tap, khz):
    """The usual guest, whose kernel has its time from KVM"""
    with vsock(), linux.Linux(2, options=(*WITH, *VSOCK)) as guest:
        refused = guest.say(f"! record_begin -C tsc2nsec {selected()}")
        by_tsc = by_itself(guest, "x86-tsc", LOAD, CROWD)
        by_default = by_itself(guest, "local", "sleep 0.1")
        agents = by_agent(guest)
        told = merge.offsets()
        tap.equal("tracecmd: each interrupt came once", ("twice", guest.off(), 0))
    tap.ok(any("TSC to nanosecond is not supported" in line for line in refused),
           "tracecmd: trace-cmd itself refuses tsc2nsec where time comes from KVM", refused)
    another_clock(tap, *by_default)
    events = merges(tap, "x86-tsc", *by_tsc, told, khz)
    tap.equal("x86-tsc: the guest's kernel had as many", ("events", of_kernel(by_tsc[1]), events))
    merges(tap, "agent", *agents, told, khz)
    carried(tap, *agents, khz)


def without_kvm_clock(tap, khz):
    """One that counts time by its TSC alone; its rate, and how fast it loops, it has to be
    told, as it can't measure them where time stands still while the host works."""
    words = f"no-kvmclock tsc=reliable tsc_early_khz={khz} lpj={4 * khz}"
    with linux.Linux(1, options=(*WITH, "--append", words)) as guest:
        by_rate = by_itself(guest, "tsc2nsec", LOAD, CROWD)
        told = merge.offsets()
        tap.equal("tsc2nsec: each interrupt came once", ("twice", guest.off(), 0))
    events = merges(tap, "tsc2nsec", *by_rate, told, khz)
    tap.equal("tsc2nsec: the guest's kernel had as many",
              ("events", of_kernel(by_rate[1]), events))


def test(tap):
    with host.module():
        with Device() as device:
            khz = device.info().tsc_khz
        with_kvm_clock(tap, khz)
        without_kvm_clock(tap, khz)

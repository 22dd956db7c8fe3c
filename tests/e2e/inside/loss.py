# SPDX-License-Identifier: GPL-2.0-only
"""With rings forced too small, records + lost = truth, and all tools say so."""

import mmap
import re
import signal
import struct
import time

import host
import records
from device import Device

# Of the events that a guest determines, by the name in the truth
EVENTS = {"timer_arm": "timer_programs", "timer_expire": "timer_expiries",
          "irq_accept": "accepts", "irq_eoi": "eois"}

CPU1 = "/sys/devices/system/cpu/cpu1/online"
PAGES = 4
DATA = 2			# pages of a ring before its first one with records
FORMAT = f"{host.TRACING}/events/kvmsched/kvmsched_lost/format"
FIELD = re.compile(r"field:.*?(\w+)(?:\[\d+\])?;\s+offset:(\d+);")


def stalled():
    """Rings of 4 pages, and a reader that sleeps meanwhile."""
    with host.Recording("-m", "16K") as recording:
        recording.child.signal(signal.SIGSTOP)
        truths = [host.guest("cpuid", 3000), host.guest("hlt", 400)]
        recording.child.signal(signal.SIGCONT)
        # The reader has made room again: more records, then more losses.
        time.sleep(1)
        recording.child.signal(signal.SIGSTOP)
        truths.append(host.guest("selfipi", 1000, "--vms", 2))
        recording.child.signal(signal.SIGCONT)
    return truths, recording


def hurried():
    """Rings of 4 pages, and a reader that does what it can."""
    with host.Recording("-m", "16K") as recording:
        truths = [host.guest("cpuid", 3000, "--vms", 2)]
    return truths, recording


def offline():
    """The same on a CPU that is offline when the recording ends."""
    with host.Recording("-m", "16K") as recording:
        recording.child.signal(signal.SIGSTOP)
        truths = [host.guest("cpuid", 3000, "--cpu", 1)]
        with host.settings({CPU1: 0}):
            recording.child.signal(signal.SIGCONT)
            recording.stop()
    return truths, recording


def sum_of(truths, key):
    return sum(key(vcpu) for truth in truths for vcpu in truth["vcpus"])


def adds_up(tap, name, truths, summary):
    recorded, lost = summary["records_by_event"], summary["lost_by_event"]
    dropped = host.hits_dropped(summary)
    tap.equal(f"{name}: exit records + lost = KVM's count",
              ("sum", recorded["exit"] + lost["exit"],
               sum_of(truths, lambda vcpu: vcpu["stats"]["exits"])))
    tap.equal(f"{name}: interrupts and timers likewise",
              ("injections with reinjections",
               recorded["irq_inject"] + lost["irq_inject"],
               sum_of(truths, lambda v: v["stats"]["irq_injections"])),
              *((event, recorded[event] + lost[event] +
                 (dropped if event in ("timer_expire", "irq_accept") else 0)
                 >= sum_of(truths, lambda v: v["expect"][what])
                 >= recorded[event] + lost[event], True)
                for event, what in EVENTS.items()))
    tap.equal(f"{name}: switches likewise",
              ("out but for deaths and what lies outside of KVM_RUN",
               recorded["switch_out"] + lost["switch_out"] >=
               sum_of(truths, lambda v: v["nvcsw"] + v["nivcsw"]), True),
              ("in is out less deaths",
               recorded["switch_in"] + lost["switch_in"],
               recorded["switch_out"] + lost["switch_out"] -
               sum_of(truths, lambda v: 1)))
    tap.equal(f"{name}: the loss is known exactly",
              ("lost_exact", summary["lost_exact"], True),
              ("lost", summary["lost"], sum(lost.values())))


def shown(tap, name, recording, summary, marked=True):
    """report, report --json, trace-cmd report and record itself show it.
    trace-cmd marks the record after a loss, if one is there to be marked."""
    text = host.run(host.KVMSCHED, "report", recording.file).stdout
    line = re.search(r"^Lost +([\d,.']+)", text, re.M)
    tap.equal(f"{name}: the report shows the loss",
              ("Lost", line and re.sub(r"\D", "", line[1]),
               str(summary["lost"])))
    tap.ok(f"{summary['lost']} records were lost" in
           recording.child.err,
           f"{name}: record itself says so", recording.child.err)

    lines = host.run("trace-cmd", "report", "-i",
                     recording.file).stdout.splitlines()
    within = sum(int(match[1] or 0) for match in
                 map(records.LOST.search, lines) if match)
    told = sum(int(match[1]) for match in
               (re.search(r"kvmsched_lost: .* event=kvmsched_\w+ "
                          r"count=(\d+)", line)
                for line in lines) if match)
    tap.equal(f"{name}: trace-cmd report shows the loss",
              ("its kvmsched_lost lines", told, summary["lost"]),
              ("marks among the records", within <= told, True),
              ("there are some", within > 0, marked))
    tap.note(f"lost {summary['lost']} of "
             f"{summary['lost'] + summary['records']}; "
             f"trace-cmd marks {within} among the records")


def told_for_others(tap):
    """Nobody reads, and both CPUs' rings are full.  One CPU is offline at the end, and
    the other one's ring says what it lost."""
    told = {}
    with host.affinity({0}), Device() as device:
        started = device.start(pages=PAGES)
        for cpu in 1, 0:
            host.guest("cpuid", 3000, "--cpu", cpu)
        with host.settings({CPU1: 0}):
            device.stop()
            lost = [device.stats(cpu).lost for cpu in (0, 1)]
            with mmap.mmap(device.fd, PAGES * mmap.PAGESIZE, mmap.MAP_SHARED,
                           mmap.PROT_READ, offset=DATA * mmap.PAGESIZE) as ring:
                data = ring[:]
    at = {field: int(offset) for field, offset in FIELD.findall(host.read(FORMAT))}
    for name in re.finditer(rb"kvmsched_\w+\0", data):
        begin = name.start() - at["name"]
        [cpu] = struct.unpack_from("<H", data, begin + at["cpu"])
        [count] = struct.unpack_from("<Q", data, begin + at["count"])
        told[cpu] = told.get(cpu, 0) + count
    tap.equal("loss, both rings full, CPU offline: the other one's tells its losses",
              ("started", started, 0), ("lost by each", min(lost) > 1000, True),
              ("told", told, dict(enumerate(lost))))


def test(tap):
    with host.module():
        told_for_others(tap)
        for name, measure in (("loss, reader stalled", stalled),
                              ("loss, reader hurried", hurried),
                              ("loss, CPU offline", offline)):
            truths, recording = measure()
            summary = recording.report()
            adds_up(tap, name, truths, summary)
            if measure is not hurried:
                tap.ok(summary["lost_by_event"]["exit"] > 1000,
                       f"{name}: there was a loss",
                       f"lost {summary['lost_by_event']}")
                shown(tap, name, recording, summary, measure is stalled)

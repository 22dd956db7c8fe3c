# SPDX-License-Identifier: GPL-2.0-only
"""What kvmsched costs, in instructions: under icount only.

Limits are those of the project's table of figures; what a figure was is
printed in any case.
"""

import os
import re
import time

import host
import icount
from device import Device

# Instructions on the vCPU for an uncut round trip, most that is allowed
RECORDING = {"auto": 150, "kprobe": 500}
IDLE = 2
LEDGER_ALONE, LEDGER_BESIDE = 100, 40
CONSUMER = 60
STEAL = 60
BYTES = 48


def row(tap, name, cost, baseline):
    """A figure without a limit of its own."""
    tap.note(f"{name}: {cost:.1f} instructions over {baseline:.1f}")


def recording(tap, how, baseline):
    with host.module(f"attach={how}"):
        idle = icount.round_trips(("cpuid",))
        tap.within(f"costs: attach={how}: loaded, not recording",
                   idle["cpuid"] - baseline["cpuid"], -IDLE, IDLE,
                   " instructions per exit")
        # All classes but host
        with host.Recording("-m", "16M", "-e", "+steal") as session:
            busy = icount.round_trips()
        tap.equal(f"costs: attach={how}: nothing was lost meanwhile",
                  ("lost", session.report()["lost_by_event"]["exit"], 0))
        tap.within(f"costs: attach={how}: recording a CPUID exit",
                   busy["cpuid"] - baseline["cpuid"], 1, RECORDING[how],
                   " instructions")
        row(tap, f"attach={how}: HLT with timer",
            busy["hlt"] - baseline["hlt"], baseline["hlt"])
        row(tap, f"attach={how}: round trip to userspace",
            busy["pio"] - baseline["pio"], baseline["pio"])
        after = icount.round_trips(("cpuid",))
        tap.within(f"costs: attach={how}: after the recording",
                   after["cpuid"] - baseline["cpuid"], -IDLE, IDLE,
                   " instructions per exit")


def ledger(tap, baseline):
    """The ledgers in the kernel: kept alone, and beside a recording."""
    with host.module(), Device() as device:
        with host.Recording("-m", "16M"):
            ring = icount.round_trip("cpuid")
        device.follow()
        alone = icount.round_trip("cpuid")
        with host.Recording("-m", "16M"):
            both = icount.round_trip("cpuid")
    # Whole ones: a slope is some tenths off.
    tap.within("costs: ledgers alone", round(alone - baseline["cpuid"]), 1,
               LEDGER_ALONE, " instructions per exit")
    tap.within("costs: ledgers beside a recording", both - ring, 1,
               LEDGER_BESIDE, " instructions per exit more")


def ping_pong(n):
    """Instructions of two processes that wake each other n times each: 2n
    wakeups and 2n switches."""
    there, back, told = os.pipe(), os.pipe(), os.pipe()

    def end(first, into, out):
        began = time.process_time_ns()
        for _ in range(n):
            if first:
                os.write(out, b"x")
            os.read(into, 1)
            if not first:
                os.write(out, b"x")
        return time.process_time_ns() - began

    child = os.fork()
    if not child:
        os.write(told[1], str(end(False, there[0], back[1])).encode())
        os._exit(0)
    mine = end(True, back[0], there[1])
    os.waitpid(child, 0)
    total = mine + int(os.read(told[0], 32))
    for fd in (*there, *back, *told):
        os.close(fd)
    return total


def yields(n):
    """Instructions of two real-time processes that yield to each other, n
    times each: 2n switches, and no wakeup."""
    child = os.fork()
    began = time.process_time_ns()
    for _ in range(n):
        os.sched_yield()
    mine = time.process_time_ns() - began
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    return mine


def host_switches(tap):
    """A switch of the host that is no vCPU's, and a wakeup that leads to one."""
    def measure():
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
        costs = icount.slope(yields, 500, 5500), \
            icount.slope(ping_pong, 500, 2500) / 2
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        return costs

    with host.module():
        measure()
        idle = measure()
        for name, classes in (("the default classes", "switch"),
                              ("class steal", "switch,steal")):
            with host.Recording("-e", classes):
                switch, both = (a - b for a, b in zip(measure(), idle))
            tap.within(f"costs: {name}, for each host switch", switch, 1,
                       STEAL, f" instructions over {idle[0]:.0f}")
            tap.note(f"with a wakeup {both:.1f} over {idle[1]:.0f}")


def consumed(n):
    """(instructions of the reader, bytes written) while n exits happen."""
    with host.Recording() as session:
        spool = f"{session.file}.spool"

        def state():
            time.sleep(0.5)  # five of its own looks at the rings
            return (icount.schedstat(session.child.pid),
                    sum(os.path.getsize(os.path.join(spool, name))
                        for name in os.listdir(spool)
                        if name.startswith("cpu")))

        before = state()
        host.guest("cpuid", n)
        after = state()
    return [b - a for a, b in zip(before, after)]


def copied(pages):
    """Instructions to write that many pages to a new file of tmpfs."""
    batch = memoryview(bytearray(256 * 4096))
    with open(os.path.join(host.WORK, "copy"), "wb", buffering=0) as file:
        began = time.thread_time_ns()
        while pages:
            pages -= file.write(batch[:min(pages, 256) * 4096]) // 4096
        return time.thread_time_ns() - began


def consumer(tap):
    few, many = 5000, 45000
    with host.module():
        (work0, bytes0), (work1, bytes1) = consumed(few), consumed(many)
    exits = many - few
    size = (bytes1 - bytes0) / exits
    copying = icount.slope(copied, 256, 1024) / 4096 * size
    work = (work1 - work0) / exits
    tap.within("costs: the reader, beside copying", work - copying, -CONSUMER,
               CONSUMER, " instructions per exit")
    tap.note(f"{work:.1f} in all; copying {size:.1f} bytes takes "
             f"{copying:.1f}")


def record_bytes():
    """Of one exit record in the ring, with the 4 bytes before it."""
    form = host.read(f"{host.TRACING}/events/kvmsched/kvmsched_exit/format")
    ends = [int(offset) + int(size) for offset, size in
            re.findall(r"offset:(\d+);\s*size:(\d+);", form)]
    return 4 + (max(ends) + 3) // 4 * 4


def size(tap):
    """What an uncut round trip takes: in a page, and of a file's growth."""
    def bytes_of(n):
        with host.Recording("-e", "exit") as session:
            host.guest("cpuid", n)
        return os.path.getsize(session.file)

    with host.module():
        tap.within("costs: bytes of a round trip", record_bytes(), 40, BYTES,
                   " bytes")
        grown = icount.slope(bytes_of, 2000, 42000)
    tap.within("costs: growth of the file for each, pages' headers included",
               grown, 40, BYTES, " bytes")


def measured(tap):
    icount.warm_up()
    baseline = icount.round_trips()
    again = icount.round_trips(("cpuid",))
    tap.within("costs: the baseline repeats",
               again["cpuid"] - baseline["cpuid"], -IDLE, IDLE,
               " instructions per exit")
    tap.note("baseline: " + ", ".join(f"{payload} {cost:.1f}" for
                                      payload, cost in baseline.items()))
    for how in RECORDING:
        recording(tap, how, baseline)
    ledger(tap, baseline)
    host_switches(tap)
    consumer(tap)
    size(tap)


def test(tap):
    with host.quiet():
        measured(tap)

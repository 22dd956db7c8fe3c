# SPDX-License-Identifier: GPL-2.0-only
"""What kvmsched costs, in instructions: under icount only.

Limits are those of the project's table of figures; what a figure was is
printed in any case.
"""

import os
import re
import socket
import time
from itertools import repeat

import host
import icount
import vmm
from device import Device

# Instructions on the vCPU for an uncut round trip, most that is allowed.
# CPUID and MSRs are told by the guest's registers, which other exits do not look at.
RECORDING = {"auto": {"cpuid": 107, "rdmsr": 107, "wbinvd": 102},
             "kprobe": {"cpuid": 420, "rdmsr": 420, "wbinvd": 420}}
# The same to userspace, where KVM_RUN ends and begins: with one exit, too
USERSPACE = {how: 1000 + most["cpuid"] - RECORDING["auto"]["cpuid"]
             for how, most in RECORDING.items()}
IDLE = 2
LEDGER_ALONE, LEDGER_BESIDE = 105, 25
TIMES = 3	# each, for limits as near as these
# 6.1-rt counts a second, lazy way to keep preemption off. Each event carries the count:
# its common fields take 12 bytes, and 4 more align the first u64. Each end of a
# tracepoint looks at the count: behind kvm_exit, where preemption is on again, in 10
# instructions more than other kernels, and behind kvm_entry in 3.
LAZY = "common_preempt_lazy_count" in host.read(
    f"{host.TRACING}/events/sched/sched_switch/format")
LAZY_BYTES, LAZY_LOOKS = 8 * LAZY, 13 * LAZY
# The 8 bytes more are a load and a store. Hooks by kprobe look at the count as well:
# KVM_RUN has three of them, with preemption on.
LAZY_RECORDING = {"auto": LAZY_LOOKS + 2 * LAZY, "kprobe": 0}
LAZY_USERSPACE = 30 * LAZY
CONSUMER = 60
# For a switch of the host, and for a wakeup, that concern no vCPU: at most.  From
# the first recording on the kernel asks at each switch whether the two tasks have
# preempt notifiers, as it does anyway while there is a VM.
NOTIFIERS, WAKEUP, STEAL = 15, 30, 60
# For a vCPU's thread that gives up its CPU and gets it back: two records, two notifiers
VCPU_SWITCH, VCPU_STEAL = 650, 1000
# Pipes and forks cost some more or less whenever the memory's layout changes; what is
# measured first may have had a bad one, and then all others are below it (27 were seen).
PIPES = 12
BELOW = -30
# For a softirq that concerns no vCPU: two handlers that return at once
SOFTIRQ = 60
BYTES = 48 + LAZY_BYTES


def row(tap, name, cost, baseline):
    """A figure without a limit of its own."""
    tap.note(f"{name}: {cost:.1f} instructions over {baseline:.1f}")


def recording(tap, how, baseline):
    with host.module(f"attach={how}"):
        # What the kernel does once a module is loaded may interrupt the first of several.
        idle = icount.round_trip("cpuid", TIMES)
        tap.within(f"costs: attach={how}: loaded, not recording",
                   idle - baseline["cpuid"], -IDLE, IDLE, " instructions per exit")
        # All classes but host
        with host.Recording("-m", "16M", "-e", "+steal") as session:
            busy = icount.round_trips()
        tap.equal(f"costs: attach={how}: nothing was lost meanwhile",
                  ("lost", session.report()["lost_by_event"]["exit"], 0))
        for payload, most in RECORDING[how].items():
            tap.within(f"costs: attach={how}: recording an exit of {payload}",
                       busy[payload] - baseline[payload], 1,
                       most + LAZY_RECORDING[how], " instructions")
        row(tap, f"attach={how}: HLT with timer",
            busy["hlt"] - baseline["hlt"], baseline["hlt"])
        tap.within(f"costs: attach={how}: recording a round trip to userspace",
                   busy["pio"] - baseline["pio"], 1,
                   USERSPACE[how] + LAZY_RECORDING[how] + LAZY_USERSPACE,
                   f" instructions over {baseline['pio']:.0f}")
        after = icount.round_trip("cpuid", TIMES)
        tap.within(f"costs: attach={how}: after the recording",
                   after - baseline["cpuid"], -IDLE, IDLE, " instructions per exit")


def ledger(tap, baseline):
    """The ledgers in the kernel: kept alone, and beside a recording."""
    with host.module(), Device() as device:
        with host.Recording("-m", "16M"):
            ring = icount.round_trip("cpuid", TIMES)
        device.follow()
        alone = icount.round_trip("cpuid", TIMES)
        with host.Recording("-m", "16M"):
            both = icount.round_trip("cpuid", TIMES)
    # Whole ones: a slope is some tenths off, and the baseline's as much as it may be off
    # when it is repeated.
    tap.within("costs: ledgers alone", round(alone - baseline["cpuid"]), 1,
               LEDGER_ALONE + LAZY_LOOKS + IDLE, " instructions per exit")
    tap.within("costs: ledgers beside a recording", round(both - ring), 1,
               LEDGER_BESIDE, " instructions per exit more")


def ping_pong(n):
    """Instructions of two processes that wake each other n times each: 2n
    wakeups and 2n switches.

    Here and below, loops that are counted are over repeat(): range() makes a number for
    each turn, and by chance memory for it costs some instructions more or less.
    """
    there, back, told = os.pipe(), os.pipe(), os.pipe()

    def end(first, into, out):
        began = time.process_time_ns()
        for _ in repeat(None, n):
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
    for _ in repeat(None, n):
        os.sched_yield()
    mine = time.process_time_ns() - began
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    return mine


def host_switches(tap):
    """A switch of the host that is no vCPU's, and a wakeup that leads to one."""
    def measure(times=1):
        def switches(n):
            # What comes in between can only add to it.
            return min(yields(n) for _ in range(times))

        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
        # Long enough for the ticks to fall out
        costs = icount.slope(switches, 500, 40500), \
            icount.slope(ping_pong, 500, 20500) / 2
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        return costs

    def check(name, least, most, wakeup):
        switch, both = (a - b for a, b in zip(measure(), idle))
        tap.within(f"costs: {name}, for each host switch", switch, least, most,
                   f" instructions over {idle[0]:.0f}")
        tap.within(f"costs: {name}, for each wakeup", both - switch, BELOW,
                   wakeup, f" instructions over {idle[1] - idle[0]:.0f}")

    measure()
    bare = measure(TIMES)
    with host.module():
        idle = measure(TIMES)
        tap.within("costs: loaded, for each host switch", idle[0] - bare[0],
                   -IDLE, IDLE, f" instructions over {bare[0]:.0f}")
        with host.Recording():
            check("the default classes", 1, NOTIFIERS, WAKEUP)
        check("after a recording", 1, NOTIFIERS, PIPES)
        with Device() as device:
            device.follow()
            check("ledgers", 1, NOTIFIERS, WAKEUP)
        with host.Recording("-e", "+steal"):
            check("class steal", NOTIFIERS, STEAL, WAKEUP)


def vcpu_switches(tap):
    """A switch from a vCPU's thread to another process, and the one back."""
    def yielded(n):
        owner.begin("thread", "give_way", n)
        began = icount.schedstat(owner.pid) + time.process_time_ns()
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
        with open(vmm.GATE, "wb"):
            for _ in repeat(None, n):
                os.sched_yield()
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        owner.end()
        return icount.schedstat(owner.pid) + time.process_time_ns() - began

    def measure():
        tid = owner.ask("thread", "run", 20)	# so that the module knows the vCPU
        os.sched_setscheduler(tid, os.SCHED_FIFO, os.sched_param(50))
        return icount.slope(lambda n: min(yielded(n) for _ in range(TIMES)), 500, 20500)

    os.mkfifo(vmm.GATE)
    with host.module(), vmm.Vmm() as owner, Device() as device:
        measure()
        idle = measure()
        with host.Recording():
            recorded = measure()
        with host.Recording("-e", "+steal"):
            steal = measure()
        device.follow()
        ledger_alone = measure()
    os.unlink(vmm.GATE)
    for name, cost, most in (("the default classes", recorded, VCPU_SWITCH),
                             ("class steal", steal, VCPU_STEAL),
                             ("ledgers", ledger_alone, VCPU_SWITCH)):
        tap.within(f"costs: {name}, for a vCPU's switch out and in", cost - idle, 1, most,
                   f" instructions over {idle:.0f}")


def packets(n):
    """Instructions of a process that sends itself n packets: n softirqs."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as loop:
        loop.bind(("127.0.0.1", 0))
        loop.connect(loop.getsockname())
        began = time.process_time_ns()
        for _ in repeat(None, n):
            loop.send(b"x")
            loop.recv(1)
        return time.process_time_ns() - began


def softirqs(tap):
    """A softirq of the host that takes no vCPU's time."""
    def measure():
        # The shortest of many: without ticks, and what they leave to RCU
        return min(packets(100) for _ in range(50)) / 100

    with host.module():
        measure()
        with host.Recording("-e", "switch,exit,timer"):
            without = measure()
        with host.Recording():
            both = measure()
        with host.Recording("-e", "switch,exit,timer"):
            again = measure()
    # A packet costs some more or less from one recording to the next, where threads of
    # the kernel's own serve a part of it: so much can't be told from what a hook costs.
    moved = abs(again - without)
    tap.within("costs: class irq, for each softirq of the host",
               both - (without + again) / 2, 1 - moved, SOFTIRQ + moved,
               f" instructions over {without:.0f}, its packet's, "
               f"which repeat to {again - without:.1f}")


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
    vcpu_switches(tap)
    softirqs(tap)
    consumer(tap)
    size(tap)


def test(tap):
    with host.quiet():
        measured(tap)

# SPDX-License-Identifier: GPL-2.0-only
"""Load, record, unload, again and again, while guests come and go.

Spinning ones under SCHED_RR and SCHED_FIFO, sleepers in HLT, VMs that are
created, end by themselves and are killed.  That nothing breaks is what the
kernel's log and the guests' own words say.
"""

import contextlib
import os
import signal
import time

import host
from device import Device

SLEEPERS = (
    ("hlt", 10000000, "--vms", 2, "--period-us", 3000),
    ("hlt", 10000000, "--period-us", 400000),
)
# They take the CPU from all but a twentieth of the kernel's own work there,
# which makes each change of hooks wait.
HOGS = (
    ("spin", 0, "--policy", "rr:20", "--cpu", 1, "--controller-prio", 60),
    ("spin", 0, "--policy", "fifo:10", "--cpu", 1, "--controller-prio", 60),
)
PASSING = (
    ("hlt", 10000000, "--vms", 2, "--vcpus", 2),
    ("cpuid", 10000000),
    ("ipi", 50),
    ("pio", 200, "--vms", 2),
)


def start(payload, n, *options):
    return host.Child(host.GUEST, "--quiet", *options, payload, n)


def kill(guest):
    guest.signal(signal.SIGKILL)
    guest.wait(status=None)


def one_cycle(nth, passing):
    """Load, record while a guest is killed and another begins, unload."""
    how = "kprobe" if nth % 2 else "auto"
    with host.module(f"attach={how}"):
        with host.Recording("-e", "all", "-m", "256K") as recording:
            time.sleep(0.3)
            kill(passing.pop(0))
            passing.append(start(*PASSING[nth % len(PASSING)]))
            time.sleep(0.3)
            if nth % 3 == 2:
                # A recorder that is killed, too: the session ends with it.
                kill(recording.child)
        if nth % 3 == 1:
            with host.Ftrace() as ftrace:
                ftrace.enable("kvmsched")
                time.sleep(0.2)
                host.unload()
    return None if nth % 3 == 2 else \
        recording.report()["records_by_event"]["exit"]


@contextlib.contextmanager
def lasting(guests):
    """A thread that is killed needs a CPU to end, which a hog of a higher priority keeps
    from it: so all of them are told to end before any is waited for."""
    with contextlib.ExitStack() as stack:
        started = []
        try:
            for guest in guests:
                started.append(stack.enter_context(start(*guest)))
            yield started
            for guest in started:
                guest.signal(signal.SIGTERM)
            for guest in started:
                guest.wait(status=None)
        finally:
            for guest in started:
                guest.signal(signal.SIGKILL)


def cycles(tap, name, guests, least, seconds):
    exits, devices = [], []
    with lasting(guests) as started:
        passing = [start(*guest) for guest in PASSING[:2]]
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end or len(exits) < least:
                exits.append(one_cycle(len(exits), passing))
                devices.append(os.path.exists("/dev/kvmsched"))
            alive = [guest.running() for guest in started]
        finally:
            for guest in passing:
                kill(guest)
    tap.equal(f"stress: {name}: load, record, unload",
              ("guests alive", alive, [True] * len(guests)),
              ("devices left", any(devices), False),
              ("recordings without exits", exits.count(0), 0))
    tap.note(f"{len(exits)} cycles, exits recorded: {exits}")


def test(tap, seconds=10):
    cycles(tap, "sleepers", SLEEPERS, 3, seconds)
    with host.spared(1):
        cycles(tap, "real-time hogs", SLEEPERS + HOGS, 2, 0)
    with host.module():
        with host.Recording() as recording:
            truth = host.guest("cpuid", 300)
        vcpu = host.vcpu_by_tid(recording.report(), truth["vcpus"][0]["tid"])
        tap.equal("stress: recordings are exact afterwards",
                  ("exits", vcpu["exit_count"],
                   truth["vcpus"][0]["stats"]["exits"]))
        with Device() as device:
            tap.equal("stress: and no vCPU is left behind",
                      ("vCPUs followed", device.info().vcpus, 0))

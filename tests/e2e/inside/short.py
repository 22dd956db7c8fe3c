# SPDX-License-Identifier: GPL-2.0-only
"""Report begins with what is wrong with a guest, or with nothing if nothing is.

Under icount: elsewhere the emulator itself keeps guests from their CPU.
"""

import contextlib
import re
import signal
import time

import cgroup
import host

STOPPED = 0.3  # seconds


def recording_of(name):
    return host.Recording("-e", "+steal", file=f"{name}.dat")


def in_short(recording):
    return recording.report()["in_short"]


def kinds(findings):
    return [finding["kind"] for finding in findings]


def healthy(tap):
    with recording_of("healthy") as recording:
        host.guest("hlt", 300)
    tap.equal("short: nothing stands out of a guest with nothing wrong",
              ("found", in_short(recording), []))


def hog(tap):
    with recording_of("hog") as recording, \
            host.spin(30000, 70000, "--policy", "fifo:50"):
        host.guest("hlt", 300)
    found = in_short(recording)
    tap.equal("short: a hog comes first, by name",
              ("kind", kinds(found)[:1], ["wait"]),
              ("its name", re.findall(r"who had it: (spin)/\d+ \((.*?)\)",
                                      found[0]["sentence"]),
               [("spin", "SCHED_FIFO 50")]))


def stopped(tap):
    with host.running_guest("hlt") as guest, \
            recording_of("stopped") as recording:
        time.sleep(STOPPED)
        guest.signal(signal.SIGSTOP)
        time.sleep(STOPPED)
        guest.signal(signal.SIGCONT)
        time.sleep(STOPPED)
        recording.stop()
    found = in_short(recording)
    tap.equal("short: a VMM that keeps its vCPU out of KVM_RUN",
              ("kind", kinds(found)[:1], ["out"]),
              ("for so long", abs(found[0]["ns"] / 1e9 - STOPPED) < 0.1, True))


@contextlib.contextmanager
def quota(percent):
    """This process, and who is born in it, has so much of a CPU."""
    with cgroup.made("limited"):
        cgroup.write("limited", "cpu.max", cgroup.of_percent(percent))
        cgroup.enter(0, "limited")
        try:
            yield
        finally:
            cgroup.enter(0)


def throttled(tap):
    with recording_of("throttled") as recording, quota(20):
        host.guest("cpuid", 100000)
    found = in_short(recording)
    tap.equal("short: throttling comes first",
              ("kind", kinds(found)[:1], ["throttled"]),
              ("share", 0.5 < found[0]["share"] < 1, True))


def names(tap):
    """The recorder asks for the name of a VM, and --vm takes it."""
    with host.Recording() as recording:
        truth = host.guest("cpuid", 300, "--vms", 2)
    rows = [vcpu["vm_name"] for vcpu in recording.report()["vcpus"]]
    tap.equal("short: VMs are called by their command",
              ("names", rows, ["kvmguest"] * len(truth["vcpus"])),
              ("--vm kvmguest", len(recording.report("--vm", "kvmguest")["vcpus"]),
               len(rows)),
              ("--vm other", recording.report("--vm", "other")["vcpus"], []))


def test(tap):
    with host.module(), host.quiet():
        for part in healthy, hog, stopped, throttled, names:
            part(tap)

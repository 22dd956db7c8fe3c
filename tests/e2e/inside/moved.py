# SPDX-License-Identifier: GPL-2.0-only
"""A vCPU that is moved from CPU to CPU while it runs: nothing of it is lost.

On VMX each move takes its VMCS off the one CPU and loads it on the other.
"""

import contextlib
import os
import time

import host
from vmm import Vmm

N = 300
PERIOD_US = 1000
RESTORED = 4


def move(child):
    """Its threads, from one CPU to the other and back, until it ends; the moves"""
    moves = 0
    while child.running():
        moves += 1
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for tid in os.listdir(f"/proc/{child.pid}/task"):
                os.sched_setaffinity(int(tid), {moves % 2})
        time.sleep(0.003)
    return moves


def by_the_vmm(tap):
    """The VMM sets a timer, and then its vCPU runs on the other CPU, where KVM sets the
    preemption timer once more: the guest has armed nothing."""
    with Vmm(lapic=True) as vmm, host.Recording() as recording:
        tid = vmm.ask("thread", "run")
        for time_of_it in range(RESTORED):
            vmm.ask("thread", "set_timer")
            os.sched_setaffinity(tid, {time_of_it % 2})
            vmm.ask("thread", "run")
    [row] = [row for row in recording.report()["vcpus"] if row["vm"] == vmm.pid]
    tap.equal("moved: a timer that the VMM has set is not the guest's on another CPU",
              ("by the VMM", row["timers"]["armed_by_vmm"], RESTORED),
              ("by the guest", row["timers"]["armed"], 0))
    tap.note(f"{row['timers']['rearmed']} times again by KVM")


def test(tap):
    for how in ("auto", "kprobe"):
        with host.module(f"attach={how}"), host.Recording() as recording:
            argv = host.guest_argv("tscspin", N, "--period-us", PERIOD_US)
            with host.Child(*argv) as child:
                moves = move(child)
                child.wait()
        truth = host.truth_of_guest()["vcpus"][0]
        vcpu = host.vcpu_by_tid(recording.report(), truth["tid"])
        exits = {}
        for exit in vcpu["exits"]:
            exits[exit["reason"]] = exits.get(exit["reason"], 0) + exit["count"]
        promised = truth["expect"]
        tap.equal(f"moved: {how}: what the guest did and KVM counted is recorded",
                  ("exits", vcpu["exit_count"], truth["stats"]["exits"]),
                  *((f"{reason} exits", exits.get(reason, 0), count)
                    for reason, count in promised["exits"].items()),
                  ("timer programmings", vcpu["timers"]["armed"], promised["timer_programs"]),
                  ("of them by the VMM", vcpu["timers"]["armed_by_vmm"], 0),
                  ("injections", sum(irq["injected"] for irq in vcpu["interrupts"]),
                   promised["injections"]),
                  ("EOIs", sum(irq["eoi"] for irq in vcpu["interrupts"]), promised["eois"]),
                  ("ledger's residual", vcpu["residual_ns"], 0))
        migrated = vcpu["switches"]["migrated"]
        tap.ok(10 < migrated <= moves, f"moved: {how}: it was on both CPUs in turns",
               f"{migrated} migrations, {moves} moves")
    with host.module():
        by_the_vmm(tap)

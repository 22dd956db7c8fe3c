# SPDX-License-Identifier: GPL-2.0-only
"""A whole Linux boots as a guest, beside a load and under each policy in turn:
its vCPUs' ledgers close, and are those that the kernel kept."""

import itertools
import os
import time

import host
import ledger
from device import Device

NESTED = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                      "../../lab/nested")
WORDS = "hello from two CPUs"
BREAKPOINT = "Oops: int3"
TURN = 1			# seconds under one policy; a fast boot takes five
POLICIES = (os.SCHED_OTHER, os.SCHED_RR, os.SCHED_FIFO)


def in_turns(device, linux):
    """Its vCPU threads, under each policy in turn until the Linux ends."""
    used = set()
    for policy in itertools.cycle(POLICIES):
        priority = 0 if policy == os.SCHED_OTHER else 10
        for one in device.ledgers():
            try:
                os.sched_setscheduler(one.tid, policy,
                                      os.sched_param(priority))
                used.add(policy)
            except ProcessLookupError:
                pass		# it has just ended
        end = time.monotonic() + TURN
        while time.monotonic() < end:
            if not linux.running():
                return used
            time.sleep(0.1)


def boot(device):
    """(recording, the Linux' status, its console, the policies that it had)"""
    with host.Recording("-e", "+steal", "-m", "16M") as recording, \
            host.spin(*ledger.LOAD, "--cpu", 0), \
            host.Child(NESTED, "--smp", 2, "--append", "loglevel=5", "--",
                       "echo", WORDS) as linux:
        used = in_turns(device, linux)
        console = linux.wait(None, 300)
        return recording, linux.process.returncode, console, used


def emulators_fault(recording, status, said):
    """What the emulator did to the guest, of which the lab saves its own kernel only
    (tests/e2e/README.md); or None"""
    if status and BREAKPOINT in said:
        return "the guest ran a breakpoint that is gone"
    ends = {row["reason"] for vcpu in recording.report()["vcpus"]
            for row in vcpu["userspace_exits"]}
    if status and not said.strip() and "SHUTDOWN" in ends:
        return "the guest's CPU shut down before its kernel's first word"
    return None


def test(tap):
    with host.module(), Device() as device:
        device.follow()
        recording, status, said, used = boot(device)
        fault = emulators_fault(recording, status, said)
        if fault:
            tap.note(f"{fault}; once more")
            recording, status, said, used = boot(device)
    summary = recording.report()
    exits, _ = ledger.told_by_records(recording.file)
    pairs = [(f"vCPU {vcpu['vcpu']}: {what}", got, want)
             for vcpu in summary["vcpus"]
             for what, got, want in ledger.compared(vcpu, exits[vcpu["tid"]])]
    tap.equal("nested: a Linux boots while it is recorded",
              ("its words", WORDS in said or said[-2000:], True),
              ("its status", status, 0),
              ("vCPUs", [vcpu["vcpu"] for vcpu in summary["vcpus"]], [0, 1]),
              ("policies", used, set(POLICIES)),
              ("lost", summary["lost"], 0))
    tap.equal("nested: its ledgers close, as the kernel's own say", *pairs)
    for vcpu in summary["vcpus"]:
        states, wall = vcpu["states_ns"], vcpu["wall_ns"]
        tap.note(f"vCPU {vcpu['vcpu']}: {vcpu['exit_count']} exits, residual "
                 f"{vcpu['residual_ns']} ns of {wall / 1e9:.3f} s: " +
                 ", ".join(f"{state} {100 * ns / wall:.2f} %"
                           for state, ns in states.items()))

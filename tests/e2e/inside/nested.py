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
STALE = "Oops: int3"		# of the guest's kernel: a translation that is out of date
BOOTS, LIMIT = 2, 90		# seconds; a boot takes 5 to 20
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
            host.Child(NESTED, "--smp", 2, "--timeout", LIMIT, "--append", "loglevel=5",
                       "--", "echo", WORDS) as linux:
        used = in_turns(device, linux)
        console = linux.wait(None, 300)
        return recording, linux.process.returncode, console, used


def how_it_ended(recording, status, said):
    ends = {row["reason"] for vcpu in recording.report()["vcpus"]
            for row in vcpu["userspace_exits"]}
    return (f"the guest ended with status {status}" +
            (", by a triple fault" if "SHUTDOWN" in ends else "") +
            (": " + said.strip().splitlines()[-1] if said.strip() else ", without a word"))


def ledgers(tap, recording, nth):
    """They close, whatever became of the guest."""
    summary = recording.report()
    exits, _ = ledger.told_by_records(recording.file)
    pairs = [(f"vCPU {vcpu['vcpu']}: {what}", got, want)
             for vcpu in summary["vcpus"]
             for what, got, want in ledger.compared(vcpu, exits[vcpu["tid"]])]
    tap.equal(f"nested: boot {nth}: its ledgers close, as the kernel's own say",
              ("lost", summary["lost"], 0), *pairs)
    return summary


def test(tap):
    """A boot that the emulator spoils is tried once more: ../README.md"""
    for nth in range(1, BOOTS + 1):
        with host.module(), Device() as device:
            device.follow()
            recording, status, said, used = boot(device)
        summary = ledgers(tap, recording, nth)
        if not status:
            break
        again = STALE in said and nth < BOOTS
        tap.note(how_it_ended(recording, status, said) + ("; once more" if again else ""))
        if not again:
            break
    tap.equal("nested: a Linux boots while it is recorded",
              ("its words", WORDS in said or said[-2000:], True),
              ("its status", status, 0),
              ("vCPUs", [vcpu["vcpu"] for vcpu in summary["vcpus"]], [0, 1]),
              ("policies", used, set(POLICIES)))
    for vcpu in summary["vcpus"]:
        states, wall = vcpu["states_ns"], vcpu["wall_ns"]
        tap.note(f"vCPU {vcpu['vcpu']}: {vcpu['exit_count']} exits, residual "
                 f"{vcpu['residual_ns']} ns of {wall / 1e9:.3f} s: " +
                 ", ".join(f"{state} {100 * ns / wall:.2f} %"
                           for state, ns in states.items()))

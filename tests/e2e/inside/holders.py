# SPDX-License-Identifier: GPL-2.0-only
"""Who the holder of a CPU is: thieves of each policy, a vCPU of the same VM and
one of another, held against what the kernel's own system calls say of them."""

import contextlib
import os
import time

import host
import records
from device import STEAL, Device

# What each spin is started with, and what a report says of it
POLICIES = {
    "other:3": "SCHED_OTHER, nice 3", "batch:1": "SCHED_BATCH, nice 1",
    "idle": "SCHED_IDLE, nice 0", "rr:20": "SCHED_RR 20",
    "fifo:30": "SCHED_FIFO 30",
}
TURNS = 3000, 12000		# us on the CPU, us asleep
EXITS = 20000


def thieves_of(recording):
    """{vCPU's tid: {thief's pid: what is told of it}}"""
    return {vcpu["tid"]: {row["pid"]: row["task"] for row in vcpu["thieves"]
                          if row["task"]}
            for vcpu in recording.report()["vcpus"]}


def ended(tap):
    """A vCPU waits as class steal ends: interrupts of later are not of its wait."""
    events = "irq_vectors/local_timer_entry", "kvmsched/kvmsched_host_irq"
    with host.module(), host.running_guest("spin", "--cpu", 0), \
            host.Ftrace(clock="x86-tsc") as ftrace, Device() as device:
        with host.Recording("-e", "+steal") as recording, \
                host.spin(10 ** 7, 1000, "--cpu", 0, "--policy", "fifo:30"):
            time.sleep(0.5)
            recording.stop()
            host.wait_for(lambda: not device.info().attached & STEAL, "the detaching")
        with host.spin(*TURNS, "--cpu", 0):
            ftrace.enable(*events)
            time.sleep(0.5)
            ftrace.enable(*events, on=0)
        found = records.of_ftrace(ftrace)
    ours = [record for record in found if record.event == "kvmsched_host_irq"]
    thieves = [row["thieves"] for row in recording.report()["vcpus"]]
    tap.equal("holders: nobody waits any more when the class has ended",
              ("the vCPU had thieves", [bool(rows) for rows in thieves], [True]),
              ("there were interrupts", len(found) > len(ours), True),
              ("of the vCPU's own time", bool(ours), True),
              ("of a wait", [record for record in ours if not record["vm"]][:3], []))


def beside():
    """Record a guest of two vCPUs beside all others: what it says, its vCPUs' tids, and
    their thieves."""
    with host.Recording("-e", "+steal", "-m", "16M") as recording:
        truth = host.guest("cpuid", EXITS, "--vcpus", 2, "--cpu", 0)
    return truth, [vcpu["tid"] for vcpu in truth["vcpus"]], thieves_of(recording)


def test(tap):
    ended(tap)
    with contextlib.ExitStack() as stack:
        stack.enter_context(host.module())
        other = stack.enter_context(host.running_guest("spin", "--cpu", 0))
        for policy in POLICIES:
            stack.enter_context(host.spin(*TURNS, "--cpu", 0, "--policy", policy))
        # Who is SCHED_IDLE may not have a turn while the guest runs.
        for _ in range(5):
            truth, tids, told = beside()
            mine = {**told[tids[0]], **told[tids[1]]}
            known = {task["is"] for task in mine.values()
                     if task["relation"] == "other process"}
            if known >= set(POLICIES.values()):
                break
        tap.equal("holders: each policy is told with its priority or nice",
                  *((policy, said in known, True)
                    for policy, said in POLICIES.items()))
        tap.equal("holders: a vCPU of the same VM, one of another, the kernel",
                  ("the other one", told[tids[0]][tids[1]]["relation"],
                   "own vCPU"),
                  ("its process", told[tids[0]][tids[1]]["tgid"],
                   truth["pid"]),
                  ("of another VM", {task["relation"] for pid, task in
                                     mine.items() if pid not in tids and
                                     task["tgid"] == other.pid},
                   {"other VM's vCPU"}))
        kernel = {pid for pid, task in mine.items()
                  if task["relation"] == "kernel thread"}
        tap.equal("holders: threads of the kernel are those without a program",
                  *((pid, os.path.exists(f"/proc/{pid}") and
                     bool(host.read(f"/proc/{pid}/cmdline")), False)
                    for pid in kernel))
        tap.note(f"{len(mine)} holders: " + ", ".join(
            f"{pid} {task['is']} ({task['relation']})"
            for pid, task in sorted(mine.items())))

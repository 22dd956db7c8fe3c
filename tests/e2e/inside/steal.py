# SPDX-License-Identifier: GPL-2.0-only
"""What a guest believes was stolen from it, and what the report says it waited for.

Payload steal reads the steal time that KVM writes into its memory.  By KVM's code
(record_steal_time(), arch/x86/kvm/x86.c) that is the thread's run_delay when it was
loaded last: the second number of its schedstat, which the VMM reads right before the
entry.  The report's waits are measured by kvmsched alone.

Outside KVM_RUN a thread waits, too: the guest hears of it at its next entry.  No quota
throttles here; throttle.py has those waits.
"""

import host
import records

LOOKS, PERIOD_US = 40, 5000
THIEF = (3000, 2000, "--policy", "fifo:50")
PREEMPTED = 0
SHARE, NS = 0.001, 20000	# of the waits, and for each


def wait_ns(record):
    """Under icount a cycle is a nanosecond."""
    preempted = record["kind"] == PREEMPTED
    return record["off_cycles"] if preempted else record["wait_ns"]


def close(ours, theirs, waits):
    return abs(ours - theirs) <= SHARE * theirs + NS * waits


def guest_sees_run_delay(tap, looks):
    """It may lose the CPU between the VMM's look and the entry: then more was stolen."""
    same = sum(look["steal_ns"] == look["waited_ns"] for look in looks)
    less = [look for look in looks if look["steal_ns"] < look["waited_ns"]]
    seen = looks[-1]["steal_ns"] - looks[0]["steal_ns"]
    tap.equal("steal: the guest sees what its thread waited, to the ns",
              ("looks", len(looks), LOOKS),
              ("that see less than schedstat", less, []),
              (f"equal: {same}", same >= LOOKS - 4, True),
              (f"stolen meanwhile: {seen} ns", seen > 30 * 10 ** 6, True))
    tap.note(f"{same} of {len(looks)} looks equal; {seen} ns stolen between the first "
             "and the last")


def report_says_so(tap, told, recording):
    """Each wait that the scheduler counted, and no other; the thread waits once more
    between the end of its counts and its death."""
    switches = [record for record in records.of_file(recording.file, "kvmsched_switch_in")
                if record.tid == told["tid"]]
    counted = [record for record in switches
               if told["tsc_begin"] <= record.ts <= told["tsc_end"]]
    every, ours = sum(map(wait_ns, switches)), sum(map(wait_ns, counted))
    theirs = told["schedstat"]["wait_ns"]
    vcpu = host.vcpu_by_tid(recording.report(), told["tid"])
    ledger = sum(vcpu["states_ns"][state] for state in ("wait_preempted", "wait_woken"))
    tap.equal("steal: the report's waits are as long",
              (f"{len(counted)} waits", len(counted) > 20, True),
              (f"recorded: {ours} ns, schedstat: {theirs}",
               close(ours, theirs, len(counted)), True),
              (f"ledger: {ledger} ns, all that is recorded: {every}",
               close(ledger, every, len(switches)), True))
    tap.note(f"{len(counted)} waits, {ours} ns recorded, {theirs} by schedstat")


def test(tap):
    with host.module(), host.Recording() as recording, host.spin(*THIEF):
        truth = host.guest("steal", LOOKS, "--period-us", PERIOD_US, "--cpu", 0)
    told = truth["vcpus"][0]
    guest_sees_run_delay(tap, told["looks"])
    report_says_so(tap, told, recording)

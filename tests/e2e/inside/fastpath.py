# SPDX-License-Identifier: GPL-2.0-only
"""Exits that KVM's fast path handles on VMX, where a kprobe tells of exits: no handler sees
them, but the next entry.  Their reasons are right and they are marked; and the guest's time
before them is the guest's, by the time stamps of ftrace's kvm_entry and kvm_exit."""

import contextlib

import host
import records

N = 60
PERIOD_US = 1000
# A guest that runs for two periods before each write of its TSC deadline; one whose timer,
# the preemption timer, ends guest mode; and writes of the ICR.  The exit that has to be
# marked, with a long time of the guest's before it
GUESTS = (("deadline-lost", "MSR_WRITE"), ("tscspin", None), ("ipi", None))
FASTPATH = 1 << 5		# KS_EXIT_FASTPATH
# Between ftrace's time stamp and ours is some of KVM's own way, and the handlers of ftrace
# and of the kprobes: 10 us were seen, of guest times of 1 ms.
SLACK_NS = 40000


class Exit:
    """One exit, by ftrace: from its entry on, and until the next one; times in TSC cycles"""

    def __init__(self, entry, exit, following):
        self.reason = records.REASON.search(exit.text)[1]
        self.guest = exit.ts - entry.ts
        self.to_next = following.ts - entry.ts if following else None


def exits_of_ftrace(lines, tid):
    """Of one thread; Failed unless entries and exits take turns"""
    mine = [line for line in lines if line.tid == tid]
    events = [line.event for line in mine]
    if events != ["kvm_entry", "kvm_exit"] * (len(mine) // 2):
        raise host.Failed(f"thread {tid}: entries and exits of ftrace take no turns")
    return [Exit(entry, exit, following) for entry, exit, following in
            zip(mine[::2], mine[1::2], [*mine[2::2], None])]


class Thread:
    """One vCPU: its exit records, and ftrace's"""

    def __init__(self, tid, recording, lines, tsc_khz):
        self.vcpu = host.vcpu_by_tid(recording.report(), tid)
        names = host.reason_names(self.vcpu)
        self.told = [record for record in records.of_file(recording.file, "kvmsched_exit")
                     if record.tid == tid]
        self.reasons = [names.get(record.number("reason")) for record in self.told]
        self.seen = exits_of_ftrace(lines, tid)
        self.khz = tsc_khz

    def ns(self, cycles):
        return cycles * 10 ** 6 // self.khz

    def pairs(self, fast):
        """(record, ftrace's) of those that are marked as the fast path's, or not"""
        return [(record, seen) for record, seen in zip(self.told, self.seen)
                if bool(record["flags"] & FASTPATH) == fast]

    def differences(self):
        """Of each exit's guest time, ns.  A fast one's lasts until the entry after it."""
        return [self.ns(record["guest_cycles"] - (seen.to_next if fast else seen.guest))
                for fast in (True, False) for record, seen in self.pairs(fast)]

    def longest(self, reason):
        """Guest time before one that is marked, ns"""
        return max((self.ns(record["guest_cycles"]) for record, seen in self.pairs(True)
                    if seen.reason == reason), default=0)

    def guest_ns(self):
        """In guest mode by ftrace, what fast exits took in the host included"""
        return self.ns(sum(seen.to_next if record["flags"] & FASTPATH else seen.guest
                           for record, seen in zip(self.told, self.seen)))


def check(tap, payload, reason, threads):
    fast = [(record, seen) for thread in threads for record, seen in thread.pairs(True)]
    shown = sum(exit["count"] for thread in threads for exit in thread.vcpu["exits"]
                if exit["fastpath"])
    worst = max(abs(ns) for thread in threads for ns in thread.differences())
    states = [(thread.vcpu["states_ns"]["guest"], thread.guest_ns(), len(thread.seen))
              for thread in threads]
    tap.equal(f"fastpath: {payload}: reasons and times are ftrace's",
              *((f"reasons of thread {thread.vcpu['tid']}", thread.reasons,
                 [seen.reason for seen in thread.seen]) for thread in threads),
              ("host time of those that are marked",
               [record["host_cycles"] for record, _ in fast if record["host_cycles"]], []),
              ("those that are marked, in the report", shown, len(fast)),
              ("worst difference of guest time, ns", worst <= SLACK_NS or worst, True),
              ("in guest mode, ns; ftrace's; exits",
               [row for row in states if abs(row[0] - row[1]) > SLACK_NS * row[2] / 4], []))
    if reason:
        longest = max(thread.longest(reason) for thread in threads)
        tap.ok(longest > PERIOD_US * 900,
               f"fastpath: {payload}: {reason} is marked, and a period of the guest's is before it",
               f"{longest} ns at most")
    tap.note(f"{len(fast)} of {sum(len(thread.told) for thread in threads)} are the fast "
             f"path's; guest time differs by {worst} ns at most")


def test(tap):
    with host.module("attach=kprobe"), host.Ftrace(clock="x86-tsc") as ftrace, \
            contextlib.ExitStack() as stack:
        ftrace.enable("kvm/kvm_entry", "kvm/kvm_exit")
        recording = stack.enter_context(host.Recording())
        truths = [host.guest(payload, N, "--period-us", PERIOD_US) for payload, _ in GUESTS]
        stack.close()
        ftrace.enable("kvm/kvm_entry", "kvm/kvm_exit", on=0)
        lines = records.of_ftrace(ftrace)
    tsc_khz = recording.report()["tsc_khz"]
    for (payload, reason), truth in zip(GUESTS, truths):
        check(tap, payload, reason, [Thread(vcpu["tid"], recording, lines, tsc_khz)
                                     for vcpu in truth["vcpus"]])

# SPDX-License-Identifier: GPL-2.0-only
"""A vCPU that waits for CPU 0 while CPU 1, which it may use as well, idles at times: held
against ftrace's sched_switch of the same run."""

import contextlib
import glob
import math
import os
import time

import host
import records

DEBUG = "/sys/kernel/debug/sched"
HOG = 30000, 20000		# us on CPU 0, us asleep
BESIDE = 7000, 23000		# the same, of a task on CPU 1
LENGTH = 1.5			# seconds
NEAR_NS = 300000		# a wait by sched_switch, and as it is told


@contextlib.contextmanager
def no_balancing():
    """Nobody moves a task to a CPU that idles: each is taken for one that has just run
    where it is, and no imbalance outweighs that."""
    with contextlib.ExitStack() as stack:
        if not glob.glob(f"{DEBUG}/domains/cpu0/domain*"):
            stack.enter_context(host.settings({f"{DEBUG}/verbose": "Y"}))
        values = {f"{DEBUG}/migration_cost_ns": 2 ** 32 - 1}
        for domain in glob.glob(f"{DEBUG}/domains/cpu*/domain*"):
            values[f"{domain}/cache_nice_tries"] = 10 ** 6
            values[f"{domain}/imbalance_pct"] = 10 ** 6
        stack.enter_context(host.settings(values))
        yield


def stretches(switches, begins, ends):
    """[begin, end] of what one switch begins and a later one ends, in cycles"""
    found, since = [], None
    for switch in switches:
        if since is not None and ends(switch):
            found.append((since, switch.ts))
            since = None
        if begins(switch):
            since = switch.ts
    return found


def common(wait, idle):
    """Cycles of a wait in which CPU 1 idled"""
    return sum(max(0, min(wait[1], end) - max(wait[0], begin)) for begin, end in idle)


def idles(one):
    return one.cpu == 1 and (not one["next_pid"]) != (not one["prev_pid"])


def delays(recording, switches):
    """{ts: ns} of each record that CPU 1 begins to idle or ends that: how far from it
    ftrace's own probe of that switch ran; and of each that tells, as a wait begins,
    whether CPU 1 idles: 0, or without an end where ftrace's had it otherwise.  The
    emulator runs its CPUs in turns, and now and then the other one's turn, of some ms,
    lies between the two probes: a whole wait may be in it."""
    ns = 1e6 / recording.report()["tsc_khz"]
    theirs = [(one.ts, not one["next_pid"]) for one in switches if idles(one)]
    late = {record.ts: min(abs(record.ts - ts) for ts, begins in theirs
                           if begins == record["idle"]) * ns
            for record in records.of_file(recording.file, "kvmsched_idle")
            if record.cpu == 1}
    for record in records.of_file(recording.file, "kvmsched_allowed"):
        before = [begins for ts, begins in theirs if ts <= record.ts][-1:]
        late[record.ts] = 0 if before in ([], [bool(record["idle"] & 2)]) else math.inf
    return late


def compare(recording, switches, late, tid):
    """[(the wait as told, idle ns by sched_switch)] of each wait that both have, but for
    those in which a probe of theirs or ours was late: how many these are"""
    ns = 1e6 / recording.report()["tsc_khz"]
    waits = stretches(switches,
                      lambda one: one["prev_pid"] == tid and
                      str(one["prev_state"]).startswith("R"),
                      lambda one: one["next_pid"] == tid)
    idle = stretches(switches, lambda one: one.cpu == 1 and not one["next_pid"],
                     lambda one: one.cpu == 1 and not one["prev_pid"])
    outs = [one for one in records.of_file(recording.file, "kvmsched_switch_out")
            if one.tid == tid]
    told = sorted((one for one in host.worst(recording.file, "wait", 10000)
                   if one["tid"] == tid), key=lambda one: one["begin_ns"])
    found, left_out = [], 0

    def reach(gap):
        """Cycles: one of the two probes may have run outside of the wait."""
        return gap / ns if math.isfinite(gap) else 0

    for out, moment in zip(outs, told):
        for wait in waits:
            if abs(wait[0] - out.ts) * ns >= NEAR_NS:
                continue
            end = abs((wait[1] - out.ts) * ns - moment["ns"])
            within = [gap for ts, gap in late.items()
                      if wait[0] - reach(gap) - NEAR_NS / ns <= ts <= wait[1] + reach(gap)]
            if end + sum(within) < NEAR_NS:
                found.append((moment, common(wait, idle) * ns))
            else:
                left_out += 1
    return found, left_out


def test(tap):
    with host.module(), host.quiet(), no_balancing(), \
            host.running_guest("spin", "--cpu", 0) as guest, \
            host.Ftrace(clock="x86-tsc") as ftrace, \
            host.spin(*HOG, "--cpu", 0, "--policy", "fifo:30"), \
            host.spin(*BESIDE, "--cpu", 1, "--policy", "fifo:30"):
        for tid in os.listdir(f"/proc/{guest.pid}/task"):
            os.sched_setaffinity(int(tid), {0, 1})
        ftrace.enable("sched/sched_switch")
        with host.Recording("-e", "+steal", "-m", "16M") as recording:
            time.sleep(LENGTH)
            recording.stop()
        ftrace.enable("sched/sched_switch", on=0)
        switches = records.of_ftrace(ftrace)
    [vcpu] = recording.report()["vcpus"]
    late = delays(recording, switches)
    found, left_out = compare(recording, switches, late, vcpu["tid"])
    told = [moment["idle_allowed"]["ns"] for moment, _ in found if moment["idle_allowed"]]
    truth = [idle for _, idle in found]
    off = [abs(mine - its) for mine, its in zip(told, truth)]
    near = sum(gap < NEAR_NS for gap in late.values())
    allowed = vcpu["idle_allowed"]
    [longest] = [moment for moment, _ in found if moment["idle_allowed"] and
                 moment["idle_allowed"]["ns"] == max(told)][:1]
    said = "ms of that CPU 1, allowed to it, was idle"
    tap.equal("idle: a vCPU waits while a CPU that it may use idles, as sched_switch has it",
              (f"{len(found)} waits of both", len(found) > 10, True),
              ("all are known", len(told), len(found)),
              (f"{sum(told)} ns told, {sum(truth):.0f} by sched_switch",
               sum(truth) > LENGTH * 10 ** 8 and
               abs(sum(told) - sum(truth)) < 0.01 * sum(truth), True),
              (f"each of them: {max(off):.0f} ns off at most", max(off) < NEAR_NS, True),
              (f"what both probes tell is near: {near} of {len(late)}",
               near >= 0.9 * len(late), True),
              ("the CPU", allowed["cpu"], 1),
              ("of all its waits", allowed["ns"] >= sum(told) and
               allowed["count"] > 10 and not allowed["unknown_ns"], True),
              ("in words", said in longest["sentence"], True))
    tap.note(f"{left_out} waits left out, as a probe was late; {near} of {len(late)} near")
    tap.note(f"{allowed}; {longest['sentence']}")

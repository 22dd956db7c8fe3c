# SPDX-License-Identifier: GPL-2.0-only
"""Two schedulers at once: a Linux that traces itself, and the host's recording of it.

With nested paging its events lie in guest mode, its tasks' slices are as long as its own
kernel says (merge.py has that at length), and what it believes was stolen from it is what
its vCPU waited.  Without nested paging each of its loads of CR3 is an exit.

Under icount, where only work takes time."""

import csv
import json
import os
import re
import shutil

import cgroup
import host
import linux
import merge
import records
from device import Device

SECONDS = 1			# between the marks of the slices
CROWD = 30000			# events, as merge has them
NARROW_NS = 2000		# merge asks for less, and does more for it
CGROUP = "within"
THIEF = (3000, 2000, "--policy", "fifo:50")
QUOTA = 40			# percent of a CPU
STEALING = 1			# seconds, of each kind
# Ports that nobody in the kernel has: most of the vCPU's time is the VMM's then.
VMM = "dd if=/dev/port of=/dev/null bs=1 skip=4096 count=20000 2>/dev/null"
SHARE = 0.001
WRITE_CR3 = re.compile(r"\breason= *19\b")	# SVM_EXIT_WRITE_CR3; numbers are padded
SWITCH, LOCAL, LOCAL_MM = 0, 2, 3	# reasons of tlb_flush
ALL = 2 ** 64 - 1		# its pages: all of them
PAIRS = 200			# so many loads of CR3 at least are compared


def steal_from(guest):
    """[(what the guest believes, when) before and after each of these]"""
    said = [guest.stolen()]
    with host.spin(*THIEF):
        guest.say(f"spin --quiet --seconds {STEALING}")
        said.append(guest.stolen())
        guest.say(VMM)
    said.append(guest.stolen())
    cgroup.write(CGROUP, "cpu.max", cgroup.of_percent(QUOTA))
    guest.say(f"spin --quiet --seconds {STEALING}")
    cgroup.write(CGROUP, "cpu.max", cgroup.NO_LIMIT)
    said.append(guest.stolen())
    return said


def record():
    """(recording, the guest, its events by CPU, KVM's offsets, what it believes of steal)"""
    with cgroup.made(CGROUP), linux.Linux(1) as guest:
        cgroup.enter(guest.vmm(), CGROUP)
        with host.Recording("-e", "+steal", "-m", "16M") as recording:
            guest.trace(merge.ROOM_KB)
            with host.spin(*merge.BESIDE_US):
                merge.load(guest, SECONDS)
            guest.crowd(CROWD)
            said = steal_from(guest)
            events = guest.stop()
        offsets = merge.offsets()
        guest.off()
    return recording, guest, events, offsets, said


def waits(recording, begin, end):
    """{how the thread came to wait: (ns, how often)} between two times of the monotonic
    clock: what it did before, and whether that was within KVM_RUN"""
    folder = os.path.join(host.WORK, "rows")
    shutil.rmtree(folder, ignore_errors=True)
    host.run(host.KVMSCHED, "export", "--csv", folder, recording.file, "--kinds",
             "waits,slices", "--from", merge.since_boot(begin), "--to", merge.since_boot(end))
    tables = {}
    for table in "recording", "waits", "slices":
        with open(f"{folder}/{table}.csv", encoding="ascii") as file:
            tables[table] = list(csv.DictReader(file))
    zero = int(tables["recording"][0]["begin_monotonic_ns"])
    before = {int(row["end_ns"]): row for row in tables["slices"]}
    found = {}
    for row in tables["waits"]:
        if not begin - zero <= int(row["end_ns"]) < end - zero:
            continue
        slice_ = before.get(int(row["begin_ns"]))
        if row["preempted"] == "0":
            how = "woken"
        elif not slice_:
            how = "preempted"
        else:
            where = "in" if slice_["in_run"] == "1" else "outside of"
            how = f"{slice_['ended_by']}, {where} KVM_RUN"
        ns, count = found.get(how, (0, 0))
        found[how] = ns + int(row["length_ns"]), count + 1
    return found


def by_rows(ways):
    """The same of the rows of an export; of a wait whose slice began before the window, where
    it began is open."""
    found = dict.fromkeys(("in_run_ns", "outside_run_ns", "falling_asleep_ns", "woken_ns"), 0)
    for how, (ns, _) in ways.items():
        kind = ("woken_ns" if how == "woken" else
                "falling_asleep_ns" if how.startswith("aborted") else
                "outside_run_ns" if how.endswith("outside of KVM_RUN") else "in_run_ns")
        found[kind] += ns
    return found


def steal(tap, recording, file, said):
    """What the guest believes was stolen is what its thread waited, in each of its ways."""
    kinds = "a FIFO task", "a FIFO task, while the VMM works", "a quota"
    for what, ((before,), begin), ((after,), end) in zip(kinds, said, said[1:]):
        theirs = after - before
        window = "--from", merge.since_boot(begin), "--to", merge.since_boot(end)
        vcpu, = host.report(recording.file, *window)["vcpus"]
        apart, = merge.stolen(recording, file, *window)
        ledger = vcpu["states_ns"]["wait_preempted"] + vcpu["states_ns"]["wait_woken"]
        ways = waits(recording, begin, end)
        ours = sum(ns for ns, _ in ways.values())
        throttled = sum(row["ns"] for row in vcpu["thieves"] if row["kind"] == "quota")
        room = SHARE * ours + linux.TICK_NS
        rows = by_rows(ways)
        near = SHARE * ours + 10 ** 6		# a wait at either end of the window
        tap.equal(f"steal: {what}: the guest's /proc/stat has what its vCPU waited",
                  (f"stolen {theirs}, waited {ours}", abs(theirs - ours) <= room, True),
                  (f"ledger {ledger}", abs(ledger - ours) <= SHARE * ours + 10 ** 5, True),
                  (f"that is much: {ours}", ours > 10 * linux.TICK_NS, True),
                  (f"told apart: {apart}, by rows {rows}",
                   [key for key, ns in rows.items() if abs(ns - apart[key]) > near], []),
                  (f"all of it: {apart['sum_ns']}", abs(apart["sum_ns"] - ours) <= near, True),
                  ("outside of KVM_RUN, much",
                   apart["outside_run_ns"] > 2 * linux.TICK_NS, what == kinds[1]),
                  (f"throttled, of that: {apart['throttled_ns']}",
                   abs(apart["throttled_ns"] - throttled) <= near, True),
                  (f"throttled, of that: {throttled}",
                   (throttled > 10 * linux.TICK_NS, throttled <= ours + 10 ** 5),
                   (what == "a quota", True)))
        tap.note(f"{what}: {theirs / 1e6:.0f} ms by the guest, {ours - theirs} ns beside it; " +
                 ", ".join(f"{how} {ns} ns in {count}" for how, (ns, count) in
                           sorted(ways.items())) + f"; throttled {throttled} ns")


def cr3_writes(recording):
    """(begin, end) of each exit for one, in cycles of the host's TSC"""
    return [(exit_.ts - exit_["host_cycles"], exit_.ts)
            for exit_ in records.of_file(recording.file, "kvmsched_exit")
            if WRITE_CR3.search(exit_.text)]


def cr3_loads(file, offset):
    """{reason: times} of the guest's events that tell of a load of CR3, in cycles of the
    host's TSC"""
    found = {}
    for event in records.of_file(file, "tlb_flush"):
        reason, pages = event["reason"], event["pages"] % 2 ** 64
        if reason == SWITCH or (reason in (LOCAL, LOCAL_MM) and pages == ALL):
            found.setdefault("a switch" if reason == SWITCH else "a full flush",
                             []).append(event.ts - offset)
    return found


def pairs(writes, loads):
    """How many loads follow the exit of their own, within the first and the last of them;
    and the times where that is not so.  Each is told right after its exit."""
    wrong, at = [], 0
    for load, following in zip(loads, loads[1:] + [None]):
        while at + 1 < len(writes) and writes[at + 1][1] <= load:
            at += 1
        if not writes or writes[at][1] > load:
            wrong.append((load, "no exit before it"))
        elif following is not None and (
                at + 1 >= len(writes) or not load < writes[at + 1][1] <= following or
                (at + 2 < len(writes) and writes[at + 2][1] <= following)):
            wrong.append((load, "not one exit until the next"))
    return len(loads) - len(wrong), wrong


def told_apart(tap, recording, file, offset, writes, loads):
    """The report tells the exits apart as pairs() does, where each load has an exit: of those
    within the guest's trace, each load's, and those of no load."""
    times = [event.ts - offset for event in records.of_file(file, "")]
    within = [begin for begin, _ in writes if times[0] <= begin < times[-1]]
    expected = {what: len(of_kind) for what, of_kind in loads.items()}
    first = min(sum(loads.values(), []))
    # Of the first one, the exit may be earlier than all events, or not the only one.
    if sum(begin < first for begin in within) != 1:
        expected[next(what for what, of_kind in loads.items() if first in of_kind)] -= 1
    guest, = json.loads(host.run(host.KVMSCHED, "report", "guest", "--json", recording.file,
                                 "--guest", file).stdout)["guests"]
    cpu, = guest["cpus"]
    tap.equal("cr3: the report tells apart what these exits were for",
              ("tlb_flush was recorded", guest["tlb_flush_recorded"], True),
              ("exits for CR3", cpu["cr3_exits"], len(within)),
              ("for a switch", cpu["cr3_switches"], expected["a switch"]),
              ("for a full flush", cpu["cr3_flushes"], expected["a full flush"]),
              ("not paired", cpu["cr3_unpaired"], len(within) - sum(expected.values())))
    tap.note("the report: " + ", ".join(f"{key} {value}" for key, value in cpu.items()
                                        if key.startswith("cr3_")))


def cr3(tap):
    """Without nested paging: one exit for each load of CR3, by merged time."""
    with host.kvm_with("npt=0"), host.module():
        with linux.Linux(1) as guest, host.Recording("-m", "16M") as recording:
            guest.trace(merge.ROOM_KB, "tlb/tlb_flush", "sched/sched_switch")
            guest.say("spin --quiet --seconds 1 --procs 2 && mark && ls /proc")
            guest.stop()
            guest.off()
        file = guest.write(os.path.join(host.WORK, "guest.dat"))
        one, = merge.merged(recording, file, "merged")["guests"]
        writes = cr3_writes(recording)
        offset = one["cpus"][0]["tsc_offset"]
        loads = cr3_loads(file, offset)
    every = sorted(sum(loads.values(), []))
    good, wrong = pairs(writes, every)
    tap.equal("cr3: without nested paging, each load of CR3 that the guest tells is one exit",
              (f"{good} of {len(every)}", wrong[:3], []),
              ("enough of them", len(every) >= PAIRS, True),
              ("both kinds", sorted(loads), ["a full flush", "a switch"]))
    told_apart(tap, recording, file, offset, writes, loads)
    within = sum(every[0] < end <= every[-1] for _, end in writes)
    tap.note(f"{within + 1} exits for {len(every)} loads (" +
             ", ".join(f"{what}: {len(times)}" for what, times in sorted(loads.items())) +
             f"), of {len(writes)} in all")


def test(tap):
    with host.module():
        with Device() as device:
            khz = device.info().tsc_khz
        recording, guest, events, offsets, said = record()
        file = guest.write(os.path.join(host.WORK, "guest.dat"))
        merge.placed(tap, "within", recording, file, events, offsets, NARROW_NS)
        merge.planted(tap, "within", recording, guest, khz)
        merge.slices(tap, recording, file)
        steal(tap, recording, file, said)
        exits = {exit_["reason"]: exit_["count"] for exit_ in
                 recording.report()["vcpus"][0]["exits"]}
        tap.equal("cr3: with nested paging, it is no exit",
                  ("exits for writes of CR3", exits.get("write_cr3", 0), 0),
                  ("other exits, any", sum(exits.values()) > 1000, True))
    cr3(tap)

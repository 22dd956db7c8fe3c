# SPDX-License-Identifier: GPL-2.0-only
"""Threads that share vCPUs: one that runs those of two VMs in turn, a pool in which a
vCPU goes from thread to thread with each KVM_RUN, and threads that end before their
vCPU or outlive it."""

import bisect
import collections
import contextlib
import os
import time

import cgroup
import host
import ledger
import records
from device import Device
from vmm import Vmm

N = 500
RUNS, NAPS = 20, 20
OVERWRITES = 5000	# exits, whose records are more than a ring of 64 KiB holds
EXIT_END, BY_ENTRY = 3, 0	# KS_EXIT_END, KS_EXIT_BY_ENTRY


def by_vm(vcpus):
    """[[what is known of vCPU 0, of vCPU 1 ...] of each VM], VMs in any order"""
    vms = {}
    for vm, vcpu, *known in sorted(vcpus):
        vms.setdefault(vm, []).append((vcpu, *known))
    return sorted(vms.values())


def by_thread(found, tids):
    return collections.Counter(record.tid for record in found if record.tid in tids)


def entries_and_switches(recording, lines, loads):
    """[(what, ours by thread, ftrace's)]; switches within KVM_RUN, since out of it another
    thread may have the vCPU"""
    tids = {load.tid for load in loads}
    ends = {tid: [] for tid in tids}	# of KVM_RUNs: from the first on, to the second ...
    for record in sorted(loads + records.of_file(recording.file, "kvmsched_put"),
                         key=lambda record: record.ts):
        ends[record.tid].append(record.ts)

    def within(record):
        return record.tid in tids and bisect.bisect(ends[record.tid], record.ts) % 2

    entries = records.of_file(recording.file, "kvmsched_entry") + [
        exit for exit in records.of_file(recording.file, "kvmsched_exit")
        if exit.number("flags") & EXIT_END == BY_ENTRY]
    return [
        ("entries by thread", by_thread(entries, tids),
         by_thread((line for line in lines if line.event == "kvm_entry"), tids)),
        ("switches out by thread", by_thread(filter(within, records.of_file(
            recording.file, "kvmsched_switch_out")), tids),
         by_thread((line for line in lines if line.event == "sched_switch" and within(line)),
                   tids)),
    ]


def check(tap, name, threads, truth, recording, lines):
    """Returns how many switches within KVM_RUN were compared."""
    summary = recording.report()
    loads = records.of_file(recording.file, "kvmsched_load")
    identities = records.of_file(recording.file, "kvmsched_vcpu")
    ends = len(identities)
    identities = [record for record in identities if not record["features"] & records.GONE]
    ends -= len(identities)
    exits = {(record["vm"], record["vcpu"]): record["exits"]
             for record in records.of_file(recording.file, "kvmsched_ledger")}
    entries, switches = entries_and_switches(recording, lines, loads)
    runs = collections.Counter((load["vm"], load["vcpu"]) for load in loads)
    vcpus = len(truth["vcpus"])
    ledgers = [(f"row {n}: {what}", got, want)
               for n, vcpu in enumerate(summary["vcpus"])
               for what, got, want in ledger.compared(vcpu, vcpu["exit_count"])]
    tap.equal(f"threads: {name}: each vCPU has what it did, and a closed ledger",
              ("lost", summary["lost"], 0),
              ("vCPUs", len(summary["vcpus"]), vcpus),
              ("exits, KVM's and the report's",
               by_vm((row["vm_index"], row["vcpu"], row["exit_count"])
                     for row in summary["vcpus"]),
               by_vm((mine["vm_index"], mine["vcpu"], mine["stats"]["exits"])
                     for mine in truth["vcpus"])),
              ("exits and KVM_RUNs, KVM's and the records'",
               by_vm((*vcpu, count, runs[vcpu]) for vcpu, count in exits.items()),
               by_vm((mine["vm_index"], mine["vcpu"], mine["stats"]["exits"],
                      mine["kvm_run_calls"]) for mine in truth["vcpus"])),
              ("threads that ran them", len({load.tid for load in loads}), threads),
              ("identity records, two for each vCPU at most",
               len(identities) <= 2 * vcpus or len(identities), True),
              ("and one of its VM's end", ends, vcpus),
              entries, switches,
              *ledgers)
    return sum(switches[1].values())


def of_threads(recording, *tids):
    """Of each thread: its switches out, sleeps that is, in the order of time."""
    switches = records.of_file(recording.file, "kvmsched_switch_out")
    return [[record.ts for record in switches if record.tid == tid] for tid in tids]


def handed_on(tap, device):
    """A thread that lives, and one that ends, hand their vCPU on: it stays one, and only
    the thread that has it is told."""
    with Vmm() as vmm:
        with host.Recording() as recording:
            first = vmm.ask("first", "run", RUNS)
            vmm.ask("first", "nap", NAPS)
            second = vmm.ask("second", "run", RUNS)
            vmm.ask("first", "nap", NAPS)
            vmm.ask("second", "end")
            third = vmm.ask("third", "run", RUNS)
            vmm.ask("third", "nap", NAPS)
            kept, exits = device.vcpus(vmm.pid), vmm.exits()
    rows = [row for row in recording.report()["vcpus"] if row["vm"] == vmm.pid]
    loads = [load.ts for load in records.of_file(recording.file, "kvmsched_load")
             if load.tid == second]
    naps, _, last = of_threads(recording, first, second, third)
    tap.equal("threads: a vCPU that is handed on stays one",
              ("ledgers", kept, [third]),
              ("rows", [(row["vcpu"], row["exit_count"]) for row in rows],
               [(0, exits)]),
              (f"exits: {exits}", exits >= 3 * RUNS, True),
              ("sleeps of the first, while it had it", len(naps) >= NAPS, True),
              ("and afterwards", [ts for ts in naps if ts > loads[0]], []),
              ("sleeps of the third", len(last) >= NAPS, True))


def one_after_the_other(tap):
    """A vCPU's thread that ends before another vCPU of the VM first runs: one VM"""
    with Vmm() as vmm:
        with host.Recording() as recording:
            vmm.ask("first", "run", RUNS)
            vmm.ask("first", "end")
            vmm.ask("second", "run", RUNS, vcpu=1)
            exits = vmm.exits()
    rows = [row for row in recording.report()["vcpus"] if row["vm"] == vmm.pid]
    tap.equal("threads: a VM whose first thread ends before its second vCPU runs is one",
              ("vCPUs", sorted(row["vcpu"] for row in rows), [0, 1]),
              ("VMs", {row["vm_index"] for row in rows}, {0}),
              ("exits", sum(row["exit_count"] for row in rows), exits))


def ended_before(tap):
    """A VM whose threads have all ended before it is destroyed, as most have: its end is
    told, once for each vCPU."""
    with Vmm() as vmm:
        with host.Recording() as recording:
            tids = [vmm.ask(name, "run", RUNS, vcpu=vcpu)
                    for vcpu, name in enumerate(("first", "second"))]
            for name in "first", "second":
                vmm.ask(name, "end")
            vmm.close("closer")
    told = [record["vcpu"] for record in records.of_file(recording.file, "kvmsched_vcpu")
            if record.tid in tids and record["features"] & records.GONE]
    rows = [row["vcpu"] for row in recording.report()["vcpus"] if row["vm"] == vmm.pid]
    tap.equal("threads: the end of a VM is told after that of its threads",
              ("once for each vCPU", sorted(told), [0, 1]),
              ("vCPUs", sorted(rows), [0, 1]))


def ended_long_ago(tap):
    """A flight recorder tells at its end also of a vCPU whose thread has ended, since it has
    overwritten what that told itself."""
    with Vmm() as vmm:
        with host.Recording("--overwrite", "-m", "64K") as recording:
            tid = vmm.ask("first", "run", RUNS)
            vmm.ask("first", "end")
            for cpu in range(os.cpu_count()):
                host.guest("cpuid", OVERWRITES, "--cpu", cpu)
    told = [record.event for record in records.of_file(recording.file, "kvmsched_")
            if record.tid == tid]
    tap.equal("threads: a flight recorder tells of a vCPU whose thread ended long ago",
              ("all that is left", told, ["kvmsched_vcpu"]))


def no_room(tap):
    """A thread that goes on to a vCPU for which the table has no room is not the vCPU
    before any more."""
    with host.module("max_vcpus=1"), Device() as device, Vmm() as vmm:
        device.follow()
        with host.Recording() as recording:
            tid = vmm.ask("thread", "run", RUNS)
            vmm.ask("thread", "nap", NAPS)
            vmm.ask("thread", "run_other", RUNS)
            vmm.ask("thread", "nap", NAPS)
            refused = device.info().refused
    [sleeps] = of_threads(recording, tid)
    tap.equal("threads: a vCPU without room is not told as the one before",
              ("refused", refused > 0, True),
              ("sleeps, all before it", NAPS <= len(sleeps) < 2 * NAPS or len(sleeps), True))


def outlived(tap):
    """A thread whose VM has ended is no vCPU's, and takes no room in the tables."""
    with host.module("max_vcpus=2"), Device() as device, Vmm() as first, \
            Vmm() as second, Vmm() as third, Vmm() as fourth:
        device.follow()
        with host.Recording() as recording:
            for vmm in first, second:
                vmm.ask("thread", "run", RUNS)
                vmm.close("thread")
                tid = vmm.ask("thread", "nap", NAPS)
            time.sleep(0.5)	# a grace period
            for vmm in third, fourth:
                vmm.ask("thread", "run", RUNS)
            kept, info = [one.tgid for one in device.ledgers()], device.info()
    [end] = [record.ts for record in records.of_file(recording.file, "kvmsched_vcpu")
             if record.tid == tid and record["features"] & records.GONE]
    [sleeps] = of_threads(recording, tid)
    tap.equal("threads: one that outlives its VM",
              ("sleeps told after the VM's end", [ts for ts in sleeps if ts > end], []),
              ("ledgers", sorted(kept), sorted([third.pid, fourth.pid])),
              ("vCPUs", info.vcpus, 2), ("refused", info.refused, 0))


@contextlib.contextmanager
def no_more_threads(pid):
    """The process has as many threads as its cgroup may have."""
    with cgroup.made("crowd", controller="pids"):
        cgroup.enter(pid, "crowd")
        cgroup.write("crowd", "pids.max", len(os.listdir(f"/proc/{pid}/task")))
        try:
            yield
        finally:
            cgroup.enter(pid)


def attempts(vmm):
    """Of KVM_RUNs that may fail before vcpu_load(), each followed by another ioctl: the
    records of the thread, and the exits that KVM counted."""
    with host.Recording() as recording:
        tid = vmm.ask("thread", "attempt", RUNS)
    told = [record.event for record in
            records.of_file(recording.file, "kvmsched_load", "kvmsched_put",
                            "kvmsched_exit", "kvmsched_vcpu") if record.tid == tid]
    return collections.Counter(event.replace("kvmsched_", "") for event in told), vmm.exits()


def refused(tap, device):
    """From 6.12 on a VM's first KVM_RUN starts a thread of KVM's in the VMM, before
    vcpu_load().  Where its cgroup has no room, KVM_RUN fails, and no vcpu_put() comes."""
    with Vmm() as vmm:
        vmm.ask("thread", "nap")
        with no_more_threads(vmm.pid):
            told, exits = attempts(vmm)
            kept = device.vcpus(vmm.pid)
        if exits:
            tap.note("KVM starts no thread in the VMM's cgroup here, so no KVM_RUN fails")
            return
        tap.equal("threads: of a KVM_RUN that fails before vcpu_load() nothing is told",
                  ("records", dict(told), {}), ("ledgers", kept, []))
        told, exits = attempts(vmm)
        runs = RUNS if exits else 0
        tap.equal("threads: afterwards each KVM_RUN that is one is told, and no other ioctl",
                  ("loads", told["load"], runs), ("puts", told["put"], runs),
                  ("exits, KVM's count", told["exit"], exits))
        tap.note(f"{exits} exits, once its cgroup has room again")


def test(tap):
    outlived(tap)
    no_room(tap)
    with host.module(), Device() as device:
        device.follow()
        switches = 0
        for name, options in (
                ("one thread runs two VMs", ("--vms", 2, "--threads", 1)),
                ("one thread runs two vCPUs", ("--vcpus", 2, "--threads", 1)),
                ("4 threads run 8 vCPUs", ("--vcpus", 8, "--threads", 4)),
                ("3 threads run 2 VMs of 2 vCPUs",
                 ("--vms", 2, "--vcpus", 2, "--threads", 3))):
            with host.Ftrace(clock="x86-tsc") as ftrace:
                with host.Recording("-m", "16M") as recording:
                    ftrace.enable("kvm/kvm_entry", "sched/sched_switch")
                    truth = host.guest("pio", N, *options)
                    ftrace.enable("kvm/kvm_entry", "sched/sched_switch", on=0)
                switches += check(tap, name, options[-1], truth, recording,
                                  records.of_ftrace(ftrace))
        tap.ok(switches > 0, "threads: some were switched within KVM_RUN", switches)
        handed_on(tap, device)
        one_after_the_other(tap)
        ended_before(tap)
        ended_long_ago(tap)
        refused(tap, device)

# SPDX-License-Identifier: GPL-2.0-only
"""KVM comes late, goes and comes again; guests run before we look; the machine
sleeps; nobody's reference is held."""

import glob
import os
import re
import signal
import time

import host
import records
from device import Device
from exactness import FAST
from host import running_guest

N = 200
KVM = (host.VENDOR, "kvm")
LATE = 0x80			# KS_FEATURE_LATE
NEW = 0x800			# KS_FEATURE_NEW
PM_TEST = "/sys/power/pm_test"


def unload_kvm():
    host.run("rmmod", *KVM)


def load_kvm():
    host.run("modprobe", host.VENDOR)


def exits_of(truth):
    return truth["vcpus"][0]["stats"]["exits"]


def recorded(summary, truth):
    return host.vcpu_by_tid(summary, truth["vcpus"][0]["tid"])["exit_count"]


def before_kvm(tap, how):
    """Loaded and recording before KVM is, and across its reload."""
    unload_kvm()
    try:
        with host.module(f"attach={how}"):
            with host.Recording() as recording:
                truths = []
                for _ in range(3):
                    load_kvm()
                    truths.append(host.guest("hlt", N))
                    references = host.references(host.VENDOR)
                    unload_kvm()
            summary = recording.report()
    finally:
        load_kvm()
    tap.equal(f"life: {how}: records on across three lives of KVM",
              *((f"exits of guest {nth}", recorded(summary, truth),
                 exits_of(truth)) for nth, truth in enumerate(truths, 1)),
              ("references on KVM", references, 0),
              ("says that KVM is missing",
               "KVM is not loaded" in recording.child.err, True))


def ended_truth(child, status):
    child.signal(signal.SIGTERM)
    child.wait(status=status)
    return host.truth_of_guest()


def late(tap, how):
    """A vCPU that was within KVM_RUN already, spinning or asleep."""
    for payload, options in (("spin", ()), ("hlt", ("--period-us", 50000))):
        with host.module(f"attach={how}"), \
                running_guest(payload, *options) as child, \
                host.Ftrace(clock="x86-tsc") as ftrace:
            ftrace.enable("kvm/kvm_exit")
            with host.Recording() as recording:
                time.sleep(1.5)
                truth = ended_truth(child, None)
            ftrace.enable("kvm/kvm_exit", on=0)
            lines = records.of_ftrace(ftrace)
        tid = truth["vcpus"][0]["tid"]
        mine = [record for record in records.of_file(
            recording.file, "kvmsched_vcpu", "kvmsched_exit", "kvmsched_put")
            if record.tid == tid]
        first = mine[0]
        exits = [r for r in mine if r.event == "kvmsched_exit"]
        seen = sum(line.tid == tid and line.ts > first.ts for line in lines)
        # No handler had listened yet as the exit came whose handling began before.
        vcpu = host.vcpu_by_tid(recording.report(), tid)
        fast = {exit["reason"] for exit in vcpu["exits"] if exit["fastpath"]}
        tap.equal(f"life: {how}: late to a {payload} guest",
                  ("the first record", first.event, "kvmsched_vcpu"),
                  ("says that it was late", first["features"] & (LATE | NEW), LATE),
                  # ftrace may see the exit that told us of the vCPU before
                  # we have told who it is.
                  ("exits from then on", len(exits) - seen in (0, 1), True),
                  ("there were some", len(exits) > 2, True),
                  ("reasons that no handler saw",
                   fast - (FAST if how == "kprobe" else set()), set()),
                  ("the end of KVM_RUN",
                   any(r.event == "kvmsched_put" for r in mine), True))
        if host.VMX and payload == "hlt":
            # The signal cuts the last HLT short: KVM gives the timer back to the hardware.
            tap.ok(vcpu["timers"]["rearmed"] > 0,
                   f"life: {how}: a timer that goes back to the preemption timer is told",
                   vcpu["timers"])
        tap.note(f"{len(exits)} exits, ftrace {seen}")


def filtered(tap):
    """-p limits a session to the VMs of some processes."""
    with host.module(), running_guest("hlt", "--period-us", 5000) as other, \
            running_guest("hlt", "--period-us", 5000) as wanted:
        with host.Recording("-p", wanted.pid) as recording:
            time.sleep(1)
        summary = recording.report()
        for child in (other, wanted):
            child.signal(signal.SIGTERM)
            child.wait(status=None)
    tap.equal("life: record -p records that process alone",
              ("VMs", {vcpu["vm"] for vcpu in summary["vcpus"]},
               {wanted.pid}),
              ("exits", summary["records_by_event"]["exit"] > 50, True))


def refused(tap):
    """More vCPU threads than the table has room for: told, and harmless.  One
    that was refused can find room later, and is known to be late."""
    with host.module("max_vcpus=2"):
        with host.Recording() as recording:
            truth = host.guest("cpuid", 50, "--vms", 4)
        with Device() as device:
            info = device.info()
        summary = recording.report()
    late_ones = {record.tid for record in
                 records.of_file(recording.file, "kvmsched_vcpu")
                 if record["features"] & LATE}
    told = {vcpu["tid"]: vcpu["exit_count"] for vcpu in summary["vcpus"]
            if vcpu["tid"] not in late_ones}
    exits = {vcpu["tid"]: vcpu["stats"]["exits"] for vcpu in truth["vcpus"]}
    tap.equal("life: a full table refuses and says so",
              ("room", info.vcpus_max, 2),
              ("refused", info.refused > 0, True),
              ("record says so", "found no room" in recording.child.err, True),
              ("the same in the report", summary["refused"], info.refused),
              ("lost records, exactly", (summary["lost"], summary["lost_exact"]),
               (0, False)),
              ("guests recorded from their beginning", len(told) >= 2, True),
              ("their exits", told, {tid: exits[tid] for tid in told}))


def counts_reset(tap):
    """Root sets KVM's own counters to 0 while halts are being told."""
    counters = glob.glob("/sys/kernel/debug/kvm/halt_poll_*_ns")
    longer = {"/sys/module/kvm/parameters/halt_poll_ns": 5000000}
    with host.module(), Device() as device, host.settings(longer), \
            running_guest("hlt", "--period-us", 300) as child:
        device.follow()
        with host.Recording() as recording:
            for _ in range(20):
                for path in counters:
                    host.write(path, 0)
                time.sleep(0.05)
            ended_truth(child, None)
    polled = [record["poll_ns"] for record in
              records.of_file(recording.file, "kvmsched_halt")]
    tap.equal("life: KVM's counters are set to 0",
              ("counters", len(counters), 2),
              ("there was polling", sum(ns > 0 for ns in polled) > 20, True),
              ("polls of a second", [ns for ns in polled if ns > 10 ** 9], []))


def can_sleep(tap):
    """Kernels for clouds are built without sleep."""
    able = os.path.exists(PM_TEST)
    if not able:
        tap.note("life: this kernel can't sleep")
    return able


def asleep(tap, *options):
    """A recording ends where the machine goes to sleep, which it does here no
    farther than to freeze user space."""
    with host.module(), host.settings({PM_TEST: "freezer"}):
        with host.Recording(*options) as recording:
            truth = host.guest("cpuid", 50)
            fall_asleep()
            recording.child.wait(status=1)
        with host.Recording(*options, file="after.dat") as after:
            again = host.guest("cpuid", 50)
        summary = recording.report()
    tap.equal(f"life: the machine goes to sleep: record {' '.join(options)}",
              ("says so", "goes to sleep" in recording.child.err, True),
              ("until then", recorded(summary, truth), exits_of(truth)),
              ("lost", summary["lost"], 0),
              ("afterwards", recorded(after.report(), again),
               exits_of(again)))


def fall_asleep():
    """For 5 s, and from CPU 0. The kernel's test of sleep spins so long by its delay loop; 6.1
    calibrates that on each CPU, and an emulated CPU 1 may come out thousands of times too
    short ("BogoMIPS: 0.01")."""
    began = time.monotonic()
    with host.affinity({0}):
        host.write("/sys/power/state", "freeze")
    took = time.monotonic() - began
    if took < 4:
        raise host.Failed(f"the machine woke up after {took} s\n" +
                          host.read("/sys/kernel/debug/wakeup_sources"))


def slept_through(tap):
    """Ledgers and enabled events go on after a sleep, which takes 5 s here, and
    none of their times includes it."""
    with host.module(), Device() as device, \
            running_guest("hlt", "--period-us", 5000) as child, \
            host.settings({PM_TEST: "freezer"}), \
            host.Ftrace(clock="x86-tsc") as ftrace:
        ftrace.enable(*(f"kvmsched/kvmsched_{name}" for name in (
            "vcpu", "load", "put", "switch_in", "switch_out", "exit",
            "entry")))
        device.follow()
        host.wait_for(device.ledgers, "a ledger")
        [before] = device.ledgers()
        fall_asleep()
        time.sleep(0.3)
        [after] = device.ledgers()
        lines = ftrace.lines()
        slept = 4 * device.info().tsc_khz * 1000
        ended_truth(child, None)
    times = [int(cycles) for line in lines
             for cycles in re.findall(r"_cycles=(\d+)", line)]
    tap.equal("life: a sleep is in no ledger and in no record",
              ("the same thread", after.tid, before.tid),
              ("its ledger began anew", after.begin > before.now + slept,
               True),
              ("and goes on", after.exits > 0, True),
              ("closes", sum(after.states.values()), after.now - after.begin),
              ("times in records", len(times) > 100, True),
              ("of seconds", [cycles for cycles in times if cycles > slept],
               []),
              ("identified before and after",
               sum("kvmsched_vcpu:" in line for line in lines) > 1, True))


def test(tap):
    parts = [(part, how) for part in (before_kvm, late) for how in ("auto", "kprobe")]
    parts += [(filtered,), (refused,), (counts_reset,)]
    # The kernel's test of sleep spins for 5 s, which takes Bochs half a minute.
    if not host.BOCHS and can_sleep(tap):
        parts += [(asleep,), (asleep, "--overwrite"), (slept_through,)]
    for part, *how in parts:
        began = time.monotonic()
        part(tap, *how)
        tap.note(f"{part.__name__}: {time.monotonic() - began:.0f} s")

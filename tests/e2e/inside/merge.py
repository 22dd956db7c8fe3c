# SPDX-License-Identifier: GPL-2.0-only
"""A Linux that traces itself, on the time line of the host: each of its events lies in
guest mode of its vCPU, and its tasks' slices are as long as its own kernel says.

Under icount, where only work takes time: elsewhere emulation makes every stretch of
guest mode longer, and no interval narrow."""

import glob
import json
import os
import re
import shutil

import host
import linux
from device import Device

NARROW_NS = 1000
PLANTED_US = 2
SHARE = 0.001
ROOM_KB = 8192
LONG_NS = 10 ** 8		# a task that spins, not one that waits for others to end
# Two tasks that share a CPU under CFS, and one under SCHED_RR beside them.  Each wakeup of
# the last costs the comparison ~10 us (docs/guest-marker.md), so they are few.
LOAD = ("spin --quiet --seconds 600 --procs 2 & cfs=$!; "
        "spin --quiet --seconds 600 --on-us 100000 --off-us 100000 --policy rr:10 & rr=$!")
SECONDS = 2
SMP = 1, 2
# Events that come one after the other while the host interrupts the guest a hundred times
CROWD = 40000
# Beside the guest, a host task that cuts its slices, briefly each time
BESIDE_US = 500, 1000


def load(guest, seconds):
    """Tasks that share its CPU, for so long between the marks of what they have run"""
    guest.say(LOAD)
    # What a task ran between the reading and the writing of its mark would be missing
    # in the guest's count: nobody of the same policy gets the CPU meanwhile.
    guest.say("renice -n -20 -p $$")
    guest.say(f"sleep 0.2; mark; sleep {seconds}; mark")
    guest.say("renice -n 20 -p $$")
    guest.say("end $cfs; sleep 0.3; end $rr")


def offsets():
    """{PID: TSC offsets of its vCPUs}, as KVM tells"""
    found = {}
    for path in sorted(glob.glob("/sys/kernel/debug/kvm/*/vcpu*/tsc-offset")):
        pid = int(path.split("/")[5].split("-")[0])
        found.setdefault(pid, []).append(int(host.read(path)))
    return found


def record(smp):
    """(recording, the guest, its events by CPU, {PID: TSC offsets that KVM tells}, how
    often the emulator delivered an interrupt twice, what the guest believed of stolen time
    before and after the load)"""
    with linux.Linux(smp) as guest:
        with host.Recording("-e", "+steal", "-m", "16M") as recording:
            guest.trace(ROOM_KB)
            said = [guest.stolen()]
            with host.spin(*BESIDE_US):
                load(guest, SECONDS)
                guest.crowd(CROWD)
            said.append(guest.stolen())
            events = guest.stop()
        told = offsets()
        twice = guest.off()
    return recording, guest, events, told, twice, said


def since_boot(ns):
    return f"boot:{ns // 10 ** 9}.{ns % 10 ** 9:09}"


def stolen(recording, file, *window):
    """Stolen time by how the vCPU came to wait, of each CPU, as `report guest` has it"""
    guest, = json.loads(host.run(host.KVMSCHED, "report", "guest", "--json", recording.file,
                                 "--guest", file, *window).stdout)["guests"]
    return [cpu["stolen"] for cpu in guest["cpus"]]


def steal(tap, name, recording, file, said):
    """/proc/stat of each CPU has what its vCPU waited, but for a tick."""
    (before, begin), (after, end) = said
    theirs = [after - before for before, after in zip(before, after)]
    ours = stolen(recording, file, "--from", since_boot(begin), "--to", since_boot(end))
    tap.equal(f"{name}: what the guest believes was stolen is what its vCPUs waited",
              *((f"CPU {cpu}: stolen {its}, waited {our['sum_ns']}",
                 abs(its - our["sum_ns"]) <= SHARE * our["sum_ns"] + linux.TICK_NS and
                 its > 5 * linux.TICK_NS, True)
                for cpu, (its, our) in enumerate(zip(theirs, ours))))
    tap.note(", ".join(f"CPU {cpu}: {its / 1e6:.0f} ms by the guest, {our['sum_ns'] - its} ns "
                       "beside it" for cpu, (its, our) in enumerate(zip(theirs, ours))))


def merged(recording, file, folder, status=0):
    folder = os.path.join(host.WORK, folder)
    shutil.rmtree(folder, ignore_errors=True)
    done = host.run(host.KVMSCHED, "merge", "--json", recording.file, file, "-o", folder,
                    status=status)
    return json.loads(done.stdout) if not status else done.stderr


def placed(tap, name, recording, file, events, told, narrow_ns=NARROW_NS):
    """All events are in guest mode by KVM's offset, and by few others."""
    guest, = merged(recording, file, "merged")["guests"]
    low, high = guest["later_ns_from"], guest["later_ns_to"]
    tap.equal(f"{name}: each event of the guest lies in guest mode",
              *((f"CPU {cpu['cpu']}: {what}", got, expected) for cpu in guest["cpus"]
                for what, got, expected in
                (("vCPU", cpu["vcpu"], cpu["cpu"]),
                 ("events", cpu["events"], events[cpu["cpu"]]),
                 ("in guest mode", cpu["in_guest_mode"], cpu["events"]),
                 ("not told", cpu["not_told"], 0))))
    tap.equal(f"{name}: the offsets are those that KVM tells itself",
              ("offsets", [cpu["tsc_offset"] for cpu in guest["cpus"]],
               told[guest["pid"]]))
    tap.ok(low is not None and high is not None and low <= 0 <= high and
           high - low <= narrow_ns,
           f"{name}: causality leaves open {narrow_ns} ns, and KVM's own is in it", low, high)
    tap.note(f"{sum(events)} events; {low} to {high} ns around KVM's offset")


def planted(tap, name, recording, guest, khz):
    """Times that are wrong by little are refused."""
    for when, us in (("later", PLANTED_US), ("earlier", -PLANTED_US)):
        file = guest.write(os.path.join(host.WORK, f"{when}.dat"), us * khz // 1000)
        words = merged(recording, file, f"{when}-merged", status=1)
        found = re.search(r"(\d+) of its \d+ events lie outside of guest mode", words)
        tap.ok(found is not None and not os.path.exists(f"{host.WORK}/{when}-merged"),
               f"{name}: a guest whose times are {PLANTED_US} us {when} is refused", words)
        if found:
            tap.note(f"{us} us: {found[0]}")


def stock(tap, name, events):
    """trace-cmd shows both in one order."""
    folder = os.path.join(host.WORK, "merged")
    text = host.run("trace-cmd", "report", "-t", "-i", f"{folder}/host.dat",
                    "-i", f"{folder}/guest.dat").stdout
    last, counts, back = -1, {"host": 0, "guest": 0}, 0
    for line in text.splitlines():
        found = re.match(r" *(host|guest)\.dat: .*?\] +(?:\S{4,8} +)?(\d+)\.(\d{9}): ", line)
        if not found:
            continue
        now = int(found[2] + found[3])
        counts[found[1]] += 1
        back += now < last
        last = now
    tap.equal(f"{name}: trace-cmd shows host and guest in one order",
              ("events of the guest", counts["guest"], sum(events)),
              ("of the host, any", counts["host"] > 0, True),
              ("that stand before an earlier one", back, 0))


def slices(tap, recording, file):
    """Guest mode, host work and waits in a task's slices are what the guest's own
    kernel counts for it, which takes no stolen time off."""
    guest, = json.loads(host.run(host.KVMSCHED, "report", "guest", "--json", recording.file,
                                 "--guest", file).stdout)["guests"]
    tasks = [task for task in guest["tasks"]
             if task["comm"] == "spin" and task["marked"] and
             task["marked"]["guest_counts_ns"] > LONG_NS]
    pairs = []
    for task in tasks:
        marked, parts = task["marked"], ("guest_mode_ns", "host_work_ns", "waits_ns")
        ours, truth = sum(marked[part] for part in parts), marked["guest_counts_ns"]
        pairs += [(f"{task['policy']}: ours {ours}, its {truth}",
                   abs(ours - truth) <= SHARE * truth, True),
                  (f"{task['policy']}: told as asleep, or not told",
                   (marked["asleep_ns"], marked["not_told_ns"]), (0, 0)),
                  (f"{task['policy']}: the host worked for it, and let it wait",
                   marked["host_work_ns"] > 0 and marked["waits_ns"] > 0, True)]
        tap.note(f"{task['policy']}: {truth / 1e6:.3f} ms by the guest, {ours - truth} ns "
                 f"({(ours - truth) / truth * 1e6:.0f} ppm) beside it: " +
                 ", ".join(f"{part} {marked[part]}" for part in parts))
    tap.equal("merge: slices are what the guest counts, within 0.1 %",
              ("its kernel's tick, and whether stolen time is left out",
               (guest["hz"], guest["steal_left_out"]), (250, False)),
              ("policies", sorted(task["policy"] for task in tasks),
               ["OTHER nice 0", "OTHER nice 0", "RR 10"]), *pairs)


def test(tap):
    with host.module():
        with Device() as device:
            khz = device.info().tsc_khz
        for smp in SMP:
            name = "merge: one vCPU" if smp == 1 else "merge: two vCPUs"
            recording, guest, events, told, twice, said = record(smp)
            file = guest.write(os.path.join(host.WORK, "guest.dat"))
            tap.equal(f"{name}: each interrupt came once", ("twice", twice, 0))
            placed(tap, name, recording, file, events, told)
            planted(tap, name, recording, guest, khz)
            stock(tap, name, events)
            steal(tap, name, recording, file, said)
            if smp == 1:
                slices(tap, recording, file)

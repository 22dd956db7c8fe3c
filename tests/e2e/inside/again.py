# SPDX-License-Identifier: GPL-2.0-only
"""VMs that run on: each recording of them shows the same vCPUs, each with its
identity first; and a VM keeps its number until it ends."""

import json
import random
import signal
import time

import host
import records
from device import Device

# What a vCPU does itself; an interrupt may be sent to one that has not run yet.
OWN = ("load", "put", "switch_out", "switch_in", "policy", "exit", "entry", "halt",
       "irq_inject", "irq_eoi", "timer_arm")
TIMES = 5		# recordings of the same VMs
STOPPED = 3		# the guest's status, when it is ended by a signal
ALL = 10 ** 4		# moments: more than a recording has


class Told:
    """What a recording says: its vCPUs, and what of that is wrong."""

    def __init__(self, recording):
        self.numbers, self.early = set(), []
        for record in records.of_file(recording.file, "kvmsched_"):
            name = record.event.removeprefix("kvmsched_")
            if name not in OWN and name != "vcpu":
                continue
            vcpu = record["vm"], record["vcpu"]
            if name == "vcpu":
                self.numbers.add((vcpu, record["tgid"], record.tid))
            elif vcpu not in {who for who, *_ in self.numbers}:
                self.early.append(str(record))
        told = host.run(host.KVMSCHED, "report", "--json", recording.file)
        self.said = told.stderr.splitlines()
        report = json.loads(told.stdout)
        rows = report["vcpus"]
        self.strange = [finding for finding in report["in_short"]
                        if finding["kind"] == "loss"]
        self.strange += [(row["tid"], exit["reason"]) for row in rows
                         for exit in row["exits"] if exit["fastpath"]]
        # What a pending timer was set to may lie before the recording.
        self.strange += [moment["sentence"] for moment in host.worst(recording.file, count=ALL)
                         if moment["kind"] != "timer" and
                         (moment["ns"] > report["duration_ns"] or moment["end_ns"] < moment["ns"])]
        self.strange += [(row["tid"], exit["reason"], exit["host_ns"]["max"]) for row in rows
                         for exit in row["exits"] if exit["host_ns"] and
                         exit["host_ns"]["max"] > report["duration_ns"]]
        self.strange += [(row["tid"], thief) for row in rows for thief in row["thieves"] or ()
                         if thief["ns"] > report["duration_ns"]]
        self.rows = sorted((row["vm"] or 0, row["vcpu"], row["tid"])
                           for row in rows)
        self.nameless = [row["vcpu"] for row in rows if not row["policy"]]


def between():
    """What else listens and ends between two recordings."""
    with host.Ftrace() as ftrace:
        ftrace.enable("kvmsched/kvmsched_exit")
        time.sleep(0.1)
    with Device() as device:
        device.follow()
        time.sleep(0.1)


def again(tap):
    argv = host.guest_argv("hlt", 10 ** 7, "--vms", 4)
    found = []
    with host.module():
        with host.Child(*argv) as guest:
            for _ in range(TIMES):
                with host.Recording() as recording:
                    time.sleep(0.5)
                found.append(Told(recording))
                between()
            guest.signal(signal.SIGTERM)
            guest.wait(STOPPED)
        with host.Recording() as recording:
            host.guest("hlt", 20)
        after = Told(recording)
    first = found[0]
    numbers = {vm for (vm, _), *_ in first.numbers}
    tap.equal("again: recordings of four running VMs, and others in between",
              ("VMs", len(numbers), 4),
              ("vCPUs", len(first.rows), 4),
              *((f"recording {n}: {what}", got, want)
                for n, told in enumerate(found)
                for what, got, want in (
                    ("rows", told.rows, first.rows),
                    ("numbers", told.numbers, first.numbers),
                    ("rows without a policy", told.nameless, []),
                    ("records before the identity", told.early[:3], []))))
    tap.equal("again: the next VM has a number of its own",
              ("among those of the VMs before",
               [vm for (vm, _), *_ in after.numbers if vm in numbers], []))


def at_random(tap, times):
    """Recordings of busy vCPUs begun at any moment, every other one with who took their CPUs:
    no false row, no moment, exit or thief's part that is longer than the recording or begins
    before it, no exit of a fast path, and no warning."""
    chance = random.Random(times)
    argv = host.guest_argv("hlt", 10 ** 7, "--vcpus", 3, "--period-us", 300)
    wrong = []
    with host.module(), host.Child(*argv) as guest:
        for n in range(times):
            time.sleep(chance.random() / 20)
            steal = ("-e", "+steal") if n % 2 else ()
            with host.Recording("-m", "256K", *steal) as recording:
                time.sleep(0.02)
            told = Told(recording)
            wrong += [(n, row) for row in told.rows if row[0] != guest.pid]
            wrong += [(n, "no policy", id) for id in told.nameless]
            wrong += [(n, what) for what in told.early + told.said + told.strange]
        guest.signal(signal.SIGTERM)
        guest.wait(STOPPED)
    tap.equal(f"again: {times} recordings begun at random moments",
              ("what is false, and records before the identity", wrong[:5], []))


def test(tap, times=10):
    again(tap)
    at_random(tap, times)

# SPDX-License-Identifier: GPL-2.0-only
"""The stock tools read our files, and see our events without us."""

import collections
import json
import os
import re
import signal
import time

import host
from device import Device

N = 300
KEPT = ["kvm_arch_destroy_vm"]	# from the first listener until rmmod
AHEAD_NS = 3600 * 10 ** 9	# by which the wall clock is put forward
NEAR_NS = 10 ** 6
SEEN = 3			# seconds; the recorder looks ten times a second, if it has a CPU


def exits_of(truth):
    return sum(vcpu["stats"]["exits"] for vcpu in truth["vcpus"])


def by_event(lines):
    """Lines of `trace-cmd report` and the like, by event without prefix."""
    return collections.Counter(
        match[1] for match in
        (re.search(r" (?:kvmsched:)?kvmsched_(\w+): ", line)
         for line in lines) if match)


def trace_cmd_report(file, *options):
    return host.run("trace-cmd", "report", "-i", file,
                    *options).stdout.splitlines()


def reads_ours(tap):
    """trace-cmd, and with it libtracecmd, reads what kvmsched wrote."""
    with host.Recording("-e", "all") as recording:
        truth = host.guest("hlt", N, "--vms", 2)
    summary = recording.report()
    lines = trace_cmd_report(recording.file)
    seen = by_event(lines)
    tap.equal("stock: trace-cmd report counts as kvmsched report does",
              *((event, seen.get(event, 0), count) for event, count
                in summary["records_by_event"].items()),
              ("exits", seen["exit"], exits_of(truth)))
    tap.equal("stock: it reads every field",
              ("lines of unknown events",
               sum("UNKNOWN" in line or "[FAILED" in line
                   for line in lines), 0),
              ("hlt exits by name",
               sum(" reason=hlt " in line for line in lines),
               sum(vcpu["expect"]["exits"]["hlt"]
                   for vcpu in truth["vcpus"])))
    comms = {line.split("-")[0].strip() for line in lines
             if "kvmsched_exit" in line}
    tap.equal("stock: it knows the threads' names", ("comms", comms,
                                                     {"vcpu0"}))
    stat = "\n".join(trace_cmd_report(recording.file, "--stat"))
    entries = sum(map(int, re.findall(r"read events: (\d+)", stat)))
    tap.equal("stock: its CPU statistics are there",
              ("entries", entries, summary["records"]))


def records_alone(tap):
    """trace-cmd record -e kvmsched, and no program of ours."""
    file = os.path.join(host.WORK, "stock.dat")
    truth_argv = host.guest_argv("hlt", N)
    host.run("trace-cmd", "record", "-q", "-o", file, "-e", "kvmsched",
             *truth_argv)
    truth = json.loads(host.read(f"{host.WORK}/truth.json"))
    seen = by_event(trace_cmd_report(file))
    expect = truth["vcpus"][0]["expect"]
    tap.equal("stock: trace-cmd record -e kvmsched sees what was promised",
              ("exits", seen["exit"], exits_of(truth)),
              ("arms", seen["timer_arm"], expect["timer_programs"]),
              ("EOIs", seen["irq_eoi"], expect["eois"]),
              ("injections", seen["irq_inject"],
               truth["vcpus"][0]["stats"]["irq_injections"]))
    summary = host.report(file)
    vcpu = host.vcpu_by_tid(summary, truth["vcpus"][0]["tid"])
    tap.equal("stock: kvmsched report reads trace-cmd's file",
              ("exits by reason",
               {e["reason"]: e["count"] for e in vcpu["exits"]
                if e["reason"] in expect["exits"]}, expect["exits"]),
              ("exits", vcpu["exit_count"], exits_of(truth)),
              ("arms", vcpu["timers"]["armed"], expect["timer_programs"]),
              *((event, summary["records_by_event"][event], count)
                for event, count in seen.items()))


def attached(device):
    return [row.name for row in device.hooks() if row.attached]


def both_at_once(tap):
    """Events enabled while a session records: neither takes from the other."""
    with host.Ftrace() as ftrace:
        ftrace.count("kvmsched/kvmsched_exit", "common_pid,reason")
        with host.Recording("-e", "exit") as recording:
            truth = host.guest("cpuid", N)
        after = host.guest("cpuid", N)
        counts = ftrace.counts("kvmsched/kvmsched_exit")
    vcpu = host.vcpu_by_tid(recording.report(), truth["vcpus"][0]["tid"])

    def seen(truth):
        return sum(hits for (tid, _), hits in counts.items()
                   if tid == truth["vcpus"][0]["tid"])

    tap.equal("stock: an enabled event and a session at once",
              ("the session's exits", vcpu["exit_count"], exits_of(truth)),
              ("the event's", seen(truth), exits_of(truth)),
              ("the event's after the session", seen(after), exits_of(after)))
    with Device() as device:
        # A worker detaches, and STOP waits for it for a second.
        end = time.monotonic() + 5
        while attached(device) != KEPT and time.monotonic() < end:
            time.sleep(0.1)
        tap.equal("stock: with both over, only VMs are watched",
                  ("classes", device.info().attached, 0),
                  ("hooks", attached(device), KEPT))


def reads_by_perf(tap):
    file = os.path.join(host.WORK, "perf.data")
    host.run("perf", "record", "-q", "-a", "-o", file, "-e",
             "kvmsched:kvmsched_exit", *host.guest_argv("cpuid", N))
    truth = json.loads(host.read(f"{host.WORK}/truth.json"))
    lines = host.run("perf", "script", "-i", file).stdout.splitlines()
    tap.equal("stock: perf record sees all exits",
              ("exits", by_event(lines)["exit"], exits_of(truth)))


def unloads(tap):
    """rmmod with an event enabled, while a guest runs."""
    with host.Child(host.GUEST, "--quiet", "--seconds", 300, "spin", 0), \
            host.Ftrace() as ftrace:
        ftrace.enable("kvmsched")
        host.wait_for(lambda: "kvmsched_exit" in
                      host.read(f"{ftrace.path}/trace"), "an exit event")
        host.run("rmmod", "kvmsched")
        tap.equal("stock: rmmod with events enabled",
                  ("kvmsched is loaded", host.loaded(), False),
                  ("its events are there",
                   os.path.isdir(f"{ftrace.path}/events/kvmsched"), False))
        host.load()
        with host.Recording() as recording:
            time.sleep(1)
        tap.ok(recording.report()["records_by_event"]["exit"] > 0,
               "stock: loaded again, it records the same guest")


def refuses_under_perf(tap):
    """perf holds a reference on the module: rmmod waits for its end."""
    file = os.path.join(host.WORK, "perf.data")
    with host.Child("perf", "record", "-q", "-a", "-o", file, "-e",
                    "kvmsched:*", "sleep", 600) as perf:
        host.wait_for(lambda: host.references() > 0 or not perf.running(),
                      "perf to open the events")
        refused = host.run("rmmod", "kvmsched", status=None)
        perf.signal(signal.SIGINT)
        perf.wait(status=None)
    host.wait_for(lambda: host.references() == 0, "perf's references to go")
    tap.equal("stock: rmmod while perf records is refused",
              ("status", refused.returncode, 1),
              ("says why", "in use" in refused.stderr, True))
    host.run("rmmod", "kvmsched")
    tap.ok(not host.loaded(), "stock: and goes through afterwards")


def clocks():
    """The wall clock, the boot clock and the monotonic one, in ns"""
    return [time.clock_gettime_ns(clock) for clock in (
        time.CLOCK_REALTIME, time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC)]


def set_wall_clock(ahead_ns):
    """Put it forward by so much; the moment, of the monotonic clock"""
    time.clock_settime_ns(time.CLOCK_REALTIME, time.clock_gettime_ns(time.CLOCK_REALTIME) + ahead_ns)
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def tells_clocks(tap):
    """When a recording began, and which of its times a wall clock's time is, also where
    somebody sets the clock meanwhile."""
    before = clocks()
    with host.Recording() as recording:
        after = clocks()
        host.guest("hlt", 20)
        put = set_wall_clock(AHEAD_NS)
        try:
            time.sleep(SEEN)
            now, (wall, *_), later = time.monotonic_ns(), clocks(), time.monotonic_ns()
            time.sleep(0.2)
            host.guest("hlt", 20)
        finally:
            set_wall_clock(-AHEAD_NS)
    told = recording.report()
    tap.ok(all(low <= told[key] <= high for key, low, high in zip(
        ("begin_realtime_ns", "begin_boottime_ns"), before, after)) and told["clock_was_set"],
           "stock: a recording tells when it began, by the wall clock and the boot clock",
           before, after, told["begin_realtime_ns"], told["begin_boottime_ns"])

    def begin(text):
        return recording.report("--from", text)["excerpt"]["from_ns"]

    def since_boot(ns):
        return begin(f"boot:{ns // 10 ** 9}.{ns % 10 ** 9:09}")

    def of_wall(ns):
        return begin(time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10 ** 9)) +
                     f".{ns % 10 ** 9:09}Z")

    tap.ok(since_boot(now) - NEAR_NS < of_wall(wall) < since_boot(later) + NEAR_NS,
           "stock: after the clock was put forward, both name the same moment",
           since_boot(now), of_wall(wall), since_boot(later))
    tap.ok(abs(of_wall(before[0] + now - before[2]) - since_boot(put)) < SEEN * 10 ** 9,
           "stock: a time that the clock left out is when it was put forward",
           of_wall(before[0] + now - before[2]), since_boot(put))


def test(tap):
    with host.module():
        for part in (reads_ours, records_alone, both_at_once, reads_by_perf,
                     tells_clocks, unloads, refuses_under_perf):
            part(tap)

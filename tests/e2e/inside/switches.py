# SPDX-License-Identifier: GPL-2.0-only
"""Each time a vCPU thread lost the CPU is one record, of the right kind.

The kernel numbers a thread's switches: nvcsw + nivcsw counts them from its
birth, the coming one included when our notifier runs.  So the records of a
thread carry consecutive numbers, the last of them is the thread's death (or the
last one before its VM's end, where that comes first), and
what kvmguest read around its KVM_RUN loop says which of them belong to it.
"""

import contextlib
import ctypes
import json
import os
import signal
import time

import host
import records

PREEMPTED, HALTED, BLOCKED, ABORTED, DEAD = range(5)
TGKILL = 234

# Guests that share CPU 0 with a process that comes and goes
GUESTS = (("hlt", 300), ("tscspin", 300), ("pio", 1500), ("cpuid", 2000),
          ("hlt", 200, "--vms", 2), ("ipi", 150))


def switches_of_ftrace(lines, tid):
    """Of one thread, from its birth; True: it was on its way to sleep."""
    return [line["prev_state"][0] != "R" for line in lines
            if line["prev_pid"] == tid]


class Thread:
    """One vCPU thread: its switch records, ftrace's, and the kernel's."""

    def __init__(self, vcpu, all_records, lines):
        self.tid, self.vcpu = vcpu["tid"], vcpu
        mine = [record for record in all_records if record.tid == self.tid]
        self.out = [r for r in mine if r.event == "kvmsched_switch_out"]
        self.into = [r for r in mine if r.event == "kvmsched_switch_in"]
        self.slept = switches_of_ftrace(lines, self.tid)
        if not self.out:
            raise host.Failed(f"no switch record of thread {self.tid}")
        died = max(line.ts for line in lines if line["prev_pid"] == self.tid)
        # Who waits for a thread is woken early in its death, and may close the VM before
        # it gets the CPU for the last time: nothing is told of it then.
        self.outlives = any(self.out[-1].ts < r.ts < died for r in mine
                            if r.event == "kvmsched_vcpu" and r["features"] & records.GONE)
        self.numbers = [r["nvcsw"] + r["nivcsw"] for r in self.out]
        self.end = vcpu["nvcsw_end"] + vcpu["nivcsw_end"]
        self.begin = self.end - vcpu["nvcsw"] - vcpu["nivcsw"]

    def kinds(self, *kinds):
        return sum(record["kind"] in kinds for record in self.out)

    def complete(self):
        """No record is missing between the first and the thread's death, or its VM's end."""
        first, into = self.numbers[0], len(self.out) - 1
        if self.outlives and len(self.into) == len(self.out):
            into = len(self.out)	# it was on the CPU when the VM ended
        return [
            ("numbers of the switches", self.numbers,
             list(range(first, first + len(self.out)))),
            ("deaths", self.kinds(DEAD), 0 if self.outlives else 1),
            ("the last is the death", self.out[-1]["kind"] == DEAD, not self.outlives),
            ("switches in", len(self.into), into),
            ("kinds told again at switch in",
             [r["kind"] for r in self.into],
             [r["kind"] for r in self.out[:into]]),
        ]

    def like_ftrace(self):
        # A sleep that was given up: kernels differ in what they call it.
        ours = [slept if r["kind"] == ABORTED else r["kind"] != PREEMPTED
                for r, slept in zip(self.out,
                                    self.slept[self.numbers[0] - 1:])]
        until = self.numbers[-1] if self.outlives else len(self.slept)
        return [
            ("switches until death", self.numbers[-1], until),
            ("which of them were sleeps", ours,
             self.slept[self.numbers[0] - 1:until]),
        ]

    def like_kernel(self):
        """preempted + slept = the differences that kvmguest read.

        It reads them a few instructions before its first KVM_RUN, where we
        begin to watch; a switch there is ftrace's alone.
        """
        unseen = self.slept[self.begin:self.numbers[0] - 1]
        within = [r["kind"] for r, number in zip(self.out, self.numbers)
                  if self.begin < number <= self.end]
        return [
            ("preempted", within.count(PREEMPTED) + unseen.count(False),
             self.vcpu["nivcsw"]),
            ("halted, blocked, aborted",
             sum(kind in (HALTED, BLOCKED, ABORTED) for kind in within) +
             unseen.count(True), self.vcpu["nvcsw"]),
        ]

    def like_report(self, summary):
        switches = host.vcpu_by_tid(summary, self.tid)["switches"]
        return [(kind, switches[kind], self.kinds(number)) for number, kind
                in enumerate("preempted halted blocked aborted dead".split())
                ] + [("in", switches["in"], len(self.into))]


def disturb(pid, child):
    """Signals at the guest's vCPU while it runs: some meet it on its way to
    sleep."""
    call = ctypes.CDLL(None, use_errno=True).syscall
    tids = []
    while child.running():
        with contextlib.suppress(OSError):
            tids = tids or [
                int(tid) for tid in os.listdir(f"/proc/{pid}/task")
                if host.read(f"/proc/{pid}/task/{tid}/comm") == "vcpu0\n"]
        for tid in tids:
            call(TGKILL, pid, tid, signal.SIGUSR1)
        time.sleep(0.0005)


def disturbed_guest():
    ready, go = (os.path.join(host.WORK, name) for name in ("ready", "go"))
    argv = host.guest_argv("hlt", 400, "--ready-file", ready,
                           "--start-barrier", go)
    with host.Child(*argv) as child:
        host.wait_for(lambda: os.path.exists(ready), "the guest")
        host.write(go, "")
        disturb(child.pid, child)
        child.wait()
    os.remove(ready)
    os.remove(go)
    truth = host.truth_of_guest()
    truth["name"] = "hlt under signals"
    return truth


def measure():
    with host.module(), host.Ftrace(clock="x86-tsc") as ftrace:
        host.write(f"{ftrace.path}/events/sched/sched_switch/filter",
                   'prev_comm ~ "vcpu*" || prev_comm == "kvmguest"')
        ftrace.enable("sched/sched_switch")
        with host.Recording() as recording, \
                host.spin(3000, 2000, "--cpu", 0):
            truths = [host.guest(*guest[:2], "--cpu", 0, *guest[2:])
                      for guest in GUESTS]
            truths.append(disturbed_guest())
        ftrace.enable("sched/sched_switch", on=0)
        lines = records.of_ftrace(ftrace)
    return truths, recording, lines


def still_runnable(tap):
    """Class host says of each switch whether the task is still runnable, also where a signal
    ended its sleep before it began."""
    with host.module(), host.Recording("-e", "+host", "-m", "16M") as recording, \
            host.spin(3000, 2000, "--cpu", 0):
        tid = disturbed_guest()["vcpus"][0]["tid"]
    runnable, kinds, wrong = None, [], []
    for record in records.of_file(recording.file, "kvmsched_host_switch",
                                  "kvmsched_switch_out"):
        if record.tid != tid:
            continue
        if record.event == "kvmsched_host_switch":
            runnable = bool(record.number("preempted"))
            continue
        kinds.append(record["kind"])
        if runnable != (kinds[-1] in (PREEMPTED, ABORTED)):
            wrong.append(record)
    tap.equal("switches: class host tells the same of each switch of a vCPU's thread",
              ("lost", recording.report()["lost"], 0),
              ("switches", len(kinds) > 100 or len(kinds), True),
              ("that it tells otherwise", wrong[:3], []))
    tap.note(f"{len(kinds)} switches, {kinds.count(ABORTED)} of them aborted")


def alone(tap):
    """Class host alone, of a module that has seen no KVM_RUN"""
    with host.module(), host.Recording("-e", "host") as recording:
        truth = host.guest("hlt", 50)
    tids = {vcpu["tid"] for vcpu in truth["vcpus"]}
    found = {task["pid"] for task in recording.report("--host")["host_tasks"] if task["vcpu"]}
    # The VMM's first thread prepares the vCPU: if it loses the CPU meanwhile, it has it loaded.
    tap.equal("switches: class host alone knows vCPUs' threads, and no others",
              ("threads", found - {truth["pid"]}, tids))


def preemptions(threads):
    return sum(thread.kinds(PREEMPTED) for thread in threads)


def test(tap):
    truths, recording, lines = measure()
    host.write(os.path.join(host.WORK, "truths.json"), json.dumps(truths))
    summary = recording.report()
    switches = records.of_file(recording.file, "kvmsched_switch_out",
                               "kvmsched_switch_in", "kvmsched_vcpu")
    everyone = []
    for truth in truths:
        threads = [Thread(vcpu, switches, lines) for vcpu in truth["vcpus"]]
        everyone += threads

        def equal(what, pairs_of):
            tap.equal(f"switches: {truth['name']}: {what}", *(
                (f"thread {thread.tid} {thing}", got, expected)
                for thread in threads
                for thing, got, expected in pairs_of(thread)))

        equal("no record is missing until death", Thread.complete)
        equal("as the kernel counted, by kind", Thread.like_kernel)
        equal("as ftrace saw", Thread.like_ftrace)
        equal("as the report says",
              lambda thread: thread.like_report(summary))
    tap.ok(preemptions(everyone) > 20, "switches: there were preemptions",
           f"only {preemptions(everyone)}")
    tap.note(f"threads that outlived their VMs: {sum(t.outlives for t in everyone)}")
    tap.note(", ".join(f"{name} {sum(t.kinds(kind) for t in everyone)}"
                       for kind, name in enumerate(
                           "preempted halted blocked aborted dead".split())))
    tap.equal("switches: nothing was lost", ("lost", summary["lost"], 0))
    still_runnable(tap)
    alone(tap)

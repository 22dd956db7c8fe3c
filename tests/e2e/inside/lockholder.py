# SPDX-License-Identifier: GPL-2.0-only
"""The holder of a guest's lock loses its CPU to a task of the host, a thief. The vCPU that
waits for the lock spins with PAUSE meanwhile, and exits for that (pause loop exiting, VT-x).
Then the same without a thief: the waiter spins as well, but only for the holds.

At each such exit KVM tries to give the waiter's CPU time to a vCPU that was preempted. Its
directed_yield_attempted counts hypercalls alone, so this test counts calls of yield_to(),
which nothing else here makes.
"""

import contextlib

import host
import records

N, HOLD_US = 200, 500
GUEST = ("lock", N, "--period-us", HOLD_US, "--cpu", "0-1", "--spread")
TURNS_US = 3000, 2000		# the thief's, on and off
THIEF = (*TURNS_US, "--policy", "fifo:50", "--cpu", 0, "--name", "thief")
# Else the window doubles with each exit: 60 exits were seen in the place of 12,900.
WINDOW = ("ple_window=4096", "ple_window_grow=0")
REASON, PAUSE = "PAUSE_INSTRUCTION", 40
PREEMPTED = 0
LONG_MS = 1			# the kernel's own threads take less
# Each time that the thief sleeps, no more than five holds end: the one that it cut, and four.
# Half of the turns that this makes are enough.
TURNS = N // (TURNS_US[1] // HOLD_US + 1) // 2


def child_of(pid):
    """The one process that a spin has begun, which is what spins"""
    tid, = host.read(f"/proc/{pid}/task/{pid}/children").split()
    return int(tid)


class Run:
    """One guest, on a CPU for its holder, and one for its waiter and all of this test"""

    def __init__(self, *thief):
        with host.module(), host.affinity({1}), host.kprobe_events(yield_to="yield_to"), \
                host.Ftrace() as ftrace, \
                host.spin(*thief) if thief else contextlib.nullcontext() as child:
            ftrace.count("kvm/kvm_exit", "common_pid", f"exit_reason == {PAUSE}")
            ftrace.count("e2e/yield_to", "common_pid")
            with host.Recording("-e", "+steal", "-m", "16M") as recording:
                self.truth = host.guest(*GUEST)
            self.thief = child and child_of(child.pid)
            exits, yields = map(ftrace.counts, ("kvm/kvm_exit", "e2e/yield_to"))
        self.tids = [vcpu["tid"] for vcpu in self.truth["vcpus"]]
        self.summary = recording.report()
        self.holder, self.waiter = (host.vcpu_by_tid(self.summary, tid) for tid in self.tids)
        self.by_ftrace = [exits.get((tid,), 0) for tid in self.tids]
        self.yields = yields.get((self.tids[1],), 0)
        self.read(recording.file)

    def read(self, file):
        """The holder's waits, (begin, end, to whom it lost the CPU), and when the waiter
        exited for PAUSE, in cycles"""
        holder, waiter = self.tids
        self.waits, self.pauses, thief = [], [], None
        for record in records.of_file(file, "kvmsched_switch", "kvmsched_exit"):
            if record.event == "kvmsched_switch_out" and record.tid == holder:
                thief = record["next_pid"]
            elif record.event == "kvmsched_switch_in" and record.tid == holder:
                if record["kind"] == PREEMPTED:
                    self.waits.append((record.ts - record["off_cycles"], record.ts, thief))
            elif record.event == "kvmsched_exit" and record.tid == waiter:
                if record.number("reason") == PAUSE:
                    self.pauses.append(record.ts - record["host_cycles"])
        self.long = [wait for wait in self.waits if self.ms(wait) > LONG_MS]

    def ms(self, wait):
        return (wait[1] - wait[0]) / self.truth["tsc_khz"]

    def pauses_in(self, wait):
        return sum(wait[0] <= exit <= wait[1] for exit in self.pauses)

    def sentences(self, kind):
        """Of "In short", {vCPU: sentence}"""
        return {one["vcpu"]: one["sentence"] for one in self.summary["in_short"]
                if one["kind"] == kind}


def pause_exits(vcpu):
    return sum(exit["count"] for exit in vcpu["exits"] if exit["reason"] == REASON)


def counts(tap, name, run):
    """What does not depend on a thief"""
    made = pause_exits(run.waiter)
    told = [vcpu["stats"] for vcpu in run.truth["vcpus"]]
    tap.equal(f"lockholder: {name}: PAUSE exits of the one that waits",
              ("both had the lock", [vcpu["guest_count"] for vcpu in run.truth["vcpus"]],
               [N, N]),
              ("exits, as ftrace has them", [pause_exits(run.holder), made], run.by_ftrace),
              ("as the records have them", len(run.pauses), made),
              ("the holder's", pause_exits(run.holder), 0),
              (f"the waiter's: {made}", made > 0, True),
              ("all exits; KVM's own count", [run.holder["exit_count"], run.waiter["exit_count"]],
               [stats["exits"] for stats in told]),
              ("lost", run.summary["lost"], 0))
    # A wait may begin between an exit and its call, or end there.
    while_waits = sum(map(run.pauses_in, run.waits))
    tap.equal(f"lockholder: {name}: KVM tries to yield at exits while the holder waits",
              (f"calls {run.yields}, exits {while_waits}",
               abs(run.yields - while_waits) <= len(run.waits), True),
              ("its count of hypercalls that try it",
               [stats["directed_yield_attempted"] for stats in told], [0, 0]))
    spins = run.sentences("spin")
    tap.equal(f"lockholder: {name}: \"In short\" suspects that the waiter spins",
              ("vCPUs", list(spins), [1]),
              ("suspects", ["suspected" in text for text in spins.values()], [True]),
              ("its PAUSE exits", [f" {made} PAUSE exits" in text for text in spins.values()],
               [True]))
    tap.note(f"{made} PAUSE exits, {while_waits} of them in {len(run.waits)} waits of the "
             f"holder, {sum(map(run.ms, run.waits)):.1f} ms; {run.yields} calls of yield_to()")
    for text in (*run.sentences("wait").values(), *spins.values()):
        tap.note(text)


def preempted(tap):
    run = Run(*THIEF)
    counts(tap, "a thief", run)
    while_long = list(map(run.pauses_in, run.long))
    to_thief = sum(wait[2] == run.thief for wait in run.long)
    # A thread of the kernel may be first on the holder's CPU, or have the waiter's meanwhile.
    most = 0.9 * len(run.long)
    tap.equal("lockholder: a thief: the waiter spins while the holder has no CPU",
              (f"waits of the holder: {len(run.long)}", len(run.long) >= TURNS, True),
              (f"it lost its CPU to the thief: {to_thief}", to_thief >= most, True),
              (f"waits in which the waiter exits: {sum(map(bool, while_long))}",
               sum(map(bool, while_long)) >= most, True),
              # Of each 5 ms the thief has 3, in which an exit costs more: KVM yields.
              (f"exits in them: {sum(while_long)} of {len(run.pauses)}",
               sum(while_long) > 0.4 * len(run.pauses), True))
    thieves = [row for row in run.holder["thieves"] if row["pid"] == run.thief]
    waited = run.holder["states_ns"]["wait_preempted"]
    said = run.sentences("wait").get(0, "")
    tap.equal("lockholder: a thief: the report names who had the holder's CPU",
              ("thief", [(row["who"], row["task"]["is"]) for row in thieves],
               [("thief", "SCHED_FIFO 50")]),
              (f"of {waited} ns", sum(row["ns"] for row in thieves) > 0.9 * waited, True),
              (f"\"In short\": {said}", f"thief/{run.thief} (SCHED_FIFO 50)" in said, True))
    ipis = sum(row["count"] for row in run.holder["thieves"] if row["who"] == "reschedule")
    tap.note(f"{ipis} IPIs for it, in vain, to the CPU that the thief has")


def control(tap):
    """Nobody takes the holder's CPU. The sentence is the same: the report knows exits, and
    neither the lock nor its holder."""
    run = Run()
    counts(tap, "no thief", run)
    tap.equal("lockholder: no thief: nobody is named, and the holder does not wait",
              ("waits of the holder", [f"{run.ms(wait):.3f} ms" for wait in run.long], []),
              ("thieves", [row for row in run.holder["thieves"] if row["who"] == "thief"], []),
              ("sentences on waits of the holder", run.sentences("wait").get(0), None),
              ("sentences with a thief", [one["sentence"] for one in run.summary["in_short"]
                                          if "thief" in one["sentence"]], []))


def test(tap):
    with host.kvm_with(*WINDOW):
        preempted(tap)
        control(tap)

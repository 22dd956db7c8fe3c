# SPDX-License-Identifier: GPL-2.0-only
"""Who took the CPU, and why a timer came late: thieves that are known, held
against ftrace's sched_switch and sched_wakeup of the same run.

On one CPU under icount, where a nanosecond is an instruction; on two, a wait
that moves from one to the other.
"""

import collections
import contextlib
import json
import os
import signal
import time

import host
import records
from device import STATES, Device

PART, NS = 0.01, 3000		# of a thief's share; per piece
UNKNOWN = 0.001
EVENTS = ("sched/sched_switch", "sched/sched_wakeup", "irq/softirq_entry",
          "irq/softirq_exit", *records.IRQ_EVENTS)
TIMERS = 100

# At SCHED_FIFO they take the CPU when they want it, from any guest
ONE = (("fifo:50", 3000, 2000),)
TWO = (("fifo:50", 2000, 5000), ("fifo:51", 1500, 4500))
THEFT_MS = 5
ABOVE = ("--policy", "fifo:10", "--controller-prio", 20)  # ordinary tasks
HELD_US = 2000
IPIS = 40
KICKED, WOKEN = "accept_to_exit_ns", "accept_to_cpu_ns"


def measure(thieves, payload, n, *options):
    """A guest beside thieves: (its vCPU in the report, the file, ftrace's
    lines)"""
    with host.Ftrace(clock="x86-tsc") as ftrace, \
            contextlib.ExitStack() as stack:
        for policy, *turns in thieves:
            stack.enter_context(host.spin(*turns, "--policy", policy))
        ftrace.enable(*EVENTS)
        with host.Recording("-e", "+steal", "-m", "16M") as recording:
            truth = host.guest(payload, n, *options)
        for event in EVENTS:
            ftrace.enable(event, on=0)
        lines = records.of_ftrace(ftrace)
    vcpu = host.vcpu_by_tid(recording.report(), truth["vcpus"][0]["tid"])
    return vcpu, recording.file, lines


class Waits:
    """By ftrace: who had the CPU while a thread was runnable without it, less the
    interrupts that came meanwhile, which the report tells apart.

    Of a softirq it is not known here whether it was the thief's own, whose time
    stays with it, or served at the end of an interrupt: softirq_ns can be either's.
    """

    def __init__(self, lines, tid, first):
        self.ns, self.pieces = collections.Counter(), collections.Counter()
        self.interrupts, self.softirq_ns = (collections.Counter(),
                                            collections.Counter())
        self.names = {}
        self.woken = []  # each wait after a wakeup
        holder, since, waiting, woken = None, 0, False, 0
        interrupt, softirq = 0, 0  # since when, while it lasts
        for line in lines:
            if line.ts < first:
                continue
            if line.event == "sched_wakeup":
                if line["pid"] == tid and not waiting and holder != tid:
                    waiting, since, woken = True, line.ts, line.ts
                continue
            if line.event in records.IRQ_BEGINS:
                interrupt = line.ts
            elif line.event in records.IRQ_ENDS:
                if waiting and interrupt:
                    self.ns[holder] -= line.ts - max(interrupt, since)
                    self.interrupts[holder] += 1
                interrupt = 0
            elif line.event == "softirq_entry":
                softirq = line.ts
            elif line.event == "softirq_exit":
                if waiting and softirq:
                    self.softirq_ns[holder] += line.ts - max(softirq, since)
                softirq = 0
            if line.event != "sched_switch":
                continue
            if waiting:
                self.ns[holder] += line.ts - since
                self.pieces[holder] += 1
            since, holder = line.ts, line["next_pid"]
            self.names[holder] = line["next_comm"]
            if holder == tid:
                if woken:
                    self.woken.append(line.ts - woken)
                waiting, woken = False, 0
            elif line["prev_pid"] == tid:
                waiting = str(line["prev_state"]).startswith("R")

    def agree(self, pid, ns):
        """Whether ns is the share of a thief"""
        slack = PART * self.ns[pid] + NS * self.pieces[pid] + \
            records.HANDLERS_NS * self.interrupts[pid]
        return -slack - self.softirq_ns[pid] <= ns - self.ns[pid] <= slack


def told(vcpu):
    """{pid: ns}, 0 for nobody, -1 for unknown; interrupts by name"""
    others = {"idle": lambda _: 0, "unknown": lambda _: -1,
              "interrupt": lambda thief: thief["who"]}
    return {others.get(thief["kind"], lambda thief: thief["pid"])(thief):
            thief["ns"] for thief in vcpu["thieves"]}


def thieves(tap, name, which, payload, n, *options):
    vcpu, file, lines = measure(which, payload, n, *options)
    first = next(record.ts for record in
                 records.of_file(file, "kvmsched_load")
                 if record.tid == vcpu["tid"])
    truth, ours = Waits(lines, vcpu["tid"], first), told(vcpu)
    states = vcpu["states_ns"]
    all_ns = states["wait_preempted"] + states["wait_woken"]
    spins = [pid for pid in truth.ns if truth.names[pid] == "spin"]
    tap.equal(f"causes: {name}: each thief has its share",
              ("known thieves", len(spins), len(which)),
              *((f"{truth.names[pid]}/{pid}: {ours.get(pid)} ns, ftrace's "
                 f"{ns}, {truth.pieces[pid]} pieces, {truth.interrupts[pid]} "
                 f"interrupts, softirqs {truth.softirq_ns[pid]} ns",
                 truth.agree(pid, ours.get(pid, 0)), True)
                for pid, ns in truth.ns.items()))
    tap.equal(f"causes: {name}: they sum to the vCPU's waits",
              ("sum", abs(sum(ours.values()) - all_ns) <= len(ours), True),
              ("unknown", ours.get(-1, 0) <= UNKNOWN * all_ns, True),
              ("there were waits", all_ns > 10 ** 7, True))
    tap.note(f"{all_ns / 1e6:.3f} ms of waits: " + ", ".join(
        f"{truth.names.get(pid, '?')}/{pid} {ns / 1e6:.3f} (ftrace "
        f"{truth.ns[pid] / 1e6:.3f})" for pid, ns in ours.items()))
    return ours


def timer_causes(file):
    """{tid: {cause: timers that it held up the most}}, by `report timers`"""
    done = host.run(host.KVMSCHED, "report", "timers", file, "--json")
    return {vcpu["tid"]: {row["cause"]: row["count"]
                          for row in vcpu["timers"]["causes"] if row["count"]}
            for vcpu in json.loads(done.stdout)["vcpus"]}


def timers(tap):
    """The guest runs in the 2 ms that the thief leaves of each 10, and its
    timer is due 4 ms later: always while the thief has the CPU."""
    vcpu, file, lines = measure((("fifo:50", 8000, 2000),), "hlt", TIMERS,
                                "--period-us", 4000)
    truth = Waits(lines, vcpu["tid"], 0)
    moments = sorted(host.worst(file, "timer", 2 * TIMERS),
                     key=lambda moment: moment["begin_ns"])
    # The thief leaves no shorter ones: those are of the thread's begin and end.
    waits = [wait for wait in truth.woken if wait > 3 * 10 ** 6][-TIMERS:]
    wrong = [(moment["sentence"], wait)
             for moment, wait in zip(moments, waits)
             if moment["cause"] != "vCPU descheduled" or
             not moment["thief"] or moment["thief"]["who"] != "spin" or
             abs(moment["causes_ns"]["vCPU descheduled"] - wait) >
             PART * wait + NS or not
             wait <= moment["ns"] <= wait + 50 * NS]
    tap.equal("causes: timers: the lateness and its cause, in each case",
              ("cases", len(moments), TIMERS), ("waits", len(waits), TIMERS),
              ("wrong ones", wrong[:3], []),
              ("causes that are not its sum", [moment for moment in moments if
               sum(moment["causes_ns"].values()) != moment["ns"]][:1], []))
    tap.note(f"{min(waits)} to {max(waits)} ns each; {moments[0]['sentence']}")
    tap.equal("causes: timers: the report of timers says so, too",
              ("causes", timer_causes(file),
               {vcpu["tid"]: {"vCPU descheduled": TIMERS}}))


def held_up(tap, payload, cause):
    """A timer that comes a period before whatever holds it up ends; no task of
    the ordinary may do so, too."""
    with host.Recording("-m", "16M") as recording:
        truth = host.guest(payload, TIMERS, "--period-us", HELD_US, *ABOVE)
    tid = truth["vcpus"][0]["tid"]
    moments = host.worst(recording.file, "timer", 2 * TIMERS)
    wrong = [(moment["sentence"], moment["causes_ns"]) for moment in moments
             if moment["cause"] != cause or
             not HELD_US * 900 <= moment["causes_ns"][cause] <= moment["ns"] <=
             HELD_US * 1100]
    tap.equal(f"causes: {payload}: the lateness and its cause, in each case",
              ("cases", len(moments), TIMERS), ("wrong ones", wrong[:3], []))
    tap.equal(f"causes: {payload}: the report of timers says so, too",
              ("causes", timer_causes(recording.file),
               {tid: {cause: TIMERS}}))
    tap.note(moments[0]["sentence"])


def kept_out(tap):
    """A VMM that is busy for two periods between two KVM_RUNs: its thread has the CPU, and
    the vCPU does not run.  Nobody took it."""
    with host.Recording("-e", "+steal", "-m", "16M") as recording:
        truth = host.guest("timer-user", TIMERS, "--period-us", HELD_US, *ABOVE)
    vcpu = host.vcpu_by_tid(recording.report(), truth["vcpus"][0]["tid"])
    [returns] = [row for row in vcpu["userspace_exits"] if row["reason"] == "IO"]
    busy, user = 2 * HELD_US * 1000, returns["user_ns"]
    waited = sum(ns for state, ns in vcpu["states_ns"].items() if state.startswith("wait"))
    said = {moment["sentence"] for moment in host.worst(recording.file, "timer", TIMERS)}
    tap.equal("causes: kept out of KVM_RUN: each time, and for how long",
              ("times", user["count"], TIMERS),
              (f"from {user['min']} to {user['max']} ns each",
               busy * 0.999 <= user["min"] <= user["max"] <= busy * 1.05, True),
              (f"{vcpu['states_ns']['user']} ns in the ledger, {user['total']} in all",
               0 <= vcpu["states_ns"]["user"] - user["total"] < busy, True),
              (f"waited for a CPU for {waited} ns", waited < busy, True),
              ("in words", [one for one in said if
                            "the VMM kept it out of KVM_RUN for" not in one][:3], []))


def theft(tap):
    """A theft of 5 ms from a guest that never sleeps, now and then.  The guest
    is above all ordinary tasks: the recorder might take longer than that."""
    _, file, _ = measure((("fifo:50", THEFT_MS * 1000, 60000),), "cpuid",
                         60000, *ABOVE)
    [moment] = host.worst(file, "wait", 1)
    tap.equal("causes: the worst wait names thief, CPU and length",
              ("thief", moment["thief"]["who"], "spin"),
              ("CPU", moment["cpu"], 0),
              ("its policy", "(SCHED_FIFO 50; other process)"
               in moment["sentence"], True),
              # Somebody else may have had the CPU before or after it, too.
              ("all of it", moment["ns"] >= moment["thief"]["ns"], True),
              ("the thief's, ms",
               round(moment["thief"]["ns"] / 1e6, 1), float(THEFT_MS)),
              ("in words", f"CPU 0 ran spin/{moment['thief']['pid']} " in
               moment["sentence"], True))
    tap.note(moment["sentence"])


def lost_timer(tap):
    """A timer that is masked: armed, due, and never heard of."""
    with host.Recording() as recording:
        truth = host.guest("deadline-lost", 3)
        good = host.guest("hlt", 3)
    text = host.run(host.KVMSCHED, "report", "timers", recording.file).stdout
    watchdog = text[text.index("Watchdog"):].splitlines()[1:]
    named = {word for line in watchdog for word in line.split()}
    tap.equal("causes: the watchdog names the VM whose timer never fires",
              ("it", f"kvmguest/{truth['pid']}" in named, True),
              ("no other", f"kvmguest/{good['pid']}" in named, False))
    tap.note("\n".join(watchdog))


def kept_waiting(device, tid):
    """Not for a moment only: the same wait, a third of a second later."""
    first = device.ledger_of(tid)
    time.sleep(0.3)
    then = device.ledger_of(tid)
    return first.state == then.state == STATES.index("wait_preempted") and \
        first.waits == then.waits


def migrated(tap):
    """A wait that begins on one CPU and goes on on another: until the move it
    is the thief's, from then on that of whoever has the other CPU."""
    argv = host.guest_argv("cpuid", 10 ** 8, "--cpu", 1)
    with host.module(), host.Ftrace(clock="x86-tsc") as ftrace, \
            host.Recording("-e", "+steal", "-m", "16M") as recording, \
            Device() as device, host.affinity({0}):
        device.follow()
        khz = device.info().tsc_khz
        ftrace.enable("sched/sched_migrate_task")
        with host.Child(*argv) as guest:
            host.wait_for(lambda: device.vcpus(guest.pid), "the guest")
            [tid] = device.vcpus(guest.pid)
            with host.Child(host.SPIN, "--quiet", "--policy", "fifo:50",
                            "--cpu", 1, "--seconds", 2) as thief:
                host.wait_for(lambda: kept_waiting(device, tid), "the wait")
                exits = device.ledger_of(tid).exits
                os.sched_setaffinity(tid, {0})
                host.wait_for(lambda: device.ledger_of(tid).exits > exits,
                              "its end")
                thief.wait()
            guest.signal(signal.SIGTERM)
            guest.wait(status=None)
        ftrace.enable("sched/sched_migrate_task", on=0)
        lines = records.of_ftrace(ftrace)
    mine = [record for record in records.of_file(
        recording.file, "kvmsched_switch_out", "kvmsched_switch_in",
        "kvmsched_migrate") if record.tid == tid or
        record.event == "kvmsched_migrate"]
    at = next(nth for nth, record in enumerate(mine)
              if record.event == "kvmsched_migrate")
    out, move, back = mine[at - 1:at + 2]
    truth = next(line.ts for line in lines if line["pid"] == tid and
                 (line["orig_cpu"], line["dest_cpu"]) == (1, 0))
    vcpu = host.vcpu_by_tid(recording.report(), tid)
    [moment] = host.worst(recording.file, "wait", 1)
    part = (move.ts - out.ts) * 10 ** 6 // khz
    tap.equal("causes: a migration within a wait",
              ("records", [out.event, move.event, back.event],
               ["kvmsched_switch_out", "kvmsched_migrate",
                "kvmsched_switch_in"]),
              ("from and to", (move["from_cpu"], move["cpu"]), (1, 0)),
              ("at ftrace's time", abs(move.ts - truth) < khz, True),
              ("the thief", moment["thief"]["who"], "spin"),
              ("its CPU", moment["thief"]["cpu"], 1),
              # Less the interrupts there, which take longer than on hardware.
              ("its part, ns", 0.9 * part <= moment["thief"]["ns"] <= part,
               True),
              ("all of it is told", abs(sum(told(vcpu).values()) - sum(
                  vcpu["states_ns"][state] for state in
                  ("wait_preempted", "wait_woken"))) <= 10, True),
              ("unknown", told(vcpu).get(-1, 0), 0))
    tap.note(f"{(move.ts - out.ts) / khz:.3f} ms on CPU 1, "
             f"{(back.ts - move.ts) / khz:.3f} ms on CPU 0")


def called(tap, payload, leg):
    """IPIs to a vCPU that is in guest mode, or asleep."""
    with host.module(), host.Recording() as recording:
        truth = host.guest(payload, IPIS, "--cpu", "0-1", "--spread")
    summary = recording.report()
    pairs = []
    for mine in truth["vcpus"]:
        vcpu = host.vcpu_by_tid(summary, mine["tid"])
        [ipi] = [one for one in vcpu["interrupts"] if one["vector"] == 0x50]
        legs = {name: (ipi[name] or {"count": 0})["count"]
                for name in (KICKED, WOKEN)}
        # A few find the spinner preempted, or the sleeper still on its way.  The
        # first one to vCPU 1 may come before its first KVM_RUN: nobody knows it then.
        early = IPIS - ipi["accepted"]
        pairs += [("accepted", early in range(mine["vcpu"] + 1) or early, True),
                  ("most of them", max(legs, key=legs.get), leg),
                  (legs, IPIS / 2 < legs[leg] and
                   sum(legs.values()) <= IPIS, True)]
        tap.note(f"{payload} {mine['vcpu']}: {legs} of {IPIS}")
    tap.equal(f"causes: {payload}: how each IPI came through", *pairs)


def test(tap):
    if os.cpu_count() > 1:
        migrated(tap)
        called(tap, "ipi-spin", KICKED)
        # Else a fast machine's answer comes while KVM still polls, so that nobody sleeps.
        with host.settings({"/sys/module/kvm/parameters/halt_poll_ns": 0}):
            called(tap, "ipi", WOKEN)
        return
    with host.module():
        ours = thieves(tap, "one thief", ONE, "cpuid", 100000)
        # Of each tick of 4 ms, ftrace gives its handler's 2 us to the task.
        tap.ok(0 < ours.get("local_timer", 0) < 10 ** 6,
               "causes: one thief: the timer's interrupts are told apart", ours)
        thieves(tap, "two thieves in turns", TWO, "cpuid", 100000)
        thieves(tap, "two thieves of a sleeper", TWO, "hlt", 100)
        timers(tap)
        held_up(tap, "timer-user", "in userspace")
        kept_out(tap)
        held_up(tap, "timer-cli", "waiting for an exit")
        theft(tap)
        lost_timer(tap)

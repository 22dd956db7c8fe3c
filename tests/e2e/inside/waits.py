# SPDX-License-Identifier: GPL-2.0-only
"""Each wait for a CPU is as long as sched_switch and sched_wakeup say.

Under icount, where a nanosecond is an instruction: elsewhere emulation itself
puts microseconds between two probes of the same switch.
"""

import host
import records

PREEMPTED, HALTED, BLOCKED = range(3)
SHARE, NS = 0.001, 3000  # may differ by 0.1 % + 3 us

# The timers of the last two interrupt each other's switches.
GUESTS = (("tscspin", 300), ("hlt", 300), ("cpuid", 20000),
          ("hlt", 2000, "--vms", 2, "--period-us", 100))
EVENTS = ("sched/sched_switch", "sched/sched_wakeup")


def measure(*options):
    with host.module(), host.Ftrace(clock="x86-tsc") as ftrace:
        ftrace.enable(*EVENTS)
        with host.Recording(*options) as recording, host.spin(3000, 2000):
            truths = [host.guest(*guest) for guest in GUESTS]
        for event in EVENTS:
            ftrace.enable(event, on=0)
        lines = records.of_ftrace(ftrace)
    return truths, recording.file, lines


class Past:
    """What ftrace saw of one thread, up to some time."""

    def __init__(self, lines, tid):
        def pick(event, field):
            return [line.ts for line in lines
                    if line.event == event and line[field] == tid]

        self.into = pick("sched_switch", "next_pid")
        self.out = pick("sched_switch", "prev_pid")
        self.woken = pick("sched_wakeup", "pid")

    def wait(self, nth, kind):
        """The nth time that it got the CPU, from its death backwards."""
        into = self.into[nth]
        since = self.out if kind == PREEMPTED else self.woken
        return into - max(ts for ts in since if ts < into)


def waits(truth, switches, lines):
    """[(kind, our wait, ftrace's wait)] of its thread, in ns."""
    vcpu = truth["vcpus"][0]
    past = Past(lines, vcpu["tid"])
    into = [r for r in switches if r.tid == vcpu["tid"] and
            r.event == "kvmsched_switch_in"]
    pairs = []
    for nth, record in enumerate(reversed(into), 1):
        kind = record["kind"]
        if kind == PREEMPTED:
            ours = record["off_cycles"]
        else:
            ours = record["wait_ns"]
        pairs.append((kind, ours, past.wait(-nth, kind)))
    return pairs


def agree(pair):
    _, ours, truth = pair
    return abs(ours - truth) <= SHARE * truth + NS


def all_agree(tap, name, pairs):
    wrong = [pair for pair in pairs if not agree(pair)]
    tap.ok(len(pairs) > 20 and not wrong, f"waits: {name}",
           f"{len(pairs)} waits, {len(wrong)} differ: (kind, ours, ftrace's)",
           *wrong[:20])
    if pairs:
        tap.note(f"{len(pairs)} waits, "
                 f"{sum(pair[0] == PREEMPTED for pair in pairs)} of them "
                 f"after a preemption, up to {max(p[2] for p in pairs)} ns; "
                 f"they differ by {max(abs(p[1] - p[2]) for p in pairs)} ns "
                 "at most")


def whole(tap, truth, summary, pairs):
    """The two states of the ledger are the sums of the two kinds of waits."""
    states = host.vcpu_by_tid(summary, truth["vcpus"][0]["tid"])["states_ns"]
    sums = {"wait_preempted": [], "wait_woken": []}
    for kind, _, theirs in pairs:
        sums["wait_woken" if kind in (HALTED, BLOCKED)
             else "wait_preempted"].append(theirs)
    tap.equal(f"waits: {truth['name']}, class steal: the ledger's sums",
              *((f"{state}: {states[state]}, ftrace's {sum(theirs)}",
                 abs(states[state] - sum(theirs)) <=
                 SHARE * sum(theirs) + NS * len(theirs), True)
                for state, theirs in sums.items()))


def with_steal(tap):
    """Class steal sees wakeups itself."""
    truths, file, lines = measure("-e", "+steal")
    switches = records.of_file(file, "kvmsched_switch_in", "kvmsched_wake")
    summary = host.report(file)
    for truth in truths:
        pairs = waits(truth, switches, lines)
        all_agree(tap, f"{truth['name']}, class steal: each as ftrace has it",
                  pairs)
        whole(tap, truth, summary, pairs)


def without(tap):
    """The kernel's run_delay is by a clock that may stand still while an idle
    CPU wakes: it never says more, and may say less."""
    truths, file, lines = measure()
    switches = records.of_file(file, "kvmsched_switch_in")
    for truth in truths:
        pairs = waits(truth, switches, lines)
        preempted = [pair for pair in pairs if pair[0] == PREEMPTED]
        woken = [pair for pair in pairs if pair[0] != PREEMPTED]
        if len(preempted) > 20:
            all_agree(tap, f"{truth['name']}: those after a preemption",
                      preempted)
        tap.ok(all(ours <= truth * (1 + SHARE) + NS
                   for _, ours, truth in woken),
               f"waits: {truth['name']}: run_delay says no more than ftrace",
               *woken[:20])
        tap.note(f"{sum(map(agree, woken))} of {len(woken)} waits after a "
                 "wakeup agree with ftrace by run_delay alone")


def test(tap):
    with_steal(tap)
    without(tap)

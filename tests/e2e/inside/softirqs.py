# SPDX-License-Identifier: GPL-2.0-only
"""Each softirq on a vCPU's time is one record, as ftrace has it.

ftrace says which softirq, and its stack trace where the kernel served it: at
the end of an interrupt, or as the thread itself enabled softirqs.  The times
must agree once those of the interrupts that ftrace saw meanwhile are taken out.
Under icount, where a nanosecond is an instruction and ftrace's own work between
two probes has a known length.
"""

import os

import host
import records

AT_INTERRUPT, OWN = 5, 6
HELPER = os.path.join(host.BUILD, "lab", f"helpers-{os.uname().release}",
                      "raise_softirq.ko")
KINDS = {AT_INTERRUPT: "at the end of an interrupt", OWN: "by the thread"}
# Instructions on the way into and out of an interrupt that comes between our handler
# and ftrace's of the same tracepoint.  The beginning and the end of each interrupt that
# ftrace saw have records.HANDLERS_NS as well.
NESTED_NS = 1000
EVENTS = ("sched/sched_switch", "irq/softirq_entry", "irq/softirq_exit",
          *records.IRQ_EVENTS)


class Softirq:
    def __init__(self, entry):
        self.name = entry.text.split("action=")[1].rstrip("]")
        self.since, self.stack = entry.ts, []
        self.nested, self.interrupts, self.preempted = 0, 0, False

    def end(self, ts):
        self.ended = ts
        self.cycles = ts - self.since - self.nested
        at_interrupt = any("irq_exit" in function for function in self.stack)
        self.kind = AT_INTERRUPT if at_interrupt else OWN
        return self

    def __repr__(self):
        return (f"{self.since} {self.name} {KINDS[self.kind]} "
                f"{self.cycles} ns, {self.interrupts} interrupts")


def softirqs_of_ftrace(lines):
    """{tid: [Softirq]}, in the order of their ends, without those that lost
    the CPU meanwhile: PREEMPT_RT allows it, and they have no record."""
    open_softirqs, open_irqs, found, softirq = {}, {}, {}, None
    for line in lines:
        if line.startswith(" => ") and softirq:
            softirq.stack.append(line[4:])
            continue
        match = records.LINE.match(line)
        if not match:
            continue
        event = records.Record(match)
        if event.event == "softirq_entry":
            softirq = open_softirqs[event.tid] = Softirq(event)
        elif event.event == "softirq_exit":
            ended = open_softirqs.pop(event.tid, None)
            if ended and not ended.preempted:
                found.setdefault(event.tid, []).append(ended.end(event.ts))
        elif event.event == "sched_switch" and event.tid in open_softirqs:
            open_softirqs[event.tid].preempted = True
        elif event.event in records.IRQ_BEGINS:
            open_irqs[event.cpu] = event.ts
        elif event.event in records.IRQ_ENDS and event.tid in open_softirqs:
            around = open_softirqs[event.tid]
            around.nested += event.ts - open_irqs.pop(event.cpu)
            around.interrupts += 1
    return found


def noisy_guests():
    """A guest whose thread sends packets, and one whose timers interrupt it."""
    noisy = host.guest_argv("hlt", 20000, "--period-us", 100, "--json",
                            os.path.join(host.WORK, "noisy.json"))
    with host.Child(*noisy):
        return [host.guest("pio", 400, "--send"), host.guest("cpuid", 20000)]


def measure(comm, *options, guests=noisy_guests):
    """(truths of the guests, the recording, ftrace's softirqs of these threads)

    Our handlers are attached before ftrace's, so that what both put between
    the beginning and the end of a softirq is the same.
    """
    with host.module(), host.Ftrace(clock="x86-tsc") as ftrace:
        host.write(f"{ftrace.path}/buffer_size_kb", 16384)
        with host.Recording("-m", "16M", *options) as recording:
            for event in EVENTS:
                host.write(f"{ftrace.path}/events/{event}/filter",
                           f'comm ~ "{comm}"')
            # The packets' softirqs are too short to be interrupted often.
            trigger = f"{ftrace.path}/events/irq/softirq_entry/trigger"
            host.write(trigger, f'stacktrace if comm ~ "{comm}"')
            ftrace.enable(*EVENTS)
            truths = guests()
            ftrace.enable(*EVENTS, on=0)
            host.write(trigger, "!stacktrace")
        lines = ftrace.lines()
    return truths, recording, softirqs_of_ftrace(lines)


def ours_of(tid, all_records):
    return [record for record in all_records if record.tid == tid and
            record.event == "kvmsched_host_irq" and record["kind"] in KINDS]


def first_record(tid, all_records):
    return min(record.ts for record in all_records if record.tid == tid)


def agree(ours, theirs):
    return abs(ours["cycles"] - theirs.cycles) <= \
        records.HANDLERS_NS + NESTED_NS * theirs.interrupts


def mistaken(ours, theirs):
    """Pairs: all are there, and no more than few were taken for the other kind.

    What a softirq raises is served in the same place, if the kernel does not stop
    there to let another task run (probe_softirq.c). So one that was mistaken takes
    those with it that follow at once: they are one mistake.
    """
    wrong = [a["kind"] != b.kind for a, b in zip(ours, theirs)]
    kinds = sum(now and not before for before, now in zip([False, *wrong], wrong))
    return [("softirqs", [record["name"] for record in ours],
             [softirq.name for softirq in theirs]),
            ("of the other kind, 1 in 100 and two more at most",
             kinds <= 2 + len(theirs) // 100 or kinds, True)]


def compare(tap, name, tid, all_records, theirs):
    ours = ours_of(tid, all_records)
    since = first_record(tid, all_records)
    theirs = [softirq for softirq in theirs.get(tid, ())
              if softirq.since > since]
    tap.equal(f"softirqs: {name}: which, and where, in their order",
              *mistaken(ours, theirs))
    wrong = [(a["cycles"], b) for a, b in zip(ours, theirs) if not agree(a, b)]
    tap.ok(not wrong, f"softirqs: {name}: how long each one took",
           f"{len(ours)} softirqs, {len(wrong)} differ", *wrong[:20])
    for kind, where in KINDS.items():
        mine = [s for s in theirs if s.kind == kind]
        tap.note(f"{name}: {len(mine)} {where}, "
                 f"{sum(s.cycles for s in mine)} ns, "
                 f"{sum(s.interrupts for s in mine)} interrupts meanwhile")
    if ours and len(ours) == len(theirs):
        tap.note("they differ by " + str(max(
            abs(a["cycles"] - b.cycles) for a, b in zip(ours, theirs))) +
            " ns at most")
    return ours, theirs


def as_reported(tap, name, summary, tid, ours):
    """The report's rows are the sums of the records."""
    rows = [row for row in host.vcpu_by_tid(summary, tid)["host_irqs"]
            if row["kind"].endswith("softirq")]
    sums = {}
    for record in ours:
        key = (record["name"],
               "own-softirq" if record["kind"] == OWN else "softirq")
        count, cycles = sums.get(key, (0, 0))
        sums[key] = count + 1, cycles + record["cycles"]
    # Cycles are nanoseconds here, but for what the conversion rounds.
    tap.equal(f"softirqs: {name}: the report's rows",
              ("counts", {(row["name"], row["kind"]): row["count"]
                          for row in rows},
               {key: count for key, (count, _) in sums.items()}),
              *((f"{row['name']}: {row['ns']['total']} ns", abs(
                  row["ns"]["total"] - sums[row["name"], row["kind"]][1]) <=
                 1 + row["ns"]["total"] / 1e5, True) for row in rows))


def of_the_host(tap):
    """Class host: those of every task, the idle one and ksoftirqd included."""
    _, recording, theirs = measure("*", "-e", "+host")
    seen = [s for softirqs in theirs.values() for s in softirqs]
    first, last = min(s.since for s in seen), max(s.ended for s in seen)
    all_records = [r for r in records.of_file(recording.file, "kvmsched_")
                   if first <= r.ts <= last]
    for tid in sorted(theirs):
        ours = ours_of(tid, all_records)
        wrong = [(a["cycles"], b) for a, b in zip(ours, theirs[tid])
                 if not agree(a, b)]
        tap.equal(f"softirqs: class host: thread {tid}",
                  *mistaken(ours, theirs[tid]),
                  ("that took another time", wrong, []))
    tap.note(f"{len(seen)} softirqs of {len(theirs)} threads")


def interrupted_before(tap):
    """A timer's interrupt leaves a tasklet, and another interrupt comes before it begins, on
    the time of a thread whose last softirq was its own, a packet's."""
    def guests():
        with host.affinity({0}):
            host.run("insmod", HELPER)
        try:
            return [host.guest("pio", 1000, "--send", "--cpu", 0)]
        finally:
            host.run("rmmod", "raise_softirq")

    [truth], recording, theirs = measure("vcpu*", guests=guests)
    tid = truth["vcpus"][0]["tid"]
    all_records = records.of_file(recording.file, "kvmsched_")
    since = first_record(tid, all_records)
    ours = [record for record in ours_of(tid, all_records) if record["name"] == "TASKLET"]
    theirs = [softirq for softirq in theirs.get(tid, ())
              if softirq.name == "TASKLET" and softirq.since > since]
    wrong = [b for a, b in zip(ours, theirs) if a["kind"] != b.kind]
    left = sum(softirq.kind == AT_INTERRUPT for softirq in theirs)
    tap.equal("softirqs: another interrupt comes before the first one's softirq begins",
              ("tasklets", len(ours), len(theirs)),
              ("left by interrupts, 10 at least", left >= 10 or left, True),
              ("of the other kind, 1 in 100 and two more at most",
               len(wrong) <= 2 + len(theirs) // 100 or wrong[:10], True))


def test(tap):
    truths, recording, theirs = measure("vcpu*")
    all_records = records.of_file(recording.file, "kvmsched_")
    summary = recording.report()
    seen = []
    for truth in truths:
        tid = truth["vcpus"][0]["tid"]
        ours, softirqs = compare(tap, truth["name"], tid, all_records, theirs)
        as_reported(tap, truth["name"], summary, tid, ours)
        seen += softirqs
    realtime = "-rt-" in os.uname().release
    # What is raised while ksoftirqd waits for the CPU is left to it. On PREEMPT_RT, some
    # lose the CPU.
    own = sum(s.kind == OWN for s in seen)
    tap.equal("softirqs: a packet is a softirq of the thread's own",
              ("but for 1 in 50", own >= 392 or own, True))
    tap.ok(realtime != any(s.kind == AT_INTERRUPT for s in seen),
           "softirqs: interrupts serve some, and on PREEMPT_RT none")
    tap.ok(realtime or any(s.interrupts for s in seen),
           "softirqs: some were interrupted")
    tap.equal("softirqs: nothing was lost", ("lost", summary["lost"], 0))
    if not realtime:  # there some lose the CPU, and have no record
        of_the_host(tap)
        interrupted_before(tap)

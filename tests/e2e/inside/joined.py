# SPDX-License-Identifier: GPL-2.0-only
"""Who begins to listen takes no record from those who listen already.

An event that needs one more class is enabled during a recording: hooks are attached,
and each CPU is interrupted to look at its own.  ftrace says which interrupts there
were, that one among them.
"""

import host
import records
from device import STEAL, Device

TIMES = 5
EVENT = "kvmsched/kvmsched_wake"	# of class steal
CALLS = ("call_function", "call_function_single")
KIND = 3				# KS_HOST_IRQ_CALL: both of them


def ends_by_cpu(found):
    """{cpu: [when an interrupt ended]}"""
    ends = {}
    for record in found:
        ends.setdefault(record.cpu, []).append(record.ts)
    return ends


def measure():
    """(the recording, ftrace's lines, whether the class was attached: each time)"""
    joined = []
    with host.module(), host.Ftrace(clock="x86-tsc") as ftrace, Device() as device:
        # Ours come first, so that our handlers are called first.
        with host.Recording("-e", "+host", "-m", "16M") as recording:
            ftrace.enable(*(f"irq_vectors/{name}_exit" for name in CALLS))
            for _ in range(TIMES):
                ftrace.enable(EVENT)
                joined.append(bool(device.info().attached & STEAL))
                ftrace.enable(EVENT, on=0)
            ftrace.enable(*(f"irq_vectors/{name}_exit" for name in CALLS), on=0)
        return recording, records.of_ftrace(ftrace), joined


def test(tap):
    recording, lines, joined = measure()
    theirs = ends_by_cpu(line for line in lines if line.event.endswith("_exit") and
                         line.event.removesuffix("_exit") in CALLS)
    ours = ends_by_cpu(record for record in
                       records.of_file(recording.file, "kvmsched_host_irq")
                       if record["kind"] == KIND)
    wrong, seen = [], 0
    for cpu, ends in theirs.items():
        for before, after in zip(ends, ends[1:]):
            count = sum(before < ts <= after for ts in ours.get(cpu, ()))
            seen += 1
            if count != 1:
                wrong.append((cpu, after, count))
    tap.equal("joined: a class that joins takes no interrupt's record away",
              ("lost", recording.report()["lost"], 0),
              ("the class joined", joined, [True] * TIMES),
              (f"there were interrupts: {seen}", seen >= TIMES, True),
              ("that have no record, or several", wrong, []))

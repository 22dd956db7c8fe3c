# SPDX-License-Identifier: GPL-2.0-only
"""Nothing can preempt handlers of kvm_exit and kvm_entry, by ftrace's flags: so the
module's own of these need not switch preemption off, as its others do.

For kernels whose tracepoints leave preemption as it is (7.x): older ones switch it off
for all handlers, and ftrace shows what it was before.
"""

import re

import host

N = 200
# irqs-off, need-resched, hardirq/softirq, preempt-depth: Documentation/trace/ftrace.rst
FLAGS = re.compile(r"\[\d+\] +(\S)..(\S)\S* +[\d.]+: (\w+):")
HELD = "kvm_exit", "kvm_entry"
FREE = "kvm_pio"		# in the midst of the exit's handler


def test(tap):
    with host.Ftrace() as ftrace:
        ftrace.enable(*(f"kvm/{event}" for event in (*HELD, FREE)))
        host.guest("pio", N)
        found = [FLAGS.search(line).groups() for line in ftrace.lines()]
    preemptible = {event: [irqs not in "dD" and depth == "." for irqs, depth, name in found
                           if name == event] for event in (*HELD, FREE)}
    tap.equal("preempt: where KVM calls the handlers of exits and entries",
              *((f"{event}: enough of them", len(hits) >= N, True)
                for event, hits in preemptible.items()),
              *((f"{event} can be preempted", sum(preemptible[event]), 0) for event in HELD),
              (f"{FREE} can", all(preemptible[FREE]), True))

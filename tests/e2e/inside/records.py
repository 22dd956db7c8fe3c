# SPDX-License-Identifier: GPL-2.0-only
"""Single records of a trace.dat, read by trace-cmd; and lines of ftrace."""

import re

import host

LINE = re.compile(r"^\s*(?P<comm>.+)-(?P<tid>\d+) +\[(?P<cpu>\d+)\]"
                  r"(?: +[^\d\s]\S{3,6} )? *(?P<ts>\d+): "
                  r"(?P<event>\w+):\s*(?P<text>.*)$")
LOST = re.compile(r"\[(?:(\d+) )?EVENTS DROPPED\]")
FIELD = re.compile(r"(\w+)=(\S+)")
# Why an exit came, in a line of ftrace's kvm_exit
REASON = re.compile(r"reason (\S+)")
GONE = 0x200		# KS_FEATURE_GONE, of an identity
# Instructions between our handler and ftrace's of the same tracepoint
HANDLERS_NS = 1600
# ftrace's events of the interrupts that come in the lab: their beginnings and ends
VECTORS = "local_timer reschedule call_function call_function_single irq_work"
IRQ_BEGINS = {f"{name}_entry" for name in VECTORS.split()} | {"irq_handler_entry"}
IRQ_ENDS = {f"{name}_exit" for name in VECTORS.split()} | {"irq_handler_exit"}
IRQ_EVENTS = ("irq/irq_handler_entry", "irq/irq_handler_exit",
              *(f"irq_vectors/{name}_{end}" for name in VECTORS.split()
                for end in ("entry", "exit")))


class Record:
    def __init__(self, match):
        self.tid, self.cpu = int(match["tid"]), int(match["cpu"])
        self.ts, self.event = int(match["ts"]), match["event"]
        self.text = match["text"]
        self.fields = dict(FIELD.findall(self.text))

    def __getitem__(self, field):
        """A field as a number where it is one."""
        value = self.fields[field]
        try:
            return int(value, 0)
        except ValueError:
            return value

    def number(self, field):
        """A field that trace-cmd pads with spaces"""
        return int(re.search(rf"\b{field}= *(-?\w+)", self.text)[1], 0)

    def __repr__(self):
        return f"{self.ts} {self.event} {self.text}"


def parse(lines):
    """Records in the order of time."""
    matches = filter(None, map(LINE.match, lines))
    return sorted(map(Record, matches), key=lambda record: record.ts)


def of_file(file, *events):
    """Records of kvmsched's events, times in TSC cycles."""
    text = host.run("trace-cmd", "report", "-i", file, "--raw-ts", "-R").stdout
    return parse(line for line in text.splitlines()
                 if any(event in line for event in events))


def of_ftrace(ftrace):
    """What an Ftrace(clock="x86-tsc") traced."""
    return parse(ftrace.lines())

# SPDX-License-Identifier: GPL-2.0-only
"""The recorders that are measured, each with what begins and ends it."""

import os
import signal
import time

import host
from device import Device

BENCH = os.path.join(host.BUILD, "bench")
EVENTS = {"kvm_exit + kvm_entry": ("kvm:kvm_exit", "kvm:kvm_entry"),
          "kvm + sched + timer + irq": ("kvm", "sched", "timer", "irq")}


class Tool:
    """A recorder: `with tool.session() as session:` records meanwhile."""

    def __init__(self, name, many, ready, argv, module=None):
        # many: exits of a long run, more where the tool itself costs little
        self.name, self.many, self.module = name, many, module
        self.ready, self.argv = ready, argv

    def loaded(self):
        return host.module(*self.module) if self.module is not None \
            else host.contextlib.nullcontext()

    def session(self):
        return Session(self)


class Session:
    def __init__(self, tool):
        self.file = os.path.join(host.WORK, "bench.out")
        self.argv, self.ready = tool.argv(self.file), tool.ready
        self.cost = None  # instructions of all its processes, once it is over

    def __enter__(self):
        if os.path.exists(self.file):
            os.remove(self.file)
        self.child = host.Child(*self.argv)
        host.wait_for(lambda: self.ready(self.child) or
                      not self.child.running(), self.argv)
        # Time costs nothing here while all sleep.
        time.sleep(5)
        if not self.child.running():
            self.child.wait()
        return self

    def __exit__(self, *unused):
        with self.child:
            self.child.signal(signal.SIGINT)
            _, status, usage = os.wait4(self.child.pid, 0)
            self.child.process.returncode = os.waitstatus_to_exitcode(status)
            self.cost = (usage.ru_utime + usage.ru_stime) * 1e9

    def size(self):
        return os.path.getsize(self.file)


# Each recorder's own sign that it records

def kvmsched_ready(child):
    del child
    with Device() as device:
        return device.info().session


def trace_cmd_ready(child):
    del child
    return host.read(f"{host.TRACING}/events/kvm/kvm_exit/enable")[0] == "1" \
        and host.read(f"{host.TRACING}/tracing_on")[0] == "1"


def perf_ready(child):
    """Its buffers are mapped, and it waits for them to fill."""
    poll = ("7 ", "271 ")
    return "[perf_event]" in host.read(f"/proc/{child.pid}/maps") and \
        host.read(f"/proc/{child.pid}/syscall").startswith(poll)


def bpf_ready(child):
    child.out.seek(0)
    return "ready" in child.out.read()


def kvmsched(file):
    return [host.KVMSCHED, "record", "-q", "-m", "32M", "-o", file]


def trace_cmd(events):
    return lambda file: ["trace-cmd", "record", "-q", "-b", 32768,
                         "--compression", "none", "-o", file,
                         *(word for event in EVENTS[events]
                           for word in ("-e", event))]


def perf(*words):
    return lambda file: ["perf", *words, "-a", "-m", 8192, "-o", file]


def tools():
    return [
        *(Tool(f"kvmsched, attach={how}", 400000, kvmsched_ready, kvmsched,
               (f"attach={how}",)) for how in ("auto", "kprobe")),
        *(Tool(f"trace-cmd record, {events}", 60000, trace_cmd_ready,
               trace_cmd(events)) for events in EVENTS),
        Tool("perf kvm stat record", 60000, perf_ready,
             perf("kvm", "--host", "stat", "record")),
        Tool("perf record -e kvm:*", 40000, perf_ready,
             perf("record", "-e", "kvm:*")),
        Tool("BPF ring buffer, kvm_exit + kvm_entry", 200000, bpf_ready,
             lambda file: [f"{BENCH}/exits", f"{BENCH}/exits.bpf.o", file]),
    ]

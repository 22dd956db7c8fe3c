# SPDX-License-Identifier: GPL-2.0-only
"""The recorders that are measured, each with what begins and ends it."""

import os
import signal
import time

import host

BENCH = os.path.join(host.BUILD, "bench")
EVENTS = {"kvm_exit + kvm_entry": ("kvm:kvm_exit", "kvm:kvm_entry"),
          "kvm + sched + timer + irq": ("kvm", "sched", "timer", "irq")}


class Tool:
    """A recorder: `with tool.session() as file:` records meanwhile."""

    def __init__(self, name, many, argv, module=None):
        # many: exits of a long run, more where the tool itself costs little
        self.name, self.many, self.argv = name, many, argv
        self.module = module

    def loaded(self):
        return host.module(*self.module) if self.module is not None \
            else host.contextlib.nullcontext()

    def session(self):
        return Session(self.argv)


class Session:
    def __init__(self, argv):
        self.file = os.path.join(host.WORK, "bench.out")
        self.argv = argv(self.file)
        self.cost = None  # instructions of all its processes, once it is over

    def __enter__(self):
        if os.path.exists(self.file):
            os.remove(self.file)
        self.child = host.Child(*self.argv)
        # Time costs nothing here while all sleep, so there is enough of it
        # to attach.
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


def trace_cmd(events):
    return lambda file: ["trace-cmd", "record", "-q", "-b", 32768, "-o", file,
                         *(word for event in EVENTS[events]
                           for word in ("-e", event))]


def tools():
    found = [Tool(f"kvmsched, attach={how}", 400000,
                  lambda file: [host.KVMSCHED, "record", "-q", "-m", "32M",
                                "-o", file], (f"attach={how}",))
             for how in ("auto", "kprobe")]
    found += [Tool(f"trace-cmd record, {events}", 60000, trace_cmd(events))
              for events in EVENTS]
    found += [
        Tool("perf kvm stat record", 60000, lambda file: [
            "perf", "kvm", "--host", "stat", "record", "-a", "-m", 8192, "-o",
            file]),
        Tool("perf record -e kvm:*", 60000, lambda file: [
            "perf", "record", "-q", "-a", "-m", 8192, "-e", "kvm:*", "-o",
            file]),
        Tool("BPF ring buffer, kvm_exit + kvm_entry", 200000, lambda file: [
            f"{BENCH}/exits", f"{BENCH}/exits.bpf.o", file]),
    ]
    return found

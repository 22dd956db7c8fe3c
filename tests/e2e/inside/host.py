# SPDX-License-Identifier: GPL-2.0-only
"""The lab's machine: its modules, guests, recordings and ftrace."""

import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from device import Device

BUILD = os.environ["O"]
GUEST = os.path.join(BUILD, "guest", "kvmguest")
SPIN = os.path.join(BUILD, "guest", "spin")
CALLER32 = os.path.join(BUILD, "guest", "caller32")
KVMSCHED = shutil.which("kvmsched") or "kvmsched"
TRACING = "/sys/kernel/tracing"
WORK = "/tmp/e2e"
# Seconds for what takes one on a machine that isn't emulated.  Under icount
# each wait for the outside warps the clock: there the lab's own limit counts.
ICOUNT = "lab.icount" in open("/proc/cmdline", encoding="ascii").read()
PATIENCE = 100000 if ICOUNT else 60
# On Bochs an instruction takes 2.5 ns, so what costs some microseconds elsewhere
# costs more.
BOCHS = "lab.bochs" in open("/proc/cmdline", encoding="ascii").read()
# Whose virtualization it is, and what differs by that: KVM's module, names of exits
VMX = " vmx " in open("/proc/cpuinfo", encoding="ascii").read()
VENDOR = "kvm_intel" if VMX else "kvm_amd"
HLT, IO, PAGE_FAULT = ("HLT", "IO_INSTRUCTION", "EPT_VIOLATION") if VMX else ("hlt", "io", "npf")

os.makedirs(WORK, exist_ok=True)


class Failed(Exception):
    """A program that the test needs failed; its words are in the message."""


def run(*argv, status=0, **options):
    """Run a program to its end; Failed unless it ends with `status`."""
    try:
        done = subprocess.run([str(word) for word in argv], text=True,
                              errors="replace", stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=PATIENCE, **options)
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(map(str, argv))}: doesn't end") from None
    if status is not None and done.returncode != status:
        raise Failed(f"{' '.join(map(str, argv))}: status {done.returncode}, "
                     f"expected {status}\n{done.stderr}{done.stdout[-2000:]}")
    return done


def wait_for(condition, what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"waited {seconds} s for {what}")
        time.sleep(0.02)


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(text))


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


# Modules

def loaded(module="kvmsched"):
    return os.path.isdir(f"/sys/module/{module}")


def references(module="kvmsched"):
    return int(read(f"/sys/module/{module}/refcnt"))


def load(*parameters):
    run("modprobe", "kvmsched", *parameters)


def unload():
    if loaded():
        run("rmmod", "kvmsched")


@contextlib.contextmanager
def module(*parameters):
    unload()
    load(*parameters)
    try:
        yield
    finally:
        unload()


@contextlib.contextmanager
def kvm_with(*parameters):
    """KVM's module, loaded anew with these; and at last as it was"""
    run("rmmod", VENDOR)
    run("modprobe", VENDOR, *parameters)
    try:
        yield
    finally:
        run("rmmod", VENDOR)
        run("modprobe", VENDOR)


@contextlib.contextmanager
def affinity(cpus):
    """This test, and all that it starts meanwhile, on these CPUs."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def settings(values):
    """{file: value} of the kernel, put back in the reverse order."""
    before = {path: read(path).strip() for path in values}
    for path, value in values.items():
        write(path, value)
    try:
        yield before
    finally:
        for path, text in reversed(before.items()):
            # Of a choice the kernel shows all: always [madvise] never
            chosen = re.search(r"\[(.+?)\]", text)
            write(path, chosen[1] if chosen else text)


def quiet():
    """Let schedstat be right to the microsecond.

    A kernel thread goes on past the tick that wants it off the CPU, up to its
    next cond_resched().  A wakeup at that tick makes the scheduler skip its
    clock's update at the switch (rq_clock_skip_update()), and it charges the
    rest, a millisecond or more, to the thread that comes next.  khugepaged is
    the one such kernel thread that the lab has (none on PREEMPT_RT);
    sched_switch shows it on the CPU all that time.
    """
    thp = "/sys/kernel/mm/transparent_hugepage/enabled"
    return settings({thp: "never"} if os.path.exists(thp) else {})


def spared(cpu):
    """On a real-time kernel, stay off a CPU that is about to have a hog: there
    threads of priority 1 run the timers and wakeups of ordinary tasks."""
    cpus = os.sched_getaffinity(0)
    return affinity(cpus - {cpu} if "-rt-" in os.uname().release else cpus)


# Guests

class Child:
    """A program that runs beside the test; ended with it at the latest, and
    its own children with it."""

    def __init__(self, *argv, **options):
        self.argv = [str(word) for word in argv]
        self.out = tempfile.TemporaryFile("w+", errors="replace")
        self.words = tempfile.TemporaryFile("w+", errors="replace")
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.DEVNULL, stdout=self.out,
            stderr=self.words, start_new_session=True, **options)
        self.pid = self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def running(self):
        return self.process.poll() is None

    @property
    def err(self):
        self.words.seek(0)
        return self.words.read()

    def wait(self, status=0, seconds=PATIENCE):
        """Its output; Failed unless it ends with `status` (None: any)."""
        try:
            self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.argv} doesn't end\n{self.err}") from None
        if status is not None and self.process.returncode != status:
            raise Failed(f"{self.argv}: status {self.process.returncode}, "
                         f"expected {status}\n{self.err}")
        self.out.seek(0)
        return self.out.read()

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        # It needs a CPU to end.  If a hog has that, whoever began the hog ends it next.
        # What has failed before tells more.
        try:
            self.wait(status=None)
        except Failed as failed:
            if kind is None:
                raise
            print(f"# {failed}", flush=True)


def spin(on_us, off_us, *options, **popen):
    """A host task beside the test that spins and sleeps in turns."""
    return Child(SPIN, "--quiet", "--seconds", 600, "--on-us", on_us,
                 "--off-us", off_us, *options, **popen)


TRUTH = os.path.join(WORK, "truth.json")


def guest_argv(payload, n, *options):
    return [GUEST, "--quiet", "--json", TRUTH, *options, payload, n]


def truth_of_guest():
    """What the guest of guest_argv() that ended last said of itself."""
    return json.loads(read(TRUTH))


def guest(payload, n, *options, status=0, prefix=()):
    """Run a guest; the truth about it, and what it was."""
    run(*prefix, *guest_argv(payload, n, *options), status=status)
    truth = truth_of_guest()
    truth["name"] = " ".join([payload, *map(str, options)])
    return truth


def kvm_counters(child, name):
    """KVM's own counter of that name, of each VM of a guest that KVM has in debugfs"""
    return [int(read(counter))
            for counter in glob.glob(f"/sys/kernel/debug/kvm/{child.pid}-*/{name}")]


def is_above_0(child, name):
    """Has it counted in each of the guest's VMs, of which there are some?"""
    counters = kvm_counters(child, name)
    return bool(counters) and all(counters)


def running_guest(payload, *options):
    """A guest of its own in the background, once each of its VMs runs."""
    ready = os.path.join(WORK, "ready")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(ready)	# another guest's, which nobody waited for
    # It runs until it is told to end: Bochs' clock lets a million CPUIDs pass in a second.
    argv = guest_argv(payload, 0 if payload == "spin" else 1000000000,
                      "--ready-file", ready, *options)
    child = Child(*argv)
    wait_for(lambda: os.path.exists(ready), "the guest")
    os.remove(ready)
    wait_for(lambda: is_above_0(child, "exits"), "each VM's first exit")
    time.sleep(0.5)
    return child


# Recordings

def report(file, *options):
    return json.loads(run(KVMSCHED, "report", "--json", file, *options).stdout)


def worst(file, kind=None, count=10):
    """The worst moments of a kind, or of any, as `report worst` has them."""
    return json.loads(run(KVMSCHED, "report", "worst", file, "--json",
                          *(("--kind", kind) if kind else ()), "-n", count).stdout)["worst"]


def vcpu_by_tid(summary, tid):
    found = [vcpu for vcpu in summary["vcpus"] if vcpu["tid"] == tid]
    if len(found) != 1:
        raise Failed(f"{len(found)} vCPUs of thread {tid} in the report")
    return found[0]


def reason_names(vcpu):
    """{number: name} of the reasons of a vCPU's exits"""
    return {exit["code"]: exit["reason"] for exit in vcpu["exits"]}


def hits_dropped(summary, *hooks):
    """Hits of these hooks, or of all, that the kernel dropped, and counted: a kprobe's that
    come by an interrupt within another one's handler"""
    return sum(row["count"] for row in summary["missed"]
               if not hooks or row["hook"] in hooks)


class Recording:
    """`kvmsched record` in the background: with Recording() as recording."""

    def __init__(self, *options, file="e2e.dat", prefix=()):
        self.file = os.path.join(WORK, file)
        self.argv = [*prefix, KVMSCHED, "record", "-q", "-o", self.file,
                     *options]
        self.summary = None

    def __enter__(self):
        self.child = Child(*self.argv)
        with Device() as device:
            wait_for(lambda: device.info().session or
                     not self.child.running(), "the recording to begin")
        if not self.child.running():
            self.child.wait()
        return self

    def stop(self):
        self.child.signal(signal.SIGINT)
        self.child.wait()

    def report(self, *options):
        return report(self.file, *options)

    def __exit__(self, kind, *unused):
        with self.child:
            if kind is None and self.child.running():
                self.stop()


# ftrace, in an instance of its own

class Ftrace:
    def __init__(self, name="e2e", clock=None):
        self.path = os.path.join(TRACING, "instances", name)
        self.clock = clock
        self.hists = []

    def __enter__(self):
        os.mkdir(self.path)
        if self.clock:
            write(f"{self.path}/trace_clock", self.clock)
        return self

    def enable(self, *events, on=1):
        for event in events:
            write(f"{self.path}/events/{event}/enable", on)

    def count(self, event, keys, condition=""):
        """Count an event by its fields, in the kernel."""
        trigger = f"hist:keys={keys}{' if ' + condition if condition else ''}"
        write(f"{self.path}/events/{event}/trigger", trigger)
        self.hists.append((event, trigger))

    def counts(self, event):
        """{(value, ...): hits} of the keys that count() was told of."""
        text = read(f"{self.path}/events/{event}/hist")
        dropped = re.search(r"Dropped: (\d+)", text)
        if not dropped or int(dropped[1]):
            raise Failed(f"ftrace lost counts of {event}:\n{text}")
        return {tuple(int(value) for value in
                      re.findall(r": +(-?\d+)[ ,]", line[:line.index("}")])):
                int(line.rsplit(":", 1)[1])
                for line in text.splitlines() if line.startswith("{")}

    def lines(self):
        """What was traced; Failed if some was lost."""
        for cpu in os.listdir(f"{self.path}/per_cpu"):
            stats = read(f"{self.path}/per_cpu/{cpu}/stats")
            for what in re.findall(r"(?:overrun|dropped events): (\d+)", stats):
                if int(what):
                    raise Failed(f"ftrace lost events on {cpu}:\n{stats}")
        return [line for line in read(f"{self.path}/trace").splitlines()
                if not line.startswith("#")]

    def __exit__(self, *unused):
        for event, trigger in self.hists:
            write(f"{self.path}/events/{event}/trigger", "!" + trigger)
        write(f"{self.path}/events/enable", 0)
        os.rmdir(self.path)


def _kprobe_event(text):
    # Python's own append mode seeks to the end, which this file refuses.
    fd = os.open(f"{TRACING}/kprobe_events", os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


@contextlib.contextmanager
def kprobe_events(**functions):
    """name=function: counts of functions that have no tracepoint."""
    for name, function in functions.items():
        _kprobe_event(f"p:e2e/{name} {function}\n")
    try:
        yield
    finally:
        for name in functions:
            _kprobe_event(f"-:e2e/{name}\n")

# SPDX-License-Identifier: GPL-2.0-only
"""Nothing waits for a vCPU that spins at real-time priority.

The guest has CPU 1 for itself.  The caller is at SCHED_FIFO 99 on that very CPU,
so it gets the CPU whenever it wants it, but nothing below the guest's priority
does: no worker, and on PREEMPT_RT no timer's thread either.  A grace period that
starts there may end with the guest only.  Meanwhile CPU 0 traces, and loads and
unloads modules.

On PREEMPT_RT, RCU itself needs a thread on each CPU (rcutree.kthread_prio).  A
guest above that keeps all grace periods of the machine from ending.  Then rmmod
waits for it, and so does the kernel by itself wherever a tracepoint, an event's
own included, gets a handler again after it lost its last.

A guest below it lets RCU's threads run, but not the thread of that CPU's timers.
If RCU's kthread, which looks for CPUs that are idle, sleeps there, nobody wakes it,
and no grace period ends but those for which our workers wait.
"""

import contextlib
import ctypes
import glob
import os
import select
import signal
import subprocess
import sys
import threading
import time

import host
from device import DEFAULT, STEAL, Device

CPU = 1				# 0 has the console, the watchdog, and the test
LIMIT = 5			# seconds for each call
REPORTED = 5			# seconds after which a wait is in the kernel's log
SHARES = 3			# seconds in which real-time tasks leave some time to others
CALLER = 99
MODULE = "dummy"		# any that nothing needs
EVENT = f"{host.TRACING}/instances/hog/events/kvmsched/kvmsched_exit/enable"
RCU = "rcu_preempt"
# Where workers may run that are bound to no CPU
WORKERS = "/sys/devices/virtual/workqueue/cpumask"
KTHREAD_PRIO = "/sys/module/rcutree/parameters/kthread_prio"
# Beside the limits for real-time tasks, the share that 6.12 gives to all others
UNLIMITED = {"/proc/sys/kernel/sched_rt_runtime_us": -1,
             **{path: 0 for path in glob.glob(
                 f"/sys/kernel/debug/sched/fair_server/cpu{CPU}/runtime")}}


class Caller:
    """What the caller can be asked for; the names of the methods are the steps."""

    def __init__(self):
        self.device = Device()

    def enable(self):
        host.write(EVENT, 1)

    def disable(self):
        host.write(EVENT, 0)

    def start(self):
        return self.device.start(classes=DEFAULT | STEAL)

    def stop(self):
        return self.device.stop()

    def follow(self):
        self.device.follow()

    def hook(self):
        self.device.hooks()

    def info(self):
        self.device.info()

    def close(self):
        self.device.close()

    def rmmod(self):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syscall(176, b"kvmsched", os.O_NONBLOCK):
            return os.strerror(ctypes.get_errno())


STEPS = ("start", "stop", "start", "stop", "follow", "enable", "disable", "hook",
         "info", "close")
AGAIN = ("enable", "disable")


def serve():
    """The caller's process: a step by each line, and how long each took."""
    caller = Caller()
    ctypes.CDLL(None).syscall	# resolved while there is time
    os.sched_setaffinity(0, {CPU})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(CALLER))
    print("ready", flush=True)
    for line in sys.stdin:
        began = time.monotonic()
        wrong = getattr(caller, line.strip())()
        print(time.monotonic() - began, wrong or "", flush=True)


class Asked:
    """The caller, as the test sees it."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-B", __file__], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1)
        self.answer(host.PATIENCE)

    def answer(self, seconds):
        """Its line, or None if it says nothing for so long."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return None
        line = self.process.stdout.readline()
        if not line:
            raise host.Failed("the caller has died")
        return line.strip()

    def ask(self, step, seconds=LIMIT):
        self.process.stdin.write(step + "\n")
        return self.answer(seconds)

    def stack(self):
        """Where the caller stands in the kernel"""
        return host.read(f"/proc/{self.process.pid}/stack")

    def where(self):
        """Where the caller and our workers stand, in the kernel, and which threads
        want the hog's CPU."""
        stacks = [host.read(path) for path in glob.glob("/proc/*/stack")
                  if os.path.exists(path)]
        threads = host.run("ps", "-eLo", "psr=,state=,cls=,rtprio=,comm=").stdout
        return "\n".join(
            [self.stack()] +
            [stack for stack in stacks if "[kvmsched]" in stack] +
            [host.run("ps", "-C", RCU, "-o", "psr=,state=,cls=,rtprio=,comm=").stdout] +
            [line for line in threads.splitlines()
             if line.split()[:2] in ([str(CPU), "R"], [str(CPU), "D"])])

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Others(threading.Thread):
    """What else goes on in the machine, on CPU 0: `longest` is how long one turn
    of it took.  No tracepoint of theirs gets its first handler or loses its last:
    the kernel's own waits for that may end with the hog only."""

    def __init__(self, ftrace, modules):
        super().__init__(daemon=True)
        self.ftrace = ftrace
        self.modules = modules
        self.over = threading.Event()
        self.longest = 0
        self.turns = 0

    def run(self):
        while not self.over.wait(0.3):
            began = time.monotonic()
            self.ftrace.lines()
            if self.modules:
                host.run("modprobe", MODULE)
                host.run("rmmod", MODULE)
            self.longest = max(self.longest, time.monotonic() - began)
            self.turns += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *unused):
        self.over.set()
        self.join()


@contextlib.contextmanager
def hog(policy):
    ready = os.path.join(host.WORK, "ready")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(ready)
    with host.Child(*host.guest_argv("pause", 0, "--policy", policy, "--cpu", CPU,
                                     "--ready-file", ready)) as child:
        host.wait_for(lambda: os.path.exists(ready), "the hog")
        time.sleep(0.5)
        yield child


@contextlib.contextmanager
def rcu_beside_the_hog():
    """RCU's kthread sleeps on the hog's CPU."""
    pid = int(host.run("pgrep", "-x", RCU).stdout)
    before = os.sched_getaffinity(pid)
    os.sched_setaffinity(pid, {CPU})
    try:
        yield
    finally:
        os.sched_setaffinity(pid, before)


def starves_softirqs():
    """On 6.1, no softirq runs on a CPU where ksoftirqd waits for it: only expedited
    grace periods end, as ours are, and not those of others, nor that of the kernel
    itself when it frees a module."""
    return os.uname().release.startswith("6.1.")


def starves_rcu(policy):
    return "-rt-" in os.uname().release and \
        int(policy.partition(":")[2]) > int(host.read(KTHREAD_PRIO))


def walk(tap, caller, steps):
    """The steps, up to the first that does not end: (step, in time?, True) each."""
    took = []
    for step in steps:
        answer = caller.ask(step)
        tap.note(f"{step}: {answer or caller.where()}")
        if answer is None:
            return took + [(step, "does not end", True)]
        seconds, _, wrong = answer.partition(" ")
        took.append((step, wrong or float(seconds) <= LIMIT, True))
    return took


def said():
    """How often the log says that rmmod waits, and which CPU delays it"""
    log = host.run("dmesg").stdout
    return [log.count(text) for text in
            ("rmmod still waits after", f"CPU {CPU} runs vcpu0")]


def is_said(before):
    """Once more than before, by the caller"""
    try:
        host.wait_for(lambda: said() == [count + 1 for count in before],
                      "who delays it, in the log", 2 * LIMIT)
    except host.Failed:
        return False
    return True


def last(tap, caller, guest, waits, kernel_waits):
    """rmmod, where it may have to wait for the hog; if it must, it says so.  Or the
    kernel's own part of it waits, but not ours."""
    before = said()
    answer = caller.ask("rmmod", REPORTED + 3)
    ours = not answer and "[kvmsched]" in caller.stack()
    if not answer:
        tap.note(f"rmmod waits: {caller.where()}")
    told = waits and is_said(before)
    guest.signal(signal.SIGKILL)
    after = answer or caller.answer(LIMIT)
    tap.note(f"rmmod: {answer or f'{after}, with the hog at its end'}")
    pairs = [("rmmod after the hog's end",
              bool(after) and not after.partition(" ")[2], True)]
    if waits:
        pairs += [("rmmod waits for the hog", answer, None),
                  ("the log says so, and which CPU delays it", told, True)]
    elif answer:
        pairs += [("rmmod", float(answer.split()[0]) <= LIMIT, True)]
    else:
        pairs += [("the kernel's part of rmmod may wait", kernel_waits, True),
                  ("our part of rmmod waits", ours, False)]
    return pairs


def calls(tap, policy, beside=False):
    starved = starves_rcu(policy)
    kernel_waits = starves_softirqs() or beside
    with host.settings(UNLIMITED), host.Ftrace("other") as other, \
            host.Ftrace("hog"), contextlib.ExitStack() as stack:
        # Somebody else's tracing, so that not the caller is the first and the last
        # for whom the scheduler is traced, to learn the names of tasks: there the
        # kernel itself begins a grace period on the caller's CPU.
        other.enable("sched/sched_process_exit")
        host.load()
        if beside:
            stack.enter_context(rcu_beside_the_hog())
        caller = stack.enter_context(Asked())
        guest = stack.enter_context(hog(policy))
        # rmmod of any module waits for RCU's callbacks.
        others = Others(other, modules=not kernel_waits)
        if not starved:
            stack.enter_context(others)
        took = walk(tap, caller, STEPS if starved else STEPS[:-1] + AGAIN +
                    STEPS[-1:])
        alive = guest.running()
        hangs = "does not end" in [what for _, what, _ in took]
        if not hangs:
            took += last(tap, caller, guest, starved, kernel_waits)
        guest.signal(signal.SIGKILL)
        if hangs:
            tap.note(f"after the hog's end: {caller.answer(host.PATIENCE)}")
    what = f"{policy}{', above RCU' if starved else ', beside RCU' if beside else ''}"
    tap.equal(f"hog: {what}: each call ends within {LIMIT} s", *took,
              ("the hog", alive, True))
    if not starved:
        # A turn waits for the caller several times, and for grace periods.
        tap.ok(others.turns > 0 and others.longest <= 4 * LIMIT,
               f"hog: {what}: tracing {'goes' if kernel_waits else 'and modules go'} on elsewhere",
               f"{others.turns} turns, the longest {others.longest:.1f} s")


def reported(tap):
    """A report of a delay holds nobody up, even where all workers that are bound to no CPU
    have no time but what real-time tasks leave of the hogs' CPU, and no thread serves
    that CPU's timers."""
    with host.settings({WORKERS: f"{1 << CPU:x}"}), contextlib.ExitStack() as stack:
        host.load()
        before = said()
        with host.settings(UNLIMITED):
            caller = stack.enter_context(Asked())
            low = stack.enter_context(hog("rr:5"))
            took = walk(tap, caller, ("start", "stop", "close"))
            high = stack.enter_context(hog("fifo:98"))
            waits = caller.ask("rmmod", REPORTED + 3)
        time.sleep(SHARES)
        told = is_said(before)
        high.signal(signal.SIGKILL)
        answer = caller.answer(LIMIT)
        alive = low.running()
        low.signal(signal.SIGKILL)
        if not answer:
            tap.note(f"rmmod: {caller.answer(host.PATIENCE)}")
    tap.equal("hog: a report holds nobody up", *took,
              ("rmmod waits for the hog above RCU", waits, None),
              ("the log says so, and which CPU delays it, once", told, True),
              (f"rmmod ends within {LIMIT} s after that hog, well",
               bool(answer) and not answer.partition(" ")[2], True),
              ("the other hog", alive, True))


def test(tap):
    with host.affinity({0}):
        for policy in ("rr:5", "fifo:98"):
            host.unload()
            calls(tap, policy)
        # Elsewhere only expedited grace periods end then, without that kthread.
        if "-rt-" in os.uname().release:
            host.unload()
            calls(tap, "rr:5", beside=True)
            host.unload()
            reported(tap)


if __name__ == "__main__":
    serve()

# SPDX-License-Identifier: GPL-2.0-only
"""Who waits until hooks are attached can be killed, and so can who waits behind him.

Attaching waits for a grace period that does not end: a module of the lab's is a reader
of tracepoints that stays where it is, and a tracepoint has lost its last handler since.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time

import device as abi
import host
from device import Device

READER = os.path.join(host.BUILD, "lab", f"helpers-{os.uname().release}",
                      "slow_reader.ko")
# As long as one event is on, the kernel traces the scheduler, to learn tasks' names.
LASTING, PASSING = "sched/sched_process_exit", "sched/sched_process_fork"
EVENT = f"{host.TRACING}/instances/killed/events/kvmsched/kvmsched_exit/enable"
# Seconds until who is killed has ended: he offers the detaching to some CPUs, and
# waits a second for it.  Who isn't killed waits as long as the reader stays.
LIMIT = 10

DEVICE = f"device = os.open({abi.PATH!r}, os.O_RDWR)\n"
CALLS = {
    "START": f"{DEVICE}fcntl.ioctl(device, {abi.IOC_START}, {abi.start_argument()!r})",
    "FOLLOW": f"{DEVICE}fcntl.ioctl(device, {abi.IOC_FOLLOW}, 0)",
    "enable": f"os.write(os.open({EVENT!r}, os.O_WRONLY), b'1')",
}


class Caller(subprocess.Popen):
    """A process that makes one call, of which there is no end."""

    def __init__(self, call):
        super().__init__([sys.executable, "-B", "-c",
                          f"import fcntl, os\n{CALLS[call]}"])
        host.wait_for(self.waits, f"{call} to wait")

    def waits(self):
        """In the module, for somebody else"""
        return "[kvmsched]" in host.read(f"/proc/{self.pid}/stack") and \
            host.read(f"/proc/{self.pid}/stat").rsplit(")", 1)[1].split()[0] in "SD"

    def killed(self):
        """The signal that ended it, within the limit; None: it goes on."""
        self.kill()
        began = time.monotonic()
        try:
            self.wait(LIMIT)
        except subprocess.TimeoutExpired:
            return None
        self.took = time.monotonic() - began
        return self.returncode

    def __exit__(self, *unused):
        self.kill()
        self.wait()


@contextlib.contextmanager
def slow_reader(ftrace):
    """From here on, attaching waits."""
    ftrace.enable(LASTING, PASSING)
    host.run("insmod", READER)
    try:
        ftrace.enable(PASSING, on=0)
        yield
    finally:
        host.run("rmmod", "slow_reader")


def calls(tap, first, second):
    with host.module(), host.Ftrace("killed") as ftrace, \
            contextlib.ExitStack() as stack:
        with slow_reader(ftrace):
            waiter = stack.enter_context(Caller(first))
            behind = stack.enter_context(Caller(second))
            ended = behind.killed()
            waits = waiter.poll() is None
            also = waiter.killed()
        stack.close()
        with Device() as device:
            host.wait_for(lambda: not any(
                row.attached for row in device.hooks()
                if row.name != "kvm_arch_destroy_vm"), "the hooks to be detached")
            info, again = device.info(), device.start()
            attached = device.info().attached
    tap.equal(f"killed: {second} behind {first}",
              (f"{second}, killed", ended, -signal.SIGKILL),
              (f"{first} waits meanwhile", waits, True),
              (f"{first}, killed", also, -signal.SIGKILL),
              ("attached afterwards", (info.session, info.attached), (0, 0)),
              ("START then", (again, attached), (0, abi.DEFAULT)))
    if None not in (ended, also):
        tap.note(f"{second} took {behind.took:.1f} s, {first} {waiter.took:.1f} s")


def test(tap):
    for first, second in (("START", "FOLLOW"), ("FOLLOW", "START"),
                          ("enable", "FOLLOW")):
        calls(tap, first, second)

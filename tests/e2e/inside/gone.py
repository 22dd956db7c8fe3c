# SPDX-License-Identifier: GPL-2.0-only
"""Recording and module go while guests run: a hog at real-time priority, which needs
a CPU of its own, and others that sleep."""

import signal
import time

import host
from device import Device
from host import running_guest


def with_hog(tap, how, hog):
    with host.spared(1), \
            running_guest("hlt", "--vms", 2, "--vcpus", 2) as sleepers, \
            running_guest(hog, "--policy", "rr:5", "--cpu", 1,
                          "--controller-prio", 20) as hogs:
        with host.module(f"attach={how}"):
            with host.Recording("-m", "16K"):
                time.sleep(1)
            with Device() as device:
                followed = device.info().vcpus
            began = time.monotonic()
        took = time.monotonic() - began
        time.sleep(0.5)
        tap.equal(f"gone: {how}: rmmod while vCPUs {hog} and sleep",
                  ("vCPUs followed", followed, 5),
                  ("module", host.loaded(), False),
                  ("guests", [child.running() for child in (sleepers, hogs)],
                   [True, True]))
        tap.note(f"rmmod took {took:.1f} s")
        for child in (sleepers, hogs):
            child.signal(signal.SIGTERM)
            child.wait(status=None)
        tap.equal(f"gone: {how}: they go on and end well",
                  ("status of the sleepers", sleepers.process.returncode, 3),
                  ("of the hog", hogs.process.returncode,
                   0 if hog == "spin" else 3))


def test(tap):
    for how in ("auto", "kprobe"):
        with_hog(tap, how, "spin")
        # Its exits fill the ring of its CPU: whoever waits there for the reader to be
        # woken would wait for ever.
        with_hog(tap, how, "cpuid")

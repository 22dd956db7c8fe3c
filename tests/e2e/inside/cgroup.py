# SPDX-License-Identifier: GPL-2.0-only
"""cgroups of a test's own, below the root."""

import contextlib
import os

import host

ROOT = "/sys/fs/cgroup"
PERIOD_US = 100000
NO_LIMIT = f"max {PERIOD_US}"	# of cpu.max


def path(name, file=""):
    return os.path.join(ROOT, name, file)


def write(name, file, value):
    host.write(path(name, file), value)


def enter(pid, name=""):
    """A process is in the cgroup of that name, or in the root, from now on; 0: this one"""
    write(name, "cgroup.procs", pid)


def of_percent(percent):
    """For cpu.max: so much of a CPU"""
    return f"{percent * PERIOD_US // 100} {PERIOD_US}"


@contextlib.contextmanager
def made(*names, controller="cpu"):
    """Without limits, outer ones first; gone afterwards, when all that were in have left."""
    try:
        for name in names:
            write(os.path.dirname(name), "cgroup.subtree_control", f"+{controller}")
            os.mkdir(path(name))
        yield
    finally:
        for name in reversed(names):
            if os.path.isdir(path(name)):
                host.wait_for(lambda name=name: not host.read(path(name, "cgroup.procs")),
                              "the cgroup's last process")
                os.rmdir(path(name))

# SPDX-License-Identifier: GPL-2.0-only
"""sched_ext without a BPF scheduler: the kernel has its policy, and schedules such a thread
as any other; and a recording tells that none was loaded."""

import json
import os

import host

EXT = 7				# SCHED_EXT
WORDS = "scheduled by the BPF scheduler"


def scheduler():
    """What `kvmsched info` says"""
    return json.loads(host.run(host.KVMSCHED, "info", "--json").stdout)["scheduler"]["bpf_scheduler"]


def policy(*words, status=0):
    return host.run(host.KVMSCHED, "policy", *words, status=status)


def thread_of(child):
    shown = json.loads(policy("show", "--vm", child.pid, "--json").stdout)
    return shown["threads"][0]["tid"]


def without(tap):
    """The kernel takes the policy, and schedules such a thread as any other."""
    with host.running_guest("spin", "--cpu", 0, "--policy", "ext:5") as guest:
        tid = thread_of(guest)
        with host.Recording("-d", 1) as recording:
            recording.child.wait()
        vcpu = host.vcpu_by_tid(recording.report(), tid)
        done = policy("set", "--tid", tid, "ext:3", "--for", 0.1)
        tap.equal("ext: the policy of a thread without a BPF scheduler",
                  ("by the kernel", os.sched_getscheduler(tid), EXT),
                  ("recorded", (vcpu["policy"], vcpu["nice"]), ("SCHED_EXT", 5)),
                  ("policy warns", "no BPF scheduler is loaded" in done.stderr, True),
                  ("info", scheduler()["name"], None),
                  ("the recording", [row["name"] for row in recording.report()["bpf_schedulers"]],
                   [None]),
                  ("no wait of another's", any(WORDS in moment["sentence"] for moment in
                                               host.worst(recording.file, "wait")), False))


def test(tap):
    with host.module():
        without(tap)

# SPDX-License-Identifier: GPL-2.0-only
"""sched_ext. Without a BPF scheduler the kernel schedules threads of its policy as any
other, and a recording tells that none was loaded. With one, `info` and the recording name
it and tell when it went, and so do waits under it."""

import json
import os
import time

import bpfsched
import host

EXT = 7				# SCHED_EXT
LOOKS = 2.5			# s: the recorder looks once a second
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


def told(recording):
    """What the recording says of the schedulers that it saw, one after another"""
    return [(row["name"], row["all_threads"]) for row in recording.report()["bpf_schedulers"]]


def of_all_threads(tap):
    """Two vCPUs of the default policy take turns on one CPU, as the BPF scheduler wants."""
    name = "kvs_all"
    with bpfsched.Loaded(name), host.running_guest("spin", "--cpu", 0, "--vcpus", 2):
        seen = scheduler()
        with host.Recording("-d", LOOKS) as recording:
            recording.child.wait()
    row, = recording.report()["bpf_schedulers"]
    # What is outside of the recorder's first and last look may be another's.
    waits = [wait for wait in host.worst(recording.file, "wait", 100)
             if row["first_ns"] <= wait["begin_ns"] and wait["end_ns"] <= row["last_ns"]]
    text = host.run(host.KVMSCHED, "report", recording.file).stdout
    words = f"{WORDS} {name}"
    tap.equal("ext: a BPF scheduler that has all threads",
              ("info", (seen["name"], seen["all_threads"]), (name, True)),
              ("the recording", told(recording), [(name, True)]),
              ("its text", f"BPF scheduler {name}, for all threads" in text, True),
              ("there are waits", len(waits) > 0, True),
              ("that don't say so", [wait["sentence"] for wait in waits
                                     if words not in wait["sentence"]], []),
              ("info, after it went", scheduler()["name"], None))
    if waits:
        tap.note(waits[0]["sentence"])


def that_goes(tap):
    """One that has threads of SCHED_EXT alone, and goes while the recording lasts"""
    name = "kvs_some"
    with bpfsched.Loaded(name, all_threads=False), \
            host.running_guest("spin", "--cpu", 0, "--policy", "ext:0") as guest:
        tid = thread_of(guest)
        done = policy("set", "--tid", tid, "ext:0", "--for", 0.1)
        tap.equal("ext: a thread that the BPF scheduler has",
                  ("info", scheduler()["all_threads"], False),
                  ("policy has nothing to warn of", "BPF scheduler" in done.stderr, False))
    with bpfsched.Loaded(name, all_threads=False) as bpf, host.Recording() as recording:
        time.sleep(LOOKS)
        bpf.unload()
        time.sleep(LOOKS)
    tap.equal("ext: a BPF scheduler that goes during the recording",
              ("the recording", told(recording), [(name, False), (None, None)]))


def test(tap):
    with host.module():
        without(tap)
        of_all_threads(tap)
        that_goes(tap)

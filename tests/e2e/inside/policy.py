# SPDX-License-Identifier: GPL-2.0-only
"""`kvmsched policy` puts back what was there, however it ends, and touches
nothing else."""

import contextlib
import glob
import json
import os
import signal
import subprocess

import host

# Under icount a wait for the host's disk may take minutes of the lab's clock:
# no limits but the one outside.
PATIENCE = 10 ** 6
STATE = "/run/kvmsched"
SCHED_EXT = "/sys/kernel/sched_ext"
KNOBS = ["/proc/sys/kernel/sched_rr_timeslice_ms",
         "/proc/sys/kernel/sched_rt_runtime_us",
         "/proc/sys/kernel/sched_rt_period_us",
         "/sys/module/kvm/parameters/halt_poll_ns",
         *glob.glob("/sys/kernel/debug/sched/*_ns"),
         *glob.glob("/sys/kernel/debug/sched/fair_server/cpu*/*")]
CHANGE = ["--cpus", "0", "--knob", "rr_timeslice_ms=20", "--knob",
          "halt_poll_ns=0"]


def policy(*words, status=0):
    return host.run(host.KVMSCHED, "policy", *words, status=status)


def wait_for(condition, what):
    host.wait_for(condition, what, PATIENCE)


@contextlib.contextmanager
def patience():
    usual, host.PATIENCE = host.PATIENCE, PATIENCE
    try:
        yield
    finally:
        host.PATIENCE = usual


def look_at(tid):
    """A thread's policy by the system calls themselves, and chrt's words for
    what Python can't ask."""
    return (os.sched_getscheduler(tid), os.sched_getparam(tid).sched_priority,
            os.getpriority(os.PRIO_PROCESS, tid),
            sorted(os.sched_getaffinity(tid)),
            host.run("chrt", "-p", tid).stdout)


def snapshot(tids):
    """All that a policy change may touch."""
    return {**{f"thread {tid}": look_at(tid) for tid in tids},
            **{path: host.read(path).strip() for path in KNOBS
               if os.path.exists(path)}}


def same(tap, name, before, after):
    tap.equal(name, *((what, after.get(what), value)
                      for what, value in before.items()))


@contextlib.contextmanager
def sleepers():
    """Two VMs that sleep most of the time; the threads of their vCPUs."""
    ready = os.path.join(host.WORK, "ready")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(ready)
    with host.Child(host.GUEST, "--quiet", "--vms", 2, "--period-us", 20000,
                    "--policy", "other:3", "--ready-file", ready, "hlt",
                    1000000) as child:
        wait_for(lambda: os.path.exists(ready), "the guests")
        shown = json.loads(policy("show", "--vm", child.pid, "--json").stdout)
        yield child.pid, [thread["tid"] for thread in shown["threads"]]


def kinds(tap, vm, tids):
    """Each policy is set as asked, while it is held, and gone after that."""
    before = snapshot(tids)
    ext = [("ext:5", (7, 0, 5))] if os.path.isdir(SCHED_EXT) else []
    for words, expected in (("batch:7", (3, 0, 7)), ("idle", (5, 0, 3)),
                            ("fifo:10", (1, 10)), ("rr:11", (2, 11)),
                            ("other:-4", (0, 0, -4)),
                            ("deadline:1ms/20ms/40ms", (6,)), *ext):
        with host.Child(host.KVMSCHED, "policy", "set", "--vm", vm, words,
                        "--for", PATIENCE) as child:
            wait_for(lambda want=expected: all(
                look_at(tid)[:len(want)] == want for tid in tids) or
                not child.running(), words)
            tap.equal(f"policy: {words} is set on both vCPUs", *(
                (f"thread {tid}", look_at(tid)[:len(expected)], expected)
                for tid in tids))
            child.signal(signal.SIGTERM)
            child.wait(128 + signal.SIGTERM, PATIENCE)
        same(tap, f"policy: {words} is put back", before, snapshot(tids))


def held(vm, *words):
    return host.Child(host.KVMSCHED, "policy", "set", "--vm", vm, "rr:10",
                      *CHANGE, *words)


def until_changed(child, tids):
    wait_for(lambda: host.read(KNOBS[0]).strip() == "20" and
                  all(os.sched_getscheduler(tid) == os.SCHED_RR
                      for tid in tids) or not child.running(), "the change")


def ends(tap, vm, tids):
    before = snapshot(tids)
    seen = os.path.join(host.WORK, "seen")
    done = policy("set", "--vm", vm, "rr:10", *CHANGE, "--", "sh", "-c",
                  f"cat {KNOBS[0]} >{seen}; ls {STATE} >>{seen}; exit 3",
                  status=3)
    tap.equal("policy: COMMAND runs with the change, which is written down",
              ("rr_timeslice_ms", host.read(seen).split()[0], "20"),
              ("state files", len(host.read(seen).split()) - 1, 1),
              ("words", done.stderr, ""))
    same(tap, "policy: all is back after COMMAND's end", before,
         snapshot(tids))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with held(vm, "--for", PATIENCE) as child:
            until_changed(child, tids)
            child.signal(number)
            child.wait(128 + number, PATIENCE)
        same(tap, f"policy: all is back after {number.name}", before,
             snapshot(tids))
    tap.equal("policy: no state is left", ("files", os.listdir(STATE), []))


def killed(tap, vm, tids):
    before = snapshot(tids)
    with held(vm, "--for", PATIENCE) as child:
        until_changed(child, tids)
        child.signal(signal.SIGKILL)
        child.wait(-signal.SIGKILL, PATIENCE)
    changed = snapshot(tids)
    tap.ok(all(changed[what] != before[what]
               for what in (f"thread {tids[0]}", KNOBS[0])),
           "policy: kill -9 leaves the change")
    refused = policy("set", "--vm", vm, "idle", status=1).stderr
    tap.ok("was killed" in refused and "policy restore" in refused,
           "policy: the next start offers to put it back", refused)
    same(tap, "policy: and changes nothing on top", changed, snapshot(tids))
    policy("restore")
    same(tap, "policy: all is back after kill -9 and restore", before,
         snapshot(tids))
    tap.equal("policy: then no state is left",
              ("files", os.listdir(STATE), []))


def reused(tap):
    """A thread of the same number that began at another time is another."""
    with host.Child("sleep", 1000) as child:
        wait_for(lambda: look_at(child.pid), "sleep")
        policy("set", "--tid", child.pid, "batch:5")
        [file] = glob.glob(f"{STATE}/*.json")
        state = json.loads(host.read(file))
        state["threads"][0]["starttime"] += 1
        host.write(file, json.dumps(state))
        policy("restore")
        tap.equal("policy: a reused number is never touched",
                  ("policy", look_at(child.pid)[0], os.SCHED_BATCH))


def stacked(tap, vm, tids):
    """Changes on changes go back to where the first began."""
    before = snapshot(tids)
    policy("set", "--vm", vm, "--vcpu", 0, "batch:5")
    policy("set", "--all", "rr:5", "--cpus", "0")
    policy("set", "--knob", "rr_timeslice_ms=40")
    tap.ok(before != snapshot(tids), "policy: set without an end stays set")
    policy("restore")
    same(tap, "policy: restore goes back over all changes", before,
         snapshot(tids))


def refused(tap, vm, tids):
    """What would lock up this machine, which has one CPU."""
    before = snapshot(tids)
    unthrottled = ["--knob", "rt_runtime_us=-1"]
    if os.path.isdir("/sys/kernel/debug/sched/fair_server"):
        unthrottled += ["--knob", "fair_server_runtime_ns=0"]
    for name, words in (
            ("RT on every CPU without throttling",
             ("fifo:10", *unthrottled)),
            ("priority 99", ("rr:99",))):
        done = policy("set", "--vm", vm, *words, "--for", 1, status=1)
        tap.ok("--force" in done.stderr,
               f"policy: {name} is refused, with what to do", done.stderr)
        same(tap, f"policy: {name}: nothing was changed", before,
             snapshot(tids))
    policy("set", "--vm", vm, "fifo:10", *unthrottled, "--force", "--for", 1)
    same(tap, "policy: --force does it, and it is put back", before,
         snapshot(tids))


def wrong(tap, vm):
    for words, pattern in (
            (("set", "--vm", vm, "rr:100"), "1 to 99"),
            (("set", "--vm", vm, "deadline:20ms/10ms"), "RUNTIME <= DEADLINE"),
            (("set", "rr:1"), "which threads"),
            (("set", "--vm", vm, "--knob", "none=1", "rr:1"), "no setting 'none'"),
            (("sat",), "show, set or restore")):
        done = policy(*words, status=2)
        tap.ok(pattern in done.stderr,
               f"policy: {' '.join(map(str, words[:1] + words[-1:]))} is "
               "refused", done.stderr)
    if not os.path.isdir(SCHED_EXT):
        done = policy("set", "--vm", vm, "ext", status=1)
        tap.ok("this kernel has no sched_ext" in done.stderr,
               "policy: a kernel without sched_ext refuses ext", done.stderr)
    done = policy("set", "--vm", 1, "idle", status=1)
    tap.ok("no vCPU thread fits" in done.stderr,
           "policy: a process without VMs is told so", done.stderr)


def test(tap):
    if not host.loaded("kvm_amd"):
        subprocess.run(["modprobe", "kvm_amd"], check=True)
    with patience(), sleepers() as (vm, tids):
        tap.equal("policy: both vCPUs' threads are found",
                  ("threads", len(tids), 2))
        kinds(tap, vm, tids)
        ends(tap, vm, tids)
        killed(tap, vm, tids)
        stacked(tap, vm, tids)
        refused(tap, vm, tids)
        wrong(tap, vm)
        reused(tap)

# SPDX-License-Identifier: GPL-2.0-only
"""Inside the lab: two Linux guests share a CPU, under each policy of the host with each
policy within the guests.  See tests/lab/matrix, which runs this.

usage: matrix.py ROUNDS LOAD"""

import concurrent.futures
import contextlib
import glob
import json
import os
import re
import sys
import threading
import time

import host
import linux

OUT = os.path.join(host.BUILD, "matrix")
POLICIES = {"cfs": "other", "rr": "rr:10", "fifo": "fifo:10"}	# as both sides name them
NAMES = "a", "b"		# of the guests
CPU, OTHERS = 0, 1		# the CPU that the guests' vCPUs share, and everybody else's
LENGTH, WARMUP, PHASE = 2, 0.3, 0.1
# Seconds of the load.  The window ends some 3.5 s after it has begun, so all of it is loaded;
# it ends by itself, since a guest with a real-time load can't be told anything.
SECONDS = 4
HEAD_START = 0.5		# until it begins, so that the guest can answer first
START = 0.5			# until all of its tasks spin or wait, if the host is fair
LONGEST = 3600
ROOM_KB = 4096
EVENTS = "sched/sched_switch", "sched/sched_waking", "timer/hrtimer_start", "msr/write_msr"
SPIN = f"spin --quiet --together --seconds {SECONDS} --policy %s"
LOADS = {
    "spinners": f"{SPIN} --name load --procs 2",
    "duty": f"{SPIN} --name load --on-us 150000 --off-us 350000 & "
            f"{SPIN} --name sleeper --on-us 100 --off-us 20000 --late trace_marker",
}
UNTHROTTLED = {"rt_runtime_us": "-1"}
if os.path.isdir("/sys/kernel/debug/sched/fair_server"):
    UNTHROTTLED["fair_server_runtime_ns"] = "0"
# The same within a guest, and what there is of that
UNTHROTTLE = """\
mount -t debugfs debugfs /sys/kernel/debug
echo -1 >/proc/sys/kernel/sched_rt_runtime_us
for f in /sys/kernel/debug/sched/fair_server/cpu*/runtime; do
[ ! -e $f ] || echo 0 >$f
done
for f in /proc/sys/kernel/sched_rt_runtime_us /proc/sys/kernel/sched_rr_timeslice_ms \
/sys/kernel/debug/sched/fair_server/cpu*/runtime /sys/kernel/debug/sched/features; do
[ ! -e $f ] || echo "$f: $(cat $f)"
done"""
# In place of the guest's own, which waits for a second
PAGES_OUT = ("pages_out() { : >/tmp/cpu0; until grep -qx 'entries: 0' per_cpu/cpu0/stats; do "
             "timeout 0.2 dd bs=4096 if=per_cpu/cpu0/trace_pipe_raw 2>/dev/null >>/tmp/cpu0; "
             'done; cat /tmp/cpu0 >"$(port cpu0)"; }')
# Without the devices whose timers make QEMU signal the vCPU's thread, which then may have to
# wait for QEMU's lock: under SCHED_FIFO that would be the other vCPU's turn.
OPTIONS = "--timeout", LONGEST, "--qemu", "-machine", "--qemu", "pit=off,pic=off"


class Guests:
    """Both of them.  Each vCPU is on the shared CPU, and all else beside it."""

    def __init__(self, stack, load):
        self.load = load
        stack.enter_context(linux.delivered_once())
        self.all = [linux.Linux(1, name, OPTIONS) for name in NAMES]
        self.sizes = {}
        for guest in self.all:
            guest.boot(stack)
            guest.trace(ROOM_KB, *EVENTS)
            guest.say(PAGES_OUT)
            with open(os.path.join(OUT, f"{load}.guests"), "a", encoding="ascii") as file:
                file.write("\n".join(["Guest:", *guest.say("; ".join(
                    UNTHROTTLE.replace("do\n", "do ").split("\n"))), ""]))
        for path in glob.glob("/proc/[0-9]*/task/*/comm"):
            if re.match(r"CPU \d/KVM", host.read(path)):
                os.sched_setaffinity(int(path.split("/")[4]), {CPU})

    def each(self, what):
        """Of both at once"""
        with concurrent.futures.ThreadPoolExecutor(len(self.all)) as pool:
            list(pool.map(what, self.all))

    def begin(self, policy):
        line = LOADS[self.load].replace("%s", POLICIES[policy])
        self.each(lambda guest: guest.say(
            "echo 0 >tracing_on; echo >trace; echo 1 >tracing_on; "
            f"(sleep {HEAD_START}; {line}; wait) &"))
        time.sleep(HEAD_START + START)

    def end(self):
        self.each(lambda guest: guest.say("wait"))
        self.each(lambda guest: guest.stop())
        for guest in self.all:
            self.take_round(guest)
            guest.write(path_of(guest), suffix=".round")

    def take_round(self, guest):
        """The guest has added to its files what it traced in this round."""
        for name in "cpu0", "formats":
            path = os.path.join(guest.folder, name)
            with open(path, "rb") as file:
                file.seek(self.sizes.get(path, 0))
                new = file.read()
            self.sizes[path] = self.sizes.get(path, 0) + len(new)
            with open(f"{path}.round", "wb") as file:
                file.write(new)


def path_of(guest):
    return f"{guest.folder}.dat"


class Hook:
    """The experiment's guest_hook: a line goes into one pipe, its status comes from another.
    An interpreter of its own for each call would cost a second."""

    def __init__(self, guests):
        self.guests = guests
        self.pipes = [os.path.join(host.WORK, name) for name in ("asks", "answers")]
        self.failed = None

    def __enter__(self):
        for pipe in self.pipes:
            with contextlib.suppress(FileNotFoundError):
                os.remove(pipe)
            os.mkfifo(pipe)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *unused):
        host.write(self.pipes[0], "over\n")
        self.thread.join()

    def command(self):
        return ["sh", "-c", f'echo "$1 $2" >{self.pipes[0]}; read -r status <{self.pipes[1]}; '
                            "exit $status", "hook"]

    def serve(self):
        while (words := host.read(self.pipes[0]).split()) != ["over"]:
            host.write(self.pipes[1], "1\n" if self.fails(*words) else "0\n")

    def fails(self, policy, when):
        try:
            if when == "begin":
                self.guests.begin(policy)
            else:
                self.guests.end()
        except Exception as error:  # whatever it is, the experiment has to hear of it
            self.failed = error
        return self.failed


def plan(load, rounds, hook, files):
    """What `kvmsched experiment` reads; JSON is YAML, too."""
    arms = [{"name": f"{on_host}-{in_guest}", "policy": POLICIES[on_host], "cpus": str(CPU),
             "guest": in_guest} for on_host in POLICIES for in_guest in POLICIES]
    return {"name": f"policies of host and guests: {load}", "vcpus": len(NAMES),
            "rounds": rounds, "length": LENGTH, "warmup": WARMUP, "phase": PHASE,
            "unrecorded": 0, "force": True, "knobs": UNTHROTTLED, "memory": "4M",
            "guest_hook": hook.command(), "guests": files, "arms": arms}


def experiment(guests, rounds):
    load = guests.load
    file, folder = os.path.join(OUT, f"{load}.yaml"), os.path.join(OUT, load)
    with Hook(guests) as hook:
        host.write(file, json.dumps(plan(load, rounds, hook, [path_of(g) for g in guests.all]),
                                    indent=1))
        with host.Child(host.KVMSCHED, "experiment", "-q", file, "-o", folder) as child:
            try:
                child.wait(0, LONGEST)
            except host.Failed as error:
                raise host.Failed(f"{error}{hook.failed or ''}") from None


def main(rounds, load):
    os.sched_setaffinity(0, {OTHERS})
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        stack.enter_context(host.quiet())
        stack.enter_context(host.module())
        guests = Guests(stack, load)
        print(f"# {time.monotonic() - began:.0f} s: both guests are up", flush=True)
        experiment(guests, int(rounds))
    print(f"# {time.monotonic() - began:.0f} s: it has ended", flush=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except host.Failed as error:
        sys.exit(f"matrix: {error}")

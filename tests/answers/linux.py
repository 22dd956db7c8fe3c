# SPDX-License-Identifier: GPL-2.0-only
"""Inside the lab: circles within circles, with a Linux.  Two of its processes spin under
SCHED_RR, and it traces its own scheduler; its vCPU is under SCHED_RR, too, and for a second
another thread of the host is that spins as well.

usage: linux.py FOLDER		writes linux.dat and linux-guest.dat there"""

import glob
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                "../e2e/inside"))
import host			# noqa: E402
import linux			# noqa: E402

NAME = "linux"
PRIORITY = 10
ROOM_KB = 1024
# Nothing that starts a thread has the CPU later, so this one is there and sleeps until then.
BESIDE = f"sleep 0.45; exec {host.SPIN} --quiet --seconds 1 --policy rr:{PRIORITY}"
# Nothing is taken from real-time tasks: not by the throttling, nor by the fair server.
UNBOUND = ("echo -1 >/proc/sys/kernel/sched_rt_runtime_us; mkdir -p /sys/kernel/debug; "
           "mount -t debugfs debugfs /sys/kernel/debug; "
           "for f in /sys/kernel/debug/sched/fair_server/cpu*/runtime; do "
           "[ ! -e $f ] || echo 0 >$f; done")
SPINNERS = f"spin --quiet --seconds 1 --procs 2 --policy rr:{PRIORITY} --start-barrier /tmp/go &"


def set_policies(pid):
    """Of the threads of a VMM.  While the guest waits for what others of them do for it, it
    spins: they have a higher priority than its vCPU's thread."""
    for path in glob.glob(f"/proc/{pid}/task/*/comm"):
        is_vcpu = host.read(path).strip().startswith("CPU ")
        os.sched_setscheduler(int(path.split("/")[4]), os.SCHED_RR,
                              os.sched_param(PRIORITY if is_vcpu else 2 * PRIORITY))


def main(folder):
    os.makedirs(host.WORK, exist_ok=True)
    with linux.Linux(1) as guest:
        print("   it has booted", flush=True)
        guest.say(UNBOUND)
        guest.say(SPINNERS)
        set_policies(guest.vmm())
        with host.Recording("-e", "exit,switch", "-m", "16M", file=f"{NAME}.dat") as recording:
            guest.trace(ROOM_KB, "sched/sched_switch")
            guest.say("mark")
            with host.Child("chrt", "-r", 2 * PRIORITY, "sh", "-c", BESIDE) as beside:
                host.wait_for(lambda: os.sched_getscheduler(beside.pid) == os.SCHED_RR,
                              "the policy of the thread beside the vCPU")
                guest.say(": >/tmp/go; wait")
            # What its trace comes out by is hundreds of exits more.
            guest.say("trace_end")
        guest.stop()
        guest.off()
    guest.write(os.path.join(folder, f"{NAME}-guest.dat"))
    shutil.copy(recording.file, folder)


main(*sys.argv[1:])

# SPDX-License-Identifier: GPL-2.0-only
"""Root has switched kprobes off: that is told.  The ends of VMs are not seen then: what
KVM has freed is not read, a full table makes room, and each recording gives new numbers.

Where the boot parameter slub_debug=P,kvm_vcpu lets the kernel overwrite each vCPU that
is freed, who reads one dies.
"""

import contextlib
import errno
import re
import time

import host
import records
from device import Device
from vmm import Vmm

KPROBES = "/sys/kernel/debug/kprobes/enabled"
NAPS = 50
ROOM = 2
HOW_KPROBE = 2
VMS = 4
POISON = "slub_debug=P,kvm_vcpu" in host.read("/proc/cmdline").split()


def told(tap, switch):
    """No kprobe is attached, which the device, the log, the recorder and the file tell."""
    with host.module(), Device() as device:
        kprobes = {row.name for row in device.hooks() if row.how == HOW_KPROBE}
        with host.settings({switch: 0}), host.Recording("-e", "all") as recording:
            rows = [row for row in device.hooks() if row.name in kprobes]
        log = host.run("dmesg").stdout.splitlines()
    logged = [line for line in log if "kvmsched: can't attach kprobe:" in line][-1]
    warned = set(re.findall("can't attach ([^:]+): ", recording.child.err))
    hooks = {hook["hook"]: hook for hook in recording.report()["attach"]}
    tap.equal(f"unseen: {switch} is told",
              ("there are kprobes", len(kprobes) > 5, True),
              ("attached", [row.name for row in rows if row.attached], []),
              ("why", {row.status for row in rows}, {-errno.EAGAIN}),
              ("the log does not name",
               kprobes - set(re.findall(rf"(\w+)\(-{errno.EAGAIN}\)", logged)), set()),
              ("the recorder does not warn of", kprobes - warned, set()),
              ("in the file", {hooks[name]["status"] for name in kprobes}, {-errno.EAGAIN}))


def freed(tap):
    """The thread of a VM that has ended is identified for a recording that begins, as it
    was for the one before."""
    with host.module(), Device() as device, Vmm() as vmm:
        device.follow()		# so that nothing is forgotten between the two
        with host.Recording():
            tid = vmm.ask("thread", "run", 20)
        with host.settings({KPROBES: 0}):
            vmm.close("thread")
            with host.Recording() as recording:
                vmm.ask("thread", "nap", NAPS)
    mine = [record for record in records.of_file(
        recording.file, "kvmsched_vcpu", "kvmsched_switch_out") if record.tid == tid]
    [identity] = [record for record in mine if record.event == "kvmsched_vcpu"][:1]
    tap.equal("unseen: a thread whose VM has ended",
              ("freed vCPUs are overwritten", POISON, True),
              ("the first record", mine[0].event, "kvmsched_vcpu"),
              ("of the process", identity["tgid"], vmm.pid),
              ("sleeps", len(mine) > NAPS, True))


def full(tap, who, *threads):
    """VMs that have ended unseen fill the table, and one that runs gets room there: one
    that was there before, so that none of them had its address."""
    with host.settings({KPROBES: 0}), host.module(f"max_vcpus={ROOM}"), \
            Device() as device, Vmm() as vmm:
        vmm.ask("thread", "nap")
        device.follow()
        host.guest("pio", 50, "--vcpus", ROOM, *threads)
        watched = [row.attached for row in device.hooks()
                   if row.name == "kvm_arch_destroy_vm"]
        refused = device.info().refused

        def has_room():
            vmm.ask("thread", "run", 20)
            return device.vcpus(vmm.pid)

        host.wait_for(has_room, f"room in a table full of vCPUs of {who}", 20)
        tap.equal(f"unseen: a table full of vCPUs of {who} makes room",
                  ("ends of VMs are seen", watched, [0]),
                  ("refused before it was full", refused, 0),
                  ("and afterwards", device.info().refused > 0, True))


def same_address(tap):
    """VMs run one after the other on one CPU, where the kernel gives a vCPU the
    memory of the one before.  Each is a VM of its own process, also where the thread
    of the one before lives on."""
    owners = []
    with host.affinity({0}), host.settings({KPROBES: 0}), host.module(), \
            Device() as device, contextlib.ExitStack() as stack:
        device.follow()
        with host.Recording() as recording:
            for _ in range(VMS):
                truth = host.guest("cpuid", 50)
                owners.append((truth["vcpus"][0]["tid"], truth["pid"]))
            for _ in range(VMS):
                vmm = stack.enter_context(Vmm())
                owners.append((vmm.ask("thread", "run", 20), vmm.pid))
                vmm.close("thread")
    identities = records.of_file(recording.file, "kvmsched_vcpu")
    numbers = {record["vm"] for record in identities}
    tap.equal("unseen: a VM at the address of one that has ended",
              ("numbers of VMs", len(numbers), len(owners)),
              *((f"VM {nth}: its process",
                 {record["tgid"] for record in identities if record.tid == tid}, {pid})
                for nth, (tid, pid) in enumerate(owners)))


def anew(tap):
    """A VM may have ended between two recordings, and another have its address."""
    words = "the end of VMs can't be seen"
    logged = host.run("dmesg").stdout.count(words)
    numbers = []
    with host.settings({KPROBES: 0}), host.module(), \
            host.running_guest("hlt", "--period-us", 5000) as guest:
        for _ in range(2):
            with host.Recording() as recording:
                time.sleep(0.5)
            numbers += {record["vm"] for record in
                        records.of_file(recording.file, "kvmsched_vcpu")
                        if record["tgid"] == guest.pid}
    logged = host.run("dmesg").stdout.count(words) - logged
    tap.equal("unseen: each recording numbers the VMs anew",
              ("numbers", len(numbers), 2), ("others", len(set(numbers)), 2),
              ("the log says so, each time", logged, 2))


def halfway(tap):
    """Kprobes are switched off while a vCPU is within KVM_RUN: what its thread does after that
    KVM_RUN, which are its naps, is in userspace."""
    with host.module(), Vmm() as vmm:
        with host.Recording() as recording:
            tid = vmm.ask("thread", "run", 20)
            with host.settings({KPROBES: 0}):
                vmm.ask("thread", "run", 20)
                vmm.ask("thread", "nap", NAPS)
    switches = [record for record in records.of_file(recording.file, "kvmsched_switch_out")
                if record.tid == tid]
    naps = switches[-NAPS:]
    tap.equal("unseen: kprobes go while a vCPU runs",
              ("naps", len(naps), NAPS),
              ("told as within KVM_RUN", sum(bool(record["loaded"]) for record in naps), 0))


def test(tap):
    halfway(tap)
    told(tap, KPROBES)
    freed(tap)
    full(tap, "threads that have ended")
    full(tap, "one thread that has ended", "--threads", 1)
    same_address(tap)
    anew(tap)

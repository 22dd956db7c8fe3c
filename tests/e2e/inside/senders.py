# SPDX-License-Identifier: GPL-2.0-only
"""Who sent a guest's interrupts: guests whose interrupts all have a sender that is
known before."""

import contextlib
import ctypes
import os
import subprocess
import time

import host
import records

N = 40
SIGNALS = 3
TIMER, IPI, EXTERNAL = 0x40, 0x50, 0x60  # vectors of the guests
HELPER = os.path.join(host.BUILD, "lab", f"helpers-{os.uname().release}",
                      "signal_eventfd.ko")
PIDFD_GETFD = 438


def senders(recording, truth, vector):
    """{tid of the vCPU: (accepted, [its senders])}"""
    found = {}
    for vcpu in recording.report()["vcpus"]:
        if vcpu["vm"] != truth["pid"]:
            continue
        for irq in vcpu["interrupts"]:
            if irq["vector"] == vector:
                found[vcpu["tid"]] = (irq["accepted"], irq["senders"])
    return found


def only(found, tid):
    """The one sender of all that this vCPU's LAPIC accepted"""
    accepted, rows = found.get(tid, (0, []))
    if len(rows) != 1:
        return {"rows": rows}
    return {**rows[0], "all of them": rows[0]["accepted"] == accepted}


def told(sender, *keys):
    return {key: sender.get(key, sender) for key in ("all of them", *keys)}


def legs(sender, injected):
    """Of each interrupt that was injected it is known how long both legs took."""
    counts = [(sender.get(leg) or {"count": 0})["count"]
              for leg in ("sent_to_accept_ns", "accept_to_inject_ns")]
    return counts == [injected, injected] or counts


def ipis(tap, payload, *options):
    with host.Recording() as recording:
        truth = host.guest(payload, N, *options)
    found = senders(recording, truth, IPI)
    pairs = []
    for vcpu in truth["vcpus"]:
        peer = vcpu["vcpu"] ^ 1 if len(truth["vcpus"]) > 1 else vcpu["vcpu"]
        sender = only(found, vcpu["tid"])
        # The first may come before the vCPU's first KVM_RUN: nobody knows it then.
        missing = N - sender.get("accepted", 0)
        pairs += [(f"sender to {vcpu['vcpu']}", told(sender, "kind", "by", "vcpu"),
                   {"all of them": True, "kind": "ipi", "by": "icr", "vcpu": peer}),
                  ("accepted", missing in (0, vcpu["vcpu"] & 1) or missing, True),
                  ("legs", legs(sender, N - missing), True)]
    tap.equal(f"senders: {truth['name']}: the vCPU that sent each IPI", *pairs)


def timers(tap, payload):
    with host.Recording() as recording:
        truth = host.guest(payload, N)
    [vcpu] = truth["vcpus"]
    sender = only(senders(recording, truth, TIMER), vcpu["tid"])
    tap.equal(f"senders: {payload}: the timer of the guest's own LAPIC",
              ("sender", told(sender, "kind", "by"),
               {"all of them": True, "kind": "timer", "by": "timer"}),
              ("not fewer than promised", sender.get("accepted", 0) >= N, True),
              ("legs", legs(sender, N), True))


def vmm(tap, way, by, sent):
    """@sent: it is known when each was sent"""
    with host.Recording() as recording:
        truth = host.guest("wait", N, "--inject", way)
    [vcpu], [vm] = truth["vcpus"], truth["vms"]
    sender = only(senders(recording, truth, EXTERNAL), vcpu["tid"])
    leg = (sender.get("sent_to_accept_ns") or {"count": 0})["count"]
    tap.equal(f"senders: {way}: the thread of the VMM that asked for each",
              ("sender", told(sender, "kind", "by", "name", "tid", "process", "accepted"),
               {"all of them": True, "kind": "vmm", "by": by, "name": "injector",
                "tid": vm["injector"], "process": truth["pid"], "accepted": N}),
              ("known when sent", leg, N if sent else 0))


def vhost(tap):
    """A thread of vhost's: the kernel's up to Linux 6.3, the VMM's own afterwards."""
    host.run("modprobe", "vhost_vsock")
    with host.Recording() as recording:
        truth = host.guest("wait", N, "--inject", "vhost")
    [vcpu] = truth["vcpus"]
    sender = only(senders(recording, truth, EXTERNAL), vcpu["tid"])
    tap.equal("senders: vhost: its thread, which works for the VMM",
              ("sender", told(sender, "kind", "by", "name", "accepted"),
               {"all of them": True, "kind": "vhost", "by": "irqfd",
                "name": f"vhost-{truth['pid']}", "accepted": N}),
              ("another than the VMM's own threads",
               sender.get("tid") not in (truth["pid"], truth["vms"][0]["injector"], vcpu["tid"]),
               True),
              ("legs", legs(sender, N), True))


def eventfd_of(child):
    """The guest's eventfd, as one of our own"""
    folder = f"/proc/{child.pid}/fd"
    [number] = [int(name) for name in os.listdir(folder) if
                os.readlink(f"{folder}/{name}") == "anon_inode:[eventfd]"]
    pidfd = os.pidfd_open(child.pid)
    try:
        fd = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, pidfd, number, 0)
        if fd < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        return fd
    finally:
        os.close(pidfd)


@contextlib.contextmanager
def guest_with_eventfd():
    """(recording, guest): the guest waits for somebody else to signal its eventfd."""
    argv = host.guest_argv("wait", N, "--inject", "eventfd")
    with host.Recording() as recording, host.Child(*argv) as guest:
        # Before its LAPIC is on, KVM would have a work item inject the interrupt.
        host.wait_for(lambda: any(host.kvm_counters(guest, "halt_exits")), "its HLT")
        yield recording, guest
        recording.stop()


def only_sender(recording):
    """Of the guest's interrupts"""
    truth = host.truth_of_guest()
    tid = truth["vcpus"][0]["tid"]
    found = without_late(senders(recording, truth, EXTERNAL))
    return only(without_missed(recording, found, tid), tid)


def without_late(found):
    """Whoever signals does not know when the guest is over: a signal may come after its
    last KVM_RUN, when no vCPU gets it any more, and KVM hands it to a work item."""
    late = {tid: [row for row in rows if not row["accept_to_inject_ns"]]
            for tid, (_, rows) in found.items()}
    return {tid: (accepted - sum(row["accepted"] for row in late[tid]),
                  [row for row in rows if row not in late[tid]])
            for tid, (accepted, rows) in found.items()}


def without_missed(recording, found, tid):
    """A signal that irqfd_wakeup missed is not known to be an irqfd's."""
    missed = host.hits_dropped(recording.report(), "irqfd_wakeup")
    accepted, rows = found.get(tid, (0, []))
    other = [row for row in rows if row["by"] == "other"]
    unknown = sum(row["accepted"] for row in other)
    if not 0 < unknown <= missed:
        return found
    return {tid: (accepted - unknown, [row for row in rows if row not in other])}


def handler(tap):
    """A hard interrupt of the host signals the eventfd, as a device's driver does."""
    with guest_with_eventfd() as (recording, guest):
        fd = eventfd_of(guest)
        try:
            subprocess.run(["insmod", HELPER, f"fd={fd}"], pass_fds=[fd], check=True)
        finally:
            os.close(fd)
        try:
            guest.wait()
        finally:
            host.run("rmmod", "signal_eventfd")
    sender = only_sender(recording)
    tap.equal("senders: eventfd: the handler of a host interrupt",
              ("sender", told(sender, "kind", "by", "name", "tid"),
               {"all of them": True, "kind": "host interrupt", "by": "irqfd",
                "name": "local_timer", "tid": None}),
              ("not fewer than needed, but for hits that were dropped",
               sender.get("accepted", 0) +
               host.hits_dropped(recording.report(), "irqfd_wakeup",
                                 "__apic_accept_irq") >= N, True),
              ("legs", legs(sender, (sender.get("accept_to_inject_ns") or
                                     {"count": 0})["count"]), True))


def another(tap):
    """A process that is not the VMM signals the eventfd: this one."""
    with guest_with_eventfd() as (recording, guest):
        fd = eventfd_of(guest)
        try:
            host.wait_for(lambda: os.write(fd, (1).to_bytes(8, "little")) and
                          not guest.running(), "the guest's end")
        finally:
            os.close(fd)
        guest.wait()
    sender = only_sender(recording)
    tap.equal("senders: eventfd: another process",
              ("sender", told(sender, "kind", "by", "tid", "process"),
               {"all of them": True, "kind": "process", "by": "irqfd",
                "tid": os.getpid(), "process": os.getpid()}))


def signal_asleep(guest, fd):
    """Signal the eventfd of a guest that halts, and wait until it does so again; how often"""
    for _ in range(SIGNALS):
        halts = sum(host.kvm_counters(guest, "halt_exits"))
        os.write(fd, (1).to_bytes(8, "little"))
        host.wait_for(lambda: sum(host.kvm_counters(guest, "halt_exits")) > halts,
                      "its next HLT")
        time.sleep(0.2)
    return SIGNALS


def asleep(tap):
    """A guest that the module knows, and whose only vCPU sleeps as another recording begins:
    each signal of its eventfd is told, also that which wakes the vCPU."""
    told = []
    argv = host.guest_argv("wait", 1000, "--inject", "eventfd")
    with host.Recording() as before, host.Child(*argv) as guest:
        host.wait_for(lambda: any(host.kvm_counters(guest, "halt_exits")), "its HLT")
        time.sleep(0.2)
        before.stop()
        fd = eventfd_of(guest)
        try:
            for _ in range(2):
                with host.Recording(file="asleep.dat") as recording:
                    sent = signal_asleep(guest, fd)
                found = records.of_file(recording.file, "kvmsched_irqfd")
                told.append((len(found), sent, all(record.number("vm") for record in found)))
        finally:
            os.close(fd)
    tap.equal("senders: eventfd: signals to a VM whose vCPU sleeps since before",
              ("told, sent, and of a VM that is known", told,
               [(SIGNALS, SIGNALS, True)] * 2))


def test(tap):
    with host.module():
        two = ("--cpu", "0-1", "--spread") if os.cpu_count() > 1 else ()
        ipis(tap, "selfipi")
        ipis(tap, "ipi", *two)
        if host.BOCHS:
            tap.note("the rest is no matter of the processor")
            return
        if two:
            ipis(tap, "ipi-spin", *two)
        else:
            tap.note("without ipi-spin: its vCPUs spin for each other, each on a CPU of its own")
        for payload in ("hlt", "tmict", "tmict-periodic", "tscspin"):
            timers(tap, payload)
        vmm(tap, "msi", "other", False)
        vmm(tap, "msi-lowest", "other", False)
        vmm(tap, "line", "other", False)
        vmm(tap, "irqfd", "irqfd", True)
        vmm(tap, "irqfd-line", "irqfd-work", True)
        vhost(tap)
        another(tap)
        asleep(tap)
        if "-rt-" in os.uname().release:
            tap.note("without a hard interrupt: on PREEMPT_RT an eventfd takes locks that "
                     "sleep, and drivers signal it in threads")
        else:
            handler(tap)

# SPDX-License-Identifier: GPL-2.0-only
"""What guests did is what the records say, KVM counted and ftrace saw.

All guests run within one recording, one after the other; each vCPU is a
thread of its own, so every count is kept apart by thread.
"""

import os
from collections import Counter

import host
from device import Device

N = 300
GUESTS = (
    ("cpuid",), ("wbinvd",), ("pio",), ("mmio",), ("pages",), ("rdmsr",), ("syscalls",),
    ("hlt",), ("tscspin",), ("tmict",), ("tmict-periodic",), ("periodic-spin",),
    ("timer-user",), ("timer-cli",),
    ("turns",), ("restored",), ("l2",), ("l2-refused",), ("selfipi",), ("ipi",),
    ("ipi-spin", "--cpu", "0-1", "--spread"),
    ("lock", "--cpu", "0-1", "--spread", "--period-us", 200),
    ("cpuid", "--vcpus", 2), ("hlt", "--vms", 2), ("hlt", "--vcpus", 2),
    ("selfipi", "--vms", 2, "--vcpus", 2),
)
# Guests that are SVM's alone, and those that need a CPU for each of their vCPUs
SVM_ONLY, TWO_CPUS = ("l2", "l2-refused"), ("ipi-spin", "lock")
SVM_INTR, SVM_NPF, VMX_INTR = 0x60, 0x400, 1
REFUSED = "invalid_guest_state"
MMIO = 1, 2                 # kvm_mmio: a read that is over, a write
# VMX: what KVM's fast path handles without a word where a kprobe sees the others; HLT
# from 6.12 on, if an interrupt is there already
FAST = {"MSR_WRITE", "PREEMPTION_TIMER", "HLT"}
# The preemption timer backs the timer of guests that spin.
SPINNERS = ("tscspin", "periodic-spin")
# One vCPU sends the other the first interrupt.
PAIRS = ("ipi", "ipi-spin")

# The kernel drops a kprobe's hit that comes by an interrupt into another
# kprobe's handler, and counts it.  Only these are called by interrupts.
IN_INTERRUPTS = {
    "apic_timer_expired": "timer_expiries",
    "__apic_accept_irq": "accepts",
    "clockevents_program_event": None,
}

# What ftrace counts, by these fields; "arm" is a kprobe event
KEYS = {
    "kvm/kvm_exit": "common_pid,exit_reason",
    "kvm/kvm_inj_virq": "common_pid,reinjected",
    "kvm/kvm_eoi": "common_pid",
    "kvm/kvm_apic_accept_irq": "vec",
    "kvm/kvm_mmio": "common_pid,type",
    "kvm/kvm_nested_vmenter_failed": "common_pid",
    "e2e/arm": "common_pid",
}


class Seen:
    """One vCPU: the truth, the report of it, and ftrace's counts."""

    def __init__(self, truth, vcpu, summary, ftrace, missed):
        self.pid, self.vcpu, self.tid = truth["pid"], vcpu, vcpu["tid"]
        self.has_peer = truth["payload"] in PAIRS and vcpu["vcpu"] % 2
        self.expect, self.stats = vcpu["expect"], vcpu["stats"]
        self.report = host.vcpu_by_tid(summary, self.tid)
        self.by_name, self.by_code, self.l2 = Counter(), Counter(), Counter()
        self.fast = {exit["reason"] for exit in self.report["exits"] if exit["fastpath"]}
        for exit in self.report["exits"]:
            self.by_name[exit["reason"]] += exit["count"]
            self.by_code[exit["code"]] += exit["count"]
            if exit["l2"]:
                self.l2[exit["reason"]] += exit["count"]
        self.ftrace = ftrace
        self.uncertain = {what for hook, what in IN_INTERRUPTS.items()
                          if missed.get(hook)}

    def faults_again(self):
        """Page faults that neither mended anything nor were an access to a device: KVM's
        page tables changed while it handled them, so it lets the guest fault once more.
        KVM counts not all of them, where a device's entry has gone. Their exits are those
        that ftrace saw, to which ftrace_saw() holds the report."""
        if host.VMX:
            return self.stats["pf_taken"] - self.stats["pf_fixed"] - self.stats["pf_emulate"]
        accesses = sum(self.ftrace["kvm/kvm_mmio"].get((self.tid, kind), 0) for kind in MMIO)
        return self.ftrace["kvm/kvm_exit"].get((self.tid, SVM_NPF), 0) - accesses - \
            self.stats["pf_fixed"]

    def refused_by_kvm(self):
        """Entries of L2 that l2-refused leaves to the hardware to refuse, and that newer kernels
        refuse themselves: there is no entry then, and no exit. What to add to these."""
        return -self.ftrace["kvm/kvm_nested_vmenter_failed"].get((self.tid,), 0)

    def faults(self):
        """All that KVM counted of page faults, to be read where a test fails"""
        return f" ({', '.join(f'{k} {n}' for k, n in self.stats.items() if k[:3] == 'pf_')})"

    def promised(self):
        l2 = self.expect["l2_exits"]
        more = {host.PAGE_FAULT: self.faults_again(), REFUSED: self.refused_by_kvm()}
        pairs = [(f"{reason} exits{self.faults() if reason == host.PAGE_FAULT else ''}",
                  self.by_name[reason], count + more.get(reason, 0))
                 for reason, count in self.expect["exits"].items()]
        # An interrupt of the host may end L2's guest mode as well as L1's.
        refused = {REFUSED: more[REFUSED]}
        pairs += [(f"L2's {reason} exits", self.l2[reason],
                   l2.get(reason, 0) + refused.get(reason, 0)) for reason in self.expect["exits"]]
        if not l2:
            pairs += [("L2's exits", self.l2, {})]
        return pairs

    def only_promised(self):
        """A system call of a guest is no exit, by whatever name."""
        return [("exits that are not the host's doing",
                 sum(self.by_name.values()) - self.interrupted(),
                 sum(self.expect["exits"].values()) + self.faults_again())]

    def identified(self):
        return [("vm", self.report["vm"], self.pid),
                ("vcpu", self.report["vcpu"], self.vcpu["vcpu"])]

    def irqs(self, what):
        return sum(irq[what] for irq in self.report["interrupts"])

    def interrupted(self):
        """Exits by interrupts of the host"""
        return self.by_code[SVM_INTR if self.report["exits"][0]["isa"] == 2 else VMX_INTR]

    def kvm_counted(self):
        return [
            ("exits", sum(self.by_name.values()), self.stats["exits"]),
            ("exit_count", self.report["exit_count"], self.stats["exits"]),
            ("hlt exits", self.by_name[host.HLT], self.stats["halt_exits"]),
            ("io exits", self.by_name[host.IO], self.stats["io_exits"]),
            ("interrupt exits", self.interrupted(), self.stats["irq_exits"]),
            ("injections with reinjections",
             self.irqs("injected") + self.irqs("reinjected"),
             self.stats["irq_injections"]),
            ("returns to userspace",
             {user["reason"].lower(): user["count"]
              for user in self.report["userspace_exits"]},
             self.vcpu["userspace_exits"]),
        ]

    def by_vmx(self, how, payload):
        """What SVM lacks, or is not held to: its interrupts come after the exit."""
        timers = self.report["timers"]
        silent = FAST if how == "kprobe" else set()
        pairs = [("exits marked as the fast path's", self.fast - silent, set()),
                 ("host interrupts that ended guest mode",
                  sum(irq["ended_guest"] for irq in self.report["host_irqs"]),
                  self.by_code[VMX_INTR])]
        if payload in SPINNERS:
            pairs += [("expiries by the preemption timer", timers["hv_expired"] > 0, True),
                      ("exits by it", self.by_name["PREEMPTION_TIMER"] > 0, True)]
        return pairs

    def ftrace_saw(self):
        armed, rearmed = (self.report["timers"][key] for key in ("armed", "rearmed"))
        programmings = self.ftrace["e2e/arm"].get((self.tid,), 0)
        exits = {reason: hits for (tid, reason), hits
                 in self.ftrace["kvm/kvm_exit"].items() if tid == self.tid}
        injected = self.ftrace["kvm/kvm_inj_virq"]
        return [
            ("exits by reason", self.by_code, exits),
            ("injections", self.irqs("injected"),
             injected.get((self.tid, 0), 0)),
            ("reinjections", self.irqs("reinjected"),
             injected.get((self.tid, 1), 0)),
            ("EOIs", self.irqs("eoi"),
             self.ftrace["kvm/kvm_eoi"].get((self.tid,), 0)),
            # KVM calls the function again, too; or it is inlined there, and not seen.
            ("timer programmings", armed <= programmings <= armed + rearmed or
             (armed, rearmed, programmings), True),
        ]

    def came_early(self):
        """An interrupt that came before the vCPU's first KVM_RUN, so that nobody knew it,
        and was injected all the same"""
        return int(self.has_peer and "accepts" not in self.uncertain and
                   self.irqs("injected") - self.irqs("accepted") == 1)

    def interrupts(self):
        timers = self.report["timers"]
        return {
            "timer_programs": timers["armed"],
            "timer_expiries": timers["expired"],
            "accepts": self.irqs("accepted") + self.came_early(),
            "injections": self.irqs("injected"),
            "eois": self.irqs("eoi"),
        }

    def interrupts_promised(self):
        # Hits that the kernel dropped are known for the whole recording only.
        return [(what, count, self.expect[what])
                for what, count in self.interrupts().items()
                if what in self.expect and what not in self.uncertain]


def one_guest(tap, how, truth, vcpus):
    """@vcpus: what was seen of each of them"""
    name = f"{how}: {truth['name']}"

    def equal(what, pairs_of):
        tap.equal(f"{name}: {what}", *(
            (f"vcpu {seen.vcpu['vm_index']}.{seen.vcpu['vcpu']} {thing}",
             got, expected)
            for seen in vcpus for thing, got, expected in pairs_of(seen)))

    # VMs of a process are numbered as they were first seen to run.
    indices = {(seen.vcpu["vm_index"], seen.report["vm_index"])
               for seen in vcpus}
    tap.equal(f"{name}: its VMs are told apart",
              ("VMs", len(indices), len(truth["vms"])),
              ("their numbers", sorted(index for _, index in indices),
               list(range(len(truth["vms"])))))
    equal("exits by reason are those promised",
          lambda seen: seen.identified() + seen.promised())
    equal("exits and injections are those that KVM counted", Seen.kvm_counted)
    equal("exits, injections, EOIs, programmings are ftrace's",
          Seen.ftrace_saw)
    equal("timers and interrupts are those promised",
          Seen.interrupts_promised)
    if truth["payload"] == "syscalls":
        equal("no system call is an exit", Seen.only_promised)
    if host.VMX:
        equal("what VMX alone has", lambda seen: seen.by_vmx(how, truth["payload"]))


def add_up(truths, summary, what):
    """(seen, promised) of all guests that promise it."""
    pairs = [(Seen(truth, vcpu, summary, {}, {}).interrupts()[what],
              vcpu["expect"][what])
             for truth in truths for vcpu in truth["vcpus"]
             if what in vcpu["expect"]]
    return [sum(column) for column in zip(*pairs)]


def accepted(summary):
    return sum(irq["accepted"] for vcpu in summary["vcpus"]
               for irq in vcpu["interrupts"])


def dropped_hits(tap, how, truths, summary, missed):
    """Hits that the kernel dropped are told, and make up the difference."""
    pairs = [("records lost", summary["lost"], 0),
             ("hits dropped, by hook",
              {row["hook"]: row["count"] for row in summary["missed"]},
              {hook: count for hook, count in missed.items() if count}),
             ("hooks that can't miss", set(missed) - set(IN_INTERRUPTS),
              set())]
    for hook, what in IN_INTERRUPTS.items():
        if not what or not missed.get(hook):
            continue
        # Also a guest that promises nothing here may have lost some.
        seen, promised = add_up(truths, summary, what)
        pairs.append((f"{what}, {missed[hook]} missed",
                      seen <= promised <= seen + missed[hook], True))
    tap.equal(f"{how}: nothing is lost but what the kernel dropped, and that "
              "is told", *pairs)
    tap.note(f"hits dropped: {missed or 'none'}")


def whole(tap, how, truths, summary, counts, missed, early):
    """What cannot be told apart by thread; @early: interrupts that nobody knew."""
    exits = sum(vcpu["stats"]["exits"] for truth in truths
                for vcpu in truth["vcpus"])
    tap.equal(f"{how}: the whole recording",
              ("exit records", summary["records_by_event"]["exit"], exits),
              ("vCPUs", len(summary["vcpus"]),
               sum(len(truth["vcpus"]) for truth in truths)),
              ("accepts and hits dropped",
               accepted(summary) + early + missed.get("__apic_accept_irq", 0),
               sum(counts["kvm/kvm_apic_accept_irq"].values())))


def attached_as_asked(tap, how, summary):
    hooks = {hook["hook"]: hook["how"] for hook in summary["attach"]}
    handler = "vmx_handle_exit" if host.VMX else "svm_handle_exit"
    if how == "kprobe":
        wanted = {handler: "kprobe",
                  "kvm_wait_lapic_expire": "kprobe",
                  "vcpu_load": "kprobe", "vcpu_put": "kprobe"}
    else:
        wanted = {"kvm_exit": "tracepoint", "kvm_entry": "tracepoint",
                  "vcpu_load": "kprobe", "vcpu_put": "kprobe"}
    tap.equal(f"attach={how}: hooks attached as asked",
              *((hook, hooks.get(hook), way) for hook, way in wanted.items()),
              ("both ways at once", "kvm_exit" in hooks
               and handler in hooks
               and hooks["kvm_exit"] != "none"
               and hooks[handler] != "none", False))


def guests():
    without = (SVM_ONLY if host.VMX else ()) + (TWO_CPUS if os.cpu_count() < 2 else ())
    return [guest for guest in GUESTS if guest[0] not in without]


def measure(how):
    """Without compaction of locked memory: a page of a guest that moves is fixed twice."""
    with host.settings({"/proc/sys/vm/compact_unevictable_allowed": 0}), \
            host.module(f"attach={how}"), \
            host.kprobe_events(arm="restart_apic_timer"), \
            host.Ftrace() as ftrace:
        for event, keys in KEYS.items():
            ftrace.count(event, keys)
        with host.Recording() as recording:
            truths = [host.guest(payload, N, *options)
                      for payload, *options in guests()]
        with Device() as device:
            missed = {row.name: row.missed for row in device.hooks()
                      if row.missed}
        counts = {event: ftrace.counts(event) for event in KEYS}
        return truths, recording.report(), counts, missed


def test(tap):
    for how in ("auto", "kprobe"):
        truths, summary, counts, missed = measure(how)
        attached_as_asked(tap, how, summary)
        early = 0
        for truth in truths:
            vcpus = [Seen(truth, vcpu, summary, counts, missed) for vcpu in truth["vcpus"]]
            one_guest(tap, how, truth, vcpus)
            early += sum(seen.came_early() for seen in vcpus)
        whole(tap, how, truths, summary, counts, missed, early)
        dropped_hits(tap, how, truths, summary, missed)

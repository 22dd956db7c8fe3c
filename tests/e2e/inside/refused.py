# SPDX-License-Identifier: GPL-2.0-only
"""Entries that fail.  The hardware refuses a guest whose state is invalid: each attempt is an
entry and an exit that says so, as ftrace has them, and ends in userspace.  VMX without
unrestricted guests does not even try, and KVM emulates: that is neither."""

import host
import records
from vmm import Vmm

N = 25
# What we have for ftrace's first word: it finds no name for SVM's, since it takes the number
# for one of 64 bits, and VMX' flag is another word of its
NAMES = {"0xffffffff": "invalid_guest_state", "INVALID_STATE": "INVALID_STATE|FAILED_VMENTRY"}
EVENTS = ("kvm/kvm_entry", "kvm/kvm_exit")


def attempts(step):
    """The thread, its row of the report, ftrace's reasons of its exits, and its entries"""
    with host.module(), host.Ftrace(clock="x86-tsc") as ftrace, Vmm() as vmm:
        with host.Recording() as recording:
            ftrace.enable(*EVENTS)
            tid = vmm.ask("thread", step, N)
            ftrace.enable(*EVENTS, on=0)
        lines = [line for line in records.of_ftrace(ftrace) if line.tid == tid]
    summary = recording.report()
    entries = sum(record.tid == tid for record in
                  records.of_file(recording.file, "kvmsched_entry"))
    reasons = [records.REASON.search(line.text)[1] for line in lines if line.event == "kvm_exit"]
    reasons = [NAMES.get(reason, reason) for reason in reasons]
    return (host.vcpu_by_tid(summary, tid), summary, reasons, entries,
            sum(line.event == "kvm_entry" for line in lines))


def check(tap, name, step, failing, returns):
    """`failing` of the attempts reach the hardware, and all end in userspace so."""
    vcpu, summary, reasons, entries, seen = attempts(step)
    told = [(exit["reason"], exit["count"]) for exit in vcpu["exits"]]
    states = vcpu["states_ns"]
    tap.equal(f"refused: {name}",
              ("ftrace's entries", seen, failing), ("entries", entries, failing),
              ("exits", told, [(reason, failing) for reason in sorted(set(reasons))]),
              ("ftrace's exits", len(reasons), failing),
              ("returns to userspace",
               [(row["reason"], row["count"]) for row in vcpu["userspace_exits"]],
               [(returns, N)]),
              ("unknown", states["unknown"], 0), ("lost", summary["lost"], 0))
    tap.note(f"{told}, {states['guest']} ns of the guest's")


def test(tap):
    check(tap, "each entry that fails is one, and an exit", "refuse", N, "FAIL_ENTRY")
    if host.VMX:
        with host.kvm_with("unrestricted_guest=0"):
            check(tap, "what KVM emulates is neither entry nor exit", "run", 0, "HLT")

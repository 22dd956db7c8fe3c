# SPDX-License-Identifier: GPL-2.0-only
"""A guest's switch from one process to another writes CR3.  With nested paging that is
no exit; with shadow paging each write is one, and on VMX the only read is one, too."""

import host

N = 500
PARAMETER, REASON, READS = ("ept", "CR_ACCESS", 1) if host.VMX else ("npt", "write_cr3", 0)


def writes(tap, name, nested, expected):
    with host.module(), host.Recording() as recording:
        truth = host.guest("cr3", N)
    told, summary = truth["vcpus"][0], recording.report()
    vcpu = host.vcpu_by_tid(summary, told["tid"])
    found = sum(exit["count"] for exit in vcpu["exits"] if exit["reason"] == REASON)
    tap.equal(f"shadow: {name}",
              ("nested paging", truth["host"]["nested_paging"], nested),
              ("the guest's writes", told["guest_count"], N),
              ("exits for them", found, expected),
              ("all exits; KVM's own count", vcpu["exit_count"], told["stats"]["exits"]),
              ("lost", summary["lost"], 0))
    tap.note(f"{N} writes of CR3, {found} exits for them")


def test(tap):
    writes(tap, "with nested paging, a write of CR3 is no exit", True, 0)
    with host.kvm_with(f"{PARAMETER}=0"):
        writes(tap, "without it, each is one", False, N + READS)

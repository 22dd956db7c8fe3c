# SPDX-License-Identifier: GPL-2.0-only
"""Threads that share vCPUs: one that runs those of two VMs in turn, and a pool
in which a vCPU goes from thread to thread with each KVM_RUN."""

import collections

import host
import ledger
import records
from device import Device

N = 500


def by_vm(vcpus):
    """[[what is known of vCPU 0, of vCPU 1 ...] of each VM], VMs in any order"""
    vms = {}
    for vm, vcpu, *known in sorted(vcpus):
        vms.setdefault(vm, []).append((vcpu, *known))
    return sorted(vms.values())


def check(tap, name, threads, truth, recording):
    summary = recording.report()
    loads = records.of_file(recording.file, "kvmsched_load")
    identities = records.of_file(recording.file, "kvmsched_vcpu")
    exits = {(record["vm"], record["vcpu"]): record["exits"]
             for record in records.of_file(recording.file, "kvmsched_ledger")}
    runs = collections.Counter((load["vm"], load["vcpu"]) for load in loads)
    vcpus = len(truth["vcpus"])
    ledgers = [(f"row {n}: {what}", got, want)
               for n, vcpu in enumerate(summary["vcpus"])
               for what, got, want in ledger.compared(vcpu, vcpu["exit_count"])]
    tap.equal(f"threads: {name}: each vCPU has what it did, and a closed ledger",
              ("lost", summary["lost"], 0),
              ("vCPUs", len(summary["vcpus"]), vcpus),
              ("exits, KVM's and the report's",
               by_vm((row["vm_index"], row["vcpu"], row["exit_count"])
                     for row in summary["vcpus"]),
               by_vm((mine["vm_index"], mine["vcpu"], mine["stats"]["exits"])
                     for mine in truth["vcpus"])),
              ("exits and KVM_RUNs, KVM's and the records'",
               by_vm((*vcpu, count, runs[vcpu]) for vcpu, count in exits.items()),
               by_vm((mine["vm_index"], mine["vcpu"], mine["stats"]["exits"],
                      mine["kvm_run_calls"]) for mine in truth["vcpus"])),
              ("threads that ran them", len({load.tid for load in loads}), threads),
              ("identity records, two for each vCPU at most",
               len(identities) <= 2 * vcpus or len(identities), True),
              *ledgers)


def test(tap):
    with host.module(), Device() as device:
        device.follow()
        for name, options in (
                ("one thread runs two VMs", ("--vms", 2, "--threads", 1)),
                ("one thread runs two vCPUs", ("--vcpus", 2, "--threads", 1)),
                ("4 threads run 8 vCPUs", ("--vcpus", 8, "--threads", 4)),
                ("3 threads run 2 VMs of 2 vCPUs",
                 ("--vms", 2, "--vcpus", 2, "--threads", 3))):
            with host.Recording("-m", "16M") as recording:
                truth = host.guest("pio", N, *options)
            check(tap, name, options[-1], truth, recording)

# SPDX-License-Identifier: GPL-2.0-only
"""Who a vCPU is: what its identity record says, and that it comes."""

import os
import re
import signal
import time

import host
import records
from device import Device
from vmm import Vmm

HALT_POLL = "/sys/module/kvm/parameters/halt_poll_ns"


def halt_poll_of(*options):
    with host.Recording() as recording:
        truth = host.guest("hlt", 20, *options)
    [vcpu] = truth["vcpus"]
    return host.vcpu_by_tid(recording.report(), vcpu["tid"])["halt_poll_ns"]


def halt_poll(tap):
    """KVM's parameter as it is at the time, or what the VMM has set."""
    given = int(host.read(HALT_POLL))
    cases = [("the parameter", halt_poll_of(), given)]
    with host.settings({HALT_POLL: 54321}):
        cases += [
            ("a changed parameter", halt_poll_of(), 54321),
            ("the VMM's own", halt_poll_of("--halt-poll-ns", 7000), 7000),
            ("the VMM's own, none", halt_poll_of("--halt-poll-ns", 0), 0)]
    tap.equal("identity: the limit of halt polling",
              ("the parameter is not 0", given > 0, True), *cases)


def lost(tap):
    """A reader that stands still loses an identity record; it comes as soon as there is
    room again, not only at the recording's end."""
    with host.Recording("-m", "16K") as recording:
        recording.child.signal(signal.SIGSTOP)
        for cpu in sorted(os.sched_getaffinity(0)):
            host.guest("cpuid", 3000, "--cpu", cpu)
        with host.Child(*host.guest_argv("hlt", 1000000)) as guest:
            time.sleep(1)
            recording.child.signal(signal.SIGCONT)
            time.sleep(2)
            recording.stop()
    summary = recording.report()
    late = [vcpu for vcpu in summary["vcpus"] if vcpu["vm"] == guest.pid]
    told = records.of_file(recording.file, "kvmsched_vcpu:", "kvmsched_exit:")
    begins = [i for i, record in enumerate(told)
              if record.event == "kvmsched_vcpu" and record["tgid"] == guest.pid]
    exits = [record.tid for record in told[begins[0]:] if record.event == "kvmsched_exit"]
    tap.equal("identity: a lost record is written again",
              ("identity records were lost",
               summary["lost_by_event"]["vcpu"] >= 1, True),
              ("vCPUs of the VM that began meanwhile", len(late), 1),
              ("their exits were recorded",
               sum(vcpu["exit_count"] for vcpu in late) > 100, True),
              # Not only as the recording ends.
              ("after it", exits.count(late[0]["tid"]) > 100, True))


def table_full(tap):
    """A VM with more vCPUs than max_vcpus: some are known, and all go on."""
    with host.module("max_vcpus=2"), host.Recording() as recording:
        truth = host.guest("cpuid", 5000, "--vcpus", 4)
        with Device() as device:
            info = device.info()
        said = {line[0]: line[1] for line in
                (re.split(r"\s{2,}", row) for row in
                 host.run(host.KVMSCHED, "info").stdout.splitlines()) if line[1:]}
    numbers = {record["vm"]
               for record in records.of_file(recording.file, "kvmsched_vcpu")}
    exits = {vcpu["tid"]: vcpu["stats"]["exits"] for vcpu in truth["vcpus"]}
    known = [vcpu for vcpu in recording.report()["vcpus"] if vcpu["vm"]]
    whole = [vcpu for vcpu in known if
             vcpu["exit_count"] == exits[vcpu["tid"]]]
    tap.equal("identity: a VM with more vCPUs than max_vcpus",
              ("room", info.vcpus_max, 2),
              ("as info has it", said.get("max_vcpus"), "2"),
              ("refused, as info has it", said.get("vCPUs refused", "").split()[:1],
               [str(info.refused)]),
              ("VMs", len(numbers), 1),
              ("some were refused", info.refused >= 2, True),
              ("recorded from beginning to end", len(whole) >= 2, True),
              *((f"exits of {vcpu['tid']} are no more than it had",
                 vcpu["exit_count"] <= exits[vcpu["tid"]], True)
                for vcpu in known))


def policy(tap):
    """A thread out of KVM_RUN gets another policy after its identity was told again."""
    with host.module(), Device() as device, Vmm() as vmm:
        device.follow()
        with host.Recording():
            tid = vmm.ask("thread", "run", 20)
        with host.Recording() as recording:
            vmm.ask("thread", "nap", 20)
            os.sched_setscheduler(tid, os.SCHED_BATCH, os.sched_param(0))
            vmm.ask("thread", "nap", 20)
            vmm.ask("thread", "run", 20)
    changes = [(record["old_policy"], record["policy"]) for record in
               records.of_file(recording.file, "kvmsched_policy")
               if record.tid == tid]
    row = host.vcpu_by_tid(recording.report(), tid)
    tap.equal("identity: a policy that changes out of KVM_RUN",
              ("records", changes, [(os.SCHED_OTHER, os.SCHED_BATCH)]),
              ("the report's", row["policy_changes"], 1))


def test(tap):
    policy(tap)
    with host.module():
        halt_poll(tap)
        lost(tap)
    table_full(tap)

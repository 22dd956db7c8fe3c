# SPDX-License-Identifier: GPL-2.0-only
"""Who a vCPU is: what its identity record says, and that it comes."""

import host

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


def test(tap):
    with host.module():
        halt_poll(tap)

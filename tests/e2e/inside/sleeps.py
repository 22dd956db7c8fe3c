# SPDX-License-Identifier: GPL-2.0-only
"""A vCPU that sleeps in the host's kernel, but not in HLT, and not for its exit: it waits
to be started, or for a page that KVM lets another thread fetch."""

import host

SECONDS = 1
LATE_US = 100000
SHARE = 0.05	# of a sleep: how the guest's own time and ours may differ
LATE_NS = 2 * 10 ** 6	# until a thread has the CPU
WORKER_NS = 20 * 10 ** 6	# the same for a worker of the kernel, on a busy machine
STOPPED = 3


def total(distribution):
    return distribution["total"] if distribution else 0


def blocked(summary, vcpu):
    """What is said first of it, if that is a sleep"""
    return [finding["sentence"] for finding in summary["in_short"]
            if finding["kind"] == "blocked" and finding["vm"] == vcpu["vm"]]


def unstarted(tap):
    with host.module(), host.Recording() as recording:
        truth = host.guest("hlt", 50, "--vcpus", 2, "--unstarted", "--seconds", SECONDS,
                           status=STOPPED)
    summary = recording.report()
    waits, runs = (host.vcpu_by_tid(summary, truth["vcpus"][nth]["tid"]) for nth in (1, 0))
    ran = truth["vcpus"][1]["wall_ns"]
    slept = total(waits["waited_for_sipi_ns"])
    tap.equal("sleeps: a vCPU that was never started waits for a SIPI",
              ("exits", waits["exit_count"], 0),
              ("so long", abs(slept - ran) <= SHARE * ran or (slept, ran), True),
              # Beside it, the thread may sleep in userspace as it ends.
              ("little else", -2 <= waits["states_ns"]["blocked"] - slept <=
               SHARE * ran or (slept, waits["states_ns"]), True),
              ("before an entry", waits["blocked_before_entry_ns"], None),
              ("the other", runs["waited_for_sipi_ns"], None),
              ("no harm", blocked(summary, waits), []))


def async_page(tap):
    with host.module(), host.Recording() as recording:
        truth = host.guest("cpuid", 100, "--late-page", LATE_US, "--async-page")
    summary = recording.report()
    vcpu = host.vcpu_by_tid(summary, truth["vcpus"][0]["tid"])
    served = truth["vms"][0]["late_page_ns"]
    slept = total(vcpu["waited_for_page_ns"])
    exits = sum(total(exit["blocked_ns"]) for exit in vcpu["exits"])
    tap.equal("sleeps: a page that another thread of KVM fetches",
              # The vCPU sleeps until KVM's worker has seen that the page is there.
              ("so long", -SHARE * served - LATE_NS <= slept - served <=
               SHARE * served + WORKER_NS or (slept, served), True),
              ("no exit's", exits < LATE_NS or exits, True),
              ("in short", ["async page fault" in text
                            for text in blocked(summary, vcpu)], [True]))
    tap.note(f"asleep {slept / 1e6:.3f} ms for a page that took {served / 1e6:.3f} ms")


def test(tap):
    unstarted(tap)
    async_page(tap)

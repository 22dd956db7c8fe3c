# SPDX-License-Identifier: GPL-2.0-only
"""A guest that spins with PAUSE, where the CPU ends that (pause loop exiting, VT-x). Bochs
exits at a PAUSE that follows another one within the gap, as soon as that was so for longer
than the window, and each entry begins anew. With a window of one cycle, each second PAUSE
since an entry is an exit: its number follows from the number of PAUSEs."""

import host

N = 4000		# PAUSEs
WINDOW = ("ple_window=1", "ple_window_grow=0")
REASON, PAUSE = "PAUSE_INSTRUCTION", 40


def spin(tap):
    with host.module(), host.Ftrace() as ftrace:
        ftrace.count("kvm/kvm_exit", "exit_reason", "common_pid != 0")
        with host.Recording() as recording:
            truth = host.guest("pause", N)
        seen = ftrace.counts("kvm/kvm_exit")
    told, summary = truth["vcpus"][0], recording.report()
    vcpu = host.vcpu_by_tid(summary, told["tid"])
    exits = {exit["reason"]: exit["count"] for exit in vcpu["exits"]}
    pauses, others = exits.get(REASON, 0), vcpu["exit_count"] - exits.get(REASON, 0)
    spins = [one["sentence"] for one in summary["in_short"] if one["kind"] == "spin"]
    tap.equal("pause: PAUSE exits of a guest that spins",
              ("PAUSEs", told["guest_count"], N),
              ("exits for them, as ftrace has them", pauses, seen.get((PAUSE,))),
              ("all exits; KVM's own count", vcpu["exit_count"], told["stats"]["exits"]),
              ("PAUSE exits, it says", "pause" not in vcpu["exits_off"], True),
              ("lost", summary["lost"], 0))
    # Another exit between the two of a pair makes the second one the first of the next.
    tap.ok(0 <= N - 2 * pauses <= others + 1,
           "pause: each second PAUSE since an entry is an exit")
    tap.note(f"{N} PAUSEs, {pauses} exits for them, {others} others")
    tap.equal("pause: \"In short\" suspects that it spins",
              ("sentences", len(spins), 1),
              ("PAUSE, with its number", [f"{pauses} PAUSE" in text
                                          for text in spins], [True]))
    for text in spins:
        tap.note(text)


def off(tap):
    """Where KVM has switched these exits off, there is none, and that is told."""
    with host.module(), host.Recording() as recording:
        truth = host.guest("pause", N)
    vcpu = host.vcpu_by_tid(recording.report(), truth["vcpus"][0]["tid"])
    tap.equal("pause: without pause loop exiting",
              ("exits", [exit for exit in vcpu["exits"] if exit["reason"] == REASON], []),
              ("PAUSE does not exit, it says", "pause" in vcpu["exits_off"], True))


def test(tap):
    with host.kvm_with(*WINDOW):
        spin(tap)
    with host.kvm_with("ple_gap=0"):
        off(tap)

# SPDX-License-Identifier: GPL-2.0-only
"""Time slices given under SCHED_RR and CFS/EEVDF, seen to the tick: under
icount only, where two spinning threads on one CPU are all that runs."""

import contextlib
import os

import host

TICK = 4e6  # ns, CONFIG_HZ=250
RR_FILE = "/proc/sys/kernel/sched_rr_timeslice_ms"
RT_FILE = "/proc/sys/kernel/sched_rt_runtime_us"
SCHED = "/sys/kernel/debug/sched"
FAIR = f"{SCHED}/fair_server/cpu0/runtime"
# Some slices are cut where the test's own threads run: they must be the smaller part.
RR_SECONDS, SECONDS = 2, 1


@contextlib.contextmanager
def undisturbed(tap):
    """No CPU taken from real-time threads for the others; restored."""
    knobs = {RT_FILE: -1}
    if os.path.exists(FAIR):
        knobs[FAIR] = 0
    # Put back backwards: the fair server's share must fit what RT leaves.
    with host.settings(knobs) as before:
        for path, value in knobs.items():
            tap.note(f"{path}: {before[path]}, now {value}")
        yield


def slices(tap, name, spans, expected):
    """Most are of the length expected, and none is longer by a tick."""
    for nth, span in enumerate(spans, 1):
        if not span:
            tap.ok(False, f"{name}, {nth}: there are slices")
            continue
        tap.within(f"{name}, {nth}: the median", span["p50"] / 1e6,
                   (expected - TICK / 20) / 1e6, (expected + TICK / 20) / 1e6,
                   " ms")
        tap.ok(span["max"] <= expected + 1.01 * TICK,
               f"{name}, {nth}: none is longer by more than a tick",
               f"the longest: {span['max'] / 1e6} ms")
        tap.note(f"{span['count']} slices, {span['min'] / 1e6:.3f} to "
                 f"{span['max'] / 1e6:.3f} ms")


def vcpus(tap, policy, expected, seconds):
    with host.Recording() as recording:
        host.guest("spin", 0, "--vms", 2, "--cpu", 0, "--policy", policy,
                   "--controller-prio", 20, "--seconds", seconds)
    summary = recording.report()
    name = f"policies: two vCPUs under {policy}"
    tap.equal(f"{name}: as the report says", ("policies", {
        vcpu["policy"] for vcpu in summary["vcpus"]},
        {"SCHED_RR" if policy.startswith("rr") else "SCHED_OTHER"}),
        ("lost", sum(summary["lost_by_event"].values()), 0))
    slices(tap, name, [vcpu["preempted_slices_ns"]
                       for vcpu in summary["vcpus"]], expected)


def processes(tap, policy, expected, seconds):
    with host.Recording("-e", "host") as recording:
        host.run(host.SPIN, "--quiet", "--procs", 2, "--cpu", 0, "--policy",
                 policy, "--seconds", seconds)
    spins = [task for task in recording.report("--host")["host_tasks"]
             if task["comm"] == "spin" and
             task["slices_ns"]["total"] > seconds * 1e9 / 4]
    name = f"policies: two processes under {policy}"
    tap.equal(f"{name}: both are there", ("processes", len(spins), 2))
    slices(tap, name, [task["slices_ns"] for task in spins], expected)


def fair_slice():
    """When one of two spinning threads is preempted: where hrtimers end a slice (from
    7.0 on), after EEVDF's base slice, else at a tick."""
    if "HRTICK" in host.read(f"{SCHED}/features").split():
        return int(host.read(f"{SCHED}/base_slice_ns"))
    return TICK


def test(tap):
    rr = int(host.read(RR_FILE)) * 1e6
    tap.note(f"{RR_FILE}: {rr / 1e6:.0f}")
    with host.module(), undisturbed(tap):
        for run in (vcpus, processes):
            run(tap, "rr:10", rr, RR_SECONDS)
            run(tap, "other", fair_slice(), SECONDS)

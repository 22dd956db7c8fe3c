# SPDX-License-Identifier: GPL-2.0-only
"""A guest that asks for the CPU of another vCPU again and again, as one does that waits
for a lock: each hypercall is told by its name, and "In short" suspects the spinning."""

import json

import host

N = 200


def by_name(file):
    """{name: exits} of the hypercalls"""
    out = host.run(host.KVMSCHED, "report", "exits", file, "--json",
                   "--by", "hypercall", "-n", 100).stdout
    part, = json.loads(out)["details"]
    return {row["name"].split()[-1]: row["count"] for row in part["rows"]}


def test(tap):
    with host.module(), host.Recording() as recording:
        truth = host.guest("kick", N)
    told = truth["vcpus"][0]["stats"]
    summary = recording.report()
    found = by_name(recording.file)
    spins = [one for one in summary["in_short"] if one["kind"] == "spin"]
    tap.equal("locks: hypercalls of a guest that waits for another vCPU",
              ("KICK_CPU", found.get("KICK_CPU"), N),
              ("SCHED_YIELD", found.get("SCHED_YIELD"), N),
              # By KVM's code each of the two tries to yield.
              ("KVM's own count of the attempts", told["directed_yield_attempted"], 2 * N),
              ("sentences", len(spins), 1),
              ("which suspects it",
               [f"{N} KICK_CPU hypercalls and {N} SCHED_YIELD hypercalls" in one["sentence"] and
                "suspected" in one["sentence"] for one in spins], [True]))
    for one in spins:
        tap.note(one["sentence"])

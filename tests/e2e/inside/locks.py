# SPDX-License-Identifier: GPL-2.0-only
"""A guest that asks for the CPU of another vCPU again and again, as one does that waits
for a lock: each hypercall is told by its name, "In short" suspects the spinning, and the
recording has KVM's own counts of what it did about it."""

import contextlib
import glob
import json
import os
import signal

import host

# Twice as many hypercalls; by 1,000 in a second of a vCPU's life spinning is suspected, and on a
# slow machine a few hundred are none.
N = 1000
COUNTERS = "directed_yield_attempted", "directed_yield_successful"
TRIED = "KVM tried"


def by_name(file):
    """{name: exits} of the hypercalls"""
    out = host.run(host.KVMSCHED, "report", "exits", file, "--json",
                   "--by", "hypercall", "-n", 100).stdout
    part, = json.loads(out)["details"]
    return {row["name"].split()[-1]: row["count"] for row in part["rows"]}


class Kept(host.Child):
    """A guest that has done all, and whose VMs stay until somebody reads its truth."""

    def __init__(self, name, vms):
        self.truth = os.path.join(host.WORK, name)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.truth)
        os.mkfifo(self.truth)
        super().__init__(host.GUEST, "--quiet", "--json", self.truth, "--vms", vms, "kick", N)
        host.wait_for(lambda: self.counted()[0] == vms * 2 * N, "the guest's hypercalls")

    def counted(self):
        """KVM's own counts, of all its VMs"""
        return [sum(host.kvm_counters(self, name)) for name in COUNTERS]

    def told(self):
        """It ends now."""
        truth = json.loads(host.read(self.truth))
        self.wait()
        return [sum(vcpu["stats"][name] for vcpu in truth["vcpus"]) for name in COUNTERS]


def spins_of(summary):
    return [one for one in summary["in_short"] if one["kind"] == "spin"]


def yields(tap, vms):
    """What KVM counted while a guest was recorded, that is there until the end; of one that had
    done all before; and of one that is gone at the end, and its counts with it"""
    with host.module(), Kept("before", 1) as before, Kept("gone", 1) as gone, \
            host.Recording() as recording, Kept("during", vms) as during:
        gone.told()
        counted = during.counted()
        recording.stop()
        told, earlier = during.told(), before.told()
    summary = recording.report()
    spins = spins_of(summary)
    whose = "its process's VMs" if vms > 1 else "its VM"
    rows = {row["pid"]: row for row in summary["directed_yields"] or []}
    tap.equal(f"locks: KVM's counts of directed yields, VMs: {vms}",
              ("attempts, as the guest has them of KVM", told[0], vms * 2 * N),
              ("KVM's counts in debugfs", counted, told),
              ("of the recording", rows.get(during.pid),
               {"pid": during.pid, "vms": vms, "attempted": told[0], "successful": told[1]}),
              ("attempts of the guest before, as it has them of KVM", earlier[0], 2 * N),
              ("while it was recorded", rows.get(before.pid),
               {"pid": before.pid, "vms": 1, "attempted": 0, "successful": 0}),
              ("of the guest that is gone", rows.get(gone.pid), None),
              ("processes", len(rows), 2),
              ("sentences that have it", [f"of all vCPUs of {whose}, {TRIED} {told[0]} times"
                                          in one["sentence"] for one in spins], [True]))
    part = recording.report("--from", "0")
    tap.equal("locks: an excerpt tells none of them",
              ("of the excerpt", part["directed_yields"], None),
              ("sentences", [TRIED in one["sentence"] for one in spins_of(part)], [False]))
    for one in spins:
        tap.note(one["sentence"])


def has_option(file):
    with open(file, "rb") as data:
        return b"kvsyield" in data.read()


def flight(tap):
    """The file of a flight recorder holds less than what KVM counted."""
    with host.module(), host.Recording("--overwrite") as recording, Kept("during", 1) as guest:
        recording.stop()
        guest.told()
    summary = recording.report()
    tap.equal("locks: a flight recorder tells none of them",
              ("of the recording", summary["directed_yields"], None),
              ("in a sentence", any(TRIED in one["sentence"] for one in spins_of(summary)), False),
              ("the file has the option", has_option(recording.file), False))


def recovered(tap):
    """Nobody looked at the counts when the recording ended."""
    with host.module():
        with host.Recording() as recording, Kept("during", 1) as guest:
            # Beside holes, whole pages: some of the guest's are in a file by then.
            host.wait_for(lambda: any(os.stat(cpu).st_blocks for cpu in glob.glob(
                f"{recording.file}.spool/cpu*")), "the first pages")
            recording.child.signal(signal.SIGKILL)
            recording.child.wait(status=-signal.SIGKILL)
            guest.told()
        host.run(host.KVMSCHED, "record", "--recover", recording.file)
    tap.equal("locks: what is recovered tells none of them",
              ("of the recording", recording.report()["directed_yields"], None),
              ("the file has the option", has_option(recording.file), False))


def test(tap):
    with host.module(), host.Recording() as recording:
        truth = host.guest("kick", N)
    told = truth["vcpus"][0]["stats"]
    summary = recording.report()
    found = by_name(recording.file)
    spins = spins_of(summary)
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
    tap.equal("locks: nothing is told of KVM's counts of a guest that came and went",
              ("of the recording", summary["directed_yields"], None),
              ("sentences", [TRIED in one["sentence"] for one in spins], [False]))
    yields(tap, 1)
    yields(tap, 2)
    flight(tap)
    recovered(tap)

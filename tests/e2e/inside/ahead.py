# SPDX-License-Identifier: GPL-2.0-only
"""A guest that sets its TSC ahead while it traces itself and the host records: KVM's offset
has another value from then on, and each event is joined by that of its time.

The guest writes MSR_IA32_TSC, the counter itself.  Without TSC_ADJUST, by which Linux would
notice at its next idle, and set it back.  Under icount, as merge."""

import json
import os

import host
import linux
import merge
from device import Device

AHEAD_MS = 20
NARROW_NS = 2000
OPTIONS = ("--module", "msr", "--qemu", "-cpu", "--qemu", "host,-tsc-adjust")
# In octal, as printf has bytes; MSR 0x10 is at the offset of that number.
SET_AHEAD = """\
m=/dev/cpu/0/msr; was=$(dd if=$m bs=8 skip=2 count=1 2>/dev/null | od -An -tu8);
will=$((was + %d)); bytes=;
for i in 0 1 2 3 4 5 6 7; do bytes="$bytes\\\\$(printf %%03o $((will >> 8 * i & 255)))"; done;
printf "$bytes" | dd of=$m bs=8 seek=2 count=1 conv=notrunc"""


def record(khz):
    """(recording, the guest, its events by CPU, KVM's offsets before, and behind)"""
    with linux.Linux(1, options=OPTIONS) as guest:
        with host.Recording("-m", "16M") as recording, host.spin(*merge.BESIDE_US):
            guest.trace(merge.ROOM_KB)
            guest.say("spin --quiet --seconds 1 --procs 2")
            before = merge.offsets()
            guest.say(" ".join((SET_AHEAD % (AHEAD_MS * khz)).split("\n")))
            behind = merge.offsets()
            guest.say("spin --quiet --seconds 1 --procs 2")
            guest.crowd(merge.CROWD)
            events = guest.stop()
        guest.off()
    return recording, guest, events, before, behind


def test(tap):
    with host.module():
        with Device() as device:
            khz = device.info().tsc_khz
        recording, guest, events, before, behind = record(khz)
    file = guest.write(os.path.join(host.WORK, "guest.dat"))
    merged, = merge.merged(recording, file, "merged")["guests"]
    cpu, = merged["cpus"]
    old, new = before[merged["pid"]][0], behind[merged["pid"]][0]
    tap.equal("ahead: each event of the guest is joined by the offset of its time",
              # Until the guest's shell had written what it read, the TSC went on.
              (f"offset before {old}, behind {new}", 0 < new - old <= AHEAD_MS * khz, True),
              ("KVM's own", cpu["tsc_offset"], new),
              ("changes, from which offset to which",
               [(it["from"], it["to"]) for it in cpu["tsc_changes"]], [(old, new)]),
              ("events", cpu["events"], events[0]),
              ("in guest mode", cpu["in_guest_mode"], cpu["events"]),
              ("not joined", cpu["not_joined"], 0))
    low, high = merged["later_ns_from"], merged["later_ns_to"]
    tap.ok(low is not None and high is not None and low <= 0 <= high and
           high - low <= NARROW_NS, f"ahead: causality leaves open {NARROW_NS} ns", low, high)
    tap.note(f"{events[0]} events, {(new - old) / khz:.3f} ms; {low} to {high} ns around KVM's "
             "offsets")
    merge.stock(tap, "ahead", events)
    tasks, = json.loads(host.run(host.KVMSCHED, "report", "guest", "--json", recording.file,
                                 "--guest", file).stdout)["guests"]
    spins = [task["slices"] for task in tasks["tasks"] if task["comm"] == "spin"]
    tap.equal("ahead: report guest loses nothing where the TSC was set",
              ("gaps", [cpu["gaps"] for cpu in tasks["cpus"]], [0]),
              ("tasks that spin", len([it for it in spins if it["sum_ns"] > merge.LONG_NS]), 4),
              ("not told", sum(it["not_told_ns"] for it in spins), 0))

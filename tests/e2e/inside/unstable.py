# SPDX-License-Identifier: GPL-2.0-only
"""A TSC that the kernel has found unstable is told wherever a time is.

The lab's own is reliable; the boot parameter tsc=unstable makes it the other.
"""

import collections
import contextlib
import json
import os
import time

import host
import records
from device import TSC_UNSTABLE, Device

SECONDS = 2
UNSTABLE = "tsc=unstable" in host.read("/proc/cmdline").split()
FEATURE = 0x400			# KS_FEATURE_TSC_UNSTABLE
WORDS = "TSC of this host unstable"


def written_at_each_load(tap):
    """KVM writes the offset of a vCPU anew at each switch in: that makes the identity of this
    one due, and not those of the vCPUs of that number in all VMs."""
    with host.module(), contextlib.ExitStack() as stack:
        with host.affinity({0}):
            sleeper = stack.enter_context(host.running_guest("hlt", "--period-us", 2000))
        with host.affinity({1}):
            spinner = stack.enter_context(host.running_guest("spin"))
        with host.Recording() as recording:
            time.sleep(SECONDS)
    rows = {row["vm"]: row["tid"] for row in recording.report()["vcpus"]}
    told = collections.Counter(record.tid for record in records.of_file(
        recording.file, "kvmsched_vcpu", "kvmsched_switch_in"))
    identities = collections.Counter(record.tid for record in
                                     records.of_file(recording.file, "kvmsched_vcpu"))
    slept, spun = rows[sleeper.pid], rows[spinner.pid]
    switches = told[spun] - identities[spun]
    tap.equal("unstable: offsets that KVM writes again and again make no others due",
              ("the sleeper's are", identities[slept] > 100 or identities[slept], True),
              (f"the spinner's, after {switches} switches in",
               identities[spun] <= switches + 3 or identities[spun], True))
    tap.note(f"{identities[slept]} identities of a vCPU that sleeps, {identities[spun]} of one "
             f"that spins, {switches} switches in")


def test(tap):
    logged = host.run("dmesg").stdout.count(WORDS)
    with host.module():
        with host.Recording() as recording:
            truth = host.guest("cpuid", 50)
        with Device() as device:
            flags = device.info().flags
        info = json.loads(host.run(host.KVMSCHED, "info", "--json").stdout)
        logged = host.run("dmesg").stdout.count(WORDS) - logged
    text = host.run(host.KVMSCHED, "report", recording.file).stdout
    words = " ".join(text.split())
    vcpu = host.vcpu_by_tid(recording.report(), truth["vcpus"][0]["tid"])
    name = "an unstable" if UNSTABLE else "a reliable"
    tap.equal(f"unstable: {name} TSC",
              ("INFO's flags", flags, TSC_UNSTABLE if UNSTABLE else 0),
              ("kvmsched info", info["module"]["tsc_unstable"], UNSTABLE),
              ("kernel log, so often", logged, int(UNSTABLE)),
              ("vCPU's features", bool(vcpu["features"] & FEATURE), UNSTABLE),
              ("report", "times between CPUs are not to be trusted" in words,
               UNSTABLE),
              ("exits", vcpu["exit_count"],
               truth["vcpus"][0]["stats"]["exits"]))
    if UNSTABLE and len(os.sched_getaffinity(0)) > 1:
        written_at_each_load(tap)

# SPDX-License-Identifier: GPL-2.0-only
"""A TSC that the kernel has found unstable is told wherever a time is.

The lab's own is reliable; the boot parameter tsc=unstable makes it the other.
"""

import json

import host
from device import TSC_UNSTABLE, Device

UNSTABLE = "tsc=unstable" in host.read("/proc/cmdline").split()
FEATURE = 0x400			# KS_FEATURE_TSC_UNSTABLE
WORDS = "TSC of this host unstable"


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

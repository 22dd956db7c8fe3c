# SPDX-License-Identifier: GPL-2.0-only
"""A guest whose HLT does not exit idles unseen: its time in the guest includes that, and
whoever shows that time says so.  One whose HLT exits is beside it."""

import json

import host

N = 60
PERIOD = 5000  # us
PAUSE = ("/sys/module/kvm_amd/parameters/pause_filter_count",
         "/sys/module/kvm_intel/parameters/ple_gap")


def pause_exits():
    """KVM turns PAUSE's exits off where the CPU can't filter them."""
    for path in PAUSE:
        try:
            return host.read(path).strip() != "0"
        except FileNotFoundError:
            pass
    raise host.Failed("no parameter tells of PAUSE")


def sentences(summary, truth):
    return [finding for finding in summary["in_short"]
            if finding["kind"] == "idle" and finding["vm"] == truth["pid"]]


def recorded(tap):
    with host.Recording() as recording:
        idle = host.guest("hlt", N, "--period-us", PERIOD, "--no-exits", "hlt")
        plain = host.guest("hlt", N, "--period-us", PERIOD)
    summary = recording.report()
    unseen, seen = (host.vcpu_by_tid(summary, truth["vcpus"][0]["tid"])
                    for truth in (idle, plain))
    off = [] if pause_exits() else ["pause"]
    states = unseen["states_ns"]
    tap.equal("noexits: what does not exit is told, of that VM alone",
              ("HLT off", unseen["exits_off"], ["hlt", *off]),
              ("as by default", seen["exits_off"], off),
              ("exits of HLT", [exit["count"] for exit in unseen["exits"]
                                if exit["reason"] in ("hlt", "HLT")], []),
              ("in short", len(sentences(summary, idle)), 1),
              ("the other", sentences(summary, plain), []),
              ("asleep", states["halted"] + states["blocked"], 0))
    tap.within("noexits: time that it idled is time in the guest",
               100 * states["guest"] / (N * PERIOD * 1000), 80, 200, " %")
    text = host.run(host.KVMSCHED, "report", recording.file).stdout.splitlines()
    notes = [line for line in text if line.startswith("Guest includes idle:")]
    # The recorder asks for the name when it sees the VM: on a slow machine, the guest may
    # have ended by then, and is called by its thread.
    vm = f"{unseen['vm_name']}/{idle['pid']}"
    tap.equal("noexits: the ledger has a note",
              ("notes", notes, [f"Guest includes idle: vm {vm} (HLT doesn't exit)"]))


def too_wide(text):
    return [line for line in text.splitlines() if len(line) > 80]


def now(tap):
    """What top shows, and its note; what both it and info print fits 80 columns."""
    with host.running_guest("hlt", "--no-exits", "hlt") as guest:
        argv = (host.KVMSCHED, "top", "--once", "-d", 0.3)
        rows = json.loads(host.run(*argv, "--json").stdout)["vcpus"]
        text = host.run(*argv).stdout
        info = host.run(host.KVMSCHED, "info").stdout
    tap.equal("noexits: top says it, too",
              ("HLT off", ["hlt" in row["exits_off"] for row in rows
                           if row["vm"] == guest.pid], [True]),
              ("a note", text.count("Guest includes idle in 1 of 1 rows"), 1))
    tap.equal("noexits: tables of top and info fit 80 columns",
              ("top", too_wide(text), []), ("info", too_wide(info), []),
              ("info has them", [info.splitlines().count(title) for title in
                                 ("Host", "Hooks of the module", "VMs")], [1, 1, 1]))


def test(tap):
    with host.module():
        recorded(tap)
        now(tap)

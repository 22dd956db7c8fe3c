# SPDX-License-Identifier: GPL-2.0-only
"""What a guest's timer came to is told: late, merged, lost, far ahead, or ended with
its guest; and when it ended with it, nobody is alarmed."""

import random
import signal
import time

import host
import records
from vmm import Vmm

NS = 10 ** 9
TICKS, PERIOD_US = 300, 1000
LONGER = 1000			# ticks: time enough to stop the VMM before the last
EDGE = 12			# periods: the first one, and what comes late at the end
THIEF_US = 30000
STOPPED_S = 2
POWER_OFFS = 20
AHEAD_S = 1000
SYNTHETIC = 100
RESTORED = 2


def timers_of(recording):
    """Those of all vCPUs in the file"""
    return [vcpu["timers"] for vcpu in recording.report()["vcpus"]]


def alarms(timers):
    return {what: count for what, count in timers["overdue"].items()
            if count and what != "not_judged"}


def watchdog(recording):
    """What the watchdog says, without the ends of its lines"""
    text = host.run(host.KVMSCHED, "report", "timers", recording.file).stdout
    return " ".join(text[text.index("Watchdog"):].split())


def periods(recording, truth):
    """From the time at which the guest armed its timer to its last expiry"""
    found = records.of_file(recording.file, "kvmsched_timer_arm", "kvmsched_timer_expire")
    armed = next(record for record in found if record.event == "kvmsched_timer_arm")
    expiry = [record for record in found if record.event == "kvmsched_timer_expire"][-1]
    return (expiry.ts - armed.ts) * 1000 // truth["tsc_khz"] // PERIOD_US


def add_up(tap, name, recording, truth, ticks, least):
    """Each period that passed is one of these: an interrupt, merged, or skipped.  What
    KVM skips moves the phase, by less than a period each time.  While the vCPU waits, a
    host that is on time has them merged, and a busy one has some skipped."""
    [timers] = timers_of(recording)
    passed = periods(recording, truth)
    left = timers["expired"] - timers["merged"] - timers["injected"]
    told = timers["expired"] + timers["skipped"]
    tap.equal(f"timers: {name}: every tick was injected, or merged with one that was",
              ("ticks injected", timers["injected"], ticks),
              ("expired, and neither of both", 0 <= left <= 2, True),
              ("as many merged or skipped as ticks fell due",
               timers["merged"] + timers["skipped"] >= least or timers, True),
              ("left to guess", timers["merged_or_skipped"], 0),
              ("alarms", alarms(timers), {}))
    wall = truth["vcpus"][0]["wall_ns"] // (PERIOD_US * 1000)
    tap.ok(-EDGE <= passed - told <= EDGE + timers["skipped"] and passed <= wall,
           f"timers: {name}: as many periods are told as passed for the guest",
           {"passed": passed, "with begin and end": wall, **{key: timers[key] for key in
                                 ("expired", "merged", "skipped", "injected")}})


def thief(tap):
    with host.Recording() as recording, \
            host.spin(THIEF_US, THIEF_US, "--policy", "fifo:50", "--cpu", 0):
        truth = host.guest("tmict-periodic", TICKS, "--period-us", PERIOD_US,
                           "--cpu", 0)
    add_up(tap, f"a thief for {THIEF_US} us", recording, truth, TICKS,
           THIEF_US // PERIOD_US // 2)


def stopped(tap):
    """The VMM is stopped for 2 s, the timer goes on."""
    with host.Recording() as recording, \
            host.Child(*host.guest_argv("tmict-periodic", LONGER, "--period-us",
                                        PERIOD_US)) as child:
        host.wait_for(lambda: any(host.kvm_counters(child, "irq_injections")),
                      "the first tick")
        child.signal(signal.SIGSTOP)
        time.sleep(STOPPED_S)
        child.signal(signal.SIGCONT)
        child.wait()
        truth = host.truth_of_guest()
    add_up(tap, f"a VMM stopped for {STOPPED_S} s", recording, truth, LONGER,
           (STOPPED_S * 1000000 // PERIOD_US) // 2)


def power_off(tap):
    """Twenty guests whose timers are due after their VMM left KVM_RUN, killed then."""
    with host.Recording(file="power-off.dat") as recording:
        with host.running_guest("hlt", "--vms", POWER_OFFS, "--period-us",
                                10000) as child:
            host.wait_for(lambda: host.is_above_0(child, "halt_exits"),
                          "each guest's first tick")
            exits = host.kvm_counters(child, "exits")
            child.signal(signal.SIGSTOP)
            time.sleep(0.2)
    summary = recording.report()
    all_timers = [vcpu["timers"] for vcpu in summary["vcpus"]]
    tap.equal("timers: power-off: no alarm, but the timers that were due are counted",
              ("guests", len(all_timers) == POWER_OFFS or
               [(vcpu["tid"], vcpu["exit_count"]) for vcpu in summary["vcpus"]], True),
              ("guests that KVM has", len(exits) == POWER_OFFS and all(exits) or exits, True),
              ("lost", summary["lost"], 0),
              ("alarms", [alarms(timers) for timers in all_timers],
               [{}] * POWER_OFFS),
              ("any not judged", sum(timers["overdue"]["not_judged"]
                                     for timers in all_timers) > 0, True))
    tap.note(watchdog(recording))


def ended_apart(tap):
    """Twenty guests, one after the other, that end at any phase of their timers: every other
    one is killed, and the VMM of the others leaves KVM_RUN and closes."""
    chance = random.Random(POWER_OFFS)
    with host.Recording(file="ended-apart.dat") as recording:
        for n in range(POWER_OFFS):
            with host.running_guest("hlt", "--period-us", 10000) as child:
                host.wait_for(lambda: host.is_above_0(child, "halt_exits"), "its first tick")
                time.sleep(chance.random() / 50)
                child.signal(signal.SIGKILL if n % 2 else signal.SIGTERM)
                child.wait(status=None)
    all_timers = timers_of(recording)
    tap.equal("timers: twenty power-offs, one after the other: no alarm",
              ("guests", len(all_timers), POWER_OFFS),
              ("those whose timer expired", sum(timers["expired"] > 0 for timers in all_timers),
               POWER_OFFS),
              ("alarms", [alarms(timers) for timers in all_timers], [{}] * POWER_OFFS))
    tap.note(f"not judged: {sum(timers['overdue']['not_judged'] for timers in all_timers)}")


def pending(tap):
    """Armed before the recording, it expires within.  The guest spins: a vCPU that
    sleeps is seen only when its timer has woken it."""
    with host.running_guest("tscspin", "--period-us", 700000) as child:
        host.wait_for(lambda: host.is_above_0(child, "irq_injections"),
                      "the first tick: each one arms the timer again")
        with host.Recording() as recording:
            time.sleep(2.5)
            recording.stop()
    [timers] = timers_of(recording)
    told = [record.event for record in records.of_file(
        recording.file, "kvmsched_timer_arm", "kvmsched_timer_expire")]
    unanswered = told[-1:] == ["kvmsched_timer_expire"]
    tap.equal("timers: one that is pending as the recording begins is told",
              ("armed before", timers["armed_before"], 1),
              ("one expired for each that was armed, but the last: it still runs, or the "
               "recording ended before the guest armed the next",
               timers["expired"] - timers["armed"], int(unanswered)),
              ("alarms", alarms(timers), {}))
    tap.note(" ".join(event.removeprefix("kvmsched_timer_") for event in told))


def far(tap, name, guest, *expected):
    with host.Recording() as recording, host.running_guest(*guest):
        time.sleep(0.5)
        recording.stop()
    [timers] = timers_of(recording)
    ahead = timers["far"] or {"ahead_ns": 0, "asleep": None}
    tap.equal(f"timers: {name}",
              ("how far ahead KVM's timer is, in s", ahead["ahead_ns"] // NS in
               (AHEAD_S - 1, AHEAD_S), True),
              ("the guest sleeps for it", ahead["asleep"], True),
              *((what, of(timers), value) for what, of, value in expected))
    words = watchdog(recording)
    tap.ok("s ahead; the guest sleeps for it" in words, f"timers: {name}: in words",
           words)


def by_the_vmm(tap):
    """The VMM sets a vCPU's timer between two KVM_RUNs, as it does where it restores one."""
    with Vmm(lapic=True) as vmm, host.Recording() as recording:
        for step, times in (("run", 3), ("set_timer", RESTORED), ("run", 3)):
            vmm.ask("thread", step, times)
    [row] = [row for row in recording.report()["vcpus"] if row["vm"] == vmm.pid]
    tap.equal("timers: one that the VMM sets is told as the VMM's",
              ("by the VMM", row["timers"]["armed_by_vmm"], RESTORED),
              ("by the guest", row["timers"]["armed"], 0),
              ("again by KVM", row["timers"]["rearmed"], 0),
              ("exits", row["exit_count"] >= 6 or row["exit_count"], True))


def synthetic(tap):
    """Those of Hyper-V's interface, which are none of the LAPIC's.  On a busy machine one
    may be due when it is set: KVM delivers it, and starts no timer."""
    with host.Recording() as recording:
        truth = host.guest("stimer", SYNTHETIC, "--period-us", 5 * PERIOD_US)
    vcpu = host.vcpu_by_tid(recording.report(), truth["vcpus"][0]["tid"])
    [timer] = vcpu["synthetic_timers"] or [{}]
    late = timer.pop("deadline_to_delivery_ns", None) or {}
    armed = timer.pop("armed", 0)
    text = host.run(host.KVMSCHED, "report", "timers", recording.file).stdout
    tap.equal("timers: a synthetic timer of Hyper-V's interface is told",
              ("told", timer, {"timer": 0, "delivered": SYNTHETIC, "refused": 0,
                               "periodic": False, "direct": True}),
              (f"{armed} armed", SYNTHETIC * 0.9 <= armed <= SYNTHETIC, True),
              ("deliveries whose deadline is known", late.get("count"), armed),
              ("late by less than a minute", 0 <= late.get("min", -1) and
               late["max"] < 60 * NS or late, True),
              ("armed in the LAPIC", vcpu["timers"]["armed"], 0),
              ("a table of them", "Synthetic timers" in text or text, True))
    tap.note(f"late by {late.get('p50')} ns, {late.get('max')} at most")


def test(tap):
    with host.module():
        thief(tap)
        stopped(tap)
        power_off(tap)
        ended_apart(tap)
        pending(tap)
        by_the_vmm(tap)
        synthetic(tap)
        far(tap, "a deadline further away than the recording",
            ("hlt", "--period-us", AHEAD_S * 1000000),
            ("armed by the guest", lambda timers: timers["armed"], 1),
            ("alarms", alarms, {}))
        far(tap, "a deadline that was set before the TSC: KVM waits, the guest too",
            ("restored", "--tsc-last"),
            ("armed before it was seen", lambda timers: timers["armed_before"], 1),
            ("alarms", alarms, {"not_expired": 1}))

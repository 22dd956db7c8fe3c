# SPDX-License-Identifier: GPL-2.0-only
"""The ledger closes, and what closes is true: held against the scheduler's
sum_exec_runtime, KVM's own times of halts, and the ledger in the kernel.
Waits are held against ftrace, one by one and as a whole, by waits.py.

All is pinned to one CPU, so that a vCPU is off it whenever this test looks;
where there are two, a last part spreads 8 vCPUs over them.
"""

import os
import signal
import time

import host
import records
from device import REASON_L2, STATES, Device

# Oracles: 0.1 %, and 3 us per switch
SHARE, SWITCH_NS = 0.001, 8000 if host.BOCHS else 3000
WAKE_NS = 12500 if host.BOCHS else 5000
RESIDUAL = 1e-4			# of wall time
LATE_US = 3000			# until a page is there
LATE_NS = 10 ** 5		# and until its VMM's thread has the CPU
ON_CPU = ("guest", "exit", "user", "poll")
CPUS = os.cpu_count()
SVM_ONLY = ("l2", "l2-refused", "kick")

LOAD = (3000, 2000)		# us on, us off
ENDLESS = (("hlt", "--period-us", 2000), ("cpuid",), ("pio",), ("spin",))
POLICIES = ("other", "rr:10", "fifo:10")
# All that kvmguest has, and what needs two CPUs.
PAYLOADS = (("cpuid", 300), ("wbinvd", 300), ("userspace", 300), ("pio", 300), ("mmio", 100),
            ("pages", 300), ("rdmsr", 300), ("cr3", 300), ("syscalls", 300), ("hlt", 60),
            ("tscspin", 60), ("deadline-lost", 5), ("rr", 2), ("turns", 20), ("tmict", 60),
            ("tmict-periodic", 30), ("periodic-spin", 30), ("stimer", 60),
            ("timer-user", 30), ("timer-cli", 30), ("restored", 30), ("selfipi", 100),
            ("wait", 40, "--inject", "msi"), ("ask", 40, "--inject", "itself"),
            ("ask-fd", 40, "--inject", "irqfd"),
            ("l2", 100), ("l2-refused", 100), ("kick", 100), ("ipi", 40),
            ("spin", 0, "--seconds", 1), ("pause", 0, "--seconds", 1), ("steal", 20))
EIGHT = ("--vms", 4, "--vcpus", 2)
SPREAD = (("hlt", 60, *EIGHT), ("cpuid", 300, *EIGHT),
          ("ipi-spin", 10, "--cpu", "0-1", "--spread"),
          ("lock", 10, "--cpu", "0-1", "--spread"))


# The ledger in the kernel, sampled beside /proc

class Sample:
    """One vCPU thread while it is off the CPU."""

    def __init__(self, device, tid):
        while True:
            before = self.switches_of(tid)
            ledger = device.ledger_of(tid)
            run = int(host.read(f"/proc/{tid}/schedstat").split()[0])
            stat = host.read(f"/proc/{tid}/stat").rsplit(")", 1)[1].split()
            # It did not run meanwhile, so all is of one instant.
            if before == self.switches_of(tid):
                break
        self.run_ns = run
        self.tick_ns = (int(stat[11]) + int(stat[12])) * 10 ** 9 // \
            os.sysconf("SC_CLK_TCK")
        self.switches = sum(before)
        self.ledger = ledger

    @staticmethod
    def switches_of(tid):
        return tuple(int(line.split()[1]) for line in
                     host.read(f"/proc/{tid}/status").splitlines()
                     if "ctxt_switches" in line)


class Stretch:
    """What happened between two samples, in ns."""

    def __init__(self, first, last, tsc_khz):
        def ns(cycles):
            return cycles * 10 ** 6 // tsc_khz

        self.states = {state: ns(last.ledger.states[state] -
                                 first.ledger.states[state])
                       for state in STATES}
        self.wall = ns(last.ledger.now - first.ledger.now)
        self.on_cpu = sum(self.states[state] for state in ON_CPU)
        self.run = last.run_ns - first.run_ns
        self.ticks = last.tick_ns - first.tick_ns
        self.switches = last.switches - first.switches
        self.counted = sum(last.ledger.switches) - sum(first.ledger.switches)


def agree(ours, truth, times):
    return abs(ours - truth) <= SHARE * truth + SWITCH_NS * times


def sampled(tap):
    """Endless guests, one after the other, beside a load that comes and
    goes: guest + exit + user + poll is what the scheduler says it ran."""
    with host.module(), host.affinity({0}), Device() as device, \
            host.quiet(), host.spin(*LOAD):
        device.follow()
        tsc_khz = device.info().tsc_khz
        for payload, *options in ENDLESS:
            ready = os.path.join(host.WORK, "ready")
            argv = host.guest_argv(payload, 0 if payload == "spin" else 10 ** 8,
                                   "--ready-file", ready, *options)
            with host.Child(*argv) as child:
                host.wait_for(lambda: device.vcpus(child.pid), "the guest")
                [tid] = device.vcpus(child.pid)
                time.sleep(0.1)
                first = Sample(device, tid)
                time.sleep(0.6)
                stretch = Stretch(first, Sample(device, tid), tsc_khz)
                child.signal(signal.SIGTERM)
                child.wait(status=None)
            os.remove(ready)
            held_against_proc(tap, payload, stretch)


def held_against_proc(tap, payload, stretch):
    tap.ok(stretch.run > 10 ** 8 or payload == "hlt",
           f"ledger: {payload}: it ran", stretch.run)
    tap.ok(agree(stretch.on_cpu, stretch.run, stretch.switches),
           f"ledger: {payload}: on the CPU as long as schedstat says",
           stretch.states, stretch.run)
    # utime + stime, in which guest time is
    tap.ok(abs(stretch.on_cpu - stretch.ticks) <= 2 * 10 ** 7,
           f"ledger: {payload}: and within 20 ms of utime + stime",
           stretch.states, stretch.ticks)
    tap.equal(f"ledger: {payload}: all of it, and nothing unknown",
              ("switches", stretch.counted, stretch.switches),
              ("states", abs(sum(stretch.states.values()) - stretch.wall)
               <= 100, True),
              ("unknown", stretch.states["unknown"], 0))
    tap.note(f"{stretch.wall / 1e6:.1f} ms: on the CPU "
             f"{stretch.on_cpu / 1e3:.1f} us, {stretch.on_cpu - stretch.run} "
             f"ns more than schedstat; {stretch.switches} switches")


# The rows of a guest's guest

CPUID, VMRUN, VMMCALL = 0x72, 0x80, 0x81
CPUIDS = 5			# of each L2, see tests/guest/README.md


def nested(tap):
    """A guest runs a guest: after each VMRUN of the one come five CPUIDs and a VMMCALL
    of the other, in rows of their own.  So a look at any time finds them in step."""
    looks = 20
    with host.module(), Device() as device:
        device.follow()
        with host.running_guest("l2") as child:
            [tid] = device.vcpus(child.pid)
            found = []
            for _ in range(looks):
                found.append(device.ledger_of(tid).by_reason)
                time.sleep(0.02)
            child.signal(signal.SIGTERM)
            child.wait(status=None)
    wrong, turns = [], 0
    for rows in found:
        turns = rows.get(VMMCALL ^ REASON_L2, 0)
        cpuids, runs = rows.get(CPUID ^ REASON_L2, 0), rows.get(VMRUN, 0)
        if not (turns <= runs <= turns + 1 and
                CPUIDS * turns <= cpuids <= CPUIDS * runs):
            wrong.append(rows)
    last = found[-1]
    tap.equal("ledger: the exits of a guest's guest have rows of their own",
              (f"turns: {turns}", turns > 100, True),
              ("looks that found them out of step", wrong, []),
              ("in the rows of the guest itself",
               [last.get(reason, 0) for reason in (CPUID, VMMCALL)], [0, 0]))


# The report's ledger, beside the kernel's and KVM's own times of halts

def told_by_records(file):
    """{tid: exits in the kernel's ledger}, told at each thread's death; and tids, one
    for each entry that no exit came before."""
    exits, first = {}, []
    for record in records.of_file(file, "kvmsched_ledger", "kvmsched_entry"):
        if record.event == "kvmsched_ledger":
            exits[record["tid"]] = record["exits"]
        elif not record["since_exit_cycles"]:
            first.append(record.tid)
    return exits, first


def compared(vcpu, exits):
    """Pairs that must be equal: the two ledgers, and their closing."""
    wall = vcpu["wall_ns"]
    kernel, ours = vcpu["kernel_ledger_ns"], vcpu["states_ns"]
    close = max(RESIDUAL * sum(kernel.values()), WAKE_NS)
    differ = any(abs(ours[state] - kernel[state]) > close for state in ours
                 if state != "unknown")
    # All of them then: where one has more, another has less, or the whole is longer.
    differ = {state: (ours[state], kernel[state]) for state in ours if differ}
    return [("residual", abs(vcpu["residual_ns"]) <= RESIDUAL * wall, True),
            ("lost", vcpu["unknown_by_loss_ns"], 0),
            ("report's state, kernel's", differ, {}),
            ("exits in the kernel's ledger", exits, vcpu["exit_count"])]


def halts(vcpu, truth):
    """Asleep in HLT, and waiting to run on in it, is what KVM measured.  Its clock of
    polling goes on while another task has the CPU, as -rt's ktimers thread may."""
    stats, states = truth["stats"], vcpu["states_ns"]
    polled = stats["halt_poll_success_ns"] + stats["halt_poll_fail_ns"]
    ours = states["halted"] + states["wait_woken"]
    wakes = vcpu["halts"]["count"]
    close = SHARE * polled + wakes
    return [("halted and woken, ns; KVM's halt_wait_ns",
             abs(ours - stats["halt_wait_ns"]) <=
             SHARE * ours + WAKE_NS * wakes or
             (ours, stats["halt_wait_ns"]), True),
            ("poll, ns; KVM's halt_poll_*_ns",
             -close <= polled - states["poll"] <= close + states["wait_preempted"] or
             (states["poll"], polled, states["wait_preempted"]), True)]


def closed(tap, name, truths, recording):
    summary = recording.report()
    exits, first = told_by_records(recording.file)
    pairs, shares = [], []
    for truth in truths:
        for mine in truth["vcpus"]:
            vcpu = host.vcpu_by_tid(summary, mine["tid"])
            which = f"{truth['name']} {mine['vm_index']}.{mine['vcpu']}: "
            found = compared(vcpu, exits.get(mine["tid"]))
            # The guest began and ended within the recording.
            life, unknown = vcpu["life"], vcpu["states_ns"]["unknown"]
            found += [("life seen whole", (life["began"], life["ended"]),
                       (True, True)),
                      # Or its first guest mode would pass for exit time, if the
                      # thread loses its CPU before KVM tells the exit.
                      ("first entries", first.count(mine["tid"]), 1),
                      ("unknown, ns", unknown, 0)]
            # Microseconds mean something under icount alone.
            if truth["payload"] == "hlt" and host.ICOUNT:
                found += halts(vcpu, mine)
            pairs += [(which + what, got, want) for what, got, want in found]
            shares.append(vcpu["residual_ns"])
    tap.equal(f"ledger: {name}: closes, as the kernel's and KVM's own say",
              ("lost", summary["lost"], 0), *pairs)
    tap.note(f"{len(shares)} vCPUs, residual at most "
             f"{max(map(abs, shares))} ns")


def payloads(tap):
    """Each payload under each policy, beside a load; and with none, so that
    the host polls in halts."""
    known = host.run(host.GUEST, "--list").stdout.splitlines()
    tap.equal("ledger: no payload is left out",
              ("payloads", {guest[0] for guest in PAYLOADS + SPREAD},
               {line.split()[0] for line in known}))
    with host.module(), host.affinity({0}), Device() as device:
        device.follow()
        for policy in POLICIES:
            with host.Recording("-e", "+steal", "-m", "16M") as recording, \
                    host.spin(*LOAD):
                truths = [host.guest(*guest, "--policy", policy,
                                     "--controller-prio", 20)
                          for guest in PAYLOADS if not host.VMX or guest[0] not in SVM_ONLY]
            closed(tap, f"each payload, {policy}", truths, recording)
        with host.Recording("-e", "+steal") as recording:
            truths = [host.guest("hlt", 300, "--period-us", period)
                      for period in (50, 150)]
        closed(tap, "polled halts", truths, recording)
        vcpus = recording.report()["vcpus"]
    polled = sum(vcpu["states_ns"]["poll"] for vcpu in vcpus)
    tap.ok(polled > 10 ** 6, "ledger: there was polling to be told", polled)
    halts_without_polling(tap, vcpus)


def halts_without_polling(tap, vcpus):
    """The polling of a halt is told beside the cost of its exit."""
    hlts = [exit for vcpu in vcpus for exit in vcpu["exits"]
            if exit["reason"] == host.HLT]
    polled = sum(hlt["poll_ns"]["total"] for hlt in hlts if hlt["poll_ns"])
    booked = sum(vcpu["states_ns"]["poll"] for vcpu in vcpus)
    exiting = sum(vcpu["states_ns"]["exit"] for vcpu in vcpus)
    cost = sum(exit["host_ns"]["total"] for vcpu in vcpus
               for exit in vcpu["exits"] if exit["host_ns"])
    tap.equal("ledger: an exit of HLT costs what it does without polling",
              ("polled, ns; the ledger's", abs(polled - booked) <= SHARE * booked or
               (polled, booked), True),
              # After a switch in, an exit that was cut has no more host time.
              ("all exits, ns; at most the ledger's", cost <= exiting + WAKE_NS or
               (cost, exiting), True))
    tap.note(f"{polled / 1e6:.1f} ms polled in {sum(h['count'] for h in hlts)} "
             f"halts, {sum(h['host_ns']['total'] for h in hlts) / 1e6:.3f} ms of work")


def late_page(tap):
    """A guest whose first page comes from a userfaultfd: its page fault sleeps that
    long in the host's kernel, and costs little."""
    with host.module(), host.Recording("-e", "+steal") as recording:
        truth = host.guest("cpuid", 100, "--late-page", LATE_US)
    vcpu = host.vcpu_by_tid(recording.report(), truth["vcpus"][0]["tid"])
    served = truth["vms"][0]["late_page_ns"]
    slept = {exit["reason"]: exit["blocked_ns"]["total"]
             for exit in vcpu["exits"] if exit["blocked_ns"]}
    blocked = slept.get(host.PAGE_FAULT, 0)
    cost = sum(exit["host_ns"]["total"] for exit in vcpu["exits"])
    tap.equal("ledger: a page fault that waits for its page tells how long",
              (host.PAGE_FAULT, abs(blocked - served) <= SHARE * served + LATE_NS or
               (blocked, served), True),
              ("longer than its page was away", blocked >= LATE_US * 1000 or blocked,
               True),
              ("exits and their cost", cost < blocked or (cost, blocked), True),
              ("the ledger's", abs(sum(slept.values()) - vcpu["states_ns"]["blocked"]) <= 2 or
               (slept, vcpu["states_ns"]["blocked"]), True),
              ("before an entry", vcpu["blocked_before_entry_ns"], None),
              ("in unknown exits", vcpu["blocked_unknown_ns"], None))
    tap.note(f"asleep {blocked / 1e6:.3f} ms for a page that took "
             f"{served / 1e6:.3f} ms, {cost / 1e6:.3f} ms of work in all exits")


def spread(tap):
    """8 vCPUs over 2 CPUs, and two host tasks."""
    with host.module(), Device() as device:
        device.follow()
        for policy in POLICIES:
            with host.Recording("-e", "+steal", "-m", "16M") as recording, \
                    host.spin(*LOAD, "--procs", 2):
                truths = [host.guest(*guest, "--policy", policy,
                                     "--controller-prio", 20)
                          for guest in SPREAD]
            closed(tap, f"8 vCPUs over {CPUS} CPUs, {policy}", truths,
                   recording)


def test(tap):
    # Together they go through all policies in either lab.
    if CPUS == 1:
        sampled(tap)
        payloads(tap)
        late_page(tap)
    else:
        if not host.VMX:
            nested(tap)
        spread(tap)

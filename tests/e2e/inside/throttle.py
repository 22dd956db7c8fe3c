# SPDX-License-Identifier: GPL-2.0-only
"""vCPUs that a quota keeps from their CPUs: by which cgroup, and for how long, held
against the cgroup's own cpu.stat; and those of real-time policies."""

import contextlib
import glob
import itertools
import json
import os
import time

import cgroup
import device as abi
import host
import records

RELEASE = tuple(int(part) for part in os.uname().release.split(".")[:2])
BY_TASK = RELEASE >= (6, 18)	# each task is throttled by itself
LOOK, LIMITED = 0.5, 1.5	# seconds: without a limit, and with one
AUTOGROUP = "/proc/sys/kernel/sched_autogroup_enabled"
HOOKS = "walk_tg_tree_from", "tg_throttle_down", "tg_unthrottle_up"
LONG = "5000 1000000"	# nearly always throttled, for a second at a time


def ran_ns(pid):
    """A program and its children on a CPU, by the kernel's own count"""
    children = host.read(f"/proc/{pid}/task/{pid}/children").split()
    return sum(int(host.read(f"/proc/{one}/schedstat").split()[0])
               for one in [pid, *children])


def throttled_us(name):
    stat = dict(line.split() for line in
                host.read(cgroup.path(name, "cpu.stat")).splitlines())
    return int(stat["throttled_usec"])


def enter(name):
    """For a child: it is in that cgroup before it begins.  The task that spins is its
    child, and would stay outside if it were there already."""
    return {"preexec_fn": lambda: cgroup.enter(0, name)}


class Case:
    """A guest that runs in the innermost of some cgroups, {name: percent of a CPU}: for
    some time without a limit, then with one.  All that is throttled is so between."""

    def __init__(self, limits, payload, *options, beside=(), inside=(), limited=LIMITED):
        inner = list(limits)[-1]
        with cgroup.made(*limits), contextlib.ExitStack() as stack:
            guest = stack.enter_context(host.running_guest(payload, *options))
            cgroup.enter(guest.pid, inner)
            others = [stack.enter_context(host.spin(*argv)) for argv in beside]
            for argv in inside:
                stack.enter_context(host.spin(*argv, **enter(inner)))
            with host.Recording("-e", "+steal", "-m", "16M") as recording:
                ran = sum(ran_ns(other.pid) for other in others)
                time.sleep(LOOK)
                before = {name: throttled_us(name) for name in limits}
                for name, percent in limits.items():
                    cgroup.write(name, "cpu.max", cgroup.of_percent(percent))
                time.sleep(limited)
                for name in limits:
                    cgroup.write(name, "cpu.max", cgroup.NO_LIMIT)
                self.kernels_us = {name: throttled_us(name) - before[name]
                                   for name in limits}
                recording.stop()
                self.others_ns = sum(ran_ns(other.pid) for other in others) - ran
        self.file = recording.file
        self.report = recording.report()
        self.cgroups = {one["name"].lstrip("/"): one for one in self.report["cgroups"]
                        if one["name"]}
        self.vcpus = [vcpu for vcpu in self.report["vcpus"] if vcpu["vm"] == guest.pid]

    def told_us(self, name):
        """Throttling whose begin no record tells is within the recording, at most."""
        return (self.cgroups[name]["throttled_ns"] + self.cgroups[name]["ends_only_ns"]) / 1000

    def missed(self):
        """Begins and ends that no record tells"""
        return host.hits_dropped(self.report, *HOOKS)

    def sums(self, name):
        """The group's time over its CPUs is the kernel's; but newer ones count only from
        when a task of it has stopped by itself."""
        if BY_TASK or self.missed():
            return self.at_most(name)
        told, kernels = self.told_us(name), self.kernels_us[name]
        return (f"{name}: {told:.0f} us told, cpu.stat has {kernels}",
                abs(told - kernels) <= 0.01 * kernels + 1000, True)

    def at_most(self, name):
        """The kernel's clock may begin later than the throttling."""
        told, kernels = self.told_us(name), self.kernels_us[name]
        ends, missed = self.cgroups[name]["ends_only"], self.missed()
        return (f"{name}: {told:.0f} us told, cpu.stat has {kernels}, {ends} without begin, "
                f"{missed} hits missed",
                kernels <= 1.01 * told + 1000 and ends <= missed, True)

    def compared(self, name):
        """What the report itself compares: between the recorder's first look at cpu.stat, once
        it has seen the limit, and its last."""
        stat = self.cgroups[name]["cpu_stat"] or {"throttled_us": 0, "compared_ns": 0}
        told, kernels = stat["compared_ns"] / 1000, stat["throttled_us"]
        most = 1.01 * kernels + 1000
        return (f"{name}: the report compares {told:.0f} us with cpu.stat's {kernels}",
                0 < kernels <= 1.01 * told + 1000 and
                (told <= most or BY_TASK or self.missed() > 0), True)

    def all_of_it(self, name, vcpu):
        """The vCPU is always runnable, on the one CPU where its cgroup is."""
        part = sum(parts(vcpu, "quota").values()) / 1000
        kernels = self.kernels_us[name]
        return (f"{part:.0f} us of the vCPU, cpu.stat has {kernels}",
                abs(part - kernels) <= 0.01 * kernels + 1000, True)

    def all_of_them(self, name):
        """Each vCPU has its own CPU, and nothing else is in the cgroup."""
        part = sum(sum(parts(vcpu, "quota").values()) for vcpu in self.vcpus) / 1000
        kernels = self.kernels_us[name]
        return (f"{part:.0f} us of the vCPUs, cpu.stat has {kernels}",
                abs(part - kernels) <= 0.01 * kernels + 2000, True)

    def note(self, tap):
        for name, kernels in self.kernels_us.items():
            tap.note(f"{name}: {self.told_us(name):.0f} us, cpu.stat {kernels}, the vCPUs: " +
                     ", ".join(f"{sum(parts(vcpu, 'quota').values()) / 1000:.0f} of "
                               f"{waited(vcpu) / 1000:.0f}" for vcpu in self.vcpus))


def parts(vcpu, kind):
    """{who: ns} of a vCPU's waits"""
    return {row["who"]: row["ns"] for row in vcpu["thieves"] if row["kind"] == kind}


def waited(vcpu):
    return sum(row["ns"] for row in vcpu["thieves"])


def named(name, percent):
    return f"throttled by cgroup /{name} (cpu.max {cgroup.of_percent(percent)})"


def alone(tap):
    """Long enough for the recorder, which looks at cpu.stat once a second, to look twice."""
    case = Case({"limited": 20}, "cpuid", "--cpu", 1, limited=2.5)
    [vcpu] = case.vcpus
    part = parts(vcpu, "quota")
    found = case.report["in_short"]
    [moment] = host.worst(case.file, "wait", 1)
    tap.equal("throttle: a vCPU alone, and its cgroup by name",
              case.sums("limited"),
              case.compared("limited"),
              ("culprits", list(part), [named("limited", 20)]),
              ("nearly all of its waits",
               sum(part.values()) > 0.9 * waited(vcpu), True),
              case.all_of_it("limited", vcpu),
              ("in short", found[0]["kind"], "throttled"),
              ("in words", named("limited", 20) in found[0]["sentence"], True),
              ("the worst wait", named("limited", 20) in moment["sentence"], True))
    case.note(tap)
    tap.note(f"{found[0]['sentence']}; {moment['sentence']}")


def flight(tap):
    """A flight recorder's records of the beginning are overwritten, among them who the
    vCPU is and in which cgroup, and which hooks are attached; its end tells them again."""
    with cgroup.made("flight"), host.running_guest("rdmsr", "--cpu", 1) as guest:
        cgroup.enter(guest.pid, "flight")
        cgroup.write("flight", "cpu.max", cgroup.of_percent(20))
        # All of it is in the ring of one CPU.
        with host.Recording("--overwrite", "-e", "+steal", "-m", "64K",
                            prefix=("taskset", "-c", 1)) as recording:
            time.sleep(3)
        summary = recording.report("--vm", guest.pid)
        details = json.loads(host.run(
            host.KVMSCHED, "report", "exits", recording.file, "--json", "--by", "msr",
            "--vm", guest.pid).stdout)["details"][0]["rows"]
    [vcpu] = summary["vcpus"]
    part = parts(vcpu, "quota")
    tap.equal("throttle: a flight recorder whose beginning is overwritten",
              ("overwritten", summary["overwritten"] > 1000, True),
              ("hooks are told", len(summary["attach"]) > 20, True),
              ("culprits", list(part), [named("flight", 20)]),
              ("nearly all of its waits", sum(part.values()) > 0.8 * waited(vcpu), True),
              ("there are exits", len(details) > 0, True),
              ("for no known MSR", [row["name"] for row in details if not row["known"]], []))


def bystander(tap):
    case = Case({"limited": 20}, "cpuid", "--cpu", 1,
                beside=[(10 ** 6, 1, "--cpu", 1, "--policy", "idle")])
    [vcpu] = case.vcpus
    part = sum(parts(vcpu, "quota").values())
    spins = parts(vcpu, "task").get("spin", 0)
    tap.equal("throttle: who runs meanwhile is no thief",
              case.sums("limited"),
              case.all_of_it("limited", vcpu),
              ("throttled", part > 3 * 10 ** 8, True),
              # What it has beside that it had before the quota was used up.
              (f"{case.others_ns} ns of the bystander, {spins} as a thief",
               case.others_ns > spins + 0.9 * part, True))
    case.note(tap)
    tap.note(f"the bystander ran for {case.others_ns / 1000:.0f} us, as a thief "
             f"{spins / 1000:.0f}")


def woken(tap):
    case = Case({"limited": 20}, "hlt", "--cpu", 1, "--period-us", 10000,
                inside=[(10 ** 6, 1, "--cpu", 1)])
    [vcpu] = case.vcpus
    part = sum(parts(vcpu, "quota").values())
    idle = sum(parts(vcpu, "idle").values()) + sum(parts(vcpu, "throttled").values())
    tap.equal("throttle: a vCPU that is woken into it",
              case.sums("limited"),
              # By itself it stops only after it was woken and has run.
              ("it was woken", vcpu["states_ns"]["wait_woken"] > 10 ** 8, not BY_TASK),
              ("throttled", part > 3 * 10 ** 8, True),
              (f"{part} ns of the quota, {idle} idle", part > 10 * idle, True),
              ("not more than the cgroup's", part / 1000 <= case.told_us("limited"),
               True))
    case.note(tap)


def two(tap, cpus, percent, *options):
    case = Case({"limited": percent}, "cpuid", "--vcpus", 2, "--cpu", cpus, *options)
    found = [[row["cpu"] for row in vcpu["thieves"] if row["kind"] == "quota"]
             for vcpu in case.vcpus]
    told = {record["cpu"] for record in
            records.of_file(case.file, "kvmsched_throttle")}
    tap.equal(f"throttle: two vCPUs on CPUs {cpus}",
              case.sums("limited"),
              *(case.all_of_it("limited", vcpu) for vcpu in case.vcpus if not options),
              *([case.all_of_them("limited")] if options else []),
              ("their CPUs", found, [[0], [1]] if options else [[1], [1]]),
              ("CPUs of the records", {0, 1} <= told if options else 1 in told, True))
    case.note(tap)


def nested(tap):
    """A machine that stands still for a while uses up the inner quota, too, by the kernel's
    own count: it is tried again."""
    for _ in range(3):
        case = Case({"outer": 20, "outer/inner": 90}, "cpuid", "--cpu", 1)
        if not case.kernels_us["outer/inner"]:
            break
    [vcpu] = case.vcpus
    tap.equal("throttle: the cgroup above has the quota that is used up",
              case.sums("outer"),
              ("culprits", list(parts(vcpu, "quota")), [named("outer", 20)]),
              ("the other one, times", case.kernels_us["outer/inner"], 0))
    tap.note(f"{case.told_us('outer'):.0f} us, cpu.stat {case.kernels_us}")


def asleep(tap):
    """It sleeps while it is throttled: newer kernels do not count that."""
    case = Case({"limited": 2}, "hlt", "--cpu", 1, "--period-us", 5000)
    [vcpu] = case.vcpus
    told = case.told_us("limited")
    part = sum(parts(vcpu, "quota").values()) / 1000
    tap.equal("throttle: a cgroup that sleeps while it is throttled",
              ("throttled", case.cgroups["limited"]["count"] > 0, True),
              (f"{part:.0f} us of {told:.0f}", part <= told, True),
              case.sums("limited") if RELEASE < (6, 6) else case.at_most("limited"))
    case.note(tap)


def id_of(name):
    return os.stat(cgroup.path(name)).st_ino


def since_before(found, kernels, before_us, cpus, over=0):
    """One throttling of the cgroup's was on before anybody watched it, for @before_us at
    most, and on @cpus: the kernel counts all of that, as it ends.  @over of that had ended
    before, on whatever CPU."""
    told = (found["throttled_ns"] + found["ends_only_ns"]) / 1000
    return (f"of {kernels} us of cpu.stat {told:.0f} told, {before_us:.0f} and {over} of before",
            kernels - over - cpus * before_us - 10000 <= told <= 1.01 * kernels + 10000, True)


def vcpu_of(report, guest):
    """The only vCPU of a guest"""
    [found] = [vcpu for vcpu in report["vcpus"] if vcpu["vm"] == guest.pid]
    return found


def row_of(report, number):
    """A cgroup of a report, by its number"""
    [found] = [one for one in report["cgroups"] if one["id"] == number]
    return found


def joined(tap):
    """A vCPU comes to a cgroup that is throttled already, whoever runs meanwhile."""
    with cgroup.made("limited"), host.running_guest("cpuid", "--cpu", 1) as guest, \
            host.spin(10 ** 6, 1, "--cpu", 1, "--policy", "idle"), \
            host.spin(10 ** 6, 1, "--cpu", 1, **enter("limited")):
        kernels, limited_id = throttled_us("limited"), id_of("limited")
        limited = time.monotonic()
        cgroup.write("limited", "cpu.max", LONG)
        with host.Recording("-e", "+steal", "-m", "16M") as recording:
            over = throttled_us("limited") - kernels
            time.sleep(LOOK)
            begin = time.monotonic()
            cgroup.enter(guest.pid, "limited")
            inside = time.monotonic()
            time.sleep(LOOK)
            end = time.monotonic()
            cgroup.write("limited", "cpu.max", cgroup.NO_LIMIT)
            free = time.monotonic()
            kernels = throttled_us("limited") - kernels
            recording.stop()
        report = recording.report()
    vcpu = vcpu_of(report, guest)
    part = sum(parts(vcpu, "quota").values()) / 1e9
    found = row_of(report, limited_id)
    # On CPU 0 as well, where the parent of who spins happened to be woken meanwhile
    cpus = found["ends_only"]
    tap.equal("throttle: a vCPU that comes to a cgroup which is throttled already",
              (f"{part:.3f} s, from {end - inside:.3f} to {free - begin:.3f}",
               end - inside - 0.03 <= part <= free - begin + 0.001, True),
              ("CPUs of which the end alone was seen", cpus in (1, 2), True),
              since_before(found, kernels, (inside - limited) * 10 ** 6, cpus, over))


def left_it(guest, tid):
    """Record while a guest of an autogroup comes to /limited, which is throttled from then
    on, and leaves it.  Returns the report, in which cgroups the vCPU's thread is told to be, one
    after another, and the least and the most that it was throttled, in seconds."""
    with host.Recording("-e", "+steal", "-m", "16M") as recording:
        time.sleep(0.2)
        cgroup.enter(guest.pid, "limited")
        begin = time.monotonic()
        cgroup.write("limited", "cpu.max", LONG)
        limited = time.monotonic()
        time.sleep(0.4)
        leaving = time.monotonic()
        cgroup.enter(guest.pid)
        left = time.monotonic()
        time.sleep(0.8)
        cgroup.write("limited", "cpu.max", cgroup.NO_LIMIT)
        recording.stop()
    told = [record["id"] for record in records.of_file(recording.file, "kvmsched_cgroup")
            if record["tid"] == tid]
    return (recording.report(), [one for one, _ in itertools.groupby(told)],
            leaving - limited - 0.1, left - begin + 0.001)


def autogroup(tap):
    """A session of its own has a group of the scheduler, which is no cgroup: no quota keeps
    it from the CPU, whatever is throttled there."""
    if not os.path.exists(AUTOGROUP):
        tap.note("without an autogroup: this kernel has none, as newer ones of PREEMPT_RT")
        return
    with host.settings({AUTOGROUP: 1}), \
            cgroup.made("limited"), host.running_guest("cpuid", "--cpu", 1) as guest, \
            host.spin(10 ** 6, 1, "--cpu", 1), \
            host.spin(10 ** 6, 1, "--cpu", 1, **enter("limited")):
        group = host.read(f"/proc/{guest.pid}/autogroup")
        within = host.read(f"/proc/{guest.pid}/cgroup")
        cgroup.write("limited", "cpu.max", LONG)
        with host.Recording("-e", "+steal", "-d", 0.3) as recording:
            recording.child.wait()
        cgroup.write("limited", "cpu.max", cgroup.NO_LIMIT)
        text = host.run(host.KVMSCHED, "report", recording.file).stdout
        vcpu = vcpu_of(recording.report(), guest)
        report, told, least, most = left_it(guest, vcpu["tid"])
        limited_id = id_of("limited")
    vcpu = vcpu_of(report, guest)
    part = sum(parts(vcpu, "quota").values()) / 1e9
    tasks = sum(row["ns"] for row in vcpu["thieves"] if row["kind"] == "task") / 1e9
    tap.equal("throttle: an autogroup has no cgroup, and no quota",
              (f"it is in {group.strip()}", group.startswith("/autogroup-"), True),
              ("its cgroup", within.strip(), "0::/"),
              ("words of throttling", [line for line in text.splitlines()
                                       if "hrottle" in line], []),
              ("the thread's cgroups, as told", told, [0, limited_id, 0]),
              (f"{part:.3f} s, from {least:.3f} to {most:.3f}", least <= part <= most, True),
              ("of which", round(row_of(report, limited_id)["vcpus_waited_ns"] / 1e9 - part, 6), 0),
              ("throttled by whom nobody knows", parts(vcpu, "throttled"), {}),
              # It waited afterwards, too: half of that time.
              (f"{tasks:.3f} s of who competes with it", tasks > 0.2, True))


def guest_ran_ns(guest):
    """All threads of a guest on a CPU, by the kernel's own count"""
    return sum(int(host.read(path).split()[0])
               for path in glob.glob(f"/proc/{guest.pid}/task/*/schedstat"))


def begun_once(guest):
    """Record while a guest in /limited has used up its quota.  Returns the report, what
    cpu.stat tells, for how many us nobody watched, and whether the vCPU had the CPU again
    with the next quota: one that overran its quota by more than that had not."""
    kernels = throttled_us("limited")
    limited = time.monotonic()
    cgroup.write("limited", "cpu.max", LONG)
    time.sleep(0.1)
    with host.Recording("-e", "+steal", "-m", "16M") as recording:
        before = time.monotonic() - limited
        ran = guest_ran_ns(guest)
        time.sleep(LIMITED)
        ran = guest_ran_ns(guest) - ran
        time.sleep(LIMITED)
        cgroup.write("limited", "cpu.max", cgroup.NO_LIMIT)
        kernels = throttled_us("limited") - kernels
        recording.stop()
    return recording.report(), kernels, before * 10 ** 6, ran > 0


def begun(tap):
    """A recording begins while vCPUs that the module knows are throttled.  To begin takes
    so long that the cgroup may have its next quota just then: it is tried again."""
    sums = []
    with cgroup.made("limited"), host.running_guest("cpuid", "--cpu", 1) as guest, \
            host.spin(10 ** 6, 1, "--cpu", 1, "--policy", "idle"):
        cgroup.enter(guest.pid, "limited")
        with host.Recording("-e", "+steal", file="known.dat"):
            time.sleep(LOOK)
        for _ in range(5):
            report, kernels, before, ran = begun_once(guest)
            found = row_of(report, id_of("limited"))
            sums.append(since_before(found, kernels, before, os.cpu_count()))
            tap.note(f"ends only: {found['ends_only']}, the vCPU ran: {ran}; {sums[-1][0]}")
            if found["ends_only"] and ran:
                break
    vcpu = vcpu_of(report, guest)
    part = sum(parts(vcpu, "quota").values())
    tap.equal("throttle: a recording that begins while it is on",
              ("the vCPU ran", ran, True),
              ("CPUs of which the end alone was seen", found["ends_only"] in (1, 2), True),
              (f"{part} of {waited(vcpu)} ns", part > 0.6 * waited(vcpu), True), *sums)


def real_time(tap):
    """All real-time tasks of a CPU have half of its time; there is nobody else."""
    proc = "/proc/sys/kernel/sched_rt_"
    with host.settings({proc + "runtime_us": 50000, proc + "period_us": cgroup.PERIOD_US}), \
            host.Recording("-e", "+steal", "-m", "16M") as recording:
        truth = host.guest("cpuid", 3000, "--cpu", 1, "--policy", "fifo:10")
    vcpu = host.vcpu_by_tid(recording.report(), truth["vcpus"][0]["tid"])
    part = sum(parts(vcpu, "rt_throttled").values())
    tap.equal("throttle: real-time throttling is inferred",
              (f"{part} ns of {waited(vcpu)}",
               part > 10 ** 7 and part > 0.9 * waited(vcpu), True))


def served(tap):
    """An ordinary task has the CPU of a real-time vCPU now and then."""
    server = "/sys/kernel/debug/sched/fair_server/cpu1/"
    with host.settings({server + "period": cgroup.PERIOD_US * 1000,
                        server + "runtime": cgroup.PERIOD_US * 100}), \
            host.Recording("-e", "+steal", "-m", "16M") as recording, \
            host.spin(10 ** 6, 1, "--cpu", 1):
        truth = host.guest("cpuid", 6000, "--cpu", 1, "--policy", "fifo:10")
    vcpu = host.vcpu_by_tid(recording.report(), truth["vcpus"][0]["tid"])
    spins = [row["task"]["is"] for row in vcpu["thieves"] if row["who"] == "spin"]
    tap.equal("throttle: the fair server is named",
              ("who it ran", spins,
               ["SCHED_OTHER, nice 0, by the fair or ext server"]),
              ("no throttling", parts(vcpu, "rt_throttled"), {}))


def asked(tap):
    """The module takes a quota from whoever records class steal, and a struct that is
    larger than its own if the rest is zero."""
    quota = abi.QUOTA.pack(1, -1, cgroup.PERIOD_US, 0, 0, 0, b"/named", 0, 0, 0, 0)
    longer = abi.with_size(abi.IOC_QUOTA, abi.QUOTA.size + 8)
    with abi.Device() as device:
        answers = [device.ioctl(abi.IOC_QUOTA, quota)]
        for classes in abi.DEFAULT, abi.DEFAULT | abi.STEAL:
            device.start(classes=classes)
            answers.append(device.ioctl(abi.IOC_QUOTA, quota))
        answers += [device.ioctl(abi.IOC_QUOTA, quota[:-1] + b"\1"),
                    device.ioctl(longer, quota + bytes(8)),
                    device.ioctl(longer, quota + bytes(7) + b"\1")]
        device.stop()
        answers.append(device.ioctl(abi.IOC_QUOTA, quota))
    tap.equal("throttle: who may tell a quota, and how",
              ("without a session, without the class, with it, with a reserved word, "
               "larger, larger and not zero, afterwards", answers,
               ["ENOENT", "ENOENT", 0, "EINVAL", 0, "E2BIG", "ENOENT"]))


def test(tap):
    with host.module(), host.quiet():
        asked(tap)
        alone(tap)
        flight(tap)
        bystander(tap)
        woken(tap)
        two(tap, "1", 20)
        two(tap, "0-1", 40, "--spread")
        nested(tap)
        asleep(tap)
        joined(tap)
        autogroup(tap)
        begun(tap)
        if RELEASE < (6, 12):
            real_time(tap)
        else:
            served(tap)

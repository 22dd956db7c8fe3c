#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kvmsched report guest on synthetic recordings: guests.c says what happened when, and all
figures here are worked out from that by hand.

usage: guest.t            (O: the build folder, as for make)"""
import contextlib
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import tap  # noqa: E402
from tool import FORMATS, KVMSCHED, O  # noqa: E402

TEST = tap.Tap()
PARTS = "guest_mode_ns", "host_work_ns", "waits_ns", "asleep_ns", "not_told_ns"


def report(*words):
    """Status, standard output with each table in one piece, and standard error"""
    done = subprocess.run([KVMSCHED, "report", *words], text=True,
                          env=dict(os.environ, LC_ALL="C.UTF-8", COLUMNS="1000"), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stdout, done.stderr


def same(name, got, expected):
    TEST.empty(name, [] if got == expected else [f"got {got!r}", f"expected {expected!r}"])


def guest_of(name):
    """The only guest, and its tasks by name, from the JSON"""
    status, out, err = report("guest", "host.dat", "--guest", name, "--json")
    TEST.empty(f"{name}: it is reported on", [] if not status and not err else [err])
    guest, = json.loads(out)["guests"]
    return guest, {task["comm"]: task for task in guest["tasks"]}


def span(it):
    """How many, their sum and its parts, in µs; the parts have to sum to it."""
    parts = [it[part] for part in PARTS]
    assert sum(parts) == it["sum_ns"], it
    return (it["count"], it["sum_ns"] // 1000, *(part // 1000 for part in parts))


def check_figures():
    guest, tasks = guest_of("guest.dat")
    alpha, beta, gamma = tasks["alpha"], tasks["beta"], tasks["gamma"]
    same("whose trace it is, and what its kernel is like",
         [guest[key] for key in ("vm_name", "pid", "rr_ms", "hz", "steal_left_out")],
         ["web1", 4700, 5, 250, False])
    same("slices, and what the vCPU did in them: guest mode, host, waits",
         [span(task["slices"]) for task in (alpha, beta, gamma)],
         [(2, 7990, 7790, 200, 0, 0, 0), (2, 9510, 7310, 200, 2000, 0, 0),
          (1, 600, 600, 0, 0, 0, 0)])
    same("a preemption by the host cut one slice",
         [(task["cut_slices"], task["cuts"]) for task in (alpha, beta, gamma)],
         [(0, 0), (1, 1), (0, 0)])
    same("waits, and what the host added",
         [span(task["waits"]) for task in (alpha, beta, gamma)],
         [(2, 10110, 7910, 200, 2000, 0, 0), (2, 8090, 7890, 200, 0, 0, 0),
          (1, 3000, 3000, 0, 0, 0, 0)])
    same("of these, after a wakeup", [task["woken"] for task in (alpha, beta, gamma)], [0, 1, 1])
    same("policies: told by trace_marker, or left open",
         [task["policy"] for task in (alpha, beta, gamma)],
         ["RR 10", "RT 10 (FIFO or RR not told)", "nice 0 (policy not told)"])
    same("what the vCPU waited, by how it came to wait: it was preempted within KVM_RUN",
         guest["cpus"][0]["stolen"],
         {"waits": 1, "sum_ns": 2000000, "in_run_ns": 2000000, "outside_run_ns": 0,
          "falling_asleep_ns": 0, "woken_ns": 0, "not_told_ns": 0, "throttled_ns": None})
    quanta = alpha["quanta"]
    same("a whole quantum of alpha",
         (span(quanta), quanta["min_ns"], quanta["asked_ns"], quanta["got_per_asked"]),
         ((1, 5500, 5300, 200, 0, 0, 0), 5500000, 5000000, 1.1))
    same("beta has none: it slept", beta["quanta"], None)
    same("the guest's own count is the slices'",
         (span(alpha["marked"]), alpha["marked"]["guest_counts_ns"]),
         ((2, 7990, 7790, 200, 0, 0, 0), 7990000))
    same("who has one mark has none", beta["marked"], None)
    cpu, = guest["cpus"]
    same("switches, and the one that led to a load of CR3",
         [cpu[key] for key in ("cpu", "vcpu", "time_ns", "switches", "led_to_exit",
                               "cr3_exits", "gaps")],
         [0, 0, 18400000, 6, 1, 1, 0])


def check_less():
    guest, tasks = guest_of("plain.dat")
    same("nor its kernel", (guest["hz"], guest["steal_left_out"]), (None, None))
    same("without trace_marker: nothing is told",
         (guest["rr_ms"], tasks["alpha"]["policy"], tasks["alpha"]["quanta"]["asked_ns"],
          tasks["alpha"]["marked"]),
         (None, "RT 10 (FIFO or RR not told)", None, None))
    same("without sched_waking: waits after a preemption alone",
         (guest["wakeups_recorded"], [(name, tasks[name]["waits"]["count"],
                                       tasks[name]["woken"]) for name in sorted(tasks)]),
         (False, [("alpha", 2, 0), ("beta", 1, 0), ("gamma", 0, 0)]))
    guest, tasks = guest_of("lossy.dat")
    same("where the guest lost events, nothing goes on over the gap",
         (guest["cpus"][0]["gaps"], span(tasks["beta"]["slices"])[:2],
          span(tasks["alpha"]["waits"])[:2], tasks["alpha"]["quanta"],
          tasks["alpha"]["marked"]),
         (1, (1, 3500), (1, 4100), None, None))


def part_of(*options):
    """The guest's JSON and its tasks by name, of an excerpt"""
    status, out, err = report("guest", "host.dat", "--guest", "guest.dat", "--json", *options)
    if status or err:
        same(f"{' '.join(options)} is reported on", (status, err), (0, ""))
        return {}, {}
    got = json.loads(out)
    guest, = got["guests"]
    return dict(guest, excerpt=got["excerpt"]), {task["comm"]: task for task in guest["tasks"]}


def sums(guest, tasks):
    """All that adjacent excerpts divide among them; in counts, and in µs"""
    found = {}
    for cpu in guest["cpus"]:
        for key in "switches", "led_to_exit", "cr3_exits", "gaps", "time_ns":
            found[f"CPU {cpu['cpu']}", key] = cpu[key]
        for key in "waits", "sum_ns", "in_run_ns":
            found[f"CPU {cpu['cpu']}", "stolen", key] = cpu["stolen"][key]
    for name, task in tasks.items():
        for key in "cut_slices", "cuts", "woken":
            found[name, key] = task[key]
        for what in "slices", "waits", "quanta":
            for key in ("count", "sum_ns", *PARTS):
                found[name, what, key] = (task[what] or {}).get(key, 0)
    return found


def micros(it):
    """As span(), but rounded: where an excerpt ends is rounded to a cycle."""
    return (it["count"], *(round(it[key] / 1000) for key in ("sum_ns", *PARTS)))


def check_excerpts():
    whole, tasks = part_of()
    same("the whole is no excerpt", whole["excerpt"], None)
    whole = sums(whole, tasks)
    # Within beta's slice, within the host's preemption, and where alpha's quantum has ended
    cuts = "6ms", "8ms", "15600us", "19200us"
    total = dict.fromkeys(whole, 0)
    for begin, end in zip((None, *cuts), (*cuts, None)):
        options = (("--from", begin) if begin else ()) + (("--to", end) if end else ())
        for key, value in sums(*part_of(*options)).items():
            total[key] = total.get(key, 0) + value
    TEST.empty(f"{len(cuts) + 1} adjacent excerpts sum to the whole",
               [f"{key}: {total[key]}, not {whole.get(key)}" for key in total
                if abs(total[key] - whole.get(key, 0)) > (5 if key[-1][-3:] == "_ns" else 0)])
    guest, tasks = part_of("--from", "6ms", "--to", "8ms")
    same("an excerpt tells what it is", guest["excerpt"], {"from_ns": 6000000, "to_ns": 8000000})
    _, out, _ = report("guest", "host.dat", "--guest", "guest.dat", "--from", "6ms", "--to", "8ms")
    same("a wait that goes on is in the table of stolen time",
         ["0", "0", "0", "950.00", "100.00%", "0.00%", "0.00%", "0.00%", "-"] in
         [line.split() for line in out.splitlines()], True)
    same("who did nothing in it is not there", sorted(tasks), ["alpha", "beta"])
    # Both go on after it: neither counts, but they have their time.  Preempted at 7050
    same("a slice and a wait are cut at both ends", [micros(tasks["beta"]["slices"]),
                                                     micros(tasks["alpha"]["waits"])],
         [(0, 2000, 1000, 50, 950, 0, 0)] * 2)
    same("the preemption is in it, the slice that it cut ends later",
         (tasks["beta"]["cuts"], tasks["beta"]["cut_slices"]), (1, 0))
    cpu, = guest["cpus"]
    same("so much time, and no switch", (round(cpu["time_ns"] / 1000), cpu["switches"]), (2000, 0))
    _, tasks = part_of("--from", "14ms", "--to", "16ms")
    same("a quantum that ends in it is whole", micros(tasks["alpha"]["quanta"])[:2], (1, 5500))
    same("one line of trace_marker compares nothing", tasks["alpha"]["marked"], None)
    _, out, _ = report("guest", "host.dat", "--guest", "guest.dat", "--from", "9ms", "--to", "16ms")
    rows = [line.split() for line in out.splitlines()]
    same("the text tells what it is of, and has averages of what ended",
         ("Time   only 0.009000 to 0.016000 s of the host's recording" in out,
          ["alpha", "10", "RR", "10", "1", "5500.00", "5500.00", "0", "0"] in rows,
          ["beta", "11", "RT", "10", "(FIFO", "or", "RR", "not", "told)", "1", "1000.00",
           "1000.00", "1", "0"] in rows), (True, True, True))
    for words, part in ((("--from", "1"), "nothing to report: it lasts"),
                        (("--from", "8ms", "--to", "6ms"), "--from is not before --to"),
                        (("--to", "100us"), "guest.dat: nothing of it is between")):
        refused(f"excerpt {' '.join(words)}", 1, part, "guest", "host.dat", "--guest",
                "guest.dat", *words)


def check_text():
    _, out, _ = report("guest", "host.dat", "--guest", "web1=guest.dat")
    rows = [line.split() for line in out.splitlines()]
    for row in (["alpha", "10", "RR", "10", "2", "3995.00", "5500.00", "0", "0"],
                ["beta", "11", "9510.00", "76.87%", "2.10%", "21.03%", "0.00%", "0.00%"],
                ["gamma", "12", "1", "1", "3000.00", "3000.00", "3000.00", "100.00%", "0.00%",
                 "0.00%", "0.00%", "0.00%"],
                ["alpha", "10", "1", "5500.00", "5500.00", "5500.00", "1.100", "96.36%",
                 "3.64%", "0.00%", "0.00%", "0.00%"],
                ["alpha", "10", "7990.00", "7990.00", "7990.00"]):
        same(f"the text has the row {' '.join(row)}", row in rows, True)
    same("it says whether the kernel leaves stolen time out: no",
         ("Tick   250 Hz" in out, "Its kernel counts what the vCPU waited, too." in out), (True, True))
    _, out, _ = report("guest", "host.dat", "--guest", "steal.dat")
    same("yes", ("Tick   1000 Hz" in out, "Its kernel leaves stolen time out" in out), (True, True))
    _, out, _ = report("guest", "host.dat", "--guest", "plain.dat")
    same("the text says what the guest did not record",
         ("recorded no sched_waking" in out, "asks for is not told" in out), (True, True))


def exported(*words):
    """Rows of guest_tasks: (PID, what, CPU, begin, end)"""
    with contextlib.suppress(FileNotFoundError):
        os.remove("rows.db")
    subprocess.run([KVMSCHED, "export", "--sqlite", "rows.db", *words], check=True,
                   stderr=subprocess.DEVNULL)
    with contextlib.closing(sqlite3.connect("rows.db")) as db:
        return db.execute("SELECT pid, what, cpu, begin_ns, end_ns FROM guest_tasks").fetchall()


def check_selection():
    """Of which VM, and of which vCPU"""
    def tasks_of(*words):
        status, out, err = report("guest", "--json", *words)
        return json.loads(out)["guests"] if not status else [err]

    same("--vm with the only one's name, or its PID", [tasks_of(
        "host.dat", "--guest", "guest.dat", "--vm", vm) for vm in ("web1", "4700")],
         [tasks_of("host.dat", "--guest", "guest.dat")] * 2)
    both = "hosts.dat", "--guest", "4700.0=guest.dat", "--guest", "4700.1=guest.dat"
    found = [[guest["vm_index"] for guest in tasks_of(*both, *words)]
             for words in ((), ("--vm", "4700"), ("--vm", "4700.1"))]
    same("--vm chooses among guests", found, [[0, 1], [0, 1], [1]])
    # Slices and waits that end on either CPU are all that there are; marks are of all CPUs.
    shadow = "shadow.dat", "--guest", "flushes.dat"
    whole, = tasks_of(*shadow)
    total = {}
    for vcpu in "0", "1":
        part, = tasks_of(*shadow, "--vcpu", vcpu)
        same(f"--vcpu {vcpu} has that CPU", [cpu["vcpu"] for cpu in part["cpus"]], [int(vcpu)])
        for key, value in sums(part, {task["comm"]: task for task in part["tasks"]}).items():
            total[key] = total.get(key, 0) + value
    whole = sums(whole, {task["comm"]: task for task in whole["tasks"]})
    TEST.empty("all vCPUs together are the whole", [
        f"{key}: {total[key]}, not {whole.get(key)}" for key in total
        if abs(total[key] - whole.get(key, 0)) > (1 if key[-1][-3:] == "_ns" else 0)])
    same("it says how much there is of it", whole["alpha", "slices", "sum_ns"] > 0, True)
    guest, = tasks_of("host.dat", "--guest", "guest.dat", "--vcpu", "0")
    same("one vCPU: no comparison with the guest's own count",
         [task["marked"] for task in guest["tasks"]], [None] * 3)
    rows = {vcpu: exported(*shadow, *(("--vcpu", vcpu) if vcpu else ())) for vcpu in ("", "0", "1")}
    same("an export divides its rows likewise, but for a wait that did not end, which is of none",
         sorted(rows["0"] + rows["1"]), sorted(row for row in rows[""] if row[2] is not None))
    same("... there is such a wait, and no task ran on vCPU 1",
         (len(rows[""]) - len(rows["0"]), rows["1"]), (1, []))
    refused("nothing of that vCPU in that time", 1, "nothing of it is between", "guest", *shadow,
            "--vcpu", "1", "--from", "11200us")
    for words, part in ((("--vm", "web2"), "none of the guests is of VM web2"),
                        (("--vcpu", "1"), "no guest has events of vCPU 1"),
                        (("--vm", "web1", "--vcpu", "1"), "of vCPU 1 of VM web1")):
        refused(f"nothing is selected: {' '.join(words)}", 1, part, "guest", "host.dat",
                "--guest", "guest.dat", *words)
    status, _, err = report("host.dat", "--svg", "x.svg", "--guest", "guest.dat", "--vm", "web2")
    same("a picture says so, too", (status, "none of the guests is of VM web2" in err), (1, True))


CR3 = "cr3_exits", "cr3_switches", "cr3_flushes", "cr3_unpaired"


def cr3_of(host, guest, *options):
    """By CPU: its exits for writes of CR3, and what they were for, from the JSON"""
    status, out, err = report("guest", host, "--guest", guest, "--json", *options)
    if status or err:
        return err
    it, = json.loads(out)["guests"]
    return [tuple(cpu[key] for key in CR3) for cpu in it["cpus"]]


def check_cr3():
    # Switches: 1500, 2000, 9000, 10000; flushes: 3000, 5000, 8000
    whole = [(12, 4, 3, 5), (3, 1, 1, 1)]
    same("exits for CR3: a switch, a full flush, or not paired",
         cr3_of("shadow.dat", "flushes.dat"), whole)
    same("a loss of the guest leaves 9000 alone, and the other CPU as it is",
         cr3_of("shadow.dat", "flushes-lossy.dat"), [(12, 3, 3, 6), (3, 1, 1, 1)])
    # Whether one more was lost before 5150 is not known either.
    same("where the host lost one of two, nothing is told of the other, nor of that before",
         cr3_of("shadow-lossy.dat", "flushes.dat"), [(11, 4, 2, 5), (3, 1, 1, 1)])
    same("without tlb_flush", (cr3_of("shadow.dat", "untold.dat"), cr3_of("host.dat", "guest.dat")),
         ([(12, None, None, None), (0, None, None, None)], [(1, None, None, None)]))
    # The load that explains 9000 comes after it.
    same("an excerpt has what is paired in it, by the exit",
         cr3_of("shadow.dat", "flushes.dat", "--from", "2500us", "--to", "9050us"),
         [(6, 1, 3, 2), (1, 1, 0, 0)])
    cuts = "1600us", "3050us", "6200us", "9050us", "11200us"
    total = [(0,) * len(CR3)] * 2
    for begin, end in zip((None, *cuts), (*cuts, None)):
        options = (("--from", begin) if begin else ()) + (("--to", end) if end else ())
        part = cr3_of("shadow.dat", "flushes.dat", *options)
        total = [tuple(map(sum, zip(*pair))) for pair in zip(total, part)]
    same(f"{len(cuts) + 1} adjacent excerpts have all of them", total, whole)
    note = "the guest's trace has no tlb_flush"
    for guest, row, notes in (("flushes.dat", "0 0 10950.00 2 182.6 1 0 12 4 3 5", 0),
                              ("untold.dat", "0 0 10800.00 2 185.2 1 0 12 - - -", 1)):
        _, out, _ = report("guest", "shadow.dat", "--guest", guest)
        same(f"the text of {guest}", (row.split() in [line.split() for line in out.splitlines()],
                                      out.count(note)), (True, notes))


CYCLES_OF_US = 2000
BEGIN_US = 100000000


def experiment(folder, guest, begin_us, end_us):
    """A folder of two arms with one round each, of the same files"""
    def round_of(number, arm):
        return {"round": number, "arm": arm, "file": "host.dat", "recorded": True, "seconds": 1,
                "begin_tsc": (BEGIN_US + begin_us) * CYCLES_OF_US,
                "end_tsc": (BEGIN_US + end_us) * CYCLES_OF_US,
                "guests": [guest], "vcpus": []}

    os.mkdir(folder)
    for name in "host.dat", guest:
        os.symlink(f"../{name}", f"{folder}/{name}")
    arms = [{"name": name, "settings": [{"vcpu": None, "policy": name}], "knobs": {},
             "guest": "rr"} for name in ("cfs", "fifo")]
    with open(f"{folder}/result.json", "w", encoding="ascii") as file:
        json.dump({"arms": arms, "rounds": [round_of(1, "cfs"), round_of(2, "fifo")]}, file)


def compare(*words):
    done = subprocess.run([KVMSCHED, "compare", *words], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stdout, done.stderr


def check_compare():
    """What both schedulers together left of beta and alpha, in a part of the story"""
    experiment("folder", "guest.dat", 2000, 18000)
    for task, expected in (
            # Cut by the host at 7050; goes on at the end.  Waited for the guest, the host, both
            ("beta", {"task_slice": (3, 1, 3060000, 3060000), "task_wait": (3, 0, 2590000, 5500000),
                      "task_lateness": (1, 0, 300000, 300000)}),
            # Its third slice is after the window, and the wait before that goes on at the end.
            ("alpha", {"task_slice": (2, 0, 3995000, 5500000),
                       "task_wait": (2, 1, 6010000, 6010000),
                       "task_lateness": (1, 0, 300000, 300000)}),
            ("delta", {"task_lateness": (1, 0, 300000, 300000)})):
        status, out, err = compare("--json", "--guest-task", task, "folder")
        if status:
            same(f"compare, {task}: {err}", status, 0)
            continue
        got = {metric["name"]: tuple(round(metric["arms"][0][key])
                                     for key in ("values", "censored", "median", "max"))
               for metric in json.loads(out)["metrics"] if metric["name"].startswith("task_")}
        same(f"compare: {task} within the window: values, bounds, median, longest", got,
             expected)
    got = json.loads(compare("--json", "folder")[1])["metrics"]
    same("compare: guests' tasks only if asked for",
         [metric["name"] for metric in got if metric["name"].startswith("task_")], [])
    status, _, err = compare("--factors", "--guest-task", "beta", "folder")
    same("compare: one policy within the guests is no factor", (status, "single level" in err),
         (1, True))
    for words, part in ((("--factors", "--metric", "slice,steal,fairness,slices,switches"),
                         "no metric"),
                        (("--factors", "--metric", "slice,steal,fairness,slices,exit_cost"),
                         "at most four"),
                        (("--factors", "--html", "page.html"), "--html does not show")):
        status, _, err = compare(*words, "folder")
        same(f"compare refuses {' '.join(words)}", (status, part in err), (2, True))
    same("compare: tasks of the guest of a VM", *(
        json.loads(compare("--json", "--guest-task", "beta", *words, "folder")[1])["metrics"]
        for words in ((), ("--vm", "web1"))))
    status, _, err = compare("--guest-task", "beta", "--vm", "web2", "folder")
    same("compare: ... that is not there", (status, "no such vCPU in it" in err), (1, True))
    status, _, err = compare("--guest-task", "beta", "host.dat", "host.dat")
    same("compare: a task of guests needs their traces",
         (status, "nothing here tells of the guests' tasks" in err), (1, True))
    status, _, err = compare("--factors", "host.dat", "host.dat")
    same("compare: recordings without an experiment have no factors",
         (status, "single recordings" in err), (1, True))


def check_export():
    """Each task of the guest ran as long as its slices, without the host's waits."""
    subprocess.run([KVMSCHED, "export", "--sqlite", "guest.db", "--guest", "guest.dat", "host.dat"],
                   check=True, stderr=subprocess.DEVNULL)
    rows = sqlite3.connect("guest.db").execute(
        "SELECT comm, what, sum(end_ns - begin_ns) / 1000 FROM guest_tasks JOIN vms USING (vm) "
        "WHERE vms.pid = 4700 GROUP BY comm, what ORDER BY comm, what").fetchall()
    same("rows of an export", rows,
         [("alpha", "late", 300), ("alpha", "runs", 7990), ("alpha", "waits", 10110),
          ("beta", "runs", 7510), ("beta", "waits", 10090), ("gamma", "runs", 600),
          ("gamma", "waits", 3000)])


def check_picture():
    """So it is drawn, those that really ran longest first; nobody's lateness is."""
    status, out, err = report("host.dat", "--svg", "guest.svg", "--guest", "web1=guest.dat")
    same("a picture is drawn", (status, out, err), (0, "", ""))
    titles = re.findall('<g class="guest".*<title>(.*)</title>',
                        pathlib.Path("guest.svg").read_text(encoding="utf-8"))
    same("lanes of a picture", [(title.split(": ")[:2], re.findall(r"([\d.]+) ms", title))
                                for title in titles],
         [(["web1/4700", "alpha/10"], ["7.990", "10.110"]),
          (["web1/4700", "beta/11"], ["7.510", "10.090"]),
          (["web1/4700", "gamma/12"], ["0.600", "3.000"])])


def refused(name, status, part, *words):
    got, out, err = report(*words)
    same(name, (got, out, part in err), (status, "", True))


def check_refused():
    refused("no guest", 2, "--guest GUEST.dat", "guest", "host.dat")
    refused("a guest for another report", 2,
            "belongs to `kvmsched report guest`, --svg and --html", "host.dat",
            "--guest", "guest.dat")
    for option in "--svg", "--html":
        refused(f"{option}: no VM of that name", 1, "recorded no such VM", "host.dat", option,
                "picture", "--guest", "web2=guest.dat")
        same(f"{option}: and nothing is written", os.path.exists("picture"), False)
    refused("no VM of that name", 1, "recorded no such VM", "guest", "host.dat", "--guest", "web2=guest.dat")
    refused("a trace without sched_switch", 1, "has no sched_switch", "guest", "host.dat",
            "--guest", "silent.dat")
    refused("two traces of one VM", 1, "are of the same VM", "guest", "host.dat", "--guest",
            "guest.dat", "--guest", "plain.dat")
    refused("a trace of the host", 1, "none of its events is from the time", "guest", "host.dat",
            "--guest", "host.dat")


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        subprocess.run([O / "unit/guests", FORMATS, "."], check=True)
        check_figures()
        check_less()
        check_excerpts()
        check_selection()
        check_text()
        check_cr3()
        check_compare()
        check_export()
        check_picture()
        check_refused()
        os.chdir("/")
    print(f"1..{TEST.number}")


if __name__ == "__main__":
    main()

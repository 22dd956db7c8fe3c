# SPDX-License-Identifier: GPL-2.0-only
"""`kvmsched experiment` and `kvmsched compare`: a known effect is found, with
the right verdict, and where there is none, none is."""

import glob
import json
import os
import re
import signal

import host
import policy

FOLDER = os.path.join(host.WORK, "experiment")
FILE = os.path.join(host.WORK, "experiment.yaml")
ROUNDS, LENGTH = 6, 0.12
TICK_US, RR_MS = 4000, 20
KEYS = {"name", "direction", "arms", "difference", "ci", "p", "effect",
        "verdict"}
VERDICTS = {"better", "worse", "higher", "lower", "none", "too_few"}

# On PREEMPT_RT a tick's part of RCU is a thread's, rcuc/0, which is above all arms here.
CUT = "-rt-" in os.uname().release
# Nothing shall take CPU from real-time vCPUs while they are what is watched.
UNTHROTTLED = {"rt_runtime_us": "-1"}
if os.path.isdir("/sys/kernel/debug/sched/fair_server"):
    UNTHROTTLED["fair_server_runtime_ns"] = "0"

TEXT = f"""\
# Two vCPUs that spin on one CPU
name: two spinning vCPUs on one CPU
workload: [{host.GUEST}, --quiet, --vms, 2, --cpu, 0, spin, 0]
vcpus: 2
rounds: {ROUNDS}
length: {LENGTH}
warmup: 0.22
phase: 0.05
force: true		# one CPU, and nothing throttles
knobs: {json.dumps(UNTHROTTLED)}
arms:
  - {{ name: cfs, policy: other }}
  - {{ name: rr, policy: "rr:10", knobs: {{ rr_timeslice_ms: {RR_MS} }} }}
  - {{ name: fifo, policy: "fifo:10" }}
"""


# The guests' policy has the arm's name.
CALLS = os.path.join(host.WORK, "calls")
TRACE = os.path.join(host.WORK, "guest.dat")
WITH_GUESTS = re.sub(r"name: (\w+), policy", r"name: \1, guest: \1, policy", TEXT) + f"""\
guest_hook: echo $1 $2 >>{CALLS}; [ $2 = begin ] || echo $KVMSCHED_ROUND >{TRACE}
guests: [{TRACE}]
"""


def start(folder, *options):
    return host.Child(host.KVMSCHED, "experiment", FILE, "-o", folder,
                      *options)


def compare(*words, locale="C"):
    # Python itself may have chosen a UTF-8 one for its children.
    return host.run(host.KVMSCHED, "compare", *words,
                    env={**os.environ, "LC_ALL": locale})


def folder(tap, result):
    """What was asked for, and where, is in the result."""
    rounds = result["rounds"]
    arms = [one["name"] for one in result["arms"]]
    recorded = [one["arm"] for one in rounds if one["recorded"]]
    tap.equal("experiment: its folder",
              ("complete", result["complete"], True),
              ("arms", arms, ["cfs", "rr", "fifo", "cfs again"]),
              ("control", result["arms"][3]["control_of"], "cfs"),
              ("arms of each turn", [sorted(recorded[at:at + len(arms)]) for at in
                                     range(0, len(recorded), len(arms))],
               [sorted(arms)] * ROUNDS),
              ("order", result["experiment"]["order"], "shuffled"),
              ("a seed was drawn", result["experiment"]["seed"] > 0, True),
              ("unrecorded", [one["arm"] for one in rounds
                              if not one["recorded"]], ["cfs"]),
              ("recordings", len(glob.glob(f"{FOLDER}/*.dat")), 4 * ROUNDS),
              ("kernel", result["host"]["kernel"]["release"],
               os.uname().release),
              ("knob asked for", result["experiment"]["knobs"],
               UNTHROTTLED),
              *((f"{knob} in round {one['round']}",
                 str(one["knobs"][knob]), value) for one in rounds
                for knob, value in UNTHROTTLED.items()),
              ("seeds differ", len({one["seed"] for one in rounds}),
               len(rounds)),
              ("vCPUs", {len(one["vcpus"]) for one in rounds}, {2}))
    # fifo: one vCPU has the CPU, the other is a witness that it never had.
    tap.equal("experiment: who starved",
              *((f"round {one['round']}, {one['arm']}",
                 sum(vcpu["starved"] for vcpu in one["vcpus"]),
                 int(one["arm"] == "fifo")) for one in rounds))


def find(result, against, name):
    [found] = [metric for metric in result["metrics"]
               if metric["name"] == name and
               metric["arms"][1]["name"] == against]
    return found


def vcpus_among_takers(arm):
    return sum(taker["vcpu"] is not None
               for path in glob.glob(f"{FOLDER}/*-{arm}.dat")
               for vcpu in json.loads(host.run(host.KVMSCHED, "report", "--json", path)
                                      .stdout)["vcpus"]
               for taker in vcpu["switches"]["takers"])


def effects(tap, result):
    slices = {one: find(result, one, "slice")
              for one in ("rr", "fifo", "cfs again")}
    cfs, rr = slices["rr"]["arms"]
    fifo = slices["fifo"]["arms"][1]
    for name, arm, expected in (("cfs", cfs, TICK_US / 1e3),
                                ("rr", rr, RR_MS)):
        tap.within(f"experiment: the median slice of {name}",
                   arm["median"] / 1e6, expected - TICK_US / 2e4,
                   expected + TICK_US / 2e4, " ms")
    # The kernel's own threads may take the CPU for microseconds, nobody else.
    ended = fifo["values"] - fifo["censored"]
    tap.note(f"fifo: {ended} slices ended within {ROUNDS} rounds")
    tap.equal("experiment: fifo is never preempted by the peer",
              ("share of the peer", round(find(result, "fifo", "fairness")
                                          ["arms"][1]["max"], 6), 0.5),
              ("its wait, s", round(find(result, "fifo", "wait_preempted")
                                    ["arms"][1]["max"] / 1e9, 6), LENGTH),
              ("slices at the rounds' ends", fifo["censored"], ROUNDS),
              ("vCPUs among who took its CPU", vcpus_among_takers("fifo"), 0),
              ("no more slices than the stopper's", CUT or ended <= ROUNDS, True))
    if CUT:
        tap.note("fifo: RCU's thread cuts its slices, so they are not judged")
    verdicts = {(arm, name): find(result, arm, name)["verdict"]
                for arm in (("rr",) if CUT else ("rr", "fifo"))
                for name in ("slice", "slices", "wait_preempted",
                             "preemptions")}
    expected = {"slice": "higher", "slices": "lower",
                "wait_preempted": "worse", "preemptions": "lower"}
    tap.equal("experiment: the verdicts on rr and fifo against cfs",
              *((key, verdict, expected[key[1]])
                for key, verdict in verdicts.items()),
              ("fifo's fairness", find(result, "fifo", "fairness")["verdict"],
               "worse"))
    tap.equal("experiment: by so much",
              ("rr, ms", round(slices["rr"]["difference"] / 1e6),
               RR_MS - TICK_US // 1000),
              ("rr, effect", slices["rr"]["effect"], 1),
              *(() if CUT else
                (("fifo", slices["fifo"]["difference_is"], "at_least"),
                 ("fifo, effect", slices["fifo"]["effect"], 1))))


def control(result):
    """The metrics of the control: the same arm twice"""
    return [metric for metric in result["metrics"]
            if metric["arms"][1]["name"] == "cfs again"]


def nothing(tap, result):
    """By their level, one comparison of the same in twenty finds a difference that is
    chance.  So what is found has to be found again, in an experiment of its own."""
    metrics = control(result)
    found = [metric["name"] for metric in metrics if metric["verdict"] != "none"]
    if found:
        tap.note(f"A/A found {found}: once more")
        again = f"{FOLDER}-again"
        with start(again) as child:
            child.wait(0, policy.PATIENCE)
        second = {metric["name"]: metric for metric in
                  control(json.loads(compare("--json", again).stdout))}
        metrics = [second[metric["name"]] if metric["name"] in found else metric
                   for metric in metrics]
    tap.equal("experiment: A/A finds no difference",
              ("metrics", len(metrics) >= 8, True),
              *((metric["name"], metric["verdict"], "none")
                for metric in metrics),
              *((metric["name"] + " says what could have been found",
                 metric["detectable"] is not None, True)
                for metric in metrics))


def form(tap, result):
    wrong = [metric for metric in result["metrics"]
             if not KEYS <= metric.keys() or
             metric["verdict"] not in VERDICTS or
             len(metric["arms"]) != 2 or
             any(not {"median", "p99", "max"} <= arm.keys()
                 for arm in metric["arms"])]
    tap.equal("compare: the form of its JSON",
              ("inference", result["inference"], "round"),
              ("wrong metrics", wrong, []))
    text = compare(FOLDER).stdout
    tap.ok("Unit of inference: round: 6 of cfs" in text and "####" in text and
           text.isascii() and "\033" not in text,
           "compare: as text, in plain characters where it must", text)
    text = compare(FOLDER, locale="C.UTF-8").stdout
    tap.ok("████" in text and "µs" in text,
           "compare: with bars where the terminal has them", text)


def known_effect(tap):
    before = policy.snapshot([])
    with start(FOLDER) as child:
        child.wait(0, policy.PATIENCE)
    policy.same(tap, "experiment: knobs are as before", before,
                policy.snapshot([]))
    folder(tap, json.loads(host.read(f"{FOLDER}/result.json")))
    result = json.loads(compare("--json", FOLDER).stdout)
    effects(tap, result)
    nothing(tap, result)
    form(tap, result)
    cfs, rr = sorted(glob.glob(f"{FOLDER}/*-cfs.dat"))[0], \
        sorted(glob.glob(f"{FOLDER}/*-rr.dat"))[0]
    short = json.loads(compare("--json", cfs, rr).stdout)
    tap.equal("compare: two short files are too few blocks, and it says so",
              ("inference", short["inference"], "block"),
              ("verdicts", {metric["verdict"] for metric in short["metrics"]},
               {"too_few"}),
              ("what they need, s",
               short["needed_ns"] > 110 * RR_MS * 10 ** 6, True))


def in_guests(tap, where):
    """Each round called the hook twice, the one that the signal ended as well."""
    arms = [line.split()[0] for line in host.read(CALLS).splitlines()[::2]]
    result = json.loads(host.read(f"{where}/result.json"))
    tap.equal("experiment: what began in the guests ends there, too",
              ("calls", host.read(CALLS).splitlines(),
               [f"{arm} {what}" for arm in arms for what in ("begin", "end")]),
              ("arms", arms[:2], ["cfs", "rr"]),
              *((f"file of round {nth}",
                 host.read(f"{where}/{nth:03}-{arm}-guest.dat"), f"{nth}\n")
                for nth, arm in enumerate(arms, 1)),
              *((f"round {one['round']} in the result", one["guests"],
                 [f"{one['round']:03}-{one['arm']}-guest.dat"])
                for one in result["rounds"]))


def aborted(tap):
    host.write(FILE, WITH_GUESTS)
    before = policy.snapshot([])
    for number in (signal.SIGTERM, signal.SIGKILL):
        where = f"{FOLDER}-{number.name}"
        with start(where, "--rounds", 1, "--control", "none", "--order", "interleaved",
                   "--warmup", 1) as child:
            # In the second round: under SCHED_RR, with all that belongs to it.
            policy.wait_for(lambda into=where: glob.glob(f"{into}/002-rr*")
                            and host.read(policy.KNOBS[1]).strip() == "-1",
                            "the second round")
            child.signal(number)
            child.wait(None, policy.PATIENCE)
            status = child.process.returncode
        if number == signal.SIGKILL:
            policy.policy("restore")
        else:
            tap.equal("experiment: SIGTERM's status", ("status", status,
                                                       128 + number))
            in_guests(tap, where)
        policy.same(tap, f"experiment: all is back after {number.name}",
                    before, policy.snapshot([]))
        policy.wait_for(lambda: host.references() == 0, "the recorder's end")
        policy.wait_for(lambda: host.run("pidof", "kvmguest", status=None)
                        .returncode, "the workload's end")


def test(tap):
    host.write(FILE, TEXT)
    with policy.patience(), host.module():
        known_effect(tap)
        aborted(tap)

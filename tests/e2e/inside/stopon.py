# SPDX-License-Identifier: GPL-2.0-only
"""`record --stop-on`: ends by itself on what it waits for, says in words what
that was, and keeps what came before; or says that it did not happen."""

import os

import host

FILE = os.path.join(host.WORK, "stopon.dat")
RING_KIB = 256
NOT_HELD = 3
STARTS_NS = 100000		# beside its turns, the thief takes this long


def record(condition, guest, *options, kib=8192, status=0):
    """(what it said, the worst moment of that kind in the file)"""
    payload, *rest = guest
    kind = condition.split(">")[0]
    done = host.run(host.KVMSCHED, "record", "-o", FILE, "-m",
                    f"{kib}K", "--stop-on", condition, *options, "--",
                    *host.guest_argv(payload, 10 ** 8, *rest), status=status)
    return done.stderr, host.worst(FILE, kind)


def thief(on_us, off_us):
    return host.spin(on_us, off_us, "--policy", "fifo:50")


def sentence(said):
    [line] = [line for line in said.splitlines() if "stopped on this" in line]
    return line


def most(wait_ns, on_us, off_us):
    """What a thief of these turns has of so long a wait, at most."""
    turns, rest_us = divmod(wait_ns / 1000, on_us + off_us)
    return 1000 * (turns * on_us + min(rest_us, on_us))


def of_thief(found, least_ms):
    """(what the thief had, how long) of each moment of that length whose thief it is.
    kvmsched itself takes the CPU, too, at the end; and where it does between two turns of
    the thief, one wait holds both of them."""
    return [(moment["thief"]["ns"], moment["ns"]) for moment in found
            if moment["ns"] > least_ms * 10 ** 6 and moment["thief"] and
            moment["thief"]["who"] == "spin"]


def held(tap, condition, least_ms, guest, on_us, off_us):
    # The program looks when it has the CPU, which it shares with the guest: it may be so
    # late that the ring does not hold the moment any more.  Then it says so.
    for attempt in range(4):
        with thief(on_us, off_us):
            said, found = record(condition, guest, "-d", 100)
        theirs = of_thief(found, least_ms)
        if theirs or "does not hold all of it" not in said:
            break
        tap.note(f"attempt {attempt + 1}: {said.strip()}")
    words = sentence(said)
    report = host.report(FILE)
    lines = host.run("trace-cmd", "report", "-i", FILE).stdout
    tap.equal(f"stopon: {condition}: ends, and names thief, CPU and length",
              ("thief", "ran spin/" in words, True),
              ("CPU", "CPU 0" in words, True),
              ("the VM, by the command's name",
               f"vm {os.path.basename(host.GUEST)}/" in words, True),
              (f"it is in the file, too: {said}", len(theirs) > 0, True),
              ("more than it can have stolen",
               [(part, wait) for part, wait in theirs
                if part > most(wait, on_us, off_us) + STARTS_NS], []),
              # Null: what was overwritten is not counted as lost.
              ("lost", report["lost"] in (0, None), True),
              ("time before it is kept", report["duration_ns"] > 10 ** 8,
               True),
              ("trace-cmd reads it", "kvmsched_switch_in" in lines, True))
    tap.note(words)


def exits(tap):
    said, found = record("exit>2us", ("rdmsr",), "--after", 0.001)
    tap.equal("stopon: exit>2us: no thief is needed",
              ("said", " exit " in sentence(said), True),
              ("found", found[0]["kind"], "exit"),
              ("kept", "does not hold" in said, False))


def outlived(tap):
    """A ring too small for what came after: it says so."""
    with thief(5000, 400000):
        said, _ = record("wait>4ms", ("cpuid",), "-d", 100, kib=RING_KIB)
    tap.equal("stopon: a ring too small for the moment is told",
              ("sentence", "waited" in sentence(said), True),
              ("warning", "does not hold all of it" in said, True))


def not_held(tap):
    said, found = record("wait>10s", ("cpuid",), "-d", 1, kib=RING_KIB,
                         status=NOT_HELD)
    size = os.path.getsize(FILE) // 1024
    tap.equal("stopon: what never happens ends with -d and says so",
              ("said", "did not happen" in said, True),
              ("older ones are told", "older ones overwritten" in said, True),
              ("nothing that long", all(one["ns"] < 10 ** 10
                                        for one in found), True),
              ("the file, KiB, is as large as the ring",
               RING_KIB / 2 < size < RING_KIB + 200, True))
    tap.note(f"{size} KiB; {said.strip()}")


def test(tap):
    with host.module():
        held(tap, "wait>4ms", 4, ("tscspin",), 5000, 300000)
        held(tap, "timer>3ms", 3, ("hlt", "--period-us", 4000), 8000, 2000)
        held(tap, "irq>15ms", 15, ("ipi",), 20000, 200000)
        exits(tap)
        outlived(tap)
        not_held(tap)

# SPDX-License-Identifier: GPL-2.0-only
"""Guest I/O, leg by leg: guests that write to a port N times, of which it is known who
serves it, and who sends the interrupt that answers."""

import json

import host

N = 40
PORT_ASK, PORT_NOBODY, EXTERNAL = 0x600, 0x5f0, 0x60


def row_of(recording, truth, port):
    """What the report says of the guest's writes to one port"""
    out = host.run(host.KVMSCHED, "report", "io", recording.file, "--json", "-n", 1000,
                   "--vm", truth["pid"]).stdout
    row, = [row for row in json.loads(out)["io"] if row.get("port") == port]
    return row


def count(leg):
    return leg["count"] if leg else 0


def total(leg):
    return leg["total"] if leg else 0


def answered(tap, recording, truth, who, how, tid):
    """@who takes each write, and thread @tid answers each."""
    row = row_of(recording, truth, PORT_ASK)
    asked = row["requests"]
    answers = asked["interrupts"] or [{"sender": {}}]
    answer, sender = answers[0], answers[0]["sender"]
    service = total(row["to_userspace_ns"]) + total(row["in_userspace_ns"])
    on_cpu, accept = answer.get("exit_to_sender_on_cpu_ns"), answer.get("exit_to_accept_ns")
    tap.equal(f"guestio: {truth['name']}: each leg of each write",
              ("exits", row["exits"], N), (f"taken by {who}", row[who], N),
              ("legs to userspace and there",
               (count(row["to_userspace_ns"]), count(row["in_userspace_ns"])),
               (row["userspace"], row["userspace"])),
              ("legs in the kernel", count(row["in_kernel_ns"]), row["kernel"]),
              ("requests", asked["count"], N), (how, asked[how], N),
              ("kinds of interrupts", len(answers), 1),
              ("vector", answer.get("vector"), EXTERNAL),
              ("sender", (sender.get("kind"), sender.get("tid")), ("vmm", tid)),
              ("interrupts", answer.get("count"), N),
              ("legs to the LAPIC and on", (count(accept), count(answer.get("accept_to_inject_ns"))),
               (N, N)),
              ("legs until its sender has a CPU", count(on_cpu), N),
              ("which are no longer", total(on_cpu) <= total(accept), True),
              ("what is served has its answer before it goes on",
               how != "served" or total(accept) <= service, True))


def lonely(tap, recording, truth):
    """Nobody answers."""
    asked = row_of(recording, truth, PORT_NOBODY)["requests"]
    tap.equal("guestio: pio: no interrupt follows",
              ("requests", asked["count"], N), ("none", asked["none"], N),
              ("interrupts", asked["interrupts"], []))


def test(tap):
    with host.module(), host.Recording("-e", "+host", "-m", "16M") as recording:
        itself = host.guest("ask", N, "--inject", "itself")
        thread = host.guest("ask", N, "--inject", "irqfd")
        ioeventfd = host.guest("ask-fd", N, "--inject", "irqfd")
        pio = host.guest("pio", N)
    tap.equal("guestio: nothing is lost", ("lost", recording.report()["lost"], 0))
    answered(tap, recording, itself, "userspace", "served", itself["vcpus"][0]["tid"])
    answered(tap, recording, thread, "userspace", "alone", thread["vms"][0]["injector"])
    answered(tap, recording, ioeventfd, "kernel", "alone", ioeventfd["vms"][0]["injector"])
    lonely(tap, recording, pio)

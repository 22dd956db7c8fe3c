# SPDX-License-Identifier: GPL-2.0-only
"""What exits were for is told by port, MSR, leaf, page and vector, exactly."""

import json

import host

N = 200
PORT_NOBODY, APIC_BASE, IPI_VECTOR = 0x5f0, 0x1b, 0x50
HOLE = 0xd0000000
PAGES = range(0x200000, 0x200000 + N * 0x1000, 0x1000)


def rows(recording, truth, by):
    """The rows of one kind, of one guest; and what is not among them."""
    out = host.run(host.KVMSCHED, "report", "exits", recording.file, "--json",
                   "--by", by, "-n", 10000, "--vm", truth["pid"]).stdout
    part, = json.loads(out)["details"]
    return part["rows"], part["others"]["count"], part["all"]["count"]


def count(found, **wanted):
    return sum(row["count"] for row in found
               if all(row.get(key) == value for key, value in wanted.items()))


def sum_of_accesses(found):
    return {how: sum(row["accesses"][how] for row in found)
            for how in ("read", "write", "execute", "present")}


def exits(recording, truth, *reasons):
    return sum(exit["count"] for vcpu in recording.report(
                   "--vm", str(truth["pid"]))["vcpus"]
               for exit in vcpu["exits"] if exit["reason"] in reasons)


def test(tap):
    with host.module(), host.Recording() as recording:
        pio = host.guest("pio", N)
        rdmsr = host.guest("rdmsr", N)
        cpuid = host.guest("cpuid", N)
        mmio = host.guest("mmio", N)
        pages = host.guest("pages", N)
        ipi = host.guest("ipi", N)
    for name, truth, by, reasons, wanted in (
            ("OUT to a port", pio, "port", ("io", "IO_INSTRUCTION"),
             {"port": PORT_NOBODY, "bytes": 4, "in": False}),
            ("RDMSR", rdmsr, "msr", ("msr", "MSR_READ", "MSR_WRITE"),
             {"msr": APIC_BASE, "write": False}),
            ("CPUID", cpuid, "leaf", ("cpuid", "CPUID"), {"leaf": 0, "subleaf": 0}),
            ("stores to no memory", mmio, "address",
             ("npf", "EPT_VIOLATION", "EPT_MISCONFIG"),
             {"page": HOLE, "mmio": True})):
        found, others, whole = rows(recording, truth, by)
        tap.equal(f"details: {name}, by {by}",
                  ("exits of that kind", count(found, **wanted), N),
                  ("all rows", count(found), whole), ("others", others, 0),
                  ("exits of the reason", whole, exits(recording, truth, *reasons)))
    found, others, whole = rows(recording, pages, "address")
    touched = [row for row in found if row["page"] in PAGES]
    tap.equal("details: stores to pages that nobody has touched",
              ("pages", len(touched), N), ("exits", count(touched), N),
              ("no MMIO", count(touched, mmio=False), N),
              ("how", sum_of_accesses(touched),
               {"read": 0, "write": N, "execute": 0, "present": 0}))
    found, others, whole = rows(recording, ipi, "vector")
    tap.equal("details: IPIs, by vector",
              ("sent", count(found, vector=IPI_VECTOR), 2 * N),
              ("others", others, 0))

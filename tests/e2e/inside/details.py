# SPDX-License-Identifier: GPL-2.0-only
"""What exits were for is told by port, MSR, leaf, page and vector, exactly; and each exit
record says what KVM's own kvm_exit says."""

import json
import re

import host
import records

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


# ftrace's line of an exit
SEEN = re.compile(r"reason (\S+) .*info1 (\w+) .*intr_info (\w+)")
INFO_VALID = 1 << 3		# KS_EXIT_INFO_VALID
VALID = 1 << 31			# of the interruption information: SDM vol. 3, table 25-18
# Of these, @info has the guest's registers or the address.
REPLACED = re.compile("cpuid|msr|npf|CPUID|MSR_|EPT_|VMCALL|vmmcall")


def by_ftrace(lines, tid):
    """(reason, qualification, vector) of each exit; None: it is not in a record"""
    found = []
    for line in lines:
        if line.tid == tid:
            reason, info, interrupt = SEEN.search(line.text).groups()
            interrupt = int(interrupt, 16)
            found.append((reason, None if REPLACED.match(reason) else int(info, 16),
                          interrupt & 0xff if interrupt & VALID else None))
    return found


def by_records(recording, tid):
    names = host.reason_names(host.vcpu_by_tid(recording.report(), tid))
    found = []
    for record in records.of_file(recording.file, "kvmsched_exit"):
        if record.tid == tid:
            reason = names.get(record.number("reason"))
            valid = record.number("flags") & INFO_VALID
            found.append((reason, None if REPLACED.match(reason) else record.number("info"),
                          record.number("vector") if valid else None))
    return found


def as_ftrace(tap):
    """Of a guest that writes to a port, and of one that interrupts end again and again"""
    with host.module(), host.Ftrace(clock="x86-tsc") as ftrace:
        with host.Recording() as recording:
            ftrace.enable("kvm/kvm_exit")
            tids = [host.guest(payload, N)["vcpus"][0]["tid"] for payload in ("pio", "tscspin")]
            ftrace.enable("kvm/kvm_exit", on=0)
        lines = records.of_ftrace(ftrace)
    for name, tid in zip(("port", "timer"), tids):
        ours, theirs = by_records(recording, tid), by_ftrace(lines, tid)
        differ = [pair for pair in zip(ours, theirs) if pair[0] != pair[1]]
        tap.equal(f"details: {name}: reason, qualification and vector are ftrace's",
                  ("exits", len(ours), len(theirs)), ("differences", differ[:3], []),
                  ("there were some", len(ours) > N, True))
        tap.note(f"{sum(bool(info) for _, info, _ in ours)} with a qualification, "
                 f"{sum(vector is not None for *_, vector in ours)} with a vector")
    # SVM leaves the interrupt to the host's own handler.
    if host.VMX:
        tap.ok(any(vector is not None for *_, vector in ours),
               "details: VMX tells which interrupt ended guest mode")


def test(tap):
    as_ftrace(tap)
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

# SPDX-License-Identifier: GPL-2.0-only
"""Instructions, counted: what a round trip costs in the lab under icount.

One instruction is one cycle of the TSC and one nanosecond there.  The cost of
one round trip is the slope over their number: what a run costs besides falls
out.  What is done between two rounds of the same guest must not differ, so
nothing else runs meanwhile.
"""

import os

import host

# Long enough for the host's ticks to fall out, too: 1 in some 1,400 exits
LOOPS = {"cpuid": (2000, 22000), "rdmsr": (2000, 22000), "wbinvd": (2000, 22000),
         "pio": (2000, 22000), "hlt": (500, 2500)}


def slope(measure, few, many):
    """measure(n)'s growth for each of n."""
    return (measure(many) - measure(few)) / (many - few)


def vcpu_time(payload, n):
    """Instructions of the vCPU thread alone: waiting costs it nothing.

    Nothing of the ordinary runs before it has ended: SCHED_FIFO.
    """
    truth = host.guest(payload, n, "--policy", "fifo:50")
    return truth["vcpus"][0]["cpu_ns"]


def round_trip(payload, times=1):
    """Instructions on the vCPU for one round trip.

    What interrupts the vCPU meanwhile can only add to it, so the least of several
    times is nearest to it.
    """
    return slope(lambda n: min(vcpu_time(payload, n) for _ in range(times)),
                 *LOOPS[payload])


def round_trips(payloads=tuple(LOOPS)):
    return {payload: round_trip(payload) for payload in payloads}


def warm_up():
    """Once through everything, so that no first time is measured."""
    for payload in LOOPS:
        vcpu_time(payload, 1000)


def schedstat(pid):
    """Nanoseconds that a process' threads have run: here, instructions."""
    return sum(int(host.read(f"/proc/{pid}/task/{tid}/schedstat").split()[0])
               for tid in os.listdir(f"/proc/{pid}/task"))

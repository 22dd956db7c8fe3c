# SPDX-License-Identifier: GPL-2.0-only
"""Structs of the ABI may grow: callers of other sizes, and of 32 bits."""

import struct
import subprocess

import device as abi
import host
from device import Device

FILL = 0xaa

# An argument that is right for each
STRUCTS = {
    "INFO": (abi.IOC_INFO, bytes(abi.INFO.size)),
    "HOOK": (abi.IOC_HOOK, bytes(abi.HOOK.size)),
    "START": (abi.IOC_START, abi.start_argument()),
    "STATS": (abi.IOC_STATS, bytes(abi.STATS.size)),
    "LEDGER": (abi.IOC_LEDGER, bytes(abi.LEDGER_SIZE)),
}
# Offsets of reserved words, and how many bytes each has.
RESERVED = {
    "INFO": [(76, 4)] + [(80 + 8 * n, 8) for n in range(3)],
    "HOOK": [(20, 4), (96, 8), (104, 8)],
    "START": [(144 + 8 * n, 8) for n in range(4)],
    "STATS": [(4, 4)] + [(32 + 8 * n, 8) for n in range(4)],
    "LEDGER": [(4, 4), (228, 4)] + [(232 + 8 * n, 8) for n in range(7)],
}


def followed(device):
    """A ledger begins when its vCPU does something."""
    device.follow()
    host.wait_for(device.ledgers, "the guest's ledger")


def call(device, number, data, size=None):
    """0 or the name of the error, and the bytes afterwards."""
    if size is not None:
        number = abi.with_size(number, size)
    while True:
        argument = bytearray(data)
        result = device.ioctl(number, argument)
        # The ledger changed all the time: that is no matter of sizes.
        if result != "EAGAIN":
            return result, bytes(argument)


def larger(device, number, data, more, tail):
    """The caller's struct has `more` bytes that the module doesn't know."""
    result, after = call(device, number, data + tail, len(data) + more)
    return result, after[len(data):] == tail


def grown(tap):
    """A caller that is newer than the module."""
    limit = 0x3fff
    cases = []
    with Device() as device:
        device.start()
        followed(device)
        for name, (number, data) in STRUCTS.items():
            for more in (1, 8, limit - len(data)):
                cases += [
                    (f"{name}, {more} more, all zero",
                     larger(device, number, data, more, bytes(more)),
                     (0, True)),
                    (f"{name}, {more} more, the first set",
                     larger(device, number, data, more,
                            b"\1" + bytes(more - 1)), ("E2BIG", True)),
                    (f"{name}, {more} more, the last set",
                     larger(device, number, data, more,
                            bytes(more - 1) + b"\1"), ("E2BIG", True)),
                ]
    tap.equal("sizes: what the module doesn't know has to be zero", *cases)


def shrunk(tap):
    """A caller that is older than the module gets no byte more than it has."""
    cases = []
    with Device() as device:
        device.start()
        followed(device)
        for name, (number, data) in STRUCTS.items():
            whole = call(device, number, data)
            for size in (4, 8, 32, 33, len(data) // 2, len(data) - 1):
                given = data[:size] + bytes([FILL]) * (len(data) - size)
                result, after = call(device, number, given, size)
                cases += [
                    (f"{name} of {size} bytes", result,
                     # Nothing says how many pages.
                     "EINVAL" if name == "START" and size < 12 else 0),
                    (f"{name} of {size} bytes: the rest",
                     set(after[size:]), {FILL}),
                ]
                if name == "HOOK":
                    cases.append((f"{name} of {size} bytes: the same",
                                  after[:size], whole[1][:size]))
        cases.append(("INFO of 8 bytes: the ABI", struct.unpack("<2I", call(
            device, abi.IOC_INFO, bytes(8), 8)[1]), (abi.INFO.size, abi.ABI)))
        short = call(device, abi.IOC_LEDGER, bytes(abi.LEDGER.size),
                     abi.LEDGER.size)
        ledger = abi.Ledger(short[1])
        cases += [
            ("LEDGER without reasons", short[0], 0),
            ("closes", sum(ledger.states.values()), ledger.now - ledger.begin),
        ]
    tap.equal("sizes: what a smaller struct lacks counts as zero", *cases)


def reserved(tap):
    cases = []
    with Device() as device:
        device.start()
        followed(device)
        for name, (number, data) in STRUCTS.items():
            for offset, length in RESERVED[name]:
                for byte in (0, length - 1):
                    argument = bytearray(data)
                    argument[offset + byte] = 0x80
                    cases.append((f"{name}, byte {offset + byte} set",
                                  call(device, number, argument)[0], "EINVAL"))
        info = device.info()
        cases.append(("the session goes on", info.session, abi.DEFAULT))
    tap.equal("sizes: reserved fields have to be zero", *cases)


def other_numbers(tap):
    """Neither the direction nor the type is a matter of the size."""
    cases = []
    with Device() as device:
        for name, (number, data) in STRUCTS.items():
            cases += [
                (f"{name}, another direction",
                 call(device, number ^ 1 << 31, data)[0], "ENOTTY"),
                (f"{name}, another type",
                 call(device, number ^ 1 << 8, data)[0], "ENOTTY"),
            ]
        for name, number in (("STOP", abi.IOC_STOP), ("FLUSH", abi.IOC_FLUSH),
                             ("FOLLOW", abi.IOC_FOLLOW)):
            cases.append((f"{name} with a size",
                          device.ioctl(abi.with_size(number, 8)), "EINVAL"))
    tap.equal("sizes: nothing but the size may differ in a number", *cases)


def first_abi(tap):
    """A program of ABI 1 learns that this is another, and does no harm."""
    start = struct.pack("<6I32i4Q", 184, abi.DEFAULT, 0, 16, 0, 0,
                        *[0] * 36)
    hook = struct.pack("<2I", 112, 0) + bytes(104)
    ledger = struct.pack("<2I", 17832, 0)
    with Device() as device:
        result, after = call(device, abi.IOC_INFO,
                             struct.pack("<I", 104) + bytes(100))
        tap.equal("sizes: programs of ABI 1",
                  ("INFO", result, 0),
                  ("tells the ABI", struct.unpack_from("<2I", after),
                   (abi.INFO.size, 2)),
                  ("START", call(device, abi.with_size(abi.IOC_START, 184),
                                 start)[0], "EINVAL"),
                  ("HOOK", call(device, abi.IOC_HOOK, hook)[0], "ENOENT"),
                  ("LEDGER", call(device, abi.with_size(abi.IOC_LEDGER, 8),
                                  ledger)[0], "ENODATA"),
                  ("nothing was started", device.info().session, 0))


def answers32(tap, vmm):
    """(result, bytes) of each call of caller32, in the order of its source."""
    with Device() as device:
        followed(device)
        done = subprocess.run([host.CALLER32], stdout=subprocess.PIPE,
                              check=True, timeout=host.PATIENCE)
    rest, answers = done.stdout, []
    while rest:
        result, size = struct.unpack_from("<iI", rest)
        answers.append((result, rest[8:8 + size]))
        rest = rest[8 + size:]
    start, info, hook, flush, stats, stop, follow, ledger = answers
    with Device() as device:
        now, row = device.info(), device.hook(0)
    tap.equal("sizes: 32-bit programs have the same structs",
              *[(f"{name}: bytes", len(answer[1]), size)
                for name, answer, size in (
                    ("START", start, abi.START.size),
                    ("INFO", info, abi.INFO.size),
                    ("HOOK", hook, abi.HOOK.size),
                    ("STATS", stats, abi.STATS.size),
                    ("LEDGER", ledger, abi.LEDGER_SIZE))])
    tap.equal("sizes: and may call each ioctl",
              ("results", [result for result, _ in answers], [0] * 8))
    told = abi.Info(*abi.INFO.unpack(info[1]))
    hooked = abi.Hook(*abi.HOOK.unpack(hook[1]))
    written = abi.Stats(*abi.STATS.unpack(stats[1])).written
    book = abi.Ledger(ledger[1])
    tap.equal("sizes: and get the same answers",
              ("INFO", (told.size, told.abi, told.page_size, told.nr_cpus,
                        told.tsc_khz, told.vcpus_max),
               (now.size, now.abi, now.page_size, now.nr_cpus, now.tsc_khz,
                now.vcpus_max)),
              ("INFO's session", (told.session, told.pages),
               (abi.DEFAULT, 16)),
              ("HOOK", (hooked.index, hooked.classes,
                        hooked.name.rstrip(b"\0").decode()),
               (0, row.classes, row.name)),
              (f"STATS: {written}", 0 < written < 1 << 32, True),
              ("LEDGER", (book.index, book.tgid), (0, vmm.pid)),
              ("closes", sum(book.states.values()), book.now - book.begin))


def test(tap):
    with host.module(), host.running_guest("hlt", "--period-us", 5000) as vmm:
        for part in (grown, shrunk, reserved, other_numbers, first_abi):
            part(tap)
        answers32(tap, vmm)

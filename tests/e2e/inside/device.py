# SPDX-License-Identifier: GPL-2.0-only
"""/dev/kvmsched by its ABI, module/uapi/kvmsched.h, without the tool."""

import collections
import errno
import fcntl
import os
import struct

PATH = "/dev/kvmsched"
MAX_VMS = 32
CLASSES = SWITCH, EXIT, IRQ, TIMER, HOST, STEAL = [1 << n for n in range(6)]
DEFAULT = SWITCH | EXIT | IRQ | TIMER
UNKNOWN_CLASS = STEAL << 1
OVERWRITE = 1
TSC_UNSTABLE = 1		# in INFO's flags


def _ioctl_number(direction, number, size):
    return direction << 30 | size << 16 | ord("k") << 8 | number


def size_of(ioctl):
    return ioctl >> 16 & 0x3fff


def with_size(ioctl, size):
    """The same ioctl of a caller whose struct has another size."""
    return ioctl & ~(0x3fff << 16) | size << 16


ABI = 2
START = struct.Struct(f"<4I{MAX_VMS}i4Q")
INFO = struct.Struct("<10IQ2I2Q2I3Q")
HOOK = struct.Struct("<4IiIQ32s32s2Q")
STATS = struct.Struct("<2I3Q4Q")

STATES = ("unknown", "guest", "exit", "user", "poll", "halted", "blocked",
          "wait_preempted", "wait_woken")
MAX_STATES = 16
BUCKETS = 32
# Up to the exits; their reasons follow.
LEDGER = struct.Struct(f"<2I2i4H2Q{MAX_STATES}Q4Q3Q8Q")
REASONS = 64
LEDGER_SIZE = LEDGER.size + REASONS * (8 + 8 + 4 + BUCKETS * 4)
QUOTA = struct.Struct("<Qq4Q48s4Q")
BPF_SCHEDULER = struct.Struct("<Q2B6s64s4Q")
REASON_L2 = 1 << 30		# inverted in the reasons of a guest's guest

IOC_INFO = _ioctl_number(3, 0x40, INFO.size)
IOC_HOOK = _ioctl_number(3, 0x41, HOOK.size)
IOC_START = _ioctl_number(1, 0x42, START.size)
IOC_STOP = _ioctl_number(0, 0x43, 0)
IOC_FLUSH = _ioctl_number(0, 0x44, 0)
IOC_STATS = _ioctl_number(3, 0x45, STATS.size)
IOC_FOLLOW = _ioctl_number(0, 0x46, 0)
IOC_LEDGER = _ioctl_number(3, 0x47, LEDGER_SIZE)
IOC_QUOTA = _ioctl_number(1, 0x48, QUOTA.size)
IOC_BPF_SCHEDULER = _ioctl_number(1, 0x49, BPF_SCHEDULER.size)

Info = collections.namedtuple("Info", (
    "size abi page_size nr_cpus pages session attached tsc_khz tsc_mult "
    "tsc_shift tsc_offset vcpus vcpus_max refused missed flags "
    "reserved0 reserved1 reserved2 reserved3"))
Hook = collections.namedtuple("Hook", (
    "index classes how attached status reserved0 missed name module "
    "reserved1 reserved2"))
Stats = collections.namedtuple("Stats", (
    "cpu reserved0 written lost overwritten "
    "reserved1 reserved2 reserved3 reserved4"))


class Ledger:
    """struct kvmsched_ledger; times in TSC cycles.  `by_reason` is {reason: count},
    if the caller asked for so much."""

    def __init__(self, data):
        (self.index, _, self.tgid, self.tid, self.vm, self.vcpu, _,
         self.state, self.begin, self.now, *rest) = LEDGER.unpack_from(data)
        self.states = dict(zip(STATES, rest))
        rest = rest[MAX_STATES:]
        self.switches = rest[:4]
        self.waits, self.wait_max, self.exits = rest[4:7]
        if len(data) == LEDGER_SIZE:
            exits = struct.unpack_from(f"<{2 * REASONS}Q{REASONS}I", data, LEDGER.size)
            self.by_reason = {reason: count for count, reason in
                              zip(exits, exits[2 * REASONS:]) if count}


def start_argument(classes=DEFAULT, flags=0, pages=16, vms=(), nr_vms=None,
                   reserved=(0, 0, 0, 0)):
    """struct kvmsched_start, right unless told otherwise."""
    nr_vms = len(vms) if nr_vms is None else nr_vms
    vms = list(vms) + [0] * (MAX_VMS - len(vms))
    return START.pack(classes, flags, pages, nr_vms, *vms, *reserved)


class Device:
    def __init__(self):
        self.fd = os.open(PATH, os.O_RDWR | os.O_CLOEXEC)

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def ioctl(self, number, argument=0):
        """0, or the name of the error, such as "EINVAL"."""
        try:
            fcntl.ioctl(self.fd, number, argument)
        except OSError as error:
            return errno.errorcode[error.errno]
        return 0

    def _query(self, number, layout, *begin):
        argument = bytearray(layout.size)
        struct.pack_into(f"<{len(begin)}I", argument, 0, *begin)
        fcntl.ioctl(self.fd, number, argument)
        return layout.unpack(argument)

    def info(self):
        return Info(*self._query(IOC_INFO, INFO))

    def hook(self, index):
        row = Hook(*self._query(IOC_HOOK, HOOK, index))
        return row._replace(name=row.name.rstrip(b"\0").decode(),
                            module=row.module.rstrip(b"\0").decode())

    def hooks(self):
        rows = []
        try:
            while True:
                rows.append(self.hook(len(rows)))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
        return rows

    def missed(self, name):
        """Hits of one kprobe that the kernel itself dropped."""
        return sum(row.missed for row in self.hooks() if row.name == name)

    def stats(self, cpu):
        return Stats(*self._query(IOC_STATS, STATS, cpu))

    def follow(self):
        fcntl.ioctl(self.fd, IOC_FOLLOW)

    def ledger(self, index):
        argument = bytearray(LEDGER_SIZE)
        struct.pack_into("<I", argument, 0, index)
        fcntl.ioctl(self.fd, IOC_LEDGER, argument)
        return Ledger(argument)

    def ledgers(self):
        found = []
        while True:
            try:
                found.append(self.ledger(len(found)))
            except BlockingIOError:
                pass
            except FileNotFoundError:
                return found

    def ledger_of(self, tid):
        [found] = [one for one in self.ledgers() if one.tid == tid]
        return found

    def vcpus(self, tgid):
        """Threads of a VMM that are followed."""
        return [one.tid for one in self.ledgers() if one.tgid == tgid]

    def start(self, **arguments):
        return self.ioctl(IOC_START, start_argument(**arguments))

    def stop(self):
        return self.ioctl(IOC_STOP)

    def flush(self):
        return self.ioctl(IOC_FLUSH)

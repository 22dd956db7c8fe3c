# SPDX-License-Identifier: GPL-2.0-only
"""A Linux that is a guest and traces itself, and the trace.dat of what it traced."""

import contextlib
import os
import re
import shutil
import socket
import struct
import time

import host

PROGRAM = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                       "../../lab/guest-linux")
HELPER = os.path.join(host.BUILD, "lab", f"helpers-{os.uname().release}", "deliver_once.ko")
PAGE = 4096
CPUCOUNT, TRACECLOCK = 8, 4	# options of trace.dat
# Those right before an exit and right after an entry leave causality little room.
EVENTS = ("sched/sched_switch", "sched/sched_waking", "power/cpu_idle",
          "irq_vectors/local_timer_entry", "msr/write_msr", "timer/hrtimer_start")
CROWD = "raw_syscalls/sys_enter"
TICK_NS = 10 ** 7		# in which /proc/stat counts


@contextlib.contextmanager
def delivered_once():
    """Without it QEMU now and then delivers an interrupt twice, and a Linux stands still."""
    host.run("insmod", HELPER)
    try:
        yield
    finally:
        host.run("rmmod", "deliver_once")


class Linux:
    """It runs while `with Linux() as linux` does; its files are in linux.folder."""

    def __init__(self, smp=1, name="linux", options=()):
        self.smp = smp
        self.options = options		# of guest-linux
        self.folder = os.path.join(host.WORK, name)

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(delivered_once())
            self.boot(stack)
            self.stack = stack.pop_all()
        return self

    def boot(self, stack):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.child = stack.enter_context(host.Child(PROGRAM, "--smp", self.smp, *self.options,
                                               self.folder))
        path = os.path.join(self.folder, "control")
        host.wait_for(lambda: os.path.exists(path) or not self.child.running(),
                      "the socket of the guest")
        if not self.child.running():
            self.child.wait()
        self.socket = stack.enter_context(socket.socket(socket.AF_UNIX))
        # A boot takes half a minute, and more where other emulators are busy, too.
        self.socket.settimeout(5 * host.PATIENCE)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r")
        if self.lines.readline() != "ready\n":
            raise host.Failed(f"the guest doesn't come up\n{self.child.err}")

    def say(self, line):
        """What it prints for that line of shell, which has to succeed."""
        self.socket.sendall(line.encode() + b"\n")
        answer = []
        for text in self.lines:
            if text.startswith("done "):
                if text != "done 0\n":
                    raise host.Failed(f"the guest's {line}: {text}{''.join(answer)}")
                return answer
            answer.append(text.rstrip("\n"))
        raise host.Failed(f"the guest ended at: {line}\n{self.child.err}")

    def vmm(self):
        """The PID of its VMM"""
        for folder in os.listdir("/sys/kernel/debug/kvm"):
            if "-" in folder:
                return int(folder.split("-")[0])
        raise host.Failed("KVM has no VM")

    def trace(self, room_kb, *events):
        self.say(f"trace_begin {room_kb} {' '.join(events or EVENTS)}")

    def crowd(self, count):
        """So many events close to each other: wherever the host interrupts the guest then,
        one is near."""
        self.say(f"crowd {CROWD} {count // 2}")

    def stolen(self):
        """([what each of its CPUs believes was stolen, in ns], when that was).  A CPU counts
        when it wakes up, or has a tick."""
        wakes = "; ".join(f"taskset {1 << cpu:x} sleep 0.05" for cpu in range(self.smp))
        self.say(f"sleep 0.1; {wakes}")
        ticks = [int(line.split()[8]) for line in self.say("grep '^cpu[0-9]' /proc/stat")]
        return [it * TICK_NS for it in ticks], time.clock_gettime_ns(time.CLOCK_MONOTONIC)

    def stop(self):
        """End the trace; how many events each CPU has.  Failed if one was lost."""
        events = []
        for line in self.say("trace_end"):
            cpu, entries, *lost = map(int, line.split())
            if cpu != len(events) or lost != [0, 0]:
                raise host.Failed(f"the guest lost events: {line}")
            events.append(entries)
        self.say("pages_out")
        self.say("formats_out")
        return events

    def off(self):
        """Power off, after which its files are whole.  How often, as far as it is seen,
        the emulator delivered an interrupt twice since it began."""
        self.socket.sendall(b"poweroff -f\n")
        self.child.wait()
        return int(host.read("/sys/module/deliver_once/parameters/twice"))

    def __exit__(self, *unused):
        self.stack.close()

    def write(self, path, shift=0, suffix=""):
        """A trace.dat, as trace-cmd would have made it, of the files with that suffix; all
        times moved by `shift`."""
        files = {}
        for line in host.read(os.path.join(self.folder, f"formats{suffix}")).splitlines(keepends=True):
            name, _, text = line.partition(":")
            files[name] = files.get(name, b"") + text.encode()
        pages = []
        for cpu in range(self.smp):
            with open(os.path.join(self.folder, f"cpu{cpu}{suffix}"), "rb") as file:
                pages.append(moved(file.read(), shift))
        with open(path, "wb") as file:
            file.write(header(files, [len(data) for data in pages]))
            for data in pages:
                file.write(data)
        return path


def moved(pages, shift):
    """Each page begins with the time of its first event."""
    if len(pages) % PAGE:
        raise host.Failed(f"not whole pages: {len(pages)} bytes")
    out = bytearray(pages)
    for at in range(0, len(out), PAGE):
        time, = struct.unpack_from("<Q", out, at)
        struct.pack_into("<Q", out, at, time + shift)
    return out


def later(source, path, shift):
    """A copy of a trace.dat of version 6, with all times moved by `shift`."""
    with open(source, "rb") as file:
        data = file.read()
    # Offset and size of each CPU's pages, behind all else
    at = data.index(b"flyrecord\0") + len(b"flyrecord\0")
    first, _ = struct.unpack_from("<QQ", data, at)
    with open(path, "wb") as file:
        file.write(data[:first] + moved(data[first:], shift))
    return path


def sized(data):
    return struct.pack("<Q", len(data)) + data


def header(files, sizes):
    """All before the pages, in version 6: see trace-cmd.dat.v6(5)."""
    systems = {}
    for name in sorted(files):
        found = re.match(r"events/(\w+)/\w+/format$", name)
        if found:
            systems.setdefault(found[1], []).append(sized(files[name]))
    ftrace = systems.pop("ftrace")
    clock = b"[x86-tsc]"
    parts = [b"\x17\x08\x44tracing6\0\0\x08", struct.pack("<I", PAGE),
             b"header_page\0", sized(files["events/header_page"]),
             b"header_event\0", sized(files["events/header_event"]),
             struct.pack("<I", len(ftrace)), *ftrace, struct.pack("<I", len(systems))]
    for name, formats in systems.items():
        parts += [name.encode() + b"\0", struct.pack("<I", len(formats)), *formats]
    parts += [bytes(4), bytes(4),			# no kallsyms, no printk_formats
              sized(files["saved_cmdlines"]), struct.pack("<I", len(sizes)),
              b"options  \0", struct.pack("<HII", CPUCOUNT, 4, len(sizes)),
              struct.pack("<HI", TRACECLOCK, 0), bytes(2), b"flyrecord\0"]
    start = sum(map(len, parts)) + 16 * len(sizes) + len(sized(clock))
    first = -(-start // PAGE) * PAGE
    for cpu, size in enumerate(sizes):
        parts.append(struct.pack("<QQ", first + sum(sizes[:cpu]), size))
    parts += [sized(clock), bytes(first - start)]
    return b"".join(parts)

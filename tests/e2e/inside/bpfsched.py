# SPDX-License-Identifier: GPL-2.0-only
"""Loads a BPF scheduler (sched_ext) that has a name and no program: the kernel queues
its tasks in one line then, first come, first served. It takes four system calls and the
kernel's own description of its types (BTF), and neither a compiler nor a library."""

import ctypes
import functools
import os
import struct

import host

FOLDER = "/sys/kernel/sched_ext"
BTF = "/sys/kernel/btf/vmlinux"
VALUE = "bpf_struct_ops_sched_ext_ops"	# what BPF's map holds: a header and the ops
SWITCH_PARTIAL = 1 << 3			# SCX_OPS_SWITCH_PARTIAL: SCHED_EXT's threads alone
SYS_BPF = 321
MAP_CREATE, MAP_UPDATE_ELEM, BTF_LOAD, LINK_CREATE = 0, 2, 18, 28
TYPE_STRUCT_OPS, ATTACH_STRUCT_OPS = 26, 44
F_LINK = 1 << 13
INT, STRUCT = 1, 4
MAGIC = 0xeb9f
# Bytes behind a type's first twelve by kind: once, and for each of its members
BEHIND = {1: (4, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 13: (0, 8), 14: (4, 0),
          15: (0, 12), 17: (4, 0), 19: (0, 12)}
KINDS = 20

libc = ctypes.CDLL(None, use_errno=True)


class Types:
    """The structs of a kernel, by name: id, size and {member: offset}"""

    def __init__(self, raw):
        self.raw = raw
        magic, _, _, length, types, types_length, strings, _ = struct.unpack_from(
            "<HBBIIIII", raw)
        if magic != MAGIC:
            raise host.Failed(f"{BTF} is no BTF")
        self.begin, self.end = length + types, length + types + types_length
        self.strings = length + strings

    def name(self, offset):
        begin = self.strings + offset
        return self.raw[begin:self.raw.index(b"\0", begin)].decode()

    def struct(self, wanted):
        at, number = self.begin, 0
        while at < self.end:
            number += 1
            name, info, size = struct.unpack_from("<III", self.raw, at)
            kind, members = info >> 24 & 0x1f, info & 0xffff
            if kind >= KINDS:
                raise host.Failed(f"{BTF} has types of kind {kind}, unknown here")
            at += 12
            if kind == STRUCT and self.name(name) == wanted:
                return number, size, dict(self.member(at + 12 * i) for i in range(members))
            once, each = BEHIND.get(kind, (0, 0))
            at += once + each * members
        raise host.Failed(f"this kernel has no struct {wanted}")

    def member(self, at):
        name, _, bits = struct.unpack_from("<III", self.raw, at)
        return self.name(name), bits // 8


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, max(128, len(attributes)))
    result = libc.syscall(SYS_BPF, command, buffer, len(buffer))
    if result < 0:
        raise host.Failed(f"bpf({command}): {os.strerror(ctypes.get_errno())}")
    return result


def types_of_our_own():
    """The kernel asks for some: a file that describes one int"""
    names = b"\0int\0"
    one = struct.pack("<4I", 1, INT << 24, 4, 1 << 24 | 32)
    raw = struct.pack("<HBBIIIII", MAGIC, 1, 0, 24, 0, len(one), len(one), len(names)) + one + names
    data = ctypes.create_string_buffer(raw, len(raw))
    return bpf(BTF_LOAD, struct.pack("<2QI", ctypes.addressof(data), 0, len(raw)))


@functools.cache
def layouts():
    """The value's struct and that of the ops; a look takes seconds in the lab."""
    with open(BTF, "rb") as file:
        types = Types(file.read())
    return types.struct(VALUE), types.struct("sched_ext_ops")


def value_of(name, all_threads):
    """What the map is to hold, and the number of its type"""
    (number, size, members), (_, _, ops) = layouts()
    value, begin = bytearray(size), members["data"]
    struct.pack_into("<Q", value, begin + ops["flags"], 0 if all_threads else SWITCH_PARTIAL)
    struct.pack_into(f"{len(name)}s", value, begin + ops["name"], name.encode())
    return number, value


def state():
    return host.read(f"{FOLDER}/state").strip()


class Loaded:
    """with Loaded(name): the kernel has it. It goes with its link, also if we die."""

    def __init__(self, name, all_threads=True):
        number, self.value = value_of(name, all_threads)
        types = types_of_our_own()
        # Type, sizes of key and value, entries, flags; further on the types: a file of
        # ours, and what the value is by the kernel's
        self.ops = bpf(MAP_CREATE, struct.pack("<5I28xI8x2I", TYPE_STRUCT_OPS, 4,
                                               len(self.value), 1, F_LINK, types, number, 0))
        os.close(types)
        self.link = None

    def __enter__(self):
        key, data = ctypes.c_uint32(0), ctypes.create_string_buffer(bytes(self.value))
        bpf(MAP_UPDATE_ELEM, struct.pack("<I4x3Q", self.ops, ctypes.addressof(key),
                                         ctypes.addressof(data), 0))
        self.link = bpf(LINK_CREATE, struct.pack("<3I", self.ops, 0, ATTACH_STRUCT_OPS))
        host.wait_for(lambda: state() == "enabled", "the BPF scheduler")
        return self

    def unload(self):
        if self.link is not None:
            os.close(self.link)
            self.link = None
            host.wait_for(lambda: state() == "disabled", "the BPF scheduler to go")

    def __exit__(self, *unused):
        self.unload()
        os.close(self.ops)

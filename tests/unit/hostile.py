#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Recordings that nobody recorded, made to be dear or to be taken wrongly.

usage: hostile.py FOLDER            writes all of them there (O: the build folder)

Those in the folder hostile/ were recorded, or made by hand: a1s and b60s, of 1 s and of
60 s, and cmp-*, smaller ones of which one says that it is long, take long to compare;
thief names that are escapes (esc) or no UTF-8 (utf8); a hook's status that has no text
(ub-attach-status)."""
import gzip
import pathlib
import re
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from tool import FORMATS, O  # noqa: E402

PAGE = 4096
KEPT = HERE / "hostile"


def header_and_pages(path):
    """Those of a recording of one CPU: what comes before the place and size of its pages in
    the header, what comes behind them, and the pages."""
    data = pathlib.Path(path).read_bytes()
    for start in range(PAGE, len(data), PAGE):
        at = data.find(struct.pack("<QQ", start, len(data) - start), 0, start)
        if at > 0:
            return (data[:at], data[at + 16:start],
                    [data[i:i + PAGE] for i in range(start, len(data), PAGE)])
    raise ValueError(f"{path}: no pages found")


def page_of(timestamp, records):
    return (struct.pack("<QQ", timestamp, len(records)) + records).ljust(PAGE, b"\0")


def compress(plain, packed):
    """Replaces the one file by the other."""
    subprocess.run(["trace-cmd", "convert", "-i", plain, "-o", packed, "--file-version", "7",
                    "--compression", "zstd"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    pathlib.Path(plain).unlink()


def records_of(page):
    """A page's records that are short, each with the word before it. That word's lower five
    bits are the length in words, and the others the time since the last one."""
    size, = struct.unpack_from("<Q", page, 8)
    at = 16
    while at < 16 + size:
        length = 4 + 4 * (struct.unpack_from("<I", page, at)[0] & 31)
        if not 4 < length <= 4 + 4 * 28:
            return
        yield page[at:at + length]
        at += length


def repetitive(folder, pages):
    """Nothing but the same record over and over, and then compressed: a small file that is a
    very large one."""
    plain, packed = f"{folder}/repetitive.dat", f"{folder}/repetitive7.dat"
    subprocess.run([O / "unit/bigfile", FORMATS, plain, "200", "1"], check=True)
    before, behind, own = header_and_pages(plain)
    start, = struct.unpack_from("<Q", own[1])
    record = min(records_of(own[1]), key=len)
    record = struct.pack("<I", 100 << 5 | record[0] & 31) + record[4:]
    fit = (PAGE - 16) // len(record)
    with open(plain, "wb") as file:
        place = len(before) + 16 + len(behind)
        file.write(before + struct.pack("<QQ", place, (1 + pages) * PAGE) + behind + own[0])
        for i in range(pages):
            file.write(page_of(start + i * 100 * fit, record * fit))
    compress(plain, packed)
    return packed


def format_of(event):
    """Without how it is printed, which nobody needs here."""
    text = (FORMATS / f"kvmsched/kvmsched_{event}/format").read_text(encoding="utf-8")
    return text[:text.index("print fmt")] + 'print fmt: ""\n'


def record_of(event, **values):
    """A record with these fields, all others zero, behind the word before it."""
    text = format_of(event)
    fields = {name: (int(offset), int(size)) for name, offset, size in re.findall(
        r"field:[^;]*?(\w+)(?:\[\d*\])?;\s*offset:(\d+);\s*size:(\d+)", text)}
    data = bytearray(-(-max(sum(field) for field in fields.values()) // 4) * 4)
    values["common_type"] = int(re.search(r"ID: (\d+)", text).group(1))
    for name, value in values.items():
        offset, size = fields[name]
        data[offset:offset + size] = (value % (1 << 8 * size)).to_bytes(size, "little")
    return worded(bytes(data))


def worded(data):
    if len(data) <= 28 * 4:
        return struct.pack("<I", 1 << 5 | len(data) // 4) + data
    return struct.pack("<II", 1 << 5, len(data) + 4) + data


def page_cut(timestamp, records, missed=None):
    """A page that ends where its last record does. `missed`: so many records before it."""
    head = len(records) | (3 << 30 if missed is not None else 0)
    counted = b"" if missed is None else struct.pack("<Q", missed)
    return struct.pack("<QQ", timestamp, head) + records + counted


def trace_of(formats, ranges, page_size, options=b""):
    """A version 6 file: the bytes of each of the ranges, and for each CPU which one it has."""
    data, chosen = ranges
    head = [b"\x17\x08\x44tracing6\0\0\x08", struct.pack("<I", page_size),
            b"header_page\0", bytes(8), b"header_event\0", bytes(8), bytes(4),
            struct.pack("<I", 1), b"kvmsched\0", struct.pack("<I", len(formats))]
    for text in formats:
        head += [struct.pack("<Q", len(text)), text.encode()]
    head += [bytes(4 + 4 + 8), struct.pack("<I", len(chosen)), b"options  \0",
             struct.pack("<HI", 4, 0), struct.pack("<HIIIQ", 14, 16, 1 << 9, 10, 0), options,
             bytes(2),
             b"flyrecord\0"]
    clock = struct.pack("<Q", 9) + b"[x86-tsc]"
    place = sum(map(len, head)) + 16 * len(chosen) + len(clock)
    places = []
    for piece in data:
        places.append(struct.pack("<QQ", place, len(piece)))
        place += len(piece)
    return b"".join([*head, *(places[i] for i in chosen), clock, *data])


def far_pid():
    """Another event of it has common_pid where this one's record has ended."""
    field = "\tfield:{};\toffset:{};\tsize:{};\tsigned:{};\n"
    begin = field.format("u16 common_type", 0, 2, 0)
    near = "name: kvmsched_load\nID: 2\n" + begin + field.format("int common_pid", 4, 4, 1) + \
        field.format("u16 vm", 2, 2, 0)
    far = "name: x\nID: 3\n" + begin + field.format("int common_pid", 252, 4, 1)
    page = page_cut(1000, worded(struct.pack("<HHi", 2, 1, 7)))
    return trace_of([near, far], ([page], [0]), 256)


def earliest():
    """A timer expired as early as a number can say."""
    page = page_cut(1000, record_of("timer_expire", vm=1, late_cycles=-2 ** 63))
    return trace_of([format_of("timer_expire"), format_of("exit")], ([page], [0]), PAGE)


def missed_sum():
    """The numbers of what is missing sum to more than a number can say."""
    empty = page_cut(1000, b"", 2 ** 62 + 5).ljust(256, b"\0")
    return trace_of([format_of("timer_expire"), format_of("exit")],
                    ([empty * 3 + page_cut(2000, record_of("exit", vm=1))], [0]), 256)


def overlap():
    """8,192 CPUs, all with the same page, of a megabyte: read for each, 8.4 GB."""
    record = record_of("exit", vm=1, reason=0x72, guest_cycles=10, host_cycles=10)
    page = page_of(1000, record).ljust(1 << 20, b"\0")
    return trace_of([format_of("exit")], ([page], [0] * 8192), len(page))


def yields():
    """Directed yields of more processes than there are rows, than there are bytes, and than a
    file may tell of; and of as many as that, with counts that no signed number can say."""
    def option(count, rows, size=24):
        data = b"kvsyield" + struct.pack("<II", count, size) + rows
        return struct.pack("<HI", 0x6b77, len(data)) + data

    row = struct.pack("<iIQQ", 4700, 1, 2 ** 64 - 1, 2 ** 64 - 1)
    options = [option(2, row), option(2 ** 32 - 1, row), option(0xaaaaaab, row),
               option(257, 257 * row), option(1, row, 0), option(1, b""),
               option(256, 256 * row), option(1, row)]
    page = page_cut(1000, record_of("exit", vm=1, reason=0x81))
    return trace_of([format_of("exit")], ([page], [0]), PAGE, b"".join(options))


def write_all(folder):
    """All of them, in their order: neighbours are worth comparing."""
    paths = []
    for kept in sorted(KEPT.glob("*.dat.gz")):
        paths.append(pathlib.Path(folder, kept.stem))
        paths[-1].write_bytes(gzip.decompress(kept.read_bytes()))
    for make in far_pid, earliest, missed_sum, overlap, yields:
        paths.append(pathlib.Path(folder, make.__name__ + ".dat"))
        paths[-1].write_bytes(make())
    paths.append(pathlib.Path(folder, "crowd.dat"))
    subprocess.run([O / "unit/crowd", FORMATS, paths[-1], "1024", "1000"], check=True)
    return paths


if __name__ == "__main__":
    write_all(sys.argv[1])

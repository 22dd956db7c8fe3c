# SPDX-License-Identifier: GPL-2.0-only
"""Recordings that nobody recorded, made to be dear or to be taken wrongly. Each function
writes one into a folder and returns its path."""
import pathlib
import struct
import subprocess

from tool import FORMATS, O

PAGE = 4096


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

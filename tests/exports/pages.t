#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What pages and databases of large recordings cost: a page of ten million records beside
the report of the same file, the first frame that a browser draws of a page beside one of an
empty page as large, and how many rows a second an export writes.

usage: pages.t            (O: the build folder, as for make)
"""
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "unit")]
sys.dont_write_bytecode = True
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position
from tool import FORMATS, KVMSCHED, O, TOP  # noqa: E402  pylint: disable=wrong-import-position
from browser import start  # noqa: E402  pylint: disable=wrong-import-position

EXITS, CPUS = 9_350_000, 4		# ten million records
SMALL_EXITS = 935_000			# a million, of which a page has every span
PAGE_BYTES = 5_000_000
CPU_TIMES, MEMORY = 4, 100e6
FRAMES = 3
PAIRS = 5
ROUNDS = 5
FIRST_PAINT = """return performance.getEntriesByType("paint")
    .filter((entry) => entry.name === "first-contentful-paint").map((entry) => entry.startTime)"""
TAP = Tap()


class Cost:
    """CPU time, s, and largest memory, bytes, of a program that succeeds"""

    def __init__(self, *words):
        with open(os.devnull, "w", encoding="ascii") as out:
            child = subprocess.Popen(words, stdout=out, stderr=out)
            _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"Bail out! {words}: status {child.returncode}")
        self.seconds = used.ru_utime + used.ru_stime
        self.bytes = used.ru_maxrss * 1024


def bigfile(path, exits):
    subprocess.run([O / "unit/bigfile", FORMATS, path, str(exits), str(CPUS)], check=True)
    return path


def large(folder):
    """A page of ten million records beside their report"""
    recording, page = bigfile(folder / "large.dat", EXITS), folder / "large.html"
    # In turns; the one in the middle
    pairs = [(Cost(KVMSCHED, "report", recording),
              Cost(KVMSCHED, "report", "--html", page, recording)) for _ in range(PAIRS)]
    report, made = sorted(pairs, key=lambda pair: pair[1].seconds / pair[0].seconds)[PAIRS // 2]
    most = max(one.bytes for _, one in pairs)
    times = made.seconds / report.seconds
    print(f"# page: {made.seconds:.2f} s of CPU, {times:.2f} times the report's "
          f"{report.seconds:.2f} s, {most / 1e6:.1f} MB; {page.stat().st_size} bytes")
    TAP.empty(f"a page takes at most {CPU_TIMES} times the report's CPU time",
              [] if times <= CPU_TIMES else [times])
    TAP.empty("and little memory", [] if most <= MEMORY else [most])
    TAP.empty("and is small", [] if page.stat().st_size <= PAGE_BYTES else [page.stat().st_size])
    TAP.empty("and says what it left out", [] if b'"whole":false' in page.read_bytes() else ["no"])
    recording.unlink()


def rows_a_second(folder, recording):
    database = folder / "small.db"
    words = subprocess.run([KVMSCHED, "export", "--sqlite", database, recording], check=True,
                           text=True, stderr=subprocess.PIPE).stderr
    rows = int(words.split()[1])
    database.unlink()
    cost = Cost(KVMSCHED, "export", "--sqlite", database, recording)
    print(f"# export: {rows} rows in {cost.seconds:.2f} s of CPU, {rows / cost.seconds:.0f} a second")
    TAP.empty("an export has its rows", [] if rows > SMALL_EXITS else [rows])


def first_frame(browser, page):
    """ms from the beginning of the navigation, in the middle of some rounds"""
    found = []
    for _ in range(ROUNDS):
        browser.get("about:blank")
        browser.get(page.as_uri())
        while not browser.execute_script(FIRST_PAINT):
            pass
        found += browser.execute_script(FIRST_PAINT)
    return sorted(found)[ROUNDS // 2]


def frames(folder, browser, recording):
    page, empty = folder / "page.html", folder / "empty.html"
    subprocess.run([KVMSCHED, "report", "--html", page, recording], check=True)
    filler = "A" * (page.stat().st_size - 200)
    empty.write_text("<!DOCTYPE html><meta charset='utf-8'><title>empty</title><h1>empty</h1>"
                     f"<script type='text/plain'>{filler}</script>", encoding="ascii")
    ours, theirs = first_frame(browser, page), first_frame(browser, empty)
    print(f"# first frame: {ours:.0f} ms, of an empty page of {page.stat().st_size} bytes "
          f"{theirs:.0f} ms: {ours / theirs:.2f} times")
    TAP.empty(f"a page's first frame takes at most {FRAMES} times an empty one's",
              [] if ours <= FRAMES * theirs else [ours / theirs])


def main():
    browser = start()
    if not browser:
        return
    subprocess.run(["make", "-s", "-C", TOP / "tests/unit", O / "unit/bigfile"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        large(folder)
        small = bigfile(folder / "small.dat", SMALL_EXITS)
        rows_a_second(folder, small)
        frames(folder, browser, small)
    browser.quit()
    print(f"1..{TAP.number}")


main()

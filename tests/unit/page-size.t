#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How large pages of `kvmsched report --html` are, and whether they say what they left out.
The recording is the worst for a page: its times are random, and it has many lanes.

usage: page-size.t            (O: the build folder, as for make)
"""
import base64
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.dont_write_bytecode = True
from tap import Tap  # noqa: E402
from tool import O  # noqa: E402

GOLDEN = HERE.parent / "golden"
MOST = 5_000_000
EXITS, LANES = 935_000, 64
TAP = Tap()


class Page:
    """What a page holds"""
    def __init__(self, folder, recording, *options):
        file = folder / "page.html"
        subprocess.run([O / "tools/kvmsched", "report", "--html", file, *options, recording],
                       check=True)
        self.size = file.stat().st_size
        self.text = file.read_text()
        self.json = json.loads(self.part("json"))

    def part(self, name):
        return re.search(f'<script type="[^"]*" id="{name}">(.*?)</script>', self.text,
                         re.DOTALL).group(1)

    def unpacked(self, name):
        return zlib.decompress(base64.b64decode(self.part(name)))

    def lanes(self):
        return [lane for group in ("vcpus", "timers", "irqs", "cpus", "hosts", "tasks")
                for lane in self.json[group]]

    def wrong_bins(self):
        """The bins have the length that the JSON tells, and the finest that fit."""
        frame, length = self.json["frame"], 0
        for lane in self.json["bins"]:
            width = frame["width"] << lane["halved"]
            nr = -(-(frame["to"] - frame["from"]) // width)
            length += len(lane["kinds"]) * lane["bytes"] * nr
        if length != len(self.unpacked("bins")):
            yield f"{len(self.unpacked('bins'))} bytes instead of {length}"
        if len(self.json["bins"]) != len(self.lanes()):
            yield f"{len(self.json['bins'])} lanes"
        if frame["nr"] < 65536:
            yield f"{frame}"


def wrong_limits(folder):
    """--spans is taken at its word: so many, and not one more"""
    checked = 0
    for recording in sorted(GOLDEN.glob("s*.dat")):
        said = Page(folder, recording, "--spans=0").json
        if said["tasks"]:  # what these ran is drawn in two lanes, and is one span
            continue
        checked += 1
        count = said["all_spans"]
        for allowed, whole in (count, True), (count - 1, False):
            if Page(folder, recording, f"--spans={allowed}").json["whole"] != whole:
                yield f"{recording.name}: {count} spans, --spans={allowed}"
    if checked < 3:
        yield f"only {checked} recordings"


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        recording = folder / "big.dat"
        subprocess.run([O / "unit/bigfile", GOLDEN / "formats", recording,
                        str(EXITS), str(LANES)], check=True)
        page = Page(folder, recording)
        said = page.json
        print(f"# {said['records']} records, {said['spans']} spans: {page.size} bytes")
        TAP.empty("a million records have all spans in a page", [] if
                  said["records"] >= 1_000_000 and said["whole"] and
                  said["spans"] == said["all_spans"] else [said["records"], said["spans"]])
        TAP.empty("and it is small enough", [] if page.size <= MOST else [page.size])
        page = Page(folder, recording, "--spans=0", "--to", "0.04")
        said = page.json
        print(f"# {said['all_spans']} spans, {said['spans']} kept, bins halved up to "
              f"{max(lane['halved'] for lane in said['bins'])} times: {page.size} bytes")
        TAP.empty("nor is it too large with many busy lanes", [] if page.size <= MOST else
                  [page.size])
        TAP.empty("some lanes have coarser bins there", [] if
                  any(lane["halved"] for lane in said["bins"]) else [said["bins"]])
        TAP.empty("all its bins are there", page.wrong_bins())
        TAP.empty("it says how many spans it left out", [] if not said["whole"] and
                  0 < said["spans"] < said["all_spans"] else [said["spans"], said["all_spans"]])
        TAP.empty("--spans is exact", wrong_limits(folder))
    print(f"1..{TAP.number}")


main()

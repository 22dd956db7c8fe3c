# SPDX-License-Identifier: GPL-2.0-only
"""The build folder, the program under test, and recordings to try it on."""
import os
import pathlib
import re
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[1]
O = pathlib.Path(os.environ.get("O", TOP / "build")).resolve()
KVMSCHED = O / "tools/kvmsched"
GOLDEN = TOP / "tests/golden"
FORMATS = GOLDEN / "formats"


def run(*args):
    """The program's exit status, its standard output, and its messages."""
    done = subprocess.run([KVMSCHED, *args], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout, done.stderr


def reports():
    """What `kvmsched report` is given for the whole and for each report on one recording,
    each with as many rows as a page has."""
    names = re.findall(r"^  ([a-z]+) ", run("report", "--help")[1].split("\nReports:\n")[1], re.M)
    rows = {"worst": ["-n50"], "exits": ["-n50"], "io": ["-n50"]}
    return [[], *([name, *rows.get(name, [])] for name in names if name != "guest")]

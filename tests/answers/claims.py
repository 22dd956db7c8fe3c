# SPDX-License-Identifier: GPL-2.0-only
"""The claims of docs/answers: each has a number, a recording, a query and a value.

A page cites a claim by its number, "[1.2]", right behind the words that state it, and
lists at its end where each comes from:

    1.2  interrupts  .vcpus[0].exits[] | select(.reason == "hlt").count  = 20

that is what jq prints for this query on `kvmsched report --json data/interrupts.dat`.
"""

import collections
import functools
import glob
import os
import re
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.path.realpath(os.environ.get("O") or f"{TOP}/build")
KVMSCHED = f"{BUILD}/tools/kvmsched"
ANSWERS = f"{TOP}/docs/answers"
DATA = f"{ANSWERS}/data"

LINE = re.compile(r"    (\d\.\d+) +(\S+) +(\S.*\S) +=(?: (.*))?$")
CITED = re.compile(r"\[(\d\.\d+)\]")
# One or more of them, and what stands before them since the ones before
STATED = re.compile(r"(.*?)((?:\[\d\.\d+\]\s*)+)", re.DOTALL)

Claim = collections.namedtuple("Claim", "number recording query value")


class Page:
    """One page: its claims, and the words behind which they are cited"""

    def __init__(self, path):
        self.name = os.path.basename(path)
        with open(path, encoding="utf-8") as file:
            self.text = file.read()
        self.claims = [Claim(*found.groups()) for line in self.text.splitlines()
                       if (found := LINE.match(line))]
        self.cited = collections.defaultdict(str)
        for paragraph in re.split(r"\n\s*\n", self.text):
            for words, numbers in STATED.findall(paragraph):
                for number in CITED.findall(numbers):
                    self.cited[number] += " ".join(words.split()) + "\n"


def pages():
    return [Page(path) for path in sorted(glob.glob(f"{ANSWERS}/q*.md"))]


@functools.lru_cache(maxsize=None)
def report(folder, recording):
    """The report of a recording in a folder, as JSON"""
    return subprocess.run([KVMSCHED, "report", "--json", f"{folder}/{recording}.dat"],
                          check=True, stdout=subprocess.PIPE).stdout


def value(folder, claim):
    """What the query of a claim finds in the recordings of a folder"""
    done = subprocess.run(["jq", "-r", claim.query], input=report(folder, claim.recording),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout.decode("utf-8", "replace").strip()

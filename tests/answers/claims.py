# SPDX-License-Identifier: GPL-2.0-only
"""The claims of docs/answers: each has a number, a recording, a query and a value.

A page cites a claim by its number, "[1.2]", right behind the words that state it, and
lists at its end where each comes from:

    1.2  interrupts  .vcpus[0].exits[] | select(.reason == "hlt").count  = 20

that is what jq prints for this query on `kvmsched report --json data/interrupts.dat`. A
query that begins with SELECT is one of the tables of `kvmsched export --sqlite`, and of
quanta, see below.

Where there is data/NAME-guest.dat beside data/NAME.dat, a guest has recorded its own
scheduler meanwhile. Queries of jq are then about `kvmsched report guest --json data/NAME.dat
--guest data/NAME-guest.dat`.
"""

import collections
import functools
import glob
import os
import re
import sqlite3
import subprocess
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.path.realpath(os.environ.get("O") or f"{TOP}/build")
KVMSCHED = f"{BUILD}/tools/kvmsched"
ANSWERS = f"{TOP}/docs/answers"
DATA = f"{ANSWERS}/data"
OF_GUEST = "-guest"		# in the name of what a guest has recorded

# What a process of payload rr had from one CPUID to the next, which tell its switches
QUANTA = """CREATE VIEW quanta AS
WITH ends AS (SELECT vcpu, lag(end_ns) OVER (PARTITION BY vcpu ORDER BY end_ns) AS begin_ns,
                     end_ns FROM exits WHERE reason = 'cpuid')
SELECT *, end_ns - begin_ns AS length_ns,
       (SELECT sum(min(s.end_ns, e.end_ns) - max(s.begin_ns, e.begin_ns)) FROM states s
        WHERE s.vcpu = e.vcpu AND s.state = 'guest'
        AND s.end_ns > e.begin_ns AND s.begin_ns < e.end_ns) AS guest_ns
FROM ends e WHERE begin_ns IS NOT NULL"""

LINE = re.compile(r"    (?P<number>\d\.\d+) +(\S+) +(?P<query>\S.*\S) +=(?: (.*))?$")
DRAWN = re.compile(r"    \$ kvmsched (report --svg (\S+) .*)")
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
    guest = f"{folder}/{recording}{OF_GUEST}.dat"
    words = ["guest", "--guest", guest] if os.path.exists(guest) else []
    return subprocess.run([KVMSCHED, "report", *words, "--json", f"{folder}/{recording}.dat"],
                          check=True, stdout=subprocess.PIPE).stdout


@functools.lru_cache(maxsize=None)
def database(folder, recording):
    """The export of a recording in a folder, in memory"""
    with tempfile.TemporaryDirectory() as work:
        subprocess.run([KVMSCHED, "export", "--sqlite", f"{work}/db",
                        f"{folder}/{recording}.dat"], check=True, stderr=subprocess.DEVNULL)
        db = sqlite3.connect(":memory:")
        with sqlite3.connect(f"{work}/db") as file:
            file.backup(db)
        file.close()
    db.execute(QUANTA)
    return db


def value(folder, claim):
    """What the query of a claim finds in the recordings of a folder"""
    if claim.query.startswith("SELECT "):
        try:
            return str(database(folder, claim.recording).execute(claim.query).fetchone()[0])
        except sqlite3.Error as error:
            return str(error)
    done = subprocess.run(["jq", "-r", claim.query], input=report(folder, claim.recording),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout.decode("utf-8", "replace").strip()

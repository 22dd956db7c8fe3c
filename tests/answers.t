#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Each figure of docs/answers is what its query finds in the recording beside it, and
each picture is what the program draws of one.

usage: answers.t [--update]	--update: draw the pictures anew
"""

import filecmp
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, f"{HERE}/answers"]
sys.dont_write_bytecode = True
import claims			# noqa: E402
from tap import Tap		# noqa: E402

MOST = 300 * 1024		# bytes of a recording


def wrong_claims(page):
    """What does not hold, or is not told"""
    numbers = [claim.number for claim in page.claims]
    if not numbers:
        yield f"{page.name} has no claims"
    for number in sorted({number for number in numbers if numbers.count(number) > 1}):
        yield f"{number} is listed more than once"
    for number in sorted(set(page.cited) - set(numbers)):
        yield f"{number} is cited, and no query is listed for it"
    for claim in page.claims:
        found = claims.value(claims.DATA, claim)
        if found != claim.value:
            yield f"{claim.number}: {claim.query}: {found}, expected {claim.value}"
        if not re.search(rf"(?<![\w.]){re.escape(claim.value)}(?![\w]|\.\d)",
                         page.cited[claim.number]):
            yield f"{claim.number}: no words before it say {claim.value}"


def pictures(page):
    """(file, command) of each that a page shows"""
    return [(name, shlex.split(command)) for command, name in claims.DRAWN.findall(page.text)]


def wrong_pictures(page, update):
    drawn = pictures(page)
    for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.text):
        if name not in dict(drawn):
            yield f"{name}: no command is shown that draws it"
    for name, command in drawn:
        with tempfile.TemporaryDirectory() as folder:
            new = os.path.join(folder, name)
            command[command.index(name)] = new
            # As a reader of the page would run it there
            subprocess.run([claims.KVMSCHED, *command], cwd=claims.ANSWERS, check=True)
            if update:
                shutil.copy(new, f"{claims.ANSWERS}/{name}")
            if not filecmp.cmp(new, f"{claims.ANSWERS}/{name}", shallow=False):
                yield f"{name} is not what `kvmsched {' '.join(command)}` draws"


def wrong_files(pages):
    used = {claim.recording for page in pages for claim in page.claims}
    shown = {name for page in pages for name, _ in pictures(page)}
    for path in sorted(glob.glob(f"{claims.DATA}/*.dat")):
        name = os.path.basename(path).removesuffix(".dat").removesuffix(claims.OF_GUEST)
        if os.path.getsize(path) > MOST:
            yield f"{name}.dat has more than {MOST} bytes"
        if name not in used:
            yield f"{name}.dat: no claim needs it"
    for path in sorted(glob.glob(f"{claims.ANSWERS}/*.svg")):
        if os.path.basename(path) not in shown:
            yield f"{os.path.basename(path)}: no page shows it"


def main():
    if not shutil.which("jq"):
        print("Bail out! jq is missing: apt install jq")
        return 1
    tap, pages = Tap(), claims.pages()
    for page in pages:
        tap.empty(f"{page.name}: each figure is what its query finds", wrong_claims(page))
        tap.empty(f"{page.name}: each picture is what its command draws",
                  wrong_pictures(page, sys.argv[1:] == ["--update"]))
    tap.empty("there is a page for each of the four questions",
              [] if [page.name[:2] for page in pages] == ["q1", "q2", "q3", "q4"] else
              [str([page.name for page in pages])])
    tap.empty("no recording and no picture is left over, and none is large",
              wrong_files(pages))
    print(f"1..{tap.number}")
    return 0


sys.exit(main())

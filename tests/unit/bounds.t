#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a recording may cost whoever reads it: seconds of CPU time, and memory.
Large recordings of many vCPUs, and small ones that were made to be expensive.

usage: bounds.t            (O: the build folder, as for make)"""
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import tap  # noqa: E402
from tool import FORMATS, KVMSCHED, O  # noqa: E402

MB = 100


def limit(seconds):
    """For a child: it ends with a signal, if the limit is not kept."""
    return lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def wrong(seconds, *command):
    """What is wrong with how the command ended, and what it used."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          preexec_fn=limit(seconds + 1)) as child:
        said = child.stderr.read().decode(errors="replace")
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    cpu, mb = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    print(f"# {cpu:.1f} s, {mb:.0f} MB")
    if child.returncode:
        yield f"status {child.returncode}: {said}"
    if cpu > seconds:
        yield f"took {cpu:.1f} s of CPU time, not {seconds}"
    if mb > MB:
        yield f"took {mb:.0f} MB, not {MB}"


def main():
    os.environ["LC_ALL"] = "C.UTF-8"
    test = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        many = folder + "/many.dat"
        subprocess.run([O / "unit/bigfile", FORMATS, many, "1100000", "256", "1000"],
                       check=True)
        for words in [], ["worst"], ["--json"], ["timers", "--json"], ["io"]:
            test.empty(f"{' '.join(['report', *words])} of 1,000 vCPUs on 256 CPUs",
                       wrong(4, KVMSCHED, "report", *words, many))
        test.empty("report --html of 1,000 vCPUs on 256 CPUs",
                   wrong(8, KVMSCHED, "report", "--html", folder + "/page.html", many))
        ios = folder + "/ios.dat"
        subprocess.run([O / "unit/ios", FORMATS, ios, "1500000"], check=True)
        test.empty("report io of much guest I/O", wrong(2, KVMSCHED, "report", "io", ios))
        crowd = folder + "/crowd.dat"
        subprocess.run([O / "unit/crowd", FORMATS, crowd, "4000", "5000"], check=True)
        for words in (["compare", crowd], ["report"], ["report", "worst"],
                      ["report", "thieves"], ["report", "--json"]):
            name = " ".join(word for word in words if word != crowd)
            test.empty(f"{name} where 4,000 vCPUs wait for 5,000 tasks",
                       wrong(2, KVMSCHED, *words, crowd))
    print(f"1..{test.number}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a recording may cost whoever reads it: seconds of CPU time, and memory.
Large recordings of many vCPUs, and small ones that were made to be expensive.

usage: bounds.t            (O: the build folder, as for make)"""
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import hostile  # noqa: E402
import tap  # noqa: E402
from tool import FORMATS, KVMSCHED, O  # noqa: E402

MB = 100


def limit(seconds):
    """For a child: it ends with a signal, if the limit is not kept."""
    return lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def own_peak(pid):
    """The most memory that the process itself has had, in KB; 0 if it has ended."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    peak = re.search(r"^VmHWM:\s*(\d+)", status, re.M)
    return int(peak.group(1)) if peak else 0


def ended(pid):
    """How it ended, what it used, and the most memory that the process itself had, in KB."""
    own = 0
    while True:
        peak = own_peak(pid)
        done, status, used = os.wait4(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), used, own
        own = max(own, peak)
        time.sleep(0.002)


def wrong(seconds, *command, status=(0,), says="", forks=False):
    """What is wrong with how the command ended, what it said, and what it used. Of a command
    that forks, wait4() tells the memory of the larger process: the other's is added."""
    with tempfile.TemporaryFile() as err, \
         subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=err,
                          preexec_fn=limit(seconds + 1)) as child:
        child.returncode, used, own = ended(child.pid)
        err.seek(0)
        said = err.read().decode(errors="replace")
    kb = used.ru_maxrss + (own if forks else 0)
    cpu, mb = used.ru_utime + used.ru_stime, kb / 1024
    print(f"# {cpu:.1f} s, {mb:.0f} MB")
    if child.returncode not in status:
        yield f"status {child.returncode}: {said}"
    if says not in said or (child.returncode and not said):
        yield f"says {said}"
    if cpu > seconds:
        yield f"took {cpu:.1f} s of CPU time, not {seconds}"
    if mb > MB:
        yield f"took {mb:.0f} MB, not {MB}"


def check_hostile(test, folder):
    """Files that were made to be dear or to be taken wrongly: whatever is in them, they are
    read or refused at once."""
    before = None
    for path in hostile.write_all(folder):
        for words in ["report"], ["report", "--json"], ["report", "worst"], ["compare", before]:
            if None in words:
                continue
            name = " ".join(pathlib.Path(word).name for word in [*words, path])
            test.empty(name, wrong(2, KVMSCHED, *words, path, status=(0, 1)))
        before = path


def check_packed(test, folder):
    """Compressed files: libtracecmd unpacks all of one into memory."""
    packed = hostile.repetitive(folder, 30000)
    for words in ["report"], ["report", "--json"], ["compare", packed]:
        name = " ".join(word for word in words if word != packed)
        test.empty(f"{name} of {os.path.getsize(packed) >> 10} KB that are 120 MB",
                   wrong(2, KVMSCHED, *words, packed, status=(1,), says="convert -i",
                         forks=True))
    ios = folder + "/ios7.dat"
    subprocess.run([O / "unit/ios", FORMATS, folder + "/ios.dat", "600000"], check=True)
    hostile.compress(folder + "/ios.dat", ios)
    test.empty(f"report of {os.path.getsize(ios) >> 20} MB that are 45 MB, and a recording",
               wrong(4, KVMSCHED, "report", ios, forks=True))


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
        check_packed(test, folder)
        check_hostile(test, folder)
    print(f"1..{test.number}")


if __name__ == "__main__":
    main()

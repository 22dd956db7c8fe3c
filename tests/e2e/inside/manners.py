# SPDX-License-Identifier: GPL-2.0-only
"""What kvmsched says and leaves behind when things are not as they should."""

import os
import shutil
import signal

import host

N = 3000
NOBODY = 65534


def kvmsched(*argv, **options):
    return host.run(host.KVMSCHED, *argv, status=None, **options)


def says(tap, name, done, *words):
    tap.equal(f"manners: {name}",
              ("fails", done.returncode != 0, True),
              *((f"says '{word}'", word in done.stderr, True)
                for word in words))
    if done.returncode == 0 or not all(w in done.stderr for w in words):
        tap.note(done.stderr)


def refusals(tap):
    file = os.path.join(host.WORK, "refused.dat")
    record = ("record", "-o", file, "--", "true")
    host.unload()
    says(tap, "module not loaded", kvmsched(*record), "not loaded",
         "modprobe kvmsched")
    with host.module():
        # The tree may lie where only root can go.
        copy = shutil.copy(host.KVMSCHED, "/tmp")
        says(tap, "not root", host.run(copy, *record, status=None,
                                       user=NOBODY, cwd="/"), "root")
        os.unlink(copy)
        says(tap, "no such process",
             kvmsched("record", "-p", 4000000, *record[1:]), "no process")
        says(tap, "no such command",
             kvmsched("record", "-o", file, "--", "/nowhere/at/all"),
             "/nowhere/at/all")
    tap.equal("manners: none of them leaves a file",
              ("file", os.path.exists(file), False))
    host.write(file, "not a recording")
    says(tap, "not a trace.dat", kvmsched("report", file), "not a trace.dat")
    says(tap, "no such file", kvmsched("report", file + ".none"),
         "No such file")


def status_of_command(tap):
    file = os.path.join(host.WORK, "status.dat")
    done = kvmsched("record", "-q", "-o", file, "--", "sh", "-c", "exit 7")
    tap.equal("manners: record ends with its command's status",
              ("status", done.returncode, 7))
    kvmsched("record", "-q", "-o", file, "--", "true")
    tap.equal("manners: an existing file is kept",
              ("file", os.path.exists(file), True),
              (".old", os.path.exists(file + ".old"), True))


def readable(tap, name, file, truth, least):
    """Both tools read it; no count is more than what happened."""
    summary = host.report(file)
    count = summary["records_by_event"]["exit"]
    exits = sum(vcpu["stats"]["exits"] for vcpu in truth["vcpus"])
    lines = host.run("trace-cmd", "report", "-i", file).stdout
    tap.equal(f"manners: {name}: what was recorded is readable",
              (f"{count} exits of {exits}", least <= count <= exits, True),
              ("trace-cmd's lines", lines.count(" kvmsched_exit: "), count))


def fill(folder, leave):
    """Use up the file system but for that many bytes."""
    left = os.statvfs(folder)
    with open(os.path.join(folder, "filler"), "wb") as file:
        file.write(bytes(left.f_bavail * left.f_bsize - leave))


def disk_full(tap):
    small = os.path.join(host.WORK, "small")
    os.makedirs(small, exist_ok=True)
    host.run("mount", "-t", "tmpfs", "-o", "size=8m", "small", small)
    try:
        with host.Recording("-m", "64K", file="small/full.dat") as recording:
            fill(small, 256 << 10)
            truth = host.guest("cpuid", 3 * N)
            host.wait_for(lambda: not recording.child.running(), "its end")
            recording.child.wait(status=None)
        tap.equal("manners: disk full",
                  ("fails", recording.child.process.returncode, 1),
                  ("says why", "No space left" in recording.child.err, True),
                  ("what to do", "hint" in recording.child.err, True))
        readable(tap, "disk full", recording.file, truth, 1000)
    finally:
        host.run("umount", small)


def interrupted(tap):
    for number in (signal.SIGINT, signal.SIGTERM):
        file = os.path.join(host.WORK, "signal.dat")
        with host.Recording(file="signal.dat") as recording:
            truth = host.guest("cpuid", N)
            recording.child.signal(number)
            recording.child.wait()
        summary = recording.report()
        tap.equal(f"manners: {number.name} ends a recording well",
                  ("exits", summary["records_by_event"]["exit"],
                   truth["vcpus"][0]["stats"]["exits"]),
                  ("the session's end is recorded",
                   summary["session"]["stopped"], True))
        readable(tap, number.name, file, truth, N)


def killed(tap):
    with host.Recording("-m", "64K", file="killed.dat") as recording:
        truth = host.guest("cpuid", 3 * N)
        recording.child.signal(signal.SIGKILL)
        recording.child.wait(status=-signal.SIGKILL)
    done = kvmsched("record", "--recover", recording.file)
    tap.equal("manners: what a killed recorder left can be recovered",
              ("status", done.returncode, 0))
    readable(tap, "recovered", recording.file, truth, N)


def timed(tap):
    file = os.path.join(host.WORK, "timed.dat")
    done = kvmsched("record", "-q", "-d", "1", "-o", file)
    seconds = host.report(file)["duration_ns"] / 1e9
    tap.equal("manners: -d ends a recording", ("status", done.returncode, 0))
    tap.within("manners: about when it should", seconds, 0.9, 4, " s")


def overwritten(tap):
    """The flight recorder keeps the newest, whole."""
    with host.Recording("-m", "256K", "--overwrite") as recording:
        old = host.guest("cpuid", 4 * N, "--vms", 2)
        new = host.guest("hlt", 100, "--vms", 2)
    summary = recording.report()
    kept = {vcpu["tid"]: vcpu["exit_count"] for vcpu in summary["vcpus"]}

    def exits(truth):
        return {v["tid"]: v["stats"]["exits"] for v in truth["vcpus"]}

    tap.equal("manners: --overwrite keeps the newest",
              ("exits of the last guest",
               {tid: kept.get(tid) for tid in exits(new)}, exits(new)))
    written = sum(kept.get(tid, 0) for tid in exits(old))
    tap.equal("manners: --overwrite gives up the oldest, and says so",
              ("exits of the first guest are fewer",
               written < sum(exits(old).values()), True),
              ("records overwritten", summary["overwritten"] >=
               sum(exits(old).values()) - written, True))
    tap.note(f"{written} of {sum(exits(old).values())} exits are left, "
             f"{summary['overwritten']} records overwritten")


def informed(tap):
    done = kvmsched("info")
    tap.equal("manners: info tells of this host",
              ("status", done.returncode, 0),
              *((word, word in done.stdout, True) for word in
                ("AMD", "NPT", "RT runtime", "kvm_exit")))


def test(tap):
    refusals(tap)
    with host.module():
        for part in (status_of_command, disk_full, interrupted, killed, timed,
                     overwritten, informed):
            part(tap)

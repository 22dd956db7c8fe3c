# SPDX-License-Identifier: GPL-2.0-only
"""/dev/kvmsched refuses what makes no sense, and one session is all."""

import contextlib
import ctypes
import errno
import mmap
import os
import select
import signal
import stat
import struct
import subprocess
import sys

import device as abi
import host
from device import Device

PAGE = mmap.PAGESIZE
PAGES = 16


def mapped(device, offset, length, prot, flags=mmap.MAP_SHARED):
    """0 or the name of the error; what was mapped is unmapped again."""
    try:
        mmap.mmap(device.fd, length, flags, prot, offset=offset).close()
    except OSError as error:
        return errno.errorcode[error.errno]
    return 0


def made_writable(device):
    """mprotect() of a page of data, for whose making it was too strict."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int,
                          ctypes.c_int, ctypes.c_int, ctypes.c_long]
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    address = libc.mmap(None, PAGE, mmap.PROT_READ, mmap.MAP_SHARED,
                        device.fd, 2 * PAGE)
    result = libc.mprotect(address, PAGE, mmap.PROT_READ | mmap.PROT_WRITE)
    error = ctypes.get_errno()
    libc.munmap(address, PAGE)
    return errno.errorcode[error] if result else 0


def nobody():
    """A process id that is nobody's."""
    pid = int(host.read("/proc/sys/kernel/pid_max")) - 2
    while os.path.exists(f"/proc/{pid}"):
        pid -= 1
    return pid


BAD_STARTS = (
    ("reserved[0]", {"reserved": (1, 0, 0, 0)}, "EINVAL"),
    ("reserved[3]", {"reserved": (0, 0, 0, 1 << 63)}, "EINVAL"),
    ("no class", {"classes": 0}, "EINVAL"),
    ("an unknown class", {"classes": abi.UNKNOWN_CLASS}, "EINVAL"),
    ("an unknown class among others", {"classes": 0x8000000f}, "EINVAL"),
    ("an unknown flag", {"flags": 2}, "EINVAL"),
    ("no pages", {"pages": 0}, "EINVAL"),
    ("pages below the least", {"pages": 2}, "EINVAL"),
    ("pages not a power of two", {"pages": 24}, "EINVAL"),
    ("pages beyond the most", {"pages": 1 << 19}, "EINVAL"),
    ("more VMs than fit", {"nr_vms": abi.MAX_VMS + 1}, "EINVAL"),
    ("very many VMs", {"nr_vms": 0xffffffff}, "EINVAL"),
    ("a VM beyond nr_vms", {"vms": (1, 1), "nr_vms": 1}, "EINVAL"),
    ("process id 0", {"vms": (0,)}, "ESRCH"),
    ("a negative process id", {"vms": (-1,)}, "ESRCH"),
)


def bad_starts(tap):
    with Device() as device:
        cases = [(name, device.start(**arguments), expected)
                 for name, arguments, expected in BAD_STARTS]
        cases.append(("nobody's process id",
                      device.start(vms=(nobody(),)), "ESRCH"))
        tap.equal("ioctl: START refuses", *cases)
        info = device.info()
        tap.equal("ioctl: and has started nothing",
                  ("session", info.session, 0), ("pages", info.pages, 0),
                  ("attached", info.attached, 0))


def bad_others(tap):
    with Device() as device:
        cases = [
            ("an unknown ioctl", device.ioctl(0x6b7f), "ENOTTY"),
            ("STOP without a session", device.stop(), "ENOENT"),
            ("FLUSH without one", device.flush(), "ENOENT"),
            ("STATS without one",
             device.ioctl(abi.IOC_STATS, bytes(abi.STATS.size)), "ENOENT"),
            ("mmap without one",
             mapped(device, 0, PAGE, mmap.PROT_READ), "ENOENT"),
            ("STOP with an argument", device.ioctl(abi.IOC_STOP, 1),
             "EINVAL"),
            ("FLUSH with an argument", device.ioctl(abi.IOC_FLUSH, 1),
             "EINVAL"),
            ("HOOK beyond the end", device.ioctl(
                abi.IOC_HOOK, struct.pack("<I", 10000) +
                bytes(abi.HOOK.size - 4)), "ENOENT"),
            ("a pointer to nothing", device.ioctl(abi.IOC_START, 0),
             "EFAULT"),
        ]
        device.start(pages=PAGES)
        cpus = device.info().nr_cpus
        cases += [
            ("STATS of a CPU that can't be", device.ioctl(
                abi.IOC_STATS, struct.pack("<I", cpus) +
                bytes(abi.STATS.size - 4)), "EINVAL"),
        ]
        tap.equal("ioctl: the others refuse", *cases)


def mappings(tap):
    read, write = mmap.PROT_READ, mmap.PROT_READ | mmap.PROT_WRITE
    stride = (2 + PAGES) * PAGE
    with Device() as device:
        device.start(pages=PAGES)
        end = device.info().nr_cpus * stride
        tap.equal(
            "ioctl: mmap gives each page the access that it is for",
            ("consumer, writable", mapped(device, 0, PAGE, write), 0),
            ("producer, read only", mapped(device, PAGE, PAGE, read), 0),
            ("producer and data", mapped(device, PAGE, stride - PAGE, read),
             0),
            ("the second CPU's consumer",
             mapped(device, stride, PAGE, write) if end > stride else 0, 0),
            ("producer, writable", mapped(device, PAGE, PAGE, write),
             "EACCES"),
            ("data, writable", mapped(device, 2 * PAGE, PAGE, write),
             "EACCES"),
            ("all, writable", mapped(device, 0, stride, write), "EACCES"),
            ("executable", mapped(device, 2 * PAGE, PAGE,
                                  read | mmap.PROT_EXEC), "EACCES"),
            ("private", mapped(device, 2 * PAGE, PAGE, read,
                               mmap.MAP_PRIVATE), "EACCES"),
            ("more than one CPU's ring", mapped(device, 0, stride + PAGE,
                                                read), "EINVAL"),
            ("beyond the last CPU", mapped(device, end, PAGE, read),
             "EINVAL"),
            ("far beyond", mapped(device, 1 << 40, PAGE, read), "EINVAL"))

        tap.equal("ioctl: nor can mprotect make data writable",
                  ("mprotect", made_writable(device), "EACCES"))


def wild_consumer(tap):
    """A reader that writes nonsense into its page harms only itself."""
    with Device() as device:
        device.start(pages=PAGES)
        cpus = device.info().nr_cpus
        stride = (2 + PAGES) * PAGE
        pages = [mmap.mmap(device.fd, PAGE, mmap.MAP_SHARED,
                           mmap.PROT_READ | mmap.PROT_WRITE,
                           offset=cpu * stride) for cpu in range(cpus)]
        for tail in (1 << 63, 0xffffffffffffffff, 12345, 1):
            for page in pages:
                page[:8] = struct.pack("<Q", tail)
            host.guest("cpuid", 200)
            device.flush()
        stats = [device.stats(cpu) for cpu in range(cpus)]
        device.stop()
        tap.ok(sum(s.written + s.lost for s in stats) > 800,
               "ioctl: a consumer position that can't be only loses records",
               stats)


def one_session(tap):
    with Device() as first, Device() as second:
        tap.equal("ioctl: a second session is refused",
                  ("START", first.start(), 0),
                  ("START by another file", second.start(), "EBUSY"),
                  ("STOP by another file", second.stop(), "ENOENT"),
                  ("FLUSH by another file", second.flush(), "ENOENT"),
                  ("mmap by another file",
                   mapped(second, 0, PAGE, mmap.PROT_READ), "ENOENT"),
                  ("what another sees of it", second.info().session,
                   abi.DEFAULT),
                  ("pages that are another's", second.info().pages, 0))
        command = host.run(host.KVMSCHED, "record", "-o",
                           f"{host.WORK}/busy.dat", "--", "true", status=None)
        tap.equal("ioctl: kvmsched record says that it is busy",
                  ("fails", command.returncode != 0, True),
                  ("says why", f"process {os.getpid()}" in command.stderr,
                   True),
                  ("leaves no file",
                   os.path.exists(f"{host.WORK}/busy.dat"), False))
        tap.equal("ioctl: a stopped session still has its rings",
                  ("STOP", first.stop(), 0), ("STOP again", first.stop(), 0),
                  ("START by another file", second.start(), "EBUSY"),
                  ("START again, other pages", first.start(pages=4), 0),
                  ("pages", first.info().pages, 4))
        first.close()
        tap.equal("ioctl: the last close ends it",
                  ("START by another file", second.start(), 0))


def references_go(tap):
    devices = [Device() for _ in range(3)]
    tap.equal("ioctl: an open file holds the module",
              ("references", host.references(), len(devices)))
    refused = host.run("rmmod", "kvmsched", status=None)
    for device in devices:
        device.close()
    with host.Recording() as recording:
        recording.child.signal(signal.SIGKILL)
        recording.child.wait(status=-signal.SIGKILL)
    with Device() as device:
        info = device.info()
    tap.equal("ioctl: a killed recorder leaves nothing",
              ("rmmod with the device open", refused.returncode, 1),
              ("session", info.session, 0), ("attached", info.attached, 0),
              ("references", host.references(), 0))


def device_file(tap):
    mode = os.stat(abi.PATH)
    tap.equal("ioctl: the device is root's alone",
              ("mode", oct(stat.S_IMODE(mode.st_mode)), oct(0o600)),
              ("owner", (mode.st_uid, mode.st_gid), (0, 0)))


def pages_allocated():
    """By whomever since boot; pages that were freed count, too."""
    return sum(int(line.split()[1])
               for line in host.read("/proc/vmstat").splitlines()
               if line.startswith("pgalloc_"))


def too_large(tap):
    """Rings that can't fit are refused before the memory is used up."""
    with Device() as device:
        before = pages_allocated()
        refused = device.start(pages=1 << 18)
        taken = pages_allocated() - before
    tap.equal("ioctl: rings larger than all memory are refused",
              ("START", refused, "ENOMEM"),
              (f"without an attempt: {taken} pages", taken < 20000, True))


class Caller(subprocess.Popen):
    """A process with the device open, which calls one ioctl when told to."""

    def __init__(self, number, argument):
        super().__init__([sys.executable, "-B", "-c", f"""import fcntl, os
fd = os.open({abi.PATH!r}, os.O_RDWR)
print("ready", flush=True)
input()
fcntl.ioctl(fd, {number}, {argument!r})
"""], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.stdout.readline()

    def go(self):
        self.stdin.write("\n")
        self.stdin.flush()


SLOW = 1 << 16			# pages for each CPU: takes a second


@contextlib.contextmanager
def within_start():
    """A process that allocates within START, and what it has allocated."""
    with Caller(abi.IOC_START, abi.start_argument(pages=SLOW)) as child:
        before = pages_allocated()
        child.go()
        while pages_allocated() - before < SLOW // 8:
            if child.poll() is not None:
                break
        try:
            yield child, lambda: pages_allocated() - before
        finally:
            child.kill()


def killed_start(tap):
    """A process that is killed within START allocates no further."""
    pages = SLOW * os.cpu_count()
    with within_start() as (child, allocated):
        child.kill()
    taken = allocated()
    tap.equal("ioctl: START can be killed",
              ("by the signal", child.returncode, -signal.SIGKILL),
              (f"at once: {taken} of {pages} pages",
               SLOW // 8 <= taken < pages // 2, True))


def looks_behind_start():
    """What others are told meanwhile, how STOP ended, and how many pages START had."""
    waiter = Caller(abi.IOC_STOP, 0)
    with waiter, Device() as other, within_start() as (child, allocated):
        waiter.go()
        poll = select.poll()
        poll.register(other.fd)
        told = poll.poll(0)
        unmapped = mapped(other, 0, PAGE, mmap.PROT_READ)
        stats = other.ioctl(abi.IOC_STATS, bytes(abi.STATS.size))
        info = other.info()
        other.close()
        waiter.kill()
        waiter.wait()
        taken = allocated()
        child.kill()
    return told, unmapped, stats, info, waiter.returncode, taken


def behind_start(tap):
    """Whoever only looks doesn't wait until another's START is over, and
    whoever has to wait can be killed.  If they waited, START would be over each time;
    where CPUs are emulated in turns, it may be over once."""
    pages = SLOW * os.cpu_count()
    for _ in range(3):
        told, unmapped, stats, info, stopped, taken = looks_behind_start()
        if taken < pages:
            break
    tap.equal("ioctl: others don't wait for a START that allocates",
              ("poll", told, []), ("mmap", unmapped, "ENOENT"),
              ("STATS", stats, "ENOENT"),
              ("INFO", (info.session, info.pages), (0, 0)),
              ("STOP, killed", stopped, -signal.SIGKILL),
              (f"meanwhile: {taken} of {pages} pages", taken < pages, True))


def born_as(pid, argv):
    """A process of that number, which has just become free."""
    for _ in range(20):
        host.write("/proc/sys/kernel/ns_last_pid", pid - 1)
        child = host.Child(*argv)
        if child.pid == pid:
            return child
        with child:
            child.wait(status=None)
    raise host.Failed(f"no process {pid}")


def records_written(device):
    device.flush()
    return sum(device.stats(cpu).written
               for cpu in range(device.info().nr_cpus))


def number_reused(tap):
    """A session of one VMM records no other that gets its number later."""
    barrier = os.path.join(host.WORK, "barrier")
    argv = host.guest_argv("cpuid", 300)
    with Device() as device:
        with host.Child(*argv[:1], "--start-barrier", barrier,
                        *argv[1:]) as vmm:
            started = device.start(classes=abi.EXIT, vms=(vmm.pid,))
            before = records_written(device)
            host.write(barrier, "")
            vmm.wait()
        between = records_written(device)
        with born_as(vmm.pid, argv) as other:
            other.wait()
        after = records_written(device)
    tap.equal("ioctl: a VMM that got the number of another is not recorded",
              ("START", started, 0),
              ("the first's records", between - before > 300, True),
              ("the other's records", after - between, 0))


OPEN = f"""import errno, os
try:
    os.close(os.open({abi.PATH!r}, os.O_RDWR))
except OSError as error:
    print(errno.errorcode[error.errno])
"""
NOBODY = "--reuid=65534", "--regid=65534", "--clear-groups"


def opened(*privileges):
    """0 or the name of the error of open(), with changed privileges."""
    done = host.run("setpriv", *privileges, sys.executable, "-B", "-c", OPEN)
    return done.stdout.strip() or 0


def capabilities(tap):
    both = "--bounding-set=-perfmon,-sys_admin"
    perfmon = "--inh-caps=+perfmon", "--ambient-caps=+perfmon"
    os.chmod(abi.PATH, 0o666)
    try:
        tap.equal(
            "ioctl: open() asks for a capability, whatever the file's mode",
            ("root without both", opened(both), "EPERM"),
            ("root without CAP_PERFMON",
             opened("--bounding-set=-perfmon"), 0),
            ("root without CAP_SYS_ADMIN",
             opened("--bounding-set=-sys_admin"), 0),
            ("nobody", opened(*NOBODY), "EPERM"),
            ("nobody with CAP_PERFMON", opened(*NOBODY, *perfmon), 0))
    finally:
        os.chmod(abi.PATH, 0o600)
    refused = host.run("setpriv", both, host.KVMSCHED, "record", "-o",
                       f"{host.WORK}/refused.dat", "--", "true", status=None)
    tap.equal("ioctl: kvmsched record says which",
              ("fails", refused.returncode, 1),
              ("says which", "CAP_PERFMON" in refused.stderr, True))


def passed_on(tap):
    """A file that is open is as good to a process without any privilege."""
    with Device() as device:
        use = f"""import fcntl
start = bytes.fromhex({abi.start_argument().hex()!r})
fcntl.ioctl({device.fd}, {abi.IOC_START}, start)
fcntl.ioctl({device.fd}, {abi.IOC_STOP}, 0)
print("recorded")
"""
        done = host.run("setpriv", *NOBODY, "--bounding-set=-all",
                        sys.executable, "-B", "-c", use,
                        pass_fds=[device.fd])
    tap.equal("ioctl: an open file can be passed on",
              ("to nobody", done.stdout.strip(), "recorded"))


def scheduler_told(tap):
    """The module takes the name of a BPF scheduler from whoever records class switch."""
    told = abi.BPF_SCHEDULER.pack(3, 1, 1, bytes(6), b"simple", 0, 0, 0, 0)
    reserved = [told[:at] + b"\1" + told[at + 1:] for at in (10, len(told) - 1)]
    with Device() as device:
        answers = [device.ioctl(abi.IOC_BPF_SCHEDULER, told)]
        for classes in abi.EXIT, abi.DEFAULT:
            device.start(classes=classes)
            answers.append(device.ioctl(abi.IOC_BPF_SCHEDULER, told))
        answers += [device.ioctl(abi.IOC_BPF_SCHEDULER, data) for data in reserved]
        device.stop()
        answers.append(device.ioctl(abi.IOC_BPF_SCHEDULER, told))
    tap.equal("ioctl: who may tell of a BPF scheduler, and how",
              ("without a session, without the class, with it, with reserved bytes, afterwards",
               answers, ["ENOENT", "ENOENT", 0, "EINVAL", "EINVAL", "ENOENT"]))


def test(tap):
    with host.module():
        for part in (device_file, capabilities, passed_on, bad_starts,
                     bad_others, mappings, wild_consumer, one_session,
                     too_large, killed_start, behind_start, number_reused,
                     scheduler_told, references_go):
            part(tap)

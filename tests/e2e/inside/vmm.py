# SPDX-License-Identifier: GPL-2.0-only
"""A VMM of a few lines, for what kvmguest doesn't do: its threads hand the vCPU on,
end before it, and outlive the VM.

There is no LAPIC in the kernel, so each HLT of the guest ends a KVM_RUN; or there is
one, and each write to a port does.
"""

import contextlib
import ctypes
import fcntl
import glob
import mmap
import os
import queue
import struct
import subprocess
import sys
import threading
import time
from itertools import repeat

import host

KVM_CREATE_VM, KVM_CREATE_VCPU, KVM_RUN = 0xae01, 0xae41, 0xae80
KVM_SET_USER_MEMORY_REGION, KVM_GET_REGS = 0x4020ae46, 0x8090ae81
KVM_GET_SREGS, KVM_SET_SREGS, KVM_SET_CPUID2 = 0x8138ae83, 0x4138ae84, 0x4008ae90
KVM_CREATE_IRQCHIP, KVM_GET_LAPIC, KVM_SET_LAPIC = 0xae60, 0x8400ae8e, 0x4400ae8f
REGS, SREGS = 144, 312		# bytes of struct kvm_regs and of struct kvm_sregs
PAGE = mmap.PAGESIZE
GATE = os.path.join(host.WORK, "gate")	# a FIFO
RESET = 0xfffffff0		# where a CPU begins
HLT_FOR_EVER, OUT_FOR_EVER = b"\xf4\xeb\xfd", b"\xe6\x80\xeb\xfc"
# {where in struct kvm_sregs: (format, value)}: 64-bit mode, whose code segment is a 32-bit one,
# too (L and D).  KVM takes it, and the hardware does not: SDM vol. 3, 27.3.1.2; APM vol. 2, 15.5.1
REFUSED = {17: ("B", 1), 19: ("B", 1), 224: ("Q", 1 << 31 | 1 << 4 | 1), 248: ("Q", 1 << 5),
           264: ("Q", 1 << 10 | 1 << 8)}
# (leaf, EAX, EDX) of CPUID: that there are such leaves, 64-bit mode, 48 bits of an address
CPUID = (0x80000000, 0x80000008, 0), (0x80000001, 0, 1 << 29), (0x80000008, 48, 0)
# The LAPIC's page: enabled; a one-shot timer, which counts from a billion on, each ns
LAPIC_BYTES = 0x400
ONE_SHOT = {0xf0: 0x1ff, 0x320: 0x40, 0x3e0: 0xb, 0x380: 10 ** 9, 0x390: 10 ** 9}


class Vmm:
    """The VMM, as a test sees it: each thread does what it is asked for, and begins
    when it is asked first."""

    def __init__(self, lapic=False):
        self.options = ["lapic"] if lapic else []

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-B", __file__, *self.options], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1)
        self.pid = self.process.pid
        return self

    def begin(self, thread, step, times=1, vcpu=0):
        """The VM has two vCPUs; which one a thread is for is told as it begins."""
        self.step = step
        self.process.stdin.write(f"{thread} {step} {times} {vcpu}\n")

    def end(self):
        """The thread's number in the kernel, after it has done so"""
        answer = self.process.stdout.readline()
        if not answer:
            raise host.Failed(f"the VMM died in {self.step}")
        return int(answer)

    def ask(self, thread, step, times=1, vcpu=0):
        self.begin(thread, step, times, vcpu)
        return self.end()

    def exits(self):
        """KVM's own count; None when the VM is gone."""
        counters = glob.glob(f"/sys/kernel/debug/kvm/{self.pid}-*/exits")
        return sum(int(host.read(path)) for path in counters) if counters else None

    def close(self, thread):
        """Close the VM's descriptors, and wait until KVM has freed it."""
        self.ask(thread, "close")
        host.wait_for(lambda: self.exits() is None, "the end of the VM")

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Steps(threading.Thread):
    """A thread of the VMM; the names of the methods are the steps."""

    def __init__(self, files, vcpu):
        super().__init__(daemon=True)
        self.files, self.vcpu = files, vcpu
        self.asked, self.done = queue.SimpleQueue(), queue.SimpleQueue()
        self.start()

    def run_vcpu(self, times):
        for _ in range(times):
            fcntl.ioctl(self.vcpu, KVM_RUN, 0)

    def attempt(self, times):
        """KVM_RUNs that may fail; after each of them the registers are read."""
        for _ in range(times):
            with contextlib.suppress(OSError):
                fcntl.ioctl(self.vcpu, KVM_RUN, 0)
            fcntl.ioctl(self.vcpu, KVM_GET_REGS, bytes(REGS))

    def run_other(self, times):
        """KVM_RUNs of the vCPU that is not this thread's"""
        other = next(vcpu for vcpu in self.files[:2] if vcpu != self.vcpu)
        for _ in range(times):
            fcntl.ioctl(other, KVM_RUN, 0)

    def refuse(self, times):
        """KVM_RUNs that the hardware refuses; before any other"""
        leaves = b"".join(struct.pack("<10I", leaf, 0, 0, eax, 0, 0, edx, 0, 0, 0)
                          for leaf, eax, edx in CPUID)
        fcntl.ioctl(self.vcpu, KVM_SET_CPUID2, struct.pack("<2I", len(CPUID), 0) + leaves)
        sregs = bytearray(SREGS)
        fcntl.ioctl(self.vcpu, KVM_GET_SREGS, sregs)
        for at, (form, value) in REFUSED.items():
            struct.pack_into(form, sregs, at, value)
        fcntl.ioctl(self.vcpu, KVM_SET_SREGS, bytes(sregs))
        self.run_vcpu(times)

    def set_timer(self, times):
        """What a VMM does that restores a vCPU"""
        for _ in range(times):
            lapic = bytearray(LAPIC_BYTES)
            fcntl.ioctl(self.vcpu, KVM_GET_LAPIC, lapic)
            for register, value in ONE_SHOT.items():
                struct.pack_into("<I", lapic, register, value)
            fcntl.ioctl(self.vcpu, KVM_SET_LAPIC, bytes(lapic))

    def nap(self, times):
        for _ in range(times):
            time.sleep(0.002)

    def give_way(self, times):
        """Yields, from when somebody opens the gate"""
        with open(GATE, "rb"):
            for _ in repeat(None, times):
                os.sched_yield()

    def close(self, _):
        for file in self.files:
            os.close(file)

    def run(self):
        step = None
        while step != "end":
            step, times = self.asked.get()
            if step != "end":
                getattr(self, {"run": "run_vcpu"}.get(step, step))(times)
            self.done.put(threading.get_native_id())


def create_vm(lapic):
    """(its vCPUs, the VM; its memory)"""
    kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    vm = fcntl.ioctl(kvm, KVM_CREATE_VM, 0)
    if lapic:
        fcntl.ioctl(vm, KVM_CREATE_IRQCHIP, 0)
    memory = mmap.mmap(-1, PAGE)
    code = OUT_FOR_EVER if lapic else HLT_FOR_EVER
    memory[RESET % PAGE:RESET % PAGE + len(code)] = code
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    fcntl.ioctl(vm, KVM_SET_USER_MEMORY_REGION,
                struct.pack("<2I3Q", 0, 0, RESET - RESET % PAGE, PAGE, address))
    return [*(fcntl.ioctl(vm, KVM_CREATE_VCPU, id) for id in range(2)), vm], memory


def give_up(told):
    """A thread's step failed: whoever asked for it is told so by our end."""
    sys.excepthook(told.exc_type, told.exc_value, told.exc_traceback)
    os._exit(1)


def serve():
    threading.excepthook = give_up
    files, _memory = create_vm("lapic" in sys.argv)
    threads = {}
    for line in sys.stdin:
        name, step, times, vcpu = line.split()
        if name not in threads:
            threads[name] = Steps(files, files[int(vcpu)])
        threads[name].asked.put((step, int(times)))
        tid = threads[name].done.get()
        if step == "end":
            threads.pop(name).join()
            host.wait_for(lambda: not os.path.exists(f"/proc/self/task/{tid}"),
                          "the thread's end")
        print(tid, flush=True)


if __name__ == "__main__":
    serve()

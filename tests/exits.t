#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the module's handlers of kvm_exit do with each kind of exit, and in how many
instructions: their machine code, for 6.1, is interpreted here.  So VMX, which no emulator
of the lab counts instructions of, is held to its limits, too.

usage: exits.t            (O: the build folder, as for make, with 6.1's module)"""
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True
import tap  # noqa: E402
from tool import O  # noqa: E402

# Instructions before exits told details (015ded7^, by the same count), and what may be added
# where the details are read, and elsewhere.  Nested page faults and AVIC's exits took the
# slow path.  While an event is delivered, exits are rare, and dearer than they were (39).
SVM, SVM_SLOW, SVM_EVENT, VMX = 29, 71, 52, 46
DETAIL, OTHER = 5, 2

V, VCPU, VMCB = 0x100000, 0x200000, 0x300000  # where the data are
RAX, RCX = 0x11223344_00000007, 0x55667788_c0000102
TSC, ENTERED = 5000, 3000
INFO1, INFO2 = 0x100000006, 0x1234000
EVENT = 0x8000030e  # a page fault was being delivered
VALID = 1 << 3  # KS_EXIT_INFO_VALID

R64 = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()
REGISTERS = {}
for _name in R64:
    _old = _name[1:] if not _name[1:].isdigit() and _name[1] != "0" else None
    REGISTERS[_name] = (_name, 8)
    if _name[1].isdigit():
        _parts = ((_name + "d", 4), (_name + "w", 2), (_name + "b", 1))
    else:
        _low = _old[0] + "l" if _old[1] == "x" else _old + "l"
        _parts = (("e" + _old, 4), (_old, 2), (_low, 1))
    REGISTERS.update({part: (_name, size) for part, size in _parts})
SUFFIX = {"b": 1, "w": 2, "l": 4, "q": 8}
JUMPS = {"e": lambda z, s, c, o: z, "ne": lambda z, s, c, o: not z,
         "a": lambda z, s, c, o: not c and not z, "be": lambda z, s, c, o: c or z,
         "ae": lambda z, s, c, o: not c, "b": lambda z, s, c, o: c,
         "g": lambda z, s, c, o: not z and s == o, "le": lambda z, s, c, o: z or s != o,
         "s": lambda z, s, c, o: s, "ns": lambda z, s, c, o: not s}


class Code:
    """The module, disassembled"""
    def __init__(self, module):
        self.at, self.starts, last = {}, {}, None
        text = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", module], check=True,
                              text=True, stdout=subprocess.PIPE).stdout
        for line in text.splitlines():
            if found := re.match(r"([0-9a-f]+) <(\w+)>:", line):
                self.starts[found[2]] = int(found[1], 16)
            elif found := re.match(r"\s+([0-9a-f]+): R_X86_64_\w+\s+(\S+)", line):
                last[2] = found[2]
            elif found := re.match(r"\s+([0-9a-f]+):\s+(\S+)\s*([^#<]*)", line):
                address = int(found[1], 16)
                if last:
                    last[3] = address
                last = self.at[address] = [found[2], found[3].strip(), None, None]
        with tempfile.NamedTemporaryFile() as file:
            subprocess.run(["objcopy", "-O", "binary", "--only-section=.rodata", module,
                            file.name], check=True)
            self.rodata = pathlib.Path(file.name).read_bytes()


class Machine:
    """One run of a handler: call() says how it ended."""
    def __init__(self, code, memory, fields):
        self.code, self.fields, self.count = code, fields, 0
        self.regs = dict.fromkeys(R64, 0xdead)
        self.regs.update(rsi=VCPU, rsp=0x400000)
        self.memory = {}
        for (address, size), value in memory.items():
            self.store(address, size, value)
        self.flags = None

    def load(self, address, size):
        return sum(self.memory.get(address + i, 0) << 8 * i for i in range(size))

    def store(self, address, size, value):
        for i in range(size):
            self.memory[address + i] = value >> 8 * i & 0xff

    def address(self, operand):
        found = re.fullmatch(r"(-?0x[0-9a-f]+|)\((%\w+)?(?:,(%\w+),(\d))?\)", operand)
        base = self.regs[found[2][1:]] if found[2] else 0
        index = self.regs[found[3][1:]] * int(found[4]) if found[3] else 0
        return int(found[1] or "0", 16) + base + index

    def get(self, operand, size, symbol):
        if operand.startswith("$"):
            return int(operand[1:], 16) & (1 << 8 * size) - 1
        if operand.startswith("%gs:"):
            assert symbol.startswith("ks_current"), symbol
            return V
        if operand.startswith("%"):
            return self.regs[REGISTERS[operand[1:]][0]] & (1 << 8 * size) - 1
        if symbol:
            section, offset = symbol.split("+")
            assert section == ".rodata", symbol
            at = int(offset, 16) + self.address(operand)
            return int.from_bytes(self.code.rodata[at:at + size], "little")
        return self.load(self.address(operand), size)

    def put(self, operand, size, value):
        value &= (1 << 8 * size) - 1
        if not operand.startswith("%"):
            return self.store(self.address(operand), size, value)
        name = REGISTERS[operand[1:]][0]
        if size < 4:
            value |= self.regs[name] & ~((1 << 8 * size) - 1)
        self.regs[name] = value

    def compare(self, left, right, size):
        """The flags of left - right"""
        top = 1 << 8 * size - 1
        result = (left - right) & 2 * top - 1
        self.flags = (not result, bool(result & top), left < right,
                      bool((left ^ right) & (left ^ result) & top))

    def test(self, value, size):
        self.flags = (not value, bool(value >> 8 * size - 1 & 1), False, False)

    def compute(self, name, source, operand, size):
        value = self.get(operand, size, None)
        if name == "shl":
            value <<= source
        elif name == "bts":
            value |= 1 << source
        elif name == "sub":
            self.compare(value, source, size)
            value -= source
        else:
            value = {"and": value & source, "or": value | source, "xor": value ^ source}[name]
            self.test(value & (1 << 8 * size) - 1, size)
        self.put(operand, size, value)

    def step(self, name, operands, symbol):
        """One instruction that is no jump"""
        args = re.findall(r"[^,(]*\([^)]*\)|[^,]+", operands)
        size = next((REGISTERS[a[1:]][1] for a in reversed(args)
                     if a.startswith("%") and ":" not in a), None)
        if not name.startswith("set") and (size is None or name[-1] in SUFFIX and
                                           name[:-1] in ("mov", "cmp", "test", "or", "and")):
            name, size = name[:-1], SUFFIX[name[-1]]
        if name.startswith("movz"):
            self.put(args[1], size, self.get(args[0], SUFFIX[name[4]], symbol))
        elif name in ("mov", "movabs"):
            self.put(args[1], size, self.get(args[0], size, symbol))
        elif name == "cmp":
            self.compare(self.get(args[1], size, symbol), self.get(args[0], size, None), size)
        elif name == "test":
            self.test(self.get(args[1], size, symbol) & self.get(args[0], size, None), size)
        elif name.startswith("cmov"):
            if JUMPS[name[4:]](*self.flags):
                self.put(args[1], size, self.get(args[0], size, None))
        elif name.startswith("set"):
            self.put(args[0], 1, JUMPS[name[3:]](*self.flags))
        elif name == "vmread":
            field = self.get(args[0], 8, None)
            if self.fields is not None:  # else it fails
                self.put(args[1], 8, self.fields[field])
            self.flags = (False, False, self.fields is None, False)
        else:
            self.compute(name, self.get(args[0], size, symbol), args[1], size)

    def call(self, function):
        """"done", or the name of the function that it goes on with"""
        at = self.code.starts[function]
        while True:
            name, operands, symbol, following = self.code.at[at]
            self.count += 1
            at = following
            if name == "jmp" and symbol:
                return "done" if symbol.startswith("__x86_return_thunk") else symbol
            if name == "ret":
                return "done"
            if name.startswith("j"):
                if name == "jmp" or JUMPS[name[1:]](*self.flags):
                    at = int(operands, 16)
                for other, start in self.code.starts.items():
                    if at == start:
                        return other
            elif name == "rdtsc":
                self.regs.update(rax=TSC, rdx=0)
            elif name in ("push", "pop"):
                pass  # nothing looks at them
            else:
                self.step(name, operands, symbol)


# Where struct ks_vcpu has entry_tsc and more, and where 6.1's struct kvm_vcpu has guest
# registers, and behind its end the pointer to the VMCB
AT = {"entry": 0x10, "open": 0x08, "exit": 0x30,
      "vmcb": 0x1998, "rax": 0x128, "rcx": 0x130}
EXIT = {"reason": (12, 2), "vector": (14, 1), "flags": (15, 1), "info": (16, 8),
        "guest": (24, 8)}


def run(code, function, memory, fields):
    machine = Machine(code, {(V, 8): VCPU, (V + AT["entry"], 8): ENTERED,
                             (VCPU + AT["vmcb"], 8): VMCB, (VCPU + AT["rax"], 8): RAX,
                             (VCPU + AT["rcx"], 8): RCX, **memory}, fields)
    how = machine.call(function)
    told = {name: machine.load(V + AT["exit"] + at, size) for name, (at, size) in EXIT.items()}
    told["open"] = machine.load(V + AT["open"], 1)
    return how, machine.count, told


def wrong(name, got, most, reason, info, event=0):
    how, count, told = got
    wanted = {"reason": reason, "vector": event & 0xff, "flags": VALID if event else 0,
              "info": info, "guest": TSC - ENTERED, "open": 2 if event else 1}
    print(f"# {name}: {count} instructions of {most}")
    if how != "done":
        yield f"goes on with {how}"
    if told != wanted:
        yield f"told {told}, not {wanted}"
    if count > most:
        yield f"took {count} instructions, not {most}"


def svm(code, reason, info1=INFO1, event=0, info2=INFO2):
    return run(code, "ks_on_svm_exit", {
        (VMCB + 0x70, 8): reason, (VMCB + 0x78, 8): info1, (VMCB + 0x80, 8): info2,
        (VMCB + 0x88, 8): event}, None)


def vmx(code, reason, qualification=INFO1):
    return run(code, "ks_on_vmx_exit", {}, {0x4402: reason, 0x4404: 0, 0x6400: qualification,
                                            0x2400: INFO2})


def main():
    test = tap.Tap()
    release = O / "kernels/6.1/release"
    module = release.is_file() and O / "module" / release.read_text().strip() / "kvmsched.ko"
    if not module or not module.is_file():
        raise SystemExit("Bail out! make modules KERNEL=6.1")
    code = Code(module)
    leaf = (RCX & 0xffffffff) << 32 | RAX & 0xffffffff
    msr, call = RCX & 0xffffffff, RAX & 0xffffffff
    fault = INFO2 | (INFO1 & 0xff) << 56

    for name, most, reason, info, options in (
            ("hlt", SVM, 0x78, INFO1, {}), ("a write of CR3", SVM, 0x13, INFO1, {}),
            ("a read of CR0", SVM, 0x00, INFO1, {}), ("io", SVM, 0x7b, INFO1, {}),
            ("intr", SVM, 0x60, INFO1, {}), ("pause", SVM, 0x77, INFO1, {}),
            ("cpuid", SVM + DETAIL, 0x72, leaf, {}),
            ("rdmsr", SVM + DETAIL, 0x7c, msr, {"info1": 0}),
            ("wrmsr", SVM + DETAIL, 0x7c, msr | 1 << 32, {"info1": 1}),
            ("vmmcall", SVM + DETAIL, 0x81, call, {}),
            ("npf", SVM_SLOW + DETAIL, 0x400, fault, {}),
            ("npf as an event is delivered", SVM_SLOW + DETAIL, 0x400, fault,
             {"event": EVENT}),
            ("avic_incomplete_ipi", SVM_SLOW + OTHER, 0x401, INFO1, {}),
            ("a page fault as an event is delivered", SVM_EVENT, 0x4e, INFO1,
             {"event": EVENT})):
        test.empty(f"SVM: {name}", wrong(name, svm(code, reason, **options), most, reason, info,
                                         options.get("event", 0)))
    for name, reason in (("invalid", 0xffffffffffffffff), ("beyond", 0x404)):
        how = svm(code, reason)[0]
        test.empty(f"SVM: {name}: looked at closely",
                   [] if how == "ks_note_exit_slow" else [how])
    for name, most, reason, info in (
            ("hlt", OTHER, 12, INFO1), ("a write of CR3", OTHER, 28, INFO1),
            ("io", OTHER, 30, INFO1), ("external interrupt", OTHER, 1, INFO1),
            ("cpuid", DETAIL, 10, leaf), ("rdmsr", DETAIL, 31, msr),
            ("wrmsr", DETAIL, 32, msr | 1 << 32), ("vmcall", DETAIL, 18, call),
            ("EPT violation", DETAIL, 48, fault),
            ("EPT misconfig", DETAIL, 49, INFO2)):
        test.empty(f"VMX: {name}", wrong(name, vmx(code, reason), VMX + most, reason, info))
    # What could not be read is told as such: KS_REASON_NONE, and no info.
    test.empty("VMX: no VMCS", wrong("no VMCS", run(code, "ks_on_vmx_exit", {}, None),
                                     1000, 0x8001, 0))
    print(f"1..{test.number}")


if __name__ == "__main__":
    main()

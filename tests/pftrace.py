# SPDX-License-Identifier: GPL-2.0-only
"""Perfetto traces, read by a decoder of our own, and what a database says should be in
them."""
import collections
import sqlite3

# Of each table: the track's name, and the column that names a slice.
TRACKS = {
    "states": ("state", "state"),
    "exits": ("exit", "reason"),
    "outs": ("out of the guest", "reason"),
    "blocked": ("blocked", "reason"),
    "runs": ("KVM_RUN", "reason"),
    "users": ("userspace", "reason"),
    "slices": ("on a CPU", "cpu"),
    "offs": ("off the CPU", "kind"),
    "waits": ("wait", "preempted"),
    "thieves": ("thief", "comm"),
    "timers_armed": ("timer: armed", "mode"),
    "timers_late": ("timer: due", None),
    "timers_accepted": ("timer: expired", None),
    "timers": ("timer: deadline to injection", "vector"),
    "timers_entered": ("timer: injected", None),
    "interrupts": ("interrupt: accepted", "vector"),
    "kicks": ("interrupt: kick", "vector"),
    "wakeups": ("interrupt: wakeup", "vector"),
    "services": ("interrupt: in service", "vector"),
    "task_waits": ("task wait", "comm"),
    "host_irqs": ("host interrupt", "name"),
    "clockevents": ("clock event", None),
}
# Tables without a track: Perfetto's own tables have their rows, or another track has.
NO_TRACK = {"tasks", "accepts"}
TEXTS = {"state", "reason", "kind", "comm", "name", "mode"}

Slice = collections.namedtuple("Slice", "track name begin end args")
# One stretch of a CPU: who had it
Had = collections.namedtuple("Had", "cpu pid comm prio begin end preempted")


def varint(data, at):
    """A number, and where it ends."""
    if data[at] < 128:
        return data[at], at + 1
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """Each field of a message: its number, and a number or bytes."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = int.from_bytes(data[at:at + 8], "little"), at + 8
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
            if len(value) != size:
                raise ValueError("a field is longer than its message")
        else:
            raise ValueError(f"wire type {kind}")
        yield tag >> 3, value


class Message(dict):
    """The fields of a message: {number: [values]}."""

    def __init__(self, data):
        super().__init__()
        for number, value in fields(data):
            self.setdefault(number, []).append(value)

    def __missing__(self, _):
        return []


def signed(value):
    """An int32 or int64."""
    return value - (1 << 64) if value >> 63 else value


def text(values):
    """An optional string."""
    return values[0].decode() if values else None


class Trace:
    """All that a file holds."""

    def __init__(self, path):
        self.names, self.tracks, self.processes, self.threads = {}, {}, {}, {}
        self.clocks = {}
        self.events, self.ftrace = [], []
        for number, packet in fields(path.read_bytes()):
            if number != 1:
                raise ValueError(f"field {number} in a trace")
            self.packet(Message(packet))
        self.slices, self.flows = self.replay()

    def packet(self, packet):
        """One packet."""
        if packet[10] != [0x6b766d]:
            raise ValueError("a packet of nobody")
        for data in packet[12]:
            for name in Message(data)[3]:
                name = Message(name)
                self.names[name[1][0]] = name[2][0].decode()
        for data in packet[60]:
            self.descriptor(Message(data))
        for data in packet[6]:
            clocks = [Message(clock) for clock in Message(data)[1]]
            self.clocks = {clock[1][0]: clock[2][0] for clock in clocks}
        for data in packet[11]:
            self.events.append((packet[8][0], Message(data)))
        for data in packet[1]:
            bundle = Message(data)
            for event in bundle[2]:
                self.ftrace.append((bundle[1][0], Message(event)))

    def descriptor(self, track):
        """A track, which others refer to by its number."""
        for process in track[3]:
            process = Message(process)
            self.processes[track[1][0]] = process[1][0], text(process[6])
        for thread in track[4]:
            thread = Message(thread)
            self.threads[thread[2][0]] = thread[1][0], text(thread[5])
        self.tracks[track[1][0]] = text(track[2]), (track[5] or [None])[0]

    def args(self, event):
        """What stands beside a slice."""
        found = {}
        for note in event[4]:
            note = Message(note)
            found[self.names[note[1][0]]] = signed(note[4][0]) if note[4] else text(note[6])
        return found

    def name_of(self, uuid):
        """The name of a track, with its process."""
        name, parent = self.tracks[uuid]
        return (self.processes[parent][0] if parent else None), name

    def replay(self):
        """Slices as Perfetto makes them: an end is that of the last begin of its track.
        And the ends of each flow: {number: [(track, name, time)]}."""
        slices, flows = [], collections.defaultdict(list)
        stacks = collections.defaultdict(list)
        for ts, event in sorted(self.events, key=lambda pair: pair[0]):
            kind, uuid = event[9][0], event[11][0]
            if kind == 2:
                begin, first = stacks[uuid].pop()
                slices.append(Slice(self.name_of(uuid), text(first[23]), begin, ts,
                                    self.args(first)))
                continue
            for flow in event[47] + event[48]:
                flows[flow].append((self.name_of(uuid), text(event[23]), ts,
                                    bool(event[48])))
            if kind == 1:
                stacks[uuid].append((ts, event))
            else:
                slices.append(Slice(self.name_of(uuid), text(event[23]), ts, ts, {}))
        if any(stacks.values()):
            raise ValueError("a slice has no end")
        return slices, flows

    def had(self):
        """Who had which CPU, by the switches."""
        on, found = {}, []
        for cpu, event in sorted(self.ftrace, key=lambda pair: pair[1][1][0]):
            for data in event[4]:
                switch, ts = Message(data), event[1][0]
                prev, state = signed(switch[2][0]), switch[4][0]
                if event[2] != [switch[2][0]]:
                    raise ValueError("a switch by somebody else")
                if cpu in on and prev != on[cpu][0]:
                    raise ValueError(f"{prev} leaves CPU {cpu} of {on[cpu][0]}")
                if prev:
                    pid, comm, prio, begin = on[cpu]
                    found.append(Had(cpu, pid, comm, prio, begin, ts, state == 0))
                on[cpu] = (signed(switch[6][0]), text(switch[5]), signed(switch[7][0]), ts)
        return found

    def wakeups(self):
        """Who was woken: (pid, CPU, time)."""
        return [(Message(data)[2][0], Message(data)[5][0], event[1][0])
                for _, event in self.ftrace for data in event[20]]


class Expected:
    """What should be in a trace, by the database of the same recording."""

    def __init__(self, path):
        self.db = sqlite3.connect(path)
        self.db.row_factory = sqlite3.Row
        self.base = self.db.execute(
            "SELECT coalesce(begin_boottime_ns, begin_monotonic_ns, 0) FROM recording").fetchone()[0]
        self.vcpus = {row["vcpu"]: row for row in self.db.execute(
            "SELECT * FROM vcpus LEFT JOIN vms USING (vm)")}
        self.vms = {row["vm"]: row for row in self.rows("vms")}

    def time(self, ns):
        """A time in the trace's clock."""
        return max(0, self.base + ns)

    def rows(self, table):
        """A table's rows, in the order in which they were written."""
        return self.db.execute(f"SELECT * FROM {table} ORDER BY rowid")

    @staticmethod
    def of_vm(vm, name):
        """The process of a VM's track, and its name, with the VM's number if it needs one."""
        if not vm["pid"]:
            return None, f"vm {vm['vm']}? {name}"
        return vm["pid"], f"VM {vm['number']} {name}" if vm["number"] else name

    def owner(self, row):
        """The process and the begin of a track's name."""
        if row["vcpu"] is None:
            return None, f"CPU {row['cpu']}"
        vcpu = self.vcpus[row["vcpu"]]
        return self.of_vm(vcpu, f"vCPU {vcpu['vcpu_id']}")

    @staticmethod
    def name(table, row):
        """The name of a slice."""
        track, column = TRACKS[table]
        if not column:
            return track
        if table == "waits":
            return "preempted" if row[column] else "woken"
        if column in TEXTS:
            return "unknown" if row[column] is None else row[column]
        return f"{column} {row[column]}"

    @staticmethod
    def args(table, row):
        """What stands beside a slice."""
        named = TRACKS[table][1] if TRACKS[table][1] in TEXTS else None
        left_out = {"vcpu", "begin_ns", "end_ns", named}
        left_out |= {key for key in ("gap", "open") if not row[key]}
        if row["length_ns"] == row["end_ns"] - row["begin_ns"]:
            left_out.add("length_ns")
        return {key: row[key] for key in row.keys()
                if key not in left_out and row[key] is not None}

    def guest_slices(self):
        """What tasks of guests did, and when its CPUs were idle: each row."""
        for row in self.rows("guest_tasks"):
            name = (f"guest CPU {row['cpu']}" if row["what"] == "idle" else
                    f"guest task {row['comm']}/{row['pid']}")
            beside = {"cpu": row["cpu"], "open": row["open"] or None}
            yield Slice(self.of_vm(self.vms[row["vm"]], name), row["what"],
                        self.time(row["begin_ns"]), self.time(row["end_ns"]),
                        {key: value for key, value in beside.items() if value is not None})

    def slices(self):
        """Each row, and what is drawn beside it."""
        yield from self.guest_slices()
        for table, (track, _) in TRACKS.items():
            for row in self.rows(table):
                pid, label = self.owner(row)
                begin, end = self.time(row["begin_ns"]), self.time(row["end_ns"])
                yield Slice((pid, f"{label} {track}"), self.name(table, row), begin, end,
                            self.args(table, row))
                if table == "thieves":
                    yield Slice((None, f"CPU {row['cpu']} had by, while vCPUs waited"),
                                self.name(table, row), begin, end, {})
                if table == "timers":
                    expired = self.time(row["expired_ns"])
                    yield Slice((pid, f"{label} timer: expiry"), "expiry", expired, expired,
                                {})
                    yield Slice((pid, f"{label} timer: injection"), "injection", end, end, {})

    def flows(self):
        """The two ends of each arrow: (track, name, time, is it the last?)."""
        for row in self.rows("thieves"):
            pid, label = self.owner(row)
            name, begin = self.name("thieves", row), self.time(row["begin_ns"])
            yield (((pid, f"{label} thief"), name, begin, False),
                   ((None, f"CPU {row['cpu']} had by, while vCPUs waited"), name, begin, True))
        for row in self.rows("timers"):
            pid, label = self.owner(row)
            yield (((pid, f"{label} timer: expiry"), "expiry",
                    self.time(row["expired_ns"]), False),
                   ((pid, f"{label} timer: injection"), "injection",
                    self.time(row["end_ns"]), True))

    def prio(self, vcpu):
        """The kernel's priority of a vCPU's thread."""
        if vcpu["priority"] is None:
            return 0
        return 99 - vcpu["priority"] if vcpu["priority"] else 120 + vcpu["nice"]

    def had(self):
        """Who had which CPU: all tasks, or if they were not recorded, vCPUs.  A thread gets
        its CPU a little before its slice of the model begins or ends; there the one that
        had it before is believed."""
        found = [Had(row["cpu"], row["pid"], row["comm"], row["prio"],
                     self.time(row["begin_ns"]), self.time(row["end_ns"]),
                     bool(row["preempted"])) for row in self.rows("tasks")]
        if found:
            return found
        until = collections.Counter()
        for row in self.rows("slices"):
            vcpu, end = self.vcpus[row["vcpu"]], self.time(row["end_ns"])
            begin = max(self.time(row["begin_ns"]), until[row["cpu"]])
            if vcpu["tid"] and end > until[row["cpu"]]:
                until[row["cpu"]] = end
                found.append(Had(row["cpu"], vcpu["tid"], vcpu["comm"], self.prio(vcpu),
                                 begin, end,
                                 row["ended_by"] == "preempted"))
        return found

    def wakeups(self):
        """Who was woken: (pid, CPU, time)."""
        return [(self.vcpus[row["vcpu"]]["tid"], row["cpu"], self.time(row["begin_ns"]))
                for row in self.rows("waits")
                if not row["preempted"] and self.vcpus[row["vcpu"]]["tid"]]

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Databases of `kvmsched export` against what `kvmsched report --json` says, and CSV
files against the databases.

usage: export.t            (O: the build folder, as for make)
"""
import collections
import csv
import json
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from tap import Tap  # pylint: disable=wrong-import-position
from tool import FORMATS, GOLDEN, O, TOP, run  # pylint: disable=wrong-import-position

ANSWERS = TOP / "docs/answers/data"
TAP = Tap()


def export(recording, database, *options):
    """A database of the recording; rows can be asked by names of columns."""
    status, _, err = run("export", "--sqlite", database, recording, *options)
    if status:
        raise SystemExit(f"Bail out! export of {recording}: {err}")
    db = sqlite3.connect(database)
    db.row_factory = sqlite3.Row
    return db


def differs(name, row, dist):
    """How a view's row differs from a distribution in JSON."""
    if not dist or not row or not row["count"]:
        if dist or (row and row["count"]):
            yield f"{name}: {dict(row) if row else None} is not {dist}"
        return
    n = dist["count"]
    for key in "count", "min", "max":
        mine = row[key if key == "count" else key + "_ns"]
        if mine != dist[key]:
            yield f"{name}: {key} {mine} is not {dist[key]}"
    if not dist["total"] - n <= row["total_ns"] <= dist["total"]:
        yield f"{name}: total {row['total_ns']} is not {dist['total']}"
    for key in "p50", "p99", "p999":
        if abs(row[key + "_ns"] - dist[key]) > 1 + abs(dist[key]) / 128:
            yield f"{name}: {key} {row[key + '_ns']} is not {dist[key]}"


def one(db, view, vcpu, **keys):
    """The row of a view with these keys."""
    where = "".join(f" AND {key} IS :{key}" for key in keys)
    rows = db.execute(f"SELECT * FROM {view} WHERE vcpu = :vcpu{where}",
                      {"vcpu": vcpu, **keys}).fetchall()
    assert len(rows) < 2, (view, vcpu, keys)
    return rows[0] if rows else None


def senders_of(interrupt):
    """The same, of those who sent the interrupts of one vector."""
    for s in interrupt["senders"] or []:
        keys = {"vector": interrupt["vector"], "sender": s["kind"], "sent_by": s["by"],
                "sender_vcpu_id": s["vcpu"], "sender_tid": s["tid"],
                "sender_pid": s["process"], "sender_comm": s["name"]}
        yield "report_senders", keys, s["accept_to_inject_ns"]
        yield "report_senders_sent", keys, s["sent_to_accept_ns"]


def views_of(vcpu):
    """Each view, the keys of a row in it, and the distribution in JSON."""
    for e in vcpu["exits"] or []:
        keys = {"reason": e["reason"], "code": e["code"], "l2": int(e["l2"])}
        yield "report_exits", keys, e["host_ns"]
        yield "report_exits_polled", keys, e["poll_ns"]
        yield "report_exits_guest", keys, e["guest_ns"]
        yield "report_exits_blocked", keys, e["blocked_ns"]
    for u in vcpu["userspace_exits"] or []:
        yield "report_runs", {"code": u["code"]}, u["run_ns"]
        yield "report_users", {"code": u["code"]}, u["user_ns"]
    yield "report_slices", {}, vcpu["slices_ns"]
    yield "report_slices_preempted", {}, vcpu["preempted_slices_ns"]
    switches = vcpu["switches"] or {}
    yield "report_waits_preempted", {}, switches.get("preempted_wait_ns")
    yield "report_waits_woken", {}, switches.get("woken_wait_ns")
    yield "report_offs", {}, switches.get("off_cpu_ns")
    for i in vcpu["interrupts"] or []:
        keys = {"vector": i["vector"]}
        yield "report_interrupts_injected", keys, i["accept_to_inject_ns"]
        yield "report_interrupts_exited", keys, i["accept_to_exit_ns"]
        yield "report_interrupts_on_cpu", keys, i["accept_to_cpu_ns"]
        yield "report_interrupts_ended", keys, i["inject_to_eoi_ns"]
        yield from senders_of(i)
    timers = vcpu["timers"] or {}
    yield "report_timers_accepted", {}, timers.get("expire_to_accept_ns")
    yield "report_timers_entered", {}, timers.get("inject_to_entry_ns")
    for i in vcpu["host_irqs"] or []:
        keys = {"name": i["name"], "kind": i["kind"], "irq": i["irq"],
                "vector": i["vector"]}
        yield "report_host_irqs", keys, i["ns"]
    yield "report_clockevents", {}, vcpu["clockevents_ns"]


def differing_senders(db, key, vcpu):
    """Acceptances are rows, those that were merged as well."""
    for interrupt in vcpu["interrupts"] or []:
        told = list(senders_of(interrupt))[::2]
        for sender, (_, keys, _) in zip(interrupt["senders"] or [], told):
            row = one(db, "report_senders_accepted", key, **keys)
            where = " AND ".join(f"{name} IS :{name}" for name in keys)
            merged = db.execute(f"SELECT coalesce(sum(merged), 0) FROM accepts WHERE vcpu = "
                                f":vcpu AND {where}", {"vcpu": key, **keys}).fetchone()[0]
            if (row["rows"] if row else 0, merged) != (sender["accepted"], sender["merged"]):
                yield f"accepted {key} {keys}: {dict(row) if row else None}, {merged} merged"


def key_of(db, vcpu):
    """The key of a vCPU of the JSON in the tables."""
    return db.execute("SELECT vcpu FROM vcpus LEFT JOIN vms USING (vm) WHERE vcpu_id = ? "
                      "AND pid IS ? AND number IS ?",
                      (vcpu["vcpu"], vcpu["vm"], vcpu["vm_index"])).fetchone()[0]


def compare(db, report):
    """How the database differs from the report; and how much was compared."""
    wrong, compared = [], 0
    for vcpu in report["vcpus"]:
        key = key_of(db, vcpu)
        for view, keys, dist in views_of(vcpu):
            compared += bool(dist)
            wrong += differs(f"{view} {key} {keys}", one(db, view, key, **keys), dist)
        for state, ns in (vcpu["states_ns"] or {}).items():
            rows, mine = db.execute(
                "SELECT count(*), coalesce((SELECT ns FROM report_ledger WHERE vcpu = ? "
                "AND state = ?), 0) FROM states WHERE vcpu = ?", (key, state, key)).fetchone()
            if abs(mine - ns) > rows + 1:
                wrong.append(f"vCPU {key}: {state} {mine} is not {ns}")
        for t in (vcpu["switches"] or {}).get("takers", []):
            row = one(db, "report_takers", key, pid=t["pid"], comm=t["comm"])
            wrong += [f"taker {key} {t['comm']}: {kind}"
                      for kind in ("preempted", "halted", "blocked", "aborted")
                      if not row or row[kind] != t[kind]]
        wrong += differing_senders(db, key, vcpu)
        for t in vcpu["thieves"] or []:
            kind = "task" if t["kind"] == "vcpu" else t["kind"]
            row = one(db, "report_thieves", key, kind=kind,
                      task=t["pid"] if kind == "task" else None,
                      handler=t["who"] if kind in ("interrupt", "quota") else None)
            if not row or row["count"] != t["count"] or row["max_ns"] > t["max_ns"] + 1 or \
                    abs(row["total_ns"] - t["ns"]) > t["count"] + 1:
                wrong.append(f"thief {key}: {dict(row) if row else None} is not {t}")
    return wrong, compared


def detail_of(row):
    """What exits of a row of JSON were for, as the columns of a view tell it."""
    known = row.get("known", True)
    number = [row[key] for key in ("port", "msr", "leaf", "hypercall", "page") if key in row]
    way = not row["in"] if "in" in row else row.get("write")
    return tuple(number or [None]) + (
        row.get("subleaf"), row.get("bytes"), None if way is None else int(way)) if known \
        else (None,) * 4


def summed(part):
    """The rows of one table of `report exits`, by what they were for."""
    for row in part["rows"]:
        ways = row.get("accesses", {})
        yield detail_of(row), (row["count"], row["host_ns"], row["max_ns"],
                               int(row["mmio"]) if "mmio" in row else None,
                               *(ways.get(k, 0)
                                 for k in ("read", "write", "execute", "present")))


def details(db, recording):
    """How the view of what exits were for differs from the report; how much there was."""
    wrong, compared = [], 0
    for part in json.loads(run("report", "exits", "--json", "-n", "10000",
                               recording)[1])["details"]:
        if part["by"] == "vector":
            mine = dict(db.execute("SELECT coalesce(vector, mode), sum(sent) FROM ipis GROUP BY 1"))
            theirs = {row["name"] if row["vector"] is None else row["vector"]: row["count"]
                      for row in part["rows"]}
            compared += len(theirs)
            wrong += [] if mine == theirs else [("vector", mine, theirs)]
            continue
        mine = {tuple(row)[:4]: tuple(row)[4:] for row in db.execute(
            'SELECT detail, subleaf, bytes, is_write, sum("count"), sum(host_ns), max(max_ns),'
            "max(is_mmio), sum(reads), sum(writes), sum(executes), sum(present) "
            "FROM report_details WHERE detail_by = ? GROUP BY 1, 2, 3, 4", (part["by"],))}
        theirs = dict(summed(part))
        compared += len(theirs)
        wrong += [(part["by"], key) for key in mine.keys() ^ theirs.keys()]
        for key in mine.keys() & theirs.keys():
            # A sum of rounded numbers
            less = theirs[key][1] - mine[key][1]
            if not -1 <= less <= mine[key][0] or \
                    mine[key][:1] + mine[key][2:] != theirs[key][:1] + theirs[key][2:]:
                wrong.append((part["by"], key, mine[key], theirs[key]))
    return wrong, compared


def rows_of(db, view, *columns):
    """The rows of a view, by what these columns and the vCPU tell."""
    rows = db.execute(f"SELECT * FROM {view}").fetchall()
    by_key = {tuple(row[column] for column in ("vcpu", *columns)): row for row in rows}
    assert len(by_key) == len(rows), view
    return by_key


IO_KEY = "detail_by", "detail", "bytes", "is_write"
IO_LEGS = {"report_io_kernel": "in_kernel_ns", "report_io_to_vmm": "to_userspace_ns",
           "report_io_in_vmm": "in_userspace_ns"}
ANSWER_KEY = *IO_KEY, "request", "vector", "sender", "sent_by", "sender_vcpu_id", "sender_tid", \
    "sender_comm"
ANSWER_LEGS = {"report_io_answers": "exit_to_accept_ns",
               "report_io_answers_sender": "exit_to_sender_on_cpu_ns",
               "report_io_answers_injected": "accept_to_inject_ns"}


def answers_of(views, key, row):
    """How interrupts after requests of one row of JSON differ from the views."""
    for answer in row["requests"]["interrupts"]:
        who = answer["sender"]
        told = key + (answer["request"], answer["vector"], who["kind"], who["by"], who["vcpu"],
                      who["tid"], who["name"])
        for view, leg in ANSWER_LEGS.items():
            mine = views[view].get(told)
            yield from differs(f"{view} {told}", mine, answer[leg])
            if not mine or mine["rows"] != answer["count"]:
                yield f"{view} {told}: {answer['count']}"


def guest_io(db, recording):
    """The same of guest I/O: who took it, and the interrupts that came next."""
    wrong, had = [], collections.Counter()
    views = {view: rows_of(db, view, *IO_KEY)
             for view in ("report_io", "report_io_requests", *IO_LEGS)}
    views.update({view: rows_of(db, view, *ANSWER_KEY) for view in ANSWER_LEGS})
    report = json.loads(run("report", "io", "--json", "-n", "10000", recording)[1])
    for row in report["io"]:
        number, _, size, way = detail_of(row)
        key = (key_of(db, row), "port" if "port" in row else "address", number, size, way)
        mine = views["report_io"].get(key)
        had["exits"] += 1
        if not mine or tuple(mine)[-4:] != (row["exits"], row["kernel"], row["userspace"],
                                            row["not_told"]):
            wrong.append((key, dict(mine) if mine else None))
        for view, leg in IO_LEGS.items():
            wrong += differs(f"{view} {key}", views[view].get(key), row[leg])
        asked = row["requests"]
        mine = views["report_io_requests"].get(key)
        theirs = tuple(asked[key] for key in ("count", "served", "alone", "several", "none",
                                              "not_told")) if asked else (0,)
        if (tuple(mine)[-6:] if mine else (0,)) != theirs and (mine or theirs[0]):
            wrong.append((key, dict(mine) if mine else None, asked))
        if asked:
            had.update({kind: asked[kind] for kind in asked if kind != "interrupts"})
            had["answers"] += len(asked["interrupts"])
            wrong += answers_of(views, key, row)
    untold = db.execute("SELECT count(*) FROM accepts WHERE sender IS NULL").fetchone()[0]
    if untold != report["untold_senders"]:
        wrong.append(("untold senders", untold))
    for view, nr in ("report_io", had["exits"]), ("report_io_answers", had["answers"]):
        if len(views[view]) != nr:
            wrong.append(f"{view} has {len(views[view])} rows, not {nr}")
    return wrong, had


def inputs_and_outputs(folder):
    """What exits were for, and guest I/O: every recording, and one with much of all that."""
    path, exits = folder / "ios.dat", folder / "exits.dat"
    subprocess.run([O / "unit/ios", FORMATS, path, "30000"], check=True)
    subprocess.run([O / "unit/ios", FORMATS, exits, "3000", "exits"], check=True)
    nr, all_io = 0, collections.Counter()
    recordings = sorted(p for p in ANSWERS.glob("*.dat") if not p.stem.endswith("-guest"))
    for recording in *sorted(GOLDEN.glob("*.dat")), *recordings, path, exits:
        db = export(recording, folder / "io.db")
        wrong, compared = details(db, recording)
        TAP.empty(f"what exits of {recording.name} were for", wrong)
        nr += compared
        wrong, had = guest_io(db, recording)
        all_io += had
        TAP.empty(f"guest I/O of {recording.name}", wrong)
        db.close()
    TAP.empty("many ports, pages and so on were compared", [] if nr > 200 else [nr])
    TAP.empty("there was I/O of each kind",
              [key for key in ("served", "alone", "several", "not_told", "answers", "exits")
               if all_io[key] < 50] + [key for key in ("none",) if all_io[key] < 5])
    options_and_io(folder, path)


def options_and_io(folder, path):
    """They leave rows of I/O out as well."""
    whole = export(path, folder / "whole.db")
    rows = {table: whole.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("io", "io_answers")}
    half = whole.execute("SELECT max(end_ns) / 2 FROM io").fetchone()[0]
    part = export(path, folder / "part.db", "--to", f"{half}ns", "--kinds", "io", "--vm", "4000")
    mine = part.execute("SELECT count(*) FROM io").fetchone()[0]
    want = whole.execute("SELECT count(*) FROM io JOIN vcpus USING (vcpu) JOIN vms USING (vm) "
                         "WHERE begin_ns < ? AND pid = 4000", (half,)).fetchone()[0]
    others = sum(part.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                 for table in ("io_answers", "exits"))
    TAP.empty("options select I/O as well", [] if 0 < mine == want < rows["io"] and not others
              else [mine, want, rows, others])


def golden(folder):
    """Every recording of tests/golden."""
    compared = 0
    for recording in sorted(GOLDEN.glob("*.dat")):
        report = json.loads(run("report", "--json", recording)[1])
        db = export(recording, folder / "all.db")
        wrong, nr = compare(db, report)
        compared += nr
        if db.execute("SELECT lost, records FROM recording").fetchone()[:] != \
                (report["lost"], report["records"]):
            wrong.append("the counts of records differ")
        TAP.empty(f"views and report of {recording.name} agree", wrong)
        db.close()
    TAP.empty("there was much to compare", [] if compared > 150 else [compared])


def parts(folder):
    """Options that leave rows out."""
    recording = GOLDEN / "svm-rr.dat"
    db = export(recording, folder / "all.db")
    window = {"low": 400_000_000, "high": 800_000_000}
    part = export(recording, folder / "part.db", "--from", "400ms", "--to", "800ms",
                  "--kinds", "slices,exits")
    wrong = []
    for table in "slices", "exits":
        query = f"SELECT * FROM {table} {{}} ORDER BY 1, 2, 3, 4"
        mine = part.execute(query.format("")).fetchall()
        all_rows = db.execute(query.format(
            "WHERE end_ns >= :low AND begin_ns < :high"), window).fetchall()
        if not mine or [tuple(r) for r in mine] != [tuple(r) for r in all_rows]:
            wrong.append(f"{table}: {len(mine)} rows, not {len(all_rows)}")
    if part.execute("SELECT count(*) FROM states").fetchone()[0]:
        wrong.append("there are rows of a kind that was not asked for")
    TAP.empty("--from, --to and --kinds select rows", wrong)
    pid = db.execute("SELECT pid FROM vms ORDER BY pid LIMIT 1").fetchone()[0]
    one_vm = export(recording, folder / "vm.db", "--vm", str(pid))
    TAP.empty("--vm selects rows", [
        table for table in ("exits", "slices")
        if one_vm.execute(f"SELECT count(*) FROM {table}").fetchone()[0] !=
        db.execute(f"SELECT count(*) FROM {table} JOIN vcpus USING (vcpu) JOIN vms "
                   "USING (vm) WHERE pid = ?", (pid,)).fetchone()[0]])
    recording = GOLDEN / "svm-steal.dat"
    db = export(recording, folder / "both.db")
    counts = [export(recording, folder / f"vcpu{i}.db", "--vcpu", str(i)).execute(
        "SELECT count(*), count(DISTINCT vcpu) FROM exits").fetchone()[:] for i in (0, 1)]
    both = db.execute("SELECT count(*) FROM exits WHERE vcpu NOTNULL").fetchone()[0]
    TAP.empty("--vcpu selects rows", [] if counts[0][0] + counts[1][0] == both and
              [vcpus for _, vcpus in counts] == [1, 1] else [counts, both])


def armed(folder):
    """Each timer that was injected had been armed until it expired, for its deadline."""
    wrong, nr = [], 0
    for name in "svm-hlt", "everything":
        db = export(GOLDEN / f"{name}.dat", folder / f"{name}-armed.db")
        timers = set(map(tuple, db.execute(
            "SELECT vcpu, deadline_ns, expired_ns FROM timers")))
        stretches = set(map(tuple, db.execute(
            "SELECT vcpu, deadline_ns, end_ns FROM timers_armed WHERE ended_by = 'expired'")))
        nr += len(timers)
        wrong += [f"{name}: {tuple(t)}" for t in timers - stretches]
    TAP.empty("each timer was armed before", wrong)
    TAP.empty("there were timers", [] if nr > 50 else [nr])


def schema(folder):
    """Types, version, indices, and what is never overwritten."""
    db = export(GOLDEN / "svm-steal.dat", folder / "steal.db")
    TAP.empty("the schema has its number", [] if
              db.execute("PRAGMA user_version").fetchone()[0] == 7 else ["another"])
    TAP.empty("tables are strict", [row["name"] for row in db.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
        if not row["sql"].endswith("STRICT")])
    copy = folder / "copy.dat"
    copy.write_bytes((GOLDEN / "plain.dat").read_bytes())
    status, _, err = run("export", "--sqlite", copy, copy)
    TAP.empty("a recording is not overwritten by its export",
              [] if status == 1 and "is the recording itself" in err and
              copy.read_bytes() == (GOLDEN / "plain.dat").read_bytes() else [err])
    TAP.empty("no unfinished file is left", folder.glob("*.part"))


def csv_rows(path):
    """The header of a CSV file, and its rows as texts."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file, strict=True)
    return header, sorted(rows)


def csv_of(recording, folder, options=()):
    """How the CSV files of a recording differ from its database; how many rows they have."""
    db = export(recording, folder / "csv.db", *options)
    files = folder / recording.stem
    status, _, err = run("export", "--csv", files, recording, *options)
    wrong, nr = [err] if status else [], 0
    tables = [row["name"] for row in db.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table'")]
    if sorted(p.name for p in files.iterdir()) != sorted(f"{t}.csv" for t in tables):
        wrong.append("there is not one file a table")
    for table in tables:
        cursor = db.execute(f"SELECT * FROM {table}")
        rows = sorted(["" if v is None else str(v) for v in row] for row in cursor)
        nr += len(rows)
        if csv_rows(files / f"{table}.csv") != ([c[0] for c in cursor.description], rows):
            wrong.append(f"{table} differs")
    db.close()
    return wrong, nr


def csv_files(folder):
    """Every recording once more; names that need quotes; what is never overwritten."""
    nr = 0
    for recording in sorted(GOLDEN.glob("*.dat")):
        wrong, rows = csv_of(recording, folder)
        nr += rows
        TAP.empty(f"CSV files and database of {recording.name} agree", wrong)
    TAP.empty("they have many rows", [] if nr > 10000 else [nr])
    odd = folder / 'a "b", c.dat'
    odd.write_bytes((GOLDEN / "plain.dat").read_bytes())
    wrong = csv_of(odd, folder, ("--kinds", "exits"))[0]
    raw = (folder / odd.stem / "recording.csv").read_bytes()
    if b'a ""b"", c.dat",' not in raw or raw.count(b"\r\n") != 2:
        wrong.append(raw)
    TAP.empty("a name with quotes and a comma is quoted", wrong)
    full = folder / "full"
    full.mkdir()
    (full / "exits.csv").write_text("mine")
    status, _, err = run("export", "--csv", full, odd)
    TAP.empty("a folder with something in it is left alone",
              [] if status == 1 and "is not empty" in err and
              (full / "exits.csv").read_text() == "mine" and
              len(list(full.iterdir())) == 1 else [err])
    (full / "exits.csv").unlink()
    status, _, err = run("export", "--csv", full, odd)
    TAP.empty("an empty folder is taken", [err] if status else [])


def questions(folder):
    """The queries of docs/sql.md are right, and most find something."""
    dbs = [export(path, folder / f"{path.stem}.db")
           for path in (GOLDEN / "svm-steal.dat", GOLDEN / "everything.dat",
                        ANSWERS / "interrupts.dat")]
    text = (TOP / "docs/sql.md").read_text()
    queries = re.findall(r"^    (?:SELECT|WITH)[^;]*;", text, re.M)
    TAP.empty("there are twelve questions", [] if len(queries) == 12 else [len(queries)])
    wrong = []
    for query in queries:
        try:
            if not any(db.execute(query).fetchall() for db in dbs):
                wrong.append(f"finds nothing: {query}")
        except sqlite3.Error as error:
            wrong.append(f"{error}: {query}")
    TAP.empty("each question has an answer", wrong)


def main():
    """All of it, and how many tests that were."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        golden(folder)
        parts(folder)
        armed(folder)
        inputs_and_outputs(folder)
        schema(folder)
        questions(folder)
        csv_files(folder)
    print(f"1..{TAP.number}")


main()

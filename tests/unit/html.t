#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Pages of `kvmsched report --html`, in a browser, against what `kvmsched export --sqlite`
says.  Selenium is a package of the distribution, so this is its Python.

usage: html.t            (O: the build folder, as for make)
"""
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.dont_write_bytecode = True
from tap import Tap  # noqa: E402
from tool import GOLDEN, KVMSCHED, O  # noqa: E402

import page_tables  # noqa: E402
from browser import start  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

SAMPLES = 200
SLOW_MS = 250  # for a frame: five times what is meant, as others may have the CPU
HOSTILE = b"</script><img/>"
PROFILE = """return {
    frame: data.frame, whole: data.whole, detail: data.detail, moments: data.moments,
    vcpus: data.vcpus.map(v => ({index: v.index, vm: v.vm, name: v.name, bars: v.bars.nr,
        polls: v.polls.nr, pieces: v.pieces.nr, levels: v.levels.map(l => l.nr)})),
    cpus: data.cpus.map(c => ({cpu: c.cpu, bars: c.bars.nr, levels: c.levels.map(l => l.nr)})),
    timers: data.timers.map(t => ({of: t.below.index, bars: t.bars.nr,
        levels: t.levels.map(l => l.nr)})),
    irqs: data.irqs.map(i => ({of: i.below.index, bars: i.bars.nr,
        levels: i.levels.map(l => l.nr)})),
    hosts: data.hosts.map(h => ({cpu: h.below.cpu, bars: h.bars.nr,
        levels: h.levels.map(l => l.nr)})),
    tasks: data.tasks.map(t => ({pid: t.pid, bars: t.bars.nr, levels: t.levels.map(l => l.nr)})),
    states: data.states.map(s => s.name)}"""
SPANS = """return arguments[0].map(([lane, list, i]) => {
    const bars = line.lanes[lane][list];
    return [bars.kind[i], bars.begin[i], bars.end[i]]; })"""
BINS = """return arguments[0].map(([lane, level, bin]) => {
    const l = line.lanes[lane].levels[level];
    return [binBegin(data.frame, l, bin), binBegin(data.frame, l, bin + 1),
            l.cells.map(cells => cells && cells[bin])]; })"""
SUMS = """return line.lanes.map(lane => lane.levels.map(
    l => l.cells.map(cells => cells && d3.sum(cells))))"""
# Zoom and move at random; the times of the frames in ms, and frames that looked at other
# bins than those in view, or more than once.
ZOOMS = """
    let seed = 1, counted = 0;
    const random = () => (seed = seed * 16807 % 2147483647) / 2147483647;
    const times = [], wrong = [], frame = data.frame;

    line.show(frame.from, frame.to);
    line.draw();
    for (let i = 0; i < arguments[0]; i++) {
        const length = (frame.to - frame.from) * 2 ** -(random() * random() * 24);
        const from = frame.from + random() * (frame.to - frame.from - length);
        if (i % 2)
            line.move(random() - 0.5);
        else
            line.show(from, from + length);
        const begin = performance.now();
        line.draw();
        times.push(performance.now() - begin);
        const perNs = line.canvas.width / (line.to - line.from);
        const [first, end] = line.rowsInView();
        const lanes = line.rows.slice(first, end).map((lane) => line.lanes[lane]);
        if (lanes.some((lane) => lane.levels[0].width * perNs > 1))
            continue;
        counted++;
        const inView = d3.sum(lanes, (lane) => {
            const level = line.levelFor(lane, perNs);
            return Math.min(level.nr, Math.ceil((line.to - frame.from) / level.width)) -
                Math.floor((Math.max(line.from, frame.from) - frame.from) / level.width);
        });
        if (line.touched !== inView)
            wrong.push(`${line.touched} of ${inView} bins, ${line.from} to ${line.to}`);
    }
    const [first, end] = line.rowsInView();
    return [times, wrong, counted, end - first];"""
LOSSES = """
    line.show(data.frame.from, data.frame.to);
    line.draw();
    const strips = Array.from(document.querySelectorAll("#over .loss"), (rect) =>
        ["x", "y", "width"].map((name) => Number(rect.getAttribute(name))));
    return [data.losses.map((l) => [l.cpu, l.records, l.last, line.gutter + line.scale(l.from),
                line.gutter + line.scale(l.to), TOP + l.lane.row * (LANE + GAP),
                inWords({lane: line.lanes.indexOf(l.lane), t: l.to})]), strips];"""
# [name, it ran, it waited], ns, of each task of a guest
GUESTS = """return data.guests.map((lane) => [lane.comm, ...[0, 1].map((kind) => sumOf(lane, kind))])"""
# What guests.c lets them do, us: guest.t has the same figures of slices and waits
GUEST_US = {"alpha": [7990, 10110], "beta": [7510, 10090], "gamma": [600, 3000]}
TAP = Tap()


def run(*args, columns=80):
    """The program's output"""
    done = subprocess.run([KVMSCHED, *args], check=False, capture_output=True,
                          env=dict(os.environ, COLUMNS=str(columns)))
    if done.returncode:
        raise SystemExit(f"Bail out! {args}: {done.stderr.decode(errors='replace')}")
    return done.stdout


class Page:
    """A page in the browser, and the export of the same recording"""
    def __init__(self, browser, folder, recording, *options):
        self.browser = browser
        self.recording = recording
        self.file = folder / "page.html"
        run("report", "--html", self.file, *options, recording)
        run("export", "--sqlite", folder / "page.db", recording)
        self.db = sqlite3.connect(folder / "page.db")
        self.classes = json.loads(run("report", "--json", recording))["classes"]
        browser.get_log("browser")
        browser.get(self.file.as_uri())
        for _ in range(300):
            if browser.execute_script("return document.body.dataset.ready"):
                break
            time.sleep(0.1)
        self.said = self.js(PROFILE)
        self.nr_vcpus = len(self.said["vcpus"])
        self.random = random.Random(1)
        self.vmms = {tgid for (tgid,) in self.db.execute("SELECT pid FROM vms")}
        vms = list(dict.fromkeys(v["vm"] for v in self.said["vcpus"]))
        self.hue = {v["index"] + 1: vms.index(v["vm"]) % 6 for v in self.said["vcpus"]}

    def js(self, script, *args):
        return self.browser.execute_script(script, *args)

    def pick(self, choices):
        """Random places, at most so many as there are"""
        return [self.random.choice(choices) for _ in range(SAMPLES)] if choices else []

    def vcpu_key(self, lane):
        return self.said["vcpus"][lane]["index"] + 1

    def rows(self, lane, low, high):
        """(kind, begin, end) of what touches that time in a lane, by the export"""
        states = self.said["states"]
        if lane < self.nr_vcpus:
            return [(states.index(state), begin, end) for state, begin, end in self.db.execute(
                "SELECT state, begin_ns, end_ns FROM states WHERE vcpu = ? AND end_ns >= ? "
                "AND begin_ns <= ?", (self.vcpu_key(lane), low, high))]
        lane -= self.nr_vcpus
        for group, rows in (("cpus", self.rows_of_cpu), ("timers", self.rows_of_timer),
                            ("irqs", self.rows_of_irqs), ("hosts", self.rows_of_host),
                            ("tasks", self.rows_of_task)):
            if lane < len(self.said[group]):
                return rows(self.said[group][lane], low, high)
            lane -= len(self.said[group])
        raise IndexError(lane)

    def rows_of_cpu(self, lane, low, high):
        """The same of a CPU"""
        cpu = lane["cpu"]
        slices = [(9 if gap else self.hue.get(vcpu, 6), begin, end)
                  for vcpu, gap, begin, end in self.db.execute(
                      "SELECT vcpu, gap, begin_ns, end_ns FROM slices WHERE begin_is_seen AND "
                      "cpu = ? AND end_ns >= ? AND begin_ns <= ?", (cpu, low, high))]
        return slices + [(9 if gap else 7 if tgid in self.vmms else 8, begin, end)
                         for gap, tgid, begin, end in self.db.execute(
                             "SELECT gap, tgid, begin_ns, end_ns FROM tasks WHERE NOT is_vcpu "
                             "AND cpu = ? AND end_ns >= ? AND begin_ns <= ?", (cpu, low, high))]

    def rows_of_timer(self, lane, low, high):
        """The same of a vCPU's timer"""
        return self.db.execute(
            "SELECT 0, begin_ns, end_ns FROM timers WHERE vcpu = :key AND end_ns >= :low "
            "AND begin_ns <= :high UNION ALL SELECT 1 + gap, begin_ns, end_ns FROM "
            "timers_armed WHERE vcpu = :key AND end_ns >= :low AND begin_ns <= :high",
            {"key": lane["of"] + 1, "low": low, "high": high}).fetchall()

    def rows_of_irqs(self, lane, low, high):
        """The same of a vCPU's interrupts"""
        return self.db.execute(
            "SELECT 0, begin_ns, end_ns FROM services WHERE vcpu = :key AND end_ns >= :low "
            "AND begin_ns <= :high UNION ALL SELECT 1, begin_ns, end_ns FROM interrupts "
            "WHERE vcpu = :key AND end_ns >= :low AND begin_ns <= :high",
            {"key": lane["of"] + 1, "low": low, "high": high}).fetchall()

    def rows_of_host(self, lane, low, high):
        """The same of what a CPU serves for the host"""
        return [(int("softirq" in kind), begin, end) for kind, begin, end in self.db.execute(
            "SELECT kind, begin_ns, end_ns FROM host_irqs WHERE cpu = ? AND end_ns >= ? "
            "AND begin_ns <= ?", (lane["cpu"], low, high))]

    def rows_of_task(self, lane, low, high):
        """The same of a task"""
        return self.db.execute(
            "SELECT 0, begin_ns, end_ns FROM tasks WHERE pid = :pid AND end_ns >= :low "
            "AND begin_ns <= :high UNION ALL SELECT 1, begin_ns, end_ns FROM task_waits "
            "WHERE pid = :pid AND end_ns >= :low AND begin_ns <= :high",
            {"pid": lane["pid"], "low": low, "high": high}).fetchall()

    def all_lanes(self):
        """In the order of their numbers"""
        return [lane for group in ("vcpus", "cpus", "timers", "irqs", "hosts", "tasks")
                for lane in self.said[group]]

    def wrong_groups(self):
        """A box takes the lanes of one kind away, and brings them back."""
        rows = "return line.rows.map(i => line.lanes[i].name)"
        names = "return [...document.querySelectorAll('#over g:last-child > text > title')]" \
                ".map(t => t.textContent)"
        before = self.js(rows)
        for box in self.browser.find_elements(By.CSS_SELECTOR, "#groups label"):
            last = {"timers": "timers", "interrupts of guests": "irqs",
                    "interrupts of the host": "hosts", "tasks": "tasks"}[box.text.strip()]
            mine = self.js(f"return data.{last}.map(lane => lane.name)")
            box.click()
            left = self.js(rows)
            if len(left) != len(before) - len(mine) or not mine:
                yield f"{box.text}: {len(left)} of {len(before)} lanes are left"
            if self.js(names) != left:
                yield f"{box.text}: {self.js(names)} are named"
            box.click()
            if self.js(rows) != before:
                yield f"{box.text}: they are not back"
        if len(before) != len(self.all_lanes()):
            yield f"{len(before)} lanes are drawn"

    def wrong_log(self):
        """What the browser complains about"""
        return [entry["message"] for entry in self.browser.get_log("browser")]

    def wrong_spans(self):
        """Random spans of the page that the export does not have"""
        places = [(lane, "bars", v["bars"]) for lane, v in enumerate(self.all_lanes())] + \
            [(lane, "polls", v["polls"]) for lane, v in enumerate(self.said["vcpus"])]
        chosen = [(lane, which, self.random.randrange(nr))
                  for lane, which, nr in self.pick([p for p in places if p[2]])]
        found = self.js(SPANS, chosen)
        if len(found) < SAMPLES:
            yield f"only {len(found)} spans"
        for (lane, *_), (kind, begin, end) in zip(chosen, found):
            if (kind, begin, end) not in self.rows(lane, begin, end):
                yield f"lane {lane}: {(kind, begin, end)}: not in the export"

    def missing_spans(self):
        """Spans of the export in windows with detail that the page has not"""
        for begin, end in self.said["detail"]:
            for lane, v in enumerate(self.said["vcpus"]):
                mine = self.js("""return d3.range(line.lanes[arguments[0]].bars.nr).map(
                    i => [line.lanes[arguments[0]].bars.begin[i],
                          line.lanes[arguments[0]].bars.end[i]]).filter(
                    ([b, e]) => e > arguments[1] && b < arguments[2]).length""",
                               lane, begin, end)
                rows = [r for r in self.rows(lane, begin, end) if r[0] != 4 and
                        r[2] > begin and r[1] < end]
                if mine != len(rows):
                    yield f"{v['name']}: {mine} spans in a window, the export has {len(rows)}"

    def clipped(self, lane, low, high):
        """{kind: ns} of that time"""
        sums = {}
        for kind, begin, end in self.rows(lane, low, high):
            ns = min(end, high) - max(begin, low)
            if ns <= 0:
                continue
            sums[kind] = sums.get(kind, 0) + ns
            if lane < self.nr_vcpus and kind == 4:
                sums[2] = sums.get(2, 0) - ns
        return {kind: ns for kind, ns in sums.items() if ns}

    def wrong_bins(self):
        """Random bins that are not what the export's spans sum to there"""
        lanes = self.all_lanes()
        chosen = []
        for lane in self.pick(range(len(lanes))):
            level = self.random.randrange(len(lanes[lane]["levels"]))
            chosen.append((lane, level, self.random.randrange(lanes[lane]["levels"][level])))
        for (lane, level, bin_), (low, high, cells) in zip(chosen, self.js(BINS, chosen)):
            mine = {kind: ns for kind, ns in enumerate(cells[:15]) if ns}
            if mine != self.clipped(lane, low, high):
                yield f"lane {lane}, level {level}, bin {bin_}: {mine}, the export has " \
                      f"{self.clipped(lane, low, high)}"
        if len(chosen) < SAMPLES:
            yield f"only {len(chosen)} bins"

    def wrong_sums(self):
        """Levels that don't sum to the same, or not to the ledger"""
        report = json.loads(run("report", "--json", self.recording))
        frame = self.said["frame"]
        for lane, levels in enumerate(self.js(SUMS)):
            if any(sums != levels[0] for sums in levels):
                yield f"lane {lane}: levels differ"
            mine = {kind: ns for kind, ns in enumerate(levels[0][:15]) if ns}
            if mine != self.clipped(lane, frame["from"], frame["to"]):
                yield f"lane {lane}: {mine} is not the sum of the export's spans"
        for lane, vcpu in enumerate(report["vcpus"]):
            for name, ns in (vcpu["states_ns"] or {}).items():
                kind = self.said["states"].index(name)
                mine = self.js("return sumOf(line.lanes[arguments[0]], arguments[1])", lane, kind)
                if abs(mine - ns) > 1 + len(self.rows(lane, 0, frame["to"])):
                    yield f"{vcpu['vcpu']}: {name}: {mine} ns, ledger {ns} ns"
        if not report["vcpus"]:
            yield "nothing was compared"

    def wrong_moment(self, number):
        """A click on a worst moment shows it, whole and not small."""
        moment = self.said["moments"][number - 1]
        self.js("line.show(data.frame.from, data.frame.to); line.draw()")
        self.browser.find_elements(By.CSS_SELECTOR, "#moments button")[number - 1].click()
        time.sleep(0.3)
        begin, end, lit = self.js("return [line.from, line.to, line.lit[0]]")
        if not begin <= moment["begin_ns"] <= moment["end_ns"] <= end:
            yield f"{begin} to {end} is in view"
        if moment["end_ns"] - moment["begin_ns"] < (end - begin) / 4:
            yield "it is small"
        if [lit[k] for k in ("lane", "begin", "end")] != \
                [moment[k] for k in ("lane", "begin_ns", "end_ns")]:
            yield f"lit is {lit}"
        if moment["sentence"] != self.browser.find_element(By.ID, "words").text:
            yield "its words are missing"

    def wrong_wait(self):
        """A click on the longest wait lights up who held the CPU."""
        key, begin, end = self.db.execute(
            "SELECT vcpu, begin_ns, end_ns FROM states WHERE state LIKE 'wait%' "
            "ORDER BY end_ns - begin_ns DESC LIMIT 1").fetchone()
        lane = [v["index"] + 1 for v in self.said["vcpus"]].index(key)
        self.js("line.show(arguments[0] - 1e5, arguments[1] + 1e5); line.draw()", begin, end)
        x, y = self.js("""return [line.gutter + line.scale((arguments[1] + arguments[2]) / 2),
            TOP + line.lanes[arguments[0]].row * (LANE + GAP) + LANE / 2]""", lane, begin, end)
        svg = self.browser.find_element(By.ID, "over")
        self.js("arguments[0].scrollIntoView({block: 'start'})", svg)
        ActionChains(self.browser).move_to_element_with_offset(
            svg, x - svg.size["width"] / 2, y - svg.size["height"] / 2).click().perform()
        lit = self.js("return line.lit")
        cpus = [c["cpu"] for c in self.said["cpus"]]
        mine = sorted((cpus[part["lane"] - self.nr_vcpus], part["begin"], part["end"])
                      for part in lit[1:])
        theirs = sorted(self.db.execute(
            "SELECT cpu, max(begin_ns, :begin), min(end_ns, :end) FROM thieves WHERE "
            "vcpu = :key AND end_ns > :begin AND begin_ns < :end",
            {"key": key, "begin": begin, "end": end}).fetchall())
        if not mine or mine != theirs:
            yield f"lit are {mine}, the export has {theirs}"
        words = self.browser.find_element(By.ID, "words").text
        tip = self.browser.find_element(By.ID, "tip").text
        for (who,) in self.db.execute(
                "SELECT DISTINCT comm FROM thieves WHERE vcpu = ? AND end_ns > ? AND "
                "begin_ns < ? AND kind = 'task' AND comm NOT LIKE 'vcpu%'", (key, begin, end)):
            if who not in words or who not in tip:
                yield f"no word of {who}: {words}"

    def wrong_keys(self):
        """The keyboard alone reaches a moment and a span's words."""
        line = self.browser.find_element(By.ID, "line")
        self.js("line.show(data.frame.from, data.frame.to); line.draw(); arguments[0].focus()",
                line)
        ActionChains(self.browser).send_keys("2").pause(0.2).perform()
        moment = self.said["moments"][1]
        begin, end = self.js("return [line.from, line.to]")
        if not begin <= moment["begin_ns"] <= moment["end_ns"] <= end:
            yield f"2: {begin} to {end} is in view"
        ActionChains(self.browser).send_keys("+").pause(0.2).perform()
        if self.js("return line.to - line.from") > 0.51 * (end - begin):
            yield "+ does not zoom"
        before = self.js("return line.at")
        ActionChains(self.browser).send_keys("n").pause(0.2).perform()
        if self.js("return line.at") <= before:
            yield "n does not go on"
        if self.js("return $('words').textContent") != \
                self.js("return inWords({lane: line.chosen, t: line.at})"):
            yield "the words are not those of the span"
        # However far one goes, what is in view is a part of the page.
        for keys in "-" * 30, Keys.ARROW_RIGHT * 9:
            ActionChains(self.browser).send_keys(keys).pause(0.2).perform()
            begin, end = self.js("line.draw(); return [line.from, line.to]")
            if begin < self.said["frame"]["from"] or end > self.said["frame"]["to"] + 1:
                yield f"{begin} to {end} is in view"

    def wrong_losses(self, last):
        """Each loss is a row and a strip; @last: so many are said to have no time."""
        losses, strips = self.js(LOSSES)
        sums = {}
        for cpu, records, *_ in losses:
            sums[cpu] = None if records is None else sums.get(cpu, 0) + records
        if sums != dict(self.db.execute("SELECT cpu, records FROM losses")) or not sums:
            yield f"lost are {sums}, the export has others"
        if [loss[2] for loss in losses].count(True) != last:
            yield f"{losses}: without a time should be {last}"
        for cpu, _, is_last, begin, end, top, words in losses:
            if not any(x <= begin and end <= x + width + 1 and top - 6 <= y < top
                       for x, y, width in strips):
                yield f"CPU {cpu}: no strip from {begin} to {end}: {strips}"
            if f"{'nobody knows when' if is_last else 'between'}" not in words:
                yield f"CPU {cpu}: {words}"
        rows = self.browser.find_elements(By.CSS_SELECTOR, "#losses tbody tr")
        if len(rows) != len(losses) or not rows[0].is_displayed():
            yield f"{len(rows)} rows"
        if last and "nobody knows when" not in self.js("return $('lost-words').textContent"):
            yield "the text is silent about the time"

    def unhatched(self):
        """Columns where something is unknown and the lowest pixel does not show it"""
        self.js("line.show(data.frame.from, data.frame.to); line.draw()")
        wrong, seen = self.js("""
            let wrong = 0, seen = 0;
            const hatch = new Set(line.tiles.get(data.states)[0]);
            data.vcpus.forEach((lane) => {
                const y = Math.round(lane.row * (LANE + GAP) * line.ratio) + LANE * line.ratio - 1;
                for (let x = 0; x < line.canvas.width; x++) {
                    const level = line.levelFor(lane, line.canvas.width /
                                                      (data.frame.to - data.frame.from));
                    const t = (x + 0.5) / line.canvas.width * (data.frame.to - data.frame.from);
                    const cells = level.cells[0];
                    if (!cells || !cells[Math.floor(t / level.width)])
                        continue;
                    seen++;
                    wrong += !hatch.has(line.pixels[y * line.canvas.width + x]);
                }
            });
            return [wrong, seen];""")
        if wrong or not seen:
            yield f"{wrong} of {seen} columns"


def same(page, name):
    """What holds for every page"""
    TAP.empty(f"{name}: the browser has no complaint", page.wrong_log())
    TAP.empty(f"{name}: {SAMPLES} random spans are the export's", page.wrong_spans())
    TAP.empty(f"{name}: {SAMPLES} random bins are the export's spans, cut", page.wrong_bins())
    TAP.empty(f"{name}: each level sums to the ledger", page.wrong_sums())


def hostile(browser, folder):
    """Names are text, whatever they say."""
    recording = folder / "<img src=x onerror=document.body.dataset.bad=1>.dat"
    old = (GOLDEN / "svm-steal.dat").read_bytes()
    new = old.replace(b"spin".ljust(16, b"\0"), HOSTILE.ljust(16, b"\0"))
    recording.write_bytes(new)
    page = Page(browser, folder, recording)
    TAP.empty("a hostile name: the browser has no complaint", page.wrong_log())
    TAP.empty("a hostile name is told", page.wrong_wait())
    TAP.empty("and makes no element", [] if new != old and not page.js(
        "return document.querySelectorAll('img').length + (document.body.dataset.bad ? 1 : 0)")
        else ["there is one"])
    TAP.empty("nor does the file's name", [] if page.js(
        "return $('file').textContent") == str(recording) else [page.js(
            "return $('file').textContent")])


def guests(browser, folder):
    """Lanes of a guest's tasks: what guests.c says that they did"""
    subprocess.run([O / "unit/guests", GOLDEN / "formats", folder], check=True)
    page = Page(browser, folder, folder / "host.dat", "--guest", folder / "guest.dat")
    TAP.empty("a guest's tasks: the browser has no complaint", page.wrong_log())
    found = {name: [us / 1000 for us in sums] for name, *sums in page.js(GUESTS)}
    TAP.empty("a guest's tasks ran and waited so long", [] if found == GUEST_US else [found])
    part = Page(browser, folder, folder / "host.dat", "--guest", folder / "guest.dat",
                "--from", "6ms", "--to", "8ms")
    found = {name: [round(us / 1000) for us in sums] for name, *sums in part.js(GUESTS)}
    TAP.empty("... in an excerpt: beta until the host took the CPU, alpha not at all",
              [] if found == {"alpha": [0, 2000], "beta": [1050, 950]} else [found])
    page = Page(browser, folder, folder / "host.dat", "--guest", folder / "guest.dat")
    words = page.js("return inWords({lane: line.lanes.indexOf(data.guests[0]), "
                    "t: data.guests[0].bars.begin[0]})")
    TAP.empty("and the command that gives more has it", [] if page.js(
        "return moreCommand(0, 1)").endswith(f"--guest {folder}/guest.dat {folder}/host.dat")
        else [page.js("return moreCommand(0, 1)")])
    TAP.empty("and words tell it", [] if "web1/4700: beta/" in words or
              "web1/4700: alpha/" in words else [words])


def many_lanes(browser, folder, vcpus, height):
    """Busy vCPUs on as many CPUs: too much for bins as fine as elsewhere.  A frame has the
    lanes that the window shows, so that is as high as all of the vCPUs' and more."""
    big = folder / "wide.dat"
    subprocess.run([O / "unit/bigfile", GOLDEN / "formats", big, "60000", str(vcpus)], check=True)
    browser.set_window_size(1200, height)
    page = Page(browser, folder, big, "--spans=0")
    name = f"{vcpus} vCPUs"
    same(page, name)
    levels = {lane["levels"][0] for lane in page.all_lanes()}
    TAP.empty(f"{name}: some lanes have coarser bins", [] if len(levels) > 1 else ["none has"])
    words = page.js("return $('detail').textContent")
    TAP.empty(f"{name}: the page says how many bins they have",
              [nr for nr in levels if f"each of {nr:,} bins" not in words])
    TAP.empty(f"{name}: each has a lane, and so has each CPU", [] if
              (page.nr_vcpus, len(page.said["cpus"])) == (vcpus, vcpus) else
              [page.nr_vcpus, len(page.said["cpus"])])
    times, wrong, counted, lanes = page.js(ZOOMS, SAMPLES)
    p95 = sorted(times)[SAMPLES * 95 // 100 - 1]
    print(f"# {lanes} lanes, {SAMPLES} zooms and moves: p95 {p95:.1f} ms, "
          f"longest {max(times):.1f} ms")
    TAP.empty(f"{name}: a frame looks at each bin in view once", wrong if counted > SAMPLES / 10
              else [f"only {counted} frames were counted"])
    TAP.empty(f"{name}: zooms and moves are quick (50 ms on a machine of its own)",
              [] if p95 <= SLOW_MS and lanes >= vcpus else [p95, lanes])


def scripts():
    """Is what is written by hand JavaScript?"""
    node = shutil.which("node")
    if not node:
        print("# no node: only the browser judges the scripts")
        return
    for file in sorted((HERE.parents[1] / "tools/picture").glob("*.js")):
        done = subprocess.run([node, "--check", file], check=False, capture_output=True,
                              text=True)
        TAP.empty(f"node takes {file.name}", [done.stderr] if done.returncode else [])


def main():
    browser = start()
    if not browser:
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        scripts()
        page = Page(browser, folder, GOLDEN / "svm-steal.dat")
        same(page, "all spans")
        TAP.empty("no span is missing", page.missing_spans())
        TAP.empty("a click on the third worst moment lands on it", page.wrong_moment(3))
        TAP.empty("a click on a wait lights up who held the CPU", page.wrong_wait())
        TAP.empty("all of it can be reached by keyboard", page.wrong_keys())
        TAP.empty("lanes can be left out", page.wrong_groups())
        TAP.empty("tables and lines are those that are printed", page_tables.wrong_text(page, run))
        TAP.empty("they are sorted, searched and copied", page_tables.wrong_sorting(page))
        TAP.empty("distributions are the export's", page_tables.wrong_spreads(page))
        TAP.empty("so are the bars of thieves", page_tables.wrong_thieves(page))
        same(Page(browser, folder, GOLDEN / "svm-steal.dat", "--spans=0"), "bins of a steal")
        page = Page(browser, folder, GOLDEN / "everything.dat", "--spans=0")
        same(page, "bins of everything")
        TAP.empty("bins of everything: all that is printed", page_tables.wrong_text(page, run))
        page = Page(browser, folder, GOLDEN / "svm-lost.dat")
        same(page, "lost records")
        TAP.empty("a loss after the last record has no time", page.wrong_losses(1))
        TAP.empty("losses with a time and without",
                  Page(browser, folder, GOLDEN / "lossy.dat").wrong_losses(1))
        page = Page(browser, folder, GOLDEN / "svm-rr.dat")
        TAP.empty("what is unknown is hatched, however short", page.unhatched())
        big = folder / "big.dat"
        subprocess.run([O / "unit/bigfile", GOLDEN / "formats", big, "150000", "2", "3"],
                       check=True)
        page = Page(browser, folder, big, "--spans=1000")
        same(page, "bins and windows")
        TAP.empty("no span is missing in a window", page.missing_spans())
        TAP.empty("windows leave something out", [] if 0 < sum(
            end - begin for begin, end in page.said["detail"]) < page.said["frame"]["to"] / 2
            else [page.said["detail"]])
        TAP.empty("a frame looks at each bin in view once", [] if page.js(
            "line.show(data.frame.from, data.frame.to); line.draw(); "
            "const perNs = line.canvas.width / (line.to - line.from); "
            "return line.touched === d3.sum(line.lanes, l => line.levelFor(l, perNs).nr)")
            else [page.js("return line.touched")])
        TAP.empty("there are enough bins", [] if page.said["frame"]["nr"] >= 65536 else
                  [page.said["frame"]])
        hostile(browser, folder)
        guests(browser, folder)
        many_lanes(browser, folder, 64, 1900)
        many_lanes(browser, folder, 128, 3800)
    browser.quit()
    print(f"1..{TAP.number}")


main()

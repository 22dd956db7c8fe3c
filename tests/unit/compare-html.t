#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Pages of `kvmsched compare --html`, in a browser, against what `kvmsched compare` says.
Selenium is a package of the distribution, so this is its Python.

usage: compare-html.t            (O: the build folder, as for make)
"""
import itertools
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.dont_write_bytecode = True
from tap import Tap  # noqa: E402
from tool import FORMATS, KVMSCHED, O  # noqa: E402
from browser import start  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

HOSTILE = "</script><img/> & <b>"
ROUNDS = 6
# Name of an arm, CPUs and vCPUs of its rounds
ARMS = ("one", 1, 1), (HOSTILE, 1, 2), ("two CPUs", 2, 4)
SECTIONS = """return data.metrics.map((m) => {
    const section = document.getElementById(m.name);
    const texts = (css) => [...section.querySelectorAll(css)].map((e) => e.textContent);
    const at = (e) => e.getAttribute("transform").match(/-?[0-9.]+(e-?[0-9]+)?/g).map(Number);
    return {
        name: m.name, arms: m.arms, histogram: m.histogram,
        dots: [...section.querySelectorAll(".dots .mark")].map((e) => ({
            shape: e.getAttribute("d"), x: at(e)[0], y: at(e)[1], words: e.textContent,
            open: e.classList.contains("open")})),
        verdicts: texts(".result .verdict"), results: texts(".result"),
        intervals: texts(".differences .mark"),
        shares: texts("details:last-of-type td")}; })"""
TAP = Tap()


def run(*args, status=0):
    """The program's output; with another status, its messages"""
    done = subprocess.run([KVMSCHED, "compare", *args], check=False, capture_output=True,
                          text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    if done.returncode != status:
        raise SystemExit(f"Bail out! {args}: {done.returncode}: {done.stderr}")
    return done.stderr if status else done.stdout


def rounds(folder):
    """NAME=FILE of rounds that differ within an arm and between arms"""
    words = []
    for i in range(ROUNDS):
        for arm, (name, cpus, vcpus) in enumerate(ARMS):
            file = folder / f"{arm}-{i}.dat"
            subprocess.run([O / "unit/bigfile", FORMATS, file, str(1500 + 150 * i), str(cpus),
                            str(vcpus)], check=True)
            words.append(f"{name}={file}")
    return words


class Page:
    """A comparison in the browser, and the same as JSON"""
    def __init__(self, browser, folder, words):
        self.browser = browser
        self.words = words
        self.file = folder / "page.html"
        run("--html", self.file, *words)
        self.study = json.loads(run("--json", *words))
        browser.get_log("browser")
        browser.get(self.file.as_uri())
        self.sections = browser.execute_script(SECTIONS)

    def js(self, script, *args):
        return self.browser.execute_script(script, *args)

    def results(self, name):
        return [m for m in self.study["metrics"] if m["name"] == name]

    def wrong_log(self):
        """What the browser complains about; a page that is not ready is wrong, too"""
        yield from (entry["message"] for entry in self.browser.get_log("browser"))
        if not self.js("return document.body.dataset.ready"):
            yield "the page is not ready"

    def wrong_sections(self):
        """Metrics of compare that the page lacks, or has besides"""
        mine = {section["name"] for section in self.sections}
        theirs = {metric["name"] for metric in self.study["metrics"]}
        if mine != theirs or not mine:
            yield f"{mine}, compare has {theirs}"

    def wrong_dots(self):
        """Each unit of each arm has a dot, at its value, with the shape of its arm."""
        units = [arm["units"] for arm in self.study["arms"]]
        for section in self.sections:
            values = [v for arm in section["arms"] for v in arm["values"]]
            dots = section["dots"]
            if not len(dots) == len(values) == sum(units):
                yield f"{section['name']}: {len(dots)} dots of {units}"
            by_value = sorted(zip(values, (dot["x"] for dot in dots)))
            if any(x > y for (_, x), (_, y) in zip(by_value, by_value[1:])) or \
                    len(set(values)) != len({dot["x"] for dot in dots}):
                yield f"{section['name']}: not at their values: {by_value}"
            if len({(dot["x"], dot["y"]) for dot in dots}) != len(dots):
                yield f"{section['name']}: a dot hides another one"
            if [dot["open"] for dot in dots] != [o for a in section["arms"] for o in a["open"]]:
                yield f"{section['name']}: a mark is not hollow, or one is that should not be"
            shapes = [dot["shape"] for dot in dots]
            firsts = [shapes[sum(units[:i])] for i in range(len(units))]
            if shapes != [shape for shape, nr in zip(firsts, units) for _ in range(nr)] or \
                    len(set(firsts)) != len(units):
                yield f"{section['name']}: the shapes don't tell the arms"

    def wrong_differences(self):
        """Each difference is that of the dots, by Hodges and Lehmann."""
        names = [arm["name"] for arm in self.study["arms"]]
        for section in self.sections:
            for result in self.results(section["name"]):
                a, b = (section["arms"][names.index(arm["name"])]["values"]
                        for arm in result["arms"])
                mine = statistics.median(y - x for x in a for y in b)
                scale = max(map(abs, a + b)) or 1
                if abs(mine - result["difference"]) > 1e-6 * scale:
                    yield f"{section['name']}: {mine}, compare has {result['difference']}"
            if len(section["intervals"]) != len(self.results(section["name"])):
                yield f"{section['name']}: differences {section['intervals']}"

    def wrong_verdicts(self):
        """The verdicts are compare's, where they stand alone and in the sentences."""
        for section in self.sections:
            theirs = [r["verdict"].replace("_", " ") for r in self.results(section["name"])]
            if section["verdicts"] != theirs:
                yield f"{section['name']}: {section['verdicts']}, compare has {theirs}"
            for sentence, result in zip(section["results"], self.results(section["name"])):
                a, b = (arm["name"] for arm in result["arms"])
                if not sentence.startswith(f"{b} against {a}: "):
                    yield sentence
        cells = self.js("return [...document.querySelectorAll('#verdicts .verdict')]"
                        ".map((e) => e.textContent)")
        if cells != [v for section in self.sections for v in section["verdicts"]]:
            yield f"the table of verdicts has {cells}"

    def wrong_histograms(self):
        """The shares are those that `compare --histogram all` prints."""
        text = run("--histogram", "all", *self.words)
        theirs = re.findall(r" (\d+\.\d\d)%[+ ]", text[text.index("are counted"):])
        drawn = [s for s in self.sections if s["histogram"]]
        mine = [cell.split()[0] for section in drawn for cell in section["shares"]]
        if mine != theirs or not mine:
            yield f"{mine}, compare has {theirs}"

    def wrong_text(self):
        """Lines that compare does not print, or the page does not have"""
        mine = self.js("return document.getElementById('text').textContent").split("\n")
        theirs = run(*self.words).split("\n")
        yield from (f"{a!r}, compare has {b!r}"
                    for a, b in itertools.zip_longest(mine, theirs) if a != b)

    def wrong_command(self):
        command = self.js("return document.getElementById('command').textContent")
        told = subprocess.run(["bash", "-c", f"kvmsched() {{ printf '%s\\n' \"$@\"; }}; {command}"],
                              check=True, capture_output=True, text=True).stdout.splitlines()
        if told != ["compare", "--html", str(self.file), *self.words]:
            yield command

    def wrong_keys(self):
        """The keyboard alone reaches each picture, and its marks' words."""
        pictures = self.browser.find_elements(By.CSS_SELECTOR, "figure svg")
        self.js("document.querySelector('#verdicts tbody tr:last-child a').focus()")
        for i, picture in enumerate(pictures[:3]):
            ActionChains(self.browser).send_keys(Keys.TAB).perform()
            if self.browser.switch_to.active_element != picture:
                yield f"Tab does not go to picture {i}"
            ActionChains(self.browser).send_keys(Keys.ARROW_RIGHT, Keys.END).perform()
            said, lit, last = self.js(
                "const marks = arguments[0].querySelectorAll('.mark');"
                "return [arguments[0].parentNode.querySelector('.said').textContent,"
                "[...marks].findIndex((m) => m.classList.contains('lit')),"
                "marks[marks.length - 1].textContent]", picture)
            if said != last or lit < 0:
                yield f"picture {i} says {said}, not {last}"
        for picture in pictures:
            if not (picture.get_attribute("aria-label") and
                    picture.get_attribute("role") == "img"):
                yield "a picture without words"

    def wrong_colours(self, theme):
        """Text and marks stand out from the ground (WCAG 2.1: 4.5 and 3 to 1)."""
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": theme}]})
        ground, ink, soft, *marks = self.js("""
            const of = (e, what) => getComputedStyle(e)[what].match(/[0-9.]+/g).map(Number);
            return [of(document.body, "backgroundColor"), of(document.body, "color"),
                of(document.getElementById("facts"), "color"),
                ...[...document.querySelectorAll("#legend .mark")].map((e) => of(e, "fill"))]""")
        if (luminance(ground) < 0.2) != (theme == "dark") or len(marks) != len(ARMS):
            yield f"the ground is {ground}, {len(marks)} marks"
        for colour, least in (ink, 4.5), (soft, 4.5), *((mark, 3) for mark in marks):
            a, b = sorted((luminance(ground), luminance(colour)))
            if (b + 0.05) / (a + 0.05) < least:
                yield f"{colour} on {ground}"


def luminance(colour):
    """Relative luminance as WCAG defines it"""
    parts = [c / 255 for c in colour[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def same(page, name):
    """What holds for every page"""
    TAP.empty(f"{name}: the browser has no complaint", page.wrong_log())
    TAP.empty(f"{name}: all metrics are there", page.wrong_sections())
    TAP.empty(f"{name}: a dot for each unit of each arm", page.wrong_dots())
    TAP.empty(f"{name}: the verdicts are compare's", page.wrong_verdicts())
    TAP.empty(f"{name}: so is the text", page.wrong_text())
    TAP.empty(f"{name}: the command line makes this page", page.wrong_command())


def refusals(folder, words):
    """What is read is not overwritten."""
    file = folder / "0-0.dat"
    before = file.read_bytes()
    err = run("--html", file, *words, status=1)
    TAP.empty("a round is not overwritten", [] if "is the recording itself" in err and
              file.read_bytes() == before else [err])
    result = folder / "result.json"
    result.write_text(json.dumps({
        "arms": [{"name": "a"}, {"name": "b"}],
        "rounds": [{"arm": "a", "file": "0-0.dat"}, {"arm": "b", "file": "1-0.dat"}]}))
    before = result.read_bytes()
    err = run("--html", result, folder, status=1)
    TAP.empty("nor is an experiment's result", [] if "result itself" in err and
              result.read_bytes() == before else [err])
    err = run("--html", folder / "x.html", "--json", *words, status=2)
    TAP.empty("a page and JSON are two commands", [] if "two commands" in err else [err])
    err = run("--html", "/dev/full", *words, status=1)
    TAP.empty("a full disk is told", [] if "can't write" in err else [err])


def main():
    browser = start()
    if not browser:
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        words = rounds(folder)
        page = Page(browser, folder, words)
        same(page, "rounds")
        TAP.empty("so many rounds and arms", [] if all(
            len(s["dots"]) == ROUNDS * len(ARMS) for s in page.sections) else ["others"])
        TAP.empty("some verdicts tell a difference, some none", [] if
                  {"none", "lower", "worse"} <= {m["verdict"] for m in page.study["metrics"]}
                  else [page.study["metrics"]])
        TAP.empty("differences are those of the dots", page.wrong_differences())
        TAP.empty("histograms have compare's shares", page.wrong_histograms())
        TAP.empty("all of it can be reached by keyboard", page.wrong_keys())
        for theme in "light", "dark":
            TAP.empty(f"it is legible: {theme}", page.wrong_colours(theme))
        TAP.empty("a hostile name is text, and makes no element", [] if page.js(
            "return !document.querySelector('img, b:not(.soft b)') && "
            "document.getElementById('title').textContent.includes(arguments[0])", HOSTILE)
            else ["it is not"])
        blocks = Page(browser, folder, [str(folder / "0-0.dat"), str(folder / "1-5.dat")])
        same(blocks, "blocks")
        TAP.empty("too few is said", [] if "too few" in blocks.sections[0]["verdicts"]
                  else [blocks.sections[0]["verdicts"]])
        refusals(folder, words)
    browser.quit()
    print(f"1..{TAP.number}")


main()

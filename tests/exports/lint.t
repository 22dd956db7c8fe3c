#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The pages' scripts, read by eslint, and their style sheets, asked of a browser: does it know
each selector, property and value?

usage: lint.t
"""
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "unit")]
sys.dont_write_bytecode = True
from tap import Tap  # noqa: E402  pylint: disable=wrong-import-position
from tool import TOP  # noqa: E402  pylint: disable=wrong-import-position

from browser import start  # noqa: E402  pylint: disable=wrong-import-position

PICTURE = TOP / "tools/picture"
# Its packages lie where npm's would not, and it knows no browser of today.
ESLINT = ["eslint", "--no-eslintrc", "--config", str(HERE / "eslint.json"), "--format", "unix",
          "--no-inline-config", "--stdin"]
WORDS = {"css": "page.css", "compare-css": "page-compare.css", "common": "page-common.js",
         "compare-js": "page-compare.js", "js": "page.js"}
BROWSER = ("browser,es6", "d3,DecompressionStream")
# What a browser refuses of a style sheet
REFUSED = """
    const selects = (words) => {
        try {
            return document.querySelectorAll(words);
        } catch {
            return false;
        }
    };
    return arguments[0].filter(([kind, name, value]) => !(
        kind === "media" ? window.matchMedia(name).media !== "not all" :
        kind === "selector" ? selects(name) : CSS.supports(name, value))
    ).map((part) => part.join(" "))"""


def used(template):
    """The files that a page's template names, in its order"""
    names = re.findall(r"@([a-z-]+)@", (PICTURE / template).read_text())
    found = (PICTURE / WORDS.get(name, f"page-{name}.js") for name in names)
    return [file for file in found if file.exists()]


def complaints(scripts, environment, known):
    """Of scripts that see each other's names, as one page's do"""
    lines = [(file.name, number, line) for file in scripts
             for number, line in enumerate(file.read_text().splitlines(), 1)]
    done = subprocess.run(
        [*ESLINT, "--env", environment, "--global", known], text=True, check=False,
        env={**os.environ, "NODE_PATH": "/usr/share/nodejs"}, stderr=subprocess.STDOUT,
        input="".join(f"{line}\n" for _, _, line in lines), stdout=subprocess.PIPE)
    if done.returncode not in (0, 1):
        yield done.stdout
    for number, words in re.findall(r"^<text>:(\d+):\d+: (.*)$", done.stdout, re.MULTILINE):
        file, line, _ = lines[int(number) - 1]
        yield f"{file}:{line}: {words}"


def parts(sheet):
    """(kind, name, value) of all that a browser has to know"""
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
    for query in re.findall(r"@media([^{]*){", text):
        yield "media", query.strip(), ""
    for selectors, declarations in re.findall(r"([^{}]+){([^{}]*)}", text):
        if not selectors.strip().startswith("@"):
            yield "selector", selectors.strip(), ""
        for declaration in filter(str.strip, declarations.split(";")):
            name, _, value = declaration.partition(":")
            yield "property", name.strip(), value.replace("!important", "").strip()


def main():
    browser = start()
    if not browser:
        return
    tap = Tap()
    linted = {HERE / "processor.js"}
    tap.empty("processor.js", complaints(linted, "node,es6", ""))
    for template in sorted(PICTURE.glob("*.html")):
        scripts = [file for file in used(template.name) if file.suffix == ".js"]
        linted.update(scripts)
        tap.empty(f"scripts of {template.name}: {len(scripts)}", complaints(scripts, *BROWSER))
    for sheet in sorted(PICTURE.glob("*.css")):
        known = list(parts(sheet))
        tap.empty(f"{sheet.name}: the browser knows all {len(known)} selectors and properties",
                  browser.execute_script(REFUSED, known))
    browser.quit()
    there = {*PICTURE.glob("*.js"), *HERE.glob("*.js")}
    tap.empty("each script is one of these", sorted(str(file) for file in there ^ linted))
    print(f"1..{tap.number}")


main()

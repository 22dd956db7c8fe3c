#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The layout of module/ and tools/ is that of layout.levels: nothing needs what
stands above it or beside it, so there is no circle; files stay short; and the module's
functions, and what files of the program share, are known by their names."""

import collections
import os
import re
import subprocess
import tempfile

from tap import Tap

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(HERE)
MAX_LINES = 600
# Of our own functions, and of those that the kernel's macros make of our names
PREFIXES = "ks_", "kvmsched_", "trace_", "perf_trace_", "__"
# Of what a file of the program has for others: xmalloc() and its like are of base/util.h.
TOOLS_PREFIXES = "kvs_", "x"

# A switch over the kinds of records, or a call by a table of them
PER_RECORD = re.compile(r"switch \(.*\bevent\)|\[\w+(->|\.)event\]\(")

# `unit` needs `other`; `why` says by which line or symbol
Edge = collections.namedtuple("Edge", "unit other why")


def read_levels(path):
    """{half: {unit: level}}, the lowest level being 0."""
    halves = {}
    lines = None
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split("#")[0].split()
            if not words:
                continue
            if words[0].startswith("["):
                lines = halves.setdefault(words[0].strip("[]"), [])
            else:
                lines.append(words)
    return {half: {unit: len(lines) - i
                   for i, words in enumerate(lines) for unit in words}
            for half, lines in halves.items()}


def symbols(path):
    """The global symbols that an object defines, and those that it needs."""
    defined, needed = set(), set()
    out = subprocess.run(["nm", "-g", path], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    for line in out.splitlines():
        kind, name = line.split()[-2:]
        (needed if kind in "Uwv" else defined).add(name)
    return defined, needed


def calls(objects):
    """Edges between objects, {path: unit}, by their symbols."""
    tables = {path: symbols(path) for path in objects}
    home = {name: path for path, (defined, _) in tables.items()
            for name in defined}
    for path, (_, needed) in sorted(tables.items()):
        for name in sorted(needed):
            other = home.get(name)
            if other and objects[other] != objects[path]:
                yield Edge(objects[path], objects[other],
                           f"{os.path.basename(path)} needs {name} of "
                           f"{os.path.basename(other)}")


def sources(top, half, endings=(".c", ".h")):
    """All files of a half with such names, C's by default, as paths below top."""
    for folder, folders, names in os.walk(os.path.join(top, half)):
        folders.sort()
        for name in sorted(names):
            if name.endswith(endings):
                yield os.path.relpath(os.path.join(folder, name), top)


def tools_unit(path):
    """The unit of a path below top, or None: it is not ours to use."""
    parts = path.split(os.sep)
    if parts[0] == "tools":
        return parts[1] if len(parts) > 2 else \
            os.path.splitext(parts[1])[0] + ".c"
    if parts[:2] == ["module", "uapi"]:
        return "module/uapi"
    return None


def included(top, path, name):
    """Which file below top an #include "name" in path means; None: no such."""
    for folder in (os.path.dirname(path), "tools", "module/uapi"):
        found = os.path.normpath(os.path.join(folder, name))
        if os.path.exists(os.path.join(top, found)):
            return found
    return None


def includes(top):
    """Edges between the folders of tools/, by their #include lines."""
    for path in sources(top, "tools"):
        with open(os.path.join(top, path), encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
                found = match and included(top, path, match[1])
                if not found:
                    continue
                unit, other = tools_unit(path), tools_unit(found) or found
                if unit != other:
                    yield Edge(unit, other,
                               f"{path}:{number} includes {match[1]}")


def wrong_edges(levels, edges):
    """Edges that don't point down, in words."""
    wrong = []
    for unit, other, why in edges:
        if unit not in levels or other not in levels:
            stranger = other if unit in levels else unit
            wrong.append(f"{why}: {stranger} stands on no level")
        elif levels[other] > levels[unit]:
            wrong.append(f"{why}: {other} stands above {unit}")
        elif levels[other] == levels[unit]:
            wrong.append(f"{why}: {other} stands beside {unit}")
    return wrong


def circles(edges):
    """A shortest circle through each unit that is in one, in words."""
    out = collections.defaultdict(dict)
    for unit, other, why in edges:
        out[unit].setdefault(other, why)
    found = {}
    for start in sorted(out):
        came = {}
        queue = collections.deque([start])
        while queue and start not in came:
            unit = queue.popleft()
            for other in sorted(out.get(unit, ())):
                if other not in came:
                    came[other] = unit
                    queue.append(other)
        if start not in came:
            continue
        way = [start]
        while len(way) == 1 or way[0] != start:
            way.insert(0, came[way[0]])
        found.setdefault(frozenset(way), " → ".join(way) + ": " + ", ".join(
            out[a][b] for a, b in zip(way, way[1:])))
    return list(found.values())


def module_objects(top, folder):
    """The module's objects in its build folder, by their names in Kbuild."""
    with open(os.path.join(top, "module/Kbuild"), encoding="utf-8") as file:
        text = file.read().replace("\\\n", " ")
    names = re.search(r"^kvmsched-y\s*:=(.*)$", text, re.M)[1].split()
    return {os.path.join(folder, name): name[:-len(".o")] for name in names}


def tools_objects(top, folder):
    """The program's objects, by the folders of their sources."""
    return {os.path.join(folder, os.path.splitext(path)[0] + ".o"):
            tools_unit(path)
            for path in sources(top, "tools") if path.endswith(".c")}


def long_files(top):
    """Files of more lines than one reads at once."""
    for half in ("module", "tools", "tests"):
        for path in sources(top, half, (".c", ".h", ".S", ".js", ".py", ".t")):
            with open(os.path.join(top, path), encoding="utf-8") as file:
                count = sum(1 for _ in file)
            if count > MAX_LINES:
                yield f"{path} has {count} lines, {MAX_LINES} are allowed"


def machines(top):
    """Code beside the model that does something else for each kind of record."""
    for path in sources(top, "tools"):
        if path.startswith("tools/model/"):
            continue
        with open(os.path.join(top, path), encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if PER_RECORD.search(line):
                    yield f"{path}:{number} tells records apart: {line.strip()}"


def nameless(objects):
    """Functions of a file's own whose names say nothing in a backtrace, where the
    kernel shows neither the file nor whose they are."""
    for path in sorted(objects):
        out = subprocess.run(["nm", path], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
        for line in out.splitlines():
            kind, name = line.split()[-2:]
            if kind == "t" and not name.startswith(PREFIXES):
                yield f"{objects[path]} has a function {name}"


def bare_names(objects):
    """Names that the program's files export without its prefix."""
    for path in sorted(objects):
        for name in sorted(symbols(path)[0] - {"main"}):
            if not name.startswith(TOOLS_PREFIXES):
                yield f"{os.path.basename(path)} of {objects[path]} exports {name}"


def missing_units(half, levels, units):
    """Whatever is only in the tree or only in layout.levels."""
    return [f"{unit} stands on no level" for unit in sorted(units - set(levels))] + \
        [f"[{half}] names {unit}, which is not there"
         for unit in sorted(set(levels) - units)]


def check_half(tap, half, levels, edges, units):
    tap.empty(f"{half}: layout.levels has what is there",
              missing_units(half, levels, units))
    tap.empty(f"{half}: everything needs only what stands below it",
              wrong_edges(levels, edges))
    tap.empty(f"{half}: there is no circle", circles(edges))


def plant(top, files):
    """Write files, {path: text}, and compile those of C."""
    for path, text in files.items():
        path = os.path.join(top, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        if path.endswith(".c"):
            subprocess.run(["cc", "-c", "-o", path[:-len("c")] + "o", path],
                           check=True)


def check_ourselves(tap):
    """Faults that are planted in small trees are found, and named."""
    with tempfile.TemporaryDirectory() as top:
        plant(top, {
            "levels": "[module]\nhigh other\nlow\n[tools]\nhigh other\nlow\n",
            "module/Kbuild": "kvmsched-y := high.o low.o \\\n\tother.o\n",
            "module/high.c": "void low(void); void high(void) { low(); }\n",
            "module/low.c": "void high(void); void low(void) { high(); }\n",
            "module/other.c": "int beside; void other(void) { }\n"
                              "__attribute__((used)) static void spun(void) { }\n"
                              "__attribute__((used)) static void ks_spun(void) { }\n",
            "tools/high/a.h": "",
            "tools/high/a.c": "void c(void); void a(void) { c(); }\n",
            "tools/low/b.h": "\n# include \"../high/a.h\"\n",
            "tools/other/c.c": "void c(void) { }\n",
            "tools/model/table.h": "void m(struct r *rec) { handlers[rec->event](rec); }\n",
            "tools/other/table.h": "void n(struct r *rec)\n{\n\tswitch (rec->event) {\n\t}\n}\n",
        })
        levels = read_levels(os.path.join(top, "levels"))
        edges = list(calls(module_objects(top, os.path.join(top, "module"))))
        tap.named("a planted call upwards is named",
                  wrong_edges(levels["module"], edges),
                  "low.o needs high of high.o", "high stands above low")
        tap.named("a planted circle of calls is named", circles(edges),
                  "high → low → high", "high.o needs low of low.o",
                  "low.o needs high of high.o")
        tap.named("a planted include upwards is named",
                  wrong_edges(levels["tools"], list(includes(top))),
                  "tools/low/b.h:2 includes ../high/a.h",
                  "high stands above low")
        tap.named("a planted call to a neighbour is named",
                  wrong_edges(levels["tools"],
                              list(calls(tools_objects(top, top)))),
                  "a.o needs c of c.o", "other stands beside high")
        tap.named("a planted function that says nothing is named",
                  list(nameless(module_objects(top, os.path.join(top, "module")))),
                  "other has a function spun")
        tap.named("a planted export without the prefix is named",
                  list(bare_names({os.path.join(top, "tools/other/c.o"): "other"})),
                  "c.o of other exports c")
        tap.named("a planted second state machine is named", list(machines(top)),
                  "tools/other/table.h:3 tells records apart: switch (rec->event) {")
        tap.named("a unit without a level is named",
                  missing_units("tools", levels["tools"],
                                {"high", "low", "other", "new"}), "new")


def main():
    os.chdir(TOP)
    build = os.path.realpath(os.environ.get("O") or os.path.join(TOP, "build"))
    environ = {name: value for name, value in os.environ.items()
               if name not in ("MAKEFLAGS", "MAKELEVEL", "KERNEL", "KDIR")}
    environ["O"] = build
    for target in (["tools"], ["modules", "KERNEL=6.1"]):
        subprocess.run(["make", "-s", *target], check=True, env=environ,
                       stdout=subprocess.DEVNULL)
    with open(os.path.join(build, "kernels/6.1/release"), encoding="utf-8") as file:
        release = file.read().strip()

    tap = Tap()
    levels = read_levels(os.path.join(HERE, "layout.levels"))
    objects = module_objects(TOP, os.path.join(build, "module", release))
    check_half(tap, "module", levels["module"], list(calls(objects)),
               set(objects.values()))
    tap.empty("module: each function's name says whose it is", nameless(objects))
    objects = tools_objects(TOP, build)
    check_half(tap, "tools", levels["tools"],
               list(includes(TOP)) + list(calls(objects)),
               set(objects.values()) | {"module/uapi"})
    tap.empty("tools: each exported name says whose it is", bare_names(objects))
    tap.empty("tools: the model alone tells kinds of records apart", machines(TOP))
    tap.empty(f"no file has more than {MAX_LINES} lines", long_files(TOP))
    check_ourselves(tap)
    print(f"1..{tap.number}")


if __name__ == "__main__":
    main()

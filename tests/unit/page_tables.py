# SPDX-License-Identifier: GPL-2.0-only
"""What stands on a page below its time line, against the program's text and its export.

Each function takes a page of html.t and tells what is wrong, piece by piece."""
from selenium.webdriver.common.by import By
from tool import reports

BLOCKS = """return [...document.querySelectorAll("#report .block")].map(box => [
    box.querySelector("h3").textContent,
    ...[...box.querySelectorAll(":scope > p, tr")].map(node => node.tagName === "P" ?
        node.textContent : [...node.cells].map(cell => cell.textContent).join(" "))])"""
BIN_EDGE = 0.01		# a bin has a value that is so much beside it: that of its bucket


def squeezed(text):
    return " ".join(text.split())


def wrong_text(page, run):
    """All that is printed is there, and nothing else is."""
    blocks = [[squeezed(line) for line in block] for block in page.js(BLOCKS)]
    mine = "\n".join(" ".join(block) for block in blocks)
    printed = ""
    for report in reports():
        args = ["report", *report, page.recording]
        if not report and "host" in page.classes:
            args.append("--host")
        text = run(*args, columns=1000).decode()
        printed += squeezed(text) + "\n"
        for line in text.splitlines():
            if squeezed(line) not in mine:
                yield f"{' '.join(map(str, args))}: {line}: is not on the page"
    for block in blocks:
        for line in block:
            if line and line not in printed and line != "The recording":
                yield f"{line}: is not printed"
    if len(blocks) < 5:
        yield f"only {len(blocks)} headings"


def named(page, word):
    """The table below that heading"""
    [box] = [box for box in page.browser.find_elements(By.CSS_SELECTOR, "#report .block")
             if box.find_element(By.TAG_NAME, "h3").get_attribute("textContent")
             .startswith(word)]
    return box.find_element(By.TAG_NAME, "table")


def cells(element, column=1):
    return [cell.text for cell in element.find_elements(
        By.CSS_SELECTOR, f"tbody tr:not([hidden]) td:nth-child({column})")]


def wrong_sorting(page):
    """Headings sort names as names and numbers as numbers; the search hides rows."""
    exits = named(page, "Exits: host time")
    heads = exits.find_elements(By.CSS_SELECTOR, "th button")
    heads[0].click()
    names = cells(exits)
    if names != sorted(names, reverse=True) or len(names) < 2:
        yield f"not sorted: {names}"
    heads[5].click()
    for clicks in range(2):
        figures = [float(text) for text in cells(exits, 9)]
        if not clicks:
            heads[8].click()
        elif figures != sorted(figures, reverse=True):
            yield f"not sorted: {figures}"
    search = page.browser.find_element(By.ID, "search")
    search.send_keys(names[0])
    found = page.browser.find_element(By.ID, "found").text
    left = cells(exits)
    if left != [names[0]] or not found.startswith(tuple("123456789")):
        yield f"searched for {names[0]}, found {left}, said {found}"
    copied = page.js("return tabbed(arguments[0])", exits).splitlines()
    if len(copied) != 2 or copied[1].split("\t")[0] != names[0]:
        yield f"copied is {copied}"
    if named(page, "Slices").is_displayed():
        yield "a table without the word is still shown"
    search.clear()
    search.send_keys("x", "\b")
    if len(cells(exits)) != len(names) or not named(page, "Slices").is_displayed():
        yield "what was hidden does not come back"


def lengths(page):
    """{(group, name): [ns] of each, by the export}"""
    out = {}
    for name, ns in page.db.execute(
            "SELECT iif(l2, 'L2 ', '') || reason || iif(fastpath, ' (fast path)', ''), "
            "host_ns - poll_ns FROM exits WHERE host_ns IS NOT NULL"):
        out.setdefault(("exits", name), []).append(ns)
    for preempted, ns in page.db.execute(
            "SELECT preempted, length_ns FROM waits WHERE NOT gap AND NOT open"):
        name = "after a preemption" if preempted else "after a wakeup"
        out.setdefault(("waits", name), []).append(ns)
    for (ns,) in page.db.execute("SELECT length_ns FROM slices WHERE length_ns IS NOT NULL"):
        out.setdefault(("slices", "all"), []).append(ns)
    for late, legs, *_ in page.db.execute(
            "SELECT expired_ns - deadline_ns, accepted_ns - expired_ns FROM timers "
            "WHERE expired_ns IS NOT NULL AND accepted_ns IS NOT NULL"):
        out.setdefault(("timers", "deadline to expiry"), []).append(late)
        out.setdefault(("timers", "expiry to accept"), []).append(legs)
    return out


def wrong_spreads(page):
    """Each bin has as many values as the export's spans in it; all of them are drawn."""
    spreads = {(s["group"], s["name"]): s for s in page.js("return data.spreads")}
    compared = 0
    for key, values in lengths(page).items():
        spread = spreads.pop(key, None)
        if not spread or spread["count"] != len(values):
            yield f"{key}: {spread and spread['count']} values, the export has {len(values)}"
            continue
        upto, compared = spread["early"], compared + 1
        if upto != sum(ns < 0 for ns in values):
            yield f"{key}: {upto} are early"
        for low, high, count in spread["bins"]:
            least, most = (sum(ns < edge * (1 + sign * BIN_EDGE) + sign for ns in values)
                           for edge, sign in ((low, 1), (low, -1)))
            if not most <= upto <= least:
                yield f"{key}: {upto} below {low} ns, the export has {most} to {least}"
            upto += count
            if low >= high or not count:
                yield f"{key}: bin {low} to {high}: {count}"
        if upto != len(values):
            yield f"{key}: the bins have {upto} of {len(values)}"
    if compared < 5:
        yield f"only {compared} were compared"
    drawn = page.js("return [d3.selectAll('.spread').size(), d3.selectAll('.step').size(), "
                    "data.spreads.length, d3.sum(data.spreads, s => s.bins.length)]")
    if drawn[:2] != drawn[2:]:
        yield f"drawn are {drawn[:2]} of {drawn[2:]} plots and steps"


def wrong_thieves(page):
    """Bars are sums of the export's pieces."""
    theirs = dict(page.db.execute(
        "SELECT iif(pid > 0, comm || '/' || pid, comm), sum(length_ns) FROM thieves "
        "GROUP BY 1 ORDER BY 2 DESC"))
    rows = page.js("return sumThieves(data.thieves).map(r => [r.key, r.value])")
    pieces = page.db.execute("SELECT count(*) FROM thieves").fetchone()[0]
    for who, ns in rows:
        if abs(ns - theirs.get(who, -1e9)) > pieces:
            yield f"{who}: {ns} ns, the export has {theirs.get(who)}"
    if len(rows) < 3 or len(rows) != len(theirs):
        yield f"{len(rows)} bars of {len(theirs)}"
    widths = page.js("return d3.selectAll('.thief').nodes().map(n => +n.getAttribute('width'))")
    if any(abs(width / widths[0] - ns / rows[0][1]) > 1e-6
           for width, (_, ns) in zip(widths, rows)) or len(widths) != len(rows):
        yield f"bars of {widths} for {rows}"

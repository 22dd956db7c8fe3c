/* SPDX-License-Identifier: GPL-2.0-only */
/* What stands around the time line: words, lists, tables, keys. */
"use strict";

/* Paints of time about which nothing is known */
const UNKNOWN = ["unknown", "lost", "armed-lost"];

let line;

/* --- Words ------------------------------------------------------------ */

function time(ns) {
	const units = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]];
	const [one, unit] = units.find(([least]) => Math.abs(ns) >= least) || [1, "ns"];

	return (ns / one).toFixed(one === 1 ? 0 : one === 1e3 ? 3 : one === 1e6 ? 4 : 6) +
		" " + unit;
}

const hex = (number) => "0x" + number.toString(16);
const seconds = (ns) => (ns / 1e9).toFixed(9) + " s";
const share = (part, whole) => percent(whole ? part / whole : 0);

function shellWord(word) {
	return /^[\w=.,/:+@%-]+$/.test(word) ? word : "'" + word.replace(/'/g, "'\\''") + "'";
}

function moreCommand(from, to) {
	const words = ["kvmsched", "report", "--html", "more.html",
		"--from", Math.floor(from) + "ns", "--to", Math.ceil(to) + "ns",
		...data.select, data.file];

	return words.map(shellWord).join(" ");
}

/* Who held the CPU in the parts of a wait, the longest first */
function piecesInWords(span) {
	const sums = d3.nest().key((p) => p.cpu < 0 ? p.who : `${p.who} on CPU ${p.cpu}`)
		.rollup((parts) => d3.sum(parts, (p) => p.end - p.begin))
		.entries(line.piecesOf(span)).sort((a, b) => b.value - a.value);

	return sums.length ? "\nThe CPU was held by " +
		sums.map((s) => `${s.key}: ${time(s.value)}`).join("; ") + "." : "";
}

function spanInWords(span) {
	const lane = line.lanes[span.lane], who = span.bars.who[span.i];
	const words = lane.paints[span.kind].words, what = who ? lane.tell(words, who) : words;

	return `${lane.name}: ${what}, ${time(span.end - span.begin)}, from ` +
		`${seconds(span.begin)} to ${seconds(span.end)}.` +
		piecesInWords(span);
}

/* What the records of a CPU that were lost leave open at a time */
function lossInWords(index, t) {
	const lane = line.lanes[index];
	const found = data.losses.filter((l) => l.lane === lane && t >= l.from && t <= l.to);

	return found.map((l) => `\nThis CPU lost ${howMany(l)} ${whenLost(l)}: what is told of ` +
		"this time may lack some.").join("");
}

function howMany(loss) {
	return loss.records === null ? "records that nobody counted" :
		`${d3.format(",")(loss.records)} record${loss.records === 1 ? "" : "s"}`;
}

function whenLost(loss) {
	return loss.last ? `after its last one, at ${seconds(loss.from)}: nobody knows when` :
		`at ${loss.times > 1 ? loss.times + " times " : "some time "}between ` +
		`${seconds(loss.from)} and ${seconds(loss.to)}`;
}

/* The bin at a time, where no spans are known */
function binInWords(index, t) {
	const lane = line.lanes[index], level = lane.levels[0], frame = data.frame;
	const bin = Math.min(level.nr - 1, Math.floor((t - frame.from) / level.width));
	const begin = binBegin(frame, level, bin), end = binBegin(frame, level, bin + 1);
	const parts = lane.paints.map((paint, kind) => [paint.words,
		level.cells[kind] ? level.cells[kind][bin] : 0]).filter(([, ns]) => ns > 0)
		.sort((a, b) => b[1] - a[1]);

	return `${lane.name}, ${seconds(begin)} to ${seconds(end)}: ` +
		(parts.map(([words, ns]) => `${words} ${time(ns)}, ${share(ns, end - begin)}`)
			.join("; ") || "nothing was told") + ".";
}

function inWords(place) {
	return timeInWords(place) + lossInWords(place.lane, place.t);
}

function timeInWords(place) {
	const span = line.spanAt(place.lane, place.t);

	if (span)
		return spanInWords(span);
	if (line.hasDetail(place.t))
		return `${line.lanes[place.lane].name}, ${seconds(place.t)}: nothing was told.`;
	return binInWords(place.lane, place.t) +
		"\nOnly these sums are in the page; the command below shows each span.";
}

function select(place) {
	const span = line.spanAt(place.lane, place.t);

	$("words").textContent = inWords(place);
	if (span)
		line.light(span);
}

/* --- Lists ------------------------------------------------------------ */

function goto(moment) {
	const margin = Math.max((moment.end_ns - moment.begin_ns) / 2, 500);

	$("words").textContent = moment.sentence;
	line.show(moment.begin_ns - margin, moment.end_ns + margin);
	line.lit = [];
	if (moment.lane >= 0) {
		const last = Math.min(moment.end_ns - 1, moment.end_ns);
		const span = line.spanAt(moment.lane, moment.kind === "wait" ? last :
			moment.begin_ns);

		if (moment.kind === "wait" && span)
			line.light(span);
		line.lit = [{ lane: moment.lane, begin: moment.begin_ns, end: moment.end_ns },
			...line.lit.slice(1)];
		line.chosen = moment.lane;
		line.at = moment.begin_ns;
		line.drawNames();
	}
	line.request();
	$("line").scrollIntoView({ block: "nearest" });
}

function listMoments() {
	d3.select("#moments").selectAll("li").data(data.moments).join("li").append("button")
		.text((m) => m.sentence).on("click", goto);
	if (!data.moments.length)
		d3.select("#moments").append("li").text("None: no wait, exit, interrupt or timer was long.");
}

function swatch(paint) {
	return `<svg width="15" height="11" aria-hidden="true"><rect width="15" height="11" ` +
		`fill="url(#p-${paint.name})"/></svg>`;
}

/* Patterns and colours, for all that is SVG */
function definePaints() {
	const paints = data.paints.flat();
	const colours = (theme) => paints.map((p) => `.c-${p.name}{fill:${p[theme]}}`).join("");
	const svg = d3.select("body").append("svg").attr("width", 0).attr("height", 0)
		.style("position", "absolute").attr("aria-hidden", "true");

	d3.select("head").append("style").text(colours("light") +
		`@media screen and (prefers-color-scheme:dark){${colours("dark")}}`);
	svg.append("defs").selectAll("pattern").data(paints).join("pattern")
		.attr("id", (p) => "p-" + p.name).attr("width", TILE).attr("height", TILE)
		.attr("patternUnits", "userSpaceOnUse")
		.call((pattern) => pattern.append("rect").attr("width", TILE).attr("height", TILE)
			.attr("class", (p) => "c-" + p.name))
		.call((pattern) => pattern.filter((p) => p.lines).append("path").attr("class", "lines")
			.attr("d", (p) => p.lines));
}

/* Only what is in the page is explained. */
function listLegend() {
	const used = (lanes, paints) => paints.filter((paint, kind) => lanes.some(
		(lane) => lane.levels[0].cells[kind] && d3.max(lane.levels[0].cells[kind]) > 0));

	d3.select("#legend").selectAll("li")
		.data([...used(data.vcpus, data.states), ...used(data.timers, data.timer_kinds),
		       ...used(data.irqs, data.irq_kinds), ...used(data.cpus, data.runs),
		       ...used(data.hosts, data.host_kinds),
		       ...used(data.tasks, data.task_kinds),
		       ...used(data.guests, data.guest_kinds)]).join("li")
		.html(swatch).append("span").text((paint) => paint.words);
}

/* --- Ledger ----------------------------------------------------------- */

function sumOf(lane, kind, level = 0) {
	return lane.levels[level].cells[kind] ? d3.sum(lane.levels[level].cells[kind]) : 0;
}

function drawLedger() {
	const used = d3.range(data.states.length)
		.filter((kind) => data.vcpus.some((lane) => sumOf(lane, kind) > 0));
	const rows = data.vcpus.map((lane) => {
		const sums = data.states.map((state, kind) => sumOf(lane, kind));

		return { name: lane.name, sums, all: d3.sum(sums) };
	});
	const ms = (ns) => (ns / 1e6).toFixed(3);

	table("#ledger", ["vCPU", "all ms", ...used.flatMap((kind) =>
		[data.states[kind].words + " ms", "%"])].map((name, i) => ({ name, text: !i })),
	      rows.map((r) => [r.name, ms(r.all), ...used.flatMap((kind) =>
		      [ms(r.sums[kind]), percent(r.sums[kind] / (r.all || 1))])]));
	drawShares(rows, used);
}

function drawShares(rows, used) {
	const width = Math.max(Math.min($("line").clientWidth, 1000), 240), gutter = line.gutter;
	const x = d3.scaleLinear().range([gutter, width - 20]), row = 24;
	const svg = d3.select("#bars-of-ledger").html("").append("svg").attr("width", width)
		.attr("height", rows.length * row + 24).attr("role", "img")
		.attr("aria-label", "Shares of states; the table below has the figures");
	const stack = d3.stack().keys(used).value((r, kind) => r.sums[kind] / (r.all || 1));

	svg.append("g").attr("transform", `translate(0,${rows.length * row + 2})`)
		.call(d3.axisBottom(x).ticks(Math.min(10, width / 60), "%"));
	svg.selectAll(".bar").data(stack(rows)).join("g").selectAll("rect")
		.data((layer) => layer.map((ends, i) => ({ ends, i, kind: layer.key }))).join("rect")
		.attr("class", "bar").attr("fill", (d) => `url(#p-${data.states[d.kind].name})`)
		.attr("x", (d) => x(d.ends[0])).attr("width", (d) => x(d.ends[1]) - x(d.ends[0]))
		.attr("y", (d) => d.i * row + 2).attr("height", row - 6)
		.append("title").text((d) => `${rows[d.i].name}: ${data.states[d.kind].words} ` +
			share(rows[d.i].sums[d.kind], rows[d.i].all));
	svg.selectAll(".name").data(rows).join("text").attr("class", "name")
		.attr("text-anchor", "end").attr("x", gutter - 8).attr("y", (r, i) => i * row + 15)
		.text((r) => r.name.length > gutter / 6.2 - 1 ?
			"\u2026" + r.name.slice(2 - Math.floor(gutter / 6.2)) : r.name);
}

/* --- The page --------------------------------------------------------- */

function drawHead() {
	const lost = data.lost === null ? "unknown how many" :
		(data.lost_is_exact ? "" : "at least ") + d3.format(",")(data.lost);

	const count = (lanes, what) => `${lanes.length} ${what}${lanes.length === 1 ? "" : "s"}`;

	document.title = data.file + " \u2013 kvmsched";
	$("file").textContent = data.file;
	$("facts").textContent = `${time(data.length_ns)}, ${d3.format(",")(data.records)} records, ` +
		`${lost} lost; ${count(data.vcpus, "vCPU")} and ${count(data.cpus, "CPU")}, ` +
		`from ${seconds(data.frame.from)} to ${seconds(data.frame.to)} of the recording.`;
	$("command").textContent = data.command;
	d3.selectAll(".of-what").text(data.excerpt ? "Of the time that the page shows." :
		"Of the whole recording.");
	d3.select("#notes").selectAll("li").data(data.notes).join("li").text((note) => note);
}

/* How long the bins are, where the page has no spans */
function binsInWords() {
	const lanes = d3.nest().key((lane) => lane.levels[0].width)
		.sortKeys((a, b) => a - b).rollup((group) => group.length).entries(line.lanes);
	const nr = (width) => d3.format(",")(Math.ceil((data.frame.to - data.frame.from) / width));

	return lanes.map(({ key, value }) => `each of ${nr(key)} bins of ${time(+key)}` +
		(lanes.length > 1 ? ` (${value} of ${line.lanes.length} lanes)` : "")).join(", ");
}

function drawDetail() {
	$("detail").textContent = data.whole ?
		`The page has each of the ${d3.format(",")(data.spans)} spans of this time.` :
		`There are too many spans for a page: of ${d3.format(",")(data.all_spans)} it ` +
		`has ${d3.format(",")(data.spans)}, those that touch these windows: ` +
		data.windows.map(([from, to]) => `${seconds(from)} to ${seconds(to)}`).join("; ") +
		`. Elsewhere it has the exact time of each state in ${binsInWords()}. ` +
		`The command below makes a page with more of what is in view.`;
}

/* A row for each loss; those without a time of their own are said to have none. */
function listLosses() {
	const late = data.losses.filter((l) => l.last), rest = data.losses.length - late.length;
	const words = [];

	$("lost").hidden = !data.losses.length;
	if (rest)
		words.push("Between two records of a CPU some were lost; a hatched strip above the " +
			   "lane of the CPU stands for this time.");
	if (late.length)
		words.push(`Of ${late.length === 1 ? "one loss" : late.length + " losses"} nobody ` +
			   "knows when: after the last record that the CPU wrote, and before the " +
			   "recording ended. The strip goes on until then.");
	words.push("Time of a vCPU about which nothing is known since is hatched in its lane.");
	$("lost-words").textContent = words.join(" ");
	table("#losses", ["CPU", "records", "times", "after s", "before s", "within ms", "when"]
		.map((name) => ({ name, text: name === "when" })),
	      data.losses.map((l) => [`${l.cpu}`, l.records === null ? "unknown" : `${l.records}`,
		      `${l.times}`, (l.from / 1e9).toFixed(9), (l.to / 1e9).toFixed(9),
		      ((l.to - l.from) / 1e6).toFixed(6),
		      l.last ? "unknown: after its last record" : "between two records"]));
}

/* What lanes are called, what their kinds look like, and what "who" of a span means */
function nameLanes() {
	const ends = ["until it expired", "until the guest stopped it", "until it was armed anew",
		"and still is"];
	const groups = [
		[data.vcpus, data.states, (lane) => `${lane.vm} vCPU ${lane.vcpu}`,
			(what, who) => `${what}, ${data.reasons[who - 1]}`],
		[data.cpus, data.runs, (lane) => `CPU ${lane.cpu}`,
			(what, who) => `${data.whos[who - 1][0]} ran`],
		[data.timers, data.timer_kinds, (lane) => `${lane.below.name} timer`,
			(what, who) => `${what}, ${ends[who - 1]}`],
		[data.irqs, data.irq_kinds, (lane) => `${lane.below.name} interrupts`,
			(what, who) => `${what}, vector ${hex(who - 1)}`],
		[data.hosts, data.host_kinds, (lane) => `${lane.below.name} interrupts`,
			(what, who) => `${what}, ${data.host_names[who - 1]}`],
		[data.tasks, data.task_kinds, (lane) => `${lane.comm}/${lane.pid}`,
			(what, who) => `${what}, CPU ${who - 1}`],
		[data.guests, data.guest_kinds,
			(lane) => `${lane.vm}: ${lane.comm}/${lane.pid}`],
	];
	const below = (lanes, all) => lanes.forEach((lane) => { lane.below = all[lane.lane]; });

	below([...data.timers, ...data.irqs], data.vcpus);
	below(data.hosts, data.cpus);
	data.paints = groups.map(([, paints]) => paints);
	for (const [lanes, paints, name, tell] of groups) {
		const unknown = paints.findIndex((paint) => UNKNOWN.includes(paint.name));

		for (const lane of lanes)
			Object.assign(lane, { paints, unknown, tell, name: name(lane) });
	}
}

/* What can be left out of the time line */
function listGroups() {
	const groups = [["timers", data.timers], ["interrupts of guests", data.irqs],
		["interrupts of the host", data.hosts], ["tasks", data.tasks],
		["tasks of guests", data.guests]];

	d3.select("#groups").selectAll("label").data(groups.filter(([, lanes]) => lanes.length))
		.join("label").html('<input type="checkbox" checked>')
		.on("change", function ([, lanes]) {
			line.hide(lanes, !this.firstChild.checked);
		}).append("span").text(([name]) => name);
}

/* The next span of the chosen lane, or the one before */
function step(back) {
	const bars = line.lanes[line.chosen].bars;
	const i = d3.bisectRight(bars.begin, line.at, 0, bars.nr) - 1 + (back ? -1 : 1);

	if (i < 0 || i >= bars.nr)
		return;
	line.at = bars.begin[i];
	if (line.at < line.from || line.at > line.to)
		line.show(line.at - (line.to - line.from) / 2, line.at + (line.to - line.from) / 2);
}

function choose(by) {
	const row = line.chosen < 0 ? -1 : line.lanes[line.chosen].row;

	line.chosen = line.rows[Math.max(0, Math.min(line.rows.length - 1, row + by))];
	line.drawNames();
	if (line.at < line.from || line.at > line.to)
		line.at = (line.from + line.to) / 2;
}

const keys = {
	"+": () => line.by(1 / 2), "=": () => line.by(1 / 2), "-": () => line.by(2),
	ArrowLeft: () => line.move(-1 / 8), ArrowRight: () => line.move(1 / 8),
	Home: () => line.show(data.frame.from, data.frame.to),
	ArrowUp: () => choose(-1), ArrowDown: () => choose(1),
	n: () => step(false), p: () => step(true), Enter: () => {},
};

function onKey(event) {
	const moment = data.moments[event.key - 1];

	if (event.ctrlKey || event.altKey || event.metaKey || (!keys[event.key] && !moment))
		return;
	event.preventDefault();
	if (moment)
		return goto(moment);
	if ("npEnter".includes(event.key) && line.chosen < 0)
		choose(1);
	keys[event.key]();
	if (event.key === "Enter")
		select({ lane: line.chosen, t: line.at });
	else if (line.chosen >= 0)
		$("words").textContent = inWords({ lane: line.chosen, t: line.at });
	line.request();
}

function onPointer() {
	const place = line.place(...d3.mouse($("over")));
	const tip = $("tip"), event = d3.event;

	tip.hidden = !place;
	if (!place)
		return;
	tip.textContent = inWords(place);
	tip.style.left = Math.max(4, Math.min(event.clientX + 14,
		innerWidth - tip.offsetWidth - 8)) + "px";
	tip.style.top = (event.clientY + 18 + tip.offsetHeight > innerHeight ?
		event.clientY - tip.offsetHeight - 10 : event.clientY + 18) + "px";
}

function listen() {
	d3.select("#over").on("mousemove", onPointer)
		.on("mouseleave", () => { $("tip").hidden = true; })
		.on("click", () => {
			const place = line.place(...d3.mouse($("over")));

			if (place)
				select(place);
		});
	$("line").addEventListener("keydown", onKey);
	for (const [id, key] of [["in", "+"], ["out", "-"], ["left", "ArrowLeft"],
				 ["right", "ArrowRight"], ["all", "Home"]])
		$(id).addEventListener("click", keys[key]);
	$("search").addEventListener("input", search);
	$("copy").addEventListener("click", () =>
		navigator.clipboard.writeText($("more-command").textContent));
	addEventListener("resize", drawLedger);
}

async function begin() {
	nameLanes();
	drawHead();
	definePaints();
	listMoments();
	drawReport(d3.select("#report"), data.report);
	drawSpreads(d3.select("#spreads"), data.spreads, data.spreads_left_out);
	/* What is drawn so far comes into view before the data is unpacked. */
	await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
	await readData(data);
	line = new TimeLine(data, $("line"));
	line.drawn = () => {
		$("range").textContent = `${seconds(line.from)} to ${seconds(line.to)}, ` +
			time(line.to - line.from);
		$("more-command").textContent = moreCommand(Math.max(0, line.from), line.to);
	};
	line.draw();
	listLegend();
	listGroups();
	drawLedger();
	drawThieves(d3.select("#bars-of-thieves"), data.thieves);
	drawDetail();
	listLosses();
	listen();
	document.body.dataset.ready = "yes";
}

begin();

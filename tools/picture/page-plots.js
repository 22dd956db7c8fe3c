/* SPDX-License-Identifier: GPL-2.0-only */
/* Distributions as steps and cumulative curves, and thieves as bars. */
"use strict";

const PLOT = { width: 390, height: 190, left: 44, right: 44, top: 12, bottom: 34 };
const SPREADS_SHOWN = 12;	/* of a group; the others are behind a heading */
const THIEVES_SHOWN = 15;
const groupNames = {
	exits: "Exits: time in the host's kernel and on the CPU, without polling",
	waits: "Waits for a CPU", slices: "Slices: from switch in to switch out",
	timers: "The guests' timers, leg by leg", interrupts: "The guests' interrupts",
};

function shortTime(ns) {
	const [one, unit] = ns >= 1e9 ? [1e9, "s"] : ns >= 1e6 ? [1e6, "ms"] :
		ns >= 1e3 ? [1e3, "µs"] : [1, "ns"];

	return Number((ns / one).toPrecision(4)) + " " + unit;
}

/* Each bin with its share of all values, and that of what is not above it */
function sharesOf(spread) {
	let upto = spread.early;

	return spread.bins.map(([low, high, count]) => {
		upto += count;
		return { low, high, count, share: count / spread.count, upto: upto / spread.count };
	});
}

function spreadInWords(spread) {
	const early = spread.early ? `, ${d3.format(",")(spread.early)} of them early` : "";

	return `${d3.format(",")(spread.count)} value${spread.count === 1 ? "" : "s"}${early}; ` +
		`mean ${shortTime(spread.total_ns / (spread.count - spread.early || 1))}, ` +
		`longest ${shortTime(spread.max_ns)}`;
}

function drawAxes(svg, x, y) {
	const { width, height, left, right, bottom } = PLOT;
	const axis = (at) => svg.append("g").attr("class", "axis").attr("transform", `translate(${at})`);
	const digits = (list) => x.ticks().filter((t) => list.includes(t.toExponential()[0]));
	const ticks = digits("125").length > 6 ? digits("1") : digits("125");

	axis([0, height - bottom]).call(d3.axisBottom(x)
		.tickValues(ticks.length > 1 ? ticks : x.domain()).tickFormat(shortTime));
	axis([left, 0]).call(d3.axisLeft(y.step).ticks(4, "%"));
	axis([width - right, 0]).call(d3.axisRight(y.upto).ticks(4, "%"));
}

function drawSpread(parent, spread) {
	const bins = sharesOf(spread), { width, height, left, right, top, bottom } = PLOT;
	const box = parent.append("figure").attr("class", "spread");

	box.append("figcaption").text(spread.name).append("span").attr("class", "soft")
		.text(spreadInWords(spread));
	if (!bins.length)
		return;
	const svg = box.append("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("role", "img")
		.attr("aria-label", `${spread.name}: ${spreadInWords(spread)}; the table below has the shares`);
	const x = d3.scaleLog().domain([Math.max(bins[0].low, 0.5), bins[bins.length - 1].high])
		.range([left, width - right]);
	const at = (ns) => x(Math.max(ns, x.domain()[0]));
	const y = {
		step: d3.scaleLinear().domain([0, d3.max(bins, (b) => b.share)]),
		upto: d3.scaleLinear().domain([0, 1]),
	};

	y.step.range([height - bottom, top]);
	y.upto.range([height - bottom, top]);
	svg.selectAll(".step").data(bins).join("rect").attr("class", "step")
		.attr("x", (b) => at(b.low)).attr("width", (b) => Math.max(at(b.high) - at(b.low), 0.5))
		.attr("y", (b) => y.step(b.share)).attr("height", (b) => y.step(0) - y.step(b.share))
		.append("title").text((b) => `${shortTime(b.low)} to ${shortTime(b.high)}: ` +
			`${d3.format(",")(b.count)}, ${percent(b.share)}; up to there ${percent(b.upto)}`);
	svg.append("path").attr("class", "upto").attr("d", `M${at(bins[0].low)},` +
		y.upto(spread.early / spread.count) +
		bins.map((b) => `H${at(b.low)}L${at(b.high)},${y.upto(b.upto)}`).join(""));
	drawAxes(svg, x, y);
	tableBehind(box, ["from", "to", "Values", "Share", "Up to there"], bins.map((b) => [
		shortTime(b.low), shortTime(b.high), String(b.count), percent(b.share), percent(b.upto)]));
}

/* A table that is opened by a click; of rows of text */
function tableBehind(box, names, rows) {
	const details = box.append("details");

	details.append("summary").text("table");
	table(details.append("div").attr("class", "wide").append("table").node(),
		names.map((name) => ({ name, text: false })), rows);
}

/* @spreads: as picture/plots.h has them; so many more found no room in the page */
function drawSpreads(parent, spreads, leftOut) {
	for (const { key, values } of d3.nest().key((s) => s.group).entries(spreads)) {
		const order = key === "exits" || key === "interrupts" ?
			values.slice().sort((a, b) => b.total_ns - a.total_ns) : values;
		const rest = order.slice(SPREADS_SHOWN);

		parent.append("h3").text(groupNames[key]);
		const plots = parent.append("div").attr("class", "plots");

		for (const spread of order.slice(0, SPREADS_SHOWN))
			drawSpread(plots, spread);
		if (rest.length) {
			const more = parent.append("details");

			more.append("summary").text(`${rest.length} more, with less time`);
			const box = more.append("div").attr("class", "plots");

			for (const spread of rest)
				drawSpread(box, spread);
		}
	}
	if (!spreads.length)
		parent.append("p").text("Nothing was measured.");
	if (leftOut)
		parent.append("p").text(`${leftOut} more, of exits and interrupts with less time, ` +
			"found no room here: kvmsched report --json has them.");
}

/* The sums over all vCPUs, the largest first; all but the first few are one row. */
function sumThieves(thieves) {
	const name = (t) => t.pid === null ? t.who : `${t.who}/${t.pid}`;
	const sums = d3.nest().key(name).rollup((rows) => d3.sum(rows, (t) => t.ns))
		.entries(thieves).sort((a, b) => b.value - a.value);
	const rest = sums.slice(THIEVES_SHOWN);

	return rest.length ? [...sums.slice(0, THIEVES_SHOWN),
		{ key: `${rest.length} others`, value: d3.sum(rest, (s) => s.value) }] : sums;
}

/* @thieves: as picture/plots.h has them */
function drawThieves(parent, thieves) {
	const rows = sumThieves(thieves), all = d3.sum(rows, (r) => r.value);
	const row = 22, left = 190, width = 760, height = rows.length * row + 26;

	if (!all) {
		parent.append("p").text("Nobody is known: no vCPU waited, or class steal was not recorded.");
		return;
	}
	const svg = parent.append("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("role", "img")
		.attr("class", "thieves").attr("aria-label", "Thieves: " + rows.map((r) =>
			`${r.key} ${shortTime(r.value)}`).join(", "));
	const x = d3.scaleLinear().domain([0, rows[0].value]).range([left, width - 120]);
	const y = (i) => i * row;

	svg.selectAll(".thief").data(rows).join("rect").attr("class", "thief").attr("x", left)
		.attr("width", (r) => x(r.value) - left).attr("y", (r, i) => y(i) + 3)
		.attr("height", row - 6);
	svg.selectAll(".who").data(rows).join("text").attr("class", "who").attr("x", left - 8)
		.attr("y", (r, i) => y(i) + 15).attr("text-anchor", "end")
		.text((r) => r.key.length > 28 ? r.key.slice(0, 27) + "\u2026" : r.key)
		.append("title").text((r) => r.key);
	svg.selectAll(".sum").data(rows).join("text").attr("class", "sum")
		.attr("x", (r) => x(r.value) + 6).attr("y", (r, i) => y(i) + 15)
		.text((r) => `${shortTime(r.value)}, ${percent(r.value / all)}`);
	svg.append("g").attr("class", "axis").attr("transform", `translate(0,${rows.length * row})`)
		.call(d3.axisBottom(x).ticks(5).tickFormat(shortTime));
	tableBehind(parent, ["Who", "ms", "Share"], rows.map((r) =>
		[r.key, (r.value / 1e6).toFixed(6), percent(r.value / all)]));
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Pictures of a comparison: rounds as dots, differences with intervals, histograms. */
"use strict";

const arms = data.study.arms;
const SHAPES = [d3.symbolCircle, d3.symbolSquare, d3.symbolTriangle, d3.symbolDiamond,
	d3.symbolStar, d3.symbolWye, d3.symbolCross];
const DASHES = ["none", "6 3", "2 3", "9 3 2 3", "12 4", "1 4", "4 2 1 2"];
const WIDTH = 390, LEFT = 96, RIGHT = 18;
const unitName = data.study.inference;

/* --- Words ------------------------------------------------------------ */

const minus = (text) => text.replace(/-/g, "\u2212");
const figure = (x) => minus(Math.abs(x) >= 1000 ? d3.format(",.0f")(x) :
	String(Number(x.toPrecision(4))));
/* "3 rounds", "1 block" */
const count = (n, what) => `${d3.format(",")(n)} ${what}${n === 1 ? "" : "s"}`;
const short = (name, room = 12) => name.length > room ? name.slice(0, room - 1) + "\u2026" : name;
const armOf = (name) => arms.findIndex((arm) => arm.name === name);

/* Times are shown in µs, shares in percent, as the tables have them. */
function shown(metric, x) {
	return metric.unit === "ns" ? x / 1000 : metric.unit === "" ? 100 * x : x;
}

function shownUnit(metric) {
	return metric.unit === "ns" ? "µs" : metric.unit === "" ? "%" : metric.unit;
}

function amount(metric, x, bound = "") {
	const unit = metric.unit === "1/s" ? "/s" : " " + shownUnit(metric);

	return x === null ? "\u2212" : bound + figure(shown(metric, x)) + unit;
}

const signed = (metric, x) => (x > 0 ? "+" : "") + amount(metric, x);
const bounds = { exact: "", at_least: "\u2265\u202f", at_most: "\u2264\u202f", unknown: "about " };

/* An end that is null is infinite: nothing is excluded on that side. */
function interval(metric, ci) {
	return (ci[0] === null ? "\u2212\u221e" : signed(metric, ci[0])) + " to " +
		(ci[1] === null ? "+\u221e" : signed(metric, ci[1]));
}

function probability(p) {
	return p === null ? "no p" : p < 0.0001 ? "p < 0.0001" : `p = ${p.toFixed(4)}`;
}

function differenceInWords(metric, result) {
	if (result.difference === null)
		return "no difference can be told";
	return `difference ${bounds[result.difference_is]}${signed(metric, result.difference)}, ` +
		(result.ci ? `95 % interval ${interval(metric, result.ci)}` : "no interval") +
		`, ${probability(result.p)}`;
}

/* What is added to a verdict, "none; 3.2 would show" */
function moreOfVerdict(metric, result) {
	const more = result.words.slice(result.verdict.length);

	return more && result.detectable > 0 ? `${more} (${shownUnit(metric)})` : more;
}

/* --- Marks ------------------------------------------------------------ */

const symbol = (arm, size = 64) => d3.symbol().type(SHAPES[arm % SHAPES.length]).size(size)();
const colour = (arm) => "a" + arm % SHAPES.length;

/* @marks: { arm, x, y, open, words, size } */
function drawMarks(svg, marks) {
	svg.selectAll(".mark").data(marks).join("path")
		.attr("class", (m) => `mark ${colour(m.arm)}${m.open ? " open" : ""}`)
		.attr("d", (m) => symbol(m.arm, m.size)).attr("transform", (m) => `translate(${m.x},${m.y})`)
		.append("title").text((m) => m.words);
}

/* Arrow keys go from mark to mark; @said tells what each is. */
function walk(svg, said) {
	const marks = svg.selectAll(".mark"), all = marks.data();
	let at = -1;
	const light = (i) => {
		at = i;
		marks.classed("lit", (m, j) => j === at);
		said.text(at < 0 ? "" : all[at].words);
	};
	const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -all.length, End: all.length };

	svg.on("keydown", () => {
		const event = d3.event, step = steps[event.key];

		if (!step || event.ctrlKey || event.altKey || event.metaKey || !all.length)
			return;
		event.preventDefault();
		light(Math.max(0, Math.min(all.length - 1, at + step)));
	}).on("blur", () => light(-1));
	marks.on("mouseenter", (m, i) => light(i)).on("mouseleave", () => light(-1));
}

/* An empty picture with its heading; @draw fills it. */
function picture(section, kind, heading, height, words, draw) {
	const box = section.append("figure").attr("class", kind);

	box.append("figcaption").text(heading);
	const svg = box.append("svg").attr("viewBox", `0 0 ${WIDTH} ${height}`).attr("role", "img")
		.attr("tabindex", 0).attr("aria-label", words);

	draw(svg);
	walk(svg, box.append("p").attr("class", "said").attr("aria-live", "polite"));
}

function nameRows(svg, names, y) {
	svg.selectAll(".who").data(names).join("text").attr("class", "who").attr("x", LEFT - 10)
		.attr("y", (name, i) => y(i) + 4).attr("text-anchor", "end").text((name) => short(name))
		.append("title").text((name) => name);
}

/* --- Dots ------------------------------------------------------------- */

/* Powers of ten where the values differ by more than one */
function valueScale(values) {
	const [low, high] = d3.extent(values), span = high - low || Math.abs(high) || 1;

	if (low > 0 && high / low > 10)
		return d3.scaleLog().domain([low / 1.1, high * 1.1]);
	return d3.scaleLinear().domain([low - span / 20, high + span / 20]);
}

function axis(svg, x, y, label) {
	const log = x.base !== undefined;
	const long = d3.max(x.ticks(5), (t) => x.tickFormat(5)(t).length) > 7;

	svg.append("g").attr("class", "axis").attr("transform", `translate(0,${y})`)
		.call(log ? d3.axisBottom(x).ticks(5, figure) : d3.axisBottom(x).ticks(long ? 2 : 5));
	svg.append("text").attr("x", WIDTH - RIGHT).attr("y", y + 32).attr("text-anchor", "end")
		.text(label + (log ? ", logarithmic" : ""));
}

function eachUnit(metric) {
	const s = data.study.settings.statistic;
	const what = s === "mean" ? s : s === 0.5 ? "median" : `${s} quantile`;

	return `Each ${unitName}` + (metric.many ? `, by the ${what} of its values` : "");
}

/* In the row of an arm its first round is the highest. */
function drawDots(section, metric) {
	const most = d3.max(metric.arms, (arm) => arm.values.length);
	const row = Math.max(46, 2 * most), height = arms.length * row + 40;
	const values = d3.merge(metric.arms.map((arm) => arm.values)).map((v) => shown(metric, v));
	const words = `Each ${unitName}'s ${metric.title}; the table below has the values`;

	picture(section, "dots", eachUnit(metric), height, words, (svg) => {
		const x = valueScale(values).range([LEFT, WIDTH - RIGHT]);
		const marks = d3.merge(metric.arms.map((arm, a) => arm.values.map((value, i) => ({
			arm: a, open: arm.open[i], x: x(shown(metric, value)),
			size: most > 12 ? 30 : 64,
			y: a * row + 6 + (i + 0.5) * (row - 12) / arm.values.length,
			words: `${arms[a].name}, ${unitName} ${i + 1}: ` +
				amount(metric, value, arm.open[i] ? "at least " : ""),
		}))));

		svg.selectAll(".row").data(arms.slice(1)).join("line").attr("class", "row")
			.attr("x2", WIDTH).attr("y1", (a, i) => (i + 1) * row)
			.attr("y2", (a, i) => (i + 1) * row);
		nameRows(svg, arms.map((arm) => arm.name), (i) => (i + 0.5) * row);
		axis(svg, x, arms.length * row, shownUnit(metric));
		drawMarks(svg, marks);
	});
}

/* --- Differences ------------------------------------------------------ */

function drawDifferences(section, metric, results) {
	const row = 46, height = results.length * row + 40;
	const known = results.filter((r) => r.difference !== null);
	const finite = d3.merge(known.map((r) => [r.difference, ...(r.ci || [])]))
		.filter((v) => v !== null).map((v) => shown(metric, v));
	const words = `Differences of ${metric.title}: ` + results.map((r) =>
		`${r.arms[1].name} minus ${r.arms[0].name}: ${differenceInWords(metric, r)}`).join("; ");

	picture(section, "differences", `Difference from ${short(results[0].arms[0].name, 30)}, ` +
		"with its 95 % interval", height, words, (svg) => {
		const reach = d3.max(finite, Math.abs) || 1, low = Math.min(0, d3.min(finite) || 0);
		const high = Math.max(0, d3.max(finite) || 0), edge = (high - low || reach) / 10;
		const x = d3.scaleLinear().domain([low - edge, high + edge])
			.range([LEFT, WIDTH - RIGHT]);
		const y = (i) => (i + 0.5) * row;

		svg.append("line").attr("class", "zero").attr("x1", x(0)).attr("x2", x(0))
			.attr("y2", results.length * row);
		nameRows(svg, results.map((r) => r.arms[1].name), y);
		axis(svg, x, results.length * row, shownUnit(metric));
		results.forEach((r, i) => {
			if (r.difference === null)
				svg.append("text").attr("x", x(0) + 6).attr("y", y(i) + 4)
					.text("not known");
			else if (r.ci)
				drawInterval(svg, r.ci.map((v) => v === null ? null : x(shown(metric, v))),
					y(i), armOf(r.arms[1].name));
		});
		drawMarks(svg, results.map((r, i) => ({ r, i })).filter((d) => d.r.difference !== null)
			.map(({ r, i }) => ({
				arm: armOf(r.arms[1].name), open: r.difference_is !== "exact",
				x: x(shown(metric, r.difference)), y: y(i),
				words: `${r.arms[1].name} minus ${r.arms[0].name}: ` +
					differenceInWords(metric, r),
			})));
	});
}

/* An end that is infinite has an arrow, another one a bar. */
function drawInterval(svg, ends, y, arm) {
	const [low, high] = [ends[0] === null ? LEFT : ends[0],
		ends[1] === null ? WIDTH - RIGHT : ends[1]];
	const end = (x, open, way) => open ? `M${x - 7 * way},${y - 5}L${x},${y}L${x - 7 * way},${y + 5}` :
		`M${x},${y - 7}V${y + 7}`;

	svg.append("path").attr("class", `interval ${colour(arm)}`)
		.attr("d", `M${low},${y}H${high}` + end(low, ends[0] === null, -1) +
			end(high, ends[1] === null, 1));
}

/* --- Histograms ------------------------------------------------------- */

function drawHistogram(section, metric) {
	const { edges, arms: shares } = metric.histogram, bottom = 150;
	const words = `Histograms of all values of ${metric.title}; the table below has the shares`;

	picture(section, "histogram", "All values: share of each arm's", bottom + 40, words, (svg) => {
		const x = d3.scaleLog().domain(d3.extent(edges).map((e) => shown(metric, e)))
			.range([50, WIDTH - RIGHT]);
		const y = d3.scaleLinear().domain([0, d3.max(shares, (a) => d3.max(a.shares))])
			.range([bottom, 12]);
		const at = edges.map((e) => x(shown(metric, e)));
		const steps = (a) => a.shares.map((share, i) =>
			`${i ? "L" : "M"}${at[i]},${y(share)}H${at[i + 1]}`).join("");

		svg.append("g").attr("class", "axis").attr("transform", "translate(50,0)")
			.call(d3.axisLeft(y).ticks(4, "%"));
		axis(svg, x, bottom, shownUnit(metric));
		svg.selectAll(".steps").data(shares).join("path").attr("d", steps)
			.attr("class", (a, i) => `steps ${colour(i)}`)
			.attr("stroke-dasharray", (a, i) => DASHES[i % DASHES.length]);
		drawMarks(svg, d3.merge(shares.map((a, arm) => a.shares.map((share, i) => ({
			arm, share, open: a.open[i], y: y(share),
			x: at[i] + (at[i + 1] - at[i]) * (arm + 1) / (shares.length + 1),
			words: `${arms[arm].name}, ${binName(metric, i)}: ${percent(share)}` +
				(a.open[i] ? ", with values whose end was not seen" : ""),
		})).filter((m) => m.share > 0))));
	});
}

function binName(metric, i) {
	const { edges } = metric.histogram;

	return `${amount(metric, edges[i])} to ${amount(metric, edges[i + 1])}`;
}

/* --- Tables ----------------------------------------------------------- */

/* The first cell of each row is its heading. */
function table(parent, caption, headings, rows) {
	const details = parent.append("details");

	details.append("summary").text(caption);
	const t = details.append("div").attr("class", "wide").append("table");

	fill(t, headings);
	t.append("tbody").selectAll("tr").data(rows).join("tr").selectAll("td").data((row) => row)
		.enter().append((cell, i) => document.createElement(i ? "td" : "th")).text((c) => c);
	t.selectAll("tbody th").attr("scope", "row");
}

function fill(t, headings) {
	t.append("thead").append("tr").selectAll("th").data(headings).join("th")
		.attr("scope", "col").text((heading) => heading);
}

function tables(section, metric, results) {
	const most = d3.max(metric.arms, (arm) => arm.values.length);
	const of = (q) => (arm) => amount(metric, arm[q], arm.bound[q] ? "\u2265\u202f" : "");
	const sides = arms.map((a) => d3.merge(results.map((r) => r.arms))
		.find((side) => side.name === a.name)).filter((side) => side);

	table(section, "Median, p99 and maximum of all values", ["Arm", "Median", "p99", "Max",
		"Values", "End not seen", unitName + "s"], sides.map((side) => [side.name,
		of("median")(side), of("p99")(side), of("max")(side),
		...["values", "censored", "units"].map((key) => d3.format(",")(side[key]))]));
	table(section, "Differences", ["Arms", "Difference", "95 % interval", "Effect", "p", "Verdict"],
		results.map((r) => [`${r.arms[1].name} against ${r.arms[0].name}`,
			bounds[r.difference_is] + signed(metric, r.difference), r.ci ? interval(metric, r.ci) : "\u2212",
			r.effect === null ? "\u2212" : minus(d3.format("+.2f")(r.effect)),
			probability(r.p).replace("p = ", ""), r.words]));
	table(section, `The value of each ${unitName}`, [unitName, ...arms.map((a) => a.name)],
		d3.range(most).map((i) => [i + 1, ...metric.arms.map((arm) => i < arm.values.length ?
			amount(metric, arm.values[i], arm.open[i] ? "\u2265\u202f" : "") : "")]));
	if (metric.histogram)
		table(section, "The histograms' shares", ["Values", ...arms.map((a) => a.name)],
			d3.range(metric.histogram.edges.length - 1).map((i) => [binName(metric, i),
				...metric.histogram.arms.map((a) => percent(a.shares[i]))]));
}

/* --- The page --------------------------------------------------------- */

function putVerdict(parent, metric, result) {
	parent.append("strong").attr("class", `verdict ${result.verdict}`)
		.text(result.verdict.replace("_", " "));
	parent.append("span").text(moreOfVerdict(metric, result));
}

function drawMetric(parent, metric) {
	const results = data.study.metrics.filter((r) => r.name === metric.name);
	const better = results[0].direction ? `; ${results[0].direction} is better` : "";
	const section = parent.append("section").attr("id", metric.name);

	section.append("h2").text(metric.title);
	section.append("p").attr("class", "soft").text(metric.what + better);
	for (const result of results) {
		const p = section.append("p").attr("class", "result");

		p.append("span").text(`${result.arms[1].name} against ${result.arms[0].name}: `);
		putVerdict(p, metric, result);
		p.append("span").text(`; ${differenceInWords(metric, result)}.`);
	}
	const plots = section.append("div").attr("class", "plots");

	drawDots(plots, metric);
	drawDifferences(plots, metric, results);
	if (metric.histogram)
		drawHistogram(plots, metric);
	tables(section, metric, results);
}

function drawVerdicts() {
	const pairs = d3.nest().key((r) => r.arms[1].name).entries(data.study.metrics);
	const t = d3.select("#verdicts");
	const base = data.study.metrics.length ? data.study.metrics[0].arms[0].name : "";

	fill(t, ["Metric", ...pairs.map((pair) => `${pair.key} against ${base}`)]);
	t.append("tbody").selectAll("tr").data(data.metrics).join("tr").each(function(metric) {
		const row = d3.select(this);

		row.append("th").attr("scope", "row").append("a").attr("href", "#" + metric.name)
			.text(metric.title);
		for (const pair of pairs) {
			const result = pair.values.find((r) => r.name === metric.name);
			const cell = row.append("td");

			if (result)
				putVerdict(cell, metric, result);
		}
	});
}

function drawHead() {
	const names = arms.map((arm) => arm.name).join(", ");

	document.title = names + " \u2013 kvmsched compare";
	$("title").textContent = "Compared: " + names;
	$("facts").textContent = arms.map((arm) =>
		`${arm.name}: ${count(arm.units, unitName)}, ${count(arm.lost, "record")} lost`)
		.join("; ") + "." + (data.study.deterministic ?
		` Deterministic: all ${unitName}s of an arm are equal in every metric.` : "");
	$("command").textContent = data.command;
	$("text").textContent = data.text;
	const item = d3.select("#legend").selectAll("li").data(arms).join("li");

	item.append("svg").attr("class", "key").attr("viewBox", "-8 -8 16 16")
		.attr("aria-hidden", "true").append("path")
		.attr("class", (arm, i) => `mark ${colour(i)}`).attr("d", (arm, i) => symbol(i));
	item.append("span").attr("class", "name").text((arm) => " " + arm.name);
	d3.select("#legend").append("li").text("a hollow mark: at least so much, the end was not seen");
}

drawHead();
drawVerdicts();
for (const metric of data.metrics)
	drawMetric(d3.select("#metrics"), metric);
document.body.dataset.ready = "yes";

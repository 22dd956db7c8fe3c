/* SPDX-License-Identifier: GPL-2.0-only */
/* The data of the page: bars, which are spans, and bins, which are sums of their time. */
"use strict";

const NOTHING = 15;		/* the kind of time of which nothing was told */
const EXIT = 2, POLL = 4;	/* numbers of states, as in the ledger */
const MERGED = 2;		/* so many bins of a level are one of the next */

async function inflate(id) {
	const text = atob(document.getElementById(id).textContent);
	const bytes = new Uint8Array(text.length);

	for (let i = 0; i < text.length; i++)
		bytes[i] = text.charCodeAt(i);
	const stream = new Blob([bytes]).stream()
		.pipeThrough(new DecompressionStream("deflate"));
	return new Uint8Array(await new Response(stream).arrayBuffer());
}

/* Reads columns one after another, as bars.c and bins.c wrote them. */
class Columns {
	constructor(bytes) {
		this.bytes = bytes;
		this.at = 0;
	}

	raw(nr) {
		this.at += nr;
		return this.bytes.subarray(this.at - nr, this.at);
	}

	/* Numbers whose bytes lie apart: first the lowest one of all */
	numbers(nr, size, signed) {
		const out = new Float64Array(nr);

		for (let byte = 0, one = 1; byte < size; byte++, one *= 256) {
			const part = this.raw(nr);
			const wrap = signed && byte === size - 1 ? 128 : 256;

			for (let i = 0; i < nr; i++)
				out[i] += (part[i] < wrap ? part[i] : part[i] - 256) * one;
		}
		return out;
	}

	bars(nr) {
		const kind = this.raw(nr), gap = this.numbers(nr, 6, true);
		const bars = {
			nr, kind, begin: gap, end: new Float64Array(nr), who: new Uint16Array(nr),
		};
		const counts = new Array(16).fill(0), length = [], who = [];

		for (let i = 0; i < nr; i++)
			counts[kind[i]]++;
		counts.forEach((count, k) => {
			length[k] = this.numbers(count, 6, false);
			who[k] = this.numbers(count, 2, false);
		});
		counts.fill(0);
		for (let i = 0, end = 0; i < nr; i++) {
			const k = kind[i], n = counts[k]++;

			bars.begin[i] = end + gap[i];
			end = bars.end[i] = bars.begin[i] + length[k][n];
			bars.who[i] = who[k][n];
		}
		return bars;
	}
}

/* Where a bin of a level begins, or, of the one behind the last, where all ends */
function binBegin(frame, level, bin) {
	return Math.min(frame.from + bin * level.width, frame.to);
}

/* What the other kinds leave of each bin */
function restOf(frame, level) {
	const rest = new Float64Array(level.nr);

	for (let i = 0; i < level.nr; i++)
		rest[i] = binBegin(frame, level, i + 1) - binBegin(frame, level, i);
	for (const cells of level.cells)
		for (let i = 0; cells && i < level.nr; i++)
			rest[i] -= cells[i];
	return rest;
}

/* The finest level of a lane, as bins.c wrote it; some lanes have fewer, longer bins. */
function readBins(columns, frame, bins) {
	const level = { width: frame.width * 2 ** bins.halved, cells: new Array(16).fill(null) };

	level.nr = Math.ceil((frame.to - frame.from) / level.width);
	for (const kind of bins.kinds)
		level.cells[kind] = columns.numbers(level.nr, bins.bytes, false);
	if (bins.rest >= 0)
		level.cells[bins.rest] = restOf(frame, level);
	return level;
}

/* The same made of bars, where the page has all of them */
function makeBins(frame, lane) {
	const level = { width: frame.width, nr: frame.nr, cells: new Array(16).fill(null) };
	const add = (kind, begin, end, sign) => {
		const cells = level.cells[kind] ||
			(level.cells[kind] = new Float64Array(frame.nr));

		begin = Math.max(begin, frame.from);
		end = Math.min(end, frame.to);
		for (let bin = Math.floor((begin - frame.from) / frame.width); begin < end; bin++) {
			const until = Math.min(binBegin(frame, level, bin + 1), end);

			cells[bin] += sign * (until - begin);
			begin = until;
		}
	};

	for (let i = 0, b = lane.bars; i < b.nr; i++)
		add(b.kind[i], b.begin[i], b.end[i], 1);
	for (let i = 0, b = lane.polls; b && i < b.nr; i++) {
		add(POLL, b.begin[i], b.end[i], 1);
		add(EXIT, b.begin[i], b.end[i], -1);
	}
	const rest = restOf(frame, level);
	level.cells[NOTHING] = rest.map((ns) => Math.max(ns, 0));
	return level;
}

/* Coarser levels, down to a few hundred bins */
function levelsFrom(finest) {
	const levels = [finest];

	for (let level = finest; level.nr > 256;) {
		const nr = Math.ceil(level.nr / MERGED), old = level;
		const merge = (cells) => {
			const sums = new Float64Array(nr);

			for (let i = 0; i < old.nr; i++)
				sums[Math.floor(i / MERGED)] += cells[i];
			return sums;
		};

		level = {
			width: old.width * MERGED, nr,
			cells: old.cells.map((cells) => cells && merge(cells)),
		};
		levels.push(level);
	}
	return levels;
}

/* Give each lane its bars and levels. */
async function readData(data) {
	const bars = new Columns(await inflate("bars"));
	const bins = data.whole ? null : new Columns(await inflate("bins"));
	const lanes = [...data.vcpus, ...data.timers, ...data.irqs, ...data.cpus, ...data.hosts,
		...data.tasks, ...data.guests];

	for (const lane of data.vcpus) {
		lane.polls = bars.bars(lane.polls);
		lane.pieces = bars.bars(lane.pieces);
	}
	for (const lane of lanes)
		lane.bars = bars.bars(lane.bars);
	lanes.forEach((lane, i) => {
		lane.levels = levelsFrom(bins ? readBins(bins, data.frame, data.bins[i]) :
						makeBins(data.frame, lane));
	});
	data.losses = data.losses.map(([cpu, from, to, records, times, last]) => ({
		cpu, from, to, records, times, last, lane: data.cpus.find((l) => l.cpu === cpu),
	}));
	data.cpus.sort((a, b) => a.cpu - b.cpu);
	data.detail = data.whole ? [[data.frame.from, data.frame.to]] : data.windows;
}

/* The first bar that may touch @t: bars are sorted by their begins, and few overlap. */
function firstBar(bars, t) {
	return Math.max(0, d3.bisectRight(bars.begin, t, 0, bars.nr) - 4);
}

/* The number of the bar in which @t lies; -1: there is none */
function barAt(bars, t) {
	for (let i = firstBar(bars, t); i < bars.nr && bars.begin[i] <= t; i++)
		if (t < bars.end[i])
			return i;
	return -1;
}

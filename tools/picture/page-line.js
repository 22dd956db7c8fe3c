/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The time line.  Lanes are pixels: each column of a lane is filled from below with the
 * kinds of its time, each in proportion.  Names, axis and marks are SVG above them.
 */
"use strict";

const LANE = 20, GAP = 6, TOP = 26;	/* CSS pixels */
const STRIP = 5;			/* and those of lost records */
const TILE = 6;				/* of patterns */
const KINDS = 16;
const AHEAD = 200;			/* CSS pixels beyond the window that are drawn, too */
const SHORTEST = 10;			/* ns: as far as one can zoom in */

/* The pixels of a pattern, in colours of the theme */
function tileOf(paint, dark, size) {
	const canvas = document.createElement("canvas");
	const context = canvas.getContext("2d");

	canvas.width = canvas.height = size;
	context.fillStyle = dark ? paint.dark : paint.light;
	context.fillRect(0, 0, size, size);
	if (paint.lines) {
		context.scale(size / TILE, size / TILE);
		context.lineWidth = 0.8;
		context.strokeStyle = "rgba(0,0,0,.45)";
		context.stroke(new Path2D(paint.lines));
	}
	return new Uint32Array(context.getImageData(0, 0, size, size).data.buffer.slice(0));
}

/* How much of each column each kind takes */
class Columns2D {
	constructor(width) {
		this.width = width;
		this.share = new Float32Array(width * KINDS);
	}

	/* @weight of the columns from @x0 to @x1, which are fractions */
	add(kind, x0, x1, weight) {
		x0 = Math.max(x0, 0);
		x1 = Math.min(x1, this.width);
		const first = Math.floor(x0);

		if (x1 <= first + 1) {
			if (x0 < x1)
				this.share[first * KINDS + kind] += weight * (x1 - x0);
			return;
		}
		for (let x = first; x < x1; x++)
			this.share[x * KINDS + kind] +=
				weight * (Math.min(x + 1, x1) - Math.max(x, x0));
	}
}

class TimeLine {
	constructor(data, element) {
		this.data = data;
		this.frame = data.frame;
		this.element = element;
		this.canvas = element.querySelector("canvas");
		this.context = this.canvas.getContext("2d");
		this.over = d3.select(element).select("svg");
		this.lanes = [...data.vcpus, ...data.cpus, ...data.timers, ...data.irqs,
			...data.hosts, ...data.tasks, ...data.guests];
		this.hidden = new Set();	/* lists of lanes that are not drawn */
		this.rows = this.inOrder();
		this.dark = matchMedia("(prefers-color-scheme: dark)");
		this.lit = [];
		this.chosen = -1;		/* lane of the keyboard's cursor */
		this.at = this.frame.from;	/* and its time */
		this.touched = 0;		/* bins and bars that the last frame looked at */
		this.zoom = d3.zoom()
			.filter(() => !d3.event.button &&
				!(d3.event.type === "wheel" && d3.event.shiftKey))
			.on("zoom", () => {
				this.transform = d3.event.transform;
				this.request();
			});
		this.transform = d3.zoomIdentity;
		this.axis = this.over.append("g").attr("class", "axis");
		this.marks = this.over.append("g");
		this.names = this.over.append("g");
		this.over.call(this.zoom).on("dblclick.zoom", null);
		this.over.on("wheel.move", () => {
			if (!d3.event.shiftKey)
				return;
			d3.event.preventDefault();
			this.move((d3.event.deltaY || d3.event.deltaX) / this.width);
		});
		new ResizeObserver(() => this.resize()).observe(element);
		this.dark.addEventListener("change", () => this.resize());
		this.printing = false;
		for (const [event, printing] of [["beforeprint", true], ["afterprint", false]])
			addEventListener(event, () => {
				this.printing = printing;
				this.resize();
			});
		addEventListener("scroll", () => this.request(), { passive: true });
		this.resize();
	}

	/*
	 * The lanes' numbers from top to bottom: below a vCPU stand its timer and interrupts,
	 * and below a CPU its interrupts; tasks of guests stand between vCPUs and CPUs.  A
	 * lane that is not drawn has no row.
	 */
	inOrder() {
		const number = new Map(this.lanes.map((lane, i) => [lane, i])), data = this.data;
		const shown = (lanes) => this.hidden.has(lanes) ? [] : lanes;
		const below = d3.nest().key((lane) => number.get(lane.below)).object(
			[data.timers, data.irqs, data.hosts].flatMap(shown));
		const withBelow = (lane) => [lane, ...below[number.get(lane)] || []];
		const rows = [...data.vcpus.flatMap(withBelow), ...shown(data.guests),
			...data.cpus.flatMap(withBelow), ...shown(data.tasks)];

		for (const lane of this.lanes)
			lane.row = -1;
		rows.forEach((lane, row) => { lane.row = row; });
		return rows.map((lane) => number.get(lane));
	}

	/* Draw a list of lanes, or don't. */
	hide(lanes, hidden) {
		if (hidden)
			this.hidden.add(lanes);
		else
			this.hidden.delete(lanes);
		this.rows = this.inOrder();
		if (this.chosen >= 0 && this.lanes[this.chosen].row < 0)
			this.chosen = -1;
		this.lit = this.lit.filter((l) => this.lanes[l.lane].row >= 0);
		this.resize();
	}

	/* Everything that depends on the size or the theme */
	resize() {
		const dark = this.dark.matches && !this.printing;
		const whole = this.element.clientWidth, ratio = devicePixelRatio || 1;
		const view = this.scale && [this.scale.invert(0), this.scale.invert(this.width)];

		this.gutter = whole < 700 ? 96 : 176;
		this.width = Math.max(whole - this.gutter - 12, 50);
		this.height = TOP + this.rows.length * (LANE + GAP);
		this.ratio = ratio;
		this.canvas.style.left = this.gutter + "px";
		this.canvas.style.top = TOP + "px";
		this.canvas.style.width = this.width + "px";
		this.canvas.width = Math.round(this.width * ratio);
		this.canvas.height = Math.round((this.height - TOP) * ratio);
		this.canvas.style.height = this.canvas.height / ratio + "px";
		this.over.attr("height", this.height);
		this.image = this.context.createImageData(this.canvas.width, this.canvas.height);
		this.pixels = new Uint32Array(this.image.data.buffer);
		this.columns = new Columns2D(this.canvas.width);
		this.tile = Math.max(1, Math.round(TILE * ratio));
		this.tiles = new Map(this.data.paints.map((paints) => [paints,
			paints.map((paint) => tileOf(paint, dark, this.tile))]));
		this.base = d3.scaleLinear().domain([this.frame.from, this.frame.to])
			.range([0, this.width]);
		this.zoom.extent([[0, 0], [this.width, this.height]])
			.translateExtent([[0, -Infinity], [this.width, Infinity]])
			.scaleExtent([1, Math.max(1, (this.frame.to - this.frame.from) / SHORTEST)]);
		this.drawNames();
		if (view)
			this.show(view[0], view[1]);
		this.draw();
	}

	request() {
		if (!this.pending)
			this.pending = requestAnimationFrame(() => {
				this.pending = 0;
				this.draw();
			});
	}

	/* --- What is in view --------------------------------------------- */

	get from() { return this.scale.invert(0); }
	get to() { return this.scale.invert(this.width); }

	/* As much of it as the page has */
	show(from, to) {
		const whole = this.frame.to - this.frame.from;
		const length = Math.min(Math.max(to - from, SHORTEST), whole), k = whole / length;

		from = Math.max(this.frame.from, Math.min(from, this.frame.to - length));
		this.over.call(this.zoom.transform, d3.zoomIdentity
			.scale(k).translate(-this.base(from), 0));
	}

	/* By a share of the view */
	move(share) {
		const by = (this.to - this.from) * share;

		this.show(this.from + by, this.to + by);
	}

	by(factor, around = (this.from + this.to) / 2) {
		this.show(around - (around - this.from) * factor,
			  around + (this.to - around) * factor);
	}

	/* --- Drawing ------------------------------------------------------ */

	/* The first row that the window shows, and the one behind the last */
	rowsInView() {
		const top = this.canvas.getBoundingClientRect().top, nr = this.rows.length;
		const row = (y) => Math.max(0, Math.min(nr, Math.ceil((y - top) / (LANE + GAP))));

		return this.printing ? [0, nr] :
			[Math.max(0, row(-AHEAD) - 1), row(innerHeight + AHEAD)];
	}

	draw() {
		const [first, end] = this.rowsInView(), width = this.canvas.width;
		const [top, bottom] = [first, end].map(
			(row) => Math.round(row * (LANE + GAP) * this.ratio));

		this.scale = this.transform.rescaleX(this.base);
		this.touched = 0;
		this.pixels.fill(0, top * width, bottom * width);
		this.labels = [];
		for (let row = first; row < end; row++)
			this.drawLane(this.lanes[this.rows[row]], this.rows[row]);
		if (end > first)
			this.context.putImageData(this.image, 0, 0, 0, top, width, bottom - top);
		this.drawAxis();
		this.drawMarks();
		if (this.drawn)
			this.drawn();
	}

	drawLane(lane, i) {
		const columns = this.columns;
		const perNs = columns.width / (this.to - this.from);
		const x = (t) => (t - this.from) * perNs;

		columns.share.fill(0);
		if (lane.levels[0].width * perNs <= 1) {
			this.addBins(lane, columns, x, perNs, this.from, this.to);
		} else {
			let from = this.from;

			/* Bars where there are any, and bins between them */
			for (const [begin, end] of this.data.detail) {
				if (end <= from || begin >= this.to)
					continue;
				this.addBins(lane, columns, x, perNs, from, begin);
				from = Math.max(begin, from);
				this.addBars(lane, columns, x, from, Math.min(end, this.to), i);
				from = end;
			}
			this.addBins(lane, columns, x, perNs, from, this.to);
		}
		this.fill(columns, this.tiles.get(lane.paints), lane.unknown,
			  Math.round(lane.row * (LANE + GAP) * this.ratio));
	}

	/* The coarsest bins that are not wider than a column */
	levelFor(lane, perNs) {
		let best = lane.levels[0];

		for (const level of lane.levels)
			if (level.width * perNs <= 1)
				best = level;
		return best;
	}

	addBins(lane, columns, x, perNs, from, to) {
		const frame = this.frame, level = this.levelFor(lane, perNs);

		from = Math.max(from, frame.from);
		to = Math.min(to, frame.to);
		if (from >= to)
			return;
		const first = Math.floor((from - frame.from) / level.width);
		const kinds = d3.range(NOTHING).filter((kind) => level.cells[kind]);
		const cells = kinds.map((kind) => level.cells[kind]);

		for (let bin = first; bin < level.nr; bin++) {
			const begin = binBegin(frame, level, bin);
			const end = binBegin(frame, level, bin + 1);

			if (begin >= to)
				break;
			this.touched++;
			const x0 = x(Math.max(begin, from)), x1 = x(Math.min(end, to));
			const perColumn = 1 / (end - begin);

			for (let i = 0; i < cells.length; i++) {
				const ns = cells[i][bin];

				if (ns)
					columns.add(kinds[i], x0, x1, ns * perColumn);
			}
		}
	}

	addBars(lane, columns, x, from, to, index) {
		const add = (bars, each) => {
			for (let i = firstBar(bars, from); i < bars.nr && bars.begin[i] < to; i++) {
				const begin = Math.max(bars.begin[i], from);
				const end = Math.min(bars.end[i], to);

				this.touched++;
				if (begin < end)
					each(i, x(begin), x(end));
			}
		};

		add(lane.bars, (i, x0, x1) => {
			columns.add(lane.bars.kind[i], x0, x1, 1);
			if (lane.cpu !== undefined && lane.bars.who[i] && x1 - x0 > 40 * this.ratio)
				this.labels.push({ index, x: (x0 + x1) / 2 / this.ratio,
						   room: (x1 - x0) / this.ratio,
						   text: this.data.whos[lane.bars.who[i] - 1][0] });
		});
		if (lane.polls)
			add(lane.polls, (i, x0, x1) => {
				columns.add(POLL, x0, x1, 1);
				columns.add(EXIT, x0, x1, -1);
			});
	}

	/* Columns become pixels; time that is @unknown is never too short to be seen. */
	fill(columns, tiles, unknown, top) {
		const height = Math.round(LANE * this.ratio), width = columns.width;
		const size = this.tile, share = columns.share, pixels = this.pixels;
		const rows = Uint16Array.from({ length: height }, (_, y) => y % size * size);

		for (let x = 0; x < width; x++) {
			let sum = 0, y = height, at = (top + height) * width + x;
			const across = x % size, first = x * KINDS;

			for (let kind = 0; kind < tiles.length; kind++) {
				const part = share[first + kind];

				if (part <= 0)
					continue;
				sum += part;
				let until = Math.max(0, Math.round((1 - sum) * height));

				if (kind === unknown && part > 1e-6)
					until = Math.min(until, Math.max(0, y - 1));
				for (const tile = tiles[kind]; y > until;) {
					y--;
					at -= width;
					pixels[at] = tile[rows[y] + across];
				}
			}
		}
	}

	drawAxis() {
		const step = d3.tickStep(this.from, this.to, Math.max(2, this.width / 130));
		const decimals = Math.max(0, Math.min(9, Math.ceil(9 - Math.log10(step) - 1e-9)));

		this.axis.attr("transform", `translate(${this.gutter},${TOP - 4})`)
			.call(d3.axisTop(this.scale).ticks(Math.max(2, this.width / 130))
				.tickSizeOuter(0)
				.tickFormat((ns) => (ns / 1e9).toFixed(decimals) + " s"));
	}

	drawNames() {
		const room = Math.floor(this.gutter / 6.2) - 1;
		const cut = (name) => name.length > room ? "\u2026" + name.slice(1 - room) : name;
		const names = this.names.selectAll("text").data(this.rows)
			.join((enter) => enter.append("text").call((text) => text.append("tspan"))
				.call((text) => text.append("title")));

		names.attr("text-anchor", "end").attr("x", this.gutter - 8)
			.attr("y", (number, row) => TOP + row * (LANE + GAP) + LANE - 6)
			.classed("chosen", (number) => number === this.chosen);
		names.select("tspan").text((number) => cut(this.lanes[number].name));
		names.select("title").text((number) => this.lanes[number].name);
	}

	/* A strip above a CPU's lane for the time in which it lost records; one for each column */
	lossesInView() {
		const inside = (t) => Math.max(-2, Math.min(this.width + 2, this.scale(t)));
		const seen = new Map();

		for (const loss of this.data.losses) {
			if (!loss.lane || loss.to < this.from || loss.from > this.to)
				continue;
			const x0 = Math.floor(inside(loss.from));
			const x1 = Math.max(Math.ceil(inside(loss.to)), x0 + 2);
			const key = `${loss.lane.row} ${x0}`, old = seen.get(key);

			if (!old || old.x1 < x1)
				seen.set(key, { row: loss.lane.row, x0, x1 });
		}
		return Array.from(seen.values());
	}

	/* What is lit, the cursor of the keyboard, and who ran where there is room */
	drawMarks() {
		const y = (i) => TOP + (i < 0 ? i : this.lanes[i].row) * (LANE + GAP);
		const inside = (t) => this.gutter + Math.max(-2, Math.min(this.width + 2, this.scale(t)));
		const seen = this.lit.filter((l) => l.end >= this.from && l.begin <= this.to);

		this.marks.selectAll(".loss").data(this.lossesInView()).join("rect")
			.attr("class", "loss").attr("fill", "url(#p-lost)")
			.attr("x", (l) => this.gutter + l.x0).attr("width", (l) => l.x1 - l.x0)
			.attr("y", (l) => TOP + l.row * (LANE + GAP) - STRIP).attr("height", STRIP);
		this.marks.selectAll(".lit").data(seen).join("rect").attr("class", "lit")
			.attr("x", (l) => inside(l.begin)).attr("y", (l) => y(l.lane) - 2)
			.attr("width", (l) => Math.max(2, inside(l.end) - inside(l.begin)))
			.attr("height", LANE + 4);
		this.marks.selectAll(".cursor").data(this.chosen < 0 ? [] : [this.at]).join("line")
			.attr("class", "cursor").attr("x1", inside).attr("x2", inside)
			.attr("y1", y(this.chosen) - 3).attr("y2", y(this.chosen) + LANE + 3);
		this.marks.selectAll(".who")
			.data(this.labels.filter((l) => l.text.length * 6 + 4 < l.room)).join("text")
			.attr("class", "who").attr("text-anchor", "middle")
			.attr("x", (l) => this.gutter + l.x).attr("y", (l) => y(l.index) + LANE - 6)
			.text((l) => l.text);
	}

	/* --- What is where ------------------------------------------------ */

	/* The lane and the time at a place of the drawing; null: beside all lanes */
	place(x, y) {
		const row = Math.floor((y - TOP) / (LANE + GAP));

		if (row < 0 || row >= this.rows.length || x < this.gutter ||
		    x > this.gutter + this.width)
			return null;
		return { lane: this.rows[row], t: this.scale.invert(x - this.gutter) };
	}

	hasDetail(t) {
		return this.data.detail.some(([from, to]) => t >= from && t < to);
	}

	/* The span at a time: its list and its number in it; null: none that is known */
	spanAt(index, t) {
		const lane = this.lanes[index];

		if (!this.hasDetail(t))
			return null;
		for (const bars of [lane.polls, lane.bars]) {
			const i = bars ? barAt(bars, t) : -1;

			if (i >= 0)
				return { lane: index, bars, i, kind: bars.kind[i],
					 begin: bars.begin[i], end: bars.end[i] };
		}
		return null;
	}

	/* The parts of a wait, and who had which CPU in them */
	piecesOf(span) {
		const pieces = this.lanes[span.lane].pieces, found = [];

		if (!pieces || !this.data.states[span.kind].name.startsWith("wait"))
			return found;
		for (let i = firstBar(pieces, span.begin); i < pieces.nr &&
		     pieces.begin[i] < span.end; i++) {
			const begin = Math.max(pieces.begin[i], span.begin);
			const end = Math.min(pieces.end[i], span.end);
			const [who, cpu] = pieces.who[i] ? this.data.whos[pieces.who[i] - 1] :
							   ["unknown", -1];

			if (begin < end)
				found.push({ begin, end, who, cpu });
		}
		return found;
	}

	/* Light a span up, and if it is a wait, who held the CPU meanwhile. */
	light(span) {
		this.lit = [span, ...this.piecesOf(span).map((piece) => ({
			lane: this.lanes.findIndex((lane) => lane.cpu === piece.cpu),
			begin: piece.begin, end: piece.end,
		})).filter((piece) => piece.lane >= 0)];
		this.request();
	}
}

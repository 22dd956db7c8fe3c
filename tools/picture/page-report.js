/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables that can be sorted, searched and copied; and what the report prints, as such. */
"use strict";

/* A cell's text as what it is sorted by: a number, whatever stands behind it, or the text */
function sortKey(text) {
	const number = /^[-+]?[\d.]+(?![\w.:])/.exec(text || "");

	return number ? Number(number[0]) : text === null || text === "-" || !text.trim() ?
		-Infinity : text;
}

/* Numbers stand before names. */
function inOrder(a, b) {
	return typeof a === typeof b ? d3.ascending(a, b) : typeof a === "number" ? -1 : 1;
}

/* @columns: { name, text }; @rows: arrays of text.  A click on a heading sorts. */
function table(element, columns, rows) {
	const head = d3.select(element).html("").append("thead").append("tr");
	const body = d3.select(element).append("tbody");
	let by = -1, down = true;
	const draw = () => {
		const order = by < 0 ? rows : rows.slice().sort((a, b) =>
			(down ? -1 : 1) * inOrder(sortKey(a[by]), sortKey(b[by])));

		body.selectAll("tr").data(order).join("tr").selectAll("td").data((row) => row)
			.join("td").attr("class", (t, i) => columns[i].text ? "text" : null).text((t) => t);
		head.selectAll("th").attr("aria-sort", (c, i) => i !== by ? "none" :
			down ? "descending" : "ascending");
	};

	head.selectAll("th").data(columns).join("th").attr("scope", "col")
		.attr("class", (column) => column.text ? "text" : null).append("button")
		.text((column) => column.name).on("click", (column, i) => {
			down = by === i ? !down : true;
			by = i;
			draw();
			search();
		});
	draw();
}

/* What is in view of a table, for a spreadsheet */
function tabbed(element) {
	return Array.from(element.rows).filter((row) => !row.hidden).map((row) =>
		Array.from(row.cells).map((cell) => cell.textContent).join("\t")).join("\n") + "\n";
}

function drawPart(box, part) {
	if (part.line) {
		box.append("p").text(part.line);
		return;
	}
	const element = box.append("div").attr("class", "wide").append("table").node();

	table(element, part.columns, part.rows);
	if (part.left_out)
		box.append("p").text(`and ${d3.format(",")(part.left_out)} rows more: ` +
			"kvmsched report prints them");
	box.append("button").attr("class", "copy").text("copy")
		.attr("aria-label", "copy this table, with tabs between its columns")
		.on("click", () => navigator.clipboard.writeText(tabbed(element)));
}

/* @blocks: as picture/kept.h has them */
function drawReport(parent, blocks) {
	for (const block of blocks) {
		const box = parent.append("details").attr("class", "block").property("open", true);

		box.append("summary").append("h3").text(block.heading);
		for (const part of block.parts)
			drawPart(box, part);
	}
}

/* Hide the rows of the report without the word, and what has none with it. */
function search() {
	const word = document.getElementById("search").value.toLowerCase();
	const has = (node) => node.textContent.toLowerCase().includes(word);
	let found = 0;

	for (const box of document.querySelectorAll("#report .block")) {
		const all = has(box.querySelector("h3"));
		let any = all;

		for (const node of box.querySelectorAll("tbody tr, :scope > p")) {
			node.hidden = !all && !has(node);
			any = any || !node.hidden;
			found += !node.hidden && node.tagName === "TR";
		}
		for (const node of box.querySelectorAll(".wide, .copy"))
			node.hidden = !all && !(node.querySelector("table") ?
				node : node.previousElementSibling).querySelector("tbody tr:not([hidden])");
		box.hidden = !any;
	}
	document.getElementById("found").textContent =
		word ? `${found} row${found === 1 ? "" : "s"}` : "";
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps what the printers of the report print.  So a page has each table that the report
 * has, also those that are still to be written.
 */
#include <string.h>

#include "base/output.h"
#include "base/sheet.h"
#include "picture/kept.h"
#include "report/report.h"

#define MAX_ROWS	2000	/* of a table; a page with more is slow */
#define MAX_SIZE	1000000	/* bytes of all of it as JSON */

struct kept {
	json_t *blocks;
	json_t *parts;		/* of the last block; NULL: it was there before */
};

/* Some tables stand in two reports. */
static bool is_there(const struct kept *kept, const char *heading)
{
	const json_t *block;
	size_t i;

	json_array_foreach(kept->blocks, i, block)
		if (!strcmp(json_string_value(json_object_get(block, "heading")), heading))
			return true;
	return false;
}

static void keep_heading(void *ctx, const char *text)
{
	struct kept *kept = ctx;

	if (is_there(kept, text)) {
		kept->parts = NULL;
		return;
	}
	kept->parts = json_array();
	json_array_append_new(kept->blocks, json_pack("{ss so}", "heading", text,
						      "parts", kept->parts));
}

static void keep_line(void *ctx, const char *text)
{
	struct kept *kept = ctx;

	if (kept->parts)
		json_array_append_new(kept->parts, json_pack("{ss}", "line", text));
}

static json_t *columns_of(const struct kvs_sheet *sheet)
{
	json_t *a = json_array();

	for (unsigned int c = 0; c < sheet->nr_columns; c++)
		json_array_append_new(a, json_pack("{ss sb}", "name", sheet->columns[c].heading,
						   "text", (int)sheet->columns[c].text));
	return a;
}

static json_t *row_of(const struct kvs_sheet *sheet, size_t row)
{
	const struct kvs_sheet_cell *cells = &sheet->cells[row * sheet->nr_columns];
	json_t *a = json_array();

	for (unsigned int c = 0; c < sheet->nr_columns; c++)
		json_array_append_new(a, cells[c].text ? json_string(cells[c].text) : json_null());
	return a;
}

static void keep_table(void *ctx, const struct kvs_sheet *sheet)
{
	size_t nr = sheet->nr_rows < MAX_ROWS ? sheet->nr_rows : MAX_ROWS;
	struct kept *kept = ctx;
	json_t *rows;

	if (!kept->parts)
		return;
	rows = json_array();
	for (size_t row = 0; row < nr; row++)
		json_array_append_new(rows, row_of(sheet, row));
	json_array_append_new(kept->parts, json_pack("{so so sI}", "columns", columns_of(sheet),
		"rows", rows, "left_out", (json_int_t)(sheet->nr_rows - nr)));
}

/* Leave out the later rows of a table. */
static void cut(json_t *part, size_t nr)
{
	json_t *rows = json_object_get(part, "rows"), *left_out = json_object_get(part, "left_out");

	for (; json_array_size(rows) > nr; json_array_remove(rows, json_array_size(rows) - 1))
		json_integer_set(left_out, json_integer_value(left_out) + 1);
}

/* Long tables have fewer rows, if all of them are too much for a page. */
static void fit(json_t *blocks)
{
	json_t *block, *part;
	size_t i, j;

	for (size_t nr = MAX_ROWS / 2; nr && json_dumpb(blocks, NULL, 0, JSON_COMPACT) > MAX_SIZE;
	     nr /= 2)
		json_array_foreach(blocks, i, block)
			json_array_foreach(json_object_get(block, "parts"), j, part)
				cut(part, nr);
}

json_t *kvs_kept_report(const struct kvs_view *view)
{
#define REPORT_POINTER(name)	&kvs_report_##name,
	static const struct kvs_report *const reports[] = { KVS_REPORTS(REPORT_POINTER) };
	struct kept kept = { .blocks = json_array() };
	struct kvs_worst worst = *view->worst;
	struct kvs_view shown = *view;
	const struct kvs_keeper keeper = {
		.heading = keep_heading, .line = keep_line, .table = keep_table, .ctx = &kept,
	};

	/* The moments are sorted, so the worst come first. */
	worst.room = view->top;
	shown.worst = &worst;
	kvs_keep(&keeper);
	kvs_print_text(&shown, kvs_model_has_class(view->model, KVMSCHED_CLASS_HOST));
	for (size_t i = 0; i < ARRAY_SIZE(reports); i++)
		reports[i]->text(&shown);
	kvs_keep(NULL);
	fit(kept.blocks);
	return kept.blocks;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that `kvmsched report` prints, for a page.
 */
#ifndef KVMSCHED_KEPT_H
#define KVMSCHED_KEPT_H

#include <jansson.h>

#include "report/view.h"

/*
 * An array of { "heading", "parts" }, in the order of the report and then of the reports
 * that answer one question.  A part is { "line" }, or a table: { "columns", "rows",
 * "left_out" }, where a column is { "name", "text" } and a row an array of cells, which are
 * text or null.  Of long tables only the first rows are there, fewer where there are many
 * such tables, and of moments and details as many of each kind as the view's @top says.
 */
json_t *kvs_kept_report(const struct kvs_view *view);

#endif /* KVMSCHED_KEPT_H */

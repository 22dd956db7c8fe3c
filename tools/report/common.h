/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What several tables of the report share.
 */
#ifndef KVMSCHED_COMMON_H
#define KVMSCHED_COMMON_H

#include <stdbool.h>

#include "base/rows.h"
#include "report/view.h"

/* A line above a table, which says so where records were lost. */
void kvs_title(const struct kvs_view *view, const char *fmt, ...) __printf(2, 3);
/* False, after a line that says so: this class wasn't recorded. */
bool kvs_recorded(const struct kvs_view *view, u32 class, const char *what,
		  const char *option);
/* The first four cells of each row about one vCPU */
void kvs_cells_vcpu(struct kvs_rows *rows, const struct kvs_vcpu *v);
/* A line where hardware hides legs of the interrupts */
void kvs_note_apicv(const struct kvs_view *view);

#endif /* KVMSCHED_COMMON_H */

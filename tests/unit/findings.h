/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What "In short" finds in a model, for tests of its sentences.
 */
#ifndef FINDINGS_H
#define FINDINGS_H

#include "model/model.h"
#include "report/short.h"
#include "report/view.h"

static struct kvs_view view;
static struct kvs_finding findings[KVS_SHORT];
static unsigned int nr;

/* What the file says beside its records */
static struct kvs_trace_info told_by_file = { .clock = KVS_CLOCK_NS };

/* Finishes @m, and looks at all of its VMs. */
static void find_all(struct kvs_model *m)
{
	kvs_model_finish(m);
	view = (struct kvs_view){
		.model = m, .info = &told_by_file, .select = { .vm = KVS_ANY_VM, .vcpu = -1 },
	};
	kvs_view_init(&view);
	nr = kvs_short_find(&view, findings);
}

static void free_found(struct kvs_model *m)
{
	kvs_view_free(&view);
	kvs_model_free(m);
}

#endif /* FINDINGS_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits by detail: which port, MSR, CPUID leaf, hypercall and page cost most; and the
 * vectors that vCPUs sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "uapi/kvmsched.h"
#include "model/details.h"
#include "report/common.h"
#include "report/json-number.h"
#include "report/report.h"

static const char *const headings[] = {
	[KVS_BY_PORT] = "<Port", [KVS_BY_MSR] = "<MSR", [KVS_BY_LEAF] = "<CPUID leaf",
	[KVS_BY_HYPERCALL] = "<Hypercall", [KVS_BY_ADDRESS] = "<Page",
	[KVS_BY_VECTOR] = "<Vector",
};

static const char *const titles[] = {
	[KVS_BY_PORT] = "Exits by port", [KVS_BY_MSR] = "Exits by MSR",
	[KVS_BY_LEAF] = "Exits by CPUID leaf", [KVS_BY_HYPERCALL] = "Exits by hypercall",
	[KVS_BY_ADDRESS] = "Exits by page of guest memory (one without \"MMIO\" is RAM, or was touched once)",
	[KVS_BY_VECTOR] = "Interrupts that vCPUs sent (IPIs)",
};

/* The rows of one kind: @shown of them, the sum of the others, and that of these and those */
struct part {
	struct kvs_detail *rows;
	unsigned int nr, shown;
	struct kvs_detail others, all;
};

static bool wanted(const void *select, const struct kvs_vcpu *v)
{
	return kvs_selected(select, v);
}

/* What found no room in the model's table is never shown as one of the top. */
static void part_of(struct part *p, const struct kvs_view *view, unsigned int by)
{
	*p = (struct part){ 0 };
	p->rows = kvs_details_sum(view->details, by, wanted, &view->select, &p->nr);
	while (p->shown < p->nr && p->shown < view->top && !p->rows[p->shown].rest)
		kvs_detail_add(&p->all, &p->rows[p->shown++]);
	for (unsigned int i = p->shown; i < p->nr; i++)
		kvs_detail_add(&p->others, &p->rows[i]);
	kvs_detail_add(&p->all, &p->others);
}

/* Older modules have class irq, too, but no hook for what vCPUs send. */
static bool are_ipis_recorded(const struct kvs_model *m)
{
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		if (m->vcpus[i]->ipis)
			return true;
	for (unsigned int i = 0; i < m->nr_hooks; i++)
		if (!strcmp(m->hooks[i].name, "kvm_apic_ipi") && !m->hooks[i].status)
			return kvs_model_has_class(m, KVMSCHED_CLASS_IRQ);
	return false;
}

static bool is_recorded(const struct kvs_view *view, unsigned int by)
{
	return by == KVS_BY_VECTOR ? are_ipis_recorded(view->model) :
				     kvs_model_has_class(view->model, KVMSCHED_CLASS_EXIT);
}

static void row_of(struct kvs_rows *rows, const struct kvs_view *view, const char *name,
		   const struct kvs_detail *row, struct kvs_split *count,
		   struct kvs_split *time)
{
	const struct kvs_scale *cycles = &view->times.cycles;
	double sum = cycles->known ? (double)kvs_scale_sum(cycles, row->cycles) : 0;

	kvs_row(rows);
	kvs_cell(rows, "%s", name);
	kvs_cell_count(rows, row->count);
	kvs_cell_share_part(rows, count, row->count);
	if (!time)
		return;
	kvs_cells_part(rows, cycles, time, row->cycles);
	kvs_cell_us(rows, cycles->known, sum / row->count);
	kvs_cell_us(rows, cycles->known,
		    cycles->known ? kvs_scale(cycles, row->max_cycles) : 0);
}

static void print_part(const struct kvs_view *view, unsigned int by, const struct part *p)
{
	struct kvs_split count = { .whole = p->all.count }, time = { .whole = p->all.cycles };
	struct kvs_split all_count = count, all_time = time;
	struct kvs_split *timed = by == KVS_BY_VECTOR ? NULL : &time;
	char name[KVS_DETAIL_LEN];
	struct kvs_rows rows;

	kvs_title(view, "%s", titles[by]);
	rows = timed ? kvs_rows_begin(KVS_HEADINGS(headings[by], "Samples", "Samples%",
						   "|Sum µs", "Time%", "Avg µs", "Max µs")) :
		       kvs_rows_begin(KVS_HEADINGS(headings[by], "Sent", "Sent%"));
	for (unsigned int i = 0; i < p->shown; i++)
		row_of(&rows, view, kvs_detail_name(name, &p->rows[i]), &p->rows[i], &count, timed);
	if (p->others.count) {
		snprintf(name, sizeof(name), "(%u others)", p->nr - p->shown);
		row_of(&rows, view, name, &p->others, &count, timed);
	}
	if (p->nr)
		row_of(&rows, view, "= all", &p->all, &all_count, timed ? &all_time : NULL);
	kvs_rows_end(&rows);
}

static void print_unrecorded(unsigned int by)
{
	struct kvs_lines lines = kvs_heading_begin(false);

	kvs_lines_bold(&lines, "%s", titles[by]);
	kvs_lines_add(&lines, ": not recorded");
	kvs_lines_end(&lines);
}

static void print_details(const struct kvs_view *view)
{
	if (!view->by)
		kvs_print_exits(view);
	for (unsigned int by = 0; by < KVS_DETAIL_KINDS; by++) {
		struct part p;

		if (view->by && !(view->by & 1U << by))
			continue;
		if (!is_recorded(view, by)) {
			if (view->by)
				print_unrecorded(by);
			continue;
		}
		part_of(&p, view, by);
		if (p.nr || view->by)
			print_part(view, by, &p);
		free(p.rows);
	}
}

/* @before: the cycles of the rows before it; so the times of all rows sum to that of all. */
static json_t *sum_of(const struct kvs_view *view, const struct kvs_detail *row, bool timed,
		      kvs_u128 *before)
{
	const struct kvs_scale *cycles = &view->times.cycles;
	bool known = timed && cycles->known;
	kvs_u128 upto = *before + row->cycles;
	u64 sum = known ? kvs_scale_sum(cycles, upto) - kvs_scale_sum(cycles, *before) : 0;

	*before = upto;
	return json_pack("{so so so}", "count", number(row->count),
			 "host_ns", number_if(known, sum),
			 "max_ns", number_if(known, known ? kvs_scale(cycles, row->max_cycles) : 0));
}

/* How many exits tell of each */
static json_t *accesses_of(const struct kvs_detail *row)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < KVS_NR_ACCESSES; i++)
		json_object_set_new(o, kvs_access_name(i), number(row->accesses[i]));
	return o;
}

/* The numbers that the row's name is made of, as the kind has them */
static void add_key(json_t *o, const struct kvs_detail *row)
{
	u64 key = row->key;

	switch (row->known ? row->by : KVS_DETAIL_KINDS) {
	case KVS_BY_PORT:
		json_object_set_new(o, "port", number(key >> 16));
		json_object_set_new(o, "bytes", number(key >> 8 & 0xff));
		json_object_set_new(o, "in", json_boolean(key & 1));
		break;
	case KVS_BY_MSR:
		json_object_set_new(o, "msr", number((u32)key));
		json_object_set_new(o, "write", json_boolean(key & KS_EXIT_MSR_WRITE));
		break;
	case KVS_BY_LEAF:
		json_object_set_new(o, "leaf", number((u32)key));
		json_object_set_new(o, "subleaf", number(key >> 32));
		break;
	case KVS_BY_HYPERCALL:
		json_object_set_new(o, "hypercall", number(key));
		break;
	case KVS_BY_ADDRESS:
		json_object_set_new(o, "page", number(key));
		json_object_set_new(o, "mmio", json_boolean(row->mmio));
		json_object_set_new(o, "accesses", accesses_of(row));
		break;
	case KVS_BY_VECTOR:
		json_object_set_new(o, "vector", number_if(key < KVS_VECTORS, key));
		break;
	}
}

static json_t *json_part(const struct kvs_view *view, unsigned int by)
{
	bool timed = by != KVS_BY_VECTOR;
	char name[KVS_DETAIL_LEN];
	json_t *a = json_array(), *o, *others;
	kvs_u128 before = 0, none = 0;
	struct part p;

	part_of(&p, view, by);
	for (unsigned int i = 0; i < p.shown; i++) {
		o = sum_of(view, &p.rows[i], timed, &before);
		json_object_set_new(o, "name", json_string(kvs_detail_name(name, &p.rows[i])));
		json_object_set_new(o, "known", json_boolean(p.rows[i].known));
		add_key(o, &p.rows[i]);
		json_array_append_new(a, o);
	}
	others = sum_of(view, &p.others, timed, &before);
	o = json_pack("{ss sb so so so si}", "by", kvs_detail_by_name(by),
		      "recorded", is_recorded(view, by), "rows", a, "others", others,
		      "all", sum_of(view, &p.all, timed, &none),
		      "others_rows", (int)(p.nr - p.shown));
	free(p.rows);
	return o;
}

static bool print_json(const struct kvs_view *view)
{
	json_t *a = json_array(), *o;
	int failed;

	for (unsigned int by = 0; by < KVS_DETAIL_KINDS; by++)
		if (!view->by || view->by & 1U << by)
			json_array_append_new(a, json_part(view, by));
	o = json_pack("{so}", "details", a);
	failed = json_dumpf(o, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(o);
	return !failed;
}

const struct kvs_report kvs_report_exits = {
	.name = "exits",
	.what = "what exits were for: ports, MSRs, CPUID leaves, pages; and the vectors sent",
	.text = print_details, .json = print_json, .details = true,
};

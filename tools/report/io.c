// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest I/O, leg by leg: who took each exit, and which interrupt came next.
 */
#include <inttypes.h>
#include <stdio.h>

#include <jansson.h>

#include "uapi/kvmsched.h"
#include "model/io.h"
#include "model/names.h"
#include "report/common.h"
#include "report/json-dist.h"
#include "report/json-sender.h"
#include "report/json-task.h"
#include "report/report.h"

/* Calls @show with each row that is shown; returns how many are not, but are selected. */
static unsigned int each_row(const struct kvs_view *view,
			     void (*show)(void *ctx, const struct kvs_view *view,
					  const struct kvs_io_row *row), void *ctx)
{
	const struct kvs_io *io = view->io;
	const struct kvs_vcpu *v = NULL;
	unsigned int shown = 0, hidden = 0;

	for (unsigned int i = 0; i < io->nr; i++) {
		if (!kvs_selected(&view->select, io->rows[i]->vcpu))
			continue;
		if (io->rows[i]->vcpu != v)
			shown = 0;
		v = io->rows[i]->vcpu;
		if (shown++ < view->top)
			show(ctx, view, io->rows[i]);
		else
			hidden++;
	}
	return hidden;
}

static void begin_row(struct kvs_rows *rows, const struct kvs_io_row *row)
{
	char vm[KVS_VM_LEN], name[KVS_DETAIL_LEN];

	kvs_row(rows);
	kvs_cell(rows, "%s", kvs_vm_name(vm, row->vcpu));
	kvs_cell(rows, "%u", row->vcpu->id);
	kvs_cell(rows, "%s", kvs_detail_name(name, &row->what));
}

static void show_taken(void *rows, const struct kvs_view *view, const struct kvs_io_row *row)
{
	begin_row(rows, row);
	kvs_cell_count(rows, row->what.count);
	kvs_cell_count(rows, row->kernel);
	kvs_cell_count(rows, row->user);
	kvs_cell_count(rows, row->untold);
	kvs_cells_leg(rows, view, &row->kernel_ts);
	kvs_cells_leg(rows, view, &row->to_user_ts);
	kvs_cells_leg(rows, view, &row->user_ts);
}

static void print_taken(const struct kvs_view *view)
{
	unsigned int hidden;
	struct kvs_rows rows;

	kvs_title(view, "Guest I/O: exits by port and page of MMIO, and who took them");
	rows = kvs_rows_begin(KVS_HEADINGS("=<VM", "=vCPU", "=<Port or page", "|Exits", "Kernel",
					   "VMM", "Not told",
					   "|In kernel avg µs", "p99 µs", "Max µs",
					   "|To VMM avg µs", "p99 µs", "Max µs",
					   "|In VMM avg µs", "p99 µs", "Max µs"));
	hidden = each_row(view, show_taken, &rows);
	kvs_rows_end(&rows);
	if (hidden)
		kvs_say(0, "%u more: --count", hidden);
	kvs_say(0, "Kernel: an ioeventfd or a device of KVM's took it; which, and whom an ioeventfd woke, is not recorded");
}

static void show_asked(void *rows, const struct kvs_view *view, const struct kvs_io_row *row)
{
	(void)view;
	if (!row->asked)
		return;
	begin_row(rows, row);
	kvs_cell_count(rows, row->asked);
	kvs_cell_count(rows, row->requests[KVS_IO_SERVED]);
	kvs_cell_count(rows, row->requests[KVS_IO_ALONE]);
	kvs_cell_count(rows, row->requests[KVS_IO_SEVERAL]);
	kvs_cell_count(rows, row->requests[KVS_IO_NONE]);
	kvs_cell_count(rows, row->requests[KVS_IO_UNCLEAR]);
}

static void print_asked(const struct kvs_view *view)
{
	struct kvs_rows rows;

	kvs_title(view, "Requests (what the guest wrote), by what is known of an interrupt for them");
	rows = kvs_rows_begin(KVS_HEADINGS("=<VM", "=vCPU", "=<Port or page", "Asked",
					   "Served", "Alone", "Several", "None", "Not told"));
	each_row(view, show_asked, &rows);
	kvs_rows_end(&rows);
	kvs_say(0, "Served: the vCPU's thread sent one before it ran the vCPU again. "
		"Alone: no other request of the VM since the interrupt of a device before, so the next one is told below. "
		"Several: which of them an interrupt completes is not recorded");
}

/* A table of answers, and the number of the one that comes next */
struct answers {
	struct kvs_rows rows;
	unsigned int nr;
};

static void show_answers(void *ctx, const struct kvs_view *view, const struct kvs_io_row *row)
{
	struct answers *table = ctx;
	char vm[KVS_VM_LEN], name[KVS_DETAIL_LEN], who[KVS_SENDER_LEN];

	for (unsigned int i = 0; i < row->nr_answers; i++) {
		const struct kvs_io_answer *a = &row->answers[i];

		kvs_row(&table->rows);
		kvs_cell(&table->rows, "%u", table->nr++);
		kvs_cell(&table->rows, "%s", kvs_vm_name(vm, row->vcpu));
		kvs_cell(&table->rows, "%u", row->vcpu->id);
		kvs_cell(&table->rows, "%s", kvs_detail_name(name, &row->what));
		kvs_cell(&table->rows, a->others ? "-" : a->served ? "served" : "alone");
		kvs_cell(&table->rows, a->others ? "-" : "%#x", a->vector);
		kvs_cell(&table->rows, "%s", a->others ? "others" :
			 kvs_sender_words(who, row->vcpu, &a->who));
		kvs_cell_count(&table->rows, a->count);
	}
}

static void show_legs(void *ctx, const struct kvs_view *view, const struct kvs_io_row *row)
{
	struct answers *table = ctx;
	char name[KVS_DETAIL_LEN];

	for (unsigned int i = 0; i < row->nr_answers; i++) {
		const struct kvs_io_answer *a = &row->answers[i];

		kvs_row(&table->rows);
		kvs_cell(&table->rows, "%u", table->nr++);
		kvs_cell(&table->rows, "%s", kvs_detail_name(name, &row->what));
		kvs_cell(&table->rows, a->others ? "-" : "%#x", a->vector);
		kvs_cells_leg(&table->rows, view, &a->to_sender_ts);
		kvs_cells_leg(&table->rows, view, &a->to_accept_ts);
		kvs_cells_leg(&table->rows, view, &a->accept_to_inject_ts);
	}
}

static void print_legs(const struct kvs_view *view)
{
	struct answers table = { .nr = 1 };

	kvs_title(view, "Their legs: from the exit until the sender had a CPU (to sender), "
		  "from the exit until accepted (to LAPIC), and from then until injected (to guest)");
	table.rows = kvs_rows_begin(KVS_HEADINGS("=No", "=<Port or page", "=Vector",
						 "|To sender avg µs", "p99 µs", "Max µs",
						 "|To LAPIC avg µs", "p99 µs", "Max µs",
						 "|To guest avg µs", "p99 µs", "Max µs"));
	each_row(view, show_legs, &table);
	kvs_rows_end(&table.rows);
	if (!kvs_model_has_class(view->model, KVMSCHED_CLASS_HOST))
		kvs_say(0, "When a sender got its CPU, class host tells, which was not recorded");
}

static void print_answers(const struct kvs_view *view)
{
	const struct kvs_io *io = view->io;
	struct answers table = { .nr = 1 };

	kvs_title(view, "Interrupts after requests that were served, or alone");
	table.rows = kvs_rows_begin(KVS_HEADINGS("=No", "=<VM", "=vCPU", "=<Port or page",
						 "=<Request", "|Vector", "<Sender", "Count"));
	each_row(view, show_answers, &table);
	kvs_rows_end(&table.rows);
	if (io->untold_senders)
		kvs_say(0, "Who sent %" PRIu64 " interrupts is not told: recorded by an older module",
			io->untold_senders);
	if (table.nr > 1)
		print_legs(view);
	kvs_note_apicv(view);
}

static void print_io(const struct kvs_view *view)
{
	if (!kvs_recorded(view, KVMSCHED_CLASS_EXIT, "Guest I/O", "exit"))
		return;
	print_taken(view);
	if (!kvs_recorded(view, KVMSCHED_CLASS_IRQ, "Interrupts for it", "irq"))
		return;
	print_asked(view);
	print_answers(view);
}

static json_t *answers_of(const struct kvs_view *view, const struct kvs_io_row *row)
{
	const struct kvs_scale *ts = &view->times.ts;
	json_t *a = json_array();

	for (unsigned int i = 0; i < row->nr_answers; i++) {
		const struct kvs_io_answer *answer = &row->answers[i];
		bool told = !answer->others;

		json_array_append_new(a, json_pack("{so so so sI so so so}",
			"request", told ? json_string(answer->served ? "served" : "alone") :
					  json_null(),
			"vector", number_if(told, answer->vector),
			"sender", told ? kvs_json_sender(&answer->who) : json_null(),
			"count", clamp(answer->count),
			"exit_to_sender_on_cpu_ns", dist(&answer->to_sender_ts, ts),
			"exit_to_accept_ns", dist(&answer->to_accept_ts, ts),
			"accept_to_inject_ns", dist(&answer->accept_to_inject_ts, ts)));
	}
	return a;
}

/* The numbers that the row's name is made of, as its kind has them */
static void add_key(json_t *o, const struct kvs_detail *what)
{
	if (what->rest)
		return;
	if (what->by == KVS_BY_ADDRESS) {
		json_object_set_new(o, "page", number(what->key));
		return;
	}
	json_object_set_new(o, "port", number(what->key >> 16));
	json_object_set_new(o, "bytes", number(what->key >> 8 & 0xff));
	json_object_set_new(o, "in", json_boolean(what->key & 1));
}

static json_t *requests_of(const struct kvs_view *view, const struct kvs_io_row *row)
{
	if (!kvs_model_has_class(view->model, KVMSCHED_CLASS_IRQ))
		return json_null();
	return json_pack("{sI sI sI sI sI sI so}", "count", clamp(row->asked),
		"served", clamp(row->requests[KVS_IO_SERVED]),
		"alone", clamp(row->requests[KVS_IO_ALONE]),
		"several", clamp(row->requests[KVS_IO_SEVERAL]),
		"none", clamp(row->requests[KVS_IO_NONE]),
		"not_told", clamp(row->requests[KVS_IO_UNCLEAR]),
		"interrupts", answers_of(view, row));
}

static void add_row(void *ctx, const struct kvs_view *view, const struct kvs_io_row *row)
{
	const struct kvs_scale *ts = &view->times.ts;
	const struct kvs_vcpu *v = row->vcpu;
	char name[KVS_DETAIL_LEN];
	json_t *o = json_pack("{so so so si ss sI sI sI sI so so so so}",
		"vm", v->identified ? json_integer(v->tgid) : json_null(),
		"vm_index", v->identified ? json_integer(v->vm_index) : json_null(),
		"vm_name", kvs_json_vm_name(v), "vcpu", v->id,
		"name", kvs_detail_name(name, &row->what), "exits", clamp(row->what.count),
		"kernel", clamp(row->kernel), "userspace", clamp(row->user),
		"not_told", clamp(row->untold), "in_kernel_ns", dist(&row->kernel_ts, ts),
		"to_userspace_ns", dist(&row->to_user_ts, ts),
		"in_userspace_ns", dist(&row->user_ts, ts), "requests", requests_of(view, row));

	add_key(o, &row->what);
	json_array_append_new(ctx, o);
}

static bool print_json(const struct kvs_view *view)
{
	bool recorded = kvs_model_has_class(view->model, KVMSCHED_CLASS_EXIT);
	json_t *a = json_array(), *o;
	unsigned int hidden = each_row(view, add_row, a);
	int failed;

	o = json_pack("{sb so sI sI}", "recorded", recorded, "io", a,
		      "others_rows", (json_int_t)hidden,
		      "untold_senders", clamp(view->io->untold_senders));
	failed = json_dumpf(o, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(o);
	return !failed;
}

const struct kvs_report kvs_report_io = {
	.name = "io",
	.what = "guest I/O leg by leg: who took each exit, which interrupt came next",
	.text = print_io, .json = print_json, .io = true,
};

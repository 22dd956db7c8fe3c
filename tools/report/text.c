// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints the report as tables.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "uapi/kvmsched.h"
#include "base/lines.h"
#include "base/util.h"
#include "model/clock.h"
#include "model/names.h"
#include "report/common.h"
#include "report/report.h"
#include "report/short.h"
#include "report/stimers.h"

/* The cells avg, p50, p99 and max, for tables that have other columns as well */
static void cells_short(struct kvs_rows *rows, const struct kvs_hist *h,
			const struct kvs_scale *scale)
{
	struct kvs_summary s;
	bool known = kvs_hist_summary(h, scale, &s);

	kvs_cell_us(rows, known, s.avg);
	kvs_cell_us(rows, known, s.p50);
	kvs_cell_us(rows, known, s.p99);
	kvs_cell_us(rows, known, s.max);
}

static void row_vcpu(struct kvs_rows *rows, const struct kvs_view *view,
		     const struct kvs_vcpu *v)
{
	const struct kvs_times *t = &view->times;
	bool switches = kvs_model_has_class(view->model, KVMSCHED_CLASS_SWITCH);
	bool exits = kvs_model_has_class(view->model, KVMSCHED_CLASS_EXIT);
	struct kvs_hist waits;
	bool waited = kvs_waits(t, v, &waits);

	kvs_cells_vcpu(rows, v);
	kvs_cell_us(rows, switches && t->ts.known, kvs_on_cpu_ns(t, v));
	kvs_cell_us(rows, exits && t->cycles.known,
		    kvs_scale_sum(&t->cycles, v->guest_cycles));
	if (exits)
		kvs_cell_count(rows, v->exit_count);
	else
		kvs_cell(rows, "-");
	if (switches) {
		kvs_cell_count(rows, kvs_switches(v));
		kvs_cell_count(rows, v->sw.out[KS_SWITCH_PREEMPTED]);
	} else {
		kvs_cell(rows, "-");
		kvs_cell(rows, "-");
	}
	kvs_cell_us(rows, switches && waited, waits.sum);
	kvs_hist_free(&waits);
}

/* A table has one thread for each vCPU: here is where that is not all. */
static void note_moves(const struct kvs_view *view)
{
	const struct kvs_vcpu *first = NULL;
	char vcpu[KVS_VCPU_LEN];
	unsigned int others = 0;
	u64 moves = 0;

	for (unsigned int i = 0; i < view->model->nr_vcpus; i++) {
		const struct kvs_vcpu *v = view->model->vcpus[i];

		if (!kvs_selected(&view->select, v) || v->threads < 2)
			continue;
		moves += v->threads - 1;
		others += !!first;
		first = first ? first : v;
	}
	if (!first)
		return;
	if (others)
		kvs_say(2, "TID is the last: %s and %u more went from thread to thread, %" PRIu64 " times",
			kvs_vcpu_words(vcpu, first), others, moves);
	else
		kvs_say(2, "TID is the last: %s went from thread to thread, %" PRIu64 " time%s",
			kvs_vcpu_words(vcpu, first), moves, moves == 1 ? "" : "s");
}

static int by_tid(const void *left, const void *right)
{
	const s32 *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* The same thread was the last of several vCPUs. */
static void note_shared_threads(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	s32 *tids = xcalloc(m->nr_vcpus, sizeof(*tids)), thread = 0;
	unsigned int nr = 0, threads = 0, vcpus = 0;

	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		if (m->vcpus[i]->tid && kvs_selected(&view->select, m->vcpus[i]))
			tids[nr++] = m->vcpus[i]->tid;
	qsort(tids, nr, sizeof(*tids), by_tid);
	for (unsigned int i = 1; i < nr; i++) {
		if (tids[i] != tids[i - 1])
			continue;
		vcpus++;
		if (thread == tids[i])
			continue;
		thread = tids[i];
		vcpus++;
		threads++;
	}
	free(tids);
	if (threads == 1)
		kvs_say(2, "Thread %d ran %u of them in turn; slices of several count for none",
			thread, vcpus);
	else if (threads)
		kvs_say(2, "%u threads ran several of them in turn; slices of several count for none",
			threads);
}

static void print_vcpus(const struct kvs_view *view)
{
	struct kvs_rows rows;

	kvs_title(view, "vCPUs");
	if (!view->selected) {
		kvs_say(0, "none%s", view->model->nr_vcpus ?
			" of those that --vm and --vcpu ask for" :
			": no vCPU ran during the recording");
		return;
	}
	rows = kvs_rows_begin(KVS_HEADINGS("=<VM", "=vCPU", "TID", "<Policy", "On CPU µs",
					   "In guest µs", "Exits", "|Switches",
					   "Preempted", "Waited µs"));
	for (unsigned int i = 0; i < view->model->nr_vcpus; i++)
		if (kvs_selected(&view->select, view->model->vcpus[i]))
			row_vcpu(&rows, view, view->model->vcpus[i]);
	kvs_rows_end(&rows);
	note_moves(view);
	note_shared_threads(view);
}

static void print_switch_kinds(const struct kvs_view *view)
{
	const struct kvs_switch_stats *sw = &view->total->sw;
	struct kvs_split split = { .whole = kvs_switches(view->total) };
	struct kvs_rows rows;

	kvs_title(view, "Switches: the vCPU's thread loses the CPU, and waits for it");
	rows = kvs_rows_begin(KVS_HEADINGS("<Kind", "Count", "Share", "|Waits", "Avg µs",
				       "p50 µs", "p99 µs", "Max µs"));
	for (unsigned int kind = 0; kind < KVS_SWITCH_KINDS; kind++) {
		kvs_row(&rows);
		kvs_cell(&rows, "%s", kvs_switch_kind(kind));
		kvs_cell_count(&rows, sw->out[kind]);
		kvs_cell_share_part(&rows, &split, sw->out[kind]);
	}
	kvs_row(&rows);
	kvs_cell(&rows, "wait after preemption");
	kvs_cell(&rows, " ");
	kvs_cell(&rows, " ");
	kvs_cell_count(&rows, sw->preempted_wait_cycles.count);
	cells_short(&rows, &sw->preempted_wait_cycles, &view->times.cycles);
	kvs_row(&rows);
	kvs_cell(&rows, "wait after wakeup");
	kvs_cell(&rows, " ");
	kvs_cell(&rows, " ");
	kvs_cell_count(&rows, sw->woken_wait_ns.count);
	cells_short(&rows, &sw->woken_wait_ns, &view->times.ns);
	kvs_rows_end(&rows);
	kvs_say(0, "%" PRIu64 " outside of KVM_RUN, %" PRIu64 " migrations to another CPU",
		sw->in_userspace, sw->migrated);
}

static void print_slices(const struct kvs_view *view)
{
	struct kvs_rows rows;

	kvs_title(view, "Slices: from switch in to switch out");
	rows = kvs_rows_begin(KVS_HEADINGS("=<VM", "=vCPU", "TID", "<Policy", "Slices",
					   "|Avg µs", "p50 µs", "p99 µs", "Max µs",
					   "|Preempted", "Their p50 µs"));
	for (unsigned int i = 0; i < view->model->nr_vcpus; i++) {
		const struct kvs_vcpu *v = view->model->vcpus[i];
		struct kvs_summary s;
		bool known;

		if (!kvs_selected(&view->select, v))
			continue;
		kvs_cells_vcpu(&rows, v);
		kvs_cell_count(&rows, v->sw.slice_cycles.count);
		cells_short(&rows, &v->sw.slice_cycles, &view->times.cycles);
		known = kvs_hist_summary(&v->sw.full_slice_cycles,
					 &view->times.cycles, &s);
		kvs_cell_count(&rows, v->sw.full_slice_cycles.count);
		kvs_cell_us(&rows, known, s.p50);
	}
	kvs_rows_end(&rows);
}

#define TAKERS_SHOWN	20

static void cells_taker(struct kvs_rows *rows, const struct kvs_view *view,
			const struct kvs_taker *t)
{
	const struct kvs_vcpu *v = kvs_vcpu_of_thread(view->model, t->pid);
	char vm[KVS_VM_LEN];

	kvs_row(rows);
	/* The threads of different VMs have the same names, so name the VM. */
	if (v)
		kvs_cell(rows, "%s (VM %s, vCPU %u)", t->comm, kvs_vm_name(vm, v), v->id);
	else
		kvs_cell(rows, "%s", t->comm);
	kvs_cell(rows, "%d", t->pid);
	kvs_cell(rows, "%d", t->prio);
}

static void print_takers(const struct kvs_view *view)
{
	const struct kvs_switch_stats *sw = &view->total->sw;
	struct kvs_rows rows;
	unsigned int shown = 0;

	kvs_title(view, "Who ran next, where a vCPU lost its CPU");
	rows = kvs_rows_begin(KVS_HEADINGS("=<Task", "=PID", "Prio", "Preempted", "Halted",
					   "Blocked", "|Then waited µs", "Avg µs",
					   "Max µs"));
	for (; shown < sw->nr_takers && shown < TAKERS_SHOWN; shown++) {
		const struct kvs_taker *t = &sw->takers[shown];
		struct kvs_summary s;
		bool known = kvs_hist_summary(&t->wait_cycles, &view->times.cycles, &s);

		cells_taker(&rows, view, t);
		kvs_cell_count(&rows, t->count[KS_SWITCH_PREEMPTED]);
		kvs_cell_count(&rows, t->count[KS_SWITCH_HALTED]);
		kvs_cell_count(&rows, t->count[KS_SWITCH_BLOCKED]);
		kvs_cell_us(&rows, known, s.total);
		kvs_cell_us(&rows, known, s.avg);
		kvs_cell_us(&rows, known, s.max);
	}
	kvs_rows_end(&rows);
	if (shown < sw->nr_takers)
		kvs_say(0, "and %u others; --json has them all", sw->nr_takers - shown);
	if (sw->nr_takers)
		kvs_say(2, "Then waited: until the vCPU had a CPU again, whoever else ran meanwhile, and whatever kept it waiting: %s",
			kvs_model_has_class(view->model, KVMSCHED_CLASS_STEAL) ?
			"`kvmsched report thieves`" : "class steal tells that, and was not recorded");
}

static void print_switches(const struct kvs_view *view)
{
	if (!kvs_recorded(view, KVMSCHED_CLASS_SWITCH, "Switches", "switch"))
		return;
	print_switch_kinds(view);
	print_slices(view);
	print_takers(view);
}

/* A step of interrupts that is not seen of those that the hardware delivers */
static void cell_seen(struct kvs_rows *rows, const struct kvs_vector_stats *s, u64 count)
{
	if (s->posted && !count)
		kvs_cell(rows, "not seen");
	else
		kvs_cell_count(rows, count);
}

static void print_interrupts(const struct kvs_view *view)
{
	struct kvs_rows rows;

	if (!kvs_recorded(view, KVMSCHED_CLASS_IRQ, "Guest interrupts", "irq"))
		return;
	kvs_title(view, "Guest interrupts: accept to inject, inject to EOI");
	rows = kvs_rows_begin(KVS_HEADINGS("<Vector", "Accept", "Inject", "Again", "EOI",
					   "|Acc-inj avg µs", "p50", "p99", "max",
					   "|Inj-EOI avg µs", "p50", "p99", "max"));
	for (unsigned int i = 0; i < KVS_VECTORS; i++) {
		const struct kvs_vector_stats *s = view->total->vector[i];

		if (!s)
			continue;
		kvs_row(&rows);
		kvs_cell(&rows, "%#x%s", i,
			 (int)i == view->total->timer.vector ? " timer" : "");
		kvs_cell_count(&rows, s->accepted);
		cell_seen(&rows, s, s->injected);
		kvs_cell_count(&rows, s->reinjected);
		cell_seen(&rows, s, s->eoi);
		cells_short(&rows, &s->accept_to_inject_ts, &view->times.ts);
		cells_short(&rows, &s->inject_to_eoi_ts, &view->times.ts);
	}
	kvs_rows_end(&rows);
	if (view->total->other_accepts)
		kvs_say(0, "%" PRIu64 " NMI, SMI, INIT or SIPI accepted",
			view->total->other_accepts);
	kvs_note_apicv(view);
}

static void row_leg(struct kvs_rows *rows, const char *name,
		    const struct kvs_summary *s, bool known)
{
	kvs_row(rows);
	kvs_cell(rows, "%s", name);
	kvs_cell_count(rows, s->count);
	kvs_cells_full(rows, s, known);
}

static void print_timers(const struct kvs_view *view)
{
	const struct kvs_timer_stats *t = &view->total->timer;
	struct kvs_summary s;
	struct kvs_rows rows;
	bool known;

	if (!kvs_recorded(view, KVMSCHED_CLASS_TIMER, "Guest timers", "timer"))
		return;
	kvs_title(view, "Guest timers");
	if (kvs_note_no_timers(view))
		return;
	kvs_print_timer_counts(t);
	rows = kvs_rows_begin(KVS_HEADINGS("<Leg", "Count", "Min µs", "Max µs", "Avg µs",
					   "|p50 µs", "p99 µs", "p99.9 µs"));
	known = kvs_shist_summary(&t->late_cycles, &view->times.cycles, &s);
	row_leg(&rows, "deadline to expiry (lateness)", &s, known);
	known = kvs_hist_summary(&t->expire_to_inject_ts, &view->times.ts, &s);
	row_leg(&rows, "expiry to injection", &s, known);
	kvs_rows_end(&rows);
	kvs_note_unseen_timers(view);
}

static void print_users(const struct kvs_view *view)
{
	const struct kvs_vcpu *v = view->total;
	struct kvs_split split = { 0 };
	struct kvs_rows rows;

	if (!v->nr_users)
		return;
	kvs_title(view, "Returns to userspace (KVM_RUN's reason), and the time there");
	for (unsigned int i = 0; i < v->nr_users; i++)
		split.whole += v->users[i].count;
	rows = kvs_rows_begin(KVS_HEADINGS("<Reason", "Count", "Share", "KVM_RUN avg µs",
					   "|There avg µs", "p50 µs", "p99 µs", "Max µs"));
	for (unsigned int i = 0; i < v->nr_users; i++) {
		const struct kvs_user_stats *u = &v->users[i];
		char name[KVS_NAME_LEN];
		struct kvs_summary s;
		bool known = kvs_hist_summary(&u->run_cycles, &view->times.cycles, &s);

		kvs_row(&rows);
		kvs_cell(&rows, "%s", kvs_user_reason(name, u->reason));
		kvs_cell_count(&rows, u->count);
		kvs_cell_share_part(&rows, &split, u->count);
		kvs_cell_us(&rows, known, s.avg);
		cells_short(&rows, &u->user_cycles, &view->times.cycles);
	}
	kvs_rows_end(&rows);
}

static void print_clockevents(const struct kvs_view *view)
{
	struct kvs_summary s;
	struct kvs_rows rows;
	bool known = kvs_hist_summary(&view->total->clockevent_ns, &view->times.ns, &s);

	if (!s.count)
		return;
	kvs_title(view, "Host clock event device, programmed while a vCPU was loaded: time ahead");
	rows = kvs_rows_begin(KVS_HEADINGS("Count", "Min µs", "Max µs", "Avg µs",
					   "|p50 µs", "p99 µs", "p99.9 µs"));
	kvs_row(&rows);
	kvs_cell_count(&rows, s.count);
	kvs_cells_full(&rows, &s, known);
	kvs_rows_end(&rows);
}

static void print_overdue(void)
{
	struct kvs_lines lines = kvs_lines_begin(0);

	kvs_lines_strong(&lines, "Some timers never reached their guest");
	kvs_lines_add(&lines, ": `kvmsched report timers` names them");
	kvs_lines_end(&lines);
}

void kvs_print_text(const struct kvs_view *view, bool host)
{
	bool overdue = false;

	kvs_print_short(view);
	kvs_print_overview(view);
	print_vcpus(view);
	for (unsigned int i = 0; i < view->model->nr_vcpus; i++)
		overdue |= kvs_selected(&view->select, view->model->vcpus[i]) &&
			   kvs_overdue(view->model->vcpus[i]);
	if (overdue)
		print_overdue();
	if (view->selected) {
		kvs_print_ledger(view);
		kvs_print_exits(view);
		print_switches(view);
		print_interrupts(view);
		print_timers(view);
		kvs_print_stimers(view);
		print_users(view);
		kvs_print_host_irqs(view);
		print_clockevents(view);
	}
	if (host)
		kvs_print_host(view);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timers and interrupts of each vCPU, with the time of each step (leg).
 */
#include <inttypes.h>
#include <stdio.h>

#include "uapi/kvmsched.h"

#include "model/names.h"
#include "model/senders.h"
#include "report/common.h"
#include "report/report.h"
#include "report/stimers.h"

#define LEG_HEADINGS	"|Count", "Avg µs", "p50 µs", "|p99 µs", "p99.9 µs", "Max µs"

static void cells_leg(struct kvs_rows *rows, const struct kvs_summary *s, bool known)
{
	kvs_cell_count(rows, s->count);
	kvs_cell_us(rows, known, s->avg);
	kvs_cell_us(rows, known, s->p50);
	kvs_cell_us(rows, known, s->p99);
	kvs_cell_us(rows, known, s->p999);
	kvs_cell_us(rows, known, s->max);
}

static void cells_vm(struct kvs_rows *rows, const struct kvs_vcpu *v)
{
	char vm[KVS_VM_LEN];

	kvs_row(rows);
	kvs_cell(rows, "%s", kvs_vm_name(vm, v));
	kvs_cell(rows, "%u", v->id);
}

static void row_hist(struct kvs_rows *rows, const struct kvs_view *view,
		     const struct kvs_vcpu *v, const char *leg, const struct kvs_hist *h)
{
	struct kvs_summary s;
	bool known = kvs_hist_summary(h, &view->times.ts, &s);

	if (!h->count)
		return;
	cells_vm(rows, v);
	kvs_cell(rows, "%s", leg);
	cells_leg(rows, &s, known);
}

static void row_signed(struct kvs_rows *rows, const struct kvs_vcpu *v, const char *leg,
		       const struct kvs_shist *h, const struct kvs_scale *scale)
{
	struct kvs_summary s;
	bool known = kvs_shist_summary(h, scale, &s);

	if (!s.count)
		return;
	cells_vm(rows, v);
	kvs_cell(rows, "%s", leg);
	cells_leg(rows, &s, known);
}

static void rows_legs(struct kvs_rows *rows, const struct kvs_view *view,
		      const struct kvs_vcpu *v)
{
	const struct kvs_timer_stats *t = &v->timer;

	row_signed(rows, v, "deadline to expiry", &t->late_cycles, &view->times.cycles);
	row_hist(rows, view, v, "expiry to accept", &t->expire_to_accept_ts);
	row_hist(rows, view, v, "accept to injection", &t->accept_to_inject_ts);
	row_hist(rows, view, v, "injection to entry", &t->inject_to_entry_ts);
	row_signed(rows, v, "deadline to injection", &t->deadline_to_inject_ts,
		   &view->times.ts);
}

static void rows_causes(struct kvs_rows *rows, const struct kvs_view *view,
			const struct kvs_vcpu *v)
{
	const struct kvs_timer_stats *t = &v->timer;
	struct kvs_split split = { 0 };

	for (unsigned int c = 0; c < KVS_CAUSES; c++)
		split.whole += t->cause_ts[c].sum;
	for (unsigned int c = 0; c < KVS_CAUSES; c++) {
		struct kvs_summary s;
		bool known = kvs_hist_summary(&t->cause_ts[c], &view->times.ts, &s);

		if (!t->cause_ts[c].sum)
			continue;
		cells_vm(rows, v);
		kvs_cell(rows, "%s", kvs_cause_name(c));
		kvs_cell_count(rows, t->main_cause[c]);
		kvs_cells_part(rows, &view->times.ts, &split, t->cause_ts[c].sum);
		kvs_cell_us(rows, known, s.p50);
		kvs_cell_us(rows, known, s.p99);
		kvs_cell_us(rows, known, s.p999);
		kvs_cell_us(rows, known, s.max);
	}
}

static void print_causes(const struct kvs_view *view)
{
	struct kvs_rows rows = kvs_rows_begin(KVS_HEADINGS("=<VM", "=vCPU", "=<Cause", "Mostly",
							   "Sum µs", "Share", "|p50 µs",
							   "p99 µs", "p99.9 µs", "Max µs"));

	for (unsigned int i = 0; i < view->model->nr_vcpus; i++)
		if (kvs_selected(&view->select, view->model->vcpus[i]))
			rows_causes(&rows, view, view->model->vcpus[i]);
	kvs_rows_end(&rows);
}

static void print_overdue(const struct kvs_view *view, const struct kvs_vcpu *v)
{
	const struct kvs_model *m = view->model;
	const struct kvs_overdue *o = &v->timer.overdue;
	u64 start = kvs_model_start_ts(m);
	u64 sum = o->not_expired + o->not_accepted + o->not_injected + o->unanswered;
	struct kvs_lines lines = kvs_lines_begin(2);
	char vcpu[KVS_VCPU_LEN];

	kvs_lines_strong(&lines, "%s: %" PRIu64 " timer%s passed the deadline and never reached the guest",
			 kvs_vcpu_words(vcpu, v), sum, sum == 1 ? "" : "s");
	if (o->not_expired)
		kvs_lines_add(&lines, "; %" PRIu64 " never expired", o->not_expired);
	if (o->not_accepted)
		kvs_lines_add(&lines, "; %" PRIu64 " expired, but the LAPIC took no interrupt (is its timer masked?)",
			      o->not_accepted);
	if (o->not_injected)
		kvs_lines_add(&lines, "; %" PRIu64 " accepted, but not injected", o->not_injected);
	if (o->unanswered)
		kvs_lines_add(&lines, "; %" PRIu64 " expired without an interrupt, and the guest armed it again",
			      o->unanswered);
	if (o->last_deadline > start)
		kvs_lines_add(&lines, "; the last was due at %.6f s",
			      kvs_scale(&view->times.ts, o->last_deadline - start) / 1e9);
	kvs_lines_end(&lines);
}

/* Nothing wrong is known of these. */
static bool print_remarks(const struct kvs_view *view, const struct kvs_vcpu *v)
{
	const struct kvs_timer_stats *t = &v->timer;
	char vcpu[KVS_VCPU_LEN];

	kvs_vcpu_words(vcpu, v);
	if (t->far.ahead_ts)
		kvs_say(2, "%s: its timer is armed for %.3f s ahead%s", vcpu,
			kvs_scale(&view->times.ts, t->far.ahead_ts) / 1e9,
			t->far.asleep ? "; the guest sleeps for it" : "");
	if (t->overdue.not_judged)
		kvs_say(2, "%s: not judged: %" PRIu64 " due while the vCPU was out of KVM_RUN, "
			"without a CPU, or at its end", vcpu, t->overdue.not_judged);
	return t->far.ahead_ts || t->overdue.not_judged;
}

static void print_watchdog(const struct kvs_view *view)
{
	bool none = true;

	kvs_title(view, "Watchdog: armed timers that never reached the guest");
	for (unsigned int i = 0; i < view->model->nr_vcpus; i++) {
		const struct kvs_vcpu *v = view->model->vcpus[i];

		if (!kvs_selected(&view->select, v))
			continue;
		if (kvs_overdue(v)) {
			print_overdue(view, v);
			none = false;
		}
		if (print_remarks(view, v))
			none = false;
	}
	if (none)
		kvs_say(0, "none");
}

static void print_timer_arms(const struct kvs_timer_stats *t)
{
	struct kvs_lines lines = kvs_lines_begin(2);

	kvs_lines_add(&lines, "armed %" PRIu64, t->armed[0] + t->armed[1] + t->armed[2]);
	for (unsigned int mode = 0; mode < KVS_TIMER_MODES; mode++)
		if (t->armed[mode])
			kvs_lines_add(&lines, ", %s %" PRIu64, kvs_timer_mode(mode),
				      t->armed[mode]);
	kvs_lines_add(&lines, "; on the preemption timer %" PRIu64
		      "; armed again by KVM %" PRIu64, t->hv_armed, t->rearmed);
	if (t->found)
		kvs_lines_add(&lines, "; armed before the recording %" PRIu64, t->found);
	if (t->by_vmm)
		kvs_lines_add(&lines, "; armed by the VMM %" PRIu64, t->by_vmm);
	kvs_lines_end(&lines);
}

static void print_timer_expiries(const struct kvs_timer_stats *t)
{
	struct kvs_lines lines = kvs_lines_begin(2);

	kvs_lines_add(&lines, "expired %" PRIu64, t->expired);
	if (t->hv_expired)
		kvs_lines_add(&lines, ", by the preemption timer %" PRIu64, t->hv_expired);
	if (t->merged || t->skipped || t->armed[KS_TIMER_PERIODIC])
		kvs_lines_add(&lines, ", of which %" PRIu64 " merged; skipped by KVM %" PRIu64,
			      t->merged, t->skipped);
	if (t->left_out)
		kvs_lines_add(&lines, " (and %" PRIu64 " one or the other: this file does not tell)",
			      t->left_out);
	kvs_lines_add(&lines, ", injected %" PRIu64, t->injected);
	if (t->posted)
		kvs_lines_add(&lines, ", left to the hardware %" PRIu64, t->posted);
	if (t->vector >= 0)
		kvs_lines_add(&lines, ", vector %#x", t->vector);
	else if (t->vector == -2)
		kvs_lines_add(&lines, ", different vectors");
	kvs_lines_end(&lines);
}

void kvs_print_timer_counts(const struct kvs_timer_stats *t)
{
	print_timer_arms(t);
	print_timer_expiries(t);
}

static void print_timers(const struct kvs_view *view)
{
	struct kvs_rows rows;

	if (!kvs_recorded(view, KVMSCHED_CLASS_TIMER, "Guest timers", "timer"))
		return;
	kvs_title(view, "Guest timers, leg by leg");
	if (kvs_note_no_timers(view))
		return;
	kvs_print_timer_counts(&view->total->timer);
	rows = kvs_rows_begin(KVS_HEADINGS("=<VM", "=vCPU", "=<Leg", LEG_HEADINGS));
	for (unsigned int i = 0; i < view->model->nr_vcpus; i++)
		if (kvs_selected(&view->select, view->model->vcpus[i]))
			rows_legs(&rows, view, view->model->vcpus[i]);
	kvs_rows_end(&rows);
	kvs_note_apicv(view);
	kvs_note_unseen_timers(view);
	if (kvs_recorded(view, KVMSCHED_CLASS_IRQ, "Causes", "irq") &&
	    kvs_recorded(view, KVMSCHED_CLASS_SWITCH, "Causes", "switch")) {
		kvs_title(view, "Causes: where the time from deadline to injection went");
		print_causes(view);
		if (!kvs_model_has_class(view->model, KVMSCHED_CLASS_EXIT))
			kvs_say(2, "Unknown: what a vCPU did within KVM_RUN while it was on a CPU: class exit tells it, and was not recorded");
	}
	print_watchdog(view);
}

static void print_all_timers(const struct kvs_view *view)
{
	print_timers(view);
	kvs_print_stimers(view);
}

const struct kvs_report kvs_report_timers = {
	.name = "timers", .what = "guest timers leg by leg, and why they were late",
	.text = print_all_timers, .keys = KVS_KEYS("timers", "synthetic_timers"),
};

static void rows_vectors(struct kvs_rows *rows, const struct kvs_view *view,
			 const struct kvs_vcpu *v)
{
	for (unsigned int i = 0; i < KVS_VECTORS; i++) {
		const struct kvs_vector_stats *s = v->vector[i];
		char leg[64];

		if (!s)
			continue;
		snprintf(leg, sizeof(leg), "%#x accept to exit (kick)", i);
		row_hist(rows, view, v, leg, &s->accept_to_exit_ts);
		snprintf(leg, sizeof(leg), "%#x accept to CPU (wakeup)", i);
		row_hist(rows, view, v, leg, &s->accept_to_cpu_ts);
		snprintf(leg, sizeof(leg), "%#x accept to injection", i);
		row_hist(rows, view, v, leg, &s->accept_to_inject_ts);
		snprintf(leg, sizeof(leg), "%#x injection to EOI", i);
		row_hist(rows, view, v, leg, &s->inject_to_eoi_ts);
	}
}

static void rows_senders(struct kvs_rows *rows, const struct kvs_view *view,
			 const struct kvs_vcpu *v, const struct kvs_vector_stats *s)
{
	char who[KVS_SENDER_LEN];

	for (unsigned int i = 0; i < s->nr_senders; i++) {
		const struct kvs_sender_stats *sender = &s->senders[i];

		cells_vm(rows, v);
		kvs_cell(rows, "%#x", s->vector);
		kvs_cell(rows, "%s", kvs_sender_words(who, v, &sender->who));
		kvs_cell_count(rows, sender->accepted);
		kvs_cell_count(rows, sender->merged);
		kvs_cells_leg(rows, view, &sender->sent_to_accept_ts);
		kvs_cells_leg(rows, view, &sender->accept_to_inject_ts);
	}
}

static void print_senders(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	struct kvs_rows rows;

	kvs_title(view, "Who sent them: until accepted (to LAPIC), and from then until injected "
		  "(to guest)");
	rows = kvs_rows_begin(KVS_HEADINGS("=<VM", "=vCPU", "=Vector", "=<Sender", "Accepted",
					   "Merged", "|To LAPIC avg µs", "p99 µs", "Max µs",
					   "|To guest avg µs", "p99 µs", "Max µs"));
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		for (unsigned int n = 0; n < KVS_VECTORS &&
		     kvs_selected(&view->select, m->vcpus[i]); n++)
			if (m->vcpus[i]->vector[n])
				rows_senders(&rows, view, m->vcpus[i], m->vcpus[i]->vector[n]);
	kvs_rows_end(&rows);
}

static void rows_host_irqs(struct kvs_rows *rows, const struct kvs_view *view,
			   const struct kvs_vcpu *v)
{
	for (unsigned int i = 0; i < v->host_irqs.nr; i++) {
		const struct kvs_host_irq_stats *irq = &v->host_irqs.irqs[i];
		const char *kind = kvs_host_irq_kind(irq->kind);
		struct kvs_summary s;
		bool known = kvs_hist_summary(&irq->cycles, &view->times.cycles, &s);

		cells_vm(rows, v);
		kvs_cell(rows, "%s", irq->name);
		kvs_cell(rows, "%s", kind ? kind : "?");
		if (irq->irq >= 0)
			kvs_cell(rows, "%d", irq->irq);
		else
			kvs_cell(rows, "-");
		if (irq->vector)
			kvs_cell(rows, "%#x", irq->vector);
		else
			kvs_cell(rows, kvs_is_softirq(irq->kind) ? "-" : "not told");
		kvs_cell_count(rows, irq->ended_guest);
		cells_leg(rows, &s, known);
	}
}

static void print_irqs(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	struct kvs_rows rows;

	if (!kvs_recorded(view, KVMSCHED_CLASS_IRQ, "Interrupts", "irq"))
		return;
	kvs_title(view, "Guest interrupts, leg by leg");
	rows = kvs_rows_begin(KVS_HEADINGS("=<VM", "=vCPU", "=<Vector, leg", LEG_HEADINGS));
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		if (kvs_selected(&view->select, m->vcpus[i]))
			rows_vectors(&rows, view, m->vcpus[i]);
	kvs_rows_end(&rows);
	kvs_note_apicv(view);
	print_senders(view);
	kvs_title(view, "Host interrupts and softirqs on a vCPU's time: "
		  "which ended guest mode, how long they took");
	rows = kvs_rows_begin(KVS_HEADINGS("=<VM", "=vCPU", "=<Interrupt", "=<Kind", "IRQ",
				       "Vector", "Ended guest", LEG_HEADINGS));
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		if (kvs_selected(&view->select, m->vcpus[i]))
			rows_host_irqs(&rows, view, m->vcpus[i]);
	kvs_rows_end(&rows);
}

const struct kvs_report kvs_report_irqs = {
	.name = "irqs", .what = "interrupts of the guest leg by leg, who sent them, and those of the host",
	.text = print_irqs, .keys = KVS_KEYS("interrupts", "host_irqs"),
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The report as tables.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "uapi/kvmsched.h"
#include "report/print.h"
#include "model/names.h"

#define WIDTH		100	/* of the lines that are wrapped */

/* avg, p50, p99, max: the four that fit beside others */
static void cells_short(struct ks_rows *rows, const struct ks_hist *h,
			const struct ks_scale *scale)
{
	struct ks_summary s;
	bool known = ks_hist_summary(h, scale, &s);

	ks_cell_us(rows, known, s.avg);
	ks_cell_us(rows, known, s.p50);
	ks_cell_us(rows, known, s.p99);
	ks_cell_us(rows, known, s.max);
}

/* min, max, avg as perf has them, and the percentiles */
static void cells_full(struct ks_rows *rows, const struct ks_summary *s, bool known)
{
	ks_cell_us(rows, known, s->min);
	ks_cell_us(rows, known, s->max);
	ks_cell_us(rows, known, s->avg);
	ks_cell_us(rows, known, s->p50);
	ks_cell_us(rows, known, s->p99);
	ks_cell_us(rows, known, s->p999);
}

static void print_lost(const struct ks_view *view)
{
	static const char *const names[KS_NR_EVENTS] = {
#define LOST_NAME(record, FIELDS, classes) [KS_EV_##record] = #record,
		KS_RECORDS(LOST_NAME)
	};
	const struct ks_model *m = view->model;
	u64 lost;
	bool exact = ks_model_lost(m, &lost);

	if (!lost && exact) {
		printf("Lost      0\n");
		return;
	}
	printf("Lost      %s", ks_alarm());
	if (lost)
		printf("%s%" PRIu64, exact ? "" : "at least ", lost);
	else
		printf("some, nobody counted how many");
	printf("%s", ks_plain());
	for (unsigned int i = 0; i < KS_NR_EVENTS; i++)
		if (m->lost_closing[i])
			printf(", %s %" PRIu64, names[i], m->lost_closing[i]);
	printf("\n          what is counted below is less than the truth; a larger ring helps: "
	       "`kvmsched record -m SIZE`\n");
}

/* Not records that were lost: hits of a hook that made none. */
static void print_missed(const struct ks_model *m)
{
	if (m->overwritten)
		printf("Overwritten %" PRIu64 " records, by younger ones (flight recorder)\n",
		       m->overwritten);
	for (unsigned int i = 0; i < m->nr_missed; i++)
		printf("Missed    %s%" PRIu64 "%s hits of %s, dropped by the kernel's kprobes\n",
		       ks_alarm(), m->missed[i].count, ks_plain(), m->missed[i].hook);
}

/* Names after one another, wrapped, behind the way that they are attached. */
static void print_hooks_by(const struct ks_model *m, unsigned int how)
{
	size_t column = 0;

	for (unsigned int i = 0; i < m->nr_hooks; i++) {
		size_t length = strlen(m->hooks[i].name);

		if (m->hooks[i].status || m->hooks[i].how != how)
			continue;
		if (!column) {
			column = printf("          %-17s", ks_hook_how(how));
		} else if (column + length > WIDTH - 3) {
			column = printf(",\n%27s", "") - 2;
		} else {
			column += printf(", ");
		}
		column += printf("%s", m->hooks[i].name);
	}
	if (column)
		putchar('\n');
}

static const char *why_not(s32 status)
{
	switch (status) {
	case -ENOENT: /* of the other vendor, or of another version */
		return "not in this kernel";
	case -EOPNOTSUPP:
		return "without ftrace under it, where nothing could be recorded";
	}
	return strerror(-status);
}

static void print_attach(const struct ks_view *view)
{
	const struct ks_model *m = view->model;

	if (!m->nr_hooks) {
		printf("Attached  not told: events were enabled one by one\n");
		return;
	}
	printf("Attached\n");
	for (unsigned int how = KVMSCHED_HOW_TRACEPOINT; how <= KVMSCHED_HOW_NOTIFIER; how++)
		print_hooks_by(m, how);
	for (unsigned int i = 0; i < m->nr_hooks; i++)
		if (m->hooks[i].status)
			printf("          %snot%s              %s: %s\n", ks_alarm(),
			       ks_plain(), m->hooks[i].name,
			       why_not(m->hooks[i].status));
}

static void print_tsc(const struct ks_view *view)
{
	static const char *const sources[] = {
		[KS_TSC_UNKNOWN] = "unknown: cycles have no time; use trace-cmd's default clock or `-C tsc2nsec`",
		[KS_TSC_OPTION] = "by the file's TSC2NSEC",
		[KS_TSC_SESSION] = "by the module's tsc_khz",
		[KS_TSC_RECORDS] = "as the records' two clocks compare",
	};
	const struct ks_scale *s = &view->times.cycles;

	/* What is measured has as many digits as it deserves. */
	if (s->known && s->mult)
		printf(view->times.source == KS_TSC_RECORDS ?
		       "TSC       about %.0f MHz, %s\n" : "TSC       %.3f MHz, %s\n",
		       1e3 * (double)(1ULL << s->shift) / s->mult,
		       sources[view->times.source]);
	else
		printf("TSC       %s\n", sources[KS_TSC_UNKNOWN]);
}

static void print_classes(const struct ks_model *m)
{
	printf("Classes  ");
	for (unsigned int bit = 0; ks_class_name(bit); bit++)
		if (ks_model_has_class(m, 1U << bit))
			printf(" %s", ks_class_name(bit));
	printf("%s\n", m->overwrite ? "; flight recorder: the oldest records were overwritten" : "");
}

static void print_overview(const struct ks_view *view)
{
	const struct ks_model *m = view->model;
	double ns = ks_scale_sum(&view->times.ts, ks_model_duration_ts(m));

	printf("%sFile%s      %s (trace.dat version %u)\n", ks_bold(), ks_plain(),
	       view->path, view->info->version);
	if (view->times.ts.known)
		printf("Duration  %.6f s%s\n", ns / 1e9,
		       m->started && !m->stopped ? " (the session's end is not in the file)" : "");
	printf("CPUs      %u\n", view->info->cpus);
	printf("Records   %" PRIu64 "\n", ks_model_records(m));
	print_lost(view);
	print_missed(m);
	print_classes(m);
	print_attach(view);
	print_tsc(view);
}

static const char *policy_text(char *text, size_t size, const struct ks_vcpu *v)
{
	const char *name = ks_policy_name(v->policy);

	if (!v->policy_known)
		return "-";
	if (!strncmp(name, "SCHED_", 6))
		name += 6;
	if (v->rt_priority)
		snprintf(text, size, "%s %u", name, v->rt_priority);
	else if (v->nice)
		snprintf(text, size, "%s nice %d", name, v->nice);
	else
		snprintf(text, size, "%s", name);
	return text;
}

void ks_cells_vcpu(struct ks_rows *rows, const struct ks_vcpu *v)
{
	char vm[KS_VM_LEN], policy[32];

	ks_row(rows);
	ks_cell(rows, "%s", ks_vm_name(vm, v));
	ks_cell(rows, "%u", v->id);
	ks_cell(rows, "%d", v->tid);
	ks_cell(rows, "%s", policy_text(policy, sizeof(policy), v));
}

static void row_vcpu(struct ks_rows *rows, const struct ks_view *view,
		     const struct ks_vcpu *v)
{
	const struct ks_times *t = &view->times;
	bool switches = ks_model_has_class(view->model, KVMSCHED_CLASS_SWITCH);
	bool exits = ks_model_has_class(view->model, KVMSCHED_CLASS_EXIT);
	struct ks_hist waits;
	bool waited = ks_waits(t, v, &waits);

	ks_cells_vcpu(rows, v);
	ks_cell_us(rows, switches && t->ts.known, ks_on_cpu_ns(t, v));
	ks_cell_us(rows, exits && t->cycles.known,
		   ks_scale_sum(&t->cycles, v->guest_cycles.sum));
	if (exits)
		ks_cell_count(rows, v->exit_count);
	else
		ks_cell(rows, "-");
	if (switches) {
		ks_cell_count(rows, ks_switches(v));
		ks_cell_count(rows, v->sw.out[KS_SWITCH_PREEMPTED]);
	} else {
		ks_cell(rows, "-");
		ks_cell(rows, "-");
	}
	ks_cell_us(rows, switches && waited, waits.sum);
	ks_hist_free(&waits);
}

static void print_vcpus(const struct ks_view *view)
{
	struct ks_rows rows;

	ks_title(view, "vCPUs");
	if (!view->selected) {
		printf("none%s\n", view->model->nr_vcpus ?
		       " of those that --vm and --vcpu ask for" :
		       ": no vCPU ran during the recording");
		return;
	}
	rows = ks_rows_begin(HEADINGS("VM", "vCPU", "TID", "<Policy", "On CPU µs",
				      "In guest µs", "Exits", "Switches",
				      "Preempted", "Waited µs"));
	for (unsigned int i = 0; i < view->model->nr_vcpus; i++)
		if (ks_selected(&view->select, view->model->vcpus[i]))
			row_vcpu(&rows, view, view->model->vcpus[i]);
	ks_rows_end(&rows);
}

/* Tables about what wasn't recorded say that, and nothing else. */
bool ks_recorded(const struct ks_view *view, u32 class, const char *what,
		 const char *option)
{
	if (ks_model_has_class(view->model, class))
		return true;
	printf("\n%s%s%s: not recorded (class %s)\n", ks_bold(), what, ks_plain(), option);
	return false;
}

static void row_exit(struct ks_rows *rows, const struct ks_view *view,
		     const struct ks_exit_stats *e, ks_u128 all)
{
	char name[KS_NAME_LEN];
	struct ks_summary s;
	struct ks_hist host;
	bool known;

	ks_exit_host(e, &host);
	known = ks_hist_summary(&host, &view->times.cycles, &s);
	ks_row(rows);
	if (e->fastpath)
		ks_cell(rows, "(fast path, reason unknown)");
	else
		ks_cell(rows, "%s", ks_exit_reason(name, e->isa, e->reason));
	ks_cell_count(rows, e->count);
	ks_cell_share(rows, e->count, view->total->exit_count);
	ks_cell_share(rows, host.sum, all);
	cells_full(rows, &s, known);
	ks_hist_free(&host);
}

static void print_exits(const struct ks_view *view)
{
	const struct ks_vcpu *v = view->total;
	struct ks_rows rows;
	ks_u128 all = 0;

	if (!ks_recorded(view, KVMSCHED_CLASS_EXIT, "Exits", "exit"))
		return;
	ks_title(view, "Exits: host time in the kernel and on the CPU, until entry, switch or userspace");
	for (unsigned int i = 0; i < v->nr_exits; i++)
		all += v->exits[i].uncut_cycles.sum + v->exits[i].cut_cycles.sum;
	rows = ks_rows_begin(HEADINGS("<Reason", "Samples", "Samples%", "Time%",
				      "Min µs", "Max µs", "Avg µs", "p50 µs",
				      "p99 µs", "p99.9 µs"));
	for (unsigned int i = 0; i < v->nr_exits; i++)
		row_exit(&rows, view, &v->exits[i], all);
	ks_rows_end(&rows);
}

static void print_switch_kinds(const struct ks_view *view)
{
	const struct ks_switch_stats *sw = &view->total->sw;
	struct ks_rows rows;

	ks_title(view, "Switches: the vCPU's thread loses the CPU, and waits for it");
	rows = ks_rows_begin(HEADINGS("<Kind", "Count", "Share", "Waits", "Avg µs",
				      "p50 µs", "p99 µs", "Max µs"));
	for (unsigned int kind = 0; kind < KS_SWITCH_KINDS; kind++) {
		ks_row(&rows);
		ks_cell(&rows, "%s", ks_switch_kind(kind));
		ks_cell_count(&rows, sw->out[kind]);
		ks_cell_share(&rows, sw->out[kind], ks_switches(view->total));
	}
	ks_row(&rows);
	ks_cell(&rows, "wait after preemption");
	ks_cell(&rows, " ");
	ks_cell(&rows, " ");
	ks_cell_count(&rows, sw->preempted_wait_cycles.count);
	cells_short(&rows, &sw->preempted_wait_cycles, &view->times.cycles);
	ks_row(&rows);
	ks_cell(&rows, "wait after wakeup");
	ks_cell(&rows, " ");
	ks_cell(&rows, " ");
	ks_cell_count(&rows, sw->woken_wait_ns.count);
	cells_short(&rows, &sw->woken_wait_ns, &view->times.ns);
	ks_rows_end(&rows);
	printf("%" PRIu64 " outside of KVM_RUN, %" PRIu64 " migrations to another CPU\n",
	       sw->in_userspace, sw->migrated);
}

static void print_slices(const struct ks_view *view)
{
	struct ks_rows rows;

	ks_title(view, "Slices: from switch in to switch out");
	rows = ks_rows_begin(HEADINGS("VM", "vCPU", "TID", "<Policy", "Slices",
				      "Avg µs", "p50 µs", "p99 µs", "Max µs",
				      "Preempted", "p50 µs"));
	for (unsigned int i = 0; i < view->model->nr_vcpus; i++) {
		const struct ks_vcpu *v = view->model->vcpus[i];
		struct ks_summary s;
		bool known;

		if (!ks_selected(&view->select, v))
			continue;
		ks_cells_vcpu(&rows, v);
		ks_cell_count(&rows, v->sw.slice_cycles.count);
		cells_short(&rows, &v->sw.slice_cycles, &view->times.cycles);
		known = ks_hist_summary(&v->sw.full_slice_cycles,
					&view->times.cycles, &s);
		ks_cell_count(&rows, v->sw.full_slice_cycles.count);
		ks_cell_us(&rows, known, s.p50);
	}
	ks_rows_end(&rows);
}

#define TAKERS_SHOWN	20

static void cells_taker(struct ks_rows *rows, const struct ks_view *view,
			const struct ks_taker *t)
{
	const struct ks_vcpu *v = ks_vcpu_of_thread(view->model, t->pid);
	char vm[KS_VM_LEN];

	ks_row(rows);
	/* Threads of all VMs have the same names. */
	if (v)
		ks_cell(rows, "%s (VM %s, vCPU %u)", t->comm, ks_vm_name(vm, v), v->id);
	else
		ks_cell(rows, "%s", t->comm);
	ks_cell(rows, "%d", t->pid);
	ks_cell(rows, "%d", t->prio);
}

static void print_takers(const struct ks_view *view)
{
	const struct ks_switch_stats *sw = &view->total->sw;
	struct ks_rows rows;
	unsigned int shown = 0;

	ks_title(view, "Who took the CPU");
	rows = ks_rows_begin(HEADINGS("<Task", "PID", "Prio", "Preempted", "Wait µs",
				      "Avg µs", "Max µs", "Halted", "Blocked"));
	for (; shown < sw->nr_takers && shown < TAKERS_SHOWN; shown++) {
		const struct ks_taker *t = &sw->takers[shown];
		struct ks_summary s;
		bool known = ks_hist_summary(&t->wait_cycles, &view->times.cycles, &s);

		cells_taker(&rows, view, t);
		ks_cell_count(&rows, t->count[KS_SWITCH_PREEMPTED]);
		ks_cell_us(&rows, known, s.total);
		ks_cell_us(&rows, known, s.avg);
		ks_cell_us(&rows, known, s.max);
		ks_cell_count(&rows, t->count[KS_SWITCH_HALTED]);
		ks_cell_count(&rows, t->count[KS_SWITCH_BLOCKED]);
	}
	ks_rows_end(&rows);
	if (shown < sw->nr_takers)
		printf("and %u others; --json has them all\n", sw->nr_takers - shown);
}

static void print_switches(const struct ks_view *view)
{
	if (!ks_recorded(view, KVMSCHED_CLASS_SWITCH, "Switches", "switch"))
		return;
	print_switch_kinds(view);
	print_slices(view);
	print_takers(view);
}

/* Delivery without exits leaves nothing to record: better said than shown as 0. */
void ks_note_apicv(const struct ks_view *view)
{
	const struct ks_model *m = view->model;

	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		const struct ks_vcpu *v = m->vcpus[i];

		if (!ks_selected(&view->select, v) || !v->identified ||
		    !(v->features & KS_FEATURE_IRQCHIP) || v->apicv_inhibits)
			continue;
		printf("APICv/AVIC is active: the hardware injects and ends interrupts without an exit; those legs are not seen\n");
		return;
	}
}

static void print_interrupts(const struct ks_view *view)
{
	struct ks_rows rows;

	if (!ks_recorded(view, KVMSCHED_CLASS_IRQ, "Guest interrupts", "irq"))
		return;
	ks_title(view, "Guest interrupts: accept to inject, inject to EOI");
	rows = ks_rows_begin(HEADINGS("<Vector", "Accept", "Inject", "Again", "EOI",
				      "Acc-inj avg µs", "p50", "p99", "max",
				      "Inj-EOI avg µs", "p50", "p99", "max"));
	for (unsigned int i = 0; i < KS_VECTORS; i++) {
		const struct ks_vector_stats *s = view->total->vector[i];

		if (!s)
			continue;
		ks_row(&rows);
		ks_cell(&rows, "%#x%s", i,
			(int)i == view->total->timer.vector ? " timer" : "");
		ks_cell_count(&rows, s->accepted);
		ks_cell_count(&rows, s->injected);
		ks_cell_count(&rows, s->reinjected);
		ks_cell_count(&rows, s->eoi);
		cells_short(&rows, &s->accept_to_inject_ts, &view->times.ts);
		cells_short(&rows, &s->inject_to_eoi_ts, &view->times.ts);
	}
	ks_rows_end(&rows);
	if (view->total->other_accepts)
		printf("%" PRIu64 " NMI, SMI, INIT or SIPI accepted\n",
		       view->total->other_accepts);
	ks_note_apicv(view);
}

static void row_leg(struct ks_rows *rows, const char *name,
		    const struct ks_summary *s, bool known)
{
	ks_row(rows);
	ks_cell(rows, "%s", name);
	ks_cell_count(rows, s->count);
	cells_full(rows, s, known);
}

static void print_timer_counts(const struct ks_timer_stats *t)
{
	u64 armed = t->armed[0] + t->armed[1] + t->armed[2];

	printf("armed %" PRIu64, armed);
	for (unsigned int mode = 0; mode < KS_TIMER_MODES; mode++)
		if (t->armed[mode])
			printf(", %s %" PRIu64, ks_timer_mode(mode), t->armed[mode]);
	printf("; on the preemption timer %" PRIu64 "; armed again by KVM %" PRIu64 "\n",
	       t->hv_armed, t->rearmed);
	printf("expired %" PRIu64 ", injected %" PRIu64, t->expired, t->injected);
	if (t->vector >= 0)
		printf(", vector %#x\n", t->vector);
	else
		printf("%s\n", t->vector == -2 ? ", different vectors" : "");
}

static void print_timers(const struct ks_view *view)
{
	const struct ks_timer_stats *t = &view->total->timer;
	struct ks_summary s;
	struct ks_rows rows;
	bool known;

	if (!ks_recorded(view, KVMSCHED_CLASS_TIMER, "Guest timers", "timer"))
		return;
	ks_title(view, "Guest timers");
	if (!t->armed[0] && !t->armed[1] && !t->armed[2] && !t->rearmed && !t->expired) {
		printf("none\n");
		return;
	}
	print_timer_counts(t);
	rows = ks_rows_begin(HEADINGS("<Leg", "Count", "Min µs", "Max µs", "Avg µs",
				      "p50 µs", "p99 µs", "p99.9 µs"));
	known = ks_shist_summary(&t->late_cycles, &view->times.cycles, &s);
	row_leg(&rows, "deadline to expiry (lateness)", &s, known);
	known = ks_hist_summary(&t->expire_to_inject_ts, &view->times.ts, &s);
	row_leg(&rows, "expiry to injection", &s, known);
	ks_rows_end(&rows);
}

static void print_users(const struct ks_view *view)
{
	const struct ks_vcpu *v = view->total;
	struct ks_rows rows;
	u64 all = 0;

	if (!v->nr_users)
		return;
	ks_title(view, "Returns to userspace (KVM_RUN's reason), and the time there");
	for (unsigned int i = 0; i < v->nr_users; i++)
		all += v->users[i].count;
	rows = ks_rows_begin(HEADINGS("<Reason", "Count", "Share", "KVM_RUN avg µs",
				      "There avg µs", "p50 µs", "p99 µs", "Max µs"));
	for (unsigned int i = 0; i < v->nr_users; i++) {
		const struct ks_user_stats *u = &v->users[i];
		char name[KS_NAME_LEN];
		struct ks_summary s;
		bool known = ks_hist_summary(&u->run_cycles, &view->times.cycles, &s);

		ks_row(&rows);
		ks_cell(&rows, "%s", ks_user_reason(name, u->reason));
		ks_cell_count(&rows, u->count);
		ks_cell_share(&rows, u->count, all);
		ks_cell_us(&rows, known, s.avg);
		cells_short(&rows, &u->user_cycles, &view->times.cycles);
	}
	ks_rows_end(&rows);
}

static void print_clockevents(const struct ks_view *view)
{
	struct ks_summary s;
	struct ks_rows rows;
	bool known = ks_hist_summary(&view->total->clockevent_ns, &view->times.ns, &s);

	if (!s.count)
		return;
	ks_title(view, "Host clock event device, programmed while a vCPU was loaded: time ahead");
	rows = ks_rows_begin(HEADINGS("Count", "Min µs", "Max µs", "Avg µs",
				      "p50 µs", "p99 µs", "p99.9 µs"));
	ks_row(&rows);
	ks_cell_count(&rows, s.count);
	cells_full(&rows, &s, known);
	ks_rows_end(&rows);
}

void ks_print_text(const struct ks_view *view, bool host)
{
	bool overdue = false;

	print_overview(view);
	print_vcpus(view);
	for (unsigned int i = 0; i < view->model->nr_vcpus; i++)
		overdue |= ks_selected(&view->select, view->model->vcpus[i]) &&
			   ks_overdue(view->model->vcpus[i]);
	if (overdue)
		printf("%sSome timers never reached their guest%s: `kvmsched report timers` names them\n",
		       ks_alarm(), ks_plain());
	if (view->selected) {
		ks_print_ledger(view);
		print_exits(view);
		print_switches(view);
		print_interrupts(view);
		print_timers(view);
		print_users(view);
		ks_print_host_irqs(view);
		print_clockevents(view);
	}
	if (host)
		ks_print_host(view);
}

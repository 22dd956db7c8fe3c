// SPDX-License-Identifier: GPL-2.0-only
/*
 * Selects vCPUs, sums over them, converts their times to nanoseconds.
 */
#include <stdlib.h>
#include <string.h>

#include "model/clock.h"
#include "model/model.h"
#include "model/summary.h"
#include "report/view.h"

bool kvs_selected(const struct kvs_select *select, const struct kvs_vcpu *v)
{
	return !v->outside &&
	       kvs_select_matches(select, v->tgid, v->vm_index, v->vm_name, v->id);
}

bool *kvs_selected_ones(const struct kvs_select *select, const struct kvs_model *m,
			unsigned int *nr)
{
	bool *wanted = xcalloc(m->nr_vcpus, sizeof(*wanted));

	*nr = 0;
	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		wanted[m->vcpus[i]->index] = kvs_selected(select, m->vcpus[i]);
		*nr += wanted[m->vcpus[i]->index];
	}
	return wanted;
}

static void merge_exits(struct kvs_vcpu *into, const struct kvs_vcpu *from)
{
	into->exit_count += from->exit_count;
	for (unsigned int i = 0; i < from->nr_exits; i++) {
		const struct kvs_exit_stats *f = &from->exits[i];
		struct kvs_exit_stats *e = kvs_exit_get(into, f->isa, f->l2, f->reason,
							f->fastpath);

		e->count += f->count;
		for (unsigned int end = 0; end < KVS_EXIT_ENDS; end++)
			e->ended[end] += f->ended[end];
		kvs_hist_merge(&e->uncut_cycles, &f->uncut_cycles);
		kvs_hist_merge(&e->cut_cycles, &f->cut_cycles);
		kvs_hist_merge(&e->out_cycles, &f->out_cycles);
		kvs_hist_merge(&e->poll_cycles, &f->poll_cycles);
		kvs_hist_merge(&e->blocked_ts, &f->blocked_ts);
		kvs_hist_merge(&e->guest_cycles, &f->guest_cycles);
	}
	into->guest_cycles += from->guest_cycles;
	kvs_hist_merge(&into->blocked_before_ts, &from->blocked_before_ts);
	kvs_hist_merge(&into->blocked_unknown_ts, &from->blocked_unknown_ts);
	kvs_hist_merge(&into->blocked_sipi_ts, &from->blocked_sipi_ts);
	kvs_hist_merge(&into->blocked_page_ts, &from->blocked_page_ts);
}

static void merge_users(struct kvs_vcpu *into, const struct kvs_vcpu *from)
{
	for (unsigned int i = 0; i < from->nr_users; i++) {
		const struct kvs_user_stats *f = &from->users[i];
		struct kvs_user_stats *u = kvs_user_get(into, f->reason);

		u->count += f->count;
		kvs_hist_merge(&u->run_cycles, &f->run_cycles);
		kvs_hist_merge(&u->user_cycles, &f->user_cycles);
	}
	kvs_hist_merge(&into->user_cycles, &from->user_cycles);
}

static void merge_switches(struct kvs_switch_stats *into,
			   const struct kvs_switch_stats *from)
{
	for (unsigned int kind = 0; kind < KVS_SWITCH_KINDS; kind++)
		into->out[kind] += from->out[kind];
	into->in_userspace += from->in_userspace;
	into->in += from->in;
	into->migrated += from->migrated;
	kvs_hist_merge(&into->slice_cycles, &from->slice_cycles);
	kvs_hist_merge(&into->full_slice_cycles, &from->full_slice_cycles);
	kvs_hist_merge(&into->preempted_wait_cycles, &from->preempted_wait_cycles);
	kvs_hist_merge(&into->woken_wait_ns, &from->woken_wait_ns);
	kvs_hist_merge(&into->off_cycles, &from->off_cycles);
	for (unsigned int i = 0; i < from->nr_takers; i++) {
		const struct kvs_taker *f = &from->takers[i];
		struct kvs_taker *t = kvs_taker_get(into, f->pid, f->comm, f->prio);

		for (unsigned int kind = 0; kind < KVS_SWITCH_KINDS; kind++)
			t->count[kind] += f->count[kind];
		kvs_hist_merge(&t->wait_cycles, &f->wait_cycles);
	}
}

static void merge_vectors(struct kvs_vcpu *into, const struct kvs_vcpu *from)
{
	into->other_accepts += from->other_accepts;
	for (unsigned int i = 0; i < KVS_VECTORS; i++) {
		const struct kvs_vector_stats *f = from->vector[i];
		struct kvs_vector_stats *s;

		if (!f)
			continue;
		s = kvs_vector_get(into, i);
		s->accepted += f->accepted;
		s->merged += f->merged;
		s->injected += f->injected;
		s->posted += f->posted;
		s->soft += f->soft;
		s->reinjected += f->reinjected;
		s->eoi += f->eoi;
		kvs_hist_merge(&s->accept_to_inject_ts, &f->accept_to_inject_ts);
		kvs_hist_merge(&s->accept_to_exit_ts, &f->accept_to_exit_ts);
		kvs_hist_merge(&s->accept_to_cpu_ts, &f->accept_to_cpu_ts);
		kvs_hist_merge(&s->inject_to_eoi_ts, &f->inject_to_eoi_ts);
	}
}

static void merge_timer(struct kvs_timer_stats *into,
			const struct kvs_timer_stats *from)
{
	for (unsigned int mode = 0; mode < KVS_TIMER_MODES; mode++)
		into->armed[mode] += from->armed[mode];
	into->rearmed += from->rearmed;
	into->found += from->found;
	into->by_vmm += from->by_vmm;
	into->merged += from->merged;
	into->skipped += from->skipped;
	into->left_out += from->left_out;
	into->overdue.not_judged += from->overdue.not_judged;
	into->hv_armed += from->hv_armed;
	into->expired += from->expired;
	into->hv_expired += from->hv_expired;
	into->injected += from->injected;
	into->posted += from->posted;
	/* -2: the guests use different vectors, so none can be named for all. */
	if (into->vector == -1)
		into->vector = from->vector;
	else if (from->vector != -1 && from->vector != into->vector)
		into->vector = -2;
	kvs_shist_merge(&into->late_cycles, &from->late_cycles);
	kvs_hist_merge(&into->expire_to_inject_ts, &from->expire_to_inject_ts);
	kvs_hist_merge(&into->expire_to_accept_ts, &from->expire_to_accept_ts);
	kvs_hist_merge(&into->accept_to_inject_ts, &from->accept_to_inject_ts);
	kvs_hist_merge(&into->inject_to_entry_ts, &from->inject_to_entry_ts);
	kvs_shist_merge(&into->deadline_to_inject_ts, &from->deadline_to_inject_ts);
	for (unsigned int i = 0; i < KVS_CAUSES; i++) {
		kvs_hist_merge(&into->cause_ts[i], &from->cause_ts[i]);
		into->main_cause[i] += from->main_cause[i];
	}
}

static void merge_host_irqs(struct kvs_host_irqs *into,
			    const struct kvs_host_irqs *from)
{
	for (unsigned int i = 0; i < from->nr; i++) {
		const struct kvs_host_irq_stats *f = &from->irqs[i];
		struct kvs_host_irq_stats *s =
			kvs_host_irq_get(into, f->kind, f->irq, f->vector, f->name);

		s->count += f->count;
		s->ended_guest += f->ended_guest;
		kvs_hist_merge(&s->cycles, &f->cycles);
	}
}

void kvs_vcpu_merge(struct kvs_vcpu *into, const struct kvs_vcpu *from)
{
	into->on_cpu_ts += from->on_cpu_ts;
	into->on_cpu_cycles += from->on_cpu_cycles;
	merge_exits(into, from);
	merge_users(into, from);
	merge_switches(&into->sw, &from->sw);
	merge_vectors(into, from);
	merge_timer(&into->timer, &from->timer);
	merge_host_irqs(&into->host_irqs, &from->host_irqs);
	kvs_hist_merge(&into->clockevent_ns, &from->clockevent_ns);
}

static bool wanted(const void *select, const struct kvs_vcpu *v)
{
	return kvs_selected(select, v);
}

struct kvs_group *kvs_view_groups(const struct kvs_view *view, unsigned int *nr)
{
	return kvs_alike_sum(view->alike, wanted, &view->select, nr);
}

void kvs_view_init(struct kvs_view *view)
{
	const struct kvs_model *m = view->model;

	kvs_times_init(&view->times, view->info, m);
	view->total = kvs_vcpu_create(0, 0);
	view->selected = 0;
	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		if (!kvs_selected(&view->select, m->vcpus[i]))
			continue;
		kvs_vcpu_merge(view->total, m->vcpus[i]);
		view->selected++;
	}
	kvs_sort_exits(view->total);
	kvs_sort_users(view->total);
	kvs_sort_takers(view->total);
	kvs_sort_host_irqs(&view->total->host_irqs);
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		kvs_sort_thieves(&m->vcpus[i]->waiter);
}

void kvs_view_free(struct kvs_view *view)
{
	kvs_vcpu_free(view->total);
	view->total = NULL;
}

double kvs_on_cpu_ns(const struct kvs_times *t, const struct kvs_vcpu *v)
{
	return (double)kvs_scale_sum(&t->ts, v->on_cpu_ts) +
	       (double)kvs_scale_sum(&t->cycles, v->on_cpu_cycles);
}

u64 kvs_switches(const struct kvs_vcpu *v)
{
	u64 sum = 0;

	for (unsigned int kind = 0; kind < KVS_SWITCH_KINDS; kind++)
		sum += v->sw.out[kind];
	return sum;
}

bool kvs_waits(const struct kvs_times *t, const struct kvs_vcpu *v, struct kvs_hist *h)
{
	*h = (struct kvs_hist){ 0 };
	if (v->sw.preempted_wait_cycles.count && !t->cycles.known)
		return false;
	kvs_hist_merge_scaled(h, &v->sw.preempted_wait_cycles, &t->cycles);
	kvs_hist_merge(h, &v->sw.woken_wait_ns);
	return true;
}

void kvs_ledger_ns(const struct kvs_times *t, const struct kvs_ledger *l,
		   struct kvs_ledger_ns *ns)
{
	u64 sum = 0, before = 0, upto;
	s64 residual = kvs_ledger_residual(l);

	for (unsigned int i = 0; i < KVMSCHED_NR_STATES; i++) {
		sum += l->states[i];
		upto = kvs_scale(&t->ts, sum);
		ns->states[i] = upto - before;
		before = upto;
	}
	ns->wall = kvs_scale(&t->ts, kvs_ledger_wall(l));
	ns->residual = residual ? (s64)(ns->wall - before) : 0;
	ns->lost = kvs_scale(&t->ts, l->lost);
}

void kvs_exit_host(const struct kvs_exit_stats *e, struct kvs_hist *h)
{
	*h = (struct kvs_hist){ 0 };
	kvs_hist_merge(h, &e->uncut_cycles);
	kvs_hist_merge(h, &e->cut_cycles);
}

void kvs_exit_out(const struct kvs_exit_stats *e, struct kvs_hist *h)
{
	*h = (struct kvs_hist){ 0 };
	kvs_hist_merge(h, &e->uncut_cycles);
	kvs_hist_merge(h, &e->out_cycles);
}

/* Comparisons for qsort(): the larger first; equal ones by name or number, as a rule. */
static int descending(kvs_u128 a, kvs_u128 b)
{
	return a > b ? -1 : a < b;
}

static int exit_order(const void *left, const void *right)
{
	const struct kvs_exit_stats *a = left, *b = right;
	int order = descending(a->count, b->count);

	if (order)
		return order;
	return a->reason < b->reason ? -1 : a->reason > b->reason;
}

static int user_order(const void *left, const void *right)
{
	const struct kvs_user_stats *a = left, *b = right;
	int order = descending(a->count, b->count);

	if (order)
		return order;
	return a->reason < b->reason ? -1 : a->reason > b->reason;
}

static int taker_order(const void *left, const void *right)
{
	const struct kvs_taker *a = left, *b = right;
	u64 count_a = 0, count_b = 0;
	int order = descending(a->wait_cycles.sum, b->wait_cycles.sum);

	for (unsigned int kind = 0; kind < KVS_SWITCH_KINDS; kind++) {
		count_a += a->count[kind];
		count_b += b->count[kind];
	}
	if (!order)
		order = descending(a->count[KS_SWITCH_PREEMPTED],
				   b->count[KS_SWITCH_PREEMPTED]);
	if (!order)
		order = descending(count_a, count_b);
	return order ? order : (a->pid > b->pid) - (a->pid < b->pid);
}

static int thief_order(const void *left, const void *right)
{
	const struct kvs_thief *a = left, *b = right;

	if (a->time != b->time)
		return a->time > b->time ? -1 : 1;
	return (a->who.pid > b->who.pid) - (a->who.pid < b->who.pid);
}

static int host_irq_order(const void *left, const void *right)
{
	const struct kvs_host_irq_stats *a = left, *b = right;
	int order = descending(a->count, b->count);

	if (order)
		return order;
	if (a->irq != b->irq)
		return a->irq < b->irq ? -1 : 1;
	return a->kind != b->kind ? a->kind - b->kind : strcmp(a->name, b->name);
}

void kvs_sort_exits(struct kvs_vcpu *v)
{
	if (v->nr_exits)
		qsort(v->exits, v->nr_exits, sizeof(*v->exits), exit_order);
}

void kvs_sort_users(struct kvs_vcpu *v)
{
	if (v->nr_users)
		qsort(v->users, v->nr_users, sizeof(*v->users), user_order);
}

void kvs_sort_takers(struct kvs_vcpu *v)
{
	if (v->sw.nr_takers)
		qsort(v->sw.takers, v->sw.nr_takers, sizeof(*v->sw.takers),
		      taker_order);
}

void kvs_sort_host_irqs(struct kvs_host_irqs *irqs)
{
	if (irqs->nr)
		qsort(irqs->irqs, irqs->nr, sizeof(*irqs->irqs), host_irq_order);
}

void kvs_sort_thieves(struct kvs_waiter *w)
{
	if (w->nr)
		qsort(w->thieves, w->nr, sizeof(*w->thieves), thief_order);
}

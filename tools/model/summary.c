// SPDX-License-Identifier: GPL-2.0-only
/*
 * From spans to the report's counts and histograms; see summary.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/model.h"
#include "model/spins.h"
#include "model/summary.h"

#define MAX_EXITS	256
#define MAX_USERS	64
#define MAX_TAKERS	1024
#define MAX_HOST_IRQS	256

static void free_exits(struct kvs_vcpu *v)
{
	for (unsigned int i = 0; i < v->nr_exits; i++) {
		kvs_hist_free(&v->exits[i].uncut_cycles);
		kvs_hist_free(&v->exits[i].cut_cycles);
		kvs_hist_free(&v->exits[i].out_cycles);
		kvs_hist_free(&v->exits[i].poll_cycles);
		kvs_hist_free(&v->exits[i].blocked_ts);
		kvs_hist_free(&v->exits[i].guest_cycles);
	}
	free(v->exits);
	kvs_hist_free(&v->blocked_before_ts);
	kvs_hist_free(&v->blocked_unknown_ts);
	kvs_hist_free(&v->blocked_sipi_ts);
	kvs_hist_free(&v->blocked_page_ts);
}

static void free_users(struct kvs_vcpu *v)
{
	for (unsigned int i = 0; i < v->nr_users; i++) {
		kvs_hist_free(&v->users[i].run_cycles);
		kvs_hist_free(&v->users[i].user_cycles);
	}
	free(v->users);
	kvs_hist_free(&v->user_cycles);
}

static void free_switches(struct kvs_switch_stats *sw)
{
	for (unsigned int i = 0; i < sw->nr_takers; i++)
		kvs_hist_free(&sw->takers[i].wait_cycles);
	free(sw->takers);
	kvs_hist_free(&sw->slice_cycles);
	kvs_hist_free(&sw->full_slice_cycles);
	kvs_hist_free(&sw->preempted_wait_cycles);
	kvs_hist_free(&sw->woken_wait_ns);
	kvs_hist_free(&sw->off_cycles);
}

void kvs_vector_free(struct kvs_vector_stats *s)
{
	if (!s)
		return;
	kvs_senders_free(s);
	kvs_hist_free(&s->accept_to_inject_ts);
	kvs_hist_free(&s->accept_to_exit_ts);
	kvs_hist_free(&s->accept_to_cpu_ts);
	kvs_hist_free(&s->inject_to_eoi_ts);
	kvs_culprits_free(&s->trail.culprits);
	free(s);
}

static void free_irqs(struct kvs_vcpu *v)
{
	for (unsigned int i = 0; i < KVS_VECTORS; i++)
		kvs_vector_free(v->vector[i]);
	kvs_shist_free(&v->timer.late_cycles);
	kvs_hist_free(&v->timer.expire_to_inject_ts);
	kvs_hist_free(&v->timer.expire_to_accept_ts);
	kvs_hist_free(&v->timer.accept_to_inject_ts);
	kvs_hist_free(&v->timer.inject_to_entry_ts);
	kvs_shist_free(&v->timer.deadline_to_inject_ts);
	for (unsigned int i = 0; i < KVS_CAUSES; i++)
		kvs_hist_free(&v->timer.cause_ts[i]);
	for (unsigned int i = 0; v->stimers && i < KS_STIMERS; i++)
		kvs_hist_free(&v->stimers[i].late_ts);
	free(v->stimers);
	for (unsigned int i = 0; i < v->host_irqs.nr; i++)
		kvs_hist_free(&v->host_irqs.irqs[i].cycles);
	free(v->host_irqs.irqs);
	kvs_hist_free(&v->clockevent_ns);
}

static bool is_exit_of(const struct kvs_exit_stats *e, u8 isa, bool l2, u32 reason,
		       bool fastpath)
{
	return e->reason == reason && e->isa == isa && e->l2 == l2 &&
	       e->fastpath == fastpath;
}

static noinline struct kvs_exit_stats *find_exit(struct kvs_vcpu *v, u8 isa, bool l2,
						 u32 reason, bool fastpath)
{
	struct kvs_exit_stats *e;

	for (e = v->exits; e < v->exits + v->nr_exits; e++)
		if (is_exit_of(e, isa, l2, reason, fastpath)) {
			v->last_exit[reason % KVS_LAST_EXITS] = e - v->exits;
			return e;
		}
	if (v->nr_exits == MAX_EXITS)
		return &v->exits[MAX_EXITS - 1];
	v->exits = xrealloc(v->exits, (v->nr_exits + 1) * sizeof(*v->exits));
	e = &v->exits[v->nr_exits++];
	*e = (struct kvs_exit_stats){
		.reason = reason, .isa = isa, .l2 = l2, .fastpath = fastpath,
	};
	return e;
}

struct kvs_exit_stats *kvs_exit_get(struct kvs_vcpu *v, u8 isa, bool l2, u32 reason,
				    bool fastpath)
{
	unsigned int last;

	if (v->nr_exits == MAX_EXITS - 1)
		reason = KVS_OTHER_REASON;
	last = v->last_exit[reason % KVS_LAST_EXITS];
	if (last < v->nr_exits && is_exit_of(&v->exits[last], isa, l2, reason, fastpath))
		return &v->exits[last];
	return find_exit(v, isa, l2, reason, fastpath);
}

struct kvs_user_stats *kvs_user_get(struct kvs_vcpu *v, u32 reason)
{
	struct kvs_user_stats *u;

	if (v->nr_users == MAX_USERS - 1)
		reason = KVS_OTHER_REASON;
	for (u = v->users; u < v->users + v->nr_users; u++)
		if (u->reason == reason)
			return u;
	if (v->nr_users == MAX_USERS)
		return &v->users[MAX_USERS - 1];
	v->users = xrealloc(v->users, (v->nr_users + 1) * sizeof(*v->users));
	u = &v->users[v->nr_users++];
	*u = (struct kvs_user_stats){ .reason = reason };
	return u;
}

struct kvs_taker *kvs_taker_get(struct kvs_switch_stats *sw, s32 pid,
				const char *comm, s16 prio)
{
	struct kvs_taker *t;

	/* Each CPU's idle thread is named otherwise. */
	if (!pid)
		comm = "(idle)";
	if (sw->nr_takers == MAX_TAKERS - 1) {
		pid = -1;
		comm = KVS_OTHERS;
	}
	for (t = sw->takers; t < sw->takers + sw->nr_takers; t++)
		if (t->pid == pid && (pid <= 0 || !strcmp(t->comm, comm)))
			return t;
	if (sw->nr_takers == MAX_TAKERS)
		return &sw->takers[MAX_TAKERS - 1];
	sw->takers = xrealloc(sw->takers, (sw->nr_takers + 1) * sizeof(*t));
	t = &sw->takers[sw->nr_takers++];
	*t = (struct kvs_taker){ .pid = pid, .prio = prio };
	kvs_copy_comm(t->comm, comm, sizeof(t->comm) - 1);
	return t;
}

struct kvs_host_irq_stats *kvs_host_irq_get(struct kvs_host_irqs *irqs, u8 kind,
					    s32 irq, u16 vector, const char *name)
{
	struct kvs_host_irq_stats *i;

	if (irqs->nr == MAX_HOST_IRQS - 1) {
		kind = KS_HOST_IRQ_OTHER;
		irq = -1;
		vector = 0;
		name = KVS_OTHERS;
	}
	for (i = irqs->irqs; i < irqs->irqs + irqs->nr; i++)
		if (i->kind == kind && i->irq == irq && i->vector == vector &&
		    !strcmp(i->name, name))
			return i;
	if (irqs->nr == MAX_HOST_IRQS)
		return &irqs->irqs[MAX_HOST_IRQS - 1];
	irqs->irqs = xrealloc(irqs->irqs, (irqs->nr + 1) * sizeof(*i));
	i = &irqs->irqs[irqs->nr++];
	*i = (struct kvs_host_irq_stats){ .kind = kind, .irq = irq, .vector = vector };
	kvs_copy_comm(i->name, name, sizeof(i->name) - 1);
	return i;
}

void kvs_summary_free(struct kvs_vcpu *v)
{
	free_exits(v);
	free_users(v);
	free_switches(&v->sw);
	free_irqs(v);
	free(v->ipis);
}

static void add_exit(struct kvs_vcpu *v, const struct kvs_span *span)
{
	struct kvs_exit_stats *e = kvs_exit_get(v, span->exit.isa, span->exit.l2,
						span->exit.reason, span->exit.fastpath);
	u64 polled = span->exit.poll_cycles;
	unsigned int end = span->exit.end;

	v->exit_count++;
	kvs_spins_note(v, span);
	e->count++;
	if (end < KVS_EXIT_ENDS)
		e->ended[end]++;
	v->guest_cycles += span->exit.guest_cycles;
	if (span->exit.fastpath)
		return;
	if (span->exit.guest_cycles)
		kvs_hist_add(&e->guest_cycles, span->exit.guest_cycles);
	if (polled)
		kvs_hist_add(&e->poll_cycles, polled);
	if (polled && end == KS_EXIT_BY_ENTRY)
		kvs_hist_add(&e->out_cycles, span->length);
	/* What a halt that goes on has polled, and what not, isn't known yet. */
	if (!span->exit.halts)
		kvs_hist_add(polled || end != KS_EXIT_BY_ENTRY ? &e->cut_cycles :
								 &e->uncut_cycles,
			     kvs_span_cost(span));
}

static void add_blocked(struct kvs_vcpu *v, const struct kvs_span *span)
{
	struct kvs_hist *h = NULL;

	switch (kvs_slept_for(span)) {
	case KVS_SLEPT_FOR_SIPI:
		h = &v->blocked_sipi_ts;
		break;
	case KVS_SLEPT_FOR_PAGE:
		h = &v->blocked_page_ts;
		break;
	case KVS_SLEPT_UNKNOWN:
		h = &v->blocked_unknown_ts;
		break;
	case KVS_SLEPT_BEFORE_ENTRY:
		h = &v->blocked_before_ts;
		break;
	case KVS_SLEPT_IN_EXIT:
		h = &kvs_exit_get(v, span->exit.isa, span->exit.l2, span->exit.reason,
				  span->exit.fastpath)->blocked_ts;
		break;
	}
	kvs_hist_add(h, span->length);
}

static void add_run(struct kvs_vcpu *v, const struct kvs_span *span)
{
	struct kvs_user_stats *u = kvs_user_get(v, span->user.reason);

	u->count++;
	if (span->length)
		kvs_hist_add(&u->run_cycles, span->length);
}

static void add_user(struct kvs_vcpu *v, const struct kvs_span *span)
{
	kvs_hist_add(&v->user_cycles, span->length);
	if (span->user.known)
		kvs_hist_add(&kvs_user_get(v, span->user.reason)->user_cycles,
			     span->length);
}

static void add_slice(struct kvs_vcpu *v, const struct kvs_span *span)
{
	struct kvs_switch_stats *sw = &v->sw;
	unsigned int kind = span->slice.kind;
	struct kvs_taker *t;

	bool counted = kvs_excerpt_has(&v->sinks->excerpt, span->end);

	if (span->slice.since)
		v->on_cpu_ts += kvs_excerpt_part(&v->sinks->excerpt, span->begin, span->end);
	else if (counted)
		v->on_cpu_cycles += span->length;
	if (span->open)
		return;
	/* The wait that follows may end in the excerpt. */
	t = kvs_taker_get(sw, span->slice.next_pid, span->slice.next_comm,
			  span->slice.next_prio);
	sw->last_taker = t - sw->takers;
	if (!counted)
		return;
	t->count[kind]++;
	sw->out[kind]++;
	sw->in_userspace += !span->slice.loaded;
	/* A slice that several vCPUs shared is no one's. */
	if (span->length && !span->slice.shared) {
		kvs_hist_add(&sw->slice_cycles, span->length);
		if (kind == KS_SWITCH_PREEMPTED)
			kvs_hist_add(&sw->full_slice_cycles, span->length);
	}
}

/*
 * A preempted vCPU waits all the time that it is off the CPU, and so does one
 * whose sleep was aborted; a woken one only since its wakeup, which the kernel's
 * run_delay measures.
 */
static void add_off(struct kvs_vcpu *v, const struct kvs_span *span)
{
	struct kvs_switch_stats *sw = &v->sw;

	if (span->open)
		return;
	sw->migrated += span->off.migrated;
	kvs_hist_add(&sw->off_cycles, span->length);
	switch (span->off.kind) {
	case KS_SWITCH_PREEMPTED:
		if (span->off.since && sw->last_taker >= 0)
			kvs_hist_add(&sw->takers[sw->last_taker].wait_cycles, span->length);
		/* fall through */
	case KS_SWITCH_ABORTED:
		kvs_hist_add(&sw->preempted_wait_cycles, span->length);
		break;
	default:
		kvs_hist_add(&sw->woken_wait_ns, span->off.wait_ns);
	}
}

static void add_timer(struct kvs_timer_stats *t, const struct kvs_span *span)
{
	kvs_hist_add(&t->expire_to_inject_ts, span->end - span->timer.expired);
	kvs_hist_add(&t->accept_to_inject_ts, span->end - span->timer.accepted);
	kvs_shist_add(&t->deadline_to_inject_ts, (s64)(span->end - span->timer.deadline));
	for (unsigned int i = 0; i < KVS_CAUSES; i++)
		kvs_hist_add(&t->cause_ts[i], span->timer.spent[i]);
	/* One that was early has none. */
	if (span->length)
		t->main_cause[kvs_cause_main(span->timer.spent)]++;
}

static void add_sender(const struct kvs_span *span)
{
	kvs_hist_add(&span->irq.sender->accept_to_inject_ts, span->length);
	if (span->irq.sent_ts)
		kvs_hist_add(&span->irq.sender->sent_to_accept_ts,
			     span->begin - span->irq.sent_ts);
}

static void add_host_irq(struct kvs_model *m, const struct kvs_span *span)
{
	struct kvs_host_irqs *irqs = span->vcpu ? &span->vcpu->host_irqs : &m->host_irqs;
	struct kvs_host_irq_stats *i =
		kvs_host_irq_get(irqs, span->host_irq.kind, span->host_irq.irq,
				 span->host_irq.vector, span->host_irq.name);

	i->count++;
	i->ended_guest += span->host_irq.ended_guest;
	kvs_hist_add(&i->cycles, span->length);
}

/* What the LAPIC timer and the interrupts of a vCPU do */
static void add_interrupt(struct kvs_timer_stats *t, const struct kvs_span *span)
{
	switch (span->kind) {
	case KVS_SPAN_TIMER_LATE:
		kvs_shist_add(&t->late_cycles, span->timer.early ? (s64)-span->length :
								   (s64)span->length);
		break;
	case KVS_SPAN_TIMER_ACCEPT:
		kvs_hist_add(&t->expire_to_accept_ts, span->length);
		break;
	case KVS_SPAN_TIMER:
		add_timer(t, span);
		break;
	case KVS_SPAN_TIMER_ENTRY:
		kvs_hist_add(&t->inject_to_entry_ts, span->length);
		break;
	case KVS_SPAN_IRQ:
		kvs_hist_add(&span->irq.vector->accept_to_inject_ts, span->length);
		add_sender(span);
		break;
	case KVS_SPAN_KICK:
		kvs_hist_add(&span->irq.vector->accept_to_exit_ts, span->length);
		break;
	case KVS_SPAN_WAKEUP:
		kvs_hist_add(&span->irq.vector->accept_to_cpu_ts, span->length);
		break;
	case KVS_SPAN_SERVICE:
		kvs_hist_add(&span->irq.vector->inject_to_eoi_ts, span->length);
		break;
	}
}

/* What the host does beside */
static void add_host(struct kvs_model *m, const struct kvs_span *span)
{
	switch (span->kind) {
	case KVS_SPAN_TASK:
		span->task->slices++;
		kvs_hist_add(&span->task->slice_ts, span->length);
		break;
	case KVS_SPAN_TASK_WAIT:
		kvs_hist_add(&span->task->preempted_wait_ts, span->length);
		break;
	case KVS_SPAN_HOST_IRQ:
		add_host_irq(m, span);
		break;
	case KVS_SPAN_CLOCKEVENT:
		kvs_hist_add(&span->vcpu->clockevent_ns, span->length);
		break;
	}
}

static void take_span(void *ctx, const struct kvs_span *span)
{
	struct kvs_vcpu *v = span->vcpu;

	switch (span->kind) {
	case KVS_SPAN_EXIT:
		add_exit(v, span);
		break;
	case KVS_SPAN_OUT:
		kvs_hist_add(&kvs_exit_get(v, span->exit.isa, span->exit.l2,
					   span->exit.reason,
					   span->exit.fastpath)->out_cycles, span->length);
		break;
	case KVS_SPAN_BLOCKED:
		add_blocked(v, span);
		break;
	case KVS_SPAN_RUN:
		add_run(v, span);
		break;
	case KVS_SPAN_USER:
		add_user(v, span);
		break;
	case KVS_SPAN_OFF:
		add_off(v, span);
		break;
	case KVS_SPAN_TIMER_LATE ... KVS_SPAN_SERVICE:
		add_interrupt(&v->timer, span);
		break;
	case KVS_SPAN_TASK ... KVS_SPAN_CLOCKEVENT:
		add_host(ctx, span);
		break;
	}
}

/* The part of a slice that is in the excerpt counts. */
static void take_slice(void *ctx, const struct kvs_span *span)
{
	(void)ctx;
	add_slice(span->vcpu, span);
}

void kvs_summary_listen(struct kvs_model *m)
{
	/* The ledger and its waits, and what is accepted, are summed by the model itself. */
	kvs_sinks_add(&m->sinks, KVS_SPAN_ALL & ~(KVS_SPAN_BIT(STATE) | KVS_SPAN_BIT(WAIT) |
						  KVS_SPAN_BIT(PIECE) | KVS_SPAN_BIT(SLICE) |
						  KVS_SPAN_BIT(ACCEPT)),
		      take_span, m);
	kvs_sinks_add_whole(&m->sinks, KVS_SPAN_BIT(SLICE), take_slice, NULL);
}

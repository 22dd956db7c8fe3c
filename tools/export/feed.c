// SPDX-License-Identifier: GPL-2.0-only
/*
 * From spans to rows; tables.c names the columns in the same order.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "export/feed.h"
#include "model/causes.h"
#include "model/holder.h"
#include "model/names.h"
#include "model/senders.h"

/* A row that is being filled, cell by cell */
struct row {
	struct kvs_value_of values[KVS_EXPORT_COLUMNS];
	unsigned int nr;
	char reason[KVS_NAME_LEN];
	char *escaped;		/* a name that is not plain text; NULL: none */
};

static void put(struct row *r, s64 number)
{
	r->values[r->nr++] = (struct kvs_value_of){ .number = number };
}

static void put_if(struct row *r, bool known, s64 number)
{
	r->values[r->nr++] = (struct kvs_value_of){ .number = number, .null = !known };
}

static void put_text(struct row *r, const char *text)
{
	r->values[r->nr++] = (struct kvs_value_of){ .text = text };
}

/* A name that others chose, in the form that it has in JSON; one a row */
static void put_name(struct row *r, const char *name)
{
	for (const char *c = name; c && *c; c++) {
		if (*c >= ' ' && *c <= '~' && *c != '\\')
			continue;
		r->escaped = kvs_bytes_text(name);
		name = r->escaped;
		break;
	}
	put_text(r, name);
}

/* A time stamp as it stands in the tables, where the recording begins at 0 */
static s64 moment(const struct kvs_feed *f, u64 ts)
{
	const struct kvs_scale *scale = &f->times->ts;

	return ts >= f->start ? (s64)kvs_scale(scale, ts - f->start) :
				-(s64)kvs_scale(scale, f->start - ts);
}

static const struct kvs_scale *unit_of(const struct kvs_feed *f, const struct kvs_span *span)
{
	return span->unit == KVS_SPAN_IN_TS ? &f->times->ts :
	       span->unit == KVS_SPAN_IN_CYCLES ? &f->times->cycles : &f->times->ns;
}

static s64 length_of(const struct kvs_feed *f, const struct kvs_span *span)
{
	s64 length = kvs_scale(unit_of(f, span), span->length);

	return span->kind == KVS_SPAN_TIMER_LATE && span->timer.early ? -length : length;
}

/* Of slices and runs 0 stands for a length that nobody measured. */
static bool length_known(const struct kvs_span *span)
{
	if (span->kind == KVS_SPAN_ACCEPT)
		return span->irq.sent_ts;
	return span->length || (span->kind != KVS_SPAN_SLICE && span->kind != KVS_SPAN_RUN);
}

static void put_common(const struct kvs_feed *f, struct row *r, const struct kvs_span *span)
{
	put_if(r, span->vcpu, span->vcpu ? span->vcpu->index + 1 : 0);
	put(r, span->cpu);
	put(r, moment(f, span->begin));
	put(r, moment(f, span->end));
	put_if(r, length_known(span), length_of(f, span));
	put(r, span->gap);
	put(r, span->open);
}

static const char *isa_name(u8 isa)
{
	return isa == KS_ISA_VMX ? "vmx" : isa == KS_ISA_SVM ? "svm" : NULL;
}

static void put_reason(struct row *r, const struct kvs_span *span)
{
	put_text(r, kvs_exit_reason(r->reason, span->exit.isa, span->exit.reason));
	put(r, span->exit.reason);
	put_text(r, isa_name(span->exit.isa));
	put(r, span->exit.l2);
	put(r, span->exit.fastpath);
}

static void put_exit(const struct kvs_feed *f, struct row *r, const struct kvs_span *span)
{
	const struct kvs_scale *cycles = &f->times->cycles;
	u64 guest = span->exit.guest_cycles;
	bool timed = !span->exit.fastpath;

	put_reason(r, span);
	put_text(r, kvs_exit_end(span->exit.end));
	put_if(r, timed && !span->exit.halts, kvs_scale(cycles, kvs_span_cost(span)));
	put_if(r, timed, kvs_scale(cycles, span->exit.poll_cycles));
	put_if(r, timed && guest, kvs_scale(cycles, guest));
}

/* What a thread's exits, slices and returns have beside the common columns */
static void put_thread(const struct kvs_feed *f, struct row *r, const struct kvs_span *span)
{
	switch (span->kind) {
	case KVS_SPAN_EXIT:
		put_exit(f, r, span);
		break;
	case KVS_SPAN_BLOCKED:
		put_reason(r, span);
		put(r, span->exit.before);
		put(r, span->exit.unknown);
		put_text(r, kvs_sleep(span->exit.sleep));
		break;
	case KVS_SPAN_OUT:
		put_reason(r, span);
		break;
	case KVS_SPAN_RUN:
	case KVS_SPAN_USER:
		put_text(r, span->kind == KVS_SPAN_USER && !span->user.known ? NULL :
			 kvs_user_reason(r->reason, span->user.reason));
		put_if(r, span->kind == KVS_SPAN_RUN || span->user.known, span->user.reason);
		break;
	}
}

static void put_idle(const struct kvs_feed *f, struct row *r, const struct kvs_idle_wait *idle)
{
	put_if(r, idle->known, kvs_scale(&f->times->ts, idle->time));
	put_if(r, idle->known && idle->time, idle->cpu);
	put_if(r, idle->known, kvs_scale(&f->times->ts, idle->cpu_time));
}

static void put_switch(const struct kvs_feed *f, struct row *r, const struct kvs_span *span)
{
	switch (span->kind) {
	case KVS_SPAN_STATE:
		put_text(r, kvs_ledger_state_name(span->state.state));
		break;
	case KVS_SPAN_SLICE:
		put_text(r, span->open ? NULL : kvs_switch_kind(span->slice.kind));
		put(r, span->slice.shared);
		put(r, span->slice.loaded);
		put(r, span->slice.since);
		put_if(r, !span->open, span->slice.next_pid);
		put_if(r, !span->open, span->slice.next_prio);
		put_name(r, span->open ? NULL : span->slice.next_comm);
		break;
	case KVS_SPAN_OFF:
		put_text(r, kvs_switch_kind(span->off.kind));
		put(r, span->off.migrated);
		put(r, span->off.since);
		put_if(r, !span->open, span->off.wait_ns);
		break;
	case KVS_SPAN_WAIT:
		put(r, span->wait->span.preempted);
		put_idle(f, r, &span->wait->idle);
		break;
	case KVS_SPAN_PIECE:
		put_text(r, kvs_thief_kind_name(span->piece->kind));
		put_if(r, span->piece->pid >= 0, span->piece->pid);
		put_name(r, kvs_thief_name(span->piece));
		put_if(r, kvs_thief_is_task(span->piece), span->piece->prio);
		put_text(r, !kvs_thief_is_task(span->piece) ? NULL :
			 kvs_relation_name(kvs_holder_relation(f->model, span->vcpu,
							       span->piece)));
		break;
	}
}

/* Nothing is known of it in an older file. */
static void put_sender(struct row *r, const struct kvs_span *span)
{
	const struct kvs_sender *who = &span->irq.sender->who;
	bool told = who->kind != KVS_SENDER_NOT_TOLD;

	put_text(r, told ? kvs_sender_kind(who->kind) : NULL);
	put_text(r, told ? kvs_sent_by(who->by) : NULL);
	put_if(r, who->vm, who->vm);
	put_if(r, who->vcpu != KS_NO_VCPU, who->vcpu);
	put_if(r, who->tid, who->tid);
	put_if(r, who->tgid, who->tgid);
	put_name(r, *who->name ? who->name : NULL);
}

static void put_irq(const struct kvs_feed *f, struct row *r, const struct kvs_span *span)
{
	u64 sent = span->irq.sent_ts, on_cpu = span->irq.on_cpu_ts;

	put(r, span->irq.vector->vector);
	put(r, span->irq.of_timer);
	switch (span->kind) {
	case KVS_SPAN_ACCEPT:
		put_sender(r, span);
		put(r, span->irq.merged);
		put_if(r, on_cpu, on_cpu ? moment(f, on_cpu) : 0);
		break;
	case KVS_SPAN_IRQ:
		put_sender(r, span);
		put_if(r, sent, sent ? kvs_scale(&f->times->ts, span->begin - sent) : 0);
		break;
	}
}

static void put_interrupt(const struct kvs_feed *f, struct row *r, const struct kvs_span *span)
{
	switch (span->kind) {
	case KVS_SPAN_TIMER_ARMED:
		put_text(r, kvs_timer_mode(span->armed.mode));
		put_if(r, span->armed.deadline,
		       span->armed.deadline ? moment(f, span->armed.deadline) : 0);
		put_text(r, kvs_armed_end_name(span->armed.end));
		put(r, span->armed.since);
		break;
	case KVS_SPAN_TIMER:
		put(r, span->timer.vector);
		put(r, moment(f, span->timer.deadline));
		put(r, moment(f, span->timer.expired));
		put(r, moment(f, span->timer.accepted));
		/* One that was early has none. */
		put_text(r, span->length ? kvs_cause_name(kvs_cause_main(span->timer.spent)) :
					   NULL);
		break;
	case KVS_SPAN_ACCEPT ... KVS_SPAN_SERVICE:
		put_irq(f, r, span);
		break;
	}
}

static void put_host(struct row *r, const struct kvs_span *span)
{
	switch (span->kind) {
	case KVS_SPAN_TASK:
	case KVS_SPAN_TASK_WAIT:
		put(r, span->task->pid);
		put_name(r, span->task->comm);
		put_text(r, kvs_policy_name(span->task->policy));
		put(r, span->task->prio);
		put(r, span->task->is_vcpu);
		if (span->kind == KVS_SPAN_TASK)
			put(r, span->task->waiting);
		break;
	case KVS_SPAN_HOST_IRQ:
		put_name(r, span->host_irq.name);
		put_text(r, kvs_host_irq_kind(span->host_irq.kind));
		put_if(r, span->host_irq.irq >= 0, span->host_irq.irq);
		put_if(r, span->host_irq.vector, span->host_irq.vector);
		put(r, span->host_irq.ended_guest);
		break;
	}
}

static bool wanted(const struct kvs_feed *f, const struct kvs_vcpu *v)
{
	return f->all || (v && v->index < f->nr_wanted && f->wanted[v->index]);
}

static void hand_over(struct kvs_feed *f, unsigned int table, struct row *r)
{
	f->rows[table]++;
	if (f->row)
		f->row(f->ctx, table, r->values);
	free(r->escaped);
}

static void take_span(void *ctx, const struct kvs_span *span)
{
	struct kvs_feed *f = ctx;
	struct row r;

	if (span->end < f->from || span->begin >= f->to || !wanted(f, span->vcpu))
		return;
	if (!f->row) {
		f->rows[KVS_TABLE_SPANS + span->kind]++;
		return;
	}
	r.nr = 0;
	r.escaped = NULL;
	put_common(f, &r, span);
	put_thread(f, &r, span);
	put_switch(f, &r, span);
	put_interrupt(f, &r, span);
	put_host(&r, span);
	hand_over(f, KVS_TABLE_SPANS + span->kind, &r);
}

void kvs_feed_listen(struct kvs_feed *feed, struct kvs_model *m)
{
	kvs_sinks_add(&m->sinks, feed->kinds, take_span, feed);
}

static void feed_vms(struct kvs_feed *f, const struct kvs_model *m)
{
	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		const struct kvs_vcpu *v = m->vcpus[i];
		bool again = false;
		struct row r = { 0 };

		/* The vCPUs of a VM may stand apart, where its process was not told. */
		for (unsigned int k = 0; k < i && !again; k++)
			again = m->vcpus[k]->vm == v->vm && wanted(f, m->vcpus[k]);
		if (again || !wanted(f, v))
			continue;
		put(&r, v->vm);
		put_if(&r, v->identified, v->tgid);
		put_if(&r, v->identified, v->vm_index);
		put_name(&r, v->vm_name);
		hand_over(f, KVS_TABLE_VMS, &r);
	}
}

static void feed_vcpus(struct kvs_feed *f, const struct kvs_model *m)
{
	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		const struct kvs_vcpu *v = m->vcpus[i];
		bool policy = v->policy_known;
		struct row r = { 0 };

		if (!wanted(f, v))
			continue;
		put(&r, v->index + 1);
		put(&r, v->vm);
		put(&r, v->id);
		put_if(&r, v->tid, v->tid);
		put_name(&r, v->identified ? v->comm : NULL);
		put_text(&r, policy ? kvs_policy_name(v->policy) : NULL);
		put_if(&r, policy, v->rt_priority);
		put_if(&r, policy, v->nice);
		put_if(&r, kvs_model_has_ledger(m),
		       kvs_scale(&f->times->ts, kvs_ledger_wall(&v->ledger)));
		hand_over(f, KVS_TABLE_VCPUS, &r);
	}
}

static void feed_losses(struct kvs_feed *f, const struct kvs_model *m)
{
	for (unsigned int cpu = 0; cpu < m->nr_cpu_loss; cpu++) {
		const struct kvs_cpu_loss *loss = &m->cpu_loss[cpu];
		u64 lost = loss->closing > loss->flagged ? loss->closing : loss->flagged;
		struct row r = { 0 };

		if (!lost && !loss->uncounted)
			continue;
		put(&r, cpu);
		put_if(&r, lost, lost);
		put(&r, !loss->uncounted || m->has_closing);
		hand_over(f, KVS_TABLE_LOSSES, &r);
	}
}

void kvs_feed_recording(struct kvs_feed *feed, const struct kvs_model *m, const char *path)
{
	u64 end = feed->start + kvs_model_duration_ts(m), lost;
	struct row r = { 0 };
	bool exact = kvs_model_lost(m, &lost);

	put_name(&r, path);
	put(&r, moment(feed, end));
	put_if(&r, m->tsc_khz, m->tsc_khz);
	put(&r, kvs_model_records(m));
	put_if(&r, exact || lost, lost);
	put(&r, exact);
	put(&r, feed->from ? moment(feed, feed->from) : 0);
	put(&r, moment(feed, feed->to < end ? feed->to : end));
	put_if(&r, feed->monotonic_known, feed->monotonic_ns);
	put_if(&r, feed->tsc_known, feed->tsc);
	put_if(&r, feed->wall_known, feed->boottime_ns);
	put_if(&r, feed->wall_known, feed->realtime_ns);
	hand_over(feed, KVS_TABLE_RECORDING, &r);
	feed_vms(feed, m);
	feed_vcpus(feed, m);
	feed_losses(feed, m);
}

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
#include "model/details.h"
#include "model/holder.h"
#include "model/io-order.h"
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
	return kvs_ns_from(f->times, f->start, ts);
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

/* Which ways a page was accessed in: bits, the first is KVS_ACCESS_READ's */
static u64 accesses_of(const struct kvs_detail *what)
{
	u64 bits = 0;

	for (unsigned int i = 0; i < KVS_NR_ACCESSES; i++)
		bits |= what->accesses[i] ? 1ULL << i : 0;
	return bits;
}

/* @what NULL: it was for nothing of these. */
static void put_detail(struct row *r, const struct kvs_detail *what)
{
	const unsigned int by = what && what->known ? what->by : KVS_DETAIL_KINDS;
	const u64 key = what ? what->key : 0;
	const bool leaf = by == KVS_BY_LEAF, port = by == KVS_BY_PORT;
	const bool msr = by == KVS_BY_MSR, page = by == KVS_BY_ADDRESS;

	put_text(r, what ? kvs_detail_by_name(what->by) : NULL);
	put_if(r, by != KVS_DETAIL_KINDS, port ? key >> 16 : leaf || msr ? (u32)key : key);
	put_if(r, leaf, key >> 32);
	put_if(r, port, key >> 8 & 0xff);
	put_if(r, port || msr, port ? !(key & 1) : !!(key & KS_EXIT_MSR_WRITE));
	put_if(r, page, page && what->mmio);
	put_if(r, page, page ? accesses_of(what) : 0);
}

static void put_exit(const struct kvs_feed *f, struct row *r, const struct kvs_span *span)
{
	const struct kvs_scale *cycles = &f->times->cycles;
	u64 guest = span->exit.guest_cycles;
	bool timed = !span->exit.fastpath;
	struct kvs_detail what;

	put_reason(r, span);
	put_text(r, kvs_exit_end(span->exit.end));
	put_if(r, timed && !span->exit.halts, kvs_scale(cycles, kvs_span_cost(span)));
	put_if(r, timed, kvs_scale(cycles, span->exit.poll_cycles));
	put_if(r, timed && guest, kvs_scale(cycles, guest));
	put_detail(r, kvs_detail_of(span, &what) ? &what : NULL);
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
static void put_sender(struct row *r, const struct kvs_sender *who)
{
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
		put_sender(r, &span->irq.sender->who);
		put(r, span->irq.merged);
		put_if(r, on_cpu, on_cpu ? moment(f, on_cpu) : 0);
		break;
	case KVS_SPAN_IRQ:
		put_sender(r, &span->irq.sender->who);
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
		put_if(r, span->task->tgid, span->task->tgid);
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

static bool io_wanted(const struct kvs_feed *f, const struct kvs_io_told *io, u32 kind)
{
	return f->kinds & kind && io->end >= f->from && io->begin < f->to &&
	       wanted(f, io->vcpu);
}

/* Without interrupts nobody knows what came of a request. */
static const char *request_name(const struct kvs_feed *f, const struct kvs_io_told *io)
{
	return io->is_request && f->irqs ? kvs_io_request_name(io->request) : NULL;
}

static void take_io(void *ctx, const struct kvs_io_told *io)
{
	struct kvs_feed *f = ctx;
	const struct kvs_scale *ts = &f->times->ts;
	const bool vmm = io->taker == KVS_IO_USER;
	struct row r = { 0 };

	if (!io_wanted(f, io, KVS_KIND_IO))
		return;
	put(&r, io->vcpu->index + 1);
	put(&r, io->cpu);
	put(&r, moment(f, io->begin));
	put(&r, moment(f, io->end));
	put_detail(&r, &io->what);
	put_text(&r, kvs_io_taker_name(io->taker));
	put_if(&r, io->kernel_ts, kvs_scale(ts, io->kernel_ts));
	put_if(&r, vmm, kvs_scale(ts, io->to_user_ts));
	put_if(&r, io->user_known, kvs_scale(ts, io->user_ts));
	put(&r, io->is_request);
	put_text(&r, request_name(f, io));
	hand_over(f, KVS_TABLE_IO, &r);
}

/* Only in a damaged file does time go back. */
static s64 leg(const struct kvs_feed *f, u64 from, u64 to)
{
	return to > from ? kvs_scale(&f->times->ts, to - from) : 0;
}

static void take_answer(void *ctx, const struct kvs_io_told *io, const struct kvs_io_event *irq)
{
	struct kvs_feed *f = ctx;
	struct row r = { 0 };

	if (!io_wanted(f, io, KVS_KIND_ANSWERS))
		return;
	put(&r, io->vcpu->index + 1);
	put(&r, moment(f, io->begin));
	put_detail(&r, &io->what);
	put_text(&r, kvs_io_request_name(irq->served ? KVS_IO_SERVED : KVS_IO_ALONE));
	put(&r, irq->vector);
	put_sender(&r, &irq->who);
	put_if(&r, irq->on_cpu_ts, leg(f, io->begin, irq->on_cpu_ts));
	put(&r, leg(f, io->begin, irq->ts));
	put_if(&r, irq->injected_ts, leg(f, irq->ts, irq->injected_ts));
	hand_over(f, KVS_TABLE_IO_ANSWERS, &r);
}

void kvs_feed_listen(struct kvs_feed *feed, struct kvs_model *m, struct kvs_io *io)
{
	kvs_sinks_add(&m->sinks, feed->kinds & KVS_SPAN_ALL, take_span, feed);
	if (!(feed->kinds & (KVS_KIND_IO | KVS_KIND_ANSWERS)))
		return;
	io->teller = (struct kvs_io_teller){
		.exit = take_io, .answer = take_answer, .ctx = feed,
	};
	kvs_io_listen(io, m);
}

static bool vm_wanted(const struct kvs_feed *f, u16 vm)
{
	for (unsigned int i = 0; i < f->model->nr_vcpus; i++)
		if (f->model->vcpus[i]->vm == vm && wanted(f, f->model->vcpus[i]))
			return true;
	return false;
}

void kvs_feed_guest_task(struct kvs_feed *f, const struct kvs_feed_guest_task *task)
{
	struct row r = { 0 };

	if (!(f->kinds & KVS_KIND_GUEST_TASKS) || task->end < f->from || task->begin >= f->to ||
	    !vm_wanted(f, task->vm))
		return;
	put(&r, task->vm);
	put(&r, task->pid);
	put_name(&r, task->comm);
	put_text(&r, task->what);
	put_if(&r, task->cpu >= 0, task->cpu);
	put(&r, moment(f, task->begin));
	put(&r, moment(f, task->end));
	put(&r, task->open);
	hand_over(f, KVS_TABLE_GUEST_TASKS, &r);
}

static void feed_vms(struct kvs_feed *f, const struct kvs_model *m)
{
	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		const struct kvs_vcpu *v = m->vcpus[i];
		bool again = false;
		struct row r = { 0 };

		/* The vCPUs of a VM may not be neighbours, if its process was not recorded. */
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

static void feed_ipis(struct kvs_feed *f, const struct kvs_vcpu *v)
{
	char mode[KVS_DETAIL_LEN];

	for (unsigned int i = 0; v->ipis && i < KVS_IPIS; i++) {
		const struct kvs_detail what = { .by = KVS_BY_VECTOR, .known = true, .key = i };
		struct row r = { 0 };

		if (!v->ipis[i])
			continue;
		put(&r, v->index + 1);
		put_if(&r, i < KVS_VECTORS, i);
		put_text(&r, i < KVS_VECTORS ? NULL : kvs_detail_name(mode, &what));
		put(&r, v->ipis[i]);
		hand_over(f, KVS_TABLE_IPIS, &r);
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
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		if (wanted(feed, m->vcpus[i]))
			feed_ipis(feed, m->vcpus[i]);
}

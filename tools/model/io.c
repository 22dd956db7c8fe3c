// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest I/O: what each vCPU's exits were, and where they went; see io.h.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/kvm.h>

#include "base/util.h"
#include "model/io.h"
#include "model/io-order.h"

#define LAPIC_PAGE	0xfee00000	/* unless the guest has moved it, which no record tells */
#define MAX_ROWS	256	/* of one vCPU, and one more that sums the rest */

/* An exit of a port or a page, of which it is not known yet who takes it */
struct io_exit {
	bool on;
	bool maybe;		/* a page that KVM has not marked: MMIO if it goes to userspace */
	bool inside;		/* it ended in the excerpt, so it counts */
	struct kvs_detail what;
	u16 cpu;
	u64 begin, end;
	u32 epoch;
	struct kvs_io_told *told;	/* as soon as it counts, if anybody wants it */
};

/* One that the VMM serves, until the next exit or entry */
struct io_served {
	struct kvs_io_row *row;	/* NULL: there is none */
	struct kvs_io_told *told;
	bool out;		/* KVM_RUN has returned for it, at @put_ts */
	u64 put_ts;
	u64 user;		/* so long it was out before that */
	u64 begin;		/* of the exit */
	u64 request;		/* its number; 0: it is none */
	u32 epoch;
};

struct io_vcpu {
	const struct kvs_vcpu *vcpu;
	struct io_exit exit;
	struct io_served served;
	struct kvs_io_row **rows;	/* until kvs_io_finish() */
	unsigned int nr;
};

static const char *const takers[] = {
	[KVS_IO_KERNEL] = "kernel", [KVS_IO_USER] = "vmm",
};

static const char *const request_names[] = {
	[KVS_IO_SERVED] = "served", [KVS_IO_ALONE] = "alone", [KVS_IO_SEVERAL] = "several",
	[KVS_IO_NONE] = "none", [KVS_IO_UNCLEAR] = "not told",
};

const char *kvs_io_taker_name(unsigned int taker)
{
	return takers[taker];
}

const char *kvs_io_request_name(unsigned int request)
{
	return request_names[request];
}

void kvs_io_init(struct kvs_io *io)
{
	*io = (struct kvs_io){ 0 };
}

static void free_row(struct kvs_io_row *row)
{
	for (unsigned int i = 0; i < row->nr_answers; i++) {
		kvs_hist_free(&row->answers[i].to_sender_ts);
		kvs_hist_free(&row->answers[i].to_accept_ts);
		kvs_hist_free(&row->answers[i].accept_to_inject_ts);
	}
	free(row->answers);
	kvs_hist_free(&row->kernel_ts);
	kvs_hist_free(&row->to_user_ts);
	kvs_hist_free(&row->user_ts);
}

static void free_vcpu(struct io_vcpu *v)
{
	for (unsigned int i = 0; v && i < v->nr; i++) {
		free_row(v->rows[i]);
		free(v->rows[i]);
	}
	if (v)
		free(v->rows);
	free(v);
}

void kvs_io_free(struct kvs_io *io)
{
	for (unsigned int i = 0; i < io->nr; i++) {
		free_row(io->rows[i]);
		free(io->rows[i]);
	}
	free(io->rows);
	free_row(&io->outside);
	for (size_t i = 0; i < io->vms.room; i++) {
		struct kvs_io_vm *vm = io->vms.slots[i].value;

		if (vm)
			free(vm->events);
		free(vm);
	}
	for (size_t i = 0; i < io->vcpus.room; i++)
		free_vcpu(io->vcpus.slots[i].value);
	kvs_table_free(&io->vms);
	kvs_table_free(&io->vcpus);
}

static struct kvs_io_vm *vm_of(struct kvs_io *io, const struct kvs_vcpu *v)
{
	struct kvs_io_vm *vm = kvs_table_get(&io->vms, v->vm);

	if (!vm) {
		vm = xcalloc(1, sizeof(*vm));
		vm->teller = &io->teller;
		kvs_table_put(&io->vms, v->vm, vm);
	}
	return vm;
}

static struct io_vcpu *vcpu_of(struct kvs_io *io, const struct kvs_vcpu *v)
{
	struct io_vcpu *state = kvs_table_get(&io->vcpus, v->index);

	if (!state) {
		state = xcalloc(1, sizeof(*state));
		state->vcpu = v;
		kvs_table_put(&io->vcpus, v->index, state);
	}
	return state;
}

/* NULL: it is new */
static struct kvs_io_row *find_row(const struct io_vcpu *v, const struct kvs_detail *like)
{
	for (unsigned int i = 0; i < v->nr; i++) {
		const struct kvs_detail *what = &v->rows[i]->what;

		if (what->by == like->by && what->key == like->key && what->rest == like->rest)
			return v->rows[i];
	}
	return NULL;
}

/* The row of that port or page; a guest may touch any number of pages. */
static struct kvs_io_row *get_row(struct io_vcpu *v, const struct kvs_detail *what)
{
	const struct kvs_detail rest = { .by = KVS_BY_PORT, .rest = true };
	struct kvs_io_row *row = find_row(v, what);

	if (row)
		return row;
	if (v->nr >= MAX_ROWS && !what->rest)
		return get_row(v, &rest);
	row = xcalloc(1, sizeof(*row));
	row->vcpu = v->vcpu;
	row->what = (struct kvs_detail){
		.by = what->by, .key = what->key, .known = what->known, .rest = what->rest,
	};
	v->rows = xrealloc(v->rows, (v->nr + 1) * sizeof(*v->rows));
	v->rows[v->nr++] = row;
	return row;
}

static struct kvs_io_told *tell_later(const struct kvs_io *io, const struct io_vcpu *v)
{
	const struct io_exit *e = &v->exit;
	struct kvs_io_told *told;

	if (!io->teller.exit || !e->inside)
		return NULL;
	told = xmalloc(sizeof(*told));
	*told = (struct kvs_io_told){
		.vcpu = v->vcpu, .what = e->what, .cpu = e->cpu,
		.begin = e->begin, .end = e->end, .pending = 1,
	};
	return told;
}

/* It is known now that the exit is I/O: the row where it counts. */
static struct kvs_io_row *count_exit(struct kvs_io *io, struct io_vcpu *v)
{
	struct kvs_io_row *row = v->exit.inside ? get_row(v, &v->exit.what) : &io->outside;

	kvs_detail_add(&row->what, &v->exit.what);
	v->exit.on = false;
	v->exit.told = tell_later(io, v);
	return row;
}

/* What the guest reads has its answer when it goes on.  Where no record tells, it wrote. */
static bool is_request(const struct kvs_detail *what)
{
	if (what->by == KVS_BY_PORT)
		return !(what->key & 1);
	return what->accesses[KVS_ACCESS_WRITE] || !what->accesses[KVS_ACCESS_READ];
}

/* Returns the number of the request; 0: it is none. */
static u64 ask(struct kvs_io *io, struct io_vcpu *v, struct kvs_io_row *row)
{
	const struct io_exit *e = &v->exit;

	return is_request(&e->what) ?
	       kvs_io_ask(vm_of(io, v->vcpu), row, e->told, e->begin, e->epoch) : 0;
}

/* It does not go to userspace: the row where it counts; NULL: it is no I/O then. */
static struct kvs_io_row *count_marked_exit(struct kvs_io *io, struct io_vcpu *v)
{
	v->exit.on &= !v->exit.maybe;
	return v->exit.on ? count_exit(io, v) : NULL;
}

/* @end: when the guest was entered again; 0: not known */
static void stays_in_kernel(struct kvs_io *io, struct io_vcpu *v, u64 end)
{
	struct kvs_io_row *row = count_marked_exit(io, v);

	if (!row)
		return;
	row->kernel++;
	if (end > v->exit.begin)
		kvs_hist_add(&row->kernel_ts, end - v->exit.begin);
	if (v->exit.told) {
		v->exit.told->taker = KVS_IO_KERNEL;
		v->exit.told->kernel_ts = end > v->exit.begin ? end - v->exit.begin : 0;
	}
	ask(io, v, row);
	kvs_io_told_part(&io->teller, v->exit.told);
}

/* Nobody can tell any more who took it. */
static void give_up_exit(struct kvs_io *io, struct io_vcpu *v)
{
	struct kvs_io_row *row = count_marked_exit(io, v);

	if (!row)
		return;
	row->untold++;
	ask(io, v, row);
	kvs_io_told_part(&io->teller, v->exit.told);
}

static void goes_to_user(struct kvs_io *io, struct io_vcpu *v, u64 put_ts)
{
	/* Only in a damaged file does time go back. */
	u64 to_user = put_ts > v->exit.begin ? put_ts - v->exit.begin : 0;
	struct kvs_io_row *row;

	/* KVM has not marked the page yet, but nobody else than the VMM has it. */
	v->exit.what.mmio |= v->exit.what.by == KVS_BY_ADDRESS;
	row = count_exit(io, v);
	row->user++;
	kvs_hist_add(&row->to_user_ts, to_user);
	if (v->exit.told) {
		v->exit.told->taker = KVS_IO_USER;
		v->exit.told->to_user_ts = to_user;
	}
	v->served = (struct io_served){
		.row = row, .told = v->exit.told, .out = true, .put_ts = put_ts, .begin = v->exit.begin,
		.request = ask(io, v, row), .epoch = v->exit.epoch,
	};
}

/* The VMM is through with it.  How long that took isn't known where it still goes on. */
static void end_service(struct kvs_io *io, struct io_vcpu *v)
{
	struct io_served *s = &v->served;

	if (!s->row)
		return;
	if (!s->out && s->epoch == io->model->epoch) {
		kvs_hist_add(&s->row->user_ts, s->user);
		if (s->told) {
			s->told->user_known = true;
			s->told->user_ts = s->user;
		}
	}
	kvs_io_told_part(&io->teller, s->told);
	s->row = NULL;
}

static bool is_io(const struct kvs_detail *what)
{
	return what->known && (what->by == KVS_BY_PORT ||
			       (what->by == KVS_BY_ADDRESS && what->key != LAPIC_PAGE));
}

static void take_exit(struct kvs_io *io, const struct kvs_span *span)
{
	struct io_vcpu *v = vcpu_of(io, span->vcpu);
	struct io_exit *e = &v->exit;

	end_service(io, v);
	give_up_exit(io, v);
	if (span->exit.l2 || !kvs_detail_of(span, &e->what) || !is_io(&e->what))
		return;
	e->on = true;
	e->maybe = e->what.by == KVS_BY_ADDRESS && !e->what.mmio;
	e->inside = kvs_excerpt_has(&io->model->counting.excerpt, span->end);
	e->cpu = span->cpu;
	e->begin = span->begin;
	e->end = span->end;
	e->epoch = io->model->epoch;
	if (span->exit.end == KS_EXIT_BY_ENTRY)
		stays_in_kernel(io, v, span->end);
}

/*
 * KVM_RUN returns.  If that is for a signal's sake, KVM had handled the exit before it
 * looked.  It may return several times for one exit, as for a string of bytes.
 */
static void take_run(struct kvs_io *io, const struct kvs_span *span)
{
	struct io_vcpu *v = vcpu_of(io, span->vcpu);
	u32 reason = span->user.reason;
	bool io_reason = reason == KVM_EXIT_IO || reason == KVM_EXIT_MMIO;

	if (v->served.row && io_reason && !v->served.out) {
		v->served.out = true;
		v->served.put_ts = span->end;
	}
	if (!v->exit.on)
		return;
	if (v->exit.epoch != io->model->epoch)
		give_up_exit(io, v);
	else if (io_reason)
		goes_to_user(io, v, span->end);
	else if (reason == KVM_EXIT_INTR)
		stays_in_kernel(io, v, 0);
	else
		give_up_exit(io, v);
}

static void take_user(struct kvs_io *io, const struct kvs_span *span)
{
	struct io_served *s = &vcpu_of(io, span->vcpu)->served;

	if (s->row && s->out && span->end >= s->put_ts) {
		s->user += span->end - s->put_ts;
		s->out = false;
	}
}

/* The guest is entered, after an exit that was cut. */
static void take_out(struct kvs_io *io, const struct kvs_span *span)
{
	struct io_vcpu *v = vcpu_of(io, span->vcpu);

	end_service(io, v);
	if (v->exit.on && v->exit.epoch == io->model->epoch)
		stays_in_kernel(io, v, span->end);
}

/*
 * What the sender serves for its vCPU, one of the same VM; NULL: nothing.  A work item may
 * deliver what was sent before that, or after it was through.
 */
static const struct io_served *served_by(struct kvs_io *io, const struct kvs_span *span)
{
	const struct kvs_sender *who = &span->irq.sender->who;
	const struct kvs_vcpu *v = kvs_vcpu_of_thread(io->model, who->tid);
	const struct io_vcpu *state = v ? kvs_table_get(&io->vcpus, v->index) : NULL;
	const struct io_served *s;

	if (who->kind != KVS_SENDER_VMM || !state || v->vm != span->vcpu->vm)
		return NULL;
	s = &state->served;
	if (!s->row || !s->request || s->epoch != io->model->epoch)
		return NULL;
	return (who->by == KS_BY_IRQFD_WORK ? span->irq.sent_ts >= s->put_ts : s->out) ? s : NULL;
}

static bool is_of_device(const struct kvs_sender *who)
{
	return who->kind != KVS_SENDER_IPI && who->kind != KVS_SENDER_TIMER;
}

static void take_accept(struct kvs_io *io, const struct kvs_span *span)
{
	const struct kvs_sender *who = &span->irq.sender->who;
	const struct io_served *served;
	struct kvs_io_event event = {
		.ts = span->end, .epoch = io->model->epoch, .vector = span->irq.vector->vector,
		.vcpu = span->vcpu->index, .who = *who, .on_cpu_ts = span->irq.on_cpu_ts,
	};

	if (!is_of_device(who))
		return;
	event.untold = who->kind == KVS_SENDER_NOT_TOLD;
	io->untold_senders += event.untold;
	served = served_by(io, span);
	if (served) {
		event.served = true;
		event.request = served->request;
		event.row = served->row;
		event.asked_ts = served->begin;
	}
	kvs_io_interrupt(vm_of(io, span->vcpu), &event);
}

static void take_span(void *ctx, const struct kvs_span *span)
{
	struct kvs_io *io = ctx;

	switch (span->kind) {
	case KVS_SPAN_EXIT:
		take_exit(io, span);
		break;
	case KVS_SPAN_RUN:
		take_run(io, span);
		break;
	case KVS_SPAN_USER:
		take_user(io, span);
		break;
	case KVS_SPAN_OUT:
		take_out(io, span);
		break;
	case KVS_SPAN_ACCEPT:
		take_accept(io, span);
		break;
	case KVS_SPAN_IRQ:
		kvs_io_injected(vm_of(io, span->vcpu), span->vcpu->index,
				span->irq.vector->vector, span->begin, span->end);
		break;
	}
}

void kvs_io_listen(struct kvs_io *io, struct kvs_model *m)
{
	io->model = m;
	/* Which interrupt comes next does not depend on the excerpt. */
	kvs_sinks_add_whole(&m->sinks, KVS_SPAN_BIT(EXIT) | KVS_SPAN_BIT(RUN) |
				       KVS_SPAN_BIT(USER) | KVS_SPAN_BIT(OUT) |
				       KVS_SPAN_BIT(ACCEPT) | KVS_SPAN_BIT(IRQ),
			    take_span, io);
}

static int answer_order(const void *left, const void *right)
{
	const struct kvs_io_answer *a = left, *b = right;

	if (a->others != b->others)
		return a->others ? 1 : -1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->served != b->served)
		return a->served ? -1 : 1;
	return (int)a->vector - (int)b->vector;
}

static int row_order(const void *left, const void *right)
{
	const struct kvs_io_row *a = *(struct kvs_io_row *const *)left;
	const struct kvs_io_row *b = *(struct kvs_io_row *const *)right;
	const struct kvs_detail *what = &a->what, *other = &b->what;

	if (a->vcpu != b->vcpu)
		return kvs_vcpu_order(a->vcpu, b->vcpu);
	if (what->rest != other->rest)
		return what->rest ? 1 : -1;
	if (what->count != other->count)
		return what->count > other->count ? -1 : 1;
	if (what->by != other->by)
		return what->by < other->by ? -1 : 1;
	return what->key < other->key ? -1 : what->key > other->key;
}

static void gather_rows(struct kvs_io *io, struct io_vcpu *v)
{
	io->rows = xrealloc(io->rows, (io->nr + v->nr + 1) * sizeof(*io->rows));
	for (unsigned int i = 0; i < v->nr; i++)
		io->rows[io->nr++] = v->rows[i];
	v->nr = 0;
}

void kvs_io_finish(struct kvs_io *io)
{
	for (size_t i = 0; i < io->vcpus.room; i++) {
		struct io_vcpu *v = io->vcpus.slots[i].value;

		if (!v)
			continue;
		end_service(io, v);
		give_up_exit(io, v);
		gather_rows(io, v);
	}
	for (size_t i = 0; i < io->vms.room; i++)
		if (io->vms.slots[i].value)
			kvs_io_match_rest(io->vms.slots[i].value);
	for (unsigned int i = 0; i < io->nr; i++)
		if (io->rows[i]->nr_answers)
			qsort(io->rows[i]->answers, io->rows[i]->nr_answers,
			      sizeof(*io->rows[i]->answers), answer_order);
	if (io->nr)
		qsort(io->rows, io->nr, sizeof(*io->rows), row_order);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests and the interrupts that follow them; see io-order.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/io-order.h"

/* How many events are kept back, since older ones may still come */
#define MAX_EVENTS	256
#define MAX_ANSWERS	64	/* of one row; the last one sums all others */

static struct kvs_io_answer *answer_get(struct kvs_io_row *row, const struct kvs_io_event *e)
{
	bool full = row->nr_answers == MAX_ANSWERS - 1;
	struct kvs_io_answer *a;

	for (a = row->answers; a < row->answers + row->nr_answers; a++)
		if (a->others || (a->served == e->served && a->vector == e->vector &&
				  kvs_sender_is_same(&a->who, &e->who)))
			return a;
	row->answers = xrealloc(row->answers, (row->nr_answers + 1) * sizeof(*a));
	a = &row->answers[row->nr_answers++];
	*a = (struct kvs_io_answer){ .others = full };
	if (full)
		return a;
	a->served = e->served;
	a->vector = e->vector;
	a->who = e->who;
	return a;
}

static void add_answer(struct kvs_io_vm *vm, struct kvs_io_row *row, struct kvs_io_told *told,
		       const struct kvs_io_event *e, u64 asked)
{
	struct kvs_io_answer *a = answer_get(row, e);

	if (told)
		vm->teller->answer(vm->teller->ctx, told, e);
	a->count++;
	if (e->on_cpu_ts)
		kvs_hist_add(&a->to_sender_ts, e->on_cpu_ts > asked ? e->on_cpu_ts - asked : 0);
	/* Only in a damaged file does time go back. */
	kvs_hist_add(&a->to_accept_ts, e->ts > asked ? e->ts - asked : 0);
	if (e->injected_ts)
		kvs_hist_add(&a->accept_to_inject_ts, e->injected_ts - e->ts);
}

void kvs_io_told_part(const struct kvs_io_teller *teller, struct kvs_io_told *told)
{
	if (!told || --told->pending)
		return;
	teller->exit(teller->ctx, told);
	free(told);
}

static void count_request(struct kvs_io_vm *vm, struct kvs_io_row *row,
			  struct kvs_io_told *told, enum kvs_io_request as)
{
	row->requests[as]++;
	if (told)
		told->request = as;
	kvs_io_told_part(vm->teller, told);
}

static void count_open(struct kvs_io_vm *vm, enum kvs_io_request as)
{
	for (unsigned int i = 0; i < vm->nr_open; i++)
		count_request(vm, vm->open[i].row, vm->open[i].told, as);
	vm->nr_open = 0;
}

static void take_request(struct kvs_io_vm *vm, const struct kvs_io_event *e)
{
	if (e->served) {
		count_request(vm, e->row, e->told, KVS_IO_SERVED);
	} else if (vm->nr_open == KVS_IO_OPEN) {
		count_request(vm, e->row, e->told, KVS_IO_SEVERAL);
		vm->more = true;
	} else {
		vm->open[vm->nr_open++] = (struct kvs_io_open){
			.row = e->row, .told = e->told, .ts = e->ts,
		};
	}
}

static void take_interrupt(struct kvs_io_vm *vm, const struct kvs_io_event *e)
{
	bool unclear = vm->blind || e->untold;
	bool alone = vm->nr_open == 1 && !vm->more && !unclear;

	if (alone)
		add_answer(vm, vm->open[0].row, vm->open[0].told, e, vm->open[0].ts);
	count_open(vm, unclear ? KVS_IO_UNCLEAR : alone ? KVS_IO_ALONE : KVS_IO_SEVERAL);
	vm->more = vm->blind = false;
}

/* Of lost records, some may have been an interrupt, or a request. */
static void note_loss(struct kvs_io_vm *vm)
{
	count_open(vm, KVS_IO_UNCLEAR);
	vm->blind = true;
}

static void take_served_interrupt(struct kvs_io_vm *vm, const struct kvs_io_event *e)
{
	add_answer(vm, e->row, e->told, e, e->asked_ts);
	kvs_io_told_part(vm->teller, e->told);
}

/*
 * Match an event with those before it: an interrupt answers the requests that are open.
 * None that is older will come; where one does, as there was no room to wait for it, it
 * counts as unclear.
 */
static void match_event(struct kvs_io_vm *vm, const struct kvs_io_event *e)
{
	vm->matched_ts = e->ts;
	if (e->epoch != vm->epoch)
		note_loss(vm);
	vm->epoch = e->epoch;
	if (!e->interrupt)
		take_request(vm, e);
	else if (e->served)
		take_served_interrupt(vm, e);
	else
		take_interrupt(vm, e);
}

static void make_room(struct kvs_io_vm *vm)
{
	const unsigned int half = MAX_EVENTS / 2;

	if (vm->nr == MAX_EVENTS) {
		for (unsigned int i = 0; i < half; i++)
			match_event(vm, &vm->events[i]);
		vm->nr -= half;
		memmove(vm->events, vm->events + half, vm->nr * sizeof(*vm->events));
	}
	if (vm->nr == vm->room) {
		vm->room = vm->room ? 2 * vm->room : 8;
		vm->events = xrealloc(vm->events, vm->room * sizeof(*vm->events));
	}
}

/* In the order of time, and after events of the same time; make_room() made the room. */
static void insert(struct kvs_io_vm *vm, const struct kvs_io_event *event)
{
	unsigned int i;

	for (i = vm->nr; i && vm->events[i - 1].ts > event->ts; i--)
		;
	memmove(vm->events + i + 1, vm->events + i, (vm->nr - i) * sizeof(*vm->events));
	vm->events[i] = *event;
	vm->nr++;
}

u64 kvs_io_ask(struct kvs_io_vm *vm, struct kvs_io_row *row, struct kvs_io_told *told, u64 ts,
	       u32 epoch)
{
	const struct kvs_io_event event = {
		.ts = ts, .request = ++vm->requests, .epoch = epoch, .row = row, .told = told,
	};

	row->asked++;
	if (told) {
		told->is_request = true;
		told->pending++;
	}
	make_room(vm);
	if (ts < vm->matched_ts)
		count_request(vm, row, told, KVS_IO_UNCLEAR);
	else
		insert(vm, &event);
	return event.request;
}

/* The request that is served; NULL: it was matched already */
static struct kvs_io_event *request_of(struct kvs_io_vm *vm, u64 request)
{
	for (unsigned int i = vm->nr; i--; )
		if (!vm->events[i].interrupt && vm->events[i].request == request)
			return &vm->events[i];
	return NULL;
}

void kvs_io_interrupt(struct kvs_io_vm *vm, const struct kvs_io_event *event)
{
	struct kvs_io_event *request = event->served ? request_of(vm, event->request) : NULL;
	struct kvs_io_event interrupt = *event;

	interrupt.interrupt = true;
	interrupt.served = request;
	interrupt.told = request ? request->told : NULL;
	if (request)
		request->served = true;
	if (interrupt.told)
		interrupt.told->pending++;
	make_room(vm);
	insert(vm, &interrupt);
}

void kvs_io_injected(struct kvs_io_vm *vm, unsigned int vcpu, u8 vector, u64 accepted, u64 ts)
{
	for (unsigned int i = vm->nr; i-- && vm->events[i].ts >= accepted; ) {
		struct kvs_io_event *e = &vm->events[i];

		if (e->interrupt && e->ts == accepted && e->vcpu == vcpu && e->vector == vector &&
		    ts >= accepted) {
			e->injected_ts = ts;
			return;
		}
	}
}

void kvs_io_match_rest(struct kvs_io_vm *vm)
{
	for (unsigned int i = 0; i < vm->nr; i++)
		match_event(vm, &vm->events[i]);
	vm->nr = 0;
	count_open(vm, vm->blind ? KVS_IO_UNCLEAR : KVS_IO_NONE);
}

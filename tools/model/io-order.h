/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The requests and the interrupts of devices of one VM, in the order of time: an exit is
 * recorded when it is over, so an interrupt that came meanwhile is known before it.
 */
#ifndef KVMSCHED_IO_ORDER_H
#define KVMSCHED_IO_ORDER_H

#include "model/io.h"

struct kvs_io_event {
	u64 ts;			/* of the exit, or of the acceptance */
	u64 request;		/* number of the request; an interrupt: 0, or see @served */
	u32 epoch;
	bool interrupt;
	/*
	 * The vCPU's own thread sent an interrupt while it served the request.  Of the
	 * interrupt, @request, @row and @asked_ts are that request's.
	 */
	bool served;
	struct kvs_io_row *row;
	struct kvs_io_told *told;	/* of the request; NULL: nobody wants it */
	u64 asked_ts;
	/* An interrupt */
	bool untold;		/* an older file: its sender is unknown, maybe an IPI or the timer */
	u8 vector;
	unsigned int vcpu;	/* index, of the one that gets it */
	struct kvs_sender who;
	u64 on_cpu_ts;		/* as in struct kvs_sending */
	u64 injected_ts;	/* 0: that was not seen */
};

/* A request that no interrupt has followed yet */
struct kvs_io_open {
	struct kvs_io_row *row;
	struct kvs_io_told *told;
	u64 ts;
};

#define KVS_IO_OPEN	64

/* All zeroes is an empty one. */
struct kvs_io_vm {
	const struct kvs_io_teller *teller;
	struct kvs_io_event *events;
	unsigned int nr, room;
	u64 requests;		/* numbers given so far */
	u64 matched_ts;		/* of the last event that was matched with those before it */
	u32 epoch;		/* likewise */
	bool blind;		/* some since the last interrupt may have been lost */
	struct kvs_io_open open[KVS_IO_OPEN];
	unsigned int nr_open;
	bool more;		/* there were too many */
};

/* A request of @row at @ts, which gets a number; @told may be NULL. */
u64 kvs_io_ask(struct kvs_io_vm *vm, struct kvs_io_row *row, struct kvs_io_told *told, u64 ts,
	       u32 epoch);
/*
 * An interrupt, with all fields that belong to it.  If it is served and nobody knows the
 * request any more, it is as any other.
 */
void kvs_io_interrupt(struct kvs_io_vm *vm, const struct kvs_io_event *event);
/* What was accepted at @accepted was injected. */
void kvs_io_injected(struct kvs_io_vm *vm, unsigned int vcpu, u8 vector, u64 accepted, u64 ts);
/* One part of what was to come of it is known, or never will be; it may be NULL. */
void kvs_io_told_part(const struct kvs_io_teller *teller, struct kvs_io_told *told);
/* The end: match what still waits for older events. */
void kvs_io_match_rest(struct kvs_io_vm *vm);

#endif /* KVMSCHED_IO_ORDER_H */

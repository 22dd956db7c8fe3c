/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest I/O, leg by leg: exits by port and by page of MMIO, who took them, and which
 * interrupt of a device came next.
 *
 * An exit goes to the VMM, whose vCPU thread serves it, or it stays in the kernel: an
 * ioeventfd or a device of KVM's takes it.  Which of the two that was, and which thread an
 * ioeventfd has woken, no record tells.  Nor does any tell which request an interrupt
 * completes.  What is sure is told instead:
 *
 *	served	the vCPU's own thread sent the interrupt after that exit, before it ran the
 *		vCPU again
 *	alone	between two interrupts of devices, or since the beginning, the VM made one
 *		request only, and the second interrupt is the next one after it
 *
 * Only what the guest writes is a request: what it reads has its answer when it goes on.
 * Its LAPIC's page is left out, and so are exits of a guest of the guest.  Interrupts of
 * devices are all but IPIs and those of the LAPIC's timer.
 */
#ifndef KVMSCHED_IO_H
#define KVMSCHED_IO_H

#include <stdbool.h>

#include "base/hist.h"
#include "base/table.h"
#include "model/details.h"
#include "model/model.h"
#include "model/senders.h"

struct kvs_io_event;

/* What is known of an interrupt for a request: each request is one of these. */
enum kvs_io_request {
	KVS_IO_SERVED,		/* see above */
	KVS_IO_ALONE,		/* likewise */
	KVS_IO_SEVERAL,		/* one of several between two interrupts */
	KVS_IO_NONE,		/* there was no interrupt after it */
	/* Records were lost or came too late, or an older file does not tell senders. */
	KVS_IO_UNCLEAR,
	KVS_IO_REQUESTS
};

enum kvs_io_taker {
	KVS_IO_UNTOLD,		/* records don't tell, or were lost */
	KVS_IO_KERNEL,		/* an ioeventfd, or a device of KVM's */
	KVS_IO_USER,		/* the VMM */
};

/* One exit, when all is known of it that records tell; in time stamps */
struct kvs_io_told {
	const struct kvs_vcpu *vcpu;
	struct kvs_detail what;
	u16 cpu;		/* as in its span */
	u64 begin, end;		/* likewise */
	u8 taker;		/* enum kvs_io_taker */
	bool user_known;
	/* To the entry, 0: not known; to KVM_RUN's return; and out of KVM_RUN, if known */
	u64 kernel_ts, to_user_ts, user_ts;
	bool is_request;
	u8 request;		/* enum kvs_io_request */
	/* How many parts are still unknown; when that is 0, it is given to kvs_io_teller.exit(). */
	unsigned int pending;
};

/* Who wants exits, and interrupts after requests that were served or alone, one by one */
struct kvs_io_teller {
	void (*exit)(void *ctx, const struct kvs_io_told *told);
	void (*answer)(void *ctx, const struct kvs_io_told *request,
		       const struct kvs_io_event *interrupt);
	void *ctx;
};

/* Interrupts of one vector by one sender, after requests of one row */
struct kvs_io_answer {
	bool served;		/* else alone, see above */
	bool others;		/* all that found no row: neither vector nor sender is one */
	u8 vector;
	struct kvs_sender who;
	u64 count;
	/* From the exit, in time stamps; 0: the sender had a CPU already.  Class host tells it. */
	struct kvs_hist to_sender_ts;
	struct kvs_hist to_accept_ts;	/* from the exit until a LAPIC accepted it */
	struct kvs_hist accept_to_inject_ts;	/* of those whose injection was seen */
};

/* One port in one direction and size, or one page, of one vCPU */
struct kvs_io_row {
	const struct kvs_vcpu *vcpu;
	struct kvs_detail what;	/* its key, and how it was accessed; @count is that of exits */
	/* Exits by who took them; the third: records don't tell, or were lost */
	u64 kernel, user, untold;
	/* In time stamps.  From the exit to the entry, of those of the kernel */
	struct kvs_hist kernel_ts;
	struct kvs_hist to_user_ts;	/* from the exit to KVM_RUN's return */
	struct kvs_hist user_ts;	/* out of KVM_RUN, whatever the thread does there */
	/* Of the exits, those that are requests, and what is known of an interrupt for them */
	u64 asked, requests[KVS_IO_REQUESTS];
	struct kvs_io_answer *answers;
	unsigned int nr_answers;
};

struct kvs_io {
	const struct kvs_model *model;
	struct kvs_io_teller teller;	/* set after kvs_io_init(), if at all */
	struct kvs_table vcpus;		/* by index: struct io_vcpu of io.c */
	struct kvs_table vms;		/* by number: struct io_vm of io.c */
	/* After kvs_io_finish(): by vCPU, in the model's order, and the most exits first */
	struct kvs_io_row **rows;
	unsigned int nr;
	struct kvs_io_row outside;	/* what is out of the excerpt */
	u64 untold_senders;	/* interrupts of which an older file does not tell the sender */
};

void kvs_io_init(struct kvs_io *io);
/* A sink of @m; @io stays where it is as long as @m is fed. */
void kvs_io_listen(struct kvs_io *io, struct kvs_model *m);
/* After kvs_model_finish() */
void kvs_io_finish(struct kvs_io *io);
void kvs_io_free(struct kvs_io *io);

/* "kernel", "vmm"; NULL: not told */
const char *kvs_io_taker_name(unsigned int taker);
/* "served", "alone", ... "not told" */
const char *kvs_io_request_name(unsigned int request);

#endif /* KVMSCHED_IO_H */

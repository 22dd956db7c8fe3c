/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who sent an interrupt that a LAPIC accepted.
 *
 * The record of the acceptance tells what ran at that moment, and by which way of KVM's
 * the interrupt came.  Only where a work item delivers it, that is not who sent it: then
 * the signal of the irqfd tells, if it is sure which signal that was.
 */
#ifndef KVMSCHED_SENDERS_H
#define KVMSCHED_SENDERS_H

#include <stdbool.h>

#include "base/base.h"
#include "base/hist.h"
#include "base/table.h"
#include "model/culprits.h"
#include "trace/schema.h"

enum kvs_sender_kind {
	KVS_SENDER_NOT_TOLD,	/* an older file */
	KVS_SENDER_IPI,		/* the guest, on one of its vCPUs */
	KVS_SENDER_TIMER,	/* the timer of the same LAPIC */
	KVS_SENDER_VCPU,	/* the thread of a vCPU, within KVM_RUN */
	KVS_SENDER_VMM,		/* another thread of the VMM, or a vCPU's thread out of KVM_RUN */
	KVS_SENDER_VHOST,
	KVS_SENDER_HOST_IRQ,	/* the handler of a host interrupt */
	KVS_SENDER_SOFTIRQ,	/* a softirq of the host */
	KVS_SENDER_KERNEL,	/* another thread of the kernel */
	KVS_SENDER_PROCESS,	/* a thread of another process, or it isn't known whose */
	KVS_SENDER_WORK,	/* unknown: whoever asked for a work item */
	KVS_SENDER_OTHERS,	/* there were too many to tell them apart */
	KVS_SENDER_KINDS
};

/* Fields that don't tell one of these from another are 0. */
struct kvs_sender {
	u8 kind;		/* enum kvs_sender_kind */
	u8 by;			/* KS_BY_* */
	u16 vm, vcpu;		/* IPI, VCPU; 0 and KS_NO_VCPU: not known */
	s32 tid, tgid;		/* VCPU, VMM, VHOST, KERNEL, PROCESS */
	char name[KVS_COMM_LEN];	/* that thread's, or the host interrupt's; "": unknown */
};

/* Interrupts of one vector, to one vCPU, by one sender */
struct kvs_sender_stats {
	struct kvs_sender who;
	u64 accepted;
	u64 merged;		/* of them: the last one was still pending */
	/* Summary, of those that were injected */
	struct kvs_hist sent_to_accept_ts;	/* where it is known when they were sent */
	struct kvs_hist accept_to_inject_ts;
};

/* When an interrupt was sent, in time stamps; 0: not known */
struct kvs_sending {
	u64 ts;			/* for a timer 0, too: the caller knows its expiry */
	u64 on_cpu_ts;		/* since when the thread that sent it has had its CPU */
};

/* The last signal of an irqfd, or those since a LAPIC has accepted one */
struct kvs_signal {
	bool on;
	bool again;		/* there was more than one */
	bool unsure;		/* and by another sender */
	bool taken;		/* a LAPIC has accepted it */
	s32 worker;		/* taken: by which thread ... */
	u16 vcpu;		/* ... it was delivered, and to which vCPU last */
	u64 ts;			/* of the first */
	u64 on_cpu_ts;		/* as in struct kvs_sending */
	u32 epoch;
	struct kvs_sender who;
};

struct kvs_model;
struct kvs_vcpu;

/* An irqfd was signalled. */
void kvs_sender_signal(struct kvs_model *m, const struct kvs_record *rec);
/* Who sent what @v's LAPIC accepts, and when */
void kvs_sender_of(struct kvs_model *m, const struct kvs_vcpu *v,
		   const struct kvs_record *rec, struct kvs_sender *who,
		   struct kvs_sending *sent);
void kvs_signals_free(struct kvs_model *m);

/* Are all fields equal? */
bool kvs_sender_is_same(const struct kvs_sender *a, const struct kvs_sender *b);

struct kvs_vector_stats;

/* The row of a sender, made where it is new; its index in @s->senders */
unsigned int kvs_sender_row(struct kvs_vector_stats *s, const struct kvs_sender *who);
void kvs_senders_free(struct kvs_vector_stats *s);
/* Hand an acceptance over as a span: of vector @s, by the sender of that row. */
void kvs_accept_emit(struct kvs_vcpu *v, struct kvs_vector_stats *s, unsigned int row,
		     const struct kvs_record *rec, const struct kvs_sending *sent, bool merged);

/* "ipi", "timer", ...; NULL beyond the last */
const char *kvs_sender_kind(unsigned int kind);

/*
 * In words: "vCPU 1, IPI", "its own timer", "VMM qemu/4711, irqfd".  Names are bytes.
 */
#define KVS_SENDER_LEN	80
const char *kvs_sender_words(char text[KVS_SENDER_LEN], const struct kvs_vcpu *v,
			     const struct kvs_sender *who);

#endif /* KVMSCHED_SENDERS_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who sends an interrupt to a guest, and how
 */
#ifndef _KVMSCHED_SENDER_H
#define _KVMSCHED_SENDER_H

#include <linux/percpu.h>
#include <linux/ptrace.h>
#include <linux/string.h>

#include "uapi/records.h"
#include "vcpu.h"

/* What interrupt_context_level() returns is below this: task, softirq, interrupt, NMI */
#define KS_CONTEXT_LEVELS	4

/*
 * The interrupt of the host that this CPU serves: its name, NULL: none.  Written by
 * probe_irq.c in that interrupt, and read within it.
 */
DECLARE_PER_CPU(const char *, ks_irq_served);

/**
 * struct ks_sender - what runs here: fields of KS_SENDER_FIELDS
 * @name: at least 16 bytes if @context is a task's
 */
struct ks_sender {
	u8 context;
	u8 task_flags;
	s32 tgid;
	u16 vm;
	u16 vcpu;
	const char *name;
};

/* How it came: fields of irq_accept */
struct ks_way {
	u8 by;
	u32 gsi;
	u64 sent_cycles;
};

void ks_sender_here(struct ks_sender *s);
void ks_sender_way(const struct kvm *to, u16 vcpu_id, u16 delivery_mode, u8 vector,
		   struct ks_way *way);
void ks_sender_icr(struct ks_vcpu *v, u32 icr, u64 now);
void ks_sender_timer(const struct kvm_vcpu *vcpu, const struct pt_regs *regs);

/* Fill these fields of a record: all of KS_SENDER_FIELDS but gsi */
#define ks_set_sender(r, s) do {					\
	(r)->context = (s)->context;					\
	(r)->task_flags = (s)->task_flags;				\
	(r)->tgid = (s)->tgid;						\
	(r)->from_vm = (s)->vm;						\
	(r)->from_vcpu = (s)->vcpu;					\
	strscpy_pad((r)->name, (s)->name, sizeof((r)->name));		\
} while (0)

#endif /* _KVMSCHED_SENDER_H */

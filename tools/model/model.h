/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happened to each vCPU, told by its records in the order of time.
 *
 * Pure: no file, no trace library, no printing.  Records go in, statistics come
 * out.  A vCPU is keyed by (vm, vcpu): it may change its thread, and one thread
 * may carry several vCPUs one after the other.
 */
#ifndef KVMSCHED_MODEL_H
#define KVMSCHED_MODEL_H

#include "model/state.h"

/* One cycle, one ns and one unit of the time stamps are the same. */
void kvs_model_init(struct kvs_model *m);
void kvs_model_free(struct kvs_model *m);

/* The two ends of struct kvs_sink; @ctx is the model. */
void kvs_model_record(void *ctx, const struct kvs_record *rec);
void kvs_model_missed(void *ctx, unsigned int cpu, s64 count);

/* After the last record: close what is open, put the vCPUs in order. */
void kvs_model_finish(struct kvs_model *m);

/* The vCPU that this thread carried last; NULL: it's none that we know. */
const struct kvs_vcpu *kvs_vcpu_of_thread(const struct kvs_model *m, s32 tid);

u64 kvs_model_records(const struct kvs_model *m);
/* False: at least so many. */
bool kvs_model_lost(const struct kvs_model *m, u64 *lost);
/* Time that the recording covers, in the file's clock */
u64 kvs_model_duration_ts(const struct kvs_model *m);
/* Whether a class was recorded, as far as the file tells. */
bool kvs_model_has_class(const struct kvs_model *m, u32 class);
/* Whether the ledger has all that it lives on. */
bool kvs_model_has_ledger(const struct kvs_model *m);

/* vcpu.c: one vCPU's records */
struct kvs_vcpu *kvs_vcpu_create(u16 vm, u16 id);
void kvs_vcpu_free(struct kvs_vcpu *v);
void kvs_vcpu_record(struct kvs_model *m, struct kvs_vcpu *v,
		     const struct kvs_record *rec);
/* The thread goes on with another vCPU, or the recording is over. */
void kvs_vcpu_leave(struct kvs_model *m, struct kvs_vcpu *v, u64 ts);
/*
 * The row for that, made where it is new.  A table has a limit, which only a
 * damaged file meets: all that is beyond goes to its last row, "others".
 */
struct kvs_exit_stats *kvs_exit_get(struct kvs_vcpu *v, u8 isa, u32 reason,
				    bool fastpath);
struct kvs_user_stats *kvs_user_get(struct kvs_vcpu *v, u32 reason);
struct kvs_taker *kvs_taker_get(struct kvs_switch_stats *sw, s32 pid,
				const char *comm, s16 prio);
#define KVS_OTHERS	"(others)"
#define KVS_OTHER_REASON	0xfffffffeU	/* 0xffffffff is SVM's error */

/* waits.c: what the records say to ledger and waits */
void kvs_ledger_record(struct kvs_model *m, struct kvs_vcpu *v,
		       const struct kvs_record *rec);
void kvs_wake_record(struct kvs_model *m, struct kvs_vcpu *v,
		     const struct kvs_record *rec);
void kvs_migrate_record(struct kvs_model *m, struct kvs_vcpu *v,
			const struct kvs_record *rec);
void kvs_holder_record(struct kvs_model *m, const struct kvs_record *rec);
void kvs_irq_steals(struct kvs_model *m, const struct kvs_record *rec);
void kvs_kernel_ledger(struct kvs_vcpu *v, const struct kvs_record *rec);
/* Records of a CPU were lost: of whom may they have been? */
void kvs_cpu_lost(struct kvs_model *m, unsigned int cpu);

/* irq.c: interrupts and timers of a vCPU */
void kvs_irq_record(struct kvs_model *m, struct kvs_vcpu *v,
		    const struct kvs_record *rec);
struct kvs_vector_stats *kvs_vector_get(struct kvs_vcpu *v, u8 vector);
/* The guest is entered, with what was injected. */
static inline void kvs_timer_entered(struct kvs_vcpu *v, u64 ts)
{
	if (v->timer.entry_due) {
		kvs_hist_add(&v->timer.inject_to_entry_ts, ts - v->timer.entry_due);
		v->timer.entry_due = 0;
	}
}
/* An exit is told, that ended at @end: was it for an interrupt's sake? */
void kvs_irq_kicked(struct kvs_vcpu *v, u64 end);
/* Nothing more comes of it: which timers are long overdue? */
void kvs_timer_watch(struct kvs_model *m, struct kvs_vcpu *v, u64 end);

/* host.c: the host's side */
void kvs_host_switch(struct kvs_model *m, const struct kvs_record *rec);
struct kvs_host_irq_stats *kvs_host_irq_get(struct kvs_host_irqs *irqs, u8 kind,
					    s32 irq, u16 vector, const char *name);
void kvs_host_irq_add(struct kvs_host_irqs *irqs, const struct kvs_record *rec);
void kvs_host_free(struct kvs_model *m);

#endif /* KVMSCHED_MODEL_H */

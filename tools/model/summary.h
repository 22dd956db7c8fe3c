/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sink behind the report: spans become counts and histograms, in the fields of
 * struct kvs_vcpu and struct kvs_task that are marked "summary".
 */
#ifndef KVMSCHED_SUMMARY_H
#define KVMSCHED_SUMMARY_H

#include "model/state.h"

void kvs_summary_listen(struct kvs_model *m);
/* Frees what the sink allocated for @v. */
void kvs_summary_free(struct kvs_vcpu *v);

/* @s may be NULL. */
void kvs_vector_free(struct kvs_vector_stats *s);

/*
 * The row for that, made where it is new.  A table has a limit, which only a
 * damaged file meets: all that is beyond goes to its last row, "others".
 */
struct kvs_exit_stats *kvs_exit_get(struct kvs_vcpu *v, u8 isa, bool l2, u32 reason,
				    bool fastpath);
struct kvs_user_stats *kvs_user_get(struct kvs_vcpu *v, u32 reason);
struct kvs_taker *kvs_taker_get(struct kvs_switch_stats *sw, s32 pid,
				const char *comm, s16 prio);
struct kvs_host_irq_stats *kvs_host_irq_get(struct kvs_host_irqs *irqs, u8 kind,
					    s32 irq, u16 vector, const char *name);
#define KVS_OTHERS	"(others)"
#define KVS_OTHER_REASON	0xfffffffeU	/* 0xffffffff is SVM's error */

#endif /* KVMSCHED_SUMMARY_H */

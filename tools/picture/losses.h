/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When records were lost: between which two records of their CPU, or after its last one.
 *
 * A page of the ring has a flag that some were lost before it.  Of the last ones that a CPU
 * lost no later page tells: that there were some, the closing records say, and nobody knows
 * when.  So it can have been at any time until the recording ended.
 */
#ifndef KVMSCHED_LOSSES_H
#define KVMSCHED_LOSSES_H

#include "model/model.h"

struct kvs_loss {
	unsigned int cpu;
	u64 from, to;		/* time stamps */
	s64 records;		/* -1: nobody counted them */
	unsigned int times;	/* more than 1: losses between which there were records */
	bool last;		/* after the last record of its CPU */
};

/* All zeroes is one that has seen no record. */
struct kvs_losses {
	struct kvs_loss *list;		/* in the order of their ends */
	unsigned int nr;
	struct kvs_loss_cpu {
		u64 last;		/* time stamp of its last record; 0: none */
		s64 pending;		/* lost since then, or -1 */
	} *cpus;
	unsigned int nr_cpus;
};

/* Both before the model gets it.  Records that close the recording are none of a CPU's. */
void kvs_losses_record(struct kvs_losses *l, const struct kvs_record *rec);
void kvs_losses_missed(struct kvs_losses *l, unsigned int cpu, s64 records);
/* After the last record, with a model that has read all */
void kvs_losses_finish(struct kvs_losses *l, const struct kvs_model *m);
void kvs_losses_free(struct kvs_losses *l);

#endif /* KVMSCHED_LOSSES_H */

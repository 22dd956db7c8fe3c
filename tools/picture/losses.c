// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds out when records were lost.
 */
#include <stdlib.h>

#include "base/util.h"
#include "picture/losses.h"

#define MAX_LOSSES	1000	/* that are told apart */

static struct kvs_loss_cpu *cpu_of(struct kvs_losses *l, unsigned int cpu)
{
	l->cpus = xgrow(l->cpus, &l->nr_cpus, cpu, sizeof(*l->cpus));
	return &l->cpus[cpu];
}

static s64 sum(s64 a, s64 b)
{
	return a < 0 || b < 0 ? -1 : a + b;
}

/* The last loss of a CPU, which takes up further ones once there are too many */
static struct kvs_loss *last_of(struct kvs_losses *l, unsigned int cpu)
{
	for (unsigned int i = l->nr; i; i--)
		if (l->list[i - 1].cpu == cpu)
			return &l->list[i - 1];
	return NULL;
}

static void add(struct kvs_losses *l, const struct kvs_loss *loss)
{
	struct kvs_loss *old = l->nr >= MAX_LOSSES && !loss->last ? last_of(l, loss->cpu) : NULL;

	if (old) {
		old->to = loss->to;
		old->records = sum(old->records, loss->records);
		old->times++;
		return;
	}
	l->list = xrealloc(l->list, (l->nr + 1) * sizeof(*l->list));
	l->list[l->nr++] = *loss;
}

void kvs_losses_missed(struct kvs_losses *l, unsigned int cpu, s64 records)
{
	struct kvs_loss_cpu *c = cpu_of(l, cpu);

	c->pending = sum(c->pending, records < 0 ? -1 : records);
}

static void end_loss(struct kvs_losses *l, unsigned int cpu, u64 to, bool last)
{
	struct kvs_loss_cpu *c = &l->cpus[cpu];

	if (c->pending)
		add(l, &(struct kvs_loss){ .cpu = cpu, .from = c->last, .to = to,
			.records = c->pending, .times = 1, .last = last });
	c->pending = 0;
}

void kvs_losses_record(struct kvs_losses *l, const struct kvs_record *rec)
{
	struct kvs_loss_cpu *c = cpu_of(l, rec->cpu);

	if (rec->event == KS_EV_lost || rec->event == KS_EV_session)
		return;
	if (c->pending)
		end_loss(l, rec->cpu, rec->ts, false);
	c->last = rec->ts;
}

void kvs_losses_finish(struct kvs_losses *l, const struct kvs_model *m)
{
	u64 start = kvs_model_start_ts(m), end = start + kvs_model_duration_ts(m);

	for (unsigned int cpu = 0; cpu < m->nr_cpu_loss; cpu++) {
		const struct kvs_cpu_loss *loss = &m->cpu_loss[cpu];

		/* Where some flags have no count, what is left may have been lost there. */
		if (loss->closing > loss->flagged && !loss->uncounted)
			kvs_losses_missed(l, cpu, loss->closing - loss->flagged);
	}
	for (unsigned int cpu = 0; cpu < l->nr_cpus; cpu++)
		end_loss(l, cpu, end > l->cpus[cpu].last ? end : l->cpus[cpu].last, true);
	for (unsigned int i = 0; i < l->nr; i++)
		if (l->list[i].from < start)
			l->list[i].from = start;
}

void kvs_losses_free(struct kvs_losses *l)
{
	free(l->list);
	free(l->cpus);
}

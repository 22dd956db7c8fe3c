// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's synthetic timers, by Hyper-V's interface.
 */
#include "base/util.h"
#include "model/clock.h"
#include "model/model.h"

static void deliver(struct kvs_model *m, struct kvs_stimer *t, const struct kvs_record *rec)
{
	t->delivered++;
	t->direct = rec->stimer.direct;
	/* The TSC of this CPU may be behind that of the one where it was armed. */
	if (t->due.known && t->due.epoch == m->epoch &&
	    kvs_excerpt_has(&m->counting.excerpt, rec->ts))
		kvs_hist_add(&t->late_ts, rec->ts > t->due.ts ? rec->ts - t->due.ts : 0);
	t->due.known = false;
}

void kvs_stimer_record(struct kvs_model *m, struct kvs_vcpu *v, const struct kvs_record *rec)
{
	struct kvs_stimer *t;

	if (rec->stimer.timer >= KS_STIMERS)
		return;
	if (!v->stimers)
		v->stimers = xcalloc(KS_STIMERS, sizeof(*v->stimers));
	t = &v->stimers[rec->stimer.timer];
	switch (rec->stimer.what) {
	case KS_STIMER_ARMED:
		t->armed++;
		t->periodic = rec->stimer.periodic;
		t->due.ts = rec->ts + kvs_ts_of_cycles(m, rec->stimer.ahead_cycles);
		t->due.epoch = m->epoch;
		t->due.known = true;
		break;
	case KS_STIMER_STOPPED:
		t->due.known = false;
		break;
	case KS_STIMER_DELIVERED:
		deliver(m, t, rec);
		break;
	case KS_STIMER_REFUSED:
		t->refused++;
		break;
	}
}

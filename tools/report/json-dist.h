/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Distributions as JSON; null where there are no values, or their unit is not known.
 */
#ifndef KVMSCHED_JSON_DIST_H
#define KVMSCHED_JSON_DIST_H

#include <jansson.h>

#include "base/hist.h"
#include "report/json-number.h"

static inline json_t *summary(const struct kvs_summary *s, bool known)
{
	if (!known)
		return json_null();
	return json_pack("{sI sI sf sI sI sI sI sI}",
			 "count", clamp(s->count), "min", (json_int_t)s->min,
			 "avg", s->avg, "p50", (json_int_t)s->p50,
			 "p99", (json_int_t)s->p99, "p999", (json_int_t)s->p999,
			 "max", (json_int_t)s->max, "total", clamp(s->total));
}

static inline json_t *dist(const struct kvs_hist *h, const struct kvs_scale *scale)
{
	struct kvs_summary s;
	bool known = kvs_hist_summary(h, scale, &s);

	return summary(&s, known);
}

static inline json_t *signed_dist(const struct kvs_shist *h, const struct kvs_scale *scale)
{
	struct kvs_summary s;
	bool known = kvs_shist_summary(h, scale, &s);

	return summary(&s, known);
}

#endif /* KVMSCHED_JSON_DIST_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers as JSON, which has no larger ones than an int64_t.
 */
#ifndef KVMSCHED_JSON_NUMBER_H
#define KVMSCHED_JSON_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/hist.h"
#include "trace/schema.h"

static inline json_int_t clamp(kvs_s128 n)
{
	if (n > INT64_MAX)
		return INT64_MAX;
	return n < INT64_MIN ? INT64_MIN : n;
}

static inline json_t *number(u64 n)
{
	return json_integer(clamp(n));
}

static inline json_t *number_if(bool known, u64 n)
{
	return known ? number(n) : json_null();
}

#endif /* KVMSCHED_JSON_NUMBER_H */

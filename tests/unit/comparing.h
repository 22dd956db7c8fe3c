/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests of comparisons share.
 */
#ifndef COMPARING_H
#define COMPARING_H

#include "compare/compare.h"

#define MS		1000000ULL
#define SECOND		(1000 * MS)
#define BASE		(5 * SECOND)	/* the first record; 1 cycle is 1 ns */

static const struct kvs_select everything = { .vm = KVS_ANY_VM, .vcpu = -1 };

static const struct kvs_settings settings = {
	.by = KVS_BY_ROUND, .statistic = 0.5, .seed = 1,
	.metrics = (1U << KVS_NR_METRICS) - 1,
};

#endif /* COMPARING_H */

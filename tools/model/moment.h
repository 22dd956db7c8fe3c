/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A moment in words, for reports and for `record --stop-on`.
 */
#ifndef KVMSCHED_MOMENT_H
#define KVMSCHED_MOMENT_H

#include "model/clock.h"
#include "model/worst.h"

/* One sentence without a newline; the caller frees it. */
char *kvs_moment_sentence(const struct kvs_model *m, const struct kvs_times *times,
			  const struct kvs_moment *moment);

#endif /* KVMSCHED_MOMENT_H */

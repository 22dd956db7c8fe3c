/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * FEED: hands a record to a model, as if a file had held it.
 */
#ifndef FEED_H
#define FEED_H

#include "model/model.h"

/* Event @name at @ts_ on @cpu_, of thread @pid_; its fields as in record_list.h, by name */
#define FEED(model, ts_, cpu_, pid_, name, ...) do {			\
	struct kvs_record rec_ = {					\
		.ts = (ts_), .event = KS_EV_##name, .cpu = (cpu_),	\
		.name = { __VA_ARGS__ },				\
	};								\
									\
	rec_.ent.pid = (pid_);						\
	kvs_model_record(model, &rec_);					\
} while (0)

#endif /* FEED_H */

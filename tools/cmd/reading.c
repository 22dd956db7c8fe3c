// SPDX-License-Identifier: GPL-2.0-only
/*
 * One reading of a recording; see reading.h.
 */
#include "cmd/reading.h"

bool kvs_reading_begin(struct kvs_reading *r, const char *path)
{
	r->trace = kvs_trace_open(path);
	if (!r->trace)
		return false;
	kvs_model_init(&r->model);
	return true;
}

bool kvs_reading_all(struct kvs_reading *r)
{
	const struct kvs_trace_info *info = kvs_trace_info(r->trace);
	const struct kvs_sink sink = {
		.record = kvs_model_record, .missed = kvs_model_missed, .ctx = &r->model,
	};
	bool whole;

	kvs_model_clock(&r->model, info->clock == KVS_CLOCK_NS, info->tsc_mult,
			info->tsc_shift);
	whole = kvs_trace_read(r->trace, &sink);
	kvs_model_finish(&r->model);
	kvs_model_name_vms(&r->model, &info->names);
	kvs_times_init(&r->times, info, &r->model);
	return whole;
}

u64 kvs_reading_ts(const struct kvs_reading *r, double seconds)
{
	return kvs_ts_after(&r->times, kvs_model_start_ts(&r->model), seconds);
}

void kvs_reading_end(struct kvs_reading *r)
{
	kvs_model_free(&r->model);
	kvs_trace_close(r->trace);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * One reading of a recording; see reading.h.
 */
#include "base/log.h"
#include "cmd/reading.h"

bool kvs_reading_begin(struct kvs_reading *r, const char *path)
{
	r->trace = kvs_trace_open(path);
	if (!r->trace)
		return false;
	kvs_model_init(&r->model);
	r->also = NULL;
	return true;
}

static void tell_both(void *ctx, const struct kvs_record *rec)
{
	struct kvs_reading *r = ctx;

	r->also->record(r->also->ctx, rec);
	kvs_model_record(&r->model, rec);
}

static void tell_both_missed(void *ctx, unsigned int cpu, s64 count)
{
	struct kvs_reading *r = ctx;

	r->also->missed(r->also->ctx, cpu, count);
	kvs_model_missed(&r->model, cpu, count);
}

bool kvs_reading_all(struct kvs_reading *r)
{
	const struct kvs_trace_info *info = kvs_trace_info(r->trace);
	const struct kvs_sink model = {
		.record = kvs_model_record, .missed = kvs_model_missed, .ctx = &r->model,
	};
	const struct kvs_sink both = {
		.record = tell_both, .missed = tell_both_missed, .ctx = r,
	};
	bool whole;

	kvs_model_clock(&r->model, info->clock == KVS_CLOCK_NS, info->tsc_mult,
			info->tsc_shift);
	whole = kvs_trace_read(r->trace, r->also ? &both : &model);
	kvs_model_finish(&r->model);
	kvs_model_name_vms(&r->model, &info->names);
	kvs_times_init(&r->times, info, &r->model);
	return whole;
}

u64 kvs_reading_ts(const struct kvs_reading *r, double seconds)
{
	return kvs_ts_after(&r->times, kvs_model_start_ts(&r->model), seconds);
}

static bool find_excerpt(const struct kvs_reading *r, const char *path, double from_s,
			 double to_s, u64 *from, u64 *to)
{
	u64 duration = kvs_model_duration_ts(&r->model);

	if (!kvs_model_records(&r->model)) {
		kvs_err("%s: no kvmsched records in it", path);
		return false;
	}
	if (!r->times.ts.known) {
		kvs_err("%s: the TSC's rate is not known, so --from and --to mean no time", path);
		return false;
	}
	*from = from_s > 0 ? kvs_reading_ts(r, from_s) : 0;
	*to = to_s > 0 ? kvs_reading_ts(r, to_s) : UINT64_MAX;
	if (*from >= *to) {
		kvs_err("--from is not before --to");
		return false;
	}
	if (*from >= kvs_model_start_ts(&r->model) + duration && *from) {
		kvs_err("%s: nothing to report: it lasts %.6f s, and --from is %g s", path,
			kvs_scale(&r->times.ts, duration) / 1e9, from_s);
		return false;
	}
	return true;
}

bool kvs_reading_excerpt(const char *path, double from_s, double to_s, u64 *from, u64 *to)
{
	struct kvs_reading r;
	bool ok;

	if (!kvs_reading_begin(&r, path))
		return false;
	ok = kvs_reading_all(&r) && find_excerpt(&r, path, from_s, to_s, from, to);
	kvs_reading_end(&r);
	return ok;
}

void kvs_reading_end(struct kvs_reading *r)
{
	kvs_model_free(&r->model);
	kvs_trace_close(r->trace);
}

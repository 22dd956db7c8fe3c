// SPDX-License-Identifier: GPL-2.0-only
/*
 * One reading of a recording; see reading.h.
 */
#include <stdlib.h>

#include "base/log.h"
#include "cmd/reading.h"

bool kvs_reading_begin(struct kvs_reading *r, const char *path)
{
	r->trace = kvs_trace_open(path);
	if (!r->trace)
		return false;
	kvs_model_init(&r->model);
	r->also = NULL;
	r->clocks = (struct kvs_clocks){ 0 };
	return true;
}

static void tell_both(void *ctx, const struct kvs_record *rec)
{
	struct kvs_reading *r = ctx;

	r->also->record(r->also->ctx, rec);
	kvs_model_record(&r->model, rec);
}

static void foretell_model(void *ctx, const struct kvs_record *rec)
{
	struct kvs_reading *r = ctx;

	kvs_model_foretold(&r->model, rec);
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
		.record = kvs_model_record, .missed = kvs_model_missed,
		.foretold = kvs_model_foretold, .ctx = &r->model,
	};
	const struct kvs_sink both = {
		.record = tell_both, .missed = tell_both_missed, .foretold = foretell_model,
		.ctx = r,
	};
	bool whole;

	kvs_model_clock(&r->model, info->clock == KVS_CLOCK_NS, info->tsc_mult,
			info->tsc_shift);
	whole = kvs_trace_read(r->trace, r->also ? &both : &model);
	kvs_model_finish(&r->model);
	kvs_model_name_vms(&r->model, &info->names);
	kvs_times_init(&r->times, info, &r->model);
	kvs_clocks_init(&r->clocks, info, &r->times);
	return whole;
}

bool kvs_reading_part(const struct kvs_reading *r, const char *path, const struct kvs_when *from,
		      const struct kvs_when *to, u64 *from_ts, u64 *to_ts)
{
	const u64 start = kvs_model_start_ts(&r->model);
	const struct kvs_frame_of_time frame = {
		.clocks = &r->clocks, .start = start, .begin = start,
		.end = start + kvs_model_duration_ts(&r->model),
	};
	char *why;

	if (kvs_when_part(from, to, &frame, from_ts, to_ts, &why))
		return true;
	kvs_err("%s: %s", path, why);
	free(why);
	return false;
}

void kvs_reading_refuse(const struct kvs_reading *r, const char *path, const char *what,
			const struct kvs_when *from)
{
	const u64 duration = kvs_model_duration_ts(&r->model);
	char *text = kvs_when_text(from);

	kvs_err("%s: nothing to %s: it lasts %.6f s, and --from is %s", path, what,
		kvs_scale(&r->times.ts, duration) / 1e9, text);
	free(text);
}

static bool find_excerpt(const struct kvs_reading *r, const char *path,
			 const struct kvs_when *from, const struct kvs_when *to, u64 *from_ts,
			 u64 *to_ts)
{
	if (!kvs_model_records(&r->model)) {
		kvs_err("%s: no kvmsched records in it", path);
		return false;
	}
	if (!r->times.ts.known) {
		kvs_err("%s: the TSC's rate is not known, so --from and --to mean no time", path);
		return false;
	}
	if (!kvs_reading_part(r, path, from, to, from_ts, to_ts))
		return false;
	if (*from_ts && *from_ts >= kvs_model_start_ts(&r->model) +
				    kvs_model_duration_ts(&r->model)) {
		kvs_reading_refuse(r, path, "report", from);
		return false;
	}
	return true;
}

bool kvs_reading_excerpt(const char *path, const struct kvs_when *from,
			 const struct kvs_when *to, u64 *from_ts, u64 *to_ts,
			 double *from_s, double *to_s)
{
	struct kvs_reading r;
	bool ok;

	if (!kvs_reading_begin(&r, path))
		return false;
	ok = kvs_reading_all(&r) && find_excerpt(&r, path, from, to, from_ts, to_ts);
	if (ok && from_s)
		*from_s = kvs_seconds_since_begin(&r.model, &r.times, *from_ts);
	if (ok && to_s)
		*to_s = *to_ts == UINT64_MAX ? 0 :
			kvs_seconds_since_begin(&r.model, &r.times, *to_ts);
	kvs_reading_end(&r);
	return ok;
}

void kvs_reading_end(struct kvs_reading *r)
{
	kvs_clocks_free(&r->clocks);
	kvs_model_free(&r->model);
	kvs_trace_close(r->trace);
}

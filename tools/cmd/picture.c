// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched report --svg: a still of the time line.
 *
 * The recording is read twice: which vCPUs there are, and how long it lasts, is known only
 * at its end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/picture.h"
#include "model/clock.h"
#include "picture/svg.h"
#include "trace/load.h"

#define COLUMNS	1000

/* One reading of the recording */
struct reading {
	struct kvs_trace *trace;
	struct kvs_model model;
	struct kvs_times times;
};

static bool begin_reading(struct reading *r, const char *path)
{
	r->trace = kvs_trace_open(path);
	if (!r->trace)
		return false;
	kvs_model_init(&r->model);
	return true;
}

static bool read_all(struct reading *r)
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

static void end_reading(struct reading *r)
{
	kvs_model_free(&r->model);
	kvs_trace_close(r->trace);
}

/* Which time stamps are meant; false after a message */
static bool choose_frame(const struct kvs_picture *p, const struct reading *r,
			 struct kvs_frame *frame)
{
	const struct kvs_model *m = &r->model;
	const struct kvs_scale to_ts = kvs_scale_inverse(&r->times.ts);
	u64 start = m->started ? m->start_ts : m->first_ts;
	u64 end = start + kvs_model_duration_ts(m);

	frame->columns = COLUMNS;
	frame->from = start + kvs_scale(&to_ts, p->from * 1e9);
	frame->to = p->to > 0 ? start + kvs_scale(&to_ts, p->to * 1e9) : end;
	if (frame->to > end)
		frame->to = end;
	if (frame->from < frame->to)
		return true;
	if (!kvs_model_records(m))
		kvs_err("%s: no kvmsched records in it", p->path);
	else
		kvs_err("%s: nothing to draw: it lasts %.6f s, and --from is %g s", p->path,
			kvs_scale(&r->times.ts, end - start) / 1e9, p->from);
	return false;
}

/* The vCPUs that are meant, in the order of the report; returns how many don't fit. */
static unsigned int choose_vcpus(const struct kvs_picture *p, const struct kvs_model *m,
				 struct kvs_still *still)
{
	unsigned int hidden = 0;

	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		if (kvs_selected(&p->select, m->vcpus[i]))
			hidden += !kvs_still_want(still, m->vcpus[i]->vm, m->vcpus[i]->id);
	return hidden;
}

static bool write_file(const struct kvs_picture *p, const struct kvs_still *still,
		       const struct reading *r, unsigned int hidden)
{
	FILE *f = fopen(p->file, "w");
	bool ok;

	if (!f) {
		kvs_errno("can't write %s", p->file);
		return false;
	}
	kvs_svg_write(f, still, &r->model, &r->times, p->path, hidden);
	ok = !ferror(f);
	ok &= !fclose(f);
	if (!ok)
		kvs_errno("can't write %s", p->file);
	return ok;
}

static int draw(const struct kvs_picture *p, struct kvs_still *still, unsigned int hidden)
{
	struct reading r;
	bool ok;

	if (!begin_reading(&r, p->path))
		return KVS_EXIT_FAILED;
	kvs_still_listen(still, &r.model);
	ok = read_all(&r);
	kvs_still_finish(still);
	ok &= write_file(p, still, &r, hidden);
	end_reading(&r);
	return ok ? KVS_EXIT_OK : KVS_EXIT_FAILED;
}

int kvs_picture_make(const struct kvs_picture *p)
{
	int status = KVS_EXIT_FAILED;
	struct kvs_still still;
	struct kvs_frame frame;
	unsigned int hidden;
	struct reading r;

	if (!begin_reading(&r, p->path))
		return KVS_EXIT_FAILED;
	/* What can't be read is told by the second reading, too: once is enough. */
	if (read_all(&r) && choose_frame(p, &r, &frame)) {
		kvs_still_init(&still, &frame);
		hidden = choose_vcpus(p, &r.model, &still);
		status = still.nr_vcpus ? draw(p, &still, hidden) : KVS_EXIT_FAILED;
		if (!still.nr_vcpus)
			kvs_err("%s: no such vCPU in it", p->path);
		kvs_still_free(&still);
	}
	end_reading(&r);
	return status;
}

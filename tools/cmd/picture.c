// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched report --svg: a still of the time line.
 *
 * The recording is read twice: which vCPUs there are, and how long it lasts, is known only
 * at its end.  What guests recorded of themselves is read before.
 */
#include <stdio.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/picture.h"
#include "cmd/reading.h"
#include "picture/svg.h"

#define COLUMNS	1000

bool kvs_picture_guests(struct kvs_picture *p)
{
	p->guests.host_path = p->path;
	p->guests.select = p->select;
	return !p->guests.nr || kvs_guest_set_read(&p->guests);
}

bool kvs_picture_frame(const struct kvs_picture *p, const struct kvs_reading *r, u64 *from,
		       u64 *to, u64 excerpt[2])
{
	const struct kvs_model *m = &r->model;
	u64 start = kvs_model_start_ts(m);
	u64 end = start + kvs_model_duration_ts(m);

	if (!kvs_model_records(m)) {
		kvs_err("%s: no kvmsched records in it", p->path);
		return false;
	}
	if (!kvs_reading_part(r, p->path, &p->from, &p->to, from, to))
		return false;
	if (excerpt) {
		excerpt[0] = *from;
		excerpt[1] = *to;
	}
	if (*from < start)
		*from = start;
	if (*to > end)
		*to = end;
	if (*from < *to)
		return true;
	kvs_reading_refuse(r, p->path, "draw", &p->from);
	return false;
}

/* The vCPUs that are meant, in the order of the report; returns how many don't fit. */
static unsigned int choose_vcpus(const struct kvs_picture *p, const struct kvs_model *m,
				 struct kvs_still *still)
{
	unsigned int hidden = 0;

	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		if (kvs_selected(&p->select, m->vcpus[i]))
			hidden += !kvs_still_want(still, m->vcpus[i]);
	return hidden;
}

bool kvs_picture_write(const char *name, bool (*put)(FILE *f, void *ctx), void *ctx)
{
	FILE *f = fopen(name, "w");
	bool ok;

	if (!f) {
		kvs_errno("can't write %s", name);
		return false;
	}
	ok = put(f, ctx);
	ok &= !fclose(f);
	if (!ok)
		kvs_errno("can't write %s", name);
	return ok;
}

/* What becomes a file */
struct drawing {
	const struct kvs_picture *picture;
	const struct kvs_still *still;
	const struct kvs_reading *reading;
	unsigned int hidden;
};

static bool put_svg(FILE *f, void *ctx)
{
	const struct drawing *d = ctx;

	kvs_svg_write(f, d->still, &d->reading->model, &d->reading->times, d->picture->path,
		      d->hidden);
	return !ferror(f);
}

static int draw(const struct kvs_picture *p, struct kvs_still *still, unsigned int hidden)
{
	struct kvs_reading r;
	struct drawing drawing = {
		.picture = p, .still = still, .reading = &r, .hidden = hidden,
	};
	bool ok;

	if (!kvs_reading_begin(&r, p->path))
		return KVS_EXIT_FAILED;
	kvs_still_listen(still, &r.model);
	ok = kvs_reading_all(&r);
	kvs_guest_lanes(&p->guests, still->frame.from, still->frame.to, &still->lanes,
			kvs_still_guest, still);
	kvs_still_finish(still);
	ok &= kvs_picture_write(p->svg, put_svg, &drawing);
	kvs_reading_end(&r);
	return ok ? KVS_EXIT_OK : KVS_EXIT_FAILED;
}

int kvs_picture_make(struct kvs_picture *p)
{
	int status = KVS_EXIT_FAILED;
	struct kvs_still still;
	struct kvs_frame frame = { .columns = COLUMNS };
	unsigned int hidden;
	struct kvs_reading r;

	if (!kvs_picture_guests(p) || !kvs_reading_begin(&r, p->path))
		return KVS_EXIT_FAILED;
	/* What can't be read is told by the second reading, too: once is enough. */
	if (kvs_reading_all(&r) && kvs_picture_frame(p, &r, &frame.from, &frame.to, NULL)) {
		kvs_still_init(&still, &frame);
		hidden = choose_vcpus(p, &r.model, &still);
		status = still.lanes.nr_vcpus ? draw(p, &still, hidden) : KVS_EXIT_FAILED;
		if (!still.lanes.nr_vcpus)
			kvs_err("%s: no such vCPU in it", p->path);
		kvs_still_free(&still);
	}
	kvs_reading_end(&r);
	return status;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched report --html: a page for a browser.
 *
 * The recording is read twice.  The first reading finds the vCPUs, how long it lasts, its
 * worst moments, and where its spans are: so the second knows which of them to keep.  Tables
 * and moments of an excerpt come from a reading between the two: which time stamps are meant
 * is known after the first alone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/picture.h"
#include "cmd/reading.h"
#include "model/summary.h"
#include "picture/page.h"

#define MANY_MOMENTS	1000	/* the worst of all, so that some of those selected are among them */
#define ROWS		50	/* of each kind of details, and of the worst moments */
#define WINDOW_SPANS	12000	/* in each window, roughly */

/* What the first reading finds, and that of the excerpt */
struct survey {
	struct kvs_reading reading;
	struct kvs_reading excerpt;
	bool has_excerpt;		/* it was begun */
	struct kvs_worst worst;
	struct kvs_alike alike;
	struct kvs_details details;
	struct kvs_io io;
	struct kvs_density density;
	struct kvs_view view;
	struct kvs_window frame;	/* time stamps */
	u64 asked[2];			/* time stamps that --from and --to mean */
};

static void take_span(void *ctx, const struct kvs_span *span)
{
	kvs_density_add(ctx, span->end);
}

/* What tables and lists are made of */
static void listen(struct survey *s, struct kvs_model *m)
{
	kvs_summary_listen(m);
	kvs_worst_listen(&s->worst, m);
	kvs_alike_listen(&s->alike, m);
	kvs_details_listen(&s->details, m);
	kvs_io_listen(&s->io, m);
}

static bool is_excerpt(const struct kvs_picture *p)
{
	return p->from.kind != KVS_WHEN_OPEN || p->to.kind != KVS_WHEN_OPEN;
}

/* As `kvmsched report --from --to` reads it; false after a message */
static bool excerpt_read(struct survey *s, const struct kvs_picture *p)
{
	struct kvs_reading *r = &s->excerpt;

	s->has_excerpt = kvs_reading_begin(r, p->path);
	if (!s->has_excerpt)
		return false;
	kvs_model_excerpt(&r->model, s->asked[0], s->asked[1]);
	listen(s, &r->model);
	return kvs_reading_all(r);
}

/* Read all of it, and choose the time that the page shows; false after a message */
static bool survey_read(struct survey *s, const struct kvs_picture *p)
{
	struct kvs_reading *r = &s->reading;

	kvs_worst_init(&s->worst, MANY_MOMENTS, (1U << KVS_MOMENT_KINDS) - 1);
	kvs_alike_init(&s->alike, (1U << KVS_MOMENT_KINDS) - 1);
	kvs_details_init(&s->details);
	kvs_io_init(&s->io);
	if (is_excerpt(p))
		kvs_summary_listen(&r->model);
	else
		listen(s, &r->model);
	kvs_sinks_add(&r->model.sinks, kvs_collect_kinds(), take_span, &s->density);
	if (!kvs_reading_all(r) || !kvs_picture_frame(p, r, &s->frame.from, &s->frame.to,
						       s->asked))
		return false;
	if (!r->times.ts.known || !r->times.cycles.known) {
		kvs_err("%s: the rate of its clock is unknown, so nothing in it has a length in ns",
			p->path);
		return false;
	}
	if (is_excerpt(p) && !excerpt_read(s, p))
		return false;
	kvs_worst_sort(&s->worst);
	kvs_io_finish(&s->io);
	return true;
}

static void survey_view(struct survey *s, const struct kvs_picture *p)
{
	const struct kvs_reading *shown = s->has_excerpt ? &s->excerpt : &s->reading;

	s->view = (struct kvs_view){
		.path = p->path, .info = kvs_trace_info(shown->trace),
		.decoder = kvs_trace_decoder(shown->trace), .model = &shown->model,
		.worst = &s->worst, .alike = &s->alike, .details = &s->details,
		.io = &s->io,
		.top = ROWS, .select = p->select,
	};
	kvs_view_init(&s->view);
}

static s64 ns_of(const struct kvs_collect *c, u64 ts)
{
	return kvs_ns_from(c->times, c->start, ts);
}

/* Windows at both ends and around the worst moments, in ns */
static void choose_windows(const struct survey *s, struct kvs_collect *c)
{
	const struct kvs_moment *moments[KVS_PAGE_MOMENTS];
	unsigned int nr = kvs_page_moments(&s->view, moments);
	const struct kvs_window *frame = &s->frame;
	struct kvs_windows *w = &c->windows;

	kvs_windows_add(w, &s->density, frame, frame->from, frame->from + 1, WINDOW_SPANS);
	kvs_windows_add(w, &s->density, frame, frame->to - 1, frame->to, WINDOW_SPANS);
	for (unsigned int i = 0; i < nr; i++)
		kvs_windows_add(w, &s->density, frame, moments[i]->begin, moments[i]->end,
				WINDOW_SPANS);
	for (unsigned int i = 0; i < w->nr; i++) {
		w->windows[i].from = ns_of(c, w->windows[i].from);
		w->windows[i].to = ns_of(c, w->windows[i].to);
	}
}

static unsigned int choose_vcpus(const struct kvs_picture *p, const struct kvs_model *m,
				 struct kvs_lanes *lanes)
{
	unsigned int hidden = 0;

	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		if (kvs_selected(&p->select, m->vcpus[i]))
			hidden += !kvs_lanes_want(lanes, m->vcpus[i]);
	return hidden;
}

/*
 * How many bins a lane has where the browser makes them of all spans: the more lanes, the
 * fewer, since its memory has to suffice.  How many CPUs will have a lane is not known yet:
 * as many as vCPUs, as a rule.
 */
static unsigned int bins_of(const struct kvs_lanes *lanes)
{
	unsigned int bins = KVS_PAGE_BINS;

	for (unsigned int nr = 2 * lanes->nr_vcpus; nr > KVS_PAGE_LANES; nr /= 2)
		bins /= 2;
	return bins;
}

/* As --guest has them; the caller frees both. */
static char **guest_options(const struct kvs_guest_set *set)
{
	char **options = xcalloc(set->nr + 1, sizeof(*options));

	for (size_t i = 0; i < set->nr; i++) {
		const struct kvs_joined *g = &set->guests[i].joined;
		char *vm = kvs_vm_is_any(&g->vm) ? NULL : kvs_vm_id_text(&g->vm);

		options[i] = vm ? xasprintf("%s=%s", vm, g->side.path) : xstrdup(g->side.path);
		free(vm);
	}
	return options;
}

/* What is to be collected; false after a message */
static bool plan(const struct survey *s, const struct kvs_picture *p, struct kvs_collect *c)
{
	c->times = &s->reading.times;
	c->start = kvs_model_start_ts(&s->reading.model);
	c->frame.from = ns_of(c, s->frame.from);
	c->frame.to = ns_of(c, s->frame.to);
	c->whole = kvs_density_count(&s->density, s->frame.from, s->frame.to + 1) <=
		   (u64)p->spans;
	if (c->frame.from >= c->frame.to || c->frame.to > KVS_BAR_MAX_NS) {
		kvs_err("%s: a page can't show %.3f s", p->path,
			(c->frame.to - c->frame.from) / 1e9);
		kvs_hint("take a part of it: --from, --to");
		return false;
	}
	kvs_bins_divide(&c->frame, c->whole ? bins_of(&c->lanes) : KVS_PAGE_BINS);
	choose_windows(s, c);
	return true;
}

static void take_record(void *ctx, const struct kvs_record *rec)
{
	kvs_losses_record(ctx, rec);
}

static void take_missed(void *ctx, unsigned int cpu, s64 count)
{
	kvs_losses_missed(ctx, cpu, count);
}

static bool put_page(FILE *f, void *ctx)
{
	return kvs_page_write(f, ctx);
}

static int collect_and_write(const struct survey *s, const struct kvs_picture *p,
			     struct kvs_collect *c, unsigned int hidden)
{
	struct kvs_losses losses = { 0 };
	const struct kvs_sink also = {
		.record = take_record, .missed = take_missed, .ctx = &losses,
	};
	struct kvs_reading r;
	struct kvs_page page = {
		.command = p->command, .view = &s->view, .collect = c, .model = &r.model,
		.losses = &losses, .hidden = hidden, .nr_guests = p->guests.nr,
		.large = p->large,
	};
	char **guests;
	bool ok;

	if (!kvs_reading_begin(&r, p->path))
		return KVS_EXIT_FAILED;
	page.guests = guests = guest_options(&p->guests);
	kvs_collect_listen(c, &r.model);
	r.also = &also;
	ok = kvs_reading_all(&r);
	kvs_losses_finish(&losses, &r.model);
	/* A CPU that lost records has a lane, if nothing else is known of it, too. */
	for (unsigned int i = 0; i < losses.nr; i++)
		kvs_lanes_cpu(&c->lanes, losses.list[i].cpu);
	kvs_guest_lanes(&p->guests, s->frame.from, s->frame.to, &c->lanes, kvs_collect_guest, c);
	kvs_collect_sort(c);
	ok &= kvs_picture_write(p->html, put_page, &page);
	for (size_t i = 0; i < p->guests.nr; i++)
		free(guests[i]);
	free(guests);
	kvs_losses_free(&losses);
	kvs_reading_end(&r);
	return ok ? KVS_EXIT_OK : KVS_EXIT_FAILED;
}

static int make(struct survey *s, const struct kvs_picture *p)
{
	struct kvs_collect *c = xcalloc(1, sizeof(*c));
	unsigned int hidden = choose_vcpus(p, &s->reading.model, &c->lanes);
	int status = KVS_EXIT_FAILED;

	kvs_lanes_want_tasks(&c->lanes, &s->reading.model);
	if (!c->lanes.nr_vcpus)
		kvs_err("%s: no such vCPU in it", p->path);
	else if (plan(s, p, c))
		status = collect_and_write(s, p, c, hidden);
	kvs_collect_free(c);
	free(c);
	return status;
}

int kvs_page_make(struct kvs_picture *p)
{
	struct survey *s;
	int status = KVS_EXIT_FAILED;

	if (!kvs_picture_guests(p))
		return KVS_EXIT_FAILED;
	s = xcalloc(1, sizeof(*s));
	if (kvs_reading_begin(&s->reading, p->path)) {
		if (survey_read(s, p)) {
			survey_view(s, p);
			status = make(s, p);
			kvs_view_free(&s->view);
		}
		kvs_io_free(&s->io);
		kvs_details_free(&s->details);
		kvs_alike_free(&s->alike);
		kvs_worst_free(&s->worst);
		if (s->has_excerpt)
			kvs_reading_end(&s->excerpt);
		kvs_reading_end(&s->reading);
	}
	free(s);
	return status;
}

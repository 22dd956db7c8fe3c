// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a page: page.html, with JSON, bars and bins in their places.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "picture/assets.h"
#include "picture/page-json.h"
#include "picture/page.h"
#include "picture/template.h"

#define MAX_BARS_SIZE	1500000		/* of the bars in windows */
#define MIN_BINS_SIZE	100000		/* of the bins, however large the rest is */
#define BIN_JSON_SIZE	80		/* what the JSON says of a lane's bins, at most */

unsigned int kvs_page_moments(const struct kvs_view *view,
			      const struct kvs_moment *moments[KVS_PAGE_MOMENTS])
{
	const struct kvs_worst *w = view->worst;
	unsigned int nr = 0;

	for (unsigned int i = 0; i < w->count && nr < KVS_PAGE_MOMENTS; i++)
		if (kvs_selected(&view->select, w->heap[i].vcpu))
			moments[nr++] = &w->heap[i];
	return nr;
}

/* What the places of the template are filled with */
struct places {
	const struct kvs_page *page;
	json_t *json;
	char *bins, *bars;		/* NULL: nothing */
	size_t bars_size;
};

static bool leave_out(FILE *f, const char *name, void *ctx)
{
	(void)f;
	(void)ctx;
	return !strcmp(name, "json") || !strcmp(name, "bins") || !strcmp(name, "bars");
}

/* Bytes of a page beside its bins and bars */
static size_t size_beside(json_t *json)
{
	size_t size;
	char *text;
	FILE *f = xopen_memstream(&text, &size);

	kvs_template_write(f, kvs_page_html, leave_out, NULL);
	kvs_template_json(f, json_incref(json));
	fclose(f);
	free(text);
	return size;
}

/* --- Bars ----------------------------------------------------------------------- */

static void pack_bars(struct places *p)
{
	struct kvs_collect *c = p->page->collect;
	struct kvs_lane *lanes[KVS_ALL_LANES];
	unsigned int nr = kvs_collect_lanes(c, lanes);
	FILE *f = xopen_memstream(&p->bars, &p->bars_size);
	struct kvs_pack pack;

	kvs_pack_begin(&pack, f);
	for (unsigned int i = 0; i < c->lanes.nr_vcpus; i++) {
		kvs_bars_pack(&c->vcpus[i].polls, &pack);
		kvs_bars_pack(&c->vcpus[i].pieces, &pack);
	}
	for (unsigned int i = 0; i < nr; i++)
		kvs_bars_pack(&lanes[i]->bars, &pack);
	kvs_pack_end(&pack);
	fclose(f);
}

/* Keep fewer bars than are packed. */
static void pack_fewer_bars(struct places *p)
{
	free(p->bars);
	kvs_collect_thin(p->page->collect);
	pack_bars(p);
}

static bool are_too_many(const struct places *p)
{
	json_t *json;
	size_t size;

	if (!p->page->collect->whole || p->page->large)
		return false;
	json = kvs_page_json(p->page);
	size = size_beside(json) + p->bars_size;
	json_decref(json);
	return size > KVS_PAGE_SIZE;
}

/* All bars if they fit; else those of the windows, of as many windows as fit. */
static void make_bars(struct places *p)
{
	struct kvs_collect *c = p->page->collect;

	pack_bars(p);
	if (are_too_many(p)) {
		kvs_bins_divide(&c->frame, KVS_PAGE_BINS);
		pack_fewer_bars(p);
	}
	while (!c->whole && p->bars_size > MAX_BARS_SIZE && c->windows.nr) {
		c->windows.nr--;
		pack_fewer_bars(p);
	}
	p->json = kvs_page_json(p->page);
}

/* --- Bins ----------------------------------------------------------------------- */

/* Returns the size; the text, if it is wanted, is the caller's. */
static size_t pack_bins(struct kvs_lane *const *lanes, unsigned int nr, u64 *sizes, char **text)
{
	struct kvs_pack pack;
	size_t size;
	FILE *f = xopen_memstream(text, &size);

	kvs_pack_begin(&pack, f);
	for (unsigned int i = 0; i < nr; i++) {
		sizes[i] = kvs_pack_size(&pack);
		kvs_bins_pack(&lanes[i]->bins, &pack);
		sizes[i] = kvs_pack_size(&pack) - sizes[i];
	}
	kvs_pack_end(&pack);
	fclose(f);
	return size;
}

/* What each lane may have, if those that need less leave it to the others */
static u64 fair_share(const u64 *sizes, unsigned int nr, u64 room)
{
	unsigned int left = nr;
	u64 share = room / nr, before;

	do {
		u64 rest = room;

		before = share;
		left = 0;
		for (unsigned int i = 0; i < nr; i++) {
			if (sizes[i] > share)
				left++;
			else
				rest -= sizes[i];
		}
		if (left)
			share = rest / left;
	} while (left && share > before);
	return share;
}

/* Give lanes that have more than that coarser bins; false: there are none. */
static bool coarsen(struct kvs_lane *const *lanes, unsigned int nr, const u64 *sizes, u64 share)
{
	bool done = false;

	for (unsigned int i = 0; i < nr; i++) {
		struct kvs_bins *bins = &lanes[i]->bins;

		for (u64 size = sizes[i]; size > share && bins->frame.nr > 1; size /= 2) {
			kvs_bins_halve(bins);
			done = true;
		}
	}
	return done;
}

/* As fine as fits into the page; the caller frees it. */
static char *make_bins(struct kvs_collect *c, u64 room)
{
	struct kvs_lane *lanes[KVS_ALL_LANES];
	unsigned int nr = kvs_collect_lanes(c, lanes);
	u64 sizes[KVS_ALL_LANES];
	char *text;

	for (unsigned int i = 0; i < nr; i++) {
		if (!lanes[i]->bins.frame.nr)
			lanes[i]->bins.frame = c->frame;
		lanes[i]->rest = kvs_bins_settle(&lanes[i]->bins);
	}
	while (pack_bins(lanes, nr, sizes, &text) > room &&
	       coarsen(lanes, nr, sizes, fair_share(sizes, nr, room)))
		free(text);
	return text;
}

/* --- The page ------------------------------------------------------------------- */

static bool put_place(FILE *f, const char *name, void *ctx)
{
	const struct places *p = ctx;

	if (!strcmp(name, "json"))
		kvs_template_json(f, json_incref(p->json));
	else if (!strcmp(name, "bins"))
		fputs(p->bins ? p->bins : "", f);
	else if (!strcmp(name, "bars"))
		fputs(p->bars, f);
	else
		return false;
	return true;
}

static void add_bins(struct places *p)
{
	struct kvs_collect *c = p->page->collect;
	u64 size = size_beside(p->json) + p->bars_size + KVS_ALL_LANES * BIN_JSON_SIZE;

	p->bins = make_bins(c, size + MIN_BINS_SIZE < KVS_PAGE_SIZE ? KVS_PAGE_SIZE - size :
								      MIN_BINS_SIZE);
	json_object_set_new(p->json, "bins", kvs_page_json_bins(c));
}

bool kvs_page_write(FILE *f, const struct kvs_page *page)
{
	struct places places = { .page = page };

	make_bars(&places);
	if (!page->collect->whole)
		add_bins(&places);
	kvs_template_write(f, kvs_page_html, put_place, &places);
	json_decref(places.json);
	free(places.bars);
	free(places.bins);
	return !ferror(f);
}

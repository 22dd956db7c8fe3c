// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a page: page.html, with JSON, bars and bins in their places.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "picture/assets.h"
#include "picture/page-json.h"
#include "picture/page.h"
#include "picture/template.h"

#define MAX_BINS_SIZE	3600000		/* of the bins in a page; with fewer it is smaller */

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

static void settle_bins(struct kvs_collect *c)
{
	struct kvs_lane *lanes[KVS_ALL_LANES];
	unsigned int nr = kvs_collect_lanes(c, lanes);

	for (unsigned int i = 0; i < nr; i++)
		lanes[i]->rest = kvs_bins_settle(&lanes[i]->bins, &c->frame);
}

static void halve_bins(struct kvs_collect *c)
{
	struct kvs_lane *lanes[KVS_ALL_LANES];
	unsigned int nr = kvs_collect_lanes(c, lanes);

	for (unsigned int i = 0; i < nr; i++)
		kvs_bins_merge(&lanes[i]->bins, &c->frame);
	kvs_bins_halve(&c->frame);
}

static char *pack_bins(struct kvs_collect *c, size_t *size)
{
	struct kvs_lane *lanes[KVS_ALL_LANES];
	unsigned int nr = kvs_collect_lanes(c, lanes);
	struct kvs_pack pack;
	char *text;
	FILE *f = xopen_memstream(&text, size);

	kvs_pack_begin(&pack, f);
	for (unsigned int i = 0; i < nr; i++)
		kvs_bins_pack(&lanes[i]->bins, &c->frame, &pack);
	kvs_pack_end(&pack);
	fclose(f);
	return text;
}

/* As many as fit into a page; the caller frees it.  NULL: the page makes them of bars. */
static char *make_bins(struct kvs_collect *c)
{
	size_t size;
	char *text;

	if (c->whole)
		return NULL;
	settle_bins(c);
	for (;;) {
		text = pack_bins(c, &size);
		if (size <= MAX_BINS_SIZE || c->frame.width > UINT32_MAX / 2)
			return text;
		free(text);
		halve_bins(c);
	}
}

static void put_bars(FILE *f, struct kvs_collect *c)
{
	struct kvs_lane *lanes[KVS_ALL_LANES];
	unsigned int nr = kvs_collect_lanes(c, lanes);
	struct kvs_pack pack;

	kvs_pack_begin(&pack, f);
	for (unsigned int i = 0; i < c->lanes.nr_vcpus; i++) {
		kvs_bars_pack(&c->vcpus[i].polls, &pack);
		kvs_bars_pack(&c->vcpus[i].pieces, &pack);
	}
	for (unsigned int i = 0; i < nr; i++)
		kvs_bars_pack(&lanes[i]->bars, &pack);
	kvs_pack_end(&pack);
}

/* What the places of the template need */
struct places {
	const struct kvs_page *page;
	char *bins;
};

static bool put_place(FILE *f, const char *name, void *ctx)
{
	const struct places *places = ctx;

	if (!strcmp(name, "json"))
		kvs_template_json(f, kvs_page_json(places->page));
	else if (!strcmp(name, "bins"))
		fputs(places->bins ? places->bins : "", f);
	else if (!strcmp(name, "bars"))
		put_bars(f, places->page->collect);
	else
		return false;
	return true;
}

bool kvs_page_write(FILE *f, const struct kvs_page *page)
{
	struct places places = { .page = page, .bins = make_bins(page->collect) };

	kvs_template_write(f, kvs_page_html, put_place, &places);
	free(places.bins);
	return !ferror(f);
}

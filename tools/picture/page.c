// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a page: page.html, with the other files, JSON, bars and bins in their places.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "picture/assets.h"
#include "picture/page-json.h"
#include "picture/page.h"

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
	for (unsigned int i = 0; i < c->lanes.nr_vcpus; i++)
		c->vcpus[i].states.rest = kvs_bins_settle(&c->vcpus[i].states.bins, &c->frame);
	for (unsigned int i = 0; i < c->lanes.nr_cpus; i++)
		c->cpus[i].rest = kvs_bins_settle(&c->cpus[i].bins, &c->frame);
}

static void halve_bins(struct kvs_collect *c)
{
	for (unsigned int i = 0; i < c->lanes.nr_vcpus; i++)
		kvs_bins_merge(&c->vcpus[i].states.bins, &c->frame);
	for (unsigned int i = 0; i < c->lanes.nr_cpus; i++)
		kvs_bins_merge(&c->cpus[i].bins, &c->frame);
	kvs_bins_halve(&c->frame);
}

static char *pack_bins(struct kvs_collect *c, size_t *size)
{
	struct kvs_pack pack;
	char *text;
	FILE *f = xopen_memstream(&text, size);

	kvs_pack_begin(&pack, f);
	for (unsigned int i = 0; i < c->lanes.nr_vcpus; i++)
		kvs_bins_pack(&c->vcpus[i].states.bins, &c->frame, &pack);
	for (unsigned int i = 0; i < c->lanes.nr_cpus; i++)
		kvs_bins_pack(&c->cpus[i].bins, &c->frame, &pack);
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

static void put_bars(FILE *f, const struct kvs_collect *c)
{
	struct kvs_pack pack;

	kvs_pack_begin(&pack, f);
	for (unsigned int i = 0; i < c->lanes.nr_vcpus; i++) {
		kvs_bars_pack(&c->vcpus[i].states.bars, &pack);
		kvs_bars_pack(&c->vcpus[i].polls, &pack);
		kvs_bars_pack(&c->vcpus[i].pieces, &pack);
	}
	for (unsigned int i = 0; i < c->lanes.nr_cpus; i++)
		kvs_bars_pack(&c->cpus[i].bars, &pack);
	kvs_pack_end(&pack);
}

/* No text within it may end the script element that holds it, or begin a comment there. */
static void put_json(FILE *f, const struct kvs_page *page)
{
	json_t *o = kvs_page_json(page);
	char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(15));

	for (const char *c = text; c && *c; c++) {
		if (*c == '<')
			fputs("\\u003c", f);
		else
			putc(*c, f);
	}
	free(text);
	json_decref(o);
}

static bool is_named(const char *name, size_t length, const char *other)
{
	return strlen(other) == length && !memcmp(name, other, length);
}

/* What stands at the place @name@ of page.html; false: it is no such place. */
static bool put_place(FILE *f, const struct kvs_page *page, const char *bins,
		      const char *name, size_t length)
{
	if (is_named(name, length, "json"))
		put_json(f, page);
	else if (is_named(name, length, "bins"))
		fputs(bins ? bins : "", f);
	else if (is_named(name, length, "bars"))
		put_bars(f, page->collect);
	else
		for (const struct kvs_asset *asset = kvs_assets;; asset++) {
			if (!asset->name)
				return false;
			if (!is_named(name, length, asset->name))
				continue;
			fwrite(asset->begin, 1, asset->end - asset->begin, f);
			break;
		}
	return true;
}

bool kvs_page_write(FILE *f, const struct kvs_page *page)
{
	const char *next = kvs_page_html, *at, *end;
	char *bins = make_bins(page->collect);

	while ((at = strchr(next, '@')) && (end = strchr(at + 1, '@'))) {
		fwrite(next, 1, at - next, f);
		next = end + 1;
		if (put_place(f, page, bins, at + 1, end - at - 1))
			continue;
		putc('@', f);
		next = at + 1;
	}
	fputs(next, f);
	free(bins);
	return !ferror(f);
}

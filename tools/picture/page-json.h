/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVMSCHED_PAGE_JSON_H
#define KVMSCHED_PAGE_JSON_H

#include <jansson.h>

#include "picture/page.h"

/* All that a page holds beside bars and bins */
json_t *kvs_page_json(const struct kvs_page *page);

/*
 * What the bins are that a page has, an array of { "kinds", "rest", "bytes", "halved" } in
 * the order of kvs_collect_lanes(): the kinds whose columns follow each other, and the one
 * that has what they leave or -1; the bytes of a time; and how often the bins of the
 * frame were halved.
 */
json_t *kvs_page_json_bins(struct kvs_collect *c);

#endif /* KVMSCHED_PAGE_JSON_H */

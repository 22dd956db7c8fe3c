/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVMSCHED_PAGE_JSON_H
#define KVMSCHED_PAGE_JSON_H

#include <jansson.h>

#include "picture/page.h"

/* All that a page holds beside bars and bins */
json_t *kvs_page_json(const struct kvs_page *page);

#endif /* KVMSCHED_PAGE_JSON_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands out, as JSON.
 */
#ifndef KVMSCHED_JSON_SHORT_H
#define KVMSCHED_JSON_SHORT_H

#include <jansson.h>

#include "report/view.h"

/* An array of what kvs_short_find() finds, in its order */
json_t *kvs_json_short(const struct kvs_view *view);

#endif /* KVMSCHED_JSON_SHORT_H */

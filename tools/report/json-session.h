/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of a recording as a whole, for the report's JSON.
 */
#ifndef KVMSCHED_JSON_SESSION_H
#define KVMSCHED_JSON_SESSION_H

#include <jansson.h>

#include "report/view.h"

/* Add the keys of the session and of the file to @o. */
void kvs_json_session(json_t *o, const struct kvs_view *view);

#endif /* KVMSCHED_JSON_SESSION_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON with a long array, of which only one element is in memory at a time.
 */
#ifndef KVMSCHED_JSON_STREAM_H
#define KVMSCHED_JSON_STREAM_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Writes @o to standard output, and a newline, as json_dumpf() with @flags and an indent of
 * 1 would.  But the elements of its member @key, an empty array, are those that @next
 * makes one after another; NULL: no more.  False if it could not be written.
 */
bool kvs_json_stream(json_t *o, const char *key, json_t *(*next)(void *ctx), void *ctx,
		     size_t flags);

#endif /* KVMSCHED_JSON_STREAM_H */

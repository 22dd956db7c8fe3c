/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a record's bytes to struct kvs_record, by the formats of the file: fields
 * are found by their names, once, so that files of other versions of the
 * module decode.
 */
#ifndef KVMSCHED_DECODE_H
#define KVMSCHED_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/format.h"
#include "trace/schema.h"

struct kvs_decoder;

struct kvs_decoder *kvs_decoder_create(void);
void kvs_decoder_destroy(struct kvs_decoder *d);

/*
 * An event of system kvmsched.  False where it makes no sense, or is there
 * already; an event of a newer module, which we don't know, is fine.
 */
bool kvs_decoder_add(struct kvs_decoder *d, const struct kvs_format *f);

/* Events of the system, known to us or not. */
unsigned int kvs_decoder_events(const struct kvs_decoder *d);

/* For the reader of another process's decoder */
void kvs_decoder_note_missing(struct kvs_decoder *d, const char *field);

/* "kvmsched_exit.flags" and the like, that this file lacks; NULL: no more */
const char *kvs_decoder_missing(const struct kvs_decoder *d, unsigned int index);

enum kvs_decoded {
	KVS_DECODED,
	KVS_DECODED_UNKNOWN,	/* of our system, of a newer module */
	KVS_DECODED_OTHER,	/* of another system */
	KVS_DECODED_SHORT,	/* fewer bytes than its fields need */
};

/* Fills all of @rec but time and CPU. */
enum kvs_decoded kvs_decode(const struct kvs_decoder *d, const void *data,
			    size_t size, struct kvs_record *rec);

#endif /* KVMSCHED_DECODE_H */

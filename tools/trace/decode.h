/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decodes a record's bytes into struct kvs_record, by the event formats in the file.
 * Fields are found by their names, once for each format, so files of other
 * versions of the module can be read.
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
/* @d may be NULL. */
void kvs_decoder_destroy(struct kvs_decoder *d);

/*
 * Make an event of system kvmsched known by its format.  False if the format makes
 * no sense, or if there is an event of that id already.  An event that this program
 * doesn't know, of a newer module, is accepted.
 */
bool kvs_decoder_add(struct kvs_decoder *d, const struct kvs_format *f);

/* How many events were added, whether this program knows them or not */
unsigned int kvs_decoder_events(const struct kvs_decoder *d);

/*
 * Note that the file lacks @field.  kvs_decoder_add() does that by itself; this is for
 * load-tracecmd.c, whose decoder works in another process.
 */
void kvs_decoder_note_missing(struct kvs_decoder *d, const char *field);

/*
 * The fields that the file lacks, as "kvmsched_exit.flags", one for each @index; NULL: there
 * are no more.  Those of KS_LATER_FIELDS are not among them.
 */
const char *kvs_decoder_missing(const struct kvs_decoder *d, unsigned int index);

enum kvs_decoded {
	KVS_DECODED,
	KVS_DECODED_UNKNOWN,	/* of system kvmsched, but of a newer module */
	KVS_DECODED_OTHER,	/* of another event system */
	KVS_DECODED_SHORT,	/* the record is shorter than its fields */
};

/*
 * Decode the record of @size bytes at @data.  With KVS_DECODED, @rec is filled in but for
 * its time stamp and CPU; fields that the file lacks are 0.  Otherwise @rec is not
 * meaningful.
 */
enum kvs_decoded kvs_decode(const struct kvs_decoder *d, const void *data,
			    size_t size, struct kvs_record *rec);

#endif /* KVMSCHED_DECODE_H */

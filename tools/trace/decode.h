/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a record's bytes to struct ks_record, by the formats of the file: fields
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

struct ks_decoder;

struct ks_decoder *ks_decoder_create(void);
void ks_decoder_destroy(struct ks_decoder *d);

/*
 * An event of system kvmsched.  False where it makes no sense, or is there
 * already; an event of a newer module, which we don't know, is fine.
 */
bool ks_decoder_add(struct ks_decoder *d, const struct ks_format *f);

/* Events of the system, known to us or not. */
unsigned int ks_decoder_events(const struct ks_decoder *d);

/* For the reader of another process's decoder */
void ks_decoder_note_missing(struct ks_decoder *d, const char *field);

/* "kvmsched_exit.flags" and the like, that this file lacks; NULL: no more */
const char *ks_decoder_missing(const struct ks_decoder *d, unsigned int index);

enum ks_decoded {
	KS_DECODED,
	KS_DECODED_UNKNOWN,	/* of our system, of a newer module */
	KS_DECODED_OTHER,	/* of another system */
	KS_DECODED_SHORT,	/* fewer bytes than its fields need */
};

/* Fills all of @rec but time and CPU. */
enum ks_decoded ks_decode(const struct ks_decoder *d, const void *data,
			  size_t size, struct ks_record *rec);

#endif /* KVMSCHED_DECODE_H */

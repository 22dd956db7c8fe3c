/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes for a page: compressed by zlib, and written as base64.
 */
#ifndef KVMSCHED_PACK_H
#define KVMSCHED_PACK_H

#include <stdio.h>
#include <zlib.h>

#include "trace/schema.h"

/* What two ways of compressing a sample of a column are tried with */
struct kvs_pack_trial {
	z_stream z;
	int strategy;
};

struct kvs_pack {
	FILE *f;
	z_stream z;
	int strategy;			/* of zlib, since the last column that is not short */
	struct kvs_pack_trial trials[2];
	unsigned char out[3 * 4096];	/* a multiple of 3: only the last piece is padded */
};

/* @f stays the caller's, who asks it whether all could be written. */
void kvs_pack_begin(struct kvs_pack *pack, FILE *f);
/*
 * Add bytes of one kind.  Those that repeat nothing, as the low bytes of times, are only
 * written with fewer bits each: to look for repetitions there costs time, and room.
 */
void kvs_pack_column(struct kvs_pack *pack, const void *bytes, size_t nr);
/* How many bytes of base64 there are so far, but for the last short columns */
u64 kvs_pack_size(const struct kvs_pack *pack);
void kvs_pack_end(struct kvs_pack *pack);

#endif /* KVMSCHED_PACK_H */

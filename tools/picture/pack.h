/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes for a page: compressed by zlib, and written as base64.
 */
#ifndef KVMSCHED_PACK_H
#define KVMSCHED_PACK_H

#include <stdio.h>
#include <zlib.h>

struct kvs_pack {
	FILE *f;
	z_stream z;
	unsigned char out[3 * 4096];	/* a multiple of 3: only the last piece is padded */
};

/* @f stays the caller's, who asks it whether all could be written. */
void kvs_pack_begin(struct kvs_pack *pack, FILE *f);
void kvs_pack_add(struct kvs_pack *pack, const void *bytes, size_t nr);
void kvs_pack_end(struct kvs_pack *pack);

#endif /* KVMSCHED_PACK_H */

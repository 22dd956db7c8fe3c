// SPDX-License-Identifier: GPL-2.0-only
/*
 * zlib and base64.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/log.h"
#include "base/util.h"
#include "picture/pack.h"

#define SHORT	1024	/* columns below this are compressed as the one before */
#define SAMPLE	4096

static void init_deflate(z_stream *z, int strategy)
{
	*z = (z_stream){ 0 };
	if (deflateInit2(z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS, MAX_MEM_LEVEL - 1,
			 strategy) == Z_OK)
		return;
	kvs_err("no memory");
	exit(KVS_EXIT_FAILED);
}

void kvs_pack_begin(struct kvs_pack *pack, FILE *f)
{
	static const int strategies[] = { Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY };

	pack->f = f;
	pack->strategy = Z_DEFAULT_STRATEGY;
	init_deflate(&pack->z, pack->strategy);
	for (size_t i = 0; i < ARRAY_SIZE(strategies); i++) {
		pack->trials[i].strategy = strategies[i];
		init_deflate(&pack->trials[i].z, strategies[i]);
	}
	pack->z.next_out = pack->out;
	pack->z.avail_out = sizeof(pack->out);
}

static void put_base64(FILE *f, const unsigned char *bytes, size_t nr)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < nr; i += 3) {
		unsigned int left = nr - i;
		unsigned int bits = bytes[i] << 16 | (left > 1 ? bytes[i + 1] << 8 : 0) |
				    (left > 2 ? bytes[i + 2] : 0);

		putc(digits[bits >> 18], f);
		putc(digits[bits >> 12 & 63], f);
		putc(left > 1 ? digits[bits >> 6 & 63] : '=', f);
		putc(left > 2 ? digits[bits & 63] : '=', f);
	}
}

static void flush(struct kvs_pack *pack)
{
	put_base64(pack->f, pack->out, sizeof(pack->out) - pack->z.avail_out);
	pack->z.next_out = pack->out;
	pack->z.avail_out = sizeof(pack->out);
}

/* Compress what has been added so far; @how is Z_NO_FLUSH, or Z_BLOCK to end a block. */
static void squeeze(struct kvs_pack *pack, int how)
{
	do {
		if (!pack->z.avail_out)
			flush(pack);
		deflate(&pack->z, how);
	} while (pack->z.avail_in || !pack->z.avail_out);
}

/* How long a sample of a column becomes */
static size_t try(struct kvs_pack_trial *trial, const unsigned char *bytes, size_t nr)
{
	unsigned char out[2 * SAMPLE];
	z_stream *z = &trial->z;

	deflateReset(z);
	z->next_in = (void *)bytes;
	z->avail_in = nr;
	z->next_out = out;
	z->avail_out = sizeof(out);
	deflate(z, Z_FINISH);
	return z->total_out;
}

/* Begins a block of its own, with the strategy that suits these bytes. */
static void choose(struct kvs_pack *pack, const unsigned char *bytes, size_t nr)
{
	const unsigned char *sample = nr > SAMPLE ? bytes + (nr - SAMPLE) / 2 : bytes;
	size_t size = nr > SAMPLE ? SAMPLE : nr;
	bool plain = try(&pack->trials[0], sample, size) <= try(&pack->trials[1], sample, size);
	int strategy = pack->trials[!plain].strategy;

	squeeze(pack, Z_BLOCK);
	if (strategy == pack->strategy)
		return;
	while (deflateParams(&pack->z, Z_DEFAULT_COMPRESSION, strategy) == Z_BUF_ERROR)
		flush(pack);
	pack->strategy = strategy;
}

void kvs_pack_column(struct kvs_pack *pack, const void *bytes, size_t nr)
{
	if (nr >= SHORT)
		choose(pack, bytes, nr);
	pack->z.next_in = (void *)bytes;
	pack->z.avail_in = nr;
	squeeze(pack, nr >= SHORT ? Z_BLOCK : Z_NO_FLUSH);
}

u64 kvs_pack_size(const struct kvs_pack *pack)
{
	return (pack->z.total_out + 2) / 3 * 4;
}

void kvs_pack_end(struct kvs_pack *pack)
{
	while (deflate(&pack->z, Z_FINISH) != Z_STREAM_END)
		flush(pack);
	flush(pack);
	deflateEnd(&pack->z);
	for (size_t i = 0; i < ARRAY_SIZE(pack->trials); i++)
		deflateEnd(&pack->trials[i].z);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * zlib and base64.
 */
#include <stdlib.h>

#include "base/base.h"
#include "base/log.h"
#include "picture/pack.h"

void kvs_pack_begin(struct kvs_pack *pack, FILE *f)
{
	pack->f = f;
	pack->z = (z_stream){ 0 };
	if (deflateInit(&pack->z, Z_DEFAULT_COMPRESSION) != Z_OK) {
		kvs_err("no memory");
		exit(KVS_EXIT_FAILED);
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

void kvs_pack_add(struct kvs_pack *pack, const void *bytes, size_t nr)
{
	pack->z.next_in = (void *)bytes;
	pack->z.avail_in = nr;
	while (pack->z.avail_in) {
		deflate(&pack->z, Z_NO_FLUSH);
		if (!pack->z.avail_out)
			flush(pack);
	}
}

void kvs_pack_end(struct kvs_pack *pack)
{
	while (deflate(&pack->z, Z_FINISH) != Z_STREAM_END)
		flush(pack);
	flush(pack);
	deflateEnd(&pack->z);
}

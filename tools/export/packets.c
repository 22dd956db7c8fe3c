// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of a Perfetto trace; see packets.h.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "export/packets.h"

static void fail(struct kvs_packets *p)
{
	if (!p->failed)
		kvs_errno("can't write %s", p->path);
	p->failed = true;
}

bool kvs_packets_open(struct kvs_packets *p, const char *path)
{
	p->path = xstrdup(path);
	p->part = xasprintf("%s.part", path);
	unlink(p->part);
	p->file = fopen(p->part, "wxe");
	if (!p->file)
		fail(p);
	return p->file;
}

/* A trace is a message, of which each packet is a field: so traces can be joined. */
void kvs_packets_write(struct kvs_packets *p, Pf__TracePacket *packet)
{
	Pf__Trace trace = PF__TRACE__INIT;
	size_t size;

	packet->has_trusted_packet_sequence_id = true;
	packet->trusted_packet_sequence_id = KVS_PF_OURS;
	trace.packet = &packet;
	trace.n_packet = 1;
	size = pf__trace__get_packed_size(&trace);
	if (size > p->room) {
		p->room = 2 * size;
		p->buffer = xrealloc(p->buffer, p->room);
	}
	pf__trace__pack(&trace, p->buffer);
	fwrite_unlocked(p->buffer, 1, size, p->file);
}

static void close_file(struct kvs_packets *p)
{
	bool bad = ferror(p->file);

	if (fclose(p->file) || bad)
		fail(p);
}

bool kvs_packets_close(struct kvs_packets *p, bool keep)
{
	bool ok;

	if (p->file)
		close_file(p);
	ok = !p->failed;
	if (ok && keep && rename(p->part, p->path)) {
		fail(p);
		ok = false;
	}
	if (p->file && !(ok && keep))
		unlink(p->part);
	free(p->path);
	free(p->part);
	free(p->buffer);
	return ok;
}

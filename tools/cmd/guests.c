// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched report guest: what tasks of guests did, by the guests' own traces.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/guestfile.h"
#include "cmd/guests.h"
#include "cmd/reading.h"

char *kvs_take_guest_option(void *to, const char *text)
{
	struct kvs_guest_set *g = to;

	g->guests = xrealloc(g->guests, (g->nr + 1) * sizeof(*g->guests));
	g->guests[g->nr] = (struct kvs_guest){ 0 };
	/* An option's text is that of the command line, which stays. */
	return kvs_take_guest(&g->guests[g->nr++].joined, (char *)text);
}

bool kvs_guests_excerpt(const char *path, const struct kvs_when *from, const struct kvs_when *to,
			struct kvs_excerpt *excerpt, u64 *from_ns, u64 *to_ns)
{
	double from_s, to_s;

	excerpt->on = true;
	/* Guests' records become cycles of the host's TSC, and that is its recording's clock. */
	if (!kvs_reading_excerpt(path, from, to, &excerpt->from, &excerpt->to, &from_s, &to_s))
		return false;
	*from_ns = from_s * 1e9 + 0.5;
	*to_ns = to_s * 1e9 + 0.5;
	return true;
}

int kvs_report_guests(struct kvs_guest_set *g, const char *path, bool json)
{
	bool ok;

	g->host_path = path;
	ok = kvs_guest_set_read(g);
	if (ok && json)
		ok = kvs_guest_set_json(g);
	else if (ok)
		kvs_guest_set_text(g);
	ok = kvs_flush("the report") && ok;
	kvs_guest_set_free(g);
	return ok ? KVS_EXIT_OK : KVS_EXIT_FAILED;
}

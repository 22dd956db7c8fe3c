/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVMSCHED_CMD_GUESTS_H
#define KVMSCHED_CMD_GUESTS_H

#include "base/when.h"
#include "guest/guest.h"

/* Takes a --guest for `kvmsched report guest`; @to: struct kvs_guest_set */
char *kvs_take_guest_option(void *to, const char *text);
/*
 * What --from and --to say, of the host's recording @path, also in ns since that began (@to_ns
 * 0: until its end); false after a message
 */
bool kvs_guests_excerpt(const char *path, const struct kvs_when *from, const struct kvs_when *to,
			struct kvs_excerpt *excerpt, u64 *from_ns, u64 *to_ns);
/* Reads the host's recording @path and the guests', and prints; an exit status. */
int kvs_report_guests(struct kvs_guest_set *g, const char *path, bool json);

#endif /* KVMSCHED_CMD_GUESTS_H */

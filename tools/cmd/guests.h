/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVMSCHED_CMD_GUESTS_H
#define KVMSCHED_CMD_GUESTS_H

#include "guest/guest.h"

/* Takes a --guest for `kvmsched report guest`; @to: struct kvs_guest_set */
char *kvs_take_guest_option(void *to, const char *text);
/* What --from and --to say, in s since the host's recording @path began; 0: not given */
bool kvs_guests_excerpt(struct kvs_guest_set *g, const char *path, double from, double to);
/* Reads the host's recording @path and the guests', and prints; an exit status. */
int kvs_report_guests(struct kvs_guest_set *g, const char *path, bool json);

#endif /* KVMSCHED_CMD_GUESTS_H */

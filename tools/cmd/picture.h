/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVMSCHED_CMD_PICTURE_H
#define KVMSCHED_CMD_PICTURE_H

#include <stdio.h>

#include "cmd/reading.h"
#include "guest/guest.h"
#include "report/view.h"

/* What `kvmsched report --svg` or `--html` was told */
struct kvs_picture {
	const char *path;	/* the recording */
	const char *svg, *html;	/* the picture; one of these is NULL */
	const char *command;	/* that makes it, for a shell */
	struct kvs_select select;
	struct kvs_when from, to;
	long spans;		/* html: the most spans of which it shows each */
	bool large;		/* even if the page gets larger than it should */
	struct kvs_guest_set guests;	/* what guests recorded of themselves */
};

/* Both read @guests, and return an exit status, after a message if it is not KVS_EXIT_OK. */
int kvs_picture_make(struct kvs_picture *picture);	/* the SVG */
int kvs_page_make(struct kvs_picture *picture);	/* the page */

/* For both: read what --guest names, if that is anything; false after a message. */
bool kvs_picture_guests(struct kvs_picture *p);
/*
 * For both: which time stamps are meant, from *@from until before *@to, after a reading, and
 * what kvs_model_excerpt() is told of them, if @excerpt is not NULL.  False after a message:
 * there are none.
 */
bool kvs_picture_frame(const struct kvs_picture *p, const struct kvs_reading *r, u64 *from,
		       u64 *to, u64 excerpt[2]);
/* Write the file @name by calling @put with @ctx, which returns false if it can't. */
bool kvs_picture_write(const char *name, bool (*put)(FILE *f, void *ctx), void *ctx);

#endif /* KVMSCHED_CMD_PICTURE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page: one HTML file that shows a recording and needs nothing else.
 */
#ifndef KVMSCHED_PAGE_H
#define KVMSCHED_PAGE_H

#include <stdio.h>

#include "picture/collect.h"
#include "picture/losses.h"
#include "report/view.h"

#define KVS_PAGE_MOMENTS	10	/* the worst ones, of those that are selected */
#define KVS_PAGE_BINS		65536	/* of each lane; fewer if the file gets too large */
#define KVS_PAGE_LANES		32	/* where the browser makes the bins, more lanes have fewer each */
#define KVS_PAGE_SIZE		5000000	/* bytes of the file */

struct kvs_page {
	const char *command;		/* that makes the page, for a shell */
	const struct kvs_view *view;	/* of one reading, with moments; maybe of an excerpt */
	struct kvs_collect *collect;	/* of a second reading, of the whole recording */
	const struct kvs_model *model;	/* of the second reading, too */
	const struct kvs_losses *losses;	/* finished */
	unsigned int hidden;		/* how many selected vCPUs are not drawn */
	char *const *guests;		/* as --guest names them: FILE or VM=FILE */
	unsigned int nr_guests;
	bool large;			/* may have more than KVS_PAGE_SIZE if all spans are there */
};

/* The moments that a page shows, the worst first; returns how many. */
unsigned int kvs_page_moments(const struct kvs_view *view,
			      const struct kvs_moment *moments[KVS_PAGE_MOMENTS]);

/* False: some of it could not be written. */
bool kvs_page_write(FILE *f, const struct kvs_page *page);

#endif /* KVMSCHED_PAGE_H */

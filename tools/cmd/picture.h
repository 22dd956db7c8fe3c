/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVMSCHED_CMD_PICTURE_H
#define KVMSCHED_CMD_PICTURE_H

#include "report/view.h"

/* What `kvmsched report --svg` was told */
struct kvs_picture {
	const char *path;	/* the recording */
	const char *file;	/* the picture */
	struct kvs_select select;
	double from, to;	/* s since the recording began; @to 0: until its end */
};

/* Returns an exit status, after a message if it is not KVS_EXIT_OK. */
int kvs_picture_make(const struct kvs_picture *picture);

#endif /* KVMSCHED_CMD_PICTURE_H */

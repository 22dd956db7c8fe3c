/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a recording's file says before its records: formats of the events, the
 * clock, the host, names of threads, and how much each CPU wrote or lost.
 *
 * It is written twice: when the recording begins, for whoever has to recover
 * it, and when it ends, with what only the end can tell.
 */
#ifndef KVMSCHED_HEADER_H
#define KVMSCHED_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "record/comms.h"
#include "record/guests.h"
#include "record/spool.h"
#include "record/ties.h"
#include "record/yields.h"
#include "trace/dat.h"
#include "uapi/kvmsched.h"

struct kvs_header {
	struct kvs_dat_desc desc;
	struct kvs_comms *before;	/* names of threads as of the start */
	struct kvs_comms *named;	/* names that stand in records */
	struct kvs_guests *guests;
	struct kvs_ties ties;
	struct kvs_yields yields;	/* in the last header only */
	char *uname;
};

/* Formats of the events, from tracefs.  -1 after a message. */
int kvs_header_read_formats(struct kvs_header *h);
/* The host, and the threads of now */
void kvs_header_describe_host(struct kvs_header *h, const struct kvmsched_info *info);
/* How the module's time stamps become ns, which it knows once it records */
void kvs_header_describe_clock(struct kvs_header *h, const struct kvmsched_info *info);

/* Bytes to leave for it in the file: the last header is longer than the first. */
size_t kvs_header_estimate(struct kvs_header *h);

/* Each -1 after a message.  @dev tells what each CPU wrote and lost. */
int kvs_header_save(struct kvs_header *h, struct kvs_spool *spool);
int kvs_header_finish(struct kvs_header *h, struct kvs_spool *spool, int dev);

void kvs_header_free(struct kvs_header *h);

#endif /* KVMSCHED_HEADER_H */

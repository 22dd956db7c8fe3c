/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recordings of a host and of its guests on one time line.
 *
 *	merge.c		the order of work
 *	version6.c	files of other versions, by trace-cmd
 *	hostside.c	the host's recording: guest mode and TSC of each vCPU
 *	guestside.c	a guest's own trace: the times of its events
 *	join.c		which CPU is which vCPU, and refuse.c: why it's none
 *	causal.c	... because no event happened outside of guest mode
 *	shift.c		trace-cmd's option TIME_SHIFT
 *	cut.c		what of it the user wants
 *	folder.c	the folder: what `trace-cmd record -A` would have written
 *	text.c, json.c	what was found
 */
#ifndef KVMSCHED_MERGE_MERGE_H
#define KVMSCHED_MERGE_MERGE_H

#include "merge/join.h"
#include "merge/shift.h"
#include "model/excerpt.h"

struct kvs_merged_guest {
	struct kvs_joined joined;
	struct kvs_carried carried;	/* a shift that the file had before */
	char *file;			/* its name in the folder */
	u64 trace_id;
};

/* The caller sets the first members. */
struct kvs_merged {
	const char *host_path, *folder;
	struct kvs_told told;
	/* What the folder gets; all events are joined, and checked, whatever that is. */
	struct kvs_select select;
	struct kvs_excerpt excerpt;	/* of the host's TSC */
	u64 from_ns, to_ns;	/* ... since the host's recording began; @to_ns 0: until its end */
	struct kvs_merged_guest *guests;	/* their paths and VMs are set */
	size_t nr_guests;

	bool made;			/* the folder wasn't there */
	struct kvs_host_side host;
	u64 trace_id;			/* of the host */
};

#define KVS_FOLDER_HINT							\
	"one trace.dat can't hold the formats of two kernels: `-o FOLDER` gets a file for each"
#define KVS_MERGED_HOST	"host.dat"	/* the host's file in the folder */

/* Reads, joins, and writes the folder.  After a message, false: then it has none of it. */
bool kvs_merge_files(struct kvs_merged *m);
void kvs_merged_free(struct kvs_merged *m);

/* What was found, on standard output; false: it could not be written. */
void kvs_merged_text(const struct kvs_merged *m);
bool kvs_merged_json(const struct kvs_merged *m);

/* cut.c: leaves out guests that are not selected; false after a message if all are */
bool kvs_cut_guests(struct kvs_merged *m);
/* ... leaves out pages, of @host and of the guests, that hold nothing of what is wanted */
bool kvs_cut_pages(struct kvs_merged *m, struct kvs_parts *host);

/* folder.c: makes the folder, unless it is there and empty; false after a message */
bool kvs_folder_make(struct kvs_merged *m);
/* ... names each guest's file */
bool kvs_folder_name(struct kvs_merged *m);
/* ... writes all files; @host is that of the host in version 6 */
bool kvs_folder_write(struct kvs_merged *m, struct kvs_parts *host);
/* ... takes all of it away again */
void kvs_folder_remove(const struct kvs_merged *m);

#endif /* KVMSCHED_MERGE_MERGE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files of a recording while it is made.
 *
 * A trace.dat wants each CPU's data in one piece, but they come from all CPUs
 * at once.  So they go into a directory beside the final file first:
 *
 *	FILE.spool/layout	how many CPUs, and how far their data are ...
 *	          /cpu0 ...	... from the start: room for the header (a hole)
 *	          /header	as of the start, with a table of zeros
 *	          /reserve	room kept back for a disk that gets full
 *
 * At the end the largest of the cpu files becomes FILE itself: the others' data
 * are moved behind its own, from their ends and in small pieces, each cut off
 * where it was as soon as it is copied; then the header goes in front.  So this
 * needs no room to speak of, and little time where one CPU did the most.
 * The header with the table of these places is saved before the first piece
 * moves: whenever the program is killed, kvs_spool_recover() can finish the work.
 *
 * Functions say what failed, on stderr, and return -1.
 */
#ifndef KVMSCHED_SPOOL_H
#define KVMSCHED_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kvs_spool;

/*
 * What an earlier recording of that FILE left is renamed FILE.spool.old.
 * @room: bytes kept for a header; it may grow so far until kvs_spool_finish().
 */
struct kvs_spool *kvs_spool_create(const char *file, unsigned int nr_cpus, size_t room);

int kvs_spool_save_header(struct kvs_spool *spool, const void *header, size_t size);

/*
 * Append whole pages of a CPU.  After a failure the CPU's file holds whole
 * pages again, and everything that was appended before.
 */
int kvs_spool_append(struct kvs_spool *spool, unsigned int cpu, const void *pages,
		     size_t size);

/* Appended so far. */
uint64_t kvs_spool_bytes(const struct kvs_spool *spool);

size_t kvs_spool_room(const struct kvs_spool *spool);

/* Make FILE, keep an older one as FILE.old, remove the spool. */
int kvs_spool_finish(struct kvs_spool *spool, void *header, size_t size);

/* Remove the spool, leave FILE alone. */
void kvs_spool_discard(struct kvs_spool *spool);

/* Release the memory; what is on disk stays.  NULL is fine. */
void kvs_spool_free(struct kvs_spool *spool);

/* Finish what a killed recording of FILE left behind. */
int kvs_spool_recover(const char *file);

#endif /* KVMSCHED_SPOOL_H */

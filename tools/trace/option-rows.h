/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Options of ours in the header of a trace.dat: rows of one kind, which `kvmsched record`
 * writes, and which other readers skip.  See ties.h and yields.h.
 *
 *	+------+-------+-------+-----+
 *	| head | row 0 | row 1 | ... |
 *	+------+-------+-------+-----+
 */
#ifndef KVMSCHED_OPTION_ROWS_H
#define KVMSCHED_OPTION_ROWS_H

#include <stdint.h>

struct kvs_option_head {
	char tag[8];			/* without a NUL: another's option lacks it */
	uint32_t nr;			/* of the rows that follow */
	uint32_t size;			/* of each, in bytes */
};

#endif /* KVMSCHED_OPTION_ROWS_H */

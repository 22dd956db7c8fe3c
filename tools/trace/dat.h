/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Encoder of trace.dat, version 6 (trace-cmd.dat.v6(5)): everything before the
 * CPUs' data.  Pure: descriptions in, bytes out.
 *
 *	+--------------------------------+
 *	| magic, version, page size      |
 *	| header_page, header_event      |
 *	| formats of ftrace's own events |
 *	| formats of system kvmsched     |
 *	| kallsyms, printk: empty        |
 *	| cmdlines                       |
 *	| number of CPUs, options        |
 *	| "flyrecord", table of the CPUs |
 *	| clock                          |
 *	+--------------------------------+ padding up to a page
 *	| data of CPU 0, 1, ...          | pages as the ring had them
 *	+--------------------------------+
 */
#ifndef KVMSCHED_DAT_H
#define KVMSCHED_DAT_H

#include <stddef.h>
#include <stdint.h>

#define KVS_PAGE_SIZE	4096

/* The `format` files of one event system, as tracefs has them. */
struct kvs_dat_system {
	const char *name;
	char **texts;
	size_t nr;
};

struct kvs_dat_desc {
	unsigned int nr_cpus;
	struct kvs_dat_system ftrace;
	struct kvs_dat_system events;
	uint32_t tsc_mult;		/* ns = tsc * mult >> shift, + offset */
	uint32_t tsc_shift;
	uint64_t tsc_offset;
	const char *version;		/* of the program, NULL: none */
	const char *uname;		/* of the host, NULL: none */
	char *const *cpustats;		/* a text for each CPU, NULL: none */
	const char *cmdlines;		/* lines "PID COMM", NULL: none */
};

/*
 * Where a CPU's data are in the file; a CPU without data has size 0.  Packed,
 * because nothing is aligned in a header.
 */
struct kvs_dat_cpu {
	uint64_t offset;
	uint64_t size;
} __attribute__((packed));

/* The header, on the heap, with a table of zeros. */
void *kvs_dat_header(const struct kvs_dat_desc *desc, size_t *size);

/* The table within a header for that many CPUs; NULL if it can't be one. */
struct kvs_dat_cpu *kvs_dat_table(void *header, size_t size, unsigned int nr_cpus);

#endif /* KVMSCHED_DAT_H */

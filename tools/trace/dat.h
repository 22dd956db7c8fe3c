/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes the header of a trace.dat, version 6 (trace-cmd.dat.v6(5)): everything that
 * comes before the data of the CPUs.  It reads and writes no file.
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

#include "trace/ties.h"
#include "trace/yields.h"

#define KVS_PAGE_SIZE	4096

/* The `format` files of one event system, as tracefs shows them */
struct kvs_dat_system {
	const char *name;		/* of the system: "kvmsched", "ftrace" */
	char **texts;			/* one for each event, with a NUL at the end */
	size_t nr;			/* of @texts */
};

/* A VM, by the name of its guest */
struct kvs_dat_guest {
	char *name;
	uint64_t trace_id;		/* of the guest's own trace; 0: there is none */
	unsigned int vcpus;
	int32_t *tids;			/* of each vCPU, by its number; 0: unknown */
};

/* What the header is made of.  Texts that are NULL are left out. */
struct kvs_dat_desc {
	unsigned int nr_cpus;		/* of the table; CPUs are 0 .. @nr_cpus - 1 */
	struct kvs_dat_system ftrace;	/* formats of ftrace's own events */
	struct kvs_dat_system events;	/* formats of system kvmsched */
	uint32_t tsc_mult;		/* ns = (tsc * mult >> shift) + offset */
	uint32_t tsc_shift;		/* 0 .. 63 */
	uint64_t tsc_offset;		/* ns, modulo 2^64 */
	const char *version;		/* of the program */
	const char *uname;		/* of the host */
	char *const *cpustats;		/* a text for each CPU: what its ring wrote */
	const char *cmdlines;		/* names of tasks: lines "PID COMM" */
	const struct kvs_dat_guest *guests;
	size_t nr_guests;
	const struct kvs_tie *ties;	/* of the TSC to the host's clocks */
	size_t nr_ties;			/* 0: that is not told */
	const struct kvs_yields_row *yields;	/* by process, as KVM counted them */
	size_t nr_yields;		/* 0: that is not told */
};

/*
 * A row of the header's table: where the data of a CPU are in the file.  The struct is
 * packed, because nothing in a header is aligned.
 */
struct kvs_dat_cpu {
	uint64_t offset;		/* bytes from the beginning of the file */
	uint64_t size;			/* bytes; 0: this CPU has no data */
} __attribute__((packed));

/* The bytes that a guest takes in a header */
size_t kvs_dat_guest_size(const struct kvs_dat_guest *guest);
/* The data of a guest's option, which the caller frees */
char *kvs_dat_guest_data(const struct kvs_dat_guest *guest, size_t *size);

/*
 * Makes a header, whose table of CPUs is all zeroes.  The caller frees it; @size is its
 * length in bytes.  If there is no memory, this ends the program.
 */
void *kvs_dat_header(const struct kvs_dat_desc *desc, size_t *size);

/*
 * The table of @nr_cpus rows within a header that kvs_dat_header() made, so that the
 * caller can fill it in; NULL if @header is not such a header.
 */
struct kvs_dat_cpu *kvs_dat_table(void *header, size_t size, unsigned int nr_cpus);

#endif /* KVMSCHED_DAT_H */

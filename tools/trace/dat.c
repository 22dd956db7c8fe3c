// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the header of a trace.dat, version 6.
 *
 * libtracecmd reads such files, but its public API can't write them.  Every
 * trace-cmd since 2012 and every KernelShark opens version 6.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "trace/dat.h"
#include "trace/option-rows.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "this file writes numbers in the byte order of x86, which the module is for"
#endif

#define DAT_MAGIC	"\x17\x08\x44" "tracing"
#define DAT_CLOCK	"[x86-tsc]"

/* Options, by trace-cmd's numbers */
enum {
	DAT_OPTION_DONE		= 0,
	DAT_OPTION_CPUSTAT	= 2,
	DAT_OPTION_TRACECLOCK	= 4,
	DAT_OPTION_UNAME	= 5,
	DAT_OPTION_CPUCOUNT	= 8,
	DAT_OPTION_VERSION	= 9,
	DAT_OPTION_GUEST	= 13,
	DAT_OPTION_TSC2NSEC	= 14,
};

/*
 * Describes the pages of the module's ring.  tracefs' own header_page would describe
 * ftrace's sub-buffers, whose size newer kernels let the user change.
 */
static const char header_page[] =
	"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
	"\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
	"\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
	"\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n";
_Static_assert(KVS_PAGE_SIZE - 16 == 4080, "header_page tells the page's size");

static const char header_event[] =
	"# compressed entry header\n"
	"\ttype_len    :    5 bits\n"
	"\ttime_delta  :   27 bits\n"
	"\tarray       :   32 bits\n"
	"\n"
	"\tpadding     : type == 29\n"
	"\ttime_extend : type == 30\n"
	"\ttime_stamp : type == 31\n"
	"\tdata max type_len  == 28\n";

static void put(FILE *out, const void *data, size_t size)
{
	if (size)
		fwrite(data, 1, size, out);
}

static void put_string(FILE *out, const char *s)
{
	put(out, s, strlen(s) + 1);
}

static void put16(FILE *out, uint16_t n)
{
	put(out, &n, sizeof(n));
}

static void put32(FILE *out, uint32_t n)
{
	put(out, &n, sizeof(n));
}

static void put64(FILE *out, uint64_t n)
{
	put(out, &n, sizeof(n));
}

/* A text without its NUL, after its size in bytes */
static void put_text(FILE *out, const char *text)
{
	put64(out, strlen(text));
	put(out, text, strlen(text));
}

static void put_formats(FILE *out, const struct kvs_dat_system *sys)
{
	put32(out, sys->nr);
	for (size_t i = 0; i < sys->nr; i++)
		put_text(out, sys->texts[i]);
}

static void put_option(FILE *out, uint16_t option, const void *data,
		       uint32_t size)
{
	put16(out, option);
	put32(out, size);
	put(out, data, size);
}

#define OPTION_HEAD	(sizeof(uint16_t) + sizeof(uint32_t))	/* number and size */

size_t kvs_dat_guest_size(const struct kvs_dat_guest *guest)
{
	return OPTION_HEAD + strlen(guest->name) + 1 + sizeof(uint64_t) + sizeof(uint32_t) +
	       2 * sizeof(uint32_t) * guest->vcpus;
}

static void put_guest_data(FILE *out, const struct kvs_dat_guest *guest)
{
	put_string(out, guest->name);
	put64(out, guest->trace_id);
	put32(out, guest->vcpus);
	for (unsigned int i = 0; i < guest->vcpus; i++) {
		put32(out, i);
		put32(out, guest->tids[i]);
	}
}

char *kvs_dat_guest_data(const struct kvs_dat_guest *guest, size_t *size)
{
	char *data = NULL;
	FILE *out = xopen_memstream(&data, size);

	put_guest_data(out, guest);
	fclose(out);
	return data;
}

static void put_guest(FILE *out, const struct kvs_dat_guest *guest)
{
	put16(out, DAT_OPTION_GUEST);
	put32(out, kvs_dat_guest_size(guest) - OPTION_HEAD);
	put_guest_data(out, guest);
}

static void put_rows(FILE *out, uint16_t option, const char *tag, const void *rows, size_t nr,
		     size_t row_size)
{
	struct kvs_option_head head = { .nr = nr, .size = row_size };

	if (!nr)
		return;
	memcpy(head.tag, tag, sizeof(head.tag));
	put16(out, option);
	put32(out, sizeof(head) + nr * row_size);
	put(out, &head, sizeof(head));
	put(out, rows, nr * row_size);
}

static void put_options(FILE *out, const struct kvs_dat_desc *desc)
{
	struct {
		uint32_t mult, shift;
		uint64_t offset;
	} tsc2nsec = { desc->tsc_mult, desc->tsc_shift, desc->tsc_offset };
	uint32_t cpus = desc->nr_cpus;

	put(out, "options  ", 10);
	if (desc->uname)
		put_option(out, DAT_OPTION_UNAME, desc->uname,
			   strlen(desc->uname) + 1);
	if (desc->version)
		put_option(out, DAT_OPTION_VERSION, desc->version,
			   strlen(desc->version) + 1);
	put_option(out, DAT_OPTION_CPUCOUNT, &cpus, sizeof(cpus));
	for (unsigned int cpu = 0; desc->cpustats && cpu < desc->nr_cpus; cpu++)
		put_option(out, DAT_OPTION_CPUSTAT, desc->cpustats[cpu],
			   strlen(desc->cpustats[cpu]) + 1);
	/* This option only announces the clock's name, which follows the table of CPUs. */
	put_option(out, DAT_OPTION_TRACECLOCK, NULL, 0);
	put_option(out, DAT_OPTION_TSC2NSEC, &tsc2nsec, sizeof(tsc2nsec));
	put_rows(out, KVS_OPTION_TIES, KVS_TIES_TAG, desc->ties, desc->nr_ties, sizeof(*desc->ties));
	put_rows(out, KVS_OPTION_YIELDS, KVS_YIELDS_TAG, desc->yields, desc->nr_yields,
		 sizeof(*desc->yields));
	for (size_t i = 0; i < desc->nr_guests; i++)
		put_guest(out, &desc->guests[i]);
	put16(out, DAT_OPTION_DONE);
}

void *kvs_dat_header(const struct kvs_dat_desc *desc, size_t *size)
{
	char *data = NULL;
	FILE *out = xopen_memstream(&data, size);

	put(out, DAT_MAGIC, strlen(DAT_MAGIC));
	put_string(out, "6");
	put(out, "\0\x08", 2);		/* little endian, longs of 8 bytes */
	put32(out, KVS_PAGE_SIZE);
	put_string(out, "header_page");
	put_text(out, header_page);
	put_string(out, "header_event");
	put_text(out, header_event);
	put_formats(out, &desc->ftrace);
	put32(out, 1);			/* event systems */
	put_string(out, desc->events.name);
	put_formats(out, &desc->events);
	put32(out, 0);			/* kallsyms */
	put32(out, 0);			/* printk */
	put_text(out, desc->cmdlines ? desc->cmdlines : "");
	put32(out, desc->nr_cpus);
	put_options(out, desc);
	put(out, "flyrecord", 10);
	for (unsigned int cpu = 0; cpu < desc->nr_cpus; cpu++) {
		put64(out, 0);
		put64(out, 0);
	}
	put_text(out, DAT_CLOCK);
	if (ferror(out) | fclose(out))
		goto nomem;
	return data;
nomem:
	kvs_err("out of memory");
	exit(KVS_EXIT_FAILED);
}

struct kvs_dat_cpu *kvs_dat_table(void *header, size_t size, unsigned int nr_cpus)
{
	size_t tail = sizeof(uint64_t) + strlen(DAT_CLOCK);
	size_t table = (size_t)nr_cpus * sizeof(struct kvs_dat_cpu);
	char *end = (char *)header + size;

	if (size < 10 + table + tail ||
	    memcmp(end - strlen(DAT_CLOCK), DAT_CLOCK, strlen(DAT_CLOCK)) ||
	    memcmp(end - tail - table - 10, "flyrecord", 10))
		return NULL;
	return (struct kvs_dat_cpu *)(end - tail - table);
}

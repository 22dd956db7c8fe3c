// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loader, on files that synth.c writes: what goes in comes out, in the
 * order of time, and damage is told, not hidden.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "synth.h"
#include "uapi/kvmsched.h"
#include "base/util.h"
#include "trace/dat.h"
#include "trace/load.h"
#include "trace/merge.h"

static char dir[] = "/tmp/kvmsched-test.XXXXXX";
static char path[sizeof(dir) + 16];
static char formats[512];

/* What came out of the file */
static struct seen {
	u64 records, disorder, last_ts;
	u64 sum;		/* of the exits' host_cycles */
	u64 by_cpu[8];
	s64 missed[8];		/* -1 once: someone didn't count */
	u64 missed_at[8];	/* records of that CPU seen until then */
} seen;

static void on_record(void *ctx, const struct kvs_record *rec)
{
	seen.records++;
	seen.disorder += rec->ts < seen.last_ts;
	seen.last_ts = rec->ts;
	seen.by_cpu[rec->cpu % 8]++;
	if (rec->event == KS_EV_exit)
		seen.sum += rec->exit.host_cycles;
}

static void on_missed(void *ctx, unsigned int cpu, s64 count)
{
	if (count < 0 || seen.missed[cpu] < 0)
		seen.missed[cpu] = -1;
	else
		seen.missed[cpu] += count;
	seen.missed_at[cpu] = seen.by_cpu[cpu];
}

static const struct kvs_sink sink = { .record = on_record, .missed = on_missed };

static int setup_dir(void **unused)
{
	const char *tests = getenv("KVMSCHED_TESTS");

	snprintf(formats, sizeof(formats), "%s/golden/formats", tests ? tests : "tests");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/x.dat", dir);
	return 0;
}

static int teardown_dir(void **unused)
{
	char old[sizeof(path) + 4];

	/* The writer keeps an existing file. */
	snprintf(old, sizeof(old), "%s.old", path);
	unlink(old);
	unlink(path);
	return rmdir(dir);
}

static int setup(void **unused)
{
	memset(&seen, 0, sizeof(seen));
	return 0;
}

static void add_exit(struct synth *s, unsigned int cpu, u64 tsc, u64 host)
{
	struct ks_rec_exit rec = {
		.ent.pid = 100 + cpu, .vm = 1, .vcpu = cpu, .host_cycles = host,
	};

	SYNTH_ADD(s, cpu, tsc, exit, &rec);
}

static struct kvs_trace_info read_all(void)
{
	struct kvs_trace *t = kvs_trace_open(path);
	struct kvs_trace_info info;

	assert_non_null(t);
	assert_true(kvs_trace_read(t, &sink));
	info = *kvs_trace_info(t);
	kvs_trace_close(t);
	return info;
}

static void merges_cpus_by_time(void **unused)
{
	struct synth *s = synth_new(path, 5, formats);
	struct kvs_trace_info info;
	u64 sum = 0, tsc = 1000;

	/* CPU 3 has no records at all. */
	for (u64 i = 0; i < 20000; i++) {
		unsigned int cpu = (i * 7 + i / 13) % 4;

		tsc += i % 3;
		add_exit(s, cpu == 3 ? 4 : cpu, tsc, i);
		sum += i;
	}
	synth_finish(s);
	info = read_all();
	assert_int_equal(info.version, 6);
	assert_int_equal(info.cpus, 5);
	assert_int_equal(info.clock, KVS_CLOCK_TSC);
	assert_true(info.tsc_mult > 0);
	assert_int_equal(seen.records, 20000);
	assert_int_equal(seen.disorder, 0);
	assert_true(seen.sum == sum);
	assert_int_equal(seen.by_cpu[3], 0);
	assert_int_equal(seen.last_ts, tsc);
	assert_int_equal(info.bad_pages + info.bad_records + info.absent, 0);
}

/* Gaps that 27 bits don't hold, up to days */
static void time_extends(void **unused)
{
	static const u64 at[] = {
		5, (1ULL << 27) + 4, (1ULL << 27) + 5, 1ULL << 40, (1ULL << 40) + (1ULL << 28),
		1ULL << 55,
	};
	struct synth *s = synth_new(path, 1, formats);

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		add_exit(s, 0, at[i], 1);
	synth_finish(s);
	read_all();
	assert_int_equal(seen.records, 6);
	assert_true(seen.last_ts == 1ULL << 55);
}

static void losses_come_where_they_happened(void **unused)
{
	struct synth *s = synth_new(path, 3, formats);

	for (u64 i = 0; i < 100; i++) {
		add_exit(s, 0, 1000 + i, 1);
		add_exit(s, 1, 1000 + i, 1);
		add_exit(s, 2, 1000 + i, 1);
		if (i == 39)
			synth_lost(s, 0, 17);
		if (i == 59)
			synth_lost(s, 0, 5);
		if (i == 79)
			synth_lost(s, 1, 0);	/* no one counted */
	}
	synth_finish(s);
	read_all();
	assert_int_equal(seen.records, 300);
	assert_int_equal(seen.missed[0], 22);
	assert_int_equal(seen.missed_at[0], 60);
	assert_int_equal(seen.missed[1], -1);
	assert_int_equal(seen.missed_at[1], 80);
	assert_int_equal(seen.missed[2], 0);
}

/* A file of several megabytes, several pieces for each CPU */
static void reads_in_pieces(void **unused)
{
	struct synth *s = synth_new(path, 2, formats);
	u64 sum = 0;

	for (u64 i = 0; i < 100000; i++) {
		add_exit(s, i % 2, i * 10, i);
		sum += i;
	}
	synth_finish(s);
	read_all();
	assert_int_equal(seen.records, 100000);
	assert_int_equal(seen.disorder, 0);
	assert_true(seen.sum == sum);
}

static void small_file(unsigned int cpus, unsigned int records)
{
	struct synth *s = synth_new(path, cpus, formats);

	for (unsigned int i = 0; i < records; i++)
		add_exit(s, i % cpus, 1000 + i, 1);
	synth_finish(s);
}

static void truncated_file_is_read_as_far_as_it_goes(void **unused)
{
	struct kvs_trace_info info;
	struct stat st;

	small_file(1, 1000);
	assert_int_equal(stat(path, &st), 0);
	/* Within the last page but two */
	assert_int_equal(truncate(path, st.st_size - 2 * 4096 - 1000), 0);
	info = read_all();
	assert_int_equal(info.absent, 2 * 4096 + 1000);
	assert_true(seen.records > 700 && seen.records < 1000);
	assert_int_equal(seen.sum, seen.records);
}

/* A table that gives two CPUs the same bytes is damaged: the file is refused. */
static void overlapping_cpus_are_refused(void **unused)
{
	struct kvs_dat_cpu *table;
	struct kvs_trace *t;
	char *file, *clock;
	size_t size;
	int fd;

	small_file(2, 300);
	file = kvs_read_file(path, &size);
	assert_non_null(file);
	/* The header ends with the name of its clock. */
	clock = memmem(file, size, "[x86-tsc]", 9);
	assert_non_null(clock);
	table = kvs_dat_table(file, clock + 9 - file, 2);
	assert_non_null(table);
	t = kvs_trace_open(path);
	assert_non_null(t);
	kvs_trace_close(t);
	table[1].offset = table[0].offset + table[0].size - 4096;
	fd = open(path, O_WRONLY);
	assert_int_equal(kvs_write_all(fd, file, size), 0);
	close(fd);
	assert_null(kvs_trace_open(path));
	free(file);
}

/* Every length, from nothing to the first pages: open or refuse, never crash. */
static void truncated_anywhere(void **unused)
{
	struct stat st;
	off_t header;
	int err;

	small_file(2, 300);
	assert_int_equal(stat(path, &st), 0);
	header = st.st_size - 8 * 4096;
	/* What is said to each of them is not for the log. */
	fflush(stderr);
	err = dup(STDERR_FILENO);
	close(STDERR_FILENO);
	open("/dev/null", O_WRONLY);
	for (off_t size = st.st_size; size >= 0; size -= size > header ? 509 : 97) {
		struct kvs_trace *t;

		assert_int_equal(truncate(path, size), 0);
		t = kvs_trace_open(path);
		if (t)
			kvs_trace_read(t, &sink);
		kvs_trace_close(t);
	}
	dup2(err, STDERR_FILENO);
	close(err);
}

static void garbage_pages_are_counted(void **unused)
{
	unsigned char noise[4096];
	struct kvs_trace_info info;
	struct stat st;
	unsigned int lost;
	int fd;

	small_file(1, 1000);
	assert_int_equal(stat(path, &st), 0);
	memset(noise, 0xa5, sizeof(noise));
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, noise, sizeof(noise), st.st_size - 3 * 4096), 4096);
	close(fd);
	info = read_all();
	assert_int_equal(info.bad_pages, 1);
	/* What is before and behind it is there. */
	lost = 4080 / (sizeof(u32) + KS_RECORD_SIZE(exit));
	assert_in_range(seen.records, 1000 - lost, 1000 - lost + 2);
}

/* Pages that hold nothing but a count of lost records, more than a number can hold */
static const void *empty_page(void *ctx, size_t *size)
{
	static u64 page[512] = {
		[1] = KVMSCHED_PAGE_LOST | KVMSCHED_PAGE_LOST_COUNT, [2] = INT64_MAX - 1,
	};
	unsigned int *left = ctx;

	*size = sizeof(page);
	return (*left)-- ? page : NULL;
}

static void lost_counts_add_up_to_a_limit(void **unused)
{
	unsigned int left = 3;
	struct kvs_decoder *decoder = kvs_decoder_create();
	struct kvs_trace_info info = { 0 };
	struct kvs_merge *m = kvs_merge_create(decoder, 4096, &info, &sink);

	kvs_merge_add(m, &(struct kvs_source){ .next_page = empty_page, .ctx = &left });
	kvs_merge_run(m, UINT64_MAX);
	kvs_merge_finish(m);
	kvs_merge_destroy(m);
	kvs_decoder_destroy(decoder);
	assert_true(seen.missed[0] == INT64_MAX);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, setup)
	const struct CMUnitTest tests[] = {
		TEST(merges_cpus_by_time),
		TEST(time_extends),
		TEST(losses_come_where_they_happened),
		TEST(reads_in_pieces),
		TEST(truncated_file_is_read_as_far_as_it_goes),
		TEST(overlapping_cpus_are_refused),
		TEST(truncated_anywhere),
		TEST(garbage_pages_are_counted),
		TEST(lost_counts_add_up_to_a_limit),
	};

	return cmocka_run_group_tests_name("load", tests, setup_dir, teardown_dir);
}

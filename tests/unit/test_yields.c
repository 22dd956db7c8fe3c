// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's counts of directed yields, from a folder like that of debugfs into a file's header
 * and out of it again: tools/host/yields.c, tools/record/yields.c, tools/trace.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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
#include "base/system.h"
#include "base/util.h"
#include "host/vmname.h"
#include "host/yields.h"
#include "record/yields.h"
#include "trace/load.h"

static char dir[] = "/tmp/kvmsched-test.XXXXXX";
static char kvm[sizeof(dir) + 8], path[sizeof(dir) + 8];
static char formats[512];
static struct kvs_yields y;
static int one, two;	/* processes that are there */

static void write_count(const char *vm, const char *name, const char *text)
{
	char *file = xasprintf("%s/%s/%s", kvm, vm, name);
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(kvs_write_all(fd, text, strlen(text)), 0);
	close(fd);
	free(file);
}

static char *folder_of(int pid, int fd)
{
	return xasprintf("%d-%d", pid, fd);
}

static void put_vm(int pid, int fd, unsigned int attempted, unsigned int successful)
{
	char *vm = folder_of(pid, fd), *folder = xasprintf("%s/%s", kvm, vm);
	char text[32];

	assert_true(!mkdir(folder, 0700) || errno == EEXIST);
	snprintf(text, sizeof(text), "%u\n", attempted);
	write_count(vm, "directed_yield_attempted", text);
	snprintf(text, sizeof(text), "%u\n", successful);
	write_count(vm, "directed_yield_successful", text);
	free(folder);
	free(vm);
}

static void end_vm(int pid, int fd)
{
	char *vm = folder_of(pid, fd);
	char *command = xasprintf("rm -r %s/%s", kvm, vm);

	assert_int_equal(system(command), 0);
	free(command);
	free(vm);
}

static void begin(void)
{
	kvs_yields_begin(&y, kvm);
}

static void end(void)
{
	kvs_yields_end(&y, kvm);
}

static void expect_row(size_t i, int pid, unsigned int vms, u64 attempted, u64 successful)
{
	assert_in_range(i + 1, 1, y.nr);
	assert_int_equal(y.rows[i].pid, pid);
	assert_int_equal(y.rows[i].vms, vms);
	assert_int_equal(y.rows[i].attempted, attempted);
	assert_int_equal(y.rows[i].successful, successful);
}

static void differences_are_told(void **unused)
{
	put_vm(one, 5, 100, 7);
	put_vm(two, 5, 30, 3);
	begin();
	put_vm(one, 5, 500, 19);
	end();
	assert_int_equal(y.nr, 2);
	expect_row(0, one, 1, 400, 12);
	expect_row(1, two, 1, 0, 0);
}

static void a_new_vm_counts_from_0(void **unused)
{
	begin();
	put_vm(one, 5, 40, 2);
	end();
	assert_int_equal(y.nr, 1);
	expect_row(0, one, 1, 40, 2);
}

static void vms_of_a_process_are_summed(void **unused)
{
	put_vm(one, 5, 10, 1);
	put_vm(one, 6, 20, 2);
	begin();
	put_vm(one, 5, 11, 1);
	put_vm(one, 6, 25, 4);
	put_vm(one, 7, 100, 50);
	end();
	assert_int_equal(y.nr, 1);
	expect_row(0, one, 3, 106, 52);
}

/* Its counts are gone, so the sum of its process would lack them. */
static void a_process_that_lost_a_vm_is_unknown(void **unused)
{
	put_vm(one, 5, 10, 1);
	put_vm(one, 6, 20, 2);
	put_vm(two, 5, 0, 0);
	begin();
	put_vm(one, 5, 11, 1);
	end_vm(one, 6);
	put_vm(two, 5, 9, 0);
	end();
	assert_int_equal(y.nr, 1);
	expect_row(0, two, 1, 9, 0);
}

/* Another VM got the same file number: its folder is another one. */
static void a_vm_that_took_the_place_of_another(void **unused)
{
	char *old = xasprintf("%s/%d-5", kvm, one), *away = xasprintf("%s/away", dir);
	char *command = xasprintf("rm -r %s", away);

	put_vm(one, 5, 10, 1);
	begin();
	assert_int_equal(rename(old, away), 0);
	put_vm(one, 5, 300, 30);
	assert_int_equal(system(command), 0);
	end();
	assert_int_equal(y.nr, 0);
	free(command);
	free(away);
	free(old);
}

/* Whoever writes to the files of debugfs resets them. */
static void counts_that_go_back_are_unknown(void **unused)
{
	put_vm(one, 5, 10, 5);
	put_vm(two, 5, 10, 5);
	begin();
	put_vm(one, 5, 9, 5);
	put_vm(two, 5, 20, 4);
	end();
	assert_int_equal(y.nr, 0);
}

static void not_all_can_be_read(void **unused)
{
	char *odd = folder_of(two, 9), *folder = xasprintf("%s/%s", kvm, odd);
	size_t nr;

	/* Other files, and a VM whose files are gone already */
	put_vm(one, 5, 1, 1);
	write_count(".", "exits", "5\n");
	write_count(".", "12-x", "5\n");
	write_count(".", "-12", "5\n");
	assert_int_equal(mkdir(folder, 0700), 0);
	begin();
	assert_int_equal(y.nr_begin, 1);
	/* One that makes no sense: whose else would be missing is not known. */
	put_vm(two, 9, 1, 1);
	write_count(odd, "directed_yield_successful", "many\n");
	assert_null(kvs_vm_yields_read(kvm, &nr));
	end();
	assert_int_equal(y.nr, 0);
	free(folder);
	free(odd);
}

static void without_debugfs_nothing_is_told(void **unused)
{
	kvs_yields_begin(&y, "/nonexistent");
	put_vm(one, 5, 1, 1);
	end();
	assert_int_equal(y.nr, 0);
	begin();
	kvs_yields_end(&y, "/nonexistent");
	assert_int_equal(y.nr, 0);
}

/* The file has room for so many: those are kept that tried most. */
static void too_many_processes(void **unused)
{
	struct kvs_vm_yields end[KVS_YIELDS_MAX + 2] = { 0 };

	y.begin = xcalloc(1, sizeof(*y.begin));
	for (unsigned int i = 0; i < ARRAY_SIZE(end); i++)
		end[i] = (struct kvs_vm_yields){ .pid = i + 1, .process = i + 1, .attempted = i };
	kvs_yields_take(&y, end, ARRAY_SIZE(end));
	assert_int_equal(y.nr, KVS_YIELDS_MAX);
	expect_row(0, KVS_YIELDS_MAX + 2, 1, KVS_YIELDS_MAX + 1, 0);
	expect_row(KVS_YIELDS_MAX - 1, 3, 1, 2, 0);
}

/* A thread creates a VM, and may end before it does. */
static void vms_that_threads_created(void **unused)
{
	const struct kvs_vm_yields end[] = {
		{ .pid = 11, .fd = 3, .process = 0, .attempted = 30 },
		{ .pid = 10, .fd = 4, .process = 10, .attempted = 5 },
		{ .pid = 12, .fd = 5, .process = 0, .attempted = 7 },
	};

	y.begin = xcalloc(1, sizeof(*y.begin));
	y.begin[0] = (struct kvs_vm_yields){ .pid = 11, .fd = 3, .process = 10, .attempted = 10 };
	y.nr_begin = 1;
	kvs_yields_take(&y, end, ARRAY_SIZE(end));
	assert_int_equal(y.nr, 1);
	expect_row(0, 10, 2, 25, 0);
}

/* What is found while a thread is there that created a VM */
struct found {
	pid_t tid, pid, process;
	size_t nr;
};

static void *look_as_thread(void *ctx)
{
	struct found *found = ctx;
	struct kvs_vm_yields *vms;

	found->tid = gettid();
	put_vm(found->tid, 5, 40, 2);
	vms = kvs_vm_yields_read(kvm, &found->nr);
	if (vms && found->nr) {
		found->pid = vms[0].pid;
		found->process = vms[0].process;
	}
	free(vms);
	return NULL;
}

static void the_process_of_a_thread(void **unused)
{
	struct found found = { 0 };
	struct kvs_vm_yields *vms;
	pthread_t thread;
	size_t nr;

	if (!kvs_pids_are_the_kernels()) {
		print_message("# skipped: in this PID namespace /proc has no PIDs of the kernel\n");
		skip();
	}
	assert_int_equal(pthread_create(&thread, NULL, look_as_thread, &found), 0);
	pthread_join(thread, NULL);
	assert_int_equal(found.nr, 1);
	assert_int_equal(found.pid, found.tid);
	assert_int_equal(found.process, one);
	/* It is joined a moment before /proc forgets it. */
	while (kvs_thread_number(found.tid, "Tgid") > 0)
		usleep(100);
	vms = kvs_vm_yields_read(kvm, &nr);
	assert_int_equal(nr, 1);
	assert_int_equal(vms[0].process, 0);
	free(vms);
}

/* A file that tells of @nr processes, by their number: PID i + 1 tried 10 * i times. */
static void make_file(unsigned int nr)
{
	struct kvs_yields_row *rows = xcalloc(nr + 1, sizeof(*rows));
	struct ks_rec_exit rec = { .ent.pid = 100, .vm = 1 };
	struct synth *s = synth_new(path, 1, formats);

	for (unsigned int i = 0; i < nr; i++)
		rows[i] = (struct kvs_yields_row){
			.pid = i + 1, .vms = 1, .attempted = 10 * i, .successful = i,
		};
	synth_yields(s, rows, nr);
	SYNTH_ADD(s, 0, 1000, exit, &rec);
	synth_finish(s);
	free(rows);
}

static unsigned int rows_told(u64 *attempted)
{
	struct kvs_trace *t = kvs_trace_open(path);
	const struct kvs_trace_info *info;
	unsigned int nr;

	assert_non_null(t);
	info = kvs_trace_info(t);
	nr = info->nr_yields;
	assert_true(!nr == !info->yields);
	*attempted = nr ? info->yields[nr - 1].attempted : 0;
	kvs_trace_close(t);
	return nr;
}

static void a_file_tells_them(void **unused)
{
	u64 attempted;

	make_file(0);
	assert_int_equal(rows_told(&attempted), 0);
	make_file(3);
	assert_int_equal(rows_told(&attempted), 3);
	assert_int_equal(attempted, 20);
	make_file(KVS_YIELDS_MAX);
	assert_int_equal(rows_told(&attempted), KVS_YIELDS_MAX);
	assert_int_equal(attempted, 10 * (KVS_YIELDS_MAX - 1));
	make_file(KVS_YIELDS_MAX + 1);
	assert_int_equal(rows_told(&attempted), 0);
}

/* An option that makes no sense tells nothing, and the file is read as if it had none. */
static void garbage_tells_nothing(void **unused)
{
	static const struct {
		size_t at;
		const char *data;
		size_t size;
	} bad[] = {
		{ 0, "kvsYIELD", 8 },
		{ 8, "\0\0\0\0", 4 }, { 8, "\x01\0\0\0", 4 }, { 8, "\x03\0\0\0", 4 },
		{ 8, "\xff\xff\xff\xff", 4 }, { 8, "\xab\xaa\xaa\x0a", 4 },
		{ 12, "\0\0\0\0", 4 }, { 12, "\x30\0\0\0", 4 }, { 12, "\xff\xff\xff\xff", 4 },
		{ 16, "\0\0\0\0", 4 }, { 40, "\xff\xff\xff\xff", 4 }, { 20, "\0\0\0\0", 4 },
	};
	u64 attempted;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		size_t size;
		char *file, *option;
		int fd;

		make_file(2);
		file = kvs_read_file(path, &size);
		assert_non_null(file);
		option = memmem(file, size, KVS_YIELDS_TAG, strlen(KVS_YIELDS_TAG));
		assert_non_null(option);
		fd = open(path, O_WRONLY);
		assert_int_equal(pwrite(fd, bad[i].data, bad[i].size,
					option - file + bad[i].at), bad[i].size);
		close(fd);
		free(file);
		assert_int_equal(rows_told(&attempted), 0);
	}
}

static int setup_dir(void **unused)
{
	const char *tests = getenv("KVMSCHED_TESTS");

	snprintf(formats, sizeof(formats), "%s/golden/formats", tests ? tests : "tests");
	if (!mkdtemp(dir))
		return -1;
	snprintf(kvm, sizeof(kvm), "%s/kvm", dir);
	snprintf(path, sizeof(path), "%s/x.dat", dir);
	one = getpid();
	two = 1;
	return 0;
}

static int teardown_dir(void **unused)
{
	char *command = xasprintf("rm -rf %s", dir);
	int ret = system(command);

	free(command);
	return ret;
}

static int setup(void **unused)
{
	y = (struct kvs_yields){ 0 };
	return mkdir(kvm, 0700);
}

static int teardown(void **unused)
{
	char *command = xasprintf("rm -rf %s", kvm);
	int ret = system(command);

	kvs_yields_free(&y);
	free(command);
	return ret;
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(differences_are_told),
		TEST(a_new_vm_counts_from_0),
		TEST(vms_of_a_process_are_summed),
		TEST(a_process_that_lost_a_vm_is_unknown),
		TEST(a_vm_that_took_the_place_of_another),
		TEST(counts_that_go_back_are_unknown),
		TEST(not_all_can_be_read),
		TEST(without_debugfs_nothing_is_told),
		TEST(too_many_processes),
		TEST(vms_that_threads_created),
		TEST(the_process_of_a_thread),
		TEST(a_file_tells_them),
		TEST(garbage_tells_nothing),
	};

	return cmocka_run_group_tests_name("yields", tests, setup_dir, teardown_dir);
}

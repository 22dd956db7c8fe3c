// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of VMs: in a command line, in a file, in a model; and which of them is meant.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "base/vm.h"
#include "host/vmname.h"
#include "model/model.h"
#include "trace/vmnames.h"
#include "feed.h"

static void expect_bytes(const char *cmdline, size_t size, const char *expected)
{
	char *name = kvs_vm_name_in(cmdline, size);

	if (expected) {
		assert_non_null(name);
		assert_string_equal(name, expected);
	} else {
		assert_null(name);
	}
	free(name);
}

/* All bytes of the string, also its last NUL */
#define EXPECT(cmdline, expected)	expect_bytes(cmdline, sizeof(cmdline), expected)

static void as_libvirt_has_it(void **unused)
{
	EXPECT("qemu-system-x86_64\0-name\0guest=web1,debug-threads=on\0-S\0-m\0001024", "web1");
	EXPECT("qemu\0-name\0debug-threads=on,guest=web1", "web1");
}

static void as_people_have_it(void **unused)
{
	EXPECT("qemu\0-m\0001G\0-name\0web1", "web1");
	EXPECT("qemu\0--name\0web1,process=q", "web1");
	EXPECT("lkvm\0run\0--name\0web1", "web1");
}

static void names_are_bytes(void **unused)
{
	EXPECT("qemu\0-name\0guest=a,,b,debug-threads=on", "a,b");
	EXPECT("qemu\0-name\0a,,b=c", "a,b=c");
	EXPECT("qemu\0-name\0guest=\xff\x1b[2J x", "\xff\x1b[2J x");
	EXPECT("qemu\0-name\0guest=a=b", "a=b");
}

static void no_name(void **unused)
{
	EXPECT("qemu\0-m\0001G", NULL);
	EXPECT("qemu\0-name", NULL);
	EXPECT("qemu\0-name\0debug-threads=on", NULL);
	EXPECT("qemu\0-drive\0file=-name", NULL);
	EXPECT("", NULL);
	expect_bytes("", 0, NULL);
	/* A process may write over its arguments. */
	expect_bytes("qemu\0-name\0web1", strlen("qemu") + 1 + strlen("-name") + 1 + 4, NULL);
}

static void or_else_the_command(void **unused)
{
	char *comm = kvs_read_line("/proc/self/comm"), *name = kvs_vm_name_of(getpid());

	assert_string_equal(name, comm);
	free(name);
	free(comm);
	assert_null(kvs_vm_name_of(INT32_MAX));
}

/* A process whose command line is that of libvirt's QEMU, until @quit is closed */
static pid_t run_as_qemu(int *quit)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(ends[0], STDIN_FILENO);
		execl("/bin/sh", "/usr/bin/qemu-system-x86_64", "-c", "read line", "sh",
		      "-name", "guest=web1,debug-threads=on", "-S", (char *)NULL);
		_exit(1);
	}
	close(ends[0]);
	*quit = ends[1];
	return pid;
}

/* Until it has called exec, its command line is ours. */
static void of_a_process(void **unused)
{
	char *name = NULL;
	int quit, status;
	pid_t pid = run_as_qemu(&quit);

	for (unsigned int tries = 0; tries < 1000 && (!name || strcmp(name, "web1")); tries++) {
		usleep(1000);
		free(name);
		name = kvs_vm_name_of(pid);
	}
	close(quit);
	waitpid(pid, &status, 0);
	assert_non_null(name);
	assert_string_equal(name, "web1");
	free(name);
}

#define GUEST_HEAD(name)	name "\0" "\0\0\0\0\0\0\0\0"

/* A copy on the heap, as the file's readers hand them over */
static void add_guest(struct kvs_vm_names *n, const char *data, size_t size)
{
	char *copy = xmalloc(size + 1);

	memcpy(copy, data, size);
	copy[size] = '\0';
	kvs_vm_names_add_guest(n, copy, size);
}

/* Option GUEST with its threads; some of it may be missing. */
static void a_guest_of_a_file(void **unused)
{
	static const char data[] = GUEST_HEAD("web1") "\3\0\0\0"
		"\0\0\0\0" "\x0a\0\0\0" "\1\0\0\0" "\0\0\0\0" "\2\0\0\0" "\x0c\0\0\0";

	for (size_t size = 0; size < sizeof(data); size++) {
		struct kvs_vm_names n = { 0 };
		const char *first, *last;

		add_guest(&n, data, size);
		first = kvs_vm_names_of_thread(&n, 10);
		last = kvs_vm_names_of_thread(&n, 12);
		if (size >= 17 + 8)
			assert_string_equal(first, "web1");
		else
			assert_null(first);
		if (size == sizeof(data) - 1)
			assert_string_equal(last, "web1");
		else
			assert_null(last);
		assert_null(kvs_vm_names_of_thread(&n, 0));
		kvs_vm_names_free(&n);
	}
}

static void tasks_of_a_file(void **unused)
{
	struct kvs_vm_names n = { 0 };

	kvs_vm_names_add_tasks(&n, xstrdup("10 qemu system\nx y\n\n-3 z\n11 \n12 cut"));
	assert_string_equal(kvs_vm_names_of_process(&n, 10), "qemu system");
	assert_null(kvs_vm_names_of_process(&n, 11));
	assert_null(kvs_vm_names_of_process(&n, 12));
	assert_null(kvs_vm_names_of_process(&n, -3));
	kvs_vm_names_free(&n);
}

/* A thread names all VMs of its process; the command's name comes second. */
static void vms_of_a_model(void **unused)
{
	static const char guest[] = GUEST_HEAD("web1") "\1\0\0\0" "\0\0\0\0" "\x33\0\0\0";
	struct kvs_vm_names n = { 0 };
	struct kvs_model m;

	kvs_model_init(&m);
	FEED(&m, 1, 0, 51, vcpu, .vm = 1, .vcpu = 0, .tgid = 50);
	FEED(&m, 2, 0, 52, vcpu, .vm = 1, .vcpu = 1, .tgid = 50);
	FEED(&m, 3, 0, 53, vcpu, .vm = 2, .vcpu = 0, .tgid = 50);
	FEED(&m, 4, 0, 61, vcpu, .vm = 3, .vcpu = 0, .tgid = 60);
	FEED(&m, 5, 0, 71, vcpu, .vm = 4, .vcpu = 0, .tgid = 70);
	kvs_model_finish(&m);
	add_guest(&n, guest, sizeof(guest) - 1);
	kvs_vm_names_add_tasks(&n, xstrdup("50 qemu\n60 lkvm\n"));
	kvs_model_name_vms(&m, &n);
	for (unsigned int i = 0; i < 3; i++)
		assert_string_equal(m.vcpus[i]->vm_name, "web1");
	assert_string_equal(m.vcpus[3]->vm_name, "lkvm");
	assert_null(m.vcpus[4]->vm_name);
	kvs_model_free(&m);
	kvs_vm_names_free(&n);
}

static void expect_label(const char *name, long index, const char *expected)
{
	char label[KVS_VM_LEN];

	assert_string_equal(kvs_vm_label(label, name, 4711, index), expected);
}

static void labels(void **unused)
{
	expect_label(NULL, 0, "4711");
	expect_label(NULL, 1, "4711.1");
	expect_label("web1", 1, "web1/4711.1");
	expect_label("0123456789012345678901234567890123456789", 0,
		     "0123456789012345678901234567890123456789/4711");
	/* It is cut before a character that would be cut in two. */
	expect_label("012345678901234567890123456789012345678\xc3\xa4", 0,
		     "012345678901234567890123456789012345678.../4711");
}

static bool means(const char *text, long pid, long index, const char *name)
{
	struct kvs_vm_id id;

	assert_true(kvs_parse_vm(text, &id));
	return kvs_vm_matches(&id, pid, index, name);
}

static void which_vm_is_meant(void **unused)
{
	struct kvs_vm_id id;

	assert_true(means("4711", 4711, 1, "web1"));
	assert_true(means("4711.1", 4711, 1, NULL));
	assert_false(means("4711.1", 4711, 0, NULL));
	assert_true(means("web1", 4711, 1, "web1"));
	assert_false(means("web1", 4711, 1, "web"));
	assert_false(means("web1", 4711, 1, NULL));
	assert_true(means("1web", 4711, 0, "1web"));
	assert_true(means("a\xff", 4711, 0, "a\xff"));
	assert_true(means("a\\xff", 4711, 0, "a\xff"));
	assert_false(kvs_parse_vm("", &id));
	assert_false(kvs_parse_vm("0", &id));
	assert_false(kvs_parse_vm("4711.", &id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_libvirt_has_it),
		cmocka_unit_test(as_people_have_it),
		cmocka_unit_test(names_are_bytes),
		cmocka_unit_test(no_name),
		cmocka_unit_test(or_else_the_command),
		cmocka_unit_test(of_a_process),
		cmocka_unit_test(a_guest_of_a_file),
		cmocka_unit_test(tasks_of_a_file),
		cmocka_unit_test(vms_of_a_model),
		cmocka_unit_test(labels),
		cmocka_unit_test(which_vm_is_meant),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

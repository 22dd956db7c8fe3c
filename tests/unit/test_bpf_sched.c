// SPDX-License-Identifier: GPL-2.0-only
/*
 * The BPF scheduler that is loaded, as a folder laid out like /sys/kernel/sched_ext tells.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "host/bpf-sched.h"

static char folder[] = "/tmp/bpf-sched.XXXXXX";

static void put(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", folder, name);
	FILE *f = text ? fopen(path, "w") : NULL;

	if (text) {
		assert_non_null(f);
		fputs(text, f);
		fclose(f);
	} else {
		unlink(path);
	}
	free(path);
}

static void load(const char *name, const char *state, const char *all, const char *loads)
{
	put("root/ops", name);
	put("state", state);
	put("switch_all", all);
	put("enable_seq", loads);
}

static void kernels_without_it(void **unused)
{
	struct kvs_bpf_sched s;

	assert_false(kvs_bpf_sched_read(folder, &s));
}

static void none_is_loaded(void **unused)
{
	struct kvs_bpf_sched s;

	load(NULL, "disabled\n", "0\n", "3\n");
	assert_true(kvs_bpf_sched_read(folder, &s));
	assert_false(s.loaded);
	assert_int_equal(s.loads, 3);
	assert_string_equal(s.name, "");
}

static void one_is_loaded(void **unused)
{
	struct kvs_bpf_sched s;

	load("simple_1.0\n", "enabled\n", "1\n", "4\n");
	assert_true(kvs_bpf_sched_read(folder, &s));
	assert_true(s.loaded);
	assert_true(s.all);
	assert_int_equal(s.loads, 4);
	assert_string_equal(s.name, "simple_1.0");
	load("simple_1.0\n", "enabled\n", "0\n", "4\n");
	assert_true(kvs_bpf_sched_read(folder, &s));
	assert_false(s.all);
}

/* Its name is there while it comes and while it goes. */
static void one_that_goes_is_none(void **unused)
{
	struct kvs_bpf_sched s;

	load("simple\n", "disabling\n", "1\n", "4\n");
	assert_true(kvs_bpf_sched_read(folder, &s));
	assert_false(s.loaded);
	assert_string_equal(s.name, "");
}

static int make_folder(void **unused)
{
	char *root;
	int ret;

	if (!mkdtemp(folder))
		return -1;
	root = xasprintf("%s/root", folder);
	ret = mkdir(root, 0700);
	free(root);
	return ret;
}

static int remove_folder(void **unused)
{
	char *root = xasprintf("%s/root", folder);

	load(NULL, NULL, NULL, NULL);
	rmdir(root);
	free(root);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_without_it),
		cmocka_unit_test(none_is_loaded),
		cmocka_unit_test(one_is_loaded),
		cmocka_unit_test(one_that_goes_is_none),
	};

	return cmocka_run_group_tests_name("bpf_sched", tests, make_folder, remove_folder);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an experiment writes while it runs: names of arms are bytes, and text where they
 * leave the program.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "experiment/experiment.h"

static struct kvs_experiment experiment;
static struct kvs_exp_round *plan;
static struct kvs_exp_run run;
static char folder[] = "/tmp/kvmsched-test-XXXXXX";

/* Two arms, one of whose names is no text, and its control */
static int begin(void **unused)
{
	kvs_experiment_init(&experiment);
	experiment.workload = xcalloc(2, sizeof(char *));
	experiment.workload[0] = xstrdup("true");
	assert_null(kvs_exp_arm_take(&experiment, "n\xff\x1b=other"));
	assert_null(kvs_exp_arm_take(&experiment, "b=batch"));
	assert_true(kvs_experiment_check(&experiment));
	run.e = &experiment;
	run.plan = plan = kvs_exp_plan(&experiment, &run.nr_rounds);
	run.rounds = json_array();
	assert_non_null(mkdtemp(folder));
	experiment.folder = xstrdup(folder);
	run.folder = open(folder, O_RDONLY | O_DIRECTORY);
	return run.folder < 0;
}

static int end(void **unused)
{
	char *path = xasprintf("%s/result.json", folder);

	unlink(path);
	free(path);
	rmdir(folder);
	close(run.folder);
	json_decref(run.rounds);
	free(plan);
	kvs_experiment_free(&experiment);
	return 0;
}

static const char *name_of(json_t *array, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(array, i), key));
}

static void results_have_every_arm(void **unused)
{
	const struct kvs_exp_window window = { .end_tsc = 1, .seconds = 1 };
	char *path = xasprintf("%s/result.json", folder);
	json_t *result, *arms;

	for (run.at = 0; run.at < run.nr_rounds; run.at++)
		json_array_append_new(run.rounds, kvs_exp_round_json(&run, &plan[run.at],
					"1.dat", &window, json_object(), NULL, 0));
	assert_true(kvs_exp_result_write(&run, true));
	result = json_load_file(path, 0, NULL);
	assert_non_null(result);
	arms = json_object_get(result, "arms");
	assert_int_equal(json_array_size(arms), 3);
	assert_string_equal(name_of(arms, 0, "name"), "n\\xff\\x1b");
	assert_string_equal(name_of(arms, 1, "name"), "b");
	assert_null(name_of(arms, 1, "control_of"));
	assert_string_equal(name_of(arms, 2, "control_of"), "n\\xff\\x1b");
	assert_int_equal(json_array_size(json_object_get(result, "rounds")), run.nr_rounds);
	for (size_t i = 0; i < run.nr_rounds; i++)
		assert_string_equal(name_of(json_object_get(result, "rounds"), i, "arm"),
				    name_of(arms, plan[i].arm, "name"));
	json_decref(result);
	free(path);
}

static void progress_is_text(void **unused)
{
	char said[200] = "";
	int saved = dup(2), ends[2];

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], 2);
	run.at = 0;
	while (plan[run.at].arm)
		run.at++;
	kvs_exp_progress(&run, "is recorded");
	dup2(saved, 2);
	close(saved);
	close(ends[1]);
	assert_true(read(ends[0], said, sizeof(said) - 1) > 0);
	close(ends[0]);
	assert_non_null(strstr(said, ": n\\xff\\x1b is recorded;"));
	assert_null(strchr(said, 0x1b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_have_every_arm),
		cmocka_unit_test(progress_is_text),
	};

	return cmocka_run_group_tests_name("experiment", tests, begin, end);
}

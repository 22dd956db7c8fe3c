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
	struct kvs_exp_gains gains = { .end_tsc = 1, .seconds = 1 };
	char *path = xasprintf("%s/result.json", folder);
	json_t *result, *arms;

	gains.knobs = json_object();
	for (run.at = 0; run.at < run.nr_rounds; run.at++)
		json_array_append_new(run.rounds, kvs_exp_round_json(&run, &plan[run.at],
								     "1.dat", &gains));
	json_decref(gains.knobs);
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

/* What is written to standard error from listen() to heard() */
static int stderr_saved, stderr_ends[2];

static void listen(void)
{
	stderr_saved = dup(2);
	assert_int_equal(pipe(stderr_ends), 0);
	dup2(stderr_ends[1], 2);
}

static void heard(char *text, size_t size)
{
	ssize_t got;

	dup2(stderr_saved, 2);
	close(stderr_saved);
	close(stderr_ends[1]);
	got = read(stderr_ends[0], text, size - 1);
	text[got > 0 ? got : 0] = '\0';
	close(stderr_ends[0]);
}

static void progress_is_text(void **unused)
{
	char said[200];

	run.at = 0;
	while (plan[run.at].arm)
		run.at++;
	listen();
	kvs_exp_progress(&run, "is recorded");
	heard(said, sizeof(said));
	assert_non_null(strstr(said, ": n\\xff\\x1b is recorded;"));
	assert_null(strchr(said, 0x1b));
}

static char **words(const char *first, const char *second, const char *third, const char *fourth)
{
	char **array = xcalloc(5, sizeof(*array));

	array[0] = xstrdup(first);
	array[1] = second ? xstrdup(second) : NULL;
	array[2] = third ? xstrdup(third) : NULL;
	array[3] = fourth ? xstrdup(fourth) : NULL;
	return array;
}

static void words_free(char **array)
{
	for (char **word = array; *word; word++)
		free(*word);
	free(array);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static char *path_of(const char *name) { return xasprintf("%s/%s", folder, name); }

/* What the shell's @script makes of a round of the arm whose guests get SCHED_RR */
static bool run_hook(const char *script, json_t *files)
{
	char name[] = "b", guest[] = "rr";
	const struct kvs_exp_arm arm = { .name = name, .guest = guest };
	char *trace = path_of("guest.dat");
	bool ok;

	write_text(trace, "of another round");
	experiment.guest_hook = words("sh", "-c", script, "sh");
	experiment.guests = words(trace, NULL, NULL, NULL);
	setenv("TRACE", trace, 1);
	ok = kvs_exp_guest_begin(&run, &arm, "001-b") &&
	     kvs_exp_guest_end(&run, &arm, "001-b", files);
	unlink(trace);
	free(trace);
	words_free(experiment.guest_hook);
	words_free(experiment.guests);
	experiment.guest_hook = experiment.guests = NULL;
	return ok;
}

static void guests_get_a_policy(void **unused)
{
	char *log = path_of("001-b.log"), *trace = path_of("001-b-guest.dat"), *text;
	json_t *files = json_array();
	size_t size;

	assert_true(run_hook("echo \"is told: $1 $2\"; [ $2 = begin ] || echo traced >$TRACE", files));
	text = kvs_read_file(log, &size);
	assert_string_equal(text, "is told: rr begin\nis told: rr end\n");
	free(text);
	assert_int_equal(json_array_size(files), 1);
	assert_string_equal(json_string_value(json_array_get(files, 0)), "001-b-guest.dat");
	text = kvs_read_file(trace, &size);
	assert_string_equal(text, "traced\n");
	free(text);
	unlink(trace);
	unlink(log);
	json_decref(files);
	free(trace);
	free(log);
}

static void hooks_that_fail_are_told(void **unused)
{
	char *log = path_of("001-b.log");
	json_t *files = json_array();
	char said[400];

	listen();
	assert_false(run_hook("[ $2 = end ] || exit 3", files));
	heard(said, sizeof(said));
	assert_non_null(strstr(said, "ended with status 3 at \"rr begin\""));
	/* The file of another round is no answer. */
	listen();
	assert_false(run_hook("true", files));
	heard(said, sizeof(said));
	assert_non_null(strstr(said, "which the guest_hook should have left"));
	assert_int_equal(json_array_size(files), 0);
	json_decref(files);
	unlink(log);
	free(log);
}

/* Is a FILE of this text good, and if not, what is said? */
static bool is_good(const char *text, char *said, size_t size)
{
	char *path = path_of("file.yaml");
	struct kvs_experiment e;
	bool good;

	write_text(path, text);
	kvs_experiment_init(&e);
	listen();
	good = kvs_experiment_read(&e, path) && kvs_experiment_check(&e);
	heard(said, size);
	if (good) {
		assert_string_equal(e.guest_hook[0], "sh");
		assert_string_equal(e.guest_hook[3], "sh");
		assert_string_equal(e.guests[1], "b");
		assert_string_equal(e.arms[1].guest, "rr:10");
		/* The control */
		assert_string_equal(e.arms[2].guest, "cfs");
	}
	kvs_experiment_free(&e);
	unlink(path);
	free(path);
	return good;
}

static void files_name_guests(void **unused)
{
	char said[400];

	assert_true(is_good("guest_hook: set \"$@\"\nguests: [a, b]\narms:\n"
			    "- {name: x, policy: other, guest: cfs}\n"
			    "- {name: y, policy: other, guest: 'rr:10'}\n", said, sizeof(said)));
	assert_false(is_good("arms: [{name: x, guest: cfs}]\n", said, sizeof(said)));
	assert_non_null(strstr(said, "but there is no guest_hook"));
	assert_false(is_good("guest_hook: true\narms: [{name: x}]\n", said, sizeof(said)));
	assert_non_null(strstr(said, "names no policy for it"));
	assert_false(is_good("guests: [a]\narms: [{name: x}]\n", said, sizeof(said)));
	assert_non_null(strstr(said, "without a guest_hook nothing leaves these files"));
	assert_false(is_good("guests: a\narms: [{name: x}]\n", said, sizeof(said)));
	assert_non_null(strstr(said, "file.yaml:1: a list of files is wanted here"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_have_every_arm),
		cmocka_unit_test(progress_is_text),
		cmocka_unit_test(guests_get_a_policy),
		cmocka_unit_test(hooks_that_fail_are_told),
		cmocka_unit_test(files_name_guests),
	};

	return cmocka_run_group_tests_name("experiment", tests, begin, end);
}

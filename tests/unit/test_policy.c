// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies as text, CPUs as lists, what would fill a machine, and the order of
 * an experiment's rounds.
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
#include "policy/policy.h"

static void policies_read_as_written(void **unused)
{
	static const struct {
		const char *text, *back;
		struct kvs_attr attr;
	} rows[] = {
		{ "other", "other:0", { .policy = SCHED_OTHER } },
		{ "other:-5", "other:-5", { .policy = SCHED_OTHER, .nice = -5 } },
		{ "cfs", "other:0", { .policy = SCHED_OTHER } },
		{ "batch:19", "batch:19", { .policy = SCHED_BATCH, .nice = 19 } },
		{ "idle", "idle", { .policy = SCHED_IDLE } },
		{ "ext", "ext:0", { .policy = SCHED_EXT } },
		{ "ext:7", "ext:7", { .policy = SCHED_EXT, .nice = 7 } },
		{ "fifo:1", "fifo:1", { .policy = SCHED_FIFO, .priority = 1 } },
		{ "rr:99", "rr:99", { .policy = SCHED_RR, .priority = 99 } },
		{ "deadline:10ms/50ms", "deadline:10000us/50000us/50000us",
		  { .policy = SCHED_DEADLINE, .runtime = 10000000,
		    .deadline = 50000000, .period = 50000000 } },
		{ "deadline:500us/1ms/0.1s", "deadline:500us/1000us/100000us",
		  { .policy = SCHED_DEADLINE, .runtime = 500000,
		    .deadline = 1000000, .period = 100000000 } },
	};
	struct kvs_attr attr;
	const char *why;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct kvs_attr expected = rows[i].attr;

		expected.size = sizeof(expected);
		assert_true(kvs_policy_parse(rows[i].text, &attr, &why));
		assert_memory_equal(&attr, &expected, sizeof(attr));
		assert_string_equal(kvs_policy_text(&attr), rows[i].back);
	}
}

static void nonsense_is_refused_with_a_reason(void **unused)
{
	static const char *const texts[] = {
		"", "rr", "rr:", "rr:0", "rr:100", "rr:1x", "fifo:-1", "other:20",
		"batch:-21", "ext:20", "extra", "idle:1", "round", "rr :1", "deadline", "deadline:1ms",
		"deadline:1/2", "deadline:2ms/1ms", "deadline:1ms/2ms/1ms",
		"deadline:1ms/2ms/3ms/4ms", "deadline:0ms/1ms", "deadline:-1ms/1ms",
		"deadline:1ms/", "deadline:nanms/1ms",
	};
	struct kvs_attr attr;
	const char *why;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		why = NULL;
		if (kvs_policy_parse(texts[i], &attr, &why))
			fail_msg("'%s' was taken", texts[i]);
		assert_non_null(why);
	}
}

static void lists_of_cpus(void **unused)
{
	static const char *const good[][2] = {
		{ "0", "0" }, { "0,2-3", "0,2-3" }, { "3,2,1", "1-3" },
		{ "1022-1025", "1022-1025" }, { "8191", "8191" },
	};
	static const char *const bad[] = { "", "x", "1-", "-1", "3-2", "8192", "1,,2", "0 1" };
	struct kvs_cpus cpus;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		char *text;

		assert_true(kvs_cpus_parse(good[i][0], &cpus));
		text = kvs_cpus_text(&cpus);
		assert_string_equal(text, good[i][1]);
		free(text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (kvs_cpus_parse(bad[i], &cpus))
			fail_msg("'%s' was taken", bad[i]);
}

/* Threads as "policy@cpus", of a machine with CPUs @online */
static bool fills(const char *online, const char *const *threads, size_t nr)
{
	struct kvs_attr *attr = xcalloc(nr, sizeof(*attr));
	struct kvs_cpus *cpus = xcalloc(nr, sizeof(*cpus)), machine;
	struct kvs_hog *hogs = xcalloc(nr, sizeof(*hogs));
	const char *why;
	bool result;

	assert_true(kvs_cpus_parse(online, &machine));
	for (size_t i = 0; i < nr; i++) {
		char *copy = xstrdup(threads[i]), *at = strchr(copy, '@');

		*at++ = '\0';
		assert_true(kvs_policy_parse(copy, &attr[i], &why));
		assert_true(kvs_cpus_parse(at, &cpus[i]));
		hogs[i] = (struct kvs_hog){ &attr[i], &cpus[i] };
		free(copy);
	}
	result = kvs_guard_fills(hogs, nr, &machine);
	free(hogs);
	free(cpus);
	free(attr);
	return result;
}

#define FILLS(online, ...)						\
	fills(online, (const char *const[]){ __VA_ARGS__ },		\
	      ARRAY_SIZE(((const char *const[]){ __VA_ARGS__ })))

static void what_fills_a_machine(void **unused)
{
	assert_true(FILLS("0", "rr:1@0"));
	assert_false(FILLS("0-1", "rr:1@0-1"));
	assert_true(FILLS("0-1", "rr:1@0-1", "fifo:5@0-1"));
	/* As many threads as CPUs, but two of them share one */
	assert_false(FILLS("0-2", "rr:1@0", "rr:1@0", "rr:1@0-2"));
	assert_true(FILLS("0-2", "rr:1@0", "rr:1@0,1", "rr:1@0-2"));
	/* One must move for another: 0 is wanted by both, 1 by one alone */
	assert_true(FILLS("0-1", "rr:1@0-1", "rr:1@0"));
	assert_true(FILLS("0-1", "rr:1@0", "rr:1@0-1"));
	assert_false(FILLS("0-1", "other@0", "rr:1@0-1", "batch@1"));
	assert_true(FILLS("0,2", "deadline:1ms/2ms@0-3", "rr:1@2"));
	/* CPUs that are offline are nobody's */
	assert_false(FILLS("0,2", "rr:1@1", "rr:1@0-3"));
}

static void knobs_of_a_state_file_are_ours(void **unused)
{
	assert_true(kvs_knob_owns("/proc/sys/kernel/sched_rr_timeslice_ms"));
	assert_true(kvs_knob_owns("/sys/kernel/debug/sched/fair_server/cpu12/runtime"));
	assert_false(kvs_knob_owns("/sys/kernel/debug/sched/fair_server/cpu0/../../features"));
	assert_false(kvs_knob_owns("/proc/sys/kernel/core_pattern"));
	assert_false(kvs_knob_owns("/sys/kernel/debug/sched/fair_server/cpu0/a/runtime"));
}

static void own_thread_is_told_from_a_later_one(void **unused)
{
	struct kvs_thread t;

	assert_true(kvs_thread_look(getpid(), &t));
	assert_int_equal(t.pid, getpid());
	assert_true(kvs_thread_same(&t));
	t.starttime++;
	assert_false(kvs_thread_same(&t));
}

/* --- experiments ------------------------------------------------------ */

static bool read_text(struct kvs_experiment *e, const char *text)
{
	char path[] = "/tmp/kvmsched-test-XXXXXX";
	int fd = mkstemp(path), saved = dup(2), null = open("/dev/null", O_WRONLY);
	bool ok;

	assert_true(fd >= 0 && null >= 0 && saved >= 0);
	assert_int_equal(kvs_write_all(fd, text, strlen(text)), 0);
	close(fd);
	kvs_experiment_init(e);
	/* What is wrong with it is told to people. */
	dup2(null, 2);
	ok = kvs_experiment_read(e, path);
	dup2(saved, 2);
	close(saved);
	close(null);
	unlink(path);
	return ok;
}

static void file_of_an_experiment(void **unused)
{
	struct kvs_experiment e;

	assert_true(read_text(&e,
		"# comment\nname: test\nworkload: [guest, --vms, 2]\nvcpus: 2\n"
		"rounds: 10\norder: interleaved\nseed: 7\nwarmup: 0.25\nlength: 3\n"
		"control: b\nunrecorded: 2\nforce: true\nmemory: 8M\n"
		"knobs: { rt_runtime_us: -1 }\n"
		"arms:\n- name: a\n  policy: other\n"
		"- name: b\n  policy: rr:10\n  cpus: 0-1\n  knobs: { rr_timeslice_ms: 40 }\n"
		"  vcpus:\n    0: fifo:20\n    1: { cpus: 1 }\n"));
	assert_string_equal(e.workload[2], "2");
	assert_null(e.workload[3]);
	assert_int_equal(e.rounds, 10);
	assert_int_equal(e.order, KVS_EXP_INTERLEAVED);
	assert_int_equal(e.seed, 7);
	assert_true(e.force);
	assert_int_equal(e.memory, 8 << 20);
	assert_int_equal(e.knobs.nr, 1);
	assert_int_equal(e.nr_arms, 2);
	assert_int_equal(e.arms[1].nr, 3);
	assert_int_equal(e.arms[1].knobs.nr, 1);
	assert_true(kvs_experiment_check(&e));
	/* The control arm is there twice. */
	assert_int_equal(e.nr_arms, 3);
	assert_string_equal(e.arms[2].name, "b again");
	assert_string_equal(e.arms[2].control_of, "b");
	assert_int_equal(e.arms[2].nr, 3);
	kvs_experiment_free(&e);
}

static void wrong_files_are_refused(void **unused)
{
	static const char *const texts[] = {
		"", "rounds: x", "rounds: 0", "rounds: 6148914691236517206", "order: random", "arms: a", "arms: [a]",
		"arms: [{policy: rr:1}]", "arms: [{name: a, policy: rr:0}]",
		"arms: [{name: a}, {name: a}]", "arms: [{name: a, prio: 1}]",
		"knobs: {none: 1}", "knobs: {rr_timeslice_ms: x}", "what: 1",
		"warmup: -1", "force: maybe", "workload: []", "vm: 0", "[a", "a: b: c",
		"arms: [{name: a, vcpus: {x: rr:1}}]",
		"arms: [{name: a, vcpus: {0: {knobs: {}}}}]",
	};
	struct kvs_experiment e;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (read_text(&e, texts[i]))
			fail_msg("'%s' was taken", texts[i]);
		kvs_experiment_free(&e);
	}
}

static void rounds_are_interleaved_or_shuffled(void **unused)
{
	struct kvs_exp_arm arms[3] = { { .name = NULL } };
	struct kvs_experiment e = {
		.arms = arms, .nr_arms = 3, .rounds = 8, .seed = 5, .phase = 0.1,
		.unrecorded = 1, .order = KVS_EXP_INTERLEAVED,
	};
	double phase = -1;
	size_t nr, count[3] = { 0 }, unrecorded = 0, moved = 0, at = 0;
	struct kvs_exp_round *plan = kvs_exp_plan(&e, &nr), *again;

	assert_int_equal(nr, 25);
	for (size_t i = 0; i < nr; i++) {
		if (!plan[i].recorded) {
			unrecorded++;
			continue;
		}
		/* Each turn has a phase of its own, the same for its arms. */
		assert_int_equal(plan[i].phase != phase, at % 3 == 0);
		phase = plan[i].phase;
		assert_true(phase >= 0 && phase < 0.1);
		assert_int_equal(plan[i].arm, at++ % 3);
	}
	assert_int_equal(unrecorded, 1);
	free(plan);

	e.order = KVS_EXP_SHUFFLED;
	plan = kvs_exp_plan(&e, &nr);
	again = kvs_exp_plan(&e, &nr);
	assert_memory_equal(plan, again, nr * sizeof(*plan));
	at = 0;
	for (size_t i = 0; i < nr; i++) {
		if (!plan[i].recorded)
			continue;
		moved += plan[i].arm != at % 3;
		count[plan[i].arm]++;
		/* Each turn has each arm once. */
		if (++at % 3 == 0)
			assert_true(count[0] == at / 3 && count[1] == at / 3 &&
				    count[2] == at / 3);
	}
	assert_true(moved > 0);
	free(again);
	free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_read_as_written),
		cmocka_unit_test(nonsense_is_refused_with_a_reason),
		cmocka_unit_test(lists_of_cpus),
		cmocka_unit_test(what_fills_a_machine),
		cmocka_unit_test(knobs_of_a_state_file_are_ours),
		cmocka_unit_test(own_thread_is_told_from_a_later_one),
		cmocka_unit_test(file_of_an_experiment),
		cmocka_unit_test(wrong_files_are_refused),
		cmocka_unit_test(rounds_are_interleaved_or_shuffled),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}

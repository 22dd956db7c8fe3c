// SPDX-License-Identifier: GPL-2.0-only
/*
 * compare --vm, --vcpu, --from and --to: of each recording only a part counts.
 *
 * The recording has two VMs, each with a CPU of its own, whose vCPUs are preempted
 * for 1 ms after each slice.  Slices of "slow" last 7 ms, those of "quick" 4 ms, but
 * 2 ms from the fifth second on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "compare/compare.h"
#include "synth.h"

#define CYCLES_PER_NS	(SYNTH_TSC_KHZ / 1000000)
#define MS		1000000ULL
#define SECOND		(1000 * MS)
#define BEGIN		(5 * SECOND)
#define LENGTH		(10 * SECOND)
#define QUICK		500
#define SLOW		600

static const struct kvs_settings settings = {
	.statistic = 0.5, .seed = 1, .metrics = (1U << KVS_NR_METRICS) - 1,
};

static void add_vm(struct synth *s, u16 cpu, pid_t pid, u64 first, u64 later)
{
	u16 vm = cpu + 1, vcpu = cpu;
	struct ks_rec_vcpu identity = {
		.ent.pid = pid + 1, .vm = vm, .vcpu = vcpu, .tgid = pid,
	};
	u64 ts = BEGIN;

	SYNTH_ADD(s, cpu, ts * CYCLES_PER_NS, vcpu, &identity);
	while (ts < BEGIN + LENGTH) {
		u64 slice = ts < BEGIN + 5 * SECOND ? first : later;
		struct ks_rec_switch_in in = {
			.ent.pid = pid + 1, .vm = vm, .vcpu = vcpu,
			.kind = KS_SWITCH_PREEMPTED,
			.off_cycles = ts > BEGIN ? MS * CYCLES_PER_NS : 0,
		};
		struct ks_rec_switch_out out = {
			.ent.pid = pid + 1, .vm = vm, .vcpu = vcpu,
			.kind = KS_SWITCH_PREEMPTED, .ran_cycles = slice * CYCLES_PER_NS,
		};

		SYNTH_ADD(s, cpu, ts * CYCLES_PER_NS, switch_in, &in);
		SYNTH_ADD(s, cpu, (ts + slice) * CYCLES_PER_NS, switch_out, &out);
		ts += slice + MS;
	}
}

/* A folder with the recording, a.dat, and with the result of an experiment */
static int make_files(void **state)
{
	const char *tests = getenv("KVMSCHED_TESTS");
	char *formats = xasprintf("%s/golden/formats", tests ? tests : "..");
	char *folder = xasprintf("/tmp/kvmsched-test-%d-part", getpid());
	char *path = xasprintf("%s/a.dat", folder);
	struct synth *s;

	mkdir(folder, 0700);
	s = synth_new(path, 2, formats);
	synth_comm(s, QUICK, "quick");
	synth_comm(s, SLOW, "slow");
	add_vm(s, 0, QUICK, 4 * MS, 2 * MS);
	add_vm(s, 1, SLOW, 7 * MS, 7 * MS);
	synth_finish(s);
	free(path);
	free(formats);
	*state = folder;
	return 0;
}

static int remove_files(void **state)
{
	static const char *const names[] = { "a.dat", "result.json" };

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		char *path = xasprintf("%s/%s", (char *)*state, names[i]);

		unlink(path);
		free(path);
	}
	rmdir(*state);
	free(*state);
	return 0;
}

/* Two rounds of an arm, and two of another, all of them that recording; or the folder */
static struct kvs_study study_of(const char *folder, struct kvs_part part, bool rounds,
				 bool *ok)
{
	struct kvs_study study = { .settings = settings, .part = part };
	char *args[4] = { xstrdup(folder) };
	size_t nr = rounds ? 4 : 1;

	for (size_t i = 0; rounds && i < nr; i++) {
		if (!i)
			free(args[0]);
		args[i] = xasprintf("%s=%s/a.dat", i % 2 ? "b" : "a", folder);
	}
	*ok = kvs_study_load(&study, args, nr);
	for (size_t i = 0; i < nr; i++)
		free(args[i]);
	return study;
}

#define ALL	{ .vm = KVS_ANY_VM, .vcpu = -1 }
#define AFTER(s) { .kind = KVS_WHEN_SINCE_BEGIN, .seconds = (s) }	/* a recording began */
#define NAMED(text) { .vm = { .pid = -1, .index = -1, .name = text }, .vcpu = -1 }

/* How many slices of one round there are, and how long the shortest and the longest are */
static void expect_slices(const char *folder, struct kvs_part part, u64 least, u64 most,
			  double shortest, double longest)
{
	bool ok;
	struct kvs_study study = study_of(folder, part, true, &ok);
	struct kvs_values *v = &study.arms[0].pool[KVS_M_SLICE];
	struct kvs_obs obs;

	assert_true(ok);
	assert_int_equal(study.settings.by, KVS_BY_ROUND);
	assert_int_equal(study.arms[0].units, 2);
	print_message("# %lu slices in two rounds\n", (unsigned long)v->nr);
	assert_in_range(v->nr, 2 * least, 2 * most);
	assert_true(kvs_values_quantile(v, 1e-9, &obs));
	assert_int_equal(obs.value, shortest);
	assert_true(kvs_values_quantile(v, 1, &obs));
	assert_int_equal(obs.value, longest);
	kvs_study_free(&study);
}

static void vms_are_told_apart(void **state)
{
	const struct kvs_select pid = { .vm = { .pid = SLOW, .index = -1 }, .vcpu = -1 };
	const struct kvs_select vcpu = { .vm = KVS_ANY_VM, .vcpu = 1 };

	/* 1,000 of 4 ms and 1,667 of 2 ms; 1,250 of 7 ms.  The last ends with the window. */
	expect_slices(*state, (struct kvs_part){ .select = ALL }, 3914, 3917, 2 * MS, 7 * MS);
	expect_slices(*state, (struct kvs_part){ .select = NAMED("quick") }, 2666, 2667,
		      2 * MS, 4 * MS);
	expect_slices(*state, (struct kvs_part){ .select = NAMED("slow") }, 1250, 1250,
		      7 * MS, 7 * MS);
	expect_slices(*state, (struct kvs_part){ .select = pid }, 1250, 1250, 7 * MS, 7 * MS);
	expect_slices(*state, (struct kvs_part){ .select = vcpu }, 1250, 1250, 7 * MS, 7 * MS);
}

static void times_are_since_the_beginning(void **state)
{
	expect_slices(*state, (struct kvs_part){ .select = NAMED("quick"), .to = AFTER(5) }, 1000, 1000,
		      4 * MS, 4 * MS);
	expect_slices(*state, (struct kvs_part){ .select = NAMED("quick"), .from = AFTER(5.0001) },
		      1666, 1667, 2 * MS, 2 * MS);
	expect_slices(*state, (struct kvs_part){ .select = NAMED("quick"), .from = AFTER(1), .to = AFTER(2) },
		      199, 201, 4 * MS, 4 * MS);
}

/* What others do is no part of a share, of a rate, or of fairness. */
static void shares_are_of_the_selected(void **state)
{
	const struct kvs_part part = { .select = NAMED("slow"), .from = AFTER(1), .to = AFTER(9) };
	bool ok;
	struct kvs_study study = study_of(*state, part, true, &ok);
	const struct kvs_arm *arm = &study.arms[0];

	assert_true(ok);
	assert_int_equal(arm->vcpus, 1);
	assert_true(arm->value[KVS_M_STEAL][0].value == 0.125);
	assert_true(arm->value[KVS_M_FAIRNESS][0].value == 1);
	assert_true(arm->value[KVS_M_SLICES][0].value == 125);
	kvs_study_free(&study);
}

/* A vCPU that was starved has no record, but the experiment saw it. */
static void starved_ones_are_selected_likewise(void **state)
{
	static const char rounds[] =
		"{\"arms\": [{\"name\": \"a\"}, {\"name\": \"b\"}], \"rounds\": ["
		"{\"arm\": \"a\", \"file\": \"a.dat\", \"vcpus\": ["
		"{\"vm\": 600, \"vm_index\": 0, \"vcpu\": 3, \"tid\": 603, \"starved\": true},"
		"{\"vm\": 500, \"vm_index\": 0, \"vcpu\": 0, \"tid\": 501, \"starved\": false}]},"
		"{\"arm\": \"b\", \"file\": \"a.dat\", \"vcpus\": []}]}";
	const struct {
		struct kvs_select select;
		unsigned int starved;
	} expected[] = {
		{ ALL, 1 }, { NAMED("slow"), 1 }, { NAMED("quick"), 0 },
		{ { .vm = { .pid = 600, .index = 0 }, .vcpu = -1 }, 1 },
		{ { .vm = { .pid = 600, .index = -1 }, .vcpu = 1 }, 0 },
	};
	char *path = xasprintf("%s/result.json", (char *)*state);
	FILE *f = fopen(path, "w");

	fputs(rounds, f);
	fclose(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct kvs_part part = { .select = expected[i].select };
		bool ok;
		struct kvs_study study = study_of(*state, part, false, &ok);

		assert_true(ok);
		assert_int_equal(study.arms[0].starved, expected[i].starved);
		kvs_study_free(&study);
	}
	free(path);
}

static void nothing_left_is_an_error(void **state)
{
	const struct kvs_part parts[] = {
		{ .select = NAMED("third") },
		{ .select = { .vm = KVS_ANY_VM, .vcpu = 7 } },
		{ .select = ALL, .from = AFTER(11) },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++) {
		bool ok;
		struct kvs_study study = study_of(*state, parts[i], true, &ok);

		assert_false(ok);
		kvs_study_free(&study);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vms_are_told_apart),
		cmocka_unit_test(times_are_since_the_beginning),
		cmocka_unit_test(shares_are_of_the_selected),
		cmocka_unit_test(starved_ones_are_selected_likewise),
		cmocka_unit_test(nothing_left_is_an_error),
	};

	return cmocka_run_group_tests_name("part", tests, make_files, remove_files);
}

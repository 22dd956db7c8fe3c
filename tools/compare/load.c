// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is compared: files, files that are rounds of a named arm, or the folder
 * of an experiment.
 */
#include <errno.h>
#include <libgen.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/util.h"
#include "compare/compare.h"

/* One recording of an arm */
struct source {
	char *path;
	size_t arm;
	struct kvs_survey survey;
	struct kvs_witness *witnesses;
	size_t nr_witnesses;
	u64 begin_tsc, end_tsc;		/* what counts of it; 0: all */
	char **guests;			/* what the guests recorded meanwhile */
	size_t nr_guests;
};

struct sources {
	struct source *s;
	size_t nr;
};

/* Takes over @text. */
static size_t arm_add(struct kvs_study *study, char *text)
{
	study->arms = xrealloc(study->arms, (study->nr_arms + 1) * sizeof(*study->arms));
	study->arms[study->nr_arms] = (struct kvs_arm){ .name = text };
	return study->nr_arms++;
}

size_t kvs_study_arm_of_text(const struct kvs_study *study, const char *text)
{
	size_t i = 0;

	while (i < study->nr_arms && strcmp(study->arms[i].name, text))
		i++;
	return i;
}

size_t kvs_study_arm(const struct kvs_study *study, const char *name)
{
	char *text = kvs_bytes_text(name);
	size_t i = kvs_study_arm_of_text(study, text);

	free(text);
	return i;
}

static struct source *source_add(struct sources *sources, char *path, size_t arm)
{
	sources->s = xrealloc(sources->s, (sources->nr + 1) * sizeof(*sources->s));
	sources->s[sources->nr] = (struct source){ .path = path, .arm = arm };
	return &sources->s[sources->nr++];
}

static void sources_free(struct sources *sources)
{
	for (size_t i = 0; i < sources->nr; i++) {
		kvs_survey_free(&sources->s[i].survey);
		free(sources->s[i].path);
		free(sources->s[i].witnesses);
		for (size_t k = 0; k < sources->s[i].nr_guests; k++)
			free(sources->s[i].guests[k]);
		free(sources->s[i].guests);
	}
	free(sources->s);
}

/* --- FILE and NAME=FILE ------------------------------------------------ */

/* "cfs" for "some/cfs.dat", unless another arm is called so already */
static char *name_of(const struct kvs_study *study, const char *path)
{
	char *copy = xstrdup(path), *name = xstrdup(basename(copy));
	size_t len = strlen(name);

	free(copy);
	if (len > 4 && !strcmp(name + len - 4, ".dat"))
		name[len - 4] = '\0';
	if (kvs_study_arm(study, name) < study->nr_arms) {
		free(name);
		name = xstrdup(path);
	}
	for (int i = 2; kvs_study_arm(study, name) < study->nr_arms; i++) {
		free(name);
		name = xasprintf("%s (%d)", path, i);
	}
	return name;
}

static void take_file(struct kvs_study *study, struct sources *sources, const char *arg)
{
	const char *equals = strchr(arg, '=');
	size_t arm;
	char *name;

	if (equals && equals != arg && access(arg, F_OK)) {
		name = strndup(arg, equals - arg);
		arg = equals + 1;
		arm = kvs_study_arm(study, name);
		if (arm == study->nr_arms)
			arm = arm_add(study, kvs_bytes_text(name));
	} else {
		name = name_of(study, arg);
		arm = arm_add(study, kvs_bytes_text(name));
	}
	free(name);
	source_add(sources, xstrdup(arg), arm);
}

/* --- result.json ------------------------------------------------------- */

static bool bad_result(const char *path, const char *why)
{
	kvs_err("%s: %s", path, why);
	kvs_hint("`kvmsched experiment` writes such a folder; its recordings can be compared by name, too: NAME=FILE...");
	return false;
}

static void take_witnesses(struct source *s, json_t *vcpus)
{
	json_t *v;
	size_t i;

	s->witnesses = xcalloc(json_array_size(vcpus), sizeof(*s->witnesses));
	json_array_foreach(vcpus, i, v)
		s->witnesses[s->nr_witnesses++] = (struct kvs_witness){
			.pid = json_integer_value(json_object_get(v, "vm")),
			.vm_index = json_integer_value(json_object_get(v, "vm_index")),
			.vcpu = json_integer_value(json_object_get(v, "vcpu")),
			.tid = json_integer_value(json_object_get(v, "tid")),
			.starved = json_is_true(json_object_get(v, "starved")),
		};
}

static void take_guests(struct source *s, const char *folder, json_t *guests)
{
	json_t *name;
	size_t i;

	s->guests = xcalloc(json_array_size(guests) + 1, sizeof(*s->guests));
	json_array_foreach(guests, i, name)
		if (json_is_string(name))
			s->guests[s->nr_guests++] = xasprintf("%s/%s", folder,
							      json_string_value(name));
}

static bool take_round(struct kvs_study *study, struct sources *sources,
		       const char *folder, json_t *round)
{
	const char *name = json_string_value(json_object_get(round, "arm"));
	const char *file = json_string_value(json_object_get(round, "file"));
	struct source *s;
	size_t arm;

	/* An unrecorded round has no file. */
	if (!name || !file)
		return name != NULL;
	arm = kvs_study_arm_of_text(study, name);
	if (arm == study->nr_arms)
		return false;
	s = source_add(sources, xasprintf("%s/%s", folder, file), arm);
	s->begin_tsc = json_integer_value(json_object_get(round, "begin_tsc"));
	s->end_tsc = json_integer_value(json_object_get(round, "end_tsc"));
	take_witnesses(s, json_object_get(round, "vcpus"));
	take_guests(s, folder, json_object_get(round, "guests"));
	return true;
}

static bool take_folder(struct kvs_study *study, struct sources *sources,
			const char *folder)
{
	char *path = xasprintf("%s/result.json", folder);
	json_t *item;
	json_error_t error;
	bool ok = true;
	size_t i;

	study->result = json_load_file(path, 0, &error);
	if (study->to && kvs_same_file(path, study->to)) {
		kvs_err("%s is the experiment's result itself", study->to);
		ok = false;
	} else if (!study->result) {
		if (access(path, F_OK))
			ok = bad_result(folder, "a folder without result.json");
		else
			ok = bad_result(path, error.text);
	} else {
		json_array_foreach(json_object_get(study->result, "arms"), i, item) {
			const char *name = json_string_value(json_object_get(item, "name"));

			if (name && kvs_study_arm_of_text(study, name) == study->nr_arms)
				arm_add(study, xstrdup(name));
		}
		json_array_foreach(json_object_get(study->result, "rounds"), i, item)
			ok &= take_round(study, sources, folder, item);
		if (!ok || !sources->nr)
			ok = bad_result(path, "has no rounds, or rounds of no arm");
	}
	free(path);
	return ok;
}

/* --- from files to arms ------------------------------------------------ */

static void choose_inference(struct kvs_study *study, const struct sources *sources)
{
	size_t *files = xcalloc(study->nr_arms, sizeof(*files));

	study->settings.by = study->result ? KVS_BY_ROUND : KVS_BY_BLOCK;
	for (size_t i = 0; i < sources->nr; i++)
		if (++files[sources->s[i].arm] > 1)
			study->settings.by = KVS_BY_ROUND;
	free(files);
}

static double duration_ns(const struct kvs_survey *survey)
{
	return kvs_scale(&survey->times.ts, survey->end - survey->begin);
}

/*
 * Blocks are equally long in all files: at least KVS_BLOCK_SLICES times the longest slice of
 * any, and at most KVS_MAX_BLOCKS are in the shortest file.  A longer one has room for many
 * more, and gives KVS_BLOCK_RATIO times as many.
 */
static void choose_block(struct kvs_study *study, const struct sources *sources)
{
	double longest = 0, shortest = INFINITY, block;

	for (size_t i = 0; i < sources->nr; i++) {
		longest = fmax(longest, sources->s[i].survey.longest_ns);
		shortest = fmin(shortest, duration_ns(&sources->s[i].survey));
	}
	block = fmax(KVS_BLOCK_SLICES * longest, shortest / KVS_MAX_BLOCKS);
	if (shortest / block < KVS_MIN_BLOCKS) {
		study->settings.too_short = true;
		study->needed_ns = KVS_MIN_BLOCKS * KVS_BLOCK_SLICES * longest;
		block = shortest / KVS_MIN_BLOCKS;
	}
	/* Rounding must not cost the last one. */
	study->block_ns = block * (1 - 1e-9);
	study->most_blocks = KVS_BLOCK_RATIO * (size_t)(shortest / study->block_ns);
}

static bool collect(struct kvs_study *study, const struct source *s)
{
	const struct kvs_cut cut = {
		.block_ns = study->settings.by == KVS_BY_BLOCK ? study->block_ns : 0,
		.most_blocks = study->most_blocks, .seed = study->settings.seed,
		.witnesses = s->witnesses, .nr_witnesses = s->nr_witnesses,
	};
	struct kvs_arm *arm = &study->arms[s->arm];
	struct kvs_units units;

	if (!kvs_collect_file(s->path, &s->survey, &cut, &units))
		return false;
	if (study->task && s->nr_guests &&
	    !kvs_collect_guests(s->path, s->guests, s->nr_guests, study->task,
				&study->part.select, &s->survey, units.units, &arm->never)) {
		kvs_units_free(&units);
		return false;
	}
	if (units.idle)
		kvs_warn("%s: no vCPU did anything in it", s->path);
	kvs_arm_add(arm, &units, study->settings.statistic);
	kvs_units_free(&units);
	arm->files++;
	arm->lost += s->survey.lost;
	if (s->survey.vcpus > arm->vcpus)
		arm->vcpus = s->survey.vcpus;
	for (size_t i = 0; i < s->nr_witnesses; i++)
		arm->starved += s->witnesses[i].starved;
	return true;
}

/* A round was recorded before its window began, and after it had ended. */
static bool survey_source(const struct kvs_study *study, struct source *s)
{
	struct kvs_survey *survey = &s->survey;

	if (study->to && kvs_is_the_recording(s->path, study->to))
		return false;
	if (!kvs_survey_file(s->path, study->result, &study->part.select, survey, s->witnesses,
			     &s->nr_witnesses))
		return false;
	if (!s->begin_tsc)
		return kvs_survey_narrow(s->path, &study->part, survey);
	if (!survey->tsc || s->begin_tsc < survey->begin || s->end_tsc > survey->end ||
	    s->end_tsc <= s->begin_tsc) {
		kvs_err("%s: doesn't cover the window that result.json gives it", s->path);
		return false;
	}
	survey->start = survey->begin = s->begin_tsc;
	survey->end = s->end_tsc;
	return kvs_survey_narrow(s->path, &study->part, survey);
}

/* Tasks of guests are in traces that guests made. */
static bool check_guests(const struct kvs_study *study, const struct sources *sources)
{
	for (size_t i = 0; i < sources->nr; i++)
		if (!study->task || sources->s[i].nr_guests)
			return true;
	kvs_err("nothing here tells of the guests' tasks");
	kvs_hint("--guest-task needs the folder of an experiment with `guest_hook` and `guests`");
	return false;
}

static bool read_all(struct kvs_study *study, struct sources *sources)
{
	if (!check_guests(study, sources))
		return false;
	choose_inference(study, sources);
	for (size_t i = 0; i < sources->nr; i++)
		if (!survey_source(study, &sources->s[i]))
			return false;
	if (study->settings.by == KVS_BY_BLOCK)
		choose_block(study, sources);
	for (size_t i = 0; i < sources->nr; i++)
		if (!collect(study, &sources->s[i]))
			return false;
	return true;
}

/* Every arm against the baseline */
static bool make_pairs(struct kvs_study *study)
{
	size_t base = study->baseline ? kvs_study_arm(study, study->baseline) : 0;

	if (base == study->nr_arms) {
		kvs_err("there is no arm '%s'", study->baseline);
		for (size_t i = 0; i < study->nr_arms; i++)
			kvs_hint("there is '%s'", study->arms[i].name);
		return false;
	}
	study->pairs = xcalloc(study->nr_arms - 1, sizeof(*study->pairs));
	for (size_t i = 0; i < study->nr_arms; i++)
		if (i != base)
			study->pairs[study->nr_pairs++] = (struct kvs_comparison){
				.a = &study->arms[base], .b = &study->arms[i],
			};
	return true;
}

static void notice_determinism(struct kvs_study *study)
{
	bool any = false, all = true;

	for (size_t i = 0; i < study->nr_pairs; i++) {
		for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
			if (!study->pairs[i].result[m].tested)
				continue;
			any = true;
			all &= study->pairs[i].result[m].identical;
		}
	}
	study->deterministic = any && all;
}

bool kvs_study_is_control(const struct kvs_study *study, const struct kvs_comparison *pair)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(study->result, "arms"), i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));
		const char *of = json_string_value(json_object_get(item, "control_of"));

		if (name && of && !strcmp(name, pair->b->name) && !strcmp(of, pair->a->name))
			return true;
	}
	return false;
}

bool kvs_study_load(struct kvs_study *study, char **args, size_t nr)
{
	struct sources sources = { 0 };
	struct stat st;
	bool ok = true;

	if (nr == 1 && !stat(args[0], &st) && S_ISDIR(st.st_mode))
		ok = take_folder(study, &sources, args[0]);
	else
		for (size_t i = 0; i < nr; i++)
			take_file(study, &sources, args[i]);
	if (ok && study->nr_arms < 2) {
		kvs_err("there is nothing to compare '%s' with", args[0]);
		kvs_hint("give two recordings, NAME=FILE for each round of two arms, or an experiment's folder");
		ok = false;
	}
	ok = ok && make_pairs(study) && read_all(study, &sources);
	if (ok) {
		kvs_compare(study->pairs, study->nr_pairs, &study->settings);
		notice_determinism(study);
	}
	if (ok && study->by_factors)
		ok = kvs_factors_make(study);
	sources_free(&sources);
	return ok;
}

void kvs_study_free(struct kvs_study *study)
{
	for (size_t i = 0; i < study->nr_arms; i++)
		kvs_arm_free(&study->arms[i]);
	free(study->arms);
	free(study->pairs);
	kvs_factors_free(study->factors);
	json_decref(study->result);
}

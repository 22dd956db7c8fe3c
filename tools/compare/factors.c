// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the arms of an experiment to the effects of its two factors: the host's policies and
 * those within the guests.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "compare/compare.h"

static const char *const effects[] = {
	[KVS_E_HOST] = "host", [KVS_E_GUEST] = "guest", [KVS_E_INTERACTION] = "interaction",
};

static const char *const verdicts[] = {
	[KVS_EV_DIFFERS] = "differs", [KVS_EV_NONE] = "none", [KVS_EV_TOO_FEW] = "too_few",
	[KVS_EV_BOUNDS] = "bounds",
};

const char *kvs_effect_name(enum kvs_effect_of of)
{
	return effects[of];
}

const char *kvs_effect_verdict_name(enum kvs_effect_verdict verdict)
{
	return verdicts[verdict];
}

/* --- which arm is which cell ------------------------------------------ */

static void add_words(char **text, char *more)
{
	char *all = *text ? xasprintf("%s, %s", *text, more) : xstrdup(more);

	free(*text);
	free(more);
	*text = all;
}

/* The policies of an arm's vCPUs, and the settings of the kernel that it has of its own */
static char *host_level(json_t *arm)
{
	char *text = NULL;
	const char *name;
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(arm, "settings"), i, item) {
		const char *policy = json_string_value(json_object_get(item, "policy"));
		json_t *vcpu = json_object_get(item, "vcpu");

		if (policy && json_is_integer(vcpu))
			add_words(&text, xasprintf("vCPU %d: %s", (int)json_integer_value(vcpu),
						   policy));
		else if (policy)
			add_words(&text, xstrdup(policy));
	}
	json_object_foreach(json_object_get(arm, "knobs"), name, item)
		add_words(&text, xasprintf("%s=%s", name, json_string_value(item)));
	return text ? text : xstrdup("unchanged");
}

/* The index of a level, which is new if none has that name; takes over @name. */
static size_t level_of(char ***levels, size_t *nr, char *name)
{
	for (size_t i = 0; i < *nr; i++)
		if (!strcmp((*levels)[i], name)) {
			free(name);
			return i;
		}
	*levels = xrealloc(*levels, (*nr + 1) * sizeof(**levels));
	(*levels)[*nr] = name;
	return (*nr)++;
}

static bool no_design(const char *why)
{
	kvs_err("the arms are no design of two factors: %s", why);
	kvs_hint("--factors needs the folder of an experiment that has each policy of the host with each `guest`, once");
	return false;
}

struct place {
	size_t arm, row, column;
};

/* The arms that are no control, with their levels; NULL after a message */
static struct place *find_places(const struct kvs_study *study, struct kvs_factors *f, size_t *nr)
{
	json_t *arms = json_object_get(study->result, "arms"), *item;
	struct place *places = xcalloc(json_array_size(arms) + 1, sizeof(*places));
	size_t i;

	*nr = 0;
	json_array_foreach(arms, i, item) {
		const char *guest = json_string_value(json_object_get(item, "guest"));
		const char *name = json_string_value(json_object_get(item, "name"));

		if (!name || json_object_get(item, "control_of"))
			continue;
		if (!guest) {
			no_design("an arm has no policy within the guests");
			free(places);
			return NULL;
		}
		places[(*nr)++] = (struct place){
			kvs_study_arm_of_text(study, name),
			level_of(&f->host, &f->nr_host, host_level(item)),
			level_of(&f->guest, &f->nr_guest, xstrdup(guest)),
		};
	}
	return places;
}

static bool fill_cells(const struct kvs_study *study, struct kvs_factors *f)
{
	size_t nr, cells;
	struct place *places = find_places(study, f, &nr);
	bool ok = true;

	if (!places)
		return false;
	cells = f->nr_host * f->nr_guest;
	if (f->nr_host < 2 || f->nr_guest < 2) {
		ok = no_design("one of them has a single level");
	} else if (nr != cells) {
		ok = no_design("a combination of policies is missing, or there more than once");
	} else {
		f->arm = xcalloc(cells, sizeof(*f->arm));
		for (size_t i = 0; i < cells; i++)
			f->arm[i] = study->nr_arms;
		for (size_t i = 0; i < nr; i++)
			f->arm[places[i].row * f->nr_guest + places[i].column] = places[i].arm;
		for (size_t i = 0; ok && i < cells; i++)
			if (f->arm[i] == study->nr_arms)
				ok = no_design("a combination of policies is there twice");
	}
	free(places);
	return ok;
}

/* --- the tests -------------------------------------------------------- */

/*
 * As many rounds of each cell as all of them have: of a turn that was cut short, there is no
 * more to be said.
 */
static void test_metric(const struct kvs_study *study, struct kvs_factors *f, unsigned int m)
{
	size_t cells = f->nr_host * f->nr_guest, fewest = SIZE_MAX;
	struct kvs_cell *cell = xcalloc(cells, sizeof(*cell));
	const struct kvs_cells all = { cell, f->nr_host, f->nr_guest };
	struct kvs_effect *e = f->effect[m];

	for (size_t i = 0; i < cells; i++) {
		const struct kvs_arm *arm = &study->arms[f->arm[i]];

		fewest = arm->nr[m] < fewest ? arm->nr[m] : fewest;
	}
	for (size_t i = 0; i < cells; i++)
		cell[i] = (struct kvs_cell){ study->arms[f->arm[i]].value[m], fewest };
	for (unsigned int of = 0; of < KVS_NR_EFFECTS; of++)
		e[of] = (struct kvs_effect){ NAN, NAN, KVS_EV_TOO_FEW };
	if (fewest >= KVS_MIN_ROUNDS) {
		e[KVS_E_HOST].p = kvs_main_effect_p(&all, KVS_FACTOR_ROWS, study->settings.seed);
		e[KVS_E_GUEST].p = kvs_main_effect_p(&all, KVS_FACTOR_COLUMNS,
						     study->settings.seed);
		e[KVS_E_INTERACTION].p = kvs_interaction_p(&all, study->settings.seed);
		if (isnan(e[KVS_E_INTERACTION].p))
			e[KVS_E_INTERACTION].verdict = KVS_EV_BOUNDS;
	}
	free(cell);
}

/* Holm's correction, for the tests of all metrics together */
static void correct(struct kvs_factors *f)
{
	double p[KVS_NR_METRICS * KVS_NR_EFFECTS];

	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = f->effect[i / KVS_NR_EFFECTS][i % KVS_NR_EFFECTS].p;
	kvs_holm(p, p, ARRAY_SIZE(p));
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		struct kvs_effect *e = &f->effect[i / KVS_NR_EFFECTS][i % KVS_NR_EFFECTS];

		e->corrected = p[i];
		if (isnan(p[i]))
			continue;
		f->tests++;
		e->verdict = p[i] <= KVS_ALPHA ? KVS_EV_DIFFERS : KVS_EV_NONE;
	}
}

static bool has_values(const struct kvs_study *study, const struct kvs_factors *f, unsigned int m)
{
	for (size_t i = 0; i < f->nr_host * f->nr_guest; i++)
		if (study->arms[f->arm[i]].nr[m])
			return true;
	return false;
}

bool kvs_factors_make(struct kvs_study *study)
{
	struct kvs_factors *f = xcalloc(1, sizeof(*f));

	study->factors = f;
	if (!study->result)
		return no_design("these are single recordings");
	if (!fill_cells(study, f))
		return false;
	for (unsigned int m = 0; m < KVS_NR_METRICS; m++) {
		for (unsigned int of = 0; of < KVS_NR_EFFECTS; of++)
			f->effect[m][of] = (struct kvs_effect){ NAN, NAN, KVS_EV_TOO_FEW };
		if (!(study->settings.metrics & 1U << m) || !has_values(study, f, m))
			continue;
		f->metrics |= 1U << m;
		test_metric(study, f, m);
	}
	correct(f);
	return true;
}

void kvs_factors_free(struct kvs_factors *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->nr_host; i++)
		free(f->host[i]);
	for (size_t i = 0; i < f->nr_guest; i++)
		free(f->guest[i]);
	free(f->host);
	free(f->guest);
	free(f->arm);
	free(f);
}

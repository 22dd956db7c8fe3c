// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two factors at once: planted effects are found, and no others; each rate is printed.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include "base/base.h"
#include "stats/stats.h"

#define LEVELS	3
#define CELLS	(LEVELS * LEVELS)
#define TURNS	8
#define ALPHA	0.05

/* The table of an experiment: what each cell is multiplied by, and how far it scatters */
struct table {
	double factor[CELLS], sigma[CELLS];
	struct kvs_obs obs[CELLS][TURNS];
	struct kvs_cell cells[CELLS];
	struct kvs_cells all;
};

static void plan(struct table *t, const double rows[LEVELS], const double columns[LEVELS])
{
	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < CELLS; i++) {
		t->factor[i] = rows[i / LEVELS] * columns[i % LEVELS];
		t->sigma[i] = 0.1;
		t->cells[i] = (struct kvs_cell){ t->obs[i], TURNS };
	}
	t->all = (struct kvs_cells){ t->cells, LEVELS, LEVELS };
}

/* Each turn has a drift that all of its rounds share. */
static void draw(struct table *t, gsl_rng *rng)
{
	for (size_t turn = 0; turn < TURNS; turn++) {
		double drift = gsl_ran_lognormal(rng, 0, 0.1);

		for (size_t i = 0; i < CELLS; i++)
			t->obs[i][turn] = (struct kvs_obs){
				100 * t->factor[i] * drift *
				gsl_ran_lognormal(rng, 0, t->sigma[i]), false };
	}
}

static const double same[LEVELS] = { 1, 1, 1 }, far[LEVELS] = { 1, 5, 25 };

/* Two levels of each, in four turns: in each of two strata two ways for each turn */
static void main_effect_by_plain_counting(void **unused)
{
	static const double apart[4][4] = { { 1, 2, 3, 4 }, { 11, 12, 13, 14 },
					    { 5, 6, 7, 8 }, { 15, 16, 17, 18 } };
	const double truth = ldexp(2, -8), error = 5 * sqrt(truth / KVS_PERMUTATIONS);
	struct kvs_obs obs[4][4] = { 0 };
	struct kvs_cell cells[4];
	const struct kvs_cells c = { cells, 2, 2 };
	double p;

	for (size_t i = 0; i < 4; i++) {
		for (size_t k = 0; k < 4; k++)
			obs[i][k].value = apart[i][k];
		cells[i] = (struct kvs_cell){ obs[i], 4 };
	}
	/* In both strata the rows are as far apart as can be: 2 ways of 2^8 */
	p = kvs_main_effect_p(&c, KVS_FACTOR_ROWS, 1);
	assert_true(fabs(p - truth) < error);
	assert_true(p == kvs_main_effect_p(&c, KVS_FACTOR_ROWS, 1));
	assert_true(fabs(kvs_main_effect_p(&c, KVS_FACTOR_COLUMNS, 1) - truth) < error);
	/* Exchanged in one stratum: the sums of both are 0, and no arrangement is nearer. */
	cells[1].obs = obs[3];
	cells[3].obs = obs[1];
	assert_true(kvs_main_effect_p(&c, KVS_FACTOR_ROWS, 1) == 1);
}

/* The same sign in all turns: of 2^n changes of signs none is stronger, and one is as strong. */
static void interaction_by_plain_counting(void **unused)
{
	struct kvs_obs obs[4][6];
	struct kvs_cell cells[4];
	const struct kvs_cells c = { cells, 2, 2 };

	for (size_t i = 0; i < 4; i++) {
		for (size_t turn = 0; turn < 6; turn++)
			obs[i][turn] = (struct kvs_obs){ i == 3 ? 100 + turn : 10, false };
		cells[i] = (struct kvs_cell){ obs[i], 6 };
	}
	assert_int_equal(kvs_cells_turns(&c), 6);
	assert_true(kvs_interaction_p(&c, 1) == 2 / 64.0);
	assert_true(kvs_interaction_least_p(6) == 2 / 64.0);
	/* Both factors multiply: 10, 10 t, 10 t, 10 t^2 */
	for (size_t turn = 0; turn < 6; turn++) {
		double t = 2 + turn;

		obs[1][turn].value = obs[2][turn].value = 10 * t;
		obs[3][turn].value = 10 * t * t;
	}
	assert_true(kvs_interaction_p(&c, 1) == 1);
	/* Not that of a bound, of fewer rounds, or of what has no logarithm */
	obs[2][3].censored = true;
	assert_true(isnan(kvs_interaction_p(&c, 1)));
	obs[2][3] = (struct kvs_obs){ 0, false };
	assert_true(isnan(kvs_interaction_p(&c, 1)));
	obs[2][3].value = 1;
	assert_false(isnan(kvs_interaction_p(&c, 1)));
	cells[2].nr--;
	assert_true(isnan(kvs_interaction_p(&c, 1)));
}

/* More turns than all changes of signs are counted for */
static void many_turns_are_drawn(void **unused)
{
	struct kvs_obs obs[4][40];
	struct kvs_cell cells[4];
	const struct kvs_cells c = { cells, 2, 2 };

	for (size_t i = 0; i < 4; i++) {
		for (size_t turn = 0; turn < 40; turn++)
			obs[i][turn] = (struct kvs_obs){ i == 3 ? 20 + turn % 3 : 10, false };
		cells[i] = (struct kvs_cell){ obs[i], 40 };
	}
	assert_true(kvs_interaction_p(&c, 1) == 1.0 / (KVS_PERMUTATIONS + 1));
	assert_true(kvs_interaction_least_p(40) == 1.0 / (KVS_PERMUTATIONS + 1));
}

/*
 * How many of the tables have a p of at most ALPHA: rows, columns, interaction.  Main effects
 * take longer, so @mains may be fewer.
 */
static void count_found(struct table *t, unsigned int tables, unsigned int mains,
			uint64_t seed, unsigned int found[3])
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);

	gsl_rng_set(rng, seed);
	memset(found, 0, 3 * sizeof(*found));
	for (unsigned int i = 0; i < tables; i++) {
		draw(t, rng);
		found[2] += kvs_interaction_p(&t->all, 1) <= ALPHA;
		if (i >= mains)
			continue;
		found[0] += kvs_main_effect_p(&t->all, KVS_FACTOR_ROWS, 1) <= ALPHA;
		found[1] += kvs_main_effect_p(&t->all, KVS_FACTOR_COLUMNS, 1) <= ALPHA;
	}
	gsl_rng_free(rng);
	print_message("# rows %u and columns %u of %u tables, interaction %u of %u\n", found[0],
		      found[1], mains, found[2], tables);
}

/* 50 of 1,000 and 10 of 200 by chance; these are four standard deviations more. */
#define TABLES		1000
#define MOST		77
#define MAINS		200
#define MOST_MAINS	22

static void nothing_is_found_where_nothing_is(void **unused)
{
	unsigned int found[3];
	struct table t;

	plan(&t, same, same);
	count_found(&t, TABLES, MAINS, 2, found);
	assert_true(found[0] <= MOST_MAINS);
	assert_true(found[1] <= MOST_MAINS);
	assert_true(found[2] <= MOST);
}

/* Strong effects that multiply are no interaction, though some cells scatter ten times more. */
static void effects_that_multiply_are_no_interaction(void **unused)
{
	unsigned int found[3];
	struct table t;

	plan(&t, far, far);
	for (size_t i = 0; i < CELLS; i += 2)
		t.sigma[i] = 1;
	t.sigma[4] = 0.01;
	count_found(&t, TABLES, 20, 3, found);
	assert_int_equal(found[0], 20);
	assert_int_equal(found[1], 20);
	assert_true(found[2] <= MOST);
}

/* One factor alone, of 20 % */
static void one_effect_is_found_and_not_the_other(void **unused)
{
	static const double little[LEVELS] = { 1, 1.1, 1.2 };
	unsigned int found[3];
	struct table t;

	plan(&t, little, same);
	count_found(&t, 100, 50, 4, found);
	assert_true(found[0] >= 48);
	assert_true(found[1] <= 9);
	assert_true(found[2] <= 15);
	plan(&t, same, little);
	count_found(&t, 100, 50, 5, found);
	assert_true(found[0] <= 9);
	assert_true(found[1] >= 48);
	assert_true(found[2] <= 15);
}

/* One cell is 40 % above what its row and column make of it. */
static void interaction_is_found(void **unused)
{
	unsigned int found[3];
	struct table t;

	plan(&t, far, same);
	t.factor[8] *= 1.4;
	count_found(&t, 100, 50, 6, found);
	assert_int_equal(found[0], 50);
	assert_true(found[2] >= 95);
}

/* Starved in five of nine cells: a bound is longer than what ended, and that is all of it. */
static void starvation_is_a_lower_bound(void **unused)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	struct table t;

	plan(&t, same, same);
	draw(&t, rng);
	for (size_t i = 0; i < CELLS; i++)
		for (size_t turn = 0; turn < TURNS; turn++)
			if (i / LEVELS == 2 || i % LEVELS == 2)
				t.obs[i][turn] = (struct kvs_obs){ 2e9, true };
	assert_true(kvs_main_effect_p(&t.all, KVS_FACTOR_ROWS, 1) <= 1e-4);
	assert_true(kvs_main_effect_p(&t.all, KVS_FACTOR_COLUMNS, 1) <= 1e-4);
	assert_true(isnan(kvs_interaction_p(&t.all, 1)));
	/* All starve: nothing tells them apart. */
	for (size_t i = 0; i < CELLS; i++)
		for (size_t turn = 0; turn < TURNS; turn++)
			t.obs[i][turn] = (struct kvs_obs){ 2e9 + i, true };
	assert_true(kvs_main_effect_p(&t.all, KVS_FACTOR_ROWS, 1) == 1);
	gsl_rng_free(rng);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(main_effect_by_plain_counting),
		cmocka_unit_test(interaction_by_plain_counting),
		cmocka_unit_test(many_turns_are_drawn),
		cmocka_unit_test(nothing_is_found_where_nothing_is),
		cmocka_unit_test(effects_that_multiply_are_no_interaction),
		cmocka_unit_test(one_effect_is_found_and_not_the_other),
		cmocka_unit_test(interaction_is_found),
		cmocka_unit_test(starvation_is_a_lower_bound),
	};

	return cmocka_run_group_tests_name("factorial", tests, NULL, NULL);
}

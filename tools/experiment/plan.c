// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which round comes when.
 *
 * A B C A B C ... spreads over all arms what changes slowly, such as heat;
 * shuffled, each turn of all arms has an order of its own, so that no arm always
 * follows the same one.
 */
#include <stdlib.h>

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include "base/util.h"
#include "experiment/experiment.h"

static void turn(const struct kvs_experiment *e, gsl_rng *rng, struct kvs_exp_round *rounds)
{
	size_t *order = xcalloc(e->nr_arms, sizeof(*order));

	for (size_t i = 0; i < e->nr_arms; i++)
		order[i] = i;
	if (e->shuffled)
		gsl_ran_shuffle(rng, order, e->nr_arms, sizeof(*order));
	for (size_t i = 0; i < e->nr_arms; i++)
		rounds[i] = (struct kvs_exp_round){ .arm = order[i], .recorded = true };
	free(order);
}

/* Unrecorded rounds, of the first arm, stand in the middle of the others. */
struct kvs_exp_round *kvs_exp_plan(const struct kvs_experiment *e, size_t *nr)
{
	size_t recorded = e->nr_arms * e->rounds, at = 0;
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	struct kvs_exp_round *plan;

	*nr = recorded + e->unrecorded;
	plan = xcalloc(*nr, sizeof(*plan));
	gsl_rng_set(rng, e->seed);
	for (long round = 0; round < e->rounds; round++) {
		turn(e, rng, &plan[at]);
		at += e->nr_arms;
		for (long i = 0; round == (e->rounds - 1) / 2 && i < e->unrecorded; i++)
			plan[at++] = (struct kvs_exp_round){ .arm = 0 };
	}
	for (size_t i = 0; i < *nr; i++) {
		plan[i].phase = e->phase * gsl_rng_uniform(rng);
		plan[i].seed = gsl_rng_get(rng);
	}
	gsl_rng_free(rng);
	return plan;
}

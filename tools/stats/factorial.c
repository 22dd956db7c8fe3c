// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two factors, each level of one with each level of the other; see stats.h.
 *
 * A main effect is tested within the levels of the other factor, and within turns: there a
 * factor without effect could have given its values in any order, since chance has said which
 * round of a turn is whose.  The scores are Gehan's, as in permute.c, among all values of one
 * level of the other factor; they are summed for each level of the factor over all levels of
 * the other.
 *
 * For the interaction, what the sum of both factors explains is taken off the logarithms of
 * each turn.  Without an interaction the rest of a turn is chance, and its mirror image was as
 * likely: so turns change their sign, all of their values together.  Turns may differ, and so
 * may the scatter of the cells.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include "base/util.h"
#include "stats/stats.h"

#define ALL_FLIPS	14	/* the most turns of which all changes of signs are counted */
#define EPS		1e-9	/* sums that differ by less are equal */

/* --- a main effect ---------------------------------------------------- */

/* The values of one level of the other factor, turn by turn */
struct stratum {
	size_t *level;		/* of each value, of the factor that is tested */
	long *score;
	size_t nr;
	size_t *in_turn;	/* how many values each turn has */
	size_t turns;
};

static const struct kvs_cell *cell_at(const struct kvs_cells *c, enum kvs_factor factor,
				      size_t level, size_t other)
{
	return factor == KVS_FACTOR_ROWS ? &c->cells[level * c->columns + other] :
					   &c->cells[other * c->columns + level];
}

static void fill_stratum(struct stratum *s, const struct kvs_cells *c, enum kvs_factor factor,
			 size_t levels, size_t other)
{
	struct kvs_obs *all;

	for (size_t level = 0; level < levels; level++) {
		const struct kvs_cell *cell = cell_at(c, factor, level, other);

		s->nr += cell->nr;
		if (cell->nr > s->turns)
			s->turns = cell->nr;
	}
	all = xcalloc(s->nr + 1, sizeof(*all));
	s->level = xcalloc(s->nr + 1, sizeof(*s->level));
	s->score = xcalloc(s->nr + 1, sizeof(*s->score));
	s->in_turn = xcalloc(s->turns + 1, sizeof(*s->in_turn));
	for (size_t turn = 0, at = 0; turn < s->turns; turn++)
		for (size_t level = 0; level < levels; level++) {
			const struct kvs_cell *cell = cell_at(c, factor, level, other);

			if (turn >= cell->nr)
				continue;
			all[at] = cell->obs[turn];
			s->level[at++] = level;
			s->in_turn[turn]++;
		}
	for (size_t i = 0; i < s->nr; i++)
		for (size_t j = 0; j < s->nr; j++)
			s->score[i] += kvs_order(all[j], all[i]);
	free(all);
}

static void shuffle_turns(struct stratum *s, gsl_rng *rng)
{
	long *score = s->score;

	for (size_t turn = 0; turn < s->turns; turn++) {
		gsl_ran_shuffle(rng, score, s->in_turn[turn], sizeof(*score));
		score += s->in_turn[turn];
	}
}

/* How far apart the levels are: the sums of their scores, squared.  @sum has room for them. */
static double distance(const struct stratum *strata, size_t nr, size_t levels, double *sum)
{
	double all = 0;

	memset(sum, 0, levels * sizeof(*sum));
	for (size_t i = 0; i < nr; i++)
		for (size_t j = 0; j < strata[i].nr; j++)
			sum[strata[i].level[j]] += strata[i].score[j];
	for (size_t level = 0; level < levels; level++)
		all += sum[level] * sum[level];
	return all;
}

double kvs_main_effect_p(const struct kvs_cells *c, enum kvs_factor factor, uint64_t seed)
{
	size_t levels = factor == KVS_FACTOR_ROWS ? c->rows : c->columns;
	size_t others = factor == KVS_FACTOR_ROWS ? c->columns : c->rows, extreme = 1;
	struct stratum *strata = xcalloc(others, sizeof(*strata));
	double *sum = xcalloc(levels, sizeof(*sum)), seen;
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);

	for (size_t i = 0; i < others; i++)
		fill_stratum(&strata[i], c, factor, levels, i);
	seen = distance(strata, others, levels, sum);
	gsl_rng_set(rng, seed);
	/* The arrangement that was seen counts as one of those drawn, as in permute.c. */
	for (size_t draw = 0; draw < KVS_PERMUTATIONS; draw++) {
		for (size_t i = 0; i < others; i++)
			shuffle_turns(&strata[i], rng);
		extreme += distance(strata, others, levels, sum) >= seen;
	}
	gsl_rng_free(rng);
	for (size_t i = 0; i < others; i++) {
		free(strata[i].level);
		free(strata[i].score);
		free(strata[i].in_turn);
	}
	free(strata);
	free(sum);
	return extreme / (KVS_PERMUTATIONS + 1.0);
}

/* --- the interaction -------------------------------------------------- */

size_t kvs_cells_turns(const struct kvs_cells *c)
{
	size_t turns = c->cells[0].nr;

	for (size_t i = 0; i < c->rows * c->columns; i++) {
		if (c->cells[i].nr != turns)
			return 0;
		for (size_t turn = 0; turn < turns; turn++)
			if (c->cells[i].obs[turn].censored || c->cells[i].obs[turn].value <= 0)
				return 0;
	}
	return turns;
}

/* What neither row nor column explains of a turn: @rest[cell] */
static void take_sum_off(const struct kvs_cells *c, size_t turn, double *rest)
{
	double *row = xcalloc(c->rows, sizeof(*row)), *column = xcalloc(c->columns, sizeof(*column));
	double all = 0;

	for (size_t i = 0; i < c->rows * c->columns; i++) {
		rest[i] = log(c->cells[i].obs[turn].value);
		row[i / c->columns] += rest[i] / c->columns;
		column[i % c->columns] += rest[i] / c->rows;
		all += rest[i] / (c->rows * c->columns);
	}
	for (size_t i = 0; i < c->rows * c->columns; i++) {
		rest[i] += all - row[i / c->columns] - column[i % c->columns];
		if (fabs(rest[i]) < EPS)
			rest[i] = 0;
	}
	free(row);
	free(column);
}

/*
 * Each cell's sum over the turns, squared.  What a cell scatters does not change with the
 * signs; divided by that, cells that scatter much do not hide the others.
 */
static double strength(const double *rest, size_t cells, size_t turns, const bool *mirrored)
{
	double all = 0;

	for (size_t i = 0; i < cells; i++) {
		double sum = 0, squares = 0;

		for (size_t turn = 0; turn < turns; turn++) {
			double x = rest[turn * cells + i];

			sum += mirrored[turn] ? -x : x;
			squares += x * x;
		}
		if (squares > 0)
			all += sum * sum / squares;
	}
	return all;
}

static double count_flips(const double *rest, size_t cells, size_t turns)
{
	bool mirrored[ALL_FLIPS] = { false };
	double seen = strength(rest, cells, turns, mirrored) * (1 - EPS);
	size_t extreme = 0;

	for (size_t flips = 0; flips < (size_t)1 << turns; flips++) {
		for (size_t turn = 0; turn < turns; turn++)
			mirrored[turn] = flips >> turn & 1;
		extreme += strength(rest, cells, turns, mirrored) >= seen;
	}
	return ldexp(extreme, -(int)turns);
}

static double draw_flips(const double *rest, size_t cells, size_t turns, uint64_t seed)
{
	bool *mirrored = xcalloc(turns, sizeof(*mirrored));
	double seen = strength(rest, cells, turns, mirrored) * (1 - EPS);
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	size_t extreme = 1;

	gsl_rng_set(rng, seed);
	for (size_t draw = 0; draw < KVS_PERMUTATIONS; draw++) {
		for (size_t turn = 0; turn < turns; turn++)
			mirrored[turn] = gsl_rng_uniform_int(rng, 2);
		extreme += strength(rest, cells, turns, mirrored) >= seen;
	}
	gsl_rng_free(rng);
	free(mirrored);
	return extreme / (KVS_PERMUTATIONS + 1.0);
}

double kvs_interaction_p(const struct kvs_cells *c, uint64_t seed)
{
	size_t cells = c->rows * c->columns, turns = kvs_cells_turns(c);
	double *rest, p;

	if (!turns)
		return NAN;
	rest = xcalloc(cells * turns, sizeof(*rest));
	for (size_t turn = 0; turn < turns; turn++)
		take_sum_off(c, turn, rest + turn * cells);
	p = turns <= ALL_FLIPS ? count_flips(rest, cells, turns) :
				 draw_flips(rest, cells, turns, seed);
	free(rest);
	return p;
}

double kvs_interaction_least_p(size_t turns)
{
	return turns <= ALL_FLIPS ? ldexp(1, 1 - (int)turns) : 1 / (KVS_PERMUTATIONS + 1.0);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Distributions of a page: all of them, or those with the most time, as far as there is room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"
#include "picture/plots.h"

static struct kvs_model m;
static struct kvs_view view;
static struct kvs_vcpu *v;

static int setup(void **unused)
{
	kvs_model_init(&m);
	v = kvs_vcpu_create(1, 0);
	view = (struct kvs_view){
		.model = &m, .total = v,
		.times = {
			.ts = KVS_SCALE_NONE, .cycles = KVS_SCALE_NONE, .ns = KVS_SCALE_NONE,
		},
	};
	return 0;
}

static int teardown(void **unused)
{
	kvs_vcpu_free(v);
	kvs_model_free(&m);
	return 0;
}

/* Values of every size, so that each bin is there: @factor times as many of each */
static void spread_out(struct kvs_hist *h, unsigned int factor)
{
	for (unsigned int bit = 2; bit < 40; bit++)
		for (uint64_t step = 4; step < 8; step++)
			for (unsigned int i = 0; i < factor; i++)
				kvs_hist_add(h, step << bit);
}

static json_int_t total_of(const json_t *spread)
{
	return json_integer_value(json_object_get(spread, "total_ns"));
}

static bool is_named(const json_t *spread, const char *name)
{
	return !strcmp(json_string_value(json_object_get(spread, "name")), name);
}

/* How many vectors took so long, or longer */
static unsigned int vectors_from(json_int_t total)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < KVS_VECTORS; i++)
		nr += (json_int_t)v->vector[i]->accept_to_inject_ts.sum >= total;
	return nr;
}

static void all_are_there(void **unused)
{
	unsigned int left_out = 99;
	json_t *spreads;

	for (unsigned int i = 0; i < 10; i++)
		spread_out(&kvs_vector_get(v, 0x30 + i)->accept_to_inject_ts, 1);
	spread_out(&v->sw.slice_cycles, 1);
	spreads = kvs_plots_spreads(&view, &left_out);
	assert_int_equal(left_out, 0);
	assert_int_equal(json_array_size(spreads), 11);
	json_decref(spreads);
}

static void those_with_the_most_time_are_there(void **unused)
{
	json_int_t least = INT64_MAX, vector = -1;
	unsigned int left_out = 0, slices = 0;
	size_t i, size;
	json_t *spreads, *spread;

	for (i = 0; i < KVS_VECTORS; i++)
		spread_out(&kvs_vector_get(v, i)->accept_to_inject_ts, 1 + i * 7 % KVS_VECTORS);
	/* The smallest of all, but of another group */
	kvs_hist_add(&v->sw.slice_cycles, 1);
	spreads = kvs_plots_spreads(&view, &left_out);
	size = json_dumpb(spreads, NULL, 0, JSON_COMPACT);
	assert_in_range(size, KVS_SPREADS_SIZE / 2, KVS_SPREADS_SIZE);
	assert_int_equal(json_array_size(spreads) + left_out, KVS_VECTORS + 1);
	json_array_foreach(spreads, i, spread) {
		unsigned int nr;

		if (is_named(spread, "all")) {
			slices++;
			continue;
		}
		assert_int_equal(sscanf(json_string_value(json_object_get(spread, "name")),
					"vector %x", &nr), 1);
		/* They keep their order. */
		assert_true((json_int_t)nr > vector);
		vector = nr;
		if (total_of(spread) < least)
			least = total_of(spread);
	}
	assert_int_equal(slices, 1);
	/* None that is left out has more than the one that has the least of those. */
	assert_int_equal(vectors_from(least), json_array_size(spreads) - 1);
	json_decref(spreads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_are_there, setup, teardown),
		cmocka_unit_test_setup_teardown(those_with_the_most_time_are_there, setup, teardown),
	};

	return cmocka_run_group_tests_name("plots", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of a merge that open no file: the TSCs of guest and host, causality, and who is
 * who.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base.h"
#include "merge/causal.h"
#include "merge/match.h"

static void offset_alone(void **state)
{
	const struct kvs_guest_tsc tsc = { -1000ULL, 1ULL << 48, 48 };

	assert_true(kvs_guest_tsc_unscaled(&tsc));
	assert_int_equal(kvs_guest_of_host(&tsc, 5000), 4000);
	assert_int_equal(kvs_host_of_guest(&tsc, 4000), 5000);
	/* The TSC of a guest that was restored from another host may be ahead. */
	assert_int_equal(kvs_host_of_guest(&(struct kvs_guest_tsc){ 7000, 1, 0 }, 9000), 2000);
	/* From before the host's TSC was 0: a negative time */
	assert_int_equal((s64)kvs_host_of_guest(&(struct kvs_guest_tsc){ 7000, 1, 0 }, 6000),
			 -1000);
}

/*
 * A year of a TSC of 3 GHz has 57 bits, and a ratio of VMX 48 behind the point: their product
 * doesn't fit into 64.
 */
static void ratios(void **state)
{
	static const struct {
		struct kvs_guest_tsc tsc;
		u64 host, guest;
	} cases[] = {
		/* 3/2, by the fraction bits of VMX and of SVM */
		{ { 0, 3ULL << 47, 48 }, 94608000000000000ULL, 141912000000000000ULL },
		{ { 0, 3ULL << 31, 32 }, 94608000000000000ULL, 141912000000000000ULL },
		{ { -7ULL, 3ULL << 31, 32 }, 94608000000000000ULL, 141911999999999993ULL },
		/* 1/2 */
		{ { 10, 1ULL << 31, 32 }, 94608000000000000ULL, 47304000000000010ULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(kvs_guest_of_host(&cases[i].tsc, cases[i].host), cases[i].guest);
		assert_int_equal(kvs_host_of_guest(&cases[i].tsc, cases[i].guest), cases[i].host);
	}
}

/* The first time of the host at which the guest reads a value, and not one cycle earlier */
static void first_time(void **state)
{
	/* 2.6 GHz for a guest that was promised 2.1 GHz, and the other way round */
	const struct kvs_guest_tsc tscs[] = {
		{ 12345, (u64)((2100ULL << 48) / 2600), 48 },
		{ -12345ULL, ((2600ULL << 32) / 2100), 32 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tscs); i++) {
		assert_false(kvs_guest_tsc_unscaled(&tscs[i]));
		for (u64 guest = 1ULL << 57; guest < (1ULL << 57) + 100; guest++) {
			u64 host = kvs_host_of_guest(&tscs[i], guest);

			assert_true(kvs_guest_of_host(&tscs[i], host) >= guest);
			assert_true(kvs_guest_of_host(&tscs[i], host - 1) < guest);
		}
	}
	assert_int_equal(kvs_guest_length(&tscs[0], 2600), 2099);
	assert_int_equal(kvs_guest_length(&tscs[0], -2600), -2099);
}

/* A TSC that is set ahead, back, and ahead again: see epochs.c */
static void several_tscs(void **state)
{
	struct kvs_host_vcpu v = { 0 };

	kvs_epochs_add(&v, 100, 100, &(struct kvs_guest_tsc){ 0, 1, 0 });
	kvs_epochs_add(&v, 150, 150, &(struct kvs_guest_tsc){ 0, 1, 0 });
	assert_int_equal(v.nr_epochs, 1);
	/* The first one holds before it was told, too. */
	assert_int_equal(kvs_host_time(&v, 50).at, 50);
	assert_int_equal(kvs_host_time(&v, 50).told, KVS_TIME_TOLD);
	assert_false(kvs_tsc_changed(&v));
	kvs_epochs_add(&v, 200, 200, &(struct kvs_guest_tsc){ 1000, 1, 0 });
	assert_true(kvs_tsc_changed(&v));
	assert_int_equal(kvs_host_time(&v, 199).at, 199);
	assert_int_equal(kvs_host_time(&v, 1200).at, 200);
	assert_int_equal(kvs_host_time(&v, 1200).told, KVS_TIME_TOLD);
	for (u64 guest = 200; guest < 1200; guest += 999) {
		assert_int_equal(kvs_host_time(&v, guest).told, KVS_TIME_NEVER);
		assert_int_equal(kvs_host_time(&v, guest).at, 200);
	}
	kvs_epochs_add(&v, 300, 300, &(struct kvs_guest_tsc){ 999, 1, 0 });
	assert_int_equal(kvs_host_time(&v, 1298).told, KVS_TIME_EARLY);
	assert_int_equal(kvs_host_time(&v, 1298).at, 299);
	assert_int_equal(kvs_host_time(&v, 1299).told, KVS_TIME_TOLD);
	/* Told late: it may have changed at 380 already. */
	kvs_epochs_add(&v, 380, 400, &(struct kvs_guest_tsc){ 5000, 1, 0 });
	assert_int_equal(kvs_host_time(&v, 1298).told, KVS_TIME_EARLY);
	assert_int_equal(kvs_host_time(&v, 1378).at, 379);
	assert_int_equal(kvs_host_time(&v, 1378).told, KVS_TIME_TOLD);
	assert_int_equal(kvs_host_time(&v, 1379).told, KVS_TIME_BETWEEN);
	assert_int_equal(kvs_host_time(&v, 5399).told, KVS_TIME_BETWEEN);
	assert_int_equal(kvs_host_time(&v, 5399).at, 400);
	assert_int_equal(kvs_host_time(&v, 5400).at, 400);
	assert_int_equal(kvs_host_time(&v, 5400).told, KVS_TIME_TOLD);
	/* The other way round */
	assert_int_equal(kvs_guest_time(&v, 350), 1349);
	assert_int_equal(kvs_guest_time(&v, 400), 5400);
	free(v.epochs);
}

/* A VM that is made after the recording began: its TSC was never negative. */
static void before_the_first_tsc(void **state)
{
	struct kvs_host_vcpu v = { 0 };

	kvs_epochs_add(&v, 5000, 5000, &(struct kvs_guest_tsc){ -5000ULL, 1, 0 });
	assert_int_equal(kvs_guest_time(&v, 4000), 0);
	assert_int_equal(kvs_guest_time(&v, 5007), 7);
	free(v.epochs);
}

/* What a damaged file may say */
static void absurd_ratios(void **state)
{
	assert_false(kvs_guest_tsc_valid(&(struct kvs_guest_tsc){ 0, 0, 32 }));
	assert_false(kvs_guest_tsc_valid(&(struct kvs_guest_tsc){ 0, 1, 64 }));
	assert_true(kvs_guest_tsc_valid(&(struct kvs_guest_tsc){ 0, 1, 63 }));
	assert_int_equal(kvs_host_of_guest(&(struct kvs_guest_tsc){ 0, 1, 63 }, UINT64_MAX),
			 UINT64_MAX);
}

static void stretches(void **state)
{
	struct kvs_stretches s = { 0 };

	kvs_stretches_add(&s, 100, 200);
	kvs_stretches_add(&s, 200, 250);	/* follows upon it */
	kvs_stretches_add(&s, 400, 500);
	kvs_stretches_add(&s, 300, 350);	/* comes late */
	kvs_stretches_add(&s, 340, 360);
	kvs_stretches_sort(&s);
	assert_int_equal(s.nr, 3);
	assert_int_equal(s.at[0].end, 250);
	assert_int_equal(s.at[1].begin, 300);
	assert_int_equal(s.at[1].end, 360);
	assert_int_equal(kvs_stretches_before(&s, 100), 0);
	assert_int_equal(kvs_stretches_before(&s, 101), 1);
	assert_int_equal(kvs_stretches_before(&s, 1000), 3);
	kvs_stretches_free(&s);
}

/* In guest mode from 1000 to 2000 and 3000 to 4000; nothing is known from 4500 on. */
static struct kvs_tsc_epoch epoch = { .tsc = { -100ULL, 1, 0 } };
static struct kvs_stretch guest[] = { { 1000, 2000 }, { 3000, 4000 } };
static struct kvs_stretch out[] = { { 500, 1000 }, { 2000, 3000 }, { 4000, 4500 } };
static const struct kvs_host_vcpu vcpu = {
	.guest = { guest, ARRAY_SIZE(guest), ARRAY_SIZE(guest) },
	.out = { out, ARRAY_SIZE(out), ARRAY_SIZE(out) },
	.epochs = &epoch, .nr_epochs = 1,
};

#define PLACING(...)	((struct kvs_placing){					\
	.events = (const u64[]){ __VA_ARGS__ },					\
	.nr = sizeof((u64[]){ __VA_ARGS__ }) / sizeof(u64), .vcpu = &vcpu,	\
})

static void places(void **state)
{
	/* By the guest's TSC, which is 100 behind */
	struct kvs_placing p = PLACING(300, 500, 900, 1400, 1900, 2000, 3500, 5000);
	struct kvs_placed placed = kvs_causal_place(&p, 0);

	assert_int_equal(placed.inside, 4);	/* both ends count: 1000, 1500, 2000, 3600 */
	assert_int_equal(placed.outside, 2);	/* 600, 2100 */
	assert_int_equal(placed.unknown, 2);	/* 400, 5100 */
	assert_int_equal(placed.early, 0);
	placed = kvs_causal_place(&p, 50);
	assert_int_equal(placed.outside, 3);	/* and 2050 */
}

static void fits(void **state)
{
	struct kvs_placing p = PLACING(300, 900, 1900);
	struct kvs_placed placed;

	assert_true(kvs_causal_fits(&p, &placed));
	assert_int_equal(placed.inside, 2);
	assert_int_equal(placed.unknown, 1);
	/* One event outside is enough ... */
	p = PLACING(900, 2000, 2001);
	assert_false(kvs_causal_fits(&p, &placed));
	/* ... and no event where anything is known is too little. */
	p = PLACING(300, 5000);
	assert_false(kvs_causal_fits(&p, &placed));
}

static void shifts(void **state)
{
	struct kvs_placing p[] = { PLACING(1200, 1500), PLACING(3600) };
	struct kvs_shifts s;

	assert_true(kvs_causal_shifts(p, 1, 0, &s));
	assert_int_equal(s.from, -300);
	assert_int_equal(s.to, 400);
	/* The CPUs of a guest prove it together. */
	assert_true(kvs_causal_shifts(p, 2, 0, &s));
	assert_int_equal(s.from, -300);
	assert_int_equal(s.to, 300);
	/* At the edges all is well, but not beyond. */
	assert_true(kvs_causal_shifts(p, 2, 300, &s));
	assert_int_equal(s.to, 300);
	assert_false(kvs_causal_shifts(p, 2, 301, &s));
	assert_false(kvs_causal_shifts(p, 2, -301, &s));
	/* Where nothing is known there is no limit. */
	p[0] = PLACING(5000);
	assert_true(kvs_causal_shifts(p, 1, 0, &s));
	assert_int_equal(s.from, -600);
	assert_int_equal(s.to, KVS_SHIFT_MAX);
}

static void nearest(void **state)
{
	/* 900 and 1200 of the host: later by 100 to 800, and by nothing earlier */
	struct kvs_placing p[] = { PLACING(800, 1100), PLACING(2400, 3400) };
	struct kvs_shifts s;

	assert_true(kvs_causal_nearest(&p[0], 1, 1000, &s));
	assert_int_equal(s.from, 100);
	assert_int_equal(s.to, 800);
	assert_false(kvs_causal_nearest(&p[0], 1, 99, &s));
	/* 2500 and 3500: later by 500 they'd be at 3000 and 4000, and nowhere else. */
	assert_true(kvs_causal_nearest(&p[1], 1, 1000, &s));
	assert_int_equal(s.from, 500);
	assert_int_equal(s.to, 500);
	assert_true(kvs_causal_nearest(p, 2, 1000, &s));
	assert_int_equal(s.from, 500);
	/* Earlier is nearer: 2100 */
	p[0] = PLACING(2000);
	assert_true(kvs_causal_nearest(p, 1, 1000, &s));
	assert_int_equal(s.from, -1100);
	assert_int_equal(s.to, -100);
}

/* Events from before the last change of the TSC are told apart. */
static void early(void **state)
{
	struct kvs_host_vcpu moved = vcpu;
	struct kvs_placing p = PLACING(1300, 1399, 1400, 1500);

	moved.epochs = NULL;
	moved.nr_epochs = 0;
	kvs_epochs_add(&moved, 0, 0, &(struct kvs_guest_tsc){ 0, 1, 0 });
	kvs_epochs_add(&moved, 1500, 1500, &(struct kvs_guest_tsc){ -100ULL, 1, 0 });
	p.vcpu = &moved;
	assert_int_equal(kvs_causal_place(&p, 0).early, 2);
	free(moved.epochs);
}

static void matches(void **state)
{
	static const bool one[] = { 1, 1, 0, /**/ 1, 0, 0, /**/ 0, 1, 1 };
	static const bool several[] = { 1, 1, /**/ 1, 1 };
	static const bool none[] = { 1, 0, 0, /**/ 1, 0, 0, /**/ 1, 1, 1 };
	static const bool spare[] = { 0, 1, 0 };
	static const bool choice[] = { 0, 1, 1 };
	size_t column[3];

	assert_int_equal(kvs_match(one, 3, 3, column), KVS_MATCH_ONE);
	assert_int_equal(column[0], 1);
	assert_int_equal(column[1], 0);
	assert_int_equal(column[2], 2);
	assert_int_equal(kvs_match(several, 2, 2, column), KVS_MATCH_SEVERAL);
	assert_int_equal(kvs_match(none, 3, 3, column), KVS_MATCH_NONE);
	assert_int_equal(kvs_match(spare, 1, 3, column), KVS_MATCH_ONE);
	assert_int_equal(column[0], 1);
	assert_int_equal(kvs_match(choice, 1, 3, column), KVS_MATCH_SEVERAL);
	/* More CPUs than vCPUs */
	assert_int_equal(kvs_match(several, 2, 1, column), KVS_MATCH_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offset_alone),
		cmocka_unit_test(ratios),
		cmocka_unit_test(first_time),
		cmocka_unit_test(several_tscs),
		cmocka_unit_test(before_the_first_tsc),
		cmocka_unit_test(absurd_ratios),
		cmocka_unit_test(stretches),
		cmocka_unit_test(places),
		cmocka_unit_test(fits),
		cmocka_unit_test(shifts),
		cmocka_unit_test(nearest),
		cmocka_unit_test(early),
		cmocka_unit_test(matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

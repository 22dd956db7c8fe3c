// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers of VMs, as many as 16 bits hold and more (module/next_number.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "next_number.h"

static bool used[UINT16_MAX + 1];

static bool is_used(__u16 number)
{
	return used[number];
}

static void they_begin_at_1(void **unused)
{
	assert_int_equal(ks_next_number(0, is_used), 1);
	assert_int_equal(ks_next_number(1, is_used), 2);
}

/* After the last one comes the first again: 0 would be no VM. */
static void they_begin_anew(void **unused)
{
	assert_int_equal(ks_next_number(UINT16_MAX - 1, is_used), UINT16_MAX);
	assert_int_equal(ks_next_number(UINT16_MAX, is_used), 1);
}

/* A VM that has been there since keeps its number, and nobody else gets it. */
static void who_lives_keeps_his(void **unused)
{
	used[1] = used[2] = used[UINT16_MAX] = true;
	assert_int_equal(ks_next_number(UINT16_MAX - 1, is_used), 3);
	used[1] = used[2] = used[UINT16_MAX] = false;
}

/* 200,000 VMs, of which 5 at a time live: each new one gets a number of its own. */
static void a_long_life(void **unused)
{
	__u16 live[5] = { 0 }, last = 0;

	for (unsigned int i = 0; i < 200000; i++) {
		__u16 *mine = &live[i % 5];

		/* The first is there from the beginning to the end. */
		if (mine == live && i)
			continue;
		used[*mine] = false;
		last = *mine = ks_next_number(last, is_used);
		assert_int_not_equal(last, 0);
		assert_false(used[last]);
		used[last] = true;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_begin_at_1),
		cmocka_unit_test(they_begin_anew),
		cmocka_unit_test(who_lives_keeps_his),
		cmocka_unit_test(a_long_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

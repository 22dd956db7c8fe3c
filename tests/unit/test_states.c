// SPDX-License-Identifier: GPL-2.0-only
/*
 * docs/states.dot is what the state machine does: random lives take no way that
 * isn't drawn, and all that are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "model/ledger.h"
#include "trace/schema.h"

#define STATES	KVMSCHED_NR_STATES

static bool drawn[STATES][STATES], taken[STATES][STATES];
static struct kvs_ledger l;
static uint64_t now;

static int state_named(const char *name)
{
	for (int i = 0; i < STATES; i++)
		if (!strcmp(name, kvs_ledger_state_name(i)))
			return i;
	fail_msg("states.dot has a state \"%s\"", name);
	return -1;
}

static int read_drawing(void **unused)
{
	const char *tests = getenv("KVMSCHED_TESTS");
	char *path = xasprintf("%s/../docs/states.dot", tests ?: "tests");
	char line[256], from[32], to[32];
	FILE *file = fopen(path, "r");

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " %31[a-z_] -> %31[a-z_]", from, to) == 2)
			drawn[state_named(from)][state_named(to)] = true;
	fclose(file);
	free(path);
	return 0;
}

/* One record may tell of two changes: a wait between, or an exit. */
static void check(unsigned int from, unsigned int to, const char *what)
{
	static const unsigned int between[] = {
		KVMSCHED_STATE_WAIT_WOKEN, KVMSCHED_STATE_EXIT,
	};

	if (from == to)
		return;
	if (drawn[from][to]) {
		taken[from][to] = true;
		return;
	}
	for (unsigned int i = 0; i < 2; i++) {
		if (!drawn[from][between[i]] || !drawn[between[i]][to])
			continue;
		taken[from][between[i]] = taken[between[i]][to] = true;
		return;
	}
	fail_msg("%s leads from %s to %s", what, kvs_ledger_state_name(from),
		 kvs_ledger_state_name(to));
}

#define TELL(call) do {							\
	unsigned int before_ = l.state;					\
									\
	now += 1 + rand() % 1000;					\
	call;								\
	check(before_, l.state, #call);					\
} while (0)

static void switch_out(bool loaded)
{
	unsigned int kind = rand() % (loaded ? KS_SWITCH_DEAD : KS_SWITCH_DEAD + 1);

	/* Outside of KVM_RUN nobody halts. */
	if (!loaded && kind == KS_SWITCH_HALTED)
		kind = KS_SWITCH_BLOCKED;
	TELL(kvs_ledger_switch_out(&l, now, kind, loaded));
}

static void in_kvm(void)
{
	switch (rand() % 4) {
	case 0:
		TELL(kvs_ledger_entry(&l, now));
		break;
	case 1:
		TELL(kvs_ledger_put(&l, now));
		break;
	case 2:
		TELL(kvs_ledger_poll(&l, now, rand() % 50));
		break;
	default:
		switch_out(true);
	}
}

static void in_guest(void)
{
	switch (rand() % 3) {
	case 0:
		TELL(kvs_ledger_exit(&l, now, now - l.since - 1, 1, true));
		break;
	case 1:
		TELL(kvs_ledger_exit(&l, now, now - l.since - 1, 1, false));
		break;
	default:
		TELL(kvs_ledger_switch_out(&l, now, KS_SWITCH_PREEMPTED, true));
	}
}

static void off_cpu(void)
{
	struct kvs_ledger_wait wait;

	if (rand() % 2)
		TELL(kvs_ledger_wake(&l, now));
	TELL(kvs_ledger_switch_in(&l, now, now - l.since, rand() % 300, &wait));
}

static void first_sight(void)
{
	switch (rand() % 4) {
	case 0:
		TELL(kvs_ledger_load(&l, now));
		break;
	case 1:
		TELL(kvs_ledger_exit(&l, now, 3, 2, rand() % 2));
		break;
	case 2:
		in_kvm();
		break;
	default:
		switch_out(rand() % 2);
	}
}

static void step(void)
{
	switch (l.state) {
	case KVMSCHED_STATE_UNKNOWN:
		first_sight();
		break;
	case KVMSCHED_STATE_GUEST:
		in_guest();
		break;
	case KVMSCHED_STATE_EXIT:
		in_kvm();
		break;
	case KVMSCHED_STATE_USER:
		if (rand() % 2)
			TELL(kvs_ledger_load(&l, now));
		else
			switch_out(false);
		break;
	default:
		off_cpu();
	}
}

static void as_drawn(void **unused)
{
	srand(1);
	for (unsigned int life = 0; life < 2000; life++) {
		now = 1000;
		kvs_ledger_begin(&l, now);
		for (unsigned int i = 0; i < 50; i++)
			step();
	}
	/* Time is moved there; nothing is ever in it. */
	taken[KVMSCHED_STATE_EXIT][KVMSCHED_STATE_POLL] = true;
	for (unsigned int i = 0; i < STATES; i++)
		for (unsigned int j = 0; j < STATES; j++)
			if (drawn[i][j] && !taken[i][j])
				fail_msg("nothing leads from %s to %s",
					 kvs_ledger_state_name(i), kvs_ledger_state_name(j));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_drawn),
	};

	return cmocka_run_group_tests(tests, read_drawing, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ledger of the module (module/ledger_core.h) and that of the program
 * (tools/model/), on the same random lives of vCPUs: equal to the cycle.
 *
 * Each step of a life does what the probes do: it calls the module's ledger as
 * probe_exit.c and probe_sched.c call it, and gives the model the record that
 * they write.  The file's clock is the TSC, and a cycle is a nanosecond.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger_core.h"
#include "model/model.h"
#include "model/summary.h"
#include "feed.h"

#define LIVES	2000
#define STEPS	400

/* What a life can do next; each must have been done by some life. */
enum step {
	LOAD, PUT, ENTER, EXIT, EXIT_BY_INTERRUPT, FASTPATH, PREEMPTED,
	PREEMPTED_IN_GUEST, PREEMPTED_IN_USERSPACE, ABORTED, BLOCKED, HALTED,
	POLLED, POLLED_AND_SLEPT, POLLED_AND_PREEMPTED, WOKEN_SEEN,
	WOKEN_UNSEEN, FAILED_ENTRY, FAILED_FOR_GOOD, DIED,
	STEPS_KNOWN
};

/* As struct ks_vcpu of the module has it */
static struct {
	struct ks_ledger_core ledger;
	bool loaded;		/* within KVM_RUN */
	bool open;		/* an exit's record waits for the exit's end */
	bool odd;		/* ... which must take the long way */
	__u64 entry, irq, story, guest;
	__u64 in, out, wake;
	__s16 reason;
	__u8 kind;
} v;

static struct kvs_model m;
static unsigned int done[STEPS_KNOWN];
static __u64 now;

#define RECORD(name, ...)	FEED(&m, now, 0, 100, name, __VA_ARGS__)

#define ME	.vm = 1, .vcpu = 0

static __u64 up_to(__u64 limit)
{
	return rand() % (limit + 1);
}

static bool by_chance(unsigned int of)
{
	return !(rand() % of);
}

static void pass(__u64 limit)
{
	now += 1 + up_to(limit);
}

/* What the probes do */

static void end_exit(__u8 how, __u8 flags)
{
	RECORD(exit, ME, .reason = v.reason, .guest_cycles = v.guest,
	       .host_cycles = now - v.story, .flags = how | flags);
	if (how == KS_EXIT_BY_ENTRY && !v.odd &&
	    !ks_core_is_unusual(&v.ledger, v.reason))
		ks_core_round_trip(&v.ledger, v.reason, v.guest, now - v.story, now);
	else
		ks_core_end_exit(&v.ledger, v.reason, v.guest, v.story, now,
				 how == KS_EXIT_BY_ENTRY ? KVMSCHED_STATE_GUEST :
							   KVMSCHED_STATE_EXIT);
	v.open = v.odd = false;
}

static void cut_exit(__u8 how)
{
	if (!v.open)
		return;
	end_exit(how, 0);
	pass(9);
}

static void enter(void)
{
	if (v.open)
		end_exit(KS_EXIT_BY_ENTRY, 0);
	else /* where no exit came before, too */
		RECORD(entry, ME);
	if (v.ledger.state != KVMSCHED_STATE_GUEST)
		ks_core_move(&v.ledger, KVMSCHED_STATE_GUEST, now);
	v.irq = 0;
	v.entry = now;
	done[ENTER]++;
}

/* Reasons that share a row of the module's table, and some that don't */
static __s16 some_reason(void)
{
	static const __s16 reasons[] = { 0x72, 0x72 + 64, 0x78, 0x7b, 0x60 };

	return reasons[rand() % 5];
}

static void exit_guest(void)
{
	v.guest = (v.irq ?: now) - v.entry;
	v.story = v.irq ? (v.in > v.irq ? v.in : v.irq) : now;
	v.odd = v.irq;
	v.entry = 0;
	v.open = true;
	v.reason = some_reason();
	done[v.irq ? EXIT_BY_INTERRUPT : EXIT]++;
}

/*
 * KVM goes back into the guest by its fast path, and nothing tells of that exit.
 * Since the entry it was in guest mode, as far as is known.
 */
static void fastpath(void)
{
	done[FASTPATH]++;
	v.guest = now - v.entry;
	v.story = now;
	v.reason = 0x7c;
	v.odd = true;
	end_exit(KS_EXIT_BY_ENTRY, KS_EXIT_FASTPATH);
	v.irq = 0;
	v.entry = now;
}

/* The hardware refused the entry, which nobody tells; KVM tries once more. */
static void fail_entry(void)
{
	RECORD(entry, ME);
	ks_core_doubt(&v.ledger);
	ks_core_move(&v.ledger, KVMSCHED_STATE_GUEST, now);
	v.entry = now;
	done[FAILED_ENTRY]++;
}

static void load(void)
{
	RECORD(load, ME);
	ks_core_load(&v.ledger, now);
	v.loaded = true;
	done[LOAD]++;
}

static void put(void)
{
	cut_exit(KS_EXIT_BY_PUT);
	RECORD(put, ME);
	if (v.entry) { /* the entry failed, and KVM gave up */
		ks_core_doubt(&v.ledger);
		v.entry = 0;
		done[FAILED_FOR_GOOD]++;
	}
	ks_core_move(&v.ledger, KVMSCHED_STATE_USER, now);
	v.loaded = false;
	done[PUT]++;
}

static void switch_out(__u8 kind)
{
	cut_exit(KS_EXIT_BY_SWITCH);
	if (v.entry && !v.irq)
		v.irq = now;
	v.kind = kind;
	RECORD(switch_out, ME, .kind = kind, .loaded = v.loaded, .next_pid = 7);
	ks_core_switch_out(&v.ledger, kind, v.irq, now);
	v.out = now;
	v.wake = 0;
}

static void wake(void)
{
	v.wake = now;
	/* Class steal records it; else the switch in says how long it waited. */
	if (by_chance(2))
		RECORD(wake, ME, .holder_pid = 7);
}

static void switch_in(void)
{
	__u64 got = now, waited = got - v.wake;

	if (!v.wake) {
		waited = up_to(got - v.out + 20);
		done[WOKEN_UNSEEN]++;
	} else {
		done[WOKEN_SEEN]++;
	}
	if (by_chance(2)) /* interrupts come before the notifier */
		pass(50);
	RECORD(switch_in, ME, .kind = v.kind, .off_cycles = got - v.out,
	       .wait_ns = waited);
	ks_core_switch_in(&v.ledger, v.wake ?: got - (waited < got ? waited : got),
			  got, v.loaded ? KVMSCHED_STATE_EXIT : KVMSCHED_STATE_USER);
	v.in = got;
}

/* Off the CPU and on it again */
static void lose_cpu(__u8 kind)
{
	bool asleep = kind == KS_SWITCH_HALTED || kind == KS_SWITCH_BLOCKED;

	switch_out(kind);
	pass(3000);
	if (asleep && !by_chance(4)) {
		wake();
		pass(300);
	}
	switch_in();
	pass(20);
}

/* A halt polls first, and sleeps then, if it must. */
static void halt(void)
{
	bool slept = by_chance(2);
	__u64 began = now, polled;

	pass(400);
	if (by_chance(4)) {
		lose_cpu(KS_SWITCH_PREEMPTED);
		done[POLLED_AND_PREEMPTED]++;
	}
	/* KVM measures by the clock, and a little less or more than we do. */
	polled = now - began + up_to(40);
	if (slept) {
		pass(10);
		lose_cpu(KS_SWITCH_HALTED);
	}
	RECORD(halt, ME, .waited = slept, .valid = 1, .poll_ns = polled);
	if (v.open)
		v.odd = true;
	ks_core_poll(&v.ledger, polled, now);
	done[slept ? POLLED_AND_SLEPT : POLLED]++;
}

/* Lives */

static void in_userspace(void)
{
	if (by_chance(3)) {
		lose_cpu(by_chance(2) ? KS_SWITCH_PREEMPTED : KS_SWITCH_BLOCKED);
		done[PREEMPTED_IN_USERSPACE]++;
	} else {
		load();
	}
}

static void in_guest_mode(void)
{
	switch (rand() % 12) {
	case 0:
		v.irq = now;
		pass(60);
		break;
	case 1: /* KVM tells the exit only after the switch, or after two. */
		if (by_chance(2)) {
			v.irq = now;
			pass(60);
		}
		do {
			lose_cpu(KS_SWITCH_PREEMPTED);
			done[PREEMPTED_IN_GUEST]++;
		} while (by_chance(4));
		break;
	case 2:
		return fastpath();
	case 3:
		return fail_entry();
	case 4:
		return put();
	}
	exit_guest();
}

static void in_kernel(void)
{
	switch (rand() % 12) {
	case 0:
		put();
		break;
	case 1:
		lose_cpu(KS_SWITCH_PREEMPTED);
		done[PREEMPTED]++;
		break;
	case 2:
		lose_cpu(KS_SWITCH_ABORTED);
		done[ABORTED]++;
		break;
	case 3:
		lose_cpu(KS_SWITCH_BLOCKED);
		done[BLOCKED]++;
		break;
	case 4:
		lose_cpu(KS_SWITCH_HALTED);
		done[HALTED]++;
		break;
	case 5:
		halt();
		break;
	default:
		enter();
	}
}

static const struct kvs_vcpu *theirs(void)
{
	return m.vcpus[0];
}

static void expect_same_times(unsigned int life)
{
	u64 expected[KVMSCHED_NR_STATES];
	__u64 states[KVMSCHED_NR_STATES];

	kvs_ledger_at(&theirs()->ledger, now, expected);
	ks_core_sum(&v.ledger, states, now);
	for (unsigned int i = 0; i < KVMSCHED_NR_STATES; i++)
		if (states[i] != expected[i])
			fail_msg("life %u, at %llu: %s is %llu in the module, %llu in the program",
				 life, now, kvs_ledger_state_name(i), states[i],
				 (unsigned long long)expected[i]);
}

/* Of all reasons, and of each that has times */
static void expect_same_exits(void)
{
	const struct ks_core_exits *ours = &v.ledger.exits;
	bool polls = false;
	__u64 exits = 0;

	for (unsigned int row = 0; row < KVMSCHED_LEDGER_REASONS; row++)
		exits += ours->count[row];
	assert_int_equal(exits, theirs()->exit_count);

	for (unsigned int i = 0; i < theirs()->nr_exits; i++) {
		const struct kvs_exit_stats *e = &theirs()->exits[i];
		unsigned int row = 0;
		u64 cost;

		if (e->fastpath)
			continue;
		while (row < KVMSCHED_LEDGER_REASONS &&
		       (!ours->count[row] || ours->reason[row] != e->reason))
			row++;
		assert_true(row < KVMSCHED_LEDGER_REASONS);
		assert_int_equal(ours->count[row], e->count);
		/* The module's has what was polled as well, until a switch if there was one. */
		cost = e->uncut_cycles.sum + e->cut_cycles.sum;
		assert_true(ours->cycles[row] >= cost);
		assert_true(ours->cycles[row] <= cost + (u64)e->poll_cycles.sum);
		polls |= e->poll_cycles.count > 0;
	}
	assert_int_equal(polls, theirs()->ledger.states[KVMSCHED_STATE_POLL] > 0);
}

static void expect_same_switches(void)
{
	for (unsigned int kind = 0; kind < KS_SWITCH_DEAD; kind++)
		assert_int_equal(v.ledger.switches[kind], theirs()->sw.out[kind]);
	assert_int_equal(v.ledger.waits, theirs()->sw.in);
}

static void begin(void)
{
	memset(&v, 0, sizeof(v));
	now = 1000;
	v.ledger.begin = v.ledger.since = now;
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	RECORD(session, .op = KS_SESSION_START, .tsc_khz = 1000000,
	       .classes = KVMSCHED_CLASS_ALL);
	pass(100);
	RECORD(vcpu, ME, .tgid = 50);
	load();
}

/* In userspace both know everything; before, the program learns some later. */
static void live(unsigned int life)
{
	begin();
	for (unsigned int i = 0; i < STEPS || v.loaded; i++) {
		pass(1000);
		if (!v.loaded) {
			expect_same_times(life);
			in_userspace();
		} else if (v.entry) {
			in_guest_mode();
		} else {
			in_kernel();
		}
	}
	if (by_chance(2)) {
		pass(100);
		switch_out(KS_SWITCH_DEAD);
		done[DIED]++;
	}
	pass(100);
	expect_same_times(life);
	expect_same_exits();
	expect_same_switches();
	RECORD(session, .op = KS_SESSION_STOP);
	kvs_model_finish(&m);
	assert_int_equal(kvs_ledger_residual(&theirs()->ledger), 0);
	kvs_model_free(&m);
}

static void the_same_to_the_cycle(void **unused)
{
	for (unsigned int life = 0; life < LIVES; life++) {
		srand(life);
		live(life);
	}
	for (unsigned int i = 0; i < STEPS_KNOWN; i++)
		if (!done[i])
			fail_msg("no life took step %u", i);
}

/* Each bucket has a power of two; the last one has all that is longer, too. */
static void every_length_has_a_bucket(void **unused)
{
	static const struct {
		__u64 cycles;
		unsigned int bucket;
	} lengths[] = {
		{ 0, 0 }, { 1, 0 }, { 2, 1 }, { 1023, 9 }, { 1024, 10 },
		{ (1ULL << 31) - 1, 30 }, { 1ULL << 31, 31 }, { 1ULL << 32, 31 },
		{ 1ULL << 40, 31 }, { 1ULL << 63, 31 }, { ~0ULL, 31 },
	};
	struct ks_core_exits exits = { 0 };
	struct kvmsched_ledger_exits seen = { 0 };

	assert_int_equal(KVMSCHED_LEDGER_BUCKETS, 32);
	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		__u32 before = seen.hist[7][lengths[i].bucket];

		ks_core_count_exit(&exits, 7, lengths[i].cycles);
		assert_int_equal(ks_core_copy_exits(&exits, &seen), i + 1);
		assert_int_equal(seen.hist[7][lengths[i].bucket], before + 1);
		assert_int_equal(seen.count[7], i + 1);
	}
	assert_int_equal(seen.count[8], 0);
}

/* A vCPU goes to a CPU whose TSC is behind, and back: no state is below 0. */
static void no_time_is_below_zero(void **unused)
{
	struct ks_ledger_core core = { .state = KVMSCHED_STATE_GUEST, .begin = 1000,
				       .since = 1000 };
	__u64 states[KVMSCHED_NR_STATES], sum = 0;

	ks_core_switch_out(&core, KS_SWITCH_PREEMPTED, 0, 2000);
	ks_core_switch_in(&core, 0, 1900, KVMSCHED_STATE_EXIT);
	assert_int_equal(core.wait_max, 0);
	ks_core_sum(&core, states, 1950);
	assert_int_equal(states[KVMSCHED_STATE_WAIT_PREEMPTED], 0);
	assert_int_equal(states[KVMSCHED_STATE_GUEST], 1000);
	assert_int_equal(states[KVMSCHED_STATE_EXIT], 50);
	/* The reader's own CPU may be behind as well. */
	ks_core_sum(&core, states, 1850);
	assert_int_equal(states[KVMSCHED_STATE_EXIT], 0);

	ks_core_switch_out(&core, KS_SWITCH_PREEMPTED, 0, 2900);
	ks_core_switch_in(&core, 0, 3100, KVMSCHED_STATE_EXIT);
	ks_core_sum(&core, states, 3100);
	for (unsigned int i = 0; i < KVMSCHED_NR_STATES; i++)
		sum += states[i];
	assert_int_equal(sum, 3100 - core.begin);
}

/* What is ahead of this CPU's TSC was a moment ago, not 2^64 cycles. */
static void no_duration_is_below_zero(void **unused)
{
	assert_int_equal(ks_since(2000, 1900), 100);
	assert_int_equal(ks_since(2000, 2000), 0);
	assert_int_equal(ks_since(1900, 2000), 0);
	assert_int_equal(ks_since(0, UINT64_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_has_a_bucket),
		cmocka_unit_test(no_duration_is_below_zero),
		cmocka_unit_test(no_time_is_below_zero),
		cmocka_unit_test(the_same_to_the_cycle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

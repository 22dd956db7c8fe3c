/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU's life of which the truth is written down while it is made up: what it spent in which
 * state of the ledger.  One cycle, one ns and one unit of time are the same here.
 */
#ifndef TRUTH_H
#define TRUTH_H

#include "model/model.h"
#include "model/summary.h"
#include "feed.h"

#define ME	.vm = 1, .vcpu = 0
#define STATES	KVMSCHED_NR_STATES

/* The model under test, the truth, and what the coming records share */
static struct kvs_model m;
static u64 truth[STATES], spans[STATES];
static u64 now;
static u16 cpu;
static s32 pid;

#define RECORD(name, ...)	FEED(&m, now, cpu, pid, name, __VA_ARGS__)

static inline void session(u8 op)
{
	RECORD(session, .op = op, .tsc_khz = 1000000,
	       .classes = KVMSCHED_CLASS_DEFAULT | KVMSCHED_CLASS_STEAL);
}

/* The same times once more, from the spans of the ledger's states */
static inline void take_state(void *ctx, const struct kvs_span *span)
{
	u64 length = span->end - span->begin;

	if (span->vcpu->index)
		return;
	spans[span->state.state] += length;
	if (span->state.state == KVMSCHED_STATE_POLL)
		spans[KVMSCHED_STATE_EXIT] -= length;
}

static inline int setup(void **unused)
{
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	kvs_sinks_add(&m.sinks, KVS_SPAN_BIT(STATE), take_state, NULL);
	memset(truth, 0, sizeof(truth));
	memset(spans, 0, sizeof(spans));
	now = 1000;
	cpu = 0;
	pid = 100;
	session(KS_SESSION_START);
	return 0;
}

static inline int teardown(void **unused)
{
	kvs_model_free(&m);
	return 0;
}

/* So much time passes in a state. */
static inline void spend(unsigned int state, u64 time)
{
	now += time;
	truth[state] += time;
}

static inline const struct kvs_ledger *ledger(void)
{
	return &m.vcpus[0]->ledger;
}

static inline void end(void)
{
	session(KS_SESSION_STOP);
	kvs_model_finish(&m);
}

static inline void expect_truth(void)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < STATES; i++) {
		if (ledger()->states[i] != truth[i])
			fail_msg("%s: %llu, not %llu", kvs_ledger_state_name(i),
				 (unsigned long long)ledger()->states[i],
				 (unsigned long long)truth[i]);
		if (spans[i] != truth[i])
			fail_msg("%s: %llu by spans, not %llu", kvs_ledger_state_name(i),
				 (unsigned long long)spans[i],
				 (unsigned long long)truth[i]);
		sum += truth[i];
	}
	assert_int_equal(kvs_ledger_wall(ledger()), sum);
	assert_int_equal(kvs_ledger_residual(ledger()), 0);
}

/* Parts of a life.  The one that is in the guest stays in the guest. */

static inline void begin(void)
{
	spend(KVMSCHED_STATE_UNKNOWN, 500);
	RECORD(vcpu, ME, .tgid = 50);
	RECORD(load, ME);
	spend(KVMSCHED_STATE_EXIT, 40);
	/* In older recordings, the first entry has no record. */
}

static inline void exit_by(u64 guest, u64 host, u8 how)
{
	spend(KVMSCHED_STATE_GUEST, guest);
	spend(KVMSCHED_STATE_EXIT, host);
	RECORD(exit, ME, .reason = 0x72, .guest_cycles = guest,
	       .host_cycles = host, .flags = how);
}

static inline void enter(void)
{
	RECORD(entry, ME);
}

static inline void round_trip(u64 guest, u64 host)
{
	exit_by(guest, host, KS_EXIT_BY_ENTRY);
}

static inline void to_userspace(u64 user)
{
	exit_by(30, 11, KS_EXIT_BY_PUT);
	spend(KVMSCHED_STATE_EXIT, 3);
	RECORD(put, ME);
	spend(KVMSCHED_STATE_USER, user);
	RECORD(load, ME);
	spend(KVMSCHED_STATE_EXIT, 7);
	enter();
}

/* Slept, then waited for the CPU; the wakeup is told, or else run_delay. */
static inline void sleeps(u8 kind, u64 polled, u64 slept, u64 waited, bool told)
{
	exit_by(20, 5 + polled, KS_EXIT_BY_SWITCH);
	truth[KVMSCHED_STATE_EXIT] -= polled;
	truth[KVMSCHED_STATE_POLL] += polled;
	spend(KVMSCHED_STATE_EXIT, 2);
	RECORD(switch_out, ME, .kind = kind, .loaded = 1);
	spend(kind == KS_SWITCH_HALTED ? KVMSCHED_STATE_HALTED : KVMSCHED_STATE_BLOCKED, slept);
	if (told)
		RECORD(wake, ME, .cpu = cpu, .holder_pid = 0);
	spend(KVMSCHED_STATE_WAIT_WOKEN, waited);
	RECORD(switch_in, ME, .kind = kind, .from_cpu = cpu,
	       .off_cycles = slept + waited, .wait_ns = told ? 12345 : waited);
	spend(KVMSCHED_STATE_EXIT, 9);
	RECORD(halt, ME, .waited = 1, .valid = 1, .poll_ns = polled);
	spend(KVMSCHED_STATE_EXIT, 4);
	enter();
}

/* A halt that never sleeps is told before its exit. */
static inline void polls(u64 polled)
{
	now += 20 + polled;
	RECORD(halt, ME, .waited = 0, .valid = 1, .poll_ns = polled);
	now += 6;
	truth[KVMSCHED_STATE_GUEST] += 15;
	truth[KVMSCHED_STATE_EXIT] += 11;
	truth[KVMSCHED_STATE_POLL] += polled;
	RECORD(exit, ME, .reason = 0x78, .guest_cycles = 15,
	       .host_cycles = 11 + polled);
}

static inline void preempted(u64 waited)
{
	exit_by(20, 5, KS_EXIT_BY_SWITCH);
	RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1,
	       .next_pid = 7, .next_comm = "thief");
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, waited);
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .from_cpu = cpu,
	       .off_cycles = waited);
	spend(KVMSCHED_STATE_EXIT, 6);
	enter();
}

/* The exit is told only when the thread runs again (SVM of old kernels). */
static inline void preempted_untold(u64 guest, u64 host, u64 waited)
{
	spend(KVMSCHED_STATE_GUEST, guest);
	spend(KVMSCHED_STATE_EXIT, host);
	RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 1, .next_pid = 7);
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, waited);
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .from_cpu = cpu,
	       .off_cycles = waited);
	spend(KVMSCHED_STATE_EXIT, 8);
	RECORD(exit, ME, .reason = 0x60, .guest_cycles = guest, .host_cycles = 8,
	       .flags = KS_EXIT_IRQ_FIRST | KS_EXIT_BY_ENTRY);
}

static inline void preempted_in_userspace(u64 waited)
{
	exit_by(30, 11, KS_EXIT_BY_PUT);
	RECORD(put, ME);
	spend(KVMSCHED_STATE_USER, 21);
	RECORD(switch_out, ME, .kind = KS_SWITCH_PREEMPTED, .loaded = 0, .next_pid = 7);
	spend(KVMSCHED_STATE_WAIT_PREEMPTED, waited);
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .from_cpu = cpu,
	       .off_cycles = waited);
	spend(KVMSCHED_STATE_USER, 22);
	RECORD(load, ME);
	spend(KVMSCHED_STATE_EXIT, 7);
	enter();
}

#endif /* TRUTH_H */

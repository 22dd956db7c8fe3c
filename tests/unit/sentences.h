/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A life in which one thing is wrong, and what "In short" has to say of it.  One cycle is one
 * ns here.
 */
#ifndef SENTENCES_H
#define SENTENCES_H

#include "uapi/kvmsched.h"
#include "model/model.h"
#include "model/summary.h"
#include "feed.h"
#include "findings.h"

#define ME	.vm = 1, .vcpu = vcpu
#define MS	1000000ULL
#define VECTOR	0x40
#define NPF	0x400
#define HLT	0x78
#define SVM_PAUSE	0x77
#define VMMCALL	0x81
#define KICK_CPU	5
#define SCHED_YIELD	11
#define ALL	(KVMSCHED_CLASS_DEFAULT | KVMSCHED_CLASS_STEAL)

static struct kvs_model m;
static u64 now;
static u16 vcpu;

#define RECORD(name, ...)	FEED(&m, now, 0, 100 + vcpu, name, __VA_ARGS__)

static inline void session(u8 op, u32 classes)
{
	RECORD(session, .op = op, .tsc_khz = 1000000, .classes = classes);
}

/* Each life begins in the guest, at 1 ms. */
static inline void begin(u32 classes)
{
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	vcpu = 0;
	now = MS;
	session(KS_SESSION_START, classes);
	RECORD(vcpu, ME, .tgid = 50, .features = KS_FEATURE_NEW, .tsc_ratio = 1ULL << 32,
	       .tsc_frac_bits = 32);
	RECORD(load, ME);
}

static inline void end(void)
{
	session(KS_SESSION_STOP, 0);
	find_all(&m);
}

static inline void done(void)
{
	free_found(&m);
}

/* In guest mode, with an exit of 1 µs after each ms */
static inline void run(u64 ms)
{
	for (u64 i = 0; i < ms; i++) {
		now += MS;
		RECORD(exit, ME, .reason = 0x72, .guest_cycles = MS - 1000,
		       .host_cycles = 1000);
	}
}

static inline void switch_out(u8 kind, bool loaded, s32 pid, u8 policy, const char *comm)
{
	struct kvs_record rec = {
		.ts = now, .event = KS_EV_switch_out,
		.switch_out = {
			ME, .kind = kind, .loaded = loaded, .next_pid = pid,
			.next_prio = policy == SCHED_FIFO ? 49 : 120, .next_policy = policy,
			.next_flags = KS_TASK_TOLD,
		},
	};

	rec.ent.pid = 100 + vcpu;
	snprintf(rec.switch_out.next_comm, sizeof(rec.switch_out.next_comm), "%s", comm);
	kvs_model_record(&m, &rec);
}

/* For so long the CPU is another's: of a task, or, with PID 0, nobody's. */
static inline void lose(u64 ns, s32 pid, u8 policy, const char *comm)
{
	RECORD(exit, ME, .reason = 0x60, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
	switch_out(KS_SWITCH_PREEMPTED, true, pid, policy, comm);
	now += ns;
	RECORD(switch_in, ME, .kind = KS_SWITCH_PREEMPTED, .off_cycles = ns);
	RECORD(entry, ME);
}

/* In HLT */
static inline void sleep_for(u64 ns)
{
	RECORD(exit, ME, .reason = HLT, .flags = KS_EXIT_BY_SWITCH, .host_cycles = 1);
	switch_out(KS_SWITCH_HALTED, true, 0, 0, "swapper/0");
	now += ns;
	RECORD(switch_in, ME, .kind = KS_SWITCH_HALTED, .off_cycles = ns);
	RECORD(halt, ME, .waited = 1, .valid = 1, .halt_ns = ns);
	RECORD(entry, ME);
}

static inline void expect(unsigned int i, const char *kind, const char *sentence)
{
	char *text;

	assert_in_range(i, 0, nr - 1);
	text = kvs_finding_sentence(&view, &findings[i]);
	assert_string_equal(kvs_finding_kind_name(findings[i].kind), kind);
	assert_string_equal(text, sentence);
	free(text);
}

/* This, and nothing else */
static inline void expect_only(const char *kind, const char *sentence)
{
	end();
	assert_int_equal(nr, 1);
	expect(0, kind, sentence);
	done();
}

static inline void expect_nothing(void)
{
	end();
	assert_int_equal(nr, 0);
	done();
}

#endif /* SENTENCES_H */

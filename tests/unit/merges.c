// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes recordings of a host and of its guests for merge.t.  One µs is 2000 cycles.
 *
 *	VM	PID	vCPUs (threads)		TSC
 *	web1	4700	0 (4711), 1 (4712)	host's - 1,000,000,000
 *		4800	0 (4811)		host's - 30,000,000,000
 *		4900	0 (4911)		the same
 *
 * Each vCPU is in and out of guest mode by turns, for 10 to 30 and 3 to 7 µs; the last time
 * in guest mode lasts 4 s more.  A guest's events lie 100 ns within both ends of every
 * stretch of guest mode, and say at which time of the host that is.
 *
 * usage: merges FORMATS DIRECTORY
 */
#include <stdio.h>
#include <stdlib.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "merge/tsc.h"
#include "synth.h"

#define US		2000ULL
#define BEGIN		(100000000 * US)	/* the host has been up for 100 s */
#define TURNS		400
#define MARGIN		(US / 10)
#define CLASSES		(KVMSCHED_CLASS_EXIT | KVMSCHED_CLASS_SWITCH)
#define LAST		(4000000 * US)
#define AHEAD_AFTER	(TURNS / 4)	/* turns until a TSC is set ahead */

struct vcpu {
	u16 vm, id;
	s32 tgid, tid;
	u64 guest[TURNS][2];	/* begin and end of guest mode */
};

static struct vcpu vcpus[] = {
	{ .vm = 1, .id = 0, .tgid = 4700, .tid = 4711 },
	{ .vm = 1, .id = 1, .tgid = 4700, .tid = 4712 },
	{ .vm = 2, .id = 0, .tgid = 4800, .tid = 4811 },
	{ .vm = 3, .id = 0, .tgid = 4900, .tid = 4911 },
};

/* As KVM has it for a VM whose TSC is not scaled, and for one that runs 1.25 times as fast */
static const struct kvs_guest_tsc web = { -1000000000ULL, 1ULL << 32, 32 };
static const struct kvs_guest_tsc other = { -30000000000ULL, 1ULL << 32, 32 };
static const struct kvs_guest_tsc scaled = { -1000000000ULL, 5ULL << 46, 48 };
/* Which the first VM may have had before: 1 µs ahead of that, and 3 s behind */
static const struct kvs_guest_tsc web_ahead = { -1000000000ULL + US, 1ULL << 32, 32 };
/* Of a VM that was made 8 µs after the recording began */
static const struct kvs_guest_tsc born = { -(BEGIN + 8 * US), 1ULL << 32, 32 };
static const struct kvs_guest_tsc web_behind = { -7000000000ULL, 1ULL << 32, 32 };

static const char *formats, *folder;

static struct synth *begin(const char *name, unsigned int cpus)
{
	char *path = xasprintf("%s/%s", folder, name);
	struct synth *s = synth_new(path, cpus, formats);

	free(path);
	return s;
}

/* The same numbers on every machine */
static unsigned int draw(unsigned int from, unsigned int to)
{
	static u64 state = 42;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return from + (state >> 33) % (to - from + 1);
}

static void plan_vcpus(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(vcpus); i++) {
		u64 now = BEGIN + (10 + i) * US;

		for (unsigned int turn = 0; turn < TURNS; turn++) {
			now += draw(6000, 14000);
			vcpus[i].guest[turn][0] = now;
			now += draw(20000, 60000);
			if (turn == TURNS - 2)
				now += LAST;
			vcpus[i].guest[turn][1] = now;
		}
	}
}

static void identity(struct synth *s, unsigned int cpu, u64 ts, const struct vcpu *v,
		     const struct kvs_guest_tsc *tsc)
{
	struct ks_rec_vcpu rec = {
		.ent.pid = v->tid, .vm = v->vm, .vcpu = v->id, .tgid = v->tgid,
		.features = KS_FEATURE_SVM, .tsc_offset = tsc->offset,
		.tsc_ratio = tsc->ratio, .tsc_frac_bits = tsc->frac_bits, .prio = 120,
		.comm = "CPU/KVM",
	};

	SYNTH_ADD(s, cpu, ts, vcpu, &rec);
}

/*
 * Each exit is recorded as the vCPU enters the guest again.  After a turn it may get another
 * TSC, and the records of some turns before may be lost.
 */
static void run_vcpu(struct synth *s, unsigned int cpu, const struct vcpu *v,
		     const struct kvs_guest_tsc *next, unsigned int after, unsigned int lost)
{
	for (unsigned int turn = 0; turn + 1 < TURNS; turn++) {
		struct ks_rec_exit rec = {
			.ent.pid = v->tid, .vm = v->vm, .vcpu = v->id, .reason = 0x72,
			.flags = KS_EXIT_BY_ENTRY,
			.guest_cycles = v->guest[turn][1] - v->guest[turn][0],
			.host_cycles = v->guest[turn + 1][0] - v->guest[turn][1],
		};

		/* No records of these entries: whether they told another TSC is not known. */
		if (next && lost && turn >= lost && turn < after) {
			synth_lost(s, cpu, 2);
			continue;
		}
		if (next && turn == after)
			identity(s, cpu, v->guest[turn + 1][0] - 1, v, next);
		SYNTH_ADD(s, cpu, v->guest[turn + 1][0], exit, &rec);
	}
}

static void session(struct synth *s, unsigned int cpu, u32 classes)
{
	struct ks_rec_session rec = {
		.ent.pid = 600, .op = KS_SESSION_START, .cpu = cpu, .classes = classes,
		.pages = 64, .tsc_khz = SYNTH_TSC_KHZ,
	};

	SYNTH_ADD(s, cpu, BEGIN, session, &rec);
}

/*
 * @before: the TSC of the first VM until a turn is over, if it has been another one; from turn
 * @lost on, unless it is 0, all records until then are missing
 */
static void host(const char *name, const struct kvs_guest_tsc *first, u32 classes,
		 const struct kvs_guest_tsc *before, unsigned int turn, unsigned int lost)
{
	static int32_t tids[] = { 4711, 4712 };
	static char vm_name[] = "web1";
	static const struct kvs_yields_row yields[] = {
		{ .pid = 4700, .vms = 1, .attempted = 400, .successful = 12 },
	};
	struct synth *s = begin(name, ARRAY_SIZE(vcpus));

	synth_guest(s, vm_name, ARRAY_SIZE(tids), tids);
	synth_yields(s, yields, ARRAY_SIZE(yields));
	for (size_t i = 0; i < ARRAY_SIZE(vcpus); i++) {
		const struct vcpu *v = &vcpus[i];

		session(s, i, classes);
		identity(s, i, BEGIN + US, v, v->vm > 1 ? &other : before ? before : first);
		run_vcpu(s, i, v, before && v->vm == 1 ? first : NULL, turn, lost);
	}
	synth_finish(s);
}

static void event(struct synth *s, unsigned int cpu, u64 at, const struct kvs_guest_tsc *tsc,
		  s64 shift)
{
	char text[64];

	snprintf(text, sizeof(text), "host %llu.%09llu", (unsigned long long)(at / 2 / 1000000000),
		 (unsigned long long)(at / 2 % 1000000000));
	synth_print(s, cpu, kvs_guest_of_host(tsc, at + shift), 77, text);
}

static void guest_cpu(struct synth *s, unsigned int cpu, const struct vcpu *v,
		      const struct kvs_guest_tsc *tsc, s64 shift)
{
	for (unsigned int turn = 0; turn + 1 < TURNS; turn++) {
		event(s, cpu, v->guest[turn][0] + MARGIN, tsc, shift);
		event(s, cpu, v->guest[turn][1] - MARGIN, tsc, shift);
	}
}

/* The TSC is set ahead after some turns, and the guest knows. */
static void ahead_cpu(struct synth *s, unsigned int cpu, const struct vcpu *v,
		      const struct kvs_guest_tsc *before, const struct kvs_guest_tsc *next)
{
	for (unsigned int turn = 0; turn + 1 < TURNS; turn++) {
		const struct kvs_guest_tsc *tsc = turn <= AHEAD_AFTER ? before : next;

		event(s, cpu, v->guest[turn][0] + MARGIN, tsc, 0);
		event(s, cpu, v->guest[turn][1] - MARGIN, tsc, 0);
	}
}

/* A guest with one CPU, of the VM that has the thread 4811 */
static void one(const char *name, s64 shift)
{
	struct synth *s = begin(name, 1);

	guest_cpu(s, 0, &vcpus[2], &other, shift);
	synth_finish(s);
}

/* A guest with three CPUs: the first is vCPU 1, the second wrote nothing, the third vCPU 0. */
static void two(const char *name, const struct kvs_guest_tsc *tsc)
{
	struct synth *s = begin(name, 3);

	guest_cpu(s, 0, &vcpus[1], tsc, 0);
	guest_cpu(s, 2, &vcpus[0], tsc, 0);
	synth_finish(s);
}

static void ahead(const char *name, const struct kvs_guest_tsc *before,
		  const struct kvs_guest_tsc *next)
{
	struct synth *s = begin(name, 2);

	ahead_cpu(s, 0, &vcpus[0], before, next);
	ahead_cpu(s, 1, &vcpus[1], before, next);
	synth_finish(s);
}

/* A guest with two CPUs that were in guest mode whenever the thread 4811 was */
static void crowd(const char *name)
{
	struct synth *s = begin(name, 2);

	guest_cpu(s, 0, &vcpus[2], &other, 0);
	guest_cpu(s, 1, &vcpus[2], &other, 0);
	synth_finish(s);
}

/* One event, at which two vCPUs were in guest mode that have the same TSC */
static void tie(const char *name, const struct vcpu *a, const struct vcpu *b,
		const struct kvs_guest_tsc *tsc)
{
	struct synth *s = begin(name, 1);

	for (unsigned int i = 0; i < TURNS; i++) {
		for (unsigned int j = 0; j < TURNS; j++) {
			u64 at = a->guest[i][0] + MARGIN;

			if (at < b->guest[j][0] + MARGIN || at + MARGIN > b->guest[j][1])
				continue;
			event(s, 0, at, tsc, 0);
			synth_finish(s);
			return;
		}
	}
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: merges FORMATS DIRECTORY\n");
		return 2;
	}
	formats = argv[1];
	folder = argv[2];
	plan_vcpus();
	host("host.dat", &web, CLASSES, NULL, 0, 0);
	host("scaled-host.dat", &scaled, CLASSES, NULL, 0, 0);
	host("back-host.dat", &web, CLASSES, &web_ahead, TURNS / 2, 0);
	host("ahead-host.dat", &web, CLASSES, &web_behind, AHEAD_AFTER, 0);
	host("late-host.dat", &web, CLASSES, &web_behind, AHEAD_AFTER + 3, AHEAD_AFTER);
	host("sure-host.dat", &web, CLASSES, &web_behind, AHEAD_AFTER + 3, 0);
	host("born-host.dat", &born, CLASSES, NULL, 0, 0);
	host("rate-host.dat", &scaled, CLASSES, &web_behind, AHEAD_AFTER, 0);
	host("exits-host.dat", &web, KVMSCHED_CLASS_EXIT, NULL, 0, 0);
	one("one.dat", 0);
	one("later.dat", 2 * US);
	one("earlier.dat", -2 * (s64)US);
	one("boot.dat", -5000000 * (s64)US);
	two("two.dat", &web);
	two("born.dat", &born);
	two("scaled.dat", &scaled);
	ahead("ahead.dat", &web_behind, &web);
	ahead("rate.dat", &web_behind, &scaled);
	crowd("crowd.dat");
	tie("cpu-tie.dat", &vcpus[0], &vcpus[1], &web);
	tie("vm-tie.dat", &vcpus[2], &vcpus[3], &other);
	synth_finish(begin("nothing.dat", 1));
	return 0;
}

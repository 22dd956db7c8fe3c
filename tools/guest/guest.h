/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest's own trace tells of its tasks, beside what the host did with the vCPUs
 * meanwhile.
 *
 *	line.c		the host's side: each vCPU's time, divided into parts
 *	events.c	the guest's side: switches, wakeups, loads of CR3, lines of trace_marker
 *	tasks.c		both together: slices, waits and quanta of each task
 *	steal.c		what the vCPU waited, by how it came to wait
 *	cr3.c		which exits for writes of CR3 the guest's events explain
 *	runs.c		when each task really ran, and when it waited for either scheduler
 *	lanes.c		which tasks a picture shows, and these times of theirs
 *	text.c, json.c	the report
 */
#ifndef KVMSCHED_GUEST_GUEST_H
#define KVMSCHED_GUEST_GUEST_H

#include "base/table.h"
#include "merge/join.h"
#include "model/excerpt.h"
#include "model/spans.h"
#include "model/thieves.h"
#include "picture/lanes.h"

/* What a vCPU was in while its guest believed that a task ran, or waited */
enum kvs_guest_part {
	KVS_PART_GUEST,		/* guest mode */
	KVS_PART_HOST,		/* the host's work for it: exits, userspace, halt polling */
	KVS_PART_WAIT,		/* runnable, without a CPU */
	KVS_PART_ASLEEP,	/* in HLT, or blocked */
	KVS_PART_UNKNOWN,	/* not told by the host's recording */
	KVS_PARTS
};

/* Times in cycles of the host's TSC */
struct kvs_guest_span {
	/* With an excerpt: what ends in it; the longest and all sums are of cut pieces */
	u64 count, longest;
	u64 counted;		/* of @sum: those that are in @count */
	u64 sum;		/* as the guest believes: of @part */
	u64 part[KVS_PARTS];
};

struct kvs_moments {
	u64 *at;
	size_t nr, room;
};

/* How a vCPU's thread came to wait for a CPU */
enum kvs_guest_steal {
	KVS_STEAL_IN_RUN,	/* it was preempted within KVM_RUN */
	KVS_STEAL_OUTSIDE,	/* ... outside of it: in the VMM */
	KVS_STEAL_FALLING_ASLEEP, /* ... on its way to sleep, while it could still be woken */
	KVS_STEAL_WOKEN,	/* it was woken */
	KVS_STEAL_UNKNOWN,	/* it was preempted, and records that tell where are missing */
	KVS_STEALS
};

struct kvs_guest_stolen {
	u64 waits;		/* how many ended */
	u64 sum, by[KVS_STEALS];	/* cycles of the host's TSC */
	u64 throttled;		/* of @sum: it was not allowed to run, by a quota or the like */
};

/* The time of one vCPU, as the host recorded it */
struct kvs_guest_line {
	const struct kvs_host_vcpu *vcpu;	/* NULL: the guest's CPU has no events */
	struct kvs_stretches part[KVS_PART_UNKNOWN];
	u64 *before[KVS_PART_UNKNOWN];	/* lengths of the stretches before each, summed */
	/* Preemptions; exits that the guest caused, and those of them that wrote CR3 */
	struct kvs_moments cuts, exits, cr3;
	/* Waits of its thread, the ends of these, and when it was throttled meanwhile */
	struct kvs_stretches stolen[KVS_STEALS], throttled;
	struct kvs_moments waits;
	/* While it is read: the last slice, and whether that ended within KVM_RUN */
	u64 slice_end;
	bool in_run;
};

/* A second reading of the host's recording, for the lines of several guests; false: message */
struct kvs_guest;
bool kvs_lines_read(struct kvs_guest *guests, size_t nr, const char *path);
void kvs_line_settle(struct kvs_guest_line *line);
void kvs_line_free(struct kvs_guest_line *line);
/* What line.c has to tell steal.c: a span of the line's vCPU; all are there; no more need */
void kvs_steal_take(struct kvs_guest_line *line, const struct kvs_span *span,
		    const struct kvs_model *m);
void kvs_steal_settle(struct kvs_guest_line *line);
void kvs_steal_free(struct kvs_guest_line *line);
/* Adds the time from @begin to @end to @span, as one more. */
void kvs_line_add(const struct kvs_guest_line *line, u64 begin, u64 end,
		  struct kvs_guest_span *span);
/* How many there are from @begin on, and before @end */
u64 kvs_moments_between(const struct kvs_moments *m, u64 begin, u64 end);
void kvs_moments_add(struct kvs_moments *m, u64 at);
void kvs_moments_sort(struct kvs_moments *m);

struct kvs_guest_task {
	s32 pid;
	s32 cpu;		/* of an idle task; -1: it is none */
	char comm[KVS_COMM_LEN];
	u64 comm_at;
	bool seen;		/* a switch or a wakeup told @prio */
	s16 prio;		/* the kernel's: below 100 real-time */
	s32 policy;		/* by trace_marker; -1: not told */
	s32 rt_priority, nice;	/* ... with it */

	struct kvs_guest_span slices, waits;
	u64 cut_slices, cuts;	/* by preemptions of the vCPU, and how many of these */
	u64 woken;		/* of the waits: the others began with a preemption */
	struct kvs_guest_span quanta;	/* whole ones, from turn to turn */
	u64 shortest_quantum;

	/* The guest's own count at the first and the last line of trace_marker */
	struct {
		u64 nr, first_ns, last_ns;
		struct kvs_guest_span first, last;	/* slices until then */
	} mark;

	/* While events are read */
	bool on_cpu, waiting, was_woken;
	u64 wait_since;
	struct kvs_guest_span quantum;	/* so far; its count: slices */
	bool quantum_whole;
};

struct kvs_guest_event {
	u64 at;			/* of the host's TSC */
	u64 order;		/* among those of the same time */
	u32 task, next;		/* indexes of tasks; @next of a switch alone */
	s16 prio, next_prio;
	u16 cpu;
	enum { KVS_GUEST_SWITCH, KVS_GUEST_WAKING, KVS_GUEST_MARK, KVS_GUEST_TOLD_LATE,
	       KVS_GUEST_LOAD, KVS_GUEST_LOSS } kind;
	bool runnable;		/* a switch: @task still is */
	bool flush;		/* a load of CR3: to flush the TLB, and not for a switch */
	/* A line of trace_marker: what @task has run, or how late its writer's sleep ended */
	u64 ran_ns;
};

/* A CPU of the guest */
struct kvs_guest_cpu {
	u64 switches;		/* but those from or to idle are in it, too */
	u64 switched_exits;	/* of them, led to an exit: a write of CR3 came first */
	u64 cr3;		/* such exits, between the first and the last event */
	u64 cr3_switches;	/* of them, each paired with a load of CR3 for a switch */
	u64 cr3_flushes;	/* ... or for a flush of all of the TLB */
	u64 lost;		/* places where the guest lost events */
	u64 first, last;	/* times of its first and last event */
	s64 current;		/* task; -1: not known */
	u64 since;
};

struct kvs_guest {
	struct kvs_joined joined;
	struct kvs_guest_line *lines;	/* by CPU of the guest */
	struct kvs_guest_cpu *cpus;
	struct kvs_guest_event *events;
	size_t nr_events, room;
	struct kvs_guest_task *tasks;
	size_t nr_tasks;
	struct kvs_table by_pid;	/* to their indexes, plus 1 */
	bool throttling;	/* the host recorded what tells it: class steal */
	bool wakings;		/* wakeups were recorded */
	bool flushes;		/* tlb_flush was: it tells loads of CR3 */
	struct kvs_excerpt excerpt;	/* of the host's TSC: the only time that is counted */
	const struct kvs_select *select;	/* ... and the only CPUs */
	u64 rr_ms;		/* a quantum of SCHED_RR, as told; 0: not told */
	u64 hz;			/* its kernel's ticks a second, likewise */
	bool steal_left_out;	/* its kernel's counts leave stolen time out; told with @hz */
};

struct kvs_guest_set {
	const char *host_path;
	struct kvs_told told;
	struct kvs_select select;	/* guests of other VMs are left out */
	struct kvs_excerpt excerpt;
	u64 from_ns, to_ns;	/* ... since the host's recording began; @to_ns 0: until its end */
	struct kvs_guest *guests;
	size_t nr;
	struct kvs_host_side host;
};

/* False after a message.  The paths and VMs of the guests are set, and what is selected. */
bool kvs_guest_set_read(struct kvs_guest_set *g);
void kvs_guest_set_free(struct kvs_guest_set *g);

/* Takes the events out of the guest's file: @g->events, in order, and @g->tasks; or a message */
bool kvs_guest_events(struct kvs_guest *g);
/* What trace_marker says, if that is for us */
void kvs_guest_marker(struct kvs_guest *g, struct kvs_guest_event *event, const char *text);
/* The task of a PID; @cpu tells idle tasks apart. */
u32 kvs_guest_task(struct kvs_guest *g, s32 pid, unsigned int cpu);
void kvs_guest_add(struct kvs_guest *g, const struct kvs_guest_event *event);
/* Slices, waits and quanta in the excerpt, from events and lines */
void kvs_guest_account(struct kvs_guest *g);
/* Pairs exits for writes of CR3 in the excerpt with loads; before the CPUs' times are cut */
void kvs_guest_pair(struct kvs_guest *g);
/* Between the CPU's first and last event, in the excerpt; after kvs_guest_account() */
struct kvs_guest_stolen kvs_guest_stolen(const struct kvs_guest *g, unsigned int cpu);
const char *kvs_steal_name(enum kvs_guest_steal how);
/* Those that no load explains, or more than one may */
u64 kvs_guest_unpaired(const struct kvs_guest_cpu *cpu);
/* Is what happened on this CPU of the guest to be told? */
static inline bool kvs_guest_has_cpu(const struct kvs_guest *g, unsigned int cpu)
{
	return g->select->vcpu < 0 || kvs_joined_cpu_selected(&g->joined, cpu, g->select);
}

/* Is any of it in the excerpt? */
static inline bool kvs_guest_span_any(const struct kvs_guest_span *span)
{
	return span->count || span->sum;
}
/* What both schedulers together did with a task, or the guest's with a CPU, in one piece */
enum kvs_guest_what {
	KVS_GUEST_RAN,		/* the guest gave it the vCPU, and the host gave that a CPU */
	KVS_GUEST_WAITED,	/* runnable, and either of them did not */
	KVS_GUEST_LATE,		/* from when a sleep should have ended, by the task's own word */
	KVS_GUEST_IDLE,		/* the guest had nothing to run on a CPU; @task is its idle task */
};

struct kvs_guest_run {
	enum kvs_guest_what what;
	u32 task;
	s32 cpu;		/* of the guest: of a wait, where it ended; -1: it did not */
	u64 begin, end;		/* of the host's TSC */
	bool open;		/* it goes on when the guest's trace ends */
};

typedef void (*kvs_guest_run_fn)(void *ctx, const struct kvs_guest_run *run);

/* All of them; each task's come in order, but where it was late.  @ns: of cycles */
void kvs_guest_runs(const struct kvs_guest *g, const struct kvs_scale *ns, kvs_guest_run_fn take,
		    void *ctx);
/*
 * Gives lanes to tasks that ran or waited between two time stamps, to those that really ran
 * longest then first, and hands what these did to @take.
 */
void kvs_guest_lanes(const struct kvs_guest_set *set, u64 from, u64 to, struct kvs_lanes *lanes,
		     kvs_guest_lane_fn take, void *ctx);
/* The indexes of all tasks, those that ran longest first; the caller frees them. */
u32 *kvs_guest_order(const struct kvs_guest *g);
/* How long a quantum should be; 0: not told, or the task is none of SCHED_RR */
u64 kvs_guest_asked_ns(const struct kvs_guest *g, const struct kvs_guest_task *t);
/* The mean length of its quanta, divided by the length that was asked for.  It must have both. */
double kvs_guest_inflation(const struct kvs_guest *g, const struct kvs_guest_task *t,
			   const struct kvs_scale *ns);
/* Did the guest tell twice what the task had run, and it has run meanwhile? */
bool kvs_guest_counted(const struct kvs_guest_task *t);
/* "RR 10", or what the trace leaves open */
#define KVS_GUEST_POLICY_LEN	64
const char *kvs_guest_policy(char text[KVS_GUEST_POLICY_LEN], const struct kvs_guest_task *t);
const char *kvs_guest_part_name(enum kvs_guest_part part);

void kvs_guest_set_text(const struct kvs_guest_set *g);
bool kvs_guest_set_json(const struct kvs_guest_set *g);

#endif /* KVMSCHED_GUEST_GUEST_H */

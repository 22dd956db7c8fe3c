/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scheduling policies of threads and the knobs that go with them: read, set,
 * and put back.
 *
 *	policy.c	one thread: parse, read, set
 *	select.c	which threads
 *	guard.c	what would lock the host up; pure
 *	state.c	what was there before, kept in a file until it is back
 *	apply.c	a change as a whole: guard, write down, set
 *	knobs.c		the kernel's parameters by name
 */
#ifndef KVMSCHED_POLICY_H
#define KVMSCHED_POLICY_H

#include <jansson.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/vms.h"

/* --- policy.c --------------------------------------------------------- */

/* struct sched_attr of linux/sched/types.h, as far as it is needed here */
struct ks_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;	/* ns */
};

#define KS_MAX_CPUS	8192

struct ks_cpus {
	cpu_set_t set[KS_MAX_CPUS / CPU_SETSIZE];
};

/* What a thread is to get; only what was asked for is changed. */
struct ks_setting {
	bool has_policy, has_cpus;
	struct ks_attr attr;
	struct ks_cpus cpus;
};

/*
 * other[:NICE], batch[:NICE], idle, fifo:PRIO, rr:PRIO,
 * deadline:RUNTIME/DEADLINE[/PERIOD] with ns, us, ms or s.  False with a
 * sentence in @why.
 */
bool ks_policy_parse(const char *text, struct ks_attr *attr, const char **why);
/* The same backwards; static storage, overwritten by the next call. */
const char *ks_policy_text(const struct ks_attr *attr);
bool ks_policy_is_rt(int policy);	/* FIFO or RR */

bool ks_cpus_parse(const char *list, struct ks_cpus *cpus);
char *ks_cpus_text(const struct ks_cpus *cpus);
size_t ks_cpus_count(const struct ks_cpus *cpus);
bool ks_cpus_has(const struct ks_cpus *cpus, size_t cpu);
bool ks_cpus_online(struct ks_cpus *cpus);

/* A thread, told from a later one of the same number by its start. */
struct ks_thread {
	pid_t pid, tid;
	uint64_t starttime;	/* clock ticks since boot, /proc/TID/stat */
	char comm[32];
	char state;		/* R, S, D ... */
	int vcpu;		/* vcpu_id; -1: none */
	int vm_index;		/* of its VM, in its process */
};

/* False: there is no such thread (any more). */
bool ks_thread_look(pid_t tid, struct ks_thread *thread);
bool ks_thread_same(const struct ks_thread *thread);

/* -1 with errno set. */
int ks_thread_get(pid_t tid, struct ks_attr *attr, struct ks_cpus *cpus);
int ks_thread_set(pid_t tid, const struct ks_setting *setting);
/* What to do about errno of ks_thread_set(); NULL: nothing to add. */
const char *ks_thread_advice(int error, const struct ks_setting *setting);

/* Stay above threads of @priority, so that they can be ended. */
int ks_stay_above(unsigned int priority);

/* --- select.c -------------------------------------------------- */

struct ks_selection {
	long vm, vm_index, vcpu;	/* -1: any */
	bool all;			/* vCPUs of all VMs */
	pid_t *tids;			/* threads by number, beside these */
	size_t nr_tids;
};

struct ks_threads {
	struct ks_thread *threads;
	size_t nr;
};

bool ks_parse_vm(const char *arg, struct ks_selection *s);
/* False after a message: nothing fits, or a thread is gone. */
bool ks_select(const struct ks_selection *s, struct ks_threads *threads);
/* All vCPU threads, whatever is selected */
void ks_select_all(const struct ks_selection *s, struct ks_threads *threads);

/* --- knobs.c ---------------------------------------------------------- */

struct ks_knob {
	const char *name;
	const char *path;	/* a pattern, where each CPU has one */
	const char *what;
};

extern const struct ks_knob ks_knobs[];	/* ends with a NULL name */

const struct ks_knob *ks_knob_find(const char *name);
/* Its files, NULL at the end; ks_knob_files_free() */
char **ks_knob_files(const struct ks_knob *knob);
void ks_knob_files_free(char **files);
/* Of its first file; NULL: this kernel has no such knob.  Caller frees. */
char *ks_knob_get(const struct ks_knob *knob);
/* A file of one of the knobs? (of a state file, which might be anybody's) */
bool ks_knob_owns(const char *file);
/* False after a message. */
bool ks_knob_write(const char *file, const char *value);
/* All knobs that are there, as an object */
json_t *ks_knobs_json(void);

struct ks_knob_setting {
	const struct ks_knob *knob;
	char *value;
};

/* --- guard.c --------------------------------------------------- */

struct ks_hog {
	const struct ks_attr *attr;
	const struct ks_cpus *cpus;
};

/* Whether so many of the hogs can run at once that no CPU of @online is left. */
bool ks_guard_fills(const struct ks_hog *hogs, size_t nr,
		    const struct ks_cpus *online);

/* What keeps some time of each CPU for others than RT threads */
struct ks_throttling {
	bool known;
	bool active;
	const char *by;		/* "sched_rt_runtime_us", "the fair server" */
};

/* As it will be with @knobs set. */
struct ks_throttling ks_throttling(const struct ks_knob_setting *knobs, size_t nr);

/* --- state.c --------------------------------------------------- */

struct ks_undo;

/* @held: put back when the owner ends; else when somebody asks. */
struct ks_undo *ks_undo_create(bool held, const char *what);
/* Note what is there now, unless it is noted already. */
void ks_undo_add_thread(struct ks_undo *s, const struct ks_thread *thread);
void ks_undo_add_knob(struct ks_undo *s, const struct ks_knob *knob);
/* To disk, before anything is changed.  False after a message. */
bool ks_undo_write(struct ks_undo *s);
/* Put all back and remove the file.  False after messages. */
bool ks_undo_restore(struct ks_undo *s);
void ks_undo_free(struct ks_undo *s);

struct ks_leftover {
	char *path;
	json_t *json;
	bool held;
	bool owner_lives;
};

/* State files, the newest first; how many. */
size_t ks_leftovers(struct ks_leftover **leftovers);
void ks_leftovers_free(struct ks_leftover *leftovers, size_t nr);
bool ks_leftover_restore(const struct ks_leftover *leftover);
/*
 * What a killed kvmsched left: put back if a person at the terminal says so,
 * told otherwise.  False: it is still there.
 */
bool ks_leftovers_offer(void);

/* --- apply.c --------------------------------------------------- */

struct ks_change {
	const struct ks_threads *threads;
	const struct ks_setting *settings;	/* one each */
	const struct ks_knob_setting *knobs;
	size_t nr_knobs;
	bool force;
};

/* False after a message; then all that was changed is back. */
bool ks_change_apply(const struct ks_change *change, struct ks_undo *state);
/* The refusal alone. */
bool ks_change_allowed(const struct ks_change *change);

#endif /* KVMSCHED_POLICY_H */

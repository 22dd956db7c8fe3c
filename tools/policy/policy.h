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

#include "base/system.h"
#include "base/util.h"
#include "host/vms.h"

/* --- policy.c --------------------------------------------------------- */

#define KVS_MAX_CPUS	8192

struct kvs_cpus {
	cpu_set_t set[KVS_MAX_CPUS / CPU_SETSIZE];
};

/* What a thread is to get; only what was asked for is changed. */
struct kvs_setting {
	bool has_policy, has_cpus;
	struct kvs_attr attr;
	struct kvs_cpus cpus;
};

/*
 * other[:NICE], batch[:NICE], idle, fifo:PRIO, rr:PRIO,
 * deadline:RUNTIME/DEADLINE[/PERIOD] with ns, us, ms or s.  False with a
 * sentence in @why.
 */
bool kvs_policy_parse(const char *text, struct kvs_attr *attr, const char **why);
/* The same backwards; static storage, overwritten by the next call. */
const char *kvs_policy_text(const struct kvs_attr *attr);
bool kvs_policy_is_rt(int policy);	/* FIFO or RR */

bool kvs_cpus_parse(const char *list, struct kvs_cpus *cpus);
char *kvs_cpus_text(const struct kvs_cpus *cpus);
size_t kvs_cpus_count(const struct kvs_cpus *cpus);
bool kvs_cpus_has(const struct kvs_cpus *cpus, size_t cpu);
bool kvs_cpus_online(struct kvs_cpus *cpus);

/* A thread, told from a later one of the same number by its start. */
struct kvs_thread {
	pid_t pid, tid;
	uint64_t starttime;	/* clock ticks since boot, /proc/TID/stat */
	char comm[32];
	char state;		/* R, S, D ... */
	int vcpu;		/* vcpu_id; -1: none */
	int vm_index;		/* of its VM, in its process */
};

/* False: there is no such thread (any more). */
bool kvs_thread_look(pid_t tid, struct kvs_thread *thread);
bool kvs_thread_same(const struct kvs_thread *thread);

/* -1 with errno set. */
int kvs_thread_get(pid_t tid, struct kvs_attr *attr, struct kvs_cpus *cpus);
int kvs_thread_set(pid_t tid, const struct kvs_setting *setting);
/* What to do about errno of kvs_thread_set(); NULL: nothing to add. */
const char *kvs_thread_advice(int error, const struct kvs_setting *setting);

/* Stay above threads of @priority, so that they can be ended. */
int kvs_stay_above(unsigned int priority);

/* --- select.c -------------------------------------------------- */

struct kvs_selection {
	struct kvs_vm_id vm;
	long vcpu;			/* -1: any */
	bool all;			/* vCPUs of all VMs */
	pid_t *tids;			/* threads by number, beside these */
	size_t nr_tids;
};

struct kvs_threads {
	struct kvs_thread *threads;
	size_t nr;
};

#define KVS_SELECT_ANY	{ .vm = KVS_ANY_VM, .vcpu = -1 }

/* False after a message: nothing fits, or a thread is gone. */
bool kvs_select(const struct kvs_selection *s, struct kvs_threads *threads);
/* All vCPU threads, whatever is selected */
void kvs_select_all(const struct kvs_selection *s, struct kvs_threads *threads);

/* --- knobs.c ---------------------------------------------------------- */

struct kvs_knob {
	const char *name;
	const char *path;	/* a pattern, where each CPU has one */
	const char *what;
};

extern const struct kvs_knob kvs_knobs[];	/* ends with a NULL name */

const struct kvs_knob *kvs_knob_find(const char *name);
/* Its files, NULL at the end; kvs_knob_files_free() */
char **kvs_knob_files(const struct kvs_knob *knob);
void kvs_knob_files_free(char **files);
/* Of its first file; NULL: this kernel has no such knob.  Caller frees. */
char *kvs_knob_get(const struct kvs_knob *knob);
/* A file of one of the knobs? (of a state file, which might be anybody's) */
bool kvs_knob_owns(const char *file);
/* False after a message. */
bool kvs_knob_write(const char *file, const char *value);
/* All knobs that are there, as an object */
json_t *kvs_knobs_json(void);

struct kvs_knob_setting {
	const struct kvs_knob *knob;
	char *value;
};

struct kvs_knob_list {
	struct kvs_knob_setting *knobs;
	size_t nr;
};

/* NULL, or what is wrong: a sentence on the heap. */
char *kvs_knob_list_add(struct kvs_knob_list *list, const char *name, const char *value);
/* "NAME=VALUE" to a struct kvs_knob_list, as kvs_value_take() takes values. */
char *kvs_knob_take(void *list, const char *text);
void kvs_knob_list_free(struct kvs_knob_list *list);

/* --- guard.c --------------------------------------------------- */

struct kvs_hog {
	const struct kvs_attr *attr;
	const struct kvs_cpus *cpus;
};

/* Whether so many of the hogs can run at once that no CPU of @online is left. */
bool kvs_guard_fills(const struct kvs_hog *hogs, size_t nr,
		     const struct kvs_cpus *online);

/* What keeps some time of each CPU for others than RT threads */
struct kvs_throttling {
	bool known;
	bool active;
	const char *by;		/* "sched_rt_runtime_us", "the fair server" */
};

/* As it will be with @knobs set. */
struct kvs_throttling kvs_throttling(const struct kvs_knob_setting *knobs, size_t nr);

/* --- state.c --------------------------------------------------- */

struct kvs_undo;

/* @held: put back when the owner ends; else when somebody asks. */
struct kvs_undo *kvs_undo_create(bool held, const char *what);
/* Note what is there now, unless it is noted already. */
void kvs_undo_add_thread(struct kvs_undo *s, const struct kvs_thread *thread);
void kvs_undo_add_knob(struct kvs_undo *s, const struct kvs_knob *knob);
/* To disk, before anything is changed.  False after a message. */
bool kvs_undo_write(struct kvs_undo *s);
/* Put all back and remove the file.  False after messages. */
bool kvs_undo_restore(struct kvs_undo *s);
void kvs_undo_free(struct kvs_undo *s);

struct kvs_leftover {
	char *path;
	json_t *json;
	bool held;
	bool owner_lives;
};

/* State files, the newest first; how many. */
size_t kvs_leftovers(struct kvs_leftover **leftovers);
void kvs_leftovers_free(struct kvs_leftover *leftovers, size_t nr);
bool kvs_leftover_restore(const struct kvs_leftover *leftover);
/*
 * What a killed kvmsched left: put back if a person at the terminal says so,
 * told otherwise.  False: it is still there.
 */
bool kvs_leftovers_offer(void);

/* --- apply.c --------------------------------------------------- */

struct kvs_change {
	const struct kvs_threads *threads;
	const struct kvs_setting *settings;	/* one each */
	const struct kvs_knob_setting *knobs;
	size_t nr_knobs;
	bool force;
};

/* False after a message; then all that was changed is back. */
bool kvs_change_apply(const struct kvs_change *change, struct kvs_undo *state);
/* The refusal alone. */
bool kvs_change_allowed(const struct kvs_change *change);

#endif /* KVMSCHED_POLICY_H */

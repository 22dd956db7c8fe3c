/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scheduling policies of threads, and the kernel's settings ("knobs") that go
 * with them: reading, setting, and restoring what was there before.
 *
 *	policy.c	policy and affinity of one thread
 *	select.c	which threads are meant
 *	knobs.c		the kernel's settings by name
 *	guard.c		refuses what would lock the host up; touches nothing itself
 *	state.c		files that keep the state of before until it is restored
 *	apply.c		a change as a whole: guard it, save the state, set it
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
#include "base/vm.h"
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
 * other[:NICE], batch[:NICE], idle, ext[:NICE], fifo:PRIO, rr:PRIO,
 * deadline:RUNTIME/DEADLINE[/PERIOD] with ns, us, ms or s.  False with a
 * sentence in @why.
 */
bool kvs_policy_parse(const char *text, struct kvs_attr *attr, const char **why);
/* Text that kvs_policy_parse() takes; static, overwritten by the next call */
const char *kvs_policy_text(const struct kvs_attr *attr);
bool kvs_policy_is_rt(int policy);	/* FIFO or RR */

bool kvs_cpus_parse(const char *list, struct kvs_cpus *cpus);
char *kvs_cpus_text(const struct kvs_cpus *cpus);
size_t kvs_cpus_count(const struct kvs_cpus *cpus);
bool kvs_cpus_has(const struct kvs_cpus *cpus, size_t cpu);
bool kvs_cpus_online(struct kvs_cpus *cpus);

/* A thread; the start time detects reuse of the TID. */
struct kvs_thread {
	pid_t pid, tid;
	uint64_t starttime;	/* clock ticks since boot, /proc/TID/stat */
	char comm[32];
	char state;		/* R, S, D ... */
	int vcpu;		/* vcpu_id; -1: no vCPU, or not known */
	int vm_index;		/* its VM, among those of its process */
};

/* Reads /proc.  False: there is no such thread (any more). */
bool kvs_thread_look(pid_t tid, struct kvs_thread *thread);
/* Is the TID still that thread's, and does it live? */
bool kvs_thread_same(const struct kvs_thread *thread);

/* Each returns 0, or -1 with errno set. */
int kvs_thread_get(pid_t tid, struct kvs_attr *attr, struct kvs_cpus *cpus);
int kvs_thread_set(pid_t tid, const struct kvs_setting *setting);
/* What the user can do about errno @error of kvs_thread_set(); NULL: unknown */
const char *kvs_thread_advice(int error, const struct kvs_setting *setting);

/* Makes this thread preempt RT threads of @priority, so that it can end them. */
int kvs_stay_above(unsigned int priority);

/* --- select.c -------------------------------------------------- */

struct kvs_selection {
	struct kvs_vm_id vm;
	long vcpu;			/* -1: any */
	bool all;			/* vCPUs of all VMs */
	pid_t *tids;			/* threads by number, too */
	size_t nr_tids;
};

struct kvs_threads {
	struct kvs_thread *threads;
	size_t nr;
};

#define KVS_SELECT_ANY	{ .vm = KVS_ANY_VM, .vcpu = -1 }

/* Threads that fit @s.  False after a message: none fits, or a TID is gone. */
bool kvs_select(const struct kvs_selection *s, struct kvs_threads *threads);
/* vCPU threads alone that fit; none may fit */
void kvs_select_all(const struct kvs_selection *s, struct kvs_threads *threads);

/* --- knobs.c ---------------------------------------------------------- */

struct kvs_knob {
	const char *name;
	const char *path;	/* a pattern, where each CPU has one */
	const char *what;
};

extern const struct kvs_knob kvs_knobs[];	/* ends with a NULL name */

const struct kvs_knob *kvs_knob_find(const char *name);
/* Its files, with a NULL at the end, to be freed by kvs_knob_files_free() */
char **kvs_knob_files(const struct kvs_knob *knob);
void kvs_knob_files_free(char **files);
/* The value in its first file; NULL: this kernel has no such knob.  Caller frees. */
char *kvs_knob_get(const struct kvs_knob *knob);
/* Is it a file of some knob?  A state file could name any file. */
bool kvs_knob_owns(const char *file);
/* False after a message. */
bool kvs_knob_write(const char *file, const char *value);
/* All knobs that this kernel has, by name, as a JSON object */
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

/* A thread that could keep a CPU to itself */
struct kvs_hog {
	const struct kvs_attr *attr;
	const struct kvs_cpus *cpus;
};

/* Can the RT and deadline threads among @hogs run on all CPUs of @online at once? */
bool kvs_guard_fills(const struct kvs_hog *hogs, size_t nr,
		     const struct kvs_cpus *online);

/* What keeps some time of each CPU for threads that are not RT */
struct kvs_throttling {
	bool known;
	bool active;
	const char *by;		/* "sched_rt_runtime_us", "the fair server" */
};

/* As it will be when @knobs are set */
struct kvs_throttling kvs_throttling(const struct kvs_knob_setting *knobs, size_t nr);

/* --- state.c --------------------------------------------------- */

struct kvs_undo;

/*
 * @held: this process restores the state when it ends.  Otherwise the state
 * stays until the user asks for it.  @what: the command line, for messages.
 */
struct kvs_undo *kvs_undo_create(bool held, const char *what);
/* Adds the present state, unless it has been added already. */
void kvs_undo_add_thread(struct kvs_undo *s, const struct kvs_thread *thread);
void kvs_undo_add_knob(struct kvs_undo *s, const struct kvs_knob *knob);
/*
 * Writes the file, before anything is changed.  False after a message, also if the state
 * of a thread or knob could not be added, or another run is still to put it back.
 */
bool kvs_undo_write(struct kvs_undo *s);
/* Restores the state and removes the file.  False after messages. */
bool kvs_undo_restore(struct kvs_undo *s);
void kvs_undo_free(struct kvs_undo *s);

/* A state file, of this or another run */
struct kvs_leftover {
	char *path;
	json_t *json;
	bool held;
	bool owner_lives;
};

/* All state files, the newest first; returns how many. */
size_t kvs_leftovers(struct kvs_leftover **leftovers);
void kvs_leftovers_free(struct kvs_leftover *leftovers, size_t nr);
/* Whether another of the @nr @all, whose run lives, is still to put back some of it */
bool kvs_leftover_is_held(const struct kvs_leftover *leftover,
			  const struct kvs_leftover *all, size_t nr);
bool kvs_leftover_restore(const struct kvs_leftover *leftover);
/*
 * Restores what killed runs of kvmsched left, if the user at the terminal says
 * so; without a terminal it only warns.  False: some of it is left.
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

/* Guards, saves and sets.  False after a message, with all restored. */
bool kvs_change_apply(const struct kvs_change *change, struct kvs_undo *state);
/* The guard alone.  False after a message. */
bool kvs_change_allowed(const struct kvs_change *change);

#endif /* KVMSCHED_POLICY_H */

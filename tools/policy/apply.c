// SPDX-License-Identifier: GPL-2.0-only
/*
 * A change as a whole: refused, or written down and then made.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "host/bpf-sched.h"
#include "policy/policy.h"

/*
 * Policies and CPUs of all threads as they will be after the change: of those
 * that it changes, and of the vCPU threads that it leaves alone.
 */
struct future {
	struct kvs_attr *attrs;
	struct kvs_cpus *cpus;
	struct kvs_hog *hogs;
	size_t nr;
};

static void add_future(struct future *f, pid_t tid, const struct kvs_setting *s)
{
	struct kvs_attr *attr = &f->attrs[f->nr];
	struct kvs_cpus *cpus = &f->cpus[f->nr];

	if (kvs_thread_get(tid, attr, cpus))
		return;
	if (s && s->has_policy)
		*attr = s->attr;
	if (s && s->has_cpus)
		*cpus = s->cpus;
	f->hogs[f->nr] = (struct kvs_hog){ attr, cpus };
	f->nr++;
}

static bool is_changed(const struct kvs_change *c, pid_t tid)
{
	for (size_t i = 0; i < c->threads->nr; i++)
		if (c->threads->threads[i].tid == tid)
			return true;
	return false;
}

static bool would_fill(const struct kvs_change *c)
{
	const struct kvs_selection any = KVS_SELECT_ANY;
	struct kvs_threads all;
	struct kvs_cpus online;
	struct future f = { 0 };
	bool fills;
	size_t n;

	kvs_select_all(&any, &all);
	n = all.nr + c->threads->nr;
	f.attrs = xcalloc(n, sizeof(*f.attrs));
	f.cpus = xcalloc(n, sizeof(*f.cpus));
	f.hogs = xcalloc(n, sizeof(*f.hogs));
	for (size_t i = 0; i < c->threads->nr; i++)
		add_future(&f, c->threads->threads[i].tid, &c->settings[i]);
	for (size_t i = 0; i < all.nr; i++)
		if (!is_changed(c, all.threads[i].tid))
			add_future(&f, all.threads[i].tid, NULL);
	fills = kvs_cpus_online(&online) && kvs_guard_fills(f.hogs, f.nr, &online);
	free(f.hogs);
	free(f.cpus);
	free(f.attrs);
	free(all.threads);
	return fills;
}

/* No thread can preempt one of the highest RT priority, not even to end it. */
static bool uses_top_priority(const struct kvs_change *c)
{
	for (size_t i = 0; i < c->threads->nr; i++)
		if (c->settings[i].has_policy &&
		    kvs_policy_is_rt(c->settings[i].attr.policy) &&
		    c->settings[i].attr.priority == 99)
			return true;
	return false;
}

bool kvs_change_allowed(const struct kvs_change *c)
{
	struct kvs_throttling t = kvs_throttling(c->knobs, c->nr_knobs);

	if (c->force)
		return true;
	if (uses_top_priority(c)) {
		kvs_err("priority 99 leaves none above it to end such a thread: not for kvmsched, nor for the kernel's own threads");
		kvs_hint("use 98 or less, or --force");
		return false;
	}
	/* An unreadable setting is assumed to have its default, which throttles. */
	if (!t.known || t.active || !would_fill(c))
		return true;
	kvs_err("these threads could take every CPU, and nothing throttles them (%s)", t.by);
	kvs_hint("leave a CPU to the host (--cpus), set %s, or --force if something of a higher priority can end it",
		 t.by);
	return false;
}

static bool save_old_state(const struct kvs_change *c, struct kvs_undo *state)
{
	for (size_t i = 0; i < c->nr_knobs; i++)
		kvs_undo_add_knob(state, c->knobs[i].knob);
	for (size_t i = 0; i < c->threads->nr; i++)
		kvs_undo_add_thread(state, &c->threads->threads[i]);
	return kvs_undo_write(state);
}

static bool set_knob(const struct kvs_knob_setting *k)
{
	char **files = kvs_knob_files(k->knob);
	bool ok = files[0];

	if (!ok) {
		kvs_err("this kernel has no %s (%s)", k->knob->name, k->knob->path);
		kvs_hint("`kvmsched policy show` lists what it has; debugfs must be mounted for some");
	}
	for (char **file = files; ok && *file; file++)
		ok = kvs_knob_write(*file, k->value);
	kvs_knob_files_free(files);
	return ok;
}

static bool set_thread(const struct kvs_thread *t, const struct kvs_setting *s)
{
	const char *advice;
	int error;

	if (!s->has_policy && !s->has_cpus)
		return true;
	if (!kvs_thread_same(t)) {
		kvs_err("thread %d (%s) ended meanwhile", t->tid, t->comm);
		return false;
	}
	if (!kvs_thread_set(t->tid, s))
		return true;
	error = errno;
	kvs_errno("can't change thread %d (%s)", t->tid, t->comm);
	advice = kvs_thread_advice(error, s);
	if (advice)
		kvs_hint("%s", advice);
	return false;
}

/* The kernel takes the policy, and it means something only once such a scheduler is there. */
static void tell_without_bpf(const struct kvs_change *c)
{
	struct kvs_bpf_sched scheduler;
	bool ext = false;

	for (size_t i = 0; i < c->threads->nr; i++)
		ext |= c->settings[i].has_policy && c->settings[i].attr.policy == SCHED_EXT;
	if (ext && kvs_bpf_sched_read(KVS_SCHED_EXT, &scheduler) && !scheduler.loaded)
		kvs_warn("no BPF scheduler is loaded: until one is, SCHED_EXT is the same as SCHED_OTHER");
}

bool kvs_change_apply(const struct kvs_change *c, struct kvs_undo *state)
{
	bool ok = true;

	if (!kvs_change_allowed(c) || !save_old_state(c, state))
		return false;
	for (size_t i = 0; ok && i < c->nr_knobs; i++)
		ok = set_knob(&c->knobs[i]);
	for (size_t i = 0; ok && i < c->threads->nr; i++)
		ok = set_thread(&c->threads->threads[i], &c->settings[i]);
	if (ok)
		tell_without_bpf(c);
	else
		kvs_undo_restore(state);
	return ok;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tasks within the guests got in a round, by the guests' own traces: when both
 * schedulers let them run, how long they waited for either, and how late their sleeps ended.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "compare/compare.h"
#include "guest/guest.h"

struct collecting {
	const struct kvs_guest *g;
	const struct kvs_survey *survey;
	const struct kvs_scale *ns;
	const char *name;		/* of the tasks that count */
	struct kvs_unit *unit;
	bool *ran, *waited;		/* by task: within the window */
};

static const enum kvs_metric metric_of[] = {
	[KVS_GUEST_RAN] = KVS_M_TASK_SLICE, [KVS_GUEST_WAITED] = KVS_M_TASK_WAIT,
	[KVS_GUEST_LATE] = KVS_M_TASK_LATENESS,
};

/*
 * Whoever says how late it was is one that sleeps.  As for vCPUs: what ends in the window has
 * its own length, and what goes on at its end lasted at least until then.
 */
static void take_run(void *ctx, const struct kvs_guest_run *run)
{
	struct collecting *c = ctx;
	const struct kvs_guest_task *t = &c->g->tasks[run->task];
	bool goes_on = run->open || run->end >= c->survey->end;
	u64 end = run->end < c->survey->end ? run->end : c->survey->end;

	if (run->what == KVS_GUEST_IDLE)
		return;
	if (run->what != KVS_GUEST_LATE && strcmp(t->comm, c->name))
		return;
	if (run->begin >= end || end <= c->survey->begin)
		return;
	c->ran[run->task] |= run->what == KVS_GUEST_RAN;
	c->waited[run->task] |= run->what == KVS_GUEST_WAITED;
	kvs_values_add(&c->unit->values[metric_of[run->what]],
		       kvs_scale(c->ns, end - run->begin), goes_on);
}

static void collect_guest(struct collecting *c, struct kvs_never_ran *never)
{
	size_t nr = c->g->nr_tasks;
	unsigned int tasks = 0;

	c->ran = xcalloc(nr + 1, sizeof(*c->ran));
	c->waited = xcalloc(nr + 1, sizeof(*c->waited));
	kvs_guest_runs(c->g, c->ns, take_run, c);
	for (size_t i = 0; i < nr; i++)
		tasks += c->waited[i] && !c->ran[i];
	never->tasks += tasks;
	free(c->ran);
	free(c->waited);
}

bool kvs_collect_guests(const char *host, char *const *files, size_t nr, const char *name,
			const struct kvs_select *select, const struct kvs_survey *survey,
			struct kvs_unit *unit, struct kvs_never_ran *never)
{
	struct kvs_guest_set set = {
		.host_path = host, .guests = xcalloc(nr, sizeof(*set.guests)), .nr = nr,
		.select = *select,
	};
	unsigned int before = never->tasks;
	bool ok;

	for (size_t i = 0; i < nr; i++) {
		set.guests[i].joined.vm = (struct kvs_vm_id)KVS_ANY_VM;
		set.guests[i].joined.side.path = files[i];
	}
	ok = kvs_guest_set_read(&set);
	for (size_t i = 0; ok && i < set.nr; i++) {
		struct collecting c = {
			.g = &set.guests[i], .survey = survey, .ns = &set.host.ns, .name = name,
			.unit = unit,
		};

		collect_guest(&c, never);
	}
	never->rounds += never->tasks > before;
	kvs_guest_set_free(&set);
	return ok;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The workload's vCPU threads, and what the kernel itself counts for them,
 * recorded or not.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/system.h"
#include "base/util.h"
#include "experiment/experiment.h"

static bool read_schedstat(pid_t tid, struct kvs_exp_counts *c)
{
	char *path = xasprintf("/proc/%d/schedstat", tid), *text = kvs_read_line(path);
	bool ok;

	ok = text && sscanf(text, "%" SCNu64 " %" SCNu64, &c->run_ns, &c->wait_ns) == 2;
	free(text);
	free(path);
	return ok;
}

bool kvs_exp_counts_read(pid_t tid, struct kvs_exp_counts *c)
{
	long voluntary = kvs_thread_number(tid, "voluntary_ctxt_switches");
	long others = kvs_thread_number(tid, "nonvoluntary_ctxt_switches");

	*c = (struct kvs_exp_counts){ 0 };
	if (voluntary < 0 || others < 0)
		return false;
	c->nvcsw = voluntary;
	c->nivcsw = others;
	return read_schedstat(tid, c);
}

static bool is_descendant(pid_t pid, pid_t root)
{
	while (pid > 1 && pid != root)
		pid = kvs_thread_number(pid, "PPid");
	return pid == root;
}

void kvs_exp_threads(const struct kvs_experiment *e, pid_t root, struct kvs_threads *threads)
{
	size_t kept = 0;

	kvs_select_all(&e->select, threads);
	if (!root)
		return;
	for (size_t i = 0; i < threads->nr; i++)
		if (is_descendant(threads->threads[i].pid, root))
			threads->threads[kept++] = threads->threads[i];
	threads->nr = kept;
}

/* A setting for one vCPU prevails over the arm's setting for all. */
struct kvs_setting *kvs_exp_settings(const struct kvs_exp_arm *arm,
				     const struct kvs_threads *threads)
{
	struct kvs_setting *settings = xcalloc(threads->nr, sizeof(*settings));

	for (size_t i = 0; i < threads->nr; i++) {
		const struct kvs_exp_setting *best = NULL;

		for (size_t k = 0; k < arm->nr; k++)
			if (arm->settings[k].vcpu == threads->threads[i].vcpu ||
			    (arm->settings[k].vcpu < 0 && !best))
				best = &arm->settings[k];
		if (best)
			settings[i] = best->setting;
	}
	return settings;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * An experiment while it runs: time, signals, and what the user sees.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/system.h"
#include "experiment/progress.h"

bool kvs_exp_sleep(struct kvs_exp_run *run, double seconds)
{
	double end = kvs_now() + seconds;

	while (!run->signal) {
		double left = end - kvs_now();
		struct timespec ts;
		int sig;

		if (left <= 0)
			return false;
		ts.tv_sec = left;
		ts.tv_nsec = fmin((left - ts.tv_sec) * 1e9, 999999999);
		sig = sigtimedwait(&run->signals, NULL, &ts);
		if (sig > 0)
			run->signal = sig;
	}
	return true;
}

/* Seconds: the rounds so far tell how long one takes, the plan before the first */
static double time_left(const struct kvs_exp_run *run)
{
	const struct kvs_experiment *e = run->e;
	double each = e->warmup + e->phase / 2 + e->length + (e->workload ? 1 : 0);
	double spent = kvs_now() - run->begin, left;

	if (run->at)
		each = spent / (run->at + 0.5);
	left = each * (run->nr_rounds - run->at - 0.5);
	return left > 0 ? left : 0;
}

void kvs_exp_progress(struct kvs_exp_run *run, const char *doing)
{
	const struct kvs_exp_arm *arm = &run->e->arms[run->plan[run->at].arm];
	long left = lround(time_left(run));
	char *name;

	if (run->e->quiet || (!run->terminal && strcmp(doing, "is recorded")))
		return;
	name = kvs_bytes_shown(arm->name);
	fprintf(stderr, "%skvmsched: round %zu of %zu: %s %s; about %ld:%02ld left%s",
		run->terminal ? "\r\033[K" : "", run->at + 1, run->nr_rounds, name,
		doing, left / 60, left % 60, run->terminal ? "" : "\n");
	fflush(stderr);
	free(name);
}

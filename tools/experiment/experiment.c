// SPDX-License-Identifier: GPL-2.0-only
/*
 * An experiment as a whole.
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "compare/compare.h"
#include "experiment/experiment.h"
#include "host/device.h"

void kvs_experiment_init(struct kvs_experiment *e)
{
	*e = (struct kvs_experiment){
		.select = KVS_SELECT_ANY,
		.rounds = 8, .seed = 1, .warmup = 0.5, .phase = 0.1, .length = 2,
		.unrecorded = 1,
	};
}

static void arm_free(struct kvs_exp_arm *arm)
{
	for (size_t i = 0; i < arm->nr; i++) {
		free(arm->settings[i].policy);
		free(arm->settings[i].cpus);
	}
	free(arm->settings);
	kvs_knob_list_free(&arm->knobs);
	free(arm->control_of);
	free(arm->name);
}

void kvs_experiment_free(struct kvs_experiment *e)
{
	for (size_t i = 0; i < e->nr_arms; i++)
		arm_free(&e->arms[i]);
	free(e->arms);
	kvs_knob_list_free(&e->knobs);
	for (char **word = e->workload; word && *word; word++)
		free(*word);
	free(e->workload);
	free(e->title);
	free(e->events);
	free(e->control);
	free(e->folder);
}

/* --- parts of an experiment ------------------------------------------- */

static struct kvs_exp_arm *arm_find(const struct kvs_experiment *e, const char *name)
{
	for (size_t i = 0; i < e->nr_arms; i++)
		if (!strcmp(e->arms[i].name, name))
			return &e->arms[i];
	return NULL;
}

char *kvs_exp_arm_add(struct kvs_experiment *e, const char *name, struct kvs_exp_arm **arm)
{
	if (arm_find(e, name))
		return xasprintf("there is an arm '%s' already", name);
	e->arms = xrealloc(e->arms, (e->nr_arms + 1) * sizeof(*e->arms));
	*arm = &e->arms[e->nr_arms++];
	**arm = (struct kvs_exp_arm){ .name = xstrdup(name) };
	return NULL;
}

char *kvs_exp_setting_add(struct kvs_exp_arm *arm, long vcpu, const char *policy,
			  const char *cpus)
{
	struct kvs_exp_setting s = { .vcpu = vcpu };
	const char *why;

	if (policy && !kvs_policy_parse(policy, &s.setting.attr, &why))
		return xasprintf("'%s': %s", policy, why);
	if (cpus && !kvs_cpus_parse(cpus, &s.setting.cpus))
		return xasprintf("'%s' is not a list of CPUs such as 0,2-3", cpus);
	s.setting.has_policy = policy;
	s.setting.has_cpus = cpus;
	s.policy = policy ? xstrdup(policy) : NULL;
	s.cpus = cpus ? xstrdup(cpus) : NULL;
	arm->settings = xrealloc(arm->settings, (arm->nr + 1) * sizeof(s));
	arm->settings[arm->nr++] = s;
	return NULL;
}

char *kvs_exp_arm_take(void *experiment, const char *text)
{
	char *name = xstrdup(text), *policy = strchr(name, '='), *cpus, *why;
	struct kvs_exp_arm *arm;

	if (policy && policy != name) {
		*policy++ = '\0';
		cpus = strchr(policy, '@');
		if (cpus)
			*cpus++ = '\0';
		why = kvs_exp_arm_add(experiment, name, &arm);
		if (!why)
			why = kvs_exp_setting_add(arm, -1, policy, cpus);
	} else {
		why = xasprintf("'%s' is not NAME=POLICY or NAME=POLICY@CPUS", text);
	}
	free(name);
	return why;
}

/* Only looked at: the recorder of each round takes the text itself. */
char *kvs_exp_events_take(void *events, const char *text)
{
	uint32_t classes;
	char *why = kvs_class_take(&classes, text);

	if (!why) {
		free(*(char **)events);
		*(char **)events = xstrdup(text);
	}
	return why;
}

/* --- what it needs ---------------------------------------------------- */

/* The control arm's twin: what differs between them is noise. */
static bool add_control(struct kvs_experiment *e)
{
	const char *name = e->control ? e->control : e->arms[0].name;
	const struct kvs_exp_arm *of;
	struct kvs_exp_arm *twin;
	char *twin_name, *why;

	if (!strcmp(name, "none"))
		return true;
	if (!arm_find(e, name)) {
		kvs_err("the control arm '%s' is none of the arms", name);
		return false;
	}
	twin_name = xasprintf("%s again", name);
	why = kvs_exp_arm_add(e, twin_name, &twin);
	free(twin_name);
	/* An arm of that name stands in FILE: it is the control. */
	if (why) {
		free(why);
		return true;
	}
	/* The array may have moved. */
	of = arm_find(e, name);
	twin->control_of = xstrdup(name);
	for (size_t i = 0; i < of->nr; i++)
		kvs_exp_setting_add(twin, of->settings[i].vcpu, of->settings[i].policy,
				    of->settings[i].cpus);
	for (size_t i = 0; i < of->knobs.nr; i++)
		kvs_knob_list_add(&twin->knobs, of->knobs.knobs[i].knob->name,
				  of->knobs.knobs[i].value);
	return true;
}

bool kvs_experiment_check(struct kvs_experiment *e)
{
	if (!e->nr_arms) {
		kvs_usage("experiment", "which arms? A FILE, or --arm NAME=POLICY");
		return false;
	}
	if (!(e->length > 0)) {
		kvs_usage("experiment", "a round must last some time");
		return false;
	}
	if (e->workload && e->select.vm.pid >= 0) {
		kvs_usage("experiment", "a workload or a VM that runs already, not both");
		return false;
	}
	if (!add_control(e))
		return false;
	if (e->nr_arms < 2) {
		kvs_usage("experiment", "one arm alone can't be compared: add one, or a control");
		return false;
	}
	if (e->rounds < KVS_MIN_ROUNDS)
		kvs_warn("%ld rounds of an arm are too few for any verdict; it takes %d",
			 e->rounds, KVS_MIN_ROUNDS);
	return true;
}

static bool make_folder(struct kvs_experiment *e)
{
	struct dirent *d;
	bool empty = true;
	DIR *dir;

	if (!e->folder)
		e->folder = xstrdup("kvmsched.experiment");
	if (!mkdir(e->folder, 0777))
		return true;
	dir = errno == EEXIST ? opendir(e->folder) : NULL;
	if (!dir) {
		kvs_errno("can't make the folder %s", e->folder);
		return false;
	}
	while ((d = readdir(dir)))
		empty &= d->d_name[0] == '.';
	closedir(dir);
	if (empty)
		return true;
	kvs_err("%s is not empty", e->folder);
	kvs_hint("the results of an experiment get a folder of their own: -o FOLDER");
	return false;
}

/* The highest real-time priority of any arm */
static unsigned int highest(const struct kvs_experiment *e)
{
	unsigned int priority = 0;

	for (size_t i = 0; i < e->nr_arms; i++)
		for (size_t k = 0; k < e->arms[i].nr; k++)
			if (e->arms[i].settings[k].setting.attr.priority > priority)
				priority = e->arms[i].settings[k].setting.attr.priority;
	return priority;
}

/* --- progress --------------------------------------------------------- */

double kvs_exp_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

bool kvs_exp_sleep(struct kvs_exp_run *run, double seconds)
{
	double end = kvs_exp_now() + seconds;

	while (!run->signal) {
		double left = end - kvs_exp_now();
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

/* As the rounds so far took, or as they will take at least */
static double time_left(const struct kvs_exp_run *run)
{
	const struct kvs_experiment *e = run->e;
	double each = e->warmup + e->phase / 2 + e->length + (e->workload ? 1 : 0);
	double spent = kvs_exp_now() - run->begin, left;

	if (run->at)
		each = spent / (run->at + 0.5);
	left = each * (run->nr_rounds - run->at - 0.5);
	return left > 0 ? left : 0;
}

void kvs_exp_progress(struct kvs_exp_run *run, const char *doing)
{
	const struct kvs_exp_arm *arm = &run->e->arms[run->plan[run->at].arm];
	long left = lround(time_left(run));

	if (run->e->quiet || (!run->terminal && strcmp(doing, "is recorded")))
		return;
	fprintf(stderr, "%skvmsched: round %zu of %zu: %s %s; about %ld:%02ld left%s",
		run->terminal ? "\r\033[K" : "", run->at + 1, run->nr_rounds, arm->name,
		doing, left / 60, left % 60, run->terminal ? "" : "\n");
	fflush(stderr);
}

/* --- run -------------------------------------------------------------- */

static void block_signals(struct kvs_exp_run *run)
{
	sigemptyset(&run->signals);
	sigaddset(&run->signals, SIGINT);
	sigaddset(&run->signals, SIGTERM);
	sigaddset(&run->signals, SIGHUP);
	sigaddset(&run->signals, SIGQUIT);
	sigprocmask(SIG_BLOCK, &run->signals, &run->old);
}

static bool run_rounds(struct kvs_exp_run *run)
{
	bool ok = true;

	for (run->at = 0; ok && run->at < run->nr_rounds; run->at++) {
		ok = kvs_exp_round(run, &run->plan[run->at]);
		/* What there is can be compared, whatever comes. */
		ok &= kvs_exp_result_write(run, run->at + 1 == run->nr_rounds && ok);
	}
	if (run->terminal && !run->e->quiet)
		fprintf(stderr, "\r\033[K");
	return ok;
}

static void conclude(const struct kvs_exp_run *run, bool ok)
{
	if (!ok)
		kvs_err("ended %s after %zu of %zu rounds", run->signal ? "by a signal" : "early",
			json_array_size(run->rounds), run->nr_rounds);
	else if (!run->e->quiet)
		fprintf(stderr, "kvmsched: %zu rounds in %.0f s\n", run->nr_rounds,
			kvs_exp_now() - run->begin);
	if (json_array_size(run->rounds) && !run->e->quiet)
		kvs_hint("`kvmsched compare %s` tells what differs", run->e->folder);
}

int kvs_experiment_run(struct kvs_experiment *e)
{
	struct kvs_exp_run run = { .e = e, .above = highest(e), .begin = kvs_exp_now() };
	int dev = kvs_device_open(false);
	bool ok;

	if (dev < 0)
		return KVS_EXIT_FAILED;
	close(dev);
	if (!kvs_leftovers_offer() || !make_folder(e))
		return KVS_EXIT_FAILED;
	run.terminal = isatty(STDERR_FILENO);
	run.rounds = json_array();
	run.plan = kvs_exp_plan(e, &run.nr_rounds);
	block_signals(&run);
	if (run.above && kvs_stay_above(run.above))
		kvs_warn("can't stay above the arms' real-time threads: %s", strerror(errno));
	ok = run_rounds(&run);
	conclude(&run, ok);
	json_decref(run.rounds);
	free(run.plan);
	return run.signal ? 128 + run.signal : ok ? KVS_EXIT_OK : KVS_EXIT_FAILED;
}

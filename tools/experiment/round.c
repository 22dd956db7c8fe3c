// SPDX-License-Identifier: GPL-2.0-only
/*
 * One round:
 *
 *	workload starts, its vCPU threads appear
 *	the recorder starts
 *	the guests get their own policy, by a command that knows how
 *	knobs and policies are written down and set
 *	warm-up, and a phase of this round's own
 *	the window: what counts, from one TSC to another
 *	all is put back
 *	the guests' traces are brought out
 *	the recorder stops, the workload ends
 *
 * The recording is longer than the window.  The recorder must start and stop
 * while the vCPUs are ordinary tasks: to attach and detach its probes, the kernel
 * waits for kernel threads, which real-time vCPUs would starve.  This process has
 * a higher priority than they, so that it can end the window; until then it
 * sleeps.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "base/log.h"
#include "base/system.h"
#include "base/util.h"
#include "experiment/experiment.h"
#include "host/device.h"

/* Seconds to wait for */
#define APPEAR_S	60	/* the workload's vCPUs */
#define START_S		30	/* the recorder to record */
#define STOP_S		120	/* the recorder to end */
#define END_S		5	/* the workload to end after SIGTERM, before SIGKILL */
/* Seconds between two looks: for vCPUs, and for the end of a process */
#define LOOK_S		0.05
#define STEP_S		0.001
/* All vCPUs are there when this many looks in a row have found no new one. */
#define SETTLE		4
/* Seconds that separate this process's own switches from the window */
#define EDGE_S		0.002

struct state {
	struct kvs_exp_run *run;
	const struct kvs_exp_round *round;
	const struct kvs_exp_arm *arm;
	char *stem, *file;		/* names in the folder; @file NULL: unrecorded */
	pid_t workload, recorder;
	struct kvs_threads threads;
	bool hooked;			/* the guests have the arm's policy */
	struct kvs_undo *undo;
	struct kvs_exp_gains gains;
	double tsc_hz;
};

static bool check_workload(struct state *s)
{
	int status;

	if (!s->run->e->workload || !kvs_exp_reap(s->workload, &status))
		return true;
	s->workload = 0;
	kvs_err("the workload ended by itself, with status %d; see %s/%s.log", status,
		s->run->e->folder, s->stem);
	kvs_hint("it must run until it gets SIGTERM");
	return false;
}

static void set_environment(const struct state *s)
{
	char number[32];

	snprintf(number, sizeof(number), "%zu", s->run->at + 1);
	setenv("KVMSCHED_ROUND", number, 1);
	snprintf(number, sizeof(number), "%u", s->round->seed);
	setenv("KVMSCHED_SEED", number, 1);
	setenv("KVMSCHED_ARM", s->arm->name, 1);
}

static bool start_workload(struct state *s)
{
	struct kvs_experiment *e = s->run->e;

	set_environment(s);		/* for the guests' command, too */
	if (!e->workload)
		return true;
	s->workload = kvs_exp_spawn_command(s->run, e->workload, s->stem);
	return s->workload;
}

/* Waits for as many vCPUs as the plan says, or until no more appear. */
static bool find_threads(struct state *s)
{
	const struct kvs_experiment *e = s->run->e;
	double end = kvs_now() + APPEAR_S;
	unsigned int same = 0;
	size_t before = 0;

	kvs_exp_progress(s->run, "waits for vCPUs");
	while (kvs_now() < end) {
		free(s->threads.threads);
		kvs_exp_threads(e, s->workload, &s->threads);
		if (e->vcpus && s->threads.nr >= (size_t)e->vcpus)
			return true;
		same = s->threads.nr == before ? same + 1 : 0;
		before = s->threads.nr;
		if (!e->vcpus && before && same >= (e->workload ? SETTLE : 0))
			return true;
		if (kvs_exp_sleep(s->run, LOOK_S) || !check_workload(s))
			return false;
	}
	kvs_err("%zu vCPU threads after %d s%s", s->threads.nr, APPEAR_S,
		e->vcpus ? ", fewer than `vcpus` says" : "");
	kvs_hint("does the workload start a VM? `kvmsched info` shows what is found");
	return false;
}

static bool set_policies(struct state *s)
{
	const struct kvs_knob_list *common = &s->run->e->knobs, *own = &s->arm->knobs;
	struct kvs_knob_setting *knobs = xcalloc(common->nr + own->nr, sizeof(*knobs));
	struct kvs_setting *settings = kvs_exp_settings(s->arm, &s->threads);
	const struct kvs_change change = {
		.threads = &s->threads, .settings = settings,
		.knobs = knobs, .nr_knobs = common->nr + own->nr,
		.force = s->run->e->force,
	};
	bool ok;

	/* The arm's own settings are set later, and so prevail. */
	if (common->nr)
		memcpy(knobs, common->knobs, common->nr * sizeof(*knobs));
	if (own->nr)
		memcpy(knobs + common->nr, own->knobs, own->nr * sizeof(*knobs));
	s->undo = kvs_undo_create(true, "kvmsched experiment");
	ok = kvs_change_apply(&change, s->undo);
	free(settings);
	free(knobs);
	return ok;
}

/* --- the recorder ----------------------------------------------------- */

static bool check_recorder_failed(struct state *s)
{
	int status;

	if (!kvs_exp_reap(s->recorder, &status))
		return false;
	s->recorder = 0;
	kvs_err("the recording ended by itself, with status %d", status);
	return true;
}

/* Returns when the device says that it records. */
static bool start_recorder(struct state *s)
{
	double end = kvs_now() + START_S;
	struct kvmsched_info info;
	char *path;
	int dev;

	if (!s->file)
		return true;
	kvs_exp_progress(s->run, "starts to record");
	dev = kvs_device_open(false);
	if (dev < 0)
		return false;
	path = xasprintf("%s/%s", s->run->e->folder, s->file);
	s->recorder = kvs_exp_spawn_recorder(s->run->e, path);
	free(path);
	while (s->recorder && kvs_now() < end) {
		if (!kvs_device_info(dev, &info) && info.session) {
			s->tsc_hz = info.tsc_khz * 1e3;
			close(dev);
			return true;
		}
		if (check_recorder_failed(s) || kvs_exp_sleep(s->run, STEP_S))
			break;
	}
	close(dev);
	return false;
}

static bool stop_recorder(struct state *s)
{
	double end = kvs_now() + STOP_S;
	int status = 0;

	if (!s->recorder)
		return true;
	kill(s->recorder, SIGTERM);
	while (!kvs_exp_reap(s->recorder, &status)) {
		const struct timespec step = { .tv_nsec = STEP_S * 1e9 };

		if (kvs_now() > end) {
			kvs_err("the recorder doesn't end");
			kill(s->recorder, SIGKILL);
			end += STOP_S;
		}
		nanosleep(&step, NULL);
	}
	s->recorder = 0;
	if (status)
		kvs_err("the recorder ended with status %d", status);
	return !status;
}

/* --- witnesses -------------------------------------------------------- */

static void begin_witnesses(struct state *s)
{
	struct kvs_exp_gains *gains = &s->gains;

	gains->nr_witnesses = s->threads.nr;
	gains->witnesses = xcalloc(s->threads.nr, sizeof(*gains->witnesses));
	for (size_t i = 0; i < s->threads.nr; i++) {
		gains->witnesses[i].thread = s->threads.threads[i];
		kvs_exp_counts_read(s->threads.threads[i].tid, &gains->witnesses[i].begin);
	}
}

static void end_witnesses(struct state *s)
{
	for (size_t i = 0; i < s->gains.nr_witnesses; i++) {
		struct kvs_exp_witness *w = &s->gains.witnesses[i];
		struct kvs_thread now;

		kvs_exp_counts_read(w->thread.tid, &w->end);
		w->starved = kvs_thread_look(w->thread.tid, &now) && now.state == 'R' &&
			     w->end.run_ns == w->begin.run_ns;
	}
}

/* --- a round ---------------------------------------------------------- */

/*
 * The window's begin and end are fixed before it begins, so that this process
 * goes to sleep and wakes up outside of it.
 */
static bool observe_window(struct state *s)
{
	double length = s->run->e->length, begin;
	bool ended;

	kvs_exp_progress(s->run, s->file ? "is recorded" : "runs unrecorded");
	s->gains.knobs = kvs_knobs_json();
	begin_witnesses(s);
	begin = kvs_now();
	s->gains.begin_tsc = __rdtsc() + s->tsc_hz * EDGE_S;
	s->gains.end_tsc = s->gains.begin_tsc + s->tsc_hz * length;
	ended = kvs_exp_sleep(s->run, length + 2 * EDGE_S);
	end_witnesses(s);
	s->gains.seconds = kvs_now() - begin;
	return !ended && check_workload(s) &&
	       (!s->recorder || !check_recorder_failed(s));
}

static void end_workload(struct state *s)
{
	double end = kvs_now() + END_S;
	bool killed = false;
	int status;

	if (!s->workload)
		return;
	kill(-s->workload, SIGTERM);
	while (!kvs_exp_reap(s->workload, &status)) {
		const struct timespec step = { .tv_nsec = STEP_S * 1e9 };

		if (!killed && kvs_now() > end) {
			kill(-s->workload, SIGKILL);
			killed = true;
		}
		nanosleep(&step, NULL);
	}
	/* Other processes of its group may be left. */
	kill(-s->workload, SIGKILL);
	s->workload = 0;
}

static bool begin_in_guests(struct state *s)
{
	if (!s->run->e->guest_hook)
		return true;
	kvs_exp_progress(s->run, "sets the guests' policy");
	s->hooked = kvs_exp_guest_begin(s->run, s->arm, s->stem);
	return s->hooked;
}

static bool end_in_guests(struct state *s)
{
	if (!s->hooked)
		return true;
	s->gains.guests = json_array();
	return kvs_exp_guest_end(s->run, s->arm, s->stem, s->gains.guests);
}

/*
 * Policies go first: beside real-time vCPUs neither recorder nor workload could end, and
 * no command could reach a guest.
 */
static bool clean_up(struct state *s)
{
	bool ok = true;

	if (s->undo)
		ok = kvs_undo_restore(s->undo);
	kvs_undo_free(s->undo);
	ok &= end_in_guests(s);
	ok &= stop_recorder(s);
	end_workload(s);
	return ok;
}

static bool run_to_window_end(struct state *s)
{
	if (!start_workload(s) || !find_threads(s) || !start_recorder(s) ||
	    !begin_in_guests(s) || !set_policies(s))
		return false;
	kvs_exp_progress(s->run, "warms up");
	if (kvs_exp_sleep(s->run, s->run->e->warmup + s->round->phase))
		return false;
	return observe_window(s);
}

/* A file's name from an arm's name: letters that any file system takes */
static char *make_stem(size_t number, const char *arm)
{
	char *stem = xasprintf("%03zu-%s", number, arm);

	for (char *c = stem; *c; c++)
		if (!strchr("0123456789-_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", *c))
			*c = '_';
	return stem;
}

bool kvs_exp_round(struct kvs_exp_run *run, const struct kvs_exp_round *round)
{
	struct state s = { .run = run, .round = round, .arm = &run->e->arms[round->arm] };
	bool ok;

	s.stem = make_stem(run->at + 1, s.arm->name);
	if (round->recorded)
		s.file = xasprintf("%s.dat", s.stem);
	ok = run_to_window_end(&s);
	ok &= clean_up(&s);
	if (ok)
		json_array_append_new(run->rounds,
				      kvs_exp_round_json(run, round, s.file, &s.gains));
	json_decref(s.gains.knobs);
	json_decref(s.gains.guests);
	free(s.gains.witnesses);
	free(s.threads.threads);
	free(s.file);
	free(s.stem);
	return ok && !run->signal;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * An experiment as a whole: its folder, its rounds, its end.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/system.h"
#include "base/util.h"
#include "experiment/experiment.h"
#include "host/device.h"
#include "record/ours.h"

static bool is_empty(int folder)
{
	/* The descriptor of the stream is another one, since it is closed with it. */
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	bool empty = dir;

	while (dir && (d = readdir(dir)))
		empty &= d->d_name[0] == '.';
	if (dir)
		closedir(dir);
	return empty;
}

/* The folder of the results stays open: its name may lead elsewhere later. */
static bool make_folder(struct kvs_exp_run *run)
{
	struct kvs_experiment *e = run->e;

	if (!e->folder)
		e->folder = xstrdup("kvmsched.experiment");
	if (mkdir(e->folder, 0755) && errno != EEXIST) {
		kvs_errno("can't make the folder %s", e->folder);
		return false;
	}
	run->folder = kvs_ours_dir(e->folder);
	if (run->folder < 0)
		return false;
	if (is_empty(run->folder))
		return true;
	kvs_err("%s is not empty", e->folder);
	kvs_hint("the results of an experiment get a folder of their own: -o FOLDER");
	return false;
}

/* The highest real-time priority of any arm; 0: none is real-time */
static unsigned int find_top_priority(const struct kvs_experiment *e)
{
	unsigned int priority = 0;

	for (size_t i = 0; i < e->nr_arms; i++)
		for (size_t k = 0; k < e->arms[i].nr; k++)
			if (e->arms[i].settings[k].setting.attr.priority > priority)
				priority = e->arms[i].settings[k].setting.attr.priority;
	return priority;
}

static bool run_rounds(struct kvs_exp_run *run)
{
	bool ok = true;

	for (run->at = 0; ok && run->at < run->nr_rounds; run->at++) {
		ok = kvs_exp_round(run, &run->plan[run->at]);
		/* Written after each round: what ran can be compared if the rest fails. */
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
			kvs_now() - run->begin);
	if (json_array_size(run->rounds) && !run->e->quiet)
		kvs_hint("`kvmsched compare %s` tells what differs", run->e->folder);
}

int kvs_experiment_run(struct kvs_experiment *e)
{
	struct kvs_exp_run run = { .e = e, .folder = -1, .above = find_top_priority(e), .begin = kvs_now() };
	int dev = kvs_device_open(false);
	bool ok;

	if (dev < 0)
		return KVS_EXIT_FAILED;
	close(dev);
	if (!kvs_leftovers_offer() || !make_folder(&run)) {
		if (run.folder >= 0)
			close(run.folder);
		return KVS_EXIT_FAILED;
	}
	run.terminal = isatty(STDERR_FILENO);
	run.rounds = json_array();
	run.plan = kvs_exp_plan(e, &run.nr_rounds);
	kvs_block_signals(&run.signals, &run.old);
	if (run.above && kvs_stay_above(run.above))
		kvs_warn("can't stay above the arms' real-time threads: %s", strerror(errno));
	ok = run_rounds(&run);
	conclude(&run, ok);
	json_decref(run.rounds);
	free(run.plan);
	close(run.folder);
	return run.signal ? 128 + run.signal : ok ? KVS_EXIT_OK : KVS_EXIT_FAILED;
}

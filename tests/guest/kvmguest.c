// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tiny VMM whose guests do exactly N of something, so that whoever watches
 * them can be checked against the truth.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "json.h"
#include "options.h"
#include "payload.h"
#include "report.h"
#include "run.h"
#include "vm.h"

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2, STATUS_STOPPED = 3 };

#define BARRIER_POLL_NS		2000000
/* A guest that is asked to stop may first have to wait for the CPU. */
#define STOP_GRACE_SECONDS	2

static int create_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0) {
		fprintf(stderr, "cannot create %s: %s\n", path, strerror(errno));
		return -1;
	}
	close(fd);
	return 0;
}

/* Waits for the barrier file; false if a signal said to end. */
static bool wait_for_barrier(const char *path, const sigset_t *signals)
{
	const struct timespec poll = { .tv_nsec = BARRIER_POLL_NS };

	while (access(path, F_OK))
		if (sigtimedwait(signals, NULL, &poll) > 0)
			return false;
	return true;
}

/* The next signal, or 0 when @seconds (0: for ever) are over. */
static int wait_for_signal(const sigset_t *signals, uint64_t seconds)
{
	const struct timespec limit = { .tv_sec = (time_t)seconds };
	int signal;

	do {
		signal = seconds ? sigtimedwait(signals, NULL, &limit) :
				   sigwaitinfo(signals, NULL);
	} while (signal < 0 && errno == EINTR);
	return signal < 0 ? 0 : signal;
}

/* Until the guests have ended, by themselves or because they must. */
static void supervise(struct vm *vms, const struct options *options,
		      const sigset_t *signals)
{
	int signal = wait_for_signal(signals, options->seconds);

	if (signal == SIGNAL_ALL_ENDED)
		return;
	run_ask_stop(vms, options);
	if (options->payload->endless &&
	    wait_for_signal(signals, STOP_GRACE_SECONDS) == SIGNAL_ALL_ENDED)
		return;
	run_stop(vms, options);
}

static void warn_about_priorities(const struct options *options)
{
	const struct sched_choice *sched = &options->sched;

	if (options->quiet || sched->priority <= 0 ||
	    options->controller_prio > sched->priority)
		return;
	fprintf(stderr, "note: real-time guests may keep this thread off the CPU; --controller-prio above %d prevents it\n",
		sched->priority);
}

static int run_guests(struct vm *vms, const struct options *options,
		      const sigset_t *signals)
{
	bool go = true;
	int ret = run_prepare(vms, options);

	if (!ret && options->controller_prio)
		ret = sched_set_fifo(0, options->controller_prio);
	if (!ret && options->ready_file)
		ret = create_file(options->ready_file);
	if (!ret && options->start_barrier)
		go = wait_for_barrier(options->start_barrier, signals);
	if (ret || !go)
		run_stop(vms, options);
	run_go();
	if (!ret && go)
		supervise(vms, options, signals);
	run_join(vms, options);
	return ret;
}

static int report(const struct vm *vms, const struct options *options,
		  const struct host *host)
{
	static const int status[] = {
		[VERDICT_OK] = STATUS_OK,
		[VERDICT_STOPPED] = STATUS_STOPPED,
		[VERDICT_BROKEN] = STATUS_FAILED,
	};
	enum verdict verdict = report_check(vms, options);
	FILE *out;

	if (!options->quiet && !(options->json && !strcmp(options->json, "-")))
		report_table(vms, options);
	if (options->json) {
		out = json_file(options->json);
		if (!out)
			return STATUS_FAILED;
		report_json(out, vms, options, host, verdict);
		if (json_file_close(out, options->json))
			return STATUS_FAILED;
	}
	return status[verdict];
}

/* All VMs before any policy: a spinning real-time guest starves kthreadd. */
static int create_vms(struct vm *vms, int kvm_fd, const struct options *options,
		      unsigned int *created)
{
	unsigned int v;

	for (v = 0; v < options->vms; v++) {
		(*created)++;
		if (vm_create(&vms[v], kvm_fd, v, options))
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int created = 0;
	int status = STATUS_FAILED;
	struct options options;
	sigset_t signals;
	struct host host;
	struct vm *vms;
	int kvm_fd;

	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_DONE:
		return STATUS_OK;
	case OPTIONS_WRONG:
		return STATUS_USAGE;
	case OPTIONS_RUN:
		break;
	}
	kvm_fd = kvm_open();
	if (kvm_fd < 0)
		return STATUS_FAILED;
	vms = calloc(options.vms, sizeof(*vms));
	if (!vms || host_probe(&host))
		goto out;
	warn_about_priorities(&options);
	run_block_signals(&signals);
	if (!create_vms(vms, kvm_fd, &options, &created) &&
	    !run_guests(vms, &options, &signals))
		status = report(vms, &options, &host);
	while (created)
		vm_destroy(&vms[--created]);
out:
	free(vms);
	close(kvm_fd);
	return status;
}

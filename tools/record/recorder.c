// SPDX-License-Identifier: GPL-2.0-only
/*
 * A recording, from the device to the file.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <x86intrin.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/system.h"
#include "base/util.h"
#include "host/device.h"
#include "host/yields.h"
#include "record/comms.h"
#include "record/header.h"
#include "record/limits.h"
#include "record/recorder.h"
#include "record/ring.h"
#include "record/scheduler.h"
#include "record/spool.h"
#include "record/watch.h"
#include "record/workload.h"

#define POLL_MS		100
#define PROGRESS_S	0.5
#define LOOK_S		1	/* how often quotas, and who schedules, are looked at */

enum end {
	END_NONE,
	END_COMMAND,		/* COMMAND ended */
	END_TIME,		/* -d is over */
	END_SIGNAL,
	END_HELD,		/* what was waited for has happened */
	END_CUT,		/* by the kernel */
	END_FAILED,		/* a message was printed already */
};

struct recorder {
	const struct kvs_record_options *opts;
	int dev;
	int signals;
	struct kvmsched_info info;
	struct kvs_rings *rings;
	struct kvs_spool *spool;
	struct kvs_workload workload;
	struct kvs_header header;
	struct kvs_watch *watch;	/* NULL: nothing is waited for */
	struct kvs_limits *limits;	/* NULL: nobody asks for quotas, or there are none */
	double told;		/* when tell_settings() ran last, by kvs_now() */
	double held;		/* when it had happened, 0: not yet */
	uint64_t *first;	/* by CPU: time of the first page in the file */
	double started;		/* seconds of CLOCK_MONOTONIC */
	double ended;
	bool progress;		/* on a terminal that is all ours */
	double shown;
	int signal;		/* that ended it */
	bool full;		/* the disk is */
	struct kvmsched_stats total;
	uint64_t refused, missed;	/* before the recording, and at its end: during it */
	unsigned int unattached;	/* hooks that it wanted and didn't get */
	uint64_t records;	/* in the file */
};

static int open_spool(struct recorder *r)
{
	r->first = xcalloc(r->info.nr_cpus, sizeof(*r->first));
	r->spool = kvs_spool_create(r->opts->file, r->info.nr_cpus,
				    kvs_header_estimate(&r->header));
	return r->spool ? 0 : -1;
}

static int catch_signals(struct recorder *r, sigset_t *old)
{
	sigset_t mask;

	/* A file too large is an error of write(2) like others. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, old);
	r->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signals < 0)
		kvs_errno("signalfd");
	return r->signals < 0 ? -1 : 0;
}

/* Hooks that the session wanted and didn't get. */
static void warn_hooks(struct recorder *r)
{
	bool no_kvm = !kvs_module_loaded("kvm_amd") && !kvs_module_loaded("kvm_intel");
	bool switched_off = false;
	struct kvmsched_hook hook;

	if (no_kvm) {
		kvs_warn("KVM is not loaded: there is nothing to record before it is");
		kvs_hint("`modprobe kvm_amd` or `modprobe kvm_intel`; kvmsched follows it");
	}
	for (uint32_t i = 0; !kvs_device_hook(r->dev, i, &hook); i++) {
		hook.module[KVMSCHED_NAME_LEN - 1] = '\0';
		/* The other vendor's module isn't there, and nobody misses its hooks. */
		if (!(hook.classes & r->opts->start.classes) || !hook.status ||
		    (hook.module[0] && (no_kvm || !kvs_module_loaded(hook.module))))
			continue;
		r->unattached++;
		kvs_warn("can't attach %.*s: %s; records of class %s will be missing",
			 KVMSCHED_NAME_LEN, hook.name, strerror(-hook.status),
			 kvs_class_names(hook.classes & r->opts->start.classes));
		switched_off |= hook.status == -EAGAIN;
	}
	if (switched_off)
		kvs_hint("kprobes are switched off: write 1 to /sys/kernel/debug/kprobes/enabled, and record anew");
}

/* Hooks by kprobe can be attached then, but the kernel never calls them. */
static void warn_ftrace(void)
{
	char *enabled = kvs_read_line("/proc/sys/kernel/ftrace_enabled");

	if (enabled && !strcmp(enabled, "0")) {
		kvs_warn("kernel.ftrace_enabled is 0: what is hooked by kprobes will be missing");
		kvs_hint("`kvmsched info` lists these hooks; `sysctl kernel.ftrace_enabled=1`, and record anew");
	}
	free(enabled);
}

/* Give the module settings whose changes no hook sees: it is called now and then. */
static void tell_settings(struct recorder *r)
{
	struct kvmsched_info info;

	r->told = kvs_now();
	kvs_scheduler_tell(r->dev);
	if (r->limits && !kvs_device_info(r->dev, &info))
		kvs_limits_tell(r->limits, r->dev, info.vcpus);
}

static int start(struct recorder *r)
{
	r->refused = r->info.refused;
	r->missed = r->info.missed;
	/* A flight recorder's file holds only the end of the time that KVM counted in. */
	if (!(r->opts->start.flags & KVMSCHED_START_OVERWRITE))
		kvs_yields_begin(&r->header.yields, KVS_KVM_DEBUGFS);
	if (kvs_device_start(r->dev, &r->opts->start))
		return -1;
	r->started = kvs_now();
	if (kvs_device_info(r->dev, &r->info))
		return -1;
	r->rings = kvs_rings_map(r->dev, r->info.nr_cpus, r->info.pages);
	if (!r->rings) {
		kvs_errno("can't map the rings");
		return -1;
	}
	kvs_header_describe_clock(&r->header, &r->info);
	kvs_ties_look(&r->header.ties);
	warn_hooks(r);
	warn_ftrace();
	if (r->opts->start.classes & KVMSCHED_CLASS_STEAL)
		r->limits = kvs_limits_new();
	tell_settings(r);
	if (r->opts->stop_on)
		r->watch = kvs_watch_new(r->opts->stop_on, &r->header.desc.events, &r->info);
	return kvs_header_save(&r->header, r->spool);
}

static int sink(void *ctx, unsigned int cpu, const void *pages, size_t size)
{
	struct recorder *r = ctx;
	uint64_t before = kvs_spool_bytes(r->spool);
	int ret = kvs_spool_append(r->spool, cpu, pages, size);

	if (!r->first[cpu])
		memcpy(&r->first[cpu], pages, sizeof(*r->first));

	if (ret)
		r->full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
	/* Of what is in the file, be it a part only. */
	r->records += kvs_comms_add_pages(r->header.named, pages,
					  kvs_spool_bytes(r->spool) - before);
	return ret;
}

static int watch_pages(void *ctx, unsigned int cpu, const void *pages, size_t size)
{
	struct recorder *r = ctx;

	kvs_watch_pages(r->watch, cpu, pages, size);
	return 0;
}

/* A flush: what is recorded up to here can be seen, of all CPUs. */
static bool look(struct recorder *r)
{
	uint64_t until = __rdtsc();

	if (!r->watch || r->held || kvs_device_flush(r->dev))
		return false;
	kvs_rings_peek(r->rings, watch_pages, r);
	return kvs_watch_look(r->watch, until);
}

/* The last records came by STOP. */
static void look_at_rest(struct recorder *r)
{
	if (!r->watch || r->held)
		return;
	kvs_rings_peek(r->rings, watch_pages, r);
	if (kvs_watch_look(r->watch, UINT64_MAX))
		r->held = kvs_now();
}

static void add_stats(struct recorder *r)
{
	struct kvmsched_stats stats;

	memset(&r->total, 0, sizeof(r->total));
	for (unsigned int cpu = 0; cpu < r->info.nr_cpus; cpu++) {
		if (kvs_device_stats(r->dev, cpu, &stats))
			continue;
		r->total.written += stats.written;
		r->total.lost += stats.lost;
		r->total.overwritten += stats.overwritten;
	}
}

static void show_progress(struct recorder *r)
{
	double t = kvs_now();

	if (!r->progress || t - r->shown < PROGRESS_S)
		return;
	r->shown = t;
	add_stats(r);
	fprintf(stderr, "\r\033[K%7.1f s  %llu events  %.1f MB  %llu lost ",
		t - r->started, (unsigned long long)r->total.written,
		kvs_spool_bytes(r->spool) / 1e6, (unsigned long long)r->total.lost);
	fflush(stderr);
}

/* A signal for us; COMMAND gets it too unless the terminal gave it already. */
static bool take_signal(struct recorder *r)
{
	struct signalfd_siginfo si;

	if (read(r->signals, &si, sizeof(si)) != sizeof(si))
		return false;
	r->signal = si.ssi_signo;
	if (si.ssi_code != SI_KERNEL)
		kvs_workload_signal(&r->workload, r->signal);
	return true;
}

static int poll_timeout(const struct recorder *r)
{
	double left = POLL_MS / 1e3, t = kvs_now();

	if (r->opts->seconds)
		left = fmin(left, r->started + r->opts->seconds - t);
	if (r->held)
		left = fmin(left, r->held + r->opts->after - t);
	return left > 0 ? (int)ceil(left * 1e3) : 0;
}

static enum end consume(struct recorder *r)
{
	bool overwrite = r->opts->start.flags & KVMSCHED_START_OVERWRITE;
	struct pollfd fds[] = {
		{ .fd = r->signals, .events = POLLIN },
		{ .fd = r->workload.pidfd, .events = POLLIN },
		/* A flight recorder is read when it has ended. */
		{ .fd = r->dev, .events = overwrite ? 0 : POLLIN },
	};

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), poll_timeout(r)) < 0 &&
		    errno != EINTR) {
			kvs_errno("poll");
			return END_FAILED;
		}
		if (!overwrite && kvs_rings_drain(r->rings, sink, r))
			return END_FAILED;
		kvs_ties_look(&r->header.ties);
		if (look(r))
			r->held = kvs_now();
		if (fds[0].revents && take_signal(r))
			return END_SIGNAL;
		if (fds[1].revents && kvs_workload_ended(&r->workload, 0))
			return END_COMMAND;
		if (r->opts->seconds &&
		    kvs_now() >= r->started + r->opts->seconds)
			return END_TIME;
		if (r->held && kvs_now() >= r->held + r->opts->after)
			return END_HELD;
		if (fds[2].revents & POLLHUP) {
			kvs_err("the machine goes to sleep, where time stamps may begin anew: the recording ends");
			return END_CUT;
		}
		if (kvs_now() >= r->told + LOOK_S)
			tell_settings(r);
		show_progress(r);
	}
}

static enum end stop(struct recorder *r, enum end end)
{
	int ret;

	tell_settings(r);
	kvs_ties_look(&r->header.ties);
	r->ended = kvs_now();
	if (kvs_device_stop(r->dev)) {
		kvs_errno("can't stop the recording");
		return END_FAILED;
	}
	kvs_yields_end(&r->header.yields, KVS_KVM_DEBUGFS);
	if (end == END_FAILED)
		return end;
	look_at_rest(r);
	if (r->opts->start.flags & KVMSCHED_START_OVERWRITE)
		ret = kvs_rings_drain_overwritten(r->rings, sink, r);
	else
		ret = kvs_rings_drain(r->rings, sink, r);
	return ret ? END_FAILED : end;
}

/* The module counts since it was loaded: what of that belongs to this recording? */
static void count_unseen(struct recorder *r)
{
	struct kvmsched_info now;

	if (kvs_device_info(r->dev, &now))
		now = r->info;
	r->refused = now.refused - r->refused;
	r->missed = now.missed - r->missed;
}

/* What no record was made of, and so nobody can say how much it would have been */
static void tell_unseen(const struct recorder *r)
{
	unsigned long long refused = r->refused, missed = r->missed;

	if (r->unattached)
		kvs_warn("hooks that could not be attached: %u; what they would tell is missing",
			 r->unattached);
	if (missed)
		kvs_warn("hits of hooks that the kernel dropped: %llu; what they would tell is missing",
			 missed);
	if (!refused)
		return;
	kvs_warn("%llu times a vCPU found no room in the module's tables: as long as it found none, nothing of it was recorded",
		 refused);
	kvs_hint("load the module with more than max_vcpus=%u", r->info.vcpus_max);
}

static void summarize(struct recorder *r, uint64_t bytes)
{
	unsigned long long unwritten;
	char *file;

	add_stats(r);
	unwritten = r->total.written - r->total.overwritten - r->records;
	if (r->progress && r->shown)
		fprintf(stderr, "\r\033[K");
	if (r->opts->quiet) {
		if (r->total.lost)
			kvs_warn("%llu records were lost",
				 (unsigned long long)r->total.lost);
		return;
	}
	file = kvs_bytes_shown(r->opts->file);
	fprintf(stderr, "kvmsched: %.3f s, %llu records, %.3f MB in %s, %llu lost",
		r->ended - r->started, (unsigned long long)r->records,
		bytes / 1e6, file, (unsigned long long)r->total.lost);
	free(file);
	if (r->total.overwritten)
		fprintf(stderr, ", %llu older ones overwritten",
			(unsigned long long)r->total.overwritten);
	if (unwritten)
		fprintf(stderr, ", %llu could not be written", unwritten);
	if (r->unattached || r->refused || r->missed)
		fprintf(stderr, ", and not all was seen");
	fprintf(stderr, "\n");
	if (r->total.lost && !r->watch)
		kvs_hint("larger rings lose less: -m SIZE (they had %u KiB on each CPU)",
			 r->info.pages * (KVS_PAGE_SIZE / 1024));
}

/* Was what came after it so much that the rings don't hold it any more? */
static bool outlived(struct recorder *r, uint64_t since)
{
	struct kvmsched_stats stats;

	for (unsigned int cpu = 0; cpu < r->info.nr_cpus; cpu++)
		if (!kvs_device_stats(r->dev, cpu, &stats) && stats.overwritten &&
		    r->first[cpu] > since)
			return true;
	return false;
}

/* What the watch waited for, in words; the caller frees it.  NULL: it did not come. */
static char *stop_sentence(struct recorder *r, uint64_t *since)
{
	struct kvs_dat_guest *guests;
	char *sentence;
	size_t nr;

	guests = kvs_guests_named(r->header.guests, SIZE_MAX, &nr);
	kvs_watch_name_vms(r->watch, guests, nr);
	sentence = kvs_watch_sentence(r->watch, since);
	free(guests);
	return sentence;
}

static void print_stop_reason(struct recorder *r)
{
	uint64_t since;
	char *sentence;

	if (!r->watch)
		return;
	sentence = stop_sentence(r, &since);
	if (!sentence) {
		kvs_warn("what --stop-on waits for did not happen");
		return;
	}
	kvs_err("stopped on this: %s", sentence);
	free(sentence);
	if (outlived(r, since)) {
		kvs_warn("%s does not hold all of it: too much came after", r->opts->file);
		kvs_hint("larger rings hold more: -m SIZE (they had %u KiB on each CPU); or a shorter --after",
			 r->info.pages * (KVS_PAGE_SIZE / 1024));
	}
}

/* The program's status: COMMAND's own, where it has ended. */
static int status_of(const struct recorder *r, enum end end)
{
	if (end == END_FAILED || end == END_CUT)
		return KVS_EXIT_FAILED;
	if ((end == END_COMMAND || end == END_SIGNAL) && r->workload.status)
		return r->workload.status;
	return r->watch && !r->held ? KVS_EXIT_NOT_HELD : KVS_EXIT_OK;
}

/* Until COMMAND is done; another signal of ours ends the wait. */
static void wait_command(struct recorder *r)
{
	struct pollfd fds[] = {
		{ .fd = r->signals, .events = POLLIN },
		{ .fd = r->workload.pidfd, .events = POLLIN },
	};

	while (!kvs_workload_ended(&r->workload, 0)) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents && take_signal(r))
			return;
	}
}

static int run(struct recorder *r, bool *kept)
{
	uint64_t bytes;
	enum end end;
	int ret;

	if (start(r))
		return KVS_EXIT_FAILED;
	if (r->opts->command) {
		ret = kvs_workload_go(&r->workload, r->opts->command[0]);
		if (ret)
			return ret;
	}
	*kept = true;
	end = stop(r, consume(r));
	bytes = kvs_spool_bytes(r->spool);
	if (end == END_TIME || end == END_HELD)
		kvs_workload_signal(&r->workload, SIGTERM);
	if (kvs_header_finish(&r->header, r->spool, r->dev))
		return KVS_EXIT_FAILED;
	count_unseen(r);
	summarize(r, bytes);
	tell_unseen(r);
	print_stop_reason(r);
	if (end == END_FAILED || end == END_CUT) {
		kvs_err("%s holds what was recorded until then", r->opts->file);
		if (r->full)
			kvs_hint("make room, or write to another file system with -o FILE");
	}
	wait_command(r);
	return status_of(r, end);
}

static int setup(struct recorder *r, bool *kept)
{
	sigset_t old;
	int ret = KVS_EXIT_FAILED;

	r->dev = kvs_device_open(false);
	if (r->dev < 0 || kvs_device_info(r->dev, &r->info) ||
	    kvs_header_read_formats(&r->header))
		return KVS_EXIT_FAILED;
	kvs_header_describe_host(&r->header, &r->info);
	if (open_spool(r))
		return KVS_EXIT_FAILED;
	if (!catch_signals(r, &old) &&
	    (!r->opts->command ||
	     !kvs_workload_fork(&r->workload, r->opts->command, &old)))
		ret = run(r, kept);
	if (!*kept)
		kvs_spool_discard(r->spool);
	return ret;
}

int kvs_recorder_run(const struct kvs_record_options *opts)
{
	struct recorder r = {
		.opts = opts,
		.dev = -1,
		.signals = -1,
		.workload = { .pidfd = -1, .go = -1, .failed = -1 },
		/* COMMAND has the terminal where there is one. */
		.progress = !opts->quiet && !opts->command &&
			    isatty(STDERR_FILENO),
	};
	bool kept = false;
	int ret = setup(&r, &kept);

	kvs_workload_drop(&r.workload);
	kvs_rings_unmap(r.rings);
	if (r.dev >= 0)
		close(r.dev);
	if (r.signals >= 0)
		close(r.signals);
	kvs_spool_free(r.spool);
	kvs_watch_free(r.watch);
	free(r.first);
	kvs_limits_free(r.limits);
	kvs_header_free(&r.header);
	return ret;
}

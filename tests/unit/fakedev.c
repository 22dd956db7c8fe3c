// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stand-in for /dev/kvmsched, for tests of `kvmsched record` and `top` on machines that
 * can't load the module: LD_PRELOAD=fakedev.so.  The rings are a memfd, filled
 * by a thread; their layout and the ioctls are those of module/uapi/kvmsched.h.
 *
 *	FAKEDEV_TRACING	stands for tracefs: a directory with events/
 *	FAKEDEV_CPUS	rings (default 2)
 *	FAKEDEV_PAGES	pages for each CPU every millisecond (default 1)
 *	FAKEDEV_ABI	of the module (default KVMSCHED_ABI)
 *	FAKEDEV_VMM	the first page of each CPU also tells of a vCPU of this process
 *	FAKEDEV_FAIL	"open ERRNO" or "start ERRNO": fails so
 *	FAKEDEV_UNSEEN	the session refuses so many vCPUs, and drops as many hits of hooks
 *	FAKEDEV_HOOK	ERRNO: there is a hook, and this is why it can't be attached
 *
 * Every other record is a kvmsched_exit whose guest_cycles count from 0 on each CPU,
 * so that a reader can tell whether one is missing.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "rec.h"
#include "uapi/kvmsched.h"
#include "base/util.h"
#include "trace/dat.h"
#include "trace/formats.h"

#define PUBLIC	__attribute__((visibility("default")))
#define RECORDS	80		/* of 48 bytes in a page */

struct fake_cpu {
	char *ring;
	uint64_t written, lost, missing, overwritten;
};

static struct {
	int fd;			/* 0: not open */
	unsigned int nr_cpus, pages, rate;
	int exit_id, vcpu_id;
	bool overwrite, running, started;
	struct fake_cpu *cpus;
	pthread_t writer;
} fake;

static long setting(const char *name, long otherwise)
{
	const char *s = getenv(name);

	return s ? atol(s) : otherwise;
}

/* FAKEDEV_FAIL="start 16" */
static int failure(const char *what)
{
	const char *s = getenv("FAKEDEV_FAIL");
	size_t len = strlen(what);

	return s && !strncmp(s, what, len) ? atoi(s + len) : 0;
}

static uint64_t fake_tsc(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return 2 * (ts.tv_sec * 1000000000ULL + ts.tv_nsec);
}

static uint64_t *position(struct fake_cpu *cpu, int page)
{
	return (uint64_t *)(cpu->ring + page * KVS_PAGE_SIZE);
}

/* Behind the others, there is room for it. */
static char *write_vcpu(char *p)
{
	struct ks_rec_vcpu rec = {
		.ent = { .type = fake.vcpu_id, .pid = getpid() }, .vm = 1,
		.tgid = setting("FAKEDEV_VMM", 0), .comm = "CPU 0/KVM",
	};
	uint32_t word = KS_RECORD_SIZE(vcpu) / 4;

	memcpy(p, &word, sizeof(word));
	memcpy(p + sizeof(word), &rec, KS_RECORD_SIZE(vcpu));
	return p + sizeof(word) + KS_RECORD_SIZE(vcpu);
}

static void write_page(struct fake_cpu *cpu)
{
	uint64_t *head = position(cpu, KVMSCHED_RING_PRODUCER);
	uint64_t tail = __atomic_load_n(position(cpu, KVMSCHED_RING_CONSUMER),
					__ATOMIC_ACQUIRE);
	struct ks_rec_exit rec = { .ent = { .type = fake.exit_id, .pid = getpid() },
				   .vm = 1, .reason = 0x72, .host_cycles = 5000 };
	uint32_t word = KS_RECORD_SIZE(exit) / 4;
	uint64_t tsc = fake_tsc(), commit = 0;
	char *page, *p;

	if (*head - tail >= fake.pages && !fake.overwrite) {
		cpu->lost += RECORDS;
		cpu->missing += RECORDS;
		return;
	}
	if (*head >= fake.pages && fake.overwrite)
		cpu->overwritten += RECORDS;
	page = cpu->ring + (KVMSCHED_RING_DATA + *head % fake.pages) *
			   KVS_PAGE_SIZE;
	p = page + KVMSCHED_PAGE_HEADER;
	for (int i = 0; i < RECORDS; i++) {
		rec.guest_cycles = cpu->written + cpu->lost;
		cpu->written++;
		memcpy(p, &word, sizeof(word));
		memcpy(p + sizeof(word), &rec, KS_RECORD_SIZE(exit));
		p += sizeof(word) + KS_RECORD_SIZE(exit);
	}
	if (!*head && getenv("FAKEDEV_VMM"))
		p = write_vcpu(p);
	commit = p - page - KVMSCHED_PAGE_HEADER;
	if (cpu->missing) {
		memcpy(p, &cpu->missing, sizeof(cpu->missing));
		commit |= KVMSCHED_PAGE_LOST | KVMSCHED_PAGE_LOST_COUNT;
		cpu->missing = 0;
	}
	memcpy(page, &tsc, sizeof(tsc));
	memcpy(page + 8, &commit, sizeof(commit));
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
}

static void *writer(void *unused)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	/* At least once, however busy the machine is. */
	do {
		for (unsigned int cpu = 0; cpu < fake.nr_cpus; cpu++)
			for (unsigned int i = 0; i < fake.rate; i++)
				write_page(&fake.cpus[cpu]);
		nanosleep(&ms, NULL);
	} while (__atomic_load_n(&fake.running, __ATOMIC_ACQUIRE));
	return NULL;
}

static int fake_start(const struct kvmsched_start *start)
{
	size_t size = (size_t)(KVMSCHED_RING_DATA + start->pages) * KVS_PAGE_SIZE;
	char *map;

	errno = failure("start");
	if (errno)
		return -1;
	fake.pages = start->pages;
	fake.overwrite = start->flags & KVMSCHED_START_OVERWRITE;
	if (ftruncate(fake.fd, fake.nr_cpus * size))
		return -1;
	map = mmap(NULL, fake.nr_cpus * size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   fake.fd, 0);
	for (unsigned int cpu = 0; cpu < fake.nr_cpus; cpu++)
		fake.cpus[cpu] = (struct fake_cpu) { .ring = map + cpu * size };
	fake.running = fake.started = true;
	return pthread_create(&fake.writer, NULL, writer, NULL);
}

static int fake_stop(void)
{
	if (fake.running) {
		__atomic_store_n(&fake.running, false, __ATOMIC_RELEASE);
		pthread_join(fake.writer, NULL);
	}
	return 0;
}

/* Of a hook that each class needs; there is only one. */
static int fake_hook(struct kvmsched_hook *hook)
{
	long status = setting("FAKEDEV_HOOK", 0);

	errno = ENOENT;
	if (hook->index || !status)
		return -1;
	hook->classes = KVMSCHED_CLASS_ALL;
	hook->status = -status;
	strcpy(hook->name, "fake_hook");
	return 0;
}

static int fake_ioctl(unsigned long request, void *arg)
{
	struct kvmsched_info *info = arg;
	struct kvmsched_stats *stats = arg;

	switch (request) {
	case KVMSCHED_IOC_INFO:
		info->abi = setting("FAKEDEV_ABI", KVMSCHED_ABI);
		info->page_size = KVS_PAGE_SIZE;
		info->nr_cpus = fake.nr_cpus;
		info->pages = fake.pages;
		info->tsc_khz = 2000000;
		info->tsc_mult = 1 << 19;
		info->tsc_shift = 20;
		/* Since load, so it is not 0 before the session, either. */
		info->refused = info->missed = 7 + (fake.started ? setting("FAKEDEV_UNSEEN", 0) : 0);
		info->vcpus_max = 2;
		return 0;
	case KVMSCHED_IOC_START:
		return fake_start(arg);
	case KVMSCHED_IOC_FOLLOW:
		errno = failure("follow");
		return errno ? -1 : 0;
	case KVMSCHED_IOC_LEDGER:	/* there is no vCPU */
		errno = ENOENT;
		return -1;
	case KVMSCHED_IOC_STOP:
		return fake_stop();
	case KVMSCHED_IOC_STATS:
		stats->written = fake.cpus[stats->cpu].written;
		stats->lost = fake.cpus[stats->cpu].lost;
		stats->overwritten = fake.cpus[stats->cpu].overwritten;
		return 0;
	case KVMSCHED_IOC_HOOK:
		return fake_hook(arg);
	}
	errno = ENOTTY;
	return -1;
}

static int fake_open(void)
{
	struct kvs_dat_system sys;
	char *events = xasprintf("%s/events", getenv("FAKEDEV_TRACING"));

	errno = failure("open");
	if (errno)
		return -1;
	if (kvs_formats_read(events, "kvmsched", &sys)) {
		fprintf(stderr, "fakedev: no formats in %s\n", events);
		_exit(125);
	}
	free(events);
	fake.exit_id = kvs_formats_id(&sys, "kvmsched_exit");
	fake.vcpu_id = kvs_formats_id(&sys, "kvmsched_vcpu");
	kvs_formats_free(&sys);
	fake.nr_cpus = setting("FAKEDEV_CPUS", 2);
	fake.rate = setting("FAKEDEV_PAGES", 1);
	fake.cpus = calloc(fake.nr_cpus, sizeof(*fake.cpus));
	fake.fd = memfd_create("kvmsched", MFD_CLOEXEC);
	return fake.fd;
}

PUBLIC int open(const char *path, int flags, ...)
{
	int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
	va_list ap;
	int mode;

	if (!strcmp(path, KVMSCHED_DEVICE))
		return fake_open();
	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	return real(path, flags, mode);
}

PUBLIC int open64(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	return open(path, flags, mode);
}

PUBLIC int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	return fake.fd && fd == fake.fd ? fake_ioctl(request, arg) :
		real(fd, request, arg);
}

/* A memfd is always ready: it stands for a ring that is never half full. */
PUBLIC int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	int (*real)(struct pollfd *, nfds_t, int) = dlsym(RTLD_NEXT, "poll");
	int ret, ours = -1;

	for (nfds_t i = 0; i < n; i++)
		if (fake.fd && fds[i].fd == fake.fd) {
			ours = i;
			fds[i].fd = -1;
		}
	ret = real(fds, n, timeout > 5 ? 5 : timeout);
	if (ours >= 0)
		fds[ours].fd = fake.fd;
	return ret;
}

PUBLIC const char *tracefs_tracing_dir(void)
{
	return getenv("FAKEDEV_TRACING");
}

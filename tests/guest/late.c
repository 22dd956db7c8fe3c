// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "late.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Whoever touches the page sleeps in the kernel until this has copied it. */
static void *serve(void *arg)
{
	struct late_page *late = arg;
	const struct timespec wait = {
		.tv_sec = (time_t)(late->us / 1000000),
		.tv_nsec = (long)(late->us % 1000000) * 1000,
	};
	struct uffdio_copy copy = {
		.dst = (uintptr_t)late->page, .src = (uintptr_t)late->content,
		.len = LATE_PAGE_SIZE,
	};
	struct uffd_msg msg;
	uint64_t begin;

	if (read(late->fd, &msg, sizeof(msg)) != sizeof(msg))
		return NULL;
	begin = now_ns();
	nanosleep(&wait, NULL);
	if (ioctl(late->fd, UFFDIO_COPY, &copy))
		perror("UFFDIO_COPY");
	late->served_ns = now_ns() - begin;
	return NULL;
}

static int open_userfaultfd(const struct late_page *late)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { .start = (uintptr_t)late->page, .len = LATE_PAGE_SIZE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = (int)syscall(__NR_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (!ioctl(fd, UFFDIO_API, &api) && !ioctl(fd, UFFDIO_REGISTER, &range))
		return fd;
	close(fd);
	return -1;
}

int late_page_begin(struct late_page *late, void *page, uint64_t us)
{
	late->page = page;
	late->us = us;
	memcpy(late->content, page, LATE_PAGE_SIZE);
	late->fd = open_userfaultfd(late);
	if (late->fd < 0)
		return -1;
	/* A locked page can't be given up. */
	if (munlock(page, LATE_PAGE_SIZE) || madvise(page, LATE_PAGE_SIZE, MADV_DONTNEED) ||
	    (errno = pthread_create(&late->thread, NULL, serve, late))) {
		close(late->fd);
		return -1;
	}
	late->begun = true;
	return 0;
}

void late_page_end(struct late_page *late)
{
	if (!late->begun)
		return;
	/* It waits for ever if nobody has touched the page. */
	pthread_cancel(late->thread);
	pthread_join(late->thread, NULL);
	close(late->fd);
	late->begun = false;
}

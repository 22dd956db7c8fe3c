/* SPDX-License-Identifier: GPL-2.0-only */
/* A page of guest memory that is not there until some time after its first touch. */
#ifndef GUEST_LATE_H
#define GUEST_LATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define LATE_PAGE_SIZE 4096

struct late_page {
	bool begun;
	int fd;			/* its userfaultfd */
	pthread_t thread;	/* that serves it */
	unsigned char *page;
	unsigned char content[LATE_PAGE_SIZE];
	uint64_t us;		/* from the touch until it is there */
	uint64_t served_ns;	/* how long that took; 0: nobody touched it */
};

/* Takes @page away until its first touch and @us more. 0, or -1 with errno set. */
int late_page_begin(struct late_page *late, void *page, uint64_t us);
/* After the guest's end; does nothing if it was not begun. */
void late_page_end(struct late_page *late);

#endif

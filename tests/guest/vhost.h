/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device whose work a thread of vhost's does: /dev/vhost-vsock.  It gets packets that are
 * from nobody, drops them, and tells so by an interrupt for each.
 */
#ifndef GUEST_VHOST_H
#define GUEST_VHOST_H

struct vhost_rings;

struct vhost {
	int fd;			/* of the device; 0: none */
	int kick;		/* eventfd that wakes its thread */
	struct vhost_rings *rings;
};

/* @interrupt: an eventfd that it signals. 0, or -1 with errno set */
int vhost_begin(struct vhost *vhost, int interrupt);
/* Hands over a packet, which is answered by one interrupt. 0, or -1 with errno set */
int vhost_ask(struct vhost *vhost);
/* Does nothing if it was not begun. */
void vhost_end(struct vhost *vhost);

#endif

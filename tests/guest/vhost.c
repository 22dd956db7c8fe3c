// SPDX-License-Identifier: GPL-2.0-only
#include "vhost.h"

#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_vsock.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SIZE		16	/* of each ring */
#define RINGS		2	/* 0 is what the guest receives, which is never used */
#define TO_HOST		1
#define FIRST_CID	1000	/* below are names of others */

/* All that vhost reads and writes; it is told that guest addresses are our own. */
struct vhost_rings {
	struct ring {
		_Alignas(VRING_DESC_ALIGN_SIZE) struct vring_desc desc[SIZE];
		struct {
			__virtio16 flags, idx, ring[SIZE];
		} avail;
		struct {
			_Alignas(4) __virtio16 flags;
			__virtio16 idx;
			struct vring_used_elem ring[SIZE];
		} used;
	} ring[RINGS];
	struct virtio_vsock_hdr packet;	/* all zeroes: from nobody, and empty */
};

static int set_memory(const struct vhost *vhost)
{
	struct {
		struct vhost_memory memory;
		struct vhost_memory_region region;
	} table = {
		.memory.nregions = 1,
		.region = {
			.guest_phys_addr = (uintptr_t)vhost->rings,
			.userspace_addr = (uintptr_t)vhost->rings,
			.memory_size = sizeof(*vhost->rings),
		},
	};

	return ioctl(vhost->fd, VHOST_SET_MEM_TABLE, &table);
}

static int set_ring(const struct vhost *vhost, unsigned int index, int interrupt)
{
	struct ring *ring = &vhost->rings->ring[index];
	struct vhost_vring_state size = { .index = index, .num = SIZE };
	struct vhost_vring_state base = { .index = index };
	struct vhost_vring_file kick = { .index = index, .fd = vhost->kick };
	struct vhost_vring_file call = { .index = index, .fd = interrupt };
	struct vhost_vring_addr addr = {
		.index = index,
		.desc_user_addr = (uintptr_t)ring->desc,
		.avail_user_addr = (uintptr_t)&ring->avail,
		.used_user_addr = (uintptr_t)&ring->used,
	};

	if (ioctl(vhost->fd, VHOST_SET_VRING_NUM, &size) ||
	    ioctl(vhost->fd, VHOST_SET_VRING_BASE, &base) ||
	    ioctl(vhost->fd, VHOST_SET_VRING_ADDR, &addr))
		return -1;
	if (index != TO_HOST)
		return 0;
	ring->desc[0].addr = (uintptr_t)&vhost->rings->packet;
	ring->desc[0].len = sizeof(vhost->rings->packet);
	return ioctl(vhost->fd, VHOST_SET_VRING_KICK, &kick) ||
	       ioctl(vhost->fd, VHOST_SET_VRING_CALL, &call) ? -1 : 0;
}

int vhost_begin(struct vhost *vhost, int interrupt)
{
	uint64_t features = 0, cid = FIRST_CID + (uint64_t)getpid();
	int on = 1;

	vhost->fd = open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC);
	vhost->kick = eventfd(0, EFD_CLOEXEC);
	vhost->rings = aligned_alloc(64, (sizeof(*vhost->rings) + 63) / 64 * 64);
	if (vhost->fd < 0 || vhost->kick < 0 || !vhost->rings)
		return -1;
	*vhost->rings = (struct vhost_rings){ 0 };
	if (ioctl(vhost->fd, VHOST_SET_OWNER) ||
	    ioctl(vhost->fd, VHOST_SET_FEATURES, &features) || set_memory(vhost) ||
	    ioctl(vhost->fd, VHOST_VSOCK_SET_GUEST_CID, &cid))
		return -1;
	for (unsigned int i = 0; i < RINGS; i++)
		if (set_ring(vhost, i, interrupt))
			return -1;
	return ioctl(vhost->fd, VHOST_VSOCK_SET_RUNNING, &on);
}

int vhost_ask(struct vhost *vhost)
{
	struct ring *ring = &vhost->rings->ring[TO_HOST];
	uint16_t next = (uint16_t)(ring->avail.idx + 1);

	/* The only packet there is, in descriptor 0; it is used before the next comes. */
	ring->avail.ring[ring->avail.idx % SIZE] = 0;
	__atomic_store_n(&ring->avail.idx, next, __ATOMIC_RELEASE);
	return eventfd_write(vhost->kick, 1);
}

void vhost_end(struct vhost *vhost)
{
	if (vhost->fd > 0)
		close(vhost->fd);
	if (vhost->kick > 0)
		close(vhost->kick);
	free(vhost->rings);
	*vhost = (struct vhost){ 0 };
}

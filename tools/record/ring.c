// SPDX-License-Identifier: GPL-2.0-only
/*
 * Consumer of the module's rings; the contract is in module/uapi/kvmsched.h.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "record/ring.h"
#include "trace/dat.h"

/* So much is handed on before the writer gets the room back. */
#define BATCH	256U

struct ring {
	struct kvmsched_consumer *consumer;
	const struct kvmsched_producer *producer;
	const char *data;
	uint64_t peeked;	/* pages before this one were handed on */
};

struct kvs_rings {
	unsigned int nr_cpus;
	unsigned int pages;
	struct ring rings[];
};

static void *map_or_null(size_t size, int prot, int fd, off_t offset)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, fd, offset);

	return p == MAP_FAILED ? NULL : p;
}

static int ring_map(struct ring *ring, int fd, unsigned int pages, off_t start)
{
	size_t rest = (size_t)(KVMSCHED_RING_DATA - KVMSCHED_RING_PRODUCER +
			       pages) * KVS_PAGE_SIZE;
	char *p;

	ring->consumer = map_or_null(KVS_PAGE_SIZE, PROT_READ | PROT_WRITE, fd,
				     start + KVMSCHED_RING_CONSUMER * KVS_PAGE_SIZE);
	if (!ring->consumer)
		return -1;
	p = map_or_null(rest, PROT_READ, fd,
			start + KVMSCHED_RING_PRODUCER * KVS_PAGE_SIZE);
	if (!p)
		return -1;
	ring->producer = (const void *)p;
	ring->data = p + (KVMSCHED_RING_DATA - KVMSCHED_RING_PRODUCER) *
			 KVS_PAGE_SIZE;
	return 0;
}

struct kvs_rings *kvs_rings_map(int fd, unsigned int nr_cpus, unsigned int pages)
{
	struct kvs_rings *rings = xcalloc(1, sizeof(*rings) +
					  nr_cpus * sizeof(struct ring));
	off_t stride = (off_t)(KVMSCHED_RING_DATA + pages) * KVS_PAGE_SIZE;

	rings->nr_cpus = nr_cpus;
	rings->pages = pages;
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		if (ring_map(&rings->rings[cpu], fd, pages, cpu * stride)) {
			int error = errno;

			kvs_rings_unmap(rings);
			errno = error;
			return NULL;
		}
	}
	return rings;
}

void kvs_rings_unmap(struct kvs_rings *rings)
{
	if (!rings)
		return;
	for (unsigned int cpu = 0; cpu < rings->nr_cpus; cpu++) {
		struct ring *ring = &rings->rings[cpu];

		if (ring->consumer)
			munmap(ring->consumer, KVS_PAGE_SIZE);
		if (ring->producer)
			munmap((void *)ring->producer,
			       (size_t)(1 + rings->pages) * KVS_PAGE_SIZE);
	}
	free(rings);
}

static int ring_drain(const struct kvs_rings *rings, unsigned int cpu,
		      ring_sink sink, void *ctx)
{
	const struct ring *ring = &rings->rings[cpu];
	uint64_t tail = ring->consumer->tail;
	/* Pairs with the writer's release of a complete page. */
	uint64_t head = __atomic_load_n(&ring->producer->head, __ATOMIC_ACQUIRE);

	while (tail != head) {
		uint64_t index = tail % rings->pages;
		uint64_t n = head - tail;

		if (n > rings->pages - index)
			n = rings->pages - index;
		if (n > BATCH)
			n = BATCH;
		if (sink(ctx, cpu, ring->data + index * KVS_PAGE_SIZE,
			 n * KVS_PAGE_SIZE))
			return -1;
		tail += n;
		/* After the last look at the pages, which may be reused now. */
		__atomic_store_n(&ring->consumer->tail, tail, __ATOMIC_RELEASE);
	}
	return 0;
}

int kvs_rings_drain(struct kvs_rings *rings, ring_sink sink, void *ctx)
{
	for (unsigned int cpu = 0; cpu < rings->nr_cpus; cpu++)
		if (ring_drain(rings, cpu, sink, ctx))
			return -1;
	return 0;
}

static void flag_lost(char *page)
{
	uint64_t commit;

	memcpy(&commit, page + 8, sizeof(commit));
	commit |= KVMSCHED_PAGE_LOST;
	memcpy(page + 8, &commit, sizeof(commit));
}

/* The writer opens page P again, for another time, when head is P + pages. */
static bool overwritten(const struct kvs_rings *rings, const struct ring *ring,
			uint64_t *head)
{
	*head = __atomic_load_n(&ring->producer->head, __ATOMIC_ACQUIRE);
	return *head - ring->peeked >= rings->pages;
}

static int ring_peek(struct kvs_rings *rings, unsigned int cpu, ring_sink sink, void *ctx)
{
	struct ring *ring = &rings->rings[cpu];
	char page[KVS_PAGE_SIZE];
	bool skipped = false;
	uint64_t head, end;

	overwritten(rings, ring, &end);
	while (ring->peeked < end) {
		memcpy(page, ring->data + ring->peeked % rings->pages * KVS_PAGE_SIZE,
		       KVS_PAGE_SIZE);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (overwritten(rings, ring, &head)) {
			ring->peeked = head - rings->pages + 1;
			skipped = true;
			continue;
		}
		if (skipped)
			flag_lost(page);
		skipped = false;
		if (sink(ctx, cpu, page, KVS_PAGE_SIZE))
			return -1;
		ring->peeked++;
	}
	return 0;
}

int kvs_rings_peek(struct kvs_rings *rings, ring_sink sink, void *ctx)
{
	for (unsigned int cpu = 0; cpu < rings->nr_cpus; cpu++)
		if (ring_peek(rings, cpu, sink, ctx))
			return -1;
	return 0;
}

int kvs_rings_drain_overwritten(struct kvs_rings *rings, ring_sink sink, void *ctx)
{
	for (unsigned int cpu = 0; cpu < rings->nr_cpus; cpu++) {
		struct ring *ring = &rings->rings[cpu];
		uint64_t head = __atomic_load_n(&ring->producer->head,
						__ATOMIC_ACQUIRE);
		uint64_t tail = 0;
		char first[KVS_PAGE_SIZE];

		if (head > rings->pages)
			tail = head - rings->pages;
		if (tail) {
			memcpy(first, ring->data + tail % rings->pages *
				      KVS_PAGE_SIZE, KVS_PAGE_SIZE);
			flag_lost(first);
			if (sink(ctx, cpu, first, KVS_PAGE_SIZE))
				return -1;
			tail++;
		}
		ring->consumer->tail = tail;
		if (ring_drain(rings, cpu, sink, ctx))
			return -1;
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "kvmstats.h"

#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "json.h"

struct kvmstats {
	int fd;
	struct kvm_stats_header header;
	size_t desc_size;	/* of one descriptor with its name */
	size_t data_size;
	char *descs;
	uint64_t *begin;
	uint64_t *end;
};

static const struct kvm_stats_desc *desc_at(const struct kvmstats *stats,
					    unsigned int i)
{
	return (const void *)(stats->descs + i * stats->desc_size);
}

static int read_at(int fd, void *to, size_t size, uint64_t offset)
{
	return pread(fd, to, size, (off_t)offset) == (ssize_t)size ? 0 : -1;
}

static int read_descs(struct kvmstats *stats)
{
	const struct kvm_stats_desc *desc;
	size_t size, used;
	unsigned int i;

	if (read_at(stats->fd, &stats->header, sizeof(stats->header), 0))
		return -1;
	stats->desc_size = sizeof(*desc) + stats->header.name_size;
	size = stats->desc_size * stats->header.num_desc;
	stats->descs = malloc(size);
	if (!stats->descs ||
	    read_at(stats->fd, stats->descs, size, stats->header.desc_offset))
		return -1;
	for (i = 0; i < stats->header.num_desc; i++) {
		desc = desc_at(stats, i);
		used = desc->offset + desc->size * sizeof(uint64_t);
		if (used > stats->data_size)
			stats->data_size = used;
	}
	stats->begin = calloc(1, stats->data_size);
	stats->end = calloc(1, stats->data_size);
	return stats->begin && stats->end ? 0 : -1;
}

struct kvmstats *kvmstats_open(int kvm_fd)
{
	struct kvmstats *stats = calloc(1, sizeof(*stats));

	if (!stats)
		return NULL;
	stats->fd = ioctl(kvm_fd, KVM_GET_STATS_FD, NULL);
	if (stats->fd >= 0 && !read_descs(stats))
		return stats;
	kvmstats_close(stats);
	return NULL;
}

void kvmstats_close(struct kvmstats *stats)
{
	if (!stats)
		return;
	if (stats->fd >= 0)
		close(stats->fd);
	free(stats->descs);
	free(stats->begin);
	free(stats->end);
	free(stats);
}

static void snapshot(const struct kvmstats *stats, uint64_t *to)
{
	if (read_at(stats->fd, to, stats->data_size, stats->header.data_offset))
		memset(to, 0, stats->data_size);
}

void kvmstats_begin(struct kvmstats *stats)
{
	if (stats)
		snapshot(stats, stats->begin);
}

void kvmstats_end(struct kvmstats *stats)
{
	if (stats)
		snapshot(stats, stats->end);
}

static uint64_t value(const struct kvmstats *stats,
		      const struct kvm_stats_desc *desc, unsigned int element)
{
	size_t slot = desc->offset / sizeof(uint64_t) + element;
	unsigned int type = desc->flags & KVM_STATS_TYPE_MASK;

	if (type == KVM_STATS_TYPE_INSTANT || type == KVM_STATS_TYPE_PEAK)
		return stats->end[slot];
	return stats->end[slot] - stats->begin[slot];
}

bool kvmstats_delta(const struct kvmstats *stats, const char *name,
		    uint64_t *delta)
{
	unsigned int i;

	for (i = 0; stats && i < stats->header.num_desc; i++) {
		if (strcmp(desc_at(stats, i)->name, name))
			continue;
		*delta = value(stats, desc_at(stats, i), 0);
		return true;
	}
	return false;
}

void kvmstats_print(struct json *json, const char *key,
		    const struct kvmstats *stats)
{
	const struct kvm_stats_desc *desc;
	unsigned int i, element;

	if (!stats) {
		json_null(json, key);
		return;
	}
	json_open(json, key, '{');
	for (i = 0; i < stats->header.num_desc; i++) {
		desc = desc_at(stats, i);
		if (desc->size == 1) {
			json_u64(json, desc->name, value(stats, desc, 0));
			continue;
		}
		json_open(json, desc->name, '[');
		for (element = 0; element < desc->size; element++)
			json_u64(json, NULL, value(stats, desc, element));
		json_close(json);
	}
	json_close(json);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/kvmsched, with errors that say what to do.
 */
#ifndef KVMSCHED_DEVICE_H
#define KVMSCHED_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/dat.h"
#include "uapi/kvmsched.h"

/* The most that the module takes for the ring of a CPU, in bytes */
#define KVS_MAX_RING	((uint64_t)KVMSCHED_MAX_PAGES * KVS_PAGE_SIZE)

/*
 * Opens the device; -1 after a message.  @quiet: no message, for callers that
 * can do without the device.
 */
int kvs_device_open(bool quiet);

int kvs_device_info(int fd, struct kvmsched_info *info);

/* Row @index of the module's table of hooks; -1 with ENOENT after the last row */
int kvs_device_hook(int fd, uint32_t index, struct kvmsched_hook *hook);

int kvs_device_start(int fd, const struct kvmsched_start *start);
int kvs_device_stop(int fd);
int kvs_device_flush(int fd);
int kvs_device_stats(int fd, uint32_t cpu, struct kvmsched_stats *stats);
int kvs_device_quota(int fd, const struct kvmsched_quota *quota);
int kvs_device_bpf_scheduler(int fd, const struct kvmsched_bpf_scheduler *scheduler);

/* "switch,exit"; static, overwritten by the next call */
const char *kvs_class_names(uint32_t classes);

/*
 * A list as `record -e` takes it, to a uint32_t.  NULL, or a sentence about what
 * is wrong with it, on the heap.
 */
char *kvs_class_take(void *classes, const char *list);

/* Pages of a ring that holds @bytes, as the module wants them: a power of two */
uint32_t kvs_ring_pages(uint64_t bytes);

/* "none", "integrity" or "confidentiality"; NULL: the kernel has no lockdown. */
const char *kvs_lockdown_state(void);

#endif /* KVMSCHED_DEVICE_H */

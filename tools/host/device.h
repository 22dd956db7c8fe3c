/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/kvmsched, with errors that say what to do.
 */
#ifndef KVMSCHED_DEVICE_H
#define KVMSCHED_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "uapi/kvmsched.h"

/* Where the caller goes on without the device, errors need not be told. */
int kvs_device_open(bool quiet);

int kvs_device_info(int fd, struct kvmsched_info *info);

/* -1 with ENOENT behind the last row. */
int kvs_device_hook(int fd, uint32_t index, struct kvmsched_hook *hook);

int kvs_device_start(int fd, const struct kvmsched_start *start);
int kvs_device_stop(int fd);
int kvs_device_flush(int fd);
int kvs_device_stats(int fd, uint32_t cpu, struct kvmsched_stats *stats);

/* "switch,exit"; good until the next call. */
const char *kvs_class_names(uint32_t classes);

/* A list as `record -e` takes it; prints what is wrong with it. */
bool kvs_class_parse(const char *list, uint32_t *classes);

/* "none", "integrity" or "confidentiality"; NULL: the kernel has no lockdown. */
const char *kvs_lockdown_state(void);

#endif /* KVMSCHED_DEVICE_H */

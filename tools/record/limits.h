/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The CPU quotas of the cgroups that VMs are in, read now and then, and handed to the
 * module, so that a recording has them.
 */
#ifndef KVMSCHED_LIMITS_H
#define KVMSCHED_LIMITS_H

#include <stdint.h>

struct kvs_limits;

/* NULL: there is no cgroup2 file system, or PIDs are not those of /proc. */
struct kvs_limits *kvs_limits_new(void);
void kvs_limits_free(struct kvs_limits *l);

/*
 * Writes cpu.max and cpu.stat of each cgroup that a vCPU's thread is in, or below, if it has
 * a limit, or one above it has.  @vcpus: how many the module knows; where that has changed,
 * VMs are looked for again.
 */
void kvs_limits_tell(struct kvs_limits *l, int dev, uint32_t vcpus);

#endif /* KVMSCHED_LIMITS_H */

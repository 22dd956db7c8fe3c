/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Facts about this host that matter for how vCPUs are scheduled, as JSON
 * objects.  A fact that can't be found out is left out.
 */
#ifndef KVMSCHED_HOST_H
#define KVMSCHED_HOST_H

#include <jansson.h>

json_t *kvs_host_kernel(void);	/* release, HZ, preemption, lockdown */
json_t *kvs_host_cpu(void);		/* vendor, virtualization, TSC */
json_t *kvs_host_kvm(void);		/* modules and their parameters */
json_t *kvs_host_scheduler(void);	/* quantum, throttling, fair server, sched_ext */

/* All parameters of a loaded kernel module; NULL: not loaded. */
json_t *kvs_host_parameters(const char *module);

#endif /* KVMSCHED_HOST_H */

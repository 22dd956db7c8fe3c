/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who a task is that had the CPU a vCPU waited for, what a VM is called, and what of it
 * does not exit, for several keys of the JSON.
 */
#ifndef KVMSCHED_JSON_TASK_H
#define KVMSCHED_JSON_TASK_H

#include <jansson.h>

#include "report/view.h"

/* An object; null if @who is no task.  @v is the vCPU that waits. */
json_t *kvs_json_task(const struct kvs_view *view, const struct kvs_vcpu *v,
		      const struct kvs_holder *who);

/* What does not exit, by KS_FEATURE_*: an array of names; null where they don't tell */
json_t *kvs_json_exits_off(u32 features);

/* The name of its VM, or null */
json_t *kvs_json_vm_name(const struct kvs_vcpu *v);

#endif /* KVMSCHED_JSON_TASK_H */

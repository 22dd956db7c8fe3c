/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUs that idled while a vCPU, allowed to use them, waited: as a table and as JSON.
 */
#ifndef KVMSCHED_REPORT_IDLE_H
#define KVMSCHED_REPORT_IDLE_H

#include <jansson.h>

#include "report/view.h"

/* Print the table, or a line that says why there is none. */
void kvs_print_idle(const struct kvs_view *view);
/* Of all waits of @v; null if the recording does not tell. */
json_t *kvs_json_idle(const struct kvs_view *view, const struct kvs_vcpu *v);
/* Of one wait; null if that is not known. */
json_t *kvs_json_idle_wait(const struct kvs_view *view, const struct kvs_idle_wait *idle);

#endif /* KVMSCHED_REPORT_IDLE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Synthetic timers of Hyper-V's interface, as a table and as JSON.
 */
#ifndef KVMSCHED_STIMERS_H
#define KVMSCHED_STIMERS_H

#include <jansson.h>

#include "report/view.h"

/* Of the selected vCPUs; nothing, if none has used any. */
void kvs_print_stimers(const struct kvs_view *view);
/* Of one vCPU: an array; null where the recording tells nothing of them. */
json_t *kvs_json_stimers(const struct kvs_view *view, const struct kvs_vcpu *v);

#endif /* KVMSCHED_STIMERS_H */

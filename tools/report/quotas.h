/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVMSCHED_REPORT_QUOTAS_H
#define KVMSCHED_REPORT_QUOTAS_H

#include <jansson.h>

#include "report/view.h"

/* The cgroups of vCPUs that have a quota, or were throttled; nothing if there are none */
void kvs_print_quotas(const struct kvs_view *view);
json_t *kvs_json_quotas(const struct kvs_view *view);

#endif /* KVMSCHED_REPORT_QUOTAS_H */

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVMSCHED_REPORT_BPF_SCHEDS_H
#define KVMSCHED_REPORT_BPF_SCHEDS_H

#include <jansson.h>

#include "report/view.h"

/* Lines of the overview; none if no BPF scheduler was found loaded */
void kvs_print_bpf_scheds(const struct kvs_view *view);
json_t *kvs_json_bpf_scheds(const struct kvs_view *view);

#endif /* KVMSCHED_REPORT_BPF_SCHEDS_H */

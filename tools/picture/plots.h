/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the plots of a page are drawn from: how long things took, and who took the CPU.
 */
#ifndef KVMSCHED_PLOTS_H
#define KVMSCHED_PLOTS_H

#include <jansson.h>

#include "report/view.h"

/*
 * An array of { "group", "name", "count", "early", "total_ns", "max_ns", "bins" }, over the
 * vCPUs that are selected.  @early of @count values are below 0: they are in no bin, and
 * not in the total.  A bin is [its first ns, the first ns after it, how many].  Where all of
 * them are more than KVS_SPREADS_SIZE, exits and interrupts with the least time are left out:
 * @left_out gets how many.
 */
json_t *kvs_plots_spreads(const struct kvs_view *view, unsigned int *left_out);

#define KVS_SPREADS_SIZE	500000	/* bytes, at most */

/*
 * An array of { "vcpu", "who", "pid", "ns" }: for how long each vCPU waited for whom.
 * @vcpu is its index; @pid is null where nobody had the CPU, or it was no task.
 */
json_t *kvs_plots_thieves(const struct kvs_view *view);

#endif /* KVMSCHED_PLOTS_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Printers of a view.
 */
#ifndef KVMSCHED_REPORT_H
#define KVMSCHED_REPORT_H

#include <stdbool.h>

#include "report/view.h"

/* The whole report on standard output; @host: the host's processes, too. */
void kvs_print_text(const struct kvs_view *view, bool host);
/* host.c, its tables of the host */
void kvs_print_host_irqs(const struct kvs_view *view);
void kvs_print_host(const struct kvs_view *view);
/* False: it could not be written. */
bool kvs_print_json(const struct kvs_view *view);
/* Of each vCPU only these keys, and who it is; NULL ends them. */
bool kvs_print_json_keys(const struct kvs_view *view, const char *const *keys);
bool kvs_print_json_worst(const struct kvs_view *view);
/* ledger.c: states of each vCPU, and who took its CPU */
void kvs_print_ledger(const struct kvs_view *view);
void kvs_print_thieves(const struct kvs_view *view);
void kvs_print_worst(const struct kvs_view *view);
/* irqs.c: leg by leg */
void kvs_print_timers(const struct kvs_view *view);
void kvs_print_irqs(const struct kvs_view *view);

#endif /* KVMSCHED_REPORT_H */

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
/* ledger.c: states of each vCPU */
void kvs_print_ledger(const struct kvs_view *view);

/*
 * A report that answers one question at length: `kvmsched report NAME`.  Each
 * stands behind the functions that print it, and is listed in KVS_REPORTS; the
 * command and its --help are made of that list.
 */
struct kvs_report {
	const char *name;
	const char *what;		/* for --help */
	void (*text)(const struct kvs_view *view);
	/* The JSON: these keys of each vCPU or, without, what json() prints */
	const char *const *keys;
	bool (*json)(const struct kvs_view *view);
	bool moments;	/* prints the worst moments: --count and --kind choose them */
};

#define KVS_KEYS(...)	((const char *const[]){ __VA_ARGS__, NULL })

/* In the order of --help */
#define KVS_REPORTS(_)	_(thieves) _(worst) _(timers) _(irqs)

#define KVS_DECLARE_REPORT(name)	extern const struct kvs_report kvs_report_##name;
KVS_REPORTS(KVS_DECLARE_REPORT)

#endif /* KVMSCHED_REPORT_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Printers of a view.  All of them write to standard output.
 */
#ifndef KVMSCHED_REPORT_H
#define KVMSCHED_REPORT_H

#include <stdbool.h>

#include "report/view.h"

/* The whole report as tables; @host: with the host's tasks and interrupts */
void kvs_print_text(const struct kvs_view *view, bool host);
/* overview.c: the file and the recording */
void kvs_print_overview(const struct kvs_view *view);
/* unseen.c: the vCPUs that are missing from it */
void kvs_print_unseen(const struct kvs_model *m);
/* host.c: the host's interrupts on the vCPUs' time; its tasks and their interrupts */
void kvs_print_host_irqs(const struct kvs_view *view);
void kvs_print_host(const struct kvs_view *view);
/* The report as one JSON object.  These return false if it could not be written. */
bool kvs_print_json(const struct kvs_view *view);
/* The same with only @keys of each vCPU, and its identity; @keys ends with NULL. */
bool kvs_print_json_keys(const struct kvs_view *view, const char *const *keys);
/* json-worst.c: the worst moments */
bool kvs_print_json_worst(const struct kvs_view *view);
/* exits.c: what each exit reason cost */
void kvs_print_exits(const struct kvs_view *view);
/* ledger.c: the states of each vCPU */
void kvs_print_ledger(const struct kvs_view *view);

/*
 * A report that answers one question at length: `kvmsched report NAME`.  The struct is
 * defined behind the functions that print the report, and its name is listed in
 * KVS_REPORTS; the command and its --help are made from that list.
 */
struct kvs_report {
	const char *name;
	const char *what;		/* one line for --help */
	void (*text)(const struct kvs_view *view);
	/* As JSON: these keys of each vCPU; if NULL, what json() prints */
	const char *const *keys;
	bool (*json)(const struct kvs_view *view);	/* false: it could not be written */
	bool details;	/* it prints exits by detail, which --count and --by choose */
	bool io;	/* it prints guest I/O, of which --count chooses the rows */
	bool moments;	/* it prints the worst moments, which --count and --kind choose */
};

#define KVS_KEYS(...)	((const char *const[]){ __VA_ARGS__, NULL })

/* All of them, in the order of --help */
#define KVS_REPORTS(_)	_(thieves) _(worst) _(exits) _(timers) _(irqs) _(io)

#define KVS_DECLARE_REPORT(name)	extern const struct kvs_report kvs_report_##name;
KVS_REPORTS(KVS_DECLARE_REPORT)

#endif /* KVMSCHED_REPORT_H */

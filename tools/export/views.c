// SPDX-License-Identifier: GPL-2.0-only
/*
 * The views of a database: the tables that `kvmsched report` prints, from the rows.
 *
 * A percentile is by nearest rank, as in the report, but of the values themselves.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "export/sqlite.h"

/* A view that has, for each value of @keys, the distribution of @value */
struct distribution {
	const char *view, *keys;
	const char *from;	/* the table, and which rows of it */
	const char *value;
};

#define EXIT_KEYS	"vcpu, reason, code, isa, l2, fastpath"
#define SENDER		"sender, sent_by, sender_vm, sender_vcpu_id, "			\
			"sender_tid, sender_pid, sender_comm"
#define SENDER_KEYS	"vcpu, vector, " SENDER
#define IO_KEYS		"vcpu, detail_by, detail, bytes, is_write"
#define ANSWER_KEYS	IO_KEYS ", request, vector, " SENDER

static const struct distribution distributions[] = {
	{ "report_exits", EXIT_KEYS, "exits", "host_ns" },
	{ "report_exits_polled", EXIT_KEYS, "exits WHERE poll_ns > 0", "poll_ns" },
	{ "report_exits_guest", EXIT_KEYS, "exits WHERE guest_ns > 0", "guest_ns" },
	{ "report_exits_blocked", EXIT_KEYS,
	  "blocked WHERE NOT before_entry AND NOT unknown AND "
	  "coalesce(sleep, 'other') = 'other'", "length_ns" },
	{ "report_slices", "vcpu", "slices WHERE NOT open AND NOT shared", "length_ns" },
	{ "report_slices_preempted", "vcpu",
	  "slices WHERE NOT open AND NOT shared AND ended_by = 'preempted'", "length_ns" },
	{ "report_waits_preempted", "vcpu",
	  "offs WHERE NOT open AND kind IN ('preempted', 'aborted')", "length_ns" },
	{ "report_waits_woken", "vcpu",
	  "offs WHERE NOT open AND kind NOT IN ('preempted', 'aborted')", "wait_ns" },
	{ "report_offs", "vcpu", "offs WHERE NOT open", "length_ns" },
	{ "report_runs", "vcpu, reason, code", "runs", "length_ns" },
	{ "report_users", "vcpu, reason, code", "users WHERE reason NOT NULL", "length_ns" },
	/* Tasks are told apart by their numbers; handlers and cgroups by their names. */
	{ "report_thieves", "vcpu, kind, task, handler",
	  "(SELECT *, CASE kind WHEN 'task' THEN pid END AS task, "
	  "CASE WHEN kind IN ('interrupt', 'quota') THEN comm END AS handler FROM thieves)", "length_ns" },
	{ "report_interrupts_injected", "vcpu, vector", "interrupts", "length_ns" },
	{ "report_interrupts_exited", "vcpu, vector", "kicks", "length_ns" },
	{ "report_interrupts_on_cpu", "vcpu, vector", "wakeups", "length_ns" },
	{ "report_interrupts_ended", "vcpu, vector", "services", "length_ns" },
	{ "report_senders_accepted", SENDER_KEYS, "accepts WHERE sender NOT NULL", "length_ns" },
	{ "report_senders", SENDER_KEYS, "interrupts WHERE sender NOT NULL", "length_ns" },
	{ "report_senders_sent", SENDER_KEYS, "interrupts WHERE sender NOT NULL",
	  "sent_to_accept_ns" },
	{ "report_timers_late", "vcpu", "timers_late", "length_ns" },
	{ "report_timers_accepted", "vcpu", "timers_accepted", "length_ns" },
	{ "report_timers_entered", "vcpu", "timers_entered", "length_ns" },
	{ "report_timers", "vcpu", "timers", "end_ns - deadline_ns" },
	{ "report_host_irqs", "vcpu, kind, irq, vector, name", "host_irqs", "length_ns" },
	{ "report_host_tasks", "pid, comm", "tasks", "length_ns" },
	{ "report_host_waits", "pid, comm", "task_waits", "length_ns" },
	{ "report_clockevents", "vcpu", "clockevents", "length_ns" },
	{ "report_io_kernel", IO_KEYS, "io WHERE taken_by = 'kernel'", "in_kernel_ns" },
	{ "report_io_to_vmm", IO_KEYS, "io WHERE taken_by = 'vmm'", "to_vmm_ns" },
	{ "report_io_in_vmm", IO_KEYS, "io WHERE taken_by = 'vmm'", "in_vmm_ns" },
	{ "report_io_answers", ANSWER_KEYS, "io_answers", "exit_to_accept_ns" },
	{ "report_io_answers_sender", ANSWER_KEYS, "io_answers", "exit_to_sender_ns" },
	{ "report_io_answers_injected", ANSWER_KEYS, "io_answers", "accept_to_inject_ns" },
};

/* The value at rank ceil(share * samples), where the ranks are per mille */
#define PERCENTILE(name, mille)							\
	"max(value) FILTER (WHERE rank <= (samples * " #mille " + 999) / 1000) AS " name

static void print_distribution(FILE *f, const struct distribution *d)
{
	fprintf(f, "CREATE VIEW %s AS WITH ranked AS (SELECT *, %s AS value, "
		"row_number() OVER (PARTITION BY %s ORDER BY %s NULLS LAST) AS rank, "
		"count(%s) OVER (PARTITION BY %s) AS samples FROM %s) "
		"SELECT %s, count(*) AS \"rows\", count(value) AS \"count\", "
		"min(value) AS min_ns, avg(value) AS avg_ns, "
		PERCENTILE("p50_ns", 500) ", " PERCENTILE("p99_ns", 990) ", "
		PERCENTILE("p999_ns", 999) ", max(value) AS max_ns, sum(value) AS total_ns "
		"FROM ranked GROUP BY %s;\n",
		d->view, d->value, d->keys, d->value, d->value, d->keys, d->from,
		d->keys, d->keys);
}

/* State poll lies within spans of state exit, so the report takes it out of that. */
static const char ledger[] =
	"CREATE VIEW report_ledger AS "
	"SELECT vcpu, state, sum(ns) AS ns FROM ("
	"SELECT vcpu, state, end_ns - begin_ns AS ns FROM states UNION ALL "
	"SELECT vcpu, 'exit', begin_ns - end_ns FROM states WHERE state = 'poll'"
	") GROUP BY vcpu, state;\n"
	"CREATE VIEW report_takers AS "
	"SELECT vcpu, next_pid AS pid, CASE WHEN next_pid THEN next_comm ELSE '(idle)' END AS comm,"
	" count(*) FILTER (WHERE ended_by = 'preempted') AS preempted,"
	" count(*) FILTER (WHERE ended_by = 'halted') AS halted,"
	" count(*) FILTER (WHERE ended_by = 'blocked') AS blocked,"
	" count(*) FILTER (WHERE ended_by = 'aborted') AS aborted "
	"FROM slices WHERE NOT open GROUP BY 1, 2, 3;\n";

/* What exits were for.  The last four columns count exits by bits of @accesses. */
static const char details[] =
	"CREATE VIEW report_details AS "
	"SELECT vcpu, detail_by, detail, subleaf, bytes, is_write, max(is_mmio) AS is_mmio,"
	" count(*) AS \"count\", sum(coalesce(host_ns, 0)) AS host_ns,"
	" coalesce(max(host_ns), 0) AS max_ns,"
	" sum(coalesce(accesses, 0) & 1) AS reads,"
	" sum(coalesce(accesses, 0) >> 1 & 1) AS writes,"
	" sum(coalesce(accesses, 0) >> 2 & 1) AS executes,"
	" sum(coalesce(accesses, 0) >> 3 & 1) AS present "
	"FROM exits WHERE detail_by NOT NULL GROUP BY 1, 2, 3, 4, 5, 6;\n";

/* Guest I/O: who took the exits, and what is known of an interrupt for them */
static const char io[] =
	"CREATE VIEW report_io AS "
	"SELECT " IO_KEYS ", count(*) AS exits,"
	" count(*) FILTER (WHERE taken_by = 'kernel') AS kernel,"
	" count(*) FILTER (WHERE taken_by = 'vmm') AS vmm,"
	" count(*) FILTER (WHERE taken_by IS NULL) AS not_told "
	"FROM io GROUP BY 1, 2, 3, 4, 5;\n"
	"CREATE VIEW report_io_requests AS "
	"SELECT " IO_KEYS ", count(*) AS requests,"
	" count(*) FILTER (WHERE request = 'served') AS served,"
	" count(*) FILTER (WHERE request = 'alone') AS alone,"
	" count(*) FILTER (WHERE request = 'several') AS several,"
	" count(*) FILTER (WHERE request = 'none') AS none,"
	" count(*) FILTER (WHERE request = 'not told') AS not_told "
	"FROM io WHERE is_request AND request NOT NULL GROUP BY 1, 2, 3, 4, 5;\n";

char *kvs_sqlite_views(void)
{
	size_t size;
	char *sql;
	FILE *f = xopen_memstream(&sql, &size);

	fputs(ledger, f);
	fputs(details, f);
	fputs(io, f);
	for (size_t i = 0; i < ARRAY_SIZE(distributions); i++)
		print_distribution(f, &distributions[i]);
	fclose(f);
	return sql;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of an export; docs/sql.md says what they mean.
 */
#include <assert.h>
#include <stddef.h>

#include "base/base.h"
#include "export/tables.h"

#define KEY(name)	{ name, KVS_COLUMN_KEY }
#define INT(name)	{ name, KVS_COLUMN_INT }
#define TEXT(name)	{ name, KVS_COLUMN_TEXT }

/* What every span has: feed.c fills these in. */
#define SPAN								\
	INT("vcpu"), INT("cpu"), INT("begin_ns"), INT("end_ns"),	\
	INT("length_ns"), INT("gap"), INT("open")

#define EXIT	TEXT("reason"), INT("code"), TEXT("isa"), INT("l2"), INT("fastpath")
/* What an exit was for */
#define DETAIL	TEXT("detail_by"), INT("detail"), INT("subleaf"), INT("bytes"), INT("is_write"), \
		INT("is_mmio"), INT("accesses")
/* Who sent an interrupt */
#define SENDER	TEXT("sender"), TEXT("sent_by"), INT("sender_vm"), INT("sender_vcpu_id"), \
		INT("sender_tid"), INT("sender_pid"), TEXT("sender_comm")
#define SPANS(kind)	[KVS_TABLE_SPANS + KVS_SPAN_##kind]

static const struct kvs_table_of tables[] = {
	[KVS_TABLE_RECORDING] = { "recording", {
		TEXT("file"), INT("length_ns"), INT("tsc_khz"), INT("records"),
		INT("lost"), INT("lost_is_exact"), INT("from_ns"), INT("to_ns"),
		INT("begin_monotonic_ns"), INT("begin_tsc"), INT("begin_boottime_ns"),
		INT("begin_realtime_ns") } },
	[KVS_TABLE_VMS] = { "vms", {
		KEY("vm"), INT("pid"), INT("number"), TEXT("name") } },
	[KVS_TABLE_VCPUS] = { "vcpus", {
		KEY("vcpu"), INT("vm"), INT("vcpu_id"), INT("tid"), TEXT("comm"),
		TEXT("policy"), INT("priority"), INT("nice"), INT("wall_ns") } },
	[KVS_TABLE_LOSSES] = { "losses", {
		INT("cpu"), INT("records"), INT("is_exact") } },
	[KVS_TABLE_IPIS] = { "ipis", {
		INT("vcpu"), INT("vector"), TEXT("mode"), INT("sent") } },
	SPANS(STATE) = { "states", { SPAN, TEXT("state") } },
	SPANS(EXIT) = { "exits", { SPAN, EXIT, TEXT("ended_by"), INT("host_ns"),
		INT("poll_ns"), INT("guest_ns"), DETAIL } },
	SPANS(OUT) = { "outs", { SPAN, EXIT } },
	SPANS(BLOCKED) = { "blocked", { SPAN, EXIT, INT("before_entry"), INT("unknown"),
		TEXT("sleep") } },
	SPANS(RUN) = { "runs", { SPAN, TEXT("reason"), INT("code") } },
	SPANS(USER) = { "users", { SPAN, TEXT("reason"), INT("code") } },
	SPANS(SLICE) = { "slices", { SPAN, TEXT("ended_by"), INT("shared"), INT("in_run"),
		INT("begin_is_seen"), INT("next_pid"), INT("next_prio"), TEXT("next_comm") } },
	SPANS(OFF) = { "offs", { SPAN, TEXT("kind"), INT("migrated"),
		INT("begin_is_seen"), INT("wait_ns") } },
	SPANS(WAIT) = { "waits", { SPAN, INT("preempted"), INT("idle_ns"), INT("idle_cpu"),
		INT("idle_cpu_ns") } },
	SPANS(PIECE) = { "thieves", { SPAN, TEXT("kind"), INT("pid"), TEXT("comm"),
		INT("prio"), TEXT("relation") } },
	SPANS(TIMER_ARMED) = { "timers_armed", { SPAN, TEXT("mode"), INT("deadline_ns"),
		TEXT("ended_by"), INT("begin_is_seen") } },
	SPANS(TIMER_LATE) = { "timers_late", { SPAN } },
	SPANS(TIMER_ACCEPT) = { "timers_accepted", { SPAN } },
	SPANS(TIMER) = { "timers", { SPAN, INT("vector"), INT("deadline_ns"),
		INT("expired_ns"), INT("accepted_ns"), TEXT("main_cause") } },
	SPANS(TIMER_ENTRY) = { "timers_entered", { SPAN } },
	SPANS(ACCEPT) = { "accepts", { SPAN, INT("vector"), INT("of_timer"), SENDER,
		INT("merged"), INT("sender_on_cpu_ns") } },
	SPANS(IRQ) = { "interrupts", { SPAN, INT("vector"), INT("of_timer"), SENDER,
		INT("sent_to_accept_ns") } },
	SPANS(KICK) = { "kicks", { SPAN, INT("vector"), INT("of_timer") } },
	SPANS(WAKEUP) = { "wakeups", { SPAN, INT("vector"), INT("of_timer") } },
	SPANS(SERVICE) = { "services", { SPAN, INT("vector"), INT("of_timer") } },
	SPANS(TASK) = { "tasks", { SPAN, INT("pid"), INT("tgid"), TEXT("comm"), TEXT("policy"),
		INT("prio"), INT("is_vcpu"), INT("preempted") } },
	SPANS(TASK_WAIT) = { "task_waits", { SPAN, INT("pid"), INT("tgid"), TEXT("comm"),
		TEXT("policy"), INT("prio"), INT("is_vcpu") } },
	SPANS(HOST_IRQ) = { "host_irqs", { SPAN, TEXT("name"), TEXT("kind"), INT("irq"),
		INT("vector"), INT("ended_guest") } },
	SPANS(CLOCKEVENT) = { "clockevents", { SPAN } },
	[KVS_TABLE_IO] = { "io", {
		INT("vcpu"), INT("cpu"), INT("begin_ns"), INT("end_ns"), DETAIL,
		TEXT("taken_by"), INT("in_kernel_ns"), INT("to_vmm_ns"), INT("in_vmm_ns"),
		INT("is_request"), TEXT("request") } },
	[KVS_TABLE_IO_ANSWERS] = { "io_answers", {
		INT("vcpu"), INT("begin_ns"), DETAIL, TEXT("request"), INT("vector"), SENDER,
		INT("exit_to_sender_ns"), INT("exit_to_accept_ns"),
		INT("accept_to_inject_ns") } },
	[KVS_TABLE_GUEST_TASKS] = { "guest_tasks", {
		INT("vm"), INT("pid"), TEXT("comm"), TEXT("what"), INT("cpu"),
		INT("begin_ns"), INT("end_ns"), INT("open") } },
};

static_assert(ARRAY_SIZE(tables) == KVS_TABLES, "each kind of span has its table");

const struct kvs_table_of *kvs_export_table(unsigned int table)
{
	return table < ARRAY_SIZE(tables) ? &tables[table] : NULL;
}

unsigned int kvs_export_columns(const struct kvs_table_of *table)
{
	unsigned int nr = 0;

	while (table->columns[nr].type != KVS_COLUMN_END)
		nr++;
	return nr;
}

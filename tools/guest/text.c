// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints what guests' tasks did, as tables.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/lines.h"
#include "base/rows.h"
#include "base/util.h"
#include "guest/guest.h"

static void title(const char *text)
{
	struct kvs_lines lines = kvs_lines_begin(2);

	putchar('\n');
	kvs_lines_bold(&lines, "%s", text);
	kvs_lines_end(&lines);
}

static const char *name_of(const struct kvs_guest_task *t)
{
	return t->cpu >= 0 ? "(idle)" : t->comm;
}

static void cells_name(struct kvs_rows *rows, const struct kvs_guest_task *t)
{
	kvs_row(rows);
	kvs_cell(rows, "%s", name_of(t));
	if (t->cpu < 0)
		kvs_cell(rows, "%" PRId32, t->pid);
	else
		kvs_cell(rows, "CPU %" PRId32, t->cpu);
}

static void cell_time(struct kvs_rows *rows, const struct kvs_scale *ns, u64 cycles)
{
	kvs_cell_us(rows, true, kvs_scale(ns, cycles));
}

/* Sum, and the share of each part */
static void cells_parts(struct kvs_rows *rows, const struct kvs_scale *ns,
			const struct kvs_guest_span *span)
{
	struct kvs_split split = { .whole = span->sum };

	cell_time(rows, ns, span->sum);
	for (unsigned int part = 0; part < KVS_PARTS; part++)
		kvs_cell_share_part(rows, &split, span->part[part]);
}

static void cells_average(struct kvs_rows *rows, const struct kvs_scale *ns,
			  const struct kvs_guest_span *span)
{
	if (span->count)
		cell_time(rows, ns, span->counted / span->count);
	else
		kvs_cell(rows, "-");
	cell_time(rows, ns, span->longest);
}

static void cell_count_if(struct kvs_rows *rows, bool known, u64 count)
{
	if (known)
		kvs_cell_count(rows, count);
	else
		kvs_cell(rows, "-");
}

static void print_cpus(const struct kvs_guest *g, const struct kvs_scale *ns)
{
	struct kvs_rows rows;
	u64 cr3 = 0;

	for (unsigned int i = 0; i < g->joined.side.parts->cpus; i++)
		cr3 += kvs_guest_has_cpu(g, i) ? g->cpus[i].cr3 : 0;
	title("CPUs of the guest: switches, and those that led to an exit (a load of CR3)");
	if (!g->flushes && cr3)
		kvs_say(0, "What CR3 exits were for is not told: the guest's trace has no tlb_flush.");
	rows = kvs_rows_begin(KVS_HEADINGS("CPU", "=vCPU", "Time µs", "Switches", "Per s",
					   "To an exit", "Gaps", "|CR3 exits", "For a switch",
					   "Full flush", "Unpaired"));
	for (unsigned int i = 0; i < g->joined.side.parts->cpus; i++) {
		const struct kvs_guest_cpu *cpu = &g->cpus[i];
		double time = kvs_scale(ns, cpu->last - cpu->first);

		if (!g->lines[i].vcpu || !cpu->first || !kvs_guest_has_cpu(g, i))
			continue;
		kvs_row(&rows);
		kvs_cell(&rows, "%u", i);
		kvs_cell(&rows, "%u", g->lines[i].vcpu->id);
		kvs_cell_us(&rows, true, time);
		kvs_cell_count(&rows, cpu->switches);
		if (time)
			kvs_cell(&rows, "%.1f", cpu->switches * 1e9 / time);
		else
			kvs_cell(&rows, "-");
		kvs_cell_count(&rows, cpu->switched_exits);
		kvs_cell_count(&rows, cpu->lost);
		kvs_cell_count(&rows, cpu->cr3);
		cell_count_if(&rows, g->flushes, cpu->cr3_switches);
		cell_count_if(&rows, g->flushes, cpu->cr3_flushes);
		cell_count_if(&rows, g->flushes, kvs_guest_unpaired(cpu));
	}
	kvs_rows_end(&rows);
}

static void print_stolen(const struct kvs_guest *g, const struct kvs_scale *ns)
{
	struct kvs_rows rows;
	u64 sum = 0, untold = 0;

	for (unsigned int i = 0; i < g->joined.side.parts->cpus; i++) {
		const struct kvs_guest_stolen stolen = kvs_guest_stolen(g, i);

		sum += kvs_guest_has_cpu(g, i) ? stolen.sum : 0;
		untold += kvs_guest_has_cpu(g, i) ? stolen.by[KVS_STEAL_UNKNOWN] : 0;
	}
	if (!sum)
		return;
	title("Stolen time: what the vCPU waited for a CPU, by how it came to wait");
	if (!g->throttling)
		kvs_say(0, "Whether it was throttled is not told: class steal was not recorded.");
	if (untold)
		kvs_say(0, "Of some waits, which are not in the shares, it is not told how they began.");
	rows = kvs_rows_begin(KVS_HEADINGS("CPU", "=vCPU", "Waits", "Sum µs", "In run%", "Outside%",
					   "To sleep%", "Woken%", "Throttled%"));
	for (unsigned int i = 0; i < g->joined.side.parts->cpus; i++) {
		const struct kvs_guest_stolen stolen = kvs_guest_stolen(g, i);
		struct kvs_split split = { .whole = stolen.sum };

		if (!g->lines[i].vcpu || !g->cpus[i].first || !kvs_guest_has_cpu(g, i))
			continue;
		kvs_row(&rows);
		kvs_cell(&rows, "%u", i);
		kvs_cell(&rows, "%u", g->lines[i].vcpu->id);
		kvs_cell_count(&rows, stolen.waits);
		cell_time(&rows, ns, stolen.sum);
		for (unsigned int how = 0; how < KVS_STEAL_UNKNOWN; how++)
			kvs_cell_share_part(&rows, &split, stolen.by[how]);
		split = (struct kvs_split){ .whole = stolen.sum };
		if (g->throttling)
			kvs_cell_share_part(&rows, &split, stolen.throttled);
		else
			kvs_cell(&rows, "-");
	}
	kvs_rows_end(&rows);
}

static void print_policies(const struct kvs_guest *g, const u32 *order, const struct kvs_scale *ns)
{
	struct kvs_rows rows;

	title("Tasks of the guest: slices, and those that the host cut by taking the CPU");
	rows = kvs_rows_begin(KVS_HEADINGS("<Task", "=PID", "<Policy", "Slices", "Avg µs",
					   "Max µs", "|Cut", "Times"));
	for (size_t i = 0; i < g->nr_tasks; i++) {
		const struct kvs_guest_task *t = &g->tasks[order[i]];
		char policy[KVS_GUEST_POLICY_LEN];

		if (!kvs_guest_span_any(&t->slices))
			continue;
		cells_name(&rows, t);
		kvs_cell(&rows, "%s", kvs_guest_policy(policy, t));
		kvs_cell_count(&rows, t->slices.count);
		cells_average(&rows, ns, &t->slices);
		kvs_cell_count(&rows, t->cut_slices);
		kvs_cell_count(&rows, t->cuts);
	}
	kvs_rows_end(&rows);
}

static void print_slices(const struct kvs_guest *g, const u32 *order, const struct kvs_scale *ns)
{
	struct kvs_rows rows;

	title("What the vCPU did while the guest believed that a task ran");
	rows = kvs_rows_begin(KVS_HEADINGS("<Task", "=PID", "Sum µs", "Guest%", "Host%", "Waits%",
					   "Asleep%", "Not told%"));
	for (size_t i = 0; i < g->nr_tasks; i++) {
		const struct kvs_guest_task *t = &g->tasks[order[i]];

		if (!kvs_guest_span_any(&t->slices))
			continue;
		cells_name(&rows, t);
		cells_parts(&rows, ns, &t->slices);
	}
	kvs_rows_end(&rows);
}

static void print_waits(const struct kvs_guest *g, const u32 *order, const struct kvs_scale *ns)
{
	struct kvs_rows rows;

	title("What the vCPU did while a task waited for a CPU of the guest");
	if (!g->wakings)
		kvs_say(0, "Only waits after a preemption: the guest recorded no sched_waking.");
	rows = kvs_rows_begin(KVS_HEADINGS("<Task", "=PID", "Waits", "Woken", "Avg µs", "Max µs",
					   "|Sum µs", "Guest%", "Host%", "Waits%", "Asleep%",
					   "Not told%"));
	for (size_t i = 0; i < g->nr_tasks; i++) {
		const struct kvs_guest_task *t = &g->tasks[order[i]];

		if (!kvs_guest_span_any(&t->waits))
			continue;
		cells_name(&rows, t);
		kvs_cell_count(&rows, t->waits.count);
		kvs_cell_count(&rows, t->woken);
		cells_average(&rows, ns, &t->waits);
		cells_parts(&rows, ns, &t->waits);
	}
	kvs_rows_end(&rows);
}

static bool has_quanta(const struct kvs_guest_task *t)
{
	return t->quanta.count;
}

static void print_quanta(const struct kvs_guest *g, const u32 *order, const struct kvs_scale *ns)
{
	struct kvs_rows rows;
	size_t nr = 0;

	for (size_t i = 0; i < g->nr_tasks; i++)
		nr += has_quanta(&g->tasks[i]);
	if (!nr)
		return;
	title("Whole quanta: from a turn of another task of the same priority to the next");
	if (!g->rr_ms)
		kvs_say(0, "How long SCHED_RR asks for is not told; see kvmsched-report(1).");
	else
		printf("SCHED_RR asks for %" PRIu64 " ms.\n", g->rr_ms);
	rows = kvs_rows_begin(KVS_HEADINGS("<Task", "=PID", "Quanta", "Min µs", "Avg µs", "Max µs",
					   "Got/asked", "|Guest%", "Host%", "Waits%", "Asleep%",
					   "Not told%"));
	for (size_t i = 0; i < g->nr_tasks; i++) {
		const struct kvs_guest_task *t = &g->tasks[order[i]];
		struct kvs_split split = { .whole = t->quanta.sum };

		if (!has_quanta(t))
			continue;
		cells_name(&rows, t);
		kvs_cell_count(&rows, t->quanta.count);
		cell_time(&rows, ns, t->shortest_quantum);
		cells_average(&rows, ns, &t->quanta);
		if (kvs_guest_asked_ns(g, t))
			kvs_cell(&rows, "%.3f", kvs_guest_inflation(g, t, ns));
		else
			kvs_cell(&rows, "-");
		for (unsigned int part = 0; part < KVS_PARTS; part++)
			kvs_cell_share_part(&rows, &split, t->quanta.part[part]);
	}
	kvs_rows_end(&rows);
}

static void print_counts(const struct kvs_guest *g, const u32 *order, const struct kvs_scale *ns)
{
	struct kvs_rows rows;
	size_t nr = 0;

	for (size_t i = 0; i < g->nr_tasks; i++)
		nr += kvs_guest_counted(&g->tasks[i]);
	if (!nr)
		return;
	title("The guest's own count between the first and the last line of trace_marker");
	if (!g->hz)
		kvs_say(0, "Whether its kernel leaves stolen time out is not told; see kvmsched-report(1).");
	else
		kvs_say(0, "Its kernel %s.", g->steal_left_out ?
			"leaves stolen time out, and so waits of the vCPU (CONFIG_PARAVIRT_TIME_ACCOUNTING)" :
			"counts what the vCPU waited, too");
	rows = kvs_rows_begin(KVS_HEADINGS("<Task", "=PID", "Its count µs", "Slices µs",
					   "Without waits µs"));
	for (size_t i = 0; i < g->nr_tasks; i++) {
		const struct kvs_guest_task *t = &g->tasks[order[i]];
		u64 sum;

		if (!kvs_guest_counted(t))
			continue;
		cells_name(&rows, t);
		kvs_cell_us(&rows, true, t->mark.last_ns - t->mark.first_ns);
		sum = t->mark.last.sum - t->mark.first.sum;
		cell_time(&rows, ns, sum);
		cell_time(&rows, ns, sum - (t->mark.last.part[KVS_PART_WAIT] -
					    t->mark.first.part[KVS_PART_WAIT]));
	}
	kvs_rows_end(&rows);
}

static void print_guest(const struct kvs_guest_set *all, const struct kvs_guest *g)
{
	const struct kvs_scale *ns = &all->host.ns;
	char label[KVS_VM_LEN];
	u32 *order = kvs_guest_order(g);

	kvs_say(7, "Guest  %s", g->joined.side.path);
	kvs_say(7, "VM     %s", kvs_host_vm_label(label, kvs_joined_vcpu(&g->joined)));
	if (all->to_ns)
		kvs_say(7, "Time   only %.6f to %.6f s of the host's recording",
			all->from_ns / 1e9, all->to_ns / 1e9);
	else if (all->excerpt.on)
		kvs_say(7, "Time   only from %.6f s of the host's recording on",
			all->from_ns / 1e9);
	if (all->select.vcpu >= 0)
		kvs_say(7, "vCPU   only %ld: slices there, and waits that ended there",
			all->select.vcpu);
	if (g->hz)
		kvs_say(7, "Tick   %" PRIu64 " Hz", g->hz);
	print_cpus(g, ns);
	print_stolen(g, ns);
	print_policies(g, order, ns);
	print_slices(g, order, ns);
	print_waits(g, order, ns);
	print_quanta(g, order, ns);
	print_counts(g, order, ns);
	free(order);
}

void kvs_guest_set_text(const struct kvs_guest_set *g)
{
	for (size_t i = 0; i < g->nr; i++) {
		if (i)
			printf("\n");
		print_guest(g, &g->guests[i]);
	}
}

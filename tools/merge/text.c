// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints what a merge has found, as text.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/lines.h"
#include "base/rows.h"
#include "base/util.h"
#include "merge/merge.h"

/* An offset by which the events would be where @shift puts them; without a limit, any is it */
static void cell_offset(struct kvs_rows *rows, const struct kvs_guest_tsc *tsc, s64 shift)
{
	if (shift == KVS_SHIFT_MAX || shift == -KVS_SHIFT_MAX)
		kvs_cell(rows, "any");
	else
		kvs_cell(rows, "%" PRId64, (s64)(tsc->offset - kvs_guest_length(tsc, shift)));
}

#define COLUMNS	9

static void row_cpu(struct kvs_rows *rows, const struct kvs_joined *g, unsigned int cpu)
{
	const struct kvs_joined_cpu *joined = &g->cpus[cpu];
	const struct kvs_guest_tsc *tsc;

	kvs_row(rows);
	kvs_cell(rows, "%u", cpu);
	if (!joined->vcpu) {
		/* It has no event. */
		for (unsigned int column = 1; column < COLUMNS; column++)
			kvs_cell(rows, "-");
		return;
	}
	tsc = &kvs_last_tsc(joined->vcpu)->tsc;
	kvs_cell(rows, "%u", joined->vcpu->id);
	kvs_cell(rows, "%d", joined->vcpu->tid);
	kvs_cell_count(rows, g->side.cpus[cpu].nr);
	kvs_cell_count(rows, joined->placed.inside);
	kvs_cell_count(rows, joined->placed.unknown);
	cell_offset(rows, tsc, g->shifts.to);
	kvs_cell(rows, "%" PRId64, (s64)tsc->offset);
	cell_offset(rows, tsc, g->shifts.from);
}

static void add_ns(struct kvs_lines *lines, const struct kvs_host_side *h, s64 cycles)
{
	u64 ns = kvs_scale(&h->ns, cycles < 0 ? -(u64)cycles : (u64)cycles);

	kvs_lines_add(lines, "%s%" PRIu64, cycles < 0 && ns ? "-" : "", ns);
}

/* How far all events may move into one direction; @shift is not negative. */
static void add_limit(struct kvs_lines *lines, const struct kvs_host_side *h, s64 shift,
		      const char *where)
{
	if (shift == KVS_SHIFT_MAX) {
		kvs_lines_add(lines, "any time %s", where);
		return;
	}
	kvs_lines_add(lines, "up to ");
	add_ns(lines, h, shift);
	kvs_lines_add(lines, " ns %s", where);
}

static void print_shifts(const struct kvs_host_side *h, const struct kvs_shifts *shifts)
{
	struct kvs_lines lines = kvs_lines_begin(0);

	kvs_lines_add(&lines, "All events could be ");
	add_limit(&lines, h, -shifts->from, "earlier");
	kvs_lines_add(&lines, " or ");
	add_limit(&lines, h, shifts->to, "later");
	kvs_lines_add(&lines, " and still lie in guest mode");
	if (shifts->from != -KVS_SHIFT_MAX && shifts->to != KVS_SHIFT_MAX) {
		kvs_lines_add(&lines, ": causality alone leaves open ");
		add_ns(&lines, h, shifts->to - shifts->from);
		kvs_lines_add(&lines, " ns around KVM's offset");
	}
	kvs_lines_add(&lines, ".");
	kvs_lines_end(&lines);
}

/* Changes of the TSC within the recording, which each event is told by its own TSC of */
static void print_changes(const struct kvs_joined *g)
{
	u64 changes = 0, between = 0;

	for (unsigned int cpu = 0; cpu < g->side.parts->cpus; cpu++) {
		const struct kvs_host_vcpu *v = g->cpus[cpu].vcpu;

		if (v && kvs_tsc_changed(v) && v->nr_epochs - v->first_epoch - 1 > changes)
			changes = v->nr_epochs - v->first_epoch - 1;
		between += g->cpus[cpu].placed.between;
	}
	if (!changes)
		return;
	kvs_say(0, "KVM's TSC offset was changed %" PRIu64 " time%s while the host recorded: each event is joined by the offset of its time.",
		changes, changes == 1 ? "" : "s");
	if (between)
		kvs_say(0, "%" PRIu64 " events are not joined, and stand where the change became known: records were lost, so it is not known which offset they have.",
			between);
}

static void print_carried(const struct kvs_host_side *h, const struct kvs_carried *carried)
{
	struct kvs_lines lines = kvs_lines_begin(0);

	if (!carried->there)
		return;
	if (carried->damaged || !carried->samples) {
		kvs_say(0, "The file had a time shift already, which makes no sense. It is left out.");
		return;
	}
	kvs_lines_add(&lines, "The file had a time shift already, of %" PRIu64 " sample%s: ",
		      carried->samples, carried->samples == 1 ? "" : "s");
	if (!carried->least && !carried->most) {
		kvs_lines_add(&lines, "the same as KVM's.");
	} else {
		kvs_lines_add(&lines, "its times are later than KVM's by ");
		add_ns(&lines, h, carried->least);
		kvs_lines_add(&lines, " to ");
		add_ns(&lines, h, carried->most);
		kvs_lines_add(&lines, " ns. KVM's takes its place.");
	}
	kvs_lines_end(&lines);
}

static void print_file(const char *what, const char *path, const char *folder, const char *file)
{
	kvs_say(7, "%s  %s, as %s/%s", what, path, folder, file);
}

static void print_guest(const struct kvs_merged *m, const struct kvs_merged_guest *guest)
{
	const struct kvs_joined *g = &guest->joined;
	const struct kvs_guest_tsc *tsc = &kvs_last_tsc(kvs_joined_vcpu(g))->tsc;
	struct kvs_lines lines = kvs_lines_begin(7);
	char label[KVS_VM_LEN];
	struct kvs_rows rows;

	printf("\n");
	print_file("Guest", g->side.path, m->folder, guest->file);
	kvs_lines_add(&lines, "VM     %s", kvs_host_vm_label(label, kvs_joined_vcpu(g)));
	if (!kvs_guest_tsc_unscaled(tsc))
		kvs_lines_add(&lines, "; its TSC runs at %.9f of the host's rate",
			      (double)tsc->ratio / ((kvs_u128)1 << tsc->frac_bits));
	kvs_lines_end(&lines);
	printf("\n");
	rows = kvs_rows_begin(KVS_HEADINGS("CPU", "=vCPU", "TID", "Events", "In guest mode",
					   "Not told", "|TSC offset from", "KVM's", "to"));
	for (unsigned int cpu = 0; cpu < g->side.parts->cpus; cpu++)
		row_cpu(&rows, g, cpu);
	kvs_rows_end(&rows);
	printf("\n");
	print_shifts(&m->host, &g->shifts);
	print_changes(g);
	print_carried(&m->host, &guest->carried);
}

/* A command for a shell: in one line, or else each guest in a line of its own */
static void print_command(const struct kvs_merged *m)
{
	char *text = xasprintf("trace-cmd report -i %s/" KVS_MERGED_HOST, m->folder);
	size_t columns = kvs_columns(text);

	for (size_t i = 0; i < m->nr_guests; i++)
		columns += kvs_columns(m->folder) + kvs_columns(m->guests[i].file) + 5;
	printf("\nAll events in one order:\n  ");
	kvs_bytes_print(text);
	free(text);
	for (size_t i = 0; i < m->nr_guests; i++) {
		text = xasprintf("-i %s/%s", m->folder, m->guests[i].file);
		printf(columns + 2 > KVS_LINE ? " \\\n      " : " ");
		kvs_bytes_print(text);
		free(text);
	}
	printf("\n");
}

static void print_excerpt(const struct kvs_merged *m)
{
	if (m->to_ns)
		kvs_say(7, "Time   only pages of %.6f to %.6f s of the host's recording",
			m->from_ns / 1e9, m->to_ns / 1e9);
	else if (m->excerpt.on)
		kvs_say(7, "Time   only pages of %.6f s of the host's recording and later",
			m->from_ns / 1e9);
	if (m->select.vcpu >= 0)
		kvs_say(7, "vCPU   only %ld, of guests", m->select.vcpu);
}

void kvs_merged_text(const struct kvs_merged *m)
{
	print_file("Host ", m->host_path, m->folder, KVS_MERGED_HOST);
	print_excerpt(m);
	for (size_t i = 0; i < m->nr_guests; i++)
		print_guest(m, &m->guests[i]);
	print_command(m);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints what a merge has found, as text.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/rows.h"
#include "merge/merge.h"

static void print_ns(const struct kvs_host_side *h, s64 cycles)
{
	u64 ns = kvs_scale(&h->ns, cycles < 0 ? -(u64)cycles : (u64)cycles);

	printf("%s%" PRIu64, cycles < 0 && ns ? "-" : "", ns);
}

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

/* How far all events may move into one direction; @shift is not negative. */
static void print_limit(const struct kvs_host_side *h, s64 shift, const char *where)
{
	if (shift == KVS_SHIFT_MAX) {
		printf("any time %s", where);
		return;
	}
	printf("up to ");
	print_ns(h, shift);
	printf(" ns %s", where);
}

static void print_shifts(const struct kvs_host_side *h, const struct kvs_shifts *shifts)
{
	printf("All events could be ");
	print_limit(h, -shifts->from, "earlier");
	printf(" or ");
	print_limit(h, shifts->to, "later");
	printf(" and still lie in guest mode");
	if (shifts->from != -KVS_SHIFT_MAX && shifts->to != KVS_SHIFT_MAX) {
		printf(":\ncausality alone leaves open ");
		print_ns(h, shifts->to - shifts->from);
		printf(" ns around KVM's offset");
	}
	printf(".\n");
}

static void print_carried(const struct kvs_host_side *h, const struct kvs_carried *carried)
{
	if (!carried->there)
		return;
	if (carried->damaged || !carried->samples) {
		printf("The file had a time shift already, which makes no sense. It is left out.\n");
		return;
	}
	printf("The file had a time shift already, of %" PRIu64 " sample%s: ", carried->samples,
	       carried->samples == 1 ? "" : "s");
	if (!carried->least && !carried->most) {
		printf("the same as KVM's.\n");
		return;
	}
	printf("its times are later than KVM's\nby ");
	print_ns(h, carried->least);
	printf(" to ");
	print_ns(h, carried->most);
	printf(" ns. KVM's takes its place.\n");
}

static void print_file(const char *what, const char *path, const char *folder, const char *file)
{
	printf("%s  ", what);
	kvs_bytes_print(path);
	printf(", as ");
	kvs_bytes_print(folder);
	printf("/");
	kvs_bytes_print(file);
}

static void print_guest(const struct kvs_merged *m, const struct kvs_merged_guest *guest)
{
	const struct kvs_joined *g = &guest->joined;
	const struct kvs_guest_tsc *tsc = &kvs_last_tsc(kvs_joined_vcpu(g))->tsc;
	char label[KVS_VM_LEN];
	struct kvs_rows rows;

	printf("\n");
	print_file("Guest", g->side.path, m->folder, guest->file);
	printf("\nVM     ");
	kvs_bytes_print(kvs_host_vm_label(label, kvs_joined_vcpu(g)));
	if (!kvs_guest_tsc_unscaled(tsc))
		printf("; its TSC runs at %.9f of the host's rate",
		       (double)tsc->ratio / ((kvs_u128)1 << tsc->frac_bits));
	printf("\n\n");
	rows = kvs_rows_begin(KVS_HEADINGS("CPU", "=vCPU", "TID", "Events", "In guest mode",
					   "Not told", "|TSC offset from", "KVM's", "to"));
	for (unsigned int cpu = 0; cpu < g->side.parts->cpus; cpu++)
		row_cpu(&rows, g, cpu);
	kvs_rows_end(&rows);
	printf("\n");
	print_shifts(&m->host, &g->shifts);
	print_carried(&m->host, &guest->carried);
}

void kvs_merged_text(const struct kvs_merged *m)
{
	print_file("Host ", m->host_path, m->folder, KVS_MERGED_HOST);
	printf("\n");
	for (size_t i = 0; i < m->nr_guests; i++)
		print_guest(m, &m->guests[i]);
	printf("\nAll events in one order: trace-cmd report -i ");
	kvs_bytes_print(m->folder);
	printf("/" KVS_MERGED_HOST);
	for (size_t i = 0; i < m->nr_guests; i++) {
		printf(" -i ");
		kvs_bytes_print(m->folder);
		printf("/");
		kvs_bytes_print(m->guests[i].file);
	}
	printf("\n");
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits by detail; see details.h.
 */
#include <stdlib.h>
#include <string.h>

#include <asm/svm.h>
#include <asm/vmx.h>

#include "base/util.h"
#include "model/details.h"

#ifndef EXIT_REASON_MSR_READ_IMM
#define EXIT_REASON_MSR_READ_IMM	84
#define EXIT_REASON_MSR_WRITE_IMM	85
#endif

/* Of one vCPU: a guest may touch any number of pages. */
#define MAX_ROWS	4096

#define ADDRESS_MASK	((1ULL << KS_EXIT_ACCESS_SHIFT) - 1)
#define PAGE_SHIFT	12

void kvs_details_init(struct kvs_details *d)
{
	*d = (struct kvs_details){ 0 };
}

void kvs_details_free(struct kvs_details *d)
{
	for (unsigned int i = 0; i < d->nr; i++)
		free(d->rows[i]);
	free(d->rows);
	kvs_table_free(&d->table);
	kvs_table_free(&d->per_vcpu);
}

static bool is_alike(const struct kvs_detail *a, const struct kvs_detail *b)
{
	return a->by == b->by && a->rest == b->rest && a->known == b->known &&
	       a->key == b->key;
}

static u64 hash_of(const struct kvs_detail *row)
{
	u64 h = ((row->vcpu * 8ULL + row->by) * 2 + row->known) * 2 + row->rest;

	h = (h * 0x9e3779b97f4a7c15ULL) ^ row->key;
	return h * 0x9e3779b97f4a7c15ULL;
}

/* Rows of one hash follow one another. */
static struct kvs_detail *find(const struct kvs_details *d, const struct kvs_detail *like,
			       u64 *hash)
{
	struct kvs_detail *row;

	for (*hash = hash_of(like); (row = kvs_table_get(&d->table, *hash)); (*hash)++)
		if (row->vcpu == like->vcpu && is_alike(row, like))
			return row;
	return NULL;
}

static struct kvs_detail *get_row(struct kvs_details *d, struct kvs_detail *like)
{
	struct kvs_detail *row;
	uintptr_t nr;
	u64 hash;

	row = find(d, like, &hash);
	if (row)
		return row;
	nr = (uintptr_t)kvs_table_get(&d->per_vcpu, like->vcpu);
	if (nr >= MAX_ROWS && !like->rest) {
		like->rest = true;
		like->known = false;
		like->key = 0;
		return get_row(d, like);
	}
	kvs_table_put(&d->per_vcpu, like->vcpu, (void *)(nr + 1));
	row = xmalloc(sizeof(*row));
	*row = *like;
	row->mmio = false;
	memset(row->accesses, 0, sizeof(row->accesses));
	row->count = row->max_cycles = row->cycles = 0;
	kvs_table_put(&d->table, hash, row);
	d->rows = xrealloc(d->rows, (d->nr + 1) * sizeof(*d->rows));
	d->rows[d->nr++] = row;
	return row;
}

void kvs_detail_add(struct kvs_detail *into, const struct kvs_detail *from)
{
	into->count += from->count;
	into->cycles += from->cycles;
	into->mmio |= from->mmio;
	for (unsigned int i = 0; i < KVS_NR_ACCESSES; i++)
		into->accesses[i] += from->accesses[i];
	if (from->max_cycles > into->max_cycles)
		into->max_cycles = from->max_cycles;
}

/*
 * Whether ECX matters beside the leaf: SDM vol. 2A, CPUID; APM vol. 3, appendix E.  With
 * other leaves the guest leaves there whatever it was.
 */
static bool has_subleaves(u32 leaf)
{
	switch (leaf) {
	case 0x4: case 0x7: case 0xb: case 0xd: case 0xf: case 0x10: case 0x12: case 0x14:
	case 0x17: case 0x18: case 0x1b: case 0x1d: case 0x1e: case 0x1f: case 0x20:
	case 0x23: case 0x24: case 0x8000001d: case 0x80000020: case 0x80000026:
		return true;
	}
	return false;
}

static void set(struct kvs_detail *row, enum kvs_detail_by by, bool known, u64 key)
{
	row->by = by;
	row->known = known;
	row->key = known ? key : 0;
}

static void set_leaf(struct kvs_detail *row, bool known, u64 info)
{
	set(row, KVS_BY_LEAF, known, has_subleaves(info) ? info : (u32)info);
}

/* What kvs_detail_name() has of a port: number, bytes, whether it is read */
static u64 port_key(u64 port, u64 bytes, bool in)
{
	return port << 16 | bytes << 8 | in;
}

/* The address of the page, without the bits that say how it was accessed */
static u64 page_of(u64 info, bool detail)
{
	return (detail ? info & ADDRESS_MASK : info) >> PAGE_SHIFT << PAGE_SHIFT;
}

/* MMIO is present by KVM's mark alone, which says nothing of the page. */
static void set_npf_access(struct kvs_detail *row, u64 info)
{
	u64 bits = info >> KS_EXIT_ACCESS_SHIFT;

	row->mmio = bits & KS_NPF_RESERVED;
	row->accesses[KVS_ACCESS_READ] = !(bits & (KS_NPF_WRITE | KS_NPF_EXECUTE));
	row->accesses[KVS_ACCESS_WRITE] = !!(bits & KS_NPF_WRITE);
	row->accesses[KVS_ACCESS_EXECUTE] = !!(bits & KS_NPF_EXECUTE);
	row->accesses[KVS_ACCESS_PRESENT] = bits & KS_NPF_PRESENT && !row->mmio;
}

static void set_ept_access(struct kvs_detail *row, u64 info)
{
	u64 bits = info >> KS_EXIT_ACCESS_SHIFT;

	row->accesses[KVS_ACCESS_READ] = !!(bits & KS_EPT_READ);
	row->accesses[KVS_ACCESS_WRITE] = !!(bits & KS_EPT_WRITE);
	row->accesses[KVS_ACCESS_EXECUTE] = !!(bits & KS_EPT_EXECUTE);
	row->accesses[KVS_ACCESS_PRESENT] = !!(bits & KS_EPT_PRESENT);
}

static bool classify_svm(struct kvs_detail *row, u32 reason, u64 info, bool detail, bool regs)
{
	switch (reason) {
	case SVM_EXIT_IOIO: /* APM vol. 2, 15.10.2 */
		set(row, KVS_BY_PORT, true, port_key(info >> 16 & 0xffff, info >> 4 & 7, info & 1));
		return true;
	case SVM_EXIT_MSR:
		set(row, KVS_BY_MSR, regs, info);
		return true;
	case SVM_EXIT_CPUID:
		set_leaf(row, regs, info);
		return true;
	case SVM_EXIT_VMMCALL:
		set(row, KVS_BY_HYPERCALL, regs, (u32)info);
		return true;
	case SVM_EXIT_NPF:
		set(row, KVS_BY_ADDRESS, true, page_of(info, detail));
		if (detail)
			set_npf_access(row, info);
		return true;
	}
	return false;
}

static bool classify_vmx(struct kvs_detail *row, u32 reason, u64 info, bool detail, bool regs)
{
	switch (reason) {
	case EXIT_REASON_IO_INSTRUCTION: /* SDM vol. 3, table 28-5 */
		set(row, KVS_BY_PORT, true,
		    port_key(info >> 16 & 0xffff, (info & 7) + 1, info >> 3 & 1));
		return true;
	case EXIT_REASON_MSR_READ:
	case EXIT_REASON_MSR_WRITE:
		set(row, KVS_BY_MSR, regs, info);
		return true;
	case EXIT_REASON_MSR_READ_IMM: /* the qualification is the MSR */
		set(row, KVS_BY_MSR, true, (u32)info);
		return true;
	case EXIT_REASON_MSR_WRITE_IMM:
		set(row, KVS_BY_MSR, true, (u32)info | KS_EXIT_MSR_WRITE);
		return true;
	case EXIT_REASON_CPUID:
		set_leaf(row, regs, info);
		return true;
	case EXIT_REASON_VMCALL:
		set(row, KVS_BY_HYPERCALL, regs, (u32)info);
		return true;
	case EXIT_REASON_EPT_VIOLATION:
	case EXIT_REASON_EPT_MISCONFIG:
		set(row, KVS_BY_ADDRESS, detail, page_of(info, detail));
		row->mmio = detail && reason == EXIT_REASON_EPT_MISCONFIG;
		if (detail && !row->mmio)
			set_ept_access(row, info);
		return true;
	}
	return false;
}

bool kvs_detail_of(const struct kvs_span *span, struct kvs_detail *one)
{
	const u32 features = span->vcpu->features;
	bool detail = span->vcpu->identified && features & KS_FEATURE_DETAIL;
	bool regs = detail && !(features & KS_FEATURE_NO_REGS);
	u64 cost = kvs_span_cost(span);

	*one = (struct kvs_detail){
		.vcpu = span->vcpu->index, .count = 1, .cycles = cost, .max_cycles = cost,
	};
	/* Of those of the fast path, the record was made when the registers had changed. */
	if (span->exit.fastpath)
		return false;
	return span->exit.isa == KS_ISA_VMX ?
	       classify_vmx(one, span->exit.reason, span->exit.info, detail, regs) :
	       classify_svm(one, span->exit.reason, span->exit.info, detail, regs);
}

static void take_span(void *ctx, const struct kvs_span *span)
{
	struct kvs_detail one;

	if (kvs_detail_of(span, &one))
		kvs_detail_add(get_row(ctx, &one), &one);
}

void kvs_details_listen(struct kvs_details *d, struct kvs_model *m)
{
	d->model = m;
	kvs_sinks_add(&m->sinks, KVS_SPAN_BIT(EXIT), take_span, d);
}

static int row_order(const void *left, const void *right)
{
	const struct kvs_detail *a = left, *b = right;

	if (a->rest != b->rest)
		return a->rest ? 1 : -1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->known != b->known)
		return a->known ? -1 : 1;
	return a->key < b->key ? -1 : a->key > b->key;
}

/* Not the order of the table, but equal ones beside each other */
static int key_order(const void *left, const void *right)
{
	const struct kvs_detail *a = left, *b = right;

	if (a->rest != b->rest)
		return a->rest ? 1 : -1;
	if (a->known != b->known)
		return a->known ? -1 : 1;
	return a->key < b->key ? -1 : a->key > b->key;
}

static void add_row(struct kvs_detail **rows, unsigned int *nr, const struct kvs_detail *row)
{
	*rows = xrealloc(*rows, (*nr + 1) * sizeof(**rows));
	(*rows)[(*nr)++] = *row;
}

/* What a vCPU sent, by vector; what has no vector, by its delivery mode */
static void add_ipis(struct kvs_detail **rows, unsigned int *nr, const struct kvs_vcpu *v)
{
	for (unsigned int i = 0; v->ipis && i < KVS_IPIS; i++) {
		const struct kvs_detail row = {
			.by = KVS_BY_VECTOR, .known = true, .key = i,
			.count = v->ipis[i], .vcpu = v->index,
		};

		if (row.count)
			add_row(rows, nr, &row);
	}
}

struct kvs_detail *kvs_details_sum(const struct kvs_details *d, enum kvs_detail_by by,
				   bool (*wanted)(const void *ctx, const struct kvs_vcpu *v),
				   const void *ctx, unsigned int *nr)
{
	const struct kvs_model *m = d->model;
	struct kvs_detail *rows = NULL;
	unsigned int all = 0;

	for (unsigned int i = 0; by != KVS_BY_VECTOR && i < d->nr; i++)
		if (d->rows[i]->by == by && wanted(ctx, m->vcpus[d->rows[i]->vcpu]))
			add_row(&rows, &all, d->rows[i]);
	for (unsigned int i = 0; by == KVS_BY_VECTOR && i < m->nr_vcpus; i++)
		if (wanted(ctx, m->vcpus[i]))
			add_ipis(&rows, &all, m->vcpus[i]);
	*nr = 0;
	if (!all)
		return NULL;
	qsort(rows, all, sizeof(*rows), key_order);
	for (unsigned int i = 0; i < all; i++) {
		if (*nr && is_alike(&rows[*nr - 1], &rows[i]))
			kvs_detail_add(&rows[*nr - 1], &rows[i]);
		else
			rows[(*nr)++] = rows[i];
	}
	qsort(rows, *nr, sizeof(*rows), row_order);
	return rows;
}

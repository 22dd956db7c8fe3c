// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the host's recording for a merge; see hostside.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/table.h"
#include "base/util.h"
#include "merge/hostside.h"
#include "model/clock.h"
#include "model/model.h"
#include "trace/load.h"
#include "uapi/kvmsched.h"

struct reading {
	struct kvs_host_side *side;
	struct kvs_model model;
	struct kvs_table by_number;	/* VM and vCPU, to struct kvs_host_vcpu */
	struct reading_cpu {
		u64 heard;		/* its last record */
		bool lost;		/* what came after that */
	} *cpus;
	unsigned int nr_cpus;
	struct kvs_stretches lost;	/* of any CPU: between two of its records, some are missing */
};

static struct reading_cpu *get_cpu(struct reading *r, unsigned int cpu)
{
	r->cpus = xgrow(r->cpus, &r->nr_cpus, cpu, sizeof(*r->cpus));
	return &r->cpus[cpu];
}

static struct kvs_host_vcpu *get_vcpu(struct reading *r, u16 vm, u16 id)
{
	u64 key = (u64)vm << 16 | id;
	struct kvs_host_vcpu *v = kvs_table_get(&r->by_number, key);
	struct kvs_host_side *h = r->side;

	if (v)
		return v;
	v = xcalloc(1, sizeof(*v));
	v->vm = vm;
	v->id = id;
	kvs_table_put(&r->by_number, key, v);
	h->vcpus = xrealloc(h->vcpus, (h->nr + 1) * sizeof(*h->vcpus));
	h->vcpus[h->nr++] = v;
	return v;
}

static void take_span(void *ctx, const struct kvs_span *span)
{
	struct kvs_host_vcpu *v = get_vcpu(ctx, span->vcpu->vm, span->vcpu->id);

	if (span->gap || span->state.state == KVMSCHED_STATE_UNKNOWN)
		return;
	kvs_stretches_add(span->state.state == KVMSCHED_STATE_GUEST ? &v->guest : &v->out,
			  span->begin, span->end);
}

/*
 * A loss may have told a change, on any CPU: KVM's entry wrote it there, and the module writes
 * it again no earlier than at the next KVM_RUN or switch in.
 */
static void find_unsure(struct kvs_host_vcpu *v, const struct kvs_stretches *lost)
{
	for (size_t i = 1; i < v->nr_epochs; i++) {
		struct kvs_tsc_epoch *epoch = &v->epochs[i];
		size_t at = kvs_stretches_before(lost, epoch->known), guest;
		u64 from;

		/* The last one that begins before may still go on. */
		at -= at > 0 && lost->at[at - 1].end > epoch->known;
		if (at == lost->nr || lost->at[at].begin >= epoch->since)
			continue;
		from = lost->at[at].begin > epoch->known ? lost->at[at].begin : epoch->known;
		guest = kvs_stretches_before(&v->guest, from);
		if (guest && v->guest.at[guest - 1].end > from)
			from = v->guest.at[guest - 1].end;
		epoch->unsure = from < epoch->since ? from : epoch->since;
	}
}

/* Identity records are repeated for many reasons: only a change of the TSC counts here. */
static void take_identity(struct reading *r, const struct kvs_record *rec)
{
	struct kvs_host_vcpu *v = get_vcpu(r, rec->vcpu.vm, rec->vcpu.vcpu);
	const struct kvs_guest_tsc tsc = {
		.offset = rec->vcpu.tsc_offset, .ratio = rec->vcpu.tsc_ratio,
		.frac_bits = rec->vcpu.tsc_frac_bits,
	};

	if (rec->vcpu.features & KS_FEATURE_TSC_UNSTABLE)
		r->side->unstable = true;
	if (!(rec->vcpu.features & KS_FEATURE_GONE) && kvs_guest_tsc_valid(&tsc))
		kvs_epochs_add(v, rec->ts, rec->ts, &tsc);
}

static void take_record(void *ctx, const struct kvs_record *rec)
{
	struct reading *r = ctx;
	struct reading_cpu *cpu = get_cpu(r, rec->cpu);

	if (cpu->lost)
		kvs_stretches_add(&r->lost, cpu->heard, rec->ts);
	*cpu = (struct reading_cpu){ .heard = rec->ts };
	if (rec->event == KS_EV_vcpu)
		take_identity(r, rec);
	kvs_model_record(&r->model, rec);
}

static void foretell(void *ctx, const struct kvs_record *rec)
{
	struct reading *r = ctx;

	kvs_model_foretold(&r->model, rec);
}

static void take_loss(void *ctx, unsigned int cpu, s64 count)
{
	struct reading *r = ctx;

	get_cpu(r, cpu)->lost = true;
	kvs_model_missed(&r->model, cpu, count);
}

static int by_vm(const void *a, const void *b)
{
	const struct kvs_host_vcpu *x = *(struct kvs_host_vcpu *const *)a;
	const struct kvs_host_vcpu *y = *(struct kvs_host_vcpu *const *)b;

	return x->vm != y->vm ? x->vm - y->vm : x->id - y->id;
}

static void free_vcpu(struct kvs_host_vcpu *v)
{
	kvs_stretches_free(&v->guest);
	kvs_stretches_free(&v->out);
	free(v->epochs);
	free(v);
}

/* What the model knows at the end.  A vCPU whose identity was lost can't be joined. */
static void collect_vcpus(struct reading *r, const struct kvs_trace_info *info)
{
	struct kvs_host_side *h = r->side;
	struct kvs_times times;
	size_t nr = 0;

	for (unsigned int i = 0; i < r->model.nr_vcpus; i++) {
		const struct kvs_vcpu *from = r->model.vcpus[i];
		struct kvs_host_vcpu *v = get_vcpu(r, from->vm, from->id);

		v->tid = from->tid;
		v->tgid = from->tgid;
		v->vm_index = from->vm_index;
		v->vm_name = from->vm_name;
	}
	for (unsigned int i = 0; i < r->nr_cpus; i++)
		if (r->cpus[i].lost)
			kvs_stretches_add(&r->lost, r->cpus[i].heard, UINT64_MAX);
	kvs_stretches_sort(&r->lost);
	for (size_t i = 0; i < h->nr; i++) {
		struct kvs_host_vcpu *v = h->vcpus[i];

		kvs_stretches_sort(&v->guest);
		kvs_stretches_sort(&v->out);
		find_unsure(v, &r->lost);
		if (v->nr_epochs)
			h->vcpus[nr++] = v;
		else
			free_vcpu(v);
	}
	h->nr = nr;
	if (nr)
		qsort(h->vcpus, nr, sizeof(*h->vcpus), by_vm);
	kvs_times_init(&times, info, &r->model);
	h->ns = times.cycles;
	h->begin = r->model.first_ts;
	h->end = r->model.last_ts;
	h->tsc_mult = info->tsc_mult;
	h->tsc_shift = info->tsc_shift;
	h->tsc_offset = info->tsc_offset;
}

static bool is_usable(const struct reading *r, const struct kvs_trace_info *info, const char *name)
{
	if (info->clock != KVS_CLOCK_TSC) {
		kvs_err("%s: its time stamps are not those of the TSC", name);
		kvs_hint("record with `kvmsched record`, or `trace-cmd record -C tsc2nsec -e kvmsched`");
	} else if (!r->side->ns.known) {
		kvs_err("%s: doesn't tell the rate of its TSC", name);
		kvs_hint("record with `kvmsched record`, or `trace-cmd record -C tsc2nsec -e kvmsched`");
	} else if (!r->side->nr) {
		kvs_err("%s: tells no vCPU's TSC offset", name);
		kvs_hint("record while the guest runs, with `kvmsched record`");
	} else if (!kvs_model_has_ledger(&r->model)) {
		kvs_err("%s: doesn't tell when vCPUs were in guest mode: classes exit and switch are needed",
			name);
		kvs_hint("record with the default classes");
	} else {
		return true;
	}
	return false;
}

bool kvs_host_side_read(struct kvs_host_side *h, const char *path, const char *name)
{
	struct reading r = { .side = h };
	const struct kvs_sink sink = {
		.record = take_record, .missed = take_loss, .foretold = foretell, .ctx = &r,
	};
	const struct kvs_trace_info *info;
	bool ok;

	*h = (struct kvs_host_side){ .trace = kvs_trace_open(path) };
	if (!h->trace)
		return false;
	info = kvs_trace_info(h->trace);
	kvs_model_init(&r.model);
	kvs_model_clock(&r.model, info->clock == KVS_CLOCK_NS, info->tsc_mult, info->tsc_shift);
	kvs_sinks_add(&r.model.sinks, KVS_SPAN_BIT(STATE), take_span, &r);
	ok = kvs_trace_read(h->trace, &sink);
	kvs_model_finish(&r.model);
	kvs_model_name_vms(&r.model, &info->names);
	collect_vcpus(&r, info);
	ok = ok && is_usable(&r, info, name);
	if (ok && h->unstable)
		kvs_warn("%s: the host's TSC was unstable: different CPUs may tell different times",
			 name);
	kvs_table_free(&r.by_number);
	kvs_stretches_free(&r.lost);
	free(r.cpus);
	kvs_model_free(&r.model);
	return ok;
}

void kvs_host_side_free(struct kvs_host_side *h)
{
	for (size_t i = 0; i < h->nr; i++)
		free_vcpu(h->vcpus[i]);
	free(h->vcpus);
	kvs_trace_close(h->trace);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds the vCPUs of a guest's CPUs; see join.h.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "merge/join.h"
#include "merge/match.h"

const char *kvs_host_vm_label(char label[KVS_VM_LEN], const struct kvs_host_vcpu *v)
{
	return kvs_vm_label(label, v->vm_name, v->tgid, v->vm_index);
}

static bool is_of_vm(const struct kvs_vm_id *id, const struct kvs_host_vcpu *v)
{
	return kvs_vm_matches(id, v->tgid, v->vm_index, v->vm_name);
}

/* What the user says of this CPU, if the VM is that of @v; NULL: nothing */
static const struct kvs_told_cpu *told_of(const struct kvs_told *told, unsigned int cpu,
					  const struct kvs_host_vcpu *v)
{
	for (size_t i = 0; i < told->nr; i++)
		if (told->cpus[i].cpu == (long)cpu && is_of_vm(&told->cpus[i].vm, v))
			return &told->cpus[i];
	return NULL;
}

static bool told_otherwise(const struct kvs_told *told, unsigned int cpu,
			   const struct kvs_host_vcpu *v)
{
	const struct kvs_told_cpu *it = told_of(told, cpu, v);

	return it && it->vcpu != v->id;
}

static struct kvs_placing placing_of(const struct kvs_joined *g, unsigned int cpu,
				     const struct kvs_host_vcpu *v)
{
	return (struct kvs_placing){
		.events = g->side.cpus[cpu].at, .nr = g->side.cpus[cpu].nr, .vcpu = v,
	};
}

/* A vCPU fits if it was in guest mode for some events, and not out of it for any. */
static void try_vm(struct kvs_candidate *vm, const struct kvs_joined *g,
		   const struct kvs_candidates *c, const struct kvs_told *told)
{
	static const int ways[] = {
		[KVS_MATCH_NONE] = KVS_CANDIDATE_NO, [KVS_MATCH_ONE] = KVS_CANDIDATE_ONE,
		[KVS_MATCH_SEVERAL] = KVS_CANDIDATE_SEVERAL,
	};

	vm->placed = xcalloc(c->nr_cpus * vm->nr, sizeof(*vm->placed));
	vm->fits = xcalloc(c->nr_cpus * vm->nr, sizeof(*vm->fits));
	vm->vcpu_of = xcalloc(c->nr_cpus, sizeof(*vm->vcpu_of));
	for (size_t i = 0; i < c->nr_cpus; i++) {
		for (size_t v = 0; v < vm->nr; v++) {
			struct kvs_placing p = placing_of(g, c->cpus[i], vm->vcpus[v]);
			struct kvs_placed *placed = &vm->placed[i * vm->nr + v];

			if (told_otherwise(told, c->cpus[i], vm->vcpus[v]))
				placed->outside = KVS_NOT_TOLD;
			else
				vm->fits[i * vm->nr + v] = kvs_causal_fits(&p, placed);
		}
	}
	vm->ways = ways[kvs_match(vm->fits, c->nr_cpus, vm->nr, vm->vcpu_of)];
}

static void list_candidates(struct kvs_candidates *c, const struct kvs_joined *g,
			    const struct kvs_host_side *h)
{
	c->cpus = xcalloc(g->side.parts->cpus, sizeof(*c->cpus));
	for (unsigned int cpu = 0; cpu < g->side.parts->cpus; cpu++)
		if (g->side.cpus[cpu].nr)
			c->cpus[c->nr_cpus++] = cpu;
	for (size_t i = 0, next; i < h->nr; i = next) {
		for (next = i + 1; next < h->nr && h->vcpus[next]->vm == h->vcpus[i]->vm; next++)
			;
		if (!is_of_vm(&g->vm, h->vcpus[i]))
			continue;
		c->vms = xrealloc(c->vms, (c->nr + 1) * sizeof(*c->vms));
		c->vms[c->nr++] = (struct kvs_candidate){
			.vcpus = h->vcpus + i, .nr = next - i,
		};
	}
}

static void free_candidates(struct kvs_candidates *c)
{
	for (size_t i = 0; i < c->nr; i++) {
		free(c->vms[i].placed);
		free(c->vms[i].fits);
		free(c->vms[i].vcpu_of);
	}
	free(c->vms);
	free(c->cpus);
}

/* What the user says has to be of CPUs and vCPUs that there are. */
static bool check_told(const struct kvs_joined *g, const struct kvs_candidates *c,
		       const struct kvs_told *told)
{
	for (size_t i = 0; i < told->nr; i++) {
		const struct kvs_told_cpu *it = &told->cpus[i];
		bool ours = false, there = false;

		for (size_t vm = 0; vm < c->nr; vm++) {
			if (!is_of_vm(&it->vm, c->vms[vm].vcpus[0]))
				continue;
			ours = true;
			for (size_t v = 0; v < c->vms[vm].nr; v++)
				there |= c->vms[vm].vcpus[v]->id == it->vcpu;
		}
		if (!ours)
			continue;	/* of another guest */
		if (it->cpu >= g->side.parts->cpus) {
			kvs_err("%s: has no CPU %ld", g->side.path, it->cpu);
			kvs_hint("its CPUs are 0 to %u", g->side.parts->cpus - 1);
			return false;
		}
		if (!there) {
			kvs_err("%s: the host recorded no vCPU %ld of its VM", g->side.path, it->vcpu);
			kvs_hint("`kvmsched report` lists those that it recorded");
			return false;
		}
	}
	return true;
}

/* The only VM that there is a way for, and one way alone; NULL: there's no such */
static const struct kvs_candidate *only_one(const struct kvs_candidates *c)
{
	const struct kvs_candidate *found = NULL;

	for (size_t i = 0; i < c->nr; i++) {
		if (c->vms[i].ways == KVS_CANDIDATE_NO)
			continue;
		if (found || c->vms[i].ways == KVS_CANDIDATE_SEVERAL)
			return NULL;
		found = &c->vms[i];
	}
	return found;
}

static void take_candidate(struct kvs_joined *g, const struct kvs_candidates *c,
			   const struct kvs_candidate *vm, const struct kvs_told *told)
{
	struct kvs_placing *all = xcalloc(c->nr_cpus, sizeof(*all));

	g->cpus = xcalloc(g->side.parts->cpus, sizeof(*g->cpus));
	for (size_t i = 0; i < c->nr_cpus; i++) {
		struct kvs_joined_cpu *cpu = &g->cpus[c->cpus[i]];

		cpu->vcpu = vm->vcpus[vm->vcpu_of[i]];
		cpu->placed = vm->placed[i * vm->nr + vm->vcpu_of[i]];
		all[i] = placing_of(g, c->cpus[i], cpu->vcpu);
	}
	kvs_causal_shifts(all, c->nr_cpus, 0, &g->shifts);
	free(all);
	for (unsigned int cpu = 0; cpu < g->side.parts->cpus; cpu++) {
		const struct kvs_told_cpu *it = told_of(told, cpu, vm->vcpus[0]);

		for (size_t v = 0; it && v < vm->nr; v++)
			if (vm->vcpus[v]->id == it->vcpu)
				g->cpus[cpu].vcpu = vm->vcpus[v];
	}
}

bool kvs_join(struct kvs_joined *g, const struct kvs_host_side *h, const struct kvs_told *told)
{
	struct kvs_candidates c = { 0 };
	const struct kvs_candidate *vm = NULL;

	list_candidates(&c, g, h);
	if (check_told(g, &c, told)) {
		for (size_t i = 0; i < c.nr; i++)
			try_vm(&c.vms[i], g, &c, told);
		vm = only_one(&c);
		if (vm)
			take_candidate(g, &c, vm, told);
		else
			kvs_join_refuse(g, h, &c);
	}
	free_candidates(&c);
	return vm;
}

const struct kvs_host_vcpu *kvs_joined_vcpu(const struct kvs_joined *g)
{
	unsigned int cpu = 0;

	while (!g->cpus[cpu].vcpu)
		cpu++;
	return g->cpus[cpu].vcpu;
}

bool kvs_joined_cpu_selected(const struct kvs_joined *g, unsigned int cpu,
			     const struct kvs_select *select)
{
	const struct kvs_host_vcpu *v = g->cpus[cpu].vcpu;

	return v && g->side.cpus[cpu].nr &&
	       kvs_select_matches(select, v->tgid, v->vm_index, v->vm_name, v->id);
}

bool kvs_joined_selected(const struct kvs_joined *g, const struct kvs_select *select)
{
	for (unsigned int cpu = 0; cpu < g->side.parts->cpus; cpu++)
		if (kvs_joined_cpu_selected(g, cpu, select))
			return true;
	return false;
}

void kvs_joined_none_selected(const struct kvs_select *select)
{
	char *vm = kvs_vm_id_text(&select->vm);

	if (select->vcpu < 0)
		kvs_err("none of the guests is of VM %s", vm);
	else if (kvs_vm_is_any(&select->vm))
		kvs_err("no guest has events of vCPU %ld", select->vcpu);
	else
		kvs_err("no guest has events of vCPU %ld of VM %s", select->vcpu, vm);
	kvs_hint("`kvmsched merge` without --vm and --vcpu tells which guest is of which VM, and which CPU is which vCPU");
	free(vm);
}

void kvs_joined_free(struct kvs_joined *g)
{
	kvs_guest_side_free(&g->side);
	free(g->cpus);
}

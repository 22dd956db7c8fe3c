// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which threads are meant: those of vCPUs, as `kvmsched info` finds them, or
 * threads by number.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "policy/policy.h"

static void add_thread(struct kvs_threads *threads, const struct kvs_thread *t)
{
	for (size_t i = 0; i < threads->nr; i++)
		if (threads->threads[i].tid == t->tid)
			return;
	threads->threads = xrealloc(threads->threads,
				    (threads->nr + 1) * sizeof(*threads->threads));
	threads->threads[threads->nr++] = *t;
}

/* Adds the threads of a VM; returns how many vCPUs that fit have none yet. */
static size_t add_vm(const struct kvs_selection *s, const struct kvs_vms_vm *vm,
		     int index, struct kvs_threads *threads)
{
	size_t unknown = 0;
	struct kvs_thread t;

	for (size_t i = 0; i < vm->nr; i++) {
		const struct kvs_vms_vcpu *v = &vm->vcpus[i];

		if (s->vcpu >= 0 && s->vcpu != v->id)
			continue;
		/* The thread may have ended since the scan. */
		if (!v->tid || !kvs_thread_look(v->tid, &t)) {
			unknown++;
			continue;
		}
		t.vcpu = v->id;
		t.vm_index = index;
		add_thread(threads, &t);
	}
	return unknown;
}

static size_t add_vms(const struct kvs_selection *s, struct kvs_threads *threads)
{
	struct kvs_vms *vms = kvs_vms_scan();
	size_t unknown = 0;
	int index = 0;

	for (size_t i = 0; i < vms->nr; i++) {
		const struct kvs_vms_vm *vm = &vms->vms[i];

		index = i && vms->vms[i - 1].pid == vm->pid ? index + 1 : 0;
		if (!kvs_vm_matches(&s->vm, vm->pid, index, vm->name))
			continue;
		unknown += add_vm(s, vm, index, threads);
	}
	kvs_vms_free(vms);
	return unknown;
}

void kvs_select_all(const struct kvs_selection *s, struct kvs_threads *threads)
{
	*threads = (struct kvs_threads){ 0 };
	add_vms(s, threads);
}

bool kvs_select(const struct kvs_selection *s, struct kvs_threads *threads)
{
	size_t unknown = 0;
	struct kvs_thread t;

	*threads = (struct kvs_threads){ 0 };
	for (size_t i = 0; i < s->nr_tids; i++) {
		if (!kvs_thread_look(s->tids[i], &t)) {
			kvs_err("there is no thread %d", s->tids[i]);
			return false;
		}
		add_thread(threads, &t);
	}
	if (s->all || !kvs_vm_is_any(&s->vm))
		unknown = add_vms(s, threads);
	if (unknown)
		kvs_warn("%zu vCPUs have no thread yet, or none that can be found: they are left out", unknown);
	if (threads->nr)
		return true;
	kvs_err("no vCPU thread fits");
	kvs_hint("`kvmsched info` lists the VMs that run; --tid takes any thread");
	return false;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which VM has which name.
 */
#include "model/model.h"
#include "trace/vmnames.h"

/* The VMs of one process have one name: its command line has one. */
static const char *name_of(const struct kvs_model *m, unsigned int first, unsigned int next,
			   const struct kvs_vm_names *names)
{
	const char *name;

	for (unsigned int i = first; i < next; i++) {
		name = kvs_vm_names_of_thread(names, m->vcpus[i]->tid);
		if (name)
			return name;
	}
	return kvs_vm_names_of_process(names, m->vcpus[first]->tgid);
}

void kvs_model_name_vms(struct kvs_model *m, const struct kvs_vm_names *names)
{
	unsigned int next;

	/* The vCPUs of a process follow one another. */
	for (unsigned int i = 0; i < m->nr_vcpus; i = next) {
		const char *name;

		for (next = i + 1; next < m->nr_vcpus &&
		     m->vcpus[next]->tgid == m->vcpus[i]->tgid; next++)
			;
		name = name_of(m, i, next, names);
		for (unsigned int v = i; v < next; v++)
			m->vcpus[v]->vm_name = m->vcpus[v]->identified ? name : NULL;
	}
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which VM is meant, and which of its vCPUs, and how it is called.
 */
#ifndef KVMSCHED_VM_H
#define KVMSCHED_VM_H

#include <stdbool.h>

/* Which VM: the process that runs it, and which of the VMs of that process. */
struct kvs_vm_id {
	long pid, index;	/* -1: any */
	const char *name;	/* all VMs that are called so; NULL: by PID */
};

/* Which it is, in words: "web1/4711", "web1/4711.1"; without a name "4711" */
#define KVS_VM_LEN	80	/* room for it; a longer name is cut */
const char *kvs_vm_label(char label[KVS_VM_LEN], const char *name, long pid, long index);

#define KVS_ANY_VM	{ .pid = -1, .index = -1 }

/* Whether @id leaves open which VM is meant */
bool kvs_vm_is_any(const struct kvs_vm_id *id);
/*
 * Whether @id is that of the VM @index of process @pid, which is called @name (NULL: that
 * is not known).  A name is meant as it is, or as it is printed, with its escapes.
 */
bool kvs_vm_matches(const struct kvs_vm_id *id, long pid, long index, const char *name);

/* @id as kvs_parse_vm() takes it, unless it is any VM; the caller frees it. */
char *kvs_vm_id_text(const struct kvs_vm_id *id);

/*
 * True if @s is "PID" or "PID.INDEX", or else a name: any text that is no number.
 * @vm points into @s then.
 */
bool kvs_parse_vm(const char *s, struct kvs_vm_id *vm);

/* What --vm and --vcpu say */
struct kvs_select {
	struct kvs_vm_id vm;
	long vcpu;		/* vcpu_id; -1: any */
};

static inline bool kvs_select_is_any(const struct kvs_select *select)
{
	return kvs_vm_is_any(&select->vm) && select->vcpu < 0;
}

/* Does it mean vCPU @vcpu of a VM, which is named as for kvs_vm_matches()? */
static inline bool kvs_select_matches(const struct kvs_select *select, long pid, long index,
				      const char *name, long vcpu)
{
	return kvs_vm_matches(&select->vm, pid, index, name) &&
	       (select->vcpu < 0 || select->vcpu == vcpu);
}

#endif /* KVMSCHED_VM_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which recordings are of which guests; see guestfile.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "base/value.h"
#include "cmd/guestfile.h"

/* "CPU=VCPU", or "VM:CPU=VCPU"; a VM's name may have any characters. */
char *kvs_take_cpu(void *to, const char *text)
{
	struct kvs_told *told = to;
	struct kvs_told_cpu it = { .vm = KVS_ANY_VM };
	char *copy = xstrdup(text);
	char *colon = strrchr(copy, ':'), *cpu = colon ? colon + 1 : copy;
	char *vcpu = strchr(cpu, '=');
	bool ok;

	if (colon)
		*colon = '\0';
	if (vcpu)
		*vcpu++ = '\0';
	ok = vcpu && kvs_parse_long(cpu, 0, KVS_LAST_VCPU, &it.cpu) &&
	     kvs_parse_long(vcpu, 0, KVS_LAST_VCPU, &it.vcpu);
	if (!ok || (colon && !kvs_parse_vm(copy, &it.vm))) {
		free(copy);
		return xasprintf("'%s' is not CPU=VCPU or VM:CPU=VCPU", text);
	}
	if (!it.vm.name)	/* ... which is the copy */
		free(copy);
	told->cpus = xrealloc(told->cpus, (told->nr + 1) * sizeof(*told->cpus));
	told->cpus[told->nr++] = it;
	return NULL;
}

char *kvs_take_guest(struct kvs_joined *g, char *text)
{
	char *path = strchr(text, '=');

	g->vm = (struct kvs_vm_id)KVS_ANY_VM;
	g->side.path = text;
	if (!path || memchr(text, '/', path - text))
		return NULL;
	*path++ = '\0';
	g->side.path = path;
	if (*path && kvs_parse_vm(text, &g->vm))
		return NULL;
	return xasprintf("'%s=%s' is not VM=FILE: say the VM's name, the PID of its process, or PID.1 for the second VM of that process",
			 text, path);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which VM is meant; see vm.h.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "base/vm.h"

bool kvs_vm_is_any(const struct kvs_vm_id *id)
{
	return id->pid < 0 && !id->name;
}

bool kvs_vm_matches(const struct kvs_vm_id *id, long pid, long index, const char *name)
{
	char *shown;
	bool same;

	if (!id->name)
		return (id->pid < 0 || id->pid == pid) && (id->index < 0 || id->index == index);
	if (!name || !strcmp(id->name, name))
		return name;
	shown = kvs_bytes_shown(name);
	same = !strcmp(id->name, shown);
	free(shown);
	return same;
}

/* What is shown of a name: a character of UTF-8 is not cut in two. */
static int shown_length(const char *name)
{
	const size_t most = 40;
	size_t length = strlen(name);

	if (length <= most)
		return length;
	for (length = most; length && (name[length] & 0xc0) == 0x80; length--)
		;
	return length;
}

const char *kvs_vm_label(char label[KVS_VM_LEN], const char *name, long pid, long index)
{
	int length = name ? shown_length(name) : 0;

	snprintf(label, KVS_VM_LEN, "%.*s%s%s%ld", length, name ? name : "",
		 name && name[length] ? "..." : "", name ? "/" : "", pid);
	if (index)
		snprintf(label + strlen(label), KVS_VM_LEN - strlen(label), ".%ld", index);
	return label;
}

char *kvs_vm_id_text(const struct kvs_vm_id *id)
{
	if (id->name)
		return xstrdup(id->name);
	return id->index < 0 ? xasprintf("%ld", id->pid) :
			       xasprintf("%ld.%ld", id->pid, id->index);
}

bool kvs_parse_vm(const char *s, struct kvs_vm_id *vm)
{
	struct kvs_vm_id found = { .index = -1 };
	char *pid = xstrdup(s), *dot = strchr(pid, '.');
	bool ok;

	if (dot)
		*dot++ = '\0';
	ok = kvs_parse_long(pid, 1, INT_MAX, &found.pid) &&
	     (!dot || kvs_parse_long(dot, 0, INT_MAX, &found.index));
	free(pid);
	if (!ok && s[strspn(s, "-.0123456789")]) {
		found = (struct kvs_vm_id){ .pid = -1, .index = -1, .name = s };
		ok = true;
	}
	if (ok)
		*vm = found;
	return ok;
}

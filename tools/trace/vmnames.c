// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of VMs from the header of a trace.dat; see vmnames.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "trace/vmnames.h"

/* More tasks than hosts have; a damaged file may have any number of lines. */
#define MAX_TASKS	65536
#define MAX_GUESTS	65536

static void keep_text(struct kvs_vm_names *n, char *text)
{
	n->texts = xrealloc(n->texts, (n->nr + 1) * sizeof(*n->texts));
	n->texts[n->nr++] = text;
}

void kvs_vm_names_add_guest(struct kvs_vm_names *n, char *data, size_t size)
{
	size_t at = strnlen(data, size) + 1 + sizeof(uint64_t);
	uint32_t vcpus, entry[2];

	if (!*data || at + sizeof(vcpus) > size || n->nr >= MAX_GUESTS) {
		free(data);
		return;
	}
	keep_text(n, data);
	memcpy(&vcpus, data + at, sizeof(vcpus));
	at += sizeof(vcpus);
	for (; vcpus-- && at + sizeof(entry) <= size; at += sizeof(entry)) {
		memcpy(entry, data + at, sizeof(entry));
		if (entry[1])
			kvs_table_put(&n->by_thread, entry[1], data);
	}
}

void kvs_vm_names_add_tasks(struct kvs_vm_names *n, char *text)
{
	char *line = text, *end, *comm;

	keep_text(n, text);
	for (size_t i = 0; i < MAX_TASKS && (end = strchr(line, '\n')); i++, line = end + 1) {
		unsigned long pid = strtoul(line, &comm, 10);

		*end = '\0';
		if (pid && *comm == ' ' && comm[1])
			kvs_table_put(&n->by_pid, pid, comm + 1);
	}
}

void kvs_vm_names_free(struct kvs_vm_names *n)
{
	for (size_t i = 0; i < n->nr; i++)
		free(n->texts[i]);
	free(n->texts);
	kvs_table_free(&n->by_thread);
	kvs_table_free(&n->by_pid);
}

const char *kvs_vm_names_of_thread(const struct kvs_vm_names *n, int32_t tid)
{
	return tid > 0 ? kvs_table_get(&n->by_thread, tid) : NULL;
}

const char *kvs_vm_names_of_process(const struct kvs_vm_names *n, int32_t pid)
{
	return pid > 0 ? kvs_table_get(&n->by_pid, pid) : NULL;
}

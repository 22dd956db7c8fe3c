/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of VMs, as the header of a trace.dat has them: trace-cmd's option GUEST, which
 * `kvmsched record` writes, gives a guest's name and the thread of each of its vCPUs; the
 * names of tasks have the command of a VMM's process.
 */
#ifndef KVMSCHED_VMNAMES_H
#define KVMSCHED_VMNAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/table.h"

/* All zeroes is empty. */
struct kvs_vm_names {
	struct kvs_table by_thread, by_pid;	/* to names within @texts */
	char **texts;
	size_t nr;		/* of @texts */
};

/*
 * A guest of the option GUEST: its name with a NUL, 8 bytes that identify its own trace,
 * the number of vCPUs (u32), and for each its number and its thread (u32 each).
 * @data has @size bytes and a NUL behind them; it is the callee's from now on.
 */
void kvs_vm_names_add_guest(struct kvs_vm_names *n, char *data, size_t size);
/* Lines "PID COMM"; @text is the callee's from now on. */
void kvs_vm_names_add_tasks(struct kvs_vm_names *n, char *text);
void kvs_vm_names_free(struct kvs_vm_names *n);

/* The name of the guest that has this thread; NULL: unknown.  It lives as long as @n. */
const char *kvs_vm_names_of_thread(const struct kvs_vm_names *n, int32_t tid);
/* The command's name of a process, likewise */
const char *kvs_vm_names_of_process(const struct kvs_vm_names *n, int32_t pid);

#endif /* KVMSCHED_VMNAMES_H */

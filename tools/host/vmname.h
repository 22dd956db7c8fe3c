/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a VM is called, by the process that runs it.
 */
#ifndef KVMSCHED_VMNAME_H
#define KVMSCHED_VMNAME_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * The name that a command line gives its VM, with QEMU's -name, which libvirt uses as
 * well: "NAME", "NAME,debug-threads=on", "guest=NAME".  @cmdline has @size bytes, the
 * arguments with a NUL behind each.  NULL: none.  The caller frees it.
 */
char *kvs_vm_name_in(const char *cmdline, size_t size);

/* The same of a process, or else its command's name.  NULL: it isn't there. */
char *kvs_vm_name_of(pid_t pid);

/*
 * Whether the PIDs of this program's /proc are the kernel's own: the module tells those,
 * and in another PID namespace they may be the PIDs of other processes.
 */
bool kvs_pids_are_the_kernels(void);

#endif /* KVMSCHED_VMNAME_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPF scheduler that is loaded, looked at now and then, and handed to the module, so
 * that a recording has it.
 */
#ifndef KVMSCHED_SCHEDULER_H
#define KVMSCHED_SCHEDULER_H

/* Writes nothing where the kernel has no sched_ext. */
void kvs_scheduler_tell(int dev);

#endif /* KVMSCHED_SCHEDULER_H */

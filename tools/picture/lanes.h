/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lanes of a picture: which vCPUs and CPUs have one, and what a span is in a CPU's.
 */
#ifndef KVMSCHED_LANES_H
#define KVMSCHED_LANES_H

#include "base/vm.h"
#include "model/model.h"

#define KVS_LANES	128	/* the most vCPUs that are drawn, and the most CPUs */
#define KVS_TASK_LANES	8	/* the most tasks of the host, and of each guest */
#define KVS_GUEST_LANES	64	/* the most tasks of all guests */

/* What takes time on a CPU; the vCPUs of the first VMs that are drawn have a kind each. */
enum kvs_runs {
	KVS_RUNS_HUES = 6,
	KVS_RUNS_OTHER_VCPU = KVS_RUNS_HUES,	/* of a VM that is not drawn */
	KVS_RUNS_VMM,				/* a thread of a drawn VM's process, and no vCPU */
	KVS_RUNS_TASK,				/* of the host, and none of these */
	KVS_RUNS_UNKNOWN,			/* records were lost meanwhile */
	KVS_RUNS_KINDS
};

/* What a vCPU's timer is.  It is both until it expires, if that is late. */
enum kvs_timer_is {
	KVS_TIMER_DUE,		/* and not injected yet */
	KVS_TIMER_ARMED,
	KVS_TIMER_UNKNOWN,	/* records were lost while it was armed */
	KVS_TIMER_KINDS
};

/* What a guest's interrupt is.  Several may be pending, or in service, at once. */
enum kvs_irq_is {
	KVS_IRQ_IN_SERVICE,	/* from its injection to its EOI */
	KVS_IRQ_PENDING,	/* accepted, and not injected yet */
	KVS_IRQ_KINDS
};

/* What a CPU serves for the host */
enum kvs_host_serves {
	KVS_HOST_SERVES_IRQ,
	KVS_HOST_SERVES_SOFTIRQ,
	KVS_HOST_SERVES_KINDS
};

/* What a task of the host does */
enum kvs_task_does {
	KVS_TASK_RUNS,
	KVS_TASK_WAITS,		/* after a preemption */
	KVS_TASK_KINDS
};

/* What a task of a guest does, by its guest's own trace and by the host's */
enum kvs_guest_task_does {
	KVS_GUEST_TASK_RUNS,	/* its guest gave it the vCPU, and the host gave that a CPU */
	KVS_GUEST_TASK_WAITS,	/* runnable, and either did not */
	KVS_GUEST_TASK_KINDS
};

struct kvs_lanes {
	struct {
		u16 vm;
		unsigned int index;	/* of the vCPU, in any reading */
		unsigned int hue;	/* of its VM */
		s32 tgid;		/* of its VM's process; 0: not told */
		/* There were some, as far as the model knew then. */
		bool timer, irqs;
	} vcpus[KVS_LANES];
	unsigned int nr_vcpus, nr_vms;
	short *of_index;		/* [index of a vCPU]: its lane; -1: none */
	unsigned int nr_indices;
	unsigned int cpus[KVS_LANES];	/* in the order of first sight */
	unsigned int nr_cpus;
	bool cpus_left_out;		/* there were more than are drawn */
	struct {
		s32 pid;
		char comm[KVS_COMM_LEN];
	} tasks[KVS_TASK_LANES];	/* those that ran longest come first */
	unsigned int nr_tasks;
	struct {
		char vm[KVS_VM_LEN];
		char comm[KVS_COMM_LEN];
		s32 pid;		/* in its guest */
	} guests[KVS_GUEST_LANES];	/* tasks of guests */
	unsigned int nr_guests;
	unsigned int guests_left_out;	/* so many more did something in the drawn time */
};

/* All zeroes is one without lanes. */
void kvs_lanes_free(struct kvs_lanes *lanes);

/* A vCPU is to be drawn; false if there are as many as can be. */
bool kvs_lanes_want(struct kvs_lanes *lanes, const struct kvs_vcpu *v);

/* Tasks of the host that are no vCPUs, by a model that has read and summed all of it */
void kvs_lanes_want_tasks(struct kvs_lanes *lanes, const struct kvs_model *m);
/* The lane of a task; -1: none */
int kvs_lanes_task(const struct kvs_lanes *lanes, const struct kvs_task *task);

/*
 * Gets what the task of a guest did that has @lane; time stamps of the host's file.  Some of
 * it may lie out of the drawn time.
 */
typedef void (*kvs_guest_lane_fn)(void *ctx, unsigned int lane, enum kvs_guest_task_does does,
				  u64 begin, u64 end);

/* The lane of a vCPU, which may be NULL; -1: none */
static inline int kvs_lanes_vcpu(const struct kvs_lanes *lanes, const struct kvs_vcpu *v)
{
	return v && v->index < lanes->nr_indices ? lanes->of_index[v->index] : -1;
}

/* The lane of a CPU, which gets one if there is room; -1: there is none */
int kvs_lanes_cpu(struct kvs_lanes *lanes, unsigned int cpu);

/*
 * What a SLICE or TASK span is in its CPU's lane, enum kvs_runs; -1: nothing.  A vCPU's
 * thread comes as its slices.
 */
int kvs_lanes_runs(const struct kvs_lanes *lanes, const struct kvs_span *span);

#endif /* KVMSCHED_LANES_H */

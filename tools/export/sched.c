// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has each CPU of the host; see packets.h.
 *
 * Perfetto wants switches: who leaves, and who comes.  Slices tell them in pairs, and
 * where one does not follow directly on the other, the idle task is between them.
 */
#include <stdlib.h>

#include "base/util.h"
#include "export/packets.h"

/* As sched_switch has them: the task can go on, or sleeps in whichever way */
#define STATE_RUNNABLE	0
#define STATE_ASLEEP	1
/* Perfetto takes a larger number for damage. */
#define MAX_CPUS	1024

static char idle[] = "swapper";

static struct kvs_sched_cpu *cpu_of(struct kvs_sched *s, int64_t cpu)
{
	unsigned int new = s->nr;

	if (cpu < 0 || cpu >= MAX_CPUS)
		return NULL;
	s->cpus = xgrow(s->cpus, &s->nr, cpu, sizeof(*s->cpus));
	for (; new < s->nr; new++)
		s->cpus[new].until = INT64_MIN;
	return &s->cpus[cpu];
}

static void write_event(struct kvs_packets *p, int64_t cpu, Pf__FtraceEvent *event, int64_t ns)
{
	Pf__FtraceEventBundle bundle = PF__FTRACE_EVENT_BUNDLE__INIT;
	Pf__TracePacket packet = PF__TRACE_PACKET__INIT;

	event->has_timestamp = true;
	event->timestamp = kvs_packets_time(p, ns);
	event->has_pid = true;
	bundle.has_cpu = true;
	bundle.cpu = cpu;
	bundle.event = &event;
	bundle.n_event = 1;
	packet.ftrace_events = &bundle;
	kvs_packets_write(p, &packet);
}

/* At @ns, who had the CPU leaves it to @next; NULL: to the idle task. */
static void write_switch(struct kvs_packets *p, int64_t cpu, struct kvs_sched_cpu *c,
			 const struct kvs_sched_task *next, int64_t ns)
{
	Pf__FtraceEvent event = PF__FTRACE_EVENT__INIT;
	Pf__SchedSwitch change = PF__SCHED_SWITCH__INIT;

	change.prev_comm = c->pid ? c->comm : idle;
	change.has_prev_pid = change.has_prev_prio = change.has_prev_state = true;
	change.prev_pid = c->pid;
	change.prev_prio = c->prio;
	change.prev_state = c->preempted || !c->pid ? STATE_RUNNABLE : STATE_ASLEEP;
	change.next_comm = next && next->comm ? (char *)next->comm : idle;
	change.has_next_pid = change.has_next_prio = true;
	change.next_pid = next ? next->pid : 0;
	change.next_prio = next ? next->prio : 0;
	event.pid = c->pid;
	event.sched_switch = &change;
	write_event(p, cpu, &event, ns);
	c->pid = change.next_pid;
	c->prio = change.next_prio;
	if (next)
		snprintf(c->comm, sizeof(c->comm), "%s", next->comm ?: "");
}

void kvs_sched_slice(struct kvs_sched *s, struct kvs_packets *p, int64_t cpu,
		     const struct kvs_sched_task *task, int64_t begin, int64_t end)
{
	struct kvs_sched_cpu *c = cpu_of(s, cpu);

	/* Two tasks can't have one CPU: what was told before holds. */
	if (!c || end <= c->until)
		return;
	if (begin < c->until)
		begin = c->until;
	if (c->pid && begin > c->until)
		write_switch(p, cpu, c, NULL, c->until);
	write_switch(p, cpu, c, task, begin);
	c->until = end;
	c->preempted = task->preempted;
}

void kvs_sched_wake(struct kvs_packets *p, int64_t cpu, const struct kvs_sched_task *task,
		    int64_t ns)
{
	Pf__FtraceEvent event = PF__FTRACE_EVENT__INIT;
	Pf__SchedWaking waking = PF__SCHED_WAKING__INIT;

	if (cpu < 0 || cpu >= MAX_CPUS)
		return;
	waking.comm = (char *)(task->comm ?: "");
	waking.has_pid = waking.has_prio = waking.has_target_cpu = true;
	waking.pid = task->pid;
	waking.prio = task->prio;
	waking.target_cpu = cpu;
	event.sched_waking = &waking;
	write_event(p, cpu, &event, ns);
}

void kvs_sched_end(struct kvs_sched *s, struct kvs_packets *p)
{
	for (unsigned int cpu = 0; cpu < s->nr; cpu++)
		if (s->cpus[cpu].pid)
			write_switch(p, cpu, &s->cpus[cpu], NULL, s->cpus[cpu].until);
	free(s->cpus);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The worst moments, each as a sentence and its chain of times.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "uapi/kvmsched.h"
#include "report/print.h"
#include "model/names.h"

static double ms(const struct kvs_view *view, u64 ts)
{
	return kvs_scale(&view->times.ts, ts) / 1e6;
}

/* Seconds since the recording began */
static double at(const struct kvs_view *view, u64 ts)
{
	const struct kvs_model *m = view->model;
	u64 start = m->started ? m->start_ts : m->first_ts;

	return ts > start ? kvs_scale(&view->times.ts, ts - start) / 1e9 : 0;
}

/* The kernel's prio doesn't tell FIFO from RR. */
static void write_policy(FILE *f, int prio)
{
	if (prio < 0)
		fprintf(f, "SCHED_DEADLINE");
	else if (prio < 100)
		fprintf(f, "SCHED_FIFO/RR %d", 99 - prio);
	else
		fprintf(f, "SCHED_OTHER %d", prio);
}

static void write_task(FILE *f, const struct kvs_view *view, const struct kvs_holder *who)
{
	const struct kvs_vcpu *v = kvs_vcpu_of_thread(view->model, who->pid);
	char vm[KVS_VM_LEN];

	if (v)
		fprintf(f, "vm %s vcpu%u, thread ", kvs_vm_name(vm, v), v->id);
	fprintf(f, "%s/%d (", who->comm, who->pid);
	write_policy(f, who->prio);
	fputc(')', f);
}

/* "runnable, but CPU 3 ran ..." */
static void write_thief(FILE *f, const struct kvs_view *view, const struct kvs_moment *moment)
{
	const struct kvs_holder *who = &moment->thief;
	double time = ms(view, moment->thief_time);

	switch (who->kind) {
	case KVS_THIEF_TASK:
	case KVS_THIEF_MIGRATION:
		/* Without class steal only the first successor is known. */
		if (kvs_model_has_class(view->model, KVMSCHED_CLASS_STEAL)) {
			fprintf(f, "runnable, but CPU %u ran ", who->cpu);
			write_task(f, view, who);
			fprintf(f, " for %.3f ms", time);
		} else {
			fprintf(f, "runnable, but CPU %u went to ", who->cpu);
			write_task(f, view, who);
		}
		break;
	case KVS_THIEF_INTERRUPT:
		fprintf(f, "runnable, but CPU %u served the interrupt %s for %.3f ms",
			who->cpu, who->comm, time);
		break;
	case KVS_THIEF_IDLE:
		fprintf(f, "runnable, but CPU %u was idle and needed %.3f ms to wake up",
			who->cpu, time);
		break;
	case KVS_THIEF_THROTTLED:
		fprintf(f, "runnable, but CPU %u stayed idle for %.3f ms (throttled, it seems)",
			who->cpu, time);
		break;
	default:
		fprintf(f, "runnable; who had the CPU was not recorded");
	}
}

static void write_cause(FILE *f, const struct kvs_view *view, const struct kvs_moment *moment)
{
	unsigned int cause = kvs_cause_main(moment->spent);
	double time = ms(view, moment->spent[cause]);

	switch (cause) {
	case KVS_CAUSE_TIMER:
		fprintf(f, "the timer that backs it expired %.3f ms late", time);
		break;
	case KVS_CAUSE_WAIT:
		write_thief(f, view, moment);
		break;
	case KVS_CAUSE_USER:
		fprintf(f, "the vCPU was in userspace for %.3f ms", time);
		break;
	case KVS_CAUSE_HOST:
		fprintf(f, "the host kernel was at work on its CPU for %.3f ms", time);
		break;
	case KVS_CAUSE_GUEST:
		fprintf(f, "it stayed in guest mode for %.3f ms before an exit let it in", time);
		break;
	case KVS_CAUSE_SLEEP:
		fprintf(f, "it slept for %.3f ms more", time);
		break;
	default:
		fprintf(f, "what it did for %.3f ms is unknown, records are missing", time);
	}
}

static void write_exit(FILE *f, const struct kvs_view *view, const struct kvs_moment *moment)
{
	char name[KVS_NAME_LEN];

	fprintf(f, "exit %s at %.6f s took %.3f ms of host time on CPU %u, until %s",
		kvs_exit_reason(name, moment->isa, moment->reason), at(view, moment->begin),
		ms(view, moment->length), moment->cpu, kvs_exit_end(moment->exit_end));
}

static void write_sentence(FILE *f, const struct kvs_view *view,
			   const struct kvs_moment *moment)
{
	double length = ms(view, moment->length), begin = at(view, moment->begin);
	char vm[KVS_VM_LEN];

	fprintf(f, "vm %s vcpu%u: ", kvs_vm_name(vm, moment->vcpu), moment->vcpu->id);
	switch (moment->kind) {
	case KVS_MOMENT_TIMER:
		fprintf(f, "timer due at %.6f s injected %.3f ms late: ", begin, length);
		write_cause(f, view, moment);
		break;
	case KVS_MOMENT_IRQ:
		fprintf(f, "vector %#x accepted at %.6f s, injected %.3f ms later: ",
			moment->vector, begin, length);
		write_cause(f, view, moment);
		break;
	case KVS_MOMENT_WAIT:
		fprintf(f, "waited %.3f ms for a CPU at %.6f s after %s: ", length, begin,
			moment->preempted ? "a preemption" : "a wakeup");
		write_thief(f, view, moment);
		break;
	case KVS_MOMENT_EXIT:
		write_exit(f, view, moment);
		break;
	}
}

char *kvs_moment_sentence(const struct kvs_view *view, const struct kvs_moment *moment)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f) {
		kvs_err("out of memory");
		exit(KVS_EXIT_FAILED);
	}
	write_sentence(f, view, moment);
	fclose(f);
	return text;
}

static void print_chain(const struct kvs_view *view, const struct kvs_moment *moment)
{
	static const char *const from[] = {
		[KVS_MOMENT_TIMER] = "due", [KVS_MOMENT_IRQ] = "accepted",
		[KVS_MOMENT_WAIT] = "runnable", [KVS_MOMENT_EXIT] = "exit",
	};
	static const char *const to[] = {
		[KVS_MOMENT_TIMER] = "injected", [KVS_MOMENT_IRQ] = "injected",
		[KVS_MOMENT_WAIT] = "on a CPU", [KVS_MOMENT_EXIT] = "told",
	};
	u64 begin = moment->begin;

	printf("     %s %.6f s", from[moment->kind], at(view, begin));
	if (moment->expired > begin)
		printf(", expired +%.3f ms", ms(view, moment->expired - begin));
	if (moment->accepted > begin)
		printf(", accepted +%.3f ms", ms(view, moment->accepted - begin));
	printf(", %s +%.3f ms (CPU %u)\n", to[moment->kind],
	       ms(view, moment->end - begin), moment->cpu);
	for (unsigned int i = 0; i < KVS_CAUSES; i++)
		if (moment->spent[i])
			printf("       %-20s %10.3f ms\n", kvs_cause_name(i),
			       ms(view, moment->spent[i]));
}

void kvs_print_worst(const struct kvs_view *view)
{
	const struct kvs_worst *w = &view->model->worst;
	unsigned int shown = 0;

	kvs_title(view, "Worst moments; times are since the recording began");
	for (unsigned int i = 0; i < w->count; i++) {
		char *text;

		if (!kvs_selected(&view->select, w->heap[i].vcpu))
			continue;
		text = kvs_moment_sentence(view, &w->heap[i]);
		printf("%3u. %s\n", ++shown, text);
		free(text);
		print_chain(view, &w->heap[i]);
	}
	if (!shown)
		printf("none\n");
}

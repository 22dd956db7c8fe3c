// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who sent an interrupt; see senders.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "model/clock.h"
#include "model/model.h"
#include "model/senders.h"

/* Only a damaged file has more irqfds, or more senders of one vector. */
#define MAX_SIGNALS	65536
#define MAX_SENDERS	256

/* The process of a VM's VMM, by any of its vCPUs; 0: no record has told it */
static s32 vmm_of(const struct kvs_model *m, u16 vm)
{
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		if (m->vcpus[i]->vm == vm && m->vcpus[i]->identified)
			return m->vcpus[i]->tgid;
	return 0;
}

static bool begins_with(const char *name, const char *with)
{
	return !strncmp(name, with, strlen(with));
}

/* A thread that is not within KVM_RUN.  vhost's is one of the kernel's up to 6.3. */
static u8 kind_of_task(const struct kvs_sender *who, u8 flags, s32 vmm)
{
	if (flags & (KS_TASK_KTHREAD | KS_TASK_USER_WORKER) &&
	    begins_with(who->name, "vhost-"))
		return KVS_SENDER_VHOST;
	if (flags & KS_TASK_KTHREAD)
		return KVS_SENDER_KERNEL;
	return vmm && who->tgid == vmm ? KVS_SENDER_VMM : KVS_SENDER_PROCESS;
}

/* Who the fields of KS_SENDER_FIELDS in @record tell; @vmm: see vmm_of() */
#define sender_told(m, rec, record, vmm) ({				\
	struct kvs_sender who_ = {					\
		.tid = (rec)->ent.pid, .tgid = (rec)->record.tgid,	\
		.vcpu = KS_NO_VCPU,					\
	};								\
									\
	kvs_copy_comm(who_.name, (rec)->record.name, sizeof((rec)->record.name)); \
	place(&who_, (rec)->record.context, (rec)->record.task_flags,	\
	      (rec)->record.from_vm, (rec)->record.from_vcpu, vmm);	\
	who_;								\
})

static void place(struct kvs_sender *who, u8 context, u8 flags, u16 vm, u16 vcpu, s32 vmm)
{
	switch (context) {
	case KS_CONTEXT_TASK:
		who->kind = kind_of_task(who, flags, vmm);
		return;
	case KS_CONTEXT_VCPU:
		who->kind = KVS_SENDER_VCPU;
		who->vm = vm;
		who->vcpu = vm ? vcpu : KS_NO_VCPU;
		if (vm) {
			who->tid = 0;
			who->tgid = 0;
			*who->name = '\0';
		}
		return;
	case KS_CONTEXT_HARDIRQ:
	case KS_CONTEXT_SOFTIRQ:
		who->kind = context == KS_CONTEXT_HARDIRQ ? KVS_SENDER_HOST_IRQ :
							    KVS_SENDER_SOFTIRQ;
		who->tid = 0;
		who->tgid = 0;
		return;
	default:
		*who = (struct kvs_sender){ .vcpu = KS_NO_VCPU };
	}
}

bool kvs_sender_is_same(const struct kvs_sender *a, const struct kvs_sender *b)
{
	return a->kind == b->kind && a->by == b->by && a->vm == b->vm &&
	       a->vcpu == b->vcpu && a->tid == b->tid && a->tgid == b->tgid &&
	       !strcmp(a->name, b->name);
}

static u64 signal_key(u16 vm, u32 gsi)
{
	return (u64)vm << 32 | gsi;
}

static struct kvs_signal *signal_get(struct kvs_model *m, u16 vm, u32 gsi)
{
	struct kvs_signal *s = kvs_table_get(&m->signals, signal_key(vm, gsi));

	if (s || m->signals.count == MAX_SIGNALS)
		return s;
	s = xcalloc(1, sizeof(*s));
	kvs_table_put(&m->signals, signal_key(vm, gsi), s);
	return s;
}

void kvs_signals_free(struct kvs_model *m)
{
	for (size_t i = 0; i < m->signals.room; i++)
		free(m->signals.slots[i].value);
	kvs_table_free(&m->signals);
}

void kvs_sender_signal(struct kvs_model *m, const struct kvs_record *rec)
{
	struct kvs_signal *s = signal_get(m, rec->irqfd.vm, rec->irqfd.gsi);
	struct kvs_sender who = sender_told(m, rec, irqfd, vmm_of(m, rec->irqfd.vm));

	if (!s)
		return;
	if (!s->on || s->taken || s->epoch != m->epoch) {
		/* Of lost records, some may have been signals, too. */
		*s = (struct kvs_signal){
			.on = true, .ts = rec->ts, .epoch = m->epoch, .who = who,
			.on_cpu_ts = kvs_host_runs_since(m, rec),
		};
		return;
	}
	s->again = true;
	s->unsure |= !kvs_sender_is_same(&s->who, &who);
}

/* One injection may go to several vCPUs, in the order of their ids. */
static bool goes_on(const struct kvs_signal *s, const struct kvs_record *rec)
{
	return !s->taken || (s->worker == rec->ent.pid && s->vcpu < rec->irq_accept.vcpu);
}

/*
 * What a work item delivers was asked for by the signal before.  Where signals became
 * one interrupt, it is everybody's; where records were lost, another signal may be among
 * them.
 */
static void of_work(struct kvs_model *m, const struct kvs_record *rec,
		    struct kvs_sender *who, struct kvs_sending *sent)
{
	const struct kvs_signal *s =
		kvs_table_get(&m->signals, signal_key(rec->irq_accept.vm, rec->irq_accept.gsi));
	bool sure = s && s->on && s->epoch == m->epoch && !s->unsure && goes_on(s, rec);

	*who = sure ? s->who :
		      (struct kvs_sender){ .kind = KVS_SENDER_WORK, .vcpu = KS_NO_VCPU };
	if (sure && !s->again)
		*sent = (struct kvs_sending){ .ts = s->ts, .on_cpu_ts = s->on_cpu_ts };
}

static void take_signal(struct kvs_model *m, const struct kvs_record *rec)
{
	struct kvs_signal *s =
		kvs_table_get(&m->signals, signal_key(rec->irq_accept.vm, rec->irq_accept.gsi));

	if (!s)
		return;
	s->taken = true;
	s->worker = rec->ent.pid;
	s->vcpu = rec->irq_accept.vcpu;
}

/* A field that differs between interrupts of one sender would make two of it. */
static void only(struct kvs_sender *who, u8 kind, u16 vm, u16 vcpu)
{
	*who = (struct kvs_sender){ .kind = kind, .vm = vm, .vcpu = vcpu };
}

void kvs_sender_of(struct kvs_model *m, const struct kvs_vcpu *v,
		   const struct kvs_record *rec, struct kvs_sender *who,
		   struct kvs_sending *sent)
{
	u64 cycles = rec->irq_accept.sent_cycles;
	u8 by = rec->irq_accept.by;

	*sent = (struct kvs_sending){ .ts = 0 };
	*who = sender_told(m, rec, irq_accept, v->identified ? v->tgid : vmm_of(m, v->vm));
	if (cycles && m->cycles_to_ts.known && kvs_ts_of_cycles(m, cycles) < rec->ts)
		sent->ts = rec->ts - kvs_ts_of_cycles(m, cycles);
	if (who->tid && by != KS_BY_IRQFD_WORK)
		sent->on_cpu_ts = kvs_host_runs_since(m, rec);
	switch (by) {
	case KS_BY_ICR:
	case KS_BY_HYPERCALL:
		only(who, KVS_SENDER_IPI, who->vm, who->vcpu);
		break;
	case KS_BY_TIMER:
		only(who, KVS_SENDER_TIMER, 0, KS_NO_VCPU);
		break;
	case KS_BY_IRQFD_WORK:
		of_work(m, rec, who, sent);
		take_signal(m, rec);
		break;
	case KS_BY_IRQFD:
		take_signal(m, rec);
		break;
	}
	if (who->kind != KVS_SENDER_NOT_TOLD)
		who->by = by;
}

unsigned int kvs_sender_row(struct kvs_vector_stats *s, const struct kvs_sender *who)
{
	const struct kvs_sender others = { .kind = KVS_SENDER_OTHERS, .vcpu = KS_NO_VCPU };
	struct kvs_sender_stats *row;

	for (unsigned int i = 0; i < s->nr_senders; i++)
		if (kvs_sender_is_same(&s->senders[i].who, who))
			return i;
	if (s->nr_senders == MAX_SENDERS)
		return MAX_SENDERS - 1;
	s->senders = xrealloc(s->senders, (s->nr_senders + 1) * sizeof(*s->senders));
	row = &s->senders[s->nr_senders++];
	*row = (struct kvs_sender_stats){
		.who = s->nr_senders == MAX_SENDERS ? others : *who,
	};
	return s->nr_senders - 1;
}

void kvs_senders_free(struct kvs_vector_stats *s)
{
	for (unsigned int i = 0; i < s->nr_senders; i++) {
		kvs_hist_free(&s->senders[i].sent_to_accept_ts);
		kvs_hist_free(&s->senders[i].accept_to_inject_ts);
	}
	free(s->senders);
}

void kvs_accept_emit(struct kvs_vcpu *v, struct kvs_vector_stats *s, unsigned int row,
		     const struct kvs_record *rec, const struct kvs_sending *sent, bool merged)
{
	u64 begin = sent->ts && sent->ts < rec->ts ? sent->ts : rec->ts;
	const struct kvs_span span = {
		.kind = KVS_SPAN_ACCEPT, .vcpu = v, .cpu = rec->cpu,
		.begin = begin, .end = rec->ts, .length = rec->ts - begin,
		.irq = {
			.vector = s, .sender = &s->senders[row], .merged = merged,
			.of_timer = s->senders[row].who.kind == KVS_SENDER_TIMER,
			.sent_ts = sent->ts, .on_cpu_ts = sent->on_cpu_ts,
		},
	};

	if (kvs_span_wanted(v->sinks, KVS_SPAN_ACCEPT))
		kvs_span_emit(v->sinks, &span);
}

const char *kvs_sender_kind(unsigned int kind)
{
	static const char *const names[KVS_SENDER_KINDS] = {
		[KVS_SENDER_NOT_TOLD]	= "not told",
		[KVS_SENDER_IPI]	= "ipi",
		[KVS_SENDER_TIMER]	= "timer",
		[KVS_SENDER_VCPU]	= "vcpu",
		[KVS_SENDER_VMM]	= "vmm",
		[KVS_SENDER_VHOST]	= "vhost",
		[KVS_SENDER_HOST_IRQ]	= "host interrupt",
		[KVS_SENDER_SOFTIRQ]	= "softirq",
		[KVS_SENDER_KERNEL]	= "kernel thread",
		[KVS_SENDER_PROCESS]	= "process",
		[KVS_SENDER_WORK]	= "unknown",
		[KVS_SENDER_OTHERS]	= "others",
	};

	return kind < KVS_SENDER_KINDS ? names[kind] : NULL;
}

/* By which way it came: text that follows the name of the sender */
static const char *way(const struct kvs_sender *who)
{
	switch (who->by) {
	case KS_BY_IRQFD:
		return ", irqfd";
	case KS_BY_IRQFD_WORK:
		return ", irqfd by a work item";
	default:
		return "";
	}
}

static const char *vcpu_words(char text[KVS_SENDER_LEN], const struct kvs_vcpu *v,
			      const struct kvs_sender *who)
{
	const char *what = who->kind == KVS_SENDER_IPI ? ", IPI" :
			   who->by == KS_BY_OTHER ? ", in an exit" : way(who);
	char vcpu[32];

	if (who->vcpu == KS_NO_VCPU)
		snprintf(vcpu, sizeof(vcpu), "an unknown vCPU");
	else if (who->vm == v->vm && who->vcpu == v->id)
		snprintf(vcpu, sizeof(vcpu), "itself");
	else
		snprintf(vcpu, sizeof(vcpu), "vCPU %u%s", who->vcpu,
			 who->vm == v->vm ? "" : " of another VM");
	snprintf(text, KVS_SENDER_LEN, "%s%s", vcpu, what);
	return text;
}

const char *kvs_sender_words(char text[KVS_SENDER_LEN], const struct kvs_vcpu *v,
			     const struct kvs_sender *who)
{
	const char *kind = who->kind == KVS_SENDER_VMM ? "VMM " :
			   who->kind == KVS_SENDER_PROCESS ? "process " : "";

	switch (who->kind) {
	case KVS_SENDER_IPI:
	case KVS_SENDER_VCPU:
		return vcpu_words(text, v, who);
	case KVS_SENDER_TIMER:
		snprintf(text, KVS_SENDER_LEN, "its own timer");
		break;
	case KVS_SENDER_VMM:
	case KVS_SENDER_VHOST:
	case KVS_SENDER_KERNEL:
	case KVS_SENDER_PROCESS:
		snprintf(text, KVS_SENDER_LEN, "%s%s/%d%s", kind, who->name, who->tid, way(who));
		break;
	case KVS_SENDER_HOST_IRQ:
		snprintf(text, KVS_SENDER_LEN, "host interrupt %s%s",
			 *who->name ? who->name : "(not seen)", way(who));
		break;
	case KVS_SENDER_SOFTIRQ:
	case KVS_SENDER_WORK:
	default:
		snprintf(text, KVS_SENDER_LEN, "%s%s", kvs_sender_kind(who->kind), way(who));
		break;
	}
	return text;
}

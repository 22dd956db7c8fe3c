// SPDX-License-Identifier: GPL-2.0-only
/*
 * The recording as a whole: its sessions, hooks, losses and classes.
 */
#include <string.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "model/clock.h"
#include "model/model.h"
#include "model/names.h"

#define MAX_HOOKS	1024

void kvs_session_record(struct kvs_model *m, const struct kvs_record *rec)
{
	if (rec->session.op == KS_SESSION_STOP) {
		if (!m->stopped || rec->ts > m->stop_ts)
			m->stop_ts = rec->ts;
		m->stopped = true;
		m->has_closing = true;
	} else {
		if (!m->started || rec->ts < m->start_ts)
			m->start_ts = rec->ts;
		m->started = true;
	}
	m->classes |= rec->session.classes;
	m->overwrite |= rec->session.overwrite;
	m->pages = rec->session.pages;
	if (rec->session.tsc_khz)
		kvs_session_clock(m, rec->session.tsc_khz);
}

void kvs_session_foretold(struct kvs_model *m, const struct kvs_record *rec)
{
	m->classes |= rec->session.classes;
	m->overwrite |= rec->session.overwrite;
	if (rec->session.tsc_khz)
		kvs_session_clock(m, rec->session.tsc_khz);
}

/*
 * A hook may have several records: one of each CPU, or at both ends of a flight recorder's
 * file.  The first one counts.
 */
void kvs_attach_record(struct kvs_model *m, const struct kvs_record *rec)
{
	struct kvs_hook hook = {
		.classes = rec->attach.classes,
		.how = rec->attach.how,
		.status = rec->attach.status,
	};

	kvs_copy_comm(hook.name, rec->attach.hook, sizeof(rec->attach.hook));
	if (!strcmp(hook.name, "sched_switch") && hook.classes & KVMSCHED_CLASS_STEAL &&
	    hook.status)
		m->queues.idles.blind = true;
	if (!strcmp(hook.name, "tg_throttle_down") && !hook.status)
		m->quotas_told = true;
	if (!strcmp(hook.name, "kvm_hv_stimer_expiration") && !hook.status)
		m->stimers_told = true;
	if (!strcmp(hook.name, "kvm_apicv_accept_irq") && !hook.status)
		m->posts_told = true;
	for (unsigned int i = 0; i < m->nr_hooks; i++)
		if (!strcmp(m->hooks[i].name, hook.name) &&
		    (m->hooks[i].how == hook.how || m->hooks[i].classes == hook.classes))
			return;
	if (m->nr_hooks == MAX_HOOKS)
		return;
	m->hooks = xrealloc(m->hooks, (m->nr_hooks + 1) * sizeof(*m->hooks));
	m->hooks[m->nr_hooks++] = hook;
}

static struct kvs_cpu_loss *cpu_loss(struct kvs_model *m, unsigned int cpu)
{
	m->cpu_loss = xgrow(m->cpu_loss, &m->nr_cpu_loss, cpu, sizeof(*m->cpu_loss));
	return &m->cpu_loss[cpu];
}

/* Hits of a hook that the kernel dropped; a file may hold several records of one hook. */
static void missed_hits(struct kvs_model *m, const char *hook, u64 count)
{
	struct kvs_missed *h;

	for (h = m->missed; h < m->missed + m->nr_missed; h++)
		if (!strcmp(h->hook, hook))
			break;
	if (h == m->missed + m->nr_missed) {
		if (m->nr_missed == MAX_HOOKS)
			return;
		m->missed = xrealloc(m->missed, (m->nr_missed + 1) * sizeof(*h));
		h = &m->missed[m->nr_missed++];
		*h = (struct kvs_missed){ 0 };
		kvs_copy_comm(h->hook, hook, sizeof(h->hook) - 1);
	}
	h->count += count;
}

void kvs_lost_record(struct kvs_model *m, const struct kvs_record *rec)
{
	char name[sizeof(rec->lost.name) + 1];
	const char *bare = name;
	unsigned int event;

	kvs_copy_comm(name, rec->lost.name, sizeof(rec->lost.name));
	if (!strncmp(name, KVS_EVENT_PREFIX, strlen(KVS_EVENT_PREFIX)))
		bare += strlen(KVS_EVENT_PREFIX);
	for (event = 0; event < KS_NR_EVENTS; event++)
		if (!strcmp(bare, kvs_event_name(event)))
			break;
	/*
	 * Not of an event: records that made room for others, vCPUs that found none, hits
	 * of a kprobe
	 */
	if (event == KS_NR_EVENTS && !rec->lost.event) {
		if (!strcmp(name, "overwritten"))
			m->overwritten += rec->lost.count;
		else if (!strcmp(name, "refused"))
			m->refused += rec->lost.count;
		else
			missed_hits(m, name, rec->lost.count);
		return;
	}
	m->lost_closing[event] += rec->lost.count;
	cpu_loss(m, rec->lost.cpu)->closing += rec->lost.count;
	m->has_closing = true;
}

void kvs_model_missed(void *ctx, unsigned int cpu, s64 count)
{
	struct kvs_model *m = ctx;

	m->epoch++;
	if (count < 0) {
		m->lost_pages_unknown = true;
		cpu_loss(m, cpu)->uncounted = true;
	} else {
		m->lost_pages += count;
		cpu_loss(m, cpu)->flagged += count;
	}
	kvs_waits_lost(m, cpu);
}

void kvs_session_finish(struct kvs_model *m)
{
	/* The flag of a page counts what was lost before it.  After the last page comes none. */
	for (unsigned int cpu = 0; cpu < m->nr_cpu_loss; cpu++)
		if (m->cpu_loss[cpu].closing > m->cpu_loss[cpu].flagged &&
		    !m->cpu_loss[cpu].uncounted)
			kvs_waits_lost(m, cpu);
}

u64 kvs_model_records(const struct kvs_model *m)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < KS_NR_EVENTS; i++)
		sum += m->records[i];
	return sum;
}

u64 kvs_model_ever(const struct kvs_model *m, unsigned int event)
{
	return m->counting.excerpt.on ? m->counting.records[event] : m->records[event];
}

u64 kvs_model_all_records(const struct kvs_model *m)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < KS_NR_EVENTS; i++)
		sum += kvs_model_ever(m, i);
	return sum;
}

/*
 * The closing records hold all losses of the session, the pages' flags those
 * that were followed by another page; never both.
 */
bool kvs_model_lost(const struct kvs_model *m, u64 *lost)
{
	u64 closing = 0;

	for (unsigned int i = 0; i <= KS_NR_EVENTS; i++)
		closing += m->lost_closing[i];
	if (m->has_closing && closing >= m->lost_pages) {
		*lost = closing;
		return closing || !m->lost_pages_unknown;
	}
	*lost = m->lost_pages;
	return !m->lost_pages_unknown;
}

bool kvs_model_vcpus_missing(const struct kvs_model *m)
{
	return m->refused || m->beyond;
}

bool kvs_model_all_seen(const struct kvs_model *m)
{
	return !kvs_model_vcpus_missing(m) && !m->nr_missed;
}

u64 kvs_model_start_ts(const struct kvs_model *m)
{
	return m->started ? m->start_ts : m->first_ts;
}

u64 kvs_model_end_ts(const struct kvs_model *m)
{
	return m->stopped ? m->stop_ts : m->last_ts;
}

u64 kvs_model_duration_ts(const struct kvs_model *m)
{
	u64 start = kvs_model_start_ts(m), stop = kvs_model_end_ts(m);

	return stop > start ? kvs_excerpt_part(&m->counting.excerpt, start, stop) : 0;
}

/* Enabled events have no record of the hook: then one of cgroups is the proof. */
bool kvs_model_tells_quotas(const struct kvs_model *m)
{
	return m->quotas_told || kvs_model_ever(m, KS_EV_cgroup);
}

bool kvs_model_has_ledger(const struct kvs_model *m)
{
	return kvs_model_has_class(m, KVMSCHED_CLASS_SWITCH) &&
	       kvs_model_has_class(m, KVMSCHED_CLASS_EXIT);
}

const char *kvs_model_why_unknown(const struct kvs_model *m)
{
	if (!kvs_model_has_class(m, KVMSCHED_CLASS_EXIT))
		return "class exit was not recorded";
	if (!kvs_model_has_class(m, KVMSCHED_CLASS_SWITCH))
		return "class switch was not recorded";
	return "records are missing";
}

static const u32 event_classes[KS_NR_EVENTS] = {
#define KS_RECORD(record, classes, ...) [KS_EV_##record] = classes,
#include "uapi/record_list.h"
};

bool kvs_model_has_class(const struct kvs_model *m, u32 class)
{
	if (m->classes & class)
		return true;
	/* Enabled events know no session: then a record is the proof. */
	for (unsigned int i = 0; i < KS_NR_EVENTS; i++) {
		/* These come with other classes, too. */
		if (i == KS_EV_vcpu || i == KS_EV_host_irq)
			continue;
		if (kvs_model_ever(m, i) && (event_classes[i] & class))
			return true;
	}
	return false;
}

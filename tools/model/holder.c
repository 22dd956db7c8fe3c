// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who the holder of a CPU is; see holder.h.
 */
#include <sched.h>
#include <stdio.h>

#include "base/util.h"
#include "model/holder.h"

#define DEFAULT_PRIO	120	/* nice 0 */

static const char *const relations[KVS_RELATIONS] = {
	[KVS_RELATION_UNKNOWN]		= "unknown",
	[KVS_RELATION_OWN_VCPU]		= "own vCPU",
	[KVS_RELATION_OWN_THREAD]	= "own VMM's thread",
	[KVS_RELATION_OTHER_VCPU]	= "other VM's vCPU",
	[KVS_RELATION_OTHER_THREAD]	= "other VMM's thread",
	[KVS_RELATION_KERNEL]		= "kernel thread",
	[KVS_RELATION_OTHER]		= "other process",
};

const char *kvs_relation_name(enum kvs_relation relation)
{
	return relation < KVS_RELATIONS ? relations[relation] : NULL;
}

static bool is_told(const struct kvs_holder *who)
{
	return who->flags & KS_TASK_TOLD;
}

static bool is_vmm(const struct kvs_model *m, s32 tgid)
{
	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		if (m->vcpus[i]->identified && m->vcpus[i]->tgid == tgid)
			return true;
	return kvs_foretold_vmm(m, tgid);
}

enum kvs_relation kvs_holder_relation(const struct kvs_model *m, const struct kvs_vcpu *v,
				      const struct kvs_holder *who)
{
	const struct kvs_vcpu *other = kvs_vcpu_of_thread(m, who->pid);

	/* One process may have several VMs: the number tells them apart. */
	if (other)
		return other->vm == v->vm ? KVS_RELATION_OWN_VCPU : KVS_RELATION_OTHER_VCPU;
	if (!is_told(who))
		return KVS_RELATION_UNKNOWN;
	if (who->flags & KS_TASK_KTHREAD)
		return KVS_RELATION_KERNEL;
	if (!v->identified)
		return KVS_RELATION_UNKNOWN;
	if (who->tgid == v->tgid)
		return KVS_RELATION_OWN_THREAD;
	return is_vmm(m, who->tgid) ? KVS_RELATION_OTHER_THREAD : KVS_RELATION_OTHER;
}

const char *kvs_holder_policy_name(const struct kvs_holder *who)
{
	return is_told(who) ? kvs_policy_known(who->policy) : NULL;
}

/* The kernel's priority alone: it is the same for several policies. */
static void guess_nothing(char text[KVS_POLICY_LEN], int prio)
{
	if (prio < 0)
		snprintf(text, KVS_POLICY_LEN, "SCHED_DEADLINE");
	else if (prio < KVS_MAX_RT_PRIO)
		snprintf(text, KVS_POLICY_LEN, "SCHED_FIFO or RR %d", KVS_MAX_RT_PRIO - 1 - prio);
	else
		snprintf(text, KVS_POLICY_LEN, "SCHED_OTHER, BATCH, IDLE or EXT, nice %d",
			 prio - DEFAULT_PRIO);
}

/*
 * Since 6.12 the fair server gives ordinary tasks some time beside real-time ones.  7.x has
 * one for the ext class, too.  The policy does not tell which of them it was: a BPF scheduler
 * may have ordinary tasks as well, and while none is loaded, the fair class has those of
 * SCHED_EXT.
 */
static const char *server_of(const struct kvs_holder *who)
{
	return who->flags & KS_TASK_SERVER ? ", by the fair or ext server" : "";
}

const char *kvs_holder_policy(char text[KVS_POLICY_LEN], const struct kvs_holder *who)
{
	const char *name = kvs_holder_policy_name(who);
	char boost[24] = "";

	if (!name) {
		guess_nothing(text, who->prio);
	} else if (who->policy == SCHED_DEADLINE) {
		snprintf(text, KVS_POLICY_LEN, "%s", name);
	} else if (who->policy == SCHED_FIFO || who->policy == SCHED_RR) {
		snprintf(text, KVS_POLICY_LEN, "%s %d", name, KVS_MAX_RT_PRIO - 1 - who->prio);
	} else {
		/* It holds a lock that a real-time task waits for. */
		if (who->prio < 0)
			snprintf(boost, sizeof(boost), ", boosted to deadline");
		else if (who->prio < KVS_MAX_RT_PRIO)
			snprintf(boost, sizeof(boost), ", boosted to %d",
				 KVS_MAX_RT_PRIO - 1 - who->prio);
		snprintf(text, KVS_POLICY_LEN, "%s, nice %d%s%s", name, who->nice, boost,
			 server_of(who));
	}
	return text;
}

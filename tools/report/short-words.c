// SPDX-License-Identifier: GPL-2.0-only
/*
 * What stands out, in words: a sentence for each kind of finding.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "model/holder.h"
#include "model/names.h"
#include "report/common.h"
#include "report/short.h"
#include "report/yields.h"

/* Whoever had less of a vCPU's waits than this share is not named. */
#define NAMED_SHARE	0.1
#define MAX_NAMED	3

static const struct {
	const char *name, *more;
	bool is_time;
} kinds[KVS_FINDING_KINDS] = {
	[KVS_FINDING_LOST_TIMER] = { "lost_timer", "kvmsched report timers" },
	[KVS_FINDING_FAR_TIMER] = { "far_timer", "kvmsched report timers", true },
	[KVS_FINDING_ASLEEP] = { "asleep", "kvmsched report irqs", true },
	[KVS_FINDING_WAIT] = { "wait", "kvmsched report thieves", true },
	[KVS_FINDING_THROTTLED] = { "throttled", "kvmsched report thieves", true },
	[KVS_FINDING_OUT] = { "out", "kvmsched report worst", true },
	[KVS_FINDING_BLOCKED] = { "blocked", "kvmsched report", true },
	[KVS_FINDING_LATE_TIMER] = { "late_timer", "kvmsched report timers", true },
	[KVS_FINDING_TICKS] = { "ticks", "kvmsched report timers" },
	[KVS_FINDING_SPIN] = { "spin", "kvmsched report exits" },
	[KVS_FINDING_EXITS] = { "exits", "kvmsched report worst --kind exit", true },
	[KVS_FINDING_IDLE] = { "idle", "kvmsched report", true },
	[KVS_FINDING_ONE_VM] = { "one_vm", "kvmsched report" },
	[KVS_FINDING_LOSS] = { "loss", "kvmsched record -m SIZE" },
	[KVS_FINDING_HITS] = { "hits", "kvmsched report --verbose" },
	[KVS_FINDING_MISSING] = { "missing", "kvmsched info --json" },
	[KVS_FINDING_HOOK] = { "hook", "kvmsched info" },
};

bool kvs_finding_is_time(enum kvs_finding_kind kind)
{
	return kinds[kind].is_time;
}

const char *kvs_finding_kind_name(enum kvs_finding_kind kind)
{
	return kinds[kind].name;
}

const char *kvs_finding_more(const struct kvs_view *view, const struct kvs_finding *f)
{
	if (f->kind == KVS_FINDING_WAIT &&
	    !kvs_model_has_class(view->model, KVMSCHED_CLASS_STEAL))
		return "kvmsched record -e +steal";
	return kinds[f->kind].more;
}

/* A sentence that is being written */
struct words {
	FILE *f;
	const struct kvs_view *view;
	const struct kvs_finding *finding;
};

static void write_time(const struct words *w, u64 ns)
{
	if (ns < 1000000000)
		fprintf(w->f, "%.1f ms", ns / 1e6);
	else
		fprintf(w->f, "%.3f s", ns / 1e9);
}

static void write_ts(const struct words *w, u64 ts)
{
	write_time(w, kvs_scale(&w->view->times.ts, ts));
}

static void write_vcpu(const struct words *w, const struct kvs_vcpu *v)
{
	char vcpu[KVS_VCPU_LEN];

	fprintf(w->f, "%s", kvs_vcpu_words(vcpu, v));
}

static void write_life(const struct words *w)
{
	fprintf(w->f, ", %.1f %% of its life", 100 * w->finding->share);
}

/* "vm 221 vcpu1 slept 5.0 ms in HLT, 2.0 % of its life" */
static void write_spent(const struct words *w, const char *how, const char *where)
{
	write_vcpu(w, w->finding->vcpu);
	fprintf(w->f, " %s ", how);
	write_time(w, w->finding->harm);
	fprintf(w->f, " %s", where);
	write_life(w);
}

/* "spin/164 (SCHED_FIFO 50)", "vm 221 vcpu1", "the interrupt local_timer" */
static void write_who(const struct words *w, const struct kvs_holder *who, bool with_policy)
{
	const struct kvs_vcpu *v = kvs_vcpu_of_thread(w->view->model, who->pid);
	char policy[KVS_POLICY_LEN];

	if (who->kind == KVS_THIEF_INTERRUPT)
		fprintf(w->f, "the interrupt %s", who->comm);
	else if (who->kind != KVS_THIEF_TASK || kvs_is_others(who))
		fprintf(w->f, "%s", kvs_thief_name(who));
	else if (v)
		write_vcpu(w, v);
	else
		fprintf(w->f, "%s/%d", who->comm, who->pid);
	if (with_policy && kvs_thief_is_task(who))
		fprintf(w->f, " (%s)", kvs_holder_policy(policy, who));
}

static bool had_cpu(const struct kvs_thief *t)
{
	return t->who.kind != KVS_THIEF_IDLE && !kvs_thief_is_throttling(&t->who);
}

/* Who had the CPU for how long: of all but the first, those who had much of it */
static void write_thieves(const struct words *w, const char *before,
			  bool (*wanted)(const struct kvs_thief *t))
{
	const struct kvs_waiter *waiter = &w->finding->vcpu->waiter;
	unsigned int named = 0;
	u64 all = 0;

	for (unsigned int i = 0; i < waiter->nr; i++)
		all += waiter->thieves[i].time;
	for (unsigned int i = 0; i < waiter->nr && named < MAX_NAMED; i++) {
		const struct kvs_thief *t = &waiter->thieves[i];

		if (!t->time || (wanted && !wanted(t)) ||
		    ((named || wanted) && t->time < NAMED_SHARE * all))
			continue;
		fprintf(w->f, "%s", named ? ", " : before);
		write_who(w, &t->who, !named++);
		fprintf(w->f, " for ");
		write_ts(w, t->time);
	}
}

/* Somebody else than the kernel's own scheduler may have made it wait. */
static void write_scheduler(const struct words *w)
{
	const struct kvs_bpf_scheds *s = &w->view->model->bpf_scheds;
	const struct kvs_vcpu *v = w->finding->vcpu;
	char *text = s->nr && v->policy_known ?
		     kvs_bpf_sched_words(s, v->policy, s->list[0].first_ts,
					 s->list[s->nr - 1].last_ts) : NULL;

	if (text)
		fprintf(w->f, "; %s", s->nr > 1 ? "the BPF scheduler changed meanwhile" : text);
	free(text);
}

/* It could have run elsewhere: told where that was so for a tick or longer, once at least */
static void write_elsewhere(const struct words *w)
{
	const struct kvs_idle_sum *idle = &w->finding->vcpu->waiter.idle.sum;

	if (!idle->count)
		return;
	fprintf(w->f, "; for ");
	write_ts(w, idle->time);
	fprintf(w->f, " of that a CPU that it may use was idle, CPU %u for up to ", idle->cpu);
	write_ts(w, idle->max);
	fprintf(w->f, " at once");
}

/* What the records have of a quota where none tells of it: when it lets its tasks run again */
static void write_beat(const struct words *w, const char *before)
{
	u64 period = kvs_beat_period(&w->finding->vcpu->beat);

	if (!period || kvs_model_tells_quotas(w->view->model))
		return;
	fprintf(w->f, "%sits long waits end every ", before);
	write_ts(w, period);
	fprintf(w->f, ", as under a quota (cpu.max) of that period");
}

/* Only what is scheduled as an ordinary task has a quota, or leaves what a quota leaves. */
static bool may_be_quota(const struct kvs_vcpu *v)
{
	const struct kvs_waiter *w = &v->waiter;

	return w->nr && !w->real_time && kvs_thief_is_task(&w->thieves[0].who) &&
	       w->thieves[0].who.prio >= KVS_MAX_RT_PRIO;
}

static void write_wait(const struct words *w)
{
	const struct kvs_vcpu *v = w->finding->vcpu;
	struct kvs_hist waits;

	write_spent(w, "waited", "for a CPU");
	if (kvs_waits(&w->view->times, v, &waits) && waits.count) {
		fprintf(w->f, ", up to ");
		write_time(w, waits.max);
		fprintf(w->f, " at once");
	}
	kvs_hist_free(&waits);
	if (kvs_model_has_class(w->view->model, KVMSCHED_CLASS_STEAL))
		write_thieves(w, "; who had it: ", NULL);
	else
		fprintf(w->f, "; who had it was not recorded (class steal)");
	if (may_be_quota(v))
		write_beat(w, "; that may have taken nothing: ");
	write_elsewhere(w);
	write_scheduler(w);
}

static void write_throttling(const struct words *w, const struct kvs_thief *t, bool first)
{
	fprintf(w->f, first ? ", and was " : ", ");
	if (t->who.kind == KVS_THIEF_QUOTA) {
		fprintf(w->f, "%s for ", kvs_thief_name(&t->who));
		write_ts(w, t->time);
		fprintf(w->f, " of it");
		return;
	}
	fprintf(w->f, "throttled for at least ");
	write_ts(w, t->time);
	fprintf(w->f, t->who.kind == KVS_THIEF_RT_THROTTLED ?
		" of it, as real-time tasks are: its CPU went to less (inferred)" :
		" of it: its CPU stayed idle (inferred)");
}

/*
 * Where the file tells of quotas, a task that ran meanwhile is no part of the rest; else it
 * may have taken nothing, and nobody knows.
 */
static void write_throttled(const struct words *w)
{
	const struct kvs_waiter *waiter = &w->finding->vcpu->waiter;
	bool first = true, told = false;

	write_spent(w, "waited", "for a CPU");
	for (unsigned int i = 0; i < waiter->nr; i++) {
		const struct kvs_thief *t = &waiter->thieves[i];

		if (!t->time || !kvs_thief_is_throttling(&t->who))
			continue;
		told |= t->who.kind != KVS_THIEF_THROTTLED;
		write_throttling(w, t, first);
		first = false;
	}
	write_thieves(w, told ? "; who had its CPU otherwise: " :
		      "; whether it was throttled is unknown while that CPU ran ", had_cpu);
	write_beat(w, "; ");
}

static void write_out(const struct words *w)
{
	write_spent(w, "slept", "outside of KVM_RUN");
	fprintf(w->f, ": its VMM kept it from running");
}

/* What the most of it was for: an exit, a page that the host fetched, or before an entry */
static void write_most_blocked(const struct words *w)
{
	const struct kvs_vcpu *v = w->finding->vcpu;
	const struct kvs_hist *most = &v->blocked_page_ts;
	const struct kvs_exit_stats *top = NULL;
	char name[KVS_EXIT_NAME_LEN];

	if (v->sleeps_told && v->blocked_before_ts.sum > most->sum)
		most = &v->blocked_before_ts;
	for (unsigned int i = 0; i < v->nr_exits; i++) {
		if (v->exits[i].blocked_ts.sum > most->sum) {
			top = &v->exits[i];
			most = &top->blocked_ts;
		}
	}
	fprintf(w->f, "; most ");
	if (top)
		fprintf(w->f, "for %s",
			kvs_exit_name(name, top->isa, top->reason, top->l2, top->fastpath));
	else
		fprintf(w->f, most == &v->blocked_page_ts ?
			"until the host had a page of the guest (async page fault)" :
			"before the entry");
	fprintf(w->f, ": %" PRIu64 " sleep%s, ", most->count, most->count == 1 ? "" : "s");
	write_time(w, kvs_scale_sum(&w->view->times.ts, most->sum));
}

static void write_blocked(const struct words *w)
{
	const struct kvs_vcpu *v = w->finding->vcpu;
	bool exits = !v->blocked_page_ts.sum &&
		     !(v->sleeps_told && v->blocked_before_ts.sum);

	write_spent(w, "slept", exits ? "in the host's kernel while its exits were handled" :
					"in the host's kernel, and not in HLT");
	write_most_blocked(w);
}

/* Only the guest's own trace could tell whether it is a lock, and who has it. */
static void write_spin(const struct words *w)
{
	static const char *const signs[KVS_SPINS] = {
		[KVS_SPIN_PAUSE] = "PAUSE exit", [KVS_SPIN_KICK] = "KICK_CPU hypercall",
		[KVS_SPIN_YIELD] = "SCHED_YIELD hypercall",
	};
	const u64 *spins = w->finding->vcpu->spins;
	const char *before = " made ";

	write_vcpu(w, w->finding->vcpu);
	for (unsigned int i = 0; i < KVS_SPINS; i++) {
		if (!spins[i])
			continue;
		fprintf(w->f, "%s%" PRIu64 " %s%s", before, spins[i], signs[i],
			spins[i] == 1 ? "" : "s");
		before = " and ";
	}
	fprintf(w->f, ": spinning suspected, as for a lock whose holder had no CPU");
	kvs_write_yields(w->f, w->view, w->finding->vcpu);
}

static void write_exits(const struct words *w)
{
	const struct kvs_vcpu *v = w->finding->vcpu;
	const struct kvs_exit_stats *top = NULL;
	char name[KVS_EXIT_NAME_LEN];
	struct kvs_ledger_ns ns;
	kvs_u128 most = 0;

	kvs_ledger_ns(&w->view->times, &v->ledger, &ns);
	fprintf(w->f, "Exits kept ");
	write_vcpu(w, v);
	fprintf(w->f, " for ");
	write_time(w, ns.states[KVMSCHED_STATE_EXIT]);
	fprintf(w->f, " in the host's kernel and for ");
	write_time(w, ns.states[KVMSCHED_STATE_USER]);
	fprintf(w->f, " in its VMM");
	write_life(w);
	for (unsigned int i = 0; i < v->nr_exits; i++) {
		const struct kvs_exit_stats *e = &v->exits[i];

		if (!e->fastpath && e->uncut_cycles.sum + e->cut_cycles.sum > most) {
			most = e->uncut_cycles.sum + e->cut_cycles.sum;
			top = e;
		}
	}
	if (!top || !w->view->times.cycles.known)
		return;
	fprintf(w->f, "; most for %s: %" PRIu64 " exit%s, ",
		kvs_exit_name(name, top->isa, top->reason, top->l2, false), top->count,
		top->count == 1 ? "" : "s");
	write_time(w, kvs_scale_sum(&w->view->times.cycles, most));
}

static void write_late(const struct words *w)
{
	static const char *const causes[KVS_CAUSES] = {
		[KVS_CAUSE_TIMER] = "as the host's timers behind them expired late",
		[KVS_CAUSE_WAIT] = "while it waited for a CPU",
		[KVS_CAUSE_USER] = "while it was out of KVM_RUN",
		[KVS_CAUSE_HOST] = "while the host's kernel was at work on its CPU",
		[KVS_CAUSE_GUEST] = "while it was in guest mode, until its next exit",
		[KVS_CAUSE_SLEEP] = "while it was asleep, to be woken",
		[KVS_CAUSE_BLOCKED] = "while it was blocked in the host's kernel",
		[KVS_CAUSE_UNKNOWN] = "nobody knows how",
	};
	const struct kvs_timer_stats *t = &w->finding->vcpu->timer;
	unsigned int main = 0;
	kvs_u128 all = 0;

	for (unsigned int i = 0; i < KVS_CAUSES; i++) {
		all += t->cause_ts[i].sum;
		if (t->cause_ts[i].sum > t->cause_ts[main].sum)
			main = i;
	}
	fprintf(w->f, "Timers came up to ");
	write_time(w, w->finding->harm);
	fprintf(w->f, " late to ");
	write_vcpu(w, w->finding->vcpu);
	if (all)
		fprintf(w->f, "; %.0f %% of all their lateness arose %s",
			100 * (double)t->cause_ts[main].sum / all, causes[main]);
	if (all && main == KVS_CAUSE_UNKNOWN)
		fprintf(w->f, ": %s", kvs_model_why_unknown(w->view->model));
}

static void write_ticks(const struct words *w)
{
	const struct kvs_timer_stats *t = &w->finding->vcpu->timer;

	fprintf(w->f, "%" PRIu64 " of %" PRIu64 " ticks of the timer of ", w->finding->harm,
		t->expired + t->skipped + t->left_out);
	write_vcpu(w, w->finding->vcpu);
	fprintf(w->f, " had no interrupt of their own: ");
	if (t->left_out && !t->merged && !t->skipped) {
		fprintf(w->f, "they were merged, or KVM skipped them; this file does not tell");
		return;
	}
	fprintf(w->f, "%" PRIu64 " were merged with one before, %" PRIu64 " skipped by KVM",
		t->merged, t->skipped);
	if (t->left_out)
		fprintf(w->f, ", %" PRIu64 " one or the other", t->left_out);
}

static void write_lost_timer(const struct words *w)
{
	fprintf(w->f, "%" PRIu64 " timer%s of ", w->finding->harm,
		w->finding->harm == 1 ? "" : "s");
	write_vcpu(w, w->finding->vcpu);
	fprintf(w->f, " passed the deadline and never reached the guest");
}

static void write_far_timer(const struct words *w)
{
	write_vcpu(w, w->finding->vcpu);
	fprintf(w->f, " sleeps in HLT, and its timer is set ");
	write_time(w, w->finding->harm);
	fprintf(w->f, " ahead, beyond the end of the recording");
}

static void write_asleep(const struct words *w)
{
	write_spent(w, "slept", "in HLT");
	fprintf(w->f, ", and no interrupt came to its VM, of which no timer was seen: ");
	if (w->finding->vcpu->features & KS_FEATURE_EXITS_TOLD)
		fprintf(w->f, "what it slept for is unknown");
	else
		fprintf(w->f, "it may have slept for one that is far ahead, or lost, as this "
			"file tells of none that was armed before, or by the VMM; or for a device");
}

static void write_idle(const struct words *w)
{
	const struct kvs_vcpu *v = w->finding->vcpu;
	bool may = !(v->features & KS_FEATURE_NO_HLT);
	char vm[KVS_VM_LEN];

	fprintf(w->f, "vm %s %s without exits, as %s: Guest", kvs_vm_name(vm, v),
		may ? "may idle" : "idles", kvs_idle_why(v));
	if (w->finding->share)
		fprintf(w->f, ", %.1f %% of the life of vcpu%u,", 100 * w->finding->share, v->id);
	fprintf(w->f, " %s idle", may ? "may include" : "includes");
}

/* The file does not tell more: two guests may have been given the same offset. */
static void write_one_vm(const struct words *w)
{
	const struct kvs_vcpu *v = w->finding->vcpu;
	char vm[KVS_VM_LEN];

	fprintf(w->f, "vm %s and %" PRIu64 " more VM%s of its process seem to be one, whose "
		"vcpu%u was run by one thread after the other: the next began where the one "
		"before had ended, and the TSC offset is the same", kvs_vm_name(vm, v),
		w->finding->harm, w->finding->harm == 1 ? "" : "s", v->id);
}

static void write_loss(const struct words *w)
{
	u64 lost;
	bool exact = kvs_model_lost(w->view->model, &lost);

	if (lost)
		fprintf(w->f, "%s%" PRIu64 " record%s lost (%.1f %%)",
			exact ? "" : "At least ", lost, lost == 1 ? " was" : "s were",
			100.0 * lost / ((double)lost + kvs_model_all_records(w->view->model)));
	else
		fprintf(w->f, "Records were lost, and nobody counted how many");
	fprintf(w->f, ": the figures are less than the truth");
}

static void write_hits(const struct words *w)
{
	u64 hits = w->finding->harm;

	fprintf(w->f, "The kernel dropped %" PRIu64 " hit%s of kprobes: the figures are "
		"less than the truth", hits, hits == 1 ? "" : "s");
}

static void write_missing(const struct words *w)
{
	const struct kvs_model *m = w->view->model;

	fprintf(w->f, "vCPUs are missing: ");
	if (m->refused)
		fprintf(w->f, "%" PRIu64 " times one found no room in the module's tables (max_vcpus)%s",
			m->refused, m->beyond ? ", and " : "");
	if (m->beyond)
		fprintf(w->f, "%" PRIu64 " records are of other vCPUs than the first %u",
			m->beyond, m->nr_vcpus);
}

static void write_hook(const struct words *w)
{
	const struct kvs_model *m = w->view->model;
	const struct kvs_hook *first = NULL;
	u32 classes = 0;

	for (unsigned int i = 0; i < m->nr_hooks; i++) {
		const struct kvs_hook *hook = &m->hooks[i];

		if (!hook->status || hook->status == -ENOENT)
			continue;
		classes |= hook->classes;
		first = first ? first : hook;
	}
	if (!first)
		return;
	fprintf(w->f, "%s could not be attached", first->name);
	if (w->finding->harm > 1)
		fprintf(w->f, ", nor %" PRIu64 " more hooks", w->finding->harm - 1);
	fprintf(w->f, " (%s): what needs %s is missing", kvs_hook_why(first->status),
		w->finding->harm == 1 ? "it" : "them");
	if (classes)
		fprintf(w->f, " from class%s", classes & (classes - 1) ? "es" : "");
	for (unsigned int bit = 0; kvs_class_name(bit); bit++)
		if (classes >> bit & 1)
			fprintf(w->f, " %s", kvs_class_name(bit));
}

char *kvs_finding_sentence(const struct kvs_view *view, const struct kvs_finding *f)
{
	static void (*const writers[KVS_FINDING_KINDS])(const struct words *w) = {
		[KVS_FINDING_LOST_TIMER] = write_lost_timer,
		[KVS_FINDING_FAR_TIMER] = write_far_timer,
		[KVS_FINDING_ASLEEP] = write_asleep,
		[KVS_FINDING_WAIT] = write_wait,
		[KVS_FINDING_THROTTLED] = write_throttled,
		[KVS_FINDING_OUT] = write_out,
		[KVS_FINDING_BLOCKED] = write_blocked,
		[KVS_FINDING_LATE_TIMER] = write_late,
		[KVS_FINDING_TICKS] = write_ticks,
		[KVS_FINDING_SPIN] = write_spin,
		[KVS_FINDING_EXITS] = write_exits,
		[KVS_FINDING_IDLE] = write_idle,
		[KVS_FINDING_ONE_VM] = write_one_vm,
		[KVS_FINDING_LOSS] = write_loss,
		[KVS_FINDING_HITS] = write_hits,
		[KVS_FINDING_MISSING] = write_missing,
		[KVS_FINDING_HOOK] = write_hook,
	};
	char *text = NULL;
	size_t size;
	struct words w = {
		.f = xopen_memstream(&text, &size), .view = view, .finding = f,
	};

	writers[f->kind](&w);
	if (f->others)
		fprintf(w.f, "; so it is with %u more vCPU%s", f->others,
			f->others == 1 ? "" : "s");
	fclose(w.f);
	return text;
}

/* What was not recorded can't stand out. */
static void print_nothing(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	bool ledger = kvs_model_has_ledger(m) && view->times.ts.known;
	bool timers = kvs_model_has_class(m, KVMSCHED_CLASS_TIMER);

	if (!view->selected) {
		kvs_say(2, "  No vCPU%s was seen.",
			m->nr_vcpus ? " of those that --vm and --vcpu ask for" : "");
		return;
	}
	kvs_say(2, "  Nothing stands out%s.", ledger && timers ? "" : " in what can be judged");
	if (!ledger)
		kvs_say(2, "  Waits and exits are not judged: classes switch and exit are needed, "
			"and the TSC's rate.");
	if (!timers)
		kvs_say(2, "  Timers are not judged: class timer was not recorded.");
}

void kvs_print_short(const struct kvs_view *view)
{
	struct kvs_finding findings[KVS_SHORT];
	unsigned int nr = kvs_short_find(view, findings);
	struct kvs_lines lines = kvs_heading_begin(true);

	kvs_lines_bold(&lines, "In short");
	kvs_lines_end(&lines);
	for (unsigned int i = 0; i < nr; i++) {
		char *sentence = kvs_finding_sentence(view, &findings[i]);

		kvs_say(5, "%3u. %s. More: `%s`", i + 1, sentence,
			kvs_finding_more(view, &findings[i]));
		free(sentence);
	}
	if (!nr)
		print_nothing(view);
}

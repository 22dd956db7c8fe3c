// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints the report as one JSON object.
 *
 * Keys are never renamed or removed, since programs depend on them.  What wasn't recorded,
 * or isn't known, is null and never 0; a distribution without values is null.
 */
#include <jansson.h>

#include "uapi/kvmsched.h"
#include "base/bytes.h"
#include "base/util.h"
#include "model/clock.h"
#include "model/names.h"
#include "model/senders.h"
#include "report/json-dist.h"
#include "report/json-number.h"
#include "report/idle.h"
#include "report/json-sender.h"
#include "report/json-session.h"
#include "report/json-short.h"
#include "report/json-stream.h"
#include "report/json-task.h"
#include "report/quotas.h"
#include "report/report.h"
#include "report/stimers.h"

static json_t *exit_of(const struct kvs_times *t, const struct kvs_exit_stats *e)
{
	struct kvs_hist host, out;
	char name[KVS_NAME_LEN];
	json_t *o, *ended = json_object();

	kvs_exit_host(e, &host);
	kvs_exit_out(e, &out);
	for (unsigned int end = 0; end < KVS_EXIT_ENDS; end++)
		json_object_set_new(ended, kvs_exit_end(end), number(e->ended[end]));
	kvs_exit_reason(name, e->isa, e->reason);
	o = json_pack("{ss sI si sb sb sI so so so so so so}",
		      "reason", name, "code", (json_int_t)e->reason, "isa", e->isa,
		      "l2", e->l2, "fastpath", e->fastpath, "count", clamp(e->count),
		      "ended_by", ended, "host_ns", dist(&host, &t->cycles),
		      "poll_ns", dist(&e->poll_cycles, &t->cycles),
		      "blocked_ns", dist(&e->blocked_ts, &t->ts),
		      "out_ns", dist(&out, &t->cycles),
		      "guest_ns", dist(&e->guest_cycles, &t->cycles));
	kvs_hist_free(&host);
	kvs_hist_free(&out);
	return o;
}

static json_t *exits_of(const struct kvs_view *view, struct kvs_vcpu *v)
{
	json_t *a;

	if (!kvs_model_has_class(view->model, KVMSCHED_CLASS_EXIT))
		return json_null();
	a = json_array();
	kvs_sort_exits(v);
	for (unsigned int i = 0; i < v->nr_exits; i++)
		json_array_append_new(a, exit_of(&view->times, &v->exits[i]));
	return a;
}

static json_t *takers_of(const struct kvs_view *view, struct kvs_vcpu *v)
{
	const struct kvs_times *t = &view->times;
	json_t *a = json_array();

	kvs_sort_takers(v);
	for (unsigned int i = 0; i < v->sw.nr_takers; i++) {
		const struct kvs_taker *taker = &v->sw.takers[i];
		const struct kvs_vcpu *other = kvs_vcpu_of_thread(view->model, taker->pid);

		json_array_append_new(a, json_pack("{so si so so so si sI sI sI sI so}",
			"comm", kvs_bytes_json(taker->comm), "pid", taker->pid,
			"vm", other && other->identified ?
				json_integer(other->tgid) : json_null(),
			"vm_name", kvs_json_vm_name(other),
			"vcpu", other ? json_integer(other->id) : json_null(),
			"prio", taker->prio,
			"preempted", clamp(taker->count[KS_SWITCH_PREEMPTED]),
			"halted", clamp(taker->count[KS_SWITCH_HALTED]),
			"blocked", clamp(taker->count[KS_SWITCH_BLOCKED]),
			"aborted", clamp(taker->count[KS_SWITCH_ABORTED]),
			"wait_ns", dist(&taker->wait_cycles, &t->cycles)));
	}
	return a;
}

static json_t *switches_of(const struct kvs_view *view, struct kvs_vcpu *v)
{
	const struct kvs_times *t = &view->times;
	const struct kvs_switch_stats *sw = &v->sw;
	json_t *o, *wait;
	struct kvs_hist waits;

	if (!kvs_model_has_class(view->model, KVMSCHED_CLASS_SWITCH))
		return json_null();
	wait = kvs_waits(t, v, &waits) ? dist(&waits, &t->ns) : json_null();
	kvs_hist_free(&waits);
	o = json_pack("{so so so so so sI sI sI}",
		      "wait_ns", wait,
		      "preempted_wait_ns", dist(&sw->preempted_wait_cycles, &t->cycles),
		      "woken_wait_ns", dist(&sw->woken_wait_ns, &t->ns),
		      "off_cpu_ns", dist(&sw->off_cycles, &t->cycles),
		      "takers", takers_of(view, v),
		      "in", clamp(sw->in), "migrated", clamp(sw->migrated),
		      "in_userspace", clamp(sw->in_userspace));
	for (unsigned int kind = 0; kind < KVS_SWITCH_KINDS; kind++)
		json_object_set_new(o, kvs_switch_kind(kind), number(sw->out[kind]));
	return o;
}

/* Who sent the interrupts of a vector; null in older files, which don't tell */
static json_t *senders_of(const struct kvs_view *view, const struct kvs_vector_stats *s)
{
	const struct kvs_scale *ts = &view->times.ts;
	json_t *a = json_array();

	for (unsigned int i = 0; i < s->nr_senders; i++) {
		const struct kvs_sender_stats *sender = &s->senders[i];
		json_t *o;

		if (sender->who.kind == KVS_SENDER_NOT_TOLD) {
			json_decref(a);
			return json_null();
		}
		o = kvs_json_sender(&sender->who);
		json_object_set_new(o, "accepted", number(sender->accepted));
		json_object_set_new(o, "merged", number(sender->merged));
		json_object_set_new(o, "sent_to_accept_ns", dist(&sender->sent_to_accept_ts, ts));
		json_object_set_new(o, "accept_to_inject_ns",
				    dist(&sender->accept_to_inject_ts, ts));
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *interrupts_of(const struct kvs_view *view, const struct kvs_vcpu *v)
{
	const struct kvs_scale *ts = &view->times.ts;
	json_t *a;

	if (!kvs_model_has_class(view->model, KVMSCHED_CLASS_IRQ))
		return json_null();
	a = json_array();
	for (unsigned int i = 0; i < KVS_VECTORS; i++) {
		const struct kvs_vector_stats *s = v->vector[i];

		if (!s)
			continue;
		json_array_append_new(a, json_pack("{si sI sI sI sI sI sI sI so so so so so}",
			"vector", (int)s->vector, "accepted", clamp(s->accepted),
			"merged", clamp(s->merged), "posted", clamp(s->posted),
			"injected", clamp(s->injected),
			"reinjected", clamp(s->reinjected), "soft", clamp(s->soft),
			"eoi", clamp(s->eoi),
			"accept_to_exit_ns", dist(&s->accept_to_exit_ts, ts),
			"accept_to_cpu_ns", dist(&s->accept_to_cpu_ts, ts),
			"accept_to_inject_ns", dist(&s->accept_to_inject_ts, ts),
			"inject_to_eoi_ns", dist(&s->inject_to_eoi_ts, ts),
			"senders", senders_of(view, s)));
	}
	return a;
}

/*
 * The causes of the time from deadline to injection.  "count" is the number of timers for
 * which a cause had the largest part.
 */
static json_t *causes_of(const struct kvs_view *view, const struct kvs_timer_stats *t)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < KVS_CAUSES; i++)
		if (t->cause_ts[i].sum)
			json_array_append_new(a, json_pack("{ss sI so}",
				"cause", kvs_cause_name(i), "count", clamp(t->main_cause[i]),
				"ns", dist(&t->cause_ts[i], &view->times.ts)));
	return a;
}

/* A timer that is due after the recording, further ahead than that is long */
static json_t *far_of(const struct kvs_view *view, const struct kvs_timer_stats *t)
{
	if (!t->far.ahead_ts)
		return json_null();
	return json_pack("{sI sb}", "ahead_ns",
			 clamp(kvs_scale(&view->times.ts, t->far.ahead_ts)),
			 "asleep", (int)t->far.asleep);
}

static json_t *timers_of(const struct kvs_view *view, const struct kvs_vcpu *v)
{
	const struct kvs_timer_stats *t = &v->timer;
	const struct kvs_scale *ts = &view->times.ts;
	bool irqs = kvs_model_has_class(view->model, KVMSCHED_CLASS_IRQ);
	json_t *modes;
	u64 armed = 0;

	if (!kvs_model_has_class(view->model, KVMSCHED_CLASS_TIMER))
		return json_null();
	modes = json_object();
	for (unsigned int mode = 0; mode < KVS_TIMER_MODES; mode++) {
		json_object_set_new(modes, kvs_timer_mode(mode), number(t->armed[mode]));
		armed += t->armed[mode];
	}
	return json_pack("{sI so sI sI sI sI sI sI sI sI sI so so so so so so so so so so so so}",
			 "armed", clamp(armed), "armed_by_mode", modes,
			 "rearmed", clamp(t->rearmed), "hv_armed", clamp(t->hv_armed),
			 "armed_before", clamp(t->found), "armed_by_vmm", clamp(t->by_vmm),
			 "expired", clamp(t->expired), "hv_expired", clamp(t->hv_expired),
			 "merged", clamp(t->merged), "skipped", clamp(t->skipped),
			 "merged_or_skipped", clamp(t->left_out),
			 "injected", number_if(irqs, t->injected),
			 "posted", number_if(irqs, t->posted),
			 "vector", t->vector < 0 ? json_null() : json_integer(t->vector),
			 "lateness_ns", signed_dist(&t->late_cycles, &view->times.cycles),
			 "expire_to_inject_ns", dist(&t->expire_to_inject_ts, ts),
			 "expire_to_accept_ns", dist(&t->expire_to_accept_ts, ts),
			 "accept_to_inject_ns", dist(&t->accept_to_inject_ts, ts),
			 "inject_to_entry_ns", dist(&t->inject_to_entry_ts, ts),
			 "deadline_to_inject_ns", signed_dist(&t->deadline_to_inject_ts, ts),
			 "causes", causes_of(view, t), "far", far_of(view, t),
			 "overdue", json_pack("{sI sI sI sI sI}",
				"not_expired", clamp(t->overdue.not_expired),
				"not_accepted", clamp(t->overdue.not_accepted),
				"not_injected", clamp(t->overdue.not_injected),
				"unanswered", clamp(t->overdue.unanswered),
				"not_judged", clamp(t->overdue.not_judged)));
}

static json_t *states_of(const u64 states[KVMSCHED_NR_STATES])
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < KVMSCHED_NR_STATES; i++)
		json_object_set_new(o, kvs_ledger_state_name(i), number(states[i]));
	return o;
}

/* What of its life lies within the recording, and whether that is all of it */
static json_t *life_of(const struct kvs_view *view, const struct kvs_vcpu *v)
{
	const struct kvs_model *m = view->model;
	u64 start = kvs_model_start_ts(m);
	u64 begin = v->ledger.begin > start ? v->ledger.begin - start : 0;
	u64 end = v->ledger.since > start ? v->ledger.since - start : 0;

	return json_pack("{sI sI sb sb}",
			 "begin_ns", clamp(kvs_scale(&view->times.ts, begin)),
			 "end_ns", clamp(kvs_scale(&view->times.ts, end)),
			 "began", (int)v->born, "ended", (int)v->ended);
}

static void add_ledger(json_t *o, const struct kvs_view *view, const struct kvs_vcpu *v)
{
	const struct kvs_times *t = &view->times;
	bool known = kvs_model_has_ledger(view->model) && t->ts.known;
	u64 kernel[KVMSCHED_NR_STATES];
	struct kvs_ledger_ns ns;

	kvs_ledger_ns(t, &v->ledger, &ns);
	json_object_set_new(o, "life", known ? life_of(view, v) : json_null());
	json_object_set_new(o, "wall_ns", number_if(known, ns.wall));
	json_object_set_new(o, "states_ns", known ? states_of(ns.states) : json_null());
	json_object_set_new(o, "residual_ns", known ? json_integer(ns.residual) : json_null());
	json_object_set_new(o, "unknown_by_loss_ns", number_if(known, ns.lost));
	for (unsigned int i = 0; i < KVMSCHED_NR_STATES; i++)
		kernel[i] = kvs_scale(&t->cycles, v->kernel.states[i]);
	known = v->kernel.known && t->cycles.known;
	json_object_set_new(o, "kernel_ledger_ns", known ? states_of(kernel) : json_null());
	json_object_set_new(o, "halts", !v->halts.count ? json_null() :
		json_pack("{sI sI sI sI}", "count", clamp(v->halts.count),
			  "slept", clamp(v->halts.slept), "poll_ns", clamp(v->halts.poll_ns),
			  "halt_ns", clamp(v->halts.halt_ns)));
}

static json_t *thief_of(const struct kvs_view *view, const struct kvs_vcpu *waiting,
			const struct kvs_thief *t, u64 ns)
{
	const struct kvs_vcpu *v = kvs_vcpu_of_thread(view->model, t->who.pid);
	const struct kvs_scale *ts = &view->times.ts;
	bool is_vcpu = t->who.kind == KVS_THIEF_TASK && v;

	return json_pack("{so ss so sI sI sI si si so so so so}",
		"who", kvs_bytes_json(kvs_thief_name(&t->who)),
		"kind", is_vcpu ? "vcpu" : kvs_thief_kind_name(t->who.kind),
		"pid", t->who.pid < 0 ? json_null() : json_integer(t->who.pid),
		"ns", clamp(ns), "count", clamp(t->count),
		"max_ns", clamp(kvs_scale(ts, t->max)),
		"prio", t->who.prio, "cpu", t->who.cpu,
		"vm", is_vcpu && v->identified ? json_integer(v->tgid) : json_null(),
		"vm_name", kvs_json_vm_name(is_vcpu ? v : NULL),
		"vcpu", is_vcpu ? json_integer(v->id) : json_null(),
		"task", kvs_json_task(view, waiting, &t->who));
}

static json_t *thieves_of(const struct kvs_view *view, const struct kvs_vcpu *v)
{
	const struct kvs_waiter *w = &v->waiter;
	u64 sum = 0, before, upto;
	json_t *a;

	if (!kvs_model_has_class(view->model, KVMSCHED_CLASS_STEAL) ||
	    !kvs_model_has_ledger(view->model) || !view->times.ts.known)
		return json_null();
	a = json_array();
	/*
	 * The states are rounded so that they sum to the wall time; the two waits are the
	 * last of them.  Rounding in the same way makes the rows sum to the two waits.
	 */
	for (unsigned int i = 0; i < KVMSCHED_STATE_WAIT_PREEMPTED; i++)
		sum += v->ledger.states[i];
	before = kvs_scale(&view->times.ts, sum);
	for (unsigned int i = 0; i < w->nr; i++) {
		if (!w->thieves[i].count)
			continue;
		sum += w->thieves[i].time;
		upto = kvs_scale(&view->times.ts, sum);
		json_array_append_new(a, thief_of(view, v, &w->thieves[i], upto - before));
		before = upto;
	}
	return a;
}

static json_t *users_of(const struct kvs_view *view, struct kvs_vcpu *v)
{
	const struct kvs_scale *cycles = &view->times.cycles;
	char name[KVS_NAME_LEN];
	json_t *a;

	if (!kvs_model_has_class(view->model, KVMSCHED_CLASS_SWITCH))
		return json_null();
	a = json_array();
	kvs_sort_users(v);
	for (unsigned int i = 0; i < v->nr_users; i++) {
		const struct kvs_user_stats *u = &v->users[i];

		json_array_append_new(a, json_pack("{ss sI sI so so}",
			"reason", kvs_user_reason(name, u->reason), "code", (json_int_t)u->reason,
			"count", clamp(u->count), "run_ns", dist(&u->run_cycles, cycles),
			"user_ns", dist(&u->user_cycles, cycles)));
	}
	return a;
}

static json_t *host_irqs_of(const struct kvs_view *view,
			    const struct kvs_host_irqs *irqs, u32 class)
{
	json_t *a;

	if (!kvs_model_has_class(view->model, class))
		return json_null();
	a = json_array();
	for (unsigned int i = 0; i < irqs->nr; i++) {
		const struct kvs_host_irq_stats *irq = &irqs->irqs[i];
		const char *kind = kvs_host_irq_kind(irq->kind);

		json_array_append_new(a, json_pack("{so ss? so so sI sI so}",
			"name", kvs_bytes_json(irq->name), "kind", kind,
			"irq", irq->irq < 0 ? json_null() : json_integer(irq->irq),
			"vector", irq->vector ? json_integer(irq->vector) : json_null(),
			"count", clamp(irq->count), "ended_guest", clamp(irq->ended_guest),
			"ns", dist(&irq->cycles, &view->times.cycles)));
	}
	return a;
}

/* The identity from the record kvmsched_vcpu; null in all keys if there is none */
static void add_identity(json_t *o, const struct kvs_vcpu *v)
{
	bool known = v->identified;
	bool policy = v->policy_known;

	json_object_set_new(o, "vm", known ? json_integer(v->tgid) : json_null());
	json_object_set_new(o, "vm_index", number_if(known, v->vm_index));
	json_object_set_new(o, "vm_name", kvs_json_vm_name(v));
	json_object_set_new(o, "vcpu", number(v->id));
	json_object_set_new(o, "tid", v->tid ? json_integer(v->tid) : json_null());
	json_object_set_new(o, "threads", number(v->threads));
	json_object_set_new(o, "comm", known ? kvs_bytes_json(v->comm) : json_null());
	json_object_set_new(o, "policy", policy ? json_string(kvs_policy_name(v->policy)) : json_null());
	json_object_set_new(o, "priority", number_if(policy, v->rt_priority));
	json_object_set_new(o, "nice", policy ? json_integer(v->nice) : json_null());
	json_object_set_new(o, "policy_changes", number(v->policy_changes));
	json_object_set_new(o, "features", number_if(known, v->features));
	json_object_set_new(o, "exits_off", kvs_json_exits_off(known ? v->features : 0));
	json_object_set_new(o, "apicv_inhibits", number_if(known, v->apicv_inhibits));
	json_object_set_new(o, "halt_poll_ns",
			    number_if(known && !(v->features & KS_FEATURE_NO_HALT_POLL),
				      v->halt_poll_ns));
	json_object_set_new(o, "tsc_offset", known ? json_integer((s64)v->tsc_offset) : json_null());
	json_object_set_new(o, "tsc_ratio", number_if(known, v->tsc_ratio));
	json_object_set_new(o, "tsc_frac_bits", number_if(known, v->tsc_frac_bits));
}

static json_t *vcpu_of(const struct kvs_view *view, struct kvs_vcpu *v)
{
	const struct kvs_times *t = &view->times;
	bool switches = kvs_model_has_class(view->model, KVMSCHED_CLASS_SWITCH);
	bool exits = kvs_model_has_class(view->model, KVMSCHED_CLASS_EXIT);
	json_t *o = json_object();

	add_identity(o, v);
	json_object_set_new(o, "on_cpu_ns", switches && t->ts.known ?
			    json_integer(clamp(kvs_on_cpu_ns(t, v))) : json_null());
	json_object_set_new(o, "in_guest_ns", exits && t->cycles.known ?
			    json_integer(clamp(kvs_scale_sum(&t->cycles, v->guest_cycles))) :
			    json_null());
	add_ledger(o, view, v);
	json_object_set_new(o, "thieves", thieves_of(view, v));
	json_object_set_new(o, "idle_allowed", kvs_json_idle(view, v));
	json_object_set_new(o, "exit_count", number_if(exits, v->exit_count));
	json_object_set_new(o, "exits", exits_of(view, v));
	json_object_set_new(o, "blocked_before_entry_ns", dist(&v->blocked_before_ts, &t->ts));
	json_object_set_new(o, "blocked_unknown_ns", dist(&v->blocked_unknown_ts, &t->ts));
	json_object_set_new(o, "waited_for_sipi_ns", dist(&v->blocked_sipi_ts, &t->ts));
	json_object_set_new(o, "waited_for_page_ns", dist(&v->blocked_page_ts, &t->ts));
	json_object_set_new(o, "switches", switches_of(view, v));
	json_object_set_new(o, "slices_ns", dist(&v->sw.slice_cycles, &t->cycles));
	json_object_set_new(o, "preempted_slices_ns", dist(&v->sw.full_slice_cycles, &t->cycles));
	json_object_set_new(o, "interrupts", interrupts_of(view, v));
	json_object_set_new(o, "timers", timers_of(view, v));
	json_object_set_new(o, "synthetic_timers", kvs_json_stimers(view, v));
	json_object_set_new(o, "userspace_exits", users_of(view, v));
	kvs_sort_host_irqs(&v->host_irqs);
	json_object_set_new(o, "host_irqs", host_irqs_of(view, &v->host_irqs, KVMSCHED_CLASS_IRQ));
	json_object_set_new(o, "clockevents_ns", dist(&v->clockevent_ns, &t->ns));
	return o;
}

static json_t *tasks_of(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	json_t *a;

	if (!kvs_model_has_class(m, KVMSCHED_CLASS_HOST))
		return json_null();
	a = json_array();
	for (unsigned int i = 0; i < m->nr_tasks; i++) {
		const struct kvs_task *t = m->tasks[i];

		json_array_append_new(a, json_pack("{so si ss si sb sI sI sI so so}",
			"comm", kvs_bytes_json(t->comm), "pid", t->pid,
			"policy", kvs_policy_name(t->policy), "prio", t->prio,
			"vcpu", t->is_vcpu, "slices", clamp(t->slices),
			"preempted", clamp(t->preempted), "blocked", clamp(t->blocked),
			"slices_ns", dist(&t->slice_ts, &view->times.ts),
			"wait_ns", dist(&t->preempted_wait_ts, &view->times.ts)));
	}
	return a;
}

/* The vCPUs of a view, one after another */
struct vcpus {
	const struct kvs_view *view;
	const char *const *keys;	/* that are wanted of each; NULL: all */
	unsigned int next;
};

/* Its identity and those keys */
static json_t *some_of(json_t *all, const char *const *keys)
{
	static const char *const identity[] = {
		"vm", "vm_index", "vm_name", "vcpu", "tid", "comm"
	};
	json_t *some = json_object();

	for (size_t k = 0; k < ARRAY_SIZE(identity); k++)
		json_object_set(some, identity[k], json_object_get(all, identity[k]));
	for (size_t k = 0; keys[k]; k++)
		json_object_set(some, keys[k], json_object_get(all, keys[k]));
	json_decref(all);
	return some;
}

static json_t *next_vcpu(void *ctx)
{
	struct vcpus *vcpus = ctx;
	const struct kvs_view *view = vcpus->view;
	const struct kvs_model *m = view->model;
	json_t *all;

	while (vcpus->next < m->nr_vcpus &&
	       !kvs_selected(&view->select, m->vcpus[vcpus->next]))
		vcpus->next++;
	if (vcpus->next == m->nr_vcpus)
		return NULL;
	all = vcpu_of(view, m->vcpus[vcpus->next++]);
	return vcpus->keys ? some_of(all, vcpus->keys) : all;
}

bool kvs_print_json_keys(const struct kvs_view *view, const char *const *keys)
{
	struct vcpus each = { .view = view, .keys = keys };
	json_t *o = json_pack("{s[]}", "vcpus");
	bool ok = kvs_json_stream(o, "vcpus", next_vcpu, &each, JSON_REAL_PRECISION(15));

	json_decref(o);
	return ok;
}

bool kvs_print_json(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	json_t *o = json_object(), *vcpus = json_array();
	struct vcpus each = { .view = view };
	bool ok;

	json_object_set_new(o, "in_short", kvs_json_short(view));
	kvs_json_session(o, view);
	json_object_set_new(o, "vcpus", vcpus);
	json_object_set_new(o, "cgroups", kvs_json_quotas(view));
	json_object_set_new(o, "host_tasks", tasks_of(view));
	json_object_set_new(o, "host_irqs", host_irqs_of(view, &m->host_irqs, KVMSCHED_CLASS_HOST));
	ok = kvs_json_stream(o, "vcpus", next_vcpu, &each, JSON_REAL_PRECISION(15));
	json_decref(o);
	return ok;
}

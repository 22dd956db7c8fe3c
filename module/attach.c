// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach what is wanted, detach what is not, follow KVM's own coming and going
 *
 * Locks, outermost first:
 *
 *	mmap_lock (perf's munmap)
 *	event_mutex (ftrace: events enabled) | session mutex (ioctls) |
 *	tracepoint_module_list_mutex | module_notify_list (notifiers)
 *	state.mutex, here
 *	tracepoints_mutex, kprobe_mutex, text_mutex, cpu hotplug
 *
 * The rings' own mutex (session.c) nests in mmap_lock and in the session mutex,
 * and nothing but allocation in it.
 *
 * Nothing of KVM is linked: functions are found by name, its tracepoints by
 * the list that comes with the module; so KVM may load later, unload and load
 * again, and never has us as a user.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "attach.h"
#include "probe.h"
#include "vcpu.h"

static char *attach = "auto";
module_param(attach, charp, 0444);
MODULE_PARM_DESC(attach, "how exits and entries are found: auto (tracepoints where they are) or kprobe");

/* Attached in this order, detached in the reverse. */
static struct ks_hook *const hook_tables[] = {
	ks_irq_hooks, ks_timer_hooks, ks_sched_hooks, ks_exit_hooks,
	ks_host_hooks, ks_steal_hooks,
};

/*
 * @mutex:	guards everything here, and the rows' state
 * @events:	how many enabled events need each class
 * @session:	classes of the session, @vms what it is limited to
 * @followers:	how many want the ledgers kept
 * @open:	events may be enabled: after init, before exit
 * @notifiers_on: preempt_notifier_inc() was done
 * @by_kprobe:	attach=kprobe
 */
static struct {
	struct mutex mutex;
	unsigned int events[KVMSCHED_NR_CLASSES];
	u32 session;
	pid_t vms[KVMSCHED_MAX_VMS];
	u32 nr_vms;
	unsigned int followers;
	bool open;
	bool notifiers_on;
	bool by_kprobe;
} state = {
	.mutex = __MUTEX_INITIALIZER(state.mutex),
};

#define for_each_hook(table, hook)					\
	for ((table) = 0; (table) < ARRAY_SIZE(hook_tables); (table)++)	\
		for ((hook) = hook_tables[table]; (hook)->name; (hook)++)

static u32 event_classes(void)
{
	u32 classes = 0;
	int i;

	for (i = 0; i < KVMSCHED_NR_CLASSES; i++)
		if (state.events[i])
			classes |= 1U << i;
	return classes;
}

static bool tracepoint_found(const char *name)
{
	struct ks_hook *hook;
	unsigned int table;

	for_each_hook(table, hook)
		if (hook->how == KVMSCHED_HOW_TRACEPOINT && hook->tracepoint &&
		    !strcmp(hook->name, name))
			return true;
	return false;
}

/* Is this row the way that is chosen for what it tells? */
static bool hook_chosen(const struct ks_hook *hook)
{
	switch (hook->when) {
	case KS_AUTO:
		return !state.by_kprobe;
	case KS_KPROBE:
		return state.by_kprobe || !tracepoint_found(hook->instead);
	default:
		return true;
	}
}

#define KS_DETACH_BATCH	16

/*
 * Detach the rows that no class of @wanted needs.  Kprobes go in one batch:
 * each unregistration on its own waits for a grace period.
 */
static void detach_unwanted(u32 wanted)
{
	struct ks_hook *batch[KS_DETACH_BATCH];
	struct kprobe *kprobes[KS_DETACH_BATCH];
	int i, n = 0, table;
	struct ks_hook *hook;

	for (table = ARRAY_SIZE(hook_tables) - 1; table >= 0; table--) {
		for (hook = hook_tables[table]; hook->name; hook++)
			;
		while (hook-- > hook_tables[table]) {
			if (!hook->attached || ((hook->classes & wanted) &&
						hook_chosen(hook)))
				continue;
			if (hook->how == KVMSCHED_HOW_TRACEPOINT ||
			    n == KS_DETACH_BATCH) {
				ks_hook_detach(hook);
				continue;
			}
			kprobes[n] = &hook->kprobe;
			batch[n++] = hook;
		}
	}
	if (n)
		unregister_kprobes(kprobes, n);
	for (i = 0; i < n; i++)
		ks_hook_detached(batch[i]);
	/* From here on no handler of a detached row runs. */
	tracepoint_synchronize_unregister();
}

static void attach_wanted(u32 wanted)
{
	struct ks_hook *hook;
	unsigned int table;

	for_each_hook(table, hook)
		if ((hook->classes & wanted) && hook_chosen(hook))
			ks_hook_attach(hook);
}

/* Append the rows of one kind to @text; frees it and returns the longer one. */
static char *tell_rows(char *text, const char *title, u32 wanted, u32 how,
		       bool attached)
{
	struct ks_hook *hook;
	unsigned int table;
	bool first = true;
	char *longer;

	for_each_hook(table, hook) {
		if (!(hook->classes & wanted) || !hook_chosen(hook) ||
		    hook->how != how || hook->attached != attached)
			continue;
		longer = kasprintf(GFP_KERNEL, "%s%s%s", text ?: "",
				   first ? title : " ", hook->name);
		kfree(text);
		text = longer;
		if (!attached) {
			longer = kasprintf(GFP_KERNEL, "%s(%d)", text ?: "",
					   hook->status);
			kfree(text);
			text = longer;
		}
		first = false;
	}
	return text;
}

/* One line: what is attached how, and what is not and why. */
static void tell(u32 wanted)
{
	char *text = NULL;

	text = tell_rows(text, "; by kprobe: ", wanted, KVMSCHED_HOW_KPROBE, true);
	text = tell_rows(text, "; by tracepoint: ", wanted,
			 KVMSCHED_HOW_TRACEPOINT, true);
	text = tell_rows(text, "; no kprobe: ", wanted, KVMSCHED_HOW_KPROBE, false);
	text = tell_rows(text, "; no tracepoint: ", wanted,
			 KVMSCHED_HOW_TRACEPOINT, false);
	pr_info("attached for classes %#x by preempt notifier%s\n", wanted,
		text ?: "");
	kfree(text);
}

/*
 * Bring the hooks in line with what is wanted.  Order matters: handlers see
 * the new masks before they are attached; and a mask is only on while vcpu_put
 * is hooked, since without it struct ks_vcpu.vcpu would outlive the vCPU.
 * @joined: somebody new listens, and must be told who is speaking.
 *
 * Return: TSC since when handlers see them; hooks take longer to come and go.
 */
static u64 reconcile(bool joined)
{
	u32 events = event_classes();
	u32 wanted = events | state.session |
		     (state.followers ? KS_CLASS_LEDGER : 0);
	u32 before = ks_wanted_classes;
	u64 since;

	if (wanted && !state.notifiers_on) {
		/*
		 * Held until exit: KVM drops its own count with the last VM,
		 * and the death of a thread must still be told to us.
		 */
		preempt_notifier_inc();
		state.notifiers_on = true;
	}
	if (!(before & KS_CLASS_VCPU) && (wanted & KS_CLASS_VCPU))
		ks_vcpus_forget_past();
	if (wanted & ~before & KVMSCHED_CLASS_STEAL)
		ks_steal_begin();

	WRITE_ONCE(ks_session_classes, state.session);
	WRITE_ONCE(ks_wanted_classes, wanted);
	ks_vcpus_listen(events, state.session, state.vms, state.nr_vms, joined);
	since = rdtsc_ordered();

	attach_wanted(wanted);
	detach_unwanted(wanted);
	ks_vcpus_arm();
	if (wanted & ~before)
		ks_irq_attached();
	if (wanted & ~before & KVMSCHED_CLASS_STEAL)
		ks_steal_attached();
	/* Nobody hears of vcpu_put any more: what it would end, ends now. */
	if ((before & KS_CLASS_VCPU) && !(wanted & KS_CLASS_VCPU))
		ks_vcpus_forget_past();
	if (wanted & ~before)
		tell(wanted);
	return since;
}

/**
 * ks_attach_session - the session's classes from now on
 * @classes: KVMSCHED_CLASS_*, 0: the session ends; when this returns, no
 *	     handler writes into the rings any more
 * @vms:     tgids to record ...
 * @nr_vms:  ... so many; 0: all
 *
 * Context: process, session mutex held.
 * Return: TSC since when vCPUs tell of these classes and no others.
 */
u64 ks_attach_session(u32 classes, const pid_t *vms, u32 nr_vms)
{
	u64 since;

	mutex_lock(&state.mutex);
	state.session = classes;
	state.nr_vms = nr_vms;
	memcpy(state.vms, vms, nr_vms * sizeof(*vms));
	since = reconcile(classes);
	mutex_unlock(&state.mutex);
	return since;
}

/**
 * ks_attach_events - an event is being enabled or disabled
 * @classes: what it needs
 * @change:  1 or -1
 *
 * Context: process, event_mutex held.
 * Return: 0, or -ENODEV before init has ended and after exit has begun.
 */
int ks_attach_events(u32 classes, int change)
{
	int ret = -ENODEV;
	int i;

	mutex_lock(&state.mutex);
	if (state.open) {
		for (i = 0; i < KVMSCHED_NR_CLASSES; i++)
			if (classes & (1U << i))
				state.events[i] += change;
		reconcile(change > 0);
		ret = 0;
	}
	mutex_unlock(&state.mutex);
	return ret;
}

/**
 * ks_attach_follow - somebody begins or ends to follow the ledgers
 * @change: 1 or -1
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int ks_attach_follow(int change)
{
	int ret;

	mutex_lock(&state.mutex);
	ret = ks_vcpus_follow(state.followers + change);
	if (!ret) {
		state.followers += change;
		reconcile(false);
	}
	mutex_unlock(&state.mutex);
	return ret;
}

u32 ks_attached_classes(void)
{
	return READ_ONCE(ks_wanted_classes) & KVMSCHED_CLASS_ALL;
}

/**
 * ks_attach_missed - kprobe hits that the kernel dropped since load
 */
u64 ks_attach_missed(void)
{
	struct ks_hook *hook;
	unsigned int table;
	u64 missed = 0;

	mutex_lock(&state.mutex);
	for_each_hook(table, hook)
		missed += ks_hook_missed(hook);
	mutex_unlock(&state.mutex);
	return missed;
}

/**
 * ks_attach_row - fill in one row of the table of hooks
 * @row: in: its index; out: the rest
 * @try: find out what would attach, at the price of some grace periods;
 *	 else the status is of the last attempt
 *
 * Context: process.
 * Return: 0 or -ENOENT beyond the end.
 */
int ks_attach_row(struct kvmsched_hook *row, bool try)
{
	struct ks_hook *hook;
	unsigned int table;
	u32 index = 0;
	int ret = -ENOENT;

	mutex_lock(&state.mutex);
	for_each_hook(table, hook) {
		if (index++ != row->index)
			continue;
		row->classes = hook->classes;
		row->attached = hook->attached;
		row->status = try ? ks_hook_probe(hook) : hook->status;
		row->how = hook_chosen(hook) && !row->status ?
			   hook->how : KVMSCHED_HOW_NONE;
		row->hits_missed = ks_hook_missed(hook);
		strscpy_pad(row->name, hook->name, sizeof(row->name));
		strscpy_pad(row->module, hook->module, sizeof(row->module));
		ret = 0;
		goto out;
	}
out:
	mutex_unlock(&state.mutex);
	return ret;
}

static bool in_module(const struct ks_hook *hook, const struct module *module)
{
	return *hook->module && !strcmp(hook->module, module->name);
}

/* Kprobes follow their module. Priority -1: after the kernel's own work. */
static int module_event(struct notifier_block *block, unsigned long event,
			void *data)
{
	struct module *module = data;
	struct ks_hook *hook;
	unsigned int table;

	if (event != MODULE_STATE_COMING && event != MODULE_STATE_GOING)
		return NOTIFY_DONE;

	mutex_lock(&state.mutex);
	for_each_hook(table, hook) {
		if (hook->how != KVMSCHED_HOW_KPROBE || !in_module(hook, module))
			continue;
		if (event == MODULE_STATE_GOING)
			ks_hook_detach(hook);
		else if ((hook->classes & ks_wanted_classes) && hook_chosen(hook))
			ks_hook_attach(hook);
	}
	mutex_unlock(&state.mutex);
	return NOTIFY_DONE;
}

static struct notifier_block module_notifier = {
	.notifier_call = module_event,
	.priority = -1,
};

static void tracepoint_seen(struct tracepoint *tracepoint, const char *module,
			    bool going)
{
	struct ks_hook *hook;
	unsigned int table;

	for_each_hook(table, hook) {
		if (hook->how != KVMSCHED_HOW_TRACEPOINT ||
		    strcmp(hook->module, module) ||
		    strcmp(hook->name, tracepoint->name))
			continue;
		if (going) {
			ks_hook_detach(hook);
			hook->tracepoint = NULL;
			continue;
		}
		hook->tracepoint = tracepoint;
		if ((hook->classes & ks_wanted_classes) && hook_chosen(hook))
			ks_hook_attach(hook);
	}
}

/* tracepoint_module_list_mutex is held; replayed for modules already there. */
static int tracepoint_module_event(struct notifier_block *block,
				   unsigned long event, void *data)
{
	struct tp_module *tp_module = data;
	struct module *module = tp_module->mod;
	unsigned int i;

	mutex_lock(&state.mutex);
	for (i = 0; i < module->num_tracepoints; i++)
		tracepoint_seen(tracepoint_ptr_deref(&module->tracepoints_ptrs[i]),
				module->name, event == MODULE_STATE_GOING);
	mutex_unlock(&state.mutex);
	return NOTIFY_DONE;
}

static struct notifier_block tracepoint_notifier = {
	.notifier_call = tracepoint_module_event,
};

static void kernel_tracepoint(struct tracepoint *tracepoint, void *unused)
{
	struct ks_hook *hook;
	unsigned int table;

	for_each_hook(table, hook) {
		if (hook->how != KVMSCHED_HOW_TRACEPOINT ||
		    strcmp(hook->name, tracepoint->name))
			continue;
		hook->tracepoint = tracepoint;
		if (*hook->module)
			ks_kvm_built_in = true;
	}
}

/**
 * ks_attach_init - learn what there is, and hear of what comes and goes
 *
 * Return: 0 or a negative errno; nothing is attached yet.
 */
int ks_attach_init(void)
{
	struct ks_hook *hook;
	unsigned int table;
	int nr = 0;
	int ret;

	state.by_kprobe = !strcmp(attach, "kprobe");
	if (!state.by_kprobe && strcmp(attach, "auto")) {
		pr_err("attach=%s: expected auto or kprobe\n", attach);
		return -EINVAL;
	}

	for_each_hook(table, hook)
		nr++;
	if (WARN_ON(nr > KS_MAX_HOOKS))
		return -E2BIG;

	for_each_kernel_tracepoint(kernel_tracepoint, NULL);
	ret = register_module_notifier(&module_notifier);
	if (ret)
		return ret;
	ret = register_tracepoint_module_notifier(&tracepoint_notifier);
	if (ret)
		unregister_module_notifier(&module_notifier);
	return ret;
}

/**
 * ks_attach_open - init is over: events may be enabled from now on
 */
void ks_attach_open(void)
{
	mutex_lock(&state.mutex);
	state.open = true;
	mutex_unlock(&state.mutex);
}

/**
 * ks_attach_exit - detach everything
 *
 * After ks_vcpus_detach(): kprobes and tracepoints of a busy host are waited
 * for, which must not depend on our own notifiers.  The tracepoint notifier's
 * unregistration replays GOING for each module, which detaches KVM's
 * tracepoints.
 */
void ks_attach_exit(void)
{
	unregister_module_notifier(&module_notifier);
	unregister_tracepoint_module_notifier(&tracepoint_notifier);

	mutex_lock(&state.mutex);
	state.open = false;
	memset(state.events, 0, sizeof(state.events));
	state.session = 0;
	state.followers = 0;
	WRITE_ONCE(ks_session_classes, 0);
	WRITE_ONCE(ks_wanted_classes, 0);
	ks_vcpus_listen(0, 0, NULL, 0, false);
	detach_unwanted(0);
	if (state.notifiers_on)
		preempt_notifier_dec();
	state.notifiers_on = false;
	mutex_unlock(&state.mutex);
}

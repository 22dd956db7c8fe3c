// SPDX-License-Identifier: GPL-2.0-only
/*
 * All hooks: the tables of the probes, and what becomes of their rows as
 * classes are wanted and modules come and go
 *
 * Nothing of KVM is linked: functions are found by name, its tracepoints in
 * the list that comes with the module.  So KVM may load later, unload and load
 * again, and never has us as a user.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "hooks.h"
#include "kvm_param.h"
#include "probe.h"

static char *attach = "auto";
module_param(attach, charp, 0444);
MODULE_PARM_DESC(attach, "how exits and entries are found: auto (tracepoints where they are) or kprobe");

/* Guards the rows; attach.c has the order of all locks. */
DEFINE_MUTEX(ks_hooks_mutex);

/* attach=kprobe */
static bool ks_by_kprobe;

/* Attached in this order, detached in the reverse. */
static struct ks_hook *const ks_hook_tables[] = {
	ks_irq_hooks, ks_timer_hooks, ks_sched_hooks, ks_exit_hooks,
	ks_host_hooks, ks_steal_hooks,
};

#define for_each_hook(table, hook)					\
	for ((table) = 0; (table) < ARRAY_SIZE(ks_hook_tables); (table)++)	\
		for ((hook) = ks_hook_tables[table]; (hook)->name; (hook)++)

static bool ks_has_tracepoint(const char *name)
{
	struct ks_hook *hook;
	unsigned int table;

	for_each_hook(table, hook)
		if (hook->how == KVMSCHED_HOW_TRACEPOINT && hook->tracepoint &&
		    !strcmp(hook->name, name))
			return true;
	return false;
}

/*
 * Some things can be seen by a tracepoint or a kprobe: is this row the choice?
 */
static bool ks_hook_is_chosen(const struct ks_hook *hook)
{
	switch (hook->when) {
	case KS_AUTO:
		return !ks_by_kprobe;
	case KS_KPROBE:
		return ks_by_kprobe || !ks_has_tracepoint(hook->instead);
	default:
		return true;
	}
}

#define KS_DETACH_BATCH	16

/**
 * ks_hooks_detach - detach the rows that no wanted class needs
 * @wanted: KVMSCHED_CLASS_*, and KS_CLASS_LEDGER
 * @all:    those that are kept as well
 *
 * Kprobes go in one batch: each unregistration on its own waits for a grace
 * period.
 *
 * Context: process, hooks mutex held.
 */
void ks_hooks_detach(u32 wanted, bool all)
{
	struct ks_hook *batch[KS_DETACH_BATCH];
	struct kprobe *kprobes[KS_DETACH_BATCH];
	int i, n = 0, table;
	struct ks_hook *hook;

	for (table = ARRAY_SIZE(ks_hook_tables) - 1; table >= 0; table--) {
		for (hook = ks_hook_tables[table]; hook->name; hook++)
			;
		while (hook-- > ks_hook_tables[table]) {
			if (!hook->attached || (hook->keep && !all) ||
			    ((hook->classes & wanted) && ks_hook_is_chosen(hook)))
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
	/* After this no handler of a detached row runs. */
	tracepoint_synchronize_unregister();
}

/**
 * ks_hooks_attach - attach the rows that a wanted class needs
 * @wanted: KVMSCHED_CLASS_*, and KS_CLASS_LEDGER
 *
 * Context: process, hooks mutex held.
 */
void ks_hooks_attach(u32 wanted)
{
	struct ks_hook *hook;
	unsigned int table;

	for_each_hook(table, hook)
		if ((hook->classes & wanted) && ks_hook_is_chosen(hook))
			ks_hook_attach(hook);
}

/**
 * ks_hooks_watch_vms - has every end of a VM been seen since the last call?
 *
 * The hook is kept while nobody listens.  KVM's module may have come anew since,
 * but all of its VMs had ended by then.
 *
 * Context: process, hooks mutex held.
 */
bool ks_hooks_watch_vms(void)
{
	struct ks_hook *hook;
	unsigned int table;

	for_each_hook(table, hook)
		if (hook->keep && !hook->attached)
			return false;
	return true;
}

/* Is anything of KVM hooked? */
static bool ks_hooks_has_vcpus(void)
{
	struct ks_hook *hook;
	unsigned int table;

	for_each_hook(table, hook)
		if (hook->attached && *hook->module && !hook->keep)
			return true;
	return false;
}

/*
 * Append the names of some rows to @text; frees it and returns the longer
 * text.
 */
static char *ks_list_rows(char *text, const char *title, u32 wanted, u32 how,
			  bool attached)
{
	struct ks_hook *hook;
	unsigned int table;
	bool first = true;
	char *longer;

	for_each_hook(table, hook) {
		if (!(hook->classes & wanted) || !ks_hook_is_chosen(hook) ||
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

/**
 * ks_hooks_log - log in one line what is attached how, and what is not and why
 * @wanted: classes whose rows to name
 *
 * Context: process, hooks mutex held.
 */
void ks_hooks_log(u32 wanted)
{
	char *text = NULL;

	text = ks_list_rows(text, "; by kprobe: ", wanted, KVMSCHED_HOW_KPROBE, true);
	text = ks_list_rows(text, "; by tracepoint: ", wanted,
			    KVMSCHED_HOW_TRACEPOINT, true);
	text = ks_list_rows(text, "; no kprobe: ", wanted, KVMSCHED_HOW_KPROBE, false);
	text = ks_list_rows(text, "; no tracepoint: ", wanted,
			    KVMSCHED_HOW_TRACEPOINT, false);
	pr_info("attached for classes %#x by preempt notifier%s\n", wanted,
		text ?: "");
	kfree(text);
	if (ks_hooks_has_vcpus() && !ks_hooks_watch_vms())
		pr_notice("the end of VMs can't be seen: each recording numbers them anew\n");
}

/**
 * ks_hooks_missed - kprobe hits that the kernel dropped since load
 * @missed: out
 *
 * Context: process.
 * Return: 0, or -EINTR if the caller is being killed while hooks are attached.
 */
int ks_hooks_missed(u64 *missed)
{
	struct ks_hook *hook;
	unsigned int table;
	int ret;

	ret = mutex_lock_killable(&ks_hooks_mutex);
	if (ret)
		return ret;
	*missed = 0;
	for_each_hook(table, hook)
		*missed += ks_hook_missed(hook);
	mutex_unlock(&ks_hooks_mutex);
	return 0;
}

/**
 * ks_hooks_row - fill in one row of the table of hooks
 * @row: in: its index; out: the rest
 * @try: find out whether it would attach, which takes some grace periods;
 *	 otherwise the status is that of the last attempt
 *
 * Context: process.
 * Return: 0; -ENOENT beyond the end; -EINTR if the caller, who tries, is being
 * killed while hooks are attached.
 */
int ks_hooks_row(struct kvmsched_hook *row, bool try)
{
	struct ks_hook *hook;
	unsigned int table;
	u32 index = 0;
	int ret = -ENOENT;

	/* Who tries is a program that asks, and it may be killed. */
	if (!try)
		mutex_lock(&ks_hooks_mutex);
	else if (mutex_lock_killable(&ks_hooks_mutex))
		return -EINTR;
	for_each_hook(table, hook) {
		if (index++ != row->index)
			continue;
		row->classes = hook->classes;
		row->attached = hook->attached;
		row->status = try ? ks_hook_probe(hook) : hook->status;
		row->how = ks_hook_is_chosen(hook) && !row->status ?
			   hook->how : KVMSCHED_HOW_NONE;
		row->hits_missed = ks_hook_missed(hook);
		strscpy_pad(row->name, hook->name, sizeof(row->name));
		strscpy_pad(row->module, hook->module, sizeof(row->module));
		ret = 0;
		goto out;
	}
out:
	mutex_unlock(&ks_hooks_mutex);
	return ret;
}

static bool ks_hook_is_in(const struct ks_hook *hook, const struct module *module)
{
	return *hook->module && !strcmp(hook->module, module->name);
}

/*
 * A module comes or goes: attach or detach its kprobes.  Priority -1: after the
 * kernel has done its own work.
 */
static int ks_on_module_event(struct notifier_block *block, unsigned long event,
			      void *data)
{
	struct module *module = data;
	struct ks_hook *hook;
	unsigned int table;

	if (event != MODULE_STATE_COMING && event != MODULE_STATE_GOING)
		return NOTIFY_DONE;

	mutex_lock(&ks_hooks_mutex);
	for_each_hook(table, hook) {
		if (hook->how != KVMSCHED_HOW_KPROBE ||
		    !ks_hook_is_in(hook, module))
			continue;
		if (event == MODULE_STATE_GOING)
			ks_hook_detach(hook);
		else if ((hook->classes & ks_wanted_classes) &&
			 ks_hook_is_chosen(hook))
			ks_hook_attach(hook);
	}
	mutex_unlock(&ks_hooks_mutex);
	return NOTIFY_DONE;
}

static struct notifier_block ks_module_notifier = {
	.notifier_call = ks_on_module_event,
	.priority = -1,
};

static void ks_update_tracepoint(struct tracepoint *tracepoint, const char *module,
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
		if ((hook->classes & ks_wanted_classes) &&
		    ks_hook_is_chosen(hook))
			ks_hook_attach(hook);
	}
}

/*
 * Context: tracepoint_module_list_mutex is held.  Registering the notifier
 * calls it for each module that is loaded already.
 */
static int ks_on_tracepoint_module(struct notifier_block *block,
				   unsigned long event, void *data)
{
	struct tp_module *tp_module = data;
	struct module *module = tp_module->mod;
	unsigned int i;

	mutex_lock(&ks_hooks_mutex);
	ks_kvm_param_learn(module, event == MODULE_STATE_GOING);
	for (i = 0; i < module->num_tracepoints; i++)
		ks_update_tracepoint(
			tracepoint_ptr_deref(&module->tracepoints_ptrs[i]),
			module->name, event == MODULE_STATE_GOING);
	mutex_unlock(&ks_hooks_mutex);
	return NOTIFY_DONE;
}

static struct notifier_block ks_tracepoint_notifier = {
	.notifier_call = ks_on_tracepoint_module,
};

static void ks_learn_tracepoint(struct tracepoint *tracepoint, void *unused)
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
 * ks_hooks_init - find the tracepoints, and follow modules from now on
 *
 * Return: 0 or a negative errno; nothing is attached yet.
 */
int ks_hooks_init(void)
{
	struct ks_hook *hook;
	unsigned int table;
	int nr = 0;
	int ret;

	ks_by_kprobe = !strcmp(attach, "kprobe");
	if (!ks_by_kprobe && strcmp(attach, "auto")) {
		pr_err("attach=%s: expected auto or kprobe\n", attach);
		return -EINVAL;
	}

	for_each_hook(table, hook)
		nr++;
	if (WARN_ON(nr > KS_MAX_HOOKS))
		return -E2BIG;

	for_each_kernel_tracepoint(ks_learn_tracepoint, NULL);
	ret = register_module_notifier(&ks_module_notifier);
	if (ret)
		return ret;
	ret = register_tracepoint_module_notifier(&ks_tracepoint_notifier);
	if (ret)
		unregister_module_notifier(&ks_module_notifier);
	return ret;
}

/**
 * ks_hooks_exit - stop following modules
 *
 * Unregistering the tracepoint notifier calls it with GOING for each module,
 * and so detaches KVM's tracepoints.
 */
void ks_hooks_exit(void)
{
	unregister_module_notifier(&ks_module_notifier);
	unregister_tracepoint_module_notifier(&ks_tracepoint_notifier);
}

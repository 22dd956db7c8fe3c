// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of the rows as modules come and go
 *
 * Nothing of KVM is linked: functions are found by name, its tracepoints in
 * the list that comes with the module.  So KVM may load later, unload and load
 * again, and never has us as a user.
 */
#include <linux/module.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "kvm_param.h"
#include "rows.h"

/**
 * struct ks_module_change - a module has come, or goes
 * @module: the module
 * @going:  it goes
 */
struct ks_module_change {
	struct module *module;
	bool going;
};

static bool ks_any_hook_is_in(const struct module *module)
{
	struct ks_hook *hook;
	unsigned int table;

	for_each_hook(table, hook)
		if (ks_hook_is_in(hook, module))
			return true;
	return false;
}

static void ks_change_kprobes(void *arg)
{
	struct ks_module_change *change = arg;
	struct ks_hook *hook;
	unsigned int table;

	if (change->going) {
		ks_rows_unregister(change->module);
		return;
	}
	for_each_hook(table, hook)
		if (hook->how == KVMSCHED_HOW_KPROBE &&
		    ks_hook_is_in(hook, change->module))
			ks_rows_attach(hook);
}

/*
 * A module comes or goes: attach or detach its kprobes.  Priority -1: after the
 * kernel has done its own work.
 */
static int ks_on_module_event(struct notifier_block *block, unsigned long event,
			      void *data)
{
	struct ks_module_change change = {
		.module = data,
		.going = event == MODULE_STATE_GOING,
	};

	if ((event != MODULE_STATE_COMING && event != MODULE_STATE_GOING) ||
	    !ks_any_hook_is_in(change.module))
		return NOTIFY_DONE;

	mutex_lock(&ks_rows.mutex);
	ks_elsewhere("a module's kprobes", ks_change_kprobes, &change);
	mutex_unlock(&ks_rows.mutex);
	return NOTIFY_DONE;
}

static struct notifier_block ks_module_notifier = {
	.notifier_call = ks_on_module_event,
	.priority = -1,
};

static void ks_change_tracepoint(struct tracepoint *tracepoint,
				 const struct ks_module_change *change)
{
	struct ks_hook *hook;
	unsigned int table;

	for_each_hook(table, hook) {
		if (hook->how != KVMSCHED_HOW_TRACEPOINT ||
		    !ks_hook_is_in(hook, change->module) ||
		    strcmp(hook->name, tracepoint->name))
			continue;
		if (change->going) {
			ks_hook_detach(hook);
			hook->tracepoint = NULL;
			continue;
		}
		hook->tracepoint = tracepoint;
		ks_rows_attach(hook);
	}
}

static void ks_change_tracepoints(void *arg)
{
	struct ks_module_change *change = arg;
	struct module *module = change->module;
	unsigned int i;

	for (i = 0; i < module->num_tracepoints; i++)
		ks_change_tracepoint(
			tracepoint_ptr_deref(&module->tracepoints_ptrs[i]),
			change);
	if (change->going)
		ks_grace_begin(&ks_rows.grace);
}

/*
 * Context: tracepoint_module_list_mutex is held.  Registering the notifier
 * calls it for each module that is loaded already, unregistering it for each
 * that is loaded still.
 */
static int ks_on_tracepoint_module(struct notifier_block *block,
				   unsigned long event, void *data)
{
	struct tp_module *tp_module = data;
	struct ks_module_change change = {
		.module = tp_module->mod,
		.going = event == MODULE_STATE_GOING,
	};

	if (!ks_any_hook_is_in(change.module))
		return NOTIFY_DONE;
	mutex_lock(&ks_rows.mutex);
	ks_kvm_param_learn(change.module, change.going);
	ks_elsewhere("a module's tracepoints", ks_change_tracepoints, &change);
	mutex_unlock(&ks_rows.mutex);
	return NOTIFY_DONE;
}

static struct notifier_block ks_tracepoint_notifier = {
	.notifier_call = ks_on_tracepoint_module,
};

/**
 * ks_hook_modules_init - follow modules from now on
 *
 * Return: 0 or a negative errno.
 */
int ks_hook_modules_init(void)
{
	int ret;

	ret = register_module_notifier(&ks_module_notifier);
	if (ret)
		return ret;
	ret = register_tracepoint_module_notifier(&ks_tracepoint_notifier);
	if (ret)
		unregister_module_notifier(&ks_module_notifier);
	return ret;
}

void ks_hook_modules_exit(void)
{
	unregister_module_notifier(&ks_module_notifier);
	unregister_tracepoint_module_notifier(&ks_tracepoint_notifier);
}

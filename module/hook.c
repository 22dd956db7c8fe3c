// SPDX-License-Identifier: GPL-2.0-only
/*
 * One hook: attach it, detach it, find out whether it would attach
 *
 * Context of all: process, under the hooks' mutex.
 */
#include <linux/string.h>

#include "probe.h"

/*
 * KVM is built into the kernel: its functions are found without a module's
 * name.
 */
bool ks_kvm_built_in;

u32 ks_wanted_classes;

static int ks_kprobe_register(struct ks_hook *hook, u32 flags)
{
	bool qualified = *hook->module && !ks_kvm_built_in;
	char name[2 * KVMSCHED_NAME_LEN];
	int ret;

	/* A kprobe whose module was unloaded must be set up anew. */
	memset(&hook->kprobe, 0, sizeof(hook->kprobe));
	hook->kprobe.pre_handler = hook->handler;
	hook->kprobe.flags = flags;
	snprintf(name, sizeof(name), "%s%s%s", qualified ? hook->module : "",
		 qualified ? ":" : "", hook->name);
	hook->kprobe.symbol_name = name;
	ret = register_kprobe(&hook->kprobe);
	hook->kprobe.symbol_name = hook->name;
	/*
	 * A breakpoint kprobe runs in NMI-like context, where the ring can't
	 * be written.
	 */
	if (!ret && !kprobe_ftrace(&hook->kprobe)) {
		unregister_kprobe(&hook->kprobe);
		ret = -EOPNOTSUPP;
	}
	return ret;
}

/**
 * ks_hook_attach - attach a hook; ->status says whether that succeeded
 * @hook: the hook
 */
void ks_hook_attach(struct ks_hook *hook)
{
	if (hook->attached)
		return;
	if (hook->how == KVMSCHED_HOW_TRACEPOINT)
		hook->status = hook->tracepoint ?
			tracepoint_probe_register(hook->tracepoint,
						  hook->probe, NULL) : -ENOENT;
	else
		hook->status = ks_kprobe_register(hook, 0);
	hook->attached = !hook->status;
}

/**
 * ks_hook_missed - how many hits of a hook the kernel dropped
 * @hook: the hook
 *
 * It drops a hit while the handler of another kprobe runs.
 *
 * Return: their number since the module was loaded.
 */
u64 ks_hook_missed(const struct ks_hook *hook)
{
	if (hook->how != KVMSCHED_HOW_KPROBE || hook->hint || !hook->attached)
		return hook->missed;
	return hook->missed + hook->kprobe.nmissed;
}

/**
 * ks_hook_detached - a hook has been unregistered, in a batch with others
 * @hook: the hook
 */
void ks_hook_detached(struct ks_hook *hook)
{
	hook->missed = ks_hook_missed(hook);
	hook->attached = false;
}

/**
 * ks_hook_detach - detach a hook
 * @hook: the hook; its handler may run until the next
 *	  tracepoint_synchronize_unregister()
 */
void ks_hook_detach(struct ks_hook *hook)
{
	if (!hook->attached)
		return;
	if (hook->how == KVMSCHED_HOW_TRACEPOINT)
		tracepoint_probe_unregister(hook->tracepoint, hook->probe, NULL);
	else
		unregister_kprobe(&hook->kprobe);
	ks_hook_detached(hook);
}

/**
 * ks_hook_probe - find out whether a hook would attach
 * @hook: the hook; its kprobe is registered for that, but disabled
 *
 * Return: 0 or a negative errno.
 */
int ks_hook_probe(struct ks_hook *hook)
{
	int ret;

	if (hook->attached)
		return 0;
	if (hook->how == KVMSCHED_HOW_TRACEPOINT)
		return hook->tracepoint ? 0 : -ENOENT;
	ret = ks_kprobe_register(hook, KPROBE_FLAG_DISABLED);
	if (!ret)
		unregister_kprobe(&hook->kprobe);
	return ret;
}

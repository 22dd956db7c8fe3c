// SPDX-License-Identifier: GPL-2.0-only
/*
 * One hook: attach it, detach it, find out whether it would attach
 *
 * A kprobe is registered once, at the first need, and from then on switched by
 * enable_kprobe() and disable_kprobe(): for functions that ftrace can trace,
 * as all of ours, neither waits for a grace period.  unregister_kprobe() does.
 *
 * Context of all: process, under the mutex of the rows (rows.c); attaching and
 * detaching in a worker, see elsewhere.c.
 */
#include <linux/string.h>

#include "probe.h"

/*
 * KVM is built into the kernel: its functions are found without a module's
 * name.
 */
bool ks_kvm_built_in;

/* Register the hook's kprobe, disabled. */
static int ks_kprobe_register(struct ks_hook *hook)
{
	bool qualified = *hook->module && !ks_kvm_built_in;
	char name[2 * KVMSCHED_NAME_LEN];
	int ret;

	if (!hook->registered) {
		/* A kprobe whose module was unloaded must be set up anew. */
		memset(&hook->kprobe, 0, sizeof(hook->kprobe));
		hook->kprobe.pre_handler = hook->handler;
		hook->kprobe.flags = KPROBE_FLAG_DISABLED;
		snprintf(name, sizeof(name), "%s%s%s",
			 qualified ? hook->module : "", qualified ? ":" : "",
			 hook->name);
		hook->kprobe.symbol_name = name;
		ret = register_kprobe(&hook->kprobe);
		hook->kprobe.symbol_name = hook->name;
		if (ret)
			return ret;
		hook->registered = true;
	}
	/*
	 * A breakpoint kprobe runs in NMI-like context, where the ring can't
	 * be written.  It stays disabled.
	 */
	return kprobe_ftrace(&hook->kprobe) ? 0 : -EOPNOTSUPP;
}

static int ks_kprobe_attach(struct ks_hook *hook)
{
	int ret;

	ret = ks_kprobe_register(hook);
	if (ret)
		return ret;
	hook->missed_before = hook->kprobe.nmissed;
	ret = enable_kprobe(&hook->kprobe);
	if (ret)
		return ret;
	/* Root has switched all kprobes off (debugfs). */
	return kprobe_disabled(&hook->kprobe) ? -EAGAIN : 0;
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
		hook->status = ks_kprobe_attach(hook);
	hook->attached = !hook->status;
}

/**
 * ks_hook_missed - how many hits of a hook the kernel dropped
 * @hook: the hook
 *
 * It drops a hit while the handler of another kprobe runs.  It also counts
 * those of other kprobes on the same function, while ours is disabled.
 *
 * Return: their number since the module was loaded.
 */
u64 ks_hook_missed(const struct ks_hook *hook)
{
	if (hook->how != KVMSCHED_HOW_KPROBE || hook->hint || !hook->attached)
		return hook->missed;
	return hook->missed + (hook->kprobe.nmissed - hook->missed_before);
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
	else /* fails if its module has gone, which is as good */
		disable_kprobe(&hook->kprobe);
	hook->missed = ks_hook_missed(hook);
	hook->attached = false;
}

/**
 * ks_hook_probe - find out whether a hook would attach
 * @hook: the hook; its kprobe is registered for that, but not enabled
 *
 * Return: 0 or a negative errno.
 */
int ks_hook_probe(struct ks_hook *hook)
{
	if (hook->attached)
		return 0;
	if (hook->how == KVMSCHED_HOW_TRACEPOINT)
		return hook->tracepoint ? 0 : -ENOENT;
	return ks_kprobe_register(hook);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows for the log and for readers of the device
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>
#include <linux/string.h>

#include "rows.h"

/*
 * Log the names of some rows, if there are any.  A line of the log has room for the rows of
 * one kind, but not for all.
 */
static void ks_log_rows(const char *title, u32 wanted, u32 how, bool attached)
{
	struct ks_hook *hook;
	unsigned int table;
	char *text = NULL;
	char *longer;

	for_each_hook(table, hook) {
		if (!(hook->classes & wanted) || !ks_hook_is_chosen(hook) ||
		    hook->how != how || hook->attached != attached)
			continue;
		longer = attached ?
			 kasprintf(GFP_KERNEL, "%s %s", text ?: "", hook->name) :
			 kasprintf(GFP_KERNEL, "%s %s(%d)", text ?: "", hook->name,
				   hook->status);
		kfree(text);
		text = longer;
	}
	if (text)
		pr_info("%s:%s\n", title, text);
	kfree(text);
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

/**
 * ks_hooks_watch_vms - is the end of each VM seen, and has it been since the last call?
 *
 * The hook is kept while nobody listens.  KVM's module may have come anew since,
 * but all of its VMs had ended by then.  It does not show whether root has switched
 * kprobes off meanwhile, and on again.
 *
 * Context: process, hooks mutex held.
 */
bool ks_hooks_watch_vms(void)
{
	struct ks_hook *hook;
	unsigned int table;

	for_each_hook(table, hook)
		if (hook->keep && !READ_ONCE(hook->attached))
			return false;
	return true;
}

/**
 * ks_hooks_log - log what is attached how, and what is not and why
 * @wanted: classes whose rows to name
 *
 * Context: process, hooks mutex held.
 */
void ks_hooks_log(u32 wanted)
{
	pr_info("attached for classes %#x by preempt notifier\n", wanted);
	mutex_lock(&ks_rows.mutex);
	ks_log_rows("attached by kprobe", wanted, KVMSCHED_HOW_KPROBE, true);
	ks_log_rows("attached by tracepoint", wanted, KVMSCHED_HOW_TRACEPOINT, true);
	ks_log_rows("can't attach kprobe", wanted, KVMSCHED_HOW_KPROBE, false);
	ks_log_rows("can't attach tracepoint", wanted, KVMSCHED_HOW_TRACEPOINT,
		    false);
	mutex_unlock(&ks_rows.mutex);
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

	ret = mutex_lock_killable(&ks_rows.mutex);
	if (ret)
		return ret;
	*missed = 0;
	for_each_hook(table, hook)
		*missed += ks_hook_missed(hook);
	mutex_unlock(&ks_rows.mutex);
	return 0;
}

/**
 * ks_hooks_row - fill in one row of the table of hooks
 * @row: in: its index; out: the rest
 * @try: find out whether it would attach, unless somebody wants it: then, and for
 *	 all others, the status is that of the last attempt
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
		mutex_lock(&ks_rows.mutex);
	else if (mutex_lock_killable(&ks_rows.mutex))
		return -EINTR;
	for_each_hook(table, hook) {
		if (hook->when == KS_OTHER_CPU || index++ != row->index)
			continue;
		row->classes = hook->classes;
		row->attached = hook->attached;
		row->status = hook->status;
		/* What is registered may still not have been attached, for a reason. */
		if (try && !(row->status && ks_hook_is_wanted(hook)))
			row->status = ks_hook_probe(hook);
		row->how = ks_hook_is_chosen(hook) && !row->status ?
			   hook->how : KVMSCHED_HOW_NONE;
		row->hits_missed = ks_hook_missed(hook);
		strscpy_pad(row->name, hook->name, sizeof(row->name));
		strscpy_pad(row->module, hook->module, sizeof(row->module));
		ret = 0;
		goto out;
	}
out:
	mutex_unlock(&ks_rows.mutex);
	return ret;
}

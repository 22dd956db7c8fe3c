// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows of all tables, and which of them are wanted
 *
 * Context of all: process, with the mutex of the rows; attaching, detaching and
 * unregistering in a worker.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "rows.h"

static char *attach = "auto";
module_param(attach, charp, 0444);
MODULE_PARM_DESC(attach, "how exits and entries are found: auto (tracepoints where they are) or kprobe");

/* attach=kprobe */
static bool ks_by_kprobe;

struct ks_rows ks_rows = {
	.mutex = __MUTEX_INITIALIZER(ks_rows.mutex),
};

/* Attached in this order, detached in the reverse. */
struct ks_hook *const ks_hook_tables[KS_NR_TABLES] = {
	ks_irq_hooks, ks_sender_hooks, ks_softirq_hooks, ks_timer_hooks,
	ks_stimer_hooks, ks_sched_hooks, ks_exit_hooks, ks_host_hooks,
	ks_throttle_hooks, ks_steal_hooks,
};

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
bool ks_hook_is_chosen(const struct ks_hook *hook)
{
	switch (hook->when) {
	case KS_AUTO:
		return !ks_by_kprobe;
	case KS_KPROBE:
		return ks_by_kprobe || !ks_has_tracepoint(hook->instead);
	case KS_OTHER_CPU:
		return false;
	default:
		return true;
	}
}

/* Does somebody want this row, or did once, and it is kept? */
bool ks_hook_is_wanted(const struct ks_hook *hook)
{
	if (hook->keep && hook->attached)
		return true;
	return (hook->classes & READ_ONCE(ks_rows.wanted)) &&
	       ks_hook_is_chosen(hook);
}

bool ks_hook_is_in(const struct ks_hook *hook, const struct module *module)
{
	return *hook->module && !strcmp(hook->module, module->name);
}

/**
 * ks_rows_attach - attach a row if it is wanted
 * @hook: the row
 */
void ks_rows_attach(struct ks_hook *hook)
{
	if (ks_hook_is_wanted(hook) && !ks_rows.closed)
		ks_hook_attach(hook);
}

/**
 * ks_rows_detach - detach the rows that are not wanted
 */
void ks_rows_detach(void)
{
	struct ks_hook *hook;
	int table;

	for (table = KS_NR_TABLES - 1; table >= 0; table--) {
		for (hook = ks_hook_tables[table]; hook->name; hook++)
			;
		while (hook-- > ks_hook_tables[table])
			if (!ks_hook_is_wanted(hook))
				ks_hook_detach(hook);
	}
	ks_grace_begin(&ks_rows.grace);
}

/**
 * ks_rows_unregister - unregister kprobes, which takes a grace period
 * @module: those of this module; NULL: all
 */
void ks_rows_unregister(const struct module *module)
{
	static struct kprobe *kprobes[KS_MAX_HOOKS];
	struct ks_hook *hook;
	unsigned int table;
	int nr = 0;

	for_each_hook(table, hook) {
		if (!hook->registered || (module && !ks_hook_is_in(hook, module)))
			continue;
		ks_hook_detach(hook);
		hook->registered = false;
		kprobes[nr++] = &hook->kprobe;
	}
	if (nr)
		unregister_kprobes(kprobes, nr);
}

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
 * ks_rows_init - find the kernel's own tracepoints
 *
 * Return: 0 or a negative errno.
 */
int ks_rows_init(void)
{
	struct ks_hook *hook;
	unsigned int table;
	int nr = 0;

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
	return 0;
}

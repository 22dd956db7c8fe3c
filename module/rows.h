/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows of all tables: for hooks.c, hook_list.c and hook_modules.c only
 */
#ifndef _KVMSCHED_ROWS_H
#define _KVMSCHED_ROWS_H

#include <linux/mutex.h>

#include "elsewhere.h"
#include "hooks.h"
#include "probe.h"

/**
 * struct ks_rows - what is common to all rows
 * @mutex:  guards the rest and the tables.  Whoever holds it waits for no worker
 *	    that takes it
 * @wanted: classes whose rows are, or are to be, attached; written under
 *	    ks_hooks_mutex, and at last by exit
 * @closed: the module exits: nothing is attached any more
 * @grace:  since rows were detached last.  The kernel lets this pass before any
 *	    tracepoint gets its first handler
 */
struct ks_rows {
	struct mutex mutex;
	u32 wanted;
	bool closed;
	struct ks_grace grace;
};
extern struct ks_rows ks_rows;

#define KS_NR_TABLES	10
/* Tables in the order of attaching; their rows are as struct ks_hook says. */
extern struct ks_hook *const ks_hook_tables[KS_NR_TABLES];

#define for_each_hook(table, hook)					\
	for ((table) = 0; (table) < KS_NR_TABLES; (table)++)		\
		for ((hook) = ks_hook_tables[table]; (hook)->name; (hook)++)

int ks_rows_init(void);
bool ks_hook_is_chosen(const struct ks_hook *hook);
bool ks_hook_is_wanted(const struct ks_hook *hook);
bool ks_hook_is_in(const struct ks_hook *hook, const struct module *module);
void ks_rows_attach(struct ks_hook *hook);
void ks_rows_detach(void);
void ks_rows_unregister(const struct module *module);

int ks_hook_modules_init(void);
void ks_hook_modules_exit(void);

#endif /* _KVMSCHED_ROWS_H */

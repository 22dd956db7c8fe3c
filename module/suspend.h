/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KVMSCHED_SUSPEND_H
#define _KVMSCHED_SUSPEND_H

int ks_suspend_init(void);
void ks_suspend_exit(void);

#endif

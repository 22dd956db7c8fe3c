/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KVMSCHED_DEVICE_H
#define _KVMSCHED_DEVICE_H

int ks_device_create(void);
void ks_device_destroy(void);

#endif

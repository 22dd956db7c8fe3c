/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What users say about the recordings that guests made of themselves.  Both functions
 * return NULL, or a sentence that says what is wrong, which the caller frees.
 */
#ifndef KVMSCHED_GUESTFILE_H
#define KVMSCHED_GUESTFILE_H

#include "merge/join.h"

/* "CPU=VCPU", or "VM:CPU=VCPU"; a VM's name may have any characters.  @to: struct kvs_told */
char *kvs_take_cpu(void *to, const char *text);
/* "GUEST.dat" or "VM=GUEST.dat", which @g keeps; what has a slash before the = is a path. */
char *kvs_take_guest(struct kvs_joined *g, char *text);

#endif /* KVMSCHED_GUESTFILE_H */

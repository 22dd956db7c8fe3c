/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KVMSCHED_COMPAT_MM_H
#define _KVMSCHED_COMPAT_MM_H

#include <linux/mm.h>

#include "features.h"

/*
 * Flags are changed by functions since 6.3 (bc292ab00f6c, "mm: introduce vma->vm_flags
 * wrapper functions").
 */
static inline void ks_vm_flags_mod(struct vm_area_struct *vma,
				   unsigned long set, unsigned long clear)
{
#ifdef KS_HAVE_VM_FLAGS_MOD
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

#endif

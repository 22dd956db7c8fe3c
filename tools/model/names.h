/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of numbers, as the kernel has them.
 */
#ifndef KVMSCHED_REASONS_H
#define KVMSCHED_REASONS_H

#include <stddef.h>
#include <stdint.h>

#define KS_NAME_LEN	48	/* room for any of these, with its NUL */

/* A hardware exit; what has no name is hex with its ISA, "svm 0x8f". */
const char *ks_exit_reason(char name[KS_NAME_LEN], uint8_t isa, uint32_t reason);

/* KVM_EXIT_*, why KVM_RUN returned; "KVM_EXIT_99" for an unknown one */
const char *ks_user_reason(char name[KS_NAME_LEN], uint32_t reason);

/* Tables of names; NULL beyond their end. */
const char *ks_switch_kind(unsigned int kind);
const char *ks_exit_end(unsigned int end);
const char *ks_timer_mode(unsigned int mode);
const char *ks_host_irq_kind(unsigned int kind);
const char *ks_hook_how(unsigned int how);
const char *ks_class_name(unsigned int bit);

#endif /* KVMSCHED_REASONS_H */

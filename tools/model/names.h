/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of numbers, as the kernel has them.
 */
#ifndef KVMSCHED_NAMES_H
#define KVMSCHED_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi/records.h"
#include "base/vm.h"

#define KVS_NAME_LEN	48	/* room for any of these, with its NUL */

/* A hardware exit; what has no name is hex with its ISA, "svm 0x8f". */
const char *kvs_exit_reason(char name[KVS_NAME_LEN], uint8_t isa, uint32_t reason);

#define KVS_EXIT_NAME_LEN	(KVS_NAME_LEN + 16)

/*
 * The same with what else tells exits of one reason apart: "L2 npf" is one of a guest of
 * the guest, "msr (fast path)" one whose handling was not seen.
 */
const char *kvs_exit_name(char name[KVS_EXIT_NAME_LEN], uint8_t isa, uint32_t reason, bool l2,
			  bool fastpath);

/* KVM_EXIT_*, why KVM_RUN returned; "KVM_EXIT_99" for an unknown one */
const char *kvs_user_reason(char name[KVS_NAME_LEN], uint32_t reason);

/* The name of an event, below KS_NR_EVENTS, without the system: "exit", "timer_arm" */
const char *kvs_event_name(enum ks_event event);

/* Tables of names; NULL beyond their end. */
const char *kvs_switch_kind(unsigned int kind);
const char *kvs_exit_end(unsigned int end);
/* Why a vCPU is asleep that is not in HLT; NULL if that was not told, too */
const char *kvs_sleep(unsigned int sleep);
const char *kvs_timer_mode(unsigned int mode);
const char *kvs_host_irq_kind(unsigned int kind);
bool kvs_is_softirq(unsigned int host_irq_kind);
const char *kvs_sent_by(unsigned int by);
const char *kvs_hook_how(unsigned int how);
const char *kvs_class_name(unsigned int bit);

/*
 * Instructions that a VMM can keep from exiting, in lower case, and the KS_FEATURE_NO_*
 * that says so; NULL beyond their end.
 */
const char *kvs_exit_off(unsigned int nth, uint32_t *feature);

struct kvs_vcpu;

/* As kvs_vm_label() has it; "vm 3?" where its process is unknown.  Names are bytes. */
const char *kvs_vm_name(char name[KVS_VM_LEN], const struct kvs_vcpu *v);
/* In a sentence: "vm web1/4711", "vm 3?"; "vm web1/4711 vcpu0" */
#define KVS_VCPU_LEN	(KVS_VM_LEN + 16)
const char *kvs_vm_words(char text[KVS_VCPU_LEN], const struct kvs_vcpu *v);
const char *kvs_vcpu_words(char text[KVS_VCPU_LEN], const struct kvs_vcpu *v);

#endif /* KVMSCHED_NAMES_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parameters of the module kvm, read without a link to it
 */
#ifndef _KVMSCHED_KVM_PARAM_H
#define _KVMSCHED_KVM_PARAM_H

#include <linux/types.h>

struct kvm;
struct module;

void ks_kvm_param_learn(const struct module *module, bool going);
bool ks_kvm_halt_poll_ns(const struct kvm *kvm, u32 *ns);

#endif /* _KVMSCHED_KVM_PARAM_H */

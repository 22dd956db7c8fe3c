// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parameters of the module kvm, read without a link to it
 *
 * A module's parameters are listed in its struct module, each with the address
 * of the variable behind it.
 */
#include <linux/compiler.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "compat/halt_poll.h"
#include "kvm_param.h"

/*
 * The variable behind kvm.halt_poll_ns; NULL while the module kvm is not there,
 * or KVM is built into the kernel.  Written under the mutex of the rows.  Read by
 * vCPU threads while their VM is there, which keeps kvm loaded.
 */
static const unsigned int *ks_halt_poll_param;

/**
 * ks_kvm_param_learn - a module has come or goes: find the parameters if it is kvm
 * @module: the module
 * @going:  it goes
 *
 * Context: process, mutex of the rows held.
 */
void ks_kvm_param_learn(const struct module *module, bool going)
{
	const unsigned int *found = NULL;
	unsigned int i;

	if (strcmp(module->name, "kvm"))
		return;
	for (i = 0; !going && i < module->num_kp; i++)
		if (module->kp[i].ops == &param_ops_uint &&
		    !strcmp(module->kp[i].name, "halt_poll_ns"))
			found = module->kp[i].arg;
	WRITE_ONCE(ks_halt_poll_param, found);
}

/**
 * ks_kvm_halt_poll_ns - the limit of halt polling that a VM has now
 * @kvm: the VM
 * @ns:  out: nanoseconds; 0 if it is not known
 *
 * Context: any, within KVM_RUN of one of the VM's vCPUs.
 * Return: whether it is known.
 */
bool ks_kvm_halt_poll_ns(const struct kvm *kvm, u32 *ns)
{
	const unsigned int *param = READ_ONCE(ks_halt_poll_param);

	*ns = 0;
	if (ks_kvm_has_own_halt_poll(kvm))
		*ns = READ_ONCE(kvm->max_halt_poll_ns);
	else if (param)
		*ns = READ_ONCE(*param);
	else
		return false;
	return true;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Let QEMU deliver to a guest each interrupt that KVM injects, but only once.
 *
 * VMRUN delivers the interrupt that the VMCB asks for, and QEMU 7.2 keeps its vector as if
 * it were still to be delivered (helper_vmrun(), exception_index).  The next #VMEXIT clears
 * that.  If the main loop gets its turn before, since another thread kicks the CPU or, with
 * -icount, since a timer of the machine is due, it delivers the vector once more, whether
 * the guest's interrupts are on or off.  A Linux acknowledges an interrupt without an exit
 * (kvm-pv-eoi): so it is in the midst of its timer's interrupt, and spins for ever on the
 * lock that it holds itself.  A real CPU cannot do that.
 *
 * An interrupt that this CPU sends to itself before VMRUN ends guest mode right after the
 * delivery, before the guest's first instruction: KVM does so itself where it wants an exit
 * at once.  That is one exit more for each injection.  Lab use only: load it after KVM, for
 * a guest that does not look out for such interrupts itself.
 *
 * What was delivered twice is told by the VMCB at the next #VMEXIT: an event without its
 * valid bit, of type exception, but with an interrupt's vector.  It is counted, and
 * with heal=0 that is all.
 */
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/smp.h>
#include <linux/tracepoint.h>
#include <asm/svm.h>
#include <trace/events/ipi.h>

static bool heal = true;
module_param(heal, bool, 0400);
MODULE_PARM_DESC(heal, "end guest mode after each delivery");

static atomic_t twice;

static int read_twice(char *text, const struct kernel_param *param)
{
	return sysfs_emit(text, "%d\n", atomic_read(&twice));
}

static const struct kernel_param_ops twice_ops = { .get = read_twice };
module_param_cb(twice, &twice_ops, NULL, 0400);
MODULE_PARM_DESC(twice, "interrupts seen that were delivered twice");

/* KVM's own; the first of struct vcpu_svm after the vCPU. */
extern struct tracepoint __tracepoint_kvm_entry, __tracepoint_kvm_exit;

static struct vmcb_control_area *control_of(struct kvm_vcpu *vcpu)
{
	return &(*(struct vmcb **)(vcpu + 1))->control;
}

/* Before VMRUN, interrupts off.  Kernels differ in what else kvm_entry has. */
static void on_entry(void *data, struct kvm_vcpu *vcpu)
{
	u32 event = control_of(vcpu)->event_inj;

	if (event & SVM_EVTINJ_VALID && (event & SVM_EVTINJ_TYPE_MASK) == SVM_EVTINJ_TYPE_INTR)
		smp_send_reschedule(raw_smp_processor_id());
}

static void on_exit(void *data, struct kvm_vcpu *vcpu, u32 isa)
{
	u32 event = control_of(vcpu)->exit_int_info;

	if (!(event & SVM_EXITINTINFO_VALID) && (event & SVM_EXITINTINFO_VEC_MASK) >= 32 &&
	    (event & SVM_EXITINTINFO_TYPE_MASK) == SVM_EXITINTINFO_TYPE_EXEPT)
		atomic_inc(&twice);
}

/* Others measure: nothing of this is between them and the guest. */
#define FIRST	(TRACEPOINT_DEFAULT_PRIO + 1)
#define LAST	(TRACEPOINT_DEFAULT_PRIO - 1)

static int __init deliver_once_init(void)
{
	int err = tracepoint_probe_register_prio(&__tracepoint_kvm_exit, on_exit, NULL, LAST);

	if (err || !heal)
		return err;
	err = tracepoint_probe_register_prio(&__tracepoint_kvm_entry, on_entry, NULL, FIRST);
	if (err)
		tracepoint_probe_unregister(&__tracepoint_kvm_exit, on_exit, NULL);
	return err;
}
module_init(deliver_once_init);

static void __exit deliver_once_exit(void)
{
	if (heal)
		tracepoint_probe_unregister(&__tracepoint_kvm_entry, on_entry, NULL);
	tracepoint_probe_unregister(&__tracepoint_kvm_exit, on_exit, NULL);
	tracepoint_synchronize_unregister();
}
module_exit(deliver_once_exit);

MODULE_DESCRIPTION("Have interrupts delivered once in the lab");
MODULE_LICENSE("GPL");

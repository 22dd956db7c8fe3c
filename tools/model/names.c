// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exit reasons under the kernel's own names, from its own headers.
 */
#include <stdio.h>
#include <string.h>

#include <linux/kvm.h>
#include <asm/svm.h>
#include <asm/vmx.h>

#include "uapi/kvmsched.h"
#include "base/base.h"
#include "model/summary.h"
#include "model/names.h"

/* The hardware's basic reason; other bits qualify it. */
#define VMX_BASIC_REASON	0xffff

struct reason {
	uint32_t code;
	const char *name;
};

/* What is newer than the headers of the oldest distribution we build on */
#ifndef EXIT_REASON_TDCALL
#define EXIT_REASON_TDCALL	77
#endif
#ifndef EXIT_REASON_MSR_READ_IMM
#define EXIT_REASON_MSR_READ_IMM	84
#define EXIT_REASON_MSR_WRITE_IMM	85
#endif
#ifndef SVM_EXIT_BUS_LOCK
#define SVM_EXIT_BUS_LOCK	0x0a5
#endif
#ifndef SVM_EXIT_IDLE_HLT
#define SVM_EXIT_IDLE_HLT	0x0a6
#endif

static const struct reason vmx_reasons[] = {
	VMX_EXIT_REASONS,
	/* Later entries only name what the list above doesn't. */
	{ EXIT_REASON_TDCALL,		"TDCALL" },
	{ EXIT_REASON_MSR_READ_IMM,	"MSR_READ_IMM" },
	{ EXIT_REASON_MSR_WRITE_IMM,	"MSR_WRITE_IMM" },
};

static const struct reason svm_reasons[] = {
	SVM_EXIT_REASONS,
	{ SVM_EXIT_BUS_LOCK,		"buslock" },
	{ SVM_EXIT_IDLE_HLT,		"idle-halt" },
};

/* Of older modules; SVM has an exit of that code. */
#define KVS_OLD_REASON_NONE	UINT32_MAX

static const char *find(const struct reason *reasons, size_t n, uint32_t code)
{
	for (size_t i = 0; i < n; i++)
		if (reasons[i].code == code)
			return reasons[i].name;
	return NULL;
}

const char *kvs_exit_reason(char name[KVS_NAME_LEN], uint8_t isa, uint32_t reason)
{
	const char *known = NULL;
	const char *failed = "";

	if (isa == KS_ISA_VMX) {
		known = find(vmx_reasons, ARRAY_SIZE(vmx_reasons),
			     reason & VMX_BASIC_REASON);
		if (reason & VMX_EXIT_REASONS_FAILED_VMENTRY)
			failed = "|FAILED_VMENTRY";
	} else if (isa == KS_ISA_SVM) {
		known = find(svm_reasons, ARRAY_SIZE(svm_reasons), reason);
	}
	if (known)
		snprintf(name, KVS_NAME_LEN, "%s%s", known, failed);
	else if (reason == KVS_OTHER_REASON)
		snprintf(name, KVS_NAME_LEN, KVS_OTHERS);
	else if (reason == (uint32_t)KS_REASON_NONE ||
		 (isa == KS_ISA_VMX && reason == KVS_OLD_REASON_NONE))
		snprintf(name, KVS_NAME_LEN, "%s, not read",
			 isa == KS_ISA_VMX ? "vmx" : "svm");
	else if (isa == KS_ISA_SVM && reason == (uint32_t)KS_REASON_WIDE)
		snprintf(name, KVS_NAME_LEN, "svm, a wide code");
	else if (isa == KS_ISA_VMX || isa == KS_ISA_SVM)
		snprintf(name, KVS_NAME_LEN, "%s %#x",
			 isa == KS_ISA_VMX ? "vmx" : "svm", reason);
	else
		snprintf(name, KVS_NAME_LEN, "isa %u %#x", isa, reason);
	return name;
}

const char *kvs_exit_name(char name[KVS_EXIT_NAME_LEN], uint8_t isa, uint32_t reason, bool l2,
			  bool fastpath)
{
	char bare[KVS_NAME_LEN];

	snprintf(name, KVS_EXIT_NAME_LEN, "%s%s%s", l2 ? "L2 " : "",
		 kvs_exit_reason(bare, isa, reason), fastpath ? " (fast path)" : "");
	return name;
}

const char *kvs_event_name(enum ks_event event)
{
	static const char *const names[KS_NR_EVENTS] = {
#define KS_RECORD(record, ...) [KS_EV_##record] = #record,
#include "uapi/record_list.h"
	};

	return names[event];
}

const char *kvs_user_reason(char name[KVS_NAME_LEN], uint32_t reason)
{
#define NAMED(reason)	[KVM_EXIT_##reason] = #reason
	static const char *const names[] = {
		NAMED(UNKNOWN), NAMED(EXCEPTION), NAMED(IO), NAMED(HYPERCALL),
		NAMED(DEBUG), NAMED(HLT), NAMED(MMIO), NAMED(IRQ_WINDOW_OPEN),
		NAMED(SHUTDOWN), NAMED(FAIL_ENTRY), NAMED(INTR), NAMED(SET_TPR),
		NAMED(TPR_ACCESS), NAMED(NMI), NAMED(INTERNAL_ERROR),
		NAMED(WATCHDOG), NAMED(SYSTEM_EVENT), NAMED(IOAPIC_EOI),
		NAMED(HYPERV), NAMED(X86_RDMSR), NAMED(X86_WRMSR),
		NAMED(DIRTY_RING_FULL), NAMED(AP_RESET_HOLD),
		NAMED(X86_BUS_LOCK), NAMED(XEN), NAMED(NOTIFY),
		[39] = "MEMORY_FAULT", [40] = "TDX",
	};
#undef NAMED

	if (reason < ARRAY_SIZE(names) && names[reason])
		snprintf(name, KVS_NAME_LEN, "%s", names[reason]);
	else if (reason == KVS_OTHER_REASON)
		snprintf(name, KVS_NAME_LEN, KVS_OTHERS);
	else
		snprintf(name, KVS_NAME_LEN, "KVM_EXIT_%u", reason);
	return name;
}

/* A function for each list of uapi/names.h: a number beyond it has no name. */
#define NAME(symbol, number, name)	[number] = name
#define TABLE(function, LIST)						\
	const char *function(unsigned int index)			\
	{								\
		static const char *const names[] = { LIST(NAME) };	\
									\
		return index < ARRAY_SIZE(names) ? names[index] : NULL;	\
	}

TABLE(kvs_class_name, KVMSCHED_CLASSES)
TABLE(kvs_hook_how, KVMSCHED_HOWS)
TABLE(kvs_switch_kind, KVMSCHED_SWITCH_KINDS)
TABLE(kvs_exit_end, KVMSCHED_EXIT_ENDS)
TABLE(kvs_timer_mode, KVMSCHED_TIMER_MODES)
TABLE(kvs_host_irq_kind, KVMSCHED_HOST_IRQ_KINDS)
TABLE(kvs_sent_by, KVMSCHED_SENT_BYS)

bool kvs_is_softirq(unsigned int host_irq_kind)
{
	return host_irq_kind == KS_HOST_IRQ_SOFTIRQ ||
	       host_irq_kind == KS_HOST_IRQ_OWN_SOFTIRQ;
}

const char *kvs_sleep(unsigned int sleep)
{
#define SLEEP_NAME(symbol, number, name)	[number] = name
	static const char *const names[] = { KVMSCHED_SLEEPS(SLEEP_NAME) };

	return sleep != KS_SLEEP_NOT_TOLD && sleep < ARRAY_SIZE(names) ? names[sleep] : NULL;
}

const char *kvs_exit_off(unsigned int nth, uint32_t *feature)
{
	static const struct {
		uint32_t feature;
		const char *name;
	} off[] = {
		{ KS_FEATURE_NO_MWAIT, "mwait" }, { KS_FEATURE_NO_HLT, "hlt" },
		{ KS_FEATURE_NO_PAUSE, "pause" }, { KS_FEATURE_NO_CSTATE, "cstate" },
	};

	if (nth >= ARRAY_SIZE(off))
		return NULL;
	*feature = off[nth].feature;
	return off[nth].name;
}

const char *kvs_vm_name(char name[KVS_VM_LEN], const struct kvs_vcpu *v)
{
	if (!v->identified)
		snprintf(name, KVS_VM_LEN, "vm %u?", v->vm);
	else
		kvs_vm_label(name, v->vm_name, v->tgid, v->vm_index);
	return name;
}

const char *kvs_vm_words(char text[KVS_VCPU_LEN], const struct kvs_vcpu *v)
{
	char vm[KVS_VM_LEN];

	snprintf(text, KVS_VCPU_LEN, "%s%s", v->identified ? "vm " : "", kvs_vm_name(vm, v));
	return text;
}

const char *kvs_vcpu_words(char text[KVS_VCPU_LEN], const struct kvs_vcpu *v)
{
	size_t length = strlen(kvs_vm_words(text, v));

	snprintf(text + length, KVS_VCPU_LEN - length, " vcpu%u", v->id);
	return text;
}

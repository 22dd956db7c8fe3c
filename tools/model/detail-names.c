// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an exit was for, in words: ports, MSRs, leaves, hypercalls, pages and vectors.
 */
#include <stdio.h>

#include <asm/kvm_para.h>
#include <linux/kvm_para.h>

#include "base/base.h"
#include "model/details.h"

struct number {
	u32 number;
	const char *name;
};

/* As the manuals of the vendors have them; those of KVM from its header */
static const struct number msrs[] = {
	{ 0x10, "IA32_TIME_STAMP_COUNTER" },
	{ 0x1b, "IA32_APIC_BASE" },
	{ 0x3a, "IA32_FEATURE_CONTROL" },
	{ 0x3b, "IA32_TSC_ADJUST" },
	{ 0x48, "IA32_SPEC_CTRL" },
	{ 0x49, "IA32_PRED_CMD" },
	{ 0x79, "IA32_BIOS_UPDT_TRIG" },
	{ 0x8b, "IA32_BIOS_SIGN_ID" },
	{ 0xfe, "IA32_MTRRCAP" },
	{ 0x10a, "IA32_ARCH_CAPABILITIES" },
	{ 0x10b, "IA32_FLUSH_CMD" },
	{ 0x174, "IA32_SYSENTER_CS" },
	{ 0x175, "IA32_SYSENTER_ESP" },
	{ 0x176, "IA32_SYSENTER_EIP" },
	{ 0x179, "IA32_MCG_CAP" },
	{ 0x17a, "IA32_MCG_STATUS" },
	{ 0x198, "IA32_PERF_STATUS" },
	{ 0x199, "IA32_PERF_CTL" },
	{ 0x1a0, "IA32_MISC_ENABLE" },
	{ 0x1d9, "IA32_DEBUGCTL" },
	{ 0x277, "IA32_PAT" },
	{ 0x2ff, "IA32_MTRR_DEF_TYPE" },
	{ 0x38d, "IA32_FIXED_CTR_CTRL" },
	{ 0x38f, "IA32_PERF_GLOBAL_CTRL" },
	{ 0x6e0, "IA32_TSC_DEADLINE" },
	{ 0x802, "x2APIC ID" },
	{ 0x808, "x2APIC TPR" },
	{ 0x80b, "x2APIC EOI" },
	{ 0x80f, "x2APIC SIVR" },
	{ 0x830, "x2APIC ICR" },
	{ 0x832, "x2APIC LVT timer" },
	{ 0x838, "x2APIC initial count" },
	{ 0x839, "x2APIC current count" },
	{ 0x83e, "x2APIC divide configuration" },
	{ 0x83f, "x2APIC self IPI" },
	{ 0xda0, "IA32_XSS" },
	{ MSR_KVM_WALL_CLOCK, "KVM_WALL_CLOCK" },
	{ MSR_KVM_SYSTEM_TIME, "KVM_SYSTEM_TIME" },
	{ MSR_KVM_WALL_CLOCK_NEW, "KVM_WALL_CLOCK_NEW" },
	{ MSR_KVM_SYSTEM_TIME_NEW, "KVM_SYSTEM_TIME_NEW" },
	{ MSR_KVM_ASYNC_PF_EN, "KVM_ASYNC_PF_EN" },
	{ MSR_KVM_STEAL_TIME, "KVM_STEAL_TIME" },
	{ MSR_KVM_PV_EOI_EN, "KVM_PV_EOI_EN" },
	{ MSR_KVM_POLL_CONTROL, "KVM_POLL_CONTROL" },
	{ MSR_KVM_ASYNC_PF_INT, "KVM_ASYNC_PF_INT" },
	{ MSR_KVM_ASYNC_PF_ACK, "KVM_ASYNC_PF_ACK" },
	{ MSR_KVM_MIGRATION_CONTROL, "KVM_MIGRATION_CONTROL" },
	{ 0xc0000080, "IA32_EFER" },
	{ 0xc0000081, "IA32_STAR" },
	{ 0xc0000082, "IA32_LSTAR" },
	{ 0xc0000100, "IA32_FS_BASE" },
	{ 0xc0000101, "IA32_GS_BASE" },
	{ 0xc0000102, "IA32_KERNEL_GS_BASE" },
	{ 0xc0000103, "IA32_TSC_AUX" },
	{ 0xc0010015, "HWCR" },
};

static const struct number hypercalls[] = {
	{ KVM_HC_VAPIC_POLL_IRQ, "VAPIC_POLL_IRQ" },
	{ KVM_HC_KICK_CPU, "KICK_CPU" },
	{ KVM_HC_CLOCK_PAIRING, "CLOCK_PAIRING" },
	{ KVM_HC_SEND_IPI, "SEND_IPI" },
	{ KVM_HC_SCHED_YIELD, "SCHED_YIELD" },
	{ KVM_HC_MAP_GPA_RANGE, "MAP_GPA_RANGE" },
};

/* What has no vector: delivery modes of the ICR */
static const char *const modes[] = {
	[2] = "SMI", [3] = "mode 3", [4] = "NMI", [5] = "INIT", [6] = "SIPI", [7] = "mode 7",
};

#define NAME(symbol, name) [KVS_BY_##symbol] = name,
static const char *const bys[] = { KVS_DETAILS(NAME) };

const char *kvs_detail_by_name(unsigned int by)
{
	return by < ARRAY_SIZE(bys) ? bys[by] : NULL;
}

#define ACCESS_NAME(symbol, name) [KVS_ACCESS_##symbol] = name,
static const char *const access_names[] = { KVS_ACCESSES(ACCESS_NAME) };

const char *kvs_access_name(enum kvs_access access)
{
	return access_names[access];
}

/* " NAME", or nothing */
static const char *named(char out[KVS_DETAIL_LEN], const struct number *numbers, size_t n,
			 u32 number)
{
	out[0] = 0;
	for (size_t i = 0; i < n; i++)
		if (numbers[i].number == number)
			snprintf(out, KVS_DETAIL_LEN, " %s", numbers[i].name);
	return out;
}

static void name_port(char name[KVS_DETAIL_LEN], u64 key)
{
	unsigned int bytes = key >> 8 & 0xff;

	snprintf(name, KVS_DETAIL_LEN, "%#x %s, %u byte%s", (u32)(key >> 16),
		 key & 1 ? "in" : "out", bytes, bytes == 1 ? "" : "s");
}

static void name_leaf(char name[KVS_DETAIL_LEN], u64 key)
{
	if (key >> 32)
		snprintf(name, KVS_DETAIL_LEN, "%#x, subleaf %#x", (u32)key, (u32)(key >> 32));
	else
		snprintf(name, KVS_DETAIL_LEN, "%#x", (u32)key);
}

/* The page, and all ways in which it was accessed */
static void name_page(char name[KVS_DETAIL_LEN], const struct kvs_detail *row)
{
	int at = snprintf(name, KVS_DETAIL_LEN, "%#llx%s", (unsigned long long)row->key,
			  row->mmio ? ", MMIO" : "");

	for (unsigned int i = 0; i < KVS_NR_ACCESSES; i++)
		if (row->accesses[i])
			at += snprintf(name + at, KVS_DETAIL_LEN - at, ", %s", access_names[i]);
}

const char *kvs_detail_name(char name[KVS_DETAIL_LEN], const struct kvs_detail *row)
{
	char known[KVS_DETAIL_LEN];
	u32 number = row->key;

	if (row->rest) {
		snprintf(name, KVS_DETAIL_LEN, "others, more than are kept");
		return name;
	}
	if (!row->known) {
		snprintf(name, KVS_DETAIL_LEN, "not told");
		return name;
	}
	switch ((enum kvs_detail_by)row->by) {
	case KVS_BY_PORT:
		name_port(name, row->key);
		break;
	case KVS_BY_MSR:
		snprintf(name, KVS_DETAIL_LEN, "%#x%s, %s", number,
			 named(known, msrs, ARRAY_SIZE(msrs), number),
			 row->key & KS_EXIT_MSR_WRITE ? "write" : "read");
		break;
	case KVS_BY_LEAF:
		name_leaf(name, row->key);
		break;
	case KVS_BY_HYPERCALL:
		snprintf(name, KVS_DETAIL_LEN, "%u%s", number,
			 named(known, hypercalls, ARRAY_SIZE(hypercalls), number));
		break;
	case KVS_BY_ADDRESS:
		name_page(name, row);
		break;
	case KVS_BY_VECTOR:
		if (number < KVS_VECTORS)
			snprintf(name, KVS_DETAIL_LEN, "%#x", number);
		else
			snprintf(name, KVS_DETAIL_LEN, "%s", modes[number - KVS_VECTORS]);
		break;
	case KVS_DETAIL_KINDS:
		name[0] = 0;
	}
	return name;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The usual way to record exits by BPF: two tracepoints, one record each, in
 * one ring buffer.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "exits.h"

/* As events/kvm/kvm_exit/format has it, from 6.1 to 6.12. */
struct kvm_exit {
	unsigned long long common;
	unsigned int exit_reason;
	unsigned int unused;
	unsigned long guest_rip;
	unsigned int isa;
	unsigned int unused2;
	unsigned long long info1;
	unsigned long long info2;
	unsigned int intr_info;
	unsigned int error_code;
	unsigned int vcpu_id;
};

struct kvm_entry {
	unsigned long long common;
	unsigned int vcpu_id;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 32 << 20);
} ring SEC(".maps");

static __always_inline struct record *begin(unsigned int kind,
					    unsigned int vcpu)
{
	struct record *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);

	if (!record)
		return 0;
	record->time = bpf_ktime_get_ns();
	record->tid = (unsigned int)bpf_get_current_pid_tgid();
	record->kind = kind;
	record->vcpu = vcpu;
	return record;
}

SEC("tracepoint/kvm/kvm_exit")
int on_exit(struct kvm_exit *args)
{
	struct record *record = begin(RECORD_EXIT, args->vcpu_id);

	if (!record)
		return 0;
	record->reason = args->exit_reason;
	record->info = args->info1;
	bpf_ringbuf_submit(record, 0);
	return 0;
}

SEC("tracepoint/kvm/kvm_entry")
int on_entry(struct kvm_entry *args)
{
	struct record *record = begin(RECORD_ENTRY, args->vcpu_id);

	if (!record)
		return 0;
	record->reason = 0;
	record->info = 0;
	bpf_ringbuf_submit(record, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";

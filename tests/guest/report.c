// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "report.h"

#include <inttypes.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host.h"
#include "json.h"
#include "kvmstats.h"
#include "options.h"
#include "payload.h"
#include "vm.h"

static const char *const end_names[] = {
	[END_NOT_RUN] = "not-run",
	[END_DONE] = "done",
	[END_STOPPED] = "stopped",
	[END_FAULT] = "fault",
	[END_ERROR] = "error",
};

/* The names of Documentation/virt/kvm/api.rst; others print as numbers. */
static const char *const user_exit_names[MAX_EXIT_REASONS] = {
	[KVM_EXIT_UNKNOWN] = "unknown",
	[KVM_EXIT_IO] = "io",
	[KVM_EXIT_HLT] = "hlt",
	[KVM_EXIT_MMIO] = "mmio",
	[KVM_EXIT_SHUTDOWN] = "shutdown",
	[KVM_EXIT_FAIL_ENTRY] = "fail_entry",
	[KVM_EXIT_INTR] = "intr",
	[KVM_EXIT_INTERNAL_ERROR] = "internal_error",
	[KVM_EXIT_SYSTEM_EVENT] = "system_event",
};

static bool check_equal(const struct vcpu *vcpu, const char *what,
			uint64_t is, uint64_t should)
{
	if (is == should)
		return true;
	fprintf(stderr, "VM %u vCPU %u: %s is %" PRIu64 ", promised was %" PRIu64 "\n",
		vcpu->vm->index, vcpu->index, what, is, should);
	return false;
}

static bool check_stat(const struct vcpu *vcpu, const char *name,
		       uint64_t should)
{
	uint64_t is;

	return !kvmstats_delta(vcpu->stats, name, &is) ||
	       check_equal(vcpu, name, is, should);
}

/*
 * An interrupt that came before its HLT had the guest leave that HLT out; one that came
 * after it had the guest halt again.
 */
static uint64_t promised_halts(const struct vcpu *vcpu, const struct options *options,
			       struct promise promise)
{
	if (options->exits_off & KVM_X86_DISABLE_EXITS_HLT)
		return 0;
	return promised(promise, options->n) - vcpu->block->early + vcpu->block->for_nothing;
}

/* A spin without N ends at whatever count its time allowed. */
static bool count_is_free(const struct options *options)
{
	return options->payload->endless;
}

static bool check_done(const struct vcpu *vcpu, const struct options *options)
{
	const struct payload *payload = options->payload;
	uint64_t n = options->n;
	bool ok = true;

	ok &= check_equal(vcpu, "the count told at the end", vcpu->told,
			  (uint32_t)vcpu->block->count);
	if (!count_is_free(options))
		ok &= check_equal(vcpu, "the guest's count",
				  vcpu->block->count, n);
	ok &= check_equal(vcpu, "userspace exits io",
			  vcpu->user_exits[KVM_EXIT_IO],
			  promised(payload->io, n));
	ok &= check_equal(vcpu, "userspace exits mmio",
			  vcpu->user_exits[KVM_EXIT_MMIO],
			  promised(payload->mmio, n));
	ok &= check_stat(vcpu, "io_exits",
			 promised(payload->io, n) + promised(payload->io_taken, n));
	ok &= check_stat(vcpu, "mmio_exits", promised(payload->mmio, n));
	ok &= check_stat(vcpu, "halt_exits",
			 promised_halts(vcpu, options, payload->halts));
	return ok;
}

enum verdict report_check(const struct vm *vms, const struct options *options)
{
	enum verdict verdict = VERDICT_OK;
	const struct vcpu *vcpu;
	unsigned int v, c;

	for (v = 0; v < options->vms; v++) {
		for (c = 0; c < options->vcpus; c++) {
			vcpu = &vms[v].vcpus[c];
			if (vcpu->end == END_STOPPED) {
				if (verdict == VERDICT_OK)
					verdict = VERDICT_STOPPED;
			} else if (vcpu->end != END_DONE ||
				   !check_done(vcpu, options)) {
				verdict = VERDICT_BROKEN;
			}
		}
	}
	return verdict;
}

static uint64_t total_user_exits(const struct vcpu *vcpu)
{
	uint64_t total = vcpu->interrupted;
	unsigned int i;

	for (i = 0; i < MAX_EXIT_REASONS; i++)
		total += vcpu->user_exits[i];
	return total;
}

void report_table(const struct vm *vms, const struct options *options)
{
	const struct vcpu *vcpu;
	unsigned int v, c;
	uint64_t exits;

	printf("%3s %5s %7s %-15s %10s %10s %8s %8s %7s %7s %10s %10s\n", "VM",
	       "vCPU", "TID", "payload", "N", "count", "exits", "to user",
	       "nvcsw", "nivcsw", "wall ms", "cpu ms");
	for (v = 0; v < options->vms; v++) {
		for (c = 0; c < options->vcpus; c++) {
			vcpu = &vms[v].vcpus[c];
			exits = 0;
			kvmstats_delta(vcpu->stats, "exits", &exits);
			printf("%3u %5u %7d %-15s %10" PRIu64 " %10" PRIu64
			       " %8" PRIu64 " %8" PRIu64 " %7" PRIu64
			       " %7" PRIu64 " %10.3f %10.3f %s\n",
			       v, c, vcpu->tid, options->payload->name,
			       options->n, vcpu->block->count, exits,
			       total_user_exits(vcpu),
			       vcpu->finish.nvcsw - vcpu->begin.nvcsw,
			       vcpu->finish.nivcsw - vcpu->begin.nivcsw,
			       (vcpu->finish.wall_ns - vcpu->begin.wall_ns) / 1e6,
			       (vcpu->finish.cpu_ns - vcpu->begin.cpu_ns) / 1e6,
			       end_names[vcpu->end]);
		}
	}
}

static void print_user_exits(struct json *json, const struct vcpu *vcpu)
{
	uint64_t count;
	unsigned int i;
	char number[16];

	json_open(json, "userspace_exits", '{');
	for (i = 0; i < MAX_EXIT_REASONS; i++) {
		count = vcpu->user_exits[i];
		if (i == KVM_EXIT_INTR)
			count += vcpu->interrupted;
		if (!count)
			continue;
		snprintf(number, sizeof(number), "%u", i);
		json_u64(json, user_exit_names[i] ? user_exit_names[i] : number,
			 count);
	}
	json_close(json);
}

static void print_irqs(struct json *json, const struct payload *payload,
		       uint64_t n)
{
	const struct irq_promise *irqs = &payload->irqs;

	json_u64(json, "timer_programs", promised(irqs->arms, n));
	if (!irqs->expiries_vary)
		json_u64(json, "timer_expiries", promised(irqs->expiries, n));
	if (!irqs->accepts_vary)
		json_u64(json, "accepts", promised(irqs->accepts, n));
	json_u64(json, "injections", promised(irqs->injections, n));
	json_u64(json, "eois", promised(irqs->eois, n));
}

/* Of the exits that are promised, those that a guest of the guest makes */
static void print_l2(struct json *json, const struct options *options,
		     const struct host *host)
{
	const struct payload *payload = options->payload;
	const struct exit_promise *exit;
	uint64_t count;

	json_open(json, "l2_exits", '{');
	for (exit = payload->exits; exit < payload->exits + MAX_EXIT_PROMISES; exit++) {
		count = promised(exit->l2, options->n);
		if (count && promise_holds(exit, host, options->vcpus))
			json_u64(json, host->svm ? exit->svm : exit->vmx, count);
	}
	json_close(json);
}

static void print_expect(struct json *json, const struct vcpu *vcpu,
			 const struct options *options,
			 const struct host *host)
{
	const struct payload *payload = options->payload;
	const struct exit_promise *exit;
	uint64_t n = options->n;

	/* Where in its loop a stopped guest stood is not known. */
	if (vcpu->end != END_DONE) {
		json_null(json, "expect");
		return;
	}
	json_open(json, "expect", '{');
	json_open(json, "exits", '{');
	for (exit = payload->exits; exit < payload->exits + MAX_EXIT_PROMISES; exit++)
		if (promise_holds(exit, host, options->vcpus))
			json_u64(json, host->svm ? exit->svm : exit->vmx,
				 exit->is_halt ?
				 promised_halts(vcpu, options, exit->count) :
				 promised(exit->count, n));
	json_close(json);
	print_l2(json, options, host);
	json_open(json, "userspace_exits", '{');
	json_u64(json, "io", promised(payload->io, n));
	json_u64(json, "mmio", promised(payload->mmio, n));
	json_close(json);
	json_u64(json, "halts", promised_halts(vcpu, options, payload->halts));
	if (!host->apicv)
		print_irqs(json, payload, n);
	json_close(json);
}

static void print_looks(struct json *json, const struct vcpu *vcpu)
{
	const struct look *look;

	if (!vcpu->looks)
		return;
	json_open(json, "looks", '[');
	for (look = vcpu->looks; look < vcpu->looks + vcpu->n_looks; look++) {
		json_open(json, NULL, '{');
		json_u64(json, "waited_ns", look->waited_ns);
		json_u64(json, "steal_ns", look->steal_ns);
		json_close(json);
	}
	json_close(json);
}

static void print_vcpu(struct json *json, const struct vcpu *vcpu,
		       const struct options *options, const struct host *host)
{
	json_open(json, NULL, '{');
	json_u64(json, "vm_index", vcpu->vm->index);
	json_u64(json, "vcpu", vcpu->index);
	json_u64(json, "tid", (uint64_t)vcpu->tid);
	json_string(json, "payload", options->payload->name);
	json_u64(json, "n", options->n);
	json_u64(json, "guest_count", vcpu->block->count);
	json_u64(json, "early", vcpu->block->early);
	json_u64(json, "for_nothing", vcpu->block->for_nothing);
	json_u64(json, "repeated", vcpu->block->repeated);
	json_string(json, "end", end_names[vcpu->end]);
	json_u64(json, "kvm_run_calls", vcpu->run_calls);
	print_user_exits(json, vcpu);
	usage_print(json, &vcpu->begin, &vcpu->finish);
	print_looks(json, vcpu);
	print_expect(json, vcpu, options, host);
	kvmstats_print(json, "stats", vcpu->stats);
	json_close(json);
}

static void print_host(struct json *json, const struct host *host)
{
	struct utsname uts;

	uname(&uts);
	json_open(json, "host", '{');
	json_string(json, "release", uts.release);
	json_string(json, "isa", host->svm ? "SVM" : "VMX");
	json_bool(json, "nested_paging", host->nested_paging);
	json_bool(json, "apicv", host->apicv);
	json_close(json);
}

void report_json(FILE *out, const struct vm *vms,
		 const struct options *options, const struct host *host,
		 enum verdict verdict)
{
	const struct sched_choice *sched = &options->sched;
	struct json json;
	unsigned int v, c;

	json_begin(&json, out);
	json_open(&json, NULL, '{');
	json_u64(&json, "pid", (uint64_t)getpid());
	json_string(&json, "payload", options->payload->name);
	json_u64(&json, "n", options->n);
	json_u64(&json, "period_us", options->period_us);
	json_u64(&json, "tsc_khz", vms[0].tsc_khz);
	json_string(&json, "policy", sched->policy_given ?
		    sched_policy_name(sched->policy) : "inherited");
	json_u64(&json, "priority", (uint64_t)sched->priority);
	json_bool(&json, "ok", verdict == VERDICT_OK);
	print_host(&json, host);
	json_open(&json, "vms", '[');
	for (v = 0; v < options->vms; v++) {
		json_open(&json, NULL, '{');
		json_u64(&json, "vm_index", v);
		if (options->late_page_us)
			json_u64(&json, "late_page_ns", vms[v].late.served_ns);
		if (options->inject)
			json_u64(&json, "injector", (uint64_t)vms[v].injector.tid);
		kvmstats_print(&json, "stats", vms[v].stats);
		json_close(&json);
	}
	json_close(&json);
	json_open(&json, "vcpus", '[');
	for (v = 0; v < options->vms; v++)
		for (c = 0; c < options->vcpus; c++)
			print_vcpu(&json, &vms[v].vcpus[c], options, host);
	json_close(&json);
	json_close(&json);
}

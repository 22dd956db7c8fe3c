// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched info: what this host offers, what the module would attach to and how,
 * and which VMs run
 *
 * Everything is gathered as JSON first; the tables show a part of it.
 */
#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/lines.h"
#include "base/log.h"
#include "base/rows.h"
#include "base/system.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "host/device.h"
#include "host/host.h"
#include "host/vms.h"
#include "model/names.h"

static const char about[] =
	"usage: kvmsched info [OPTIONS]\n\n"
	"Show what of this host matters for how vCPUs are scheduled, what kvmsched\n"
	"would attach to and how, and the VMs that run with their vCPUs' threads.\n";

/* --- gather ----------------------------------------------------------- */

static json_t *list_classes(uint32_t set)
{
	json_t *array = json_array();
	char *names = xstrdup(kvs_class_names(set)), *next = names, *name;

	while (names[0] && (name = strsep(&next, ",")))
		json_array_append_new(array, json_string(name));
	free(names);
	return array;
}

static json_t *list_hooks(int dev)
{
	json_t *array = json_array();
	struct kvmsched_hook hook;

	for (uint32_t i = 0; !kvs_device_hook(dev, i, &hook); i++) {
		hook.name[KVMSCHED_NAME_LEN - 1] = '\0';
		hook.module[KVMSCHED_NAME_LEN - 1] = '\0';
		json_array_append_new(array, json_pack("{ss ss ss sb si ss so sI}",
			"name", hook.name,
			"module", hook.module[0] ? hook.module : "kernel",
			"how", kvs_hook_how(hook.how) ?: "unknown",
			"attached", (int)hook.attached,
			"status", (int)hook.status,
			"reason", hook.status ? strerror(-hook.status) : "",
			"classes", list_classes(hook.classes),
			"missed", (json_int_t)hook.hits_missed));
	}
	return array;
}

static void add_device(json_t *o, int dev)
{
	struct kvmsched_info info;

	if (kvs_device_info(dev, &info))
		return;
	json_object_set_new(o, "tsc_khz", json_integer(info.tsc_khz));
	json_object_set_new(o, "tsc_unstable",
			    json_boolean(info.flags & KVMSCHED_INFO_TSC_UNSTABLE));
	json_object_set_new(o, "recording", list_classes(info.session));
	json_object_set_new(o, "attached", list_classes(info.attached));
	json_object_set_new(o, "vcpus", json_integer(info.vcpus));
	json_object_set_new(o, "vcpus_max", json_integer(info.vcpus_max));
	json_object_set_new(o, "refused", json_integer(info.refused));
	json_object_set_new(o, "missed", json_integer(info.missed));
	json_object_set_new(o, "hooks", list_hooks(dev));
}

static json_t *describe_module(void)
{
	json_t *o = json_object(), *parameters = kvs_host_parameters("kvmsched");
	char *version = kvs_read_line("/sys/module/kvmsched/version");
	int dev = -1;

	json_object_set_new(o, "loaded", json_boolean(parameters != NULL));
	if (version)
		json_object_set_new(o, "version", json_string(version));
	if (parameters) {
		json_object_set_new(o, "parameters", parameters);
		dev = kvs_device_open(true);
		if (dev < 0)
			json_object_set_new(o, "error",
					    json_string(strerror(errno)));
	}
	if (dev >= 0) {
		add_device(o, dev);
		close(dev);
	}
	free(version);
	return o;
}

static json_t *vcpu_json(const struct kvs_vms_vcpu *v)
{
	json_t *o = json_pack("{si ss}", "vcpu", v->id,
			      "found_by", kvs_vcpu_found_name(v->found));

	if (!v->tid)
		return o;
	json_object_set_new(o, "tid", json_integer(v->tid));
	json_object_set_new(o, "comm", kvs_bytes_json(v->comm ? v->comm : ""));
	if (v->policy >= 0) {
		json_object_set_new(o, "policy",
				    json_string(kvs_policy_name(v->policy)));
		json_object_set_new(o, "priority", json_integer(v->priority));
		json_object_set_new(o, "nice", json_integer(v->nice));
	}
	if (v->affinity)
		json_object_set_new(o, "affinity", json_string(v->affinity));
	if (v->cpu >= 0)
		json_object_set_new(o, "cpu", json_integer(v->cpu));
	return o;
}

static json_t *vms_json(const struct kvs_vms *vms)
{
	json_t *array = json_array();

	for (size_t i = 0; i < vms->nr; i++) {
		const struct kvs_vms_vm *vm = &vms->vms[i];
		json_t *vcpus = json_array();

		for (size_t j = 0; j < vm->nr; j++)
			json_array_append_new(vcpus, vcpu_json(&vm->vcpus[j]));
		json_array_append_new(array, json_pack("{si so so so so}",
			"pid", (int)vm->pid,
			"name", vm->name ? kvs_bytes_json(vm->name) : json_null(), "comm", kvs_bytes_json(vm->comm ? vm->comm : ""),
			"fd", vm->fd < 0 ? json_null() : json_integer(vm->fd),
			"vcpus", vcpus));
	}
	return array;
}

/* --- show ------------------------------------------------------------- */

/* Rows of the first table: paths in the JSON.  One that isn't there has no row. */
static const struct fact {
	const char *path, *name, *unit, *what;
} facts[] = {
	{ "kernel.release", "kernel", "", "" },
	{ "kernel.hz", "tick", "Hz", "CFS, and EEVDF of Linux 6.x, preempt at ticks" },
	{ "kernel.preemption", "preemption", "", "" },
	{ "kernel.lockdown", "lockdown", "", "other than none: signed modules only" },
	{ "kernel.isolated_cpus", "isolated CPUs", "", "" },
	{ "kernel.nohz_full_cpus", "nohz_full CPUs", "", "" },
	{ "cpu.model", "CPU", "", "" },
	{ "cpu.online", "CPUs online", "", "" },
	{ "cpu.virtualization", "virtualization", "", "" },
	{ "cpu.tsc.clocksource", "clock source", "", "" },
	{ "cpu.tsc.clockevent", "clock event device", "", "programmed for the host's timers" },
	{ "cpu.tsc.constant_tsc", "constant TSC", "", "records carry the TSC" },
	{ "cpu.tsc.nonstop_tsc", "nonstop TSC", "", "" },
	{ "cpu.tsc.tsc_deadline_timer", "TSC deadline timer", "", "" },
	{ "module.tsc_khz", "TSC frequency", "kHz", "" },
	{ "module.tsc_unstable", "TSC unstable", "", "yes: times between CPUs are not to be trusted" },
	{ "module.vcpus", "vCPUs in the module", "", "its tables have room for max_vcpus" },
	{ "module.vcpus_max", "max_vcpus", "", "" },
	{ "module.refused", "vCPUs refused", "times", "no room since load, so not recorded" },
	{ "kvm.modules.kvm_intel.ept", "EPT", "", "off: guests' process switches exit" },
	{ "kvm.modules.kvm_intel.vpid", "VPID", "", "" },
	{ "kvm.modules.kvm_intel.enable_apicv", "APICv", "", "on: injections and EOIs are not seen" },
	{ "kvm.modules.kvm_intel.enable_ipiv", "virtual IPIs", "", "with APICv: IPIs are not seen" },
	{ "kvm.modules.kvm_intel.enable_device_posted_irqs", "posted device IRQs", "", "with APICv and an IOMMU: not seen" },
	{ "kvm.modules.kvm_intel.preemption_timer", "preemption timer", "", "backs the guest's LAPIC timer" },
	{ "kvm.modules.kvm_intel.ple_gap", "pause loop exiting", "cycles", "0: guests' spinning is not seen" },
	{ "kvm.modules.kvm_amd.npt", "NPT", "", "off: guests' process switches exit" },
	{ "kvm.modules.kvm_amd.avic", "AVIC", "", "on: injections and EOIs are not seen" },
	{ "kvm.modules.kvm_amd.enable_ipiv", "virtual IPIs", "", "with AVIC: IPIs are not seen" },
	{ "kvm.modules.kvm_amd.enable_device_posted_irqs", "posted device IRQs", "", "with AVIC and an IOMMU: not seen" },
	{ "kvm.modules.kvm_amd.pause_filter_count", "pause filter", "", "0: guests' spinning is not seen" },
	{ "kvm.modules.kvm_amd.nested", "nested", "", "" },
	{ "kvm.modules.kvm_intel.nested", "nested", "", "" },
	{ "kvm.modules.kvm.halt_poll_ns", "halt polling, at most", "ns", "spins before it sleeps" },
	{ "kvm.modules.kvm.lapic_timer_advance_ns", "LAPIC timer advance", "ns", "-1: adaptive" },
	{ "scheduler.rr_timeslice_ms", "SCHED_RR quantum", "ms", "" },
	{ "scheduler.rt_runtime_us", "RT runtime", "us", "of each period; -1: no throttling" },
	{ "scheduler.rt_period_us", "RT period", "us", "" },
	{ "scheduler.fair_server.runtime_ns", "fair server runtime", "ns", "what SCHED_OTHER gets beside RT tasks" },
	{ "scheduler.fair_server.period_ns", "fair server period", "ns", "" },
	{ "scheduler.bpf_scheduler.name", "BPF scheduler", "", "sched_ext; -: none is loaded" },
	{ "scheduler.bpf_scheduler.all_threads", "it has all threads", "", "but real-time ones; no: those of SCHED_EXT" },
	{ "scheduler.base_slice_ns", "EEVDF base slice", "ns", "on Linux 7.x it preempts after that" },
	{ "scheduler.latency_ns", "CFS latency", "ns", "" },
	{ "scheduler.min_granularity_ns", "CFS minimal slice", "ns", "" },
	{ "scheduler.wakeup_granularity_ns", "CFS wakeup granularity", "ns", "" },
};

static json_t *find_value(json_t *root, const char *path)
{
	char *copy = xstrdup(path), *next = copy, *key;

	while (root && (key = strsep(&next, ".")))
		root = json_object_get(root, key);
	free(copy);
	return root;
}

/* A JSON value as text for people, on the heap */
static char *text_of(json_t *value)
{
	char *text, *compact;

	if (!value || json_is_null(value))
		return xstrdup("-");
	if (json_is_string(value))
		return xstrdup(json_string_value(value));
	if (json_is_boolean(value))
		return xstrdup(json_is_true(value) ? "yes" : "no");
	compact = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	text = xstrdup(compact ? compact : "?");
	free(compact);
	return text;
}

/* ["switch", "exit"] as "switch,exit", on the heap */
static char *join_strings(json_t *array)
{
	char *text = xstrdup("");
	json_t *item;
	size_t i;

	json_array_foreach(array, i, item) {
		char *longer = xasprintf("%s%s%s", text, i ? "," : "",
					 json_string_value(item));

		free(text);
		text = longer;
	}
	return text;
}

/* A sentence with an empty line below */
static void say_alone(const char *sentence)
{
	kvs_say(0, "%s", sentence);
	printf("\n");
}

/* A cell with text on the heap, which this frees */
static void cell_text(struct kvs_rows *rows, char *text)
{
	/* The JSON that it is taken from is escaped already. */
	kvs_cell(rows, "%s", text);
	free(text);
}

static void show_host(json_t *root)
{
	struct kvs_rows rows = kvs_rows_begin(KVS_HEADINGS("<FACT", "<VALUE", "<NOTE"));

	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		json_t *value = find_value(root, facts[i].path);
		char *text;

		if (!value)
			continue;
		text = text_of(value);
		kvs_row(&rows);
		kvs_cell(&rows, "%s", facts[i].name);
		kvs_cell(&rows, "%s%s%s", text, *facts[i].unit ? " " : "", facts[i].unit);
		kvs_cell(&rows, "%s", facts[i].what);
		free(text);
	}
	printf("Host\n");
	kvs_rows_end(&rows);
	printf("\n");
	if (!find_value(root, "kvm.modules.kvm_amd") && !find_value(root, "kvm.modules.kvm_intel"))
		say_alone("KVM is not loaded: `modprobe kvm_amd` or `modprobe kvm_intel`");
	else if (!json_is_true(find_value(root, "kvm.device")))
		say_alone("/dev/kvm is missing: is kvm_amd or kvm_intel loaded, and virtualization on in the firmware?");
}

static const char *describe_hook_state(json_t *hook)
{
	const char *module = json_string_value(json_object_get(hook, "module"));
	const char *how = json_string_value(json_object_get(hook, "how"));

	if (strcmp(module, "kernel") && !kvs_module_loaded(module))
		return "module not loaded";
	if (json_integer_value(json_object_get(hook, "status")))
		return json_string_value(json_object_get(hook, "reason"));
	if (json_is_true(json_object_get(hook, "attached")))
		return "attached";
	return strcmp(how, "none") ? "ready" : "not needed";
}

static void show_hooks(json_t *root)
{
	json_t *all = find_value(root, "module.hooks"), *hook;
	struct kvs_rows rows;
	size_t i;

	if (!json_is_true(find_value(root, "module.loaded"))) {
		say_alone("The module kvmsched is not loaded: `modprobe kvmsched`, or insmod kvmsched.ko");
		return;
	}
	if (!all) {
		kvs_say(0, "The module kvmsched is loaded, but can't be asked (%s)%s",
			json_string_value(find_value(root, "module.error")) ? : "see above",
			geteuid() ? ": run this as root" : "");
		printf("\n");
		return;
	}
	rows = kvs_rows_begin(KVS_HEADINGS("<HOOK", "<MODULE", "<HOW", "<CLASSES", "<STATE",
					   "MISSED"));
	json_array_foreach(all, i, hook) {
		kvs_row(&rows);
		cell_text(&rows, text_of(json_object_get(hook, "name")));
		cell_text(&rows, text_of(json_object_get(hook, "module")));
		cell_text(&rows, text_of(json_object_get(hook, "how")));
		cell_text(&rows, join_strings(json_object_get(hook, "classes")));
		kvs_cell(&rows, "%s", describe_hook_state(hook));
		cell_text(&rows, text_of(json_object_get(hook, "missed")));
	}
	printf("Hooks of the module\n");
	kvs_rows_end(&rows);
	printf("\n");
}

static char *priority_text(json_t *vcpu)
{
	const char *policy = json_string_value(json_object_get(vcpu, "policy"));
	bool rt = policy && (!strcmp(policy, "SCHED_FIFO") ||
			     !strcmp(policy, "SCHED_RR"));

	if (!policy)
		return xstrdup("-");
	return rt ? xasprintf("%lld", json_integer_value(json_object_get(vcpu, "priority"))) :
		xasprintf("nice %lld", json_integer_value(json_object_get(vcpu, "nice")));
}

static void show_vm(struct kvs_rows *rows, json_t *vm)
{
	json_t *vcpu;
	size_t i;

	json_array_foreach(json_object_get(vm, "vcpus"), i, vcpu) {
		kvs_row(rows);
		cell_text(rows, text_of(json_object_get(vm, "pid")));
		cell_text(rows, text_of(json_object_get(vm, "fd")));
		cell_text(rows, text_of(json_object_get(vcpu, "vcpu")));
		cell_text(rows, text_of(json_object_get(vm, "name")));
		cell_text(rows, text_of(json_object_get(vcpu, "tid")));
		cell_text(rows, text_of(json_object_get(vcpu, "comm")));
		cell_text(rows, text_of(json_object_get(vcpu, "policy")));
		cell_text(rows, priority_text(vcpu));
		cell_text(rows, text_of(json_object_get(vcpu, "affinity")));
		cell_text(rows, text_of(json_object_get(vcpu, "cpu")));
		cell_text(rows, text_of(json_object_get(vcpu, "found_by")));
	}
}

static void show_vms(json_t *root)
{
	json_t *all = find_value(root, "vms"), *vm;
	json_int_t hidden = json_integer_value(find_value(root, "hidden_processes"));
	struct kvs_rows rows;
	size_t i;

	if (json_array_size(all)) {
		rows = kvs_rows_begin(KVS_HEADINGS("VM", "=FD", "=VCPU", "<NAME", "TID",
						   "<THREAD", "<POLICY", "PRIORITY",
						   "|<AFFINITY", "CPU", "<FOUND BY"));
		json_array_foreach(all, i, vm)
			show_vm(&rows, vm);
		printf("VMs\n");
		kvs_rows_end(&rows);
		printf("\n");
	} else {
		printf("No VM runs%s\n", hidden ? " that we may see" : "");
	}
	if (hidden)
		printf("%lld processes are hidden from us: root sees all\n", hidden);
}

int kvs_cmd_info(int argc, char **argv)
{
	bool json = false;
	const struct kvs_option rows[] = {
		KVS_OPTION('j', "json", NULL, "everything, as one JSON object",
			   .value = { .flag = &json }),
		{ }
	};
	const struct kvs_options options = { .command = "info", .about = about, .rows = rows };
	struct kvs_arguments args;
	struct kvs_vms *vms;
	json_t *root;

	setlocale(LC_CTYPE, "");
	if (!kvs_options_parse(&options, argc, argv, &args))
		return args.status;
	if (args.nr)
		return kvs_options_too_many(&options, args.operands[0]);
	vms = kvs_vms_scan();
	root = json_pack("{so so so so so so sI}", "kernel", kvs_host_kernel(),
			 "cpu", kvs_host_cpu(), "kvm", kvs_host_kvm(),
			 "scheduler", kvs_host_scheduler(), "module", describe_module(),
			 "vms", vms_json(vms),
			 "hidden_processes", (json_int_t)vms->hidden);
	kvs_vms_free(vms);
	if (json) {
		json_dumpf(root, stdout, JSON_INDENT(2));
		printf("\n");
	} else {
		show_host(root);
		show_hooks(root);
		show_vms(root);
	}
	json_decref(root);
	return kvs_flush("the facts") ? KVS_EXIT_OK : KVS_EXIT_FAILED;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Facts about this host that matter for how vCPUs are scheduled.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/system.h"
#include "base/util.h"
#include "host/bpf-sched.h"
#include "host/device.h"
#include "host/host.h"

#define SCHED_DEBUG	"/sys/kernel/debug/sched"

/* A number as a number, Y and N as booleans, the rest as it is. */
static json_t *make_value(const char *text)
{
	long n;

	if (kvs_parse_long(text, INT64_MIN, INT64_MAX, &n))
		return json_integer(n);
	if (!strcmp(text, "Y") || !strcmp(text, "N"))
		return json_boolean(text[0] == 'Y');
	return json_string(text);
}

static void set_file(json_t *o, const char *key, const char *path)
{
	char *text = kvs_read_line(path);

	/* nohz_full is "(null)" where there is none. */
	if (text && text[0] && strcmp(text, "(null)"))
		json_object_set_new(o, key, make_value(text));
	free(text);
}

static void set_string(json_t *o, const char *key, const char *value)
{
	if (value)
		json_object_set_new(o, key, json_string(value));
}

json_t *kvs_host_parameters(const char *module)
{
	char *path = xasprintf("/sys/module/%s/parameters", module), *file;
	json_t *o = kvs_module_loaded(module) ? json_object() : NULL;
	struct dirent *d;
	DIR *dir;

	dir = o ? opendir(path) : NULL;
	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		file = xasprintf("%s/%s", path, d->d_name);
		set_file(o, d->d_name, file);
		free(file);
	}
	if (dir)
		closedir(dir);
	free(path);
	return o;
}

static long read_config_hz(const char *release)
{
	char *path = xasprintf("/boot/config-%s", release);
	char *text = kvs_read_file(path, NULL), *p;
	long hz = 0;

	p = text ? strstr(text, "\nCONFIG_HZ=") : NULL;
	if (p)
		hz = atol(p + strlen("\nCONFIG_HZ="));
	free(text);
	free(path);
	return hz;
}

static bool read_jiffies(double *jiffies, double *seconds)
{
	char *text = kvs_read_file("/proc/timer_list", NULL), *now, *j;
	bool ok = false;

	now = text ? strstr(text, "now at ") : NULL;
	j = text ? strstr(text, "jiffies: ") : NULL;
	if (now && j) {
		*seconds = strtoull(now + strlen("now at "), NULL, 10) / 1e9;
		*jiffies = strtoull(j + strlen("jiffies: "), NULL, 10);
		ok = true;
	}
	free(text);
	return ok;
}

/* Without the kernel's config: count ticks for 0.2 s, take the nearest usual HZ. */
static long measure_hz(void)
{
	static const int common[] = { 100, 250, 300, 1000 };
	const struct timespec pause = { .tv_nsec = 200000000 };
	double j0, s0, j1, s1, hz;

	if (!read_jiffies(&j0, &s0))
		return 0;
	nanosleep(&pause, NULL);
	if (!read_jiffies(&j1, &s1) || s1 <= s0)
		return 0;
	hz = (j1 - j0) / (s1 - s0);
	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		if (fabs(hz / common[i] - 1) < 0.08)
			return common[i];
	return 0;
}

/* "none (voluntary) full" */
static void set_preemption(json_t *o, const char *version)
{
	char *text = kvs_read_line(SCHED_DEBUG "/preempt"), mode[16];

	if (strstr(version, "PREEMPT_RT"))
		set_string(o, "preemption", "rt");
	else if (text && strchr(text, '(') &&
		 sscanf(strchr(text, '('), "(%15[^)]", mode) == 1)
		set_string(o, "preemption", mode);
	else if (!strstr(version, "PREEMPT"))
		set_string(o, "preemption", "none or voluntary");
	else if (!strstr(version, "PREEMPT_DYNAMIC"))
		set_string(o, "preemption", "full");
	free(text);
}

json_t *kvs_host_kernel(void)
{
	json_t *o = json_object();
	struct utsname u;
	long hz;

	uname(&u);
	set_string(o, "release", u.release);
	hz = read_config_hz(u.release);
	if (!hz)
		hz = measure_hz();
	if (hz)
		json_object_set_new(o, "hz", json_integer(hz));
	set_preemption(o, u.version);
	set_string(o, "lockdown", kvs_lockdown_state());
	set_file(o, "signed_modules_only", "/sys/module/module/parameters/sig_enforce");
	set_file(o, "isolated_cpus", "/sys/devices/system/cpu/isolated");
	set_file(o, "nohz_full_cpus", "/sys/devices/system/cpu/nohz_full");
	return o;
}

/* The first CPU's line "KEY\t: VALUE" of /proc/cpuinfo */
static char *read_cpuinfo(const char *text, const char *key)
{
	size_t len = strlen(key);
	const char *p;

	for (p = text; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		size_t blank;

		if (strncmp(p, key, len) || (p[len] != '\t' && p[len] != ' '))
			continue;
		blank = strspn(p + len, "\t ");
		if (p[len + blank] != ':')
			continue;
		p += len + blank + 1;
		p += *p == ' ';
		return strndup(p, strcspn(p, "\n"));
	}
	return NULL;
}

static bool has_flag(const char *flags, const char *flag)
{
	size_t len = strlen(flag);
	const char *p = flags;

	while (p && (p = strstr(p, flag))) {
		if ((p == flags || p[-1] == ' ') &&
		    (p[len] == ' ' || !p[len]))
			return true;
		p += len;
	}
	return false;
}

static json_t *tsc(const char *flags)
{
	static const char *const names[] = {
		"constant_tsc", "nonstop_tsc", "tsc_deadline_timer",
		"tsc_scale", "tsc_adjust",
	};
	json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		json_object_set_new(o, names[i],
				    json_boolean(has_flag(flags, names[i])));
	set_file(o, "clocksource",
		 "/sys/devices/system/clocksource/clocksource0/current_clocksource");
	set_file(o, "clockevent", "/sys/devices/system/clockevents/clockevent0/current_device");
	return o;
}

json_t *kvs_host_cpu(void)
{
	char *text = kvs_read_file("/proc/cpuinfo", NULL);
	char *vendor = read_cpuinfo(text, "vendor_id");
	char *model = read_cpuinfo(text, "model name");
	char *flags = read_cpuinfo(text, "flags");
	json_t *o = json_object();

	set_string(o, "vendor", vendor);
	set_string(o, "model", model);
	json_object_set_new(o, "online", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	if (flags)
		set_string(o, "virtualization",
			   has_flag(flags, "vmx") ? "VT-x" :
			   has_flag(flags, "svm") ? "AMD-V" : "none");
	json_object_set_new(o, "hypervisor",
			    json_boolean(has_flag(flags, "hypervisor")));
	json_object_set_new(o, "tsc", tsc(flags));
	free(flags);
	free(model);
	free(vendor);
	free(text);
	return o;
}

json_t *kvs_host_kvm(void)
{
	static const char *const modules[] = { "kvm", "kvm_intel", "kvm_amd" };
	json_t *o = json_object(), *loaded = json_object(), *parameters;

	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		parameters = kvs_host_parameters(modules[i]);
		if (parameters)
			json_object_set_new(loaded, modules[i], parameters);
	}
	json_object_set_new(o, "device", json_boolean(!access("/dev/kvm", F_OK)));
	json_object_set_new(o, "modules", loaded);
	return o;
}

/* One number where all CPUs agree, else an array. */
static json_t *read_fair_server(const char *name)
{
	json_t *all = json_array(), *value;
	bool same = true;

	for (int cpu = 0; ; cpu++) {
		char *path = xasprintf(SCHED_DEBUG "/fair_server/cpu%d/%s", cpu,
				       name);
		char *text = kvs_read_line(path);

		free(path);
		if (!text)
			break;
		value = make_value(text);
		free(text);
		same &= json_equal(value, cpu ? json_array_get(all, 0) : value);
		json_array_append_new(all, value);
	}
	value = json_array_get(all, 0);
	if (!value || !same)
		return value ? all : (json_decref(all), NULL);
	json_incref(value);
	json_decref(all);
	return value;
}

/* NULL: this kernel can't load any. */
static json_t *read_bpf_scheduler(void)
{
	struct kvs_bpf_sched s;

	if (!kvs_bpf_sched_read(KVS_SCHED_EXT, &s))
		return NULL;
	return json_pack("{ss? sb sI}", "name", s.loaded ? s.name : NULL, "all_threads", s.all,
			 "loads", (json_int_t)s.loads);
}

json_t *kvs_host_scheduler(void)
{
	static const struct {
		const char *key, *path;
	} files[] = {
		{ "rr_timeslice_ms", "/proc/sys/kernel/sched_rr_timeslice_ms" },
		{ "rt_runtime_us", "/proc/sys/kernel/sched_rt_runtime_us" },
		{ "rt_period_us", "/proc/sys/kernel/sched_rt_period_us" },
		{ "base_slice_ns", SCHED_DEBUG "/base_slice_ns" },
		{ "latency_ns", SCHED_DEBUG "/latency_ns" },
		{ "min_granularity_ns", SCHED_DEBUG "/min_granularity_ns" },
		{ "wakeup_granularity_ns", SCHED_DEBUG "/wakeup_granularity_ns" },
		{ "autogroup", "/proc/sys/kernel/sched_autogroup_enabled" },
		{ "schedstats", "/proc/sys/kernel/sched_schedstats" },
	};
	json_t *o = json_object(), *server = json_object(), *bpf = read_bpf_scheduler();

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		set_file(o, files[i].key, files[i].path);
	json_object_set_new(server, "runtime_ns", read_fair_server("runtime"));
	json_object_set_new(server, "period_ns", read_fair_server("period"));
	if (json_object_size(server))
		json_object_set_new(o, "fair_server", server);
	else
		json_decref(server);
	if (bpf)
		json_object_set_new(o, "bpf_scheduler", bpf);
	return o;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMs that run on this host and the threads that are their vCPUs.
 *
 * The kernel has no one place that says which thread is which vCPU: VMMs name
 * their threads as they like, and any thread may call KVM_RUN.  So three sources
 * are asked, the surest first: KVM's debugfs (for root), which thread is inside
 * ioctl(KVM_RUN), and the threads' names.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/system.h"
#include "base/util.h"
#include "host/vmname.h"
#include "host/vms.h"
#include "host/yields.h"

/* /proc hides the system call of a running thread: look again, it may sleep then. */
#define SAMPLES		20
#define SAMPLE_NS	1000000

#define MAX_PID		(4 << 20)

const char *kvs_vcpu_found_name(enum kvs_vcpu_found found)
{
	static const char *const names[] = {
		[KVS_VCPU_UNKNOWN] = "unknown", [KVS_VCPU_BY_DEBUGFS] = "debugfs",
		[KVS_VCPU_BY_SYSCALL] = "syscall", [KVS_VCPU_BY_NAME] = "name",
	};

	return names[found];
}

static char *read_proc(pid_t pid, pid_t tid, const char *name)
{
	char *path = xasprintf("/proc/%d/task/%d/%s", pid, tid, name);
	char *text = kvs_read_line(path);

	free(path);
	return text;
}

/* Calls @each for every entry of a directory whose name is a number. */
static int each_number(const char *path, void (*each)(void *, long), void *ctx)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	long n;

	if (!dir)
		return -1;
	while ((d = readdir(dir)))
		if (kvs_parse_long(d->d_name, 0, MAX_PID, &n))
			each(ctx, n);
	closedir(dir);
	return 0;
}

/* A process that is being looked at */
struct process {
	pid_t pid;
	struct kvs_vms *vms;
	size_t first;		/* its first VM */
	struct { int fd, id; } *vcpus;
	size_t nr_vcpus;
};

static struct kvs_vms_vm *add_vm(struct kvs_vms *vms, pid_t pid, int fd)
{
	struct kvs_vms_vm *vm;

	vms->vms = xrealloc(vms->vms, (vms->nr + 1) * sizeof(*vms->vms));
	vm = &vms->vms[vms->nr++];
	*vm = (struct kvs_vms_vm) { .pid = pid, .fd = fd };
	vm->comm = read_proc(pid, pid, "comm");
	vm->name = kvs_vm_name_of(pid);
	return vm;
}

static struct kvs_vms_vcpu *add_vcpu(struct kvs_vms_vm *vm, int id)
{
	struct kvs_vms_vcpu *vcpu;

	vm->vcpus = xrealloc(vm->vcpus, (vm->nr + 1) * sizeof(*vm->vcpus));
	vcpu = &vm->vcpus[vm->nr++];
	*vcpu = (struct kvs_vms_vcpu) { .id = id };
	return vcpu;
}

static void look_at_fd(void *ctx, long fd)
{
	struct process *p = ctx;
	char path[64], link[64];
	ssize_t n;
	int id;

	snprintf(path, sizeof(path), "/proc/%d/fd/%ld", p->pid, fd);
	n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return;
	link[n] = '\0';
	if (!strcmp(link, "anon_inode:kvm-vm")) {
		add_vm(p->vms, p->pid, fd);
	} else if (sscanf(link, "anon_inode:kvm-vcpu:%d", &id) == 1) {
		p->vcpus = xrealloc(p->vcpus,
				    (p->nr_vcpus + 1) * sizeof(*p->vcpus));
		p->vcpus[p->nr_vcpus].fd = fd;
		p->vcpus[p->nr_vcpus++].id = id;
	}
}

/* KVS_KVM_DEBUGFS/PID-FD/vcpuN/pid */
static void ask_debugfs(struct kvs_vms_vm *vm)
{
	char *path = xasprintf(KVS_KVM_DEBUGFS "/%d-%d", vm->pid, vm->fd);
	DIR *dir = opendir(path);
	struct dirent *d;
	long tid;
	int id;

	while (dir && (d = readdir(dir))) {
		struct kvs_vms_vcpu *vcpu;
		char *file, *text;

		if (sscanf(d->d_name, "vcpu%d", &id) != 1)
			continue;
		vcpu = add_vcpu(vm, id);
		file = xasprintf("%s/%s/pid", path, d->d_name);
		text = kvs_read_line(file);
		/* 0 before the first KVM_RUN */
		if (text && kvs_parse_long(text, 1, MAX_PID, &tid)) {
			vcpu->tid = tid;
			vcpu->found = KVS_VCPU_BY_DEBUGFS;
		}
		free(text);
		free(file);
	}
	if (dir)
		closedir(dir);
	free(path);
}

/*
 * Without debugfs, vCPUs are known by their open files.  Of which VM they are is
 * unknown if the process has several.
 */
static void add_vcpus_by_file(struct process *p)
{
	struct kvs_vms_vm *vm = NULL;
	bool known = false;

	for (size_t i = p->first; i < p->vms->nr; i++)
		known |= p->vms->vms[i].nr > 0;
	if (known || !p->nr_vcpus)
		return;
	if (p->vms->nr - p->first == 1)
		vm = &p->vms->vms[p->first];
	else
		vm = add_vm(p->vms, p->pid, -1);
	for (size_t i = 0; i < p->nr_vcpus; i++)
		add_vcpu(vm, p->vcpus[i].id);
}

/* The vCPU @id of this process, unless its thread is known already */
static struct kvs_vms_vcpu *find_vcpu(struct process *p, int id)
{
	for (size_t i = p->first; i < p->vms->nr; i++) {
		struct kvs_vms_vm *vm = &p->vms->vms[i];

		for (size_t j = 0; j < vm->nr; j++)
			if (vm->vcpus[j].id == id && !vm->vcpus[j].tid)
				return &vm->vcpus[j];
	}
	return NULL;
}

static bool has_thread(const struct process *p, pid_t tid)
{
	for (size_t i = p->first; i < p->vms->nr; i++)
		for (size_t j = 0; j < p->vms->vms[i].nr; j++)
			if (p->vms->vms[i].vcpus[j].tid == tid)
				return true;
	return false;
}

static bool has_gap(const struct process *p)
{
	return has_thread(p, 0);
}

static void set_thread(struct process *p, int id, pid_t tid,
		       enum kvs_vcpu_found found)
{
	struct kvs_vms_vcpu *vcpu = find_vcpu(p, id);

	if (!vcpu || has_thread(p, tid))
		return;
	vcpu->tid = tid;
	vcpu->found = found;
}

static void sample_task(void *ctx, long tid)
{
	struct process *p = ctx;
	char *text = read_proc(p->pid, tid, "syscall");
	unsigned long nr, fd, request;

	if (text && sscanf(text, "%lu %lx %lx", &nr, &fd, &request) == 3 &&
	    nr == SYS_ioctl && request == KVM_RUN)
		for (size_t i = 0; i < p->nr_vcpus; i++)
			if (p->vcpus[i].fd == (int)fd)
				set_thread(p, p->vcpus[i].id, tid,
					   KVS_VCPU_BY_SYSCALL);
	free(text);
}

/* QEMU, Firecracker, Cloud Hypervisor, crosvm, kvmtool */
static void read_name(void *ctx, long tid)
{
	static const char *const patterns[] = {
		"CPU %d/KVM", "fc_vcpu %d", "vcpu%d", "crosvm_vcpu%d",
		"kvm-vcpu-%d", "vcpu-%d",
	};
	struct process *p = ctx;
	char *comm = read_proc(p->pid, tid, "comm");
	int id;

	for (size_t i = 0; comm && i < ARRAY_SIZE(patterns); i++)
		if (sscanf(comm, patterns[i], &id) == 1) {
			set_thread(p, id, tid, KVS_VCPU_BY_NAME);
			break;
		}
	free(comm);
}

static void describe_thread(pid_t pid, struct kvs_vms_vcpu *vcpu)
{
	struct kvs_attr attr;
	char *text, *p;

	vcpu->comm = read_proc(pid, vcpu->tid, "comm");
	if (!kvs_attr_get(vcpu->tid, &attr)) {
		vcpu->policy = attr.policy;
		vcpu->priority = attr.priority;
		vcpu->nice = attr.nice;
	} else {
		vcpu->policy = -1;
	}
	text = read_proc(pid, vcpu->tid, "status");
	p = text ? strstr(text, "\nCpus_allowed_list:") : NULL;
	if (p && sscanf(p, "\nCpus_allowed_list: %ms", &vcpu->affinity) != 1)
		vcpu->affinity = NULL;
	free(text);
	/* stat: the 39th field is the CPU; names may hold blanks and ")" */
	text = read_proc(pid, vcpu->tid, "stat");
	p = text ? strrchr(text, ')') : NULL;
	for (int field = 2; p && field < 39; field++)
		p = strchr(p + 1, ' ');
	vcpu->cpu = p ? atoi(p) : -1;
	free(text);
}

static int compare_ids(const void *a, const void *b)
{
	const struct kvs_vms_vcpu *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static void look_for_threads(struct process *p)
{
	char *tasks = xasprintf("/proc/%d/task", p->pid);
	const struct timespec pause = { .tv_nsec = SAMPLE_NS };

	for (int i = 0; i < SAMPLES && has_gap(p); i++) {
		each_number(tasks, sample_task, p);
		if (has_gap(p))
			nanosleep(&pause, NULL);
	}
	if (has_gap(p))
		each_number(tasks, read_name, p);
	free(tasks);
}

static void look_at_process(void *ctx, long pid)
{
	struct kvs_vms *vms = ctx;
	struct process p = { .pid = pid, .vms = vms, .first = vms->nr };
	char *fds = xasprintf("/proc/%ld/fd", pid);

	if (each_number(fds, look_at_fd, &p) && errno == EACCES)
		p.vms->hidden++;
	free(fds);
	for (size_t i = p.first; i < p.vms->nr; i++)
		ask_debugfs(&p.vms->vms[i]);
	if (p.vms->nr > p.first) {
		add_vcpus_by_file(&p);
		look_for_threads(&p);
	}
	for (size_t i = p.first; i < p.vms->nr; i++) {
		struct kvs_vms_vm *vm = &p.vms->vms[i];

		if (vm->nr)
			qsort(vm->vcpus, vm->nr, sizeof(*vm->vcpus), compare_ids);
		for (size_t j = 0; j < vm->nr; j++)
			if (vm->vcpus[j].tid)
				describe_thread(pid, &vm->vcpus[j]);
	}
	free(p.vcpus);
}

struct kvs_vms *kvs_vms_scan(void)
{
	struct kvs_vms *vms = xcalloc(1, sizeof(*vms));

	each_number("/proc", look_at_process, vms);
	return vms;
}

void kvs_vms_free(struct kvs_vms *vms)
{
	for (size_t i = 0; vms && i < vms->nr; i++) {
		for (size_t j = 0; j < vms->vms[i].nr; j++) {
			free(vms->vms[i].vcpus[j].comm);
			free(vms->vms[i].vcpus[j].affinity);
		}
		free(vms->vms[i].vcpus);
		free(vms->vms[i].comm);
		free(vms->vms[i].name);
	}
	if (vms)
		free(vms->vms);
	free(vms);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines and cells that several tables of the report have in common.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "model/names.h"
#include "report/common.h"

#define VMS_NAMED	8	/* VMs, by one note */

/* If records were lost, the numbers of every table are too small, so each says so. */
static void add_loss(struct kvs_lines *lines, const struct kvs_view *view)
{
	u64 lost;
	bool exact = kvs_model_lost(view->model, &lost);

	if (kvs_model_vcpus_missing(view->model))
		kvs_lines_strong(lines, "  (vCPUs are missing)");
	if (!lost && exact)
		return;
	if (lost)
		kvs_lines_strong(lines, "  (%s%" PRIu64 " record%s lost)",
				 exact ? "" : "at least ", lost, lost == 1 ? "" : "s");
	else
		kvs_lines_strong(lines, "  (records lost)");
}

void kvs_title(const struct kvs_view *view, const char *fmt, ...)
{
	struct kvs_lines lines = kvs_heading_begin(false);
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	kvs_lines_bold(&lines, "%s", text);
	add_loss(&lines, view);
	kvs_lines_end(&lines);
	free(text);
}

bool kvs_recorded(const struct kvs_view *view, u32 class, const char *what,
		  const char *option)
{
	struct kvs_lines lines;

	if (kvs_model_has_class(view->model, class))
		return true;
	lines = kvs_heading_begin(false);
	lines.indent = 0;
	kvs_lines_bold(&lines, "%s", what);
	kvs_lines_add(&lines, ": not recorded (class %s)", option);
	kvs_lines_end(&lines);
	return false;
}

static const char *policy_text(char *text, size_t size, const struct kvs_vcpu *v)
{
	const char *name = kvs_policy_name(v->policy);

	if (!v->policy_known)
		return "-";
	if (!strncmp(name, "SCHED_", 6))
		name += 6;
	if (v->rt_priority)
		snprintf(text, size, "%s %u", name, v->rt_priority);
	else if (v->nice)
		snprintf(text, size, "%s nice %d", name, v->nice);
	else
		snprintf(text, size, "%s", name);
	return text;
}

void kvs_cells_vcpu(struct kvs_rows *rows, const struct kvs_vcpu *v)
{
	char vm[KVS_VM_LEN], policy[32];

	kvs_row(rows);
	kvs_cell(rows, "%s", kvs_vm_name(vm, v));
	kvs_cell(rows, "%u", v->id);
	kvs_cell(rows, "%d", v->tid);
	kvs_cell(rows, "%s", policy_text(policy, sizeof(policy), v));
}

void kvs_cells_full(struct kvs_rows *rows, const struct kvs_summary *s, bool known)
{
	kvs_cell_us(rows, known, s->min);
	kvs_cell_us(rows, known, s->max);
	kvs_cell_us(rows, known, s->avg);
	kvs_cell_us(rows, known, s->p50);
	kvs_cell_us(rows, known, s->p99);
	kvs_cell_us(rows, known, s->p999);
}

void kvs_cells_leg(struct kvs_rows *rows, const struct kvs_view *view, const struct kvs_hist *h)
{
	struct kvs_summary s;
	bool known = kvs_hist_summary(h, &view->times.ts, &s) && s.count;

	kvs_cell_us(rows, known, s.avg);
	kvs_cell_us(rows, known, s.p99);
	kvs_cell_us(rows, known, s.max);
}

/* "vm 1, vm 2 and 3 more VMs" have such vCPUs; the number of these VMs is returned. */
static unsigned int add_vms(struct kvs_lines *lines, const struct kvs_view *view,
			    bool (*is_such)(const struct kvs_vcpu *v))
{
	const struct kvs_model *m = view->model;
	const struct kvs_vcpu *last = NULL;
	unsigned int vms = 0;

	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		const struct kvs_vcpu *v = m->vcpus[i];
		char vm[KVS_VCPU_LEN];

		if (!kvs_selected(&view->select, v) || !is_such(v) ||
		    (last && last->vm == v->vm))
			continue;
		last = v;
		if (vms++ < VMS_NAMED)
			kvs_lines_add(lines, "%s%s", vms > 1 ? ", " : "", kvs_vm_words(vm, v));
	}
	if (vms > VMS_NAMED)
		kvs_lines_add(lines, " and %u more VMs", vms - VMS_NAMED);
	return vms;
}

static bool has_apicv_of_vmx(const struct kvs_vcpu *v)
{
	return v->apicv && !(v->features & KS_FEATURE_SVM);
}

static bool has_apicv_of_svm(const struct kvs_vcpu *v)
{
	return v->apicv && v->features & KS_FEATURE_SVM;
}

static void count_posted(const struct kvs_view *view, u64 *accepted, u64 *posted)
{
	*accepted = *posted = 0;
	for (unsigned int i = 0; i < KVS_VECTORS; i++) {
		const struct kvs_vector_stats *s = view->total->vector[i];

		*accepted += s ? s->accepted : 0;
		*posted += s ? s->posted : 0;
	}
}

/* What the hardware does leaves no records: zeroes without a word would be misleading. */
static void note_apicv(const struct kvs_view *view, const char *name, const char *ipis,
		       bool (*is_such)(const struct kvs_vcpu *v))
{
	struct kvs_lines lines = kvs_lines_begin(2);
	u64 accepted, posted;

	if (!add_vms(&lines, view, is_such))
		return;
	kvs_lines_add(&lines, ": %s: the hardware delivers interrupts without an exit. What it "
		      "injects is not seen, nor are EOIs, unless the interrupt is level-triggered; "
		      "nor is the acceptance of interrupts that the IOMMU posts, and of %s",
		      name, ipis);
	count_posted(view, &accepted, &posted);
	if (posted)
		kvs_lines_add(&lines, ". KVM left %" PRIu64 " of %" PRIu64 " accepted interrupts "
			      "to the hardware: when the guest took them is not known",
			      posted, accepted);
	kvs_lines_end(&lines);
}

void kvs_note_apicv(const struct kvs_view *view)
{
	note_apicv(view, "APICv", "virtualized IPIs", has_apicv_of_vmx);
	note_apicv(view, "AVIC", "IPIs", has_apicv_of_svm);
}

const char *kvs_idle_why(const struct kvs_vcpu *v)
{
	if (!(v->features & KS_FEATURE_NO_HLT))
		return "MWAIT doesn't exit";
	return v->features & KS_FEATURE_NO_MWAIT ? "neither HLT nor MWAIT exits" :
						   "HLT doesn't exit";
}

/* A guest whose HLT exits may use MWAIT, which does not; or not. */
static void note_idle(const struct kvs_view *view, bool may)
{
	const struct kvs_model *m = view->model;
	const struct kvs_vcpu *last = NULL;
	unsigned int vms = 0;
	char *text = NULL;
	size_t size;
	FILE *f;

	f = xopen_memstream(&text, &size);
	for (unsigned int i = 0; i < m->nr_vcpus; i++) {
		const struct kvs_vcpu *v = m->vcpus[i];
		char vm[KVS_VM_LEN];

		if (!kvs_selected(&view->select, v) || !kvs_idles_in_guest(v) ||
		    !(v->features & KS_FEATURE_NO_HLT) != may || (last && last->vm == v->vm))
			continue;
		last = v;
		if (vms++ < VMS_NAMED)
			fprintf(f, "%s vm %s (%s)", vms > 1 ? "," : "", kvs_vm_name(vm, v),
				kvs_idle_why(v));
	}
	if (vms > VMS_NAMED)
		fprintf(f, " and %u more VMs", vms - VMS_NAMED);
	fclose(f);
	if (vms)
		kvs_say(2, "Guest %s idle:%s", may ? "may include" : "includes", text);
	free(text);
}

void kvs_note_idle(const struct kvs_view *view)
{
	note_idle(view, false);
	note_idle(view, true);
}

/* Its timers are the VMM's, of which KVM knows nothing. */
static bool has_userspace_lapic(const struct kvs_vcpu *v)
{
	return v->identified && !(v->features & KS_FEATURE_IRQCHIP);
}

void kvs_note_unseen_timers(const struct kvs_view *view)
{
	struct kvs_lines lines = kvs_lines_begin(2);

	if (!add_vms(&lines, view, has_userspace_lapic))
		return;
	kvs_lines_add(&lines, ": the LAPIC is in userspace, and so are its timers: they are not seen");
	kvs_lines_end(&lines);
}

/* Only ordinary tasks have a quota, or run in what it leaves. */
static bool has_ordinary_thief(const struct kvs_vcpu *v)
{
	const struct kvs_waiter *w = &v->waiter;

	for (unsigned int i = 0; !w->real_time && i < w->nr; i++)
		if (kvs_thief_is_task(&w->thieves[i].who) &&
		    w->thieves[i].who.prio >= KVS_MAX_RT_PRIO)
			return true;
	return false;
}

/*
 * Where a flight recorder's beginning is overwritten, nobody knows the cgroup of a thread that
 * ended before the recording did.
 */
static bool tells_quotas_of(const struct kvs_model *m, const struct kvs_vcpu *v)
{
	return kvs_model_tells_quotas(m) &&
	       (!m->overwrite || v->waiter.throttled != KS_THROTTLED_AS_GROUP ||
		kvs_quota_knows(&m->quotas, v->tid));
}

void kvs_note_quotas(const struct kvs_view *view)
{
	const struct kvs_model *m = view->model;
	bool untold = false;

	for (unsigned int i = 0; i < m->nr_vcpus; i++)
		untold |= kvs_selected(&view->select, m->vcpus[i]) &&
			  has_ordinary_thief(m->vcpus[i]) && !tells_quotas_of(m, m->vcpus[i]);
	if (untold)
		kvs_say(2, "Quotas (cpu.max) are not told %shere: a task that ran while one kept the vCPU from its CPU took nothing, and can't be told from a thief",
			kvs_model_tells_quotas(m) ? "of all vCPUs " : "");
}

bool kvs_note_no_timers(const struct kvs_view *view)
{
	const struct kvs_timer_stats *t = &view->total->timer;
	const char *seen = kvs_model_has_class(view->model, KVMSCHED_CLASS_IRQ) ?
			   "are seen: `kvmsched report irqs`" :
			   "can be seen, and they were not recorded (class irq)";

	if (t->armed[0] || t->armed[1] || t->armed[2] || t->rearmed || t->expired || t->found ||
	    t->by_vmm)
		return false;
	kvs_say(0, "none of the LAPIC's. Of others (the PIT's, those of %s, the VMM's own) only "
		"the interrupts %s", view->model->stimers_told ? "Xen's interface" :
		"Hyper-V's and Xen's interfaces", seen);
	kvs_note_unseen_timers(view);
	return true;
}

const char *kvs_hook_why(s32 status)
{
	switch (status) {
	case -ENOENT: /* it belongs to the other CPU vendor, or to another kernel version */
		return "not in this kernel";
	case -EOPNOTSUPP:
		return "without ftrace under it, where nothing could be recorded";
	}
	/* A damaged file has any number, also the one that has no opposite. */
	return strerror((int)-(int64_t)status);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host's recording knows of each vCPU that a merge needs: when it was in guest
 * mode, when it was certainly not, and what its TSC is.
 */
#ifndef KVMSCHED_HOSTSIDE_H
#define KVMSCHED_HOSTSIDE_H

#include "base/hist.h"
#include "merge/tsc.h"
#include "trace/info.h"

/* Stretches of the host's TSC; once they are all known, in order and apart */
struct kvs_stretches {
	struct kvs_stretch {
		u64 begin, end;
	} *at;
	size_t nr, room;
};

void kvs_stretches_add(struct kvs_stretches *s, u64 begin, u64 end);
/* Puts them in order, and makes one of those that touch or overlap. */
void kvs_stretches_sort(struct kvs_stretches *s);
/* How many begin before @at: those of lower index */
size_t kvs_stretches_before(const struct kvs_stretches *s, u64 at);
void kvs_stretches_free(struct kvs_stretches *s);

struct kvs_host_vcpu {
	u16 vm, id;
	s32 tid, tgid;
	unsigned int vm_index;	/* of its VM, among those of its process */
	const char *vm_name;	/* NULL: not told */
	/*
	 * Both are what was measured in KVM: guest mode begins a little later than these
	 * stretches say, and ends a little earlier; what is @out was all out of it.
	 * What lies in neither is unknown.
	 */
	struct kvs_stretches guest, out;
	/* From its identity records: each holds from @since to the next.  See epochs.c. */
	struct kvs_tsc_epoch {
		u64 known;	/* when the one before was last told */
		u64 unsure;	/* it may have begun here; @since: it did not begin before */
		u64 since, guest;	/* when it was told, and what it was then */
		struct kvs_guest_tsc tsc;
	} *epochs;
	size_t nr_epochs;
	size_t first_epoch;	/* from this one on, the guest's TSC was never set back */
	u64 known;	/* while it is read: when an identity record last told its TSC */
};

struct kvs_host_side {
	struct kvs_host_vcpu **vcpus;	/* by VM, then by number */
	size_t nr;
	u64 begin, end;		/* time stamps of the first and the last record */
	struct kvs_scale ns;	/* of a cycle */
	u32 tsc_mult, tsc_shift;	/* as the file tells them; 0: it doesn't */
	u64 tsc_offset;
	bool unstable;		/* the host's kernel found its TSC unstable */
	struct kvs_trace *trace;	/* has the names */
};

/* A TSC that a vCPU has from @since on, or maybe @unsure; the same once more is no change. */
void kvs_epochs_add(struct kvs_host_vcpu *v, u64 unsure, u64 since,
		    const struct kvs_guest_tsc *tsc);

/* When a vCPU's TSC had a value */
struct kvs_host_time {
	u64 at;			/* of the host */
	size_t epoch;
	enum {
		KVS_TIME_TOLD,
		KVS_TIME_BETWEEN,	/* not known: near a change that was told late, at @at */
		KVS_TIME_NEVER,		/* never: not before the change at @at, nor after it */
		KVS_TIME_EARLY,		/* before @first_epoch, by which @at is: not known */
	} told;
};

struct kvs_host_time kvs_host_time(const struct kvs_host_vcpu *v, u64 guest);
/* The other way round: what the vCPU's TSC was, or would have been, at a time of the host */
u64 kvs_guest_time(const struct kvs_host_vcpu *v, u64 host);

/* Did the guest's TSC change, other than back, while the host recorded? */
static inline bool kvs_tsc_changed(const struct kvs_host_vcpu *v)
{
	return v->nr_epochs > v->first_epoch + 1;
}

/* The TSC that a vCPU has had since its last change */
static inline const struct kvs_tsc_epoch *kvs_last_tsc(const struct kvs_host_vcpu *v)
{
	return &v->epochs[v->nr_epochs - 1];
}

/* False after a message.  Messages call the file @name. */
bool kvs_host_side_read(struct kvs_host_side *h, const char *path, const char *name);
void kvs_host_side_free(struct kvs_host_side *h);

#endif /* KVMSCHED_HOSTSIDE_H */

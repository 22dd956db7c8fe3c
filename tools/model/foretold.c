// SPDX-License-Identifier: GPL-2.0-only
/*
 * What holds before it is told: a flight recorder's file has lost the records that came once,
 * at the beginning, and has the same again at its end.
 */
#include <stdlib.h>

#include "base/util.h"
#include "model/model.h"

/* The first one in the file says best what was before it. */
static void keep_identity(struct kvs_model *m, const struct kvs_record *rec)
{
	u64 key = kvs_vcpu_key(rec->vcpu.vm, rec->vcpu.vcpu);
	struct kvs_record *copy;

	if (kvs_table_get(&m->foretold, key) || m->foretold.count == KVS_MAX_VCPUS)
		return;
	copy = xmalloc(sizeof(*copy));
	*copy = *rec;
	kvs_table_put(&m->foretold, key, copy);
}

void kvs_model_foretold(void *ctx, const struct kvs_record *rec)
{
	struct kvs_model *m = ctx;

	switch (rec->event) {
	case KS_EV_session:
		kvs_session_foretold(m, rec);
		break;
	case KS_EV_attach:
		kvs_attach_record(m, rec);
		break;
	case KS_EV_vcpu:
		keep_identity(m, rec);
		break;
	case KS_EV_cgroup:
		kvs_quota_foretold(&m->quotas, rec);
		break;
	}
}

void kvs_foretold_identity(struct kvs_model *m, struct kvs_vcpu *v)
{
	const struct kvs_record *rec = kvs_table_get(&m->foretold, kvs_vcpu_key(v->vm, v->id));

	/* A new vCPU's comes before all others of it. */
	if (!rec || rec->vcpu.features & KS_FEATURE_NEW)
		return;
	kvs_vcpu_take_identity(v, rec);
	v->features &= ~KS_FEATURE_GONE;
	v->foretold = true;
}

bool kvs_foretold_vmm(const struct kvs_model *m, s32 tgid)
{
	for (size_t i = 0; i < m->foretold.room; i++) {
		const struct kvs_record *rec = m->foretold.slots[i].value;

		if (rec && rec->vcpu.tgid == tgid)
			return true;
	}
	return false;
}

void kvs_foretold_free(struct kvs_model *m)
{
	for (size_t i = 0; i < m->foretold.room; i++)
		free(m->foretold.slots[i].value);
	kvs_table_free(&m->foretold);
}

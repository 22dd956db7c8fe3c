// SPDX-License-Identifier: GPL-2.0-only
/*
 * What stands out, as JSON.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "report/json-short.h"
#include "report/json-task.h"
#include "report/short.h"

static json_t *finding_of(const struct kvs_view *view, const struct kvs_finding *f)
{
	const struct kvs_vcpu *v = f->vcpu;
	bool known = v && v->identified, is_time = kvs_finding_is_time(f->kind);
	json_t *harm = json_integer(f->harm > INT64_MAX ? INT64_MAX : (json_int_t)f->harm);
	char *sentence = kvs_finding_sentence(view, f);
	json_t *o = json_pack("{ss so ss so so so so so so so sI}",
		"kind", kvs_finding_kind_name(f->kind),
		"sentence", kvs_bytes_json(sentence), "more", kvs_finding_more(view, f),
		"vm", known ? json_integer(v->tgid) : json_null(),
		"vm_index", known ? json_integer(v->vm_index) : json_null(),
		"vm_name", kvs_json_vm_name(v),
		"vcpu", v ? json_integer(v->id) : json_null(),
		"ns", is_time ? harm : json_null(), "count", is_time ? json_null() : harm,
		"share", f->share ? json_real(f->share) : json_null(),
		"more_vcpus", (json_int_t)f->others);

	free(sentence);
	return o;
}

json_t *kvs_json_short(const struct kvs_view *view)
{
	struct kvs_finding findings[KVS_SHORT];
	unsigned int nr = kvs_short_find(view, findings);
	json_t *a = json_array();

	for (unsigned int i = 0; i < nr; i++)
		json_array_append_new(a, finding_of(view, &findings[i]));
	return a;
}

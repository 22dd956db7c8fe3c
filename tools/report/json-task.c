// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who a task is, what a VM is called, and what of it does not exit, as JSON.
 */
#include "base/bytes.h"
#include "model/holder.h"
#include "model/names.h"
#include "report/json-task.h"

json_t *kvs_json_task(const struct kvs_view *view, const struct kvs_vcpu *v,
		      const struct kvs_holder *who)
{
	const char *policy = kvs_holder_policy_name(who);
	bool told = who->flags & KS_TASK_TOLD;
	char text[KVS_POLICY_LEN];

	if (!kvs_thief_is_task(who))
		return json_null();
	return json_pack("{ss ss? so so ss}",
		"is", kvs_holder_policy(text, who), "policy", policy,
		"nice", told ? json_integer(who->nice) : json_null(),
		"tgid", told ? json_integer(who->tgid) : json_null(),
		"relation", kvs_relation_name(kvs_holder_relation(view->model, v, who)));
}

json_t *kvs_json_exits_off(u32 features)
{
	json_t *a;
	const char *name;
	uint32_t feature;

	if (!(features & KS_FEATURE_EXITS_TOLD))
		return json_null();
	a = json_array();
	for (unsigned int i = 0; (name = kvs_exit_off(i, &feature)); i++)
		if (features & feature)
			json_array_append_new(a, json_string(name));
	return a;
}

json_t *kvs_json_vm_name(const struct kvs_vcpu *v)
{
	return v && v->vm_name ? kvs_bytes_json(v->vm_name) : json_null();
}

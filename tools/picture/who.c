// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers for those who had a CPU, and for reasons of exits.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "model/names.h"
#include "picture/bars.h"
#include "picture/who.h"

/* FNV-1a */
static u64 mix(u64 hash, const void *bytes, size_t nr)
{
	for (const unsigned char *b = bytes; nr--; b++)
		hash = (hash ^ *b) * 0x100000001b3ULL;
	return hash;
}

static u64 key_of(const struct kvs_vcpu *v, const struct kvs_holder *holder)
{
	u64 hash = 0xcbf29ce484222325ULL;

	if (v)
		return mix(hash, &v->index, sizeof(v->index));
	hash = mix(hash, &holder->pid, sizeof(holder->pid));
	hash = mix(hash, &holder->cpu, sizeof(holder->cpu));
	hash = mix(hash, &holder->kind, sizeof(holder->kind));
	hash = mix(hash, &holder->cgroup, sizeof(holder->cgroup));
	return mix(hash, holder->comm, strlen(holder->comm));
}

static unsigned int number_of(struct kvs_whos *whos, const struct kvs_vcpu *v,
			      const struct kvs_holder *holder)
{
	u64 key = key_of(v, holder);
	struct kvs_who *who = kvs_table_get(&whos->table, key);

	if (who)
		return who->number;
	if (whos->nr == KVS_MAX_WHO)
		return 0;
	who = xcalloc(1, sizeof(*who));
	who->vcpu = v;
	if (holder)
		who->holder = *holder;
	if ((whos->nr & (whos->nr - 1)) == 0)
		whos->list = xrealloc(whos->list, (2 * whos->nr + 1) * sizeof(*whos->list));
	whos->list[whos->nr] = who;
	who->number = ++whos->nr;
	kvs_table_put(&whos->table, key, who);
	return who->number;
}

unsigned int kvs_who_vcpu(struct kvs_whos *whos, const struct kvs_vcpu *v)
{
	return number_of(whos, v, NULL);
}

unsigned int kvs_who_task(struct kvs_whos *whos, const struct kvs_task *task)
{
	struct kvs_holder holder = { .pid = task->pid, .kind = KVS_THIEF_TASK };

	memcpy(holder.comm, task->comm, sizeof(holder.comm));
	return number_of(whos, NULL, &holder);
}

unsigned int kvs_who_holder(struct kvs_whos *whos, const struct kvs_holder *holder)
{
	return number_of(whos, NULL, holder);
}

static char *words_of_vcpu(const struct kvs_vcpu *v)
{
	char name[KVS_VM_LEN];

	return xasprintf("%s vCPU %u", kvs_vm_name(name, v), v->id);
}

static char *words_of(const struct kvs_who *who, const struct kvs_model *m)
{
	const struct kvs_holder *holder = &who->holder;
	const struct kvs_vcpu *v = who->vcpu;

	if (!v && kvs_thief_is_task(holder))
		v = kvs_vcpu_of_thread(m, holder->pid);
	if (v)
		return words_of_vcpu(v);
	if (kvs_thief_is_task(holder))
		return xasprintf("%s/%d", holder->comm, holder->pid);
	return xstrdup(kvs_thief_name(holder));
}

json_t *kvs_whos_json(const struct kvs_whos *whos, const struct kvs_model *m)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < whos->nr; i++) {
		char *words = words_of(whos->list[i], m);

		json_array_append_new(a, json_pack("[oi]", kvs_bytes_json(words),
						   whos->list[i]->holder.cpu));
		free(words);
	}
	return a;
}

void kvs_whos_free(struct kvs_whos *whos)
{
	for (unsigned int i = 0; i < whos->nr; i++)
		free(whos->list[i]);
	free(whos->list);
	kvs_table_free(&whos->table);
}

unsigned int kvs_reason_of(struct kvs_reasons *reasons, u8 isa, u32 reason)
{
	const struct kvs_reason *list = reasons->list;
	unsigned int i = reasons->last;

	if (i < reasons->nr && list[i].isa == isa && list[i].reason == reason)
		return i + 1;
	for (i = 0; i < reasons->nr; i++)
		if (list[i].isa == isa && list[i].reason == reason)
			break;
	if (i == KVS_MAX_WHO)
		return 0;
	if (i == reasons->nr) {
		reasons->list = xrealloc(reasons->list, ++reasons->nr * sizeof(*list));
		reasons->list[i] = (struct kvs_reason){ .isa = isa, .reason = reason };
	}
	reasons->last = i;
	return i + 1;
}

json_t *kvs_reasons_json(const struct kvs_reasons *reasons)
{
	json_t *a = json_array();
	char name[KVS_NAME_LEN];

	for (unsigned int i = 0; i < reasons->nr; i++)
		json_array_append_new(a, json_string(kvs_exit_reason(name, reasons->list[i].isa,
								     reasons->list[i].reason)));
	return a;
}

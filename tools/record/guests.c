// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMs of a recording; see guests.h.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "host/vmname.h"
#include "record/comms.h"
#include "record/guests.h"
#include "trace/decode.h"

#define MAX_VCPU	8192	/* beyond it, KVM has no vcpu_id */
#define MAX_NAME	255	/* bytes; libvirt has no longer ones */

struct guest {
	uint16_t vm;		/* the module's number */
	int32_t tgid;
	unsigned int teller;	/* the vCPU with the smallest number of those met */
	char comm[17];			/* the name of the thread of @teller, with a NUL */
	struct kvs_dat_guest dat;	/* its name may be NULL: not known yet */
};

struct kvs_guests {
	struct kvs_decoder *decoder;
	bool can_ask;		/* PIDs in records are those of /proc */
	struct guest *list;
	size_t nr;
};

struct kvs_guests *kvs_guests_new(const struct kvs_dat_system *events)
{
	struct kvs_guests *g = xcalloc(1, sizeof(*g));
	struct kvs_format format;

	g->decoder = kvs_decoder_create();
	g->can_ask = kvs_pids_are_the_kernels();
	for (size_t i = 0; i < events->nr; i++)
		if (kvs_format_parse(&format, events->texts[i], strlen(events->texts[i])))
			kvs_decoder_add(g->decoder, &format);
	return g;
}

void kvs_guests_free(struct kvs_guests *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->nr; i++) {
		free(g->list[i].dat.name);
		free(g->list[i].dat.tids);
	}
	free(g->list);
	kvs_decoder_destroy(g->decoder);
	free(g);
}

static struct guest *get_guest(struct kvs_guests *g, uint16_t vm, int32_t tgid)
{
	for (size_t i = 0; i < g->nr; i++)
		if (g->list[i].vm == vm && g->list[i].tgid == tgid)
			return &g->list[i];
	g->list = xrealloc(g->list, (g->nr + 1) * sizeof(*g->list));
	g->list[g->nr] = (struct guest){ .vm = vm, .tgid = tgid, .teller = UINT_MAX };
	return &g->list[g->nr++];
}

static void note_thread(struct kvs_dat_guest *dat, unsigned int vcpu, int32_t tid)
{
	if (vcpu >= MAX_VCPU)
		return;
	if (vcpu >= dat->vcpus) {
		dat->tids = xrealloc(dat->tids, (vcpu + 1) * sizeof(*dat->tids));
		memset(dat->tids + dat->vcpus, 0,
		       (vcpu + 1 - dat->vcpus) * sizeof(*dat->tids));
		dat->vcpus = vcpu + 1;
	}
	dat->tids[vcpu] = tid;
}

void kvs_guests_add_vcpu(struct kvs_guests *g, const void *record, size_t size)
{
	struct kvs_record rec;
	struct guest *guest;

	if (kvs_decode(g->decoder, record, size, &rec) != KVS_DECODED ||
	    rec.event != KS_EV_vcpu)
		return;
	guest = get_guest(g, rec.vcpu.vm, rec.vcpu.tgid);
	note_thread(&guest->dat, rec.vcpu.vcpu, rec.ent.pid);
	if (rec.vcpu.vcpu <= guest->teller) {
		guest->teller = rec.vcpu.vcpu;
		kvs_copy_comm(guest->comm, rec.vcpu.comm, sizeof(rec.vcpu.comm));
	}
	if (guest->dat.name || !g->can_ask || rec.vcpu.tgid <= 0)
		return;
	guest->dat.name = kvs_vm_name_of(rec.vcpu.tgid);
	if (guest->dat.name && strlen(guest->dat.name) > MAX_NAME)
		guest->dat.name[MAX_NAME] = '\0';
}

void kvs_guests_name_rest(struct kvs_guests *g, const struct kvs_comms *comms)
{
	for (size_t i = 0; g && i < g->nr; i++) {
		struct guest *guest = &g->list[i];

		if (!guest->dat.name && *guest->comm && !kvs_comms_has(comms, guest->tgid))
			guest->dat.name = xasprintf(KVS_THREADS_NAME "%s", guest->comm);
	}
}

struct kvs_dat_guest *kvs_guests_named(const struct kvs_guests *g, size_t room, size_t *nr)
{
	struct kvs_dat_guest *named = xcalloc(g->nr + 1, sizeof(*named));

	*nr = 0;
	for (size_t i = 0; i < g->nr; i++) {
		const struct kvs_dat_guest *dat = &g->list[i].dat;
		size_t size = dat->name ? kvs_dat_guest_size(dat) : 0;

		if (!dat->name || size > room)
			continue;
		room -= size;
		named[(*nr)++] = *dat;
	}
	return named;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who sent an interrupt, as JSON; see json-sender.h.
 */
#include "uapi/kvmsched.h"
#include "base/bytes.h"
#include "model/names.h"
#include "report/json-sender.h"

json_t *kvs_json_sender(const struct kvs_sender *who)
{
	return json_pack("{ss ss so so so so}",
		"kind", kvs_sender_kind(who->kind), "by", kvs_sent_by(who->by),
		"vcpu", who->vcpu != KS_NO_VCPU ? json_integer(who->vcpu) : json_null(),
		"name", *who->name ? kvs_bytes_json(who->name) : json_null(),
		"tid", who->tid ? json_integer(who->tid) : json_null(),
		"process", who->tgid ? json_integer(who->tgid) : json_null());
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who sent an interrupt, as JSON.
 */
#ifndef KVMSCHED_JSON_SENDER_H
#define KVMSCHED_JSON_SENDER_H

#include <jansson.h>

#include "model/senders.h"

/* An object: { "kind", "by", "vcpu", "name", "tid", "process" } */
json_t *kvs_json_sender(const struct kvs_sender *who);

#endif /* KVMSCHED_JSON_SENDER_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who had a CPU, and why guest mode was left: each gets a number, in the order of first
 * sight, which bars carry.  0 is nobody that is known.
 */
#ifndef KVMSCHED_WHO_H
#define KVMSCHED_WHO_H

#include <jansson.h>

#include "base/table.h"
#include "model/model.h"

struct kvs_who {
	const struct kvs_vcpu *vcpu;	/* or, if this is NULL: */
	struct kvs_holder holder;
	unsigned int number;
};

/* All zeroes is an empty list. */
struct kvs_whos {
	struct kvs_who **list;		/* [number - 1] */
	unsigned int nr;
	struct kvs_table table;
};

unsigned int kvs_who_vcpu(struct kvs_whos *whos, const struct kvs_vcpu *v);
unsigned int kvs_who_task(struct kvs_whos *whos, const struct kvs_task *task);
unsigned int kvs_who_holder(struct kvs_whos *whos, const struct kvs_holder *holder);
/* In words, and the number of the CPU that a holder had; after the last record */
json_t *kvs_whos_json(const struct kvs_whos *whos, const struct kvs_model *m);
void kvs_whos_free(struct kvs_whos *whos);

struct kvs_reasons {
	struct kvs_reason {
		u8 isa;
		u32 reason;
	} *list;
	unsigned int nr, last;
};

unsigned int kvs_reason_of(struct kvs_reasons *reasons, u8 isa, u32 reason);
json_t *kvs_reasons_json(const struct kvs_reasons *reasons);

#endif /* KVMSCHED_WHO_H */

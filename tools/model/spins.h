/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exits that suggest that a guest spins for a lock: too many PAUSEs in a row, by the
 * hardware's filter, and two hypercalls of Linux guests.  What it spins for, and whether
 * it does, only a trace of the guest itself tells.
 */
#ifndef KVMSCHED_SPINS_H
#define KVMSCHED_SPINS_H

#include "model/spans.h"

/* Add the exit of @span to @v's spins, if it is of one of these kinds. */
void kvs_spins_note(struct kvs_vcpu *v, const struct kvs_span *span);

#endif /* KVMSCHED_SPINS_H */

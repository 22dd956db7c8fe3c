/* SPDX-License-Identifier: GPL-2.0-only */
/* KVM's own counters of a VM or a vCPU, by the binary statistics interface. */
#ifndef GUEST_KVMSTATS_H
#define GUEST_KVMSTATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;
struct kvmstats;

/* NULL where KVM has no such interface (before 5.14). */
struct kvmstats *kvmstats_open(int kvm_fd);
void kvmstats_close(struct kvmstats *stats);

/* The two snapshots whose difference counts. */
void kvmstats_begin(struct kvmstats *stats);
void kvmstats_end(struct kvmstats *stats);

/* The difference of one counter; false if this KVM has none of the name. */
bool kvmstats_delta(const struct kvmstats *stats, const char *name,
		    uint64_t *delta);

/*
 * Object @key: each cumulative counter as its difference, histograms as an
 * array of differences, instant and peak values as they were at the end.
 */
void kvmstats_print(struct json *json, const char *key,
		    const struct kvmstats *stats);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* The truth about a run, against what the payload promised. */
#ifndef GUEST_REPORT_H
#define GUEST_REPORT_H

#include <stdbool.h>
#include <stdio.h>

struct host;
struct options;
struct vm;

enum verdict { VERDICT_OK, VERDICT_STOPPED, VERDICT_BROKEN };

/* Compares every vCPU with the promise; says each difference on stderr. */
enum verdict report_check(const struct vm *vms, const struct options *options);

void report_table(const struct vm *vms, const struct options *options);

void report_json(FILE *out, const struct vm *vms,
		 const struct options *options, const struct host *host,
		 enum verdict verdict);

#endif

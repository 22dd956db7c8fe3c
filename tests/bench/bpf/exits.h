/* SPDX-License-Identifier: GPL-2.0-only */
/* What the BPF programs send to their reader. */
#ifndef EXITS_H
#define EXITS_H

enum { RECORD_EXIT, RECORD_ENTRY };

struct record {
	unsigned long long time;
	unsigned int tid;
	unsigned int kind;
	unsigned int reason;
	unsigned int vcpu;
	unsigned long long info;
};

#endif

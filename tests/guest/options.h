/* SPDX-License-Identifier: GPL-2.0-only */
/* What the command line of kvmguest says. */
#ifndef GUEST_OPTIONS_H
#define GUEST_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "inject.h"
#include "sched.h"

struct payload;

struct options {
	unsigned int vms;
	unsigned int vcpus;		/* of each VM */
	unsigned int threads;		/* that share all vCPUs; 0: one for each */
	uint64_t period_us;
	uint64_t seconds;		/* 0: no limit */
	struct sched_choice sched;
	uint64_t halt_poll_ns;
	bool halt_poll_given;		/* else KVM's own limit */
	uint64_t exits_off;		/* KVM_X86_DISABLE_EXITS_* */
	bool unstarted;			/* all vCPUs but the first wait for a SIPI */
	bool async_page;		/* the late page is touched with interrupts on */
	bool spread;			/* one CPU of the list per vCPU */
	bool send;			/* a packet at each return to userspace */
	uint64_t late_page_us;		/* until the payload's page is there; 0: it is */
	enum inject_way inject;		/* how the VMM sends interrupts */
	bool tsc_last;			/* a restored guest gets its TSC too late */
	const char *start_barrier;
	const char *ready_file;
	int controller_prio;		/* 0: leave the main thread alone */
	const char *json;
	bool quiet;
	const struct payload *payload;
	uint64_t n;
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG };

enum options_result options_parse(struct options *options, int argc,
				  char **argv);

#endif

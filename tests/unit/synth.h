/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Synthetic recordings: a small writer of ftrace pages, and files made of them
 * by the tool's own encoder (tools/trace/dat.c, tools/record/spool.c).
 *
 *	struct synth *s = synth_new("x.dat", 2, "tests/golden/formats");
 *	struct ks_rec_exit exit = { .ent.pid = 4711, .vm = 1, .reason = 0x72 };
 *
 *	synth_comm(s, 4711, "CPU 0/KVM");
 *	SYNTH_ADD(s, 0, 1000000, exit, &exit);		// CPU 0, TSC 1000000
 *	synth_lost(s, 0, 17);	// 17 lost between this record and the next
 *	synth_finish(s);	// writes x.dat, frees s
 *
 * The structs are those of module/uapi/record_structs.h; include paths are tools, module
 * and module/uapi, and libkvmsched.a is linked.
 * common_type is filled in here; set ent.pid yourself.  Each CPU's records must
 * come in the order of time.  Pages are written out as they fill, so a file of
 * any size needs little memory.  A failure ends the program with a message.
 */
#ifndef SYNTH_H
#define SYNTH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rec.h"
#include "trace/ties.h"
#include "trace/yields.h"

#define SYNTH_TSC_KHZ	2000000U	/* 1 ns = 2 cycles, exactly */

struct synth;

/* @formats: a directory laid out like tracefs' events/ */
struct synth *synth_new(const char *file, unsigned int nr_cpus,
			const char *formats);

/* The trace that a guest made of itself: those events of its kernel that formats/sched has. */
struct synth *synth_new_guest(const char *file, unsigned int nr_cpus, const char *formats);

/* tsc -> ns as the header tells it; default is SYNTH_TSC_KHZ and offset 0. */
void synth_clock(struct synth *s, uint32_t mult, uint32_t shift, uint64_t offset);

void synth_add(struct synth *s, unsigned int cpu, uint64_t tsc,
	       enum ks_event event, void *record, size_t size);
#define SYNTH_ADD(s, cpu, tsc, name, record)				\
	synth_add(s, cpu, tsc, KS_EV_##name, record, KS_RECORD_SIZE(name))

/* An event of a guest's kernel, by its name; its type is filled in here. */
void synth_sched(struct synth *s, unsigned int cpu, uint64_t tsc, const char *event,
		 void *record, size_t size);

/* A line of trace_marker, of a guest that traces itself, by a task @pid. */
void synth_print(struct synth *s, unsigned int cpu, uint64_t tsc, pid_t pid, const char *text);

/*
 * Records are missing here: the next page begins with ftrace's flag, and with
 * the count unless it is 0 (then only the flag, as where nobody counted).
 */
void synth_lost(struct synth *s, unsigned int cpu, uint64_t count);

/* End this CPU's page here, as a flush does. */
void synth_flush(struct synth *s, unsigned int cpu);

/* The id of an event in these formats, e.g. for the field of kvs_lost. */
uint16_t synth_id(const struct synth *s, enum ks_event event);
const char *synth_name(enum ks_event event);

/* Has a record of that event been added? */
bool synth_has(const struct synth *s, enum ks_event event);

void synth_comm(struct synth *s, pid_t pid, const char *comm);

/* The header names a VM and the threads of its vCPUs; both must stay valid. */
void synth_guest(struct synth *s, char *name, unsigned int vcpus, int32_t *tids);

/* The header ties time stamps to the host's clocks; the ties must stay valid. */
void synth_ties(struct synth *s, const struct kvs_tie *ties, size_t nr);

/* The header tells what KVM counted of directed yields; the rows must stay valid. */
void synth_yields(struct synth *s, const struct kvs_yields_row *rows, size_t nr);

void synth_finish(struct synth *s);

#endif /* SYNTH_H */

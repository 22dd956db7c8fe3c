/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a picture's colours and patterns mean.  Each kind has both, so that it is told from
 * the others also where it is printed without colours; the colours are told apart by
 * readers with any colour vision, on white and on black.
 */
#ifndef KVMSCHED_PAINT_H
#define KVMSCHED_PAINT_H

#include <stdio.h>

#include "picture/lanes.h"

struct kvs_paint {
	const char *name;	/* of the kind, in classes and ids */
	const char *words;	/* in the legend */
	const char *light, *dark;	/* colours, on a light and on a dark ground */
	const char *lines;	/* drawn over it, in a tile of 6 by 6; NULL: none */
};

extern const struct kvs_paint kvs_state_paint[KVMSCHED_NR_STATES];
extern const struct kvs_paint kvs_runs_paint[KVS_RUNS_KINDS];
extern const struct kvs_paint kvs_guest_task_paint[KVS_GUEST_TASK_KINDS];
/* Of pages only */
extern const struct kvs_paint kvs_timer_paint[KVS_TIMER_KINDS];
extern const struct kvs_paint kvs_irq_paint[KVS_IRQ_KINDS];
extern const struct kvs_paint kvs_host_paint[KVS_HOST_SERVES_KINDS];
extern const struct kvs_paint kvs_task_paint[KVS_TASK_KINDS];

/* The style sheet and the patterns of an SVG file; @guests: those of guests' tasks, too */
void kvs_paint_define(FILE *f, bool guests);

#endif /* KVMSCHED_PAINT_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random lives of vCPUs: their records, as those of a recording of 20,000 events.
 */
#ifndef LIVES_H
#define LIVES_H

#include "model/model.h"

#define LIVES_VCPUS	3
/* The most that the clock of a seed's lives goes back, at once */
#define LIVES_BACK(seed)	((seed) % 3 ? 200 : 0)

/*
 * Feeds @m, whose sinks have been added, from the session's start to its stop, and finishes
 * it.  The vCPUs of one VM share two CPUs with other tasks.  Records come late or are lost,
 * and some contradict each other, as in a damaged file.  One seed is always the same lives.
 */
void lives_live(struct kvs_model *m, unsigned int seed);

#endif /* LIVES_H */

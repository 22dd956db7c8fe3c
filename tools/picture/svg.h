/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVMSCHED_SVG_H
#define KVMSCHED_SVG_H

#include <stdbool.h>
#include <stdio.h>

#include "model/clock.h"
#include "picture/still.h"

/* A still as an SVG file.  @hidden: how many selected vCPUs are not drawn */
void kvs_svg_write(FILE *f, const struct kvs_still *still, const struct kvs_model *m,
		   const struct kvs_times *times, const char *path, unsigned int hidden);

#endif /* KVMSCHED_SVG_H */

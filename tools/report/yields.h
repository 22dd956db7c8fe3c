/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What KVM counted of directed yields, where the file tells it of a process and the whole
 * recording is reported.
 */
#ifndef KVMSCHED_REPORT_YIELDS_H
#define KVMSCHED_REPORT_YIELDS_H

#include <stdio.h>

#include <jansson.h>

#include "report/view.h"

/* Of each process; null if none is told */
json_t *kvs_json_yields(const struct kvs_view *view);
/* A part of a sentence on the hypercalls of @v, behind "; "; nothing if it is not told */
void kvs_write_yields(FILE *f, const struct kvs_view *view, const struct kvs_vcpu *v);

#endif /* KVMSCHED_REPORT_YIELDS_H */

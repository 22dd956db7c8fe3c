/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages are templates: HTML with places @name@, which assets and the page's data fill.
 */
#ifndef KVMSCHED_TEMPLATE_H
#define KVMSCHED_TEMPLATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Writes what stands at the place @name; false: it knows no such place. */
typedef bool kvs_put_place(FILE *f, const char *name, void *ctx);

/*
 * Write a template, which ends with a NUL.  @put is asked first for each place, then the
 * assets are; what neither knows stays as it is.
 */
void kvs_template_write(FILE *f, const char *html, kvs_put_place *put, void *ctx);

/* Write @o so that a script element can hold it, whatever texts it has; frees it. */
void kvs_template_json(FILE *f, json_t *o);

#endif /* KVMSCHED_TEMPLATE_H */

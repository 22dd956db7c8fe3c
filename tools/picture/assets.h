/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files that pages are made of, as they were when the program was built.
 */
#ifndef KVMSCHED_ASSETS_H
#define KVMSCHED_ASSETS_H

struct kvs_asset {
	const char *name;	/* in a template, as @name@ */
	const char *begin, *end;
};

extern const char kvs_page_html[], kvs_page_compare_html[];
/* The last has no name. */
extern const struct kvs_asset kvs_assets[];

#endif /* KVMSCHED_ASSETS_H */

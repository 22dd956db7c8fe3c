// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes templates, with their places filled.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "picture/assets.h"
#include "picture/template.h"

/* No text within it may end the script element that holds it, or begin a comment there. */
void kvs_template_json(FILE *f, json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(15));

	for (const char *c = text; c && *c; c++) {
		if (*c == '<')
			fputs("\\u003c", f);
		else
			putc(*c, f);
	}
	free(text);
	json_decref(o);
}

static bool put_asset(FILE *f, const char *name)
{
	for (const struct kvs_asset *asset = kvs_assets; asset->name; asset++) {
		if (strcmp(name, asset->name))
			continue;
		fwrite(asset->begin, 1, asset->end - asset->begin, f);
		return true;
	}
	return false;
}

void kvs_template_write(FILE *f, const char *html, kvs_put_place *put, void *ctx)
{
	const char *next = html, *at, *end;

	while ((at = strchr(next, '@')) && (end = strchr(at + 1, '@'))) {
		char *name = xasprintf("%.*s", (int)(end - at - 1), at + 1);

		fwrite(next, 1, at - next, f);
		next = end + 1;
		if (!put(f, name, ctx) && !put_asset(f, name)) {
			putc('@', f);
			next = at + 1;
		}
		free(name);
	}
	fputs(next, f);
}

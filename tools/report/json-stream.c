// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes JSON piece by piece; see json-stream.h.
 */
#include <stdio.h>
#include <string.h>

#include "report/json-stream.h"

/* Each line goes @ctx spaces to the right.  No string of JSON has a newline in it. */
static int write_lines(const char *text, size_t size, void *ctx)
{
	const unsigned int *depth = ctx;
	const char *newline;

	while ((newline = memchr(text, '\n', size))) {
		size_t line = newline + 1 - text;

		if (fwrite(text, 1, line, stdout) != line || printf("%*s", *depth, "") < 0)
			return -1;
		text += line;
		size -= line;
	}
	return fwrite(text, 1, size, stdout) == size ? 0 : -1;
}

static bool write_value(const json_t *value, unsigned int depth, size_t flags)
{
	return !json_dump_callback(value, write_lines, &depth,
				   flags | JSON_INDENT(1) | JSON_ENCODE_ANY);
}

static bool write_array(json_t *(*next)(void *ctx), void *ctx, size_t flags)
{
	json_t *element = next(ctx);
	bool ok = fputs(element ? "[\n  " : "[", stdout) >= 0, any = element;

	while (element) {
		ok = ok && write_value(element, 2, flags);
		json_decref(element);
		element = next(ctx);
		if (element)
			ok = ok && fputs(",\n  ", stdout) >= 0;
	}
	return ok && fputs(any ? "\n ]" : "]", stdout) >= 0;
}

bool kvs_json_stream(json_t *o, const char *key, json_t *(*next)(void *ctx), void *ctx,
		     size_t flags)
{
	const char *name, *before = "{\n ";
	bool ok = true;
	json_t *value;

	json_object_foreach(o, name, value) {
		ok = ok && printf("%s\"%s\": ", before, name) >= 0;
		ok = ok && (strcmp(name, key) ? write_value(value, 1, flags) :
						write_array(next, ctx, flags));
		before = ",\n ";
	}
	return ok && fputs("\n}\n", stdout) >= 0;
}

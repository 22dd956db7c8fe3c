// SPDX-License-Identifier: GPL-2.0-only
#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void put_quoted(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(out, "\\u%04x", *text);
		else
			putc(*text, out);
	}
	putc('"', out);
}

static void new_line(struct json *json)
{
	unsigned int i;

	putc('\n', json->out);
	for (i = 0; i < json->depth; i++)
		fputs("  ", json->out);
}

/* Comma, line and key, so that only the value is left to write. */
static void start_value(struct json *json, const char *key)
{
	if (json->depth) {
		if (json->filled[json->depth])
			putc(',', json->out);
		new_line(json);
	}
	json->filled[json->depth] = true;
	if (key) {
		put_quoted(json->out, key);
		fputs(": ", json->out);
	}
}

void json_begin(struct json *json, FILE *out)
{
	memset(json, 0, sizeof(*json));
	json->out = out;
}

void json_open(struct json *json, const char *key, char bracket)
{
	start_value(json, key);
	putc(bracket, json->out);
	json->depth++;
	json->filled[json->depth] = false;
	json->closer[json->depth] = bracket == '{' ? '}' : ']';
}

void json_close(struct json *json)
{
	bool filled = json->filled[json->depth];
	char closer = json->closer[json->depth];

	json->depth--;
	if (filled)
		new_line(json);
	putc(closer, json->out);
	if (!json->depth)
		putc('\n', json->out);
}

void json_u64(struct json *json, const char *key, uint64_t value)
{
	start_value(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	start_value(json, key);
	fputs(value ? "true" : "false", json->out);
}

void json_null(struct json *json, const char *key)
{
	start_value(json, key);
	fputs("null", json->out);
}

void json_string(struct json *json, const char *key, const char *value)
{
	start_value(json, key);
	put_quoted(json->out, value);
}

FILE *json_file(const char *path)
{
	FILE *out;

	if (!strcmp(path, "-"))
		return stdout;
	out = fopen(path, "we");
	if (!out)
		fprintf(stderr, "cannot write %s: %s\n", path, strerror(errno));
	return out;
}

int json_file_close(FILE *out, const char *path)
{
	bool failed = ferror(out);

	if (out == stdout)
		failed |= fflush(out) != 0;
	else
		failed |= fclose(out) != 0;
	if (failed)
		fprintf(stderr, "cannot write all of %s: %s\n", path,
			strerror(errno));
	return failed ? -1 : 0;
}

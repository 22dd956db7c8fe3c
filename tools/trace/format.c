// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parses the names and places of an event's fields.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/format.h"

#define MAX_LINE	512

/* "unsigned char foo[16]" is named foo. */
static bool name_of(char name[KVS_FORMAT_NAME], const char *declaration)
{
	const char *brackets = strstr(declaration, "[]");
	size_t end = strcspn(declaration, "[");
	size_t start;

	/* "__data_loc char[] foo" has its brackets before the name, "char foo[]" behind it. */
	if (brackets && brackets[2])
		end = strlen(declaration);
	while (end && isspace((unsigned char)declaration[end - 1]))
		end--;
	for (start = end; start; start--)
		if (!isalnum((unsigned char)declaration[start - 1]) &&
		    declaration[start - 1] != '_')
			break;
	if (start == end || end - start >= KVS_FORMAT_NAME)
		return false;
	memcpy(name, declaration + start, end - start);
	name[end - start] = '\0';
	return true;
}

/* Parse a line that describes a field; false if it makes no sense. */
static bool parse_field(struct kvs_format_field *field, const char *line)
{
	char declaration[MAX_LINE];
	int is_signed = 0;

	*field = (struct kvs_format_field){ 0 };
	if (sscanf(line, " field:%511[^;]; offset:%9u; size:%9u; signed:%9d;",
		   declaration, &field->offset, &field->size, &is_signed) < 3)
		return false;
	field->is_signed = is_signed;
	field->is_dynamic = !!strstr(declaration, "_loc ");
	return name_of(field->name, declaration);
}

static bool parse_line(struct kvs_format *f, const char *line)
{
	if (!strncmp(line, "name: ", 6))
		return sscanf(line, "name: %63[^\n]", f->name) == 1;
	if (!strncmp(line, "ID: ", 4))
		return sscanf(line, "ID: %9u", &f->id) == 1;
	if (!strstr(line, "field:") || f->nr == KVS_FORMAT_FIELDS)
		return true;
	return parse_field(&f->fields[f->nr++], line);
}

bool kvs_format_parse(struct kvs_format *f, const char *text, size_t size)
{
	const char *end = text + size;
	char line[MAX_LINE];

	memset(f, 0, sizeof(*f));
	while (text < end) {
		const char *newline = memchr(text, '\n', end - text);
		size_t length = (newline ? newline : end) - text;

		/* This line comes last, may be longer than MAX_LINE, and isn't needed. */
		if (length >= 9 && !memcmp(text, "print fmt", 9))
			break;
		if (length >= sizeof(line) || memchr(text, '\0', length))
			return false;
		memcpy(line, text, length);
		line[length] = '\0';
		if (!parse_line(f, line))
			return false;
		text += length + 1;
	}
	return f->name[0] && f->id && f->nr;
}

const struct kvs_format_field *kvs_format_find(const struct kvs_format *f,
					       const char *name)
{
	for (unsigned int i = 0; i < f->nr; i++)
		if (!strcmp(f->fields[i].name, name))
			return &f->fields[i];
	return NULL;
}

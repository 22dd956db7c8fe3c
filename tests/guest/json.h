/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes one JSON document to a stream; commas and indentation are its job. */
#ifndef GUEST_JSON_H
#define GUEST_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_MAX_DEPTH 16

struct json {
	FILE *out;
	unsigned int depth;
	bool filled[JSON_MAX_DEPTH];
	char closer[JSON_MAX_DEPTH];
};

/* @key is NULL inside an array and for the document itself. */
void json_begin(struct json *json, FILE *out);
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json);
void json_u64(struct json *json, const char *key, uint64_t value);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);
void json_string(struct json *json, const char *key, const char *value);

/* Opens @path for writing, "-" being stdout; NULL after a message. */
FILE *json_file(const char *path);

/* Flushes and closes; -1 after a message if not everything was written. */
int json_file_close(FILE *out, const char *path);

#endif

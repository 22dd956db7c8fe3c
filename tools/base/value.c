// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values as people write them.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/value.h"

static char *take_flag(const struct kvs_value *v, const char *text)
{
	if (!text || !strcmp(text, "true") || !strcmp(text, "yes"))
		*v->flag = true;
	else if (!strcmp(text, "false") || !strcmp(text, "no"))
		*v->flag = false;
	else
		return xasprintf("'%s' is neither true nor false", text);
	return NULL;
}

static char *take_text(const struct kvs_value *v, const char *text)
{
	if (!*text)
		return xstrdup("'' is empty");
	if (v->text) {
		*v->text = text;
	} else {
		free(*v->copy);
		*v->copy = xstrdup(text);
	}
	return NULL;
}

static char *take_number(const struct kvs_value *v, const char *text)
{
	if (kvs_parse_long(text, v->min, v->max ? v->max : LONG_MAX, v->number))
		return NULL;
	if (v->max)
		return xasprintf("'%s' is not a number from %ld to %ld", text, v->min, v->max);
	return xasprintf("'%s' is not a number from %ld on", text, v->min);
}

static char *take_seconds(const struct kvs_value *v, const char *text)
{
	double seconds;

	if (!kvs_parse_seconds(text, &seconds))
		return xasprintf("'%s' is not a number of seconds, nor a time such as 500ms", text);
	if (seconds >= v->least && seconds <= v->most) {
		*v->seconds = seconds;
		return NULL;
	}
	if (v->least <= KVS_SHORTEST)
		return xasprintf("'%s' is not a time %s 0 and up to %.0f seconds", text,
				 v->least > 0 ? "above" : "from", v->most);
	return xasprintf("'%s' is not a time from %g to %.0f seconds", text, v->least, v->most);
}

static char *take_when(const struct kvs_value *v, const char *text)
{
	struct kvs_value seconds = *v;
	double ignored;
	char *why;

	if (kvs_when_parse(text, v->when, &why))
		return why;
	if (!kvs_parse_seconds(text, &ignored))
		return xasprintf("'%s' is not a time: say seconds since the recording began (12.5, 500ms) or since the boot (boot:12.5), as trace-cmd prints it (@12.5), or a time of the wall clock (17:15:49)",
				 text);
	v->when->kind = KVS_WHEN_SINCE_BEGIN;
	seconds.seconds = &v->when->seconds;
	return take_seconds(&seconds, text);
}

static char *size_text(uint64_t bytes)
{
	static const char suffixes[] = "KMG";
	unsigned int suffix = 0;

	while (suffix < 3 && bytes && bytes % 1024 == 0) {
		bytes /= 1024;
		suffix++;
	}
	return xasprintf("%llu%.*s", (unsigned long long)bytes, suffix > 0,
			 suffix ? &suffixes[suffix - 1] : "");
}

static char *take_size(const struct kvs_value *v, const char *text)
{
	uint64_t bytes;
	char *most, *why;

	if (!kvs_parse_size(text, &bytes) || !bytes)
		return xasprintf("'%s' is not a size such as 512K or 4M", text);
	if (bytes > v->largest) {
		most = size_text(v->largest);
		why = xasprintf("'%s' is more than %s", text, most);
		free(most);
		return why;
	}
	*v->size = bytes;
	return NULL;
}

static char *take_vm(const struct kvs_value *v, const char *text)
{
	if (kvs_parse_vm(text, v->vm)) {
		/* It stays as long as the program runs, but @text may not. */
		if (v->vm->name)
			v->vm->name = xstrdup(v->vm->name);
		return NULL;
	}
	return xasprintf("'%s' is not a VM: say its name, the PID of its process, or PID.1 for the second VM of that process",
			 text);
}

static char *take_pid(const struct kvs_value *v, const char *text)
{
	if (kvs_parse_long(text, 1, INT_MAX, v->pid))
		return NULL;
	return xasprintf("'%s' is not the ID of a process or thread", text);
}

char *kvs_names_text(const char *const *names, const char *or)
{
	char *text = xstrdup(names[0]), *longer;

	for (size_t i = 1; names[i]; i++) {
		longer = names[i + 1] ? xasprintf("%s, %s", text, names[i]) :
					xasprintf("%s %s %s", text, or, names[i]);
		free(text);
		text = longer;
	}
	return text;
}

static char *take_name(const struct kvs_value *v, const char *text)
{
	char *all, *why;

	for (unsigned int i = 0; v->names[i]; i++) {
		if (strcmp(v->names[i], text))
			continue;
		if (v->choice)
			*v->choice = i;
		else
			*v->bits |= 1U << i;
		return NULL;
	}
	all = kvs_names_text(v->names, "or");
	why = xasprintf("'%s' is not %s", text, all);
	free(all);
	return why;
}

char *kvs_value_take(const struct kvs_value *v, const char *text)
{
	if (v->flag)
		return take_flag(v, text);
	if (v->text || v->copy)
		return take_text(v, text);
	if (v->number)
		return take_number(v, text);
	if (v->seconds)
		return take_seconds(v, text);
	if (v->when)
		return take_when(v, text);
	if (v->size)
		return take_size(v, text);
	if (v->pid)
		return take_pid(v, text);
	if (v->vm)
		return take_vm(v, text);
	if (v->choice || v->bits)
		return take_name(v, text);
	return v->take(v->to, text);
}

char *kvs_value_text(const struct kvs_value *v)
{
	if (v->text || v->copy) {
		const char *text = v->text ? *v->text : *v->copy;

		return text ? xstrdup(text) : NULL;
	}
	if (v->number)
		return xasprintf("%ld", *v->number);
	if (v->seconds)
		return xasprintf("%g", *v->seconds);
	if (v->size)
		return size_text(*v->size);
	if (v->choice)
		return xstrdup(v->names[*v->choice]);
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes as text; see bytes.h.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"

/*
 * How many bytes the character has that @s begins with; 0 if it isn't UTF-8.  A sequence
 * that is longer than needed, a surrogate, and what is above U+10FFFF are no characters.
 */
static size_t decode(const unsigned char *s, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = *s < 0x80 ? 1 : *s < 0xc0 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 :
			*s < 0xf8 ? 4 : 0;

	*code = length > 1 ? *s & (0x7f >> length) : *s;
	for (size_t i = 1; i < length; i++) {
		/* The NUL at the end ends this, too. */
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (s[i] & 0x3f);
	}
	if (!length || *code < least[length] || *code > 0x10ffff ||
	    (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return length;
}

static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

static char *escape(const char *bytes, bool backslash)
{
	const unsigned char *s = (const unsigned char *)bytes;
	char *text = xmalloc(4 * strlen(bytes) + 1), *to = text;

	while (*s) {
		uint32_t code;
		size_t length = decode(s, &code);
		bool plain = length && !is_control(code) &&
			     !(backslash && *s == '\\' && s[1] == 'x');

		for (length = length ? length : 1; length--; s++) {
			if (plain)
				*to++ = *s;
			else
				to += sprintf(to, "\\x%02x", *s);
		}
	}
	*to = '\0';
	return text;
}

char *kvs_bytes_text(const char *bytes)
{
	return escape(bytes, true);
}

json_t *kvs_bytes_json(const char *bytes)
{
	char *text = kvs_bytes_text(bytes);
	json_t *json = json_string(text);

	free(text);
	return json;
}

char *kvs_bytes_shown(const char *bytes)
{
	return escape(bytes, false);
}

void kvs_bytes_print(const char *bytes)
{
	char *text = kvs_bytes_shown(bytes);

	fputs(text, stdout);
	free(text);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory, small files, numbers and names.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

static void *checked(void *p)
{
	if (!p) {
		kvs_err("out of memory");
		exit(KVS_EXIT_FAILED);
	}
	return p;
}

void *xmalloc(size_t size)
{
	return checked(malloc(size ? size : 1));
}

void *xcalloc(size_t n, size_t size)
{
	return checked(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t size)
{
	return checked(realloc(p, size ? size : 1));
}

void *xgrow_to(void *array, unsigned int *nr, unsigned int index, size_t size)
{
	size_t used = *nr * size, wanted = (index + 1UL) * size;
	char *longer = xrealloc(array, wanted);

	memset(longer + used, 0, wanted - used);
	*nr = index + 1;
	return longer;
}

char *xstrdup(const char *s)
{
	return checked(strdup(s));
}

FILE *xopen_memstream(char **text, size_t *size)
{
	return checked(open_memstream(text, size));
}

char *xvasprintf(const char *fmt, va_list ap)
{
	char *s;

	return checked(vasprintf(&s, fmt, ap) < 0 ? NULL : s);
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	return s;
}

char *kvs_read_fd(int fd, size_t *size)
{
	size_t used = 0, room = 4096;
	int error;
	char *data;
	ssize_t n;

	if (fd < 0)
		return NULL;
	data = xmalloc(room);
	for (;;) {
		n = read(fd, data + used, room - used - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += n;
		if (room - used < 2)
			data = xrealloc(data, room *= 2);
	}
	error = errno;
	close(fd);
	if (n < 0) {
		free(data);
		errno = error;
		return NULL;
	}
	data[used] = '\0';
	if (size)
		*size = used;
	return data;
}

char *kvs_read_file(const char *path, size_t *size)
{
	return kvs_read_fd(open(path, O_RDONLY | O_CLOEXEC), size);
}

char *kvs_read_line(const char *path)
{
	size_t size;
	char *s = kvs_read_file(path, &size);

	if (!s)
		return NULL;
	while (size && isspace((unsigned char)s[size - 1]))
		s[--size] = '\0';
	return s;
}

bool kvs_same_file(const char *one, const char *other)
{
	struct stat a, b;

	return !stat(one, &a) && !stat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool kvs_is_the_recording(const char *recording, const char *to)
{
	if (!kvs_same_file(recording, to))
		return false;
	kvs_err("%s is the recording itself", to);
	return true;
}

int kvs_write_all(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		size -= n;
	}
	return 0;
}

bool kvs_parse_long(const char *s, long min, long max, long *value)
{
	char *end;

	/* strtol() alone would accept leading white space. */
	if (!isdigit((unsigned char)s[s[0] == '-']))
		return false;
	errno = 0;
	*value = strtol(s, &end, 10);
	return !errno && !*end && *value >= min && *value <= max;
}

bool kvs_parse_size(const char *s, uint64_t *bytes)
{
	static const char suffixes[] = "KMG";
	unsigned long long n;
	unsigned int shift = 0;
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	n = strtoull(s, &end, 10);
	if (errno)
		return false;
	if (*end) {
		const char *p = strchr(suffixes, toupper((unsigned char)*end));

		if (!p || end[1])
			return false;
		shift = 10 * (p - suffixes + 1);
	}
	if (n > ULLONG_MAX >> shift)
		return false;
	*bytes = n << shift;
	return true;
}

/* Parse the decimal number that @s begins with; @end is what follows it. */
static bool parse_decimal(const char *s, double *value, const char **end)
{
	size_t room = strspn(s, "0123456789.eE+-");
	char *stop;

	/* strtod() alone would accept white space, hexadecimal numbers and "inf". */
	if (!isdigit((unsigned char)s[s[0] == '.']))
		return false;
	errno = 0;
	*value = strtod(s, &stop);
	*end = stop;
	return !errno && stop <= s + room;
}

/* Parse a unit of time into nanoseconds: "ms" gives 1e6. */
static bool parse_unit(const char *s, double *ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "ns", 1 }, { "us", 1e3 }, { "µs", 1e3 }, { "ms", 1e6 }, { "s", 1e9 } };

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(s, units[i].name)) {
			*ns = units[i].ns;
			return true;
		}
	return false;
}

bool kvs_parse_time(const char *s, double *ns)
{
	const char *end;
	double unit;

	if (!parse_decimal(s, ns, &end) || !parse_unit(end, &unit))
		return false;
	*ns *= unit;
	return *ns <= 1e18;
}

bool kvs_parse_decimal(const char *s, double *value)
{
	const char *end;

	return parse_decimal(s, value, &end) && !*end;
}

bool kvs_parse_seconds(const char *s, double *seconds)
{
	if (kvs_parse_decimal(s, seconds))
		return *seconds <= 1e9;
	if (!kvs_parse_time(s, seconds))
		return false;
	*seconds /= 1e9;
	return true;
}

void kvs_copy_comm(char *to, const char *from, size_t size)
{
	size_t n = strnlen(from, size);

	memcpy(to, from, n);
	to[n] = '\0';
}

const char *kvs_policy_known(int policy)
{
	static const char *const names[] = {
		[SCHED_OTHER] = "SCHED_OTHER", [SCHED_FIFO] = "SCHED_FIFO",
		[SCHED_RR] = "SCHED_RR", [SCHED_BATCH] = "SCHED_BATCH",
		[SCHED_IDLE] = "SCHED_IDLE", [SCHED_DEADLINE] = "SCHED_DEADLINE",
		[SCHED_EXT] = "SCHED_EXT",
	};

	return policy >= 0 && (size_t)policy < ARRAY_SIZE(names) ? names[policy] : NULL;
}

const char *kvs_policy_name(int policy)
{
	static char unknown[32];
	const char *name = kvs_policy_known(policy);

	if (name)
		return name;
	snprintf(unknown, sizeof(unknown), "policy %d", policy);
	return unknown;
}

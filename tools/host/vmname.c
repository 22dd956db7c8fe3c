// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VM is called; see vmname.h.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "host/vmname.h"

/* The inode of the first PID namespace, which kernels never change (PROC_PID_INIT_INO) */
#define FIRST_PID_NAMESPACE	"pid:[4026531836]"

/*
 * QEMU's lists of options: a value ends at a comma, and two commas are one in it.
 * Returns how many bytes of @from that was.
 */
static size_t copy_value(char *to, const char *from)
{
	const char *p = from;

	while (*p && (*p != ',' || p[1] == ',')) {
		p += *p == ',';
		*to++ = *p++;
	}
	*to = '\0';
	return p - from;
}

/* The value of key guest; the first value is that one's, if it has no key. */
static char *guest_in(const char *options)
{
	char *value = xmalloc(strlen(options) + 1);
	const char *p = options;

	for (;;) {
		size_t length = strcspn(p, "=,");
		bool keyed = p[length] == '=';
		bool is_guest = keyed ? length == 5 && !strncmp(p, "guest", 5) : p == options;

		p += keyed ? length + 1 : 0;
		p += copy_value(value, p);
		if (is_guest)
			return value;
		if (!*p++)
			break;
	}
	free(value);
	return NULL;
}

char *kvs_vm_name_in(const char *cmdline, size_t size)
{
	bool named = false;

	for (size_t at = 0, length; at < size; at += length + 1) {
		const char *arg = cmdline + at;

		length = strnlen(arg, size - at);
		if (at + length == size)
			return NULL;	/* cut: its NUL is missing */
		if (named)
			return guest_in(arg);
		named = !strcmp(arg, "-name") || !strcmp(arg, "--name");
	}
	return NULL;
}

char *kvs_vm_name_of(pid_t pid)
{
	char *path = xasprintf("/proc/%d/cmdline", pid), *text, *name = NULL;
	size_t size;

	text = kvs_read_file(path, &size);
	free(path);
	if (text)
		name = kvs_vm_name_in(text, size);
	free(text);
	if (name && *name)
		return name;
	free(name);
	path = xasprintf("/proc/%d/comm", pid);
	name = kvs_read_line(path);
	free(path);
	return name;
}

bool kvs_pids_are_the_kernels(void)
{
	char link[64];
	ssize_t n = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);

	if (n < 0)
		return false;
	link[n] = '\0';
	return !strcmp(link, FIRST_PID_NAMESPACE);
}

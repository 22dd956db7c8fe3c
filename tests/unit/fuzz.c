// SPDX-License-Identifier: GPL-2.0-only
/*
 * Damaged recordings through the whole of `kvmsched report` and `compare`, built with ASan
 * and UBSan: whatever the file, it ends with a status.
 *
 * usage: fuzz SECONDS SEED FILE...
 *	  fuzz whole FILE...		as they are, each once in each way
 *
 * A failure is repeated by its seed: the file is kept as fuzz-SEED.dat in the
 * current folder until its run has ended.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/cmd.h"

/*
 * libtraceevent 1.7 leaks what it had when a format text turns out to be
 * nonsense.  And a claim of terabytes is to fail as malloc() does.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libtraceevent\nleak:libtracecmd\n";
}

static uint64_t state;

static uint32_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 16;
}

/* Most of what can be broken is in the header, so is half of the damage. */
static size_t some_place(size_t size)
{
	size_t header = size < 65536 ? size : 65536;

	return next_random() % (next_random() % 2 ? header : size);
}

static void damage(unsigned char *data, size_t *size)
{
	static const uint32_t odd[] = {
		0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x1000, 29, 30, 31, 0xffff,
	};
	static const uint64_t odd_longs[] = { 1ULL << 63, (1ULL << 63) - 1, 1ULL << 62, -1ULL };

	for (unsigned int n = 1 + next_random() % 8; n--; ) {
		size_t at = some_place(*size);
		size_t run = next_random() % 256;
		uint32_t value;
		uint64_t longer;

		switch (next_random() % 7) {
		case 0:
			*size = 1 + at;
			break;
		case 1:
			data[at] ^= 1 << next_random() % 8;
			break;
		case 2:
			data[at] = next_random();
			break;
		case 3:
			value = odd[next_random() % ARRAY_SIZE(odd)];
			memcpy(data + at, &value, at + 4 <= *size ? 4 : 1);
			break;
		case 4:
			memset(data + at, next_random(), at + run <= *size ? run : 1);
			break;
		case 5:
			for (size_t i = at; i < *size && i < at + run; i++)
				data[i] = next_random();
			break;
		case 6:
			longer = odd_longs[next_random() % ARRAY_SIZE(odd_longs)];
			memcpy(data + at, &longer, at + 8 <= *size ? 8 : 1);
			break;
		}
	}
}

static void write_file(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || kvs_write_all(fd, data, size)) {
		kvs_errno("%s", path);
		exit(KVS_EXIT_FAILED);
	}
	close(fd);
}

/* What the commands are given before the files */
static const struct {
	int (*command)(int argc, char **argv);
	const char *words[4];
} forms[] = {
	{ kvs_cmd_report, { "report", "--host" } },
	{ kvs_cmd_report, { "report", "--json" } },
	{ kvs_cmd_report, { "report", "worst", "--each", "--count=1000" } },
	{ kvs_cmd_report, { "report", "io", "--json" } },
	{ kvs_cmd_report, { "report", "--host", "--from=10ms", "--to=200ms" } },
	{ kvs_cmd_compare, { "compare" } },
};

/* @other: what it is compared with.  Returns a status, or does not return. */
static int run_form(unsigned int form, const char *other, const char *path)
{
	int argc = 0, status;
	char *argv[8];

	while (argc < 4 && forms[form].words[argc]) {
		argv[argc] = (char *)forms[form].words[argc];
		argc++;
	}
	if (forms[form].command == kvs_cmd_compare)
		argv[argc++] = (char *)other;
	argv[argc++] = (char *)path;
	argv[argc] = NULL;
	optind = 0;
	status = forms[form].command(argc, argv);
	return status == KVS_EXIT_OK || status == KVS_EXIT_FAILED ? 0 : status;
}

static void run(unsigned int seed, const char *file, const void *whole, size_t size)
{
	unsigned char *data = xmalloc(size);
	char *path = xasprintf("fuzz-%u.dat", seed);
	int status;

	state = 0x9e3779b97f4a7c15ULL * (seed + 1);
	memcpy(data, whole, size);
	damage(data, &size);
	write_file(path, data, size);
	/* A whole file is compared with the damaged one. */
	status = run_form(seed % ARRAY_SIZE(forms), file, path);
	if (status) {
		dprintf(STDERR_FILENO, "%s, seed %u: status %d\n", file, seed, status);
		abort();
	}
	unlink(path);
	free(path);
	free(data);
}

/* Each is compared with the one before it. */
static void run_whole(char **files, int nr)
{
	for (int i = 0; i < nr; i++) {
		for (unsigned int form = 0; form < ARRAY_SIZE(forms); form++) {
			int status = run_form(form, files[i ? i - 1 : nr - 1], files[i]);

			if (!status)
				continue;
			dprintf(STDERR_FILENO, "%s: status %d of `%s %s`\n", files[i], status,
				forms[form].words[0], forms[form].words[1] ?: "");
			abort();
		}
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: fuzz SECONDS SEED FILE...\n"
			"       fuzz whole FILE...\n");
	return KVS_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const bool whole_files = argc > 2 && !strcmp(argv[1], "whole");
	unsigned int seed, runs = 0;
	time_t end;
	int out;

	if (argc < 4 && !whole_files)
		return usage();
	/* The sanitizers write to file descriptor 2: it stays. */
	out = dup(STDOUT_FILENO);
	if (!freopen("/dev/null", "w", stdout))
		return KVS_EXIT_FAILED;
	stderr = stdout;
	if (whole_files) {
		run_whole(argv + 2, argc - 2);
		dprintf(out, "%d files\n", argc - 2);
		return KVS_EXIT_OK;
	}
	end = time(NULL) + atoi(argv[1]);
	seed = atoi(argv[2]);
	do {
		const char *file = argv[3 + runs % (argc - 3)];
		size_t size;
		char *whole = kvs_read_file(file, &size);

		if (!whole) {
			dprintf(out, "%s: can't be read\n", file);
			return KVS_EXIT_FAILED;
		}
		run(seed++, file, whole, size);
		free(whole);
		runs++;
	} while (time(NULL) < end);
	dprintf(out, "%u damaged files\n", runs);
	return KVS_EXIT_OK;
}

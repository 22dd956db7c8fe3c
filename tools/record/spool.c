// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of a recording while it is made; see spool.h for the plan.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "record/ours.h"
#include "record/spool.h"
#include "trace/dat.h"

/* What is moved at once: the reserve has to cover it, plus the header. */
#define PIECE		((size_t)1 << 20)
#define MAX_CPUS	8192	/* the kernel's own limit on x86 */
#define FILE_MODE	0600	/* names and times of everybody's processes */

struct kvs_spool {
	char *file;		/* the final file */
	char *dir;
	int dirfd;		/* locked while the recorder lives */
	unsigned int nr_cpus;
	size_t room;
	int *fds;
	uint64_t *sizes;	/* of the data, without the room */
};

static char *cpu_name(unsigned int cpu, char name[16])
{
	snprintf(name, 16, "cpu%u", cpu);
	return name;
}

static struct kvs_spool *spool_new(const char *file)
{
	struct kvs_spool *spool = xcalloc(1, sizeof(*spool));

	spool->file = xstrdup(file);
	spool->dir = xasprintf("%s.spool", file);
	spool->dirfd = -1;
	return spool;
}

static void spool_set_cpus(struct kvs_spool *spool, unsigned int nr_cpus)
{
	spool->nr_cpus = nr_cpus;
	spool->fds = xcalloc(nr_cpus, sizeof(*spool->fds));
	spool->sizes = xcalloc(nr_cpus, sizeof(*spool->sizes));
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)
		spool->fds[cpu] = -1;
}

void kvs_spool_free(struct kvs_spool *spool)
{
	if (!spool)
		return;
	for (unsigned int cpu = 0; cpu < spool->nr_cpus; cpu++)
		if (spool->fds[cpu] >= 0)
			close(spool->fds[cpu]);
	if (spool->dirfd >= 0)
		close(spool->dirfd);
	free(spool->sizes);
	free(spool->fds);
	free(spool->dir);
	free(spool->file);
	free(spool);
}

static void remove_files(const struct kvs_spool *spool)
{
	/* The layout goes last: without it, kvs_spool_recover() can't end what this began. */
	static const char *const names[] = {
		"reserve", "header.new", "header", "layout"
	};
	char name[16];

	for (unsigned int cpu = 0; cpu < spool->nr_cpus; cpu++)
		unlinkat(spool->dirfd, cpu_name(cpu, name), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(spool->dirfd, names[i], 0);
}

void kvs_spool_discard(struct kvs_spool *spool)
{
	remove_files(spool);
	if (rmdir(spool->dir))
		kvs_errno("can't remove %s", spool->dir);
}

static int open_file(const struct kvs_spool *spool, const char *name, int flags)
{
	return kvs_ours_file(spool->dirfd, spool->dir, name, flags, FILE_MODE);
}

/* Open and lock the directory; a locked one has a living recorder. */
static int open_dir(struct kvs_spool *spool)
{
	spool->dirfd = kvs_ours_dir(spool->dir);
	if (spool->dirfd < 0)
		return -1;
	if (flock(spool->dirfd, LOCK_EX | LOCK_NB)) {
		kvs_err("%s is being recorded by another kvmsched", spool->file);
		kvs_hint("write to another file with -o FILE");
		return -1;
	}
	return 0;
}

/* An earlier recording that was killed leaves its spool: keep one of them. */
static int set_aside(struct kvs_spool *spool)
{
	char *old = xasprintf("%s.old", spool->dir);
	struct kvs_spool *previous;

	if (open_dir(spool)) {
		free(old);
		return -1;
	}
	previous = spool_new(spool->file);
	free(previous->dir);
	previous->dir = old;
	previous->dirfd = kvs_ours_dir(old);
	if (previous->dirfd < 0 && errno != ENOENT) {
		kvs_spool_free(previous);
		return -1;
	}
	if (previous->dirfd >= 0) {
		spool_set_cpus(previous, MAX_CPUS);
		kvs_spool_discard(previous);
	}
	if (rename(spool->dir, old)) {
		kvs_errno("can't rename %s", spool->dir);
		kvs_spool_free(previous);
		return -1;
	}
	kvs_warn("an interrupted recording was here; it is kept as %s", old);
	kvs_spool_free(previous);
	close(spool->dirfd);
	spool->dirfd = -1;
	return 0;
}

static int make_dir(struct kvs_spool *spool)
{
	struct stat st;

	if (!stat(spool->file, &st) && !S_ISREG(st.st_mode)) {
		kvs_err("%s is not a regular file", spool->file);
		return -1;
	}
	if (!mkdir(spool->dir, 0700))
		return open_dir(spool);
	if (errno == EEXIST && !set_aside(spool) && !mkdir(spool->dir, 0700))
		return open_dir(spool);
	if (errno == EEXIST)
		return -1;
	kvs_errno("can't create %s", spool->dir);
	kvs_hint("choose a directory that you can write to with -o FILE");
	return -1;
}

static int write_file(struct kvs_spool *spool, const char *name, const void *data,
		      size_t size)
{
	int fd = open_file(spool, name, O_WRONLY | O_CREAT | O_TRUNC);

	if (fd < 0)
		return -1;
	if (kvs_write_all(fd, data, size)) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return close(fd);
}

/* Room for one piece and the header, given back before it is needed. */
static int make_reserve(struct kvs_spool *spool)
{
	int fd = open_file(spool, "reserve", O_RDWR | O_CREAT);

	if (fd < 0)
		return -1;
	errno = posix_fallocate(fd, 0, 2 * PIECE + spool->room);
	if (errno) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return close(fd);
}

static int open_cpus(struct kvs_spool *spool, int flags)
{
	char name[16];

	for (unsigned int cpu = 0; cpu < spool->nr_cpus; cpu++) {
		int fd = open_file(spool, cpu_name(cpu, name), O_RDWR | flags);

		if (fd < 0) {
			/* One that was moved away entirely is gone. */
			if (errno == ENOENT && !(flags & O_CREAT))
				continue;
			return -1;
		}
		spool->fds[cpu] = fd;
		if ((flags & O_CREAT) && ftruncate(fd, spool->room))
			return -1;
		if (lseek(fd, 0, SEEK_END) < 0)
			return -1;
	}
	return 0;
}

struct kvs_spool *kvs_spool_create(const char *file, unsigned int nr_cpus, size_t room)
{
	struct kvs_spool *spool = spool_new(file);
	char layout[64];

	spool->room = (room + KVS_PAGE_SIZE - 1) & ~(size_t)(KVS_PAGE_SIZE - 1);
	if (make_dir(spool)) {
		kvs_spool_free(spool);
		return NULL;
	}
	spool_set_cpus(spool, nr_cpus);
	snprintf(layout, sizeof(layout), "kvmsched spool 1: cpus %u room %zu\n",
		 nr_cpus, spool->room);
	if (write_file(spool, "layout", layout, strlen(layout)) ||
	    open_cpus(spool, O_CREAT | O_EXCL) || make_reserve(spool)) {
		kvs_errno("can't record to %s", spool->dir);
		kvs_spool_discard(spool);
		kvs_spool_free(spool);
		return NULL;
	}
	return spool;
}

int kvs_spool_save_header(struct kvs_spool *spool, const void *header, size_t size)
{
	/* Through another name: a killed write must not spoil the last one. */
	if (write_file(spool, "header.new", header, size) ||
	    renameat(spool->dirfd, "header.new", spool->dirfd, "header")) {
		kvs_errno("can't write %s/header", spool->dir);
		return -1;
	}
	return 0;
}

int kvs_spool_append(struct kvs_spool *spool, unsigned int cpu, const void *pages,
		     size_t size)
{
	int fd = spool->fds[cpu];
	off_t end;
	int error;

	if (!kvs_write_all(fd, pages, size)) {
		spool->sizes[cpu] += size;
		return 0;
	}
	error = errno;
	/* A part of it may be there: keep its whole pages. */
	end = lseek(fd, 0, SEEK_CUR);
	if (end >= (off_t)spool->room) {
		end &= ~(off_t)(KVS_PAGE_SIZE - 1);
		if (ftruncate(fd, end) || lseek(fd, end, SEEK_SET) < 0)
			kvs_errno("can't shorten %s/cpu%u", spool->dir, cpu);
		spool->sizes[cpu] = end - spool->room;
	}
	errno = error;
	kvs_errno("can't write to %s", spool->dir);
	errno = error;
	return -1;
}

uint64_t kvs_spool_bytes(const struct kvs_spool *spool)
{
	uint64_t bytes = 0;

	for (unsigned int cpu = 0; cpu < spool->nr_cpus; cpu++)
		bytes += spool->sizes[cpu];
	return bytes;
}

size_t kvs_spool_room(const struct kvs_spool *spool)
{
	return spool->room;
}

/* Who goes where: the largest stays, the others follow it in order. */
static void plan(const struct kvs_spool *spool, struct kvs_dat_cpu *table)
{
	unsigned int base = 0;
	uint64_t offset;

	for (unsigned int cpu = 1; cpu < spool->nr_cpus; cpu++)
		if (spool->sizes[cpu] > spool->sizes[base])
			base = cpu;
	offset = spool->room + spool->sizes[base];
	for (unsigned int cpu = 0; cpu < spool->nr_cpus; cpu++) {
		table[cpu].size = spool->sizes[cpu];
		table[cpu].offset = cpu == base ? spool->room : offset;
		if (cpu != base)
			offset += spool->sizes[cpu];
	}
}

/* For file systems without copy_file_range(2). */
static ssize_t copy_by_hand(int from, off_t from_pos, int to, off_t to_pos,
			    size_t size)
{
	char buf[65536];
	ssize_t n = pread(from, buf, size < sizeof(buf) ? size : sizeof(buf),
			  from_pos);

	return n <= 0 ? n : pwrite(to, buf, n, to_pos);
}

static int copy(int from, off_t from_pos, int to, off_t to_pos, size_t size)
{
	static bool by_hand;

	while (size) {
		off_t in = from_pos, out = to_pos;
		ssize_t n = by_hand ?
			copy_by_hand(from, in, to, out, size) :
			copy_file_range(from, &in, to, &out, size, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (!n)
			errno = EIO;
		if (n <= 0 && (by_hand || errno == ENOSPC || errno == EDQUOT))
			return -1;
		if (n <= 0) {
			by_hand = true;
			continue;
		}
		from_pos += n;
		to_pos += n;
		size -= n;
	}
	return 0;
}

/* Move what is still there of @cpu; it may have been begun before. */
static int move_cpu(struct kvs_spool *spool, unsigned int cpu, int base,
		    uint64_t offset)
{
	char name[16];

	while (spool->sizes[cpu]) {
		uint64_t rest = spool->sizes[cpu];
		uint64_t start = (rest - 1) / PIECE * PIECE;

		if (copy(spool->fds[cpu], spool->room + start, base,
			 offset + start, rest - start) ||
		    ftruncate(spool->fds[cpu], spool->room + start))
			return -1;
		spool->sizes[cpu] = start;
	}
	close(spool->fds[cpu]);
	spool->fds[cpu] = -1;
	return unlinkat(spool->dirfd, cpu_name(cpu, name), 0);
}

static int keep_old(const char *file)
{
	char *old = xasprintf("%s.old", file);
	int ret = rename(file, old);

	if (ret && errno == ENOENT)
		ret = 0;
	free(old);
	return ret;
}

/* The plan stands in the saved header: carry it out. */
static int assemble(struct kvs_spool *spool, const void *header, size_t size,
		    const struct kvs_dat_cpu *table)
{
	uint64_t end = spool->room;
	unsigned int base;
	char name[16];

	for (base = 0; base < spool->nr_cpus; base++)
		if (table[base].offset == spool->room)
			break;
	if (base == spool->nr_cpus) {
		kvs_err("%s/header is damaged", spool->dir);
		return -1;
	}
	if (spool->fds[base] < 0) {
		/* The result is in place: all that is left is to remove the spool. */
		kvs_spool_discard(spool);
		return 0;
	}
	for (unsigned int cpu = 0; cpu < spool->nr_cpus; cpu++) {
		end += table[cpu].size;
		if (cpu != base && spool->fds[cpu] >= 0 &&
		    move_cpu(spool, cpu, spool->fds[base], table[cpu].offset))
			goto fail;
	}
	if (lseek(spool->fds[base], 0, SEEK_SET) < 0 ||
	    kvs_write_all(spool->fds[base], header, size) ||
	    ftruncate(spool->fds[base], end) || keep_old(spool->file) ||
	    renameat(spool->dirfd, cpu_name(base, name), AT_FDCWD, spool->file))
		goto fail;
	kvs_spool_discard(spool);
	return 0;
fail:
	kvs_errno("can't put %s together", spool->file);
	kvs_hint("nothing is lost: make room, then `kvmsched record --recover -o %s`",
		 spool->file);
	return -1;
}

int kvs_spool_finish(struct kvs_spool *spool, void *header, size_t size)
{
	struct kvs_dat_cpu *table = kvs_dat_table(header, size, spool->nr_cpus);

	if (!table || size > spool->room) {
		kvs_err("a header of %zu bytes doesn't fit in %zu", size,
			spool->room);
		return -1;
	}
	plan(spool, table);
	unlinkat(spool->dirfd, "reserve", 0);
	if (kvs_spool_save_header(spool, header, size))
		return -1;
	return assemble(spool, header, size, table);
}

/* What kvs_spool_create() wrote down, for a spool whose maker is gone. */
static int read_layout(struct kvs_spool *spool)
{
	char *text = kvs_read_fd(open_file(spool, "layout", O_RDONLY), NULL);
	unsigned int nr_cpus;
	size_t room;
	bool ok;

	ok = text && sscanf(text, "kvmsched spool 1: cpus %u room %zu",
			    &nr_cpus, &room) == 2 &&
	     nr_cpus && nr_cpus <= MAX_CPUS && !(room % KVS_PAGE_SIZE);
	if (ok) {
		spool_set_cpus(spool, nr_cpus);
		spool->room = room;
	} else {
		kvs_err("%s/layout is missing or damaged", spool->dir);
	}
	free(text);
	return ok ? 0 : -1;
}

static int measure_cpus(struct kvs_spool *spool)
{
	for (unsigned int cpu = 0; cpu < spool->nr_cpus; cpu++) {
		struct stat st;

		if (spool->fds[cpu] < 0)
			continue;
		if (fstat(spool->fds[cpu], &st))
			return -1;
		if (st.st_size > (off_t)spool->room)
			spool->sizes[cpu] = (st.st_size - spool->room) &
					    ~(uint64_t)(KVS_PAGE_SIZE - 1);
	}
	return 0;
}

static bool has_cpus(const struct kvs_spool *spool)
{
	for (unsigned int cpu = 0; cpu < spool->nr_cpus; cpu++)
		if (spool->fds[cpu] >= 0)
			return true;
	return false;
}

static int recover(struct kvs_spool *spool)
{
	struct kvs_dat_cpu *table;
	char *header;
	uint64_t planned = 0;
	size_t size;
	int ret = -1;

	/* It was killed before its very last step. */
	if (!rmdir(spool->dir))
		return 0;
	if (read_layout(spool))
		return -1;
	if (open_cpus(spool, 0) || measure_cpus(spool)) {
		kvs_errno("can't read %s", spool->dir);
		return -1;
	}
	if (!has_cpus(spool)) {
		/* It was killed while it removed what was not needed any more. */
		kvs_spool_discard(spool);
		return 0;
	}
	header = kvs_read_fd(open_file(spool, "header", O_RDONLY), &size);
	table = header ? kvs_dat_table(header, size, spool->nr_cpus) : NULL;
	if (!table || size > spool->room) {
		kvs_err("%s/header is missing or damaged", spool->dir);
		goto out;
	}
	for (unsigned int cpu = 0; cpu < spool->nr_cpus; cpu++)
		planned |= table[cpu].offset;
	ret = planned ? assemble(spool, header, size, table) :
			kvs_spool_finish(spool, header, size);
out:
	free(header);
	return ret;
}

int kvs_spool_recover(const char *file)
{
	struct kvs_spool *spool = spool_new(file);
	int ret = open_dir(spool);

	if (ret && errno == ENOENT)
		kvs_err("there is no interrupted recording %s", spool->dir);
	if (!ret)
		ret = recover(spool);
	kvs_spool_free(spool);
	return ret;
}

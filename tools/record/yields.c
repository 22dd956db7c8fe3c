// SPDX-License-Identifier: GPL-2.0-only
/*
 * What KVM counted of directed yields between two looks; see yields.h.
 *
 * A VM that is gone took its counts along.  So nothing is told of its process, whose other
 * VMs alone would be taken for all.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "base/util.h"
#include "host/yields.h"
#include "record/yields.h"

static const struct kvs_vm_yields *find_vm(const struct kvs_vm_yields *vms, size_t nr,
					   const struct kvs_vm_yields *vm)
{
	for (size_t i = 0; i < nr; i++)
		if (vms[i].pid == vm->pid && vms[i].fd == vm->fd && vms[i].ino == vm->ino)
			return &vms[i];
	return NULL;
}

/* The sums of a process while its VMs are gone through */
struct sum {
	struct kvs_yields_row row;
	bool unknown;		/* one of them was gone, or counted backwards */
};

struct sums {
	struct sum *list;
	size_t nr;
};

static struct sum *sum_of(struct sums *s, pid_t process)
{
	for (size_t i = 0; i < s->nr; i++)
		if (s->list[i].row.pid == process)
			return &s->list[i];
	s->list = xrealloc(s->list, (s->nr + 1) * sizeof(*s->list));
	s->list[s->nr] = (struct sum){ .row = { .pid = process } };
	return &s->list[s->nr++];
}

/* Counts go back where somebody has written a 0 to the file, which resets them. */
static void add_vm(struct sums *s, pid_t process, const struct kvs_vm_yields *before,
		   const struct kvs_vm_yields *now)
{
	static const struct kvs_vm_yields none;
	struct sum *sum = sum_of(s, process);

	if (!before)
		before = &none;
	sum->unknown |= now->attempted < before->attempted || now->successful < before->successful;
	sum->row.vms++;
	sum->row.attempted += now->attempted - before->attempted;
	sum->row.successful += now->successful - before->successful;
}

static int most_first(const void *left, const void *right)
{
	const struct kvs_yields_row *a = left, *b = right;

	if (a->attempted != b->attempted)
		return a->attempted > b->attempted ? -1 : 1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

/* Of too many processes those are told that have the most to tell. */
static void keep_known(struct kvs_yields *y, const struct sums *s)
{
	y->rows = xcalloc(s->nr + 1, sizeof(*y->rows));
	for (size_t i = 0; i < s->nr; i++)
		if (!s->list[i].unknown)
			y->rows[y->nr++] = s->list[i].row;
	qsort(y->rows, y->nr, sizeof(*y->rows), most_first);
	if (y->nr > KVS_YIELDS_MAX)
		y->nr = KVS_YIELDS_MAX;
}

void kvs_yields_begin(struct kvs_yields *y, const char *folder)
{
	y->begin = kvs_vm_yields_read(folder, &y->nr_begin);
}

void kvs_yields_take(struct kvs_yields *y, const struct kvs_vm_yields *end, size_t nr)
{
	struct sums sums = { 0 };

	for (size_t i = 0; i < nr; i++) {
		const struct kvs_vm_yields *before = find_vm(y->begin, y->nr_begin, &end[i]);
		/* The thread that created it may have ended meanwhile, and its PID be another's. */
		pid_t process = before && before->process ? before->process : end[i].process;

		if (process)
			add_vm(&sums, process, before, &end[i]);
	}
	for (size_t i = 0; i < y->nr_begin; i++)
		if (y->begin[i].process && !find_vm(end, nr, &y->begin[i]))
			sum_of(&sums, y->begin[i].process)->unknown = true;
	keep_known(y, &sums);
	free(sums.list);
}

void kvs_yields_end(struct kvs_yields *y, const char *folder)
{
	struct kvs_vm_yields *end;
	size_t nr;

	if (!y->begin)
		return;
	end = kvs_vm_yields_read(folder, &nr);
	if (end)
		kvs_yields_take(y, end, nr);
	free(end);
}

void kvs_yields_free(struct kvs_yields *y)
{
	free(y->begin);
	free(y->rows);
}

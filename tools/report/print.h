/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Printers of a view, and the tables that they draw with.
 */
#ifndef KVMSCHED_PRINT_H
#define KVMSCHED_PRINT_H

#include <stdbool.h>

#include "base/kvmsched.h"
#include "report/view.h"

/* The whole report on standard output; @host: the host's processes, too. */
void kvs_print_text(const struct kvs_view *view, bool host);
/* host.c, its tables of the host */
void kvs_print_host_irqs(const struct kvs_view *view);
void kvs_print_host(const struct kvs_view *view);
/* False: it could not be written. */
bool kvs_print_json(const struct kvs_view *view);
/* Of each vCPU only these keys, and who it is; NULL ends them. */
bool kvs_print_json_keys(const struct kvs_view *view, const char *const *keys);
bool kvs_print_json_worst(const struct kvs_view *view);

/*
 * A table: columns by their headings, text to the left, numbers to the right.
 * Rows are filled cell by cell.
 */
struct libscols_table;

struct kvs_rows {
	struct libscols_table *table;
	struct libscols_line *line;
	unsigned int column;
};

/* Headings end with NULL; one that begins with '<' is a column of text. */
struct kvs_rows kvs_rows_begin(const char *const *headings);
void kvs_row(struct kvs_rows *rows);
#define HEADINGS(...)	((const char *const[]){ __VA_ARGS__, NULL })
void kvs_cell(struct kvs_rows *rows, const char *fmt, ...) __printf(2, 3);
void kvs_cell_count(struct kvs_rows *rows, uint64_t n);
/* Nanoseconds, shown as µs; @known false: a dash */
void kvs_cell_us(struct kvs_rows *rows, bool known, double ns);
/* @part of @whole in percent */
void kvs_cell_share(struct kvs_rows *rows, double part, double whole);
/* Prints the table and frees it. */
void kvs_rows_end(struct kvs_rows *rows);

/* ledger.c: states of each vCPU, and who took its CPU */
void kvs_print_ledger(const struct kvs_view *view);
void kvs_print_thieves(const struct kvs_view *view);
/* worst.c; a sentence is the caller's to free */
void kvs_print_worst(const struct kvs_view *view);
char *kvs_moment_sentence(const struct kvs_view *view, const struct kvs_moment *moment);
/* irqs.c: leg by leg */
void kvs_print_timers(const struct kvs_view *view);
void kvs_print_irqs(const struct kvs_view *view);
/* A line where hardware hides legs of the interrupts */
void kvs_note_apicv(const struct kvs_view *view);
/* The first four cells of each row about one vCPU */
void kvs_cells_vcpu(struct kvs_rows *rows, const struct kvs_vcpu *v);
/* False, after a line that says so: this class wasn't recorded. */
bool kvs_recorded(const struct kvs_view *view, u32 class, const char *what,
		  const char *option);

/* A line above a table; colours only on a terminal, and without NO_COLOR */
void kvs_title(const struct kvs_view *view, const char *fmt, ...) __printf(2, 3);
const char *kvs_bold(void);
const char *kvs_alarm(void);
const char *kvs_plain(void);

/* "4711", "4711.1" for the second VM of a process; "vm 3?" where unknown */
#define KVS_VM_LEN	24
const char *kvs_vm_name(char name[KVS_VM_LEN], const struct kvs_vcpu *v);

#endif /* KVMSCHED_PRINT_H */

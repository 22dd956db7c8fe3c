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
void ks_print_text(const struct ks_view *view, bool host);
/* host.c, its tables of the host */
void ks_print_host_irqs(const struct ks_view *view);
void ks_print_host(const struct ks_view *view);
/* False: it could not be written. */
bool ks_print_json(const struct ks_view *view);
/* Of each vCPU only these keys, and who it is; NULL ends them. */
bool ks_print_json_keys(const struct ks_view *view, const char *const *keys);
bool ks_print_json_worst(const struct ks_view *view);

/*
 * A table: columns by their headings, text to the left, numbers to the right.
 * Rows are filled cell by cell.
 */
struct libscols_table;

struct ks_rows {
	struct libscols_table *table;
	struct libscols_line *line;
	unsigned int column;
};

/* Headings end with NULL; one that begins with '<' is a column of text. */
struct ks_rows ks_rows_begin(const char *const *headings);
void ks_row(struct ks_rows *rows);
#define HEADINGS(...)	((const char *const[]){ __VA_ARGS__, NULL })
void ks_cell(struct ks_rows *rows, const char *fmt, ...) __printf(2, 3);
void ks_cell_count(struct ks_rows *rows, uint64_t n);
/* Nanoseconds, shown as µs; @known false: a dash */
void ks_cell_us(struct ks_rows *rows, bool known, double ns);
/* @part of @whole in percent */
void ks_cell_share(struct ks_rows *rows, double part, double whole);
/* Prints the table and frees it. */
void ks_rows_end(struct ks_rows *rows);

/* ledger.c: states of each vCPU, and who took its CPU */
void ks_print_ledger(const struct ks_view *view);
void ks_print_thieves(const struct ks_view *view);
/* worst.c; a sentence is the caller's to free */
void ks_print_worst(const struct ks_view *view);
char *ks_moment_sentence(const struct ks_view *view, const struct ks_moment *moment);
/* irqs.c: leg by leg */
void ks_print_timers(const struct ks_view *view);
void ks_print_irqs(const struct ks_view *view);
/* A line where hardware hides legs of the interrupts */
void ks_note_apicv(const struct ks_view *view);
/* The first four cells of each row about one vCPU */
void ks_cells_vcpu(struct ks_rows *rows, const struct ks_vcpu *v);
/* False, after a line that says so: this class wasn't recorded. */
bool ks_recorded(const struct ks_view *view, u32 class, const char *what,
		 const char *option);

/* A line above a table; colours only on a terminal, and without NO_COLOR */
void ks_title(const struct ks_view *view, const char *fmt, ...) __printf(2, 3);
const char *ks_bold(void);
const char *ks_alarm(void);
const char *ks_plain(void);

/* "4711", "4711.1" for the second VM of a process; "vm 3?" where unknown */
#define KS_VM_LEN	24
const char *ks_vm_name(char name[KS_VM_LEN], const struct ks_vcpu *v);

#endif /* KVMSCHED_PRINT_H */

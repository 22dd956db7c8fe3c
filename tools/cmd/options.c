// SPDX-License-Identifier: GPL-2.0-only
/*
 * Options: a table for getopt_long(), and messages where it gives none.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/options.h"

/*
 * What getopt_long() returns for the long form of row 0.  It is not the letter,
 * so that messages can name the form that was used.
 */
#define LONG_FORMS	256
#define HELP_WIDTH	80
#define MAX_COLUMN	26	/* where the texts of --help begin at most */

static const struct kvs_option help_row = {
	.letter = 'h', .name = "help", .help = "this text",
};

/* --- the tables of getopt --------------------------------------------- */

struct tables {
	size_t nr;			/* rows, the one of --help too */
	const struct kvs_option **rows;
	struct option *longs;
	char *letters;
};

static void tables_init(struct tables *t, const struct kvs_options *o)
{
	char *at;

	*t = (struct tables){ .nr = 1 };
	for (const struct kvs_option *row = o->rows; row->name; row++)
		t->nr++;
	t->rows = xcalloc(t->nr, sizeof(*t->rows));
	t->longs = xcalloc(t->nr + 1, sizeof(*t->longs));
	t->letters = xcalloc(2 * t->nr + 3, 1);
	at = t->letters;
	if (o->operands == KVS_OPERANDS_LAST)
		*at++ = '+';
	/* With ":" a missing argument returns ':', an unknown option '?'. */
	*at++ = ':';
	for (size_t i = 0; i < t->nr; i++) {
		const struct kvs_option *row = i + 1 < t->nr ? &o->rows[i] : &help_row;

		t->rows[i] = row;
		t->longs[i] = (struct option){
			.name = row->name, .val = LONG_FORMS + i,
			.has_arg = row->argument ? required_argument : no_argument,
		};
		if (row->letter)
			*at++ = row->letter;
		if (row->letter && row->argument)
			*at++ = ':';
	}
}

static void tables_free(struct tables *t)
{
	free(t->rows);
	free(t->longs);
	free(t->letters);
}

/* The row of what getopt_long() returned or left in optopt; NULL: of none. */
static const struct kvs_option *find_row(const struct tables *t, int c)
{
	if (c >= LONG_FORMS)
		return t->rows[c - LONG_FORMS];
	for (size_t i = 0; i < t->nr; i++)
		if (c && t->rows[i]->letter == c)
			return t->rows[i];
	return NULL;
}

/* --- messages --------------------------------------------------------- */

/* "'--output'" or "'-o'", whichever was used; on the heap */
static char *quote_option(const struct tables *t, int c)
{
	if (c >= LONG_FORMS)
		return xasprintf("'--%s'", t->rows[c - LONG_FORMS]->name);
	return xasprintf("'-%c'", c);
}

/* The long options that @word, without its dashes, abbreviates */
static char *list_matches(const struct tables *t, const char *word, size_t length,
			  unsigned int *nr)
{
	char *list = xstrdup(""), *longer;

	*nr = 0;
	for (size_t i = 0; i < t->nr; i++) {
		if (strncmp(t->rows[i]->name, word, length))
			continue;
		longer = xasprintf("%s%s--%s", list, (*nr)++ ? ", " : "", t->rows[i]->name);
		free(list);
		list = longer;
	}
	return list;
}

static int refuse_long(const struct kvs_options *o, const struct tables *t, const char *word)
{
	int length = strcspn(word, "=");
	unsigned int nr;
	char *matches = list_matches(t, word + 2, length - 2, &nr);

	if (nr > 1)
		kvs_usage(o->command, "option '%.*s' could be any of %s", length, word, matches);
	else
		kvs_usage(o->command, "unknown option '%.*s'", length, word);
	free(matches);
	return KVS_EXIT_USAGE;
}

/* What getopt_long() can't take; @word is the argument that it stands in. */
static int refuse(const struct kvs_options *o, const struct tables *t, int c,
		  const char *word)
{
	char *option;

	if (!optopt)
		return refuse_long(o, t, word);
	option = quote_option(t, optopt);
	if (c == ':')
		kvs_usage(o->command, "option %s needs an argument", option);
	else if (optopt >= LONG_FORMS)
		kvs_usage(o->command, "option %s takes no argument", option);
	else
		kvs_usage(o->command, "unknown option %s", option);
	free(option);
	return KVS_EXIT_USAGE;
}

static int refuse_value(const struct kvs_options *o, const struct tables *t, int c, char *why)
{
	char *option = quote_option(t, c);

	if (*why)
		kvs_usage(o->command, "option %s: %s", option, why);
	free(option);
	free(why);
	return KVS_EXIT_USAGE;
}

int kvs_options_too_many(const struct kvs_options *o, const char *operand)
{
	return kvs_usage(o->command, "'%s' is one argument too many", operand);
}

/* --- help ------------------------------------------------------------- */

/* Words of @text from column @column on, which the cursor has reached. */
static void print_words(const char *text, size_t column, size_t cursor)
{
	bool first = true;

	while (*text) {
		size_t length = strcspn(text, " ");

		if (!first && cursor + 1 + length > HELP_WIDTH) {
			printf("\n%*s", (int)column, "");
			cursor = column;
		} else if (!first) {
			putchar(' ');
			cursor++;
		}
		printf("%.*s", (int)length, text);
		cursor += length;
		text += length;
		text += strspn(text, " ");
		first = false;
	}
	putchar('\n');
}

/* "  -o, --output=FILE", but "--knob NAME=VALUE"; on the heap */
static char *describe_forms(const struct kvs_option *row)
{
	const char *argument = row->argument ? row->argument : "", *between = "=";
	char letter[8] = "    ";

	if (row->letter)
		snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	if (!row->argument)
		between = "";
	else if (strchr(argument, '='))
		between = " ";
	return xasprintf("  %s--%s%s%s", letter, row->name, between, argument);
}

static char *describe_effect(const struct kvs_option *row)
{
	char *value = row->show_default ? kvs_value_text(&row->value) : NULL;
	char *text = value ? xasprintf("%s (default %s)", row->help, value) :
			     xstrdup(row->help);

	free(value);
	return text;
}

/* Where the texts begin: right of the longest form that leaves room for them */
static size_t find_column(const struct tables *t)
{
	size_t column = 0;

	for (size_t i = 0; i < t->nr; i++) {
		char *forms = describe_forms(t->rows[i]);
		size_t width = strlen(forms) + 2;

		if (width <= MAX_COLUMN && width > column)
			column = width;
		free(forms);
	}
	return column;
}

void kvs_options_line(const char *name, size_t column, const char *text)
{
	size_t width = printf("  %-*s", (int)column - 2, name);

	if (width > column)
		width += printf(" ");
	print_words(text, column, width);
}

void kvs_options_times(void)
{
	printf("\nTimes of a recording:\n");
	for (const struct kvs_when_form *form = kvs_when_forms; form->name; form++)
		kvs_options_line(form->name, MAX_COLUMN, form->what);
}

static void print_help(const struct kvs_options *o, const struct tables *t)
{
	size_t column = find_column(t);

	printf("%s\n", o->about);
	for (size_t i = 0; i < t->nr; i++) {
		const struct kvs_option *row = t->rows[i];
		char *forms = describe_forms(row), *effect = describe_effect(row);
		int width = strlen(forms) + 2;

		if (row->heading)
			printf("%s\n", row->heading);
		if (width < (int)column)
			width = column;
		printf("%-*s", width, forms);
		if (width > (int)column && strlen(effect) + width > HELP_WIDTH) {
			printf("\n%*s", (int)column, "");
			width = column;
		}
		print_words(effect, column, width);
		free(forms);
		free(effect);
	}
	if (o->print_more)
		o->print_more();
}

/* --- parsing ---------------------------------------------------------- */

/* Where the command behind "--" begins, or @argc */
static int find_dashes(const struct kvs_options *o, int argc, char **argv)
{
	for (int i = 1; i < argc && o->operands == KVS_OPERANDS_COMMAND; i++)
		if (!strcmp(argv[i], "--"))
			return i;
	return argc;
}

bool kvs_options_check(const struct kvs_options *o, int argc, char **argv,
		       struct kvs_arguments *args)
{
	int end = find_dashes(o, argc, argv), c;
	bool ok = true;
	struct tables t;

	tables_init(&t, o);
	*args = (struct kvs_arguments){
		.argc = end, .argv = argv,
		.command = end + 1 < argc ? argv + end + 1 : NULL,
	};
	opterr = 0;
	optind = 0;	/* 0, not 1: glibc forgets earlier calls */
	while (ok && (c = getopt_long(end, argv, t.letters, t.longs, NULL)) != -1) {
		if (c == '?' || c == ':') {
			args->status = refuse(o, &t, c, argv[optind - 1]);
			ok = false;
		} else if (find_row(&t, c) == &help_row) {
			print_help(o, &t);
			ok = false;
		}
	}
	/* getopt_long() has moved the operands behind the options. */
	args->operands = argv + optind;
	args->nr = end - optind;
	tables_free(&t);
	return ok;
}

bool kvs_options_take(const struct kvs_options *o, struct kvs_arguments *args)
{
	struct tables t;
	bool ok = true;
	int c;

	tables_init(&t, o);
	optind = 0;
	while (ok && (c = getopt_long(args->argc, args->argv, t.letters, t.longs, NULL)) != -1) {
		const struct kvs_option *row = find_row(&t, c);
		char *why = kvs_value_take(&row->value, optarg);

		if (row->given)
			*row->given = true;
		if (why) {
			args->status = refuse_value(o, &t, c, why);
			ok = false;
		}
	}
	tables_free(&t);
	return ok;
}

bool kvs_options_parse(const struct kvs_options *o, int argc, char **argv,
		       struct kvs_arguments *args)
{
	return kvs_options_check(o, argc, argv, args) && kvs_options_take(o, args);
}

char *kvs_options_command(int argc, char **argv)
{
	char *text;
	size_t size;
	FILE *f = xopen_memstream(&text, &size);

	fputs("kvmsched", f);
	for (int i = 0; i < argc; i++) {
		bool plain = *argv[i] && !argv[i][strspn(argv[i],
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=.,/:+@%")];

		fputs(plain ? " " : " '", f);
		for (const char *c = argv[i]; *c; c++) {
			if (*c == '\'')
				fputs("'\\''", f);
			else
				putc(*c, f);
		}
		fputs(plain ? "" : "'", f);
	}
	fclose(f);
	return text;
}

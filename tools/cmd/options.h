/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The options of a command.  Each is one row of a table, of which the parser,
 * by getopt_long(), and the --help text are made.  -h and --help need no row.
 *
 * Whatever is wrong is answered alike by all commands: one line that names
 * command, option and argument, one that says where to read more, and status 2.
 */
#ifndef KVMSCHED_OPTIONS_H
#define KVMSCHED_OPTIONS_H

#include <stdbool.h>

#include "base/value.h"

struct kvs_option {
	char letter;		/* its short form; 0: none */
	const char *name;
	const char *argument;	/* what --help calls its argument; NULL: takes none */
	const char *help;	/* any length: --help breaks it into lines */
	struct kvs_value value;
	bool *given;		/* set when the option is there; or NULL */
	bool show_default;	/* --help adds the value that it has without the option */
	const char *heading;	/* a line of --help above it */
};

/* A row; what follows are its other members, @value at least. */
#define KVS_OPTION(_letter, _name, _argument, _help, ...)			\
	{ .letter = (_letter), .name = (_name), .argument = (_argument),	\
	  .help = (_help), __VA_ARGS__ }

enum kvs_operands {
	KVS_OPERANDS_ANYWHERE,	/* between the options, too */
	KVS_OPERANDS_LAST,	/* the first ends the options: a command's own follow */
	KVS_OPERANDS_COMMAND,	/* anywhere, and a command behind "--" */
};

struct kvs_options {
	const char *command;	/* "record" */
	const char *about;	/* --help above the options: usage, what it does */
	void (*print_more)(void);	/* --help below the options; or NULL */
	enum kvs_operands operands;
	const struct kvs_option *rows;	/* a row without a name ends them */
};

struct kvs_arguments {
	char **operands;	/* what is no option */
	int nr;
	char **command;		/* behind "--", NULL at its end; NULL: none */
	int status;		/* to end with */
	int argc;		/* options and operands, sorted */
	char **argv;
};

/*
 * Looks for options that don't exist or lack their argument, and for --help,
 * and finds the operands.  Takes no value yet.  False: end with @args->status,
 * all is said.
 */
bool kvs_options_check(const struct kvs_options *options, int argc, char **argv,
		       struct kvs_arguments *args);
/* Takes the values, after a check.  False: end with @args->status. */
bool kvs_options_take(const struct kvs_options *options, struct kvs_arguments *args);
/* Both */
bool kvs_options_parse(const struct kvs_options *options, int argc, char **argv,
		       struct kvs_arguments *args);

/* For print_more(): a line of --help, with @text from @column on. */
void kvs_options_line(const char *name, size_t column, const char *text);

/* For print_more(): the ways to write a TIME of a recording */
void kvs_options_times(void);

/*
 * The command line of a command, which begins with its name; all but plain text is quoted,
 * as a shell takes it.  The caller frees it.
 */
char *kvs_options_command(int argc, char **argv);

/* "'x' is one argument too many"; returns KVS_EXIT_USAGE. */
int kvs_options_too_many(const struct kvs_options *options, const char *operand);

#endif /* KVMSCHED_OPTIONS_H */

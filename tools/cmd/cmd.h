/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands, as rows of the table in kvmsched.c.
 */
#ifndef KVMSCHED_CMD_H
#define KVMSCHED_CMD_H

#define KVS_DEFAULT_FILE	"kvmsched.dat"	/* record writes it, report reads it */
/* The longest recording, and so the latest time within one: as good as no limit */
#define KVS_RECORD_MAX_SECONDS	(366 * 24 * 3600.0)

/*
 * A row of the command table in kvmsched.c.  @main gets argv[0] = @name and
 * returns an exit status.
 */
struct kvs_command {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *what;	/* one line for `kvmsched help` */
};

int kvs_cmd_record(int argc, char **argv);
int kvs_cmd_report(int argc, char **argv);
int kvs_cmd_export(int argc, char **argv);
int kvs_cmd_top(int argc, char **argv);
int kvs_cmd_info(int argc, char **argv);
int kvs_cmd_policy(int argc, char **argv);
int kvs_cmd_experiment(int argc, char **argv);
int kvs_cmd_compare(int argc, char **argv);
int kvs_cmd_merge(int argc, char **argv);

#endif /* KVMSCHED_CMD_H */

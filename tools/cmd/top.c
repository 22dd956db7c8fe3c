// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched top: what vCPUs do now, from the kernel's ledgers alone.
 */
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/bytes.h"
#include "base/lines.h"
#include "base/log.h"
#include "base/rows.h"
#include "base/table.h"
#include "base/util.h"
#include "base/vm.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "host/device.h"
#include "host/vmname.h"
#include "model/ledger.h"
#include "model/top.h"
#include "report/json-task.h"
#include "uapi/records.h"

#define SORT_KEYS	"vm, guest, exit, user, halted, wait, exits, waits or worst"

struct options {
	double seconds;
	bool once, json, by_vm;
	enum kvs_top_sort sort;
};

/* All ledgers at one time */
struct reading {
	struct kvs_top_sample *samples;
	size_t nr, room;
	unsigned int busy;	/* ledgers that changed too fast to be read */
};

static volatile sig_atomic_t stopped;

static const char about[] =
	"usage: kvmsched top [OPTIONS]\n\n"
	"Show what each vCPU spends its time on, now. Reads the ledgers that the\n"
	"kernel module keeps while somebody looks; nothing is recorded, and it works\n"
	"beside a recording and other readers.\n";

static char *take_sort(void *to, const char *text)
{
	if (kvs_top_sort_parse(text, to))
		return NULL;
	return xasprintf("'%s' is not " SORT_KEYS, text);
}

static bool parse(int argc, char **argv, struct options *o, struct kvs_arguments *args)
{
	static const char *const whom[] = { "vcpu", "vm", NULL };
	unsigned int by = 0;
	const struct kvs_option rows[] = {
		KVS_OPTION('d', "delay", "SECONDS", "between readings",
			   .value = { .seconds = &o->seconds, .least = 0.01, .most = 86400 },
			   .show_default = true),
		KVS_OPTION(0, "once", NULL, "one interval, then end",
			   .value = { .flag = &o->once }),
		KVS_OPTION(0, "json", NULL, "JSON, an object for each interval",
			   .value = { .flag = &o->json }),
		KVS_OPTION(0, "by", "vm|vcpu", "a line for each VM or each vCPU",
			   .value = { .choice = &by, .names = whom }, .show_default = true),
		KVS_OPTION(0, "sort", "KEY", SORT_KEYS " (default vm)",
			   .value = { .take = take_sort, .to = &o->sort }),
		{ }
	};
	const struct kvs_options options = { .command = "top", .about = about, .rows = rows };

	*o = (struct options){ .seconds = 1 };
	if (!kvs_options_parse(&options, argc, argv, args))
		return false;
	o->by_vm = by == 1;
	if (args->nr)
		args->status = kvs_options_too_many(&options, args->operands[0]);
	return !args->nr;
}

static void stop(int sig)
{
	stopped = 1;
}

static bool read_ledgers(int fd, struct reading *r)
{
	struct kvmsched_ledger ledger;

	r->nr = r->busy = 0;
	for (uint32_t index = 0;; index++) {
		memset(&ledger, 0, sizeof(ledger));
		ledger.index = index;
		if (!ioctl(fd, KVMSCHED_IOC_LEDGER, &ledger)) {
			if (r->nr == r->room) {
				r->room = r->room ? 2 * r->room : 64;
				r->samples = xrealloc(r->samples, r->room * sizeof(*r->samples));
			}
			kvs_top_sample_of(&r->samples[r->nr++], &ledger);
		} else if (errno == ENOENT || errno == ENODATA) {
			return true;	/* no more, or the machine goes to sleep */
		} else if (errno == EAGAIN) {
			r->busy++;
		} else if (errno != EINTR) {
			kvs_errno("can't read a ledger");
			return false;
		} else {
			index--;
		}
	}
}

static double ns(uint32_t tsc_khz, uint64_t cycles)
{
	return tsc_khz ? (double)cycles * 1e6 / tsc_khz : 0;
}

static double per_second(uint32_t tsc_khz, const struct kvs_top_row *row, uint64_t count)
{
	double span = ns(tsc_khz, row->longest) / 1e9;

	return span > 0 ? count / span : 0;
}

/* What the processes in @table are called.  Each is asked once. */
static struct kvs_table name_vms(const struct kvs_top_row *table, size_t nr)
{
	struct kvs_table names = { 0 };

	for (size_t i = 0; i < nr; i++) {
		char *name;

		if (!table[i].tgid || kvs_table_get(&names, table[i].tgid))
			continue;
		name = kvs_vm_name_of(table[i].tgid);
		if (name)
			kvs_table_put(&names, table[i].tgid, name);
	}
	return names;
}

static void free_names(struct kvs_table *names)
{
	for (size_t i = 0; i < names->room; i++)
		free(names->slots[i].value);
	kvs_table_free(names);
}

static void print_row(struct kvs_rows *rows, const struct options *o, uint32_t khz,
		      const struct kvs_top_row *row, const struct kvs_table *names)
{
	struct kvs_split split = { .whole = row->span };
	char vm[KVS_VM_LEN];

	kvs_row(rows);
	if (row->tgid)
		kvs_cell(rows, "%s", kvs_vm_label(vm, kvs_table_get(names, row->tgid),
						  row->tgid, 0));
	else
		kvs_cell(rows, "-");	/* a process of another PID namespace */
	kvs_cell(rows, "%u", row->vm);
	if (o->by_vm) {
		kvs_cell(rows, "%u", row->vcpus);
	} else {
		kvs_cell(rows, "%u", row->vcpu);
		kvs_cell(rows, "%d", row->tid);
		kvs_cell(rows, "%s", kvs_ledger_state_name(row->state) ?: "?");
	}
	for (unsigned int i = KVMSCHED_STATE_GUEST; i < KVMSCHED_NR_STATES; i++)
		kvs_cell_share_part(rows, &split, row->states[i]);
	kvs_cell_share_part(rows, &split, row->states[KVMSCHED_STATE_UNKNOWN]);
	kvs_cell(rows, "%.0f", per_second(khz, row, row->exits));
	kvs_cell(rows, "%.0f", per_second(khz, row, row->waits));
	kvs_cell_us(rows, khz, ns(khz, row->wait_max));
}

/* As long as it idles, such a vCPU has not left guest mode. */
static void note_idle(const struct kvs_top_row *table, size_t nr)
{
	unsigned int idle = 0;

	for (size_t i = 0; i < nr; i++)
		idle += !!(table[i].features & (KS_FEATURE_NO_HLT | KS_FEATURE_NO_MWAIT));
	if (idle)
		kvs_say(0, "Guest includes idle in %u of %zu rows: HLT or MWAIT doesn't exit there",
			idle, nr);
}

static void print_table(const struct options *o, uint32_t khz,
			const struct kvs_top_row *table, size_t nr, unsigned int busy)
{
	struct kvs_table names = name_vms(table, nr);
	struct kvs_rows rows;

	if (isatty(STDOUT_FILENO) && !o->once)
		printf("\033[H\033[J");
	if (!nr)
		printf("no vCPU has run since %s\n", o->once ? "the reading began" : "the last reading");
	if (o->by_vm)
		rows = kvs_rows_begin(KVS_HEADINGS("<PID", "=VM", "vCPUs", "Guest", "Exit", "User",
						   "Poll", "|Halted", "Blocked", "Preempted",
						   "Woken", "Unknown", "|Exits/s", "Waits/s",
						   "Worst wait µs"));
	else
		rows = kvs_rows_begin(KVS_HEADINGS("<PID", "=VM", "=vCPU", "TID", "<Now", "Guest",
						   "Exit", "User", "Poll", "|Halted", "Blocked",
						   "Preempted", "Woken", "Unknown", "|Exits/s",
						   "Waits/s", "Worst wait µs"));
	for (size_t i = 0; i < nr; i++)
		print_row(&rows, o, khz, &table[i], &names);
	kvs_rows_end(&rows);
	free_names(&names);
	note_idle(table, nr);
	if (busy)
		printf("%u more changed too fast to be read\n", busy);
}

static json_t *json_row(const struct options *o, uint32_t khz, const struct kvs_top_row *row,
			const struct kvs_table *names)
{
	const char *name = kvs_table_get(names, row->tgid);
	json_t *states = json_object(), *r;

	for (unsigned int i = 0; i < KVMSCHED_NR_STATES; i++)
		json_object_set_new(states, kvs_ledger_state_name(i),
				    json_integer(ns(khz, row->states[i])));
	r = json_pack("{so so si sI so sI sI sf sf sI so}",
		"vm", row->tgid ? json_integer(row->tgid) : json_null(),
		"vm_name", name ? kvs_bytes_json(name) : json_null(), "vm_number", row->vm,
		"wall_ns", (json_int_t)ns(khz, row->span), "states_ns", states,
		"exits", (json_int_t)row->exits, "waits", (json_int_t)row->waits,
		"exits_per_s", per_second(khz, row, row->exits),
		"waits_per_s", per_second(khz, row, row->waits),
		"wait_max_ns", (json_int_t)ns(khz, row->wait_max),
		"exits_off", kvs_json_exits_off(row->features));
	if (o->by_vm) {
		json_object_set_new(r, "vcpus", json_integer(row->vcpus));
	} else {
		json_object_set_new(r, "vcpu", json_integer(row->vcpu));
		json_object_set_new(r, "tid", json_integer(row->tid));
		json_object_set_new(r, "state", json_string(kvs_ledger_state_name(row->state) ?: "?"));
	}
	return r;
}

static void print_json(const struct options *o, uint32_t khz,
		       const struct kvs_top_row *table, size_t nr, unsigned int busy)
{
	struct kvs_table names = name_vms(table, nr);
	json_t *top, *rows = json_array();

	for (size_t i = 0; i < nr; i++)
		json_array_append_new(rows, json_row(o, khz, &table[i], &names));
	free_names(&names);
	top = json_pack("{so si}", o->by_vm ? "vms" : "vcpus", rows, "unread", busy);
	json_dumpf(top, stdout, o->once ? JSON_INDENT(1) : JSON_COMPACT);
	putchar('\n');
	json_decref(top);
}

/* False after a message: standard output is closed. */
static bool show(const struct options *o, uint32_t khz, const struct reading *before,
		 const struct reading *after)
{
	struct kvs_top_row *rows = xcalloc(after->nr + 1, sizeof(*rows));
	size_t nr = kvs_top_rows(rows, before->samples, before->nr, after->samples,
				 after->nr, o->by_vm);

	kvs_top_sort(rows, nr, o->sort);
	if (o->json)
		print_json(o, khz, rows, nr, after->busy);
	else
		print_table(o, khz, rows, nr, after->busy);
	free(rows);
	return kvs_flush("the table");
}

static int watch(const struct options *o, int fd, uint32_t khz)
{
	struct timespec delay = {
		.tv_sec = o->seconds,
		.tv_nsec = (o->seconds - (time_t)o->seconds) * 1e9,
	};
	struct reading readings[2] = { 0 };
	int status = KVS_EXIT_FAILED;

	if (!read_ledgers(fd, &readings[0]))
		return status;
	for (unsigned int i = 1;; i ^= 1) {
		nanosleep(&delay, NULL);
		if (stopped && !o->once)
			break;
		if (!read_ledgers(fd, &readings[i]) ||
		    !show(o, khz, &readings[i ^ 1], &readings[i]))
			goto out;
		if (o->once || stopped)
			break;
	}
	status = KVS_EXIT_OK;
out:
	free(readings[0].samples);
	free(readings[1].samples);
	return status;
}

static int top(const struct options *o)
{
	struct sigaction action = { .sa_handler = stop };
	struct kvmsched_info info;
	int fd = kvs_device_open(false), status = KVS_EXIT_FAILED;

	if (fd < 0)
		return status;
	if (kvs_device_info(fd, &info))
		goto out;
	if (ioctl(fd, KVMSCHED_IOC_FOLLOW)) {
		kvs_errno("the module can't follow the vCPUs");
		if (errno == ENOMEM)
			kvs_hint("load it with a smaller max_vcpus: each takes 18 KiB here");
		goto out;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	status = watch(o, fd, info.tsc_khz);
out:
	close(fd);
	return status;
}

int kvs_cmd_top(int argc, char **argv)
{
	struct kvs_arguments args;
	struct options o;

	setlocale(LC_CTYPE, "");
	return parse(argc, argv, &o, &args) ? top(&o) : args.status;
}

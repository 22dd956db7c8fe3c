// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched merge: recordings of a host and of its guests on one time line.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/guestfile.h"
#include "cmd/guests.h"
#include "cmd/options.h"
#include "merge/merge.h"

static const char about[] =
	"usage: kvmsched merge HOST.dat [VM=]GUEST.dat ... -o FOLDER [OPTIONS]\n\n"
	"Put what guests traced themselves on the time line of the host's recording, by\n"
	"the TSC offset that KVM gave each vCPU, and prove it: every event of a guest\n"
	"must lie in guest mode.  FOLDER gets a trace.dat for the host and one for each\n"
	"guest, which trace-cmd and KernelShark show in one order.\n";

struct options {
	struct kvs_merged merged;
	struct kvs_when from, to;
	bool windowed;		/* --from or --to is there */
	bool json;
};

static bool take_guest(struct kvs_joined *g, char *operand)
{
	char *wrong = kvs_take_guest(g, operand);

	if (wrong)
		kvs_usage("merge", "%s", wrong);
	free(wrong);
	return !wrong;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && !strcmp(text + length - tail, end);
}

/* Which guest's CPUs are told */
static bool check_told(const struct kvs_merged *m)
{
	for (size_t i = 0; i < m->told.nr && m->nr_guests > 1; i++) {
		if (!kvs_vm_is_any(&m->told.cpus[i].vm))
			continue;
		kvs_usage("merge", "option '--cpu': of which guest? Say VM:%ld=%ld",
			  m->told.cpus[i].cpu, m->told.cpus[i].vcpu);
		return false;
	}
	return true;
}

static bool check(struct kvs_merged *m, const struct kvs_arguments *args)
{
	if (args->nr < 2) {
		kvs_usage("merge", "which recordings? The host's, and at least one of a guest");
		return false;
	}
	if (!m->folder) {
		kvs_usage("merge", "option '--output' is missing: which folder gets the result?");
		return false;
	}
	if (ends_with(m->folder, ".dat")) {
		kvs_err("%s would be a file", m->folder);
		kvs_hint(KVS_FOLDER_HINT);
		return false;
	}
	m->host_path = args->operands[0];
	m->nr_guests = args->nr - 1;
	m->guests = xcalloc(m->nr_guests, sizeof(*m->guests));
	for (size_t i = 0; i < m->nr_guests; i++)
		if (!take_guest(&m->guests[i].joined, args->operands[i + 1]))
			return false;
	return check_told(m);
}

static bool parse(int argc, char **argv, struct options *o, struct kvs_arguments *args)
{
	const struct kvs_option rows[] = {
		KVS_OPTION('o', "output", "FOLDER", "for the result; new, or empty",
			   .value = { .text = &o->merged.folder }),
		KVS_OPTION(0, "cpu", "CPU=VCPU",
			   "this CPU of the guest is that vCPU, where the events don't tell; "
			   "VM:CPU=VCPU if there are more guests than one; repeatable",
			   .value = { .take = kvs_take_cpu, .to = &o->merged.told }),
		KVS_OPTION(0, "vm", "VM",
			   "write only the guest of this VM: its name, or the PID of its process; "
			   "PID.1 is the second VM of that process",
			   .value = { .vm = &o->merged.select.vm }),
		KVS_OPTION(0, "vcpu", "N", "of guests, write only CPUs that are vCPUs of this number",
			   .value = { .number = &o->merged.select.vcpu, .max = KVS_LAST_VCPU }),
		KVS_OPTION(0, "from", "TIME",
			   "write only pages of then or later: seconds since the host's recording "
			   "began, or see below",
			   .value = { .when = &o->from, .most = KVS_RECORD_MAX_SECONDS },
			   .given = &o->windowed),
		KVS_OPTION(0, "to", "TIME", "and only of before this",
			   .value = { .when = &o->to, .least = KVS_SHORTEST,
				      .most = KVS_RECORD_MAX_SECONDS },
			   .given = &o->windowed),
		KVS_OPTION(0, "json", NULL, "one JSON object, for programs",
			   .value = { .flag = &o->json }),
		{ }
	};
	const struct kvs_options options = {
		.command = "merge", .about = about, .rows = rows,
		.print_more = kvs_options_times,
	};

	if (!kvs_options_parse(&options, argc, argv, args))
		return false;
	args->status = check(&o->merged, args) ? KVS_EXIT_OK : KVS_EXIT_USAGE;
	return !args->status;
}

static bool run(struct options *o)
{
	struct kvs_merged *m = &o->merged;

	return (!o->windowed || kvs_guests_excerpt(m->host_path, &o->from, &o->to, &m->excerpt,
						   &m->from_ns, &m->to_ns)) &&
	       kvs_merge_files(m);
}

static int show(const struct options *o)
{
	bool ok = true;

	if (o->json)
		ok = kvs_merged_json(&o->merged);
	else
		kvs_merged_text(&o->merged);
	return kvs_flush("the result") && ok ? KVS_EXIT_OK : KVS_EXIT_FAILED;
}

int kvs_cmd_merge(int argc, char **argv)
{
	struct options o = { .merged.select = { .vm = KVS_ANY_VM, .vcpu = -1 } };
	struct kvs_arguments args;
	int status;

	setlocale(LC_CTYPE, "");
	if (!parse(argc, argv, &o, &args))
		status = args.status;
	else
		status = run(&o) ? show(&o) : KVS_EXIT_FAILED;
	kvs_merged_free(&o.merged);
	return status;
}

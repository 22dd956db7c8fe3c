// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched policy: show, set and put back policies of vCPU threads
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/lines.h"
#include "base/log.h"
#include "base/rows.h"
#include "base/system.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "host/vmname.h"
#include "policy/policy.h"
#include "record/workload.h"

#define MAX_SECONDS	1e6	/* poll() counts milliseconds in an int */

struct options {
	const char *action;
	struct kvs_selection select;
	struct kvs_setting setting;
	bool spread;
	struct kvs_knob_list knobs;
	double seconds;
	bool force, json;
	char **command;
};

static const char about[] =
	"usage: kvmsched policy show [--vm VM] [--vcpu N] [--tid TID] [--json]\n"
	"       kvmsched policy set WHICH [POLICY] [OPTIONS] [-- COMMAND [ARG...]]\n"
	"       kvmsched policy restore\n\n"
	"Show, set and put back the scheduling policies of vCPU threads, and the kernel's\n"
	"settings that go with them.  What was there before is written down first.\n\n"
	"POLICY: other[:NICE], batch[:NICE], idle, ext[:NICE], fifo:PRIO, rr:PRIO, or\n"
	"deadline:RUNTIME/DEADLINE[/PERIOD] as in deadline:10ms/50ms\n";

/* --- options ---------------------------------------------------------- */

static void print_settings(void)
{
	printf("\nSettings:\n");
	for (const struct kvs_knob *k = kvs_knobs; k->name; k++)
		kvs_options_line(k->name, 26, k->what);
}

static char *take_tid(void *to, const char *text)
{
	struct kvs_selection *s = to;
	long tid;
	char *why = kvs_value_take(&(struct kvs_value){ .pid = &tid }, text);

	if (why)
		return why;
	s->tids = xrealloc(s->tids, (s->nr_tids + 1) * sizeof(*s->tids));
	s->tids[s->nr_tids++] = tid;
	return NULL;
}

static char *take_cpus(void *to, const char *text)
{
	struct kvs_setting *setting = to;

	if (!kvs_cpus_parse(text, &setting->cpus))
		return xasprintf("'%s' is not a list of CPUs such as 0,2-3", text);
	setting->has_cpus = true;
	return NULL;
}

static int take_policy(struct options *o, const char *text)
{
	const char *why;

	if (o->setting.has_policy)
		return kvs_usage("policy", "one policy at a time; '%s' is one argument too many", text);
	if (!kvs_policy_parse(text, &o->setting.attr, &why))
		return kvs_usage("policy", "'%s': %s", text, why);
	o->setting.has_policy = true;
	return KVS_EXIT_OK;
}

static bool parse(int argc, char **argv, struct options *o, struct kvs_arguments *args)
{
	struct kvs_selection *select = &o->select;
	const struct kvs_option rows[] = {
		KVS_OPTION(0, "vm", "VM",
			   "vCPUs of this VM: its name, or the PID of its process; PID.1 is "
			   "the second VM of that process",
			   .value = { .vm = &select->vm }, .heading = "Which threads:"),
		KVS_OPTION(0, "vcpu", "N", "of these only vCPUs of this number",
			   .value = { .number = &select->vcpu, .max = KVS_LAST_VCPU }),
		KVS_OPTION(0, "all", NULL, "vCPUs of all VMs",
			   .value = { .flag = &select->all }),
		KVS_OPTION(0, "tid", "TID", "this thread, whatever it is (repeatable)",
			   .value = { .take = take_tid, .to = select }),
		KVS_OPTION(0, "cpus", "LIST", "affinity, as in 0,2-3",
			   .value = { .take = take_cpus, .to = &o->setting },
			   .heading = "What to set, beside POLICY:"),
		KVS_OPTION(0, "spread", NULL,
			   "the k-th thread on the k-th CPU of LIST alone",
			   .value = { .flag = &o->spread }),
		KVS_OPTION(0, "knob", "NAME=VALUE",
			   "a setting of the kernel (repeatable), see below",
			   .value = { .take = kvs_knob_take, .to = &o->knobs }),
		KVS_OPTION(0, "force", NULL, "even if it could lock the host up",
			   .value = { .flag = &o->force }),
		KVS_OPTION(0, "for", "SECONDS",
			   "until then, or SIGINT or SIGTERM; else until COMMAND ends; with "
			   "neither until `kvmsched policy restore`",
			   .value = { .seconds = &o->seconds, .least = KVS_SHORTEST,
				     .most = MAX_SECONDS },
			   .heading = "For how long:"),
		KVS_OPTION(0, "json", NULL, "(show) one JSON object, for programs",
			   .value = { .flag = &o->json }),
		{ }
	};
	const struct kvs_options options = {
		.command = "policy", .about = about, .rows = rows,
		.print_more = print_settings, .operands = KVS_OPERANDS_COMMAND,
	};

	if (!kvs_options_parse(&options, argc, argv, args))
		return false;
	o->command = args->command;
	o->action = args->nr ? args->operands[0] : "";
	for (int i = 1; !args->status && i < args->nr; i++)
		args->status = take_policy(o, args->operands[i]);
	return !args->status;
}

static void options_free(struct options *o)
{
	kvs_knob_list_free(&o->knobs);
	free(o->select.tids);
}

/* --- show ------------------------------------------------------------- */

static json_t *thread_json(const struct kvs_thread *t)
{
	struct kvs_cpus cpus;
	struct kvs_attr a;
	char *affinity, *name;
	json_t *o;

	if (kvs_thread_get(t->tid, &a, &cpus))
		return NULL;
	affinity = kvs_cpus_text(&cpus);
	o = json_pack("{si si so ss ss ss sI}", "pid", (int)t->pid, "tid", (int)t->tid,
		      "comm", kvs_bytes_json(t->comm), "policy", kvs_policy_name(a.policy),
		      "setting", kvs_policy_text(&a), "affinity", affinity,
		      "starttime", (json_int_t)t->starttime);
	if (t->vcpu >= 0) {
		json_object_set_new(o, "vm_index", json_integer(t->vm_index));
		json_object_set_new(o, "vcpu", json_integer(t->vcpu));
		name = kvs_vm_name_of(t->pid);
		json_object_set_new(o, "vm_name", name ? kvs_bytes_json(name) : json_null());
		free(name);
	}
	free(affinity);
	return o;
}

static json_t *leftovers_json(void)
{
	struct kvs_leftover *l;
	size_t nr = kvs_leftovers(&l);
	json_t *array = json_array();

	for (size_t i = 0; i < nr; i++)
		json_array_append_new(array, json_pack("{ss ss sb sb si si}",
			"file", l[i].path, "what",
			json_string_value(json_object_get(l[i].json, "what")),
			"held", l[i].held, "owner_lives", l[i].owner_lives,
			"threads", (int)json_array_size(json_object_get(l[i].json, "threads")),
			"knobs", (int)json_array_size(json_object_get(l[i].json, "knobs"))));
	kvs_leftovers_free(l, nr);
	return array;
}

static json_t *gather(const struct kvs_threads *threads)
{
	json_t *array = json_array();

	for (size_t i = 0; i < threads->nr; i++) {
		json_t *t = thread_json(&threads->threads[i]);

		if (t)
			json_array_append_new(array, t);
	}
	return json_pack("{so so so}", "threads", array, "knobs", kvs_knobs_json(),
			 "pending", leftovers_json());
}

static const char *text_of(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "-";
}

static void show_threads(json_t *array)
{
	static const char *const headings[] = {
		"=<VM", "=vCPU", "TID", "<Name", "<Policy", "<CPUs", NULL
	};
	struct kvs_rows rows;
	json_t *t, *vcpu;
	size_t i;

	if (!json_array_size(array)) {
		printf("No VM runs here.\n");
		return;
	}
	rows = kvs_rows_begin(headings);
	json_array_foreach(array, i, t) {
		int index = json_integer_value(json_object_get(t, "vm_index"));
		int pid = json_integer_value(json_object_get(t, "pid"));
		char vm[KVS_VM_LEN];

		vcpu = json_object_get(t, "vcpu");
		kvs_row(&rows);
		kvs_cell(&rows, "%s", kvs_vm_label(vm, json_string_value(
			json_object_get(t, "vm_name")), pid, index));
		if (vcpu)
			kvs_cell(&rows, "%d", (int)json_integer_value(vcpu));
		else
			kvs_cell(&rows, "-");
		kvs_cell(&rows, "%d", (int)json_integer_value(json_object_get(t, "tid")));
		kvs_cell(&rows, "%s", text_of(t, "comm"));
		kvs_cell(&rows, "%s", text_of(t, "setting"));
		kvs_cell(&rows, "%s", text_of(t, "affinity"));
	}
	kvs_rows_end(&rows);
}

static void show_knobs(json_t *knobs)
{
	static const char *const headings[] = { "<Setting", "Value", "<What", NULL };
	struct kvs_rows rows = kvs_rows_begin(headings);

	for (const struct kvs_knob *k = kvs_knobs; k->name; k++) {
		json_t *value = json_object_get(knobs, k->name);
		char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

		if (text) {
			kvs_row(&rows);
			kvs_cell(&rows, "%s", k->name);
			kvs_cell(&rows, "%s", text);
			kvs_cell(&rows, "%s", k->what);
		}
		free(text);
	}
	kvs_rows_end(&rows);
}

static void show_pending(json_t *array)
{
	json_t *p;
	size_t i;

	if (json_array_size(array))
		putchar('\n');
	json_array_foreach(array, i, p)
		kvs_say(2, "'%s'%s: %s; `kvmsched policy restore` puts it back",
			text_of(p, "what"),
			json_is_true(json_object_get(p, "owner_lives")) ? " runs" : "",
			json_is_true(json_object_get(p, "held")) &&
			!json_is_true(json_object_get(p, "owner_lives")) ?
			"was killed before it could put back what it changed" :
			"has changed something");
}

static int show(struct options *o)
{
	struct kvs_threads threads = { 0 };
	json_t *json;
	bool ok = true;

	if (o->select.nr_tids || !kvs_vm_is_any(&o->select.vm) || o->select.vcpu >= 0) {
		o->select.all |= kvs_vm_is_any(&o->select.vm) && !o->select.nr_tids;
		if (!kvs_select(&o->select, &threads))
			return KVS_EXIT_FAILED;
	} else {
		kvs_select_all(&o->select, &threads);
	}
	json = gather(&threads);
	if (o->json) {
		ok = !json_dumpf(json, stdout, JSON_INDENT(2)) && putchar('\n') != EOF;
	} else {
		show_threads(json_object_get(json, "threads"));
		putchar('\n');
		show_knobs(json_object_get(json, "knobs"));
		show_pending(json_object_get(json, "pending"));
	}
	json_decref(json);
	free(threads.threads);
	return kvs_flush("the policies") && ok ? KVS_EXIT_OK : KVS_EXIT_FAILED;
}

/* --- set -------------------------------------------------------------- */

static size_t find_nth_cpu(const struct kvs_cpus *cpus, size_t nth)
{
	size_t count = kvs_cpus_count(cpus), cpu = 0;

	for (nth %= count ? count : 1; cpu < KVS_MAX_CPUS; cpu++)
		if (kvs_cpus_has(cpus, cpu) && !nth--)
			return cpu;
	return 0;
}

static struct kvs_setting *make_settings(const struct options *o, size_t nr)
{
	struct kvs_setting *settings = xcalloc(nr, sizeof(*settings));

	for (size_t i = 0; i < nr; i++) {
		settings[i] = o->setting;
		if (!o->spread)
			continue;
		memset(&settings[i].cpus, 0, sizeof(settings[i].cpus));
		CPU_SET_S(find_nth_cpu(&o->setting.cpus, i), sizeof(settings[i].cpus),
			  settings[i].cpus.set);
	}
	return settings;
}

/* Waits until COMMAND ends, the time is over, or a signal comes: its number, or 0 */
static int wait_for_end(struct kvs_workload *w, int signals, double seconds)
{
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = w->pidfd, .events = POLLIN },
	};
	struct signalfd_siginfo si;
	int n;

	do
		n = poll(fds, ARRAY_SIZE(fds), seconds > 0 ? (int)ceil(seconds * 1000) : -1);
	while (n < 0 && errno == EINTR);
	if (!fds[0].revents || read(signals, &si, sizeof(si)) != sizeof(si)) {
		/* When the time is over (n is 0), COMMAND is ended, too. */
		kvs_workload_signal(w, n ? 0 : SIGTERM);
		return 0;
	}
	kvs_workload_signal(w, si.ssi_signo);
	return si.ssi_signo;
}

static int catch_signals(sigset_t *old)
{
	sigset_t mask;

	kvs_block_signals(&mask, old);
	return signalfd(-1, &mask, SFD_CLOEXEC);
}

/* Makes the change, waits, and restores what was there before. */
static int set_held(const struct options *o, const struct kvs_change *change,
		    struct kvs_undo *state)
{
	struct kvs_workload w = { .pidfd = -1, .go = -1, .failed = -1 };
	int signals, sig = 0, status = KVS_EXIT_OK;
	sigset_t old;

	/* No signal may end this process between the change and its restoring. */
	signals = catch_signals(&old);
	if (o->setting.has_policy && kvs_policy_is_rt(o->setting.attr.policy) &&
	    kvs_stay_above(o->setting.attr.priority))
		kvs_warn("can't stay above these threads: %s", strerror(errno));
	if (o->command && kvs_workload_fork(&w, o->command, &old))
		return KVS_EXIT_FAILED;
	if (!kvs_change_apply(change, state)) {
		kvs_workload_signal(&w, SIGKILL);
		kvs_workload_drop(&w);
		return KVS_EXIT_FAILED;
	}
	if (o->command)
		status = kvs_workload_go(&w, o->command[0]);
	if (!status)
		sig = wait_for_end(&w, signals, o->seconds);
	if (!kvs_undo_restore(state))
		status = KVS_EXIT_FAILED;
	if (o->command) {
		kvs_workload_ended(&w, 1);
		status = status ? status : w.status;
	} else if (sig) {
		status = 128 + sig;
	}
	kvs_workload_drop(&w);
	return status;
}

static char *join_arguments(int argc, char **argv)
{
	char *text = xstrdup("kvmsched policy"), *longer;

	for (int i = 1; i < argc; i++) {
		longer = xasprintf("%s %s", text, argv[i]);
		free(text);
		text = longer;
	}
	return text;
}

static int set(const struct options *o, const char *what)
{
	struct kvs_threads threads = { 0 };
	struct kvs_change change = {
		.threads = &threads, .knobs = o->knobs.knobs, .nr_knobs = o->knobs.nr,
		.force = o->force,
	};
	bool held = o->command || o->seconds > 0;
	struct kvs_setting *settings;
	struct kvs_undo *state;
	int status;

	if ((o->setting.has_policy || o->setting.has_cpus) &&
	    !kvs_select(&o->select, &threads))
		return KVS_EXIT_FAILED;
	settings = make_settings(o, threads.nr);
	change.settings = settings;
	state = kvs_undo_create(held, what);
	if (held) {
		status = set_held(o, &change, state);
	} else {
		status = kvs_change_apply(&change, state) ? KVS_EXIT_OK : KVS_EXIT_FAILED;
		if (!status)
			kvs_hint("`kvmsched policy restore` puts back what was there");
	}
	kvs_undo_free(state);
	free(settings);
	free(threads.threads);
	return status;
}

static int check_set(const struct options *o)
{
	bool which = o->select.all || !kvs_vm_is_any(&o->select.vm) || o->select.nr_tids;

	if (!o->setting.has_policy && !o->setting.has_cpus && !o->knobs.nr)
		return kvs_usage("policy", "what is to be set? A policy, --cpus or --knob");
	if ((o->setting.has_policy || o->setting.has_cpus) && !which)
		return kvs_usage("policy", "which threads? --vm, --tid or --all");
	if (o->spread && !o->setting.has_cpus)
		return kvs_usage("policy", "--spread needs --cpus");
	if (!kvs_leftovers_offer())
		return KVS_EXIT_FAILED;
	return 0;
}

/* --- restore ---------------------------------------------------------- */

static int restore(void)
{
	struct kvs_leftover *l;
	size_t nr = kvs_leftovers(&l), done = 0;
	bool ok = true;

	for (size_t i = 0; i < nr; i++) {
		const char *what = text_of(l[i].json, "what");

		if (l[i].owner_lives && l[i].held) {
			kvs_warn("'%s' still runs, and will put back itself what it changed", what);
			continue;
		}
		if (kvs_leftover_is_held(&l[i], l, nr)) {
			kvs_err("what '%s' changed can't be put back while a later run changes it, too",
				what);
			ok = false;
			continue;
		}
		if (kvs_leftover_restore(&l[i])) {
			kvs_say(2, "put back what '%s' changed: %zu threads, %zu settings", what,
				json_array_size(json_object_get(l[i].json, "threads")),
				json_array_size(json_object_get(l[i].json, "knobs")));
			done++;
		} else {
			ok = false;
		}
	}
	if (!done && ok)
		printf("there is nothing to put back\n");
	kvs_leftovers_free(l, nr);
	return ok ? KVS_EXIT_OK : KVS_EXIT_FAILED;
}

int kvs_cmd_policy(int argc, char **argv)
{
	struct options o = { .select = KVS_SELECT_ANY };
	/* Made before the parser sorts the arguments. */
	char *what = join_arguments(argc, argv);
	struct kvs_arguments args;
	int status;

	if (!parse(argc, argv, &o, &args))
		status = args.status;
	else if (!strcmp(o.action, "show"))
		status = show(&o);
	else if (!strcmp(o.action, "set"))
		status = check_set(&o) ?: set(&o, what);
	else if (!strcmp(o.action, "restore"))
		status = restore();
	else
		status = kvs_usage("policy", "show, set or restore?");
	options_free(&o);
	free(what);
	return status;
}

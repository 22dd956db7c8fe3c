// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmsched policy: show, set and put back policies of vCPU threads
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rows.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "policy/policy.h"
#include "record/workload.h"

enum {
	OPT_VM = 256, OPT_VCPU, OPT_TID, OPT_ALL, OPT_CPUS, OPT_SPREAD, OPT_KNOB,
	OPT_FORCE, OPT_FOR, OPT_JSON,
};

struct options {
	struct kvs_selection select;
	struct kvs_setting setting;
	bool spread;
	struct kvs_knob_setting *knobs;
	size_t nr_knobs;
	double seconds;
	bool force, json, help;
	char **command;
};

static void help(void)
{
	printf("usage: kvmsched policy show [--vm VM] [--vcpu N] [--tid TID] [--json]\n"
	       "       kvmsched policy set WHICH [POLICY] [OPTIONS] [-- COMMAND [ARG...]]\n"
	       "       kvmsched policy restore\n\n"
	       "Show, set and put back the scheduling policies of vCPU threads, and the kernel's\n"
	       "settings that go with them.  What was there before is written down first.\n\n"
	       "POLICY: other[:NICE], batch[:NICE], idle, fifo:PRIO, rr:PRIO, or\n"
	       "deadline:RUNTIME/DEADLINE[/PERIOD] as in deadline:10ms/50ms\n\n"
	       "Which threads:\n"
	       "      --vm VM          vCPUs of this VM: the PID of its process; PID.1 is the\n"
	       "                       second VM of that process\n"
	       "      --vcpu N         of these only vCPUs of this number\n"
	       "      --all            vCPUs of all VMs\n"
	       "      --tid TID        this thread, whatever it is (repeatable)\n"
	       "What to set, beside POLICY:\n"
	       "      --cpus LIST      affinity, as in 0,2-3\n"
	       "      --spread         the k-th thread on the k-th CPU of LIST alone\n"
	       "      --knob NAME=VALUE  a setting of the kernel (repeatable), see below\n"
	       "      --force          even if it could lock the host up\n"
	       "For how long:\n"
	       "      --for SECONDS    until then, or SIGINT or SIGTERM; else until COMMAND ends;\n"
	       "                       with neither until `kvmsched policy restore`\n"
	       "      --json           (show) one JSON object, for programs\n"
	       "  -h, --help           this text\n\nSettings:\n");
	for (const struct kvs_knob *k = kvs_knobs; k->name; k++)
		printf("  %-22s %s\n", k->name, k->what);
}

/* --- options ---------------------------------------------------------- */

static int add_knob(struct options *o, const char *arg)
{
	const char *equals = strchr(arg, '=');
	char *name = strndup(arg, equals ? (size_t)(equals - arg) : strlen(arg));
	const struct kvs_knob *knob = kvs_knob_find(name);
	long value;

	free(name);
	if (!knob || !equals)
		return kvs_usage("policy", "--knob takes NAME=VALUE, not '%s'", arg);
	if (!kvs_parse_long(equals + 1, -1, INT64_MAX, &value))
		return kvs_usage("policy", "'%s' is not a number", equals + 1);
	o->knobs = xrealloc(o->knobs, (o->nr_knobs + 1) * sizeof(*o->knobs));
	o->knobs[o->nr_knobs++] = (struct kvs_knob_setting){ knob, xstrdup(equals + 1) };
	return 0;
}

static int add_tid(struct options *o, const char *arg)
{
	struct kvs_selection *s = &o->select;
	long tid;

	if (!kvs_parse_long(arg, 1, INT32_MAX, &tid))
		return kvs_usage("policy", "--tid takes the number of a thread, not '%s'", arg);
	s->tids = xrealloc(s->tids, (s->nr_tids + 1) * sizeof(*s->tids));
	s->tids[s->nr_tids++] = tid;
	return 0;
}

static int set_cpus(struct options *o, const char *arg)
{
	if (!kvs_cpus_parse(arg, &o->setting.cpus))
		return kvs_usage("policy", "--cpus takes a list such as 0,2-3, not '%s'", arg);
	o->setting.has_cpus = true;
	return 0;
}

static int set_seconds(struct options *o, const char *arg)
{
	char *end;

	errno = 0;
	o->seconds = strtod(arg, &end);
	if (errno || end == arg || *end || !(o->seconds > 0) || o->seconds > 1e7)
		return kvs_usage("policy", "--for takes a number of seconds, not '%s'", arg);
	return 0;
}

static int take_option(struct options *o, int c)
{
	switch (c) {
	case OPT_VM:
		return kvs_parse_vm(optarg, &o->select) ? 0 :
			kvs_usage("policy", "--vm takes the PID of a VM's process, not '%s'", optarg);
	case OPT_VCPU:
		return kvs_parse_long(optarg, 0, 65534, &o->select.vcpu) ? 0 :
			kvs_usage("policy", "--vcpu takes a number, not '%s'", optarg);
	case OPT_TID:
		return add_tid(o, optarg);
	case OPT_KNOB:
		return add_knob(o, optarg);
	case OPT_CPUS:
		return set_cpus(o, optarg);
	case OPT_FOR:
		return set_seconds(o, optarg);
	case OPT_ALL:
		o->select.all = true;
		return 0;
	case OPT_SPREAD:
		o->spread = true;
		return 0;
	case OPT_FORCE:
		o->force = true;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	}
	kvs_hint("see `kvmsched policy --help`");
	return KVS_EXIT_USAGE;
}

static int take_policy(struct options *o, const char *arg)
{
	const char *why;

	if (o->setting.has_policy)
		return kvs_usage("policy", "one policy at a time; '%s' is one too many", arg);
	if (!kvs_policy_parse(arg, &o->setting.attr, &why))
		return kvs_usage("policy", "'%s': %s", arg, why);
	o->setting.has_policy = true;
	return 0;
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "vm", required_argument, NULL, OPT_VM },
		{ "vcpu", required_argument, NULL, OPT_VCPU },
		{ "tid", required_argument, NULL, OPT_TID },
		{ "all", no_argument, NULL, OPT_ALL },
		{ "cpus", required_argument, NULL, OPT_CPUS },
		{ "spread", no_argument, NULL, OPT_SPREAD },
		{ "knob", required_argument, NULL, OPT_KNOB },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "for", required_argument, NULL, OPT_FOR },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int c, ret = 0, end = argc;

	/* What follows "--" is COMMAND's. */
	for (int i = 1; i < argc && end == argc; i++)
		if (!strcmp(argv[i], "--"))
			end = i;
	if (end < argc - 1)
		o->command = argv + end + 1;
	while (!ret && (c = getopt_long(end, argv, "h", longs, NULL)) != -1) {
		if (c == 'h')
			o->help = true;
		else
			ret = take_option(o, c);
	}
	for (; !ret && optind < end; optind++)
		ret = take_policy(o, argv[optind]);
	return ret;
}

static void options_free(struct options *o)
{
	for (size_t i = 0; i < o->nr_knobs; i++)
		free(o->knobs[i].value);
	free(o->knobs);
	free(o->select.tids);
}

/* --- show ------------------------------------------------------------- */

static json_t *thread_json(const struct kvs_thread *t)
{
	struct kvs_cpus cpus;
	struct kvs_attr a;
	char *affinity;
	json_t *o;

	if (kvs_thread_get(t->tid, &a, &cpus))
		return NULL;
	affinity = kvs_cpus_text(&cpus);
	o = json_pack("{si si ss* ss ss ss sI}", "pid", (int)t->pid, "tid", (int)t->tid,
		      "comm", t->comm, "policy", kvs_policy_name(a.policy),
		      "setting", kvs_policy_text(&a), "affinity", affinity,
		      "starttime", (json_int_t)t->starttime);
	if (t->vcpu >= 0) {
		json_object_set_new(o, "vm_index", json_integer(t->vm_index));
		json_object_set_new(o, "vcpu", json_integer(t->vcpu));
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
		"VM", "vCPU", "TID", "<Name", "<Policy", "<CPUs", NULL
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

		vcpu = json_object_get(t, "vcpu");
		kvs_row(&rows);
		if (index)
			kvs_cell(&rows, "%d.%d", pid, index);
		else
			kvs_cell(&rows, "%d", pid);
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

	json_array_foreach(array, i, p)
		printf("%s'%s'%s: %s; `kvmsched policy restore` puts it back\n",
		       i ? "" : "\n", text_of(p, "what"),
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

	if (o->select.nr_tids || o->select.vm >= 0 || o->select.vcpu >= 0) {
		o->select.all |= o->select.vm < 0 && !o->select.nr_tids;
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
	return ok && !fflush(stdout) ? KVS_EXIT_OK : KVS_EXIT_FAILED;
}

/* --- set -------------------------------------------------------------- */

static size_t nth_cpu(const struct kvs_cpus *cpus, size_t nth)
{
	size_t count = kvs_cpus_count(cpus), cpu = 0;

	for (nth %= count ? count : 1; cpu < KVS_MAX_CPUS; cpu++)
		if (kvs_cpus_has(cpus, cpu) && !nth--)
			return cpu;
	return 0;
}

static struct kvs_setting *settings_for(const struct options *o, size_t nr)
{
	struct kvs_setting *settings = xcalloc(nr, sizeof(*settings));

	for (size_t i = 0; i < nr; i++) {
		settings[i] = o->setting;
		if (!o->spread)
			continue;
		memset(&settings[i].cpus, 0, sizeof(settings[i].cpus));
		CPU_SET_S(nth_cpu(&o->setting.cpus, i), sizeof(settings[i].cpus),
			  settings[i].cpus.set);
	}
	return settings;
}

/* Until COMMAND ends, the time is over, or a signal comes; 0 or its number */
static int hold(struct kvs_workload *w, int signals, double seconds)
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
		/* A time that is over ends COMMAND, too. */
		kvs_workload_signal(w, n ? 0 : SIGTERM);
		return 0;
	}
	kvs_workload_signal(w, si.ssi_signo);
	return si.ssi_signo;
}

static int catch_signals(sigset_t *old)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGQUIT);
	sigprocmask(SIG_BLOCK, &mask, old);
	return signalfd(-1, &mask, SFD_CLOEXEC);
}

/* Make the change, wait, put it back. */
static int set_held(const struct options *o, const struct kvs_change *change,
		    struct kvs_undo *state)
{
	struct kvs_workload w = { .pidfd = -1, .go = -1, .told = -1 };
	int signals, sig = 0, status = KVS_EXIT_OK;
	sigset_t old;

	/* From before the change: none of them may end us before it is back. */
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
		sig = hold(&w, signals, o->seconds);
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

static char *describe(int argc, char **argv)
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
		.threads = &threads, .knobs = o->knobs, .nr_knobs = o->nr_knobs,
		.force = o->force,
	};
	bool held = o->command || o->seconds > 0;
	struct kvs_setting *settings;
	struct kvs_undo *state;
	int status;

	if ((o->setting.has_policy || o->setting.has_cpus) &&
	    !kvs_select(&o->select, &threads))
		return KVS_EXIT_FAILED;
	settings = settings_for(o, threads.nr);
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
	bool which = o->select.all || o->select.vm >= 0 || o->select.nr_tids;

	if (!o->setting.has_policy && !o->setting.has_cpus && !o->nr_knobs)
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
		if (kvs_leftover_restore(&l[i])) {
			printf("put back what '%s' changed: %zu threads, %zu settings\n", what,
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
	struct options o = { .select = { .vm = -1, .vm_index = -1, .vcpu = -1 } };
	const char *action = argc > 1 ? argv[1] : "";
	char *what = describe(argc, argv);
	int status;

	if (!strcmp(action, "-h") || !strcmp(action, "--help")) {
		help();
		return KVS_EXIT_OK;
	}
	argv[1] = argv[0];
	status = *action ? parse(argc - 1, argv + 1, &o) : 0;
	if (!status && o.help)
		help();
	else if (!status && !strcmp(action, "show"))
		status = show(&o);
	else if (!status && !strcmp(action, "set"))
		status = check_set(&o) ?: set(&o, what);
	else if (!status && !strcmp(action, "restore"))
		status = restore();
	else if (!status)
		status = kvs_usage("policy", "show, set or restore?");
	options_free(&o);
	free(what);
	return status;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include <getopt.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>

#include "layout.h"
#include "payload.h"

enum {
	OPT_VMS = 256, OPT_VCPUS, OPT_THREADS, OPT_PERIOD, OPT_SECONDS, OPT_CPU, OPT_SPREAD,
	OPT_POLICY, OPT_HALT_POLL, OPT_BARRIER, OPT_READY, OPT_CONTROLLER, OPT_JSON, OPT_QUIET,
	OPT_LIST, OPT_SEND, OPT_TSC_LAST, OPT_LATE_PAGE,
	OPT_INJECT, OPT_NO_EXITS, OPT_UNSTARTED, OPT_ASYNC,
	OPT_HELP,
};

static const struct option long_options[] = {
	{ "vms", required_argument, NULL, OPT_VMS },
	{ "vcpus", required_argument, NULL, OPT_VCPUS },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "period-us", required_argument, NULL, OPT_PERIOD },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "cpu", required_argument, NULL, OPT_CPU },
	{ "spread", no_argument, NULL, OPT_SPREAD },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "halt-poll-ns", required_argument, NULL, OPT_HALT_POLL },
	{ "start-barrier", required_argument, NULL, OPT_BARRIER },
	{ "ready-file", required_argument, NULL, OPT_READY },
	{ "controller-prio", required_argument, NULL, OPT_CONTROLLER },
	{ "json", required_argument, NULL, OPT_JSON },
	{ "send", no_argument, NULL, OPT_SEND },
	{ "tsc-last", no_argument, NULL, OPT_TSC_LAST },
	{ "late-page", required_argument, NULL, OPT_LATE_PAGE },
	{ "unstarted", no_argument, NULL, OPT_UNSTARTED },
	{ "async-page", no_argument, NULL, OPT_ASYNC },
	{ "no-exits", required_argument, NULL, OPT_NO_EXITS },
	{ "inject", required_argument, NULL, OPT_INJECT },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 }
};

static const char usage_text[] =
"usage: kvmguest [OPTION...] PAYLOAD N\n"
"Runs a tiny KVM guest that does exactly N of something, and says what it did.\n"
"\n"
"  --vms V              virtual machines in this process (1)\n"
"  --vcpus C            vCPUs of each, all running PAYLOAD (1; ipi, lock: 2)\n"
"  --threads T          T threads share all vCPUs: each runs the next that nobody\n"
"                       runs, until KVM_RUN returns (one thread for each vCPU)\n"
"  --period-us P        period of the payload's timer, in us (1000)\n"
"  --seconds S          stop after S seconds (no limit)\n"
"  --cpu LIST           affinity of every vCPU thread, as in 0,2-3\n"
"  --spread             pin the k-th vCPU thread to the k-th CPU of LIST\n"
"  --policy POLICY      of the vCPU threads: other[:NICE], batch[:NICE], idle,\n"
"                       ext[:NICE], rr:PRIO or fifo:PRIO\n"
"  --halt-poll-ns NS    limit of each VM's halt polling (the host's)\n"
"  --send               at each return to userspace the vCPU's thread sends a\n"
"                       packet to itself, which takes a softirq of its own\n"
"  --tsc-last           restored: the deadline is set before the TSC, so that KVM's\n"
"                       timer for it is 1000 s ahead\n"
"  --late-page US       the page that the payload is in comes from a userfaultfd,\n"
"                       US us after the guest's first touch\n"
"  --async-page         the guest touches it with interrupts on, so that KVM lets\n"
"                       another thread wait for it\n"
"  --unstarted          all vCPUs but the first of a VM wait to be started, in vain:\n"
"                       give --seconds\n"
"  --no-exits LIST      of hlt, pause and mwait, as in hlt,pause: these do not exit\n"
"  --inject WAY         wait, ask, ask-fd: a thread called injector sends the interrupts,\n"
"                       by msi or msi-lowest (KVM_SIGNAL_MSI), line (KVM_IRQ_LINE),\n"
"                       irqfd or irqfd-line; wait, by eventfd: as irqfd, but somebody\n"
"                       else sends; ask, by itself: the vCPU's thread sends an MSI;\n"
"                       by vhost: it asks /dev/vhost-vsock, whose thread sends\n"
"  --start-barrier FILE set everything up, then wait until FILE exists\n"
"  --ready-file FILE    create FILE when all VMs and policies are set up\n"
"  --controller-prio N  SCHED_FIFO priority of the main thread, so that it can\n"
"                       stop real-time guests that keep its CPU busy\n"
"  --json FILE          write the truth as JSON to FILE, - for stdout\n"
"  --quiet              no table, no warnings\n"
"  --list               list the payloads\n"
"  --help               this text\n"
"\n"
"Status: 0 the guests did what was promised, 1 they did not or could not run,\n"
"2 wrong usage, 3 stopped before they had done N.\n";

static void list_payloads(void)
{
	const struct payload *payload;
	unsigned int i;

	for (i = 0; (payload = payload_nth(i)); i++)
		printf("%-15s %s\n", payload->name, payload->what);
}

static int parse_uint(const char *what, unsigned int max, unsigned int *to)
{
	unsigned long long value;

	if (parse_number(optarg, what, 1, max, &value))
		return -1;
	*to = (unsigned int)value;
	return 0;
}

static int parse_u64(const char *text, const char *what, uint64_t min,
		     uint64_t max, uint64_t *to)
{
	unsigned long long value;

	if (parse_number(text, what, min, max, &value))
		return -1;
	*to = value;
	return 0;
}

static int parse_prio(struct options *options)
{
	unsigned int value;

	if (parse_uint("--controller-prio", 99, &value))
		return -1;
	options->controller_prio = (int)value;
	return 0;
}

static int parse_no_exits(struct options *options, char *list)
{
	static const struct {
		const char *name;
		uint64_t bit;
	} known[] = {
		{ "hlt", KVM_X86_DISABLE_EXITS_HLT },
		{ "pause", KVM_X86_DISABLE_EXITS_PAUSE },
		{ "mwait", KVM_X86_DISABLE_EXITS_MWAIT },
	};
	const size_t n = sizeof(known) / sizeof(known[0]);
	char *name;
	size_t i;

	while ((name = strsep(&list, ","))) {
		for (i = 0; i < n && strcmp(known[i].name, name); i++)
			;
		if (i == n) {
			fprintf(stderr, "--no-exits: \"%s\" is not hlt, pause or mwait\n",
				name);
			return -1;
		}
		options->exits_off |= known[i].bit;
	}
	return 0;
}

static int take_option(struct options *options, int opt)
{
	switch (opt) {
	case OPT_VMS:
		return parse_uint("--vms", 1024, &options->vms);
	case OPT_VCPUS:
		return parse_uint("--vcpus", GUEST_MAX_VCPUS, &options->vcpus);
	case OPT_THREADS:
		return parse_uint("--threads", 1024, &options->threads);
	case OPT_PERIOD:
		return parse_u64(optarg, "--period-us", 1, UINT32_MAX,
				 &options->period_us);
	case OPT_SECONDS:
		return parse_u64(optarg, "--seconds", 1, 1000000,
				 &options->seconds);
	case OPT_CPU:
		return sched_parse_cpus(&options->sched, optarg);
	case OPT_POLICY:
		return sched_parse_policy(&options->sched, optarg);
	case OPT_CONTROLLER:
		return parse_prio(options);
	case OPT_HALT_POLL:
		options->halt_poll_given = true;
		return parse_u64(optarg, "--halt-poll-ns", 0, UINT32_MAX,
				 &options->halt_poll_ns);
	case OPT_SPREAD:
		options->spread = true;
		return 0;
	case OPT_SEND:
		options->send = true;
		return 0;
	case OPT_LATE_PAGE:
		return parse_u64(optarg, "--late-page", 1, UINT32_MAX,
				 &options->late_page_us);
	case OPT_UNSTARTED:
		options->unstarted = true;
		return 0;
	case OPT_ASYNC:
		options->async_page = true;
		return 0;
	case OPT_NO_EXITS:
		return parse_no_exits(options, optarg);
	case OPT_INJECT:
		options->inject = inject_way(optarg);
		if (options->inject != INJECT_NONE)
			return 0;
		fprintf(stderr, "--inject: there is no way \"%s\"\n", optarg);
		return -1;
	case OPT_TSC_LAST:
		options->tsc_last = true;
		return 0;
	case OPT_BARRIER:
		options->start_barrier = optarg;
		return 0;
	case OPT_READY:
		options->ready_file = optarg;
		return 0;
	case OPT_JSON:
		options->json = optarg;
		return 0;
	case OPT_QUIET:
		options->quiet = true;
		return 0;
	}
	return -1;	/* getopt has said why */
}

static int take_payload(struct options *options, const char *name,
			const char *n)
{
	options->payload = payload_find(name);
	if (!options->payload) {
		fprintf(stderr, "there is no payload \"%s\"; kvmguest --list shows them\n",
			name);
		return -1;
	}
	return parse_u64(n, "N", options->payload->endless ? 0 : 1,
			 UINT32_MAX, &options->n);
}

static int check_inject(const struct options *options)
{
	const struct payload *payload = options->payload;
	bool none = options->inject == INJECT_NONE;

	if ((payload->waits || payload->asks) == none || (!none && options->vcpus > 1)) {
		fprintf(stderr, "payloads wait, ask and ask-fd need --inject and one vCPU, and no other has --inject\n");
		return -1;
	}
	if ((options->inject == INJECT_EVENTFD && !payload->waits) ||
	    (options->inject == INJECT_ITSELF && (!payload->asks || payload->ioeventfd))) {
		fprintf(stderr, "payload %s is not for this way of --inject\n", payload->name);
		return -1;
	}
	return 0;
}

static int check(struct options *options)
{
	if (!options->vcpus)
		options->vcpus = options->payload->pairs ? 2 : 1;
	if (options->payload->pairs && options->vcpus % 2) {
		fprintf(stderr, "payload %s works in pairs: give an even --vcpus\n",
			options->payload->name);
		return -1;
	}
	if (check_inject(options))
		return -1;
	if (options->payload->pages && options->n > GUEST_MAX_PAGES) {
		fprintf(stderr, "payload %s has %u pages: N is too large\n",
			options->payload->name, GUEST_MAX_PAGES);
		return -1;
	}
	/* TMICT counts ns in 32 bits. */
	if (options->payload->tick_period && options->period_us > UINT32_MAX / 1000) {
		fprintf(stderr, "--period-us: payload %s counts to %u\n",
			options->payload->name, UINT32_MAX / 1000);
		return -1;
	}
	if (options->spread && !options->sched.cpus_given) {
		fprintf(stderr, "--spread needs --cpu\n");
		return -1;
	}
	return 0;
}

enum options_result options_parse(struct options *options, int argc,
				  char **argv)
{
	int opt;

	memset(options, 0, sizeof(*options));
	options->vms = 1;
	options->period_us = 1000;
	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (opt == OPT_HELP) {
			fputs(usage_text, stdout);
			return OPTIONS_DONE;
		}
		if (opt == OPT_LIST) {
			list_payloads();
			return OPTIONS_DONE;
		}
		if (take_option(options, opt))
			return OPTIONS_WRONG;
	}
	if (argc - optind != 2) {
		fprintf(stderr, "give PAYLOAD and N; kvmguest --help says more\n");
		return OPTIONS_WRONG;
	}
	if (take_payload(options, argv[optind], argv[optind + 1]) ||
	    check(options))
		return OPTIONS_WRONG;
	return OPTIONS_RUN;
}

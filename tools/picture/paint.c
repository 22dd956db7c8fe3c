// SPDX-License-Identifier: GPL-2.0-only
/*
 * Colours and patterns.  The colours follow M. Okabe and K. Ito, "Color Universal Design"
 * (2008), lighter or darker where patterns are drawn over them.
 */
#include "picture/paint.h"

#define SLASH		"M-1 1L1-1M0 6L6 0M5 7L7 5"
#define BACKSLASH	"M-1 5L1 7M0 0L6 6M5-1L7 1"
#define BARS		"M1.5 0V6M4.5 0V6"
#define DASHES		"M0 1.5H6M0 4.5H6"
#define DOTS		"M1 1.5h1M4 4.5h1"
#define CROSSES		SLASH BACKSLASH

const struct kvs_paint kvs_state_paint[KVMSCHED_NR_STATES] = {
	[KVMSCHED_STATE_UNKNOWN] = { "unknown", "unknown", "#dddddd", "#444444", CROSSES },
	[KVMSCHED_STATE_GUEST] = { "guest", "in the guest", "#009e73", "#009e73", NULL },
	[KVMSCHED_STATE_EXIT] = { "exit", "exit, in the kernel", "#e69f00", "#c98a00", SLASH },
	[KVMSCHED_STATE_USER] = { "user", "in userspace", "#56b4e9", "#3f93c4", BARS },
	[KVMSCHED_STATE_POLL] = { "poll", "polls in its halt", "#f0e442", "#b8ae1e", DOTS },
	[KVMSCHED_STATE_HALTED] = { "halted", "halted", "#eeeeee", "#333333", NULL },
	[KVMSCHED_STATE_BLOCKED] = { "blocked", "blocked", "#0072b2", "#2b8fd0", DASHES },
	[KVMSCHED_STATE_WAIT_PREEMPTED] = { "wait_preempted", "waits, preempted", "#d55e00",
					    "#d55e00", BACKSLASH },
	[KVMSCHED_STATE_WAIT_WOKEN] = { "wait_woken", "waits, woken", "#cc79a7", "#b0588a",
					BACKSLASH BARS },
};

const struct kvs_paint kvs_runs_paint[KVS_RUNS_KINDS] = {
	[0] = { "vm0", "a vCPU of the 1st VM", "#009e73", "#009e73", NULL },
	[1] = { "vm1", "2nd VM", "#56b4e9", "#3f93c4", SLASH },
	[2] = { "vm2", "3rd VM", "#cc79a7", "#b0588a", BACKSLASH },
	[3] = { "vm3", "4th VM", "#f0e442", "#b8ae1e", BARS },
	[4] = { "vm4", "5th VM", "#0072b2", "#2b8fd0", DASHES },
	[5] = { "vm5", "6th VM", "#e69f00", "#c98a00", DOTS },
	[KVS_RUNS_OTHER_VCPU] = { "vcpu", "another vCPU", "#a6a6a6", "#808080", DASHES },
	[KVS_RUNS_VMM] = { "vmm", "another thread of a VM's process", "#f2b48c", "#9a5a30", BARS },
	[KVS_RUNS_TASK] = { "task", "a task of the host", "#d55e00", "#d55e00", BACKSLASH },
	[KVS_RUNS_UNKNOWN] = { "lost", "unknown: records were lost", "#dddddd", "#444444",
				CROSSES },
};

const struct kvs_paint kvs_timer_paint[KVS_TIMER_KINDS] = {
	[KVS_TIMER_DUE] = { "due", "a timer is due, and not injected yet", "#8b1a1a", "#c0392b",
			    SLASH },
	[KVS_TIMER_ARMED] = { "armed", "a timer is armed", "#b7d9ee", "#2f5f7c", NULL },
	[KVS_TIMER_UNKNOWN] = { "armed-lost", "armed, or unknown: records were lost", "#dddddd",
				"#444444", CROSSES },
};

const struct kvs_paint kvs_irq_paint[KVS_IRQ_KINDS] = {
	[KVS_IRQ_IN_SERVICE] = { "in-service", "an interrupt is in service, until its EOI", "#cc79a7",
				 "#b0588a", NULL },
	[KVS_IRQ_PENDING] = { "pending", "an interrupt is pending, not injected yet", "#8b1a1a",
			      "#c0392b", BACKSLASH },
};

const struct kvs_paint kvs_host_paint[KVS_HOST_SERVES_KINDS] = {
	[KVS_HOST_SERVES_IRQ] = { "host-irq", "the host serves an interrupt", "#0072b2", "#2b8fd0",
				  NULL },
	[KVS_HOST_SERVES_SOFTIRQ] = { "host-softirq", "the host serves a softirq", "#56b4e9",
				      "#3f93c4", DOTS },
};

const struct kvs_paint kvs_task_paint[KVS_TASK_KINDS] = {
	[KVS_TASK_RUNS] = { "task-runs", "the task runs", "#d55e00", "#d55e00", BACKSLASH },
	[KVS_TASK_WAITS] = { "task-waits", "the task waits, preempted", "#eeeeee", "#333333", DOTS },
};

const struct kvs_paint kvs_guest_task_paint[KVS_GUEST_TASK_KINDS] = {
	[KVS_GUEST_TASK_RUNS] = { "guest-task-runs", "a guest's task runs", "#009e73", "#009e73",
				  SLASH },
	[KVS_GUEST_TASK_WAITS] = { "guest-task-waits", "a guest's task waits, for its guest's scheduler or the host's",
				   "#eeeeee", "#333333", BACKSLASH },
};

static void define_patterns(FILE *f, const struct kvs_paint *paint, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		fprintf(f, "<pattern id=\"p-%s\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
			   "<rect width=\"6\" height=\"6\" class=\"c-%s\"/>", paint[i].name,
			paint[i].name);
		if (paint[i].lines)
			fprintf(f, "<path d=\"%s\" class=\"lines\"/>", paint[i].lines);
		fputs("</pattern>\n", f);
	}
}

static void define_colours(FILE *f, const struct kvs_paint *paint, unsigned int nr, bool dark)
{
	for (unsigned int i = 0; i < nr; i++)
		fprintf(f, ".c-%s{fill:%s}", paint[i].name,
			dark ? paint[i].dark : paint[i].light);
}

static void define_ground(FILE *f, bool dark, bool guests)
{
	const char *ink = dark ? "#eeeeee" : "#222222", *ground = dark ? "#111111" : "#ffffff";

	fprintf(f, "text{fill:%s}.ground{fill:%s}.axis,.mark{stroke:%s}.armed,.due{fill:%s}", ink,
		ground, ink, ink);
	define_colours(f, kvs_state_paint, KVMSCHED_NR_STATES, dark);
	define_colours(f, kvs_runs_paint, KVS_RUNS_KINDS, dark);
	if (guests)
		define_colours(f, kvs_guest_task_paint, KVS_GUEST_TASK_KINDS, dark);
}

void kvs_paint_define(FILE *f, bool guests)
{
	fputs("<style>text{font:11px sans-serif}.title{font-size:13px}"
	      ".lines{stroke:#000000;stroke-opacity:.45;stroke-width:.8;fill:none}"
	      ".axis,.mark{stroke-width:1;fill:none;shape-rendering:crispEdges}"
	      ".who{font-size:10px;stroke:#ffffff;stroke-width:2.5px;paint-order:stroke;"
	      "fill:#000000}", f);
	define_ground(f, false, guests);
	fputs("@media (prefers-color-scheme:dark){", f);
	define_ground(f, true, guests);
	fputs("}</style>\n<defs>\n", f);
	define_patterns(f, kvs_state_paint, KVMSCHED_NR_STATES);
	define_patterns(f, kvs_runs_paint, KVS_RUNS_KINDS);
	if (guests)
		define_patterns(f, kvs_guest_task_paint, KVS_GUEST_TASK_KINDS);
	fputs("</defs>\n", f);
}

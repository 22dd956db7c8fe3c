// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest without timers of the LAPIC may have others: what is said of these.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "uapi/kvmsched.h"
#include "base/util.h"
#include "model/model.h"
#include "model/summary.h"
#include "report/report.h"
#include "feed.h"
#include "findings.h"
#include "printed.h"

#define MS	1000000ULL
#define ME	.vm = 1, .vcpu = 0

static struct kvs_model m;
static char text[4096];

/* A vCPU of VM 9 with these features, recorded from 1 to 20 ms */
static void begin(u32 classes, u32 features)
{
	kvs_model_init(&m);
	kvs_summary_listen(&m);
	FEED(&m, MS, 0, 10, session, .op = KS_SESSION_START, .tsc_khz = 1000000,
	     .classes = classes);
	FEED(&m, MS, 0, 10, vcpu, ME, .tgid = 9, .features = KS_FEATURE_NEW | features);
	FEED(&m, 2 * MS, 0, 10, exit, ME, .reason = 0x72);
}

/* Makes one blank of several. */
static void squeeze(char *line)
{
	char *to = line;

	for (const char *from = line; *from; from++)
		if (*from != ' ' || (to > line && to[-1] != ' '))
			*to++ = *from;
	*to = '\0';
}

/* The lines below the first heading that begins with @heading, as one, up to a blank one */
static void print(const struct kvs_report *report, const char *heading)
{
	char line[1024];
	bool within = false;
	FILE *f;

	kvs_view_free(&view);
	find_all(&m);
	f = print_report(&view, report);
	*text = '\0';
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (within && !*line)
			break;
		squeeze(line);
		if (within && strlen(text) + strlen(line) + 2 < sizeof(text))
			strcat(strcat(text, *text ? " " : ""), line);
		within |= !strncmp(line, heading, strlen(heading));
	}
	fclose(f);
}

static int end(void **unused)
{
	free_found(&m);
	return 0;
}

#define SEEN	"none of the LAPIC's. Of others (the PIT's, those of Hyper-V's and Xen's "	\
		"interfaces, the VMM's own) only the interrupts are seen: `kvmsched report irqs`"
#define XENS	"none of the LAPIC's. Of others (the PIT's, those of Xen's interface, the VMM's "	\
		"own) only the interrupts are seen: `kvmsched report irqs`"
#define UNSEEN	"none of the LAPIC's. Of others (the PIT's, those of Hyper-V's and Xen's "	\
		"interfaces, the VMM's own) only the interrupts can be seen, and they were "	\
		"not recorded (class irq)"

static void interrupts_are_seen(void **unused)
{
	begin(KVMSCHED_CLASS_DEFAULT, KS_FEATURE_IRQCHIP);
	print(NULL, "Guest timers");
	assert_string_equal(text, SEEN);
}

/* The report on timers says the same, once, instead of empty tables. */
static void timers_say_so_once(void **unused)
{
	begin(KVMSCHED_CLASS_DEFAULT, KS_FEATURE_IRQCHIP);
	print(&kvs_report_timers, "Guest timers");
	assert_string_equal(text, SEEN);
	print(&kvs_report_timers, "Causes");
	assert_string_equal(text, "");
}

static void interrupts_were_not_recorded(void **unused)
{
	begin(KVMSCHED_CLASS_DEFAULT & ~KVMSCHED_CLASS_IRQ, KS_FEATURE_IRQCHIP);
	print(NULL, "Guest timers");
	assert_string_equal(text, UNSEEN);
}

static void all_are_in_userspace(void **unused)
{
	begin(KVMSCHED_CLASS_DEFAULT, 0);
	print(NULL, "Guest timers");
	assert_string_equal(text, SEEN " vm 9: the LAPIC is in userspace, and so are its timers: "
			    "they are not seen");
}

/* One arm of the LAPIC's timer, and nothing of this is said. */
static void there_is_one_of_the_lapic(void **unused)
{
	begin(KVMSCHED_CLASS_DEFAULT, KS_FEATURE_IRQCHIP);
	FEED(&m, 3 * MS, 0, 10, timer_arm, ME, .mode = 2, .deadline = 5 * MS);
	print(NULL, "Guest timers");
	assert_null(strstr(text, "LAPIC"));
	assert_non_null(strstr(text, "armed 1"));
}

#define STIMER(ts, ...)	FEED(&m, ts, 0, 10, stimer, ME, __VA_ARGS__)

/* Two are delivered: one 20 us late, and one that was due when it was set. */
static void synthetic_timers(void)
{
	begin(KVMSCHED_CLASS_DEFAULT, KS_FEATURE_IRQCHIP);
	FEED(&m, 2 * MS, 0, 10, attach, .hook = "kvm_hv_stimer_expiration",
	     .classes = KVMSCHED_CLASS_TIMER, .how = KVMSCHED_HOW_TRACEPOINT);
	STIMER(3 * MS, .timer = 1, .what = KS_STIMER_ARMED, .ahead_cycles = MS);
	STIMER(4 * MS + 20000, .timer = 1, .what = KS_STIMER_DELIVERED, .direct = 1);
	STIMER(5 * MS, .timer = 1, .what = KS_STIMER_ARMED, .ahead_cycles = MS);
	STIMER(5 * MS + 1, .timer = 1, .what = KS_STIMER_STOPPED);
	STIMER(9 * MS, .timer = 1, .what = KS_STIMER_DELIVERED, .direct = 1);
	STIMER(10 * MS, .timer = 3, .what = KS_STIMER_REFUSED);
	/* Of a damaged file */
	STIMER(10 * MS, .timer = KS_STIMERS, .what = KS_STIMER_ARMED);
}

static void synthetic_timers_are_told(void **unused)
{
	synthetic_timers();
	print(NULL, "Guest timers");
	assert_string_equal(text, XENS);
	print(NULL, "Synthetic timers");
	assert_non_null(strstr(text, "9 0 1 one-shot interrupt 2 2 0 9 0 3 - - 0 0 1"));
	assert_non_null(strstr(text, "9 0 1 20.00 20.00 20.00 9 0 3 - - -"));
	print(&kvs_report_timers, "Synthetic timers");
	assert_non_null(strstr(text, "one-shot interrupt 2 2 0"));
}

/* Nothing pairs a deadline with a delivery if records between them are missing. */
static void a_deadline_before_a_loss(void **unused)
{
	begin(KVMSCHED_CLASS_DEFAULT, KS_FEATURE_IRQCHIP);
	STIMER(3 * MS, .what = KS_STIMER_ARMED, .ahead_cycles = MS);
	kvs_model_missed(&m, 0, 1);
	STIMER(4 * MS, .what = KS_STIMER_DELIVERED);
	print(NULL, "Synthetic timers");
	assert_non_null(strstr(text, "9 0 0 one-shot message 1 1 0"));
	assert_non_null(strstr(text, "9 0 0 - - -"));
}

#define TEST(function)	cmocka_unit_test_teardown(function, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(interrupts_are_seen),
		TEST(timers_say_so_once),
		TEST(interrupts_were_not_recorded),
		TEST(all_are_in_userspace),
		TEST(there_is_one_of_the_lapic),
		TEST(synthetic_timers_are_told),
		TEST(a_deadline_before_a_loss),
	};

	return cmocka_run_group_tests_name("other_timers", tests, NULL, NULL);
}

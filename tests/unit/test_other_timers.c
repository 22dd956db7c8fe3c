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
		if (within && strlen(text) + strlen(line) + 2 < sizeof(text))
			strcat(strcat(text, *text ? " " : ""), line + strspn(line, " "));
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

#define TEST(function)	cmocka_unit_test_teardown(function, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(interrupts_are_seen),
		TEST(timers_say_so_once),
		TEST(interrupts_were_not_recorded),
		TEST(all_are_in_userspace),
		TEST(there_is_one_of_the_lapic),
	};

	return cmocka_run_group_tests_name("other_timers", tests, NULL, NULL);
}

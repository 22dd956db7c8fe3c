// SPDX-License-Identifier: GPL-2.0-only
/*
 * A moment of a recording, as people write it; see when.h.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "base/when.h"

#define NS		1000000000LL
#define DAY		86400
#define MOST_DAYS	800		/* a recording lasts a year at most */
#define LAST_YEAR	2200		/* ns since 1970 fit into 64 bits until 2262 */
#define BOOT		"boot:"
#define MOST_UPTIME	1000000000ULL	/* s; more is a time since 1970, by mistake */

const struct kvs_when_form kvs_when_forms[] = {
	{ "12.5, 500ms", "since the recording began" },
	{ "boot:1234.5", "seconds since the boot, by CLOCK_MONOTONIC" },
	{ "@1234.5", "as trace-cmd and KernelShark print times of the recording" },
	{ "17:15, 17:15:49.5", "by the wall clock, on the day of the recording" },
	{ "2026-11-29T17:15:49", "on that day; with Z or +01:00 behind it, in that zone" },
	{ }
};

/* --- reading it -------------------------------------------------------- */

/* Exactly @digits digits, up to @most; false: they aren't there. */
static bool get_number(const char **s, unsigned int digits, int most, int *number)
{
	*number = 0;
	for (unsigned int i = 0; i < digits; i++, (*s)++) {
		if (!isdigit((unsigned char)**s))
			return false;
		*number = *number * 10 + **s - '0';
	}
	return *number <= most;
}

static bool get_char(const char **s, const char *any)
{
	if (!**s || !strchr(any, **s))
		return false;
	(*s)++;
	return true;
}

/* ".5": up to nine digits behind the point */
static bool get_fraction(const char **s, uint64_t *ns)
{
	uint64_t unit = NS / 10;

	*ns = 0;
	if (!get_char(s, "."))
		return true;
	if (!isdigit((unsigned char)**s))
		return false;
	for (; isdigit((unsigned char)**s); (*s)++, unit /= 10) {
		if (!unit)
			return false;
		*ns += unit * (**s - '0');
	}
	return true;
}

/* "2026-11-29"; false also if there is no such day */
static bool get_date(const char **s, int64_t *day)
{
	int year, month, number;
	struct tm tm = { 0 };
	time_t t;

	if (!get_number(s, 4, 9999, &year) || !get_char(s, "-") ||
	    !get_number(s, 2, 12, &month) || !get_char(s, "-") ||
	    !get_number(s, 2, 31, &number) || year < 1970 ||
	    year > LAST_YEAR || !month || !number)
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = number;
	t = timegm(&tm);
	*day = t / DAY;
	return tm.tm_mon == month - 1;	/* or it was the 30th of February */
}

static bool get_time(const char **s, struct kvs_when *when)
{
	int hour, minute, second = 0;

	if (!get_number(s, 2, 23, &hour) || !get_char(s, ":") || !get_number(s, 2, 59, &minute))
		return false;
	if (get_char(s, ":") && (!get_number(s, 2, 59, &second) || !get_fraction(s, &when->ns)))
		return false;
	when->second = (hour * 60 + minute) * 60 + second;
	return true;
}

/* "Z", "+01:00", "+0100", "-05"; nothing is right, too. */
static bool get_zone(const char **s, struct kvs_when *when)
{
	int sign = **s == '-' ? -1 : 1, hours, minutes = 0;

	if (!**s)
		return true;
	when->has_zone = true;
	if (get_char(s, "Zz"))
		return true;
	if (!get_char(s, "+-") || !get_number(s, 2, 15, &hours))
		return false;
	if (**s && ((get_char(s, ":") && !**s) || !get_number(s, 2, 59, &minutes)))
		return false;
	when->zone = sign * (hours * 60 + minutes) * 60;
	return true;
}

static bool get_wall(const char *s, struct kvs_when *when)
{
	when->has_day = strlen(s) > 4 && s[4] == '-';
	if (when->has_day && !get_date(&s, &when->day))
		return false;
	/* A date alone is the beginning of that day. */
	if ((!when->has_day || get_char(&s, "Tt ")) && !get_time(&s, when))
		return false;
	get_char(&s, " ");
	return get_zone(&s, when) && !*s;
}

static bool get_uptime(const char *s, uint64_t *ns)
{
	uint64_t seconds = 0, fraction;

	if (!isdigit((unsigned char)*s))
		return false;
	for (; isdigit((unsigned char)*s); s++)
		if (seconds < MOST_UPTIME)
			seconds = seconds * 10 + *s - '0';
	if (!get_fraction(&s, &fraction) || *s)
		return false;
	*ns = seconds < MOST_UPTIME ? seconds * NS + fraction : UINT64_MAX;
	return true;
}

bool kvs_when_parse(const char *text, struct kvs_when *when, char **why)
{
	*why = NULL;
	*when = (struct kvs_when){ .text = text };
	if (*text == '@' || !strncmp(text, BOOT, strlen(BOOT))) {
		size_t prefix = *text == '@' ? 1 : strlen(BOOT);

		when->kind = *text == '@' ? KVS_WHEN_TRACE : KVS_WHEN_SINCE_BOOT;
		if (!get_uptime(text + prefix, &when->ns))
			*why = xasprintf("'%s' is not %.*s and a number of seconds", text,
					 (int)prefix, text);
		else if (when->ns == UINT64_MAX)
			*why = xasprintf("'%s' would be more than 30 years; for a date say 2026-11-29T17:15:49",
					 text);
		return true;
	}
	if (!strchr(text, ':') && !(strlen(text) > 4 && text[4] == '-'))
		return false;
	when->kind = KVS_WHEN_WALL;
	if (!get_wall(text, when))
		*why = xasprintf("'%s' is not a time such as 17:15, 17:15:49.5 or 2026-11-29T17:15:49, with or without a zone such as Z or +01:00",
				 text);
	return true;
}

char *kvs_when_text(const struct kvs_when *when)
{
	if (when->kind == KVS_WHEN_SINCE_BEGIN)
		return xasprintf("%.9g s", when->seconds);
	return xstrdup(when->text ? when->text : "");
}

/* --- which moments it may mean ------------------------------------------ */

/* How far the zone of this program is ahead of UTC at @t */
static int64_t offset_at(int64_t t)
{
	time_t time = t;
	struct tm tm;

	return localtime_r(&time, &tm) ? tm.tm_gmtoff : 0;
}

/* The clock showed what it showed at @before until it was put forward, up to @after. */
static int64_t find_jump(int64_t before, int64_t after)
{
	int64_t old = offset_at(before);

	while (after - before > 1) {
		int64_t middle = before + (after - before) / 2;

		if (offset_at(middle) == old)
			before = middle;
		else
			after = middle;
	}
	return after;
}

/* Where the clock of this zone shows @shown, in s: never, once or twice */
static void add_local(const struct kvs_when *when, int64_t shown, int64_t *moments, size_t *nr)
{
	int64_t old = offset_at(shown - DAY), new = offset_at(shown + DAY);
	size_t before = *nr;

	if (offset_at(shown - old) == old)
		moments[(*nr)++] = (shown - old) * NS + when->ns;
	if (new != old && offset_at(shown - new) == new)
		moments[(*nr)++] = (shown - new) * NS + when->ns;
	if (*nr == before && new > old)
		moments[(*nr)++] = find_jump(shown - new, shown - old) * NS;
	else if (*nr == before)
		moments[(*nr)++] = (shown - offset_at(shown)) * NS + when->ns;
}

static int64_t floor_div(int64_t n, int64_t by)
{
	return n / by - (n % by < 0);
}

static int64_t day_of(const struct kvs_when *when, int64_t ns)
{
	int64_t t = floor_div(ns, NS);

	return floor_div(t + (when->has_zone ? when->zone : offset_at(t)), DAY);
}

int64_t *kvs_when_moments(const struct kvs_when *when, int64_t begin_ns, int64_t end_ns,
			  size_t *nr)
{
	int64_t first = when->has_day ? when->day : day_of(when, begin_ns) - 1;
	int64_t last = when->has_day ? when->day : day_of(when, end_ns) + 1;
	int64_t *moments;

	*nr = 0;
	if (last - first > MOST_DAYS)
		last = first + MOST_DAYS;
	moments = xcalloc(2 * (last - first + 1), sizeof(*moments));
	for (int64_t day = first; day <= last; day++) {
		int64_t shown = day * DAY + when->second;

		if (when->has_zone)
			moments[(*nr)++] = (shown - when->zone) * NS + when->ns;
		else
			add_local(when, shown, moments, nr);
	}
	return moments;
}

const char *kvs_wall_text(char text[KVS_WALL_LEN], int64_t ns)
{
	int64_t t = floor_div(ns, NS);
	time_t time = t;
	char date[24] = "?", zone[8] = "+0000";
	struct tm tm;

	if (localtime_r(&time, &tm)) {
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
		strftime(zone, sizeof(zone), "%z", &tm);
	}
	snprintf(text, KVS_WALL_LEN, "%s.%06d%.3s:%s", date, (int)((ns - t * NS) / 1000), zone,
		 zone + 3);
	return text;
}

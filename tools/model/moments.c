// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which time stamp a user means; see moments.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/moments.h"

/* The ties of a shorter stretch give a worse rate than the TSC's frequency does. */
#define LONG_NS		100000000
#define MOST_NS		(INT64_MAX / 4)	/* as times of ties: trace/cursor.c */

void kvs_clocks_init(struct kvs_clocks *c, const struct kvs_trace_info *info,
		     const struct kvs_times *times)
{
	*c = (struct kvs_clocks){
		.clock = info->clock, .tsc_mult = info->tsc_mult, .tsc_shift = info->tsc_shift,
		.tsc_offset = info->tsc_offset, .times = *times,
	};
	if (!info->nr_ties || info->clock != KVS_CLOCK_TSC || !times->ts.known || !times->ts.mult)
		return;
	c->nr_ties = info->nr_ties;
	c->ties = xcalloc(c->nr_ties, sizeof(*c->ties));
	memcpy(c->ties, info->ties, c->nr_ties * sizeof(*c->ties));
}

void kvs_clocks_free(struct kvs_clocks *c)
{
	free(c->ties);
	c->ties = NULL;
	c->nr_ties = 0;
}

/* --- from time stamps to clocks ------------------------------------------ */

bool kvs_clocks_trace(const struct kvs_clocks *c, u64 ts, u64 *ns)
{
	if (c->clock == KVS_CLOCK_TSC && !c->tsc_mult)
		return false;
	*ns = ts;
	if (c->clock == KVS_CLOCK_TSC)
		*ns = ((kvs_u128)ts * c->tsc_mult) >> c->tsc_shift;
	return true;
}

bool kvs_clocks_monotonic(const struct kvs_clocks *c, u64 ts, u64 *ns)
{
	if (!c->tsc_mult || !kvs_clocks_trace(c, ts, ns))
		return false;
	*ns += c->tsc_offset;
	return true;
}

/* The stretch of @ts: its first tie, which its last tie follows in the array */
static const struct kvs_tie *stretch_at(const struct kvs_clocks *c, u64 ts)
{
	unsigned int i = c->nr_ties - 2;

	while (i && ts < c->ties[i].tsc)
		i -= 2;
	return &c->ties[i];
}

/* Whether its two ties tell how fast the wall clock goes */
static bool tells_rate(const struct kvs_tie *first)
{
	return first[1].realtime_ns >= first[0].realtime_ns + LONG_NS &&
	       first[1].tsc > first[0].tsc;
}

/* n * mult / by, rounded down, and within limits that only garbage gets to; @by above 0 */
static s64 scaled(s64 n, u64 mult, u64 by)
{
	__int128 product = (__int128)n * mult, quotient = product / (__int128)by;

	quotient -= product % (__int128)by < 0;
	return quotient > MOST_NS ? MOST_NS : quotient < -MOST_NS ? -MOST_NS : quotient;
}

bool kvs_clocks_wall(const struct kvs_clocks *c, u64 ts, s64 *ns)
{
	const struct kvs_scale *s = &c->times.ts;
	const struct kvs_tie *first;
	s64 since;

	if (!c->nr_ties || ts > INT64_MAX)
		return false;
	first = stretch_at(c, ts);
	since = ts - first->tsc;
	if (tells_rate(first))
		since = scaled(since, first[1].realtime_ns - first->realtime_ns,
			       first[1].tsc - first->tsc);
	else
		since = scaled(since, s->mult, 1ULL << s->shift);
	*ns = first->realtime_ns + since;
	return true;
}

/* Both clocks are slewed, but only the wall clock is set. */
bool kvs_clocks_boottime(const struct kvs_clocks *c, u64 ts, u64 *ns)
{
	const struct kvs_tie *first;
	s64 wall;

	if (!kvs_clocks_wall(c, ts, &wall))
		return false;
	first = stretch_at(c, ts);
	*ns = wall - first->realtime_ns + first->boottime_ns;
	return true;
}

/* --- and back -------------------------------------------------------------- */

/* The first time stamp at which trace-cmd prints @ns, or later */
static u64 ts_of_trace(const struct kvs_clocks *c, u64 ns)
{
	kvs_u128 ts;

	if (c->clock != KVS_CLOCK_TSC)
		return ns;
	ts = (((kvs_u128)ns << c->tsc_shift) + c->tsc_mult - 1) / c->tsc_mult;
	return ts < INT64_MAX ? ts : INT64_MAX;
}

/* The same of the wall clock, as if all were this stretch; negative before the TSC's 0 */
static s64 ts_of_wall(const struct kvs_clocks *c, const struct kvs_tie *first, s64 ns)
{
	const struct kvs_scale *s = &c->times.ts;
	s64 since = ns - (s64)first->realtime_ns;

	/* Rounded up: what is rounded down on the other side is the same again. */
	if (tells_rate(first))
		since = -scaled(-since, first[1].tsc - first->tsc,
				first[1].realtime_ns - first->realtime_ns);
	else
		since = -scaled(-since, 1ULL << s->shift, s->mult);
	return first->tsc + since;
}

/* --- which of several is meant ------------------------------------------------ */

struct choice {
	const struct kvs_frame_of_time *frame;
	u64 inside[2];		/* the first two within the frame */
	unsigned int nr_inside;
	u64 nearest, distance;	/* of those outside */
	bool any;
};

static void offer(struct choice *c, s64 moment)
{
	const struct kvs_frame_of_time *f = c->frame;
	u64 ts = moment > 0 ? moment : 0;
	/* Also of a moment before the time stamp 0 */
	u64 distance = moment < (s64)f->begin ? f->begin - moment :
		       moment > (s64)f->end ? moment - f->end : 0;

	if (!distance && c->nr_inside && c->inside[0] == ts)
		return;
	if (!distance) {
		if (c->nr_inside < ARRAY_SIZE(c->inside))
			c->inside[c->nr_inside] = ts;
		c->nr_inside++;
	} else if (!c->any || distance < c->distance) {
		c->nearest = ts;
		c->distance = distance;
		c->any = true;
	}
}

/* A moment of the wall clock, in each stretch in which the clock showed it */
static void offer_wall(struct choice *choice, s64 ns)
{
	const struct kvs_clocks *c = choice->frame->clocks;
	s64 before = INT64_MIN;

	for (unsigned int i = 0; i < c->nr_ties; i += 2) {
		const struct kvs_tie *first = &c->ties[i];
		s64 ts = ts_of_wall(c, first, ns);
		s64 from = i ? (s64)first->tsc : INT64_MIN;
		s64 to = i + 2 < c->nr_ties ? (s64)first[2].tsc : INT64_MAX;

		/* The clock was put forward over @ns, which it never showed. */
		if (i && before >= from && ts < from)
			offer(choice, from);
		if (ts >= from && ts < to)
			offer(choice, ts);
		before = ts;
	}
}

static char *describe(const struct kvs_frame_of_time *f, u64 ts)
{
	char wall[KVS_WALL_LEN];
	u64 trace = 0;
	s64 ns = 0;

	kvs_clocks_wall(f->clocks, ts, &ns);
	kvs_clocks_trace(f->clocks, ts, &trace);
	return xasprintf("%s (@%llu.%06llu)", kvs_wall_text(wall, ns),
			 (unsigned long long)(trace / 1000000000),
			 (unsigned long long)(trace % 1000000000 / 1000));
}

static char *refuse_two(const struct kvs_when *when, const struct choice *c)
{
	char *one = describe(c->frame, c->inside[0]), *two = describe(c->frame, c->inside[1]);
	char *why = xasprintf("'%s' is %s in it, at %s and %s: say which of them",
			      when->text, c->nr_inside == 2 ? "twice" : "several times", one, two);

	free(one);
	free(two);
	return why;
}

/* NULL, or why it can't be found */
static char *find_wall(const struct kvs_when *when, const struct kvs_frame_of_time *f, u64 *ts)
{
	struct choice c = { .frame = f };
	s64 begin, end, *moments;
	size_t nr;

	if (!kvs_clocks_wall(f->clocks, f->begin, &begin) ||
	    !kvs_clocks_wall(f->clocks, f->end, &end))
		return xasprintf("it does not tell the wall clock, as recordings of trace-cmd and of older kvmscheds: instead of '%s' say seconds since it began, or since the boot as boot:12.5",
				 when->text);
	moments = kvs_when_moments(when, begin, end > begin ? end : begin, &nr);
	for (size_t i = 0; i < nr; i++)
		offer_wall(&c, moments[i]);
	free(moments);
	if (c.nr_inside > 1)
		return refuse_two(when, &c);
	*ts = c.nr_inside ? c.inside[0] : c.nearest;
	return NULL;
}

static char *find(const struct kvs_when *when, const struct kvs_frame_of_time *f, u64 *ts)
{
	u64 offset;

	switch (when->kind) {
	case KVS_WHEN_SINCE_BEGIN:
		*ts = when->seconds > 0 ? kvs_ts_after(&f->clocks->times, f->start, when->seconds) :
					  f->start;
		return NULL;
	case KVS_WHEN_SINCE_BOOT:
		if (!kvs_clocks_monotonic(f->clocks, 0, &offset))
			return xasprintf("it does not tell when the machine booted: instead of '%s' say seconds since it began",
					 when->text);
		*ts = when->ns - offset <= INT64_MAX ? ts_of_trace(f->clocks, when->ns - offset) : 0;
		return NULL;
	case KVS_WHEN_TRACE:
		if (!kvs_clocks_trace(f->clocks, 0, &offset))
			return xasprintf("it does not tell the TSC's rate, so that trace-cmd prints cycles: instead of '%s' say seconds since it began",
					 when->text);
		*ts = ts_of_trace(f->clocks, when->ns);
		return NULL;
	case KVS_WHEN_WALL:
		return find_wall(when, f, ts);
	case KVS_WHEN_OPEN:
		break;
	}
	return NULL;
}

bool kvs_when_part(const struct kvs_when *from, const struct kvs_when *to,
		   const struct kvs_frame_of_time *f, u64 *from_ts, u64 *to_ts, char **why)
{
	*from_ts = 0;
	*to_ts = UINT64_MAX;
	*why = find(from, f, from_ts);
	if (!*why)
		*why = find(to, f, to_ts);
	if (*why)
		return false;
	if (*from_ts >= *to_ts)
		*why = xstrdup("--from is not before --to");
	else if (*to_ts <= f->begin && *to_ts <= f->start)
		*why = xasprintf("--to %s is before it begins", to->text ? to->text : "");
	/* What is before the recording, as a deadline, is a part of what is not cut. */
	if (*from_ts <= f->begin && *from_ts <= f->start)
		*from_ts = 0;
	return !*why;
}

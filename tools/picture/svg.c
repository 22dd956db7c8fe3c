// SPDX-License-Identifier: GPL-2.0-only
/*
 * Draws a still of the time line as SVG.
 *
 * Each column of a lane is filled from below by what took time in it, each kind in
 * proportion: so areas are times, whatever the scale, and nothing is too short to be
 * seen.  One path for each kind keeps the file small.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "model/names.h"
#include "picture/paint.h"
#include "picture/svg.h"

#define LEFT		170	/* room for the lanes' names; one column is one unit wide */
#define RIGHT		20
#define TOP		34
#define LANE		20	/* its height */
#define MARKS		6	/* and that of the marks below a vCPU's lane */
#define GAP		6
#define LEGEND_LINE	18
#define MAX_TICKS	9
#define LETTER		6	/* about as wide as one of a label */

struct svg {
	FILE *f;
	const struct kvs_still *still;
	const struct kvs_model *m;
	const struct kvs_times *times;
	double y;		/* of what is drawn next */
};

/* Text within XML: the bytes of a name may be anything. */
static void put_text(FILE *f, const char *bytes)
{
	char *text = kvs_bytes_text(bytes);

	for (const char *s = text; *s; s++) {
		switch (*s) {
		case '&': fputs("&amp;", f); break;
		case '<': fputs("&lt;", f); break;
		case '>': fputs("&gt;", f); break;
		case '"': fputs("&quot;", f); break;
		default: fputc(*s, f);
		}
	}
	free(text);
}

static char *vcpu_label(const struct kvs_vcpu *v)
{
	char name[KVS_VM_LEN];

	return xasprintf("%s vCPU %u", kvs_vm_name(name, v), v->id);
}

/* Height above the lane's ground up to which the kinds before @kind fill a column */
static double level(const struct svg *svg, const struct kvs_strip *strip, unsigned int column,
		    unsigned int kind)
{
	const struct kvs_frame *frame = &svg->still->frame;
	u64 width = kvs_frame_begin(frame, column + 1) - kvs_frame_begin(frame, column);
	s64 sum = 0;

	for (unsigned int k = 0; k < kind; k++)
		sum += strip->time[(size_t)column * strip->kinds + k];
	if (!width || sum <= 0)
		return 0;
	/* Hundredths, so that like columns are equal */
	return round(fmin((double)sum / width, 1) * LANE * 100) / 100;
}

static void draw_box(const struct svg *svg, unsigned int from, unsigned int to, double low,
		     double high)
{
	fprintf(svg->f, "M%u %gh%uv%gh-%uz", LEFT + from, svg->y + LANE - high, to - from,
		high - low, to - from);
}

/* One kind of a lane: columns side by side of equal height are one box. */
static void draw_kind(const struct svg *svg, const struct kvs_strip *strip, unsigned int kind,
		      const char *name)
{
	unsigned int from = 0;
	double low = 0, high = 0;
	bool any = false;

	for (unsigned int column = 0; column <= svg->still->frame.columns; column++) {
		bool end = column == svg->still->frame.columns;
		double l = end ? 0 : level(svg, strip, column, kind);
		double h = end ? 0 : level(svg, strip, column, kind + 1);

		if (l == low && h == high && !end)
			continue;
		if (high > low) {
			if (!any)
				fprintf(svg->f, "<path class=\"k-%s\" fill=\"url(#p-%s)\" d=\"",
					name, name);
			any = true;
			draw_box(svg, from, column, low, high);
		}
		from = column;
		low = l;
		high = h;
	}
	if (any)
		fputs("\"/>\n", svg->f);
}

static void draw_strip(const struct svg *svg, const struct kvs_strip *strip,
		       const struct kvs_paint *paint)
{
	for (unsigned int kind = 0; kind < strip->kinds; kind++)
		draw_kind(svg, strip, kind, paint[kind].name);
}

/* What a lane sums to, for those who hover or can't see it */
static void put_shares(const struct svg *svg, const struct kvs_strip *strip,
		       const struct kvs_paint *paint)
{
	const struct kvs_frame *frame = &svg->still->frame;
	const char *between = ": ";

	for (unsigned int kind = 0; kind < strip->kinds; kind++) {
		u64 sum = kvs_strip_sum(strip, frame, kind);

		if (!sum)
			continue;
		fprintf(svg->f, "%s%s %.3f ms, %.2f %%", between, paint[kind].words,
			kvs_scale(&svg->times->ts, sum) / 1e6,
			100.0 * sum / (frame->to - frame->from));
		between = "; ";
	}
}

static void begin_lane(const struct svg *svg, const char *kind, const char *label,
		       const struct kvs_strip *strip, const struct kvs_paint *paint)
{
	size_t room = LEFT / LETTER - 2;

	fprintf(svg->f, "<g class=\"%s\" role=\"img\"><title>", kind);
	put_text(svg->f, label);
	if (strip)
		put_shares(svg, strip, paint);
	fprintf(svg->f, "</title>\n<text x=\"%d\" y=\"%g\" text-anchor=\"end\">", LEFT - 8,
		svg->y + LANE - 6);
	/* Its end tells a name from others, and a cut within UTF-8 is escaped. */
	if (strlen(label) > room) {
		fputs("\u2026", svg->f);
		label += strlen(label) - room;
	}
	put_text(svg->f, label);
	fputs("</text>\n", svg->f);
}

/* The columns in which a strip of one kind has any time, as bars of that height */
static void draw_bars(const struct svg *svg, const struct kvs_strip *strip, const char *class,
		      double y, unsigned int height)
{
	unsigned int columns = svg->still->frame.columns, from = 0;
	bool any = false;

	for (unsigned int c = 0; c <= columns; c++) {
		if (c < columns && strip->time[c])
			continue;
		if (c > from) {
			fprintf(svg->f, any ? "" : "<path class=\"%s\" d=\"", class);
			fprintf(svg->f, "M%u %gh%uv%uh-%uz", LEFT + from, y, c - from, height,
				c - from);
			any = true;
		}
		from = c + 1;
	}
	fputs(any ? "\"/>\n" : "", svg->f);
}

static void draw_marks(const struct svg *svg, const struct kvs_still_vcpu *lane)
{
	unsigned int columns = svg->still->frame.columns;
	double top = svg->y + LANE;
	bool any = false;

	draw_bars(svg, &lane->armed, "armed", top + 2, 1);
	draw_bars(svg, &lane->timer, "due", top + 1, 3);
	for (unsigned int c = 0; c < columns; c++) {
		if (!lane->injected[c])
			continue;
		fprintf(svg->f, "%sM%u.5 %gv4", any ? "" : "<path class=\"mark\" d=\"",
			LEFT + c, top + 2);
		any = true;
	}
	fputs(any ? "\"/>\n" : "", svg->f);
}

static void draw_vcpu(struct svg *svg, const struct kvs_still_vcpu *lane)
{
	char *label;

	if (!lane->vcpu)
		return;
	label = vcpu_label(lane->vcpu);
	begin_lane(svg, "vcpu", label, &lane->states, kvs_state_paint);
	draw_strip(svg, &lane->states, kvs_state_paint);
	draw_marks(svg, lane);
	fputs("</g>\n", svg->f);
	svg->y += LANE + MARKS + GAP;
	free(label);
}

/* A task of a guest: its PID, too, is that in the guest. */
static void draw_guest(struct svg *svg, unsigned int lane)
{
	const struct kvs_lanes *lanes = &svg->still->lanes;
	const struct kvs_strip *strip = &svg->still->guests[lane];
	char *label = xasprintf("%s: %s/%d", lanes->guests[lane].vm, lanes->guests[lane].comm,
				lanes->guests[lane].pid);

	begin_lane(svg, "guest", label, strip, kvs_guest_task_paint);
	draw_strip(svg, strip, kvs_guest_task_paint);
	fputs("</g>\n", svg->f);
	svg->y += LANE + GAP;
	free(label);
}

/* The kind that fills a column most */
static unsigned int main_kind(const struct kvs_strip *strip, unsigned int column)
{
	const s64 *time = &strip->time[(size_t)column * strip->kinds];
	unsigned int best = 0;

	for (unsigned int kind = 1; kind < strip->kinds; kind++)
		if (time[kind] > time[best])
			best = kind;
	return best;
}

static char *who_label(const void *who, unsigned int kind)
{
	const struct kvs_task *task = who;

	if (kind == KVS_RUNS_TASK || kind == KVS_RUNS_VMM)
		return xasprintf("%s/%d", task->comm, task->pid);
	return kind == KVS_RUNS_UNKNOWN ? NULL : vcpu_label(who);
}

/* Write into a stretch of columns who alone had the CPU there, where there is room. */
static void draw_who(const struct svg *svg, const struct kvs_strip *strip, unsigned int from,
		     unsigned int to)
{
	char *label = who_label(strip->who[from], main_kind(strip, from));

	if (label && strlen(label) * LETTER + 4 <= to - from) {
		fprintf(svg->f, "<text class=\"who\" x=\"%g\" y=\"%g\" text-anchor=\"middle\">",
			LEFT + (from + to) / 2.0, svg->y + LANE - 6);
		put_text(svg->f, label);
		fputs("</text>\n", svg->f);
	}
	free(label);
}

static void draw_cpu(struct svg *svg, const struct kvs_still_cpu *lane)
{
	const struct kvs_strip *strip = &lane->runs;
	char *label = xasprintf("CPU %u", lane->cpu);
	unsigned int from = 0;

	begin_lane(svg, "cpu", label, strip, kvs_runs_paint);
	draw_strip(svg, strip, kvs_runs_paint);
	for (unsigned int c = 1; c <= svg->still->frame.columns; c++) {
		if (c < svg->still->frame.columns && strip->who[c] == strip->who[from])
			continue;
		if (strip->who[from])
			draw_who(svg, strip, from, c);
		from = c;
	}
	fputs("</g>\n", svg->f);
	svg->y += LANE + GAP;
	free(label);
}

/* A round number of ns, so that at most MAX_TICKS fit */
static double tick_step(double ns)
{
	static const double round_ones[] = { 1, 2, 5 };

	for (double ten = 1;; ten *= 10)
		for (size_t i = 0; i < ARRAY_SIZE(round_ones); i++)
			if (ns / (ten * round_ones[i]) <= MAX_TICKS)
				return ten * round_ones[i];
}

static int decimals(double step)
{
	return step >= 1e9 ? 0 : (int)ceil(9 - log10(step));
}

static void draw_axis(struct svg *svg)
{
	const struct kvs_frame *frame = &svg->still->frame;
	double from = kvs_seconds_since_begin(svg->m, svg->times, frame->from) * 1e9;
	double length = kvs_scale(&svg->times->ts, frame->to - frame->from);
	double step = tick_step(length);

	fprintf(svg->f, "<path class=\"axis\" d=\"M%d %g.5h%u", LEFT, svg->y, frame->columns);
	for (double t = ceil(from / step) * step; t <= from + length; t += step)
		fprintf(svg->f, "M%.1f %gv5", LEFT + (t - from) / length * frame->columns, svg->y);
	fputs("\"/>\n", svg->f);
	for (double t = ceil(from / step) * step; t <= from + length; t += step)
		fprintf(svg->f, "<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">%.*f s</text>\n",
			LEFT + (t - from) / length * frame->columns, svg->y + 17,
			decimals(step), t / 1e9);
	svg->y += 26;
}

struct legend {
	struct svg *svg;
	double x;
};

static double legend_entry(struct legend *l, const char *words)
{
	double x, width = 22 + LETTER * strlen(words) + 10;

	if (l->x + width > LEFT + l->svg->still->frame.columns) {
		l->x = LEFT;
		l->svg->y += LEGEND_LINE;
	}
	x = l->x;
	fprintf(l->svg->f, "<text x=\"%g\" y=\"%g\">", x + 20, l->svg->y + 10);
	put_text(l->svg->f, words);
	fputs("</text>\n", l->svg->f);
	l->x += width;
	return x;
}

static void legend_break(struct legend *l)
{
	if (l->x > LEFT)
		l->svg->y += LEGEND_LINE;
	l->x = LEFT;
}

static void legend_kinds(struct legend *l, const struct kvs_paint *paint, const bool *used,
			 unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		double x;

		if (!used[i])
			continue;
		x = legend_entry(l, paint[i].words);
		fprintf(l->svg->f, "<rect x=\"%g\" y=\"%g\" width=\"15\" height=\"11\" fill=\"url(#p-%s)\"/>\n",
			x, l->svg->y, paint[i].name);
	}
	legend_break(l);
}

static void legend_marks(struct legend *l)
{
	double x = legend_entry(l, "an interrupt was injected");

	fprintf(l->svg->f, "<path class=\"mark\" d=\"M%g %gv6\"/>\n", x + 7.5, l->svg->y + 3);
	x = legend_entry(l, "the guest's timer was armed");
	fprintf(l->svg->f, "<path class=\"armed\" d=\"M%g %gh15v1h-15z\"/>\n", x, l->svg->y + 5);
	x = legend_entry(l, "it was due, and not injected yet");
	fprintf(l->svg->f, "<path class=\"due\" d=\"M%g %gh15v3h-15z\"/>\n", x, l->svg->y + 4);
	legend_break(l);
}

static void legend_note(struct legend *l, const char *words)
{
	fprintf(l->svg->f, "<text x=\"%d\" y=\"%g\">%s</text>\n", LEFT, l->svg->y + 10, words);
	l->svg->y += LEGEND_LINE;
}

static void note_used(bool *used, const struct kvs_strip *strip, const struct kvs_frame *frame)
{
	for (unsigned int kind = 0; kind < strip->kinds; kind++)
		used[kind] |= kvs_strip_sum(strip, frame, kind) != 0;
}

static void note_guests_left_out(struct legend *l, unsigned int left_out)
{
	char *words = xasprintf("More tasks of guests ran or waited than fit: %u %s left out; drawn are those that ran longest, %u of each guest and %u in all at most",
				left_out, left_out == 1 ? "is" : "are", KVS_TASK_LANES,
				KVS_GUEST_LANES);

	legend_note(l, words);
	free(words);
}

/* Only what is in the picture is explained. */
static void draw_legend(struct svg *svg, unsigned int hidden)
{
	const struct kvs_still *still = svg->still;
	bool states[KVMSCHED_NR_STATES] = { false }, runs[KVS_RUNS_KINDS] = { false };
	bool does[KVS_GUEST_TASK_KINDS] = { false };
	struct legend l = { .svg = svg, .x = LEFT };

	for (unsigned int i = 0; i < still->lanes.nr_vcpus; i++)
		note_used(states, &still->vcpus[i].states, &still->frame);
	for (unsigned int i = 0; i < still->lanes.nr_cpus; i++)
		note_used(runs, &still->cpus[i].runs, &still->frame);
	for (unsigned int i = 0; i < still->lanes.nr_guests; i++)
		note_used(does, &still->guests[i], &still->frame);
	legend_kinds(&l, kvs_state_paint, states, KVMSCHED_NR_STATES);
	legend_kinds(&l, kvs_guest_task_paint, does, KVS_GUEST_TASK_KINDS);
	legend_kinds(&l, kvs_runs_paint, runs, KVS_RUNS_KINDS);
	legend_marks(&l);
	if (!kvs_model_has_class(svg->m, KVMSCHED_CLASS_EXIT))
		legend_note(&l, "vCPUs: what they do within KVM_RUN is unknown while they are on a CPU: class exit was not recorded");
	if (!kvs_model_has_class(svg->m, KVMSCHED_CLASS_SWITCH))
		legend_note(&l, "vCPUs: what they do out of guest mode is unknown: class switch was not recorded");
	if (!kvs_model_has_class(svg->m, KVMSCHED_CLASS_HOST))
		legend_note(&l, "CPUs: nothing is drawn where another task ran, or none: class host was not recorded");
	if (hidden)
		legend_note(&l, "More vCPUs than fit: choose with --vm and --vcpu");
	if (still->lanes.cpus_left_out)
		legend_note(&l, "More CPUs were in use than fit");
	if (still->lanes.guests_left_out)
		note_guests_left_out(&l, still->lanes.guests_left_out);
}

static void draw_title(const struct svg *svg, const char *path)
{
	const struct kvs_frame *frame = &svg->still->frame;
	double from = kvs_seconds_since_begin(svg->m, svg->times, frame->from);

	fprintf(svg->f, "<text class=\"title\" x=\"%d\" y=\"20\">", LEFT);
	put_text(svg->f, path);
	fprintf(svg->f, ": %.6f s to %.6f s</text>\n", from,
		from + kvs_scale(&svg->times->ts, frame->to - frame->from) / 1e9);
}

static void draw(struct svg *svg, const char *path, unsigned int hidden)
{
	draw_title(svg, path);
	for (unsigned int i = 0; i < svg->still->lanes.nr_vcpus; i++)
		draw_vcpu(svg, &svg->still->vcpus[i]);
	for (unsigned int i = 0; i < svg->still->lanes.nr_guests; i++)
		draw_guest(svg, i);
	for (unsigned int i = 0; i < svg->still->lanes.nr_cpus; i++)
		draw_cpu(svg, &svg->still->cpus[i]);
	draw_axis(svg);
	draw_legend(svg, hidden);
}

void kvs_svg_write(FILE *f, const struct kvs_still *still, const struct kvs_model *m,
		   const struct kvs_times *times, const char *path, unsigned int hidden)
{
	struct svg svg = { .still = still, .m = m, .times = times, .y = TOP };
	unsigned int width = LEFT + still->frame.columns + RIGHT, height;
	char *body;
	size_t size;

	/* Its height, which stands at its beginning, is known at its end. */
	svg.f = xopen_memstream(&body, &size);
	draw(&svg, path, hidden);
	fclose(svg.f);
	height = svg.y + GAP;
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" width=\"%u\" height=\"%u\">\n",
		width, height, width, height);
	kvs_paint_define(f, still->lanes.nr_guests);
	fputs("<rect width=\"100%\" height=\"100%\" class=\"ground\"/>\n", f);
	fwrite(body, 1, size, f);
	fputs("</svg>\n", f);
	free(body);
}

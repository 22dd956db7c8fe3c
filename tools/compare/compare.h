/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compares arms: recordings under one policy with recordings under another.
 *
 *	recording -> units (a round, or blocks of its time) -> a value of each
 *	metric for each unit -> arms of many units -> pairs of arms -> verdicts
 *
 *	values.c	values of one metric, some of them censored
 *	survey.c	first pass over a recording: its window and longest slice
 *	collect.c	second pass: from records to the values of its units
 *	guests.c	the same for tasks within guests, by the guests' own traces
 *	load.c		from files and result folders to arms
 *	cost.c		recorded rounds beside unrecorded ones
 *	compare.c	from two arms to verdicts; reads no file, prints nothing
 *	factors.c	from all arms to the effects of the host's and the guests' policies
 *	factors-print.c	prints these
 *	text.c		prints tables
 *	hist.c		prints histograms side by side
 *	json.c		prints JSON
 *	page.c		writes a page for a browser
 *
 * Unless a name says otherwise, times are nanoseconds and shares are 0 .. 1.
 */
#ifndef KVMSCHED_COMPARE_H
#define KVMSCHED_COMPARE_H

#include <jansson.h>
#include <stdio.h>

#include "model/model.h"
#include "model/moments.h"
#include "report/view.h"
#include "stats/stats.h"

/* What is compared.  The metrics before KVS_M_PER_UNIT have many values in a unit. */
enum kvs_metric {
	KVS_M_SLICE,
	KVS_M_WAIT_PREEMPTED,
	KVS_M_WAIT_WOKEN,
	KVS_M_TIMER_LATENESS,
	KVS_M_IRQ_DELIVERY,
	KVS_M_EXIT_COST,
	KVS_M_TASK_SLICE,	/* the next three only if tasks of guests are asked for */
	KVS_M_TASK_WAIT,
	KVS_M_TASK_LATENESS,
	KVS_M_PER_UNIT,		/* from here on: one value for each unit */
	KVS_M_SLICES = KVS_M_PER_UNIT,
	KVS_M_PREEMPTIONS,
	KVS_M_FAIRNESS,
	KVS_M_GUEST_SHARE,
	KVS_M_SWITCHES,
	KVS_M_STEAL,
	KVS_NR_METRICS
};

/* Which values of a metric are better, if any */
enum kvs_direction { KVS_DIR_NONE, KVS_DIR_LOWER, KVS_DIR_HIGHER };

struct kvs_metric_desc {
	const char *name;	/* in JSON, and as --metric takes it */
	const char *title;	/* in tables */
	const char *unit;	/* "ns", "1/s" or "" (a share) */
	enum kvs_direction better;
	const char *what;	/* one line of explanation */
};

extern const struct kvs_metric_desc kvs_metrics[KVS_NR_METRICS];

/* --- values.c ------------------------------------------------- */

/* A value and how often it came; in single precision, 24 bits */
struct kvs_counted {
	float value;
	uint64_t count;
} __attribute__((packed));

/*
 * Values of one metric, in bounded memory: at most 0.8 MB but for censored ones.  All
 * zeroes is empty.
 */
struct kvs_values {
	struct kvs_counted *seen;	/* by hash, or, after kvs_values_sort(), in order */
	size_t room, distinct;	/* of @seen: allocated, used */
	bool hashed;
	unsigned int dropped;	/* low bits of each value that were rounded away */
	uint64_t nr;		/* sum of the counts */
	double *censored;	/* values whose end was not seen; there are few */
	size_t nr_censored;
};

/*
 * The statistic that represents a unit is a quantile of its values, as a number above 0
 * and up to 1, or their mean.
 */
#define KVS_STATISTIC_MEAN	0.0

void kvs_values_add(struct kvs_values *v, double value, bool censored);
void kvs_values_merge(struct kvs_values *into, const struct kvs_values *from);
/* Brings both kinds of values in order, the smallest first. */
void kvs_values_sort(struct kvs_values *v);
/* By how much a value may be off, as a share of it; 0: not at all */
double kvs_values_rounding(const struct kvs_values *v);
/*
 * The quantile @q (see kvs_quantile()), or the statistic, of the values; false if there
 * are none.
 */
bool kvs_values_quantile(struct kvs_values *v, double q, struct kvs_obs *obs);
bool kvs_values_statistic(struct kvs_values *v, double statistic, struct kvs_obs *obs);
/* Frees the values; @v is empty then. */
void kvs_values_free(struct kvs_values *v);

/* Which part of each recording is compared */
struct kvs_part {
	struct kvs_select select;	/* vCPUs */
	struct kvs_when from, to;	/* seconds count from where it began, or a round's window */
};

/* --- collect.c ------------------------------------------------ */

/* A vCPU that existed during a round, by the kernel's own counts; it may have no record */
struct kvs_witness {
	long pid, vm_index, vcpu;	/* whose it is: process, VM of that, number */
	long tid;
	bool starved;		/* runnable for the whole round, and never on a CPU */
};

/* How a recording is divided into units, and what its records may not show */
struct kvs_cut {
	double block_ns;	/* length of a unit; 0: the whole recording is one unit */
	size_t most_blocks;	/* the most units: of more, this many are drawn; 0: all are taken */
	uint64_t seed;		/* of those that are drawn */
	const struct kvs_witness *witnesses;
	size_t nr_witnesses;
};

/* What the first pass over a recording finds out */
struct kvs_survey {
	struct kvs_times times;
	struct kvs_clocks clocks;
	u64 start;		/* of the recording, a time stamp */
	u64 begin, end;		/* the window, in time stamps of the file */
	double longest_ns;	/* the longest slice */
	unsigned int vcpus;	/* that are selected */
	bool *wanted;		/* by the index of a vCPU: is it selected?  NULL: all are */
	u64 records, lost;
	bool lost_exact;	/* false: at least @lost records were lost */
	bool tsc;		/* the file's clock is the TSC */
};

/* One round, or one block of a recording */
struct kvs_unit {
	struct kvs_values values[KVS_M_PER_UNIT];	/* metrics with many values */
	struct kvs_obs single[KVS_NR_METRICS];		/* the others: one value each */
	bool known[KVS_NR_METRICS];			/* whether @single has one */
};

struct kvs_units {
	struct kvs_unit *units;
	size_t nr;
	size_t fit;		/* how many there is time for: more than @nr if these are drawn */
	struct kvs_unit rest;	/* values of the time that belongs to no unit */
	bool idle;		/* no vCPU was runnable in any of them */
};

/*
 * The two passes.  Both return false after a message.  @whole: the window is the whole
 * recording, and not only the time while all the vCPUs that @select names existed.
 * Of the witnesses only those stay that @select names.
 */
bool kvs_survey_file(const char *path, bool whole, const struct kvs_select *select,
		     struct kvs_survey *survey, struct kvs_witness *witnesses,
		     size_t *nr_witnesses);
/* The window is at most @part's.  False after a message: nothing is left of it. */
bool kvs_survey_narrow(const char *path, const struct kvs_part *part,
		       struct kvs_survey *survey);
void kvs_survey_free(struct kvs_survey *survey);
bool kvs_collect_file(const char *path, const struct kvs_survey *survey,
		      const struct kvs_cut *cut, struct kvs_units *units);
void kvs_units_free(struct kvs_units *units);

/* What kvs_collect_file() uses; tests feed it with records. */
struct kvs_collector;

struct kvs_collector *kvs_collector_create(const struct kvs_survey *survey,
					   const struct kvs_cut *cut);
void kvs_collector_record(void *collector, const struct kvs_record *rec);
void kvs_collector_missed(void *collector, unsigned int cpu, s64 count);
void kvs_collector_foretold(void *collector, const struct kvs_record *rec);
/* Fills in @units and frees @c. */
void kvs_collector_finish(struct kvs_collector *c, struct kvs_units *units);

/* --- guests.c ------------------------------------------------- */

/* Tasks that were runnable, and did not run in the whole window */
struct kvs_never_ran {
	unsigned int tasks, rounds;	/* of all rounds; rounds that had any */
};

/*
 * Adds to @unit, which is all of the window of the recording @host, what the guests' tasks
 * called @name got on what is selected; @files are the guests' traces.  False after a message.
 */
bool kvs_collect_guests(const char *host, char *const *files, size_t nr, const char *name,
			const struct kvs_select *select, const struct kvs_survey *survey,
			struct kvs_unit *unit, struct kvs_never_ran *never);

/* --- compare.c -------------------------------------------------------- */

struct kvs_arm {
	char *name;				/* as kvs_bytes_text() makes it */
	size_t files, units;			/* how many belong to it */
	size_t fit;				/* units that there was time for, see kvs_units */
	struct kvs_obs *value[KVS_NR_METRICS];	/* one for each unit that has a value */
	size_t nr[KVS_NR_METRICS];		/* of @value */
	struct kvs_values pool[KVS_NR_METRICS];	/* all values of all units */
	u64 lost;				/* records, in all files */
	unsigned int vcpus;			/* the most in a file */
	unsigned int starved;			/* how often a vCPU was, for a whole round */
	struct kvs_never_ran never;		/* tasks of guests */
};

/* Add the units of one file; @statistic represents each unit. */
void kvs_arm_add(struct kvs_arm *arm, struct kvs_units *units, double statistic);
void kvs_arm_free(struct kvs_arm *arm);

/* BETTER and WORSE if the metric has a direction, HIGHER and LOWER if it has none */
enum kvs_verdict {
	KVS_V_BETTER, KVS_V_WORSE, KVS_V_HIGHER, KVS_V_LOWER, KVS_V_NONE, KVS_V_TOO_FEW,
};

const char *kvs_verdict_name(enum kvs_verdict verdict);

/* One metric of a pair of arms.  Numbers that are not known are NaN. */
struct kvs_result {
	bool present;		/* one of the arms has values */
	bool tested;		/* both arms have enough values for a test */
	double difference;	/* b minus a, by Hodges and Lehmann */
	double effect;		/* Cliff's delta, -1 .. 1 */
	double p, corrected;	/* of the test; corrected by Holm's method */
	enum kvs_bound bound;	/* of @difference */
	double ci[2];		/* interval of @difference, not corrected */
	size_t draws;		/* permutations that were drawn for @p; 0: it is from all */
	bool identical;		/* within each arm all values are equal */
	double detectable;	/* with verdict NONE: the difference that would be found */
	size_t needed;		/* with TOO_FEW: units that an arm needs; 0: unknown */
	enum kvs_verdict verdict;
};

struct kvs_comparison {
	struct kvs_arm *a, *b;	/* @b is compared with @a */
	struct kvs_result result[KVS_NR_METRICS];
	size_t tests;		/* that were made */
};

enum kvs_inference { KVS_BY_ROUND, KVS_BY_BLOCK };

#define KVS_ALPHA	0.05	/* a corrected p up to this is a difference */
#define KVS_CONFIDENCE	0.95	/* of intervals */
#define KVS_POWER	0.8	/* with which @detectable would be found */
#define KVS_MIN_ROUNDS	6	/* an arm, for a test of rounds */
#define KVS_MIN_BLOCKS	12	/* an arm, for a test of blocks */
#define KVS_BLOCK_SLICES	10	/* a block is at least as long as 10 longest slices */
#define KVS_MAX_BLOCKS	20	/* that the shorter file is divided into */
/*
 * A longer file gives up to this many times as many.  4 blocks for each one of the other file
 * give 4/5 of the precision that any number could give (Ury, Biometrics 31, 1975), while the
 * cost of the test grows with them.
 */
#define KVS_BLOCK_RATIO	4

struct kvs_settings {
	enum kvs_inference by;
	bool too_short;		/* by block: the files are too short for KVS_MIN_BLOCKS */
	double statistic;	/* that represents a unit; see KVS_STATISTIC_MEAN */
	uint64_t seed;
	bool all_pairs;		/* correct for the tests of all pairs, not of each pair */
	unsigned int metrics;	/* those to test, by bits of enum kvs_metric */
};

/* Compare @nr pairs.  They come in one call, since the correction may be over all of them. */
void kvs_compare(struct kvs_comparison *pairs, size_t nr,
		 const struct kvs_settings *settings);

/* --- factors.c ------------------------------------------------ */

/* What may have an effect */
enum kvs_effect_of { KVS_E_HOST, KVS_E_GUEST, KVS_E_INTERACTION, KVS_NR_EFFECTS };

enum kvs_effect_verdict {
	KVS_EV_DIFFERS,		/* the levels differ; an interaction: they depend on each other */
	KVS_EV_NONE,
	KVS_EV_TOO_FEW,		/* rounds */
	KVS_EV_BOUNDS,		/* an interaction isn't tested where some values are bounds */
};

struct kvs_effect {
	double p, corrected;	/* by Holm's method; NaN: not tested */
	enum kvs_effect_verdict verdict;
};

/* Metrics that are tested at most, three effects each */
#define KVS_MAX_FACTOR_METRICS	4

/* Each policy of the host with each policy within the guests: a cell is an arm */
struct kvs_factors {
	char **host, **guest;		/* names of the levels, as kvs_bytes_text() makes them */
	size_t nr_host, nr_guest;
	size_t *arm;			/* index of each cell's, one policy of the host after the other */
	unsigned int metrics;		/* that have values, by bits of enum kvs_metric */
	struct kvs_effect effect[KVS_NR_METRICS][KVS_NR_EFFECTS];
	size_t tests;
};

struct kvs_study;
/* Fills in @study->factors; false after a message: the arms are no such design. */
bool kvs_factors_make(struct kvs_study *study);
void kvs_factors_free(struct kvs_factors *f);
const char *kvs_effect_name(enum kvs_effect_of of);
const char *kvs_effect_verdict_name(enum kvs_effect_verdict verdict);
void kvs_factors_text(const struct kvs_study *study);
json_t *kvs_factors_json(const struct kvs_study *study);

/* --- load.c --------------------------------------------------- */

struct kvs_study {
	struct kvs_settings settings;
	const char *baseline;	/* name of an arm; NULL: the first */
	const char *to;		/* a file that will be written; NULL: none */
	const char *task;	/* name of the guests' tasks to compare; NULL: guests' traces aren't read */
	struct kvs_part part;
	struct kvs_arm *arms;
	size_t nr_arms;
	struct kvs_comparison *pairs;
	size_t nr_pairs;
	double block_ns;	/* by block: length of a block */
	size_t most_blocks;	/* by block: the most of one file; of more, this many are drawn */
	double needed_ns;	/* too_short: length that recordings need; else 0 */
	bool by_factors;	/* compare them, and not each arm with the baseline */
	struct kvs_factors *factors;	/* if so */
	bool deterministic;	/* in each arm all rounds are equal in every metric */
	json_t *result;		/* result.json of a folder; NULL without a folder */
};

/*
 * Read the recordings that @args names (FILE..., NAME=FILE..., or one folder), and compare
 * them as @study->settings say.  False after a message.
 */
bool kvs_study_load(struct kvs_study *study, char **args, size_t nr);
void kvs_study_free(struct kvs_study *study);
/* Is the second arm of @pair the control of the first? */
bool kvs_study_is_control(const struct kvs_study *study, const struct kvs_comparison *pair);
/* The index of the arm with this name, which may be any bytes; @study->nr_arms: none has it */
size_t kvs_study_arm(const struct kvs_study *study, const char *name);
/* The same with a name as kvs_bytes_text() makes it, which is what result.json has */
size_t kvs_study_arm_of_text(const struct kvs_study *study, const char *text);

/* --- cost.c --------------------------------------------------- */

enum kvs_cost { KVS_COST_RUN, KVS_COST_SWITCHES, KVS_NR_COSTS };

struct kvs_cost_range {
	unsigned int rounds;
	double low, high;	/* of all rounds: seconds, or switches, per vCPU and second */
};

struct kvs_costs {
	struct kvs_cost_range recorded[KVS_NR_COSTS], unrecorded[KVS_NR_COSTS];
};

/* False if @arm, an index, has no recorded round or no unrecorded one */
bool kvs_study_cost(const struct kvs_study *study, size_t arm, struct kvs_costs *costs);

/* --- printers --------------------------------------------------------- */

/* @histograms: the metrics to draw, by bits of enum kvs_metric */
void kvs_study_text(const struct kvs_study *study, unsigned int histograms);
/* False if it could not be written */
bool kvs_study_json(const struct kvs_study *study);
/* The object that kvs_study_json() prints */
json_t *kvs_study_object(const struct kvs_study *study);
/*
 * A page for a browser, with @command that makes it, for a shell; @histograms belong to the
 * text within it.  False: some of it could not be written.
 */
bool kvs_study_page(FILE *f, const struct kvs_study *study, unsigned int histograms,
		    const char *command);
/* A verdict as tables have it, which begins with its name; the caller frees it. */
char *kvs_verdict_words(enum kvs_metric m, const struct kvs_result *r, bool too_short);
/* Cells of tables: a quantile of values, a corrected p; the unit in which times are shown */
struct kvs_rows;
void kvs_compare_cell_value(struct kvs_rows *rows, unsigned int m, struct kvs_values *v, double q);
void kvs_compare_cell_p(struct kvs_rows *rows, double p);
const char *kvs_compare_unit(unsigned int m);
/* What JSON has of one metric of an arm */
json_t *kvs_compare_arm_json(struct kvs_arm *arm, unsigned int m);
/* Whether the locale's encoding is UTF-8 */
bool kvs_utf8(void);

#define KVS_MAX_BINS	64

/* How the values of a metric are spread over bins, see hist.c */
struct kvs_spread {
	double edge[KVS_MAX_BINS + 1];	/* 1, 2 and 5 times each power of ten */
	size_t nr;
	double (*share)[KVS_MAX_BINS];	/* [arm]: of its values, that are in a bin */
	bool (*open)[KVS_MAX_BINS];	/* [arm]: some values of the bin are censored */
};

/* False: no value is above 0, and there is nothing to free. */
bool kvs_spread_make(const struct kvs_study *study, enum kvs_metric metric, struct kvs_spread *b);
void kvs_spread_free(struct kvs_spread *b);
/* Draw one metric, all arms side by side. */
void kvs_histogram(const struct kvs_study *study, enum kvs_metric metric);

#endif /* KVMSCHED_COMPARE_H */

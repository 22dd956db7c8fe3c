/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Comparing arms: recordings under one policy against recordings under another.
 *
 *	recording -> units (a round, or blocks of its time) -> a value of each
 *	metric for each unit -> arms of many units -> pairs of arms -> verdicts
 *
 *	values.c  values of one metric, some of them censored
 *	survey.c  a recording's window and longest slice, its files read
 *	collect.c one recording's records, to the values of its units
 *	load.c	  files and result folders, to arms
 *	cost.c	  unrecorded rounds, beside recorded ones
 *	compare.c	  two arms, to verdicts; pure
 *	text.c	  tables
 *	hist.c	  histograms side by side
 *	json.c	  JSON
 */
#ifndef KVMSCHED_COMPARE_H
#define KVMSCHED_COMPARE_H

#include <jansson.h>
#include <stdio.h>

#include "model/model.h"
#include "stats/stats.h"
#include "report/view.h"

/* What is compared.  The first KS_M_PER_UNIT have many values in a unit. */
enum ks_metric {
	KS_M_SLICE,
	KS_M_WAIT_PREEMPTED,
	KS_M_WAIT_WOKEN,
	KS_M_TIMER_LATENESS,
	KS_M_IRQ_DELIVERY,
	KS_M_EXIT_COST,
	KS_M_PER_UNIT,		/* from here on, one value for each unit */
	KS_M_SLICES = KS_M_PER_UNIT,
	KS_M_PREEMPTIONS,
	KS_M_FAIRNESS,
	KS_M_GUEST_SHARE,
	KS_M_SWITCHES,
	KS_M_STEAL,
	KS_NR_METRICS
};

enum ks_direction { KS_DIR_NONE, KS_DIR_LOWER, KS_DIR_HIGHER };

struct ks_metric_desc {
	const char *name;	/* in JSON, and of --metric */
	const char *title;
	const char *unit;	/* "ns", "1/s" or "" (a share of 1) */
	enum ks_direction better;
	const char *what;	/* one line of explanation */
};

extern const struct ks_metric_desc ks_metrics[KS_NR_METRICS];

/* --- values.c ------------------------------------------------- */

/* Many values, in single precision (24 bits), and the few that are censored */
struct ks_values {
	float *seen;
	size_t nr, room;
	bool sorted;
	double *censored;
	size_t nr_censored;
};

/* What stands for a unit: the share of its values that are below; 0: mean */
#define KS_STATISTIC_MEAN	0.0

void ks_values_add(struct ks_values *v, double value, bool censored);
void ks_values_merge(struct ks_values *into, const struct ks_values *from);
/* False: there is none. */
bool ks_values_quantile(struct ks_values *v, double q, struct ks_obs *obs);
bool ks_values_statistic(struct ks_values *v, double statistic, struct ks_obs *obs);
void ks_values_free(struct ks_values *v);

/* --- collect.c ------------------------------------------------ */

/* A vCPU that was there, whether it left a record or not */
struct ks_witness {
	long tid;
	bool starved;		/* runnable, and never on a CPU */
};

/* How a recording is cut into units, and what it may not show by itself */
struct ks_cut {
	double block_ns;	/* 0: one unit, the whole recording */
	const struct ks_witness *witnesses;
	size_t nr_witnesses;
};

/* What the first pass finds out. */
struct ks_survey {
	struct ks_times times;
	u64 begin, end;		/* ts: while all vCPUs were there */
	double longest_ns;	/* slice */
	unsigned int vcpus;
	u64 records, lost;
	bool lost_exact;
	bool tsc;		/* the file's clock is the TSC */
};

struct ks_unit {
	struct ks_values values[KS_M_PER_UNIT];
	struct ks_obs single[KS_NR_METRICS];	/* from KS_M_PER_UNIT on */
	bool known[KS_NR_METRICS];		/* of these */
};

struct ks_units {
	struct ks_unit *units;
	size_t nr;
	bool idle;		/* no vCPU wanted a CPU */
};

/*
 * Both give false after a message.  @whole: the window is the recording's own,
 * not the time while all its vCPUs were there.
 */
bool ks_survey_file(const char *path, bool whole, struct ks_survey *survey);
bool ks_collect_file(const char *path, const struct ks_survey *survey,
		     const struct ks_cut *cut, struct ks_units *units);
void ks_units_free(struct ks_units *units);

/* The collector itself, for ks_collect_file() and tests. */
struct ks_collector;

struct ks_collector *ks_collector_create(const struct ks_survey *survey,
					 const struct ks_cut *cut);
void ks_collector_record(void *collector, const struct ks_record *rec);
void ks_collector_missed(void *collector, unsigned int cpu, s64 count);
/* Ends it, and frees it. */
void ks_collector_finish(struct ks_collector *c, struct ks_units *units);

/* --- compare.c -------------------------------------------------------- */

struct ks_arm {
	char *name;
	size_t files, units;
	struct ks_obs *value[KS_NR_METRICS];	/* one a unit that has any */
	size_t nr[KS_NR_METRICS];
	struct ks_values pool[KS_NR_METRICS];	/* of all units */
	u64 lost;
	unsigned int vcpus, starved;
};

void ks_arm_add(struct ks_arm *arm, struct ks_units *units, double statistic);
void ks_arm_free(struct ks_arm *arm);

enum ks_verdict {
	KS_V_BETTER, KS_V_WORSE, KS_V_HIGHER, KS_V_LOWER, KS_V_NONE, KS_V_TOO_FEW,
};

const char *ks_verdict_name(enum ks_verdict verdict);

struct ks_result {
	bool present;		/* one of the arms has values */
	bool tested;		/* both have enough for a test */
	double difference, effect, p, corrected;
	enum ks_bound bound;
	double ci[2];
	bool exact, identical;
	double detectable;	/* of verdict none; NaN: can't be told */
	size_t needed;		/* units an arm, of verdict too_few; 0: unknown */
	enum ks_verdict verdict;
};

struct ks_comparison {
	struct ks_arm *a, *b;	/* @b against @a */
	struct ks_result result[KS_NR_METRICS];
	size_t tests;
};

enum ks_inference { KS_BY_ROUND, KS_BY_BLOCK };

#define KS_ALPHA	0.05
#define KS_CONFIDENCE	0.95
#define KS_POWER	0.8
#define KS_MIN_ROUNDS	6
#define KS_MIN_BLOCKS	12
#define KS_BLOCK_SLICES	10	/* a block is so many of the longest slices */
#define KS_MAX_BLOCKS	20	/* and not more than that of the shorter file */

struct ks_settings {
	enum ks_inference by;
	bool too_short;		/* blocks of time would hold too few slices */
	double statistic;	/* of a unit's values */
	uint64_t seed;
	bool all_pairs;		/* correct for the tests of all pairs */
	unsigned int metrics;	/* bit mask; what is tested is corrected for */
};

/* All pairs in one call, since the correction may go over all of them. */
void ks_compare(struct ks_comparison *pairs, size_t nr,
		const struct ks_settings *settings);

/* --- load.c --------------------------------------------------- */

struct ks_study {
	struct ks_settings settings;
	const char *baseline;	/* name of an arm; NULL: the first */
	struct ks_arm *arms;
	size_t nr_arms;
	struct ks_comparison *pairs;
	size_t nr_pairs;
	double block_ns;	/* by block: how long one is */
	double needed_ns;	/* ... and what a recording would need; 0: enough */
	bool deterministic;	/* all rounds of all arms are the same */
	json_t *result;		/* result.json of a folder, or NULL */
};

/* @args: FILE..., NAME=FILE..., or one folder.  False after a message. */
bool ks_study_load(struct ks_study *study, char **args, size_t nr);
void ks_study_free(struct ks_study *study);

/* --- cost.c --------------------------------------------------- */

enum ks_cost { KS_COST_RUN, KS_COST_SWITCHES, KS_NR_COSTS };

struct ks_cost_range {
	unsigned int rounds;
	double low, high;	/* of the rounds; per vCPU and second */
};

struct ks_costs {
	struct ks_cost_range recorded[KS_NR_COSTS], unrecorded[KS_NR_COSTS];
};

/* False: this arm has no round without a recording. */
bool ks_study_cost(const struct ks_study *study, size_t arm, struct ks_costs *costs);

/* --- printers --------------------------------------------------------- */

void ks_study_text(const struct ks_study *study, unsigned int histograms);
bool ks_study_json(const struct ks_study *study);
/* Whether the terminal takes more than ASCII */
bool ks_utf8(void);
/* One metric, all arms side by side */
void ks_histogram(const struct ks_study *study, enum ks_metric metric);

#endif /* KVMSCHED_COMPARE_H */

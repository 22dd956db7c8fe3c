// SPDX-License-Identifier: GPL-2.0-only
/*
 * An experiment's FILE: YAML, read by libyaml.
 *
 * It is YAML because people write such files by hand: YAML has comments, needs
 * no quotes, and its parser knows the lines, so that every message can name one.
 * (INI has no lists of arms, JSON no comments, and TOML no library in Debian 12.)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/log.h"
#include "base/util.h"
#include "base/value.h"
#include "experiment/plan.h"
#include "host/device.h"

struct file {
	const char *path;
	yaml_document_t doc;
	struct kvs_experiment *e;
};

static bool refuse(const struct file *f, const yaml_node_t *node, const char *why)
{
	kvs_err("%s:%zu: %s", f->path, node->start_mark.line + 1, why);
	return false;
}

static const char *text(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (char *)node->data.scalar.value : NULL;
}

/* --- values ----------------------------------------------------------- */

/* False after a message that gives @why, which it frees. */
static bool accept(const struct file *f, const yaml_node_t *node, char *why)
{
	if (!why)
		return true;
	refuse(f, node, why);
	free(why);
	return false;
}

static bool take_value(struct file *f, yaml_node_t *node, const struct kvs_value *value)
{
	if (!text(node))
		return refuse(f, node, "a word is wanted here");
	return accept(f, node, kvs_value_take(value, text(node)));
}

/* A list of words, at least one, to a NULL-terminated array */
static bool take_words(struct file *f, yaml_node_t *node, char ***to)
{
	char **words = xcalloc(1, sizeof(*words));
	size_t nr = 0;

	*to = words;
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		yaml_node_t *word = yaml_document_get_node(&f->doc, *item);

		if (!text(word))
			return refuse(f, word, "a word is wanted here");
		*to = words = xrealloc(words, (nr + 2) * sizeof(*words));
		words[nr++] = xstrdup(text(word));
		words[nr] = NULL;
	}
	return nr || refuse(f, node, "an empty list");
}

/* A line for the shell, or a list of words */
static bool take_command(struct file *f, yaml_node_t *node, char ***to)
{
	char **argv;

	if (node->type == YAML_SEQUENCE_NODE)
		return take_words(f, node, to);
	if (!text(node))
		return refuse(f, node, "a command is wanted here: a line for the shell, or a list of words");
	argv = xcalloc(4, sizeof(*argv));
	argv[0] = xstrdup("sh");
	argv[1] = xstrdup("-c");
	argv[2] = xstrdup(text(node));
	*to = argv;
	return true;
}

/* --- mappings --------------------------------------------------------- */

typedef bool (*take_pair)(struct file *f, void *ctx, const yaml_node_t *key,
			  yaml_node_t *value);

static bool each_pair(struct file *f, yaml_node_t *node, take_pair take, void *ctx)
{
	if (node->type != YAML_MAPPING_NODE)
		return refuse(f, node, "lines of KEY: VALUE are wanted here");
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = yaml_document_get_node(&f->doc, pair->key);

		if (!text(key))
			return refuse(f, key, "a key is wanted here");
		if (!take(f, ctx, key, yaml_document_get_node(&f->doc, pair->value)))
			return false;
	}
	return true;
}

static bool take_knob(struct file *f, void *knobs, const yaml_node_t *key,
		      yaml_node_t *value)
{
	if (!text(value))
		return refuse(f, value, "a number is wanted here");
	return accept(f, key, kvs_knob_list_add(knobs, text(key), text(value)));
}

/* Keys of an arm, or of one vCPU in it */
struct place {
	struct kvs_exp_arm *arm;
	long vcpu;		/* -1: of the arm */
	const char *policy, *cpus;
	yaml_node_t *vcpus;
};

static bool take_place(struct file *f, void *ctx, const yaml_node_t *key,
		       yaml_node_t *value)
{
	struct place *p = ctx;
	const char *name = text(key);

	if (!strcmp(name, "policy") || !strcmp(name, "cpus")) {
		if (!text(value))
			return refuse(f, value, "a word is wanted here");
		*(*name == 'p' ? &p->policy : &p->cpus) = text(value);
		return true;
	}
	if (p->vcpu >= 0)
		return refuse(f, key, "a vCPU has policy and cpus");
	if (!strcmp(name, "knobs"))
		return each_pair(f, value, take_knob, &p->arm->knobs);
	if (!strcmp(name, "vcpus")) {
		p->vcpus = value;
		return true;
	}
	if (!strcmp(name, "guest"))
		return take_value(f, value, &(struct kvs_value){ .copy = &p->arm->guest });
	return !strcmp(name, "name") ||
	       refuse(f, key, "an arm has name, policy, cpus, knobs, vcpus and guest");
}

static bool add_place(struct file *f, const struct place *p, const yaml_node_t *node)
{
	if (!p->policy && !p->cpus)
		return true;
	return accept(f, node, kvs_exp_setting_add(p->arm, p->vcpu, p->policy, p->cpus));
}

/* "0: rr:10", or "0:" and more lines with keys */
static bool take_vcpu(struct file *f, void *arm, const yaml_node_t *key,
		      yaml_node_t *value)
{
	struct place p = { .arm = arm };
	const struct kvs_value number = { .number = &p.vcpu, .max = KVS_LAST_VCPU };

	if (!accept(f, key, kvs_value_take(&number, text(key))))
		return false;
	if (text(value))
		p.policy = text(value);
	else if (!each_pair(f, value, take_place, &p))
		return false;
	return add_place(f, &p, value);
}

static yaml_node_t *find_member(struct file *f, yaml_node_t *node, const char *name)
{
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = yaml_document_get_node(&f->doc, pair->key);

		if (text(key) && !strcmp(text(key), name))
			return yaml_document_get_node(&f->doc, pair->value);
	}
	return NULL;
}

static bool take_arm(struct file *f, yaml_node_t *node)
{
	struct place p = { .vcpu = -1 };
	yaml_node_t *name;

	if (node->type != YAML_MAPPING_NODE)
		return refuse(f, node, "an arm is wanted here: name, policy, cpus, knobs, vcpus, guest");
	name = find_member(f, node, "name");
	if (!name || !text(name))
		return refuse(f, node, "this arm has no name");
	return accept(f, name, kvs_exp_arm_add(f->e, text(name), &p.arm)) &&
	       each_pair(f, node, take_place, &p) && add_place(f, &p, node) &&
	       (!p.vcpus || each_pair(f, p.vcpus, take_vcpu, p.arm));
}

static bool take_arms(struct file *f, yaml_node_t *node)
{
	if (node->type != YAML_SEQUENCE_NODE)
		return refuse(f, node, "a list of arms is wanted here, each with a dash");
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++)
		if (!take_arm(f, yaml_document_get_node(&f->doc, *item)))
			return false;
	return true;
}

static bool take_order(struct file *f, yaml_node_t *node)
{
	const struct kvs_value value = { .choice = &f->e->order, .names = kvs_exp_orders };

	return take_value(f, node, &value);
}

static bool take_workload(struct file *f, yaml_node_t *node)
{
	return take_command(f, node, &f->e->workload);
}

/*
 * The hook's two arguments follow a word of their own: sh -c takes the first word after the
 * command for its own name.
 */
static bool take_guest_hook(struct file *f, yaml_node_t *node)
{
	char **argv;

	if (!take_command(f, node, &f->e->guest_hook))
		return false;
	if (text(node)) {
		f->e->guest_hook = argv = xrealloc(f->e->guest_hook, 5 * sizeof(*argv));
		argv[3] = xstrdup("sh");
		argv[4] = NULL;
	}
	return true;
}

static bool take_guests(struct file *f, yaml_node_t *node)
{
	if (node->type != YAML_SEQUENCE_NODE)
		return refuse(f, node, "a list of files is wanted here");
	return take_words(f, node, &f->e->guests);
}

static bool take_knobs(struct file *f, yaml_node_t *node)
{
	return each_pair(f, node, take_knob, &f->e->knobs);
}

/* A key of the whole experiment: @take parses its node, or @value its text. */
struct key {
	const char *name;
	bool (*take)(struct file *f, yaml_node_t *node);
	struct kvs_value value;
};

static bool refuse_key(struct file *f, const yaml_node_t *node, const struct key *keys)
{
	const char *names[32] = { NULL };
	char *all;

	for (size_t i = 0; keys[i].name && i + 1 < ARRAY_SIZE(names); i++)
		names[i] = keys[i].name;
	all = kvs_names_text(names, "and");
	kvs_err("%s:%zu: there is no key '%s'; an experiment has %s", f->path,
		node->start_mark.line + 1, text(node), all);
	free(all);
	return false;
}

static bool take_top(struct file *f, void *ctx, const yaml_node_t *node,
		     yaml_node_t *value)
{
	struct kvs_experiment *e = ctx;
	const struct key keys[] = {
		{ "name", .value = { .copy = &e->title } },
		{ "workload", .take = take_workload },
		{ "guest_hook", .take = take_guest_hook },
		{ "guests", .take = take_guests },
		{ "vm", .value = { .vm = &e->select.vm } },
		{ "vcpus", .value = { .number = &e->vcpus, .min = 1, .max = KVS_LAST_VCPU } },
		{ "rounds", .value = { .number = &e->rounds, .min = 1, .max = KVS_EXP_MAX_ROUNDS } },
		{ "order", .take = take_order },
		{ "seed", .value = { .number = &e->seed } },
		{ "warmup", .value = { .seconds = &e->warmup, .most = KVS_EXP_MAX_SECONDS } },
		{ "phase", .value = { .seconds = &e->phase, .most = KVS_EXP_MAX_SECONDS } },
		{ "length", .value = { .seconds = &e->length, .least = KVS_SHORTEST,
				      .most = KVS_EXP_MAX_SECONDS } },
		{ "events", .value = { .take = kvs_exp_events_take, .to = &e->events } },
		{ "memory", .value = { .size = &e->memory, .largest = KVS_MAX_RING } },
		{ "control", .value = { .copy = &e->control } },
		{ "unrecorded", .value = { .number = &e->unrecorded, .max = KVS_EXP_MAX_ROUNDS } },
		{ "force", .value = { .flag = &e->force } },
		{ "knobs", .take = take_knobs },
		{ "arms", .take = take_arms },
		{ }
	};

	for (const struct key *key = keys; key->name; key++) {
		if (strcmp(key->name, text(node)))
			continue;
		return key->take ? key->take(f, value) : take_value(f, value, &key->value);
	}
	return refuse_key(f, node, keys);
}

static bool parse(struct file *f, FILE *in)
{
	yaml_parser_t parser;
	yaml_node_t *root;
	bool ok;

	if (!yaml_parser_initialize(&parser)) {
		kvs_err("out of memory");
		return false;
	}
	yaml_parser_set_input_file(&parser, in);
	ok = yaml_parser_load(&parser, &f->doc);
	if (!ok)
		kvs_err("%s:%zu: %s", f->path, parser.problem_mark.line + 1,
			parser.problem ? parser.problem : "not YAML");
	yaml_parser_delete(&parser);
	if (!ok)
		return false;
	root = yaml_document_get_root_node(&f->doc);
	if (root)
		ok = each_pair(f, root, take_top, f->e);
	else
		kvs_err("%s: empty", f->path);
	yaml_document_delete(&f->doc);
	return root && ok;
}

bool kvs_experiment_read(struct kvs_experiment *e, const char *path)
{
	struct file f = { .path = path, .e = e };
	FILE *in = fopen(path, "re");
	bool ok;

	if (!in) {
		kvs_errno("%s", path);
		return false;
	}
	ok = parse(&f, in);
	fclose(in);
	if (!ok)
		kvs_hint("kvmsched-experiment(1) has an example");
	return ok;
}

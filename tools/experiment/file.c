// SPDX-License-Identifier: GPL-2.0-only
/*
 * An experiment's FILE: YAML, read by libyaml.
 *
 * YAML since such files are written and read by hand: comments, no quotes, and
 * a parser that tells lines, so that every complaint can name one.  (INI has no
 * lists of arms, JSON no comments, and TOML no library in Debian 12.)
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/log.h"
#include "base/util.h"
#include "experiment/experiment.h"

struct file {
	const char *path;
	yaml_document_t doc;
	struct kvs_experiment *e;
};

static bool wrong(const struct file *f, const yaml_node_t *node, const char *why)
{
	kvs_err("%s:%zu: %s", f->path, node->start_mark.line + 1, why);
	return false;
}

static const char *text(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (char *)node->data.scalar.value : NULL;
}

/* --- values ----------------------------------------------------------- */

static bool take_text(struct file *f, yaml_node_t *node, char **to)
{
	if (!text(node))
		return wrong(f, node, "a word is wanted here");
	free(*to);
	*to = xstrdup(text(node));
	return true;
}

static bool take_long(struct file *f, yaml_node_t *node, long min, long *to)
{
	if (!text(node) || !kvs_parse_long(text(node), min, LONG_MAX, to))
		return wrong(f, node, "a whole number is wanted here");
	return true;
}

static bool take_seconds(struct file *f, yaml_node_t *node, double *to)
{
	const char *s = text(node);
	char *end;

	errno = 0;
	*to = s ? strtod(s, &end) : -1;
	if (!s || errno || end == s || *end || !(*to >= 0) || *to > 1e6)
		return wrong(f, node, "a number of seconds is wanted here");
	return true;
}

static bool take_bool(struct file *f, yaml_node_t *node, bool *to)
{
	const char *s = text(node);

	*to = s && (!strcmp(s, "true") || !strcmp(s, "yes"));
	if (*to || (s && (!strcmp(s, "false") || !strcmp(s, "no"))))
		return true;
	return wrong(f, node, "true or false is wanted here");
}

/* A line for the shell, or a list of words */
static bool take_command(struct file *f, yaml_node_t *node, char ***to)
{
	char **argv;
	size_t nr = 0;

	if (text(node)) {
		argv = xcalloc(4, sizeof(*argv));
		argv[0] = xstrdup("sh");
		argv[1] = xstrdup("-c");
		argv[2] = xstrdup(text(node));
		*to = argv;
		return true;
	}
	if (node->type != YAML_SEQUENCE_NODE)
		return wrong(f, node, "a command is wanted here: a line for the shell, or a list of words");
	argv = xcalloc(1, sizeof(*argv));
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		yaml_node_t *word = yaml_document_get_node(&f->doc, *item);

		if (!text(word))
			return wrong(f, word, "a word is wanted here");
		argv = xrealloc(argv, (nr + 2) * sizeof(*argv));
		argv[nr++] = xstrdup(text(word));
		argv[nr] = NULL;
	}
	*to = argv;
	return nr || wrong(f, node, "an empty command");
}

/* --- mappings --------------------------------------------------------- */

typedef bool (*take_pair)(struct file *f, void *ctx, const yaml_node_t *key,
			  yaml_node_t *value);

static bool each_pair(struct file *f, yaml_node_t *node, take_pair take, void *ctx)
{
	if (node->type != YAML_MAPPING_NODE)
		return wrong(f, node, "lines of KEY: VALUE are wanted here");
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = yaml_document_get_node(&f->doc, pair->key);

		if (!text(key))
			return wrong(f, key, "a key is wanted here");
		if (!take(f, ctx, key, yaml_document_get_node(&f->doc, pair->value)))
			return false;
	}
	return true;
}

static bool take_knob(struct file *f, void *knobs, const yaml_node_t *key,
		      yaml_node_t *value)
{
	const char *why;

	if (!text(value))
		return wrong(f, value, "a number is wanted here");
	return kvs_exp_knob_add(knobs, text(key), text(value), &why) || wrong(f, key, why);
}

/* Of an arm, or of one vCPU in it */
struct place {
	struct kvs_exp_arm *arm;
	long vcpu;
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
			return wrong(f, value, "a word is wanted here");
		*(*name == 'p' ? &p->policy : &p->cpus) = text(value);
		return true;
	}
	if (p->vcpu >= 0)
		return wrong(f, key, "a vCPU has policy and cpus");
	if (!strcmp(name, "knobs"))
		return each_pair(f, value, take_knob, &p->arm->knobs);
	if (!strcmp(name, "vcpus")) {
		p->vcpus = value;
		return true;
	}
	return !strcmp(name, "name") ||
	       wrong(f, key, "an arm has name, policy, cpus, knobs and vcpus");
}

static bool add_place(struct file *f, const struct place *p, const yaml_node_t *node)
{
	const char *why;

	if (!p->policy && !p->cpus)
		return true;
	return kvs_exp_setting_add(p->arm, p->vcpu, p->policy, p->cpus, &why) ||
	       wrong(f, node, why);
}

/* "0: rr:10", or "0:" and lines of its own */
static bool take_vcpu(struct file *f, void *arm, const yaml_node_t *key,
		      yaml_node_t *value)
{
	struct place p = { .arm = arm };

	if (!kvs_parse_long(text(key), 0, 65534, &p.vcpu))
		return wrong(f, key, "the number of a vCPU is wanted here");
	if (text(value))
		p.policy = text(value);
	else if (!each_pair(f, value, take_place, &p))
		return false;
	return add_place(f, &p, value);
}

static yaml_node_t *member(struct file *f, yaml_node_t *node, const char *name)
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
		return wrong(f, node, "an arm is wanted here: name, policy, cpus, knobs, vcpus");
	name = member(f, node, "name");
	if (!name || !text(name))
		return wrong(f, node, "this arm has no name");
	p.arm = kvs_exp_arm_add(f->e, text(name));
	if (!p.arm)
		return wrong(f, name, "there is an arm of this name already");
	return each_pair(f, node, take_place, &p) && add_place(f, &p, node) &&
	       (!p.vcpus || each_pair(f, p.vcpus, take_vcpu, p.arm));
}

static bool take_arms(struct file *f, yaml_node_t *node)
{
	if (node->type != YAML_SEQUENCE_NODE)
		return wrong(f, node, "a list of arms is wanted here, each with a dash");
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++)
		if (!take_arm(f, yaml_document_get_node(&f->doc, *item)))
			return false;
	return true;
}

static bool take_order(struct file *f, yaml_node_t *node)
{
	const char *s = text(node);

	f->e->shuffled = s && !strcmp(s, "shuffled");
	return f->e->shuffled || (s && !strcmp(s, "interleaved")) ||
	       wrong(f, node, "order is interleaved or shuffled");
}

static bool take_vm(struct file *f, yaml_node_t *node)
{
	return (text(node) && kvs_parse_vm(text(node), &f->e->select)) ||
	       wrong(f, node, "the PID of a VM's process is wanted here");
}

static bool take_memory(struct file *f, yaml_node_t *node)
{
	return (text(node) && kvs_parse_size(text(node), &f->e->memory)) ||
	       wrong(f, node, "a size such as 4M is wanted here");
}

static bool take_top(struct file *f, void *ctx, const yaml_node_t *key,
		     yaml_node_t *value)
{
	struct kvs_experiment *e = ctx;
	const char *k = text(key);

	if (!strcmp(k, "name"))
		return take_text(f, value, &e->title);
	if (!strcmp(k, "workload"))
		return take_command(f, value, &e->workload);
	if (!strcmp(k, "vm"))
		return take_vm(f, value);
	if (!strcmp(k, "vcpus"))
		return take_long(f, value, 1, &e->vcpus);
	if (!strcmp(k, "rounds"))
		return take_long(f, value, 1, &e->rounds);
	if (!strcmp(k, "order"))
		return take_order(f, value);
	if (!strcmp(k, "seed"))
		return take_long(f, value, 0, &e->seed);
	if (!strcmp(k, "warmup"))
		return take_seconds(f, value, &e->warmup);
	if (!strcmp(k, "phase"))
		return take_seconds(f, value, &e->phase);
	if (!strcmp(k, "length"))
		return take_seconds(f, value, &e->length);
	if (!strcmp(k, "events"))
		return take_text(f, value, &e->events);
	if (!strcmp(k, "memory"))
		return take_memory(f, value);
	if (!strcmp(k, "control"))
		return take_text(f, value, &e->control);
	if (!strcmp(k, "unrecorded"))
		return take_long(f, value, 0, &e->unrecorded);
	if (!strcmp(k, "force"))
		return take_bool(f, value, &e->force);
	if (!strcmp(k, "knobs"))
		return each_pair(f, value, take_knob, &e->knobs);
	if (!strcmp(k, "arms"))
		return take_arms(f, value);
	return wrong(f, key, "an experiment has name, workload, vm, vcpus, rounds, order, seed, warmup, phase, length, events, memory, control, unrecorded, force, knobs and arms");
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

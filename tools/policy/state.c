// SPDX-License-Identifier: GPL-2.0-only
/*
 * State files: policies and settings of before a change, kept until they are
 * put back.
 *
 * Each run of kvmsched that changes something has a state file of its own in
 * /run/kvmsched (root) or $XDG_RUNTIME_DIR/kvmsched.  The files are numbered in
 * the order of the runs.  A file is
 *
 *	written, fsync'ed and renamed	before the run changes anything
 *	removed				when the run has put all of it back
 *
 * So a state file whose owner has died was left by a killed run.  Each file
 * holds the state before its own run: restoring all files, the newest first,
 * ends with the state before the oldest run.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/util.h"
#include "policy/policy.h"

#define FORMAT	1

struct kvs_undo {
	char *path;
	json_t *json;
	bool incomplete;	/* some state could not be read */
};

static long get_number(json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* --- the folder ------------------------------------------------------- */

static char *get_state_folder(void)
{
	const char *base = getenv("XDG_RUNTIME_DIR");

	/* Root has one folder, even if sudo keeps XDG_RUNTIME_DIR. */
	if (!geteuid())
		return xstrdup("/run/kvmsched");
	return base && *base == '/' ? xasprintf("%s/kvmsched", base) :
	       xasprintf("/tmp/kvmsched-%d", geteuid());
}

/* Root must not restore a state that somebody else could have written. */
static bool folder_is_ours(const char *folder)
{
	struct stat st;

	return !lstat(folder, &st) && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid() && !(st.st_mode & 022);
}

static char *read_boot_id(void)
{
	char *id = kvs_read_line("/proc/sys/kernel/random/boot_id");

	return id ? id : xstrdup("");
}

/* Creates the file of the next number; O_EXCL decides a race of two runs. */
static char *create_next_file(const char *folder)
{
	unsigned int number = 0, n;
	DIR *dir = opendir(folder);
	struct dirent *d;

	while (dir && (d = readdir(dir)))
		if (sscanf(d->d_name, "policy-%u.json", &n) == 1 && n > number)
			number = n;
	if (dir)
		closedir(dir);
	for (;;) {
		char *path = xasprintf("%s/policy-%06u.json", folder, ++number);
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		if (fd >= 0)
			close(fd);
		if (fd >= 0 || errno != EEXIST)
			return path;
		free(path);
	}
}

/* --- one file --------------------------------------------------------- */

struct kvs_undo *kvs_undo_create(bool held, const char *what)
{
	struct kvs_undo *s = xcalloc(1, sizeof(*s));
	struct kvs_thread self;
	char *boot = read_boot_id();

	kvs_thread_look(getpid(), &self);
	s->json = json_pack("{si ss sb so s{si sI} s[] s[]}", "version", FORMAT,
			    "boot_id", boot, "held", held, "what", kvs_bytes_json(what),
			    "owner", "pid", (int)self.tid,
			    "starttime", (json_int_t)self.starttime,
			    "threads", "knobs");
	free(boot);
	return s;
}

static bool has_thread(const struct kvs_undo *s, const struct kvs_thread *t)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(s->json, "threads"), i, item)
		if (json_integer_value(json_object_get(item, "tid")) == t->tid &&
		    (uint64_t)json_integer_value(json_object_get(item, "starttime")) == t->starttime)
			return true;
	return false;
}

/* What isn't written down must not be changed: kvs_undo_write() refuses then. */
static void append(struct kvs_undo *s, const char *key, json_t *item)
{
	if (json_array_append_new(json_object_get(s->json, key), item))
		s->incomplete = true;
}

void kvs_undo_add_thread(struct kvs_undo *s, const struct kvs_thread *t)
{
	struct kvs_cpus cpus;
	struct kvs_attr a;
	char *affinity;

	if (has_thread(s, t))
		return;
	if (kvs_thread_get(t->tid, &a, &cpus)) {
		/* A thread that has ended needs nothing put back. */
		s->incomplete |= kvs_thread_same(t);
		return;
	}
	affinity = kvs_cpus_text(&cpus);
	append(s, "threads",
		json_pack("{si si sI so si sI si si sI sI sI ss}",
			  "tid", (int)t->tid, "pid", (int)t->pid,
			  "starttime", (json_int_t)t->starttime, "comm", kvs_bytes_json(t->comm),
			  "policy", (int)a.policy, "flags", (json_int_t)a.flags,
			  "nice", (int)a.nice, "priority", (int)a.priority,
			  "runtime", (json_int_t)a.runtime,
			  "deadline", (json_int_t)a.deadline,
			  "period", (json_int_t)a.period, "affinity", affinity));
	free(affinity);
}

static bool has_file(const struct kvs_undo *s, const char *file)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(s->json, "knobs"), i, item)
		if (!strcmp(json_string_value(json_object_get(item, "file")), file))
			return true;
	return false;
}

void kvs_undo_add_knob(struct kvs_undo *s, const struct kvs_knob *knob)
{
	char **files = kvs_knob_files(knob);

	for (char **file = files; *file; file++) {
		char *value = has_file(s, *file) ? NULL : kvs_read_line(*file);

		if (value)
			append(s, "knobs", json_pack("{ss ss}", "file", *file, "value", value));
		free(value);
	}
	kvs_knob_files_free(files);
}

static bool sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && !fsync(fd);

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool write_synced(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && !kvs_write_all(fd, text, strlen(text)) && !fsync(fd);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* One run at a time looks at the others' files and adds its own.  -1: can't be locked */
static int lock_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || !flock(fd, LOCK_EX))
		return fd;
	close(fd);
	return -1;
}

/* Whether both have the thread, or the knob's file, that is @item of @key */
static bool has_item(json_t *json, const char *key, json_t *item)
{
	static const char *const names[] = { "tid", "starttime", "file" };
	json_t *other;
	size_t i;

	json_array_foreach(json_object_get(json, key), i, other) {
		bool same = true;

		for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
			json_t *a = json_object_get(item, names[n]);
			json_t *b = json_object_get(other, names[n]);

			same &= a == b || (a && b && json_equal(a, b));
		}
		if (same)
			return true;
	}
	return false;
}

/* The first thread or knob that both state files have, or NULL */
static json_t *find_common(json_t *a, json_t *b)
{
	static const char *const keys[] = { "threads", "knobs" };
	json_t *item;
	size_t i;

	for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
		json_array_foreach(json_object_get(a, keys[k]), i, item)
			if (has_item(b, keys[k], item))
				return item;
	return NULL;
}

/*
 * A run that is still to put back what it changed would put it back over this change, and
 * this one would then put back what the other run had set, for good.
 */
static bool nobody_holds(const struct kvs_undo *s)
{
	struct kvs_leftover *l;
	size_t nr = kvs_leftovers(&l);
	bool free_to_change = true;

	for (size_t i = 0; i < nr && free_to_change; i++) {
		bool ours = s->path && !strcmp(s->path, l[i].path);
		json_t *item = !ours && l[i].held && l[i].owner_lives ?
			       find_common(s->json, l[i].json) : NULL;
		const char *file = json_string_value(json_object_get(item, "file"));

		if (!item)
			continue;
		free_to_change = false;
		if (file)
			kvs_err("'%s' still runs, and will put back %s",
				json_string_value(json_object_get(l[i].json, "what")), file);
		else
			kvs_err("'%s' still runs, and will put back thread %ld",
				json_string_value(json_object_get(l[i].json, "what")),
				get_number(item, "tid"));
		kvs_hint("nothing was changed; wait until it has ended, or end it");
	}
	kvs_leftovers_free(l, nr);
	return free_to_change;
}

bool kvs_undo_write(struct kvs_undo *s)
{
	char *folder = get_state_folder(), *text, *next;
	int lock = -1;
	bool ok;

	if (!s->json || s->incomplete) {
		kvs_err("can't write down what is to be put back: some of it can't be read");
		kvs_hint("nothing was changed");
		free(folder);
		return false;
	}
	if (mkdir(folder, 0700) && errno != EEXIST)
		ok = false;
	else
		ok = folder_is_ours(folder) && (lock = lock_folder(folder)) >= 0;
	if (ok && !nobody_holds(s)) {
		close(lock);
		free(folder);
		return false;
	}
	if (ok && !s->path)
		s->path = create_next_file(folder);
	text = json_dumps(s->json, JSON_INDENT(1));
	next = xasprintf("%s.new", s->path ? s->path : "");
	ok = ok && write_synced(next, text) && !rename(next, s->path) &&
	     sync_folder(folder);
	if (!ok) {
		kvs_errno("can't write down in %s what is to be put back", folder);
		kvs_hint("nothing was changed; the folder must be yours, and writable for you alone");
	}
	if (lock >= 0)
		close(lock);
	free(next);
	free(text);
	free(folder);
	return ok;
}

/* --- restoring -------------------------------------------------------- */

static bool restore_thread(json_t *o)
{
	const char *comm = json_string_value(json_object_get(o, "comm"));
	const char *affinity = json_string_value(json_object_get(o, "affinity"));
	struct kvs_thread t = {
		.tid = get_number(o, "tid"), .pid = get_number(o, "pid"),
		.starttime = get_number(o, "starttime"),
	};
	struct kvs_setting s = {
		.has_policy = true,
		.attr = {
			.size = sizeof(s.attr), .policy = get_number(o, "policy"),
			.flags = get_number(o, "flags"), .nice = get_number(o, "nice"),
			.priority = get_number(o, "priority"),
			.runtime = get_number(o, "runtime"),
			.deadline = get_number(o, "deadline"),
			.period = get_number(o, "period"),
		},
	};

	/* The thread has ended, or its TID is another thread's: nothing to do. */
	if (!kvs_thread_same(&t))
		return true;
	s.has_cpus = affinity && kvs_cpus_parse(affinity, &s.cpus);
	if (!kvs_thread_set(t.tid, &s) || !kvs_thread_same(&t))
		return true;
	kvs_errno("can't put thread %d (%s) back to %s on CPUs %s", t.tid,
		  comm ? comm : "?", kvs_policy_text(&s.attr), affinity ? affinity : "?");
	return false;
}

static bool restore_knob(json_t *o)
{
	const char *file = json_string_value(json_object_get(o, "file"));
	const char *value = json_string_value(json_object_get(o, "value"));
	char *now;
	bool ok;

	if (!file || !value || !kvs_knob_owns(file))
		return true;
	now = kvs_read_line(file);
	/* The file disappears with its module or CPU: nothing to do then. */
	ok = !now || !strcmp(now, value) || kvs_knob_write(file, value);
	free(now);
	return ok;
}

/*
 * Threads go first: when the throttling of RT threads is set, none of ours is RT
 * any more that could have starved this process until then.
 */
static bool restore_all(json_t *json)
{
	json_t *threads = json_object_get(json, "threads");
	json_t *knobs = json_object_get(json, "knobs");
	bool ok = true;

	for (size_t i = json_array_size(threads); i--;)
		ok &= restore_thread(json_array_get(threads, i));
	for (size_t i = json_array_size(knobs); i--;)
		ok &= restore_knob(json_array_get(knobs, i));
	return ok;
}

bool kvs_undo_restore(struct kvs_undo *s)
{
	bool ok = restore_all(s->json);

	if (!s->path)
		return ok;
	if (ok) {
		unlink(s->path);
		free(s->path);
		s->path = NULL;
	} else {
		kvs_hint("%s keeps what was there; `kvmsched policy restore` tries again",
			 s->path);
	}
	return ok;
}

void kvs_undo_free(struct kvs_undo *s)
{
	if (!s)
		return;
	json_decref(s->json);
	free(s->path);
	free(s);
}

/* --- state files of other runs ---------------------------------------- */

static bool owner_lives(json_t *json)
{
	json_t *owner = json_object_get(json, "owner");
	struct kvs_thread now;

	return kvs_thread_look(get_number(owner, "pid"), &now) && now.state != 'Z' &&
	       now.starttime == (uint64_t)get_number(owner, "starttime");
}

/* A state of another boot is gone with it; an unreadable file has none. */
static bool is_stale(json_t *json, const char *boot)
{
	const char *id = json_string_value(json_object_get(json, "boot_id"));

	return !json || !id || strcmp(id, boot) || get_number(json, "version") != FORMAT;
}

static int newest_first(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*b)->d_name, (*a)->d_name);
}

static int is_state_file(const struct dirent *d)
{
	unsigned int n;
	char end;

	return sscanf(d->d_name, "policy-%u.jso%c", &n, &end) == 2 &&
	       !strstr(d->d_name, ".new");
}

static bool load_leftover(const char *folder, const char *name, const char *boot,
			  struct kvs_leftover *l)
{
	char *path = xasprintf("%s/%s", folder, name);
	json_t *json = json_load_file(path, 0, NULL);

	if (is_stale(json, boot)) {
		/* An unreadable file may belong to a run that is about to write it. */
		if (json)
			unlink(path);
		json_decref(json);
		free(path);
		return false;
	}
	*l = (struct kvs_leftover){
		.path = path, .json = json,
		.held = json_is_true(json_object_get(json, "held")),
		.owner_lives = owner_lives(json),
	};
	return true;
}

size_t kvs_leftovers(struct kvs_leftover **leftovers)
{
	char *folder = get_state_folder(), *boot = read_boot_id();
	struct dirent **names = NULL;
	size_t nr = 0;
	int n = 0;

	*leftovers = NULL;
	if (folder_is_ours(folder))
		n = scandir(folder, &names, is_state_file, newest_first);
	*leftovers = xcalloc(n > 0 ? n : 1, sizeof(**leftovers));
	for (int i = 0; i < n; i++) {
		nr += load_leftover(folder, names[i]->d_name, boot, *leftovers + nr);
		free(names[i]);
	}
	free(names);
	free(boot);
	free(folder);
	return nr;
}

void kvs_leftovers_free(struct kvs_leftover *leftovers, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		json_decref(leftovers[i].json);
		free(leftovers[i].path);
	}
	free(leftovers);
}

bool kvs_leftover_is_held(const struct kvs_leftover *leftover,
			  const struct kvs_leftover *all, size_t nr)
{
	for (const struct kvs_leftover *l = all; l < all + nr; l++)
		if (l != leftover && l->held && l->owner_lives &&
		    find_common(leftover->json, l->json))
			return true;
	return false;
}

bool kvs_leftover_restore(const struct kvs_leftover *l)
{
	if (!restore_all(l->json))
		return false;
	unlink(l->path);
	return true;
}

/* Asks the user at the terminal; without a terminal the answer is no. */
static bool ask_user(void)
{
	char answer[16];

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return false;
	fprintf(stderr, "kvmsched: put it back now? [Y/n] ");
	return fgets(answer, sizeof(answer), stdin) &&
	       (answer[0] == '\n' || answer[0] == 'y' || answer[0] == 'Y');
}

bool kvs_leftovers_offer(void)
{
	struct kvs_leftover *l;
	size_t nr = kvs_leftovers(&l);
	bool clean = true, asked = false, yes = false;

	for (size_t i = 0; i < nr; i++) {
		const char *what = json_string_value(json_object_get(l[i].json, "what"));

		if (!l[i].held || l[i].owner_lives)
			continue;
		kvs_warn("'%s' was killed and has not put back %zu threads and %zu settings",
			 what ? what : "kvmsched",
			 json_array_size(json_object_get(l[i].json, "threads")),
			 json_array_size(json_object_get(l[i].json, "knobs")));
		if (!asked)
			yes = ask_user();
		asked = true;
		clean &= yes && kvs_leftover_restore(&l[i]);
	}
	if (!clean)
		kvs_hint("`kvmsched policy restore` puts it back");
	kvs_leftovers_free(l, nr);
	return clean;
}

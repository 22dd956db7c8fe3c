// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decoding of records by the formats in the file.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "trace/decode.h"

#define MAX_EVENTS	65536	/* common_type has 16 bits */
#define MAX_FIELDS	20

/* A field that is looked for in the file's formats: one for each field of record_list.h */
struct want {
	const char *name;
	u16 offset, size;
	bool is_signed, is_array;
};

struct schema {
	const char *name;
	struct want want[MAX_FIELDS];
};

#define WANT_MEMBER(s, type, member)					\
	{ #member, offsetof(s, member), sizeof(((s *)0)->member),	\
	  (type)-1 < (type)1, false },
#define WANT_ARRAY(s, type, member, n)					\
	{ #member, offsetof(s, member), sizeof(((s *)0)->member), false, true },

/*
 * The rows of record_list.h pass a field's type and name to F and A, but not the record.
 * So each row is expanded in a function of its own, where rec_t is the type of the record.
 */
#define F(type, member)		WANT_MEMBER(rec_t, type, member)
#define A(type, member, n)	WANT_ARRAY(rec_t, type, member, n)
#define KS_RECORD(record, classes, fields, ...)				\
	static void schema_##record(struct schema *s)			\
	{								\
		typedef __typeof__(((struct kvs_record *)0)->record) rec_t; \
		static const struct want want[] = {			\
			fields						\
		};							\
									\
		_Static_assert(ARRAY_SIZE(want) <= MAX_FIELDS,		\
			       "room for all fields");			\
		s->name = KVS_EVENT_PREFIX #record;			\
		memcpy(s->want, want, sizeof(want));			\
	}
#include "uapi/record_list.h"

/* Where a field is in the file's record, and where it goes; offsets and sizes in bytes */
struct found {
	u16 from, size;		/* in the file's record */
	u16 to, room;		/* in struct kvs_record, from its member ent */
	bool is_signed, is_array;
};

struct layout {
	bool ours;		/* it is an event of system kvmsched ... */
	bool known;		/* ... that record_list.h has */
	bool same;		/* the layout is that of record_list.h, byte for byte */
	u16 event;		/* enum ks_event */
	u16 pid_offset;		/* formats need not agree where the PID is */
	u16 need;		/* bytes that the fields take, from the record's start */
	u16 nr;			/* of @found */
	struct found found[MAX_FIELDS];
};

struct kvs_decoder {
	struct schema schema[KS_NR_EVENTS];
	struct layout **layout;	/* by the event's id */
	unsigned int events;
	u16 type_offset, type_size;	/* the same for all events of a file */
	char **missing;
	unsigned int nr_missing;
};

struct kvs_decoder *kvs_decoder_create(void)
{
	struct kvs_decoder *d = xcalloc(1, sizeof(*d));

#define KS_RECORD(record, ...) schema_##record(&d->schema[KS_EV_##record]);
#include "uapi/record_list.h"
	d->layout = xcalloc(MAX_EVENTS, sizeof(*d->layout));
	d->type_offset = offsetof(struct trace_entry, type);
	d->type_size = sizeof(u16);
	return d;
}

void kvs_decoder_destroy(struct kvs_decoder *d)
{
	if (!d)
		return;
	for (unsigned int i = 0; i < MAX_EVENTS; i++)
		free(d->layout[i]);
	free(d->layout);
	for (unsigned int i = 0; i < d->nr_missing; i++)
		free(d->missing[i]);
	free(d->missing);
	free(d);
}

void kvs_decoder_note_missing(struct kvs_decoder *d, const char *field)
{
	d->missing = xrealloc(d->missing,
			      (d->nr_missing + 1) * sizeof(*d->missing));
	d->missing[d->nr_missing++] = xstrdup(field);
}

const char *kvs_decoder_missing(const struct kvs_decoder *d, unsigned int index)
{
	return index < d->nr_missing ? d->missing[index] : NULL;
}

unsigned int kvs_decoder_events(const struct kvs_decoder *d)
{
	return d->events;
}

/* Whether the file's field has a size that can be copied into a member of kvs_record */
static bool is_usable(const struct want *want, const struct kvs_format_field *f)
{
	if (f->offset > UINT16_MAX / 2 || !f->size || f->size > UINT16_MAX / 2 ||
	    f->is_dynamic)
		return false;
	if (want->is_array)
		return true;
	return f->size == 1 || f->size == 2 || f->size == 4 || f->size == 8;
}

static void find_field(struct layout *l, const struct want *want,
		       const struct kvs_format_field *f)
{
	l->found[l->nr++] = (struct found) {
		.from = f->offset, .size = f->size,
		.to = want->offset, .room = want->size,
		.is_signed = f->is_signed,
		.is_array = want->is_array,
	};
	if (f->offset + f->size > l->need)
		l->need = f->offset + f->size;
	if (f->offset != want->offset || f->size != want->size)
		l->same = false;
}

/* Does its absence mean no more than "not told"? */
static bool is_later(const char *event, const char *field)
{
#define LATER_PAIR(record, member)	{ KVS_EVENT_PREFIX #record, #member },
	static const struct { const char *event, *field; } later[] = {
		KS_LATER_FIELDS(LATER_PAIR)
	};

	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (!strcmp(later[i].event, event) && !strcmp(later[i].field, field))
			return true;
	return false;
}

static void find_fields(struct kvs_decoder *d, struct layout *l,
			const struct kvs_format *format, const struct schema *s)
{
	l->known = true;
	l->same = true;
	for (const struct want *want = s->want;
	     want < s->want + MAX_FIELDS && want->name; want++) {
		const struct kvs_format_field *f = kvs_format_find(format, want->name);
		char *name;

		if (f && is_usable(want, f)) {
			find_field(l, want, f);
			continue;
		}
		l->same = false;
		if (!f && is_later(format->name, want->name))
			continue;
		name = xasprintf("%s.%s", format->name, want->name);
		kvs_decoder_note_missing(d, name);
		free(name);
	}
}

/*
 * A record is of the event that its type says, so the first format decides where the type
 * is; others that have it elsewhere describe no records of this file.
 */
static bool find_common(struct kvs_decoder *d, struct layout *l, const struct kvs_format *f)
{
	const struct kvs_format_field *type = kvs_format_find(f, "common_type");
	const struct kvs_format_field *pid = kvs_format_find(f, "common_pid");

	if (!type || !pid || type->offset > 256 || pid->offset > 256 ||
	    pid->size != 4 || (type->size != 2 && type->size != 4))
		return false;
	if (d->events && (d->type_offset != type->offset || d->type_size != type->size))
		return false;
	d->type_offset = type->offset;
	d->type_size = type->size;
	l->pid_offset = pid->offset;
	l->need = pid->offset + sizeof(s32);
	return true;
}

bool kvs_decoder_add(struct kvs_decoder *d, const struct kvs_format *f)
{
	struct layout *l;

	if (f->id >= MAX_EVENTS || d->layout[f->id])
		return false;
	l = xcalloc(1, sizeof(*l));
	if (!find_common(d, l, f)) {
		free(l);
		return false;
	}
	l->ours = true;
	for (unsigned int i = 0; i < KS_NR_EVENTS; i++) {
		if (strcmp(d->schema[i].name, f->name))
			continue;
		l->event = i;
		find_fields(d, l, f, &d->schema[i]);
	}
	l->same &= l->pid_offset == offsetof(struct trace_entry, pid) &&
		   d->type_offset == offsetof(struct trace_entry, type) &&
		   d->type_size == sizeof(u16);
	d->layout[f->id] = l;
	d->events++;
	return true;
}

static s64 get_number(const unsigned char *p, const struct found *f)
{
	u64 value = 0;
	unsigned int unused = 64 - 8 * f->size;

	memcpy(&value, p, f->size);
	if (f->is_signed)
		return (s64)(value << unused) >> unused;
	return value;
}

static void copy_field(const struct found *f, const unsigned char *data,
		       struct kvs_record *rec)
{
	char *to = (char *)&rec->ent + f->to;
	const unsigned char *from = data + f->from;

	if (f->is_array) {
		memcpy(to, from, f->size < f->room ? f->size : f->room);
	} else {
		s64 value = get_number(from, f);

		/* The low bytes come first: that truncates or extends the number. */
		memcpy(to, &value, f->room);
	}
}

static noinline void copy_fields(const struct layout *l, const unsigned char *data,
				 struct kvs_record *rec)
{
	memset(&rec->ent, 0, sizeof(*rec) - offsetof(struct kvs_record, ent));
	memcpy(&rec->ent.pid, data + l->pid_offset, sizeof(rec->ent.pid));
	for (unsigned int i = 0; i < l->nr; i++)
		copy_field(&l->found[i], data, rec);
}

enum kvs_decoded kvs_decode(const struct kvs_decoder *d, const void *data,
			    size_t size, struct kvs_record *rec)
{
	const struct layout *l;
	u32 type = 0;

	if (size < (size_t)d->type_offset + d->type_size)
		return KVS_DECODED_SHORT;
	if (d->type_size == sizeof(u16))	/* as all kernels have it */
		memcpy(&type, (const char *)data + d->type_offset, sizeof(u16));
	else
		memcpy(&type, (const char *)data + d->type_offset, d->type_size);
	l = type < MAX_EVENTS ? d->layout[type] : NULL;
	if (!l)
		return KVS_DECODED_OTHER;
	if (!l->known)
		return KVS_DECODED_UNKNOWN;
	if (size < l->need)
		return KVS_DECODED_SHORT;
	rec->event = l->event;
	if (l->same)
		memcpy(&rec->ent, data, l->need);
	else
		copy_fields(l, data, rec);
	return KVS_DECODED;
}

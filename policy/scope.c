/*
 * policy/scope.c - see policy/scope.h and docs/spec/scope-v1.md.
 */
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "policy/scope.h"

#define SCOPE_VERSION	1

struct scope_room {		/* how much of the arrays of a scope is there to fill */
	uint32_t	parts, segments;
};

static enum rc
part_check(const struct scope_part *p, const struct scope_part *before,
    struct scope_room *room, struct err *err)
{
	uint64_t	n;

	if (!is_ident(p->name, PART_NAME_MAX))
		return err_set(err, RC_FORMAT, "scope: malformed part name");
	if (before != NULL && strcmp(before->name, p->name) >= 0)
		return err_set(err, RC_FORMAT, "scope: part \"%s\" is not after \"%s\"",
		    p->name, before->name);
	if (p->first > p->last)
		return err_set(err, RC_FORMAT, "scope: part \"%s\": segments %u-%u",
		    p->name, p->first, p->last);
	n = (uint64_t)p->last - p->first + 1;
	if (n > room->segments)
		return err_set(err, RC_LIMIT, "scope: more than %d segments",
		    SCOPE_SEGMENTS_MAX);
	room->segments -= (uint32_t)n;
	return RC_OK;
}

/* Order, names, ranges and limits: what parse and write both hold to. */
static enum rc
scope_check(const struct scope *s, uint32_t *ret_segments, struct err *err)
{
	struct scope_room	room = { s->n_parts, SCOPE_SEGMENTS_MAX };
	uint32_t		at = 0;

	if (s->n_artifacts < 1 || s->n_artifacts > SCOPE_ARTIFACTS_MAX)
		return err_set(err, RC_FORMAT, "scope: %u artifacts", s->n_artifacts);
	for (uint32_t i = 0; i < s->n_artifacts; i++) {
		const struct scope_artifact	*a = &s->artifact[i];

		if (i > 0 && memcmp(a[-1].id, a->id, sizeof(a->id)) >= 0)
			return err_set(err, RC_FORMAT,
			    "scope: artifact %u is not after the one before", i);
		if (a->first_part != at || a->n_parts < 1 ||
		    a->n_parts > PARTS_MAX || a->n_parts > room.parts)
			return err_set(err, RC_FORMAT,
			    "scope: artifact %u has %u parts", i, a->n_parts);
		room.parts -= a->n_parts;
		for (uint32_t j = 0; j < a->n_parts; j++, at++) {
			const struct scope_part	*p = &s->part[at];

			if (p->artifact != i)
				return err_set(err, RC_FORMAT,
				    "scope: part of another artifact");
			TRY(part_check(p, j > 0 ? p - 1 : NULL, &room, err));
		}
	}
	if (room.parts != 0)
		return err_set(err, RC_FORMAT, "scope: parts of no artifact");
	*ret_segments = SCOPE_SEGMENTS_MAX - room.segments;
	return RC_OK;
}

static bool
part_read(struct rd *r, struct scope_part *p)
{
	struct span	name;

	if (!rd_vec8(r, 1, PART_NAME_MAX, &name) ||
	    !rd_u32(r, &p->first) ||
	    !rd_u32(r, &p->last))
		return false;
	memcpy(p->name, name.p, name.n);
	p->name[name.n] = '\0';
	return strlen(p->name) == name.n;
}

/*
 * One pass over the bytes: with arrays it fills them, without it counts, so
 * that nothing is allocated by what the bytes claim, only by what they hold.
 */
static bool
scope_read(struct rd *r, struct scope *s)
{
	static const uint8_t	version = SCOPE_VERSION;
	struct scope_part	scratch;
	struct scope_artifact	a;
	uint16_t		artifacts;
	uint8_t			parts;

	s->n_parts = 0;
	if (!rd_expect(r, &version, 1) ||
	    !rd_u16(r, &artifacts) || artifacts > SCOPE_ARTIFACTS_MAX)
		return false;
	s->n_artifacts = artifacts;
	for (uint32_t i = 0; i < artifacts; i++) {
		if (!rd_bytes(r, a.id, sizeof(a.id)) ||
		    !rd_u8(r, &parts) || parts > PARTS_MAX)
			return false;
		a.first_part = s->n_parts;
		a.n_parts = parts;
		for (uint32_t j = 0; j < parts; j++, s->n_parts++) {
			scratch.artifact = i;
			if (!part_read(r, &scratch))
				return false;
			if (s->part != NULL)
				s->part[s->n_parts] = scratch;
		}
		if (s->artifact != NULL)
			s->artifact[i] = a;
	}
	return rd_done(r);
}

enum rc
scope_parse(struct span in, struct scope *ret, struct err *err)
{
	AUTO_DONE(scope_done) struct scope s = { 0 };
	struct rd	r = rd_init(in);

	if (in.n > SCOPE_BYTES_MAX)
		return err_set(err, RC_LIMIT, "scope: more than %d bytes",
		    SCOPE_BYTES_MAX);
	if (!scope_read(&r, &s))
		return err_set(err, RC_FORMAT,
		    "scope: malformed at byte %zu of %zu", r.at, in.n);
	if (s.n_artifacts < 1 || s.n_parts < 1)
		return err_set(err, RC_FORMAT, "scope: %u artifacts, %u parts",
		    s.n_artifacts, s.n_parts);
	s.artifact = calloc(s.n_artifacts, sizeof(*s.artifact));
	s.part = calloc(s.n_parts, sizeof(*s.part));
	if (s.artifact == NULL || s.part == NULL)
		return err_set(err, RC_NOMEM, "scope: no memory");
	r = rd_init(in);
	if (!scope_read(&r, &s))
		return err_set(err, RC_BUG, "scope: two passes disagree");
	TRY(scope_check(&s, &s.n_segments, err));
	*ret = s;
	s = (struct scope){ 0 };
	return RC_OK;
}

void
scope_done(struct scope *s)
{
	free(s->artifact);
	free(s->part);
	*s = (struct scope){ 0 };
}

enum rc
scope_write(const struct scope *s, struct buf *out, struct err *err)
{
	uint32_t	segments;

	TRY(scope_check(s, &segments, err));
	buf_u8(out, SCOPE_VERSION);
	buf_u16(out, (uint16_t)s->n_artifacts);
	for (uint32_t i = 0; i < s->n_artifacts; i++) {
		const struct scope_artifact	*a = &s->artifact[i];

		buf_add(out, a->id, sizeof(a->id));
		buf_u8(out, (uint8_t)a->n_parts);
		for (uint32_t j = 0; j < a->n_parts; j++) {
			const struct scope_part	*p = &s->part[a->first_part + j];

			buf_vec8(out, span_str(p->name));
			buf_u32(out, p->first);
			buf_u32(out, p->last);
		}
	}
	return buf_check(out, "scope", err);
}

enum rc
scope_each(const struct scope *s, scope_fn fn, void *user, struct err *err)
{
	uint32_t	number = 0;

	for (uint32_t i = 0; i < s->n_parts; i++) {
		const struct scope_part	*p = &s->part[i];

		/* 64 bits: last may be the largest of 32. */
		for (uint64_t seg = p->first; seg <= p->last; seg++)
			TRY(fn(user, number++, &s->artifact[p->artifact], p,
			    (uint32_t)seg, err));
	}
	return RC_OK;
}

/*
 * base/json.h - strict reading of JSON (RFC 8259) with jansson underneath.
 *
 * Refused: duplicate member names, bytes after the value, more than `max`
 * bytes or JSON_DEPTH levels, invalid UTF-8, U+0000, reals. A reader (struct
 * jobj) ticks off the members it is asked for; jobj_done() refuses any that
 * nobody asked for, so that one document has one meaning. Failure is sticky
 * and keeps the first message, so a parser is straight-line code.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/auto.h"
#include "base/bytes.h"
#include "base/when.h"

#define JSON_DEPTH	16
#define JSON_MEMBERS	48	/* most members of one object that jobj reads */

DEFINE_AUTO(json_decref, json_t);

/* RC_FORMAT with line and column; RC_LIMIT past max bytes; RC_NOMEM. */
MUST_USE enum rc json_read(struct span text, size_t max, json_t **ret, struct err *err);

struct jobj {
	const json_t	*obj;
	const char	*what;			/* for messages: "request" */
	uint64_t	 seen;			/* a bit for each member, in order: it was asked for */
	enum rc		 rc;
	struct err	*err;			/* NULL is fine */
};

/* v must be an object, else the reader starts out failed. */
struct jobj	 jobj_init(const json_t *v, const char *what, struct err *err);
/* Each member is required, unless the name ends in _opt, where absence gives the default. */
const char	*jobj_str(struct jobj *o, const char *name, size_t min, size_t max); /* borrowed; "" on failure */
const char	*jobj_str_opt(struct jobj *o, const char *name, size_t max);	/* NULL when absent */
uint64_t	 jobj_uint(struct jobj *o, const char *name, uint64_t min, uint64_t max);
bool		 jobj_bool_opt(struct jobj *o, const char *name, bool absent);
when		 jobj_when(struct jobj *o, const char *name);
void		 jobj_hex(struct jobj *o, const char *name, uint8_t *out, size_t n);
void		 jobj_b64(struct jobj *o, const char *name, uint8_t *out, size_t n); /* exact size */
void		 jobj_b64_buf(struct jobj *o, const char *name, size_t min, size_t max, struct buf *out);
const json_t	*jobj_obj(struct jobj *o, const char *name);			/* NULL on failure */
const json_t	*jobj_arr(struct jobj *o, const char *name, size_t min, size_t max);
const json_t	*jobj_arr_opt(struct jobj *o, const char *name, size_t max);	/* NULL when absent */
void		 jobj_fail(struct jobj *o, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
/* The verdict: RC_FORMAT for the first failure or for a member nobody asked for. */
MUST_USE enum rc jobj_done(struct jobj *o);

/*
 * RFC 8785 form (sorted names, no white space) of a value without reals and
 * with ASCII member names, appended to out. What a digest of JSON is taken over.
 */
MUST_USE enum rc json_canonical(const json_t *v, struct buf *out, struct err *err);

/* 1..max characters of [a-z0-9._-], first a letter or digit: ids and part names. */
bool		 is_ident(const char *s, size_t max);
/* Printable UTF-8 without control characters (U+0000-1F, 7F-9F): names people read. */
bool		 is_plain_text(const char *s, size_t max_bytes);
/* The length of the UTF-8 sequence at s, which a NUL ends at the latest, and its code point; 0: malformed. */
size_t		 utf8_next(const uint8_t *s, uint32_t *ret);

#endif

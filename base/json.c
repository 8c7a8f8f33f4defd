#include <stdlib.h>
#include <string.h>

#include "base/json.h"

/*
 * The parser calls some failed allocations "invalid token". A replica must not
 * take a good entry for a malformed one because memory ran out, so we ask the
 * allocator, which is the only one who knows.
 */
static _Thread_local bool	ran_out;

static void *
counted_malloc(size_t n)
{
	void	*p = malloc(n);

	if (p == NULL)
		ran_out = true;
	return p;
}

__attribute__((constructor)) static void
count_failures(void)
{
	json_set_alloc_funcs(counted_malloc, free);
}

/* What the parser lets through and we do not: depth and reals. */
static enum rc
check_value(const json_t *v, unsigned depth, struct err *err)
{
	const char	*name;
	json_t		*member;
	size_t		 i;

	if (json_is_real(v))
		return err_set(err, RC_FORMAT, "JSON: a number that is no integer");
	if (!json_is_object(v) && !json_is_array(v))
		return RC_OK;
	if (depth == JSON_DEPTH)
		return err_set(err, RC_FORMAT, "JSON: deeper than %d levels", JSON_DEPTH);
	/* The macros want a json_t * but change nothing. */
	json_object_foreach((json_t *)(uintptr_t)v, name, member)
		TRY(check_value(member, depth + 1, err));
	json_array_foreach(v, i, member)
		TRY(check_value(member, depth + 1, err));
	return RC_OK;
}

/* Our own words: those of the parser quote the input. */
static enum rc
parse_failed(const json_error_t *e, struct err *err)
{
	const char	*why = "malformed";
	enum json_error_code code = json_error_code(e);

	if (ran_out || code == json_error_out_of_memory)
		return err_set(err, RC_NOMEM, "JSON: no memory left");
	if (code == json_error_duplicate_key)
		why = "a member name twice";
	else if (code == json_error_invalid_utf8)
		why = "invalid UTF-8";
	else if (code == json_error_premature_end_of_input)
		why = "ends early";
	else if (code == json_error_end_of_input_expected)
		why = "bytes after the value";
	else if (code == json_error_numeric_overflow)
		why = "a number too large";
	else if (code == json_error_null_character ||
	    code == json_error_null_byte_in_key)
		why = "U+0000";
	return err_set(err, RC_FORMAT, "JSON: %s at line %d, column %d", why,
	    e->line, e->column);
}

/* --- the plain of JSON ------------------------------------------------------------- */

/*
 * What programs write: no white space, no escapes, printable ASCII, whole numbers of at most
 * 18 digits. The parser of jansson goes over each character several times; a replay parses
 * a log of such documents. NULL is no answer: what is not plain, or not good, it is asked.
 */
struct plain {
	const uint8_t	*p, *end;
};

static json_t *plain_value(struct plain *r, unsigned depth);

static bool
plain_is(struct plain *r, uint8_t c)
{
	if (r->p == r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

/* Without its quotes; the first is behind us. */
static bool
plain_text(struct plain *r, struct span *ret)
{
	const uint8_t	*p = r->p;

	while (p < r->end && *p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\')
		p++;
	*ret = SPAN(r->p, (size_t)(p - r->p));
	r->p = p;
	return plain_is(r, '"');
}

static bool
plain_member(struct plain *r, json_t *o, unsigned depth)
{
	struct span	name;
	json_t		*v;

	if (!plain_is(r, '"') || !plain_text(r, &name) || !plain_is(r, ':') ||
	    json_object_getn(o, (const char *)name.p, name.n) != NULL)
		return false;
	v = plain_value(r, depth + 1);
	return v != NULL && json_object_setn_new_nocheck(o, (const char *)name.p, name.n, v) == 0;
}

static json_t *
plain_object(struct plain *r, unsigned depth)
{
	AUTO(json_decref) json_t *o = depth < JSON_DEPTH ? json_object() : NULL;

	if (o == NULL || plain_is(r, '}'))
		return TAKE(o);
	do {
		if (!plain_member(r, o, depth))
			return NULL;
	} while (plain_is(r, ','));
	return plain_is(r, '}') ? TAKE(o) : NULL;
}

static json_t *
plain_array(struct plain *r, unsigned depth)
{
	AUTO(json_decref) json_t *a = depth < JSON_DEPTH ? json_array() : NULL;
	json_t	*v;

	if (a == NULL || plain_is(r, ']'))
		return TAKE(a);
	do {
		if ((v = plain_value(r, depth + 1)) == NULL || json_array_append_new(a, v) != 0)
			return NULL;
	} while (plain_is(r, ','));
	return plain_is(r, ']') ? TAKE(a) : NULL;
}

static json_t *
plain_number(struct plain *r)
{
	const uint8_t	*first = r->p;
	json_int_t	 v = 0;

	for (; r->p < r->end && *r->p >= '0' && *r->p <= '9' && r->p - first < 18; r->p++)
		v = v * 10 + (*r->p - '0');
	/* Whatever goes on after it, a digit or "." or "e", is not what may follow a value. */
	if (r->p == first || (*first == '0' && r->p - first > 1))
		return NULL;
	return json_integer(v);
}

static bool
plain_word(struct plain *r, const char *word)
{
	size_t	n = strlen(word);

	if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
		return false;
	r->p += n;
	return true;
}

static json_t *
plain_value(struct plain *r, unsigned depth)
{
	struct span	text;

	if (plain_is(r, '"'))
		return plain_text(r, &text) ? json_stringn_nocheck((const char *)text.p, text.n) : NULL;
	if (plain_is(r, '{'))
		return plain_object(r, depth);
	if (plain_is(r, '['))
		return plain_array(r, depth);
	if (plain_word(r, "true"))
		return json_true();
	if (plain_word(r, "false"))
		return json_false();
	return plain_word(r, "null") ? json_null() : plain_number(r);
}

static json_t *
plain_document(struct span text)
{
	AUTO(json_decref) json_t *v = NULL;
	struct plain	r = { text.p, text.p + text.n };

	v = plain_value(&r, 0);
	return r.p == r.end ? TAKE(v) : NULL;
}

/* --- all of it ---------------------------------------------------------------------- */

enum rc
json_read(struct span text, size_t max, json_t **ret, struct err *err)
{
	AUTO(json_decref) json_t	*v = NULL;
	json_error_t			 e;

	if (text.n > max)
		return err_set(err, RC_LIMIT, "JSON: %zu bytes, at most %zu", text.n, max);
	if (text.n == 0)
		return err_set(err, RC_FORMAT, "JSON: empty");
	ran_out = false;
	if ((v = plain_document(text)) != NULL) {
		*ret = TAKE(v);
		return RC_OK;
	}
	if (ran_out)
		return err_set(err, RC_NOMEM, "JSON: no memory left");
	v = json_loadb((const char *)text.p, text.n,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (v == NULL)
		return parse_failed(&e, err);
	/* Its lexer drops a character that it finds no room for, and goes on. */
	if (ran_out)
		return err_set(err, RC_NOMEM, "JSON: no memory left");
	TRY(check_value(v, 0, err));
	*ret = TAKE(v);
	return RC_OK;
}

bool
is_ident(const char *s, size_t max)
{
	size_t	i;

	for (i = 0; s[i] != '\0'; i++) {
		bool	word = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9');

		if (i == max)
			return false;
		if (!word && (i == 0 || strchr("._-", s[i]) == NULL))
			return false;
	}
	return i > 0;
}

size_t
utf8_next(const uint8_t *s, uint32_t *ret)
{
	static const uint32_t	least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t			n, i;
	uint32_t		v;

	if (s[0] < 0x80) {
		*ret = s[0];
		return 1;
	}
	n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc0 || s[0] > 0xf7)
		return 0;
	v = s[0] & (0x7fU >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)		/* the NUL stops this */
			return 0;
		v = v << 6 | (s[i] & 0x3fU);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	*ret = v;
	return n;
}

bool
is_plain_text(const char *s, size_t max_bytes)
{
	const uint8_t	*p = (const uint8_t *)s;
	uint32_t	 c;
	size_t		 n, at = 0;

	while (p[at] != '\0') {
		n = utf8_next(p + at, &c);
		if (n == 0 || n > max_bytes - at)
			return false;
		if (c < 0x20 || (c >= 0x7f && c <= 0x9f))
			return false;
		at += n;
	}
	return true;
}

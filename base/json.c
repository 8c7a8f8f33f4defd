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

/* The length of one UTF-8 sequence at s and its code point; 0: malformed. */
static size_t
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

/* RFC 8785 for the JSON we write: integers that a double holds, ASCII names. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define SAFE_INTEGER	INT64_C(9007199254740991)	/* 2^53 - 1 */

static void	auto_names(const char ***names);
static enum rc	put_value(const json_t *v, unsigned depth, struct buf *out, struct err *err);

static void
auto_names(const char ***names)
{
	free(*names);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* RFC 8785 3.2.2.2. */
static void
put_string(const char *s, struct buf *out)
{
	static const char	from[] = "\b\t\n\f\r\"\\", to[] = "btnfr\"\\";
	const char		*hit;

	buf_u8(out, '"');
	for (; *s != '\0'; s++) {
		hit = strchr(from, *s);
		if (hit != NULL) {
			buf_u8(out, '\\');
			buf_u8(out, (uint8_t)to[hit - from]);
		} else if ((unsigned char)*s < 0x20) {
			buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*s);
		} else {
			buf_u8(out, (uint8_t)*s);
		}
	}
	buf_u8(out, '"');
}

static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static enum rc
put_object(const json_t *v, unsigned depth, struct buf *out, struct err *err)
{
	__attribute__((cleanup(auto_names))) const char	**name = NULL;
	json_t						 *member;
	const char					 *key;
	size_t						  i, n = json_object_size(v), at = 0;

	name = calloc(n + 1, sizeof(*name));
	if (name == NULL)
		return err_set(err, RC_NOMEM, "canonical JSON: no memory left");
	json_object_foreach((json_t *)(uintptr_t)v, key, member) {
		/* Beyond ASCII the order would be that of UTF-16. */
		if (!is_ascii(key))
			return err_set(err, RC_FORMAT, "canonical JSON: a member name beyond ASCII");
		name[at++] = key;
	}
	qsort(name, n, sizeof(*name), by_name);
	buf_u8(out, '{');
	for (i = 0; i < n; i++) {
		if (i != 0)
			buf_u8(out, ',');
		put_string(name[i], out);
		buf_u8(out, ':');
		TRY(put_value(json_object_get(v, name[i]), depth + 1, out, err));
	}
	buf_u8(out, '}');
	return RC_OK;
}

static enum rc
put_array(const json_t *v, unsigned depth, struct buf *out, struct err *err)
{
	size_t	i;

	buf_u8(out, '[');
	for (i = 0; i < json_array_size(v); i++) {
		if (i != 0)
			buf_u8(out, ',');
		TRY(put_value(json_array_get(v, i), depth + 1, out, err));
	}
	buf_u8(out, ']');
	return RC_OK;
}

static enum rc
put_integer(json_int_t v, struct buf *out, struct err *err)
{
	if (v > SAFE_INTEGER || v < -SAFE_INTEGER)
		return err_set(err, RC_FORMAT, "canonical JSON: an integer beyond 2^53");
	buf_printf(out, "%lld", (long long)v);
	return RC_OK;
}

static enum rc
put_value(const json_t *v, unsigned depth, struct buf *out, struct err *err)
{
	if (depth == JSON_DEPTH && (json_is_object(v) || json_is_array(v)))
		return err_set(err, RC_FORMAT, "canonical JSON: deeper than %d levels", JSON_DEPTH);
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return put_object(v, depth, out, err);
	case JSON_ARRAY:
		return put_array(v, depth, out, err);
	case JSON_STRING:
		put_string(json_string_value(v), out);
		return RC_OK;
	case JSON_INTEGER:
		return put_integer(json_integer_value(v), out, err);
	case JSON_TRUE:
		buf_span(out, SPAN_STR("true"));
		return RC_OK;
	case JSON_FALSE:
		buf_span(out, SPAN_STR("false"));
		return RC_OK;
	case JSON_NULL:
		buf_span(out, SPAN_STR("null"));
		return RC_OK;
	case JSON_REAL:
		break;
	}
	return err_set(err, RC_FORMAT, "canonical JSON: a number that is no integer");
}

enum rc
json_canonical(const json_t *v, struct buf *out, struct err *err)
{
	size_t	was = out->n;
	enum rc	rc;

	if (v == NULL)
		return err_set(err, RC_BUG, "canonical JSON: no value");
	rc = put_value(v, 0, out, err);
	if (rc != RC_OK) {
		out->n = was;
		return rc;
	}
	return buf_check(out, "canonical JSON", err);
}

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

_Static_assert(JSON_MEMBERS <= 64, "`seen` has a bit for each member");

void
jobj_fail(struct jobj *o, const char *fmt, ...)
{
	char	why[ERR_MSG_BYTES];
	va_list	ap;

	if (o->rc != RC_OK)
		return;
	va_start(ap, fmt);
	if (vsnprintf(why, sizeof(why), fmt, ap) < 0)
		why[0] = '\0';
	va_end(ap);
	o->rc = err_set(o->err, RC_FORMAT, "%s: %s", o->what, why);
}

struct jobj
jobj_init(const json_t *v, const char *what, struct err *err)
{
	struct jobj	o = { .obj = v, .what = what, .seen = 0, .rc = RC_OK, .err = err };

	if (!json_is_object(v))
		jobj_fail(&o, "not an object");
	else if (json_object_size(v) > JSON_MEMBERS)
		jobj_fail(&o, "more than %d members", JSON_MEMBERS);
	return o;
}

/* The member, ticked off; NULL when absent or failed. */
static const json_t *
find(struct jobj *o, const char *name)
{
	const char	*key;
	json_t		*v;
	unsigned	 at = 0;

	if (o->rc != RC_OK)
		return NULL;
	json_object_foreach((json_t *)(uintptr_t)o->obj, key, v) {
		if (strcmp(key, name) == 0) {
			o->seen |= UINT64_C(1) << at;
			return v;
		}
		at++;
	}
	return NULL;
}

static const json_t *
need(struct jobj *o, const char *name)
{
	const json_t	*v = find(o, name);

	if (v == NULL)
		jobj_fail(o, "no \"%s\"", name);
	return v;
}

static const char *
as_str(struct jobj *o, const json_t *v, const char *name, size_t min, size_t max)
{
	if (!json_is_string(v)) {
		jobj_fail(o, "\"%s\" is no string", name);
		return NULL;
	}
	if (json_string_length(v) < min || json_string_length(v) > max) {
		jobj_fail(o, "\"%s\" has %zu bytes, not %zu to %zu", name,
		    json_string_length(v), min, max);
		return NULL;
	}
	return json_string_value(v);
}

const char *
jobj_str(struct jobj *o, const char *name, size_t min, size_t max)
{
	const json_t	*v = need(o, name);
	const char	*s = v == NULL ? NULL : as_str(o, v, name, min, max);

	return s == NULL ? "" : s;
}

const char *
jobj_str_opt(struct jobj *o, const char *name, size_t max)
{
	const json_t	*v = find(o, name);

	return v == NULL ? NULL : as_str(o, v, name, 0, max);
}

static uint64_t
as_uint(struct jobj *o, const json_t *v, const char *name, uint64_t min, uint64_t max)
{
	json_int_t	i;

	if (!json_is_integer(v)) {
		jobj_fail(o, "\"%s\" is no integer", name);
		return 0;
	}
	i = json_integer_value(v);
	if (i < 0 || (uint64_t)i < min || (uint64_t)i > max) {
		jobj_fail(o, "\"%s\" is not within %llu to %llu", name,
		    (unsigned long long)min, (unsigned long long)max);
		return 0;
	}
	return (uint64_t)i;
}

uint64_t
jobj_uint(struct jobj *o, const char *name, uint64_t min, uint64_t max)
{
	const json_t	*v = need(o, name);

	return v == NULL ? 0 : as_uint(o, v, name, min, max);
}

bool
jobj_bool_opt(struct jobj *o, const char *name, bool absent)
{
	const json_t	*v = find(o, name);

	if (v == NULL)
		return absent;
	if (!json_is_boolean(v)) {
		jobj_fail(o, "\"%s\" is neither true nor false", name);
		return absent;
	}
	return json_is_true(v);
}

when
jobj_when(struct jobj *o, const char *name)
{
	const char	*s = jobj_str(o, name, WHEN_TEXT_BYTES - 1, WHEN_TEXT_BYTES - 1);
	when		 t = 0;

	if (o->rc == RC_OK && !when_parse(span_str(s), &t))
		jobj_fail(o, "\"%s\" is no time such as 2026-11-22T10:00:00Z", name);
	return t;
}

void
jobj_hex(struct jobj *o, const char *name, uint8_t *out, size_t n)
{
	const char	*s = jobj_str(o, name, 2 * n, 2 * n);

	if (o->rc == RC_OK && !hex_parse(span_str(s), out, n))
		jobj_fail(o, "\"%s\" is not %zu bytes of lower-case hex", name, n);
}

/* A failure other than RC_FORMAT (memory) keeps its own code. */
static void
took(struct jobj *o, const char *name, enum rc rc)
{
	if (rc == RC_FORMAT || rc == RC_LIMIT)
		jobj_fail(o, "\"%s\" is not base64 of an allowed length", name);
	else if (rc != RC_OK && o->rc == RC_OK)
		o->rc = err_set(o->err, rc, "%s: no memory left", o->what);
}

void
jobj_b64(struct jobj *o, const char *name, uint8_t *out, size_t n)
{
	const char	*s = jobj_str(o, name, 0, (n + 2) / 3 * 4);

	if (o->rc == RC_OK)
		took(o, name, b64_parse_fixed(out, n, span_str(s), NULL));
}

void
jobj_b64_buf(struct jobj *o, const char *name, size_t min, size_t max, struct buf *out)
{
	const char	*s = jobj_str(o, name, 0, (max + 2) / 3 * 4);
	size_t		 was = out->n;

	if (o->rc != RC_OK)
		return;
	took(o, name, b64_parse(out, span_str(s), NULL));
	if (o->rc == RC_OK && (out->n - was < min || out->n - was > max)) {
		out->n = was;
		took(o, name, RC_FORMAT);
	}
}

const json_t *
jobj_obj(struct jobj *o, const char *name)
{
	const json_t	*v = need(o, name);

	if (v != NULL && !json_is_object(v)) {
		jobj_fail(o, "\"%s\" is no object", name);
		return NULL;
	}
	return v;
}

static const json_t *
as_arr(struct jobj *o, const json_t *v, const char *name, size_t min, size_t max)
{
	if (!json_is_array(v)) {
		jobj_fail(o, "\"%s\" is no array", name);
		return NULL;
	}
	if (json_array_size(v) < min || json_array_size(v) > max) {
		jobj_fail(o, "\"%s\" has %zu elements, not %zu to %zu", name,
		    json_array_size(v), min, max);
		return NULL;
	}
	return v;
}

const json_t *
jobj_arr(struct jobj *o, const char *name, size_t min, size_t max)
{
	const json_t	*v = need(o, name);

	return v == NULL ? NULL : as_arr(o, v, name, min, max);
}

const json_t *
jobj_arr_opt(struct jobj *o, const char *name, size_t max)
{
	const json_t	*v = find(o, name);

	return v == NULL ? NULL : as_arr(o, v, name, 0, max);
}

/* The first member that nobody asked for; its name is printed only if harmless. */
static void
fail_unknown(struct jobj *o)
{
	const char	*key;
	json_t		*v;
	unsigned	 at = 0;

	json_object_foreach((json_t *)(uintptr_t)o->obj, key, v) {
		if ((o->seen >> at & 1) == 0) {
			jobj_fail(o, "unknown member %s", is_ident(key, 40) ? key : "(unprintable)");
			return;
		}
		at++;
	}
}

enum rc
jobj_done(struct jobj *o)
{
	if (o->rc == RC_OK)
		fail_unknown(o);
	return o->rc;
}

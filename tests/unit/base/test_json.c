#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "tests/unit/fault.h"

static void
test_read(void **state)
{
	static const struct {
		const char	*text;
		enum rc		 rc;
	} t[] = {
		{ "{}", RC_OK }, { " [1, -2, \"x\", true, null] ", RC_OK }, { "\"a\"", RC_OK }, { "7", RC_OK },
		{ "{\"a\":{\"a\":1}}", RC_OK }, { "9223372036854775807", RC_OK },
		{ "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", RC_OK },			/* 16 levels */
		{ "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", RC_FORMAT },		/* 17 */
		{ "{\"a\":[{\"a\":[{\"a\":[{\"a\":[{\"a\":[{\"a\":[{\"a\":[{\"a\":[[]]}]}]}]}]}]}]}]}",
		    RC_FORMAT },
		{ "", RC_FORMAT }, { " ", RC_FORMAT }, { "{", RC_FORMAT }, { "{}x", RC_FORMAT }, { "{}{}", RC_FORMAT },
		{ "{\"a\":1,\"a\":1}", RC_FORMAT }, { "[{\"b\":1,\"c\":2,\"b\":3}]", RC_FORMAT },
		{ "{\"a\":1,\"\\u0061\":1}", RC_FORMAT },
		{ "1.0", RC_FORMAT }, { "[1e3]", RC_FORMAT }, { "{\"a\":0.5}", RC_FORMAT },
		{ "9223372036854775808", RC_FORMAT }, { "01", RC_FORMAT }, { "+1", RC_FORMAT },
		{ "\"\\u0000\"", RC_FORMAT }, { "{\"\\u0000\":1}", RC_FORMAT },
		{ "\"\xff\"", RC_FORMAT }, { "\"\xc0\x80\"", RC_FORMAT }, { "\"\xed\xa0\x80\"", RC_FORMAT },
		{ "\"\\ud800\"", RC_FORMAT }, { "\"\n\"", RC_FORMAT }, { "'a'", RC_FORMAT }, { "[1,]", RC_FORMAT },
		{ "// x\n{}", RC_FORMAT }, { "NaN", RC_FORMAT }, { "\xef\xbb\xbf{}", RC_FORMAT },
	};
	uint8_t	*copy;
	json_t	*v;
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		copy = heap_copy(t[i].text, strlen(t[i].text));
		v = NULL;
		if (json_read(SPAN(copy, strlen(t[i].text)), 1000, &v, NULL) != t[i].rc)
			fail_msg("%s", t[i].text);
		assert_int_equal(v != NULL, t[i].rc == RC_OK);
		json_decref(v);
		free(copy);
	}
}

/* A space before it makes it what the other parser reads: they say the same. */
static void
both_ways(const char *text, size_t n)
{
	uint8_t	*copy = heap_copy(text, n), *spaced = malloc(n + 1);
	json_t	*quick = NULL, *slow = NULL;
	char	*a, *b;
	enum rc	 rc;

	assert_non_null(spaced);
	spaced[0] = ' ';
	memcpy(spaced + 1, text, n);
	rc = json_read(SPAN(copy, n), 4096, &quick, NULL);
	assert_int_equal(rc, json_read(SPAN(spaced, n + 1), 4096, &slow, NULL));
	if (rc == RC_OK) {
		a = json_dumps(quick, JSON_ENCODE_ANY);
		b = json_dumps(slow, JSON_ENCODE_ANY);
		assert_string_equal(a, b);
		free(a);
		free(b);
	}
	json_decref(quick);
	json_decref(slow);
	free(copy);
	free(spaced);
}

static void
test_plain(void **state)
{
	static const char	*const texts[] = {
		"{\"a\":1,\"b\":[true,false,null,\"x y\",{}],\"c\":{\"d\":[],\"a\":0}}",
		"[0,10,999999999999999999,1000000000000000000,9223372036854775807]",
		"[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]",
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}}}}}}}}}",
		"{\"a\":1,\"a\":2}", "{\"\":1}", "\"\"", "{}x", "[1]]", "[01]", "[1,]", "{\"a\":1,}", "[,1]",
	};
	static const char	others[] = "\"\\{}[]:, \n0719-.+eEtfnu\x7f\xc3";
	char			 b[256];
	size_t			 i, k, c, n;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		n = strlen(texts[i]);
		memcpy(b, texts[i], n);
		both_ways(b, n);
		for (k = 0; k < n; k++) {
			both_ways(b, k + 1);
			for (c = 0; c < sizeof(others); c++) {
				b[k] = others[c];
				both_ways(b, n);
			}
			b[k] = texts[i][k];
		}
	}
}

static void
test_read_limits(void **state)
{
	json_t		*v = NULL;
	struct err	 e;
	char		 deep[4000];

	(void)state;
	assert_int_equal(json_read(SPAN_STR("[1]"), 3, &v, NULL), RC_OK);
	json_decref(v);
	v = NULL;
	assert_int_equal(json_read(SPAN_STR("[1]"), 2, &v, NULL), RC_LIMIT);
	assert_int_equal(json_read(SPAN("{}\0", 3), 10, &v, NULL), RC_FORMAT);
	assert_int_equal(json_read(SPAN("\"a\0b\"", 5), 10, &v, NULL), RC_FORMAT);
	memset(deep, '[', sizeof(deep));
	assert_int_equal(json_read(SPAN_OF(deep), sizeof(deep), &v, NULL), RC_FORMAT);
	/* What the peer wrote is not in the message. */
	assert_int_equal(json_read(SPAN_STR("{\"a\":\n evil }"), 100, &v, &e), RC_FORMAT);
	assert_null(strstr(e.msg, "evil"));
	assert_non_null(strstr(e.msg, "line 2"));
	assert_null(v);
}

static void
test_no_memory(void **state)
{
	static const char	text[] = "{\"a\":[1,\"x\",{\"b\":true}],\"c\":\"y\"}";
	struct buf		out = BUF_INIT(1000);
	json_t			*v = NULL;
	unsigned long		 n;
	enum rc			 rc;

	(void)state;
	for (n = 1;; n++) {
		fault_at(n);
		rc = json_read(SPAN_STR(text), 1000, &v, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
		assert_null(v);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 5);
	/* The same by the other parser. */
	for (n = 1;; n++) {
		json_decref(v);
		v = NULL;
		fault_at(n);
		rc = json_read(SPAN_STR(" {\"a\":[1,\"x\",{\"b\":true}],\"c\":\"y\"}"), 1000, &v, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
		assert_null(v);
	}
	assert_int_equal(rc, RC_OK);
	for (n = 1;; n++) {
		buf_done(&out);
		fault_at(n);
		rc = json_canonical(v, &out, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 3);
	json_decref(v);
	buf_done(&out);
}

static void
test_members(void **state)
{
	static const char	text[] =
	    "{\"s\":\"hey\",\"n\":5,\"t\":\"2026-11-22T10:00:00Z\",\"h\":\"00ff\",\"b\":\"Zm9v\",\"bb\":\"Zm9vYg\","
	    "\"o\":{\"x\":1},\"a\":[1,2],\"yes\":true}";
	struct buf	b = BUF_INIT(10);
	struct jobj	o;
	uint8_t		hex[2], foo[3];
	json_t		*v = NULL;

	(void)state;
	assert_int_equal(json_read(SPAN_STR(text), 1000, &v, NULL), RC_OK);
	o = jobj_init(v, "thing", NULL);
	assert_string_equal(jobj_str(&o, "s", 3, 3), "hey");
	assert_string_equal(jobj_str_opt(&o, "s", 3), "hey");
	assert_null(jobj_str_opt(&o, "absent", 3));
	assert_int_equal(jobj_uint(&o, "n", 5, 5), 5);
	assert_true(jobj_bool_opt(&o, "yes", false));
	assert_true(jobj_bool_opt(&o, "absent", true));
	assert_false(jobj_bool_opt(&o, "absent", false));
	assert_true(jobj_when(&o, "t") == 1795341600);
	jobj_hex(&o, "h", hex, 2);
	assert_memory_equal(hex, "\x00\xff", 2);
	jobj_b64(&o, "b", foo, 3);
	assert_memory_equal(foo, "foo", 3);
	jobj_b64_buf(&o, "bb", 4, 4, &b);
	assert_true(span_eq(buf_view(&b), SPAN_STR("foob")));
	assert_int_equal(json_object_size(jobj_obj(&o, "o")), 1);
	assert_int_equal(json_array_size(jobj_arr(&o, "a", 2, 2)), 2);
	assert_int_equal(json_array_size(jobj_arr_opt(&o, "a", 2)), 2);
	assert_null(jobj_arr_opt(&o, "absent", 2));
	assert_int_equal(jobj_done(&o), RC_OK);
	json_decref(v);
	buf_done(&b);
}

/* One getter on one document: does it fail, and in the right words? */
enum get { STR, STR_OPT, UINT, BOOL, WHEN, HEX, B64, B64_BUF, OBJ, ARR, ARR_OPT, NONE };

static void
get(struct jobj *o, enum get what, struct buf *b)
{
	uint8_t	x[8];

	switch (what) {
	case STR:	assert_string_equal(jobj_str(o, "m", 2, 3), ""); break;
	case STR_OPT:	assert_null(jobj_str_opt(o, "m", 3)); break;
	case UINT:	jobj_uint(o, "m", 2, 5); break;
	case BOOL:	jobj_bool_opt(o, "m", false); break;
	case WHEN:	jobj_when(o, "m"); break;
	case HEX:	jobj_hex(o, "m", x, 2); break;
	case B64:	jobj_b64(o, "m", x, 3); break;
	case B64_BUF:	jobj_b64_buf(o, "m", 2, 3, b); break;
	case OBJ:	assert_null(jobj_obj(o, "m")); break;
	case ARR:	assert_null(jobj_arr(o, "m", 1, 2)); break;
	case ARR_OPT:	assert_null(jobj_arr_opt(o, "m", 2)); break;
	case NONE:	break;
	}
}

static void
test_refused(void **state)
{
	static const struct {
		enum get	 what;
		const char	*text;
	} t[] = {
		{ STR, "{}" }, { STR, "{\"m\":1}" }, { STR, "{\"m\":\"a\"}" }, { STR, "{\"m\":\"abcd\"}" },
		{ STR_OPT, "{\"m\":null}" }, { STR_OPT, "{\"m\":\"abcd\"}" },
		{ UINT, "{}" }, { UINT, "{\"m\":1}" }, { UINT, "{\"m\":6}" }, { UINT, "{\"m\":-3}" },
		{ UINT, "{\"m\":\"3\"}" }, { UINT, "{\"m\":true}" },
		{ UINT, "{\"m\":null}" }, { UINT, "{\"m\":-1}" },
		{ BOOL, "{\"m\":1}" }, { BOOL, "{\"m\":null}" },
		{ WHEN, "{}" }, { WHEN, "{\"m\":\"2026-11-22T10:00:60Z\"}" }, { WHEN, "{\"m\":\"2026\"}" },
		{ HEX, "{}" }, { HEX, "{\"m\":\"00f\"}" }, { HEX, "{\"m\":\"00fg\"}" }, { HEX, "{\"m\":\"00ff00\"}" },
		{ B64, "{}" }, { B64, "{\"m\":\"Zg==\"}" }, { B64, "{\"m\":\"Zm9*\"}" }, { B64, "{\"m\":\"Zm9vZm9v\"}" },
		{ B64_BUF, "{}" }, { B64_BUF, "{\"m\":\"Zg\"}" }, { B64_BUF, "{\"m\":\"Zm9vZm9v\"}" },
		{ B64_BUF, "{\"m\":\"Zm*v\"}" },
		{ OBJ, "{}" }, { OBJ, "{\"m\":[]}" }, { ARR, "{}" }, { ARR, "{\"m\":{}}" }, { ARR, "{\"m\":[]}" },
		{ ARR, "{\"m\":[1,2,3]}" }, { ARR_OPT, "{\"m\":[1,2,3]}" }, { ARR_OPT, "{\"m\":null}" },
		{ NONE, "{\"m\":1}" }, { NONE, "[]" }, { NONE, "1" },
	};
	struct buf	b = BUF_INIT(100);
	struct jobj	o;
	struct err	e;
	json_t		*v;
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		v = NULL;
		assert_int_equal(json_read(span_str(t[i].text), 1000, &v, NULL), RC_OK);
		o = jobj_init(v, "thing", &e);
		get(&o, t[i].what, &b);
		if (o.rc == RC_OK && t[i].what != NONE)
			fail_msg("%s taken", t[i].text);
		assert_int_equal(jobj_done(&o), RC_FORMAT);
		assert_memory_equal(e.msg, "thing: ", 7);
		assert_int_equal(b.n, 0);
		json_decref(v);
	}
	o = jobj_init(NULL, "thing", NULL);
	assert_int_equal(jobj_done(&o), RC_FORMAT);
	buf_done(&b);
}

/* Bounds that the other checks would hide. */
static void
test_bounds(void **state)
{
	struct buf	b = BUF_INIT(100);
	struct jobj	o;
	json_t		*v = NULL;

	(void)state;
	assert_int_equal(json_read(SPAN_STR("{\"n\":-1,\"b\":\"Zm9v\"}"), 100, &v, NULL), RC_OK);
	o = jobj_init(v, "thing", NULL);
	(void)jobj_uint(&o, "n", 0, UINT64_MAX);
	assert_int_equal(o.rc, RC_FORMAT);
	o = jobj_init(v, "thing", NULL);
	jobj_b64_buf(&o, "b", 0, 2, &b);		/* 3 bytes in as many digits as 2 */
	assert_int_equal(o.rc, RC_FORMAT);
	assert_int_equal(b.n, 0);
	json_decref(v);
	buf_done(&b);
}

static void
test_unknown_member(void **state)
{
	struct jobj	o;
	struct err	e;
	json_t		*v = NULL;

	(void)state;
	assert_int_equal(json_read(SPAN_STR("{\"a\":1,\"extra\":2}"), 100, &v, NULL), RC_OK);
	o = jobj_init(v, "thing", &e);
	/* Asking twice for one does not make up for the other. */
	(void)jobj_uint(&o, "a", 0, 9);
	(void)jobj_uint(&o, "a", 0, 9);
	assert_int_equal(jobj_done(&o), RC_FORMAT);
	assert_string_equal(e.msg, "thing: unknown member extra");
	json_decref(v);
	assert_int_equal(json_read(SPAN_STR("{\"\\u001b[2J\":2}"), 100, &v, NULL), RC_OK);
	o = jobj_init(v, "thing", &e);
	assert_int_equal(jobj_done(&o), RC_FORMAT);
	assert_string_equal(e.msg, "thing: unknown member (unprintable)");
	json_decref(v);
}

static void
test_sticky(void **state)
{
	struct jobj	o;
	struct err	e;
	json_t		*v = NULL;

	(void)state;
	assert_int_equal(json_read(SPAN_STR("{\"a\":1}"), 100, &v, NULL), RC_OK);
	o = jobj_init(v, "thing", &e);
	(void)jobj_uint(&o, "first", 0, 9);
	(void)jobj_str(&o, "second", 0, 9);
	jobj_fail(&o, "third");
	assert_int_equal(jobj_uint(&o, "a", 0, 9), 0);
	assert_int_equal(jobj_done(&o), RC_FORMAT);
	assert_string_equal(e.msg, "thing: no \"first\"");
	json_decref(v);
}

static void
test_many_members(void **state)
{
	struct jobj	o;
	json_t		*v = json_object();
	char		name[16];
	int		i;

	(void)state;
	for (i = 0; i < JSON_MEMBERS; i++) {
		(void)snprintf(name, sizeof(name), "m%d", i);
		assert_int_equal(json_object_set_new(v, name, json_integer(i)), 0);
	}
	o = jobj_init(v, "thing", NULL);
	for (i = 0; i < JSON_MEMBERS; i++) {
		(void)snprintf(name, sizeof(name), "m%d", i);
		assert_int_equal(jobj_uint(&o, name, 0, 99), i);
	}
	assert_int_equal(jobj_done(&o), RC_OK);
	assert_int_equal(json_object_set_new(v, "more", json_null()), 0);
	o = jobj_init(v, "thing", NULL);
	assert_int_equal(o.rc, RC_FORMAT);
	json_decref(v);
}

static void
test_member_no_memory(void **state)
{
	struct buf	b = BUF_INIT(100);
	struct jobj	o;
	json_t		*v = NULL;

	(void)state;
	assert_int_equal(json_read(SPAN_STR("{\"a\":\"Zm9v\"}"), 100, &v, NULL), RC_OK);
	o = jobj_init(v, "thing", NULL);
	fault_at(1);
	jobj_b64_buf(&o, "a", 0, 3, &b);
	assert_true(fault_fired());
	assert_int_equal(jobj_done(&o), RC_NOMEM);
	json_decref(v);
	buf_done(&b);
}

static void
test_canonical(void **state)
{
	static const struct {
		const char	*in, *out;
	} t[] = {
		{ "{ \"b\" : 1, \"a\" : [ true, false, null ] }", "{\"a\":[true,false,null],\"b\":1}" },
		{ "{\"a\":{\"z\":1,\"y\":-2},\"A\":\"x\"}", "{\"A\":\"x\",\"a\":{\"y\":-2,\"z\":1}}" },
		{ "[]", "[]" }, { "{}", "{}" }, { "\"\\u0007\\b\\t\\n\\f\\r\\\"\\\\\\/\"", "\"\\u0007\\b\\t\\n\\f\\r\\\"\\\\/\"" },
		{ "\"\\u20ac\\u001f\"", "\"\xe2\x82\xac\\u001f\"" }, { "\"\x7f\"", "\"\x7f\"" },
		{ "9007199254740991", "9007199254740991" }, { "-9007199254740991", "-9007199254740991" },
		{ "{\"aa\":1,\"a\":2,\"a-\":3}", "{\"a\":2,\"a-\":3,\"aa\":1}" },
		{ "9007199254740992", NULL }, { "-9007199254740992", NULL }, { "{\"\xc3\xa9\":1}", NULL },
	};
	struct buf	b = BUF_INIT(1000);
	json_t		*v;
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		v = NULL;
		buf_reset(&b);
		assert_int_equal(json_read(span_str(t[i].in), 1000, &v, NULL), RC_OK);
		if (t[i].out == NULL) {
			assert_int_equal(json_canonical(v, &b, NULL), RC_FORMAT);
			assert_int_equal(b.n, 0);
		} else {
			assert_int_equal(json_canonical(v, &b, NULL), RC_OK);
			assert_string_equal(buf_text(&b), t[i].out);
		}
		json_decref(v);
	}
	v = json_real(1.5);
	buf_reset(&b);
	assert_int_equal(json_canonical(v, &b, NULL), RC_FORMAT);
	json_decref(v);
	assert_int_equal(json_canonical(NULL, &b, NULL), RC_BUG);
	buf_done(&b);
	b.max = 1;
	v = json_array();
	assert_int_equal(json_canonical(v, &b, NULL), RC_LIMIT);
	json_decref(v);
	buf_done(&b);
}

static void
test_canonical_depth(void **state)
{
	struct buf	b = BUF_INIT(1000);
	json_t		*v = json_integer(1), *outer;
	int		i;

	(void)state;
	for (i = 0; i < JSON_DEPTH + 1; i++) {
		outer = json_array();
		assert_int_equal(json_array_append_new(outer, v), 0);
		v = outer;
		assert_int_equal(json_canonical(v, &b, NULL), i < JSON_DEPTH ? RC_OK : RC_FORMAT);
	}
	json_decref(v);
	buf_done(&b);
}

static void
test_ident(void **state)
{
	(void)state;
	assert_true(is_ident("a", 1));
	assert_true(is_ident("0.b_c-d", 7));
	assert_false(is_ident("0.b_c-d", 6));
	assert_false(is_ident("", 8));
	assert_false(is_ident(".a", 8));
	assert_false(is_ident("-a", 8));
	assert_false(is_ident("_a", 8));
	assert_false(is_ident("A", 8));
	assert_false(is_ident("a/b", 8));
	assert_false(is_ident("a b", 8));
	assert_false(is_ident("\xc3\xa9", 8));
}

static void
test_plain_text(void **state)
{
	static const char	*bad[] = {
		"\n", "a\tb", "\x1b[0m", "\x7f", "\xc2\x80", "\xc2\x9f",	/* controls */
		"\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		"\xf8\x88\x80\x80\x80", "\xff", "\xe2\x82", "\xf0\x9f\x92",
	};
	uint8_t	*copy;
	size_t	 i;

	(void)state;
	assert_true(is_plain_text("Ren\xc3\xa9" "e \xe2\x82\xac \xf0\x9f\x92\xa1", 15));
	assert_true(is_plain_text("\xc2\xa0", 2));
	assert_true(is_plain_text("", 0));
	assert_false(is_plain_text("abc", 2));
	assert_false(is_plain_text("\xc3\xa9", 1));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		copy = heap_copy(bad[i], strlen(bad[i]) + 1);
		assert_false(is_plain_text((const char *)copy, 100));
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_read_limits),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_unknown_member),
		cmocka_unit_test(test_sticky),
		cmocka_unit_test(test_many_members),
		cmocka_unit_test(test_member_no_memory),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_canonical_depth),
		cmocka_unit_test(test_ident),
		cmocka_unit_test(test_plain_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

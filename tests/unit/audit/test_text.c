#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/text.h"
#include "tests/unit/fault.h"

static const struct {
	const char	*why, *name;
	bool		 good;
} names[] = {
	{ "ASCII",			"log.example/1", true },
	{ "two bytes",			"zo\xc3\xab", true },
	{ "three bytes",		"\xe2\x80\x94", true },
	{ "four bytes",			"\xf0\x9f\x94\x91", true },
	{ "the last character",		"\xf4\x8f\xbf\xbf", true },
	{ "before the surrogates",	"\xed\x9f\xbf", true },
	{ "after the surrogates",	"\xee\x80\x80", true },
	{ "empty",			"", false },
	{ "plus",			"a+b", false },
	{ "space",			"a b", false },
	{ "newline",			"a\n", false },
	{ "delete",			"a\x7f", false },
	{ "C1 control",			"\xc2\x9f", false },
	{ "no-break space",		"\xc2\xa0", false },
	{ "ogham space",		"\xe1\x9a\x80", false },
	{ "en quad",			"\xe2\x80\x80", false },
	{ "hair space",			"\xe2\x80\x8a", false },
	{ "line separator",		"\xe2\x80\xa8", false },
	{ "paragraph separator",	"\xe2\x80\xa9", false },
	{ "narrow no-break space",	"\xe2\x80\xaf", false },
	{ "mathematical space",		"\xe2\x81\x9f", false },
	{ "ideographic space",		"\xe3\x80\x80", false },
	{ "lone continuation",		"\x80", false },
	{ "overlong, two",		"\xc1\xbf", false },
	{ "overlong, three",		"\xe0\x9f\xbf", false },
	{ "overlong, four",		"\xf0\x8f\xbf\xbf", false },
	{ "surrogate",			"\xed\xa0\x80", false },
	{ "last surrogate",		"\xed\xbf\xbf", false },
	{ "past the last character",	"\xf4\x90\x80\x80", false },
	{ "no such first byte",		"\xf8\x88\x80\x80\x80", false },
	{ "no continuation",		"\xc3(", false },
};

static void
test_names(void **state)
{
	char	out[NOTE_NAME_MAX + 1];
	uint8_t	*copy;
	size_t	 n;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		n = strlen(names[i].name);
		copy = heap_copy(names[i].name, n);
		if (text_name(SPAN(copy, n), out) != names[i].good)
			fail_msg("%s", names[i].why);
		if (names[i].good)
			assert_string_equal(out, names[i].name);
		free(copy);
	}
	assert_false(text_name(SPAN("a\0b", 3), out));
	/* A character cut short, whatever stands behind the span. */
	for (n = 1; n < 4; n++)
		assert_false(text_name(SPAN("\xf0\x9f\x94\x91", n), out));
}

static const struct {
	const char	*text;
	bool		 good;
	uint64_t	 value;
} decimals[] = {
	{ "0", true, 0 },
	{ "7", true, 7 },
	{ "10", true, 10 },
	{ "9223372036854775807", true, INT64_MAX },
	{ "9223372036854775808", false, 0 },
	{ "9999999999999999999", false, 0 },
	{ "18446744073709551616", false, 0 },
	{ "", false, 0 },
	{ "00", false, 0 },
	{ "07", false, 0 },
	{ "-1", false, 0 },
	{ "1 ", false, 0 },
	{ "1:", false, 0 },
	{ "1/", false, 0 },
};

static void
test_decimals(void **state)
{
	uint64_t	v;

	(void)state;
	for (size_t i = 0; i < sizeof(decimals) / sizeof(decimals[0]); i++) {
		v = 99;
		if (text_decimal(span_str(decimals[i].text), &v) != decimals[i].good)
			fail_msg("%s", decimals[i].text);
		assert_true(v == (decimals[i].good ? decimals[i].value : 99));
	}
}

static void
test_cut(void **state)
{
	struct span	rest = SPAN_STR("a\n\nb"), got;

	(void)state;
	assert_true(text_cut(&rest, '\n', &got));
	assert_true(span_eq(got, SPAN_STR("a")));
	assert_true(text_cut(&rest, '\n', &got));
	assert_int_equal(got.n, 0);
	assert_false(text_cut(&rest, '\n', &got));
	assert_true(span_eq(rest, SPAN_STR("b")));
	assert_false(text_skip(&rest, SPAN_STR("bc")));
	assert_false(text_skip(&rest, SPAN_STR("c")));
	assert_true(text_skip(&rest, SPAN_STR("b")));
	assert_false(text_cut(&rest, '\n', &got));
	rest = SPAN(NULL, 0);
	assert_false(text_cut(&rest, '\n', &got));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

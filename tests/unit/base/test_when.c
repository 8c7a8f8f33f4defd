#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/when.h"
#include "tests/unit/fault.h"

static void
test_known(void **state)
{
	static const struct {
		when		 t;
		const char	*text;
		uint32_t	 day;
	} t[] = {
		{ 0, "1970-01-01T00:00:00Z", 0 },
		{ 86399, "1970-01-01T23:59:59Z", 0 },
		{ 86400, "1970-01-02T00:00:00Z", 1 },
		{ 951782400, "2000-02-29T00:00:00Z", 11016 },
		{ 1795341600, "2026-11-22T10:00:00Z", 20779 },
		{ UINT64_C(4107542400), "2100-03-01T00:00:00Z", 47541 },
		{ WHEN_MAX, "9999-12-31T23:59:59Z", 2932896 },
	};
	char	text[WHEN_TEXT_BYTES];
	when	back;
	size_t	i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_string_equal(when_write(t[i].t, text), t[i].text);
		assert_true(when_parse(span_str(t[i].text), &back));
		assert_true(back == t[i].t);
		assert_int_equal(when_day(t[i].t), t[i].day);
	}
	assert_string_equal(when_write(UINT64_MAX, text), "9999-12-31T23:59:59Z");
}

/* Against the C library, every 40,009 seconds over 430 years. */
static void
test_like_libc(void **state)
{
	char		text[WHEN_TEXT_BYTES], want[64];
	struct tm	tm;
	when		t, back;
	time_t		tt;

	(void)state;
	for (t = 0; t < UINT64_C(13569465600); t += 40009) {
		tt = (time_t)t;
		assert_non_null(gmtime_r(&tt, &tm));
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm);
		assert_string_equal(when_write(t, text), want);
		assert_true(when_parse(span_str(text), &back));
		assert_true(back == t);
	}
}

static void
test_refused(void **state)
{
	static const char	*t[] = {
		"", "2026-11-22", "2026-11-22T10:00:00", "2026-11-22T10:00:00z", "2026-11-22t10:00:00Z",
		"2026-11-22 10:00:00Z", "2026-11-22T10:00:00ZZ", "2026-11-22T10:00:60Z", "2026-11-22T10:60:00Z",
		"2026-11-22T24:00:00Z", "2026-00-22T10:00:00Z", "2026-13-22T10:00:00Z", "2026-11-00T10:00:00Z",
		"2026-11-31T10:00:00Z", "2026-02-29T10:00:00Z", "2100-02-29T10:00:00Z", "1969-12-31T23:59:59Z",
		"+026-11-22T10:00:00Z", "2026-1 -22T10:00:00Z", "2026/11/22T10:00:00Z", "2026-11-22T10:00:00+",
		"2026-11-22T10.00:00Z", "2026-11-22T10:0x:00Z",
	};
	uint8_t	*copy;
	when	w = 5;
	size_t	i, n;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (when_parse(span_str(t[i]), &w))
			fail_msg("accepted: %s", t[i]);
	for (n = 0; n < WHEN_TEXT_BYTES - 1; n++) {
		copy = heap_copy("2026-11-22T10:00:00Z", n);
		assert_false(when_parse(SPAN(copy, n), &w));
		free(copy);
	}
	assert_true(w == 5);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_like_libc),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

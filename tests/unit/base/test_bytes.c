#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/unit/fault.h"

static void
test_span(void **state)
{
	(void)state;
	assert_int_equal(span_str(NULL).n, 0);
	assert_int_equal(span_str("abc").n, 3);
	assert_true(span_eq(SPAN(NULL, 0), span_str("")));
	assert_true(span_eq(SPAN_STR("abc"), span_str("abc")));
	assert_false(span_eq(SPAN_STR("abc"), span_str("abd")));
	assert_false(span_eq(SPAN_STR("abc"), span_str("ab")));
}

static void
test_write(void **state)
{
	static const uint8_t	want[] = {
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		1, 'a', 0, 2, 'b', 'c', 0, 0, 0, 1, 'd', '4', '2', 0, 0,
	};
	struct buf	b = BUF_INIT(sizeof(want));

	(void)state;
	buf_u8(&b, 1);
	buf_u16(&b, 0x0203);
	buf_u32(&b, 0x04050607);
	buf_u64(&b, UINT64_C(0x08090a0b0c0d0e0f));
	buf_vec8(&b, SPAN_STR("a"));
	buf_vec16(&b, SPAN_STR("bc"));
	buf_vec32(&b, SPAN_STR("d"));
	buf_printf(&b, "%d", 42);
	assert_non_null(buf_extend(&b, 2));
	assert_int_equal(buf_check(&b, "x", NULL), RC_OK);
	assert_true(span_eq(buf_view(&b), SPAN_OF(want)));
	assert_non_null(buf_extend(&b, 0));
	buf_add(&b, NULL, 0);
	assert_int_equal(buf_check(&b, "x", NULL), RC_OK);
	assert_int_equal(b.n, sizeof(want));
	buf_done(&b);
	assert_int_equal(b.max, sizeof(want));
}

static void
test_sticky(void **state)
{
	struct buf	b = BUF_INIT(4);
	struct err	e;

	(void)state;
	buf_u32(&b, 1);
	assert_int_equal(b.rc, RC_OK);
	buf_u8(&b, 1);
	assert_int_equal(b.rc, RC_LIMIT);
	assert_int_equal(b.n, 4);
	assert_string_equal(buf_text(&b), "");
	assert_int_equal(buf_check(&b, "thing", &e), RC_LIMIT);
	assert_string_equal(e.msg, "thing: longer than 4 bytes");
	buf_reset(&b);
	buf_add(&b, "abcd", 4);
	assert_string_equal(buf_text(&b), "abcd");
	assert_int_equal(b.n, 4);
	buf_printf(&b, "%s", "");
	assert_int_equal(b.rc, RC_OK);
	buf_printf(&b, "x");
	assert_int_equal(b.rc, RC_LIMIT);
	buf_printf(&b, "%s", "");
	assert_int_equal(b.rc, RC_LIMIT);
	assert_null(buf_extend(&b, 0));
	buf_done(&b);
	assert_int_equal(b.rc, RC_OK);
	buf_add(&b, "abcdefgh", SIZE_MAX);		/* no sum overflows */
	assert_int_equal(b.rc, RC_LIMIT);
	buf_done(&b);
}

static void
test_vec_too_long(void **state)
{
	static uint8_t	big[65536];
	struct buf	b = BUF_INIT(1 << 20);

	(void)state;
	buf_vec8(&b, SPAN(big, 255));
	buf_vec16(&b, SPAN(big, 65535));
	assert_int_equal(b.rc, RC_OK);
	buf_vec8(&b, SPAN(big, 256));
	assert_int_equal(b.rc, RC_LIMIT);
	buf_reset(&b);
	buf_vec16(&b, SPAN(big, 65536));
	assert_int_equal(b.rc, RC_LIMIT);
	assert_int_equal(b.n, 0);
	buf_done(&b);
}

static void
test_no_memory(void **state)
{
	struct buf	b = BUF_INIT(1000);
	struct err	e;

	(void)state;
	fault_at(1);
	buf_u8(&b, 1);
	assert_true(fault_fired());
	assert_int_equal(buf_check(&b, "thing", &e), RC_NOMEM);
	assert_string_equal(e.msg, "thing: no memory left");
	buf_u8(&b, 1);					/* sticky */
	assert_int_equal(b.n, 0);
	buf_done(&b);
	fault_at(1);
	assert_int_equal(b64_parse(&b, SPAN_STR("AAAA"), NULL), RC_NOMEM);
	assert_true(fault_fired());
	buf_done(&b);
	fault_at(1);
	assert_string_equal(buf_text(&b), "");
	assert_true(fault_fired());
	buf_done(&b);
}

static void
test_grows(void **state)
{
	struct buf	b = BUF_INIT(100000);
	size_t		i;

	(void)state;
	for (i = 0; i < 100000; i++)
		buf_u8(&b, (uint8_t)i);
	assert_int_equal(b.rc, RC_OK);
	for (i = 0; i < 100000; i++)
		assert_int_equal(b.p[i], (uint8_t)i);
	buf_done(&b);
}

static void
test_hex(void **state)
{
	uint8_t	out[3] = { 7, 7, 7 };
	char	text[HEX_BYTES(3)];

	(void)state;
	assert_string_equal(hex_write(SPAN_STR("\x00\xaf\x19"), text), "00af19");
	assert_true(hex_parse(SPAN_STR("00af19"), out, 3));
	assert_memory_equal(out, "\x00\xaf\x19", 3);
	memset(out, 7, 3);
	assert_false(hex_parse(SPAN_STR("00AF19"), out, 3));
	assert_false(hex_parse(SPAN_STR("00af1"), out, 3));
	assert_false(hex_parse(SPAN_STR("00af1900"), out, 3));
	assert_false(hex_parse(SPAN_STR("00af"), out, 3));
	assert_false(hex_parse(SPAN_STR("00af1"), out, 2));
	assert_false(hex_parse(SPAN_STR("00af1g"), out, 3));
	assert_false(hex_parse(SPAN_STR(" 0af19"), out, 3));
	assert_memory_equal(out, "\7\7\7", 3);
	assert_true(hex_parse(SPAN_STR(""), out, 0));
}

static void
test_base64(void **state)
{
	static const struct {
		const char	*text, *bytes;		/* bytes NULL: refused */
		size_t		 n;
	} t[] = {
		{ "", "", 0 }, { "Zg==", "f", 1 }, { "Zg", "f", 1 }, { "Zm8=", "fo", 2 }, { "Zm8", "fo", 2 },
		{ "Zm9v", "foo", 3 }, { "Zm9vYmFy", "foobar", 6 },
		{ "+/+/", "\xfb\xff\xbf", 3 }, { "-_-_", "\xfb\xff\xbf", 3 },
		{ "+_+/", NULL, 0 },		/* two alphabets */
		{ "-_-/", NULL, 0 },
		{ "Zh==", NULL, 0 }, { "Zh", NULL, 0 },		/* bits left over */
		{ "Zm9=", NULL, 0 }, { "Zm9", NULL, 0 },
		{ "Zg=", NULL, 0 }, { "Zg===", NULL, 0 }, { "Zm8==", NULL, 0 },
		{ "=", NULL, 0 }, { "==", NULL, 0 }, { "====", NULL, 0 }, { "Zm9v====", NULL, 0 },
		{ "Z", NULL, 0 }, { "A", NULL, 0 }, { "AAAAA", NULL, 0 }, { "Zm9vY", NULL, 0 }, { "Z===", NULL, 0 },
		{ "Zg==Zg==", NULL, 0 }, { "Zm 9v", NULL, 0 }, { "Zm9v\n", NULL, 0 }, { "Zm9*", NULL, 0 },
	};
	struct buf	b = BUF_INIT(100);
	uint8_t		*copy;
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		copy = heap_copy(t[i].text, strlen(t[i].text));
		buf_reset(&b);
		buf_u8(&b, 'x');			/* it appends */
		if (t[i].bytes == NULL) {
			assert_int_equal(b64_parse(&b, SPAN(copy, strlen(t[i].text)), NULL), RC_FORMAT);
			assert_int_equal(b.n, 1);
		} else {
			assert_int_equal(b64_parse(&b, SPAN(copy, strlen(t[i].text)), NULL), RC_OK);
			assert_true(span_eq(SPAN(b.p + 1, b.n - 1), SPAN(t[i].bytes, t[i].n)));
		}
		free(copy);
	}
	buf_done(&b);
}

static void
test_base64_round_trip(void **state)
{
	struct buf	text = BUF_INIT(1000), back = BUF_INIT(300);
	uint8_t		raw[256];
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(i * 37 + 11);
	for (i = 0; i <= sizeof(raw); i++) {
		buf_reset(&text);
		buf_reset(&back);
		b64_write(&text, SPAN(raw, i));
		assert_int_equal(text.n % 4, 0);
		assert_int_equal(b64_parse(&back, buf_view(&text), NULL), RC_OK);
		assert_true(span_eq(buf_view(&back), SPAN(raw, i)));
	}
	buf_done(&text);
	buf_done(&back);
}

static void
test_base64_limits(void **state)
{
	struct buf	b = BUF_INIT(2);
	uint8_t		out[3] = { 7, 7, 7 };

	(void)state;
	assert_int_equal(b64_parse(&b, SPAN_STR("Zm9v"), NULL), RC_LIMIT);
	assert_int_equal(b64_parse_fixed(out, 3, SPAN_STR("Zm8="), NULL), RC_FORMAT);
	assert_int_equal(b64_parse_fixed(out, 3, SPAN_STR("Zm9vYg=="), NULL), RC_FORMAT);
	assert_int_equal(b64_parse_fixed(out, 1, SPAN_STR("Zm9v"), NULL), RC_FORMAT);
	assert_int_equal(b64_parse_fixed(out, 1, SPAN_STR("Zm9vZm9vZm9v"), NULL), RC_FORMAT);
	assert_memory_equal(out, "\7\7\7", 3);
	assert_int_equal(b64_parse_fixed(out, 3, SPAN_STR("Zm9v"), NULL), RC_OK);
	assert_memory_equal(out, "foo", 3);
	assert_int_equal(b64_parse_fixed(out, 0, SPAN_STR(""), NULL), RC_OK);
	buf_done(&b);
}

static void
test_sha256(void **state)
{
	const struct span	parts[3] = { SPAN_STR("a"), { NULL, 0 }, SPAN_STR("bc") };
	uint8_t			h[SHA256_BYTES];
	char			text[HEX_BYTES(SHA256_BYTES)];

	(void)state;
	sha256_one(h, SPAN(NULL, 0));
	assert_string_equal(hex_write(SPAN_OF(h), text),
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256(h, parts, 3);
	assert_string_equal(hex_write(SPAN_OF(h), text),
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256(h, NULL, 0);
	assert_int_equal(h[0], 0xe3);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_sticky),
		cmocka_unit_test(test_vec_too_long),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_round_trip),
		cmocka_unit_test(test_base64_limits),
		cmocka_unit_test(test_sha256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

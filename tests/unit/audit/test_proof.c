#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/entry.h"
#include "audit/note.h"
#include "base/auto.h"
#include "tests/unit/fault.h"

#define HASH	"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n"
#define HEAD	"c2sp.org/tlog-proof@v1\n"

/* --- proof files --------------------------------------------------------------- */

static void
test_round_trip(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(1 << 16), extra = BUF_INIT(16), none = BUF_INIT(16);
	struct tree_path	path = { .n = 3 };
	struct tlog_proof	p;

	(void)state;
	memset(path.hash, 0xab, sizeof(path.hash));
	tlog_proof_write(17, &path, SPAN(NULL, 0), SPAN_STR("note"), &b);
	assert_string_equal(buf_text(&b), HEAD "index 17\n" HASH HASH HASH "\nnote");
	assert_int_equal(tlog_proof_parse(buf_view(&b), &p, NULL), RC_OK);
	assert_int_equal(p.index, 17);
	assert_int_equal(p.path.n, 3);
	assert_memory_equal(p.path.hash, path.hash, 3 * 32);
	assert_true(span_eq(p.note, SPAN_STR("note")));
	buf_reset(&b);
	path.n = 0;
	tlog_proof_write(0, &path, SPAN_STR("x"), SPAN_STR("a\n\nb"), &b);
	assert_string_equal(buf_text(&b), HEAD "extra eA==\nindex 0\n\na\n\nb");
	assert_int_equal(tlog_proof_parse(buf_view(&b), &p, NULL), RC_OK);
	assert_true(span_eq(p.note, SPAN_STR("a\n\nb")));
	assert_int_equal(tlog_proof_extra(&p, &extra, NULL), RC_OK);
	assert_string_equal(buf_text(&extra), "x");
	/* Into less than it takes; and where there is none. */
	extra.max = 0;
	buf_reset(&extra);
	assert_int_equal(tlog_proof_extra(&p, &extra, NULL), RC_LIMIT);
	p.extra.n = 0;
	assert_int_equal(tlog_proof_extra(&p, &none, NULL), RC_OK);
	assert_int_equal(none.n, 0);
}

static const struct {
	const char	*why, *text;
	enum rc		 want;
} files[] = {
	{ "as it should be",	HEAD "index 1\n" HASH "\nnote", RC_OK },
	{ "with extra",		HEAD "extra AAAA\nindex 1\n" HASH "\nnote", RC_OK },
	{ "another version",	"c2sp.org/tlog-proof@v2\nindex 1\n" HASH "\nnote", RC_FORMAT },
	{ "no index",		HEAD HASH "\nnote", RC_FORMAT },
	{ "negative",		HEAD "index -1\n" HASH "\nnote", RC_FORMAT },
	{ "leading zero",	HEAD "index 01\n" HASH "\nnote", RC_FORMAT },
	{ "two indexes",	HEAD "index 1\nindex 1\n" HASH "\nnote", RC_FORMAT },
	{ "two extras",		HEAD "extra AAAA\nextra AAAA\nindex 1\n" HASH "\nnote", RC_FORMAT },
	{ "extra after index",	HEAD "index 1\nextra AAAA\n" HASH "\nnote", RC_FORMAT },
	{ "empty extra",	HEAD "extra \nindex 1\n" HASH "\nnote", RC_FORMAT },
	{ "extra unpadded",	HEAD "extra AAA\nindex 1\n" HASH "\nnote", RC_FORMAT },
	{ "short hash",		HEAD "index 1\nq6ur\n\nnote", RC_FORMAT },
	{ "no empty line",	HEAD "index 1\n" HASH, RC_FORMAT },
	{ "no note",		HEAD "index 1\n" HASH "\n", RC_FORMAT },
	{ "carriage return",	HEAD "index 1\r\n" HASH "\nnote", RC_FORMAT },
};

static void
test_files(void **state)
{
	struct tlog_proof	p, was;
	uint8_t			*copy;
	enum rc			rc;

	(void)state;
	memset(&was, 5, sizeof(was));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		p = was;
		copy = heap_copy(files[i].text, strlen(files[i].text));
		rc = tlog_proof_parse(SPAN(copy, strlen(files[i].text)), &p, NULL);
		if (rc != files[i].want)
			fail_msg("%s: %s", files[i].why, rc_name(rc));
		if (rc != RC_OK)
			assert_memory_equal(&p, &was, sizeof(p));
		free(copy);
	}
}

static void
test_bounds(void **state)
{
	AUTO_DONE(buf_done) struct buf	extra = BUF_INIT(TLOG_EXTRA_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(1 << 17);
	struct tlog_proof	p;
	uint8_t			*copy;
	size_t			 n;

	(void)state;
	buf_printf(&b, HEAD "extra AAAA\nindex 1\n");
	for (unsigned i = 0; i < TREE_PATH_MAX; i++)
		buf_printf(&b, HASH);
	buf_printf(&b, "\nn");
	assert_int_equal(tlog_proof_parse(buf_view(&b), &p, NULL), RC_OK);
	for (n = 0; n < b.n; n++) {
		copy = heap_copy(b.p, n);
		assert_int_equal(tlog_proof_parse(SPAN(copy, n), &p, NULL), RC_FORMAT);
		free(copy);
	}
	while (p.note.n < NOTE_BYTES_MAX) {
		buf_u8(&b, 'n');
		p.note.n++;
	}
	assert_int_equal(tlog_proof_parse(buf_view(&b), &p, NULL), RC_OK);
	buf_u8(&b, 'n');
	assert_int_equal(tlog_proof_parse(buf_view(&b), &p, NULL), RC_FORMAT);
	buf_reset(&b);
	buf_printf(&b, HEAD "index 1\n");
	for (unsigned i = 0; i < TREE_PATH_MAX + 1; i++)
		buf_printf(&b, HASH);
	buf_printf(&b, "\nn");
	assert_int_equal(tlog_proof_parse(buf_view(&b), &p, NULL), RC_FORMAT);
	buf_reset(&b);
	buf_printf(&b, HEAD "extra ");
	for (unsigned i = 0; i < TLOG_EXTRA_TEXT_MAX / 4; i++)
		buf_printf(&b, "AAAA");
	buf_printf(&b, "\nindex 1\n\nn");
	assert_int_equal(tlog_proof_parse(buf_view(&b), &p, NULL), RC_OK);
	assert_int_equal(tlog_proof_extra(&p, &extra, NULL), RC_OK);
	assert_int_equal(extra.n, TLOG_EXTRA_BYTES_MAX);
	buf_reset(&b);
	buf_printf(&b, HEAD "extra AAAA");
	for (unsigned i = 0; i < TLOG_EXTRA_TEXT_MAX / 4; i++)
		buf_printf(&b, "AAAA");
	buf_printf(&b, "\nindex 1\n\nn");
	assert_int_equal(tlog_proof_parse(buf_view(&b), &p, NULL), RC_FORMAT);
}

static void
test_no_memory(void **state)
{
	struct span		in = span_str(files[1].text);
	struct tlog_proof	p;
	unsigned long		n;
	enum rc			rc;

	(void)state;
	for (n = 1;; n++) {
		fault_at(n);
		rc = tlog_proof_parse(in, &p, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 1);
}

/* --- entries --------------------------------------------------------------------- */

static void
test_entry(void **state)
{
	static uint8_t	big[ENTRY_BYTES_MAX + 1];
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(64);
	struct entry	e, was;
	uint8_t		*copy;

	(void)state;
	entry_write(1700000000, SPAN_STR("{}"), &b);
	assert_memory_equal(b.p, "\0\0\0\0\x65\x53\xf1\0{}", 10);
	assert_int_equal(entry_parse(buf_view(&b), &e, NULL), RC_OK);
	assert_int_equal(e.time, 1700000000);
	assert_true(span_eq(e.dsse, SPAN_STR("{}")));
	memset(&was, 5, sizeof(was));
	for (size_t n = 0; n < 9; n++) {
		copy = heap_copy(b.p, n);
		e = was;
		assert_int_equal(entry_parse(SPAN(copy, n), &e, NULL), RC_FORMAT);
		assert_memory_equal(&e, &was, sizeof(e));
		free(copy);
	}
	assert_int_equal(entry_parse(SPAN(big, ENTRY_BYTES_MAX), &e, NULL), RC_OK);
	assert_int_equal(entry_parse(SPAN(big, ENTRY_BYTES_MAX + 1), &e, NULL), RC_FORMAT);
	buf_reset(&b);
	entry_write(WHEN_MAX, SPAN_STR("{}"), &b);
	assert_int_equal(entry_parse(buf_view(&b), &e, NULL), RC_OK);
	buf_reset(&b);
	entry_write(WHEN_MAX + 1, SPAN_STR("{}"), &b);
	assert_int_equal(entry_parse(buf_view(&b), &e, NULL), RC_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A report as a page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "evidence/verify.h"

static struct package_report
report(enum package_verdict verdict)
{
	struct package_report	r;

	memset(&r, 0, sizeof(r));
	r.verdict = verdict;
	for (size_t i = 0; i < CLAIMS; i++) {
		r.claim[i].verdict = CLAIM_YES;
		(void)snprintf(r.claim[i].words, CLAIM_WORDS, "words %zu", i);
	}
	r.released = UINT64_C(1795341600);
	r.order[0] = 0xab;
	return r;
}

static unsigned
count(struct buf *b, const char *what)
{
	unsigned	n = 0;

	for (const char *p = buf_text(b); (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static void
page(const struct package_report *r, const char *package, struct buf *out)
{
	static const uint8_t	digest[SHA256_BYTES] = { 0xcd, 1 };

	*out = BUF_INIT((size_t)1 << 20);
	package_report_html(r, package, digest, r->released + 60, out);
	assert_int_equal(out->rc, RC_OK);
}

static void
each_claim_is_there(void **state)
{
	struct package_report	r = report(PACKAGE_VALID);
	struct buf		b;
	char			text[64];

	(void)state;
	r.claim[CLAIM_KEYS].verdict = CLAIM_UNKNOWN;
	page(&r, "case-17.asice", &b);
	for (unsigned i = 0; i < CLAIMS; i++) {
		(void)snprintf(text, sizeof(text), "(<code>%s</code>)", claim_name((enum claim_name)i));
		assert_int_equal(count(&b, text), 1);
		(void)snprintf(text, sizeof(text), "<td>words %u</td></tr>", i);
		assert_int_equal(count(&b, text), 1);
	}
	assert_int_equal(count(&b, "<td class=\"v yes\">yes</td>"), CLAIMS - 1);
	assert_int_equal(count(&b, "<td class=\"v unknown\">could not check</td>"), 1);
	assert_int_equal(count(&b, "<td>2026-11-22T10:01:00Z</td>"), 1);
	assert_int_equal(count(&b, "<td>2026-11-22T10:00:00Z</td>"), 1);
	assert_int_equal(count(&b, "<td>ab00"), 1);
	assert_int_equal(count(&b, "<td>cd01"), 1);	/* which file it is about */
	/* The charter's digest and the request were not read. */
	assert_int_equal(count(&b, "<td>not read</td>"), 2);
	buf_done(&b);
}

static void
it_calls_nothing_valid_that_is_not(void **state)
{
	static const struct { enum package_verdict v; const char *says; } t[] = {
		{ PACKAGE_VALID, "<b>Valid.</b>" },
		{ PACKAGE_CONSISTENT, "<b>Consistent with itself, no more.</b>" },
		{ PACKAGE_INVALID, "<b>Invalid.</b>" },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct package_report	r = report(t[i].v);
		struct buf		b;

		r.claim[CLAIM_SCOPE].verdict = CLAIM_NO;
		page(&r, "p", &b);
		for (size_t j = 0; j < 3; j++)
			assert_int_equal(count(&b, t[j].says), i == j);
		assert_int_equal(count(&b, "<td class=\"v no\">no</td>"), 1);
		buf_done(&b);
	}
}

/* Words hold names, and a file may be called anything. */
static void
what_people_chose_is_escaped(void **state)
{
	struct package_report	r = report(PACKAGE_VALID);
	struct buf		b;

	(void)state;
	(void)snprintf(r.claim[CLAIM_ORDER].words, CLAIM_WORDS, "asked by <script>x</script>\xe2\x80\xae");
	page(&r, "<img src=x>.asice", &b);
	assert_int_equal(count(&b, "<script"), 0);
	assert_int_equal(count(&b, "<img"), 0);
	assert_int_equal(count(&b, "asked by &lt;script&gt;x&lt;/script&gt;[U+202E]"), 1);
	assert_int_equal(count(&b, "<td>&lt;img src=x&gt;.asice</td>"), 1);
	assert_int_equal(count(&b, "src=\"") + count(&b, "href=") + count(&b, "http:") + count(&b, "https:"), 0);
	buf_done(&b);
}

/* What programs read says the same as what people do. */
static void
each_verdict_has_its_word(void **state)
{
	static const struct {
		enum package_verdict	 v;
		const char		*word, *line;
	} rows[] = {
		{ PACKAGE_VALID, "{\"verdict\":\"valid\",", "VALID: all that must hold does" },
		{ PACKAGE_CONSISTENT, "{\"verdict\":\"consistent\",", "CONSISTENT with itself, no more" },
		{ PACKAGE_INVALID, "{\"verdict\":\"invalid\",", "INVALID: do not rely on it." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO_DONE(buf_done) struct buf	b = BUF_INIT((size_t)1 << 20);
		struct package_report		r = report(rows[i].v);

		assert_int_equal(package_report_json(&r, &b, NULL), RC_OK);
		if (strstr(buf_text(&b), rows[i].word) != buf_text(&b))
			fail_msg("%s: %.80s", rows[i].word, buf_text(&b));
		buf_reset(&b);
		package_report_text(&r, false, &b);
		if (strstr(buf_text(&b), rows[i].line) != buf_text(&b))
			fail_msg("%s: %.80s", rows[i].line, buf_text(&b));
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(each_claim_is_there),
		cmocka_unit_test(it_calls_nothing_valid_that_is_not),
		cmocka_unit_test(what_people_chose_is_escaped),
		cmocka_unit_test(each_verdict_has_its_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

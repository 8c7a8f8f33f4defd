/* Opening notes: how they are written, and what apply makes of those that people log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/der.h"
#include "policy/opening.h"
#include "tests/unit/fault.h"
#include "tests/unit/policy/rows.h"

#define NOTE_MAX	(OPENING_BYTES_MAX + 4096)

/* --- a note with any signature at all, which is not apply's business ------------------------- */

static void
wrap(struct buf *out, uint8_t tag, struct buf *piece)
{
	der_write(out, tag, buf_view(piece));
	buf_done(piece);
	*piece = BUF_INIT(NOTE_MAX);
}

static const uint8_t data_oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 };
static const uint8_t signed_oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };
static const uint8_t sha256_oid[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };

static void
frame(struct span json, struct span certificate, struct buf *out)
{
	struct buf	a = BUF_INIT(NOTE_MAX), b = BUF_INIT(NOTE_MAX), body = BUF_INIT(NOTE_MAX);

	der_write(&body, DER_INTEGER, SPAN_STR("\x01"));
	der_write(&a, DER_OID, SPAN_OF(sha256_oid));
	wrap(&b, DER_SEQUENCE, &a);
	wrap(&body, DER_SET, &b);
	der_write(&a, DER_OCTETS, json);
	der_write(&b, DER_OID, SPAN_OF(data_oid));
	wrap(&b, DER_CONTEXT(0), &a);
	wrap(&body, DER_SEQUENCE, &b);
	der_write(&body, DER_CONTEXT(0), certificate);
	der_write(&a, DER_OCTETS, SPAN_STR("signed, so to speak"));
	wrap(&b, DER_SEQUENCE, &a);
	wrap(&body, DER_SET, &b);
	wrap(&a, DER_SEQUENCE, &body);
	der_write(&b, DER_OID, SPAN_OF(signed_oid));
	wrap(&b, DER_CONTEXT(0), &a);
	wrap(out, DER_SEQUENCE, &b);
	buf_done(&a);
	buf_done(&b);
	buf_done(&body);
}

static struct opened_part	parts[2] = {
	{ .name = "image", .last = 3, .bytes = 200000 }, { .name = "prompt", .bytes = 34 },
};

static struct opening
example(void)
{
	return (struct opening){ .opened = NET_START, .n_parts = 2, .part = parts, .bad = UINT32_C(1) << 1 | UINT32_C(1) << 30 };
}

/* --- the note ------------------------------------------------------------------------------ */

static void
says(void **state)
{
	AUTO_DONE(buf_done) struct buf json = BUF_INIT(NOTE_MAX), der = BUF_INIT(NOTE_MAX);
	AUTO_DONE(opening_done) struct opening again = { .part = NULL };
	struct opening	o = example();
	uint8_t		digest[SHA256_BYTES], want[SHA256_BYTES];

	(void)state;
	assert_int_equal(opening_write(&o, &json, NULL), RC_OK);
	assert_non_null(strstr(buf_text(&json), "\"opened\":\"2026-11-22T10:00:00Z\",\"parts\":[{\"artifact\":\"00000000000000000000"
	    "000000000000\",\"part\":\"image\",\"first\":0,\"last\":3,\"bytes\":200000,\"sha256\":\"00"));
	assert_non_null(strstr(buf_text(&json), "],\"bad\":[2,31]}"));
	frame(buf_view(&json), SPAN_STR("\x30\x01\x07"), &der);
	assert_int_equal(opening_parse(buf_view(&der), &again, digest, NULL), RC_OK);
	sha256_one(want, SPAN_STR("\x30\x01\x07"));
	assert_memory_equal(digest, want, SHA256_BYTES);
	assert_int_equal(again.n_parts, 2);
	assert_int_equal(again.bad, o.bad);
	assert_int_equal(again.opened, o.opened);
	assert_string_equal(again.part[1].name, "prompt");
	assert_int_equal(again.part[1].bytes, 34);
}

static void
says_nonsense(void **state)
{
	AUTO_DONE(buf_done) struct buf json = BUF_INIT(NOTE_MAX);
	struct opened_part	part = parts[0];
	struct opening		o = { .n_parts = 1, .part = &part };

	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		part = parts[0];
		o = (struct opening){ .n_parts = i != 0, .part = &part };
		if (i == 1)
			o.opened = WHEN_MAX + 1;
		if (i == 2)
			o.bad = UINT32_C(1) << 31;
		if (i == 3)
			part.first = 4;
		if (i == 4)
			part.bytes = 0;
		if (i == 5)
			part.bytes = UINT64_C(1) << 63;
		if (i == 6)
			strcpy(part.name, "Image");
		buf_reset(&json);
		assert_int_equal(opening_write(&o, &json, NULL), RC_USAGE);
	}
}

/* One edit each, after which it is another note or none. */
static void
one_form(void **state)
{
	static const struct { const char *old, *new; } edits[] = {
		{ "{\"opening\":1", "{\"opening\":2" },
		{ "{\"opening\":1", "{\"opening\":1,\"more\":1" },
		{ "{\"opening\"", "{ \"opening\"" },
		{ "]}", "]} " },
		{ "\"bad\":[2,31]", "\"bad\":[31,2]" },
		{ "\"bad\":[2,31]", "\"bad\":[2,2]" },
		{ "\"bad\":[2,31]", "\"bad\":[0,2]" },
		{ "\"bad\":[2,31]", "\"bad\":[2,32]" },
		{ "\"bad\":[2,31]", "\"bad\":[\"2\"]" },
		{ "\"bytes\":34", "\"bytes\":0" },
		{ "\"bytes\":34", "\"bytes\":034" },
		{ "\"first\":0,\"last\":3", "\"last\":3,\"first\":0" },
		{ "\"first\":0,\"last\":3", "\"first\":4,\"last\":3" },
		{ "\"prompt\"", "\"image\"" },		/* twice */
		{ "\"prompt\"", "\"Prompt\"" },
		{ "\"image\"", "\"rompt\"" },		/* not in order */
	};
	AUTO_DONE(buf_done) struct buf json = BUF_INIT(NOTE_MAX);
	struct opening	o = example(), ret = { .part = NULL };

	(void)state;
	assert_int_equal(opening_write(&o, &json, NULL), RC_OK);
	assert_int_equal(opening_read(buf_view(&json), &ret, NULL), RC_OK);
	opening_done(&ret);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		AUTO_DONE(buf_done) struct buf other = BUF_INIT(NOTE_MAX);
		const char	*text = buf_text(&json), *at = strstr(text, edits[i].old);

		assert_non_null(at);
		buf_printf(&other, "%.*s%s%s", (int)(at - text), text, edits[i].new, at + strlen(edits[i].old));
		if (opening_read(buf_view(&other), &ret, NULL) != RC_FORMAT)
			fail_msg("%s", buf_text(&other));
		assert_null(ret.part);
	}
	/* Upper-case digits are other bytes of the same value. */
	json.p[strcspn(buf_text(&json), "0")] = 'A';
	assert_int_equal(opening_read(buf_view(&json), &ret, NULL), RC_FORMAT);
}

/* Any byte of the frame, and any length of it. */
static void
frames(void **state)
{
	AUTO_DONE(buf_done) struct buf json = BUF_INIT(NOTE_MAX), der = BUF_INIT(NOTE_MAX), big = BUF_INIT(NOTE_MAX);
	struct opening		o = example();
	struct opening_frame	f;

	(void)state;
	assert_int_equal(opening_write(&o, &json, NULL), RC_OK);
	frame(buf_view(&json), SPAN_STR("\x30\x01\x07"), &der);
	assert_int_equal(opening_frame(buf_view(&der), &f, NULL), RC_OK);
	assert_true(span_eq(f.json, buf_view(&json)));
	assert_int_equal(f.signer.n, 23);
	for (size_t n = 0; n < der.n; n++) {
		uint8_t	*cut = heap_copy(der.p, n);

		assert_int_equal(opening_frame(SPAN(cut, n), &f, NULL), RC_FORMAT);
		free(cut);
		/* What is in note, certificate and signer is not the frame's; all else is. */
		if ((der.p + n >= f.json.p && der.p + n < f.json.p + f.json.n) || n >= (size_t)(f.certificate.p + 2 - der.p))
			continue;
		for (unsigned bit = 0; bit < 8; bit++) {
			der.p[n] = (uint8_t)(der.p[n] ^ 1U << bit);
			assert_int_equal(opening_frame(buf_view(&der), &(struct opening_frame){ .json.n = 0 }, NULL), RC_FORMAT);
			der.p[n] = (uint8_t)(der.p[n] ^ 1U << bit);
		}
	}
	buf_u8(&der, 0);
	assert_int_equal(opening_frame(buf_view(&der), &f, NULL), RC_FORMAT);
	assert_non_null(buf_extend(&big, OPENING_BYTES_MAX + 1));
	assert_int_equal(opening_frame(buf_view(&big), &f, NULL), RC_LIMIT);
}

static void
no_memory(void **state)
{
	AUTO_DONE(buf_done) struct buf json = BUF_INIT(NOTE_MAX);
	struct opening	o = example(), ret = { .part = NULL };
	unsigned long	n;
	enum rc		rc;

	(void)state;
	assert_int_equal(opening_write(&o, &json, NULL), RC_OK);
	for (n = 1;; n++) {
		fault_at(n);
		rc = opening_read(buf_view(&json), &ret, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
		assert_null(ret.part);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 10);
	opening_done(&ret);
}

/* --- the entry ----------------------------------------------------------------------------- */

static uint8_t	order[SHA256_BYTES];

/* Ordered, carried out by 1, 2 and 3, and released. */
static void
carry_out(struct net *n, bool release)
{
	struct statement	s;
	uint8_t			id[32], r[3][32];

	met(n, "standard", id);
	good(net_order(n, id, order));
	for (uint8_t i = 0; i < 3; i++)
		good(net_receipt(n, order, (uint8_t)(i + 1), r[i]));
	if (!release)
		return;
	net_statement(n, &s, STATEMENT_RELEASE);
	memcpy(s.subject, order, 32);
	s.u.release.n = 3;
	for (uint8_t i = 0; i < 3; i++) {
		s.u.release.custodian[i].index = (uint8_t)(i + 1);
		s.u.release.custodian[i].good = true;
		memcpy(s.u.release.custodian[i].receipt, r[i], 32);
	}
	good(net_log(n, &s, &n->log));
}

/* What there is to be wrong; all zeros: nothing is. */
struct how {
	uint32_t	 bad, said;		/* said: by the note, if not the same */
	bool		 other_genesis, other_order, other_subject, other_certificate, torn, long_one;
	struct test_key	*by;
};

static struct verdict
acknowledge(struct net *n, const struct how *how)
{
	AUTO_DONE(buf_done) struct buf json = BUF_INIT(NOTE_MAX), der = BUF_INIT(NOTE_MAX);
	struct opening		o = { .opened = n->now, .n_parts = 1, .part = parts, .bad = how->said != 0 ? how->said : how->bad };
	struct statement	s;

	memcpy(o.genesis, n->genesis, 32);
	memcpy(o.order, order, 32);
	o.genesis[0] ^= how->other_genesis;
	o.order[0] ^= how->other_order;
	assert_int_equal(opening_write(&o, &json, NULL), RC_OK);
	frame(buf_view(&json), buf_view(how->other_certificate ? &n->worker : &n->recipient), &der);
	if (how->torn)
		buf_u8(&der, 0);
	if (how->long_one)
		assert_non_null(buf_extend(&der, OPENING_BYTES_MAX));
	assert_int_equal(memstate_blob(n->mem, buf_view(&der), NULL), RC_OK);
	net_statement(n, &s, STATEMENT_ACKNOWLEDGEMENT);
	memcpy(s.subject, order, 32);
	s.subject[0] ^= how->other_subject;
	sha256_one(s.u.acknowledgement.opening, buf_view(&der));
	s.u.acknowledgement.bad = how->bad;
	return net_log(n, &s, how->by == NULL ? &n->person[NET_REQUESTER] : how->by);
}

static enum rc
count(void *user, const struct acknowledged *a, struct err *err)
{
	struct acknowledged	*last = user;

	(void)err;
	*last = *a;
	last[1].index++;
	return RC_OK;
}

static void
rows(void **state)
{
	static struct net	n;
	const struct {
		const char	*name;
		struct how	 how;
		enum void_reason why;
	} t[] = {
		{ "as it should be", { 0 }, VOID_NONE },
		{ "one was wrong", { .bad = 4 }, VOID_NONE },
		{ "all were", { .bad = 7 }, VOID_NONE },
		{ "by another person", { .by = &n.person[NET_COURT] }, VOID_NONE },
		{ "by the log key", { .by = &n.log }, VOID_SIGNATURE },
		{ "by a custodian", { .by = &n.signing[1] }, VOID_SIGNATURE },
		{ "of no order", { .other_subject = true }, VOID_UNKNOWN_SUBJECT },
		{ "one was wrong who gave no receipt", { .bad = 8 }, VOID_SCOPE },
		{ "and one who did", { .bad = 12 }, VOID_SCOPE },
		{ "whom there is none of", { .bad = UINT32_C(1) << 30 }, VOID_SCOPE },
		{ "of another network", { .other_genesis = true }, VOID_OPENING },
		{ "of another order", { .other_order = true }, VOID_OPENING },
		{ "of another recipient", { .other_certificate = true }, VOID_OPENING },
		{ "the note says it of another", { .bad = 2, .said = 4 }, VOID_OPENING },
		{ "of one more", { .bad = 2, .said = 3 }, VOID_OPENING },
		{ "a byte too many", { .torn = true }, VOID_OPENING },
		{ "too long", { .long_one = true }, VOID_OPENING },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct acknowledged	got[2] = { { .index = 0 } };
		struct verdict		v;

		net_init(&n);
		carry_out(&n, true);
		v = acknowledge(&n, &t[i].how);
		if (v.why != t[i].why)
			fail_msg("%s: %s", t[i].name, void_reason_name((enum void_reason)v.why));
		assert_int_equal(replica_acknowledgements(n.replica, order, count, got, NULL), RC_OK);
		assert_int_equal(got[1].index, v.effective);
		if (v.effective) {
			assert_int_equal(got[0].index, n.log_entries.n - 1);
			assert_int_equal(got[0].bad, t[i].how.bad);
			assert_string_equal(got[0].person, t[i].how.by == NULL ? "requester" : "court");
		}
		net_done(&n);
	}
}

static void
when_it_may_be(void **state)
{
	static struct net	n;
	struct acknowledged	got[2] = { { .index = 0 } };

	(void)state;
	net_init(&n);
	carry_out(&n, false);
	assert_int_equal(acknowledge(&n, &(struct how){ 0 }).why, VOID_UNKNOWN_SUBJECT);
	net_done(&n);
	net_init(&n);
	carry_out(&n, true);
	assert_int_equal(acknowledge(&n, &(struct how){ 0 }).why, VOID_NONE);
	/* Another note, and perhaps another thing that it says: once a person. */
	n.now++;
	assert_int_equal(acknowledge(&n, &(struct how){ .bad = 1 }).why, VOID_DUPLICATE);
	assert_int_equal(acknowledge(&n, &(struct how){ .bad = 1, .by = &n.person[NET_AUDITOR] }).why, VOID_NONE);
	assert_int_equal(acknowledge(&n, &(struct how){ .bad = 1, .by = &n.auditor_second }).why, VOID_DUPLICATE);
	assert_int_equal(replica_acknowledgements(n.replica, order, count, got, NULL), RC_OK);
	assert_int_equal(got[1].index, 2);
	net_done(&n);
}

/* Without the note nobody can judge it: that is no verdict. */
static void
without_the_note(void **state)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);
	static struct net	n;
	struct statement	s;
	struct verdict		v;

	(void)state;
	net_init(&n);
	carry_out(&n, true);
	net_statement(&n, &s, STATEMENT_ACKNOWLEDGEMENT);
	memcpy(s.subject, order, 32);
	assert_int_equal(statement_sign(&s, &n.person[NET_LEGAL].signer, &dsse, NULL), RC_OK);
	assert_int_equal(net_log_try(&n, buf_view(&dsse), &v, NULL), RC_MISSING);
	net_done(&n);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(says),
		cmocka_unit_test(says_nonsense),
		cmocka_unit_test(one_form),
		cmocka_unit_test(frames),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(rows),
		cmocka_unit_test(when_it_may_be),
		cmocka_unit_test(without_the_note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

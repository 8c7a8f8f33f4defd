/* The receipt beside an answer: each thing that it must say, and by whose key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "evidence/keys.h"
#include "tests/unit/evidence/world.h"

#define BIG	((size_t)1 << 20)

static struct world	w;

static int
up(void **state)
{
	struct err	err;

	(void)state;
	assert_int_equal(secret_init(&err), RC_OK);
	world_up(&w, "standard");
	return 0;
}

static int
down(void **state)
{
	(void)state;
	world_down(&w);
	return 0;
}

/* What differs from the receipt of custodian 3 as it should be. */
enum wrong { NOTHING, GENESIS, CHARTER, ORDER, CUSTODIAN, COUNT, MESSAGE, CONTRIBUTIONS, ANOTHERS_KEY,
	A_STRANGERS_KEY, TWO_SIGNATURES, ANOTHER_TYPE };

static const struct {
	const char	*name;
	enum wrong	 wrong;
} rows[] = {
	{ "nothing",			NOTHING },
	{ "another genesis",		GENESIS },
	{ "another charter",		CHARTER },
	{ "another order",		ORDER },
	{ "another custodian",		CUSTODIAN },
	{ "another count",		COUNT },
	{ "another message",		MESSAGE },
	{ "other contributions",	CONTRIBUTIONS },
	{ "another custodian's key",	ANOTHERS_KEY },
	{ "a sealer's key",		A_STRANGERS_KEY },
	{ "two signatures",		TWO_SIGNATURES },
	{ "another type",		ANOTHER_TYPE },
};

static void
receipt_make(const struct case_answer *a, struct statement *s)
{
	net_statement(&w.net, s, STATEMENT_RECEIPT);
	memcpy(s->subject, w.order, SHA256_BYTES);
	s->u.receipt.custodian = 3;
	s->u.receipt.count = 3;
	sha256_one(s->u.receipt.message, a->message);
	assert_int_equal(contributions_root(a->contributions, s->u.receipt.contributions, NULL), RC_OK);
}

static void
spoil(struct statement *s, enum wrong wrong)
{
	if (wrong == GENESIS)
		s->genesis[0] ^= 1;
	if (wrong == CHARTER)
		s->charter[0] ^= 1;
	if (wrong == ORDER)
		s->subject[0] ^= 1;
	if (wrong == CUSTODIAN)
		s->u.receipt.custodian = 4;
	if (wrong == COUNT)
		s->u.receipt.count = 2;
	if (wrong == MESSAGE)
		s->u.receipt.message[0] ^= 1;
	if (wrong == CONTRIBUTIONS)
		s->u.receipt.contributions[0] ^= 1;
	if (wrong == ANOTHER_TYPE) {
		s->type = STATEMENT_CHECKED;
		memset(&s->u, 0, sizeof(s->u));
		s->u.checked.custodian = 3;
	}
}

static void
receipt_sign(struct statement *s, enum wrong wrong, struct buf *out)
{
	const struct signer	*by = &w.net.signing[2].signer;
	struct buf		 one = BUF_INIT(BIG);

	if (wrong == ANOTHERS_KEY)
		by = &w.net.signing[3].signer;
	if (wrong == A_STRANGERS_KEY)
		by = &w.net.sealer.signer;
	assert_int_equal(statement_sign(s, by, &one, NULL), RC_OK);
	if (wrong == TWO_SIGNATURES)
		assert_int_equal(dsse_sign_more(buf_view(&one), &w.net.signing[3].signer, out, NULL), RC_OK);
	else
		buf_span(out, buf_view(&one));
	buf_done(&one);
	statement_done(s);
}

static void
receipts(void **state)
{
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	struct evidence_case				 c;

	(void)state;
	world_case(&w, 4, &c);
	assert_int_equal(case_check(&c, w.net.genesis, w.order, w.net.now, &k, NULL), RC_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct case_answer	 a[WORLD_ANSWERS];
		struct buf		 dsse = BUF_INIT(BIG);
		struct secret		*keys = NULL;
		struct statement	 s;
		uint32_t		 good, bad;
		enum rc			 rc;

		world_answers(&w, a);
		receipt_make(&a[1], &s);
		spoil(&s, rows[i].wrong);
		receipt_sign(&s, rows[i].wrong, &dsse);
		a[1].receipt = buf_view(&dsse);
		rc = case_combine(k, a, WORLD_ANSWERS, &good, &bad, &keys, NULL);
		if (rc != (rows[i].wrong == NOTHING ? RC_OK : RC_QUORUM))
			fail_msg("%s: %s", rows[i].name, rc_name(rc));
		assert_int_equal(bad, rows[i].wrong == NOTHING ? 0 : 4);
		assert_int_equal(good, rows[i].wrong == NOTHING ? 1 | 4 | 8 : 1 | 8);
		secret_free(keys);
		buf_done(&dsse);
	}
	case_done(&c);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(receipts),
	};

	return cmocka_run_group_tests(tests, up, down);
}

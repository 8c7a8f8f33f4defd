/* Time-stamps: what others made, what we make, and everything that may be wrong with one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "audit/timestamp.h"
#include "base/auto.h"
#include "base/wire.h"
#include "tests/unit/tsa.h"
#include "tests/unit/vectors.h"

#define BUF(name, size)	AUTO_DONE(buf_done) struct buf name = BUF_INIT(size)

static const uint8_t	nonce[TIMESTAMP_NONCE_BYTES] = { 0xd4, 0x84, 0x93, 0, 0x5c, 0x31, 0xf2, 0x95 };
static const uint8_t	other_nonce[TIMESTAMP_NONCE_BYTES] = { 0xd4, 0x84, 0x93, 0, 0x5c, 0x31, 0xf2, 0x96 };
static uint8_t		imprint[SHA256_BYTES], other_imprint[SHA256_BYTES];
static struct tsa_party	ca, tsa, middle;	/* who lives well */

/* --- what others made --------------------------------------------------------------- */

static void
pem_file(const char *name, struct buf *out, bool *here)
{
	BUF(pem, 1 << 16);
	unsigned char	*der = NULL;
	long		 n;
	BIO		*bio;

	if (!(*here = vectors_read(name, &pem)))
		return;
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	assert_int_equal(PEM_bytes_read_bio(&der, &n, NULL, PEM_STRING_X509, bio, NULL, NULL), 1);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	BIO_free(bio);
}

struct lab {
	struct buf	root, crl, query, response, v1, v2, data;
};

static void
lab_done(struct lab *l)
{
	buf_done(&l->root);
	buf_done(&l->crl);
	buf_done(&l->query);
	buf_done(&l->response);
	buf_done(&l->v1);
	buf_done(&l->v2);
	buf_done(&l->data);
}

static bool
lab_read(struct lab *l)
{
	BUF(pem, 1 << 16);
	unsigned char	*der = NULL;
	bool		 here;
	long		 n;
	BIO		*bio;

	l->root = l->crl = l->query = l->response = l->v1 = l->v2 = l->data = BUF_INIT(1 << 16);
	pem_file("time/lab-ca.pem", &l->root, &here);
	if (!here || !vectors_read("time/lab-ca.crl", &pem) || !vectors_read("time/query.tsq", &l->query) ||
	    !vectors_read("time/response-essv2.tsr", &l->response) ||
	    !vectors_read("time/token-essv1-sha1.tst", &l->v1) ||
	    !vectors_read("time/token-essv2.tst", &l->v2) || !vectors_read("time/data.txt", &l->data))
		return false;
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (pem.p[0] == 0x30)
		buf_span(&l->crl, buf_view(&pem));
	else {
		assert_int_equal(PEM_bytes_read_bio(&der, &n, NULL, PEM_STRING_X509_CRL, bio, NULL, NULL), 1);
		buf_add(&l->crl, der, (size_t)n);
	}
	OPENSSL_free(der);
	BIO_free(bio);
	return true;
}

static void
vectors(void **state)
{
	AUTO_DONE(lab_done) struct lab l;
	BUF(query, TIMESTAMP_QUERY_MAX);
	BUF(token, 1 << 16);
	struct span		root, crl;
	struct timestamp_trust	trust = { .root = &root, .n_roots = 1, .crl = &crl, .n_crls = 1 };
	struct timestamp	t;
	uint8_t			digest[SHA256_BYTES];

	(void)state;
	if (!lab_read(&l))
		return;
	sha256_one(digest, buf_view(&l.data));
	root = buf_view(&l.root);
	crl = buf_view(&l.crl);
	assert_int_equal(timestamp_query(digest, nonce, &query, NULL), RC_OK);
	assert_true(span_eq(buf_view(&query), buf_view(&l.query)));
	assert_int_equal(timestamp_token(buf_view(&l.response), digest, nonce, &token, NULL), RC_OK);
	assert_int_equal(timestamp_verify(buf_view(&token), digest, &trust, &t, NULL), RC_OK);
	assert_int_equal(t.time, 1795331036);	/* 2026-11-22T07:03:56Z */
	assert_string_equal(t.signer, "CN=Lab TSA,O=Lab Std,C=EE");
	assert_int_equal(timestamp_verify(buf_view(&l.v1), digest, &trust, &t, NULL), RC_OK);
	assert_int_equal(timestamp_verify(buf_view(&l.v2), digest, &trust, &t, NULL), RC_OK);
	trust.n_crls = 0;
	assert_int_equal(timestamp_verify(buf_view(&l.v2), digest, &trust, &t, NULL), RC_OK);
	/* Neither our root, nor our data. */
	root = tsa_cert(&ca);
	assert_int_equal(timestamp_verify(buf_view(&l.v2), digest, &trust, &t, NULL), RC_VERIFY);
	root = buf_view(&l.root);
	assert_int_equal(timestamp_verify(buf_view(&l.v2), imprint, &trust, &t, NULL), RC_VERIFY);
	assert_int_equal(timestamp_token(buf_view(&l.response), digest, other_nonce, &token, NULL), RC_VERIFY);
}

/* --- the answer to a question ------------------------------------------------------------ */

static void
answer(const struct tsa_party *by, const struct tsa_how *how, const uint8_t over[SHA256_BYTES],
    const uint8_t with[TIMESTAMP_NONCE_BYTES], struct buf *out)
{
	BUF(query, TIMESTAMP_QUERY_MAX);

	assert_int_equal(timestamp_query(over, with, &query, NULL), RC_OK);
	tsa_answer(by, NULL, how, buf_view(&query), out);
}

static void
question(void **state)
{
	static const uint8_t	small[TIMESTAMP_NONCE_BYTES] = { 0, 0, 0, 0, 0, 0, 0, 1 };
	static const struct tsa_how how;
	BUF(response, 1 << 16);
	BUF(token, 1 << 16);
	BUF(again, 1 << 16);

	(void)state;
	answer(&tsa, &how, imprint, nonce, &response);
	assert_int_equal(timestamp_token(buf_view(&response), imprint, nonce, &token, NULL), RC_OK);
	/* Another question's. */
	assert_int_equal(timestamp_token(buf_view(&response), imprint, other_nonce, &again, NULL), RC_VERIFY);
	assert_int_equal(timestamp_token(buf_view(&response), other_imprint, nonce, &again, NULL), RC_VERIFY);
	assert_int_equal(again.n, 0);
	/* A nonce is a number: its leading zeros do not count. */
	buf_reset(&response);
	answer(&tsa, &how, imprint, small, &response);
	assert_int_equal(timestamp_token(buf_view(&response), imprint, small, &again, NULL), RC_OK);
	buf_u8(&response, 0);
	assert_int_equal(timestamp_token(buf_view(&response), imprint, small, &again, NULL), RC_FORMAT);
}

/* A TSA that left the nonce out answered whatever it liked. */
static void
without_a_nonce(void **state)
{
	static const struct tsa_how how;
	static const uint8_t	query[] = {
		0x30, 0x36, 2, 1, 1, 0x30, 0x31, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 32,
	};
	BUF(q, 100);
	BUF(response, 1 << 16);
	BUF(token, 1 << 16);

	(void)state;
	buf_add(&q, query, sizeof(query));
	buf_add(&q, imprint, sizeof(imprint));
	q.p[1] = (uint8_t)(q.n - 2);
	tsa_answer(&tsa, NULL, &how, buf_view(&q), &response);
	assert_int_equal(timestamp_token(buf_view(&response), imprint, nonce, &token, NULL), RC_VERIFY);
}

static void
refused(void **state)
{
	static const struct tsa_how how = { .refuse = true };
	/* rejection(2), words that would clear a screen, no token. */
	static const uint8_t	rude[] = { 0x30, 14, 0x30, 12, 2, 1, 2, 0x30, 7, 12, 5, 'n', 27, '[', '2', 'J' };
	/* granted, and nothing with it. */
	static const uint8_t	empty[] = { 0x30, 5, 0x30, 3, 2, 1, 0 };
	BUF(response, 1 << 16);
	BUF(token, 1 << 16);
	struct err	err;

	(void)state;
	answer(&tsa, &how, imprint, nonce, &response);
	assert_int_equal(timestamp_token(buf_view(&response), imprint, nonce, &token, &err), RC_DENIED);
	assert_non_null(strstr(err.msg, "algorithm"));
	assert_int_equal(timestamp_token(SPAN_OF(rude), imprint, nonce, &token, &err), RC_DENIED);
	assert_non_null(strstr(err.msg, "status 2: n?[2J"));
	assert_int_equal(timestamp_token(SPAN_OF(empty), imprint, nonce, &token, NULL), RC_FORMAT);
	assert_int_equal(token.n, 0);
}

/* --- whom it is by -------------------------------------------------------------------------- */

static void
stamp(const struct tsa_party *by, const struct tsa_party *chain, const struct tsa_how *how, struct buf *token)
{
	BUF(query, TIMESTAMP_QUERY_MAX);
	BUF(response, 1 << 16);

	assert_int_equal(timestamp_query(imprint, nonce, &query, NULL), RC_OK);
	tsa_answer(by, chain, how, buf_view(&query), &response);
	assert_int_equal(timestamp_token(buf_view(&response), imprint, nonce, token, NULL), RC_OK);
}

static enum rc
verify_crl(const struct buf *token, struct span crl, struct timestamp *t, struct err *err)
{
	struct span		root = tsa_cert(&ca);
	struct timestamp_trust	trust = { .root = &root, .n_roots = 1, .crl = &crl, .n_crls = crl.n > 0 };

	return timestamp_verify(buf_view(token), imprint, &trust, t, err);
}

struct signer_row {
	const struct tsa_party	*by, *chain;
	struct tsa_forgery	 how;
	enum rc			 rc;
	const char		*word;
};

static void
signer_row(size_t i, const struct signer_row *r)
{
	static const struct tsa_how	honest;
	BUF(good, 1 << 16);
	BUF(token, 1 << 16);
	struct timestamp	ts = { .time = 1 };
	struct err		err = { .rc = RC_OK };
	enum rc			rc;

	stamp(&tsa, NULL, &honest, &good);
	if (r->chain != NULL)
		stamp(r->by, r->chain, &honest, &token);
	else
		tsa_forge(buf_view(&good), r->by, &r->how, &token);
	rc = verify_crl(&token, SPAN(NULL, 0), &ts, &err);
	if (rc != r->rc || (rc != RC_OK && strstr(err.msg, r->word) == NULL))
		fail_msg("row %zu: %s: %s", i, rc_name(rc), err.msg);
	assert_int_equal(ts.time, rc == RC_OK ? TSA_NOW : 1);
}

static void
signers(void **state)
{
	struct tsa_party	none, soft, other, young, old, strange, leaf, unfit, weak;
	const struct signer_row	t[] = {
		{ .by = &tsa, .rc = RC_OK },
		{ &none, NULL, { 0 }, RC_VERIFY, "purpose" },
		{ &soft, NULL, { 0 }, RC_VERIFY, "purpose" },
		{ &other, NULL, { 0 }, RC_VERIFY, "purpose" },
		{ &young, NULL, { 0 }, RC_VERIFY, "not yet valid" },
		{ &old, NULL, { 0 }, RC_VERIFY, "expired" },
		{ &strange, NULL, { 0 }, RC_VERIFY, "self-signed" },
		{ &leaf, &middle, { 0 }, RC_OK, "" },		/* its chain in the token */
		{ &leaf, NULL, { 0 }, RC_VERIFY, "local issuer" },
		{ &unfit, &tsa, { 0 }, RC_VERIFY, "CA certificate" },	/* a TSA is no CA */
		{ &weak, NULL, { 0 }, RC_VERIFY, "too weak" },
		{ &tsa, NULL, { .no_ess = true }, RC_VERIFY, "signing cert" },
		{ &tsa, NULL, { .no_certs = true }, RC_VERIFY, "signer" },
		{ &tsa, NULL, { .digest = "sha1" }, RC_VERIFY, "not SHA-2" },
		{ &tsa, NULL, { .digest = "sha512" }, RC_OK, "" },
		{ &tsa, NULL, { .other_content = true }, RC_FORMAT, "no RFC 3161 token" },
		{ &tsa, NULL, { .also = &leaf }, RC_VERIFY, "exactly one" },
	};

	(void)state;
	tsa_party_new(&none, "none", &ca, false, TSA_EKU_NONE, 10, -1, 365);
	tsa_party_new(&soft, "soft", &ca, false, TSA_EKU_NOT_CRITICAL, 11, -1, 365);
	tsa_party_new(&other, "other", &ca, false, TSA_EKU_OTHER, 12, -1, 365);
	tsa_party_new(&young, "young", &ca, false, TSA_EKU, 13, 1, 365);
	tsa_party_new(&old, "old", &ca, false, TSA_EKU, 14, -9, -1);
	tsa_party_new(&strange, "strange", NULL, false, TSA_EKU, 15, -1, 365);
	tsa_party_new(&leaf, "leaf", &middle, false, TSA_EKU, 16, -1, 365);
	tsa_party_new(&unfit, "unfit", &tsa, false, TSA_EKU, 17, -1, 365);
	tsa_party_new(&weak, "weak", &ca, false, TSA_EKU_SHA1, 18, -1, 365);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		signer_row(i, &t[i]);
	tsa_party_done(&weak);
	tsa_party_done(&none);
	tsa_party_done(&soft);
	tsa_party_done(&other);
	tsa_party_done(&young);
	tsa_party_done(&old);
	tsa_party_done(&strange);
	tsa_party_done(&leaf);
	tsa_party_done(&unfit);
}

/* What was kept beside the token serves as well as what is in it; a root may be any of the chain. */
static void
chains(void **state)
{
	static const struct tsa_how	honest;
	struct tsa_party		leaf;
	BUF(token, 1 << 16);
	struct span		root[2] = { tsa_cert(&tsa), tsa_cert(&ca) }, more = tsa_cert(&middle);
	struct timestamp_trust	trust = { .root = root, .n_roots = 2, .certificate = &more, .n_certificates = 1 };
	struct timestamp	t;

	(void)state;
	tsa_party_new(&leaf, "leaf", &middle, false, TSA_EKU, 16, -1, 365);
	stamp(&leaf, NULL, &honest, &token);
	assert_int_equal(timestamp_verify(buf_view(&token), imprint, &trust, &t, NULL), RC_OK);
	trust.n_certificates = 0;
	assert_int_equal(timestamp_verify(buf_view(&token), imprint, &trust, &t, NULL), RC_VERIFY);
	root[1] = tsa_cert(&middle);
	assert_int_equal(timestamp_verify(buf_view(&token), imprint, &trust, &t, NULL), RC_OK);
	root[1] = tsa_cert(&leaf);
	assert_int_equal(timestamp_verify(buf_view(&token), imprint, &trust, &t, NULL), RC_OK);
	trust.n_roots = 1;
	assert_int_equal(timestamp_verify(buf_view(&token), imprint, &trust, &t, NULL), RC_VERIFY);
	trust.n_roots = 0;
	assert_int_equal(timestamp_verify(buf_view(&token), imprint, &trust, &t, NULL), RC_VERIFY);
	root[0] = SPAN_STR("no certificate");
	trust.n_roots = 1;
	assert_int_equal(timestamp_verify(buf_view(&token), imprint, &trust, &t, NULL), RC_FORMAT);
	tsa_party_done(&leaf);
}

/* --- lists of what was revoked ------------------------------------------------------------------ */

static void
lists(void **state)
{
	static const struct tsa_how	honest;
	static const struct {
		bool	 of_another;
		long	 revoked, at;
		int	 reason;
		long	 from, to;
		enum rc	 rc;
		const char *word;
	} t[] = {
		{ false, 0, 0, 0, -10, 1000, RC_OK, "" },
		{ false, 99, -5, -1, -10, 1000, RC_OK, "" },		/* another certificate */
		{ false, 2, -5, -1, -10, 1000, RC_VERIFY, "revoked" },
		{ false, 2, -5, 4, -10, 1000, RC_VERIFY, "revoked" },	/* superseded, but before */
		{ false, 2, 0, 4, -10, 1000, RC_VERIFY, "revoked" },	/* in the same second */
		{ false, 2, 5, 4, 10, 1000, RC_OK, "" },		/* after */
		{ false, 2, 5, 3, 10, 1000, RC_OK, "" },
		{ false, 2, 5, 5, 10, 1000, RC_OK, "" },
		{ false, 2, 5, 0, 10, 1000, RC_OK, "" },
		{ false, 2, 5, 1, 10, 1000, RC_VERIFY, "revoked" },	/* its key is known to others */
		{ false, 2, 5, 6, 10, 1000, RC_VERIFY, "revoked" },	/* on hold: who knows */
		{ false, 2, 5, -1, 10, 1000, RC_VERIFY, "revoked" },	/* not said why */
		{ false, 0, 0, 0, -10, -5, RC_VERIFY, "CRL has expired" },
		{ false, 0, 0, 0, 100, 1000, RC_OK, "" },		/* made later: it knows more */
		{ true, 0, 0, 0, -10, 1000, RC_VERIFY, "unable to get certificate CRL" },
	};
	BUF(token, 1 << 16);
	struct tsa_party	other;

	(void)state;
	tsa_party_new(&other, "another CA", NULL, true, TSA_EKU, 1, -10, 3650);
	stamp(&tsa, NULL, &honest, &token);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		BUF(crl, 4096);
		struct timestamp	ts;
		struct err		err = { .rc = RC_OK };
		enum rc			rc;

		tsa_crl(t[i].of_another ? &other : &ca, t[i].revoked, t[i].at, t[i].reason, t[i].from, t[i].to, &crl);
		rc = verify_crl(&token, buf_view(&crl), &ts, &err);
		if (rc != t[i].rc || (rc != RC_OK && strstr(err.msg, t[i].word) == NULL))
			fail_msg("row %zu: %s: %s", i, rc_name(rc), err.msg);
	}
	assert_int_equal(verify_crl(&token, SPAN_STR("no list"), &(struct timestamp){ 0 }, NULL), RC_FORMAT);
	tsa_party_done(&other);
}

/* Who takes the CA's name does not take its signature. */
static void
forged_list(void **state)
{
	static const struct tsa_how	honest;
	struct tsa_party	liar;
	BUF(token, 1 << 16);
	BUF(crl, 4096);
	struct timestamp	t;

	(void)state;
	tsa_party_new(&liar, "CA", NULL, true, TSA_EKU, 1, -10, 3650);
	stamp(&tsa, NULL, &honest, &token);
	tsa_crl(&liar, 0, 0, 0, -10, 1000, &crl);
	assert_int_equal(verify_crl(&token, buf_view(&crl), &t, NULL), RC_VERIFY);
	tsa_party_done(&liar);
}

/* --- the certificates in it ---------------------------------------------------------------------- */

static void
certificates(void **state)
{
	static const struct tsa_how	honest;
	static const struct tsa_forgery	bare = { .no_certs = true };
	BUF(token, 1 << 16);
	BUF(without, 1 << 16);
	BUF(out, 1 << 16);
	BUF(small, 100);
	struct rd	r;
	struct span	first, second;
	size_t		n = 9;

	(void)state;
	stamp(&tsa, &ca, &honest, &token);
	assert_int_equal(timestamp_certificates(buf_view(&token), &out, &n, NULL), RC_OK);
	assert_int_equal(n, 2);
	r = rd_init(buf_view(&out));
	assert_true(rd_vec32(&r, 1, TIMESTAMP_CERT_MAX, &first) && rd_vec32(&r, 1, TIMESTAMP_CERT_MAX, &second) &&
	    rd_done(&r));
	assert_true((span_eq(first, tsa_cert(&tsa)) && span_eq(second, tsa_cert(&ca))) ||
	    (span_eq(second, tsa_cert(&tsa)) && span_eq(first, tsa_cert(&ca))));
	assert_int_equal(timestamp_certificates(buf_view(&token), &small, &n, NULL), RC_LIMIT);
	tsa_forge(buf_view(&token), &tsa, &bare, &without);
	assert_int_equal(timestamp_certificates(buf_view(&without), &out, &n, NULL), RC_OK);
	assert_int_equal(n, 0);
	assert_int_equal(timestamp_certificates(SPAN_STR("no token"), &out, &n, NULL), RC_FORMAT);
}

/* --- broken ones ------------------------------------------------------------------------------------ */

/* Every beginning of one, each in a heap block of its own. */
static void
truncated(void **state)
{
	static const struct tsa_how	honest;
	BUF(response, 1 << 16);
	BUF(token, 1 << 16);
	BUF(out, 1 << 16);
	struct timestamp	t;
	size_t			c;

	(void)state;
	answer(&tsa, &honest, imprint, nonce, &response);
	stamp(&tsa, NULL, &honest, &token);
	for (size_t n = 0; n < response.n; n++) {
		uint8_t	*p = malloc(n == 0 ? 1 : n);

		memcpy(p, response.p, n);
		assert_int_equal(timestamp_token(SPAN(p, n), imprint, nonce, &out, NULL), RC_FORMAT);
		free(p);
	}
	for (size_t n = 0; n < token.n; n++) {
		uint8_t		*p = malloc(n == 0 ? 1 : n);
		struct buf	 b = { p, n, n, n, RC_OK };

		memcpy(p, token.p, n);
		assert_int_equal(verify_crl(&b, SPAN(NULL, 0), &t, NULL), RC_FORMAT);
		assert_int_equal(timestamp_certificates(SPAN(p, n), &out, &c, NULL), RC_FORMAT);
		free(p);
	}
	buf_u8(&token, 0);
	assert_int_equal(verify_crl(&token, SPAN(NULL, 0), &t, NULL), RC_FORMAT);
	assert_int_equal(timestamp_certificates(buf_view(&token), &out, &c, NULL), RC_FORMAT);
	assert_int_equal(out.n, 0);
}

/* Any bit of it turned round: refused, or it says the same. */
static void
turned_bits(void **state)
{
	static const struct tsa_how	honest;
	BUF(token, 1 << 16);
	struct timestamp	was, t;
	size_t			good = 0;

	(void)state;
	stamp(&tsa, NULL, &honest, &token);
	assert_int_equal(verify_crl(&token, SPAN(NULL, 0), &was, NULL), RC_OK);
	for (size_t i = 0; i < token.n * 8; i += 3) {
		token.p[i / 8] ^= (uint8_t)(1u << i % 8);
		if (verify_crl(&token, SPAN(NULL, 0), &t, NULL) == RC_OK) {
			assert_int_equal(t.time, was.time);
			assert_string_equal(t.signer, was.signer);
			good++;
		}
		token.p[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	assert_true(good < token.n / 8);
}

/* Before 1970 there was no Quorate; long after, still a time. */
static void
times(void **state)
{
	struct tsa_how		how = { .time = 1 };
	BUF(token, 1 << 16);
	BUF(later, 1 << 16);
	struct tsa_party	old_ca, old;
	struct span		root;
	struct timestamp_trust	trust = { .root = &root, .n_roots = 1 };
	struct timestamp	t;

	(void)state;
	tsa_party_new(&old_ca, "old CA", NULL, true, TSA_EKU, 1, -20834, 36500);
	tsa_party_new(&old, "old TSA", &old_ca, false, TSA_EKU, 2, -20834, 36500);
	root = tsa_cert(&old_ca);
	stamp(&old, NULL, &how, &token);
	assert_int_equal(timestamp_verify(buf_view(&token), imprint, &trust, &t, NULL), RC_OK);
	assert_int_equal(t.time, 1);
	how.time = UINT64_C(4102444800);	/* 2100 */
	stamp(&old, NULL, &how, &later);
	assert_int_equal(timestamp_verify(buf_view(&later), imprint, &trust, &t, NULL), RC_OK);
	assert_int_equal(t.time, UINT64_C(4102444800));
	tsa_party_done(&old);
	tsa_party_done(&old_ca);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(question),
		cmocka_unit_test(without_a_nonce),
		cmocka_unit_test(refused),
		cmocka_unit_test(signers),
		cmocka_unit_test(chains),
		cmocka_unit_test(lists),
		cmocka_unit_test(forged_list),
		cmocka_unit_test(certificates),
		cmocka_unit_test(truncated),
		cmocka_unit_test(turned_bits),
		cmocka_unit_test(times),
	};

	sha256_one(imprint, SPAN_STR("a checkpoint"));
	sha256_one(other_imprint, SPAN_STR("another"));
	tsa_party_new(&ca, "CA", NULL, true, TSA_EKU, 1, -10, 3650);
	tsa_party_new(&tsa, "TSA", &ca, false, TSA_EKU, 2, -1, 365);
	tsa_party_new(&middle, "middle", &ca, true, TSA_EKU, 3, -1, 365);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

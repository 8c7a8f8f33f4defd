/* Certificates and lists that a token carries: put in, used, and nothing else of it changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/timestamp.h"
#include "base/auto.h"
#include "base/der.h"
#include "base/wire.h"
#include "tests/unit/fault.h"
#include "tests/unit/tsa.h"
#include "tests/unit/vectors.h"

#define BUF(name)	AUTO_DONE(buf_done) struct buf name = BUF_INIT((size_t)4 << 20)
#define DAY		86400

static const uint8_t	imprint[SHA256_BYTES] = { 1, 2, 3 };
static struct tsa_party	ca, middle, tsa, other_ca, by_middle;
static struct buf	plain, below, crl, revoking, other_crl;

static void
stamp(const struct tsa_party *by, struct buf *out)
{
	static const uint8_t		nonce[TIMESTAMP_NONCE_BYTES] = { 4, 5, 6 };
	static const struct tsa_how	how;
	BUF(query);
	BUF(response);

	assert_int_equal(timestamp_query(imprint, nonce, &query, NULL), RC_OK);
	tsa_answer(by, NULL, &how, buf_view(&query), &response);
	assert_int_equal(timestamp_token(buf_view(&response), imprint, nonce, out, NULL), RC_OK);
}

static int
up(void **state)
{
	(void)state;
	tsa_party_new(&ca, "Root", NULL, true, TSA_EKU_NONE, 1, -1, 3650);
	tsa_party_new(&other_ca, "Other root", NULL, true, TSA_EKU_NONE, 1, -1, 3650);
	tsa_party_new(&middle, "Middle", &ca, true, TSA_EKU_NONE, 2, -1, 100);
	tsa_party_new(&tsa, "Stamps", &ca, false, TSA_EKU, 3, -1, 365);
	tsa_party_new(&by_middle, "Stamps below", &middle, false, TSA_EKU, 4, -1, 365);
	plain = below = crl = revoking = other_crl = BUF_INIT(1 << 20);
	stamp(&tsa, &plain);
	stamp(&by_middle, &below);
	tsa_crl(&ca, 0, 0, -1, -10, 1000, &crl);
	tsa_crl(&ca, 3, -5, -1, -5, 1000, &revoking);
	tsa_crl(&other_ca, 3, -5, -1, -5, 1000, &other_crl);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	buf_done(&plain);
	buf_done(&below);
	buf_done(&crl);
	buf_done(&revoking);
	buf_done(&other_crl);
	tsa_party_done(&ca);
	tsa_party_done(&other_ca);
	tsa_party_done(&middle);
	tsa_party_done(&tsa);
	tsa_party_done(&by_middle);
	return 0;
}

static enum rc
embed(const struct buf *token, const struct span *certificate, size_t n_certificates, const struct span *list,
    size_t n_lists, struct buf *out)
{
	return timestamp_embed(buf_view(token), certificate, n_certificates, list, n_lists, out, NULL);
}

static enum rc
verify(const struct buf *token, struct span root, struct timestamp *t)
{
	struct timestamp_trust	trust = { .root = &root, .n_roots = 1 };

	return timestamp_verify(buf_view(token), imprint, &trust, t, NULL);
}

/* --- what it does -------------------------------------------------------------------- */

static void
the_chain_goes_with_it(void **state)
{
	struct span	chain[] = { tsa_cert(&middle), tsa_cert(&ca) };
	struct timestamp t = { .time = 0 };
	size_t		n;
	BUF(with);
	BUF(certs);

	(void)state;
	assert_int_equal(verify(&below, tsa_cert(&ca), &t), RC_VERIFY);	/* nobody has the middle */
	assert_int_equal(embed(&below, chain, 2, NULL, 0, &with), RC_OK);
	assert_int_equal(verify(&with, tsa_cert(&ca), &t), RC_OK);
	assert_int_equal(t.time, TSA_NOW);
	assert_int_equal(t.expires, TSA_NOW + 100 * DAY);	/* the middle's comes first */
	assert_int_equal(timestamp_certificates(buf_view(&with), &certs, &n, NULL), RC_OK);
	assert_int_equal(n, 3);
	assert_int_equal(verify(&plain, tsa_cert(&ca), &t), RC_OK);
	assert_int_equal(t.expires, TSA_NOW + 365 * DAY);
	/* Trusted as such: what is above it does not matter. */
	assert_int_equal(verify(&with, tsa_cert(&by_middle), &t), RC_OK);
	assert_int_equal(t.expires, TSA_NOW + 365 * DAY);
}

static void
lists_count(void **state)
{
	struct span	one = buf_view(&revoking), good = buf_view(&crl), alien = buf_view(&other_crl);
	struct timestamp t;
	BUF(out);

	(void)state;
	assert_int_equal(embed(&plain, NULL, 0, &good, 1, &out), RC_OK);
	assert_int_equal(verify(&out, tsa_cert(&ca), &t), RC_OK);
	buf_reset(&out);
	assert_int_equal(embed(&plain, NULL, 0, &one, 1, &out), RC_OK);
	assert_int_equal(verify(&out, tsa_cert(&ca), &t), RC_VERIFY);
	/* A list of somebody else's says nothing, and is no reason to refuse. */
	buf_reset(&out);
	assert_int_equal(embed(&plain, NULL, 0, &alien, 1, &out), RC_OK);
	assert_int_equal(verify(&out, tsa_cert(&ca), &t), RC_OK);
	/* One that is signed by nobody who may does not help: its last byte is its signature's. */
	buf_reset(&out);
	crl.p[crl.n - 1] ^= 1;
	assert_int_equal(embed(&plain, NULL, 0, &good, 1, &out), RC_OK);
	crl.p[crl.n - 1] ^= 1;
	assert_int_equal(verify(&out, tsa_cert(&ca), &t), RC_VERIFY);
}

/* A CA between the signer and the root is revoked by the list of who is above it, whether or not it has one of its own. */
static void
lists_of_those_above(void **state)
{
	struct span	chain[] = { tsa_cert(&middle), tsa_cert(&ca) }, l[2];
	struct timestamp t;
	BUF(bad);
	BUF(own);
	BUF(out);

	(void)state;
	tsa_crl(&ca, 2, -5, -1, -10, 1000, &bad);
	tsa_crl(&middle, 0, 0, -1, -10, 1000, &own);
	l[0] = buf_view(&own);
	l[1] = buf_view(&bad);
	assert_int_equal(embed(&below, chain, 2, l, 1, &out), RC_OK);
	assert_int_equal(verify(&out, tsa_cert(&ca), &t), RC_OK);
	buf_reset(&out);
	assert_int_equal(embed(&below, chain, 2, l, 2, &out), RC_OK);
	assert_int_equal(verify(&out, tsa_cert(&ca), &t), RC_VERIFY);
	buf_reset(&out);
	assert_int_equal(embed(&below, chain, 2, l + 1, 1, &out), RC_OK);
	assert_int_equal(verify(&out, tsa_cert(&ca), &t), RC_VERIFY);
	/* Who is trusted as such is. */
	assert_int_equal(verify(&out, tsa_cert(&middle), &t), RC_OK);
	/* Run out by then, it says nothing of those that it does not name, and what it says of those that it does. */
	for (long serial = 2; serial <= 3; serial++) {
		buf_reset(&bad);
		buf_reset(&out);
		tsa_crl(&ca, serial, -500, -1, -1000, -100, &bad);
		l[1] = buf_view(&bad);
		assert_int_equal(embed(&below, chain, 2, l, 2, &out), RC_OK);
		assert_int_equal(verify(&out, tsa_cert(&ca), &t), serial == 2 ? RC_VERIFY : RC_OK);
	}
}

/* In one order, each once, whoever put it in and however often. */
static void
one_form(void **state)
{
	struct span	c[] = { tsa_cert(&ca), tsa_cert(&middle), tsa_cert(&ca) }, d[] = { c[1], c[0] };
	struct span	l[] = { buf_view(&crl), buf_view(&revoking) }, m[] = { l[1], l[0], l[1] };
	BUF(a);
	BUF(b);
	BUF(again);
	BUF(same);

	(void)state;
	assert_int_equal(embed(&plain, c, 3, l, 2, &a), RC_OK);
	assert_int_equal(embed(&plain, d, 2, m, 3, &b), RC_OK);
	assert_true(span_eq(buf_view(&a), buf_view(&b)));
	assert_int_equal(embed(&a, d, 2, l, 1, &again), RC_OK);
	assert_true(span_eq(buf_view(&a), buf_view(&again)));
	assert_true(der_ok(buf_view(&a)));
	/* Nothing to embed: the token as it was. */
	assert_int_equal(embed(&plain, NULL, 0, NULL, 0, &same), RC_OK);
	assert_true(span_eq(buf_view(&plain), buf_view(&same)));
}

/* Lengths that are not said in advance, as some say them: BER, of which DER is made. */
static void
indefinite(void **state)
{
	struct rd	r = rd_init(buf_view(&plain));
	struct span	v, oid;
	struct timestamp t;
	BUF(ber);
	BUF(out);

	(void)state;
	assert_true(der_take(&r, DER_SEQUENCE, NULL, &v));
	r = rd_init(v);
	assert_true(der_take(&r, DER_OID, &oid, NULL) && der_take(&r, DER_CONTEXT(0), &v, NULL));
	buf_add(&ber, "\x30\x80", 2);
	buf_span(&ber, oid);
	buf_span(&ber, v);
	buf_add(&ber, "\0\0", 2);
	assert_false(der_ok(buf_view(&ber)));
	assert_int_equal(embed(&ber, NULL, 0, NULL, 0, &out), RC_OK);
	assert_true(span_eq(buf_view(&plain), buf_view(&out)));
	assert_int_equal(verify(&out, tsa_cert(&ca), &t), RC_OK);
}

static void
of_others(void **state)
{
	static const char *const names[] = { "time/token-essv1-sha1.tst", "time/token-essv2.tst" };
	struct span	chain[] = { tsa_cert(&ca), tsa_cert(&middle) };
	BUF(token);
	BUF(data);
	uint8_t		digest[SHA256_BYTES];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		BUF(out);

		if (!vectors_read(names[i], &token) || !vectors_read("time/data.txt", &data))
			return;
		sha256_one(digest, buf_view(&data));
		assert_int_equal(embed(&token, chain, 2, NULL, 0, &out), RC_OK);
		assert_true(out.n > token.n);
		assert_int_equal(timestamp_over(buf_view(&out), digest, NULL), RC_OK);
		assert_int_equal(timestamp_over(buf_view(&out), imprint, NULL), RC_VERIFY);
	}
}

/* --- what it refuses ----------------------------------------------------------------- */

static void
refused(void **state)
{
	static const uint8_t	nothing[] = { 0x30, 0 };
	struct span	good = tsa_cert(&ca), list = buf_view(&crl), bad;
	BUF(out);

	(void)state;
	bad = SPAN(good.p, good.n - 1);
	assert_int_equal(embed(&plain, &bad, 1, NULL, 0, &out), RC_FORMAT);
	assert_int_equal(embed(&plain, NULL, 0, &bad, 1, &out), RC_FORMAT);
	assert_int_equal(embed(&plain, &list, 1, NULL, 0, &out), RC_FORMAT);
	assert_int_equal(embed(&plain, NULL, 0, &good, 1, &out), RC_FORMAT);
	bad = SPAN_OF(nothing);
	assert_int_equal(embed(&plain, &bad, 1, NULL, 0, &out), RC_FORMAT);
	assert_int_equal(timestamp_embed(bad, NULL, 0, NULL, 0, &out, NULL), RC_FORMAT);
	assert_int_equal(timestamp_embed(good, NULL, 0, NULL, 0, &out, NULL), RC_FORMAT);
	assert_int_equal(timestamp_embed(SPAN(NULL, 0), NULL, 0, NULL, 0, &out, NULL), RC_FORMAT);
	for (size_t n = 0; n < plain.n; n++)
		assert_int_equal(timestamp_embed(SPAN(plain.p, n), NULL, 0, NULL, 0, &out, NULL), RC_FORMAT);
	assert_int_equal(out.n, 0);
}

static void
bounds(void **state)
{
	struct tsa_party	p[TIMESTAMP_CERTS_MAX];
	struct span		c[TIMESTAMP_CERTS_MAX], lists[3], many[200];
	struct timestamp	t;
	BUF(out);
	BUF(large);
	BUF(small);

	(void)state;
	for (size_t i = 0; i < TIMESTAMP_CERTS_MAX; i++) {
		tsa_party_new(&p[i], "One more", &ca, false, TSA_EKU, 100 + (long)i, -1, 365);
		c[i] = tsa_cert(&p[i]);
	}
	/* The signer's own is there already. */
	assert_int_equal(embed(&plain, c, TIMESTAMP_CERTS_MAX, NULL, 0, &out), RC_LIMIT);
	assert_int_equal(embed(&plain, c, TIMESTAMP_CERTS_MAX + 1, NULL, 0, &out), RC_LIMIT);
	assert_int_equal(embed(&plain, c, TIMESTAMP_CERTS_MAX - 1, NULL, 0, &out), RC_OK);
	assert_int_equal(verify(&out, tsa_cert(&ca), &t), RC_OK);
	for (size_t i = 0; i < TIMESTAMP_CERTS_MAX; i++)
		tsa_party_done(&p[i]);
	for (size_t i = 0; i < 200; i++)
		many[i] = tsa_cert(&ca);
	assert_int_equal(embed(&plain, many, 200, NULL, 0, &out), RC_LIMIT);
	/* Lists of some 200 KiB: two fit. */
	tsa_crl_long(&ca, 9000, &large);
	tsa_crl_long(&other_ca, 9000, &small);
	assert_in_range(large.n, 150 << 10, TIMESTAMP_CRL_MAX);
	lists[0] = buf_view(&large);
	lists[1] = buf_view(&small);
	lists[2] = buf_view(&crl);
	buf_reset(&out);
	assert_int_equal(embed(&plain, NULL, 0, lists, 3, &out), RC_OK);
	assert_in_range(out.n, 2 * (150 << 10), TIMESTAMP_TOKEN_MAX);
	assert_int_equal(verify(&out, tsa_cert(&ca), &t), RC_OK);
	BUF(third);
	tsa_crl_long(&middle, 9000, &third);
	lists[2] = buf_view(&third);
	buf_reset(&out);
	assert_int_equal(embed(&plain, NULL, 0, lists, 3, &out), RC_LIMIT);
	assert_int_equal(out.n, 0);
}

static void
without_memory(void **state)
{
	struct span	c = tsa_cert(&ca), l = buf_view(&crl);
	unsigned long	n;
	enum rc		rc;
	BUF(out);

	(void)state;
	for (n = 1;; n++) {
		buf_done(&out);
		fault_at(n);
		rc = embed(&plain, &c, 1, &l, 1, &out);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 5);
}

/* --- no byte of it is free --------------------------------------------------------------- */

static enum rc
exact(const struct buf *token)
{
	struct span		root = tsa_cert(&ca);
	struct timestamp	t;
	enum rc			rc = verify(token, root, &t);

	return rc != RC_OK ? rc : timestamp_exact(buf_view(token), &root, 1, NULL);
}

/* Whole, by our own TSA: what it gives is exact, embedded or not. */
static void
what_is_exact(void **state)
{
	struct span	chain[] = { tsa_cert(&middle), tsa_cert(&ca) }, l = buf_view(&crl), alien = buf_view(&other_crl);
	struct span	stray = tsa_cert(&other_ca);
	BUF(out);

	(void)state;
	assert_int_equal(exact(&plain), RC_OK);
	assert_int_equal(embed(&below, chain, 2, &l, 1, &out), RC_OK);
	assert_int_equal(exact(&out), RC_OK);
	/* Without the root in it, the one that is trusted serves. */
	buf_reset(&out);
	assert_int_equal(embed(&below, chain, 1, NULL, 0, &out), RC_OK);
	assert_int_equal(exact(&out), RC_OK);
	assert_int_equal(timestamp_exact(buf_view(&out), NULL, 0, NULL), RC_FORMAT);
	/* Strangers: a list whose signer is not there, or is only himself there. */
	buf_reset(&out);
	assert_int_equal(embed(&plain, NULL, 0, &alien, 1, &out), RC_OK);
	assert_int_equal(exact(&out), RC_FORMAT);
	buf_reset(&out);
	assert_int_equal(embed(&plain, &stray, 1, &alien, 1, &out), RC_OK);
	assert_int_equal(exact(&out), RC_FORMAT);
	stray = tsa_cert(&by_middle);
	buf_reset(&out);
	assert_int_equal(embed(&plain, &stray, 1, NULL, 0, &out), RC_OK);
	assert_int_equal(exact(&out), RC_FORMAT);
}

/* A certificate that bears the name and number of the signer's: the token does not say which of them it means. */
static void
another_of_that_name(void **state)
{
	struct span		root = tsa_cert(&ca), c;
	struct tsa_party	same;
	BUF(bare);
	BUF(out);

	(void)state;
	tsa_party_new(&same, "Whatever I like to say here", &ca, false, TSA_EKU, 3, -1, 365);
	same.der[same.n - 1] ^= 1;	/* not by that root */
	tsa_forge(buf_view(&plain), &tsa, &(struct tsa_forgery){ .no_certs = true }, &bare);
	c = SPAN(same.der, same.n);
	assert_int_equal(embed(&bare, &c, 1, NULL, 0, &out), RC_OK);
	assert_int_equal(timestamp_exact(buf_view(&out), &root, 1, NULL), RC_FORMAT);
	c = tsa_cert(&tsa);
	buf_reset(&out);
	assert_int_equal(embed(&bare, &c, 1, NULL, 0, &out), RC_OK);
	assert_int_equal(timestamp_exact(buf_view(&out), &root, 1, NULL), RC_OK);
	tsa_party_done(&same);
}

/* What anybody can make, and libcrypto passes over: certificates that are good by themselves alone. */
static void
free_bytes_in_certificates(void **state)
{
	struct span		c[2] = { tsa_cert(&other_ca) }, root = tsa_cert(&ca);
	struct tsa_party	text;
	struct timestamp	t;
	BUF(out);

	(void)state;
	tsa_party_new(&text, "Whatever I like to say here", &other_ca, false, TSA_EKU_NONE, 5, -1, 100);
	c[1] = tsa_cert(&text);
	for (size_t n = 1; n <= 2; n++) {
		buf_reset(&out);
		assert_int_equal(embed(&plain, c, n, NULL, 0, &out), RC_OK);
		assert_int_equal(verify(&out, root, &t), RC_OK);
		assert_int_equal(timestamp_exact(buf_view(&out), &root, 1, NULL), RC_FORMAT);
	}
	tsa_party_done(&text);
	/* By one that a trusted CA made, but not a CA: who has a certificate cannot add others. */
	tsa_party_new(&text, "Whatever I like to say here", &by_middle, false, TSA_EKU_NONE, 5, -1, 100);
	c[0] = tsa_cert(&middle);
	c[1] = tsa_cert(&text);
	buf_reset(&out);
	assert_int_equal(embed(&below, c, 2, NULL, 0, &out), RC_OK);
	assert_int_equal(verify(&out, root, &t), RC_OK);
	assert_int_equal(timestamp_exact(buf_view(&out), &root, 1, NULL), RC_FORMAT);
	tsa_party_done(&text);
	/* The root above one that is trusted as such is no stranger. */
	c[0] = tsa_cert(&ca);
	c[1] = tsa_cert(&middle);
	root = tsa_cert(&middle);
	buf_reset(&out);
	assert_int_equal(embed(&below, c, 2, NULL, 0, &out), RC_OK);
	assert_int_equal(timestamp_exact(buf_view(&out), &root, 1, NULL), RC_OK);
}

/* An authority may send what leads to another root as well: it goes out, and what belongs stays as it was. */
static void
what_does_not_belong_goes_out(void **state)
{
	struct span		c[2] = { tsa_cert(&middle), tsa_cert(&other_ca) }, root = tsa_cert(&ca), own = buf_view(&crl);
	struct timestamp	t;
	BUF(good);
	BUF(more);
	BUF(out);

	(void)state;
	assert_int_equal(embed(&below, c, 1, &own, 1, &good), RC_OK);
	assert_int_equal(embed(&below, c, 2, &own, 1, &more), RC_OK);
	assert_int_equal(timestamp_exact(buf_view(&more), &root, 1, NULL), RC_FORMAT);
	assert_int_equal(timestamp_trim(buf_view(&more), &root, 1, &out, NULL), RC_OK);
	assert_true(span_eq(buf_view(&out), buf_view(&good)));
	assert_int_equal(timestamp_exact(buf_view(&out), &root, 1, NULL), RC_OK);
	assert_int_equal(verify(&out, root, &t), RC_OK);
	buf_reset(&out);
	assert_int_equal(timestamp_trim(buf_view(&good), &root, 1, &out, NULL), RC_OK);
	assert_true(span_eq(buf_view(&out), buf_view(&good)));
}

static void
no_byte_is_free(void **state)
{
	struct span	chain[] = { tsa_cert(&middle), tsa_cert(&ca) }, l[] = { buf_view(&crl) };
	BUF(out);

	(void)state;
	assert_int_equal(embed(&below, chain, 2, l, 1, &out), RC_OK);
	assert_int_equal(exact(&out), RC_OK);
	for (size_t i = 0; i < out.n; i++)
		for (unsigned k = 0; k < 4; k++) {
			static const uint8_t	turn[] = { 0, 0x20, 2, 1 };	/* a letter's case, one digest for another */
			uint8_t			was = out.p[i];

			out.p[i] ^= (uint8_t)(k == 0 ? 1U << i % 8 : turn[k]);
			/* Alone as well: by the time of the check nobody may have read the keys in it. */
			(void)!timestamp_exact(buf_view(&out), l, 0, NULL);
			if (exact(&out) == RC_OK)
				fail_msg("byte %zu: %02x to %02x", i, was, out.p[i]);
			out.p[i] = was;
		}
	buf_u8(&out, 0);
	assert_int_equal(timestamp_exact(buf_view(&out), NULL, 0, NULL), RC_FORMAT);
}

/* The digest that SignedData announces stands first; the signer's is another then. */
static void
another_digest(void **state)
{
	static const uint8_t	sha256_oid[] = { 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1 };
	uint8_t			*at = plain.p;

	(void)state;
	while (memcmp(at, sha256_oid, sizeof(sha256_oid)) != 0)
		at++;
	at[8] = 3;
	assert_int_equal(exact(&plain), RC_VERIFY);
	assert_int_equal(timestamp_exact(buf_view(&plain), NULL, 0, NULL), RC_FORMAT);
	at[8] = 1;
	assert_int_equal(exact(&plain), RC_OK);
}

/* Its certificates in another order: to libcrypto the same token. */
static void
another_order(void **state)
{
	struct span	chain[] = { tsa_cert(&middle), tsa_cert(&ca) }, set, one = SPAN(NULL, 0), two = SPAN(NULL, 0);
	struct rd	r;
	BUF(token);
	BUF(swapped);

	(void)state;
	assert_int_equal(embed(&below, chain, 1, NULL, 0, &token), RC_OK);
	for (size_t i = 0;; i++) {	/* the first [0] in [0] is theirs */
		r = rd_init(SPAN(token.p + i, token.n - i));
		if (i > 30 && der_take(&r, DER_CONTEXT(0), NULL, &set) && set.n > 500)
			break;
	}
	r = rd_init(set);
	assert_true(der_any(&r, &one) && der_any(&r, &two) && rd_done(&r));
	buf_span(&swapped, two);
	buf_span(&swapped, one);
	memcpy(token.p + (set.p - token.p), swapped.p, swapped.n);
	assert_int_equal(verify(&token, tsa_cert(&ca), &(struct timestamp){ .time = 0 }), RC_OK);
	assert_int_equal(exact(&token), RC_FORMAT);
}

/* A list whose algorithm is named in another form beside what is signed. */
static void
named_otherwise(void **state)
{
	struct rd	r = rd_init(buf_view(&crl));
	struct span	v, tbs, algorithm = SPAN(NULL, 0), signature = SPAN(NULL, 0), list;
	BUF(inside);
	BUF(changed);
	BUF(out);

	(void)state;
	assert_true(der_take(&r, DER_SEQUENCE, NULL, &v));
	r = rd_init(v);
	assert_true(der_any(&r, &tbs) && der_take(&r, DER_SEQUENCE, NULL, &algorithm) && der_any(&r, &signature));
	buf_span(&changed, algorithm);
	buf_add(&changed, "\x05\x00", 2);
	buf_span(&inside, tbs);
	der_write(&inside, DER_SEQUENCE, buf_view(&changed));
	buf_span(&inside, signature);
	buf_reset(&changed);
	der_write(&changed, DER_SEQUENCE, buf_view(&inside));
	list = buf_view(&changed);
	assert_int_equal(embed(&plain, NULL, 0, &list, 1, &out), RC_OK);
	list = tsa_cert(&ca);
	assert_int_equal(timestamp_exact(buf_view(&out), &list, 1, NULL), RC_FORMAT);
}

/* What libcrypto allocates by (base/libcrypto.c); this one stands before the C library's. */
static unsigned long	left;
static bool		fired;
void	*__real_realloc(void *p, size_t n);	/* past tests/unit/fault.h, which does not count libcrypto's */

void *
reallocarray(void *p, size_t n, size_t each)
{
	if (left == 0 || --left > 0)
		return __real_realloc(p, n * each);
	fired = true;
	return NULL;
}

/* Without memory whoever signed looks like nobody: that is no verdict. */
static void
no_memory_in_libcrypto(void **state)
{
	struct span	chain = tsa_cert(&middle), list = buf_view(&crl), root = tsa_cert(&ca);
	unsigned long	n = 0;
	enum rc		rc;

	(void)state;
	do {
		left = ++n;
		fired = false;
		rc = timestamp_issued(&chain, 1, &list, 1, &root, 1, NULL);
		left = 0;
		if (fired && rc != RC_OK && rc != RC_NOMEM)
			fail_msg("allocation %lu: %s", n, rc_name(rc));
	} while (fired);
	assert_int_equal(rc, RC_OK);
	assert_true(n > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_memory_in_libcrypto),
		cmocka_unit_test(the_chain_goes_with_it),
		cmocka_unit_test(lists_count),
		cmocka_unit_test(lists_of_those_above),
		cmocka_unit_test(one_form),
		cmocka_unit_test(indefinite),
		cmocka_unit_test(of_others),
		cmocka_unit_test(refused),
		cmocka_unit_test(bounds),
		cmocka_unit_test(without_memory),
		cmocka_unit_test(what_is_exact),
		cmocka_unit_test(free_bytes_in_certificates),
		cmocka_unit_test(another_of_that_name),
		cmocka_unit_test(what_does_not_belong_goes_out),
		cmocka_unit_test(no_byte_is_free),
		cmocka_unit_test(another_digest),
		cmocka_unit_test(another_order),
		cmocka_unit_test(named_otherwise),
	};

	return cmocka_run_group_tests(tests, up, down);
}

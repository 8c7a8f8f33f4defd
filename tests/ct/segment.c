/* From a segment's point to its plaintext: evidence/segment.h, evidence/keys.h. */
#include <string.h>

#include <sodium.h>

#include "evidence/cms.h"
#include "evidence/keys.h"
#include "evidence/segment.h"
#include "tests/ct/ct.h"

#define PLAIN	1000

static const uint8_t	order[SHA256_BYTES] = { 1, 2, 3 };

/* A group element that nobody knows. */
static struct secret *
some_point(void)
{
	struct secret	*p = secret_new(SHAMIR_POINT_BYTES);

	ct_need(p != NULL, "a secret");
	crypto_core_ristretto255_random(secret_bytes(p));
	ct_secret(secret_bytes(p), SHAMIR_POINT_BYTES);
	return p;
}

static void
run_segment(void)
{
	AUTO(segment_cipher_free) struct segment_cipher	*c = NULL;
	AUTO(secret_free) struct secret			*point = some_point(), *other = some_point();
	AUTO(secret_free) struct secret			*plain = secret_new(PLAIN), *out = secret_new(PLAIN);
	uint8_t						 commitment[SEGMENT_COMMITMENT_BYTES];
	uint8_t						 sealed[PLAIN + SEGMENT_TAG_BYTES];

	ct_need(plain != NULL && out != NULL, "secrets");
	ct_secret(secret_bytes(plain), PLAIN);
	ct_ok(segment_cipher_new(&c, NULL), "a cipher");
	ct_ok(segment_cipher_seal(c, point, commitment, NULL), "a key is derived");
	ct_need(ct_is_secret(commitment, sizeof(commitment)), "it depends on the point");
	ct_public(commitment, sizeof(commitment));	/* the segment starts with it */
	ct_ok(segment_chunk_seal(c, 0, true, SPAN(secret_view(plain), PLAIN), sealed, NULL), "a chunk is sealed");
	ct_public(sealed, sizeof(sealed));		/* it is stored */
	ct_need(segment_cipher_open(c, other, commitment, NULL) == RC_VERIFY, "another key is refused");
	ct_ok(segment_cipher_open(c, point, commitment, NULL), "the key is the one committed to");
	ct_ok(segment_chunk_open(c, 0, true, SPAN(sealed, sizeof(sealed)), secret_bytes(out), NULL), "it opens");
	ct_need(ct_is_secret(secret_view(out), PLAIN), "the plaintext is secret");
	ct_need(secret_eq(plain, out), "it is the plaintext");
	sealed[10] ^= 1;
	ct_need(segment_chunk_open(c, 0, true, SPAN(sealed, sizeof(sealed)), secret_bytes(out), NULL) == RC_VERIFY,
	    "a changed chunk is refused");
}

/* What the recipient finds in a message: points, of which it is public that they are some. */
static void
run_keys(void)
{
	AUTO(secret_free) struct secret	*point = some_point(), *keys = NULL, *back = NULL;

	ct_ok(keys_new(order, 2, &keys, NULL), "keys");
	keys_put(keys, 0, point);
	keys_put(keys, 1, point);
	ct_ok(keys_check(keys, order, 2, NULL), "they are keys");
	ct_ok(keys_point(keys, 1, &back, NULL), "one of them");
	ct_need(ct_is_secret(secret_view(back), SHAMIR_POINT_BYTES), "it is secret");
	ct_need(secret_eq(point, back), "it is the point");
}

/* What the release worker finds in one: whose they are is public. */
static void
run_contributions(void)
{
	AUTO(secret_free) struct secret	*all = NULL;
	struct shamir_contribution	 c = { .index = 2 }, back;
	uint8_t				 root[SHA256_BYTES];

	ct_secret(c.point, sizeof(c.point));
	ct_secret(c.proof, sizeof(c.proof));
	ct_ok(contributions_new(2, order, 1, &all, NULL), "contributions");
	contributions_put(all, 0, &c);
	ct_ok(contributions_check(all, 2, order, 1, NULL), "they are custodian 2's");
	contributions_get(all, 0, &back);
	ct_need(ct_is_secret(back.point, sizeof(back.point)), "a contribution is secret");
	ct_ok(contributions_root(all, root, NULL), "what the receipt tells of them");
	ct_need(ct_is_secret(root, sizeof(root)), "the root depends on them");
}

DEFINE_AUTO(EVP_PKEY_free, EVP_PKEY);

/* What is sealed to a certificate: the key that seals it is libcrypto's, and not looked at. */
static void
run_message(void)
{
	AUTO_DONE(buf_done) struct buf		der = BUF_INIT(CMS_BYTES_MAX), cert = BUF_INIT(CMS_CERT_MAX);
	AUTO(EVP_PKEY_free) EVP_PKEY		*key = NULL;
	AUTO(secret_free) struct secret		*plain = secret_new(PLAIN), *out = NULL;

	ct_need(plain != NULL, "a secret");
	ct_secret(secret_bytes(plain), PLAIN);
	ct_ok(cms_addressee_new("ct", 1795341600, 3600, &key, &cert, NULL), "an addressee");
	ct_ok(cms_seal(buf_view(&cert), SPAN(secret_view(plain), PLAIN), &der, NULL), "a message is sealed");
	ct_need(der.n > 16 && ct_is_secret(der.p + der.n - 16, 16), "its tag depends on the plaintext");
	ct_public(der.p, der.n);			/* it goes over the wire */
	ct_ok(cms_open(key, buf_view(&cert), buf_view(&der), &out, NULL), "it opens");
	ct_need(secret_eq(plain, out), "it is what was sealed");
}

const struct ct_case	ct_segment[] = {
	{ "segment-key", run_segment, false },
	{ "keys", run_keys, false },
	{ "contributions", run_contributions, false },
	{ "message", run_message, false },
	{ NULL, NULL, false },
};

/* Keys and DSSE: the published vectors, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <sodium.h>

#include "base/json.h"
#include "policy/dsse.h"
#include "tests/fixture/keys.h"
#include "tests/unit/fault.h"
#include "tests/unit/vectors.h"

#define BIG	((size_t)1 << 20)
#define VECTORS	"approvals/dsse-vectors.json"

static const char payload[] = "{\"hello\":\"world\"}";

static void
text_both_ways(void **state)
{
	struct test_key	k[2];

	(void)state;
	test_key_ed25519(&k[0]);
	test_key_p256(&k[1]);
	for (size_t i = 0; i < 2; i++) {
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
		struct key	got;

		key_write(&k[i].signer.key, &b);
		assert_int_equal(key_parse(buf_view(&b), &got, NULL), RC_OK);
		assert_true(key_eq(&got, &k[i].signer.key));
		for (size_t n = 0; n < b.n; n++) {
			uint8_t	*copy = heap_copy(b.p, n);

			/* Without its padding a value is the same value. */
			if (n + 1 != b.n || b.p[n] != '=')
				assert_int_equal(key_parse(SPAN(copy, n), &got,
				    NULL), RC_FORMAT);
			free(copy);
		}
	}
	assert_false(key_eq(&k[0].signer.key, &k[1].signer.key));
	test_key_done(&k[0]);
	test_key_done(&k[1]);
}

static void
text_refused(void **state)
{
	static const char *const bad[] = {
		"", "ed25519:", "rsa:AAAA", "ED25519:AAAA",
		/* the identity and a point of small order */
		"ed25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		/* compressed, and off the curve */
		"p256:AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=",
		"p256:BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=",
	};
	struct key	k;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(key_parse(span_str(bad[i]), &k, NULL), RC_FORMAT);
}

static void
verify_each_bit(void **state)
{
	struct test_key	k[2];

	(void)state;
	test_key_ed25519(&k[0]);
	test_key_p256(&k[1]);
	for (size_t i = 0; i < 2; i++) {
		const struct signer	*s = &k[i].signer;
		uint8_t			 sig[KEY_SIG_BYTES];

		assert_int_equal(s->sign(s->user, span_str(payload), sig, NULL),
		    RC_OK);
		assert_int_equal(key_verify(&s->key, span_str(payload), sig, NULL),
		    RC_OK);
		assert_int_equal(key_verify(&s->key, SPAN(payload, 3), sig, NULL),
		    RC_VERIFY);
		assert_int_equal(key_verify(&k[1 - i].signer.key,
		    span_str(payload), sig, NULL), RC_VERIFY);
		for (size_t bit = 0; bit < 8 * sizeof(sig); bit++) {
			sig[bit / 8] ^= (uint8_t)(1U << bit % 8);
			assert_int_equal(key_verify(&s->key, span_str(payload), sig,
			    NULL), RC_VERIFY);
			sig[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
		memset(sig, 0, sizeof(sig));
		assert_int_equal(key_verify(&s->key, span_str(payload), sig, NULL),
		    RC_VERIFY);
	}
	k[0].signer.key.alg = 3;
	assert_int_equal(key_verify(&k[0].signer.key, span_str(payload),
	    (const uint8_t[KEY_SIG_BYTES]){ 0 }, NULL), RC_FORMAT);
	test_key_done(&k[0]);
	test_key_done(&k[1]);
}

/* --- the vectors of the DSSE specification ------------------------------------------- */

static void
decimal(const json_t *v, const char *name, uint8_t out[32])
{
	BIGNUM	*n = NULL;

	assert_true(BN_dec2bn(&n, json_string_value(json_object_get(v, name))) > 0);
	assert_int_equal(BN_bn2binpad(n, out, 32), 32);
	BN_free(n);
}

static void
pae_is(const json_t *v, struct span type, struct span body)
{
	AUTO_DONE(buf_done) struct buf pae = BUF_INIT(BIG);
	const char	*hex = json_string_value(json_object_get(v, "pae_hex"));
	uint8_t		*want = malloc(strlen(hex) / 2);

	assert_non_null(want);
	unhex(hex, want, strlen(hex) / 2);
	dsse_pae_of(type, body, &pae);
	assert_true(span_eq(buf_view(&pae), SPAN(want, strlen(hex) / 2)));
	free(want);
}

static void
official_vector(void **state)
{
	AUTO(json_decref) json_t *doc = vectors_json(VECTORS);
	AUTO_DONE(buf_done) struct buf pae = BUF_INIT(BIG);
	const json_t	*v;
	struct span	 type;
	struct key	 k = { KEY_P256, 65, { 0x04 } };
	uint8_t		 sig[KEY_SIG_BYTES], body[11];

	(void)state;
	if (doc == NULL)
		return;
	v = json_object_get(doc, "official");
	type = span_str(json_string_value(json_object_get(v, "payloadType")));
	vectors_hex(v, "payload_hex", body, sizeof(body));
	pae_is(v, type, SPAN_OF(body));
	decimal(v, "p256_x", k.bytes + 1);
	decimal(v, "p256_y", k.bytes + 33);
	assert_int_equal(b64_parse_fixed(sig, sizeof(sig),
	    span_str(json_string_value(json_object_get(v, "sig_raw_r_s_b64"))),
	    NULL), RC_OK);
	dsse_pae_of(type, SPAN_OF(body), &pae);
	assert_int_equal(key_verify(&k, buf_view(&pae), sig, NULL), RC_OK);
	pae.p[0] ^= 1;
	assert_int_equal(key_verify(&k, buf_view(&pae), sig, NULL), RC_VERIFY);
}

static void
in_toto_vector(void **state)
{
	AUTO(json_decref) json_t *doc = vectors_json(VECTORS);
	AUTO_DONE(dsse_done) struct dsse d = { 0 };
	const json_t	*v;
	struct test_key	 k;
	uint8_t		 seed[32], id[32], mine[KEY_SIG_BYTES];
	char		*text;

	(void)state;
	if (doc == NULL)
		return;
	v = json_object_get(doc, "local_in_toto_v1");
	text = json_dumps(json_object_get(v, "envelope"), 0);
	assert_int_equal(dsse_parse(span_str(text), &d, NULL), RC_OK);
	pae_is(v, SPAN_STR(DSSE_INTOTO), buf_view(&d.payload));
	vectors_hex(v, "ed25519_seed_hex", seed, sizeof(seed));
	test_key_ed25519_seed(&k, seed);
	assert_true(dsse_signed_by(&d, &k.signer.key));
	assert_int_equal(k.signer.sign(&k, buf_view(&d.pae), mine, NULL), RC_OK);
	assert_memory_equal(mine, d.sig[0].sig, sizeof(mine));
	sha256_one(id, buf_view(&d.pae));
	assert_memory_equal(id, d.id, 32);
	dsse_id(buf_view(&d.payload), id);
	assert_memory_equal(id, d.id, 32);
	free(text);
	test_key_done(&k);
}

/* --- envelopes ---------------------------------------------------------------------------- */

static void
sign_and_sign_more(void **state)
{
	AUTO_DONE(buf_done) struct buf a = BUF_INIT(BIG), b = BUF_INIT(BIG);
	AUTO_DONE(dsse_done) struct dsse d = { 0 };
	struct test_key	k[3];

	(void)state;
	test_key_ed25519(&k[0]);
	test_key_p256(&k[1]);
	test_key_ed25519(&k[2]);
	assert_int_equal(dsse_sign(span_str(payload), &k[0].signer, &a, NULL), RC_OK);
	assert_int_equal(dsse_sign_more(buf_view(&a), &k[1].signer, &b, NULL), RC_OK);
	assert_int_equal(dsse_parse(buf_view(&b), &d, NULL), RC_OK);
	assert_int_equal(d.n_sig, 2);
	assert_true(span_eq(buf_view(&d.payload), span_str(payload)));
	assert_true(dsse_signed_by(&d, &k[0].signer.key));
	assert_true(dsse_signed_by(&d, &k[1].signer.key));
	assert_false(dsse_signed_by(&d, &k[2].signer.key));
	/* The hint is a hint: a wrong one hides nothing, a right one proves nothing. */
	memcpy(d.sig[0].keyid, d.sig[1].keyid, sizeof(d.sig[0].keyid));
	assert_true(dsse_signed_by(&d, &k[0].signer.key));
	key_id(&k[2].signer.key, d.sig[1].keyid);
	assert_false(dsse_signed_by(&d, &k[2].signer.key));
	buf_reset(&a);
	assert_int_equal(dsse_sign_more(buf_view(&b), &k[1].signer, &a, NULL),
	    RC_DENIED);
	assert_int_equal(a.n, 0);
	for (size_t i = 0; i < 3; i++)
		test_key_done(&k[i]);
}

static void
room_for_64(void **state)
{
	struct buf	a = BUF_INIT(BIG), b = BUF_INIT(BIG), t;
	struct test_key	k;
	enum rc		rc;

	(void)state;
	for (size_t i = 0; i <= DSSE_SIGS_MAX; i++) {
		buf_reset(&b);
		test_key_ed25519(&k);
		rc = i == 0 ?
		    dsse_sign(span_str(payload), &k.signer, &b, NULL) :
		    dsse_sign_more(buf_view(&a), &k.signer, &b, NULL);
		test_key_done(&k);
		assert_int_equal(rc, i == DSSE_SIGS_MAX ? RC_LIMIT : RC_OK);
		t = a;
		a = b;
		b = t;
	}
	buf_done(&a);
	buf_done(&b);
}

#define SIG64	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
#define TYPE	"\"payloadType\":\"application/vnd.in-toto+json\""

static void
envelopes_refused(void **state)
{
	static const struct {
		const char	*name, *text;
		enum rc		 rc;
	} rows[] = {
		{ "the least that is one", "{\"payload\":\"eA==\"," TYPE
		    ",\"signatures\":[{\"sig\":\"" SIG64 "\"}]}", RC_OK },
		{ "a keyid that is not ours", "{\"payload\":\"eA\"," TYPE
		    ",\"signatures\":[{\"keyid\":\"mine\",\"sig\":\"" SIG64 "\"}]}", RC_OK },
		{ "no payload", "{" TYPE ",\"signatures\":[{\"sig\":\"" SIG64 "\"}]}", RC_FORMAT },
		{ "empty payload", "{\"payload\":\"\"," TYPE
		    ",\"signatures\":[{\"sig\":\"" SIG64 "\"}]}", RC_FORMAT },
		{ "another type", "{\"payload\":\"eA==\",\"payloadType\":\"text/plain\""
		    ",\"signatures\":[{\"sig\":\"" SIG64 "\"}]}", RC_FORMAT },
		{ "no signatures", "{\"payload\":\"eA==\"," TYPE "}", RC_FORMAT },
		{ "an empty list", "{\"payload\":\"eA==\"," TYPE ",\"signatures\":[]}", RC_FORMAT },
		{ "a short signature", "{\"payload\":\"eA==\"," TYPE
		    ",\"signatures\":[{\"sig\":\"eA==\"}]}", RC_FORMAT },
		{ "one member more", "{\"payload\":\"eA==\"," TYPE
		    ",\"signatures\":[{\"sig\":\"" SIG64 "\"}],\"x\":1}", RC_FORMAT },
		{ "one member more below", "{\"payload\":\"eA==\"," TYPE
		    ",\"signatures\":[{\"sig\":\"" SIG64 "\",\"x\":1}]}", RC_FORMAT },
		{ "payload twice", "{\"payload\":\"eA==\",\"payload\":\"eA==\"," TYPE
		    ",\"signatures\":[{\"sig\":\"" SIG64 "\"}]}", RC_FORMAT },
		{ "trailing bits", "{\"payload\":\"eB==\"," TYPE
		    ",\"signatures\":[{\"sig\":\"" SIG64 "\"}]}", RC_FORMAT },
		{ "mixed alphabets", "{\"payload\":\"+-AA\"," TYPE
		    ",\"signatures\":[{\"sig\":\"" SIG64 "\"}]}", RC_FORMAT },
		{ "two values", "{} {}", RC_FORMAT },
		{ "a list", "[]", RC_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO_DONE(dsse_done) struct dsse d = { 0 };
		size_t	 n = strlen(rows[i].text);
		uint8_t	*copy = heap_copy(rows[i].text, n);

		if (dsse_parse(SPAN(copy, n), &d, NULL) != rows[i].rc)
			fail_msg("%s", rows[i].name);
		free(copy);
	}
}

static void
envelope_too_large(void **state)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
	AUTO_DONE(dsse_done) struct dsse d = { 0 };
	struct test_key	 k;
	uint8_t		*p = calloc(1, DSSE_BYTES_MAX);

	(void)state;
	assert_non_null(p);
	test_key_ed25519(&k);
	/* Base64 makes it a third more, so this is over the limit. */
	assert_int_equal(dsse_sign(SPAN(p, 50000), &k.signer, &b, NULL), RC_LIMIT);
	assert_int_equal(b.n, 0);
	buf_add(&b, p, DSSE_BYTES_MAX);
	buf_u8(&b, ' ');
	assert_int_equal(dsse_parse(buf_view(&b), &d, NULL), RC_LIMIT);
	test_key_done(&k);
	free(p);
}

static void
every_truncation_and_allocation(void **state)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
	struct test_key	k;
	unsigned long	n;
	enum rc		rc;

	(void)state;
	test_key_ed25519(&k);
	assert_int_equal(dsse_sign(span_str(payload), &k.signer, &b, NULL), RC_OK);
	for (size_t i = 0; i < b.n; i++) {
		AUTO_DONE(dsse_done) struct dsse d = { 0 };
		uint8_t	*copy = heap_copy(b.p, i);

		assert_int_equal(dsse_parse(SPAN(copy, i), &d, NULL), RC_FORMAT);
		free(copy);
	}
	for (n = 1;; n++) {
		AUTO_DONE(dsse_done) struct dsse d = { 0 };

		fault_at(n);
		rc = dsse_parse(buf_view(&b), &d, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 2);
	for (n = 1;; n++) {
		AUTO_DONE(buf_done) struct buf out = BUF_INIT(BIG);

		fault_at(n);
		rc = dsse_sign(span_str(payload), &k.signer, &out, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
		assert_int_equal(out.n, 0);
	}
	assert_int_equal(rc, RC_OK);
	test_key_done(&k);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(text_both_ways),
		cmocka_unit_test(text_refused),
		cmocka_unit_test(verify_each_bit),
		cmocka_unit_test(official_vector),
		cmocka_unit_test(in_toto_vector),
		cmocka_unit_test(sign_and_sign_more),
		cmocka_unit_test(room_for_64),
		cmocka_unit_test(envelopes_refused),
		cmocka_unit_test(envelope_too_large),
		cmocka_unit_test(every_truncation_and_allocation),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

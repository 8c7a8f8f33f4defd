/* Keys, signatures and openers on SoftHSM2; what the probe says of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hsm/internal.h"
#include "tests/unit/fault.h"
#include "tests/unit/hsm/tokens.h"

DEFINE_AUTO(EVP_PKEY_free, EVP_PKEY);
DEFINE_AUTO(X509_free, X509);
DEFINE_AUTO(BIO_free, BIO);
DEFINE_AUTO(CMS_ContentInfo_free, CMS_ContentInfo);

static struct tokens	 t;
static struct hsm	*soft;

static int
up(void **state)
{
	(void)state;
	tokens_up(&t);
	if (softhsm_token("alpha"))
		soft = softhsm_open(&t, "alpha", HSM_PATH_AUTO);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	hsm_close(soft);
	tokens_down(&t);
	return 0;
}

#define NEED_TOKEN()							\
	do {								\
		(void)state;						\
		if (soft == NULL) {					\
			printf("skipped: no SoftHSM token\n");		\
			return;						\
		}							\
	} while (0)

/* ---- keys ---- */

static void
test_keys(void **state)
{
	static const struct {
		const char	*label;
		enum hsm_kind	 kind, other;
		size_t		 n;
	} cases[] = {
		{ "quorate share 1", HSM_SHARE, HSM_SIGN_ED25519, HSM_POINT_BYTES },
		{ "quorate package", HSM_SIGN_P256, HSM_SIGN_ED25519, HSM_POINT_BYTES },
		{ "quorate sign", HSM_SIGN_ED25519, HSM_SHARE, HSM_ED25519_BYTES },
	};
	struct err	err;

	NEED_TOKEN();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(hsm_key_free) struct hsm_key *made = NULL, *found = NULL, *none = NULL;
		struct hsm_uri	by_id = { .id_n = 0 };

		assert_int_equal(hsm_key_find_label(soft, cases[i].label, cases[i].kind, &none, &err),
		    RC_MISSING);
		must(hsm_key_generate(soft, cases[i].kind, cases[i].label, &made, &err), &err);
		assert_int_equal(hsm_key_public(made).n, cases[i].n);
		must(hsm_key_health(made, &err), &err);
		assert_int_equal(hsm_key_generate(soft, cases[i].kind, cases[i].label, &none, &err),
		    RC_USAGE);
		must(hsm_key_find_label(soft, cases[i].label, cases[i].kind, &found, &err), &err);
		assert_true(span_eq(hsm_key_public(made), hsm_key_public(found)));
		assert_string_equal(found->label, cases[i].label);
		must(hsm_key_health(found, &err), &err);
		memcpy(by_id.id, found->id, found->id_n);
		by_id.id_n = found->id_n;
		hsm_key_free(TAKE(found));
		must(hsm_key_find(soft, &by_id, cases[i].kind, &found, &err), &err);
		assert_true(span_eq(hsm_key_public(made), hsm_key_public(found)));
		assert_int_equal(hsm_key_find_label(soft, cases[i].label, cases[i].other, &none, &err),
		    RC_FORMAT);
		must(hsm_key_destroy(made, &err), &err);
		assert_int_equal(hsm_key_find_label(soft, cases[i].label, cases[i].kind, &none, &err),
		    RC_MISSING);
		assert_null(none);
	}
}

static void
test_names(void **state)
{
	struct hsm_uri	 u = uri_of("alpha", "");
	struct hsm_key	*k = NULL;
	struct err	 err;
	char		 label[HSM_LABEL_MAX + 2] = "";

	NEED_TOKEN();
	assert_string_equal(hsm_share_label(4294967295U, label), "quorate share 4294967295");
	memset(label, 'a', HSM_LABEL_MAX + 1);
	label[HSM_LABEL_MAX + 1] = '\0';
	assert_int_equal(hsm_key_generate(soft, HSM_SHARE, label, &k, &err), RC_USAGE);
	assert_int_equal(hsm_key_find_label(soft, label, HSM_SHARE, &k, &err), RC_USAGE);
	assert_int_equal(hsm_key_generate(soft, HSM_SHARE, "", &k, &err), RC_USAGE);
	/* A URI that names a token only names no key. */
	assert_int_equal(hsm_key_find(soft, &u, HSM_SHARE, &k, &err), RC_USAGE);
	assert_null(k);
}

static void
test_two_of_a_name(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *a = NULL, *b = NULL;
	struct hsm_key	*k = NULL;
	struct err	 err;

	NEED_TOKEN();
	must(hsm_key_make(soft, HSM_SIGN_P256, "twin", false, &a, &err), &err);
	must(hsm_key_make(soft, HSM_SIGN_P256, "twin", false, &b, &err), &err);
	assert_int_equal(hsm_key_find_label(soft, "twin", HSM_SIGN_P256, &k, &err), RC_FORMAT);
	assert_non_null(strstr(err.msg, "more than one"));
	must(hsm_key_destroy(a, &err), &err);
	must(hsm_key_find_label(soft, "twin", HSM_SIGN_P256, &k, &err), &err);
	assert_true(span_eq(hsm_key_public(k), hsm_key_public(b)));
	hsm_key_free(k);
	must(hsm_key_destroy(b, &err), &err);
}

static void
test_kinds(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *share = NULL, *sign = NULL, *ed = NULL;
	struct sealed_context	c = { .custodian = 1, .epoch = 1 };
	struct hsm_opener	*o = NULL;
	EVP_PKEY		*p = NULL;
	uint8_t			 sig[HSM_SIGNATURE_BYTES];
	struct err		 err;

	NEED_TOKEN();
	must(hsm_key_generate(soft, HSM_SHARE, "k1", &share, &err), &err);
	must(hsm_key_generate(soft, HSM_SIGN_P256, "k2", &sign, &err), &err);
	must(hsm_key_generate(soft, HSM_SIGN_ED25519, "k3", &ed, &err), &err);
	assert_int_equal(hsm_sign_p256(share, SPAN_STR("x"), sig, &err), RC_BUG);
	assert_int_equal(hsm_sign_p256(ed, SPAN_STR("x"), sig, &err), RC_BUG);
	assert_int_equal(hsm_sign_ed25519(sign, SPAN_STR("x"), sig, &err), RC_BUG);
	assert_int_equal(hsm_opener_new(sign, &c, share->public, &o, &err), RC_BUG);
	assert_int_equal(hsm_evp_pkey(share, &p, &err), RC_BUG);
	/* And the token itself holds each key to its one purpose. */
	share->kind = HSM_SIGN_P256;
	assert_int_equal(hsm_sign_p256(share, SPAN_STR("x"), sig, &err), RC_FORMAT);
	sign->kind = HSM_SHARE;
	assert_int_not_equal(hsm_opener_new(sign, &c, share->public, &o, &err), RC_OK);
	must(hsm_key_destroy(share, &err), &err);
	must(hsm_key_destroy(sign, &err), &err);
	must(hsm_key_destroy(ed, &err), &err);
}

static void
test_points(void **state)
{
	uint8_t	in[67] = { 0x04, 65, 0x04 }, out[HSM_POINT_BYTES], ed[34] = { 0x04, 32, 0x04 };

	(void)state;
	for (size_t i = 3; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	assert_true(hsm_point_parse(SPAN_OF(in), 65, out));
	assert_memory_equal(out, in + 2, 65);
	assert_true(hsm_point_parse(SPAN(in + 2, 65), 65, out));
	for (size_t n = 0; n < sizeof(in); n++) {
		uint8_t	*p = heap_copy(in, n);

		if (n != 65)
			assert_false(hsm_point_parse(SPAN(p, n), 65, out));
		free(p);
	}
	in[1] = 66;
	assert_false(hsm_point_parse(SPAN_OF(in), 65, out));
	assert_true(hsm_point_parse(SPAN_OF(ed), 32, out));
	assert_memory_equal(out, ed + 2, 32);
}

/* ---- signatures ---- */

static void
test_ed25519(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	uint8_t		sig[HSM_SIGNATURE_BYTES];
	struct span	msg = SPAN_STR("a checkpoint");
	struct err	err;

	NEED_TOKEN();
	must(hsm_key_generate(soft, HSM_SIGN_ED25519, "ed", &k, &err), &err);
	must(hsm_sign_ed25519(k, msg, sig, &err), &err);
	assert_int_equal(crypto_sign_verify_detached(sig, msg.p, msg.n, hsm_key_public(k).p), 0);
	must(hsm_key_destroy(k, &err), &err);
}

static X509 *
self_signed(EVP_PKEY *p)
{
	X509		*x = X509_new();
	X509_NAME	*name = X509_get_subject_name(x);

	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_set_version(x, X509_VERSION_3);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"package", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	assert_int_equal(X509_set_pubkey(x, p), 1);
	assert_true(X509_sign(x, p, EVP_sha256()) > 0);
	return x;
}

static void
test_certificate(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	AUTO(EVP_PKEY_free) EVP_PKEY *p = NULL;
	AUTO(X509_free) X509 *x = NULL;
	AUTO(BIO_free) BIO *in = NULL, *again = NULL;
	AUTO(CMS_ContentInfo_free) CMS_ContentInfo *cms = NULL;
	struct err	err;

	NEED_TOKEN();
	must(hsm_key_generate(soft, HSM_SIGN_P256, "package", &k, &err), &err);
	must(hsm_evp_pkey(k, &p, &err), &err);
	x = self_signed(p);
	assert_int_equal(X509_verify(x, X509_get0_pubkey(x)), 1);
	in = BIO_new_mem_buf("evidence", 8);
	cms = CMS_sign(x, p, NULL, in, CMS_DETACHED | CMS_BINARY | CMS_CADES);
	assert_non_null(cms);
	again = BIO_new_mem_buf("evidence", 8);
	assert_int_equal(CMS_verify(cms, NULL, NULL, again, NULL,
	    CMS_DETACHED | CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY), 1);
	/* Another digest than SHA-256 is not signed. */
	assert_true(X509_sign(x, p, EVP_sha512()) <= 0);
	must(hsm_key_destroy(k, &err), &err);
	/* The key is gone: an error, no signature. */
	assert_true(X509_sign(x, p, EVP_sha256()) <= 0);
}

static void
test_health_notices(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *p256 = NULL, *ed = NULL, *share = NULL;
	struct err	err;

	NEED_TOKEN();
	must(hsm_key_generate(soft, HSM_SIGN_P256, "h1", &p256, &err), &err);
	must(hsm_key_generate(soft, HSM_SIGN_ED25519, "h2", &ed, &err), &err);
	must(hsm_key_generate(soft, HSM_SHARE, "h3", &share, &err), &err);
	/* A token that signs and derives with another key than it says. */
	memcpy(p256->public, share->public, HSM_POINT_BYTES);
	assert_int_equal(hsm_key_health(p256, &err), RC_IO);
	ed->public[7] ^= 1;
	assert_int_equal(hsm_key_health(ed, &err), RC_IO);
	must(hsm_key_health(share, &err), &err);
	EVP_PKEY *other = EVP_EC_gen("P-256");
	size_t n = 0;
	EVP_PKEY_get_octet_string_param(other, "encoded-pub-key", share->public, HSM_POINT_BYTES, &n);
	EVP_PKEY_free(other);
	assert_int_equal(n, HSM_POINT_BYTES);
	assert_int_equal(hsm_key_health(share, &err), RC_IO);
	must(hsm_key_destroy(p256, &err), &err);
	must(hsm_key_destroy(ed, &err), &err);
	must(hsm_key_destroy(share, &err), &err);
}

/* ---- the signer ---- */

static void
test_signer(void **state)
{
	AUTO(hsm_signer_free) struct hsm_signer *made = NULL, *s = NULL;
	AUTO_DONE(buf_done) struct buf sealed = BUF_INIT(1024);
	struct span	msg = SPAN_STR("cosigned");
	uint8_t		sig[HSM_SIGNATURE_BYTES];
	struct err	err;

	NEED_TOKEN();
	must(hsm_signer_create(soft, "quorate cosigner", NULL, &sealed, &made, &err), &err);
	assert_int_equal(sealed.n, 0);
	assert_true(hsm_signer_in_token(made));
	must(hsm_signer_open(soft, "quorate cosigner", NULL, buf_view(&sealed), &s, &err), &err);
	assert_memory_equal(hsm_signer_public(s), hsm_signer_public(made), HSM_ED25519_BYTES);
	must(hsm_signer_sign(s, msg, sig, &err), &err);
	assert_int_equal(crypto_sign_verify_detached(sig, msg.p, msg.n, hsm_signer_public(made)), 0);
	hsm_signer_free(TAKE(s));
	assert_int_equal(hsm_signer_open(soft, "quorate cosigne", NULL, SPAN(NULL, 0), &s, &err),
	    RC_MISSING);
	assert_int_equal(hsm_signer_open(soft, "", NULL, SPAN(NULL, 0), &s, &err), RC_USAGE);
	assert_null(s);
}

/* ---- opening shares ---- */

static struct sealed_context
context(void)
{
	struct sealed_context	c = { .custodian = 3, .epoch = 2 };

	memset(c.genesis, 0x11, sizeof(c.genesis));
	memset(c.batch_root, 0x22, sizeof(c.batch_root));
	return c;
}

static void
test_open(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL, *other = NULL;
	AUTO(sealed_key_free) struct sealed_key *sk = NULL;
	AUTO(hsm_opener_free) struct hsm_opener *o = NULL, *wrong = NULL;
	AUTO(secret_free) struct secret *in = secret_new(32), *out = secret_new(32);
	struct sealed_context	c = context();
	uint8_t			e[SEALED_POINT_BYTES], d[SHA256_BYTES] = { 7 };
	uint8_t			sealed[SEALED_SHARE_BYTES];
	struct err		err;

	NEED_TOKEN();
	must(hsm_key_generate(soft, HSM_SHARE, "quorate share 2", &k, &err), &err);
	must(hsm_key_generate(soft, HSM_SHARE, "quorate share 3", &other, &err), &err);
	must(sealed_key_encapsulate(&c, k->public, e, &sk, &err), &err);
	must(hsm_opener_new(k, &c, e, &o, &err), &err);
	for (uint32_t leaf = 0; leaf < 50; leaf++) {
		randombytes_buf(secret_bytes(in), 32);
		must(sealed_share_seal(sk, leaf, d, secret_view(in), sealed, &err), &err);
		must(hsm_opener_share(o, leaf, d, sealed, secret_bytes(out), &err), &err);
		assert_true(secret_eq(in, out));
	}
	memset(secret_bytes(out), 0x5a, 32);
	memset(secret_bytes(in), 0x5a, 32);
	sealed[3] ^= 1;
	assert_int_equal(hsm_opener_share(o, 49, d, sealed, secret_bytes(out), &err), RC_VERIFY);
	sealed[3] ^= 1;
	assert_int_equal(hsm_opener_share(o, 48, d, sealed, secret_bytes(out), &err), RC_VERIFY);
	d[0] ^= 1;
	assert_int_equal(hsm_opener_share(o, 49, d, sealed, secret_bytes(out), &err), RC_VERIFY);
	d[0] ^= 1;
	must(hsm_opener_new(other, &c, e, &wrong, &err), &err);
	assert_int_equal(hsm_opener_share(wrong, 49, d, sealed, secret_bytes(out), &err), RC_VERIFY);
	hsm_opener_free(TAKE(wrong));
	c.epoch++;
	must(hsm_opener_new(k, &c, e, &wrong, &err), &err);
	assert_int_equal(hsm_opener_share(wrong, 49, d, sealed, secret_bytes(out), &err), RC_VERIFY);
	assert_true(secret_eq(in, out));	/* nothing was written */
	/* SoftHSM has path R only, and that is what was settled on. */
	assert_int_equal(atomic_load(&soft->path), HSM_PATH_READ);
	must(hsm_key_destroy(k, &err), &err);
	must(hsm_key_destroy(other, &err), &err);
}

static void
test_bad_points(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	struct sealed_context	c = context();
	struct hsm_opener	*o = NULL;
	uint8_t			 p[SEALED_POINT_BYTES];
	uint64_t		 before;
	struct err		 err;

	NEED_TOKEN();
	must(hsm_key_generate(soft, HSM_SHARE, "points", &k, &err), &err);
	before = soft->m->generation;
	for (int i = 0; i < 4; i++) {
		memcpy(p, k->public, sizeof(p));
		if (i == 0)
			p[64] ^= 1;			/* off the curve */
		else if (i == 1)
			p[0] = 0x02;			/* compressed, with bytes after */
		else if (i == 2)
			memset(p, 0, sizeof(p));	/* infinity */
		else
			memset(p + 1, 0xff, 64);	/* coordinates above the prime */
		assert_int_equal(hsm_opener_new(k, &c, p, &o, &err), RC_FORMAT);
		assert_null(o);
	}
	/* No foreign bytes make the module start over. */
	assert_int_equal(soft->m->generation, before);
	must(hsm_key_destroy(k, &err), &err);
}

static void
test_no_memory(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	AUTO(sealed_key_free) struct sealed_key *sk = NULL;
	struct sealed_context	c = context();
	struct hsm_opener	*o = NULL;
	uint8_t			 e[SEALED_POINT_BYTES];
	unsigned long		 n;
	struct err		 err;
	enum rc			 rc;

	NEED_TOKEN();
	must(hsm_key_generate(soft, HSM_SHARE, "memory", &k, &err), &err);
	must(sealed_key_encapsulate(&c, k->public, e, &sk, &err), &err);
	for (n = 1;; n++) {
		fault_at(n);
		rc = hsm_opener_new(k, &c, e, &o, &err);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
		assert_null(o);
	}
	must(rc, &err);
	assert_true(n > 1);
	hsm_opener_free(o);
	for (n = 1;; n++) {
		struct hsm_key	*found = NULL;

		fault_at(n);
		rc = hsm_key_find_label(soft, "memory", HSM_SHARE, &found, &err);
		if (!fault_fired()) {
			hsm_key_free(found);
			break;
		}
		assert_int_equal(rc, RC_NOMEM);
		assert_null(found);
	}
	must(rc, &err);
	must(hsm_key_destroy(k, &err), &err);
}

/* ---- the probe ---- */

static void
test_probe(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	AUTO_DONE(buf_done) struct buf report = BUF_INIT(8192);
	struct hsm_key	*left = NULL;
	struct hsm_probe p;
	struct err	err;

	NEED_TOKEN();
	must(hsm_probe(soft, NULL, &p, &report, &err), &err);
	must(hsm_probe_check(&p, &err), &err);
	must(hsm_key_generate(soft, HSM_SHARE, "probed", &k, &err), &err);
	buf_reset(&report);
	must(hsm_probe(soft, k, &p, &report, &err), &err);
	assert_true(p.ecdh && p.path_r && p.ecdsa && p.eddsa);
	assert_false(p.path_t || p.extracted || p.weak_claim);
	must(hsm_probe_check(&p, &err), &err);
	assert_non_null(strstr(buf_text(&report), "lacks: path T"));
	assert_non_null(strstr(buf_text(&report), "\"probed\" could not be read, copied out or wrapped"));
	assert_int_equal(hsm_key_find_label(soft, "quorate probe", HSM_SHARE, &left, &err), RC_MISSING);
	must(hsm_key_destroy(k, &err), &err);
}

/* A P-256 key with other attributes than ours, as another program might leave it. */
static void
raw_key(const char *label, CK_BBOOL sensitive, CK_BBOOL extractable)
{
	CK_FUNCTION_LIST	*f = raw_functions(softhsm_module());
	static unsigned char	 oid[] = HSM_P256_OID;
	CK_BBOOL		 on = CK_TRUE;
	CK_MECHANISM		 m = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_ATTRIBUTE		 pub[] = {
		{ CKA_EC_PARAMS, oid, sizeof(oid) - 1 }, { CKA_TOKEN, &on, 1 },
		{ CKA_LABEL, (void *)(uintptr_t)label, strlen(label) },
	};
	CK_ATTRIBUTE		 priv[] = {
		{ CKA_TOKEN, &on, 1 }, { CKA_PRIVATE, &on, 1 }, { CKA_DERIVE, &on, 1 },
		{ CKA_SENSITIVE, &sensitive, 1 }, { CKA_EXTRACTABLE, &extractable, 1 },
		{ CKA_LABEL, (void *)(uintptr_t)label, strlen(label) },
	};
	CK_SESSION_HANDLE	 s;
	CK_OBJECT_HANDLE	 a, b;

	assert_int_equal(f->C_OpenSession(raw_slot(f, "alpha"), CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
	    NULL, &s), CKR_OK);
	assert_int_equal(f->C_GenerateKeyPair(s, &m, pub, 3, priv, 6, &a, &b), CKR_OK);
	f->C_CloseSession(s);
}

static void
test_extractable(void **state)
{
	static const struct {
		const char	*label, *how;
		CK_BBOOL	 sensitive, extractable;
	} cases[] = {
		{ "in the open", "read", CK_FALSE, CK_TRUE },
		{ "wrappable", "wrapped out", CK_TRUE, CK_TRUE },
	};
	struct err	err;

	NEED_TOKEN();
	for (size_t i = 0; i < 2; i++) {
		AUTO(hsm_key_free) struct hsm_key *k = NULL;
		AUTO_DONE(buf_done) struct buf report = BUF_INIT(8192);
		struct hsm_probe p;

		raw_key(cases[i].label, cases[i].sensitive, cases[i].extractable);
		must(hsm_key_find_label(soft, cases[i].label, HSM_SHARE, &k, &err), &err);
		must(hsm_probe(soft, k, &p, &report, &err), &err);
		assert_true(p.extracted);
		assert_true(p.weak_claim);
		assert_int_equal(hsm_probe_check(&p, &err), RC_DENIED);
		if (strstr(buf_text(&report), cases[i].how) == NULL)
			fail_msg("%s", buf_text(&report));
	}
}

static void
test_verdicts(void **state)
{
	static const struct {
		struct hsm_probe	p;
		enum rc			want;
	} cases[] = {
		{ { true, true, false, true, true, true, false, false }, RC_OK },
		{ { true, false, true, true, false, true, false, false }, RC_OK },
		{ { true, true, true, true, false, true, false, false }, RC_OK },
		{ { true, false, false, true, true, true, false, false }, RC_DENIED },
		{ { true, true, true, false, true, true, false, false }, RC_DENIED },
		{ { true, true, true, true, true, false, false, false }, RC_DENIED },
		{ { true, true, true, true, true, true, true, false }, RC_DENIED },
		{ { true, true, true, true, true, true, false, true }, RC_DENIED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(hsm_probe_check(&cases[i].p, NULL), cases[i].want);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_two_of_a_name),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_ed25519),
		cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_health_notices),
		cmocka_unit_test(test_signer),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_bad_points),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_extractable),
		cmocka_unit_test(test_verdicts),
	};

	return cmocka_run_group_tests(tests, up, down);
}

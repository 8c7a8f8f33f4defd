/* Recipients' keys in a token: messages open with them as with a file, and what fails is told apart. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/libcrypto.h"
#include "evidence/cms.h"
#include "evidence/opening.h"
#include "hsm/internal.h"
#include "tests/fixture/keys.h"
#include "tests/unit/fault.h"
#include "tests/unit/hsm/import.h"
#include "tests/unit/hsm/tokens.h"

static struct tokens		 t;
static struct hsm		*soft;
static CK_FUNCTION_LIST		*real, stand_in;

static const struct { const char *kind, *label; } kinds[] = {
	{ "P-256", "the first" }, { "P-384", "the second" }, { "RSA-2048", "the third" },
};
#define KINDS	3
#define RSA_AT	2

static struct { EVP_PKEY *key; struct buf cert; } person[KINDS], other[KINDS];

#define NEED_TOKEN()							\
	do {								\
		(void)state;						\
		if (soft == NULL) {					\
			printf("skipped: no SoftHSM token\n");		\
			return;						\
		}							\
	} while (0)

static size_t
modulus(EVP_PKEY *key, uint8_t out[512])
{
	BIGNUM	*v = NULL;
	int	 n;

	assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &v), 1);
	n = BN_bn2bin(v, out);
	BN_free(v);
	return (size_t)n;
}

static int
up(void **state)
{
	struct err	err;

	(void)state;
	tokens_up(&t);
	if (!softhsm_token("alpha"))
		return 0;
	soft = softhsm_open(&t, "alpha", HSM_PATH_AUTO);
	for (size_t i = 0; i < KINDS; i++) {
		person[i].key = test_pkey(kinds[i].kind);
		person[i].cert = other[i].cert = BUF_INIT(CMS_CERT_MAX);
		test_cert(person[i].key, "recipient", &person[i].cert);
		other[i].key = test_pkey(kinds[i].kind);
		test_cert(other[i].key, "recipient", &other[i].cert);
		must(import_key(soft, person[i].key, kinds[i].label, (uint8_t)(i + 1), true, &err), &err);
	}
	return 0;
}

static int
down(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		EVP_PKEY_free(person[i].key);
		EVP_PKEY_free(other[i].key);
		buf_done(&person[i].cert);
		buf_done(&other[i].cert);
	}
	hsm_close(soft);
	tokens_down(&t);
	return 0;
}

static struct hsm_recipient *
recipient(size_t kind)
{
	struct hsm_uri		 u = uri_of("alpha", kinds[kind].label);
	struct hsm_recipient	*r = NULL;
	struct err		 err;

	must(hsm_recipient_open(soft, &u, buf_view(&person[kind].cert), &r, &err), &err);
	return r;
}

/* ---- what it is for ---- */

static void
test_opens(void **state)
{
	static const char	text[] = "forty segment keys, say";
	struct err		err;

	NEED_TOKEN();
	for (size_t i = 0; i < KINDS; i++) {
		AUTO(hsm_recipient_free) struct hsm_recipient *r = recipient(i);
		EVP_PKEY	*key = hsm_recipient_pkey(r);

		for (unsigned round = 0; round < 20; round++) {
			AUTO_DONE(buf_done) struct buf der = BUF_INIT(CMS_BYTES_MAX);
			AUTO(secret_free) struct secret *plain = NULL;

			must(cms_seal(buf_view(&person[i].cert), SPAN(text, sizeof(text)), &der, &err), &err);
			must(cms_open(key, buf_view(&person[i].cert), buf_view(&der), &plain, &err), &err);
			assert_int_equal(secret_len(plain), sizeof(text));
			assert_memory_equal(secret_view(plain), text, sizeof(text));
		}
		assert_int_equal(libcrypto_key_fault(key)->rc, RC_OK);
	}
	assert_null(libcrypto_key_fault(person[0].key));
}

static void
test_signs(void **state)
{
	struct opened_part	part = { .name = "image", .last = 3, .bytes = 5 };
	struct opening		o = { .opened = 1795341600, .n_parts = 1, .part = &part, .bad = 5 };
	struct err		err;

	NEED_TOKEN();
	for (size_t i = 0; i < KINDS; i++) {
		AUTO(hsm_recipient_free) struct hsm_recipient *r = recipient(i);
		AUTO_DONE(buf_done) struct buf der = BUF_INIT(OPENING_BYTES_MAX);
		AUTO_DONE(opening_done) struct opening again = { .part = NULL };

		must(opening_sign(&o, hsm_recipient_pkey(r), buf_view(&person[i].cert), &der, &err), &err);
		must(opening_verify(buf_view(&der), buf_view(&person[i].cert), &again, &err), &err);
		assert_int_equal(again.bad, 5);
		buf_reset(&der);
		assert_int_equal(opening_sign(&o, hsm_recipient_pkey(r), buf_view(&other[i].cert), &der, &err), RC_USAGE);
	}
}

/* ---- which key it is ---- */

static void
test_names(void **state)
{
	struct hsm_uri	by_id = uri_of("alpha", ""), by_none = uri_of("alpha", ""), nobody = uri_of("alpha", "nobody");
	struct err	err;

	NEED_TOKEN();
	for (size_t i = 0; i < KINDS; i++) {
		AUTO(hsm_recipient_free) struct hsm_recipient *r = NULL;

		by_id.id[0] = (uint8_t)(i + 1);
		by_id.id_n = 1;
		must(hsm_recipient_open(soft, &by_id, buf_view(&person[i].cert), &r, &err), &err);
		hsm_recipient_free(TAKE(r));
		assert_int_equal(hsm_recipient_open(soft, &nobody, buf_view(&person[i].cert), &r, &err), RC_MISSING);
		assert_int_equal(hsm_recipient_open(soft, &by_none, buf_view(&person[i].cert), &r, &err), RC_MISSING);
		assert_non_null(strstr(err.msg, "object= or id="));
		must(import_certificate(soft, buf_view(&person[i].cert), (uint8_t)(i + 1), &err), &err);
		must(hsm_recipient_open(soft, &by_none, buf_view(&person[i].cert), &r, &err), &err);
	}
}

/* Found as a key that signs (test_names() put its certificate there), it derives nothing, though the token would. */
static void
test_one_purpose(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	AUTO_DONE(buf_done) struct buf der = BUF_INIT(CMS_BYTES_MAX);
	struct hsm_uri	 u = uri_of("alpha", kinds[0].label);
	struct secret	*plain = NULL;
	EVP_PKEY	*key = NULL;
	struct err	 err;

	NEED_TOKEN();
	must(hsm_key_find(soft, &u, HSM_SIGN_P256, &k, &err), &err);
	must(hsm_evp_pkey(k, &key, &err), &err);
	must(cms_seal(buf_view(&person[0].cert), SPAN_STR("sealed"), &der, &err), &err);
	assert_int_equal(cms_open(key, buf_view(&person[0].cert), buf_view(&der), &plain, &err), RC_VERIFY);
	EVP_PKEY_free(key);
}

/* The wrong one is found out before it opens anything: later, others would be blamed. */
static void
test_is_the_certificates(void **state)
{
	AUTO_DONE(buf_done) struct buf ed = BUF_INIT(CMS_CERT_MAX);
	struct hsm_recipient	*r = NULL;
	struct err		 err;

	NEED_TOKEN();
	for (size_t i = 0; i < KINDS; i++)
		for (size_t j = 0; j < KINDS; j++) {
			struct hsm_uri	u = uri_of("alpha", kinds[i].label);
			enum rc		rc = hsm_recipient_open(soft, &u, buf_view(&other[j].cert), &r, &err);

			/* On another curve the token itself may refuse the point. */
			assert_int_not_equal(rc, RC_OK);
			if (i == j || i == RSA_AT || j == RSA_AT)
				assert_int_equal(rc, RC_DENIED);
			assert_null(r);
		}
	test_cert_of("ED25519", "recipient", &ed);
	assert_int_equal(hsm_recipient_open(soft, &(struct hsm_uri){ .object = "the first" }, buf_view(&ed), &r, &err),
	    RC_FORMAT);
	assert_int_equal(hsm_recipient_open(soft, &(struct hsm_uri){ .object = "the first" }, SPAN_STR("0"), &r, &err),
	    RC_FORMAT);
}

static int
leading(EVP_PKEY *key)
{
	uint8_t	n[512];

	assert_int_equal(modulus(key, n), 256);
	return n[0];
}

/* What is sealed to a certificate may be a number that is too large for another key: no fault of the token. */
static void
test_smaller_modulus(void **state)
{
	AUTO_DONE(buf_done) struct buf cert = BUF_INIT(CMS_CERT_MAX);
	struct hsm_recipient	*r = NULL;
	struct hsm_uri		 u = uri_of("alpha", "smaller");
	EVP_PKEY		*small = NULL, *large = NULL;
	struct err		 err;

	NEED_TOKEN();
	do {
		EVP_PKEY_free(small);
		EVP_PKEY_free(large);
		small = test_pkey("RSA-2048");
		large = test_pkey("RSA-2048");
	} while (leading(large) - leading(small) < 24);
	test_cert(large, "recipient", &cert);
	u.id[0] = 0x50;
	u.id_n = 1;
	must(import_key(soft, small, "smaller", u.id[0], true, &err), &err);
	for (unsigned i = 0; i < 100; i++)	/* one in ten is too large, at least */
		assert_int_equal(hsm_recipient_open(soft, &u, buf_view(&cert), &r, &err), RC_DENIED);
	assert_null(r);
	EVP_PKEY_free(small);
	EVP_PKEY_free(large);
}

static void
test_may_not(void **state)
{
	NEED_TOKEN();
	for (size_t i = 0; i < KINDS; i++) {
		struct hsm_uri		 u = uri_of("alpha", "signs only");
		struct hsm_recipient	*r = NULL;
		struct err		 err;

		u.id[0] = (uint8_t)(0x40 + i);
		u.id_n = 1;
		must(import_key(soft, person[i].key, "signs only", u.id[0], false, &err), &err);
		assert_int_not_equal(hsm_recipient_open(soft, &u, buf_view(&person[i].cert), &r, &err), RC_OK);
		assert_non_null(strstr(err.msg, "does not decrypt"));
		assert_non_null(strstr(err.msg, "must be allowed to (CKA_"));
	}
}

/* ---- what fails ---- */

static enum rc
open_changed(struct hsm_recipient *r, size_t kind, const struct buf *der, size_t at, struct err *err)
{
	struct secret	*plain = NULL;
	enum rc		 rc;

	der->p[at] ^= 1;
	rc = cms_open(hsm_recipient_pkey(r), buf_view(&person[kind].cert), buf_view(der), &plain, err);
	der->p[at] ^= 1;
	assert_null(plain);
	return rc;
}

/* Each byte of a message: one error for all that the key has to do with, and none of them the token's. */
static void
test_bad_messages(void **state)
{
	struct err	err;

	NEED_TOKEN();
	for (size_t i = 0; i < KINDS; i++) {
		AUTO(hsm_recipient_free) struct hsm_recipient *r = recipient(i);
		AUTO_DONE(buf_done) struct buf der = BUF_INIT(CMS_BYTES_MAX);
		unsigned	failed = 0;

		must(cms_seal(buf_view(&person[i].cert), SPAN_STR("sealed"), &der, &err), &err);
		for (size_t at = 0; at < der.n; at++) {
			enum rc	rc = open_changed(r, i, &der, at, &err);

			assert_true(rc == RC_FORMAT || rc == RC_DENIED || rc == RC_VERIFY);
			if (rc != RC_VERIFY)
				continue;
			failed++;
			assert_string_equal(err.msg, "cms: does not open with this key");
		}
		/* The wrapped or encrypted key, the ciphertext and the tag at least. */
		assert_true(failed >= 40);
	}
}

/* Numbers that a token may refuse are no ciphertexts, and the token is not asked. */
static unsigned	asked;

static CK_RV
count_decrypt(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	asked++;
	return real->C_DecryptInit(s, m, key);
}

static void
stand_before(void)
{
	real = soft->m->f;
	stand_in = *real;
	soft->m->f = &stand_in;
}

static void
stand_aside(void)
{
	soft->m->f = real;
}

/* Where the encrypted key stands in a message to an RSA key: an OCTET STRING of 256 bytes. */
static uint8_t *
encrypted_key(const struct buf *der)
{
	for (size_t i = 0; i + 260 < der->n; i++)
		if (memcmp(der->p + i, "\x04\x82\x01\x00", 4) == 0)
			return der->p + i + 4;
	fail_msg("no encrypted key");
	return NULL;
}

static void
test_rsa_edges(void **state)
{
	AUTO_DONE(buf_done) struct buf der = BUF_INIT(CMS_BYTES_MAX);
	AUTO(hsm_recipient_free) struct hsm_recipient *r = NULL;
	struct secret	*plain = NULL;
	uint8_t		 n[512], *ek;
	struct err	 err;

	NEED_TOKEN();
	r = recipient(RSA_AT);
	must(cms_seal(buf_view(&person[RSA_AT].cert), SPAN_STR("sealed"), &der, &err), &err);
	ek = encrypted_key(&der);
	assert_int_equal(modulus(person[RSA_AT].key, n), 256);
	stand_before();
	stand_in.C_DecryptInit = count_decrypt;
	for (unsigned i = 0; i < 5; i++) {
		memset(ek, 0, 256);
		ek[255] = i == 1;
		if (i > 1)
			memcpy(ek, n, 256);
		ek[255] = (uint8_t)(ek[255] - (i == 2));	/* n is odd */
		ek[0] = i == 4 ? 0xff : ek[0];
		assert_int_equal(cms_open(hsm_recipient_pkey(r), buf_view(&person[RSA_AT].cert), buf_view(&der), &plain,
		    &err), RC_VERIFY);
		assert_int_equal(asked, 0);
	}
	stand_aside();
}

static CK_RV
no_derive(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key, CK_ATTRIBUTE *a, CK_ULONG n,
    CK_OBJECT_HANDLE *ret)
{
	(void)s; (void)m; (void)key; (void)a; (void)n; (void)ret;
	return CKR_DATA_INVALID;
}

static CK_RV
no_decrypt(CK_SESSION_HANDLE s, unsigned char *in, CK_ULONG n, unsigned char *out, CK_ULONG *ret_n)
{
	(void)s; (void)in; (void)n; (void)out; (void)ret_n;
	return CKR_DATA_INVALID;
}

static CK_RV
no_sign(CK_SESSION_HANDLE s, unsigned char *in, CK_ULONG n, unsigned char *out, CK_ULONG *ret_n)
{
	(void)s; (void)in; (void)n; (void)out; (void)ret_n;
	return CKR_KEY_FUNCTION_NOT_PERMITTED;
}

/* A card that fails is not a sender that lied. */
static void
test_token_fails(void **state)
{
	struct opened_part	part = { .name = "image", .last = 3, .bytes = 5 };
	struct opening		o = { .n_parts = 1, .part = &part };
	struct err		err;

	NEED_TOKEN();
	for (size_t i = 0; i < KINDS; i++) {
		AUTO(hsm_recipient_free) struct hsm_recipient *r = recipient(i);
		AUTO_DONE(buf_done) struct buf der = BUF_INIT(CMS_BYTES_MAX), note = BUF_INIT(OPENING_BYTES_MAX);
		AUTO(secret_free) struct secret *plain = NULL;
		EVP_PKEY	*key = hsm_recipient_pkey(r);
		struct span	 cert = buf_view(&person[i].cert);

		must(cms_seal(cert, SPAN_STR("sealed"), &der, &err), &err);
		stand_before();
		stand_in.C_DeriveKey = no_derive;
		stand_in.C_Decrypt = no_decrypt;
		stand_in.C_Sign = no_sign;
		assert_int_equal(cms_open(key, cert, buf_view(&der), &plain, &err), RC_IO);
		assert_int_equal(opening_sign(&o, key, cert, &note, &err), RC_IO);
		assert_non_null(strstr(err.msg, "NOT_PERMITTED"));
		stand_aside();
		/* What was, is forgotten. */
		must(cms_open(key, cert, buf_view(&der), &plain, &err), &err);
		der.p[der.n - 1] ^= 1;
		secret_free(TAKE(plain));
		assert_int_equal(cms_open(key, cert, buf_view(&der), &plain, &err), RC_VERIFY);
	}
}

/* A token that starts anew may be another one of the same name. */
static void
test_not_found_again(void **state)
{
	AUTO_DONE(buf_done) struct buf der = BUF_INIT(CMS_BYTES_MAX);
	AUTO(hsm_recipient_free) struct hsm_recipient *r = NULL;
	struct secret	*plain = NULL;
	struct err	 err;

	NEED_TOKEN();
	r = recipient(0);
	must(cms_seal(buf_view(&person[0].cert), SPAN_STR("sealed"), &der, &err), &err);
	assert_int_equal(hsm_module_recover(soft->m, soft->m->generation, true), RC_OK);
	assert_int_equal(cms_open(hsm_recipient_pkey(r), buf_view(&person[0].cert), buf_view(&der), &plain, &err), RC_IO);
	assert_non_null(strstr(err.msg, "before a recovery"));
}

/* ---- other tokens ---- */

static CK_MECHANISM_TYPE	chosen;

static CK_RV
no_raw(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	(void)s; (void)key;
	chosen = m->mechanism;
	return chosen == CKM_RSA_PKCS_OAEP ? CKR_OK : CKR_MECHANISM_INVALID;
}

/* What a token with OAEP by SHA-256 does, which SoftHSM is not. */
static CK_RV
oaep(CK_SESSION_HANDLE s, unsigned char *in, CK_ULONG n, unsigned char *out, CK_ULONG *ret_n)
{
	EVP_PKEY_CTX	*c = EVP_PKEY_CTX_new(person[RSA_AT].key, NULL);
	size_t		 got = *ret_n;
	bool		 ok;

	(void)s;
	assert_int_equal(chosen, CKM_RSA_PKCS_OAEP);
	ok = EVP_PKEY_decrypt_init(c) == 1 && EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) > 0 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) > 0 &&
	    EVP_PKEY_decrypt(c, out, &got, in, n) == 1;
	EVP_PKEY_CTX_free(c);
	*ret_n = got;
	return ok ? CKR_OK : CKR_ENCRYPTED_DATA_INVALID;
}

static void
test_padding_in_token(void **state)
{
	AUTO_DONE(buf_done) struct buf der = BUF_INIT(CMS_BYTES_MAX);
	AUTO(hsm_recipient_free) struct hsm_recipient *r = NULL;
	AUTO(secret_free) struct secret *plain = NULL;
	struct err	 err;

	NEED_TOKEN();
	must(cms_seal(buf_view(&person[RSA_AT].cert), SPAN_STR("sealed"), &der, &err), &err);
	stand_before();
	stand_in.C_DecryptInit = no_raw;
	stand_in.C_Decrypt = oaep;
	r = recipient(RSA_AT);
	must(cms_open(hsm_recipient_pkey(r), buf_view(&person[RSA_AT].cert), buf_view(&der), &plain, &err), &err);
	secret_free(TAKE(plain));
	encrypted_key(&der)[200] ^= 1;
	assert_int_equal(cms_open(hsm_recipient_pkey(r), buf_view(&person[RSA_AT].cert), buf_view(&der), &plain, &err),
	    RC_VERIFY);
	stand_aside();
}

static CK_RV
without_zeros(CK_SESSION_HANDLE s, unsigned char *in, CK_ULONG n, unsigned char *out, CK_ULONG *ret_n)
{
	CK_RV		rv = real->C_Decrypt(s, in, n, out, ret_n);
	CK_ULONG	zeros = 0;

	while (rv == CKR_OK && zeros < *ret_n && out[zeros] == 0)
		zeros++;
	memmove(out, out + zeros, *ret_n - zeros);
	*ret_n -= zeros;
	return rv;
}

static void
test_leading_zeros(void **state)
{
	AUTO(hsm_recipient_free) struct hsm_recipient *r = NULL;

	NEED_TOKEN();
	stand_before();
	stand_in.C_Decrypt = without_zeros;
	r = recipient(RSA_AT);		/* it proves to be the certificate's */
	stand_aside();
}

static void
test_no_memory(void **state)
{
	NEED_TOKEN();
	for (size_t i = 0; i < KINDS; i++) {
		AUTO_DONE(buf_done) struct buf der = BUF_INIT(CMS_BYTES_MAX);
		struct hsm_uri	 u = uri_of("alpha", kinds[i].label);
		struct secret	*plain = NULL;
		struct hsm_recipient *r = NULL;
		struct err	 err;
		unsigned long	 n;
		enum rc		 rc;

		for (n = 1;; n++) {
			fault_at(n);
			rc = hsm_recipient_open(soft, &u, buf_view(&person[i].cert), &r, &err);
			if (!fault_fired())
				break;
			assert_int_equal(rc, RC_NOMEM);
			assert_null(r);
		}
		must(rc, &err);
		must(cms_seal(buf_view(&person[i].cert), SPAN_STR("sealed"), &der, &err), &err);
		for (n = 1;; n++) {
			fault_at(n);
			rc = cms_open(hsm_recipient_pkey(r), buf_view(&person[i].cert), buf_view(&der), &plain, &err);
			if (!fault_fired())
				break;
			assert_int_equal(rc, RC_NOMEM);
			assert_null(plain);
		}
		must(rc, &err);
		assert_true(n > 2);
		secret_free(plain);
		hsm_recipient_free(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens),
		cmocka_unit_test(test_signs),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_one_purpose),	/* after it */
		cmocka_unit_test(test_is_the_certificates),
		cmocka_unit_test(test_smaller_modulus),
		cmocka_unit_test(test_may_not),
		cmocka_unit_test(test_bad_messages),
		cmocka_unit_test(test_rsa_edges),
		cmocka_unit_test(test_token_fails),
		cmocka_unit_test(test_padding_in_token),
		cmocka_unit_test(test_leading_zeros),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_not_found_again),	/* last: it starts the module anew */
	};

	return cmocka_run_group_tests(tests, up, down);
}

/* cms-profile-v1: ours opens, with openssl too; everything else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "evidence/cms.h"
#include "tests/unit/evidence/memfile.h"
#include "tests/unit/fault.h"
#include "tests/unit/vectors.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define NOW		UINT64_C(1795341600)

struct recipient {
	EVP_PKEY	*key;
	struct buf	 cert;		/* DER */
};

enum kind { P256, P384, RSA2048, P521, RSA1024, ED25519, RSA_PSS };

static EVP_PKEY *
make_key(enum kind kind)
{
	EVP_PKEY_CTX	*ctx;
	EVP_PKEY	*key = NULL;

	switch (kind) {
	case P256:
		return EVP_EC_gen("P-256");
	case P384:
		return EVP_EC_gen("P-384");
	case P521:
		return EVP_EC_gen("P-521");
	case RSA2048:
		return EVP_RSA_gen(2048);
	case RSA1024:
		return EVP_RSA_gen(1024);
	case ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case RSA_PSS:
		ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA_PSS, NULL);
		assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
		assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);
		EVP_PKEY_CTX_free(ctx);
		return key;
	}
	return NULL;
}

static void
recipient_up(struct recipient *r, enum kind kind)
{
	X509		*x = X509_new();
	uint8_t		*der = NULL;
	int		 n;

	r->key = make_key(kind);
	assert_non_null(r->key);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1 + (long)kind);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
	    (const unsigned char *)"recipient", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	assert_int_equal(X509_set_pubkey(x, r->key), 1);
	assert_true(X509_sign(x, r->key, kind == ED25519 ? NULL : EVP_sha256()) > 0);
	n = i2d_X509(x, &der);
	assert_true(n > 0);
	r->cert = BUF_INIT(CMS_CERT_MAX);
	buf_add(&r->cert, der, (size_t)n);
	OPENSSL_free(der);
	X509_free(x);
}

static void
recipient_down(struct recipient *r)
{
	EVP_PKEY_free(r->key);
	buf_done(&r->cert);
}

static struct buf
sealed_to(const struct recipient *r, const char *plain)
{
	struct buf der = BUF_INIT(CMS_BYTES_MAX);

	assert_int_equal(cms_seal(buf_view(&r->cert), span_str(plain), &der, NULL), RC_OK);
	return der;
}

static enum rc
open_with(const struct recipient *r, struct span der, struct secret **ret)
{
	enum rc rc = cms_open(r->key, buf_view(&r->cert), der, ret, NULL);

	if (rc != RC_OK)
		assert_null(*ret);
	return rc;
}

/* --- our own ------------------------------------------------------------ */

static void
round_trip(enum kind kind, size_t n)
{
	struct recipient	r;
	AUTO_DONE(buf_done) struct buf der = BUF_INIT(CMS_BYTES_MAX);
	AUTO(secret_free) struct secret *out = NULL;
	uint8_t			*plain = malloc(n);

	for (size_t i = 0; i < n; i++)
		plain[i] = (uint8_t)(i * 7 >> 2);
	recipient_up(&r, kind);
	assert_int_equal(cms_seal(buf_view(&r.cert), SPAN(plain, n), &der, NULL), RC_OK);
	assert_int_equal(cms_addressed_to(buf_view(&r.cert), buf_view(&der), NULL), RC_OK);
	assert_int_equal(open_with(&r, buf_view(&der), &out), RC_OK);
	assert_int_equal(secret_len(out), n);
	assert_memory_equal(secret_view(out), plain, n);
	free(plain);
	recipient_down(&r);
}

static void
test_round_trips(void **state)
{
	static const size_t n[] = { 1, 69, 1023, 1024, 4096, 100000, CMS_PLAIN_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(n); i++)
		round_trip(P256, n[i]);
	round_trip(P384, 69);
	round_trip(RSA2048, 69);
	round_trip(RSA2048, 5000);
}

static void
test_seal_refusals(void **state)
{
	static const enum kind	unfit[] = { P521, RSA1024, ED25519, RSA_PSS };
	AUTO_DONE(buf_done) struct buf der = BUF_INIT(CMS_BYTES_MAX);
	uint8_t			*big = calloc(1, CMS_PLAIN_MAX + 1);
	struct recipient	 r;

	(void)state;
	for (size_t i = 0; i < COUNT(unfit); i++) {
		recipient_up(&r, unfit[i]);
		assert_int_equal(cms_recipient_check(buf_view(&r.cert), NULL), RC_FORMAT);
		assert_int_equal(cms_seal(buf_view(&r.cert), SPAN_STR("x"), &der, NULL), RC_FORMAT);
		recipient_down(&r);
	}
	recipient_up(&r, P256);
	assert_int_equal(cms_recipient_check(buf_view(&r.cert), NULL), RC_OK);
	assert_int_equal(cms_recipient_check(SPAN(r.cert.p, r.cert.n - 1), NULL), RC_FORMAT);
	assert_int_equal(cms_recipient_check(SPAN(big, CMS_CERT_MAX + 1), NULL), RC_FORMAT);
	assert_int_equal(cms_seal(buf_view(&r.cert), SPAN(big, 0), &der, NULL), RC_LIMIT);
	assert_int_equal(cms_seal(buf_view(&r.cert), SPAN(big, CMS_PLAIN_MAX + 1), &der, NULL), RC_LIMIT);
	assert_int_equal(der.n, 0);
	free(big);
	recipient_down(&r);
}

/* Every bit counts: no second message opens to the same. */
static void
test_flips(enum kind kind)
{
	struct recipient	r;
	struct buf		der;

	recipient_up(&r, kind);
	der = sealed_to(&r, "the keys");
	for (size_t i = 0; i < der.n; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			struct secret *out = NULL;

			der.p[i] ^= (uint8_t)(1u << bit);
			assert_int_not_equal(open_with(&r, buf_view(&der), &out), RC_OK);
			der.p[i] ^= (uint8_t)(1u << bit);
		}
	buf_done(&der);
	recipient_down(&r);
}

static void
test_flips_ec(void **state)
{
	(void)state;
	test_flips(P256);
}

static void
test_flips_rsa(void **state)
{
	(void)state;
	test_flips(RSA2048);
}

static void
test_truncated_and_extended(void **state)
{
	struct recipient	r;
	struct buf		der;
	struct secret		*out = NULL;
	uint8_t			*p;

	(void)state;
	recipient_up(&r, P256);
	der = sealed_to(&r, "the keys");
	for (size_t n = 0; n < der.n; n++) {
		p = heap_copy(der.p, n);
		assert_int_equal(open_with(&r, SPAN(p, n), &out), RC_FORMAT);
		assert_int_equal(cms_addressed_to(buf_view(&r.cert), SPAN(p, n), NULL), RC_FORMAT);
		free(p);
	}
	buf_u8(&der, 0);
	assert_int_equal(open_with(&r, buf_view(&der), &out), RC_FORMAT);
	p = calloc(1, CMS_BYTES_MAX + 1);
	assert_int_equal(open_with(&r, SPAN(p, CMS_BYTES_MAX + 1), &out), RC_FORMAT);
	free(p);
	buf_done(&der);
	recipient_down(&r);
}

static void
test_wrong_recipient(void **state)
{
	static const enum kind	kind[] = { P256, RSA2048 };

	(void)state;
	for (size_t i = 0; i < COUNT(kind); i++) {
		struct recipient	a, b, mixed;
		struct buf		der;
		struct secret		*out = NULL;

		recipient_up(&a, kind[i]);
		recipient_up(&b, kind[1 - i]);
		der = sealed_to(&a, "the keys");
		assert_int_equal(open_with(&b, buf_view(&der), &out), RC_DENIED);
		assert_int_equal(cms_addressed_to(buf_view(&b.cert), buf_view(&der), NULL), RC_DENIED);
		/* Its name, but not its key. */
		mixed.cert = a.cert;
		mixed.key = make_key(kind[i]);
		assert_int_equal(open_with(&mixed, buf_view(&der), &out), RC_VERIFY);
		EVP_PKEY_free(mixed.key);
		mixed.key = b.key;
		assert_int_equal(open_with(&mixed, buf_view(&der), &out), RC_VERIFY);
		buf_done(&der);
		recipient_down(&a);
		recipient_down(&b);
	}
}

/* --- messages of others ------------------------------------------------- */

/* What libcrypto would write when asked for something else. */
struct variant {
	const char	*name;
	const EVP_CIPHER *(*cipher)(void);
	enum kind	 kind;
	const char	*kdf;		/* NULL: the default, SHA-1 */
	const EVP_CIPHER *(*wrap)(void);
	bool		 oaep;
	const EVP_MD	*(*md)(void), *(*mgf)(void);
	bool		 twice, label;
	enum rc		 rc;
};

static const struct variant variants[] = {
	{ "as ours", EVP_aes_256_gcm, P256, "sha256", EVP_aes_256_wrap, .rc = RC_OK },
	{ "sha384", EVP_aes_256_gcm, P256, "sha384", EVP_aes_256_wrap, .rc = RC_OK },
	{ "sha1", EVP_aes_256_gcm, P256, NULL, EVP_aes_256_wrap, .rc = RC_FORMAT },
	{ "128 wrap", EVP_aes_256_gcm, P256, "sha256", EVP_aes_128_wrap, .rc = RC_FORMAT },
	{ "128 gcm", EVP_aes_128_gcm, P256, "sha256", EVP_aes_256_wrap, .rc = RC_FORMAT },
	{ "cbc", EVP_aes_256_cbc, P256, "sha256", EVP_aes_256_wrap, .rc = RC_FORMAT },
	{ "two", EVP_aes_256_gcm, P256, "sha256", EVP_aes_256_wrap, .twice = true, .rc = RC_FORMAT },
	{ "oaep", EVP_aes_256_gcm, RSA2048, .oaep = true, .md = EVP_sha256, .mgf = EVP_sha256, .rc = RC_OK },
	{ "pkcs1", EVP_aes_256_gcm, RSA2048, .rc = RC_FORMAT },
	{ "oaep sha1", EVP_aes_256_gcm, RSA2048, .oaep = true, .md = EVP_sha1, .mgf = EVP_sha256, .rc = RC_FORMAT },
	{ "oaep sha384", EVP_aes_256_gcm, RSA2048, .oaep = true, .md = EVP_sha384, .mgf = EVP_sha256, .rc = RC_FORMAT },
	{ "mgf sha1", EVP_aes_256_gcm, RSA2048, .oaep = true, .md = EVP_sha256, .mgf = EVP_sha1, .rc = RC_FORMAT },
	{ "mgf sha384", EVP_aes_256_gcm, RSA2048, .oaep = true, .md = EVP_sha256, .mgf = EVP_sha384, .rc = RC_FORMAT },
	{ "label", EVP_aes_256_gcm, RSA2048, .oaep = true, .md = EVP_sha256, .mgf = EVP_sha256, .label = true,
	    .rc = RC_FORMAT },
};

static void
variant_recipient(const struct variant *v, CMS_ContentInfo *cms, X509 *x)
{
	CMS_RecipientInfo	*ri = CMS_add1_recipient_cert(cms, x, CMS_KEY_PARAM);
	EVP_PKEY_CTX		*ctx = CMS_RecipientInfo_get0_pkey_ctx(ri);

	if (v->kdf != NULL)
		assert_true(EVP_PKEY_CTX_ctrl_str(ctx, "ecdh_kdf_md", v->kdf) > 0);
	if (v->wrap != NULL)
		assert_int_equal(EVP_EncryptInit_ex(CMS_RecipientInfo_kari_get0_ctx(ri), v->wrap(),
		    NULL, NULL, NULL), 1);
	if (v->oaep) {
		assert_true(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0);
		assert_true(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, v->md()) > 0);
		assert_true(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, v->mgf()) > 0);
		if (v->label)
			assert_true(EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, OPENSSL_strdup("label"), 5) > 0);
	}
}

static void
test_variants(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(variants); i++) {
		const struct variant	*v = &variants[i];
		AUTO(secret_free) struct secret *out = NULL;
		struct recipient	 r;
		const uint8_t		*p;
		uint8_t			*der = NULL;
		BIO			*in = BIO_new_mem_buf("the keys", 8);
		CMS_ContentInfo		*cms;
		X509			*x;
		int			 n;

		recipient_up(&r, v->kind);
		p = r.cert.p;
		x = d2i_X509(NULL, &p, (long)r.cert.n);
		cms = CMS_encrypt(NULL, in, v->cipher(), CMS_PARTIAL | CMS_BINARY);
		assert_non_null(cms);
		variant_recipient(v, cms, x);
		if (v->twice)
			variant_recipient(v, cms, x);
		assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY), 1);
		n = i2d_CMS_ContentInfo(cms, &der);
		assert_true(n > 0);
		if (open_with(&r, SPAN(der, (size_t)n), &out) != v->rc)
			fail_msg("variant %s", v->name);
		if (v->rc == RC_OK)
			assert_memory_equal(secret_view(out), "the keys", 8);
		OPENSSL_free(der);
		CMS_ContentInfo_free(cms);
		X509_free(x);
		BIO_free(in);
		recipient_down(&r);
	}
}

/* --- messages edited ---------------------------------------------------- */

/* The head of the DER element at p: where its content starts, and how long that is. */
static size_t
der_head(const uint8_t *p, size_t *ret_n)
{
	size_t	n = 0, bytes;

	if (p[1] < 0x80) {
		*ret_n = p[1];
		return 2;
	}
	bytes = p[1] - 0x80u;
	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | p[2 + i];
	*ret_n = n;
	return 2 + bytes;
}

static void
der_put(struct buf *out, uint8_t tag, struct span content)
{
	buf_u8(out, tag);
	if (content.n < 0x80)
		buf_u8(out, (uint8_t)content.n);
	else if (content.n < 0x100)
		buf_u16(out, (uint16_t)(0x8100 | content.n));
	else {
		buf_u8(out, 0x82);
		buf_u16(out, (uint16_t)content.n);
	}
	buf_span(out, content);
}

/*
 * Copies the elements of `in` with an edit at the one that `path` (children,
 * from 0, ended by -1) leads to: put `with` in its place, or after it.
 */
static void
der_edit(struct buf *out, struct span in, const int *path, struct span with, bool after)
{
	int	child = 0;

	for (size_t at = 0, n, head; at < in.n; at += head + n, child++) {
		struct span whole;

		head = der_head(in.p + at, &n);
		whole = SPAN(in.p + at, head + n);
		if (child != path[0])
			buf_span(out, whole);
		else if (path[1] < 0) {
			if (after)
				buf_span(out, whole);
			buf_span(out, with);
		} else {
			AUTO_DONE(buf_done) struct buf inner = BUF_INIT(1 << 16);

			der_edit(&inner, SPAN(whole.p + head, n), path + 1, with, after);
			der_put(out, whole.p[0], buf_view(&inner));
		}
	}
}

#define BODY	0, 1, 0		/* AuthEnvelopedData: version, recipients, content, tag */

static const struct {
	const char	*name;
	int		 path[12];
	bool		 after;
	struct span	 with;
	enum rc		 rc;
} edits[] = {
	{ "the same version", { BODY, 0, -1 }, false, SPAN_STR("\x02\x01\x00"), RC_OK },
	{ "a tag of 12", { BODY, 3, -1 }, false, SPAN_STR("\x04\x0c" "123456789012"), RC_FORMAT },
	{ "a tag of 17", { BODY, 3, -1 }, false, SPAN_STR("\x04\x11" "12345678901234567"), RC_FORMAT },
	{ "another tag", { BODY, 3, -1 }, false, SPAN_STR("\x04\x10" "1234567890123456"), RC_VERIFY },
	{ "unauthenticated attributes", { BODY, 3, -1 }, true,
	    SPAN_STR("\xa2\x0d\x30\x0b\x06\x03\x2a\x03\x04\x31\x04\x04\x02hi"), RC_FORMAT },
	{ "authenticated attributes", { BODY, 2, -1 }, true,
	    SPAN_STR("\xa1\x0d\x30\x0b\x06\x03\x2a\x03\x04\x31\x04\x04\x02hi"), RC_FORMAT },
	{ "originator", { BODY, 0, -1 }, true, SPAN_STR("\xa0\x00"), RC_FORMAT },
	{ "a nonce of 16", { BODY, 2, 1, 1, 0, -1 }, false, SPAN_STR("\x04\x10" "1234567890123456"), RC_FORMAT },
	{ "another nonce", { BODY, 2, 1, 1, 0, -1 }, false, SPAN_STR("\x04\x0c" "123456789012"), RC_VERIFY },
	{ "tag length 12", { BODY, 2, 1, 1, 1, -1 }, false, SPAN_STR("\x02\x01\x0c"), RC_FORMAT },
	{ "no tag length", { BODY, 2, 1, 1, 1, -1 }, false, SPAN_STR(""), RC_FORMAT },
	{ "parameters and more", { BODY, 2, 1, 1, 1, -1 }, true, SPAN_STR("\x05\x00"), RC_FORMAT },
	{ "no ciphertext", { BODY, 2, 2, -1 }, false, SPAN_STR(""), RC_FORMAT },
	{ "empty ciphertext", { BODY, 2, 2, -1 }, false, SPAN_STR("\x80\x00"), RC_VERIFY },
	{ "no recipient", { BODY, 1, 0, -1 }, false, SPAN_STR(""), RC_FORMAT },
	{ "a password", { BODY, 1, 0, -1 }, true, SPAN_STR("\xa3\x00"), RC_FORMAT },
	{ "bytes after the content", { BODY, 2, 2, -1 }, true, SPAN_STR("\x05\x00"), RC_FORMAT },
	{ "bytes after the body", { BODY, -1 }, true, SPAN_STR("\x05\x00"), RC_FORMAT },
	{ "bytes after all", { 0, 1, -1 }, true, SPAN_STR("\x05\x00"), RC_FORMAT },
};

static void
test_edits(void **state)
{
	struct recipient	r;
	struct buf		der;

	(void)state;
	recipient_up(&r, P256);
	der = sealed_to(&r, "the keys");
	for (size_t i = 0; i < COUNT(edits); i++) {
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(1 << 16);
		AUTO(secret_free) struct secret *out = NULL;

		der_edit(&b, buf_view(&der), edits[i].path, edits[i].with, edits[i].after);
		assert_int_equal(buf_check(&b, "edit", NULL), RC_OK);
		if (open_with(&r, buf_view(&b), &out) != edits[i].rc)
			fail_msg("edit: %s", edits[i].name);
	}
	buf_done(&der);
	recipient_down(&r);
}

/* The element that a path leads to. */
static struct span
der_at(struct span in, const int *path)
{
	size_t	n, head = der_head(in.p, &n);
	struct span content = SPAN(in.p + head, n);

	for (int child = 0; child < path[0]; child++) {
		in.p += head + n;
		head = der_head(in.p, &n);
		content = SPAN(in.p + head, n);
	}
	return path[1] < 0 ? SPAN(in.p, head + n) : der_at(content, path + 1);
}

/* One agreement, two wrapped keys: the second could be anybody's. */
static void
test_two_wrapped_keys(void **state)
{
	static const int	path[] = { BODY, 1, 0, 3, 0, -1 };
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(1 << 16);
	struct recipient	r;
	struct secret		*out = NULL;
	struct buf		der;

	(void)state;
	recipient_up(&r, P256);
	der = sealed_to(&r, "the keys");
	der_edit(&b, buf_view(&der), path, der_at(buf_view(&der), path), true);
	assert_int_equal(open_with(&r, buf_view(&b), &out), RC_FORMAT);
	buf_done(&der);
	recipient_down(&r);
}

/* A point whose y is even has two more spellings that libcrypto reads. */
static void
test_points_spelt_otherwise(void **state)
{
	static const int	path[] = { BODY, 1, 0, 1, 0, 1, -1 };
	struct recipient	r;
	struct secret		*out = NULL;
	struct span		point = SPAN(NULL, 0);
	struct buf		der = BUF_INIT(0);
	uint8_t			*p;

	(void)state;
	recipient_up(&r, P256);
	for (int i = 0; i < 200 && (point.n == 0 || (point.p[point.n - 1] & 1) != 0); i++) {
		buf_done(&der);
		der = sealed_to(&r, "the keys");
		point = der_at(buf_view(&der), path);
	}
	assert_int_equal(point.n, 3 + 65);
	assert_int_equal(point.p[67] & 1, 0);
	p = der.p + (point.p - der.p);
	p[2] = 1;				/* one bit less, and it is zero */
	assert_int_equal(open_with(&r, buf_view(&der), &out), RC_FORMAT);
	p[2] = 0;
	p[3] = 6;				/* hybrid */
	assert_int_equal(open_with(&r, buf_view(&der), &out), RC_FORMAT);
	p[3] = 4;
	assert_int_equal(open_with(&r, buf_view(&der), &out), RC_OK);
	secret_free(out);
	buf_done(&der);
	recipient_down(&r);
}

static void
test_too_large(void **state)
{
	static const struct variant ours = { "", EVP_aes_256_gcm, P256, "sha256", EVP_aes_256_wrap, .rc = RC_OK };
	struct recipient	r;
	struct secret		*secret = NULL;
	const uint8_t		*p;
	uint8_t			*plain = calloc(1, CMS_BYTES_MAX), *der = NULL;
	BIO			*in = BIO_new_mem_buf(plain, CMS_BYTES_MAX);
	CMS_ContentInfo		*cms = CMS_encrypt(NULL, in, EVP_aes_256_gcm(), CMS_PARTIAL | CMS_BINARY);
	X509			*x;
	int			 n;

	(void)state;
	recipient_up(&r, P256);
	p = r.cert.p;
	x = d2i_X509(NULL, &p, (long)r.cert.n);
	variant_recipient(&ours, cms, x);
	assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY), 1);
	n = i2d_CMS_ContentInfo(cms, &der);
	assert_true(n > CMS_BYTES_MAX);
	assert_int_equal(open_with(&r, SPAN(der, (size_t)n), &secret), RC_FORMAT);
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	X509_free(x);
	BIO_free(in);
	free(plain);
	recipient_down(&r);
}

static void
test_large_certificate(void **state)
{
	struct recipient	r;
	const uint8_t		*p;
	uint8_t			*der = NULL;
	char			*text = calloc(1, CMS_CERT_MAX);
	X509			*x;
	X509_EXTENSION		*e;
	int			 n;

	(void)state;
	memset(text, 'x', CMS_CERT_MAX - 1);
	recipient_up(&r, P256);
	p = r.cert.p;
	x = d2i_X509(NULL, &p, (long)r.cert.n);
	X509_set_version(x, X509_VERSION_3);
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_netscape_comment, text);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	assert_true(X509_sign(x, r.key, EVP_sha256()) > 0);
	n = i2d_X509(x, &der);
	assert_true(n > CMS_CERT_MAX);
	assert_int_equal(cms_recipient_check(SPAN(der, (size_t)n), NULL), RC_FORMAT);
	OPENSSL_free(der);
	X509_EXTENSION_free(e);
	X509_free(x);
	free(text);
	recipient_down(&r);
}

/* --- vectors ------------------------------------------------------------ */

static const struct {
	const char	*file, *recipient;
	enum rc		 rc;
} foreign[] = {
	{ "ec-gcm-sha256kdf", "recec", RC_OK },
	{ "keyid-gcm", "recec", RC_OK },
	{ "p384-gcm", "rec384", RC_OK },
	{ "rsa-oaep-gcm", "recrsa", RC_OK },
	{ "ec-gcm-sha256kdf", "rec384", RC_DENIED },
	{ "keyid-gcm", "rec384", RC_DENIED },
	{ "rsa-oaep-gcm", "recec", RC_DENIED },
	{ "neg-tampered-tag", "recec", RC_VERIFY },
	{ "ec-gcm", "recec", RC_FORMAT },		/* SHA-1 */
	{ "ec-gcm-cofactor", "recec", RC_FORMAT },
	{ "ec-cbc", "recec", RC_FORMAT },
	{ "multi-gcm", "recec", RC_FORMAT },
	{ "rsa-pkcs1-gcm", "recrsa", RC_FORMAT },
};

static bool
vector_recipient(const char *name, struct recipient *r)
{
	AUTO_DONE(buf_done) struct buf pem = BUF_INIT(1 << 16);
	char	 path[128];
	BIO	*bio;
	X509	*x;
	uint8_t	*der = NULL;
	int	 n;

	(void)snprintf(path, sizeof(path), "recipient/cms/%s.pem", name);
	if (!vectors_read(path, &pem))
		return false;
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert_non_null(x);
	n = i2d_X509(x, &der);
	r->cert = BUF_INIT(CMS_CERT_MAX);
	buf_add(&r->cert, der, (size_t)n);
	OPENSSL_free(der);
	X509_free(x);
	(void)snprintf(path, sizeof(path), "recipient/cms/%s-TESTONLY.key", name);
	assert_true(vectors_read(path, &pem));
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	r->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert_non_null(r->key);
	return true;
}

static void
test_vectors(void **state)
{
	AUTO_DONE(buf_done) struct buf plain = BUF_INIT(1 << 20);

	(void)state;
	if (!vectors_read("recipient/cms/plaintext.bin", &plain))
		skip();
	for (size_t i = 0; i < COUNT(foreign); i++) {
		AUTO_DONE(buf_done) struct buf der = BUF_INIT(CMS_BYTES_MAX);
		AUTO(secret_free) struct secret *out = NULL;
		struct recipient	r;
		char			path[128];

		assert_true(vector_recipient(foreign[i].recipient, &r));
		(void)snprintf(path, sizeof(path), "recipient/cms/%s.p7m", foreign[i].file);
		assert_true(vectors_read(path, &der));
		if (open_with(&r, buf_view(&der), &out) != foreign[i].rc)
			fail_msg("%s to %s", foreign[i].file, foreign[i].recipient);
		if (foreign[i].rc == RC_OK)
			assert_true(span_eq(SPAN(secret_view(out), secret_len(out)), buf_view(&plain)));
		recipient_down(&r);
	}
}

/* --- the other way: openssl opens ours ---------------------------------- */

static void
save(const char *dir, const char *name, struct span bytes)
{
	char	 path[256];
	FILE	*f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
	assert_int_equal(fclose(f), 0);
}

static void
openssl_opens(const char *dir, enum kind kind)
{
	struct recipient	r;
	struct buf		cms;
	char			line[1024], path[256];
	FILE			*f;

	recipient_up(&r, kind);
	cms = sealed_to(&r, "the keys");
	save(dir, "cms", buf_view(&cms));
	save(dir, "cert", buf_view(&r.cert));
	(void)snprintf(path, sizeof(path), "%s/key", dir);
	f = fopen(path, "wb");
	assert_int_equal(PEM_write_PrivateKey(f, r.key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(f), 0);
	(void)snprintf(line, sizeof(line), "cd %s && openssl x509 -inform DER -in cert -out pem && "
	    "openssl cms -decrypt -inform DER -in cms -recip pem -inkey key -out plain && "
	    "printf 'the keys' | cmp - plain", dir);
	assert_true(tool_ok(line));
	buf_done(&cms);
	recipient_down(&r);
}

static void
test_openssl_opens_ours(void **state)
{
	char	dir[] = "/tmp/quorate-cms-XXXXXX", line[64];

	(void)state;
	if (!tool_here("openssl"))
		skip();
	assert_non_null(mkdtemp(dir));
	openssl_opens(dir, P256);
	openssl_opens(dir, P384);
	openssl_opens(dir, RSA2048);
	(void)snprintf(line, sizeof(line), "rm -r %s", dir);
	assert_true(tool_ok(line));
}

/* --- an addressee for one order ----------------------------------------- */

static void
test_addressee(void **state)
{
	struct recipient	r = { NULL, BUF_INIT(CMS_CERT_MAX) }, other = { NULL, BUF_INIT(CMS_CERT_MAX) };
	AUTO(secret_free) struct secret *out = NULL;
	struct buf		der;
	const uint8_t		*p;
	X509			*x;
	struct tm		tm;

	(void)state;
	assert_int_equal(cms_addressee_new("release worker", NOW, 600, &r.key, &r.cert, NULL), RC_OK);
	assert_int_equal(cms_addressee_new("release worker", NOW, 600, &other.key, &other.cert, NULL), RC_OK);
	der = sealed_to(&r, "the keys");
	assert_int_equal(open_with(&r, buf_view(&der), &out), RC_OK);
	/* Same name, another serial: not the same addressee. */
	assert_int_equal(cms_addressed_to(buf_view(&other.cert), buf_view(&der), NULL), RC_DENIED);
	p = r.cert.p;
	x = d2i_X509(NULL, &p, (long)r.cert.n);
	assert_non_null(x);
	assert_int_equal(X509_verify(x, r.key), 1);
	assert_int_equal(ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm), 1);
	assert_int_equal(timegm(&tm), NOW + 600);
	assert_int_equal(ASN1_TIME_to_tm(X509_get0_notBefore(x), &tm), 1);
	assert_int_equal(timegm(&tm), NOW);
	X509_free(x);
	assert_int_equal(cms_addressee_new("w", WHEN_MAX, 1, &r.key, &r.cert, NULL), RC_FORMAT);
	buf_done(&der);
	recipient_down(&r);
	recipient_down(&other);
}

static void
test_allocations(void **state)
{
	struct recipient	r;
	struct buf		der = BUF_INIT(CMS_BYTES_MAX);
	struct secret		*out = NULL;
	unsigned long		n;
	enum rc			rc;

	(void)state;
	recipient_up(&r, P256);
	for (n = 1;; n++) {
		buf_done(&der);
		der = BUF_INIT(CMS_BYTES_MAX);
		fault_at(n);
		rc = cms_seal(buf_view(&r.cert), SPAN_STR("x"), &der, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 1);
	for (n = 1;; n++) {
		fault_at(n);
		rc = open_with(&r, buf_view(&der), &out);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 2);
	secret_free(out);
	buf_done(&der);
	recipient_down(&r);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_seal_refusals),
		cmocka_unit_test(test_flips_ec),
		cmocka_unit_test(test_flips_rsa),
		cmocka_unit_test(test_truncated_and_extended),
		cmocka_unit_test(test_wrong_recipient),
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_two_wrapped_keys),
		cmocka_unit_test(test_points_spelt_otherwise),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_large_certificate),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_openssl_opens_ours),
		cmocka_unit_test(test_addressee),
		cmocka_unit_test(test_allocations),
	};

	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

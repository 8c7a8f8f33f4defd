/* tests/unit/tsa.c - see tsa.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/cms.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>

#include "tests/unit/tsa.h"

static void
extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX	ctx;
	X509_EXTENSION	*e;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(cert, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void
extensions(X509 *cert, X509 *issuer, bool ca, enum tsa_eku eku)
{
	extension(cert, issuer, NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	extension(cert, issuer, NID_key_usage, ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
	extension(cert, issuer, NID_subject_key_identifier, "hash");
	if (ca)
		return;
	if (eku == TSA_EKU || eku == TSA_EKU_SHA1)
		extension(cert, issuer, NID_ext_key_usage, "critical,timeStamping");
	else if (eku == TSA_EKU_NOT_CRITICAL)
		extension(cert, issuer, NID_ext_key_usage, "timeStamping");
	else if (eku == TSA_EKU_OTHER)
		extension(cert, issuer, NID_ext_key_usage, "critical,emailProtection");
}

void
tsa_party_new(struct tsa_party *p, const char *name, const struct tsa_party *issuer, bool ca,
    enum tsa_eku eku, long serial, int from_day, int to_day)
{
	X509_NAME	*n;
	time_t		 now = (time_t)TSA_NOW;
	unsigned char	*der = NULL;
	int		 len;

	memset(p, 0, sizeof(*p));
	p->key = EVP_EC_gen("P-256");
	p->cert = X509_new();
	assert_non_null(p->key);
	assert_int_equal(X509_set_version(p->cert, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(p->cert), serial), 1);
	n = X509_get_subject_name(p->cert);
	assert_int_equal(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0), 1);
	assert_int_equal(X509_set_issuer_name(p->cert, issuer == NULL ? n : X509_get_subject_name(issuer->cert)), 1);
	assert_non_null(X509_time_adj_ex(X509_getm_notBefore(p->cert), from_day, 0, &now));
	assert_non_null(X509_time_adj_ex(X509_getm_notAfter(p->cert), to_day, 0, &now));
	assert_int_equal(X509_set_pubkey(p->cert, p->key), 1);
	extensions(p->cert, issuer == NULL ? p->cert : issuer->cert, ca, eku);
	assert_true(X509_sign(p->cert, issuer == NULL ? p->key : issuer->key,
	    eku == TSA_EKU_SHA1 ? EVP_sha1() : EVP_sha256()) > 0);
	len = i2d_X509(p->cert, &der);
	assert_true(len > 0 && (size_t)len <= sizeof(p->der));
	memcpy(p->der, der, (size_t)len);
	p->n = (size_t)len;
	OPENSSL_free(der);
}

void
tsa_party_done(struct tsa_party *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->cert);
}

struct span
tsa_cert(const struct tsa_party *p)
{
	return SPAN(p->der, p->n);
}

static void
revoke(X509_CRL *crl, long serial, long at, int reason)
{
	X509_REVOKED	*r = X509_REVOKED_new();
	ASN1_INTEGER	*n = ASN1_INTEGER_new();
	ASN1_TIME	*t = ASN1_TIME_set(NULL, (time_t)TSA_NOW + at);
	ASN1_ENUMERATED	*why = ASN1_ENUMERATED_new();

	assert_int_equal(ASN1_INTEGER_set(n, serial), 1);
	assert_int_equal(X509_REVOKED_set_serialNumber(r, n), 1);
	assert_int_equal(X509_REVOKED_set_revocationDate(r, t), 1);
	assert_int_equal(ASN1_ENUMERATED_set(why, reason), 1);
	if (reason >= 0)
		assert_int_equal(X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, why, 0, 0), 1);
	assert_int_equal(X509_CRL_add0_revoked(crl, r), 1);
	ASN1_INTEGER_free(n);
	ASN1_TIME_free(t);
	ASN1_ENUMERATED_free(why);
}

static void
crl_write(const struct tsa_party *ca, X509_CRL *crl, long from, long to, struct buf *out)
{
	ASN1_TIME	*t = ASN1_TIME_set(NULL, (time_t)TSA_NOW + from), *next = ASN1_TIME_set(NULL, (time_t)TSA_NOW + to);
	unsigned char	*der = NULL;
	int		 len;

	assert_int_equal(X509_CRL_set_version(crl, 1), 1);
	assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert)), 1);
	assert_int_equal(X509_CRL_set1_lastUpdate(crl, t), 1);
	assert_int_equal(X509_CRL_set1_nextUpdate(crl, next), 1);
	assert_true(X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0);
	len = i2d_X509_CRL(crl, &der);
	assert_true(len > 0);
	buf_add(out, der, (size_t)len);
	OPENSSL_free(der);
	ASN1_TIME_free(t);
	ASN1_TIME_free(next);
	X509_CRL_free(crl);
}

void
tsa_crl(const struct tsa_party *ca, long revoked, long at, int reason, long from, long to, struct buf *out)
{
	X509_CRL	*crl = X509_CRL_new();

	if (revoked != 0)
		revoke(crl, revoked, at, reason);
	crl_write(ca, crl, from, to, out);
}

void
tsa_crl_long(const struct tsa_party *ca, unsigned n, struct buf *out)
{
	X509_CRL	*crl = X509_CRL_new();

	for (unsigned i = 0; i < n; i++)
		revoke(crl, 1000000000L + i, -60, -1);
	crl_write(ca, crl, -10, 1000, out);
}

/* --- stamping ------------------------------------------------------------------------ */

static int
say_time(struct TS_resp_ctx *ctx, void *user, long *seconds, long *micro)
{
	(void)ctx;
	*seconds = *(long *)user;
	*micro = 0;
	return 1;
}

static ASN1_INTEGER *
say_serial(struct TS_resp_ctx *ctx, void *user)
{
	ASN1_INTEGER	*n = ASN1_INTEGER_new();

	(void)ctx;
	(void)user;
	(void)ASN1_INTEGER_set(n, 42);
	return n;
}

static TS_RESP *
respond(TS_RESP_CTX *ctx, struct span query)
{
	BIO	*in = BIO_new_mem_buf(query.p, (int)query.n);
	TS_RESP	*r = TS_RESP_create_response(ctx, in);

	assert_non_null(r);
	BIO_free(in);
	return r;
}

void
tsa_answer(const struct tsa_party *tsa, const struct tsa_party *chain, const struct tsa_how *how,
    struct span query, struct buf *out)
{
	TS_RESP_CTX	*ctx = TS_RESP_CTX_new();
	ASN1_OBJECT	*policy = OBJ_txt2obj("1.2.3.4.1", 1);
	STACK_OF(X509)	*certs = sk_X509_new_null();
	unsigned char	*der = NULL;
	long		 seconds = (long)(how->time == 0 ? TSA_NOW : how->time);
	TS_RESP		*r;
	int		 len;

	if (chain != NULL)
		(void)sk_X509_push(certs, chain->cert);
	assert_int_equal(TS_RESP_CTX_set_signer_cert(ctx, tsa->cert), 1);
	assert_int_equal(TS_RESP_CTX_set_signer_key(ctx, tsa->key), 1);
	assert_int_equal(TS_RESP_CTX_set_def_policy(ctx, policy), 1);
	assert_int_equal(TS_RESP_CTX_set_certs(ctx, certs), 1);
	assert_int_equal(TS_RESP_CTX_add_md(ctx, how->refuse ? EVP_sha512() : EVP_sha256()), 1);
	assert_int_equal(TS_RESP_CTX_set_signer_digest(ctx,
	    EVP_get_digestbyname(how->signed_over == NULL ? "sha256" : how->signed_over)), 1);
	assert_int_equal(TS_RESP_CTX_set_ess_cert_id_digest(ctx,
	    EVP_get_digestbyname(how->ess == NULL ? "sha256" : how->ess)), 1);
	TS_RESP_CTX_set_serial_cb(ctx, say_serial, NULL);
	TS_RESP_CTX_set_time_cb(ctx, say_time, &seconds);
	r = respond(ctx, query);
	len = i2d_TS_RESP(r, &der);
	assert_true(len > 0);
	buf_add(out, der, (size_t)len);
	OPENSSL_free(der);
	TS_RESP_free(r);
	sk_X509_free(certs);
	ASN1_OBJECT_free(policy);
	TS_RESP_CTX_free(ctx);
}

static void
add_signer(CMS_ContentInfo *cms, const struct tsa_party *by, const struct tsa_forgery *how)
{
	unsigned	flags = CMS_BINARY | (how->no_ess ? 0 : CMS_CADES) | (how->no_certs ? CMS_NOCERTS : 0);

	assert_non_null(CMS_add1_signer(cms, by->cert, by->key,
	    EVP_get_digestbyname(how->digest == NULL ? "sha256" : how->digest), flags));
}

void
tsa_forge(struct span token, const struct tsa_party *by, const struct tsa_forgery *how, struct buf *out)
{
	const unsigned char	*p = token.p;
	PKCS7			*from = d2i_PKCS7(NULL, &p, (long)token.n);
	TS_TST_INFO		*info = PKCS7_to_TS_TST_INFO(from);
	unsigned char		*der = NULL;
	BIO			*data;
	CMS_ContentInfo		*cms;
	int			 n = i2d_TS_TST_INFO(info, &der);

	assert_true(n > 0);
	data = BIO_new_mem_buf(der, n);
	cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_BINARY | CMS_PARTIAL);
	assert_non_null(cms);
	assert_int_equal(CMS_set1_eContentType(cms,
	    OBJ_nid2obj(how->other_content ? NID_pkcs7_data : NID_id_smime_ct_TSTInfo)), 1);
	add_signer(cms, by, how);
	if (how->also != NULL)
		add_signer(cms, how->also, how);
	assert_int_equal(CMS_set_detached(cms, 0), 1);
	assert_int_equal(CMS_final(cms, data, NULL, CMS_BINARY), 1);
	OPENSSL_free(der);
	der = NULL;
	n = i2d_CMS_ContentInfo(cms, &der);
	assert_true(n > 0);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	BIO_free(data);
	CMS_ContentInfo_free(cms);
	TS_TST_INFO_free(info);
	PKCS7_free(from);
}

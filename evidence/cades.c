#include "evidence/cades.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <string.h>

#include "base/auto.h"
#include "policy/cert.h"

#define TAG_INTEGER	0x02
#define TAG_OCTETS	0x04
#define TAG_OID		0x06
#define TAG_UTCTIME	0x17
#define TAG_TIME	0x18
#define TAG_SEQUENCE	0x30
#define TAG_SET		0x31
#define TAG_CONTEXT_0	0xa0
#define TAG_CONTEXT_4	0xa4
#define WHEN_2050	UINT64_C(2524608000)
#define SIG_DER_MAX	72

DEFINE_AUTO(X509_free, X509);
DEFINE_AUTO(EVP_MD_CTX_free, EVP_MD_CTX);
DEFINE_AUTO(CMS_ContentInfo_free, CMS_ContentInfo);

static const uint8_t oid_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 };
static const uint8_t oid_signed_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };
static const uint8_t oid_content_type[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03 };
static const uint8_t oid_message_digest[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04 };
static const uint8_t oid_signing_time[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05 };
static const uint8_t oid_signing_certificate_v2[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09,
    0x10, 0x02, 0x2f };
static const uint8_t oid_sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };
static const uint8_t oid_ecdsa_sha256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };

/* A piece of DER in the making: as large as a signature may be, from the heap. */
#define PIECE		BUF_INIT(CADES_BYTES_MAX)
#define AUTO_PIECE(b)	AUTO_DONE(buf_done) struct buf b = PIECE

static void
tlv(struct buf *out, uint8_t tag, struct span value)
{
	buf_u8(out, tag);
	if (value.n >= 0x100) {
		buf_u8(out, 0x82);
		buf_u16(out, (uint16_t)value.n);	/* pieces are below 64 KiB */
	} else {
		if (value.n >= 0x80)
			buf_u8(out, 0x81);
		buf_u8(out, (uint8_t)value.n);
	}
	buf_span(out, value);
}

/* The same, keeping the failure of a piece: one that was cut short must not look whole. */
static void
wrap(struct buf *out, uint8_t tag, const struct buf *piece)
{
	if (piece->rc != RC_OK)
		out->rc = piece->rc;
	tlv(out, tag, buf_view(piece));
}

static void
algorithm(struct buf *out, struct span oid)
{
	AUTO_PIECE(a);

	tlv(&a, TAG_OID, oid);
	wrap(out, TAG_SEQUENCE, &a);
}

/* Attribute ::= SEQUENCE { type, SET OF one value } */
static void
attribute(struct buf *out, struct span oid, const struct buf *value)
{
	AUTO_PIECE(a);

	tlv(&a, TAG_OID, oid);
	wrap(&a, TAG_SET, value);
	wrap(out, TAG_SEQUENCE, &a);
}

/* libcrypto's own queue of words is of no use to anybody later. */
static enum rc
fail(struct err *err, enum rc rc, const char *words)
{
	ERR_clear_error();
	return err_set(err, rc, "package signature: %s", words);
}

struct parts {				/* of the certificate, as DER */
	struct span	certificate;
	struct buf	issuer, serial;
};

static void
parts_done(struct parts *p)
{
	buf_done(&p->issuer);
	buf_done(&p->serial);
}

static enum rc
parts_of(struct span certificate, const X509 *x, struct parts *ret, struct err *err)
{
	const ASN1_INTEGER	*serial = X509_get0_serialNumber(x);
	const uint8_t		*name;
	uint8_t			*der = NULL;
	size_t			 n;
	int			 len;

	*ret = (struct parts){ certificate, PIECE, PIECE };
	if (X509_NAME_get0_der(X509_get_issuer_name(x), &name, &n) != 1)
		return fail(err, RC_FORMAT, "the certificate has no issuer");
	buf_add(&ret->issuer, name, n);
	if ((len = i2d_ASN1_INTEGER(serial, &der)) <= 0)
		return fail(err, RC_FORMAT, "the certificate has no serial number");
	buf_add(&ret->serial, der, (size_t)len);
	OPENSSL_free(der);
	TRY(buf_check(&ret->issuer, "package certificate", err));
	return buf_check(&ret->serial, "package certificate", err);
}

/* SigningCertificateV2 with one ESSCertIDv2; SHA-256 is its default and so not named. */
static void
signing_certificate(const struct parts *p, struct buf *out)
{
	uint8_t	digest[SHA256_BYTES];
	AUTO_PIECE(directory);
	AUTO_PIECE(issuer_serial);
	AUTO_PIECE(id);
	AUTO_PIECE(list);
	AUTO_PIECE(certs);

	sha256_one(digest, p->certificate);
	tlv(&id, TAG_OCTETS, SPAN_OF(digest));
	tlv(&directory, TAG_CONTEXT_4, buf_view(&p->issuer));
	wrap(&issuer_serial, TAG_SEQUENCE, &directory);
	buf_span(&issuer_serial, buf_view(&p->serial));
	wrap(&id, TAG_SEQUENCE, &issuer_serial);
	wrap(&list, TAG_SEQUENCE, &id);
	wrap(&certs, TAG_SEQUENCE, &list);
	wrap(out, TAG_SEQUENCE, &certs);
}

/* RFC 5652 11.3: two-digit years until 2049. */
static void
time_value(when t, struct buf *out)
{
	char		rfc3339[WHEN_TEXT_BYTES];
	const char	*s = when_write(t, rfc3339);
	AUTO_PIECE(text);

	buf_printf(&text, "%.4s%.2s%.2s%.2s%.2s%.2sZ", s, s + 5, s + 8, s + 11, s + 14, s + 17);
	if (text.rc == RC_OK && t < WHEN_2050)
		tlv(out, TAG_UTCTIME, SPAN(text.p + 2, text.n - 2));
	else
		wrap(out, TAG_TIME, &text);
}

/*
 * The signed attributes without their tag. A SET OF is sorted by encoding, which
 * for these four is by length: 24 bytes, 28 or 30, 47, more.
 */
static void
attributes(const struct parts *p, struct span content, when signed_at, struct buf *out)
{
	uint8_t	digest[SHA256_BYTES];
	AUTO_PIECE(type);
	AUTO_PIECE(at);
	AUTO_PIECE(message);
	AUTO_PIECE(certificate);

	tlv(&type, TAG_OID, SPAN_OF(oid_data));
	attribute(out, SPAN_OF(oid_content_type), &type);
	time_value(signed_at, &at);
	attribute(out, SPAN_OF(oid_signing_time), &at);
	sha256_one(digest, content);
	tlv(&message, TAG_OCTETS, SPAN_OF(digest));
	attribute(out, SPAN_OF(oid_message_digest), &message);
	signing_certificate(p, &certificate);
	attribute(out, SPAN_OF(oid_signing_certificate_v2), &certificate);
}

static void
signer_info(const struct parts *p, const struct buf *attrs, struct span signature, struct buf *out)
{
	AUTO_PIECE(id);
	AUTO_PIECE(info);

	tlv(&info, TAG_INTEGER, SPAN_STR("\x01"));
	buf_span(&id, buf_view(&p->issuer));
	buf_span(&id, buf_view(&p->serial));
	wrap(&info, TAG_SEQUENCE, &id);
	algorithm(&info, SPAN_OF(oid_sha256));
	wrap(&info, TAG_CONTEXT_0, attrs);
	algorithm(&info, SPAN_OF(oid_ecdsa_sha256));
	tlv(&info, TAG_OCTETS, signature);
	wrap(out, TAG_SEQUENCE, &info);
}

/* ContentInfo { signedData, SignedData }, from the inside out. */
static void
message(const struct parts *p, const struct buf *attrs, struct span signature, struct buf *out)
{
	AUTO_PIECE(digests);
	AUTO_PIECE(content);
	AUTO_PIECE(signers);
	AUTO_PIECE(data);
	AUTO_PIECE(whole);
	AUTO_PIECE(info);

	tlv(&data, TAG_INTEGER, SPAN_STR("\x01"));
	algorithm(&digests, SPAN_OF(oid_sha256));
	wrap(&data, TAG_SET, &digests);
	tlv(&content, TAG_OID, SPAN_OF(oid_data));
	wrap(&data, TAG_SEQUENCE, &content);
	tlv(&data, TAG_CONTEXT_0, p->certificate);
	signer_info(p, attrs, signature, &signers);
	wrap(&data, TAG_SET, &signers);
	wrap(&whole, TAG_SEQUENCE, &data);
	tlv(&info, TAG_OID, SPAN_OF(oid_signed_data));
	wrap(&info, TAG_CONTEXT_0, &whole);
	wrap(out, TAG_SEQUENCE, &info);
}

static enum rc
certificate_parse(struct span der, X509 **ret, struct err *err)
{
	const uint8_t	*p = der.p;
	uint8_t		 digest[SHA256_BYTES];
	enum cert_kind	 kind;

	TRY(cert_check(der, &kind, digest, err));
	if (kind != CERT_EC_P256)
		return fail(err, RC_FORMAT, "the certificate's key is not P-256");
	if ((*ret = d2i_X509(NULL, &p, (long)der.n)) == NULL)
		return fail(err, RC_NOMEM, "no memory");
	return RC_OK;
}

static enum rc
sign(EVP_PKEY *key, const struct buf *attrs, uint8_t out[SIG_DER_MAX], size_t *ret_n, struct err *err)
{
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	AUTO_PIECE(set);

	if (ctx == NULL)
		return fail(err, RC_NOMEM, "no memory");
	/* Signed as the SET that it is, stored under an implicit [0]. */
	wrap(&set, TAG_SET, attrs);
	TRY(buf_check(&set, "package signature", err));
	*ret_n = SIG_DER_MAX;
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(ctx, out, ret_n, set.p, set.n) != 1)
		return fail(err, RC_IO, "the package key did not sign");
	return RC_OK;
}

enum rc
cades_sign(EVP_PKEY *key, struct span certificate, struct span content, when signed_at,
    struct buf *out, struct err *err)
{
	AUTO_DONE(parts_done) struct parts	p = { .issuer = PIECE };
	AUTO(X509_free) X509			*x = NULL;
	uint8_t					 sig[SIG_DER_MAX];
	size_t					 n, from = out->n;
	AUTO_PIECE(attrs);

	TRY(certificate_parse(certificate, &x, err));
	if (EVP_PKEY_eq(X509_get0_pubkey(x), key) != 1)
		return fail(err, RC_USAGE, "the key is not that of the certificate");
	TRY(parts_of(certificate, x, &p, err));
	attributes(&p, content, signed_at, &attrs);
	TRY(buf_check(&attrs, "package signature", err));
	TRY(sign(key, &attrs, sig, &n, err));
	message(&p, &attrs, SPAN(sig, n), out);
	TRY(buf_check(out, "package signature", err));
	/* A token that signs wrongly must not be found out in court. */
	return cades_verify(certificate, content, signed_at, SPAN(out->p + from, out->n - from), NULL, err);
}

/* The signature value is the one thing that cannot be made again. */
static enum rc
signature_value(struct span der, uint8_t out[SIG_DER_MAX], size_t *ret_n, struct err *err)
{
	AUTO(CMS_ContentInfo_free) CMS_ContentInfo	*cms = NULL;
	STACK_OF(CMS_SignerInfo)			*signers;
	const ASN1_OCTET_STRING				*value;
	const uint8_t					*p = der.p;

	if (der.n > 0 && der.n <= CADES_BYTES_MAX)
		cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.n);
	if (cms == NULL || (signers = CMS_get0_SignerInfos(cms)) == NULL || sk_CMS_SignerInfo_num(signers) != 1)
		return fail(err, RC_FORMAT, "malformed");
	value = CMS_SignerInfo_get0_signature(sk_CMS_SignerInfo_value(signers, 0));
	if (value == NULL || ASN1_STRING_length(value) <= 0 || ASN1_STRING_length(value) > SIG_DER_MAX)
		return fail(err, RC_FORMAT, "malformed");
	*ret_n = (size_t)ASN1_STRING_length(value);
	memcpy(out, ASN1_STRING_get0_data(value), *ret_n);
	return RC_OK;
}

static enum rc
verify(X509 *x, const struct buf *attrs, struct span sig, struct err *err)
{
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	AUTO_PIECE(set);

	if (ctx == NULL)
		return fail(err, RC_NOMEM, "no memory");
	wrap(&set, TAG_SET, attrs);
	TRY(buf_check(&set, "package signature", err));
	if (EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, X509_get0_pubkey(x)) != 1 ||
	    EVP_DigestVerify(ctx, sig.p, sig.n, set.p, set.n) != 1)
		return fail(err, RC_VERIFY, "it does not verify");
	return RC_OK;
}

enum rc
cades_verify(struct span certificate, struct span content, when signed_at, struct span signature,
    struct cades_added *ret_added, struct err *err)
{
	AUTO_DONE(parts_done) struct parts	p = { .issuer = PIECE };
	AUTO(X509_free) X509			*x = NULL;
	uint8_t					 sig[SIG_DER_MAX];
	size_t					 n = 0;
	AUTO_PIECE(attrs);
	AUTO_PIECE(again);

	if (ret_added != NULL)
		memset(ret_added, 0, sizeof(*ret_added));
	TRY(certificate_parse(certificate, &x, err));
	TRY(parts_of(certificate, x, &p, err));
	TRY(signature_value(signature, sig, &n, err));
	attributes(&p, content, signed_at, &attrs);
	message(&p, &attrs, SPAN(sig, n), &again);
	TRY(buf_check(&attrs, "package signature", err));
	TRY(buf_check(&again, "package signature", err));
	if (!span_eq(buf_view(&again), signature))
		return fail(err, RC_FORMAT, "of another content, certificate or time, "
		    "or not in the one form it can have");
	return verify(x, &attrs, SPAN(sig, n), err);
}

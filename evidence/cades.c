/* What of a package's signature follows from elsewhere; the signature and its check. */
#include "evidence/cades_parts.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <string.h>

#include "base/auto.h"
#include "policy/cert.h"

#define WHEN_2050	UINT64_C(2524608000)

DEFINE_AUTO(X509_free, X509);
DEFINE_AUTO(EVP_MD_CTX_free, EVP_MD_CTX);

static const uint8_t oid_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 };
static const uint8_t oid_content_type[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03 };
static const uint8_t oid_message_digest[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04 };
static const uint8_t oid_signing_time[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05 };
static const uint8_t oid_signing_certificate_v2[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09,
    0x10, 0x02, 0x2f };
static const uint8_t oid_sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };
static const uint8_t oid_ecdsa_sha256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };

static void
algorithm(struct buf *out, struct span oid)
{
	AUTO_PIECE(a);

	der_write(&a, DER_OID, oid);
	cades_wrap(out, DER_SEQUENCE, &a);
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
		return cades_fail(err, RC_FORMAT, "the certificate has no issuer");
	buf_add(&ret->issuer, name, n);
	if ((len = i2d_ASN1_INTEGER(serial, &der)) <= 0)
		return cades_fail(err, RC_FORMAT, "the certificate has no serial number");
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
	der_write(&id, DER_OCTETS, SPAN_OF(digest));
	der_write(&directory, DER_CONTEXT(4), buf_view(&p->issuer));
	cades_wrap(&issuer_serial, DER_SEQUENCE, &directory);
	buf_span(&issuer_serial, buf_view(&p->serial));
	cades_wrap(&id, DER_SEQUENCE, &issuer_serial);
	cades_wrap(&list, DER_SEQUENCE, &id);
	cades_wrap(&certs, DER_SEQUENCE, &list);
	cades_wrap(out, DER_SEQUENCE, &certs);
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
		der_write(out, DER_UTCTIME, SPAN(text.p + 2, text.n - 2));
	else
		cades_wrap(out, DER_TIME, &text);
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

	der_write(&type, DER_OID, SPAN_OF(oid_data));
	cades_attribute(out, SPAN_OF(oid_content_type), &type);
	time_value(signed_at, &at);
	cades_attribute(out, SPAN_OF(oid_signing_time), &at);
	sha256_one(digest, content);
	der_write(&message, DER_OCTETS, SPAN_OF(digest));
	cades_attribute(out, SPAN_OF(oid_message_digest), &message);
	signing_certificate(p, &certificate);
	cades_attribute(out, SPAN_OF(oid_signing_certificate_v2), &certificate);
}

static void
head_write(struct buf *out)
{
	AUTO_PIECE(digests);
	AUTO_PIECE(content);

	der_write(out, DER_INTEGER, SPAN_STR("\x01"));
	algorithm(&digests, SPAN_OF(oid_sha256));
	cades_wrap(out, DER_SET, &digests);
	der_write(&content, DER_OID, SPAN_OF(oid_data));
	cades_wrap(out, DER_SEQUENCE, &content);
}

static void
info_write(const struct parts *p, const struct buf *attrs, struct buf *out)
{
	AUTO_PIECE(id);

	der_write(out, DER_INTEGER, SPAN_STR("\x01"));
	buf_span(&id, buf_view(&p->issuer));
	buf_span(&id, buf_view(&p->serial));
	cades_wrap(out, DER_SEQUENCE, &id);
	algorithm(out, SPAN_OF(oid_sha256));
	cades_wrap(out, DER_CONTEXT(0), attrs);
	algorithm(out, SPAN_OF(oid_ecdsa_sha256));
}

static enum rc
certificate_parse(struct span der, X509 **ret, struct err *err)
{
	const uint8_t	*p = der.p;
	uint8_t		 digest[SHA256_BYTES];
	enum cert_kind	 kind;

	TRY(cert_check(der, &kind, digest, err));
	if (kind != CERT_EC_P256)
		return cades_fail(err, RC_FORMAT, "the certificate's key is not P-256");
	if ((*ret = d2i_X509(NULL, &p, (long)der.n)) == NULL)
		return cades_fail(err, RC_NOMEM, "no memory");
	return RC_OK;
}

static enum rc
sign(EVP_PKEY *key, const struct buf *attrs, uint8_t out[SIG_DER_MAX], size_t *ret_n, struct err *err)
{
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	AUTO_PIECE(set);

	if (ctx == NULL)
		return cades_fail(err, RC_NOMEM, "no memory");
	/* Signed as the SET that it is, stored under an implicit [0]. */
	cades_wrap(&set, DER_SET, attrs);
	TRY(buf_check(&set, "package signature", err));
	*ret_n = SIG_DER_MAX;
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(ctx, out, ret_n, set.p, set.n) != 1)
		return cades_fail(err, RC_IO, "the package key did not sign");
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
	AUTO_PIECE(head);
	AUTO_PIECE(info);

	TRY(certificate_parse(certificate, &x, err));
	if (EVP_PKEY_eq(X509_get0_pubkey(x), key) != 1)
		return cades_fail(err, RC_USAGE, "the key is not that of the certificate");
	TRY(parts_of(certificate, x, &p, err));
	attributes(&p, content, signed_at, &attrs);
	TRY(buf_check(&attrs, "package signature", err));
	TRY(sign(key, &attrs, sig, &n, err));
	head_write(&head);
	info_write(&p, &attrs, &info);
	TRY(buf_check(&head, "package signature", err));
	TRY(buf_check(&info, "package signature", err));
	form_write(&(struct form){ .head = buf_view(&head), .info = buf_view(&info), .value = SPAN(sig, n),
	    .n_certificates = 1, .certificate = { certificate } }, out);
	TRY(buf_check(out, "package signature", err));
	/* A token that signs wrongly must not be found out in court. */
	return cades_verify(certificate, content, signed_at, SPAN(out->p + from, out->n - from), NULL, err);
}

/* --- checking one --------------------------------------------------------------------- */

/* The signer's certificate out of those that are there: once, and the rest is what was added. */
static enum rc
part_certificates(struct span certificate, const struct form *f, struct cades_added *ret, struct err *err)
{
	uint8_t	n = 0;

	*ret = f->added;
	for (size_t i = 0; i < f->n_certificates; i++)
		if (!span_eq(f->certificate[i], certificate) && n < CADES_LISTS_MAX)
			ret->certificate[n++] = f->certificate[i];
	ret->n_certificates = n;
	if (n + 1U != f->n_certificates)
		return cades_fail(err, RC_FORMAT, "by another certificate");
	return RC_OK;
}

static enum rc
verify(X509 *x, const struct buf *attrs, struct span sig, struct err *err)
{
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	AUTO_PIECE(set);

	if (ctx == NULL)
		return cades_fail(err, RC_NOMEM, "no memory");
	cades_wrap(&set, DER_SET, attrs);
	TRY(buf_check(&set, "package signature", err));
	if (EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, X509_get0_pubkey(x)) != 1 ||
	    EVP_DigestVerify(ctx, sig.p, sig.n, set.p, set.n) != 1)
		return cades_fail(err, RC_VERIFY, "it does not verify");
	return RC_OK;
}

/* The form again with all that follows from elsewhere. */
static enum rc
compare(const struct parts *p, const struct buf *attrs, const struct form *f, struct span signature, struct err *err)
{
	struct form	made = *f;
	AUTO_PIECE(head);
	AUTO_PIECE(info);
	AUTO_PIECE(again);

	head_write(&head);
	info_write(p, attrs, &info);
	TRY(buf_check(&head, "package signature", err));
	TRY(buf_check(&info, "package signature", err));
	made.head = buf_view(&head);
	made.info = buf_view(&info);
	form_write(&made, &again);
	TRY(buf_check(&again, "package signature", err));
	if (!span_eq(buf_view(&again), signature))
		return cades_fail(err, RC_FORMAT, "of another content, certificate or time, "
		    "or not in the one form it can have");
	return RC_OK;
}

enum rc
cades_verify(struct span certificate, struct span content, when signed_at, struct span signature,
    struct cades_added *ret_added, struct err *err)
{
	AUTO_DONE(parts_done) struct parts	p = { .issuer = PIECE };
	AUTO(X509_free) X509			*x = NULL;
	struct form				 f;
	struct cades_added			 added;
	AUTO_PIECE(attrs);

	TRY(certificate_parse(certificate, &x, err));
	TRY(parts_of(certificate, x, &p, err));
	TRY(form_take(signature, &f, err));
	TRY(part_certificates(certificate, &f, &added, err));
	attributes(&p, content, signed_at, &attrs);
	TRY(buf_check(&attrs, "package signature", err));
	TRY(compare(&p, &attrs, &f, signature, err));
	TRY(verify(x, &attrs, f.value, err));
	TRY(added_ok(&added, err));
	if (ret_added != NULL)
		*ret_added = added;
	return RC_OK;
}

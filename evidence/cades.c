#include "evidence/cades.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <string.h>

#include "audit/timestamp.h"
#include "base/auto.h"
#include "base/der.h"
#include "base/libcrypto.h"
#include "policy/cert.h"

#define WHEN_2050	UINT64_C(2524608000)
#define SIG_DER_MAX	72

DEFINE_AUTO(X509_free, X509);
DEFINE_AUTO(EVP_MD_CTX_free, EVP_MD_CTX);
DEFINE_AUTO(X509_CRL_free, X509_CRL);

static const uint8_t oid_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 };
static const uint8_t oid_signed_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };
static const uint8_t oid_content_type[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03 };
static const uint8_t oid_message_digest[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04 };
static const uint8_t oid_signing_time[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05 };
static const uint8_t oid_signing_certificate_v2[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09,
    0x10, 0x02, 0x2f };
static const uint8_t oid_time_stamp_token[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09,
    0x10, 0x02, 0x0e };
static const uint8_t oid_sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };
static const uint8_t oid_ecdsa_sha256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };

/* A piece of DER in the making: as large as a signature may be, from the heap. */
#define PIECE		BUF_INIT(CADES_BYTES_MAX)
#define AUTO_PIECE(b)	AUTO_DONE(buf_done) struct buf b = PIECE

/* As der_write(), keeping the failure of a piece: one that was cut short must not look whole. */
static void
wrap(struct buf *out, uint8_t tag, const struct buf *piece)
{
	if (piece->rc != RC_OK)
		out->rc = piece->rc;
	der_write(out, tag, buf_view(piece));
}

static void
algorithm(struct buf *out, struct span oid)
{
	AUTO_PIECE(a);

	der_write(&a, DER_OID, oid);
	wrap(out, DER_SEQUENCE, &a);
}

/* Attribute ::= SEQUENCE { type, SET OF one value } */
static void
attribute(struct buf *out, struct span oid, const struct buf *value)
{
	AUTO_PIECE(a);

	der_write(&a, DER_OID, oid);
	wrap(&a, DER_SET, value);
	wrap(out, DER_SEQUENCE, &a);
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
	der_write(&id, DER_OCTETS, SPAN_OF(digest));
	der_write(&directory, DER_CONTEXT(4), buf_view(&p->issuer));
	wrap(&issuer_serial, DER_SEQUENCE, &directory);
	buf_span(&issuer_serial, buf_view(&p->serial));
	wrap(&id, DER_SEQUENCE, &issuer_serial);
	wrap(&list, DER_SEQUENCE, &id);
	wrap(&certs, DER_SEQUENCE, &list);
	wrap(out, DER_SEQUENCE, &certs);
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
		wrap(out, DER_TIME, &text);
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
	attribute(out, SPAN_OF(oid_content_type), &type);
	time_value(signed_at, &at);
	attribute(out, SPAN_OF(oid_signing_time), &at);
	sha256_one(digest, content);
	der_write(&message, DER_OCTETS, SPAN_OF(digest));
	attribute(out, SPAN_OF(oid_message_digest), &message);
	signing_certificate(p, &certificate);
	attribute(out, SPAN_OF(oid_signing_certificate_v2), &certificate);
}

/*
 * A signature in three parts: what follows from certificate, content and time, the
 * signature value, and what was added; all of them spans.
 */
struct form {
	struct span		head;		/* of SignedData: before the certificates */
	struct span		info;		/* of SignerInfo: before the signature value */
	struct span		value;
	uint32_t		n_certificates;	/* the signer's among them */
	struct span		certificate[1 + CADES_LISTS_MAX];
	struct cades_added	added;		/* its certificates are those above */
};

static void
head_write(struct buf *out)
{
	AUTO_PIECE(digests);
	AUTO_PIECE(content);

	der_write(out, DER_INTEGER, SPAN_STR("\x01"));
	algorithm(&digests, SPAN_OF(oid_sha256));
	wrap(out, DER_SET, &digests);
	der_write(&content, DER_OID, SPAN_OF(oid_data));
	wrap(out, DER_SEQUENCE, &content);
}

static void
info_write(const struct parts *p, const struct buf *attrs, struct buf *out)
{
	AUTO_PIECE(id);

	der_write(out, DER_INTEGER, SPAN_STR("\x01"));
	buf_span(&id, buf_view(&p->issuer));
	buf_span(&id, buf_view(&p->serial));
	wrap(out, DER_SEQUENCE, &id);
	algorithm(out, SPAN_OF(oid_sha256));
	wrap(out, DER_CONTEXT(0), attrs);
	algorithm(out, SPAN_OF(oid_ecdsa_sha256));
}

static void
signer_info(const struct form *f, struct buf *out)
{
	AUTO_PIECE(info);
	AUTO_PIECE(stamp);
	AUTO_PIECE(token);

	buf_span(&info, f->info);
	der_write(&info, DER_OCTETS, f->value);
	if (f->added.token.n > 0) {
		buf_span(&token, f->added.token);
		attribute(&stamp, SPAN_OF(oid_time_stamp_token), &token);
		wrap(&info, DER_CONTEXT(1), &stamp);
	}
	wrap(out, DER_SEQUENCE, &info);
}

/* A SET OF under an implicit tag, in its one order. None at all when it is empty. */
static void
set(uint8_t tag, const struct span *element, size_t n, struct buf *out)
{
	struct span	sorted[1 + CADES_LISTS_MAX];
	AUTO_PIECE(value);

	memcpy(sorted, element, n * sizeof(*sorted));
	n = der_sort(sorted, n);
	for (size_t i = 0; i < n; i++)
		buf_span(&value, sorted[i]);
	if (n > 0)
		wrap(out, tag, &value);
}

/* ContentInfo { signedData, SignedData }, from the inside out. */
static void
message(const struct form *f, struct buf *out)
{
	AUTO_PIECE(signers);
	AUTO_PIECE(data);
	AUTO_PIECE(whole);
	AUTO_PIECE(info);

	buf_span(&data, f->head);
	set(DER_CONTEXT(0), f->certificate, f->n_certificates, &data);
	set(DER_CONTEXT(1), f->added.crl, f->added.n_crls, &data);
	signer_info(f, &signers);
	wrap(&data, DER_SET, &signers);
	wrap(&whole, DER_SEQUENCE, &data);
	der_write(&info, DER_OID, SPAN_OF(oid_signed_data));
	wrap(&info, DER_CONTEXT(0), &whole);
	wrap(out, DER_SEQUENCE, &info);
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
	wrap(&set, DER_SET, attrs);
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
	AUTO_PIECE(head);
	AUTO_PIECE(info);

	TRY(certificate_parse(certificate, &x, err));
	if (EVP_PKEY_eq(X509_get0_pubkey(x), key) != 1)
		return fail(err, RC_USAGE, "the key is not that of the certificate");
	TRY(parts_of(certificate, x, &p, err));
	attributes(&p, content, signed_at, &attrs);
	TRY(buf_check(&attrs, "package signature", err));
	TRY(sign(key, &attrs, sig, &n, err));
	head_write(&head);
	info_write(&p, &attrs, &info);
	TRY(buf_check(&head, "package signature", err));
	TRY(buf_check(&info, "package signature", err));
	message(&(struct form){ .head = buf_view(&head), .info = buf_view(&info), .value = SPAN(sig, n),
	    .n_certificates = 1, .certificate = { certificate } }, out);
	TRY(buf_check(out, "package signature", err));
	/* A token that signs wrongly must not be found out in court. */
	return cades_verify(certificate, content, signed_at, SPAN(out->p + from, out->n - from), NULL, err);
}

/* --- taking one apart -------------------------------------------------------------- */

/* The elements of a SET OF, at most `max` and at least one. */
static bool
take_set(struct span set, struct span *ret, uint32_t max, uint32_t *ret_n)
{
	struct rd	r = rd_init(set);
	uint32_t	n = 0;

	while (n < max && der_take(&r, DER_SEQUENCE, &ret[n], NULL))
		n++;
	*ret_n = n;
	return n > 0 && rd_done(&r);
}

/* [1] with the one attribute that may be there, and its one value. */
static bool
take_stamp(struct span attributes, struct span *ret_token)
{
	struct rd	r = rd_init(attributes);
	struct span	v, oid, values;

	if (!der_take(&r, DER_SEQUENCE, NULL, &v) || !rd_done(&r))
		return false;
	r = rd_init(v);
	if (!der_take(&r, DER_OID, NULL, &oid) || !span_eq(oid, SPAN_OF(oid_time_stamp_token)) ||
	    !der_take(&r, DER_SET, NULL, &values) || !rd_done(&r))
		return false;
	r = rd_init(values);
	return der_take(&r, DER_SEQUENCE, ret_token, NULL) && rd_done(&r);
}

static bool
take_signer(struct span info, struct form *f)
{
	struct rd	r = rd_init(info);
	struct span	v, unsigned_attributes;

	if (!der_take(&r, DER_SEQUENCE, NULL, &v) || !rd_done(&r))
		return false;
	r = rd_init(v);
	if (!der_take(&r, DER_INTEGER, NULL, NULL) || !der_take(&r, DER_SEQUENCE, NULL, NULL) ||
	    !der_take(&r, DER_SEQUENCE, NULL, NULL) || !der_take(&r, DER_CONTEXT(0), NULL, NULL) ||
	    !der_take(&r, DER_SEQUENCE, NULL, NULL))
		return false;
	f->info = SPAN(v.p, r.at);
	if (!der_take(&r, DER_OCTETS, NULL, &f->value) || f->value.n == 0 || f->value.n > SIG_DER_MAX)
		return false;
	if (!der_next(&r, DER_CONTEXT(1)))
		return rd_done(&r);
	return der_take(&r, DER_CONTEXT(1), NULL, &unsigned_attributes) && rd_done(&r) &&
	    take_stamp(unsigned_attributes, &f->added.token);
}

static bool
take_data(struct span data, struct form *f)
{
	struct rd	r = rd_init(data);
	struct span	set;
	uint32_t	n = 0;

	if (!der_take(&r, DER_INTEGER, NULL, NULL) || !der_take(&r, DER_SET, NULL, NULL) ||
	    !der_take(&r, DER_SEQUENCE, NULL, NULL))
		return false;
	f->head = SPAN(data.p, r.at);
	if (!der_take(&r, DER_CONTEXT(0), NULL, &set) ||
	    !take_set(set, f->certificate, 1 + CADES_LISTS_MAX, &f->n_certificates))
		return false;
	if (der_next(&r, DER_CONTEXT(1)) &&
	    (!der_take(&r, DER_CONTEXT(1), NULL, &set) || !take_set(set, f->added.crl, CADES_LISTS_MAX, &n)))
		return false;
	f->added.n_crls = (uint8_t)n;
	return der_take(&r, DER_SET, NULL, &set) && rd_done(&r) && take_signer(set, f);
}

/* Of the form that message() has; what stands in head and info is not looked at. */
static enum rc
form_take(struct span signature, struct form *ret, struct err *err)
{
	struct rd	r = rd_init(signature);
	struct span	v, data;

	memset(ret, 0, sizeof(*ret));
	if (signature.n > CADES_BYTES_MAX || !der_take(&r, DER_SEQUENCE, NULL, &v) || !rd_done(&r))
		return fail(err, RC_FORMAT, "malformed");
	r = rd_init(v);
	if (!der_take(&r, DER_OID, NULL, NULL) || !der_take(&r, DER_CONTEXT(0), NULL, &v) || !rd_done(&r))
		return fail(err, RC_FORMAT, "malformed");
	r = rd_init(v);
	if (!der_take(&r, DER_SEQUENCE, NULL, &data) || !rd_done(&r) || !take_data(data, ret))
		return fail(err, RC_FORMAT, "malformed");
	return RC_OK;
}

/* --- what may be added -------------------------------------------------------------- */

static enum rc
certificate_ok(struct span der, struct err *err)
{
	AUTO(X509_free) X509 *x = NULL;
	const uint8_t *p = der.p;

	libcrypto_begin();
	if (der.n > TIMESTAMP_CERT_MAX || !der_ok(der) || (x = d2i_X509(NULL, &p, (long)der.n)) == NULL)
		return fail(err, libcrypto_failed(RC_FORMAT), "a certificate beside the signer's cannot be read");
	return RC_OK;
}

static enum rc
crl_ok(struct span der, struct err *err)
{
	AUTO(X509_CRL_free) X509_CRL *x = NULL;
	const uint8_t *p = der.p;

	libcrypto_begin();
	if (der.n > TIMESTAMP_CRL_MAX || !der_ok(der) || (x = d2i_X509_CRL(NULL, &p, (long)der.n)) == NULL)
		return fail(err, libcrypto_failed(RC_FORMAT), "a revocation list in it cannot be read");
	return RC_OK;
}

/* That the token is one, and over this signature, is for timestamp_verify(). */
static enum rc
added_ok(const struct cades_added *a, struct err *err)
{
	if (a->token.n == 0 && (a->n_certificates > 0 || a->n_crls > 0))
		return fail(err, RC_FORMAT, "certificates or lists, and no time-stamp");
	if (a->token.n > CADES_TOKEN_MAX || (a->token.n > 0 && !der_ok(a->token)))
		return fail(err, RC_FORMAT, "its time-stamp is too long, or not DER");
	for (size_t i = 0; i < a->n_certificates; i++)
		TRY(certificate_ok(a->certificate[i], err));
	for (size_t i = 0; i < a->n_crls; i++)
		TRY(crl_ok(a->crl[i], err));
	return RC_OK;
}

enum rc
cades_imprint(struct span signature, uint8_t ret[SHA256_BYTES], struct err *err)
{
	struct form	f;

	TRY(form_take(signature, &f, err));
	sha256_one(ret, f.value);
	return RC_OK;
}

enum rc
cades_add(struct span signature, const struct cades_added *added, struct buf *out, struct err *err)
{
	struct form	f;
	uint8_t		imprint[SHA256_BYTES];

	TRY(form_take(signature, &f, err));
	if (f.added.token.n > 0 || f.added.n_crls > 0 || f.n_certificates != 1)
		return fail(err, RC_USAGE, "something was added to it already");
	if (added->n_certificates > CADES_LISTS_MAX || added->n_crls > CADES_LISTS_MAX)
		return fail(err, RC_LIMIT, "too many certificates or lists for it");
	TRY(added_ok(added, err));
	sha256_one(imprint, f.value);
	if (added->token.n > 0)
		TRY(timestamp_over(added->token, imprint, err));
	for (size_t i = 0; i < added->n_certificates; i++)
		f.certificate[f.n_certificates++] = added->certificate[i];
	f.added = *added;
	message(&f, out);
	return buf_check(out, "package signature", err);
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
		return fail(err, RC_FORMAT, "by another certificate");
	return RC_OK;
}

static enum rc
verify(X509 *x, const struct buf *attrs, struct span sig, struct err *err)
{
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	AUTO_PIECE(set);

	if (ctx == NULL)
		return fail(err, RC_NOMEM, "no memory");
	wrap(&set, DER_SET, attrs);
	TRY(buf_check(&set, "package signature", err));
	if (EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, X509_get0_pubkey(x)) != 1 ||
	    EVP_DigestVerify(ctx, sig.p, sig.n, set.p, set.n) != 1)
		return fail(err, RC_VERIFY, "it does not verify");
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
	message(&made, &again);
	TRY(buf_check(&again, "package signature", err));
	if (!span_eq(buf_view(&again), signature))
		return fail(err, RC_FORMAT, "of another content, certificate or time, "
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

enum rc
cades_exact(struct span certificate, const struct cades_added *a, const struct span *by, size_t n_by, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	carried = BUF_INIT(CADES_TOKEN_MAX);
	struct span			known[TIMESTAMP_KNOWN_MAX];
	struct rd			r;
	size_t				n = 0, n_carried;

	if (a->token.n == 0)
		return RC_OK;
	TRY(timestamp_exact(a->token, by, n_by, err));
	if (n_by > TIMESTAMP_KNOWN_MAX - TIMESTAMP_CERTS_MAX - 1)
		return fail(err, RC_LIMIT, "too many certificates to check it by");
	while (n < n_by) {
		known[n] = by[n];
		n++;
	}
	known[n++] = certificate;
	TRY(timestamp_certificates(a->token, &carried, &n_carried, err));
	r = rd_init(buf_view(&carried));
	while (n_carried > 0 && rd_vec32(&r, 1, TIMESTAMP_CERT_MAX, &known[n])) {
		n++;
		n_carried--;
	}
	return timestamp_issued(a->certificate, a->n_certificates, a->crl, a->n_crls, known, n, err);
}

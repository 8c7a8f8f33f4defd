/*
 * opening-v1 section 4. Signed attributes are there always: without them a message could
 * be taken for the attributes of another (RFC 5652 section 5.4 says what is signed when).
 */
#include "evidence/opening.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <string.h>

#include "base/auto.h"
#include "base/der.h"
#include "base/libcrypto.h"
#include "policy/cert.h"

#define SIGNATURE_MAX	(CERT_RSA_BITS_MAX / 8)

DEFINE_AUTO(EVP_MD_CTX_free, EVP_MD_CTX);

static const uint8_t oid_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 };
static const uint8_t oid_signed_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };
static const uint8_t oid_content_type[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03 };
static const uint8_t oid_message_digest[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04 };
static const uint8_t oid_sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };
static const uint8_t oid_ecdsa_sha256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t oid_rsa_sha256[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b };

#define AUTO_PIECE(b)	AUTO_DONE(buf_done) struct buf b = BUF_INIT(OPENING_BYTES_MAX)

struct signer {				/* whose certificate it is */
	struct span	 der;
	X509		*x;
	enum cert_kind	 kind;
};

static void
signer_done(struct signer *s)
{
	X509_free(s->x);
}

/* libcrypto's own queue of words is of no use to anybody later. */
static enum rc
fail(struct err *err, enum rc rc, const char *words)
{
	return err_set(err, libcrypto_failed(rc), "opening note: %s", words);
}

static enum rc
signer_of(struct span certificate, struct signer *ret, struct err *err)
{
	const uint8_t	*p = certificate.p;
	uint8_t		 digest[SHA256_BYTES];

	TRY(cert_check(certificate, &ret->kind, digest, err));
	if (ret->kind == CERT_OTHER)
		return err_set(err, RC_FORMAT, "opening note: the certificate's key is not EC P-256, P-384 or RSA");
	libcrypto_begin();
	if ((ret->x = d2i_X509(NULL, &p, (long)certificate.n)) == NULL)
		return fail(err, RC_FORMAT, "a certificate that cannot be read");
	ret->der = certificate;
	return RC_OK;
}

/* --- the message, from the inside out --------------------------------------------------- */

#define DER_NULL	0x05

/* A piece that was cut short must not look whole. */
static void
wrap(struct buf *out, uint8_t tag, const struct buf *piece)
{
	if (piece->rc != RC_OK)
		out->rc = piece->rc;
	der_write(out, tag, buf_view(piece));
}

static void
algorithm(struct buf *out, struct span oid, bool null)
{
	AUTO_PIECE(a);

	der_write(&a, DER_OID, oid);
	if (null)
		der_write(&a, DER_NULL, SPAN(NULL, 0));
	wrap(out, DER_SEQUENCE, &a);
}

static void
attribute(struct buf *out, struct span oid, uint8_t tag, struct span value)
{
	AUTO_PIECE(a);
	AUTO_PIECE(set);

	der_write(&a, DER_OID, oid);
	der_write(&set, tag, value);
	wrap(&a, DER_SET, &set);
	wrap(out, DER_SEQUENCE, &a);
}

/* Without their tag; a SET OF is sorted by encoding, and these two are by length. */
static void
attributes(struct span json, struct buf *out)
{
	uint8_t	digest[SHA256_BYTES];

	sha256_one(digest, json);
	attribute(out, SPAN_OF(oid_content_type), DER_OID, SPAN_OF(oid_data));
	attribute(out, SPAN_OF(oid_message_digest), DER_OCTETS, SPAN_OF(digest));
}

/* IssuerAndSerialNumber, as the certificate has them. */
static enum rc
issuer_and_serial(const struct signer *s, struct buf *out, struct err *err)
{
	const uint8_t	*name;
	uint8_t		*serial = NULL;
	size_t		 n;
	int		 len;

	libcrypto_begin();
	if (X509_NAME_get0_der(X509_get_issuer_name(s->x), &name, &n) != 1 ||
	    (len = i2d_ASN1_INTEGER(X509_get0_serialNumber(s->x), &serial)) <= 0)
		return fail(err, RC_FORMAT, "a certificate without issuer or serial number");
	buf_add(out, name, n);
	buf_add(out, serial, (size_t)len);
	OPENSSL_free(serial);
	return buf_check(out, "opening note", err);
}

static enum rc
signer_info(const struct signer *s, const struct buf *attrs, struct span signature, struct buf *out, struct err *err)
{
	AUTO_PIECE(id);
	AUTO_PIECE(info);

	TRY(issuer_and_serial(s, &id, err));
	der_write(&info, DER_INTEGER, SPAN_STR("\x01"));
	wrap(&info, DER_SEQUENCE, &id);
	algorithm(&info, SPAN_OF(oid_sha256), false);
	wrap(&info, DER_CONTEXT(0), attrs);
	if (s->kind == CERT_RSA)
		algorithm(&info, SPAN_OF(oid_rsa_sha256), true);
	else
		algorithm(&info, SPAN_OF(oid_ecdsa_sha256), false);
	der_write(&info, DER_OCTETS, signature);
	wrap(out, DER_SEQUENCE, &info);
	return RC_OK;
}

static void
content_info(struct span json, struct buf *out)
{
	AUTO_PIECE(octets);
	AUTO_PIECE(content);

	der_write(&octets, DER_OCTETS, json);
	der_write(&content, DER_OID, SPAN_OF(oid_data));
	wrap(&content, DER_CONTEXT(0), &octets);
	wrap(out, DER_SEQUENCE, &content);
}

static enum rc
message(const struct signer *s, struct span json, const struct buf *attrs, struct span signature, struct buf *out,
    struct err *err)
{
	AUTO_PIECE(digests);
	AUTO_PIECE(signers);
	AUTO_PIECE(data);
	AUTO_PIECE(whole);
	AUTO_PIECE(info);

	der_write(&data, DER_INTEGER, SPAN_STR("\x01"));
	algorithm(&digests, SPAN_OF(oid_sha256), false);
	wrap(&data, DER_SET, &digests);
	content_info(json, &data);
	der_write(&data, DER_CONTEXT(0), s->der);
	TRY(signer_info(s, attrs, signature, &signers, err));
	wrap(&data, DER_SET, &signers);
	wrap(&whole, DER_SEQUENCE, &data);
	der_write(&info, DER_OID, SPAN_OF(oid_signed_data));
	wrap(&info, DER_CONTEXT(0), &whole);
	wrap(out, DER_SEQUENCE, &info);
	return buf_check(out, "opening note", err);
}

/* --- signing and verifying --------------------------------------------------------------- */

/* What is signed: the attributes as the SET that they are, though stored under an implicit [0]. */
static enum rc
signed_bytes(const struct buf *attrs, struct buf *out, struct err *err)
{
	wrap(out, DER_SET, attrs);
	return buf_check(out, "opening note", err);
}

static enum rc
verify(const struct signer *s, const struct buf *attrs, struct span signature, struct err *err)
{
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *ctx = NULL;
	AUTO_PIECE(set);

	TRY(signed_bytes(attrs, &set, err));
	libcrypto_begin();
	if ((ctx = EVP_MD_CTX_new()) == NULL ||
	    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, X509_get0_pubkey(s->x)) != 1 ||
	    EVP_DigestVerify(ctx, signature.p, signature.n, set.p, set.n) != 1)
		return fail(err, RC_VERIFY, "the recipient's key did not sign it so");
	return RC_OK;
}

static enum rc
sign(EVP_PKEY *key, const struct buf *attrs, uint8_t out[SIGNATURE_MAX], size_t *ret_n, struct err *err)
{
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *ctx = NULL;
	struct err	*fault = libcrypto_key_fault(key);
	size_t		 n = SIGNATURE_MAX;
	AUTO_PIECE(set);

	TRY(signed_bytes(attrs, &set, err));
	if (fault != NULL)
		fault->rc = RC_OK;
	libcrypto_begin();
	if ((ctx = EVP_MD_CTX_new()) == NULL || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(ctx, out, &n, set.p, set.n) != 1)
		return fail(err, RC_IO, fault != NULL && fault->rc != RC_OK ? fault->msg :
		    "the recipient's key did not sign it");
	*ret_n = n;
	return RC_OK;
}

enum rc
opening_sign(const struct opening *o, EVP_PKEY *key, struct span certificate, struct buf *der, struct err *err)
{
	AUTO_DONE(signer_done) struct signer s = { .x = NULL };
	uint8_t	sig[SIGNATURE_MAX];
	size_t	n = 0;
	AUTO_PIECE(json);
	AUTO_PIECE(attrs);

	TRY(signer_of(certificate, &s, err));
	if (EVP_PKEY_eq(X509_get0_pubkey(s.x), key) != 1)
		return fail(err, RC_USAGE, "the key is not that of the certificate");
	TRY(opening_write(o, &json, err));
	attributes(buf_view(&json), &attrs);
	TRY(sign(key, &attrs, sig, &n, err));
	/* A card that signs wrongly must not be found out in court. */
	TRY(verify(&s, &attrs, SPAN(sig, n), err));
	return message(&s, buf_view(&json), &attrs, SPAN(sig, n), der, err);
}

/* The last thing in it; that all before it is as it must be shows when the message is made again. */
static bool
signature_of(struct span signer, struct span *ret)
{
	struct rd	r = rd_init(signer);
	struct span	in, skip;

	if (!der_take(&r, DER_SEQUENCE, NULL, &in))
		return false;
	r = rd_init(in);
	return der_any(&r, &skip) && der_any(&r, &skip) && der_any(&r, &skip) && der_any(&r, &skip) &&
	    der_any(&r, &skip) && der_take(&r, DER_OCTETS, NULL, ret) && rd_done(&r) && ret->n <= SIGNATURE_MAX;
}

static enum rc
verify_frame(struct span der, const struct opening_frame *f, struct err *err)
{
	AUTO_DONE(signer_done) struct signer s = { .x = NULL };
	struct span	signature;
	AUTO_PIECE(attrs);
	AUTO_PIECE(again);

	if (!signature_of(f->signer, &signature))
		return err_set(err, RC_FORMAT, "opening note: malformed signer");
	TRY(signer_of(f->certificate, &s, err));
	attributes(f->json, &attrs);
	TRY(message(&s, f->json, &attrs, signature, &again, err));
	if (!span_eq(buf_view(&again), der))
		return err_set(err, RC_FORMAT, "opening note: not in the one form it can have");
	return verify(&s, &attrs, signature, err);
}

enum rc
opening_verify_own(struct span der, struct opening *ret, uint8_t ret_certificate[SHA256_BYTES], struct err *err)
{
	struct opening_frame	f;

	TRY(opening_frame(der, &f, err));
	TRY(verify_frame(der, &f, err));
	TRY(opening_read(f.json, ret, err));
	sha256_one(ret_certificate, f.certificate);
	return RC_OK;
}

enum rc
opening_verify(struct span der, struct span certificate, struct opening *ret, struct err *err)
{
	struct opening_frame	f;

	TRY(opening_frame(der, &f, err));
	if (!span_eq(f.certificate, certificate))
		return err_set(err, RC_VERIFY, "opening note: signed with another certificate");
	TRY(verify_frame(der, &f, err));
	return opening_read(f.json, ret, err);
}

/* audit/timestamp_embed.c - certificates and lists into a token, and out of it; it stays as it was otherwise. */
#include <limits.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include "audit/timestamp_parts.h"
#include "base/auto.h"
#include "base/der.h"
#include "base/libcrypto.h"

/* Both at most; what a token and who embeds have together is twice that before equal ones go. */
#define EMBED_MAX	(2 * (TIMESTAMP_CERTS_MAX > TIMESTAMP_CRLS_MAX ? TIMESTAMP_CERTS_MAX : TIMESTAMP_CRLS_MAX))

static const uint8_t oid_signed_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };

static void
bytes_free(unsigned char *p)
{
	OPENSSL_free(p);
}

DEFINE_AUTO(PKCS7_free, PKCS7);
DEFINE_AUTO(X509_free, X509);
DEFINE_AUTO(X509_CRL_free, X509_CRL);
DEFINE_AUTO(bytes_free, unsigned char);

struct pieces {				/* of a SignedData, borrowed */
	struct span	head, signers;	/* version to encapContentInfo; signerInfos */
	struct span	certificates, crls;	/* the values of [0] and [1] */
};

static enum rc
take_apart(struct span token, struct pieces *ret, struct err *err)
{
	struct rd	r = rd_init(token), in;
	struct span	whole, oid, v;

	*ret = (struct pieces){ .head = token };
	if (!der_ok(token) || !der_take(&r, DER_SEQUENCE, &whole, &v))
		return err_set(err, RC_FORMAT, "time-stamp: the token is not DER");
	in = rd_init(v);
	if (!der_take(&in, DER_OID, NULL, &oid) || !span_eq(oid, SPAN_OF(oid_signed_data)) ||
	    !der_take(&in, DER_CONTEXT(0), NULL, &v) || !rd_done(&in))
		return err_set(err, RC_FORMAT, "time-stamp: the token is no SignedData");
	in = rd_init(v);
	if (!der_take(&in, DER_SEQUENCE, NULL, &v) || !rd_done(&in))
		return err_set(err, RC_FORMAT, "time-stamp: the token is no SignedData");
	in = rd_init(v);
	if (!der_take(&in, DER_INTEGER, NULL, NULL) || !der_take(&in, DER_SET, NULL, NULL) ||
	    !der_take(&in, DER_SEQUENCE, NULL, NULL))
		return err_set(err, RC_FORMAT, "time-stamp: the token is no SignedData");
	ret->head = SPAN(v.p, in.at);
	(void)der_take(&in, DER_CONTEXT(0), NULL, &ret->certificates);
	(void)der_take(&in, DER_CONTEXT(1), NULL, &ret->crls);
	if (!der_take(&in, DER_SET, &ret->signers, NULL) || !rd_done(&in))
		return err_set(err, RC_FORMAT, "time-stamp: the token is no SignedData");
	return RC_OK;
}

static enum rc
certificate_ok(struct span der, struct err *err)
{
	AUTO(X509_free) X509 *x = NULL;
	const unsigned char *p = der.p;

	libcrypto_begin();
	if (der.n == 0 || der.n > TIMESTAMP_CERT_MAX || !der_ok(der) ||
	    (x = d2i_X509(NULL, &p, (long)der.n)) == NULL || p != der.p + der.n)
		return err_set(err, libcrypto_failed(RC_FORMAT), "time-stamp: a certificate to embed cannot be read");
	return RC_OK;
}

static enum rc
crl_ok(struct span der, struct err *err)
{
	AUTO(X509_CRL_free) X509_CRL *x = NULL;
	const unsigned char *p = der.p;

	libcrypto_begin();
	if (der.n == 0 || der.n > TIMESTAMP_CRL_MAX || !der_ok(der) ||
	    (x = d2i_X509_CRL(NULL, &p, (long)der.n)) == NULL || p != der.p + der.n)
		return err_set(err, libcrypto_failed(RC_FORMAT), "time-stamp: a revocation list to embed cannot be read");
	return RC_OK;
}

/* Those in the token and these, as one implicit SET OF; nothing when there are none. */
static enum rc
set(uint8_t tag, struct span inside, const struct span *more, size_t n, size_t max,
    enum rc (*ok)(struct span, struct err *), struct buf *out, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	value = BUF_INIT(TIMESTAMP_TOKEN_MAX);
	struct span			all[EMBED_MAX];
	struct rd			r = rd_init(inside);
	size_t				have = 0;

	while (have < max && der_any(&r, &all[have]))
		have++;
	if (!rd_done(&r) || n > max)
		return err_set(err, RC_LIMIT, "time-stamp: more than %zu certificates or lists", max);
	for (size_t i = 0; i < n; i++) {
		TRY(ok(more[i], err));
		all[have++] = more[i];
	}
	if ((have = der_sort(all, have)) > max)
		return err_set(err, RC_LIMIT, "time-stamp: more than %zu certificates or lists", max);
	for (size_t i = 0; i < have; i++)
		buf_span(&value, all[i]);
	TRY(buf_check(&value, "time-stamp", err));
	if (have > 0)
		der_write(out, tag, buf_view(&value));
	return buf_check(out, "time-stamp", err);
}

/* Tokens are DER by RFC 3161; from who took another of BER's forms libcrypto makes it. */
static enum rc
as_der(struct span token, struct buf *out, struct err *err)
{
	AUTO(PKCS7_free) PKCS7 *parsed = NULL;
	AUTO(bytes_free) unsigned char *der = NULL;
	const unsigned char	*p = token.p;
	int			 n;

	if (der_ok(token)) {
		buf_span(out, token);
		return buf_check(out, "time-stamp", err);
	}
	libcrypto_begin();
	if (token.n == 0 || token.n > TIMESTAMP_TOKEN_MAX ||
	    (parsed = d2i_PKCS7(NULL, &p, (long)token.n)) == NULL || p != token.p + token.n ||
	    (n = i2d_PKCS7(parsed, &der)) <= 0)
		return err_set(err, libcrypto_failed(RC_FORMAT), "time-stamp: no RFC 3161 token");
	buf_add(out, der, (size_t)n);
	return buf_check(out, "time-stamp", err);
}

static enum rc
put_together(const struct pieces *p, const struct span *certificate, size_t n_certificates, const struct span *crl,
    size_t n_crls, struct buf *out, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	data = BUF_INIT(TIMESTAMP_TOKEN_MAX), signed_data = data, info = data;

	buf_span(&data, p->head);
	TRY(set(DER_CONTEXT(0), p->certificates, certificate, n_certificates, TIMESTAMP_CERTS_MAX, certificate_ok,
	    &data, err));
	TRY(set(DER_CONTEXT(1), p->crls, crl, n_crls, TIMESTAMP_CRLS_MAX, crl_ok, &data, err));
	buf_span(&data, p->signers);
	TRY(buf_check(&data, "time-stamp", err));
	der_write(&signed_data, DER_SEQUENCE, buf_view(&data));
	TRY(buf_check(&signed_data, "time-stamp", err));
	der_write(&info, DER_OID, SPAN_OF(oid_signed_data));
	der_write(&info, DER_CONTEXT(0), buf_view(&signed_data));
	TRY(buf_check(&info, "time-stamp", err));
	if (info.n + 4 > TIMESTAMP_TOKEN_MAX)
		return err_set(err, RC_LIMIT, "time-stamp: more than %d bytes with what was embedded",
		    TIMESTAMP_TOKEN_MAX);
	der_write(out, DER_SEQUENCE, buf_view(&info));
	return buf_check(out, "time-stamp", err);
}

enum rc
timestamp_embed(struct span token, const struct span *certificate, size_t n_certificates,
    const struct span *crl, size_t n_crls, struct buf *out, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	der = BUF_INIT(TIMESTAMP_TOKEN_MAX);
	struct pieces			p;

	TRY(as_der(token, &der, err));
	TRY(take_apart(buf_view(&der), &p, err));
	return put_together(&p, certificate, n_certificates, crl, n_crls, out, err);
}

/* --- less of them ---------------------------------------------------------------------- */

static enum rc
list(struct span inside, size_t max, struct span *ret, size_t *ret_n, struct err *err)
{
	struct rd	r = rd_init(inside);

	for (*ret_n = 0; *ret_n < max && der_any(&r, &ret[*ret_n]);)
		(*ret_n)++;
	return rd_done(&r) ? RC_OK : err_set(err, RC_LIMIT, "time-stamp: more than %zu certificates or lists", max);
}

static size_t
keep(struct span *all, const bool *belongs, size_t n)
{
	size_t	kept = 0;

	for (size_t i = 0; i < n; i++)
		if (belongs[i])
			all[kept++] = all[i];
	return kept;
}

enum rc
timestamp_trim(struct span token, const struct span *by, size_t n_by, struct buf *out, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	der = BUF_INIT(TIMESTAMP_TOKEN_MAX);
	struct span			certificate[TIMESTAMP_CERTS_MAX], crl[TIMESTAMP_CRLS_MAX];
	bool				c_belongs[TIMESTAMP_CERTS_MAX], l_belongs[TIMESTAMP_CRLS_MAX];
	size_t				n_certificates, n_crls;
	struct pieces			p;

	TRY(as_der(token, &der, err));
	TRY(take_apart(buf_view(&der), &p, err));
	TRY(list(p.certificates, TIMESTAMP_CERTS_MAX, certificate, &n_certificates, err));
	TRY(list(p.crls, TIMESTAMP_CRLS_MAX, crl, &n_crls, err));
	TRY(timestamp_belonging(certificate, n_certificates, crl, n_crls, by, n_by, c_belongs, l_belongs, err));
	p.certificates = p.crls = SPAN(NULL, 0);
	n_certificates = keep(certificate, c_belongs, n_certificates);
	return put_together(&p, certificate, n_certificates, crl, keep(crl, l_belongs, n_crls), out, err);
}

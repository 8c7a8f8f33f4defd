/* A package's signature as a message: put together, taken apart, and what may be added to it. */
#include "evidence/cades_parts.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <string.h>

#include "audit/timestamp.h"
#include "base/auto.h"
#include "base/libcrypto.h"

DEFINE_AUTO(X509_free, X509);
DEFINE_AUTO(X509_CRL_free, X509_CRL);

static const uint8_t oid_signed_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };
static const uint8_t oid_time_stamp_token[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09,
    0x10, 0x02, 0x0e };

/* libcrypto's own queue of words is of no use to anybody later. */
enum rc
cades_fail(struct err *err, enum rc rc, const char *words)
{
	ERR_clear_error();
	return err_set(err, rc, "package signature: %s", words);
}

void
cades_wrap(struct buf *out, uint8_t tag, const struct buf *piece)
{
	if (piece->rc != RC_OK)
		out->rc = piece->rc;
	der_write(out, tag, buf_view(piece));
}

void
cades_attribute(struct buf *out, struct span oid, const struct buf *value)
{
	AUTO_PIECE(a);

	der_write(&a, DER_OID, oid);
	cades_wrap(&a, DER_SET, value);
	cades_wrap(out, DER_SEQUENCE, &a);
}

/* --- putting one together ------------------------------------------------------------ */

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
		cades_attribute(&stamp, SPAN_OF(oid_time_stamp_token), &token);
		cades_wrap(&info, DER_CONTEXT(1), &stamp);
	}
	cades_wrap(out, DER_SEQUENCE, &info);
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
		cades_wrap(out, tag, &value);
}

/* From the inside out. */
void
form_write(const struct form *f, struct buf *out)
{
	AUTO_PIECE(signers);
	AUTO_PIECE(data);
	AUTO_PIECE(whole);
	AUTO_PIECE(info);

	buf_span(&data, f->head);
	set(DER_CONTEXT(0), f->certificate, f->n_certificates, &data);
	set(DER_CONTEXT(1), f->added.crl, f->added.n_crls, &data);
	signer_info(f, &signers);
	cades_wrap(&data, DER_SET, &signers);
	cades_wrap(&whole, DER_SEQUENCE, &data);
	der_write(&info, DER_OID, SPAN_OF(oid_signed_data));
	cades_wrap(&info, DER_CONTEXT(0), &whole);
	cades_wrap(out, DER_SEQUENCE, &info);
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

enum rc
form_take(struct span signature, struct form *ret, struct err *err)
{
	struct rd	r = rd_init(signature);
	struct span	v, data;

	memset(ret, 0, sizeof(*ret));
	if (signature.n > CADES_BYTES_MAX || !der_take(&r, DER_SEQUENCE, NULL, &v) || !rd_done(&r))
		return cades_fail(err, RC_FORMAT, "malformed");
	r = rd_init(v);
	if (!der_take(&r, DER_OID, NULL, NULL) || !der_take(&r, DER_CONTEXT(0), NULL, &v) || !rd_done(&r))
		return cades_fail(err, RC_FORMAT, "malformed");
	r = rd_init(v);
	if (!der_take(&r, DER_SEQUENCE, NULL, &data) || !rd_done(&r) || !take_data(data, ret))
		return cades_fail(err, RC_FORMAT, "malformed");
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
		return cades_fail(err, libcrypto_failed(RC_FORMAT), "a certificate beside the signer's cannot be read");
	return RC_OK;
}

static enum rc
crl_ok(struct span der, struct err *err)
{
	AUTO(X509_CRL_free) X509_CRL *x = NULL;
	const uint8_t *p = der.p;

	libcrypto_begin();
	if (der.n > TIMESTAMP_CRL_MAX || !der_ok(der) || (x = d2i_X509_CRL(NULL, &p, (long)der.n)) == NULL)
		return cades_fail(err, libcrypto_failed(RC_FORMAT), "a revocation list in it cannot be read");
	return RC_OK;
}

enum rc
added_ok(const struct cades_added *a, struct err *err)
{
	if (a->token.n == 0 && (a->n_certificates > 0 || a->n_crls > 0))
		return cades_fail(err, RC_FORMAT, "certificates or lists, and no time-stamp");
	if (a->token.n > CADES_TOKEN_MAX || (a->token.n > 0 && !der_ok(a->token)))
		return cades_fail(err, RC_FORMAT, "its time-stamp is too long, or not DER");
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
		return cades_fail(err, RC_USAGE, "something was added to it already");
	if (added->n_certificates > CADES_LISTS_MAX || added->n_crls > CADES_LISTS_MAX)
		return cades_fail(err, RC_LIMIT, "too many certificates or lists for it");
	TRY(added_ok(added, err));
	sha256_one(imprint, f.value);
	if (added->token.n > 0)
		TRY(timestamp_over(added->token, imprint, err));
	for (size_t i = 0; i < added->n_certificates; i++)
		f.certificate[f.n_certificates++] = added->certificate[i];
	f.added = *added;
	form_write(&f, out);
	return buf_check(out, "package signature", err);
}

/* --- nothing of it is free ------------------------------------------------------------- */

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
		return cades_fail(err, RC_LIMIT, "too many certificates to check it by");
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

void
cades_beside(const struct cades_added *a, struct timestamp_trust *ret)
{
	ret->crl = a->crl;
	ret->n_crls = a->n_crls;
	ret->any_crl = true;
}

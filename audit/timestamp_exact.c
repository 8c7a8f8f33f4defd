/*
 * audit/timestamp_exact.c - a token of which no byte is free, that its signature does not cover.
 *
 * libcrypto takes much for the same: names in other letters, a version, an algorithm that it
 * does not look at, a certificate that it does not need (package-v1 section 6).
 */
#include <string.h>

#include <openssl/x509.h>

#include "audit/timestamp_parts.h"
#include "base/auto.h"
#include "base/der.h"
#include "base/libcrypto.h"
#include "base/wire.h"

/* Whose keys may have signed. */
#define SUBJECTS_MAX	(TIMESTAMP_CERTS_MAX + TIMESTAMP_KNOWN_MAX)

static const uint8_t	version_1[] = { DER_INTEGER, 1, 1 }, version_3[] = { DER_INTEGER, 1, 3 }, null[] = { 5, 0 };

static void
bytes_free(unsigned char *p)
{
	OPENSSL_free(p);
}

DEFINE_AUTO(ASN1_OBJECT_free, ASN1_OBJECT);
DEFINE_AUTO(X509_free, X509);
DEFINE_AUTO(X509_CRL_free, X509_CRL);
DEFINE_AUTO(bytes_free, unsigned char);

/* --- its parts ------------------------------------------------------------------------- */

struct token {				/* spans borrow */
	struct span	digests;		/* of digestAlgorithms, the values */
	struct span	certificates, crls;	/* of [0] and [1], the values */
	struct span	issuer, serial;		/* whole */
	struct span	digest, signature;	/* algorithms, the values */
};

static bool
take_signer(struct span signers, struct token *t)
{
	struct rd	r = rd_init(signers), id;
	struct span	v;

	if (!der_take(&r, DER_SEQUENCE, NULL, &v) || !rd_done(&r))
		return false;
	r = rd_init(v);
	if (!rd_expect(&r, version_1, sizeof(version_1)) || !der_take(&r, DER_SEQUENCE, NULL, &v))
		return false;
	id = rd_init(v);
	return der_take(&id, DER_SEQUENCE, &t->issuer, NULL) && der_take(&id, DER_INTEGER, &t->serial, NULL) &&
	    rd_done(&id) && der_take(&r, DER_SEQUENCE, NULL, &t->digest) &&
	    der_take(&r, DER_CONTEXT(0), NULL, NULL) && der_take(&r, DER_SEQUENCE, NULL, &t->signature) &&
	    der_take(&r, DER_OCTETS, NULL, NULL) && rd_done(&r);
}

static bool
take_token(struct span der, struct token *t)
{
	struct rd	r = rd_init(der);
	struct span	v, signers;

	memset(t, 0, sizeof(*t));
	if (!der_ok(der) || !der_take(&r, DER_SEQUENCE, NULL, &v))
		return false;
	r = rd_init(v);
	if (!der_take(&r, DER_OID, NULL, NULL) || !der_take(&r, DER_CONTEXT(0), NULL, &v) || !rd_done(&r))
		return false;
	r = rd_init(v);
	if (!der_take(&r, DER_SEQUENCE, NULL, &v) || !rd_done(&r))
		return false;
	r = rd_init(v);
	if (!rd_expect(&r, version_3, sizeof(version_3)) || !der_take(&r, DER_SET, NULL, &t->digests) ||
	    !der_take(&r, DER_SEQUENCE, NULL, NULL))
		return false;
	(void)der_take(&r, DER_CONTEXT(0), NULL, &t->certificates);
	(void)der_take(&r, DER_CONTEXT(1), NULL, &t->crls);
	return der_take(&r, DER_SET, NULL, &signers) && rd_done(&r) && take_signer(signers, t);
}

/* An algorithm without parameters, or with those that mean none. */
static bool
algorithm(struct span value, int *ret_nid)
{
	AUTO(ASN1_OBJECT_free) ASN1_OBJECT *o = NULL;
	struct rd	r = rd_init(value);
	struct span	oid;
	const uint8_t	*p;

	if (!der_take(&r, DER_OID, &oid, NULL) || (!rd_done(&r) && !rd_expect(&r, null, sizeof(null))) || !rd_done(&r))
		return false;
	p = oid.p;
	if ((o = d2i_ASN1_OBJECT(NULL, &p, (long)oid.n)) == NULL)
		return false;
	*ret_nid = OBJ_obj2nid(o);
	return *ret_nid != NID_undef;
}

/* Named alone, or with the digest that it really signs. */
static bool
signs_with(int signature, int digest, const EVP_PKEY *key)
{
	int	md, kind;

	if (signature == EVP_PKEY_get_base_id(key))
		return true;
	return OBJ_find_sigid_algs(signature, &md, &kind) == 1 && md == digest && kind == EVP_PKEY_get_base_id(key);
}

static bool
algorithms_ok(const struct token *t, const X509 *signer)
{
	struct rd	r = rd_init(t->digests);
	struct span	one;
	int		announced, digest, signature;

	return der_take(&r, DER_SEQUENCE, NULL, &one) && rd_done(&r) && algorithm(one, &announced) &&
	    algorithm(t->digest, &digest) && digest == announced && algorithm(t->signature, &signature) &&
	    X509_get0_pubkey(signer) != NULL && signs_with(signature, digest, X509_get0_pubkey(signer));
}

/* --- whose certificates and lists they are ---------------------------------------------------- */

struct subjects {
	size_t	n;
	X509	*x[SUBJECTS_MAX];
	bool	known[SUBJECTS_MAX];	/* it belongs to those by which the others are checked */
};

static void
subjects_done(struct subjects *s)
{
	while (s->n > 0)
		X509_free(s->x[--s->n]);
}

static enum rc
subject(struct subjects *s, struct span der, struct err *err)
{
	const uint8_t	*p = der.p;
	X509		*x;

	libcrypto_begin();
	if ((x = d2i_X509(NULL, &p, (long)der.n)) == NULL || p != der.p + der.n) {
		X509_free(x);
		return timestamp_fail(err, RC_FORMAT, "a certificate that came with it cannot be read");
	}
	s->x[s->n++] = x;
	return RC_OK;
}

/* libcrypto reads some of what is not DER: what it read must be what it would write. */
static bool
again(const unsigned char *der, int n, struct span was)
{
	return n > 0 && span_eq(SPAN(der, (size_t)n), was);
}

/* Did this certificate issue that one? Not if it is no CA's: who bought a certificate has not bought the right to add more. */
static bool
issued(X509 *by, X509 *x)
{
	EVP_PKEY	*key = X509_get0_pubkey(by);
	int		 ca = X509_check_ca(by);

	return key != NULL && (ca == 1 || ca == 3 /* version 1, self-signed */) &&
	    X509_NAME_cmp(X509_get_subject_name(by), X509_get_issuer_name(x)) == 0 &&
	    X509_verify(x, key) == 1;
}

/* Below one that is known; or above one, at the end of its chain. That it signed itself alone says nothing. */
static bool
belongs(const struct subjects *s, X509 *x)
{
	bool	ends = issued(x, x);

	for (size_t i = 0; i < s->n; i++)
		if (s->known[i] && (issued(s->x[i], x) || (ends && issued(x, s->x[i]))))
			return true;
	return false;
}

/* One that belongs may be what another one belongs to. */
static void
find_known(struct subjects *s, size_t n)
{
	for (bool more = true; more;) {
		more = false;
		for (size_t i = 0; i < n; i++)
			if (!s->known[i] && belongs(s, s->x[i]))
				s->known[i] = more = true;
	}
}

static bool
certificate_ok(X509 *x, struct span was)
{
	AUTO(bytes_free) unsigned char *der = NULL;
	int	n = i2d_X509(x, &der);

	return again(der, n, was);
}

static bool
crl_ok(const struct subjects *s, X509_CRL *crl, struct span was)
{
	AUTO(bytes_free) unsigned char *der = NULL;
	int	n = i2d_X509_CRL(crl, &der);

	if (!again(der, n, was))
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (s->known[i] && X509_NAME_cmp(X509_get_subject_name(s->x[i]), X509_CRL_get_issuer(crl)) == 0 &&
		    X509_CRL_verify(crl, X509_get0_pubkey(s->x[i])) == 1)
			return true;
	return false;
}

static bool
among(struct span one, const struct span *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(one, all[i]))
			return true;
	return false;
}

enum rc
timestamp_belonging(const struct span *certificate, size_t n_certificates, const struct span *crl, size_t n_crls,
    const struct span *by, size_t n_by, bool *ret_certificates, bool *ret_crls, struct err *err)
{
	AUTO_DONE(subjects_done) struct subjects s = { .n = 0 };

	if (n_certificates > TIMESTAMP_CERTS_MAX || n_by > TIMESTAMP_KNOWN_MAX)
		return err_set(err, RC_LIMIT, "time-stamp: more than %d certificates to check it by",
		    TIMESTAMP_KNOWN_MAX);
	for (size_t i = 0; i < n_certificates; i++)
		TRY(subject(&s, certificate[i], err));
	for (size_t i = 0; i < n_by; i++)
		TRY(subject(&s, by[i], err));
	libcrypto_begin();
	for (size_t i = 0; i < s.n; i++)
		s.known[i] = i >= n_certificates || among(certificate[i], by, n_by);
	find_known(&s, n_certificates);
	for (size_t i = 0; i < n_certificates; i++)
		ret_certificates[i] = among(certificate[i], by, n_by) || (s.known[i] && certificate_ok(s.x[i], certificate[i]));
	for (size_t i = 0; i < n_crls; i++) {
		const uint8_t	*p = crl[i].p;
		AUTO(X509_CRL_free) X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)crl[i].n);

		ret_crls[i] = x != NULL && crl_ok(&s, x, crl[i]);
	}
	/* Without memory whoever signed looks like nobody. */
	if (libcrypto_failed(RC_OK) != RC_OK)
		return err_set(err, RC_NOMEM, "time-stamp: no memory to look at what came with it");
	libcrypto_begin();	/* keys that did not fit have left words */
	return RC_OK;
}

enum rc
timestamp_issued(const struct span *certificate, size_t n_certificates, const struct span *crl, size_t n_crls,
    const struct span *by, size_t n_by, struct err *err)
{
	bool	c_belongs[TIMESTAMP_CERTS_MAX], l_belongs[TIMESTAMP_CRLS_MAX];

	if (n_crls > TIMESTAMP_CRLS_MAX)
		return err_set(err, RC_LIMIT, "time-stamp: more than %d revocation lists", TIMESTAMP_CRLS_MAX);
	TRY(timestamp_belonging(certificate, n_certificates, crl, n_crls, by, n_by, c_belongs, l_belongs, err));
	for (size_t i = 0; i < n_certificates; i++)
		if (!c_belongs[i])
			return timestamp_fail(err, RC_FORMAT, "a certificate that came with it is signed by nobody who is known");
	for (size_t i = 0; i < n_crls; i++)
		if (!l_belongs[i])
			return timestamp_fail(err, RC_FORMAT, "a revocation list that came with it is signed by nobody who is known");
	return RC_OK;
}

/* --- all of it ------------------------------------------------------------------------------- */

/* Elements of a SET OF in their one order. */
static bool
take_sorted(struct span set, struct span *ret, size_t max, size_t *ret_n)
{
	struct span	sorted[TIMESTAMP_CERTS_MAX + TIMESTAMP_CRLS_MAX];
	struct rd	r = rd_init(set);
	size_t		n = 0;

	while (n < max && der_take(&r, DER_SEQUENCE, &ret[n], NULL))
		n++;
	*ret_n = n;
	memcpy(sorted, ret, n * sizeof(*ret));
	if (!rd_done(&r) || der_sort(sorted, n) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!span_eq(sorted[i], ret[i]))
			return false;
	return true;
}

/* Is the certificate in it that the token says is its signer's? By bytes, where libcrypto takes letters for equal. */
static enum rc
has_signer(const struct token *t, const struct span *certificate, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		AUTO(X509_free) X509 *x = NULL;
		AUTO(bytes_free) unsigned char *serial = NULL;
		const uint8_t	*p = certificate[i].p, *name;
		size_t		 name_n;
		int		 serial_n;

		libcrypto_begin();
		if ((x = d2i_X509(NULL, &p, (long)certificate[i].n)) == NULL ||
		    X509_NAME_get0_der(X509_get_issuer_name(x), &name, &name_n) != 1 ||
		    (serial_n = i2d_ASN1_INTEGER(X509_get0_serialNumber(x), &serial)) <= 0)
			return timestamp_fail(err, RC_FORMAT, "a certificate that came with it cannot be read");
		if (!span_eq(SPAN(name, name_n), t->issuer) || !span_eq(SPAN(serial, (size_t)serial_n), t->serial))
			continue;
		if (!algorithms_ok(t, x))
			return timestamp_fail(err, RC_FORMAT, "its algorithms are not named in their one form");
		return RC_OK;
	}
	return err_set(err, RC_FORMAT, "time-stamp: the certificate of who made it is not in it");
}

enum rc
timestamp_exact(struct span der, const struct span *by, size_t n_by, struct err *err)
{
	struct span	certificate[TIMESTAMP_CERTS_MAX], crl[TIMESTAMP_CRLS_MAX];
	size_t		n_certificates, n_crls;
	struct token	t;

	if (!take_token(der, &t) ||
	    !take_sorted(t.certificates, certificate, TIMESTAMP_CERTS_MAX, &n_certificates) ||
	    !take_sorted(t.crls, crl, TIMESTAMP_CRLS_MAX, &n_crls))
		return err_set(err, RC_FORMAT, "time-stamp: not in the one form that a token has in a package");
	TRY(has_signer(&t, certificate, n_certificates, err));
	/* Its signer's as well: who names it is not signed, and another of that name may stand beside the one that is bound. */
	return timestamp_issued(certificate, n_certificates, crl, n_crls, by, n_by, err);
}

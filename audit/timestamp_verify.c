/* audit/timestamp_verify.c - the check of a time-stamp, years later. */
#include <limits.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "audit/timestamp_parts.h"
#include "base/auto.h"
#include "base/libcrypto.h"

/* No RSA below 2048 bits and no SHA-1 on the way to the root. */
#define AUTH_LEVEL	2

typedef STACK_OF(X509) certs;

static void
certs_free(certs *c)
{
	sk_X509_pop_free(c, X509_free);
}

static void
bytes_free(unsigned char *p)
{
	OPENSSL_free(p);
}

DEFINE_AUTO(ASN1_TIME_free, ASN1_TIME);
DEFINE_AUTO(BIO_free_all, BIO);
DEFINE_AUTO(PKCS7_free, PKCS7);
DEFINE_AUTO(TS_TST_INFO_free, TS_TST_INFO);
DEFINE_AUTO(X509_free, X509);
DEFINE_AUTO(X509_CRL_free, X509_CRL);
DEFINE_AUTO(X509_STORE_free, X509_STORE);
DEFINE_AUTO(X509_STORE_CTX_free, X509_STORE_CTX);
DEFINE_AUTO(bytes_free, unsigned char);
DEFINE_AUTO(certs_free, certs);

enum rc
timestamp_parse(struct span der, PKCS7 **ret, TS_TST_INFO **ret_info, struct err *err)
{
	AUTO(PKCS7_free) PKCS7 *token = NULL;
	AUTO(TS_TST_INFO_free) TS_TST_INFO *info = NULL;
	const unsigned char	*p = der.p;

	libcrypto_begin();
	if (der.n == 0 || der.n > TIMESTAMP_TOKEN_MAX ||
	    (token = d2i_PKCS7(NULL, &p, (long)der.n)) == NULL || p != der.p + der.n ||
	    (info = PKCS7_to_TS_TST_INFO(token)) == NULL)
		return timestamp_fail(err, RC_FORMAT, "no RFC 3161 token");
	*ret = TAKE(token);
	*ret_info = TAKE(info);
	return RC_OK;
}

/* Without a clock of our own: how long after the epoch. Fractions are cut off. */
static enum rc
time_of(const ASN1_TIME *t, when *ret, struct err *err)
{
	AUTO(ASN1_TIME_free) ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int	days, seconds;

	if (epoch == NULL)
		return err_set(err, RC_NOMEM, "time-stamp: no memory");
	if (ASN1_TIME_diff(&days, &seconds, epoch, t) != 1 || days < 0 || seconds < 0)
		return timestamp_fail(err, RC_FORMAT, "its time cannot be read");
	*ret = (when)days * 86400 + (when)seconds;
	return RC_OK;
}

enum rc
timestamp_time(struct span token, when *ret, struct err *err)
{
	AUTO(PKCS7_free) PKCS7		*p7 = NULL;
	AUTO(TS_TST_INFO_free) TS_TST_INFO *info = NULL;

	TRY(timestamp_parse(token, &p7, &info, err));
	return time_of(TS_TST_INFO_get_time(info), ret, err);
}

static enum rc
cert_parse(struct span der, X509 **ret, struct err *err)
{
	const unsigned char	*p = der.p;

	libcrypto_begin();
	if (der.n == 0 || der.n > LONG_MAX || (*ret = d2i_X509(NULL, &p, (long)der.n)) == NULL ||
	    p != der.p + der.n)
		return timestamp_fail(err, RC_FORMAT, "a certificate that came with it cannot be read");
	return RC_OK;
}

static enum rc
add_roots(X509_STORE *store, const struct timestamp_trust *t, struct err *err)
{
	for (size_t i = 0; i < t->n_roots; i++) {
		AUTO(X509_free) X509 *x = NULL;

		TRY(cert_parse(t->root[i], &x, err));
		if (X509_STORE_add_cert(store, x) != 1)
			return err_set(err, RC_NOMEM, "time-stamp: no memory");
	}
	return RC_OK;
}

static enum rc
crl_parse(struct span der, X509_CRL **ret, struct err *err)
{
	const unsigned char	*p = der.p;

	libcrypto_begin();
	if (der.n == 0 || der.n > TIMESTAMP_CRL_MAX ||
	    (*ret = d2i_X509_CRL(NULL, &p, (long)der.n)) == NULL || p != der.p + der.n)
		return timestamp_fail(err, RC_FORMAT, "a revocation list that came with it cannot be read");
	return RC_OK;
}

static enum rc
add_crls(X509_STORE *store, const struct timestamp_trust *t, struct err *err)
{
	for (size_t i = 0; i < t->n_crls; i++) {
		AUTO(X509_CRL_free) X509_CRL *crl = NULL;

		TRY(crl_parse(t->crl[i], &crl, err));
		if (X509_STORE_add_crl(store, crl) != 1)
			return err_set(err, RC_NOMEM, "time-stamp: no memory");
	}
	return RC_OK;
}

static enum rc
intermediates(const struct timestamp_trust *t, certs **ret, struct err *err)
{
	AUTO(certs_free) certs *c = sk_X509_new_null();

	for (size_t i = 0; c != NULL && i < t->n_certificates; i++) {
		AUTO(X509_free) X509 *x = NULL;

		TRY(cert_parse(t->certificate[i], &x, err));
		if (sk_X509_push(c, x) == 0)
			return err_set(err, RC_NOMEM, "time-stamp: no memory");
		x = NULL;
	}
	if (c == NULL)
		return err_set(err, RC_NOMEM, "time-stamp: no memory");
	*ret = TAKE(c);
	return RC_OK;
}

/*
 * RFC 3161 section 4: a certificate that was revoked after the stamp, for a reason that
 * leaves its key alone, leaves the stamp good; without a reason nothing it signed is.
 */
static bool
leaves_stamp(const X509_REVOKED *entry, time_t at)
{
	ASN1_ENUMERATED	*reason;
	long		 why = -1;
	int		 critical;

	if (ASN1_TIME_cmp_time_t(X509_REVOKED_get0_revocationDate(entry), at) != 1)
		return false;
	reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, &critical, NULL);
	if (reason != NULL)
		why = ASN1_ENUMERATED_get(reason);
	ASN1_ENUMERATED_free(reason);
	return why == CRL_REASON_UNSPECIFIED || why == CRL_REASON_AFFILIATION_CHANGED ||
	    why == CRL_REASON_SUPERSEDED || why == CRL_REASON_CESSATION_OF_OPERATION;
}

/* On every list that has it. Which of them was looked at libcrypto does not always say. */
static bool
revoked_later(X509_STORE_CTX *ctx)
{
	STACK_OF(X509_OBJECT)	*all = X509_STORE_get0_objects(X509_STORE_CTX_get0_store(ctx));
	X509			*cert = X509_STORE_CTX_get_current_cert(ctx);
	time_t			 at = X509_VERIFY_PARAM_get_time(X509_STORE_CTX_get0_param(ctx));
	X509_REVOKED		*entry;
	X509_CRL		*crl;

	for (int i = 0; cert != NULL && i < sk_X509_OBJECT_num(all); i++) {
		crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(all, i));
		if (crl != NULL && X509_CRL_get0_by_cert(crl, &entry, cert) != 0 && !leaves_stamp(entry, at))
			return false;
	}
	return cert != NULL;
}

/* Of a CA in the chain there need be no list, and one that has run out still revokes. */
static bool
not_asked(X509_STORE_CTX *ctx, int e)
{
	return X509_STORE_CTX_get_error_depth(ctx) > 0 && (e == X509_V_ERR_UNABLE_TO_GET_CRL ||
	    e == X509_V_ERR_CRL_HAS_EXPIRED);
}

/* What ends the chain is trusted as such, whatever lists say of it; their signers may be above it. */
static bool
trusted_as_such(X509_STORE_CTX *ctx, int e)
{
	int	depth = X509_STORE_CTX_get_error_depth(ctx);

	return depth > 0 && depth + 1 == sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) &&
	    (e == X509_V_ERR_CERT_REVOKED || e == X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER ||
	    e == X509_V_ERR_CRL_SIGNATURE_FAILURE || e == X509_V_ERR_KEYUSAGE_NO_CRL_SIGN);
}

/* A list that was made after the stamp knows more than one that was there before. */
static int
pass_over(int ok, X509_STORE_CTX *ctx)
{
	int	e = X509_STORE_CTX_get_error(ctx);

	if (ok)
		return 1;
	if (!not_asked(ctx, e) && !trusted_as_such(ctx, e) &&
	    e != X509_V_ERR_CRL_NOT_YET_VALID && (e != X509_V_ERR_CERT_REVOKED || !revoked_later(ctx)))
		return 0;
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

/* Where nobody asked for a list of the signer's issuer, those of others are no reason to miss one. */
static int
pass_over_none(int ok, X509_STORE_CTX *ctx)
{
	if (ok || X509_STORE_CTX_get_error(ctx) != X509_V_ERR_UNABLE_TO_GET_CRL)
		return pass_over(ok, ctx);
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

/* What a token carries counts as if it had come beside it. */
static enum rc
add_carried(X509_STORE *store, PKCS7 *token, struct err *err)
{
	STACK_OF(X509_CRL)	*all = token->d.sign->crl;

	if (sk_X509_CRL_num(all) > TIMESTAMP_CRLS_MAX)
		return err_set(err, RC_LIMIT, "time-stamp: %d revocation lists in it, at most %d",
		    sk_X509_CRL_num(all), TIMESTAMP_CRLS_MAX);
	for (int i = 0; i < sk_X509_CRL_num(all); i++)
		if (X509_STORE_add_crl(store, sk_X509_CRL_value(all, i)) != 1)
			return err_set(err, RC_NOMEM, "time-stamp: no memory");
	return RC_OK;
}

/* Nothing but these roots and lists, at the token's own time. */
static enum rc
trust_store(const struct timestamp_trust *t, PKCS7 *token, when at, X509_STORE **ret, struct err *err)
{
	AUTO(X509_STORE_free) X509_STORE *store = X509_STORE_new();
	X509_VERIFY_PARAM	*param;
	unsigned long		 flags = X509_V_FLAG_PARTIAL_CHAIN;

	if (store == NULL)
		return err_set(err, RC_NOMEM, "time-stamp: no memory");
	TRY(add_roots(store, t, err));
	TRY(add_crls(store, t, err));
	TRY(add_carried(store, token, err));
	if (t->n_crls > 0 || sk_X509_CRL_num(token->d.sign->crl) > 0)
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	param = X509_STORE_get0_param(store);
	if (X509_VERIFY_PARAM_set_flags(param, flags) != 1)
		return err_set(err, RC_NOMEM, "time-stamp: no memory");
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	X509_VERIFY_PARAM_set_time(param, (time_t)at);
	X509_STORE_set_verify_cb(store, t->n_crls > 0 && !t->any_crl ? pass_over : pass_over_none);
	*ret = TAKE(store);
	return RC_OK;
}

/* What is signed is a digest of it: one that can be made to collide is none. */
static enum rc
digest_check(PKCS7 *token, struct err *err)
{
	STACK_OF(PKCS7_SIGNER_INFO) *all = PKCS7_get_signer_info(token);
	X509_ALGOR		*digest = NULL;
	const ASN1_OBJECT	*oid;
	int			 nid;

	if (all == NULL || sk_PKCS7_SIGNER_INFO_num(all) != 1)
		return err_set(err, RC_VERIFY, "time-stamp: not signed by exactly one");
	PKCS7_SIGNER_INFO_get0_algs(sk_PKCS7_SIGNER_INFO_value(all, 0), NULL, &digest, NULL);
	X509_ALGOR_get0(&oid, NULL, NULL, digest);
	nid = OBJ_obj2nid(oid);
	if (nid != NID_sha256 && nid != NID_sha384 && nid != NID_sha512)
		return err_set(err, RC_VERIFY, "time-stamp: signed over a digest that is not SHA-2");
	return RC_OK;
}

/* The reason stands in what goes with libcrypto's error, in its own words. */
static enum rc
signature_failed(struct err *err)
{
	const char	*data = NULL;
	char		 why[128] = "";
	int		 flags = 0;
	unsigned long	 e = ERR_peek_last_error_data(&data, &flags);

	if ((flags & ERR_TXT_STRING) != 0 && data != NULL && strncmp(data, "Verify error:", 13) == 0)
		(void)snprintf(why, sizeof(why), "%s", data + 13);
	else if (ERR_reason_error_string(e) != NULL)
		(void)snprintf(why, sizeof(why), "%s", ERR_reason_error_string(e));
	if (libcrypto_failed(RC_VERIFY) == RC_NOMEM)
		return err_set(err, RC_NOMEM, "time-stamp: no memory");
	return err_set(err, RC_VERIFY, "time-stamp: its signer is not to be trusted: %s", why);
}

static enum rc
signer_name(X509 *signer, char ret[128], struct err *err)
{
	AUTO(BIO_free_all) BIO *bio = BIO_new(BIO_s_mem());
	int	n;

	if (bio == NULL || X509_NAME_print_ex(bio, X509_get_subject_name(signer), 0, XN_FLAG_RFC2253) < 0)
		return err_set(err, RC_NOMEM, "time-stamp: no memory");
	n = BIO_read(bio, ret, 127);
	ret[n > 0 ? n : 0] = '\0';
	return RC_OK;
}

static bool
is_root(const struct timestamp_trust *t, const X509 *x)
{
	AUTO(bytes_free) unsigned char *der = NULL;
	int	n = i2d_X509(x, &der);

	for (size_t i = 0; n > 0 && i < t->n_roots; i++)
		if (span_eq(SPAN(der, (size_t)n), t->root[i]))
			return true;
	return false;
}

/*
 * The same way to a root once more: TS_RESP_verify_signature() keeps its own to itself. What
 * stands above a certificate that is trusted as such does not matter.
 */
static enum rc
chain_expires(X509 *signer, PKCS7 *token, certs *more, const struct timestamp_trust *t, X509_STORE *store,
    when *ret, struct err *err)
{
	AUTO(X509_STORE_CTX_free) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	AUTO(certs_free) certs *untrusted = X509_chain_up_ref(more);
	const certs	*chain;
	when		 until;

	libcrypto_begin();
	if (ctx == NULL || untrusted == NULL ||
	    (token->d.sign->cert != NULL &&
	    X509_add_certs(untrusted, token->d.sign->cert, X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP) != 1) ||
	    X509_STORE_CTX_init(ctx, store, signer, untrusted) != 1)
		return err_set(err, RC_NOMEM, "time-stamp: no memory");
	if (X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_TIMESTAMP_SIGN) != 1 || X509_verify_cert(ctx) != 1)
		return timestamp_fail(err, RC_VERIFY, "its signer is not to be trusted");
	chain = X509_STORE_CTX_get0_chain(ctx);
	for (int i = 0; i < sk_X509_num(chain); i++) {
		TRY(time_of(X509_get0_notAfter(sk_X509_value(chain, i)), &until, err));
		*ret = i == 0 || until < *ret ? until : *ret;
		if (is_root(t, sk_X509_value(chain, i)))
			break;
	}
	return RC_OK;
}

enum rc
timestamp_verify(struct span token_der, const uint8_t imprint[SHA256_BYTES],
    const struct timestamp_trust *trust, struct timestamp *ret, struct err *err)
{
	AUTO(PKCS7_free) PKCS7 *token = NULL;
	AUTO(TS_TST_INFO_free) TS_TST_INFO *info = NULL;
	AUTO(X509_STORE_free) X509_STORE *store = NULL;
	AUTO(X509_free) X509 *signer = NULL;
	AUTO(certs_free) certs *more = NULL;
	struct timestamp	t;

	TRY(timestamp_parse(token_der, &token, &info, err));
	TRY(timestamp_info(info, imprint, err));
	TRY(digest_check(token, err));
	TRY(time_of(TS_TST_INFO_get_time(info), &t.time, err));
	TRY(trust_store(trust, token, t.time, &store, err));
	TRY(intermediates(trust, &more, err));
	libcrypto_begin();
	if (TS_RESP_verify_signature(token, more, store, &signer) != 1)
		return signature_failed(err);
	TRY(chain_expires(signer, token, more, trust, store, &t.expires, err));
	TRY(signer_name(signer, t.signer, err));
	*ret = t;
	return RC_OK;
}

enum rc
timestamp_over(struct span token_der, const uint8_t imprint[SHA256_BYTES], struct err *err)
{
	AUTO(PKCS7_free) PKCS7 *token = NULL;
	AUTO(TS_TST_INFO_free) TS_TST_INFO *info = NULL;

	TRY(timestamp_parse(token_der, &token, &info, err));
	return timestamp_info(info, imprint, err);
}

enum rc
timestamp_certificates(struct span token_der, struct buf *out, size_t *ret_n, struct err *err)
{
	AUTO(PKCS7_free) PKCS7 *token = NULL;
	AUTO(TS_TST_INFO_free) TS_TST_INFO *info = NULL;
	const certs	*all;
	int		 n, i;

	TRY(timestamp_parse(token_der, &token, &info, err));
	all = token->d.sign->cert;	/* a signed one: PKCS7_to_TS_TST_INFO() saw to it */
	n = all == NULL ? 0 : sk_X509_num(all);
	if (n > TIMESTAMP_CERTS_MAX)
		return err_set(err, RC_LIMIT, "time-stamp: %d certificates in it, at most %d", n,
		    TIMESTAMP_CERTS_MAX);
	for (i = 0; i < n; i++) {
		AUTO(bytes_free) unsigned char *der = NULL;
		int	len = i2d_X509(sk_X509_value(all, i), &der);

		if (len <= 0)
			return err_set(err, RC_NOMEM, "time-stamp: no memory");
		if (len > TIMESTAMP_CERT_MAX)
			return err_set(err, RC_LIMIT, "time-stamp: a certificate of %d bytes in it, at most %d",
			    len, TIMESTAMP_CERT_MAX);
		buf_vec32(out, SPAN(der, (size_t)len));
	}
	TRY(buf_check(out, "certificates", err));
	*ret_n = (size_t)n;
	return RC_OK;
}

enum rc
timestamp_crl(struct span token_der, struct span crl_der, bool *ret_issuers, struct err *err)
{
	AUTO(PKCS7_free) PKCS7 *token = NULL;
	AUTO(TS_TST_INFO_free) TS_TST_INFO *info = NULL;
	AUTO(X509_CRL_free) X509_CRL *crl = NULL;
	PKCS7_SIGNER_INFO	*signer;

	TRY(timestamp_parse(token_der, &token, &info, err));
	TRY(digest_check(token, err));		/* one signer */
	TRY(crl_parse(crl_der, &crl, err));
	signer = sk_PKCS7_SIGNER_INFO_value(PKCS7_get_signer_info(token), 0);
	*ret_issuers = X509_NAME_cmp(X509_CRL_get_issuer(crl), signer->issuer_and_serial->issuer) == 0;
	return RC_OK;
}

/* audit/timestamp.c - RFC 3161 time-stamps, over libcrypto's TS: the question and its answer. */
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/ts.h>

#include "audit/timestamp_parts.h"
#include "base/auto.h"
#include "base/libcrypto.h"

#define WORDS_MAX	120	/* of a TSA's own words in an error */
static void
bytes_free(unsigned char *p)
{
	OPENSSL_free(p);
}

DEFINE_AUTO(ASN1_INTEGER_free, ASN1_INTEGER);
DEFINE_AUTO(BN_free, BIGNUM);
DEFINE_AUTO(TS_MSG_IMPRINT_free, TS_MSG_IMPRINT);
DEFINE_AUTO(TS_REQ_free, TS_REQ);
DEFINE_AUTO(TS_RESP_free, TS_RESP);
DEFINE_AUTO(X509_ALGOR_free, X509_ALGOR);
DEFINE_AUTO(bytes_free, unsigned char);

enum rc
timestamp_fail(struct err *err, enum rc rc, const char *what)
{
	const char	*data = NULL, *reason;
	int		 flags = 0;
	unsigned long	 e = ERR_peek_last_error_data(&data, &flags);
	enum rc		 ret = libcrypto_failed(rc);

	if (ret == RC_NOMEM)
		return err_set(err, RC_NOMEM, "time-stamp: no memory");
	if (e == 0 || (reason = ERR_reason_error_string(e)) == NULL)
		return err_set(err, rc, "time-stamp: %s", what);
	(void)reason;
	return err_set(err, rc, "time-stamp: %s (%s)", what, reason);
}

/* --- the question ------------------------------------------------------------------ */

static ASN1_INTEGER *
nonce_integer(const uint8_t nonce[TIMESTAMP_NONCE_BYTES])
{
	AUTO(BN_free) BIGNUM *bn = BN_bin2bn(nonce, TIMESTAMP_NONCE_BYTES, NULL);

	return bn == NULL ? NULL : BN_to_ASN1_INTEGER(bn, NULL);
}

static TS_MSG_IMPRINT *
msg_imprint(const uint8_t imprint[SHA256_BYTES])
{
	AUTO(TS_MSG_IMPRINT_free) TS_MSG_IMPRINT *m = TS_MSG_IMPRINT_new();
	AUTO(X509_ALGOR_free) X509_ALGOR *alg = X509_ALGOR_new();
	unsigned char	copy[SHA256_BYTES];

	memcpy(copy, imprint, sizeof(copy));	/* it takes no const */
	if (m == NULL || alg == NULL ||
	    X509_ALGOR_set0(alg, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) != 1 ||
	    TS_MSG_IMPRINT_set_algo(m, alg) != 1 ||
	    TS_MSG_IMPRINT_set_msg(m, copy, sizeof(copy)) != 1)
		return NULL;
	return TAKE(m);
}

enum rc
timestamp_query(const uint8_t imprint[SHA256_BYTES], const uint8_t nonce[TIMESTAMP_NONCE_BYTES],
    struct buf *out, struct err *err)
{
	AUTO(TS_REQ_free) TS_REQ *q = TS_REQ_new();
	AUTO(TS_MSG_IMPRINT_free) TS_MSG_IMPRINT *m = msg_imprint(imprint);
	AUTO(ASN1_INTEGER_free) ASN1_INTEGER *n = nonce_integer(nonce);
	AUTO(bytes_free) unsigned char *der = NULL;
	int	len;

	if (q == NULL || m == NULL || n == NULL || TS_REQ_set_version(q, 1) != 1 ||
	    TS_REQ_set_msg_imprint(q, m) != 1 || TS_REQ_set_nonce(q, n) != 1 ||
	    TS_REQ_set_cert_req(q, 1) != 1 || (len = i2d_TS_REQ(q, &der)) <= 0)
		return err_set(err, RC_NOMEM, "time-stamp: no memory");
	buf_add(out, der, (size_t)len);
	return buf_check(out, "time-stamp query", err);
}

/* --- the answer -------------------------------------------------------------------- */

/* A TSA's words may hold anything: what is not plain ASCII is shown as "?". */
static void
plain_words(const TS_STATUS_INFO *s, char out[WORDS_MAX + 1])
{
	const STACK_OF(ASN1_UTF8STRING) *text = TS_STATUS_INFO_get0_text(s);
	const ASN1_STRING	*first;
	size_t			 n, i;

	out[0] = '\0';
	if (text == NULL || sk_ASN1_UTF8STRING_num(text) < 1)
		return;
	first = sk_ASN1_UTF8STRING_value(text, 0);
	n = (size_t)ASN1_STRING_length(first);
	n = n > WORDS_MAX ? WORDS_MAX : n;
	for (i = 0; i < n; i++) {
		out[i] = (char)ASN1_STRING_get0_data(first)[i];
		if (out[i] < ' ' || out[i] > '~')
			out[i] = '?';
	}
	out[n] = '\0';
}

static enum rc
status_check(TS_RESP *resp, struct err *err)
{
	const TS_STATUS_INFO	*s = TS_RESP_get_status_info(resp);
	long			 status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(s));
	char			 words[WORDS_MAX + 1];

	if (status == TS_STATUS_GRANTED || status == TS_STATUS_GRANTED_WITH_MODS)
		return RC_OK;
	plain_words(s, words);
	return err_set(err, RC_DENIED, "the time-stamping authority refused (status %ld%s%s)",
	    status, words[0] == '\0' ? "" : ": ", words);
}

static bool
is_imprint(TS_TST_INFO *info, const uint8_t imprint[SHA256_BYTES])
{
	TS_MSG_IMPRINT		*m = TS_TST_INFO_get_msg_imprint(info);
	const ASN1_OBJECT	*oid;
	const ASN1_STRING	*msg = TS_MSG_IMPRINT_get_msg(m);

	X509_ALGOR_get0(&oid, NULL, NULL, TS_MSG_IMPRINT_get_algo(m));
	return OBJ_obj2nid(oid) == NID_sha256 && ASN1_STRING_length(msg) == SHA256_BYTES &&
	    memcmp(ASN1_STRING_get0_data(msg), imprint, SHA256_BYTES) == 0;
}

enum rc
timestamp_info(TS_TST_INFO *info, const uint8_t imprint[SHA256_BYTES], struct err *err)
{
	if (TS_TST_INFO_get_version(info) != 1)
		return err_set(err, RC_VERIFY, "time-stamp: of an unknown version");
	if (!is_imprint(info, imprint))
		return err_set(err, RC_VERIFY, "time-stamp: over something else than what was asked");
	return RC_OK;
}

static enum rc
nonce_check(TS_TST_INFO *info, const uint8_t nonce[TIMESTAMP_NONCE_BYTES], struct err *err)
{
	AUTO(ASN1_INTEGER_free) ASN1_INTEGER *ours = nonce_integer(nonce);
	const ASN1_INTEGER	*theirs = TS_TST_INFO_get_nonce(info);

	if (ours == NULL)
		return err_set(err, RC_NOMEM, "time-stamp: no memory");
	if (theirs == NULL || ASN1_INTEGER_cmp(ours, theirs) != 0)
		return err_set(err, RC_VERIFY, "time-stamp: not an answer to this question (another "
		    "nonce, or none)");
	return RC_OK;
}

/* The token as it came, byte for byte: behind the status, to the end of the sequence. */
static bool
token_bytes(struct span response, struct span *ret)
{
	const unsigned char	*p = response.p, *end = response.p + response.n;
	long			 n;
	int			 tag, class;

	if (ASN1_get_object(&p, &n, &tag, &class, (long)response.n) != V_ASN1_CONSTRUCTED ||
	    p + n != end ||
	    ASN1_get_object(&p, &n, &tag, &class, (long)(end - p)) != V_ASN1_CONSTRUCTED)
		return false;
	*ret = SPAN(p + n, (size_t)(end - p - n));
	return true;
}

enum rc
timestamp_token(struct span response, const uint8_t imprint[SHA256_BYTES],
    const uint8_t nonce[TIMESTAMP_NONCE_BYTES], struct buf *ret_token, struct err *err)
{
	AUTO(TS_RESP_free) TS_RESP *resp = NULL;
	const unsigned char	*p = response.p;
	struct span		 token;

	libcrypto_begin();
	if (response.n == 0 || response.n > TIMESTAMP_RESPONSE_MAX ||
	    (resp = d2i_TS_RESP(NULL, &p, (long)response.n)) == NULL ||
	    p != response.p + response.n)
		return timestamp_fail(err, RC_FORMAT, "the answer is no RFC 3161 response");
	TRY(status_check(resp, err));
	TRY(timestamp_info(TS_RESP_get_tst_info(resp), imprint, err));
	TRY(nonce_check(TS_RESP_get_tst_info(resp), nonce, err));
	if (!token_bytes(response, &token))
		return err_set(err, RC_FORMAT, "time-stamp: the answer is not DER");
	buf_span(ret_token, token);
	return buf_check(ret_token, "time-stamp", err);
}

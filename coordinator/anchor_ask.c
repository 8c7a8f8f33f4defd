/* coordinator/anchor_ask.c - one exchange with a TSA, down to the blob that is archived. */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "audit/anchor.h"
#include "base/wire.h"
#include "coordinator/anchor.h"
#include "edge/http.h"

struct asking {
	const struct tsa	*t;
	bool			(*stop)(void *user);
	void			*user;
	uint8_t			 imprint[SHA256_BYTES], nonce[TIMESTAMP_NONCE_BYTES];
	struct buf		 token, certificates;
	struct buf		 list[TSA_CRLS_MAX];
	struct anchor		 a;
	char			*left_out;
};

static void
asking_done(struct asking *q)
{
	buf_done(&q->token);
	buf_done(&q->certificates);
	for (size_t i = 0; i < TSA_CRLS_MAX; i++)
		buf_done(&q->list[i]);
}

static enum rc
ask_tsa(struct asking *q, struct err *err)
{
	AUTO_DONE(buf_done) struct buf query = BUF_INIT(TIMESTAMP_QUERY_MAX);
	AUTO_DONE(buf_done) struct buf response = BUF_INIT(TIMESTAMP_RESPONSE_MAX);
	struct http_request	h = {
		.url = q->t->url,
		.type = "application/timestamp-query",
		.accept = "application/timestamp-reply",
		.ms = ANCHOR_ASK_MS,
		.stop = q->stop,
		.user = q->user,
	};

	randombytes_buf(q->nonce, sizeof(q->nonce));
	TRY(timestamp_query(q->imprint, q->nonce, &query, err));
	h.body = buf_view(&query);
	TRY(http_exchange(&h, &response, err));
	return timestamp_token(buf_view(&response), q->imprint, q->nonce, &q->token, err);
}

/* The chain as the token brought it. */
static enum rc
take_certificates(struct asking *q, struct err *err)
{
	size_t		n;
	struct rd	r;

	TRY(timestamp_certificates(buf_view(&q->token), &q->certificates, &n, err));
	r = rd_init(buf_view(&q->certificates));
	for (size_t i = 0; i < n; i++)
		if (!rd_vec32(&r, 1, TIMESTAMP_CERT_MAX, &q->a.certificate[i]))
			return err_set(err, RC_BUG, "certificates that do not read back");
	q->a.n_certificates = (uint8_t)n;
	return RC_OK;
}

/* ---- revocation lists --------------------------------------------------------------- */

static void
leave_out(struct asking *q, const char *why)
{
	(void)snprintf(q->left_out, ANCHOR_WORDS, "without a revocation list: %.*s", ANCHOR_WORDS - 40, why);
	(void)text_clean_str(q->left_out);	/* cut, perhaps inside a letter */
}

static enum rc
fetch_list(struct asking *q, const char *url, struct buf *ret, bool *ret_issuers, struct err *err)
{
	struct http_request	h = { .url = url, .ms = ANCHOR_ASK_MS, .stop = q->stop, .user = q->user };

	TRY(http_exchange(&h, ret, err));
	return timestamp_crl(buf_view(&q->token), buf_view(ret), ret_issuers, err);
}

/*
 * What of them can be had. A list that is not of the signer's issuer is worth keeping only
 * beside one that is: alone, it shows nothing of the signer.
 */
static enum rc
fetch_lists(struct asking *q, struct err *err)
{
	bool	any = false, issuers = false;
	enum rc	rc;

	for (uint8_t i = 0; i < q->t->n_crls; i++) {
		struct buf	*b = &q->list[q->a.n_crls];
		struct err	 why;

		buf_reset(b);
		rc = fetch_list(q, q->t->crl[i], b, &issuers, &why);
		if (rc == RC_UNSURE || rc == RC_NOMEM)
			return err_set(err, rc, "%s", why.msg);
		if (rc != RC_OK) {
			leave_out(q, why.msg);
			continue;
		}
		any = any || issuers;
		q->a.crl[q->a.n_crls++] = buf_view(b);
	}
	if (q->a.n_crls > 0 && !any) {
		q->a.n_crls = 0;
		leave_out(q, "none that could be had is by the signer's issuer");
	}
	return RC_OK;
}

/* ---- all of it --------------------------------------------------------------------------- */

static enum rc
check(struct asking *q, struct err *err)
{
	struct span		root[TSA_CERTS_MAX];
	struct timestamp	ts;

	for (size_t i = 0; i < q->t->n_certificates; i++)
		root[i] = SPAN(q->t->certificate[i].p, q->t->certificate[i].n);
	return anchor_verify(&q->a, root, q->t->n_certificates, &ts, err);
}

static enum rc
archive(struct asking *q, struct buf *ret, struct err *err)
{
	enum rc	rc = anchor_write(&q->a, ret, err);

	if (rc != RC_LIMIT || q->a.n_crls == 0)
		return rc;
	leave_out(q, "they are too long for an entry");
	q->a.n_crls = 0;
	return anchor_write(&q->a, ret, err);
}

enum rc
anchor_ask(const struct tsa *t, struct span note, bool (*stop)(void *user), void *user,
    struct buf *ret, char left_out[ANCHOR_WORDS], struct err *err)
{
	AUTO_DONE(asking_done) struct asking q = {
		.t = t,
		.stop = stop,
		.user = user,
		.token = BUF_INIT(TIMESTAMP_RESPONSE_MAX),
		.certificates = BUF_INIT(TIMESTAMP_CERTS_MAX * (4 + TIMESTAMP_CERT_MAX)),
		.left_out = left_out,
	};

	left_out[0] = '\0';
	for (size_t i = 0; i < TSA_CRLS_MAX; i++)
		q.list[i] = BUF_INIT(TIMESTAMP_CRL_MAX);
	sha256_one(q.imprint, note);
	TRY(ask_tsa(&q, err));
	TRY(take_certificates(&q, err));
	TRY(fetch_lists(&q, err));
	q.a.note = note;
	q.a.token = buf_view(&q.token);
	TRY(check(&q, err));
	return archive(&q, ret, err);
}

/* edge/tsa.c - one exchange with a time-stamping authority, or with the first that answers. */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/wire.h"
#include "edge/edge.h"
#include "edge/http.h"
#include "edge/tsa.h"

void
tsa_reply_init(struct tsa_reply *r)
{
	memset(r, 0, sizeof(*r));
	r->token = BUF_INIT(TIMESTAMP_RESPONSE_MAX);
	r->certificates = BUF_INIT(TIMESTAMP_CERTS_MAX * (4 + TIMESTAMP_CERT_MAX));
	for (size_t i = 0; i < TSA_CRLS_MAX; i++)
		r->list[i] = BUF_INIT(TIMESTAMP_CRL_MAX);
}

void
tsa_reply_done(struct tsa_reply *r)
{
	buf_done(&r->token);
	buf_done(&r->certificates);
	for (size_t i = 0; i < TSA_CRLS_MAX; i++)
		buf_done(&r->list[i]);
}

static void
left_out(struct tsa_reply *r, const char *why)
{
	(void)snprintf(r->left_out, TSA_WORDS, "without a revocation list: %.*s", TSA_WORDS - 40, why);
	(void)text_clean_str(r->left_out);	/* cut, perhaps inside a letter */
}

void
tsa_reply_leave_out(struct tsa_reply *r, const char *why)
{
	left_out(r, why);
	r->n_crls = 0;
}

/* ---- the exchange ------------------------------------------------------------------- */

struct asking {
	const struct tsa_question	*q;
	uint64_t			 until;		/* clock_ms(); 0: whenever */
	uint8_t				 nonce[TIMESTAMP_NONCE_BYTES];
	struct tsa_reply		*r;
};

/* What is left of it all for the next question. */
static enum rc
exchange(const struct asking *a, struct http_request *h, struct buf *ret, struct err *err)
{
	uint64_t	now = clock_ms();

	h->ms = a->q->ms;
	h->stop = a->q->stop;
	h->user = a->q->user;
	if (a->until != 0 && now >= a->until)
		return err_set(err, RC_IO, "%s: no time is left to ask", h->url);
	if (a->until != 0 && a->until - now < h->ms)
		h->ms = (unsigned)(a->until - now);
	return http_exchange(h, ret, err);
}

static enum rc
ask_tsa(struct asking *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf query = BUF_INIT(TIMESTAMP_QUERY_MAX);
	AUTO_DONE(buf_done) struct buf response = BUF_INIT(TIMESTAMP_RESPONSE_MAX);
	struct http_request	h = {
		.url = a->q->t->url,
		.type = "application/timestamp-query",
		.accept = "application/timestamp-reply",
	};

	randombytes_buf(a->nonce, sizeof(a->nonce));
	TRY(timestamp_query(a->q->imprint, a->nonce, &query, err));
	h.body = buf_view(&query);
	TRY(exchange(a, &h, &response, err));
	return timestamp_token(buf_view(&response), a->q->imprint, a->nonce, &a->r->token, err);
}

/* The chain as the token brought it. */
static enum rc
take_certificates(struct tsa_reply *r, struct err *err)
{
	size_t		n;
	struct rd	rd;

	TRY(timestamp_certificates(buf_view(&r->token), &r->certificates, &n, err));
	rd = rd_init(buf_view(&r->certificates));
	for (size_t i = 0; i < n; i++)
		if (!rd_vec32(&rd, 1, TIMESTAMP_CERT_MAX, &r->certificate[i]))
			return err_set(err, RC_BUG, "certificates that do not read back");
	r->n_certificates = (uint8_t)n;
	return RC_OK;
}

/* ---- revocation lists --------------------------------------------------------------- */

static enum rc
fetch_list(const struct asking *a, const char *url, struct buf *ret, bool *ret_issuers, struct err *err)
{
	struct http_request	h = { .url = url };

	TRY(exchange(a, &h, ret, err));
	return timestamp_crl(buf_view(&a->r->token), buf_view(ret), ret_issuers, err);
}

/*
 * What of them can be had. A list that is not of the signer's issuer is worth keeping only
 * beside one that is: alone, it shows nothing of the signer.
 */
static enum rc
fetch_lists(const struct asking *a, struct err *err)
{
	struct tsa_reply	*r = a->r;
	bool			 any = false, issuers = false;
	enum rc			 rc;

	for (uint8_t i = 0; i < a->q->t->n_crls; i++) {
		struct buf	*b = &r->list[r->n_crls];
		struct err	 why;

		buf_reset(b);
		rc = fetch_list(a, a->q->t->crl[i], b, &issuers, &why);
		if (rc == RC_UNSURE || rc == RC_NOMEM)
			return err_set(err, rc, "%s", why.msg);
		if (rc != RC_OK) {
			left_out(r, why.msg);
			continue;
		}
		any = any || issuers;
		r->crl[r->n_crls++] = buf_view(b);
	}
	if (r->n_crls > 0 && !any)
		tsa_reply_leave_out(r, "none that could be had is by the signer's issuer");
	return RC_OK;
}

/* ---- all of it ---------------------------------------------------------------------- */

static enum rc
check(const struct asking *a, struct err *err)
{
	struct span		root[TSA_CERTS_MAX];
	struct timestamp_trust	trust = {
		.root = root,
		.n_roots = a->q->t->n_certificates,
		.certificate = a->r->certificate,
		.n_certificates = a->r->n_certificates,
		.crl = a->r->crl,
		.n_crls = a->r->n_crls,
	};

	for (size_t i = 0; i < trust.n_roots; i++)
		root[i] = SPAN(a->q->t->certificate[i].p, a->q->t->certificate[i].n);
	return timestamp_verify(buf_view(&a->r->token), a->q->imprint, &trust, &a->r->at, err);
}

enum rc
tsa_ask(const struct tsa_question *q, struct tsa_reply *ret, struct err *err)
{
	struct asking	a = { .q = q, .r = ret };

	if (q->all_ms != 0)
		a.until = clock_ms() + q->all_ms;
	TRY(ask_tsa(&a, err));
	TRY(take_certificates(ret, err));
	TRY(fetch_lists(&a, err));
	return check(&a, err);
}

static size_t
roots_of(const struct tsa *t, struct span root[TSA_CERTS_MAX])
{
	for (uint8_t i = 0; i < t->n_certificates; i++)
		root[i] = SPAN(t->certificate[i].p, t->certificate[i].n);
	return t->n_certificates;
}

/* Its chain and lists go into it, and what belongs to another chain out; lists that make it too long do not. */
static enum rc
embed(const struct tsa *t, struct tsa_reply *r, struct buf *out, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	whole = BUF_INIT(TIMESTAMP_TOKEN_MAX);
	struct span			root[TSA_CERTS_MAX];
	enum rc				rc;

	rc = timestamp_embed(buf_view(&r->token), r->certificate, r->n_certificates, r->crl, r->n_crls, &whole, err);
	if (rc == RC_LIMIT && r->n_crls > 0) {
		buf_reset(&whole);
		tsa_reply_leave_out(r, "they are too long for a token");
		rc = timestamp_embed(buf_view(&r->token), r->certificate, r->n_certificates, NULL, 0, &whole, err);
	}
	TRY(rc);
	return timestamp_trim(buf_view(&whole), root, roots_of(t, root), out, err);
}

static enum rc
stamp_by(const struct tsa_question *q, struct buf *out, struct err *err)
{
	AUTO_DONE(tsa_reply_done) struct tsa_reply r;

	tsa_reply_init(&r);
	TRY(tsa_ask(q, &r, err));
	return embed(q->t, &r, out, err);
}

enum rc
tsa_stamp(const struct tsa *t, size_t n, const uint8_t imprint[SHA256_BYTES],
    bool (*stop)(void *user), void *user, struct buf *out, size_t *ret_which, struct err *err)
{
	struct tsa_question	q = { .ms = TSA_STAMP_ALL_MS, .stop = stop, .user = user };
	uint64_t		until = clock_ms() + TSA_STAMP_ALL_MS, now;
	char			words[sizeof(err->msg)] = "there is no time-stamping authority to ask";
	struct err		why;
	enum rc			rc;

	memcpy(q.imprint, imprint, SHA256_BYTES);
	for (size_t i = 0; i < n && (now = clock_ms()) < until; i++) {
		q.t = &t[i];
		q.all_ms = until - now < TSA_STAMP_MS ? (unsigned)(until - now) : TSA_STAMP_MS;
		rc = stamp_by(&q, out, &why);
		if (rc == RC_OK) {
			*ret_which = i;
			return RC_OK;
		}
		if (rc == RC_UNSURE || rc == RC_NOMEM)
			return err_set(err, rc, "%s", why.msg);
		(void)snprintf(words, sizeof(words), "TSA %s: %.*s", t[i].id, (int)sizeof(words) - 80, why.msg);
	}
	return err_set(err, RC_MISSING, "no time-stamp: %.200s", text_clean_str(words));
}

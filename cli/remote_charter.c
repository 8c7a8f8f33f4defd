/* cli/remote_charter.c - the trust, and which charter is in force by it. */
#include <stdlib.h>
#include <string.h>

#include "cli/remote.h"

#define PIECES_TRIES	3	/* of a lineage that changes while it is fetched */

/* --- the trust ----------------------------------------------------------------------- */

enum rc
local_charter(const char *path, struct charter **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf json = BUF_INIT(CHARTER_BYTES_MAX);
	AUTO(charter_free) struct charter *c = NULL;
	const char	*want = getenv("QUORATE_GENESIS");
	uint8_t		 digest[SHA256_BYTES];
	enum rc		 rc;

	if (path == NULL && (path = getenv("QUORATE_CHARTER")) == NULL)
		return err_set(err, RC_USAGE, "which network? Set QUORATE_CHARTER to its charter.json "
		    "(a development network: . DIR/env)");
	TRY(file_read_given(path, &json, err));
	if ((rc = charter_parse(buf_view(&json), &c, err)) != RC_OK)
		return err_wrap(err, rc, "%s", path);
	if (want != NULL && !c->has_amends) {
		TRY(cli_id(want, digest, sizeof(digest), "a genesis (QUORATE_GENESIS)", err));
		if (memcmp(digest, c->digest, sizeof(digest)) != 0)
			return err_set(err, RC_VERIFY, "%s is not the charter that QUORATE_GENESIS names", path);
	}
	*ret = TAKE(c);
	return RC_OK;
}

enum rc
local_genesis(const char *path, struct charter **ret, struct err *err)
{
	AUTO(charter_free) struct charter *c = NULL;
	enum rc	rc;

	if ((rc = local_charter(path, &c, err)) != RC_OK)
		return rc == RC_FORMAT || rc == RC_LIMIT ? err_wrap(err, RC_USAGE, "not a charter") : rc;
	if (c->has_amends)
		return err_set(err, RC_USAGE, "%s follows another charter; the trust is the network's first one, whose digest is "
		    "the genesis: from that we find what is in force by ourselves", path != NULL ? path : "QUORATE_CHARTER");
	*ret = TAKE(c);
	return RC_OK;
}

void
remote_trust(struct remote *r, struct charter *genesis)
{
	lineage_begin(&r->lineage, genesis);
	r->first = r->charter = genesis;
}

/* --- which charter is in force ------------------------------------------------------- */

static enum rc
lineage_pieces(struct remote *r, struct buf *ret, struct err *err)
{
	Quorate__V1__CharterRequest	 q = QUORATE__V1__CHARTER_REQUEST__INIT;
	Quorate__V1__CharterReply	*a = NULL;
	uint64_t			 size;

	do {
		q.offset = ret->n;
		TRY(remote_call(r, "Charter", &q, &quorate__v1__charter_reply__descriptor, REMOTE_MS, &a, err));
		buf_add(ret, a->data.data, a->data.len);
		size = a->data.len == 0 ? ret->n : a->size;
		message_free(TAKE(a));
		TRY(buf_check(ret, "lineage", err));
	} while (ret->n < size);
	return RC_OK;
}

/* The log may grow between two pieces: then they do not fit together. */
static enum rc
fetch_lineage(struct remote *r, bool *ret_news, struct err *err)
{
	enum rc	rc = RC_FORMAT;

	for (unsigned i = 0; i < PIECES_TRIES && rc == RC_FORMAT; i++) {
		AUTO_DONE(buf_done) struct buf bytes = BUF_INIT(CASE_BYTES_MAX);

		TRY(lineage_pieces(r, &bytes, err));
		rc = lineage_take(&r->lineage, &bytes, ret_news, err);
	}
	return rc;
}

/* After a succession another host is the coordinator. */
static enum rc
reconnect(struct remote *r, const struct charter *was, struct err *err)
{
	const struct blob_ref	*a = &was->coordinator.tls_certificate, *b = &r->charter->coordinator.tls_certificate;

	if (strcmp(was->coordinator.address, r->charter->coordinator.address) == 0 &&
	    span_eq(SPAN(a->p, a->n), SPAN(b->p, b->n)))
		return RC_OK;
	return remote_connect(r, r->charter, err);
}

enum rc
remote_follow(struct remote *r, struct err *err)
{
	const struct charter	*was = r->charter;
	bool			 news;
	enum rc			 rc = fetch_lineage(r, &news, err);

	if (rc != RC_OK)
		return err_wrap(err, rc, "the coordinator names a charter that is new to us and does not show how it came "
		    "in force");
	if (!news)
		return RC_OK;
	r->charter = lineage_in_force(&r->lineage);
	lineage_keep(&r->lineage);
	return reconnect(r, was, err);
}

enum rc
remote_ask_head(struct remote *r, unsigned ms, Quorate__V1__HeadReply **ret, struct err *err)
{
	Quorate__V1__HeadRequest	 q = QUORATE__V1__HEAD_REQUEST__INIT;
	Quorate__V1__HeadReply		*a = NULL;
	enum rc				 rc = RC_OK;

	TRY(remote_call(r, "Head", &q, &quorate__v1__head_reply__descriptor, ms, &a, err));
	if (a->charter.len == SHA256_BYTES && remote_charter_of(r, a->charter.data) == NULL)
		rc = remote_follow(r, err);
	if (rc == RC_OK)
		*ret = TAKE(a);
	message_free(a);
	return rc;
}

const struct charter *
remote_charter_of(const struct remote *r, const uint8_t digest[SHA256_BYTES])
{
	return lineage_charter(&r->lineage, digest);
}

static const struct person *
signer_in(const struct charter *c, const struct dsse *d)
{
	uint32_t	i;
	uint8_t		k;

	for (i = 0; c != NULL && i < c->n_people; i++)
		for (k = 0; k < c->person[i].n_keys; k++)
			if (dsse_signed_by(d, &c->person[i].key[k]))
				return &c->person[i];
	return NULL;
}

const struct person *
remote_signer(const struct remote *r, const struct dsse *d, const struct statement *s)
{
	const struct person	*p = signer_in(remote_charter_of(r, s->charter), d);

	return p != NULL ? p : signer_in(r->charter, d);
}

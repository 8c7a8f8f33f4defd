/* coordinator/anchor_ask.c - a checkpoint stamped, down to the blob that is archived. */
#include <stdio.h>
#include <string.h>

#include "audit/anchor.h"
#include "coordinator/anchor.h"

static enum rc
archive(struct tsa_reply *r, struct anchor *a, struct buf *ret, struct err *err)
{
	enum rc	rc;

	a->n_crls = r->n_crls;
	rc = anchor_write(a, ret, err);
	if (rc != RC_LIMIT || a->n_crls == 0)
		return rc;
	tsa_reply_leave_out(r, "they are too long for an entry");
	a->n_crls = 0;
	return anchor_write(a, ret, err);
}

enum rc
anchor_ask(const struct tsa *t, struct span note, bool (*stop)(void *user), void *user,
    struct buf *ret, char left_out[ANCHOR_WORDS], struct err *err)
{
	AUTO_DONE(tsa_reply_done) struct tsa_reply r;
	struct tsa_question	q = { .t = t, .ms = ANCHOR_ASK_MS, .stop = stop, .user = user };
	struct anchor		a = { .note = note };

	tsa_reply_init(&r);
	left_out[0] = '\0';
	sha256_one(q.imprint, note);
	TRY(tsa_ask(&q, &r, err));
	a.token = buf_view(&r.token);
	a.n_certificates = r.n_certificates;
	memcpy(a.certificate, r.certificate, sizeof(a.certificate));
	memcpy(a.crl, r.crl, sizeof(r.crl));
	TRY(archive(&r, &a, ret, err));
	memcpy(left_out, r.left_out, ANCHOR_WORDS);
	return RC_OK;
}

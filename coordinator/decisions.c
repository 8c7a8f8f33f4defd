/* coordinator/decisions.c - entries for those who read, and what was said of one statement. */
#include "audit/entry.h"
#include "coordinator/decisions.h"
#include "coordinator/journal.h"
#include "policy/apply.h"

enum rc
proven_read(struct coordinator *c, struct reader *r, uint64_t index, struct proven *ret,
    struct err *err)
{
	struct verdict	v;

	quorate__v1__logged_entry__init(&ret->m);
	ret->leaf = BUF_INIT(ENTRY_BYTES_MAX);
	ret->proof = BUF_INIT(2 * NOTE_BYTES_MAX);
	TRY(store_entry(r->store, index, &ret->leaf, err));
	TRY(store_verdict(r->store, index, &v, err));
	TRY(reader_proof(c, r, index, &ret->proof, err));
	ret->m.index = index;
	ret->m.leaf = pb_bytes(buf_view(&ret->leaf));
	ret->m.proof = pb_bytes(buf_view(&ret->proof));
	ret->m.effective = v.effective;
	if (!v.effective)
		ret->m.why = pb_text(void_reason_name((enum void_reason)v.why));
	return RC_OK;
}

void
proven_done(struct proven *p)
{
	buf_done(&p->leaf);
	buf_done(&p->proof);
}

static enum rc
on_subject(void *user, uint64_t index, enum statement_type type, bool effective,
    struct err *err)
{
	struct decisions	*d = user;
	struct proven		*p;

	(void)effective;
	if (d->opened ? type != STATEMENT_ACKNOWLEDGEMENT :
	    type != STATEMENT_DECISION && type != STATEMENT_WITHDRAWAL && type != STATEMENT_CONSENT)
		return RC_OK;
	if (d->n == DECISIONS_MAX || d->bytes > DECISIONS_BYTES_MAX)
		return RC_LIMIT;
	p = &d->one[d->n];
	d->p[d->n++] = &p->m;
	TRY(proven_read(d->c, d->r, index, p, err));
	d->bytes += p->leaf.n + p->proof.n;
	return RC_OK;
}

enum rc
decisions_read(struct coordinator *c, struct reader *r, const uint8_t subject[SHA256_BYTES],
    struct decisions *ret, struct err *err)
{
	ret->n = ret->bytes = 0;
	ret->opened = false;
	ret->c = c;
	ret->r = r;
	return journal_subject(r->store, subject, on_subject, ret, err);
}

enum rc
decisions_opened(const uint8_t order[SHA256_BYTES], struct decisions *d, struct err *err)
{
	d->opened = true;
	return journal_subject(d->r->store, order, on_subject, d, err);
}

void
decisions_done(struct decisions *d)
{
	while (d->n > 0)
		proven_done(&d->one[--d->n]);
}

/* custodian/pass.c - statements that wait for the log, from custodian to custodian. */
#include <stdlib.h>
#include <string.h>

#include "custodian/pass.h"

static struct compared_peer *
peer_of(struct custody *c, uint8_t peer)
{
	return &c->comparing.peer[peer - 1];
}

/* --- which of them a peer holds -------------------------------------------------------- */

static bool
is_known(const struct compared_peer *p, const uint8_t id[SHA256_BYTES])
{
	size_t	i;

	for (i = 0; i < p->n_known; i++)
		if (memcmp(p->known[i], id, SHA256_BYTES) == 0)	/* public */
			return true;
	return false;
}

/* The oldest is forgotten for it. */
static enum rc
know(struct compared_peer *p, const uint8_t id[SHA256_BYTES], struct err *err)
{
	if (is_known(p, id))
		return RC_OK;
	if (p->known == NULL && (p->known = calloc(PASS_KNOWN_MAX, sizeof(*p->known))) == NULL)
		return err_set(err, RC_NOMEM, "statements of peers: no memory");
	memcpy(p->known[p->next_known], id, SHA256_BYTES);
	p->next_known = (p->next_known + 1) % PASS_KNOWN_MAX;
	if (p->n_known < PASS_KNOWN_MAX)
		p->n_known++;
	return RC_OK;
}

enum rc
pass_known(struct custody *c, uint8_t peer, const ProtobufCBinaryData *id, size_t n, struct err *err)
{
	size_t	i;

	for (i = 0; i < n && i < PASS_AT_ONCE; i++)
		if (id[i].len == SHA256_BYTES)
			TRY(know(peer_of(c, peer), id[i].data, err));
	return RC_OK;
}

/* --- out -------------------------------------------------------------------------------- */

struct filling {
	struct compared_peer	*p;
	struct pass_list	*l;
	uint8_t			*cursor;
	bool			 no;		/* of these, or of the others */
};

void
pass_list_done(struct pass_list *l)
{
	buf_done(&l->bytes);
}

/* Offsets until all is there: bytes move when they grow. */
static ProtobufCBinaryData
put(struct pass_list *l, struct span s)
{
	ProtobufCBinaryData	d = { s.n, (uint8_t *)(uintptr_t)l->bytes.n };

	buf_span(&l->bytes, s);
	return d;
}

/* RC_LIMIT: no more fits. */
static enum rc
on_row(void *user, const struct handed_row *row, struct err *err)
{
	struct filling		*f = user;
	struct pass_list	*l = f->l;
	Quorate__V1__Handed	*h = &l->handed[l->n];
	size_t			 n = row->dsse.n, i;

	if (row->no != f->no || is_known(f->p, row->id))
		return RC_OK;
	for (i = 0; i < row->n_blobs; i++)
		n += row->blob[i].n;
	if (n > PASS_BYTES_MAX || row->n_blobs > 2)
		return RC_OK;		/* none of ours is: it would stand in the way of all others */
	if (l->n == PASS_AT_ONCE || n > PASS_BYTES_MAX - l->bytes.n)
		return err_set(err, RC_LIMIT, "the message is full");
	quorate__v1__handed__init(h);
	h->since = row->since;
	h->statement = put(l, row->dsse);
	h->blobs = l->blob[l->n];
	for (i = 0; i < row->n_blobs; i++)
		h->blobs[h->n_blobs++] = put(l, row->blob[i]);
	TRY(buf_check(&l->bytes, "statements", err));
	memcpy(f->cursor, row->id, SHA256_BYTES);
	l->row[l->n++] = h;
	return RC_OK;
}

/* From where the last message ended, once round. */
static enum rc
fill_in_turn(struct custody *c, struct filling *f, bool *ret_more, struct err *err)
{
	static const uint8_t	start[SHA256_BYTES];
	uint8_t			from[SHA256_BYTES];
	size_t			n = f->l->n;
	enum rc			rc;

	memcpy(from, f->cursor, sizeof(from));
	rc = handed_each(c, from, HANDED_ALL_MAX, on_row, f, err);
	if (rc == RC_OK && memcmp(from, start, sizeof(from)) != 0 && f->l->n == n)
		rc = handed_each(c, NULL, HANDED_ALL_MAX, on_row, f, err);
	if (rc == RC_OK && !f->no)
		rc = handed_own_receipts(c, HANDED_ALL_MAX, on_row, f, err);
	*ret_more |= rc == RC_LIMIT;
	return rc == RC_LIMIT ? RC_OK : rc;
}

static void
point_all(struct pass_list *l)
{
	size_t	i, b;

	for (i = 0; i < l->n; i++) {
		Quorate__V1__Handed	*h = l->row[i];

		h->statement.data = l->bytes.p + (uintptr_t)h->statement.data;
		for (b = 0; b < h->n_blobs; b++)
			h->blobs[b].data = l->bytes.p + (uintptr_t)h->blobs[b].data;
	}
}

enum rc
pass_fill(struct custody *c, uint8_t peer, struct pass_list *l, struct err *err)
{
	struct compared_peer	*p = peer_of(c, peer);
	struct filling		 f = { .p = p, .l = l, .cursor = p->cursor[0], .no = true };

	p->more = false;
	TRY(fill_in_turn(c, &f, &p->more, err));
	f.cursor = p->cursor[1];
	f.no = false;
	TRY(fill_in_turn(c, &f, &p->more, err));
	point_all(l);
	return RC_OK;
}

/* --- in ---------------------------------------------------------------------------------- */

/* Whatever is wrong with one is its author's or its bearer's: the others are heard. */
static bool
is_fault(enum rc rc)
{
	return rc == RC_IO || rc == RC_NOMEM || rc == RC_BUG;
}

static enum rc
take_one(struct custody *c, uint8_t peer, const Quorate__V1__Handed *h, struct passed *ret, struct err *err)
{
	struct handed_answer	a;
	struct span		blob[2];
	size_t			i;
	enum rc			rc;

	for (i = 0; i < h->n_blobs && i < 2; i++)
		blob[i] = SPAN(h->blobs[i].data, h->blobs[i].len);
	rc = handed_take(c, peer, SPAN(h->statement.data, h->statement.len), blob, i, &a, err);
	c->words[0] = '\0';
	if (rc != RC_OK)
		return is_fault(rc) ? rc : RC_OK;
	TRY(know(peer_of(c, peer), a.id, err));
	/* A "no" that our clock or our tail speaks against today is asked for again: both may be wrong. */
	if (a.fate == HANDED_REFUSED && a.no)
		return RC_OK;
	memcpy(ret->id[ret->n++], a.id, SHA256_BYTES);
	return RC_OK;
}

enum rc
pass_take(struct custody *c, uint8_t peer, Quorate__V1__Handed *const *rows, size_t n, struct passed *ret,
    struct err *err)
{
	struct compared_peer	*p = peer_of(c, peer);
	size_t			 i;

	ret->n = 0;
	/* Each costs a signature: not as many as a peer likes. It sends them again. */
	if (n == 0 || (p->took_ms != 0 && clock_ms() - p->took_ms < PASS_TAKE_MS))
		return RC_OK;
	p->took_ms = clock_ms();
	for (i = 0; i < n && i < PASS_AT_ONCE; i++)
		TRY(take_one(c, peer, rows[i], ret, err));
	return RC_OK;
}

size_t
pass_ids(struct passed *held, ProtobufCBinaryData ret[PASS_AT_ONCE])
{
	size_t	i;

	for (i = 0; i < held->n; i++)
		ret[i] = (ProtobufCBinaryData){ SHA256_BYTES, held->id[i] };
	return held->n;
}

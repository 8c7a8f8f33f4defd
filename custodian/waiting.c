/*
 * custodian/waiting.c - what a reply brings of the statements that wait for the log.
 *
 * A few a reply, a "no" before all else, each list going on where the last reply ended:
 * what the coordinator cannot log does not keep the rest from it.
 */
#include <stdlib.h>
#include <string.h>

#include "custodian/append.h"
#include "custodian/handed_slot.h"

#define WAITING_NO_MAX		8	/* so that the others come through as well */
#define WAITING_FOUND_MAX	4
/* Of 256 KiB in all; the largest of its kind fits each. */
#define WAITING_NO_BYTES	(66 << 10)
#define WAITING_FOUND_BYTES	(20 << 10)
#define WAITING_OTHER_BYTES	(168 << 10)

/* --- one more -------------------------------------------------------------------- */

static void
handed_done(Quorate__V1__Handed *h)
{
	size_t	i;

	for (i = 0; i < h->n_blobs; i++)
		free(h->blobs[i].data);
	free(h->blobs);
	free(h->statement.data);
}

void
waiting_done(struct waiting *w)
{
	size_t	i;

	for (i = 0; i < w->n; i++)
		handed_done(&w->handed[i]);
}

static enum rc
copy(ProtobufCBinaryData *out, struct span s, struct err *err)
{
	if ((out->data = malloc(s.n == 0 ? 1 : s.n)) == NULL)
		return err_set(err, RC_NOMEM, "reply: no memory");
	memcpy(out->data, s.p, s.n);
	out->len = s.n;
	return RC_OK;
}

static enum rc
copy_row(Quorate__V1__Handed *h, const struct handed_row *row, struct err *err)
{
	quorate__v1__handed__init(h);
	h->since = row->since;
	TRY(copy(&h->statement, row->dsse, err));
	if (row->n_blobs == 0)
		return RC_OK;
	if ((h->blobs = calloc(row->n_blobs, sizeof(*h->blobs))) == NULL)
		return err_set(err, RC_NOMEM, "reply: no memory");
	while (h->n_blobs < row->n_blobs) {
		TRY(copy(&h->blobs[h->n_blobs], row->blob[h->n_blobs], err));
		h->n_blobs++;
	}
	return RC_OK;
}

struct list {			/* one of those that a reply goes through */
	struct waiting	*w;
	size_t		 left, bytes_left;
};

/* RC_LIMIT: no more of this list fits. */
static enum rc
on_waiting(void *user, const struct handed_row *row, struct err *err)
{
	struct list		*l = user;
	Quorate__V1__Handed	*h = &l->w->handed[l->w->n];
	size_t			 bytes = row->dsse.n, i;
	enum rc			 rc;

	for (i = 0; i < row->n_blobs; i++)
		bytes += row->blob[i].n;
	if (l->w->n == WAITING_MAX || l->left == 0 || bytes > l->bytes_left)
		return err_set(err, RC_LIMIT, "the reply is full");
	if ((rc = copy_row(h, row, err)) != RC_OK) {
		handed_done(h);
		return rc;
	}
	l->w->row[l->w->n++] = h;
	l->left--;
	l->bytes_left -= bytes;
	return RC_OK;
}

/* --- lists that are gone through in turn ------------------------------------------- */

/* The first after where the last reply ended. */
static size_t
first_after(const struct slot *s, size_t n, const struct turn *t)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (t->n < SLOT_KEY_BYTES || memcmp(s[i].key, t->key, SLOT_KEY_BYTES) > 0)
			return i;
	return 0;
}

static enum rc
list_slots(struct custody *c, struct list *l, const struct slot *s, size_t n, struct turn *t, struct err *err)
{
	size_t	at = first_after(s, n, t), i;
	enum rc	rc;

	for (i = 0; i < n; i++, at = (at + 1) % n) {
		rc = slot_show(c, &s[at], on_waiting, l, err);
		if (rc == RC_LIMIT)
			return RC_OK;
		TRY(rc);
		memcpy(t->key, s[at].key, SLOT_KEY_BYTES);
		t->n = SLOT_KEY_BYTES;
	}
	return RC_OK;
}

struct finding {
	struct custody	*c;
	when		 now;
	struct list	*l;
	struct turn	*t;
	size_t		 n;		/* that it looked at */
	bool		 full;
};

static enum rc
give_found(struct finding *k, struct span dsse, struct err *err)
{
	struct handed_row	row;
	enum rc			rc;

	memset(&row, 0, sizeof(row));
	row.dsse = dsse;
	rc = on_waiting(k->l, &row, err);
	k->full = rc == RC_LIMIT;
	return rc;
}

/* Void, it would not even take its id: copies could be logged for ever. */
static enum rc
on_found(void *user, struct span key, struct span value, struct err *err)
{
	struct finding	*k = user;
	bool		 ran_out;

	TRY(consent_ran_out(k->c, value, k->now, &ran_out, err));
	if (!ran_out)
		TRY(give_found(k, value, err));
	k->n++;
	memcpy(k->t->key, key.p, key.n);
	k->t->n = key.n;
	return RC_OK;
}

/* At the end it begins anew with the next reply. */
static enum rc
list_found(struct custody *c, when now, struct list *l, struct turn *t, struct err *err)
{
	struct finding	k = { c, now, l, t, 0, false };
	uint8_t		after[STORE_KEY_MAX];
	size_t		n = t->n, most = l->left + 1;
	enum rc		rc;

	memcpy(after, t->key, n);
	rc = store_journal_each(c->store, JOURNAL_FOUND, SPAN(after, n), most, on_found, &k, err);
	if (rc == RC_LIMIT && k.full)
		return RC_OK;
	TRY(rc);
	if (k.n < most)
		t->n = 0;
	return RC_OK;
}

enum rc
waiting_fill(struct custody *c, when now, struct waiting *w, struct err *err)
{
	AUTO_DONE(slots_done) struct slots s;
	struct list	no = { w, WAITING_NO_MAX, WAITING_NO_BYTES },
			found = { w, WAITING_FOUND_MAX, WAITING_FOUND_BYTES },
			other = { w, WAITING_MAX, WAITING_OTHER_BYTES };
	size_t		n_no = 0;

	memset(&s, 0, sizeof(s));
	TRY(slots_read(c, KIND_LAST, &s, err));
	while (n_no < s.n && slot_kind(&s.slot[n_no]) <= KIND_NO_LAST)
		n_no++;
	TRY(list_slots(c, &no, s.slot, n_no, &c->rotation.no, err));
	if (!c->consenting.unmarked)
		TRY(list_found(c, now, &found, &c->rotation.found, err));
	return s.n == n_no ? RC_OK :
	    list_slots(c, &other, s.slot + n_no, s.n - n_no, &c->rotation.other, err);
}

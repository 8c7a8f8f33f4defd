/* custodian/checkpoint.c - how this custodian is, for anybody; what waits, for those of the charter. */
#include <stdlib.h>
#include <string.h>

#include "audit/accusation.h"
#include "custodian/handed_slot.h"
#include "custodian/methods.h"
#include "proto/quorate.pb-c.h"

#define ROWS_MAX	64
#define SIGNED_HEAD	(8 + SHA256_BYTES)	/* size and root before the note */

struct answering {
	struct custody			*c;
	Quorate__V1__CheckpointReply	 r;
	Quorate__V1__Health		 health;
	struct buf			 signed_, cosigned, accusation;
	struct slots			 slots;
	Quorate__V1__HandedRow		 row[ROWS_MAX], *rows[ROWS_MAX];
};

static void
answering_done(struct answering *a)
{
	buf_done(&a->signed_);
	buf_done(&a->cosigned);
	buf_done(&a->accusation);
	slots_done(&a->slots);
}

/* A named value less what stands before it; empty when there is none. */
static enum rc
show_value(struct custody *c, const char *name, size_t skip, struct buf *v, ProtobufCBinaryData *ret, struct err *err)
{
	enum rc	rc = store_get(c->store, name, v, err);

	if (rc != RC_OK)
		return rc == RC_MISSING ? RC_OK : rc;
	if (v->n > skip)
		*ret = (ProtobufCBinaryData){ v->n - skip, v->p + skip };
	return RC_OK;
}

/* --- what waits ------------------------------------------------------------------- */

static int
by_age(const void *a, const void *b)
{
	const struct slot	*x = a, *y = b;

	return x->since < y->since ? -1 : x->since > y->since;
}

/* Borrows from the slot. */
static void
fill_row(Quorate__V1__HandedRow *row, struct slot *s)
{
	quorate__v1__handed_row__init(row);
	row->id = (ProtobufCBinaryData){ sizeof(s->id), s->id };
	/* protobuf-c does not write to what it packs. */
	row->type = (char *)(uintptr_t)slot_word(slot_kind(s));
	row->subject = (ProtobufCBinaryData){ SHA256_BYTES, s->key + 1 };
	row->since = s->since;
	row->who = s->who;
}

static enum rc
fill_rows(struct answering *a, struct err *err)
{
	size_t	i;

	if ((a->c->caller & (CALLER_HOST | CALLER_PEER | CALLER_COORDINATOR)) == 0)
		return RC_OK;
	TRY(slots_read(a->c, KIND_LAST, &a->slots, err));
	if (a->slots.n > 0)
		qsort(a->slots.slot, a->slots.n, sizeof(a->slots.slot[0]), by_age);
	for (i = 0; i < a->slots.n && i < ROWS_MAX; i++) {
		fill_row(&a->row[i], &a->slots.slot[i]);
		a->rows[i] = &a->row[i];
	}
	a->r.n_handed = i;
	a->r.handed = a->rows;
	return RC_OK;
}

/* --- all of it -------------------------------------------------------------------- */

static enum rc
fill(struct answering *a, struct err *err)
{
	struct custody	*c = a->c;

	a->r.size = store_size(c->store);
	TRY(show_value(c, CUSTODY_SIGNED, SIGNED_HEAD, &a->signed_, &a->r.checkpoint, err));
	TRY(show_value(c, CUSTODY_COSIGNED, 8, &a->cosigned, &a->r.cosigned, err));
	TRY(show_value(c, CUSTODY_ACCUSATION, 0, &a->accusation, &a->r.accusation, err));
	TRY(fill_rows(a, err));
	TRY(health_fill(c, clock_now(), &a->health, err));
	a->r.health = &a->health;
	return RC_OK;
}

enum rc
custody_checkpoint(struct custody *c, struct span request, struct buf *reply, struct err *err)
{
	AUTO_DONE(answering_done) struct answering a;
	uint8_t	*p;

	(void)request;
	memset(&a, 0, sizeof(a));
	a.c = c;
	a.signed_ = a.cosigned = BUF_INIT(NOTE_BYTES_MAX + SIGNED_HEAD);
	a.accusation = BUF_INIT(ACCUSATION_BYTES_MAX);
	quorate__v1__checkpoint_reply__init(&a.r);
	TRY(fill(&a, err));
	p = buf_extend(reply, quorate__v1__checkpoint_reply__get_packed_size(&a.r));
	TRY(buf_check(reply, "reply", err));
	(void)quorate__v1__checkpoint_reply__pack(&a.r, p);
	return RC_OK;
}

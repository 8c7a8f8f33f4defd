/*
 * custodian/append.h - one Append at work. For append.c, cosign.c, reply.c and waiting.c only.
 *
 * append.c takes the page in one transaction; cosign.c checks its notes in it and
 * signs after it; reply.c says what is held, owed and missing, waiting.c what waits.
 */
#ifndef CUSTODIAN_APPEND_H
#define CUSTODIAN_APPEND_H

#include "custodian/custody.h"
#include "proto/quorate.pb-c.h"

/* More than a coordinator of ours sends; a reply to the most of them fits a frame. */
#define APPEND_ENTRIES_MAX	1024
#define APPEND_BLOBS_MAX	2048
#define APPEND_SHARES_MAX	256
#define APPEND_HELD_MAX		64

struct appending {
	struct custody				*c;
	const Quorate__V1__AppendRequest	*q;
	uint8_t			(*digest)[SHA256_BYTES];	/* of each blob */
	when			 now;
	uint64_t		 before;	/* entries here when it came */
	uint64_t		 size;		/* and with those taken since */
	bool			 waits;		/* an entry is dated in our future */
	bool			 stopped;	/* an entry puts a charter in force whose rules we do not know */
	bool			 checked;	/* `checkpoint` is the log's */
	bool			 own;		/* and signed by the log key of the charter in force */
	bool			 cosign;	/* and recorded as cosigned */
	bool			 contradicted;	/* a quorum cosigned another log */
	bool			 became_ready;	/* by what it brought */
	struct checkpoint	 checkpoint;
	struct buf		 line;		/* the cosignature */
};

static inline struct span
span_of(const ProtobufCBinaryData *d)
{
	return SPAN(d->data, d->len);
}

DEFINE_AUTO(statement_done, struct statement);
DEFINE_AUTO(dsse_done, struct dsse);

/* The statement of an effective batch entry. RC_MISSING: no such batch. */
MUST_USE enum rc batch_of(struct custody *c, uint64_t index, struct dsse *d, struct statement *s,
    struct err *err);

/* Before anything of the page is taken: is it of a coordinator that was succeeded? RC_VERIFY with words. */
MUST_USE enum rc append_not_replaced(struct appending *a, struct err *err);
/* In the transaction, after the entries: the notes that came with them. */
MUST_USE enum rc append_notes(struct appending *a, struct err *err);
/* In the transaction: of an entry that was applied; and what q have cosigned by now is waited for no longer. */
MUST_USE enum rc awaited_note(struct custody *c, uint64_t index, const struct verdict *v, struct err *err);
MUST_USE enum rc awaited_settle(struct custody *c, struct err *err);
/* What a reply has of the statements that wait: custodian/waiting.c. */
#define WAITING_MAX		16

struct waiting {
	Quorate__V1__Handed	 handed[WAITING_MAX], *row[WAITING_MAX];
	size_t			 n;
};
MUST_USE enum rc waiting_fill(struct custody *c, when now, struct waiting *w, struct err *err);
void	 waiting_done(struct waiting *w);

/*
 * In it, last: what is held of what came is signed, so that saying so costs no second commit. It is given away after
 * the commit or never. What cannot be signed now the reply says, not this: the entries stay.
 */
MUST_USE enum rc append_hold(struct appending *a, struct err *err);
/* After the transaction, committed (taken is RC_OK) or not: what its notes accuse of; returns taken, or a fault. */
MUST_USE enum rc append_settle(struct appending *a, enum rc taken, struct err *err);
/* After the commit. */
MUST_USE enum rc append_cosign(struct appending *a, struct err *err);
MUST_USE enum rc append_answer(struct appending *a, struct buf *reply, struct err *err);

#endif

/*
 * custodian/handed_slot.h - where a statement that was handed in stands. For handed.c,
 * handed_take.c, reply.c and checkpoint.c only.
 *
 * Two journals. JOURNAL_HANDED holds each statement under its id, with its blobs.
 * JOURNAL_SLOT holds a short row for each under what it says, about what, and whose key
 * says it: a key that no two of them share. Its order puts every "no" before all else.
 */
#ifndef CUSTODIAN_HANDED_SLOT_H
#define CUSTODIAN_HANDED_SLOT_H

#include "custodian/custody.h"

#define JOURNAL_SLOT	"handed-slot"
#define SLOT_KEY_BYTES	(1 + SHA256_BYTES + KEY_ID_BYTES)

enum handed_kind {
	KIND_NONE = 0,		/* is not handed in */
	KIND_DENIAL, KIND_WITHDRAWAL, KIND_REVOCATION,
	KIND_NO_LAST = KIND_REVOCATION,
	KIND_REQUEST, KIND_APPROVAL, KIND_RECEIPT,
	KIND_LAST = KIND_RECEIPT,
};

struct slot {
	uint8_t		key[SLOT_KEY_BYTES];	/* kind, subject, signer */
	uint8_t		id[SHA256_BYTES];
	when		since, expires;
	uint8_t		from;
	uint32_t	blob_bytes;
	char		who[ID_MAX + 1];
};

static inline enum handed_kind
slot_kind(const struct slot *s)
{
	return (enum handed_kind)s->key[0];
}

static inline const uint8_t *
slot_subject(const struct slot *s)
{
	return s->key + 1;
}

static inline const uint8_t *
slot_signer(const struct slot *s)
{
	return s->key + 1 + SHA256_BYTES;
}

enum handed_kind slot_kind_of(const struct statement *s);
enum statement_type slot_type(enum handed_kind k);
/* For people: a decision is a denial or an approval. */
const char *slot_word(enum handed_kind k);
/* The key that a statement has. */
void	 slot_key_of(const struct statement *s, uint8_t ret[SLOT_KEY_BYTES]);

/* All slots, or those of kinds up to `last`, in order of their keys; free() them. */
struct slots {
	struct slot	*slot;
	size_t		 n;
};
MUST_USE enum rc slots_read(struct custody *c, enum handed_kind last, struct slots *ret, struct err *err);
static inline void
slots_done(struct slots *s)
{
	free(s->slot);
}

/* Both rows; inside a transaction. */
MUST_USE enum rc slot_put(struct custody *c, const struct slot *s, struct span dsse, const struct span *blob,
    size_t n_blobs, struct err *err);
MUST_USE enum rc slot_del(struct custody *c, const struct slot *s, struct err *err);
/* RC_MISSING: nothing stands there. */
MUST_USE enum rc slot_find(struct custody *c, const uint8_t key[SLOT_KEY_BYTES], struct slot *ret, struct err *err);
/* The statement of a slot, as a row that is good while fn runs. */
MUST_USE enum rc slot_show(struct custody *c, const struct slot *s, handed_fn fn, void *user, struct err *err);

#endif

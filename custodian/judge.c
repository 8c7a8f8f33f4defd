/* custodian/judge.c - whose checkpoint is it? */
#include <stdlib.h>
#include <string.h>

#include "custodian/custody.h"

#define CHARTERS_MAX	4096	/* more than anybody amends */

struct since {
	uint8_t		digest[SHA256_BYTES];
	uint64_t	index;
};

struct history {
	struct since	*row;
	size_t		 n;
};

static void
history_done(struct history *h)
{
	free(h->row);
}

static enum rc
on_charter(void *user, const uint8_t digest[SHA256_BYTES], uint64_t since, struct err *err)
{
	struct history	*h = user;

	if (h->n == CHARTERS_MAX)
		return err_set(err, RC_LIMIT, "over %d charters were in force", CHARTERS_MAX);
	memcpy(h->row[h->n].digest, digest, SHA256_BYTES);
	h->row[h->n++].index = since;
	return RC_OK;
}

bool
note_key_eq(const struct note_key *a, const struct note_key *b)
{
	return a->alg == b->alg && strcmp(a->name, b->name) == 0 && memcmp(a->key, b->key, sizeof(a->key)) == 0;
}

/* The oldest makes room: what it signed is long ago. */
static void
add_key(struct log_keys *k, const struct note_key *key, uint64_t since)
{
	if (k->n > 0 && note_key_eq(&k->key[k->n - 1], key))
		return;
	if (k->n > 0)
		k->until[k->n - 1] = since;
	if (k->n == NOTE_LOGS) {
		memmove(k->key, k->key + 1, (NOTE_LOGS - 1) * sizeof(k->key[0]));
		memmove(k->until, k->until + 1, (NOTE_LOGS - 1) * sizeof(k->until[0]));
		k->n--;
	}
	k->key[k->n] = *key;
	k->until[k->n++] = UINT64_MAX;
}

static enum rc
look_up(struct custody *c, struct log_keys *k, struct err *err)
{
	AUTO_DONE(history_done) struct history h = { calloc(CHARTERS_MAX, sizeof(*h.row)), 0 };
	const struct charter	*charter;
	struct note_key		 key;
	size_t			 i;

	if (h.row == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	TRY(replica_charters(c->replica, on_charter, &h, err));
	k->n = 0;
	for (i = 0; i < h.n; i++) {
		TRY(replica_charter_of(c->replica, h.row[i].digest, &charter, err));
		TRY(charter_log_note_key(charter, &key, err));
		add_key(k, &key, h.row[i].index);
	}
	return k->n > 0 ? RC_OK : err_set(err, RC_BUG, "no charter was ever in force");
}

enum rc
judge_log_keys(struct custody *c, const struct log_keys **ret, struct err *err)
{
	const struct charter	*charter;
	struct log_keys		*k = &c->log_keys;

	TRY(custody_charter(c, &charter, err));
	if (k->n == 0 || memcmp(k->charter, charter->digest, sizeof(k->charter)) != 0) {
		memcpy(k->charter, charter->digest, sizeof(k->charter));
		k->n = 0;
		TRY(look_up(c, k, err));
	}
	*ret = k;
	return RC_OK;
}

enum rc
note_judge(struct custody *c, struct span note, struct judged *ret, struct err *err)
{
	const struct log_keys	*k;
	const struct charter	*charter;
	struct note_key		 witness[CUSTODIANS_MAX];
	struct judged		 j;
	int			 by_log;
	uint8_t			 i;

	TRY(judge_log_keys(c, &k, err));
	TRY(custody_charter(c, &charter, err));
	for (i = 0; i < charter->n; i++)
		TRY(charter_witness_note_key(charter, (uint8_t)(i + 1), &witness[i], err));
	memset(&j, 0, sizeof(j));
	TRY(checkpoint_verify_any(note, k->key, k->n, witness, charter->n, &j.cp, &by_log, &j.by, err));
	j.quorum = (unsigned)__builtin_popcount(j.by.mask) >= charter->q;
	if (by_log >= 0) {
		j.log = k->key[by_log];
		j.standing = j.cp.size > k->until[by_log] ? NOTE_LATE : NOTE_GOOD;
		j.in_force = (size_t)by_log == k->n - 1;
	}
	*ret = j;
	return RC_OK;
}

/*
 * custodian/handed_take.c - how a statement gets past the log into this custodian.
 *
 * First whose it is, so that strangers cost no disk; then whether the log shows it
 * already; then what `apply` would say to it now; and only then, durably, a place.
 */
#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"
#include "custodian/handed_slot.h"

struct taking {
	struct custody		*c;
	const struct charter	*charter;
	when			 now;
	uint8_t			 from;
	struct span		 dsse;
	struct dsse		 d;
	struct statement	 s;
	struct slot		 slot;
	struct span		 blob[2];	/* fixed, named by it */
	size_t			 n_blobs;
	struct slots		 others;	/* that wait */
};

static void
taking_done(struct taking *k)
{
	statement_done(&k->s);
	dsse_done(&k->d);
	slots_done(&k->others);
}

/* --- whose is it? ------------------------------------------------------------------- */

static enum rc
read_statement(struct taking *k, struct err *err)
{
	struct err	why;
	enum rc		rc = dsse_parse(k->dsse, &k->d, &why);

	if (rc == RC_OK)
		rc = statement_parse(&k->d, &k->s, &why);
	if (rc != RC_OK)
		return custody_say(k->c, err, rc, "this is no statement: %.160s", why.msg);
	if (slot_kind_of(&k->s) == KIND_NONE || (k->s.type == STATEMENT_RECEIPT && k->from == 0))
		return custody_say(k->c, err, RC_FORMAT, "a custodian takes requests, decisions, withdrawals and "
		    "revocations, and this is of type %s", statement_type_name(k->s.type));
	return RC_OK;
}

/* The key that the statement names as its signer's, if the charter has it for such statements. */
static const struct key *
signer_key(struct taking *k)
{
	const struct person	*p;
	uint8_t			 id[KEY_ID_BYTES], i;

	if (k->s.type == STATEMENT_RECEIPT) {
		i = k->s.u.receipt.custodian;
		if (i < 1 || i > k->charter->n)
			return NULL;
		(void)snprintf(k->slot.who, sizeof(k->slot.who), "custodian %u", i);
		return &k->charter->custodian[i - 1].signing_key;
	}
	if ((p = charter_person_by_key(k->charter, k->s.signer)) == NULL)
		return NULL;
	memcpy(k->slot.who, p->id, sizeof(k->slot.who));
	for (i = 0; i < p->n_keys; i++) {
		key_id(&p->key[i], id);
		if (memcmp(id, k->s.signer, sizeof(id)) == 0)
			return &p->key[i];
	}
	return NULL;
}

static enum rc
check_author(struct taking *k, struct err *err)
{
	const struct key	*key = signer_key(k);

	if (key == NULL || !dsse_signed_by(&k->d, key))
		return custody_say(k->c, err, RC_VERIFY, "signed by nobody whom the charter lists for such a statement");
	slot_key_of(&k->s, k->slot.key);
	memcpy(k->slot.id, k->s.id, sizeof(k->slot.id));
	k->slot.since = k->now;
	k->slot.expires = k->s.expires;
	k->slot.from = k->from;
	return RC_OK;
}

/* --- what would the log say? ----------------------------------------------------------- */

static enum rc
find_blobs(struct taking *k, const struct span *blob, size_t n_blobs, struct err *err)
{
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);
	uint8_t	want[2][SHA256_BYTES], have[SHA256_BYTES];
	size_t	n, i, b;

	entry_write(k->now, k->dsse, &leaf);
	TRY(buf_check(&leaf, "statement", err));
	TRY(entry_blobs(buf_view(&leaf), want, &n, err));
	/* What it does not name is not kept: erasable texts go to the coordinator. */
	for (i = 0; i < n; i++)
		for (b = 0; b < n_blobs; b++) {
			sha256_one(have, blob[b]);
			if (memcmp(have, want[i], sizeof(have)) != 0)
				continue;
			if (blob[b].n > HANDED_BLOB_MAX)
				return custody_say(k->c, err, RC_LIMIT, "its scope list is %zu bytes; a custodian takes %d: "
				    "ask for less in one request", blob[b].n, HANDED_BLOB_MAX);
			k->blob[k->n_blobs++] = blob[b];
			k->slot.blob_bytes += (uint32_t)blob[b].n;
			break;
		}
	return RC_OK;
}

/* The blobs are in the store for as long as `apply` reads them, and no longer. */
static enum rc
try_it(struct taking *k, struct verdict *ret, struct err *err)
{
	uint8_t	digest[SHA256_BYTES];
	size_t	i;
	enum rc	rc = RC_OK;

	if (k->n_blobs == 0)
		return replica_try(k->c->replica, k->now, k->dsse, ret, err);
	TRY(store_begin(k->c->store, err));
	for (i = 0; i < k->n_blobs && rc == RC_OK; i++)
		rc = store_blob_put(k->c->store, k->blob[i], digest, err);
	if (rc == RC_OK)
		rc = replica_try(k->c->replica, k->now, k->dsse, ret, err);
	store_rollback(k->c->store);
	return rc;
}

/* RC_UNSURE: about something that did not come here. */
static enum rc
judge(struct taking *k, struct handed_answer *a, struct err *err)
{
	struct verdict	v;
	enum rc		rc = try_it(k, &v, err);

	if (rc == RC_MISSING)
		return custody_say(k->c, err, rc, "its scope list did not come with it");
	TRY(rc);
	a->why = (enum void_reason)v.why;
	if (v.effective)
		return RC_OK;
	if (a->why == VOID_SEEN && k->s.seen_size > store_size(k->c->store))
		return custody_say(k->c, err, RC_UNSURE, "its author saw %llu entries, and only %llu came to this custodian "
		    "so far: hand it in again in a while", (unsigned long long)k->s.seen_size,
		    (unsigned long long)store_size(k->c->store));
	if (a->why == VOID_UNKNOWN_SUBJECT && k->s.type != STATEMENT_REVOCATION)
		return custody_say(k->c, err, RC_UNSURE, "what it is about is not in the %llu entries that came to this "
		    "custodian so far: check the id, or hand it in again in a while",
		    (unsigned long long)store_size(k->c->store));
	a->fate = HANDED_REFUSED;
	return RC_OK;
}

/*
 * A "no" that runs out before the coordinator could log it would bar for as long as there
 * is anything to bar, veto or not: who signs one can sign another. What a peer brings has
 * come this way before.
 */
static enum rc
check_life(struct taking *k, struct err *err)
{
	when	now;

	if (k->from != 0 || slot_kind(&k->slot) > KIND_NO_LAST)
		return RC_OK;
	TRY(replica_time(k->c->replica, &now, err));
	if (k->now > now)
		now = k->now;
	if (k->slot.expires >= now + HANDED_LIFE_MIN)
		return RC_OK;
	return custody_say(k->c, err, RC_DENIED, "it runs out before the log could show it: sign it again, to last for "
	    "%d seconds at least", HANDED_LIFE_MIN);
}

/* --- a place ------------------------------------------------------------------------------ */

struct used { size_t all, no_own, no_person, other, other_own, receipts_own, blobs; };

static struct used
count_used(const struct taking *k)
{
	struct used	u = { .all = k->others.n };
	size_t		i;
	bool		own;

	for (i = 0; i < k->others.n; i++) {
		const struct slot	*s = &k->others.slot[i];

		own = memcmp(slot_signer(s), k->s.signer, KEY_ID_BYTES) == 0;
		if (slot_kind(s) == KIND_RECEIPT) {
			u.receipts_own += own;
		} else if (slot_kind(s) <= KIND_NO_LAST) {
			u.no_own += own;
			u.no_person += strcmp(s->who, k->slot.who) == 0;
		} else {
			u.other++;
			u.other_own += own;
			u.blobs += s->blob_bytes;
		}
	}
	return u;
}

static enum rc
check_room(struct taking *k, struct err *err)
{
	struct used	u = count_used(k);
	bool		full = u.all >= HANDED_MAX;

	if (k->s.type == STATEMENT_RECEIPT)
		full |= u.receipts_own >= HANDED_RECEIPTS_OWN;
	else if (slot_kind(&k->slot) <= KIND_NO_LAST) {
		full &= u.no_person >= HANDED_NO_SURE;
		full |= u.no_own >= HANDED_NO_MAX;
	} else
		full |= u.other >= HANDED_OTHER_MAX || u.other_own >= HANDED_OTHER_OWN ||
		    u.blobs + k->slot.blob_bytes > HANDED_BLOBS_MAX;
	if (!full)
		return RC_OK;
	return custody_say(k->c, err, RC_LIMIT, "too many statements wait here for the log already: hand it to the "
	    "coordinator or to another custodian");
}

static enum rc
put(struct taking *k, const struct slot *old, struct err *err)
{
	if (old != NULL)
		TRY(slot_del(k->c, old, err));
	TRY(slot_put(k->c, &k->slot, k->dsse, k->blob, k->n_blobs, err));
	return slot_kind(&k->slot) <= KIND_NO_LAST ? steps_take(k->c, err) : RC_OK;
}

static enum rc
put_durably(struct taking *k, const struct slot *old, struct err *err)
{
	enum rc	rc;

	TRY(store_begin(k->c->store, err));
	rc = put(k, old, err);
	if (rc == RC_OK)
		rc = store_commit(k->c->store, err);
	if (rc != RC_OK)
		store_rollback(k->c->store);
	return rc;
}

/* Nothing is said to be taken before the token knows of it, not even the second time. */
static enum rc
taken(struct taking *k, struct handed_answer *a, enum handed_fate fate, struct err *err)
{
	a->fate = fate;
	return slot_kind(&k->slot) <= KIND_NO_LAST ? steps_mark(k->c, err) : RC_OK;
}

/*
 * One that has run out can have no effect in the log any more: the new one can. And what
 * a withdrawal took back may have been said again since, for the next to take back: the
 * log may be about to show the first, and then nothing would be left of the second.
 */
static bool
gives_way(const struct taking *k, const struct slot *old)
{
	return old->expires < k->now || (slot_kind(old) == KIND_WITHDRAWAL && old->expires < k->slot.expires);
}

static enum rc
keep(struct taking *k, struct handed_answer *a, struct err *err)
{
	char	hex[HEX_BYTES(SHA256_BYTES)], about[HEX_BYTES(SHA256_BYTES)];
	size_t	i;

	TRY(slots_read(k->c, KIND_LAST, &k->others, err));
	for (i = 0; i < k->others.n; i++)
		if (memcmp(k->others.slot[i].key, k->slot.key, SLOT_KEY_BYTES) == 0)
			break;
	if (i < k->others.n && !gives_way(k, &k->others.slot[i]))
		return taken(k, a, HANDED_KNOWN, err);
	if (i == k->others.n)
		TRY(check_room(k, err));
	TRY(put_durably(k, i < k->others.n ? &k->others.slot[i] : NULL, err));
	log_line("%s by %s about %.16s was handed in%s: statement %.16s", slot_word(slot_kind(&k->slot)), k->slot.who,
	    hex_write(SPAN(slot_subject(&k->slot), SHA256_BYTES), about),
	    slot_kind(&k->slot) <= KIND_NO_LAST ? ", and stands against contributing" : "",
	    hex_write(SPAN_OF(k->s.id), hex));
	return taken(k, a, HANDED_TAKEN, err);
}

/*
 * The log shows it. What no quorum stands behind may be shown to this custodian alone,
 * and be gone tomorrow: a "no" is kept until one does.
 */
static enum rc
logged(struct taking *k, struct handed_answer *a, struct err *err)
{
	struct handed_answer	kept = *a;
	uint64_t		cosigned;

	a->fate = HANDED_LOGGED;
	TRY(custody_cosigned_size(k->c, &cosigned, err));
	if (a->index < cosigned || slot_kind(&k->slot) > KIND_NO_LAST)
		return RC_OK;
	return keep(k, &kept, err);
}

/* --- all of it --------------------------------------------------------------------------- */

static enum rc
take(struct taking *k, const struct span *blob, size_t n_blobs, struct handed_answer *a, struct err *err)
{
	struct slot	here;
	enum rc		rc;

	TRY(read_statement(k, err));
	TRY(check_author(k, err));
	memcpy(a->id, k->s.id, sizeof(a->id));
	a->no = slot_kind(&k->slot) <= KIND_NO_LAST;
	rc = replica_logged(k->c->replica, k->s.id, &a->index, &a->why, err);
	if (rc == RC_OK)
		return logged(k, a, err);
	if (rc != RC_MISSING)
		return rc;
	/* What waits here and what the log would say of it since are two things. */
	rc = slot_find(k->c, k->slot.key, &here, err);
	if (rc == RC_OK && memcmp(here.id, k->s.id, sizeof(here.id)) == 0)
		return taken(k, a, HANDED_KNOWN, err);
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	TRY(find_blobs(k, blob, n_blobs, err));
	TRY(judge(k, a, err));
	if (a->fate == HANDED_REFUSED)
		return RC_OK;
	TRY(check_life(k, err));
	return keep(k, a, err);
}

enum rc
handed_take(struct custody *c, uint8_t from, struct span dsse, const struct span *blob, size_t n_blobs,
    struct handed_answer *ret, struct err *err)
{
	AUTO_DONE(taking_done) struct taking k;
	struct handed_answer	a;

	memset(&k, 0, sizeof(k));
	memset(&a, 0, sizeof(a));
	k.c = c;
	k.now = clock_now();
	k.from = from;
	k.dsse = dsse;
	TRY(custody_charter(c, &k.charter, err));
	TRY(take(&k, blob, n_blobs, &a, err));
	*ret = a;
	return RC_OK;
}

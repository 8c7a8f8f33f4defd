/*
 * custodian/accuse.c - a note of the log against what this custodian holds; and what
 * follows when both cannot be true.
 */
#include <string.h>

#include "base/wire.h"
#include "custodian/rebuild.h"

/* One log key and the witnesses': an accusation is between two notes of one key. */
struct note_keys {
	struct note_key	log, witness[CUSTODIANS_MAX];
	uint8_t		n;
};

static enum rc
note_keys(struct custody *c, const struct note_key *log, struct note_keys *ret, struct err *err)
{
	const struct charter	*charter;
	uint8_t			 i;

	TRY(custody_charter(c, &charter, err));
	ret->log = *log;
	for (i = 0; i < charter->n; i++)
		TRY(charter_witness_note_key(charter, (uint8_t)(i + 1), &ret->witness[i], err));
	ret->n = charter->n;
	return RC_OK;
}

/* --- notes of ours -------------------------------------------------------------- */

void
compared_note_done(struct compared_note *n)
{
	buf_done(&n->note);
}

enum rc
compare_note_put(struct custody *c, const char *name, const struct checkpoint *cp, struct span note, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(NOTE_BYTES_MAX + 64);

	buf_u64(&v, cp->size);
	buf_add(&v, cp->root, SHA256_BYTES);
	buf_span(&v, note);
	TRY(buf_check(&v, "checkpoint", err));
	return store_put(c->store, name, buf_view(&v), err);
}

enum rc
compare_note_get(struct custody *c, const char *name, struct compared_note *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(NOTE_BYTES_MAX + 64);
	struct rd	r;
	struct span	note;
	enum rc		rc = store_get(c->store, name, &v, err);

	ret->size = 0;
	memset(ret->root, 0, sizeof(ret->root));
	buf_reset(&ret->note);
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, &ret->size) || !rd_bytes(&r, ret->root, SHA256_BYTES) ||
	    !rd_take(&r, v.n - r.at, &note))
		return err_set(err, RC_BUG, "the record of a checkpoint is damaged (%s)", name);
	buf_span(&ret->note, note);
	return buf_check(&ret->note, "checkpoint", err);
}

/* Is it of the log that we hold now? What was cosigned may be of a tail that was dropped. */
static enum rc
is_held(struct custody *c, const struct compared_note *n, bool *ret, struct err *err)
{
	uint8_t	root[SHA256_BYTES];

	*ret = false;
	if (n->note.n == 0 || n->size > store_size(c->store))
		return RC_OK;
	TRY(store_root_at(c->store, n->size, root, err));
	*ret = memcmp(root, n->root, sizeof(root)) == 0;	/* public */
	return RC_OK;
}

enum rc
compare_own_note(struct custody *c, struct compared_note *ret, struct err *err)
{
	AUTO_DONE(compared_note_done) struct compared_note shown = COMPARED_NOTE_INIT;
	bool	held;

	TRY(compare_note_get(c, CUSTODY_SHOWN, &shown, err));
	TRY(compare_note_get(c, CUSTODY_SIGNED, ret, err));
	TRY(is_held(c, ret, &held, err));
	if (held && ret->size >= shown.size)
		return RC_OK;
	TRY(is_held(c, &shown, &held, err));
	ret->size = 0;
	memset(ret->root, 0, sizeof(ret->root));
	buf_reset(&ret->note);
	if (!held)
		return RC_OK;
	ret->size = shown.size;
	memcpy(ret->root, shown.root, sizeof(ret->root));
	buf_span(&ret->note, buf_view(&shown.note));
	return buf_check(&ret->note, "checkpoint", err);
}

/* --- accusing ---------------------------------------------------------------------- */

static enum rc
is_in_force(struct custody *c, const struct note_key *key, bool *ret, struct err *err)
{
	const struct log_keys	*k;

	TRY(judge_log_keys(c, &k, err));
	*ret = note_key_eq(key, &k->key[k->n - 1]);
	return RC_OK;
}

enum rc
compare_is_accused(struct custody *c, bool *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(NOTE_KEY_BYTES), text = BUF_INIT(STORE_VALUE_MAX);
	const struct log_keys	*k;
	enum rc			 rc = store_get(c->store, CUSTODY_ACCUSATION, &text, err);

	*ret = rc == RC_OK;
	if (rc != RC_OK)
		return rc == RC_MISSING ? RC_OK : rc;
	rc = store_get(c->store, CUSTODY_ACCUSED, &v, err);
	if (rc == RC_MISSING)
		return RC_OK;		/* of a time when a log had one key */
	TRY(rc);
	TRY(judge_log_keys(c, &k, err));
	*ret = span_eq(buf_view(&v), SPAN_OF(k->key[k->n - 1].key));
	return RC_OK;
}

static enum rc
put_accusation(struct custody *c, const struct note_keys *k, struct span text, struct err *err)
{
	enum rc	rc;

	TRY(store_begin(c->store, err));
	rc = store_put(c->store, CUSTODY_ACCUSATION, text, err);
	if (rc == RC_OK)
		rc = store_put(c->store, CUSTODY_ACCUSED, SPAN_OF(k->log.key), err);
	if (rc == RC_OK)
		rc = store_commit(c->store, err);
	if (rc != RC_OK)
		store_rollback(c->store);
	return rc;
}

/* Peers have the one before at most. */
static void
tell_peers_again(struct custody *c)
{
	uint8_t	i;

	for (i = 0; i < CUSTODIANS_MAX; i++)
		c->comparing.peer[i].accused = false;
}

/* The first one of a key is kept: it proves all that any other does. Of a key that is the log's no more, when there is none. */
static enum rc
accuse(struct custody *c, const struct note_keys *k, struct span text, uint64_t a, uint64_t b, struct err *err)
{
	AUTO_DONE(buf_done) struct buf key = BUF_INIT(1024), old = BUF_INIT(STORE_VALUE_MAX);
	bool	accused, in_force;
	enum rc	rc;

	TRY(compare_is_accused(c, &accused, err));
	TRY(is_in_force(c, &k->log, &in_force, err));
	rc = store_get(c->store, CUSTODY_ACCUSATION, &old, err);
	if (in_force)
		buf_reset(&c->comparing.suspicion);
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	if (accused || (rc == RC_OK && !in_force))
		return RC_OK;
	TRY(put_accusation(c, k, text, err));
	tell_peers_again(c);
	note_key_write(&k->log, &key);
	log_line("ALARM: the log's key %s signed two pasts, at sizes %llu and %llu: this custodian contributes to nothing %s "
	    "(quorate log accuse shows the proof)", buf_text(&key), (unsigned long long)a, (unsigned long long)b,
	    in_force ? "from here on" : "under it; it is the log's no more");
	return RC_OK;
}

enum rc
compare_accused(struct custody *c, struct span text, struct err *err)
{
	const struct log_keys	*keys;
	struct note_keys	 k;
	struct accusation	 a;
	size_t			 i;
	enum rc			 rc = RC_VERIFY;

	TRY(judge_log_keys(c, &keys, err));
	for (i = keys->n; i > 0 && rc == RC_VERIFY; i--) {
		TRY(note_keys(c, &keys->key[i - 1], &k, err));
		rc = accusation_verify(text, &k.log, k.witness, k.n, &a, err);
	}
	TRY(rc);
	return accuse(c, &k, text, a.a.size, a.b.size, err);
}

static enum rc
suspect(struct custody *c, const struct checkpoint *cp, struct span note, struct err *err)
{
	struct buf	*b = &c->comparing.suspicion;

	if (b->n != 0)
		return RC_OK;
	b->max = NOTE_BYTES_MAX;
	buf_span(b, note);
	log_line("ALARM: the log's checkpoint %llu is not of the log that this custodian holds: it contributes to nothing until "
	    "that is proved or cleared", (unsigned long long)cp->size);
	return buf_check(b, "checkpoint", err);
}

/*
 * A quorum stands behind the other log. 2q > n+f: no other quorum ever did behind what
 * of ours contradicts it, unless more than f lied; then nothing is dropped.
 */
static enum rc
outvoted(struct custody *c, uint32_t mask, uint64_t contradicted, struct err *err)
{
	const struct charter	*charter;
	uint64_t		 common;

	TRY(custody_charter(c, &charter, err));
	TRY(custody_cosigned_size(c, &common, err));
	if ((unsigned)__builtin_popcount(mask) >= charter->q && contradicted > common)
		c->comparing.rebuild = true;
	return RC_OK;
}

/* Two notes of one key can be held against each other; of two keys, only a quorum decides. */
static enum rc
same_key(struct custody *c, const struct judged *j, const struct compared_note *ours, bool *ret, struct err *err)
{
	struct judged	own;

	*ret = false;
	if (ours->note.n == 0 || j->standing == NOTE_STRANGE)
		return RC_OK;
	TRY(note_judge(c, buf_view(&ours->note), &own, err));
	*ret = own.standing != NOTE_STRANGE && note_key_eq(&own.log, &j->log);
	return RC_OK;
}

/* The note is of a size that we hold, and of another root. */
static enum rc
contradicted(struct custody *c, const struct judged *j, struct span note, struct err *err)
{
	AUTO_DONE(compared_note_done) struct compared_note ours = COMPARED_NOTE_INIT;
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(ACCUSATION_BYTES_MAX);
	struct note_keys	k;
	struct tree_path	path;
	uint8_t			root[SHA256_BYTES];
	uint64_t		size = j->cp.size;
	bool			same;

	TRY(compare_own_note(c, &ours, err));
	TRY(same_key(c, j, &ours, &same, err));
	if (!same && !j->in_force)
		return RC_OK;		/* whoever had that key keeps the log no more */
	if (!same || ours.size < size)	/* nothing that this key signed covers what we hold there, yet */
		return suspect(c, &j->cp, note, err);
	TRY(note_keys(c, &j->log, &k, err));
	TRY(store_root_at(c->store, size, root, err));
	TRY(store_consistency(c->store, size, ours.size, &path, err));
	TRY(accusation_write(note, buf_view(&ours.note), root, &path, &k.log, k.witness, k.n, &text, err));
	return accuse(c, &k, buf_view(&text), size, ours.size, err);
}

enum rc
compare_note(struct custody *c, struct span note, struct err *err)
{
	struct judged	j;
	uint8_t		root[SHA256_BYTES];

	TRY(note_judge(c, note, &j, err));
	if (!note_counts(&j))
		return err_set(err, RC_VERIFY, "a checkpoint of %llu entries by no key that the log had then",
		    (unsigned long long)j.cp.size);
	if (j.cp.size > store_size(c->store))
		return err_set(err, RC_UNSURE, "a checkpoint of %llu entries, of which %llu are here",
		    (unsigned long long)j.cp.size, (unsigned long long)store_size(c->store));
	TRY(store_root_at(c->store, j.cp.size, root, err));
	if (memcmp(root, j.cp.root, sizeof(root)) == 0)	/* public */
		return RC_OK;
	TRY(contradicted(c, &j, note, err));
	return outvoted(c, j.by.mask, j.cp.size, err);
}

enum rc
compare_proof(struct custody *c, const struct compared_note *ours, struct span note, const uint8_t root[SHA256_BYTES],
    const struct tree_path *path, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(ACCUSATION_BYTES_MAX);
	struct note_keys	k;
	struct judged		j;
	bool			same;

	if (memcmp(root, ours->root, SHA256_BYTES) == 0)	/* public */
		return RC_OK;
	TRY(note_judge(c, note, &j, err));
	if (!note_counts(&j))
		return RC_OK;		/* it proves nothing, whatever it leads from */
	TRY(same_key(c, &j, ours, &same, err));
	if (!same) {
		TRY(tree_consistency_verify(ours->size, root, j.cp.size, j.cp.root, path, err));
		return outvoted(c, j.by.mask, ours->size, err);
	}
	TRY(note_keys(c, &j.log, &k, err));
	/* Writes what it has verified, the proof included. */
	TRY(accusation_write(buf_view(&ours->note), note, root, path, &k.log, k.witness, k.n, &text, err));
	TRY(accuse(c, &k, buf_view(&text), ours->size, j.cp.size, err));
	return outvoted(c, j.by.mask, ours->size, err);
}

/* --- what could not be told before -------------------------------------------------- */

/* Again. What agrees by now, is proved, or contradicts a tail that is gone, is a suspicion no longer. */
static enum rc
look_again(struct custody *c, struct err *err)
{
	struct comparing	*m = &c->comparing;
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	enum rc			 rc;

	if (m->suspicion.n == 0)
		return RC_OK;
	buf_span(&note, buf_view(&m->suspicion));
	TRY(buf_check(&note, "checkpoint", err));
	buf_reset(&m->suspicion);
	rc = compare_note(c, buf_view(&note), err);
	/* Of a log key that a succession has replaced since, it says nothing any more. */
	return rc == RC_UNSURE || rc == RC_VERIFY ? RC_OK : rc;
}

/* What a quorum cosigned, once we hold that much. */
static enum rc
look_at_target(struct custody *c, struct err *err)
{
	struct comparing	*m = &c->comparing;

	if (m->target_note.n == 0 || store_size(c->store) < m->target)
		return RC_OK;
	TRY(compare_note(c, buf_view(&m->target_note), err));
	if (m->ready)
		buf_reset(&m->target_note);
	return RC_OK;
}

/* A restored one knows again what there is, once it is where its peers are. */
static enum rc
catch_up(struct custody *c, struct err *err)
{
	char	words[sizeof(c->words)];
	enum rc	rc;

	if (!c->steps.restored || c->steps.since != UINT64_MAX)
		return RC_OK;
	memcpy(words, c->words, sizeof(words));	/* of the call at hand */
	rc = compare_ready(c, err);
	memcpy(c->words, words, sizeof(words));
	if (rc != RC_OK)
		return rc == RC_UNSURE ? RC_OK : rc;
	/* What it answered before, a quorum had: what its peers were shown, and what it signed, is older than that. */
	if (store_size(c->store) < c->comparing.most || store_size(c->store) < c->steps.floor)
		return RC_OK;
	if (c->comparing.forgot)
		TRY(steps_raise(c, c->comparing.most, c->comparing.most_root, err));
	return steps_caught_up(c, store_size(c->store), err);
}

/* When it cannot be done now, the next note that contradicts us asks for it again. */
static enum rc
drop_tail(struct custody *c, struct err *err)
{
	enum rc	rc = rebuild_tail(c, err);

	c->comparing.rebuild = false;
	if (rc == RC_BUG)
		return rc;
	if (rc != RC_OK)
		log_err(err, "ALARM");
	return look_again(c, err);
}

/* A log that stands still must not make us forget what we saw of the others. */
static enum rc
store_seen(struct custody *c, struct err *err)
{
	struct comparing	*m = &c->comparing;
	uint64_t		 now = clock_ms();

	if (!m->dirty || (m->stored_ms != 0 && now - m->stored_ms < COMPARE_SEEN_MS))
		return RC_OK;
	TRY(compare_store(c, err));
	m->dirty = false;
	m->stored_ms = now;
	return RC_OK;
}

enum rc
compare_settle(struct custody *c, struct err *err)
{
	if (replica_charter(c->replica) == NULL)
		return RC_OK;
	TRY(look_again(c, err));
	TRY(look_at_target(c, err));
	if (c->comparing.rebuild)
		TRY(drop_tail(c, err));
	TRY(rebuild_resume(c, err));
	TRY(store_seen(c, err));
	return catch_up(c, err);
}

/*
 * custodian/cosign.c - the log's checkpoints: which page they cover, which of them
 * this custodian cosigns, and how far a quorum has.
 */
#include <string.h>

#include "base/wire.h"
#include "custodian/append.h"

static enum rc
check_root(struct custody *c, const struct checkpoint *cp, struct err *err)
{
	uint8_t	root[SHA256_BYTES];

	TRY(store_root_at(c->store, cp->size, root, err));
	if (memcmp(root, cp->root, sizeof(root)) != 0)	/* public */
		return custody_say(c, err, RC_VERIFY, "checkpoint %llu is not of the log this custodian replayed",
		    (unsigned long long)cp->size);
	return RC_OK;
}

/* Whoever goes on with a log that has passed to another is told so, whatever it sends. */
static enum rc
refuse_replaced(struct appending *a, const struct judged *j, struct err *err)
{
	return custody_say(a->c, err, RC_VERIFY, "checkpoint %llu is signed by a log key that a succession has replaced: "
	    "this coordinator keeps the log no more; stop it", (unsigned long long)j->cp.size);
}

enum rc
append_not_replaced(struct appending *a, struct err *err)
{
	const struct log_keys	*k;
	struct judged		 j;

	if (a->q->checkpoint.len == 0 || replica_charter(a->c->replica) == NULL)
		return RC_OK;
	TRY(judge_log_keys(a->c, &k, err));
	if (k->n < 2)
		return RC_OK;
	TRY(note_judge(a->c, span_of(&a->q->checkpoint), &j, err));
	return j.standing == NOTE_LATE && !j.quorum ? refuse_replaced(a, &j, err) : RC_OK;
}

/*
 * The log's checkpoint, when one came: signed by the log key of the charter in force after
 * the entries that came with it, so that a succession among them says whose key that is.
 * Or cosigned by q: a page that ends before a succession which all others have. RC_OK
 * without one, and before entry 0 taught us whose key it must be.
 */
static enum rc
read_checkpoint(struct appending *a, struct err *err)
{
	struct judged	j;

	if (a->q->checkpoint.len == 0 || replica_charter(a->c->replica) == NULL)
		return RC_OK;
	TRY(note_judge(a->c, span_of(&a->q->checkpoint), &j, err));
	if (!j.in_force && !j.quorum && j.standing != NOTE_STRANGE)
		return refuse_replaced(a, &j, err);
	if (!j.in_force && !j.quorum)
		return custody_say(a->c, err, RC_VERIFY, "checkpoint %llu is signed by no key that this log has had: if its "
		    "coordinator was succeeded, the entry that says so must come first", (unsigned long long)j.cp.size);
	a->checkpoint = j.cp;
	a->checked = true;
	a->own = j.in_force;
	return RC_OK;
}

static enum rc
read_node(void *user, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	return store_node(user, level, index, ret, err);
}

/* The root over everything up to the last entry of the page, those that wait included. */
static enum rc
page_root(struct appending *a, uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	struct tree_range	range;
	uint8_t			leaf[TREE_HASH_BYTES];
	size_t			i;

	TRY(tree_range_at(read_node, a->c->store, a->size, &range, err));
	for (i = (size_t)(a->size - a->q->first); i < a->q->n_entries; i++) {
		tree_leaf(span_of(&a->q->entries[i]), leaf);
		TRY(tree_range_add(&range, leaf, NULL, NULL, err));
	}
	tree_range_root(&range, ret);
	return RC_OK;
}

static enum rc
read_path(struct appending *a, struct tree_path *ret, struct err *err)
{
	size_t	i;

	ret->n = 0;
	for (i = 0; i < a->q->n_consistency; i++) {
		if (a->q->consistency[i].len != TREE_HASH_BYTES)
			return custody_say(a->c, err, RC_FORMAT, "malformed consistency proof");
		memcpy(ret->hash[ret->n++], a->q->consistency[i].data, TREE_HASH_BYTES);
	}
	return RC_OK;
}

/*
 * What was taken is the log's: its checkpoint is of the very entries that came,
 * or a consistency proof leads from them to it.
 */
static enum rc
check_page(struct appending *a, struct err *err)
{
	struct tree_path	path;
	uint8_t			root[TREE_HASH_BYTES];
	uint64_t		end = a->q->first + a->q->n_entries;

	if (a->size == a->before && !a->stopped)
		return RC_OK;
	if (!a->checked || a->checkpoint.size < end)
		return custody_say(a->c, err, RC_VERIFY, "entries without a checkpoint of the log that covers them");
	TRY(page_root(a, root, err));
	TRY(read_path(a, &path, err));
	if (tree_consistency_verify(end, root, a->checkpoint.size, a->checkpoint.root, &path, err) != RC_OK)
		return custody_say(a->c, err, RC_VERIFY, "checkpoint %llu does not cover the entries that came with it",
		    (unsigned long long)a->checkpoint.size);
	return RC_OK;
}

/* What it signed before its database was put back, it keeps to. */
static bool
allowed_since_restored(struct appending *a)
{
	struct custody	*c = a->c;

	if (steps_may_cosign(c, a->checkpoint.size, a->checkpoint.root))
		return true;
	if (c->steps.refused != a->checkpoint.size)
		log_line("does not cosign size %llu: it signed size %llu before its database was put back, and the log does "
		    "not show that yet", (unsigned long long)a->checkpoint.size, (unsigned long long)c->steps.floor);
	c->steps.refused = a->checkpoint.size;
	return false;
}

/* Never before it has compared, never a smaller tree, never a second root of one size. */
static enum rc
may_cosign(struct appending *a, bool *ret, bool *ret_again, struct err *err)
{
	AUTO_DONE(compared_note_done) struct compared_note old = COMPARED_NOTE_INIT;
	struct custody		*c = a->c;
	const struct checkpoint	*cp = &a->checkpoint;
	bool			 was = c->comparing.ready;
	enum rc			 rc;

	*ret = *ret_again = false;
	rc = compare_ready(c, err);
	a->became_ready = rc == RC_OK && !was;
	if (rc == RC_UNSURE)
		c->words[0] = '\0';	/* the entries are taken all the same */
	if (rc == RC_UNSURE)
		return RC_OK;
	TRY(rc);
	TRY(compare_note_get(c, CUSTODY_SIGNED, &old, err));
	*ret_again = cp->size == old.size && memcmp(old.root, cp->root, sizeof(old.root)) == 0;	/* public */
	*ret = (*ret_again || cp->size > old.size) && allowed_since_restored(a);
	if (cp->size == old.size && !*ret_again && c->comparing.refused != cp->size) {
		log_line("asked to cosign a second root of size %llu: it does not", (unsigned long long)cp->size);
		c->comparing.refused = cp->size;
	}
	return RC_OK;
}

/* What covers our entries is kept even when it is not cosigned: it may have to accuse. */
static enum rc
record_shown(struct appending *a, struct err *err)
{
	AUTO_DONE(compared_note_done) struct compared_note old = COMPARED_NOTE_INIT;

	TRY(compare_own_note(a->c, &old, err));
	if (old.size >= a->checkpoint.size)
		return RC_OK;
	return compare_note_put(a->c, CUSTODY_SHOWN, &a->checkpoint, span_of(&a->q->checkpoint), err);
}

/* Decide to cosign, and make the decision part of the transaction. */
static enum rc
record_checkpoint(struct appending *a, struct err *err)
{
	bool	again;

	if (!a->own || a->waits || a->c->stopped.is)
		return RC_OK;
	if (a->checkpoint.size > a->size)
		return RC_OK;		/* we are behind; the reply says where */
	TRY(check_root(a->c, &a->checkpoint, err));
	TRY(may_cosign(a, &a->cosign, &again, err));
	if (!a->cosign)
		return record_shown(a, err);
	if (again)
		return RC_OK;
	TRY(compare_note_put(a->c, CUSTODY_SIGNED, &a->checkpoint, span_of(&a->q->checkpoint), err));
	return steps_take(a->c, err);
}

/* A q-cosigned note moves the mark below which orders may be carried out. */
static enum rc
record_cosigned(struct appending *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(NOTE_BYTES_MAX + 8);
	struct judged	j;
	uint64_t	old;
	enum rc		rc;

	if (a->q->cosigned.len == 0 || replica_charter(a->c->replica) == NULL)
		return RC_OK;
	rc = note_judge(a->c, span_of(&a->q->cosigned), &j, err);
	if (rc == RC_OK && !j.quorum)
		rc = j.standing == NOTE_STRANGE ? RC_VERIFY : RC_QUORUM;
	if (rc != RC_OK)
		return custody_say(a->c, err, rc, "the cosigned checkpoint is refused (%s)", rc_name(rc));
	if (j.cp.size > a->size)
		return RC_OK;
	rc = check_root(a->c, &j.cp, err);
	a->contradicted = rc == RC_VERIFY;
	if (a->contradicted)
		a->c->words[0] = '\0';
	if (a->contradicted)
		return RC_OK;		/* the entries stay; append_settle() sees to it */
	TRY(rc);
	TRY(custody_cosigned_size(a->c, &old, err));
	if (j.cp.size <= old)
		return RC_OK;
	buf_u64(&v, j.cp.size);
	buf_span(&v, span_of(&a->q->cosigned));
	TRY(buf_check(&v, "cosigned checkpoint", err));
	return store_put(a->c->store, CUSTODY_COSIGNED, buf_view(&v), err);
}

enum rc
custody_cosigned_size(struct custody *c, uint64_t *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(NOTE_BYTES_MAX + 8);
	struct rd	r;
	enum rc		rc = store_get(c->store, CUSTODY_COSIGNED, &v, err);

	*ret = 0;
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, ret))
		return err_set(err, RC_BUG, "the record of the cosigned checkpoint is damaged");
	return RC_OK;
}

enum rc
append_notes(struct appending *a, struct err *err)
{
	TRY(read_checkpoint(a, err));
	TRY(check_page(a, err));
	TRY(record_checkpoint(a, err));
	TRY(record_cosigned(a, err));
	return compare_store(a->c, err);
}

/* A note that is the log's own and not of our log: an accusation, whatever became of the page. */
static enum rc
compare_brought(struct custody *c, const ProtobufCBinaryData *note, struct err *err)
{
	enum rc	rc;

	if (note->len == 0)
		return RC_OK;
	rc = compare_note(c, span_of(note), err);
	return rc == RC_UNSURE || rc == RC_VERIFY || rc == RC_FORMAT ? RC_OK : rc;
}

enum rc
append_settle(struct appending *a, enum rc taken, struct err *err)
{
	struct custody	*c = a->c;
	struct err	 fault;
	enum rc		 rc = RC_OK;

	if (taken == RC_OK)
		c->comparing.dirty = false;
	else if (a->became_ready)
		c->comparing.ready = false;	/* by entries that are not here after all */
	if ((taken == RC_VERIFY || a->contradicted) && replica_charter(c->replica) != NULL) {
		rc = compare_brought(c, &a->q->checkpoint, &fault);
		if (rc == RC_OK)
			rc = compare_brought(c, &a->q->cosigned, &fault);
	}
	if (rc == RC_OK && (taken == RC_OK || taken == RC_VERIFY))
		rc = compare_settle(c, &fault);
	if (store_size(c->store) < a->size)
		a->cosign = false;	/* what it is of was dropped */
	a->size = store_size(c->store);
	if (rc == RC_OK)
		return taken;
	return err_set(err, rc, "%s", fault.msg);
}

enum rc
append_cosign(struct appending *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(1024), message = BUF_INIT(2048);
	const struct charter	*charter;
	struct note_key		 key;
	uint8_t			 sig[NOTE_SIG_BYTES];
	when			 time;

	if (!a->cosign)
		return RC_OK;
	/* Never before what it covers: an entry may be ahead of our clock by a little. */
	TRY(replica_time(a->c->replica, &time, err));
	if (time < a->now)
		time = a->now;
	TRY(steps_mark(a->c, err));
	TRY(custody_charter(a->c, &charter, err));
	TRY(charter_witness_note_key(charter, a->c->index, &key, err));
	checkpoint_text(&a->checkpoint, &text);
	cosignature_message(buf_view(&text), time, &message);
	TRY(buf_check(&message, "cosignature", err));
	TRY(hsm_signer_sign(a->c->signer, buf_view(&message), sig, err));
	note_sig_line(&key, time, sig, &a->line);
	return buf_check(&a->line, "cosignature", err);
}

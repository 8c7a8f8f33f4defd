/*
 * custodian/cosign.c - the log's checkpoints: which page they cover, which of them
 * this custodian cosigns, and how far a quorum has.
 */
#include <string.h>

#include "base/wire.h"
#include "custodian/append.h"

static enum rc
signed_before(struct custody *c, uint64_t *ret_size, uint8_t ret_root[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(64);
	struct rd	r;
	enum rc		rc = store_get(c->store, CUSTODY_SIGNED, &v, err);

	*ret_size = 0;
	memset(ret_root, 0, SHA256_BYTES);
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, ret_size) || !rd_bytes(&r, ret_root, SHA256_BYTES) || !rd_done(&r))
		return err_set(err, RC_BUG, "the record of what was cosigned is damaged");
	return RC_OK;
}

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

/*
 * The log's checkpoint, when one came: signed by its key, whatever it covers.
 * RC_OK without one, and before entry 0 taught us whose key that is.
 */
static enum rc
read_checkpoint(struct appending *a, struct err *err)
{
	const struct charter	*charter;

	if (a->q->checkpoint.len == 0 || replica_charter(a->c->replica) == NULL)
		return RC_OK;
	TRY(custody_charter(a->c, &charter, err));
	TRY(charter_checkpoint_verify(charter, span_of(&a->q->checkpoint), false, &a->checkpoint, NULL, err));
	a->checked = true;
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

	if (a->size == a->before)
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

/* Decide to cosign, and make the decision part of the transaction. */
static enum rc
record_checkpoint(struct appending *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(64);
	uint64_t		 old;
	uint8_t			 root[SHA256_BYTES];

	if (!a->checked || a->waits)
		return RC_OK;
	if (a->checkpoint.size > a->size)
		return RC_OK;		/* we are behind; the reply says where */
	TRY(check_root(a->c, &a->checkpoint, err));
	TRY(signed_before(a->c, &old, root, err));
	if (a->checkpoint.size < old)
		return RC_OK;		/* never a smaller tree */
	if (a->checkpoint.size == old && memcmp(root, a->checkpoint.root, sizeof(root)) != 0)
		return custody_say(a->c, err, RC_BUG, "asked to cosign a second root of size %llu",
		    (unsigned long long)old);
	if (!allowed_since_restored(a))
		return RC_OK;
	a->cosign = true;
	if (a->checkpoint.size == old)
		return RC_OK;		/* the same again */
	buf_u64(&v, a->checkpoint.size);
	buf_add(&v, a->checkpoint.root, SHA256_BYTES);
	TRY(buf_check(&v, "checkpoint", err));
	TRY(store_put(a->c->store, CUSTODY_SIGNED, buf_view(&v), err));
	return steps_take(a->c, err);
}

/* A q-cosigned note moves the mark below which orders may be carried out. */
static enum rc
record_cosigned(struct appending *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(NOTE_BYTES_MAX + 8);
	const struct charter	*charter;
	struct checkpoint	 cp;
	uint64_t		 old;
	enum rc			 rc;

	if (a->q->cosigned.len == 0 || replica_charter(a->c->replica) == NULL)
		return RC_OK;
	TRY(custody_charter(a->c, &charter, err));
	rc = charter_checkpoint_verify(charter, span_of(&a->q->cosigned), true, &cp, NULL, err);
	if (rc != RC_OK)
		return custody_say(a->c, err, rc, "the cosigned checkpoint is refused (%s)", rc_name(rc));
	if (cp.size > a->size)
		return RC_OK;
	rc = check_root(a->c, &cp, err);
	if (rc == RC_VERIFY) {
		log_line("ALARM: a quorum cosigned another log of size %llu; no contribution from here on",
		    (unsigned long long)cp.size);
		TRY(store_put(a->c->store, CUSTODY_ACCUSATION, span_of(&a->q->cosigned), err));
		return RC_OK;		/* the freeze must be committed; the reply shows no progress */
	}
	TRY(rc);
	TRY(custody_cosigned_size(a->c, &old, err));
	if (cp.size <= old)
		return RC_OK;
	buf_u64(&v, cp.size);
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
	return record_cosigned(a, err);
}

enum rc
append_cosign(struct appending *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(1024), message = BUF_INIT(2048);
	const struct charter	*charter;
	struct note_key		 key;
	uint8_t			 sig[NOTE_SIG_BYTES];

	if (!a->cosign)
		return RC_OK;
	TRY(steps_mark(a->c, err));
	TRY(custody_charter(a->c, &charter, err));
	TRY(charter_witness_note_key(charter, a->c->index, &key, err));
	checkpoint_text(&a->checkpoint, &text);
	cosignature_message(buf_view(&text), a->now, &message);
	TRY(buf_check(&message, "cosignature", err));
	TRY(hsm_signer_sign(a->c->signer, buf_view(&message), sig, err));
	note_sig_line(&key, a->now, sig, &a->line);
	return buf_check(&a->line, "cosignature", err);
}

/* coordinator/rebuild.c - log.db made anew from anybody's copy of the log. */
#include <stdio.h>
#include <string.h>

#include "audit/entry.h"
#include "audit/note.h"
#include "audit/tile.h"
#include "base/wire.h"
#include "coordinator/envelopes.h"
#include "coordinator/in_force.h"
#include "coordinator/journal.h"
#include "coordinator/logged.h"
#include "coordinator/rebuild.h"
#include "edge/edge.h"
#include "edge/file.h"
#include "policy/descriptor.h"
#include "policy/witness.h"

#define SAY_EVERY	(TILE_WIDTH * 100u)	/* entries between words of progress */
#define TAIL_BYTES_MAX	((size_t)256 << 20)

enum rc
rebuild_init(struct rebuild *b, const char *path, const uint8_t genesis[SHA256_BYTES],
    const char *from, const char *blobs, struct err *err)
{
	memset(b, 0, sizeof(*b));
	b->from = from;
	b->blobs = blobs;
	b->note = BUF_INIT(NOTE_BYTES_MAX);
	TRY(store_open(path, STORE_CREATE, &b->store, err));
	return replica_new(store_state(b->store), genesis, &b->replica, err);
}

void
rebuild_done(struct rebuild *b)
{
	replica_free(b->replica);
	store_close(b->store);
	buf_done(&b->note);
	b->replica = NULL;
	b->store = NULL;
}

/* ---- one entry ------------------------------------------------------------------------ */

/* A fixed blob out of the copy, by its digest. */
static enum rc
take_blob(struct rebuild *b, const uint8_t digest[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf bytes = BUF_INIT(STORE_VALUE_MAX);
	char	path[FILE_PATH_MAX], hex[HEX_BYTES(SHA256_BYTES)];
	uint8_t	have[SHA256_BYTES];
	bool	has;

	TRY(store_blob_has(b->store, digest, &has, err));
	if (has)
		return RC_OK;
	TRY(file_path(path, err, "%s/%s", b->blobs, hex_write(SPAN(digest, SHA256_BYTES), hex)));
	if (!file_exists(path))
		return err_set(err, RC_MISSING, "%s is not there: is --blobs the folder that was exported with this "
		    "log?", path);
	TRY(file_read(path, &bytes, err));
	sha256_one(have, buf_view(&bytes));
	if (memcmp(have, digest, SHA256_BYTES) != 0)
		return err_set(err, RC_VERIFY, "%s is not the blob that its name says", path);
	return store_blob_put(b->store, buf_view(&bytes), have, err);
}

static enum rc
take_entry(struct rebuild *b, struct span leaf, struct verdict *ret, struct err *err)
{
	uint8_t	digest[2][SHA256_BYTES];
	size_t	n, i;

	TRY(entry_blobs(leaf, digest, &n, err));
	for (i = 0; i < n; i++)
		TRY(take_blob(b, digest[i], err));
	TRY(store_append(b->store, leaf, err));
	TRY(replica_apply(b->replica, b->size, leaf, ret, err));
	TRY(store_verdict_put(b->store, b->size, ret, err));
	TRY(journal_entry(b->store, b->size, ret, err));
	if (ret->type == STATEMENT_BATCH && ret->effective)
		TRY(journal_unheard_put(b->store, b->size, replica_charter(b->replica)->n, err));
	b->time = ret->time;
	b->size++;
	return RC_OK;
}

static enum rc
take_leaf(void *user, unsigned at, struct span leaf, struct err *err)
{
	struct rebuild	*b = user;
	struct verdict	 v;
	enum rc		 rc = take_entry(b, leaf, &v, err);

	(void)at;
	return rc == RC_OK ? RC_OK : err_wrap(err, rc, "entry %llu", (unsigned long long)b->size);
}

/* ---- all of them ------------------------------------------------------------------------ */

static enum rc
read_bundle(const struct rebuild *b, struct tile *t, struct buf *bytes, struct err *err)
{
	char	name[TILE_NAME_MAX], path[FILE_PATH_MAX];

	tile_name(t, name);
	TRY(file_path(path, err, "%s/%s", b->from, name));
	if (!file_exists(path))
		return err_set(err, RC_MISSING, "%s is not there: the copy is not whole", path);
	return file_read(path, bytes, err);
}

/* A transaction for each bundle. */
static enum rc
take_bundle(struct rebuild *b, uint64_t index, struct err *err)
{
	AUTO_DONE(buf_done) struct buf bytes = BUF_INIT(TILE_BUNDLE_BYTES_MAX);
	struct tile	t = { .entries = true, .index = index, .width = tile_width_at(0, index, b->cp.size) };
	enum rc		rc;

	TRY(read_bundle(b, &t, &bytes, err));
	TRY(store_begin(b->store, err));
	rc = bundle_each(buf_view(&bytes), t.width, take_leaf, b, err);
	if (rc == RC_OK)
		rc = store_commit(b->store, err);
	if (rc != RC_OK)
		store_rollback(b->store);
	return rc;
}

static enum rc
read_note(struct rebuild *b, struct err *err)
{
	char	path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/checkpoint", b->from));
	if (!file_exists(path))
		return err_set(err, RC_MISSING, "%s is not there: --from is a folder that `custodiand export` or "
		    "`quorate log export` wrote", path);
	TRY(file_read(path, &b->note, err));
	TRY(checkpoint_stated(buf_view(&b->note), &b->cp, err));
	if (b->cp.size == 0)
		return err_set(err, RC_FORMAT, "%s: of an empty log", path);
	return RC_OK;
}

/* What was replayed is what q custodians cosigned. */
static enum rc
check_end(struct rebuild *b, struct err *err)
{
	uint8_t	root[TREE_HASH_BYTES];

	TRY(in_force_checkpoint(b->replica, buf_view(&b->note), &b->cp, err));
	TRY(store_root_at(b->store, b->cp.size, root, err));
	if (memcmp(root, b->cp.root, sizeof(root)) != 0)
		return err_set(err, RC_VERIFY, "the entries are not those that the checkpoint covers");
	return RC_OK;
}

/* ---- what no quorum had cosigned ----------------------------------------------------------- */

static enum rc
take_tail_entries(struct rebuild *b, struct span tail, struct err *err)
{
	struct rd	r = rd_init(tail);
	struct span	leaf;

	while (!rd_done(&r)) {
		if (!rd_vec16(&r, 1, ENTRY_BYTES_MAX, &leaf))
			return err_set(err, RC_FORMAT, "%s.tail: malformed at byte %zu", b->from, r.at);
		TRY(take_leaf(b, 0, leaf, err));
	}
	return RC_OK;
}

/* The log's key signed for it, and some custodians: another log of that length would be a second past. */
static enum rc
check_tail(struct rebuild *b, struct buf *note, struct err *err)
{
	struct checkpoint	cp;
	uint8_t			root[TREE_HASH_BYTES];

	TRY(charter_checkpoint_verify(replica_charter(b->replica), buf_view(note), false, &cp, NULL, err));
	TRY(store_root_at(b->store, b->size, root, err));
	if (cp.size != b->size || memcmp(root, cp.root, sizeof(root)) != 0)
		return err_set(err, RC_VERIFY, "the entries are not those that its checkpoint covers");
	buf_reset(&b->note);
	buf_span(&b->note, buf_view(note));
	return buf_check(&b->note, "checkpoint", err);
}

static enum rc
take_tail(struct rebuild *b, const char *path, struct err *err)
{
	AUTO_DONE(buf_done) struct buf tail = BUF_INIT(TAIL_BYTES_MAX), note = BUF_INIT(NOTE_BYTES_MAX);
	char	name[FILE_PATH_MAX];
	enum rc	rc;

	TRY(file_read(path, &tail, err));
	TRY(file_path(name, err, "%s.checkpoint", path));
	TRY(file_read(name, &note, err));
	TRY(store_begin(b->store, err));
	rc = take_tail_entries(b, buf_view(&tail), err);
	if (rc == RC_OK)
		rc = check_tail(b, &note, err);
	if (rc == RC_OK)
		rc = store_commit(b->store, err);
	if (rc != RC_OK)
		store_rollback(b->store);
	return rc == RC_OK ? RC_OK : err_wrap(err, rc, "%s", path);
}

enum rc
rebuild_take_tail(struct rebuild *b, struct err *err)
{
	char	path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s.tail", b->from));
	return file_exists(path) ? take_tail(b, path, err) : RC_OK;
}

enum rc
rebuild_replay(struct rebuild *b, struct err *err)
{
	uint64_t	i;

	TRY(read_note(b, err));
	for (i = 0; b->size < b->cp.size; i++) {
		TRY(take_bundle(b, i, err));
		if (b->size % SAY_EVERY == 0)
			log_line("%llu of %llu entries", (unsigned long long)b->size, (unsigned long long)b->cp.size);
	}
	TRY(check_end(b, err));
	return store_put(b->store, "cosigned", buf_view(&b->note), err);
}

/* ---- a succession ----------------------------------------------------------------------- */

static enum rc
take_succession(struct rebuild *b, struct span document, struct span dsse, struct verdict *ret,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);
	uint8_t	digest[SHA256_BYTES];
	when	now = clock_now();

	TRY(store_blob_put(b->store, document, digest, err));
	TRY(journal_handover(b->store, b->size, buf_view(&b->note), err));
	entry_write(now > b->time ? now : b->time, dsse, &leaf);
	TRY(buf_check(&leaf, "succession", err));
	return take_entry(b, buf_view(&leaf), ret, err);
}

enum rc
rebuild_succeed(struct rebuild *b, struct span document, struct span dsse, struct err *err)
{
	struct verdict	v;
	enum rc		rc;

	TRY(store_begin(b->store, err));
	rc = take_succession(b, document, dsse, &v, err);
	if (rc == RC_OK && (v.type != STATEMENT_SUCCESSION || !v.effective))
		rc = err_set(err, RC_DENIED, "the succession is void: %s",
		    void_reason_text((enum void_reason)v.why));
	if (rc == RC_OK)
		rc = store_commit(b->store, err);
	if (rc != RC_OK)
		store_rollback(b->store);
	return rc;
}

/* ---- the envelopes ------------------------------------------------------------------------- */

struct looking {
	struct store	*store;
	const char	*dir;
	uint64_t	*artifacts, *lost;
	lost_fn		 fn;
	void		*user;
	const uint8_t	*root;		/* of the batch at hand, and how long its file is */
	uint64_t	 size;
	uint64_t	 next;		/* the batch that was looked at last */
	bool		 any;
};

static enum rc
look_artifact(void *user, const struct batch_envelope *e, struct err *err)
{
	struct looking		*l = user;
	struct descriptor	 d;

	TRY(descriptor_parse_form(e->descriptor, &d, err));
	++*l->artifacts;
	if (l->size >= e->offset + e->size)
		return RC_OK;
	++*l->lost;
	if (l->fn != NULL)
		l->fn(l->user, d.id, l->root);
	return RC_OK;
}

static enum rc
look_batch(void *user, uint64_t index, bool effective, const uint8_t id[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(logged_done) struct logged batch = LOGGED_INIT;
	AUTO_DONE(buf_done) struct buf vector = BUF_INIT(DESCRIPTOR_VECTOR_MAX);
	struct looking	*l = user;

	(void)id;
	l->next = index;
	l->any = true;
	if (!effective)
		return RC_OK;
	TRY(logged_read(l->store, index, &batch, err));
	TRY(store_blob(l->store, batch.s.u.batch.descriptors, &vector, err));
	l->root = batch.s.subject;
	l->size = envelopes_size(l->dir, l->root);
	return batch_envelopes_each(buf_view(&vector), batch.s.u.batch.count, look_artifact, l, err);
}

enum rc
envelopes_lost(struct store *s, const char *dir, uint64_t *ret_artifacts, uint64_t *ret_lost,
    lost_fn fn, void *user, struct err *err)
{
	struct looking	l = { .store = s, .dir = dir, .artifacts = ret_artifacts, .lost = ret_lost, .fn = fn, .user = user,
			    .next = UINT64_MAX, .any = true };

	*ret_artifacts = *ret_lost = 0;
	while (l.any) {
		l.any = false;
		TRY(journal_kind(s, STATEMENT_BATCH, l.next, look_batch, &l, err));
	}
	return RC_OK;
}

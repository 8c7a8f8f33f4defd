/* cli/replay.c - see cli/replay.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/wire.h"
#include "cli/replay_impl.h"

#define COMMIT_ENTRIES	1000
#define COMMIT_MS	2000
#define WATCH_MS	200
#define VERIFIED	"verified"	/* value: the last checkpoint that was verified to its end */
#define ORDERS		"order"		/* journal: entry of an order -> who approved */

struct store *
replay_store(struct replay *r)
{
	return r->store;
}

void
replayed_done(struct replayed *r)
{
	buf_done(&r->note);
	buf_done(&r->other);
}

enum rc
replay_damaged(const struct replay *r, enum rc rc, struct err *err)
{
	if (rc != RC_IO && rc != RC_FORMAT && rc != RC_BUG)
		return rc;
	return err_wrap(err, RC_IO, "remove %.120s and start again, if it is damaged", r->dir);
}

/* --- a folder ------------------------------------------------------------------------------- */

static enum rc
open_store(struct replay *r, struct err *err)
{
	uint8_t	digest[SHA256_BYTES];
	char	path[FILE_PATH_MAX];
	enum rc	rc;

	TRY(file_path(path, err, "%s/log.db", r->dir));
	if ((rc = store_open(path, STORE_CREATE, &r->store, err)) == RC_OK)
		rc = store_blob_put(r->store, buf_view(&r->genesis->bytes), digest, err);
	return replay_damaged(r, rc, err);
}

static enum rc
open_replica(struct replay *r, struct err *err)
{
	enum rc	rc;

	r->state = replay_state(r);
	rc = replica_new(&r->state, r->genesis->digest, &r->replica, err);
	if (rc == RC_FORMAT)
		return err_wrap(err, RC_USAGE, "%.150s: give another --state", r->dir);
	return replay_damaged(r, rc, err);
}

enum rc
replay_open(const char *dir, const struct charter *genesis, struct replay **ret, struct err *err)
{
	AUTO(replay_free) struct replay *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	r->lock = -1;
	r->genesis = genesis;
	TRY(file_path(r->dir, err, "%s", dir));
	TRY(file_mkdir(dir, err));
	TRY(file_lock_take(dir, "audit", &r->lock, err));
	TRY(open_store(r, err));
	TRY(open_replica(r, err));
	*ret = TAKE(r);
	return RC_OK;
}

void
replay_free(struct replay *r)
{
	if (r == NULL)
		return;
	replica_free(r->replica);
	store_close(r->store);
	if (r->lock >= 0)
		(void)close(r->lock);	/* nothing was written to it */
	free(r);
}

/* --- what was verified before --------------------------------------------------------------- */

/* "verified": u64 size, root, and the rest is the note. */
static enum rc
verified_get(struct replay *r, struct checkpoint *cp, struct buf *note, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(NOTE_BYTES_MAX + 64);
	struct rd	in;
	enum rc		rc = store_get(r->store, VERIFIED, &v, err);

	*cp = (struct checkpoint){ .size = 0 };
	tree_empty(cp->root);
	if (rc == RC_MISSING)
		return RC_OK;
	in = rd_init(buf_view(&v));
	if (rc != RC_OK || !rd_u64(&in, &cp->size) || !rd_bytes(&in, cp->root, sizeof(cp->root)) ||
	    cp->size > store_size(r->store))
		return replay_damaged(r, err_set(err, RC_IO, "its last checkpoint is none"), err);
	buf_span(note, SPAN(v.p + in.at, v.n - in.at));
	return buf_check(note, "checkpoint", err);
}

static enum rc
verified_put(struct replay *r, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(NOTE_BYTES_MAX + 64);

	buf_u64(&v, r->out->cp.size);
	buf_span(&v, SPAN_OF(r->out->cp.root));
	buf_span(&v, buf_view(&r->out->note));
	TRY(buf_check(&v, "checkpoint", err));
	return store_put(r->store, VERIFIED, buf_view(&v), err);
}

/* --- checkpoints ------------------------------------------------------------------------------ */

/* Does a log of this size and root go on to what the source shows now? */
static enum rc
continues(struct replay *r, uint64_t size, const uint8_t root[TREE_HASH_BYTES], bool *ret, struct err *err)
{
	const struct checkpoint	*cp = &r->out->cp;
	struct tree_path	 path = { .n = 0 };

	if (size > 0 && size < cp->size)
		TRY(log_source_consistency(r->source, size, &path, err));
	*ret = tree_consistency_verify(size, root, cp->size, cp->root, &path, NULL) == RC_OK;
	return RC_OK;
}

/* Both notes are handed out: they are what a court would look at. */
static enum rc
two_pasts(struct replay *r, const struct checkpoint *was, struct span note, struct err *err)
{
	struct replayed	*out = r->out;

	out->other_cp = *was;
	buf_reset(&out->other);
	buf_span(&out->other, note);
	TRY(buf_check(&out->other, "checkpoint", err));
	return err_set(err, RC_VERIFY, "TWO PASTS: the checkpoint of size %llu that an earlier audit verified is not continued "
	    "by the one of size %llu that is shown now; the earlier state is kept", (unsigned long long)was->size,
	    (unsigned long long)out->cp.size);
}

static enum rc
note_verify(struct replay *r, struct err *err)
{
	const struct charter	*c = replica_charter(r->replica);
	struct replayed		*out = r->out;

	return charter_checkpoint_verify(c == NULL ? r->genesis : c, buf_view(&out->note), true, &out->cp, &out->cosigned,
	    err);
}

/* Too few cosigners is no "ask again" here: whoever shows a checkpoint says that it has them. */
static enum rc
no_checkpoint(enum rc rc, struct err *err)
{
	return rc == RC_QUORUM || rc == RC_FORMAT ? err_wrap(err, RC_VERIFY, "the newest checkpoint") : rc;
}

/* Those that cosigned before the last entry was there cannot have seen it. */
static enum rc
count_cosigners(struct replay *r, struct err *err)
{
	const struct charter	*c = replica_charter(r->replica);
	struct note_cosigned	*who = &r->out->cosigned;
	when			 last;
	uint8_t			 i;

	TRY(replica_time(r->replica, &last, err));
	for (i = 0; i < c->n; i++)
		if ((who->mask >> i & 1) != 0 && who->time[i] < last) {
			who->mask &= ~(UINT32_C(1) << i);
			r->out->early |= UINT32_C(1) << i;
		}
	if (__builtin_popcount(who->mask) < c->q)
		return err_set(err, RC_VERIFY, "checkpoint %llu has %d cosignatures that count, the charter asks for %u; %d are "
		    "dated before its last entry", (unsigned long long)r->out->cp.size, __builtin_popcount(who->mask), c->q,
		    __builtin_popcount(r->out->early));
	return RC_OK;
}

/* What is shown is of another past: an accusation only when the log's key signed it. */
static enum rc
contradicts(struct replay *r, bool is_signed, const struct checkpoint *was, struct span note, struct err *err)
{
	if (is_signed)
		return two_pasts(r, was, note, err);
	return err_set(err, RC_VERIFY, "the newest checkpoint is not signed by the log's key, and does not continue what an "
	    "earlier audit verified");
}

/* Fewer entries than were replayed already: nothing new, unless they are others. */
static enum rc
lags(struct replay *r, bool is_signed, const struct checkpoint *was, struct span note, struct err *err)
{
	uint8_t		root[TREE_HASH_BYTES];
	uint64_t	size = r->out->cp.size;
	enum rc		rc;

	TRY(store_root_at(r->store, size, root, err));
	if (memcmp(root, r->out->cp.root, sizeof(root)) != 0)
		return contradicts(r, is_signed, was, note, err);
	if (store_size(r->store) != was->size)
		return err_set(err, RC_UNSURE, "only %llu entries are shown, and an audit that did not end has replayed %llu; "
		    "ask again, or from somewhere else", (unsigned long long)size, (unsigned long long)store_size(r->store));
	r->out->behind = size;
	r->out->from = was->size;
	buf_reset(&r->out->note);
	buf_span(&r->out->note, note);
	TRY(buf_check(&r->out->note, "checkpoint", err));
	if ((rc = note_verify(r, err)) != RC_OK)
		return no_checkpoint(rc, err);
	return count_cosigners(r, err);
}

/*
 * Custodians stay the same, whoever is the coordinator: what a quorum of them did not cosign
 * nobody fetches, else a stranger's log without end would be replayed and kept.
 */
static enum rc
cosigned_by_quorum(struct replay *r, struct err *err)
{
	const struct charter	*now = replica_charter(r->replica), *c = now == NULL ? r->genesis : now;
	struct note_key		 log, witness[CUSTODIANS_MAX];
	struct note_cosigned	 by;
	struct checkpoint	 cp;
	int			 by_log;
	uint8_t			 i;

	TRY(charter_log_note_key(c, &log, err));
	for (i = 0; i < c->n; i++)
		TRY(charter_witness_note_key(c, (uint8_t)(i + 1), &witness[i], err));
	TRY(checkpoint_verify_any(buf_view(&r->out->note), &log, 1, witness, c->n, &cp, &by_log, &by, err));
	if (__builtin_popcount(by.mask) < c->q)
		return err_set(err, RC_VERIFY, "not signed by the log's key, and cosigned by %d custodians, where the charter asks "
		    "for %u", __builtin_popcount(by.mask), c->q);
	return RC_OK;
}

/*
 * Before anything of it is fetched. A checkpoint that the log key of today did not sign may
 * be a successor's whom the entries to come name; only who continues the log is heard so far.
 */
static enum rc
begin(struct replay *r, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint		was;
	struct err			why;
	bool				one;
	enum rc				rc;

	TRY(verified_get(r, &was, &note, err));
	TRY(log_source_checkpoint(r->source, &r->out->cp, &r->out->note, err));
	if (r->out->cp.size == 0)
		return err_set(err, RC_VERIFY, "the newest checkpoint is of an empty log: not even a charter is in it");
	rc = note_verify(r, &why);
	if (r->out->cp.size < store_size(r->store))
		return lags(r, rc == RC_OK, &was, buf_view(&note), err);
	if (rc != RC_OK && (rc != RC_VERIFY || r->out->cp.size == was.size)) {
		if (err != NULL)
			*err = why;
		return no_checkpoint(rc, err);
	}
	if (rc != RC_OK)
		TRY(no_checkpoint(cosigned_by_quorum(r, err), err));
	TRY(log_source_at(r->source, &r->out->cp, err));
	TRY(continues(r, was.size, was.root, &one, err));
	return one ? RC_OK : contradicts(r, rc == RC_OK, &was, buf_view(&note), err);
}

/* --- entries ------------------------------------------------------------------------------------ */

static enum rc
commit(struct replay *r, struct err *err)
{
	uint64_t	size = store_size(r->store);
	uint8_t		root[TREE_HASH_BYTES];
	bool		proved;

	TRY(store_root_at(r->store, size, root, err));
	TRY(continues(r, size, root, &proved, err));
	if (!proved)
		return err_set(err, RC_VERIFY, "the entries %llu to %llu are not those of the checkpoint of size %llu",
		    (unsigned long long)(size - r->uncommitted), (unsigned long long)size - 1,
		    (unsigned long long)r->out->cp.size);
	TRY(store_commit(r->store, err));
	r->uncommitted = 0;
	r->committed_ms = clock_ms();
	return RC_OK;
}

/* Later charters may not know these people any more: who they were is noted now. */
static enum rc
note_approvals(struct replay *r, uint64_t index, const struct verdict *v, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	text = BUF_INIT(STORE_VALUE_MAX), key = BUF_INIT(8);
	struct request_view		q;
	uint32_t			i, n = 0;

	TRY(replica_request(r->replica, v->subject, v->time, &q, err));
	for (i = 0; i < q.n_approvals; i++)
		n += q.approval[i].counts;
	buf_u8(&text, (uint8_t)n);
	for (i = 0; i < q.n_approvals; i++) {
		if (!q.approval[i].counts)
			continue;
		buf_vec8(&text, span_str(q.approval[i].person));
		buf_vec8(&text, span_str(q.approval[i].role));
		buf_u64(&text, q.approval[i].index);
	}
	buf_u64(&key, index);
	TRY(buf_check(&key, "order", err));
	TRY(buf_check(&text, "approvals", err));
	return store_journal_put(r->store, ORDERS, buf_view(&key), buf_view(&text), err);
}

static enum rc
take(struct replay *r, uint64_t index, struct span leaf, struct err *err)
{
	struct verdict	v;
	enum rc		rc;

	TRY(store_append(r->store, leaf, err));
	rc = replica_apply(r->replica, index, leaf, &v, err);
	if (r->fault.rc != RC_OK)
		return err_set(err, r->fault.rc, "%s", r->fault.msg);
	TRY(rc);
	TRY(store_verdict_put(r->store, index, &v, err));
	return v.effective && v.type == STATEMENT_ORDER ? note_approvals(r, index, &v, err) : RC_OK;
}

static enum rc
on_leaf(void *user, uint64_t index, struct span leaf, struct err *err)
{
	struct replay	*r = user;
	uint64_t	 now;
	enum rc		 rc;

	if (r->uncommitted == 0)
		TRY(store_begin(r->store, err));
	r->uncommitted++;
	if ((rc = take(r, index, leaf, err)) != RC_OK)
		return err_wrap(err, rc == RC_LIMIT || rc == RC_MISSING ? RC_VERIFY : rc, "entry %llu",
		    (unsigned long long)index);
	now = clock_ms();
	if (r->watch != NULL && now - r->watched_ms >= WATCH_MS) {
		r->watch(r->user, index + 1, r->out->cp.size);
		r->watched_ms = now;
	}
	return r->uncommitted >= COMMIT_ENTRIES || now - r->committed_ms >= COMMIT_MS ? commit(r, err) : RC_OK;
}

static enum rc
entries(struct replay *r, struct err *err)
{
	uint64_t	size = store_size(r->store);
	uint8_t		root[TREE_HASH_BYTES];
	bool		proved = false;

	/* A run that was cut off has proved what it left to a checkpoint, but has not verified that one to its end. */
	TRY(store_root_at(r->store, size, root, err));
	if (size <= r->out->cp.size)
		TRY(continues(r, size, root, &proved, err));
	if (!proved)
		return err_set(err, RC_VERIFY, "the %llu entries that an audit which did not end has left do not stand under the "
		    "checkpoint of size %llu; remove %.100s and start again", (unsigned long long)size,
		    (unsigned long long)r->out->cp.size, r->dir);
	r->out->from = size;
	r->committed_ms = clock_ms();
	if (size < r->out->cp.size)
		TRY(log_source_entries(r->source, size, on_leaf, r, err));
	if (r->watch != NULL)
		r->watch(r->user, r->out->cp.size, r->out->cp.size);
	return r->uncommitted > 0 ? commit(r, err) : RC_OK;
}

static enum rc
run(struct replay *r, struct err *err)
{
	enum rc	rc;

	TRY(begin(r, err));
	if (r->out->behind > 0)
		return RC_OK;
	TRY(entries(r, err));
	if (store_size(r->store) != r->out->cp.size)
		return err_set(err, RC_VERIFY, "the log ends after %llu entries, its checkpoint is of %llu",
		    (unsigned long long)store_size(r->store), (unsigned long long)r->out->cp.size);
	/* Under the charter in force at its size, whoever was the coordinator before. */
	if ((rc = note_verify(r, err)) != RC_OK)
		return no_checkpoint(rc, err);
	TRY(count_cosigners(r, err));
	return verified_put(r, err);
}

enum rc
replay_run(struct replay *r, struct log_source *s, replay_watch watch, void *user, struct replayed *ret, struct err *err)
{
	struct err	second;
	enum rc		rc;

	*ret = (struct replayed){ .note = BUF_INIT(NOTE_BYTES_MAX), .other = BUF_INIT(NOTE_BYTES_MAX) };
	r->source = s;
	r->out = ret;
	r->watch = watch;
	r->user = user;
	r->uncommitted = 0;
	if ((rc = run(r, err)) != RC_OK) {
		store_rollback(r->store);
		if (replica_reload(r->replica, &second) != RC_OK)
			rc = err_wrap(err, rc, "%s", second.msg);
	}
	r->source = NULL;
	r->out = NULL;
	return rc;
}

/* --- for the report ------------------------------------------------------------------------------ */

static enum rc
read_entry(void *user, uint64_t index, struct buf *leaf, struct err *err)
{
	return store_entry(replay_store(user), index, leaf, err);
}

static enum rc
read_verdict(void *user, uint64_t index, struct verdict *ret, struct err *err)
{
	return store_verdict(replay_store(user), index, ret, err);
}

static enum rc
read_approvals(void *user, uint64_t order, struct buf *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf key = BUF_INIT(8);

	buf_u64(&key, order);
	TRY(buf_check(&key, "order", err));
	return store_journal_get(replay_store(user), ORDERS, buf_view(&key), ret, err);
}

static enum rc
read_blob(void *user, const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err)
{
	return store_blob(replay_store(user), digest, ret, err);
}

struct report_source
replay_read(struct replay *r, when now)
{
	return (struct report_source){ .user = r, .size = store_size(r->store), .replica = r->replica, .now = now,
	    .entry = read_entry, .verdict = read_verdict, .approvals = read_approvals, .blob = read_blob };
}

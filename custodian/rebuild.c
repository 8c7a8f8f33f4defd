/* custodian/rebuild.c - a tail that a quorum contradicts is dropped. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/entry.h"
#include "base/wire.h"
#include "custodian/rebuild.h"

#define ENTRIES_AT_ONCE	128	/* in a transaction */
#define RESUMED_AT_ONCE	16
#define DROPPED_KEEP	1024	/* entries past its place in the tail, for the log to come as far; a "no" waits on */

struct rebuilding {
	struct custody	*c;
	uint64_t	 size, was;		/* entries that stay, and that there were */
	struct store	*to;
	struct replica	*replica;		/* of `to` */
	char		 path[FILE_PATH_MAX], made[FILE_PATH_MAX];
};

static void
rebuilding_done(struct rebuilding *b)
{
	replica_free(b->replica);
	store_close(b->to);
}

#define DROPPED_KEY_BYTES	(8 + SHA256_BYTES)

/* Of another tail, another statement may have stood there, and may wait still. */
static void
dropped_key(uint64_t index, const uint8_t id[SHA256_BYTES], uint8_t ret[DROPPED_KEY_BYTES])
{
	uint8_t	i;

	for (i = 0; i < 8; i++)
		ret[i] = (uint8_t)(index >> (56 - 8 * i));
	memcpy(ret + 8, id, SHA256_BYTES);
}

/* --- entries ------------------------------------------------------------------------ */

static enum rc
copy_blobs(struct store *from, struct store *to, struct span leaf, struct err *err)
{
	uint8_t	want[2][SHA256_BYTES], digest[SHA256_BYTES];
	size_t	n, i;
	enum rc	rc;

	TRY(entry_blobs(leaf, want, &n, err));
	for (i = 0; i < n; i++) {
		AUTO_DONE(buf_done) struct buf blob = BUF_INIT(STORE_VALUE_MAX);

		rc = store_blob(from, want[i], &blob, err);
		if (rc == RC_MISSING)
			continue;	/* it was not needed then */
		TRY(rc);
		TRY(store_blob_put(to, buf_view(&blob), digest, err));
	}
	return RC_OK;
}

static enum rc
copy_shares(struct rebuilding *b, uint64_t batch, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT((size_t)BATCH_COUNT_MAX * STORE_SHARE_BYTES);
	struct batch_view	view;
	uint8_t			*p;
	bool			 has;

	TRY(store_shares_has(b->c->store, batch, &has, err));
	if (!has)
		return RC_OK;
	TRY(replica_batch(b->replica, batch, &view, err));
	p = buf_extend(&v, (size_t)view.count * STORE_SHARE_BYTES);
	TRY(buf_check(&v, "shares", err));
	TRY(store_share(b->c->store, batch, 0, p, v.n, err));
	return store_shares_put(b->to, batch, buf_view(&v), err);
}

/* The same function over the same bytes: to the same state, or nothing is replaced. */
static enum rc
copy_entry(struct rebuilding *b, uint64_t index, struct err *err)
{
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);
	struct verdict	v, old;

	TRY(store_entry(b->c->store, index, &leaf, err));
	TRY(copy_blobs(b->c->store, b->to, buf_view(&leaf), err));
	TRY(replica_apply(b->replica, index, buf_view(&leaf), &v, err));
	TRY(store_verdict(b->c->store, index, &old, err));
	if (memcmp(v.state, old.state, sizeof(v.state)) != 0)
		return err_set(err, RC_IO, "entry %llu does not lead to the state that it led to", (unsigned long long)index);
	TRY(store_append(b->to, buf_view(&leaf), err));
	TRY(store_verdict_put(b->to, index, &v, err));
	if (v.type == STATEMENT_BATCH && v.effective)
		TRY(copy_shares(b, index, err));
	return RC_OK;
}

static enum rc
copy_entries(struct rebuilding *b, struct err *err)
{
	uint64_t	index, end;

	for (index = 0; index < b->size;) {
		end = index + ENTRIES_AT_ONCE < b->size ? index + ENTRIES_AT_ONCE : b->size;
		TRY(store_begin(b->to, err));
		for (; index < end; index++)
			TRY(copy_entry(b, index, err));
		TRY(store_commit(b->to, err));
	}
	return RC_OK;
}

/* --- what else it holds ---------------------------------------------------------------- */

/* Journals by entry, of which the tail's are dropped. (Those of the check: check_cut().) */
static bool
keep(void *user, const char *journal, struct span key)
{
	const struct rebuilding	*b = user;
	struct rd		 r = rd_init(key);
	uint64_t		 index;

	if (journal == NULL)
		return !span_eq(key, SPAN_STR(CUSTODY_SHOWN));
	if (strcmp(journal, JOURNAL_HELD) != 0 && strcmp(journal, JOURNAL_ARRIVED) != 0 &&
	    strcmp(journal, JOURNAL_AWAITED) != 0 && strcmp(journal, JOURNAL_CONSENT) != 0)
		return true;
	return rd_u64(&r, &index) && index < b->size;
}

/*
 * What it was owed or handed it still has (custodian/awaited.c). What people said to the
 * coordinator alone it knows from the tail, and a "no" that it knows it must not forget.
 */
static enum rc
drop_one(struct rebuilding *b, uint64_t index, const struct statement *s, struct span dsse, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(STORE_VALUE_MAX), blob = BUF_INIT(STORE_VALUE_MAX);
	uint8_t	key[DROPPED_KEY_BYTES];
	enum rc	rc;

	if (s->type != STATEMENT_REQUEST && s->type != STATEMENT_DECISION && s->type != STATEMENT_WITHDRAWAL &&
	    s->type != STATEMENT_REVOCATION)
		return RC_OK;
	if (s->type == STATEMENT_REQUEST) {
		rc = store_blob(b->c->store, s->subject, &blob, err);
		if (rc != RC_MISSING)
			TRY(rc);
	}
	buf_vec32(&v, dsse);
	buf_vec32(&v, buf_view(&blob));
	TRY(buf_check(&v, "a dropped statement", err));
	dropped_key(index, s->id, key);
	return store_journal_put(b->to, JOURNAL_DROPPED, SPAN_OF(key), buf_view(&v), err);
}

/* What is no statement says nothing that could be lost. */
static enum rc
drop_entry(struct rebuilding *b, uint64_t index, struct err *err)
{
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;
	struct entry	e;

	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	TRY(store_entry(b->c->store, index, &leaf, err));
	if (entry_parse(buf_view(&leaf), &e, err) != RC_OK || dsse_parse(e.dsse, &d, err) != RC_OK ||
	    statement_parse(&d, &s, err) != RC_OK)
		return RC_OK;
	return drop_one(b, index, &s, e.dsse, err);
}

/* check_cut() works on the store of the custody. */
static enum rc
cut_checks(struct rebuilding *b, struct err *err)
{
	struct store	*old = b->c->store;
	enum rc		 rc;

	b->c->store = b->to;
	rc = check_cut(b->c, b->size, err);
	b->c->store = old;
	return rc;
}

static enum rc
copy_rest(struct rebuilding *b, struct err *err)
{
	uint64_t	index;

	TRY(store_begin(b->to, err));
	TRY(store_copy_own(b->c->store, b->to, keep, b, err));
	for (index = b->size; index < b->was; index++)
		TRY(drop_entry(b, index, err));
	TRY(cut_checks(b, err));
	return store_commit(b->to, err);
}

/* --- files ---------------------------------------------------------------------------- */

static const char *const	endings[] = { "", "-wal", "-shm" };

static enum rc
remove_made(struct rebuilding *b, struct err *err)
{
	char	path[FILE_PATH_MAX];
	size_t	i;

	for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		TRY(file_path(path, err, "%s%s", b->made, endings[i]));
		if (unlink(path) != 0 && errno != ENOENT)
			return err_set(err, RC_IO, "%s: %s", path, strerror(errno));
	}
	return RC_OK;
}

static enum rc
make(struct rebuilding *b, struct err *err)
{
	uint8_t	root[TREE_HASH_BYTES], want[TREE_HASH_BYTES];

	TRY(remove_made(b, err));
	TRY(store_open(b->made, STORE_CREATE, &b->to, err));
	TRY(replica_new(store_state(b->to), b->c->genesis, &b->replica, err));
	TRY(copy_entries(b, err));
	TRY(copy_rest(b, err));
	TRY(store_root_at(b->c->store, b->size, want, err));
	TRY(store_root_at(b->to, b->size, root, err));
	if (memcmp(root, want, sizeof(root)) != 0)
		return err_set(err, RC_IO, "the new database has another root");
	replica_free(TAKE(b->replica));
	store_close(TAKE(b->to));
	return RC_OK;
}

/* A log that stays behind would be played into the file that takes the name. */
static enum rc
no_log_left(const char *path, struct err *err)
{
	char	wal[FILE_PATH_MAX];

	TRY(file_path(wal, err, "%s-wal", path));
	if (file_exists(wal))
		return err_set(err, RC_IO, "%s is in use by another program", path);
	return RC_OK;
}

static enum rc
exchange_files(struct rebuilding *b, struct err *err)
{
	char	dir[FILE_PATH_MAX], *slash;

	TRY(no_log_left(b->made, err));
	TRY(no_log_left(b->path, err));
	if (rename(b->made, b->path) != 0)
		return err_set(err, RC_IO, "%s: %s", b->path, strerror(errno));
	memcpy(dir, b->path, sizeof(dir));
	slash = strrchr(dir, '/');
	if (slash == NULL || slash == dir)
		return RC_OK;
	*slash = '\0';
	return file_sync_dir(dir, err);
}

/* Whichever of the two has the name now. */
static enum rc
open_again(struct custody *c, const char *path, struct err *err)
{
	if (store_open(path, STORE_OPEN, &c->store, err) != RC_OK ||
	    replica_new(store_state(c->store), c->genesis, &c->replica, err) != RC_OK)
		return err_wrap(err, RC_BUG, "cannot open the database again");
	return RC_OK;
}

static enum rc
take_place(struct rebuilding *b, struct err *err)
{
	struct custody	*c = b->c;
	struct err	 second;
	enum rc		 rc;

	replica_free(TAKE(c->replica));
	store_close(TAKE(c->store));
	rc = exchange_files(b, err);
	if (open_again(c, b->path, &second) != RC_OK)
		return err_set(err, RC_BUG, "%s", second.msg);
	return rc;
}

/* What was told by the size or the state of the tail. */
static void
forget_tail(struct custody *c)
{
	uint8_t	i;

	for (i = 0; i < CUSTODIANS_MAX; i++) {
		struct compared_peer	*p = &c->comparing.peer[i];

		p->differs = false;
		p->same_at = p->differs_at = p->state_asked = p->note_asked = 0;
	}
	c->comparing.differs_at = 0;
}

static enum rc
rebuild(struct rebuilding *b, struct err *err)
{
	struct custody	*c = b->c;

	TRY(file_path(b->path, err, "%s", store_path(c->store)));
	TRY(file_path(b->made, err, "%s.new", b->path));
	b->was = store_size(c->store);
	TRY(custody_cosigned_size(c, &b->size, err));
	if (b->size == 0)
		b->size = 1;	/* the charter is everybody's */
	if (b->size >= b->was)
		return RC_OK;
	TRY(make(b, err));
	TRY(take_place(b, err));
	forget_tail(c);
	c->log_keys.n = 0;
	log_line("ALARM: %llu entries from %llu on are dropped: a quorum cosigned another log than they are of",
	    (unsigned long long)(b->was - b->size), (unsigned long long)b->size);
	return RC_OK;
}

enum rc
rebuild_tail(struct custody *c, struct err *err)
{
	AUTO_DONE(rebuilding_done) struct rebuilding b = { .c = c };
	struct err	second;
	enum rc		rc = rebuild(&b, err);

	if (rc == RC_OK || rc == RC_BUG)
		return rc;
	replica_free(TAKE(b.replica));
	store_close(TAKE(b.to));
	if (b.made[0] != '\0' && remove_made(&b, &second) != RC_OK)
		log_err(&second, "cannot remove what is left of a new database");
	return err_wrap(err, rc == RC_NOMEM ? RC_NOMEM : RC_IO, "a tail that a quorum contradicts is still there");
}

/* --- said again -------------------------------------------------------------------------- */

struct dropped {
	uint8_t		key[DROPPED_KEY_BYTES];
	uint64_t	index;
	struct buf	value;
};

struct dropped_list {
	struct dropped	row[RESUMED_AT_ONCE];
	size_t		n;
};

static void
dropped_list_done(struct dropped_list *l)
{
	size_t	i;

	for (i = 0; i < RESUMED_AT_ONCE; i++)
		buf_done(&l->row[i].value);
}

static enum rc
on_dropped(void *user, struct span key, struct span value, struct err *err)
{
	struct dropped_list	*l = user;
	struct dropped		*d = &l->row[l->n++];
	struct rd		 r = rd_init(key);

	d->value = BUF_INIT(STORE_VALUE_MAX);
	if (key.n != sizeof(d->key) || !rd_u64(&r, &d->index))
		return err_set(err, RC_BUG, "the record of dropped statements is damaged");
	memcpy(d->key, key.p, key.n);
	buf_span(&d->value, value);
	return buf_check(&d->value, "a dropped statement", err);
}

static bool
says_no(struct span dsse)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;

	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	return dsse_parse(dsse, &d, NULL) == RC_OK && statement_parse(&d, &s, NULL) == RC_OK && statement_is_no(&s);
}

/* RC_UNSURE: not yet. A "no" waits for what it is about, however long the log makes it wait. */
static enum rc
say_again(struct custody *c, const struct dropped *d, struct err *err)
{
	struct rd		r = rd_init(buf_view(&d->value));
	struct handed_answer	a;
	struct span		dsse, blob;
	enum rc			rc;

	if (!rd_vec32(&r, 0, STORE_VALUE_MAX, &dsse) || !rd_vec32(&r, 0, STORE_VALUE_MAX, &blob) ||
	    !rd_done(&r))
		return err_set(err, RC_BUG, "the record of dropped statements is damaged");
	rc = handed_take(c, c->index, dsse, &blob, blob.n == 0 ? 0 : 1, &a, err);
	c->words[0] = '\0';
	if (rc == RC_IO || rc == RC_NOMEM || rc == RC_BUG)
		return rc;
	if (rc != RC_OK && (store_size(c->store) < d->index + DROPPED_KEEP || says_no(dsse)))
		return RC_UNSURE;
	if (rc != RC_OK)
		log_err(err, "a statement of the dropped tail (entry %llu) cannot be handed in again",
		    (unsigned long long)d->index);
	else if (a.fate == HANDED_REFUSED)
		log_line("a statement of the dropped tail (entry %llu) is void in the log: %s: its author may sign it again",
		    (unsigned long long)d->index, void_reason_name(a.why));
	return RC_OK;
}

enum rc
rebuild_resume(struct custody *c, struct err *err)
{
	AUTO_DONE(dropped_list_done) struct dropped_list l;
	struct turn	*t = &c->rotation.dropped;
	size_t		 i;
	enum rc		 rc;

	memset(&l, 0, sizeof(l));
	/* In turn: what waits for its subject does not keep a "no" behind it waiting. */
	TRY(store_journal_each(c->store, JOURNAL_DROPPED, SPAN(t->key, t->n), RESUMED_AT_ONCE, on_dropped, &l, err));
	t->n = 0;
	if (l.n == RESUMED_AT_ONCE) {
		t->n = sizeof(l.row[0].key);
		memcpy(t->key, l.row[l.n - 1].key, t->n);
	}
	for (i = 0; i < l.n; i++) {
		rc = say_again(c, &l.row[i], err);
		if (rc == RC_UNSURE)
			continue;
		TRY(rc);
		TRY(store_journal_del(c->store, JOURNAL_DROPPED, SPAN_OF(l.row[i].key), err));
	}
	return RC_OK;
}

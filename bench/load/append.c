/*
 * bench/load/append.c - how fast a network appends: entries, and artifacts in batches.
 *
 *	append FOLDER PERSON-KEY [--quick]	with the environment of a network; FOLDER is where SQLite is tried
 *
 * What is timed is from the first hand-in to the last answer that says "cosigned by q" (an
 * entry) or "sealed" (a batch: cosigned by q, and h custodians hold their shares), several at a
 * time. Sealing itself and the upload of envelopes are the sealer's and the disk's, and are
 * done before. The reference is SQLite alone, on the same disk in the same run: the bytes
 * of an entry and of each artifact as rows, one transaction a batch, synchronous=FULL.
 */
#include <sodium.h>
#include <sqlite3.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "cli/cli.h"
#include "cli/remote.h"
#include "evidence/batch.h"
#include "evidence/envelope.h"

#define WORKERS		16
#define UPLOAD_ID_SIZE	16
#define STATEMENTS	192	/* quick: a third */
#define ENVELOPE_MAX	4096
#define ARTIFACT_BYTES	(240 + 5 * 48)	/* a descriptor, and five sealed shares */
#define REFERENCE_MS	1500u

static struct remote		*remotes[WORKERS];
static struct keyfile		*sealer, *person;

/* ---- several at a time -------------------------------------------------------------- */

typedef void (*job_fn)(struct remote *r, size_t job);
static atomic_size_t	next_job;
static size_t		n_jobs;
static job_fn		job_run;

static void *
worker(void *remote)
{
	size_t	job;

	while ((job = atomic_fetch_add(&next_job, 1)) < n_jobs)
		job_run(remote, job);
	return NULL;
}

/* Seconds that all of it took. */
static double
run(job_fn fn, size_t n)
{
	pthread_t	thread[WORKERS];
	uint64_t	began = clock_ms();
	size_t		i;

	job_run = fn;
	n_jobs = n;
	atomic_store(&next_job, 0);
	for (i = 0; i < WORKERS; i++)
		if (pthread_create(&thread[i], NULL, worker, remotes[i]) != 0)
			exit(2);
	for (i = 0; i < WORKERS; i++)
		(void)pthread_join(thread[i], NULL);
	return (double)(clock_ms() - began + 1) / 1000;
}

/* ---- entries: statements that name no blob -------------------------------------------- */

static struct buf	statements[STATEMENTS];

/* Of a key that nobody has: void, which costs the log as much as any. */
static void
make_statement(size_t i)
{
	struct statement	s;
	struct err		err;

	bench_must(remote_statement(remotes[0], STATEMENT_REVOCATION, 3600, &s, &err), &err);
	randombytes_buf(s.subject, sizeof(s.subject));
	statements[i] = BUF_INIT(DSSE_BYTES_MAX);
	bench_must(statement_sign(&s, keyfile_signer(person), &statements[i], &err), &err);
	statement_done(&s);
}

static void
submit(struct remote *r, size_t job)
{
	Quorate__V1__SubmitRequest	 q = QUORATE__V1__SUBMIT_REQUEST__INIT;
	Quorate__V1__SubmitReply	*a = NULL;
	struct err			 err;
	bool				 cosigned = false;

	q.statement = (ProtobufCBinaryData){ statements[job].n, statements[job].p };
	while (!cosigned) {
		bench_must(remote_call(r, "Submit", &q, &quorate__v1__submit_reply__descriptor, REMOTE_MS_LONG, &a, &err), &err);
		cosigned = a->cosigned;
		message_free(a);
	}
}

/* ---- batches ----------------------------------------------------------------------------- */

struct made {
	struct buf		dsse;
	struct batch_sealed	sealed;
	struct buf		envelopes;	/* one after the other */
	size_t			began;		/* of the one that is being written */
	uint8_t			upload[UPLOAD_ID_SIZE];
};

static struct made	*made;
static uint32_t		 per_batch;

static enum rc
write_at(void *user, uint64_t at, struct span bytes, struct err *err)
{
	struct buf	*b = user;

	if (at + bytes.n > b->n && buf_extend(b, at + bytes.n - b->n) == NULL)
		return buf_check(b, "envelope", err);
	memcpy(b->p + at, bytes.p, bytes.n);
	return RC_OK;
}

static enum rc
read_at(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	const struct buf	*b = user;

	(void)err;
	memcpy(out, b->p + at, n);
	return RC_OK;
}

static enum rc
write_one(void *user, uint64_t at, struct span bytes, struct err *err)
{
	struct made	*m = user;

	return write_at(&m->envelopes, m->began + at, bytes, err);
}

static void
encrypt(const struct remote *r, struct secret_arena *arena, struct batch *batch, struct made *m)
{
	const struct policy_rule	*policy = &r->charter->policy[0];
	struct envelope_params		 p = { .class_id = r->charter->class_[0].id, .sealed_at = clock_now(),
					    .threshold = r->charter->k, .shares = r->charter->n,
					    .segment_log2 = SEGMENT_LOG2_DEFAULT, .n_parts = 1, .part = { "prompt" } };
	AUTO(envelope_writer_free) struct envelope_writer *w = NULL;
	AUTO_DONE(buf_done) struct buf	 descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	struct err			 err;
	uint64_t			 size;
	uint32_t			 leaf;

	memcpy(p.genesis, r->first->digest, SHA256_BYTES);
	memcpy(p.policy, policy->digest, SHA256_BYTES);
	randombytes_buf(p.id, sizeof(p.id));
	m->began = m->envelopes.n;
	bench_must(envelope_new(&p, arena, write_one, m, &w, &err), &err);
	bench_must(envelope_part(w, "prompt", &err), &err);
	bench_must(envelope_write(w, SPAN_STR("a picture of a grey cat in a hat"), &err), &err);
	bench_must(envelope_finish(w, &descriptor, &size, &err), &err);
	bench_must(batch_add(batch, buf_view(&descriptor), envelope_shares(w), &leaf, &err), &err);
}

static void
make_batch(struct made *m)
{
	const struct remote		*r = remotes[0];
	AUTO(secret_arena_free) struct secret_arena *arena = secret_arena_new(per_batch * 1024u + 4096u);
	AUTO(batch_free) struct batch	*batch = NULL;
	struct statement		 s;
	struct err			 err;
	uint32_t			 i;

	m->envelopes = BUF_INIT((size_t)per_batch * ENVELOPE_MAX);
	m->dsse = BUF_INIT(DSSE_BYTES_MAX);
	m->sealed = (struct batch_sealed)BATCH_SEALED_INIT;
	if (arena == NULL)
		bench_must(err_set(&err, RC_NOMEM, "no locked memory"), &err);
	bench_must(batch_new(r->first->digest, r->charter, &batch, &err), &err);
	for (i = 0; i < per_batch; i++)
		encrypt(r, arena, batch, m);
	bench_must(remote_statement(remotes[0], STATEMENT_BATCH, 3600, &s, &err), &err);
	bench_must(batch_seal(batch, &s, &m->sealed, &err), &err);
	bench_must(statement_sign(&s, keyfile_signer(sealer), &m->dsse, &err), &err);
	statement_done(&s);
}

static void
upload(struct remote *r, size_t job)
{
	struct made	*m = &made[job];
	struct err	 err;

	bench_must(remote_upload(r, "uploading", m->envelopes.n, read_at, &m->envelopes, m->upload, &err), &err);
}

static void
seal(struct remote *r, size_t job)
{
	struct made			*m = &made[job];
	Quorate__V1__SealRequest	 q = QUORATE__V1__SEAL_REQUEST__INIT;
	Quorate__V1__SealReply		*a = NULL;
	ProtobufCBinaryData		 shares[CUSTODIANS_MAX];
	struct err			 err;
	bool				 sealed = false;
	uint32_t			 i;

	for (i = 0; i < m->sealed.n; i++)
		shares[i] = (ProtobufCBinaryData){ m->sealed.shares[i].n, m->sealed.shares[i].p };
	q.statement = (ProtobufCBinaryData){ m->dsse.n, m->dsse.p };
	q.descriptors = (ProtobufCBinaryData){ m->sealed.descriptors.n, m->sealed.descriptors.p };
	q.n_shares = m->sealed.n;
	q.shares = shares;
	q.upload = (ProtobufCBinaryData){ sizeof(m->upload), m->upload };
	while (!sealed) {
		bench_must(remote_call(r, "Seal", &q, &quorate__v1__seal_reply__descriptor, REMOTE_MS_LONG, &a, &err), &err);
		if (a->entry == NULL || !a->entry->effective)
			bench_must(err_set(&err, RC_DENIED, "not sealed: %.100s", a->entry == NULL ? "" : a->entry->words), &err);
		sealed = a->sealed;
		message_free(a);
	}
}

static void
made_done(struct made *m)
{
	buf_done(&m->envelopes);
	batch_sealed_done(&m->sealed);
	buf_done(&m->dsse);
}

/* ---- the reference -------------------------------------------------------------------------- */

static void
sql(sqlite3 *db, const char *words)
{
	if (sqlite3_exec(db, words, NULL, NULL, NULL) == SQLITE_OK)
		return;
	fprintf(stderr, "append: SQLite: %s\n", sqlite3_errmsg(db));
	exit(2);
}

static void
insert(sqlite3 *db, sqlite3_stmt *st, size_t n)
{
	static const uint8_t	bytes[DSSE_BYTES_MAX];

	if (sqlite3_bind_blob(st, 1, bytes, (int)n, SQLITE_STATIC) != SQLITE_OK || sqlite3_step(st) != SQLITE_DONE ||
	    sqlite3_reset(st) != SQLITE_OK)
		sql(db, "a row");
}

/* Transactions a second: an entry of `entry` bytes and `rows` artifacts. */
static double
reference(const char *dir, size_t entry, uint32_t rows)
{
	sqlite3		*db = NULL;
	sqlite3_stmt	*st = NULL;
	char		 path[FILE_PATH_MAX];
	uint64_t	 began, done = 0;
	uint32_t	 i;
	double		 took;

	(void)snprintf(path, sizeof(path), "%s/reference-%u.db", dir, rows);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		exit(2);
	sql(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (i INTEGER PRIMARY KEY, b BLOB)");
	if (sqlite3_prepare_v2(db, "INSERT INTO t (b) VALUES (?)", -1, &st, NULL) != SQLITE_OK)
		exit(2);
	began = clock_ms();
	do {
		sql(db, "BEGIN IMMEDIATE");
		insert(db, st, entry);
		for (i = 0; i < rows; i++)
			insert(db, st, ARTIFACT_BYTES);
		sql(db, "COMMIT");
		done++;
	} while (clock_ms() - began < REFERENCE_MS);
	took = (double)(clock_ms() - began) / 1000;
	(void)sqlite3_finalize(st);
	(void)sqlite3_close(db);
	return (double)done / took;
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* One repetition: a network that was set up for it, and what it appends once. */
static void
measure_entries(const char *dir, size_t n)
{
	static const struct bench_series	s = { "append-statements", "1/s", "SQLite alone, a transaction each", "-" };
	double					ours;
	size_t					i;

	for (i = 0; i < n; i++)
		make_statement(i);
	ours = (double)n / run(submit, n);
	bench_row(&s, 0, ours, reference(dir, statements[0].n, 0));
	for (i = 0; i < n; i++)
		buf_done(&statements[i]);
}

/* x: artifacts a batch; the rate is artifacts'. */
static void
measure_batches(const char *dir, uint32_t artifacts, size_t n)
{
	static const struct bench_series	s = { "append-batches", "1/s", "SQLite alone, a transaction a batch", "-" };
	double					ours;
	size_t					i;

	per_batch = artifacts;
	if ((made = calloc(n, sizeof(*made))) == NULL)
		exit(2);
	for (i = 0; i < n; i++)
		make_batch(&made[i]);
	(void)run(upload, n);
	ours = (double)(n * artifacts) / run(seal, n);
	bench_row(&s, artifacts, ours, artifacts * reference(dir, made[0].dsse.n, artifacts));
	for (i = 0; i < n; i++)
		made_done(&made[i]);
	free(made);
}

int
main(int argc, char **argv)
{
	static const struct { uint32_t artifacts; size_t batches; } sizes[] = {
		{ 1, 128 }, { 10, 64 }, { 100, 16 }, { 1000, 2 }
	};
	bool		quick = argc == 4 && strcmp(argv[3], "--quick") == 0;
	struct err	err;
	size_t		i, share = quick ? 3 : 1;

	if (argc != 3 && !quick) {
		fprintf(stderr, "usage: append FOLDER PERSON-KEY [--quick] (bench/append calls it)\n");
		return EXIT_USAGE;
	}
	bench_must(secret_init(&err), &err);
	bench_must(cli_key(getenv("QUORATE_SEALER_KEY"), &sealer, &err), &err);
	bench_must(cli_key(argv[2], &person, &err), &err);
	for (i = 0; i < WORKERS; i++)
		bench_must(remote_open(&remotes[i], &err), &err);
	measure_entries(argv[1], STATEMENTS / share);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]) - quick; i++)
		measure_batches(argv[1], sizes[i].artifacts, sizes[i].batches / share);
	for (i = 0; i < WORKERS; i++)
		remote_free(remotes[i]);
	process_end(EXIT_YES);
}

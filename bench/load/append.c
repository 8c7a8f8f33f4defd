/*
 * bench/load/append.c - how fast a network appends: entries, and artifacts in batches.
 *
 *	append FOLDER [--quick]	with the environment of a network in FOLDER/n; SQLite is tried in FOLDER
 *	append FOLDER one N	the median of N small artifacts sealed one after the other, in milliseconds
 *
 * What is timed is from the first hand-in to the last answer that says "cosigned by q" (an
 * entry) or "sealed" (a batch: cosigned by q, and h custodians hold their shares), several at a
 * time. The sealer's own work is done before; what is uploaded before, each series says.
 * References are tried on the same disk in the same run: SQLite alone, the bytes of an entry and
 * of each artifact as rows, one transaction a batch, synchronous=FULL; a file of the same bytes.
 */
#include <sodium.h>
#include <sqlite3.h>

#include <fcntl.h>
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
#define SMALL		32		/* bytes of plaintext: what is around it counts */
#define PICTURE		(101u << 10)	/* an image of 100 KiB and a prompt */
#define ENVELOPE_MORE	4096		/* around the plaintext */
#define ARTIFACT_BYTES	(240 + 5 * 48)	/* a descriptor, and five sealed shares */
#define REFERENCE_MS	1500u
#define CUSTODIANS	5

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
static uint32_t		 per_batch, plain_bytes;

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
	static const uint8_t		 picture[PICTURE];
	AUTO(envelope_writer_free) struct envelope_writer *w = NULL;
	AUTO_DONE(buf_done) struct buf	 descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	struct err			 err;
	uint64_t			 size;
	uint32_t			 leaf;

	memcpy(p.genesis, r->first->digest, SHA256_BYTES);
	memcpy(p.policy, policy->digest, SHA256_BYTES);
	artifact_id_make(clock_now(), p.id);
	m->began = m->envelopes.n;
	bench_must(envelope_new(&p, arena, write_one, m, &w, &err), &err);
	bench_must(envelope_part(w, "prompt", &err), &err);
	bench_must(envelope_write(w, SPAN(picture, plain_bytes), &err), &err);
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

	m->envelopes = BUF_INIT((size_t)per_batch * (plain_bytes + ENVELOPE_MORE));
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

/* A second's batches: a file each, written in the pieces of an upload and synced once. */
static double
reference_file(const char *dir, size_t bytes)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(REMOTE_CHUNK);
	const uint8_t	*piece = buf_extend(&b, REMOTE_CHUNK);
	char		 path[FILE_PATH_MAX];
	double		 began = bench_wall();
	size_t		 done = 0, at, n;
	int		 fd;

	(void)snprintf(path, sizeof(path), "%s/reference-file", dir);
	do {
		if ((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600)) < 0 || piece == NULL)
			bench_fail("%s: cannot write", path);
		for (at = 0; at < bytes; at += n) {
			n = bytes - at < REMOTE_CHUNK ? bytes - at : REMOTE_CHUNK;
			if (write(fd, piece, n) != (ssize_t)n)
				bench_fail("%s: cannot write", path);
		}
		if (fsync(fd) != 0 || close(fd) != 0 || unlink(path) != 0)
			bench_fail("%s: cannot write", path);
		done++;
	} while (bench_wall() - began < 1);
	return (double)done / (bench_wall() - began);
}

/* ---- CPU of the daemons ------------------------------------------------------------------------ */

static uint64_t	ticks_of(long pid);

static uint64_t
ticks_below(long pid)
{
	uint64_t	 ticks = 0;
	char		 path[64];
	long		 child;
	FILE		*f;

	(void)snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", pid, pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	while (fscanf(f, "%ld", &child) == 1)
		ticks += ticks_of(child);
	(void)fclose(f);
	return ticks;
}

/* Of a process and those that it started. */
static uint64_t
ticks_of(long pid)
{
	unsigned long	 user = 0, system = 0;
	char		 path[64];
	FILE		*f;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
		user = system = 0;
	(void)fclose(f);
	return user + system + ticks_below(pid);
}

/* Seconds that a daemon of the network in dir/n has used. */
static double
cpu_of(const char *dir, const char *name)
{
	char	 path[FILE_PATH_MAX];
	long	 pid = 0;
	FILE	*f;

	(void)snprintf(path, sizeof(path), "%s/n/%s/pid", dir, name);
	if ((f = fopen(path, "r")) == NULL || fscanf(f, "%ld", &pid) != 1)
		bench_fail("%s: who is that?", path);
	(void)fclose(f);
	return (double)ticks_of(pid) / (double)sysconf(_SC_CLK_TCK);
}

struct cpu { double coordinator, custodians; };

static struct cpu
cpu_now(const char *dir)
{
	struct cpu	c = { cpu_of(dir, "coordinator"), 0 };
	char		name[32];
	unsigned	i;

	for (i = 1; i <= CUSTODIANS; i++) {
		(void)snprintf(name, sizeof(name), "custodian-%u", i);
		c.custodians += cpu_of(dir, name);
	}
	return c;
}

/* What `artifacts` of them cost since then: the custodians' is one custodian's. */
static void
cpu_rows(const char *dir, const struct cpu *then, uint32_t batch, double artifacts)
{
	static const struct bench_series	coordinator = { "append-cpu-coordinator", "us", "-", "-" },
						custodian = { "append-cpu-custodian", "us", "-", "-" };
	struct cpu				now = cpu_now(dir);

	bench_row(&coordinator, batch, 1e6 * (now.coordinator - then->coordinator) / artifacts, 0);
	bench_row(&custodian, batch, 1e6 * (now.custodians - then->custodians) / artifacts / CUSTODIANS, 0);
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

static void
make_batches(uint32_t artifacts, uint32_t bytes, size_t n)
{
	size_t	i;

	per_batch = artifacts;
	plain_bytes = bytes;
	if ((made = calloc(n, sizeof(*made))) == NULL)
		bench_fail("no memory");
	for (i = 0; i < n; i++)
		make_batch(&made[i]);
}

static void
batches_done(size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		made_done(&made[i]);
	free(made);
}

/* x: artifacts a batch; the rate is artifacts'. Uploaded before. */
static void
measure_batches(const char *dir, uint32_t artifacts, size_t n)
{
	static const struct bench_series	s = { "append-batches", "1/s", "SQLite alone, a transaction a batch", "-" };
	struct cpu				then;
	double					ours;

	make_batches(artifacts, SMALL, n);
	(void)run(upload, n);
	then = cpu_now(dir);
	ours = (double)(n * artifacts) / run(seal, n);
	cpu_rows(dir, &then, artifacts, (double)(n * artifacts));
	bench_row(&s, artifacts, ours, artifacts * reference(dir, made[0].dsse.n, artifacts));
	batches_done(n);
}

static void
upload_and_seal(struct remote *r, size_t job)
{
	upload(r, job);
	seal(r, job);
}

/* The same with a picture in each, and its upload timed as well. */
static void
measure_pictures(const char *dir, uint32_t artifacts, size_t n)
{
	static const struct bench_series	s = { "append-pictures", "1/s", "a file of the same bytes, synced", "-" };
	double					ours;

	make_batches(artifacts, PICTURE, n);
	ours = (double)(n * artifacts) / run(upload_and_seal, n);
	bench_row(&s, artifacts, ours, artifacts * reference_file(dir, made[0].envelopes.n));
	batches_done(n);
}

/* Milliseconds that one takes, one after the other: the median of n. */
static void
measure_one(size_t n)
{
	double	*ms = calloc(n, sizeof(*ms)), began;
	size_t	 i;

	make_batches(1, SMALL, n);
	if (ms == NULL)
		bench_fail("no memory");
	for (i = 0; i < n; i++) {
		began = bench_wall();
		upload_and_seal(remotes[0], i);
		ms[i] = 1e3 * (bench_wall() - began);
	}
	printf("%.2f %.2f\n", bench_percentile(ms, n, 50), bench_percentile(ms, n, 99));
	batches_done(n);
	free(ms);
}

static void
measure_all(const char *dir, bool quick)
{
	static const struct { uint32_t artifacts; size_t batches, pictures; } sizes[] = {
		{ 1, 128, 96 }, { 10, 64, 32 }, { 100, 16, 16 }, { 256, 12, 12 }, { 1000, 4, 4 }
	};
	size_t	i, share = quick ? 4 : 1;

	measure_entries(dir, STATEMENTS / share);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]) - quick; i++) {
		measure_batches(dir, sizes[i].artifacts, sizes[i].batches / share);
		measure_pictures(dir, sizes[i].artifacts, sizes[i].pictures / share);
	}
}

int
main(int argc, char **argv)
{
	bool		 quick = argc == 3 && strcmp(argv[2], "--quick") == 0, one = argc == 4 && strcmp(argv[2], "one") == 0;
	char		 key[FILE_PATH_MAX];
	struct err	 err;
	size_t		 i;

	if (argc != 2 && !quick && !one)
		bench_fail("usage: append FOLDER [--quick | one N] (bench/append and bench/waiting call it)");
	bench_must(secret_init(&err), &err);
	bench_must(file_path(key, &err, "%s/n/people/legal.key", argv[1]), &err);
	bench_must(cli_key(getenv("QUORATE_SEALER_KEY"), &sealer, &err), &err);
	bench_must(cli_key(key, &person, &err), &err);
	for (i = 0; i < WORKERS; i++)
		bench_must(remote_open(&remotes[i], &err), &err);
	if (one)
		measure_one(strtoul(argv[3], NULL, 10));
	else
		measure_all(argv[1], quick);
	for (i = 0; i < WORKERS; i++)
		remote_free(remotes[i]);
	process_end(EXIT_YES);
}

/*
 * custodian - what one custodian costs: shares stored a second, bytes an escrow, and whether an append, a
 * contribution and a start stay what they were when there are a million escrows.
 *
 *	custodian [--quick | --long]	a million escrows; a tenth of that; ten million
 *
 * It is the keeper's own code on a database on DIR's disk (/var/tmp) and a SoftHSM token, called as the keeper calls
 * it: an Append with one batch of 256, or four, its log's checkpoint and the one before it cosigned by four; everything is
 * checked, applied, stored, durable, cosigned and said to be held when the call returns. What sealer and coordinator
 * do for it is done before and not measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>
#include <sqlite3.h>

#include "bench/bench.h"
#include "shamir/sealed.h"
#include "tests/unit/custodian/bench.h"

#define PER_BATCH	256U
#define PAGE_MAX	4U		/* batches that waited and came together */
#define BIG		((size_t)1 << 21)
#define DESCRIPTOR	240U		/* bytes, of two parts, about; and of a signed statement */
#define STATEMENT	400U
#define FEW		10000U		/* escrows of the custodian that the others are compared with */
#define FILLED		((uint64_t)1 << 32)	/* batches that no log names: above any entry */
#define FILLED_AT	UINT64_C(1600000000)	/* below any time of a log's */
#define FILL_AT_ONCE	64U		/* batches in one transaction */
#define ORDERS		8U		/* contributions of one repetition */

static struct bench_place	place;
static char			disk[96];
static sqlite3			*reference_db;
static sqlite3_stmt		*reference_insert;

/* --- how long things take; the token's part by itself ------------------------------------------- */

struct took { double wall, cpu; };	/* seconds */

static struct took	in_token;

static void
began(struct took *t)
{
	t->wall -= bench_wall();
	t->cpu -= bench_cpu();
}

static void
ended(struct took *t)
{
	t->wall += bench_wall();
	t->cpu += bench_cpu();
}

/* hsm_run() of hsm/internal.h, whose types are of no interest here: everything that the token does is done in it. */
typedef void	(*op)(void);
enum rc	__real_hsm_run(void *h, void *k, op f, void *arg, unsigned long *ret_rv, struct err *err);
enum rc	__wrap_hsm_run(void *h, void *k, op f, void *arg, unsigned long *ret_rv, struct err *err);

enum rc
__wrap_hsm_run(void *h, void *k, op f, void *arg, unsigned long *ret_rv, struct err *err)
{
	enum rc	rc;

	began(&in_token);
	rc = __real_hsm_run(h, k, f, arg, ret_rv, err);
	ended(&in_token);
	return rc;
}

/* --- one Append, made before it is measured ---------------------------------------------------- */

struct page {
	struct buf	request;
};

static ProtobufCBinaryData
data_of(const struct buf *b)
{
	return (ProtobufCBinaryData){ b->n, b->p };
}

/* One batch in the network's log, whose shares for custodian 1 are `shares`. */
static void
log_batch(struct bench *b, struct buf *shares, struct buf *vector)
{
	static struct descriptor	d[PER_BATCH];
	const struct state		*st = memstate_state(b->net.mem);
	struct statement		 s;
	struct err			 err;

	for (uint32_t i = 0; i < PER_BATCH; i++)
		net_descriptor(&b->net, "standard", &d[i]);
	net_batch(&b->net, d, PER_BATCH, &s);
	randombytes_buf(buf_extend(shares, (size_t)PER_BATCH * SEALED_SHARE_BYTES), (size_t)PER_BATCH * SEALED_SHARE_BYTES);
	sha256_one(s.u.batch.custodian[0].shares, buf_view(shares));
	bench_must(st->blob(st->user, s.u.batch.descriptors, vector, &err), &err);
	if (!net_log(&b->net, &s, &b->net.sealer).effective)
		bench_fail("a batch was void");
}

static void
make_page(struct bench *b, size_t batches, struct page *p)
{
	Quorate__V1__AppendRequest	 q = QUORATE__V1__APPEND_REQUEST__INIT;
	Quorate__V1__ShareVector	 v[PAGE_MAX], *row[PAGE_MAX];
	struct buf			 shares[PAGE_MAX], vector[PAGE_MAX], note = BUF_INIT(BIG), before = BUF_INIT(BIG);
	ProtobufCBinaryData		 entry[PAGE_MAX], blob[PAGE_MAX];

	q.first = b->net.log_entries.n;
	bench_note(b, q.first, 4, false, &before);
	for (size_t i = 0; i < batches; i++) {
		b->net.now += (q.first + i) % 6 == 0;	/* 1,500 a second */
		shares[i] = vector[i] = BUF_INIT(BIG);
		log_batch(b, &shares[i], &vector[i]);
		quorate__v1__share_vector__init(&v[i]);
		v[i].batch = q.first + i;
		v[i].vector = data_of(&shares[i]);
		row[i] = &v[i];
		blob[i] = data_of(&vector[i]);
	}
	for (size_t i = 0; i < batches; i++)
		entry[i] = data_of(&b->net.log_entries.leaf[q.first + i]);
	bench_note(b, q.first + batches, 0, false, &note);
	q.n_entries = q.n_blobs = q.n_shares = batches;
	q.entries = entry;
	q.blobs = blob;
	q.shares = row;
	q.checkpoint = data_of(&note);
	q.cosigned = data_of(&before);
	p->request = BUF_INIT(BIG);
	(void)quorate__v1__append_request__pack(&q,
	    buf_extend(&p->request, quorate__v1__append_request__get_packed_size(&q)));
	for (size_t i = 0; i < batches; i++) {
		buf_done(&shares[i]);
		buf_done(&vector[i]);
	}
	buf_done(&note);
	buf_done(&before);
}

static void
check_reply(struct span bytes, size_t batches)
{
	Quorate__V1__AppendReply	*r = quorate__v1__append_reply__unpack(NULL, bytes.n, bytes.p);

	if (r == NULL || r->n_held != batches || r->cosignature.len == 0)
		bench_fail("an append was not cosigned, or its batch not held");
	bench_reply_free(r);
}

/* What these took, done with afterwards. */
static struct took
append(struct bench *b, struct page *p, size_t n, size_t batches)
{
	struct buf	reply = BUF_INIT(BIG);
	struct took	took = { 0, 0 };
	struct err	err;

	for (size_t i = 0; i < n; i++) {
		buf_reset(&reply);
		began(&took);
		bench_must(custody_append(&b->c, buf_view(&p[i].request), &reply, &err), &err);
		ended(&took);
		check_reply(buf_view(&reply), batches);
		buf_done(&p[i].request);
	}
	buf_done(&reply);
	return took;
}

/* n Appends of so many batches. */
static struct took
append_new(struct bench *b, size_t n, size_t batches)
{
	struct page	*p = calloc(n, sizeof(*p));
	struct took	 took;

	if (p == NULL)
		bench_fail("no memory");
	for (size_t i = 0; i < n; i++)
		make_page(b, batches, &p[i]);
	took = append(b, p, n, batches);
	free(p);
	return took;
}

/* --- the reference: rows of that size, one transaction a batch ------------------------------------- */

static void
sql(const char *words)
{
	if (sqlite3_exec(reference_db, words, NULL, NULL, NULL) != SQLITE_OK)
		bench_fail("SQLite: %s", sqlite3_errmsg(reference_db));
}

static void
reference_open(void)
{
	char	path[128];

	snprintf(path, sizeof(path), "%s/reference.db", disk);
	if (sqlite3_open(path, &reference_db) != SQLITE_OK)
		bench_fail("SQLite does not open %s", path);
	sql("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (i INTEGER PRIMARY KEY, b BLOB)");
	if (sqlite3_prepare_v2(reference_db, "INSERT INTO t (b) VALUES (?)", -1, &reference_insert, NULL) != SQLITE_OK)
		sql("");
}

static void
reference_close(void)
{
	(void)sqlite3_finalize(reference_insert);
	(void)sqlite3_close(reference_db);
}

static struct took
reference(size_t transactions, size_t batches, size_t bytes)
{
	static uint8_t	row[1024];
	struct took	took = { 0, 0 };

	began(&took);
	for (size_t k = 0; k < transactions; k++) {
		sql("BEGIN IMMEDIATE");
		for (size_t i = 0; i < batches * PER_BATCH; i++)
			if (sqlite3_bind_blob(reference_insert, 1, row, (int)bytes, SQLITE_STATIC) != SQLITE_OK ||
			    sqlite3_step(reference_insert) != SQLITE_DONE || sqlite3_reset(reference_insert) != SQLITE_OK)
				bench_fail("SQLite: %s", sqlite3_errmsg(reference_db));
		sql("COMMIT");
	}
	ended(&took);
	return took;
}

/* --- size, and shares a second ------------------------------------------------------------------------ */

/*
 * What checking them takes at least, by libsodium and libcrypto: of each batch its sealer's signature, the digests of its
 * descriptors and of its shares, and a leaf and a node an artifact; of each Append the log's signature and four cosignatures.
 */
static double
checking(size_t appends, size_t batches)
{
	static uint8_t	vector[PER_BATCH * DESCRIPTOR], digest[SHA256_BYTES];
	uint8_t		pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES], sig[crypto_sign_BYTES];
	double		from;

	crypto_sign_keypair(pk, sk);
	crypto_sign_detached(sig, NULL, vector, STATEMENT, sk);
	from = bench_wall();
	for (size_t i = 0; i < appends * (batches + 5); i++)
		if (crypto_sign_verify_detached(sig, vector, STATEMENT, pk) != 0)
			bench_fail("a signature");
	for (size_t i = 0; i < appends * batches; i++) {
		sha256_one(digest, SPAN_OF(vector));
		sha256_one(digest, SPAN(vector, PER_BATCH * SEALED_SHARE_BYTES));
		for (size_t k = 0; k < PER_BATCH; k++) {
			sha256_one(digest, SPAN(vector, DESCRIPTOR));
			sha256_one(digest, SPAN(vector, 1 + 2 * SHA256_BYTES));
		}
	}
	return bench_wall() - from;
}

static double
file_bytes(const struct bench *b)
{
	char		wal[160];
	struct stat	file, log = { .st_size = 0 };

	snprintf(wal, sizeof(wal), "%s-wal", b->db);
	(void)stat(wal, &log);
	if (stat(b->db, &file) != 0)
		bench_fail("no database");
	return (double)file.st_size + (double)log.st_size;
}

static double
measure_bytes(struct bench *b, size_t batches)
{
	static const struct bench_series	series = { "escrow-bytes", "bytes", "-", "<=450" };
	double					before, each;

	bench_restart(b);		/* the write-ahead log goes with the last handle */
	before = file_bytes(b);
	(void)append_new(b, batches, 1);
	bench_restart(b);
	each = (file_bytes(b) - before) / (double)(batches * PER_BATCH);
	bench_row(&series, PER_BATCH, each, 0);
	return each;
}

static void
measure_stored(struct bench *b, size_t repetitions, size_t appends, size_t batches, double bytes)
{
	static const char			rows[] = "SQLite, rows of that size, as many a transaction",
						rows_cpu[] = "the same rows, in CPU time",
						all[] = "these rows, what must be checked, and the token";
	static const struct bench_series	stored = { "shares-stored", "1/s", rows, "ratio>=0.5" },
						tokenless = { "shares-stored-tokenless", "1/s", rows, "ratio>=0.5" },
						counted = { "shares-stored-counted", "1/s", all, "-" },
						cpu = { "shares-stored-cpu", "1/s", rows_cpu, "-" },
						tokenless_cpu = { "shares-stored-tokenless-cpu", "1/s", rows_cpu, "-" };
	double					x = (double)(batches * PER_BATCH), shares = (double)appends * x;
	struct took				ours, theirs;

	for (size_t i = 0; i < repetitions; i++) {
		in_token = (struct took){ 0, 0 };
		ours = append_new(b, appends, batches);
		theirs = reference(appends, batches, (size_t)bytes);
		bench_row(&stored, x, shares / ours.wall, shares / theirs.wall);
		bench_row(&tokenless, x, shares / (ours.wall - in_token.wall), shares / theirs.wall);
		bench_row(&counted, x, shares / ours.wall,
		    shares / (theirs.wall + checking(appends, batches) + in_token.wall));
		bench_row(&cpu, x, shares / ours.cpu, shares / theirs.cpu);
		bench_row(&tokenless_cpu, x, shares / (ours.cpu - in_token.cpu), shares / theirs.cpu);
	}
}

/* --- many escrows ----------------------------------------------------------------------------------- */

struct filling {
	const struct state	*st;
	uint64_t		 batch;
};

static enum rc
add_escrow(void *user, uint32_t leaf, struct span descriptor, struct err *err)
{
	struct filling	*f = user;

	/* The id stands behind the version. */
	return f->st->escrow_add(f->st->user, descriptor.p + 1, (struct escrow_at){ f->batch, leaf }, descriptor, err);
}

/* As apply adds them, and the shares and the held statement beside them: the log names none of it. */
static void
fill_batch(struct store *s, struct descriptor *d, uint64_t batch)
{
	static uint8_t	 shares[PER_BATCH * SEALED_SHARE_BYTES], held[900];
	struct filling	 f = { store_state(s), FILLED + batch };
	struct buf	 vector = BUF_INIT(BIG), one = BUF_INIT(BIG);
	uint8_t		 digest[SHA256_BYTES], root[SHA256_BYTES], key[8];
	struct err	 err;

	for (uint32_t i = 0; i < PER_BATCH; i++) {
		artifact_id_make(FILLED_AT + batch / 6, d->id);
		buf_reset(&one);
		descriptor_write(d, &one);
		buf_vec16(&vector, buf_view(&one));
	}
	bench_must(descriptor_vector_root(buf_view(&vector), PER_BATCH, root, &err), &err);
	bench_must(store_blob_put(s, buf_view(&vector), digest, &err), &err);
	bench_must(f.st->descriptors(f.st->user, digest, root, PER_BATCH, add_escrow, &f, &err), &err);
	bench_must(store_shares_put(s, f.batch, SPAN_OF(shares), &err), &err);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(f.batch >> (56 - 8 * i));
	bench_must(store_journal_put(s, JOURNAL_HELD, SPAN_OF(key), SPAN_OF(held), &err), &err);
	buf_done(&vector);
	buf_done(&one);
}

static void
fill(struct bench *b, uint64_t escrows)
{
	static uint64_t		 batch;		/* of all databases: no digest comes twice */
	uint64_t		 left = (escrows + PER_BATCH - 1) / PER_BATCH;
	struct descriptor	 d;
	struct err		 err;

	net_descriptor(&b->net, "standard", &d);
	while (left > 0) {
		bench_must(store_begin(b->c.store, &err), &err);
		for (size_t i = 0; i < FILL_AT_ONCE && left > 0; i++, left--)
			fill_batch(b->c.store, &d, batch++);
		bench_must(store_commit(b->c.store, &err), &err);
	}
}

/* Orders of the one artifact whose shares are really sealed: ids. */
static void
make_orders(struct bench *b, uint8_t order[ORDERS][SHA256_BYTES])
{
	uint8_t	request[SHA256_BYTES];

	if (b->net.now < clock_now() - 60)	/* an order lives ten minutes; time does not go back */
		b->net.now = clock_now() - 60;
	for (size_t i = 0; i < ORDERS; i++)
		bench_order(b, &b->batch[0], "standard", request, order[i]);
	bench_sync_news(b, 4);
}

static double
contribute(struct bench *b, const uint8_t order[SHA256_BYTES])
{
	Quorate__V1__ContributeReply	*r = NULL;
	double				 began = bench_wall(), took;
	struct err			 err;

	bench_must(bench_contribute(b, order, &r, &err), &err);
	took = bench_wall() - began;
	quorate__v1__contribute_reply__free_unpacked(r, NULL);
	return took;
}

static int
by_size(const void *a, const void *b)
{
	double	x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Half of what contributions to some orders took is below it. */
static double
contributions(struct bench *b)
{
	uint8_t	order[ORDERS][SHA256_BYTES];
	double	took[ORDERS];

	make_orders(b, order);
	for (size_t i = 0; i < ORDERS; i++)
		took[i] = contribute(b, order[i]);
	qsort(took, ORDERS, sizeof(took[0]), by_size);
	return took[ORDERS / 2];
}

/* Database, replica, the marks in the token: what a start does after it opened the token. */
static double
restart(struct bench *b)
{
	double		began, took;
	struct err	err;

	bench_stop(b);
	began = bench_wall();
	bench_must(bench_start(b, STORE_OPEN, &err), &err);
	took = bench_wall() - began;
	return took;
}

static void
filled_up(struct bench *b, const char *name, uint64_t escrows)
{
	bench_up_as(b, &place, name);
	(void)bench_seal(b, "standard");
	bench_sync(b, 4);
	fill(b, escrows);
}

static void
measure_many(uint64_t escrows, size_t repetitions, size_t batches)
{
	static const struct bench_series	appends = { "escrows-append", "ms", "with 10,000 escrows", "ratio<=1.2" },
						cpu = { "escrows-append-cpu", "ms", "with 10,000 escrows", "-" },
						releases = { "escrows-release", "ms", "with 10,000 escrows", "ratio<=1.2" },
						starts = { "escrows-start", "s", "with 10,000 escrows", "<=2" };
	struct bench				*few = calloc(1, sizeof(*few)), *many = calloc(1, sizeof(*many));
	double					 each = 1e3 / (double)batches, x = (double)escrows, ours;
	struct took				big, small;

	if (few == NULL || many == NULL)
		bench_fail("no memory");
	filled_up(few, "few", FEW);
	filled_up(many, "many", escrows);
	for (size_t i = 0; i < repetitions; i++) {
		big = append_new(many, batches, 1);
		small = append_new(few, batches, 1);
		bench_row(&appends, x, each * big.wall, each * small.wall);
		bench_row(&cpu, x, each * big.cpu, each * small.cpu);
		ours = 1e3 * contributions(many);
		bench_row(&releases, x, ours, 1e3 * contributions(few));
		ours = restart(many);
		bench_row(&starts, x, ours, restart(few));
	}
	bench_down(few);
	bench_down(many);
	free(few);
	free(many);
}

/* --- all of it ---------------------------------------------------------------------------------------- */

static void
place_make(void)
{
	const char	*dir = getenv("DIR");
	int		 rows = dup(STDOUT_FILENO);

	/* A custodian that is made says so on standard output, which is for rows. */
	if (rows < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		bench_fail("no standard output");
	if (!bench_place_up(&place))
		exit(0);
	(void)fflush(stdout);
	if (dup2(rows, STDOUT_FILENO) < 0 || close(rows) != 0)
		bench_fail("no standard output");
	snprintf(disk, sizeof(disk), "%.60s/quorate-bench.XXXXXX", dir != NULL ? dir : "/var/tmp");
	if (mkdtemp(disk) == NULL)
		bench_fail("cannot make a folder in DIR");
	place.disk = disk;
	place.quota = 1000000000;
}

static void
place_remove(void)
{
	char	path[128];

	bench_place_down(&place);
	snprintf(path, sizeof(path), "%s/reference.db", disk);
	(void)unlink(path);
	(void)rmdir(disk);
}

static void
measure_one(size_t repetitions, size_t batches)
{
	struct bench	*b = calloc(1, sizeof(*b));
	double		 bytes;

	if (b == NULL)
		bench_fail("no memory");
	bench_up_as(b, &place, "stored");
	bench_sync(b, 4);
	bytes = measure_bytes(b, batches);
	reference_open();
	measure_stored(b, repetitions, batches, 1, bytes);
	measure_stored(b, repetitions, batches / PAGE_MAX, PAGE_MAX, bytes);
	reference_close();
	bench_down(b);
	free(b);
}

int
main(int argc, char **argv)
{
	static const uint64_t	many[] = { [BENCH_QUICK] = 100000, [BENCH_FULL] = 1000000, [BENCH_LONG] = 10000000 };
	enum bench_size		size = bench_begin(argc, argv);
	bool			quick = size == BENCH_QUICK;

	place_make();
	measure_one(quick ? 3 : 7, quick ? 12 : 40);
	measure_many(many[size], quick ? 3 : 5, quick ? 6 : 12);
	place_remove();
	return 0;
}

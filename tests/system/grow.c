/*
 * tests/system/grow.c - makes the log of a stopped coordinator longer by N entries.
 *
 *	grow NET N	prints how long an entry took
 *
 * Each is a revocation of a key that nobody has, by the legal officer of scripts/devnet: a
 * signature to check and a record to keep, as with any entry that people make.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"
#include "audit/store/store.h"
#include "coordinator/journal.h"
#include "edge/edge.h"
#include "edge/file.h"
#include "policy/apply.h"

#define PER_COMMIT	1000

struct growing {
	struct store		*store;
	struct replica		*replica;
	const struct signer	*by;
	uint64_t		 size;
	uint8_t			 genesis[SHA256_BYTES];
};

static enum rc
write_leaf(struct growing *g, struct buf *leaf, struct err *err)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);
	const struct charter	*c = replica_charter(g->replica);
	struct statement	 s;
	uint8_t			 root[SHA256_BYTES];
	when			 now = clock_now();
	enum rc			 rc;

	TRY(store_root_at(g->store, 0, root, err));
	memset(&s, 0, sizeof(s));
	statement_init(&s, STATEMENT_REVOCATION, g->genesis, c->digest, 0, root, now, 3600);
	memset(s.subject, 1, sizeof(s.subject));
	rc = statement_sign(&s, g->by, &dsse, err);
	statement_done(&s);
	TRY(rc);
	entry_write(now, buf_view(&dsse), leaf);
	return buf_check(leaf, "entry", err);
}

static enum rc
grow_one(struct growing *g, struct err *err)
{
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);
	struct verdict	v;

	TRY(write_leaf(g, &leaf, err));
	TRY(store_append(g->store, buf_view(&leaf), err));
	TRY(replica_apply(g->replica, g->size, buf_view(&leaf), &v, err));
	TRY(store_verdict_put(g->store, g->size, &v, err));
	g->size++;
	return journal_entry(g->store, g->size - 1, &v, err);
}

static enum rc
grow_by(struct growing *g, uint64_t n, struct err *err)
{
	uint64_t	i;

	TRY(store_begin(g->store, err));
	for (i = 0; i < n; i++)
		TRY(grow_one(g, err));
	return store_commit(g->store, err);
}

static enum rc
read_genesis(const char *net, uint8_t ret[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(128);
	char	path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/coordinator/state/genesis", net));
	TRY(file_read(path, &b, err));
	return hex_parse(SPAN(b.p, b.n - 1), ret, SHA256_BYTES) ? RC_OK : err_set(err, RC_FORMAT, "%s", path);
}

static enum rc
grow(const char *net, uint64_t n, struct err *err)
{
	AUTO(store_close) struct store *s = NULL;
	AUTO(replica_free) struct replica *r = NULL;
	AUTO(keyfile_free) struct keyfile *key = NULL;
	struct growing	g;
	uint64_t	began = clock_ms(), done, step;
	char		path[FILE_PATH_MAX];

	TRY(secret_init(err));
	memset(&g, 0, sizeof(g));
	TRY(read_genesis(net, g.genesis, err));
	TRY(file_path(path, err, "%s/people/legal.key", net));
	TRY(keyfile_open(path, NULL, NULL, &key, err));
	TRY(file_path(path, err, "%s/coordinator/state/log.db", net));
	TRY(store_open(path, STORE_OPEN, &s, err));
	TRY(replica_new(store_state(s), g.genesis, &r, err));
	g.store = s;
	g.replica = r;
	g.by = keyfile_signer(key);
	g.size = store_size(s);
	for (done = 0; done < n; done += step) {
		step = n - done < PER_COMMIT ? n - done : PER_COMMIT;
		TRY(grow_by(&g, step, err));
	}
	printf("%llu entries made, %.0f us each\n", (unsigned long long)n,
	    n == 0 ? 0.0 : 1000.0 * (double)(clock_ms() - began) / (double)n);
	return RC_OK;
}

int
main(int argc, char **argv)
{
	struct err	err = { RC_OK, "" };

	if (argc != 3) {
		(void)fprintf(stderr, "usage: grow NET N\n");
		return EXIT_USAGE;
	}
	if (grow(argv[1], strtoull(argv[2], NULL, 10), &err) == RC_OK)
		return 0;
	log_err(&err, "grow");
	return EXIT_IO;
}

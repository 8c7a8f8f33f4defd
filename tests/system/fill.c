/*
 * tests/system/fill.c - puts N more escrows into a custodian's database, as the replica would.
 *
 *	fill replica.db N	prints the bytes of disk that each took, share included
 *
 * For tests of size and start-up alone: the log does not name these artifacts.
 */
#include <sodium.h>

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/store/store.h"
#include "edge/edge.h"
#include "shamir/sealed.h"

#define PER_BATCH	1000
#define FIRST_BATCH	1000000		/* far above any entry of a test's log */
#define FIRST_SEALED	UINT64_C(1600000000)	/* below any time of one */

/* 3-of-5, two parts: what most artifacts look like. */
static void
example(struct descriptor *d)
{
	memset(d, 0, sizeof(*d));
	(void)snprintf(d->class_id, sizeof(d->class_id), "standard");
	d->shares = 5;
	d->commits.threshold = 3;
	d->n_parts = 2;
	(void)snprintf(d->part[0].name, sizeof(d->part[0].name), "image");
	(void)snprintf(d->part[1].name, sizeof(d->part[1].name), "prompt");
	d->part[0].length = d->part[1].length = 100000;
	d->part[0].segment_log2 = d->part[1].segment_log2 = SEGMENT_LOG2_DEFAULT;
	randombytes_buf(d->commits.point, sizeof(d->commits.point));
}

static enum rc
fill_batch(struct store *s, struct descriptor *d, uint64_t batch, uint64_t n, struct err *err)
{
	static uint8_t		 vector[PER_BATCH * SEALED_SHARE_BYTES];
	const struct state	*st = store_state(s);
	uint32_t		 i;

	TRY(store_begin(s, err));
	for (i = 0; i < n; i++) {
		AUTO_DONE(buf_done) struct buf bytes = BUF_INIT(DESCRIPTOR_BYTES_MAX);

		artifact_id_make(FIRST_SEALED + batch, d->id);
		descriptor_write(d, &bytes);
		TRY(buf_check(&bytes, "descriptor", err));
		TRY(st->escrow_add(st->user, d->id, (struct escrow_at){ batch, i }, buf_view(&bytes), err));
	}
	randombytes_buf(vector, sizeof(vector));
	TRY(store_shares_put(s, batch, SPAN(vector, n * SEALED_SHARE_BYTES), err));
	return store_commit(s, err);
}

static enum rc
fill(const char *path, uint64_t n, struct err *err)
{
	AUTO(store_close) struct store *s = NULL;
	struct descriptor	d;
	uint64_t		done, step;

	TRY(store_open(path, STORE_OPEN, &s, err));
	example(&d);
	for (done = 0; done < n; done += step) {
		step = n - done < PER_BATCH ? n - done : PER_BATCH;
		TRY(fill_batch(s, &d, FIRST_BATCH + done / PER_BATCH, step, err));
	}
	return RC_OK;
}

int
main(int argc, char **argv)
{
	struct err	err = { RC_OK, "" };
	struct stat	before, after;
	uint64_t	n = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	enum rc		rc;

	if (n == 0 || stat(argv[1], &before) != 0)
		return EXIT_USAGE;
	if ((rc = secret_init(&err)) != RC_OK || (rc = fill(argv[1], n, &err)) != RC_OK) {
		fprintf(stderr, "fill: %s\n", err.msg);
		return exit_code(rc);
	}
	if (stat(argv[1], &after) != 0)
		return EXIT_IO;
	printf("%.1f bytes an escrow\n", (double)(after.st_size - before.st_size) / (double)n);
	return (after.st_size - before.st_size) / (off_t)n < 450 ? EXIT_YES : EXIT_NO;
}

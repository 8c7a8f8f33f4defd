#include "tests/unit/custodian/sealing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIG	((size_t)1 << 22)
#define MUST(cond)	do { if (!(cond)) abort(); } while (0)

static void
must(enum rc rc, const struct err *err)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "sealing: %s: %s\n", rc_name(rc), err->msg);
	abort();
}

struct artifact {
	struct descriptor	 d;
	uint8_t			*share[SHAMIR_SHARES_MAX];
};

static void
make(struct bench *b, struct secret_arena *arena, struct artifact *a)
{
	AUTO(secret_free) struct secret *secret = NULL;
	struct err	err;

	net_descriptor(&b->net, "standard", &a->d);
	must(shamir_split(3, NET_N, arena, &secret, a->share, &a->d.commits, &err), &err);
}

/* What is not as it should be before it is sealed. */
static void
lie_before(struct artifact *a, const struct lie *l, uint8_t *zero)
{
	if (l->trick == TRICK_OTHER)
		a[l->leaf].share[0] = a[l->leaf].share[1];
	if (l->trick == TRICK_NEXT)
		a[l->leaf].share[0] = a[l->leaf + 1].share[0];
	if (l->trick == TRICK_ZERO)
		a[l->leaf].share[0] = zero;
}

/* ... and after it. */
static void
lie_after(struct bench *b, struct bench_batch *x, const struct lie *l)
{
	uint8_t	*p = x->sealed.shares[0].p + (size_t)l->leaf * SEALED_SHARE_BYTES;

	if (l->trick == TRICK_BYTE)
		p[17] ^= 1;
	if (l->trick == TRICK_OLD)
		memcpy(p, b->batch[0].sealed.shares[0].p, SEALED_SHARE_BYTES);
}

/* In the statement and its descriptors: no sealer of ours makes such ones. */
static bool
lie_in_points(struct artifact *a, struct statement *s, const struct lie *l)
{
	uint8_t	(*c)[SHAMIR_POINT_BYTES] = a[l->leaf].d.commits.point;

	if (l->trick == TRICK_POINT)
		s->u.batch.custodian[0].encapsulation[7] ^= 1;
	if (l->trick == TRICK_IDENTITY)
		memset(c[1], 0, sizeof(c[1]));
	if (l->trick == TRICK_WILD)
		memset(c[2], 0xff, sizeof(c[2]));
	if (l->trick == TRICK_HIGH_BIT)
		c[0][31] |= 0x80;
	return l->trick == TRICK_IDENTITY || l->trick == TRICK_WILD || l->trick == TRICK_HIGH_BIT;
}

/* The vector anew, and custodian 1's shares sealed to it. */
static void
seal_again(struct bench *b, struct bench_batch *x, const struct artifact *a, uint32_t count, struct statement *s)
{
	AUTO(sealed_key_free) struct sealed_key *key = NULL;
	struct sealed_context	 c = { .custodian = 1, .epoch = s->u.batch.custodian[0].epoch };
	uint8_t			 digest[BATCH_COUNT_MAX][SHA256_BYTES];
	struct buf		 one = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	struct err		 err;

	buf_reset(&x->sealed.descriptors);
	for (uint32_t i = 0; i < count; i++) {
		buf_reset(&one);
		descriptor_write(&a[i].d, &one);
		sha256_one(digest[i], buf_view(&one));
		buf_vec16(&x->sealed.descriptors, buf_view(&one));
	}
	buf_done(&one);
	sha256_one(s->u.batch.descriptors, buf_view(&x->sealed.descriptors));
	must(descriptor_vector_root(buf_view(&x->sealed.descriptors), count, s->subject, &err), &err);
	memcpy(c.genesis, b->net.genesis, sizeof(c.genesis));
	memcpy(c.batch_root, s->subject, sizeof(c.batch_root));
	must(sealed_key_encapsulate(&c, replica_charter(b->net.replica)->custodian[0].share_key[c.epoch - 1],
	    s->u.batch.custodian[0].encapsulation, &key, &err), &err);
	for (uint32_t i = 0; i < count; i++)
		must(sealed_share_seal(key, i, digest[i], a[i].share[0],
		    x->sealed.shares[0].p + (size_t)i * SEALED_SHARE_BYTES, &err), &err);
}

struct bench_batch *
sealing_batch(struct bench *b, uint32_t count, const struct lie *lie, size_t n_lies, uint32_t commits_of)
{
	struct bench_batch	*x = &b->batch[b->n_batches++];
	AUTO(batch_free) struct batch *batch = NULL;
	AUTO(secret_arena_free) struct secret_arena *arena = secret_arena_new((size_t)count * 512 + 64);
	struct artifact		*a = calloc(count, sizeof(*a));
	struct statement	 s;
	uint32_t		 leaf;
	bool			 again = false;
	struct err		 err;

	MUST(b->n_batches <= BENCH_BATCHES && arena != NULL && a != NULL);
	must(batch_new(b->net.genesis, replica_charter(b->net.replica), &batch, &err), &err);
	for (uint32_t i = 0; i < count; i++)
		make(b, arena, &a[i]);
	x->commits = a[commits_of].d.commits;
	memcpy(x->artifact.id, a[commits_of].d.id, sizeof(x->artifact.id));
	for (size_t i = 0; i < n_lies; i++)
		lie_before(a, &lie[i], secret_arena_take(arena, SHAMIR_SCALAR_BYTES));
	for (uint32_t i = 0; i < count; i++) {
		struct buf	bytes = BUF_INIT(BIG);

		descriptor_write(&a[i].d, &bytes);
		must(batch_add(batch, buf_view(&bytes), a[i].share, &leaf, &err), &err);
		buf_done(&bytes);
	}
	net_statement(&b->net, &s, STATEMENT_BATCH);
	x->sealed = BATCH_SEALED_INIT;
	must(batch_seal(batch, &s, &x->sealed, &err), &err);
	for (size_t i = 0; i < n_lies; i++)
		again |= lie_in_points(a, &s, &lie[i]);
	if (again)
		seal_again(b, x, a, count, &s);
	for (size_t i = 0; i < n_lies; i++)
		lie_after(b, x, &lie[i]);
	sha256_one(s.u.batch.custodian[0].shares, buf_view(&x->sealed.shares[0]));
	must(memstate_blob(b->net.mem, buf_view(&x->sealed.descriptors), &err), &err);
	x->index = b->net.log_entries.n;
	MUST(net_log(&b->net, &s, &b->net.sealer).effective);
	free(a);
	return x;
}

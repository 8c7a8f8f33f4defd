/* Making a batch: batch-v1 section 3. */
#include <stdlib.h>
#include <string.h>

#include "evidence/batch.h"
#include "evidence/batch_rules.h"

struct batch {
	uint8_t			 genesis[SHA256_BYTES];
	const struct charter	*charter;
	uint32_t		 count;
	struct buf		 vector;
	struct batch_ids	 ids;
	uint8_t			 digest[BATCH_COUNT_MAX][SHA256_BYTES];	/* of each descriptor */
	uint8_t			 leaf[BATCH_COUNT_MAX][TREE_HASH_BYTES];
	const uint8_t		*share[BATCH_COUNT_MAX][CUSTODIANS_MAX];	/* in the caller's arena */
};

enum rc
batch_new(const uint8_t genesis[SHA256_BYTES], const struct charter *charter,
    struct batch **ret, struct err *err)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return err_set(err, RC_NOMEM, "batch: no memory");
	memcpy(b->genesis, genesis, sizeof(b->genesis));
	b->charter = charter;
	b->vector = BUF_INIT(DESCRIPTOR_VECTOR_MAX);
	*ret = b;
	return RC_OK;
}

void
batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	buf_done(&b->vector);
	free(b);
}

void
batch_sealed_done(struct batch_sealed *s)
{
	buf_done(&s->descriptors);
	for (size_t i = 0; i < CUSTODIANS_MAX; i++)
		buf_done(&s->shares[i]);
	*s = BATCH_SEALED_INIT;
}

uint32_t
batch_count(const struct batch *b)
{
	return b->count;
}

enum rc
batch_add(struct batch *b, struct span descriptor, uint8_t *const *share,
    uint32_t *ret_leaf, struct err *err)
{
	struct descriptor	d;
	enum rc			rc;

	if (b->count == BATCH_COUNT_MAX || b->vector.n + 2 + descriptor.n > DESCRIPTOR_VECTOR_MAX)
		return err_set(err, RC_LIMIT, "batch: full with %u artifacts", b->count);
	if ((rc = descriptor_parse(descriptor, &d, err)) != RC_OK)
		return err_wrap(err, rc, "batch");
	TRY(batch_rules_descriptor(&d, b->charter, err));
	TRY(batch_rules_id(&b->ids, b->count, d.id, err));
	buf_vec16(&b->vector, descriptor);
	TRY(buf_check(&b->vector, "descriptor vector", err));
	sha256_one(b->digest[b->count], descriptor);
	tree_leaf(descriptor, b->leaf[b->count]);
	for (size_t i = 0; i < d.shares; i++)
		b->share[b->count][i] = share[i];
	*ret_leaf = b->count++;
	return RC_OK;
}

/* All shares of one custodian, under one ephemeral key of its newest epoch. */
static enum rc
seal_custodian(const struct batch *b, const struct custodian *c, const uint8_t root[SHA256_BYTES],
    struct statement_batch *st, struct buf *ret, struct err *err)
{
	AUTO(sealed_key_free) struct sealed_key *key = NULL;
	struct sealed_context context = { .custodian = c->index, .epoch = c->n_epochs };
	size_t	i = c->index - 1u;

	memcpy(context.genesis, b->genesis, sizeof(context.genesis));
	memcpy(context.batch_root, root, sizeof(context.batch_root));
	st->custodian[i].index = c->index;
	st->custodian[i].epoch = context.epoch;
	TRY(sealed_key_encapsulate(&context, c->share_key[context.epoch - 1],
	    st->custodian[i].encapsulation, &key, err));
	*ret = BUF_INIT((size_t)BATCH_COUNT_MAX * SEALED_SHARE_BYTES);
	for (uint32_t leaf = 0; leaf < b->count; leaf++) {
		uint8_t sealed[SEALED_SHARE_BYTES];

		TRY(sealed_share_seal(key, leaf, b->digest[leaf], b->share[leaf][i], sealed, err));
		buf_add(ret, sealed, sizeof(sealed));
	}
	TRY(buf_check(ret, "share vector", err));
	sha256_one(st->custodian[i].shares, buf_view(ret));
	return RC_OK;
}

static enum rc
seal_all(const struct batch *b, struct statement_batch *st, struct batch_sealed *out,
    struct err *err)
{
	out->count = st->count = b->count;
	out->n = st->n = b->charter->n;
	tree_root((const uint8_t (*)[TREE_HASH_BYTES])b->leaf, b->count, out->root);
	sha256_one(st->descriptors, buf_view(&b->vector));
	out->descriptors = BUF_INIT(DESCRIPTOR_VECTOR_MAX);
	buf_span(&out->descriptors, buf_view(&b->vector));
	TRY(buf_check(&out->descriptors, "descriptor vector", err));
	for (uint8_t i = 0; i < out->n; i++)
		TRY(seal_custodian(b, &b->charter->custodian[i], out->root, st,
		    &out->shares[i], err));
	return RC_OK;
}

enum rc
batch_seal(struct batch *b, struct statement *statement, struct batch_sealed *ret,
    struct err *err)
{
	struct batch_sealed	out = BATCH_SEALED_INIT;
	struct statement_batch	st = { .count = 0 };
	enum rc			rc;

	if (b->count == 0)
		return err_set(err, RC_FORMAT, "batch: empty");
	if (statement->type != STATEMENT_BATCH)
		return err_set(err, RC_BUG, "batch: not a batch statement");
	if ((rc = seal_all(b, &st, &out, err)) != RC_OK) {
		batch_sealed_done(&out);
		return err_wrap(err, rc, "batch");
	}
	statement->u.batch = st;
	memcpy(statement->subject, out.root, sizeof(out.root));
	*ret = out;
	return RC_OK;
}

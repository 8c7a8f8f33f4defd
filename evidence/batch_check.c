/* Checking a batch: batch-v1 sections 4 and 5. */
#include <stdlib.h>
#include <string.h>

#include "evidence/batch.h"
#include "evidence/batch_rules.h"

enum rc
batch_rules_descriptor(const struct descriptor *d, const struct charter *charter,
    struct err *err)
{
	if (d->shares != charter->n || d->commits.threshold != charter->k)
		return err_set(err, RC_FORMAT, "artifact shared %u-of-%u, the charter says %u-of-%u",
		    d->commits.threshold, d->shares, charter->k, charter->n);
	if (charter_policy_by_digest(charter, d->policy) == NULL)
		return err_set(err, RC_FORMAT, "artifact sealed under a policy that the charter lacks");
	if (charter_class(charter, d->class_id) == NULL)
		return err_set(err, RC_FORMAT, "artifact of class %s, which the charter lacks",
		    d->class_id);
	return RC_OK;
}

enum rc
batch_rules_id(struct batch_ids *ids, uint32_t leaf, const uint8_t id[ARTIFACT_ID_BYTES],
    struct err *err)
{
	size_t	at = ((size_t)id[0] << 8 | id[1]) % BATCH_IDS;

	/* Ids that crowd one place cost at most BATCH_COUNT_MAX steps each. */
	for (; ids->used[at]; at = (at + 1) % BATCH_IDS)
		if (memcmp(ids->id[at], id, ARTIFACT_ID_BYTES) == 0)
			return err_set(err, RC_FORMAT, "artifact %u repeats an id of this batch", leaf);
	ids->used[at] = true;
	memcpy(ids->id[at], id, ARTIFACT_ID_BYTES);
	return RC_OK;
}

/* --- batch_check -------------------------------------------------------- */

struct check {
	const struct charter	*charter;
	struct batch_ids	 ids;
};

static void
check_free(struct check *c)
{
	free(c);
}
DEFINE_AUTO(check_free, struct check);

static enum rc
check_leaf(void *user, uint32_t leaf, struct span bytes, struct err *err)
{
	struct check		*c = user;
	struct descriptor	 d;
	enum rc			 rc;

	if ((rc = descriptor_parse(bytes, &d, err)) != RC_OK)
		return err_wrap(err, rc, "artifact %u of the batch", leaf);
	TRY(batch_rules_descriptor(&d, c->charter, err));
	return batch_rules_id(&c->ids, leaf, d.id, err);
}

static enum rc
check_digests(const struct statement *s, struct span vector, struct err *err)
{
	uint8_t	mine[SHA256_BYTES];

	sha256_one(mine, vector);
	if (memcmp(mine, s->u.batch.descriptors, sizeof(mine)) != 0)	/* public */
		return err_set(err, RC_VERIFY, "batch: not the descriptors that were signed");
	TRY(descriptor_vector_root(vector, s->u.batch.count, mine, err));
	if (memcmp(mine, s->subject, sizeof(mine)) != 0)		/* public */
		return err_set(err, RC_VERIFY, "batch: the descriptors have another root");
	return RC_OK;
}

static enum rc
check_custodians(const struct statement_batch *b, const struct charter *charter,
    struct err *err)
{
	if (b->n != charter->n)
		return err_set(err, RC_FORMAT, "batch: for %u custodians, the charter has %u",
		    b->n, charter->n);
	for (uint8_t i = 0; i < b->n; i++) {
		if (b->custodian[i].index != i + 1)
			return err_set(err, RC_FORMAT, "batch: custodian %u is missing", i + 1u);
		if (b->custodian[i].epoch == 0 || b->custodian[i].epoch > charter->custodian[i].n_epochs)
			return err_set(err, RC_FORMAT, "batch: custodian %u has no epoch %u", i + 1u,
			    b->custodian[i].epoch);
		TRY(sealed_point_check(b->custodian[i].encapsulation, err));
	}
	return RC_OK;
}

enum rc
batch_check(const struct statement *statement, const struct charter *charter,
    struct span vector, struct err *err)
{
	AUTO(check_free) struct check *c = NULL;

	if (statement->type != STATEMENT_BATCH)
		return err_set(err, RC_FORMAT, "batch: a statement of type %s",
		    statement_type_name(statement->type));
	if (statement->u.batch.count == 0 || statement->u.batch.count > BATCH_COUNT_MAX)
		return err_set(err, RC_FORMAT, "batch: %u artifacts", statement->u.batch.count);
	if (vector.n > DESCRIPTOR_VECTOR_MAX)
		return err_set(err, RC_LIMIT, "batch: descriptors of %zu bytes", vector.n);
	TRY(check_custodians(&statement->u.batch, charter, err));
	TRY(check_digests(statement, vector, err));
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_set(err, RC_NOMEM, "batch: no memory");
	c->charter = charter;
	return descriptor_vector_each(vector, statement->u.batch.count, check_leaf, c, err);
}

enum rc
batch_check_shares(const struct statement *statement, uint8_t custodian,
    struct span shares, struct err *err)
{
	const struct statement_batch *b = &statement->u.batch;
	uint8_t	mine[SHA256_BYTES];

	if (statement->type != STATEMENT_BATCH || b->count > BATCH_COUNT_MAX)
		return err_set(err, RC_FORMAT, "batch: not a batch statement");
	if (custodian == 0 || custodian > b->n)
		return err_set(err, RC_MISSING, "batch: no shares for custodian %u", custodian);
	if (shares.n != (size_t)b->count * SEALED_SHARE_BYTES)
		return err_set(err, RC_FORMAT, "batch: %zu bytes of shares for %u artifacts",
		    shares.n, b->count);
	sha256_one(mine, shares);
	if (memcmp(mine, b->custodian[custodian - 1].shares, sizeof(mine)) != 0)	/* public */
		return err_set(err, RC_VERIFY, "batch: not the shares that were signed");
	return RC_OK;
}

/* --- batch_inclusion ---------------------------------------------------- */

struct leaves {
	uint32_t	wanted;
	struct span	descriptor;
	uint8_t		hash[BATCH_COUNT_MAX][TREE_HASH_BYTES];
};

static void
leaves_free(struct leaves *l)
{
	free(l);
}
DEFINE_AUTO(leaves_free, struct leaves);

static enum rc
hash_leaf(void *user, uint32_t leaf, struct span bytes, struct err *err)
{
	struct leaves *l = user;

	(void)err;					/* hashing cannot fail */
	tree_leaf(bytes, l->hash[leaf]);
	if (leaf == l->wanted)
		l->descriptor = bytes;
	return RC_OK;
}

enum rc
batch_inclusion(struct span vector, uint32_t count, uint32_t leaf,
    struct span *ret_descriptor, struct tree_path *ret_path, struct err *err)
{
	AUTO(leaves_free) struct leaves *l = NULL;

	if (count > BATCH_COUNT_MAX)
		return err_set(err, RC_FORMAT, "batch: %u artifacts", count);
	if (leaf >= count)
		return err_set(err, RC_MISSING, "batch: artifact %u of %u", leaf, count);
	if ((l = malloc(sizeof(*l))) == NULL)
		return err_set(err, RC_NOMEM, "batch: no memory");
	l->wanted = leaf;
	TRY(descriptor_vector_each(vector, count, hash_leaf, l, err));
	TRY(tree_inclusion_of((const uint8_t (*)[TREE_HASH_BYTES])l->hash, count, leaf, ret_path, err));
	*ret_descriptor = l->descriptor;
	return RC_OK;
}

/* custodian/opener.c - the context that a batch's shares were sealed in, from the log. */
#include <string.h>

#include "custodian/append.h"
#include "custodian/opener.h"

/* With another key everything would look like garbage of the sealer's. */
static enum rc
right_key(struct custody *c, const struct charter *charter, uint32_t epoch, struct err *err)
{
	const struct custodian	*own = &charter->custodian[c->index - 1];

	if (epoch < 1 || epoch > own->n_epochs ||
	    !span_eq(hsm_key_public(c->share_key), SPAN(own->share_key[epoch - 1], HSM_POINT_BYTES)))
		return custody_say(c, err, RC_IO, "the share key in the token is not the charter's of epoch %u: "
		    "is it the right token?", epoch);
	return RC_OK;
}

enum rc
opener_new(struct custody *c, uint64_t index, struct hsm_opener **ret, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;
	const struct charter	*charter;
	const uint8_t		*point;
	struct sealed_context	 ctx;
	enum rc			 rc;

	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	TRY(custody_charter(c, &charter, err));		/* learns our index */
	TRY(batch_of(c, index, &d, &s, err));
	if (s.type != STATEMENT_BATCH || s.u.batch.n < c->index)
		return err_set(err, RC_BUG, "batch %llu does not fit its descriptors", (unsigned long long)index);
	memcpy(ctx.genesis, c->genesis, sizeof(ctx.genesis));
	memcpy(ctx.batch_root, s.subject, sizeof(ctx.batch_root));
	ctx.custodian = c->index;
	ctx.epoch = s.u.batch.custodian[c->index - 1].epoch;
	TRY(right_key(c, charter, ctx.epoch, err));
	point = s.u.batch.custodian[c->index - 1].encapsulation;
	rc = sealed_point_check(point, err);
	if (rc == RC_FORMAT) {
		*ret = NULL;
		return RC_OK;
	}
	TRY(rc);
	rc = hsm_opener_new(c->share_key, &ctx, point, ret, err);
	/* The point is good: what is refused now the token refuses. */
	return rc == RC_OK || rc == RC_NOMEM ? rc : err_wrap(err, RC_IO, "batch %llu", (unsigned long long)index);
}

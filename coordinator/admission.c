/* coordinator/admission.c - what is refused before it is logged, and why. */
#include <string.h>

#include "coordinator/admission.h"

/* Calls fn for each key that may sign anything, until it says true; which custodian's it was, or 0. */
typedef bool (*key_fn)(const struct dsse *d, const struct key *k);

static bool
any_key(const struct charter *c, const struct dsse *d, key_fn fn, uint8_t *custodian)
{
	uint32_t	i, j;

	if (fn(d, &c->coordinator.log_key))
		return true;
	for (i = 0; i < c->n; i++)
		if (fn(d, &c->custodian[i].signing_key)) {
			*custodian = (uint8_t)(i + 1);
			return true;
		}
	for (i = 0; i < c->n_sealers; i++)
		if (fn(d, &c->sealer[i].key))
			return true;
	for (i = 0; i < c->n_people; i++)
		for (j = 0; j < c->person[i].n_keys; j++)
			if (fn(d, &c->person[i].key[j]))
				return true;
	return false;
}

static bool
hinted(const struct dsse *d, const struct key *k)
{
	uint8_t	id[KEY_ID_BYTES];
	size_t	i;

	key_id(k, id);
	for (i = 0; i < d->n_sig; i++)
		if (memcmp(d->sig[i].keyid, id, sizeof(id)) == 0)
			return dsse_signed_by(d, k);
	return false;
}

/* keyid is only a hint, but with many signatures trying every key costs too much. */
static bool
signed_by_charter(const struct charter *c, const struct dsse *d, uint8_t *custodian)
{
	return any_key(c, d, hinted, custodian) ||
	    (d->n_sig == 1 && any_key(c, d, dsse_signed_by, custodian));
}

enum rc
admit(const struct charter *charter, struct span dsse, struct admission *ret,
    enum void_reason *ret_why, struct err *err)
{
	memset(ret, 0, sizeof(*ret));
	*ret_why = VOID_MALFORMED;
	TRY(dsse_parse(dsse, &ret->d, err));
	TRY(statement_parse(&ret->d, &ret->s, err));
	*ret_why = VOID_SIGNATURE;
	if (!signed_by_charter(charter, &ret->d, &ret->custodian))
		return err_set(err, RC_VERIFY,
		    "the statement is signed by no key of the charter");
	*ret_why = VOID_NONE;
	return RC_OK;
}

void
admission_done(struct admission *a)
{
	statement_done(&a->s);
	dsse_done(&a->d);
}

size_t
statement_erasables(const struct statement *s, uint8_t ret[ERASABLES_MAX][SHA256_BYTES])
{
	size_t	n = 0, i;

	if (s->type == STATEMENT_REQUEST) {
		memcpy(ret[n++], s->u.request.reason, SHA256_BYTES);
		for (i = 0; i < s->u.request.n_attachments; i++)
			memcpy(ret[n++], s->u.request.attachment[i].digest, SHA256_BYTES);
	} else if (s->type == STATEMENT_DECISION && s->u.decision.has_reason) {
		memcpy(ret[n++], s->u.decision.reason, SHA256_BYTES);
	} else if (s->type == STATEMENT_REVOCATION && s->u.revocation.has_reason) {
		memcpy(ret[n++], s->u.revocation.reason, SHA256_BYTES);
	}
	return n;
}

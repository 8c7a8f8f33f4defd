/* coordinator/admission.c - what is refused before it is logged, and why. */
#include <string.h>

#include "coordinator/admission.h"

/* The first key that may sign anything for which fn says true, and which custodian's it was, or 0; NULL: none. */
typedef bool (*key_fn)(const struct dsse *d, const struct key *k);

static const struct key *
any_key(const struct charter *c, const struct dsse *d, key_fn fn, uint8_t *custodian)
{
	uint32_t	i, j;

	if (fn(d, &c->coordinator.log_key))
		return &c->coordinator.log_key;
	for (i = 0; i < c->n; i++)
		if (fn(d, &c->custodian[i].signing_key)) {
			*custodian = (uint8_t)(i + 1);
			return &c->custodian[i].signing_key;
		}
	for (i = 0; i < c->n_sealers; i++)
		if (fn(d, &c->sealer[i].key))
			return &c->sealer[i].key;
	for (i = 0; i < c->n_people; i++)
		for (j = 0; j < c->person[i].n_keys; j++)
			if (fn(d, &c->person[i].key[j]))
				return &c->person[i].key[j];
	return NULL;
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
static const struct key *
signed_by_charter(const struct charter *c, const struct dsse *d, uint8_t *custodian)
{
	const struct key	*k = any_key(c, d, hinted, custodian);

	return k == NULL && d->n_sig == 1 ? any_key(c, d, dsse_signed_by, custodian) : k;
}

/*
 * By the one key that it names. A copy that another signed, or another as well, has the
 * same id: logged first, as void, it would be all that the log ever shows of the statement.
 */
static bool
is_its_signers(const struct admission *a, const struct key *k)
{
	uint8_t	id[KEY_ID_BYTES];

	if (a->s.type == STATEMENT_UNKNOWN || !statement_has_signer(a->s.type))
		return true;		/* names none */
	key_id(k, id);
	return a->d.n_sig == 1 && memcmp(id, a->s.signer, sizeof(id)) == 0;
}

enum rc
admit(const struct charter *charter, struct span dsse, struct admission *ret,
    enum void_reason *ret_why, struct err *err)
{
	const struct key	*k;

	memset(ret, 0, sizeof(*ret));
	*ret_why = VOID_MALFORMED;
	TRY(dsse_parse(dsse, &ret->d, err));
	TRY(statement_parse(&ret->d, &ret->s, err));
	*ret_why = VOID_SIGNATURE;
	if ((k = signed_by_charter(charter, &ret->d, &ret->custodian)) == NULL)
		return err_set(err, RC_VERIFY,
		    "the statement is signed by no key of the charter");
	if (!is_its_signers(ret, k))
		return err_set(err, RC_VERIFY, "the statement is not signed by the one key that it names");
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
	} else if (s->type == STATEMENT_AMENDMENT && s->u.amendment.has_reason) {
		memcpy(ret[n++], s->u.amendment.reason, SHA256_BYTES);
	} else if (s->type == STATEMENT_REVOCATION && s->u.revocation.has_reason) {
		memcpy(ret[n++], s->u.revocation.reason, SHA256_BYTES);
	}
	return n;
}

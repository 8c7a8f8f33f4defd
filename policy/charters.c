/*
 * policy/charters.c - see policy/charters.h.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/apply_impl.h"

/* --- parsed ones --------------------------------------------------------------------- */

void
charter_cache_done(struct charter_cache *k)
{
	for (size_t i = 0; i < k->n; i++)
		charter_free(k->c[i]);
	free(k->c);
	*k = (struct charter_cache){ 0 };
}

void
charter_cache_trim(struct charter_cache *k, const struct charter *keep)
{
	size_t	n = 0;

	if (k->n <= CHARTERS_KEPT)
		return;
	for (size_t i = 0; i < k->n; i++)
		if (k->c[i] == keep)
			k->c[n++] = k->c[i];
		else
			charter_free(k->c[i]);
	k->n = n;
}

const struct charter *
charter_cache_find(const struct charter_cache *k, const uint8_t digest[SHA256_BYTES])
{
	for (size_t i = 0; i < k->n; i++)
		if (memcmp(k->c[i]->digest, digest, SHA256_BYTES) == 0)
			return k->c[i];
	return NULL;
}

enum rc
charter_cache_add(struct charter_cache *k, struct charter *c,
    const struct charter **ret, struct err *err)
{
	AUTO(charter_free) struct charter *owned = c;
	const struct charter	*have = charter_cache_find(k, c->digest);

	if (have != NULL) {
		*ret = have;
		return RC_OK;
	}
	if (k->n == k->cap) {
		size_t	cap = k->cap == 0 ? 4 : k->cap * 2;
		void	*p = realloc(k->c, cap * sizeof(struct charter *));

		if (p == NULL)
			return err_set(err, RC_NOMEM, "charters: no memory");
		k->c = p;
		k->cap = cap;
	}
	*ret = k->c[k->n++] = TAKE(owned);
	return RC_OK;
}

static enum rc
rules_check(struct span json, struct err *err)
{
	uint64_t	rules;

	TRY(charter_rules_of(json, &rules, err));
	if (rules != CHARTER_RULES)
		return err_set(err, RC_FORMAT, "a charter under rules %llu, and this "
		    "version knows rules %d: install a version that knows them; "
		    "nothing was lost", (unsigned long long)rules, CHARTER_RULES);
	return RC_OK;
}

enum rc
charters_read(struct replica *r, const uint8_t digest[SHA256_BYTES],
    struct charter **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(CHARTER_BYTES_MAX);

	TRY(fixed_blob(r->st, digest, CHARTER_BYTES_MAX, &b, err));
	TRY(rules_check(buf_view(&b), err));
	return charter_parse(buf_view(&b), ret, err);
}

enum rc
charters_load(struct replica *r, const uint8_t digest[SHA256_BYTES],
    const struct charter **ret, struct err *err)
{
	struct charter	*c = NULL;

	if ((*ret = charter_cache_find(r->cache, digest)) != NULL)
		return RC_OK;
	TRY(charters_read(r, digest, &c, err));
	return charter_cache_add(r->cache, c, ret, err);
}

/* --- the chain ------------------------------------------------------------------------ */

static bool
is_genesis(const struct replica *r, const uint8_t digest[SHA256_BYTES])
{
	return memcmp(r->genesis, digest, SHA256_BYTES) == 0;
}

enum rc
charters_known(struct replica *r, const uint8_t digest[SHA256_BYTES], bool *ret,
    struct err *err)
{
	uint64_t	number;
	enum rc		rc;

	*ret = is_genesis(r, digest);
	if (*ret)
		return RC_OK;
	rc = rec_number_get(r->st, 'v', digest, &number, err);
	*ret = rc == RC_OK;
	return rc == RC_MISSING ? RC_OK : rc;
}

enum rc
charters_policy(struct replica *r, const uint8_t digest[SHA256_BYTES],
    const struct policy_rule **ret, struct err *err)
{
	struct rec_charter	 in = { 0 };
	const struct charter	*c;
	uint64_t		 number;
	enum rc			 rc = rec_number_get(r->st, 'p', digest, &number, err);

	/* Those of the genesis have no record of their own. */
	memcpy(in.digest, r->genesis, sizeof(in.digest));
	if (rc == RC_OK)
		rc = rec_charter_get(r->st, number, &in, err);
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	TRY(charters_load(r, in.digest, &c, err));
	*ret = charter_policy_by_digest(c, digest);
	return *ret != NULL ? RC_OK :
	    err_set(err, RC_MISSING, "no charter has had such a policy");
}

static enum rc
policies_add(struct changes *changes, const struct charter *c, uint64_t number,
    struct err *err)
{
	for (size_t i = 0; i < c->n_policies; i++) {
		uint64_t	have;
		enum rc		rc = rec_number_get(changes->st, 'p',
				    c->policy[i].digest, &have, err);

		if (rc == RC_MISSING)
			rc = rec_number_put(changes, 'p', c->policy[i].digest,
			    number, err);
		TRY(rc);
	}
	return RC_OK;
}

enum rc
charters_add(struct changes *changes, struct replica *r, const struct charter *c,
    uint64_t index, const uint8_t by[SHA256_BYTES], struct err *err)
{
	struct rec_charter	rec = { .since = index };
	uint64_t		n;

	TRY(rec_charters_get(r->st, &n, err));
	memcpy(rec.digest, c->digest, sizeof(rec.digest));
	memcpy(rec.by, by, sizeof(rec.by));
	TRY(rec_charters_put(changes, n + 1, err));
	TRY(rec_charter_put(changes, n + 1, &rec, err));
	TRY(rec_number_put(changes, 'v', c->digest, n + 1, err));
	return policies_add(changes, c, n + 1, err);
}

/* --- questions --------------------------------------------------------------------------- */

enum rc
replica_charter_of(struct replica *r, const uint8_t digest[SHA256_BYTES],
    const struct charter **ret, struct err *err)
{
	bool	known;

	TRY(charters_known(r, digest, &known, err));
	if (!known || r->charter == NULL)
		return err_set(err, RC_MISSING,
		    "no charter with this digest has been in force");
	return charters_load(r, digest, ret, err);
}

enum rc
replica_charters(struct replica *r, charter_fn fn, void *user, struct err *err)
{
	struct rec_charter	c;
	uint64_t		n;

	if (r->charter == NULL)
		return RC_OK;
	TRY(rec_charters_get(r->st, &n, err));
	TRY(fn(user, r->genesis, 0, err));
	for (uint64_t i = 1; i <= n; i++) {
		TRY(rec_charter_get(r->st, i, &c, err));
		TRY(fn(user, c.digest, c.since, err));
	}
	return RC_OK;
}

/* What one amendment came to be by: itself, who decided on it, who consented. */
struct indexes {
	size_t		n;
	uint64_t	at[1 + PEOPLE_MAX + CUSTODIANS_MAX];
};

static int
by_index(const void *a, const void *b)
{
	const uint64_t	*x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static enum rc
amendment_indexes(struct replica *r, const uint8_t id[SHA256_BYTES],
    struct indexes *l, struct err *err)
{
	struct rec_amendment	m;
	struct rec_decision	d;
	struct rec_consent	c;

	TRY(rec_amendment_get(r->st, id, &m, err));
	if (m.slots > PEOPLE_MAX)
		return err_set(err, RC_BUG, "state: %u decisions", m.slots);
	l->at[l->n++] = m.index;
	for (uint16_t i = 0; i < m.slots; i++) {
		TRY(rec_decision_get(r->st, id, i, &d, err));
		l->at[l->n++] = d.index;
	}
	for (uint8_t i = 1; i <= CUSTODIANS_MAX; i++) {
		if ((m.consents >> (i - 1) & 1) == 0)
			continue;
		TRY(rec_consent_get(r->st, id, i, &c, err));
		l->at[l->n++] = c.index;
	}
	qsort(l->at, l->n, sizeof(l->at[0]), by_index);
	return RC_OK;
}

static enum rc
charter_indexes(struct replica *r, const struct rec_charter *c,
    struct indexes *l, struct err *err)
{
	struct rec_statement	s;

	TRY(rec_statement_get(r->st, c->by, &s, err));
	if (s.type == STATEMENT_AMENDMENT)
		return amendment_indexes(r, c->by, l, err);
	l->at[l->n++] = s.index;
	return RC_OK;
}

enum rc
replica_lineage(struct replica *r, index_fn fn, void *user, struct err *err)
{
	struct rec_charter	c;
	uint64_t		n;

	if (r->charter == NULL)
		return RC_OK;
	TRY(rec_charters_get(r->st, &n, err));
	TRY(fn(user, 0, err));
	/* Each amends the one before: what brought it comes after all of that's. */
	for (uint64_t i = 1; i <= n; i++) {
		struct indexes	l = { 0 };

		TRY(rec_charter_get(r->st, i, &c, err));
		TRY(charter_indexes(r, &c, &l, err));
		for (size_t j = 0; j < l.n; j++)
			TRY(fn(user, l.at[j], err));
	}
	return RC_OK;
}

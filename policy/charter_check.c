/*
 * policy/charter_check.c - the rules of docs/spec/charter-v1.md section 4.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cert.h"
#include "policy/charter_check.h"
#include "policy/dsse.h"
#include "policy/quorum.h"

enum rc
charter_numbers(unsigned n, unsigned k, unsigned f, unsigned q, unsigned h,
    struct err *err)
{
	if (n < SHAMIR_THRESHOLD_MIN || n > CUSTODIANS_MAX)
		return err_set(err, RC_FORMAT, "n=%u: there are 2 to %d custodians",
		    n, CUSTODIANS_MAX);
	if (k < SHAMIR_THRESHOLD_MIN || k > n)
		return err_set(err, RC_FORMAT, "k=%u: must be 2 to n=%u", k, n);
	if (f >= k)
		return err_set(err, RC_FORMAT, "f=%u: that many liars could "
		    "release alone; must be less than k=%u", f, k);
	if (q > n || f > n - q)
		return err_set(err, RC_FORMAT, "q=%u: with f=%u liars silent "
		    "only %u of n=%u could cosign", q, f, n - (f > n ? n : f), n);
	if (q < k)
		return err_set(err, RC_FORMAT, "q=%u: must be at least k=%u", q, k);
	if (2 * q <= n + f)
		return err_set(err, RC_FORMAT, "q=%u: two pasts could both be "
		    "cosigned; 2q must exceed n+f=%u", q, n + f);
	if (q + k <= n + f)
		return err_set(err, RC_FORMAT, "q=%u: k=%u could release who missed "
		    "a cosigned \"no\"; q+k must exceed n+f=%u", q, k, n + f);
	if (h < q || h > n)
		return err_set(err, RC_FORMAT, "h=%u: must be q=%u to n=%u", h, q, n);
	return RC_OK;
}

unsigned
charter_quorum(unsigned n, unsigned k, unsigned f)
{
	for (unsigned q = k; q <= n; q++)
		if (charter_numbers(n, k, f, q, n, NULL) == RC_OK)
			return q;
	return 0;
}

unsigned
charter_default_f(unsigned n, unsigned k)
{
	unsigned	f = n < 1 ? 0 : (n - 1) / 3;

	while (f > 0 && charter_quorum(n, k, f) == 0)
		f--;
	return f;
}

unsigned
charter_amend_need(const struct charter *c)
{
	unsigned	need = c->amend_need;

	for (size_t i = 0; i < c->n_policies; i++)
		if (c->policy[i].people > need)
			need = c->policy[i].people;
	return need;
}

/* In the largest unit that fits. */
static void
put_span_of_time(struct buf *out, uint64_t seconds)
{
	static const struct { uint64_t seconds; const char *name; } unit[] = {
		{ 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" },
	};
	size_t	i = 0;

	while (seconds % unit[i].seconds != 0)
		i++;
	seconds /= unit[i].seconds;
	buf_printf(out, "%llu %s%s", (unsigned long long)seconds, unit[i].name,
	    seconds == 1 ? "" : "s");
}

static void
explain_amendments(const struct charter *c, struct buf *out)
{
	unsigned	need = charter_amend_need(c);

	/* Somebody who is no amender may propose, and leaves all of them to approve. */
	if (need > c->n_amenders || (need == c->n_amenders &&
	    c->n_people == c->n_amenders)) {
		buf_printf(out, "WARNING: it can never be amended: %u amenders other "
		    "than who proposes must approve, and there are %u in all.\n",
		    need, c->n_amenders);
		return;
	}
	buf_printf(out, "An amendment is approved by %u of %u amenders, never by who "
	    "proposes it; ", need, c->n_amenders);
	put_span_of_time(out, c->amend_delay_seconds);
	buf_printf(out, " later it is in force once %u custodians consent.\n", c->q);
	if (c->n_amend_veto == 0)
		buf_printf(out, "Nobody has a veto against an amendment.\n");
}

static void
explain_anchors(const struct charter *c, struct buf *out)
{
	if (c->n_tsas == 0)
		buf_printf(out, "No time-stamping authority vouches for when anything "
		    "was logged: times are the coordinator's and the custodians'.\n");
	for (size_t i = 0; i < c->n_tsas; i++)
		buf_printf(out, "Checkpoints are time-stamped by %s (%s).\n",
		    c->tsa[i].id, c->tsa[i].url);
}

void
charter_explain(const struct charter *c, struct buf *out)
{
	unsigned	down = (unsigned)(c->n - c->q);

	buf_printf(out, "%u custodians; the shares of any %u open what an "
	    "approved order covers, %u or fewer open nothing.\n", c->n, c->k,
	    c->k - 1U);
	buf_printf(out, "The log goes on while %u cosign: ", c->q);
	if (down == 0)
		buf_printf(out, "none may be down.\n");
	else
		buf_printf(out, "%u may be down%s.\n", down,
		    c->f == 0 ? "" : " or lying");
	if (c->f == 0)
		buf_printf(out, "None may lie: one lying custodian could help to "
		    "show two pasts.\n");
	else
		buf_printf(out, "Up to %u of them may lie; every wrong answer is "
		    "detected and its sender named.\n", c->f);
	buf_printf(out, "A seal is acknowledged when %u hold their share: then "
	    "%u of those may be lost for good.\n", c->h, (unsigned)(c->h - c->k));
	buf_printf(out, "An erasure is final when %u custodians have carried it "
	    "out.\n", (unsigned)(c->n - c->k + 1 + c->f));
	explain_amendments(c, out);
	explain_anchors(c, out);
	if (c->single_operator)
		buf_printf(out, "WARNING: one operator runs several custodians "
		    "(single_operator): this is no separation of powers.\n");
	for (size_t i = 0; i < c->n; i++)
		if (c->custodian[i].extractable)
			buf_printf(out, "WARNING: the token of custodian %u (%s) "
			    "gave a key away when asked.\n",
			    c->custodian[i].index, c->custodian[i].name);
}

/* --- distinct keys ---------------------------------------------------------- */

struct key_owner {
	uint8_t		 digest[SHA256_BYTES];	/* of the public key's bytes */
	const char	*what, *whose;
};

struct key_list {
	size_t			 n, cap;
	struct key_owner	*owner;
};

static enum rc
key_add(struct key_list *l, const uint8_t *digest, const char *what,
    const char *whose, struct err *err)
{
	if (l->n == l->cap)
		return err_set(err, RC_BUG, "charter: more keys than counted");
	memcpy(l->owner[l->n].digest, digest, SHA256_BYTES);
	l->owner[l->n].what = what;
	l->owner[l->n++].whose = whose;
	return RC_OK;
}

static enum rc
key_add_bytes(struct key_list *l, struct span key, const char *what,
    const char *whose, struct err *err)
{
	uint8_t	digest[SHA256_BYTES];

	sha256_one(digest, key);
	return key_add(l, digest, what, whose, err);
}

static enum rc
key_add_cert(struct key_list *l, struct blob_ref der, const char *what,
    const char *whose, struct err *err)
{
	uint8_t		digest[SHA256_BYTES];
	enum cert_kind	kind;
	enum rc		rc;

	if ((rc = cert_check(SPAN(der.p, der.n), &kind, digest, err)) != RC_OK)
		return err_wrap(err, rc, "charter: %s of %s", what, whose);
	return key_add(l, digest, what, whose, err);
}

static size_t
key_count(const struct charter *c)
{
	return 3 + (size_t)c->n * (2 + EPOCHS_MAX) +
	    (size_t)c->n_people * PERSON_KEYS_MAX + c->n_sealers + c->n_hosts;
}

static enum rc
custodian_keys(const struct custodian *u, struct key_list *l, struct err *err)
{
	TRY(key_add_cert(l, u->tls_certificate, "TLS certificate", u->name, err));
	TRY(key_add_bytes(l, SPAN(u->signing_key.bytes, u->signing_key.n),
	    "signing key", u->name, err));
	for (size_t e = 0; e < u->n_epochs; e++)
		TRY(key_add_bytes(l, SPAN_OF(u->share_key[e]), "share key",
		    u->name, err));
	return RC_OK;
}

static enum rc
keys_collect(const struct charter *c, struct key_list *l, struct err *err)
{
	const char	*who = "the coordinator";

	TRY(key_add_cert(l, c->coordinator.tls_certificate, "TLS certificate",
	    who, err));
	TRY(key_add_cert(l, c->coordinator.package_certificate,
	    "package certificate", who, err));
	TRY(key_add_bytes(l, SPAN(c->coordinator.log_key.bytes,
	    c->coordinator.log_key.n), "log key", who, err));
	for (size_t i = 0; i < c->n; i++)
		TRY(custodian_keys(&c->custodian[i], l, err));
	for (size_t i = 0; i < c->n_people; i++)
		for (size_t j = 0; j < c->person[i].n_keys; j++)
			TRY(key_add_bytes(l, SPAN(c->person[i].key[j].bytes,
			    c->person[i].key[j].n), "key", c->person[i].id, err));
	for (size_t i = 0; i < c->n_sealers; i++)
		TRY(key_add_bytes(l, SPAN(c->sealer[i].key.bytes,
		    c->sealer[i].key.n), "key", c->sealer[i].id, err));
	for (size_t i = 0; i < c->n_hosts; i++)
		TRY(key_add_cert(l, c->host[i].tls_certificate,
		    "TLS certificate", c->host[i].name, err));
	return RC_OK;
}

static int
by_digest(const void *a, const void *b)
{
	const struct key_owner	*x = a, *y = b;

	return memcmp(x->digest, y->digest, SHA256_BYTES);
}

static void
key_list_done(struct key_list *l)
{
	free(l->owner);
}

/* One key in two places would let one party speak as two. */
static enum rc
keys_distinct(const struct charter *c, struct err *err)
{
	AUTO_DONE(key_list_done) struct key_list l = { 0 };

	l.cap = key_count(c);
	if ((l.owner = calloc(l.cap, sizeof(*l.owner))) == NULL)
		return err_set(err, RC_NOMEM, "charter: no memory");
	TRY(keys_collect(c, &l, err));
	qsort(l.owner, l.n, sizeof(*l.owner), by_digest);
	for (size_t i = 1; i < l.n; i++)
		if (by_digest(&l.owner[i - 1], &l.owner[i]) == 0)
			return err_set(err, RC_FORMAT, "charter: the %s of %.60s and "
			    "the %s of %.60s are the same key", l.owner[i - 1].what,
			    l.owner[i - 1].whose, l.owner[i].what, l.owner[i].whose);
	return RC_OK;
}

/* --- parties ------------------------------------------------------------------ */

static enum rc
custodians_check(const struct charter *c, struct err *err)
{
	for (size_t i = 0; i < c->n; i++)
		for (size_t j = 0; j < i; j++) {
			const struct custodian	*a = &c->custodian[j],
						*b = &c->custodian[i];

			if (strcmp(a->name, b->name) == 0)
				return err_set(err, RC_FORMAT, "charter: custodians "
				    "%u and %u have one name", a->index, b->index);
			if (!c->single_operator &&
			    strcmp(a->organisation, b->organisation) == 0)
				return err_set(err, RC_FORMAT, "charter: custodians "
				    "%u and %u are of one organisation; if that is "
				    "meant, say \"single_operator\": true",
				    a->index, b->index);
		}
	return RC_OK;
}

/*
 * n records of `size` bytes that begin with (or hold at `offset`) a string: no two
 * alike.
 */
static enum rc
distinct(const void *list, size_t n, size_t size, size_t offset,
    const char *what, struct err *err)
{
	const char	*base;

	if (n == 0)
		return RC_OK;		/* there may be no list at all then */
	base = (const char *)list + offset;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(base + i * size, base + j * size) == 0)
				return err_set(err, RC_FORMAT,
				    "charter: %s \"%.80s\" twice", what,
				    base + i * size);
	return RC_OK;
}

static enum rc
names_check(const struct charter *c, struct err *err)
{
	TRY(distinct(c->person, c->n_people, sizeof(*c->person),
	    offsetof(struct person, id), "person", err));
	TRY(distinct(c->sealer, c->n_sealers, sizeof(*c->sealer),
	    offsetof(struct sealer, id), "sealer", err));
	TRY(distinct(c->policy, c->n_policies, sizeof(*c->policy),
	    offsetof(struct policy_rule, id), "policy", err));
	TRY(distinct(c->class_, c->n_classes, sizeof(*c->class_),
	    offsetof(struct retention_class, id), "class", err));
	TRY(distinct(c->host, c->n_hosts, sizeof(*c->host),
	    offsetof(struct host, name), "host", err));
	TRY(distinct(c->tsa, c->n_tsas, sizeof(*c->tsa),
	    offsetof(struct tsa, id), "TSA", err));
	TRY(distinct(c->amender, c->n_amenders, sizeof(c->amender[0]), 0,
	    "amender", err));
	TRY(distinct(c->amend_veto, c->n_amend_veto, sizeof(c->amend_veto[0]), 0,
	    "amending veto", err));
	for (size_t i = 0; i < c->n_people; i++)
		TRY(distinct(c->person[i].role, c->person[i].n_roles,
		    sizeof(c->person[i].role[0]), 0, "role", err));
	return RC_OK;
}

static enum rc
tsas_check(const struct charter *c, struct err *err)
{
	for (size_t i = 0; i < c->n_tsas; i++)
		for (size_t j = 0; j < c->tsa[i].n_certificates; j++) {
			struct blob_ref	der = c->tsa[i].certificate[j];
			uint8_t		digest[SHA256_BYTES];
			enum cert_kind	kind;
			enum rc		rc;

			rc = cert_check(SPAN(der.p, der.n), &kind, digest, err);
			if (rc != RC_OK)
				return err_wrap(err, rc, "charter: certificate %zu of "
				    "TSA %s", j + 1, c->tsa[i].id);
		}
	return RC_OK;
}

static enum rc
amend_check(const struct charter *c, struct err *err)
{
	for (size_t i = 0; i < c->n_amenders; i++)
		if (charter_person(c, c->amender[i]) == NULL)
			return err_set(err, RC_FORMAT, "charter: amender \"%s\" is "
			    "none of the people", c->amender[i]);
	for (size_t i = 0; i < c->n_amend_veto; i++)
		if (charter_person(c, c->amend_veto[i]) == NULL)
			return err_set(err, RC_FORMAT, "charter: \"%s\" may veto "
			    "amendments but is none of the people",
			    c->amend_veto[i]);
	if (c->amend_need < 1 || c->amend_need > c->n_amenders)
		return err_set(err, RC_FORMAT, "charter: amendments need %u of %u "
		    "amenders", c->amend_need, c->n_amenders);
	/* All of them sign the genesis beside the custodians, in one envelope. */
	if (c->n + c->n_amenders > DSSE_SIGS_MAX)
		return err_set(err, RC_FORMAT, "charter: custodians and amenders "
		    "are more than %d signatures", DSSE_SIGS_MAX);
	return RC_OK;
}

/* --- policies ------------------------------------------------------------------ */

static bool
role_held(const struct charter *c, const char *role)
{
	for (size_t i = 0; i < c->n_people; i++)
		if (person_has_role(&c->person[i], role))
			return true;
	return false;
}

static enum rc
policy_counts(const struct policy_rule *p, struct err *err)
{
	unsigned	sum = 0;

	TRY(distinct(p->need, p->n_need, sizeof(p->need[0]),
	    offsetof(struct role_need, role), "approving role", err));
	TRY(distinct(p->attachment, p->n_attachments, sizeof(p->attachment[0]),
	    0, "attachment", err));
	TRY(distinct(p->part, p->n_parts, sizeof(p->part[0]), 0, "part", err));
	TRY(distinct(p->veto, p->n_veto, sizeof(p->veto[0]), 0, "veto", err));
	for (size_t i = 0; i < p->n_need; i++)
		sum += p->need[i].count;
	if (sum == 0 || p->people == 0)
		return err_set(err, RC_FORMAT, "policy \"%s\": nobody but the "
		    "requester need approve; name at least one approval", p->id);
	if (sum > POLICY_APPROVALS_MAX)
		return err_set(err, RC_FORMAT, "policy \"%s\": more than %d "
		    "approvals", p->id, POLICY_APPROVALS_MAX);
	if (sum > p->people)
		return err_set(err, RC_FORMAT, "policy \"%s\": needs %u approvals "
		    "of %u people, but one person gives one", p->id, sum, p->people);
	return RC_OK;
}

static enum rc
policy_check(const struct charter *c, const struct policy_rule *p,
    struct err *err)
{
	TRY(policy_counts(p, err));
	/* A veto that nobody can cast is a misspelt one. */
	for (size_t i = 0; i < p->n_veto; i++)
		if (!role_held(c, p->veto[i]))
			return err_set(err, RC_FORMAT, "policy \"%s\": nobody has "
			    "the role \"%s\" that may veto", p->id, p->veto[i]);
	for (size_t i = 0; i < c->n_people; i++)
		if (quorum_possible(c, p, &c->person[i]))
			return RC_OK;
	return err_set(err, RC_FORMAT, "policy \"%s\": nobody could satisfy it: "
	    "whoever requests, the others who may approve do not fill its places",
	    p->id);
}

enum rc
charter_check(const struct charter *c, struct err *err)
{
	enum rc	rc;

	if ((rc = charter_numbers(c->n, c->k, c->f, c->q, c->h, err)) != RC_OK)
		return err_wrap(err, rc, "charter: threshold");
	TRY(custodians_check(c, err));
	TRY(names_check(c, err));
	TRY(tsas_check(c, err));
	TRY(amend_check(c, err));
	TRY(keys_distinct(c, err));
	for (size_t i = 0; i < c->n_policies; i++)
		TRY(policy_check(c, &c->policy[i], err));
	return RC_OK;
}

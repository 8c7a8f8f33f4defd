/*
 * policy/charter.c - reading a charter: policy/charter.h, docs/spec/charter-v1.md
 * section 3, member for member. What must hold between members: charter_check.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "policy/charter_check.h"

#define CHARTER_VERSION	1
#define CERTS_MAX	(2 + CUSTODIANS_MAX + HOSTS_MAX + TSAS_MAX * TSA_CERTS_MAX)
#define SECONDS_MAX	UINT64_C(3155760000)	/* a century: sums stay below WHEN_MAX + it */
#define ORIGIN_MAX	127			/* of a checkpoint's key name */

struct cert_pool {
	size_t	 n;
	uint8_t	*der[CERTS_MAX];
};

/* --- members of one kind -------------------------------------------------------- */

static void
text(struct jobj *o, const char *name, char out[NAME_MAX_BYTES + 1])
{
	const char	*s = jobj_str(o, name, 1, NAME_MAX_BYTES);

	if (o->rc == RC_OK && !is_plain_text(s, NAME_MAX_BYTES))
		jobj_fail(o, "\"%s\" has control characters", name);
	if (o->rc == RC_OK)
		memcpy(out, s, strlen(s) + 1);
}

static void
ident(struct jobj *o, const char *name, char *out, size_t max)
{
	const char	*s = jobj_str(o, name, 1, max);

	if (o->rc == RC_OK && !is_ident(s, max))
		jobj_fail(o, "\"%s\" is not a name of [a-z0-9._-]", name);
	if (o->rc == RC_OK)
		memcpy(out, s, strlen(s) + 1);
}

/* An array of idents into n rows of `max` + 1 characters. */
static uint8_t
idents(struct jobj *o, const char *name, char *out, size_t max, size_t min_n,
    size_t max_n)
{
	const json_t	*list = jobj_arr(o, name, min_n, max_n);
	size_t		 i;

	for (i = 0; o->rc == RC_OK && i < json_array_size(list); i++) {
		const char	*s = json_string_value(json_array_get(list, i));

		if (s == NULL || !is_ident(s, max))
			jobj_fail(o, "\"%s\" holds something else than names of "
			    "[a-z0-9._-]", name);
		else
			memcpy(out + i * (max + 1), s, strlen(s) + 1);
	}
	return (uint8_t)i;
}

static void
key_text(struct jobj *o, const char *name, const char *s, struct key *out)
{
	struct err	why;
	enum rc		rc;

	if (o->rc != RC_OK)
		return;
	rc = key_parse(span_str(s), out, &why);
	if (rc == RC_NOMEM)
		o->rc = err_set(o->err, rc, "charter: no memory");
	else if (rc != RC_OK)
		jobj_fail(o, "\"%s\": %.120s", name, why.msg);
}

static void
public_key(struct jobj *o, const char *name, uint8_t alg, struct key *out)
{
	key_text(o, name, jobj_str(o, name, 1, 128), out);
	if (o->rc == RC_OK && out->alg != alg)
		jobj_fail(o, "\"%s\" is a key of the wrong algorithm", name);
}

/* host:port; a name, IPv4, or IPv6 in brackets. */
static void
address(struct jobj *o, const char *name, char out[NAME_MAX_BYTES + 1])
{
	const char	*colon, *p;
	unsigned	 port = 0;

	text(o, name, out);
	if (o->rc != RC_OK)
		return;
	colon = strrchr(out, ':');
	for (p = colon == NULL ? "" : colon + 1; *p >= '0' && *p <= '9' &&
	    port <= UINT16_MAX; p++)
		port = port * 10 + (unsigned)(*p - '0');
	if (colon == NULL || colon == out || *p != '\0' || port == 0 ||
	    port > UINT16_MAX || strpbrk(out, " /") != NULL)
		jobj_fail(o, "\"%s\" is not host:port", name);
}

static void
certificate(struct jobj *o, const char *name, struct cert_pool *pool,
    struct blob_ref *out)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(TLS_CERT_MAX);

	jobj_b64_buf(o, name, 1, TLS_CERT_MAX, &b);
	if (o->rc != RC_OK)
		return;
	if (pool->n == CERTS_MAX) {
		jobj_fail(o, "too many certificates");
		return;
	}
	*out = (struct blob_ref){ b.p, b.n };
	pool->der[pool->n++] = TAKE(b.p);
}

static uint64_t
seconds(struct jobj *o, const char *name, uint64_t min)
{
	return jobj_uint(o, name, min, SECONDS_MAX);
}

/* --- the parties ------------------------------------------------------------------ */

static enum rc
threshold_parse(const json_t *v, struct charter *c, struct err *err)
{
	struct jobj	o = jobj_init(v, "charter: threshold", err);

	c->n = (uint8_t)jobj_uint(&o, "n", 0, CUSTODIANS_MAX);
	c->k = (uint8_t)jobj_uint(&o, "k", 0, CUSTODIANS_MAX);
	c->f = (uint8_t)jobj_uint(&o, "f", 0, CUSTODIANS_MAX);
	c->q = (uint8_t)jobj_uint(&o, "q", 0, CUSTODIANS_MAX);
	c->h = (uint8_t)jobj_uint(&o, "h", 0, CUSTODIANS_MAX);
	return jobj_done(&o);
}

static enum rc
coordinator_parse(const json_t *v, struct charter *c, struct err *err)
{
	struct jobj	o = jobj_init(v, "charter: coordinator", err);

	text(&o, "organisation", c->coordinator.organisation);
	address(&o, "address", c->coordinator.address);
	certificate(&o, "tls_certificate", c->pool,
	    &c->coordinator.tls_certificate);
	certificate(&o, "package_certificate", c->pool,
	    &c->coordinator.package_certificate);
	public_key(&o, "log_key", KEY_ED25519, &c->coordinator.log_key);
	return jobj_done(&o);
}

static enum rc
share_key_parse(const json_t *v, struct custodian *u, struct err *err)
{
	struct jobj	o = jobj_init(v, "charter: share key", err);
	struct key	key = { 0 };
	uint64_t	epoch = jobj_uint(&o, "epoch", 1, EPOCHS_MAX);

	public_key(&o, "key", KEY_P256, &key);
	if (o.rc == RC_OK && epoch != u->n_epochs + 1U)
		jobj_fail(&o, "epochs are not 1, 2, 3... in order");
	TRY(jobj_done(&o));
	memcpy(u->share_key[u->n_epochs++], key.bytes, 65);
	return RC_OK;
}

static enum rc
custodian_parse(const json_t *v, struct charter *c, size_t i, struct err *err)
{
	struct jobj		 o = jobj_init(v, "charter: custodian", err);
	struct custodian	*u = &c->custodian[i];
	const json_t		*keys;
	const char		*home;

	u->index = (uint8_t)jobj_uint(&o, "index", 1, CUSTODIANS_MAX);
	text(&o, "name", u->name);
	text(&o, "organisation", u->organisation);
	address(&o, "address", u->address);
	certificate(&o, "tls_certificate", c->pool, &u->tls_certificate);
	public_key(&o, "signing_key", KEY_ED25519, &u->signing_key);
	home = jobj_str(&o, "signing_key_home", 1, 16);
	u->signing_key_sealed = strcmp(home, "sealed") == 0;
	if (o.rc == RC_OK && !u->signing_key_sealed && strcmp(home, "token") != 0)
		jobj_fail(&o, "\"signing_key_home\" is neither \"token\" nor "
		    "\"sealed\"");
	u->extractable = jobj_bool_opt(&o, "extractable", false);
	keys = jobj_arr(&o, "share_keys", 1, EPOCHS_MAX);
	if (o.rc == RC_OK && u->index != i + 1)
		jobj_fail(&o, "custodians are not 1 to n in order");
	TRY(jobj_done(&o));
	for (size_t e = 0; e < json_array_size(keys); e++)
		TRY(share_key_parse(json_array_get(keys, e), u, err));
	return RC_OK;
}

static enum rc
person_parse(const json_t *v, struct charter *c, size_t i, struct err *err)
{
	struct jobj	 o = jobj_init(v, "charter: person", err);
	struct person	*p = &c->person[i];
	const json_t	*keys;

	ident(&o, "id", p->id, ID_MAX);
	text(&o, "name", p->name);
	text(&o, "organisation", p->organisation);
	p->n_roles = idents(&o, "roles", p->role[0], ID_MAX, 0, PERSON_ROLES_MAX);
	keys = jobj_arr(&o, "keys", 1, PERSON_KEYS_MAX);
	for (; p->n_keys < json_array_size(keys); p->n_keys++) {
		const char	*s = json_string_value(
		    json_array_get(keys, p->n_keys));

		/* The empty string is no key either. */
		key_text(&o, "keys", s == NULL ? "" : s, &p->key[p->n_keys]);
	}
	return jobj_done(&o);
}

static enum rc
sealer_parse(const json_t *v, struct charter *c, size_t i, struct err *err)
{
	struct jobj	 o = jobj_init(v, "charter: sealer", err);
	struct sealer	*s = &c->sealer[i];

	ident(&o, "id", s->id, ID_MAX);
	text(&o, "organisation", s->organisation);
	public_key(&o, "key", KEY_ED25519, &s->key);
	s->artifacts_per_day = jobj_uint(&o, "artifacts_per_day", 0, UINT32_MAX);
	return jobj_done(&o);
}

static enum rc
class_parse(const json_t *v, struct charter *c, size_t i, struct err *err)
{
	struct jobj	 o = jobj_init(v, "charter: class", err);

	ident(&o, "id", c->class_[i].id, CLASS_NAME_MAX);
	c->class_[i].retain_days = (uint32_t)jobj_uint(&o, "retain_days", 1,
	    UINT32_MAX);
	return jobj_done(&o);
}

static enum rc
host_parse(const json_t *v, struct charter *c, size_t i, struct err *err)
{
	struct jobj	 o = jobj_init(v, "charter: host", err);

	text(&o, "name", c->host[i].name);
	certificate(&o, "tls_certificate", c->pool, &c->host[i].tls_certificate);
	return jobj_done(&o);
}

/* --- time-stamping ------------------------------------------------------------------- */

static void
url_text(struct jobj *o, const char *what, const char *s, char out[URL_MAX_BYTES + 1])
{
	size_t	n = s == NULL ? 0 : strlen(s);
	bool	fits = n > 8 && n <= URL_MAX_BYTES &&
	    (strncmp(s, "http://", 7) == 0 || strncmp(s, "https://", 8) == 0);

	for (size_t i = 0; fits && i < n; i++)
		fits = s[i] > ' ' && s[i] < 0x7f;
	if (!fits) {
		jobj_fail(o, "\"%s\" is no http or https URL of at most %d "
		    "characters", what, URL_MAX_BYTES);
		return;
	}
	memcpy(out, s, n + 1);
}

static void
tsa_certificates(struct jobj *o, const json_t *list, struct cert_pool *pool,
    struct tsa *t)
{
	for (; o->rc == RC_OK && t->n_certificates < json_array_size(list);
	    t->n_certificates++) {
		const char	*s = json_string_value(
		    json_array_get(list, t->n_certificates));
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(TLS_CERT_MAX);
		enum rc		 rc = s == NULL ? RC_FORMAT :
				    b64_parse(&b, span_str(s), NULL);

		if (rc == RC_NOMEM) {
			o->rc = err_set(o->err, rc, "charter: no memory");
			return;
		}
		if (rc != RC_OK || b.n == 0 || pool->n == CERTS_MAX) {
			jobj_fail(o, "\"certificates\" holds something else than "
			    "base64 of DER certificates");
			return;
		}
		t->certificate[t->n_certificates] = (struct blob_ref){ b.p, b.n };
		pool->der[pool->n++] = TAKE(b.p);
	}
}

static enum rc
tsa_parse(const json_t *v, struct charter *c, size_t i, struct err *err)
{
	struct jobj	 o = jobj_init(v, "charter: tsa", err);
	struct tsa	*t = &c->tsa[i];
	const json_t	*certificates, *crls;

	ident(&o, "id", t->id, ID_MAX);
	url_text(&o, "url", jobj_str(&o, "url", 1, URL_MAX_BYTES), t->url);
	certificates = jobj_arr(&o, "certificates", 1, TSA_CERTS_MAX);
	crls = jobj_arr(&o, "crls", 0, TSA_CRLS_MAX);
	tsa_certificates(&o, certificates, c->pool, t);
	for (; o.rc == RC_OK && t->n_crls < json_array_size(crls); t->n_crls++)
		url_text(&o, "crls", json_string_value(
		    json_array_get(crls, t->n_crls)), t->crl[t->n_crls]);
	return jobj_done(&o);
}

/* When to anchor. Whoever lists TSAs says when; who lists none has nothing to say. */
static enum rc
anchor_parse(const json_t *v, struct charter *c, struct err *err)
{
	struct jobj	o;

	if (v == NULL)
		return c->n_tsas == 0 ? RC_OK : err_set(err, RC_FORMAT,
		    "charter: TSAs, but no \"anchor\" that says how often to ask them");
	o = jobj_init(v, "charter: anchor", err);
	c->anchor_entries = jobj_uint(&o, "entries", 0, UINT32_MAX);
	c->anchor_seconds = seconds(&o, "seconds", 0);
	TRY(jobj_done(&o));
	if (c->n_tsas == 0 || (c->anchor_entries == 0 && c->anchor_seconds == 0))
		return err_set(err, RC_FORMAT, "charter: \"anchor\" needs TSAs, and "
		    "\"entries\" or \"seconds\" above 0");
	return RC_OK;
}

/* --- policies ------------------------------------------------------------------------ */

static enum rc
need_parse(const json_t *v, struct policy_rule *p, struct err *err)
{
	struct jobj	o = jobj_init(v, "charter: approval", err);

	ident(&o, "role", p->need[p->n_need].role, ID_MAX);
	p->need[p->n_need].count = (uint8_t)jobj_uint(&o, "count", 1,
	    POLICY_APPROVALS_MAX);
	TRY(jobj_done(&o));
	p->n_need++;
	return RC_OK;
}

static void
policy_limits(struct jobj *o, struct policy_rule *p)
{
	const char	*to;

	p->request_seconds = seconds(o, "request_seconds", 1);
	p->time_lock_seconds = seconds(o, "time_lock_seconds", 0);
	p->objection_seconds = seconds(o, "objection_seconds", 0);
	p->artifacts_per_day = (uint32_t)jobj_uint(o, "artifacts_per_day", 0,
	    UINT32_MAX);
	to = jobj_str(o, "release_to", 1, 16);
	p->release_to_recipient = strcmp(to, "recipient") == 0;
	if (o->rc == RC_OK && !p->release_to_recipient &&
	    strcmp(to, "coordinator") != 0)
		jobj_fail(o, "\"release_to\" is neither \"coordinator\" nor "
		    "\"recipient\"");
}

static enum rc
policy_digest(const json_t *v, uint8_t ret[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(CHARTER_BYTES_MAX);

	TRY(json_canonical(v, &b, err));
	sha256_one(ret, buf_view(&b));
	return RC_OK;
}

static enum rc
policy_parse(const json_t *v, struct charter *c, size_t i, struct err *err)
{
	struct jobj		 o = jobj_init(v, "charter: policy", err);
	struct policy_rule	*p = &c->policy[i];
	const json_t		*needs;

	ident(&o, "id", p->id, ID_MAX);
	needs = jobj_arr(&o, "approvals", 0, POLICY_ROLES_MAX);
	p->people = (uint8_t)jobj_uint(&o, "people", 0, POLICY_APPROVALS_MAX);
	if (o.rc == RC_OK && !json_is_boolean(json_object_get(v,
	    "requester_organisation_may_approve")))
		jobj_fail(&o, "no \"requester_organisation_may_approve\"");
	p->requester_organisation_may_approve = jobj_bool_opt(&o,
	    "requester_organisation_may_approve", false);
	p->n_attachments = idents(&o, "attachments", p->attachment[0], ID_MAX,
	    0, 4);
	p->n_parts = idents(&o, "parts", p->part[0], PART_NAME_MAX, 0, PARTS_MAX);
	p->n_veto = idents(&o, "veto", p->veto[0], ID_MAX, 0, POLICY_ROLES_MAX);
	policy_limits(&o, p);
	TRY(jobj_done(&o));
	for (size_t j = 0; j < json_array_size(needs); j++)
		TRY(need_parse(json_array_get(needs, j), p, err));
	return policy_digest(v, p->digest, err);
}

static enum rc
amend_parse(const json_t *v, struct charter *c, struct err *err)
{
	struct jobj	o = jobj_init(v, "charter: amend", err);

	c->n_amenders = idents(&o, "people", c->amender[0], ID_MAX, 1, 32);
	c->amend_need = (uint8_t)jobj_uint(&o, "need", 1, 32);
	c->n_amend_veto = idents(&o, "veto", c->amend_veto[0], ID_MAX, 0, 32);
	c->amend_delay_seconds = AMEND_DELAY_DEFAULT;
	if (json_object_get(v, "delay_seconds") != NULL)
		c->amend_delay_seconds = seconds(&o, "delay_seconds", 1);
	return jobj_done(&o);
}

/* --- the whole -------------------------------------------------------------------------- */

typedef enum rc (*row_parse)(const json_t *v, struct charter *c, size_t i,
    struct err *err);

/* A list of up to max rows into a new array, one parse function a row. */
static enum rc
rows(const json_t *list, struct charter *c, void **ret, uint32_t *ret_n,
    size_t size, row_parse parse, struct err *err)
{
	size_t	n = json_array_size(list);

	if (n == 0)
		return RC_OK;
	if ((*ret = calloc(n, size)) == NULL)
		return err_set(err, RC_NOMEM, "charter: no memory");
	*ret_n = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		TRY(parse(json_array_get(list, i), c, i, err));
	return RC_OK;
}

static enum rc
custodians_parse(const json_t *list, struct charter *c, struct err *err)
{
	if (json_array_size(list) != c->n)
		return err_set(err, RC_FORMAT, "charter: %zu custodians, but n is %u",
		    json_array_size(list), c->n);
	for (size_t i = 0; i < c->n; i++)
		TRY(custodian_parse(json_array_get(list, i), c, i, err));
	return RC_OK;
}

struct lists {
	const json_t	*threshold, *coordinator, *custodians, *people, *sealers,
			*policies, *classes, *hosts, *tsas, *anchor, *amend;
};

static enum rc
lists_parse(const struct lists *l, struct charter *c, struct err *err)
{
	TRY(threshold_parse(l->threshold, c, err));
	TRY(coordinator_parse(l->coordinator, c, err));
	TRY(custodians_parse(l->custodians, c, err));
	TRY(rows(l->people, c, (void **)&c->person, &c->n_people,
	    sizeof(*c->person), person_parse, err));
	TRY(rows(l->sealers, c, (void **)&c->sealer, &c->n_sealers,
	    sizeof(*c->sealer), sealer_parse, err));
	TRY(rows(l->policies, c, (void **)&c->policy, &c->n_policies,
	    sizeof(*c->policy), policy_parse, err));
	TRY(rows(l->classes, c, (void **)&c->class_, &c->n_classes,
	    sizeof(*c->class_), class_parse, err));
	TRY(rows(l->hosts, c, (void **)&c->host, &c->n_hosts, sizeof(*c->host),
	    host_parse, err));
	TRY(rows(l->tsas, c, (void **)&c->tsa, &c->n_tsas, sizeof(*c->tsa),
	    tsa_parse, err));
	TRY(anchor_parse(l->anchor, c, err));
	return amend_parse(l->amend, c, err);
}

static void
origin(struct jobj *o, char out[NAME_MAX_BYTES + 1])
{
	text(o, "origin", out);
	/* It is the name of the log's key in a signed note as well. */
	if (o->rc == RC_OK &&
	    (strlen(out) > ORIGIN_MAX || strpbrk(out, " +") != NULL))
		jobj_fail(o, "\"origin\" has a space, a '+', or over %d bytes",
		    ORIGIN_MAX);
}

static enum rc
document_parse(const json_t *v, struct charter *c, struct err *err)
{
	struct jobj	o = jobj_init(v, "charter", err);
	struct lists	l;

	jobj_uint(&o, "charter", CHARTER_VERSION, CHARTER_VERSION);
	/* Under rules that we do not know we could not replay: stop here. */
	c->rules = (uint32_t)jobj_uint(&o, "rules", CHARTER_RULES, CHARTER_RULES);
	if ((c->has_amends = json_object_get(v, "amends") != NULL))
		jobj_hex(&o, "amends", c->amends, sizeof(c->amends));
	text(&o, "name", c->name);
	origin(&o, c->origin);
	c->single_operator = jobj_bool_opt(&o, "single_operator", false);
	l.threshold = jobj_obj(&o, "threshold");
	l.coordinator = jobj_obj(&o, "coordinator");
	l.custodians = jobj_arr(&o, "custodians", 1, CUSTODIANS_MAX);
	l.people = jobj_arr(&o, "people", 1, PEOPLE_MAX);
	l.sealers = jobj_arr(&o, "sealers", 1, SEALERS_MAX);
	l.policies = jobj_arr(&o, "policies", 1, POLICIES_MAX);
	l.classes = jobj_arr(&o, "classes", 1, CLASSES_MAX);
	l.hosts = jobj_arr(&o, "hosts", 0, HOSTS_MAX);
	l.tsas = jobj_arr(&o, "tsas", 0, TSAS_MAX);
	l.anchor = json_object_get(v, "anchor") == NULL ? NULL : jobj_obj(&o, "anchor");
	l.amend = jobj_obj(&o, "amend");
	c->receipt_seconds = seconds(&o, "receipt_seconds", 1);
	c->order_seconds = seconds(&o, "order_seconds", 1);
	TRY(jobj_done(&o));
	return lists_parse(&l, c, err);
}

enum rc
charter_parse(struct span json, struct charter **ret, struct err *err)
{
	AUTO(charter_free) struct charter *c = NULL;
	AUTO(json_decref) json_t *v = NULL;

	TRY(json_read(json, CHARTER_BYTES_MAX, &v, err));
	if ((c = calloc(1, sizeof(*c))) != NULL)
		atomic_init(&c->owners, 1);
	if (c == NULL || (c->pool = calloc(1, sizeof(struct cert_pool))) == NULL)
		return err_set(err, RC_NOMEM, "charter: no memory");
	c->bytes = BUF_INIT(CHARTER_BYTES_MAX);
	buf_span(&c->bytes, json);
	TRY(buf_check(&c->bytes, "charter", err));
	TRY(document_parse(v, c, err));
	TRY(charter_check(c, err));
	sha256_one(c->digest, json);
	*ret = TAKE(c);
	return RC_OK;
}

struct charter *
charter_ref(const struct charter *c)
{
	struct charter	*shared = (struct charter *)(uintptr_t)c;	/* only the count of owners changes */

	(void)atomic_fetch_add(&shared->owners, 1);
	return shared;
}

void
charter_free(struct charter *c)
{
	struct cert_pool	*pool;

	if (c == NULL || atomic_fetch_sub(&c->owners, 1) > 1)
		return;
	pool = c->pool;
	for (size_t i = 0; pool != NULL && i < pool->n; i++)
		free(pool->der[i]);
	free(pool);
	free(c->person);
	free(c->sealer);
	free(c->policy);
	free(c->class_);
	free(c->host);
	free(c->tsa);
	buf_done(&c->bytes);
	free(c);
}

/* --- finding --------------------------------------------------------------------------- */

const struct person *
charter_person(const struct charter *c, const char *id)
{
	for (size_t i = 0; i < c->n_people; i++)
		if (strcmp(c->person[i].id, id) == 0)
			return &c->person[i];
	return NULL;
}

const struct person *
charter_person_by_key(const struct charter *c, const uint8_t id[KEY_ID_BYTES])
{
	for (size_t i = 0; i < c->n_people; i++)
		if (person_has_key(&c->person[i], id))
			return &c->person[i];
	return NULL;
}

const struct policy_rule *
charter_policy(const struct charter *c, const char *id)
{
	for (size_t i = 0; i < c->n_policies; i++)
		if (strcmp(c->policy[i].id, id) == 0)
			return &c->policy[i];
	return NULL;
}

const struct policy_rule *
charter_policy_by_digest(const struct charter *c,
    const uint8_t digest[SHA256_BYTES])
{
	for (size_t i = 0; i < c->n_policies; i++)
		if (memcmp(c->policy[i].digest, digest, SHA256_BYTES) == 0)
			return &c->policy[i];
	return NULL;
}

const struct tsa *
charter_tsa(const struct charter *c, const char *id)
{
	for (size_t i = 0; i < c->n_tsas; i++)
		if (strcmp(c->tsa[i].id, id) == 0)
			return &c->tsa[i];
	return NULL;
}

const struct retention_class *
charter_class(const struct charter *c, const char *id)
{
	for (size_t i = 0; i < c->n_classes; i++)
		if (strcmp(c->class_[i].id, id) == 0)
			return &c->class_[i];
	return NULL;
}

bool
person_has_role(const struct person *p, const char *role)
{
	for (size_t i = 0; i < p->n_roles; i++)
		if (strcmp(p->role[i], role) == 0)
			return true;
	return false;
}

bool
person_has_key(const struct person *p, const uint8_t id[KEY_ID_BYTES])
{
	uint8_t	have[KEY_ID_BYTES];

	for (size_t i = 0; i < p->n_keys; i++) {
		key_id(&p->key[i], have);
		if (memcmp(have, id, sizeof(have)) == 0)
			return true;
	}
	return false;
}

static bool
is_named(const char (*list)[ID_MAX + 1], size_t n, const struct person *p)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], p->id) == 0)
			return true;
	return false;
}

bool
charter_is_amender(const struct charter *c, const struct person *p)
{
	return is_named(c->amender, c->n_amenders, p);
}

bool
charter_may_veto_amendment(const struct charter *c, const struct person *p)
{
	return is_named(c->amend_veto, c->n_amend_veto, p);
}

/* What happened, by the entries of a case and by the charters then in force. */
#include "evidence/custody_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
custody_done(struct custody *k)
{
	for (uint32_t i = 0; i < k->n_charters; i++)
		charter_free(k->charter[i]);
	free(k->agent);
	free(k->act);
	*k = (struct custody){ .e = NULL };
}

/* --- who ---------------------------------------------------------------------- */

static bool
same_roles(const struct person *a, const struct person *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->n_roles != b->n_roles)
		return false;
	for (uint8_t i = 0; i < a->n_roles; i++)
		if (strcmp(a->role[i], b->role[i]) != 0)
			return false;
	return true;
}

/* One who was renamed, or given another role, is another agent from then on. */
static uint32_t
agent_add(struct custody *k, const struct custody_agent *a)
{
	for (uint32_t i = 0; i < k->n_agents; i++) {
		const struct custody_agent	*b = &k->agent[i];

		if (a->kind == b->kind && strcmp(a->id, b->id) == 0 && strcmp(a->name, b->name) == 0 &&
		    strcmp(a->organisation, b->organisation) == 0 && same_roles(a->person, b->person))
			return i;
	}
	k->agent[k->n_agents] = *a;
	return k->n_agents++;
}

static uint32_t
agent_custodian(struct custody *k, const struct charter *c, uint8_t index)
{
	struct custody_agent	a = { .kind = AGENT_CUSTODIAN, .name = "", .organisation = "" };

	(void)snprintf(a.id, sizeof(a.id), "%u", index);	/* it fits */
	if (index >= 1 && index <= c->n) {
		a.name = c->custodian[index - 1].name;
		a.organisation = c->custodian[index - 1].organisation;
	}
	return agent_add(k, &a);
}

static uint32_t
agent_coordinator(struct custody *k, const struct charter *c)
{
	return agent_add(k, &(struct custody_agent){ .kind = AGENT_COORDINATOR, .name = "",
	    .organisation = c->coordinator.organisation });
}

static const struct sealer *
sealer_by_key(const struct charter *c, const uint8_t key[KEY_ID_BYTES])
{
	uint8_t	id[KEY_ID_BYTES];

	for (uint32_t i = 0; i < c->n_sealers; i++) {
		key_id(&c->sealer[i].key, id);
		if (memcmp(id, key, KEY_ID_BYTES) == 0)
			return &c->sealer[i];
	}
	return NULL;
}

/* By the charter then in force, else by the newest that knows the key: a revocation may come late. */
static uint32_t
agent_key(struct custody *k, uint32_t charter, const uint8_t key[KEY_ID_BYTES])
{
	struct custody_agent	 a = { .kind = AGENT_KEY, .name = "", .organisation = "" };
	const struct person	*p = charter_person_by_key(k->charter[charter], key);
	const struct sealer	*s = sealer_by_key(k->charter[charter], key);

	for (uint32_t i = k->n_charters; p == NULL && s == NULL && i-- > 0;) {
		p = charter_person_by_key(k->charter[i], key);
		s = sealer_by_key(k->charter[i], key);
	}
	if (p != NULL) {
		a.kind = AGENT_PERSON;
		a.name = p->name;
		a.organisation = p->organisation;
		a.person = p;
		memcpy(a.id, p->id, sizeof(p->id));
	} else if (s != NULL) {
		a.kind = AGENT_SEALER;
		a.organisation = s->organisation;
		memcpy(a.id, s->id, sizeof(s->id));
	} else
		hex_write(SPAN(key, KEY_ID_BYTES), a.id);
	return agent_add(k, &a);
}

void
agent_words(const struct custody_agent *a, struct buf *out)
{
	static const char *const	kind[] = {
		[AGENT_PERSON] = "person", [AGENT_SEALER] = "sealer", [AGENT_CUSTODIAN] = "custodian",
		[AGENT_COORDINATOR] = "coordinator", [AGENT_KEY] = "key",
	};

	buf_printf(out, "%s%s%s", kind[a->kind], a->id[0] == '\0' ? "" : " ", a->id);
}

/* --- what ---------------------------------------------------------------------- */

/* The charter that judged an entry: the last that came in force before it. */
static uint32_t
charter_at(const struct checked_case *c, uint64_t index)
{
	uint32_t	i = c->n_charters - 1;

	while (i > 0 && c->since[i] >= index)
		i--;
	return i;
}

static void
set_reason(struct custody_act *a, bool has, const uint8_t digest[SHA256_BYTES])
{
	a->has_reason = has;
	if (has)
		memcpy(a->digest, digest, SHA256_BYTES);
}

/* The members of its type that a reader asks for. */
static void
act_members(struct custody_act *a, const struct statement *s)
{
	switch (s->type) {
	case STATEMENT_BATCH:
		a->number = s->u.batch.count;
		break;
	case STATEMENT_REQUEST:
		memcpy(a->name, s->u.request.policy, sizeof(a->name));
		set_reason(a, true, s->u.request.reason);
		break;
	case STATEMENT_DECISION:
		a->approve = s->u.decision.approve;
		set_reason(a, s->u.decision.has_reason, s->u.decision.reason);
		break;
	case STATEMENT_REVOCATION:
		set_reason(a, s->u.revocation.has_reason, s->u.revocation.reason);
		break;
	case STATEMENT_AMENDMENT:
		set_reason(a, s->u.amendment.has_reason, s->u.amendment.reason);
		break;
	case STATEMENT_RECEIPT:
		a->custodian = s->u.receipt.custodian;
		a->number = s->u.receipt.count;
		memcpy(a->digest, s->u.receipt.message, SHA256_BYTES);
		break;
	case STATEMENT_ANCHOR:
		a->number = s->u.anchor.size;
		memcpy(a->name, s->u.anchor.tsa, sizeof(a->name));
		memcpy(a->digest, s->u.anchor.archive, SHA256_BYTES);
		break;
	case STATEMENT_CONSENT:
		a->custodian = s->u.consent.custodian;
		break;
	case STATEMENT_CHECKED:
		a->custodian = s->u.checked.custodian;
		break;
	case STATEMENT_GARBAGE:
		a->custodian = s->u.garbage.custodian;
		break;
	case STATEMENT_UNKNOWN:
	case STATEMENT_CHARTER:
	case STATEMENT_WITHDRAWAL:
	case STATEMENT_ORDER:
	case STATEMENT_RELEASE:
	case STATEMENT_HELD:
	case STATEMENT_SUCCESSION:
	case STATEMENT_ACKNOWLEDGEMENT:
	case STATEMENT_TYPES:
		break;
	}
}

static uint32_t
act_agent(struct custody *k, const struct custody_act *a, const struct statement *s)
{
	const struct charter	*c = k->charter[a->charter];

	if (!statement_has_signer(s->type))
		return NOBODY;
	if (a->custodian != 0)
		return agent_custodian(k, c, a->custodian);
	if (s->type == STATEMENT_ORDER || s->type == STATEMENT_ANCHOR)
		return agent_coordinator(k, c);
	return agent_key(k, a->charter, s->signer);
}

/* Which place an approval of this order's request filled. */
static void
act_role(const struct checked_case *c, struct custody_act *a)
{
	a->role = "";
	for (uint32_t i = 0; i < c->request.n_approvals; i++)
		if (c->request.approval[i].index == a->index) {
			a->role = c->request.approval[i].role;
			a->counts = c->request.approval[i].counts;
		}
}

uint32_t
custody_find(const struct custody *k, const uint8_t id[SHA256_BYTES])
{
	for (uint32_t i = 0; i < k->n_acts; i++)
		if (memcmp(k->act[i].id, id, SHA256_BYTES) == 0)
			return i;
	return NOBODY;
}

static enum rc
add_act(struct custody *k, uint32_t entry, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse		 d = { .n_sig = 0 };
	AUTO_DONE(statement_done) struct statement	 s = { .type = STATEMENT_UNKNOWN };
	const struct verdict				*v = &k->c->verdict[entry];
	struct custody_act				*a = &k->act[k->n_acts];
	struct entry					 e;

	TRY(entry_parse(k->e->entry[entry].leaf, &e, err));
	TRY(dsse_parse(e.dsse, &d, err));
	TRY(statement_parse(&d, &s, err));
	if (s.type != (enum statement_type)v->type)
		return err_set(err, RC_USAGE, "custody: not the case that was checked");
	*a = (struct custody_act){ .type = s.type, .index = k->e->entry[entry].index, .entry = entry, .time = v->time };
	a->charter = charter_at(k->c, a->index);
	memcpy(a->id, s.id, SHA256_BYTES);
	memcpy(a->subject, s.subject, SHA256_BYTES);
	act_members(a, &s);
	act_role(k->c, a);
	a->about = custody_find(k, a->subject);
	a->agent = act_agent(k, a, &s);
	k->n_acts++;
	return RC_OK;
}

static enum rc
read_charters(struct custody *k, struct err *err)
{
	if (k->c->n_charters != k->e->n_later + 1)
		return err_set(err, RC_USAGE, "custody: not the charters that were checked");
	if (k->c->first != NULL && span_eq(k->e->charter, buf_view(&k->c->first->bytes)))
		k->charter[0] = charter_ref(k->c->first);
	else
		TRY(charter_parse(k->e->charter, &k->charter[0], err));
	k->n_charters = 1;
	for (; k->n_charters <= k->e->n_later; k->n_charters++)
		TRY(charter_parse(k->e->later[k->n_charters - 1], &k->charter[k->n_charters], err));
	return RC_OK;
}

enum rc
custody_read(const struct evidence_case *e, const struct checked_case *c, struct custody *ret, struct err *err)
{
	struct custody	*k = ret;

	*k = (struct custody){ .e = e, .c = c };
	if (e->n_entries != c->n_verdicts || e->n_artifacts != c->grant.scope.n_artifacts)
		return err_set(err, RC_USAGE, "custody: not the case that was checked");
	TRY(read_charters(k, err));
	/* Each act has one agent at most; the custodians and coordinators are for who names them besides. */
	k->act = calloc(e->n_entries, sizeof(*k->act));
	k->agent = calloc(e->n_entries + CUSTODIANS_MAX + k->n_charters, sizeof(*k->agent));
	if (k->act == NULL || k->agent == NULL)
		return err_set(err, RC_NOMEM, "custody: no memory for %u acts", e->n_entries);
	for (uint8_t i = 1; i <= k->charter[0]->n; i++)
		(void)agent_custodian(k, k->charter[0], i);
	for (uint32_t i = 0; i < k->n_charters; i++)
		(void)agent_coordinator(k, k->charter[i]);
	for (uint32_t i = 0; i < e->n_entries; i++)
		if (c->verdict[i].effective && c->verdict[i].type != STATEMENT_UNKNOWN &&
		    c->verdict[i].type != STATEMENT_RELEASE)
			TRY(add_act(k, i, err));
	return RC_OK;
}

/* --- in words -------------------------------------------------------------------- */

static bool
on_amendment(const struct custody *k, const struct custody_act *a)
{
	return a->about != NOBODY && k->act[a->about].type == STATEMENT_AMENDMENT;
}

const char *
act_name(const struct custody *k, const struct custody_act *a)
{
	bool	amendment = on_amendment(k, a);

	switch (a->type) {
	case STATEMENT_CHARTER:		return "charter signed";
	case STATEMENT_BATCH:		return "sealed";
	case STATEMENT_REQUEST:		return "requested";
	case STATEMENT_DECISION:
		if (a->approve)
			return amendment ? "amendment approved" : "approved";
		return amendment ? "amendment denied" : "denied";
	case STATEMENT_WITHDRAWAL:	return amendment ? "amendment withdrawn" : "withdrawn";
	case STATEMENT_REVOCATION:	return "key revoked";
	case STATEMENT_ORDER:		return "ordered";
	case STATEMENT_RECEIPT:		return "contributed";
	case STATEMENT_CHECKED:		return "shares checked";
	case STATEMENT_GARBAGE:		return "share found wrong";
	case STATEMENT_AMENDMENT:	return "amendment proposed";
	case STATEMENT_CONSENT:		return "amendment consented";
	case STATEMENT_SUCCESSION:	return "coordinator succeeded";
	case STATEMENT_ANCHOR:		return "time-stamped";
	case STATEMENT_ACKNOWLEDGEMENT:	return "acknowledged";
	case STATEMENT_UNKNOWN:
	case STATEMENT_RELEASE:
	case STATEMENT_HELD:
	case STATEMENT_TYPES:		break;
	}
	return "unknown";
}

static void
decision_words(const struct custody *k, const struct custody_act *a, struct buf *out)
{
	if (on_amendment(k, a) || !a->approve)
		return;
	if (a->counts && a->role[0] != '\0')
		buf_printf(out, "counts as %s", a->role);
	else
		buf_printf(out, a->counts ? "counts as one more person" : "does not count");
}

void
act_words(const struct custody *k, const struct custody_act *a, struct buf *out)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	switch (a->type) {
	case STATEMENT_CHARTER:
		buf_printf(out, "by all custodians and amenders; its digest is the genesis %s",
		    hex_write(SPAN_OF(a->subject), hex));
		break;
	case STATEMENT_BATCH:
		buf_printf(out, "a batch of %" PRIu64 " artifacts, root %s", a->number, hex_write(SPAN_OF(a->subject), hex));
		break;
	case STATEMENT_REQUEST:
		buf_printf(out, "under policy %s", a->name);
		break;
	case STATEMENT_DECISION:
		decision_words(k, a, out);
		break;
	case STATEMENT_REVOCATION:
		buf_printf(out, "key %s", hex_write(SPAN(a->subject, KEY_ID_BYTES), hex));
		break;
	case STATEMENT_ORDER:
		buf_printf(out, k->c->to_recipient ? "custodians answer the recipient" :
		    "custodians answer the release worker");
		break;
	case STATEMENT_RECEIPT:
		buf_printf(out, "%" PRIu64 " contributions in a message with SHA-256 %s", a->number,
		    hex_write(SPAN_OF(a->digest), hex));
		break;
	case STATEMENT_ANCHOR:
		buf_printf(out, "by TSA %s, over the first %" PRIu64 " entries", a->name, a->number);
		break;
	case STATEMENT_AMENDMENT:
	case STATEMENT_SUCCESSION:
		buf_printf(out, "charter %s", hex_write(SPAN_OF(a->subject), hex));
		break;
	case STATEMENT_UNKNOWN:
	case STATEMENT_WITHDRAWAL:
	case STATEMENT_RELEASE:
	case STATEMENT_HELD:
	case STATEMENT_CHECKED:
	case STATEMENT_GARBAGE:
	case STATEMENT_CONSENT:
	case STATEMENT_ACKNOWLEDGEMENT:
	case STATEMENT_TYPES:
		break;
	}
}

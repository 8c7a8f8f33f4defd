/* cli/report_json.c - a report for programs (docs/spec/audit-report-v1.md). */
#include <string.h>

#include "cli/cli.h"
#include "cli/report_impl.h"

static enum rc
no_memory(struct err *err)
{
	return err_set(err, RC_NOMEM, "no memory for the report");
}

/* Takes v in any case. */
static enum rc
put(json_t *into, const char *name, json_t *v, struct err *err)
{
	return v != NULL && json_object_set_new(into, name, v) == 0 ? RC_OK : no_memory(err);
}

static enum rc
add(json_t *list, json_t *v, struct err *err)
{
	return v != NULL && json_array_append_new(list, v) == 0 ? RC_OK : no_memory(err);
}

static json_t *
custodians_of(uint32_t mask)
{
	json_t	*list = json_array();
	uint8_t	 i;

	for (i = 0; list != NULL && i < CUSTODIANS_MAX; i++)
		if ((mask >> i & 1) != 0)
			(void)json_array_append_new(list, json_integer(i + 1));
	return list;
}

const char *
finding_name(enum finding_kind k)
{
	static const char *const	names[FINDING_KINDS] = {
		[FINDING_VOID] = "void",
		[FINDING_TIME_BACK] = "time-went-back",
		[FINDING_RECEIPT_LATE] = "receipt-late",
		[FINDING_RECEIPTS_MISSING] = "receipts-missing",
		[FINDING_ORDER_UNUSED] = "order-unused",
		[FINDING_RELEASE_RECEIPT] = "release-without-receipt",
		[FINDING_RELEASE_QUORUM] = "release-without-quorum",
		[FINDING_SAME_PACKAGE] = "same-package",
		[FINDING_WRONG] = "wrong-contribution",
		[FINDING_GARBAGE] = "garbage",
		[FINDING_BROKEN] = "broken-share",
		[FINDING_EARLY] = "cosigned-early",
		[FINDING_BEHIND] = "source-behind",
		[FINDING_NOT_ASKED] = "custodians-not-asked",
		[FINDING_ANCHOR_BAD] = "anchor-invalid",
		[FINDING_ANCHOR_GAP] = "anchor-gap",
		[FINDING_ANCHOR_OVERDUE] = "anchor-overdue",
		[FINDING_ANCHOR_TIME] = "anchor-time",
		[FINDING_OPENING_BAD] = "opening-invalid",
		[FINDING_RECIPIENT_WRONG] = "recipient-says-wrong",
		[FINDING_REVOKED] = "key-revoked",
		[FINDING_SINGLE_OPERATOR] = "single-operator",
		[FINDING_EXTRACTABLE] = "extractable-keys",
	};

	return (unsigned)k < FINDING_KINDS ? names[k] : "unknown";
}

static enum rc
lines(const struct report *r, json_t *list, struct err *err)
{
	char	t[WHEN_TEXT_BYTES];
	size_t	i;

	for (i = 0; i < r->n_lines; i++) {
		const struct report_line	*l = &r->line[i];

		TRY(add(list, json_pack("{s:I,s:s,s:s,s:o?,s:b,s:o?,s:b,s:s}", "entry", (json_int_t)l->index, "time",
		    when_write(l->time, t), "what", l->what, "who", json_text(l->who), "signed", l->is_signed, "about", json_hex(SPAN_OF(l->about)),
		    "effective", l->effective, "why", void_reason_name((enum void_reason)l->why)), err));
	}
	return RC_OK;
}

static enum rc
findings(const struct report *r, json_t *list, struct err *err)
{
	size_t	i;

	for (i = 0; i < r->n_findings; i++) {
		const struct finding	*f = &r->finding[i];

		TRY(add(list, json_pack("{s:s,s:o,s:o?}", "kind", finding_name(f->kind), "entry",
		    f->index == UINT64_MAX ? json_null() : json_integer((json_int_t)f->index), "words", json_text(f->words)),
		    err));
	}
	return RC_OK;
}

static enum rc
decisions(const struct request_approval *approval, uint32_t n, json_t *list, struct err *err)
{
	char		t[WHEN_TEXT_BYTES];
	uint32_t	i;

	for (i = 0; i < n; i++) {
		const struct request_approval	*a = &approval[i];

		TRY(add(list, json_pack("{s:s,s:s,s:b,s:b,s:s,s:I}", "person", a->person, "place", a->role, "approves",
		    a->approve, "counts", a->counts, "time", when_write(a->time, t), "entry", (json_int_t)a->index), err));
	}
	return RC_OK;
}

static enum rc
places(const struct report_order *o, json_t *list, struct err *err)
{
	uint8_t	i;

	for (i = 0; i < o->n_places; i++)
		TRY(add(list, json_pack("{s:s,s:s,s:I}", "person", o->place[i].person, "place", o->place[i].role, "entry",
		    (json_int_t)o->place[i].index), err));
	return RC_OK;
}

static json_t *
release_of(const struct report_order *o)
{
	if (!o->released)
		return json_null();
	return json_pack("{s:I,s:o?,s:o?,s:o?}", "entry", (json_int_t)o->release, "package", json_hex(SPAN_OF(o->contents)),
	    "good", custodians_of(o->good), "wrong", custodians_of(o->wrong));
}

static enum rc
openings(const struct report *r, const struct report_order *order, json_t *list, struct err *err)
{
	char	t[WHEN_TEXT_BYTES];
	size_t	i;

	for (i = 0; i < r->n_openings; i++) {
		const struct report_opening	*o = &r->opening[i];

		if (memcmp(o->order, order->id, SHA256_BYTES) != 0)
			continue;
		TRY(add(list, json_pack("{s:I,s:s,s:o?,s:b,s:o?,s:o?}", "entry", (json_int_t)o->index, "person", o->person, "note",
		    json_hex(SPAN_OF(o->note)), "signed", o->good, "opened", o->good ? json_string(when_write(o->opened, t)) :
		    json_null(), "wrong", custodians_of(o->bad)), err));
	}
	return RC_OK;
}

static enum rc
orders(const struct report *r, const uint8_t request[SHA256_BYTES], json_t *list, struct err *err)
{
	char	t[WHEN_TEXT_BYTES], x[WHEN_TEXT_BYTES];
	size_t	i;

	for (i = 0; i < r->n_orders; i++) {
		const struct report_order	*o = &r->order[i];
		json_t				*who, *opened;

		if (memcmp(o->request, request, SHA256_BYTES) != 0)
			continue;
		who = json_array();
		opened = json_array();
		TRY(add(list, json_pack("{s:o?,s:I,s:s,s:s,s:o?,s:o?,s:o?,s:o?,s:o?}", "id", json_hex(SPAN_OF(o->id)), "entry",
		    (json_int_t)o->index, "time", when_write(o->time, t), "expires", when_write(o->expires, x), "approvals", who,
		    "receipts", custodians_of(o->receipts), "late", custodians_of(o->late), "release", release_of(o), "opened",
		    opened), err));
		TRY(places(o, who, err));	/* the list holds both */
		TRY(openings(r, o, opened, err));
	}
	return RC_OK;
}

static enum rc
asked_for(const struct report *r, uint64_t request, json_t *into, struct err *err)
{
	AUTO_DONE(scope_done) struct scope s = { .n_artifacts = 0 };
	uint8_t		recipient[SHA256_BYTES];
	json_t		*list = json_array();
	uint32_t	i;

	TRY(put(into, "scope", list, err));
	TRY(report_scope(r, request, &s, recipient, err));
	for (i = 0; i < s.n_parts; i++)
		TRY(add(list, json_pack("{s:o?,s:s,s:I,s:I}", "artifact", json_hex(SPAN_OF(s.artifact[s.part[i].artifact].id)),
		    "part", s.part[i].name, "first", (json_int_t)s.part[i].first, "last", (json_int_t)s.part[i].last), err));
	return put(into, "recipient", json_hex(SPAN_OF(recipient)), err);
}

static enum rc
requests(const struct report *r, json_t *list, struct err *err)
{
	struct request_view	v;
	char			t[WHEN_TEXT_BYTES], x[WHEN_TEXT_BYTES];
	size_t			i;

	for (i = 0; i < r->n_requests; i++) {
		json_t	*said = json_array(), *ordered = json_array();

		TRY(replica_request(r->source->replica, r->request[i].id, r->source->now, &v, err));
		TRY(add(list, json_pack("{s:o?,s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:o?,s:o?}", "id", json_hex(SPAN_OF(v.id)), "entry",
		    (json_int_t)v.index, "time", when_write(v.logged, t), "expires", when_write(v.expires, x), "requester",
		    v.requester, "policy", v.policy, "phase", request_phase_name(v.phase), "missing", v.missing, "decisions", said,
		    "orders", ordered), err));
		TRY(asked_for(r, v.index, json_array_get(list, json_array_size(list) - 1), err));
		TRY(decisions(v.approval, v.n_approvals, said, err));
		TRY(orders(r, v.id, ordered, err));
	}
	return RC_OK;
}

static enum rc
charters(const struct report *r, json_t *list, struct err *err)
{
	size_t	i;

	for (i = 0; i < r->n_charters; i++) {
		AUTO_DONE(buf_done) struct buf	text = BUF_INIT(1 << 20);
		const struct report_charter	*c = &r->charter[i];
		struct verdict			 v = { .time = 0 };
		const char			*by = report_came_by(r, i, &v, err);
		json_t				*changes = json_array();
		char				*line, *rest;

		if (by == NULL) {
			json_decref(changes);
			return err->rc;
		}
		TRY(add(list, json_pack("{s:o?,s:I,s:s,s:o?}", "digest", json_hex(SPAN_OF(c->doc->digest)), "since",
		    (json_int_t)c->since, "by", by, "changes", changes), err));
		if (i == 0)
			continue;
		TRY(report_change(r, i, &text, err));
		buf_u8(&text, '\0');
		TRY(buf_check(&text, "what the charter changes", err));
		for (line = strtok_r((char *)text.p, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
			TRY(add(changes, json_text(line), err));
	}
	return RC_OK;
}

static enum rc
amendments(const struct report *r, json_t *list, struct err *err)
{
	struct amendment_view	v;
	char			t[WHEN_TEXT_BYTES];
	size_t			i;

	for (i = 0; i < r->n_amendments; i++) {
		json_t	*said = json_array();

		TRY(replica_amendment(r->source->replica, r->amendment[i].id, r->source->now, &v, err));
		TRY(add(list, json_pack("{s:o?,s:I,s:s,s:s,s:o?,s:s,s:i,s:i,s:o?,s:o?}", "id", json_hex(SPAN_OF(v.id)), "entry",
		    (json_int_t)v.index, "time", when_write(v.logged, t), "proposer", v.proposer, "charter",
		    json_hex(SPAN_OF(v.charter)), "phase", amendment_phase_name(v.phase), "have", v.have, "need", v.need,
		    "decisions", said, "consents", custodians_of(v.consents)), err));
		TRY(decisions(v.approval, v.n_approvals, said, err));
	}
	return RC_OK;
}

static enum rc
anchors(const struct report *r, json_t *list, struct err *err)
{
	char	t[WHEN_TEXT_BYTES], g[WHEN_TEXT_BYTES];
	size_t	i;

	for (i = 0; i < r->n_anchors; i++) {
		const struct report_anchor	*a = &r->anchor[i];

		TRY(add(list, json_pack("{s:I,s:I,s:s,s:s,s:b,s:i,s:o?,s:o?}", "entry", (json_int_t)a->index, "size",
		    (json_int_t)a->size, "tsa", a->tsa, "time", when_write(a->logged, t), "good", a->good, "lists", a->lists, "stamped",
		    a->good ? json_string(when_write(a->stamped, g)) : json_null(), "signer",
		    a->good ? json_text(a->signer) : json_null()), err));
	}
	return RC_OK;
}

static enum rc
counts(const struct report *r, json_t *into, struct err *err)
{
	json_t	*o = json_object();
	int	 t;

	TRY(put(into, "numbers", o, err));
	TRY(put(o, "entries", json_integer((json_int_t)r->source->size), err));
	TRY(put(o, "artifacts", json_integer((json_int_t)r->artifacts), err));
	TRY(put(o, "void", json_integer((json_int_t)r->voids), err));
	TRY(put(o, "wrong_contributions", json_integer((json_int_t)r->wrong), err));
	for (t = STATEMENT_CHARTER; t < STATEMENT_TYPES; t++)
		if (t != STATEMENT_HELD)
			TRY(put(o, statement_type_name((enum statement_type)t), json_integer((json_int_t)r->count[t]), err));
	return RC_OK;
}

enum rc
report_json(const struct report *r, json_t *into, struct err *err)
{
	static const struct {
		const char	*name;
		enum rc		(*fill)(const struct report *, json_t *, struct err *);
	} lists[] = {
		{ "requests", requests }, { "amendments", amendments }, { "charters", charters }, { "anchors", anchors },
		{ "findings", findings }, { "events", lines },
	};
	const struct charter	*c = replica_charter(r->source->replica);
	size_t			 i;

	TRY(put(into, "charter", json_hex(SPAN_OF(c->digest)), err));
	TRY(counts(r, into, err));
	TRY(put(into, "custodians", conduct_json(&r->conduct, c), err));
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		json_t	*list = json_array();

		TRY(put(into, lists[i].name, list, err));
		TRY(lists[i].fill(r, list, err));
	}
	return RC_OK;
}

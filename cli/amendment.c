/* cli/amendment.c - an amendment as the log has it, checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/amendment.h"
#include "cli/artifact.h"
#include "cli/changes.h"
#include "cli/decisions.h"

#define WORDS_MAX	(1 << 20)
#define REASON_MAX	(32 << 20)

void
amendment_seen_done(struct amendment_seen *s)
{
	message_free(s->reply);
	dsse_done(&s->dsse);
	statement_done(&s->statement);
	buf_done(&s->document);
	charter_free(s->next);
	memset(s, 0, sizeof(*s));	/* once more is fine */
}

/* --- fetching ------------------------------------------------------------------------- */

static enum rc
check_entry(struct remote *r, const uint8_t id[SHA256_BYTES], struct amendment_seen *s, struct err *err)
{
	const Quorate__V1__LoggedEntry	*e = s->reply->entry;
	struct entry			 entry;

	if (e == NULL)
		return err_set(err, RC_FORMAT, "the coordinator's answer has no amendment in it");
	TRY(entry_parse(SPAN(e->leaf.data, e->leaf.len), &entry, err));
	TRY(dsse_parse(entry.dsse, &s->dsse, err));
	TRY(statement_parse(&s->dsse, &s->statement, err));
	s->logged = entry.time;
	if (s->statement.type != STATEMENT_AMENDMENT || memcmp(s->statement.id, id, SHA256_BYTES) != 0)
		return err_set(err, RC_VERIFY, "the coordinator gave another statement than the amendment asked for");
	if (e->proof.len == 0)
		return err_set(err, RC_UNSURE, "the amendment is logged but not yet cosigned by a quorum; ask again");
	return remote_check_leaf(r, e->index, SPAN(e->leaf.data, e->leaf.len), SPAN(e->proof.data, e->proof.len), NULL,
	    err);
}

/* The very document that its signer named; one under later rules is shown as that. */
static enum rc
fetch_document(struct remote *r, struct amendment_seen *s, struct err *err)
{
	s->document = BUF_INIT(CHARTER_BYTES_MAX);
	TRY(remote_blob(r, s->statement.subject, &s->document, err));
	TRY(charter_rules_of(buf_view(&s->document), &s->rules, err));
	if (s->rules != CHARTER_RULES)
		return RC_OK;
	TRY(charter_parse(buf_view(&s->document), &s->next, err));
	s->was = remote_charter_of(r, s->next->amends);
	return s->was != NULL ? RC_OK : err_set(err, RC_VERIFY, "its charter follows one that was never in force");
}

enum rc
amendment_fetch(struct remote *r, const uint8_t id[SHA256_BYTES], struct amendment_seen *ret, struct err *err)
{
	Quorate__V1__AmendmentRequest	q = QUORATE__V1__AMENDMENT_REQUEST__INIT;
	char				hex[HEX_BYTES(SHA256_BYTES)];
	enum rc				rc;

	memset(ret, 0, sizeof(*ret));
	q.id = (ProtobufCBinaryData){ SHA256_BYTES, (uint8_t *)(uintptr_t)id };
	rc = remote_call(r, "Amendment", &q, &quorate__v1__amendment_reply__descriptor, REMOTE_MS, &ret->reply, err);
	if (rc == RC_MISSING)
		return err_set(err, rc, "no request and no amendment %s in this log; see `quorate list requests` and "
		    "`quorate list amendments`", hex_write(SPAN(id, SHA256_BYTES), hex));
	TRY(rc);
	rc = check_entry(r, id, ret, err);
	if (rc == RC_OK)
		rc = fetch_document(r, ret, err);
	if (rc != RC_OK)
		amendment_seen_done(ret);
	return rc;
}

/* --- words ------------------------------------------------------------------------------- */

static enum rc
changes_text(const struct charter *was, const struct charter *next, struct buf *out, struct err *err)
{
	charter_changes(was, next, out);
	return buf_check(out, "changes", err);
}

enum rc
print_changes(const struct charter *was, const struct charter *next, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(WORDS_MAX);
	char	*at, *line;

	TRY(changes_text(was, next, &text, err));
	if (text.n == 0)
		puts("  nothing");
	for (at = (char *)(uintptr_t)buf_text(&text); (line = strsep(&at, "\n")) != NULL;)
		if (line[0] != '\0')
			cli_say("  %s\n", line);
	return RC_OK;
}

enum rc
changes_json(const struct charter *was, const struct charter *next, json_t **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(WORDS_MAX);
	AUTO(json_decref) json_t *list = json_array();
	char	*at, *line;

	TRY(changes_text(was, next, &text, err));
	for (at = (char *)(uintptr_t)buf_text(&text); list != NULL && (line = strsep(&at, "\n")) != NULL;)
		if (line[0] != '\0' && json_array_append_new(list, json_text(line)) != 0)
			return err_set(err, RC_NOMEM, "no memory");
	*ret = TAKE(list);
	return *ret == NULL ? err_set(err, RC_NOMEM, "no memory") : RC_OK;
}

enum rc
print_terms(const struct charter *c, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(WORDS_MAX);

	buf_printf(&b, "needs       %u approvals of", charter_amend_need(c));
	for (uint8_t i = 0; i < c->n_amenders; i++)
		buf_printf(&b, "%s %s", i == 0 ? "" : ",", c->amender[i]);
	buf_printf(&b, ", whoever proposes it not counted; then ");
	if (c->amend_delay_seconds == 0)
		buf_printf(&b, "no delay");
	else
		duration_words(c->amend_delay_seconds, &b);
	buf_printf(&b, "; then the consent of %u custodians\nveto        ", c->q);
	for (uint8_t i = 0; i < c->n_amend_veto; i++)
		buf_printf(&b, "%s%s", i == 0 ? "" : ", ", c->amend_veto[i]);
	buf_printf(&b, "%s", c->n_amend_veto == 0 ? "nobody has one" : ", by `quorate deny`");
	TRY(buf_check(&b, "terms", err));
	cli_say("%s\n", buf_text(&b));
	return RC_OK;
}

static const char *
proposer(const struct remote *r, const struct amendment_seen *s)
{
	const struct person	*p = remote_signer(r, &s->dsse, &s->statement);

	return p != NULL ? p->name : "nobody whom a charter names";
}

static enum rc
reason_of(struct remote *r, const struct amendment_seen *s, struct buf *out, struct err *err)
{
	if (!s->statement.u.amendment.has_reason)
		return RC_OK;
	return erasable_text(r, s->statement.u.amendment.reason, out, err);
}

static void
print_state(const struct charter *c, const Quorate__V1__AmendmentReply *a)
{
	char	t[WHEN_TEXT_BYTES], from[WHEN_TEXT_BYTES];

	cli_say("state       %s (the coordinator's reckoning; the custodians make their own)", a->phase);
	if (a->have < a->need)
		cli_say("; %u of %u approvals so far", a->have, a->need);
	puts("");
	if (a->met_at != 0)
		cli_say("            approved at %s; custodians may consent from %s on\n", when_write(a->met_at, t),
		    when_write(a->earliest, from));
	if (a->n_consents > 0)
		cli_say("            %zu of %u custodians consented\n", a->n_consents, c->q);
	if (a->in_force != 0)
		cli_say("            in force from entry %llu on\n", (unsigned long long)a->in_force - 1);
}

static enum rc
print_document(const struct amendment_seen *s, struct err *err)
{
	if (s->next == NULL) {
		cli_say("changes     the rules, to version %llu, which this program does not know: it cannot say what else\n",
		    (unsigned long long)s->rules);
		return RC_OK;
	}
	puts("changes");
	return print_changes(s->was, s->next, err);
}

static enum rc
print_amendment(struct remote *r, const struct amendment_seen *s, struct err *err)
{
	AUTO_DONE(buf_done) struct buf reason = BUF_INIT(REASON_MAX);
	const struct statement		*st = &s->statement;
	const struct decision_list	 list = { st->id, s->reply->decisions, s->reply->n_decisions, NULL, 0 };
	char	id[HEX_BYTES(SHA256_BYTES)], hex[HEX_BYTES(SHA256_BYTES)], t[WHEN_TEXT_BYTES];

	TRY(reason_of(r, s, &reason, err));
	cli_say("amendment   %s\nproposer    %s\nlogged      %s, entry %llu; under the quorum's checkpoint\n",
	    hex_write(SPAN_OF(st->id), id), proposer(r, s), when_write(s->logged, t),
	    (unsigned long long)s->reply->entry->index);
	cli_say("expires     %s\ncharter     %s\nreason      %s\n", when_write(st->expires, t),
	    hex_write(SPAN_OF(st->subject), hex), reason.n == 0 ? "none given" : buf_text(&reason));
	TRY(print_document(s, err));
	TRY(print_terms(s->was != NULL ? s->was : r->charter, err));
	TRY(decisions_print(r, &list, err));
	print_state(r->charter, s->reply);
	return RC_OK;
}

/* --- JSON ---------------------------------------------------------------------------------- */

static json_t *
consents_json(const Quorate__V1__AmendmentReply *a)
{
	json_t	*list = json_array();

	for (size_t i = 0; list != NULL && i < a->n_consents; i++)
		if (json_array_append_new(list, json_integer((json_int_t)a->consents[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static enum rc
print_amendment_json(struct remote *r, const struct amendment_seen *s, struct err *err)
{
	AUTO_DONE(buf_done) struct buf reason = BUF_INIT(REASON_MAX);
	const Quorate__V1__AmendmentReply	*a = s->reply;
	const struct decision_list		 list = { s->statement.id, a->decisions, a->n_decisions, NULL, 0 };
	json_t	*decisions = NULL, *changes = NULL;
	char	 t[WHEN_TEXT_BYTES];

	TRY(reason_of(r, s, &reason, err));
	TRY(decisions_json(r, &list, &decisions, err));
	if (s->next == NULL)
		changes = json_array();
	else if (changes_json(s->was, s->next, &changes, err) != RC_OK) {
		json_decref(decisions);
		return err->rc;
	}
	return cli_print_json(json_pack("{s:o?,s:s,s:I,s:o?,s:I,s:s,s:s,s:o?,s:o,s:s,s:I,s:I,s:I,s:I,s:o?,s:I}", "amendment",
	    json_hex(SPAN_OF(s->statement.id)), "proposer", proposer(r, s), "entry", (json_int_t)a->entry->index, "charter",
	    json_hex(SPAN_OF(s->statement.subject)), "rules", (json_int_t)s->rules, "reason", reason.n == 0 ? "" :
	    buf_text(&reason), "expires", when_write(s->statement.expires, t), "changes", changes, "decisions", decisions,
	    "phase", a->phase, "have", (json_int_t)a->have, "need", (json_int_t)a->need, "met_at", (json_int_t)a->met_at,
	    "earliest", (json_int_t)a->earliest, "consents", consents_json(a), "in_force",
	    a->in_force == 0 ? (json_int_t)-1 : (json_int_t)(a->in_force - 1)), err);
}

enum rc
show_amendment(struct remote *r, const uint8_t id[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(amendment_seen_done) struct amendment_seen s;

	memset(&s, 0, sizeof(s));
	TRY(amendment_fetch(r, id, &s, err));
	return cli_json ? print_amendment_json(r, &s, err) : print_amendment(r, &s, err);
}

enum rc
show_subject(struct remote *r, const uint8_t id[SHA256_BYTES], const char *attachments, struct err *err)
{
	enum rc	rc = show_request(r, id, attachments, err);

	return rc == RC_MISSING ? show_amendment(r, id, err) : rc;
}

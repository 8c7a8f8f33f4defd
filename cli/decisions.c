/* cli/decisions.c - what people (and custodians) said about a request or an amendment. */
#include <stdio.h>
#include <string.h>

#include "cli/decisions.h"

#define TEXT_MAX	(32 << 20)

enum rc
erasable_text(struct remote *r, const uint8_t digest[SHA256_BYTES], struct buf *out, struct err *err)
{
	AUTO_DONE(buf_done) struct buf blob = BUF_INIT(TEXT_MAX);
	enum rc	rc = remote_blob(r, digest, &blob, err);

	if (rc == RC_MISSING)
		buf_printf(out, "(erased)");
	else
		TRY(rc);
	if (rc == RC_OK && blob.n > ERASABLE_SALT_BYTES)
		buf_add(out, blob.p + ERASABLE_SALT_BYTES, blob.n - ERASABLE_SALT_BYTES);
	TRY(buf_check(out, "reason", err));
	text_clean(out->p, out->n, false);	/* a NUL would hide what follows it */
	return RC_OK;
}

/* --- one of them ----------------------------------------------------------------------- */

struct decision_seen {
	const char	*id, *name;	/* of whom; "" and "somebody": of nobody whom a charter names */
	const char	*word;		/* what they did */
	bool		 cosigned;
	when		 time;
};

static bool
is_decision(const struct statement *s)
{
	return s->type == STATEMENT_DECISION || s->type == STATEMENT_WITHDRAWAL || s->type == STATEMENT_CONSENT;
}

/* About this subject, and, once a quorum cosigned it, in the log. */
static enum rc
check_decision(struct remote *r, const uint8_t subject[SHA256_BYTES], const Quorate__V1__LoggedEntry *e,
    const struct statement *s, bool *ret_cosigned, struct err *err)
{
	if (!is_decision(s) || memcmp(s->subject, subject, SHA256_BYTES) != 0)
		return err_set(err, RC_VERIFY, "the coordinator gave entry %llu as a decision on this, and it is not",
		    (unsigned long long)e->index);
	*ret_cosigned = e->proof.len != 0;
	if (!*ret_cosigned)
		return RC_OK;
	return remote_check_leaf(r, e->index, SPAN(e->leaf.data, e->leaf.len), SPAN(e->proof.data, e->proof.len),
	    NULL, err);
}

/* The custodian that it names, if it signed it. */
static const struct custodian *
consenting(const struct remote *r, const struct dsse *d, const struct statement *s)
{
	uint8_t	i = s->u.consent.custodian;

	if (i < 1 || i > r->first->n || !dsse_signed_by(d, &r->first->custodian[i - 1].signing_key))
		return NULL;
	return &r->first->custodian[i - 1];
}

static void
whose(const struct remote *r, const struct dsse *d, const struct statement *s, struct decision_seen *ret)
{
	const struct custodian	*c = s->type == STATEMENT_CONSENT ? consenting(r, d, s) : NULL;
	const struct person	*p = s->type == STATEMENT_CONSENT ? NULL : remote_signer(r, d, s);

	ret->id = p != NULL ? p->id : c != NULL ? c->name : "";
	ret->name = p != NULL ? p->name : c != NULL ? c->name : "somebody";
	ret->word = s->type == STATEMENT_CONSENT ? "consented" : s->type == STATEMENT_WITHDRAWAL ? "withdrew" :
	    s->u.decision.approve ? "approved" : "denied";
}

static enum rc
decision_of(struct remote *r, const uint8_t subject[SHA256_BYTES], const Quorate__V1__LoggedEntry *e,
    struct decision_seen *ret, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d = { .n_sig = 0 };
	AUTO_DONE(statement_done) struct statement s = { .type = STATEMENT_UNKNOWN };
	struct entry	entry;

	TRY(entry_parse(SPAN(e->leaf.data, e->leaf.len), &entry, err));
	TRY(dsse_parse(entry.dsse, &d, err));
	TRY(statement_parse(&d, &s, err));
	TRY(check_decision(r, subject, e, &s, &ret->cosigned, err));
	whose(r, &d, &s, ret);
	ret->time = entry.time;
	return RC_OK;
}

static bool
counts(const struct decision_list *l, uint64_t index)
{
	size_t	i;

	for (i = 0; i < l->n_uncounted; i++)
		if (l->uncounted[i] == index)
			return false;
	return true;
}

/* --- all of them ----------------------------------------------------------------------- */

enum rc
decisions_print(struct remote *r, const struct decision_list *l, struct err *err)
{
	struct decision_seen	d;
	char			t[WHEN_TEXT_BYTES];
	size_t			i;

	puts("decisions");
	for (i = 0; i < l->n; i++) {
		const Quorate__V1__LoggedEntry	*e = l->entry[i];

		TRY(decision_of(r, l->subject, e, &d, err));
		cli_say("  %s %s %s, entry %llu%s%s%s%s\n", when_write(d.time, t), d.name, d.word,
		    (unsigned long long)e->index, counts(l, e->index) ? "" : " (does not count)", d.cosigned ? "" : " (not cosigned yet)", e->effective ? "" : " - void: ",
		    e->effective ? "" : e->why);
	}
	if (l->n == 0)
		puts("  none yet");
	return RC_OK;
}

enum rc
decisions_json(struct remote *r, const struct decision_list *l, json_t **ret, struct err *err)
{
	AUTO(json_decref) json_t *list = json_array();
	struct decision_seen	d;
	size_t			i;

	for (i = 0; list != NULL && i < l->n; i++) {
		const Quorate__V1__LoggedEntry	*e = l->entry[i];

		TRY(decision_of(r, l->subject, e, &d, err));
		if (json_array_append_new(list, json_pack("{s:s,s:s,s:I,s:b,s:b,s:b,s:s}", "person", d.id, "decision", d.word,
		    "entry", (json_int_t)e->index, "cosigned", d.cosigned, "effective", e->effective,
		    "counts", e->effective && counts(l, e->index), "why", e->why)) != 0)
			return err_set(err, RC_NOMEM, "no memory");
	}
	*ret = TAKE(list);
	return *ret == NULL ? err_set(err, RC_NOMEM, "no memory") : RC_OK;
}

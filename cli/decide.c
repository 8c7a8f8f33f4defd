/* cli/decide.c - quorate approve, deny, withdraw, revoke: one signed word each. */
#include <stdio.h>
#include <string.h>

#include "cli/amendment.h"
#include "cli/artifact.h"
#include "cli/handin.h"
#include "policy/apply.h"

#define DECISION_LIFE	3600	/* in which it must reach the log */
#define REASON_MAX	16384

struct deciding {
	const char		*word, *subject, *reason, *key;
	enum statement_type	 type;
	bool			 approve;
	uint8_t			 id[SHA256_BYTES];	/* of the subject */
};

static enum rc
add_reason(const struct deciding *d, struct statement *s, struct buf *blob, struct err *err)
{
	uint8_t	digest[SHA256_BYTES];

	if (d->reason == NULL)
		return RC_OK;
	if (!is_plain_text(d->reason, REASON_MAX))
		return err_set(err, RC_USAGE, "--reason: printable text of at most %d bytes", REASON_MAX);
	TRY(erasable_new(span_str(d->reason), blob, digest, err));
	if (s->type == STATEMENT_DECISION) {
		s->u.decision.has_reason = true;
		memcpy(s->u.decision.reason, digest, sizeof(digest));
	} else {
		s->u.revocation.has_reason = true;
		memcpy(s->u.revocation.reason, digest, sizeof(digest));
	}
	return RC_OK;
}

/* Signed, and what goes with it. */
struct signed_word {
	struct statement	s;
	struct buf		dsse, reason;
	struct span		blob[1];
};

static void
signed_word_done(struct signed_word *w)
{
	statement_done(&w->s);
	buf_done(&w->dsse);
	buf_done(&w->reason);
}

/* By somebody who saw that checkpoint. */
static enum rc
sign_word(const struct deciding *d, const struct remote *r, const struct keyfile *key, const struct checkpoint *seen,
    struct signed_word *w, struct err *err)
{
	statement_init(&w->s, d->type, r->first->digest, r->charter->digest, seen->size, seen->root, clock_now(), DECISION_LIFE);
	memcpy(w->s.subject, d->id, sizeof(w->s.subject));
	w->s.u.decision.approve = d->approve;
	TRY(add_reason(d, &w->s, &w->reason, err));
	TRY(statement_sign(&w->s, keyfile_signer(key), &w->dsse, err));
	w->blob[0] = buf_view(&w->reason);
	return RC_OK;
}

static struct handin
hand_in(const struct deciding *d, struct remote *r, const struct signed_word *w)
{
	struct handin	h = { .r = r, .word = d->word, .name = "statement", .dsse = buf_view(&w->dsse), .blob = w->blob,
			    .n_blobs = w->reason.n > 0 ? 1 : 0 };

	memcpy(h.id, w->s.id, sizeof(h.id));
	return h;
}

/* Whoever approves an amendment is told what it changes, as their signature covers a digest only. */
static enum rc
see_amendment(struct remote *r, const struct deciding *d, struct err *err)
{
	AUTO_DONE(amendment_seen_done) struct amendment_seen seen;

	memset(&seen, 0, sizeof(seen));
	TRY(amendment_fetch(r, d->id, &seen, err));
	if (cli_json)
		return RC_OK;
	if (seen.next == NULL) {
		cli_say("the amendment brings rules version %llu, which this program does not know\n",
		    (unsigned long long)seen.rules);
		return RC_OK;
	}
	puts("the amendment changes");
	return print_changes(seen.was, seen.next, err);
}

/* Nobody approves what they cannot be shown as the cosigned log has it. */
static enum rc
see_subject(struct remote *r, const struct deciding *d, struct err *err)
{
	AUTO_DONE(request_seen_done) struct request_seen seen;
	enum rc	rc;

	memset(&seen, 0, sizeof(seen));
	rc = request_fetch(r, d->id, &seen, err);
	if (rc == RC_MISSING)
		rc = see_amendment(r, d, err);
	return rc == RC_UNSURE ? err_wrap(err, rc, "to approve, the request must be seen first, and the coordinator "
	    "does not show it (a \"no\" needs no coordinator)") : rc;
}

static enum rc
say_yes(const struct deciding *d, struct remote *r, const struct keyfile *key, struct signed_word *w, struct err *err)
{
	AUTO(custodians_free) struct custodians *c = NULL;
	struct checkpoint	seen;
	struct handin		h;
	enum rc			rc;

	TRY(see_subject(r, d, err));
	TRY(remote_head(r, &seen, NULL, err));
	TRY(sign_word(d, r, key, &seen, w, err));
	h = hand_in(d, r, w);
	h.again = void_reason_name(VOID_DECIDED);
	rc = handin_other(&h, err);
	c = h.c;
	return rc == RC_OK ? handin_tell(&h, false, err) : rc;
}

/* For which reason the log refuses a second "no" of the kind; a second withdrawal may come too late as well. */
static const char *
again(const struct deciding *d, const struct keyfile *key)
{
	uint8_t	own[KEY_ID_BYTES];

	if (d->type == STATEMENT_DECISION)
		return void_reason_name(VOID_DENIED_BEFORE);
	if (d->type != STATEMENT_REVOCATION)
		return NULL;
	key_id(&keyfile_signer(key)->key, own);
	return void_reason_name(memcmp(own, d->id, sizeof(own)) == 0 ? VOID_REVOKED_KEY : VOID_DUPLICATE);
}

/*
 * A "no" by id is always safe: it asks nothing of the coordinator. What its signer saw
 * of the log comes from the custodians.
 */
static enum rc
say_no(const struct deciding *d, struct remote *r, const struct keyfile *key, struct signed_word *w, struct err *err)
{
	AUTO(custodians_free) struct custodians *c = NULL;
	struct checkpoint	seen;
	struct handin		h;

	TRY(custodians_new(r, &c, err));
	custodians_look(c);
	custodians_seen(c, &seen);
	TRY(sign_word(d, r, key, &seen, w, err));
	h = hand_in(d, r, w);
	h.c = c;
	h.again = again(d, key);
	handin_no(&h);
	return handin_tell(&h, true, err);
}

static enum rc
decide(struct deciding *d, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	AUTO(keyfile_free) struct keyfile *key = NULL;
	AUTO_DONE(signed_word_done) struct signed_word w = { .dsse = BUF_INIT(DSSE_BYTES_MAX),
	    .reason = BUF_INIT(REASON_MAX + ERASABLE_SALT_BYTES) };

	TRY(cli_id(d->subject, d->id, sizeof(d->id), d->type == STATEMENT_REVOCATION ?
	    "a key (quorate keygen prints it)" : "a request or an amendment", err));
	TRY(d->approve ? remote_open(&r, err) : remote_open_people(&r, err));
	TRY(cli_key(d->key, &key, err));
	return d->approve ? say_yes(d, r, key, &w, err) : say_no(d, r, key, &w, err);
}

static enum rc
run(struct deciding *d, const struct command *base, bool with_reason, bool needs_reason, int argc, char **argv,
    struct err *err)
{
	const struct option_row	rows[] = {
		{ "key", OPTION_TEXT | OPTION_NEEDED, &d->key, "KEY", "your key: file or PKCS#11 URI" },
		JSON_ROW,
		{ "reason", OPTION_TEXT | (needs_reason ? OPTION_NEEDED : 0), &d->reason, "TEXT", "why; others can read it" },
	};
	struct command	c = *base;
	size_t		n;
	bool		help;

	c.row = rows;
	c.n_rows = with_reason ? 3 : 2;
	TRY(options_read(&c, argc, argv, &d->subject, 1, 1, &n, &help, err));
	return help ? RC_OK : decide(d, err);
}

enum rc
cmd_approve(int argc, char **argv, struct err *err)
{
	struct deciding		d = { .word = "approved", .type = STATEMENT_DECISION, .approve = true };
	const struct command	c = { "quorate approve REQUEST|AMENDMENT --key KEY",
		"Signs an approval. Read it first: quorate show ID.", NULL, 0 };

	return run(&d, &c, false, false, argc, argv, err);
}

enum rc
cmd_deny(int argc, char **argv, struct err *err)
{
	struct deciding		d = { .word = "denied", .type = STATEMENT_DECISION };
	const struct command	c = { "quorate deny REQUEST|AMENDMENT --reason TEXT --key KEY",
		"Signs a denial. It bars your own approval, and is a veto where the policy (of an amendment: the charter)\n"
		"says so.", NULL, 0 };

	return run(&d, &c, true, true, argc, argv, err);
}

enum rc
cmd_withdraw(int argc, char **argv, struct err *err)
{
	struct deciding		d = { .word = "withdrawn", .type = STATEMENT_WITHDRAWAL };
	const struct command	c = { "quorate withdraw REQUEST|AMENDMENT --key KEY",
		"By who asked for it: ends it. By an approver: takes the approval back.", NULL, 0 };

	return run(&d, &c, false, false, argc, argv, err);
}

enum rc
cmd_revoke(int argc, char **argv, struct err *err)
{
	struct deciding		d = { .word = "revoked", .type = STATEMENT_REVOCATION };
	const struct command	c = { "quorate revoke KEYID --key KEY",
		"Revokes a key of a person: by its owner (with any key of theirs) or by an amender.", NULL, 0 };

	return run(&d, &c, true, false, argc, argv, err);
}

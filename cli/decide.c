/* cli/decide.c - quorate approve, deny, withdraw, revoke: one signed word each. */
#include <stdio.h>
#include <string.h>

#include "cli/artifact.h"

#define DECISION_LIFE	3600	/* in which it must reach the log */
#define REASON_MAX	16384

struct deciding {
	const char		*word, *subject, *reason, *key;
	enum statement_type	 type;
	bool			 approve;
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

/* Nobody signs for a request that is not in the cosigned log as its id says. */
static enum rc
check_subject(struct remote *r, const struct deciding *d, uint8_t subject[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(request_seen_done) struct request_seen seen;

	memset(&seen, 0, sizeof(seen));
	if (d->type == STATEMENT_REVOCATION)
		return cli_id(d->subject, subject, KEY_ID_BYTES, "a key (quorate keygen prints it)", err);
	TRY(cli_id(d->subject, subject, SHA256_BYTES, "a request", err));
	return request_fetch(r, subject, &seen, err);
}

static enum rc
decide(const struct deciding *d, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	AUTO(keyfile_free) struct keyfile *key = NULL;
	AUTO_DONE(statement_done) struct statement s;
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX),
	    blob = BUF_INIT(REASON_MAX + ERASABLE_SALT_BYTES);
	struct submitted	sent;
	struct span		blobs[1];
	uint8_t			subject[SHA256_BYTES];
	char			hex[HEX_BYTES(SHA256_BYTES)];

	memset(&s, 0, sizeof(s));
	TRY(remote_open(&r, err));
	TRY(cli_key(d->key, &key, err));
	TRY(check_subject(r, d, subject, err));
	TRY(remote_statement(r, d->type, DECISION_LIFE, &s, err));
	memcpy(s.subject, subject, sizeof(s.subject));
	s.u.decision.approve = d->approve;
	TRY(add_reason(d, &s, &blob, err));
	TRY(statement_sign(&s, keyfile_signer(key), &dsse, err));
	blobs[0] = buf_view(&blob);
	TRY(remote_submit(r, buf_view(&dsse), blobs, blob.n > 0 ? 1 : 0, NULL, 0, &sent, err));
	if (cli_json)
		return cli_print_json(submitted_json("statement", &sent), err);
	printf("%s: entry %llu, cosigned by a quorum\nstatement %s\n", d->word, (unsigned long long)sent.index,
	    hex_write(SPAN_OF(sent.id), hex));
	return RC_OK;
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
	const struct command	c = { "quorate approve REQUEST --key KEY",
		"Signs an approval. Read the request first: quorate show REQUEST.", NULL, 0 };

	return run(&d, &c, false, false, argc, argv, err);
}

enum rc
cmd_deny(int argc, char **argv, struct err *err)
{
	struct deciding		d = { .word = "denied", .type = STATEMENT_DECISION };
	const struct command	c = { "quorate deny REQUEST --reason TEXT --key KEY",
		"Signs a denial. It bars your own approval, and is a veto where the policy says so.", NULL, 0 };

	return run(&d, &c, true, true, argc, argv, err);
}

enum rc
cmd_withdraw(int argc, char **argv, struct err *err)
{
	struct deciding		d = { .word = "withdrawn", .type = STATEMENT_WITHDRAWAL };
	const struct command	c = { "quorate withdraw REQUEST --key KEY",
		"By the requester: ends the request. By an approver: takes the approval back.", NULL, 0 };

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

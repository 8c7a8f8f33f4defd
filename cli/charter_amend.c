/* cli/charter_amend.c - quorate charter amend, succeed: one charter in the place of another. */
#include <stdio.h>
#include <string.h>

#include "cli/amendment.h"
#include "cli/changes.h"
#include "cli/charter.h"
#include "cli/handin.h"
#include "cli/logsource.h"
#include "edge/succession.h"

#define DAY		86400
#define DAYS_SPARE	30	/* beside the delay, for people to approve */
#define REASON_MAX	16384

/* --- amend -------------------------------------------------------------------------------- */

struct amending {
	const char	*path, *key, *reason;
	uint64_t	 days;		/* 0: the delay and a month */
	struct charter	*next;
	struct buf	 document, reason_blob, dsse;
	struct statement statement;
};

static void
amending_done(struct amending *a)
{
	charter_free(a->next);
	buf_done(&a->document);
	buf_done(&a->reason_blob);
	buf_done(&a->dsse);
	statement_done(&a->statement);
}

/* Refused here in words, and not by everybody else in one. */
static enum rc
read_document(struct amending *a, const struct charter *now, struct err *err)
{
	uint64_t	rules;
	enum rc		rc;

	TRY(file_read_given(a->path, &a->document, err));
	if ((rc = charter_rules_of(buf_view(&a->document), &rules, err)) != RC_OK)
		return err_wrap(err, rc, "%s", a->path);
	if (rules != CHARTER_RULES) {
		if (!cli_json)
			cli_say("%s is under rules version %llu: this program cannot say what it changes, and custodians whose "
			    "program does not know them will not consent\n", a->path, (unsigned long long)rules);
		return RC_OK;
	}
	if ((rc = charter_parse(buf_view(&a->document), &a->next, err)) != RC_OK)
		return err_wrap(err, rc, "%s", a->path);
	if (!a->next->has_amends)
		return err_set(err, RC_FORMAT, "%s does not say which charter it amends: begin with `quorate charter draft --out "
		    "NEW.json`", a->path);
	if (memcmp(a->next->amends, now->digest, SHA256_BYTES) != 0)
		return err_set(err, RC_FORMAT, "%s amends another charter than the one in force: make it anew with `quorate "
		    "charter draft --out NEW.json`", a->path);
	rc = charter_follows(now, a->next, CHANGE_AMENDMENT, err);
	return rc == RC_OK ? rc : err_wrap(err, rc, "%s cannot follow the charter in force", a->path);
}

static enum rc
tell_plan(const struct amending *a, const struct charter *now, struct err *err)
{
	if (cli_json)
		return RC_OK;
	if (a->next != NULL) {
		puts("changes");
		TRY(print_changes(now, a->next, err));
	}
	TRY(print_terms(now, err));
	if (charter_amend_need(now) > now->n_amenders)
		cli_say("NOTE        more than there are amenders: this charter can never be amended\n");
	return RC_OK;
}

static enum rc
sign_amendment(struct amending *a, struct remote *r, struct err *err)
{
	AUTO(keyfile_free) struct keyfile *key = NULL;
	uint64_t	 life = a->days != 0 ? a->days * DAY : r->charter->amend_delay_seconds + DAYS_SPARE * DAY;
	struct statement *s = &a->statement;

	if (life <= r->charter->amend_delay_seconds)
		return err_set(err, RC_USAGE, "--days %llu: it would expire before its delay has run; more than %llu",
		    (unsigned long long)a->days, (unsigned long long)(r->charter->amend_delay_seconds / DAY));
	TRY(cli_key(a->key, &key, err));
	TRY(remote_statement(r, STATEMENT_AMENDMENT, life, s, err));
	sha256_one(s->subject, buf_view(&a->document));
	if (a->reason != NULL) {
		s->u.amendment.has_reason = true;
		TRY(erasable_new(span_str(a->reason), &a->reason_blob, s->u.amendment.reason, err));
	}
	return statement_sign(s, keyfile_signer(key), &a->dsse, err);
}

static enum rc
amend(struct amending *a, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	AUTO(custodians_free) struct custodians *c = NULL;
	struct span	blobs[2];
	struct handin	h = { .word = "proposed", .name = "amendment", .blob = blobs, .n_fixed = 1, .n_blobs = 1 };
	enum rc		rc;

	TRY(remote_open(&r, err));
	TRY(read_document(a, r->charter, err));
	TRY(tell_plan(a, r->charter, err));
	TRY(sign_amendment(a, r, err));
	blobs[0] = buf_view(&a->document);
	if (a->reason != NULL)
		blobs[h.n_blobs++] = buf_view(&a->reason_blob);
	h.r = r;
	memcpy(h.id, a->statement.id, sizeof(h.id));
	h.dsse = buf_view(&a->dsse);
	rc = handin_other(&h, err);
	c = h.c;
	TRY(rc);
	TRY(handin_tell(&h, false, err));
	if (!cli_json)
		puts("amenders read it with: quorate show AMENDMENT");
	return RC_OK;
}

enum rc
charter_amend(int argc, char **argv, struct err *err)
{
	AUTO_DONE(amending_done) struct amending a = { .document = BUF_INIT(CHARTER_BYTES_MAX),
	    .reason_blob = BUF_INIT(REASON_MAX + ERASABLE_SALT_BYTES), .dsse = BUF_INIT(DSSE_BYTES_MAX) };
	const struct option_row	rows[] = {
		{ "key", OPTION_TEXT | OPTION_NEEDED, &a.key, "KEY", "your key: file or PKCS#11 URI" },
		{ "reason", OPTION_TEXT, &a.reason, "TEXT", "why; others can read it" },
		{ "days", OPTION_NUMBER, &a.days, "N", "how long it may be decided on and come in force (its delay and 30)" },
		JSON_ROW,
	};
	const struct command	c = { "quorate charter amend NEW.json --key KEY [--reason TEXT]",
		"Proposes a charter to follow the one in force; says first what it changes and what that takes. Amenders\n"
		"approve or deny it by its id as they do a request.", rows, sizeof(rows) / sizeof(rows[0]) };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, &a.path, 1, 1, &n, &help, err));
	if (help)
		return RC_OK;
	if (a.reason != NULL && !is_plain_text(a.reason, REASON_MAX))
		return err_set(err, RC_USAGE, "--reason: printable text of at most %d bytes", REASON_MAX);
	if (a.days > 36500)
		return err_set(err, RC_USAGE, "--days: at most a century");
	return amend(&a, err);
}

/* --- succeed --------------------------------------------------------------------------------- */

/* The newest checkpoint of the copy, which the quorum must have cosigned: the new coordinator goes on from it. */
static enum rc
read_export(const struct charter *now, const char *from, struct succession *what, struct err *err)
{
	AUTO(log_source_free) struct log_source *source = NULL;
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(NOTE_BYTES_MAX), tail = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint	cp;
	char			path[FILE_PATH_MAX];
	enum rc			rc;

	TRY(log_source_new(from, NULL, NULL, &source, err));
	TRY(log_source_checkpoint(source, &cp, &note, err));
	if ((rc = charter_checkpoint_verify(now, buf_view(&note), true, &cp, NULL, err)) != RC_OK)
		return err_wrap(err, rc, "%s", from);
	/* What no quorum cosigned yet stays, too: some custodians did. */
	TRY(file_path(path, err, "%s.tail.checkpoint", from));
	if (file_exists(path)) {
		TRY(file_read(path, &tail, err));
		if ((rc = charter_checkpoint_verify(now, buf_view(&tail), false, &cp, NULL, err)) != RC_OK)
			return err_wrap(err, rc, "%s", path);
	}
	what->size = cp.size;
	memcpy(what->root, cp.root, sizeof(what->root));
	return RC_OK;
}

/* What the first who signs says; the others sign the same, or nothing. */
static enum rc
what_to_sign(const char *path, const char *from, const struct remote *r, const struct charter *next,
    struct succession *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);
	enum rc	rc = succession_file_read(path, ret, &dsse, err);

	if (rc == RC_MISSING) {
		if (from == NULL)
			return err_set(err, RC_USAGE, "from where does the log go on? --from EXPORT, a custodian's `custodiand "
			    "export`");
		memcpy(ret->genesis, r->first->digest, SHA256_BYTES);
		memcpy(ret->now, r->charter->digest, SHA256_BYTES);
		memcpy(ret->next, next->digest, SHA256_BYTES);
		return read_export(r->charter, from, ret, err);
	}
	TRY(rc);
	if (memcmp(ret->genesis, r->first->digest, SHA256_BYTES) != 0 ||
	    memcmp(ret->now, r->charter->digest, SHA256_BYTES) != 0)
		return err_set(err, RC_VERIFY, "%s.dsse is of another network, or follows another charter than the one in force", path);
	if (from != NULL) {
		struct succession	mine = *ret;

		TRY(read_export(r->charter, from, &mine, err));
		if (mine.size != ret->size || memcmp(mine.root, ret->root, sizeof(mine.root)) != 0)
			return err_set(err, RC_VERIFY, "%s.dsse goes on from %llu entries, and %s has %llu", path,
			    (unsigned long long)ret->size, from, (unsigned long long)mine.size);
	}
	return RC_OK;
}

static enum rc
an_amender(const struct charter *now, const struct keyfile *key, const char *word, struct err *err)
{
	uint8_t			 id[KEY_ID_BYTES];
	const struct person	*p;

	key_id(&keyfile_signer(key)->key, id);
	p = charter_person_by_key(now, id);
	for (uint8_t i = 0; p != NULL && i < now->n_amenders; i++)
		if (strcmp(now->amender[i], p->id) == 0)
			return RC_OK;
	return err_set(err, RC_DENIED, "%s: the key of no amender of the charter in force (custodians sign with `custodiand "
	    "agree`)", word);
}

static enum rc
tell_succession(const char *path, const struct charter *now, const struct charter *next, const struct succession *what,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX), missing = BUF_INIT(65536);
	char	hex[HEX_BYTES(SHA256_BYTES)];

	TRY(succession_signatures(path, now, &dsse, &missing, err));
	if (cli_json)
		return cli_print_json(json_pack("{s:o?,s:I,s:o?,s:b,s:o?}", "charter", json_hex(SPAN_OF(next->digest)), "size",
		    (json_int_t)what->size, "root", json_hex(SPAN_OF(what->root)), "complete", missing.n == 0, "missing",
		    json_text(buf_text(&missing))), err);
	cli_say("goes on from %llu entries, root %s\nsigned: %s.dsse\n", (unsigned long long)what->size,
	    hex_write(SPAN_OF(what->root), hex), path);
	if (missing.n == 0)
		puts("all that is needed have signed; next: coordinatord rebuild ... --succession");
	else
		cli_say("still missing:\n%s", buf_text(&missing));
	return RC_OK;
}

static enum rc
succeed(const char *path, const char *from, const char *keypath, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	AUTO(charter_free) struct charter *next = NULL;
	AUTO(keyfile_free) struct keyfile *key = NULL;
	struct succession	what;
	enum rc			rc;

	TRY(remote_open_people(&r, err));
	TRY(local_charter(path, &next, err));
	rc = charter_follows(r->charter, next, CHANGE_SUCCESSION, err);
	if (rc != RC_OK)
		return err_wrap(err, rc, "%s cannot follow the charter in force, as far as is known here", path);
	TRY(what_to_sign(path, from, r, next, &what, err));
	TRY(cli_key(keypath, &key, err));
	TRY(an_amender(r->charter, key, keypath, err));
	if (!cli_json) {
		puts("changes");
		TRY(print_changes(r->charter, next, err));
	}
	TRY(succession_file_sign(path, &what, keyfile_signer(key), err));
	return tell_succession(path, r->charter, next, &what, err);
}

enum rc
charter_succeed(int argc, char **argv, struct err *err)
{
	const char		*path = NULL, *key = NULL, *from = NULL;
	const struct option_row	rows[] = {
		{ "key", OPTION_TEXT | OPTION_NEEDED, &key, "KEY", "an amender's key: file or PKCS#11 URI" },
		{ "from", OPTION_TEXT, &from, "EXPORT", "a copy of the log (custodiand export): the new coordinator goes on from its "
		    "end; needed by whoever signs first" },
		JSON_ROW,
	};
	const struct command	c = { "quorate charter succeed NEW.json --key KEY [--from EXPORT]",
		"When the coordinator or its log key is lost: signs, into NEW.json.dsse, that the one in NEW.json succeeds it.\n"
		"Needs no coordinator. Amenders sign here, custodians with `custodiand agree`.", rows,
		sizeof(rows) / sizeof(rows[0]) };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, &path, 1, 1, &n, &help, err));
	return help ? RC_OK : succeed(path, from, key, err);
}

/* cli/show.c - quorate show: everything that an approver's signature will cover. */
#include <openssl/x509.h>

#include <stdio.h>
#include <string.h>

#include "cli/amendment.h"
#include "cli/artifact.h"
#include "cli/decisions.h"

#define TEXT_MAX	(32 << 20)

DEFINE_AUTO(X509_free, X509);

/* The subject and fingerprint of the certificate that will be able to open it. */
static enum rc
recipient_text(struct span der, char name[256], char hex[HEX_BYTES(SHA256_BYTES)], struct err *err)
{
	const unsigned char	*p = der.p;
	AUTO(X509_free) X509 *x = d2i_X509(NULL, &p, (long)der.n);
	uint8_t			 digest[SHA256_BYTES];
	char			*c;

	if (x == NULL)
		return err_set(err, RC_FORMAT, "the recipient's certificate cannot be read");
	(void)X509_NAME_oneline(X509_get_subject_name(x), name, 256);
	for (c = name; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			*c = '?';
	sha256_one(digest, der);
	hex_write(SPAN_OF(digest), hex);
	return RC_OK;
}

static enum rc
save_attachments(struct remote *r, const struct statement *s, const char *dir, struct err *err)
{
	char	path[FILE_PATH_MAX];
	uint8_t	i;

	TRY(file_mkdir(dir, err));
	for (i = 0; i < s->u.request.n_attachments; i++) {
		AUTO_DONE(buf_done) struct buf blob = BUF_INIT(TEXT_MAX + ERASABLE_SALT_BYTES);

		TRY(remote_blob(r, s->u.request.attachment[i].digest, &blob, err));
		if (blob.n < ERASABLE_SALT_BYTES)
			return err_set(err, RC_FORMAT, "an attachment is malformed");
		TRY(file_path(path, err, "%s/%u-%s", dir, i + 1u, s->u.request.attachment[i].kind));
		TRY(file_create(path, SPAN(blob.p + ERASABLE_SALT_BYTES, blob.n - ERASABLE_SALT_BYTES), 0600, err));
	}
	return RC_OK;
}

/* --- words ---------------------------------------------------------------------------------- */

static enum rc
print_scope(struct remote *r, const struct scope *s, struct err *err)
{
	struct descriptor	d;
	char			hex[HEX_BYTES(ARTIFACT_ID_BYTES)], size[24], t[WHEN_TEXT_BYTES];
	const struct part	*dp;
	uint32_t		a, p;

	puts("discloses");
	for (a = 0; a < s->n_artifacts; a++) {
		TRY(artifact_fetch(r, s->artifact[a].id, &d, NULL, NULL, err));
		cli_say("  artifact %s, sealed %s\n", hex_write(SPAN_OF(d.id), hex), when_write(d.sealed_at, t));
		for (p = 0; p < s->artifact[a].n_parts; p++) {
			const struct scope_part	*sp = &s->part[s->artifact[a].first_part + p];

			dp = descriptor_part(&d, sp->name);
			cli_say("    part %s, segments %u-%u of %u (%s)\n", sp->name, sp->first, sp->last,
			    dp == NULL ? 0 : part_segments(dp), dp == NULL ? "no such part" : size_text(dp->length, size));
		}
	}
	return RC_OK;
}

static const char *
requester_name(struct remote *r, const struct request_seen *s)
{
	const struct person	*p = remote_signer(r, &s->dsse, &s->statement);

	return p != NULL ? p->name : "nobody whom a charter names";
}

static void
print_state(const Quorate__V1__RequestReply *a)
{
	cli_say("state       %s (the coordinator's reckoning; the custodians make their own)", a->phase);
	if (a->have < a->need)
		cli_say("; %u of %u people so far", a->have, a->need);
	if (a->missing[0] != '\0')
		cli_say("; missing %s", a->missing);
	puts("");
	if (a->blocked[0] != '\0')
		cli_say("            a release would be refused now: %s\n", a->blocked_words);
}

static enum rc
print_request(struct remote *r, const struct request_seen *s, struct err *err)
{
	AUTO_DONE(buf_done) struct buf reason = BUF_INIT(TEXT_MAX);
	const struct statement	*st = &s->statement;
	const struct decision_list	 decisions = { st->id, s->reply->decisions, s->reply->n_decisions,
	    s->reply->uncounted, s->reply->n_uncounted };
	char	name[256], hex[HEX_BYTES(SHA256_BYTES)], id[HEX_BYTES(SHA256_BYTES)], t[WHEN_TEXT_BYTES], size[24];
	uint8_t	i;

	TRY(recipient_text(buf_view(&st->bytes), name, hex, err));
	TRY(erasable_text(r, st->u.request.reason, &reason, err));
	cli_say("request     %s\nrequester   %s\nlogged      %s, entry %llu; under the quorum's checkpoint\n",
	    hex_write(SPAN_OF(st->id), id), requester_name(r, s), when_write(s->logged, t),
	    (unsigned long long)s->reply->entry->index);
	cli_say("expires     %s\npolicy      %s\nreason      %s\nrecipient   %s\n            certificate SHA-256 %s\n",
	    when_write(st->expires, t), st->u.request.policy, buf_text(&reason), name, hex);
	for (i = 0; i < st->u.request.n_attachments; i++)
		cli_say("attachment  %s, %s (--attachments DIR saves it)\n", st->u.request.attachment[i].kind,
		    size_text(st->u.request.attachment[i].size, size));
	TRY(print_scope(r, &s->scope, err));
	TRY(decisions_print(r, &decisions, err));
	print_state(s->reply);
	return acknowledged_tell(r, st->id, s->reply, NULL, err);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *
scope_json(const struct scope *s)
{
	json_t		*list = json_array();
	uint32_t	 p;

	for (p = 0; list != NULL && p < s->n_parts; p++)
		if (json_array_append_new(list, json_pack("{s:o?,s:s,s:I,s:I}", "artifact",
		    json_hex(SPAN_OF(s->artifact[s->part[p].artifact].id)), "part", s->part[p].name, "first",
		    (json_int_t)s->part[p].first, "last", (json_int_t)s->part[p].last)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *
attachments_json(const struct statement *s)
{
	json_t	*list = json_array();
	uint8_t	 i;

	for (i = 0; list != NULL && i < s->u.request.n_attachments; i++)
		if (json_array_append_new(list, json_pack("{s:s,s:I,s:o?}", "kind", s->u.request.attachment[i].kind,
		    "bytes", (json_int_t)s->u.request.attachment[i].size, "digest",
		    json_hex(SPAN_OF(s->u.request.attachment[i].digest)))) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static enum rc
print_request_json(struct remote *r, const struct request_seen *s, struct err *err)
{
	AUTO_DONE(buf_done) struct buf reason = BUF_INIT(TEXT_MAX);
	const struct statement	*st = &s->statement;
	const Quorate__V1__RequestReply	*a = s->reply;
	const struct decision_list	 list = { st->id, a->decisions, a->n_decisions, a->uncounted,
	    a->n_uncounted };
	char	name[256], hex[HEX_BYTES(SHA256_BYTES)], t[WHEN_TEXT_BYTES];
	AUTO(json_decref) json_t *opened = json_array();
	json_t	*decisions = NULL;

	if (opened == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	TRY(acknowledged_tell(r, st->id, a, opened, err));
	TRY(recipient_text(buf_view(&st->bytes), name, hex, err));
	TRY(erasable_text(r, st->u.request.reason, &reason, err));
	TRY(decisions_json(r, &list, &decisions, err));
	return cli_print_json(json_pack(
	    "{s:o?,s:s,s:I,s:s,s:s,s:s,s:{s:s,s:s},s:o?,s:o?,s:o,s:s,s:s,s:s,s:I,s:I,s:I,s:O}", "request",
	    json_hex(SPAN_OF(st->id)), "requester", requester_name(r, s), "entry",
	    (json_int_t)a->entry->index, "policy", st->u.request.policy, "reason", buf_text(&reason), "expires",
	    when_write(st->expires, t), "recipient", "subject", name, "sha256", hex, "attachments", attachments_json(st), "scope", scope_json(&s->scope),
	    "decisions", decisions, "phase", a->phase, "blocked", a->blocked, "missing", a->missing, "have",
	    (json_int_t)a->have, "need", (json_int_t)a->need, "earliest", (json_int_t)a->earliest, "acknowledged", opened), err);
}

enum rc
show_request(struct remote *r, const uint8_t id[SHA256_BYTES], const char *attachments, struct err *err)
{
	AUTO_DONE(request_seen_done) struct request_seen s;

	memset(&s, 0, sizeof(s));
	TRY(request_fetch(r, id, &s, err));
	if (attachments != NULL)
		TRY(save_attachments(r, &s.statement, attachments, err));
	return cli_json ? print_request_json(r, &s, err) : print_request(r, &s, err);
}

enum rc
cmd_show(int argc, char **argv, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	const char		*word = NULL, *attachments = NULL;
	uint8_t			 id[SHA256_BYTES];
	const struct option_row	rows[] = {
		{ "attachments", OPTION_TEXT, &attachments, "DIR", "save the attachments there" },
		JSON_ROW,
	};
	const struct command	c = { "quorate show REQUEST|AMENDMENT [--attachments DIR]",
		"What an approver reads before signing: everything that the signature will cover, checked\n"
		"against the log and the charter.", rows, 2 };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, &word, 1, 1, &n, &help, err));
	if (help)
		return RC_OK;
	TRY(cli_id(word, id, sizeof(id), "a request or an amendment", err));
	TRY(remote_open(&r, err));
	return show_subject(r, id, attachments, err);
}

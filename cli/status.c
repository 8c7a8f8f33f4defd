/* cli/status.c - quorate status and list: where things stand. */
#include <stdio.h>
#include <string.h>

#include "cli/amendment.h"
#include "cli/artifact.h"
#include "cli/network.h"

#define LIST_PAGE	100
#define LIST_ROWS_MAX	10000

/* --- an artifact -------------------------------------------------------------------------- */

static enum rc
artifact_json(const struct descriptor *d, const Quorate__V1__ArtifactReply *a, int holders, bool sealed,
    struct err *err)
{
	json_t	*parts = json_array();
	uint8_t	 i;

	for (i = 0; parts != NULL && i < d->n_parts; i++)
		(void)json_array_append_new(parts, json_pack("{s:s,s:I,s:I}", "name", d->part[i].name, "bytes",
		    (json_int_t)d->part[i].length, "segments", (json_int_t)part_segments(&d->part[i])));
	return cli_print_json(json_pack("{s:o?,s:I,s:I,s:b,s:I,s:o?}", "artifact", json_hex(SPAN_OF(d->id)), "entry",
	    (json_int_t)a->batch, "sealed_at", (json_int_t)d->sealed_at, "sealed", sealed, "held",
	    (json_int_t)holders, "parts", parts), err);
}

static enum rc
judge_artifact(const struct charter *c, bool sealed, struct err *err)
{
	return sealed ? RC_OK : err_set(err, RC_UNSURE, "not yet sealed: fewer than %u custodians signed that they hold "
	    "their shares; keep the originals and ask again", c->h);
}

static enum rc
show_artifact(struct remote *r, const uint8_t id[ARTIFACT_ID_BYTES], struct err *err)
{
	Quorate__V1__ArtifactReply	*a = NULL;
	struct descriptor		 d;
	const struct policy_rule	*p;
	char				 hex[HEX_BYTES(ARTIFACT_ID_BYTES)], t[WHEN_TEXT_BYTES], size[24];
	uint32_t			 holders = 0;
	enum rc				 rc = RC_OK;
	uint8_t				 i;
	bool				 sealed;

	TRY(artifact_fetch(r, id, &d, &a, &holders, err));
	/* What the custodians signed, not what the coordinator says. */
	sealed = __builtin_popcount(holders) >= r->charter->h;
	p = charter_policy_by_digest(r->charter, d.policy);
	if (cli_json) {
		rc = artifact_json(&d, a, __builtin_popcount(holders), sealed, err);
		message_free(a);
		return rc == RC_OK ? judge_artifact(r->charter, sealed, err) : rc;
	}
	cli_say("artifact %s\nsealed   %s, entry %llu, under policy %s, class %s%s\nheld     by %d of %u custodians\n",
	    hex_write(SPAN(id, ARTIFACT_ID_BYTES), hex), when_write(d.sealed_at, t), (unsigned long long)a->batch,
	    p == NULL ? "?" : p->id, d.class_id, sealed ? "" : " - NOT YET SEALED", __builtin_popcount(holders),
	    r->charter->n);
	if (d.time_lock != 0)
		cli_say("locked   until %s\n", when_write(d.time_lock, t));
	for (i = 0; i < d.n_parts; i++)
		cli_say("part     %s, %s, %u segment%s\n", d.part[i].name, size_text(d.part[i].length, size),
		    part_segments(&d.part[i]), part_segments(&d.part[i]) == 1 ? "" : "s");
	message_free(a);
	return judge_artifact(r->charter, sealed, err);
}

enum rc
cmd_status(int argc, char **argv, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	const char		*word = NULL;
	uint8_t			 id[SHA256_BYTES];
	const struct option_row	rows[] = { JSON_ROW };
	const struct command	c = { "quorate status [ARTIFACT|REQUEST|AMENDMENT]",
		"The network, as each custodian and the coordinator say: who is up, what is wrong, and what was handed to\n"
		"custodians and is missing in the log. Exit 2 when the coordinator does not answer, 1 when there is proof\n"
		"that the log's key signed two pasts. With an id: where an artifact, a request or an amendment stands. An artifact is\n"
		"called sealed when enough custodians signed that they hold their shares; exit 2 until then.", rows, 1 };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, &word, 0, 1, &n, &help, err));
	if (help)
		return RC_OK;
	if (n == 1 && !hex_parse(span_str(word), id, ARTIFACT_ID_BYTES) && !hex_parse(span_str(word), id, SHA256_BYTES))
		return err_set(err, RC_USAGE, "\"%.70s\" is neither an artifact (32 hex digits) nor a request or amendment (64)", word);
	if (n == 0)
		return show_network(err);
	TRY(remote_open(&r, err));
	return strlen(word) == 2 * ARTIFACT_ID_BYTES ? show_artifact(r, id, err) : show_subject(r, id, NULL, err);
}

/* --- lists ------------------------------------------------------------------------------------ */

static void
row_words(const char *kind, const Quorate__V1__ListRow *row)
{
	char	hex[HEX_BYTES(SHA256_BYTES)], t[WHEN_TEXT_BYTES];

	if (row->id.len > SHA256_BYTES)
		return;
	cli_say("%s  %s  %-10s %-10s %-12s %s\n", hex_write(SPAN(row->id.data, row->id.len), hex),
	    when_write(row->time, t), row->policy, row->state, row->who, row->words);
	(void)kind;
}

static json_t *
row_json(const Quorate__V1__ListRow *row)
{
	return json_pack("{s:o?,s:I,s:I,s:s,s:s,s:s,s:s}", "id", json_hex(SPAN(row->id.data, row->id.len)), "entry",
	    (json_int_t)row->index, "time", (json_int_t)row->time, "policy", row->policy, "state", row->state, "who",
	    row->who, "words", row->words);
}

static enum rc
list_all(struct remote *r, const char *kind, const char *person, uint64_t limit, json_t *rows, struct err *err)
{
	Quorate__V1__ListRequest	 q = QUORATE__V1__LIST_REQUEST__INIT;
	Quorate__V1__ListReply		*a = NULL;
	uint64_t			 shown = 0, next = 0;
	size_t				 i;

	do {
		q.kind = (char *)(uintptr_t)kind;
		q.awaiting = (char *)(uintptr_t)(person == NULL ? "" : person);
		q.after = next;
		q.max = LIST_PAGE;
		TRY(remote_call(r, "List", &q, &quorate__v1__list_reply__descriptor, REMOTE_MS, &a, err));
		for (i = 0; i < a->n_rows && shown < limit; i++, shown++) {
			if (!cli_json)
				row_words(kind, a->rows[i]);
			else if (json_array_append_new(rows, row_json(a->rows[i])) != 0)
				shown = limit;
		}
		next = a->n_rows == 0 ? 0 : a->next;
		message_free(TAKE(a));
	} while (next != 0 && shown < limit);
	return RC_OK;
}

enum rc
cmd_list(int argc, char **argv, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	AUTO(keyfile_free) struct keyfile *key = NULL;
	const char		*kind = NULL, *me = NULL;
	const struct person	*person = NULL;
	uint64_t		 limit = 1000;
	json_t			*rows;
	uint8_t			 id[KEY_ID_BYTES];
	const struct option_row	options[] = {
		{ "awaiting", OPTION_TEXT, &me, "KEY", "requests or amendments that the owner of this key could approve" },
		{ "max", OPTION_NUMBER, &limit, "N", "at most this many, newest first (1000)" },
		JSON_ROW,
	};
	const struct command	c = { "quorate list artifacts|requests|amendments [--awaiting ME.key]",
		"Lists, newest first, as the coordinator says: `quorate status` and `quorate show` check what they print.",
		options, 3 };
	size_t	n;
	bool	help;
	enum rc	rc;

	TRY(options_read(&c, argc, argv, &kind, 1, 1, &n, &help, err));
	if (help)
		return RC_OK;
	if (strcmp(kind, "artifacts") != 0 && strcmp(kind, "requests") != 0 && strcmp(kind, "amendments") != 0)
		return err_set(err, RC_USAGE, "list artifacts, requests or amendments, not \"%.40s\"", kind);
	if (limit > LIST_ROWS_MAX)
		limit = LIST_ROWS_MAX;
	TRY(remote_open(&r, err));
	if (me != NULL) {
		TRY(cli_key(me, &key, err));
		key_id(&keyfile_signer(key)->key, id);
		if ((person = charter_person_by_key(r->charter, id)) == NULL)
			return err_set(err, RC_DENIED, "%s: the charter names nobody with that key", me);
	}
	if ((rows = json_array()) == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	rc = list_all(r, kind, person == NULL ? NULL : person->id, limit, rows, err);
	if (rc == RC_OK && cli_json)
		rc = cli_print_json(json_pack("{s:O}", kind, rows), err);
	json_decref(rows);
	return rc;
}

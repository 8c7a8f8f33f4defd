/* cli/charter_draft.c - quorate charter draft, remove, fetch, history: from the charter in force on. */
#include <stdio.h>
#include <string.h>

#include "cli/amendment.h"
#include "cli/charter.h"

#define ASK_MS	5000	/* for which charter is in force */

/* --- which one is in force -------------------------------------------------------------- */

enum rc
charter_now(const char *via, struct remote **ret, bool *ret_asked, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	AUTO(charter_free) struct charter *at = NULL;
	Quorate__V1__HeadReply	*head = NULL;
	enum rc			 rc;

	TRY(remote_open_people(&r, err));
	/* Only the way there: what comes along it is checked from the genesis. */
	if (via != NULL) {
		TRY(local_charter(via, &at, err));
		TRY(remote_connect(r, at, err));
		TRY(remote_follow(r, err));
	}
	rc = remote_ask_head(r, ASK_MS, &head, err);
	message_free(head);
	if (rc != RC_OK && rc != RC_UNSURE && rc != RC_IO)
		return rc;
	*ret_asked = rc == RC_OK;
	*ret = TAKE(r);
	return RC_OK;
}

static void
warn_not_asked(const struct remote *r)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	fprintf(stderr, "quorate charter: the coordinator was not asked or does not answer: %.16s... is the charter in force as "
	    "far as is known here\n", hex_write(SPAN_OF(r->charter->digest), hex));
}

/* --- draft ------------------------------------------------------------------------------- */

static enum rc
draft_of(const struct charter *c, const char *path, struct err *err)
{
	AUTO(json_decref) json_t *draft = NULL;

	TRY(json_read(buf_view(&c->bytes), CHARTER_BYTES_MAX, &draft, err));
	if (json_object_set_new(draft, "amends", json_hex(SPAN_OF(c->digest))) != 0)
		return err_set(err, RC_NOMEM, "no memory");
	return draft_write(path, draft, true, err);
}

enum rc
charter_draft(int argc, char **argv, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	const char		*out = NULL;
	const struct option_row	rows[] = {
		{ "out", OPTION_TEXT | OPTION_NEEDED, &out, "NEW.json", "the draft to write" },
		JSON_ROW,
	};
	const struct command	c = { "quorate charter draft --out NEW.json",
		"The charter in force, as the draft of one that follows it: change it (`quorate charter add`, `remove`, an\n"
		"editor), then `quorate charter amend NEW.json`.", rows, sizeof(rows) / sizeof(rows[0]) };
	size_t	n;
	bool	help, asked;
	char	hex[HEX_BYTES(SHA256_BYTES)];

	TRY(options_read(&c, argc, argv, NULL, 0, 0, &n, &help, err));
	if (help)
		return RC_OK;
	TRY(charter_now(NULL, &r, &asked, err));
	if (!asked)
		warn_not_asked(r);
	TRY(draft_of(r->charter, out, err));
	if (cli_json)
		return cli_print_json(json_pack("{s:o?,s:o?,s:b}", "draft", json_text(out), "amends",
		    json_hex(SPAN_OF(r->charter->digest)), "asked", asked), err);
	printf("wrote %s, which amends %s; change it, then: quorate charter amend %s --key KEY\n", out,
	    hex_write(SPAN_OF(r->charter->digest), hex), out);
	return RC_OK;
}

/* --- fetch --------------------------------------------------------------------------------- */

enum rc
charter_fetch(int argc, char **argv, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	const char		*out = NULL, *via = NULL;
	const struct option_row	rows[] = {
		{ "out", OPTION_TEXT, &out, "FILE", "write the document there" },
		{ "via", OPTION_TEXT, &via, "NEW.json", "ask the coordinator that this document names, as after a succession" },
		JSON_ROW,
	};
	const struct command	c = { "quorate charter fetch [--out FILE] [--via NEW.json]",
		"Fetches the charter in force, checked from the genesis, and remembers it. --via needs no trust: it is only\n"
		"the way to a coordinator that the genesis does not know.", rows, sizeof(rows) / sizeof(rows[0]) };
	size_t	n;
	bool	help, asked;
	char	hex[HEX_BYTES(SHA256_BYTES)];

	TRY(options_read(&c, argc, argv, NULL, 0, 0, &n, &help, err));
	if (help)
		return RC_OK;
	TRY(charter_now(via, &r, &asked, err));
	if (!asked)
		return err_set(err, RC_UNSURE, "the coordinator does not answer; after a succession: --via NEW.json");
	if (out != NULL)
		TRY(file_create(out, buf_view(&r->charter->bytes), 0644, err));
	if (cli_json)
		return cli_print_json(json_pack("{s:o?,s:I}", "charter", json_hex(SPAN_OF(r->charter->digest)), "charters",
		    (json_int_t)r->lineage.n), err);
	printf("in force: %s, charter %u of this network; checked from the genesis\n",
	    hex_write(SPAN_OF(r->charter->digest), hex), r->lineage.n);
	return RC_OK;
}

/* --- history --------------------------------------------------------------------------------- */

struct came {
	const char	*how;		/* "genesis", "amendment", "succession" */
	uint8_t		 id[SHA256_BYTES];
	const char	*by;		/* of an amendment: who proposed it */
	uint64_t	 since;
	when		 time;
};

/* The statement of the lineage that brought this charter; the replay has shown that one did. */
static enum rc
came_by(const struct remote *r, const uint8_t digest[SHA256_BYTES], struct came *ret, struct err *err)
{
	const struct evidence_case	*k = &r->lineage.kase;

	for (uint32_t i = 0; i < k->n_entries; i++) {
		AUTO_DONE(dsse_done) struct dsse d = { .n_sig = 0 };
		AUTO_DONE(statement_done) struct statement s = { .type = STATEMENT_UNKNOWN };
		const struct person	*p;
		struct entry		 e;

		if (!r->lineage.checked->verdict[i].effective)
			continue;
		TRY(entry_parse(k->entry[i].leaf, &e, err));
		TRY(dsse_parse(e.dsse, &d, err));
		TRY(statement_parse(&d, &s, err));
		if ((s.type != STATEMENT_AMENDMENT && s.type != STATEMENT_SUCCESSION) ||
		    memcmp(s.subject, digest, SHA256_BYTES) != 0)
			continue;
		p = s.type == STATEMENT_AMENDMENT ? remote_signer(r, &d, &s) : NULL;
		ret->how = s.type == STATEMENT_AMENDMENT ? "amendment" : "succession";
		ret->by = p == NULL ? "" : p->name;
		memcpy(ret->id, s.id, sizeof(ret->id));
	}
	return RC_OK;
}

static enum rc
came(const struct remote *r, uint32_t i, struct came *ret, struct err *err)
{
	*ret = (struct came){ .how = "genesis", .by = "" };
	if (r->lineage.checked != NULL) {
		ret->since = r->lineage.checked->since[i];
		ret->time = r->lineage.checked->since_time[i];
	}
	return i == 0 ? RC_OK : came_by(r, r->lineage.charter[i]->digest, ret, err);
}

static enum rc
history_one(const struct remote *r, uint32_t i, struct err *err)
{
	const struct charter	*c = r->lineage.charter[i];
	char			 hex[HEX_BYTES(SHA256_BYTES)], id[HEX_BYTES(SHA256_BYTES)], t[WHEN_TEXT_BYTES];
	struct came		 how;

	TRY(came(r, i, &how, err));
	printf("%u. %s, %s\n", i + 1, hex_write(SPAN_OF(c->digest), hex), i == 0 ? "the genesis" : how.how);
	if (i == 0)
		return RC_OK;
	printf("  in force since %s, entry %llu", when_write(how.time, t), (unsigned long long)how.since);
	if (how.by[0] != '\0')
		printf("; proposed by %s", how.by);
	printf("\n  %s %s\n", how.how, hex_write(SPAN_OF(how.id), id));
	return print_changes(r->lineage.charter[i - 1], c, err);
}

static enum rc
history_json(const struct remote *r, struct err *err)
{
	AUTO(json_decref) json_t *list = json_array();
	struct came	how;
	json_t		*changes;

	for (uint32_t i = 0; list != NULL && i < r->lineage.n; i++) {
		const struct charter	*c = r->lineage.charter[i];

		TRY(came(r, i, &how, err));
		TRY(changes_json(i == 0 ? c : r->lineage.charter[i - 1], c, &changes, err));
		if (json_array_append_new(list, json_pack("{s:o?,s:s,s:s,s:o?,s:I,s:I,s:o}", "charter",
		    json_hex(SPAN_OF(c->digest)), "how", how.how, "by", how.by, "statement", json_hex(SPAN_OF(how.id)),
		    "entry", (json_int_t)how.since, "time", (json_int_t)how.time, "changes", changes)) != 0)
			return err_set(err, RC_NOMEM, "no memory");
	}
	return cli_print_json(json_pack("{s:O?}", "charters", list), err);
}

enum rc
charter_history(int argc, char **argv, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	const struct option_row	rows[] = { JSON_ROW };
	const struct command	c = { "quorate charter history",
		"Every charter of this network, checked from the genesis: since when, how it came in force, what it changed.",
		rows, 1 };
	size_t	n;
	bool	help, asked;

	TRY(options_read(&c, argc, argv, NULL, 0, 0, &n, &help, err));
	if (help)
		return RC_OK;
	TRY(charter_now(NULL, &r, &asked, err));
	if (!asked)
		warn_not_asked(r);
	if (cli_json)
		return history_json(r, err);
	for (uint32_t i = 0; i < r->lineage.n; i++)
		TRY(history_one(r, i, err));
	return RC_OK;
}

/* --- remove ------------------------------------------------------------------------------------ */

static const struct {
	const char	*word, *list, *id;
} removable[] = {
	{ "person", "people", "id" }, { "policy", "policies", "id" }, { "sealer", "sealers", "id" },
	{ "host", "hosts", "name" }, { "tsa", "tsas", "id" },
};

/* How many went. */
static size_t
remove_from(json_t *list, const char *member, const char *id)
{
	size_t	i = 0, gone = 0;

	while (i < json_array_size(list)) {
		const json_t	*v = json_array_get(list, i);
		const char	*s = json_string_value(member == NULL ? v : json_object_get(v, member));

		if (s == NULL || strcmp(s, id) != 0)
			i++;
		else if (json_array_remove(list, i) == 0)
			gone++;
		else
			break;
	}
	return gone;
}

/* Who is gone amends and vetoes nothing: the lists of `amend` name people of the charter only. */
static void
remove_amender(json_t *draft, const char *id)
{
	json_t	*amend = json_object_get(draft, "amend");

	if (remove_from(json_object_get(amend, "people"), NULL, id) > 0 && !cli_json)
		printf("%s is no amender any more either; how many must approve is as it was\n", id);
	if (remove_from(json_object_get(amend, "veto"), NULL, id) > 0 && !cli_json)
		printf("%s has no veto against amendments any more either\n", id);
}

static enum rc
remove_one(const char *path, const char *kind, const char *id, struct err *err)
{
	AUTO(json_decref) json_t *draft = NULL;
	size_t	i;

	TRY(draft_unsigned(path, err));
	TRY(draft_read(path, &draft, err));
	for (i = 0; i < sizeof(removable) / sizeof(removable[0]) && strcmp(kind, removable[i].word) != 0; i++)
		continue;
	if (strcmp(kind, "class") == 0)
		return err_set(err, RC_USAGE, "a class stays: artifacts were sealed under it");
	if (strcmp(kind, "custodian") == 0)
		return err_set(err, RC_USAGE, "a custodian is not removed: that needs a hand-over, which this version does not "
		    "have");
	if (i == sizeof(removable) / sizeof(removable[0]))
		return err_set(err, RC_USAGE, "no such kind: %.40s; one of person, policy, sealer, host, tsa", kind);
	if (remove_from(json_object_get(draft, removable[i].list), removable[i].id, id) == 0)
		return err_set(err, RC_USAGE, "%s has no %s \"%.64s\"", path, kind, id);
	if (strcmp(kind, "person") == 0)
		remove_amender(draft, id);
	TRY(draft_write(path, draft, false, err));
	if (cli_json)
		return cli_print_json(json_pack("{s:s,s:o?}", "removed", kind, "id", json_text(id)), err);
	printf("removed %s %s\n", kind, id);
	return RC_OK;
}

enum rc
charter_remove(int argc, char **argv, struct err *err)
{
	const char		*word[3] = { NULL, NULL, NULL };
	const struct option_row	rows[] = { JSON_ROW };
	const struct command	c = { "quorate charter remove NEW.json KIND ID",
		"Takes out of a draft. KIND is person, policy, sealer, host or tsa.", rows, 1 };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, word, 3, 3, &n, &help, err));
	return help ? RC_OK : remove_one(word[0], word[1], word[2], err);
}

/*
 * cli/charter.c - quorate charter: new, sign, show, verify. (add: cli/charter_add.c; draft, remove,
 * fetch, history: cli/charter_draft.c; amend, succeed: cli/charter_amend.c)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/changes.h"
#include "cli/charter.h"
#include "edge/signing.h"

enum rc
draft_read(const char *path, json_t **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(CHARTER_BYTES_MAX);
	enum rc	rc;

	TRY(file_read_given(path, &text, err));
	if ((rc = json_read(buf_view(&text), CHARTER_BYTES_MAX, ret, err)) != RC_OK)
		return err_wrap(err, rc, "%s", path);
	return RC_OK;
}

enum rc
draft_write(const char *path, const json_t *draft, bool fresh, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(CHARTER_BYTES_MAX);
	char	*dump = json_dumps(draft, JSON_INDENT(2));

	if (dump == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	buf_printf(&text, "%s\n", dump);
	free(dump);
	TRY(buf_check(&text, "charter", err));
	return fresh ? file_create(path, buf_view(&text), 0644, err) : file_write(path, buf_view(&text), 0644, err);
}

enum rc
draft_unsigned(const char *path, struct err *err)
{
	char	sidecar[FILE_PATH_MAX];

	TRY(file_path(sidecar, err, "%s.dsse", path));
	if (file_exists(sidecar))
		return err_set(err, RC_USAGE, "%s is signed already; a change would void the signatures: remove %s "
		    "first and have all sign again", path, sidecar);
	return RC_OK;
}

/* --- new --------------------------------------------------------------------------- */

static json_t *
empty_draft(const char *name, uint64_t n, uint64_t k, uint64_t f, uint64_t q, uint64_t h, bool single)
{
	json_t	*o = json_pack("{s:i,s:i,s:s,s:{s:I,s:I,s:I,s:I,s:I},s:[],s:[],s:[],s:[],s:[],s:[],s:[]}",
	    "charter", 1, "rules", CHARTER_RULES, "name", name, "threshold", "n", (json_int_t)n, "k",
	    (json_int_t)k, "f", (json_int_t)f, "q", (json_int_t)q, "h", (json_int_t)h, "custodians", "people",
	    "sealers", "policies", "classes", "hosts", "tsas");

	if (o != NULL && single && json_object_set_new(o, "single_operator", json_true()) != 0) {
		json_decref(o);
		return NULL;
	}
	if (o != NULL && (json_object_set_new(o, "receipt_seconds", json_integer(3600)) != 0 ||
	    json_object_set_new(o, "order_seconds", json_integer(900)) != 0)) {
		json_decref(o);
		return NULL;
	}
	return o;
}

struct new_options { const char *path, *name; uint64_t n, k, f, h; bool single; };

static enum rc
make_new(const struct new_options *v, struct err *err)
{
	AUTO(json_decref) json_t *draft = NULL;
	uint64_t	f, q, h;

	if (v->n < 2 || v->n > CUSTODIANS_MAX || v->k < 2 || v->k > v->n)
		return err_set(err, RC_USAGE, "n is 2..%d and k is 2..n", CUSTODIANS_MAX);
	f = v->f == UINT64_MAX ? charter_default_f((unsigned)v->n, (unsigned)v->k) : v->f;
	q = f > v->n ? 0 : charter_quorum((unsigned)v->n, (unsigned)v->k, (unsigned)f);
	if (q == 0)
		return err_set(err, RC_USAGE, "%u-of-%u cannot bear f = %u liars: no quorum of cosignatures fits; "
		    "lower f or raise n", (unsigned)v->k, (unsigned)v->n, (unsigned)f);
	h = v->h == 0 ? q : v->h > v->n ? v->n + 1 : v->h;	/* too many is too many, however many */
	TRY(charter_numbers((unsigned)v->n, (unsigned)v->k, (unsigned)f, (unsigned)q, (unsigned)h, err));
	if ((draft = empty_draft(v->name, v->n, v->k, f, q, h, v->single)) == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	TRY(draft_write(v->path, draft, true, err));
	if (cli_json)
		return cli_print_json(json_pack("{s:o?,s:I,s:I,s:I,s:I,s:I}", "charter", json_text(v->path), "n",
		    (json_int_t)v->n, "k", (json_int_t)v->k, "f", (json_int_t)f, "q", (json_int_t)q, "h",
		    (json_int_t)h), err);
	cli_say("wrote %s: %u-of-%u, f=%u, q=%u, h=%u; next: quorate charter add %s ...\n", v->path,
	    (unsigned)v->k, (unsigned)v->n, (unsigned)f, (unsigned)q, (unsigned)h, v->path);
	return RC_OK;
}

static enum rc
charter_new(int argc, char **argv, struct err *err)
{
	struct new_options	v = { .n = 5, .k = 3, .f = UINT64_MAX };
	const struct option_row	rows[] = {
		{ "o", OPTION_TEXT | OPTION_NEEDED, &v.path, "FILE", "the draft to write" },
		{ "name", OPTION_TEXT | OPTION_NEEDED, &v.name, "TEXT", "what people call it" },
		{ "n", OPTION_NUMBER, &v.n, "N", "custodians (5)" },
		{ "k", OPTION_NUMBER, &v.k, "K", "how many of them open (3)" },
		{ "f", OPTION_NUMBER, &v.f, "F", "how many of them may lie (the most that fits)" },
		{ "holders", OPTION_NUMBER, &v.h, "H", "how many must hold before a seal counts (q)" },
		{ "single-operator", OPTION_FLAG, &v.single, NULL,
		    "allow two custodians of one organisation; every audit says so" },
		JSON_ROW,
	};
	const struct command	c = { "quorate charter new -o charter.json --name TEXT [-n 5] [-k 3] [-f 1]",
		"Begins the draft of a charter.", rows, sizeof(rows) / sizeof(rows[0]) };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, NULL, 0, 0, &n, &help, err));
	if (help)
		return RC_OK;
	if (!is_plain_text(v.name, NAME_MAX_BYTES))
		return err_set(err, RC_USAGE, "--name: printable text of at most %d bytes", NAME_MAX_BYTES);
	return make_new(&v, err);
}

/* --- sign ---------------------------------------------------------------------------- */

static enum rc
charter_sign(int argc, char **argv, struct err *err)
{
	AUTO(charter_free) struct charter *charter = NULL;
	AUTO(keyfile_free) struct keyfile *key = NULL;
	const char		*path = NULL, *keypath = NULL;
	const struct option_row	rows[] = {
		{ "key", OPTION_TEXT | OPTION_NEEDED, &keypath, "KEY", "an amender's key: file or PKCS#11 URI" },
		JSON_ROW,
	};
	const struct command	c = { "quorate charter sign charter.json --key KEY",
		"Adds a signature to charter.json.dsse. Amenders sign here, custodians with `custodiand enroll`.",
		rows, sizeof(rows) / sizeof(rows[0]) };
	uint8_t	id[KEY_ID_BYTES];
	char	hex[HEX_BYTES(SHA256_BYTES)];
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, &path, 1, 1, &n, &help, err));
	if (help)
		return RC_OK;
	TRY(local_charter(path, &charter, err));
	if (charter->has_amends)
		return err_set(err, RC_USAGE, "%s follows another charter: it is approved (`quorate charter amend`), and a "
		    "succession signed with `quorate charter succeed`", path);
	TRY(cli_key(keypath, &key, err));
	key_id(&keyfile_signer(key)->key, id);
	if (charter_person_by_key(charter, id) == NULL)
		return err_set(err, RC_DENIED, "%s: this charter names nobody with that key", keypath);
	TRY(charter_sign_file(path, charter, keyfile_signer(key), err));
	if (cli_json)
		return cli_print_json(json_pack("{s:o?,s:s}", "genesis", json_hex(SPAN_OF(charter->digest)),
		    "signed_by", charter_person_by_key(charter, id)->id), err);
	cli_say("genesis %s\nsigned by %s; compare the digest with the others by another way\n",
	    hex_write(SPAN_OF(charter->digest), hex), charter_person_by_key(charter, id)->id);
	return RC_OK;
}

/* --- show, verify -------------------------------------------------------------------- */

static void
show_people(const struct charter *c)
{
	char		hex[HEX_BYTES(KEY_ID_BYTES)];
	uint8_t		id[KEY_ID_BYTES];
	uint32_t	i;
	uint8_t		r;

	puts("\npeople");
	for (i = 0; i < c->n_people; i++) {
		cli_say("  %-12s %s, %s:", c->person[i].id, c->person[i].name, c->person[i].organisation);
		for (r = 0; r < c->person[i].n_roles; r++)
			cli_say("%s %s", r == 0 ? "" : ",", c->person[i].role[r]);
		puts("");
		for (r = 0; r < c->person[i].n_keys; r++) {
			key_id(&c->person[i].key[r], id);
			cli_say("  %-12s key %s\n", "", hex_write(SPAN_OF(id), hex));
		}
	}
	puts("\ncustodians");
	for (i = 0; i < c->n; i++)
		cli_say("  %-2u %s, %s, at %s%s%s\n", c->custodian[i].index, c->custodian[i].name,
		    c->custodian[i].organisation, c->custodian[i].address,
		    c->custodian[i].signing_key_sealed ? "; signing key outside the token" : "",
		    c->custodian[i].extractable ? "; ITS TOKEN GIVES KEYS AWAY" : "");
}

static void
show_policy(const struct policy_rule *p)
{
	AUTO_DONE(buf_done) struct buf words = BUF_INIT(65536);

	policy_words(p, &words);
	cli_say("  %-12s %s\n", p->id, buf_text(&words));
}

static void
show_tsas(const struct charter *c)
{
	uint32_t	i;
	uint8_t		j;

	if (c->n_tsas == 0)
		return;
	cli_say("\ntime-stamps, where something was logged, at the latest after");
	if (c->anchor_entries != 0)
		cli_say(" %llu entries", (unsigned long long)c->anchor_entries);
	if (c->anchor_seconds != 0)
		cli_say("%s %llu seconds", c->anchor_entries != 0 ? " or" : "", (unsigned long long)c->anchor_seconds);
	puts("");
	for (i = 0; i < c->n_tsas; i++) {
		cli_say("  %-12s %s, %u trusted certificate%s\n", c->tsa[i].id, c->tsa[i].url, c->tsa[i].n_certificates,
		    c->tsa[i].n_certificates == 1 ? "" : "s");
		for (j = 0; j < c->tsa[i].n_crls; j++)
			cli_say("  %-12s revocation list %s\n", "", c->tsa[i].crl[j]);
	}
}

static void
show_names(const char *what, const char (*id)[ID_MAX + 1], size_t n)
{
	cli_say("  %-12s", what);
	for (size_t i = 0; i < n; i++)
		cli_say("%s%s", i == 0 ? " " : ", ", id[i]);
	puts(n == 0 ? " nobody" : "");
}

static void
show_amenders(const struct charter *c)
{
	puts("\namendments");
	show_names("approved by", c->amender, c->n_amenders);
	show_names("vetoed by", c->amend_veto, c->n_amend_veto);
}

static enum rc
print_charter(const struct charter *c, struct err *err)
{
	AUTO_DONE(buf_done) struct buf words = BUF_INIT(65536);
	char		hex[HEX_BYTES(SHA256_BYTES)];
	uint32_t	i;

	charter_explain(c, &words);
	TRY(buf_check(&words, "charter", err));
	cli_say("%s\n%s %s\n", c->name, c->has_amends ? "charter" : "genesis", hex_write(SPAN_OF(c->digest), hex));
	if (c->has_amends)
		cli_say("amends  %s\n", hex_write(SPAN_OF(c->amends), hex));
	cli_say("log     %s, run by %s at %s\n\n%s", c->origin, c->coordinator.organisation, c->coordinator.address,
	    buf_text(&words));
	show_people(c);
	show_amenders(c);
	puts("\npolicies");
	for (i = 0; i < c->n_policies; i++)
		show_policy(&c->policy[i]);
	show_tsas(c);
	return RC_OK;
}

static enum rc
charter_show(int argc, char **argv, struct err *err)
{
	AUTO(charter_free) struct charter *charter = NULL;
	const char		*path = NULL;
	AUTO(remote_free) struct remote *r = NULL;
	const struct charter	*show;
	bool			 in_force = false;
	const struct option_row	rows[] = {
		{ "in-force", OPTION_FLAG, &in_force, NULL, "the one in force, checked from the genesis, as the coordinator shows it" },
		JSON_ROW,
	};
	const struct command	c = { "quorate charter show [charter.json | --in-force]", "Prints a charter in words.", rows, 2 };
	size_t	n;
	bool	help, asked;

	TRY(options_read(&c, argc, argv, &path, 0, 1, &n, &help, err));
	if (help)
		return RC_OK;
	if (in_force && path != NULL)
		return err_set(err, RC_USAGE, "--in-force or a file, not both");
	if (in_force)
		TRY(charter_now(NULL, &r, &asked, err));
	else
		TRY(local_charter(path, &charter, err));
	if (in_force && !asked)
		return err_set(err, RC_UNSURE, "the coordinator does not answer: what is in force cannot be told");
	show = in_force ? r->charter : charter;
	if (!cli_json)
		return print_charter(show, err);
	return cli_print_json(json_pack("{s:o?,s:s,s:s,s:i,s:i,s:i,s:i,s:i,s:I,s:o?}", show->has_amends ? "charter" : "genesis",
	    json_hex(SPAN_OF(show->digest)), "name", show->name, "origin", show->origin, "n", show->n, "k", show->k, "f",
	    show->f, "q", show->q, "h", show->h, "rules", (json_int_t)show->rules, "amends", show->has_amends ?
	    json_hex(SPAN_OF(show->amends)) : json_null()), err);
}

/* "a\nb\n" as "a;b". */
static const char *
one_line(struct buf *lines)
{
	char	*s = (char *)(uintptr_t)buf_text(lines), *p;

	for (p = s; (p = strchr(p, '\n')) != NULL; p++)
		*p = p[1] == '\0' ? '\0' : ';';
	return s;
}

static enum rc
charter_verify(int argc, char **argv, struct err *err)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX), missing = BUF_INIT(65536);
	AUTO(charter_free) struct charter *charter = NULL;
	const char		*path = NULL;
	const struct option_row	rows[] = { JSON_ROW };
	const struct command	c = { "quorate charter verify charter.json",
		"Could this charter work, what do its numbers mean, and has everyone signed it?", rows, 1 };
	size_t	n;
	bool	help;
	enum rc	rc;

	TRY(options_read(&c, argc, argv, &path, 0, 1, &n, &help, err));
	if (help)
		return RC_OK;
	if (path == NULL)
		path = getenv("QUORATE_CHARTER");
	TRY(local_charter(path, &charter, err));
	if (!cli_json)
		TRY(print_charter(charter, err));
	if (charter->has_amends && !cli_json)
		puts("\nit follows another charter: it comes in force by amendment or succession, not by signatures");
	if (charter->has_amends)
		return cli_json ? cli_print_json(json_pack("{s:s,s:o?}", "verdict", "follows", "charter",
		    json_hex(SPAN_OF(charter->digest))), err) : RC_OK;
	rc = charter_signatures(path, charter, &dsse, &missing, err);
	if (rc == RC_MISSING)
		return err_set(err, RC_DENIED, "nobody has signed %s yet", path);
	TRY(rc);
	if (missing.n != 0)
		return err_set(err, RC_DENIED, "not everyone has signed: %s", one_line(&missing));
	if (cli_json)
		return cli_print_json(json_pack("{s:s,s:o?}", "verdict", "signed", "genesis",
		    json_hex(SPAN_OF(charter->digest))), err);
	puts("\nall custodians and amenders have signed");
	return RC_OK;
}

enum rc
cmd_charter(int argc, char **argv, struct err *err)
{
	static const struct { const char *word; command_fn *run; } verbs[] = {
		{ "new", charter_new }, { "add", charter_add }, { "sign", charter_sign },
		{ "show", charter_show }, { "verify", charter_verify }, { "remove", charter_remove },
		{ "draft", charter_draft }, { "amend", charter_amend }, { "history", charter_history },
		{ "fetch", charter_fetch }, { "succeed", charter_succeed },
	};
	size_t	i;

	for (i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].word) == 0)
			return verbs[i].run(argc - 1, argv + 1, err);
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		puts("usage: quorate charter new|add|remove|sign|show|verify|draft|amend|history|fetch|succeed ...\n"
		    "(each has --help)");
		return RC_OK;
	}
	return err_set(err, RC_USAGE, "say what: new, add, remove, sign, show, verify, draft, amend, history, fetch or "
	    "succeed");
}

/* cli/charter_add.c - quorate charter add: parties, people, policies into a draft. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/charter.h"

struct add_options {
	const char	*id, *name, *organisation, *key, *url;
	struct texts	 roles, people, veto, certificates, crls;
	uint64_t	 retain_days, per_day, need, delay, entries, seconds;
};

static enum rc
no_memory(struct err *err)
{
	return err_set(err, RC_NOMEM, "no memory");
}

static enum rc
need_option(const char *v, const char *name, struct err *err)
{
	return v != NULL ? RC_OK : err_set(err, RC_USAGE, "--%s is missing", name);
}

/* What people will read in the charter: refused here and not when all have to sign. */
static enum rc
check_texts(const struct add_options *v, struct err *err)
{
	const char	*one[] = { v->id, v->name, v->organisation };
	size_t		 i;

	for (i = 0; i < sizeof(one) / sizeof(one[0]); i++)
		if (one[i] != NULL && !is_plain_text(one[i], NAME_MAX_BYTES))
			return err_set(err, RC_USAGE, "--id, --name, --organisation: printable text of at most %d bytes",
			    NAME_MAX_BYTES);
	for (i = 0; i < v->roles.n; i++)
		if (!is_ident(v->roles.v[i], ID_MAX))
			return err_set(err, RC_USAGE, "--role %.40s: lower-case letters, digits, . _ -", v->roles.v[i]);
	return RC_OK;
}

static enum rc
push(json_t *draft, const char *list, json_t *v, struct err *err)
{
	json_t	*a = json_object_get(draft, list);

	if (v == NULL)
		return no_memory(err);
	if (!json_is_array(a)) {
		json_decref(v);
		return err_set(err, RC_FORMAT, "the draft has no list \"%s\"; begin anew with `quorate charter new`",
		    list);
	}
	return json_array_append_new(a, v) == 0 ? RC_OK : no_memory(err);
}

static enum rc
read_json(const char *path, json_t **ret, struct err *err)
{
	if (path == NULL)
		return err_set(err, RC_USAGE, "which file?");
	return draft_read(path, ret, err);
}

/* A key from a .pub file: checked, so that a private key is never pasted in. */
static enum rc
public_key(const char *path, json_t **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(1024), out = BUF_INIT(256);
	struct key	k;
	enum rc		rc;

	TRY(need_option(path, "key", err));
	TRY(file_read_given(path, &text, err));
	while (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	if ((rc = key_parse(buf_view(&text), &k, err)) != RC_OK)
		return err_wrap(err, rc, "%s: give the .pub file that `quorate keygen` wrote", path);
	key_write(&k, &out);
	TRY(buf_check(&out, "key", err));
	*ret = json_string(buf_text(&out));
	return *ret == NULL ? no_memory(err) : RC_OK;
}

static enum rc
add_custodian(json_t *draft, const char *file, const struct add_options *v, struct err *err)
{
	AUTO(json_decref) json_t *e = NULL;
	json_t	*list = json_object_get(draft, "custodians");

	(void)v;
	if (json_object_get(draft, "amends") != NULL)
		return err_set(err, RC_USAGE, "custodians do not change by an amendment: that needs a hand-over, which this "
		    "version does not have");
	TRY(read_json(file, &e, err));
	if (!json_is_object(e) || json_object_get(e, "kind") == NULL ||
	    strcmp(json_string_value(json_object_get(e, "kind")) == NULL ? "" :
	    json_string_value(json_object_get(e, "kind")), "custodian") != 0)
		return err_set(err, RC_FORMAT, "%s: not a custodian's enrolment.json", file);
	(void)json_object_del(e, "kind");
	if (json_is_false(json_object_get(e, "extractable")))
		(void)json_object_del(e, "extractable");
	if (json_object_set_new(e, "index", json_integer((json_int_t)json_array_size(list) + 1)) != 0)
		return no_memory(err);
	return push(draft, "custodians", json_incref(e), err);
}

static enum rc
add_coordinator(json_t *draft, const char *file, const struct add_options *v, struct err *err)
{
	AUTO(json_decref) json_t *e = NULL;
	const char	*kind;
	json_t		*origin;

	(void)v;
	TRY(read_json(file, &e, err));
	kind = json_string_value(json_object_get(e, "kind"));
	origin = json_object_get(e, "origin");
	if (kind == NULL || strcmp(kind, "coordinator") != 0 || !json_is_string(origin))
		return err_set(err, RC_FORMAT, "%s: not a coordinator's enrolment.json", file);
	if (json_object_set(draft, "origin", origin) != 0)
		return no_memory(err);
	(void)json_object_del(e, "kind");
	(void)json_object_del(e, "origin");
	return json_object_set(draft, "coordinator", e) == 0 ? RC_OK : no_memory(err);
}

static json_t *
texts_json(const struct texts *t)
{
	json_t	*a = json_array();
	size_t	 i;

	for (i = 0; a != NULL && i < t->n; i++)
		if (json_array_append_new(a, json_string(t->v[i])) != 0) {
			json_decref(a);
			return NULL;
		}
	return a;
}

static enum rc
add_person(json_t *draft, const char *file, const struct add_options *v, struct err *err)
{
	json_t	*key = NULL;

	(void)file;
	TRY(need_option(v->id, "id", err));
	TRY(need_option(v->name, "name", err));
	TRY(need_option(v->organisation, "organisation", err));
	if (v->roles.n == 0)
		return err_set(err, RC_USAGE, "--role is missing");
	TRY(public_key(v->key, &key, err));
	return push(draft, "people", json_pack("{s:s,s:s,s:s,s:o?,s:[o]}", "id", v->id, "name", v->name,
	    "organisation", v->organisation, "roles", texts_json(&v->roles), "keys", key), err);
}

static enum rc
add_sealer(json_t *draft, const char *file, const struct add_options *v, struct err *err)
{
	json_t	*key = NULL;

	(void)file;
	TRY(need_option(v->id, "id", err));
	TRY(need_option(v->organisation, "organisation", err));
	TRY(public_key(v->key, &key, err));
	return push(draft, "sealers", json_pack("{s:s,s:s,s:o,s:I}", "id", v->id, "organisation",
	    v->organisation, "key", key, "artifacts_per_day", (json_int_t)v->per_day), err);
}

static enum rc
add_policy(json_t *draft, const char *file, const struct add_options *v, struct err *err)
{
	json_t	*p = NULL;

	(void)v;
	TRY(read_json(file, &p, err));
	return push(draft, "policies", p, err);
}

static enum rc
add_class(json_t *draft, const char *file, const struct add_options *v, struct err *err)
{
	(void)file;
	TRY(need_option(v->id, "id", err));
	return push(draft, "classes", json_pack("{s:s,s:I}", "id", v->id, "retain_days",
	    (json_int_t)v->retain_days), err);
}

/* A certificate in PEM from a file, as base64 of its DER. */
static enum rc
certificate(const char *path, json_t **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf pem = BUF_INIT(16384), der = BUF_INIT(TLS_CERT_MAX), b64 = BUF_INIT(16384);
	enum rc	rc;

	TRY(file_read_given(path, &pem, err));
	if ((rc = pem_to_der(buf_view(&pem), &der, err)) != RC_OK)
		return err_wrap(err, rc, "%s", path);
	b64_write(&b64, buf_view(&der));
	TRY(buf_check(&b64, "certificate", err));
	*ret = json_string(buf_text(&b64));
	return *ret == NULL ? no_memory(err) : RC_OK;
}

static enum rc
add_host(json_t *draft, const char *file, const struct add_options *v, struct err *err)
{
	json_t	*der = NULL;

	(void)file;
	TRY(need_option(v->name, "name", err));
	if (v->certificates.n != 1)
		return err_set(err, RC_USAGE, "a host has one --certificate");
	TRY(certificate(v->certificates.v[0], &der, err));
	return push(draft, "hosts", json_pack("{s:s,s:o}", "name", v->name, "tls_certificate", der), err);
}

static enum rc
check_url(const char *s, struct err *err)
{
	size_t	n = strlen(s);
	bool	fits = n > 8 && n <= URL_MAX_BYTES &&
	    (strncmp(s, "http://", 7) == 0 || strncmp(s, "https://", 8) == 0);

	for (size_t i = 0; fits && i < n; i++)
		fits = s[i] > ' ' && s[i] < 0x7f;
	return fits ? RC_OK : err_set(err, RC_USAGE, "\"%.80s\" is no http or https URL of at most %d characters", s,
	    URL_MAX_BYTES);
}

static enum rc
add_tsa(json_t *draft, const char *file, const struct add_options *v, struct err *err)
{
	AUTO(json_decref) json_t *all = json_array();
	json_t	*der;

	(void)file;
	TRY(need_option(v->id, "id", err));
	TRY(need_option(v->url, "url", err));
	if (!is_ident(v->id, ID_MAX))
		return err_set(err, RC_USAGE, "--id %.40s: lower-case letters, digits, . _ -", v->id);
	TRY(check_url(v->url, err));
	for (size_t i = 0; i < v->crls.n; i++)
		TRY(check_url(v->crls.v[i], err));
	if (v->certificates.n < 1 || v->certificates.n > TSA_CERTS_MAX || v->crls.n > TSA_CRLS_MAX)
		return err_set(err, RC_USAGE, "a TSA has 1 to %d --certificate (where its chain ends) and at most %d --crl",
		    TSA_CERTS_MAX, TSA_CRLS_MAX);
	for (size_t i = 0; i < v->certificates.n; i++) {
		TRY(certificate(v->certificates.v[i], &der, err));
		if (json_array_append_new(all, der) != 0)
			return no_memory(err);
	}
	return push(draft, "tsas", json_pack("{s:s,s:s,s:O?,s:o?}", "id", v->id, "url", v->url, "certificates", all,
	    "crls", texts_json(&v->crls)), err);
}

/* How often; neither given: not at all, which goes with a charter without TSAs. */
static enum rc
add_anchor(json_t *draft, const char *file, const struct add_options *v, struct err *err)
{
	(void)file;
	if (v->entries == 0 && v->seconds == 0) {
		(void)json_object_del(draft, "anchor");
		return RC_OK;
	}
	return json_object_set_new(draft, "anchor", json_pack("{s:I,s:I}", "entries", (json_int_t)v->entries, "seconds",
	    (json_int_t)v->seconds)) == 0 ? RC_OK : no_memory(err);
}

static enum rc
add_amend(json_t *draft, const char *file, const struct add_options *v, struct err *err)
{
	json_t	*o = json_pack("{s:o?,s:I,s:o?}", "people", texts_json(&v->people), "need",
	    (json_int_t)(v->need == 0 ? v->people.n : v->need), "veto", texts_json(&v->veto));
	json_t	*delay = json_object_get(json_object_get(draft, "amend"), "delay_seconds");

	(void)file;
	if (v->delay != UINT64_MAX)
		delay = json_integer((json_int_t)v->delay);
	else
		delay = json_incref(delay);	/* who may amend changes, and how long it takes stays */
	if (o == NULL || (delay != NULL && json_object_set_new(o, "delay_seconds", delay) != 0) ||
	    json_object_set_new(draft, "amend", o) != 0)
		return no_memory(err);
	return RC_OK;
}

static const struct {
	const char	*word;
	enum rc		(*run)(json_t *, const char *, const struct add_options *, struct err *);
} kinds[] = {
	{ "custodian", add_custodian }, { "coordinator", add_coordinator }, { "person", add_person },
	{ "sealer", add_sealer }, { "policy", add_policy }, { "class", add_class }, { "host", add_host },
	{ "amend", add_amend }, { "tsa", add_tsa }, { "anchor", add_anchor },
};

static enum rc
add(const char *path, const char *kind, const char *file, const struct add_options *v, struct err *err)
{
	AUTO(json_decref) json_t *draft = NULL;
	size_t	i;

	TRY(check_texts(v, err));
	TRY(draft_unsigned(path, err));
	TRY(draft_read(path, &draft, err));
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].word, kind) != 0)
			continue;
		TRY(kinds[i].run(draft, file, v, err));
		TRY(draft_write(path, draft, false, err));
		if (cli_json)
			return cli_print_json(json_pack("{s:s}", "added", kind), err);
		printf("added %s %s\n", kind, v->id != NULL ? v->id : v->name != NULL ? v->name :
		    file != NULL ? file : "");
		return RC_OK;
	}
	return err_set(err, RC_USAGE, "no such kind: %.40s; one of custodian, coordinator, person, sealer, "
	    "policy, class, host, amend, tsa, anchor", kind);
}

enum rc
charter_add(int argc, char **argv, struct err *err)
{
	static struct add_options	v = { .delay = UINT64_MAX };
	const char			*word[3] = { NULL, NULL, NULL };
	const struct option_row	rows[] = {
		{ "id", OPTION_TEXT, &v.id, "ID", "person, sealer, class, tsa: a short id" },
		{ "name", OPTION_TEXT, &v.name, "TEXT", "person, host: its name" },
		{ "organisation", OPTION_TEXT, &v.organisation, "TEXT", "person, sealer: for whom" },
		{ "role", OPTION_TEXTS, &v.roles, "ROLE", "person: may be given more than once" },
		{ "key", OPTION_TEXT, &v.key, "FILE.pub", "person, sealer: the public key" },
		{ "certificate", OPTION_TEXTS, &v.certificates, "FILE.crt",
		    "host: its TLS certificate; tsa: where its chain ends, may be given more than once" },
		{ "url", OPTION_TEXT, &v.url, "URL", "tsa: where it answers (http or https)" },
		{ "crl", OPTION_TEXTS, &v.crls, "URL", "tsa: a revocation list to archive, may be given more than once" },
		{ "entries", OPTION_NUMBER, &v.entries, "N", "anchor: a time-stamp after so many entries (0: not counted so)" },
		{ "seconds", OPTION_NUMBER, &v.seconds, "N", "anchor: or after so many seconds, if anything was logged (0: not)" },
		{ "retain-days", OPTION_NUMBER, &v.retain_days, "DAYS", "class: how long" },
		{ "per-day", OPTION_NUMBER, &v.per_day, "N", "sealer: artifacts a day (0: no quota)" },
		{ "person", OPTION_TEXTS, &v.people, "ID", "amend: who may change the charter" },
		{ "need", OPTION_NUMBER, &v.need, "N", "amend: how many of them (all)" },
		{ "veto", OPTION_TEXTS, &v.veto, "ID", "amend: who may veto a change" },
		{ "delay", OPTION_NUMBER, &v.delay, "SECONDS", "amend: between the approvals and the change (a week)" },
		JSON_ROW,
	};
	const struct command	c = {
		"quorate charter add charter.json KIND [FILE] [options]",
		"Adds to a draft. KIND is custodian or coordinator (FILE: their enrolment.json), policy (FILE:\n"
		"its JSON), person, sealer, class, host, amend, tsa or anchor (how often TSAs are asked).",
		rows, sizeof(rows) / sizeof(rows[0]) };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, word, 2, 3, &n, &help, err));
	return help ? RC_OK : add(word[0], word[1], word[2], &v, err);
}

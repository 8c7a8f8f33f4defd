/* cli/log.c - quorate log: the checkpoint, an entry, and what the other files of its name do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/accuse.h"
#include "cli/anchor.h"
#include "cli/log.h"

enum rc
log_number(const char *word, uint64_t *ret, struct err *err)
{
	char	*end;

	if (word[0] < '0' || word[0] > '9')
		return err_set(err, RC_USAGE, "\"%.40s\" is not an entry's number", word);
	*ret = strtoull(word, &end, 10);
	if (*end != '\0' || end - word > 18)
		return err_set(err, RC_USAGE, "\"%.40s\" is not an entry's number", word);
	return RC_OK;
}

enum rc
log_fetch(struct remote *r, uint64_t index, Quorate__V1__EntryReply **ret, struct err *err)
{
	Quorate__V1__EntryRequest	q = QUORATE__V1__ENTRY_REQUEST__INIT;
	enum rc				rc;

	q.index = index;
	rc = remote_call(r, "Entry", &q, &quorate__v1__entry_reply__descriptor, REMOTE_MS, ret, err);
	if (rc == RC_MISSING)
		return err_set(err, rc, "the log has no entry %llu yet", (unsigned long long)index);
	TRY(rc);
	if ((*ret)->proof.len == 0)
		rc = err_set(err, RC_UNSURE, "entry %llu is not cosigned by a quorum yet; ask again",
		    (unsigned long long)index);
	else
		rc = remote_check_leaf(r, index, SPAN((*ret)->leaf.data, (*ret)->leaf.len),
		    SPAN((*ret)->proof.data, (*ret)->proof.len), NULL, err);
	if (rc != RC_OK)
		message_free(TAKE(*ret));
	return rc;
}

/* --- checkpoint, entry ------------------------------------------------------------- */

static enum rc
log_checkpoint(struct remote *r, struct err *err)
{
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint	cp;

	TRY(remote_head(r, &cp, &note, err));
	if (cli_json)
		return cli_print_json(json_pack("{s:s,s:I,s:o?,s:s}", "origin", cp.origin, "size", (json_int_t)cp.size,
		    "root", json_hex(SPAN_OF(cp.root)), "note", buf_text(&note)), err);
	(void)fwrite(note.p, 1, note.n, stdout);
	return RC_OK;
}

static enum rc
print_entry(const Quorate__V1__EntryReply *a, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO(json_decref) json_t *payload = NULL;
	struct entry	e;
	char		hex[HEX_BYTES(SHA256_BYTES)], t[WHEN_TEXT_BYTES], *text;

	memset(&d, 0, sizeof(d));
	TRY(entry_parse(SPAN(a->leaf.data, a->leaf.len), &e, err));
	if (dsse_parse(e.dsse, &d, err) != RC_OK || json_read(buf_view(&d.payload), DSSE_BYTES_MAX, &payload, err) != RC_OK)
		payload = json_string("(not a statement)");
	hex_write(SPAN_OF(d.id), hex);
	if (cli_json)
		return cli_print_json(json_pack("{s:I,s:s,s:s,s:s,s:b,s:s,s:O?}", "entry", (json_int_t)a->index, "time",
		    when_write(e.time, t), "type", a->type, "id", hex, "effective", a->effective, "why", a->why,
		    "statement", payload), err);
	cli_say("entry %llu, %s, %s%s%s\nid %s\n", (unsigned long long)a->index, when_write(e.time, t), a->type,
	    a->effective ? ", effective" : ", VOID: ", a->effective ? "" : a->words, hex);
	if ((text = json_dumps(payload, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_ENSURE_ASCII)) != NULL)
		cli_say("%s\n", text);
	free(text);
	return RC_OK;
}

static enum rc
log_entry(struct remote *r, const char *word, struct err *err)
{
	Quorate__V1__EntryReply	*a = NULL;
	uint64_t		 index;
	enum rc			 rc;

	TRY(log_number(word, &index, err));
	TRY(log_fetch(r, index, &a, err));
	rc = print_entry(a, err);
	message_free(a);
	return rc;
}

/* --- the command ------------------------------------------------------------------- */

/* What the command line said. */
struct asked {
	const char		*word;
	const char		*out, *entry;
	struct log_trust	 trust;
};

static enum rc
do_checkpoint(struct remote *r, const struct asked *a, struct err *err)
{
	(void)a;
	return log_checkpoint(r, err);
}

static enum rc
do_entry(struct remote *r, const struct asked *a, struct err *err)
{
	return log_entry(r, a->word, err);
}

static enum rc
do_proof(struct remote *r, const struct asked *a, struct err *err)
{
	return log_proof(r, a->word, a->out, err);
}

static enum rc
do_export(struct remote *r, const struct asked *a, struct err *err)
{
	return log_export(r, a->word, err);
}

static enum rc
do_verify(struct remote *r, const struct asked *a, struct err *err)
{
	(void)r;
	return log_verify(a->word, a->entry, &a->trust, err);
}

static enum rc
do_policy(struct remote *r, const struct asked *a, struct err *err)
{
	(void)r;
	return log_policy(a->trust.charter, err);
}

static enum rc
do_accuse(struct remote *r, const struct asked *a, struct err *err)
{
	(void)r;
	return log_accuse(a->word, a->out, err);
}

static enum rc
do_anchor(struct remote *r, const struct asked *a, struct err *err)
{
	return log_anchor(r, a->word, a->out, err);
}

enum { OPT_OUT = 1, OPT_ENTRY = 2, OPT_CHARTER = 4, OPT_POLICY = 8 };

static const struct verb {
	const char	*word;
	size_t		 min, max;	/* words after it */
	unsigned	 options;
	bool		 remote;
	enum rc		 (*run)(struct remote *r, const struct asked *a, struct err *err);
} verbs[] = {
	{ "checkpoint",	0, 0, 0,				true,	do_checkpoint },
	{ "entry",	1, 1, 0,				true,	do_entry },
	{ "proof",	1, 1, OPT_OUT,				true,	do_proof },
	{ "verify",	1, 1, OPT_ENTRY | OPT_CHARTER | OPT_POLICY, false, do_verify },
	{ "policy",	0, 0, OPT_CHARTER,			false,	do_policy },
	{ "export",	1, 1, 0,				true,	do_export },
	{ "anchor",	1, 1, OPT_OUT,				true,	do_anchor },
	{ "accuse",	0, 1, OPT_OUT,				false,	do_accuse },
};

static enum rc
run(const struct verb *v, size_t words, const struct asked *a, const char *usage, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	unsigned	given = (a->out != NULL ? OPT_OUT : 0u) | (a->entry != NULL ? OPT_ENTRY : 0u) |
			    (a->trust.charter != NULL ? OPT_CHARTER : 0u) | (a->trust.policy != NULL ? OPT_POLICY : 0u);

	if (words < v->min || words > v->max)
		return err_set(err, RC_USAGE, "usage: %s", usage);
	if ((given & ~v->options) != 0)
		return err_set(err, RC_USAGE, "--%s does not go with `quorate log %s`",
		    (given & ~v->options & OPT_OUT) != 0 ? "out" : (given & ~v->options & OPT_ENTRY) != 0 ? "entry" :
		    (given & ~v->options & OPT_CHARTER) != 0 ? "charter" : "policy", v->word);
	if (v->remote)
		TRY(remote_open(&r, err));
	return v->run(r, a, err);
}

enum rc
cmd_log(int argc, char **argv, struct err *err)
{
	struct asked		 a = { .word = NULL };
	const char		*word[2] = { NULL, NULL };
	const struct option_row	 rows[] = {
		{ "out", OPTION_TEXT, &a.out, "FILE", "proof, accuse: write the proof there; anchor: its files, in that folder" },
		{ "entry", OPTION_TEXT, &a.entry, "FILE", "verify: the entry's bytes, when the proof does not carry them" },
		{ "charter", OPTION_TEXT, &a.trust.charter, "FILE", "verify, policy: the charter to trust (QUORATE_CHARTER)" },
		{ "policy", OPTION_TEXT, &a.trust.policy, "FILE", "verify: the keys to trust instead, a C2SP tlog-policy" },
		JSON_ROW,
	};
	const struct command	 c = { "quorate log checkpoint | entry N | proof N | verify FILE | policy | export DIR | anchor N | "
		"accuse [FILE]",
		"The newest q-cosigned checkpoint; an entry with its verdict; its .tlog-proof; the check of such a file,\n"
		"offline, against a charter or a policy of verifier keys; the charter's keys as such a policy; the whole log\n"
		"as plain files for any web server (C2SP tlog-tiles), and in DIR.blobs the documents that entries name.\n"
		"What the coordinator gives is proved against the charter before it is printed; the verdict on an entry is\n"
		"its word, which `quorate audit` computes anew.\n"
		"anchor checks the time-stamp that an entry archives, and with --out DIR writes it as files for openssl.\n"
		"accuse asks every custodian for proof that the log's key signed two pasts: exit 1 when there is, 0 when a\n"
		"quorum of custodians knows of none, 2 when fewer answer. With a FILE it checks such a proof, offline: exit 0\n"
		"when it holds, 1 when not.", rows, sizeof(rows) / sizeof(rows[0]) };
	size_t	n, i;
	bool	help;

	TRY(options_read(&c, argc, argv, word, 1, 2, &n, &help, err));
	if (help)
		return RC_OK;
	a.word = word[1];
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].word, word[0]) == 0)
			return run(&verbs[i], n - 1, &a, c.usage, err);
	return err_set(err, RC_USAGE, "say what: checkpoint, entry N, proof N, verify FILE, policy, export DIR, anchor N or accuse");
}

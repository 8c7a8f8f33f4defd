/* cli/log.c - quorate log: checkpoint, entry, proof, export, accuse. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/accuse.h"
#include "cli/log.h"

static enum rc
entry_number(const char *word, uint64_t *ret, struct err *err)
{
	char	*end;

	if (word[0] < '0' || word[0] > '9')
		return err_set(err, RC_USAGE, "\"%.40s\" is not an entry's number", word);
	*ret = strtoull(word, &end, 10);
	if (*end != '\0' || end - word > 18)
		return err_set(err, RC_USAGE, "\"%.40s\" is not an entry's number", word);
	return RC_OK;
}

static enum rc
fetch(struct remote *r, const char *word, Quorate__V1__EntryReply **ret, struct err *err)
{
	Quorate__V1__EntryRequest	q = QUORATE__V1__ENTRY_REQUEST__INIT;
	enum rc				rc;

	TRY(entry_number(word, &q.index, err));
	rc = remote_call(r, "Entry", &q, &quorate__v1__entry_reply__descriptor, REMOTE_MS, ret, err);
	if (rc == RC_MISSING)
		return err_set(err, rc, "the log has no entry %s yet", word);
	TRY(rc);
	if ((*ret)->proof.len == 0)
		rc = err_set(err, RC_UNSURE, "entry %s is not cosigned by a quorum yet; ask again", word);
	else
		rc = remote_check_leaf(r, q.index, SPAN((*ret)->leaf.data, (*ret)->leaf.len),
		    SPAN((*ret)->proof.data, (*ret)->proof.len), NULL, err);
	if (rc != RC_OK)
		message_free(TAKE(*ret));
	return rc;
}

static enum rc
log_checkpoint(struct remote *r, const char *word, struct err *err)
{
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint	cp;

	(void)word;
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
	printf("entry %llu, %s, %s%s%s\nid %s\n", (unsigned long long)a->index, when_write(e.time, t), a->type,
	    a->effective ? ", effective" : ", VOID: ", a->effective ? "" : a->words, hex);
	if ((text = json_dumps(payload, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_ENSURE_ASCII)) != NULL)
		puts(text);
	free(text);
	return RC_OK;
}

static enum rc
log_entry(struct remote *r, const char *word, struct err *err)
{
	Quorate__V1__EntryReply	*a = NULL;
	enum rc			 rc;

	TRY(fetch(r, word, &a, err));
	rc = print_entry(a, err);
	message_free(a);
	return rc;
}

static enum rc
log_proof(struct remote *r, const char *word, struct err *err)
{
	Quorate__V1__EntryReply	*a = NULL;

	TRY(fetch(r, word, &a, err));
	if (!cli_json)
		(void)fwrite(a->proof.data, 1, a->proof.len, stdout);
	else if (cli_print_json(json_pack("{s:I,s:s%}", "entry", (json_int_t)a->index, "proof",
	    (const char *)a->proof.data, a->proof.len), err) != RC_OK)
		(void)fprintf(stderr, "%s\n", err->msg);
	message_free(a);
	return RC_OK;
}

enum rc
cmd_log(int argc, char **argv, struct err *err)
{
	static const struct {
		const char	*word;
		size_t		 words;
		enum rc		(*run)(struct remote *, const char *, struct err *);
	} verbs[] = {
		{ "checkpoint", 0, log_checkpoint }, { "entry", 1, log_entry }, { "proof", 1, log_proof },
		{ "export", 1, log_export },
	};
	AUTO(remote_free) struct remote *r = NULL;
	const char		*word[2] = { NULL, NULL };
	const char		*out = NULL;
	const struct option_row	rows[] = {
		{ "out", OPTION_TEXT, &out, "FILE", "accuse: write the proof there" },
		JSON_ROW,
	};
	const struct command	c = { "quorate log checkpoint | entry N | proof N | export DIR | accuse [FILE]",
		"The newest q-cosigned checkpoint; an entry with its verdict; its .tlog-proof; the whole log as files.\n"
		"Each is proved against the charter before it is printed; the verdict on an entry is the coordinator's word,\n"
		"which `quorate audit` computes anew.\n"
		"accuse asks every custodian for proof that the log's key signed two pasts: exit 1 when there is, 0 when a\n"
		"quorum of custodians knows of none, 2 when fewer answer. With a FILE it checks such a proof, offline: exit 0\n"
		"when it holds, 1 when not.", rows, 2 };
	size_t	n, i;
	bool	help;

	TRY(options_read(&c, argc, argv, word, 1, 2, &n, &help, err));
	if (help)
		return RC_OK;
	if (strcmp(word[0], "accuse") == 0)
		return log_accuse(word[1], out, err);
	if (out != NULL)
		return err_set(err, RC_USAGE, "--out goes with `quorate log accuse`");
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].word, word[0]) != 0)
			continue;
		if (n != verbs[i].words + 1)
			return err_set(err, RC_USAGE, "usage: %s", c.usage);
		TRY(remote_open(&r, err));
		return verbs[i].run(r, word[1], err);
	}
	return err_set(err, RC_USAGE, "say what: checkpoint, entry N, proof N, export DIR or accuse");
}

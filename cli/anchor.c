/* cli/anchor.c - trusted time, for people. */
#include <stdio.h>
#include <string.h>

#include "audit/anchor.h"
#include "cli/anchor.h"
#include "cli/log.h"

typedef Quorate__V1__AnchorStatus	status_of_tsa;

/* --- status ------------------------------------------------------------------------ */

static void
print_tsa(const status_of_tsa *s)
{
	char	t[WHEN_TEXT_BYTES];

	cli_say("  %-16s ", s->tsa);
	if (s->index == 0)
		cli_say("no anchor yet");
	else
		cli_say("entry %llu stamps %llu entries, logged %s", (unsigned long long)s->index - 1,
		    (unsigned long long)s->size, when_write(s->time, t));
	if (s->overdue)
		cli_say("; OVERDUE");
	if (s->words[0] != '\0')
		cli_say("%s %s", s->overdue ? "" : ";", s->words);
	puts("");
}

void
anchors_print(const Quorate__V1__HeadReply *head)
{
	size_t	i;

	if (head->n_anchors == 0)
		return;
	puts("time-stamps, as the coordinator says:");
	for (i = 0; i < head->n_anchors; i++)
		print_tsa(head->anchors[i]);
}

json_t *
anchors_json(const Quorate__V1__HeadReply *head)
{
	json_t	*all = json_array();
	size_t	 i;

	for (i = 0; all != NULL && i < head->n_anchors; i++) {
		const status_of_tsa	*s = head->anchors[i];

		(void)json_array_append_new(all, json_pack("{s:s,s:o?,s:I,s:I,s:b,s:s}", "tsa", s->tsa, "entry",
		    s->index == 0 ? json_null() : json_integer((json_int_t)s->index - 1), "size",
		    (json_int_t)s->size, "time", (json_int_t)s->time, "overdue", s->overdue, "words", s->words));
	}
	return all;
}

/* --- one anchor ---------------------------------------------------------------------- */

struct fetched {
	struct statement	 s;
	struct buf		 blob;
	struct anchor		 a;
	const struct tsa	*tsa;		/* NULL: no charter that we know lists it */
	enum rc			 rc;		/* of the token; with err */
	struct err		 err;
	struct timestamp	 ts;
};

static void
fetched_done(struct fetched *f)
{
	statement_done(&f->s);
	buf_done(&f->blob);
}

static enum rc
read_statement(const Quorate__V1__EntryReply *a, struct fetched *f, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;
	struct entry	e;

	memset(&d, 0, sizeof(d));
	TRY(entry_parse(SPAN(a->leaf.data, a->leaf.len), &e, err));
	TRY(dsse_parse(e.dsse, &d, err));
	TRY(statement_parse(&d, &f->s, err));
	if (f->s.type != STATEMENT_ANCHOR)
		return err_set(err, RC_USAGE, "entry %llu is no anchor but a %s; `quorate status` names the last of each TSA",
		    (unsigned long long)a->index, statement_type_name(f->s.type));
	return RC_OK;
}

static void
judge(struct remote *r, struct fetched *f)
{
	const struct charter	*c = remote_charter_of(r, f->s.charter);
	struct span		 root[TSA_CERTS_MAX];

	f->tsa = c == NULL ? NULL : charter_tsa(c, f->s.u.anchor.tsa);
	if (f->tsa == NULL) {
		f->rc = err_set(&f->err, RC_UNSURE, "no charter that is or was in force lists the TSA %s",
		    f->s.u.anchor.tsa);
		return;
	}
	for (size_t i = 0; i < f->tsa->n_certificates; i++)
		root[i] = SPAN(f->tsa->certificate[i].p, f->tsa->certificate[i].n);
	f->rc = anchor_verify(&f->a, root, f->tsa->n_certificates, &f->ts, &f->err);
}

static enum rc
fetch(struct remote *r, const char *word, struct fetched *f, struct err *err)
{
	Quorate__V1__EntryReply	*a = NULL;
	uint64_t		 index;
	uint8_t			 digest[SHA256_BYTES];
	enum rc			 rc;

	TRY(log_number(word, &index, err));
	TRY(log_fetch(r, index, &a, err));
	rc = read_statement(a, f, err);
	message_free(a);
	TRY(rc);
	TRY(remote_blob(r, f->s.u.anchor.archive, &f->blob, err));
	TRY(anchor_parse(buf_view(&f->blob), &f->a, err));
	sha256_one(digest, f->a.note);
	if (memcmp(digest, f->s.subject, sizeof(digest)) != 0)
		return err_set(err, RC_VERIFY, "entry %llu archives another checkpoint than it names",
		    (unsigned long long)index);
	judge(r, f);
	return RC_OK;
}

static enum rc
write_pem(const char *dir, const char *name, const struct span *der, size_t n, struct err *err)
{
	AUTO_DONE(buf_done) struct buf all = BUF_INIT(1 << 20);
	char	path[FILE_PATH_MAX];

	if (n == 0)
		return RC_OK;
	for (size_t i = 0; i < n; i++)
		TRY(der_to_pem(der[i], &all, err));
	TRY(file_path(path, err, "%s/%s", dir, name));
	return file_write(path, buf_view(&all), 0644, err);
}

static enum rc
write_files(const char *dir, const struct fetched *f, struct err *err)
{
	struct span	root[TSA_CERTS_MAX];
	char		path[FILE_PATH_MAX];
	size_t		n = f->tsa == NULL ? 0 : f->tsa->n_certificates;

	TRY(file_mkdir(dir, err));
	TRY(file_path(path, err, "%s/note", dir));
	TRY(file_write(path, f->a.note, 0644, err));
	TRY(file_path(path, err, "%s/token.tst", dir));
	TRY(file_write(path, f->a.token, 0644, err));
	TRY(write_pem(dir, "chain.pem", f->a.certificate, f->a.n_certificates, err));
	for (size_t i = 0; i < f->a.n_crls; i++) {
		TRY(file_path(path, err, "%s/list-%zu.crl", dir, i + 1));
		TRY(file_write(path, f->a.crl[i], 0644, err));
	}
	for (size_t i = 0; i < n; i++)
		root[i] = SPAN(f->tsa->certificate[i].p, f->tsa->certificate[i].n);
	return write_pem(dir, "roots.pem", root, n, err);
}

static enum rc
print(const struct fetched *f, const char *dir, struct err *err)
{
	char	t[WHEN_TEXT_BYTES];
	bool	good = f->rc == RC_OK;

	if (cli_json)
		return cli_print_json(json_pack("{s:s,s:I,s:b,s:s,s:I,s:s,s:I,s:I}", "tsa", f->s.u.anchor.tsa, "size",
		    (json_int_t)f->s.u.anchor.size, "good", good, "words", good ? "" : f->err.msg, "time",
		    (json_int_t)(good ? f->ts.time : 0), "signer", good ? f->ts.signer : "", "certificates",
		    (json_int_t)f->a.n_certificates, "lists", (json_int_t)f->a.n_crls), err);
	cli_say("%llu entries, stamped by %s", (unsigned long long)f->s.u.anchor.size, f->s.u.anchor.tsa);
	if (good)
		cli_say(" at %s\nby      %s, %u revocation list%s archived\n", when_write(f->ts.time, t), f->ts.signer,
		    f->a.n_crls, f->a.n_crls == 1 ? "" : "s");
	else
		puts("");
	if (dir != NULL)
		cli_say("files   %s: note, token.tst, chain.pem, roots.pem%s\ncheck   openssl ts -verify -data note -in token.tst "
		    "-token_in -CAfile roots.pem -untrusted chain.pem\n", dir, f->a.n_crls > 0 ? ", list-N.crl" : "");
	return RC_OK;
}

enum rc
log_anchor(struct remote *r, const char *word, const char *dir, struct err *err)
{
	AUTO_DONE(fetched_done) struct fetched f;

	memset(&f, 0, sizeof(f));
	f.blob = BUF_INIT(ANCHOR_BYTES_MAX);
	TRY(fetch(r, word, &f, err));
	if (dir != NULL)
		TRY(write_files(dir, &f, err));
	TRY(print(&f, dir, err));
	return f.rc == RC_OK ? RC_OK : err_set(err, f.rc, "entry %s: %s", word, f.err.msg);
}

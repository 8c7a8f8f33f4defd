/* cli/renew.c - quorate package renew: one more time-stamp over a package, before the last one runs out. */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/package.h"
#include "cli/remote.h"
#include "edge/http.h"
#include "edge/tsa.h"
#include "evidence/package.h"
#include "evidence/zip.h"

#define GENESIS		"data/charter.json"
#define LATER		"data/charter-"

struct renew_options {
	const char	*file, *out, *charter, *trust, *url;
	struct texts	 certificates, crls;
};

struct renewal {
	struct renew_options	 o;
	struct opened_file	 from;
	struct trusted		 trusted;
	struct charter		*charter;	/* in force in the package */
	struct tsa		 own;		/* --tsa */
	struct buf		 der[TSA_CERTS_MAX];
	const struct tsa	*tsa;
	size_t			 n_tsas, which;
	char			*real;			/* where o.file leads; NULL: it is no link */
	struct file_new		 to;
	uint64_t		 size;
};

static void
renewal_done(struct renewal *r)
{
	opened_file_done(&r->from);
	charter_free(r->charter);
	for (size_t i = 0; i < TSA_CERTS_MAX; i++)
		buf_done(&r->der[i]);
	file_new_drop(&r->to);
	free(r->real);
	trusted_done(&r->trusted);
}

/* ---- who is asked ------------------------------------------------------------------ */

/* The last charter of a package that was found to be valid. */
static enum rc
read_charter(struct renewal *r, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	bytes = BUF_INIT(CHARTER_BYTES_MAX);
	AUTO(zip_free) struct zip	*z = NULL;
	struct zip_entry		 e, last;

	TRY(zip_open(package_read_at, &r->from, r->from.size, &z, err));
	TRY(zip_find(z, GENESIS, NULL, &last, err));
	for (uint32_t i = 0; i < zip_count(z); i++) {
		zip_at(z, i, &e);
		if (strncmp(e.name, LATER, sizeof(LATER) - 1) == 0)
			last = e;		/* they stand in their order */
	}
	TRY(zip_read_all(z, &last, &bytes, err));
	return charter_parse(buf_view(&bytes), &r->charter, err);
}

static enum rc
read_certificate(const char *path, struct buf *der, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	pem = BUF_INIT(16384);
	enum rc				rc;

	TRY(file_read_given(path, &pem, err));
	rc = pem_to_der(buf_view(&pem), der, err);
	return rc == RC_OK ? rc : err_wrap(err, rc, "%s", path);
}

/* Who names an authority trusts it: the new package is judged by it as well. */
static enum rc
trust_also(struct trusted *t, struct span root, struct err *err)
{
	if (t->trust.n_roots == TRUST_ROOTS_MAX)
		return err_set(err, RC_USAGE, "more than %d roots of time-stamping authorities to trust", TRUST_ROOTS_MAX);
	t->root[t->trust.n_roots++] = root;
	return RC_OK;
}

/* --tsa URL, with what `charter add tsa` wants of one. */
static enum rc
own_tsa(struct renewal *r, struct err *err)
{
	const struct renew_options	*o = &r->o;
	struct tsa			*t = &r->own;

	if (o->certificates.n < 1 || o->certificates.n > TSA_CERTS_MAX || o->crls.n > TSA_CRLS_MAX)
		return err_set(err, RC_USAGE, "--tsa needs 1 to %d --certificate FILE (where its chain ends) and at most %d --crl",
		    TSA_CERTS_MAX, TSA_CRLS_MAX);
	if (strlen(o->url) > URL_MAX_BYTES)
		return err_set(err, RC_USAGE, "--tsa: at most %d characters", URL_MAX_BYTES);
	(void)snprintf(t->id, sizeof(t->id), "given");
	(void)snprintf(t->url, sizeof(t->url), "%s", o->url);
	for (size_t i = 0; i < o->certificates.n; i++) {
		TRY(read_certificate(o->certificates.v[i], &r->der[i], err));
		t->certificate[t->n_certificates++] = (struct blob_ref){ r->der[i].p, r->der[i].n };
		TRY(trust_also(&r->trusted, buf_view(&r->der[i]), err));
	}
	for (size_t i = 0; i < o->crls.n; i++) {
		if (strlen(o->crls.v[i]) > URL_MAX_BYTES)
			return err_set(err, RC_USAGE, "--crl: at most %d characters", URL_MAX_BYTES);
		(void)snprintf(t->crl[t->n_crls++], sizeof(t->crl[0]), "%s", o->crls.v[i]);
	}
	r->tsa = t;
	r->n_tsas = 1;
	return RC_OK;
}

static enum rc
choose_tsas(struct renewal *r, struct err *err)
{
	if (r->o.url != NULL)
		return RC_OK;
	TRY(read_charter(r, err));
	if (r->charter->n_tsas == 0)
		return err_set(err, RC_USAGE, "the package's charter lists no time-stamping authority: name one with "
		    "--tsa URL --certificate FILE");
	r->tsa = r->charter->tsa;
	r->n_tsas = r->charter->n_tsas;
	return RC_OK;
}

static enum rc
stamp(void *user, const uint8_t imprint[SHA256_BYTES], struct buf *token, struct err *err)
{
	struct renewal	*r = user;

	return tsa_stamp(r->tsa, r->n_tsas, imprint, NULL, NULL, token, &r->which, err);
}

/* ---- the file ---------------------------------------------------------------------- */

/* A package that does not hold is not given the look of one that does. */
static enum rc
check(struct renewal *r, struct opened_file *f, const char *which, struct err *err)
{
	struct package_report	report;
	size_t			i;

	TRY(package_verify(package_read_at, f, f->size, &r->trusted.trust, &report, err));
	if (report.verdict == PACKAGE_VALID)
		return RC_OK;
	if (report.verdict == PACKAGE_CONSISTENT)
		return err_set(err, RC_UNSURE, "whether it is valid is not known; give the genesis charter that you trust: "
		    "--charter FILE");
	for (i = 0; i + 1 < CLAIMS && report.claim[i].verdict != CLAIM_NO; i++)
		;
	return err_set(err, RC_VERIFY, "%s is not valid, and was not renewed: %s: %.140s", which, claim_name((enum claim_name)i),
	    report.claim[i].words);
}

static enum rc
write_at(void *user, uint64_t at, struct span bytes, struct err *err)
{
	return file_new_write(&((struct renewal *)user)->to, at, bytes, err);
}

/* A link stays one, or what it leads to would be the old package for ever. */
static enum rc
follow(struct renewal *r, struct err *err)
{
	struct stat	st;

	if (r->o.out != NULL || lstat(r->o.file, &st) != 0 || !S_ISLNK(st.st_mode))
		return RC_OK;
	if ((r->real = realpath(r->o.file, NULL)) == NULL)
		return err_set(err, RC_USAGE, "%s: a link that leads nowhere: %s", r->o.file, strerror(errno));
	r->o.file = r->real;
	return RC_OK;
}

/* Who renews for others takes nothing from them: it stays whose it was, and who may read it. */
static enum rc
take_over(struct renewal *r, struct err *err)
{
	struct stat	was, is;

	if (fstat(r->from.fd, &was) != 0 || fstat(r->to.fd, &is) != 0)
		return err_set(err, RC_IO, "%s: %s", r->o.file, strerror(errno));
	if (r->o.out == NULL && (was.st_uid != is.st_uid || was.st_gid != is.st_gid) &&
	    fchown(r->to.fd, was.st_uid, was.st_gid) != 0)
		return err_set(err, RC_IO, "%s belongs to others, and would not any more: let them renew it, or write "
		    "to another file with --out", r->o.file);
	if (fchmod(r->to.fd, was.st_mode & 0777) != 0)
		return err_set(err, RC_IO, "%s: cannot take over who may read it", r->o.file);
	return RC_OK;
}

/* The new one is checked and on disk before anything has its name. */
static enum rc
write_renewed(struct renewal *r, struct err *err)
{
	struct opened_file	written;
	enum rc			rc;

	TRY(file_new_open(&r->to, r->o.out != NULL ? r->o.out : r->o.file, err));
	TRY(take_over(r, err));
	rc = package_renew(package_read_at, &r->from, r->from.size, stamp, r, write_at, r, &r->size, err);
	/* Nobody said no: the same again may do. */
	if (rc == RC_MISSING)
		return err_wrap(err, RC_UNSURE, "ask again, or another with --tsa");
	TRY(rc);
	written = (struct opened_file){ r->to.fd, r->size };
	TRY(check(r, &written, "what was made", err));
	return r->o.out != NULL ? file_new_keep(&r->to, err) : file_new_replace(&r->to, err);
}

static enum rc
report(const struct renewal *r, struct err *err)
{
	const char	*path = r->o.out != NULL ? r->o.out : r->o.file;
	char		 size[24];

	if (cli_json)
		return cli_print_json(json_pack("{s:o?,s:I,s:o?}", "package", json_text(path), "bytes", (json_int_t)r->size,
		    "tsa", json_text(r->tsa[r->which].url)), err);
	cli_say("renewed: %s, %s, one more time-stamp over all of it by %s\n", path, size_text(r->size, size),
	    r->tsa[r->which].url);
	return RC_OK;
}

static enum rc
renew(struct renewal *r, struct err *err)
{
	if (r->o.url == NULL && (r->o.certificates.n > 0 || r->o.crls.n > 0))
		return err_set(err, RC_USAGE, "--certificate and --crl go with --tsa URL");
	if (r->o.out != NULL && file_exists(r->o.out))
		return err_set(err, RC_USAGE, "%s: exists already; it is not overwritten: choose another name", r->o.out);
	TRY(http_init(err));
	TRY(trusted_read(r->o.charter, r->o.trust, &r->trusted, err));
	if (r->o.url != NULL)
		TRY(own_tsa(r, err));
	TRY(follow(r, err));
	TRY(package_file(r->o.file, &r->from, err));
	TRY(check(r, &r->from, "it", err));
	TRY(choose_tsas(r, err));
	TRY(write_renewed(r, err));
	return report(r, err);
}

enum rc
cmd_package(int argc, char **argv, struct err *err)
{
	AUTO_DONE(renewal_done) struct renewal r = { .from = OPENED_FILE_INIT, .to = FILE_NEW_INIT };
	const char		*word[2] = { NULL, NULL };
	const struct option_row	 rows[] = {
		{ "out", OPTION_TEXT, &r.o.out, "FILE", "write it there; without: in the place of the old one" },
		{ "charter", OPTION_TEXT, &r.o.charter, "FILE", "the genesis charter that you trust (QUORATE_CHARTER)" },
		TRUST_ROW(&r.o.trust),
		{ "tsa", OPTION_TEXT, &r.o.url, "URL", "ask this authority, not those of the package's charter" },
		{ "certificate", OPTION_TEXTS, &r.o.certificates, "FILE", "where its chain ends, PEM" },
		{ "crl", OPTION_TEXTS, &r.o.crls, "URL", "a revocation list of its to embed" },
		JSON_ROW,
	};
	const struct command	 c = { "quorate package renew package.asice [--out FILE]",
		"Verifies a package and adds a time-stamp over all of it, from the first authority of its charter that\n"
		"answers. To be done before the certificates of the last one run out: it is valid as long as each was\n"
		"stamped in time. Nothing is changed unless the new package is valid and on disk.", rows,
		sizeof(rows) / sizeof(rows[0]) };
	size_t	n;
	bool	help;

	for (size_t i = 0; i < TSA_CERTS_MAX; i++)
		r.der[i] = BUF_INIT(TIMESTAMP_CERT_MAX);
	TRY(options_read(&c, argc, argv, word, 2, 2, &n, &help, err));
	if (help)
		return RC_OK;
	if (strcmp(word[0], "renew") != 0)
		return err_set(err, RC_USAGE, "say what: %s", c.usage);
	r.o.file = word[1];
	return renew(&r, err);
}

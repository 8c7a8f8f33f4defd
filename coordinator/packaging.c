/*
 * coordinator/packaging.c - write the package of a release.
 *
 * It grows under a hidden name. What is visible under a package's name is whole
 * and synced; a crash leaves a hidden file that the next attempt overwrites.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/cosigning.h"
#include "coordinator/dating.h"
#include "coordinator/envelopes.h"
#include "coordinator/keys.h"
#include "coordinator/load.h"
#include "coordinator/logged.h"
#include "coordinator/making.h"
#include "coordinator/replicator.h"
#include "coordinator/stamper.h"
#include "coordinator/submit.h"
#include "evidence/package.h"

#define RELEASE_LIFE		(365 * UINT64_C(86400))

struct packaging {
	struct coordinator	*c;
	struct making		*m;
	char			 tmp[FILE_PATH_MAX];
	int			 fd;
	struct casefile		 payload;	/* what package_begin() saw */
	struct dating		 dating;
	struct checked_case	*checked;
	struct package		*package;
	uint8_t			 contents[SHA256_BYTES];
	struct buf		 erasable[PACKAGE_ERASABLES_MAX];
	size_t			 n_erasables;
	/* The envelope at hand, and whose it is. */
	struct envelope_file	 file;
	uint8_t			 file_id[ARTIFACT_ID_BYTES];
	const uint8_t		*file_root;	/* of its batch */
	uint64_t		 release_index;
};

static void
packaging_done(struct packaging *p)
{
	size_t	i;

	package_free(p->package);
	checked_case_free(p->checked);
	casefile_done(&p->payload);
	dating_done(&p->dating);
	for (i = 0; i < p->n_erasables; i++)
		buf_done(&p->erasable[i]);
	envelope_file_done(&p->file);
	if (p->fd >= 0) {
		(void)close(p->fd);	/* it was synced when it counted */
		(void)unlink(p->tmp);	/* renamed when it counted */
	}
}

enum rc
package_path(const struct coordinator *c, const uint8_t sha256[SHA256_BYTES],
    char path[FILE_PATH_MAX], struct err *err)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	(void)hex_write(SPAN(sha256, SHA256_BYTES), hex);
	return file_path(path, err, "%s/packages/%s.asice", c->dir, hex);
}

/* ---- the ciphertexts ------------------------------------------------------------------- */

static enum rc
envelope_of(struct packaging *p, const uint8_t id[ARTIFACT_ID_BYTES], struct err *err)
{
	const struct evidence_case	*e = &p->payload.c;
	char				 path[FILE_PATH_MAX], hex[HEX_BYTES(ARTIFACT_ID_BYTES)];
	uint32_t			 i;
	enum rc				 rc;

	if (p->file.e != NULL && memcmp(p->file_id, id, ARTIFACT_ID_BYTES) == 0)
		return RC_OK;
	envelope_file_done(&p->file);
	for (i = 0; i < e->n_artifacts; i++)
		if (memcmp(e->artifact[i].id, id, ARTIFACT_ID_BYTES) == 0)
			break;
	if (i == e->n_artifacts)
		return err_set(err, RC_BUG, "an artifact out of scope");
	TRY(envelopes_path(p->c->dir, p->payload.place[i].root, path, err));
	rc = envelope_file_open(path, &p->payload.place[i].at, &p->file, err);
	if (rc != RC_OK)
		return err_wrap(err, rc, "artifact %s: %s, put it back from a copy",
		    hex_write(SPAN(id, ARTIFACT_ID_BYTES), hex), path);
	memcpy(p->file_id, id, ARTIFACT_ID_BYTES);
	p->file_root = p->payload.place[i].root;
	return RC_OK;
}

static enum rc
source_leaf(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const char *part, uint64_t leaf,
    uint8_t *out, size_t *ret_n, struct err *err)
{
	struct packaging	*p = user;
	size_t			 number;

	TRY(envelope_of(p, id, err));
	TRY(envelope_part_number(p->file.e, part, &number, err));
	return envelope_leaf(p->file.e, number, leaf, out, ret_n, err);
}

static enum rc
source_hashes(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const char *part,
    uint64_t first, uint64_t n, uint8_t (*out)[TREE_HASH_BYTES], struct err *err)
{
	struct packaging	*p = user;
	size_t			 number;

	TRY(envelope_of(p, id, err));
	TRY(envelope_part_number(p->file.e, part, &number, err));
	return envelope_leaf_hashes(p->file.e, number, first, n, out, err);
}

/* ---- the file ------------------------------------------------------------------------------ */

static enum rc
write_at(void *user, uint64_t offset, struct span data, struct err *err)
{
	struct packaging	*p = user;
	size_t			 at = 0;
	ssize_t			 n;

	/* Gigabytes may be before us: who stops the coordinator does not wait for them. */
	if (cosigning_woken(p->c->cosigning))
		return err_set(err, RC_UNSURE, "the coordinator is stopping: ask again");
	while (at < data.n) {
		n = pwrite(p->fd, data.p + at, data.n - at, (off_t)(offset + at));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, RC_IO, "package: %s", strerror(errno));
		at += (size_t)n;
	}
	return RC_OK;
}

enum rc
packages_clean(const struct coordinator *c, struct err *err)
{
	char		 dir[FILE_PATH_MAX], path[FILE_PATH_MAX];
	struct dirent	*e;
	DIR		*d;

	TRY(file_path(dir, err, "%s/packages", c->dir));
	TRY(file_mkdir(dir, err));
	if ((d = opendir(dir)) == NULL)
		return err_set(err, RC_IO, "%s: %s", dir, strerror(errno));
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] == '.' && strlen(e->d_name) == 1 + 2 * SHA256_BYTES &&
		    file_path(path, NULL, "%s/%s", dir, e->d_name) == RC_OK)
			(void)unlink(path);	/* tried again at the next start */
	(void)closedir(d);	/* it was only read */
	return RC_OK;
}

static enum rc
open_hidden(struct packaging *p, struct err *err)
{
	char	dir[FILE_PATH_MAX], hex[HEX_BYTES(SHA256_BYTES)];

	TRY(file_path(dir, err, "%s/packages", p->c->dir));
	TRY(file_mkdir(dir, err));
	(void)hex_write(SPAN_OF(p->m->request), hex);
	TRY(file_path(p->tmp, err, "%s/.%s", dir, hex));
	p->fd = open(p->tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (p->fd < 0)
		return err_set(err, RC_IO, "package: %s", strerror(errno));
	return RC_OK;
}

static enum rc
digest_file(int fd, uint64_t size, uint8_t ret[SHA256_BYTES], struct err *err)
{
	EVP_MD_CTX	*md = EVP_MD_CTX_new();
	uint8_t		 tmp[32768];
	uint64_t	 at = 0;
	ssize_t		 n = 1;
	bool		 ok = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;

	while (ok && at < size && (n = pread(fd, tmp, sizeof(tmp), (off_t)at)) > 0) {
		ok = EVP_DigestUpdate(md, tmp, (size_t)n) == 1;
		at += (uint64_t)n;
	}
	ok = ok && at == size && EVP_DigestFinal_ex(md, ret, NULL) == 1;
	EVP_MD_CTX_free(md);
	return ok ? RC_OK : err_set(err, RC_IO, "package: cannot be read back");
}

/* ---- step one: the payload -------------------------------------------------------------------- */

static enum rc
load_erasables(struct packaging *p, struct reader *r, struct err *err)
{
	uint8_t	digest[ERASABLES_MAX][SHA256_BYTES];
	size_t	i, j, n;

	for (i = 0; i < p->m->indexes.n; i++) {
		AUTO_DONE(logged_done) struct logged l = LOGGED_INIT;

		TRY(logged_read(r->store, p->m->indexes.index[i], &l, err));
		n = statement_erasables(&l.s, digest);
		for (j = 0; j < n && p->n_erasables < PACKAGE_ERASABLES_MAX; j++) {
			struct buf	*b = &p->erasable[p->n_erasables];
			enum rc		 rc;

			*b = BUF_INIT(PACKAGE_ERASABLE_BYTES);
			rc = erasable_read(p->c, r->store, digest[j], b, err);
			if (rc == RC_OK)
				p->n_erasables++;
			else if (rc != RC_MISSING)	/* erased, or never came */
				return rc;
		}
	}
	return RC_OK;
}

static enum rc
load_case(struct packaging *p, const struct case_indexes *x, struct casefile *f, struct err *err)
{
	AUTO(reader_give) struct reader *r = reader_take(p->c->readers);

	return casefile_load(p->c, r, x, p->m->request_index, p->m->order_index, f, err);
}

static enum rc
load_payload(struct packaging *p, struct err *err)
{
	struct reader	*r;
	enum rc		 rc;

	TRY(load_case(p, &p->m->indexes, &p->payload, err));
	r = reader_take(p->c->readers);
	rc = load_erasables(p, r, err);
	if (rc == RC_OK)
		rc = dating_load(r, &p->m->indexes, &p->dating, err);
	reader_give(r);
	TRY(rc);
	p->payload.c.archive = p->dating.archive;
	p->payload.c.n_archives = (uint32_t)p->dating.n;
	return case_check_past(&p->payload.c, p->c->genesis, p->m->order, NULL,
	    &p->checked, err);
}

static size_t
list_messages(const struct making *m, struct package_message list[CUSTODIANS_MAX])
{
	size_t	n = 0;
	uint8_t	i;

	for (i = 0; m->to_recipient && i < CUSTODIANS_MAX; i++)
		if (m->message[i].n > 0)
			list[n++] = (struct package_message){ (uint8_t)(i + 1),
			    buf_view(&m->message[i]) };
	return n;
}

/* What is not as it was sealed is one file, which somebody may have a copy of. */
static enum rc
say_which(const struct packaging *p, enum rc rc, struct err *err)
{
	char	hex[HEX_BYTES(ARTIFACT_ID_BYTES)], file[HEX_BYTES(SHA256_BYTES)];

	if ((rc != RC_VERIFY && rc != RC_FORMAT) || p->file.e == NULL)
		return rc;
	return err_wrap(err, rc, "artifact %s: envelopes/%02x/%s is damaged, put it back from a copy",
	    hex_write(SPAN(p->file_id, ARTIFACT_ID_BYTES), hex), p->file_root[0], hex_write(SPAN(p->file_root, SHA256_BYTES), file));
}

static enum rc
begin(struct packaging *p, struct err *err)
{
	struct package_message	message[CUSTODIANS_MAX];
	struct span		erasable[PACKAGE_ERASABLES_MAX];
	struct package_input	in = {
		.evidence = &p->payload.c,
		.keys = buf_view(&p->m->keys),
		.message = message,
		.erasable = erasable,
		.source = { source_leaf, source_hashes, p },
	};
	size_t	i;

	TRY(load_payload(p, err));
	in.checked = p->checked;
	in.n_messages = list_messages(p->m, message);
	in.n_erasables = p->n_erasables;
	in.anchor = p->dating.anchor;
	in.n_anchors = p->dating.n;
	for (i = 0; i < p->n_erasables; i++)
		erasable[i] = buf_view(&p->erasable[i]);
	TRY(open_hidden(p, err));
	return say_which(p, package_begin(&in, write_at, p, &p->package, p->contents, err), err);
}

/* ---- step two: the release ------------------------------------------------------------------------ */

static enum rc
put_making(struct store *s, void *user, struct err *err)
{
	return making_keep(s, user, err);
}

static enum rc
log_release(struct packaging *p, struct err *err)
{
	struct submission	sub = { .fn = put_making, .user = p->m };
	struct statement	s;
	enum rc			rc;

	memset(&s, 0, sizeof(s));
	rc = own_statement(p->c, STATEMENT_RELEASE, RELEASE_LIFE, &s, err);
	if (rc == RC_OK)
		rc = making_name(p->c, p->m, &s, err);
	if (rc == RC_OK) {
		memcpy(s.subject, p->m->order, SHA256_BYTES);
		/* The payload has this one: another may have come in force while it was written. */
		memcpy(s.charter, p->checked->charter->digest, SHA256_BYTES);
		memcpy(s.u.release.contents, p->contents, SHA256_BYTES);
		rc = submit_own(p->c, &s, NULL, 0, &sub, err);
	}
	statement_done(&s);
	TRY(rc);
	p->release_index = sub.index;
	if (!sub.verdict.effective)
		return err_set(err, RC_DENIED, "%s",
		    void_reason_text((enum void_reason)sub.verdict.why));
	return RC_OK;
}

/* Taken up again: the payload must be the one that the log names. */
static enum rc
check_logged(struct packaging *p, struct err *err)
{
	AUTO(reader_give) struct reader *r = reader_take(p->c->readers);
	AUTO_DONE(logged_done) struct logged l = LOGGED_INIT;

	TRY(logged_read(r->store, p->release_index, &l, err));
	if (memcmp(l.s.u.release.contents, p->contents, SHA256_BYTES) != 0)
		return err_set(err, RC_BUG, "the payload is not the one that was released");
	return RC_OK;
}

/* ---- step three: the package --------------------------------------------------------------------------- */

static enum rc
load_final(struct packaging *p, struct casefile *ret, struct err *err)
{
	struct case_indexes	x = { .index = NULL };
	uint32_t		have;
	size_t			i;
	enum rc			rc = RC_OK;

	TRY(replicators_wait(p->c->replicators, p->release_index + 1, WAIT_MS_MAX, &have, err));
	for (i = 0; i < p->m->indexes.n && rc == RC_OK; i++)
		rc = case_indexes_add(&x, p->m->indexes.index[i], err);
	if (rc == RC_OK)
		rc = case_indexes_add(&x, p->release_index, err);
	if (rc == RC_OK)
		rc = load_case(p, &x, ret, err);
	case_indexes_done(&x);
	return rc;
}

static enum rc
finish(struct packaging *p, struct package_row *row, struct err *err)
{
	AUTO_DONE(casefile_done) struct casefile final = CASEFILE_INIT;
	AUTO_DONE(buf_done) struct buf certificate = BUF_INIT(TLS_CERT_MAX);
	struct stamper		stamper = { .c = p->c, .charter = p->checked->charter };
	struct package_seal	seal = {
		.key = p->c->package_pkey,
		.stamp = stamper_stamp,
		.user = &stamper,
		.archive = p->m->archive,
	};

	TRY(load_final(p, &final, err));
	TRY(load_package_certificate(p->c, &certificate, err));
	seal.certificate = buf_view(&certificate);
	seal.now = clock_now();
	TRY(package_finish(p->package, &final.c, &seal, &row->size, err));
	row->stamps = (uint8_t)package_stamps(p->package);
	(void)snprintf(p->m->unstamped, sizeof(p->m->unstamped), "%s", package_unstamped(p->package));
	(void)text_clean_str(p->m->unstamped);	/* cut, perhaps inside a letter */
	if (p->m->unstamped[0] != '\0')
		log_line("a package goes without a time-stamp: %s", p->m->unstamped);
	return RC_OK;
}

static enum rc
name_it(struct packaging *p, struct package_row *row, struct err *err)
{
	char	path[FILE_PATH_MAX], dir[FILE_PATH_MAX];

	if (ftruncate(p->fd, (off_t)row->size) != 0 || fsync(p->fd) != 0)
		return err_set(err, RC_IO, "package: %s", strerror(errno));
	TRY(digest_file(p->fd, row->size, row->sha256, err));
	TRY(package_path(p->c, row->sha256, path, err));
	if (rename(p->tmp, path) != 0)
		return err_set(err, RC_IO, "package: %s", strerror(errno));
	TRY(file_path(dir, err, "%s/packages", p->c->dir));
	return file_sync_dir(dir, err);
}

struct done_job { const struct making *m; const struct package_row *row; };

static enum rc
put_done(struct store *s, void *user, struct err *err)
{
	const struct done_job	*d = user;

	TRY(journal_package_put(s, d->m->request, d->row, err));
	return making_forget(s, d->m, err);
}

static enum rc
package_all(struct packaging *p, bool logged, struct package_row *row, struct err *err)
{
	struct done_job	d = { p->m, row };

	TRY(begin(p, err));
	TRY(logged ? check_logged(p, err) : log_release(p, err));
	TRY(finish(p, row, err));
	TRY(name_it(p, row, err));
	row->order_index = p->m->order_index;
	row->release_index = p->release_index;
	row->good = p->m->good;
	row->bad = p->m->bad;
	memcpy(row->order, p->m->order, SHA256_BYTES);
	return sequencer_do(p->c->sequencer, put_done, &d, err);
}

enum rc
making_package(struct coordinator *c, struct making *m, uint64_t release_index,
    struct package_row *ret, struct err *err)
{
	struct packaging	*p = calloc(1, sizeof(*p));
	enum rc			 rc;

	if (p == NULL)
		return err_set(err, RC_NOMEM, "package: no memory");
	p->c = c;
	p->m = m;
	p->fd = -1;
	p->file = ENVELOPE_FILE_INIT;
	p->release_index = release_index;
	rc = package_all(p, release_index != UINT64_MAX, ret, err);
	packaging_done(p);
	free(p);
	return rc;
}

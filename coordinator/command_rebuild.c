/* coordinator/command_rebuild.c - coordinatord rebuild, and coordinatord envelopes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/in_force.h"
#include "coordinator/keys.h"
#include "coordinator/load.h"
#include "coordinator/rebuild.h"
#include "coordinator/signed.h"
#include "edge/succession.h"

#define SHOWN_MAX	20u	/* artifacts without an envelope that are named */

/* ---- which network ---------------------------------------------------------------------- */

static enum rc
same_genesis(const char *path, const char *file, struct err *err)
{
	AUTO_DONE(buf_done) struct buf document = BUF_INIT(CHARTER_BYTES_MAX), have = BUF_INIT(HEX_BYTES(SHA256_BYTES));
	AUTO(charter_free) struct charter *charter = NULL;
	char	hex[HEX_BYTES(SHA256_BYTES)];

	TRY(file_read_given(file, &document, err));
	TRY(charter_parse(buf_view(&document), &charter, err));
	TRY(file_read(path, &have, err));
	(void)hex_write(SPAN_OF(charter->digest), hex);
	if (have.n < strlen(hex) || memcmp(have.p, hex, strlen(hex)) != 0)
		return err_set(err, RC_USAGE, "%s names another genesis than %s: leave --charter out, or begin with a new "
		    "folder", path, file);
	return RC_OK;
}

/* As it was enrolled, or as it is given now. It need not name us: a succession may. */
static enum rc
take_genesis(struct coordinator *c, const struct rebuild_options *o, struct err *err)
{
	char	path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/genesis", c->dir));
	if (!file_exists(path) && o->charter == NULL)
		return err_set(err, RC_USAGE, "%s: not enrolled: give --charter GENESIS.json, with GENESIS.json.dsse "
		    "beside it", c->dir);
	if (!file_exists(path))
		return enroll_copies(c->dir, o->charter, err);
	return o->charter == NULL ? RC_OK : same_genesis(path, o->charter, err);
}

/*
 * Enrolled and without a log, this folder looks like that of a network which begins: until the
 * rebuild ends, `run` must not begin a log of its own, which its key would sign.
 */
static enum rc
begin(struct coordinator *c, struct err *err)
{
	char	path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/log.db", c->dir));
	if (file_exists(path))
		return err_set(err, RC_USAGE, "%s is here: a rebuild starts on an empty disk", path);
	TRY(file_path(path, err, "%s/" REBUILD_MARK, c->dir));
	return file_write(path, SPAN(NULL, 0), 0600, err);
}

static enum rc
end(struct coordinator *c, struct err *err)
{
	char	path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/" REBUILD_MARK, c->dir));
	if (unlink(path) != 0)
		return err_set(err, RC_IO, "%s: %s", path, strerror(errno));
	return RC_OK;
}

/* The package certificate of the charter, where it is over our key: init made another. */
static enum rc
take_package_certificate(struct coordinator *c, const struct charter *charter, struct err *err)
{
	const struct blob_ref	*ref = &charter->coordinator.package_certificate;
	char			 path[FILE_PATH_MAX];

	if (package_certificate_check(c, SPAN(ref->p, ref->n), NULL) != RC_OK)
		return RC_OK;	/* charter_names_us() says what is wrong */
	TRY(file_path(path, err, "%s/package.crt", c->dir));
	return file_write(path, SPAN(ref->p, ref->n), 0644, err);
}

/* ---- the log ------------------------------------------------------------------------------ */

static enum rc
succeed(struct rebuild *b, const char *file, struct err *err)
{
	AUTO_DONE(buf_done) struct buf document = BUF_INIT(CHARTER_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf missing = BUF_INIT(16 << 10);

	TRY(file_read_given(file, &document, err));
	TRY(succession_signatures(file, replica_charter(b->replica), &dsse, &missing, err));
	if (missing.n > 0)
		return err_set(err, RC_DENIED, "%s.dsse is not complete: %s", file, buf_text(&missing));
	return rebuild_succeed(b, buf_view(&document), buf_view(&dsse), err);
}

static enum rc
make_log(struct coordinator *c, const struct rebuild_options *o, const char *path, struct err *err)
{
	AUTO_DONE(rebuild_done) struct rebuild b = { .store = NULL };
	char	blobs[FILE_PATH_MAX];
	enum rc	rc;

	TRY(file_path(blobs, err, o->blobs == NULL ? "%s.blobs" : "%s", o->blobs == NULL ? o->from : o->blobs));
	rc = rebuild_init(&b, path, c->genesis, o->from, blobs, err);
	if (rc == RC_OK)
		rc = rebuild_replay(&b, err);
	if (rc == RC_OK)
		rc = rebuild_take_tail(&b, err);
	if (rc == RC_OK && o->succession != NULL)
		rc = succeed(&b, o->succession, err);
	if (rc == RC_OK)
		rc = take_package_certificate(c, replica_charter(b.replica), err);
	if (rc == RC_OK)
		rc = charter_names_us(c, replica_charter(b.replica), err);
	if (rc == RC_USAGE && o->succession == NULL)
		rc = err_wrap(err, rc, "put the lost part back from a backup, or give --succession NEW.json");
	if (rc == RC_OK)
		log_line("%llu entries replayed from the genesis", (unsigned long long)b.size);
	return rc;
}

static enum rc
forget(const char *path, struct err *err)
{
	static const char *const	suffix[] = { "", "-wal", "-shm" };
	char				name[FILE_PATH_MAX];
	size_t				i;

	for (i = 0; i < 3; i++) {
		TRY(file_path(name, err, "%s%s", path, suffix[i]));
		if (unlink(name) != 0 && errno != ENOENT)
			return err_set(err, RC_IO, "%s: %s", name, strerror(errno));
	}
	return RC_OK;
}

static enum rc
replace_log(struct coordinator *c, const struct rebuild_options *o, struct err *err)
{
	char	path[FILE_PATH_MAX], tmp[FILE_PATH_MAX];
	enum rc	rc;

	TRY(file_path(path, err, "%s/log.db", c->dir));
	TRY(file_path(tmp, err, "%s/log.db.new", c->dir));
	TRY(forget(tmp, err));		/* of one that was cut short */
	rc = make_log(c, o, tmp, err);
	if (rc != RC_OK) {
		(void)forget(tmp, NULL);	/* or the next one does */
		return rc;
	}
	TRY(signed_forget(c->dir, err));
	/* Closed, it is one file. */
	if (rename(tmp, path) != 0)
		return err_set(err, RC_IO, "%s: %s", path, strerror(errno));
	return file_sync_dir(c->dir, err);
}

/* ---- what is not there ---------------------------------------------------------------------- */

struct showing { unsigned n; };

static void
show_lost(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const uint8_t root[SHA256_BYTES])
{
	struct showing	*s = user;
	char		 hex[HEX_BYTES(ARTIFACT_ID_BYTES)], file[HEX_BYTES(SHA256_BYTES)];

	if (s->n++ < SHOWN_MAX)
		printf("no envelope: %s (envelopes/%02x/%s)\n", hex_write(SPAN(id, ARTIFACT_ID_BYTES), hex), root[0],
		    hex_write(SPAN(root, SHA256_BYTES), file));
}

static enum rc
count_envelopes(const char *dir, uint64_t *ret_lost, struct err *err)
{
	AUTO(store_close) struct store *s = NULL;
	struct showing	 shown = { 0 };
	uint64_t	 artifacts;
	char		 path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/log.db", dir));
	TRY(store_open(path, STORE_READ, &s, err));
	TRY(envelopes_lost(s, dir, &artifacts, ret_lost, show_lost, &shown, err));
	if (*ret_lost > SHOWN_MAX)
		printf("... and %llu more\n", (unsigned long long)(*ret_lost - SHOWN_MAX));
	printf("%llu artifacts, %llu without their envelope in %s/envelopes\n", (unsigned long long)artifacts,
	    (unsigned long long)*ret_lost, dir);
	return RC_OK;
}

static enum rc
rebuild_all(struct coordinator *c, const struct rebuild_options *o, struct err *err)
{
	uint64_t	lost;

	TRY(file_path(c->dir, err, "%s", o->dir));
	TRY(secret_init(err));
	TRY(file_lock(c->dir, "coordinatord", err));
	TRY(begin(c, err));
	TRY(take_genesis(c, o, err));
	TRY(coordinator_load(o->dir, c, err));
	TRY(replace_log(c, o, err));
	TRY(end(c, err));
	TRY(count_envelopes(c->dir, &lost, err));
	printf("rebuilt. Sealed shares of before are with the custodians only: they say again which they hold.\n"
	    "Next: put what is left of envelopes/, blobs/ and packages/ in its place, then coordinatord run %s\n", o->dir);
	return RC_OK;
}

int
command_rebuild(const struct rebuild_options *o)
{
	struct coordinator	c;
	struct err		err;
	enum rc			rc;

	coordinator_init(&c);
	rc = rebuild_all(&c, o, &err);
	if (rc != RC_OK)
		log_line("rebuild: %s", err.msg);
	coordinator_done(&c);
	return exit_code(rc);
}

int
command_envelopes(const char *dir)
{
	struct err	err;
	uint64_t	lost = 0;
	enum rc		rc = count_envelopes(dir, &lost, &err);

	if (rc != RC_OK)
		log_line("envelopes: %s", err.msg);
	return rc != RC_OK ? exit_code(rc) : lost > 0 ? EXIT_NO : EXIT_YES;
}

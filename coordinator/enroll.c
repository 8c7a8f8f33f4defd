/* coordinator/enroll.c - coordinatord enroll: accept a charter that all have signed. */
#include <stdio.h>
#include <string.h>

#include "coordinator/keys.h"
#include "coordinator/load.h"
#include "audit/entry.h"
#include "policy/apply.h"
#include "policy/memstate.h"

/* The one way to know that a charter statement is complete: apply it as entry 0. */
static enum rc
check_signed(struct span document, struct span dsse, const uint8_t genesis[SHA256_BYTES],
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);
	AUTO(memstate_free) struct memstate *m = NULL;
	AUTO(replica_free) struct replica *r = NULL;
	struct verdict	v;

	entry_write(clock_now(), dsse, &leaf);
	TRY(buf_check(&leaf, "charter statement", err));
	TRY(memstate_new(&m, err));
	TRY(memstate_blob(m, document, err));
	TRY(replica_new(memstate_state(m), genesis, &r, err));
	return replica_apply(r, 0, buf_view(&leaf), &v, err);
}

static enum rc
check_own_entry(struct coordinator *c, const struct charter *charter, struct err *err)
{
	TRY(keys_open(c, err));
	return charter_names_us(c, charter, err);
}

static enum rc
write_copies(const char *dir, struct span document, struct span dsse,
    const char *genesis, struct err *err)
{
	char	path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/charter.json", dir));
	TRY(file_write(path, document, 0644, err));
	TRY(file_path(path, err, "%s/charter.json.dsse", dir));
	TRY(file_write(path, dsse, 0644, err));
	/* Last: its presence says that the copies are whole. */
	TRY(file_path(path, err, "%s/genesis", dir));
	return file_write(path, span_str(genesis), 0644, err);
}

/* Of a charter that all have signed. */
static enum rc
read_signed(const char *file, struct buf *document, struct buf *dsse, struct charter **ret, struct err *err)
{
	AUTO(charter_free) struct charter *charter = NULL;
	char	path[FILE_PATH_MAX];
	enum rc	rc;

	TRY(file_read(file, document, err));
	TRY(file_path(path, err, "%s.dsse", file));
	TRY(file_read(path, dsse, err));
	TRY(charter_parse(buf_view(document), &charter, err));
	rc = check_signed(buf_view(document), buf_view(dsse), charter->digest, err);
	if (rc != RC_OK)
		return err_wrap(err, rc, "%s is not complete", path);
	*ret = TAKE(charter);
	return RC_OK;
}

static enum rc
take_over(const char *dir, const struct charter *charter, struct span dsse, struct err *err)
{
	AUTO_DONE(buf_done) struct buf words = BUF_INIT(16 << 10);
	char	text[HEX_BYTES(SHA256_BYTES) + 1];

	(void)hex_write(SPAN_OF(charter->digest), text);
	charter_explain(charter, &words);
	printf("genesis %s\n%s", text, buf_text(&words));
	(void)strcat(text, "\n");
	return write_copies(dir, buf_view(&charter->bytes), dsse, text, err);
}

enum rc
enroll_copies(const char *dir, const char *file, struct err *err)
{
	AUTO_DONE(buf_done) struct buf document = BUF_INIT(CHARTER_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);
	AUTO(charter_free) struct charter *charter = NULL;

	TRY(read_signed(file, &document, &dsse, &charter, err));
	return take_over(dir, charter, buf_view(&dsse), err);
}

static enum rc
enroll(struct coordinator *c, const char *file, struct err *err)
{
	AUTO_DONE(buf_done) struct buf document = BUF_INIT(CHARTER_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);
	AUTO(charter_free) struct charter *charter = NULL;

	TRY(config_read(c->dir, &c->config, err));
	TRY(load_tls(c, err));
	TRY(read_signed(file, &document, &dsse, &charter, err));
	TRY(check_own_entry(c, charter, err));
	return take_over(c->dir, charter, buf_view(&dsse), err);
}

int
command_enroll(const char *dir, const char *charter)
{
	struct coordinator	c;
	struct err		err;
	enum rc			rc;

	coordinator_init(&c);
	rc = file_path(c.dir, &err, "%s", dir);
	if (rc == RC_OK)
		rc = secret_init(&err);
	if (rc == RC_OK)
		rc = enroll(&c, charter, &err);
	if (rc != RC_OK)
		log_line("enroll: %s", err.msg);
	coordinator_done(&c);
	return exit_code(rc);
}

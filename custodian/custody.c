/* custodian/custody.c - the keeper's parts, put together. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "custodian/custody.h"
#include "proto/unpack.h"
#include "evidence/case.h"

void
custody_free(struct custody *c)
{
	if (c == NULL)
		return;
	checking_free(c->checking);
	compare_done(&c->comparing);
	replica_free(c->replica);
	store_close(c->store);
	hsm_signer_free(c->signer);
	hsm_key_free(c->share_key);
	hsm_close(c->hsm);
	free(c);
}

static enum rc
open_parts(struct custody *c, const char *dir, struct err *err)
{
	AUTO_DONE(buf_done) struct buf report = BUF_INIT(8192);
	struct hsm_probe	p;
	char			path[FILE_PATH_MAX];

	TRY(config_read(dir, &c->config, err));
	TRY(config_genesis(dir, c->genesis, err));
	TRY(config_keys(&c->config, &c->hsm, &c->share_key, &c->signer, err));
	TRY(hsm_probe(c->hsm, c->share_key, &p, &report, err));
	if (p.extracted)
		log_line("WARNING: the token gives private keys away: %s", buf_text(&report));
	if (p.extracted && c->config.token.accept_extractable)
		p.extracted = p.weak_claim = false;	/* openly accepted; nothing else is */
	TRY(hsm_probe_check(&p, err));
	TRY(file_path(path, err, "%s/replica.db", dir));
	TRY(store_open(path, file_exists(path) ? STORE_OPEN : STORE_CREATE, &c->store, err));
	TRY(replica_new(store_state(c->store), c->genesis, &c->replica, err));
	TRY(stopped_load(c, err));
	if (c->stopped.is)
		log_line("ALARM: stopped before entry %llu: %s", (unsigned long long)c->stopped.index, c->stopped.words);
	return steps_open(c, err);
}

enum rc
custody_open(const char *dir, struct custody **ret, struct err *err)
{
	AUTO(custody_free) struct custody *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	TRY(open_parts(c, dir, err));
	*ret = TAKE(c);
	return RC_OK;
}

static enum rc
look_at_parts(struct custody *c, const char *dir, struct err *err)
{
	char	path[FILE_PATH_MAX];
	enum rc	rc;

	TRY(config_read(dir, &c->config, err));
	TRY(config_genesis(dir, c->genesis, err));
	TRY(file_path(path, err, "%s/replica.db", dir));
	rc = store_open(path, STORE_READ, &c->store, err);
	if (rc == RC_MISSING)
		return err_set(err, RC_UNSURE, "the log has not come to %s yet", dir);
	TRY(rc);
	TRY(store_begin(c->store, err));
	TRY(replica_new(store_state(c->store), c->genesis, &c->replica, err));
	if (replica_charter(c->replica) == NULL)
		return err_set(err, RC_UNSURE, "the log has not come to %s yet", dir);
	return RC_OK;
}

enum rc
custody_look(const char *dir, struct custody **ret, struct err *err)
{
	AUTO(custody_free) struct custody *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	TRY(look_at_parts(c, dir, err));
	*ret = TAKE(c);
	return RC_OK;
}

enum rc
custody_say(struct custody *c, struct err *err, enum rc rc, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	(void)vsnprintf(c->words, sizeof(c->words), fmt, ap);
	va_end(ap);
	return err_set(err, rc, "%s", c->words);
}

enum rc
custody_unread(struct custody *c, const char *what, struct err *err)
{
	struct err	why;
	enum rc		rc = unpack_failed(what, &why);

	return custody_say(c, err, rc, "%.200s", why.msg);
}

enum rc
custody_charter(struct custody *c, const struct charter **ret, struct err *err)
{
	const struct charter	*charter = replica_charter(c->replica);
	uint8_t			 i;

	if (charter == NULL)
		return custody_say(c, err, RC_UNSURE, "the log has not come yet");
	for (i = 0; i < charter->n && c->index == 0; i++)
		if (memcmp(charter->custodian[i].signing_key.bytes, hsm_signer_public(c->signer),
		    HSM_ED25519_BYTES) == 0)
			c->index = (uint8_t)(i + 1);
	if (c->index == 0)
		return custody_say(c, err, RC_BUG, "the charter does not name this custodian");
	*ret = charter;
	return RC_OK;
}

static enum rc
on_charter(void *user, const uint8_t digest[SHA256_BYTES], uint64_t since, struct err *err)
{
	(void)digest;
	(void)since;
	(void)err;
	(*(size_t *)user)++;
	return RC_OK;
}

enum rc
custody_may_follow(struct custody *c, struct err *err)
{
	size_t	n = 0;

	TRY(replica_charters(c->replica, on_charter, &n, err));
	return n <= CASE_CHARTERS_MAX ? RC_OK : err_set(err, RC_LIMIT, "%zu charters followed the first one already, and evidence "
	    "holds no more: nothing could be released under another; install a version that can", n - 1);
}

enum rc
custody_in_force(struct custody *c, struct span request, struct buf *reply, struct err *err)
{
	const struct charter	*charter;

	if (request.n != SHA256_BYTES)
		return custody_say(c, err, RC_FORMAT, "malformed request");
	if (replica_charter(c->replica) == NULL) {
		buf_u8(reply, 0);
		return buf_check(reply, "reply", err);
	}
	TRY(custody_charter(c, &charter, err));
	buf_u8(reply, c->index);
	if (memcmp(request.p, charter->digest, SHA256_BYTES) != 0)	/* public digests */
		buf_span(reply, buf_view(&charter->bytes));
	return buf_check(reply, "reply", err);
}

enum rc
custody_statement(struct custody *c, enum statement_type type, when now, uint64_t life,
    struct statement *ret, struct err *err)
{
	const struct charter	*charter;
	uint64_t		 size = store_size(c->store);
	uint8_t			 root[SHA256_BYTES];

	TRY(custody_charter(c, &charter, err));
	TRY(store_root_at(c->store, size, root, err));
	statement_init(ret, type, c->genesis, charter->digest, size, root, now, life);
	return RC_OK;
}

enum rc
custody_sign(struct custody *c, struct statement *s, struct buf *dsse, struct err *err)
{
	struct signer	signer = hsm_as_signer(c->signer);

	return statement_sign(s, &signer, dsse, err);
}

void
custody_owed_key(const struct statement *receipt, uint8_t ret[OWED_KEY_BYTES])
{
	uint8_t	i;

	for (i = 0; i < 8; i++)
		ret[i] = (uint8_t)(receipt->issued >> (56 - 8 * i));
	memcpy(ret + 8, receipt->id, SHA256_BYTES);
}

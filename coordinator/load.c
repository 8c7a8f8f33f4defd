/* coordinator/load.c - read DIR and refuse what does not fit together. */
#include <string.h>

#include "coordinator/in_force.h"
#include "coordinator/keys.h"
#include "coordinator/load.h"
#include "policy/dsse.h"

#define PEM_BYTES_MAX	(64 << 10)

void
coordinator_init(struct coordinator *c)
{
	memset(c, 0, sizeof(*c));
	c->charter_dsse = BUF_INIT(DSSE_BYTES_MAX);
	c->tls_cert = BUF_INIT(PEM_BYTES_MAX);
}

enum rc
load_tls(struct coordinator *c, struct err *err)
{
	AUTO(secret_free) struct secret *key = NULL;
	char	path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/tls.crt", c->dir));
	TRY(file_read(path, &c->tls_cert, err));
	TRY(file_path(path, err, "%s/tls.key", c->dir));
	TRY(file_read_secret(path, PEM_BYTES_MAX, &key, err));
	c->tls_key = TAKE(key);
	return RC_OK;
}

enum rc
load_package_certificate(const struct coordinator *c, struct buf *der, struct err *err)
{
	char	path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/package.crt", c->dir));
	TRY(file_read(path, der, err));
	return package_certificate_check(c, buf_view(der), err);
}

static bool
ref_eq(const struct blob_ref *a, struct span b)
{
	return span_eq(SPAN(a->p, a->n), b);
}

static enum rc
charter_is_ours(const struct coordinator *c, const struct charter *charter,
    struct span package_der, struct err *err)
{
	AUTO_DONE(buf_done) struct buf tls = BUF_INIT(TLS_CERT_MAX);

	TRY(pem_to_der(buf_view(&c->tls_cert), &tls, err));
	if (!key_eq(&charter->coordinator.log_key, &c->log.key))
		return err_set(err, RC_USAGE,
		    "the charter names another log key than this coordinator's");
	if (!ref_eq(&charter->coordinator.tls_certificate, buf_view(&tls)))
		return err_set(err, RC_USAGE,
		    "the charter names another TLS certificate than %s/tls.crt", c->dir);
	if (!ref_eq(&charter->coordinator.package_certificate, package_der))
		return err_set(err, RC_USAGE, "the charter names another package "
		    "certificate than %s/package.crt", c->dir);
	if (strcmp(charter->origin, c->config.origin) != 0)
		return err_set(err, RC_USAGE, "the charter's log is %.100s, this "
		    "coordinator was made for %.100s", charter->origin, c->config.origin);
	return RC_OK;
}

enum rc
charter_names_us(const struct coordinator *c, const struct charter *charter, struct err *err)
{
	AUTO_DONE(buf_done) struct buf package = BUF_INIT(TLS_CERT_MAX);

	TRY(load_package_certificate(c, &package, err));
	return charter_is_ours(c, charter, buf_view(&package), err);
}

static enum rc
load_genesis(struct coordinator *c, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(HEX_BYTES(SHA256_BYTES));
	char	path[FILE_PATH_MAX];
	struct span text;

	TRY(file_path(path, err, "%s/genesis", c->dir));
	if (!file_exists(path))
		return err_set(err, RC_USAGE, "%s: no charter yet; run coordinatord "
		    "enroll when all have signed it", c->dir);
	TRY(file_read(path, &b, err));
	text = buf_view(&b);
	if (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	if (!hex_parse(text, c->genesis, sizeof(c->genesis)))
		return err_set(err, RC_USAGE, "%s: not a digest in hex", path);
	return RC_OK;
}

static enum rc
load_charter(struct coordinator *c, struct err *err)
{
	AUTO_DONE(buf_done) struct buf document = BUF_INIT(CHARTER_BYTES_MAX);
	char	path[FILE_PATH_MAX];

	TRY(load_genesis(c, err));
	TRY(file_path(path, err, "%s/charter.json", c->dir));
	TRY(file_read(path, &document, err));
	TRY(in_force_put(c, buf_view(&document), err));
	if (memcmp(c->first->digest, c->genesis, sizeof(c->genesis)) != 0)
		return err_set(err, RC_USAGE, "%s: is not the charter that was enrolled",
		    path);
	TRY(file_path(path, err, "%s/charter.json.dsse", c->dir));
	return file_read(path, &c->charter_dsse, err);
}

enum rc
coordinator_load(const char *dir, struct coordinator *c, struct err *err)
{
	TRY(file_path(c->dir, err, "%s", dir));
	TRY(config_read(c->dir, &c->config, err));
	TRY(load_charter(c, err));
	TRY(load_tls(c, err));
	return keys_open(c, err);
}

void
coordinator_done(struct coordinator *c)
{
	keys_close(c);
	in_force_done(c);
	buf_done(&c->charter_dsse);
	buf_done(&c->tls_cert);
	secret_free(c->tls_key);
	coordinator_init(c);
}

/* coordinator/init.c - coordinatord init: keys, identity, enrolment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/keys.h"

/* --token LABEL becomes a URI: all but the unreserved characters are escaped. */
static enum rc
token_uri(const char *label, char *out, size_t n, struct err *err)
{
	static const char	plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-._";
	size_t	at;

	at = (size_t)snprintf(out, n, "pkcs11:token=");
	for (; *label != '\0' && at + 4 < n; label++)
		if (strchr(plain, *label) != NULL)
			out[at++] = *label;
		else
			at += (size_t)snprintf(out + at, n - at, "%%%02X",
			    (unsigned char)*label);
	if (*label != '\0')
		return err_set(err, RC_USAGE, "--token: the label is too long");
	out[at] = '\0';
	return RC_OK;
}

static enum rc
take(char *out, size_t n, const char *in, const char *what, struct err *err)
{
	if (strlen(in) >= n)
		return err_set(err, RC_USAGE, "%s: longer than %zu bytes", what, n - 1);
	memcpy(out, in, strlen(in) + 1);
	return RC_OK;
}

/* The config outlives this working folder: relative paths become absolute. */
static enum rc
take_path(char *out, size_t n, const char *in, const char *what, struct err *err)
{
	char	*full = realpath(in, NULL);
	enum rc	 rc;

	if (full == NULL)
		return err_set(err, RC_USAGE, "%s: %.150s: no such file", what, in);
	rc = take(out, n, full, what, err);
	free(full);
	return rc;
}

static enum rc
config_from(const struct init_options *o, struct config *c, struct err *err)
{
	memset(c, 0, sizeof(*c));
	TRY(take(c->organisation, sizeof(c->organisation), o->organisation,
	    "--organisation", err));
	TRY(take(c->origin, sizeof(c->origin), o->origin, "--origin", err));
	TRY(take(c->address, sizeof(c->address), o->address, "--address", err));
	if (o->tiles != NULL)
		TRY(take(c->tiles, sizeof(c->tiles), o->tiles, "--tiles", err));
	TRY(take_path(c->token.module, sizeof(c->token.module), o->module,
	    "--module", err));
	TRY(take_path(c->token.pin_file, sizeof(c->token.pin_file), o->pin_file,
	    "--pin-file", err));
	if (o->module_args != NULL)
		TRY(take(c->token.module_args, sizeof(c->token.module_args),
		    o->module_args, "--module-args", err));
	if ((o->token == NULL) == (o->uri == NULL))
		return err_set(err, RC_USAGE, "give one of --token LABEL and --uri URI");
	if (o->uri != NULL)
		TRY(take(c->token.uri, sizeof(c->token.uri), o->uri, "--uri", err));
	else
		TRY(token_uri(o->token, c->token.uri, sizeof(c->token.uri), err));
	return config_check(c, err);
}

static enum rc
make_tls(struct coordinator *c, struct err *err)
{
	AUTO(secret_free) struct secret *key = NULL;
	char	cert_path[FILE_PATH_MAX], key_path[FILE_PATH_MAX];

	TRY(file_path(cert_path, err, "%s/tls.crt", c->dir));
	TRY(file_path(key_path, err, "%s/tls.key", c->dir));
	/* The certificate is written last: with it the pair is whole. */
	if (file_exists(cert_path))
		return file_read(cert_path, &c->tls_cert, err);
	TRY(tls_identity_new("quorate coordinator", &c->tls_cert, &key, err));
	TRY(file_write(key_path, SPAN(secret_view(key), secret_len(key)), 0600, err));
	return file_write(cert_path, buf_view(&c->tls_cert), 0644, err);
}

static enum rc
make_package_certificate(struct coordinator *c, struct buf *der, struct err *err)
{
	char	path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/package.crt", c->dir));
	if (file_exists(path)) {
		TRY(file_read(path, der, err));
		return package_certificate_check(c, buf_view(der), err);
	}
	TRY(package_certificate_new(c, der, err));
	return file_write(path, buf_view(der), 0644, err);
}

static enum rc
write_enrolment(struct coordinator *c, struct span package_der, struct err *err)
{
	AUTO_DONE(buf_done) struct buf tls = BUF_INIT(TLS_CERT_MAX);
	AUTO_DONE(buf_done) struct buf tls_b64 = BUF_INIT(2 * TLS_CERT_MAX);
	AUTO_DONE(buf_done) struct buf package_b64 = BUF_INIT(2 * TLS_CERT_MAX);
	AUTO_DONE(buf_done) struct buf key = BUF_INIT(128);
	AUTO(json_decref) json_t *v = NULL;
	char	 path[FILE_PATH_MAX], *text;
	enum rc	 rc;

	TRY(pem_to_der(buf_view(&c->tls_cert), &tls, err));
	b64_write(&tls_b64, buf_view(&tls));
	b64_write(&package_b64, package_der);
	key_write(&c->log.key, &key);
	TRY(buf_check(&tls_b64, "TLS certificate", err));
	TRY(buf_check(&package_b64, "package certificate", err));
	v = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "kind", "coordinator",
	    "organisation", c->config.organisation, "origin", c->config.origin,
	    "address", c->config.address, "tls_certificate", buf_text(&tls_b64),
	    "package_certificate", buf_text(&package_b64), "log_key", buf_text(&key));
	if (v == NULL || (text = json_dumps(v, JSON_INDENT(2))) == NULL)
		return err_set(err, RC_NOMEM, "enrolment.json: no memory");
	rc = file_path(path, err, "%s/enrolment.json", c->dir);
	if (rc == RC_OK)
		rc = file_write(path, span_str(text), 0644, err);
	free(text);
	return rc;
}

static enum rc
init(const struct init_options *o, struct coordinator *c, struct err *err)
{
	AUTO_DONE(buf_done) struct buf der = BUF_INIT(TLS_CERT_MAX);
	char	path[FILE_PATH_MAX];

	TRY(config_from(o, &c->config, err));
	TRY(file_path(c->dir, err, "%s", o->dir));
	TRY(file_path(path, err, "%s/enrolment.json", c->dir));
	if (file_exists(path))
		return err_set(err, RC_USAGE, "%s: initialised already; its public part "
		    "is enrolment.json", o->dir);
	TRY(file_mkdir(c->dir, err));
	TRY(secret_init(err));
	TRY(keys_make(c, err));
	TRY(make_package_certificate(c, &der, err));
	TRY(make_tls(c, err));
	TRY(config_write(c->dir, &c->config, err));
	/* Last: an init that was cut short can be run again until it is here. */
	return write_enrolment(c, buf_view(&der), err);
}

int
command_init(const struct init_options *o)
{
	struct coordinator	c = { .tls_cert = BUF_INIT(64 << 10) };
	struct err		err;
	enum rc			rc;

	rc = init(o, &c, &err);
	if (rc != RC_OK)
		log_line("init: %s", err.msg);
	else
		printf("%s/enrolment.json is for the charter: quorate charter add\n", o->dir);
	keys_close(&c);
	buf_done(&c.tls_cert);
	return exit_code(rc);
}

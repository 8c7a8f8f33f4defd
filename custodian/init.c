/* custodian/init.c - `custodiand init`: keys, identity, and what the others need of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "custodian/config.h"
#include "edge/options.h"

struct init {
	struct custodian_config	config;
	struct hsm		*hsm;
	struct hsm_key		*share;
	struct hsm_signer	*signer;
	struct buf		 cert_pem, cert_der;
	bool			 extractable;
	bool			 again;		/* after one that was cut short */
	char			 begun[FILE_PATH_MAX];
};

static void
init_done(struct init *i)
{
	hsm_signer_free(i->signer);
	hsm_key_free(i->share);
	hsm_close(i->hsm);
	buf_done(&i->cert_pem);
	buf_done(&i->cert_der);
}

/* The token must be able, and must not give a private key away. */
static enum rc
probe(struct init *i, struct err *err)
{
	AUTO_DONE(buf_done) struct buf report = BUF_INIT(8192);
	struct hsm_probe	p;

	TRY(hsm_probe(i->hsm, i->share, &p, &report, err));
	fputs(buf_text(&report), stdout);
	i->extractable = p.extracted;
	if (p.extracted && i->config.token.accept_extractable) {
		puts("accepted by --accept-extractable; the charter and every audit will say so");
		p.extracted = p.weak_claim = false;
	}
	return hsm_probe_check(&p, err);
}

/*
 * An init that was cut short can be run again, and finds its keys in the token. It is known by
 * a file in its folder that was written while the token had none: else two custodians of one
 * token would share them.
 */
static enum rc
begin(struct init *i, struct err *err)
{
	AUTO(hsm_key_free) struct hsm_key *there = NULL;
	AUTO_DONE(buf_done) struct buf with = BUF_INIT(4096);
	char	label[HSM_LABEL_MAX + 1];
	enum rc	rc;

	TRY(file_path(i->begun, err, "%s/init-begun", i->config.dir));
	i->again = file_exists(i->begun);
	if (i->again) {
		TRY(file_read(i->begun, &with, err));
		return span_eq(buf_view(&with), span_str(i->config.token.uri)) ? RC_OK : err_set(err, RC_USAGE,
		    "%s: an init with another token was cut short here; choose another folder", i->config.dir);
	}
	rc = hsm_key_find_label(i->hsm, hsm_share_label(1, label), HSM_SHARE, &there, err);
	if (rc != RC_MISSING)
		return rc != RC_OK ? rc : err_set(err, RC_USAGE, "the token has a key \"%s\" already", label);
	return file_create(i->begun, span_str(i->config.token.uri), 0600, err);
}

/* What stands there is of an init that was cut short, or is not replaced. */
static enum rc
put(const struct init *i, const char *name, struct span bytes, unsigned mode, struct err *err)
{
	char	path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/%s", i->config.dir, name));
	return i->again ? file_write(path, bytes, mode, err) : file_create(path, bytes, mode, err);
}

static enum rc
make_share_key(struct init *i, struct err *err)
{
	char	label[HSM_LABEL_MAX + 1];
	enum rc	rc = hsm_key_generate(i->hsm, HSM_SHARE, hsm_share_label(1, label), &i->share, err);

	return rc == RC_USAGE && i->again ? hsm_key_find_label(i->hsm, label, HSM_SHARE, &i->share, err) : rc;
}

/* In the token, or a seed that is kept sealed: a new one then, as nobody was told of the last. */
static enum rc
make_signer(struct init *i, struct err *err)
{
	AUTO_DONE(buf_done) struct buf sealed = BUF_INIT(HSM_SEALED_SEED_BYTES);
	enum rc	rc = hsm_signer_create(i->hsm, SIGNING_LABEL, i->share, &sealed, &i->signer, err);

	if (rc == RC_USAGE && i->again)
		return hsm_signer_open(i->hsm, SIGNING_LABEL, i->share, SPAN(NULL, 0), &i->signer, err);
	TRY(rc);
	return sealed.n == 0 ? RC_OK : put(i, "signing-key.sealed", buf_view(&sealed), 0600, err);
}

static enum rc
make_keys(struct init *i, struct err *err)
{
	TRY(token_open(&i->config.token, i->config.dir, &i->hsm, err));
	TRY(probe(i, err));
	TRY(begin(i, err));
	TRY(make_share_key(i, err));
	TRY(probe(i, err));
	return make_signer(i, err);
}

static enum rc
make_identity(struct init *i, struct err *err)
{
	AUTO(secret_free) struct secret *key = NULL;

	TRY(tls_identity_new(i->config.name, &i->cert_pem, &key, err));
	TRY(pem_to_der(buf_view(&i->cert_pem), &i->cert_der, err));
	TRY(put(i, "tls.key", SPAN(secret_view(key), secret_len(key)), 0600, err));
	return put(i, "tls.crt", buf_view(&i->cert_pem), 0644, err);
}

static void
key_text(struct buf *out, uint8_t alg, struct span bytes)
{
	struct key	k = { .alg = alg, .n = (uint8_t)bytes.n };

	memcpy(k.bytes, bytes.p, bytes.n);
	key_write(&k, out);
}

/* What goes to whoever draws up the charter; nothing in it is secret. */
static enum rc
write_enrolment(struct init *i, struct err *err)
{
	AUTO_DONE(buf_done) struct buf cert = BUF_INIT(2 * TLS_CERT_MAX), share = BUF_INIT(256),
	    sign = BUF_INIT(256), text = BUF_INIT(16384);
	AUTO(json_decref) json_t *json = NULL;
	char	*dump;

	b64_write(&cert, buf_view(&i->cert_der));
	key_text(&share, KEY_P256, hsm_key_public(i->share));
	key_text(&sign, KEY_ED25519, SPAN(hsm_signer_public(i->signer), HSM_ED25519_BYTES));
	json = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:[{s:i,s:s}]}", "kind", "custodian",
	    "name", i->config.name, "organisation", i->config.organisation,
	    "address", i->config.listen, "tls_certificate", buf_text(&cert),
	    "signing_key", buf_text(&sign), "signing_key_home",
	    hsm_signer_in_token(i->signer) ? "token" : "sealed", "extractable", i->extractable,
	    "share_keys", "epoch", 1, "key", buf_text(&share));
	if (json == NULL || (dump = json_dumps(json, JSON_INDENT(2))) == NULL)
		return err_set(err, RC_NOMEM, "enrolment: no memory");
	buf_printf(&text, "%s\n", dump);
	free(dump);
	TRY(buf_check(&text, "enrolment", err));
	TRY(put(i, "enrolment.json", buf_view(&text), 0644, err));
	printf("wrote %s/enrolment.json: give it to whoever draws up the charter (nothing in it is secret)\n",
	    i->config.dir);
	return RC_OK;
}

static enum rc
fill_config(struct custodian_config *c, const char *dir, const char *const *v, const struct texts *places, struct err *err)
{
	enum { NAME, ORGANISATION, ADDRESS, MODULE, ARGS, TOKEN, URI, PIN };

	if (!is_plain_text(v[NAME], NAME_MAX_BYTES) || !is_plain_text(v[ORGANISATION], NAME_MAX_BYTES) ||
	    !is_plain_text(v[ADDRESS], NAME_MAX_BYTES))
		return err_set(err, RC_USAGE,
		    "name, organisation and address: printable text of at most %d bytes", NAME_MAX_BYTES);
	TRY(file_path(c->dir, err, "%s", dir));
	(void)snprintf(c->name, sizeof(c->name), "%s", v[NAME]);
	(void)snprintf(c->organisation, sizeof(c->organisation), "%s", v[ORGANISATION]);
	(void)snprintf(c->listen, sizeof(c->listen), "%s", v[ADDRESS]);
	TRY(token_config_options(v[MODULE], v[ARGS], v[TOKEN], v[URI], v[PIN], &c->token, err));
	return token_config_places(&c->token, places->v, places->n, err);
}

enum rc
custodian_init(int argc, char **argv, struct err *err)
{
	const char	*v[8] = { NULL }, *dir = NULL;
	struct texts	 places = { .n = 0 };
	AUTO_DONE(init_done) struct init i = { .cert_pem = BUF_INIT(16384), .cert_der = BUF_INIT(TLS_CERT_MAX) };
	const struct option_row	rows[] = {
		{ "name", OPTION_TEXT | OPTION_NEEDED, &v[0], "NAME", "what people call this custodian" },
		{ "organisation", OPTION_TEXT | OPTION_NEEDED, &v[1], "NAME", "who runs it" },
		{ "address", OPTION_TEXT | OPTION_NEEDED, &v[2], "HOST:PORT", "where it listens" },
		{ "module", OPTION_TEXT | OPTION_NEEDED, &v[3], "FILE", "the token's PKCS#11 library" },
		{ "module-args", OPTION_TEXT, &v[4], "TEXT", "what that library wants at its start" },
		{ "token", OPTION_TEXT, &v[5], "LABEL", "the token by its label" },
		{ "uri", OPTION_TEXT, &v[6], "URI", "or by a PKCS#11 URI" },
		{ "pin-file", OPTION_TEXT | OPTION_NEEDED, &v[7], "FILE", "its PIN, in a file of mode 600" },
		{ "token-place", OPTION_TEXTS, &places, "PATH", "a file or folder that its library uses while it serves" },
		{ "accept-extractable", OPTION_FLAG, &i.config.token.accept_extractable, NULL,
		    "take a token that lets keys out; every audit will say so" },
	};
	const struct command	c = {
		"custodiand init DIR --name NAME --organisation NAME --address HOST:PORT --module FILE --token LABEL --pin-file FILE",
		"Makes this custodian's keys in its token, a TLS identity and DIR/enrolment.json.",
		rows, sizeof(rows) / sizeof(rows[0]) };
	size_t	n;
	bool	help;
	char	path[FILE_PATH_MAX];

	TRY(options_read(&c, argc, argv, &dir, 1, 1, &n, &help, err));
	if (help)
		return RC_OK;
	TRY(fill_config(&i.config, dir, v, &places, err));
	TRY(file_mkdir(dir, err));
	TRY(file_path(path, err, "%s/custodian.json", dir));
	if (file_exists(path))
		return err_set(err, RC_USAGE, "%s: a custodian is there already; choose another folder", path);
	TRY(make_keys(&i, err));
	TRY(make_identity(&i, err));
	TRY(write_enrolment(&i, err));
	TRY(config_write(&i.config, err));	/* last: its presence means all of it is there */
	(void)unlink(i.begun);			/* which says it already */
	return RC_OK;
}

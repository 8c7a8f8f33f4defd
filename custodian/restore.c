/*
 * custodian/restore.c - `custodiand restore`: a custodian whose disk is lost and whose token is not.
 *
 * The token has the keys, the charter says whose they are, the log and the shares come
 * from the coordinator again. What this custodian did before it cannot know: the token's
 * mark says that there was something, and `run` treats it as one that was put back
 * (docs/adr/0009-restored-and-cloned.md).
 */
#include <stdio.h>
#include <string.h>

#include "custodian/config.h"
#include "edge/options.h"

enum { MODULE, ARGS, TOKEN, URI, PIN, CHARTER, CERT, KEY, SEALED, ADDRESS, VALUES };

struct restoring {
	const char		*v[VALUES];
	struct custodian_config	 config;
	struct charter		*charter;
	const struct custodian	*own;
	struct hsm		*hsm;
	struct hsm_key		*share;
	struct hsm_signer	*signer;
	struct buf		 cert, sealed;
	struct secret		*key;
	bool			 new_identity;
	struct texts		 places;
};

static void
restoring_done(struct restoring *r)
{
	hsm_signer_free(r->signer);
	hsm_key_free(r->share);
	hsm_close(r->hsm);
	charter_free(r->charter);
	secret_free(r->key);
	buf_done(&r->cert);
	buf_done(&r->sealed);
}

/* --- what is there -------------------------------------------------------------------- */

/* Nothing is put over a state: whoever has one does not need this. */
static enum rc
not_there(const char *dir, struct err *err)
{
	static const char *const	names[] = { "custodian.json", "replica.db", "genesis", "charter.json", "tls.key",
			    "signing-key.sealed" };
	char	path[FILE_PATH_MAX];
	size_t	i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		TRY(file_path(path, err, "%s/%s", dir, names[i]));
		if (file_exists(path))
			return err_set(err, RC_USAGE, "%s is there: a custodian that has its state is not restored; move the folder away "
			    "when it is worth nothing", path);
	}
	return RC_OK;
}

static enum rc
read_charter(struct restoring *r, struct err *err)
{
	AUTO_DONE(buf_done) struct buf json = BUF_INIT(CHARTER_BYTES_MAX);

	TRY(file_read_given(r->v[CHARTER], &json, err));
	TRY(charter_parse(buf_view(&json), &r->charter, err));
	if (r->charter->has_amends)
		return err_set(err, RC_USAGE, "%s follows another charter: give the first one, whose digest is the genesis",
		    r->v[CHARTER]);
	return RC_OK;
}

/* --- whose keys the token has ----------------------------------------------------------- */

/* The share keys never leave the token: who has one of them is that custodian. */
static const struct custodian *
custodian_of_share(const struct charter *c, struct span pub)
{
	uint8_t	i, e;

	for (i = 0; i < c->n; i++)
		for (e = 0; e < c->custodian[i].n_epochs; e++)
			if (span_eq(pub, SPAN(c->custodian[i].share_key[e], HSM_POINT_BYTES)))
				return &c->custodian[i];
	return NULL;
}

static enum rc
open_signer(struct restoring *r, struct err *err)
{
	enum rc	rc;

	if (r->v[SEALED] != NULL)
		TRY(file_read_given(r->v[SEALED], &r->sealed, err));
	rc = hsm_signer_open(r->hsm, SIGNING_LABEL, r->share, buf_view(&r->sealed), &r->signer, err);
	if (rc == RC_MISSING && r->v[SEALED] == NULL)
		return err_set(err, RC_USAGE, "the token has no signing key: that of custodian %u is in a file that the token can open: "
		    "give signing-key.sealed from a backup with --sealed-key; without it this custodian cannot sign again", r->own->index);
	if (rc != RC_OK)
		return err_wrap(err, rc, "the signing key of custodian %u", r->own->index);
	if (memcmp(r->own->signing_key.bytes, hsm_signer_public(r->signer), HSM_ED25519_BYTES) != 0)
		return err_set(err, RC_DENIED, "the token has another signing key than the charter gives custodian %u", r->own->index);
	return RC_OK;
}

static enum rc
find_keys(struct restoring *r, struct err *err)
{
	TRY(token_open(&r->config.token, r->config.dir, &r->hsm, err));
	TRY(config_share_key(r->hsm, &r->share, err));
	r->own = custodian_of_share(r->charter, hsm_key_public(r->share));
	if (r->own == NULL)
		return err_set(err, RC_DENIED, "the charter names no share key that is in this token: is it the right token, and the "
		    "right charter?");
	return open_signer(r, err);
}

/* --- TLS --------------------------------------------------------------------------------- */

static enum rc
identity_of_backup(struct restoring *r, struct err *err)
{
	AUTO_DONE(buf_done) struct buf der = BUF_INIT(TLS_CERT_MAX);
	const struct blob_ref	*pinned = &r->own->tls_certificate;

	if (r->v[CERT] == NULL || r->v[KEY] == NULL)
		return err_set(err, RC_USAGE, "--tls-cert and --tls-key belong together");
	TRY(file_read_given(r->v[CERT], &r->cert, err));
	TRY(pem_to_der(buf_view(&r->cert), &der, err));
	if (!span_eq(buf_view(&der), SPAN(pinned->p, pinned->n)))
		printf("%s is not the certificate of the first charter: fine if a later one names it\n", r->v[CERT]);
	return file_read_secret(r->v[KEY], 16384, &r->key, err);
}

static enum rc
find_identity(struct restoring *r, struct err *err)
{
	r->new_identity = r->v[CERT] == NULL && r->v[KEY] == NULL;
	if (!r->new_identity)
		return identity_of_backup(r, err);
	return tls_identity_new(r->own->name, &r->cert, &r->key, err);
}

/* --- the folder ----------------------------------------------------------------------------- */

static void
copy(char ret[NAME_MAX_BYTES + 1], const char *from)
{
	(void)snprintf(ret, NAME_MAX_BYTES + 1, "%s", from);
}

static enum rc
fill_config(struct restoring *r, const char *dir, struct err *err)
{
	TRY(file_path(r->config.dir, err, "%s", dir));
	if (r->v[ADDRESS] != NULL && !is_plain_text(r->v[ADDRESS], NAME_MAX_BYTES))
		return err_set(err, RC_USAGE, "address: printable text of at most %d bytes", NAME_MAX_BYTES);
	TRY(token_config_options(r->v[MODULE], r->v[ARGS], r->v[TOKEN], r->v[URI], r->v[PIN], &r->config.token, err));
	return token_config_places(&r->config.token, r->places.v, r->places.n, err);
}

static enum rc
put_file(struct restoring *r, const char *name, struct span bytes, unsigned mode, struct err *err)
{
	char	path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/%s", r->config.dir, name));
	return file_create(path, bytes, mode, err);
}

/* custodian.json last: its presence means that all of it is there. */
static enum rc
write_folder(struct restoring *r, struct err *err)
{
	char	hex[HEX_BYTES(SHA256_BYTES) + 1];
	size_t	n;

	copy(r->config.name, r->own->name);
	copy(r->config.organisation, r->own->organisation);
	copy(r->config.listen, r->v[ADDRESS] == NULL ? r->own->address : r->v[ADDRESS]);
	n = strlen(hex_write(SPAN_OF(r->charter->digest), hex));
	hex[n++] = '\n';
	TRY(put_file(r, "tls.key", SPAN(secret_view(r->key), secret_len(r->key)), 0600, err));
	TRY(put_file(r, "tls.crt", buf_view(&r->cert), 0644, err));
	if (r->sealed.n != 0)
		TRY(put_file(r, "signing-key.sealed", buf_view(&r->sealed), 0600, err));
	TRY(put_file(r, "charter.json", buf_view(&r->charter->bytes), 0644, err));
	TRY(put_file(r, "genesis", SPAN(hex, n), 0644, err));
	return config_write(&r->config, err);
}

static void
say_what_now(const struct restoring *r)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	printf("genesis %s\nrestored custodian %u (%s); compare the genesis digest with the others by another way\n",
	    hex_write(SPAN_OF(r->charter->digest), hex), r->own->index, r->own->name);
	if (r->new_identity)
		printf("its TLS identity is a new one, and nobody talks to it until a charter names it: `quorate charter amend` with\n"
		    "%s/tls.crt as the certificate of custodian %u\n", r->config.dir, r->own->index);
	puts("`custodiand run` gets the log and its sealed shares from the coordinator. It signs nothing that it may have\n"
	    "signed before, and contributes to no request from before it has caught up; see custodiand(8), RESTORING");
}

static enum rc
restore(struct restoring *r, const char *dir, struct err *err)
{
	TRY(fill_config(r, dir, err));
	TRY(file_mkdir(dir, err));
	TRY(not_there(dir, err));
	TRY(read_charter(r, err));
	TRY(find_keys(r, err));
	TRY(find_identity(r, err));
	TRY(write_folder(r, err));
	say_what_now(r);
	return RC_OK;
}

enum rc
custodian_restore(int argc, char **argv, struct err *err)
{
	AUTO_DONE(restoring_done) struct restoring r = { .cert = BUF_INIT(16384), .sealed = BUF_INIT(HSM_SEALED_SEED_BYTES) };
	const char	*dir = NULL;
	const struct option_row	rows[] = {
		{ "charter", OPTION_TEXT | OPTION_NEEDED, &r.v[CHARTER], "FILE", "the first charter, whose digest is the genesis" },
		{ "module", OPTION_TEXT | OPTION_NEEDED, &r.v[MODULE], "FILE", "the token's PKCS#11 library" },
		{ "module-args", OPTION_TEXT, &r.v[ARGS], "TEXT", "what that library wants at its start" },
		{ "token", OPTION_TEXT, &r.v[TOKEN], "LABEL", "the token by its label" },
		{ "uri", OPTION_TEXT, &r.v[URI], "URI", "or by a PKCS#11 URI" },
		{ "pin-file", OPTION_TEXT | OPTION_NEEDED, &r.v[PIN], "FILE", "its PIN, in a file of mode 600" },
		{ "tls-cert", OPTION_TEXT, &r.v[CERT], "FILE", "tls.crt from a backup; without, a new identity is made" },
		{ "tls-key", OPTION_TEXT, &r.v[KEY], "FILE", "tls.key from a backup" },
		{ "sealed-key", OPTION_TEXT, &r.v[SEALED], "FILE", "signing-key.sealed from a backup, for a token that has no Ed25519" },
		{ "address", OPTION_TEXT, &r.v[ADDRESS], "HOST:PORT", "where it listens; without, as the first charter says" },
		{ "token-place", OPTION_TEXTS, &r.places, "PATH", "a file or folder that its library uses while it serves" },
		{ "accept-extractable", OPTION_FLAG, &r.config.token.accept_extractable, NULL,
		    "take a token that lets keys out, as its charter says; every audit will say so" },
	};
	const struct command	c = {
		"custodiand restore DIR --charter GENESIS.json --module FILE --token LABEL --pin-file FILE",
		"For a custodian whose disk is lost and whose token is not: finds its keys in the token and itself in\n"
		"the charter, and writes DIR anew. `custodiand run` then gets log and shares from the coordinator.",
		rows, sizeof(rows) / sizeof(rows[0]) };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, &dir, 1, 1, &n, &help, err));
	return help ? RC_OK : restore(&r, dir, err);
}

/* custodian/config.c - the state folder of a custodian. */
#include <string.h>

#include "custodian/config.h"

#define CONFIG_BYTES_MAX	65536

static void
copy(char *out, size_t n, const char *in)
{
	(void)snprintf(out, n, "%s", in);	/* lengths were checked by the reader */
}

enum rc
config_read(const char *dir, struct custodian_config *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(CONFIG_BYTES_MAX);
	AUTO(json_decref) json_t *json = NULL;
	struct custodian_config	c;
	char			path[FILE_PATH_MAX];
	struct jobj		o;
	const char		*name, *organisation, *listen;
	const json_t		*token;
	enum rc			rc;

	TRY(file_path(path, err, "%s/custodian.json", dir));
	if ((rc = file_read(path, &text, err)) != RC_OK)
		return err_wrap(err, rc, "no custodian in %s; `custodiand init` makes one", dir);
	TRY(json_read(buf_view(&text), CONFIG_BYTES_MAX, &json, err));
	o = jobj_init(json, path, err);
	name = jobj_str(&o, "name", 1, NAME_MAX_BYTES);
	organisation = jobj_str(&o, "organisation", 1, NAME_MAX_BYTES);
	listen = jobj_str(&o, "listen", 1, NAME_MAX_BYTES);
	token = jobj_obj(&o, "token");
	TRY(jobj_done(&o));
	memset(&c, 0, sizeof(c));
	TRY(file_path(c.dir, err, "%s", dir));
	copy(c.name, sizeof(c.name), name);
	copy(c.organisation, sizeof(c.organisation), organisation);
	copy(c.listen, sizeof(c.listen), listen);
	TRY(token_config_parse(token, &c.token, err));
	*ret = c;
	return RC_OK;
}

enum rc
config_write(const struct custodian_config *c, struct err *err)
{
	AUTO(json_decref) json_t *json = json_pack("{s:s,s:s,s:s,s:o?}", "name", c->name,
	    "organisation", c->organisation, "listen", c->listen, "token",
	    token_config_json(&c->token));
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(CONFIG_BYTES_MAX);
	char	path[FILE_PATH_MAX];
	char	*dump = json == NULL ? NULL : json_dumps(json, JSON_INDENT(2));

	if (dump == NULL)
		return err_set(err, RC_NOMEM, "configuration: no memory");
	buf_printf(&text, "%s\n", dump);
	free(dump);
	TRY(buf_check(&text, "configuration", err));
	TRY(file_path(path, err, "%s/custodian.json", c->dir));
	return file_create(path, buf_view(&text), 0600, err);
}

enum rc
config_genesis(const char *dir, uint8_t ret[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(128);
	char	path[FILE_PATH_MAX];
	enum rc	rc;

	TRY(file_path(path, err, "%s/genesis", dir));
	if ((rc = file_read(path, &text, err)) != RC_OK)
		return err_wrap(err, rc, "not enrolled; run `custodiand enroll %s --charter FILE`", dir);
	if (text.n != 2 * SHA256_BYTES + 1 || text.p[text.n - 1] != '\n' ||
	    !hex_parse(SPAN(text.p, text.n - 1), ret, SHA256_BYTES))
		return err_set(err, RC_FORMAT, "%s: not a digest", path);
	return RC_OK;
}

enum rc
config_charter(const char *dir, struct charter **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(CHARTER_BYTES_MAX);
	char	path[FILE_PATH_MAX];
	uint8_t	genesis[SHA256_BYTES], digest[SHA256_BYTES];

	TRY(config_genesis(dir, genesis, err));
	TRY(file_path(path, err, "%s/charter.json", dir));
	TRY(file_read(path, &text, err));
	sha256_one(digest, buf_view(&text));
	if (memcmp(digest, genesis, sizeof(digest)) != 0)	/* public digests */
		return err_set(err, RC_VERIFY, "%s: not the charter of %s/genesis", path, dir);
	return charter_parse(buf_view(&text), ret, err);
}

enum rc
config_share_key(struct hsm *hsm, struct hsm_key **ret, struct err *err)
{
	AUTO(hsm_key_free) struct hsm_key *found = NULL, *next = NULL;
	char		label[HSM_LABEL_MAX + 1];
	uint32_t	epoch;
	enum rc		rc = RC_OK;

	for (epoch = 1; epoch <= EPOCHS_MAX && rc == RC_OK; epoch++) {
		rc = hsm_key_find_label(hsm, hsm_share_label(epoch, label), HSM_SHARE, &next, err);
		if (rc == RC_OK) {
			hsm_key_free(found);
			found = TAKE(next);
		}
	}
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	if (found == NULL)
		return err_set(err, RC_MISSING, "the token has no key \"%s\"",
		    hsm_share_label(1, label));
	*ret = TAKE(found);
	return RC_OK;
}

enum rc
config_keys(const struct custodian_config *c, struct hsm **ret_hsm,
    struct hsm_key **ret_share, struct hsm_signer **ret_signer, struct err *err)
{
	AUTO_DONE(buf_done) struct buf sealed = BUF_INIT(HSM_SEALED_SEED_BYTES);
	AUTO(hsm_close) struct hsm *hsm = NULL;
	AUTO(hsm_key_free) struct hsm_key *share = NULL;
	AUTO(hsm_signer_free) struct hsm_signer *signer = NULL;
	char	path[FILE_PATH_MAX];
	enum rc	rc;

	TRY(token_open(&c->token, c->dir, &hsm, err));
	TRY(config_share_key(hsm, &share, err));
	TRY(file_path(path, err, "%s/signing-key.sealed", c->dir));
	rc = file_read(path, &sealed, err);
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	TRY(hsm_signer_open(hsm, SIGNING_LABEL, share, buf_view(&sealed), &signer, err));
	*ret_signer = TAKE(signer);
	*ret_share = TAKE(share);
	*ret_hsm = TAKE(hsm);
	return RC_OK;
}

/* custodian/enroll.c - `custodiand enroll`: read the charter, agree to it, pin it. */
#include <stdio.h>
#include <string.h>

#include "custodian/config.h"
#include "edge/options.h"
#include "edge/signing.h"

/* Does the charter say of us what is true? */
static enum rc
check_entry(const struct custodian_config *config, const struct charter *charter,
    struct hsm_key *share, struct hsm_signer *signer, uint8_t *ret_index, struct err *err)
{
	AUTO_DONE(buf_done) struct buf pem = BUF_INIT(16384), der = BUF_INIT(TLS_CERT_MAX);
	const struct custodian	*c = NULL;
	struct span		 pub = hsm_key_public(share);
	char			 path[FILE_PATH_MAX];
	uint8_t			 i;

	for (i = 0; i < charter->n; i++)
		if (memcmp(charter->custodian[i].signing_key.bytes, hsm_signer_public(signer), 32) == 0)
			c = &charter->custodian[i];
	if (c == NULL)
		return err_set(err, RC_DENIED,
		    "this charter does not name this custodian's signing key; give %s/enrolment.json to its author",
		    config->dir);
	TRY(file_path(path, err, "%s/tls.crt", config->dir));
	TRY(file_read(path, &pem, err));
	TRY(pem_to_der(buf_view(&pem), &der, err));
	if (c->n_epochs < 1 || memcmp(c->share_key[c->n_epochs - 1], pub.p, 65) != 0)
		return err_set(err, RC_DENIED, "the charter names another share key for custodian %u", c->index);
	if (!span_eq(buf_view(&der), SPAN(c->tls_certificate.p, c->tls_certificate.n)))
		return err_set(err, RC_DENIED, "the charter names another TLS certificate for custodian %u",
		    c->index);
	if (strcmp(c->name, config->name) != 0 || strcmp(c->organisation, config->organisation) != 0 ||
	    strcmp(c->address, config->listen) != 0)
		return err_set(err, RC_DENIED,
		    "the charter has another name, organisation or address for custodian %u", c->index);
	*ret_index = c->index;
	return RC_OK;
}

static enum rc
pin(const char *dir, const struct charter *charter, struct err *err)
{
	char	path[FILE_PATH_MAX], hex[HEX_BYTES(SHA256_BYTES) + 1];
	size_t	n;

	hex_write(SPAN_OF(charter->digest), hex);
	n = strlen(hex);
	hex[n++] = '\n';
	TRY(file_path(path, err, "%s/charter.json", dir));
	TRY(file_write(path, buf_view(&charter->bytes), 0644, err));
	TRY(file_path(path, err, "%s/genesis", dir));
	return file_write(path, SPAN(hex, n), 0644, err);
}

static enum rc
not_of_another(const char *dir, const struct charter *charter, struct err *err)
{
	uint8_t	old[SHA256_BYTES];
	enum rc	rc = config_genesis(dir, old, err);

	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	if (memcmp(old, charter->digest, sizeof(old)) != 0)
		return err_set(err, RC_DENIED, "%s is enrolled under another charter; a custodian serves one log: "
		    "choose another folder", dir);
	return RC_OK;
}

static enum rc
enroll(const char *dir, const char *charter_path, struct err *err)
{
	AUTO_DONE(buf_done) struct buf json = BUF_INIT(CHARTER_BYTES_MAX), words = BUF_INIT(65536);
	AUTO(charter_free) struct charter *charter = NULL;
	AUTO(hsm_close) struct hsm *hsm = NULL;
	AUTO(hsm_key_free) struct hsm_key *share = NULL;
	AUTO(hsm_signer_free) struct hsm_signer *signer = NULL;
	struct custodian_config	config;
	struct signer		s;
	char			hex[HEX_BYTES(SHA256_BYTES)];
	uint8_t			index = 0;

	TRY(config_read(dir, &config, err));
	TRY(file_read(charter_path, &json, err));
	TRY(charter_parse(buf_view(&json), &charter, err));
	TRY(not_of_another(dir, charter, err));
	TRY(config_keys(&config, &hsm, &share, &signer, err));
	TRY(check_entry(&config, charter, share, signer, &index, err));
	charter_explain(charter, &words);
	s = hsm_as_signer(signer);
	TRY(charter_sign_file(charter_path, charter, &s, err));
	TRY(pin(dir, charter, err));
	printf("%sgenesis %s\nsigned as custodian %u (%s); compare the genesis digest with the others by another way\n",
	    buf_text(&words), hex_write(SPAN_OF(charter->digest), hex), index, config.name);
	return RC_OK;
}

enum rc
custodian_enroll(int argc, char **argv, struct err *err)
{
	const char	*dir = NULL, *charter = NULL;
	const struct option_row	rows[] = {
		{ "charter", OPTION_TEXT | OPTION_NEEDED, &charter, "FILE", "the charter to agree to" },
	};
	const struct command	c = {
		"custodiand enroll DIR --charter charter.json",
		"Checks what the charter says of this custodian, explains its numbers, signs it into\n"
		"charter.json.dsse beside it, and pins its digest as the genesis of DIR.",
		rows, 1 };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, &dir, 1, 1, &n, &help, err));
	return help ? RC_OK : enroll(dir, charter, err);
}

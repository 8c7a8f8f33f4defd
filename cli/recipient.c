#include <openssl/bio.h>
#include <openssl/pem.h>

#include <string.h>

#include "cli/cli.h"
#include "cli/recipient.h"

#define PEM_BYTES_MAX	65536

DEFINE_AUTO(BIO_free_all, BIO);

static int
on_passphrase(char *out, int size, int writing, void *user)
{
	AUTO(secret_free) struct secret *pass = NULL;
	struct err	*err = user;

	(void)writing;
	if (cli_prompt(NULL, "the recipient key", &pass, err) != RC_OK || secret_len(pass) > (size_t)size)
		return -1;
	memcpy(out, secret_view(pass), secret_len(pass));
	return (int)secret_len(pass);
}

static enum rc
read_file(const char *path, EVP_PKEY **ret, struct err *err)
{
	AUTO(secret_free) struct secret *pem = NULL;
	AUTO(BIO_free_all) BIO *b = NULL;

	TRY(file_read_secret(path, PEM_BYTES_MAX, &pem, err));
	if ((b = BIO_new_mem_buf(secret_view(pem), (int)secret_len(pem))) == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	if ((*ret = PEM_read_bio_PrivateKey(b, NULL, on_passphrase, err)) == NULL)
		return err_set(err, RC_USAGE, "%s: not a private key in PEM, or the wrong passphrase", path);
	return RC_OK;
}

/* What was named on the command line is the caller's to mend. */
static enum rc
named(enum rc rc, struct err *err)
{
	if (rc != RC_MISSING)
		return rc;
	err->rc = RC_USAGE;
	return RC_USAGE;
}

enum rc
recipient_key_open(const char *path_or_uri, struct recipient_key *ret, struct err *err)
{
	memset(ret, 0, sizeof(*ret));
	if (hsm_is_uri(path_or_uri))
		return named(keyfile_token(path_or_uri, cli_prompt, NULL, &ret->uri, &ret->hsm, err), err);
	TRY(read_file(path_or_uri, &ret->file, err));
	ret->pkey = ret->file;
	return RC_OK;
}

enum rc
recipient_key_find(struct recipient_key *k, struct span certificate, struct err *err)
{
	TRY(named(hsm_recipient_open(k->hsm, &k->uri, certificate, &k->card, err), err));
	k->pkey = hsm_recipient_pkey(k->card);
	return RC_OK;
}

void
recipient_key_done(struct recipient_key *k)
{
	EVP_PKEY_free(k->file);
	hsm_recipient_free(k->card);
	hsm_close(k->hsm);
	memset(k, 0, sizeof(*k));
}

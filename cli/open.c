/* cli/open.c - quorate open: an evidence package, decrypted into a folder. */
#include <openssl/bio.h>
#include <openssl/pem.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/package.h"
#include "cli/remote.h"

DEFINE_AUTO(EVP_PKEY_free, EVP_PKEY);
DEFINE_AUTO(BIO_free_all, BIO);

struct unpacking {
	const char	*dir;
	struct file_new	 file;
	char		 path[FILE_PATH_MAX];	/* of the part, without its range */
	uint64_t	 base, end, length;	/* of the part: first byte, one past the last, in all */
	uint64_t	 bytes;
	json_t		*files;			/* what has its name already */
};

/* Some segments of a part say in their name which bytes they are. */
static enum rc
part_name(const struct unpacking *u, char ret[FILE_PATH_MAX], struct err *err)
{
	if (u->base == 0 && u->end == u->length)
		return file_path(ret, err, "%s", u->path);
	return file_path(ret, err, "%s.bytes-%llu-%llu", u->path, (unsigned long long)u->base,
	    (unsigned long long)(u->end - 1));
}

/* A part gets its name when it is whole. */
static enum rc
end_part(struct unpacking *u, struct err *err)
{
	if (u->file.fd < 0)
		return RC_OK;
	TRY(part_name(u, u->file.path, err));
	TRY(file_new_keep(&u->file, err));
	if (json_array_append_new(u->files, json_stringn_nocheck(u->file.path, strlen(u->file.path))) == 0)
		return RC_OK;
	(void)unlink(u->file.path);
	return err_set(err, RC_NOMEM, "no memory");
}

static enum rc
begin_part(struct unpacking *u, const char *path, uint64_t at, uint64_t length, struct err *err)
{
	TRY(end_part(u, err));
	u->base = u->end = at;
	u->length = length;
	(void)snprintf(u->path, sizeof(u->path), "%s", path);
	if (file_exists(path))
		return err_set(err, RC_USAGE, "%s: exists already; it is not overwritten: choose another folder", path);
	return file_new_open(&u->file, path, err);
}

static enum rc
on_plaintext(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const struct part *part, uint64_t at,
    struct span plaintext, struct err *err)
{
	struct unpacking	*u = user;
	char			 path[FILE_PATH_MAX], hex[HEX_BYTES(ARTIFACT_ID_BYTES)];

	TRY(file_path(path, err, "%s/%s", u->dir, hex_write(SPAN(id, ARTIFACT_ID_BYTES), hex)));
	TRY(file_mkdir_inside(path, err));
	TRY(file_path(path, err, "%s/%s/%s", u->dir, hex, part->name));
	if (u->file.fd < 0 || strcmp(path, u->path) != 0)
		TRY(begin_part(u, path, at, part->length, err));
	u->bytes += plaintext.n;
	u->end = at + plaintext.n;
	return file_new_write(&u->file, at - u->base, plaintext, err);
}

/* What failed in the middle leaves no plaintext: not the part at hand, and none of those before it. */
static void
take_back(struct unpacking *u)
{
	char	dir[FILE_PATH_MAX], *slash;
	size_t	i;

	file_new_drop(&u->file);
	for (i = 0; i < json_array_size(u->files); i++) {
		(void)snprintf(dir, sizeof(dir), "%s", json_string_value(json_array_get(u->files, i)));
		(void)unlink(dir);
		if ((slash = strrchr(dir, '/')) != NULL) {
			*slash = '\0';
			(void)rmdir(dir);	/* if it is empty now */
		}
	}
}

/* The recipient's private key; its certificate came with the package. */
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
recipient_key(const char *path, EVP_PKEY **ret, struct err *err)
{
	AUTO(secret_free) struct secret *pem = NULL;
	AUTO(BIO_free_all) BIO *b = NULL;

	if (hsm_is_uri(path))
		return err_set(err, RC_USAGE, "recipient keys in a token cannot be used yet: give a PEM file");
	TRY(file_read_secret(path, 65536, &pem, err));
	if ((b = BIO_new_mem_buf(secret_view(pem), (int)secret_len(pem))) == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	if ((*ret = PEM_read_bio_PrivateKey(b, NULL, on_passphrase, err)) == NULL)
		return err_set(err, RC_USAGE, "%s: not a private key in PEM, or the wrong passphrase", path);
	return RC_OK;
}

static json_t *
names_json(const struct unpacking *u)
{
	json_t	*list = json_array();
	size_t	 i;

	for (i = 0; list != NULL && i < json_array_size(u->files); i++)
		(void)json_array_append_new(list, json_text(json_string_value(json_array_get(u->files, i))));
	return list;
}

static enum rc
report_opened(struct unpacking *u, struct err *err)
{
	size_t	n = json_array_size(u->files), i;
	char	size[24];

	if (cli_json)
		return cli_print_json(json_pack("{s:s,s:o?,s:I}", "verdict", "valid", "files", names_json(u), "bytes",
		    (json_int_t)u->bytes), err);
	for (i = 0; i < n; i++)
		printf("wrote %s\n", json_string_value(json_array_get(u->files, i)));
	printf("%zu file%s, %s\n", n, n == 1 ? "" : "s", size_text(u->bytes, size));
	return RC_OK;
}

static enum rc
open_package(const char *path, const char *keypath, const struct package_trust *trust, struct unpacking *u, struct err *err)
{
	AUTO_DONE(opened_file_done) struct opened_file f = OPENED_FILE_INIT;
	AUTO(EVP_PKEY_free) EVP_PKEY *key = NULL;
	struct package_report	report;
	struct err		second;
	enum rc			rc;

	memset(&report, 0, sizeof(report));
	TRY(recipient_key(keypath, &key, err));
	TRY(package_file(path, &f, err));
	TRY(file_mkdir(u->dir, err));
	rc = package_open(package_read_at, &f, f.size, trust, key, SPAN(NULL, 0), on_plaintext, u, &report, NULL,
	    err);
	if (rc == RC_OK)
		rc = end_part(u, err);
	if (rc != RC_OK)
		take_back(u);
	if (rc == RC_VERIFY && report.verdict == PACKAGE_INVALID && !cli_json)
		(void)package_report_print(&report, false, &second);
	TRY(rc);
	return report_opened(u, err);
}

enum rc
cmd_open(int argc, char **argv, struct err *err)
{
	struct unpacking	u = { .file = FILE_NEW_INIT };
	AUTO_DONE(trusted_done) struct trusted t = TRUSTED_INIT;
	const char		*path = NULL, *key = NULL, *charter = NULL, *trust = NULL;
	const struct option_row	rows[] = {
		{ "key", OPTION_TEXT | OPTION_NEEDED, &key, "KEY.pem", "the recipient's private key" },
		{ "d", OPTION_TEXT | OPTION_NEEDED, &u.dir, "DIR", "where to write the parts" },
		{ "charter", OPTION_TEXT, &charter, "FILE", "the genesis charter that you trust (QUORATE_CHARTER)" },
		TRUST_ROW(&trust),
		JSON_ROW,
	};
	const struct command	c = { "quorate open package.asice --key recipient.key -d DIR",
		"Verifies an evidence package, then decrypts it: DIR/ARTIFACT/PART.", rows, 5 };
	size_t	n;
	bool	help;
	enum rc	rc;

	TRY(options_read(&c, argc, argv, &path, 1, 1, &n, &help, err));
	if (help)
		return RC_OK;
	TRY(trusted_read(charter, trust, &t, err));
	if (t.trust.genesis == NULL)
		return err_set(err, RC_USAGE, "which charter do you trust? Give --charter FILE or --trust FILE, or set QUORATE_CHARTER");
	if ((u.files = json_array()) == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	rc = open_package(path, key, &t.trust, &u, err);
	json_decref(u.files);
	return rc;
}

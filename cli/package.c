/* cli/package.c - quorate verify and open: an evidence package, offline. */
#include <openssl/bio.h>
#include <openssl/pem.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/remote.h"
#include "evidence/verify.h"

#define REPORT_MAX	(256 << 10)

DEFINE_AUTO(EVP_PKEY_free, EVP_PKEY);
DEFINE_AUTO(BIO_free_all, BIO);

struct opened_file { int fd; uint64_t size; };

static void
opened_file_done(struct opened_file *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
}

static enum rc
package_file(const char *path, struct opened_file *ret, struct err *err)
{
	struct stat	st;

	if ((ret->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) < 0)
		return err_set(err, errno == ENOENT ? RC_USAGE : RC_IO, "%s: %s", path, strerror(errno));
	if (fstat(ret->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(err, RC_USAGE, "%s: not a regular file", path);
	ret->size = (uint64_t)st.st_size;
	return RC_OK;
}

static enum rc
read_at(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	const struct opened_file	*f = user;
	ssize_t				 done;

	if (at > f->size || n > f->size - at)
		return err_set(err, RC_FORMAT, "the file ends too early");
	while (n > 0) {
		done = pread(f->fd, out, n, (off_t)at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_set(err, RC_IO, "cannot read the package: %s",
			    done == 0 ? "it shrank" : strerror(errno));
		out += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return RC_OK;
}

/* What the verifier trusts: --charter, else QUORATE_CHARTER, else nothing. */
static enum rc
trusted_genesis(const char *path, uint8_t digest[SHA256_BYTES], const uint8_t **ret, struct err *err)
{
	AUTO(charter_free) struct charter *c = NULL;

	*ret = NULL;
	if (path == NULL && getenv("QUORATE_CHARTER") == NULL)
		return RC_OK;
	TRY(local_genesis(path, &c, err));
	memcpy(digest, c->digest, SHA256_BYTES);
	*ret = digest;
	return RC_OK;
}

static enum rc
print_report(const struct package_report *report, bool json, struct err *err)
{
	AUTO_DONE(buf_done) struct buf out = BUF_INIT(REPORT_MAX);

	if (json)
		TRY(package_report_json(report, &out, err));
	else
		package_report_text(report, &out);
	TRY(buf_check(&out, "report", err));
	if (json)
		cli_answered = true;
	else
		text_clean(out.p, out.n, true);		/* the package's own words among them */
	(void)fwrite(out.p, 1, out.n, stdout);
	return RC_OK;
}

static enum rc
judge(const struct package_report *r, struct err *err)
{
	switch (r->verdict) {
	case PACKAGE_VALID:
		return RC_OK;
	case PACKAGE_CONSISTENT:
		return err_set(err, RC_UNSURE, "consistent with itself; to know whether it is valid, give the genesis "
		    "charter that you trust: --charter FILE");
	case PACKAGE_INVALID:
		break;
	}
	return err_set(err, RC_VERIFY, "the package is not valid; see the claims that do not hold");
}

enum rc
cmd_verify(int argc, char **argv, struct err *err)
{
	AUTO_DONE(opened_file_done) struct opened_file f = { -1, 0 };
	struct package_report	report;
	const char		*path = NULL, *charter = NULL;
	uint8_t			 digest[SHA256_BYTES];
	const uint8_t		*genesis;
	const struct option_row	rows[] = {
		{ "charter", OPTION_TEXT, &charter, "FILE", "the genesis charter that you trust (QUORATE_CHARTER)" },
		JSON_ROW,
	};
	const struct command	c = { "quorate verify package.asice [--charter FILE]",
		"Checks an evidence package offline, claim by claim. Exit 0: valid; 1: something does not hold; 2: it\n"
		"holds together, but no charter was given to trust.", rows, 2 };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, &path, 1, 1, &n, &help, err));
	if (help)
		return RC_OK;
	TRY(trusted_genesis(charter, digest, &genesis, err));
	TRY(package_file(path, &f, err));
	TRY(package_verify(read_at, &f, f.size, genesis, clock_now(), &report, err));
	TRY(print_report(&report, cli_json, err));
	return judge(&report, err);
}

/* --- open --------------------------------------------------------------------------------- */

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
	TRY(file_mkdir(path, err));
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
open_package(const char *path, const char *keypath, const uint8_t *genesis, struct unpacking *u, struct err *err)
{
	AUTO_DONE(opened_file_done) struct opened_file f = { -1, 0 };
	AUTO(EVP_PKEY_free) EVP_PKEY *key = NULL;
	struct package_report	report;
	struct err		second;
	enum rc			rc;

	memset(&report, 0, sizeof(report));
	TRY(recipient_key(keypath, &key, err));
	TRY(package_file(path, &f, err));
	TRY(file_mkdir(u->dir, err));
	rc = package_open(read_at, &f, f.size, genesis, clock_now(), key, SPAN(NULL, 0), on_plaintext, u, &report, err);
	if (rc == RC_OK)
		rc = end_part(u, err);
	if (rc != RC_OK)
		take_back(u);
	if (rc == RC_VERIFY && report.verdict == PACKAGE_INVALID && !cli_json)
		(void)print_report(&report, false, &second);
	TRY(rc);
	return report_opened(u, err);
}

enum rc
cmd_open(int argc, char **argv, struct err *err)
{
	struct unpacking	u = { .file = FILE_NEW_INIT };
	const char		*path = NULL, *key = NULL, *charter = NULL;
	uint8_t			 digest[SHA256_BYTES];
	const uint8_t		*genesis;
	const struct option_row	rows[] = {
		{ "key", OPTION_TEXT | OPTION_NEEDED, &key, "KEY.pem", "the recipient's private key" },
		{ "d", OPTION_TEXT | OPTION_NEEDED, &u.dir, "DIR", "where to write the parts" },
		{ "charter", OPTION_TEXT, &charter, "FILE", "the genesis charter that you trust (QUORATE_CHARTER)" },
		JSON_ROW,
	};
	const struct command	c = { "quorate open package.asice --key recipient.key -d DIR",
		"Verifies an evidence package, then decrypts it: DIR/ARTIFACT/PART.", rows, 4 };
	size_t	n;
	bool	help;
	enum rc	rc;

	TRY(options_read(&c, argc, argv, &path, 1, 1, &n, &help, err));
	if (help)
		return RC_OK;
	TRY(trusted_genesis(charter, digest, &genesis, err));
	if (genesis == NULL)
		return err_set(err, RC_USAGE, "which charter do you trust? Give --charter FILE, or set QUORATE_CHARTER");
	if ((u.files = json_array()) == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	rc = open_package(path, key, genesis, &u, err);
	json_decref(u.files);
	return rc;
}

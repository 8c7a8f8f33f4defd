/* cli/release.c - quorate release: have an approved request carried out, fetch the package. */
#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/artifact.h"

#define STAMPED_ALL	2	/* ReleaseReply.stamps: an archive time-stamp as well */
#define RELEASE_WAIT_MS	(UINT64_C(3600) * 1000)	/* for the largest packages */

DEFINE_AUTO(EVP_MD_CTX_free, EVP_MD_CTX);

struct fetching {
	struct remote	*r;
	const uint8_t	*digest;
	uint64_t	 size;
	struct file_new	*file;
	EVP_MD_CTX	*hash;
};

static enum rc
fetch_bytes(struct fetching *f, struct err *err)
{
	Quorate__V1__DownloadRequest	 q = QUORATE__V1__DOWNLOAD_REQUEST__INIT;
	Quorate__V1__DownloadReply	*a = NULL;
	uint64_t			 at = 0;
	enum rc				 rc = RC_OK;

	q.package = (ProtobufCBinaryData){ SHA256_BYTES, (uint8_t *)(uintptr_t)f->digest };
	q.max = REMOTE_CHUNK;
	while (at < f->size && rc == RC_OK) {
		q.offset = at;
		TRY(remote_call(f->r, "Download", &q, &quorate__v1__download_reply__descriptor, REMOTE_MS, &a, err));
		if (a->data.len == 0 || a->data.len > f->size - at)
			rc = err_set(err, RC_FORMAT, "the coordinator gave a package of another size");
		else
			rc = file_new_write(f->file, at, SPAN(a->data.data, a->data.len), err);
		if (rc == RC_OK && EVP_DigestUpdate(f->hash, a->data.data, a->data.len) != 1)
			rc = err_set(err, RC_NOMEM, "no memory");
		at += a->data.len;
		message_free(TAKE(a));
	}
	return rc;
}

/* It has no name until it is whole and of the digest that was promised. */
static enum rc
fetch(struct remote *r, const uint8_t digest[SHA256_BYTES], uint64_t size, struct file_new *file, struct err *err)
{
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *hash = EVP_MD_CTX_new();
	struct fetching	f = { r, digest, size, file, hash };
	uint8_t		have[SHA256_BYTES];
	unsigned	n = 0;

	if (f.hash == NULL || EVP_DigestInit_ex(f.hash, EVP_sha256(), NULL) != 1)
		return err_set(err, RC_NOMEM, "no memory");
	TRY(fetch_bytes(&f, err));
	if (EVP_DigestFinal_ex(f.hash, have, &n) != 1 || n != sizeof(have))
		return err_set(err, RC_NOMEM, "no memory");
	if (memcmp(have, digest, sizeof(have)) != 0)
		return err_set(err, RC_VERIFY, "the package arrived with another digest; run the command again");
	return file_new_keep(file, err);
}

static json_t *
indexes(const uint32_t *v, size_t n)
{
	json_t	*a = json_array();
	size_t	 i;

	for (i = 0; a != NULL && i < n; i++)
		(void)json_array_append_new(a, json_integer((json_int_t)v[i]));
	return a;
}

/* Of the package's signature (CAdES baseline), and what is stamped besides. */
static const char *
level(const Quorate__V1__ReleaseReply *a)
{
	return a->stamps == 0 ? "B" : a->stamps >= STAMPED_ALL ? "LT" : "T";
}

static void
say_stamps(const Quorate__V1__ReleaseReply *a, const char *path, bool archive)
{
	if (a->stamps >= STAMPED_ALL)
		cli_say("  time-stamped, and all of it once more (archive)\n");
	else if (a->stamps > 0)
		cli_say("  time-stamped%s\n", archive ? "; NO ARCHIVE TIME-STAMP" : "");
	else
		cli_say("  NOT TIME-STAMPED: its signature is of level B\n");
	if (a->unstamped[0] != '\0')
		cli_say("  because: %s\n", a->unstamped);
	if (archive && a->stamps < STAMPED_ALL)
		cli_say("  add a time-stamp over all of it later with: quorate package renew %s\n", path);
}

static enum rc
report(struct remote *r, const Quorate__V1__ReleaseReply *a, const char *path, bool archive, struct err *err)
{
	char	hex[HEX_BYTES(SHA256_BYTES)], size[24];
	size_t	i;

	if (cli_json)
		return cli_print_json(json_pack("{s:o?,s:o?,s:o?,s:I,s:I,s:I,s:o?,s:o?,s:o?,s:s,s:b,s:o?}", "package", json_text(path), "sha256",
		    json_hex(SPAN(a->package.data, a->package.len)), "order", json_hex(SPAN(a->order.data, a->order.len)),
		    "order_entry", (json_int_t)a->order_index, "release_entry", (json_int_t)a->release_index, "bytes",
		    (json_int_t)a->package_size, "contributors", indexes(a->contributors, a->n_contributors), "liars",
		    indexes(a->liars, a->n_liars), "refusers", indexes(a->refusers, a->n_refusers), "level",
		    level(a), "archived", a->stamps >= STAMPED_ALL, "not_stamped", json_text(a->unstamped)), err);
	cli_say("released: order in entry %llu, release in entry %llu\n", (unsigned long long)a->order_index,
	    (unsigned long long)a->release_index);
	for (i = 0; i < a->n_contributors; i++)
		cli_say("  contributed: custodian %u (%s)\n", a->contributors[i],
		    a->contributors[i] >= 1 && a->contributors[i] <= r->charter->n ?
		    r->charter->custodian[a->contributors[i] - 1].name : "?");
	for (i = 0; i < a->n_refusers; i++)
		cli_say("  would not contribute: custodian %u\n", a->refusers[i]);
	for (i = 0; i < a->n_liars; i++)
		cli_say("  ANSWERED WRONGLY: custodian %u\n", a->liars[i]);
	say_stamps(a, path, archive);
	cli_say("package %s, %s, SHA-256 %s\ncheck it with: quorate verify %s\n", path,
	    size_text(a->package_size, size), hex_write(SPAN(a->package.data, a->package.len), hex), path);
	return RC_OK;
}

static enum rc
judge(const Quorate__V1__ReleaseReply *a, struct err *err)
{
	if (a->released && a->package.len == SHA256_BYTES && a->order.len == SHA256_BYTES)
		return RC_OK;
	if (strcmp(a->why, "unavailable") == 0 || strcmp(a->why, "running") == 0)
		return err_set(err, RC_UNSURE, "%.240s", a->words);
	if (a->released)
		return err_set(err, RC_FORMAT, "the coordinator's answer has no package");
	return err_set(err, RC_DENIED, "refused (%.40s): %.180s", a->why, a->words);
}

/* Packing many GiB takes longer than one call lasts: the same call again waits again. */
static enum rc
ask(struct remote *r, const uint8_t id[SHA256_BYTES], bool archive, Quorate__V1__ReleaseReply **ret, struct err *err)
{
	Quorate__V1__ReleaseRequest	q = QUORATE__V1__RELEASE_REQUEST__INIT;
	uint64_t			began = clock_ms();

	q.request = (ProtobufCBinaryData){ SHA256_BYTES, (uint8_t *)(uintptr_t)id };
	q.archive = archive;
	for (;;) {
		TRY(remote_call(r, "Release", &q, &quorate__v1__release_reply__descriptor, REMOTE_MS_LONG, ret, err));
		if (strcmp((*ret)->why, "running") != 0 || clock_ms() - began > RELEASE_WAIT_MS)
			return RC_OK;
		message_free(TAKE(*ret));
		if (isatty(STDERR_FILENO))
			(void)dprintf(STDERR_FILENO, "\rthe package is being made (%llu s)",
			    (unsigned long long)((clock_ms() - began) / 1000));
		(void)sleep(1);		/* also when the coordinator has too many who wait */
	}
}

static enum rc
release(const uint8_t id[SHA256_BYTES], const char *path, bool archive, struct file_new *file, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	Quorate__V1__ReleaseReply	*a = NULL;
	enum rc				 rc;

	TRY(remote_open(&r, err));
	rc = ask(r, id, archive, &a, err);
	if (rc == RC_MISSING)
		return err_set(err, rc, "no such request in this log; see `quorate list requests`");
	TRY(rc);
	rc = judge(a, err);
	if (rc == RC_OK)
		rc = fetch(r, a->package.data, a->package_size, file, err);
	if (rc == RC_OK)
		rc = report(r, a, path, archive, err);
	message_free(a);
	return rc;
}

enum rc
cmd_release(int argc, char **argv, struct err *err)
{
	const char		*word = NULL, *path = NULL;
	bool			 archive = false;
	uint8_t			 id[SHA256_BYTES];
	const struct option_row	rows[] = {
		{ "o", OPTION_TEXT | OPTION_NEEDED, &path, "FILE.asice", "where to write the evidence package" },
		{ "archive", OPTION_FLAG, &archive, NULL, "to be kept for long: a time-stamp over all of it as well" },
		JSON_ROW,
	};
	const struct command	c = { "quorate release REQUEST -o package.asice [--archive]",
		"Has an approved request carried out. The order is logged and cosigned first; then k custodians\n"
		"contribute, and the package is made for the recipient that the request names.", rows, 3 };
	struct file_new	file = FILE_NEW_INIT;
	size_t		n;
	bool		help;
	enum rc		rc;

	TRY(options_read(&c, argc, argv, &word, 1, 1, &n, &help, err));
	if (help)
		return RC_OK;
	TRY(cli_id(word, id, sizeof(id), "a request", err));
	if (file_exists(path))
		return err_set(err, RC_USAGE, "%s: exists already; it is not overwritten: choose another name", path);
	/* Now, so that nothing is released that could not be written. */
	TRY(file_new_open(&file, path, err));
	rc = release(id, path, archive, &file, err);
	file_new_drop(&file);
	return rc;
}

/* cli/open.c - quorate open: an evidence package, decrypted into a folder. */
#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/package.h"
#include "cli/parallel.h"
#include "cli/recipient.h"
#include "cli/remote.h"
#include "cli/stop.h"
#include "edge/confine.h"

struct unpacking {
	const char	*dir;
	struct file_new	 file;
	char		 path[FILE_PATH_MAX];	/* of the part, without its range */
	uint64_t	 base, end, length;	/* of the part: first byte, one past the last, in all */
	uint64_t	 bytes;
	json_t		*files;			/* what has its name already */
	char		 note[FILE_PATH_MAX];	/* where the opening note goes; "": none */
	bool		 watching;		/* plaintext is there: who stops us waits until it is not */
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
go_on(struct unpacking *u, struct err *err)
{
	if (!u->watching)
		stop_watch();
	u->watching = true;
	return stop_asked() ? err_set(err, RC_UNSURE, "interrupted: nothing of it is left; run it again") : RC_OK;
}

static enum rc
on_plaintext(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const struct part *part, uint64_t at,
    struct span plaintext, struct err *err)
{
	struct unpacking	*u = user;
	char			 path[FILE_PATH_MAX], hex[HEX_BYTES(ARTIFACT_ID_BYTES)];

	TRY(go_on(u, err));
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

/* --- the opening note ----------------------------------------------------------------- */

/* A key that may decrypt and not sign, or more parts than fit, make no note: what was opened is opened all the same. */
static enum rc
write_note(struct unpacking *u, struct opening *o, struct opened_file *f, EVP_PKEY *key, struct err *err)
{
	AUTO_DONE(buf_done) struct buf certificate = BUF_INIT(RECIPIENT_CERT_MAX);
	AUTO_DONE(buf_done) struct buf der = BUF_INIT(OPENING_BYTES_MAX);
	enum rc	rc;

	TRY(package_file_digest(f, o->package, err));
	o->opened = clock_now();
	TRY(package_recipient(package_read_at, f, f->size, &certificate, err));
	rc = opening_sign(o, key, buf_view(&certificate), &der, err);
	if (rc == RC_IO || rc == RC_LIMIT) {
		(void)text_clean_str(err->msg);
		fprintf(stderr, "quorate open: no opening note: %s\n", err->msg);
		u->note[0] = '\0';
		return RC_OK;
	}
	TRY(rc);
	return file_create(u->note, buf_view(&der), 0600, err);
}

/* --- telling --------------------------------------------------------------------------- */

static json_t *
names_json(const struct unpacking *u)
{
	json_t	*list = json_array();
	size_t	 i;

	for (i = 0; list != NULL && i < json_array_size(u->files); i++)
		(void)json_array_append_new(list, json_text(json_string_value(json_array_get(u->files, i))));
	return list;
}

static json_t *
parts_json(const struct unpacking *u, const struct opening *o)
{
	json_t		*list = json_array();
	uint32_t	 i;

	for (i = 0; list != NULL && i < o->n_parts; i++) {
		const struct opened_part	*p = &o->part[i];

		(void)json_array_append_new(list, json_pack("{s:o?,s:s,s:I,s:I,s:I,s:o?,s:o?}", "artifact",
		    json_hex(SPAN_OF(p->artifact)), "part", p->name, "first", (json_int_t)p->first, "last",
		    (json_int_t)p->last, "bytes", (json_int_t)p->bytes, "sha256", json_hex(SPAN_OF(p->sha256)), "file",
		    json_text(json_string_value(json_array_get(u->files, i)))));
	}
	return list;
}

static json_t *
bad_json(uint32_t bad)
{
	json_t	*list = json_array();
	int	 i;

	for (i = 0; list != NULL && i < CUSTODIANS_MAX; i++)
		if ((bad >> i & 1) != 0)
			(void)json_array_append_new(list, json_integer(i + 1));
	return list;
}

static enum rc
tell(struct unpacking *u, const struct package_report *r, const struct opening *o, struct err *err)
{
	char		hex[HEX_BYTES(SHA256_BYTES)], size[24];
	uint32_t	i;

	if (cli_json)
		return cli_print_json(json_pack("{s:s,s:o?,s:I,s:o?,s:o?,s:o?,s:s}", "verdict",
		    package_verdict_name(r->verdict), "files", names_json(u), "bytes", (json_int_t)u->bytes, "parts",
		    parts_json(u, o), "bad", bad_json(o->bad), "opening", u->note[0] == '\0' ? json_null() :
		    json_text(u->note), "keys", r->claim[CLAIM_KEYS].words), err);
	for (i = 0; i < o->n_parts; i++)
		cli_say("wrote %s\n      sha256 %s\n", json_string_value(json_array_get(u->files, i)),
		    hex_write(SPAN_OF(o->part[i].sha256), hex));
	cli_say("%u file%s, %s\nkeys: %s\n", o->n_parts, o->n_parts == 1 ? "" : "s", size_text(u->bytes, size),
	    r->claim[CLAIM_KEYS].words);
	if (u->note[0] != '\0')
		cli_say("opening note %s; a person of the charter logs it: quorate acknowledge %s --key KEY\n", u->note,
		    u->note);
	return RC_OK;
}

/* --- all of it ------------------------------------------------------------------------- */

static enum rc
unpack(struct unpacking *u, struct opened_file *f, const struct package_trust *trust, EVP_PKEY *key, struct err *err)
{
	AUTO_DONE(opening_done) struct opening o = { .part = NULL };
	struct package_report	report;
	struct err		second;
	enum rc			rc;

	memset(&report, 0, sizeof(report));
	rc = package_open(package_read_at, f, f->size, trust, key, SPAN(NULL, 0), on_plaintext, u, &report, &o, err);
	if (rc == RC_OK)
		rc = end_part(u, err);
	if (rc == RC_OK)
		rc = go_on(u, err);
	if (rc == RC_OK)
		rc = write_note(u, &o, f, key, err);
	if (rc != RC_OK)
		take_back(u);
	if (rc != RC_OK && report.verdict == PACKAGE_INVALID && report.claim[0].words[0] != '\0' && !cli_json)
		(void)package_report_print(&report, false, &second);
	TRY(rc);
	return tell(u, &report, &o, err);
}

/* The token must be told which certificate's key it is: the package says, and is checked afterwards. */
static enum rc
key_in_token(struct opened_file *f, struct recipient_key *key, struct err *err)
{
	AUTO_DONE(buf_done) struct buf certificate = BUF_INIT(RECIPIENT_CERT_MAX);
	enum rc	rc = package_recipient(package_read_at, f, f->size, &certificate, err);

	if (rc == RC_FORMAT)
		return err_wrap(err, RC_VERIFY, "not opened");
	TRY(rc);
	return recipient_key_find(key, buf_view(&certificate), err);
}

/*
 * What parses the package reaches no network, starts nothing, and writes into the folder alone. A
 * card's module reads files that only it knows of, and talks to its daemon; without one neither is left.
 */
static enum rc
confine(const struct unpacking *u, bool card, struct err *err)
{
	const struct confine_place	place[] = { { u->dir, true }, { "/", false } };
	bool				files, calls;	/* what the kernel lacks: quorate(1) */

	TRY(confine_files(place, card ? 2 : 1, NULL, &files, err));
	return confine_calls(card ? CONFINE_OPEN_CARD : CONFINE_OPEN, &calls, err);
}

static enum rc
open_package(const char *path, const char *keypath, struct package_trust *trust, struct unpacking *u, struct err *err)
{
	AUTO(hands_free) struct hands *hands = NULL;
	AUTO_DONE(opened_file_done) struct opened_file f = OPENED_FILE_INIT;
	AUTO_DONE(recipient_key_done) struct recipient_key key = { .pkey = NULL };

	TRY(file_path(u->note, err, "%s/opening.p7s", u->dir));
	if (file_exists(u->note))
		return err_set(err, RC_USAGE, "%s: exists already; choose another folder", u->note);
	TRY(recipient_key_open(keypath, &key, err));
	TRY(package_file(path, &f, err));
	TRY(file_mkdir_unsynced(u->dir, err));
	TRY(confine(u, key.pkey == NULL, err));
	TRY(hands_new(0, &hands, err));		/* threads: after Landlock, which they inherit */
	trust->parallel = hands_parallel(hands);
	if (key.pkey == NULL)
		TRY(key_in_token(&f, &key, err));
	return unpack(u, &f, trust, key.pkey, err);
}

/* Where a signal ends us, nobody after us says why. */
static void
end_watch(enum rc rc, struct err *err)
{
	if (rc != RC_OK && stop_asked())
		fprintf(stderr, "quorate open: %s\n", text_clean_str(err->msg));
	(void)fflush(stdout);
	stop_end();
}

enum rc
cmd_open(int argc, char **argv, struct err *err)
{
	struct unpacking	u = { .file = FILE_NEW_INIT };
	AUTO_DONE(trusted_done) struct trusted t = TRUSTED_INIT;
	const char		*path = NULL, *key = NULL, *charter = NULL, *trust = NULL;
	const struct option_row	rows[] = {
		{ "key", OPTION_TEXT | OPTION_NEEDED, &key, "KEY", "the recipient's private key: a PEM file or a PKCS#11 URI" },
		{ "d", OPTION_TEXT | OPTION_NEEDED, &u.dir, "DIR", "where to write the parts" },
		{ "charter", OPTION_TEXT, &charter, "FILE", "the genesis charter that you trust (QUORATE_CHARTER)" },
		TRUST_ROW(&trust),
		JSON_ROW,
	};
	const struct command	c = { "quorate open package.asice --key recipient.key -d DIR",
		"Verifies an evidence package, then decrypts it: DIR/ARTIFACT/PART. The recipient's signed word that it\n"
		"was opened, and by whose contributions, is DIR/opening.p7s, for `quorate acknowledge`.", rows, 5 };
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
	if (u.watching)
		end_watch(rc, err);
	return rc;
}

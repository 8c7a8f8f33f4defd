/* Time-stamps over whole packages: their text, their check, and one more of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "evidence/archive.h"
#include "evidence/verify.h"
#include "evidence/zip_layout.h"
#include "tests/unit/evidence/repack.h"
#include "tests/unit/evidence/world.h"
#include "tests/unit/fault.h"

static struct world	w;
static struct memfile	good;		/* a package without an archive time-stamp */

static int
up(void **state)
{
	(void)state;
	world_up_anchored(&w, "standard");
	assert_true(world_package(&w, &good));
	return 0;
}

static int
down(void **state)
{
	(void)state;
	memfile_done(&good);
	world_down(&w);
	return 0;
}

/* --- who stamps ------------------------------------------------------------------------ */

enum how { HONEST, NOBODY, ANOTHER, RUBBISH };

static enum rc
stamp(void *user, const uint8_t imprint[SHA256_BYTES], struct buf *token, struct err *err)
{
	static const uint8_t	another[SHA256_BYTES] = { 9 };
	enum how		how = *(const enum how *)user;

	if (how == NOBODY)
		return err_set(err, RC_MISSING, "no time-stamping authority answers");
	if (how == RUBBISH)
		buf_span(token, SPAN_STR("rubbish"));
	else
		world_token(&w, 0, how == ANOTHER ? another : imprint, token);
	return buf_check(token, "token", err);
}

static enum rc
renew_by(struct memfile *from, enum how how, struct memfile *to)
{
	uint64_t	size = 0;
	enum rc		rc;

	*to = MEMFILE_INIT;
	rc = package_renew(memfile_read, from, from->b.n, stamp, &how, memfile_write, to, &size, NULL);
	if (rc == RC_OK)
		assert_int_equal(size, to->b.n);
	return rc;
}

/* --- the text ------------------------------------------------------------------------- */

static void
name_file(struct package_files *f, const char *name, uint8_t byte)
{
	uint8_t	digest[SHA256_BYTES];

	memset(digest, byte, sizeof(digest));
	assert_int_equal(package_files_add(f, name, 1, digest, NULL), RC_OK);
}

static void
exact_text(void **state)
{
	static const char want[] =
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<asic:ASiCManifest xmlns:asic=\"http://uri.etsi.org/02918/v1.2.1#\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\n"
	    " <asic:SigReference URI=\"META-INF/timestamp002.tst\" MimeType=\"application/vnd.etsi.timestamp-token\"/>\n"
	    " <asic:DataObjectReference URI=\"data/scope\" MimeType=\"application/octet-stream\">\n"
	    "  <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\n"
	    "  <ds:DigestValue>AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=</ds:DigestValue>\n"
	    " </asic:DataObjectReference>\n"
	    " <asic:DataObjectReference URI=\"META-INF/signature001.p7s\" MimeType=\"application/pkcs7-signature\">\n"
	    "  <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\n"
	    "  <ds:DigestValue>AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=</ds:DigestValue>\n"
	    " </asic:DataObjectReference>\n"
	    " <asic:DataObjectReference URI=\"META-INF/ASiCArchiveManifest001.xml\" MimeType=\"application/xml\" Rootfile=\"true\">\n"
	    "  <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\n"
	    "  <ds:DigestValue>AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=</ds:DigestValue>\n"
	    " </asic:DataObjectReference>\n"
	    "</asic:ASiCManifest>\n";
	AUTO_DONE(package_files_done) struct package_files	f = { .n = 0 };
	AUTO_DONE(buf_done) struct buf				b = BUF_INIT(1 << 16);

	(void)state;
	name_file(&f, "mimetype", 0);
	name_file(&f, "data/scope", 1);
	name_file(&f, "META-INF/signature001.p7s", 2);
	name_file(&f, "META-INF/ASiCArchiveManifest001.xml", 3);
	name_file(&f, "META-INF/timestamp001.tst", 4);
	assert_int_equal(archive_manifest(&f, 4, 2, &b, NULL), RC_OK);
	assert_string_equal(buf_text(&b), want);
	assert_int_equal(archive_manifest(&f, 4, 0, &b, NULL), RC_LIMIT);
	assert_int_equal(archive_manifest(&f, 4, ARCHIVES_MAX + 1, &b, NULL), RC_LIMIT);
	assert_int_equal(archive_manifest(&f, 6, 2, &b, NULL), RC_BUG);
}

/* --- what it is over -------------------------------------------------------------------- */

struct checked { struct package_files files; struct buf manifest, token; };

static void
checked_done(struct checked *c)
{
	package_files_done(&c->files);
	buf_done(&c->manifest);
	buf_done(&c->token);
}

/* The last archive time-stamp of a package and the files that it is over. */
static void
last_archive(struct memfile *f, struct checked *c)
{
	AUTO(zip_free) struct zip *z = NULL;
	struct zip_entry	e;
	uint8_t			digest[SHA256_BYTES];
	uint32_t		n;

	*c = (struct checked){ .manifest = BUF_INIT(PACKAGE_TEXT_MAX), .token = BUF_INIT(TIMESTAMP_TOKEN_MAX) };
	assert_int_equal(zip_open(memfile_read, f, f->b.n, &z, NULL), RC_OK);
	n = zip_count(z);
	for (uint32_t i = 0; i < n; i++) {
		zip_at(z, i, &e);
		assert_int_equal(zip_digest(z, &e, digest, NULL), RC_OK);
		assert_int_equal(package_files_add(&c->files, e.name, e.size, digest, NULL), RC_OK);
		if (i + 2 == n)
			assert_int_equal(zip_read_all(z, &e, &c->manifest, NULL), RC_OK);
		else if (i + 1 == n)
			assert_int_equal(zip_read_all(z, &e, &c->token, NULL), RC_OK);
	}
}

/* The text is what the files before it make it, the token is over it and no byte of it is free. */
static void
stamped_over(struct memfile *f, uint32_t number)
{
	AUTO_DONE(checked_done) struct checked	c;
	AUTO_DONE(buf_done) struct buf		again = BUF_INIT(PACKAGE_TEXT_MAX);
	struct span				root = tsa_cert(&w.tsa_root[0]);
	struct timestamp_trust			trust = { .root = &root, .n_roots = 1 };
	struct timestamp			t;
	uint8_t					imprint[SHA256_BYTES];

	last_archive(f, &c);
	assert_int_equal(archive_manifest(&c.files, c.files.n - 2, number, &again, NULL), RC_OK);
	assert_true(span_eq(buf_view(&again), buf_view(&c.manifest)));
	sha256_one(imprint, buf_view(&again));
	assert_int_equal(timestamp_verify(buf_view(&c.token), imprint, &trust, &t, NULL), RC_OK);
	assert_int_equal(timestamp_exact(buf_view(&c.token), &root, 1, NULL), RC_OK);
	assert_int_equal(t.time, w.net.now);
}

/* --- renewing -------------------------------------------------------------------------- */

static void
assert_good(struct memfile *f, uint32_t archives)
{
	AUTO(zip_free) struct zip *z = NULL;
	struct package_report	r;
	struct zip_entry	e;
	package_name		name;
	struct err		err;

	if (package_verify(memfile_read, f, f->b.n, WORLD_TRUST(w.net.genesis, w.net.now), &r, &err) != RC_OK)
		fail_msg("%s", err.msg);
	for (int c = 0; c < CLAIMS; c++)
		if (r.claim[c].verdict == CLAIM_NO)
			fail_msg("%s: %s", claim_name((enum claim_name)c), r.claim[c].words);
	assert_int_equal(r.verdict, PACKAGE_VALID);
	assert_int_equal(zip_open(memfile_read, f, f->b.n, &z, NULL), RC_OK);
	zip_at(z, zip_count(z) - 1, &e);
	name_archive_token(archives, name);
	assert_string_equal(e.name, name);
}

static size_t
directory_at(const struct memfile *f)
{
	return zip_u32(f->b.p + f->b.n - ZIP_END_FIXED + 16);
}

/* What was there is there, byte for byte; and it is one more each time. */
static void
again_and_again(void **state)
{
	struct memfile	now = MEMFILE_INIT, next;

	(void)state;
	buf_span(&now.b, buf_view(&good.b));
	for (uint32_t i = 1; i <= 3; i++) {
		assert_int_equal(renew_by(&now, HONEST, &next), RC_OK);
		assert_memory_equal(next.b.p, now.b.p, directory_at(&now));
		assert_good(&next, i);
		stamped_over(&next, i);
		memfile_done(&now);
		now = next;
	}
	memfile_done(&now);
}

/* A small one, for what needs many of them: package_renew() looks at manifests alone. */

static void
small_up(struct repack *r)
{
	AUTO_DONE(package_files_done) struct package_files	f = { .n = 0 };
	uint8_t							digest[SHA256_BYTES];

	*r = (struct repack){ .n = 0 };
	repack_insert(r, 0, NAME_MIMETYPE, SPAN_STR(PACKAGE_MIMETYPE));
	repack_insert(r, 1, NAME_SUMMARY, SPAN_STR("<p>"));
	repack_insert(r, 2, NAME_ASIC_MANIFEST, SPAN_STR(""));
	repack_insert(r, 3, NAME_SIGNATURE, SPAN_STR("any"));
	sha256_one(digest, SPAN_STR("<p>"));
	assert_int_equal(package_files_add(&f, NAME_SUMMARY, 3, digest, NULL), RC_OK);
	package_asic_manifest(&f, repack_file(r, NAME_ASIC_MANIFEST));
}

static enum rc
renewed(const struct repack *r)
{
	AUTO_DONE(memfile_done) struct memfile	f = MEMFILE_INIT, to = MEMFILE_INIT;

	repack_write(r, &f);
	return renew_by(&f, HONEST, &to);
}

static void
ninety_nine(void **state)
{
	AUTO_DONE(repack_done) struct repack	r;
	struct memfile				now = MEMFILE_INIT, next;

	(void)state;
	small_up(&r);
	repack_write(&r, &now);
	for (uint32_t i = 0; i <= ARCHIVES_MAX; i++) {
		assert_int_equal(renew_by(&now, HONEST, &next), i < ARCHIVES_MAX ? RC_OK : RC_LIMIT);
		assert_int_equal(next.b.n > 0, i < ARCHIVES_MAX);	/* not found out after a long copy */
		memfile_done(&now);
		now = next;
	}
	memfile_done(&now);
}

static void
set(struct repack *r, const char *name, struct span content)
{
	struct buf	*b = repack_file(r, name);

	buf_reset(b);
	buf_span(b, content);
}

/* Nothing that a verifier would refuse for its manifests is worth a time-stamp. */
static void
not_worth_it(void **state)
{
	AUTO_DONE(repack_done) struct repack	r;

	(void)state;
	small_up(&r);
	assert_int_equal(renewed(&r), RC_OK);
	set(&r, NAME_SUMMARY, SPAN_STR("<q>"));
	assert_int_equal(renewed(&r), RC_FORMAT);
	set(&r, NAME_SUMMARY, SPAN_STR("<p>"));
	set(&r, NAME_MIMETYPE, SPAN_STR("text/plain"));
	assert_int_equal(renewed(&r), RC_FORMAT);
	set(&r, NAME_MIMETYPE, SPAN_STR(PACKAGE_MIMETYPE));
	repack_insert(&r, 2, "bagit.txt", SPAN_STR("not listed"));
	assert_int_equal(renewed(&r), RC_FORMAT);
	repack_drop(&r, 2);
	repack_drop(&r, 1);
	assert_int_equal(renewed(&r), RC_FORMAT);
	repack_insert(&r, 1, NAME_SUMMARY, SPAN_STR("<p>"));
	assert_int_equal(renewed(&r), RC_OK);
}

/* Files in another order, or others. */
static void
not_of_this_form(void **state)
{
	static const struct { size_t at; const char *name; } rows[] = {
		{ 0, "data/scope" },				/* mimetype is not first */
		{ 3, "META-INF/anything" },			/* between manifest and signature */
		{ 4, "META-INF/anything" },			/* after the signature */
		{ 4, "META-INF/ASiCArchiveManifest001.xml" },	/* half a pair */
		{ 4, "META-INF/ASiCArchiveManifest002.xml" },	/* a gap */
	};
	AUTO_DONE(repack_done) struct repack	r;

	(void)state;
	small_up(&r);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		repack_insert(&r, rows[i].at, rows[i].name, SPAN_STR("x"));
		if (renewed(&r) != RC_FORMAT)
			fail_msg("%s", rows[i].name);
		repack_drop(&r, rows[i].at);
	}
	repack_drop(&r, 3);		/* no signature */
	assert_int_equal(renewed(&r), RC_FORMAT);
	repack_drop(&r, 2);		/* no manifest either */
	assert_int_equal(renewed(&r), RC_FORMAT);
}

/* An earlier archive manifest is looked at as well. */
static void
earlier_ones_fit(void **state)
{
	AUTO_DONE(repack_done) struct repack	r = { .n = 0 };
	AUTO_DONE(memfile_done) struct memfile	f = MEMFILE_INIT, to = MEMFILE_INIT;
	struct buf				*b;

	(void)state;
	small_up(&r);
	repack_write(&r, &f);
	assert_int_equal(renew_by(&f, HONEST, &to), RC_OK);
	repack_done(&r);
	repack_open(&r, &to);
	assert_int_equal(renewed(&r), RC_OK);
	b = repack_file(&r, "META-INF/ASiCArchiveManifest001.xml");
	b->p[b->n - 1] = ' ';
	assert_int_equal(renewed(&r), RC_FORMAT);
	b->p[b->n - 1] = '\n';
	set(&r, NAME_SIGNATURE, SPAN_STR("another"));
	assert_int_equal(renewed(&r), RC_FORMAT);
	set(&r, NAME_SIGNATURE, SPAN_STR("any"));
	assert_int_equal(renewed(&r), RC_OK);
	/* Its token is in no manifest: by another name, or not there at all. */
	strcpy(r.name[r.n - 1], "META-INF/timestamp002.tst");
	assert_int_equal(renewed(&r), RC_FORMAT);
	repack_drop(&r, r.n - 1);
	assert_int_equal(renewed(&r), RC_FORMAT);
}

static void
damaged(void **state)
{
	AUTO_DONE(memfile_done) struct memfile	f = MEMFILE_INIT, to = MEMFILE_INIT;
	AUTO_DONE(repack_done) struct repack	r;
	size_t					at = 30 + 8 + 31 + 30 + strlen(NAME_SUMMARY);
	enum how				how = HONEST;
	struct err				err;
	uint64_t				size;

	(void)state;
	small_up(&r);
	repack_write(&r, &f);
	assert_int_equal(f.b.p[at], '<');
	f.b.p[at] ^= 1;
	assert_int_equal(package_renew(memfile_read, &f, f.b.n, stamp, &how, memfile_write, &to, &size, &err), RC_FORMAT);
	assert_non_null(strstr(err.msg, "CRC"));
	memfile_done(&to);
	f.b.p[at] ^= 1;
	for (size_t n = 0; n < f.b.n; n += 7) {
		struct memfile	cut = MEMFILE_INIT;

		buf_span(&cut.b, SPAN(f.b.p, n));
		assert_int_equal(renew_by(&cut, HONEST, &to), RC_FORMAT);
		memfile_done(&cut);
		memfile_done(&to);
	}
}

static void
bad_stamps(void **state)
{
	AUTO_DONE(memfile_done) struct memfile	to = MEMFILE_INIT;

	(void)state;
	assert_int_equal(renew_by(&good, NOBODY, &to), RC_MISSING);
	memfile_done(&to);
	assert_int_equal(renew_by(&good, ANOTHER, &to), RC_VERIFY);
	memfile_done(&to);
	assert_int_equal(renew_by(&good, RUBBISH, &to), RC_FORMAT);
}

/* --- how much of it ---------------------------------------------------------------------- */

struct counted { struct memfile *f; uint64_t bytes, largest; };

static enum rc
counted_read(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	struct counted	*c = user;

	c->bytes += n;
	c->largest = n > c->largest ? n : c->largest;
	return memfile_read(c->f, at, out, n, err);
}

/* One read of it, by pieces. Headers are read when it is opened, and not again. */
static void
one_read(void **state)
{
	AUTO_DONE(memfile_done) struct memfile	f = MEMFILE_INIT, to = MEMFILE_INIT;
	AUTO_DONE(repack_done) struct repack	r;
	struct counted				c = { .f = &f };
	enum how				how = HONEST;
	uint64_t				size;

	(void)state;
	small_up(&r);
	assert_non_null(buf_extend(repack_file(&r, NAME_SIGNATURE), 5 << 20));
	repack_write(&r, &f);
	assert_int_equal(package_renew(counted_read, &c, f.b.n, stamp, &how, memfile_write, &to, &size, NULL), RC_OK);
	assert_in_range(c.bytes, 5 << 20, f.b.n + ZIP_END_FIXED);
	assert_in_range(c.largest, 1, ZIP_CHUNK);
}

static void
writes_that_fail(void **state)
{
	struct repack	r;
	struct memfile	f = MEMFILE_INIT, to;
	enum rc		rc = RC_IO;
	enum how	how = HONEST;
	uint64_t	size;

	(void)state;
	small_up(&r);
	repack_write(&r, &f);
	repack_done(&r);
	for (unsigned n = 1; rc == RC_IO; n++) {
		to = MEMFILE_INIT;
		to.fail_at = n;
		rc = package_renew(memfile_read, &f, f.b.n, stamp, &how, memfile_write, &to, &size, NULL);
		assert_true(n < 100);
		memfile_done(&to);
	}
	assert_int_equal(rc, RC_OK);
	for (unsigned long n = 1;; n++) {
		to = MEMFILE_INIT;
		fault_at(n);
		how = NOBODY;		/* who stamps has memory of its own */
		rc = package_renew(memfile_read, &f, f.b.n, stamp, &how, memfile_write, &to, &size, NULL);
		memfile_done(&to);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_MISSING);
	memfile_done(&f);
}

/* --- other programs ------------------------------------------------------------------------ */

static void
run(const char *folder, const char *command)
{
	char	all[1536];

	assert_true(snprintf(all, sizeof(all), "cd %s && { %s; } >/dev/null 2>log || { cat log; false; }", folder,
	    command) < (int)sizeof(all));
	if (!tool_ok(all))
		fail_msg("%s", command);
}

static void
schemas(const char *folder)
{
	const char	*at = getenv("QUORATE_VECTORS");
	char		 here[512], command[1200], xsd[800];

	if (at == NULL)
		at = "../shared/vectors";
	assert_non_null(getcwd(here, sizeof(here)));
	(void)snprintf(xsd, sizeof(xsd), "%s%s%s/package/en_31916201v010101.xsd", at[0] == '/' ? "" : here,
	    at[0] == '/' ? "" : "/", at);
	if (!tool_here("xmllint") || access(xsd, R_OK) != 0) {
		printf("skipped: the ASiC schema or xmllint is not here\n");
		return;
	}
	(void)snprintf(command, sizeof(command), "xmllint --nonet --noout --schema %s bag/META-INF/*.xml", xsd);
	run(folder, command);
}

#define TS	"openssl ts -verify -partial_chain -CAfile root.pem -attime %llu -token_in "

static void
other_programs_accept_it(void **state)
{
	AUTO_DONE(memfile_done) struct memfile	once, twice, root = MEMFILE_INIT;
	char					folder[] = "/tmp/quorate-renew-XXXXXX", command[400], path[64];
	unsigned long long			at = w.net.now;

	(void)state;
	assert_int_equal(renew_by(&good, HONEST, &once), RC_OK);
	assert_int_equal(renew_by(&once, HONEST, &twice), RC_OK);
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/p.asice", folder);
	memfile_save(&twice, path);
	buf_span(&root.b, tsa_cert(&w.tsa_root[0]));
	(void)snprintf(path, sizeof(path), "%s/root.der", folder);
	memfile_save(&root, path);
	if (tool_here("unzip") && tool_here("openssl")) {
		run(folder, "unzip -tqq p.asice && unzip -qq p.asice -d bag");
		run(folder, "openssl x509 -inform DER -in root.der -out root.pem");
		for (int i = 1; i <= 2; i++) {
			(void)snprintf(command, sizeof(command), TS "-in bag/META-INF/timestamp00%d.tst "
			    "-data bag/META-INF/ASiCArchiveManifest00%d.xml", at, i, i);
			run(folder, command);
			(void)snprintf(command, sizeof(command), "! " TS "-in bag/META-INF/timestamp00%d.tst "
			    "-data bag/META-INF/ASiCArchiveManifest00%d.xml", at, i, 3 - i);
			run(folder, command);
		}
		schemas(folder);
	}
	(void)snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_true(tool_ok(command));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_text),
		cmocka_unit_test(again_and_again),
		cmocka_unit_test(ninety_nine),
		cmocka_unit_test(not_worth_it),
		cmocka_unit_test(not_of_this_form),
		cmocka_unit_test(earlier_ones_fit),
		cmocka_unit_test(damaged),
		cmocka_unit_test(bad_stamps),
		cmocka_unit_test(one_read),
		cmocka_unit_test(writes_that_fail),
		cmocka_unit_test(other_programs_accept_it),
	};

	return cmocka_run_group_tests(tests, up, down);
}

/*
 * "It refuses", time-stamps of the signature and of the archive: over something else, by
 * somebody else, at another time, in another order. A coordinator makes them, or who
 * renews a package later, and has every other part of it right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evidence/archive.h"
#include "evidence/cades.h"
#include "tests/unit/evidence/forge.h"

#define BIG	((size_t)1 << 20)
#define HOUR	3600
#define YEAR	(UINT64_C(366) * 86400)

static struct world	w;
static struct repack	r;
static when		released;

/* --- the signature's ---------------------------------------------------------------------- */

/* A signature of level B, over what the manifest is. */
static void
sign(struct buf *out)
{
	*out = BUF_INIT(CADES_BYTES_MAX);
	assert_int_equal(cades_sign(w.net.package_key, buf_view(&w.net.package_cert),
	    buf_view(repack_file(&r, NAME_ASIC_MANIFEST)), released, out, NULL), RC_OK);
}

static void
add_token(const struct buf *b, const struct buf *token, struct buf *out)
{
	const struct cades_added	added = { .token = buf_view(token) };

	*out = BUF_INIT(CADES_BYTES_MAX);
	assert_int_equal(cades_add(buf_view(b), &added, out, NULL), RC_OK);
}

/* Signed anew, and stamped so; `with`: a list that goes into the token. */
static void
stamped(enum forge_tsa who, when at, const struct buf *with)
{
	AUTO_DONE(buf_done) struct buf	b, token = BUF_INIT(BIG), embedded = BUF_INIT(BIG), out;
	const struct span		root = tsa_cert(forge_tsa_root(&w, who));
	struct span			list;
	uint8_t				imprint[SHA256_BYTES];

	sign(&b);
	assert_int_equal(cades_imprint(buf_view(&b), imprint, NULL), RC_OK);
	forge_token(&w, who, imprint, at, &token);
	if (with != NULL)
		list = buf_view(with);
	assert_int_equal(timestamp_embed(buf_view(&token), &root, 1, with == NULL ? NULL : &list, with == NULL ? 0 : 1,
	    &embedded, NULL), RC_OK);
	add_token(&b, &embedded, &out);
	forge_file(&r, NAME_SIGNATURE, buf_view(&out));
}

static void s_nothing(void) { }
static void s_again(void) { stamped(FIRST, w.net.now, NULL); }
static void s_second(void) { stamped(SECOND, w.net.now, NULL); }
static void s_stranger(void) { stamped(STRANGER, w.net.now, NULL); }
static void s_early(void) { stamped(FIRST, released - HOUR, NULL); }
static void s_barely_early(void) { stamped(FIRST, released - 300, NULL); }
static void s_future(void) { stamped(FIRST, w.net.now + HOUR, NULL); }

static void
revoked(int reason, long at)
{
	AUTO_DONE(buf_done) struct buf	crl = BUF_INIT(BIG);
	long				now = (long)w.net.now - (long)TSA_NOW;

	tsa_crl(&w.tsa_root[0], 2, now + at, reason, now - HOUR, now + 24 * HOUR, &crl);
	stamped(FIRST, w.net.now, &crl);
}

/* The same beside the token, in the signature's own lists: of the signer's issuer, or of another. */
static void
list_beside(enum forge_tsa who, long serial)
{
	AUTO_DONE(buf_done) struct buf	b, out = BUF_INIT(CADES_BYTES_MAX), token = BUF_INIT(BIG), whole = BUF_INIT(BIG);
	AUTO_DONE(buf_done) struct buf	crl = BUF_INIT(BIG);
	const struct span		root = tsa_cert(&w.tsa_root[0]);
	struct cades_added		added = { .n_crls = 1 };
	long				now = (long)w.net.now - (long)TSA_NOW;
	uint8_t				imprint[SHA256_BYTES];

	sign(&b);
	assert_int_equal(cades_imprint(buf_view(&b), imprint, NULL), RC_OK);
	forge_token(&w, FIRST, imprint, w.net.now, &token);
	assert_int_equal(timestamp_embed(buf_view(&token), &root, 1, NULL, 0, &whole, NULL), RC_OK);
	tsa_crl(forge_tsa_root(&w, who), serial, now - HOUR, -1, now - HOUR, now + 24 * HOUR, &crl);
	added.token = buf_view(&whole);
	added.crl[0] = buf_view(&crl);
	assert_int_equal(cades_add(buf_view(&b), &added, &out, NULL), RC_OK);
	forge_file(&r, NAME_SIGNATURE, buf_view(&out));
}

static void s_revoked_beside(void) { list_beside(FIRST, 2); }
static void s_list_beside(void) { list_beside(FIRST, 99); }
static void s_another_list_beside(void) { list_beside(SECOND, 2); }

static void s_revoked(void) { revoked(-1, -HOUR); }
static void s_compromised_later(void) { revoked(1, HOUR); }

/* The token of a signature that was made before, in the place of this one's: over another value. */
static void
s_of_another(void)
{
	AUTO_DONE(buf_done) struct buf	b, other, out, token = BUF_INIT(BIG), wrong = BUF_INIT(BIG);
	uint8_t				imprint[SHA256_BYTES], another[SHA256_BYTES];
	uint8_t				*at;

	sign(&other);
	sign(&b);
	assert_int_equal(cades_imprint(buf_view(&other), another, NULL), RC_OK);
	assert_int_equal(cades_imprint(buf_view(&b), imprint, NULL), RC_OK);
	assert_memory_not_equal(imprint, another, SHA256_BYTES);
	forge_token(&w, FIRST, imprint, w.net.now, &token);
	add_token(&b, &token, &out);
	/* ECDSA signatures in it have one byte more or less: until it fits. */
	do {
		buf_reset(&wrong);
		forge_token(&w, FIRST, another, w.net.now, &wrong);
	} while (wrong.n != token.n);
	at = memmem(out.p, out.n, token.p, token.n);
	assert_non_null(at);
	memcpy(at, wrong.p, wrong.n);
	forge_file(&r, NAME_SIGNATURE, buf_view(&out));
}

/* Half of it, and a bit of its signature. */
static void
s_damaged(void)
{
	struct buf	*b = repack_file(&r, NAME_SIGNATURE);

	b->p[b->n - 5] ^= 1;
}

static void
s_cut(void)
{
	repack_file(&r, NAME_SIGNATURE)->n -= 1;
}

/* --- the archive's ------------------------------------------------------------------------ */

/* The n-th pair at the end, over what stands before it. */
static void
archive(uint32_t number, enum forge_tsa who, when at)
{
	AUTO_DONE(buf_done) struct buf	manifest = BUF_INIT(BIG), token = BUF_INIT(BIG), out = BUF_INIT(BIG);
	const struct span		root = tsa_cert(forge_tsa_root(&w, who));
	struct package_files		f;
	uint8_t				imprint[SHA256_BYTES];
	package_name			name;

	repack_list(&r, &f);
	assert_int_equal(archive_manifest(&f, f.n, number, &manifest, NULL), RC_OK);
	package_files_done(&f);
	sha256_one(imprint, buf_view(&manifest));
	forge_token(&w, who, imprint, at, &token);
	assert_int_equal(timestamp_embed(buf_view(&token), &root, 1, NULL, 0, &out, NULL), RC_OK);
	name_archive_manifest(number, name);
	repack_insert(&r, r.n, name, buf_view(&manifest));
	name_archive_token(number, name);
	repack_insert(&r, r.n, name, buf_view(&out));
}

static struct buf *
manifest(uint32_t number)
{
	package_name	name;

	name_archive_manifest(number, name);
	return repack_file(&r, name);
}

/* The same manifest, changed, under a token that is over it as it is now. */
static void
restamp(uint32_t number)
{
	AUTO_DONE(buf_done) struct buf	token = BUF_INIT(BIG);
	uint8_t				imprint[SHA256_BYTES];
	package_name			name;

	sha256_one(imprint, buf_view(manifest(number)));
	forge_token(&w, FIRST, imprint, w.net.now, &token);
	name_archive_token(number, name);
	forge_file(&r, name, buf_view(&token));
}

static void a_one(void) { archive(1, FIRST, w.net.now); }
static void a_two(void) { a_one(); archive(2, SECOND, w.net.now + 60); w.net.now += 60; }
static void a_stranger(void) { archive(1, STRANGER, w.net.now); }
static void a_future(void) { archive(1, FIRST, w.net.now + HOUR); }
static void a_before_the_signature(void) { archive(1, FIRST, released - HOUR); }
static void a_gap(void) { archive(2, FIRST, w.net.now); }
static void a_first_twice(void) { a_one(); archive(1, FIRST, w.net.now); }

static void
a_backwards(void)
{
	w.net.now += HOUR;
	archive(1, FIRST, w.net.now);
	archive(2, FIRST, w.net.now - HOUR / 2);
}

static void
a_first_missing(void)
{
	a_two();
	repack_drop(&r, r.n - 4);
	repack_drop(&r, r.n - 3);
}

static void
a_pairs_exchanged(void)
{
	package_name	name;

	a_two();
	for (size_t i = 0; i < 2; i++) {
		AUTO_DONE(buf_done) struct buf	b = r.content[r.n - 4];

		memcpy(name, r.name[r.n - 4], sizeof(name));
		r.content[r.n - 4] = BUF_INIT(0);
		repack_drop(&r, r.n - 4);
		repack_insert(&r, r.n, name, buf_view(&b));
	}
}

static void a_no_token(void) { a_one(); repack_drop(&r, r.n - 1); }
static void a_no_manifest(void) { a_one(); repack_drop(&r, r.n - 2); }

static void
a_file_between(void)
{
	a_one();
	repack_insert(&r, r.n - 1, "META-INF/note.txt", SPAN_STR("x"));
}

static void
a_file_behind(void)
{
	a_one();
	repack_insert(&r, r.n, "META-INF/ASiCEvidenceRecordManifest001.xml", SPAN_STR("<x/>"));
}

/* From one place to another of a manifest's text, out or in again. */
static void
edit(uint32_t number, const char *from, const char *to, bool again)
{
	struct buf	*b = manifest(number), text = BUF_INIT(BIG);
	const char	*all = buf_text(b), *at = strstr(all, from), *end;

	assert_non_null(at);
	end = strstr(at, to);
	assert_non_null(end);
	end += strlen(to);
	buf_add(&text, all, (size_t)(at - all));
	if (again) {
		buf_add(&text, at, (size_t)(end - at));
		buf_add(&text, at, (size_t)(end - at));
	}
	buf_span(&text, span_str(end));
	forge_file(&r, r.name[(size_t)(b - r.content)], buf_view(&text));
	buf_done(&text);
	restamp(number);
}

#define END	"</asic:DataObjectReference>\n"
static void a_no_charter(void) { a_one(); edit(1, " <asic:DataObjectReference URI=\"data/charter.json\"", END, false); }
static void a_no_signature(void) { a_one(); edit(1, " <asic:DataObjectReference URI=\"META-INF/signature", END, false); }
static void a_charter_twice(void) { a_one(); edit(1, " <asic:DataObjectReference URI=\"data/charter.json\"", END, true); }
static void a_no_first(void) { a_two(); edit(2, " <asic:DataObjectReference URI=\"META-INF/timestamp001", END, false); }

/* Stamped, and signed anew afterwards, which anybody could who has the key by then. */
static void
a_signed_later(void)
{
	a_one();
	stamped(FIRST, w.net.now, NULL);
}

static void
a_of_another_manifest(void)
{
	AUTO_DONE(buf_done) struct buf	token = BUF_INIT(BIG);
	uint8_t				imprint[SHA256_BYTES];
	package_name			name;

	a_one();
	sha256_one(imprint, buf_view(repack_file(&r, NAME_ASIC_MANIFEST)));
	forge_token(&w, FIRST, imprint, w.net.now, &token);
	name_archive_token(1, name);
	forge_file(&r, name, buf_view(&token));
}

static void
a_damaged(void)
{
	struct buf	*b;

	a_one();
	b = &r.content[r.n - 1];
	b->p[b->n / 2] ^= 1;
}

/* The certificate of who stamped it first had run out when the next one came: it shows nothing. */
static void
a_too_late(void)
{
	a_one();
	w.net.now += 2 * YEAR;
	archive(2, LATER, w.net.now);
}

/* In time, and looked at when the first's ran out. */
static void
a_in_time(void)
{
	a_one();
	archive(2, LATER, w.net.now + YEAR / 2);
	w.net.now += 2 * YEAR;
}

/* Nobody stamped the signature, and the archive is older than the release that it has. */
static void
a_before_the_release(void)
{
	AUTO_DONE(buf_done) struct buf	b;

	sign(&b);
	forge_file(&r, NAME_SIGNATURE, buf_view(&b));
	archive(1, FIRST, released - HOUR);
}

static const struct turn {
	const char	*what;
	void		(*take)(void);
	enum claim_name	 claim;		/* CLAIMS: it is valid */
	enum claim_name	 yes;		/* ... and this one says yes, or */
	enum claim_name	 unknown;	/* ... is unknown */
} turns[] = {
	{ "nothing", s_nothing, CLAIMS, CLAIM_TIMESTAMP, CLAIM_ARCHIVE },
	{ "stamped again", s_again, CLAIMS, CLAIM_TIMESTAMP, CLAIM_ARCHIVE },
	{ "by the second", s_second, CLAIMS, CLAIM_TIMESTAMP, CLAIM_ARCHIVE },
	{ "as early as clocks differ", s_barely_early, CLAIMS, CLAIM_TIMESTAMP, CLAIM_ARCHIVE },
	{ "by a stranger", s_stranger, CLAIM_TIMESTAMP, 0, 0 },
	{ "before the release", s_early, CLAIM_TIMESTAMP, 0, 0 },
	{ "of the future", s_future, CLAIM_TIMESTAMP, 0, 0 },
	{ "by who was revoked", s_revoked, CLAIM_TIMESTAMP, 0, 0 },
	{ "by who was revoked, as a list beside says", s_revoked_beside, CLAIM_TIMESTAMP, 0, 0 },
	{ "with a list beside", s_list_beside, CLAIMS, CLAIM_TIMESTAMP, CLAIM_ARCHIVE },
	{ "with another's list beside", s_another_list_beside, CLAIMS, CLAIM_TIMESTAMP, CLAIM_ARCHIVE },
	{ "by who was found compromised", s_compromised_later, CLAIM_TIMESTAMP, 0, 0 },
	{ "over another signature value", s_of_another, CLAIM_TIMESTAMP, 0, 0 },
	{ "a bit of it", s_damaged, CLAIM_TIMESTAMP, 0, 0 },
	{ "cut short", s_cut, CLAIM_SIGNATURE, 0, 0 },
	{ "an archive", a_one, CLAIMS, CLAIM_ARCHIVE, CLAIM_KEYS },
	{ "a renewed one", a_two, CLAIMS, CLAIM_ARCHIVE, CLAIM_KEYS },
	{ "archived by a stranger", a_stranger, CLAIMS, CLAIM_TIMESTAMP, CLAIM_ARCHIVE },
	{ "archived in the future", a_future, CLAIM_ARCHIVE, 0, 0 },
	{ "archived before it was signed", a_before_the_signature, CLAIM_ARCHIVE, 0, 0 },
	{ "renewed before it was archived", a_backwards, CLAIM_ARCHIVE, 0, 0 },
	{ "002 alone", a_gap, CLAIM_CONTAINER, 0, 0 },
	{ "001 twice", a_first_twice, CLAIM_CONTAINER, 0, 0 },
	{ "001 missing", a_first_missing, CLAIM_CONTAINER, 0, 0 },
	{ "002 before 001", a_pairs_exchanged, CLAIM_CONTAINER, 0, 0 },
	{ "no token", a_no_token, CLAIM_CONTAINER, 0, 0 },
	{ "no manifest", a_no_manifest, CLAIM_CONTAINER, 0, 0 },
	{ "a file between", a_file_between, CLAIM_CONTAINER, 0, 0 },
	{ "a file behind", a_file_behind, CLAIM_CONTAINER, 0, 0 },
	{ "without the charter", a_no_charter, CLAIM_ARCHIVE, 0, 0 },
	{ "without the signature", a_no_signature, CLAIM_ARCHIVE, 0, 0 },
	{ "the charter twice", a_charter_twice, CLAIM_ARCHIVE, 0, 0 },
	{ "002 without 001's token", a_no_first, CLAIM_ARCHIVE, 0, 0 },
	{ "signed later", a_signed_later, CLAIM_ARCHIVE, 0, 0 },
	{ "a token over another manifest", a_of_another_manifest, CLAIM_ARCHIVE, 0, 0 },
	{ "a token damaged", a_damaged, CLAIM_ARCHIVE, 0, 0 },
	{ "archived before the release", a_before_the_release, CLAIM_ARCHIVE, 0, 0 },
	{ "renewed in time", a_in_time, CLAIMS, CLAIM_ARCHIVE, CLAIM_KEYS },
	{ "renewed too late", a_too_late, CLAIM_ARCHIVE, 0, 0 },
};

static void
stamps(void **state)
{
	struct package_report	rep;

	(void)state;
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		const struct turn	*t = &turns[i];
		struct memfile		 good, f;

		world_up_anchored(&w, "standard");
		w.seal = (struct package_seal){ .stamp = world_stamp, .user = &w };
		assert_true(world_package(&w, &good));
		released = w.net.now;
		repack_open(&r, &good);
		t->take();
		repack_write(&r, &f);
		forge_judge(&w, &f, t->claim, t->what);
		assert_int_equal(package_verify(memfile_read, &f, f.b.n, WORLD_TRUST(w.net.genesis, w.net.now), &rep, NULL),
		    RC_OK);
		if (t->claim == CLAIMS && (rep.claim[t->yes].verdict != CLAIM_YES ||
		    rep.claim[t->unknown].verdict != CLAIM_UNKNOWN))
			fail_msg("%s: %s and %s", t->what, rep.claim[t->yes].words, rep.claim[t->unknown].words);
		repack_done(&r);
		memfile_done(&f);
		memfile_done(&good);
		world_down(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(stamps),
	};
	int	rc;

	if (secret_init(NULL) != RC_OK)
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	forge_done();
	return rc;
}

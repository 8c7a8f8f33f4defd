#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "evidence/cades.h"
#include "evidence/verify.h"
#include "tests/unit/evidence/repack.h"
#include "tests/unit/evidence/world.h"
#include "tests/unit/fault.h"

static struct world	w;
static struct memfile	good;		/* a package of w */
static when		released;

static int
up(void **state)
{
	(void)state;
	world_up(&w, "standard");
	assert_true(world_package(&w, &good));
	released = w.net.now;
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

static struct package_report
verify(struct memfile *f, const uint8_t *genesis)
{
	struct package_report	r;
	struct err		err;

	if (package_verify(memfile_read, f, f->b.n, WORLD_TRUST(genesis, w.net.now), &r, &err) != RC_OK)
		fail_msg("%s", err.msg);
	return r;
}

static void
show(const struct package_report *r)
{
	struct buf	b = BUF_INIT(65536);

	package_report_text(r, false, &b);
	print_message("%s", buf_text(&b));
	buf_done(&b);
}

/* The one claim that says no is this one. */
static void
refused(struct memfile *f, const uint8_t *genesis, enum claim_name claim, const char *what)
{
	struct package_report	r = verify(f, genesis);

	if (r.verdict == PACKAGE_INVALID && r.claim[claim].verdict == CLAIM_NO)
		return;
	show(&r);
	fail_msg("%s: expected a no to %s", what, claim_name(claim));
}

/* --- good ones ------------------------------------------------------------------------ */

static void
a_good_package(void **state)
{
	struct package_report	r = verify(&good, w.net.genesis);

	(void)state;
	if (r.verdict != PACKAGE_VALID)
		show(&r);
	assert_int_equal(r.verdict, PACKAGE_VALID);
	for (size_t i = 0; i <= CLAIM_TEXTS; i++)
		assert_int_equal(r.claim[i].verdict, CLAIM_YES);
	assert_memory_equal(r.order, w.order, SHA256_BYTES);
	assert_memory_equal(r.request, w.request, SHA256_BYTES);
	assert_memory_equal(r.genesis, w.net.genesis, SHA256_BYTES);
	assert_true(r.released == released);
	/* Who, in which role; how many custodians. */
	assert_non_null(strstr(r.claim[CLAIM_ORDER].words, "requested by Person 0 under policy standard"));
	assert_non_null(strstr(r.claim[CLAIM_ORDER].words, "Person 2 (legal)"));
	assert_non_null(strstr(r.claim[CLAIM_ORDER].words, "Person 3 (compliance)"));
	assert_non_null(strstr(r.claim[CLAIM_ORDER].words, "Person 4 (auditor)"));
	assert_non_null(strstr(r.claim[CLAIM_RECEIPTS].words, "1 (Legal & Co) 3 (Auditors LLP)"));
	assert_non_null(strstr(r.claim[CLAIM_TEXTS].words, "1 of 1"));
}

static void
without_a_charter_to_trust(void **state)
{
	struct package_report	r = verify(&good, NULL);

	(void)state;
	assert_int_equal(r.verdict, PACKAGE_CONSISTENT);
	assert_int_equal(r.claim[CLAIM_CHARTER].verdict, CLAIM_UNKNOWN);
}

static void
with_another_charter(void **state)
{
	uint8_t	other[SHA256_BYTES];

	(void)state;
	memcpy(other, w.net.genesis, sizeof(other));
	other[31] ^= 1;
	refused(&good, other, CLAIM_CHARTER, "another genesis");
}

static void
from_the_future(void **state)
{
	struct package_report	r;

	(void)state;
	assert_int_equal(package_verify(memfile_read, &good, good.b.n, WORLD_TRUST(w.net.genesis, released - 300), &r,
	    NULL), RC_OK);
	assert_int_equal(r.verdict, PACKAGE_VALID);
	assert_int_equal(package_verify(memfile_read, &good, good.b.n, WORLD_TRUST(w.net.genesis, released - 301), &r,
	    NULL), RC_OK);
	assert_int_equal(r.claim[CLAIM_RELEASE].verdict, CLAIM_NO);
	/* Years later, when every statement has expired, it still holds: as long as its certificate does. */
	assert_int_equal(package_verify(memfile_read, &good, good.b.n, WORLD_TRUST(w.net.genesis, NET_CERTS_UNTIL), &r,
	    NULL), RC_OK);
	assert_int_equal(r.verdict, PACKAGE_VALID);
	assert_int_equal(package_verify(memfile_read, &good, good.b.n, WORLD_TRUST(w.net.genesis, NET_CERTS_UNTIL + 1),
	    &r, NULL), RC_OK);
	assert_int_equal(r.verdict, PACKAGE_INVALID);
	assert_int_equal(r.claim[CLAIM_SIGNATURE].verdict, CLAIM_NO);
}

static void
reports(void **state)
{
	struct package_report	 r = verify(&good, w.net.genesis);
	struct buf		 b = BUF_INIT(65536);
	json_t			*v, *claims, *one;

	(void)state;
	assert_int_equal(package_report_json(&r, &b, NULL), RC_OK);
	v = json_loadb((char *)b.p, b.n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(v);
	assert_string_equal(json_string_value(json_object_get(v, "verdict")), "valid");
	claims = json_object_get(v, "claims");
	assert_int_equal(json_array_size(claims), CLAIMS);
	for (size_t i = 0; i < CLAIMS; i++) {
		one = json_array_get(claims, i);
		assert_string_equal(json_string_value(json_object_get(one, "name")),
		    claim_name((enum claim_name)i));
		if (i <= CLAIM_TEXTS)
			assert_string_equal(json_string_value(json_object_get(one, "verdict")), "yes");
		assert_true(json_string_length(json_object_get(one, "words")) > 0);
	}
	json_decref(v);
	buf_reset(&b);
	package_report_text(&r, false, &b);
	assert_non_null(strstr(buf_text(&b), "VALID: all that must hold"));
	buf_done(&b);
	b = BUF_INIT(100);
	assert_int_equal(package_report_json(&r, &b, NULL), RC_LIMIT);
	buf_done(&b);
}

/* Without its colours it is the same text. */
static void
coloured(void **state)
{
	struct package_report	r = verify(&good, NULL);
	struct buf		plain = BUF_INIT(65536), colour = BUF_INIT(65536);
	size_t			n = 0;

	(void)state;
	r.claim[CLAIM_TEXTS].verdict = CLAIM_NO;
	package_report_text(&r, false, &plain);
	package_report_text(&r, true, &colour);
	assert_null(memchr(plain.p, 033, plain.n));
	assert_non_null(strstr(buf_text(&colour), "\033[32myes"));
	assert_non_null(strstr(buf_text(&colour), "\033[1;31mno"));
	assert_non_null(strstr(buf_text(&colour), "\033[33mcould not check"));
	for (size_t i = 0; i < colour.n; i++) {
		if (colour.p[i] == 033)
			while (colour.p[i] != 'm')
				i++;
		else
			colour.p[n++] = colour.p[i];
	}
	assert_true(span_eq(SPAN(colour.p, n), buf_view(&plain)));
	/* Who trusts nothing hears no word of validity. */
	assert_null(strcasestr(buf_text(&plain), "valid"));
	buf_done(&plain);
	buf_done(&colour);
}

/* --- opening ------------------------------------------------------------------------------ */

struct opened { uint64_t image, prompt; };

static enum rc
take(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const struct part *part, uint64_t at,
    struct span plaintext, struct err *err)
{
	struct opened	*o = user;
	bool		 image = strcmp(part->name, "image") == 0;
	uint64_t	*n = image ? &o->image : &o->prompt;

	(void)err;
	assert_int_equal(id[0], image ? 0 : 1);
	assert_true(at == *n);
	for (size_t i = 0; i < plaintext.n; i++)
		assert_int_equal(plaintext.p[i], world_byte(part->name, at + i));
	*n += plaintext.n;
	return RC_OK;
}

static enum rc
open_with(struct world *from, struct memfile *f, EVP_PKEY *key, const struct buf *cert, struct opened *o)
{
	struct package_report	r;
	struct err		err;

	*o = (struct opened){ 0, 0 };
	return package_open(memfile_read, f, f->b.n, WORLD_TRUST(from->net.genesis, from->net.now), key, buf_view(cert),
	    take, o, &r, NULL, &err);
}

static void
it_opens(void **state)
{
	struct opened	o;

	(void)state;
	assert_int_equal(open_with(&w, &good, w.net.recipient_key, &w.net.recipient, &o), RC_OK);
	assert_true(o.image == WORLD_IMAGE && o.prompt == WORLD_PROMPT);
	/* The worker's own key and certificate open nothing, nor does another key. */
	assert_int_equal(open_with(&w, &good, w.net.worker_key, &w.net.worker, &o), RC_DENIED);
	assert_int_not_equal(open_with(&w, &good, w.net.worker_key, &w.net.recipient, &o), RC_OK);
	assert_true(o.image == 0 && o.prompt == 0);
}

static void
an_invalid_one_does_not_open(void **state)
{
	struct memfile	bad;
	struct repack	r;
	struct opened	o;

	(void)state;
	repack_open(&r, &good);
	repack_file(&r, NAME_SUMMARY)->p[0] ^= 1;
	repack_write(&r, &bad);
	assert_int_equal(open_with(&w, &bad, w.net.recipient_key, &w.net.recipient, &o), RC_VERIFY);
	assert_true(o.image == 0 && o.prompt == 0);
	repack_done(&r);
	memfile_done(&bad);
}

static void
released_to_the_recipient(void **state)
{
	struct world		 direct;
	struct memfile		 package, bad;
	struct package_report	 rep;
	struct repack		 r;
	struct opened		 o;
	size_t			 i;

	(void)state;
	world_up(&direct, "direct");
	assert_true(world_package(&direct, &package));
	assert_int_equal(open_with(&direct, &package, direct.net.recipient_key, &direct.net.recipient, &o),
	    RC_OK);
	assert_true(o.image == WORLD_IMAGE && o.prompt == WORLD_PROMPT);

	/* A message that its custodian did not sign for, in an otherwise consistent file. */
	repack_open(&r, &package);
	i = repack_starting(&r, NAME_MESSAGES);
	buf_reset(&r.content[i]);
	buf_span(&r.content[i], buf_view(&r.content[i + 1]));
	repack_sign(&r, "Provider", direct.order, direct.net.now, direct.net.package_key,
	    buf_view(&direct.net.package_cert));
	repack_write(&r, &bad);
	assert_int_equal(package_verify(memfile_read, &bad, bad.b.n, WORLD_TRUST(direct.net.genesis, direct.net.now), &rep,
	    NULL), RC_OK);
	assert_int_equal(rep.claim[CLAIM_RECIPIENT].verdict, CLAIM_NO);
	assert_int_equal(rep.claim[CLAIM_RELEASE].verdict, CLAIM_NO);
	memfile_done(&bad);

	/* Keys where the policy wants messages; both are CMS to the recipient. */
	repack_done(&r);
	repack_open(&r, &package);
	memcpy(r.name[i], NAME_KEYS, sizeof(NAME_KEYS));
	repack_drop(&r, i + 2);
	repack_drop(&r, i + 1);
	repack_sign(&r, "Provider", direct.order, direct.net.now, direct.net.package_key,
	    buf_view(&direct.net.package_cert));
	repack_write(&r, &bad);
	assert_int_equal(package_verify(memfile_read, &bad, bad.b.n, WORLD_TRUST(direct.net.genesis, direct.net.now), &rep,
	    NULL), RC_OK);
	assert_int_equal(rep.claim[CLAIM_RECIPIENT].verdict, CLAIM_NO);
	memfile_done(&bad);

	/* Two messages are too few. */
	repack_done(&r);
	repack_open(&r, &package);
	repack_drop(&r, i);
	repack_sign(&r, "Provider", direct.order, direct.net.now, direct.net.package_key,
	    buf_view(&direct.net.package_cert));
	repack_write(&r, &bad);
	assert_int_equal(package_verify(memfile_read, &bad, bad.b.n, WORLD_TRUST(direct.net.genesis, direct.net.now), &rep,
	    NULL), RC_OK);
	assert_int_equal(rep.claim[CLAIM_RECIPIENT].verdict, CLAIM_NO);
	memfile_done(&bad);
	repack_done(&r);
	memfile_done(&package);
	world_down(&direct);
}

/* The order was carried out before: what is released now is void, whoever signs it. */
static void
released_twice(void **state)
{
	struct world		 other;
	struct memfile		 first, second;
	struct package_report	 r;

	(void)state;
	world_up(&other, "standard");
	assert_true(world_package(&other, &first));
	assert_false(world_package(&other, &second));
	assert_int_equal(package_verify(memfile_read, &second, second.b.n, WORLD_TRUST(other.net.genesis, other.net.now), &r,
	    NULL), RC_OK);
	assert_int_equal(r.verdict, PACKAGE_INVALID);
	for (size_t i = 0; i <= CLAIM_TEXTS; i++)
		assert_int_equal(r.claim[i].verdict, i == CLAIM_RELEASE ? CLAIM_NO : CLAIM_YES);
	assert_non_null(strstr(r.claim[CLAIM_RELEASE].words, "void"));
	memfile_done(&first);
	memfile_done(&second);
	world_down(&other);
}

/* --- an attacker without keys ------------------------------------------------------------------ */

static bool
still_valid(struct memfile *f)
{
	return verify(f, w.net.genesis).verdict == PACKAGE_VALID;
}

/*
 * Every byte that is not content, and of content every 7th, or 101st of the large
 * files: for the CRC it is the same there, and the next test sets the CRC right.
 */
static size_t
stride(const struct zip *z, size_t i)
{
	struct zip_entry	e;
	size_t			step, left;

	for (uint32_t k = 0; k < zip_count(z); k++) {
		zip_at(z, k, &e);
		if (i < e.at || i >= e.at + e.size)
			continue;
		step = e.size > 16384 ? 101 : e.size > 256 ? 7 : 1;
		left = (size_t)(e.at + e.size - i);
		return step < left ? step : left;
	}
	return 1;
}

/* The first bit or the last in turn. */
static void
any_byte_changed_is_refused(void **state)
{
	AUTO(zip_free) struct zip	*z = NULL;
	struct memfile			 bad = MEMFILE_INIT;

	(void)state;
	assert_int_equal(zip_open(memfile_read, &good, good.b.n, &z, NULL), RC_OK);
	buf_span(&bad.b, buf_view(&good.b));
	for (size_t i = 0; i < good.b.n; i += stride(z, i)) {
		bad.b.p[i] ^= i % 2 == 0 ? 0x01 : 0x80;
		if (still_valid(&bad))
			fail_msg("byte %zu is free", i);
		bad.b.p[i] = good.b.p[i];
	}
	assert_true(still_valid(&bad));
	memfile_done(&bad);
}

/* The same inside each file, with the CRC put right. */
static void
any_content_changed_is_refused(void **state)
{
	struct memfile	bad;
	struct repack	r;

	(void)state;
	repack_open(&r, &good);
	for (size_t i = 0; i < r.n; i++) {
		size_t	step = r.content[i].n / 3 + 1;

		for (size_t k = 0; k < r.content[i].n; k += step) {
			r.content[i].p[k] ^= 0x04;
			repack_write(&r, &bad);
			if (still_valid(&bad))
				fail_msg("byte %zu of %s is free", k, r.name[i]);
			memfile_done(&bad);
			r.content[i].p[k] ^= 0x04;
		}
	}
	repack_done(&r);
}

static void
manifests_made_again_do_not_help(void **state)
{
	struct memfile	bad;
	struct repack	r;

	(void)state;
	for (size_t i = 0;; i++) {
		repack_open(&r, &good);
		if (i == r.n)
			break;
		if (r.content[i].n > 0 && strncmp(r.name[i], "META-INF/", 9) != 0) {
			r.content[i].p[r.content[i].n / 2] ^= 0x02;
			repack_manifests(&r);
			repack_write(&r, &bad);
			/* All but changes of the manifests themselves, which were just undone. */
			if (strstr(r.name[i], "manifest") == NULL && still_valid(&bad))
				fail_msg("%s may change", r.name[i]);
			memfile_done(&bad);
		}
		repack_done(&r);
	}
	repack_done(&r);
}

static void
no_byte_may_be_missing_or_added(void **state)
{
	struct memfile	bad = MEMFILE_INIT;

	(void)state;
	for (size_t n = 0; n < good.b.n; n += n < 200 || good.b.n - n < 5000 ? 1 : 311) {
		struct memfile	cut = { .b = { heap_copy(good.b.p, n), n, n, n, RC_OK } };

		assert_false(still_valid(&cut));
		memfile_done(&cut);
	}
	buf_span(&bad.b, buf_view(&good.b));
	buf_u8(&bad.b, 0);
	assert_false(still_valid(&bad));
	memfile_done(&bad);
}

static void
files_moved_dropped_and_added(void **state)
{
	struct memfile	bad;
	struct repack	r;
	size_t		n;

	(void)state;
	repack_open(&r, &good);
	n = r.n;
	repack_done(&r);
	for (size_t i = 0; i < n; i++) {
		repack_open(&r, &good);
		repack_drop(&r, i);
		repack_write(&r, &bad);
		assert_int_equal(verify(&bad, w.net.genesis).verdict, PACKAGE_INVALID);
		memfile_done(&bad);
		repack_insert(&r, i, "data/extra", SPAN_STR("x"));
		repack_write(&r, &bad);
		assert_int_equal(verify(&bad, w.net.genesis).verdict, PACKAGE_INVALID);
		memfile_done(&bad);
		repack_done(&r);
		repack_open(&r, &good);
		repack_insert(&r, i, "extra.txt", SPAN_STR("x"));
		repack_write(&r, &bad);
		assert_int_equal(verify(&bad, w.net.genesis).verdict, PACKAGE_INVALID);
		memfile_done(&bad);
		repack_done(&r);
	}
}

/* What no manifest covers, in the one place where none of them looks. */
static void
nothing_after_the_signature(void **state)
{
	struct memfile	bad;
	struct repack	r;

	(void)state;
	repack_open(&r, &good);
	repack_insert(&r, r.n, "META-INF/ASiCManifest002.xml", SPAN_STR("<x/>"));
	repack_write(&r, &bad);
	refused(&bad, w.net.genesis, CLAIM_CONTAINER, "a second manifest");
	memfile_done(&bad);
	repack_done(&r);
}

/* --- a dishonest coordinator: all of the package's own signatures are good ------------------------- */

static void
resign(struct repack *r)
{
	repack_sign(r, "Provider", w.order, released, w.net.package_key, buf_view(&w.net.package_cert));
}

static void
bad_summary(struct repack *r)
{
	repack_file(r, NAME_SUMMARY)->p[100] ^= 1;
}

static void
bad_ciphertext(struct repack *r)
{
	r->content[repack_ending(r, ".seg")].p[40] ^= 1;
}

static void
bad_leaves(struct repack *r)
{
	r->content[repack_ending(r, "/leaves")].p[0] ^= 1;
}

static void
bad_descriptor(struct repack *r)
{
	struct buf	*b = &r->content[repack_ending(r, "/descriptor")];

	b->p[b->n - 1] ^= 1;
}

static void
bad_path(struct repack *r)
{
	struct buf	*b = &r->content[repack_ending(r, "/descriptor.path")];

	b->p[b->n - 1] ^= 1;
}

static void
segment_too_many(struct repack *r)
{
	size_t	i = repack_ending(r, "/00000001.seg");
	package_name	name;

	memcpy(name, r->name[i], sizeof(name));
	name[strlen(name) - 5] = '2';
	repack_insert(r, i + 1, name, SPAN_STR("x"));
}

static void
segment_too_few(struct repack *r)
{
	repack_drop(r, repack_ending(r, "/00000001.seg"));
}

static void
bad_recipient(struct repack *r)
{
	struct buf	*b = repack_file(r, NAME_RECIPIENT);

	buf_reset(b);
	buf_span(b, buf_view(&w.net.worker));
}

static void
keys_for_another(struct repack *r)
{
	struct buf	*b = repack_file(r, NAME_KEYS);

	/* A message to the worker is a message to somebody else. */
	buf_reset(b);
	buf_span(b, buf_view(&w.answer[0].message));
}

/* Both together: a package that the worker could open, if it said so. */
static void
another_recipient(struct repack *r)
{
	bad_recipient(r);
	keys_for_another(r);
}

/* A segment is one leaf here: its hash is put right, the root is not. */
static void
ciphertext_and_leaves(struct repack *r)
{
	struct buf	*segment = &r->content[repack_ending(r, "/00000000.seg")];

	segment->p[40] ^= 1;
	tree_leaf(buf_view(segment), r->content[repack_ending(r, "/leaves")].p);
}

static void
bad_entry(struct repack *r)
{
	repack_file(r, "data/entries/000000000003.leaf")->p[7] ^= 1;
}

static void
release_at_another_time(struct repack *r)
{
	repack_file(r, NAME_RELEASE)->p[7] ^= 1;
}

static void
no_release(struct repack *r)
{
	struct buf	*b = repack_file(r, NAME_RELEASE);

	/* The last receipt in its place. */
	buf_reset(b);
	buf_span(b, buf_view(&r->content[repack_starting(r, NAME_ERASABLE) - 1]));
}

static void
bad_checkpoint(struct repack *r)
{
	/* The last cosignature goes: from the note, and from every proof that holds it. */
	for (size_t i = 0; i < r->n; i++) {
		struct buf	*b = &r->content[i];

		if (strcmp(r->name[i], NAME_CHECKPOINT) != 0 && strncmp(r->name[i], NAME_PROOFS, 7) != 0)
			continue;
		b->n--;
		while (b->p[b->n - 1] != '\n')
			b->n--;
	}
}

static void
proof_of_another_checkpoint(struct repack *r)
{
	struct buf	*b = &r->content[repack_starting(r, NAME_PROOFS)];

	b->n--;
	while (b->p[b->n - 1] != '\n')
		b->n--;
}

static void
erasable_changed(struct repack *r)
{
	r->content[repack_starting(r, NAME_ERASABLE)].p[40] ^= 1;
}

static void
erasable_nobody_named(struct repack *r)
{
	size_t		i = repack_starting(r, NAME_ERASABLE);
	uint8_t		digest[SHA256_BYTES];
	package_name	name;
	static const char	text[] = "thirty-two bytes of salt and text";

	sha256_one(digest, SPAN_STR(text));
	name_erasable(digest, name);
	repack_insert(r, strcmp(name, r->name[i]) < 0 ? i : i + 1, name, SPAN_STR(text));
}

/* Its commands are run by those who doubt: none may be another. */
static void
bad_readme(struct repack *r)
{
	uint8_t	*p = repack_file(r, NAME_README)->p;
	char	*at = strstr((char *)p, "sha256sum");

	assert_non_null(at);
	memcpy(at, "sha25_sum", strlen("sha25_sum"));
}

static void
bad_bagit(struct repack *r)
{
	repack_file(r, NAME_BAGIT)->p[15] ^= 1;
}

static void
bad_mimetype(struct repack *r)
{
	repack_file(r, NAME_MIMETYPE)->p[0] ^= 1;
}

static void
a_receipt_short(struct repack *r)
{
	repack_drop(r, repack_starting(r, "proofs/000000000009"));
	repack_drop(r, repack_starting(r, "data/entries/000000000009"));
}

static void
entries_out_of_order(struct repack *r)
{
	size_t		i = repack_starting(r, NAME_ENTRIES);
	package_name	name;
	struct buf	b = r->content[i];

	memcpy(name, r->name[i], sizeof(name));
	memcpy(r->name[i], r->name[i + 1], sizeof(name));
	memcpy(r->name[i + 1], name, sizeof(name));
	r->content[i] = r->content[i + 1];
	r->content[i + 1] = b;
}

static void
dishonest_coordinators(void **state)
{
	static const struct {
		const char	*what;
		void		(*change)(struct repack *r);
		enum claim_name	 claim;
	} row[] = {
		{ "summary", bad_summary, CLAIM_RELEASE },
		{ "ciphertext", bad_ciphertext, CLAIM_CIPHERTEXT },
		{ "leaves", bad_leaves, CLAIM_CIPHERTEXT },
		{ "descriptor", bad_descriptor, CLAIM_DESCRIPTORS },
		{ "descriptor path", bad_path, CLAIM_DESCRIPTORS },
		{ "a segment too many", segment_too_many, CLAIM_SCOPE },
		{ "a segment too few", segment_too_few, CLAIM_SCOPE },
		{ "recipient", bad_recipient, CLAIM_RECIPIENT },
		{ "keys for another", keys_for_another, CLAIM_RECIPIENT },
		{ "another recipient", another_recipient, CLAIM_RECIPIENT },
		{ "ciphertext and leaves", ciphertext_and_leaves, CLAIM_CIPHERTEXT },
		{ "entry", bad_entry, CLAIM_ENTRIES },
		{ "the release's time", release_at_another_time, CLAIM_ENTRIES },
		{ "no release", no_release, CLAIM_RELEASE },
		{ "a cosignature short", bad_checkpoint, CLAIM_CHECKPOINT },
		{ "proof of another checkpoint", proof_of_another_checkpoint, CLAIM_CONTAINER },
		{ "a receipt short", a_receipt_short, CLAIM_RECEIPTS },
		{ "reason", erasable_changed, CLAIM_TEXTS },
		{ "a reason that nobody gave", erasable_nobody_named, CLAIM_TEXTS },
		{ "bagit.txt", bad_bagit, CLAIM_CONTAINER },
		{ "README.txt", bad_readme, CLAIM_CONTAINER },
		{ "mimetype", bad_mimetype, CLAIM_CONTAINER },
		{ "entries out of order", entries_out_of_order, CLAIM_CONTAINER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct memfile	bad;
		struct repack	r;

		repack_open(&r, &good);
		row[i].change(&r);
		resign(&r);
		repack_write(&r, &bad);
		refused(&bad, w.net.genesis, row[i].claim, row[i].what);
		memfile_done(&bad);
		repack_done(&r);
	}
}

/* Signed by a key that the charter does not name, or not over these manifests. */
static void
signatures(void **state)
{
	struct memfile	bad;
	struct repack	r;

	(void)state;
	repack_open(&r, &good);
	repack_sign(&r, "Provider", w.order, released, w.net.worker_key, buf_view(&w.net.worker));
	repack_write(&r, &bad);
	refused(&bad, w.net.genesis, CLAIM_SIGNATURE, "another certificate");
	memfile_done(&bad);
	repack_sign(&r, "Provider", w.order, released + 1, w.net.package_key, buf_view(&w.net.package_cert));
	repack_write(&r, &bad);
	refused(&bad, w.net.genesis, CLAIM_SIGNATURE, "another time");
	memfile_done(&bad);
	resign(&r);
	repack_file(&r, NAME_BAG_INFO)->p[30] ^= 1;
	repack_write(&r, &bad);
	refused(&bad, w.net.genesis, CLAIM_MANIFESTS, "bag-info.txt");
	refused(&bad, w.net.genesis, CLAIM_SIGNATURE, "bag-info.txt");
	memfile_done(&bad);
	/* Signing again changes the signature value alone, and is as good. */
	resign(&r);
	repack_write(&r, &bad);
	assert_true(still_valid(&bad));
	memfile_done(&bad);
	repack_done(&r);
}

/* --- making it ------------------------------------------------------------------------------------------ */

static enum rc
begin(const struct package_input *in, struct err *err)
{
	AUTO(package_free) struct package	*p = NULL;
	struct memfile				 f = MEMFILE_INIT;
	uint8_t					 contents[SHA256_BYTES];
	enum rc					 rc;

	rc = package_begin(in, memfile_write, &f, &p, contents, err);
	memfile_done(&f);
	return rc;
}

/* A source whose every second leaf is damaged. */
static enum rc
damaged_leaf(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const char *part, uint64_t leaf, uint8_t *out,
    size_t *ret_n, struct err *err)
{
	TRY(world_source(user).leaf(user, id, part, leaf, out, ret_n, err));
	out[*ret_n - 1] ^= (uint8_t)(leaf & 1);
	return RC_OK;
}

static enum rc
damaged_hashes(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const char *part, uint64_t first, uint64_t n,
    uint8_t (*out)[TREE_HASH_BYTES], struct err *err)
{
	TRY(world_source(user).hashes(user, id, part, first, n, out, err));
	out[0][0] ^= 1;
	return RC_OK;
}

static void
what_cannot_be_packed(void **state)
{
	AUTO_DONE(case_done) struct evidence_case	 c;
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	struct package_message				 m = { 1, SPAN_STR("message") };
	struct package_input				 in, bad;
	struct span					 shortest = SPAN_STR("no salt");

	(void)state;
	world_case(&w, 4, &c);
	assert_int_equal(case_check_past(&c, w.net.genesis, w.order, NULL, &k, NULL), RC_OK);
	in = (struct package_input){ .evidence = &c, .checked = k, .keys = SPAN_STR("keys"),
	    .source = world_source(&w) };
	assert_int_equal(begin(&in, NULL), RC_OK);
	bad = in;
	bad.keys.n = 0;
	assert_int_equal(begin(&bad, NULL), RC_USAGE);
	bad = in;
	bad.message = &m;
	bad.n_messages = 1;
	assert_int_equal(begin(&bad, NULL), RC_USAGE);
	bad = in;
	bad.source.leaf = damaged_leaf;
	assert_int_equal(begin(&bad, NULL), RC_VERIFY);
	bad = in;
	bad.source.hashes = damaged_hashes;
	assert_int_equal(begin(&bad, NULL), RC_VERIFY);
	bad = in;
	bad.erasable = &shortest;
	bad.n_erasables = 1;
	assert_int_equal(begin(&bad, NULL), RC_LIMIT);
}

static void
what_cannot_be_finished(void **state)
{
	struct world					 other;
	AUTO_DONE(case_done) struct evidence_case	 c, final;
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	AUTO(package_free) struct package		*p = NULL;
	struct memfile					 f = MEMFILE_INIT;
	struct package_input				 in;
	uint8_t						 contents[SHA256_BYTES], wrong[SHA256_BYTES] = { 1 };
	uint64_t					 size;
	struct span					 cert;

	(void)state;
	world_up(&other, "standard");
	cert = buf_view(&other.net.package_cert);
	world_case(&other, 4, &c);
	assert_int_equal(case_check_past(&c, other.net.genesis, other.order, NULL, &k, NULL), RC_OK);
	in = (struct package_input){ .evidence = &c, .checked = k, .keys = SPAN_STR("keys"),
	    .source = world_source(&other) };
	assert_int_equal(package_begin(&in, memfile_write, &f, &p, contents, NULL), RC_OK);
	/* The release is not there yet; it names other contents; the key is another's. */
	assert_int_equal(package_finish(p, &c, WORLD_SEAL(other.net.package_key, cert), &size, NULL), RC_USAGE);
	assert_true(world_release(&other, wrong));
	world_case(&other, 4, &final);
	assert_int_equal(package_finish(p, &final, WORLD_SEAL(other.net.package_key, cert), &size, NULL), RC_USAGE);
	assert_int_equal(package_finish(p, &final, WORLD_SEAL(other.net.worker_key, buf_view(&other.net.worker)), &size,
	    NULL), RC_USAGE);
	memfile_done(&f);
	world_down(&other);
}

static void
allocations_that_fail(void **state)
{
	struct package_report	r;
	struct opened		o;
	unsigned long		n;
	enum rc			rc;

	(void)state;
	/* What fails in the replay, test_case shows one by one: here every 37th will do. */
	for (n = 1;; n += n < 100 ? 1 : 37) {
		fault_at(n);
		rc = package_verify(memfile_read, &good, good.b.n, WORLD_TRUST(w.net.genesis, w.net.now), &r, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 100);
	assert_int_equal(r.verdict, PACKAGE_VALID);
	/* What comes after the verification. */
	for (n = n - 74;; n++) {
		fault_at(n);
		rc = open_with(&w, &good, w.net.recipient_key, &w.net.recipient, &o);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
}

static void
no_byte_of_a_signature_is_free(void **state)
{
	struct span	cert = buf_view(&w.net.package_cert);
	struct buf	p7s = BUF_INIT(CADES_BYTES_MAX);

	(void)state;
	assert_int_equal(cades_sign(w.net.package_key, cert, SPAN_STR("content"), NET_START, &p7s, NULL),
	    RC_OK);
	for (size_t i = 0; i < p7s.n; i++)
		for (int bit = 0; bit < 8; bit++) {
			p7s.p[i] = (uint8_t)(p7s.p[i] ^ 1 << bit);
			assert_int_not_equal(cades_verify(cert, SPAN_STR("content"), NET_START, buf_view(&p7s),
			    NULL, NULL), RC_OK);
			p7s.p[i] = (uint8_t)(p7s.p[i] ^ 1 << bit);
		}
	for (size_t n = 0; n < p7s.n; n++) {
		uint8_t	*cut = heap_copy(p7s.p, n);

		assert_int_not_equal(cades_verify(cert, SPAN_STR("content"), NET_START, SPAN(cut, n), NULL, NULL),
		    RC_OK);
		free(cut);
	}
	buf_u8(&p7s, 0);
	assert_int_not_equal(cades_verify(cert, SPAN_STR("content"), NET_START, buf_view(&p7s), NULL, NULL), RC_OK);
	buf_done(&p7s);
}

static void
signing_without_memory(void **state)
{
	struct span	cert = buf_view(&w.net.package_cert);
	struct buf	p7s = BUF_INIT(CADES_BYTES_MAX);
	unsigned long	n;
	enum rc		rc;

	(void)state;
	for (n = 1;; n++) {
		buf_done(&p7s);
		fault_at(n);
		rc = cades_sign(w.net.package_key, cert, SPAN_STR("content"), NET_START, &p7s, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 20);
	for (n = 1;; n++) {
		fault_at(n);
		rc = cades_verify(cert, SPAN_STR("content"), NET_START, buf_view(&p7s), NULL, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_int_equal(cades_verify(cert, SPAN_STR("Content"), NET_START, buf_view(&p7s), NULL, NULL), RC_FORMAT);
	/* A century later signing-time has another form. */
	buf_reset(&p7s);
	assert_int_equal(cades_sign(w.net.package_key, cert, SPAN_STR("content"), NET_START + 3000000000, &p7s,
	    NULL), RC_OK);
	assert_int_equal(cades_sign(w.net.worker_key, cert, SPAN_STR("content"), NET_START, &p7s, NULL),
	    RC_USAGE);
	assert_int_equal(cades_sign(w.net.recipient_key, buf_view(&w.net.recipient), SPAN_STR("content"),
	    NET_START, &p7s, NULL), RC_FORMAT);
	buf_done(&p7s);
}

/* --- other programs --------------------------------------------------------------------------------------- */

static const char *
schema(void)
{
	static char	path[512];
	const char	*at = getenv("QUORATE_VECTORS");

	snprintf(path, sizeof(path), "%s/package/en_31916201v010101.xsd",
	    at == NULL ? "../shared/vectors" : at);
	return access(path, R_OK) == 0 ? path : NULL;
}

static void
run(const char *folder, const char *command)
{
	char	all[1536];

	assert_true(snprintf(all, sizeof(all), "cd %s && %s >/dev/null 2>log || { cat log; false; }", folder,
	    command) < (int)sizeof(all));
	if (!tool_ok(all))
		fail_msg("%s", command);
}

static void
other_programs_accept_it(void **state)
{
	char		folder[] = "/tmp/quorate-package-XXXXXX", path[64], command[1024], here[512];
	struct memfile	cert = MEMFILE_INIT;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/p.asice", folder);
	memfile_save(&good, path);
	buf_span(&cert.b, buf_view(&w.net.package_cert));
	snprintf(path, sizeof(path), "%s/package.der", folder);
	memfile_save(&cert, path);
	memfile_done(&cert);
	if (tool_here("unzip")) {
		run(folder, "unzip -tqq p.asice && unzip -qq p.asice -d bag");
		run(folder, "cd bag && sha256sum --strict -c manifest-sha256.txt");
		run(folder, "cd bag && sha256sum --strict -c tagmanifest-sha256.txt");
		run(folder, "test \"$(cat bag/mimetype)\" = application/vnd.etsi.asic-e+zip");
		if (tool_here("openssl")) {
			run(folder, "openssl x509 -inform DER -in package.der -out package.pem");
			run(folder, "openssl cms -verify -cades -purpose any -partial_chain -CAfile package.pem "
			    "-binary -inform DER -in bag/META-INF/signature001.p7s "
			    "-content bag/META-INF/ASiCManifest001.xml -out /dev/null");
			run(folder, "! openssl cms -verify -cades -purpose any -partial_chain -CAfile package.pem "
			    "-binary -inform DER -in bag/META-INF/signature001.p7s "
			    "-content bag/README.txt -out /dev/null");
		}
		if (tool_here("xmllint") && schema() != NULL && getcwd(here, sizeof(here)) != NULL) {
			snprintf(command, sizeof(command), "xmllint --nonet --noout --schema %s%s%s "
			    "bag/META-INF/ASiCManifest001.xml", schema()[0] == '/' ? "" : here,
			    schema()[0] == '/' ? "" : "/", schema());
			run(folder, command);
		} else
			printf("skipped: the ASiC schema or xmllint is not here\n");
	}
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_true(tool_ok(command));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_package),
		cmocka_unit_test(without_a_charter_to_trust),
		cmocka_unit_test(with_another_charter),
		cmocka_unit_test(from_the_future),
		cmocka_unit_test(reports),
		cmocka_unit_test(coloured),
		cmocka_unit_test(it_opens),
		cmocka_unit_test(an_invalid_one_does_not_open),
		cmocka_unit_test(released_to_the_recipient),
		cmocka_unit_test(released_twice),
		cmocka_unit_test(any_byte_changed_is_refused),
		cmocka_unit_test(any_content_changed_is_refused),
		cmocka_unit_test(manifests_made_again_do_not_help),
		cmocka_unit_test(no_byte_may_be_missing_or_added),
		cmocka_unit_test(files_moved_dropped_and_added),
		cmocka_unit_test(nothing_after_the_signature),
		cmocka_unit_test(dishonest_coordinators),
		cmocka_unit_test(signatures),
		cmocka_unit_test(what_cannot_be_packed),
		cmocka_unit_test(what_cannot_be_finished),
		cmocka_unit_test(allocations_that_fail),
		cmocka_unit_test(no_byte_of_a_signature_is_free),
		cmocka_unit_test(signing_without_memory),
		cmocka_unit_test(other_programs_accept_it),
	};

	return cmocka_run_group_tests(tests, up, down);
}

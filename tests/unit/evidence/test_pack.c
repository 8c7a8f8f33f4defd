/* What is packed: the order of files, anchors, seals, and what a builder refuses to put in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/tlog_policy.h"
#include "evidence/cades.h"
#include "evidence/package_view.h"
#include "evidence/verify.h"
#include "policy/witness.h"
#include "tests/unit/evidence/forge.h"
#include "tests/unit/evidence/repack.h"
#include "tests/unit/evidence/world.h"
#include "tests/unit/fault.h"

static struct world	w;		/* with anchors */
static struct memfile	good;		/* a package of it */

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

static struct package_report
verify(struct memfile *f)
{
	struct package_report	r;
	struct buf		text = BUF_INIT(65536);
	struct err		err;

	if (package_verify(memfile_read, f, f->b.n, WORLD_TRUST(w.net.genesis, w.net.now), &r, &err) != RC_OK)
		fail_msg("%s", err.msg);
	if (r.verdict != PACKAGE_VALID) {
		package_report_text(&r, false, &text);
		print_message("%s", buf_text(&text));
	}
	buf_done(&text);
	return r;
}

/* --- order ------------------------------------------------------------------------------ */

/* Artifacts have random names: a prefix stands for each file. */
static void
the_order_of_files(void **state)
{
	static const char *const	order[] = {
		"mimetype", "data/charter.json", "data/scope", "data/recipient.cer", "data/keys.p7m",
		"data/entries/000000000000.leaf", "data/entries/", "data/erasable/", "data/artifacts/",
		"data/anchors/000000000002/checkpoint", "data/anchors/000000000002/token.tst",
		"data/anchors/000000000002/certificate-1.cer", "data/anchors/000000000002/crl-1.crl",
		"data/anchors/000000000002/000000000001.tlog-proof", "data/anchors/000000000003/checkpoint",
		"data/anchors/000000000003/token.tst", "data/anchors/000000000003/certificate-1.cer",
		"data/anchors/000000000003/crl-1.crl", "data/anchors/000000000003/000000000001.tlog-proof",
		"data/custody.jsonld", "data/custody-prov.json", "data/summary.html", "bagit.txt", "bag-info.txt",
		"manifest-sha256.txt", "checkpoint", "witnesses.tlog-policy", "proofs/", "release.leaf",
		"README.txt", "tagmanifest-sha256.txt", "META-INF/ASiCManifest001.xml",
		"META-INF/signature001.p7s",
	};
	size_t		n = sizeof(order) / sizeof(order[0]), i = 0;
	struct repack	r;

	(void)state;
	repack_open(&r, &good);
	for (size_t f = 0; f < r.n; f++) {
		/* The next one, or one more of a folder. */
		if (i < n && strncmp(r.name[f], order[i], strlen(order[i])) == 0)
			i++;
		else if (i == 0 || order[i - 1][strlen(order[i - 1]) - 1] != '/' ||
		    strncmp(r.name[f], order[i - 1], strlen(order[i - 1])) != 0)
			fail_msg("%s stands after %s", r.name[f], i == 0 ? "nothing" : order[i - 1]);
	}
	assert_int_equal(i, n);
	repack_done(&r);
	assert_int_equal(verify(&good).verdict, PACKAGE_VALID);
}

/* Everything at once, in the other mode: anchors, level LT, an archive. */
static void
to_the_recipient(void **state)
{
	static struct world	direct;
	struct package_report	r;
	struct memfile		f;

	(void)state;
	world_up_anchored(&direct, "direct");
	direct.seal = (struct package_seal){ .stamp = world_stamp, .user = &direct, .archive = true };
	assert_true(world_package(&direct, &f));
	assert_int_equal(package_verify(memfile_read, &f, f.b.n, WORLD_TRUST(direct.net.genesis, direct.net.now), &r,
	    NULL), RC_OK);
	assert_int_equal(r.verdict, PACKAGE_VALID);
	for (size_t i = 0; i < CLAIMS; i++)
		assert_int_equal(r.claim[i].verdict, i == CLAIM_KEYS ? CLAIM_UNKNOWN : CLAIM_YES);
	memfile_done(&f);
	world_down(&direct);
}

static void
witnesses(void **state)
{
	struct repack		r;
	struct tlog_policy	p;
	struct note_cosigned	by;
	struct checkpoint	c;

	(void)state;
	repack_open(&r, &good);
	assert_int_equal(tlog_policy_parse(buf_view(repack_file(&r, NAME_WITNESSES)), &p, NULL), RC_OK);
	assert_int_equal(p.n_witnesses, NET_N);
	/* Enough to check the checkpoint by, and the notes of the anchors. */
	assert_int_equal(tlog_policy_verify(&p, buf_view(repack_file(&r, NAME_CHECKPOINT)), &c, &by, NULL), RC_OK);
	assert_int_equal(tlog_policy_verify(&p, buf_view(repack_file(&r, "data/anchors/000000000003/checkpoint")), &c,
	    &by, NULL), RC_OK);
	repack_done(&r);
}

/* --- anchors ------------------------------------------------------------------------------ */

/* What a builder is given: a case, checked, and the anchors of the world. */
struct build {
	struct evidence_case	 c;
	struct checked_case	*k;
	struct package_anchor	 anchor[PACKAGE_ANCHORS_MAX + 1];
	struct package_anchored	 batch[2];
	struct package_input	 in;
};

static void
build_up(struct build *b, struct world *from)
{
	struct err	err;

	memset(b, 0, sizeof(*b));
	world_case(from, 4, &b->c);
	if (case_check_past(&b->c, from->net.genesis, from->order, NULL, &b->k, &err) != RC_OK)
		fail_msg("%s", err.msg);
	b->in = (struct package_input){ .evidence = &b->c, .checked = b->k, .keys = SPAN_STR("keys"),
	    .anchor = b->anchor, .source = world_source(from) };
	b->in.n_anchors = world_anchors(from, b->anchor);
	b->batch[0] = b->batch[1] = b->anchor[0].batch[0];
}

static void
build_down(struct build *b)
{
	checked_case_free(b->k);
	case_done(&b->c);
}

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

static void an_entry_that_is_none(struct build *b) { b->anchor[0].index = 1; }
static void an_entry_that_is_not_here(struct build *b) { b->anchor[1].index = 4000; }
static void of_another_entry(struct build *b) { b->anchor[0].archive = b->anchor[1].archive; }
static void out_of_order(struct build *b) { b->anchor[1] = b->anchor[0]; }
static void left_out(struct build *b) { b->in.n_anchors = 1; }
static void all_left_out(struct build *b) { b->in.n_anchors = 0; }
static void too_many(struct build *b) { b->in.n_anchors = PACKAGE_ANCHORS_MAX + 1; }
static void dates_nothing(struct build *b) { b->anchor[0].n = 0; }

static void
a_batch_twice(struct build *b)
{
	b->anchor[0].batch = b->batch;
	b->anchor[0].n = 2;
}

static void
no_batch(struct build *b)
{
	b->batch[0].batch = 0;
	b->anchor[0].batch = b->batch;
}

static void
no_entry(struct build *b)
{
	b->batch[0].batch = 4000;
	b->anchor[0].batch = b->batch;
}

static void
another_path(struct build *b)
{
	b->batch[0].path.hash[0][0] ^= 1;
	b->anchor[0].batch = b->batch;
}

/* As it is under the other's note. */
static void
path_of_another_note(struct build *b)
{
	b->anchor[0].batch = b->anchor[1].batch;
}

static void
too_many_proofs(struct build *b)
{
	b->anchor[0].n = PACKAGE_ANCHORED_MAX + 1;
}

static void
anchors_that_are_not_packed(void **state)
{
	static const struct {
		const char	*what;
		void		(*change)(struct build *b);
		enum rc		 rc;
		const char	*words;
	} row[] = {
		{ "an entry that is none", an_entry_that_is_none, RC_USAGE, "no anchor in force" },
		{ "an entry that is not here", an_entry_that_is_not_here, RC_USAGE, "no anchor in force" },
		{ "of another entry", of_another_entry, RC_USAGE, "not what anchor entry" },
		{ "out of order", out_of_order, RC_USAGE, "anchors out of order" },
		{ "left out", left_out, RC_USAGE, "2 anchor entries in the case, 1 to pack" },
		{ "all left out", all_left_out, RC_USAGE, "to pack" },
		{ "too many", too_many, RC_LIMIT, "more than 64 anchors" },
		{ "dates nothing", dates_nothing, RC_USAGE, "dates nothing" },
		{ "a batch twice", a_batch_twice, RC_USAGE, "out of order" },
		{ "no batch", no_batch, RC_USAGE, "no batch of the scope" },
		{ "no entry", no_entry, RC_USAGE, "no batch of the scope" },
		{ "another path", another_path, RC_VERIFY, "anchor entry 2" },
		{ "path of another note", path_of_another_note, RC_VERIFY, "anchor entry 2" },
		{ "too many proofs", too_many_proofs, RC_LIMIT, "proofs under anchors" },
	};
	struct build	b;
	struct err	err;

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		build_up(&b, &w);
		assert_int_equal(begin(&b.in, &err), RC_OK);
		row[i].change(&b);
		assert_int_equal(begin(&b.in, &err), row[i].rc);
		if (strstr(err.msg, row[i].words) == NULL)
			fail_msg("%s: %s", row[i].what, err.msg);
		build_down(&b);
	}
}

static void
a_third_anchor(struct world *world, enum world_step at)
{
	if (at == WORLD_SEALED) {
		world_anchor(world, 0);
		world_anchor(world, 1);
	}
	if (at == WORLD_ORDERED)
		world_anchor(world, 0);
}

static void
one_anchor_of_each_authority(void **state)
{
	struct world	other;
	struct build	b;
	struct err	err;

	(void)state;
	world_found_anchored(&other);
	world_run(&other, "standard", a_third_anchor);
	build_up(&b, &other);
	assert_int_equal(b.in.n_anchors, 3);
	assert_int_equal(begin(&b.in, &err), RC_USAGE);
	assert_non_null(strstr(err.msg, "two anchors of first"));
	build_down(&b);
	world_down(&other);
}

/* --- what a reader makes of them ------------------------------------------------------------ */

static void
drop(struct repack *r, const char *name)
{
	repack_drop(r, repack_starting(r, name));
}

static void no_note(struct repack *r) { drop(r, "data/anchors/000000000002/checkpoint"); }
static void no_token(struct repack *r) { drop(r, "data/anchors/000000000002/token.tst"); }
static void no_proof(struct repack *r) { drop(r, "data/anchors/000000000002/000000000001.tlog-proof"); }
static void no_custody(struct repack *r) { drop(r, NAME_CUSTODY); }
static void no_prov(struct repack *r) { drop(r, NAME_CUSTODY_PROV); }
static void no_witnesses(struct repack *r) { drop(r, NAME_WITNESSES); }

static void
a_gap_in_the_certificates(struct repack *r)
{
	strcpy(r->name[repack_starting(r, "data/anchors/000000000002/certificate-1.cer")],
	    "data/anchors/000000000002/certificate-2.cer");
}

static void
no_bytes_in_a_certificate(struct repack *r)
{
	buf_reset(repack_file(r, "data/anchors/000000000002/certificate-1.cer"));
}

static void
a_ninth_certificate(struct repack *r)
{
	size_t	i = repack_starting(r, "data/anchors/000000000002/certificate-1.cer") + 1;
	char	name[64];

	for (int n = 2; n <= 9; n++) {
		snprintf(name, sizeof(name), "data/anchors/000000000002/certificate-%d.cer", n);
		repack_insert(r, i++, name, SPAN_STR("certificate"));
	}
}

static void
proof_under_another_note(struct repack *r)
{
	struct buf	*b = repack_file(r, "data/anchors/000000000002/000000000001.tlog-proof");

	buf_reset(b);
	buf_span(b, buf_view(repack_file(r, "data/anchors/000000000003/000000000001.tlog-proof")));
}

static void
proof_of_another_batch(struct repack *r)
{
	strcpy(r->name[repack_starting(r, "data/anchors/000000000002/000000000001.tlog-proof")],
	    "data/anchors/000000000002/000000000004.tlog-proof");
}

static void
move(struct repack *r, size_t from, size_t to)
{
	struct buf	b = r->content[from];
	package_name	name;

	memcpy(name, r->name[from], sizeof(name));
	r->content[from] = BUF_INIT(0);
	repack_drop(r, from);
	repack_insert(r, to, name, buf_view(&b));
	buf_done(&b);
}

static void
anchors_in_another_order(struct repack *r)
{
	size_t	from = repack_starting(r, "data/anchors/000000000002/"), to = repack_starting(r, NAME_CUSTODY) - 1;

	for (int i = 0; i < 5; i++)
		move(r, from, to);
}

static void
a_strange_file(struct repack *r)
{
	repack_insert(r, repack_starting(r, "data/anchors/000000000003/000000000001.tlog-proof") + 1,
	    "data/anchors/000000000003/notes.txt", SPAN_STR("notes"));
}

static void
not_in_the_order_of_files(void **state)
{
	static const struct {
		const char	*what;
		void		(*change)(struct repack *r);
		const char	*words;
	} row[] = {
		{ "no note", no_note, "/token.tst is where" },
		{ "no token", no_token, "/certificate-1.cer is where" },
		{ "no proof", no_proof, "dates no batch" },
		{ "no custody document", no_custody, "is where data/custody.jsonld should be" },
		{ "no PROV document", no_prov, "is where data/custody-prov.json should be" },
		{ "no policy of witnesses", no_witnesses, "is where witnesses.tlog-policy should be" },
		{ "a gap in the certificates", a_gap_in_the_certificates, "should be" },
		{ "no bytes in a certificate", no_bytes_in_a_certificate, "anchor: malformed" },
		{ "a ninth certificate", a_ninth_certificate, "certificate-9.cer is where" },
		{ "a proof under another note", proof_under_another_note, "of another entry or checkpoint" },
		{ "a proof of another batch", proof_of_another_batch, "of another entry or checkpoint" },
		{ "anchors in another order", anchors_in_another_order, "anchors out of order" },
		{ "a strange file", a_strange_file, "notes.txt: out of order" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct package_view	v;
		struct memfile		bad;
		struct repack		r;
		struct err		err = { .rc = RC_OK };

		repack_open(&r, &good);
		row[i].change(&r);
		repack_write(&r, &bad);
		assert_int_equal(view_walk(memfile_read, &bad, bad.b.n, &v, &err), RC_FORMAT);
		if (strstr(err.msg, row[i].words) == NULL)
			fail_msg("%s: %s", row[i].what, err.msg);
		view_done(&v);
		memfile_done(&bad);
		repack_done(&r);
	}
}

/* A case with more than it may have; and it is not written without them. */
static void
archives_of_a_case(void **state)
{
	static struct span	many[CASE_ARCHIVES_MAX + 1];
	struct buf		out = BUF_INIT(CASE_BYTES_MAX);
	struct checked_case	*k = NULL;
	struct build		 b;

	(void)state;
	build_up(&b, &w);
	assert_int_equal(b.c.n_archives, 2);
	assert_int_equal(case_write(&b.c, &out, NULL), RC_USAGE);
	assert_int_equal(out.n, 0);
	for (size_t i = 0; i <= CASE_ARCHIVES_MAX; i++)
		many[i] = b.c.archive[i % 2];
	b.c.archive = many;
	b.c.n_archives = CASE_ARCHIVES_MAX + 1;
	assert_int_equal(case_check_past(&b.c, w.net.genesis, w.order, NULL, &k, NULL), RC_LIMIT);
	/* Without them the anchors cannot be replayed. */
	b.c.n_archives = 1;
	assert_int_equal(case_check_past(&b.c, w.net.genesis, w.order, NULL, &k, NULL), RC_MISSING);
	build_down(&b);
	buf_done(&out);
}

/* A coordinator that tells another story: everything else follows it. */
static void
another_story(void **state)
{
	static const char *const	name[] = { NAME_SUMMARY, NAME_CUSTODY, NAME_CUSTODY_PROV, NAME_WITNESSES };
	struct package_report		r;
	struct err			err;

	(void)state;
	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		static struct world	other;
		struct memfile		f, bad;
		struct repack		p;
		struct buf		*b;

		world_up_anchored(&other, "standard");
		assert_true(world_package(&other, &f));
		repack_open(&p, &f);
		b = repack_file(&p, name[i]);
		b->p[b->n / 2] ^= 1;
		/* A second release of an order is void: no claim but its own builds on that. */
		forge_finish(&p, &other, &(struct forging){ .own_custody = true });
		repack_write(&p, &bad);
		assert_int_equal(package_verify(memfile_read, &bad, bad.b.n,
		    WORLD_TRUST(other.net.genesis, other.net.now), &r, &err), RC_OK);
		assert_int_equal(r.claim[CLAIM_MANIFESTS].verdict, CLAIM_YES);
		assert_int_equal(r.claim[CLAIM_CUSTODY].verdict, CLAIM_NO);
		assert_non_null(strstr(r.claim[CLAIM_CUSTODY].words, name[i]));
		repack_done(&p);
		memfile_done(&f);
		memfile_done(&bad);
		world_down(&other);
	}
}

/* --- seals ------------------------------------------------------------------------------- */

struct stamping {
	unsigned	 calls, missing_from;	/* none can be had from this call on; 0: never */
	unsigned	 wrong_at;		/* this call gets a wrong one */
	enum { OF_ANOTHER, BY_A_STRANGER, OF_NOTHING, TOO_OLD, A_BIT_OLD, TOO_NEW, TOO_LONG, NOT_EXACT, NO_ANSWER } wrong;
	struct world	*stranger;
};

static void
token_at(const uint8_t imprint[SHA256_BYTES], when time, struct buf *token)
{
	when	now = w.net.now;

	w.net.now = time;
	world_token(&w, 0, imprint, token);
	w.net.now = now;
}

/* A good one, and beside its certificates one that nobody there issued. */
static void
token_with(const uint8_t imprint[SHA256_BYTES], struct span certificate, struct buf *token)
{
	struct buf	bare = BUF_INIT(CADES_TOKEN_MAX);

	world_token(&w, 0, imprint, &bare);
	assert_int_equal(timestamp_embed(buf_view(&bare), &certificate, 1, NULL, 0, token, NULL), RC_OK);
	buf_done(&bare);
}

static enum rc
stamp(void *user, const uint8_t imprint[SHA256_BYTES], struct buf *token, struct err *err)
{
	struct stamping	*s = user;
	uint8_t		 other[SHA256_BYTES] = { 7 };

	s->calls++;
	if (s->missing_from > 0 && s->calls >= s->missing_from)
		return err_set(err, RC_MISSING, "nobody answers");
	if (s->calls != s->wrong_at)
		world_token(&w, s->calls % 2, imprint, token);
	else if (s->wrong == OF_ANOTHER)
		world_token(&w, 0, other, token);
	else if (s->wrong == BY_A_STRANGER)
		world_token(s->stranger, 0, imprint, token);
	else if (s->wrong == OF_NOTHING)
		buf_span(token, SPAN_STR("token"));
	else if (s->wrong == TOO_OLD)
		token_at(imprint, w.net.now - 301, token);
	else if (s->wrong == A_BIT_OLD)
		token_at(imprint, w.net.now - 1, token);
	else if (s->wrong == TOO_NEW)
		token_at(imprint, w.net.now + 301, token);
	else if (s->wrong == NOT_EXACT)
		token_with(imprint, tsa_cert(&s->stranger->tsa[1]), token);
	else if (s->wrong == TOO_LONG)
		(void)buf_extend(token, CADES_TOKEN_MAX + 1);
	else
		return err_set(err, RC_IO, "the wire is cut");
	return RC_OK;
}

/* Begin, log the release, finish: with this seal. What package_finish() says of time-stamps: */
static unsigned	stamps;
static char	unstamped[192];

static enum rc
pack(struct world *world, struct package_seal seal, struct memfile *ret, struct err *err)
{
	AUTO(package_free) struct package	*p = NULL;
	struct build				 b;
	AUTO_DONE(case_done) struct evidence_case final = CASE_INIT;
	uint8_t					 contents[SHA256_BYTES];
	uint64_t				 size;

	build_up(&b, world);
	*ret = MEMFILE_INIT;
	assert_int_equal(package_begin(&b.in, memfile_write, ret, &p, contents, err), RC_OK);
	build_down(&b);
	(void)world_release(world, contents);
	world_case(world, 4, &final);
	seal.key = world->net.package_key;
	seal.certificate = buf_view(&world->net.package_cert);
	TRY(package_finish(p, &final, &seal, &size, err));
	stamps = package_stamps(p);
	snprintf(unstamped, sizeof(unstamped), "%s", package_unstamped(p));
	return RC_OK;
}

static void
seals(void **state)
{
	static const struct {
		unsigned	missing_from;
		bool		stamps, archive;
		bool		token, lists;
		uint32_t	archives;
		unsigned	calls;
	} row[] = {
		{ 0, false, false, false, false, 0, 0 },	/* B */
		{ 0, true, false, true, false, 0, 1 },		/* T */
		{ 0, true, true, true, true, 1, 2 },		/* LT, and an archive */
		{ 1, true, false, false, false, 0, 1 },		/* nobody answers: B */
		{ 1, true, true, false, false, 0, 1 },		/* and nobody is asked twice */
		{ 2, true, true, true, true, 0, 2 },		/* not for the archive */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct stamping		s = { .missing_from = row[i].missing_from };
		struct cades_added	added;
		struct package_view	v;
		struct memfile		f;
		struct err		err;
		when			released;

		if (pack(&w, (struct package_seal){ .stamp = row[i].stamps ? stamp : NULL, .user = &s,
		    .archive = row[i].archive }, &f, &err) != RC_OK)
			fail_msg("%zu: %s", i, err.msg);
		assert_int_equal(s.calls, row[i].calls);
		assert_int_equal(stamps, row[i].token + row[i].archives);
		assert_int_equal(unstamped[0] == '\0', row[i].missing_from == 0);
		released = w.net.now;
		assert_int_equal(view_walk(memfile_read, &f, f.b.n, &v, NULL), RC_OK);
		assert_int_equal(cades_verify(buf_view(&w.net.package_cert), buf_view(&v.asic_manifest), released,
		    buf_view(&v.signature), &added, NULL), RC_OK);
		assert_int_equal(added.token.n > 0, row[i].token);
		assert_int_equal(added.n_certificates > 0, row[i].lists);
		assert_int_equal(v.n_archives, row[i].archives);
		view_done(&v);
		memfile_done(&f);
	}
}

static void
archives_in_another_order(void **state)
{
	struct stamping		s = { .calls = 0 };
	struct package_view	v;
	struct memfile		f, bad;
	struct repack		r;
	struct err		err;
	size_t			at;

	(void)state;
	assert_int_equal(pack(&w, (struct package_seal){ .stamp = stamp, .user = &s, .archive = true }, &f, &err), RC_OK);
	for (int i = 0; i < 4; i++) {
		repack_open(&r, &f);
		at = repack_starting(&r, NAME_ARCHIVES);
		assert_int_equal(at, r.n - 2);
		if (i == 0)			/* 002 where 001 should be */
			strcpy(r.name[at], NAME_ARCHIVES "002.xml");
		else if (i == 1)		/* a manifest that nobody stamped */
			repack_drop(&r, at + 1);
		else if (i == 2)		/* a token without what it is over */
			repack_drop(&r, at);
		else				/* the token of another */
			strcpy(r.name[at + 1], "META-INF/timestamp002.tst");
		repack_write(&r, &bad);
		assert_int_equal(view_walk(memfile_read, &bad, bad.b.n, &v, &err), RC_FORMAT);
		view_done(&v);
		memfile_done(&bad);
		repack_done(&r);
	}
	memfile_done(&f);
}

static void
seals_that_are_refused(void **state)
{
	static struct world	stranger;
	static const struct { unsigned at; int wrong; enum rc rc; const char *words; } row[] = {
		{ 1, OF_ANOTHER, RC_OK, "over something else" }, { 1, BY_A_STRANGER, RC_OK, "not to be trusted" },
		{ 1, OF_NOTHING, RC_OK, "time-stamp" }, { 1, TOO_OLD, RC_OK, "before what it stamps" },
		{ 1, TOO_NEW, RC_OK, "in the future" }, { 1, NOT_EXACT, RC_OK, "signed by nobody" },
		{ 2, NOT_EXACT, RC_OK, "signed by nobody" }, { 1, TOO_LONG, RC_LIMIT, "" }, { 1, NO_ANSWER, RC_IO, "" },
		{ 2, OF_ANOTHER, RC_OK, "over something else" }, { 2, BY_A_STRANGER, RC_OK, "not to be trusted" },
		{ 2, TOO_OLD, RC_OK, "before what it stamps" }, { 2, A_BIT_OLD, RC_OK, "before what it stamps" },
		{ 2, TOO_NEW, RC_OK, "in the future" }, { 2, NO_ANSWER, RC_IO, "" },
	};
	static const struct span	lists[CADES_LISTS_MAX + 1];
	struct cades_added		added;
	struct package_view		v;
	struct memfile			f;
	struct stamping			s;
	struct err			err;

	(void)state;
	world_found_anchored(&stranger);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		s = (struct stamping){ .wrong_at = row[i].at, .stranger = &stranger };
		s.wrong = (unsigned)row[i].wrong;
		if (pack(&w, (struct package_seal){ .stamp = stamp, .user = &s, .archive = true,
		    .now = w.net.now }, &f, &err) != row[i].rc)
			fail_msg("%zu: %s: %s", i, rc_name(err.rc), err.msg);
		assert_int_equal(s.calls, row[i].at);
		if (row[i].rc == RC_OK) {
			if (strstr(unstamped, row[i].words) == NULL)
				fail_msg("%zu: %s", i, unstamped);
			assert_int_equal(stamps, row[i].at - 1);
			assert_int_equal(view_walk(memfile_read, &f, f.b.n, &v, NULL), RC_OK);
			assert_int_equal(cades_verify(buf_view(&w.net.package_cert), buf_view(&v.asic_manifest),
			    w.net.now, buf_view(&v.signature), &added, NULL), RC_OK);
			assert_int_equal(added.token.n > 0, stamps > 0);
			assert_int_equal(v.n_archives, 0);
			view_done(&v);
		}
		memfile_done(&f);
	}
	assert_int_equal(pack(&w, (struct package_seal){ .archive = true }, &f, &err), RC_USAGE);
	memfile_done(&f);
	s = (struct stamping){ .calls = 0 };
	assert_int_equal(pack(&w, (struct package_seal){ .stamp = stamp, .user = &s, .crl = lists,
	    .n_crls = CADES_LISTS_MAX + 1 }, &f, &err), RC_USAGE);
	memfile_done(&f);
	net_done(&stranger.net);
	world_tsas_done(&stranger);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_of_files),
		cmocka_unit_test(to_the_recipient),
		cmocka_unit_test(witnesses),
		cmocka_unit_test(anchors_that_are_not_packed),
		cmocka_unit_test(one_anchor_of_each_authority),
		cmocka_unit_test(not_in_the_order_of_files),
		cmocka_unit_test(archives_of_a_case),
		cmocka_unit_test(another_story),
		cmocka_unit_test(seals),
		cmocka_unit_test(archives_in_another_order),
		cmocka_unit_test(seals_that_are_refused),
	};

	return cmocka_run_group_tests(tests, up, down);
}

/*
 * "It refuses", what others say of a package: anchors, time-stamps, custody documents, the
 * policy of witnesses. The coordinator logs what anchors it likes (apply looks at no token), and
 * makes and signs everything else anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/anchor.h"
#include "evidence/cades.h"
#include "tests/unit/evidence/forge.h"

#define BIG	((size_t)1 << 20)
#define HOUR	3600L

static struct world	w;
static struct repack	r;
static struct forging	how;

/* --- an anchor of any kind ------------------------------------------------------------- */

struct anchoring {
	enum forge_tsa	 signer;	/* whose token; the statement says "first" */
	bool		 other_note;	/* the token is over something else */
	long		 later;		/* its time, after now */
	long		 revoked;	/* the serial number that its list has */
	bool		 no_list;
	unsigned	 cosigners;	/* 0: four */
	struct test_key	*by;		/* NULL: the log key */
	uint64_t	 size;		/* that the statement says; 0: the note's */
};

static void
path_of(uint64_t index, uint64_t size, struct tree_path *ret)
{
	uint8_t	(*hash)[TREE_HASH_BYTES] = calloc(size, sizeof(*hash));

	assert_non_null(hash);
	for (size_t i = 0; i < size; i++)
		tree_leaf(buf_view(&w.net.log_entries.leaf[i]), hash[i]);
	assert_int_equal(tree_inclusion_of((const uint8_t (*)[TREE_HASH_BYTES])hash, size, index, ret, NULL), RC_OK);
	free(hash);
}

static void
put_in_folder(uint64_t anchor, const char *what, struct span content)
{
	package_name	name;
	size_t		at = repack_starting(&r, NAME_CUSTODY);

	name_anchor(anchor, what, name);
	repack_insert(&r, at, name, content);
}

/* Its folder, with the proof of the batch. */
static void
put_folder(uint64_t index, const struct anchor *a)
{
	struct tree_path	path;
	struct buf		proof = BUF_INIT(BIG);
	char			name[64];

	put_in_folder(index, "checkpoint", a->note);
	put_in_folder(index, "token.tst", a->token);
	put_in_folder(index, "certificate-1.cer", a->certificate[0]);
	if (a->n_crls > 0)
		put_in_folder(index, "crl-1.crl", a->crl[0]);
	path_of(w.batch, index, &path);
	tlog_proof_write(w.batch, &path, SPAN(NULL, 0), a->note, &proof);
	(void)snprintf(name, sizeof(name), "%012llu.tlog-proof", (unsigned long long)w.batch);
	put_in_folder(index, name, buf_view(&proof));
	buf_done(&proof);
}

/* Log it, effective or not, and put it among the others; its index. */
static uint64_t
anchor(const struct anchoring *as)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX), token = BUF_INIT(BIG), crl = BUF_INIT(BIG);
	struct world_anchor		*a = &w.anchor[w.n_anchors++];
	struct anchor			 parts = { .n_certificates = 1, .n_crls = as->no_list ? 0 : 1 };
	struct statement		 s;
	long				 now = (long)w.net.now - (long)TSA_NOW;

	assert_true(w.n_anchors <= WORLD_ANCHORS);
	world_note(&w, as->cosigners == 0 ? 4 : as->cosigners, w.net.now, &note);
	net_statement(&w.net, &s, STATEMENT_ANCHOR);
	sha256_one(s.subject, as->other_note ? SPAN_STR("another note") : buf_view(&note));
	forge_token(&w, as->signer, s.subject, w.net.now + (when)as->later, &token);
	sha256_one(s.subject, buf_view(&note));
	tsa_crl(forge_tsa_root(&w, as->signer), as->revoked, now - HOUR, -1, now - HOUR, now + 24 * HOUR, &crl);
	parts.note = buf_view(&note);
	parts.token = buf_view(&token);
	parts.certificate[0] = tsa_cert(forge_tsa_root(&w, as->signer));
	parts.crl[0] = buf_view(&crl);
	*a = (struct world_anchor){ .index = w.net.log_entries.n, .archive = BUF_INIT(ANCHOR_BYTES_MAX) };
	assert_int_equal(anchor_write(&parts, &a->archive, NULL), RC_OK);
	assert_int_equal(memstate_blob(w.net.mem, buf_view(&a->archive), NULL), RC_OK);
	sha256_one(s.u.anchor.archive, buf_view(&a->archive));
	s.u.anchor.size = as->size == 0 ? a->index : as->size;
	strcpy(s.u.anchor.tsa, "first");
	(void)net_log(&w.net, &s, as->by == NULL ? &w.net.log : as->by);
	put_folder(a->index, &parts);
	w.net.now += 5;
	return a->index;
}

/* The folder of an anchor goes; forge_entries() leaves its entry out then. */
static void
drop_anchor(size_t i)
{
	package_name	folder;

	name_anchor(w.anchor[i].index, "", folder);
	for (size_t k = 0; k < r.n;)
		if (strncmp(r.name[k], folder, strlen(folder)) == 0)
			repack_drop(&r, k);
		else
			k++;
}

static void
instead(const struct anchoring *as)
{
	drop_anchor(0);
	drop_anchor(1);
	(void)anchor(as);
}

/* --- turns of anchors --------------------------------------------------------------------- */

static void nothing(void) { }
static void a_good_one(void) { instead(&(struct anchoring){ .signer = FIRST }); }
static void without_a_list(void) { instead(&(struct anchoring){ .no_list = true }); }
static void over_another_note(void) { instead(&(struct anchoring){ .other_note = true }); }
static void by_the_second(void) { instead(&(struct anchoring){ .signer = SECOND }); }
static void by_a_stranger(void) { instead(&(struct anchoring){ .signer = STRANGER }); }
static void of_the_future(void) { instead(&(struct anchoring){ .later = HOUR }); }
static void by_who_was_revoked(void) { instead(&(struct anchoring){ .revoked = 2 }); }
static void cosigned_by_three(void) { instead(&(struct anchoring){ .cosigners = 3 }); }
static void logged_by_the_sealer(void) { instead(&(struct anchoring){ .by = &w.net.sealer }); }
static void of_another_size(void) { instead(&(struct anchoring){ .size = 3 }); }
static void twice_by_one(void) { (void)anchor(&(struct anchoring){ .signer = FIRST }); }

static struct buf *
file_of(size_t i, const char *what)
{
	package_name	name;

	name_anchor(w.anchor[i].index, what, name);
	return repack_file(&r, name);
}

static void
exchange(const char *what)
{
	struct buf	*a = file_of(0, what), *b = file_of(1, what), was = *a;

	*a = *b;
	*b = was;
}

static void tokens_exchanged(void) { exchange("token.tst"); }
static void lists_exchanged(void) { exchange("crl-1.crl"); }
static void certificates_exchanged(void) { exchange("certificate-1.cer"); }
static void notes_exchanged(void) { exchange("checkpoint"); }
static void token_changed(void) { file_of(0, "token.tst")->p[60] ^= 1; }

static void
list_left_out(void)
{
	package_name	name;

	name_anchor(w.anchor[0].index, "crl-1.crl", name);
	repack_drop(&r, repack_starting(&r, name));
}

static void
certificate_put_in(void)
{
	package_name	name;

	name_anchor(w.anchor[0].index, "crl-1.crl", name);
	repack_insert(&r, repack_starting(&r, name), "data/anchors/000000000002/certificate-2.cer", tsa_cert(&w.tsa[1]));
}

static void
proof_changed(void)
{
	AUTO_DONE(buf_done) struct buf	proof = BUF_INIT(BIG);
	struct buf			*b = file_of(1, "000000000001.tlog-proof");
	struct tlog_proof		 p;

	assert_int_equal(tlog_proof_parse(buf_view(b), &p, NULL), RC_OK);
	assert_true(p.path.n > 0);
	p.path.hash[0][0] ^= 1;
	tlog_proof_write(1, &p.path, SPAN(NULL, 0), buf_view(file_of(1, "checkpoint")), &proof);
	buf_reset(b);
	buf_span(b, buf_view(&proof));
}

/* An entry that is no batch at all, under a good proof. */
static void
of_no_batch(void)
{
	AUTO_DONE(buf_done) struct buf	proof = BUF_INIT(BIG);
	struct tree_path		path;
	package_name			name;

	path_of(0, w.anchor[1].index, &path);
	tlog_proof_write(0, &path, SPAN(NULL, 0), buf_view(file_of(1, "checkpoint")), &proof);
	name_anchor_proof(w.anchor[1].index, 1, name);
	repack_insert(&r, repack_starting(&r, name), "data/anchors/000000000003/000000000000.tlog-proof", buf_view(&proof));
}

/* A good batch, sealed later than the anchor. */
static void
of_a_later_batch(void)
{
	AUTO_DONE(buf_done) struct buf	proof = BUF_INIT(BIG);
	struct tree_path		path;
	uint64_t			batch = w.net.log_entries.n;
	package_name			name;

	(void)net_seal(&w.net, "lenient");
	path_of(batch, w.net.log_entries.n, &path);
	tlog_proof_write(batch, &path, SPAN(NULL, 0), buf_view(file_of(1, "checkpoint")), &proof);
	name_anchor_proof(w.anchor[1].index, batch, name);
	repack_insert(&r, repack_starting(&r, NAME_CUSTODY), name, buf_view(&proof));
}

static void
no_proof(void)
{
	repack_drop(&r, repack_starting(&r, "data/anchors/000000000003/000000000001.tlog-proof"));
}

static void
out_of_order(void)
{
	size_t	at = repack_starting(&r, "data/anchors/000000000003/");

	for (size_t i = 0; i < 5; i++) {
		size_t		from = repack_starting(&r, "data/anchors/000000000002/");
		package_name	name;
		struct buf	b = r.content[from];

		r.content[from] = BUF_INIT(0);
		memcpy(name, r.name[from], sizeof(name));
		repack_drop(&r, from);
		repack_insert(&r, at + 4, name, buf_view(&b));
		buf_done(&b);
	}
}

/* --- turns of custody and witnesses ----------------------------------------------------------- */

static void
uco_changed(void)
{
	struct buf	*b = repack_file(&r, NAME_CUSTODY);

	how.own_custody = true;
	b->p[b->n / 2] ^= 1;
}

static void
prov_changed(void)
{
	struct buf	*b = repack_file(&r, NAME_CUSTODY_PROV);

	how.own_custody = true;
	b->p[b->n / 2] ^= 1;
}

static void
prov_is_empty(void)
{
	how.own_custody = true;
	forge_file(&r, NAME_CUSTODY_PROV, SPAN_STR("{}"));
}

/* JSON that means the same. */
static void
uco_with_a_space(void)
{
	how.own_custody = true;
	buf_u8(repack_file(&r, NAME_CUSTODY), '\n');
}

static void
summary_changed(void)
{
	struct buf	*b = repack_file(&r, NAME_SUMMARY);

	how.own_custody = true;
	b->p[b->n / 2] ^= 1;
}

static void
witnesses_changed(void)
{
	struct buf	*b = repack_file(&r, NAME_WITNESSES);

	b->p[b->n - 10] ^= 1;
}

/* One cosignature is enough, says the policy. */
static void
a_quorum_of_one(void)
{
	struct buf	*b = repack_file(&r, NAME_WITNESSES), again = BUF_INIT(BIG);
	char		*text = (char *)(uintptr_t)buf_text(b), *at = strstr(text, "\ngroup ");

	assert_non_null(at);
	buf_add(&again, text, (size_t)(at - text));
	while (*at != '\0') {
		if (*at == '4') {
			buf_u8(&again, '1');
			at++;
			buf_span(&again, span_str(at));
			break;
		}
		buf_u8(&again, (uint8_t)*at++);
	}
	forge_file(&r, NAME_WITNESSES, buf_view(&again));
	buf_done(&again);
}

static void no_witnesses(void) { forge_file(&r, NAME_WITNESSES, SPAN_STR("")); }

static const struct turn {
	const char	*what;
	void		(*take)(void);
	enum claim_name	 claim;		/* CLAIMS: it is valid */
} turns[] = {
	{ "nothing", nothing, CLAIMS },
	{ "a good anchor", a_good_one, CLAIMS },
	{ "without a list", without_a_list, CLAIMS },
	{ "a token over another note", over_another_note, CLAIM_SEALED },
	{ "by the second, for the first", by_the_second, CLAIM_SEALED },
	{ "by a stranger", by_a_stranger, CLAIM_SEALED },
	{ "of the future", of_the_future, CLAIM_SEALED },
	{ "by who was revoked", by_who_was_revoked, CLAIM_SEALED },
	{ "cosigned by three", cosigned_by_three, CLAIM_SEALED },
	{ "logged by the sealer", logged_by_the_sealer, CLAIM_SEALED },
	{ "of another size", of_another_size, CLAIM_SEALED },
	{ "twice by one", twice_by_one, CLAIM_SEALED },
	{ "tokens exchanged", tokens_exchanged, CLAIM_ORDER },
	{ "lists exchanged", lists_exchanged, CLAIM_ORDER },
	{ "certificates exchanged", certificates_exchanged, CLAIM_ORDER },
	{ "notes exchanged", notes_exchanged, CLAIM_CONTAINER },
	{ "a token changed", token_changed, CLAIM_ORDER },
	{ "a list left out", list_left_out, CLAIM_ORDER },
	{ "a certificate put in", certificate_put_in, CLAIM_ORDER },
	{ "a proof changed", proof_changed, CLAIM_SEALED },
	{ "of no batch", of_no_batch, CLAIM_SEALED },
	{ "of a later batch", of_a_later_batch, CLAIM_ORDER },
	{ "no proof", no_proof, CLAIM_CONTAINER },
	{ "out of order", out_of_order, CLAIM_CONTAINER },
	{ "CASE changed", uco_changed, CLAIM_CUSTODY },
	{ "CASE with a space", uco_with_a_space, CLAIM_CUSTODY },
	{ "PROV changed", prov_changed, CLAIM_CUSTODY },
	{ "an empty PROV", prov_is_empty, CLAIM_CUSTODY },
	{ "a summary changed", summary_changed, CLAIM_CUSTODY },
	{ "another witness", witnesses_changed, CLAIM_CUSTODY },
	{ "a quorum of one", a_quorum_of_one, CLAIM_CUSTODY },
	{ "no witnesses", no_witnesses, CLAIM_CUSTODY },
};

static void
begin(struct memfile *good)
{
	world_up_anchored(&w, "standard");
	how = (struct forging){ .by = NULL };
	assert_true(world_package(&w, good));
	repack_open(&r, good);
}

static void
end(struct memfile *good)
{
	repack_done(&r);
	memfile_done(good);
	world_down(&w);
}

static void
what_others_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		struct memfile	good, f;

		begin(&good);
		turns[i].take();
		forge_entries(&r, &w);
		forge_finish(&r, &w, &how);
		repack_write(&r, &f);
		forge_judge(&w, &f, turns[i].claim, turns[i].what);
		memfile_done(&f);
		end(&good);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(what_others_say),
	};
	int	rc;

	if (secret_init(NULL) != RC_OK)
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	forge_done();
	return rc;
}

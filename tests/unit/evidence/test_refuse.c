/*
 * "It refuses", against a coordinator: it signs what it likes with its own keys and logs what
 * it likes, custodians cosign the log, and approvals and receipts are those of people and
 * custodians who said something else. The one claim that is wrong says no.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evidence/cades.h"
#include "evidence/cms.h"
#include "tests/unit/evidence/forge.h"

#define BIG	((size_t)1 << 22)

static struct world	w;
static struct repack	r;
static struct forging	how;

/* --- statements of a second request ---------------------------------------------- */

/* For the scope of w, to `recipient`, under `policy`. */
static void
request(const char *policy, const struct buf *recipient, uint8_t ret[SHA256_BYTES])
{
	struct statement	s;

	net_statement(&w.net, &s, STATEMENT_REQUEST);
	sha256_one(s.subject, buf_view(&w.scope));
	strcpy(s.u.request.policy, policy);
	sha256_one(s.u.request.reason, buf_view(&w.reason));
	buf_span(&s.bytes, buf_view(recipient));
	assert_true(net_log(&w.net, &s, &w.net.person[NET_REQUESTER]).effective);
	memcpy(ret, s.id, SHA256_BYTES);
}

static void
approve(const uint8_t id[SHA256_BYTES], enum net_person legal, enum net_person compliance, enum net_person auditor)
{
	(void)net_decide(&w.net, id, legal, true);
	(void)net_decide(&w.net, id, compliance, true);
	(void)net_decide(&w.net, id, auditor, true);
}

/* Logged whether it is void or not: the order that the package will be of. */
static bool
order(const uint8_t req[SHA256_BYTES], const struct buf *addressee)
{
	struct statement	s;
	bool			effective;

	net_statement(&w.net, &s, STATEMENT_ORDER);
	memcpy(s.subject, req, SHA256_BYTES);
	sha256_one(s.u.order.scope, buf_view(&w.scope));
	s.expires = w.net.now + 600;
	buf_span(&s.bytes, buf_view(addressee));
	effective = net_log(&w.net, &s, &w.net.log).effective;
	memcpy(w.order, s.id, SHA256_BYTES);
	w.net.now += 5;
	return effective;
}

static void
receipt(size_t i, struct test_key *by)
{
	struct statement	s;

	net_statement(&w.net, &s, STATEMENT_RECEIPT);
	memcpy(s.subject, w.order, SHA256_BYTES);
	s.u.receipt.custodian = w.answer[i].custodian;
	s.u.receipt.count = 3;
	sha256_one(s.u.receipt.message, buf_view(&w.answer[i].message));
	(void)net_log(&w.net, &s, by == NULL ? &w.net.signing[w.answer[i].custodian - 1] : by);
	memcpy(w.answer[i].receipt_id, s.id, SHA256_BYTES);
}

static void
receipts(void)
{
	for (size_t i = 0; i < WORLD_ANSWERS; i++)
		receipt(i, NULL);
}

/* --- the turns --------------------------------------------------------------------- */

static void nothing(void) { }

/* It needs an order of its own, and that one is as good as the first. */
static void
ordered_again(void)
{
	uint8_t	id[SHA256_BYTES];

	request("standard", &w.net.recipient, id);
	approve(id, NET_LEGAL, NET_COMPLIANCE, NET_AUDITOR);
	assert_true(order(id, &w.net.worker));
	receipts();
}

/* A request that nobody approved, in a case full of another's approvals. */
static void
approvals_of_another(void)
{
	uint8_t	id[SHA256_BYTES];

	request("standard", &w.net.recipient, id);
	assert_false(order(id, &w.net.worker));
	receipts();
}

/* The last of them is missing. */
static void
an_approval_short(void)
{
	uint8_t	id[SHA256_BYTES];

	request("standard", &w.net.recipient, id);
	approve(id, NET_LEGAL, NET_COMPLIANCE, NET_COMPLIANCE);
	assert_false(order(id, &w.net.worker));
	receipts();
}

/* One human stands for two roles. */
static void
two_hats(void)
{
	uint8_t	id[SHA256_BYTES];

	request("standard", &w.net.recipient, id);
	approve(id, NET_TWOHATS, NET_TWOHATS, NET_AUDITOR);
	assert_false(order(id, &w.net.worker));
	receipts();
}

static void
approved_by_who_asked(void)
{
	uint8_t	id[SHA256_BYTES];

	request("standard", &w.net.recipient, id);
	approve(id, NET_INSIDER, NET_COMPLIANCE, NET_AUDITOR);
	assert_false(order(id, &w.net.worker));
	receipts();
}

static void
approved_by_a_stranger(void)
{
	uint8_t	id[SHA256_BYTES];

	request("standard", &w.net.recipient, id);
	approve(id, NET_STRANGER, NET_COMPLIANCE, NET_AUDITOR);
	assert_false(order(id, &w.net.worker));
	receipts();
}

/* All three came, and one was taken back before the order. */
static void
withdrawn(void)
{
	uint8_t	id[SHA256_BYTES];

	request("standard", &w.net.recipient, id);
	approve(id, NET_LEGAL, NET_COMPLIANCE, NET_AUDITOR);
	assert_true(net_withdraw(&w.net, id, NET_AUDITOR).effective);
	assert_false(order(id, &w.net.worker));
	receipts();
}

/* Approved, ordered, and answered never: the receipts are of the first order. */
static void
receipts_of_another(void)
{
	uint8_t	id[SHA256_BYTES];

	request("standard", &w.net.recipient, id);
	approve(id, NET_LEGAL, NET_COMPLIANCE, NET_AUDITOR);
	assert_true(order(id, &w.net.worker));
}

static void
two_receipts(void)
{
	receipts_of_another();
	receipt(0, NULL);
	receipt(1, NULL);
}

/* The third is signed by the second, by the coordinator, for the third. */
static void
a_receipt_by_another(void)
{
	two_receipts();
	receipt(2, &w.net.signing[w.answer[1].custodian - 1]);
}

static void
a_receipt_by_the_log(void)
{
	two_receipts();
	receipt(2, &w.net.log);
}

/* An order of more than was asked for: the first artifact's prompt too. */
static void
wider(struct buf *ret)
{
	struct scope_artifact	a[WORLD_ARTIFACTS] = { { .n_parts = 2 }, { .first_part = 2, .n_parts = 1 } };
	struct scope_part	p[3] = { { 0, "image", 0, 1 }, { 0, "prompt", 0, 0 }, { 1, "prompt", 0, 0 } };
	struct scope		s = { WORLD_ARTIFACTS, 3, 4, a, p };

	for (size_t i = 0; i < WORLD_ARTIFACTS; i++)
		memcpy(a[i].id, w.artifact[i].id, ARTIFACT_ID_BYTES);
	*ret = BUF_INIT(BIG);
	assert_int_equal(scope_write(&s, ret, NULL), RC_OK);
	assert_int_equal(memstate_blob(w.net.mem, buf_view(ret), NULL), RC_OK);
}

/* The files that a wider scope needs, as they were sealed. */
static void
put_prompt(void)
{
	const struct world_artifact	*a = &w.artifact[0];
	size_t				 at = repack_ending(&r, "/00000001.seg"), part, n;
	uint8_t				 leaf[SEGMENT_LEAF_MAX], hash[TREE_HASH_BYTES];
	package_name			 name;

	assert_int_equal(envelope_part_number(a->envelope, "prompt", &part, NULL), RC_OK);
	assert_int_equal(envelope_leaf(a->envelope, part, 0, leaf, &n, NULL), RC_OK);
	assert_int_equal(envelope_leaf_hashes(a->envelope, part, 0, 1, &hash, NULL), RC_OK);
	name_leaves(a->id, "prompt", name);
	repack_insert(&r, at + 1, name, SPAN_OF(hash));
	name_segment(a->id, "prompt", 0, name);
	repack_insert(&r, at + 2, name, SPAN(leaf, n));
}

static void
more_than_ordered(void)
{
	struct buf	b;

	wider(&b);
	forge_file(&r, NAME_SCOPE, buf_view(&b));
	put_prompt();
	buf_done(&b);
}

static void
ordered_more_than_approved(void)
{
	struct buf	b;

	more_than_ordered();
	wider(&b);
	buf_done(&w.scope);
	w.scope = b;
	assert_false(order(w.request, &w.net.worker));
	receipts();
}

/* Less is as wrong: what was approved and is not there was not released. */
static void
a_part_short(void)
{
	size_t	at = repack_ending(&r, "/00000001.seg");

	/* artifacts/1/...: descriptor, path, leaves, segment 0 */
	while (at + 1 < r.n && strstr(r.name[at + 1], "data/artifacts/") != NULL)
		repack_drop(&r, at + 1);
}

/* The keys, sealed anew to somebody else by who has them in plain. */
static void
readdressed(void)
{
	struct buf	der = BUF_INIT(BIG);

	assert_int_equal(cms_seal(buf_view(&w.net.worker), SPAN_STR("whatever they are"), &der, NULL), RC_OK);
	forge_file(&r, NAME_KEYS, buf_view(&der));
	buf_done(&der);
}

static void
another_recipient(void)
{
	readdressed();
	forge_file(&r, NAME_RECIPIENT, buf_view(&w.net.worker));
}

/* A request to somebody else was approved, and this one carried out. */
static void
recipient_of_another_request(void)
{
	uint8_t	id[SHA256_BYTES];

	request("standard", &w.net.worker, id);
	approve(id, NET_LEGAL, NET_COMPLIANCE, NET_AUDITOR);
	assert_true(order(id, &w.net.worker));
	receipts();
}

static void by_the_sealer(void) { how.by = &w.net.sealer; }
static void by_a_custodian(void) { how.by = &w.net.signing[0]; }
static void by_a_person(void) { how.by = &w.net.person[NET_LEGAL]; }

static void
of_another_payload(void)
{
	static const uint8_t	other[SHA256_BYTES] = { 1, 2, 3 };

	how.contents = other;
}

/* The release names a manifest without them: nobody would miss them, or see that they changed. */
static void leaves_uncovered(void) { how.uncovered = "/leaves"; }
static void segment_uncovered(void) { how.uncovered = ".seg"; }
static void keys_uncovered(void) { how.uncovered = NAME_KEYS; }
static void summary_uncovered(void) { how.uncovered = NAME_SUMMARY; }
static void charter_uncovered(void) { how.uncovered = NAME_CHARTER; }

static const struct turn {
	const char	*what;
	void		(*take)(void);
	enum claim_name	 claim;		/* CLAIMS: it is valid */
} turns[] = {
	{ "nothing", nothing, CLAIMS },
	{ "ordered again", ordered_again, CLAIMS },
	{ "another request's approvals", approvals_of_another, CLAIM_ORDER },
	{ "an approval short", an_approval_short, CLAIM_ORDER },
	{ "one human in two roles", two_hats, CLAIM_ORDER },
	{ "approved by the requester's own", approved_by_who_asked, CLAIM_ORDER },
	{ "approved by a stranger", approved_by_a_stranger, CLAIM_ORDER },
	{ "an approval withdrawn", withdrawn, CLAIM_ORDER },
	{ "another order's receipts", receipts_of_another, CLAIM_RECEIPTS },
	{ "two receipts", two_receipts, CLAIM_RECEIPTS },
	{ "a receipt by another custodian", a_receipt_by_another, CLAIM_RECEIPTS },
	{ "a receipt by the coordinator", a_receipt_by_the_log, CLAIM_RECEIPTS },
	{ "more than was ordered", more_than_ordered, CLAIM_ORDER },
	{ "more than was approved", ordered_more_than_approved, CLAIM_ORDER },
	{ "less than was ordered", a_part_short, CLAIM_SCOPE },
	{ "keys for somebody else", readdressed, CLAIM_RECIPIENT },
	{ "another recipient", another_recipient, CLAIM_RECIPIENT },
	{ "the recipient of another request", recipient_of_another_request, CLAIM_RECIPIENT },
	{ "released by the sealer", by_the_sealer, CLAIM_RELEASE },
	{ "released by a custodian", by_a_custodian, CLAIM_RELEASE },
	{ "released by a person", by_a_person, CLAIM_RELEASE },
	{ "a release of something else", of_another_payload, CLAIM_RELEASE },
	{ "leaves uncovered", leaves_uncovered, CLAIM_MANIFESTS },
	{ "a segment uncovered", segment_uncovered, CLAIM_MANIFESTS },
	{ "keys uncovered", keys_uncovered, CLAIM_MANIFESTS },
	{ "the summary uncovered", summary_uncovered, CLAIM_MANIFESTS },
	{ "the charter uncovered", charter_uncovered, CLAIM_MANIFESTS },
};
#define TURNS	(sizeof(turns) / sizeof(turns[0]))

/* --- running them -------------------------------------------------------------------- */

static void
take(const struct turn *t)
{
	struct memfile	good, f;

	world_up(&w, "standard");
	how = (struct forging){ .by = NULL };
	assert_true(world_package(&w, &good));
	repack_open(&r, &good);
	t->take();
	forge_entries(&r, &w);
	forge_finish(&r, &w, &how);
	repack_write(&r, &f);
	forge_judge(&w, &f, t->claim, t->what);
	repack_done(&r);
	memfile_done(&f);
	memfile_done(&good);
	world_down(&w);
}

static void
a_coordinator_with_all_its_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < TURNS; i++)
		take(&turns[i]);
}

/* --- manifests that cover less, and are signed so ---------------------------------------- */

static void
cut(struct buf *b, const char *from, const char *to)
{
	const char	*text = buf_text(b), *at = strstr(text, from), *end;

	assert_non_null(at);
	end = strstr(at, to);
	assert_non_null(end);
	end += strlen(to);
	if (at[0] == ' ' && at[1] == ' ')
		at -= HEX_BYTES(SHA256_BYTES) - 1;	/* its digest stands before it */
	memmove(b->p + (at - text), end, strlen(end));
	b->n -= (size_t)(end - at);
}

static void
sign_it(void)
{
	struct buf	*p7s = repack_file(&r, NAME_SIGNATURE);

	buf_reset(p7s);
	assert_int_equal(cades_sign(w.net.package_key, buf_view(&w.net.package_cert),
	    buf_view(repack_file(&r, NAME_ASIC_MANIFEST)), w.net.now, p7s, NULL), RC_OK);
}

static void
manifests_that_cover_less(void **state)
{
	static const struct { const char *manifest, *from, *to; enum claim_name claim; } row[] = {
		{ NAME_ASIC_MANIFEST, " <asic:DataObjectReference URI=\"data/keys.p7m\"", "</asic:DataObjectReference>\n",
		    CLAIM_SIGNATURE },
		{ NAME_ASIC_MANIFEST, " <asic:DataObjectReference URI=\"README.txt\"", "</asic:DataObjectReference>\n",
		    CLAIM_SIGNATURE },
		{ NAME_ASIC_MANIFEST, " Rootfile=\"true\"", "\"true\"", CLAIM_SIGNATURE },
		{ NAME_TAGMANIFEST, "  README.txt", "\n", CLAIM_MANIFESTS },
		{ NAME_TAGMANIFEST, "  checkpoint", "\n", CLAIM_MANIFESTS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct memfile	good, f;

		world_up(&w, "standard");
		how = (struct forging){ .by = NULL };
		assert_true(world_package(&w, &good));
		repack_open(&r, &good);
		cut(repack_file(&r, row[i].manifest), row[i].from, row[i].to);
		sign_it();
		repack_write(&r, &f);
		forge_judge(&w, &f, row[i].claim, row[i].from);
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
		cmocka_unit_test(a_coordinator_with_all_its_keys),
		cmocka_unit_test(manifests_that_cover_less),
	};

	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

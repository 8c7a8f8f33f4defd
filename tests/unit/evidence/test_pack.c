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
#include "evidence/package_view.h"
#include "evidence/verify.h"
#include "policy/witness.h"
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
		package_report_text(&r, &text);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_of_files),
		cmocka_unit_test(witnesses),
	};

	return cmocka_run_group_tests(tests, up, down);
}

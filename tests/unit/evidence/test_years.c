/*
 * Packages years later: what time-stamps and anchors say, whose certificates may have run out,
 * and when nobody can tell any more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/timestamp.h"
#include "evidence/cades.h"
#include "evidence/verify.h"
#include "tests/unit/evidence/repack.h"
#include "tests/unit/evidence/world.h"

#define YEAR		(UINT64_C(365) * 86400)
/* The last moments of the certificates: of the world's TSAs, of the package. */
#define TSA_UNTIL	(TSA_NOW + YEAR)
#define PACKAGE_UNTIL	NET_CERTS_UNTIL

static struct world	w;		/* with anchors */
static struct tsa_party	later, later_root;	/* in no charter */
static when		released;	/* the last of the three */

/* Who stamps, and when it says that it did. */
struct clerk { const struct tsa_party *tsa; when time; };

static enum rc
stamp(void *user, const uint8_t imprint[SHA256_BYTES], struct buf *token, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	query = BUF_INIT(TIMESTAMP_QUERY_MAX), response = BUF_INIT(65536);
	static const uint8_t		nonce[TIMESTAMP_NONCE_BYTES] = { 4 };
	const struct clerk		*c = user;
	const struct tsa_how		how = { .time = c->time };

	TRY(timestamp_query(imprint, nonce, &query, err));
	tsa_answer(c->tsa, NULL, &how, buf_view(&query), &response);
	return timestamp_token(buf_view(&response), imprint, nonce, token, err);
}

static struct clerk	clerk;		/* of the package that is made next */

static void
make(struct memfile *f, bool with_stamp, bool with_archive)
{
	w.seal = (struct package_seal){ .stamp = with_stamp ? stamp : NULL, .user = &clerk, .archive = with_archive };
	(void)world_package(&w, f);
	released = w.net.now;
}

static int
up(void **state)
{
	(void)state;
	tsa_party_new(&later_root, "later root", NULL, true, TSA_EKU_NONE, 1, -400, 365 * 30);
	tsa_party_new(&later, "later", &later_root, false, TSA_EKU, 2, -400, 365 * 30);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	tsa_party_done(&later);
	tsa_party_done(&later_root);
	return 0;
}

/* World and package anew: a release is effective once. */
static void
fresh(struct memfile *f, bool with_stamp, bool with_archive, long off)
{
	world_up_anchored(&w, "standard");
	clerk = (struct clerk){ &w.tsa[0], (when)((long)w.net.now + 5 + off) };
	make(f, with_stamp, with_archive);
}

static void
done(struct memfile *f)
{
	memfile_done(f);
	world_down(&w);
}

/* One more archive time-stamp, of that time. */
static void
renew(struct memfile *f, const struct tsa_party *tsa, when time)
{
	struct clerk	c = { tsa, time };
	struct memfile	to = MEMFILE_INIT;
	uint64_t	size;
	struct err	err;

	if (package_renew(memfile_read, f, f->b.n, stamp, &c, memfile_write, &to, &size, &err) != RC_OK)
		fail_msg("%s", err.msg);
	memfile_done(f);
	*f = to;
}

/* --- the table ------------------------------------------------------------------------------- */

enum trusting { GENESIS, GENESIS_AND_LATER, NOBODY };

static struct package_report
at(struct memfile *f, when now, enum trusting who)
{
	struct span		root = tsa_cert(&later_root);
	struct package_trust	trust = { .genesis = who == NOBODY ? NULL : w.net.genesis, .root = &root,
	    .n_roots = who == GENESIS_AND_LATER, .now = now };
	struct package_report	r;
	struct err		err;

	if (package_verify(memfile_read, f, f->b.n, &trust, &r, &err) != RC_OK)
		fail_msg("%s", err.msg);
	return r;
}

/* "ynu?": signature, timestamp, archive, sealed; ?: whatever. words: in what the first no says. */
static void
expect(struct memfile *f, when now, enum trusting who, const char *verdicts, enum package_verdict verdict,
    const char *words)
{
	static const enum claim_name	claim[] = { CLAIM_SIGNATURE, CLAIM_TIMESTAMP, CLAIM_ARCHIVE, CLAIM_SEALED };
	struct package_report		r = at(f, now, who);
	bool				said = words == NULL;

	for (size_t i = 0; i < 4; i++) {
		enum claim_verdict	v = r.claim[claim[i]].verdict;

		if (verdicts[i] != '?' && verdicts[i] != "uyn"[v])
			fail_msg("%s is %c, not %c: %s", claim_name(claim[i]), "uyn"[v], verdicts[i],
			    r.claim[claim[i]].words);
		said = said || strstr(r.claim[claim[i]].words, words) != NULL;
	}
	if (!said)
		fail_msg("no word of: %s", words);
	assert_int_equal(r.verdict, verdict);
}

/* --- each level -------------------------------------------------------------------------------- */

static void
nobody_stamped(void **state)
{
	struct memfile	f;

	(void)state;
	fresh(&f, false, false, 0);
	expect(&f, released, GENESIS, "yuuy", PACKAGE_VALID, "no time-stamping authority stamped");
	expect(&f, released, NOBODY, "yuuy", PACKAGE_CONSISTENT, NULL);
	/* The log dates the anchors, whatever became of who stamped them. */
	expect(&f, PACKAGE_UNTIL, GENESIS, "yuuy", PACKAGE_VALID, NULL);
	expect(&f, PACKAGE_UNTIL + 1, GENESIS, "nu?y", PACKAGE_INVALID, "ran out at 2049-12-31T23:59:59Z");
	done(&f);
}

static void
stamped_once(void **state)
{
	struct memfile	f;

	(void)state;
	fresh(&f, true, false, 0);
	expect(&f, released, GENESIS, "yyuy", PACKAGE_VALID, "CN=TSA");
	expect(&f, released, NOBODY, "yyuy", PACKAGE_CONSISTENT, NULL);
	expect(&f, TSA_UNTIL, GENESIS, "yyuy", PACKAGE_VALID, NULL);
	expect(&f, TSA_UNTIL + 1, GENESIS, "ynuy", PACKAGE_INVALID, "no archive time-stamp is from before that");
	/* The token shows that the signature is older than its certificate's end. */
	expect(&f, PACKAGE_UNTIL + 1, GENESIS, "ynuy", PACKAGE_INVALID, NULL);
	done(&f);
}

static void
archived_at_once(void **state)
{
	struct memfile	f;

	(void)state;
	fresh(&f, true, true, 0);
	expect(&f, released, GENESIS, "yyyy", PACKAGE_VALID, "all of it was there before");
	expect(&f, TSA_UNTIL, GENESIS, "yyyy", PACKAGE_VALID, "to be renewed before");
	expect(&f, TSA_UNTIL + 1, GENESIS, "yyyy", PACKAGE_VALID, "and none later is here");
	/* Every certificate ran out long ago. */
	expect(&f, PACKAGE_UNTIL + 50 * YEAR, GENESIS, "yyyy", PACKAGE_VALID, NULL);
	expect(&f, PACKAGE_UNTIL + 50 * YEAR, NOBODY, "yyyy", PACKAGE_CONSISTENT, NULL);
	done(&f);
}

/* A builder leaves such a token out: this one does not look at it. */
static void
stamp_blindly(struct memfile *f, when time)
{
	struct clerk		c = { &w.tsa[0], time };
	struct buf		token = BUF_INIT(CADES_TOKEN_MAX), out = BUF_INIT(CADES_BYTES_MAX);
	struct cades_added	added = { .n_crls = 0 };
	struct buf		*signature;
	struct repack		r;
	uint8_t			imprint[SHA256_BYTES];

	repack_open(&r, f);
	signature = repack_file(&r, NAME_SIGNATURE);
	assert_int_equal(cades_imprint(buf_view(signature), imprint, NULL), RC_OK);
	assert_int_equal(stamp(&c, imprint, &token, NULL), RC_OK);
	added.token = buf_view(&token);
	assert_int_equal(cades_add(buf_view(signature), &added, &out, NULL), RC_OK);
	buf_reset(signature);
	buf_span(signature, buf_view(&out));
	memfile_done(f);
	repack_write(&r, f);
	repack_done(&r);
	buf_done(&token);
	buf_done(&out);
}

static void
token_times(void **state)
{
	struct memfile	f;

	(void)state;
	fresh(&f, false, false, 0);
	stamp_blindly(&f, released - 301);
	expect(&f, released, GENESIS, "yn??", PACKAGE_INVALID, "before the release was logged");
	done(&f);
	fresh(&f, true, false, -300);
	expect(&f, released, GENESIS, "yy??", PACKAGE_VALID, NULL);
	done(&f);
	fresh(&f, true, false, 301);
	expect(&f, released, GENESIS, "yn??", PACKAGE_INVALID, "in the future of this clock");
	expect(&f, released + 1, GENESIS, "yy??", PACKAGE_VALID, NULL);
	done(&f);
}

/* --- renewed ------------------------------------------------------------------------------------- */

static void
renewed_in_time(void **state)
{
	struct memfile	f;

	(void)state;
	fresh(&f, true, false, 0);
	renew(&f, &later, TSA_UNTIL);
	expect(&f, TSA_UNTIL + 1, GENESIS_AND_LATER, "yyyy", PACKAGE_VALID, NULL);
	expect(&f, PACKAGE_UNTIL + 50 * YEAR, GENESIS_AND_LATER, "yyyy", PACKAGE_VALID, NULL);
	/* Who does not know that authority learns no more than without it, and no less. */
	expect(&f, TSA_UNTIL, GENESIS, "yyuy", PACKAGE_VALID, "whom neither the charter nor you named");
	expect(&f, TSA_UNTIL + 1, GENESIS, "ynuy", PACKAGE_INVALID, NULL);
	done(&f);
}

static void
renewed_too_late(void **state)
{
	struct memfile	f;

	(void)state;
	fresh(&f, true, false, 0);
	renew(&f, &later, TSA_UNTIL + 1);
	expect(&f, TSA_UNTIL + 1, GENESIS_AND_LATER, "ynny", PACKAGE_INVALID, "too late");
	done(&f);
	fresh(&f, false, false, 0);
	renew(&f, &later, PACKAGE_UNTIL + 1);
	expect(&f, PACKAGE_UNTIL + 1, GENESIS_AND_LATER, "n??y", PACKAGE_INVALID, "ran out");
	done(&f);
	fresh(&f, false, false, 0);
	renew(&f, &later, PACKAGE_UNTIL);
	expect(&f, PACKAGE_UNTIL + 1, GENESIS_AND_LATER, "yuyy", PACKAGE_VALID, NULL);
	done(&f);
}

static void
one_after_the_other(void **state)
{
	struct memfile	f;

	(void)state;
	fresh(&f, true, true, 0);
	renew(&f, &later, TSA_UNTIL - 1);
	expect(&f, PACKAGE_UNTIL + 50 * YEAR, GENESIS_AND_LATER, "yyyy", PACKAGE_VALID, "under 2 time-stamps");
	renew(&f, &later, TSA_UNTIL - 2);
	expect(&f, TSA_UNTIL, GENESIS_AND_LATER, "yyny", PACKAGE_INVALID, "before what it covers was");
	done(&f);
	fresh(&f, true, true, 0);
	renew(&f, &later, released + 301);
	expect(&f, released, GENESIS_AND_LATER, "yyny", PACKAGE_INVALID, "in the future of this clock");
	expect(&f, released + 1, GENESIS_AND_LATER, "yyyy", PACKAGE_VALID, NULL);
	done(&f);
	fresh(&f, true, true, 0);
	renew(&f, &later, TSA_UNTIL + 1);
	expect(&f, TSA_UNTIL + 1, GENESIS_AND_LATER, "yyny", PACKAGE_INVALID, "too late");
	done(&f);
}

/* What no coordinator of ours does, and anybody can: a token beside the signature. */
static void
put_token(struct memfile *f, struct clerk c)
{
	struct repack		r;
	struct buf		token = BUF_INIT(65536), signature = BUF_INIT(CADES_BYTES_MAX), *p7s;
	struct cades_added	added = { .n_crls = 0 };
	uint8_t			imprint[SHA256_BYTES];

	repack_open(&r, f);
	p7s = repack_file(&r, NAME_SIGNATURE);
	assert_int_equal(cades_imprint(buf_view(p7s), imprint, NULL), RC_OK);
	assert_int_equal(stamp(&c, imprint, &token, NULL), RC_OK);
	added.token = buf_view(&token);
	assert_int_equal(cades_add(buf_view(p7s), &added, &signature, NULL), RC_OK);
	buf_done(p7s);
	*p7s = signature;
	memfile_done(f);
	repack_write(&r, f);
	repack_done(&r);
	buf_done(&token);
}

/* A charter without TSAs: whoever stamped it is nobody to it. */
static void
by_a_stranger(void **state)
{
	struct memfile	f;

	(void)state;
	world_up(&w, "standard");
	make(&f, false, false);
	put_token(&f, (struct clerk){ &later, released });
	expect(&f, released, GENESIS, "yuuu", PACKAGE_VALID, "whom neither the charter nor you named");
	expect(&f, released, GENESIS_AND_LATER, "yyuu", PACKAGE_VALID, "no anchor is in the package");
	/* What a stranger says keeps nothing alive. */
	expect(&f, PACKAGE_UNTIL + 1, GENESIS, "n???", PACKAGE_INVALID, NULL);
	done(&f);
}

/* The TSA gets other certificates after it stamped; the log took the anchor by the old ones. */
static void
then_another_root(struct world *world, enum world_step step)
{
	struct buf	value = BUF_INIT(65536);

	if (step != WORLD_SEALED)
		return;
	world_anchor(world, 0);
	buf_printf(&value, "\"");
	b64_write(&value, tsa_cert(&later_root));
	buf_printf(&value, "\"");
	net_amend(&world->net, &(struct net_edit){ "tsas/0/certificates/0", buf_text(&value) }, 1);
	world->net.now += 3600;
	buf_done(&value);
}

static void
certificates_that_followed(void **state)
{
	struct memfile	f;

	(void)state;
	world_found_amendable(&w);
	world_run(&w, "standard", then_another_root);
	make(&f, false, false);
	expect(&f, released, GENESIS, "yuuy", PACKAGE_VALID, "says CN=TSA");
	done(&f);
}

static void
anchored_twice(struct world *world, enum world_step step)
{
	if (step != WORLD_SEALED)
		return;
	world_anchor(world, 0);
	if (world->tsa_ahead < -7200)
		return;
	world->tsa_ahead = 0;
	world_anchor(world, 1);
}

/* An authority whose clock is wrong dates nothing, and does not take away what another dates. */
static void
an_anchor_of_another_time(void **state)
{
	static const struct { long ahead; const char *verdicts, *words; } t[] = {
		{ -290, "yuuy", "1 of 1 batches were in the log before" },
		{ 290, "yuuy", "1 of 1 batches were in the log before" },
		{ -3600, "yuuy", "which is not when the log has it" },
		{ 3600, "yuuy", "which is not when the log has it" },
		{ -7201, "yuuu", "0 of 1 batches were in the log before a time that" },
	};
	struct memfile	f;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		world_found_anchored(&w);
		w.tsa_ahead = t[i].ahead;
		world_run(&w, "standard", anchored_twice);
		make(&f, false, false);
		expect(&f, released + 3600, GENESIS, t[i].verdicts, PACKAGE_VALID, t[i].words);
		done(&f);
	}
}

/* A network whose package certificate lives from and until then. */
static void
certified(when from, when until, struct memfile *f)
{
	struct tsa_party	p;
	unsigned char		*der = NULL;
	int			 len;

	tsa_party_new(&p, "package", NULL, false, TSA_EKU_NONE, 1, 0, 1);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(p.cert), (time_t)from));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(p.cert), (time_t)until));
	assert_true(X509_sign(p.cert, p.key, EVP_sha256()) > 0);
	assert_true((len = i2d_X509(p.cert, &der)) > 0);
	memset(&w, 0, sizeof(w));
	net_keys(&w.net);
	buf_reset(&w.net.package_cert);
	buf_add(&w.net.package_cert, der, (size_t)len);
	OPENSSL_free(der);
	EVP_PKEY_free(w.net.package_key);
	w.net.package_key = p.key;
	p.key = NULL;
	tsa_party_done(&p);
	net_found(&w.net);
	world_run(&w, "standard", world_nothing_between);
	make(f, false, false);
}

static void
a_certificate_of_other_days(void **state)
{
	struct memfile	f;
	when		then;

	(void)state;
	certified(NET_START, PACKAGE_UNTIL, &f);
	then = released;
	done(&f);
	certified(then + 300, PACKAGE_UNTIL, &f);
	assert_int_equal(released, then);
	expect(&f, then, GENESIS, "yuuu", PACKAGE_VALID, NULL);
	done(&f);
	certified(then + 301, PACKAGE_UNTIL, &f);
	expect(&f, then + YEAR, GENESIS, "nuuu", PACKAGE_INVALID, "before its certificate was valid");
	done(&f);
	certified(NET_START, then, &f);
	expect(&f, then, GENESIS, "yuuu", PACKAGE_VALID, NULL);
	done(&f);
	/* A token from before does not help one that signed when it had run out. */
	certified(NET_START, then - 1, &f);
	put_token(&f, (struct clerk){ &later, then - 300 });
	expect(&f, then, GENESIS_AND_LATER, "nuuu", PACKAGE_INVALID, "ran out");
	done(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_stamped),
		cmocka_unit_test(stamped_once),
		cmocka_unit_test(archived_at_once),
		cmocka_unit_test(token_times),
		cmocka_unit_test(an_anchor_of_another_time),
		cmocka_unit_test(renewed_in_time),
		cmocka_unit_test(renewed_too_late),
		cmocka_unit_test(one_after_the_other),
		cmocka_unit_test(by_a_stranger),
		cmocka_unit_test(certificates_that_followed),
		cmocka_unit_test(a_certificate_of_other_days),
	};

	return cmocka_run_group_tests(tests, up, down);
}

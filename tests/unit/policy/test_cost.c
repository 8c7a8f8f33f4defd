/* What a replay pays: one verification a signature, and an envelope read the quick way means what it always meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/entry.h"
#include "tests/fixture/network.h"
#include "tests/unit/count.h"
#include "tests/unit/fault.h"

#define BIG	((size_t)1 << 20)

static struct net	net;

/* A space before it is JSON as well, and not as we write it: it is read the long way. */
static void
both_ways(const uint8_t *p, size_t n)
{
	uint8_t		*copy = heap_copy(p, n), *spaced = malloc(n + 1);
	struct dsse	 quick, slow;
	enum rc		 a, b;

	assert_non_null(copy);
	assert_non_null(spaced);
	spaced[0] = ' ';
	memcpy(spaced + 1, p, n);
	a = dsse_parse(SPAN(copy, n), &quick, NULL);
	b = dsse_parse(SPAN(spaced, n + 1), &slow, NULL);
	assert_int_equal(a, b);
	if (a == RC_OK) {
		assert_true(span_eq(buf_view(&quick.payload), buf_view(&slow.payload)));
		assert_memory_equal(quick.id, slow.id, sizeof(quick.id));
		assert_int_equal(quick.n_sig, slow.n_sig);
		assert_memory_equal(quick.sig, slow.sig, quick.n_sig * sizeof(quick.sig[0]));
	}
	dsse_done(&quick);
	dsse_done(&slow);
	free(copy);
	free(spaced);
}

static void
every_byte(struct span in)
{
	static const char	others[] = "\"\\{}[]:, \n=AZaz09+/-_\x01\x7f\xc3";
	uint8_t			*p = heap_copy(in.p, in.n);
	size_t			 i, k;

	assert_non_null(p);
	both_ways(p, in.n);
	for (i = 0; i < in.n; i++) {
		uint8_t	was = p[i];

		both_ways(p, i);
		for (k = 0; k < sizeof(others); k++) {
			p[i] = (uint8_t)others[k];
			both_ways(p, in.n);
		}
		p[i] = was;
	}
	free(p);
}

/* This envelope with these bytes after it; one whose payload is empty. */
static void
odd_ones(struct span one)
{
	static const char	*const tails[] = { " ", "}", "x", ",", "{}" };
	const uint8_t		*end = memmem(one.p, one.n, "\",\"payloadType\"", 15);
	size_t			 i;

	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);

		buf_span(&b, one);
		buf_span(&b, span_str(tails[i]));
		both_ways(b.p, b.n);
	}
	for (i = 0; i < 2; i++) {
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);

		buf_span(&b, SPAN_STR("{\"payload\":\""));
		if (i == 1)
			buf_span(&b, SPAN_STR("===="));
		buf_add(&b, end, (size_t)(one.p + one.n - end));
		both_ways(b.p, b.n);
	}
}

static void
envelopes(void **state)
{
	AUTO_DONE(buf_done) struct buf many = BUF_INIT(BIG), one = BUF_INIT(BIG), two = BUF_INIT(BIG);
	struct err	err;
	size_t		i;

	(void)state;
	assert_int_equal(dsse_sign(SPAN_STR("{\"a\":[1]}"), &net.sealer.signer, &one, &err), RC_OK);
	every_byte(buf_view(&one));
	odd_ones(buf_view(&one));
	assert_int_equal(dsse_sign_more(buf_view(&one), &net.log.signer, &two, &err), RC_OK);
	every_byte(buf_view(&two));
	/* As many signatures as may stand in one, and one more. */
	net_charter_envelope(&net, &many);
	both_ways(many.p, many.n);
	buf_reset(&two);
	buf_add(&two, one.p, one.n - 2);
	for (i = 1; i < DSSE_SIGS_MAX + 1; i++) {
		const uint8_t	*sig = memmem(one.p, one.n, "{\"keyid\"", 8);

		buf_u8(&two, ',');
		buf_span(&two, SPAN(sig, (size_t)(one.p + one.n - 2 - sig)));
		if (i >= DSSE_SIGS_MAX - 1) {
			struct buf	whole = BUF_INIT(BIG);

			buf_span(&whole, buf_view(&two));
			buf_add(&whole, "]}", 2);
			both_ways(whole.p, whole.n);
			buf_done(&whole);
		}
	}
}

/* Entry for entry: the charter by each who signs it, and then one for one. */
static void
one_each(void **state)
{
	struct memstate		*mem;
	struct replica		*r;
	struct net_artifact	 a = net_seal(&net, "standard");
	uint8_t			 id[SHA256_BYTES], hash[TREE_HASH_BYTES], digest[2][SHA256_BYTES];
	struct verdict		 v;
	struct err		 err;
	size_t			 i, j, n;

	(void)state;
	net_requested(&net, &a, 1, "standard", id);
	assert_true(net_decide(&net, id, NET_LEGAL, true).effective);
	assert_true(net_decide(&net, id, NET_COMPLIANCE, true).effective);
	assert_true(net_decide(&net, id, NET_AUDITOR, true).effective);
	assert_true(net_order(&net, id, NULL).effective);
	assert_int_equal(memstate_new(&mem, &err), RC_OK);
	assert_int_equal(replica_new(memstate_state(mem), net.genesis, &r, &err), RC_OK);
	for (i = 0; i < net.log_entries.n; i++) {
		struct span	leaf = buf_view(&net.log_entries.leaf[i]);

		assert_int_equal(entry_blobs(leaf, digest, &n, &err), RC_OK);
		for (j = 0; j < n; j++) {
			struct buf	b = BUF_INIT(BIG);

			assert_int_equal(memstate_state(net.mem)->blob(net.mem, digest[j], &b, &err), RC_OK);
			assert_int_equal(memstate_blob(mem, buf_view(&b), &err), RC_OK);
			buf_done(&b);
		}
		tree_leaf(leaf, hash);
		assert_int_equal(memstate_leaf(mem, hash, &err), RC_OK);
		count_verified = 0;
		assert_int_equal(replica_apply(r, i, leaf, &v, &err), RC_OK);
		assert_true(v.effective);
		/* Five custodians, and one of the two amenders: the other's key is P-256. */
		assert_int_equal(count_verified, i == 0 ? 6 : 1);
	}
	replica_free(r);
	memstate_free(mem);
}

/* What a certificate was good for is remembered as that one's, and as no other's. */
static void
recipients(void **state)
{
	static const struct { const char *kind; bool good; } rows[] = {
		{ "P-384", true }, { "ED25519", false }, { "P-384", true }, { "RSA-1024", false }, { "P-256", true },
	};
	struct net_artifact	a = net_seal(&net, "standard");
	struct buf		der[5];
	struct statement	s;
	struct verdict		v;
	size_t			i, k;

	(void)state;
	for (i = 0; i < 5; i++) {
		der[i] = BUF_INIT(BIG);
		test_cert_of(rows[i].kind, "somebody", &der[i]);
	}
	for (i = 0; i < 20; i++) {
		k = i % 5;
		net_request(&net, &a, 1, "standard", &s);
		buf_reset(&s.bytes);
		buf_span(&s.bytes, buf_view(&der[k]));
		v = net_log(&net, &s, &net.person[NET_REQUESTER]);
		assert_int_equal(v.why, rows[k].good ? VOID_NONE : VOID_RECIPIENT);
	}
	for (i = 0; i < 5; i++)
		buf_done(&der[i]);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(envelopes),
		cmocka_unit_test(one_each),
		cmocka_unit_test(recipients),
	};
	int	failed;

	net_init(&net);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	net_done(&net);
	return failed;
}

/* share-v1: what must hold for any split, and what each check refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "shamir/dleq.h"
#include "tests/unit/fault.h"

static const uint8_t	identity[32];
/* L, little-endian: the least number that is no scalar. */
static const uint8_t	order[32] = {
	0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
};

/* One split with its contributions for one label. */
struct split {
	struct secret_arena		*arena;
	struct secret			*secret, *point;	/* point = secret * label */
	uint8_t				*share[SHAMIR_SHARES_MAX];
	struct shamir_commits		 commits;
	uint8_t				 label[32];
	struct shamir_contribution	 c[SHAMIR_SHARES_MAX];
};

static void
split_up(struct split *s, uint8_t k, uint8_t n)
{
	uint8_t	i;

	memset(s, 0, sizeof(*s));
	s->arena = secret_arena_new(4096);
	assert_non_null(s->arena);
	assert_int_equal(shamir_split(k, n, s->arena, &s->secret, s->share, &s->commits, NULL), RC_OK);
	assert_int_equal(shamir_label(SPAN_STR("a label"), s->label, NULL), RC_OK);
	assert_int_equal(shamir_apply(s->secret, s->label, &s->point, NULL), RC_OK);
	for (i = 0; i < n; i++)
		assert_int_equal(shamir_contribute(i + 1, s->share[i], s->label, &s->c[i], NULL), RC_OK);
}

static void
split_down(struct split *s)
{
	secret_free(s->secret);
	secret_free(s->point);
	secret_arena_free(s->arena);
}

/* Combines the contributions whose bit is set in `who`. */
static enum rc
combine(const struct split *s, uint32_t who, uint32_t *bad, struct secret **point)
{
	struct shamir_contribution	in[SHAMIR_SHARES_MAX];
	size_t				i, n = 0;

	for (i = 0; i < SHAMIR_SHARES_MAX; i++)
		if ((who >> i & 1) != 0)
			in[n++] = s->c[i];
	return shamir_combine(in, n, &s->commits, s->label, bad, point, NULL);
}

static void
check_subsets(const struct split *s, uint8_t k, uint8_t n)
{
	struct secret	*point;
	uint32_t	 who, bad;

	for (who = 0; who < UINT32_C(1) << n; who++) {
		point = NULL;
		bad = 7;
		if (__builtin_popcount(who) < k) {
			assert_int_equal(combine(s, who, &bad, &point), RC_QUORUM);
			assert_null(point);
		} else {
			assert_int_equal(combine(s, who, &bad, &point), RC_OK);
			assert_true(secret_eq(point, s->point));
		}
		assert_int_equal(bad, 0);
		secret_free(point);
	}
}

static void
test_every_subset(void **state)
{
	struct split	s;
	uint8_t		k, n, i;

	(void)state;
	for (n = 2; n <= 6; n++)
		for (k = 2; k <= n; k++) {
			split_up(&s, k, n);
			assert_int_equal(s.commits.threshold, k);
			for (i = 1; i <= n; i++)
				assert_int_equal(shamir_share_verify(&s.commits, i, s.share[i - 1], NULL), RC_OK);
			check_subsets(&s, k, n);
			split_down(&s);
		}
}

static void
test_largest(void **state)
{
	struct split	 s;
	struct secret	*point = NULL;
	uint32_t	 bad;

	(void)state;
	split_up(&s, 31, 31);
	assert_int_equal(combine(&s, UINT32_C(0x7fffffff), &bad, &point), RC_OK);
	assert_true(secret_eq(point, s.point));
	secret_free(point);
	split_down(&s);
}

/* k - 1 points interpolated as if they were enough give something else. */
static void
test_too_few_say_nothing(void **state)
{
	struct split		 s;
	struct shamir_commits	 fewer;
	uint8_t			 c[2][32], other[32];

	(void)state;
	split_up(&s, 3, 5);
	/* 2*P1 - P2, the line through shares 1 and 2 at zero. */
	shamir_scalar_of(2, c[0]);
	assert_int_equal(crypto_scalarmult_ristretto255(c[1], c[0], s.c[0].point), 0);
	assert_int_equal(crypto_core_ristretto255_sub(other, c[1], s.c[1].point), 0);
	assert_memory_not_equal(other, secret_view(s.point), 32);
	/* Nor do commitments with one point less accept them. */
	fewer = s.commits;
	fewer.threshold = 2;
	assert_int_equal(shamir_contribution_verify(&s.c[1], &fewer, s.label, NULL), RC_VERIFY);
	split_down(&s);
}

static void
test_fresh(void **state)
{
	struct split	a, b;

	(void)state;
	split_up(&a, 2, 3);
	split_up(&b, 2, 3);
	assert_false(secret_eq(a.secret, b.secret));
	assert_memory_not_equal(a.share[0], b.share[0], 32);
	assert_memory_not_equal(a.commits.point[1], b.commits.point[1], 32);
	split_down(&a);
	split_down(&b);
}

static void
test_split_numbers(void **state)
{
	static const struct {
		uint8_t	k, n;
		enum rc	rc;
	} t[] = {
		{ 2, 2, RC_OK }, { 31, 31, RC_OK }, { 2, 31, RC_OK },
		{ 0, 0, RC_FORMAT }, { 0, 3, RC_FORMAT }, { 1, 3, RC_FORMAT }, { 4, 3, RC_FORMAT },
		{ 2, 32, RC_FORMAT }, { 32, 32, RC_FORMAT }, { 255, 255, RC_FORMAT }, { 2, 1, RC_FORMAT },
	};
	struct secret_arena	*arena = secret_arena_new(8192);
	struct shamir_commits	 commits;
	struct secret		*secret;
	uint8_t			*share[SHAMIR_SHARES_MAX], zero[2][32] = { { 1 }, { 1 } };
	size_t			 i;

	(void)state;
	assert_non_null(arena);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		secret = NULL;
		assert_int_equal(shamir_split(t[i].k, t[i].n, arena, &secret, share, &commits, NULL), t[i].rc);
		assert_int_equal(secret != NULL, t[i].rc == RC_OK);
		secret_free(secret);
	}
	assert_int_equal(shamir_split_with((const uint8_t (*)[32])zero, 3, 2, arena, share, &commits, NULL),
	    RC_FORMAT);
	secret_arena_free(arena);
}

static void
test_coefficients(void **state)
{
	struct secret_arena	*arena = secret_arena_new(8192);
	struct shamir_commits	 commits = { .threshold = 99 };
	uint8_t			*share[SHAMIR_SHARES_MAX] = { NULL };
	uint8_t			 c[2][32] = { { 5 }, { 7 } };

	(void)state;
	assert_non_null(arena);
	memset(c[1], 0, 32);				/* its commitment would be the identity */
	assert_int_equal(shamir_split_with((const uint8_t (*)[32])c, 2, 3, arena, share, &commits, NULL),
	    RC_FORMAT);
	memcpy(c[1], order, 32);
	assert_int_equal(shamir_split_with((const uint8_t (*)[32])c, 2, 3, arena, share, &commits, NULL),
	    RC_FORMAT);
	c[1][0]++;					/* 1 in a second encoding */
	assert_int_equal(shamir_split_with((const uint8_t (*)[32])c, 2, 3, arena, share, &commits, NULL),
	    RC_FORMAT);
	c[1][0]--;
	/* 2 + x * (L - 1): the share of index 2 is zero. */
	shamir_scalar_of(2, c[0]);
	c[1][0]--;
	assert_int_equal(shamir_split_with((const uint8_t (*)[32])c, 2, 3, arena, share, &commits, NULL),
	    RC_FORMAT);
	assert_int_equal(commits.threshold, 99);	/* untouched by a failure */
	assert_null(share[0]);
	secret_arena_free(arena);
}

static void
test_scalars_and_points(void **state)
{
	uint8_t	s[32];
	int	i;

	(void)state;
	memset(s, 0, 32);
	assert_false(shamir_is_scalar(s));
	s[0] = 1;
	assert_true(shamir_is_scalar(s));
	assert_false(shamir_is_scalar(order));
	memcpy(s, order, 32);
	s[0]--;
	assert_true(shamir_is_scalar(s));
	for (i = 0; i < 32; i++) {			/* each byte takes part */
		memcpy(s, order, 32);
		if (s[i] == 0xff)
			continue;
		s[i]++;
		assert_false(shamir_is_scalar(s));
	}
	memset(s, 0xff, 32);
	assert_false(shamir_is_scalar(s));
	assert_false(shamir_is_point(identity));
	assert_false(shamir_is_point(s));
	memset(s, 0, 32);
	s[0] = 1;					/* odd: a "negative" one */
	assert_false(shamir_is_point(s));
	for (i = 0; i < 32; i++) {			/* an element has one encoding */
		crypto_core_ristretto255_random(s);
		assert_true(shamir_is_point(s));
		s[31] |= 0x80;
		assert_false(shamir_is_point(s));
	}
}

static void
add_order(const uint8_t s[32], uint8_t ret[32])
{
	unsigned	i, carry = 0;

	for (i = 0; i < 32; i++) {
		carry += (unsigned)s[i] + order[i];
		ret[i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(carry, 0);
}

/* A threshold beyond the array, with good points where it would read. */
static void
test_threshold_beyond(void **state)
{
	struct split	s;
	struct {
		struct shamir_commits	c;
		uint8_t			more[256][SHAMIR_POINT_BYTES];
	} *big = malloc(sizeof(*big));
	size_t		i;

	(void)state;
	assert_non_null(big);
	split_up(&s, 2, 2);
	big->c.threshold = 31;
	for (i = 0; i < 31; i++)
		memcpy(big->c.point[i], s.commits.point[i % 2], SHAMIR_POINT_BYTES);
	for (i = 0; i < 256; i++)
		memcpy(big->more[i], s.commits.point[i % 2], SHAMIR_POINT_BYTES);
	assert_int_equal(shamir_commits_check(&big->c, NULL), RC_OK);
	big->c.threshold = 32;
	assert_int_equal(shamir_commits_check(&big->c, NULL), RC_FORMAT);
	big->c.threshold = 255;
	assert_int_equal(shamir_commits_check(&big->c, NULL), RC_FORMAT);
	split_down(&s);
	free(big);
}

static void
test_share_verify(void **state)
{
	struct split		s;
	struct shamir_commits	c;
	uint8_t			bad[32], point[32];

	(void)state;
	split_up(&s, 3, 5);
	assert_int_equal(shamir_share_verify(&s.commits, 2, s.share[2], NULL), RC_VERIFY);
	memcpy(bad, s.share[0], 32);
	bad[0] ^= 1;
	assert_int_equal(shamir_share_verify(&s.commits, 1, bad, NULL), RC_VERIFY);
	assert_int_equal(shamir_share_verify(&s.commits, 1, identity, NULL), RC_FORMAT);
	assert_int_equal(shamir_share_verify(&s.commits, 1, order, NULL), RC_FORMAT);
	add_order(s.share[0], bad);			/* the same share in a second encoding */
	assert_int_equal(shamir_share_verify(&s.commits, 1, bad, NULL), RC_FORMAT);
	assert_int_equal(shamir_share_verify(&s.commits, 0, s.share[0], NULL), RC_FORMAT);
	assert_int_equal(shamir_share_verify(&s.commits, 32, s.share[0], NULL), RC_FORMAT);

	c = s.commits;
	c.threshold = 1;
	assert_int_equal(shamir_commits_check(&c, NULL), RC_FORMAT);
	c.threshold = 32;
	assert_int_equal(shamir_commits_check(&c, NULL), RC_FORMAT);
	c = s.commits;
	memcpy(c.point[2], identity, 32);
	assert_int_equal(shamir_commits_check(&c, NULL), RC_FORMAT);
	assert_int_equal(shamir_share_commit(&c, 1, point, NULL), RC_FORMAT);
	c = s.commits;
	memset(c.point[1], 0xff, 32);
	assert_int_equal(shamir_commits_check(&c, NULL), RC_FORMAT);
	/* C1 = -C0: the sum at index 1 is the identity. */
	c = s.commits;
	c.threshold = 2;
	assert_int_equal(crypto_core_ristretto255_sub(c.point[1], identity, c.point[0]), 0);
	assert_int_equal(shamir_commits_check(&c, NULL), RC_OK);
	assert_int_equal(shamir_share_commit(&c, 1, point, NULL), RC_FORMAT);
	split_down(&s);
}

static void
test_label(void **state)
{
	static uint8_t	big[65536];
	uint8_t		a[32], b[32], label[32] = { 9 };

	(void)state;
	assert_int_equal(shamir_label(SPAN_STR("x"), a, NULL), RC_OK);
	shamir_hash_to_point(SPAN_STR("x"), SPAN_STR("quorate/label/v1"), b);
	assert_memory_equal(a, b, 32);
	assert_true(shamir_is_point(a));
	assert_int_equal(shamir_label(SPAN_STR("y"), b, NULL), RC_OK);
	assert_memory_not_equal(a, b, 32);
	assert_int_equal(shamir_label(SPAN(NULL, 0), b, NULL), RC_OK);
	assert_int_equal(shamir_label(SPAN(big, 65535), b, NULL), RC_OK);
	assert_int_equal(shamir_label(SPAN(big, 65536), label, NULL), RC_FORMAT);
	assert_int_equal(label[0], 9);
}

static void
test_apply_refuses(void **state)
{
	struct split	 s;
	struct secret	*point = NULL, *k = secret_new(32), *shorter = secret_new(31);

	(void)state;
	split_up(&s, 2, 2);
	assert_int_equal(shamir_apply(s.secret, identity, &point, NULL), RC_FORMAT);
	s.label[31] |= 0x80;
	assert_int_equal(shamir_apply(s.secret, s.label, &point, NULL), RC_FORMAT);
	s.label[31] &= 0x7f;
	assert_int_equal(shamir_apply(k, s.label, &point, NULL), RC_FORMAT);
	memcpy(secret_bytes(k), order, 32);
	assert_int_equal(shamir_apply(k, s.label, &point, NULL), RC_FORMAT);
	memcpy(secret_bytes(shorter), secret_view(s.secret), 31);
	assert_int_equal(shamir_apply(shorter, s.label, &point, NULL), RC_FORMAT);
	assert_null(point);
	secret_free(k);
	secret_free(shorter);
	split_down(&s);
}

static void
test_contribute_refuses(void **state)
{
	struct split			s;
	struct shamir_contribution	c = { .index = 77 };
	uint8_t				raw[32];

	(void)state;
	split_up(&s, 2, 2);
	memset(raw, 0xff, 32);
	assert_int_equal(shamir_contribute(0, s.share[0], s.label, &c, NULL), RC_FORMAT);
	assert_int_equal(shamir_contribute(32, s.share[0], s.label, &c, NULL), RC_FORMAT);
	assert_int_equal(shamir_contribute(1, identity, s.label, &c, NULL), RC_FORMAT);
	assert_int_equal(shamir_contribute(1, order, s.label, &c, NULL), RC_FORMAT);
	assert_int_equal(shamir_contribute(1, s.share[0], identity, &c, NULL), RC_FORMAT);
	assert_int_equal(shamir_contribute(1, s.share[0], raw, &c, NULL), RC_FORMAT);
	s.label[31] |= 0x80;			/* libsodium alone would take it */
	assert_int_equal(shamir_contribute(1, s.share[0], s.label, &c, NULL), RC_FORMAT);
	s.label[31] &= 0x7f;
	assert_int_equal(c.index, 77);
	/* Two proofs of one statement differ: the nonce is fresh. */
	assert_int_equal(shamir_contribute(1, s.share[0], s.label, &c, NULL), RC_OK);
	assert_memory_equal(c.point, s.c[0].point, 32);
	assert_memory_not_equal(c.proof, s.c[0].proof, 64);
	split_down(&s);
}

/* Every bit of a contribution matters. */
static void
test_every_bit(void **state)
{
	struct split			s;
	struct shamir_contribution	c;
	uint8_t				raw[SHAMIR_CONTRIBUTION_BYTES];
	size_t				bit;
	enum rc				rc;

	(void)state;
	split_up(&s, 3, 5);
	assert_int_equal(shamir_contribution_verify(&s.c[3], &s.commits, s.label, NULL), RC_OK);
	for (bit = 0; bit < sizeof(raw) * 8; bit++) {
		shamir_contribution_write(&s.c[3], raw);
		raw[bit / 8] ^= (uint8_t)(1U << bit % 8);
		rc = shamir_contribution_parse(SPAN_OF(raw), &c, NULL);
		if (rc == RC_OK)
			rc = shamir_contribution_verify(&c, &s.commits, s.label, NULL);
		assert_true(rc == RC_FORMAT || rc == RC_VERIFY);
	}
	split_down(&s);
}

static void
test_verify_refuses(void **state)
{
	struct split			s;
	struct shamir_contribution	c;
	struct shamir_commits		commits;
	uint8_t				label[32];

	(void)state;
	split_up(&s, 3, 5);
	assert_int_equal(shamir_label(SPAN_STR("another"), label, NULL), RC_OK);
	assert_int_equal(shamir_contribution_verify(&s.c[0], &s.commits, label, NULL), RC_VERIFY);
	assert_int_equal(shamir_contribution_verify(&s.c[0], &s.commits, identity, NULL), RC_FORMAT);
	c = s.c[0];
	c.index = 2;				/* somebody else's answer */
	assert_int_equal(shamir_contribution_verify(&c, &s.commits, s.label, NULL), RC_VERIFY);
	c.index = 0;
	assert_int_equal(shamir_contribution_verify(&c, &s.commits, s.label, NULL), RC_FORMAT);
	c.index = 32;
	assert_int_equal(shamir_contribution_verify(&c, &s.commits, s.label, NULL), RC_FORMAT);
	c = s.c[0];
	memcpy(c.point, identity, 32);
	assert_int_equal(shamir_contribution_verify(&c, &s.commits, s.label, NULL), RC_FORMAT);
	c = s.c[0];
	memcpy(c.proof, order, 32);
	assert_int_equal(shamir_contribution_verify(&c, &s.commits, s.label, NULL), RC_FORMAT);
	c = s.c[0];
	memset(c.proof + 32, 0, 32);
	assert_int_equal(shamir_contribution_verify(&c, &s.commits, s.label, NULL), RC_FORMAT);
	commits = s.commits;
	memcpy(commits.point[0], identity, 32);
	assert_int_equal(shamir_contribution_verify(&s.c[0], &commits, s.label, NULL), RC_FORMAT);
	split_down(&s);
}

/* A proof under another context string proves nothing here. */
static void
test_context(void **state)
{
	struct split			s;
	struct shamir_contribution	c;
	uint8_t				public[32], nonce[32];
	struct dleq			d;

	(void)state;
	split_up(&s, 2, 2);
	c = s.c[0];
	d = (struct dleq){ SPAN_STR("quorate/contribution/v2"), public, s.label, c.point };
	assert_int_equal(crypto_scalarmult_ristretto255_base(public, s.share[0]), 0);
	dleq_nonce(&d, s.share[0], nonce);
	assert_int_equal(dleq_prove(&d, s.share[0], nonce, c.proof, NULL), RC_OK);
	assert_int_equal(dleq_verify(&d, c.proof, NULL), RC_OK);
	assert_int_equal(shamir_contribution_verify(&c, &s.commits, s.label, NULL), RC_VERIFY);
	d.context.n = DLEQ_CONTEXT_MAX + 1;
	assert_int_equal(dleq_verify(&d, c.proof, NULL), RC_BUG);
	assert_int_equal(dleq_prove(&d, s.share[0], nonce, c.proof, NULL), RC_BUG);
	split_down(&s);
}

static void
test_combine_names_the_bad(void **state)
{
	struct split	 s;
	struct secret	*point = NULL;
	struct err	 e;
	uint32_t	 bad;

	(void)state;
	split_up(&s, 3, 5);
	memcpy(s.c[1].point, s.c[2].point, 32);		/* a lie */
	memset(s.c[4].point, 0xff, 32);			/* no point at all */
	assert_int_equal(combine(&s, 0x1f, &bad, &point), RC_OK);
	assert_int_equal(bad, 1 << 1 | 1 << 4);
	assert_true(secret_eq(point, s.point));
	secret_free(point);
	point = NULL;
	assert_int_equal(combine(&s, 0x17, &bad, &point), RC_QUORUM);
	assert_int_equal(bad, 1 << 1 | 1 << 4);
	assert_null(point);
	assert_int_equal(shamir_combine(s.c, 2, &s.commits, s.label, &bad, &point, &e), RC_QUORUM);
	assert_string_equal(e.msg, "have 1 good contributions of 2, need 3");
	split_down(&s);
}

static void
test_combine_refuses(void **state)
{
	struct split			s;
	struct shamir_contribution	in[40];
	struct shamir_commits		commits;
	struct secret			*point = NULL;
	uint32_t			bad = 5;
	size_t				i;

	(void)state;
	split_up(&s, 2, 3);
	memcpy(in, s.c, sizeof(in[0]) * 3);
	in[2] = in[0];
	assert_int_equal(shamir_combine(in, 3, &s.commits, s.label, &bad, &point, NULL), RC_FORMAT);
	assert_int_equal(bad, 0);
	in[2].index = 0;
	assert_int_equal(shamir_combine(in, 3, &s.commits, s.label, &bad, &point, NULL), RC_FORMAT);
	in[2].index = 32;
	assert_int_equal(shamir_combine(in, 3, &s.commits, s.label, &bad, &point, NULL), RC_FORMAT);
	for (i = 0; i < 40; i++) {
		in[i] = s.c[0];
		in[i].index = (uint8_t)(i + 1);
	}
	assert_int_equal(shamir_combine(in, 40, &s.commits, s.label, &bad, &point, NULL), RC_FORMAT);
	assert_int_equal(shamir_combine(s.c, 3, &s.commits, identity, &bad, &point, NULL), RC_FORMAT);
	commits = s.commits;
	commits.threshold = 1;
	assert_int_equal(shamir_combine(s.c, 3, &commits, s.label, &bad, &point, NULL), RC_FORMAT);
	commits = s.commits;
	memcpy(commits.point[1], identity, 32);
	assert_int_equal(shamir_combine(s.c, 3, &commits, s.label, &bad, &point, NULL), RC_FORMAT);
	assert_null(point);
	split_down(&s);
}

static void
test_parse(void **state)
{
	struct split			s;
	struct shamir_contribution	c;
	uint8_t				raw[SHAMIR_CONTRIBUTION_BYTES + 1] = { 0 }, *copy;
	size_t				n;

	(void)state;
	split_up(&s, 2, 3);
	shamir_contribution_write(&s.c[1], raw);
	for (n = 0; n <= sizeof(raw); n++) {
		copy = heap_copy(raw, n);
		assert_int_equal(shamir_contribution_parse(SPAN(copy, n), &c, NULL),
		    n == SHAMIR_CONTRIBUTION_BYTES ? RC_OK : RC_FORMAT);
		free(copy);
	}
	assert_int_equal(c.index, 2);
	assert_memory_equal(c.point, s.c[1].point, 32);
	assert_memory_equal(c.proof, s.c[1].proof, 64);
	raw[0] = 0;
	assert_int_equal(shamir_contribution_parse(SPAN(raw, 97), &c, NULL), RC_FORMAT);
	raw[0] = 32;
	assert_int_equal(shamir_contribution_parse(SPAN(raw, 97), &c, NULL), RC_FORMAT);
	split_down(&s);
}

static void
test_no_memory(void **state)
{
	struct split		 s;
	struct secret_arena	*arena = secret_arena_new(4096);
	struct secret		*point = NULL, *secret = NULL;
	struct shamir_commits	 commits;
	uint8_t			*share[SHAMIR_SHARES_MAX];
	uint32_t		 bad;
	unsigned long		 n;
	enum rc			 rc;

	(void)state;
	split_up(&s, 3, 5);
	for (n = 1;; n++) {
		fault_at(n);
		rc = combine(&s, 0x1f, &bad, &point);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
		assert_null(point);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 1);
	secret_free(point);
	for (n = 1;; n++) {
		secret_arena_reset(arena);
		fault_at(n);
		rc = shamir_split(3, 5, arena, &secret, share, &commits, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
		assert_null(secret);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 1);
	point = NULL;
	fault_at(1);
	assert_int_equal(shamir_apply(secret, s.label, &point, NULL), RC_NOMEM);
	assert_true(fault_fired());
	assert_null(point);
	secret_free(secret);
	secret = NULL;
	while (secret_arena_take(arena, 32) != NULL)
		;
	assert_int_equal(shamir_split(3, 5, arena, &secret, share, &commits, NULL), RC_NOMEM);
	assert_null(secret);
	secret_arena_free(arena);
	split_down(&s);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_every_subset),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_too_few_say_nothing),
		cmocka_unit_test(test_fresh),
		cmocka_unit_test(test_split_numbers),
		cmocka_unit_test(test_coefficients),
		cmocka_unit_test(test_scalars_and_points),
		cmocka_unit_test(test_threshold_beyond),
		cmocka_unit_test(test_share_verify),
		cmocka_unit_test(test_label),
		cmocka_unit_test(test_apply_refuses),
		cmocka_unit_test(test_contribute_refuses),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_verify_refuses),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_combine_names_the_bad),
		cmocka_unit_test(test_combine_refuses),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_no_memory),
	};

	if (secret_init(NULL) != RC_OK)
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

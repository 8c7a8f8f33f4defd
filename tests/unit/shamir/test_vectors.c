/* Our own vectors: what docs/spec/share-v1.md and sealed-share-v1.md promise to others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "shamir/dleq.h"
#include "shamir/sealed.h"
#include "tests/unit/own.h"

static void
get_commits(const struct own *v, struct shamir_commits *ret)
{
	size_t	i;

	memset(ret, 0, sizeof(*ret));
	own_hex(v, "threshold", 0, &ret->threshold, 1);
	for (i = 0; i < own_count(v, "commitment"); i++)
		own_hex(v, "commitment", i, ret->point[i], 32);
}

static void
check_split(const struct own *v)
{
	struct secret_arena	*arena = secret_arena_new(4096);
	struct shamir_commits	 want, is;
	uint8_t			 k, n, c[SHAMIR_SHARES_MAX][32], *share[SHAMIR_SHARES_MAX], one[32], at[32];
	size_t			 i;

	assert_non_null(arena);
	get_commits(v, &want);
	k = want.threshold;
	own_hex(v, "shares", 0, &n, 1);
	assert_int_equal(own_count(v, "coefficient"), k);
	assert_int_equal(own_count(v, "share"), n);
	for (i = 0; i < k; i++)
		own_hex(v, "coefficient", i, c[i], 32);
	assert_int_equal(shamir_split_with((const uint8_t (*)[32])c, k, n, arena, share, &is, NULL), RC_OK);
	assert_memory_equal(&is, &want, sizeof(is));
	for (i = 0; i < n; i++) {
		own_hex(v, "share", i, one, 32);
		assert_memory_equal(share[i], one, 32);
		own_hex(v, "share_commitment", i, one, 32);
		assert_int_equal(shamir_share_commit(&is, (uint8_t)(i + 1), at, NULL), RC_OK);
		assert_memory_equal(at, one, 32);
	}
	secret_arena_free(arena);
}

static void
check_label(const struct own *v)
{
	uint8_t	message[1000], want[32], is[32];
	size_t	n = own_bytes(v, "message", message, sizeof(message));

	own_hex(v, "label", 0, want, 32);
	assert_int_equal(shamir_label(SPAN(message, n), is, NULL), RC_OK);
	assert_memory_equal(is, want, 32);
}

/* The good one is made again, from its nonce. */
static void
check_made(const struct own *v, const uint8_t label[32], const struct shamir_contribution *want)
{
	uint8_t				share[32], nonce[32], public[32];
	struct shamir_contribution	c;
	struct shamir_commits		commits;
	struct dleq			d = { SPAN_STR("quorate/contribution/v1"), public, label, c.point };

	if (own_text(v, "nonce", 0) == NULL)
		return;
	get_commits(v, &commits);
	own_hex(v, "share", 0, share, 32);
	own_hex(v, "nonce", 0, nonce, 32);
	assert_int_equal(shamir_share_commit(&commits, want->index, public, NULL), RC_OK);
	assert_int_equal(shamir_contribute(want->index, share, label, &c, NULL), RC_OK);
	assert_memory_equal(c.point, want->point, 32);
	assert_int_equal(dleq_prove(&d, share, nonce, c.proof, NULL), RC_OK);
	assert_memory_equal(c.proof, want->proof, 64);
}

static enum rc
get_contribution(const struct own *v, size_t i, struct shamir_contribution *ret)
{
	uint8_t		raw[200];
	struct span	text = span_str(own_text(v, "contribution", i));

	assert_true(text.n / 2 <= sizeof(raw) && hex_parse(text, raw, text.n / 2));
	return shamir_contribution_parse(SPAN(raw, text.n / 2), ret, NULL);
}

static enum rc
check_contribution(const struct own *v)
{
	struct shamir_contribution	c;
	struct shamir_commits		commits;
	uint8_t				label[32];
	enum rc				rc = get_contribution(v, 0, &c);

	get_commits(v, &commits);
	own_hex(v, "label", 0, label, 32);
	if (rc == RC_OK)
		rc = shamir_contribution_verify(&c, &commits, label, NULL);
	if (rc == RC_OK)
		check_made(v, label, &c);
	return rc;
}

static enum rc
check_combine(const struct own *v)
{
	struct shamir_contribution	in[8];
	struct shamir_commits		commits;
	struct secret			*point = NULL;
	uint8_t				label[32], want[32], index;
	uint32_t			bad, want_bad = 0;
	size_t				i, n = own_count(v, "contribution");
	enum rc				rc;

	get_commits(v, &commits);
	own_hex(v, "label", 0, label, 32);
	for (i = 0; i < n; i++)
		assert_int_equal(get_contribution(v, i, &in[i]), RC_OK);
	for (i = 0; i < own_count(v, "bad"); i++) {
		own_hex(v, "bad", i, &index, 1);
		want_bad |= UINT32_C(1) << (index - 1);
	}
	rc = shamir_combine(in, n, &commits, label, &bad, &point, NULL);
	assert_int_equal(bad, want_bad);
	if (rc == RC_OK) {
		own_hex(v, "point", 0, want, 32);
		assert_memory_equal(secret_view(point), want, 32);
		secret_free(point);
	}
	return rc;
}

static void
check_share(const struct own *v)
{
	const char	*test = own_text(v, "test", 0);
	enum rc		 rc = RC_OK;

	if (strcmp(test, "split") == 0)
		check_split(v);
	else if (strcmp(test, "label") == 0)
		check_label(v);
	else if (strcmp(test, "contribution") == 0)
		rc = check_contribution(v);
	else if (strcmp(test, "combine") == 0)
		rc = check_combine(v);
	else
		fail_msg("%s: unknown test %s", v->name, test);
	if (rc != own_expect(v))
		fail_msg("%s: %s", v->name, rc_name(rc));
}

static uint32_t
get_u32(const struct own *v, const char *key)
{
	uint8_t	be[4];

	own_hex(v, key, 0, be, 4);
	return (uint32_t)be[0] << 24 | (uint32_t)be[1] << 16 | (uint32_t)be[2] << 8 | be[3];
}

static void
check_seal_again(const struct own *v, struct sealed_key *k, const uint8_t *digest, const uint8_t *share)
{
	uint8_t	want[SEALED_SHARE_BYTES], is[SEALED_SHARE_BYTES];

	own_hex(v, "sealed", 0, want, sizeof(want));
	assert_int_equal(sealed_share_seal(k, get_u32(v, "leaf"), digest, share, is, NULL), RC_OK);
	assert_memory_equal(is, want, sizeof(is));
}

static void
check_sealed(const struct own *v)
{
	struct sealed_context	 c;
	struct sealed_key	*k = NULL;
	struct secret		*z = secret_new(32);
	uint8_t			 ephemeral[SEALED_POINT_BYTES], digest[32], sealed[SEALED_SHARE_BYTES];
	uint8_t			 share[32], want[32];
	enum rc			 rc;

	own_hex(v, "genesis", 0, c.genesis, 32);
	own_hex(v, "batch_root", 0, c.batch_root, 32);
	own_hex(v, "custodian", 0, &c.custodian, 1);
	c.epoch = get_u32(v, "epoch");
	own_hex(v, "ephemeral", 0, ephemeral, sizeof(ephemeral));
	own_hex(v, "z", 0, secret_bytes(z), 32);
	own_hex(v, "descriptor_digest", 0, digest, 32);
	own_hex(v, "sealed", 0, sealed, sizeof(sealed));
	rc = sealed_key_from_z(&c, ephemeral, z, &k, NULL);
	if (rc == RC_OK)
		rc = sealed_share_open(k, get_u32(v, "leaf"), digest, sealed, share, NULL);
	if (rc != own_expect(v))
		fail_msg("%s: %s", v->name, rc_name(rc));
	if (rc == RC_OK) {
		own_hex(v, "share", 0, want, 32);
		assert_memory_equal(share, want, 32);
		check_seal_again(v, k, digest, share);
	}
	sealed_key_free(k);
	secret_free(z);
}

static void
test_share(void **state)
{
	size_t	n = own_each("share-v1", check_share);

	(void)state;
	assert_true(own_elsewhere() ? n > 0 : n == 35);
}

static void
test_sealed(void **state)
{
	size_t	n = own_each("sealed-share-v1", check_sealed);

	(void)state;
	assert_true(own_elsewhere() ? n > 0 : n == 17);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_sealed),
	};

	if (secret_init(NULL) != RC_OK)
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

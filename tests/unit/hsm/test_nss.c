/* NSS softokn: path T on the ciphertext of path R, and the signing key it cannot make. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hsm/internal.h"
#include "tests/unit/fault.h"
#include "tests/unit/hsm/tokens.h"

static struct tokens	 t;
static struct hsm	*nss;

static int
up(void **state)
{
	(void)state;
	tokens_up(&t);
	if (nss_token(&t))
		nss = nss_open(&t, HSM_PATH_AUTO);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	hsm_close(nss);
	tokens_down(&t);
	return 0;
}

#define NEED_TOKEN()							\
	do {								\
		(void)state;						\
		if (nss == NULL) {					\
			printf("skipped: no NSS token\n");		\
			return;						\
		}							\
	} while (0)

static const uint8_t	digest[SHA256_BYTES] = { 9 };

/* The same bytes, opened by each path; and each refuses the same changes. */
static void
test_both_paths(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	AUTO(sealed_key_free) struct sealed_key *sk = NULL;
	AUTO(secret_free) struct secret *in = secret_new(32), *out = secret_new(32);
	struct sealed_context	c = { .custodian = 5, .epoch = 1 };
	uint8_t			e[SEALED_POINT_BYTES], sealed[SEALED_SHARE_BYTES];
	struct err		err;

	NEED_TOKEN();
	must(hsm_key_generate(nss, HSM_SHARE, "quorate share 1", &k, &err), &err);
	must(hsm_key_health(k, &err), &err);
	must(sealed_key_encapsulate(&c, k->public, e, &sk, &err), &err);
	/* The sealer takes each leaf once, in order. */
	for (int path = HSM_PATH_READ, first = 0; path <= HSM_PATH_TOKEN; path++, first += 20) {
		AUTO(hsm_opener_free) struct hsm_opener *o = NULL;
		uint64_t	generation = nss->m->generation;
		uint32_t	leaf = 0;

		must(hsm_opener_by(k, &c, e, (enum hsm_path)path, &o, &err), &err);
		for (uint32_t i = 0; i < 20; i++) {
			leaf = (uint32_t)first + i;
			randombytes_buf(secret_bytes(in), 32);
			must(sealed_share_seal(sk, leaf, digest, secret_view(in), sealed, &err), &err);
			must(hsm_opener_share(o, leaf, digest, sealed, secret_bytes(out), &err), &err);
			assert_true(secret_eq(in, out));
		}
		memset(secret_bytes(out), 0x5a, 32);
		for (size_t i = 0; i < sizeof(sealed); i++) {
			sealed[i] ^= 0x80;
			assert_int_equal(hsm_opener_share(o, leaf, digest, sealed, secret_bytes(out), &err),
			    RC_VERIFY);
			sealed[i] ^= 0x80;
		}
		assert_int_equal(hsm_opener_share(o, leaf - 1, digest, sealed, secret_bytes(out), &err), RC_VERIFY);
		assert_int_equal(secret_view(out)[0], 0x5a);
		must(hsm_opener_share(o, leaf, digest, sealed, secret_bytes(out), &err), &err);
		/* Bad shares, which strangers send, make no module start over. */
		assert_int_equal(nss->m->generation, generation);
	}
	must(hsm_key_destroy(k, &err), &err);
}

/* An opener outlives a recovery: it derives its key anew. */
static void
test_opener_after_recovery(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	AUTO(sealed_key_free) struct sealed_key *sk = NULL;
	AUTO(hsm_opener_free) struct hsm_opener *o = NULL;
	AUTO(secret_free) struct secret *in = secret_new(32), *out = secret_new(32);
	struct sealed_context	c = { .custodian = 5, .epoch = 1 };
	uint8_t			e[SEALED_POINT_BYTES], sealed[SEALED_SHARE_BYTES];
	struct err		err;

	NEED_TOKEN();
	must(hsm_key_generate(nss, HSM_SHARE, "recovering", &k, &err), &err);
	must(sealed_key_encapsulate(&c, k->public, e, &sk, &err), &err);
	must(hsm_opener_by(k, &c, e, HSM_PATH_TOKEN, &o, &err), &err);
	randombytes_buf(secret_bytes(in), 32);
	must(sealed_share_seal(sk, 1, digest, secret_view(in), sealed, &err), &err);
	must(hsm_module_recover(nss->m, nss->m->generation, false), &err);
	must(hsm_opener_share(o, 1, digest, sealed, secret_bytes(out), &err), &err);
	assert_true(secret_eq(in, out));
	must(hsm_key_destroy(k, &err), &err);
}

static void
test_sealed_signer(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL, *other = NULL;
	AUTO(hsm_signer_free) struct hsm_signer *made = NULL, *s = NULL;
	AUTO_DONE(buf_done) struct buf sealed = BUF_INIT(1024);
	struct span	msg = SPAN_STR("cosigned");
	uint8_t		sig[HSM_SIGNATURE_BYTES];
	struct err	err;

	NEED_TOKEN();
	must(hsm_key_generate(nss, HSM_SHARE, "sealer", &k, &err), &err);
	must(hsm_key_generate(nss, HSM_SHARE, "other", &other, &err), &err);
	assert_int_equal(hsm_signer_create(nss, "signer", NULL, &sealed, &made, &err), RC_USAGE);
	must(hsm_signer_create(nss, "signer", k, &sealed, &made, &err), &err);
	assert_int_equal(sealed.n, HSM_SEALED_SEED_BYTES);
	assert_false(hsm_signer_in_token(made));
	must(hsm_signer_open(nss, "signer", k, buf_view(&sealed), &s, &err), &err);
	must(hsm_signer_sign(s, msg, sig, &err), &err);
	assert_int_equal(crypto_sign_verify_detached(sig, msg.p, msg.n, hsm_signer_public(made)), 0);
	hsm_signer_free(TAKE(s));

	assert_int_equal(hsm_signer_open(nss, "signer", NULL, buf_view(&sealed), &s, &err), RC_USAGE);
	assert_int_equal(hsm_signer_open(nss, "signer", other, buf_view(&sealed), &s, &err), RC_VERIFY);
	assert_int_equal(hsm_signer_open(nss, "another", k, buf_view(&sealed), &s, &err), RC_VERIFY);
	for (size_t n = 1; n < sealed.n; n++) {
		uint8_t	*p = heap_copy(sealed.p, n);

		assert_int_equal(hsm_signer_open(nss, "signer", k, SPAN(p, n), &s, &err), RC_FORMAT);
		free(p);
	}
	for (size_t i = 0; i < sealed.n; i++) {
		sealed.p[i] ^= 1;
		assert_int_not_equal(hsm_signer_open(nss, "signer", k, buf_view(&sealed), &s, &err), RC_OK);
		sealed.p[i] ^= 1;
	}
	buf_u8(&sealed, 0);
	assert_int_equal(hsm_signer_open(nss, "signer", k, buf_view(&sealed), &s, &err), RC_FORMAT);
	assert_null(s);
	must(hsm_key_destroy(k, &err), &err);
	must(hsm_key_destroy(other, &err), &err);
}

/* NSS claims that its keys are not extractable, and wraps them out. */
static void
test_probe(void **state)
{
	AUTO_DONE(buf_done) struct buf report = BUF_INIT(8192);
	struct hsm_probe p;
	struct err	err;

	NEED_TOKEN();
	must(hsm_probe(nss, NULL, &p, &report, &err), &err);
	printf("%s", buf_text(&report));
	assert_true(p.ecdh && p.path_r && p.path_t && p.ecdsa);
	assert_false(p.eddsa || p.weak_claim);
	assert_true(p.extracted);
	assert_int_equal(hsm_probe_check(&p, &err), RC_DENIED);
	assert_non_null(strstr(buf_text(&report), "wrapped out"));
	assert_non_null(strstr(buf_text(&report), "lacks: CKM_EDDSA"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_paths),
		cmocka_unit_test(test_opener_after_recovery),
		cmocka_unit_test(test_sealed_signer),
		cmocka_unit_test(test_probe),
	};

	return cmocka_run_group_tests(tests, up, down);
}

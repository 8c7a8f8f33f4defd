/* A token that goes away and comes back; a PIN that is wrong; many callers at once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hsm/internal.h"
#include "tests/unit/hsm/tokens.h"

static struct tokens	t;
static bool		there;

static int
up(void **state)
{
	(void)state;
	tokens_up(&t);
	there = softhsm_token("one") && softhsm_token("two");
	return 0;
}

static int
down(void **state)
{
	(void)state;
	tokens_down(&t);
	return 0;
}

#define NEED_TOKEN()							\
	do {								\
		(void)state;						\
		if (!there) {						\
			printf("skipped: no SoftHSM token\n");		\
			return;						\
		}							\
	} while (0)

static void
move_tokens(const char *from, const char *to)
{
	char	a[128], b[128];

	snprintf(a, sizeof(a), "%s/%s", t.dir, from);
	snprintf(b, sizeof(b), "%s/%s", t.dir, to);
	assert_int_equal(rename(a, b), 0);
}

static void
pause_over(void)
{
	struct timespec	ts = { 0, (HSM_RECOVERY_PAUSE_MS + 20) * 1000000L };

	nanosleep(&ts, NULL);
}

/* ---- away and back ---- */

static void
test_away_and_back(void **state)
{
	AUTO(hsm_close) struct hsm *h = NULL, *neighbour = NULL;
	AUTO(hsm_key_free) struct hsm_key *k = NULL, *share = NULL, *theirs = NULL;
	struct err	err;
	uint64_t	generation;

	NEED_TOKEN();
	h = softhsm_open(&t, "one", HSM_PATH_AUTO);
	neighbour = softhsm_open(&t, "two", HSM_PATH_AUTO);
	must(hsm_key_generate(h, HSM_SIGN_ED25519, "sign", &k, &err), &err);
	must(hsm_key_generate(h, HSM_SHARE, "share", &share, &err), &err);
	must(hsm_key_generate(neighbour, HSM_SIGN_P256, "sign", &theirs, &err), &err);
	generation = h->m->generation;

	move_tokens("soft", "away");
	pause_over();
	assert_int_equal(hsm_key_health(k, &err), RC_IO);
	assert_int_equal(hsm_key_health(share, &err), RC_IO);
	pause_over();
	assert_int_equal(hsm_key_health(k, &err), RC_IO);
	assert_false(h->pin_refused);

	move_tokens("away", "soft");
	pause_over();
	must(hsm_key_health(k, &err), &err);
	must(hsm_key_health(share, &err), &err);
	must(hsm_key_health(theirs, &err), &err);
	assert_true(h->m->generation > generation);
	/* Who saw an older start finds that somebody was quicker. */
	generation = h->m->generation;
	pause_over();
	must(hsm_module_recover(h->m, generation - 1, false), &err);
	assert_int_equal(h->m->generation, generation);
	must(hsm_key_destroy(k, &err), &err);
	must(hsm_key_destroy(share, &err), &err);
	must(hsm_key_destroy(theirs, &err), &err);
}

/* While it is away, calls fail at once and do not start the module over each time. */
static void
test_pause(void **state)
{
	AUTO(hsm_close) struct hsm *h = NULL;
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	struct err	err;
	uint64_t	before;

	NEED_TOKEN();
	h = softhsm_open(&t, "one", HSM_PATH_AUTO);
	must(hsm_key_generate(h, HSM_SIGN_P256, "sign", &k, &err), &err);
	move_tokens("soft", "away");
	pause_over();
	/* SoftHSM does not even start without its folder. */
	assert_int_equal(hsm_module_recover(h->m, h->m->generation, false), RC_IO);
	before = h->m->generation;
	for (int i = 0; i < 20; i++)
		assert_int_equal(hsm_key_health(k, &err), RC_IO);
	assert_true(h->m->generation - before <= 2);
	move_tokens("away", "soft");
	pause_over();
	must(hsm_key_health(k, &err), &err);
	must(hsm_key_destroy(k, &err), &err);
}

/* All sessions closed behind our back: by another user of the module, or an unplugged card. */
static void
test_sessions_lost(void **state)
{
	AUTO(hsm_close) struct hsm *h = NULL;
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	struct err	err;

	NEED_TOKEN();
	h = softhsm_open(&t, "one", HSM_PATH_AUTO);
	must(hsm_key_generate(h, HSM_SIGN_P256, "sign", &k, &err), &err);
	must(hsm_key_health(k, &err), &err);
	pause_over();
	assert_int_equal(h->m->f->C_CloseAllSessions(h->slot), CKR_OK);
	must(hsm_key_health(k, &err), &err);
	must(hsm_key_destroy(k, &err), &err);
}

/* The token came back as another one, with another key under the same name. */
static void
test_changed(void **state)
{
	AUTO(hsm_close) struct hsm *h = NULL;
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	uint8_t		sig[HSM_SIGNATURE_BYTES];
	struct err	err;

	NEED_TOKEN();
	h = softhsm_open(&t, "one", HSM_PATH_AUTO);
	must(hsm_key_generate(h, HSM_SIGN_P256, "sign", &k, &err), &err);
	k->public[40] ^= 1;		/* as if we had known another */
	k->generation = 0;
	assert_int_equal(hsm_sign_p256(k, SPAN_STR("x"), sig, &err), RC_VERIFY);
	assert_non_null(strstr(err.msg, "another key"));
	k->public[40] ^= 1;
	must(hsm_key_destroy(k, &err), &err);
}

/* ---- which token ---- */

static void
test_which_token(void **state)
{
	struct hsm_uri		 u = uri_of("three", "");
	struct hsm_config	 c = { .module = softhsm_module(), .uri = &u, .pin_file = t.pin_file };
	struct hsm		*h = NULL;
	CK_TOKEN_INFO		 info;
	struct err		 err;

	NEED_TOKEN();
	assert_int_equal(hsm_open(&c, &h, &err), RC_MISSING);
	assert_non_null(strstr(err.msg, "no token three"));
	/* A label is compared whole. */
	u = uri_of("on", "");
	assert_int_equal(hsm_open(&c, &h, &err), RC_MISSING);
	u = uri_of("", "");
	assert_int_equal(hsm_open(&c, &h, &err), RC_USAGE);
	u = uri_of("one", "");
	strcpy(u.model, "another");
	assert_int_equal(hsm_open(&c, &h, &err), RC_MISSING);
	u = uri_of("one", "");
	must(hsm_open(&c, &h, &err), &err);
	assert_int_equal(h->m->f->C_GetTokenInfo(h->slot, &info), CKR_OK);
	memcpy(u.serial, info.serialNumber, 16);
	hsm_close(TAKE(h));
	u.token[0] = '\0';
	must(hsm_open(&c, &h, &err), &err);
	hsm_close(TAKE(h));
	c.module = "softhsm2.so";
	assert_int_equal(hsm_open(&c, &h, &err), RC_USAGE);
	c.module = "/nonexistent/p11.so";
	assert_int_equal(hsm_open(&c, &h, &err), RC_USAGE);
	c.module = softhsm_module();
	c.pin_file = NULL;
	assert_int_equal(hsm_open(&c, &h, &err), RC_USAGE);
	assert_non_null(strstr(err.msg, "needs a PIN"));
	c.pin_file = "/nonexistent/pin";
	assert_int_equal(hsm_open(&c, &h, &err), RC_MISSING);
	assert_null(h);
}

/* A token that was made just now is found, also right after a recovery. */
static void
test_new_token(void **state)
{
	AUTO(hsm_close) struct hsm *h = NULL, *late = NULL;

	NEED_TOKEN();
	h = softhsm_open(&t, "one", HSM_PATH_AUTO);
	assert_true(softhsm_token("late"));
	h->m->next_try_ms = INT64_MAX;	/* as long a pause as can be */
	late = softhsm_open(&t, "late", HSM_PATH_AUTO);
	assert_non_null(late);
}

static void
test_same_name_twice(void **state)
{
	struct hsm_uri		 u = uri_of("double", "");
	struct hsm_config	 c = { .module = softhsm_module(), .uri = &u, .pin_file = t.pin_file };
	struct hsm		*h = NULL;
	struct err		 err;

	NEED_TOKEN();
	assert_true(softhsm_token("double") && softhsm_token("double"));
	assert_int_equal(hsm_open(&c, &h, &err), RC_FORMAT);
	assert_non_null(strstr(err.msg, "more than one"));
}

/* ---- the PIN ---- */

/* Counts logins by standing before the module's own C_Login. */
static CK_FUNCTION_LIST	counting;
static CK_FUNCTION_LIST	*real;
static unsigned		logins;

static CK_RV
count_login(CK_SESSION_HANDLE s, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG n)
{
	logins++;
	return real->C_Login(s, user, pin, n);
}

static void
test_wrong_pin(void **state)
{
	struct hsm_uri		 u = uri_of("one", "");
	struct hsm_config	 c = {
		.module = softhsm_module(), .uri = &u, .pin_file = t.wrong_pin_file, .pin_guard = t.guard,
	};
	AUTO(hsm_close) struct hsm *keep = NULL, *h = NULL;
	struct err		 err;

	NEED_TOKEN();
	/* Another token keeps the module up, so that its functions can be stood before. */
	keep = softhsm_open(&t, "two", HSM_PATH_AUTO);
	real = keep->m->f;
	counting = *real;
	counting.C_Login = count_login;
	keep->m->f = &counting;

	logins = 0;
	assert_int_equal(hsm_open(&c, &h, &err), RC_DENIED);
	assert_int_equal(logins, 1);
	assert_null(strstr(err.msg, "wr0ng"));
	/* As after a restart: the same PIN is not tried, however often. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(hsm_open(&c, &h, &err), RC_DENIED);
	assert_int_equal(logins, 1);
	assert_non_null(strstr(err.msg, t.guard));
	/* A corrected one is, and then nothing is remembered. */
	c.pin_file = t.pin_file;
	must(hsm_open(&c, &h, &err), &err);
	assert_int_equal(logins, 2);
	assert_int_equal(access(t.guard, F_OK), -1);

	keep->m->f = real;
}

/* Refused after a recovery, when the PIN was changed meanwhile: once, and never again. */
static void
test_pin_changed(void **state)
{
	AUTO(hsm_close) struct hsm *keep = NULL, *h = NULL;
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	struct err	err;

	NEED_TOKEN();
	keep = softhsm_open(&t, "two", HSM_PATH_AUTO);
	h = softhsm_open(&t, "one", HSM_PATH_AUTO);
	must(hsm_key_generate(h, HSM_SIGN_P256, "pin", &k, &err), &err);
	real = keep->m->f;
	counting = *real;
	counting.C_Login = count_login;
	keep->m->f = &counting;
	secret_bytes(h->pin)[0] ^= 1;
	pause_over();
	must(hsm_module_recover(h->m, h->m->generation, false), &err);
	logins = 0;
	for (int i = 0; i < 5; i++)
		assert_int_equal(hsm_key_health(k, &err), RC_DENIED);
	assert_int_equal(logins, 1);
	keep->m->f = real;
}

/* ---- many at once ---- */

#define THREADS	4
#define ROUNDS	60

static struct hsm_key	*shared_share, *shared_sign;
static atomic_bool	 failed;

static void *
worker(void *arg)
{
	struct sealed_context	c = { .custodian = 2, .epoch = 1 };
	uint8_t			d[SHA256_BYTES] = { 1 }, sealed[SEALED_SHARE_BYTES];
	uint8_t			e[SEALED_POINT_BYTES];
	AUTO(secret_free) struct secret *in = secret_new(32), *out = secret_new(32);
	struct err		err;

	(void)arg;
	for (int i = 0; i < ROUNDS && !failed; i++) {
		AUTO(sealed_key_free) struct sealed_key *sk = NULL;
		AUTO(hsm_opener_free) struct hsm_opener *o = NULL;

		randombytes_buf(secret_bytes(in), 32);
		if (sealed_key_encapsulate(&c, shared_share->public, e, &sk, &err) != RC_OK ||
		    sealed_share_seal(sk, 1, d, secret_view(in), sealed, &err) != RC_OK ||
		    hsm_opener_new(shared_share, &c, e, &o, &err) != RC_OK ||
		    hsm_opener_share(o, 1, d, sealed, secret_bytes(out), &err) != RC_OK ||
		    !secret_eq(in, out) || hsm_key_health(shared_sign, &err) != RC_OK) {
			fprintf(stderr, "%s\n", err.msg);
			failed = true;
		}
	}
	return NULL;
}

static void
test_threads(void **state)
{
	AUTO(hsm_close) struct hsm *h = NULL;
	pthread_t	th[THREADS];
	struct err	err;

	NEED_TOKEN();
	h = softhsm_open(&t, "two", HSM_PATH_AUTO);
	must(hsm_key_generate(h, HSM_SHARE, "threads share", &shared_share, &err), &err);
	must(hsm_key_generate(h, HSM_SIGN_ED25519, "threads sign", &shared_sign, &err), &err);
	h->limit = 2;			/* fewer sessions than threads: they wait */
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&th[i], NULL, worker, NULL), 0);
	/* And the module starts over under their hands. */
	for (int i = 0; i < 3; i++) {
		pause_over();
		must(hsm_module_recover(h->m, h->m->generation, false), &err);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(th[i], NULL);
	assert_false(failed);
	assert_int_equal(h->in_use, 0);
	must(hsm_key_destroy(shared_share, &err), &err);
	must(hsm_key_destroy(shared_sign, &err), &err);
	hsm_key_free(shared_share);
	hsm_key_free(shared_sign);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_away_and_back),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_sessions_lost),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_which_token),
		cmocka_unit_test(test_new_token),
		cmocka_unit_test(test_same_name_twice),
		cmocka_unit_test(test_wrong_pin),
		cmocka_unit_test(test_pin_changed),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, up, down);
}

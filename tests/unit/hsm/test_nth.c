/*
 * The nth call of a token fails, for each n: what was to be done is done at once or when
 * it is asked for again, and nothing is left in the token that would stand in its way.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "hsm/internal.h"
#include "tests/unit/hsm/tokens.h"

#define MARK	"quorate nth test"

static struct tokens	 t;
static struct hsm	*soft;
static CK_FUNCTION_LIST	*real, stand_in;
static unsigned		 left;		/* calls until it fails; 0: none does */
static bool		 for_good;	/* and so does every later one */
static CK_RV		 answer;

static bool
fails(void)
{
	if (left == 0)
		return false;
	if (left > 1) {
		left--;
		return false;
	}
	if (!for_good)
		left = 0;
	return true;
}

#define BEFORE(fn, parameters, arguments)				\
	static CK_RV							\
	my_##fn parameters						\
	{								\
		return fails() ? answer : real->fn arguments;		\
	}

#define SESSION	CK_SESSION_HANDLE s
#define OBJECT	CK_OBJECT_HANDLE o
#define BYTES	unsigned char

BEFORE(C_OpenSession, (CK_SLOT_ID slot, CK_FLAGS f, void *p, CK_NOTIFY notify, CK_SESSION_HANDLE *ret),
    (slot, f, p, notify, ret))
BEFORE(C_Login, (SESSION, CK_USER_TYPE u, BYTES *pin, CK_ULONG n), (s, u, pin, n))
BEFORE(C_FindObjectsInit, (SESSION, CK_ATTRIBUTE *a, CK_ULONG n), (s, a, n))
BEFORE(C_FindObjects, (SESSION, CK_OBJECT_HANDLE *o, CK_ULONG n, CK_ULONG *ret), (s, o, n, ret))
BEFORE(C_FindObjectsFinal, (SESSION), (s))
BEFORE(C_GetAttributeValue, (SESSION, OBJECT, CK_ATTRIBUTE *a, CK_ULONG n), (s, o, a, n))
BEFORE(C_SetAttributeValue, (SESSION, OBJECT, CK_ATTRIBUTE *a, CK_ULONG n), (s, o, a, n))
BEFORE(C_CreateObject, (SESSION, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *ret), (s, a, n, ret))
BEFORE(C_DestroyObject, (SESSION, OBJECT), (s, o))
BEFORE(C_GenerateKeyPair, (SESSION, CK_MECHANISM *m, CK_ATTRIBUTE *a, CK_ULONG n, CK_ATTRIBUTE *b, CK_ULONG k,
    CK_OBJECT_HANDLE *x, CK_OBJECT_HANDLE *y), (s, m, a, n, b, k, x, y))
BEFORE(C_DeriveKey, (SESSION, CK_MECHANISM *m, OBJECT, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *ret),
    (s, m, o, a, n, ret))
BEFORE(C_SignInit, (SESSION, CK_MECHANISM *m, OBJECT), (s, m, o))
BEFORE(C_Sign, (SESSION, BYTES *in, CK_ULONG n, BYTES *out, CK_ULONG *ret), (s, in, n, out, ret))

static int
up(void **state)
{
	(void)state;
	tokens_up(&t);
	if (!softhsm_token("alpha"))
		return 0;
	soft = softhsm_open(&t, "alpha", HSM_PATH_READ);
	real = soft->m->f;
	stand_in = *real;
#define US(fn)	stand_in.fn = my_##fn
	US(C_OpenSession), US(C_Login), US(C_FindObjectsInit), US(C_FindObjects), US(C_FindObjectsFinal);
	US(C_GetAttributeValue), US(C_SetAttributeValue), US(C_CreateObject), US(C_DestroyObject);
	US(C_GenerateKeyPair), US(C_DeriveKey), US(C_SignInit), US(C_Sign);
	soft->m->f = &stand_in;
	return 0;
}

static int
down(void **state)
{
	(void)state;
	hsm_close(soft);
	tokens_down(&t);
	return 0;
}

typedef enum rc	(*thing)(void *arg, struct err *err);

static const struct {
	CK_RV	answer;
	bool	for_good;
} ways[] = {
	{ CKR_FUNCTION_FAILED, false }, { CKR_DEVICE_REMOVED, true }, { CKR_SESSION_HANDLE_INVALID, false },
	{ CKR_HOST_MEMORY, false }, { CKR_DEVICE_MEMORY, true },
};

/*
 * The nth call from now on fails in one of the ways: `thing` may fail, and then not as if it had
 * been refused. `after` looks at what is left. Ends with the n that nothing reaches any more.
 */
static void
each_call(size_t way, thing f, thing after, void *arg)
{
	struct err	err;
	enum rc		rc;
	unsigned	n, failed = 0;

	for (n = 1; n < 400; n++) {
		bool	reached;

		soft->m->next_try_ms = 0;	/* no pause before a recovery */
		answer = ways[way].answer;
		for_good = ways[way].for_good;
		left = n;
		rc = f(arg, &err);
		reached = for_good ? left == 1 : left == 0;
		left = 0;
		soft->m->next_try_ms = 0;
		if (rc != RC_OK && rc != RC_IO && rc != RC_NOMEM)
			fail_msg("call %u, way %zu: %s", n, way, err.msg);
		failed += rc != RC_OK;
		must(after(arg, &err), &err);
		if (!reached)
			break;
	}
	assert_true(n > 1 && n < 400);
	/* What fails once may be mended by a recovery; what fails for good may not. */
	assert_true(failed > 0 || !ways[way].for_good);
}

#define EACH_WAY(f, after, arg)						\
	do {								\
		(void)state;						\
		if (soft == NULL) {					\
			printf("skipped: no SoftHSM token\n");		\
			return;						\
		}							\
		for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) \
			each_call(w, f, after, arg);			\
	} while (0)

/* ---- a key is made ---- */

static enum rc
generate(void *arg, struct err *err)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;

	(void)arg;
	return hsm_key_generate(soft, HSM_SIGN_P256, "nth", &k, err);
}

/* Made, or not: but not twice, and what is there is whole. */
static enum rc
one_or_none(void *arg, struct err *err)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	enum rc	rc = hsm_key_find_label(soft, "nth", HSM_SIGN_P256, &k, err);

	if (rc == RC_MISSING) {
		TRY(generate(arg, err));
		TRY(hsm_key_find_label(soft, "nth", HSM_SIGN_P256, &k, err));
	} else if (rc != RC_OK)
		return rc;
	TRY(hsm_key_health(k, err));
	return hsm_key_destroy(k, err);
}

static void
test_generate(void **state)
{
	EACH_WAY(generate, one_or_none, NULL);
}

/* ---- it signs, and opens shares ---- */

static enum rc
health(void *arg, struct err *err)
{
	return hsm_key_health(arg, err);
}

static void
use(enum hsm_kind kind)
{
	struct hsm_key	*k = NULL;
	struct err	 err;
	void		*state = NULL;

	if (soft != NULL)
		must(hsm_key_generate(soft, kind, "used", &k, &err), &err);
	EACH_WAY(health, health, k);
	must(hsm_key_destroy(k, &err), &err);
	hsm_key_free(k);
}

static void
test_use(void **state)
{
	(void)state;
	use(HSM_SIGN_P256);
	use(HSM_SIGN_ED25519);
	use(HSM_SHARE);
}

/* ---- it keeps marks ---- */

struct marking {
	uint8_t	value[HSM_MARK_MAX];	/* the highest that may be there; its owner is 7 */
	uint8_t	sure;			/* the highest that must be */
};

static enum rc
mark(void *arg, struct err *err)
{
	struct marking	*m = arg;

	memset(m->value, m->value[HSM_MARK_OWNER] + 1, sizeof(m->value));
	memset(m->value, 7, HSM_MARK_OWNER);
	TRY(hsm_mark_write(soft, MARK, SPAN_OF(m->value), m->sure == 0, err));
	m->sure = m->value[HSM_MARK_OWNER];
	return RC_OK;
}

/* The highest is never lower than the last that was said to be written. */
static enum rc
not_lost(void *arg, struct err *err)
{
	const struct marking	*m = arg;
	struct hsm_mark		 got[HSM_MARKS_MAX];
	uint8_t			 highest = 0;
	size_t			 n;

	TRY(hsm_mark_read(soft, MARK, got, &n, err));
	for (size_t i = 0; i < n; i++)
		if (got[i].bytes[HSM_MARK_OWNER] > highest)
			highest = got[i].bytes[HSM_MARK_OWNER];
	assert_true(n <= 3);
	assert_true(highest >= m->sure && highest <= m->value[HSM_MARK_OWNER]);
	return RC_OK;
}

static void
test_mark(void **state)
{
	struct marking	m = { .sure = 0 };
	struct err	err;

	if (soft != NULL)
		must(mark(&m, &err), &err);
	EACH_WAY(mark, not_lost, &m);
	must(hsm_mark_sweep(soft, MARK, NULL, &err), &err);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generate),
		cmocka_unit_test(test_use),
		cmocka_unit_test(test_mark),
	};

	return cmocka_run_group_tests(tests, up, down);
}

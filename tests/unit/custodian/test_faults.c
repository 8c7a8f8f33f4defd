/* Memory that runs out and tokens that fail, at each call in turn, while a custodian takes entries and contributes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hsm/internal.h"
#include "tests/unit/custodian/sealing.h"
#include "tests/unit/fault.h"

#define BIG	((size_t)1 << 22)

static struct bench_place	place;
static struct bench		b;
static uint8_t			request[32], order[32];

static int
up(void **state)
{
	(void)state;
	bench_up(&b, &place);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	bench_down(&b);
	return 0;
}

static void
ok(enum rc rc, const struct err *err)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err->msg);
}

static void
ordered(void)
{
	b.net.now = clock_now() - 60;
	bench_order(&b, bench_seal(&b, "standard"), "standard", request, order);
	bench_sync(&b, 4);
}

/* ---- calls of the token ---- */

static CK_FUNCTION_LIST	*real, stand_in;
static unsigned		 left;	/* calls until one fails; 0: none does */
static bool		 fired;

static bool
fails(void)
{
	fired = fired || left == 1;
	return left > 0 && left-- == 1;
}

#define BEFORE(fn, parameters, arguments)				\
	static CK_RV							\
	my_##fn parameters						\
	{								\
		return fails() ? CKR_FUNCTION_REJECTED : real->fn arguments; \
	}

#define SESSION	CK_SESSION_HANDLE s
#define OBJECT	CK_OBJECT_HANDLE o
#define BYTES	unsigned char

BEFORE(C_FindObjectsInit, (SESSION, CK_ATTRIBUTE *a, CK_ULONG n), (s, a, n))
BEFORE(C_GetAttributeValue, (SESSION, OBJECT, CK_ATTRIBUTE *a, CK_ULONG n), (s, o, a, n))
BEFORE(C_DeriveKey, (SESSION, CK_MECHANISM *m, OBJECT, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *ret),
    (s, m, o, a, n, ret))
BEFORE(C_SignInit, (SESSION, CK_MECHANISM *m, OBJECT), (s, m, o))
BEFORE(C_Sign, (SESSION, BYTES *in, CK_ULONG n, BYTES *out, CK_ULONG *ret), (s, in, n, out, ret))

/* No recovery is in the way: the failing call is the last of its kind for a while. */
static void
stand_before(void)
{
	real = place.hsm->m->f;
	stand_in = *real;
	stand_in.C_FindObjectsInit = my_C_FindObjectsInit;
	stand_in.C_GetAttributeValue = my_C_GetAttributeValue;
	stand_in.C_DeriveKey = my_C_DeriveKey;
	stand_in.C_SignInit = my_C_SignInit;
	stand_in.C_Sign = my_C_Sign;
	place.hsm->m->f = &stand_in;
	place.hsm->m->next_try_ms = INT64_MAX;
}

static void
stand_aside(void)
{
	left = 0;
	place.hsm->m->f = real;
	place.hsm->m->next_try_ms = 0;
}

/* ---- contributing ---- */

static enum rc
contribute(struct err *err)
{
	Quorate__V1__ContributeRequest	q = QUORATE__V1__CONTRIBUTE_REQUEST__INIT;
	AUTO_DONE(buf_done) struct buf	reply = BUF_INIT(BIG);
	uint8_t				bytes[64];

	q.order = (ProtobufCBinaryData){ sizeof(order), order };
	return custody_contribute(&b.c, SPAN(bytes, quorate__v1__contribute_request__pack(&q, bytes)), &reply, err);
}

/* What failed is an error of ours, and nothing is promised by it; asked again, it goes on. */
static void
it_failed(enum rc rc, unsigned long n, const struct err *err)
{
	if (rc != RC_NOMEM && rc != RC_IO)
		fail_msg("call %lu: %s: %s", n, rc_name(rc), err->msg);
	assert_false(bench_journalled(&b, JOURNAL_ANSWER, order));
}

static void
no_memory_to_contribute(void **state)
{
	struct err	err;
	unsigned long	n, failed = 0;
	bool		reached = true;
	enum rc		rc;

	(void)state;
	ordered();
	for (n = 1; reached; n++) {
		fault_at(n);
		rc = contribute(&err);
		reached = fault_fired();
		if (rc != RC_OK) {
			it_failed(rc, n, &err);
			failed++;
		} else if (reached)
			ordered();	/* it could do without */
	}
	ok(rc, &err);
	assert_true(failed > 10);
	assert_true(bench_journalled(&b, JOURNAL_ANSWER, order));
}

static void
no_token_to_contribute(void **state)
{
	struct err	err;
	unsigned	n, failed = 0;
	enum rc		rc = RC_BUG;

	(void)state;
	ordered();
	stand_before();
	for (n = 1, fired = true; fired; n++) {
		fired = false;
		left = n;
		rc = contribute(&err);
		if (rc != RC_OK) {
			it_failed(rc, n, &err);
			/* The act comes before the share is touched, and stays. */
			assert_true(bench_journalled(&b, JOURNAL_ACT, order));
			failed++;
		}
	}
	stand_aside();
	ok(rc, &err);
	assert_true(failed > 0);
	assert_true(bench_journalled(&b, JOURNAL_ANSWER, order));
}

/* ---- taking entries ---- */

static enum rc
append(struct span message, struct buf *reply, struct err *err)
{
	buf_reset(reply);
	return custody_append(&b.c, message, reply, err);
}

/* Its own fault is no fault of the log's: it is not frozen, for it goes on when it is sent the same again. */
static void
not_the_logs_fault(enum rc rc, unsigned long n, const struct err *err)
{
	if (rc != RC_NOMEM && rc != RC_IO)
		fail_msg("call %lu: %s: %s", n, rc_name(rc), err->msg);
}

static void
no_memory_for_entries(void **state)
{
	AUTO_DONE(buf_done) struct buf	message = BUF_INIT(BIG), reply = BUF_INIT(BIG);
	struct bench_sending		s;
	struct err			err;
	unsigned long			n, failed = 0;
	bool				reached = true;
	enum rc				rc;

	(void)state;
	bench_seal(&b, "standard");
	s = bench_sending(&b);
	bench_pack(&b, &s, &message);
	for (n = 1; reached; n++) {
		fault_at(n);
		rc = append(buf_view(&message), &reply, &err);
		reached = fault_fired();
		if (rc != RC_OK) {
			not_the_logs_fault(rc, n, &err);
			failed++;
		}
	}
	ok(rc, &err);
	assert_true(failed > 10);
	assert_int_equal(store_size(b.c.store), b.net.range.size);
}

static void
no_token_to_cosign(void **state)
{
	AUTO_DONE(buf_done) struct buf	message = BUF_INIT(BIG), reply = BUF_INIT(BIG);
	struct bench_sending		s;
	struct err			err;
	unsigned			n, failed = 0;
	enum rc				rc = RC_BUG;

	(void)state;
	bench_seal(&b, "standard");
	s = bench_sending(&b);
	bench_pack(&b, &s, &message);
	stand_before();
	for (n = 1, fired = true; fired; n++) {
		fired = false;
		left = n;
		rc = append(buf_view(&message), &reply, &err);
		if (rc != RC_OK) {
			not_the_logs_fault(rc, n, &err);
			failed++;
		}
	}
	stand_aside();
	ok(rc, &err);
	assert_true(failed > 0);
	assert_int_equal(store_size(b.c.store), b.net.range.size);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest	tests[] = {
		TEST(no_memory_to_contribute),
		TEST(no_token_to_contribute),
		TEST(no_memory_for_entries),
		TEST(no_token_to_cosign),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}

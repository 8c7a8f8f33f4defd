/* No second order while what came of the first still stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "coordinator/refusals.h"

static const uint8_t	a[SHA256_BYTES] = { 'a' }, b[SHA256_BYTES] = { 'b' };
static const struct err	denied = { RC_DENIED, "custodian 3: no" }, unsure = { RC_UNSURE, "away" };

static void
stands_for_a_while(void **state)
{
	static struct refusals	r;
	const struct refusal	*f;

	(void)state;
	assert_null(refusals_find(&r, a, 1000));
	refusals_put(&r, a, &denied, "custodians-refuse", 1000);
	f = refusals_find(&r, a, 1000 + REFUSED_MS - 1);
	assert_non_null(f);
	assert_string_equal(f->err.msg, denied.msg);
	assert_string_equal(f->why, "custodians-refuse");
	assert_null(refusals_find(&r, a, 1000 + REFUSED_MS));
	assert_null(refusals_find(&r, b, 1000));
	refusals_put(&r, b, &unsure, "", 1000);
	assert_non_null(refusals_find(&r, b, 1000 + FAILED_MS - 1));
	assert_null(refusals_find(&r, b, 1000 + FAILED_MS));
	refusals_forget(&r, a);
	assert_null(refusals_find(&r, a, 1000));
}

static void
longer_each_time_and_not_for_ever(void **state)
{
	static struct refusals	r;
	uint64_t		now = 1000, ms = REFUSED_MS;
	unsigned		i;

	(void)state;
	for (i = 0; i < 10; i++) {
		refusals_put(&r, a, &denied, "", now);
		assert_int_equal(refusals_find(&r, a, now)->until, now + ms);
		now += ms;
		if (ms < REFUSED_MS * REFUSALS_TIMES)
			ms *= 2;
	}
	now += REFUSED_MS * REFUSALS_TIMES + 1;	/* nobody asked for long */
	refusals_put(&r, a, &denied, "", now);
	assert_int_equal(refusals_find(&r, a, now)->until, now + REFUSED_MS);
}

static void
many_requests_take_no_more_room(void **state)
{
	static struct refusals	r;
	uint8_t			id[SHA256_BYTES] = { 0 };
	unsigned		i;

	(void)state;
	for (i = 0; i < 3 * REFUSALS_MAX; i++) {
		id[0] = (uint8_t)i;
		id[1] = 1;
		refusals_put(&r, id, &denied, "", 1000 + i);
		assert_non_null(refusals_find(&r, id, 1000 + i));
	}
	for (i = 0; i < REFUSALS_MAX; i++) {
		id[0] = (uint8_t)(2 * REFUSALS_MAX + i);
		assert_non_null(refusals_find(&r, id, 2000));	/* the newest are kept */
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(stands_for_a_while),
		cmocka_unit_test(longer_each_time_and_not_for_ever),
		cmocka_unit_test(many_requests_take_no_more_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

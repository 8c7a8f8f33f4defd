#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/err.h"

static void
test_set(void **state)
{
	struct err	e;

	(void)state;
	assert_int_equal(err_set(&e, RC_DENIED, "have %d, need %d", 2, 3), RC_DENIED);
	assert_int_equal(e.rc, RC_DENIED);
	assert_string_equal(e.msg, "have 2, need 3");
	assert_int_equal(err_set(NULL, RC_BUG, "nobody listens"), RC_BUG);
}

static void
test_cut(void **state)
{
	struct err	e;
	char		big[2 * ERR_MSG_BYTES];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&e, RC_IO, "%s", big);
	assert_int_equal(strlen(e.msg), ERR_MSG_BYTES - 1);
	err_wrap(&e, RC_IO, "why");
	assert_int_equal(strlen(e.msg), ERR_MSG_BYTES - 1);
	assert_memory_equal(e.msg, "why: xxx", 8);
	err_wrap(&e, RC_IO, "%s", big);
	assert_int_equal(strlen(e.msg), ERR_MSG_BYTES - 1);
	big[ERR_MSG_BYTES - 3] = '\0';			/* room for ": " and no word more */
	err_set(&e, RC_IO, "y");
	err_wrap(&e, RC_IO, "%s", big);
	assert_int_equal(strlen(e.msg), ERR_MSG_BYTES - 3);
}

static void
test_wrap(void **state)
{
	struct err	e;

	(void)state;
	err_set(&e, RC_VERIFY, "bad tag");
	assert_int_equal(err_wrap(&e, RC_IO, "release %d", 7), RC_IO);
	assert_int_equal(e.rc, RC_IO);
	assert_string_equal(e.msg, "release 7: bad tag");
	err_set(&e, RC_VERIFY, "%s", "");
	err_wrap(&e, RC_VERIFY, "alone");
	assert_string_equal(e.msg, "alone");
	assert_int_equal(err_wrap(NULL, RC_LIMIT, "nobody listens"), RC_LIMIT);
}

static void
test_names(void **state)
{
	int	i, j;

	(void)state;
	for (i = RC_OK; i <= RC_BUG; i++)
		for (j = RC_OK; j < i; j++)
			assert_string_not_equal(rc_name((enum rc)i), rc_name((enum rc)j));
	assert_string_equal(rc_name(RC_VERIFY), "verify");
	assert_string_equal(rc_name((enum rc)99), "unknown");
}

static enum rc
tries(enum rc rc, int *reached)
{
	TRY(rc);
	(*reached)++;
	return RC_OK;
}

static int	freed;

static void
thing_free(int *p)
{
	(void)p;
	freed++;
}

DEFINE_AUTO(thing_free, int);

static int *
takes(int *p, int hand_over)
{
	AUTO(thing_free) int	*own = p;

	return hand_over ? TAKE(own) : NULL;
}

static void
test_try_and_auto(void **state)
{
	int	reached = 0, x;

	(void)state;
	assert_int_equal(tries(RC_QUORUM, &reached), RC_QUORUM);
	assert_int_equal(reached, 0);
	assert_int_equal(tries(RC_OK, &reached), RC_OK);
	assert_int_equal(reached, 1);
	assert_null(takes(&x, 0));
	assert_int_equal(freed, 1);
	assert_ptr_equal(takes(&x, 1), &x);
	assert_int_equal(freed, 1);
	assert_null(takes(NULL, 0));
	assert_int_equal(freed, 1);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_try_and_auto),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

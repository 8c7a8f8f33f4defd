#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void
test_set(void **state)
{
	struct err	e;
	(void)state;
	assert_int_equal(err_set(&e, RC_DENIED, "x %d", 3), RC_DENIED);
	assert_string_equal(e.msg, "x 3");
}

int
main(void)
{
	const struct CMUnitTest	tests[] = { cmocka_unit_test(test_set) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

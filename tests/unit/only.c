/*
 * tests/unit/only.c - run some tests of a program: UNIT_ONLY and UNIT_SKIP hold
 * patterns (* and ?) of their names. For who runs one program many times, such as
 * scripts/mutants; `make unit` sets neither.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void
choose(void)
{
	cmocka_set_test_filter(getenv("UNIT_ONLY"));
	cmocka_set_skip_filter(getenv("UNIT_SKIP"));
}

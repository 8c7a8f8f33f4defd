/* Runs the rows of rows_*.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/policy/rows.h"

static void
run(const struct row *rows, size_t n, void (*init)(struct net *))
{
	struct net	net;

	for (size_t i = 0; i < n; i++) {
		struct verdict	v;

		init(&net);
		v = rows[i].run(&net);
		net_done(&net);
		if (v.why != rows[i].why)
			fail_msg("%s: got %s, expected %s", rows[i].name,
			    void_reason_name(v.why),
			    void_reason_name(rows[i].why));
		assert_int_equal(v.effective, v.why == VOID_NONE);
	}
}

static void common(void **state) { (void)state; run(rows_common, n_rows_common, net_init); }
static void seal(void **state) { (void)state; run(rows_seal, n_rows_seal, net_init); }
static void ask(void **state) { (void)state; run(rows_ask, n_rows_ask, net_init); }
static void order(void **state) { (void)state; run(rows_order, n_rows_order, net_init); }
static void amend(void **state) { (void)state; run(rows_amend, n_rows_amend, net_init_amendable); }
static void amended(void **state) { (void)state; run(rows_amended, n_rows_amended, net_init_amendable); }

static void
mark(bool seen[VOID_REASONS], const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		seen[rows[i].why] = true;
}

/* None is a word without a test. */
static void
every_reason_has_a_row(void **state)
{
	bool	seen[VOID_REASONS] = { false };

	(void)state;
	mark(seen, rows_common, n_rows_common);
	mark(seen, rows_seal, n_rows_seal);
	mark(seen, rows_ask, n_rows_ask);
	mark(seen, rows_order, n_rows_order);
	mark(seen, rows_amend, n_rows_amend);
	/* The last ones have their rows in test_anchor.c and test_acknowledge.c. */
	for (unsigned i = 0; i < VOID_ANCHOR; i++) {
		if (!seen[i])
			fail_msg("no row refuses with %s",
			    void_reason_name((enum void_reason)i));
		assert_string_not_equal(void_reason_text((enum void_reason)i),
		    "unknown");
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(common),
		cmocka_unit_test(seal),
		cmocka_unit_test(ask),
		cmocka_unit_test(order),
		cmocka_unit_test(amend),
		cmocka_unit_test(amended),
		cmocka_unit_test(every_reason_has_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

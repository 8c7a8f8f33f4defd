/* What an audit says of each custodian. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/conduct.h"
#include "tests/unit/cli/lab.h"

static struct conduct	c;

/* Logs it, which must be effective, and counts it. */
static void
log_it(struct statement *s, struct test_key *by)
{
	struct err	err;

	MUST(net_log(&net, s, by).effective);
	if (s->type == STATEMENT_BATCH)
		must(conduct_batch(&c, net.log_entries.n - 1, &err), &err);
	else
		must(conduct_entry(&c, net.replica, s, &err), &err);
}

static uint64_t
batch(uint8_t ret_id[32])
{
	struct descriptor	d;
	struct statement	s;

	net_descriptor(&net, "standard", &d);
	net_batch(&net, &d, 1, &s);
	log_it(&s, &net.sealer);
	memcpy(ret_id, s.id, 32);
	return net.log_entries.n - 1;
}

static void
checked(uint8_t custodian, uint64_t first, const uint8_t last[32])
{
	struct statement	s;

	net_statement(&net, &s, STATEMENT_CHECKED);
	memcpy(s.subject, last, 32);
	s.u.checked.custodian = custodian;
	s.u.checked.first = first;
	log_it(&s, &net.signing[custodian - 1]);
}

static void
garbage(uint8_t custodian, const uint8_t id[32])
{
	struct statement	s;

	net_statement(&net, &s, STATEMENT_GARBAGE);
	memcpy(s.subject, id, 32);
	s.u.garbage.custodian = custodian;
	buf_u8(&s.bytes, GARBAGE_SHUT);
	memset(buf_extend(&s.bytes, GARBAGE_SHUT_BYTES - 1), 0, GARBAGE_SHUT_BYTES - 1);
	log_it(&s, &net.signing[custodian - 1]);
}

static void
who_did_what(void **state)
{
	struct statement	s;
	uint8_t			id[3][32];
	uint64_t		first;
	json_t			*j;
	struct err		err;

	(void)state;
	first = batch(id[0]);
	(void)batch(id[1]);
	checked(2, first, id[1]);
	(void)batch(id[2]);
	garbage(2, id[0]);		/* after it had checked it */
	garbage(3, id[2]);
	garbage(3, id[1]);
	memset(&s, 0, sizeof(s));
	s.type = STATEMENT_RELEASE;
	s.u.release.n = 3;
	s.u.release.custodian[0].index = 1;
	s.u.release.custodian[0].good = true;
	s.u.release.custodian[1].index = 4;
	s.u.release.custodian[2].index = 32;	/* nobody */
	must(conduct_entry(&c, net.replica, &s, &err), &err);
	must(conduct_entry(&c, net.replica, &s, &err), &err);
	must(conduct_checked(&c, net.replica, &err), &err);
	assert_int_equal(c.n, 3);
	assert_int_equal(c.checked[0], 0);
	assert_int_equal(c.checked[1], 2);
	assert_int_equal(c.broken[1], 1);
	assert_int_equal(c.garbage[1], 0);
	assert_int_equal(c.garbage[2], 2);
	assert_int_equal(c.broken[2], 0);
	assert_int_equal(c.wrong[3], 2);
	assert_int_equal(c.wrong[0], 0);
	assert_non_null(j = conduct_json(&c, replica_charter(net.replica)));
	assert_int_equal(json_array_size(j), 5);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(j, 3), "wrong_contributions")), 2);
	json_decref(j);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = { cmocka_unit_test(who_did_what) };
	int			failed;

	net_init(&net);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	conduct_done(&c);
	net_done(&net);
	return failed;
}

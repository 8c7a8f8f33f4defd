/* How often whom the listener lets in; time is an argument. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "custodian/limit.h"

static struct limit	l;
static const uint8_t	key[LIMIT_KEY_BYTES] = "sixteen letters";

static int
up(void **state)
{
	(void)state;
	limit_init(&l, key);
	return 0;
}

/* In and out again. */
static bool
call(size_t caller, const char *address, uint64_t ms)
{
	if (!limit_enter(&l, caller, address, ms))
		return false;
	limit_leave(&l, caller);
	return true;
}

static unsigned
calls(size_t caller, const char *address, uint64_t ms, unsigned tries)
{
	unsigned	n = 0;

	while (tries-- > 0)
		n += call(caller, address, ms);
	return n;
}

/* An address that falls into another bucket than `from`. */
static const char *
other_than(const char *from, char out[32])
{
	for (int i = 1; i < 255; i++) {
		(void)snprintf(out, 32, "ipv4:192.0.2.%d:1", i);
		if (limit_source(&l, out) != limit_source(&l, from))
			return out;
	}
	fail();
	return NULL;
}

static void
one_source(void **state)
{
	const char	*one = "ipv4:127.0.0.1:4711";
	char		 other[32];

	(void)state;
	assert_int_equal(calls(LIMIT_STRANGER, one, 1000, 100), LIMIT_SOURCE_BURST);
	/* Another port is the same source, another address is not. */
	assert_false(call(LIMIT_STRANGER, "ipv4:127.0.0.1:4712", 1000));
	assert_true(call(LIMIT_STRANGER, other_than(one, other), 1000));
	/* A call more each tenth of a second, and no more than the burst after a long time. */
	assert_false(call(LIMIT_STRANGER, one, 1099));
	assert_int_equal(calls(LIMIT_STRANGER, one, 1100, 5), 1);
	assert_int_equal(calls(LIMIT_STRANGER, one, 2100, 50), LIMIT_SOURCE_RATE);
	assert_int_equal(calls(LIMIT_STRANGER, one, 86400000, 1000), LIMIT_SOURCE_BURST);
}

static void
all_strangers(void **state)
{
	unsigned	n = 0;
	char		address[64];

	(void)state;
	for (int i = 0; i < 250; i++) {
		(void)snprintf(address, sizeof(address), "ipv4:198.51.100.%d:99", i);
		n += calls(LIMIT_STRANGER, address, 5, 10);
	}
	assert_int_equal(n, LIMIT_STRANGERS_BURST);
	/* Those of the charter are not among them. */
	assert_int_equal(calls(0, "ipv4:198.51.100.1:99", 5, 10000), LIMIT_KNOWN_BURST);
	assert_int_equal(calls(1, "ipv4:198.51.100.1:99", 5, 10000), LIMIT_KNOWN_BURST);
	assert_int_equal(calls(LIMIT_CALLERS_MAX - 1, "", 5, 10000), LIMIT_KNOWN_BURST);
	/* Nor do they spend what is the strangers'. */
	assert_false(call(LIMIT_STRANGER, "ipv4:203.0.113.1:1", 5));
	assert_true(call(LIMIT_STRANGER, "ipv4:203.0.113.1:1", 15));
	assert_int_equal(calls(0, "", 1005, 10000), LIMIT_KNOWN_RATE);
}

/* Who does not come back does not take all the workers along. */
static void
at_once(void **state)
{
	char		address[64];
	unsigned	i;

	(void)state;
	for (i = 0; i < LIMIT_STRANGERS_AT_ONCE; i++) {
		(void)snprintf(address, sizeof(address), "ipv4:198.51.100.%u:99", i);
		assert_true(limit_enter(&l, LIMIT_STRANGER, address, 1));
	}
	assert_false(limit_enter(&l, LIMIT_STRANGER, "ipv4:203.0.113.1:1", 1));
	for (i = 0; i < LIMIT_AT_ONCE; i++)
		assert_true(limit_enter(&l, 0, "", 1));
	assert_false(limit_enter(&l, 0, "", 1));
	assert_true(limit_enter(&l, 1, "", 1));
	assert_true(LIMIT_AT_ONCE + LIMIT_STRANGERS_AT_ONCE < LIMIT_WORKERS);
	limit_leave(&l, LIMIT_STRANGER);
	limit_leave(&l, 0);
	assert_true(limit_enter(&l, LIMIT_STRANGER, "ipv4:203.0.113.1:1", 1));
	assert_true(limit_enter(&l, 0, "", 1));
	/* A refused call spends nothing. */
	assert_int_equal(l.known[0].spent, (LIMIT_AT_ONCE + 1) * 1000);
}

static void
addresses(void **state)
{
	static const struct { const char *a, *b; bool same; } rows[] = {
		{ "ipv4:127.0.0.1:1", "ipv4:127.0.0.1:65535", true },
		{ "ipv4:127.0.0.1:1", "ipv6:[::ffff:127.0.0.1]:9", true },
		{ "ipv6:[2001:db8::1]:1", "ipv6:%5B2001:db8::1%5D:2", true },
		{ "ipv6:[2001:db8::1]:1", "ipv6:[2001:db8::ffff:ffff:ffff:ffff]:1", true },
		{ "ipv6:[fe80::1%25eth0]:1", "ipv6:[fe80::2]:1", true },
		{ "ipv6:[2001:db8::1]:1", "ipv6:[2001:db8:0:1::1]:1", false },
		{ "ipv4:10.0.0.1:1", "ipv4:10.0.0.2:1", false },
		/* What cannot be read is one source. */
		{ "unix:/tmp/x", "", true },
		{ "ipv4:", "nonsense", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool	same = true;

		/* Two may share a bucket under one key, not under many. */
		for (uint8_t k = 0; k < 16; k++) {
			uint8_t	other[LIMIT_KEY_BYTES] = { k };

			limit_init(&l, other);
			same = same && limit_source(&l, rows[i].a) == limit_source(&l, rows[i].b);
		}
		if (same != rows[i].same)
			fail_msg("%s %s", rows[i].a, rows[i].b);
	}
}

/* Whose bucket one shares is nobody's choice. */
static void
keyed(void **state)
{
	uint8_t	other[LIMIT_KEY_BYTES] = { 1 };
	char	address[64];
	size_t	at[64], moved = 0;

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		limit_init(&l, turn == 0 ? key : other);
		for (int i = 0; i < 64; i++) {
			(void)snprintf(address, sizeof(address), "ipv4:10.9.8.%d:1", i);
			moved += turn == 1 && at[i] != limit_source(&l, address);
			at[i] = limit_source(&l, address);
			assert_true(at[i] < LIMIT_SOURCES);
		}
	}
	assert_true(moved > 32);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup(one_source, up),
		cmocka_unit_test_setup(all_strangers, up),
		cmocka_unit_test_setup(at_once, up),
		cmocka_unit_test_setup(addresses, up),
		cmocka_unit_test_setup(keyed, up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* How often a custodian waits for its disk: counted, not measured. */
#include <sys/syscall.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/custodian/bench.h"

static struct bench_place	place;
static struct bench		b;
static unsigned			waits;

int	fdatasync(int fd);

/* Instead of the C library's: SQLite's commits, and the write-ahead log's way into the file. */
int
fdatasync(int fd)
{
	waits++;
	return (int)syscall(SYS_fdatasync, fd);
}

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

/* Of one Append that brings what is not here yet. */
static unsigned
waits_of_append(size_t held)
{
	struct bench_sending		 s = bench_sending(&b);
	Quorate__V1__AppendReply	*r;
	struct err			 err;

	s.cosigners = 4;
	waits = 0;
	if (bench_send(&b, &s, &r, &err) != RC_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(r->n_held, held);
	assert_int_not_equal(r->cosignature.len, 0);
	bench_reply_free(r);
	return waits;
}

/* Entries, shares, what is about to be cosigned, and that the shares are held: one commit. */
static void
append_is_one_commit(void **state)
{
	(void)state;
	(void)waits_of_append(0);
	(void)bench_seal(&b, "standard");
	assert_int_equal(waits_of_append(1), 1);
	(void)bench_seal(&b, "standard");
	(void)bench_seal(&b, "standard");
	assert_int_equal(waits_of_append(3), 1);
}

/* The same page once more: it holds all of it, and cosigns again. */
static void
again_is_none(void **state)
{
	(void)state;
	(void)bench_seal(&b, "standard");
	(void)waits_of_append(1);
	assert_int_equal(waits_of_append(1), 0);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, up, down)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(append_is_one_commit),
		TEST(again_is_none),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}

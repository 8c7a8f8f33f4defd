/* A message that cannot be read: malformed, or no memory. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/quorate.pb-c.h"
#include "proto/unpack.h"
#include "tests/unit/fault.h"

static uint8_t	packed[256];
static size_t	packed_n;

static int
pack(void **state)
{
	static uint8_t			one[] = "one", two[] = "another";
	ProtobufCBinaryData		both[] = { { sizeof(one), one }, { sizeof(two), two } };
	Quorate__V1__SubmitRequest	q = QUORATE__V1__SUBMIT_REQUEST__INIT;

	(void)state;
	q.statement = both[0];
	q.blobs = both;
	q.n_blobs = 2;
	packed_n = quorate__v1__submit_request__get_packed_size(&q);
	assert_true(packed_n <= sizeof(packed));
	(void)quorate__v1__submit_request__pack(&q, packed);
	return 0;
}

static void
test_no_memory(void **state)
{
	Quorate__V1__SubmitRequest	*q;
	struct err			 err;
	unsigned long			 n;

	(void)state;
	for (n = 1;; n++) {
		fault_at(n);
		q = quorate__v1__submit_request__unpack(unpack_memory(), packed_n, packed);
		if (!fault_fired())
			break;
		assert_null(q);
		assert_int_equal(unpack_failed("request", &err), RC_NOMEM);
		assert_string_equal(err.msg, "request: no memory");
	}
	assert_true(n > 4);
	assert_non_null(q);
	assert_int_equal(q->n_blobs, 2);
	quorate__v1__submit_request__free_unpacked(q, NULL);
}

/* After memory ran out for another one, too. */
static void
test_malformed(void **state)
{
	struct err	err;

	(void)state;
	fault_at(1);
	assert_null(quorate__v1__submit_request__unpack(unpack_memory(), packed_n, packed));
	assert_true(fault_fired());
	assert_null(quorate__v1__submit_request__unpack(unpack_memory(), packed_n - 1, packed));
	assert_int_equal(unpack_failed("request", &err), RC_FORMAT);
	assert_string_equal(err.msg, "malformed request");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, pack, NULL);
}

/* batch-v1 section 6: envelopes one after the other, each in its place and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evidence/batch.h"
#include "evidence/envelope.h"
#include "tests/unit/evidence/memfile.h"
#include "tests/unit/evidence/sealing.h"

#define N	3

/* Of one small part, of one of two chunks, of two parts. */
static const struct sealing_part	part[N][2] = {
	{ { "prompt", 1 } }, { { "image", 70000 } }, { { "image", 5 }, { "prompt", 300 } }
};
static const size_t	n_parts[N] = { 1, 1, 2 };

struct pack {
	struct sealing	one[N];
	struct buf	vector;
	struct memfile	file;
};

static int
setup(void **state)
{
	struct pack	*p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->vector = BUF_INIT(DESCRIPTOR_VECTOR_MAX);
	p->file = MEMFILE_INIT;
	for (size_t i = 0; i < N; i++) {
		sealing_up(&p->one[i], part[i], n_parts[i], 16, 4096);
		buf_vec16(&p->vector, buf_view(&p->one[i].descriptor));
		buf_add(&p->file.b, p->one[i].file, (size_t)p->one[i].size);
	}
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct pack	*p = *state;

	for (size_t i = 0; i < N; i++)
		sealing_down(&p->one[i]);
	buf_done(&p->vector);
	memfile_done(&p->file);
	free(p);
	return 0;
}

static enum rc
check(struct pack *p, uint32_t count)
{
	struct err	err = { RC_OK, "" };
	enum rc		rc = batch_envelopes_check(buf_view(&p->vector), count, memfile_read, &p->file, p->file.b.n, &err);

	assert_true((rc == RC_OK) == (err.msg[0] == '\0'));
	return rc;
}

static void
sizes_follow_from_descriptors(void **state)
{
	struct pack		*p = *state;
	struct batch_envelope	 e;
	uint64_t		 size, at = 0;

	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(envelope_bytes(buf_view(&p->one[i].descriptor), &size, NULL), RC_OK);
		assert_int_equal(size, p->one[i].size);
		assert_int_equal(batch_envelope_of(buf_view(&p->vector), N, i, &e, NULL), RC_OK);
		assert_int_equal(e.leaf, i);
		assert_int_equal(e.offset, at);
		assert_int_equal(e.size, size);
		assert_true(span_eq(e.descriptor, buf_view(&p->one[i].descriptor)));
		at += size;
	}
	assert_int_equal(at, p->file.b.n);
	assert_int_equal(batch_envelope_of(buf_view(&p->vector), N, N, &e, NULL), RC_MISSING);
	assert_int_equal(batch_envelope_of(buf_view(&p->vector), N + 1, N, &e, NULL), RC_FORMAT);
	assert_int_equal(batch_envelope_of(buf_view(&p->vector), BATCH_COUNT_MAX + 1, 0, &e, NULL), RC_FORMAT);
	assert_int_equal(envelope_bytes(SPAN_STR("no descriptor"), &size, NULL), RC_FORMAT);
}

static void
all_in_their_places(void **state)
{
	struct pack	*p = *state;
	size_t		 whole;

	assert_int_equal(check(p, N), RC_OK);
	assert_int_equal(check(p, N - 1), RC_FORMAT);
	/* One byte more than the last, and every length that is too short. */
	buf_u8(&p->file.b, 0);
	assert_int_equal(check(p, N), RC_FORMAT);
	p->file.b.n--;
	whole = p->file.b.n;
	for (size_t n = 0; n < whole; n += n < 600 ? 1 : 97) {
		p->file.b.n = n;
		assert_int_equal(check(p, N), RC_FORMAT);
	}
	p->file.b.n = whole;
}

/* Every byte of every head: magic and length and descriptor are those of the batch. */
static void
heads_are_compared(void **state)
{
	struct pack	*p = *state;
	size_t		 at = 0;

	for (size_t i = 0; i < N; i++) {
		size_t	head = sizeof(ENVELOPE_MAGIC) - 1 + 4 + p->one[i].descriptor.n;

		for (size_t j = 0; j < head; j++) {
			p->file.b.p[at + j] ^= 0x20;
			assert_int_equal(check(p, N), j < sizeof(ENVELOPE_MAGIC) - 1 ? RC_FORMAT : RC_VERIFY);
			p->file.b.p[at + j] ^= 0x20;
		}
		at += (size_t)p->one[i].size;
	}
	assert_int_equal(check(p, N), RC_OK);
}

/* The same envelopes in another order are not those of the batch. */
static void
order_is_leaf_order(void **state)
{
	struct pack	*p = *state;

	buf_reset(&p->file.b);
	for (size_t i = N; i-- > 0;)
		buf_add(&p->file.b, p->one[i].file, (size_t)p->one[i].size);
	assert_int_equal(check(p, N), RC_VERIFY);
}

static enum rc
fail_read(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	(void)user;
	(void)at;
	(void)out;
	(void)n;
	return err_set(err, RC_IO, "disk gone");
}

static void
a_disk_that_fails_is_no_verdict(void **state)
{
	struct pack	*p = *state;

	assert_int_equal(batch_envelopes_check(buf_view(&p->vector), N, fail_read, NULL, p->file.b.n, NULL), RC_IO);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		T(sizes_follow_from_descriptors),
		T(all_in_their_places),
		T(heads_are_compared),
		T(order_is_leaf_order),
		T(a_disk_that_fails_is_no_verdict),
	};

	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

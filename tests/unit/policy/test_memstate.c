/* The state in memory: values that change their length, many keys, vectors that are known already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "policy/map.h"
#include "policy/memstate.h"
#include "tests/unit/fault.h"

#define BIG	((size_t)1 << 16)
#define KEYS	5000

/* Longer, shorter, empty, longer again: the last is what is there. */
static void
values(void **state)
{
	static const char *const	is[] = { "one", "a longer one", "", "short", "the longest of all of them" };
	struct map			m = MAP_INIT;
	struct span			v;

	(void)state;
	for (size_t i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
		assert_int_equal(map_put(&m, SPAN_STR("key"), span_str(is[i]), NULL), RC_OK);
		assert_int_equal(map_put(&m, SPAN_STR("kez"), SPAN_STR("beside it"), NULL), RC_OK);
		assert_true(map_get(&m, SPAN_STR("key"), &v));
		assert_true(span_eq(v, span_str(is[i])));
	}
	assert_true(map_get(&m, SPAN_STR("kez"), &v));
	assert_true(span_eq(v, SPAN_STR("beside it")));
	assert_false(map_get(&m, SPAN_STR("ke"), &v));
	assert_false(map_get(&m, SPAN(NULL, 0), &v));
	/* A value that finds no memory leaves the one before. */
	fault_at(1);
	assert_int_equal(map_put(&m, SPAN_STR("kez"), SPAN_STR("something far longer"), NULL), RC_NOMEM);
	assert_true(fault_fired());
	assert_true(map_get(&m, SPAN_STR("kez"), &v));
	assert_true(span_eq(v, SPAN_STR("beside it")));
	map_done(&m);
}

/* Of every length about a word, so that each byte of a key counts. */
static void
keys(void **state)
{
	struct map	m = MAP_INIT;
	uint8_t		key[40] = { 0 };
	struct span	v;

	(void)state;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < KEYS; i++) {
			size_t	n = 2 + i % (sizeof(key) - 1);

			memset(key, 0, sizeof(key));
			key[0] = (uint8_t)i;
			key[n - 1] = (uint8_t)(i >> 8);
			if (pass == 0)
				assert_int_equal(map_put(&m, SPAN(key, n), SPAN(&i, sizeof(i)), NULL), RC_OK);
			assert_true(map_get(&m, SPAN(key, n), &v));
			assert_memory_equal(v.p, &i, sizeof(i));
		}
	assert_int_equal(m.n, KEYS);
	map_done(&m);
}

/* Who knows where keys stand in one map knows it of no other. */
static void
places(void **state)
{
	struct map	m = MAP_INIT, other = MAP_INIT;
	size_t		same = 0;

	(void)state;
	for (uint32_t i = 0; i < KEYS; i++) {
		assert_int_equal(map_put(&m, SPAN(&i, sizeof(i)), SPAN("", 0), NULL), RC_OK);
		assert_int_equal(map_put(&other, SPAN(&i, sizeof(i)), SPAN("", 0), NULL), RC_OK);
	}
	assert_int_equal(m.n_slots, other.n_slots);
	for (size_t i = 0; i < m.n_slots; i++)
		same += m.slot[i].node != NULL && other.slot[i].node != NULL && m.slot[i].hash == other.slot[i].hash;
	assert_int_equal(same, 0);
	map_done(&m);
	map_done(&other);
}

static enum rc
take(void *user, uint32_t leaf, struct span d, struct err *err)
{
	uint32_t	*n = user;

	(void)leaf;
	(void)d;
	(void)err;
	(*n)++;
	return RC_OK;
}

/* That one root of a vector was right makes no other right. */
static void
vectors(void **state)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(BIG), w = BUF_INIT(BIG);
	struct memstate		*m;
	const struct state	*st;
	uint8_t			 digest[32], other[32], root[32], wrong[32];
	uint32_t		 n = 0;

	(void)state;
	buf_vec16(&v, SPAN_STR("one"));
	buf_vec16(&v, SPAN_STR("two"));
	buf_vec16(&w, SPAN_STR("one"));
	buf_vec16(&w, SPAN_STR("three"));
	sha256_one(digest, buf_view(&v));
	sha256_one(other, buf_view(&w));
	assert_int_equal(descriptor_vector_root(buf_view(&v), 2, root, NULL), RC_OK);
	memcpy(wrong, root, sizeof(wrong));
	wrong[31] ^= 1;
	assert_int_equal(memstate_new(&m, NULL), RC_OK);
	st = memstate_state(m);
	assert_int_equal(memstate_blob(m, buf_view(&v), NULL), RC_OK);
	assert_int_equal(memstate_blob(m, buf_view(&w), NULL), RC_OK);
	for (uint32_t i = 1; i <= 2; i++) {
		assert_int_equal(st->descriptors(m, digest, wrong, 2, take, &n, NULL), RC_VERIFY);
		assert_int_equal(st->descriptors(m, digest, root, 1, take, &n, NULL), RC_VERIFY);
		assert_int_equal(st->descriptors(m, other, root, 2, take, &n, NULL), RC_VERIFY);
		assert_int_equal(n, 4 * (i - 1));
		assert_int_equal(st->descriptors(m, digest, root, 2, take, &n, NULL), RC_OK);
		assert_int_equal(st->descriptors(m, digest, root, 2, take, &n, NULL), RC_OK);
		assert_int_equal(n, 4 * i);
	}
	memstate_free(m);
}

/* --- escrows ------------------------------------------------------------------------- */

static const uint8_t	first_id[ARTIFACT_ID_BYTES] = { 1 }, second_id[ARTIFACT_ID_BYTES] = { 2 };
static struct memstate	*placing;

static enum rc
place(void *user, uint32_t leaf, struct span descriptor, struct err *err)
{
	const struct state	*st = memstate_state(placing);

	(void)user;
	return st->escrow_add(placing, leaf == 0 ? first_id : second_id, (struct escrow_at){ 7, leaf }, descriptor, err);
}

static void
is_escrowed(const uint8_t id[ARTIFACT_ID_BYTES], uint32_t leaf, const char *descriptor)
{
	AUTO_DONE(buf_done) struct buf	have = BUF_INIT(100);
	const struct state	*st = memstate_state(placing);
	struct escrow_at	 at = { 0, 0 };

	assert_int_equal(st->escrow_find(placing, id, &at, &have, NULL), RC_OK);
	assert_int_equal(at.batch, 7);
	assert_int_equal(at.leaf, leaf);
	assert_true(span_eq(buf_view(&have), span_str(descriptor)));
	assert_int_equal(st->escrow_find(placing, id, &at, &BUF_INIT(2), NULL), RC_LIMIT);
	assert_int_equal(st->escrow_add(placing, id, at, SPAN_STR("another"), NULL), RC_DENIED);
}

/* Of a vector, of none, and of one when another came: each has its own bytes, and none comes twice. */
static void
escrows(void **state)
{
	AUTO_DONE(buf_done) struct buf	v = BUF_INIT(100), w = BUF_INIT(100);
	static const uint8_t		third_id[ARTIFACT_ID_BYTES] = { 3 };
	uint8_t				digest[SHA256_BYTES], root[SHA256_BYTES];
	char				passing[] = "third";
	const struct state		*st;
	uint32_t			n = 0;

	(void)state;
	buf_vec16(&v, SPAN_STR("first"));
	buf_vec16(&v, SPAN_STR("second"));
	buf_vec16(&w, SPAN_STR("none of these"));
	assert_int_equal(memstate_new(&placing, NULL), RC_OK);
	st = memstate_state(placing);
	assert_int_equal(memstate_blob(placing, buf_view(&v), NULL), RC_OK);
	sha256_one(digest, buf_view(&v));
	assert_int_equal(descriptor_vector_root(buf_view(&v), 2, root, NULL), RC_OK);
	assert_int_equal(st->descriptors(placing, digest, root, 2, place, NULL, NULL), RC_OK);
	assert_int_equal(st->descriptors(placing, digest, root, 2, place, NULL, NULL), RC_DENIED);
	/* From memory that will not be there: copied. */
	assert_int_equal(st->escrow_add(placing, third_id, (struct escrow_at){ 7, 9 }, span_str(passing), NULL), RC_OK);
	memset(passing, 'x', sizeof(passing) - 1);
	assert_int_equal(memstate_blob(placing, buf_view(&w), NULL), RC_OK);
	sha256_one(digest, buf_view(&w));
	assert_int_equal(descriptor_vector_root(buf_view(&w), 1, root, NULL), RC_OK);
	assert_int_equal(st->descriptors(placing, digest, root, 1, take, &n, NULL), RC_OK);
	is_escrowed(first_id, 0, "first");
	is_escrowed(second_id, 1, "second");
	is_escrowed(third_id, 9, "third");
	memstate_free(placing);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(keys),
		cmocka_unit_test(places),
		cmocka_unit_test(vectors),
		cmocka_unit_test(escrows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

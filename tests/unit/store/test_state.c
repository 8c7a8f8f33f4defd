#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit/store/db.h"
#include "tests/unit/store/place.h"

/* A 3-of-5 artifact of class "standard" with the parts "prompt" and "image". */
#define DESCRIPTOR_BYTES	300

static struct place	place;
static struct store	*s;
static const struct state *st;

static int
setup(void **state)
{
	(void)state;
	place_init(&place);
	s = opened(&place, STORE_CREATE);
	st = store_state(s);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	store_close(s);
	place_done(&place);
	return 0;
}

static void
reopen(void)
{
	store_close(s);
	s = opened(&place, STORE_OPEN);
	st = store_state(s);
}

static void
begin(void)
{
	assert_int_equal(store_begin(s, NULL), RC_OK);
}

static void
commit(void)
{
	assert_int_equal(store_commit(s, NULL), RC_OK);
}

/* What apply would never write: a bug, after which nothing is committed. */
static void
refused(struct span key, struct span value)
{
	begin();
	assert_int_equal(st->put(st->user, key, value, NULL), RC_BUG);
	assert_int_equal(st->put(st->user, SPAN_STR("k"), SPAN_STR("v"), NULL), RC_BUG);
	assert_int_equal(store_commit(s, NULL), RC_BUG);
}

static void
test_map(void **state)
{
	static uint8_t	big[STATE_VALUE_MAX + 1];
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(STATE_VALUE_MAX);

	(void)state;
	assert_int_equal(st->put(st->user, SPAN_STR("k"), SPAN_STR("v"), NULL), RC_BUG);
	begin();
	assert_int_equal(st->get(st->user, SPAN_STR("k"), &b, NULL), RC_MISSING);
	assert_int_equal(st->put(st->user, SPAN_STR("k"), SPAN_STR("v"), NULL), RC_OK);
	assert_int_equal(st->put(st->user, SPAN_STR("k"), SPAN_STR("w"), NULL), RC_OK);
	assert_int_equal(st->put(st->user, SPAN_STR("e"), SPAN(NULL, 0), NULL), RC_OK);
	assert_int_equal(st->get(st->user, SPAN_STR("k"), &b, NULL), RC_OK);
	assert_true(span_eq(buf_view(&b), SPAN_STR("w")));
	assert_int_equal(st->put(st->user, SPAN(big, STATE_KEY_MAX), SPAN(big, STATE_VALUE_MAX), NULL), RC_OK);
	commit();
	refused(SPAN(big, STATE_KEY_MAX + 1), SPAN_STR("v"));
	refused(SPAN(big, 0), SPAN_STR("v"));
	refused(SPAN_STR("k"), SPAN(big, STATE_VALUE_MAX + 1));
	begin();
	assert_int_equal(st->put(st->user, SPAN_STR("k"), SPAN_STR("x"), NULL), RC_OK);
	store_rollback(s);
	reopen();
	assert_int_equal(st->get(st->user, SPAN_STR("k"), &b, NULL), RC_OK);
	assert_true(span_eq(buf_view(&b), SPAN_STR("ww")));
	assert_int_equal(st->get(st->user, SPAN_STR("e"), &b, NULL), RC_OK);
	assert_int_equal(b.n, 2);
}

static void
test_roots_and_blobs(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(100);
	uint8_t	digest[SHA256_BYTES], root[SHA256_BYTES], want[SHA256_BYTES];

	(void)state;
	begin();
	assert_int_equal(store_append(s, SPAN_STR("one"), NULL), RC_OK);
	assert_int_equal(st->root_at(st->user, 1, root, NULL), RC_OK);
	tree_leaf(SPAN_STR("one"), want);
	assert_memory_equal(root, want, sizeof(want));
	assert_int_equal(st->root_at(st->user, 2, root, NULL), RC_MISSING);
	assert_int_equal(st->root_at(st->user, UINT64_MAX, root, NULL), RC_MISSING);
	/* What is not there, or too large, is no fault: the transaction goes on. */
	assert_int_equal(store_blob_put(s, SPAN_STR("blob"), digest, NULL), RC_OK);
	assert_int_equal(st->blob(st->user, digest, &b, NULL), RC_OK);
	assert_true(span_eq(buf_view(&b), SPAN_STR("blob")));
	assert_int_equal(st->blob(st->user, digest, &BUF_INIT(2), NULL), RC_LIMIT);
	assert_int_equal(st->blob(st->user, root, &b, NULL), RC_MISSING);
	commit();
}

static void
escrow_is(uint64_t batch, uint32_t leaf, const struct batch *b, size_t bytes)
{
	AUTO_DONE(buf_done) struct buf	d = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	struct escrow_at	at;
	uint8_t			id[ARTIFACT_ID_BYTES];

	batch_id(batch, leaf, id);
	assert_int_equal(st->escrow_find(st->user, id, &at, &d, NULL), RC_OK);
	assert_int_equal(at.batch, batch);
	assert_int_equal(at.leaf, leaf);
	assert_int_equal(d.n, bytes);
	assert_memory_equal(d.p, b->vector.p + leaf * (bytes + 2) + 2, bytes);
	at.batch = 99;
	assert_int_equal(st->escrow_find(st->user, id, &at, NULL, NULL), RC_OK);
	assert_int_equal(at.batch, batch);
}

static void
test_escrows(void **state)
{
	struct batch		b[3];
	struct escrow_at	at = { 7, 7 };
	uint8_t			id[ARTIFACT_ID_BYTES];
	uint64_t		n = 99;

	(void)state;
	begin();
	for (uint64_t i = 0; i < 3; i++) {
		batch_init(&b[i], i, 20 + (uint32_t)i, 300 + i);
		assert_int_equal(batch_apply(s, &b[i], SPAN_STR("e"), NULL), RC_OK);
	}
	assert_int_equal(store_escrow_count(s, &n, NULL), RC_OK);
	assert_int_equal(n, 63);
	escrow_is(1, 3, &b[1], 301);
	commit();
	reopen();
	for (uint64_t i = 0; i < 3; i++)
		for (uint32_t leaf = 0; leaf < b[i].count; leaf++)
			escrow_is(i, leaf, &b[i], 300 + i);
	assert_int_equal(store_escrow_count(s, &n, NULL), RC_OK);
	assert_int_equal(n, 63);
	memset(id, 0, sizeof(id));
	assert_int_equal(st->escrow_find(st->user, id, &at, NULL, NULL), RC_MISSING);
	assert_int_equal(at.batch, 7);
	/* The same artifact once more, in another batch. */
	begin();
	batch_id(1, 3, id);
	assert_int_equal(st->escrow_add(st->user, id, (struct escrow_at){ 9, 9 }, SPAN_STR("d"), NULL), RC_DENIED);
	commit();		/* an answer, not a fault */
	escrow_is(1, 3, &b[1], 301);
	assert_int_equal(store_escrow_count(s, &n, NULL), RC_OK);
	assert_int_equal(n, 63);
	begin();
	id[0] ^= 1;
	assert_int_equal(st->escrow_add(st->user, id, (struct escrow_at){ 9, 9 }, SPAN_STR("d"), NULL), RC_OK);
	store_rollback(s);
	assert_int_equal(st->escrow_find(st->user, id, &at, NULL, NULL), RC_MISSING);
	assert_int_equal(store_escrow_count(s, &n, NULL), RC_OK);
	assert_int_equal(n, 63);
	assert_int_equal(st->escrow_add(st->user, id, (struct escrow_at){ 9, 9 }, SPAN_STR("d"), NULL), RC_BUG);
	for (size_t i = 0; i < 3; i++)
		batch_done(&b[i]);
}

/* Descriptors that are not those of the vector at hand stand for themselves. */
static void
test_escrow_without_vector(void **state)
{
	static uint8_t		big[DESCRIPTOR_BYTES_MAX + 1];
	AUTO_DONE(buf_done) struct buf	d = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	struct escrow_at	at;
	struct batch		b;
	uint8_t			id[ARTIFACT_ID_BYTES] = { 1 };

	(void)state;
	begin();
	assert_int_equal(st->escrow_add(st->user, id, (struct escrow_at){ 0, 0 }, SPAN_STR("alone"), NULL), RC_OK);
	batch_init(&b, 0, 4, 100);
	assert_int_equal(batch_apply(s, &b, SPAN_STR("e"), NULL), RC_OK);
	id[0] = 2;		/* another descriptor than leaf 2 has */
	assert_int_equal(st->escrow_add(st->user, id, (struct escrow_at){ 0, 2 }, SPAN_STR("other"), NULL), RC_OK);
	id[0] = 3;		/* no such leaf */
	assert_int_equal(st->escrow_add(st->user, id, (struct escrow_at){ 0, 4 }, SPAN_STR("fifth"), NULL), RC_OK);
	id[0] = 4;		/* the vector is that of another batch */
	assert_int_equal(st->escrow_add(st->user, id, (struct escrow_at){ 0, 1 },
	    SPAN(b.vector.p + 102 + 2, 100), NULL), RC_OK);
	commit();
	for (size_t n = 0; n <= sizeof(big); n += sizeof(big)) {
		begin();
		assert_int_equal(st->escrow_add(st->user, big, (struct escrow_at){ 0, 1 }, SPAN(big, n), NULL), RC_BUG);
		assert_int_equal(store_commit(s, NULL), RC_BUG);
	}
	reopen();
	for (id[0] = 1; id[0] <= 4; id[0]++)
		assert_int_equal(st->escrow_find(st->user, id, &at, &d, NULL), RC_OK);
	assert_int_equal(d.n, 15 + 100);
	assert_memory_equal(d.p, "aloneotherfifth", 15);
	assert_memory_equal(d.p + 15, b.vector.p + 102 + 2, 100);
	batch_done(&b);
}

static enum rc
pass_one(void *user, uint32_t leaf, struct span descriptor, struct err *err)
{
	(void)user;
	(void)leaf;
	(void)descriptor;
	(void)err;
	return RC_OK;
}

static void
inline_are(int want)
{
	sqlite3_stmt	*q;

	assert_int_equal(sqlite3_prepare_v2(s->db,
	    "SELECT count(*) FROM escrow WHERE descriptor IS NOT NULL", -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(q, 0), want);
	assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
}

/* In any order of leaves the vector is used; one batch has one vector. */
static void
test_escrow_order(void **state)
{
	AUTO_DONE(buf_done) struct buf	d = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	struct escrow_at	at;
	struct batch		b[2];
	struct span		one;
	uint8_t			digest[SHA256_BYTES];

	(void)state;
	begin();
	for (uint64_t i = 0; i < 2; i++) {
		batch_init(&b[i], i, 6, 80);
		assert_int_equal(store_blob_put(s, buf_view(&b[i].vector), digest, NULL), RC_OK);
		assert_int_equal(st->descriptors(st->user, digest, b[i].root, 6, pass_one, NULL, NULL), RC_OK);
		for (uint32_t leaf = 6; leaf-- > 0;) {
			one = SPAN(b[i].vector.p + leaf * 82 + 2, 80);
			assert_int_equal(st->escrow_add(st->user, one.p, (struct escrow_at){ 0, leaf }, one, NULL), RC_OK);
		}
		inline_are(i == 0 ? 0 : 6);
	}
	commit();
	for (uint64_t i = 0; i < 2; i++)
		for (uint32_t leaf = 0; leaf < 6; leaf++) {
			buf_reset(&d);
			one = SPAN(b[i].vector.p + leaf * 82 + 2, 80);
			assert_int_equal(st->escrow_find(st->user, one.p, &at, &d, NULL), RC_OK);
			assert_true(span_eq(buf_view(&d), one));
		}
	batch_done(&b[0]);
	batch_done(&b[1]);
}

static unsigned	walked;

static enum rc
count_one(void *user, uint32_t leaf, struct span descriptor, struct err *err)
{
	(void)user;
	(void)err;
	assert_int_equal(leaf, walked++);
	assert_int_equal(descriptor.n, 50);
	return RC_OK;
}

static enum rc
refuse_one(void *user, uint32_t leaf, struct span descriptor, struct err *err)
{
	(void)user;
	(void)descriptor;
	return leaf == 2 ? err_set(err, RC_DENIED, "no") : RC_OK;
}

static struct batch	other;

static enum rc
ask_for_other(void *user, uint32_t leaf, struct span descriptor, struct err *err)
{
	uint8_t	first = descriptor.p[0];
	enum rc	rc;

	(void)user;
	(void)leaf;
	rc = st->descriptors(st->user, other.digest, other.root, other.count, count_one, NULL, err);
	assert_int_equal(descriptor.p[0], first);	/* still there */
	return rc;
}

static void
test_descriptors(void **state)
{
	struct batch	b;
	uint8_t		digest[SHA256_BYTES], wrong[SHA256_BYTES];

	(void)state;
	batch_init(&b, 0, 5, 50);
	batch_init(&other, 1, 5, 50);
	begin();
	assert_int_equal(st->descriptors(st->user, b.digest, b.root, 5, count_one, NULL, NULL), RC_MISSING);
	assert_int_equal(store_blob_put(s, buf_view(&b.vector), digest, NULL), RC_OK);
	assert_int_equal(store_blob_put(s, buf_view(&other.vector), digest, NULL), RC_OK);
	for (unsigned i = 0; i < 2; i++) {
		walked = 0;
		assert_int_equal(st->descriptors(st->user, b.digest, b.root, 5, count_one, NULL, NULL), RC_OK);
		assert_int_equal(walked, 5);
	}
	walked = 0;
	memcpy(wrong, b.root, sizeof(wrong));
	wrong[31] ^= 1;
	assert_int_equal(st->descriptors(st->user, b.digest, wrong, 5, count_one, NULL, NULL), RC_VERIFY);
	assert_int_equal(st->descriptors(st->user, b.digest, b.root, 4, count_one, NULL, NULL), RC_VERIFY);
	assert_int_equal(st->descriptors(st->user, b.digest, b.root, 6, count_one, NULL, NULL), RC_VERIFY);
	assert_int_equal(st->descriptors(st->user, other.digest, b.root, 5, count_one, NULL, NULL), RC_VERIFY);
	assert_int_equal(walked, 0);
	assert_int_equal(st->descriptors(st->user, b.digest, b.root, 5, refuse_one, NULL, NULL), RC_DENIED);
	/* Nested: the same batch is fine, another would pull the bytes away. */
	commit();
	assert_int_equal(st->descriptors(st->user, b.digest, b.root, 5, ask_for_other, NULL, NULL), RC_BUG);
	walked = 0;
	assert_int_equal(st->descriptors(st->user, other.digest, other.root, 5, count_one, NULL, NULL), RC_OK);
	assert_int_equal(walked, 5);
	batch_done(&other);
	batch_done(&b);
	/* A blob that no batch may have. */
	batch_init(&b, 2, 260, 2500);
	assert_true(b.vector.n > DESCRIPTOR_VECTOR_MAX);
	begin();
	assert_int_equal(store_blob_put(s, buf_view(&b.vector), digest, NULL), RC_OK);
	assert_int_equal(st->descriptors(st->user, b.digest, b.root, 260, count_one, NULL, NULL), RC_VERIFY);
	commit();
	batch_done(&b);
}

static void
test_shares(void **state)
{
	static uint8_t	vector[(BATCH_COUNT_MAX + 1) * STORE_SHARE_BYTES];
	uint8_t		share[STORE_SHARE_BYTES], was[STORE_SHARE_BYTES];
	bool		has = true;

	(void)state;
	for (size_t i = 0; i < sizeof(vector); i++)
		vector[i] = (uint8_t)(i * 7);
	assert_int_equal(store_shares_put(s, 3, SPAN(vector, 48), NULL), RC_BUG);
	begin();
	assert_int_equal(store_shares_put(s, 3, SPAN(vector, 47), NULL), RC_LIMIT);
	assert_int_equal(store_shares_put(s, 3, SPAN(vector, 0), NULL), RC_LIMIT);
	assert_int_equal(store_shares_put(s, 3, SPAN(vector, sizeof(vector)), NULL), RC_LIMIT);
	assert_int_equal(store_shares_put(s, 3, SPAN(vector + 1, sizeof(vector) - 48), NULL), RC_OK);
	assert_int_equal(store_shares_put(s, 3, SPAN(vector, sizeof(vector) - 48), NULL), RC_OK);
	assert_int_equal(store_shares_put(s, 4, SPAN(vector, 96), NULL), RC_OK);
	commit();
	reopen();
	assert_int_equal(store_shares_has(s, 3, &has, NULL), RC_OK);
	assert_true(has);
	assert_int_equal(store_shares_has(s, 5, &has, NULL), RC_OK);
	assert_false(has);
	for (uint32_t i = 0; i < BATCH_COUNT_MAX; i++) {
		assert_int_equal(store_share(s, 3, i, share, sizeof(share), NULL), RC_OK);
		assert_memory_equal(share, vector + i * 48, 48);
	}
	memcpy(was, share, sizeof(was));
	assert_int_equal(store_share(s, 3, BATCH_COUNT_MAX, share, sizeof(share), NULL), RC_MISSING);
	assert_int_equal(store_share(s, 4, 2, share, sizeof(share), NULL), RC_MISSING);
	assert_int_equal(store_share(s, 4, UINT32_MAX, share, sizeof(share), NULL), RC_MISSING);
	assert_int_equal(store_share(s, 5, 0, share, sizeof(share), NULL), RC_MISSING);
	assert_int_equal(store_share(s, UINT64_MAX, 0, share, sizeof(share), NULL), RC_MISSING);
	assert_int_equal(store_share(s, 4, 0, share, 47, NULL), RC_BUG);
	assert_memory_equal(share, was, sizeof(was));
}

static void
test_damage(void **state)
{
	static const char *const harm[] = {
		"UPDATE escrow SET at = 1000000",
		"UPDATE escrow SET at = -1",
		"UPDATE escrow SET leaf = -1",
		"UPDATE escrow SET batch = -1",
		"UPDATE batch SET blob = 77",
		"DELETE FROM batch",
	};
	AUTO_DONE(buf_done) struct buf	d = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	struct escrow_at	at;
	struct batch		b;
	uint8_t			id[ARTIFACT_ID_BYTES];

	(void)state;
	batch_init(&b, 0, 3, 60);
	begin();
	assert_int_equal(batch_apply(s, &b, SPAN_STR("e"), NULL), RC_OK);
	commit();
	batch_id(0, 2, id);
	for (size_t i = 0; i < sizeof(harm) / sizeof(harm[0]); i++) {
		assert_int_equal(sqlite3_exec(s->db, "SAVEPOINT before", NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_exec(s->db, harm[i], NULL, NULL, NULL), SQLITE_OK);
		if (st->escrow_find(st->user, id, &at, &d, NULL) != RC_IO)
			fail_msg("%s", harm[i]);
		assert_int_equal(d.n, 0);
		assert_int_equal(sqlite3_exec(s->db, "ROLLBACK TO before; RELEASE before",
		    NULL, NULL, NULL), SQLITE_OK);
	}
	assert_int_equal(st->escrow_find(st->user, id, &at, &d, NULL), RC_OK);
	batch_done(&b);
}

/* The law: an escrow with its share takes at most 450 bytes of disk. */
static void
size_law(uint32_t in_batch)
{
	const uint64_t	escrows = 20000;
	uint8_t		leaf[3000] = { 1 };	/* a batch statement of five custodians */
	struct batch	b;
	off_t		empty, full;

	reopen();
	store_close(s);
	empty = place_bytes(&place);
	s = opened(&place, STORE_OPEN);
	st = store_state(s);
	for (uint64_t i = 0; i < escrows / in_batch; i++) {
		batch_init(&b, i + 1000 * in_batch, in_batch, DESCRIPTOR_BYTES);
		begin();
		assert_int_equal(batch_apply(s, &b, SPAN_OF(leaf), NULL), RC_OK);
		commit();
		batch_done(&b);
	}
	full = place_bytes(&place);	/* with the write-ahead log as it stands */
	store_close(s);
	printf("%u a batch: %.0f bytes an escrow, %.0f with files in use\n", in_batch,
	    (double)(place_bytes(&place) - empty) / (double)escrows,
	    (double)(full - empty) / (double)escrows);
	empty += (off_t)escrows * 450;
	full = place_bytes(&place);
	s = opened(&place, STORE_OPEN);
	st = store_state(s);
	assert_true(full <= empty);
}

static void
test_size_law(void **state)
{
	(void)state;
	size_law(1000);
}

static void
test_size_law_small_batches(void **state)
{
	(void)state;
	size_law(100);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(test_map, setup, teardown),
		cmocka_unit_test_setup_teardown(test_roots_and_blobs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_escrows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_escrow_without_vector, setup, teardown),
		cmocka_unit_test_setup_teardown(test_escrow_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shares, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_size_law, setup, teardown),
		cmocka_unit_test_setup_teardown(test_size_law_small_batches, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

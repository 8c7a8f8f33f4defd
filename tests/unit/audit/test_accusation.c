/* Two checkpoints that one log signed and that cannot both be true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/accusation.h"
#include "base/auto.h"
#include "tests/unit/audit/parties.h"
#include "tests/unit/fault.h"

#define LEAVES	9
#define FORK	2	/* the second log has other leaves from here on */

static struct parties	p;
static uint8_t		leaf[2][LEAVES][TREE_HASH_BYTES];	/* of the log that is shown, and of the other */

static int
set_up(void **state)
{
	(void)state;
	parties_init(&p);
	for (unsigned i = 0; i < LEAVES; i++) {
		uint8_t	one = (uint8_t)i, two = (uint8_t)(i < FORK ? i : 100 + i);

		tree_leaf(SPAN(&one, 1), leaf[0][i]);
		tree_leaf(SPAN(&two, 1), leaf[1][i]);
	}
	return 0;
}

static enum rc
node(void *user, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	uint8_t	(*l)[TREE_HASH_BYTES] = user;

	(void)err;
	tree_root((const uint8_t (*)[TREE_HASH_BYTES])l + (index << level), UINT64_C(1) << level, ret);
	return RC_OK;
}

/* The log's note over the first `size` leaves of a log, cosigned by witnesses 0.. */
static void
note(unsigned which, uint64_t size, unsigned witnesses, struct buf *out)
{
	AUTO_DONE(buf_done) struct buf	text = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint		c = { .size = size };

	memcpy(c.origin, p.log.name, sizeof(c.origin));
	tree_root((const uint8_t (*)[TREE_HASH_BYTES])leaf[which], size, c.root);
	c.root[0] ^= size == 0 && which == 1;
	checkpoint_text(&c, &text);
	buf_span(out, buf_view(&text));
	buf_u8(out, '\n');
	parties_sign_log(&p, buf_view(&text), out);
	for (unsigned i = 0; i < witnesses; i++)
		parties_cosign(&p, i, 1000 + i, buf_view(&text), out);
}

struct case_ {			/* what goes into one */
	struct buf		a, b;
	uint8_t			root[TREE_HASH_BYTES];
	struct tree_path	path;
};

static void
case_done(struct case_ *c)
{
	buf_done(&c->a);
	buf_done(&c->b);
}

/* The smaller note of one log, the larger of another, and what leads from the one to the other. */
static void
make(struct case_ *c, unsigned small, uint64_t a, unsigned large, uint64_t b)
{
	c->a = c->b = BUF_INIT(NOTE_BYTES_MAX);
	note(small, a, 2, &c->a);
	note(large, b, 1, &c->b);
	tree_root((const uint8_t (*)[TREE_HASH_BYTES])leaf[large], a, c->root);
	assert_int_equal(tree_consistency(node, leaf[large], a < b ? a : b, b, &c->path, NULL), RC_OK);
}

static enum rc
write_it(const struct case_ *c, struct buf *out)
{
	return accusation_write(buf_view(&c->a), buf_view(&c->b), c->root, &c->path, &p.log, p.witness, WITNESSES, out, NULL);
}

static enum rc
verify(struct span text, struct accusation *ret)
{
	return accusation_verify(text, &p.log, p.witness, WITNESSES, ret, NULL);
}

static void
test_holds(void **state)
{
	static const struct { uint64_t a, b; } rows[] = {
		{ 3, 3 }, { 3, 4 }, { 3, 9 }, { 4, 4 }, { 4, 5 }, { 4, 8 }, { 5, 8 }, { 7, 9 }, { 8, 9 }, { 9, 9 }, { 0, 5 },
		{ 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO_DONE(case_done) struct case_	c;
		AUTO_DONE(buf_done) struct buf		out = BUF_INIT(ACCUSATION_BYTES_MAX);
		struct accusation			x;

		make(&c, 1, rows[i].a, 0, rows[i].b);
		assert_int_equal(write_it(&c, &out), RC_OK);
		assert_int_equal(verify(buf_view(&out), &x), RC_OK);
		assert_int_equal(x.a.size, rows[i].a);
		assert_int_equal(x.b.size, rows[i].b);
		assert_int_equal(x.cosigned_a.mask, 3);
		assert_int_equal(x.cosigned_b.mask, 1);
		assert_true(span_eq(x.note_a, buf_view(&c.a)));
		assert_true(span_eq(x.note_b, buf_view(&c.b)));
	}
}

/* Of one log; of two, but before they part; the larger first. */
static void
test_does_not_hold(void **state)
{
	static const struct { unsigned small, large; uint64_t a, b; } rows[] = {
		{ 0, 0, 3, 3 }, { 0, 0, 3, 9 }, { 1, 0, 1, 9 }, { 1, 0, 2, 9 }, { 1, 0, 1, 1 }, { 0, 0, 0, 4 }, { 1, 0, 5, 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO_DONE(case_done) struct case_	c;
		AUTO_DONE(buf_done) struct buf		out = BUF_INIT(ACCUSATION_BYTES_MAX);

		make(&c, rows[i].small, rows[i].a, rows[i].large, rows[i].b);
		assert_int_equal(write_it(&c, &out), RC_VERIFY);
		assert_int_equal(out.n, 0);
	}
}

/* The root must be the larger log's, by the proof; else anybody could accuse. */
static void
test_root_and_path(void **state)
{
	AUTO_DONE(case_done) struct case_	c;
	AUTO_DONE(buf_done) struct buf		out = BUF_INIT(ACCUSATION_BYTES_MAX);

	(void)state;
	make(&c, 0, 3, 0, 9);
	c.root[0] ^= 1;
	assert_int_equal(write_it(&c, &out), RC_VERIFY);
	c.root[0] ^= 1;
	c.path.hash[1][0] ^= 1;
	assert_int_equal(write_it(&c, &out), RC_VERIFY);
	case_done(&c);
	make(&c, 1, 3, 0, 9);
	c.path.n--;
	assert_int_equal(write_it(&c, &out), RC_VERIFY);
	c.path.n += 2;
	assert_int_equal(write_it(&c, &out), RC_VERIFY);
	case_done(&c);
	make(&c, 1, 4, 0, 4);
	c.path.n = 1;
	assert_int_equal(write_it(&c, &out), RC_VERIFY);
	c.path.n = 0;
	c.root[0] ^= 1;
	assert_int_equal(write_it(&c, &out), RC_VERIFY);
}

static void
test_other_keys(void **state)
{
	AUTO_DONE(case_done) struct case_	c;
	AUTO_DONE(buf_done) struct buf		out = BUF_INIT(ACCUSATION_BYTES_MAX);
	struct note_key				log = p.log, witness = p.witness[0];
	struct accusation			x;

	(void)state;
	make(&c, 1, 3, 0, 9);
	assert_int_equal(write_it(&c, &out), RC_OK);
	log.key[0] ^= 1;
	assert_int_equal(accusation_verify(buf_view(&out), &log, NULL, 0, &x, NULL), RC_VERIFY);
	log = p.log;
	strcpy(log.name, "log.example/2");
	assert_int_equal(accusation_verify(buf_view(&out), &log, NULL, 0, &x, NULL), RC_VERIFY);
	/* Without the witnesses it says as much of the log. */
	assert_int_equal(accusation_verify(buf_view(&out), &p.log, NULL, 0, &x, NULL), RC_OK);
	assert_int_equal(x.cosigned_a.mask | x.cosigned_b.mask, 0);
	assert_int_equal(accusation_verify(buf_view(&out), &p.log, &witness, 1, &x, NULL), RC_OK);
	assert_int_equal(x.cosigned_a.mask & x.cosigned_b.mask, 1);
}

/* --- the text ---------------------------------------------------------------------------- */

static void
test_cut_short(void **state)
{
	AUTO_DONE(case_done) struct case_	c;
	AUTO_DONE(buf_done) struct buf		out = BUF_INIT(ACCUSATION_BYTES_MAX);
	struct accusation			x;

	(void)state;
	make(&c, 1, 3, 0, 9);
	assert_int_equal(write_it(&c, &out), RC_OK);
	for (size_t n = 0; n < out.n; n++) {
		uint8_t	*copy = heap_copy(out.p, n);

		assert_int_not_equal(verify(SPAN(copy, n), &x), RC_OK);
		free(copy);
	}
	buf_u8(&out, '\n');
	assert_int_equal(verify(buf_view(&out), &x), RC_FORMAT);
}

/* No byte of it can be another: of one accusation there is one text. */
static void
test_every_byte(void **state)
{
	AUTO_DONE(case_done) struct case_	c;
	AUTO_DONE(buf_done) struct buf		out = BUF_INIT(ACCUSATION_BYTES_MAX);
	struct accusation			x;

	(void)state;
	make(&c, 1, 3, 0, 9);
	buf_reset(&c.a);
	buf_reset(&c.b);
	note(1, 3, 0, &c.a);
	note(0, 9, 0, &c.b);
	assert_int_equal(write_it(&c, &out), RC_OK);
	for (size_t i = 0; i < out.n; i++) {
		out.p[i] ^= 1;
		assert_int_not_equal(verify(buf_view(&out), &x), RC_OK);
		out.p[i] ^= 1;
	}
}

#define ROOT	"root q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n"
#define PROOF	"proof q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n"
#define HEAD	"quorate accusation v1\n"

static const struct { const char *why, *text; } malformed[] = {
	{ "nothing",			"" },
	{ "another version",		"quorate accusation v2\n" ROOT "note 1\nanote 1\nb" },
	{ "no root",			HEAD PROOF "note 1\nanote 1\nb" },
	{ "a short root",		HEAD "root q6ur\nnote 1\nanote 1\nb" },
	{ "root unpadded",		HEAD "root q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s\nnote 1\nanote 1\nb" },
	{ "a short proof",		HEAD ROOT "proof q6ur\nnote 1\nanote 1\nb" },
	{ "proof after the notes",	HEAD ROOT "note 1\nanote 1\nb" PROOF },
	{ "one note",			HEAD ROOT "note 1\na" },
	{ "three notes",		HEAD ROOT "note 1\nanote 1\nbnote 1\nc" },
	{ "longer than there is",	HEAD ROOT "note 1\nanote 2\nb" },
	{ "a leading zero",		HEAD ROOT "note 01\nanote 1\nb" },
	{ "no length",			HEAD ROOT "note \nanote 1\nb" },
	{ "longer than a note",		HEAD ROOT "note 32769\na" },
	{ "carriage return",		"quorate accusation v1\r\n" ROOT "note 1\nanote 1\nb" },
};

static void
test_malformed(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(1 << 16);
	struct accusation		x;

	(void)state;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		enum rc	rc = verify(span_str(malformed[i].text), &x);

		if (rc != RC_FORMAT)
			fail_msg("%s: %s", malformed[i].why, rc_name(rc));
	}
	/* Whatever the rest is like: 64 hashes do not fit, 65 are too many. */
	for (unsigned n = TREE_PATH_MAX; n <= TREE_PATH_MAX + 1; n++) {
		AUTO_DONE(case_done) struct case_	c;

		make(&c, 1, 3, 0, 9);
		buf_reset(&b);
		buf_printf(&b, HEAD ROOT);
		for (unsigned i = 0; i < n; i++)
			buf_printf(&b, PROOF);
		buf_printf(&b, "note %zu\n", c.a.n);
		buf_span(&b, buf_view(&c.a));
		buf_printf(&b, "note %zu\n", c.b.n);
		buf_span(&b, buf_view(&c.b));
		assert_int_equal(verify(buf_view(&b), &x), n == TREE_PATH_MAX ? RC_VERIFY : RC_FORMAT);
	}
}

static void
test_no_memory(void **state)
{
	AUTO_DONE(case_done) struct case_	c;
	AUTO_DONE(buf_done) struct buf		out = BUF_INIT(ACCUSATION_BYTES_MAX);
	unsigned long				n;
	enum rc					rc = RC_OK;

	(void)state;
	make(&c, 1, 3, 0, 9);
	for (n = 1;; n++) {
		buf_done(&out);
		out = BUF_INIT(ACCUSATION_BYTES_MAX);
		fault_at(n);
		rc = write_it(&c, &out);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 1);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_holds), cmocka_unit_test(test_does_not_hold), cmocka_unit_test(test_root_and_path),
		cmocka_unit_test(test_other_keys), cmocka_unit_test(test_cut_short), cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_malformed), cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}

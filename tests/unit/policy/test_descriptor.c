/* Descriptors, vectors of them, scopes: one edit each, every truncation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "audit/tree.h"
#include "policy/scope.h"
#include "tests/unit/fault.h"

#define BIG	((size_t)1 << 22)

static void
descriptor_make(struct descriptor *d)
{
	memset(d, 0, sizeof(*d));
	randombytes_buf(d->id, sizeof(d->id));
	randombytes_buf(d->policy, sizeof(d->policy));
	strcpy(d->class_id, "default");
	d->sealed_at = UINT64_C(1795341600);
	d->shares = 5;
	d->commits.threshold = 3;
	for (size_t i = 0; i < 3; i++)
		crypto_core_ristretto255_random(d->commits.point[i]);
	d->n_parts = 2;
	strcpy(d->part[0].name, "image");
	d->part[0].length = (UINT64_C(4) << 16) + 1;
	d->part[0].segment_log2 = 16;
	strcpy(d->part[1].name, "prompt");
	d->part[1].length = 1;
	d->part[1].segment_log2 = 24;
}

static void
largest(struct descriptor *d)
{
	descriptor_make(d);
	memset(d->class_id, 'c', CLASS_NAME_MAX);
	d->shares = 31;
	d->commits.threshold = 31;
	for (size_t i = 0; i < 31; i++)
		crypto_core_ristretto255_random(d->commits.point[i]);
	d->n_parts = 16;
	for (size_t i = 0; i < 16; i++) {
		d->part[i] = d->part[0];
		memset(d->part[i].name, 'p', PART_NAME_MAX);
		d->part[i].name[0] = (char)('a' + i);
		d->part[i].length = PART_LENGTH_MAX;
	}
}

static void
both_ways(void **state)
{
	struct descriptor	d[2], got;

	(void)state;
	descriptor_make(&d[0]);
	largest(&d[1]);
	for (size_t i = 0; i < 2; i++) {
		AUTO_DONE(buf_done) struct buf a = BUF_INIT(BIG), b = BUF_INIT(BIG);

		descriptor_write(&d[i], &a);
		assert_true(a.n <= DESCRIPTOR_BYTES_MAX);
		assert_int_equal(descriptor_parse(buf_view(&a), &got, NULL), RC_OK);
		descriptor_write(&got, &b);
		assert_true(span_eq(buf_view(&a), buf_view(&b)));
		for (size_t n = 0; n < a.n; n++) {
			uint8_t	*copy = heap_copy(a.p, n);

			assert_int_equal(descriptor_parse(SPAN(copy, n), &got,
			    NULL), RC_FORMAT);
			free(copy);
		}
		buf_u8(&a, 0);
		assert_int_equal(descriptor_parse(buf_view(&a), &got, NULL),
		    RC_FORMAT);
	}
	assert_ptr_equal(descriptor_part(&d[0], "prompt"), &d[0].part[1]);
	assert_null(descriptor_part(&d[0], "latent"));
	assert_int_equal(part_segments(&d[0].part[0]), 5);
	assert_int_equal(part_segments(&d[0].part[1]), 1);
	assert_int_equal(part_segments(&d[1].part[0]), 1U << 28);
}

#define ROW(name, code)								\
	static void								\
	name(struct descriptor *d)						\
	{									\
		code;								\
	}									\
	struct name##_semicolon

ROW(nothing, (void)d);
ROW(class_empty, d->class_id[0] = '\0');
ROW(class_upper, d->class_id[0] = 'D');
ROW(sealed_late, d->sealed_at = WHEN_MAX + 1);
ROW(lock_late, d->time_lock = WHEN_MAX + 1);
ROW(lock_last, d->time_lock = WHEN_MAX);
ROW(k_one, d->commits.threshold = 1);
ROW(k_over, d->shares = 2);
ROW(n_over, d->shares = 32);
ROW(point_zero, memset(d->commits.point[2], 0, 32));
ROW(point_wild, memset(d->commits.point[0], 0xff, 32));
ROW(no_parts, d->n_parts = 0);
ROW(part_empty, d->part[0].length = 0);
ROW(part_huge, d->part[0].length = PART_LENGTH_MAX + 1);
ROW(log2_low, d->part[0].segment_log2 = 15);
ROW(log2_high, d->part[0].segment_log2 = 31);
ROW(name_twice, strcpy(d->part[1].name, "image"));
ROW(name_order, strcpy(d->part[1].name, "h"));
ROW(name_space, strcpy(d->part[1].name, "q r"));

static void
one_edit_each(void **state)
{
	static const struct {
		const char	*name;
		void		(*edit)(struct descriptor *d);
		enum rc		 rc;
	} rows[] = {
		{ "nothing", nothing, RC_OK },
		{ "no class", class_empty, RC_FORMAT },
		{ "class in capitals", class_upper, RC_FORMAT },
		{ "sealed after year 9999", sealed_late, RC_FORMAT },
		{ "locked after year 9999", lock_late, RC_FORMAT },
		{ "locked to its last second", lock_last, RC_OK },
		{ "k of one", k_one, RC_FORMAT },
		{ "k over n", k_over, RC_FORMAT },
		{ "n over 31", n_over, RC_FORMAT },
		{ "a commitment of the identity", point_zero, RC_FORMAT },
		{ "a commitment that is no point", point_wild, RC_FORMAT },
		{ "no parts", no_parts, RC_FORMAT },
		{ "an empty part", part_empty, RC_FORMAT },
		{ "a part over 16 TiB", part_huge, RC_FORMAT },
		{ "segments of 32 KiB", log2_low, RC_FORMAT },
		{ "segments of 2 GiB", log2_high, RC_FORMAT },
		{ "one name twice", name_twice, RC_FORMAT },
		{ "names out of order", name_order, RC_FORMAT },
		{ "a name with a space", name_space, RC_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
		struct descriptor	d, got;

		descriptor_make(&d);
		rows[i].edit(&d);
		descriptor_write(&d, &b);
		if (descriptor_parse(buf_view(&b), &got, NULL) != rows[i].rc)
			fail_msg("%s", rows[i].name);
	}
}

static void
version_and_nul(void **state)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
	struct descriptor	d;

	(void)state;
	descriptor_make(&d);
	descriptor_write(&d, &b);
	b.p[0] = 2;
	assert_int_equal(descriptor_parse(buf_view(&b), &d, NULL), RC_FORMAT);
	b.p[0] = 1;
	b.p[1 + 16 + 32 + 1 + 3] = '\0';	/* within "default" */
	assert_int_equal(descriptor_parse(buf_view(&b), &d, NULL), RC_FORMAT);
}

/* Only who asks for points has them decoded. */
static void
form_alone(void **state)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
	struct descriptor	d, got;

	(void)state;
	descriptor_make(&d);
	point_zero(&d);
	point_wild(&d);
	descriptor_write(&d, &b);
	assert_int_equal(descriptor_parse(buf_view(&b), &got, NULL), RC_FORMAT);
	assert_int_equal(descriptor_parse_form(buf_view(&b), &got, NULL), RC_OK);
	assert_memory_equal(&got.commits, &d.commits, sizeof(got.commits));
	b.p[b.n++] = 0;			/* the form is looked at, though */
	assert_int_equal(descriptor_parse_form(buf_view(&b), &got, NULL), RC_FORMAT);
}

static enum rc
count(void *user, uint32_t leaf, struct span d, struct err *err)
{
	uint32_t	*n = user;

	(void)d;
	(void)err;
	assert_int_equal(leaf, *n);
	(*n)++;
	return leaf == 2 ? RC_IO : RC_OK;
}

static void
vectors_of_descriptors(void **state)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(BIG), one = BUF_INIT(BIG);
	uint8_t			leaf[2][TREE_HASH_BYTES], root[32], want[32];
	struct descriptor	d;
	uint32_t		n = 0;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		descriptor_make(&d);
		buf_reset(&one);
		descriptor_write(&d, &one);
		tree_leaf(buf_view(&one), leaf[i]);
		buf_vec16(&v, buf_view(&one));
	}
	tree_root(leaf, 2, want);
	assert_int_equal(descriptor_vector_root(buf_view(&v), 2, root, NULL), RC_OK);
	assert_memory_equal(root, want, 32);
	assert_int_equal(descriptor_vector_root(buf_view(&v), 1, root, NULL), RC_FORMAT);
	assert_int_equal(descriptor_vector_root(buf_view(&v), 3, root, NULL), RC_FORMAT);
	assert_int_equal(descriptor_vector_each(buf_view(&v), 2, count, &n, NULL), RC_OK);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < v.n; i++) {
		uint8_t	*copy = heap_copy(v.p, i);

		assert_int_equal(descriptor_vector_root(SPAN(copy, i), 2, root,
		    NULL), RC_FORMAT);
		free(copy);
	}
	/* What the callback says stops the walk. */
	buf_vec16(&v, buf_view(&one));
	n = 0;
	assert_int_equal(descriptor_vector_each(buf_view(&v), 3, count, &n, NULL), RC_IO);
}

static void
label_bytes(void **state)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(LABEL_MSG_MAX);
	uint8_t	genesis[32], id[16];
	char	longest[PART_NAME_MAX + 1];

	(void)state;
	memset(genesis, 1, 32);
	memset(id, 2, 16);
	label_msg(genesis, id, "image", 0x01020304, &b);
	assert_int_equal(b.n, 32 + 16 + 1 + 5 + 4);
	assert_memory_equal(b.p + 48, "\x05image\x01\x02\x03\x04", 10);
	buf_reset(&b);
	memset(longest, 'x', PART_NAME_MAX);
	longest[PART_NAME_MAX] = '\0';
	label_msg(genesis, id, longest, 0, &b);
	assert_int_equal(b.n, LABEL_MSG_MAX);
	assert_int_equal(b.rc, RC_OK);
}

/* --- scopes ------------------------------------------------------------------------------ */

#define ID_A	"aaaaaaaaaaaaaaaa"
#define ID_B	"bbbbbbbbbbbbbbbb"
#define ONE	"\x01" "\x05image" "\0\0\0\0" "\0\0\0\1"

static void
scopes(void **state)
{
	static const struct {
		const char	*name, *bytes;
		size_t		 n;
		enum rc		 rc;
	} rows[] = {
#define BYTES(s)	(s), sizeof(s) - 1
		{ "one", BYTES("\1" "\0\1" ID_A ONE), RC_OK },
		{ "two", BYTES("\1" "\0\2" ID_A ONE ID_B ONE), RC_OK },
		{ "two parts", BYTES("\1" "\0\1" ID_A "\2" "\1a" "\0\0\0\0" "\0\0\0\0"
		    "\1b" "\0\0\0\0" "\0\0\0\0"), RC_OK },
		{ "version 2", BYTES("\2" "\0\1" ID_A ONE), RC_FORMAT },
		{ "none", BYTES("\1" "\0\0"), RC_FORMAT },
		{ "trailing", BYTES("\1" "\0\1" ID_A ONE "\0"), RC_FORMAT },
		{ "one twice", BYTES("\1" "\0\2" ID_A ONE ID_A ONE), RC_FORMAT },
		{ "out of order", BYTES("\1" "\0\2" ID_B ONE ID_A ONE), RC_FORMAT },
		{ "no parts", BYTES("\1" "\0\1" ID_A "\0"), RC_FORMAT },
		{ "a part twice", BYTES("\1" "\0\1" ID_A "\2" "\1a" "\0\0\0\0" "\0\0\0\0"
		    "\1a" "\0\0\0\1" "\0\0\0\1"), RC_FORMAT },
		{ "parts out of order", BYTES("\1" "\0\1" ID_A "\2" "\1b" "\0\0\0\0" "\0\0\0\0"
		    "\1a" "\0\0\0\0" "\0\0\0\0"), RC_FORMAT },
		{ "an empty name", BYTES("\1" "\0\1" ID_A "\1" "\0" "\0\0\0\0" "\0\0\0\0"), RC_FORMAT },
		{ "a name in capitals", BYTES("\1" "\0\1" ID_A "\1" "\1A" "\0\0\0\0" "\0\0\0\0"), RC_FORMAT },
		{ "a name with NUL", BYTES("\1" "\0\1" ID_A "\1" "\2a\0" "\0\0\0\0" "\0\0\0\0"), RC_FORMAT },
		{ "backwards", BYTES("\1" "\0\1" ID_A "\1" "\1a" "\0\0\0\2" "\0\0\0\1"), RC_FORMAT },
		{ "8192 segments", BYTES("\1" "\0\1" ID_A "\1" "\1a" "\0\0\0\0" "\0\0\x1f\xff"), RC_OK },
		{ "8193 segments", BYTES("\1" "\0\1" ID_A "\1" "\1a" "\0\0\0\0" "\0\0\x20\0"), RC_LIMIT },
		{ "all segments", BYTES("\1" "\0\1" ID_A "\1" "\1a" "\0\0\0\0" "\xff\xff\xff\xff"), RC_LIMIT },
		{ "the last segments", BYTES("\1" "\0\1" ID_A "\1" "\1a" "\xff\xff\xff\xfe" "\xff\xff\xff\xff"), RC_OK },
		{ "17 parts", BYTES("\1" "\0\1" ID_A "\x11"), RC_FORMAT },
		{ "1025 artifacts", BYTES("\1" "\x04\x01" ID_A ONE), RC_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO_DONE(scope_done) struct scope s = { 0 };
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
		uint8_t	*copy = heap_copy(rows[i].bytes, rows[i].n);

		if (scope_parse(SPAN(copy, rows[i].n), &s, NULL) != rows[i].rc)
			fail_msg("%s", rows[i].name);
		if (rows[i].rc == RC_OK) {
			assert_int_equal(scope_write(&s, &b, NULL), RC_OK);
			assert_true(span_eq(buf_view(&b), SPAN(copy, rows[i].n)));
		}
		free(copy);
		for (size_t n = 0; rows[i].rc == RC_OK && n < rows[i].n; n++) {
			copy = heap_copy(rows[i].bytes, n);
			assert_int_equal(scope_parse(SPAN(copy, n), &s, NULL),
			    RC_FORMAT);
			free(copy);
		}
	}
}

struct walked { uint32_t n; uint32_t segment[8]; const char *part[8]; };

static enum rc
walk(void *user, uint32_t number, const struct scope_artifact *a,
    const struct scope_part *p, uint32_t segment, struct err *err)
{
	struct walked	*w = user;

	(void)a;
	(void)err;
	assert_int_equal(number, w->n);
	w->segment[w->n] = segment;
	w->part[w->n++] = p->name;
	return RC_OK;
}

static void
scope_order(void **state)
{
	AUTO_DONE(scope_done) struct scope s = { 0 };
	static const char	bytes[] = "\1" "\0\2" ID_A "\2" "\1a" "\0\0\0\1" "\0\0\0\2"
				    "\1b" "\0\0\0\0" "\0\0\0\0" ID_B "\1" "\1a"
				    "\xff\xff\xff\xfe" "\xff\xff\xff\xff";
	struct walked		w = { 0 };

	(void)state;
	assert_int_equal(scope_parse(SPAN(bytes, sizeof(bytes) - 1), &s, NULL), RC_OK);
	assert_int_equal(s.n_segments, 5);
	assert_int_equal(scope_each(&s, walk, &w, NULL), RC_OK);
	assert_int_equal(w.n, 5);
	assert_int_equal(w.segment[0], 1);
	assert_int_equal(w.segment[1], 2);
	assert_string_equal(w.part[2], "b");
	assert_int_equal(w.segment[4], UINT32_MAX);
	/* What is not sorted is not written. */
	s.part[0].first = 9;
	{
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);

		assert_int_equal(scope_write(&s, &b, NULL), RC_FORMAT);
		assert_int_equal(b.n, 0);
	}
}

/* What the parser cannot read is not written either, whoever filled it in. */
static void
scopes_not_written(void **state)
{
	static const char	bytes[] = "\1" "\0\2" ID_A ONE ID_B ONE;

	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
		AUTO_DONE(scope_done) struct scope s = { 0 };

		assert_int_equal(scope_parse(SPAN(bytes, sizeof(bytes) - 1), &s, NULL), RC_OK);
		switch (i) {
		case 0:	s.n_artifacts = 0; break;
		case 1:	s.n_artifacts = SCOPE_ARTIFACTS_MAX + 1; break;
		case 2:	s.artifact[1].first_part = 0; break;
		case 3:	s.artifact[1].n_parts = 0; break;
		case 4:	s.artifact[1].n_parts = 2; break;	/* there is one */
		case 5:	s.part[1].artifact = 0; break;
		case 6:	s.n_artifacts = 1; break;		/* and a part of none */
		}
		assert_int_equal(scope_write(&s, &b, NULL), RC_FORMAT);
		assert_int_equal(b.n, 0);
		s.n_artifacts = 2;
	}
}

/* Each part one segment: their number alone is too large. */
static void
scope_of_many_parts(void **state)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(SCOPE_BYTES_MAX);
	AUTO_DONE(scope_done) struct scope s = { 0 };
	uint32_t	artifacts = SCOPE_SEGMENTS_MAX / PARTS_MAX + 1;

	(void)state;
	buf_u8(&b, 1);
	buf_u16(&b, (uint16_t)artifacts);
	for (uint32_t i = 0; i < artifacts; i++) {
		buf_u64(&b, 0);
		buf_u64(&b, i);
		buf_u8(&b, PARTS_MAX);
		for (uint8_t j = 0; j < PARTS_MAX; j++) {
			const char	name[] = { (char)('a' + j), '\0' };

			buf_vec8(&b, span_str(name));
			buf_u64(&b, 0);
		}
	}
	assert_int_equal(scope_parse(buf_view(&b), &s, NULL), RC_LIMIT);
	b.p[2]--;	/* as many as may be, when the last artifact is gone */
	assert_int_equal(scope_parse(SPAN(b.p, b.n - 17 - 10 * PARTS_MAX), &s, NULL), RC_OK);
	assert_int_equal(s.n_segments, SCOPE_SEGMENTS_MAX);
}

static void
scope_memory(void **state)
{
	static const char	bytes[] = "\1" "\0\1" ID_A ONE;
	unsigned long		n;
	enum rc			rc;

	(void)state;
	for (n = 1;; n++) {
		AUTO_DONE(scope_done) struct scope s = { 0 };

		fault_at(n);
		rc = scope_parse(SPAN(bytes, sizeof(bytes) - 1), &s, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
		assert_null(s.artifact);
	}
	assert_int_equal(rc, RC_OK);
	assert_int_equal(n, 3);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(one_edit_each),
		cmocka_unit_test(version_and_nul),
		cmocka_unit_test(form_alone),
		cmocka_unit_test(vectors_of_descriptors),
		cmocka_unit_test(label_bytes),
		cmocka_unit_test(scopes),
		cmocka_unit_test(scope_order),
		cmocka_unit_test(scope_of_many_parts),
		cmocka_unit_test(scopes_not_written),
		cmocka_unit_test(scope_memory),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

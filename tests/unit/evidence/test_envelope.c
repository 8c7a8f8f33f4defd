/* envelope-v1: what goes in comes out, and nothing else opens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/evidence/sealing.h"
#include "tests/unit/fault.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define K64		((size_t)65536)

static const struct sealing_part	small[] = { { "image", 7 }, { "prompt", 1 } };
static const struct sealing_part	large[] = { { "image", 3 * K64 + 1000 }, { "latent", 2 * K64 }, { "prompt", 5 } };

static enum rc
open_it(struct sealing *s, struct envelope **ret)
{
	return envelope_open(sealing_read, s, s->size, s->digest, ret, NULL);
}

/* Opens and checks all: the verdict on a changed file. */
static enum rc
judge(struct sealing *s)
{
	AUTO(envelope_free) struct envelope *e = NULL;

	TRY(open_it(s, &e));
	return envelope_verify(e, NULL);
}

static void
read_all(struct sealing *s, envelope_point point)
{
	AUTO(envelope_free) struct envelope *e = NULL;

	assert_int_equal(open_it(s, &e), RC_OK);
	assert_int_equal(envelope_verify(e, NULL), RC_OK);
	for (size_t i = 0; i < s->params.n_parts; i++) {
		const struct part	*p = &envelope_descriptor(e)->part[i];
		struct sealing_sink	 sink = { p->name, 0, 0 };
		size_t			 number;

		assert_int_equal(envelope_part_number(e, s->params.part[i], &number, NULL), RC_OK);
		assert_int_equal(number, i);
		assert_int_equal(envelope_read(e, i, 0, p->length, point, s, sealing_sink, &sink, NULL), RC_OK);
		assert_int_equal(sink.n, p->length);
	}
}

/* --- round trips -------------------------------------------------------- */

static void
test_round_trips(void **state)
{
	static const size_t	length[] = { 1, 2, K64 - 1, K64, K64 + 1, 2 * K64, 2 * K64 + 1, 4 * K64, 5 * K64 + 3 };
	static const size_t	step[] = { 1000, K64 - 1, K64, K64 + 1, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < COUNT(length); i++) {
		uint8_t	first[SHA256_BYTES];

		for (size_t j = 0; j < COUNT(step); j++) {
			struct sealing_part	part = { "image", length[i] };
			struct sealing		s;

			sealing_up(&s, &part, 1, (uint8_t)(16 + i % 3), step[j]);
			read_all(&s, sealing_point);
			/* How the bytes came does not show. */
			if (j == 0)
				memcpy(first, s.digest, sizeof(first));
			assert_memory_equal(first, s.digest, sizeof(first));
			sealing_down(&s);
		}
	}
}

static void
test_contributions_open_it(void **state)
{
	struct sealing	s;

	(void)state;
	sealing_up(&s, large, COUNT(large), 16, 12345);
	read_all(&s, sealing_combined);
	sealing_down(&s);
}

/* A fresh secret each time: nothing repeats, and shares verify. */
static void
test_fresh_secrets(void **state)
{
	uint8_t	seen[2][SHA256_BYTES];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		AUTO(envelope_writer_free) struct envelope_writer *w = NULL;
		struct sealing		s;
		struct descriptor	d;
		uint64_t		size;

		sealing_params(&s, small, COUNT(small), 16);
		assert_int_equal(envelope_new(&s.params, s.arena, sealing_write, &s, &w, NULL), RC_OK);
		for (size_t j = 0; j < COUNT(small); j++) {
			assert_int_equal(envelope_part(w, small[j].name, NULL), RC_OK);
			assert_int_equal(envelope_write(w, SPAN_STR("x"), NULL), RC_OK);
		}
		assert_int_equal(envelope_finish(w, &s.descriptor, &size, NULL), RC_OK);
		assert_int_equal(descriptor_parse(buf_view(&s.descriptor), &d, NULL), RC_OK);
		for (uint8_t x = 1; x <= 5; x++)
			assert_int_equal(shamir_share_verify(&d.commits, x, envelope_shares(w)[x - 1], NULL), RC_OK);
		sha256_one(s.digest, buf_view(&s.descriptor));
		assert_int_equal(judge(&s), RC_OK);
		memcpy(seen[i], s.digest, sizeof(seen[i]));
		sealing_down(&s);
	}
	assert_memory_not_equal(seen[0], seen[1], SHA256_BYTES);
}

static void
test_descriptor_says_what_was_asked(void **state)
{
	AUTO_DONE(buf_done) struct buf peeked = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	AUTO(envelope_free) struct envelope *e = NULL;
	struct sealing	s;
	const struct descriptor	*d;

	(void)state;
	sealing_up(&s, large, COUNT(large), 17, K64);
	assert_int_equal(open_it(&s, &e), RC_OK);
	d = envelope_descriptor(e);
	assert_memory_equal(d->id, s.params.id, sizeof(d->id));
	assert_memory_equal(d->policy, s.params.policy, sizeof(d->policy));
	assert_memory_equal(d->record, s.params.record, sizeof(d->record));
	assert_string_equal(d->class_id, "standard");
	assert_int_equal(d->sealed_at, s.params.sealed_at);
	assert_int_equal(d->time_lock, 0);
	assert_int_equal(d->shares, 5);
	assert_int_equal(d->commits.threshold, 3);
	assert_int_equal(d->n_parts, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(d->part[i].name, large[i].name);
		assert_int_equal(d->part[i].length, large[i].n);
		assert_int_equal(d->part[i].segment_log2, 17);
	}
	assert_true(span_eq(envelope_descriptor_bytes(e), buf_view(&s.descriptor)));
	assert_int_equal(envelope_peek(sealing_read, &s, s.size, &peeked, NULL), RC_OK);
	assert_true(span_eq(buf_view(&peeked), buf_view(&s.descriptor)));
	sealing_down(&s);
}

/* --- changed files ------------------------------------------------------ */

static void
test_every_byte_flipped(void **state)
{
	struct sealing	s;

	(void)state;
	sealing_up(&s, small, COUNT(small), 16, 100);
	assert_true(s.size < 1024);
	for (uint64_t i = 0; i < s.size; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			s.file[i] ^= (uint8_t)(1u << bit);
			assert_int_not_equal(judge(&s), RC_OK);
			s.file[i] ^= (uint8_t)(1u << bit);
		}
	assert_int_equal(judge(&s), RC_OK);
	sealing_down(&s);
}

static void
test_every_truncation(void **state)
{
	AUTO(envelope_free) struct envelope *e = NULL;
	struct sealing	s, cut;

	(void)state;
	sealing_up(&s, small, COUNT(small), 16, 100);
	for (uint64_t n = 0; n < s.size; n++) {
		cut = s;
		cut.file = heap_copy(s.file, n);
		cut.size = n;
		assert_int_equal(open_it(&cut, &e), RC_FORMAT);
		free(cut.file);
	}
	cut = s;
	cut.file = calloc(1, s.size + 1);
	memcpy(cut.file, s.file, s.size);
	cut.size = s.size + 1;
	assert_int_equal(open_it(&cut, &e), RC_FORMAT);
	assert_null(e);
	free(cut.file);
	sealing_down(&s);
}

/* In an envelope of several leaves: one flip in each leaf, each node, both ends. */
static void
test_leaves_and_nodes_flipped(void **state)
{
	struct sealing	s;
	uint64_t	step = 9973;		/* prime, smaller than a leaf */

	(void)state;
	sealing_up(&s, large, COUNT(large), 17, K64);
	for (uint64_t i = 24; i < s.size; i += step) {
		if (s.size - i < 700)		/* the tables: 7 + 3 + 1 nodes */
			step = 16;
		s.file[i] ^= 0x10;
		assert_int_equal(judge(&s), RC_VERIFY);
		s.file[i] ^= 0x10;
	}
	s.file[s.size - 1] ^= 1;
	assert_int_equal(judge(&s), RC_VERIFY);
	sealing_down(&s);
}

/* A leaf and a table that fit each other, but not the root. */
static void
test_table_forged_to_fit(void **state)
{
	struct sealing	s;
	uint8_t		*leaf;

	(void)state;
	sealing_up(&s, small, COUNT(small), 16, 100);
	leaf = s.file + 24 + s.descriptor.n;
	leaf[40] ^= 1;
	tree_leaf(SPAN(leaf, 32 + 7 + 16), s.file + s.size - 2 * TREE_HASH_BYTES);
	assert_int_equal(judge(&s), RC_VERIFY);
	sealing_down(&s);
}

static void
test_another_descriptor(void **state)
{
	AUTO(envelope_free) struct envelope *e = NULL;
	struct sealing	s;

	(void)state;
	sealing_up(&s, small, COUNT(small), 16, 100);
	s.digest[0] ^= 1;
	assert_int_equal(open_it(&s, &e), RC_VERIFY);
	assert_null(e);
	sealing_down(&s);
}

/* The right digest of a descriptor that is none, or of one that is too large. */
static void
test_bad_descriptors(void **state)
{
	AUTO(envelope_free) struct envelope *e = NULL;
	struct sealing		s;
	struct descriptor	d;
	size_t			n;

	(void)state;
	sealing_up(&s, small, COUNT(small), 16, 100);
	n = s.descriptor.n;
	assert_int_equal(descriptor_parse(buf_view(&s.descriptor), &d, NULL), RC_OK);
	s.file[24] = 2;					/* its version */
	sha256_one(s.digest, SPAN(s.file + 24, n));
	assert_int_equal(open_it(&s, &e), RC_FORMAT);
	d.part[0].length = ENVELOPE_LEAVES_MAX * K64;	/* and one leaf of the other part */
	buf_reset(&s.descriptor);
	descriptor_write(&d, &s.descriptor);
	memcpy(s.file + 24, s.descriptor.p, n);
	sha256_one(s.digest, buf_view(&s.descriptor));
	assert_int_equal(open_it(&s, &e), RC_LIMIT);
	s.file[20] = 1;					/* 16 MiB of descriptor */
	assert_int_equal(open_it(&s, &e), RC_FORMAT);
	assert_null(e);
	sealing_down(&s);
	sealing_up(&s, large, COUNT(large), 16, K64);	/* one that is there, but too long */
	s.file[22] = (DESCRIPTOR_BYTES_MAX + 1) >> 8;
	s.file[23] = (DESCRIPTOR_BYTES_MAX + 1) & 0xff;
	sha256_one(s.digest, SPAN(s.file + 24, DESCRIPTOR_BYTES_MAX + 1));
	assert_int_equal(open_it(&s, &e), RC_FORMAT);
	assert_int_equal(envelope_peek(sealing_read, &s, s.size, &s.descriptor, NULL), RC_FORMAT);
	sealing_down(&s);
}

/* --- leaves ------------------------------------------------------------- */

static void
test_leaves(void **state)
{
	AUTO(envelope_free) struct envelope *e = NULL;
	struct sealing	s;
	struct err	err;
	uint8_t		*out = malloc(SEGMENT_LEAF_MAX), hash[4][TREE_HASH_BYTES], mine[TREE_HASH_BYTES];
	size_t		n;

	(void)state;
	sealing_up(&s, large, COUNT(large), 17, K64);
	assert_int_equal(open_it(&s, &e), RC_OK);
	assert_int_equal(envelope_leaf_hashes(e, 0, 0, 4, hash, NULL), RC_OK);
	for (uint64_t i = 0; i < 4; i++) {
		assert_int_equal(envelope_leaf(e, 0, i, out, &n, NULL), RC_OK);
		tree_leaf(SPAN(out, n), mine);
		assert_memory_equal(mine, hash[i], sizeof(mine));
	}
	assert_int_equal(envelope_leaf_hashes(e, 0, 2, 1, hash, NULL), RC_OK);
	assert_memory_equal(hash[0], hash[2], TREE_HASH_BYTES);
	assert_int_equal(envelope_leaf_hashes(e, 0, 4, 0, hash, NULL), RC_OK);
	assert_int_equal(envelope_leaf(e, 0, 4, out, &n, &err), RC_USAGE);
	assert_string_equal(err.msg, "envelope: leaf 4 of 4");
	assert_int_equal(envelope_leaf(e, 3, 0, out, &n, NULL), RC_USAGE);
	assert_int_equal(envelope_leaf_hashes(e, 0, 1, 4, hash, NULL), RC_USAGE);
	assert_int_equal(envelope_leaf_hashes(e, 0, 5, 0, hash, NULL), RC_USAGE);
	assert_int_equal(envelope_leaf_hashes(e, 3, 0, 1, hash, NULL), RC_USAGE);
	assert_int_equal(envelope_part_number(e, "rng", &n, NULL), RC_MISSING);
	free(out);
	sealing_down(&s);
}

static enum rc
append(void *user, struct span data, struct err *err)
{
	buf_span(user, data);
	return buf_check(user, "segment", err);
}

/* A segment that was copied out opens by itself with the leaf hashes beside it. */
static void
test_segments_copied_out(void **state)
{
	struct sealing	s;
	struct sealing	piece = { .size = 0 };
	AUTO(envelope_free) struct envelope *e = NULL;

	(void)state;
	sealing_up(&s, large, COUNT(large), 17, K64);
	assert_int_equal(open_it(&s, &e), RC_OK);
	for (uint32_t segment = 0; segment < 2; segment++) {
		AUTO_DONE(buf_done) struct buf out = BUF_INIT(1 << 20);
		AUTO(secret_free) struct secret *point = NULL;
		struct sealing_sink	sink = { "image", segment * 2 * K64, 0 };
		uint8_t			leaf[2][TREE_HASH_BYTES];
		struct segment_source	source = { segment == 0 ? 2 * K64 : K64 + 1000,
					    (const uint8_t (*)[TREE_HASH_BYTES])leaf, sealing_read, &piece };

		assert_int_equal(envelope_segment(e, 0, segment, append, &out, NULL), RC_OK);
		assert_int_equal(out.n, segment_ciphertext_bytes(source.length));
		assert_int_equal(envelope_leaf_hashes(e, 0, segment * 2, 2, leaf, NULL), RC_OK);
		piece.file = out.p;
		piece.size = out.n;
		assert_int_equal(sealing_point(&s, "image", segment, &point, NULL), RC_OK);
		assert_int_equal(segment_open_stream(&source, point, sealing_sink, &sink, NULL), RC_OK);
		assert_int_equal(sink.n, source.length);
	}
	sealing_down(&s);
}

static void
test_segments_are_proven(void **state)
{
	AUTO(envelope_free) struct envelope *e = NULL;
	AUTO_DONE(buf_done) struct buf out = BUF_INIT(1 << 20);
	struct sealing	s;
	struct err	err;

	(void)state;
	sealing_up(&s, large, COUNT(large), 17, K64);
	assert_int_equal(open_it(&s, &e), RC_OK);
	s.file[24 + s.descriptor.n + SEGMENT_LEAF_MAX + 5] ^= 1;	/* chunk 1 */
	assert_int_equal(envelope_segment(e, 0, 0, append, &out, NULL), RC_VERIFY);
	assert_int_equal(out.n, SEGMENT_LEAF_MAX);
	assert_int_equal(envelope_segment(e, 0, 1, append, &out, NULL), RC_OK);
	assert_int_equal(envelope_segment(e, 0, 2, append, &out, &err), RC_USAGE);
	assert_string_equal(err.msg, "envelope: segment 2 of 2");
	assert_int_equal(envelope_segment(e, 3, 0, append, &out, NULL), RC_USAGE);
	sealing_down(&s);
}

/* --- ranges ------------------------------------------------------------- */

static enum rc
read_range(struct sealing *s, const struct envelope *e, uint64_t offset, uint64_t n, uint64_t *got)
{
	struct sealing_sink	sink = { "image", offset, 0 };
	enum rc			rc;

	rc = envelope_read(e, 0, offset, n, sealing_point, s, sealing_sink, &sink, NULL);
	*got = sink.n;
	return rc;
}

static void
test_ranges(void **state)
{
	AUTO(envelope_free) struct envelope *e = NULL;
	static const uint64_t	edge[] = { 0, 1, K64 - 1, K64, K64 + 1, 2 * K64 - 1, 2 * K64, 2 * K64 + 1,
				    3 * K64, 3 * K64 + 999, 3 * K64 + 1000 };
	struct sealing		s;
	uint64_t		got;

	(void)state;
	sealing_up(&s, large, COUNT(large), 17, K64);
	assert_int_equal(open_it(&s, &e), RC_OK);
	for (size_t i = 0; i < COUNT(edge); i++)
		for (size_t j = i; j < COUNT(edge); j++) {
			assert_int_equal(read_range(&s, e, edge[i], edge[j] - edge[i], &got), RC_OK);
			assert_int_equal(got, edge[j] - edge[i]);
		}
	assert_int_equal(read_range(&s, e, 3 * K64 + 1000, 1, &got), RC_USAGE);
	assert_int_equal(read_range(&s, e, 3 * K64 + 1001, 0, &got), RC_USAGE);
	assert_int_equal(read_range(&s, e, 1, UINT64_MAX, &got), RC_USAGE);
	sealing_down(&s);
}

/* 1 MiB within 20 MiB: the range, a chunk for the commitment and paths; no more. */
static void
test_ranges_read_little(void **state)
{
	AUTO(envelope_free) struct envelope *e = NULL;
	static const struct sealing_part part = { "image", 20 << 20 };
	struct sealing	s;
	uint64_t	got;

	(void)state;
	sealing_up(&s, &part, 1, SEGMENT_LOG2_DEFAULT, 1 << 20);
	assert_int_equal(open_it(&s, &e), RC_OK);
	s.read = 0;
	assert_int_equal(read_range(&s, e, (7 << 20) + 77, 1 << 20, &got), RC_OK);
	assert_int_equal(got, 1 << 20);
	assert_true(s.read < (1 << 20) + 3 * SEGMENT_LEAF_MAX + 18 * 12 * TREE_HASH_BYTES);
	sealing_down(&s);
}

/* What a range does not touch may be damaged; what it touches may not. */
static void
test_ranges_of_damaged_files(void **state)
{
	AUTO(envelope_free) struct envelope *e = NULL;
	struct sealing_sink	sink = { "image", 0, 0 };
	struct sealing	s;
	struct err	err;
	uint8_t		*chunk1;
	uint64_t	got;

	(void)state;
	sealing_up(&s, large, COUNT(large), 17, K64);
	assert_int_equal(open_it(&s, &e), RC_OK);
	chunk1 = s.file + 24 + s.descriptor.n + SEGMENT_LEAF_MAX;
	chunk1[9] ^= 1;
	assert_int_equal(read_range(&s, e, 0, K64, &got), RC_OK);
	assert_int_equal(read_range(&s, e, 2 * K64, K64, &got), RC_OK);
	assert_int_equal(read_range(&s, e, 100, 3 * K64, &got), RC_VERIFY);
	assert_int_equal(got, K64 - 100);
	chunk1[9] ^= 1;
	/* The commitment is proven even when only a later chunk is wanted. */
	s.file[24 + s.descriptor.n] ^= 1;
	sink.at = K64;
	assert_int_equal(envelope_read(e, 0, K64, 10, sealing_point, &s, sealing_sink, &sink, &err), RC_VERIFY);
	assert_memory_equal(err.msg, "part image, chunk 0: ", 21);
	assert_int_equal(sink.n, 0);
	sealing_down(&s);
}

static enum rc
wrong_point(void *user, const char *part, uint32_t segment, struct secret **ret, struct err *err)
{
	return sealing_point(user, part, segment + 1, ret, err);
}

static enum rc
no_point(void *user, const char *part, uint32_t segment, struct secret **ret, struct err *err)
{
	(void)user, (void)part, (void)segment, (void)ret;
	return err_set(err, RC_DENIED, "not in scope");
}

static enum rc
full(void *user, struct span data, struct err *err)
{
	(void)user, (void)data;
	return err_set(err, RC_IO, "disk full");
}

static void
test_points_and_sinks_that_fail(void **state)
{
	AUTO(envelope_free) struct envelope *e = NULL;
	struct sealing_sink	sink = { "image", 0, 0 };
	struct sealing		s;

	(void)state;
	sealing_up(&s, large, COUNT(large), 17, K64);
	assert_int_equal(open_it(&s, &e), RC_OK);
	assert_int_equal(envelope_read(e, 0, 0, 9, wrong_point, &s, sealing_sink, &sink, NULL), RC_VERIFY);
	assert_int_equal(envelope_read(e, 0, 0, 9, no_point, &s, sealing_sink, &sink, NULL), RC_DENIED);
	assert_int_equal(sink.n, 0);
	assert_int_equal(envelope_read(e, 0, 0, 9, sealing_point, &s, full, NULL, NULL), RC_IO);
	assert_int_equal(envelope_segment(e, 0, 0, full, NULL, NULL), RC_IO);
	assert_int_equal(envelope_read(e, 3, 0, 0, sealing_point, &s, sealing_sink, &sink, NULL), RC_USAGE);
	for (unsigned n = 1; n < 7; n++) {
		s.fail_at = n;
		assert_int_equal(envelope_verify(e, NULL), RC_IO);
	}
	for (unsigned n = 1; n < 4; n++) {
		s.fail_at = n;
		assert_int_equal(envelope_read(e, 0, 0, 9, sealing_point, &s, sealing_sink, &sink, NULL), RC_IO);
	}
	sealing_down(&s);
}

/* Two segments of equal plaintext, exchanged, with hashes to fit: the labels differ. */
static void
test_segments_do_not_change_places(void **state)
{
	AUTO(envelope_free) struct envelope *e = NULL;
	static const struct sealing_part part = { "image", 2 * K64 };
	struct sealing		s;
	struct sealing_sink	sink = { "image", 0, 0 };
	struct descriptor	d;
	uint8_t			*a, *tmp, leaf[2][TREE_HASH_BYTES];

	(void)state;
	sealing_up(&s, &part, 1, 16, K64);
	a = s.file + 24 + s.descriptor.n;
	tmp = heap_copy(a, SEGMENT_LEAF_MAX);
	memmove(a, a + SEGMENT_LEAF_MAX, SEGMENT_LEAF_MAX);
	memcpy(a + SEGMENT_LEAF_MAX, tmp, SEGMENT_LEAF_MAX);
	tree_leaf(SPAN(a, SEGMENT_LEAF_MAX), leaf[0]);
	tree_leaf(SPAN(a + SEGMENT_LEAF_MAX, SEGMENT_LEAF_MAX), leaf[1]);
	memcpy(a + 2 * SEGMENT_LEAF_MAX, leaf, sizeof(leaf));
	assert_int_equal(descriptor_parse(buf_view(&s.descriptor), &d, NULL), RC_OK);
	tree_node(leaf[0], leaf[1], d.part[0].root);
	memcpy(a + 2 * SEGMENT_LEAF_MAX + sizeof(leaf), d.part[0].root, TREE_HASH_BYTES);
	buf_reset(&s.descriptor);
	descriptor_write(&d, &s.descriptor);
	memcpy(s.file + 24, s.descriptor.p, s.descriptor.n);
	sha256_one(s.digest, buf_view(&s.descriptor));
	assert_int_equal(judge(&s), RC_OK);
	assert_int_equal(open_it(&s, &e), RC_OK);
	assert_int_equal(envelope_read(e, 0, 0, 9, sealing_point, &s, sealing_sink, &sink, NULL), RC_VERIFY);
	assert_int_equal(sink.n, 0);
	free(tmp);
	sealing_down(&s);
}

/* --- sealing that must not be ------------------------------------------- */

static enum rc
try_params(struct sealing *s)
{
	AUTO(envelope_writer_free) struct envelope_writer *w = NULL;

	secret_arena_reset(s->arena);
	return envelope_new(&s->params, s->arena, sealing_write, s, &w, NULL);
}

static void
test_params_refused(void **state)
{
	static char	long_name[100000];
	struct sealing	s;

	(void)state;
	memset(long_name, 'a', sizeof(long_name) - 1);
#define REFUSED(change)								\
	do {									\
		sealing_params(&s, small, COUNT(small), 16);			\
		change;								\
		assert_int_equal(try_params(&s), RC_FORMAT);			\
		sealing_down(&s);						\
	} while (0)

	REFUSED(s.params.part[0] = "prompt");
	REFUSED(s.params.part[0] = "rng");
	REFUSED(s.params.part[0] = "");
	REFUSED(s.params.part[0] = "a/b");
	REFUSED(s.params.part[0] = "a23456789012345678901234567890123");
	REFUSED(s.params.part[0] = long_name);
	REFUSED(s.params.class_id = long_name);
	REFUSED(s.params.n_parts = 0);
	REFUSED(s.params.n_parts = PARTS_MAX + 1);
	REFUSED(s.params.class_id = "");
	REFUSED(s.params.class_id = "a23456789012345678901234567890123");
	REFUSED(s.params.segment_log2 = SEGMENT_LOG2_MIN - 1);
	REFUSED(s.params.segment_log2 = SEGMENT_LOG2_MAX + 1);
	REFUSED(s.params.threshold = 1);
	REFUSED(s.params.threshold = 6);
	REFUSED(s.params.shares = 32);
	REFUSED(s.params.time_lock = WHEN_MAX + 1);
#undef REFUSED
	sealing_params(&s, small, COUNT(small), 16);
	s.params.part[1] = "p2345678901234567890123456789012";
	assert_int_equal(try_params(&s), RC_OK);
	sealing_down(&s);
}

struct writing {
	struct sealing		 s;
	struct envelope_writer	*w;
	uint64_t		 size;
};

static void
writing_up(struct writing *t)
{
	sealing_params(&t->s, small, COUNT(small), 16);
	t->w = NULL;
	t->size = 0;
	assert_int_equal(envelope_new(&t->s.params, t->s.arena, sealing_write, &t->s, &t->w, NULL), RC_OK);
}

static void
writing_down(struct writing *t)
{
	envelope_writer_free(t->w);
	sealing_down(&t->s);
}

static void
test_parts_refused(void **state)
{
	struct writing	t;
	struct err	err;

	(void)state;
	writing_up(&t);			/* bytes before a part */
	assert_int_equal(envelope_write(t.w, SPAN_STR("x"), NULL), RC_USAGE);
	writing_down(&t);

	writing_up(&t);			/* not the next part */
	assert_int_equal(envelope_part(t.w, "prompt", NULL), RC_USAGE);
	assert_int_equal(envelope_part(t.w, "image", NULL), RC_USAGE);	/* it has failed */
	writing_down(&t);

	writing_up(&t);			/* an empty part, then one at the end */
	assert_int_equal(envelope_part(t.w, "image", NULL), RC_OK);
	assert_int_equal(envelope_write(t.w, SPAN_STR(""), NULL), RC_OK);
	assert_int_equal(envelope_part(t.w, "prompt", &err), RC_FORMAT);
	assert_string_equal(err.msg, "part image is empty: there is nothing to seal");
	writing_down(&t);
	writing_up(&t);
	assert_int_equal(envelope_part(t.w, "image", NULL), RC_OK);
	assert_int_equal(envelope_write(t.w, SPAN_STR("x"), NULL), RC_OK);
	assert_int_equal(envelope_part(t.w, "prompt", NULL), RC_OK);
	assert_int_equal(envelope_finish(t.w, &t.s.descriptor, &t.size, NULL), RC_FORMAT);
	assert_int_equal(envelope_write(t.w, SPAN_STR("x"), NULL), RC_FORMAT);
	assert_int_equal(t.s.descriptor.n, 0);
	writing_down(&t);

	writing_up(&t);			/* a part that never came */
	assert_int_equal(envelope_part(t.w, "image", NULL), RC_OK);
	assert_int_equal(envelope_write(t.w, SPAN_STR("x"), NULL), RC_OK);
	assert_int_equal(envelope_finish(t.w, &t.s.descriptor, &t.size, &err), RC_FORMAT);
	assert_string_equal(err.msg, "part prompt is missing: there is nothing to seal");
	writing_down(&t);

	writing_up(&t);			/* one part too many */
	assert_int_equal(envelope_part(t.w, "image", NULL), RC_OK);
	assert_int_equal(envelope_write(t.w, SPAN_STR("x"), NULL), RC_OK);
	assert_int_equal(envelope_part(t.w, "prompt", NULL), RC_OK);
	assert_int_equal(envelope_write(t.w, SPAN_STR("x"), NULL), RC_OK);
	assert_int_equal(envelope_part(t.w, "", NULL), RC_USAGE);
	writing_down(&t);

	writing_up(&t);			/* work after the end */
	assert_int_equal(envelope_part(t.w, "image", NULL), RC_OK);
	assert_int_equal(envelope_write(t.w, SPAN_STR("x"), NULL), RC_OK);
	assert_int_equal(envelope_part(t.w, "prompt", NULL), RC_OK);
	assert_int_equal(envelope_write(t.w, SPAN_STR("x"), NULL), RC_OK);
	assert_int_equal(envelope_finish(t.w, &t.s.descriptor, &t.size, NULL), RC_OK);
	assert_int_equal(envelope_write(t.w, SPAN_STR("x"), NULL), RC_BUG);
	assert_int_equal(envelope_finish(t.w, &t.s.descriptor, &t.size, NULL), RC_BUG);
	writing_down(&t);
}

static enum rc
seal_once(struct sealing *s)
{
	AUTO(envelope_writer_free) struct envelope_writer *w = NULL;
	static const uint8_t	zero[K64 + 1];
	uint64_t		size;

	secret_arena_reset(s->arena);
	buf_done(&s->descriptor);
	s->descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	TRY(envelope_new_with(&s->params, sealing_coefficient, s->arena, sealing_write, s, &w, NULL));
	for (size_t i = 0; i < COUNT(small); i++) {
		TRY(envelope_part(w, small[i].name, NULL));
		TRY(envelope_write(w, SPAN_OF(zero), NULL));
	}
	return envelope_finish(w, &s->descriptor, &size, NULL);
}

static void
test_every_write_fails(void **state)
{
	struct sealing	s;
	unsigned	n;
	enum rc		rc;

	(void)state;
	sealing_params(&s, small, COUNT(small), 16);
	for (n = 1;; n++) {
		s.fail_at = n;
		rc = seal_once(&s);
		if (s.fail_at > 0)
			break;
		assert_int_equal(rc, RC_IO);
		assert_int_equal(s.descriptor.n, 0);
	}
	assert_int_equal(rc, RC_OK);
	assert_int_equal(n, 4 + 4 + 1 + 1);	/* leaves, two levels of two tables, head */
	sealing_down(&s);
}

static void
test_every_allocation_fails(void **state)
{
	struct sealing	s;
	unsigned long	n;
	enum rc		rc;

	(void)state;
	sealing_params(&s, small, COUNT(small), 16);
	for (n = 1;; n++) {
		fault_at(n);
		rc = seal_once(&s);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 10);
	sha256_one(s.digest, buf_view(&s.descriptor));
	for (n = 1;; n++) {
		fault_at(n);
		rc = judge(&s);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 2);
	sealing_down(&s);
}

static enum rc
devour(void *user, uint64_t offset, struct span data, struct err *err)
{
	(void)offset, (void)err;
	*(uint64_t *)user += data.n;
	return RC_OK;
}

/* Many leaves: what the hashes take is all that grows. */
static void
test_leaf_hashes_grow(void **state)
{
	AUTO(envelope_writer_free) struct envelope_writer *w = NULL;
	struct sealing	s;
	uint8_t		*mib = calloc(1, 1 << 20);
	uint64_t	written = 0, size;

	(void)state;
	sealing_params(&s, small, 1, 20);
	assert_int_equal(envelope_new(&s.params, s.arena, devour, &written, &w, NULL), RC_OK);
	assert_int_equal(envelope_part(w, "image", NULL), RC_OK);
	for (int i = 0; i < 40; i++)
		assert_int_equal(envelope_write(w, SPAN(mib, 1 << 20), NULL), RC_OK);
	assert_int_equal(envelope_finish(w, &s.descriptor, &size, NULL), RC_OK);
	assert_int_equal(written, size);
	free(mib);
	sealing_down(&s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_contributions_open_it),
		cmocka_unit_test(test_fresh_secrets),
		cmocka_unit_test(test_descriptor_says_what_was_asked),
		cmocka_unit_test(test_every_byte_flipped),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_leaves_and_nodes_flipped),
		cmocka_unit_test(test_table_forged_to_fit),
		cmocka_unit_test(test_another_descriptor),
		cmocka_unit_test(test_bad_descriptors),
		cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_segments_copied_out),
		cmocka_unit_test(test_segments_are_proven),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_ranges_read_little),
		cmocka_unit_test(test_ranges_of_damaged_files),
		cmocka_unit_test(test_points_and_sinks_that_fail),
		cmocka_unit_test(test_segments_do_not_change_places),
		cmocka_unit_test(test_params_refused),
		cmocka_unit_test(test_parts_refused),
		cmocka_unit_test(test_every_write_fails),
		cmocka_unit_test(test_every_allocation_fails),
		cmocka_unit_test(test_leaf_hashes_grow),
	};

	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

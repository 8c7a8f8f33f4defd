/* A part as a whole, segments side by side: the same bytes, the same verdicts, however the work is spread. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evidence/side_by_side.h"
#include "tests/unit/evidence/sealing.h"
#include "tests/unit/fault.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define K64		((size_t)65536)

/* --- ways to run jobs ------------------------------------------------------------------------ */

static void
backwards(void *user, size_t n, void (*job)(void *arg, size_t i), void *arg)
{
	(void)user;
	while (n-- > 0)
		job(arg, n);
}

struct errand { void (*job)(void *arg, size_t i); void *arg; size_t i; };

static void *
thread_main(void *user)
{
	struct errand	*e = user;

	e->job(e->arg, e->i);
	return NULL;
}

static void
threads(void *user, size_t n, void (*job)(void *arg, size_t i), void *arg)
{
	pthread_t	t[SIDE_BY_SIDE_MAX];
	struct errand	e[SIDE_BY_SIDE_MAX];

	(void)user;
	assert_true(n <= SIDE_BY_SIDE_MAX);
	for (size_t i = 0; i < n; i++) {
		e[i] = (struct errand){ job, arg, i };
		assert_int_equal(pthread_create(&t[i], NULL, thread_main, &e[i]), 0);
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
}

static const struct parallel	in_reverse = { backwards, NULL }, in_threads = { threads, NULL };
static const struct parallel	*const ways[] = { NULL, &in_reverse, &in_threads };

/* --- files in memory, from any thread ------------------------------------------------------------ */

struct plain {
	const char	*name;
	size_t		 n;
	pthread_mutex_t	 lock;
	unsigned	 fail_at;	/* the nth call fails; 0: none */
	uint64_t	 fail_from;	/* what touches bytes from here on fails; 0: none */
	uint8_t		*out;		/* what was written */
	uint64_t	 wrote;
};
#define PLAIN(name, n)	{ name, n, PTHREAD_MUTEX_INITIALIZER, 0, 0, NULL, 0 }

static bool
fails(struct plain *p, uint64_t at)
{
	bool	yes;

	pthread_mutex_lock(&p->lock);
	yes = (p->fail_at > 0 && --p->fail_at == 0) || (p->fail_from > 0 && at >= p->fail_from);
	pthread_mutex_unlock(&p->lock);
	return yes;
}

static enum rc
plain_read(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	struct plain	*p = user;

	if (fails(p, at))
		return err_set(err, RC_IO, "gone at %llu", (unsigned long long)at);
	if (at > p->n || n > p->n - at)
		return err_set(err, RC_BUG, "read past the end");
	for (size_t i = 0; i < n; i++)
		out[i] = sealing_byte(p->name, at + i);
	return RC_OK;
}

static enum rc
plain_write(void *user, uint64_t at, struct span bytes, struct err *err)
{
	struct plain	*p = user;

	if (fails(p, at))
		return err_set(err, RC_IO, "full at %llu", (unsigned long long)at);
	if (at > p->n || bytes.n > p->n - at)
		return err_set(err, RC_BUG, "written past the end");
	memcpy(p->out + at, bytes.p, bytes.n);
	pthread_mutex_lock(&p->lock);
	p->wrote += bytes.n;
	pthread_mutex_unlock(&p->lock);
	return RC_OK;
}

/* An envelope in a block of the size that it must have in the end. */
struct target {
	struct sealing		 s;
	struct envelope_writer	*w;
	struct plain		 faults;
};

static enum rc
target_write(void *user, uint64_t at, struct span bytes, struct err *err)
{
	struct target	*t = user;

	if (fails(&t->faults, at))
		return err_set(err, RC_IO, "disk full at %llu", (unsigned long long)at);
	if (at > t->s.size || bytes.n > t->s.size - at)
		return err_set(err, RC_BUG, "written past the end");
	memcpy(t->s.file + at, bytes.p, bytes.n);
	return RC_OK;
}

static enum rc
target_new(struct target *t, const struct sealing_part *part, size_t n, uint8_t log2, uint64_t size)
{
	memset(t, 0, sizeof(*t));
	sealing_params(&t->s, part, n, log2);
	pthread_mutex_init(&t->faults.lock, NULL);
	t->s.file = calloc(1, size);
	t->s.size = size;
	assert_non_null(t->s.file);
	return envelope_new_with(&t->s.params, sealing_coefficient, t->s.arena, target_write, t, &t->w, NULL);
}

static void
target_up(struct target *t, const struct sealing_part *part, size_t n, uint8_t log2, uint64_t size)
{
	assert_int_equal(target_new(t, part, n, log2, size), RC_OK);
}

static void
target_down(struct target *t)
{
	envelope_writer_free(t->w);
	sealing_down(&t->s);
}

static enum rc
put_whole(struct target *t, const struct sealing_part *part, const struct parallel *how, struct err *err)
{
	struct plain	p = PLAIN(part->name, part->n);

	return envelope_part_from(t->w, part->name, plain_read, &p, part->n, how, err);
}

/* --- sealing -------------------------------------------------------------------------------------- */

static void
same_as_written(const struct sealing_part *part, size_t n, uint8_t log2)
{
	struct sealing	reference;
	uint64_t	size;

	sealing_up(&reference, part, n, log2, 12345);
	for (size_t k = 0; k < COUNT(ways); k++) {
		struct target	t;

		target_up(&t, part, n, log2, reference.size);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(put_whole(&t, &part[i], ways[k], NULL), RC_OK);
		assert_int_equal(envelope_finish(t.w, &t.s.descriptor, &size, NULL), RC_OK);
		assert_int_equal(size, reference.size);
		assert_true(span_eq(buf_view(&t.s.descriptor), buf_view(&reference.descriptor)));
		assert_memory_equal(t.s.file, reference.file, size);
		target_down(&t);
	}
	sealing_down(&reference);
}

static void
test_same_bytes(void **state)
{
	static const size_t	edge[] = { 1, 2, 4, 5, 8, 9, 16 };

	(void)state;
	for (size_t i = 0; i < COUNT(edge); i++)
		for (int off = -1; off <= 1; off++)
			for (uint8_t log2 = 16; log2 <= 20; log2++) {
				struct sealing_part part = { "image", (size_t)((long)(edge[i] * K64) + off) };

				same_as_written(&part, 1, log2);
			}
}

static void
test_several_parts(void **state)
{
	static const struct sealing_part part[] = { { "image", 5 * K64 + 7 }, { "latent", 1 }, { "prompt", 300 * K64 } };

	(void)state;
	same_as_written(part, 3, 16);
}

/* One part pushed, one pulled, one pushed. */
static void
test_both_kinds(void **state)
{
	static const struct sealing_part part[] = { { "image", 3 * K64 + 7 }, { "latent", 2 * K64 }, { "prompt", 9 } };
	struct sealing	reference;
	struct target	t;
	uint8_t		*bytes;
	uint64_t	size;

	(void)state;
	sealing_up(&reference, part, 3, 16, K64);
	target_up(&t, part, 3, 16, reference.size);
	bytes = malloc(3 * K64 + 7);
	assert_non_null(bytes);
	for (size_t i = 0; i < 3; i++) {
		if (i == 1) {
			assert_int_equal(put_whole(&t, &part[i], &in_threads, NULL), RC_OK);
			continue;
		}
		for (size_t k = 0; k < part[i].n; k++)
			bytes[k] = sealing_byte(part[i].name, k);
		assert_int_equal(envelope_part(t.w, part[i].name, NULL), RC_OK);
		assert_int_equal(envelope_write(t.w, SPAN(bytes, part[i].n), NULL), RC_OK);
	}
	assert_int_equal(envelope_finish(t.w, &t.s.descriptor, &size, NULL), RC_OK);
	assert_memory_equal(t.s.file, reference.file, size);
	free(bytes);
	target_down(&t);
	sealing_down(&reference);
}

static void
test_used_wrongly(void **state)
{
	static const struct sealing_part part[] = { { "image", 70000 }, { "prompt", 9 } };
	static const struct sealing_part empty = { "image", 0 };
	struct target	t;
	uint64_t	size;

	(void)state;
	target_up(&t, part, 2, 16, 1 << 20);
	assert_int_equal(put_whole(&t, &empty, NULL, NULL), RC_FORMAT);
	assert_int_equal(put_whole(&t, &part[0], NULL, NULL), RC_FORMAT);	/* it has failed before */
	target_down(&t);

	target_up(&t, part, 2, 16, 1 << 20);
	assert_int_equal(put_whole(&t, &part[1], NULL, NULL), RC_USAGE);
	target_down(&t);

	target_up(&t, part, 2, 16, 1 << 20);
	assert_int_equal(put_whole(&t, &part[0], NULL, NULL), RC_OK);
	assert_int_equal(envelope_write(t.w, SPAN_STR("more"), NULL), RC_USAGE);
	target_down(&t);

	target_up(&t, part, 2, 16, 1 << 20);
	assert_int_equal(envelope_part(t.w, "image", NULL), RC_OK);
	assert_int_equal(put_whole(&t, &part[1], NULL, NULL), RC_FORMAT);	/* the image is empty */
	target_down(&t);

	target_up(&t, part, 2, 16, 1 << 20);
	assert_int_equal(put_whole(&t, &part[0], NULL, NULL), RC_OK);
	assert_int_equal(envelope_finish(t.w, &t.s.descriptor, &size, NULL), RC_FORMAT);	/* no prompt */
	target_down(&t);
}

/* Longer than an envelope holds: refused before anything is read. */
static void
test_too_long(void **state)
{
	static const struct sealing_part part = { "image", 1 };
	static const uint64_t	length[] = { ENVELOPE_LEAVES_MAX * K64 + 1, PART_LENGTH_MAX, PART_LENGTH_MAX + 1, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(length); i++) {
		struct plain	p = PLAIN("image", 0);
		struct target	t;

		target_up(&t, &part, 1, 24, 1 << 20);
		p.fail_at = 1;
		assert_int_equal(envelope_part_from(t.w, "image", plain_read, &p, length[i], NULL, NULL), RC_LIMIT);
		assert_int_equal(p.fail_at, 1);
		target_down(&t);
	}
}

/* Whichever call fails, in whichever thread: one error, and the writer is at its end. */
static void
test_sealing_failures(void **state)
{
	static const struct sealing_part part = { "image", 3 * 16 * K64 };
	uint64_t	size;

	(void)state;
	for (size_t k = 0; k < COUNT(ways); k++)
		for (unsigned n = 1; n <= 12; n++) {
			struct plain	p = PLAIN("image", part.n);
			struct target	t;

			target_up(&t, &part, 1, 20, 4 << 20);
			p.fail_at = n;
			assert_int_equal(envelope_part_from(t.w, "image", plain_read, &p, p.n, ways[k], NULL), RC_IO);
			assert_int_equal(envelope_finish(t.w, &t.s.descriptor, &size, NULL), RC_IO);
			target_down(&t);

			target_up(&t, &part, 1, 20, 4 << 20);
			t.faults.fail_at = n;
			assert_int_equal(put_whole(&t, &part, ways[k], NULL), RC_IO);
			target_down(&t);
		}
}

/* The lowest segment that fails is the one that is told of. */
static void
test_lowest_failure(void **state)
{
	static const struct sealing_part part = { "image", 16 * K64 };

	(void)state;
	for (size_t k = 0; k < COUNT(ways); k++) {
		struct plain	p = PLAIN("image", part.n);
		struct target	t;
		struct err	err;

		target_up(&t, &part, 1, 16, 2 << 20);
		p.fail_from = 5 * K64;
		assert_int_equal(envelope_part_from(t.w, "image", plain_read, &p, p.n, ways[k], &err), RC_IO);
		assert_string_equal(err.msg, "gone at 327680");
		target_down(&t);
	}
}

static void
test_sealing_without_memory(void **state)
{
	static const struct sealing_part part = { "image", 5 * K64 };
	unsigned long	n;
	enum rc		rc = RC_OK;

	(void)state;
	for (size_t k = 0; k < COUNT(ways); k++) {
		for (n = 1;; n++) {
			struct target	t;

			target_up(&t, &part, 1, 16, 1 << 20);
			fault_at(n);
			rc = put_whole(&t, &part, ways[k], NULL);
			target_down(&t);
			if (!fault_fired())
				break;
			assert_int_equal(rc, RC_NOMEM);
		}
		assert_int_equal(rc, RC_OK);
		assert_true(n > 5);
	}
}

/* --- opening ------------------------------------------------------------------------------------------ */

struct opened {
	struct sealing		 s;
	struct envelope		*e;
	struct plain		 p;
};

static void
opened_up(struct opened *o, const struct sealing_part *part, uint8_t log2)
{
	memset(o, 0, sizeof(*o));
	sealing_up(&o->s, part, 1, log2, K64);
	o->p = (struct plain){ .name = part->name, .n = part->n, .out = calloc(1, part->n) };
	assert_non_null(o->p.out);
	pthread_mutex_init(&o->p.lock, NULL);
	assert_int_equal(envelope_open(sealing_read, &o->s, o->s.size, o->s.digest, &o->e, NULL), RC_OK);
}

static void
opened_down(struct opened *o)
{
	envelope_free(o->e);
	free(o->p.out);
	sealing_down(&o->s);
}

/* As sealing_point, and without memory it says so. */
static enum rc
point_of(void *user, const char *part, uint32_t segment, struct secret **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	 msg = BUF_INIT(LABEL_MSG_MAX);
	AUTO(secret_free) struct secret	*s = secret_new(SHAMIR_SCALAR_BYTES);
	const struct sealing		*of = user;
	uint8_t				 label[SHAMIR_POINT_BYTES];

	if (s == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	memcpy(secret_bytes(s), sealing_coefficient[0], SHAMIR_SCALAR_BYTES);
	label_msg(of->params.genesis, of->params.id, part, segment, &msg);
	TRY(buf_check(&msg, "label", err));
	TRY(shamir_label(buf_view(&msg), label, err));
	return shamir_apply(s, label, ret, err);
}

static enum rc
read_it(struct opened *o, const struct parallel *how, struct err *err)
{
	o->p.wrote = 0;
	return envelope_read_part(o->e, 0, point_of, &o->s, plain_write, &o->p, how, err);
}

/* sealing_read counts, so it is not for threads. */
static const struct parallel	*const calm[] = { NULL, &in_reverse };

static void
test_opens(void **state)
{
	static const size_t	length[] = { 1, K64 - 1, K64, K64 + 1, 4 * K64, 5 * K64 + 3 };

	(void)state;
	for (size_t i = 0; i < COUNT(length); i++)
		for (size_t k = 0; k < COUNT(calm); k++) {
			struct sealing_part	part = { "image", length[i] };
			struct opened		o;

			opened_up(&o, &part, (uint8_t)(16 + i % 3));
			assert_int_equal(read_it(&o, calm[k], NULL), RC_OK);
			assert_int_equal(o.p.wrote, length[i]);
			for (size_t at = 0; at < length[i]; at++)
				if (o.p.out[at] != sealing_byte("image", at))
					fail_msg("byte %zu", at);
			opened_down(&o);
		}
}

static enum rc
quiet_read(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	const struct sealing	*s = user;

	if (at > s->size || n > s->size - at)
		return err_set(err, RC_BUG, "read past the end");
	memcpy(out, s->file + at, n);
	return RC_OK;
}

static void
test_opens_in_threads(void **state)
{
	static const struct sealing_part part = { "image", 9 * K64 + 1 };
	struct opened	o;

	(void)state;
	opened_up(&o, &part, 16);
	envelope_free(o.e);
	assert_int_equal(envelope_open(quiet_read, &o.s, o.s.size, o.s.digest, &o.e, NULL), RC_OK);
	assert_int_equal(read_it(&o, &in_threads, NULL), RC_OK);
	assert_int_equal(o.p.wrote, part.n);
	for (size_t at = 0; at < part.n; at++)
		if (o.p.out[at] != sealing_byte("image", at))
			fail_msg("byte %zu", at);
	opened_down(&o);
}

/* Of each chunk, each hash in the table: nothing of a segment that is not as it was sealed goes out. */
static void
test_changed(void **state)
{
	static const struct sealing_part part = { "image", 4 * K64 };
	struct opened	o;
	uint64_t	head, table;
	struct err	err;

	(void)state;
	opened_up(&o, &part, 17);
	head = 24 + o.s.descriptor.n;
	table = head + 2 * (SEGMENT_COMMITMENT_BYTES + 2 * SEGMENT_SEALED_CHUNK_MAX);
	for (uint64_t i = 0; i < 4; i++) {
		o.s.file[table + i * TREE_HASH_BYTES] ^= 1;
		assert_int_equal(read_it(&o, NULL, NULL), RC_VERIFY);
		assert_int_equal(o.p.wrote, 0);
		o.s.file[table + i * TREE_HASH_BYTES] ^= 1;
	}
	o.s.file[head] ^= 1;				/* the commitment of the first */
	assert_int_equal(read_it(&o, NULL, NULL), RC_VERIFY);
	assert_int_equal(o.p.wrote, 0);
	o.s.file[head] ^= 1;
	o.s.file[table - 1] ^= 1;			/* the last chunk's tag: the first segment is good */
	assert_int_equal(read_it(&o, NULL, &err), RC_VERIFY);
	assert_non_null(strstr(err.msg, "segment 1"));
	assert_int_equal(o.p.wrote, 3 * K64);
	o.s.file[table - 1] ^= 1;
	assert_int_equal(read_it(&o, NULL, NULL), RC_OK);
	assert_int_equal(envelope_read_part(o.e, 1, point_of, &o.s, plain_write, &o.p, NULL, NULL), RC_USAGE);
	opened_down(&o);
}

static enum rc
other_point(void *user, const char *part, uint32_t segment, struct secret **ret, struct err *err)
{
	return point_of(user, part, segment + 1, ret, err);
}

static void
test_wrong_key(void **state)
{
	static const struct sealing_part part = { "image", 4 * K64 };
	struct opened	o;

	(void)state;
	opened_up(&o, &part, 17);
	assert_int_equal(envelope_read_part(o.e, 0, other_point, &o.s, plain_write, &o.p, NULL, NULL), RC_VERIFY);
	assert_int_equal(o.p.wrote, 0);
	opened_down(&o);
}

static void
test_opening_failures(void **state)
{
	static const struct sealing_part part = { "image", 6 * K64 };
	struct opened	o;
	unsigned long	n;
	enum rc		rc = RC_OK;

	(void)state;
	opened_up(&o, &part, 16);
	for (unsigned i = 1; i <= 7; i++) {
		o.s.fail_at = i;			/* the table, and each leaf */
		assert_int_equal(read_it(&o, NULL, NULL), RC_IO);
	}
	for (unsigned i = 1; i <= 6; i++) {
		o.p.fail_at = i;
		assert_int_equal(read_it(&o, NULL, NULL), RC_IO);
	}
	o.s.fail_at = o.p.fail_at = 0;
	for (n = 1;; n++) {
		fault_at(n);
		rc = read_it(&o, NULL, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 5);
	opened_down(&o);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_several_parts),
		cmocka_unit_test(test_both_kinds),
		cmocka_unit_test(test_used_wrongly),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_sealing_failures),
		cmocka_unit_test(test_lowest_failure),
		cmocka_unit_test(test_sealing_without_memory),
		cmocka_unit_test(test_opens),
		cmocka_unit_test(test_opens_in_threads),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_opening_failures),
	};

	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

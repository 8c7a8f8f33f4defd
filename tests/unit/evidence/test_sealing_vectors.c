/* Our own vectors: what segment-, envelope-, batch-, keys- and contributions-v1 promise to others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evidence/batch.h"
#include "evidence/envelope.h"
#include "evidence/keys.h"
#include "tests/unit/own.h"

#define BYTES_MAX	((size_t)64 << 10)

static void
verdict(const struct own *v, enum rc is)
{
	if (is != own_expect(v))
		fail_msg("%s: %s, expected %s", v->name, rc_name(is), rc_name(own_expect(v)));
}

static uint64_t
number(const struct own *v, const char *key, size_t at)
{
	uint8_t		b[8];
	uint64_t	n = 0;

	own_hex(v, key, at, b, sizeof(b));
	for (size_t i = 0; i < sizeof(b); i++)
		n = n << 8 | b[i];
	return n;
}

/* The bytes under `key`, in a heap block of their size. */
static uint8_t *
bytes(const struct own *v, const char *key, size_t *ret_n)
{
	uint8_t	*big = malloc(BYTES_MAX), *p;

	*ret_n = own_bytes(v, key, big, BYTES_MAX);
	p = malloc(*ret_n + (*ret_n == 0));
	memcpy(p, big, *ret_n);
	free(big);
	return p;
}

static struct secret *
secret_bytes_of(const struct own *v, const char *key)
{
	size_t		 n;
	uint8_t		*p = bytes(v, key, &n);
	struct secret	*s = secret_new(n);

	assert_non_null(s);
	memcpy(secret_bytes(s), p, n);
	free(p);
	return s;
}

static uint8_t
plain_byte(uint64_t i)
{
	return (uint8_t)(i * 7 + i / 256);
}

static uint8_t *
plain_make(size_t n)
{
	uint8_t	*p = malloc(n);

	for (size_t i = 0; i < n; i++)
		p[i] = plain_byte(i);
	return p;
}

static enum rc
plain_check(void *user, struct span data, struct err *err)
{
	uint64_t	*at = user;

	for (size_t i = 0; i < data.n; i++)
		if (data.p[i] != plain_byte((*at)++))
			return err_set(err, RC_BUG, "a byte is wrong");
	return RC_OK;
}

static enum rc
span_read(void *user, uint64_t offset, uint8_t *out, size_t n, struct err *err)
{
	const struct span	*s = user;

	if (offset > s->n || n > s->n - offset)
		return err_set(err, RC_FORMAT, "past the end");
	memcpy(out, s->p + offset, n);
	return RC_OK;
}

/* --- segment-v1 --------------------------------------------------------- */

static void
segment_made_again(const struct own *v, const struct secret *q, uint64_t length)
{
	struct segment_cipher	*c = NULL;
	struct buf		 out = BUF_INIT((size_t)1 << 20);
	uint8_t			*plain = plain_make((size_t)length), commitment[32], want[32], is[32];

	assert_int_equal(segment_cipher_new(&c, NULL), RC_OK);
	assert_int_equal(segment_cipher_seal(c, q, commitment, NULL), RC_OK);
	own_hex(v, "commitment", 0, want, 32);
	assert_memory_equal(commitment, want, 32);
	buf_add(&out, commitment, 32);
	for (uint64_t i = 0; i < segment_chunks(length); i++) {
		size_t	at = (size_t)i * SEGMENT_CHUNK_BYTES, left = (size_t)length - at;
		size_t	n = left < SEGMENT_CHUNK_BYTES ? left : SEGMENT_CHUNK_BYTES;

		assert_int_equal(segment_chunk_seal(c, i, left <= SEGMENT_CHUNK_BYTES, SPAN(plain + at, n),
		    buf_extend(&out, n + SEGMENT_TAG_BYTES), NULL), RC_OK);
	}
	sha256_one(is, buf_view(&out));
	if (own_text(v, "segment_sha256", 0) != NULL) {
		own_hex(v, "segment_sha256", 0, want, 32);
	} else {
		size_t	 n;
		uint8_t	*p = bytes(v, "segment", &n);

		sha256_one(want, SPAN(p, n));
		free(p);
	}
	assert_memory_equal(is, want, 32);
	segment_cipher_free(c);
	buf_done(&out);
	free(plain);
}

/* Opening takes leaf hashes as proven: here they are the bytes' own. */
static enum rc
segment_opened(struct span in, uint64_t length, const struct secret *q)
{
	uint8_t			leaf[1][TREE_HASH_BYTES];
	struct segment_source	source = { length, (const uint8_t (*)[TREE_HASH_BYTES])leaf, span_read, &in };
	uint64_t		at = 0;

	if (in.n != segment_ciphertext_bytes(length))
		return RC_FORMAT;
	tree_leaf(in, leaf[0]);
	TRY(segment_open_stream(&source, q, plain_check, &at, NULL));
	assert_int_equal(at, length);
	return RC_OK;
}

static void
check_segment(const struct own *v)
{
	AUTO(secret_free) struct secret *q = secret_bytes_of(v, "point");
	uint64_t	 length = number(v, "length", 0);

	if (own_expect(v) == RC_OK)
		segment_made_again(v, q, length);
	if (own_text(v, "segment", 0) != NULL) {
		size_t	 n;
		uint8_t	*p = bytes(v, "segment", &n);

		verdict(v, segment_opened(SPAN(p, n), length, q));
		free(p);
	}
}

/* --- envelope-v1 -------------------------------------------------------- */

static enum rc
file_write(void *user, uint64_t at, struct span data, struct err *err)
{
	struct buf	*b = user;

	if (at + data.n > b->n)
		assert_non_null(buf_extend(b, (size_t)at + data.n - b->n));
	memcpy(b->p + at, data.p, data.n);
	return buf_check(b, "envelope", err);
}

static void
params_of(const struct own *v, const struct descriptor *d, struct envelope_params *p)
{
	memset(p, 0, sizeof(*p));
	own_hex(v, "genesis", 0, p->genesis, 32);
	memcpy(p->id, d->id, sizeof(p->id));
	memcpy(p->policy, d->policy, sizeof(p->policy));
	memcpy(p->record, d->record, sizeof(p->record));
	p->class_id = d->class_id;
	p->sealed_at = d->sealed_at;
	p->time_lock = d->time_lock;
	p->threshold = d->commits.threshold;
	p->shares = d->shares;
	p->n_parts = d->n_parts;
	for (uint8_t i = 0; i < d->n_parts; i++)
		p->part[i] = d->part[i].name;
	p->segment_log2 = d->part[0].segment_log2;
}

/* Sealed again from the same coefficients it is the same file. */
static void
envelope_made_again(const struct own *v, const struct descriptor *d, struct buf *file)
{
	struct secret_arena	*arena = secret_arena_new(4096);
	struct envelope_params	 p;
	struct envelope_writer	*w = NULL;
	uint8_t			 c[SHAMIR_SHARES_MAX][SHAMIR_SCALAR_BYTES];
	struct buf		 descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	uint64_t		 size;

	params_of(v, d, &p);
	for (size_t i = 0; i < own_count(v, "coefficient"); i++)
		own_hex(v, "coefficient", i, c[i], SHAMIR_SCALAR_BYTES);
	assert_int_equal(envelope_new_with(&p, (const uint8_t (*)[SHAMIR_SCALAR_BYTES])c, arena,
	    file_write, file, &w, NULL), RC_OK);
	for (uint8_t i = 0; i < d->n_parts; i++) {
		uint8_t	*plain = plain_make((size_t)d->part[i].length);

		assert_int_equal(envelope_part(w, d->part[i].name, NULL), RC_OK);
		assert_int_equal(envelope_write(w, SPAN(plain, (size_t)d->part[i].length), NULL), RC_OK);
		free(plain);
	}
	assert_int_equal(envelope_finish(w, &descriptor, &size, NULL), RC_OK);
	assert_int_equal(size, file->n);
	buf_done(&descriptor);
	envelope_writer_free(w);
	secret_arena_free(arena);
}

static void
check_made(const struct own *v)
{
	struct buf		file = BUF_INIT((size_t)4 << 20);
	struct descriptor	d;
	size_t			n;
	uint8_t			*p = bytes(v, "descriptor", &n), want[32], is[32];

	assert_int_equal(descriptor_parse(SPAN(p, n), &d, NULL), RC_OK);
	for (size_t i = 0; i < d.n_parts; i++) {
		assert_int_equal(d.part[i].length, number(v, "length", i));
		own_hex(v, "root", i, want, 32);
		assert_memory_equal(d.part[i].root, want, 32);
	}
	free(p);
	envelope_made_again(v, &d, &file);
	sha256_one(is, buf_view(&file));
	if (own_text(v, "envelope_sha256", 0) != NULL) {
		own_hex(v, "envelope_sha256", 0, want, 32);
	} else {
		p = bytes(v, "envelope", &n);
		sha256_one(want, SPAN(p, n));
		free(p);
	}
	assert_memory_equal(is, want, 32);
	buf_done(&file);
}

struct keyring {
	const struct own		*v;
	const struct descriptor		*d;
};

static enum rc
point_of(void *user, const char *part, uint32_t segment, struct secret **ret, struct err *err)
{
	struct keyring		*k = user;
	AUTO(secret_free) struct secret *s = secret_new(SHAMIR_SCALAR_BYTES);
	AUTO_DONE(buf_done) struct buf msg = BUF_INIT(LABEL_MSG_MAX);
	uint8_t			 genesis[32], label[32];

	own_hex(k->v, "genesis", 0, genesis, 32);
	own_hex(k->v, "coefficient", 0, secret_bytes(s), 32);
	label_msg(genesis, k->d->id, part, segment, &msg);
	TRY(shamir_label(buf_view(&msg), label, err));
	return shamir_apply(s, label, ret, err);
}

static enum rc
opened(const struct own *v, struct span in, const uint8_t digest[32])
{
	AUTO(envelope_free) struct envelope *e = NULL;
	struct keyring	k = { v, NULL };

	TRY(envelope_open(span_read, &in, in.n, digest, &e, NULL));
	TRY(envelope_verify(e, NULL));
	k.d = envelope_descriptor(e);
	for (size_t i = 0; i < k.d->n_parts; i++) {
		uint64_t	at = 0;

		TRY(envelope_read(e, i, 0, k.d->part[i].length, point_of, &k, plain_check, &at, NULL));
		assert_int_equal(at, k.d->part[i].length);
	}
	return RC_OK;
}

static void
check_envelope(const struct own *v)
{
	uint8_t	digest[32], *p;
	size_t	n;

	own_hex(v, "descriptor_sha256", 0, digest, 32);
	if (own_text(v, "envelope", 0) != NULL) {
		p = bytes(v, "envelope", &n);
		verdict(v, opened(v, SPAN(p, n), digest));
		free(p);
	}
	if (own_expect(v) == RC_OK)
		check_made(v);
}

/* --- batch-v1 ----------------------------------------------------------- */

static void
check_batch(const struct own *v)
{
	size_t		n;
	uint8_t		*p = bytes(v, "vector", &n), root[32], want[32], digest[32];
	uint32_t	count = (uint32_t)number(v, "count", 0);

	verdict(v, descriptor_vector_root(SPAN(p, n), count, root, NULL));
	if (own_expect(v) == RC_OK) {
		own_hex(v, "root", 0, want, 32);
		assert_memory_equal(root, want, 32);
		sha256_one(digest, SPAN(p, n));
		own_hex(v, "descriptors", 0, want, 32);
		assert_memory_equal(digest, want, 32);
		for (uint32_t i = 0; i < count; i++) {
			struct tree_path	path;
			struct span		d;
			uint8_t			hash[32];
			char			text[TREE_PATH_MAX * 64 + 1];

			assert_int_equal(batch_inclusion(SPAN(p, n), count, i, &d, &path, NULL), RC_OK);
			hex_write(SPAN(path.hash, path.n * (size_t)TREE_HASH_BYTES), text);
			assert_string_equal(text, own_text(v, "path", i));
			tree_leaf(d, hash);
			assert_int_equal(tree_inclusion_verify(hash, i, count, &path, root, NULL), RC_OK);
		}
	}
	free(p);
}

/* --- keys-v1, contributions-v1 ------------------------------------------ */

static void
check_keys(const struct own *v)
{
	AUTO(secret_free) struct secret *s = secret_bytes_of(v, "plaintext");
	uint8_t	order[32];

	own_hex(v, "order", 0, order, 32);
	verdict(v, keys_check(s, order, (uint32_t)number(v, "count", 0), NULL));
}

static void
check_contributions(const struct own *v)
{
	AUTO(secret_free) struct secret *s = secret_bytes_of(v, "plaintext");
	uint8_t	order[32], want[32], root[32];

	own_hex(v, "order", 0, order, 32);
	verdict(v, contributions_check(s, 4, order, (uint32_t)number(v, "count", 0), NULL));
	if (own_expect(v) == RC_OK) {
		own_hex(v, "root", 0, want, 32);
		assert_int_equal(contributions_root(s, root, NULL), RC_OK);
		assert_memory_equal(root, want, 32);
	}
}

static void
run(const char *spec, void (*fn)(const struct own *v), size_t files)
{
	size_t n = own_each(spec, fn);

	/* A vector that is not found fails nobody: count them. */
	if (!own_elsewhere())
		assert_int_equal(n, files);
}

static void
test_vectors(void **state)
{
	(void)state;
	run("segment-v1", check_segment, 12);
	run("envelope-v1", check_envelope, 11);
	run("batch-v1", check_batch, 6);
	run("keys-v1", check_keys, 6);
	run("contributions-v1", check_contributions, 7);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
	};

	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Writes tests/vectors/{segment,envelope,batch,keys,contributions}-v1: see those specs. */
#include <string.h>

#include <sodium.h>

#include "evidence/batch.h"
#include "evidence/envelope.h"
#include "evidence/keys.h"
#include "tests/gen/lib/vector.h"

#define SMALL_MAX	4096		/* files that are given whole */

static const char	*out_dir;

static struct vector_out
start(const char *spec, const char *name, const char *expect, const char *comment)
{
	return vector_open(out_dir, spec, name, expect, comment);
}

static void
number(struct vector_out *v, const char *key, uint64_t n)
{
	uint8_t	b[8];

	for (size_t i = 0; i < 8; i++)
		b[i] = (uint8_t)(n >> (56 - 8 * i));
	vector_hex(v, key, SPAN_OF(b));
}

/* Plaintext that needs no file: byte i is i * 7 + i / 256, modulo 256. */
static uint8_t
plain_byte(uint64_t i)
{
	return (uint8_t)(i * 7 + i / 256);
}

static void
digest(struct vector_out *v, const char *key, struct span bytes)
{
	uint8_t	h[SHA256_BYTES];

	sha256_one(h, bytes);
	vector_hex(v, key, SPAN_OF(h));
}

/* --- segment-v1 ---------------------------------------------------------------- */

static struct secret *
some_point(uint32_t n)
{
	struct secret	*p = secret_new(SHAMIR_POINT_BYTES);
	uint8_t		 wide[64];

	vector_need(p != NULL, "no locked memory");
	vector_seed("segment point", n, wide, sizeof(wide));
	vector_need(crypto_core_ristretto255_from_hash(secret_bytes(p), wide) == 0, "point");
	return p;
}

static void
plain_fill(struct buf *b, uint64_t from, size_t n)
{
	uint8_t	*p = buf_extend(b, n);

	vector_need(p != NULL, "no memory left");
	for (size_t i = 0; i < n; i++)
		p[i] = plain_byte(from + i);
}

/* `last_at`: the chunk that is sealed as the last; the true one, or a fault. */
static void
segment_seal(const struct secret *point, size_t n, uint64_t last_at, struct buf *out)
{
	struct segment_cipher	*c = NULL;
	struct buf		 plain = BUF_INIT((size_t)1 << 20);
	uint8_t			 commitment[SEGMENT_COMMITMENT_BYTES];

	*out = BUF_INIT((size_t)1 << 20);
	plain_fill(&plain, 0, n);
	vector_need(segment_cipher_new(&c, NULL) == RC_OK &&
	    segment_cipher_seal(c, point, commitment, NULL) == RC_OK, "segment key");
	buf_add(out, commitment, sizeof(commitment));
	for (uint64_t i = 0; i < segment_chunks(n); i++) {
		size_t	at = (size_t)i * SEGMENT_CHUNK_BYTES;
		size_t	have = n - at < SEGMENT_CHUNK_BYTES ? n - at : SEGMENT_CHUNK_BYTES;
		uint8_t	*p = buf_extend(out, have + SEGMENT_TAG_BYTES);

		vector_need(p != NULL && segment_chunk_seal(c, i, i == last_at,
		    SPAN(plain.p + at, have), p, NULL) == RC_OK, "chunk");
	}
	buf_done(&plain);
	segment_cipher_free(c);
}

static void
segment_write(const char *name, const char *expect, const char *comment,
    const struct secret *point, uint64_t length, const struct buf *segment)
{
	struct vector_out	v = start("segment-v1", name, expect, comment);

	vector_hex(&v, "point", SPAN(secret_view(point), SHAMIR_POINT_BYTES));
	number(&v, "length", length);
	if (segment->n <= SMALL_MAX)
		vector_hex(&v, "segment", buf_view(segment));
	else
		digest(&v, "segment_sha256", buf_view(segment));
	if (strcmp(expect, "ok") == 0)
		vector_hex(&v, "commitment", SPAN(segment->p, SEGMENT_COMMITMENT_BYTES));
	vector_close(&v);
}

static void
segments(void)
{
	static const struct { const char *name, *comment; size_t n; } good[] = {
		{ "one_byte", "the shortest", 1 },
		{ "short", "one chunk", 20 },
		{ "one_chunk", "a full chunk is also the last", 65536 },
		{ "two_chunks", "the last has one byte", 65537 },
		{ "three_chunks", "the counter runs", 140000 },
	};
	struct secret	*q = some_point(0), *other = some_point(1);
	struct buf	 b;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		segment_seal(q, good[i].n, segment_chunks(good[i].n) - 1, &b);
		segment_write(good[i].name, "ok", good[i].comment, q, good[i].n, &b);
		buf_done(&b);
	}
	segment_seal(q, 20, 0, &b);
	segment_write("point_other", "verify", "the commitment is to another key", other, 20, &b);
	segment_write("length_longer", "format", "a byte short of its length", q, 21, &b);
	segment_write("length_shorter", "format", "a byte after its end", q, 19, &b);
	b.p[0] ^= 1;
	segment_write("commitment_flipped", "verify", "a bit of the commitment", q, 20, &b);
	b.p[0] ^= 1;
	b.p[40] ^= 1;
	segment_write("chunk_flipped", "verify", "a bit of the ciphertext", q, 20, &b);
	b.p[40] ^= 1;
	b.p[b.n - 1] ^= 0x80;
	segment_write("tag_flipped", "verify", "a bit of the tag", q, 20, &b);
	buf_done(&b);
	segment_seal(q, 20, 9, &b);
	segment_write("not_the_last", "verify", "the only chunk is not sealed as the last", q, 20, &b);
	buf_done(&b);
	secret_free(q);
	secret_free(other);
}

/* --- envelope-v1 --------------------------------------------------------------- */

struct piece {
	const char	*name;
	uint64_t	 length;
};

struct sealed {
	struct envelope_params	params;
	uint8_t			coefficient[2][SHAMIR_SCALAR_BYTES];
	struct buf		file;		/* the head is written last */
	struct buf		descriptor;
};

static enum rc
file_write(void *user, uint64_t at, struct span data, struct err *err)
{
	struct buf	*b = user;

	if (at + data.n > b->n)
		vector_need(buf_extend(b, (size_t)at + data.n - b->n) != NULL, "no memory left");
	memcpy(b->p + at, data.p, data.n);
	return buf_check(b, "envelope", err);
}

static void
params(struct sealed *s, const struct piece *piece, size_t n, uint8_t segment_log2)
{
	struct envelope_params	*p = &s->params;

	memset(s, 0, sizeof(*s));
	s->file = BUF_INIT((size_t)4 << 20);
	s->descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	vector_seed("genesis", 0, p->genesis, sizeof(p->genesis));
	vector_seed("artifact", 0, p->id, sizeof(p->id));
	vector_seed("policy", 0, p->policy, sizeof(p->policy));
	vector_seed("record", 0, p->record, sizeof(p->record));
	for (uint32_t i = 0; i < 2; i++) {
		vector_seed("coefficient", i, s->coefficient[i], SHAMIR_SCALAR_BYTES);
		s->coefficient[i][31] &= 0x0f;		/* below L */
	}
	p->class_id = "standard";
	p->sealed_at = 1795341600;
	p->time_lock = 1795345200;
	p->threshold = 2;
	p->shares = 3;
	p->segment_log2 = segment_log2;
	p->n_parts = n;
	for (size_t i = 0; i < n; i++)
		p->part[i] = piece[i].name;
}

static void
seal(struct sealed *s, const struct piece *piece, size_t n, uint8_t segment_log2)
{
	struct secret_arena	*arena = secret_arena_new(4096);
	struct envelope_writer	*w = NULL;
	uint64_t		 size;

	params(s, piece, n, segment_log2);
	vector_need(arena != NULL && envelope_new_with(&s->params,
	    (const uint8_t (*)[SHAMIR_SCALAR_BYTES])s->coefficient, arena, file_write, &s->file, &w,
	    NULL) == RC_OK, "envelope");
	for (size_t i = 0; i < n; i++) {
		struct buf	plain = BUF_INIT((size_t)1 << 20);

		plain_fill(&plain, 0, (size_t)piece[i].length);
		vector_need(envelope_part(w, piece[i].name, NULL) == RC_OK &&
		    envelope_write(w, buf_view(&plain), NULL) == RC_OK, "part");
		buf_done(&plain);
	}
	vector_need(envelope_finish(w, &s->descriptor, &size, NULL) == RC_OK && size == s->file.n, "finish");
	envelope_writer_free(w);
	secret_arena_free(arena);
}

static void
sealed_done(struct sealed *s)
{
	buf_done(&s->file);
	buf_done(&s->descriptor);
}

static void
envelope_file(const char *name, const char *expect, const char *comment, const struct sealed *s,
    struct span file)
{
	struct vector_out	v = start("envelope-v1", name, expect, comment);
	struct descriptor	d;

	vector_need(descriptor_parse(buf_view(&s->descriptor), &d, NULL) == RC_OK, "descriptor");
	vector_hex(&v, "genesis", SPAN_OF(s->params.genesis));
	vector_hex(&v, "coefficient", SPAN_OF(s->coefficient[0]));
	vector_hex(&v, "coefficient", SPAN_OF(s->coefficient[1]));
	digest(&v, "descriptor_sha256", buf_view(&s->descriptor));
	if (strcmp(expect, "ok") == 0) {
		vector_hex(&v, "descriptor", buf_view(&s->descriptor));
		for (uint8_t i = 0; i < d.n_parts; i++) {
			vector_hex(&v, "name", span_str(d.part[i].name));
			number(&v, "length", d.part[i].length);
			vector_hex(&v, "root", SPAN_OF(d.part[i].root));
		}
	}
	if (file.n <= SMALL_MAX)
		vector_hex(&v, "envelope", file);
	else
		digest(&v, "envelope_sha256", file);
	vector_close(&v);
}

static void
flipped(const char *name, const char *expect, const char *comment, struct sealed *s, size_t at)
{
	s->file.p[at] ^= 1;
	envelope_file(name, expect, comment, s, buf_view(&s->file));
	s->file.p[at] ^= 1;
}

/* A bit of the first leaf is another, and the table is made to fit: only the root can tell. */
static void
consistent(struct sealed *s, size_t head)
{
	uint8_t	*node = s->file.p + s->file.n - 64, was[TREE_HASH_BYTES];

	memcpy(was, node, sizeof(was));
	s->file.p[head + 40] ^= 1;
	tree_leaf(SPAN(s->file.p + head, 32 + 33 + 16), node);
	envelope_file("root_other", "verify", "another leaf, and a table that fits it", s, buf_view(&s->file));
	s->file.p[head + 40] ^= 1;
	memcpy(node, was, sizeof(was));
}

static void
envelopes(void)
{
	static const struct piece	two[] = { { "image", 33 }, { "prompt", 5 } };
	static const struct piece	large[] = { { "image", 3 * 65536 + 10 }, { "latent", 131072 }, { "rng", 1 } };
	struct sealed			s;
	size_t				head;

	seal(&s, large, 3, 16);
	envelope_file("segments", "ok", "segments of one chunk: six keys and three trees", &s, buf_view(&s.file));
	sealed_done(&s);
	seal(&s, large, 3, 17);
	envelope_file("chunks", "ok", "the same parts in segments of two chunks", &s, buf_view(&s.file));
	sealed_done(&s);

	seal(&s, two, 2, 24);
	head = sizeof(ENVELOPE_MAGIC) - 1 + 4 + s.descriptor.n;
	envelope_file("small", "ok", "two parts, a leaf each", &s, buf_view(&s.file));
	flipped("magic", "format", "another version", &s, 17);
	flipped("descriptor_flipped", "verify", "not the descriptor that was logged", &s, 60);
	flipped("commitment_flipped", "verify", "a bit of the first leaf", &s, head);
	flipped("tag_flipped", "verify", "a bit of the last leaf", &s, s.file.n - 65);
	flipped("table_flipped", "verify", "a bit of a table, which is also the leaf's hash", &s, s.file.n - 1);
	consistent(&s, head);
	envelope_file("truncated", "format", "the last byte is missing", &s, SPAN(s.file.p, s.file.n - 1));
	buf_u8(&s.file, 0);
	envelope_file("extended", "format", "a byte after the end", &s, buf_view(&s.file));
	sealed_done(&s);
}

/* --- batch-v1 ------------------------------------------------------------------ */

#define LEAVES	3U

static void
descriptors(struct buf vec[1], struct buf one[LEAVES])
{
	static const struct piece	piece = { "image", 9 };
	struct sealed			s;

	*vec = BUF_INIT(DESCRIPTOR_VECTOR_MAX);
	for (uint32_t i = 0; i < LEAVES; i++) {
		struct descriptor	d;

		seal(&s, &piece, 1, 16);
		vector_need(descriptor_parse(buf_view(&s.descriptor), &d, NULL) == RC_OK, "descriptor");
		vector_seed("artifact", i, d.id, sizeof(d.id));
		one[i] = BUF_INIT(DESCRIPTOR_BYTES_MAX);
		descriptor_write(&d, &one[i]);
		buf_vec16(vec, buf_view(&one[i]));
		sealed_done(&s);
	}
}

static struct vector_out
batch_start(const char *name, const char *expect, const char *comment, uint32_t count, struct span vec)
{
	struct vector_out	v = start("batch-v1", name, expect, comment);

	number(&v, "count", count);
	vector_hex(&v, "vector", vec);
	return v;
}

static void
batch_good(const struct buf *vec)
{
	struct vector_out	v = batch_start("good", "ok", "three artifacts", LEAVES, buf_view(vec));
	uint8_t			root[SHA256_BYTES];

	vector_need(descriptor_vector_root(buf_view(vec), LEAVES, root, NULL) == RC_OK, "root");
	vector_hex(&v, "root", SPAN_OF(root));
	digest(&v, "descriptors", buf_view(vec));
	for (uint32_t i = 0; i < LEAVES; i++) {
		struct tree_path	path;
		struct span		d;

		vector_need(batch_inclusion(buf_view(vec), LEAVES, i, &d, &path, NULL) == RC_OK, "path");
		vector_hex(&v, "descriptor", d);
		vector_hex(&v, "path", SPAN(path.hash, (size_t)path.n * TREE_HASH_BYTES));
	}
	vector_close(&v);
}

static void
batch_bad(const char *name, const char *comment, uint32_t count, struct span vec)
{
	struct vector_out	v = batch_start(name, "format", comment, count, vec);

	vector_close(&v);
}

static void
batches(void)
{
	struct buf	vec, one[LEAVES], odd = BUF_INIT(DESCRIPTOR_VECTOR_MAX);

	descriptors(&vec, one);
	batch_good(&vec);
	batch_bad("count_two", "a descriptor more than the count", 2, buf_view(&vec));
	batch_bad("count_four", "a descriptor fewer than the count", 4, buf_view(&vec));
	batch_bad("truncated", "the last byte is missing", LEAVES, SPAN(vec.p, vec.n - 1));
	buf_u8(&vec, 0);
	batch_bad("extended", "a byte after the end", LEAVES, buf_view(&vec));
	buf_vec16(&odd, SPAN(NULL, 0));
	batch_bad("empty_descriptor", "a descriptor of no bytes", 1, buf_view(&odd));
	buf_done(&odd);
	buf_done(&vec);
	for (uint32_t i = 0; i < LEAVES; i++)
		buf_done(&one[i]);
}

/* --- keys-v1, contributions-v1 ------------------------------------------------- */

static void
plain_file(const char *spec, const char *name, const char *expect, const char *comment,
    const uint8_t order[SHA256_BYTES], uint32_t count, struct span bytes)
{
	struct vector_out	v = start(spec, name, expect, comment);

	vector_hex(&v, "order", SPAN(order, SHA256_BYTES));
	number(&v, "count", count);
	vector_hex(&v, "plaintext", bytes);
	vector_close(&v);
}

static void
keys(void)
{
	uint8_t		 order[SHA256_BYTES], other[SHA256_BYTES];
	struct secret	*k = NULL;
	struct span	 all;
	uint8_t		*p;

	vector_seed("order", 0, order, sizeof(order));
	vector_seed("order", 1, other, sizeof(other));
	vector_need(keys_new(order, 2, &k, NULL) == RC_OK, "keys");
	for (uint32_t i = 0; i < 2; i++) {
		struct secret	*q = some_point(i);

		keys_put(k, i, q);
		secret_free(q);
	}
	p = secret_bytes(k);
	all = SPAN(p, secret_len(k));
	plain_file("keys-v1", "good", "ok", "two segments", order, 2, all);
	plain_file("keys-v1", "order_other", "verify", "keys of another order", other, 2, all);
	plain_file("keys-v1", "count_other", "verify", "the order has three segments", order, 3, all);
	plain_file("keys-v1", "truncated", "format", "the last byte is missing", order, 2, SPAN(p, all.n - 1));
	p[0] = 2;
	plain_file("keys-v1", "version", "format", "another version", order, 2, all);
	p[0] = 1;
	memset(p + KEYS_HEAD_BYTES, 0, SHAMIR_POINT_BYTES);
	plain_file("keys-v1", "identity", "format", "the identity is no segment point", order, 2, all);
	secret_free(k);
}

static void
contribution(uint32_t i, struct shamir_contribution *ret)
{
	static const uint8_t	share[SHAMIR_SCALAR_BYTES] = { 77 };
	uint8_t			h[64];

	/* The proof is of fixed bytes, so that the file is the same at each run. */
	ret->index = 4;
	vector_seed("segment point", i, h, sizeof(h));
	vector_need(crypto_core_ristretto255_from_hash(ret->point, h) == 0 &&
	    crypto_scalarmult_ristretto255(ret->point, share, ret->point) == 0, "contribution");
	vector_seed("proof", i, ret->proof, sizeof(ret->proof));
	ret->proof[31] &= 0x0f;
	ret->proof[63] &= 0x0f;
}

static void
contributions(void)
{
	static const char	 spec[] = "contributions-v1";
	uint8_t			 order[SHA256_BYTES], root[SHA256_BYTES], *p;
	struct secret		*s = NULL;
	struct vector_out	 v;
	struct span		 all;

	vector_seed("order", 0, order, sizeof(order));
	vector_need(contributions_new(4, order, 3, &s, NULL) == RC_OK, "contributions");
	for (uint32_t i = 0; i < 3; i++) {
		struct shamir_contribution	c;

		contribution(i, &c);
		contributions_put(s, i, &c);
	}
	p = secret_bytes(s);
	all = SPAN(p, secret_len(s));
	vector_need(contributions_root(s, root, NULL) == RC_OK, "root");
	v = start(spec, "good", "ok", "custodian 4, three segments; the proofs are not looked at");
	vector_hex(&v, "order", SPAN_OF(order));
	number(&v, "count", 3);
	vector_hex(&v, "plaintext", all);
	vector_hex(&v, "root", SPAN_OF(root));
	vector_close(&v);
	plain_file(spec, "count_other", "verify", "the order has two segments", order, 2, all);
	plain_file(spec, "truncated", "format", "the last byte is missing", order, 3, SPAN(p, all.n - 1));
	p[CONTRIBUTIONS_BYTES(1)] = 3;
	plain_file(spec, "index_other", "format", "one of them is another custodian's", order, 3, all);
	p[CONTRIBUTIONS_BYTES(1)] = 4;
	p[1] = 3;
	plain_file(spec, "custodian_other", "format", "the head says custodian 3", order, 3, all);
	for (uint32_t i = 0; i < 3; i++)
		p[CONTRIBUTIONS_BYTES(i)] = 3;
	plain_file(spec, "custodian_three", "verify", "all of it is custodian 3's", order, 3, all);
	for (uint32_t i = 0; i < 3; i++)
		p[CONTRIBUTIONS_BYTES(i)] = 4;
	p[1] = 0;
	plain_file(spec, "custodian_zero", "format", "there is no custodian 0", order, 3, all);
	secret_free(s);
}

int
main(int argc, char **argv)
{
	vector_need(argc == 2, "usage: envelope DIRECTORY");
	vector_need(secret_init(NULL) == RC_OK, "no locked memory");
	out_dir = argv[1];
	segments();
	envelopes();
	batches();
	keys();
	contributions();
	return 0;
}

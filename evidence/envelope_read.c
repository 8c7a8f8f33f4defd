/* Reading an envelope: envelope-v1 sections 4 and 5. */
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "evidence/layout.h"

struct envelope {
	stream_read_at		 read;
	void			*user;
	struct buf		 bytes;		/* the descriptor's */
	struct descriptor	 d;
	struct layout		 at;
};

static void
free_bytes(uint8_t *p)
{
	free(p);
}
DEFINE_AUTO(free_bytes, uint8_t);

/* --- opening ------------------------------------------------------------ */

enum rc
envelope_peek(stream_read_at read, void *user, uint64_t size, struct buf *descriptor,
    struct err *err)
{
	uint8_t		head[ENVELOPE_HEAD_BYTES], bytes[DESCRIPTOR_BYTES_MAX];
	struct rd	r = rd_init(SPAN_OF(head));
	uint32_t	n;

	if (size < sizeof(head))
		return err_set(err, RC_FORMAT, "envelope: only %llu bytes", (unsigned long long)size);
	TRY(read(user, 0, head, sizeof(head), err));
	if (!rd_expect(&r, ENVELOPE_MAGIC, ENVELOPE_MAGIC_BYTES))
		return err_set(err, RC_FORMAT, "envelope: does not start with quorate/envelope/v1");
	if (!rd_u32(&r, &n) || n > DESCRIPTOR_BYTES_MAX || n > size - sizeof(head))
		return err_set(err, RC_FORMAT, "envelope: descriptor of %u bytes", n);
	TRY(read(user, sizeof(head), bytes, n, err));
	buf_add(descriptor, bytes, n);
	return buf_check(descriptor, "descriptor", err);
}

static enum rc
check_head(struct envelope *e, uint64_t size, const uint8_t digest[SHA256_BYTES],
    struct err *err)
{
	uint8_t	mine[SHA256_BYTES];
	enum rc	rc;

	sha256_one(mine, buf_view(&e->bytes));
	if (memcmp(mine, digest, sizeof(mine)) != 0)		/* public */
		return err_set(err, RC_VERIFY, "envelope: not the descriptor that was logged");
	if ((rc = descriptor_parse(buf_view(&e->bytes), &e->d, err)) != RC_OK)
		return err_wrap(err, rc, "envelope");
	TRY(layout_init(&e->at, &e->d, e->bytes.n, err));
	if (size != e->at.size)
		return err_set(err, RC_FORMAT, "envelope: %llu bytes, its descriptor says %llu",
		    (unsigned long long)size, (unsigned long long)e->at.size);
	return RC_OK;
}

enum rc
envelope_open(stream_read_at read, void *user, uint64_t size,
    const uint8_t digest[SHA256_BYTES], struct envelope **ret, struct err *err)
{
	AUTO(envelope_free) struct envelope *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return err_set(err, RC_NOMEM, "envelope: no memory");
	e->read = read;
	e->user = user;
	e->bytes = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	TRY(envelope_peek(read, user, size, &e->bytes, err));
	TRY(check_head(e, size, digest, err));
	*ret = TAKE(e);
	return RC_OK;
}

void
envelope_free(struct envelope *e)
{
	if (e == NULL)
		return;
	buf_done(&e->bytes);
	free(e);
}

const struct descriptor *
envelope_descriptor(const struct envelope *e)
{
	return &e->d;
}

struct span
envelope_descriptor_bytes(const struct envelope *e)
{
	return buf_view(&e->bytes);
}

enum rc
envelope_part_number(const struct envelope *e, const char *name, size_t *ret,
    struct err *err)
{
	const struct part *p = descriptor_part(&e->d, name);

	if (p == NULL)
		return err_set(err, RC_MISSING, "the artifact has no part %.*s", PART_NAME_MAX, name);
	*ret = (size_t)(p - e->d.part);
	return RC_OK;
}

/* --- leaves ------------------------------------------------------------- */

struct table {				/* the nodes of one part: user of tree_read, tree_emit */
	const struct envelope	*e;
	size_t			 part;
};

static enum rc
read_node(void *user, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES],
    struct err *err)
{
	const struct table	*t = user;
	uint64_t		 node = layout_level(part_leaves(&t->e->d.part[t->part]), level) + index;

	return t->e->read(t->e->user, t->e->at.table[t->part] + node * TREE_HASH_BYTES,
	    ret, TREE_HASH_BYTES, err);
}

static enum rc
check_part(const struct envelope *e, size_t part, struct err *err)
{
	if (part >= e->d.n_parts)
		return err_set(err, RC_USAGE, "envelope: part %zu of %u", part, e->d.n_parts);
	return RC_OK;
}

enum rc
envelope_ciphertext(const struct envelope *e, size_t part, uint64_t offset, uint8_t *out, size_t n, struct err *err)
{
	return e->read(e->user, e->at.part[part] + offset, out, n, err);
}

static enum rc
read_leaf(const struct envelope *e, size_t part, uint64_t leaf, uint8_t *out,
    size_t *ret_n, struct err *err)
{
	struct leaf_place at = part_leaf(&e->d.part[part], leaf);

	TRY(envelope_ciphertext(e, part, at.offset, out, at.n, err));
	*ret_n = at.n;
	return RC_OK;
}

enum rc
envelope_leaf(const struct envelope *e, size_t part, uint64_t leaf, uint8_t *out,
    size_t *ret_n, struct err *err)
{
	struct table	 table = { e, part };
	struct tree_path path;
	uint8_t		 hash[TREE_HASH_BYTES];
	uint64_t	 leaves;
	size_t		 n;
	enum rc		 rc;

	TRY(check_part(e, part, err));
	leaves = part_leaves(&e->d.part[part]);
	if (leaf >= leaves)
		return err_set(err, RC_USAGE, "envelope: leaf %llu of %llu",
		    (unsigned long long)leaf, (unsigned long long)leaves);
	TRY(read_leaf(e, part, leaf, out, &n, err));
	tree_leaf(SPAN(out, n), hash);
	TRY(tree_inclusion(read_node, &table, leaf, leaves, &path, err));
	rc = tree_inclusion_verify(hash, leaf, leaves, &path, e->d.part[part].root, err);
	if (rc != RC_OK)
		return err_wrap(err, rc, "part %s, chunk %llu", e->d.part[part].name,
		    (unsigned long long)leaf);
	*ret_n = n;
	return RC_OK;
}

enum rc
envelope_leaf_hashes(const struct envelope *e, size_t part, uint64_t first, uint64_t n,
    uint8_t (*ret)[TREE_HASH_BYTES], struct err *err)
{
	uint64_t leaves;

	TRY(check_part(e, part, err));
	leaves = part_leaves(&e->d.part[part]);
	if (first > leaves || n > leaves - first)
		return err_set(err, RC_USAGE, "envelope: leaves %llu to %llu of %llu",
		    (unsigned long long)first, (unsigned long long)(first + n),
		    (unsigned long long)leaves);
	if (n == 0)
		return RC_OK;
	return e->read(e->user, e->at.table[part] + first * TREE_HASH_BYTES, ret[0],
	    n * TREE_HASH_BYTES, err);
}

enum rc
envelope_segment(const struct envelope *e, size_t part, uint32_t segment,
    stream_write write, void *user, struct err *err)
{
	AUTO(free_bytes) uint8_t *out = malloc(SEGMENT_LEAF_MAX);
	const struct part	*p;
	uint64_t		 first, chunks;
	size_t			 n;

	if (out == NULL)
		return err_set(err, RC_NOMEM, "envelope: no memory");
	TRY(check_part(e, part, err));
	p = &e->d.part[part];
	if (segment >= part_segments(p))
		return err_set(err, RC_USAGE, "envelope: segment %u of %u", segment, part_segments(p));
	first = part_segment_leaf(p, segment);
	chunks = segment_chunks(part_segment_length(p, segment));
	for (uint64_t i = 0; i < chunks; i++) {
		TRY(envelope_leaf(e, part, first + i, out, &n, err));
		TRY(write(user, SPAN(out, n), err));
	}
	return RC_OK;
}

/* --- all of it ---------------------------------------------------------- */

/* A node as the leaves make it, against the table's. */
static enum rc
compare_node(void *user, uint8_t level, uint64_t index, const uint8_t hash[TREE_HASH_BYTES],
    struct err *err)
{
	const struct table	*t = user;
	uint8_t			 kept[TREE_HASH_BYTES];

	TRY(read_node(user, level, index, kept, err));
	if (memcmp(kept, hash, sizeof(kept)) != 0)		/* public */
		return err_set(err, RC_VERIFY, "part %s: node %llu of level %u differs from the chunks",
		    t->e->d.part[t->part].name, (unsigned long long)index, level);
	return RC_OK;
}

static enum rc
verify_part(const struct envelope *e, size_t part, uint8_t *out, struct err *err)
{
	const struct part	*p = &e->d.part[part];
	struct table		 table = { e, part };
	struct tree_range	 range = TREE_RANGE_INIT;
	uint8_t			 hash[TREE_HASH_BYTES];
	size_t			 n;

	for (uint64_t i = 0; i < part_leaves(p); i++) {
		TRY(read_leaf(e, part, i, out, &n, err));
		tree_leaf(SPAN(out, n), hash);
		TRY(tree_range_add(&range, hash, compare_node, &table, err));
	}
	tree_range_root(&range, hash);
	if (memcmp(hash, p->root, sizeof(hash)) != 0)		/* public */
		return err_set(err, RC_VERIFY, "part %s: not the ciphertext that was logged", p->name);
	return RC_OK;
}

enum rc
envelope_verify(const struct envelope *e, struct err *err)
{
	AUTO(free_bytes) uint8_t *out = malloc(SEGMENT_LEAF_MAX);

	if (out == NULL)
		return err_set(err, RC_NOMEM, "envelope: no memory");
	for (size_t i = 0; i < e->d.n_parts; i++)
		TRY(verify_part(e, i, out, err));
	return RC_OK;
}

/* --- a range ------------------------------------------------------------ */

struct range {
	const struct envelope	*e;
	size_t			 part;
	envelope_point		 point;
	void			*point_user;
	uint8_t			*leaf;		/* SEGMENT_LEAF_MAX */
	struct secret		*plain;		/* SEGMENT_CHUNK_BYTES */
	struct segment_cipher	*cipher;
	bool			 keyed;
	uint32_t		 segment;	/* whose key the cipher has, when keyed */
};

/* The commitment is read under its proof, or another could be put there. */
static enum rc
key_for(struct range *r, uint32_t segment, struct err *err)
{
	const struct part *p = &r->e->d.part[r->part];
	AUTO(secret_free) struct secret *point = NULL;
	size_t	n;
	enum rc	rc;

	if (r->keyed && r->segment == segment)
		return RC_OK;
	r->keyed = false;
	TRY(r->point(r->point_user, p->name, segment, &point, err));
	TRY(envelope_leaf(r->e, r->part, part_segment_leaf(p, segment), r->leaf, &n, err));
	if ((rc = segment_cipher_open(r->cipher, point, r->leaf, err)) != RC_OK)
		return err_wrap(err, rc, "part %s, segment %u", p->name, segment);
	r->keyed = true;
	r->segment = segment;
	return RC_OK;
}

/* Decrypts one leaf to r->plain. */
static enum rc
open_leaf(struct range *r, uint64_t leaf, size_t *ret_n, struct err *err)
{
	struct leaf_place	at = part_leaf(&r->e->d.part[r->part], leaf);
	struct span		in = SPAN(r->leaf, 0);
	enum rc			rc;

	TRY(key_for(r, at.segment, err));
	TRY(envelope_leaf(r->e, r->part, leaf, r->leaf, &in.n, err));
	if (at.chunk == 0) {
		in.p += SEGMENT_COMMITMENT_BYTES;
		in.n -= SEGMENT_COMMITMENT_BYTES;
	}
	rc = segment_chunk_open(r->cipher, at.chunk, at.last, in, secret_bytes(r->plain), err);
	if (rc != RC_OK)
		return err_wrap(err, rc, "part %s, segment %u", r->e->d.part[r->part].name, at.segment);
	*ret_n = in.n - SEGMENT_TAG_BYTES;
	return RC_OK;
}

static enum rc
read_range(struct range *r, uint64_t offset, uint64_t n, stream_write write, void *user,
    struct err *err)
{
	while (n > 0) {
		size_t	skip = (size_t)(offset % SEGMENT_CHUNK_BYTES), have = 0;

		TRY(open_leaf(r, offset >> SEGMENT_CHUNK_LOG2, &have, err));
		have -= skip;
		if (have > n)
			have = (size_t)n;
		TRY(write(user, SPAN(secret_view(r->plain) + skip, have), err));
		offset += have;
		n -= have;
	}
	return RC_OK;
}

enum rc
envelope_read(const struct envelope *e, size_t part, uint64_t offset, uint64_t n,
    envelope_point point, void *point_user, stream_write write, void *write_user,
    struct err *err)
{
	AUTO(free_bytes) uint8_t *leaf = malloc(SEGMENT_LEAF_MAX);
	AUTO(secret_free) struct secret *plain = secret_new(SEGMENT_CHUNK_BYTES);
	AUTO(segment_cipher_free) struct segment_cipher *cipher = NULL;
	struct range r = { .e = e, .part = part, .point = point, .point_user = point_user };

	if (leaf == NULL || plain == NULL)
		return err_set(err, RC_NOMEM, "envelope: no memory");
	TRY(check_part(e, part, err));
	if (offset > e->d.part[part].length || n > e->d.part[part].length - offset)
		return err_set(err, RC_USAGE, "part %s: it has %llu bytes only",
		    e->d.part[part].name, (unsigned long long)e->d.part[part].length);
	TRY(segment_cipher_new(&cipher, err));
	r.leaf = leaf;
	r.plain = plain;
	r.cipher = cipher;
	return read_range(&r, offset, n, write, write_user, err);
}

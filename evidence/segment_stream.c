/* A segment from a source, checked leaf by leaf: segment-v1 section 6. */
#include <stdlib.h>
#include <string.h>

#include "evidence/segment.h"

struct reader {
	const struct segment_source	*source;
	uint64_t			 chunks;
	uint8_t				*leaf;		/* SEGMENT_LEAF_MAX */
};

static void
free_bytes(uint8_t *p)
{
	free(p);
}
DEFINE_AUTO(free_bytes, uint8_t);

/* A segment alone lies as the only segment of a part does. */
static struct leaf_place
place(const struct segment_source *s, uint64_t chunk)
{
	struct part p = { .length = s->length, .segment_log2 = SEGMENT_LOG2_MAX };

	return part_leaf(&p, chunk);
}

/* Reads leaf `chunk` and checks it against the hash that it must have. */
static enum rc
read_leaf(const struct reader *r, uint64_t chunk, struct span *ret, struct err *err)
{
	struct leaf_place	at = place(r->source, chunk);
	uint8_t			hash[TREE_HASH_BYTES];

	TRY(r->source->read(r->source->user, at.offset, r->leaf, at.n, err));
	tree_leaf(SPAN(r->leaf, at.n), hash);
	if (memcmp(hash, r->source->leaf[chunk], sizeof(hash)) != 0)	/* public */
		return err_set(err, RC_VERIFY, "chunk %llu is not under the ciphertext root",
		    (unsigned long long)chunk);
	*ret = SPAN(r->leaf, at.n);
	return RC_OK;
}

static enum rc
open_leaf(const struct reader *r, uint64_t chunk, const struct secret *point,
    struct segment_cipher *cipher, struct secret *plain, struct span *ret, struct err *err)
{
	struct span	in;

	TRY(read_leaf(r, chunk, &in, err));
	if (chunk == 0) {
		TRY(segment_cipher_open(cipher, point, in.p, err));
		in.p += SEGMENT_COMMITMENT_BYTES;
		in.n -= SEGMENT_COMMITMENT_BYTES;
	}
	TRY(segment_chunk_open(cipher, chunk, chunk == r->chunks - 1, in,
	    secret_bytes(plain), err));
	*ret = SPAN(secret_view(plain), in.n - SEGMENT_TAG_BYTES);
	return RC_OK;
}

enum rc
segment_open_stream(const struct segment_source *s, const struct secret *point,
    stream_write write, void *write_user, struct err *err)
{
	AUTO(free_bytes) uint8_t *leaf = malloc(SEGMENT_LEAF_MAX);
	AUTO(secret_free) struct secret *plain = secret_new(SEGMENT_CHUNK_BYTES);
	AUTO(segment_cipher_free) struct segment_cipher *cipher = NULL;
	struct reader	r = { s, segment_chunks(s->length), leaf };
	struct span	out;

	if (leaf == NULL || plain == NULL)
		return err_set(err, RC_NOMEM, "segment: no memory");
	TRY(segment_cipher_new(&cipher, err));
	for (uint64_t i = 0; i < r.chunks; i++) {
		TRY(open_leaf(&r, i, point, cipher, plain, &out, err));
		TRY(write(write_user, out, err));
	}
	return RC_OK;
}

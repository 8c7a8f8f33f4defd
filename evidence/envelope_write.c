/* Writing an envelope: envelope-v1 section 3. */
#include <stdlib.h>
#include <string.h>

#include "evidence/layout.h"
#include "evidence/side_by_side.h"

#define LEAVES_FIRST	256	/* hashes allocated at first; doubled when full */
#define RUN_LEAVES	4	/* of a segment that are written at once: they do not end where pages do */

struct envelope_writer {
	stream_write_at	 write_at;
	void		*user;
	uint8_t		 genesis[SHA256_BYTES];
	struct descriptor d;			/* lengths and roots are filled as they are known */
	size_t		 descriptor_bytes;	/* known from the start */
	uint8_t		*share[SHAMIR_SHARES_MAX];
	struct secret	*secret;

	uint8_t		 begun;			/* parts */
	bool		 whole;			/* the part came from envelope_part_from: nothing may follow in it */
	uint64_t	 at;			/* where the next ciphertext goes */
	uint32_t	 segment;		/* of the part */
	uint64_t	 chunk;			/* of the segment */
	struct segment_cipher *cipher;
	struct secret	*pending;		/* plaintext that may or may not be the last chunk */
	size_t		 n_pending;

	uint8_t		(*leaf)[TREE_HASH_BYTES];	/* of all parts */
	uint64_t	 n_leaves, cap_leaves;
	enum rc		 failed;		/* RC_OK, or why nothing more is accepted */
	uint8_t		 out[SEGMENT_LEAF_MAX];
};

void
envelope_writer_free(struct envelope_writer *w)
{
	if (w == NULL)
		return;
	secret_free(w->secret);
	secret_free(w->pending);
	segment_cipher_free(w->cipher);
	free(w->leaf);
	free(w);
}

uint8_t *const *
envelope_shares(const struct envelope_writer *w)
{
	return w->share;
}

/* --- beginning ---------------------------------------------------------- */

static enum rc
copy_name(char *to, size_t size, const char *from, const char *what, struct err *err)
{
	size_t n = strlen(from);

	if (n >= size)
		return err_set(err, RC_FORMAT, "%s name of %zu characters, at most %zu",
		    what, n, size - 1);
	memcpy(to, from, n + 1);
	return RC_OK;
}

static enum rc
fill_descriptor(struct descriptor *d, const struct envelope_params *p, struct err *err)
{
	if (p->n_parts == 0 || p->n_parts > PARTS_MAX)
		return err_set(err, RC_FORMAT, "envelope: %zu parts, 1 to %d are possible",
		    p->n_parts, PARTS_MAX);
	memcpy(d->id, p->id, sizeof(d->id));
	memcpy(d->policy, p->policy, sizeof(d->policy));
	memcpy(d->record, p->record, sizeof(d->record));
	TRY(copy_name(d->class_id, sizeof(d->class_id), p->class_id, "class", err));
	d->sealed_at = p->sealed_at;
	d->time_lock = p->time_lock;
	d->shares = p->shares;
	d->n_parts = (uint8_t)p->n_parts;
	for (size_t i = 0; i < p->n_parts; i++) {
		TRY(copy_name(d->part[i].name, sizeof(d->part[i].name), p->part[i], "part", err));
		d->part[i].segment_log2 = p->segment_log2;
		d->part[i].length = 1;
	}
	return RC_OK;
}

/* The parser is the judge of what a descriptor may hold; its size never changes. Its points are of our own making. */
static enum rc
check_descriptor(struct envelope_writer *w, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	struct descriptor	seen;
	enum rc			rc;

	descriptor_write(&w->d, &b);
	TRY(buf_check(&b, "descriptor", err));
	if ((rc = descriptor_parse_form(buf_view(&b), &seen, err)) != RC_OK)
		return err_wrap(err, rc, "envelope");
	w->descriptor_bytes = b.n;
	for (uint8_t i = 0; i < w->d.n_parts; i++)
		w->d.part[i].length = 0;
	w->at = ENVELOPE_HEAD_BYTES + b.n;
	return RC_OK;
}

static enum rc
writer_new(const struct envelope_params *params, stream_write_at write_at, void *user,
    struct envelope_writer **ret, struct err *err)
{
	AUTO(envelope_writer_free) struct envelope_writer *w = calloc(1, sizeof(*w));

	if (w == NULL || (w->pending = secret_new(SEGMENT_CHUNK_BYTES)) == NULL)
		return err_set(err, RC_NOMEM, "envelope: no memory");
	w->write_at = write_at;
	w->user = user;
	memcpy(w->genesis, params->genesis, sizeof(w->genesis));
	TRY(fill_descriptor(&w->d, params, err));
	TRY(segment_cipher_new(&w->cipher, err));
	*ret = TAKE(w);
	return RC_OK;
}

enum rc
envelope_new(const struct envelope_params *params, struct secret_arena *arena,
    stream_write_at write_at, void *user, struct envelope_writer **ret, struct err *err)
{
	AUTO(envelope_writer_free) struct envelope_writer *w = NULL;

	TRY(writer_new(params, write_at, user, &w, err));
	TRY(shamir_split(params->threshold, params->shares, arena, &w->secret, w->share,
	    &w->d.commits, err));
	TRY(check_descriptor(w, err));
	*ret = TAKE(w);
	return RC_OK;
}

enum rc
envelope_new_with(const struct envelope_params *params,
    const uint8_t (*coefficient)[SHAMIR_SCALAR_BYTES], struct secret_arena *arena,
    stream_write_at write_at, void *user, struct envelope_writer **ret, struct err *err)
{
	AUTO(envelope_writer_free) struct envelope_writer *w = NULL;

	TRY(writer_new(params, write_at, user, &w, err));
	TRY(shamir_split_with(coefficient, params->threshold, params->shares, arena,
	    w->share, &w->d.commits, err));
	if ((w->secret = secret_new(SHAMIR_SCALAR_BYTES)) == NULL)
		return err_set(err, RC_NOMEM, "envelope: no memory");
	memcpy(secret_bytes(w->secret), coefficient[0], SHAMIR_SCALAR_BYTES);
	TRY(check_descriptor(w, err));
	*ret = TAKE(w);
	return RC_OK;
}

/* --- chunks ------------------------------------------------------------- */

/* The part that is being written. */
static struct part *
current(struct envelope_writer *w)
{
	return &w->d.part[w->begun - 1];
}

/* Room for n more leaf hashes. */
static enum rc
room_for(struct envelope_writer *w, uint64_t n, struct err *err)
{
	uint64_t	cap = w->cap_leaves == 0 ? LEAVES_FIRST : w->cap_leaves * 2;
	void		*p;

	if (n > ENVELOPE_LEAVES_MAX - w->n_leaves)
		return err_set(err, RC_LIMIT, "envelope: parts of more than %llu GiB in all",
		    (unsigned long long)(ENVELOPE_LEAVES_MAX * SEGMENT_CHUNK_BYTES >> 30));
	if (n <= w->cap_leaves - w->n_leaves)
		return RC_OK;
	if (cap < w->n_leaves + n)
		cap = w->n_leaves + n;
	if ((p = realloc(w->leaf, cap * TREE_HASH_BYTES)) == NULL)
		return err_set(err, RC_NOMEM, "envelope: no memory for %llu leaf hashes",
		    (unsigned long long)cap);
	w->leaf = p;
	w->cap_leaves = cap;
	return RC_OK;
}

/* The key of a segment of the part that is written: from here on `cipher` seals under it. */
static enum rc
key_for(const struct envelope_writer *w, uint32_t segment, struct segment_cipher *cipher,
    uint8_t commitment[SEGMENT_COMMITMENT_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf msg = BUF_INIT(LABEL_MSG_MAX);
	AUTO(secret_free) struct secret *point = NULL;
	uint8_t	label[SHAMIR_POINT_BYTES];

	label_msg(w->genesis, w->d.id, w->d.part[w->begun - 1].name, segment, &msg);
	TRY(buf_check(&msg, "label", err));
	TRY(shamir_label(buf_view(&msg), label, err));
	TRY(shamir_apply(w->secret, label, &point, err));
	return segment_cipher_seal(cipher, point, commitment, err);
}

/* Seals one chunk; `end`: the part ends with it. */
static enum rc
put_chunk(struct envelope_writer *w, struct span plain, bool end, struct err *err)
{
	uint64_t	chunks = UINT64_C(1) << (current(w)->segment_log2 - SEGMENT_CHUNK_LOG2);
	bool		last = end || w->chunk == chunks - 1;
	struct span	leaf = SPAN(w->out, SEGMENT_COMMITMENT_BYTES + plain.n + SEGMENT_TAG_BYTES);

	if (w->chunk == 0) {
		TRY(key_for(w, w->segment, w->cipher, w->out, err));
	} else {
		leaf.p += SEGMENT_COMMITMENT_BYTES;
		leaf.n -= SEGMENT_COMMITMENT_BYTES;
	}
	TRY(segment_chunk_seal(w->cipher, w->chunk, last, plain,
	    w->out + SEGMENT_COMMITMENT_BYTES, err));
	TRY(room_for(w, 1, err));
	tree_leaf(leaf, w->leaf[w->n_leaves++]);
	TRY(w->write_at(w->user, w->at, leaf, err));
	w->at += leaf.n;
	current(w)->length += plain.n;
	w->chunk = last ? 0 : w->chunk + 1;
	w->segment += last;
	return RC_OK;
}

/* A chunk is sealed only when it is known whether another follows. */
static enum rc
take_plain(struct envelope_writer *w, struct span *in, struct err *err)
{
	size_t	room = SEGMENT_CHUNK_BYTES - w->n_pending;
	size_t	n = in->n < room ? in->n : room;

	if (room == 0) {
		TRY(put_chunk(w, SPAN(secret_view(w->pending), w->n_pending), false, err));
		w->n_pending = 0;
		return RC_OK;
	}
	if (w->n_pending == 0 && in->n > SEGMENT_CHUNK_BYTES)	/* saves the copy */
		TRY(put_chunk(w, SPAN(in->p, n), false, err));
	else {
		memcpy(secret_bytes(w->pending) + w->n_pending, in->p, n);
		w->n_pending += n;
	}
	in->p += n;
	in->n -= n;
	return RC_OK;
}

static enum rc
end_part(struct envelope_writer *w, struct err *err)
{
	if (w->begun == 0 || w->whole)
		return RC_OK;
	if (w->n_pending == 0)		/* a chunk always waits, unless nothing came */
		return err_set(err, RC_FORMAT, "part %s is empty: there is nothing to seal",
		    current(w)->name);
	TRY(put_chunk(w, SPAN(secret_view(w->pending), w->n_pending), true, err));
	wipe(secret_bytes(w->pending), w->n_pending);
	w->n_pending = 0;
	w->segment = 0;
	return RC_OK;
}

/* --- a part that is there as a whole -------------------------------------- */

struct whole {
	struct envelope_writer	*w;
	stream_read_at		 read;
	void			*user;
	uint64_t		 at;		/* where the part's ciphertext goes */
	uint8_t			(*leaf)[TREE_HASH_BYTES];	/* of the part */
};

struct workplace {		/* what one segment is sealed with */
	struct segment_cipher	*cipher;
	struct secret		*plain;
	uint8_t			*out;		/* RUN_LEAVES * SEGMENT_LEAF_MAX */
};

static void
workplace_done(struct workplace *b)
{
	segment_cipher_free(b->cipher);
	secret_free(b->plain);
	free(b->out);
}

/* To `out`, which has room for a leaf. */
static enum rc
seal_leaf(const struct whole *p, const struct workplace *b, uint64_t number, const struct leaf_place *at, uint8_t *out,
    struct err *err)
{
	const struct part	*part = current(p->w);
	uint64_t		 from = number << SEGMENT_CHUNK_LOG2;
	struct span		 plain = SPAN(secret_view(b->plain), SEGMENT_CHUNK_BYTES);
	uint8_t			*chunk = out;

	if (plain.n > part->length - from)
		plain.n = (size_t)(part->length - from);
	TRY(p->read(p->user, from, secret_bytes(b->plain), plain.n, err));
	if (at->chunk == 0) {
		TRY(key_for(p->w, at->segment, b->cipher, out, err));
		chunk += SEGMENT_COMMITMENT_BYTES;
	}
	TRY(segment_chunk_seal(b->cipher, at->chunk, at->last, plain, chunk, err));
	tree_leaf(SPAN(out, at->n), p->leaf[number]);
	return RC_OK;
}

/* Leaves lie one behind the other: a run of them is one write. */
static enum rc
seal_run(const struct whole *p, const struct workplace *b, uint64_t first, uint64_t n, struct err *err)
{
	struct leaf_place	at;
	uint64_t		where = part_leaf(current(p->w), first).offset;
	size_t			bytes = 0;

	for (uint64_t i = first; i < first + n; i++, bytes += at.n) {
		at = part_leaf(current(p->w), i);
		TRY(seal_leaf(p, b, i, &at, b->out + bytes, err));
	}
	return p->w->write_at(p->w->user, p->at + where, SPAN(b->out, bytes), err);
}

static enum rc
seal_segment(void *arg, uint32_t segment, struct err *err)
{
	const struct whole	*p = arg;
	const struct part	*part = current(p->w);
	uint64_t		 first = part_segment_leaf(part, segment);
	uint64_t		 n = segment_chunks(part_segment_length(part, segment));
	AUTO_DONE(workplace_done) struct workplace b = { .plain = secret_new(SEGMENT_CHUNK_BYTES),
	    .out = malloc(RUN_LEAVES * SEGMENT_LEAF_MAX) };

	if (b.plain == NULL || b.out == NULL)
		return err_set(err, RC_NOMEM, "envelope: no memory");
	TRY(segment_cipher_new(&b.cipher, err));
	for (uint64_t i = 0; i < n; i += RUN_LEAVES)
		TRY(seal_run(p, &b, first + i, n - i < RUN_LEAVES ? n - i : RUN_LEAVES, err));
	return RC_OK;
}

static enum rc
seal_whole(struct envelope_writer *w, stream_read_at read, void *user, uint64_t length,
    const struct parallel *parallel, struct err *err)
{
	struct whole	 p = { w, read, user, w->at, NULL };
	struct part	*part = current(w);

	if (length == 0)
		return err_set(err, RC_FORMAT, "part %s is empty: there is nothing to seal", part->name);
	if (length > PART_LENGTH_MAX)
		return err_set(err, RC_LIMIT, "part %s is too long", part->name);
	part->length = length;
	TRY(room_for(w, part_leaves(part), err));
	p.leaf = w->leaf + w->n_leaves;
	TRY(side_by_side(parallel, part_segments(part), seal_segment, &p, err));
	w->n_leaves += part_leaves(part);
	w->at += part_ciphertext_bytes(part);
	w->whole = true;
	return RC_OK;
}

/* --- what the caller sees ----------------------------------------------- */

static enum rc
usable(const struct envelope_writer *w, struct err *err)
{
	if (w->failed != RC_OK)
		return err_set(err, w->failed, "envelope: writing it has failed or ended before");
	return RC_OK;
}

static enum rc
begin_part(struct envelope_writer *w, const char *name, struct err *err)
{
	TRY(end_part(w, err));
	if (w->begun == w->d.n_parts || strcmp(w->d.part[w->begun].name, name) != 0)
		return err_set(err, RC_USAGE, "envelope: part %.*s is not the next one",
		    PART_NAME_MAX, name);
	w->begun++;
	w->whole = false;
	return RC_OK;
}

enum rc
envelope_part(struct envelope_writer *w, const char *name, struct err *err)
{
	TRY(usable(w, err));
	return w->failed = begin_part(w, name, err);
}

enum rc
envelope_part_from(struct envelope_writer *w, const char *name, stream_read_at read, void *user, uint64_t length,
    const struct parallel *parallel, struct err *err)
{
	TRY(usable(w, err));
	if ((w->failed = begin_part(w, name, err)) == RC_OK)
		w->failed = seal_whole(w, read, user, length, parallel, err);
	return w->failed;
}

enum rc
envelope_write(struct envelope_writer *w, struct span plain, struct err *err)
{
	TRY(usable(w, err));
	if (w->begun == 0 || w->whole)
		return w->failed = err_set(err, RC_USAGE, "envelope: no part was begun");
	while (plain.n > 0 && w->failed == RC_OK)
		w->failed = take_plain(w, &plain, err);
	return w->failed;
}

/* Level by level, each from the one below and in its place. */
static enum rc
write_table(struct envelope_writer *w, uint8_t (*node)[TREE_HASH_BYTES], uint64_t n,
    struct err *err)
{
	for (; n > 0; n /= 2) {
		TRY(w->write_at(w->user, w->at, SPAN(node, n * TREE_HASH_BYTES), err));
		w->at += n * TREE_HASH_BYTES;
		for (uint64_t i = 0; i < n / 2; i++)
			tree_node(node[2 * i], node[2 * i + 1], node[i]);
	}
	return RC_OK;
}

static enum rc
write_tables(struct envelope_writer *w, struct err *err)
{
	uint8_t		(*leaf)[TREE_HASH_BYTES] = w->leaf;

	for (uint8_t i = 0; i < w->d.n_parts; i++) {
		struct part	*p = &w->d.part[i];
		uint64_t	 n = part_leaves(p);

		tree_root((const uint8_t (*)[TREE_HASH_BYTES])leaf, n, p->root);
		TRY(write_table(w, leaf, n, err));
		leaf += n;
	}
	return RC_OK;
}

static enum rc
write_head(struct envelope_writer *w, struct buf *ret_descriptor, struct err *err)
{
	AUTO_DONE(buf_done) struct buf head =
	    BUF_INIT(ENVELOPE_HEAD_BYTES + DESCRIPTOR_BYTES_MAX);

	buf_add(&head, ENVELOPE_MAGIC, ENVELOPE_MAGIC_BYTES);
	buf_u32(&head, (uint32_t)w->descriptor_bytes);
	descriptor_write(&w->d, &head);
	TRY(buf_check(&head, "envelope head", err));
	TRY(w->write_at(w->user, 0, buf_view(&head), err));
	buf_add(ret_descriptor, head.p + ENVELOPE_HEAD_BYTES, w->descriptor_bytes);
	return buf_check(ret_descriptor, "descriptor", err);
}

static enum rc
finish(struct envelope_writer *w, struct buf *descriptor, struct err *err)
{
	TRY(end_part(w, err));
	if (w->begun != w->d.n_parts)
		return err_set(err, RC_FORMAT, "part %s is missing: there is nothing to seal",
		    w->d.part[w->begun].name);
	TRY(write_tables(w, err));
	return write_head(w, descriptor, err);
}

enum rc
envelope_finish(struct envelope_writer *w, struct buf *descriptor, uint64_t *ret_size,
    struct err *err)
{
	TRY(usable(w, err));
	w->failed = finish(w, descriptor, err);
	secret_free(TAKE(w->secret));		/* no further key is derived from it */
	TRY(w->failed);
	w->failed = RC_BUG;
	*ret_size = w->at;
	return RC_OK;
}

/* All of a part: envelope-v1 section 5, with all leaves proven at once. */
#include <stdlib.h>
#include <string.h>

#include "evidence/layout.h"
#include "evidence/side_by_side.h"

struct whole {
	const struct envelope	*e;
	size_t			 number;
	const struct part	*part;
	uint8_t			(*leaf)[TREE_HASH_BYTES];
	envelope_point		 point;
	void			*point_user;
	stream_write_at		 write_at;
	void			*write_user;
};

static void
whole_done(struct whole *p)
{
	free(p->leaf);
}

/* What the root in the descriptor covers is proven without the nodes between. */
static enum rc
take_leaves(struct whole *p, struct err *err)
{
	uint64_t	n = part_leaves(p->part);
	uint8_t		root[TREE_HASH_BYTES];

	if ((p->leaf = calloc(n, TREE_HASH_BYTES)) == NULL)
		return err_set(err, RC_NOMEM, "envelope: no memory for %llu leaf hashes", (unsigned long long)n);
	TRY(envelope_leaf_hashes(p->e, p->number, 0, n, p->leaf, err));
	tree_root((const uint8_t (*)[TREE_HASH_BYTES])p->leaf, n, root);
	if (memcmp(root, p->part->root, sizeof(root)) != 0)		/* public */
		return err_set(err, RC_VERIFY, "part %s: its leaves are not under the root that was logged", p->part->name);
	return RC_OK;
}

struct place {			/* where one segment comes from and goes to */
	const struct whole	*p;
	uint32_t		 segment;
	uint64_t		 at;		/* plaintext written so far, and where the segment starts */
};

static enum rc
read_segment(void *user, uint64_t offset, uint8_t *out, size_t n, struct err *err)
{
	const struct place	*at = user;

	return envelope_ciphertext(at->p->e, at->p->number, part_segment_offset(at->p->part, at->segment) + offset, out,
	    n, err);
}

static enum rc
put(void *user, struct span plain, struct err *err)
{
	struct place	*at = user;

	TRY(at->p->write_at(at->p->write_user, at->at, plain, err));
	at->at += plain.n;
	return RC_OK;
}

static enum rc
open_segment(void *arg, uint32_t segment, struct err *err)
{
	const struct whole		*p = arg;
	struct place			 at = { p, segment, (uint64_t)segment << p->part->segment_log2 };
	struct segment_source		 source = { .read = read_segment, .user = &at };
	AUTO(secret_free) struct secret	*point = NULL;
	enum rc				 rc;

	source.length = part_segment_length(p->part, segment);
	source.leaf = (const uint8_t (*)[TREE_HASH_BYTES])p->leaf + part_segment_leaf(p->part, segment);
	TRY(p->point(p->point_user, p->part->name, segment, &point, err));
	if ((rc = segment_open_stream(&source, point, put, &at, err)) != RC_OK)
		return err_wrap(err, rc, "part %s, segment %u", p->part->name, segment);
	return RC_OK;
}

enum rc
envelope_read_part(const struct envelope *e, size_t part, envelope_point point, void *point_user,
    stream_write_at write_at, void *write_user, const struct parallel *parallel, struct err *err)
{
	AUTO_DONE(whole_done) struct whole p = { .e = e, .number = part, .point = point, .point_user = point_user,
	    .write_at = write_at, .write_user = write_user };

	if (part >= envelope_descriptor(e)->n_parts)
		return err_set(err, RC_USAGE, "envelope: part %zu of %u", part, envelope_descriptor(e)->n_parts);
	p.part = &envelope_descriptor(e)->part[part];
	TRY(take_leaves(&p, err));
	return side_by_side(parallel, part_segments(p.part), open_segment, &p, err);
}

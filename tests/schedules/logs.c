/* tests/schedules/logs.c - the log and its fork, and the checkpoints that were signed over them. */
#include <stdlib.h>
#include <string.h>

#include "tests/schedules/world.h"

/* --- entries -------------------------------------------------------------------------- */

static enum rc
node_hash(void *user, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	const struct branch	*b = user;
	struct tree_range	 r = TREE_RANGE_INIT;

	for (uint64_t i = index << level; i < (index + 1) << level; i++)
		TRY(tree_range_add(&r, world->logged[b->entry[i]].hash, NULL, NULL, err));
	tree_range_root(&r, ret);
	return RC_OK;
}

void
root_of(unsigned branch, uint64_t size, uint8_t ret[SHA256_BYTES])
{
	struct branch	*b = &world->branch[branch];
	struct err	 err;

	MUST(size <= b->n);
	if (!b->has_root[size])
		must(tree_root_at(node_hash, b, size, b->root[size], &err), &err);
	b->has_root[size] = true;
	memcpy(ret, b->root[size], SHA256_BYTES);
}

int
log_bytes(unsigned branch, int said, when time, struct span dsse, bool opaque)
{
	struct branch	*b = &world->branch[branch];
	struct logged	*l = &world->logged[world->n_logged];

	MUST(b->n < ENTRIES_MAX && world->n_logged < SAID_MAX);
	l->said = said;
	l->opaque = opaque;
	l->time = time;
	l->leaf = BUF_INIT(BIG);
	entry_write(time, dsse, &l->leaf);
	tree_leaf(buf_view(&l->leaf), l->hash);
	b->entry[b->n++] = world->n_logged;
	return world->n_logged++;
}

int
log_said(unsigned branch, int said, when time)
{
	return log_bytes(branch, said, time, buf_view(&world->said[said].dsse), false);
}

bool
is_on(unsigned branch, int said, uint64_t size, uint64_t *ret_index)
{
	const struct branch	*b = &world->branch[branch];

	for (uint64_t i = 0; i < size && i < b->n; i++)
		if (world->logged[b->entry[i]].said == said) {
			if (ret_index != NULL)
				*ret_index = i;
			return true;
		}
	return false;
}

/* --- checkpoints ------------------------------------------------------------------------- */

struct point *
point_at(uint64_t size, const uint8_t root[SHA256_BYTES])
{
	struct point	*p;

	for (int i = 0; i < world->n_points; i++)
		if (world->point[i].size == size && memcmp(world->point[i].root, root, SHA256_BYTES) == 0)
			return &world->point[i];
	MUST(world->n_points < POINTS_MAX);
	p = &world->point[world->n_points++];
	p->size = size;
	memcpy(p->root, root, SHA256_BYTES);
	for (unsigned i = 0; i < N_MAX; i++)
		p->line[i] = BUF_INIT(1024);
	return p;
}

struct point *
point_of(unsigned branch, uint64_t size)
{
	uint8_t	root[SHA256_BYTES];

	root_of(branch, size, root);
	return point_at(size, root);
}

void
point_text(const struct point *p, struct buf *out)
{
	struct checkpoint	c = { .size = p->size };

	memcpy(c.origin, world->log_key.name, sizeof(c.origin));
	memcpy(c.root, p->root, sizeof(c.root));
	checkpoint_text(&c, out);
}

void
point_note(const struct point *p, const struct test_key *log, unsigned cosigners, struct buf *out)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(2048);
	struct note_key	key = world->log_key;
	uint8_t		sig[KEY_SIG_BYTES];
	struct err	err;

	memcpy(key.key, log->signer.key.bytes, sizeof(key.key));
	point_text(p, &text);
	buf_span(out, buf_view(&text));
	buf_u8(out, '\n');
	must(log->signer.sign(log->signer.user, buf_view(&text), sig, &err), &err);
	note_sig_line(&key, 0, sig, out);
	for (unsigned i = 0; i < world->n && cosigners > 0; i++)
		if ((p->mask >> i & 1) != 0) {
			buf_span(out, buf_view(&p->line[i]));
			cosigners--;
		}
}

unsigned
count_bits(uint32_t mask)
{
	unsigned	n = 0;

	for (; mask != 0; mask &= mask - 1)
		n++;
	return n;
}

struct point *
point_cosigned(unsigned branch)
{
	struct point	*best = NULL;
	uint8_t		 root[SHA256_BYTES];

	for (int i = 0; i < world->n_points; i++) {
		struct point	*p = &world->point[i];

		if (count_bits(p->mask) < world->q || p->size > world->branch[branch].n ||
		    (best != NULL && best->size >= p->size))
			continue;
		root_of(branch, p->size, root);
		if (memcmp(root, p->root, sizeof(root)) == 0)
			best = p;
	}
	return best;
}

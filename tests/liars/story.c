/* tests/liars/story.c - versions of the log, in memory. */
#include "tests/liars/liar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"
#include "audit/store/store.h"

/* --- beginning and end ------------------------------------------------------------------ */

static struct story *
story_new(struct liar *l)
{
	struct story	*s = calloc(1, sizeof(*s));
	struct err	 err;

	MUST(s != NULL);
	s->net = l->keys;		/* keys are shared; log and replica are its own */
	must(memstate_new(&s->net.mem, &err), &err);
	must(replica_new(memstate_state(s->net.mem), s->net.genesis, &s->net.replica, &err), &err);
	return s;
}

void
story_free(struct story *s)
{
	size_t	i;

	if (s == NULL)
		return;
	for (i = 0; i < s->net.log_entries.n; i++)
		buf_done(&s->net.log_entries.leaf[i]);
	for (i = 0; i < s->n_batches; i++)
		batch_sealed_done(&s->batch[i].sealed);
	free(s->net.log_entries.leaf);
	replica_free(s->net.replica);
	memstate_free(s->net.mem);
	free(s);
}

typedef enum rc (*blob_fn)(void *user, const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err);

/* One entry that somebody logged before, with the blobs that it names. */
static void
take_over(struct story *s, struct span leaf, blob_fn blob, void *user)
{
	uint8_t		digest[2][SHA256_BYTES];
	struct entry	e;
	struct err	err;
	size_t		n = 0, i;

	must(entry_parse(leaf, &e, &err), &err);
	if (entry_blobs(leaf, digest, &n, &err) != RC_OK)
		n = 0;			/* poison names none */
	for (i = 0; i < n; i++) {
		AUTO_DONE(buf_done) struct buf	b = BUF_INIT(STORE_VALUE_MAX);

		enum rc				rc = blob(user, digest[i], &b, &err);

		if (rc == RC_MISSING)
			continue;	/* what is void for another reason may name what nobody has */
		must(rc, &err);
		must(memstate_blob(s->net.mem, buf_view(&b), &err), &err);
	}
	s->net.now = e.time;
	(void)net_log_dsse(&s->net, e.dsse);
}

static enum rc
blob_of_store(void *user, const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err)
{
	return store_blob(user, digest, ret, err);
}

struct story *
story_read(struct liar *l, const char *network)
{
	AUTO(store_close) struct store	*st = NULL;
	struct story			*s = story_new(l);
	char				 path[FILE_PATH_MAX];
	struct err			 err;
	uint64_t			 i;

	must(file_path(path, &err, "%s/coordinator/state/log.db", network), &err);
	must(store_open(path, STORE_READ, &st, &err), &err);
	for (i = 0; i < store_size(st); i++) {
		AUTO_DONE(buf_done) struct buf	leaf = BUF_INIT(ENTRY_BYTES_MAX);

		must(store_entry(st, i, &leaf, &err), &err);
		take_over(s, buf_view(&leaf), blob_of_store, st);
	}
	story_now(s);
	return s;
}

static enum rc
blob_of_story(void *user, const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err)
{
	const struct state	*st = memstate_state(((struct story *)user)->net.mem);

	return st->blob(st->user, digest, ret, err);
}

/* Its vectors are needed by who lacks them still. */
static void
copy_batch(struct story *s, const struct story_batch *from)
{
	struct story_batch	*b = &s->batch[s->n_batches++];
	size_t			 i;

	b->index = from->index;
	memcpy(b->artifact, from->artifact, sizeof(b->artifact));
	b->sealed = BATCH_SEALED_INIT;
	for (i = 0; i < NET_N; i++) {
		b->sealed.shares[i] = BUF_INIT(BIG);
		buf_span(&b->sealed.shares[i], buf_view(&from->sealed.shares[i]));
	}
}

struct story *
story_fork(struct liar *l, const struct story *from, uint64_t size)
{
	struct story	*s = story_new(l);
	uint64_t	 i;

	MUST(size <= story_size(from));
	for (i = 0; i < size; i++)
		take_over(s, buf_view(&from->net.log_entries.leaf[i]), blob_of_story, (void *)(uintptr_t)from);
	for (i = 0; i < from->n_batches; i++)
		if (from->batch[i].index < size)
			copy_batch(s, &from->batch[i]);
	story_now(s);
	return s;
}

/* --- what stands in it -------------------------------------------------------------------- */

uint64_t
story_size(const struct story *s)
{
	return s->net.log_entries.n;
}

void
story_root(const struct story *s, uint64_t size, uint8_t ret[TREE_HASH_BYTES])
{
	struct tree_range	r = TREE_RANGE_INIT;
	uint8_t			hash[TREE_HASH_BYTES];
	struct err		err;
	uint64_t		i;

	for (i = 0; i < size; i++) {
		tree_leaf(buf_view(&s->net.log_entries.leaf[i]), hash);
		must(tree_range_add(&r, hash, NULL, NULL, &err), &err);
	}
	tree_range_root(&r, ret);
}

struct span
story_dsse(const struct story *s, uint64_t index)
{
	struct entry	e;
	struct err	err;

	must(entry_parse(buf_view(&s->net.log_entries.leaf[index]), &e, &err), &err);
	return e.dsse;
}

bool
story_has(const struct story *s, struct span dsse)
{
	uint64_t	i;

	for (i = 0; i < story_size(s); i++)
		if (span_eq(story_dsse(s, i), dsse))
			return true;
	return false;
}

/* --- what the liar writes into it ------------------------------------------------------------ */

void
story_now(struct story *s)
{
	s->net.now = clock_now();
}

/* A descriptor with shares that are true until they are dealt. */
static void
new_artifact(struct liar *l, struct story *s, const char *policy, struct net_artifact *ret,
    uint8_t *share[SHAMIR_SHARES_MAX], struct descriptor *d)
{
	AUTO(secret_free) struct secret	*secret = NULL;
	struct err			 err;

	net_descriptor(&s->net, policy, d);
	strcpy(d->class_id, "standard");
	must(shamir_split(3, NET_N, l->arena, &secret, share, &d->commits, &err), &err);
	memcpy(ret->id, d->id, sizeof(ret->id));
}

struct story_batch *
story_deal(struct liar *l, struct story *s, const char *policy, unsigned artifacts, dealing deal)
{
	AUTO(batch_free) struct batch	*batch = NULL;
	struct story_batch		*x = &s->batch[s->n_batches];
	uint8_t				*share[2][SHAMIR_SHARES_MAX];
	struct descriptor		 d[2];
	struct statement		 t;
	struct err			 err;
	unsigned			 i;
	uint32_t			 leaf;

	MUST(s->n_batches < STORY_BATCHES && artifacts >= 1 && artifacts <= 2);
	must(batch_new(s->net.genesis, replica_charter(s->net.replica), &batch, &err), &err);
	for (i = 0; i < artifacts; i++)
		new_artifact(l, s, policy, &x->artifact[i], share[i], &d[i]);
	if (deal != NULL)
		deal(share);
	for (i = 0; i < artifacts; i++) {
		AUTO_DONE(buf_done) struct buf	bytes = BUF_INIT(BIG);

		descriptor_write(&d[i], &bytes);
		must(batch_add(batch, buf_view(&bytes), share[i], &leaf, &err), &err);
	}
	net_statement(&s->net, &t, STATEMENT_BATCH);
	x->sealed = BATCH_SEALED_INIT;
	must(batch_seal(batch, &t, &x->sealed, &err), &err);
	secret_arena_reset(l->arena);
	must(memstate_blob(s->net.mem, buf_view(&x->sealed.descriptors), &err), &err);
	x->index = story_size(s);
	s->n_batches++;
	MUST(net_log(&s->net, &t, &s->net.sealer).effective);
	return x;
}

struct story_batch *
story_seal(struct liar *l, struct story *s, const char *policy)
{
	return story_deal(l, s, policy, 1, NULL);
}

void
story_request(struct liar *l, struct story *s, const char *policy, struct asked *ret)
{
	memset(ret, 0, sizeof(*ret));
	story_now(s);
	ret->batch = story_seal(l, s, policy);
	net_requested(&s->net, ret->batch->artifact, 1, policy, ret->request);
}

void
story_approve(struct story *s, const struct asked *a)
{
	MUST(net_decide(&s->net, a->request, NET_LEGAL, true).effective);
	MUST(net_decide(&s->net, a->request, NET_COMPLIANCE, true).effective);
	MUST(net_decide(&s->net, a->request, NET_AUDITOR, true).effective);
}

void
story_approved(struct liar *l, struct story *s, const char *policy, struct asked *ret)
{
	story_request(l, s, policy, ret);
	story_approve(s, ret);
}

void
story_ordered(struct liar *l, struct story *s, const char *policy, struct asked *ret)
{
	story_approved(l, s, policy, ret);
	MUST(net_order(&s->net, ret->request, ret->order).effective);
}

/*
 * policy/replica.c - a replica of the state: one entry after another, and the
 * digest that says they were the same everywhere (docs/spec/state-v1.md section 4).
 */
#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"
#include "policy/apply_impl.h"
#include "policy/overlay.h"

#define STATE_DOMAIN	"quorate/state/v1"

enum rc
replica_reload(struct replica *r, struct err *err)
{
	enum rc	rc;

	charter_cache_done(r->cache);
	r->charter = NULL;
	memset(&r->head, 0, sizeof(r->head));
	rc = rec_head_get(r->st, &r->head, err);
	if (rc == RC_MISSING) {
		sha256_one(r->head.state, SPAN_STR(STATE_DOMAIN));
		return RC_OK;
	}
	TRY(rc);
	if (memcmp(r->head.genesis, r->genesis, SHA256_BYTES) != 0)
		return err_set(err, RC_FORMAT,
		    "this state is another network's: its genesis is not ours");
	rc = charters_load(r, r->head.charter, &r->charter, err);
	return rc == RC_OK ? RC_OK : err_wrap(err, rc, "the charter in force");
}

enum rc
replica_new(const struct state *st, const uint8_t genesis[SHA256_BYTES],
    struct replica **ret, struct err *err)
{
	AUTO(replica_free) struct replica *r = calloc(1, sizeof(*r));

	if (r == NULL || (r->cache = calloc(1, sizeof(*r->cache))) == NULL)
		return err_set(err, RC_NOMEM, "replica: no memory");
	r->st = st;
	memcpy(r->genesis, genesis, sizeof(r->genesis));
	TRY(replica_reload(r, err));
	*ret = TAKE(r);
	return RC_OK;
}

enum rc
replica_know(struct replica *r, const struct charter *c, struct err *err)
{
	const struct charter	*kept;

	return charter_cache_add(r->cache, charter_ref(c), &kept, err);
}

void
replica_free(struct replica *r)
{
	if (r == NULL)
		return;
	if (r->cache != NULL)
		charter_cache_done(r->cache);
	free(r->cache);
	free(r);
}

const struct charter *
replica_charter(const struct replica *r)
{
	return r->charter;
}

enum rc
replica_state_digest(struct replica *r, uint8_t ret[SHA256_BYTES],
    struct err *err)
{
	(void)err;	/* it is at hand; a state that must be asked may fail */
	memcpy(ret, r->head.state, SHA256_BYTES);
	return RC_OK;
}

enum rc
replica_time(struct replica *r, when *ret, struct err *err)
{
	(void)err;
	*ret = r->head.time;
	return RC_OK;
}

/* --- one entry ------------------------------------------------------------------------ */

static void
state_next(const struct applying *a, uint8_t state[SHA256_BYTES])
{
	uint8_t		changes[SHA256_BYTES], head[10];
	struct span	parts[3];

	for (int i = 0; i < 8; i++)
		head[i] = (uint8_t)(a->index >> (56 - 8 * i));
	head[8] = a->why == VOID_NONE;
	head[9] = (uint8_t)a->why;
	sha256_one(changes, buf_view(&a->changes.log));
	parts[0] = SPAN(state, SHA256_BYTES);
	parts[1] = SPAN_OF(head);
	parts[2] = SPAN_OF(changes);
	sha256(state, parts, 3);
}

static void
verdict_fill(const struct applying *a, const struct rec_head *head,
    struct verdict *v)
{
	*v = (struct verdict){
		.type = (uint8_t)a->s.type,
		.effective = a->why == VOID_NONE,
		.why = (uint8_t)a->why,
		.time = head->time,
	};
	memcpy(v->id, a->s.id, sizeof(v->id));
	memcpy(v->subject, a->s.subject, sizeof(v->subject));
	memcpy(v->state, head->state, sizeof(v->state));
}

static void
applying_done(struct applying *a)
{
	statement_done(&a->s);
	dsse_done(&a->dsse);
	buf_done(&a->changes.log);
}

/* The entry's checks and puts, the digest after it, and last the head. */
static enum rc
step(struct replica *r, struct applying *a, const struct entry *e,
    struct verdict *ret, struct err *err)
{
	struct rec_head	head = r->head;

	if (r->charter == NULL)
		TRY(apply_genesis(a, e->dsse, err));
	else
		TRY(apply_entry(a, e->dsse, err));
	state_next(a, head.state);
	head.next = a->index + 1;
	head.time = a->now;
	memcpy(head.genesis, r->genesis, sizeof(head.genesis));
	if (a->next != NULL)
		memcpy(head.charter, a->next->digest, sizeof(head.charter));
	TRY(rec_head_put(r->st, &head, err));
	r->head = head;
	if (a->next != NULL)
		r->charter = a->next;
	verdict_fill(a, &r->head, ret);
	return RC_OK;
}

static enum rc
run(struct replica *r, uint64_t index, const struct entry *e,
    struct verdict *ret, struct err *err)
{
	AUTO_DONE(applying_done) struct applying a = {
		.r = r,
		.st = r->st,
		.charter = r->charter,
		.genesis = r->genesis,
		.index = index,
		.now = e->time > r->head.time ? e->time : r->head.time,
		.dated = e->time,
		.changes = { r->st, BUF_INIT(CHANGES_MAX) },
	};

	if (index < r->head.next || (r->charter == NULL && index != 0))
		return err_set(err, RC_USAGE, "entry %llu out of turn: the next is "
		    "%llu", (unsigned long long)index,
		    (unsigned long long)r->head.next);
	return step(r, &a, e, ret, err);
}

enum rc
replica_apply(struct replica *r, uint64_t index, struct span leaf,
    struct verdict *ret, struct err *err)
{
	struct entry	e;

	charter_cache_trim(r->cache, r->charter);
	/* No time and no envelope: no statement, at the time that it was. */
	if (entry_parse(leaf, &e, NULL) != RC_OK)
		e = (struct entry){ r->head.time, SPAN(NULL, 0) };
	return run(r, index, &e, ret, err);
}

enum rc
replica_try(struct replica *r, when now, struct span dsse, struct verdict *ret,
    struct err *err)
{
	AUTO_DONE(overlay_done) struct overlay o;
	struct entry	e = { now, dsse };
	struct replica	scratch = *r;	/* with the same charters at hand */

	overlay_init(&o, r->st);
	scratch.st = &o.state;
	return run(&scratch, r->head.next, &e, ret, err);
}

/* --- what an entry names ----------------------------------------------------------------- */

/* The fixed blob of a statement, if its type has one. */
static const uint8_t *
fixed_blob_of(const struct statement *s)
{
	if (s->type == STATEMENT_CHARTER || s->type == STATEMENT_REQUEST ||
	    s->type == STATEMENT_AMENDMENT || s->type == STATEMENT_SUCCESSION)
		return s->subject;
	if (s->type == STATEMENT_ANCHOR)
		return s->u.anchor.archive;
	if (s->type == STATEMENT_ACKNOWLEDGEMENT)
		return s->u.acknowledgement.opening;
	return s->type == STATEMENT_BATCH ? s->u.batch.descriptors : NULL;
}

enum rc
entry_blobs(struct span leaf, uint8_t ret[2][SHA256_BYTES], size_t *ret_n,
    struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d = { 0 };
	AUTO_DONE(statement_done) struct statement s = { 0 };
	struct entry	 e;
	const uint8_t	*blob;
	enum rc		 rc;

	*ret_n = 0;
	if ((rc = entry_parse(leaf, &e, err)) == RC_OK &&
	    (rc = dsse_parse(e.dsse, &d, err)) == RC_OK)
		rc = statement_parse(&d, &s, err);
	if (rc != RC_OK)
		return is_refusal(rc) ? RC_OK : rc;
	if ((blob = fixed_blob_of(&s)) != NULL)
		memcpy(ret[(*ret_n)++], blob, SHA256_BYTES);
	return RC_OK;
}

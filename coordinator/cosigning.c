/* coordinator/cosigning.c - collect cosignatures until q custodians agree. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/clock.h"
#include "coordinator/cosigning.h"
#include "edge/edge.h"

#define ROUNDS	4	/* targets that may still be completed */

struct offer {
	struct checkpoint	cp;
	when			time;		/* of the last entry under it */
	struct buf		text;		/* what is signed */
	struct buf		log_line;
};

struct round {
	struct offer	of;
	uint32_t	mask;			/* custodian i: bit i-1 */
	struct buf	line[CUSTODIANS_MAX];
	bool		kept;			/* q reached, note handed over */
};

struct cosigning {
	const struct charter	*charter;
	struct note_key		 witness[CUSTODIANS_MAX];
	void			(*keep)(void *user, uint64_t size, struct span note);
	void			*user;

	pthread_mutex_t		 lock;
	pthread_cond_t		 changed;
	uint64_t		 generation;
	pthread_cond_t		 told;		/* there is something to tell custodians */
	uint64_t		 news;
	bool			 woken;

	struct offer		 newest;	/* the target, or waiting to become it */
	struct round		 round[ROUNDS];
	unsigned		 target;	/* index into round */
	uint64_t		 target_since;
	unsigned		 patience;
	uint64_t		 cosigned[CUSTODIANS_MAX];	/* largest size of each */
	struct buf		 note;		/* the latest published */
	uint64_t		 note_size;
};

static void
offer_done(struct offer *o)
{
	buf_done(&o->text);
	buf_done(&o->log_line);
	o->cp.size = 0;
}

static void
offer_init(struct offer *o)
{
	memset(o, 0, sizeof(*o));
	o->text = BUF_INIT(NOTE_BYTES_MAX);
	o->log_line = BUF_INIT(NOTE_BYTES_MAX);
}

static void
round_reset(struct round *r)
{
	unsigned	i;

	offer_done(&r->of);
	for (i = 0; i < CUSTODIANS_MAX; i++)
		buf_done(&r->line[i]);
	r->mask = 0;
	r->kept = false;
}

static enum rc
offer_copy(struct offer *to, const struct offer *from, struct err *err)
{
	buf_reset(&to->text);
	buf_reset(&to->log_line);
	buf_span(&to->text, buf_view(&from->text));
	buf_span(&to->log_line, buf_view(&from->log_line));
	TRY(buf_check(&to->text, "checkpoint", err));
	TRY(buf_check(&to->log_line, "checkpoint", err));
	to->cp = from->cp;
	to->time = from->time;
	return RC_OK;
}

enum rc
cosigning_new(const struct charter *charter,
    void (*keep)(void *user, uint64_t size, struct span note), void *user,
    struct cosigning **ret, struct err *err)
{
	AUTO(cosigning_free) struct cosigning *c = calloc(1, sizeof(*c));
	unsigned	i, j;

	if (c == NULL || pthread_mutex_init(&c->lock, NULL) != 0 ||
	    !cond_init(&c->changed) || !cond_init(&c->told))
		return err_set(err, RC_NOMEM, "cosigning: no memory");
	c->charter = charter;
	c->keep = keep;
	c->user = user;
	c->generation = 1;
	c->news = 1;
	c->patience = COSIGNING_PATIENCE_MS;
	c->note = BUF_INIT(NOTE_BYTES_MAX);
	offer_init(&c->newest);
	for (i = 0; i < ROUNDS; i++) {
		offer_init(&c->round[i].of);
		for (j = 0; j < CUSTODIANS_MAX; j++)
			c->round[i].line[j] = BUF_INIT(1024);
	}
	for (i = 0; i < charter->n; i++)
		TRY(charter_witness_note_key(charter, (uint8_t)(i + 1),
		    &c->witness[i], err));
	*ret = TAKE(c);
	return RC_OK;
}

void
cosigning_free(struct cosigning *c)
{
	unsigned	i;

	if (c == NULL)
		return;
	for (i = 0; i < ROUNDS; i++)
		round_reset(&c->round[i]);
	offer_done(&c->newest);
	buf_done(&c->note);
	(void)pthread_cond_destroy(&c->changed);	/* nobody waits any more */
	(void)pthread_cond_destroy(&c->told);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

/* With the lock held. */
static void
changed(struct cosigning *c)
{
	c->generation++;
	(void)pthread_cond_broadcast(&c->changed);	/* fails only for a bad object */
}

/* With the lock held. Not for each line: a replicator that looks in vain reads its page anew. */
static void
tell(struct cosigning *c)
{
	c->news++;
	(void)pthread_cond_broadcast(&c->told);
	changed(c);
}

/* The newest offer becomes the target. A failure leaves the old one. */
static void
advance(struct cosigning *c, uint64_t now_ms)
{
	unsigned	next = (c->target + 1) % ROUNDS;

	if (c->newest.cp.size == c->round[c->target].of.cp.size)
		return;
	round_reset(&c->round[next]);
	if (offer_copy(&c->round[next].of, &c->newest, NULL) != RC_OK) {
		round_reset(&c->round[next]);
		return;
	}
	c->target = next;
	c->target_since = now_ms;
	tell(c);
}

/* With q, with nothing to lose, or out of patience: gather on the newest. */
static void
maybe_advance(struct cosigning *c, uint64_t now_ms)
{
	const struct round	*t = &c->round[c->target];

	if (t->kept || t->of.cp.size == 0) {
		c->patience = COSIGNING_PATIENCE_MS;
		advance(c, now_ms);
	} else if (c->newest.cp.size > t->of.cp.size &&
	    now_ms - c->target_since >= c->patience) {
		if (c->patience < COSIGNING_PATIENCE_MAX)
			c->patience *= 2;
		advance(c, now_ms);
	}
}

enum rc
cosigning_offer(struct cosigning *c, const struct checkpoint *cp, when time, struct span log_line,
    uint64_t now_ms, struct err *err)
{
	struct offer	o;
	enum rc		rc;

	offer_init(&o);
	o.cp = *cp;
	o.time = time;
	checkpoint_text(cp, &o.text);
	buf_span(&o.log_line, log_line);
	rc = buf_check(&o.text, "checkpoint", err);
	if (rc == RC_OK)
		rc = buf_check(&o.log_line, "checkpoint", err);
	if (rc != RC_OK) {
		offer_done(&o);
		return rc;
	}
	(void)pthread_mutex_lock(&c->lock);
	if (cp->size > c->newest.cp.size) {
		offer_done(&c->newest);
		c->newest = o;
		maybe_advance(c, now_ms);
	} else {
		offer_done(&o);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return RC_OK;
}

enum rc
cosigning_target(struct cosigning *c, uint64_t now_ms, struct target *ret, struct err *err)
{
	const struct offer	*o;
	enum rc			 rc;

	buf_reset(&ret->note);
	(void)pthread_mutex_lock(&c->lock);
	maybe_advance(c, now_ms);
	o = &c->round[c->target].of;
	ret->size = o->cp.size;
	buf_span(&ret->note, buf_view(&o->text));
	buf_u8(&ret->note, '\n');
	buf_span(&ret->note, buf_view(&o->log_line));
	rc = buf_check(&ret->note, "checkpoint", err);
	(void)pthread_mutex_unlock(&c->lock);
	return rc;
}

static void
write_note(const struct cosigning *c, const struct round *r, struct buf *out)
{
	unsigned	i;

	buf_span(out, buf_view(&r->of.text));
	buf_u8(out, '\n');
	buf_span(out, buf_view(&r->of.log_line));
	for (i = 0; i < c->charter->n; i++)
		if ((r->mask >> i & 1) != 0)
			buf_span(out, buf_view(&r->line[i]));
}

/* With the lock held. Writes the note when this line was the q-th. */
static enum rc
add_line(struct cosigning *c, struct round *r, uint8_t custodian, struct span line,
    struct buf *note, struct err *err)
{
	unsigned	i = custodian - 1u;
	when		t;

	TRY(cosignature_line_verify(line, buf_view(&r->of.text), &c->witness[i], &t, err));
	/* Whoever reads the log later does not count it, and misses one of q. */
	if (t < r->of.time)
		return err_set(err, RC_VERIFY, "it is dated before the last entry that it covers: is that custodian's "
		    "clock right?");
	if (c->cosigned[i] < r->of.cp.size)
		c->cosigned[i] = r->of.cp.size;
	if ((r->mask >> i & 1) == 0) {
		buf_reset(&r->line[i]);
		buf_span(&r->line[i], line);
		TRY(buf_check(&r->line[i], "cosignature", err));
		r->mask |= UINT32_C(1) << i;
		changed(c);
	}
	if (r->kept || (unsigned)__builtin_popcount(r->mask) < c->charter->q)
		return RC_OK;
	write_note(c, r, note);
	TRY(buf_check(note, "cosigned note", err));
	r->kept = true;
	return RC_OK;
}

static struct round *
find_round(struct cosigning *c, uint64_t size)
{
	unsigned	i;

	for (i = 0; i < ROUNDS; i++)
		if (size != 0 && c->round[i].of.cp.size == size)
			return &c->round[i];
	return NULL;
}

enum rc
cosigning_add(struct cosigning *c, uint8_t custodian, uint64_t size, struct span line,
    uint64_t now_ms, struct err *err)
{
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	struct round	*r;
	enum rc		 rc;

	if (custodian < 1 || custodian > c->charter->n)
		return err_set(err, RC_BUG, "no custodian %u", custodian);
	(void)pthread_mutex_lock(&c->lock);
	r = find_round(c, size);
	rc = r == NULL ? err_set(err, RC_MISSING, "no target of size %llu",
	    (unsigned long long)size) : add_line(c, r, custodian, line, &note, err);
	if (rc == RC_OK)
		maybe_advance(c, now_ms);
	(void)pthread_mutex_unlock(&c->lock);
	if (rc == RC_OK && note.n > 0)
		c->keep(c->user, size, buf_view(&note));
	return rc;
}

enum rc
cosigning_publish(struct cosigning *c, uint64_t size, struct span note, struct err *err)
{
	enum rc	rc = RC_OK;

	(void)pthread_mutex_lock(&c->lock);
	if (size > c->note_size) {
		buf_reset(&c->note);
		buf_span(&c->note, note);
		rc = buf_check(&c->note, "cosigned note", err);
		c->note_size = rc == RC_OK ? size : 0;
		tell(c);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return rc;
}

enum rc
cosigning_latest(struct cosigning *c, struct buf *ret, uint64_t *ret_size, struct err *err)
{
	enum rc	rc = RC_OK;

	(void)pthread_mutex_lock(&c->lock);
	*ret_size = c->note_size;
	if (ret != NULL) {
		buf_span(ret, buf_view(&c->note));
		rc = buf_check(ret, "cosigned note", err);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return rc;
}

/* With the lock held. */
static unsigned
count(const struct cosigning *c, uint64_t size)
{
	unsigned	i, n = 0;

	for (i = 0; i < c->charter->n; i++)
		n += c->cosigned[i] >= size && size != 0;
	return n;
}

unsigned
cosigning_have(struct cosigning *c, uint64_t size)
{
	unsigned	n;

	(void)pthread_mutex_lock(&c->lock);
	n = count(c, size);
	(void)pthread_mutex_unlock(&c->lock);
	return n;
}

bool
cosigning_has(struct cosigning *c, uint8_t custodian, uint64_t size)
{
	bool	has;

	(void)pthread_mutex_lock(&c->lock);
	has = c->cosigned[custodian - 1u] >= size;
	(void)pthread_mutex_unlock(&c->lock);
	return has;
}

enum rc
cosigning_wait(struct cosigning *c, uint64_t size, unsigned ms, unsigned *ret_have,
    struct err *err)
{
	uint64_t	until = clock_ms() + ms;
	enum rc		rc = RC_OK;

	(void)pthread_mutex_lock(&c->lock);
	while (c->note_size < size && !c->woken)
		if (!cond_wait_until(&c->changed, &c->lock, until))
			break;
	*ret_have = count(c, size);
	if (c->note_size < size)
		rc = err_set(err, RC_UNSURE, "%u of %u cosignatures so far",
		    *ret_have, c->charter->q);
	(void)pthread_mutex_unlock(&c->lock);
	return rc;
}

static uint64_t
await(struct cosigning *c, pthread_cond_t *cond, const uint64_t *generation, uint64_t seen, unsigned ms)
{
	uint64_t	until = clock_ms() + ms;

	(void)pthread_mutex_lock(&c->lock);
	while (*generation == seen && !c->woken)
		if (!cond_wait_until(cond, &c->lock, until))
			break;
	seen = *generation;
	(void)pthread_mutex_unlock(&c->lock);
	return seen;
}

uint64_t
cosigning_await(struct cosigning *c, uint64_t seen, unsigned ms)
{
	return await(c, &c->changed, &c->generation, seen, ms);
}

uint64_t
cosigning_news(struct cosigning *c, uint64_t seen, unsigned ms)
{
	return await(c, &c->told, &c->news, seen, ms);
}

void
cosigning_pause(struct cosigning *c, unsigned ms)
{
	uint64_t	until = clock_ms() + ms;

	(void)pthread_mutex_lock(&c->lock);
	while (!c->woken && cond_wait_until(&c->changed, &c->lock, until))
		;
	(void)pthread_mutex_unlock(&c->lock);
}

void
cosigning_kick(struct cosigning *c)
{
	(void)pthread_mutex_lock(&c->lock);
	changed(c);
	(void)pthread_mutex_unlock(&c->lock);
}

void
cosigning_tell(struct cosigning *c)
{
	(void)pthread_mutex_lock(&c->lock);
	tell(c);
	(void)pthread_mutex_unlock(&c->lock);
}

void
cosigning_wake(struct cosigning *c)
{
	(void)pthread_mutex_lock(&c->lock);
	c->woken = true;
	tell(c);
	(void)pthread_mutex_unlock(&c->lock);
}

bool
cosigning_woken(struct cosigning *c)
{
	bool	woken;

	(void)pthread_mutex_lock(&c->lock);
	woken = c->woken;
	(void)pthread_mutex_unlock(&c->lock);
	return woken;
}

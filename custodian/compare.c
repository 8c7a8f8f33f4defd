/* custodian/compare.c - compared enough to be relied on? And what was seen of peers. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "custodian/custody.h"

#define PEER_BYTES	(2 * COMPARE_INSTANCE_BYTES + 16 + SHA256_BYTES)

unsigned
compare_need(const struct charter *c)
{
	return (unsigned)(c->n - c->q + c->f + 1);	/* below n: f < k <= q, and 2q > n+f */
}

/* --- ready ----------------------------------------------------------------------- */

static unsigned
fresh_peers(const struct comparing *m, const struct charter *charter)
{
	unsigned	n = 0;
	uint8_t		i;

	for (i = 0; i < charter->n; i++)
		n += m->peer[i].fresh;
	return n;
}

enum rc
compare_ready(struct custody *c, struct err *err)
{
	struct comparing	*m = &c->comparing;
	const struct charter	*charter;
	uint8_t			 root[SHA256_BYTES];
	unsigned		 fresh;

	if (m->ready)
		return RC_OK;
	TRY(custody_charter(c, &charter, err));
	if ((fresh = fresh_peers(m, charter)) < compare_need(charter))
		return custody_say(c, err, RC_UNSURE, "since its start this custodian has compared with %u of the %u peers "
		    "that it needs", fresh, compare_need(charter));
	if (store_size(c->store) < m->target)
		return custody_say(c, err, RC_UNSURE, "this custodian holds %llu entries, a quorum cosigned %llu",
		    (unsigned long long)store_size(c->store), (unsigned long long)m->target);
	TRY(store_root_at(c->store, m->target, root, err));
	if (m->target != 0 && memcmp(root, m->target_root, sizeof(root)) != 0)	/* public */
		return custody_say(c, err, RC_UNSURE, "what a quorum cosigned is not what this custodian holds");
	m->ready = true;
	log_line("compared with %u peers at %llu entries: cosigns and contributes", fresh,
	    (unsigned long long)store_size(c->store));
	return RC_OK;
}

enum rc
compare_target(struct custody *c, const struct checkpoint *cp, struct span note, struct err *err)
{
	struct comparing	*m = &c->comparing;

	if (m->ready || cp->size <= m->target)
		return RC_OK;
	m->target_note.max = NOTE_BYTES_MAX;
	buf_reset(&m->target_note);
	buf_span(&m->target_note, note);
	TRY(buf_check(&m->target_note, "checkpoint", err));
	m->target = cp->size;
	memcpy(m->target_root, cp->root, sizeof(m->target_root));
	return RC_OK;
}

/* Of two roots of that size neither is signed: no root is all zeros. */
static void
raise_most(struct comparing *m, uint64_t size, const uint8_t root[SHA256_BYTES])
{
	if (size == m->most && size != 0 && memcmp(root, m->most_root, SHA256_BYTES) != 0)	/* public */
		memset(m->most_root, 0, sizeof(m->most_root));
	if (size <= m->most)
		return;
	m->most = size;
	memcpy(m->most_root, root, sizeof(m->most_root));
}

void
compare_most(struct custody *c, const struct checkpoint *cp)
{
	raise_most(&c->comparing, cp->size, cp->root);
}

/* --- forgotten --------------------------------------------------------------------- */

/* Of how many fresh peers is the claim at least that of peer i? */
static bool
said_by(const struct comparing *m, const struct charter *charter, uint64_t steps, unsigned need)
{
	unsigned	n = 0;
	uint8_t		i;

	for (i = 0; i < charter->n; i++)
		n += m->peer[i].fresh && m->peer[i].us.steps >= steps;
	return n >= need;
}

/* What f+1 fresh peers saw us hold the log may have signed for us alone: no note of theirs shows it. */
static void
seen_of_us(struct comparing *m, const struct charter *charter)
{
	static const uint8_t	none[SHA256_BYTES];
	unsigned		most, same;
	uint8_t			i, k;

	for (i = 0; i < charter->n; i++) {
		const struct compared_past	*us = &m->peer[i].us;

		for (k = 0, most = same = 0; k < charter->n; k++) {
			most += m->peer[k].fresh && m->peer[k].us.size >= us->size;
			same += m->peer[k].fresh && m->peer[k].us.size == us->size &&
			    memcmp(m->peer[k].us.root, us->root, SHA256_BYTES) == 0;	/* public */
		}
		if (m->peer[i].fresh && most > charter->f && us->size > m->most)
			raise_most(m, us->size, same > charter->f ? us->root : none);
	}
}

enum rc
compare_forgotten(struct custody *c, struct err *err)
{
	struct comparing	*m = &c->comparing;
	const struct charter	*charter;
	struct compared_past	 past = { .size = 0 };
	uint8_t			 i;

	TRY(custody_charter(c, &charter, err));
	for (i = 0; i < charter->n; i++)
		if (m->peer[i].fresh && m->peer[i].us.steps > past.steps &&
		    said_by(m, charter, m->peer[i].us.steps, charter->f + 1U))
			past.steps = m->peer[i].us.steps;
	m->forgot |= past.steps > c->steps.steps;
	if (m->forgot)
		seen_of_us(m, charter);
	if (past.steps <= c->steps.steps)
		return RC_OK;
	/* A size whose root f+1 do not agree on holds until it has caught up (steps_may_cosign()). */
	if (sodium_is_zero(m->most_root, sizeof(m->most_root)) == 0)
		past.size = m->most;
	memcpy(past.root, m->most_root, sizeof(past.root));
	return steps_forgot(c, past.steps, past.size, past.root, err);
}

/* --- calm -------------------------------------------------------------------------- */

static unsigned
peers_that_differ(const struct comparing *m, const struct charter *charter)
{
	unsigned	n = 0;
	uint8_t		i;

	for (i = 0; i < charter->n; i++)
		n += m->peer[i].differs;
	return n;
}

static enum rc
not_accused(struct custody *c, struct err *err)
{
	bool	accused;

	TRY(compare_is_accused(c, &accused, err));
	if (!accused)
		return RC_OK;
	return custody_say(c, err, RC_DENIED, "this custodian saw two logs and contributes to nothing");
}

enum rc
compare_calm(struct custody *c, struct err *err)
{
	const struct charter	*charter;
	unsigned		 n;

	TRY(custody_charter(c, &charter, err));
	TRY(not_accused(c, err));
	if (c->comparing.suspicion.n != 0)
		return custody_say(c, err, RC_DENIED, "a checkpoint of the log contradicts what this custodian holds: it contributes "
		    "to nothing until that is proved or cleared");
	n = peers_that_differ(&c->comparing, charter);
	if (n <= charter->f)
		return RC_OK;
	if (c->comparing.differs_at == 0)
		return custody_say(c, err, RC_DENIED, "%u peers have another state after the same entries", n);
	return custody_say(c, err, RC_DENIED, "%u peers have another state after the same entries, the first time after entry %llu",
	    n, (unsigned long long)(c->comparing.differs_at - 1));
}

/* --- what was seen of peers ------------------------------------------------------------ */

enum rc
compare_store(struct custody *c, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(CUSTODIANS_MAX * PEER_BYTES);
	const struct charter	*charter;
	uint8_t			 i;

	if (!c->comparing.dirty)
		return RC_OK;
	TRY(custody_charter(c, &charter, err));
	for (i = 0; i < charter->n; i++) {
		const struct compared_peer	*p = &c->comparing.peer[i];

		buf_add(&v, p->instance, sizeof(p->instance));
		buf_add(&v, p->replaced, sizeof(p->replaced));
		buf_u64(&v, p->past.steps);
		buf_u64(&v, p->past.size);
		buf_add(&v, p->past.root, sizeof(p->past.root));
	}
	TRY(buf_check(&v, "what was seen of peers", err));
	return store_put(c->store, CUSTODY_PEERS, buf_view(&v), err);
}

static bool
rd_peer(struct rd *r, struct compared_peer *p)
{
	return rd_bytes(r, p->instance, sizeof(p->instance)) &&
	    rd_bytes(r, p->replaced, sizeof(p->replaced)) &&
	    rd_u64(r, &p->past.steps) &&
	    rd_u64(r, &p->past.size) &&
	    rd_bytes(r, p->past.root, sizeof(p->past.root));
}

enum rc
compare_load(struct custody *c, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(CUSTODIANS_MAX * PEER_BYTES);
	struct rd	r;
	uint8_t		i;
	enum rc		rc;

	if (c->comparing.loaded)
		return RC_OK;
	rc = store_get(c->store, CUSTODY_PEERS, &v, err);
	if (rc != RC_MISSING)
		TRY(rc);
	r = rd_init(buf_view(&v));
	for (i = 0; i < CUSTODIANS_MAX && !rd_done(&r); i++)
		if (!rd_peer(&r, &c->comparing.peer[i]))
			return err_set(err, RC_BUG, "the record of what was seen of peers is damaged");
	c->comparing.loaded = true;
	return RC_OK;
}

void
compare_done(struct comparing *m)
{
	uint8_t	i;

	for (i = 0; i < CUSTODIANS_MAX; i++) {
		free(m->peer[i].known);
		free(m->peer[i].held);
	}
	buf_done(&m->target_note);
	buf_done(&m->suspicion);
	memset(m, 0, sizeof(*m));
}

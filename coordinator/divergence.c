/*
 * coordinator/divergence.c - a custodian whose state is not ours, and where it began.
 *
 * After the same entries every replica has the same state, or one is wrong. The
 * first entry that shows it is sought by halving: each exchange asks for the state
 * digest after one size more, so that a log of ten million entries takes 24. One
 * that answers as it likes leads us to some entry or to none, never anywhere else.
 */
#include <string.h>

#include "coordinator/replica_link.h"

static void
freeze(struct replica_link *l, const char *words)
{
	bool	first;

	(void)pthread_mutex_lock(&l->lock);
	first = !l->status.frozen;
	l->status.frozen = true;
	(void)pthread_mutex_unlock(&l->lock);
	if (first)
		log_line("ALARM: custodian %u (%s): %s: it is asked for no contribution",
		    l->index, link_name(l), words);
}

static bool
ours(const struct verdict *v, const ProtobufCBinaryData *digest)
{
	return digest->len == SHA256_BYTES && memcmp(digest->data, v->state, SHA256_BYTES) == 0;
}

/* ---- where it began ---------------------------------------------------------------- */

uint64_t
divergence_probe(const struct replica_link *l)
{
	if (l->sought || l->other == 0 || l->other - l->same <= 1)
		return 0;
	return l->same + (l->other - l->same) / 2;
}

static enum rc
found(struct replica_link *l, struct err *err)
{
	struct verdict	v;

	if (l->sought || l->other == 0 || l->other - l->same > 1)
		return RC_OK;
	TRY(store_verdict(l->store, l->other - 1, &v, err));
	l->sought = true;
	(void)pthread_mutex_lock(&l->lock);
	l->status.differs_at = l->other;
	(void)pthread_mutex_unlock(&l->lock);
	log_line("ALARM: custodian %u (%s): its state differs first after entry %llu (%s): compare its "
	    "program's version with the others'", l->index, link_name(l),
	    (unsigned long long)l->other - 1, statement_type_name((enum statement_type)v.type));
	return RC_OK;
}

/* What it says of the size that it was asked for. */
static enum rc
narrow(struct replica_link *l, const struct page *p, const Quorate__V1__AppendReply *r,
    bool *progress, struct err *err)
{
	struct verdict	v;
	uint64_t	size = p->m.state_of;

	/* Asked before the last answer told something else: it says nothing now. */
	if (size == 0 || size != divergence_probe(l))
		return RC_OK;
	if (r->state_of.len != SHA256_BYTES) {
		l->sought = true;	/* it does not say: frozen it stays */
		return RC_OK;
	}
	TRY(store_verdict(l->store, size - 1, &v, err));
	if (ours(&v, &r->state_of))
		l->same = size;
	else
		l->other = size;
	*progress = true;		/* each halves what is left */
	return RC_OK;
}

static enum rc
compare(struct replica_link *l, const Quorate__V1__AppendReply *r, struct err *err)
{
	struct verdict	v;

	TRY(store_verdict(l->store, r->size - 1, &v, err));
	if (ours(&v, &r->state_digest)) {
		if (l->other == 0)
			l->same = r->size;
		return RC_OK;
	}
	freeze(l, "has another state after the same entries");
	if (l->other == 0) {
		l->other = r->size;
		if (l->same >= r->size)
			l->same = 0;	/* it was restored, and what it had then counts no more */
	}
	return RC_OK;
}

enum rc
divergence_take(struct replica_link *l, const struct page *p, const Quorate__V1__AppendReply *r,
    bool *progress, struct err *err)
{
	if (r->rules != CHARTER_RULES)
		freeze(l, "replays the log under other rules");
	if (r->size > sequencer_size(l->c->sequencer)) {
		freeze(l, "holds more entries than this log: was log.db restored from an old copy?");
		return err_set(err, RC_BUG, "holds %llu entries, this log only %llu: stop, and put back the newest "
		    "log.db, or what was logged since is denied", (unsigned long long)r->size,
		    (unsigned long long)sequencer_size(l->c->sequencer));
	}
	if (r->size == 0)
		return RC_OK;
	TRY(compare(l, r, err));
	TRY(narrow(l, p, r, progress, err));
	return found(l, err);
}

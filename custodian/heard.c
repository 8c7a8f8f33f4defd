/*
 * custodian/heard.c - what a peer says, each piece checked before it counts
 * (docs/spec/exchange-v1.md section 4).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "custodian/exchange.h"
#include "proto/unpack.h"

typedef Quorate__V1__ExchangeReply	pb_reply;

static inline void
auto_pb_reply_free(pb_reply **r)
{
	if (*r != NULL)
		quorate__v1__exchange_reply__free_unpacked(*r, NULL);
}

static struct span
span_of(const ProtobufCBinaryData *d)
{
	return SPAN(d->data, d->len);
}

#define LINES_MAX	20	/* about one peer in LINES_MS */
#define LINES_MS	3600000u

static bool
may_tell(struct compared_peer *p)
{
	return log_may(&p->lines, LINES_MAX, LINES_MS, clock_ms());
}

/* --- what was seen of a peer --------------------------------------------------------- */

static void
runs_twice(struct custody *c, uint8_t peer, bool *said)
{
	const struct charter	*charter = replica_charter(c->replica);

	if (!*said && may_tell(&c->comparing.peer[peer - 1]))
		log_line("ALARM: custodian %u (%s) runs twice or was put back: it has forgotten what it did",
		    peer, charter->custodian[peer - 1].name);
	*said = true;
}

/* A process that came after another must not be followed by it. */
static void
saw_instance(struct custody *c, uint8_t peer, const uint8_t instance[COMPARE_INSTANCE_BYTES])
{
	struct compared_peer	*p = &c->comparing.peer[peer - 1];

	if (memcmp(p->instance, instance, sizeof(p->instance)) == 0)
		return;
	if (memcmp(p->replaced, instance, sizeof(p->replaced)) == 0) {
		runs_twice(c, peer, &p->twice);
		return;
	}
	memcpy(p->replaced, p->instance, sizeof(p->replaced));
	memcpy(p->instance, instance, sizeof(p->instance));
	p->twice = p->accused = false;
	p->n_known = p->next_known = 0;
	c->comparing.dirty = true;
}

void
exchange_saw(struct custody *c, uint8_t peer, const uint8_t instance[COMPARE_INSTANCE_BYTES], uint64_t steps,
    const struct checkpoint *cp)
{
	struct compared_peer	*p = &c->comparing.peer[peer - 1];
	/* Its answer and its next question come by two connections: one process's may come in either order. */
	bool			 same = memcmp(p->instance, instance, sizeof(p->instance)) == 0;

	saw_instance(c, peer, instance);
	if (steps >= p->past.steps)
		p->back = false;
	else if (!same)
		runs_twice(c, peer, &p->back);
	if (steps > p->past.steps) {
		p->past.steps = steps;
		c->comparing.dirty = true;
	}
	if (cp->size > p->past.size) {
		p->past.size = cp->size;
		memcpy(p->past.root, cp->root, sizeof(p->past.root));
		c->comparing.dirty = true;
	}
}

/* --- states ---------------------------------------------------------------------------- */

static void
states_differ(struct custody *c, uint8_t peer, uint64_t size)
{
	struct compared_peer	*p = &c->comparing.peer[peer - 1];
	const char		*name = replica_charter(c->replica)->custodian[peer - 1].name;

	if (!p->differs && may_tell(p))
		log_line("ALARM: custodian %u (%s) has another state after the same %llu entries", peer, name,
		    (unsigned long long)size);
	if (!p->differs || size < p->differs_at)
		p->differs_at = size;
	p->differs = true;
	if (p->same_at >= p->differs_at)
		p->same_at = 0;
}

enum rc
exchange_state_of(struct custody *c, uint8_t peer, uint64_t size, struct span digest, struct err *err)
{
	struct compared_peer	*p = &c->comparing.peer[peer - 1];
	uint64_t		 was = p->differs_at;
	uint8_t			 ours[SHA256_BYTES];

	TRY(exchange_state(c, size, ours, err));
	if (!span_eq(digest, SPAN_OF(ours))) {
		states_differ(c, peer, size);
	} else {
		if (size > p->same_at)
			p->same_at = size;
		if (p->differs && size >= p->differs_at)
			p->differs = false;
	}
	if (!p->differs || p->differs_at - p->same_at != 1)
		return RC_OK;
	c->comparing.differs_at = p->differs_at;
	if (was != p->differs_at && may_tell(p))
		log_line("custodian %u differs from entry %llu on", peer, (unsigned long long)(p->differs_at - 1));
	return RC_OK;
}

/* --- an answer ----------------------------------------------------------------------------- */

struct hearing {
	struct custody		*c;
	const pb_reply		*r;
	uint8_t			 peer;
	struct compared_peer	*p;
	const struct charter	*charter;
	struct checkpoint	 cp, cosigned;	/* size 0: none came */
	bool			 counts;	/* cp: of a log key that we know and that was the log's then */
	bool			 strange;	/* of a log key that we do not know (yet): after a succession that is not here */
	bool			 good;		/* signed over our nonce */
};

static enum rc
check_shape(struct hearing *h, struct err *err)
{
	const pb_reply	*r = h->r;
	size_t		 i;

	if (r->instance.len != COMPARE_INSTANCE_BYTES || r->size_root.len != SHA256_BYTES ||
	    (r->root.len != 0 && r->root.len != TREE_HASH_BYTES) || r->n_consistency > TREE_PATH_MAX ||
	    r->state.len != SHA256_BYTES || (r->state_at.len != 0 && r->state_at.len != SHA256_BYTES) ||
	    (r->signature.len != 0 && r->signature.len != KEY_SIG_BYTES) ||
	    r->n_statements > PASS_AT_ONCE || r->n_taken > PASS_AT_ONCE)
		return err_set(err, RC_FORMAT, "custodian %u: a malformed answer", h->peer);
	for (i = 0; i < r->n_consistency; i++)
		if (r->consistency[i].len != TREE_HASH_BYTES)
			return err_set(err, RC_FORMAT, "custodian %u: a malformed proof", h->peer);
	return RC_OK;
}

static enum rc
read_notes(struct hearing *h, struct err *err)
{
	struct judged	j;
	enum rc		rc = RC_OK;

	memset(&j, 0, sizeof(j));
	if (h->r->checkpoint.len != 0) {
		rc = note_judge(h->c, span_of(&h->r->checkpoint), &j, err);
		h->cp = j.cp;
		h->counts = note_counts(&j);
		h->strange = !h->counts && j.standing == NOTE_STRANGE;
	}
	if (rc == RC_OK && h->r->cosigned.len != 0) {
		rc = note_judge(h->c, span_of(&h->r->cosigned), &j, err);
		h->cosigned = j.cp;
		if (rc == RC_OK && !j.quorum)
			rc = err_set(err, RC_QUORUM, "checkpoint %llu has too few cosignatures",
			    (unsigned long long)j.cp.size);
	}
	return rc == RC_OK ? RC_OK : err_wrap(err, rc, "custodian %u", h->peer);
}

/* Only the peer's own key makes an answer to our nonce, and each nonce has one answer. */
static enum rc
check_fresh(struct hearing *h, struct err *err)
{
	AUTO_DONE(buf_done) struct buf message = BUF_INIT(1024);
	struct exchange_facts	f = { .peer = h->peer, .asker = h->c->index, .size = h->cp.size,
				    .cosigned = h->cosigned.size,
				    .asker_past = { .steps = h->r->steps, .size = h->r->size } };
	enum rc			rc;

	if (!h->p->asked || h->r->signature.len == 0)
		return RC_OK;
	h->p->asked = false;
	memcpy(f.genesis, h->c->genesis, sizeof(f.genesis));
	memcpy(f.nonce, h->p->nonce, sizeof(f.nonce));
	memcpy(f.root, h->cp.root, sizeof(f.root));
	memcpy(f.cosigned_root, h->cosigned.root, sizeof(f.cosigned_root));
	memcpy(f.asker_past.root, h->r->size_root.data, sizeof(f.asker_past.root));
	TRY(exchange_statements(h->r, f.statements, err));
	exchange_message(&f, &message);
	TRY(buf_check(&message, "answer", err));
	rc = key_verify(&h->charter->custodian[h->peer - 1].signing_key, buf_view(&message), h->r->signature.data, err);
	if (rc != RC_OK)
		return err_wrap(err, rc, "custodian %u did not sign this answer", h->peer);
	h->good = true;
	return RC_OK;
}

/* Where it leads is said by what came (exchange.c). */
static enum rc
take_proof(struct hearing *h, struct err *err)
{
	AUTO_DONE(compared_note_done) struct compared_note ours = COMPARED_NOTE_INIT;
	struct tree_path	path = { .n = (uint8_t)h->r->n_consistency };
	struct span		to;
	size_t			i;

	TRY(compare_own_note(h->c, &ours, err));
	if (h->r->root.len == 0 || ours.size == 0 || ours.size != h->p->note_asked)
		return RC_OK;	/* it has grown since: next time */
	if (h->cosigned.size > ours.size)
		to = span_of(&h->r->cosigned);
	else if (h->counts && h->cp.size > ours.size)
		to = span_of(&h->r->checkpoint);
	else
		return RC_OK;
	for (i = 0; i < path.n; i++)
		memcpy(path.hash[i], h->r->consistency[i].data, TREE_HASH_BYTES);
	return compare_proof(h->c, &ours, to, h->r->root.data, &path, err);
}

static enum rc
take_note(struct hearing *h, const ProtobufCBinaryData *note, struct err *err)
{
	enum rc	rc;

	if (note->len == 0)
		return RC_OK;
	rc = compare_note(h->c, span_of(note), err);
	return rc == RC_UNSURE ? RC_OK : rc;
}

/* Once its notes are taken in, and not before: what it names is waited for (compare_target()). */
static void
count_fresh(struct hearing *h)
{
	struct compared_peer	*p = h->p;

	if (h->good) {
		p->fresh = true;
		p->us = (struct compared_past){ .steps = h->r->steps, .size = h->r->size };
		memcpy(p->us.root, h->r->size_root.data, sizeof(p->us.root));
	}
	if (p->fresh && h->counts)
		compare_most(h->c, &h->cp);
	/*
	 * A machine that is put back as it runs sees no start. Who has seen more of us than we
	 * count is asked again under a nonce; of an answer without one nothing follows.
	 */
	if (h->r->steps > h->c->steps.steps && h->r->steps > p->us.steps)
		p->fresh = false;
}

static enum rc
take_notes(struct hearing *h, struct err *err)
{
	enum rc	rc;

	if (h->r->accusation.len != 0) {
		rc = compare_accused(h->c, span_of(&h->r->accusation), err);
		/* Of a key that we cannot know yet: it comes again. */
		if (rc != RC_OK && !(rc == RC_VERIFY && h->strange))
			return err_wrap(err, rc, "custodian %u", h->peer);
		h->p->accused |= rc == RC_OK;
	}
	if (h->counts)
		TRY(take_note(h, &h->r->checkpoint, err));
	TRY(take_note(h, &h->r->cosigned, err));
	TRY(take_proof(h, err));
	if (h->cosigned.size != 0)
		TRY(compare_target(h->c, &h->cosigned, span_of(&h->r->cosigned), err));
	count_fresh(h);
	return RC_OK;
}

static enum rc
take_states(struct hearing *h, struct err *err)
{
	uint64_t	have = store_size(h->c->store);

	if (h->r->state_at.len != 0 && h->p->state_asked != 0 && h->p->state_asked <= have)
		TRY(exchange_state_of(h->c, h->peer, h->p->state_asked, span_of(&h->r->state_at), err));
	if (h->r->state_size != 0 && h->r->state_size <= have)
		TRY(exchange_state_of(h->c, h->peer, h->r->state_size, span_of(&h->r->state), err));
	return RC_OK;
}

static enum rc
take_statements(struct hearing *h, struct err *err)
{
	TRY(pass_known(h->c, h->peer, h->r->taken, h->r->n_taken, err));
	if (h->p->held == NULL && (h->p->held = calloc(1, sizeof(*h->p->held))) == NULL)
		return err_set(err, RC_NOMEM, "statements of peers: no memory");
	return pass_take(h->c, h->peer, h->r->statements, h->r->n_statements, h->p->held, err);
}

static enum rc
hear(struct hearing *h, struct err *err)
{
	static const struct checkpoint	none;

	TRY(check_shape(h, err));
	TRY(read_notes(h, err));
	TRY(check_fresh(h, err));
	exchange_saw(h->c, h->peer, h->r->instance.data, h->r->peer_steps, h->counts ? &h->cp : &none);
	TRY(take_notes(h, err));
	TRY(take_states(h, err));
	TRY(take_statements(h, err));
	TRY(compare_forgotten(h->c, err));
	TRY(compare_settle(h->c, err));
	/* It answered a question that carried our accusation: it has it. */
	h->p->accused |= h->p->told;
	return RC_OK;
}

/* Looking for the first entry that differs takes an exchange a step; what did not fit goes soon. */
static uint8_t
when_again(struct hearing *h)
{
	struct err	err;
	enum rc		rc;

	if (h->p->differs && h->p->differs_at - h->p->same_at > 1)
		return 1;
	if (h->p->more && h->r->n_taken != 0)
		return 2;
	rc = compare_ready(h->c, &err);
	h->c->words[0] = '\0';	/* an answer here, no refusal */
	return rc == RC_OK && h->p->fresh ? 0 : 2;
}

enum rc
custody_heard(struct custody *c, struct span request, struct buf *reply, struct err *err)
{
	AUTO(pb_reply_free) pb_reply *r = NULL;
	struct hearing	h = { .c = c };
	char		what[32];

	if (request.n < 1)
		return custody_say(c, err, RC_FORMAT, "malformed request");
	h.peer = request.p[0];
	TRY(exchange_peer(c, h.peer, &h.charter, err));
	h.p = &c->comparing.peer[h.peer - 1];
	h.r = r = quorate__v1__exchange_reply__unpack(unpack_memory(), request.n - 1, request.p + 1);
	if (r == NULL) {
		(void)snprintf(what, sizeof(what), "answer of custodian %u", h.peer);
		return custody_unread(c, what, err);
	}
	TRY(hear(&h, err));
	buf_u8(reply, when_again(&h));
	return buf_check(reply, "reply", err);
}

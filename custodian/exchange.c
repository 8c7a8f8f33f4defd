/*
 * custodian/exchange.c - notes go out to a peer, and a peer's question is answered
 * (docs/spec/exchange-v1.md). heard.c takes answers in.
 */
#include <sodium.h>
#include <string.h>

#include "custodian/exchange.h"
#include "proto/unpack.h"

#define DOMAIN	"quorate/exchange/v1\n"

typedef Quorate__V1__ExchangeRequest	pb_request;
typedef Quorate__V1__ExchangeReply	pb_reply;

static inline void
auto_pb_request_free(pb_request **q)
{
	if (*q != NULL)
		quorate__v1__exchange_request__free_unpacked(*q, NULL);
}

static ProtobufCBinaryData
data_of(const void *p, size_t n)
{
	return (ProtobufCBinaryData){ n, (uint8_t *)(uintptr_t)p };
}

/* --- what is signed ----------------------------------------------------------------- */

void
exchange_message(const struct exchange_facts *f, struct buf *out)
{
	/* exchange-v1 section 3, field for field. */
	buf_span(out, SPAN_STR(DOMAIN));
	buf_add(out, f->genesis, sizeof(f->genesis));
	buf_add(out, f->nonce, sizeof(f->nonce));
	buf_u8(out, f->peer);
	buf_u8(out, f->asker);
	buf_u64(out, f->size);
	buf_add(out, f->root, sizeof(f->root));
	buf_u64(out, f->cosigned);
	buf_add(out, f->cosigned_root, sizeof(f->cosigned_root));
	buf_u64(out, f->asker_past.steps);
	buf_u64(out, f->asker_past.size);
	buf_add(out, f->asker_past.root, sizeof(f->asker_past.root));
	buf_add(out, f->statements, sizeof(f->statements));
}

enum rc
exchange_statements(const pb_reply *r, uint8_t ret[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf all = BUF_INIT(PASS_AT_ONCE * SHA256_BYTES);
	uint8_t	one[SHA256_BYTES];
	size_t	i;

	for (i = 0; i < r->n_statements; i++) {
		sha256_one(one, SPAN(r->statements[i]->statement.data, r->statements[i]->statement.len));
		buf_add(&all, one, sizeof(one));
	}
	TRY(buf_check(&all, "statements", err));
	sha256_one(ret, buf_view(&all));
	return RC_OK;
}

/* --- both ways ------------------------------------------------------------------------ */

enum rc
exchange_peer(struct custody *c, uint8_t peer, const struct charter **ret, struct err *err)
{
	const struct charter	*charter;

	TRY(custody_charter(c, &charter, err));
	if (peer < 1 || peer > charter->n || peer == c->index)
		return custody_say(c, err, RC_DENIED, "not another custodian of the charter");
	TRY(compare_load(c, err));
	*ret = charter;
	return RC_OK;
}

enum rc
exchange_state(struct custody *c, uint64_t size, uint8_t ret[SHA256_BYTES], struct err *err)
{
	struct verdict	v;

	if (size == 0 || size > store_size(c->store))
		return err_set(err, RC_MISSING, "no state after %llu entries", (unsigned long long)size);
	TRY(store_verdict(c->store, size - 1, &v, err));
	memcpy(ret, v.state, SHA256_BYTES);
	return RC_OK;
}

static enum rc
accusation_of(struct custody *c, struct buf *ret, struct err *err)
{
	enum rc	rc = store_get(c->store, CUSTODY_ACCUSATION, ret, err);

	return rc == RC_MISSING ? RC_OK : rc;
}

/* --- the question ------------------------------------------------------------------------ */

/* Half way between one state and two, until the first entry is found that shows it. */
static uint64_t
state_to_ask(const struct custody *c, const struct compared_peer *p)
{
	if (p->differs && p->differs_at - p->same_at > 1)
		return p->same_at + (p->differs_at - p->same_at) / 2;
	return store_size(c->store);
}

static enum rc
pack_request(const pb_request *q, struct buf *out, struct err *err)
{
	uint8_t	*p = buf_extend(out, quorate__v1__exchange_request__get_packed_size(q));

	TRY(buf_check(out, "request", err));
	(void)quorate__v1__exchange_request__pack(q, p);
	return RC_OK;
}

enum rc
custody_outgoing(struct custody *c, struct span request, struct buf *reply, struct err *err)
{
	AUTO_DONE(compared_note_done) struct compared_note ours = COMPARED_NOTE_INIT;
	AUTO_DONE(buf_done) struct buf accusation = BUF_INIT(ACCUSATION_BYTES_MAX);
	AUTO_DONE(pass_list_done) struct pass_list list = PASS_LIST_INIT;
	ProtobufCBinaryData	 held[PASS_AT_ONCE];
	pb_request		 q = QUORATE__V1__EXCHANGE_REQUEST__INIT;
	const struct charter	*charter;
	struct compared_peer	*p;
	uint8_t			 state[SHA256_BYTES];

	if (request.n != 1)
		return custody_say(c, err, RC_FORMAT, "malformed request");
	if (replica_charter(c->replica) == NULL)
		return RC_OK;		/* nothing to ask yet */
	TRY(exchange_peer(c, request.p[0], &charter, err));
	p = &c->comparing.peer[request.p[0] - 1];
	TRY(compare_own_note(c, &ours, err));
	if (!p->accused)
		TRY(accusation_of(c, &accusation, err));
	p->told = accusation.n != 0;
	TRY(custody_cosigned_size(c, &q.cosigned_size, err));
	p->state_asked = state_to_ask(c, p);
	TRY(exchange_state(c, p->state_asked, state, err));
	p->note_asked = ours.size;
	p->asked = !p->fresh;
	if (p->asked) {
		randombytes_buf(p->nonce, sizeof(p->nonce));
		q.nonce = data_of(p->nonce, sizeof(p->nonce));
	}
	q.instance = data_of(c->steps.instance, sizeof(c->steps.instance));
	q.steps = c->steps.steps;
	q.checkpoint = data_of(ours.note.p, ours.note.n);
	q.accusation = data_of(accusation.p, accusation.n);
	q.state_size = p->state_asked;
	q.state = data_of(state, sizeof(state));
	TRY(pass_fill(c, request.p[0], &list, err));
	q.statements = list.row;
	q.n_statements = list.n;
	q.n_taken = p->held == NULL ? 0 : pass_ids(p->held, held);
	q.taken = held;
	return pack_request(&q, reply, err);
}

/* --- the answer ---------------------------------------------------------------------------- */

struct answering {
	struct custody		*c;
	const pb_request	*q;
	struct compared_peer	*p;		/* the asker */
	const struct charter	*charter;
	struct checkpoint	 asked;		/* the asker's; size 0: none */
	bool			 counts;	/* it is of a log key that we know and that was the log's then */
	bool			 strange;	/* of one that we do not know (yet) */
	bool			 sign;
	struct compared_note	 ours;
	uint64_t		 cosigned;
	struct buf		 cosigned_note, accusation;
	struct pass_list	 list;
	struct passed		 held;
	pb_reply		 r;
	/* What r points to. */
	ProtobufCBinaryData	 taken[PASS_AT_ONCE];
	uint8_t			 root[SHA256_BYTES], state[SHA256_BYTES], state_at[SHA256_BYTES];
	struct tree_path	 path;
	ProtobufCBinaryData	 hash[TREE_PATH_MAX];
	uint8_t			 sig[KEY_SIG_BYTES];
};

static void
answering_done(struct answering *a)
{
	compared_note_done(&a->ours);
	buf_done(&a->cosigned_note);
	buf_done(&a->accusation);
	pass_list_done(&a->list);
}

static enum rc
read_question(struct answering *a, struct err *err)
{
	struct custody	*c = a->c;
	struct judged	 j;
	enum rc		 rc = RC_OK;

	if (a->q->instance.len != COMPARE_INSTANCE_BYTES || a->q->n_statements > PASS_AT_ONCE || a->q->n_taken > PASS_AT_ONCE ||
	    (a->q->nonce.len != 0 && a->q->nonce.len != COMPARE_NONCE_BYTES) ||
	    (a->q->state_size != 0 && a->q->state.len != SHA256_BYTES))
		return custody_say(c, err, RC_FORMAT, "malformed request");
	if (a->q->checkpoint.len != 0) {
		memset(&j, 0, sizeof(j));
		rc = note_judge(c, SPAN(a->q->checkpoint.data, a->q->checkpoint.len), &j, err);
		a->asked = j.cp;
		a->counts = note_counts(&j);
		a->strange = !a->counts && j.standing == NOTE_STRANGE;
	}
	if (rc == RC_FORMAT || rc == RC_VERIFY)
		return custody_say(c, err, rc, "the checkpoint is refused (%s)", rc_name(rc));
	return rc;
}

/* What the asker brings is taken before it is answered: it is heard even if the answer is lost. */
static enum rc
take_question(struct answering *a, struct err *err)
{
	static const struct checkpoint	none;
	struct custody	*c = a->c;
	enum rc		 rc;

	if (a->q->accusation.len != 0) {
		rc = compare_accused(c, SPAN(a->q->accusation.data, a->q->accusation.len), err);
		a->p->accused |= rc == RC_OK;
		/* Of a key that we cannot know yet: it comes again. */
		if (rc == RC_VERIFY && a->strange)
			rc = RC_OK;
		if (rc == RC_FORMAT || rc == RC_VERIFY)
			return custody_say(c, err, rc, "the accusation is refused (%s)", rc_name(rc));
		TRY(rc);
	}
	if (a->counts) {
		rc = compare_note(c, SPAN(a->q->checkpoint.data, a->q->checkpoint.len), err);
		if (rc != RC_UNSURE)
			TRY(rc);
	}
	exchange_saw(c, c->from, a->q->instance.data, a->q->steps, a->counts ? &a->asked : &none);
	TRY(pass_known(c, c->from, a->q->taken, a->q->n_taken, err));
	TRY(pass_take(c, c->from, a->q->statements, a->q->n_statements, &a->held, err));
	if (a->q->state_size != 0 && a->q->state_size <= store_size(c->store))
		TRY(exchange_state_of(c, c->from, a->q->state_size, SPAN(a->q->state.data, a->q->state.len), err));
	return RC_OK;
}

static enum rc
load_notes(struct answering *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(NOTE_BYTES_MAX + 8);
	enum rc	rc;

	TRY(compare_own_note(a->c, &a->ours, err));
	TRY(custody_cosigned_size(a->c, &a->cosigned, err));
	rc = store_get(a->c->store, CUSTODY_COSIGNED, &v, err);
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	buf_add(&a->cosigned_note, v.p + 8, v.n - 8);
	return buf_check(&a->cosigned_note, "checkpoint", err);
}

/* Whoever has a note already is not sent it again; but what is signed is all there. */
static void
put_notes(struct answering *a)
{
	bool	same = a->ours.size == a->asked.size &&
		    memcmp(a->ours.root, a->asked.root, SHA256_BYTES) == 0;	/* public */

	if (a->ours.size != 0 && (a->sign || !same))
		a->r.checkpoint = data_of(a->ours.note.p, a->ours.note.n);
	if (a->cosigned != 0 && (a->sign || a->cosigned > a->q->cosigned_size))
		a->r.cosigned = data_of(a->cosigned_note.p, a->cosigned_note.n);
}

/* From the asker's note to the largest in the answer: what of ours it can be held against. */
static enum rc
put_proof(struct answering *a, struct err *err)
{
	uint64_t	to = 0;
	size_t		i;

	if (a->r.cosigned.len != 0 && a->cosigned > a->asked.size)
		to = a->cosigned;
	else if (a->r.checkpoint.len != 0 && a->ours.size > a->asked.size)
		to = a->ours.size;
	if (to == 0 || a->asked.size == 0)
		return RC_OK;
	TRY(store_root_at(a->c->store, a->asked.size, a->root, err));
	TRY(store_consistency(a->c->store, a->asked.size, to, &a->path, err));
	for (i = 0; i < a->path.n; i++)
		a->hash[i] = data_of(a->path.hash[i], TREE_HASH_BYTES);
	a->r.root = data_of(a->root, sizeof(a->root));
	a->r.consistency = a->hash;
	a->r.n_consistency = a->path.n;
	return RC_OK;
}

static enum rc
put_state(struct answering *a, struct err *err)
{
	struct custody	*c = a->c;

	a->r.state_size = store_size(c->store);
	TRY(exchange_state(c, a->r.state_size, a->state, err));
	a->r.state = data_of(a->state, sizeof(a->state));
	if (a->q->state_size == 0 || a->q->state_size > a->r.state_size)
		return RC_OK;
	TRY(exchange_state(c, a->q->state_size, a->state_at, err));
	a->r.state_at = data_of(a->state_at, sizeof(a->state_at));
	return RC_OK;
}

static enum rc
sign_answer(struct answering *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf message = BUF_INIT(1024);
	struct exchange_facts	f = { .peer = a->c->index, .asker = a->c->from, .size = a->ours.size,
				    .cosigned = a->cosigned, .asker_past = a->p->past };

	memcpy(f.genesis, a->c->genesis, sizeof(f.genesis));
	memcpy(f.nonce, a->q->nonce.data, sizeof(f.nonce));
	memcpy(f.root, a->ours.root, sizeof(f.root));
	if (a->cosigned != 0)
		TRY(store_root_at(a->c->store, a->cosigned, f.cosigned_root, err));
	TRY(exchange_statements(&a->r, f.statements, err));
	exchange_message(&f, &message);
	TRY(buf_check(&message, "answer", err));
	TRY(hsm_signer_sign(a->c->signer, buf_view(&message), a->sig, err));
	a->p->signed_ms = clock_ms();
	a->r.signature = data_of(a->sig, sizeof(a->sig));
	return RC_OK;
}

static enum rc
fill_answer(struct answering *a, struct err *err)
{
	struct custody	*c = a->c;

	/* The token signs for a peer no oftener than this, whatever it asks. */
	a->sign = a->q->nonce.len != 0 && !c->stopped.is &&
	    (a->p->signed_ms == 0 || clock_ms() - a->p->signed_ms >= COMPARE_SIGNED_MS);
	TRY(load_notes(a, err));
	put_notes(a);
	TRY(put_proof(a, err));
	TRY(put_state(a, err));
	if (!a->p->accused)
		TRY(accusation_of(c, &a->accusation, err));
	a->r.accusation = data_of(a->accusation.p, a->accusation.n);
	TRY(pass_fill(c, c->from, &a->list, err));
	a->r.statements = a->list.row;
	a->r.n_statements = a->list.n;
	a->r.n_taken = pass_ids(&a->held, a->taken);
	a->r.taken = a->taken;
	a->r.steps = a->p->past.steps;
	a->r.size = a->p->past.size;
	a->r.size_root = data_of(a->p->past.root, sizeof(a->p->past.root));
	a->r.instance = data_of(c->steps.instance, sizeof(c->steps.instance));
	a->r.peer_steps = c->steps.steps;
	return a->sign ? sign_answer(a, err) : RC_OK;
}

static enum rc
answer(struct answering *a, struct buf *reply, struct err *err)
{
	uint8_t	*p;

	TRY(read_question(a, err));
	TRY(take_question(a, err));
	TRY(compare_settle(a->c, err));
	TRY(fill_answer(a, err));
	p = buf_extend(reply, quorate__v1__exchange_reply__get_packed_size(&a->r));
	TRY(buf_check(reply, "reply", err));
	(void)quorate__v1__exchange_reply__pack(&a->r, p);
	return RC_OK;
}

enum rc
custody_exchange(struct custody *c, struct span request, struct buf *reply, struct err *err)
{
	AUTO(pb_request_free) pb_request *q = quorate__v1__exchange_request__unpack(unpack_memory(), request.n, request.p);
	AUTO_DONE(answering_done) struct answering a = { .c = c, .q = q, .ours = COMPARED_NOTE_INIT,
	    .cosigned_note = BUF_INIT(NOTE_BYTES_MAX), .accusation = BUF_INIT(ACCUSATION_BYTES_MAX),
	    .list = PASS_LIST_INIT, .r = QUORATE__V1__EXCHANGE_REPLY__INIT };

	TRY(exchange_peer(c, c->from, &a.charter, err));
	if (q == NULL)
		return custody_unread(c, "request", err);
	a.p = &c->comparing.peer[c->from - 1];
	/* Each may cost a hundred signatures to look at. */
	if (!log_may(&a.p->asks, COMPARE_ASKED_MAX, COMPARE_ASKED_MS, clock_ms()))
		return custody_say(c, err, RC_LIMIT, "too many questions: ask again in a few seconds");
	return answer(&a, reply, err);
}

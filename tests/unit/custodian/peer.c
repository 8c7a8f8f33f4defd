#include "tests/unit/custodian/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIG		((size_t)1 << 22)
#define MUST(cond)	do { if (!(cond)) abort(); } while (0)

static void
must(enum rc rc, const struct err *err)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "peer: %s: %s\n", rc_name(rc), err->msg);
	abort();
}

static ProtobufCBinaryData
data_of(const void *p, size_t n)
{
	return (ProtobufCBinaryData){ n, (uint8_t *)(uintptr_t)p };
}

/* --- its log ------------------------------------------------------------------------- */

struct forked { const struct bench *b; uint64_t fork; };

static enum rc
node(void *user, uint8_t level, uint64_t index, uint8_t ret[32], struct err *err)
{
	const struct forked	*f = user;
	struct tree_range	 r = TREE_RANGE_INIT;
	uint8_t			 hash[32];

	for (uint64_t i = index << level; i < (index + 1) << level; i++) {
		tree_leaf(i >= f->fork ? SPAN_STR("another") : i < f->b->net.log_entries.n ?
		    buf_view(&f->b->net.log_entries.leaf[i]) : SPAN_STR("nothing"), hash);
		must(tree_range_add(&r, hash, NULL, NULL, err), err);
	}
	tree_range_root(&r, ret);
	return RC_OK;
}

void
peer_root(const struct bench *b, uint64_t fork, uint64_t size, uint8_t ret[32])
{
	struct forked	f = { b, fork };
	struct err	err;

	must(tree_root_at(node, &f, size, ret, &err), &err);
}

void
peer_path(const struct bench *b, uint64_t fork, uint64_t from, uint64_t to, struct tree_path *ret)
{
	struct forked	f = { b, fork };
	struct err	err;

	must(tree_consistency(node, &f, from, to, ret, &err), &err);
}

static void
sign_line(const struct note_key *k, const struct test_key *by, struct span text, struct buf *out)
{
	struct buf	message = BUF_INIT(BIG);
	uint8_t		sig[KEY_SIG_BYTES];
	when		now = clock_now();
	struct err	err;

	if (k->alg == NOTE_COSIGNATURE_V1)
		cosignature_message(text, now, &message);
	else
		buf_span(&message, text);
	must(by->signer.sign(by->signer.user, buf_view(&message), sig, &err), &err);
	note_sig_line(k, now, sig, out);
	buf_done(&message);
}

void
peer_note(const struct bench *b, uint64_t fork, uint64_t size, unsigned cosigners, struct buf *out)
{
	uint8_t	root[32];

	peer_root(b, fork, size, root);
	peer_note_of(b, size, root, cosigners, out);
}

void
peer_note_of(const struct bench *b, uint64_t size, const uint8_t root[32], unsigned cosigners, struct buf *out)
{
	const struct charter	*charter = replica_charter(b->net.replica);
	struct checkpoint	 cp = { .size = size };
	struct buf		 text = BUF_INIT(BIG);
	struct note_key		 key;
	struct err		 err;

	must(charter_log_note_key(charter, &key, &err), &err);
	memcpy(key.key, b->net.log.signer.key.bytes, sizeof(key.key));	/* of whoever signs as the log */
	memcpy(cp.origin, key.name, sizeof(cp.origin));
	memcpy(cp.root, root, 32);
	checkpoint_text(&cp, &text);
	buf_span(out, buf_view(&text));
	buf_u8(out, '\n');
	sign_line(&key, &b->net.log, buf_view(&text), out);
	for (unsigned i = 1; i <= cosigners; i++) {
		must(charter_witness_note_key(charter, (uint8_t)(i + 1), &key, &err), &err);
		sign_line(&key, &b->net.signing[i], buf_view(&text), out);
	}
	buf_done(&text);
}

/* --- question and answer ---------------------------------------------------------------- */

Quorate__V1__ExchangeRequest *
peer_asked(struct bench *b, uint8_t peer)
{
	struct buf			 q = BUF_INIT(BIG);
	Quorate__V1__ExchangeRequest	*r;
	struct err			 err;

	must(custody_outgoing(&b->c, SPAN(&peer, 1), &q, &err), &err);
	r = quorate__v1__exchange_request__unpack(NULL, q.n, q.p);
	MUST(r != NULL);
	buf_done(&q);
	return r;
}

struct making {				/* an answer and what it points to */
	Quorate__V1__ExchangeReply	 r;
	struct buf			 note, cosigned;
	uint8_t				 root[32], seen_root[32], instance[16], state[32], state_at[32], sig[64];
	struct tree_path		 path;
	ProtobufCBinaryData		 hash[TREE_PATH_MAX];
	Quorate__V1__Handed		*row[1];
};

static uint64_t
size_of_note(const Quorate__V1__ExchangeRequest *q)
{
	const char	*line = q->checkpoint.len == 0 ? NULL :
			    memchr(q->checkpoint.data, '\n', q->checkpoint.len);

	return line == NULL ? 0 : strtoull(line + 1, NULL, 10);
}

static void
put_proof(struct bench *b, const struct peer_answer *a, const Quorate__V1__ExchangeRequest *q, struct making *m)
{
	uint64_t	from = size_of_note(q), to = a->cosigned > from ? a->cosigned : a->size;

	if (!a->proof || to <= from)
		return;
	peer_root(b, a->fork, from, m->root);
	peer_path(b, a->fork, from, to, &m->path);
	m->root[0] ^= a->wrong_proof;
	for (size_t i = 0; i < m->path.n; i++)
		m->hash[i] = data_of(m->path.hash[i], 32);
	m->r.root = data_of(m->root, 32);
	m->r.consistency = m->hash;
	m->r.n_consistency = m->path.n;
}

/* After `size` entries: that of the log's, or another. */
static void
state_of(struct bench *b, const struct peer_answer *a, uint64_t size, uint8_t ret[32])
{
	struct verdict	v;
	struct err	err;

	must(store_verdict(b->c.store, size - 1, &v, &err), &err);
	memcpy(ret, v.state, 32);
	ret[0] ^= a->other_state != 0 && size > a->other_state;
}

static void
put_states(struct bench *b, const struct peer_answer *a, const Quorate__V1__ExchangeRequest *q, struct making *m)
{
	m->r.state_size = a->state_size;
	m->r.state = data_of(m->state, 32);
	if (a->state_size == 0)
		return;
	state_of(b, a, a->state_size, m->state);
	if (q->state_size == 0 || q->state_size > a->state_size)
		return;
	state_of(b, a, q->state_size, m->state_at);
	m->r.state_at = data_of(m->state_at, 32);
}

static void
sign_answer(struct bench *b, const struct peer_answer *a, const Quorate__V1__ExchangeRequest *q, struct making *m)
{
	struct buf		message = BUF_INIT(BIG);
	struct exchange_facts	f = { .peer = a->peer, .asker = 1, .size = a->size, .cosigned = a->cosigned,
				    .asker_past = { .steps = a->steps, .size = a->seen } };
	const struct test_key	*by = &b->net.signing[a->peer - 1];
	struct err		 err;

	memcpy(f.genesis, b->net.genesis, 32);
	memcpy(f.nonce, q->nonce.data, 32);
	if (a->size != 0)
		peer_root(b, a->fork, a->size, f.root);
	if (a->cosigned != 0)
		peer_root(b, a->fork, a->cosigned, f.cosigned_root);
	memcpy(f.asker_past.root, m->seen_root, 32);
	must(exchange_statements(&m->r, f.statements, &err), &err);
	f.nonce[0] ^= a->lie == LIE_NONCE;
	f.genesis[0] ^= a->lie == LIE_GENESIS;
	f.asker = a->lie == LIE_ASKER ? (uint8_t)(a->peer == 2 ? 3 : 2) : 1;
	f.peer = a->lie == LIE_PEER ? (uint8_t)(a->peer == 2 ? 3 : 2) : a->peer;
	f.root[0] ^= a->lie == LIE_NOTE;
	f.cosigned -= a->lie == LIE_COSIGNED;
	f.asker_past.steps -= a->lie == LIE_STEPS;
	f.asker_past.root[0] ^= a->lie == LIE_SEEN;
	f.statements[0] ^= a->lie == LIE_STATEMENTS;
	if (a->lie == LIE_KEY)
		by = &b->net.signing[a->peer == 2 ? 2 : 1];
	exchange_message(&f, &message);
	must(by->signer.sign(by->signer.user, buf_view(&message), m->sig, &err), &err);
	m->sig[5] ^= a->lie == LIE_SIGNATURE;
	m->r.signature = data_of(m->sig, 64);
	buf_done(&message);
}

void
peer_reply(struct bench *b, const struct peer_answer *a, const Quorate__V1__ExchangeRequest *q, struct buf *out)
{
	struct making	m = { .r = QUORATE__V1__EXCHANGE_REPLY__INIT, .note = BUF_INIT(BIG), .cosigned = BUF_INIT(BIG) };

	if (a->size != 0)
		peer_note(b, a->fork, a->size, 0, &m.note);
	if (a->cosigned != 0)
		peer_note(b, a->fork, a->cosigned, a->cosigners, &m.cosigned);
	m.r.checkpoint = data_of(m.note.p, m.note.n);
	m.r.cosigned = data_of(m.cosigned.p, m.cosigned.n);
	put_proof(b, a, q, &m);
	put_states(b, a, q, &m);
	m.r.accusation = data_of(a->accusation.p, a->accusation.n);
	if (a->statement != NULL) {
		m.row[0] = (Quorate__V1__Handed *)(uintptr_t)a->statement;
		m.r.statements = m.row;
		m.r.n_statements = 1;
	}
	m.r.steps = a->steps;
	m.r.size = a->seen;
	if (a->seen != 0)
		peer_root(b, NO_FORK, a->seen, m.seen_root);
	m.r.size_root = data_of(m.seen_root, 32);
	memset(m.instance, a->instance, sizeof(m.instance));
	m.r.instance = data_of(m.instance, 16);
	m.r.peer_steps = a->own_steps;
	if (q->nonce.len == 32 && a->lie != LIE_UNSIGNED)
		sign_answer(b, a, q, &m);
	(void)quorate__v1__exchange_reply__pack(&m.r,
	    buf_extend(out, quorate__v1__exchange_reply__get_packed_size(&m.r)));
	buf_done(&m.note);
	buf_done(&m.cosigned);
}

enum rc
peer_heard(struct bench *b, uint8_t peer, struct span reply, uint8_t *ret_again, struct err *err)
{
	struct buf	heard = BUF_INIT(BIG), again = BUF_INIT(16);
	enum rc		rc;

	buf_u8(&heard, peer);
	buf_span(&heard, reply);
	b->c.words[0] = '\0';
	rc = custody_heard(&b->c, buf_view(&heard), &again, err);
	if (rc == RC_OK) {
		MUST(again.n == 1 && b->c.words[0] == '\0');
		if (ret_again != NULL)
			*ret_again = again.p[0];
	}
	buf_done(&heard);
	buf_done(&again);
	return rc;
}

enum rc
peer_answers(struct bench *b, const struct peer_answer *a, struct err *err)
{
	Quorate__V1__ExchangeRequest	*q = peer_asked(b, a->peer);
	struct buf			 reply = BUF_INIT(BIG);
	enum rc				 rc;

	peer_reply(b, a, q, &reply);
	quorate__v1__exchange_request__free_unpacked(q, NULL);
	rc = peer_heard(b, a->peer, buf_view(&reply), NULL, err);
	buf_done(&reply);
	return rc;
}

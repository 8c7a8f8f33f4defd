#include "tests/unit/custodian/hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#define BIG	((size_t)1 << 22)
#define MUST(cond)	do { if (!(cond)) abort(); } while (0)

static void
must(enum rc rc, const struct err *err)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "hand: %s: %s\n", rc_name(rc), err->msg);
	abort();
}

void
said_done(struct said *s)
{
	buf_done(&s->dsse);
	buf_done(&s->blob);
}

void
say(struct statement *s, struct test_key *by, struct said *ret)
{
	struct err	err;

	ret->dsse = BUF_INIT(BIG);
	ret->blob = BUF_INIT(BIG);
	must(statement_sign(s, &by->signer, &ret->dsse, &err), &err);
	memcpy(ret->id, s->id, sizeof(ret->id));
	statement_done(s);
}

void
say_decision(struct bench *b, const uint8_t request[32], enum net_person p, bool approve, struct said *ret)
{
	struct statement	s;

	net_statement(&b->net, &s, STATEMENT_DECISION);
	memcpy(s.subject, request, 32);
	s.u.decision.approve = approve;
	say(&s, &b->net.person[p], ret);
}

void
say_withdrawal(struct bench *b, const uint8_t request[32], enum net_person p, struct said *ret)
{
	struct statement	s;

	net_statement(&b->net, &s, STATEMENT_WITHDRAWAL);
	memcpy(s.subject, request, 32);
	say(&s, &b->net.person[p], ret);
}

void
say_revocation(struct bench *b, const struct test_key *key, enum net_person by, struct said *ret)
{
	struct statement	s;

	net_statement(&b->net, &s, STATEMENT_REVOCATION);
	key_id(&key->signer.key, s.subject);
	say(&s, &b->net.person[by], ret);
}

void
say_request(struct bench *b, const struct bench_batch *batch, const char *policy, struct said *ret)
{
	const struct state	*st = memstate_state(b->net.mem);
	struct statement	 s;
	uint8_t			 scope[32];
	struct err		 err;

	net_request(&b->net, &batch->artifact, 1, policy, &s);
	memcpy(scope, s.subject, sizeof(scope));
	say(&s, &b->net.person[NET_REQUESTER], ret);
	must(st->blob(st->user, scope, &ret->blob, &err), &err);
}

void
say_receipt(struct bench *b, const uint8_t order[32], uint8_t index, struct said *ret)
{
	struct statement	s;

	net_statement(&b->net, &s, STATEMENT_RECEIPT);
	memcpy(s.subject, order, 32);
	s.u.receipt.custodian = index;
	s.u.receipt.count = 4;
	randombytes_buf(s.u.receipt.message, 32);
	randombytes_buf(s.u.receipt.contributions, 32);
	say(&s, &b->net.signing[index - 1], ret);
}

enum rc
hand(struct bench *b, uint8_t from, const struct said *s, struct handed_answer *ret, struct err *err)
{
	struct span	blob = buf_view(&s->blob);

	b->c.words[0] = '\0';
	return handed_take(&b->c, from, buf_view(&s->dsse), &blob, blob.n > 0, ret, err);
}

void
hand_ok(struct bench *b, const struct said *s, enum handed_fate fate, enum void_reason why)
{
	struct handed_answer	a;
	struct err		err;

	must(hand(b, 0, s, &a, &err), &err);
	if (a.fate != fate || a.why != why || memcmp(a.id, s->id, 32) != 0) {
		fprintf(stderr, "fate %d, wanted %d; %s, wanted %s\n", a.fate, fate, void_reason_name(a.why),
		    void_reason_name(why));
		abort();
	}
}

uint32_t
handed_n(struct bench *b)
{
	uint32_t	n;
	when		oldest;
	struct err	err;

	must(handed_count(&b->c, &n, &oldest, &err), &err);
	MUST((oldest == 0) == (n == 0));
	return n;
}

void
fill_slots_of(struct bench *b, const char *who, enum handed_kind kind, const uint8_t signer[32], size_t n,
    uint32_t blob_bytes)
{
	struct slot	s;
	struct err	err;

	must(store_begin(b->c.store, &err), &err);
	for (size_t i = 0; i < n; i++) {
		memset(&s, 0, sizeof(s));
		s.key[0] = (uint8_t)kind;
		randombytes_buf(s.key + 1, 32);
		memcpy(s.key + 33, signer, 32);
		randombytes_buf(s.id, sizeof(s.id));
		s.since = clock_now();
		s.expires = s.since + 3600;
		s.blob_bytes = blob_bytes;
		(void)snprintf(s.who, sizeof(s.who), "%s", who);
		must(slot_put(&b->c, &s, SPAN_STR("a statement"), NULL, 0, &err), &err);
	}
	must(store_commit(b->c.store, &err), &err);
}

void
fill_slots(struct bench *b, enum handed_kind kind, const uint8_t signer[32], size_t n, uint32_t blob_bytes)
{
	fill_slots_of(b, "somebody", kind, signer, n, blob_bytes);
}

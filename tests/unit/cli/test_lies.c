/* A coordinator that lies: what the CLI does not believe, and what it does not let it print. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/entry.h"
#include "cli/artifact.h"
#include "cli/decisions.h"
#include "tests/unit/cli/lab.h"

static struct lab_server	server;
static struct remote		remote_;

/* --- a log with proofs -------------------------------------------------------------------- */

static void
proof(uint64_t index, unsigned cosigners, struct buf *out)
{
	AUTO_DONE(buf_done) struct buf	n = BUF_INIT(BIG);
	uint8_t				leaf[64][TREE_HASH_BYTES];
	struct tree_path		path;
	struct checkpoint		end;
	struct err			err;

	MUST(net.log_entries.n <= 64);
	for (size_t i = 0; i < net.log_entries.n; i++)
		tree_leaf(buf_view(&net.log_entries.leaf[i]), leaf[i]);
	must(tree_inclusion_of((const uint8_t (*)[TREE_HASH_BYTES])leaf, net.log_entries.n, index, &path, &err), &err);
	lab_end(&end);
	lab_note(&net.log, &end, (1u << cosigners) - 1, &n);
	tlog_proof_write(index, &path, SPAN(NULL, 0), buf_view(&n), out);
}

static struct span
leaf_of(uint64_t index)
{
	return buf_view(&net.log_entries.leaf[index]);
}

/* A decision of legal's on a request, not logged. */
static void
decision(const uint8_t request[32], struct buf *dsse, uint8_t ret_id[32])
{
	struct statement	s;
	struct err		err;

	net_statement(&net, &s, STATEMENT_DECISION);
	memcpy(s.subject, request, 32);
	s.u.decision.approve = true;
	must(statement_sign(&s, &net.person[NET_LEGAL].signer, dsse, &err), &err);
	memcpy(ret_id, s.id, 32);
	statement_done(&s);
}

/* --- handing in ------------------------------------------------------------------------------ */

static enum rc
hand_in(struct span dsse, uint64_t said, struct span leaf, uint64_t proved, unsigned cosigners, bool repeated,
    struct submitted *ret, struct err *err)
{
	static uint8_t			another[32] = { 1 };
	Quorate__V1__SubmitReply	s = QUORATE__V1__SUBMIT_REPLY__INIT;
	Quorate__V1__EntryReply		e = QUORATE__V1__ENTRY_REPLY__INIT;
	AUTO_DONE(buf_done) struct buf	p = BUF_INIT(BIG);

	s.id = data_of(SPAN_OF(another));
	s.logged = s.effective = s.cosigned = true;
	s.repeated = repeated;
	s.index = said;
	lab_answer(&server, LAB_SUBMIT, &s);
	proof(proved, cosigners, &p);
	e.index = said;
	e.leaf = data_of(leaf);
	e.proof = data_of(buf_view(&p));
	e.effective = true;
	lab_answer(&server, LAB_ENTRY, &e);
	return remote_submit(&remote_, dsse, NULL, 0, NULL, 0, ret, err);
}

/* "It is in the log" is believed when it is, and of this statement. */
static void
is_it_logged(void **state)
{
	AUTO_DONE(buf_done) struct buf	ours = BUF_INIT(BIG), never = BUF_INIT(BIG);
	struct net_artifact		a = net_seal(&net, "standard");
	uint8_t				request[32], id[32], id2[32];
	uint64_t			at, other;
	struct submitted		s;
	struct err			err;

	(void)state;
	net_requested(&net, &a, 1, "standard", request);
	other = net.log_entries.n - 1;
	decision(request, &ours, id);
	decision(request, &never, id2);
	at = net.log_entries.n;
	MUST(net_log_dsse(&net, buf_view(&ours)).effective);
	must(hand_in(buf_view(&ours), at, leaf_of(at), at, 4, false, &s, &err), &err);
	assert_memory_equal(s.id, id, 32);		/* ours, whatever it says */
	must(hand_in(buf_view(&ours), at, leaf_of(at), at, 4, true, &s, &err), &err);
	/* A "no" that was never logged, and an entry that looks as if it were. */
	for (int repeated = 0; repeated < 2; repeated++) {
		assert_int_equal(hand_in(buf_view(&never), at, leaf_of(at), at, 4, repeated, &s, &err), RC_VERIFY);
		assert_int_equal(hand_in(buf_view(&never), other, leaf_of(other), other, 4, repeated, &s, &err),
		    RC_VERIFY);
		/* The right bytes with a proof of others; too few cosignatures. */
		assert_int_equal(hand_in(buf_view(&ours), at, leaf_of(at), other, 4, repeated, &s, &err), RC_VERIFY);
		assert_int_equal(hand_in(buf_view(&ours), other, leaf_of(at), other, 4, repeated, &s, &err), RC_VERIFY);
		assert_int_equal(hand_in(buf_view(&ours), at, leaf_of(at), at, 3, repeated, &s, &err), RC_QUORUM);
		/* Cosigned before it was there. */
		net.now--;
		assert_int_equal(hand_in(buf_view(&ours), at, leaf_of(at), at, 4, repeated, &s, &err), RC_QUORUM);
		net.now++;
	}
}

static void
its_words_are_cleaned(void **state)
{
	static char			why[] = "x\x1b[31m", words[] = "no\x1b[2J\xff\xc2\x9b\xe2\x80\xae";
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	Quorate__V1__SubmitReply	r = QUORATE__V1__SUBMIT_REPLY__INIT;
	struct submitted		s;
	uint8_t				id[32];
	struct err			err;
	json_t				*j;

	(void)state;
	decision(net.genesis, &dsse, id);
	r.why = why;
	r.words = words;
	lab_answer(&server, LAB_SUBMIT, &r);
	assert_int_equal(remote_submit(&remote_, buf_view(&dsse), NULL, 0, NULL, 0, &s, &err), RC_DENIED);
	assert_string_equal(s.why, "x?[31m");
	assert_string_equal(s.words, "no?[2J??????");
	assert_null(strchr(err.msg, '\x1b'));
	assert_non_null(j = json_string(s.words));	/* JSON takes UTF-8 only */
	json_decref(j);
}

/* In messages of messages too, one or many. */
static void
nested_words_are_cleaned(void **state)
{
	static char			bad[] = "\x1b\x07";
	Quorate__V1__HeadReply		h = QUORATE__V1__HEAD_REPLY__INIT, *got;
	Quorate__V1__CustodianStatus	c[2] = { QUORATE__V1__CUSTODIAN_STATUS__INIT,
	    QUORATE__V1__CUSTODIAN_STATUS__INIT }, *p[2] = { &c[0], &c[1] };
	Quorate__V1__SealReply		s = QUORATE__V1__SEAL_REPLY__INIT, *seal;
	Quorate__V1__SubmitReply	e = QUORATE__V1__SUBMIT_REPLY__INIT;
	uint8_t				wire[256];
	size_t				n;

	(void)state;
	c[0].words = c[1].words = e.words = bad;
	h.n_custodians = 2;
	h.custodians = p;
	s.entry = &e;
	n = quorate__v1__head_reply__pack(&h, wire);
	assert_non_null(got = quorate__v1__head_reply__unpack(NULL, n, wire));
	message_clean(got);
	assert_string_equal(got->custodians[0]->words, "??");
	assert_string_equal(got->custodians[1]->words, "??");
	message_free(got);
	n = quorate__v1__seal_reply__pack(&s, wire);
	assert_non_null(seal = quorate__v1__seal_reply__unpack(NULL, n, wire));
	message_clean(seal);
	assert_string_equal(seal->entry->words, "??");
	message_free(seal);
}

/* --- who holds ------------------------------------------------------------------------------------ */

enum wrong { NOTHING, BATCH, SHARES, GENESIS, KEY, INDEX };

static void
held(const struct statement *batch, uint8_t custodian, enum wrong wrong, struct buf *out)
{
	struct statement	s;
	struct err		err;

	net_statement(&net, &s, STATEMENT_HELD);
	memcpy(s.subject, batch->id, 32);
	s.u.held.custodian = (uint8_t)(custodian + (wrong == INDEX));
	memcpy(s.u.held.shares, batch->u.batch.custodian[custodian - 1].shares, 32);
	s.subject[0] ^= wrong == BATCH;
	s.u.held.shares[0] ^= wrong == SHARES;
	s.genesis[0] ^= wrong == GENESIS;
	must(statement_sign(&s, &net.signing[wrong == KEY ? custodian % NET_N : custodian - 1].signer, out, &err), &err);
	statement_done(&s);
}

static void
who_holds(void **state)
{
	struct buf			dsse[3] = { BUF_INIT(BIG), BUF_INIT(BIG), BUF_INIT(BIG) };
	ProtobufCBinaryData		list[4];
	struct descriptor		d;
	struct statement		batch;
	uint32_t			mask = 77;
	struct err			err;
	struct buf			b = BUF_INIT(BIG);

	(void)state;
	net_descriptor(&net, "standard", &d);
	net_batch(&net, &d, 1, &batch);
	must(statement_sign(&batch, &net.sealer.signer, &b, &err), &err);
	held(&batch, 1, NOTHING, &dsse[0]);
	held(&batch, 5, NOTHING, &dsse[1]);
	list[0] = list[2] = list[3] = data_of(buf_view(&dsse[0]));
	list[1] = data_of(buf_view(&dsse[1]));
	must(held_verify(remote_.charter, &batch, list, 0, &mask, &err), &err);
	assert_int_equal(mask, 0);
	/* However often one says so, it is one. */
	must(held_verify(remote_.charter, &batch, list, 4, &mask, &err), &err);
	assert_int_equal(mask, 0x11);
	for (enum wrong w = BATCH; w <= INDEX; w++) {
		buf_reset(&dsse[2]);
		held(&batch, 3, w, &dsse[2]);
		list[3] = data_of(buf_view(&dsse[2]));
		mask = 77;
		assert_int_equal(held_verify(remote_.charter, &batch, list, 4, &mask, &err), RC_VERIFY);
		assert_int_equal(mask, 77);
	}
	statement_done(&batch);
	buf_done(&b);
	for (size_t i = 0; i < 3; i++)
		buf_done(&dsse[i]);
}

/* --- what an approver reads --------------------------------------------------------------------------- */

static void
entry_reply(Quorate__V1__LoggedEntry *e, uint64_t index, struct buf *p)
{
	proof(index, 4, p);
	e->index = index;
	e->leaf = data_of(leaf_of(index));
	e->proof = data_of(buf_view(p));
	e->effective = true;
}

/* An approval that stopped counting is told as one. */
static void
told_to_count(const uint8_t request[32], Quorate__V1__LoggedEntry **list, bool counts)
{
	AUTO(json_decref) json_t	*j = NULL;
	const uint64_t			 uncounted[] = { 0, list[0]->index };
	const struct decision_list	 l = { request, list, 1, uncounted, counts ? 1 : 2 };
	struct err			 err;

	must(decisions_json(&remote_, &l, &j, &err), &err);
	assert_int_equal(json_is_true(json_object_get(json_array_get(j, 0), "counts")), counts);
}

/* Somebody's approval of another request does not stand under this one, nor one that is not in the log. */
static void
whose_decisions(void **state)
{
	Quorate__V1__RequestReply	r = QUORATE__V1__REQUEST_REPLY__INIT;
	Quorate__V1__LoggedEntry	e = QUORATE__V1__LOGGED_ENTRY__INIT, d = QUORATE__V1__LOGGED_ENTRY__INIT,
					*list[1] = { &d };
	Quorate__V1__BlobReply		blob = QUORATE__V1__BLOB_REPLY__INIT;
	AUTO_DONE(buf_done) struct buf	p = BUF_INIT(BIG), q = BUF_INIT(BIG), scope = BUF_INIT(BIG);
	struct net_artifact		a = net_seal(&net, "standard");
	uint8_t				request[2][32], reason[40] = "a salt of thirty-two bytes, mine";
	uint64_t			at, asked;
	struct statement		s;
	struct err			err;

	(void)state;
	memcpy(reason + 32, "because", 7);
	for (int i = 0; i < 2; i++) {
		net_request(&net, &a, 1, "standard", &s);
		sha256_one(s.u.request.reason, SPAN_OF(reason));
		asked = net.log_entries.n;
		buf_reset(&scope);
		must(memstate_state(net.mem)->blob(memstate_state(net.mem)->user, s.subject, &scope, &err), &err);
		MUST(net_log(&net, &s, &net.person[NET_REQUESTER]).effective);
		memcpy(request[i], s.id, 32);
	}
	at = net.log_entries.n;
	MUST(net_decide(&net, request[0], NET_LEGAL, true).effective);
	MUST(net_decide(&net, request[1], NET_LEGAL, true).effective);
	blob.data = data_of(SPAN_OF(reason));
	blob.size = sizeof(reason);
	lab_answer(&server, LAB_BLOB, &blob);
	entry_reply(&e, asked, &p);
	r.entry = &e;
	r.scope = data_of(buf_view(&scope));
	r.n_decisions = 1;
	r.decisions = list;
	cli_json = true;
	entry_reply(&d, at + 1, &q);
	lab_answer(&server, LAB_REQUEST, &r);
	must(show_request(&remote_, request[1], NULL, &err), &err);
	told_to_count(request[1], list, true);
	told_to_count(request[1], list, false);
	/* The other request's. */
	buf_reset(&q);
	entry_reply(&d, at, &q);
	lab_answer(&server, LAB_REQUEST, &r);
	assert_int_equal(show_request(&remote_, request[1], NULL, &err), RC_VERIFY);
	/* This one's, where it does not stand. */
	buf_reset(&q);
	entry_reply(&d, at, &q);
	d.leaf = data_of(leaf_of(at + 1));
	lab_answer(&server, LAB_REQUEST, &r);
	assert_int_equal(show_request(&remote_, request[1], NULL, &err), RC_VERIFY);
	/* Another request altogether. */
	assert_int_equal(show_request(&remote_, request[0], NULL, &err), RC_VERIFY);
	cli_json = false;
}

/* --- set-up ------------------------------------------------------------------------------------------------ */

static void
start_server(void)
{
	struct rpc_client_options	c = { .address = server.address };
	struct err			err;

	lab_start(&server, "Coordinator");
	c.server_cert = c.cert_pem = buf_view(&server.pem);
	c.key_pem = SPAN(secret_view(server.key), secret_len(server.key));
	must(rpc_client_new(&c, &remote_.rpc, &err), &err);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(is_it_logged),
		cmocka_unit_test(its_words_are_cleaned),
		cmocka_unit_test(nested_words_are_cleaned),
		cmocka_unit_test(who_holds),
		cmocka_unit_test(whose_decisions),
	};
	struct err	err;
	struct charter	*genesis;
	int		failed;

	must(secret_init(&err), &err);
	net_init(&net);
	must(charter_parse(buf_view(&net.charter_json), &genesis, &err), &err);
	remote_trust(&remote_, genesis);
	start_server();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rpc_client_free(remote_.rpc);
	lab_done(&server);
	lineage_done(&remote_.lineage);
	net_done(&net);
	return failed;
}

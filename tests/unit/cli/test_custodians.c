/* Custodians that lie, a coordinator that is dead: what people see and can still say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/accuse.h"
#include "cli/handin.h"
#include "tests/unit/cli/lab.h"

#define ALL	0x1fu

static struct lab_server *const	at = lab + 1;	/* custodian i at [i-1] */
static struct remote		remote_;
static struct custodians	*cs;
static struct checkpoint	none;

/* --- notes ------------------------------------------------------------------------------ */

static void
notes_are_verified(void **state)
{
	static const uint8_t	junk[] = "not a note";
	struct test_key		other;
	struct checkpoint	end, huge;
	struct lab_showing		s[4];
	struct checkpoint	seen;

	(void)state;
	test_key_ed25519(&other);
	lab_end(&end);
	lab_all_honest(&end);
	huge = end;
	huge.size = 1000;
	for (int i = 0; i < 4; i++)
		lab_honest(&s[i], &huge);
	/* Another's key; too few cosignatures; nothing that can be read; a good one. */
	buf_reset(&s[0].signed_);
	lab_note(&other, &huge, 0xf, &s[0].signed_);
	s[0].r.checkpoint = data_of(buf_view(&s[0].signed_));
	buf_reset(&s[1].cosigned);
	lab_note(&net.log, &huge, 0x7, &s[1].cosigned);
	s[1].r.cosigned = data_of(buf_view(&s[1].cosigned));
	s[2].r.cosigned = data_of(SPAN_OF(junk));
	for (int i = 0; i < 3; i++)
		lab_answer(&at[i], LAB_CHECKPOINT, &s[i].r);
	custodians_look(cs);
	assert_int_equal(cs->view[0].rc, RC_VERIFY);
	assert_int_equal(cs->view[1].rc, RC_QUORUM);
	assert_int_equal(cs->view[2].rc, RC_FORMAT);
	assert_int_equal(cs->view[3].rc, RC_OK);
	assert_int_equal(custodians_up(cs), 2);
	assert_non_null(strstr(cs->view[0].words, "DID NOT SIGN"));
	assert_true(cs->view[0].spoke);
	/* Nothing that such a one says counts. */
	custodians_seen(cs, &seen);
	assert_int_equal(seen.size, end.size);
	assert_memory_equal(seen.root, end.root, 32);
	lab_answer(&at[3], LAB_CHECKPOINT, &s[3].r);
	custodians_look(cs);
	custodians_seen(cs, &seen);
	assert_int_equal(seen.size, 1000);
	for (int i = 0; i < 4; i++)
		lab_showing_done(&s[i]);
	test_key_done(&other);
}

static void
nobody_answers(void **state)
{
	struct tree_range	empty = TREE_RANGE_INIT;
	uint8_t			root[TREE_HASH_BYTES];
	struct checkpoint	seen;
	uint64_t		start = clock_ms();

	(void)state;
	for (int i = 0; i < NET_N; i++)
		lab_refuse(&at[i], LAB_CHECKPOINT, RC_DENIED, "go away\x1b[2J");
	at[0].answer[LAB_CHECKPOINT].delay_ms = CUSTODIANS_LOOK_MS + 1500;
	at[1].answer[LAB_CHECKPOINT].delay_ms = CUSTODIANS_LOOK_MS + 1500;
	custodians_look(cs);
	/* All at once: one that hangs costs its time, two cost no more. */
	assert_true(clock_ms() - start < CUSTODIANS_LOOK_MS + 1000);
	assert_int_equal(custodians_up(cs), 0);
	assert_false(cs->view[0].spoke);
	assert_true(cs->view[2].spoke);
	assert_null(strchr(cs->view[2].words, '\x1b'));
	custodians_seen(cs, &seen);
	assert_int_equal(seen.size, 0);
	tree_range_root(&empty, root);
	assert_memory_equal(seen.root, root, 32);
}

/* --- texts and lists ------------------------------------------------------------------------ */

static void
texts_are_cleaned_and_lists_cut(void **state)
{
	static char		doubt[] = "\x1b[2Jno", type[] = "\x1b[31mdenial", who[100] = "legal\xe2\x80\xae";
	static uint8_t		id[32] = { 7 };
	struct checkpoint	end;
	struct lab_showing		s;
	struct missing		*m;
	size_t			n;
	struct err		err;

	(void)state;
	memset(who + strlen(who), 'x', 80);
	lab_end(&end);
	lab_all_honest(&end);
	lab_honest(&s, &end);
	s.health.doubt = doubt;
	lab_row(&s, id, type, who, 5);
	lab_row(&s, id, type, who, 9);			/* twice is once */
	s.row[2] = s.row[0];
	s.row[2].id.len = 31;				/* no id */
	s.rows[2] = &s.row[2];
	s.row[3] = s.row[0];
	s.row[3].subject.len = 0;
	s.rows[3] = &s.row[3];
	s.r.n_handed = 4;
	lab_answer(&at[0], LAB_CHECKPOINT, &s.r);
	for (size_t i = 4; i < 65; i++)
		lab_row(&s, id, type, who, 5);
	lab_answer(&at[1], LAB_CHECKPOINT, &s.r);
	custodians_look(cs);
	assert_string_equal(cs->view[0].reply->health->doubt, "?[2Jno");
	assert_int_equal(cs->view[1].rc, RC_LIMIT);
	must(custodians_missing(cs, &m, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_int_equal(m[0].at, 1);
	assert_int_equal(m[0].since, 5);
	assert_string_equal(m[0].type, "?[31mdenial");
	assert_int_equal(strlen(m[0].who), sizeof(m[0].who) - 1);
	assert_int_equal(strncmp(m[0].who, "legal???xx", 10), 0);
	free(m);
	lab_showing_done(&s);
}

static void
a_huge_answer_is_none(void **state)
{
	static char		doubt[CUSTODIANS_REPLY_MAX + 1];
	struct checkpoint	end;
	struct lab_showing		s;

	(void)state;
	lab_end(&end);
	lab_all_honest(&end);
	lab_honest(&s, &end);
	memset(doubt, 'x', sizeof(doubt) - 1);
	s.health.doubt = doubt;
	lab_answer(&at[4], LAB_CHECKPOINT, &s.r);
	custodians_look(cs);
	assert_int_equal(cs->view[4].rc, RC_LIMIT);
	assert_int_equal(custodians_up(cs), 4);
	lab_showing_done(&s);
}

/* Who has it and since when is believed of f+1, not of one. */
static void
what_is_missing(void **state)
{
	static uint8_t		id[2][32] = { { 1 }, { 2 } };
	static char		decision[] = "decision", legal[] = "legal", request[] = "request";
	struct checkpoint	end;
	struct lab_showing		s[NET_N];
	struct missing		*m;
	const struct charter	*c = remote_.charter;
	when			now = 1000000 + c->receipt_seconds;
	size_t			n;
	struct err		err;

	(void)state;
	lab_end(&end);
	for (int i = 0; i < NET_N; i++) {
		lab_honest(&s[i], &end);
		if (i != 4)
			lab_row(&s[i], id[0], decision, legal, i == 0 ? 0 : 1000000 + (when)i);
		if (i == 3)	/* and describes it otherwise, and invents another */
			s[i].row[0].type = request;
		if (i == 3)
			lab_row(&s[i], id[1], decision, legal, 3);
		s[i].health.handed = (uint32_t)s[i].r.n_handed;
		lab_answer(&at[i], LAB_CHECKPOINT, &s[i].r);
	}
	custodians_look(cs);
	assert_int_equal(custodians_handed(cs), 2);
	must(custodians_missing(cs, &m, &n, &err), &err);
	assert_int_equal(n, 3);
	assert_memory_equal(m[0].id, id[1], 32);	/* since 3, says one */
	assert_int_equal(m[0].at, 0x8);
	assert_int_equal(m[1].at, 0x7);
	assert_int_equal(m[1].since, 1000001);		/* f = 1: not what the first says */
	assert_int_equal(m[2].at, 0x8);
	assert_false(missing_is_kept_out(&m[0], c, now));	/* f of them may lie */
	assert_false(missing_is_kept_out(&m[1], c, now + 1));
	assert_true(missing_is_kept_out(&m[1], c, now + 2));
	m[1].since = UINT64_MAX;
	assert_false(missing_is_kept_out(&m[1], c, now + 2));
	m[1].since = 0;
	m[1].logged = true;
	assert_false(missing_is_kept_out(&m[1], c, now + 2));
	free(m);
	for (int i = 0; i < NET_N; i++)
		lab_showing_done(&s[i]);
}

/* --- two pasts ----------------------------------------------------------------------------------- */

static void
two_pasts_are_seen(void **state)
{
	AUTO_DONE(buf_done) struct buf	text = BUF_INIT(ACCUSATION_BYTES_MAX), head = BUF_INIT(BIG);
	struct checkpoint	end, fork;
	struct accusation	x;
	struct conflict		c;
	struct lab_showing		s;
	struct err		err;

	(void)state;
	lab_end(&end);
	fork = end;
	fork.root[0] ^= 1;
	lab_all_honest(&end);
	custodians_look(cs);
	lab_note(&net.log, &end, 0xf, &head);
	assert_false(custodians_conflict(cs, &end, buf_view(&head), &c));
	assert_int_equal(accusation_find(cs, &end, buf_view(&head), &text, &x, &err), RC_MISSING);
	/* One custodian is shown another past, even without a quorum; the coordinator another. */
	lab_honest(&s, &end);
	buf_reset(&s.signed_);
	lab_note(&net.log, &fork, 0x2, &s.signed_);
	s.r.checkpoint = data_of(buf_view(&s.signed_));
	lab_answer(&at[1], LAB_CHECKPOINT, &s.r);
	custodians_look(cs);
	assert_true(custodians_conflict(cs, &none, SPAN(NULL, 0), &c));
	must(accusation_find(cs, &none, SPAN(NULL, 0), &text, &x, &err), &err);
	must(accusation_check(remote_.charter, buf_view(&text), &x, &err), &err);
	assert_int_equal(x.a.size, end.size);
	assert_int_equal(x.cosigned_a.mask | x.cosigned_b.mask, 0x3);
	lab_all_honest(&end);
	custodians_look(cs);
	buf_reset(&head);
	lab_note(&net.log, &fork, 0xf, &head);
	assert_true(custodians_conflict(cs, &fork, buf_view(&head), &c));
	assert_non_null(strstr(c.words, "the coordinator"));
	lab_showing_done(&s);
}

/* It proves itself, whoever brings it; what does not prove itself is nothing. */
static void
accusations_are_verified(void **state)
{
	AUTO_DONE(buf_done) struct buf	good = BUF_INIT(ACCUSATION_BYTES_MAX), text = BUF_INIT(ACCUSATION_BYTES_MAX),
	    one = BUF_INIT(BIG), other = BUF_INIT(BIG);
	static const uint8_t	junk[] = "not a note";
	struct note_key		log, witness[NET_N];
	struct tree_path	path = { .n = 0 };
	struct checkpoint	end, fork;
	struct accusation	x;
	struct lab_showing		s;
	struct err		err;

	(void)state;
	lab_end(&end);
	fork = end;
	fork.root[5] ^= 1;
	lab_note(&net.log, &end, 0xf, &one);
	lab_note(&net.log, &fork, 0x1e, &other);
	must(charter_log_note_key(remote_.charter, &log, &err), &err);
	for (int i = 0; i < NET_N; i++)
		must(charter_witness_note_key(remote_.charter, (uint8_t)(i + 1), &witness[i], &err), &err);
	must(accusation_write(buf_view(&one), buf_view(&other), fork.root, &path, &log, witness, NET_N, &good, &err), &err);
	lab_all_honest(&end);
	lab_honest(&s, &end);
	/* One byte of it is wrong. */
	good.p[30] ^= 1;
	s.r.accusation = data_of(buf_view(&good));
	lab_answer(&at[2], LAB_CHECKPOINT, &s.r);
	custodians_look(cs);
	assert_int_equal(accusation_find(cs, &none, SPAN(NULL, 0), &text, &x, &err), RC_MISSING);
	/* By one whose note is no note. */
	good.p[30] ^= 1;
	s.r.checkpoint = data_of(SPAN_OF(junk));
	lab_answer(&at[2], LAB_CHECKPOINT, &s.r);
	custodians_look(cs);
	must(accusation_find(cs, &none, SPAN(NULL, 0), &text, &x, &err), &err);
	assert_true(span_eq(buf_view(&text), buf_view(&good)));
	assert_int_equal(x.cosigned_a.mask & x.cosigned_b.mask, 0xe);
	lab_showing_done(&s);
}

/* --- handing in ------------------------------------------------------------------------------------ */

static void
denial(uint8_t subject, struct buf *dsse, uint8_t ret_id[32])
{
	struct statement	s;
	struct err		err;

	net_statement(&net, &s, STATEMENT_DECISION);
	memset(s.subject, subject, 32);
	must(statement_sign(&s, &net.person[NET_LEGAL].signer, dsse, &err), &err);
	memcpy(ret_id, s.id, 32);
	statement_done(&s);
}

static void
taken(struct lab_server *to)
{
	Quorate__V1__SubmitReply	r = QUORATE__V1__SUBMIT_REPLY__INIT;

	r.effective = true;
	lab_answer(to, LAB_SUBMIT, &r);
}

static void
each_answer_is_read(void **state)
{
	static char			why[] = "revoked-key\x1b", words[] = "no\x1b[2J";
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	Quorate__V1__SubmitReply	r = QUORATE__V1__SUBMIT_REPLY__INIT;
	Quorate__V1__SubmitRequest	*q;
	static const uint8_t		fixed[] = "a scope";
	struct span			blob = SPAN_OF(fixed);
	uint8_t				id[32];

	(void)state;
	denial(1, &dsse, id);
	taken(&at[0]);
	r.why = why;
	r.words = words;
	lab_answer(&at[1], LAB_SUBMIT, &r);		/* refused */
	r.logged = true;
	lab_answer(&at[2], LAB_SUBMIT, &r);		/* logged, as void */
	r.why = r.words = words + sizeof(words) - 1;	/* "" */
	r.index = 17;
	lab_answer(&at[3], LAB_SUBMIT, &r);		/* logged */
	lab_refuse(&at[4], LAB_SUBMIT, RC_UNSURE, "it is not here yet");
	custodians_submit(cs, buf_view(&dsse), &blob, 1);
	assert_int_equal(cs->took[0].took, TOOK_IT);
	assert_int_equal(cs->took[1].took, TOOK_REFUSED);
	assert_string_equal(cs->took[1].why, "revoked-key?");
	assert_string_equal(cs->took[1].words, "no?[2J");
	assert_int_equal(cs->took[2].took, TOOK_REFUSED);
	assert_int_equal(cs->took[3].took, TOOK_LOGGED);
	assert_int_equal(cs->took[3].index, 17);
	assert_int_equal(cs->took[4].took, TOOK_NOT_YET);
	assert_string_equal(cs->took[4].words, "it is not here yet");
	/* It was asked again, but not for ever; nobody else was. */
	assert_true(at[4].answer[LAB_SUBMIT].calls > 2 && at[4].answer[LAB_SUBMIT].calls < 10);
	assert_int_equal(at[1].answer[LAB_SUBMIT].calls, 1);
	/* What came is what was handed in; this test has no certificate. */
	q = quorate__v1__submit_request__unpack(NULL, at[0].answer[LAB_SUBMIT].request.n,
	    at[0].answer[LAB_SUBMIT].request.p);
	assert_non_null(q);
	assert_true(span_eq(SPAN(q->statement.data, q->statement.len), buf_view(&dsse)));
	assert_int_equal(q->n_blobs, 1);
	assert_int_equal(q->blobs[0].len, sizeof(fixed));
	quorate__v1__submit_request__free_unpacked(q, NULL);
	assert_false(at[0].answer[LAB_SUBMIT].certificate);
}

static struct handin
handing(const struct buf *dsse, const uint8_t id[32])
{
	struct handin	h = { .r = &remote_, .c = cs, .word = "denied", .name = "statement", .dsse = buf_view(dsse) };

	memcpy(h.id, id, 32);
	return h;
}

/* A coordinator that takes its time does not delay a "no". */
static void
no_waits_for_nobody(void **state)
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	uint8_t				id[32];
	uint64_t			start;
	struct handin			h;
	struct err			err;

	(void)state;
	denial(2, &dsse, id);
	for (int i = 0; i < NET_N; i++)
		taken(&at[i]);
	lab_refuse(&lab[0], LAB_SUBMIT, RC_IO, "no");
	lab[0].answer[LAB_SUBMIT].delay_ms = 1500;
	at[0].answer[LAB_SUBMIT].delay_ms = 700;
	h = handing(&dsse, id);
	start = clock_ms();
	handin_no(&h);
	for (int i = 0; i < NET_N; i++)
		assert_true(at[i].answer[LAB_SUBMIT].called_ms - start < 600);
	/* ... nor does a custodian delay the log. */
	assert_true(lab[0].answer[LAB_SUBMIT].called_ms - start < 600);
	assert_int_equal(h.log_rc, RC_IO);
	assert_int_equal(handin_judge(&h, true, &err), RC_OK);
}

/* What the coordinator logged is not sent to custodians; what it did not, is, with its fixed blobs. */
static void
the_rest_goes_to_the_log_first(void **state)
{
	static const uint8_t		fixed[] = "scope", erasable[] = "a reason";
	const struct span		blob[2] = { SPAN_OF(fixed), SPAN_OF(erasable) };
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	Quorate__V1__SubmitRequest	*q;
	uint8_t				id[32];
	struct handin			h;
	struct err			err;

	(void)state;
	denial(3, &dsse, id);
	for (int i = 0; i < NET_N; i++)
		taken(&at[i]);
	h = handing(&dsse, id);
	h.c = NULL;
	h.blob = blob;
	h.n_blobs = 2;
	h.n_fixed = 1;
	lab_refuse(&lab[0], LAB_SUBMIT, RC_DENIED, "I do not like it");
	must(handin_other(&h, &err), &err);
	assert_non_null(h.c);
	q = quorate__v1__submit_request__unpack(NULL, at[0].answer[LAB_SUBMIT].request.n,
	    at[0].answer[LAB_SUBMIT].request.p);
	assert_non_null(q);
	assert_int_equal(q->n_blobs, 1);
	assert_int_equal(q->blobs[0].len, sizeof(fixed));
	quorate__v1__submit_request__free_unpacked(q, NULL);
	/* It is not done before it is logged. */
	assert_int_equal(custodians_took(h.c, TOOK_IT), NET_N);
	assert_int_equal(handin_judge(&h, false, &err), RC_UNSURE);
	assert_non_null(strstr(err.msg, "handed to 5 custodians"));
	custodians_free(h.c);
}

/* A coordinator that is not to be asked is one that does not answer. */
static void
no_identity_no_coordinator(void **state)
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	struct rpc_client		*rpc = remote_.rpc;
	uint8_t				id[32];
	struct handin			h;
	struct err			err;

	(void)state;
	denial(4, &dsse, id);
	for (int i = 0; i < NET_N; i++)
		taken(&at[i]);
	remote_.rpc = NULL;
	h = handing(&dsse, id);
	handin_no(&h);
	remote_.rpc = rpc;
	assert_int_equal(h.log_rc, RC_UNSURE);
	assert_non_null(strstr(h.log_err.msg, "QUORATE_TLS_CERT"));
	assert_int_equal(handin_judge(&h, true, &err), RC_OK);
}

/* --- how it ended: q = 4, f = 1 ------------------------------------------------------------------------ */

#define N	TOOK_NO_ANSWER
#define Y	TOOK_NOT_YET
#define R	TOOK_REFUSED
#define L	TOOK_LOGGED
#define T	TOOK_IT

static const struct {
	const char	*what;
	enum rc		 log;
	enum took	 took[NET_N];
	enum rc		 no, other;
} endings[] = {
	{ "logged, and everywhere",		RC_OK,		{ T, T, T, T, T }, RC_OK,	RC_OK },
	{ "logged, and no custodian answers",	RC_OK,		{ N, N, N, N, N }, RC_OK,	RC_OK },
	{ "the coordinator is dead, q took it",	RC_UNSURE,	{ T, T, T, T, N }, RC_OK,	RC_UNSURE },
	{ "q have it on either way",		RC_UNSURE,	{ T, L, T, L, N }, RC_OK,	RC_UNSURE },
	{ "q, though one says it is void",	RC_UNSURE,	{ T, T, T, T, R }, RC_OK,	RC_UNSURE },
	{ "q, though the coordinator refuses",	RC_DENIED,	{ T, T, T, T, R }, RC_OK,	RC_UNSURE },
	{ "q, though the coordinator lies",	RC_VERIFY,	{ T, T, T, T, N }, RC_OK,	RC_UNSURE },
	{ "fewer than q",			RC_UNSURE,	{ T, T, T, N, N }, RC_UNSURE,	RC_UNSURE },
	{ "one",				RC_DENIED,	{ T, R, R, R, R }, RC_UNSURE,	RC_UNSURE },
	{ "nobody answers",			RC_UNSURE,	{ N, N, N, N, N }, RC_UNSURE,	RC_UNSURE },
	{ "the coordinator alone refuses",	RC_DENIED,	{ N, N, N, N, N }, RC_UNSURE,	RC_DENIED },
	{ "it is void, both say",		RC_DENIED,	{ R, N, N, N, N }, RC_DENIED,	RC_DENIED },
	{ "no such request, both say",		RC_DENIED,	{ Y, N, N, N, N }, RC_DENIED,	RC_DENIED },
	{ "its own log has it as effective",	RC_DENIED,	{ L, L, L, L, R }, RC_OK,	RC_UNSURE },
	{ "one alone says it is void",		RC_UNSURE,	{ R, N, N, N, N }, RC_UNSURE,	RC_UNSURE },
	{ "more than f say it is void",		RC_UNSURE,	{ R, R, N, N, N }, RC_DENIED,	RC_UNSURE },
	{ "not there yet",			RC_UNSURE,	{ Y, Y, Y, Y, Y }, RC_UNSURE,	RC_UNSURE },
	{ "a full disk, and nobody took it",	RC_IO,		{ N, N, N, N, N }, RC_UNSURE,	RC_IO },
};

static void
how_it_ended(void **state)
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	uint8_t				id[32];
	struct handin			h;
	struct err			err;
	enum rc				rc;

	(void)state;
	denial(5, &dsse, id);
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		h = handing(&dsse, id);
		(void)err_set(&h.log_err, endings[i].log, "the coordinator's words");
		h.log_rc = endings[i].log;
		for (int k = 0; k < NET_N; k++) {
			memset(&cs->took[k], 0, sizeof(cs->took[k]));
			cs->took[k].took = endings[i].took[k];
		}
		rc = handin_judge(&h, true, &err);
		if (rc != endings[i].no)
			fail_msg("%s: a \"no\": %s", endings[i].what, rc_name(rc));
		rc = handin_judge(&h, false, &err);
		if (rc != endings[i].other)
			fail_msg("%s: another: %s", endings[i].what, rc_name(rc));
	}
}

/* A "no" that all refuse says why. */
static void
why_it_is_void(void **state)
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	uint8_t				id[32];
	struct handin			h;
	struct err			err;

	(void)state;
	denial(6, &dsse, id);
	h = handing(&dsse, id);
	h.log_rc = err_set(&h.log_err, RC_DENIED, "the coordinator's words");
	for (int k = 0; k < NET_N; k++) {
		cs->took[k].took = TOOK_REFUSED;
		(void)snprintf(cs->took[k].words, sizeof(cs->took[k].words), "the key was revoked");
	}
	assert_int_equal(handin_tell(&h, true, &err), RC_DENIED);
	assert_string_equal(err.msg, "refused: the key was revoked");
}

/* --- set-up -------------------------------------------------------------------------------------------------- */

static void
start(void)
{
	struct rpc_client_options	o = { .address = lab[0].address };
	struct err			err;

	lab_found();
	must(charter_parse(buf_view(&net.charter_json), &remote_.charter, &err), &err);
	o.server_cert = buf_view(&lab[0].pem);
	must(rpc_client_new(&o, &remote_.rpc, &err), &err);
	must(custodians_new(&remote_, &cs, &err), &err);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(notes_are_verified),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(texts_are_cleaned_and_lists_cut),
		cmocka_unit_test(a_huge_answer_is_none),
		cmocka_unit_test(what_is_missing),
		cmocka_unit_test(two_pasts_are_seen),
		cmocka_unit_test(accusations_are_verified),
		cmocka_unit_test(each_answer_is_read),
		cmocka_unit_test(no_waits_for_nobody),
		cmocka_unit_test(the_rest_goes_to_the_log_first),
		cmocka_unit_test(no_identity_no_coordinator),
		cmocka_unit_test(how_it_ended),
		cmocka_unit_test(why_it_is_void),
	};
	struct err	err;
	int		failed;

	must(secret_init(&err), &err);
	start();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	custodians_free(cs);
	rpc_client_free(remote_.rpc);
	charter_free(remote_.charter);
	lab_close();
	return failed;
}

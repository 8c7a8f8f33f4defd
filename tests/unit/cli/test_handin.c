/* What people hand in past a coordinator that is dead, slow or unwilling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/handin.h"
#include "tests/unit/cli/lab.h"

static struct lab_server *const	at = lab + 1;	/* custodian i at [i-1] */
static struct remote		remote_;
static struct custodians	*cs;

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

/* Who runs a "no" again, as they are told to, is not told that it is refused. */
static void
a_no_again(void **state)
{
	static const struct {
		const char	*again, *why;
		unsigned	 taken, refused;
		enum rc		 rc;
	} rows[] = {
		{ "denied-before",	"denied-before",	3, 2, RC_OK },
		{ "denied-before",	"denied-before",	0, 5, RC_OK },
		{ "denied-before",	"denied-before",	1, 2, RC_UNSURE },	/* fewer than q */
		{ "denied-before",	"request-ended",	0, 5, RC_DENIED },
		{ "duplicate",		"denied-before",	0, 5, RC_DENIED },
		{ NULL,			"denied-before",	0, 5, RC_DENIED },
	};
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	Quorate__V1__SubmitReply	r = QUORATE__V1__SUBMIT_REPLY__INIT;
	uint8_t				id[32];
	struct handin			h;
	struct err			err;

	(void)state;
	denial(7, &dsse, id);
	r.words = (char *)(uintptr_t)"void";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r.why = (char *)(uintptr_t)rows[i].why;
		lab_refuse(&lab[0], LAB_SUBMIT, RC_UNSURE, "asleep");
		for (unsigned k = 0; k < NET_N; k++)
			if (k < rows[i].taken)
				taken(&at[k]);
			else if (k < rows[i].taken + rows[i].refused)
				lab_answer(&at[k], LAB_SUBMIT, &r);
			else
				lab_refuse(&at[k], LAB_SUBMIT, RC_IO, "asleep");
		h = handing(&dsse, id);
		h.again = rows[i].again;
		handin_no(&h);
		assert_int_equal(h.repeats, rows[i].again != NULL && strcmp(rows[i].again, rows[i].why) == 0);
		assert_int_equal(handin_tell(&h, true, &err), rows[i].rc);
		if (strcmp(rows[i].why, "request-ended") == 0)
			assert_non_null(strstr(err.msg, "quorate status"));
	}
}

/* Nor is who approves again, when the answer to the first time was lost; but q must say so. */
static void
a_yes_again(void **state)
{
	static const struct {
		const char	*again, *why;
		unsigned	 refused;
		enum rc		 rc;
	} rows[] = {
		{ "decided",	"decided",		5, RC_OK },
		{ "decided",	"decided",		4, RC_OK },
		{ "decided",	"decided",		3, RC_UNSURE },	/* fewer than q */
		{ "decided",	"denied-before",	5, RC_DENIED },
		{ NULL,		"decided",		5, RC_DENIED },
	};
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	Quorate__V1__SubmitReply	r = QUORATE__V1__SUBMIT_REPLY__INIT;
	uint8_t				id[32];
	struct handin			h;
	struct err			err;

	(void)state;
	denial(8, &dsse, id);
	r.words = (char *)(uintptr_t)"void";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r.why = (char *)(uintptr_t)rows[i].why;
		lab_refuse(&lab[0], LAB_SUBMIT, RC_DENIED, "its author has approved this request already");
		for (unsigned k = 0; k < NET_N; k++)
			if (k < rows[i].refused)
				lab_answer(&at[k], LAB_SUBMIT, &r);
			else
				lab_refuse(&at[k], LAB_SUBMIT, RC_IO, "asleep");
		h = handing(&dsse, id);
		h.c = NULL;
		h.again = rows[i].again;
		must(handin_other(&h, &err), &err);
		assert_int_equal(handin_tell(&h, false, &err), rows[i].rc);
		custodians_free(h.c);
	}
}

/* --- set-up -------------------------------------------------------------------------------------------------- */

static void
start(void)
{
	struct rpc_client_options	o = { .address = lab[0].address };
	struct err			err;
	struct charter		*genesis;

	lab_found();
	must(charter_parse(buf_view(&net.charter_json), &genesis, &err), &err);
	remote_trust(&remote_, genesis);
	o.server_cert = buf_view(&lab[0].pem);
	must(rpc_client_new(&o, &remote_.rpc, &err), &err);
	must(custodians_new(&remote_, &cs, &err), &err);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(each_answer_is_read),
		cmocka_unit_test(no_waits_for_nobody),
		cmocka_unit_test(the_rest_goes_to_the_log_first),
		cmocka_unit_test(no_identity_no_coordinator),
		cmocka_unit_test(how_it_ended),
		cmocka_unit_test(why_it_is_void),
		cmocka_unit_test(a_no_again),
		cmocka_unit_test(a_yes_again),
	};
	struct err	err;
	int		failed;

	must(secret_init(&err), &err);
	start();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	custodians_free(cs);
	rpc_client_free(remote_.rpc);
	lineage_done(&remote_.lineage);
	lab_close();
	return failed;
}

/* Custodians that lie: what people see and believe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/accuse.h"
#include "tests/unit/cli/lab.h"

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
	static char		decision[] = "denial", legal[] = "legal", request[] = "request";
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
		cmocka_unit_test(notes_are_verified),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(texts_are_cleaned_and_lists_cut),
		cmocka_unit_test(a_huge_answer_is_none),
		cmocka_unit_test(what_is_missing),
		cmocka_unit_test(two_pasts_are_seen),
		cmocka_unit_test(accusations_are_verified),
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

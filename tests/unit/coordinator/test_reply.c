/* What a custodian answers: each piece is checked before it counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coordinator/readers.h"
#include "coordinator/replica_link.h"
#include "tests/unit/coordinator/rig.h"

#define ME	2	/* the custodian that answers */

struct one {
	struct rig		 rig;
	struct replica_link	 link;
	struct page		 page;
	Quorate__V1__AppendReply m;
	struct statement	 batch;
	uint64_t		 index;		/* of its entry */
};

static int
setup(void **state)
{
	struct one	*o = calloc(1, sizeof(*o));
	char		 path[FILE_PATH_MAX];
	struct err	 err;

	assert_non_null(o);
	*state = o;
	rig_init(&o->rig);
	rig_start(&o->rig);
	o->link.c = &o->rig.c;
	o->link.index = ME;
	assert_int_equal(pthread_mutex_init(&o->link.lock, NULL), 0);
	assert_int_equal(file_path(path, &err, "%s/log.db", o->rig.c.dir), RC_OK);
	assert_int_equal(store_open(path, STORE_READ, &o->link.store, &err), RC_OK);
	page_init(&o->page);
	return 0;
}

static int
teardown(void **state)
{
	struct one	*o = *state;

	statement_done(&o->batch);
	page_done(&o->page);
	store_close(o->link.store);
	(void)pthread_mutex_destroy(&o->link.lock);
	rig_stop(&o->rig);
	rig_done(&o->rig);
	free(o);
	return 0;
}

/* An honest answer after all that is in the log. */
static void
honest(struct one *o)
{
	static struct verdict	v;
	struct err		err;

	quorate__v1__append_reply__init(&o->m);
	o->m.size = sequencer_size(o->rig.c.sequencer);
	o->m.rules = CHARTER_RULES;
	assert_int_equal(store_verdict(o->link.store, o->m.size - 1, &v, &err), RC_OK);
	o->m.state_digest = pb_bytes(SPAN(v.state, SHA256_BYTES));
}

static enum rc
take(struct one *o, bool *progress)
{
	struct buf	b = BUF_INIT(RPC_MESSAGE_MAX);
	struct err	err;
	enum rc		rc;

	assert_int_equal(pb_pack(&o->m.base, &b, &err), RC_OK);
	rc = reply_take(&o->link, &o->page, buf_view(&b), progress, &err);
	buf_done(&b);
	return rc;
}

/* ---- its state ------------------------------------------------------------------ */

static void
another_state_freezes_it(void **state)
{
	static uint8_t	other[SHA256_BYTES];
	struct one	*o = *state;
	bool		 progress;

	honest(o);
	assert_int_equal(take(o, &progress), RC_OK);
	assert_false(o->link.status.frozen);
	o->m.state_digest = pb_bytes(SPAN_OF(other));
	assert_int_equal(take(o, &progress), RC_OK);
	assert_true(o->link.status.frozen);
}

static void
other_rules_freeze_it(void **state)
{
	struct one	*o = *state;
	bool		 progress;

	honest(o);
	o->m.rules++;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_true(o->link.status.frozen);
}

static void
more_than_the_log_is_an_alarm(void **state)
{
	struct one	*o = *state;
	bool		 progress;

	honest(o);
	o->m.size++;
	assert_int_equal(take(o, &progress), RC_BUG);
	assert_true(o->link.status.frozen);
}

/* Who leads us to and fro would otherwise have our whole time. */
static void
only_forward_is_progress(void **state)
{
	struct one	*o = *state;
	bool		 progress;

	honest(o);
	o->link.known = true;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_true(progress);
	assert_int_equal(take(o, &progress), RC_OK);
	assert_false(progress);
	o->m.size = 0;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_false(progress);
}

/* ---- held ------------------------------------------------------------------------ */

static void
log_batch(struct one *o)
{
	struct buf		vectors = BUF_INIT(4096), dsse = BUF_INIT(DSSE_BYTES_MAX), one = BUF_INIT(4096);
	struct span		vector[NET_N], blob;
	struct descriptor	d;
	struct submission	sub;
	struct err		err;
	uint8_t			i;

	net_descriptor(&o->rig.net, "standard", &d);
	net_batch(&o->rig.net, &d, 1, &o->batch);
	o->batch.seen_size = 0;
	tree_empty(o->batch.seen_root);
	for (i = 0; i < NET_N; i++)
		vector[i] = SPAN_STR("a vector");
	descriptor_write(&d, &one);
	buf_vec16(&vectors, buf_view(&one));
	blob = buf_view(&vectors);
	assert_int_equal(statement_sign(&o->batch, &o->rig.net.sealer.signer, &dsse, &err), RC_OK);
	sub = (struct submission){ .dsse = buf_view(&dsse), .blob = &blob, .n_blobs = 1, .vector = vector };
	assert_int_equal(sequencer_submit(o->rig.c.sequencer, &sub, &err), RC_OK);
	assert_int_equal(sub.fate, FATE_LOGGED);
	o->index = sub.index;
	memcpy(o->batch.id, sub.verdict.id, SHA256_BYTES);
	buf_done(&vectors);
	buf_done(&one);
	buf_done(&dsse);
}

/* What can be wrong with a held statement, one at a time. */
static const struct held_row {
	const char	*name;
	uint8_t		 says, signs;	/* whose it says it is, who signs */
	bool		 other_shares, other_genesis, other_batch;
	unsigned	 counts;
} held_rows[] = {
	{ "a good one",			ME, ME,	false, false, false, 1 },
	{ "another custodian's",	3, 3,	false, false, false, 0 },
	{ "for another custodian",	3, ME,	false, false, false, 0 },
	{ "signed by another",		ME, 3,	false, false, false, 0 },
	{ "over another share vector",	ME, ME,	true,  false, false, 0 },
	{ "under another charter",	ME, ME,	false, true,  false, 0 },
	{ "of a batch that is not",	ME, ME,	false, false, true,  0 },
};

static void
write_held(struct one *o, const struct held_row *row, struct buf *out)
{
	struct statement	s;
	struct err		err;

	net_statement(&o->rig.net, &s, STATEMENT_HELD);
	memcpy(s.subject, o->batch.id, SHA256_BYTES);
	s.u.held.custodian = row->says;
	memcpy(s.u.held.shares, o->batch.u.batch.custodian[ME - 1].shares, SHA256_BYTES);
	s.u.held.shares[0] ^= row->other_shares;
	s.genesis[0] ^= row->other_genesis;
	s.subject[0] ^= row->other_batch;
	assert_int_equal(statement_sign(&s, &o->rig.net.signing[row->signs - 1].signer, out, &err), RC_OK);
	statement_done(&s);
}

static void
held_is_checked(void **state)
{
	struct one		*o = *state;
	struct buf		 dsse = BUF_INIT(DSSE_BYTES_MAX);
	ProtobufCBinaryData	 list[1];
	size_t			 i = sizeof(held_rows) / sizeof(held_rows[0]);
	bool			 progress;

	log_batch(o);
	while (i-- > 0) {	/* the good one last: what counted would stay */
		print_message("%s\n", held_rows[i].name);
		buf_reset(&dsse);
		write_held(o, &held_rows[i], &dsse);
		honest(o);
		list[0] = pb_bytes(buf_view(&dsse));
		o->m.held = list;
		o->m.n_held = 1;
		assert_int_equal(take(o, &progress), RC_OK);
		assert_int_equal(journal_held_count(o->link.store, o->index, NET_N), held_rows[i].counts);
	}
	/* Said twice, it is still one custodian's. */
	assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(journal_held_count(o->link.store, o->index, NET_N), 1);
	buf_done(&dsse);
}

/* ---- what it hands over ------------------------------------------------------------- */

/* A "no" is logged, whatever was put before it. */
static void
what_cannot_be_logged_blocks_nothing(void **state)
{
	struct one		*o = *state;
	struct buf		 lost = BUF_INIT(DSSE_BYTES_MAX), no = BUF_INIT(DSSE_BYTES_MAX);
	struct buf		 stranger = BUF_INIT(DSSE_BYTES_MAX);
	Quorate__V1__Handed	 handed[4], *list[4];
	bool			 progress;
	size_t			 i;

	rig_request(&o->rig, SPAN_STR("a scope that nobody sent"), &lost);
	rig_revocation(&o->rig, NET_STRANGER, &stranger);
	rig_revocation(&o->rig, NET_LEGAL, &no);
	honest(o);
	for (i = 0; i < 4; i++) {
		quorate__v1__handed__init(&handed[i]);
		list[i] = &handed[i];
	}
	handed[0].statement = pb_bytes(buf_view(&lost));
	handed[1].statement = pb_bytes(buf_view(&stranger));
	handed[2].statement = pb_bytes(SPAN_STR("{"));
	handed[3].statement = pb_bytes(buf_view(&no));
	o->m.statements = list;
	o->m.n_statements = 4;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(sequencer_size(o->rig.c.sequencer), 2);
	buf_done(&lost);
	buf_done(&stranger);
	buf_done(&no);
}

/* A line of another custodian, or over another text, is not its cosignature. */
static void
cosignature_is_its_own(void **state)
{
	struct one	*o = *state;
	struct buf	 line = BUF_INIT(1024);
	struct err	 err;
	uint64_t	 until = clock_ms() + 10000, seen = 0;
	bool		 progress;

	do {
		assert_int_equal(cosigning_target(o->rig.c.cosigning, clock_ms(), &o->page.target, &err), RC_OK);
		seen = o->page.target.size == 0 ? cosigning_await(o->rig.c.cosigning, seen, 20) : seen;
	} while (o->page.target.size == 0 && clock_ms() < until);
	o->page.whole = true;
	o->page.m.checkpoint = pb_bytes(buf_view(&o->page.target.note));
	honest(o);
	rig_line(&o->rig, 3, rig_text(buf_view(&o->page.target.note)), &line);
	o->m.cosignature = pb_bytes(buf_view(&line));
	assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(cosigning_have(o->rig.c.cosigning, 1), 0);
	buf_reset(&line);
	rig_line(&o->rig, ME, rig_text(buf_view(&o->page.target.note)), &line);
	o->m.cosignature = pb_bytes(buf_view(&line));
	assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(cosigning_have(o->rig.c.cosigning, 1), 1);
	buf_done(&line);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		T(another_state_freezes_it),
		T(other_rules_freeze_it),
		T(more_than_the_log_is_an_alarm),
		T(only_forward_is_progress),
		T(held_is_checked),
		T(what_cannot_be_logged_blocks_nothing),
		T(cosignature_is_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

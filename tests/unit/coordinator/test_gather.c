/*
 * Custodians that do not contribute as they should, up to f at once, each in its own
 * way: the release gets its k answers from others, and the culprit is known. What
 * replicator.c does is played here, one thread a call as there.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/entry.h"
#include "coordinator/clock.h"
#include "coordinator/collect.h"
#include "coordinator/cosigning.h"
#include "coordinator/journal.h"
#include "coordinator/pb.h"
#include "coordinator/replicator.h"
#include "evidence/cms.h"
#include "tests/unit/coordinator/rig.h"

enum act {
	GOOD,			/* a message and a receipt over it */
	SLOW,			/* the same, 300 ms later */
	LATE,			/* the same, once another's receipt is logged */
	SILENT,			/* nothing, until it is called off */
	GARBAGE,		/* no ContributeReply */
	NO_CMS,			/* no sealed message, with a receipt over it */
	OTHER_ADDRESSEE,	/* sealed to another than the order says */
	NO_RECEIPT,
	OTHER_MESSAGE,		/* a receipt of its own over another message */
	OTHER_ORDER,		/* ... for another order */
	OTHERS_RECEIPT,		/* another custodian's, over this message */
	FALSE_NAME,		/* its own, signed with another's key */
	FRAMES,			/* it signs that another contributed */
	TWICE,			/* a receipt that is logged, and then another */
	REFUSES,
	NOT_YET,		/* for ever */
	NOT_YET_TWICE,		/* then good */
	FROZEN,			/* good, but its state is not ours */
	DOUBTS,			/* good, but it said it would not be */
};

static struct rig	rig;
static uint8_t		order[SHA256_BYTES];
static enum act		act[NET_N];
static unsigned		asked[NET_N];
static struct buf	sent[NET_N];		/* the last message of each */
static uint64_t		size_before;		/* of the log, when they are asked */
static pthread_mutex_t	lock = PTHREAD_MUTEX_INITIALIZER;
static struct err	err;

/* ---- the custodians ------------------------------------------------------------------ */

void
replicators_status(struct replicators *r, uint8_t custodian, struct custodian_status *ret)
{
	(void)r;
	memset(ret, 0, sizeof(*ret));
	ret->reachable = true;
	ret->seen_ms = clock_ms();
	ret->cosigned = UINT64_MAX;
	ret->frozen = act[custodian - 1] == FROZEN;
	ret->health.known = true;
	if (act[custodian - 1] == DOUBTS)
		(void)strcpy(ret->health.doubt, "a doubt");
}

enum rc
replicators_agree(struct replicators *r, struct err *e)
{
	(void)r;
	(void)e;
	return RC_OK;
}

unsigned
replicators_reachable(struct replicators *r)
{
	(void)r;
	return NET_N;
}

unsigned
replicators_unready(struct replicators *r)
{
	(void)r;
	return 0;
}

void
replicators_hurry(struct replicators *r)
{
	(void)r;
}

void
replicators_bring(struct replicators *r, uint8_t custodian)
{
	(void)r;
	(void)custodian;
}

enum rc
replicators_wait(struct replicators *r, uint64_t size, unsigned ms, uint32_t *ret_have, struct err *e)
{
	(void)r;
	(void)size;
	(void)ms;
	(void)e;
	*ret_have = NET_N;
	return RC_OK;
}

enum rc
replicators_new(struct coordinator *c, struct replicators **ret, struct err *e)
{
	(void)c;
	(void)ret;
	return err_set(e, RC_BUG, "not here");
}

void
replicators_close(struct replicators *r)
{
	(void)r;
}

void
replicators_free(struct replicators *r)
{
	(void)r;
}

static enum rc
fails(enum act a, unsigned times, char said[RPC_SAID_BYTES], struct err *e)
{
	const char	*words = "a no that it was handed";

	if (a == SILENT)
		cosigning_pause(rig.c.cosigning, ASK_TIMEOUT_MS);
	if (a == SILENT)
		return err_set(e, RC_UNSURE, "no answer in time");
	if (a == REFUSES) {
		(void)snprintf(said, RPC_SAID_BYTES, "%s", words);
		return err_set(e, RC_DENIED, "%s", words);
	}
	if (a == NOT_YET || (a == NOT_YET_TWICE && times <= 2))
		return err_set(e, RC_UNSURE, "not yet");
	return RC_OK;
}

static void
write_receipt(enum act a, uint8_t custodian, struct span message, struct buf *out)
{
	static const uint8_t	other[SHA256_BYTES] = { 1 };
	uint8_t			next = (uint8_t)(custodian % NET_N + 1);

	if (a == NO_RECEIPT)
		return;
	rig_receipt(&rig, a == OTHERS_RECEIPT || a == FRAMES ? next : custodian, a == OTHER_ORDER ? other : order,
	    a == OTHER_MESSAGE ? SPAN_STR("another") : message,
	    &rig.net.signing[(a == OTHERS_RECEIPT || a == FALSE_NAME ? next : custodian) - 1].signer, out);
}

static struct span
write_message(enum act a, uint8_t custodian)
{
	struct buf	*b = &sent[custodian - 1];

	buf_done(b);
	*b = BUF_INIT(CMS_BYTES_MAX);
	if (a == NO_CMS)
		buf_span(b, SPAN_STR("\x30\x03\x02\x01\x01"));
	else
		assert_int_equal(cms_seal(buf_view(a == OTHER_ADDRESSEE ? &rig.net.recipient : &rig.net.worker),
		    SPAN(&custodian, 1), b, NULL), RC_OK);
	return buf_view(b);
}

static void
submit_receipt(struct span receipt)
{
	struct submission	sub = { .dsse = receipt };

	assert_int_equal(sequencer_submit(rig.c.sequencer, &sub, NULL), RC_OK);
	assert_int_equal(sub.fate, FATE_LOGGED);
}

enum rc
replicators_call(struct replicators *r, uint8_t custodian, const char *method, struct span request,
    unsigned ms, struct buf *reply, char said[RPC_SAID_BYTES], struct err *e)
{
	Quorate__V1__ContributeReply	m = QUORATE__V1__CONTRIBUTE_REPLY__INIT;
	AUTO_DONE(buf_done) struct buf	receipt = BUF_INIT(DSSE_BYTES_MAX), first = BUF_INIT(DSSE_BYTES_MAX);
	enum act			a = act[custodian - 1];
	unsigned			times;
	struct span			message;

	(void)r;
	(void)method;
	(void)request;
	(void)ms;
	(void)pthread_mutex_lock(&lock);
	times = ++asked[custodian - 1];
	(void)pthread_mutex_unlock(&lock);
	TRY(fails(a, times, said, e));
	if (a == SLOW)
		cosigning_pause(rig.c.cosigning, 300);
	if (a == GARBAGE) {
		buf_span(reply, SPAN_STR("\xff\xff\xff"));
		return RC_OK;
	}
	(void)pthread_mutex_lock(&lock);	/* the fixture is not made for threads */
	message = write_message(a, custodian);
	if (a == TWICE) {
		write_receipt(GOOD, custodian, SPAN_STR("what it said before"), &first);
		submit_receipt(buf_view(&first));
	}
	write_receipt(a, custodian, message, &receipt);
	(void)pthread_mutex_unlock(&lock);
	while (a == LATE && sequencer_size(rig.c.sequencer) == size_before && !cosigning_woken(rig.c.cosigning))
		(void)sched_yield();
	m.message = pb_bytes(message);
	m.receipt = pb_bytes(buf_view(&receipt));
	return pb_pack(&m.base, reply, e);
}

/* ---- each way to fail ----------------------------------------------------------------- */

#define BIT(i)	(UINT32_C(1) << ((i) - 1))
#define A_SECOND	1000u		/* who is silent so long is not counted on */
#define BUSY		15000u		/* less than one that is silent is waited for */

static const struct row {
	const char	*name;
	enum act	 act[NET_N];
	unsigned	 want;
	enum rc		 rc;
	uint32_t	 good, liars, refusers, receipts;	/* receipts: what stands in the log */
	unsigned	 ms;		/* at most, on a busy machine */
} rows[] = {
	{ "all are honest", { GOOD, GOOD, GOOD, GOOD, GOOD }, 3, RC_OK, 7, 0, 0, 7, BUSY },
	{ "one is silent", { SILENT, GOOD, GOOD, GOOD, GOOD }, 3, RC_OK, BIT(2) | BIT(3) | BIT(4), 0, 0,
	    BIT(2) | BIT(3) | BIT(4), BUSY },
	{ "two are silent", { SILENT, SILENT, GOOD, GOOD, GOOD }, 3, RC_OK, BIT(3) | BIT(4) | BIT(5), 0, 0,
	    BIT(3) | BIT(4) | BIT(5), BUSY },
	{ "garbage comes first", { GARBAGE, SLOW, SLOW, SLOW, GOOD }, 3, RC_OK, BIT(2) | BIT(3) | BIT(4), BIT(1), 0,
	    BIT(2) | BIT(3) | BIT(4), BUSY },
	{ "no message", { NO_CMS, GOOD, GOOD, GOOD, GOOD }, 3, RC_OK, BIT(2) | BIT(3) | BIT(4), BIT(1), 0, 15, BUSY },
	{ "sealed to another", { OTHER_ADDRESSEE, GOOD, GOOD, GOOD, GOOD }, 3, RC_OK, BIT(2) | BIT(3) | BIT(4), BIT(1),
	    0, 15, BUSY },
	{ "no receipt", { NO_RECEIPT, GOOD, GOOD, GOOD, GOOD }, 3, RC_OK, BIT(2) | BIT(3) | BIT(4), BIT(1), 0,
	    BIT(2) | BIT(3) | BIT(4), BUSY },
	{ "its receipt is over another message: logged, and not used", { OTHER_MESSAGE, GOOD, GOOD, GOOD, GOOD }, 3,
	    RC_OK, BIT(2) | BIT(3) | BIT(4), BIT(1), 0, 15, BUSY },
	{ "its receipt is for another order", { OTHER_ORDER, GOOD, GOOD, GOOD, GOOD }, 3, RC_OK,
	    BIT(2) | BIT(3) | BIT(4), BIT(1), 0, BIT(2) | BIT(3) | BIT(4), BUSY },
	{ "another's receipt frames nobody", { OTHERS_RECEIPT, SILENT, GOOD, GOOD, GOOD }, 3, RC_OK,
	    BIT(3) | BIT(4) | BIT(5), BIT(1), 0, BIT(3) | BIT(4) | BIT(5), BUSY },
	{ "signed with another's key", { FALSE_NAME, GOOD, GOOD, GOOD, GOOD }, 3, RC_OK,
	    BIT(2) | BIT(3) | BIT(4), BIT(1), 0, BIT(2) | BIT(3) | BIT(4), BUSY },
	{ "signed by it, about another", { FRAMES, GOOD, GOOD, GOOD, GOOD }, 3, RC_OK,
	    BIT(2) | BIT(3) | BIT(4), BIT(1), 0, BIT(2) | BIT(3) | BIT(4), BUSY },
	{ "a second receipt is a second answer", { TWICE, GOOD, GOOD, GOOD, GOOD }, 3, RC_OK,
	    BIT(2) | BIT(3) | BIT(4), BIT(1), 0, 15, BUSY },
	{ "one refuses", { REFUSES, GOOD, GOOD, GOOD, GOOD }, 3, RC_OK, BIT(2) | BIT(3) | BIT(4), 0, BIT(1),
	    BIT(2) | BIT(3) | BIT(4), BUSY },
	{ "one says not yet, and then contributes", { NOT_YET_TWICE, GOOD, GOOD, REFUSES, REFUSES }, 3, RC_OK, 7, 0,
	    BIT(4) | BIT(5), 7, BUSY },
	{ "one says not yet for ever", { NOT_YET, GOOD, GOOD, GOOD, GOOD }, 3, RC_OK, BIT(2) | BIT(3) | BIT(4), 0, 0,
	    BIT(2) | BIT(3) | BIT(4), BUSY },
	{ "a frozen one is not asked", { FROZEN, GOOD, GOOD, GOOD, GOOD }, 3, RC_OK, BIT(2) | BIT(3) | BIT(4), 0, 0,
	    BIT(2) | BIT(3) | BIT(4), BUSY },
	{ "one that doubts is asked last", { DOUBTS, GOOD, GOOD, GOOD, GOOD }, 3, RC_OK, BIT(2) | BIT(3) | BIT(4), 0,
	    0, BIT(2) | BIT(3) | BIT(4), BUSY },
	{ "three refuse: their words, at once", { REFUSES, REFUSES, GOOD, GOOD, REFUSES }, 3, RC_DENIED,
	    BIT(3) | BIT(4), 0, BIT(1) | BIT(2) | BIT(5), 0, BUSY },
	{ "three lie: their receipts all the same", { OTHER_MESSAGE, GARBAGE, GOOD, GOOD, OTHER_MESSAGE }, 3,
	    RC_DENIED, BIT(3) | BIT(4), BIT(1) | BIT(2) | BIT(5), 0, BIT(1) | BIT(5), BUSY },
	{ "three fail for ever, which is no refusal", { NOT_YET, NOT_YET, GOOD, GOOD, NOT_YET }, 3, RC_UNSURE,
	    BIT(3) | BIT(4), 0, 0, 0, 40000 },
	{ "two are frozen, one refuses", { FROZEN, FROZEN, GOOD, GOOD, REFUSES }, 3, RC_DENIED, BIT(3) | BIT(4), 0,
	    BIT(5), 0, BUSY },
	{ "one more is wanted, and comes", { GOOD, GOOD, GOOD, SLOW, GOOD }, 4, RC_OK, 15, 0, 0, 15, BUSY },
	{ "one more is wanted, and others refuse", { GOOD, GOOD, GOOD, REFUSES, REFUSES }, 4, RC_OK, 7, 0,
	    BIT(4) | BIT(5), 7, BUSY },
	{ "one more is wanted, and the others are silent", { GOOD, GOOD, GOOD, SILENT, SILENT }, 4, RC_OK, 7, 0, 0, 7,
	    BUSY },
};

/* Which custodians' receipts for the order the log shows as effective. */
static enum rc
on_receipt(void *user, uint64_t index, enum statement_type type, bool effective, struct err *e)
{
	struct store		*log = ((void **)user)[0];
	uint32_t		*mask = ((void **)user)[1];
	AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(ENTRY_BYTES_MAX);
	struct entry		 entry;
	struct admission	 a;
	enum void_reason	 why;

	if (type != STATEMENT_RECEIPT || !effective)
		return RC_OK;
	TRY(store_entry(log, index, &leaf, e));
	TRY(entry_parse(buf_view(&leaf), &entry, e));
	TRY(admit(rig.c.first, entry.dsse, &a, &why, e));
	*mask |= BIT(a.s.u.receipt.custodian);
	admission_done(&a);
	return RC_OK;
}

static uint32_t
logged_receipts(void)
{
	uint32_t	 mask = 0;
	char		 path[FILE_PATH_MAX];
	struct store	*log;
	void		*user[2];

	assert_int_equal(file_path(path, &err, "%s/log.db", rig.c.dir), RC_OK);
	assert_int_equal(store_open(path, STORE_READ, &log, &err), RC_OK);
	user[0] = log;
	user[1] = &mask;
	assert_int_equal(journal_subject(log, order, on_receipt, user, &err), RC_OK);
	store_close(log);
	return mask;
}

struct seen {
	enum rc		rc;
	uint32_t	good, liars, refusers, receipts;
	uint64_t	ms;
};

static void
try_row(const struct row *row, struct seen *ret)
{
	struct collecting	k = { .c = &rig.c };
	struct gathered		a[CUSTODIANS_MAX];
	uint64_t		last = 0, began;
	size_t			n = 0, i;

	memset(ret, 0, sizeof(*ret));
	rig_init(&rig);
	rig_start(&rig);
	rig_ordered(&rig, "lenient", order);
	memcpy(act, row->act, sizeof(act));
	memset(asked, 0, sizeof(asked));
	assert_int_equal(gathering_new(&rig.c, order, 4, buf_view(&rig.net.worker), &k.g, &err), RC_OK);
	began = clock_ms();
	ret->rc = collect_answers(&k, row->want, a, &n, &last, &err);
	ret->ms = clock_ms() - began;
	assert_int_equal(collect_receipts(&k, &last, &err), RC_OK);
	n = gathering_answers(k.g, a);
	for (i = 0; i < n; i++) {
		assert_true(span_eq(a[i].message, buf_view(&sent[a[i].custodian - 1])));
		ret->good |= BIT(a[i].custodian);
	}
	ret->liars = gathering_liars(k.g);
	ret->refusers = gathering_refusers(k.g);
	ret->receipts = logged_receipts();
	if (ret->rc != RC_OK)		/* some may be asked still */
		ret->receipts &= row->liars;
	for (i = 0; i < NET_N; i++)
		assert_true(act[i] != FROZEN || asked[i] == 0);
	cosigning_wake(rig.c.cosigning);
	gathering_drop(k.g);
	gathering_wait_all();
	rig_stop(&rig);
	rig_done(&rig);
}

static bool
are_good(const struct row *row, const struct seen *is)
{
	return is->rc == RC_OK ? is->good == row->good : (is->good & ~row->good) == 0;
}

static bool
is_as_told(const struct row *row, const struct seen *is)
{
	return is->rc == row->rc && are_good(row, is) && is->liars == row->liars && is->refusers == row->refusers && is->receipts == row->receipts;
}

/* Where a busy machine holds up somebody for the second after which another is asked, it is tried anew. */
static void
one(const struct row *row)
{
	struct seen	is;
	unsigned	turn = 0;

	do {
		print_message("%s\n", row->name);
		try_row(row, &is);
	} while (!is_as_told(row, &is) && is.ms >= A_SECOND && ++turn < 5);
	assert_in_range(is.ms, 0, row->ms);
	assert_int_equal(is.rc, row->rc);
	if (!are_good(row, &is))
		assert_int_equal(is.good, row->good);
	assert_int_equal(is.liars, row->liars);
	assert_int_equal(is.refusers, row->refusers);
	assert_int_equal(is.receipts, row->receipts);
}

static void
each_way_to_fail(void **state)
{
	size_t	i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		one(&rows[i]);
}

/* One that answers while the others' receipts are logged is used when its own is. */
static void
none_is_used_before_its_receipt(void **state)
{
	struct collecting	k = { .c = &rig.c };
	struct gathered		a[CUSTODIANS_MAX];
	uint64_t		last = 0;
	size_t			n = 0, i;

	(void)state;
	rig_init(&rig);
	rig_start(&rig);
	rig_ordered(&rig, "lenient", order);
	memset(act, 0, sizeof(act));
	act[0] = LATE;
	size_before = sequencer_size(rig.c.sequencer);
	assert_int_equal(gathering_new(&rig.c, order, 4, buf_view(&rig.net.worker), &k.g, &err), RC_OK);
	assert_int_equal(collect_answers(&k, 3, a, &n, &last, &err), RC_OK);
	assert_in_range(n, 3, 4);
	for (i = 0; i < n; i++)
		assert_true((logged_receipts() & BIT(a[i].custodian)) != 0);
	cosigning_wake(rig.c.cosigning);
	gathering_drop(k.g);
	gathering_wait_all();
	rig_stop(&rig);
	rig_done(&rig);
}

/* What the worker finds wrong is replaced like the rest, and never used again. */
static void
found_out_later(void **state)
{
	struct gathering	*g;
	struct gathered		 a[CUSTODIANS_MAX];

	(void)state;
	rig_init(&rig);
	rig_start(&rig);
	memset(act, 0, sizeof(act));
	assert_int_equal(gathering_new(&rig.c, order, 4, buf_view(&rig.net.worker), &g, &err), RC_OK);
	assert_int_equal(gathering_run(g, 3, &err), RC_OK);
	assert_int_equal(gathering_answers(g, a), 3);
	gathering_bad(g, a[1].custodian, true, "a proof is wrong");
	assert_int_equal(gathering_run(g, 3, &err), RC_OK);
	assert_int_equal(gathering_answers(g, a), 3);
	assert_int_equal(gathering_liars(g), BIT(2));
	assert_int_equal(a[1].custodian, 3);
	assert_int_equal(gathering_receipts(g, a), 4);
	gathering_bad(g, 5, true, "it was not asked");	/* who gave no good answer is not made a liar */
	assert_int_equal(gathering_liars(g), BIT(2));
	cosigning_wake(rig.c.cosigning);
	gathering_drop(g);
	gathering_wait_all();
	rig_stop(&rig);
	rig_done(&rig);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(each_way_to_fail),
		cmocka_unit_test(none_is_used_before_its_receipt),
		cmocka_unit_test(found_out_later),
	};

	int			failed = cmocka_run_group_tests(tests, NULL, NULL);

	for (size_t i = 0; i < NET_N; i++)
		buf_done(&sent[i]);
	return failed;
}

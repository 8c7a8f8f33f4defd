/* Anchors: what apply makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/anchor.h"
#include "policy/witness.h"
#include "tests/fixture/network.h"

#define BIG	((size_t)1 << 20)

static struct buf	tsas;

/* A network that wants the stamps of two authorities. */
static void
found(struct net *n)
{
	AUTO_DONE(buf_done) struct buf der = BUF_INIT(4096);

	net_keys(n);
	buf_done(&tsas);
	tsas = BUF_INIT(BIG);
	buf_printf(&tsas, "\"tsas\":[");
	for (int i = 0; i < 2; i++) {
		buf_reset(&der);
		test_cert_of("P-256", "TSA root", &der);
		buf_printf(&tsas, "%s{\"id\":\"%s\",\"url\":\"http://127.0.0.1:1/\",\"certificates\":[\"",
		    i == 0 ? "" : ",", i == 0 ? "first" : "second");
		b64_write(&tsas, buf_view(&der));
		buf_printf(&tsas, "\"],\"crls\":[]}");
	}
	buf_printf(&tsas, "],\"anchor\":{\"entries\":10,\"seconds\":0}");
	n->tsas = buf_text(&tsas);
	net_found(n);
}

static void
cosign(struct net *n, uint8_t i, struct span text, struct buf *note)
{
	AUTO_DONE(buf_done) struct buf message = BUF_INIT(4096);
	struct signer	*s = &n->signing[i - 1].signer;
	struct note_key	 k;
	uint8_t		 sig[NOTE_SIG_BYTES];

	assert_int_equal(charter_witness_note_key(replica_charter(n->replica), i, &k, NULL), RC_OK);
	cosignature_message(text, n->now, &message);
	assert_int_equal(s->sign(s->user, buf_view(&message), sig, NULL), RC_OK);
	note_sig_line(&k, n->now, sig, note);
}

/* The note over the first `size` entries (of another log: turn a bit of the root), by the first q custodians. */
static void
make_note(struct net *n, uint64_t size, unsigned q, uint8_t turn, struct buf *note)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(4096);
	const struct state	*st = memstate_state(n->mem);
	struct checkpoint	 cp = { .size = size };
	struct signer		*log = &n->log.signer;
	struct note_key		 k;
	uint8_t			 sig[NOTE_SIG_BYTES];

	strcpy(cp.origin, replica_charter(n->replica)->origin);
	if (st->root_at(st->user, size, cp.root, NULL) != RC_OK)
		memset(cp.root, 7, sizeof(cp.root));
	cp.root[0] ^= turn;
	checkpoint_text(&cp, &text);
	assert_int_equal(charter_log_note_key(replica_charter(n->replica), &k, NULL), RC_OK);
	assert_int_equal(log->sign(log->user, buf_view(&text), sig, NULL), RC_OK);
	buf_span(note, buf_view(&text));
	buf_u8(note, '\n');
	note_sig_line(&k, 0, sig, note);
	for (uint8_t i = 1; i <= q; i++)
		cosign(n, i, buf_view(&text), note);
}

/* What there is to be wrong; all zeros: nothing is. */
struct how {
	const char	*tsa;		/* NULL: first */
	uint64_t	 size;		/* of the note; 0: the log's present one */
	unsigned	 q;		/* 0: 4 */
	uint8_t		 turn;
	bool		 other_subject, other_size, broken, torn_note;
	struct test_key	*by;
};

static struct verdict
anchor(struct net *n, const struct how *how)
{
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf blob = BUF_INIT(ANCHOR_BYTES_MAX);
	struct anchor		a = { .token = SPAN_STR("no token at all") };
	uint64_t		size = how->size == 0 ? n->log_entries.n : how->size;
	struct statement	s;

	make_note(n, size, how->q == 0 ? 4 : how->q, how->turn, &note);
	if (how->torn_note)
		note.p[note.n - 5] ^= 1;
	a.note = buf_view(&note);
	assert_int_equal(anchor_write(&a, &blob, NULL), RC_OK);
	if (how->broken)
		buf_u8(&blob, 0);
	assert_int_equal(memstate_blob(n->mem, buf_view(&blob), NULL), RC_OK);
	net_statement(n, &s, STATEMENT_ANCHOR);
	sha256_one(s.subject, a.note);
	s.subject[0] ^= how->other_subject;
	sha256_one(s.u.anchor.archive, buf_view(&blob));
	s.u.anchor.size = size + how->other_size;
	strcpy(s.u.anchor.tsa, how->tsa == NULL ? "first" : how->tsa);
	return net_log(n, &s, how->by == NULL ? &n->log : how->by);
}

static void
rows(void **state)
{
	static struct net	n;
	const struct {
		const char	*name;
		struct how	 how;
		enum void_reason why;
	} t[] = {
		{ "as it should be", { 0 }, VOID_NONE },
		{ "of an earlier size", { .size = 2 }, VOID_NONE },
		{ "by all five", { .q = 5 }, VOID_NONE },
		{ "not by the log key", { .by = &n.sealer }, VOID_SIGNATURE },
		{ "by a custodian", { .by = &n.signing[0] }, VOID_SIGNATURE },
		{ "of a TSA that the charter does not list", { .tsa = "third" }, VOID_ANCHOR },
		{ "of a size that is not there yet", { .size = 5 }, VOID_ANCHOR },
		{ "of one long after it", { .size = 99 }, VOID_ANCHOR },
		{ "cosigned by three", { .q = 3 }, VOID_ANCHOR },
		{ "of another log", { .turn = 1 }, VOID_ANCHOR },
		{ "of another note", { .other_subject = true }, VOID_ANCHOR },
		{ "of another size than it says", { .size = 2, .other_size = true }, VOID_ANCHOR },
		{ "with a byte too many", { .broken = true }, VOID_ANCHOR },
		{ "with a torn signature", { .torn_note = true }, VOID_ANCHOR },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct verdict		v;
		struct anchor_at	at;

		found(&n);
		(void)net_seal(&n, "standard");
		(void)net_seal(&n, "standard");
		(void)net_seal(&n, "standard");
		assert_int_equal(replica_anchor(n.replica, "first", &at, NULL), RC_MISSING);
		n.now += 77;
		v = anchor(&n, &t[i].how);
		if (v.why != t[i].why)
			fail_msg("%s: %s", t[i].name, void_reason_name((enum void_reason)v.why));
		assert_int_equal(v.effective, v.why == VOID_NONE);
		if (!v.effective) {
			assert_int_equal(replica_anchor(n.replica, "first", &at, NULL), RC_MISSING);
		} else {
			assert_int_equal(replica_anchor(n.replica, "first", &at, NULL), RC_OK);
			assert_int_equal(at.index, 4);
			assert_int_equal(at.size, t[i].how.size == 0 ? 4 : t[i].how.size);
			assert_int_equal(at.logged, NET_START + 77);
		}
		net_done(&n);
	}
}

/* Each authority by itself; of each only what says more than its last. */
static void
again(void **state)
{
	static struct net	n;
	struct anchor_at	at;

	(void)state;
	found(&n);
	(void)net_seal(&n, "standard");
	assert_int_equal(anchor(&n, &(struct how){ .size = 2 }).why, VOID_NONE);
	assert_int_equal(anchor(&n, &(struct how){ .size = 2 }).why, VOID_DUPLICATE);
	assert_int_equal(anchor(&n, &(struct how){ .size = 1 }).why, VOID_DUPLICATE);
	assert_int_equal(anchor(&n, &(struct how){ .size = 1, .tsa = "second" }).why, VOID_NONE);
	assert_int_equal(anchor(&n, &(struct how){ .size = 3 }).why, VOID_NONE);
	assert_int_equal(replica_anchor(n.replica, "first", &at, NULL), RC_OK);
	assert_int_equal(at.size, 3);
	assert_int_equal(at.index, 6);
	assert_int_equal(replica_anchor(n.replica, "second", &at, NULL), RC_OK);
	assert_int_equal(at.size, 1);
	/* One that is void leaves no trace: the next is not held against it. */
	assert_int_equal(anchor(&n, &(struct how){ .size = 5, .q = 3 }).why, VOID_ANCHOR);
	assert_int_equal(anchor(&n, &(struct how){ .size = 4 }).why, VOID_NONE);
	net_done(&n);
}

/* Without its blob the append waits: it is not void, for it may come. */
static void
without_its_blob(void **state)
{
	static struct net	n;
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct statement	s;
	struct verdict		v;

	(void)state;
	found(&n);
	net_statement(&n, &s, STATEMENT_ANCHOR);
	strcpy(s.u.anchor.tsa, "first");
	s.u.anchor.size = 1;
	memset(s.subject, 1, sizeof(s.subject));
	memset(s.u.anchor.archive, 2, sizeof(s.u.anchor.archive));
	assert_int_equal(statement_sign(&s, &n.log.signer, &dsse, NULL), RC_OK);
	assert_int_equal(net_log_try(&n, buf_view(&dsse), &v, NULL), RC_MISSING);
	statement_done(&s);
	net_done(&n);
}

/* Two of one name would share what is remembered of them. */
static void
of_one_name(void **state)
{
	static struct net	n;
	AUTO(charter_free) struct charter *c = NULL;
	struct err		err;
	char			*p;

	(void)state;
	found(&n);
	p = strstr((char *)n.charter_json.p, "\"second\"");
	assert_non_null(p);
	memcpy(p, "\"first\" ", 8);	/* white space for the letter too many */
	assert_int_equal(charter_parse(buf_view(&n.charter_json), &c, &err), RC_FORMAT);
	assert_non_null(strstr(err.msg, "TSA \"first\" twice"));
	net_done(&n);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(again),
		cmocka_unit_test(without_its_blob),
		cmocka_unit_test(of_one_name),
	};
	int	failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_done(&tsas);
	return failed;
}

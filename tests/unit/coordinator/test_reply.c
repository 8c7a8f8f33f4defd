/* What a custodian answers: each piece is checked before it counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/accusation.h"
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

/* So many more entries. */
static void
log_revocations(struct one *o, unsigned n)
{
	struct submission	sub;
	struct err		err;

	while (n-- > 0) {
		AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);

		rig_revocation(&o->rig, NET_LEGAL, &dsse);
		sub = (struct submission){ .dsse = buf_view(&dsse) };
		assert_int_equal(sequencer_submit(o->rig.c.sequencer, &sub, &err), RC_OK);
		assert_int_equal(sub.fate, FATE_LOGGED);
	}
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

/* The first entry that shows it is found in as many exchanges as halving takes. */
static void
where_its_state_parts(void **state)
{
	static struct verdict	v;
	static uint8_t		other[SHA256_BYTES];
	const uint64_t		first = 7;	/* entries after which its state is another */
	struct one		*o = *state;
	struct custodian_status	*st = &o->link.status;
	struct err		 err;
	unsigned		 probes = 0;
	bool			 progress;

	log_revocations(o, 20);
	honest(o);
	o->m.state_digest = pb_bytes(SPAN_OF(other));
	for (;; probes++) {
		o->page.m.state_of = divergence_probe(&o->link);
		assert_true(o->page.m.state_of == 0 || o->page.m.state_of < o->m.size);
		if (o->page.m.state_of != 0) {
			assert_int_equal(store_verdict(o->link.store, o->page.m.state_of - 1, &v, &err), RC_OK);
			o->m.state_of = pb_bytes(o->page.m.state_of < first ? SPAN(v.state, SHA256_BYTES) :
			    SPAN_OF(other));
		}
		assert_int_equal(take(o, &progress), RC_OK);
		if (o->page.m.state_of != 0)
			assert_true(progress);		/* the next is asked for at once */
		if (divergence_probe(&o->link) == 0)
			break;
	}
	assert_in_range(probes, 4, 5);
	assert_true(st->frozen);
	assert_int_equal(st->differs_at, first);
}

/* One that does not say stays frozen, and is asked no more. */
static void
it_does_not_say(void **state)
{
	static uint8_t	other[SHA256_BYTES];
	struct one	*o = *state;
	bool		 progress;

	log_revocations(o, 20);
	honest(o);
	o->m.state_digest = pb_bytes(SPAN_OF(other));
	assert_int_equal(take(o, &progress), RC_OK);
	o->page.m.state_of = divergence_probe(&o->link);
	assert_true(o->page.m.state_of != 0);
	assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(divergence_probe(&o->link), 0);
	assert_true(o->link.status.frozen);
	assert_int_equal(o->link.status.differs_at, 0);
}

/* Where it was ours is remembered: only what came since is searched. */
static void
from_where_it_was_ours(void **state)
{
	static uint8_t	other[SHA256_BYTES];
	struct one	*o = *state;
	bool		 progress;

	log_revocations(o, 20);
	honest(o);
	assert_int_equal(take(o, &progress), RC_OK);
	log_revocations(o, 1);
	honest(o);
	o->m.state_digest = pb_bytes(SPAN_OF(other));
	assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(o->link.status.differs_at, o->m.size);
}

/* ---- what it says of itself --------------------------------------------------------- */

static void
health_is_kept(void **state)
{
	struct one		*o = *state;
	Quorate__V1__Health	 h = QUORATE__V1__HEALTH__INIT;
	struct custodian_health	*kept = &o->link.status.health;
	char			 words[4 * HEALTH_DOUBT_BYTES];
	bool			 progress;

	honest(o);
	assert_int_equal(take(o, &progress), RC_OK);
	assert_false(kept->known);
	o->m.health = &h;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_true(kept->known);
	assert_false(kept->ready);
	assert_true(kept->doubt[0] != '\0');	/* who is not ready contributes to nothing */
	h.ready = true;
	h.unchecked = 5;
	h.handed = 6;
	h.oldest = 7;
	h.owed = 8;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_true(kept->ready && kept->doubt[0] == '\0' && kept->unchecked == 5 && kept->handed == 6 &&
	    kept->oldest == 7 && kept->owed == 8);
	/* Words of its own are cut and cleaned. */
	memset(words, 'w', sizeof(words));
	words[0] = '\033';
	words[sizeof(words) - 1] = '\0';
	h.doubt = words;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(strlen(kept->doubt), HEALTH_DOUBT_BYTES - 1);
	assert_int_equal(kept->doubt[0], '?');
}

/* What is over in a moment is not told, and what lasts once. */
static void
doubt_is_told_once(void **state)
{
	struct one		*o = *state;
	Quorate__V1__Health	 h = QUORATE__V1__HEALTH__INIT;
	bool			 progress;

	honest(o);
	h.ready = true;
	h.doubt = pb_text("two logs");
	o->m.health = &h;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_string_equal(o->link.doubt, "");
	assert_true(o->link.doubt_since != 0);
	o->link.doubt_since -= DOUBT_LASTS_MS;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_string_equal(o->link.doubt, "two logs");
	assert_int_equal(o->link.doubt_since, 0);
	/* How far it has got by now is no other doubt. */
	(void)strcpy(o->link.doubt, "holds 6150 entries, 100017 are cosigned");
	h.doubt = pb_text("holds 15878 entries, 100018 are cosigned");
	health_take(&o->link, &h);
	assert_int_equal(o->link.doubt_since, 0);
	h.doubt = pb_text("holds 15878 entries, 100018 are signed");
	health_take(&o->link, &h);
	assert_true(o->link.doubt_since != 0);
	(void)strcpy(o->link.doubt, "two logs");
	o->link.doubt_since = 0;
	h.doubt = pb_text("");
	assert_int_equal(take(o, &progress), RC_OK);
	assert_string_equal(o->link.doubt, "two logs");
	o->link.doubt_since -= DOUBT_LASTS_MS;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_string_equal(o->link.doubt, "");
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

/* ---- what it holds against us --------------------------------------------------------- */

static void
sign_note(struct one *o, uint8_t root, struct buf *out)
{
	struct signer		*log = &o->rig.net.log.signer;
	struct checkpoint	 cp = { .size = 5 };
	struct note_key		 key;
	struct err		 err;
	uint8_t			 sig[NOTE_SIG_BYTES];

	memcpy(cp.origin, o->rig.c.first->origin, strlen(o->rig.c.first->origin) + 1);
	cp.root[0] = root;
	checkpoint_text(&cp, out);
	assert_int_equal(charter_log_note_key(o->rig.c.first, &key, &err), RC_OK);
	assert_int_equal(log->sign(log->user, buf_view(out), sig, &err), RC_OK);
	buf_u8(out, '\n');
	note_sig_line(&key, 0, sig, out);
}

static void
shows(struct one *o, struct span accusation)
{
	Quorate__V1__CheckpointReply	m = QUORATE__V1__CHECKPOINT_REPLY__INIT;
	struct buf			b = BUF_INIT(RPC_MESSAGE_MAX);
	struct err			err;

	m.accusation = pb_bytes(accusation);
	assert_int_equal(pb_pack(&m.base, &b, &err), RC_OK);
	accused_take(&o->link, buf_view(&b));
	buf_done(&b);
}

/* Only a proof is believed. */
static void
an_accusation_is_verified(void **state)
{
	static const uint8_t	root[TREE_HASH_BYTES] = { 2 };
	struct one		*o = *state;
	struct tree_path	 path = { .n = 0 };
	struct buf		 a = BUF_INIT(NOTE_BYTES_MAX), b = BUF_INIT(NOTE_BYTES_MAX), text = BUF_INIT(16384);
	struct note_key		 key;
	struct err		 err;
	atomic_bool		 accused = false;

	o->link.accused = &accused;
	sign_note(o, 1, &a);
	sign_note(o, 2, &b);
	assert_int_equal(charter_log_note_key(o->rig.c.first, &key, &err), RC_OK);
	assert_int_equal(accusation_write(buf_view(&a), buf_view(&b), root, &path, &key, NULL, 0, &text, &err), RC_OK);
	shows(o, SPAN(NULL, 0));
	assert_false(accused);
	shows(o, SPAN(text.p, text.n - 1));
	assert_false(accused);
	text.p[text.n - 20] ^= 1;	/* in the signature */
	shows(o, buf_view(&text));
	assert_false(accused);
	text.p[text.n - 20] ^= 1;
	shows(o, buf_view(&text));
	assert_true(accused);
	buf_done(&a);
	buf_done(&b);
	buf_done(&text);
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

/* Its clock is heard with the rest, and what cannot be logged yet takes nothing from the answer. */
static void
clocks_are_heard(void **state)
{
	struct one		*o = *state;
	struct buf		 no = BUF_INIT(DSSE_BYTES_MAX);
	Quorate__V1__Health	 h = QUORATE__V1__HEALTH__INIT;
	Quorate__V1__Handed	 handed = QUORATE__V1__HANDED__INIT, *list[1] = { &handed };
	struct err		 err;
	bool			 progress;

	rig_revocation(&o->rig, NET_LEGAL, &no);
	handed.statement = pb_bytes(buf_view(&no));
	honest(o);
	h.clock = clock_now() - 86400;
	o->m.health = &h;
	for (o->link.index = 1; o->link.index < NET_N; o->link.index++)
		assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(sequencer_would_log(o->rig.c.sequencer, &err), RC_UNSURE);
	o->link.index = ME;
	o->m.statements = list;
	o->m.n_statements = 1;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_false(progress);
	assert_int_equal(sequencer_size(o->rig.c.sequencer), 1);
	/* They are right again: it comes again, and is logged. */
	h.clock = clock_now();
	o->m.n_statements = 0;
	for (o->link.index = 1; o->link.index < NET_N; o->link.index++)
		assert_int_equal(take(o, &progress), RC_OK);
	o->link.index = ME;
	o->m.n_statements = 1;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(sequencer_size(o->rig.c.sequencer), 2);
	buf_done(&no);
}

/* Of what comes with a statement only the blobs that it names are kept. */
static void
only_named_blobs_are_kept(void **state)
{
	struct one		*o = *state;
	struct buf		 request = BUF_INIT(DSSE_BYTES_MAX), kept = BUF_INIT(4096);
	struct span		 scope = SPAN_STR("a scope that came along"), junk = SPAN_STR("whatever it likes");
	ProtobufCBinaryData	 blob[3] = { pb_bytes(junk), pb_bytes(scope), pb_bytes(junk) };
	Quorate__V1__Handed	 handed = QUORATE__V1__HANDED__INIT, *list[1] = { &handed };
	uint8_t			 digest[SHA256_BYTES];
	struct err		 err;
	bool			 progress;

	rig_request(&o->rig, scope, &request);	/* its reason is nowhere: it is logged all the same */
	honest(o);
	handed.statement = pb_bytes(buf_view(&request));
	handed.blobs = blob;
	handed.n_blobs = 3;
	o->m.statements = list;
	o->m.n_statements = 1;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(sequencer_size(o->rig.c.sequencer), 2);
	sha256_one(digest, scope);
	assert_int_equal(store_blob(o->link.store, digest, &kept, &err), RC_OK);
	assert_true(span_eq(buf_view(&kept), scope));
	sha256_one(digest, junk);
	assert_int_equal(store_blob(o->link.store, digest, &kept, &err), RC_MISSING);
	/* Nor with one that was in the log before. */
	assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(store_blob(o->link.store, digest, &kept, &err), RC_MISSING);
	buf_done(&request);
	buf_done(&kept);
}

/* A "no" whose reason did not come is a "no". */
static void
a_no_without_its_reason(void **state)
{
	struct one		*o = *state;
	struct buf		 dsse = BUF_INIT(DSSE_BYTES_MAX);
	Quorate__V1__Handed	 handed = QUORATE__V1__HANDED__INIT, *list[1] = { &handed };
	struct statement	 s;
	struct err		 err;
	bool			 progress;

	net_statement(&o->rig.net, &s, STATEMENT_DECISION);
	s.seen_size = 0;
	tree_empty(s.seen_root);
	s.u.decision.approve = false;
	s.u.decision.has_reason = true;
	assert_int_equal(statement_sign(&s, &o->rig.net.person[NET_LEGAL].signer, &dsse, &err), RC_OK);
	statement_done(&s);
	honest(o);
	handed.statement = pb_bytes(buf_view(&dsse));
	o->m.statements = list;
	o->m.n_statements = 1;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(sequencer_size(o->rig.c.sequencer), 2);
	buf_done(&dsse);
}

/* ---- vectors that it lacks ------------------------------------------------------------ */

static void
hold(struct one *o)
{
	struct buf		 dsse = BUF_INIT(DSSE_BYTES_MAX);
	ProtobufCBinaryData	 list[1];
	bool			 progress;

	write_held(o, &held_rows[0], &dsse);
	honest(o);
	list[0] = pb_bytes(buf_view(&dsse));
	o->m.held = list;
	o->m.n_held = 1;
	assert_int_equal(take(o, &progress), RC_OK);
	buf_done(&dsse);
}

static size_t
shares_of_next_page(struct one *o)
{
	struct page	*p = calloc(1, sizeof(*p));
	struct err	 err;
	size_t		 n;

	assert_non_null(p);
	page_init(p);
	assert_int_equal(page_build(&o->link, p, &err), RC_OK);
	n = p->m.n_shares;
	assert_true(n == 0 || (p->news && p->share[0].batch == o->index));
	page_done(p);
	free(p);
	return n;
}

/*
 * It held a vector, and was put back from a copy of before: it gets it again at once, but
 * while it does not say that it holds any, not without a pause.
 */
static void
what_it_lacks_is_sent_again(void **state)
{
	struct one	*o = *state;
	uint64_t	 lacks[2];
	bool		 progress;

	log_batch(o);
	hold(o);
	assert_int_equal(shares_of_next_page(o), 0);
	honest(o);
	lacks[0] = o->index;
	lacks[1] = 0;			/* no batch */
	o->m.missing_shares = lacks;
	o->m.n_missing_shares = 2;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(shares_of_next_page(o), 1);
	assert_int_equal(take(o, &progress), RC_OK);	/* it says so with each answer */
	assert_int_equal(shares_of_next_page(o), 0);
	o->link.lacks_at -= SHARES_RETRY_MS;
	assert_int_equal(shares_of_next_page(o), 1);
	assert_int_equal(shares_of_next_page(o), 0);
	/* It takes them: the next ones at once. */
	hold(o);
	o->m.n_held = 0;
	o->m.missing_shares = lacks;
	o->m.n_missing_shares = 2;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(shares_of_next_page(o), 1);
}

/* ---- what a rebuilt log.db does not know ------------------------------------------------ */

static enum rc
unheard(struct store *store, void *user, struct err *err)
{
	struct one	*o = user;

	return journal_unheard_put(store, o->index, o->rig.c.first->n, err);
}

static size_t
asked_for(struct one *o)
{
	struct page	*p = calloc(1, sizeof(*p));
	struct err	 err;
	size_t		 n;

	assert_non_null(p);
	page_init(p);
	assert_int_equal(page_build(&o->link, p, &err), RC_OK);
	n = p->m.n_held_of;
	assert_true(n == 0 || (p->news && p->m.held_of[0] == o->index));
	page_done(p);
	free(p);
	return n;
}

static void
held_is_asked_for_again(void **state)
{
	struct one	*o = *state;
	struct err	 err;
	bool		 progress;

	log_batch(o);
	honest(o);
	assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(asked_for(o), 0);
	assert_int_equal(sequencer_do(o->rig.c.sequencer, unheard, o, &err), RC_OK);
	o->link.unheard_at = 0;
	assert_int_equal(asked_for(o), 1);
	assert_int_equal(asked_for(o), 0);	/* not without a pause */
	o->link.unheard_at = 0;
	assert_int_equal(asked_for(o), 0);	/* those after it: none */
	o->link.unheard_at = 0;
	assert_int_equal(asked_for(o), 1);	/* from the start again */
	hold(o);
	assert_int_equal(asked_for(o), 0);
	o->link.unheard_at = 0;
	assert_int_equal(asked_for(o), 0);
}

/* Kept nowhere: whoever looks at the network sees it, until the custodian was away. */
static void
what_nobody_has_is_shown(void **state)
{
	struct one	*o = *state;
	uint64_t	 lacks[1];
	bool		 progress;

	log_batch(o);
	honest(o);
	lacks[0] = o->index + 7;
	o->m.missing_shares = lacks;
	o->m.n_missing_shares = 1;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_int_equal(o->link.status.lacks, o->index + 7);
	assert_int_equal(o->link.n_lacks, 0);
}

static void
a_list_without_an_end(void **state)
{
	struct one	*o = *state;
	uint64_t	 lacks[LACKS_MAX + 1];
	bool		 progress;
	size_t		 i;

	log_batch(o);
	honest(o);
	for (i = 0; i < LACKS_MAX + 1; i++)
		lacks[i] = o->index;
	o->m.missing_shares = lacks;
	o->m.n_missing_shares = LACKS_MAX + 1;
	assert_int_equal(take(o, &progress), RC_OK);
	assert_in_range(o->link.n_lacks, 1, LACKS_MAX);
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
	/* Nor is it asked for again. */
	page_done(&o->page);
	page_init(&o->page);
	assert_int_equal(page_build(&o->link, &o->page, &err), RC_OK);
	assert_int_equal(o->page.m.checkpoint.len, 0);
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
		T(where_its_state_parts),
		T(it_does_not_say),
		T(from_where_it_was_ours),
		T(health_is_kept),
		T(doubt_is_told_once),
		T(only_forward_is_progress),
		T(held_is_checked),
		T(an_accusation_is_verified),
		T(what_cannot_be_logged_blocks_nothing),
		T(clocks_are_heard),
		T(only_named_blobs_are_kept),
		T(a_no_without_its_reason),
		T(what_it_lacks_is_sent_again),
		T(held_is_asked_for_again),
		T(what_nobody_has_is_shown),
		T(a_list_without_an_end),
		T(cosignature_is_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

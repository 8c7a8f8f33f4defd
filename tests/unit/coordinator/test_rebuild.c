/* A log made anew from a copy, and a coordinator that goes on from it under an amended charter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/entry.h"
#include "audit/tile.h"
#include "coordinator/casefile.h"
#include "coordinator/cosigning.h"
#include "coordinator/in_force.h"
#include "coordinator/lineage.h"
#include "coordinator/pb.h"
#include "coordinator/queries.h"
#include "coordinator/rebuild.h"
#include "coordinator/replica_link.h"
#include "edge/file.h"
#include "policy/witness.h"
#include "tests/unit/coordinator/rig.h"

struct bench {
	struct rig		rig;
	struct net_artifact	artifact;
	uint8_t			amendment[SHA256_BYTES];
	char			copy[FILE_PATH_MAX], blobs[FILE_PATH_MAX], db[FILE_PATH_MAX];
	struct rebuild		b;
};

#define Q	4	/* of the fixture's 3-of-5 */

static const struct net_edit	edits[] = {
	{ "order_seconds", "1800" },
	{ "custodians/0/address", "\"127.0.0.1:9\"" },
};

/* ---- the copy ------------------------------------------------------------------------------ */

static void
write_file(const char *dir, const char *name, struct span bytes)
{
	char		path[FILE_PATH_MAX], *slash;
	struct err	err;

	assert_int_equal(file_path(path, &err, "%s/%s", dir, name), RC_OK);
	for (slash = strchr(path + strlen(dir) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_int_equal(file_mkdir(path, &err), RC_OK);
		*slash = '/';
	}
	assert_int_equal(file_write(path, bytes, 0644, &err), RC_OK);
}

static void
write_blobs(struct bench *k, struct span leaf)
{
	const struct state	*st = memstate_state(k->rig.net.mem);
	struct buf		 b = BUF_INIT(STORE_VALUE_MAX);
	char			 hex[HEX_BYTES(SHA256_BYTES)];
	uint8_t			 digest[2][SHA256_BYTES];
	struct err		 err;
	size_t			 n, i;

	assert_int_equal(entry_blobs(leaf, digest, &n, &err), RC_OK);
	for (i = 0; i < n; i++) {
		buf_reset(&b);
		assert_int_equal(st->blob(st->user, digest[i], &b, &err), RC_OK);
		write_file(k->blobs, hex_write(SPAN_OF(digest[i]), hex), buf_view(&b));
	}
	buf_done(&b);
}

/* By this log key, and so many custodians. */
static void
write_note(struct bench *k, const char *name, const struct test_key *log, unsigned cosigners)
{
	struct net		*n = &k->rig.net;
	struct checkpoint	 cp = { .size = n->log_entries.n };
	struct buf		 text = BUF_INIT(NOTE_BYTES_MAX), note = BUF_INIT(NOTE_BYTES_MAX);
	struct note_key		 key;
	struct err		 err;
	uint8_t			 sig[NOTE_SIG_BYTES], i;

	memcpy(cp.origin, k->rig.c.first->origin, strlen(k->rig.c.first->origin) + 1);
	tree_range_root(&n->range, cp.root);
	checkpoint_text(&cp, &text);
	assert_int_equal(charter_log_note_key(k->rig.c.first, &key, &err), RC_OK);
	assert_int_equal(log->signer.sign(log->signer.user, buf_view(&text), sig, &err), RC_OK);
	buf_span(&note, buf_view(&text));
	buf_u8(&note, '\n');
	note_sig_line(&key, 0, sig, &note);
	for (i = 1; i <= cosigners; i++)
		rig_line_at(&k->rig, i, n->now, buf_view(&text), &note);
	write_file(k->rig.c.dir, name, buf_view(&note));
	buf_done(&text);
	buf_done(&note);
}

static void
write_bundle(struct bench *k)
{
	struct net_log	*log = &k->rig.net.log_entries;
	struct buf	 bytes = BUF_INIT(TILE_BUNDLE_BYTES_MAX);
	struct tile	 t = { .entries = true, .width = (uint16_t)log->n };
	char		 name[TILE_NAME_MAX];
	struct err	 err;
	size_t		 i;

	assert_in_range(log->n, 1, TILE_WIDTH - 1);
	for (i = 0; i < log->n; i++) {
		assert_int_equal(bundle_add(&bytes, buf_view(&log->leaf[i]), &err), RC_OK);
		write_blobs(k, buf_view(&log->leaf[i]));
	}
	tile_name(&t, name);
	write_file(k->copy, name, buf_view(&bytes));
	buf_done(&bytes);
}

/* ---- the bench ---------------------------------------------------------------------------------- */

/* A log with an artifact, a charter that followed, and something said under it. */
static int
setup(void **state)
{
	struct bench	*k = calloc(1, sizeof(*k));
	struct net	*n;
	struct buf	 doc = BUF_INIT(CHARTER_BYTES_MAX);
	struct err	 err;
	uint8_t		 i;

	assert_non_null(k);
	rig_init_amendable(&k->rig);
	n = &k->rig.net;
	k->artifact = net_seal(n, "standard");
	net_next(n, edits, 2, &doc);
	net_approved(n, buf_view(&doc), k->amendment);
	for (i = 1; i <= Q; i++)
		assert_true(net_consent(n, k->amendment, i).effective);
	(void)net_seal(n, "standard");
	assert_int_equal(file_path(k->copy, &err, "%s/copy", k->rig.c.dir), RC_OK);
	assert_int_equal(file_path(k->blobs, &err, "%s/copy.blobs", k->rig.c.dir), RC_OK);
	assert_int_equal(file_path(k->db, &err, "%s/log.db", k->rig.c.dir), RC_OK);
	assert_int_equal(file_mkdir(k->copy, &err), RC_OK);
	assert_int_equal(file_mkdir(k->blobs, &err), RC_OK);
	write_bundle(k);
	write_note(k, "copy/checkpoint", &n->log, Q);
	buf_done(&doc);
	*state = k;
	return 0;
}

static int
teardown(void **state)
{
	struct bench	*k = *state;

	rebuild_done(&k->b);
	rig_done(&k->rig);
	free(k);
	return 0;
}

static enum rc
replay(struct bench *k, struct err *err)
{
	rebuild_done(&k->b);
	TRY(rebuild_init(&k->b, k->db, k->rig.c.genesis, k->copy, k->blobs, err));
	return rebuild_replay(&k->b, err);
}

/* ---- what it makes -------------------------------------------------------------------------------- */

static void
the_same_log_and_state(void **state)
{
	struct bench	*k = *state;
	struct net	*n = &k->rig.net;
	struct buf	 note = BUF_INIT(NOTE_BYTES_MAX);
	uint8_t		 ours[SHA256_BYTES], theirs[SHA256_BYTES];
	uint64_t	 batch[8], count, lost;
	struct err	 err;
	size_t		 found;

	assert_int_equal(replay(k, &err), RC_OK);
	assert_int_equal(store_size(k->b.store), n->log_entries.n);
	assert_int_equal(replica_state_digest(k->b.replica, ours, &err), RC_OK);
	assert_int_equal(replica_state_digest(n->replica, theirs, &err), RC_OK);
	assert_memory_equal(ours, theirs, SHA256_BYTES);
	assert_memory_equal(replica_charter(k->b.replica)->digest, replica_charter(n->replica)->digest, SHA256_BYTES);
	assert_int_equal(store_get(k->b.store, "cosigned", &note, &err), RC_OK);
	/* It has no vector, and claims none; who holds them it asks. */
	assert_int_equal(journal_pending_count(k->b.store, 100, &count, &err), RC_OK);
	assert_int_equal(count, 0);
	assert_int_equal(journal_unheard(k->b.store, 5, 0, batch, 8, &found, &err), RC_OK);
	assert_int_equal(found, 2);
	assert_int_equal(envelopes_lost(k->b.store, k->rig.c.dir, &count, &lost, NULL, NULL, &err), RC_OK);
	assert_int_equal(count, 2);
	assert_int_equal(lost, 2);
	buf_done(&note);
}

/* ---- what it refuses ------------------------------------------------------------------------------- */

static void
change(const char *dir, const char *name, long at, bool cut)
{
	struct buf	b = BUF_INIT(TILE_BUNDLE_BYTES_MAX);
	char		path[FILE_PATH_MAX];
	struct err	err;

	assert_int_equal(file_path(path, &err, "%s/%s", dir, name), RC_OK);
	assert_int_equal(file_read(path, &b, &err), RC_OK);
	if (cut)
		b.n--;
	else
		b.p[at < 0 ? (long)b.n + at : at] ^= 1;
	assert_int_equal(file_write(path, buf_view(&b), 0644, &err), RC_OK);
	buf_done(&b);
}

static void
bundle_name(const struct bench *k, char ret[TILE_NAME_MAX])
{
	struct tile	t = { .entries = true, .width = (uint16_t)k->rig.net.log_entries.n };

	tile_name(&t, ret);
}

static void
refused(struct bench *k, enum rc want)
{
	struct err	err = { RC_OK, "" };
	enum rc		rc = replay(k, &err);

	if (rc != want)
		fail_msg("%s, wanted %s: %s", rc_name(rc), rc_name(want), err.msg);
	assert_true(strlen(err.msg) > 0);
}

static void
another_byte(void **state)
{
	struct bench	*k = *state;
	char		 name[TILE_NAME_MAX];

	bundle_name(k, name);
	change(k->copy, name, -3, false);	/* within the last entry's signature: void, but an entry */
	refused(k, RC_VERIFY);
}

static void
a_byte_short(void **state)
{
	struct bench	*k = *state;
	char		 name[TILE_NAME_MAX];

	bundle_name(k, name);
	change(k->copy, name, 0, true);
	refused(k, RC_FORMAT);
}

static void
too_few_cosigned(void **state)
{
	struct bench	*k = *state;

	write_note(k, "copy/checkpoint", &k->rig.net.log, Q - 1);
	refused(k, RC_QUORUM);
}

static void
another_log_key(void **state)
{
	struct bench	*k = *state;

	write_note(k, "copy/checkpoint", &k->rig.net.person[NET_STRANGER], Q);
	refused(k, RC_VERIFY);
}

static void
another_genesis(void **state)
{
	struct bench	*k = *state;

	k->rig.c.genesis[0] ^= 1;
	refused(k, RC_VERIFY);
}

static void
blobs_that_are_not_there(void **state)
{
	struct bench	*k = *state;
	char		 hex[HEX_BYTES(SHA256_BYTES)], path[FILE_PATH_MAX];
	struct err	 err;

	(void)hex_write(SPAN_OF(replica_charter(k->rig.net.replica)->digest), hex);
	change(k->blobs, hex, 5, false);
	refused(k, RC_VERIFY);
	assert_int_equal(file_path(path, &err, "%s/%s", k->blobs, hex), RC_OK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(k->db), 0);
	refused(k, RC_MISSING);
}

/* ---- what no quorum had cosigned ------------------------------------------------------------------------ */

/* One entry more than the copy's checkpoint covers, by this key. */
static void
write_tail(struct bench *k, const struct test_key *log)
{
	struct net	*n = &k->rig.net;
	struct buf	 bytes = BUF_INIT(TILE_BUNDLE_BYTES_MAX);
	struct span	 leaf = buf_view(&n->log_entries.leaf[n->log_entries.n - 1]);
	struct err	 err;

	assert_int_equal(bundle_add(&bytes, leaf, &err), RC_OK);
	write_blobs(k, leaf);
	write_file(k->rig.c.dir, "copy.tail", buf_view(&bytes));
	write_note(k, "copy.tail.checkpoint", log, 1);
	buf_done(&bytes);
}

static enum rc
replay_with_tail(struct bench *k, struct err *err)
{
	(void)unlink(k->db);
	TRY(replay(k, err));
	return rebuild_take_tail(&k->b, err);
}

/* Other custodians hold it: another log of that length would be a second past. */
static void
a_tail_is_kept(void **state)
{
	struct bench	*k = *state;
	struct net	*n = &k->rig.net;
	uint8_t		 ours[SHA256_BYTES], theirs[SHA256_BYTES];
	struct err	 err;

	assert_int_equal(replay_with_tail(k, &err), RC_OK);	/* none is there */
	(void)net_seal(n, "standard");
	write_tail(k, &n->log);
	assert_int_equal(replay_with_tail(k, &err), RC_OK);
	assert_int_equal(store_size(k->b.store), n->log_entries.n);
	assert_int_equal(replica_state_digest(k->b.replica, ours, &err), RC_OK);
	assert_int_equal(replica_state_digest(n->replica, theirs, &err), RC_OK);
	assert_memory_equal(ours, theirs, SHA256_BYTES);
}

static void
a_tail_that_nobody_signed(void **state)
{
	struct bench	*k = *state;
	struct net	*n = &k->rig.net;
	uint64_t	 size = n->log_entries.n;
	struct err	 err;

	(void)net_seal(n, "standard");
	write_tail(k, &n->person[NET_STRANGER]);
	assert_int_equal(replay_with_tail(k, &err), RC_VERIFY);
	assert_int_equal(store_size(k->b.store), size);
	write_tail(k, &n->log);
	change(k->rig.c.dir, "copy.tail", -3, false);
	assert_int_equal(replay_with_tail(k, &err), RC_VERIFY);
	write_tail(k, &n->log);
	change(k->rig.c.dir, "copy.tail", 0, true);
	assert_int_equal(replay_with_tail(k, &err), RC_FORMAT);
}

/* ---- a succession -------------------------------------------------------------------------------------- */

static void
new_log_key(struct bench *k, struct buf *doc)
{
	struct net_edit	edit = { "coordinator/log_key", net_key_json(&k->rig.net.person[NET_STRANGER]) };

	net_next(&k->rig.net, &edit, 1, doc);
}

static void
page_for(struct bench *k, uint64_t size, struct page *p)
{
	static struct replica_link	l;
	struct err			err;

	memset(&l, 0, sizeof(l));
	l.c = &k->rig.c;
	l.index = 1;
	l.known = true;
	l.size = size;
	assert_int_equal(store_open(k->db, STORE_READ, &l.store, &err), RC_OK);
	page_init(p);
	assert_int_equal(page_build(&l, p, &err), RC_OK);
	store_close(l.store);
}

/* The last note of the old key leads up to it, and a page begins with it. */
static void
who_is_behind_is_led_to_it(struct bench *k, uint64_t at)
{
	static struct page	p;
	struct checkpoint	cp;
	struct err		err;

	page_for(k, at - 3, &p);
	assert_int_equal(p.m.n_entries, 3);
	assert_true(p.past && p.whole);
	assert_int_equal(charter_checkpoint_verify(k->rig.c.first, pb_span(&p.m.checkpoint), false, &cp, NULL, &err), RC_OK);
	assert_int_equal(cp.size, at);
	page_done(&p);
	page_for(k, at, &p);
	assert_false(p.past);
	assert_int_equal(p.m.first, at);
	assert_int_equal(p.m.n_entries, 1);
	assert_int_equal(charter_checkpoint_verify(coordinator_charter(&k->rig.c), pb_span(&p.m.checkpoint), false, &cp,
	    NULL, &err), RC_OK);
	page_done(&p);
}

static void
a_successor_goes_on(void **state)
{
	struct bench	*k = *state;
	struct net	*n = &k->rig.net;
	struct buf	 doc = BUF_INIT(CHARTER_BYTES_MAX), dsse = BUF_INIT(DSSE_BYTES_MAX);
	uint64_t	 at = n->log_entries.n;
	struct err	 err;
	uint8_t		 digest[SHA256_BYTES];

	new_log_key(k, &doc);
	sha256_one(digest, buf_view(&doc));
	assert_int_equal(replay(k, &err), RC_OK);
	net_succession(n, buf_view(&doc), Q - 1, &dsse);
	assert_int_equal(rebuild_succeed(&k->b, buf_view(&doc), buf_view(&dsse), &err), RC_DENIED);
	assert_int_equal(store_size(k->b.store), at);
	assert_int_equal(unlink(k->db), 0);
	assert_int_equal(replay(k, &err), RC_OK);
	buf_reset(&dsse);
	net_succession(n, buf_view(&doc), Q, &dsse);
	assert_int_equal(rebuild_succeed(&k->b, buf_view(&doc), buf_view(&dsse), &err), RC_OK);
	assert_int_equal(store_size(k->b.store), at + 1);
	rebuild_done(&k->b);

	k->rig.c.log = n->person[NET_STRANGER].signer;
	rig_start(&k->rig);
	assert_memory_equal(coordinator_charter(&k->rig.c)->digest, digest, SHA256_BYTES);
	while (cosigning_have(k->rig.c.cosigning, at + 1) == 0) {	/* until its first checkpoint is offered */
		struct target	t = { .note = BUF_INIT(NOTE_BYTES_MAX) };

		assert_int_equal(cosigning_target(k->rig.c.cosigning, clock_ms(), &t, &err), RC_OK);
		buf_done(&t.note);
		if (t.size == at + 1)
			break;
	}
	who_is_behind_is_led_to_it(k, at);
	rig_stop(&k->rig);
	buf_done(&doc);
	buf_done(&dsse);
}

/* A running coordinator takes none: its key is not the new one's. */
static void
not_by_submit(void **state)
{
	struct bench		*k = *state;
	struct buf		 doc = BUF_INIT(CHARTER_BYTES_MAX), dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct submission	 sub = { .why = VOID_NONE };
	struct err		 err;
	uint64_t		 size;

	assert_int_equal(replay(k, &err), RC_OK);
	rebuild_done(&k->b);
	new_log_key(k, &doc);
	net_succession(&k->rig.net, buf_view(&doc), Q, &dsse);
	rig_start(&k->rig);
	size = sequencer_size(k->rig.c.sequencer);
	sub.dsse = buf_view(&dsse);
	assert_int_equal(sequencer_submit(k->rig.c.sequencer, &sub, &err), RC_FORMAT);
	assert_int_equal(sequencer_size(k->rig.c.sequencer), size);
	rig_stop(&k->rig);
	buf_done(&doc);
	buf_done(&dsse);
}

/* ---- under an amended charter ------------------------------------------------------------------------------ */

static void
begin(struct bench *k)
{
	struct err	err;

	assert_int_equal(replay(k, &err), RC_OK);
	rebuild_done(&k->b);
	k->rig.net.now = clock_now();
	rig_start(&k->rig);
	assert_int_equal(lineage_new(&k->rig.c.lineage, &err), RC_OK);
}

static void
end(struct bench *k)
{
	lineage_free(k->rig.c.lineage);
	k->rig.c.lineage = NULL;
	rig_stop(&k->rig);
}

static void
its_charter_is_in_force(void **state)
{
	struct bench	*k = *state;
	struct reader	*r;

	begin(k);
	assert_int_equal(coordinator_charter(&k->rig.c)->order_seconds, 1800);
	assert_int_equal(k->rig.c.first->order_seconds, 3600);
	assert_memory_equal(k->rig.c.first->digest, k->rig.c.genesis, SHA256_BYTES);
	assert_string_equal(coordinator_charter(&k->rig.c)->custodian[0].address, "127.0.0.1:9");
	r = reader_take(k->rig.c.readers);
	assert_memory_equal(replica_charter(r->replica)->digest, coordinator_charter(&k->rig.c)->digest, SHA256_BYTES);
	reader_give(r);
	end(k);
}

static void
submit_as(struct bench *k, struct statement *s, const struct test_key *by, struct submission *sub)
{
	struct buf	dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct err	err;

	s->seen_size = 0;
	tree_empty(s->seen_root);
	assert_int_equal(statement_sign(s, &by->signer, &dsse, &err), RC_OK);
	memset(sub, 0, sizeof(*sub));
	sub->dsse = buf_view(&dsse);
	assert_int_equal(sequencer_submit(k->rig.c.sequencer, sub, &err), RC_OK);
	statement_done(s);
	buf_done(&dsse);
}

/* What it would make void is not logged: its signer signs it again. A "no" is. */
static void
an_older_charter_is_named(void **state)
{
	struct bench		*k = *state;
	struct net		*n = &k->rig.net;
	struct statement	 s;
	struct submission	 sub;
	uint64_t		 size;

	begin(k);
	size = sequencer_size(k->rig.c.sequencer);
	net_statement(n, &s, STATEMENT_CONSENT);
	memcpy(s.charter, k->rig.c.genesis, SHA256_BYTES);
	memcpy(s.subject, k->amendment, SHA256_BYTES);
	s.u.consent.custodian = 5;
	submit_as(k, &s, &n->signing[4], &sub);
	assert_int_equal(sub.fate, FATE_REFUSED);
	assert_int_equal(sub.why, VOID_CHARTER);
	assert_int_equal(sequencer_size(k->rig.c.sequencer), size);

	net_statement(n, &s, STATEMENT_CONSENT);	/* of none that ever was: it is void, for all to see */
	s.charter[0] ^= 1;
	memcpy(s.subject, k->amendment, SHA256_BYTES);
	s.u.consent.custodian = 5;
	submit_as(k, &s, &n->signing[4], &sub);
	assert_int_equal(sub.fate, FATE_LOGGED);
	assert_int_equal(sub.verdict.why, VOID_CHARTER);

	net_statement(n, &s, STATEMENT_REVOCATION);
	memcpy(s.charter, k->rig.c.genesis, SHA256_BYTES);
	key_id(&n->person[NET_COURT].signer.key, s.subject);
	submit_as(k, &s, &n->person[NET_COURT], &sub);
	assert_int_equal(sub.fate, FATE_LOGGED);
	assert_true(sub.verdict.effective);
	end(k);
}

/* In pieces, and enough for who has the genesis alone. */
static void
strangers_get_the_lineage(void **state)
{
	struct bench			*k = *state;
	Quorate__V1__CharterRequest	 q = QUORATE__V1__CHARTER_REQUEST__INIT;
	AUTO(charter_free) struct charter *charter = NULL;
	struct evidence_case		 c = CASE_INIT;
	Quorate__V1__CharterReply	*m;
	struct buf			 in = BUF_INIT(64), out = BUF_INIT(RPC_MESSAGE_MAX), all = BUF_INIT(CASE_BYTES_MAX);
	struct checkpoint		 cp;
	struct err			 err;

	begin(k);
	do {
		buf_reset(&in);
		buf_reset(&out);
		q.offset = all.n;
		assert_int_equal(pb_pack(&q.base, &in, &err), RC_OK);
		assert_int_equal(on_charter(&k->rig.c, NULL, buf_view(&in), &out, &err), RC_OK);
		m = quorate__v1__charter_reply__unpack(NULL, out.n, out.p);
		assert_non_null(m);
		assert_int_equal(m->charter.len, SHA256_BYTES);
		assert_memory_equal(m->charter.data, coordinator_charter(&k->rig.c)->digest, SHA256_BYTES);
		buf_span(&all, pb_span(&m->data));
		q.offset = m->size;
		quorate__v1__charter_reply__free_unpacked(m, NULL);
	} while (all.n < q.offset);
	assert_int_equal(case_parse(buf_view(&all), &c, &err), RC_OK);
	assert_int_equal(c.n_later, 1);
	if (case_charter(&c, k->rig.c.genesis, &charter, &cp, &err) != RC_OK)
		fail_msg("%s", err.msg);
	assert_memory_equal(charter->digest, coordinator_charter(&k->rig.c)->digest, SHA256_BYTES);
	case_done(&c);
	end(k);
	buf_done(&in);
	buf_done(&out);
	buf_done(&all);
}

static void
an_amendment_is_shown(void **state)
{
	struct bench			*k = *state;
	Quorate__V1__AmendmentRequest	 q = QUORATE__V1__AMENDMENT_REQUEST__INIT;
	Quorate__V1__AmendmentReply	*m;
	struct buf			 in = BUF_INIT(64), out = BUF_INIT(RPC_MESSAGE_MAX);
	struct err			 err;

	begin(k);
	q.id = pb_bytes(SPAN_OF(k->amendment));
	assert_int_equal(pb_pack(&q.base, &in, &err), RC_OK);
	assert_int_equal(on_amendment(&k->rig.c, NULL, buf_view(&in), &out, &err), RC_OK);
	m = quorate__v1__amendment_reply__unpack(NULL, out.n, out.p);
	assert_non_null(m);
	assert_string_equal(m->phase, amendment_phase_name(AMENDMENT_IN_FORCE));
	assert_int_equal(m->n_decisions, 3 + Q);
	assert_int_equal(m->n_consents, Q);
	assert_int_equal(m->consents[Q - 1], Q);
	assert_int_equal(m->have, 3);
	assert_true(m->in_force > 0);
	assert_memory_equal(m->charter.data, coordinator_charter(&k->rig.c)->digest, SHA256_BYTES);
	quorate__v1__amendment_reply__free_unpacked(m, NULL);
	end(k);
	buf_done(&in);
	buf_done(&out);
}

static void
amendments_are_listed(void **state)
{
	struct bench			*k = *state;
	Quorate__V1__ListRequest	 q = QUORATE__V1__LIST_REQUEST__INIT;
	Quorate__V1__ListReply		*m;
	struct buf			 in = BUF_INIT(64), out = BUF_INIT(RPC_MESSAGE_MAX);
	struct err			 err;

	begin(k);
	q.kind = pb_text("amendments");
	assert_int_equal(pb_pack(&q.base, &in, &err), RC_OK);
	assert_int_equal(on_list(&k->rig.c, NULL, buf_view(&in), &out, &err), RC_OK);
	m = quorate__v1__list_reply__unpack(NULL, out.n, out.p);
	assert_non_null(m);
	assert_int_equal(m->n_rows, 1);
	assert_memory_equal(m->rows[0]->id.data, k->amendment, SHA256_BYTES);
	assert_string_equal(m->rows[0]->who, "requester");
	quorate__v1__list_reply__free_unpacked(m, NULL);
	end(k);
	buf_done(&in);
	buf_done(&out);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		T(the_same_log_and_state),
		T(another_byte),
		T(a_byte_short),
		T(too_few_cosigned),
		T(another_log_key),
		T(another_genesis),
		T(blobs_that_are_not_there),
		T(a_tail_is_kept),
		T(a_tail_that_nobody_signed),
		T(a_successor_goes_on),
		T(not_by_submit),
		T(its_charter_is_in_force),
		T(an_older_charter_is_named),
		T(strangers_get_the_lineage),
		T(an_amendment_is_shown),
		T(amendments_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * apply is total: whatever the bytes, an entry is effective or void. It is the
 * same everywhere, a trial leaves nothing behind, and want of memory is a fault
 * that changes no verdict.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "audit/entry.h"
#include "tests/unit/fault.h"
#include "tests/unit/policy/rows.h"

/* A log with one entry of nearly every type, void ones among them. */
static void
story(struct net *n)
{
	struct statement	s;
	uint8_t			request[32], other[32], order[32], r[3][32];

	met(n, "veto", request);
	seal_and_ask(n, "veto", other);
	good(net_decide(n, other, NET_LEGAL, false));
	assert_false(net_decide(n, other, NET_AUDITOR, true).effective);
	good(net_decide(n, request, NET_SECOND_LEGAL, true));
	good(net_withdraw(n, request, NET_SECOND_LEGAL));
	n->now += 30;
	good(net_order(n, request, order));
	for (uint8_t i = 0; i < 3; i++)
		good(net_receipt(n, order, (uint8_t)(i + 1), r[i]));
	net_statement(n, &s, STATEMENT_RELEASE);
	memcpy(s.subject, order, 32);
	s.u.release.n = 3;
	for (uint8_t i = 0; i < 3; i++) {
		s.u.release.custodian[i].index = (uint8_t)(i + 1);
		s.u.release.custodian[i].good = true;
		memcpy(s.u.release.custodian[i].receipt, r[i], 32);
	}
	good(net_log(n, &s, &n->log));
	(void)net_log_dsse(n, SPAN_STR("{}"));
	good(net_revoke(n, &n->person[NET_AUDITOR], &n->person[NET_LEGAL]));
}

/* ... and of those that change the charter, with a request that is open all the while. */
static void
story_of_charters(struct net *n)
{
	static const struct net_edit	renamed = { "name", "\"Another name\"" };
	static const struct net_edit	elsewhere = { "coordinator/address", "\"127.0.0.1:9\"" };
	struct buf			doc = BUF_INIT(BIG), b = BUF_INIT(BIG);
	uint8_t				request[32], id[32];

	met(n, "standard", request);
	assert_false(net_propose(n, SPAN_STR("no charter"), NET_LEGAL, id).effective);
	net_next(n, &renamed, 1, &doc);
	net_approved(n, buf_view(&doc), id);
	for (uint8_t i = 1; i <= 4; i++)
		good(net_consent(n, id, i));
	assert_false(net_consent(n, id, 5).effective);
	good(net_order(n, request, NULL));
	buf_reset(&doc);
	net_next(n, &elsewhere, 1, &doc);
	net_succession(n, buf_view(&doc), 4, &b);
	good(net_log_dsse(n, buf_view(&b)));
	good(net_decide(n, request, NET_COURT, false));
	buf_done(&doc);
	buf_done(&b);
}

/* The log time of an entry. */
static when
time_of(const struct buf *leaf)
{
	struct entry	e;

	assert_int_equal(entry_parse(buf_view(leaf), &e, NULL), RC_OK);
	return e.time;
}

/* A second state that is given the same entries and blobs. */
struct second {
	struct memstate	*mem;
	struct replica	*replica;
};

static enum rc
copy_blob(struct net *n, struct memstate *to, const uint8_t digest[32])
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
	const struct state	*st = memstate_state(n->mem);
	enum rc			 rc = st->blob(st->user, digest, &b, NULL);

	return rc != RC_OK ? rc : memstate_blob(to, buf_view(&b), NULL);
}

static void
second_init(struct net *n, struct second *s)
{
	assert_int_equal(memstate_new(&s->mem, NULL), RC_OK);
	assert_int_equal(memstate_blob(s->mem, buf_view(&n->charter_json), NULL),
	    RC_OK);
	assert_int_equal(replica_new(memstate_state(s->mem), n->genesis,
	    &s->replica, NULL), RC_OK);
}

static void
second_done(struct second *s)
{
	replica_free(s->replica);
	memstate_free(s->mem);
}

static enum rc
second_apply(struct net *n, struct second *s, uint64_t index, struct span leaf,
    struct verdict *v)
{
	uint8_t	blob[2][32], hash[32];
	size_t	n_blobs;

	assert_int_equal(entry_blobs(leaf, blob, &n_blobs, NULL), RC_OK);
	for (size_t i = 0; i < n_blobs; i++)
		(void)copy_blob(n, s->mem, blob[i]);
	tree_leaf(leaf, hash);
	assert_int_equal(memstate_leaf(s->mem, hash, NULL), RC_OK);
	return replica_apply(s->replica, index, leaf, v, NULL);
}

static void
two_replicas_agree(void **state)
{
	struct net	n;
	struct second	s;
	uint8_t		a[32], b[32];
	when		t, u;

	(void)state;
	net_init_amendable(&n);
	story_of_charters(&n);
	story(&n);
	second_init(&n, &s);
	for (size_t i = 0; i < n.log_entries.n; i++) {
		struct verdict	v;

		assert_int_equal(second_apply(&n, &s, i,
		    buf_view(&n.log_entries.leaf[i]), &v), RC_OK);
		/* A start in the middle reads what stands there, and goes on. */
		assert_int_equal(replica_reload(s.replica, NULL), RC_OK);
		assert_int_equal(replica_state_digest(s.replica, a, NULL), RC_OK);
		assert_memory_equal(a, v.state, 32);
	}
	assert_int_equal(replica_state_digest(n.replica, b, NULL), RC_OK);
	assert_memory_equal(a, b, 32);
	assert_int_equal(replica_time(n.replica, &t, NULL), RC_OK);
	assert_int_equal(replica_time(s.replica, &u, NULL), RC_OK);
	assert_int_equal(t, u);
	second_done(&s);
	net_done(&n);
}

static void
hash_state(uint8_t state[32], uint64_t index, uint8_t effective, uint8_t why,
    struct span puts)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
	uint8_t	changes[32];

	sha256_one(changes, puts);
	buf_add(&b, state, 32);
	buf_u64(&b, index);
	buf_u8(&b, effective);
	buf_u8(&b, why);
	buf_add(&b, changes, 32);
	sha256_one(state, buf_view(&b));
}

/* state-v1 sections 4 and 5, done by hand for three entries. */
static void
digest_as_specified(void **state)
{
	AUTO_DONE(buf_done) struct buf puts = BUF_INIT(BIG);
	AUTO_DONE(dsse_done) struct dsse d = { 0 };
	struct statement	s;
	struct net		n;
	uint8_t			want[32], have[32];

	(void)state;
	net_init(&n);
	sha256_one(want, SPAN_STR("quorate/state/v1"));
	assert_int_equal(dsse_parse(SPAN(n.log_entries.leaf[0].p + 8,
	    n.log_entries.leaf[0].n - 8), &d, NULL), RC_OK);
	buf_printf(&puts, "%c%cs", 0, 33);
	buf_add(&puts, d.id, 32);
	buf_add(&puts, "\0\x0a" "\0\0\0\0\0\0\0\0" "\1" "\0", 12);
	hash_state(want, 0, 1, 0, buf_view(&puts));
	assert_int_equal(replica_state_digest(n.replica, have, NULL), RC_OK);
	assert_memory_equal(have, want, 32);

	(void)net_log_dsse(&n, SPAN_STR("{}"));
	hash_state(want, 1, 0, VOID_MALFORMED, SPAN(NULL, 0));
	assert_int_equal(replica_state_digest(n.replica, have, NULL), RC_OK);
	assert_memory_equal(have, want, 32);

	net_statement(&n, &s, STATEMENT_REVOCATION);
	key_id(&n.person[NET_AUDITOR].signer.key, s.subject);
	good(net_log(&n, &s, &n.person[NET_LEGAL]));
	buf_reset(&puts);
	buf_printf(&puts, "%c%ck", 0, 33);
	buf_add(&puts, s.subject, 32);
	buf_add(&puts, "\0\x08" "\0\0\0\0\0\0\0\2", 10);
	buf_printf(&puts, "%c%cs", 0, 33);
	buf_add(&puts, s.id, 32);
	buf_add(&puts, "\0\x0a" "\0\0\0\0\0\0\0\2" "\6" "\0", 12);
	hash_state(want, 2, 1, 0, buf_view(&puts));
	assert_int_equal(replica_state_digest(n.replica, have, NULL), RC_OK);
	assert_memory_equal(have, want, 32);
	net_done(&n);
}

/* Another order of two entries is another state. */
static void
order_matters(void **state)
{
	struct net	n;
	struct second	s;
	struct verdict	v;
	uint8_t		request[32], a[32], b[32];
	size_t		last;

	(void)state;
	net_init(&n);
	seal_and_ask(&n, "standard", request);
	good(net_decide(&n, request, NET_LEGAL, true));
	good(net_decide(&n, request, NET_COMPLIANCE, true));
	second_init(&n, &s);
	last = n.log_entries.n - 1;
	for (size_t i = 0; i <= last; i++) {
		size_t	at = i == last ? last - 1 : i == last - 1 ? last : i;

		/* Each saw the log before it: swapped, the second saw too much. */
		assert_int_equal(second_apply(&n, &s, i,
		    buf_view(&n.log_entries.leaf[at]), &v), RC_OK);
	}
	assert_int_equal(replica_state_digest(n.replica, a, NULL), RC_OK);
	assert_int_equal(replica_state_digest(s.replica, b, NULL), RC_OK);
	assert_memory_not_equal(a, b, 32);
	second_done(&s);
	net_done(&n);
}

static uint32_t
next(uint32_t *state)
{
	*state = *state * 1664525U + 1013904223U;
	return *state >> 8;
}

/* Flips, cuts, doubles and swaps bytes of a valid entry. */
static void
mutate(uint32_t *rng, struct buf *b)
{
	unsigned	times = 1 + next(rng) % 3;

	while (times-- > 0) {
		size_t	at = next(rng) % b->n, n = 1 + next(rng) % 40;

		if (n > b->n - at)
			n = b->n - at;
		switch (next(rng) % 5) {
		case 0:
			b->p[at] ^= (uint8_t)(1U << next(rng) % 8);
			break;
		case 1:
			b->p[at] = (uint8_t)next(rng);
			break;
		case 2:
			memmove(b->p + at, b->p + at + n, b->n - at - n);
			b->n -= n;
			break;
		case 3:
			buf_add(b, (uint8_t[40]){ 0 }, n);
			break;
		default:
			memset(b->p + at, 'A', n);
			break;
		}
		if (b->n == 0)
			buf_u8(b, 0);
	}
}

static void
mutations_are_void_or_effective(void **state)
{
	struct net	n;
	struct second	s;
	unsigned	effective = 0, tried = 0;
	uint32_t	rng = 7;

	(void)state;
	net_init_amendable(&n);
	story_of_charters(&n);
	story(&n);
	second_init(&n, &s);
	for (size_t i = 0; i < n.log_entries.n; i++) {
		const struct buf	*leaf = &n.log_entries.leaf[i];
		struct verdict		 v;

		for (size_t m = 0; i > 0 && m < 300; m++, tried++) {
			AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
			struct err	err;
			uint8_t		*copy, blob[2][32];
			size_t		 n_blobs;
			enum rc		 rc;

			/* Mostly the envelope; its time now and then. */
			buf_span(&b, SPAN(leaf->p + 8, leaf->n - 8));
			mutate(&rng, &b);
			copy = heap_copy(b.p, b.n);
			rc = replica_try(s.replica, time_of(leaf), SPAN(copy, b.n),
			    &v, &err);
			/* A blob that nobody has is the one thing to wait for. */
			if (rc != RC_OK && rc != RC_MISSING)
				fail_msg("entry %zu, mutation %zu: %s", i, m, err.msg);
			if (rc == RC_OK)
				effective += v.effective;
			assert_int_equal(entry_blobs(SPAN(copy, b.n), blob,
			    &n_blobs, &err), RC_OK);
			free(copy);
		}
		assert_int_equal(second_apply(&n, &s, i, buf_view(leaf), &v), RC_OK);
	}
	/* What passes is the same statement written otherwise (a hint, a space). */
	assert_true(effective < tried / 10);
	second_done(&s);
	net_done(&n);
}

/* Malformed leaves, at the length limits. */
static void
any_leaf(void **state)
{
	struct net	n;
	struct verdict	v;
	uint8_t		*p = calloc(1, 70000);
	uint64_t	index;

	(void)state;
	assert_non_null(p);
	net_init(&n);
	index = n.range.size;
	static const size_t	lengths[] = { 0, 1, 7, 8, 9, 65535, 65536, 70000 };
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint8_t	*copy = heap_copy(p, lengths[i]);

		assert_int_equal(replica_apply(n.replica, index++,
		    SPAN(copy, lengths[i]), &v, NULL), RC_OK);
		assert_int_equal(v.why, VOID_MALFORMED);
		assert_true(v.time == NET_START);
		free(copy);
	}
	free(p);
	net_done(&n);
}

static void
every_truncation(void **state)
{
	struct net	n;

	(void)state;
	net_init_amendable(&n);
	story_of_charters(&n);
	story(&n);
	for (size_t i = 1; i < n.log_entries.n; i++) {
		const struct buf	*leaf = &n.log_entries.leaf[i];

		for (size_t k = 8; k < leaf->n; k += 1 + k / 300) {
			struct verdict	v;
			uint8_t		*copy = heap_copy(leaf->p + 8, k - 8);

			assert_int_equal(replica_try(n.replica, n.now,
			    SPAN(copy, k - 8), &v, NULL), RC_OK);
			assert_int_equal(v.why, VOID_MALFORMED);
			free(copy);
		}
	}
	net_done(&n);
}

static void
a_trial_leaves_nothing(void **state)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
	struct net_artifact	a;
	struct statement	s;
	struct verdict		v, w;
	struct net		n;
	struct request_view	view;
	uint8_t			before[32], after[32];

	(void)state;
	net_init(&n);
	a = net_seal(&n, "standard");
	net_request(&n, &a, 1, "standard", &s);
	assert_int_equal(statement_sign(&s, &n.person[NET_REQUESTER].signer, &b,
	    NULL), RC_OK);
	assert_int_equal(replica_state_digest(n.replica, before, NULL), RC_OK);
	/* Twice: the first has not taken the id. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(replica_try(n.replica, n.now, buf_view(&b), &v,
		    NULL), RC_OK);
		assert_true(v.effective);
	}
	assert_int_equal(replica_request(n.replica, s.id, n.now, &view, NULL),
	    RC_MISSING);
	assert_int_equal(replica_state_digest(n.replica, after, NULL), RC_OK);
	assert_memory_equal(before, after, 32);
	/* And it said what would come of it, to the digest. */
	w = net_log_dsse(&n, buf_view(&b));
	assert_memory_equal(&v.state, &w.state, 32);
	assert_int_equal(replica_try(n.replica, n.now, buf_view(&b), &v, NULL), RC_OK);
	assert_int_equal(v.why, VOID_REPLAY);
	statement_done(&s);

	/* A batch, which adds escrows; then the genesis on an empty state. */
	{
		struct descriptor	d;
		struct escrow_at	at;
		const struct state	*st = memstate_state(n.mem);
		struct second		 e;

		net_descriptor(&n, "standard", &d);
		net_batch(&n, &d, 1, &s);
		buf_reset(&b);
		assert_int_equal(statement_sign(&s, &n.sealer.signer, &b, NULL), RC_OK);
		assert_int_equal(replica_try(n.replica, n.now, buf_view(&b), &v,
		    NULL), RC_OK);
		assert_true(v.effective);
		assert_int_equal(st->escrow_find(st->user, d.id, &at, NULL, NULL),
		    RC_MISSING);
		statement_done(&s);

		second_init(&n, &e);
		buf_reset(&b);
		net_charter_envelope(&n, &b);
		assert_int_equal(replica_try(e.replica, n.now, buf_view(&b), &v,
		    NULL), RC_OK);
		assert_null(replica_charter(e.replica));
		second_done(&e);
	}
	net_done(&n);
}

/* Each allocation fails in turn: a fault, never another verdict. */
static void
every_allocation(void **state)
{
	struct net	n;
	struct second	s;

	(void)state;
	net_init_amendable(&n);
	story_of_charters(&n);
	story(&n);
	second_init(&n, &s);
	for (size_t i = 0; i < n.log_entries.n; i++) {
		const struct buf	*leaf = &n.log_entries.leaf[i];
		struct verdict		 want, v;
		unsigned long		 k;
		enum rc			 rc;
		uint8_t			 blob[2][32];
		size_t			 n_blobs;

		assert_int_equal(entry_blobs(buf_view(leaf), blob, &n_blobs, NULL),
		    RC_OK);
		for (size_t j = 0; j < n_blobs; j++)
			assert_int_equal(copy_blob(&n, s.mem, blob[j]), RC_OK);
		/* A charter that is read takes a thousand of them. */
		for (k = 1;; k += k > 60 ? 37 : 1) {
			fault_at(k);
			rc = replica_try(s.replica, time_of(leaf),
			    SPAN(leaf->p + 8, leaf->n - 8), &v, NULL);
			if (!fault_fired())
				break;
			assert_int_equal(rc, RC_NOMEM);
		}
		assert_int_equal(rc, RC_OK);
		assert_true(k > 5);
		assert_int_equal(second_apply(&n, &s, i, buf_view(leaf), &want),
		    RC_OK);
		assert_int_equal(v.why, want.why);
	}
	second_done(&s);
	net_done(&n);
}

/* --- the genesis, and turns --------------------------------------------------------------- */

static void
entry_zero(void **state)
{
	AUTO_DONE(buf_done) struct buf whole = BUF_INIT(BIG), leaf = BUF_INIT(BIG);
	AUTO_DONE(dsse_done) struct dsse d = { 0 };
	struct net	n;
	struct second	s;
	struct verdict	v;
	uint8_t		other[32] = { 1 };
	struct replica	*r = NULL;
	struct err	err;

	(void)state;
	net_init(&n);
	net_charter_envelope(&n, &whole);
	assert_int_equal(dsse_parse(buf_view(&whole), &d, NULL), RC_OK);
	assert_int_equal(d.n_sig, NET_N + 2);
	second_init(&n, &s);
	/* Each signature is needed: break them one by one. */
	for (size_t i = 0; i < d.n_sig; i++) {
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);
		const char	*at = buf_text(&whole);

		for (size_t j = 0; j <= i; j++)
			at = strstr(at, "\"sig\":\"") + 10;
		buf_u64(&b, n.now);
		buf_span(&b, buf_view(&whole));
		b.p[8 + (size_t)(at - buf_text(&whole))] ^= 1;
		assert_int_equal(replica_apply(s.replica, 0, buf_view(&b), &v,
		    &err), RC_VERIFY);
		assert_null(replica_charter(s.replica));
	}
	/* Not the charter; not ours; out of turn. */
	assert_int_equal(replica_apply(s.replica, 0, SPAN_STR("12345678{}"), &v,
	    &err), RC_VERIFY);
	assert_int_equal(replica_apply(s.replica, 0,
	    buf_view(&n.log_entries.leaf[0]), &v, &err), RC_OK);
	assert_true(v.effective);
	assert_non_null(replica_charter(s.replica));
	assert_int_equal(replica_apply(s.replica, 0,
	    buf_view(&n.log_entries.leaf[0]), &v, &err), RC_USAGE);
	second_done(&s);

	second_init(&n, &s);
	entry_write(n.now, buf_view(&whole), &leaf);
	assert_int_equal(replica_apply(s.replica, 1, buf_view(&leaf), &v, &err),
	    RC_USAGE);
	replica_free(s.replica);
	assert_int_equal(replica_new(memstate_state(s.mem), other, &s.replica,
	    NULL), RC_OK);
	assert_int_equal(replica_apply(s.replica, 0, buf_view(&leaf), &v, &err),
	    RC_VERIFY);
	second_done(&s);

	/* A blob that is not here yet. */
	assert_int_equal(memstate_new(&s.mem, NULL), RC_OK);
	assert_int_equal(replica_new(memstate_state(s.mem), n.genesis, &s.replica,
	    NULL), RC_OK);
	assert_int_equal(replica_apply(s.replica, 0, buf_view(&leaf), &v, &err),
	    RC_MISSING);
	second_done(&s);

	/* A state of another network. */
	assert_int_equal(replica_new(memstate_state(n.mem), other, &r, &err),
	    RC_FORMAT);
	assert_null(r);
	net_done(&n);
}

static void
blobs_that_are_missing(void **state)
{
	struct net_artifact	a;
	struct statement	s;
	struct verdict		v;
	struct net		n;
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);

	(void)state;
	net_init(&n);
	a = net_seal(&n, "standard");
	net_request(&n, &a, 1, "standard", &s);
	s.subject[0] ^= 1;
	assert_int_equal(statement_sign(&s, &n.person[NET_REQUESTER].signer, &b,
	    NULL), RC_OK);
	assert_int_equal(replica_try(n.replica, n.now, buf_view(&b), &v, NULL),
	    RC_MISSING);
	statement_done(&s);
	/* A stranger's request makes nobody wait. */
	net_request(&n, &a, 1, "standard", &s);
	s.subject[0] ^= 1;
	buf_reset(&b);
	assert_int_equal(statement_sign(&s, &n.person[NET_STRANGER].signer, &b,
	    NULL), RC_OK);
	assert_int_equal(replica_try(n.replica, n.now, buf_view(&b), &v, NULL), RC_OK);
	assert_int_equal(v.why, VOID_SIGNATURE);
	statement_done(&s);
	net_done(&n);
}

/* --- a sparse replay ------------------------------------------------------------------------- */

/* Only what a request needs, with one descriptor of its batch proved by path. */
static void
sparse_replay(void **state)
{
	struct descriptor	d[3];
	struct net_artifact	a;
	struct statement	s;
	struct tree_path	path;
	uint8_t			leaf[3][32], root[32], request[32];
	struct buf		bytes[3];
	struct net		n;
	struct second		e;
	struct verdict		v;
	uint64_t		batch, asked;

	(void)state;
	net_init(&n);
	(void)net_seal(&n, "standard");
	for (size_t i = 0; i < 3; i++) {
		net_descriptor(&n, "lenient", &d[i]);
		bytes[i] = BUF_INIT(BIG);
		descriptor_write(&d[i], &bytes[i]);
		tree_leaf(buf_view(&bytes[i]), leaf[i]);
	}
	net_batch(&n, d, 3, &s);
	memcpy(root, s.subject, 32);
	good(net_log(&n, &s, &n.sealer));
	batch = n.range.size - 1;
	memcpy(a.id, d[1].id, sizeof(a.id));
	(void)net_seal(&n, "standard");
	net_requested(&n, &a, 1, "lenient", request);
	asked = n.range.size - 1;
	assert_int_equal(tree_inclusion_of(leaf, 3, 1, &path, NULL), RC_OK);

	for (int broken = 0; broken < 2; broken++) {
		uint8_t		blob[2][32];
		size_t		n_blobs;

		second_init(&n, &e);
		assert_int_equal(replica_apply(e.replica, 0,
		    buf_view(&n.log_entries.leaf[0]), &v, NULL), RC_OK);
		assert_int_equal(replica_apply(e.replica, batch,
		    buf_view(&n.log_entries.leaf[batch]), &v, NULL), RC_MISSING);
		if (broken)
			path.hash[0][0] ^= 1;
		assert_int_equal(memstate_descriptor(e.mem, root, 1, &path,
		    buf_view(&bytes[1]), NULL), RC_OK);
		assert_int_equal(replica_apply(e.replica, batch,
		    buf_view(&n.log_entries.leaf[batch]), &v, NULL), RC_OK);
		assert_int_equal(v.why, broken ? VOID_BATCH : VOID_NONE);
		assert_int_equal(entry_blobs(buf_view(&n.log_entries.leaf[asked]),
		    blob, &n_blobs, NULL), RC_OK);
		assert_int_equal(n_blobs, 1);
		assert_int_equal(copy_blob(&n, e.mem, blob[0]), RC_OK);
		assert_int_equal(replica_apply(e.replica, asked,
		    buf_view(&n.log_entries.leaf[asked]), &v, NULL), RC_OK);
		assert_int_equal(v.why, broken ? VOID_SCOPE : VOID_NONE);
		second_done(&e);
	}
	for (size_t i = 0; i < 3; i++)
		buf_done(&bytes[i]);
	net_done(&n);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(two_replicas_agree),
		cmocka_unit_test(digest_as_specified),
		cmocka_unit_test(order_matters),
		cmocka_unit_test(mutations_are_void_or_effective),
		cmocka_unit_test(any_leaf),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(a_trial_leaves_nothing),
		cmocka_unit_test(every_allocation),
		cmocka_unit_test(entry_zero),
		cmocka_unit_test(blobs_that_are_missing),
		cmocka_unit_test(sparse_replay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

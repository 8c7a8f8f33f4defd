/* What a custodian that is behind is told: each page under the target's checkpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coordinator/replica_link.h"
#include "edge/edge.h"
#include "tests/unit/coordinator/rig.h"

static void
ok(enum rc rc, const struct err *err)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err->msg);
}

#define ENTRIES	600	/* more than a page holds */

static void
fill(struct rig *r)
{
	struct err	err;

	for (unsigned i = 0; i < ENTRIES; i++) {
		AUTO_DONE(buf_done) struct buf	b = BUF_INIT(DSSE_BYTES_MAX);
		struct submission		sub;

		rig_revocation(r, NET_LEGAL, &b);
		memset(&sub, 0, sizeof(sub));
		sub.dsse = buf_view(&b);
		ok(sequencer_submit(r->c.sequencer, &sub, &err), &err);
		assert_int_equal(sub.fate, FATE_LOGGED);
	}
}

/* The newest checkpoint is the target: as if those before had been waited for long enough. */
static void
newest_target(struct rig *r)
{
	struct target	t = { .note = BUF_INIT(NOTE_BYTES_MAX) };
	uint64_t	until = clock_ms() + 20000, late = clock_ms();
	struct err	err;

	do {
		buf_reset(&t.note);
		ok(cosigning_target(r->c.cosigning, late += 100000, &t, &err), &err);
	} while (t.size < sequencer_size(r->c.sequencer) && clock_ms() < until);
	assert_true(t.size == sequencer_size(r->c.sequencer));
	buf_done(&t.note);
}

/* As a custodian looks at it. */
static void
check_page(struct rig *r, struct store *log, const struct page *p)
{
	struct checkpoint	cp;
	struct tree_path	path = { .n = 0 };
	uint8_t			root[TREE_HASH_BYTES];
	struct err		err;

	ok(charter_checkpoint_verify(r->c.first, pb_span(&p->m.checkpoint), false, &cp, NULL, &err), &err);
	assert_true(cp.size >= p->m.first + p->m.n_entries);
	for (size_t i = 0; i < p->m.n_consistency; i++) {
		assert_int_equal(p->m.consistency[i].len, TREE_HASH_BYTES);
		memcpy(path.hash[path.n++], p->m.consistency[i].data, TREE_HASH_BYTES);
	}
	ok(store_root_at(log, p->m.first + p->m.n_entries, root, &err), &err);
	ok(tree_consistency_verify(p->m.first + p->m.n_entries, root, cp.size, cp.root, &path, &err), &err);
}

static void
each_page_is_covered(void **state)
{
	static struct rig		r;
	static struct page		p;
	static struct replica_link	l;
	char				path[FILE_PATH_MAX];
	unsigned			pages = 0;
	struct err			err;

	(void)state;
	rig_init(&r);
	rig_start(&r);
	l.c = &r.c;
	l.index = 1;
	l.known = true;
	ok(file_path(path, &err, "%s/log.db", r.c.dir), &err);
	ok(store_open(path, STORE_READ, &l.store, &err), &err);
	fill(&r);
	newest_target(&r);
	do {
		page_init(&p);
		ok(page_build(&l, &p, &err), &err);
		assert_true(p.m.n_entries > 0);
		check_page(&r, l.store, &p);
		l.size += p.m.n_entries;
		pages++;
		assert_int_equal(p.whole, l.size == sequencer_size(r.c.sequencer));
		page_done(&p);
	} while (l.size < sequencer_size(r.c.sequencer));
	assert_int_equal(pages, 2);
	store_close(l.store);
	rig_stop(&r);
	rig_done(&r);
}

static enum rc
hold_all(struct store *store, void *user, struct err *err)
{
	uint64_t	i, n = store_size(store);

	(void)user;
	for (i = 1; i < n; i++)
		TRY(journal_hold(store, i, 1, SPAN_STR("held"), err));
	return RC_OK;
}

/* One that held them, and begins at nothing again: each vector with its entry, however many there are. */
static void
vectors_come_with_their_entries(void **state)
{
	static struct rig		r;
	static struct page		p;
	static struct replica_link	l;
	char				path[FILE_PATH_MAX];
	size_t				shares = 0, pages = 0, i;
	struct descriptor		d;
	struct statement		s;
	struct err			err;

	(void)state;
	rig_init_amendable(&r);
	r.net.now = clock_now();
	rig_start(&r);
	for (i = 0; i < PAGE_SHARES_MAX + 2; i++) {
		net_descriptor(&r.net, "standard", &d);
		net_batch(&r.net, &d, 1, &s);
		assert_true(rig_log(&r, &s, &r.net.sealer.signer).effective);
	}
	ok(sequencer_do(r.c.sequencer, hold_all, NULL, &err), &err);
	memset(&l, 0, sizeof(l));
	l.c = &r.c;
	l.index = 1;
	l.known = true;
	ok(file_path(path, &err, "%s/log.db", r.c.dir), &err);
	ok(store_open(path, STORE_READ, &l.store, &err), &err);
	newest_target(&r);
	for (; l.size < sequencer_size(r.c.sequencer); pages++) {
		page_init(&p);
		ok(page_build(&l, &p, &err), &err);
		assert_true(p.m.n_entries > 0);
		for (i = 0; i < p.m.n_shares; i++)
			assert_in_range(p.m.shares[i]->batch, l.size, l.size + p.m.n_entries - 1);
		shares += p.m.n_shares;
		check_page(&r, l.store, &p);
		l.size += p.m.n_entries;
		page_done(&p);
	}
	assert_int_equal(pages, 2);
	assert_int_equal(shares, PAGE_SHARES_MAX + 2);
	store_close(l.store);
	rig_stop(&r);
	rig_done(&r);
}

/* All custodians cosign the target; its note is durable when this returns. */
static void
cosign(struct rig *r)
{
	struct target	t = { .note = BUF_INIT(NOTE_BYTES_MAX) };
	struct err	err;
	unsigned	have;

	ok(cosigning_target(r->c.cosigning, clock_ms(), &t, &err), &err);
	for (uint8_t i = 1; i <= r->c.first->n; i++) {
		AUTO_DONE(buf_done) struct buf	line = BUF_INIT(1024);

		rig_line(r, i, rig_text(buf_view(&t.note)), &line);
		ok(cosigning_add(r->c.cosigning, i, t.size, buf_view(&line), clock_ms(), &err), &err);
	}
	ok(cosigning_wait(r->c.cosigning, t.size, 20000, &have, &err), &err);
	buf_done(&t.note);
}

static void
look(struct replica_link *l, struct page *p)
{
	struct err	err;

	page_done(p);
	page_init(p);
	l->heard_at = clock_ms();		/* no beat */
	ok(page_build(l, p, &err), &err);
}

/* A note that nobody is in a hurry for waits for what else there is; who is told nothing hears of the next entry all the same. */
static void
a_note_lingers(void **state)
{
	static struct rig		r;
	static struct page		p;
	static struct replica_link	l;
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(DSSE_BYTES_MAX);
	struct submission		sub = { .why = VOID_NONE };
	char				path[FILE_PATH_MAX];
	struct err			err;

	(void)state;
	rig_init(&r);
	rig_start(&r);
	newest_target(&r);
	cosign(&r);
	memset(&l, 0, sizeof(l));
	l.c = &r.c;
	l.index = 1;
	l.known = true;
	l.size = 1;
	ok(file_path(path, &err, "%s/log.db", r.c.dir), &err);
	ok(store_open(path, STORE_READ, &l.store, &err), &err);
	page_init(&p);
	look(&l, &p);
	assert_true(l.settled && !p.news && !p.beat && p.m.cosigned.len > 0);
	l.note_at += 60000;		/* a busy machine */
	look(&l, &p);
	assert_true(!p.news && !p.beat && p.whole && p.m.cosigned.len > 0 && p.m.checkpoint.len == 0);
	l.hurry = true;
	look(&l, &p);
	assert_true(p.beat && p.m.cosigned.len > 0);
	look(&l, &p);
	assert_true(!p.news && !p.beat);
	l.note_at = clock_ms();
	look(&l, &p);
	assert_true(p.news);
	l.cosigned = 1;
	look(&l, &p);
	assert_true(!p.news && p.m.cosigned.len == 0 && l.note_at == 0 && l.settled);
	/* What is new is seen though there was nothing before. */
	rig_revocation(&r, NET_LEGAL, &b);
	sub.dsse = buf_view(&b);
	ok(sequencer_submit(r.c.sequencer, &sub, &err), &err);
	newest_target(&r);
	look(&l, &p);
	assert_true(p.news && p.m.n_entries == 1 && p.m.checkpoint.len > 0);
	check_page(&r, l.store, &p);
	/* ... and so is a custodian that has it, and did not cosign it. */
	l.size = 2;
	l.settled = true;
	look(&l, &p);
	assert_true(p.news && p.m.n_entries == 0 && p.m.checkpoint.len > 0);
	page_done(&p);
	store_close(l.store);
	rig_stop(&r);
	rig_done(&r);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(each_page_is_covered),
		cmocka_unit_test(vectors_come_with_their_entries),
		cmocka_unit_test(a_note_lingers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Time-stamps in the world: two authorities of its charter, what they stamp, and anchors of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/anchor.h"
#include "tests/unit/evidence/world.h"

#define BIG	((size_t)1 << 20)
#define DAY	86400L

static const char *const	ids[WORLD_TSAS] = { "first", "second" };

static void
must(enum rc rc, const struct err *err)
{
	if (rc != RC_OK) {
		fprintf(stderr, "world: %s: %s\n", rc_name(rc), err->msg);
		abort();
	}
}

static void
make_tsas(struct world *w)
{
	w->tsas = BUF_INIT(BIG);
	buf_printf(&w->tsas, "\"tsas\":[");
	for (size_t i = 0; i < WORLD_TSAS; i++) {
		/* Both live when the network does, which is before TSA_NOW. */
		tsa_party_new(&w->tsa_root[i], ids[i], NULL, true, TSA_EKU_NONE, 1, -400, 3650);
		tsa_party_new(&w->tsa[i], "TSA", &w->tsa_root[i], false, TSA_EKU, 2, -400, 365);
		buf_printf(&w->tsas, "%s{\"id\":\"%s\",\"url\":\"http://127.0.0.1:1/\",\"certificates\":[\"",
		    i == 0 ? "" : ",", ids[i]);
		b64_write(&w->tsas, tsa_cert(&w->tsa_root[i]));
		buf_printf(&w->tsas, "\"],\"crls\":[]}");
	}
	buf_printf(&w->tsas, "],\"anchor\":{\"entries\":10,\"seconds\":0}");
	w->net.tsas = buf_text(&w->tsas);
}

void
world_tsas_done(struct world *w)
{
	for (size_t i = 0; i < WORLD_TSAS && w->tsas.n > 0; i++) {
		tsa_party_done(&w->tsa_root[i]);
		tsa_party_done(&w->tsa[i]);
	}
	for (size_t i = 0; i < w->n_anchors; i++)
		buf_done(&w->anchor[i].archive);
	buf_done(&w->tsas);
}

void
world_token(struct world *w, size_t tsa, const uint8_t imprint[SHA256_BYTES], struct buf *out)
{
	AUTO_DONE(buf_done) struct buf	query = BUF_INIT(TIMESTAMP_QUERY_MAX), response = BUF_INIT(BIG);
	static const uint8_t		nonce[TIMESTAMP_NONCE_BYTES] = { 1, 2, 3 };
	const struct tsa_how		how = { .time = w->net.now };
	struct err			err;

	must(timestamp_query(imprint, nonce, &query, &err), &err);
	tsa_answer(&w->tsa[tsa], NULL, &how, buf_view(&query), &response);
	must(timestamp_token(buf_view(&response), imprint, nonce, out, &err), &err);
}

/* Where the batch stands in the log of this size. */
static void
batch_path(const struct world *w, uint64_t size, struct tree_path *ret)
{
	uint8_t		(*hash)[TREE_HASH_BYTES] = calloc(size, sizeof(*hash));
	struct err	err;

	assert_non_null(hash);
	for (size_t i = 0; i < size; i++)
		tree_leaf(buf_view(&w->net.log_entries.leaf[i]), hash[i]);
	must(tree_inclusion_of((const uint8_t (*)[TREE_HASH_BYTES])hash, size, w->batch, ret, &err), &err);
	free(hash);
}

void
world_anchor(struct world *w, size_t tsa)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX), token = BUF_INIT(BIG), crl = BUF_INIT(BIG);
	struct world_anchor		*a = &w->anchor[w->n_anchors++];
	struct anchor			 parts = { .n_certificates = 1, .n_crls = 1 };
	struct statement		 s;
	long				 now = (long)w->net.now - (long)TSA_NOW;
	struct err			 err;

	assert_true(w->n_anchors <= WORLD_ANCHORS);
	world_note(w, 4, w->net.now, &note);
	net_statement(&w->net, &s, STATEMENT_ANCHOR);
	sha256_one(s.subject, buf_view(&note));
	w->net.now = (when)((long)w->net.now + w->tsa_ahead);
	world_token(w, tsa, s.subject, &token);
	w->net.now = (when)((long)w->net.now - w->tsa_ahead);
	tsa_crl(&w->tsa_root[tsa], 0, 0, -1, now - DAY, now + DAY, &crl);
	parts.note = buf_view(&note);
	parts.token = buf_view(&token);
	parts.certificate[0] = tsa_cert(&w->tsa_root[tsa]);
	parts.crl[0] = buf_view(&crl);
	*a = (struct world_anchor){ .index = w->net.log_entries.n, .archive = BUF_INIT(ANCHOR_BYTES_MAX) };
	must(anchor_write(&parts, &a->archive, &err), &err);
	must(memstate_blob(w->net.mem, buf_view(&a->archive), &err), &err);
	sha256_one(s.u.anchor.archive, buf_view(&a->archive));
	s.u.anchor.size = a->index;
	strcpy(s.u.anchor.tsa, ids[tsa]);
	a->batch.batch = w->batch;
	batch_path(w, a->index, &a->batch.path);
	assert_true(net_log(&w->net, &s, &w->net.log).effective);
}

size_t
world_anchors(struct world *w, struct package_anchor ret[WORLD_ANCHORS])
{
	for (size_t i = 0; i < w->n_anchors; i++)
		ret[i] = (struct package_anchor){ w->anchor[i].index, buf_view(&w->anchor[i].archive),
		    &w->anchor[i].batch, 1 };
	return w->n_anchors;
}

enum rc
world_stamp(void *user, const uint8_t imprint[SHA256_BYTES], struct buf *token, struct err *err)
{
	world_token(user, 0, imprint, token);
	return buf_check(token, "token", err);
}

static void
both_anchor(struct world *w, enum world_step at)
{
	if (at != WORLD_SEALED)
		return;
	world_anchor(w, 0);
	world_anchor(w, 1);
}

static void
found(struct world *w, bool amendable)
{
	memset(w, 0, sizeof(*w));
	net_keys(&w->net);
	w->net.amendable = amendable;
	make_tsas(w);
	net_found(&w->net);
}

void
world_found_anchored(struct world *w)
{
	found(w, false);
}

void
world_found_amendable(struct world *w)
{
	found(w, true);
}

void
world_up_anchored(struct world *w, const char *policy)
{
	world_found_anchored(w);
	world_run(w, policy, both_anchor);
}

#include "tests/unit/evidence/forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/timestamp.h"
#include "evidence/custody.h"
#include "evidence/summary.h"

#define BIG	((size_t)8 << 20)

static bool
starts(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Drops all of this folder; where they stood. */
static size_t
drop_folder(struct repack *r, const char *prefix)
{
	size_t	at = repack_starting(r, prefix);

	while (at < r->n && starts(r->name[at], prefix))
		repack_drop(r, at);
	return at;
}

void
forge_file(struct repack *r, const char *name, struct span content)
{
	struct buf	*b = repack_file(r, name);

	buf_reset(b);
	buf_span(b, content);
}

static enum statement_type
type_of(struct span leaf)
{
	AUTO_DONE(dsse_done) struct dsse		d = { .n_sig = 0 };
	AUTO_DONE(statement_done) struct statement	s = { .type = STATEMENT_UNKNOWN };
	struct entry					e;

	assert_int_equal(entry_parse(leaf, &e, NULL), RC_OK);
	assert_int_equal(dsse_parse(e.dsse, &d, NULL), RC_OK);
	assert_int_equal(statement_parse(&d, &s, NULL), RC_OK);
	return s.type;
}

/* The release comes at the end; an anchor is there if its folder is. */
static bool
is_in(const struct repack *r, const struct world *w, size_t index)
{
	enum statement_type	type = type_of(buf_view(&w->net.log_entries.leaf[index]));
	package_name		name;

	name_anchor(index, "checkpoint", name);
	for (size_t i = 0; i < r->n && type == STATEMENT_ANCHOR; i++)
		if (strcmp(r->name[i], name) == 0)
			return true;
	return type != STATEMENT_ANCHOR && type != STATEMENT_RELEASE;
}

void
forge_entries(struct repack *r, const struct world *w)
{
	size_t		at = drop_folder(r, NAME_ENTRIES);
	package_name	name;

	for (size_t i = 0; i < w->net.log_entries.n; i++) {
		if (!is_in(r, w, i))
			continue;
		name_entry(i, name);
		repack_insert(r, at++, name, buf_view(&w->net.log_entries.leaf[i]));
	}
}

/* --- the rest ------------------------------------------------------------------- */

static uint64_t
entry_number(const char *name)
{
	return strtoull(name + strlen(NAME_ENTRIES), NULL, 10);
}

static void
put_proof(struct repack *r, size_t at, const struct evidence_case *c, uint64_t index)
{
	struct buf	proof = BUF_INIT(BIG);
	package_name	name;

	name_proof(index, name);
	tlog_proof_write(index, &c->entry[index].path, SPAN(NULL, 0), c->checkpoint, &proof);
	repack_insert(r, at, name, buf_view(&proof));
	buf_done(&proof);
}

/* A proof for each entry of the payload, and one for the release, the last of the log. */
static void
put_proofs(struct repack *r, const struct evidence_case *c)
{
	size_t	at = drop_folder(r, NAME_PROOFS);

	for (size_t i = 0; i < r->n; i++)
		if (starts(r->name[i], NAME_ENTRIES))
			put_proof(r, at++, c, entry_number(r->name[i]));
	put_proof(r, at, c, c->n_entries - 1);
}

/* The line of one file goes out of a manifest. */
static void
uncover(struct buf *manifest, const char *name)
{
	const char	*text = buf_text(manifest), *hit = strstr(text, name), *line, *end;

	assert_non_null(hit);
	for (line = hit; line > text && line[-1] != '\n';)
		line--;
	end = strchr(hit, '\n') + 1;
	memmove(manifest->p + (line - text), end, strlen(end));
	manifest->n -= (size_t)(end - line);
}

static size_t
texts(const struct repack *r, struct summary_text ret[PACKAGE_ERASABLES_MAX])
{
	size_t	n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (starts(r->name[i], NAME_ERASABLE)) {
			assert_true(hex_parse(span_str(r->name[i] + strlen(NAME_ERASABLE)), ret[n].digest, SHA256_BYTES));
			ret[n].size = r->content[i].n;
			ret[n++].blob = buf_view(&r->content[i]);
		}
	return n;
}

/* Those entries that the payload has. */
static void
keep(const struct repack *r, struct evidence_case *c)
{
	package_name	name;
	uint32_t	n = 0;

	for (size_t i = repack_starting(r, NAME_ENTRIES); i < r->n; i++)
		for (uint32_t k = n; k < c->n_entries; k++) {
			name_entry(c->entry[k].index, name);
			if (strcmp(r->name[i], name) == 0)
				c->entry[n++] = c->entry[k];
		}
	c->n_entries = n;
}

/* As an honest coordinator has them, as far as there is something to tell. */
static void
tell_custody(struct repack *r, struct world *w)
{
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	AUTO_DONE(case_done) struct evidence_case	 c;
	struct summary_text				 text[PACKAGE_ERASABLES_MAX];
	struct buf					 b = BUF_INIT(BIG);

	world_case(w, 4, &c);
	keep(r, &c);
	if (case_check_past(&c, w->net.genesis, w->order, NULL, &k, NULL) != RC_OK)
		return;
	assert_int_equal(custody_case(&c, k, &b, NULL), RC_OK);
	forge_file(r, NAME_CUSTODY, buf_view(&b));
	buf_reset(&b);
	assert_int_equal(custody_prov(&c, k, &b, NULL), RC_OK);
	forge_file(r, NAME_CUSTODY_PROV, buf_view(&b));
	buf_reset(&b);
	assert_int_equal(package_summary(&c, k, text, texts(r, text), &b, NULL), RC_OK);
	forge_file(r, NAME_SUMMARY, buf_view(&b));
	buf_done(&b);
}

static void
log_release(struct world *w, struct test_key *by, const uint8_t contents[SHA256_BYTES])
{
	struct statement	s;

	net_statement(&w->net, &s, STATEMENT_RELEASE);
	memcpy(s.subject, w->order, SHA256_BYTES);
	memcpy(s.u.release.contents, contents, SHA256_BYTES);
	s.u.release.n = WORLD_ANSWERS;
	for (size_t i = 0; i < WORLD_ANSWERS; i++) {
		s.u.release.custodian[i].index = w->answer[i].custodian;
		memcpy(s.u.release.custodian[i].receipt, w->answer[i].receipt_id, SHA256_BYTES);
		s.u.release.custodian[i].good = true;
	}
	(void)net_log(&w->net, &s, by);
}

void
forge_finish(struct repack *r, struct world *w, const struct forging *how)
{
	struct evidence_case	c;
	struct buf		short_one = BUF_INIT(BIG);
	uint8_t			contents[SHA256_BYTES];

	if (!how->own_custody)
		tell_custody(r, w);
	repack_manifests(r);
	buf_span(&short_one, buf_view(repack_file(r, NAME_MANIFEST)));
	if (how->uncovered != NULL)
		uncover(&short_one, how->uncovered);
	sha256_one(contents, buf_view(&short_one));
	w->net.now += 5;
	log_release(w, how->by == NULL ? &w->net.log : how->by, how->contents == NULL ? contents : how->contents);
	world_case(w, 4, &c);
	forge_file(r, NAME_CHECKPOINT, c.checkpoint);
	forge_file(r, NAME_RELEASE, c.entry[c.n_entries - 1].leaf);
	put_proofs(r, &c);
	repack_sign_over(r, how->uncovered == NULL ? SPAN(NULL, 0) : buf_view(&short_one), "Provider", w->order,
	    w->net.now, w->net.package_key, buf_view(&w->net.package_cert));
	case_done(&c);
	buf_done(&short_one);
}

/* --- time-stamps ---------------------------------------------------------------------- */

static struct tsa_party	stranger_root, stranger;

const struct tsa_party *
forge_tsa_root(struct world *w, enum forge_tsa who)
{
	if (who != STRANGER)
		return &w->tsa_root[who == LATER ? FIRST : who];
	if (stranger.key == NULL) {
		tsa_party_new(&stranger_root, "first", NULL, true, TSA_EKU_NONE, 1, -400, 3650);
		tsa_party_new(&stranger, "TSA", &stranger_root, false, TSA_EKU, 2, -400, 365);
	}
	return &stranger_root;
}

void
forge_token(struct world *w, enum forge_tsa who, const uint8_t imprint[SHA256_BYTES], when at, struct buf *out)
{
	static const uint8_t		nonce[TIMESTAMP_NONCE_BYTES] = { 7 };
	AUTO_DONE(buf_done) struct buf	query = BUF_INIT(TIMESTAMP_QUERY_MAX), response = BUF_INIT(BIG);
	const struct tsa_how		how = { .time = at };
	const struct tsa_party		*by;
	struct tsa_party		later;

	tsa_party_new(&later, "TSA", &w->tsa_root[0], false, TSA_EKU, 3, -400, 3650);
	by = who == STRANGER ? &stranger : who == LATER ? &later : &w->tsa[who];
	(void)forge_tsa_root(w, who);
	assert_int_equal(timestamp_query(imprint, nonce, &query, NULL), RC_OK);
	tsa_answer(by, NULL, &how, buf_view(&query), &response);
	tsa_party_done(&later);
	assert_int_equal(timestamp_token(buf_view(&response), imprint, nonce, out, NULL), RC_OK);
}

void
forge_done(void)
{
	tsa_party_done(&stranger);
	tsa_party_done(&stranger_root);
}

/* --- what comes of it --------------------------------------------------------------- */

static enum rc
nothing_comes_out(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const struct part *part, uint64_t at,
    struct span plaintext, struct err *err)
{
	(void)user;
	(void)id;
	(void)part;
	(void)at;
	(void)plaintext;
	(void)err;
	fail_msg("plaintext of a package that is refused");
	return RC_BUG;
}

static void
show(const struct package_report *rep)
{
	struct buf	b = BUF_INIT(65536);

	package_report_text(rep, false, &b);
	(void)fputs(buf_text(&b), stderr);
	buf_done(&b);
}

void
forge_judge(struct world *w, struct memfile *f, enum claim_name claim, const char *what)
{
	struct package_report	rep;
	struct err		err;

	assert_int_equal(package_verify(memfile_read, f, f->b.n, WORLD_TRUST(w->net.genesis, w->net.now), &rep, &err), RC_OK);
	if (claim == CLAIMS ? rep.verdict != PACKAGE_VALID :
	    rep.verdict != PACKAGE_INVALID || rep.claim[claim].verdict != CLAIM_NO) {
		show(&rep);
		fail_msg("%s", what);
	}
	if (claim == CLAIMS)
		return;
	assert_int_equal(package_open(memfile_read, f, f->b.n, WORLD_TRUST(w->net.genesis, w->net.now),
	    w->net.recipient_key, SPAN(NULL, 0), nothing_comes_out, NULL, &rep, NULL, &err), RC_VERIFY);
	/* Nor does it help to trust nobody. */
	assert_int_equal(package_verify(memfile_read, f, f->b.n, WORLD_TRUST(NULL, w->net.now), &rep, &err), RC_OK);
	assert_int_equal(rep.verdict, PACKAGE_INVALID);
}

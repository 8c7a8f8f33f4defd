/*
 * cli/audit.c - quorate audit: replay every entry from 0 through the one apply function.
 *
 * Nobody is believed: the charter in hand is the trust, the quorum's checkpoint says
 * how far, and the root that the replay computes must be the checkpoint's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/accuse.h"
#include "cli/conduct.h"
#include "cli/logsource.h"
#include "policy/memstate.h"

struct auditing {
	struct log_source	*source;
	const struct charter	*charter;	/* the genesis */
	struct memstate		*state;
	struct replica		*replica;
	struct tree_range	 range;
	uint64_t		 size, count[STATEMENT_TYPES], voids, artifacts, liars;
	struct conduct		 conduct;
	/* What custodians say beside the log; NULL: they were not asked (a folder). */
	struct custodians	*custodians;
	struct missing		*missing;
	size_t			 n_missing;
	json_t			*events;
	bool			 progress;
};

static enum rc
put_blobs(struct auditing *a, struct span leaf, struct err *err)
{
	uint8_t	digest[2][SHA256_BYTES];
	size_t	n, i;

	if (entry_blobs(leaf, digest, &n, err) != RC_OK)
		return RC_OK;		/* malformed: apply says so */
	for (i = 0; i < n; i++) {
		AUTO_DONE(buf_done) struct buf blob = BUF_INIT(LOG_BLOB_MAX);

		TRY(log_source_blob(a->source, digest[i], &blob, err));
		TRY(memstate_blob(a->state, buf_view(&blob), err));
	}
	return RC_OK;
}

static const char *
signer_of(const struct charter *c, const struct dsse *d, const struct statement *s)
{
	uint32_t	i;
	uint8_t		k;

	if (s->type == STATEMENT_ORDER || s->type == STATEMENT_RELEASE)
		return "the coordinator";
	if (s->type == STATEMENT_RECEIPT && s->u.receipt.custodian >= 1 && s->u.receipt.custodian <= c->n)
		return c->custodian[s->u.receipt.custodian - 1].name;
	if (s->type == STATEMENT_CHECKED && s->u.checked.custodian >= 1 && s->u.checked.custodian <= c->n)
		return c->custodian[s->u.checked.custodian - 1].name;
	if (s->type == STATEMENT_GARBAGE && s->u.garbage.custodian >= 1 && s->u.garbage.custodian <= c->n)
		return c->custodian[s->u.garbage.custodian - 1].name;
	for (i = 0; i < c->n_sealers; i++)
		if (dsse_signed_by(d, &c->sealer[i].key))
			return c->sealer[i].id;
	for (i = 0; i < c->n_people; i++)
		for (k = 0; k < c->person[i].n_keys; k++)
			if (dsse_signed_by(d, &c->person[i].key[k]))
				return c->person[i].id;
	return "";
}

static const char *
what_of(const struct statement *s)
{
	if (s->type == STATEMENT_DECISION)
		return s->u.decision.approve ? "approval" : "denial";
	return statement_type_name(s->type);
}

/* One line for people who read what was asked, approved, refused and released. */
static enum rc
tell(struct auditing *a, uint64_t index, struct span leaf, const struct verdict *v, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;
	struct entry	e;
	const char	*who = "", *what = "malformed entry";
	char		about[HEX_BYTES(SHA256_BYTES)], t[WHEN_TEXT_BYTES];
	struct err	ignored;	/* a malformed entry has its verdict already */

	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	TRY(entry_parse(leaf, &e, err));
	if (dsse_parse(e.dsse, &d, &ignored) == RC_OK && statement_parse(&d, &s, &ignored) == RC_OK) {
		who = signer_of(replica_charter(a->replica), &d, &s);
		what = what_of(&s);
	}
	hex_write(SPAN_OF(v->subject), about);
	if (a->events != NULL)
		return json_array_append_new(a->events, json_pack("{s:I,s:s,s:s,s:s,s:s,s:b,s:s}", "entry",
		    (json_int_t)index, "time", when_write(e.time, t), "what", what, "who", who, "about", about,
		    "effective", v->effective, "why", void_reason_name((enum void_reason)v->why))) == 0 ? RC_OK :
		    err_set(err, RC_NOMEM, "no memory");
	if (v->type == STATEMENT_BATCH && v->effective)
		return RC_OK;		/* the bulk of any log; counted below */
	printf("%8llu  %s  %-11s %-18s about %.16s%s%s\n", (unsigned long long)index, when_write(e.time, t), what, who,
	    about, v->effective ? "" : "  VOID: ", v->effective ? "" : void_reason_text((enum void_reason)v->why));
	return RC_OK;
}

static enum rc
count(struct auditing *a, uint64_t index, struct span leaf, const struct verdict *v, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;
	struct entry	e;
	uint8_t		i;

	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	if (!v->effective || v->type >= STATEMENT_TYPES) {
		a->voids++;
		return RC_OK;
	}
	a->count[v->type]++;
	TRY(entry_parse(leaf, &e, err));
	TRY(dsse_parse(e.dsse, &d, err));
	TRY(statement_parse(&d, &s, err));
	if (s.type == STATEMENT_BATCH)
		a->artifacts += s.u.batch.count;
	for (i = 0; s.type == STATEMENT_RELEASE && i < s.u.release.n; i++)
		a->liars += !s.u.release.custodian[i].good;
	return conduct_entry(&a->conduct, a->replica, index, &s, err);
}

/* Effective or void: the log shows it. */
static void
not_missing(struct auditing *a, const struct verdict *v)
{
	size_t	i;

	for (i = 0; i < a->n_missing; i++)
		if (memcmp(a->missing[i].id, v->id, SHA256_BYTES) == 0)
			a->missing[i].logged = true;
}

static enum rc
on_leaf(void *user, uint64_t index, struct span leaf, struct err *err)
{
	struct auditing	*a = user;
	struct verdict	 v;
	uint8_t		 hash[TREE_HASH_BYTES];
	enum rc		 rc;

	TRY(put_blobs(a, leaf, err));
	rc = replica_apply(a->replica, index, leaf, &v, err);
	if (rc != RC_OK)
		return err_wrap(err, rc == RC_MISSING ? RC_VERIFY : rc, "entry %llu", (unsigned long long)index);
	tree_leaf(leaf, hash);
	TRY(memstate_leaf(a->state, hash, err));
	TRY(tree_range_add(&a->range, hash, NULL, NULL, err));
	not_missing(a, &v);
	TRY(count(a, index, leaf, &v, err));
	if (a->progress && index % 1000 == 999)
		(void)dprintf(STDERR_FILENO, "\r%llu of %llu entries", (unsigned long long)index + 1,
		    (unsigned long long)a->size);
	return tell(a, index, leaf, &v, err);
}

/* --- beside the log -------------------------------------------------------------------- */

/* Asked first: what the log that is then read does not show is missing. */
static enum rc
ask_custodians(struct auditing *a, const struct remote *r, struct err *err)
{
	TRY(custodians_new(r, &a->custodians, err));
	custodians_look(a->custodians);
	return custodians_missing(a->custodians, &a->missing, &a->n_missing, err);
}

static enum rc
two_pasts(const struct auditing *a, const struct checkpoint *cp, struct span note, bool *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(ACCUSATION_BYTES_MAX);
	struct accusation	x;
	enum rc			rc;

	*ret = false;
	if (a->custodians == NULL)
		return RC_OK;
	rc = accusation_find(a->custodians, cp, note, &text, &x, err);
	*ret = rc == RC_OK;
	return rc == RC_MISSING ? RC_OK : rc;
}

static size_t
kept_out(const struct auditing *a)
{
	size_t	i, n = 0;

	for (i = 0; i < a->n_missing; i++)
		n += missing_is_kept_out(&a->missing[i], replica_charter(a->replica), clock_now());
	return n;
}

static void
print_missing(const struct auditing *a)
{
	const struct charter	*c = replica_charter(a->replica);
	bool			 any = false;
	size_t			 i;

	if (a->custodians == NULL)
		return;
	for (i = 0; i < a->n_missing; i++) {
		if (a->missing[i].logged)
			continue;
		if (!any)
			puts("handed in and MISSING IN THE LOG, as custodians say (since, what, by whom):");
		any = true;
		missing_print(&a->missing[i], c);
	}
	printf("%u of %u custodians were asked what was handed in and is not logged: %s\n", custodians_up(a->custodians),
	    c->n, any ? "see above" : "nothing");
}

/* --- the report ---------------------------------------------------------------------------- */

static const char *
verdict_of(const struct auditing *a, bool forked)
{
	return forked ? "two-pasts" : kept_out(a) > 0 ? "kept-out" : "clean";
}

static enum rc
summary_json(struct auditing *a, const struct checkpoint *cp, unsigned cosigners, bool forked, struct err *err)
{
	return cli_print_json(json_pack("{s:s,s:I,s:o?,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o?,s:o?,s:O}", "verdict",
	    verdict_of(a, forked), "size", (json_int_t)cp->size, "root", json_hex(SPAN_OF(cp->root)), "cosigners",
	    (json_int_t)cosigners, "artifacts", (json_int_t)a->artifacts, "requests",
	    (json_int_t)a->count[STATEMENT_REQUEST], "releases", (json_int_t)a->count[STATEMENT_RELEASE], "void",
	    (json_int_t)a->voids, "wrong_contributions", (json_int_t)a->liars, "asked",
	    (json_int_t)(a->custodians == NULL ? 0 : custodians_up(a->custodians)), "missing",
	    missing_json(a->missing, a->n_missing), "custodians",
	    conduct_json(&a->conduct, replica_charter(a->replica)), "events", a->events), err);
}

static void
summary_words(struct auditing *a, const struct checkpoint *cp, unsigned cosigners)
{
	const struct charter	*c = replica_charter(a->replica);
	uint8_t			 i;

	printf("\nclean: %llu entries replayed; the root is the one that %u of %u custodians cosigned\n",
	    (unsigned long long)cp->size, cosigners, c->n);
	printf("%llu artifacts in %llu batches; %llu requests, %llu decisions, %llu orders, %llu releases; %llu void entries\n",
	    (unsigned long long)a->artifacts, (unsigned long long)a->count[STATEMENT_BATCH],
	    (unsigned long long)a->count[STATEMENT_REQUEST], (unsigned long long)a->count[STATEMENT_DECISION],
	    (unsigned long long)a->count[STATEMENT_ORDER], (unsigned long long)a->count[STATEMENT_RELEASE],
	    (unsigned long long)a->voids);
	conduct_print(&a->conduct, c);
	if (a->liars != 0)
		printf("WRONG CONTRIBUTIONS: %llu; see the release entries\n", (unsigned long long)a->liars);
	print_missing(a);
	if (c->single_operator)
		puts("NOTE: the charter allows several custodians of one organisation");
	for (i = 0; i < c->n; i++)
		if (c->custodian[i].extractable)
			printf("NOTE: the token of custodian %u gives private keys away\n", i + 1u);
}

static enum rc
report(struct auditing *a, const struct checkpoint *cp, const struct note_cosigned *who, struct span note,
    struct err *err)
{
	unsigned	n = (unsigned)__builtin_popcount(who->mask);
	bool		forked;

	TRY(conduct_checked(&a->conduct, a->replica, err));
	TRY(two_pasts(a, cp, note, &forked, err));
	if (a->events != NULL)
		TRY(summary_json(a, cp, n, forked, err));
	else
		summary_words(a, cp, n);
	if (forked)
		return err_set(err, RC_VERIFY, "this log replays clean, but its key signed another past as well: see "
		    "`quorate log accuse`");
	if (kept_out(a) > 0)
		return err_set(err, RC_VERIFY, "this log replays clean, but %zu statements that custodians hold are kept out "
		    "of it", kept_out(a));
	return RC_OK;
}

static enum rc
audit(struct auditing *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint	cp;
	struct note_cosigned	who;
	uint8_t			root[TREE_HASH_BYTES];

	TRY(log_source_checkpoint(a->source, &cp, &note, err));
	TRY(charter_checkpoint_verify(a->charter, buf_view(&note), true, &cp, &who, err));
	TRY(log_source_at(a->source, &cp, err));
	a->size = cp.size;
	TRY(memstate_new(&a->state, err));
	TRY(replica_new(memstate_state(a->state), a->charter->digest, &a->replica, err));
	TRY(log_source_entries(a->source, 0, on_leaf, a, err));
	if (a->progress && cp.size >= 1000)
		(void)dprintf(STDERR_FILENO, "\n");
	tree_range_root(&a->range, root);
	if (memcmp(root, cp.root, sizeof(root)) != 0)
		return err_set(err, RC_VERIFY, "the entries do not add up to the checkpoint of size %llu that the quorum "
		    "cosigned", (unsigned long long)cp.size);
	return report(a, &cp, &who, buf_view(&note), err);
}

enum rc
cmd_audit(int argc, char **argv, struct err *err)
{
	AUTO(charter_free) struct charter *charter = NULL;
	AUTO(remote_free) struct remote *r = NULL;
	AUTO(log_source_free) struct log_source *source = NULL;
	const struct remote	*asks = NULL;
	struct auditing		 a = { .range = TREE_RANGE_INIT };
	const char		*from = "coordinator", *path = NULL, *blobs = NULL;
	const struct option_row	rows[] = {
		{ "from", OPTION_TEXT, &from, "WHERE", "coordinator, a folder that `quorate log export` wrote, or a URL" },
		{ "blobs", OPTION_TEXT, &blobs, "WHERE", "the documents that entries name (default: with the log; DIR.blobs)" },
		{ "charter", OPTION_TEXT, &path, "FILE", "the genesis charter that you trust (QUORATE_CHARTER)" },
		JSON_ROW,
	};
	const struct command	c = { "quorate audit [--from URL|DIR|coordinator] [--blobs WHERE]",
		"Replays the whole log through the same rules as every custodian, and reports who asked, approved,\n"
		"refused and released what, and how each custodian did. From the coordinator, custodians are asked as well\n"
		"what was handed to them and is missing. Exit 1 names the first entry that breaks a rule of the log, or says\n"
		"that the log's key signed two pasts or that statements are kept out of the log.", rows, 4 };
	size_t	n;
	bool	help;
	enum rc	rc;

	TRY(options_read(&c, argc, argv, NULL, 0, 0, &n, &help, err));
	if (help)
		return RC_OK;
	if (log_source_is_coordinator(from) || (blobs != NULL && log_source_is_coordinator(blobs)))
		TRY(remote_open_by(path, &r, err));
	else
		TRY(local_genesis(path, &charter, err));
	TRY(log_source_new(from, blobs, r, &source, err));
	a.source = source;
	a.charter = r != NULL ? r->first : charter;
	asks = log_source_is_coordinator(from) ? r : NULL;
	a.progress = isatty(STDERR_FILENO);
	if (cli_json && (a.events = json_array()) == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	rc = asks == NULL ? RC_OK : ask_custodians(&a, asks, err);
	if (rc == RC_OK)
		rc = audit(&a, err);
	conduct_done(&a.conduct);
	custodians_free(a.custodians);
	free(a.missing);
	replica_free(a.replica);
	memstate_free(a.state);
	json_decref(a.events);
	return rc;
}

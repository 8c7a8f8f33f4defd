/*
 * cli/audit.c - quorate audit: replay every entry from 0 through the one apply function.
 *
 * Nobody is believed: the charter in hand is the trust, the quorum's checkpoint says
 * how far, and the root that the replay computes must be the checkpoint's.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/logsource.h"
#include "policy/memstate.h"

struct auditing {
	struct log_source	*source;
	struct memstate		*state;
	struct replica		*replica;
	struct tree_range	 range;
	uint64_t		 size, count[STATEMENT_TYPES], voids, artifacts, liars;
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

		TRY(a->source->blob(a->source, digest[i], &blob, err));
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

static void
count(struct auditing *a, struct span leaf, const struct verdict *v)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;
	struct entry	e;
	uint8_t		i;

	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	if (!v->effective || v->type >= STATEMENT_TYPES) {
		a->voids++;
		return;
	}
	a->count[v->type]++;
	if (entry_parse(leaf, &e, NULL) != RC_OK || dsse_parse(e.dsse, &d, NULL) != RC_OK ||
	    statement_parse(&d, &s, NULL) != RC_OK)
		return;
	if (s.type == STATEMENT_BATCH)
		a->artifacts += s.u.batch.count;
	for (i = 0; s.type == STATEMENT_RELEASE && i < s.u.release.n; i++)
		a->liars += !s.u.release.custodian[i].good;
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
	count(a, leaf, &v);
	if (a->progress && index % 1000 == 999)
		(void)dprintf(STDERR_FILENO, "\r%llu of %llu entries", (unsigned long long)index + 1,
		    (unsigned long long)a->size);
	return tell(a, index, leaf, &v, err);
}

static enum rc
summary(struct auditing *a, const struct checkpoint *cp, const struct note_cosigned *who, struct err *err)
{
	const struct charter	*c = replica_charter(a->replica);
	unsigned		 n = (unsigned)__builtin_popcount(who->mask);
	uint8_t			 i;

	if (a->events != NULL)
		return cli_print_json(json_pack("{s:s,s:I,s:o?,s:I,s:I,s:I,s:I,s:I,s:I,s:O}", "verdict", "clean", "size",
		    (json_int_t)cp->size, "root", json_hex(SPAN_OF(cp->root)), "cosigners", (json_int_t)n, "artifacts",
		    (json_int_t)a->artifacts, "requests", (json_int_t)a->count[STATEMENT_REQUEST], "releases",
		    (json_int_t)a->count[STATEMENT_RELEASE], "void", (json_int_t)a->voids, "wrong_contributions",
		    (json_int_t)a->liars, "events", a->events), err);
	printf("\nclean: %llu entries replayed; the root is the one that %u of %u custodians cosigned\n",
	    (unsigned long long)cp->size, n, c->n);
	printf("%llu artifacts in %llu batches; %llu requests, %llu decisions, %llu orders, %llu releases; %llu void entries\n",
	    (unsigned long long)a->artifacts, (unsigned long long)a->count[STATEMENT_BATCH],
	    (unsigned long long)a->count[STATEMENT_REQUEST], (unsigned long long)a->count[STATEMENT_DECISION],
	    (unsigned long long)a->count[STATEMENT_ORDER], (unsigned long long)a->count[STATEMENT_RELEASE],
	    (unsigned long long)a->voids);
	if (a->liars != 0)
		printf("WRONG CONTRIBUTIONS: %llu; see the release entries\n", (unsigned long long)a->liars);
	if (c->single_operator)
		puts("NOTE: the charter allows several custodians of one organisation");
	for (i = 0; i < c->n; i++)
		if (c->custodian[i].extractable)
			printf("NOTE: the token of custodian %u gives private keys away\n", i + 1u);
	return RC_OK;
}

static enum rc
audit(struct auditing *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint	cp;
	struct note_cosigned	who;
	uint8_t			root[TREE_HASH_BYTES];

	TRY(a->source->checkpoint(a->source, &cp, &note, err));
	TRY(charter_checkpoint_verify(a->source->charter, buf_view(&note), true, &cp, &who, err));
	a->size = cp.size;
	TRY(memstate_new(&a->state, err));
	TRY(replica_new(memstate_state(a->state), a->source->charter->digest, &a->replica, err));
	TRY(a->source->each(a->source, cp.size, on_leaf, a, err));
	if (a->progress && cp.size >= 1000)
		(void)dprintf(STDERR_FILENO, "\n");
	tree_range_root(&a->range, root);
	if (memcmp(root, cp.root, sizeof(root)) != 0)
		return err_set(err, RC_VERIFY, "the entries do not add up to the checkpoint of size %llu that the quorum "
		    "cosigned", (unsigned long long)cp.size);
	return summary(a, &cp, &who, err);
}

enum rc
cmd_audit(int argc, char **argv, struct err *err)
{
	AUTO(charter_free) struct charter *charter = NULL;
	AUTO(remote_free) struct remote *r = NULL;
	AUTO(log_source_free) struct log_source *source = NULL;
	struct auditing		 a = { .range = TREE_RANGE_INIT };
	const char		*from = "coordinator", *path = NULL;
	const struct option_row	rows[] = {
		{ "from", OPTION_TEXT, &from, "WHERE", "coordinator, or a folder that `quorate log export` wrote" },
		{ "charter", OPTION_TEXT, &path, "FILE", "the genesis charter that you trust (QUORATE_CHARTER)" },
		JSON_ROW,
	};
	const struct command	c = { "quorate audit [--from DIR|coordinator]",
		"Replays the whole log through the same rules as every custodian, and reports who asked, approved,\n"
		"refused and released what. Exit 1 names the first entry that breaks a rule of the log.", rows, 3 };
	size_t	n;
	bool	help;
	enum rc	rc;

	TRY(options_read(&c, argc, argv, NULL, 0, 0, &n, &help, err));
	if (help)
		return RC_OK;
	if (strcmp(from, "coordinator") == 0) {
		TRY(remote_open_by(path, &r, err));
		TRY(log_source_remote(r, &source, err));
	} else {
		TRY(local_charter(path, &charter, err));
		TRY(log_source_folder(charter, from, &source, err));
	}
	a.source = source;
	a.progress = isatty(STDERR_FILENO);
	if (cli_json && (a.events = json_array()) == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	rc = audit(&a, err);
	replica_free(a.replica);
	memstate_free(a.state);
	json_decref(a.events);
	return rc;
}

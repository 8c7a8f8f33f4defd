/*
 * cli/audit.c - quorate audit: replay every entry from 0 through the one apply function.
 *
 * Nobody is believed: the charter in hand is the trust, the quorum's checkpoint says
 * how far, and the root that the replay computes must be the checkpoint's. The replay is
 * cli/replay.h, what it tells cli/report.h; here they are put together and printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/accuse.h"
#include "cli/replay.h"

struct auditing {
	struct replay		*replay;
	const struct charter	*genesis;
	struct replayed		 done;
	struct report_source	 reads;
	struct report		 report;
	/* What custodians say beside the log; NULL: they were not asked (files). */
	struct custodians	*custodians;
	struct missing		*missing;
	size_t			 n_missing;
	uint64_t		 began_ms, from;	/* of the progress */
};

/* --- beside the log -------------------------------------------------------------------- */

/* Asked first: what the log that is then read does not show is missing. */
static enum rc
ask_custodians(struct auditing *a, const struct remote *r, struct err *err)
{
	TRY(custodians_new(r, &a->custodians, err));
	custodians_look(a->custodians);
	return custodians_missing(a->custodians, &a->missing, &a->n_missing, err);
}

/* Effective or void: the log shows it. */
static enum rc
look_up_missing(struct auditing *a, struct err *err)
{
	uint64_t	index;
	size_t		i;
	enum rc		rc;

	for (i = 0; i < a->n_missing; i++) {
		rc = store_find_statement(replay_store(a->replay), a->missing[i].id, &index, err);
		if (rc == RC_OK)
			a->missing[i].logged = true;
		else if (rc != RC_MISSING)
			return rc;
	}
	return RC_OK;
}

static enum rc
two_pasts(const struct auditing *a, bool *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(ACCUSATION_BYTES_MAX);
	struct accusation	x;
	enum rc			rc;

	*ret = false;
	if (a->custodians == NULL)
		return RC_OK;
	rc = accusation_find(a->custodians, &a->done.cp, buf_view(&a->done.note), &text, &x, err);
	*ret = rc == RC_OK;
	return rc == RC_MISSING ? RC_OK : rc;
}

static size_t
kept_out(const struct auditing *a)
{
	size_t	i, n = 0;

	for (i = 0; i < a->n_missing; i++)
		n += missing_is_kept_out(&a->missing[i], replica_charter(a->reads.replica), a->reads.now);
	return n;
}

/* So many may lie: by them nothing would be known to be kept out. */
static bool
too_few_asked(const struct auditing *a)
{
	return a->custodians != NULL && custodians_up(a->custodians) <= replica_charter(a->reads.replica)->f;
}

static void
print_missing(const struct auditing *a)
{
	const struct charter	*c = replica_charter(a->reads.replica);
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
	if (too_few_asked(a))
		cli_say("NOT LOOKED AT: whether something handed in is kept out of the log; %u of %u custodians answered\n",
		    custodians_up(a->custodians), c->n);
	else
		cli_say("%u of %u custodians were asked what was handed in and is not logged: %s\n",
		    custodians_up(a->custodians), c->n, any ? "see above" : "nothing");
}

/* --- what the checkpoint says -------------------------------------------------------------- */

/* Beside what the report found in the log's entries: of the replay, and of the custodians. */
static enum rc
add_findings(struct auditing *a, struct err *err)
{
	struct report	*r = &a->report;
	uint8_t		 i;

	for (i = 0; i < CUSTODIANS_MAX; i++)
		if ((a->done.early >> i & 1) != 0)
			TRY(report_find(r, FINDING_EARLY, UINT64_MAX, err, "the cosignature of custodian %u is dated before the last entry "
			    "of checkpoint %llu and does not count", i + 1u, (unsigned long long)a->done.cp.size));
	if (a->done.behind > 0)
		TRY(report_find(r, FINDING_BEHIND, UINT64_MAX, err, "only %llu entries are shown now; this report is of the %llu that "
		    "an earlier audit verified", (unsigned long long)a->done.behind, (unsigned long long)a->done.cp.size));
	if (too_few_asked(a))
		TRY(report_find(r, FINDING_NOT_ASKED, UINT64_MAX, err, "%u of %u custodians answered: whether something handed in is "
		    "kept out of the log was not looked at", custodians_up(a->custodians), replica_charter(a->reads.replica)->n));
	return RC_OK;
}

static json_t *
cosigners_json(const struct note_cosigned *who)
{
	json_t	*list = json_array();
	char	 t[WHEN_TEXT_BYTES];
	uint8_t	 i;

	for (i = 0; list != NULL && i < CUSTODIANS_MAX; i++)
		if ((who->mask >> i & 1) != 0)
			(void)json_array_append_new(list, json_pack("{s:I,s:s}", "custodian", (json_int_t)(i + 1), "time",
			    when_write(who->time[i], t)));
	return list;
}

static json_t *
checkpoint_json(const struct checkpoint *cp, struct buf *note, const struct note_cosigned *who)
{
	return json_pack("{s:I,s:o?,s:o?,s:o?}", "size", (json_int_t)cp->size, "root", json_hex(SPAN_OF(cp->root)), "cosigned",
	    who == NULL ? json_array() : cosigners_json(who), "note", json_string(buf_text(note)));
}

/* --- the report ---------------------------------------------------------------------------- */

static const char *
verdict_of(const struct auditing *a, bool forked)
{
	return forked ? "two-pasts" : report_false_release(&a->report) != NULL ? "false-release" :
	    kept_out(a) > 0 ? "kept-out" : "clean";
}

static enum rc
print_json(struct auditing *a, bool forked, struct err *err)
{
	AUTO(json_decref) json_t *o = json_pack("{s:s,s:s,s:o?,s:o?,s:I,s:I,s:o?}", "report", "quorate audit 1", "verdict",
	    verdict_of(a, forked), "genesis", json_hex(SPAN_OF(a->genesis->digest)), "checkpoint", checkpoint_json(&a->done.cp,
	    &a->done.note, &a->done.cosigned), "replayed_before", (json_int_t)a->done.from, "asked",
	    (json_int_t)(a->custodians == NULL ? 0 : custodians_up(a->custodians)), "missing",
	    missing_json(a->missing, a->n_missing));

	if (o == NULL)
		return err_set(err, RC_NOMEM, "no memory for the report");
	TRY(report_json(&a->report, o, err));
	return cli_print_json(TAKE(o), err);
}

/* What was cosigned long ago may be an old copy of a log that has gone on. */
static when
last_cosigned(const struct note_cosigned *who)
{
	when	last = 0;
	uint8_t	i;

	for (i = 0; i < CUSTODIANS_MAX; i++)
		if ((who->mask >> i & 1) != 0 && who->time[i] > last)
			last = who->time[i];
	return last;
}

static enum rc
print_words(struct auditing *a, bool forked, struct err *err)
{
	const struct charter	*c = replica_charter(a->reads.replica);
	char			 t[WHEN_TEXT_BYTES];

	TRY(report_print(&a->report, stdout, err));
	print_missing(a);
	cli_say("%s: %llu entries replayed; the root is the one that %d of %u custodians cosigned, the last of them %s\n",
	    verdict_of(a, forked), (unsigned long long)a->done.cp.size, __builtin_popcount(a->done.cosigned.mask), c->n,
	    when_write(last_cosigned(&a->done.cosigned), t));
	return RC_OK;
}

static enum rc
report(struct auditing *a, struct err *err)
{
	const struct finding	*lie;
	bool			 forked;
	enum rc			 rc;

	TRY(look_up_missing(a, err));
	TRY(two_pasts(a, &forked, err));
	if ((rc = report_make(&a->reads, &a->report, err)) != RC_OK)
		return replay_damaged(a->replay, rc, err);
	TRY(add_findings(a, err));
	TRY(cli_json ? print_json(a, forked, err) : print_words(a, forked, err));
	if (forked)
		return err_set(err, RC_VERIFY, "this log replays clean, but its key signed another past as well: see "
		    "`quorate log accuse`");
	if ((lie = report_false_release(&a->report)) != NULL)
		return err_set(err, RC_VERIFY, "entry %llu: %.200s", (unsigned long long)lie->index, lie->words);
	if (kept_out(a) > 0)
		return err_set(err, RC_VERIFY, "this log replays clean, but %zu statements that custodians hold are kept out "
		    "of it", kept_out(a));
	return RC_OK;
}

/* The two notes are the proof: they are given out whole. */
static enum rc
print_two_pasts(struct auditing *a, struct err *err)
{
	if (cli_json)
		return cli_print_json(json_pack("{s:s,s:s,s:o?,s:[o?,o?]}", "report", "quorate audit 1", "verdict", "two-pasts",
		    "genesis", json_hex(SPAN_OF(a->genesis->digest)), "checkpoints", checkpoint_json(&a->done.other_cp,
		    &a->done.other, NULL), checkpoint_json(&a->done.cp, &a->done.note, NULL)), err);
	printf("verified before:\n%s\nshown now:\n%s\n", buf_text(&a->done.other), buf_text(&a->done.note));
	return RC_OK;
}

/* --- the replay ---------------------------------------------------------------------------- */

static void
on_progress(void *user, uint64_t at, uint64_t size)
{
	struct auditing	*a = user;
	uint64_t	 ms = clock_ms() - a->began_ms;

	if (a->from == 0)
		a->from = at;
	(void)dprintf(STDERR_FILENO, "\r%llu of %llu entries, %llu a second%s", (unsigned long long)at, (unsigned long long)size,
	    (unsigned long long)(ms == 0 ? 0 : (at - a->from) * 1000 / ms), at == size ? "\n" : "   ");
}

static enum rc
audit(struct auditing *a, struct log_source *source, const char *state, struct err *err)
{
	struct err	second;
	enum rc		rc;

	TRY(replay_open(state, a->genesis, &a->replay, err));
	a->began_ms = clock_ms();
	rc = replay_run(a->replay, source, isatty(STDERR_FILENO) ? on_progress : NULL, a, &a->done, err);
	if (rc == RC_VERIFY && a->done.other.n > 0 && print_two_pasts(a, &second) != RC_OK)
		err_wrap(err, rc, "%s", second.msg);
	TRY(rc);
	a->reads = replay_read(a->replay, clock_now());
	return report(a, err);
}

static void
auditing_done(struct auditing *a)
{
	report_done(&a->report);
	replayed_done(&a->done);
	replay_free(a->replay);
	custodians_free(a->custodians);
	free(a->missing);
}

/* --- the command --------------------------------------------------------------------------- */

/* mkdir -p of the folders over the last; what exists may be others'. */
static enum rc
make_parents(const char *path, struct err *err)
{
	char	part[FILE_PATH_MAX];
	size_t	i;

	for (i = 1; path[i] != '\0'; i++)
		if (path[i] == '/') {
			TRY(file_path(part, err, "%.*s", (int)i, path));
			if (!file_exists(part))
				TRY(file_mkdir(part, err));
		}
	return RC_OK;
}

/* What was verified before is kept for each network on its own. */
static enum rc
state_folder(const char *given, const struct charter *genesis, char ret[FILE_PATH_MAX], struct err *err)
{
	const char	*state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char		 hex[HEX_BYTES(SHA256_BYTES)];

	if (given != NULL)
		return file_path(ret, err, "%s", given);
	(void)hex_write(SPAN_OF(genesis->digest), hex);
	if (state != NULL && state[0] == '/')
		TRY(file_path(ret, err, "%s/quorate/audit/%s", state, hex));
	else if (home != NULL && home[0] == '/')
		TRY(file_path(ret, err, "%s/.local/state/quorate/audit/%s", home, hex));
	else
		return err_set(err, RC_USAGE, "neither XDG_STATE_HOME nor HOME is set: give --state DIR");
	return make_parents(ret, err);
}

enum rc
cmd_audit(int argc, char **argv, struct err *err)
{
	AUTO(charter_free) struct charter *genesis = NULL;
	AUTO(remote_free) struct remote *r = NULL;
	AUTO(log_source_free) struct log_source *source = NULL;
	AUTO_DONE(auditing_done) struct auditing a = { .genesis = NULL };
	const char		*from = "coordinator", *path = NULL, *blobs = NULL, *state = NULL;
	char			 dir[FILE_PATH_MAX];
	const struct option_row	rows[] = {
		{ "from", OPTION_TEXT, &from, "WHERE", "coordinator, a folder that `quorate log export` wrote, or a URL" },
		{ "blobs", OPTION_TEXT, &blobs, "WHERE", "the documents that entries name (default: with the log; DIR.blobs)" },
		{ "charter", OPTION_TEXT, &path, "FILE", "the genesis charter that you trust (QUORATE_CHARTER)" },
		{ "state", OPTION_TEXT, &state, "DIR", "what earlier audits verified (default: in XDG_STATE_HOME)" },
		JSON_ROW,
	};
	const struct command	c = { "quorate audit [--from URL|DIR|coordinator] [--blobs WHERE] [--state DIR]",
		"Replays the whole log through the same rules as every custodian, and reports who asked, approved,\n"
		"refused and released what, and how each custodian did. What was verified is kept: the next audit goes on from\n"
		"there, and the log must continue it. From the coordinator, custodians are asked as well what was handed to\n"
		"them and is missing. Exit 1 names the first entry that breaks a rule of the log, or says that the log's key\n"
		"signed two pasts or that statements are kept out of the log.", rows, 5 };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, NULL, 0, 0, &n, &help, err));
	if (help)
		return RC_OK;
	TRY(local_genesis(path, &genesis, err));
	if (log_source_is_coordinator(from) || (blobs != NULL && log_source_is_coordinator(blobs)))
		TRY(remote_open_by(path, &r, err));
	TRY(log_source_new(from, blobs, r, &source, err));
	TRY(state_folder(state, genesis, dir, err));
	a.genesis = genesis;
	if (log_source_is_coordinator(from))
		TRY(ask_custodians(&a, r, err));
	return audit(&a, source, dir, err);
}

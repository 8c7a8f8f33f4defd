/*
 * coordinator/release_run.c - the steps of one release, in the order that release.h
 * gives. Each can be the last one that this process does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/collect.h"
#include "coordinator/cosigning.h"
#include "coordinator/dating.h"
#include "coordinator/in_force.h"
#include "coordinator/logged.h"
#include "coordinator/release_job.h"
#include "coordinator/replicator.h"
#include "coordinator/submit.h"
#include "evidence/cms.h"

#define READY_MS	5000u	/* for custodians to say that they are ready */
#define EXPLAIN_MS	3000u	/* for what made them refuse to reach the log */
#define LOOK_MS		100u
#define OBJECTION_SPARE	2u	/* seconds: an approval reaches custodians later than the log */

static enum rc
refuse(struct release_job *j, const char *why, const char *words, struct err *err)
{
	(void)snprintf(j->why, sizeof(j->why), "%s", why);
	return err_set(err, RC_DENIED, "%s", words);
}

static enum rc
refuse_void(struct release_job *j, enum void_reason why, struct err *err)
{
	return refuse(j, void_reason_name(why), void_reason_text(why), err);
}

/* ---- may it be -------------------------------------------------------------------------- */

static enum rc
view(struct release_job *j, struct request_view *v, struct err *err)
{
	AUTO(reader_give) struct reader *r = reader_take(j->c->readers);

	return replica_request(r->replica, j->request, clock_now(), v, err);
}

static enum rc
wait_cosigned(struct release_job *j, uint64_t index, struct err *err)
{
	j->need = j->c->first->q;
	return replicators_wait(j->c->replicators, index + 1, WAIT_MS_MAX, &j->have, err);
}

/* Who says that it would contribute; the words of the first that would not. */
static unsigned
willing(struct release_job *j, char words[ERR_MSG_BYTES])
{
	const struct charter	*charter = j->c->first;
	struct custodian_status	 s;
	unsigned		 n = 0;
	uint8_t			 i;

	words[0] = '\0';
	for (i = 1; i <= charter->n; i++) {
		replicators_status(j->c->replicators, i, &s);
		if (s.reachable && !s.frozen && s.health.doubt[0] == '\0')
			n++;
		else if (s.health.doubt[0] != '\0' && words[0] == '\0')
			(void)snprintf(words, ERR_MSG_BYTES, "custodian %u (%s): %s", i,
			    charter->custodian[i - 1].name, s.health.doubt);
	}
	return n;
}

/*
 * An order that q cannot cosign now, or that fewer than k would answer, is not given now.
 * What they said last may be old, or they have just been started: they are asked.
 */
static enum rc
enough_answer(struct release_job *j, struct err *err)
{
	struct replicators	*r = j->c->replicators;
	uint64_t		 until = clock_ms() + READY_MS, seen = 0;
	char			 words[ERR_MSG_BYTES];
	bool			 enough;

	j->need = j->c->first->q;
	for (;;) {
		j->have = replicators_reachable(r) - replicators_unready(r);
		enough = willing(j, words) >= j->c->first->k;
		if ((j->have >= j->need && enough) || clock_ms() >= until || cosigning_woken(j->c->cosigning))
			break;
		if (seen == 0)
			replicators_hurry(r);
		seen = cosigning_await(j->c->cosigning, seen, LOOK_MS);
	}
	if (j->have < j->need)
		return err_set(err, RC_UNSURE, "%u of %u custodians answer and are ready, %u are needed: "
		    "ask again when more are up", j->have, j->c->first->n, j->need);
	if (!enough && words[0] != '\0')
		return refuse(j, "custodians-refuse", words, err);
	return RC_OK;
}

/* Not only that it is refused: what is missing, or from when on it is not. */
static enum rc
refuse_now(struct release_job *j, const struct request_view *v, struct err *err)
{
	char	words[ERR_MSG_BYTES], t[WHEN_TEXT_BYTES];

	if (v->blocked == VOID_QUORUM)
		(void)snprintf(words, sizeof(words), "%u of %u people have approved; missing %s", v->have,
		    v->need, v->missing);
	else if ((v->blocked == VOID_TIME_LOCK || v->blocked == VOID_OBJECTION) && v->earliest != 0)
		(void)snprintf(words, sizeof(words), "not before %s", when_write(v->earliest, t));
	else
		return refuse_void(j, v->blocked, err);
	return refuse(j, void_reason_name(v->blocked), words, err);
}

static enum rc
check_allowed(struct release_job *j, const struct request_view *v, struct err *err)
{
	struct err	why;

	if (v->blocked != VOID_NONE)
		return refuse_now(j, v, err);
	if (replicators_agree(j->c->replicators, &why) != RC_OK)
		return refuse(j, "frozen", why.msg, err);
	return enough_answer(j, err);
}

/* ---- the order ------------------------------------------------------------------------------ */

static enum rc
load_request(struct release_job *j, uint64_t index, struct logged *ret, struct err *err)
{
	AUTO(reader_give) struct reader *r = reader_take(j->c->readers);

	return logged_read(r->store, index, ret, err);
}

static enum rc
write_order(struct release_job *j, const struct logged *request, struct span addressee,
    struct statement *s, struct submission *sub, struct err *err)
{
	TRY(own_statement(j->c, STATEMENT_ORDER, coordinator_charter(j->c)->order_seconds, s, err));
	memcpy(s->subject, j->request, SHA256_BYTES);
	memcpy(s->u.order.scope, request->s.subject, SHA256_BYTES);
	s->bytes = BUF_INIT(RECIPIENT_CERT_MAX);
	buf_span(&s->bytes, addressee);
	TRY(buf_check(&s->bytes, "addressee", err));
	return submit_own(j->c, s, NULL, 0, sub, err);
}

static enum rc
give_order(struct release_job *j, struct making *m, const struct logged *request,
    struct span addressee, struct err *err)
{
	struct submission	sub = { .why = VOID_NONE };
	struct statement	s;
	enum rc			rc;

	memset(&s, 0, sizeof(s));
	rc = write_order(j, request, addressee, &s, &sub, err);
	statement_done(&s);
	TRY(rc);
	if (!sub.verdict.effective)
		return refuse_void(j, (enum void_reason)sub.verdict.why, err);
	j->ordered = true;
	m->order_index = sub.index;
	memcpy(m->order, sub.verdict.id, SHA256_BYTES);
	return wait_cosigned(j, sub.index, err);
}

/* ---- the case, for the worker ------------------------------------------------------------------ */

static enum rc
brief_worker(struct release_job *j, const struct making *m, struct err *err)
{
	AUTO_DONE(casefile_done) struct casefile f = CASEFILE_INIT;
	AUTO_DONE(case_indexes_done) struct case_indexes x = { .index = NULL };
	AUTO_DONE(buf_done) struct buf bytes = BUF_INIT(CASE_BYTES_MAX);
	struct reader	*r = reader_take(j->c->readers);
	uint64_t	 size;
	enum rc		 rc;

	rc = cosigning_latest(j->c->cosigning, NULL, &size, err);
	if (rc == RC_OK)
		rc = case_indexes_of(r, j->request, m->order_index, size, &x, err);
	if (rc == RC_OK)
		rc = casefile_load(j->c, r, &x, m->request_index, m->order_index, &f, err);
	reader_give(r);
	TRY(rc);
	TRY(case_write(&f.c, &bytes, err));
	rc = hired_brief(&j->worker, m->order, buf_view(&bytes), err);
	return rc == RC_UNSURE ? RC_OK : rc;	/* it has gone: being ready tells what it said */
}

/* ---- contributions ------------------------------------------------------------------------------- */

/* A cosigned checkpoint covers the receipts. */
static enum rc
cover(struct release_job *j, uint64_t last, struct err *err)
{
	uint32_t	have = j->have, need = j->need;

	if (last != 0)
		TRY(wait_cosigned(j, last, err));
	j->have = have;
	j->need = need;
	return RC_OK;
}

static enum rc
answers(struct release_job *j, struct collecting *k, unsigned want,
    struct gathered ret[CUSTODIANS_MAX], size_t *ret_n, uint64_t *last, struct err *err)
{
	TRY(collect_answers(k, want, ret, ret_n, last, err));
	j->have = (uint32_t)*ret_n;
	j->need = j->c->first->k;
	return RC_OK;
}

static enum rc
hand_over(struct release_job *j, const struct gathered *a, size_t n, uint32_t *handed,
    struct err *err)
{
	uint32_t	bit;
	size_t		i;

	for (i = 0; i < n; i++) {
		bit = UINT32_C(1) << (a[i].custodian - 1);
		if ((*handed & bit) != 0)
			continue;
		TRY(hired_answer(&j->worker, a[i].custodian, a[i].message, a[i].receipt, err));
		*handed |= bit;
	}
	return RC_OK;
}

static void
name_bad(struct release_job *j, struct gathering *g, uint32_t bad)
{
	uint8_t	i;

	for (i = 1; i <= j->c->first->n; i++)
		if ((bad >> (i - 1) & 1) != 0)
			gathering_bad(g, i, true, "the worker cannot open its message, or a contribution or a proof in it "
			    "is wrong; its receipt stands in the log");
}

/* Until the worker has k good ones. Their receipts are in the log by then, and cosigned when it is over. */
static enum rc
combine(struct release_job *j, struct collecting *k, struct making *m, struct err *err)
{
	struct gathered	a[CUSTODIANS_MAX];
	uint32_t	handed = 0, good, bad;
	uint64_t	last = 0;
	size_t		n;
	enum rc		rc;

	TRY(answers(j, k, j->c->first->k, a, &n, &last, err));
	TRY(hired_ready(&j->worker, err));
	for (;;) {
		TRY(hand_over(j, a, n, &handed, err));
		rc = hired_combine(&j->worker, &good, &bad, &m->keys, err);
		if (rc != RC_OK && rc != RC_QUORUM)
			return rc;
		name_bad(j, k->g, bad);
		m->good = good;
		if (rc == RC_OK) {
			m->bad |= bad;
			return cover(j, last, err);
		}
		/* It names somebody new each time, or it would go on for ever. */
		if ((bad & ~m->bad) == 0)
			return err_set(err, RC_BUG, "the worker lacks contributions that it got");
		m->bad |= bad;
		TRY(answers(j, k, j->c->first->k, a, &n, &last, err));
	}
}

/* In recipient mode only the recipient can look inside: all that answer go to it, in case some are wrong. */
static enum rc
collect_messages(struct release_job *j, struct collecting *k, struct making *m, struct err *err)
{
	struct gathered	a[CUSTODIANS_MAX];
	uint64_t	last = 0;
	size_t		n, i;

	TRY(answers(j, k, j->c->first->n, a, &n, &last, err));
	TRY(cover(j, last, err));
	for (i = 0; i < n; i++) {
		buf_span(&m->message[a[i].custodian - 1], a[i].message);
		TRY(buf_check(&m->message[a[i].custodian - 1], "message", err));
		m->good |= UINT32_C(1) << (a[i].custodian - 1);
	}
	return RC_OK;
}

/*
 * What a custodian's "no" means is in the log, or soon: a "no" that was handed to it
 * comes with its next answer, and is logged first. Else its own words tell.
 */
static enum rc
explain(struct release_job *j, struct err *err)
{
	struct request_view	*v = calloc(1, sizeof(*v));
	uint64_t		 until = clock_ms() + EXPLAIN_MS, seen = 0;

	replicators_hurry(j->c->replicators);
	while (v != NULL && view(j, v, NULL) == RC_OK && v->blocked == VOID_NONE &&
	    clock_ms() < until && !cosigning_woken(j->c->cosigning))
		seen = cosigning_await(j->c->cosigning, seen, LOOK_MS);
	if (v != NULL && v->blocked != VOID_NONE)
		(void)refuse_now(j, v, err);
	else
		(void)snprintf(j->why, sizeof(j->why), "custodians-refuse");
	free(v);
	return RC_DENIED;
}

/* Custodians look at the case by themselves: the worker looks while they do. */
static enum rc
brief_and_combine(struct release_job *j, struct collecting *k, struct making *m, struct err *err)
{
	gathering_ask(k->g, j->c->first->k);
	TRY(brief_worker(j, m, err));
	return combine(j, k, m, err);
}

static enum rc
gather(struct release_job *j, struct making *m, struct span addressee, struct err *err)
{
	struct collecting	k = { .c = j->c };
	uint64_t		last = 0;
	enum rc			rc;

	TRY(gathering_new(j->c, m->order, m->order_index, addressee, &k.g, err));
	rc = m->to_recipient ? collect_messages(j, &k, m, err) : brief_and_combine(j, &k, m, err);
	/* Who answered wrongly after the last look, or made it fail. */
	if (collect_receipts(&k, &last, NULL) != RC_OK)
		log_line("not all receipts of a release could be logged: they come again with Append");
	m->bad |= gathering_liars(k.g);
	m->good &= ~m->bad;
	j->refused = gathering_refusers(k.g);
	gathering_drop(k.g);
	return rc == RC_DENIED && j->why[0] == '\0' ? explain(j, err) : rc;
}

/* ---- all of it -------------------------------------------------------------------------------------- */

static enum rc
settle_indexes(struct release_job *j, struct making *m, struct err *err)
{
	AUTO(reader_give) struct reader *r = reader_take(j->c->readers);
	uint64_t	size;

	TRY(cosigning_latest(j->c->cosigning, NULL, &size, err));
	TRY(case_indexes_of(r, j->request, m->order_index, size, &m->indexes, err));
	return dating_choose(r, coordinator_charter(j->c), size, &m->indexes, err);
}

static enum rc
package(struct release_job *j, struct making *m, uint64_t release_index, struct err *err)
{
	TRY(making_package(j->c, m, release_index, &j->row, err));
	(void)snprintf(j->unstamped, sizeof(j->unstamped), "%s", m->unstamped);
	return RC_OK;
}

/*
 * Each custodian lets the objection window run by its own clock too, from when the
 * approvals reached it: an order in the first moment after it would only be refused.
 */
static void
await_objections(struct release_job *j, const struct request_view *v)
{
	when	now = clock_now();

	if (now < v->earliest + OBJECTION_SPARE)
		cosigning_pause(j->c->cosigning, (unsigned)(v->earliest + OBJECTION_SPARE - now) * 1000);
}

/* The last order came to nothing: another, but not at once. */
static void
await_turn(struct release_job *j)
{
	uint64_t	now = clock_ms();

	if (now < j->not_before)
		cosigning_pause(j->c->cosigning, (unsigned)(j->not_before - now));
}

static enum rc
start_over(struct release_job *j, const struct request_view *v, struct making *m,
    struct err *err)
{
	AUTO_DONE(logged_done) struct logged request = LOGGED_INIT;
	AUTO_DONE(buf_done) struct buf certificate = BUF_INIT(CMS_CERT_MAX);
	const struct policy_rule	*policy;
	struct span			 addressee;

	policy = charter_policy(coordinator_charter(j->c), v->policy);
	if (policy == NULL)
		return refuse_void(j, VOID_POLICY, err);
	/* Whichever of its policies has such a window, or a time lock. */
	if (v->earliest > v->met_at && v->blocked == VOID_NONE)
		await_objections(j, v);
	await_turn(j);
	TRY(check_allowed(j, v, err));
	m->to_recipient = policy->release_to_recipient;
	m->request_index = v->index;
	TRY(load_request(j, v->index, &request, err));
	if (!m->to_recipient)
		TRY(standby_take(j->standby, &j->worker, &certificate, err));
	addressee = m->to_recipient ? buf_view(&request.s.bytes) : buf_view(&certificate);
	TRY(give_order(j, m, &request, addressee, err));
	TRY(gather(j, m, addressee, err));
	TRY(settle_indexes(j, m, err));
	return package(j, m, UINT64_MAX, err);
}

/* Released, but a crash came before the package was there. */
static enum rc
take_up(struct release_job *j, uint64_t release_index, struct making *m, struct err *err)
{
	AUTO(reader_give) struct reader *r = reader_take(j->c->readers);
	enum rc	rc = making_read(r->store, j->request, m, err);

	reader_give(TAKE(r));
	if (rc == RC_MISSING)
		return refuse(j, "package-lost", "it was released, and its package is not here any more (this coordinator "
		    "was rebuilt): who received it has it; a new request makes another", err);
	TRY(rc);
	log_line("taking up a release that was cut short: entry %llu",
	    (unsigned long long)release_index);
	return package(j, m, release_index, err);
}

static enum rc
find_package(struct release_job *j, struct err *err)
{
	AUTO(reader_give) struct reader *r = reader_take(j->c->readers);
	char	path[FILE_PATH_MAX];

	TRY(journal_package(r->store, j->request, &j->row, err));
	TRY(package_path(j->c, j->row.sha256, path, err));
	return file_exists(path) ? RC_OK : RC_MISSING;
}

enum rc
release_run(struct release_job *j, struct err *err)
{
	struct request_view	*v = calloc(1, sizeof(*v));
	struct making		*m = calloc(1, sizeof(*m));
	enum rc			 rc = RC_NOMEM;

	if (v == NULL || m == NULL) {
		(void)err_set(err, RC_NOMEM, "release: no memory");
		goto out;
	}
	making_init(m);
	memcpy(m->request, j->request, SHA256_BYTES);
	m->archive = j->archive;
	rc = find_package(j, err);
	if (rc != RC_MISSING)
		goto out;
	if ((rc = view(j, v, err)) != RC_OK)
		goto out;
	rc = v->release_index != UINT64_MAX ? take_up(j, v->release_index, m, err) :
	    start_over(j, v, m, err);
out:
	if (m != NULL)
		making_done(m);
	free(m);
	free(v);
	return rc;
}

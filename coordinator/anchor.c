/* coordinator/anchor.c - a thread for each TSA: is it time, and what became of the last try. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/anchor.h"
#include "coordinator/anchor.h"
#include "coordinator/clock.h"
#include "coordinator/cosigning.h"
#include "coordinator/journal.h"
#include "coordinator/submit.h"
#include "policy/witness.h"

#define LOOK_MS		500u	/* between two looks at what is new */
#define STATEMENT_LIFE	3600

/* One TSA: the charter's number i, whichever that is now. */
struct slot {
	struct anchors	*all;
	uint32_t	 i;
	pthread_t	 thread;
	bool		 started;

	/* Its thread's own. Anchors of any TSA among the entries from `from` to `to`. */
	uint64_t	 from, to, anchors;
	uint64_t	 next_ms;		/* no try before */
	unsigned	 pause;

	/* With the lock. */
	char		 tsa[ID_MAX + 1];
	uint64_t	 due_ms;		/* since when it is; 0: it is not */
	unsigned	 tries;			/* that failed, one after the other */
	when		 since;			/* ... since then */
	char		 words[ANCHOR_WORDS];
};

struct anchors {
	struct coordinator	*c;
	pthread_mutex_t		 lock;
	pthread_cond_t		 wake;
	atomic_bool		 stopping;
	struct slot		 slot[TSAS_MAX];
};

bool
anchor_due(const struct charter *c, uint64_t fresh, const struct anchor_at *last, when now)
{
	if (fresh == 0)
		return false;
	if (last == NULL)
		return true;
	return (c->anchor_entries != 0 && fresh >= c->anchor_entries) ||
	    (c->anchor_seconds != 0 && now >= last->logged && now - last->logged >= c->anchor_seconds);
}

/* ---- is it time? ------------------------------------------------------------------- */

struct counting {
	struct slot	*s;
	uint64_t	 size;
	unsigned	 rows;
};

static enum rc
count_one(void *user, uint64_t index, bool effective, const uint8_t id[SHA256_BYTES], struct err *err)
{
	struct counting	*c = user;

	(void)effective;
	(void)id;
	(void)err;
	if (index >= c->size)
		return RC_LIMIT;
	c->rows++;
	c->s->anchors++;
	c->s->to = index + 1;
	return RC_OK;
}

/* Entries that are no anchors, from the last one's checkpoint to this size. */
static enum rc
count_fresh(struct slot *s, struct reader *r, uint64_t from, uint64_t size, uint64_t *ret, struct err *err)
{
	struct counting	c = { s, size, 0 };

	if (s->from != from || s->to < from) {
		s->from = s->to = from;
		s->anchors = 0;
	}
	do {
		c.rows = 0;
		TRY(journal_kind(r->store, STATEMENT_ANCHOR, s->to == 0 ? UINT64_MAX : s->to - 1,
		    count_one, &c, err));
	} while (c.rows == JOURNAL_INDEX_MAX);
	*ret = size > from + s->anchors ? size - from - s->anchors : 0;
	return RC_OK;
}

static enum rc
look(struct slot *s, const struct charter *charter, bool *ret_due, struct err *err)
{
	struct coordinator	*c = s->all->c;
	AUTO(reader_give) struct reader *r = reader_take(c->readers);
	struct anchor_at	last = { 0 };
	uint64_t		size, fresh;
	enum rc			rc;

	TRY(cosigning_latest(c->cosigning, NULL, &size, err));
	rc = replica_anchor(r->replica, s->tsa, &last, err);
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	TRY(count_fresh(s, r, last.size, size, &fresh, err));
	*ret_due = anchor_due(charter, fresh, rc == RC_OK ? &last : NULL, clock_now());
	return RC_OK;
}

/* ---- one try ------------------------------------------------------------------------ */

static bool
stopping(void *user)
{
	return atomic_load(&((struct anchors *)user)->stopping);
}

static enum rc
log_anchor(struct coordinator *c, const struct tsa *t, struct span note, uint64_t size, struct span blob,
    struct err *err)
{
	struct statement	s;
	struct submission	sub = { .why = VOID_NONE };
	enum rc			rc;

	TRY(own_statement(c, STATEMENT_ANCHOR, STATEMENT_LIFE, &s, err));
	sha256_one(s.subject, note);
	(void)snprintf(s.u.anchor.tsa, sizeof(s.u.anchor.tsa), "%s", t->id);
	s.u.anchor.size = size;
	sha256_one(s.u.anchor.archive, blob);
	rc = submit_own(c, &s, &blob, 1, &sub, err);
	statement_done(&s);
	TRY(rc);
	if (!sub.verdict.effective)
		return err_set(err, RC_DENIED, "entry %llu, with its time-stamp, is void: %s",
		    (unsigned long long)sub.index, void_reason_name((enum void_reason)sub.verdict.why));
	return RC_OK;
}

static enum rc
anchor_once(struct slot *s, const struct charter *charter, char left_out[ANCHOR_WORDS], struct err *err)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX), blob = BUF_INIT(ANCHOR_BYTES_MAX);
	struct coordinator		*c = s->all->c;
	const struct tsa		*t = &charter->tsa[s->i];
	struct checkpoint		 cp;
	uint64_t			 size;
	enum rc				 rc;

	TRY(cosigning_latest(c->cosigning, &note, &size, err));
	/* After a succession the newest may still be by the key before: the log would call it void. */
	rc = charter_checkpoint_verify(charter, buf_view(&note), true, &cp, NULL, err);
	if (rc != RC_OK)
		return err_wrap(err, rc, "the newest cosigned checkpoint");
	TRY(anchor_ask(t, buf_view(&note), stopping, s->all, &blob, left_out, err));
	if (coordinator_charter(c) != charter)
		return err_set(err, RC_UNSURE, "another charter came in force meanwhile");
	return log_anchor(c, t, buf_view(&note), cp.size, buf_view(&blob), err);
}

/* ---- what became of it ------------------------------------------------------------------ */

/* No longer than the schedule: a TSA that is back is noticed by the time it is due again. */
static unsigned
longest_pause(const struct charter *c)
{
	if (c->anchor_seconds == 0 || c->anchor_seconds >= ANCHOR_PAUSE_MAX / 1000)
		return ANCHOR_PAUSE_MAX;
	return (unsigned)c->anchor_seconds * 1000;
}

static void
failed(struct slot *s, const struct charter *charter, const struct err *err)
{
	unsigned	most = longest_pause(charter);

	(void)pthread_mutex_lock(&s->all->lock);
	if (s->tries++ == 0)
		s->since = clock_now();
	(void)snprintf(s->words, sizeof(s->words), "%.*s", ANCHOR_WORDS - 1, err->msg);
	(void)text_clean_str(s->words);	/* cut, perhaps inside a letter */
	(void)pthread_mutex_unlock(&s->all->lock);
	if (s->tries == 1)
		log_err(err, "TSA %s: no anchor, the log goes on", s->tsa);
	s->pause = s->pause == 0 ? ANCHOR_PAUSE_MS : s->pause * 2;
	if (s->pause > most)
		s->pause = most;
	s->next_ms = clock_ms() + s->pause;
}

static void
succeeded(struct slot *s, const char *left_out)
{
	if (s->tries > 0)
		log_line("TSA %s: anchored again; tries that failed: %u", s->tsa, s->tries);
	if (left_out[0] != '\0' && strcmp(left_out, s->words) != 0)
		log_line("TSA %s: anchored %s", s->tsa, left_out);
	(void)pthread_mutex_lock(&s->all->lock);
	s->tries = 0;
	s->due_ms = 0;
	(void)snprintf(s->words, sizeof(s->words), "%s", left_out);
	(void)pthread_mutex_unlock(&s->all->lock);
	s->pause = 0;
}

static void
set_due(struct slot *s, bool due)
{
	(void)pthread_mutex_lock(&s->all->lock);
	if (!due)
		s->due_ms = 0;
	else if (s->due_ms == 0)
		s->due_ms = clock_ms();
	(void)pthread_mutex_unlock(&s->all->lock);
}

/* Another TSA has this number since the charter was amended: nothing of the one before is its. */
static void
follow(struct slot *s, const char *tsa)
{
	if (strcmp(s->tsa, tsa) == 0)
		return;
	(void)pthread_mutex_lock(&s->all->lock);
	(void)snprintf(s->tsa, sizeof(s->tsa), "%s", tsa);
	s->due_ms = 0;
	s->tries = 0;
	s->words[0] = '\0';
	(void)pthread_mutex_unlock(&s->all->lock);
	s->next_ms = 0;
	s->pause = 0;
}

/* ---- the thread ------------------------------------------------------------------------- */

static void
turn(struct slot *s)
{
	const struct charter	*charter = coordinator_charter(s->all->c);
	char			 left_out[ANCHOR_WORDS] = "";
	struct err		 err;
	bool			 due = false;
	enum rc			 rc;

	if (s->i >= charter->n_tsas)
		return;
	follow(s, charter->tsa[s->i].id);
	rc = look(s, charter, &due, &err);
	if (rc == RC_OK) {
		set_due(s, due);
		if (!due || clock_ms() < s->next_ms)
			return;
		rc = anchor_once(s, charter, left_out, &err);
	} else if (clock_ms() < s->next_ms) {
		return;
	}
	if (rc == RC_OK)
		succeeded(s, left_out);
	else if (rc != RC_UNSURE)
		failed(s, charter, &err);
}

static void *
slot_thread(void *arg)
{
	struct slot	*s = arg;
	struct anchors	*a = s->all;

	for (;;) {
		uint64_t	until = clock_ms() + LOOK_MS;

		(void)pthread_mutex_lock(&a->lock);
		while (!atomic_load(&a->stopping) && cond_wait_until(&a->wake, &a->lock, until))
			;
		(void)pthread_mutex_unlock(&a->lock);
		if (atomic_load(&a->stopping))
			return NULL;
		turn(s);
	}
}

enum rc
anchors_new(struct coordinator *c, struct anchors **ret, struct err *err)
{
	struct anchors	*a = calloc(1, sizeof(*a));

	if (a == NULL || pthread_mutex_init(&a->lock, NULL) != 0 || !cond_init(&a->wake)) {
		free(a);
		return err_set(err, RC_NOMEM, "anchors: no memory");
	}
	a->c = c;
	for (uint32_t i = 0; i < TSAS_MAX; i++) {
		a->slot[i].all = a;
		a->slot[i].i = i;
		a->slot[i].started = pthread_create(&a->slot[i].thread, NULL, slot_thread, &a->slot[i]) == 0;
		if (!a->slot[i].started) {
			anchors_free(a);
			return err_set(err, RC_IO, "cannot start a thread for time-stamps");
		}
	}
	*ret = a;
	return RC_OK;
}

void
anchors_stop(struct anchors *a)
{
	(void)pthread_mutex_lock(&a->lock);
	atomic_store(&a->stopping, true);
	(void)pthread_cond_broadcast(&a->wake);
	(void)pthread_mutex_unlock(&a->lock);
}

void
anchors_free(struct anchors *a)
{
	if (a == NULL)
		return;
	anchors_stop(a);
	for (size_t i = 0; i < TSAS_MAX; i++)
		if (a->slot[i].started)
			(void)pthread_join(a->slot[i].thread, NULL);
	(void)pthread_cond_destroy(&a->wake);
	(void)pthread_mutex_destroy(&a->lock);
	free(a);
}

/* ---- for who asks --------------------------------------------------------------------------- */

enum rc
anchors_status(struct anchors *a, struct reader *r, const struct charter *charter, uint32_t i,
    struct anchor_status *ret, struct err *err)
{
	struct slot	*s = &a->slot[i];
	char		 t[WHEN_TEXT_BYTES];
	enum rc		 rc;

	memset(ret, 0, sizeof(*ret));
	rc = replica_anchor(r->replica, charter->tsa[i].id, &ret->last, err);
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	ret->any = rc == RC_OK;
	(void)pthread_mutex_lock(&a->lock);
	if (strcmp(s->tsa, charter->tsa[i].id) == 0) {
		ret->overdue = s->due_ms != 0 && (s->tries > 0 || clock_ms() - s->due_ms > ANCHOR_GRACE_MS);
		if (s->tries > 0)
			(void)snprintf(ret->words, sizeof(ret->words), "since %s, %u %s: %s", when_write(s->since, t),
			    s->tries, s->tries == 1 ? "try" : "tries", s->words);
		else
			(void)snprintf(ret->words, sizeof(ret->words), "%s", s->words);
	}
	(void)pthread_mutex_unlock(&a->lock);
	return RC_OK;
}

/* coordinator/sequencer.c - the queue, the thread, and the checkpoint it signs. */
#include <stdlib.h>
#include <string.h>

#include "coordinator/clock.h"
#include "coordinator/cosigning.h"
#include "coordinator/in_force.h"
#include "coordinator/sequence.h"

#define RETRY_MS	500u	/* after a token or a disk that failed */

static void *sequencer_thread(void *arg);

static enum rc
publish_stored_note(struct sequencer *s, struct err *err)
{
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint	cp;
	enum rc			rc = store_get(s->store, "cosigned", &note, err);

	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	TRY(in_force_checkpoint(s->replica, buf_view(&note), &cp, err));
	if (cp.size > s->size)
		return err_set(err, RC_BUG, "log.db holds %llu entries, but %llu were "
		    "cosigned: it was restored from an old copy",
		    (unsigned long long)s->size, (unsigned long long)cp.size);
	return cosigning_publish(s->c->cosigning, cp.size, buf_view(&note), err);
}

static enum rc
open_log(struct sequencer *s, struct err *err)
{
	char		path[FILE_PATH_MAX];
	struct verdict	v;
	enum rc		rc;

	TRY(file_path(path, err, "%s/log.db", s->c->dir));
	rc = store_open(path, STORE_CREATE, &s->store, err);
	if (rc != RC_OK)
		return err_wrap(err, rc, "%s", path);
	TRY(replica_new(store_state(s->store), s->c->genesis, &s->replica, err));
	s->size = store_size(s->store);
	TRY(signed_open(s->c->dir, &s->mark, err));
	TRY(signed_check(&s->mark, s->store, err));
	if (s->size == 0)
		return sequence_charter(s, err);
	TRY(store_verdict(s->store, s->size - 1, &v, err));
	s->time = v.time;
	TRY(in_force_follow(s->c, s->replica, err));
	return publish_stored_note(s, err);
}

enum rc
sequencer_new(struct coordinator *c, struct sequencer **ret, struct err *err)
{
	struct sequencer	*s = calloc(1, sizeof(*s));
	enum rc			 rc;

	if (s == NULL || pthread_mutex_init(&s->lock, NULL) != 0 || !cond_init(&s->work) ||
	    !cond_init(&s->answered) || ahead_init(&s->ahead, c->first, NULL) != RC_OK) {
		free(s);
		return err_set(err, RC_NOMEM, "sequencer: no memory");
	}
	s->c = c;
	s->mark.fd = -1;
	s->tail = &s->head;
	s->note = BUF_INIT(NOTE_BYTES_MAX);
	rc = open_log(s, err);
	s->dated = s->time;
	if (rc == RC_OK && pthread_create(&s->thread, NULL, sequencer_thread, s) != 0)
		rc = err_set(err, RC_IO, "cannot start the sequencer's thread");
	if (rc == RC_OK) {
		s->started = true;
		*ret = s;
		return RC_OK;
	}
	sequencer_free(s);
	return rc;
}

void
sequencer_free(struct sequencer *s)
{
	if (s == NULL)
		return;
	if (s->started) {
		(void)pthread_mutex_lock(&s->lock);
		s->stopping = true;
		(void)pthread_cond_broadcast(&s->work);
		(void)pthread_mutex_unlock(&s->lock);
		(void)pthread_join(s->thread, NULL);
	}
	replica_free(s->replica);
	store_close(s->store);
	signed_close(&s->mark);
	ahead_done(&s->ahead);
	buf_done(&s->note);
	(void)pthread_cond_destroy(&s->work);
	(void)pthread_cond_destroy(&s->answered);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* With the lock held: at the end of the queue. */
static enum rc
enqueue(struct sequencer *s, struct submission *sub, struct err *err)
{
	if (s->stopping)
		return err_set(err, RC_UNSURE, "the coordinator is stopping");
	if (s->waiting >= SEQUENCER_QUEUE_MAX)
		return err_set(err, RC_LIMIT, "%u statements wait to be logged, which is all there is room for: ask again", SEQUENCER_QUEUE_MAX);
	sub->next = NULL;
	sub->done = false;
	*s->tail = sub;
	s->tail = &sub->next;
	if (s->waiting++ == s->urgent && sub->patient)
		s->patient_since = clock_ms();
	s->urgent += !sub->patient;
	return RC_OK;
}

/* Those that passed, in one go: what is queued together becomes one transaction. */
static void
enqueue_and_wait(struct sequencer *s, struct submission *sub, size_t n)
{
	size_t	i;

	(void)pthread_mutex_lock(&s->lock);
	for (i = 0; i < n; i++)
		if (sub[i].passed)
			sub[i].passed = (sub[i].rc = enqueue(s, &sub[i], &sub[i].err)) == RC_OK;
	(void)pthread_cond_signal(&s->work);
	for (i = 0; i < n; i++)
		while (sub[i].passed && !sub[i].done)
			(void)pthread_cond_wait(&s->answered, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
}

enum rc
sequencer_hand(struct sequencer *s, struct submission *sub, struct err *err)
{
	enum rc	rc;

	(void)pthread_mutex_lock(&s->lock);
	rc = enqueue(s, sub, err);
	(void)pthread_cond_signal(&s->work);
	(void)pthread_mutex_unlock(&s->lock);
	return rc;
}

enum rc
sequencer_wait(struct sequencer *s, struct submission *sub, struct err *err)
{
	(void)pthread_mutex_lock(&s->lock);
	while (!sub->done)
		(void)pthread_cond_wait(&s->answered, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
	if (sub->rc != RC_OK && err != NULL)
		*err = sub->err;
	return sub->rc;
}

/* A custodian that lies does not make every other one's log grow without an end. */
static bool
fills_the_log(struct sequencer *s, uint8_t custodian)
{
	bool	full = false;

	if (custodian == 0)
		return false;
	(void)pthread_mutex_lock(&s->lock);
	if (clock_ms() - s->voids[custodian - 1].since >= CUSTODIAN_VOIDS_MS)
		s->voids[custodian - 1].n = 0;
	full = s->voids[custodian - 1].n >= CUSTODIAN_VOIDS_MAX;
	(void)pthread_mutex_unlock(&s->lock);
	return full;
}

/* With the lock held. */
static void
count_void(struct sequencer *s, const struct submission *sub)
{
	uint8_t	custodian = sub->admission.custodian;

	if (custodian == 0 || sub->rc != RC_OK || sub->fate != FATE_LOGGED || sub->verdict.effective)
		return;
	if (s->voids[custodian - 1].n++ == 0)
		s->voids[custodian - 1].since = clock_ms();
}

static enum rc
may_log(struct sequencer *s, const struct submission *sub, struct err *err)
{
	/* Logged alone it would seem sealed, and its shares and envelopes would never be taken in. */
	if (sub->admission.s.type == STATEMENT_BATCH && sub->vector == NULL)
		return err_set(err, RC_FORMAT, "a batch comes with its envelopes and shares, by Seal");
	if (sub->admission.s.type == STATEMENT_SUCCESSION)
		return err_set(err, RC_FORMAT, "a succession is the first entry of the new coordinator: "
		    "coordinatord rebuild");
	if (fills_the_log(s, sub->admission.custodian))
		return err_set(err, RC_LIMIT, "custodian %u has signed %d void statements within "
		    "an hour: no more of it is logged now", sub->admission.custodian,
		    CUSTODIAN_VOIDS_MAX);
	return RC_OK;
}

/* Signatures are checked here, by many threads, not in the one. */
static enum rc
pass(struct sequencer *s, struct submission *sub, struct err *err)
{
	enum rc	rc;

	sub->fate = FATE_REFUSED;
	sub->held = false;
	sub->passed = sub->dsse.n == 0;
	sub->why = VOID_NONE;
	memset(&sub->admission, 0, sizeof(sub->admission));
	if (sub->passed)
		return RC_OK;
	rc = admit(coordinator_charter(s->c), sub->dsse, &sub->admission, &sub->why, err);
	if (rc != RC_OK)
		return rc == RC_FORMAT || rc == RC_VERIFY ? RC_OK : rc;
	TRY(may_log(s, sub, err));
	sub->passed = true;
	return RC_OK;
}

void
sequencer_submit_all(struct sequencer *s, struct submission *sub, size_t n)
{
	bool	statements = false;
	size_t	i;

	for (i = 0; i < n; i++) {
		sub[i].rc = pass(s, &sub[i], &sub[i].err);
		statements |= sub[i].passed && sub[i].dsse.n > 0;
	}
	if (statements)
		ahead_wait(&s->ahead);
	enqueue_and_wait(s, sub, n);
	for (i = 0; i < n; i++)
		admission_done(&sub[i].admission);
}

enum rc
sequencer_submit(struct sequencer *s, struct submission *sub, struct err *err)
{
	sequencer_submit_all(s, sub, 1);
	if (sub->rc != RC_OK && err != NULL)
		*err = sub->err;
	return sub->rc;
}

enum rc
sequencer_do(struct sequencer *s, sequencer_fn fn, void *user, struct err *err)
{
	struct submission	sub = { .fn = fn, .user = user };

	return sequencer_submit(s, &sub, err);
}

void
sequencer_keep(void *coordinator, uint64_t size, struct span note)
{
	struct sequencer	*s = ((struct coordinator *)coordinator)->sequencer;

	(void)pthread_mutex_lock(&s->lock);
	if (size > s->note_size) {
		buf_reset(&s->note);
		buf_span(&s->note, note);
		s->note_size = buf_check(&s->note, "note", NULL) == RC_OK ? size : 0;
		(void)pthread_cond_signal(&s->work);
	}
	(void)pthread_mutex_unlock(&s->lock);
}

void
sequencer_expect(struct sequencer *s)
{
	ahead_expect(&s->ahead);
}

void
sequencer_hear(struct sequencer *s, uint8_t custodian, when clock)
{
	ahead_hear(&s->ahead, custodian, clock);
}

enum rc
sequencer_would_log(struct sequencer *s, struct err *err)
{
	when	last;

	(void)pthread_mutex_lock(&s->lock);
	last = s->dated;
	(void)pthread_mutex_unlock(&s->lock);
	return ahead_check(&s->ahead, clock_now(), last, err);
}

size_t
sequencer_waiting(struct sequencer *s)
{
	size_t	n;

	(void)pthread_mutex_lock(&s->lock);
	n = s->waiting;
	(void)pthread_mutex_unlock(&s->lock);
	return n;
}

uint64_t
sequencer_size(struct sequencer *s)
{
	uint64_t	n;

	(void)pthread_mutex_lock(&s->lock);
	n = s->size;
	(void)pthread_mutex_unlock(&s->lock);
	return n;
}

/* ---- the thread ------------------------------------------------------------- */

/* Over all that is durable. A token that is away makes the log wait, not forget. */
static enum rc
sign_checkpoint(struct sequencer *s, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(NOTE_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf line = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint	cp;
	struct note_key		key;
	uint8_t			sig[NOTE_SIG_BYTES];
	struct signer		*log = &s->c->log;

	memset(&cp, 0, sizeof(cp));
	memcpy(cp.origin, s->c->first->origin, strlen(s->c->first->origin) + 1);
	cp.size = s->size;
	TRY(charter_log_note_key(coordinator_charter(s->c), &key, err));
	TRY(store_root_at(s->store, cp.size, cp.root, err));
	checkpoint_text(&cp, &text);
	TRY(buf_check(&text, "checkpoint", err));
	TRY(signed_keep(&s->mark, cp.size, cp.root, err));
	TRY(log->sign(log->user, buf_view(&text), sig, err));
	note_sig_line(&key, 0, sig, &line);
	TRY(buf_check(&line, "checkpoint", err));
	TRY(cosigning_offer(s->c->cosigning, &cp, s->time, buf_view(&line), clock_ms(), err));
	s->signed_size = cp.size;
	return RC_OK;
}

/* With the lock held: up to SEQUENCER_BATCH_MAX submissions, and the note to keep. */
static size_t
take_work(struct sequencer *s, struct submission **batch, struct buf *note, uint64_t *note_size)
{
	size_t	n = 0;

	while (n < SEQUENCER_BATCH_MAX && s->head != NULL) {
		s->urgent -= !s->head->patient;
		batch[n++] = s->head;
		s->head = s->head->next;
		s->waiting--;
	}
	if (s->head == NULL)
		s->tail = &s->head;
	buf_reset(note);
	*note_size = s->note_size > s->note_kept ? s->note_size : 0;
	if (*note_size != 0)
		buf_span(note, buf_view(&s->note));
	return n;
}

static void
answer(struct sequencer *s, struct submission **batch, size_t n, uint64_t size)
{
	size_t	i;

	(void)pthread_mutex_lock(&s->lock);
	s->size = size;
	s->dated = s->time;
	for (i = 0; i < n; i++) {
		count_void(s, batch[i]);
		batch[i]->done = true;
	}
	if (n > 0)
		(void)pthread_cond_broadcast(&s->answered);
	(void)pthread_mutex_unlock(&s->lock);
}

static bool
publish_note(struct sequencer *s, const struct buf *note, uint64_t note_size, bool kept)
{
	struct err	err;
	enum rc		rc = kept ? RC_OK : sequence_note(s, buf_view(note), &err);

	if (rc == RC_OK) {
		s->note_kept = note_size;
		rc = cosigning_publish(s->c->cosigning, note_size, buf_view(note), &err);
	}
	if (rc != RC_OK)
		log_err(&err, "cannot keep the cosigned checkpoint %llu, will try again",
		    (unsigned long long)note_size);
	return rc == RC_OK;
}

/* With the lock held. Those that are patient have waited long enough, or have company. */
static bool
has_work(const struct sequencer *s)
{
	return s->urgent > 0 || s->stopping || s->note_size > s->note_kept || s->signed_size != s->size ||
	    (s->waiting > 0 && clock_ms() - s->patient_since >= SEQUENCER_PATIENT_MS);
}

/* With the lock held. */
static void
wait_for_work(struct sequencer *s, bool trouble)
{
	if (trouble && s->head == NULL && !s->stopping)
		(void)cond_wait_until(&s->work, &s->lock, clock_ms() + RETRY_MS);
	if (trouble)
		return;
	while (!has_work(s))
		if (s->waiting > 0)
			(void)cond_wait_until(&s->work, &s->lock, s->patient_since + SEQUENCER_PATIENT_MS);
		else
			(void)pthread_cond_wait(&s->work, &s->lock);
}

static void *
sequencer_thread(void *arg)
{
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	struct sequencer	*s = arg;
	struct submission	*batch[SEQUENCER_BATCH_MAX];
	struct err		 err;
	uint64_t		 note_size, size;
	size_t			 n;
	bool			 stop, kept, trouble = false;

	for (;;) {
		(void)pthread_mutex_lock(&s->lock);
		wait_for_work(s, trouble);
		n = take_work(s, batch, &note, &note_size);
		stop = s->stopping && n == 0;
		size = s->size;
		(void)pthread_mutex_unlock(&s->lock);
		trouble = kept = false;
		if (n > 0) {
			size = sequence_batch(s, batch, n, size, note_size != 0 ? buf_view(&note) : SPAN(NULL, 0), &kept);
			answer(s, batch, n, size);
		}
		/* Before the next checkpoint is signed: somebody waits for this one. */
		if (note_size != 0 && !publish_note(s, &note, note_size, kept))
			trouble = true;
		if (s->signed_size != s->size && sign_checkpoint(s, &err) != RC_OK) {
			log_err(&err, "cannot sign checkpoint %llu, will try again",
			    (unsigned long long)s->size);
			trouble = true;
		}
		if (stop)
			return NULL;
	}
}

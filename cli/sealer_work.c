/* cli/sealer_work.c - the resident sealer's threads: who encrypts, and who hands batches over. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/eventfd.h>

#include "cli/sealer_impl.h"

#define PAUSE_MS	200	/* before a batch is handed over again */
#define CALL_BYTES	(RPC_MESSAGE_MAX - DSSE_BYTES_MAX - 4096)	/* of descriptors and shares, beside the statement */

void
jobs_push(struct jobs *q, struct job *j)
{
	j->next = NULL;
	if (q->last != NULL)
		q->last->next = j;
	else
		q->first = j;
	q->last = j;
	q->n++;
}

void
jobs_push_first(struct jobs *q, struct job *j)
{
	if ((j->next = q->first) == NULL)
		q->last = j;
	q->first = j;
	q->n++;
}

struct job *
jobs_pop(struct jobs *q)
{
	struct job	*j = q->first;

	if (j == NULL)
		return NULL;
	if ((q->first = j->next) == NULL)
		q->last = NULL;
	q->n--;
	return j;
}

static void
wipe_shares(struct job *j)
{
	wipe(j->share, (size_t)j->artifact.n_shares * SHAMIR_SCALAR_BYTES);
}

void
sealer_release(struct resident *s, struct job *j)
{
	wipe_shares(j);
	seal_line_done(&j->line);
	sealed_artifact_reset(&j->artifact);
	jobs_push_first(&s->unused, j);	/* the next order has its memory, and the others need none */
	if (s->unused.n == 1 || s->unused.n == s->n_jobs)	/* the reader may wait for it */
		(void)eventfd_write(s->wake, 1);
}

static void
refuse(struct resident *s, struct job *j, bool named, const struct err *err)
{
	sealer_answer_error(s, j->number, j->line.ref, named ? j->artifact.id : NULL, err);
}

/* --- when a batch is closed --------------------------------------------------------------- */

static bool
no_more_comes(const struct resident *s)
{
	return s->quiet && s->waiting.n == 0 && s->encrypting == 0;
}

static bool
may_close(const struct resident *s, uint64_t now)
{
	if (s->ready.n == 0)
		return false;
	return s->ready.n >= s->o->batch_max || s->ready_bytes >= SEALER_FLIGHT_BYTES ||
	    (no_more_comes(s) && s->flying == 0) || now - s->ready.first->ready_ms >= s->o->linger_ms;
}

/* --- encryption ------------------------------------------------------------------------- */

static struct job *
take_waiting(struct resident *s, const struct charter **ret_charter)
{
	struct job	*j = NULL;

	(void)pthread_mutex_lock(&s->lock);
	while ((s->waiting.n == 0 || s->bytes >= SEALER_BYTES) && !(s->over && s->waiting.n == 0))
		(void)pthread_cond_wait(&s->work, &s->lock);
	if ((j = jobs_pop(&s->waiting)) != NULL)
		s->encrypting++;
	*ret_charter = s->charter;
	(void)pthread_mutex_unlock(&s->lock);
	return j;
}

/* Out of the hand's memory, which the next artifact needs, into the order's own. */
static void
keep_shares(struct job *j)
{
	uint8_t	i;

	for (i = 0; i < j->artifact.n_shares; i++) {
		memcpy(j->share + i * SHAMIR_SCALAR_BYTES, j->artifact.share[i], SHAMIR_SCALAR_BYTES);
		j->artifact.share[i] = j->share + i * SHAMIR_SCALAR_BYTES;
	}
}

/* done: it goes on to a batch; else it has been answered. */
static void
put_encrypted(struct resident *s, struct job *j, bool done)
{
	(void)pthread_mutex_lock(&s->lock);
	s->encrypting--;
	if (done) {
		j->ready_ms = clock_ms();
		s->bytes += j->artifact.size;
		s->ready_bytes += j->artifact.size;
		jobs_push(&s->ready, j);
	} else
		sealer_release(s, j);
	if (s->over && no_more_comes(s))
		(void)pthread_cond_broadcast(&s->close);
	else if (s->ready.n == 1 || may_close(s, clock_ms()))	/* the first is waited with */
		(void)pthread_cond_signal(&s->close);
	(void)pthread_mutex_unlock(&s->lock);
}

void *
sealer_encryptor(void *user)
{
	struct resident		*s = user;
	const struct charter	*charter;
	struct seal_hand	 hand = SEAL_HAND_INIT;
	struct job		*j;
	struct err		 err;
	enum rc			 rc;

	while ((j = take_waiting(s, &charter)) != NULL) {
		rc = hand.arena == NULL ? seal_hand_init(&hand, &err) : RC_OK;
		if (rc == RC_OK)
			rc = seal_order_look(&j->line.order, &err);
		if (rc == RC_OK)
			rc = seal_artifact(&hand, s->genesis, charter, &j->line.order, &j->artifact, &err);
		if (rc == RC_OK)
			keep_shares(j);
		else
			refuse(s, j, false, &err);
		if (hand.arena != NULL)
			secret_arena_reset(hand.arena);
		put_encrypted(s, j, rc == RC_OK);
	}
	seal_hand_done(&hand);
	return NULL;
}

/* --- which batch ---------------------------------------------------------------------------- */

/* Until a batch may be closed, or the oldest artifact has waited for long enough. */
static void
wait_ready(struct resident *s, uint64_t now)
{
	struct timespec	until;
	uint64_t	ms;

	if (s->ready.n == 0) {
		(void)pthread_cond_wait(&s->close, &s->lock);
		return;
	}
	ms = s->ready.first->ready_ms + s->o->linger_ms;
	ms = ms > now ? ms : now + 1;
	until = (struct timespec){ (time_t)(ms / 1000), (long)(ms % 1000) * 1000000L };
	(void)pthread_cond_timedwait(&s->close, &s->lock, &until);
}

/* Would this one be too much for the descriptors of a batch, or for the call that hands it over? Counts it. */
static bool
is_full(const struct sealed_artifact *a, size_t *descriptors, size_t *shares)
{
	*descriptors += 2 + a->descriptor.n;
	*shares += (size_t)a->n_shares * SEALED_SHARE_BYTES;
	return *descriptors > DESCRIPTOR_VECTOR_MAX || *descriptors + *shares > CALL_BYTES;
}

size_t
sealer_take_batch(struct resident *s, struct job **job)
{
	size_t		n = 0, descriptors = 0, shares = 0;
	uint64_t	now, bytes = 0;

	(void)pthread_mutex_lock(&s->lock);
	while (!may_close(s, now = clock_ms()) && !(s->over && no_more_comes(s) && s->ready.n == 0))
		wait_ready(s, now);
	while (s->ready.n > 0 && n < s->o->batch_max && (n == 0 || bytes < SEALER_FLIGHT_BYTES)) {
		if (is_full(&s->ready.first->artifact, &descriptors, &shares))
			break;
		job[n] = jobs_pop(&s->ready);
		bytes += job[n++]->artifact.size;
	}
	s->ready_bytes -= bytes;
	s->flying += n > 0;
	if (s->ready.n > 0)		/* what stays is waited with by another */
		(void)pthread_cond_signal(&s->close);
	(void)pthread_mutex_unlock(&s->lock);
	return n;
}

static void
put_batch(struct resident *s, struct job *const *job, size_t n, const struct remote *r)
{
	size_t	i;

	(void)pthread_mutex_lock(&s->lock);
	for (i = 0; i < n; i++) {
		s->bytes -= job[i]->artifact.size;
		sealer_release(s, job[i]);
	}
	s->flying--;
	if (r->lineage.n > s->n_charters) {
		s->charter = r->charter;
		s->n_charters = r->lineage.n;
	}
	(void)pthread_cond_broadcast(&s->work);
	(void)pthread_cond_broadcast(&s->close);
	(void)pthread_mutex_unlock(&s->lock);
}

/* --- handing over ------------------------------------------------------------------------------ */

static void
say_trouble(struct resident *s, const struct err *err)
{
	bool	first;

	(void)pthread_mutex_lock(&s->lock);
	first = !s->trouble;
	s->trouble = true;
	(void)pthread_mutex_unlock(&s->lock);
	if (first)
		sealer_say("nothing is lost, it is tried again: %s", err->msg);
}

static void
say_over(struct resident *s)
{
	bool	was;

	(void)pthread_mutex_lock(&s->lock);
	was = s->trouble;
	s->trouble = false;
	s->sealed_ms = clock_ms();
	(void)pthread_mutex_unlock(&s->lock);
	if (was)
		sealer_say("sealing again");
}

/* After a failure that may pass: is it to be tried again? Waits a little before it says yes. */
static bool
again(struct resident *s, enum rc rc, const struct err *err)
{
	const struct timespec	pause = { 0, PAUSE_MS * 1000000L };
	uint64_t		from;
	bool			over, dead;

	if (!handover_again(rc))
		return false;
	(void)pthread_mutex_lock(&s->lock);
	over = s->over;
	dead = s->dead;
	from = s->over_ms > s->sealed_ms ? s->over_ms : s->sealed_ms;
	(void)pthread_mutex_unlock(&s->lock);
	if (dead || (over && clock_ms() > from + SEALER_LAST_MS))
		return false;
	say_trouble(s, err);
	(void)nanosleep(&pause, NULL);
	return true;
}

/* Answers and lets go of one that does not go with the others. */
static void
leave_out(struct resident *s, struct job **job, struct sealed_artifact **artifact, size_t *n, size_t bad, const struct err *err)
{
	struct job	*j = job[bad];

	refuse(s, j, false, err);
	(*n)--;
	memmove(job + bad, job + bad + 1, (*n - bad) * sizeof(*job));
	memmove(artifact + bad, artifact + bad + 1, (*n - bad) * sizeof(*artifact));
	(void)pthread_mutex_lock(&s->lock);
	s->bytes -= j->artifact.size;
	sealer_release(s, j);
	(void)pthread_mutex_unlock(&s->lock);
}

/* RC_OK with *n 0: none of them could be sealed, and each has its answer. */
static enum rc
make(struct flight *f, struct handover *h, struct job **job, struct sealed_artifact **artifact, size_t *n, struct err *err)
{
	size_t	bad;
	enum rc	rc;

	while (*n > 0) {
		handover_init(h, f->r, &f->s->signer, artifact, *n);
		if ((rc = handover_make(h, &bad, err)) == RC_OK)
			return RC_OK;
		handover_done(h);
		if (bad < *n)
			leave_out(f->s, job, artifact, n, bad, err);
		else if (!again(f->s, rc, err))
			return rc;
	}
	return RC_OK;
}

static enum rc
send_batch(struct flight *f, struct handover *h, struct err *err)
{
	enum rc	rc;

	h->call_ms = REMOTE_MS;
	h->wait_ms = 0;
	while ((rc = handover_send(h, err)) != RC_OK && again(f->s, rc, err))
		;
	return rc;
}

static void
fly(struct flight *f, struct job **job, struct sealed_artifact **artifact, size_t *n)
{
	struct handover	h;
	struct err	err;
	size_t		i;
	enum rc		rc;

	if ((rc = make(f, &h, job, artifact, n, &err)) == RC_OK && *n == 0)
		return;
	for (i = 0; i < *n; i++)
		wipe_shares(job[i]);
	if (rc != RC_OK) {
		for (i = 0; i < *n; i++)
			refuse(f->s, job[i], false, &err);
		return;
	}
	if ((rc = send_batch(f, &h, &err)) == RC_OK) {
		say_over(f->s);
		sealer_answer_sealed(f->s, job, &h);
	} else
		for (i = 0; i < *n; i++)
			refuse(f->s, job[i], h.asked, &err);
	handover_done(&h);
}

void *
sealer_flight(void *user)
{
	struct flight		*f = user;
	struct job		*job[BATCH_COUNT_MAX];
	struct sealed_artifact	*artifact[BATCH_COUNT_MAX];
	size_t			 n, i;

	while ((n = sealer_take_batch(f->s, job)) > 0) {
		for (i = 0; i < n; i++)
			artifact[i] = &job[i]->artifact;
		fly(f, job, artifact, &n);
		put_batch(f->s, job, n, f->r);
	}
	return NULL;
}

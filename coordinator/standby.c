/* coordinator/standby.c - one worker ahead, and the thread that starts it. */
#include <stdlib.h>
#include <string.h>

#include "coordinator/clock.h"
#include "coordinator/standby.h"
#include "edge/edge.h"

struct standby {
	uint8_t		genesis[SHA256_BYTES];
	pthread_mutex_t	lock;
	pthread_cond_t	changed;
	bool		wanted, stopping;
	struct hired	w;		/* pid 0: none waits */
	pthread_t	thread;
};

/* With the lock held. That there is none costs the next release some time, no more. */
static void
start_one(struct standby *s)
{
	struct err	err;

	s->wanted = false;
	if (s->w.pid != 0)
		return;
	if (hired_spawn(&s->w, s->genesis, &err) == RC_OK)
		return;
	log_err(&err, "no release worker waits: the next release starts one");
	hired_done(&s->w);
}

static void *
standby_thread(void *arg)
{
	struct standby	*s = arg;

	(void)pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		if (s->wanted)
			start_one(s);
		else
			(void)pthread_cond_wait(&s->changed, &s->lock);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}

enum rc
standby_new(const uint8_t genesis[SHA256_BYTES], struct standby **ret, struct err *err)
{
	struct standby	*s = calloc(1, sizeof(*s));

	if (s == NULL || pthread_mutex_init(&s->lock, NULL) != 0 || !cond_init(&s->changed)) {
		free(s);
		return err_set(err, RC_NOMEM, "standby: no memory");
	}
	memcpy(s->genesis, genesis, SHA256_BYTES);
	hired_init(&s->w);
	s->wanted = true;
	if (pthread_create(&s->thread, NULL, standby_thread, s) != 0) {
		free(s);
		return err_set(err, RC_IO, "cannot start the thread that starts release workers");
	}
	*ret = s;
	return RC_OK;
}

void
standby_free(struct standby *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->stopping = true;
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	hired_done(&s->w);
	(void)pthread_cond_destroy(&s->changed);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

enum rc
standby_take(struct standby *s, struct hired *w, struct buf *certificate, struct err *err)
{
	(void)pthread_mutex_lock(&s->lock);
	if (s->w.pid != 0)
		hired_move(w, &s->w);
	(void)pthread_mutex_unlock(&s->lock);
	if (w->pid != 0) {
		if (hired_begin(w, certificate, err) == RC_OK)
			return RC_OK;
		/* It may have been killed as it waited, or long ago: another knows. */
		hired_done(w);
		buf_reset(certificate);
	}
	return hired_start(w, s->genesis, certificate, err);
}

void
standby_fill(struct standby *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->wanted = true;
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
}

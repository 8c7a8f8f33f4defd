/* cli/parallel.c - a few threads that take jobs from one counter. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/parallel.h"

struct hands {
	struct parallel	 parallel;
	unsigned	 n;			/* threads beside the caller's */
	pthread_t	 thread[PARALLEL_MAX - 1];
	pthread_mutex_t	 lock;
	pthread_cond_t	 begin, done;
	/* Under the lock; what a batch is does not change while anybody works at it. */
	unsigned	 round, working;
	bool		 open, over;		/* a round may be joined; all is over */
	size_t		 jobs;
	void		(*job)(void *arg, size_t i);
	void		*arg;
	atomic_size_t	 next;
};

static void
work(struct hands *h)
{
	size_t	i;

	while ((i = atomic_fetch_add(&h->next, 1)) < h->jobs)
		h->job(h->arg, i);
}

static void *
thread_main(void *user)
{
	struct hands	*h = user;
	unsigned	 seen = 0;

	pthread_mutex_lock(&h->lock);
	for (;;) {
		while ((h->round == seen || !h->open) && !h->over)
			pthread_cond_wait(&h->begin, &h->lock);
		if (h->over)
			break;
		seen = h->round;
		h->working++;
		pthread_mutex_unlock(&h->lock);
		work(h);
		pthread_mutex_lock(&h->lock);
		if (--h->working == 0)
			pthread_cond_signal(&h->done);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

static void
run(void *user, size_t n, void (*job)(void *arg, size_t i), void *arg)
{
	struct hands	*h = user;

	pthread_mutex_lock(&h->lock);
	h->jobs = n;
	h->job = job;
	h->arg = arg;
	atomic_store(&h->next, 0);
	h->open = true;
	h->round++;
	pthread_cond_broadcast(&h->begin);
	pthread_mutex_unlock(&h->lock);
	work(h);
	/* Whoever wakes up only now is not waited for: it finds the round closed. */
	pthread_mutex_lock(&h->lock);
	h->open = false;
	while (h->working > 0)
		pthread_cond_wait(&h->done, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

unsigned
processors(unsigned most)
{
	cpu_set_t	set;
	long		here = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) :
			    sysconf(_SC_NPROCESSORS_ONLN);

	return here < 1 ? 1 : here > (long)most ? most : (unsigned)here;
}

enum rc
hands_new(unsigned threads, struct hands **ret, struct err *err)
{
	struct hands	*h = calloc(1, sizeof(*h));

	if (h == NULL)
		return err_set(err, RC_NOMEM, "no memory for threads");
	if (threads == 0)
		threads = processors(PARALLEL_MAX);
	h->parallel = (struct parallel){ run, h };
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->begin, NULL);
	pthread_cond_init(&h->done, NULL);
	while (h->n + 1 < threads && h->n < PARALLEL_MAX - 1 &&
	    pthread_create(&h->thread[h->n], NULL, thread_main, h) == 0)
		h->n++;
	*ret = h;
	return RC_OK;
}

void
hands_free(struct hands *h)
{
	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	h->over = true;
	pthread_cond_broadcast(&h->begin);
	pthread_mutex_unlock(&h->lock);
	for (unsigned i = 0; i < h->n; i++)
		pthread_join(h->thread[i], NULL);
	pthread_cond_destroy(&h->begin);
	pthread_cond_destroy(&h->done);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

const struct parallel *
hands_parallel(const struct hands *h)
{
	return &h->parallel;
}

#include <signal.h>

#include "proto/serve.h"

static struct rpc_call *
take(struct pool *p)
{
	struct rpc_call	*c;

	pthread_mutex_lock(&p->lock);
	while (p->head == NULL && !p->stop)
		pthread_cond_wait(&p->wake, &p->lock);
	c = p->head;
	if (c != NULL) {
		p->head = c->behind;
		if (p->head == NULL)
			p->tail = &p->head;
		p->waiting--;
	}
	pthread_mutex_unlock(&p->lock);
	return c;
}

static void *
work(void *arg)
{
	struct pool	*p = arg;
	struct rpc_call	*c;

	while ((c = take(p)) != NULL)
		call_run(c);
	return NULL;
}

enum rc
pool_start(struct pool *p, unsigned threads, unsigned max, struct err *err)
{
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	p->head = NULL;
	p->tail = &p->head;
	p->waiting = 0;
	p->max = max;
	p->stop = false;
	for (p->n_threads = 0; p->n_threads < threads; p->n_threads++)
		if (pthread_create(&p->threads[p->n_threads], NULL, work, p) != 0) {
			pool_stop(p);
			return err_set(err, RC_IO, "RPC server: no threads");
		}
	return RC_OK;
}

bool
pool_give(struct pool *p, struct rpc_call *c)
{
	bool	room;

	pthread_mutex_lock(&p->lock);
	room = !p->stop && p->waiting < p->max;
	if (room) {
		c->behind = NULL;
		*p->tail = c;
		p->tail = &c->behind;
		p->waiting++;
		pthread_cond_signal(&p->wake);
	}
	pthread_mutex_unlock(&p->lock);
	return room;
}

void
pool_stop(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	p->n_threads = 0;
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
}

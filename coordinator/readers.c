/* coordinator/readers.c - read-only handles of log.db. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"
#include "coordinator/cosigning.h"
#include "coordinator/in_force.h"
#include "coordinator/readers.h"

struct slot {
	struct reader	 reader;	/* first: reader_give() comes back from it */
	struct readers	*all;
	bool		 taken;
};

struct readers {
	struct coordinator	*c;
	pthread_mutex_t		 lock;
	pthread_cond_t		 free;
	struct slot		 slot[READERS];
};

enum rc
readers_new(struct coordinator *c, struct readers **ret, struct err *err)
{
	struct readers	*r = calloc(1, sizeof(*r));
	char		 path[FILE_PATH_MAX];
	enum rc		 rc = RC_OK;
	size_t		 i;

	if (r == NULL || pthread_mutex_init(&r->lock, NULL) != 0 ||
	    pthread_cond_init(&r->free, NULL) != 0) {
		free(r);
		return err_set(err, RC_NOMEM, "readers: no memory");
	}
	r->c = c;
	rc = file_path(path, err, "%s/log.db", c->dir);
	for (i = 0; i < READERS && rc == RC_OK; i++) {
		r->slot[i].all = r;
		rc = store_open(path, STORE_READ, &r->slot[i].reader.store, err);
		if (rc == RC_OK)
			rc = replica_new(store_state(r->slot[i].reader.store),
			    c->genesis, &r->slot[i].reader.replica, err);
	}
	if (rc == RC_OK)
		*ret = r;
	else
		readers_free(r);
	return rc;
}

void
readers_free(struct readers *r)
{
	size_t	i;

	if (r == NULL)
		return;
	for (i = 0; i < READERS; i++) {
		replica_free(r->slot[i].reader.replica);
		store_close(r->slot[i].reader.store);
	}
	(void)pthread_cond_destroy(&r->free);
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}

/* Its replica keeps the charter that it has read: an amendment may have come since. */
static void
look_again(const struct readers *all, struct reader *r)
{
	const struct charter	*has = replica_charter(r->replica);
	struct err		 err;

	if (has != NULL && memcmp(has->digest, coordinator_charter(all->c)->digest, SHA256_BYTES) == 0)
		return;
	if (replica_reload(r->replica, &err) != RC_OK)
		log_err(&err, "a reader cannot follow the charter");
}

struct reader *
reader_take(struct readers *r)
{
	struct slot	*s = NULL;
	size_t		 i;

	(void)pthread_mutex_lock(&r->lock);
	for (;;) {
		for (i = 0; i < READERS && s == NULL; i++)
			if (!r->slot[i].taken)
				s = &r->slot[i];
		if (s != NULL)
			break;
		(void)pthread_cond_wait(&r->free, &r->lock);
	}
	s->taken = true;
	(void)pthread_mutex_unlock(&r->lock);
	look_again(r, &s->reader);
	return &s->reader;
}

void
reader_give(struct reader *reader)
{
	struct slot	*s = (struct slot *)reader;

	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&s->all->lock);
	s->taken = false;
	(void)pthread_cond_signal(&s->all->free);
	(void)pthread_mutex_unlock(&s->all->lock);
}

enum rc
reader_proof(struct coordinator *c, struct reader *r, uint64_t index, struct buf *ret,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	struct tree_path	path;
	uint64_t		size;

	TRY(cosigning_latest(c->cosigning, &note, &size, err));
	if (index >= size)
		return RC_OK;
	TRY(store_inclusion(r->store, index, size, &path, err));
	tlog_proof_write(index, &path, SPAN(NULL, 0), buf_view(&note), ret);
	return buf_check(ret, "proof", err);
}

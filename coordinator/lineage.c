/* coordinator/lineage.c - how the charter in force came to be. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/casefile.h"
#include "coordinator/lineage.h"
#include "coordinator/pb.h"
#include "coordinator/queries.h"

PB_AUTO(charter_request, CharterRequest);

struct lineage {
	pthread_mutex_t	lock;
	struct buf	bytes;
	uint8_t		charter[SHA256_BYTES];	/* the last one in it */
};

enum rc
lineage_new(struct lineage **ret, struct err *err)
{
	struct lineage	*l = calloc(1, sizeof(*l));

	if (l == NULL || pthread_mutex_init(&l->lock, NULL) != 0) {
		free(l);
		return err_set(err, RC_NOMEM, "lineage: no memory");
	}
	l->bytes = BUF_INIT(CASE_BYTES_MAX);
	*ret = l;
	return RC_OK;
}

void
lineage_free(struct lineage *l)
{
	if (l == NULL)
		return;
	buf_done(&l->bytes);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

/* With the lock held. */
static enum rc
write_again(struct coordinator *c, struct lineage *l, struct err *err)
{
	AUTO_DONE(casefile_done) struct casefile f = CASEFILE_INIT;
	AUTO(reader_give) struct reader *r = reader_take(c->readers);
	AUTO_DONE(buf_done) struct buf bytes = BUF_INIT(CASE_BYTES_MAX);
	uint8_t	charter[SHA256_BYTES];

	TRY(casefile_lineage(c, r, &f, charter, err));
	TRY(case_write(&f.c, &bytes, err));
	buf_done(&l->bytes);
	l->bytes = bytes;
	bytes = BUF_INIT(0);
	memcpy(l->charter, charter, sizeof(charter));
	return RC_OK;
}

/*
 * While q have not cosigned the entry with which the charter came in force, the one
 * before it is all that can be shown. Written anew at a first piece only: who reads the
 * others gets what belongs to it.
 */
static enum rc
current(struct coordinator *c, struct lineage *l, uint64_t offset, struct err *err)
{
	bool	is_it = memcmp(l->charter, coordinator_charter(c)->digest, SHA256_BYTES) == 0;

	if (l->bytes.n > 0 && (is_it || offset > 0))
		return RC_OK;
	return write_again(c, l, err);
}

static enum rc
write_piece(struct lineage *l, uint64_t offset, struct buf *reply, struct err *err)
{
	Quorate__V1__CharterReply	m = QUORATE__V1__CHARTER_REPLY__INIT;
	size_t				n;

	m.size = l->bytes.n;
	m.charter = pb_bytes(SPAN_OF(l->charter));
	if (offset < l->bytes.n) {
		n = l->bytes.n - (size_t)offset;
		m.data = pb_bytes(SPAN(l->bytes.p + offset, n < DATA_BYTES_MAX ? n : DATA_BYTES_MAX));
	}
	return pb_pack(&m.base, reply, err);
}

enum rc
on_charter(void *user, struct rpc_call *call, struct span request, struct buf *reply,
    struct err *err)
{
	struct coordinator	*c = user;
	enum rc			 rc;

	PB_UNPACK(charter_request, CharterRequest, q, request);
	(void)pthread_mutex_lock(&c->lineage->lock);
	rc = current(c, c->lineage, q->offset, err);
	if (rc == RC_OK)
		rc = write_piece(c->lineage, q->offset, reply, err);
	(void)pthread_mutex_unlock(&c->lineage->lock);
	if (rc == RC_UNSURE)
		rpc_say(call, "no checkpoint is cosigned by a quorum yet: ask again");
	return rc;
}

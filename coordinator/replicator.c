/* coordinator/replicator.c - one thread for each custodian. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/replica_link.h"

#define IDLE_MS		500u	/* between looks when nothing happens */
#define LOOK_MS		250u	/* between looks while somebody waits */
#define HOPE_MS		1500u	/* for those who do not answer just now */
#define ABSENCE_MS	5000u	/* who answered so lately may just start anew: for a new charter all listeners do */

struct replicators {
	struct coordinator	*c;
	uint8_t			 n;
	atomic_bool		 accused;
	struct replica_link	 link[CUSTODIANS_MAX];
};

/* An Append is refused for what is in it only when that is not the log that this custodian knows. */
static void
hear_refusal(struct replica_link *l, enum rc rc, const char *said)
{
	if (rc == RC_OK)
		l->alarmed = false;
	if ((rc != RC_FORMAT && rc != RC_BUG) || said[0] == '\0' || l->alarmed)
		return;
	l->alarmed = true;
	log_line("ALARM: custodian %u (%s) refuses this log: %s: when log.db was put back from a copy, or two "
	    "coordinators ran with one log key, stop, and go on with the log that the custodians have",
	    l->index, link_name(l), said);
}

static enum rc
exchange(struct replica_link *l, const struct page *p, bool *progress, struct err *err)
{
	AUTO_DONE(buf_done) struct buf request = BUF_INIT(RPC_MESSAGE_MAX);
	AUTO_DONE(buf_done) struct buf reply = BUF_INIT(RPC_MESSAGE_MAX);
	char	said[RPC_SAID_BYTES];
	enum rc	rc;

	TRY(pb_pack(&p->m.base, &request, err));
	rc = rpc_call_said(l->client, "/quorate.v1.Custodian/Append", buf_view(&request),
	    APPEND_TIMEOUT_MS, &reply, said, err);
	hear_refusal(l, rc, said);
	TRY(rc);
	return reply_take(l, p, buf_view(&reply), progress, err);
}

static void
set_status(struct replica_link *l, enum rc rc, const struct err *err)
{
	bool	was;
	const struct custodian	*k = &l->c->first->custodian[l->index - 1];

	(void)pthread_mutex_lock(&l->lock);
	was = l->status.reachable;
	l->status.reachable = rc == RC_OK;
	if (rc != RC_OK && was) {	/* it may return with a newer database, or an older one */
		l->status.lacks = 0;
		l->lacks_told = false;
	}
	if (rc == RC_OK) {
		l->status.seen_ms = clock_ms();
		l->status.words[0] = '\0';
	} else {
		(void)snprintf(l->status.words, sizeof(l->status.words), "%s", err->msg);
	}
	(void)pthread_mutex_unlock(&l->lock);
	if (rc == RC_OK && !was)
		log_line("custodian %u (%s) answers: it holds %llu entries", l->index,
		    k->name, (unsigned long long)l->size);
	else if (rc != RC_OK && was && !cosigning_woken(l->c->cosigning))
		log_line("custodian %u (%s) does not answer: %s", l->index, k->name,
		    err->msg);
}

/* One exchange, when there is something to say. progress: go on at once. */
static enum rc
step(struct replica_link *l, bool *progress, bool *talked, bool *wanted, struct err *err)
{
	struct page	*p = calloc(1, sizeof(*p));
	enum rc		 rc;

	if (p == NULL)
		return err_set(err, RC_NOMEM, "replicator: no memory");
	page_init(p);
	rc = page_build(l, p, err);
	*talked = rc == RC_OK && (p->news || p->beat);
	*wanted = p->news;
	if (*talked)
		rc = exchange(l, p, progress, err);
	if (*talked && rc == RC_OK)
		l->heard_at = clock_ms();
	page_done(p);
	free(p);
	return rc;
}

/* ---- where it is ---------------------------------------------------------------------- */

static bool
same_place(const struct custodian *a, const struct custodian *b)
{
	return strcmp(a->address, b->address) == 0 &&
	    span_eq(SPAN(a->tls_certificate.p, a->tls_certificate.n), SPAN(b->tls_certificate.p, b->tls_certificate.n));
}

/* A client for where the charter in force says that it is. */
static enum rc
link_reach(struct replica_link *l, struct err *err)
{
	const struct charter		*now = coordinator_charter(l->c);
	const struct custodian		*k = &now->custodian[l->index - 1];
	struct rpc_client_options	 o = {
		.address = k->address,
		.server_cert = SPAN(k->tls_certificate.p, k->tls_certificate.n),
		.cert_pem = buf_view(&l->c->tls_cert),
		.key_pem = SPAN(secret_view(l->c->tls_key), secret_len(l->c->tls_key)),
	};
	struct rpc_client		*client, *old = l->client;

	TRY(rpc_client_new(&o, &client, err));
	if (old != NULL)
		rpc_client_close(old);	/* who calls it comes back at once */
	(void)pthread_rwlock_wrlock(&l->client_lock);
	l->client = client;
	(void)pthread_rwlock_unlock(&l->client_lock);
	rpc_client_free(old);
	l->reached_by = now;
	return RC_OK;
}

/* An amendment may say that it is elsewhere now, or has another certificate. */
static enum rc
follow_charter(struct replica_link *l, struct err *err)
{
	const struct charter	*now = coordinator_charter(l->c);
	const struct custodian	*k = &now->custodian[l->index - 1];

	if (now == l->reached_by)
		return RC_OK;
	if (same_place(k, &l->reached_by->custodian[l->index - 1])) {
		l->reached_by = now;
		return RC_OK;
	}
	log_line("custodian %u (%s) is at %s now, by the charter in force", l->index, k->name, k->address);
	l->known = false;
	return link_reach(l, err);
}

/* ---- the thread ----------------------------------------------------------------------- */

static void *
replicator_thread(void *arg)
{
	struct replica_link	*l = arg;
	struct err		 err;
	uint64_t		 seen = 0;
	unsigned		 pause = REPLICATOR_PAUSE_MS;
	bool			 progress, talked, wanted;
	enum rc			 rc;

	while (!cosigning_woken(l->c->cosigning)) {
		progress = talked = wanted = false;
		rc = follow_charter(l, &err);
		if (rc == RC_OK)
			rc = step(l, &progress, &talked, &wanted, &err);
		if (rc != RC_OK || talked)
			set_status(l, rc, &err);
		accused_look(l);
		if (rc == RC_OK && progress) {
			pause = REPLICATOR_PAUSE_MS;
			continue;
		}
		if (rc == RC_OK && !wanted) {
			pause = REPLICATOR_PAUSE_MS;
			seen = cosigning_news(l->c->cosigning, seen, l->note_at == 0 ? IDLE_MS : NOTE_LINGER_MS);
			continue;
		}
		/* Not there, or it would not go on: the same again, a little later. */
		if (rc != RC_OK)
			l->known = false;
		cosigning_pause(l->c->cosigning, pause);
		pause = pause * 2 > REPLICATOR_PAUSE_MAX ? REPLICATOR_PAUSE_MAX : pause * 2;
	}
	return NULL;
}

static enum rc
link_open(struct replicators *r, uint8_t index, struct err *err)
{
	struct replica_link	*l = &r->link[index - 1];
	char			 path[FILE_PATH_MAX];

	l->c = r->c;
	l->index = index;
	l->accused = &r->accused;
	TRY(file_path(path, err, "%s/log.db", r->c->dir));
	TRY(store_open(path, STORE_READ, &l->store, err));
	TRY(link_reach(l, err));
	if (pthread_create(&l->thread, NULL, replicator_thread, l) != 0)
		return err_set(err, RC_IO, "cannot start a replicator's thread");
	l->started = true;
	return RC_OK;
}

enum rc
replicators_new(struct coordinator *c, struct replicators **ret, struct err *err)
{
	struct replicators	*r = calloc(1, sizeof(*r));
	enum rc			 rc = RC_OK;
	uint8_t			 i;

	if (r == NULL)
		return err_set(err, RC_NOMEM, "replicators: no memory");
	r->c = c;
	r->n = c->first->n;
	sequencer_expect(c->sequencer);
	for (i = 0; i < CUSTODIANS_MAX; i++) {
		(void)pthread_mutex_init(&r->link[i].lock, NULL);	/* these two fail only for want of memory, */
		(void)pthread_rwlock_init(&r->link[i].client_lock, NULL);	/* and glibc's take none */
	}
	for (i = 1; i <= r->n && rc == RC_OK; i++) {
		rc = link_open(r, i, err);
		if (rc != RC_OK)
			(void)err_wrap(err, rc, "custodian %u", i);
	}
	if (rc == RC_OK) {
		*ret = r;
		return RC_OK;
	}
	cosigning_wake(c->cosigning);
	replicators_free(r);
	return rc;
}

void
replicators_close(struct replicators *r)
{
	unsigned	i;

	for (i = 0; i < r->n; i++) {
		(void)pthread_rwlock_rdlock(&r->link[i].client_lock);
		if (r->link[i].client != NULL)
			rpc_client_close(r->link[i].client);
		(void)pthread_rwlock_unlock(&r->link[i].client_lock);
	}
}

void
replicators_free(struct replicators *r)
{
	unsigned	i;

	if (r == NULL)
		return;
	replicators_close(r);
	for (i = 0; i < r->n; i++) {
		struct replica_link	*l = &r->link[i];

		if (l->started)
			(void)pthread_join(l->thread, NULL);
		rpc_client_free(l->client);
		store_close(l->store);
		(void)pthread_mutex_destroy(&l->lock);
		(void)pthread_rwlock_destroy(&l->client_lock);
	}
	free(r);
}

void
replicators_status(struct replicators *r, uint8_t custodian, struct custodian_status *ret)
{
	struct replica_link	*l = &r->link[custodian - 1];

	(void)pthread_mutex_lock(&l->lock);
	*ret = l->status;
	(void)pthread_mutex_unlock(&l->lock);
}

enum rc
replicators_agree(struct replicators *r, struct err *err)
{
	struct custodian_status	s;
	unsigned		n = 0;
	uint8_t			i;

	for (i = 1; i <= r->n; i++) {
		replicators_status(r, i, &s);
		n += s.frozen;
	}
	/* Up to f may lie about it, and are asked for nothing; more, and it is we. */
	if (n > r->c->first->f)
		return err_set(err, RC_DENIED, "releases are frozen: %u custodians do not "
		    "agree about the log", n);
	return RC_OK;
}

unsigned
replicators_reachable(struct replicators *r)
{
	struct custodian_status	s;
	unsigned		n = 0;
	uint8_t			i;

	for (i = 1; i <= r->n; i++) {
		replicators_status(r, i, &s);
		n += s.reachable;
	}
	return n;
}

unsigned
replicators_unready(struct replicators *r)
{
	struct custodian_status	s;
	unsigned		n = 0;
	uint8_t			i;

	for (i = 1; i <= r->n; i++) {
		replicators_status(r, i, &s);
		n += s.reachable && s.health.known && !s.health.ready;
	}
	return n;
}

void
replicators_hurry(struct replicators *r)
{
	uint8_t	i;

	for (i = 0; i < r->n; i++) {
		(void)pthread_mutex_lock(&r->link[i].lock);
		r->link[i].hurry = true;
		(void)pthread_mutex_unlock(&r->link[i].lock);
	}
	cosigning_tell(r->c->cosigning);
}

void
replicators_bring(struct replicators *r, uint8_t custodian)
{
	(void)pthread_mutex_lock(&r->link[custodian - 1].lock);
	r->link[custodian - 1].hurry = true;
	(void)pthread_mutex_unlock(&r->link[custodian - 1].lock);
	cosigning_tell(r->c->cosigning);
}

/* Those who answer, and those who may be back in a moment. */
static unsigned
expected(struct replicators *r)
{
	struct custodian_status	s;
	uint64_t		now = clock_ms();
	unsigned		n = 0;
	uint8_t			i;

	for (i = 1; i <= r->n; i++) {
		replicators_status(r, i, &s);
		n += s.reachable || (s.seen_ms != 0 && now - s.seen_ms < ABSENCE_MS);
	}
	return n;
}

enum rc
replicators_wait(struct replicators *r, uint64_t size, unsigned ms, uint32_t *ret_have,
    struct err *err)
{
	uint64_t	start = clock_ms(), waited = 0;
	unsigned	have, look;
	enum rc		rc;

	for (;;) {
		look = ms - waited < LOOK_MS ? (unsigned)(ms - waited) : LOOK_MS;
		rc = cosigning_wait(r->c->cosigning, size, look, &have, err);
		waited = clock_ms() - start;
		if (rc != RC_UNSURE || waited >= ms ||
		    cosigning_woken(r->c->cosigning) ||
		    (waited >= HOPE_MS && expected(r) < r->c->first->q))
			break;
	}
	*ret_have = have;
	if (rc == RC_UNSURE)
		return err_set(err, RC_UNSURE, "%u custodians have cosigned, %u are needed: "
		    "ask again when more are up", have, r->c->first->q);
	return rc;
}

enum rc
replicators_call(struct replicators *r, uint8_t custodian, const char *method,
    struct span request, unsigned ms, struct buf *reply, char said[RPC_SAID_BYTES],
    struct err *err)
{
	struct replica_link	*l = &r->link[custodian - 1];
	enum rc			 rc;

	(void)pthread_rwlock_rdlock(&l->client_lock);
	rc = rpc_call_said(l->client, method, request, ms, reply, said, err);
	(void)pthread_rwlock_unlock(&l->client_lock);
	return rc;
}

/*
 * custodian/peers.c - the listener's threads that talk to the other custodians, one each.
 *
 * They carry bytes between the keeper and a peer and understand none of them: what to
 * ask and what an answer means the keeper says (custodian/compare.h). A peer that is
 * away costs one attempt a period.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "custodian/methods.h"
#include "proto/rpc.h"

#define EXCHANGE_METHOD	"/quorate.v1.Custodian/Exchange"
#define EXCHANGE_MS	3000
#define PEERS_A_PERIOD	8		/* of more, each is asked less often: the cost is the same */
#define AT_ONCE_MS	300u		/* between questions to one peer, however much there is to ask */
#define AT_ONCE_MAX	64u		/* in a row: a peer that lies keeps nobody busy */

struct peer_link {
	struct peers		*p;
	uint8_t			 index;
	const char		*name;
	struct rpc_client	*client;
	pthread_t		 thread;
	bool			 started, away;
	uint64_t		 woken;		/* the last call of peers_wake() that it followed */
};

struct peers {
	keeper_ask		 ask;
	void			*user;
	pthread_mutex_t		 lock;
	pthread_cond_t		 changed;
	bool			 stopping;
	uint64_t		 wakes;
	unsigned		 every_ms;
	uint8_t			 n;
	struct peer_link	 link[CUSTODIANS_MAX];
};

/* Is there nothing more to do? Else waits so long, or until somebody wakes us. */
static bool
wait_a_while(struct peer_link *k, unsigned ms)
{
	struct peers	*p = k->p;
	struct timespec	 end;
	bool		 stop;
	int		 rc = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += (long)(ms % 1000) * 1000000L;
	if (end.tv_nsec >= 1000000000L) {
		end.tv_nsec -= 1000000000L;
		end.tv_sec++;
	}
	(void)pthread_mutex_lock(&p->lock);
	while (rc == 0 && !p->stopping && k->woken == p->wakes)
		rc = pthread_cond_timedwait(&p->changed, &p->lock, &end);
	k->woken = p->wakes;
	stop = p->stopping;
	(void)pthread_mutex_unlock(&p->lock);
	return stop;
}

static bool
is_stopping(struct peers *p)
{
	bool	stop;

	(void)pthread_mutex_lock(&p->lock);
	stop = p->stopping;
	(void)pthread_mutex_unlock(&p->lock);
	return stop;
}

/* One line when it goes away, one when it is back. */
static void
note_away(struct peer_link *k, bool away, const struct err *err)
{
	if (away && !k->away && !is_stopping(k->p))
		log_err(err, "custodian %u (%s) does not answer", k->index, k->name);
	if (!away && k->away)
		log_line("custodian %u (%s) answers again", k->index, k->name);
	k->away = away;
}

/* RC_OK with ret_again as custody_heard() says it; RC_MISSING: there is nothing to ask yet. */
static enum rc
exchange(struct peer_link *k, uint8_t *ret_again, struct err *err)
{
	AUTO_DONE(buf_done) struct buf question = BUF_INIT(RPC_MESSAGE_MAX), heard = BUF_INIT(RPC_MESSAGE_MAX);
	AUTO_DONE(buf_done) struct buf again = BUF_INIT(16);
	enum rc	rc;

	TRY(k->p->ask(k->p->user, SELF_OUTGOING, SPAN(&k->index, 1), &question, err));
	if (question.n == 0)
		return err_set(err, RC_MISSING, "the log has not come yet");
	buf_u8(&heard, k->index);
	rc = rpc_call(k->client, EXCHANGE_METHOD, buf_view(&question), EXCHANGE_MS, &heard, err);
	note_away(k, rc != RC_OK, err);
	TRY(rc);
	TRY(k->p->ask(k->p->user, SELF_HEARD, buf_view(&heard), &again, err));
	*ret_again = again.n == 1 ? again.p[0] : 0;
	return RC_OK;
}

/* Who wakes us waits no longer for it, but a peer is not asked without a pause. */
static bool
wait_for_next(struct peer_link *k, unsigned ms)
{
	const struct timespec	pause = { 0, AT_ONCE_MS * 1000000L };

	if (ms < AT_ONCE_MS)
		return wait_a_while(k, ms);
	(void)nanosleep(&pause, NULL);
	return wait_a_while(k, ms - AT_ONCE_MS);
}

static void *
peer_thread(void *arg)
{
	struct peer_link	*k = arg;
	struct err		 err;
	unsigned		 soon = COMPARE_SOON_MS, ms = 0, at_once = 0;
	uint8_t			 again = 0;
	enum rc			 rc;

	while (!wait_for_next(k, ms)) {
		rc = exchange(k, &again, &err);
		if (rc == RC_MISSING) {
			ms = COMPARE_SOON_MS;
			continue;
		}
		at_once = rc == RC_OK && again == 1 ? at_once + 1 : 0;
		if (rc == RC_OK && again != 2) {
			ms = at_once == 0 ? COMPARE_EVERY_MS : at_once <= AT_ONCE_MAX ? AT_ONCE_MS : COMPARE_SOON_MS;
			soon = COMPARE_SOON_MS;
			continue;
		}
		ms = soon;
		soon = soon * 2 < k->p->every_ms ? soon * 2 : k->p->every_ms;
	}
	return NULL;
}

/* --- start and stop ------------------------------------------------------------------ */

struct identity {			/* of this custodian, for TLS; borrowed */
	struct span	cert, key, der;
};

static enum rc
link_start(struct peers *p, const struct custodian *peer, const struct identity *own, struct err *err)
{
	struct peer_link		*k = &p->link[p->n];
	struct rpc_client_options	 o = {
		.address = peer->address,
		.server_cert = SPAN(peer->tls_certificate.p, peer->tls_certificate.n),
		.cert_pem = own->cert,
		.key_pem = own->key,
		.max_reply = EXCHANGE_BYTES_MAX,
	};

	k->p = p;
	k->index = peer->index;
	k->name = peer->name;
	p->n++;
	TRY(rpc_client_new(&o, &k->client, err));
	if (pthread_create(&k->thread, NULL, peer_thread, k) != 0)
		return err_set(err, RC_IO, "cannot start its thread");
	k->started = true;
	return RC_OK;
}

/* An amended charter may give us another certificate than the one in our folder. */
static bool
is_self(const struct custodian *peer, uint8_t index, const struct identity *own)
{
	bool	same = span_eq(own->der, SPAN(peer->tls_certificate.p, peer->tls_certificate.n));

	if (index == peer->index && !same)
		log_line("WARNING: the charter in force has another TLS certificate for this custodian than tls.crt: nobody will "
		    "talk to it; put that one and its key there, or have the charter amended");
	return index == 0 ? same : index == peer->index;
}

static enum rc
links_start(struct peers *p, const struct identity *own, const struct charter *charter, uint8_t index, struct err *err)
{
	uint8_t	i;
	enum rc	rc;

	for (i = 0; i < charter->n; i++) {
		const struct custodian	*peer = &charter->custodian[i];

		if (is_self(peer, index, own))
			continue;
		rc = link_start(p, peer, own, err);
		if (rc != RC_OK)
			return err_wrap(err, rc, "custodian %u (%s)", peer->index, peer->name);
	}
	return RC_OK;
}

static enum rc
peers_new(struct peers **ret, struct err *err)
{
	struct peers		*p = calloc(1, sizeof(*p));
	pthread_condattr_t	 attr;
	bool			 ok;

	if (p == NULL || pthread_condattr_init(&attr) != 0) {
		free(p);
		return err_set(err, RC_NOMEM, "peers: no memory");
	}
	ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	    pthread_cond_init(&p->changed, &attr) == 0;
	(void)pthread_condattr_destroy(&attr);
	if (ok && pthread_mutex_init(&p->lock, NULL) != 0) {
		(void)pthread_cond_destroy(&p->changed);
		ok = false;
	}
	if (!ok) {
		free(p);
		return err_set(err, RC_NOMEM, "peers: no memory");
	}
	*ret = p;
	return RC_OK;
}

enum rc
peers_start(struct span cert_pem, struct span key_pem, const struct charter *charter, uint8_t own, keeper_ask ask, void *user,
    struct peers **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf der = BUF_INIT(TLS_CERT_MAX);
	struct identity	 identity = { cert_pem, key_pem, SPAN(NULL, 0) };
	struct peers	*p = NULL;
	enum rc		 rc;

	TRY(pem_to_der(cert_pem, &der, err));
	identity.der = buf_view(&der);
	TRY(peers_new(&p, err));
	p->ask = ask;
	p->user = user;
	p->every_ms = COMPARE_EVERY_MS * (1 + (charter->n - 2U) / PEERS_A_PERIOD);
	rc = links_start(p, &identity, charter, own, err);
	if (rc != RC_OK) {
		peers_stop(p);
		return rc;
	}
	*ret = p;
	return RC_OK;
}

void
peers_wake(struct peers *p)
{
	if (p == NULL)
		return;
	(void)pthread_mutex_lock(&p->lock);
	p->wakes++;
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
}

void
peers_stop(struct peers *p)
{
	uint8_t	i;

	if (p == NULL)
		return;
	(void)pthread_mutex_lock(&p->lock);
	p->stopping = true;
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
	for (i = 0; i < p->n; i++)
		if (p->link[i].client != NULL)
			rpc_client_close(p->link[i].client);
	for (i = 0; i < p->n; i++) {
		if (p->link[i].started)
			(void)pthread_join(p->link[i].thread, NULL);
		rpc_client_free(p->link[i].client);
	}
	(void)pthread_cond_destroy(&p->changed);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

/* coordinator/ask.c - one custodian is asked for its contribution, in a thread of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/admission.h"
#include "coordinator/cosigning.h"
#include "coordinator/gathering.h"
#include "coordinator/in_force.h"
#include "coordinator/pb.h"
#include "coordinator/replicator.h"
#include "evidence/cms.h"

#define COVER_MS	5000u	/* for a custodian to hear that the order is cosigned */
#define TRIES_MAX	20u	/* of one custodian, while it only says "not yet", or fails inside */

PB_AUTO(contribute_reply, ContributeReply);

struct asking {
	struct gathering	*g;
	uint8_t			 custodian;
};

/* Asks of all gatherings. */
static pthread_mutex_t	all_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t	all_ended = PTHREAD_COND_INITIALIZER;
static unsigned		all_running;

void
gathering_wait_all(void)
{
	(void)pthread_mutex_lock(&all_lock);
	while (all_running > 0)
		(void)pthread_cond_wait(&all_ended, &all_lock);
	(void)pthread_mutex_unlock(&all_lock);
}

static void
count_asks(int by)
{
	(void)pthread_mutex_lock(&all_lock);
	all_running = (unsigned)((int)all_running + by);
	(void)pthread_cond_broadcast(&all_ended);
	(void)pthread_mutex_unlock(&all_lock);
}

/*
 * A receipt of this custodian for this order: what it signed it cannot deny, so it is
 * logged. Only one over this very message lets the message be used: ret_binds.
 */
static enum rc
check_receipt(const struct gathering *g, uint8_t custodian, struct span message,
    struct span receipt, bool *ret_binds, struct err *err)
{
	struct admission	a;
	enum void_reason	why;
	uint8_t			digest[SHA256_BYTES];
	enum rc			rc = admit(coordinator_charter(g->c), receipt, &a, &why, err);

	if (rc == RC_OK && (a.s.type != STATEMENT_RECEIPT ||
	    a.s.u.receipt.custodian != custodian ||
	    memcmp(a.s.subject, g->order, SHA256_BYTES) != 0 ||
	    !dsse_signed_by(&a.d, &g->c->first->custodian[custodian - 1].signing_key)))
		rc = err_set(err, RC_VERIFY, "no receipt of it for this order came with its answer");
	sha256_one(digest, message);
	*ret_binds = rc == RC_OK && memcmp(a.s.u.receipt.message, digest, SHA256_BYTES) == 0;
	admission_done(&a);
	return rc;
}

/* It can only contribute when it knows that q cosigned the order. */
static void
wait_covered(const struct gathering *g, uint8_t custodian)
{
	struct custodian_status	s;
	uint64_t		until = clock_ms() + COVER_MS, seen = 0;

	while (clock_ms() < until && !cosigning_woken(g->c->cosigning)) {
		replicators_status(g->c->replicators, custodian, &s);
		if (s.cosigned > g->order_index || !s.reachable)
			return;
		if (seen == 0)
			replicators_bring(g->c->replicators, custodian);
		seen = cosigning_await(g->c->cosigning, seen, 50);
	}
}

static enum rc
call(struct gathering *g, uint8_t custodian, struct buf *reply,
    char said[RPC_SAID_BYTES], struct err *err)
{
	Quorate__V1__ContributeRequest	m = QUORATE__V1__CONTRIBUTE_REQUEST__INIT;
	AUTO_DONE(buf_done) struct buf	request = BUF_INIT(128);

	m.order = pb_bytes(SPAN_OF(g->order));
	TRY(pb_pack(&m.base, &request, err));
	wait_covered(g, custodian);
	return replicators_call(g->c->replicators, custodian,
	    "/quorate.v1.Custodian/Contribute", buf_view(&request), ASK_TIMEOUT_MS,
	    reply, said, err);
}

static enum rc
take_reply(struct gathering *g, uint8_t custodian, struct span reply, struct err *err)
{
	struct ask	*a = &g->ask[custodian - 1];
	bool		 binds;
	enum rc		 rc;

	PB_UNPACK(contribute_reply, ContributeReply, r, reply);
	TRY(check_receipt(g, custodian, pb_span(&r->message), pb_span(&r->receipt), &binds, err));
	buf_reset(&a->message);
	buf_reset(&a->receipt);
	buf_span(&a->message, pb_span(&r->message));
	buf_span(&a->receipt, pb_span(&r->receipt));
	TRY(buf_check(&a->message, "contribution", err));
	TRY(buf_check(&a->receipt, "contribution", err));
	a->signed_receipt = true;
	if (!binds)
		return err_set(err, RC_VERIFY, "its receipt is not over its message");
	rc = cms_addressed_to(buf_view(&g->addressee), buf_view(&a->message), err);
	return rc == RC_DENIED ? err_set(err, RC_VERIFY, "its message is sealed to somebody else") : rc;
}

/* It will not be asked again; what the first of these said is told. */
static void
gives_up(struct gathering *g, uint8_t custodian, enum ask_state as, const char *words)
{
	g->ask[custodian - 1].state = as;
	if (g->refusal[0] == '\0')
		(void)snprintf(g->refusal, sizeof(g->refusal), "custodian %u (%s): %s", custodian,
		    g->c->first->custodian[custodian - 1].name, words);
}

void
ask_refused(struct gathering *g, uint8_t custodian, const char *words)
{
	gives_up(g, custodian, ASK_REFUSED, words);
}

/* With the lock held: what an answer makes of its ask. */
static void
settle(struct gathering *g, uint8_t custodian, enum rc asked, enum rc checked, const char *words)
{
	struct ask	*a = &g->ask[custodian - 1];

	a->again_at = clock_ms() + RETRY_MS;
	if (asked == RC_OK && checked == RC_OK)
		a->state = ASK_GOOD;
	else if (asked == RC_OK && (checked == RC_FORMAT || checked == RC_VERIFY))
		a->state = ASK_LIED;
	else if (asked == RC_DENIED || asked == RC_FORMAT || asked == RC_VERIFY)
		ask_refused(g, custodian, words);
	else if (++a->tries >= TRIES_MAX)
		gives_up(g, custodian, ASK_FAILED, words);	/* not its "no" */
	else
		a->state = ASK_LATER;	/* away, busy, or not that far yet */
}

void
ask_tell(const struct gathering *g, uint8_t custodian, const struct err *err)
{
	const struct ask	*a = &g->ask[custodian - 1];
	const char		*name = g->c->first->custodian[custodian - 1].name;
	char			 hex[HEX_BYTES(SHA256_BYTES)];

	(void)hex_write(SPAN_OF(g->order), hex);
	if (a->state == ASK_LIED)
		log_line("ALARM: custodian %u (%s) answered order %.16s wrongly: %s", custodian, name, hex, err->msg);
	else if (a->state == ASK_REFUSED || a->state == ASK_FAILED)
		log_line("custodian %u (%s) contributes nothing to order %.16s: %s", custodian, name, hex, err->msg);
	else if (a->state == ASK_LATER && a->tries == 1)
		log_line("custodian %u (%s) does not contribute to order %.16s yet: %s", custodian, name, hex, err->msg);
}

static void *
ask_thread(void *arg)
{
	AUTO_DONE(buf_done) struct buf reply = BUF_INIT(RPC_MESSAGE_MAX);
	struct asking	*k = arg;
	struct err	 err = { RC_OK, "" };
	char		 said[RPC_SAID_BYTES] = "";
	enum rc		 asked, checked = RC_OK;

	asked = call(k->g, k->custodian, &reply, said, &err);
	if (asked == RC_OK)
		checked = take_reply(k->g, k->custodian, buf_view(&reply), &err);
	(void)pthread_mutex_lock(&k->g->lock);
	settle(k->g, k->custodian, asked, checked, said[0] != '\0' ? said : err.msg);
	ask_tell(k->g, k->custodian, &err);
	(void)pthread_cond_broadcast(&k->g->changed);
	(void)pthread_mutex_unlock(&k->g->lock);
	gathering_drop(k->g);
	free(k);
	count_asks(-1);
	return NULL;
}

void
ask_start(struct gathering *g, uint8_t custodian)
{
	struct asking	*k = malloc(sizeof(*k));
	pthread_attr_t	 attr;
	pthread_t	 thread;
	bool		 started = false;

	if (k != NULL && pthread_attr_init(&attr) == 0) {
		k->g = g;
		k->custodian = custodian;
		(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		count_asks(1);
		started = pthread_create(&thread, &attr, ask_thread, k) == 0;
		if (!started)
			count_asks(-1);
		(void)pthread_attr_destroy(&attr);
	}
	if (started) {
		g->refs++;
		g->ask[custodian - 1].state = ASK_RUNS;
		g->ask[custodian - 1].asked_at = clock_ms();
		return;
	}
	free(k);
	g->ask[custodian - 1].state = ASK_LATER;
	g->ask[custodian - 1].again_at = clock_ms() + RETRY_MS;
}

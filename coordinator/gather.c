/* coordinator/gather.c - ask custodians for their contributions to one order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/admission.h"
#include "coordinator/clock.h"
#include "coordinator/cosigning.h"
#include "coordinator/gather.h"
#include "coordinator/pb.h"
#include "coordinator/replicator.h"

#define COVER_MS	5000u	/* for a custodian to hear that the order is cosigned */
#define RETRY_MS	500u
#define FRESH_MS	4000u	/* heard of so lately: asked before the others */
#define HEDGE_MS	1000u	/* one that is silent so long is not counted on: another is asked */
#define LOOK_MS		250u
#define MORE_MS		3000u	/* with k answers: for those that are wanted besides */
#define TRIES_MAX	20u	/* of one custodian, while it only says "not yet" */

PB_AUTO(contribute_reply, ContributeReply);

enum ask_state { ASK_NOT = 0, ASK_RUNS, ASK_GOOD, ASK_REFUSED, ASK_LIED, ASK_LATER };

struct ask {
	enum ask_state	state;
	unsigned	tries;
	uint64_t	again_at, asked_at;
	struct buf	message, receipt;
	bool		signed_receipt;	/* it signed one for this order, whatever it says */
	bool		silent;		/* told of */
};

struct gathering {
	struct coordinator	*c;
	uint8_t			 order[SHA256_BYTES];
	uint64_t		 order_index;
	pthread_mutex_t		 lock;
	pthread_cond_t		 changed;
	unsigned		 refs;
	char			 refusal[ERR_MSG_BYTES];	/* who refused first, and its words */
	struct ask		 ask[CUSTODIANS_MAX];
};

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

enum rc
gathering_new(struct coordinator *c, const uint8_t order[SHA256_BYTES],
    uint64_t order_index, struct gathering **ret, struct err *err)
{
	struct gathering	*g = calloc(1, sizeof(*g));
	size_t			 i;

	if (g == NULL || pthread_mutex_init(&g->lock, NULL) != 0 || !cond_init(&g->changed)) {
		free(g);
		return err_set(err, RC_NOMEM, "gathering: no memory");
	}
	g->c = c;
	memcpy(g->order, order, SHA256_BYTES);
	g->order_index = order_index;
	g->refs = 1;
	for (i = 0; i < CUSTODIANS_MAX; i++) {
		g->ask[i].message = BUF_INIT(RPC_MESSAGE_MAX);
		g->ask[i].receipt = BUF_INIT(DSSE_BYTES_MAX);
	}
	*ret = g;
	return RC_OK;
}

void
gathering_drop(struct gathering *g)
{
	unsigned	refs;
	size_t		i;

	if (g == NULL)
		return;
	(void)pthread_mutex_lock(&g->lock);
	refs = --g->refs;
	(void)pthread_mutex_unlock(&g->lock);
	if (refs > 0)
		return;
	for (i = 0; i < CUSTODIANS_MAX; i++) {
		buf_done(&g->ask[i].message);
		buf_done(&g->ask[i].receipt);
	}
	(void)pthread_cond_destroy(&g->changed);
	(void)pthread_mutex_destroy(&g->lock);
	free(g);
}

/* ---- one ask, in a thread of its own -------------------------------------------------- */

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
	enum rc			rc = admit(g->c->charter, receipt, &a, &why, err);

	if (rc == RC_OK && (a.s.type != STATEMENT_RECEIPT ||
	    a.s.u.receipt.custodian != custodian ||
	    memcmp(a.s.subject, g->order, SHA256_BYTES) != 0 ||
	    !dsse_signed_by(&a.d, &g->c->charter->custodian[custodian - 1].signing_key)))
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

	PB_UNPACK(contribute_reply, ContributeReply, r, reply);
	TRY(check_receipt(g, custodian, pb_span(&r->message), pb_span(&r->receipt), &binds, err));
	buf_reset(&a->message);
	buf_reset(&a->receipt);
	buf_span(&a->message, pb_span(&r->message));
	buf_span(&a->receipt, pb_span(&r->receipt));
	TRY(buf_check(&a->message, "contribution", err));
	TRY(buf_check(&a->receipt, "contribution", err));
	a->signed_receipt = true;
	return binds ? RC_OK : err_set(err, RC_VERIFY, "its receipt is not over its message");
}

/* With the lock held. The first to refuse speaks for all. */
static void
refused(struct gathering *g, uint8_t custodian, const char *words)
{
	g->ask[custodian - 1].state = ASK_REFUSED;
	if (g->refusal[0] == '\0')
		(void)snprintf(g->refusal, sizeof(g->refusal), "custodian %u (%s): %s", custodian,
		    g->c->charter->custodian[custodian - 1].name, words);
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
	else if (asked == RC_DENIED || asked == RC_FORMAT || asked == RC_VERIFY || ++a->tries >= TRIES_MAX)
		refused(g, custodian, words);
	else
		a->state = ASK_LATER;	/* away, busy, or not that far yet */
}

/* One line for each that fails; one that says "not yet" is told of once. */
static void
tell(const struct gathering *g, uint8_t custodian, const struct err *err)
{
	const struct ask	*a = &g->ask[custodian - 1];
	const char		*name = g->c->charter->custodian[custodian - 1].name;
	char			 hex[HEX_BYTES(SHA256_BYTES)];

	(void)hex_write(SPAN_OF(g->order), hex);
	if (a->state == ASK_LIED)
		log_line("ALARM: custodian %u (%s) answered order %.16s wrongly: %s", custodian, name, hex, err->msg);
	else if (a->state == ASK_REFUSED)
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
	tell(k->g, k->custodian, &err);
	(void)pthread_cond_broadcast(&k->g->changed);
	(void)pthread_mutex_unlock(&k->g->lock);
	gathering_drop(k->g);
	free(k);
	count_asks(-1);
	return NULL;
}

/* With the lock held. */
static void
ask(struct gathering *g, uint8_t custodian)
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

/* ---- the gatherer -------------------------------------------------------------------------- */

static unsigned
count(const struct gathering *g, enum ask_state state)
{
	unsigned	i, n = 0;

	for (i = 0; i < g->c->charter->n; i++)
		n += g->ask[i].state == state;
	return n;
}

/* Answers that can still be hoped for soon. */
static unsigned
hopeful(const struct gathering *g)
{
	uint64_t	now = clock_ms();
	unsigned	i, n = 0;

	for (i = 0; i < g->c->charter->n; i++)
		n += g->ask[i].state == ASK_RUNS && now - g->ask[i].asked_at < HEDGE_MS;
	return n;
}

/*
 * How soon a custodian should be asked: those that answer first, those that were not
 * asked yet before those that said "not yet". 0: not now.
 */
static unsigned
merit(const struct gathering *g, uint8_t custodian, uint64_t now)
{
	const struct ask	*a = &g->ask[custodian - 1];
	struct custodian_status	 s;
	unsigned		 m;

	if (a->state != ASK_NOT && !(a->state == ASK_LATER && now >= a->again_at))
		return 0;
	replicators_status(g->c->replicators, custodian, &s);
	if (s.frozen)
		return 0;
	m = a->state == ASK_NOT ? 2 : 1;
	if (s.reachable && now - s.seen_ms < FRESH_MS)
		m += 4;
	if (s.health.doubt[0] == '\0')
		m += 2;
	return m;
}

/* The next to ask; 0: none now. */
static uint8_t
candidate(const struct gathering *g)
{
	uint64_t	now = clock_ms();
	unsigned	best = 0, m;
	uint8_t		i, next = 0;

	for (i = 1; i <= g->c->charter->n; i++)
		if ((m = merit(g, i, now)) > best) {
			best = m;
			next = i;
		}
	return next;
}

/* Those that will not contribute any more. */
static unsigned
lost(const struct gathering *g)
{
	struct custodian_status	s;
	unsigned		n = count(g, ASK_REFUSED) + count(g, ASK_LIED);
	uint8_t			i;

	for (i = 1; i <= g->c->charter->n; i++) {
		replicators_status(g->c->replicators, i, &s);
		n += s.frozen && (g->ask[i - 1].state == ASK_NOT || g->ask[i - 1].state == ASK_LATER);
	}
	return n;
}

/* With the lock held. */
static enum rc
verdict(const struct gathering *g, uint64_t until, struct err *err)
{
	unsigned	k = g->c->charter->k, n = g->c->charter->n;

	if (n - lost(g) < k)
		return err_set(err, RC_DENIED, "%s", g->refusal[0] != '\0' ? g->refusal :
		    "too few custodians contribute");
	if (clock_ms() >= until || cosigning_woken(g->c->cosigning))
		return err_set(err, RC_UNSURE, "%u of %u custodians have contributed, "
		    "%u are needed", count(g, ASK_GOOD), n, k);
	return RC_OK;
}

/* With the lock held: k are there, and more were wanted. Is it worth to wait on? */
static bool
more_may_come(const struct gathering *g, unsigned want, uint64_t since)
{
	return count(g, ASK_GOOD) < want && g->c->charter->n - lost(g) > count(g, ASK_GOOD) &&
	    clock_ms() - since < MORE_MS && !cosigning_woken(g->c->cosigning);
}

/* With the lock held: one line for each that another is asked instead of. */
static void
tell_silent(struct gathering *g)
{
	uint64_t	now = clock_ms();
	char		hex[HEX_BYTES(SHA256_BYTES)];
	uint8_t		i;

	for (i = 1; i <= g->c->charter->n; i++) {
		struct ask	*a = &g->ask[i - 1];

		if (a->state != ASK_RUNS || a->silent || now - a->asked_at < HEDGE_MS)
			continue;
		a->silent = true;
		log_line("custodian %u (%s) is silent about order %.16s: another is asked", i,
		    g->c->charter->custodian[i - 1].name, hex_write(SPAN_OF(g->order), hex));
	}
}

enum rc
gathering_run(struct gathering *g, unsigned want, struct err *err)
{
	uint64_t	until = clock_ms() + GATHER_MS, since = 0;
	unsigned	k = g->c->charter->k;
	uint8_t		next;
	enum rc		rc = RC_OK;

	(void)pthread_mutex_lock(&g->lock);
	for (;;) {
		tell_silent(g);
		while (count(g, ASK_GOOD) + hopeful(g) < want && (next = candidate(g)) != 0)
			ask(g, next);
		if (count(g, ASK_GOOD) < k)
			rc = verdict(g, until, err);
		else if (since == 0)
			since = clock_ms();
		if (rc != RC_OK || (since != 0 && !more_may_come(g, want, since)))
			break;
		(void)cond_wait_until(&g->changed, &g->lock, clock_ms() + LOOK_MS);
	}
	(void)pthread_mutex_unlock(&g->lock);
	return rc;
}

void
gathering_bad(struct gathering *g, uint8_t custodian, bool lied, const char *words)
{
	struct err	err;

	(void)err_set(&err, RC_VERIFY, "%s", words);
	(void)pthread_mutex_lock(&g->lock);
	if (g->ask[custodian - 1].state == ASK_GOOD) {
		if (lied)
			g->ask[custodian - 1].state = ASK_LIED;
		else
			refused(g, custodian, words);
		tell(g, custodian, &err);
	}
	(void)pthread_mutex_unlock(&g->lock);
}

static struct gathered
gathered(struct gathering *g, uint8_t custodian)
{
	struct ask	*a = &g->ask[custodian - 1];

	return (struct gathered){ custodian, buf_view(&a->message), buf_view(&a->receipt) };
}

size_t
gathering_answers(struct gathering *g, struct gathered ret[CUSTODIANS_MAX])
{
	size_t	n = 0;
	uint8_t	i;

	(void)pthread_mutex_lock(&g->lock);
	for (i = 1; i <= g->c->charter->n; i++)
		if (g->ask[i - 1].state == ASK_GOOD)
			ret[n++] = gathered(g, i);
	(void)pthread_mutex_unlock(&g->lock);
	return n;
}

size_t
gathering_receipts(struct gathering *g, struct gathered ret[CUSTODIANS_MAX])
{
	size_t	n = 0;
	uint8_t	i;

	(void)pthread_mutex_lock(&g->lock);
	for (i = 1; i <= g->c->charter->n; i++)
		if (g->ask[i - 1].state == ASK_GOOD ||
		    (g->ask[i - 1].state == ASK_LIED && g->ask[i - 1].signed_receipt))
			ret[n++] = gathered(g, i);
	(void)pthread_mutex_unlock(&g->lock);
	return n;
}

static uint32_t
mask_of(struct gathering *g, enum ask_state state)
{
	uint32_t	mask = 0;
	unsigned	i;

	(void)pthread_mutex_lock(&g->lock);
	for (i = 0; i < g->c->charter->n; i++)
		if (g->ask[i].state == state)
			mask |= UINT32_C(1) << i;
	(void)pthread_mutex_unlock(&g->lock);
	return mask;
}

uint32_t
gathering_liars(struct gathering *g)
{
	return mask_of(g, ASK_LIED);
}

uint32_t
gathering_refusers(struct gathering *g)
{
	return mask_of(g, ASK_REFUSED);
}

/* coordinator/gather.c - gather contributions to one order: whom to ask, and for how long. */
#include <stdlib.h>
#include <string.h>

#include "coordinator/clock.h"
#include "coordinator/cosigning.h"
#include "coordinator/gathering.h"
#include "coordinator/replicator.h"
#include "evidence/cms.h"

#define FRESH_MS	4000u	/* heard of so lately: asked before the others */
#define HEDGE_MS	1000u	/* one that is silent so long is not counted on: another is asked */
#define LOOK_MS		250u
#define MORE_MS		3000u	/* with k answers: for those that are wanted besides */

enum rc
gathering_new(struct coordinator *c, const uint8_t order[SHA256_BYTES],
    uint64_t order_index, struct span addressee, struct gathering **ret, struct err *err)
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
	g->addressee = BUF_INIT(CMS_CERT_MAX);
	buf_span(&g->addressee, addressee);
	g->refs = 1;
	for (i = 0; i < CUSTODIANS_MAX; i++) {
		g->ask[i].message = BUF_INIT(RPC_MESSAGE_MAX);
		g->ask[i].receipt = BUF_INIT(DSSE_BYTES_MAX);
	}
	if (buf_check(&g->addressee, "addressee", err) != RC_OK) {
		gathering_drop(g);
		return RC_NOMEM;
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
	buf_done(&g->addressee);
	(void)pthread_cond_destroy(&g->changed);
	(void)pthread_mutex_destroy(&g->lock);
	free(g);
}

static unsigned
count(const struct gathering *g, enum ask_state state)
{
	unsigned	i, n = 0;

	for (i = 0; i < g->c->first->n; i++)
		n += g->ask[i].state == state;
	return n;
}

/* Answers that can still be hoped for soon. */
static unsigned
hopeful(const struct gathering *g)
{
	uint64_t	now = clock_ms();
	unsigned	i, n = 0;

	for (i = 0; i < g->c->first->n; i++)
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

	for (i = 1; i <= g->c->first->n; i++)
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
	unsigned		n = count(g, ASK_REFUSED) + count(g, ASK_FAILED) + count(g, ASK_LIED);
	uint8_t			i;

	for (i = 1; i <= g->c->first->n; i++) {
		replicators_status(g->c->replicators, i, &s);
		n += s.frozen && (g->ask[i - 1].state == ASK_NOT || g->ask[i - 1].state == ASK_LATER);
	}
	return n;
}

/* With the lock held. */
static enum rc
verdict(const struct gathering *g, uint64_t until, struct err *err)
{
	unsigned	k = g->c->first->k, n = g->c->first->n;

	/* One that failed each time may do better when the command is run again: that is no refusal. */
	if (n - lost(g) < k)
		return err_set(err, n - lost(g) + count(g, ASK_FAILED) < k ? RC_DENIED : RC_UNSURE, "%s",
		    g->refusal[0] != '\0' ? g->refusal : "too few custodians contribute");
	if (clock_ms() >= until || cosigning_woken(g->c->cosigning))
		return err_set(err, RC_UNSURE, "%u of %u custodians have contributed, "
		    "%u are needed", count(g, ASK_GOOD), n, k);
	return RC_OK;
}

/* With the lock held: k are there, and more were wanted. Is it worth to wait on? */
static bool
more_may_come(const struct gathering *g, unsigned want, uint64_t since)
{
	return count(g, ASK_GOOD) < want && g->c->first->n - lost(g) > count(g, ASK_GOOD) &&
	    clock_ms() - since < MORE_MS && !cosigning_woken(g->c->cosigning);
}

/* With the lock held: one line for each that another is asked instead of. */
static void
tell_silent(struct gathering *g)
{
	uint64_t	now = clock_ms();
	char		hex[HEX_BYTES(SHA256_BYTES)];
	uint8_t		i;

	for (i = 1; i <= g->c->first->n; i++) {
		struct ask	*a = &g->ask[i - 1];

		if (a->state != ASK_RUNS || a->silent || now - a->asked_at < HEDGE_MS)
			continue;
		a->silent = true;
		log_line("custodian %u (%s) is silent about order %.16s: another is asked", i,
		    g->c->first->custodian[i - 1].name, hex_write(SPAN_OF(g->order), hex));
	}
}

/* With the lock held. */
static void
ask_more(struct gathering *g, unsigned want)
{
	uint8_t	next;

	while (count(g, ASK_GOOD) + hopeful(g) < want && (next = candidate(g)) != 0)
		ask_start(g, next);
}

void
gathering_ask(struct gathering *g, unsigned want)
{
	(void)pthread_mutex_lock(&g->lock);
	ask_more(g, want);
	(void)pthread_mutex_unlock(&g->lock);
}

enum rc
gathering_run(struct gathering *g, unsigned want, struct err *err)
{
	uint64_t	until = clock_ms() + GATHER_MS, since = 0;
	unsigned	k = g->c->first->k;
	enum rc		rc = RC_OK;

	(void)pthread_mutex_lock(&g->lock);
	for (;;) {
		tell_silent(g);
		ask_more(g, want);
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
			ask_refused(g, custodian, words);
		ask_tell(g, custodian, &err);
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
	for (i = 1; i <= g->c->first->n; i++)
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
	for (i = 1; i <= g->c->first->n; i++)
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
	for (i = 0; i < g->c->first->n; i++)
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

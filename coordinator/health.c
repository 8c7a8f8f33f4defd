/* coordinator/health.c - what a custodian says of itself, and what an operator hears of it. */
#include <stdio.h>
#include <string.h>

#include "coordinator/replica_link.h"

/* Its own words, as far as they may be shown. */
static void
read_doubt(const Quorate__V1__Health *m, char ret[HEALTH_DOUBT_BYTES])
{
	if (m->doubt[0] == '\0' && !m->ready)
		(void)snprintf(ret, HEALTH_DOUBT_BYTES, "has not compared with enough others since its start");
	else
		(void)snprintf(ret, HEALTH_DOUBT_BYTES, "%s", m->doubt);
	(void)text_clean_str(ret);
}

/* But for numbers: one that catches up says how far it is. */
static bool
same_doubt(const char *a, const char *b)
{
	for (;; a++, b++) {
		a += strspn(a, "0123456789");
		b += strspn(b, "0123456789");
		if (*a != *b)
			return false;
		if (*a == '\0')
			return true;
	}
}

/*
 * One line when it begins to doubt and one when that is over. What lasts for less than
 * a few seconds (every start) is not told; nor is one heard more often than that.
 */
static void
tell(struct replica_link *l, const char *doubt)
{
	uint64_t	now = clock_ms();

	if (same_doubt(doubt, l->doubt)) {
		l->doubt_since = 0;
		return;
	}
	if (l->doubt_since == 0)
		l->doubt_since = now;
	if (now - l->doubt_since < DOUBT_LASTS_MS)
		return;
	(void)snprintf(l->doubt, sizeof(l->doubt), "%s", doubt);
	l->doubt_since = 0;
	l->look = doubt[0] != '\0';
	if (doubt[0] != '\0')
		log_line("custodian %u (%s): contributes to nothing: %s", l->index, link_name(l), doubt);
	else
		log_line("custodian %u (%s): contributes again", l->index, link_name(l));
}

void
health_take(struct replica_link *l, const Quorate__V1__Health *m)
{
	struct custodian_health	h = { .known = true };

	if (m == NULL)
		return;
	sequencer_hear(l->c->sequencer, l->index, m->clock);
	h.ready = m->ready;
	h.unchecked = m->unchecked;
	h.handed = m->handed;
	h.oldest = m->oldest;
	h.owed = m->owed;
	read_doubt(m, h.doubt);
	(void)pthread_mutex_lock(&l->lock);
	l->status.health = h;
	(void)pthread_mutex_unlock(&l->lock);
	tell(l, h.doubt);
}

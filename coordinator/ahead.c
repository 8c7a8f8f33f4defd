/* coordinator/ahead.c - custodians' clocks, as they say, against the date of the next entry. */
#include <string.h>

#include "audit/entry.h"
#include "coordinator/ahead.h"
#include "coordinator/clock.h"
#include "edge/edge.h"

enum rc
ahead_init(struct ahead *a, const struct charter *charter, struct err *err)
{
	memset(a, 0, sizeof(*a));
	a->n = charter->n;
	a->q = charter->q;
	if (!cond_init(&a->heard))
		return err_set(err, RC_NOMEM, "no memory");
	(void)pthread_mutex_init(&a->lock, NULL);	/* fails only for want of memory, and glibc's takes none */
	return RC_OK;
}

void
ahead_done(struct ahead *a)
{
	(void)pthread_cond_destroy(&a->heard);
	(void)pthread_mutex_destroy(&a->lock);
}

void
ahead_expect(struct ahead *a)
{
	(void)pthread_mutex_lock(&a->lock);
	a->until = clock_ms() + AHEAD_WAIT_MS;
	(void)pthread_mutex_unlock(&a->lock);
}

void
ahead_hear(struct ahead *a, uint8_t custodian, when clock)
{
	if (custodian < 1 || custodian > a->n)
		return;
	(void)pthread_mutex_lock(&a->lock);
	a->custodian[custodian - 1].clock = clock > WHEN_MAX ? WHEN_MAX : clock;
	a->custodian[custodian - 1].at = clock_ms();
	(void)pthread_cond_broadcast(&a->heard);
	(void)pthread_mutex_unlock(&a->lock);
}

/* With the lock held. What its clock shows at this moment; 0: not known. */
static when
shows(const struct ahead *a, unsigned i, uint64_t now_ms)
{
	uint64_t	since = now_ms - a->custodian[i].at;

	if (a->custodian[i].clock == 0 || since > AHEAD_HEARD_MS)
		return 0;
	return a->custodian[i].clock + since / 1000;
}

void
ahead_wait(struct ahead *a)
{
	unsigned	i, have;

	(void)pthread_mutex_lock(&a->lock);
	while (a->until != 0) {
		uint64_t	now = clock_ms();

		for (i = have = 0; i < a->n; i++)
			have += shows(a, i, now) != 0;
		if (have >= a->q || now >= a->until)
			a->until = 0;
		else
			(void)cond_wait_until(&a->heard, &a->lock, a->until);
	}
	(void)pthread_mutex_unlock(&a->lock);
}

/* With the lock held. How many would leave an entry of this date, and by how much it is ahead of each at least. */
static unsigned
leave(const struct ahead *a, when date, when *by)
{
	uint64_t	now_ms = clock_ms();
	unsigned	i, n = 0;
	when		t;

	*by = WHEN_MAX;
	for (i = 0; i < a->n; i++) {
		t = shows(a, i, now_ms);
		if (t == 0 || date <= t + CLOCK_AHEAD_MAX)
			continue;
		n++;
		if (date - t < *by)
			*by = date - t;
	}
	return n;
}

enum rc
ahead_check(struct ahead *a, when now, when last, struct err *err)
{
	unsigned	n;
	when		by;

	(void)pthread_mutex_lock(&a->lock);
	n = leave(a, now, &by);
	if (n > a->n - a->q) {
		(void)pthread_mutex_unlock(&a->lock);
		return err_set(err, RC_UNSURE, "nothing is logged: this coordinator's clock is ahead of %u custodians' "
		    "by %llu s or more: set it right", n, (unsigned long long)by);
	}
	n = leave(a, last, &by);
	(void)pthread_mutex_unlock(&a->lock);
	if (n > a->n - a->q)
		return err_set(err, RC_UNSURE, "nothing is logged: the last entry's date is ahead of %u custodians' "
		    "clocks by %llu s or more: wait, or set theirs right", n, (unsigned long long)by);
	return RC_OK;
}

enum rc
ahead_check_told(struct ahead *a, when now, when last, struct err *err)
{
	struct err	why;
	enum rc		rc = ahead_check(a, now, last, &why);
	bool		was;

	(void)pthread_mutex_lock(&a->lock);
	was = a->holds;
	a->holds = rc != RC_OK;
	(void)pthread_mutex_unlock(&a->lock);
	if (rc != RC_OK && !was)
		log_line("ALARM: %s", why.msg);
	else if (rc == RC_OK && was)
		log_line("entries are logged again");
	return rc == RC_OK ? RC_OK : err_set(err, rc, "%s", why.msg);
}

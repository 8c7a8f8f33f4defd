#include <stdatomic.h>
#include <stdbool.h>

#include "evidence/side_by_side.h"

struct lane {
	enum rc		rc;
	uint32_t	at;		/* what failed */
	struct err	err;
};

struct rows {
	side_work	 work;
	void		*arg;
	uint32_t	 n;
	atomic_uint	 next;
	atomic_bool	 failed;
	struct lane	 lane[SIDE_BY_SIDE_MAX];
};

/* Takes one after the other until none is left: where lanes run one by one, the first does all. */
static void
run_lane(void *user, size_t i)
{
	struct rows	*r = user;
	struct lane	*l = &r->lane[i];

	while (!atomic_load(&r->failed)) {
		l->at = atomic_fetch_add(&r->next, 1);
		if (l->at >= r->n)
			return;
		if ((l->rc = r->work(r->arg, l->at, &l->err)) != RC_OK) {
			atomic_store(&r->failed, true);
			return;
		}
	}
}

/* They are begun in order: whatever lies below the lowest failure was begun before, and went well. */
static enum rc
first_failure(const struct rows *r, struct err *err)
{
	const struct lane	*first = NULL;

	for (const struct lane *l = r->lane; l < r->lane + SIDE_BY_SIDE_MAX; l++)
		if (l->rc != RC_OK && (first == NULL || l->at < first->at))
			first = l;
	return first == NULL ? RC_OK : err_set(err, first->rc, "%s", first->err.msg);
}

enum rc
side_by_side(const struct parallel *parallel, uint32_t n, side_work work, void *arg, struct err *err)
{
	struct rows	r = { .work = work, .arg = arg, .n = n };
	size_t		lanes = n < SIDE_BY_SIDE_MAX ? n : SIDE_BY_SIDE_MAX;

	if (parallel == NULL || lanes < 2)
		run_lane(&r, 0);
	else
		parallel->run(parallel->user, lanes, run_lane, &r);
	return first_failure(&r, err);
}

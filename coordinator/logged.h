/*
 * coordinator/logged.h - an entry of our own log, read back and parsed.
 */
#ifndef COORDINATOR_LOGGED_H
#define COORDINATOR_LOGGED_H

#include "audit/store/store.h"
#include "policy/statement.h"

struct logged {
	struct buf		leaf;
	when			time;
	struct dsse		d;
	struct statement	s;
};
#define LOGGED_INIT	((struct logged){ .time = 0 })

/* RC_MISSING: no such entry. RC_FORMAT: it holds no statement. logged_done() always. */
MUST_USE enum rc logged_read(struct store *s, uint64_t index, struct logged *ret, struct err *err);
void	 logged_done(struct logged *l);

#endif

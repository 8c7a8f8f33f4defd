/*
 * cli/replay_impl.h - a replay from the inside. Internal to cli/replay*.c.
 */
#ifndef CLI_REPLAY_IMPL_H
#define CLI_REPLAY_IMPL_H

#include "cli/replay.h"

struct replay {
	char		 dir[FILE_PATH_MAX];
	int		 lock;
	struct store	*store;
	struct state	 state;		/* the store's, which asks the source for blobs that it lacks */
	struct replica	*replica;
	const struct charter *genesis;	/* borrowed */
	struct log_source *source;	/* while it runs */
	struct err	 fault;		/* why the source gave no blob; rc RC_OK: it gave each */
	/* Of the run. */
	struct replayed	*out;
	uint64_t	 uncommitted, committed_ms, watched_ms;
	replay_watch	 watch;
	void		*user;
};

/* cli/replay_state.c: what apply is given. Good as long as r. */
struct state	 replay_state(struct replay *r);

#endif

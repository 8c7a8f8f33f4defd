/*
 * cli/replay.h - an auditor's own replica of a log (docs/adr/0018-audit-from-nothing.md).
 *
 * Entries, tree, verdicts and state go into a store of its own, as at a custodian. What is
 * committed has been proved to stand under the checkpoint that the source shows, so that a
 * run that is cut off goes on where it was; what was verified once is what the next
 * checkpoint must continue. Nothing that a source says is believed. One thread.
 */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include "audit/store/store.h"
#include "cli/logsource.h"
#include "cli/report.h"

struct replay;

/*
 * dir: made when it is not there (its parent must be), locked until replay_free().
 * genesis: the document, what the auditor trusts. RC_USAGE: another network's state, or
 * another audit runs there. RC_IO: damaged; the words say what to do.
 */
MUST_USE enum rc replay_open(const char *dir, const struct charter *genesis, struct replay **ret, struct err *err);
void	 replay_free(struct replay *r);
DEFINE_AUTO(replay_free, struct replay);

/* What the log was checked against. */
struct replayed {
	struct checkpoint	cp;
	struct buf		note;
	struct note_cosigned	cosigned;	/* those that count */
	uint32_t		early;		/* custodians that cosigned before the log time of the last entry: they do not */
	uint64_t		from;		/* so many entries had been replayed before */
	uint64_t		behind;		/* the source shows only so many of them; 0: it does not lag */
	/* With RC_VERIFY: a checkpoint that cp cannot be true beside. Empty: none. */
	struct checkpoint	other_cp;
	struct buf		other;
};
void	 replayed_done(struct replayed *r);

/* Called now and then. */
typedef void (*replay_watch)(void *user, uint64_t at, uint64_t size);
/*
 * Replays up to the source's checkpoint. RC_VERIFY: a rule of the log is broken; the words
 * name the entry or the checkpoint. What was committed before stays.
 */
MUST_USE enum rc replay_run(struct replay *r, struct log_source *s, replay_watch watch, void *user,
    struct replayed *ret, struct err *err);

/* A fault of the store: the words say which folder to remove. Other codes pass. */
enum rc	 replay_damaged(const struct replay *r, enum rc rc, struct err *err);
struct store	*replay_store(struct replay *r);
/* What has been replayed, for a report. Valid as long as r, and until it runs again. */
struct report_source replay_read(struct replay *r, when now);

#endif

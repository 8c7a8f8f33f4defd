/*
 * cli/custodians.h - every custodian that the charter lists, asked directly and all at once.
 *
 * For what people must be able to say and see when the coordinator is down, or lies.
 * Each custodian is called in a thread of its own, over TLS with the certificate that
 * the charter pins; this host's own certificate is presented where it has one. A
 * custodian may lie too: its notes are verified against the charter, its texts
 * cleaned, its lists cut, and what it says stands beside what the others say.
 */
#ifndef CLI_CUSTODIANS_H
#define CLI_CUSTODIANS_H

#include "cli/remote.h"

#define CUSTODIANS_LOOK_MS	2000	/* for a Checkpoint, connecting included */
#define CUSTODIANS_SUBMIT_MS	5000	/* for a Submit: it is durable, and in the token, when it returns */
#define CUSTODIANS_REPLY_MAX	(512 << 10)
#define CUSTODIANS_ROWS_MAX	64	/* statements that one may list as missing */

/* What one shows. */
struct custodian_view {
	enum rc				 rc;		/* RC_OK: it answered, and its notes are the log's */
	char				 words[ERR_MSG_BYTES];	/* why not */
	Quorate__V1__CheckpointReply	*reply;		/* NULL: no answer. Believed only with RC_OK */
	bool				 has_signed, has_cosigned;
	struct checkpoint		 signed_;	/* the newest that it cosigned */
	struct checkpoint		 cosigned;	/* the newest that a quorum did */
};

enum took { TOOK_NO_ANSWER, TOOK_REFUSED, TOOK_LOGGED, TOOK_IT };
/* What one did with a statement. */
struct custodian_took {
	enum took	took;
	uint64_t	index;			/* TOOK_LOGGED: its entry, as this custodian has it */
	char		why[64];		/* TOOK_REFUSED: the reason's stable name, "" when it gave none */
	char		words[ERR_MSG_BYTES];	/* TOOK_REFUSED, TOOK_NO_ANSWER */
};

struct custodians {
	const struct charter	*charter;	/* borrowed from the remote */
	struct rpc_client	*rpc[CUSTODIANS_MAX];
	struct custodian_view	 view[CUSTODIANS_MAX];	/* custodian i at [i-1], as everywhere */
	struct custodian_took	 took[CUSTODIANS_MAX];
};

/* r outlives it. Connects lazily: only a wrong identity of ours is an error. */
MUST_USE enum rc custodians_new(const struct remote *r, struct custodians **ret, struct err *err);
void	 custodians_free(struct custodians *c);
DEFINE_AUTO(custodians_free, struct custodians);

/* Asks each how it is: fills in `view`. */
void	 custodians_look(struct custodians *c);
/* Hands a statement to each, with the fixed blobs it names: fills in `took`. */
void	 custodians_submit(struct custodians *c, struct span dsse, const struct span *blob, size_t n_blobs);

/* How many answered custodians_look(). */
unsigned custodians_up(const struct custodians *c);
/* How many did this. */
unsigned custodians_took(const struct custodians *c, enum took took);

/* The largest q-cosigned checkpoint that any of them showed; size 0 and its root when none did. */
void	 custodians_seen(const struct custodians *c, struct checkpoint *ret);

/*
 * Two checkpoints that the log's key signed, of one size and with other roots: among
 * those that custodians showed and `head`, the coordinator's (NULL: none). They prove
 * themselves. *ret: who showed them, in words.
 */
bool	 custodians_conflict(const struct custodians *c, const struct checkpoint *head, char ret[ERR_MSG_BYTES]);

#endif

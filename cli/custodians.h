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
	bool				 spoke;		/* it is up, whatever it said */
	char				 words[ERR_MSG_BYTES];	/* why not */
	Quorate__V1__CheckpointReply	*reply;		/* NULL: no answer. Believed only with RC_OK */
	bool				 has_signed, has_cosigned;
	struct checkpoint		 signed_;	/* the newest that it cosigned */
	struct checkpoint		 cosigned;	/* the newest that a quorum did */
	/* Of which charter's log key: after a succession some may not have come so far. */
	const struct charter		*signed_by, *cosigned_by;
};

enum took {
	TOOK_NO_ANSWER,		/* ... that says anything of the statement */
	TOOK_NOT_YET,		/* it does not have what the statement is about */
	TOOK_REFUSED,		/* it would be void */
	TOOK_LOGGED,		/* its log shows it, as effective */
	TOOK_IT,
};
/* What one did with a statement. */
struct custodian_took {
	enum took	took;
	uint64_t	index;			/* TOOK_LOGGED: its entry, as this custodian has it */
	char		why[64];		/* TOOK_REFUSED: the reason's stable name, "" when it gave none */
	char		words[ERR_MSG_BYTES];	/* of the first three */
};

struct custodians {
	const struct charter	*charter;	/* in force; borrowed from the remote, as the next */
	const struct lineage	*lineage;
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

/* A statement that was handed in and that the log does not show, as custodians say. */
struct missing {
	uint8_t		id[SHA256_BYTES], subject[SHA256_BYTES];
	char		type[24], who[48];
	when		since;			/* f+1 of them had it by then, where so many have it */
	uint32_t	at;			/* bit i-1: custodian i has it */
	bool		logged;			/* for the caller, who may know the log */
};
/* All, the oldest first; free() the list. Who is no host of the charter is shown none. RC_NOMEM. */
MUST_USE enum rc custodians_missing(const struct custodians *c, struct missing **ret, size_t *ret_n, struct err *err);
/* Longer than a receipt may take, and more say so than may lie: somebody keeps it out of the log. */
bool	 missing_is_kept_out(const struct missing *m, const struct charter *c, when now);
/* How many they say are missing, whether or not we are shown which: the most that one says. */
uint32_t custodians_handed(const struct custodians *c);
void	 missing_print(const struct missing *m, const struct charter *c);
json_t	*missing_json(const struct missing *m, size_t n);	/* NULL: no memory */

/*
 * Two checkpoints that one log key signed, of one size and with other roots: among
 * those that custodians showed and `head`, the coordinator's (size 0: none). They prove
 * themselves (cli/accuse.h). The notes borrow from c and from head_note.
 */
struct conflict {
	struct span	a, b;
	char		words[ERR_MSG_BYTES];	/* who showed them */
};
bool	 custodians_conflict(const struct custodians *c, const struct checkpoint *head, struct span head_note,
	    struct conflict *ret);

#endif

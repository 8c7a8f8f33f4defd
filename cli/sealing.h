/*
 * cli/sealing.h - one artifact, encrypted on this host: what is asked for, and what comes of it.
 *
 * Plaintext, the secret and the segment keys never leave this process, and stand in
 * locked memory only. What comes out is ciphertext (cli/spool.h), a descriptor, and the
 * shares, which cli/handover.h seals to their custodians.
 * Threads: distinct orders, hands and artifacts are independent.
 */
#ifndef CLI_SEALING_H
#define CLI_SEALING_H

#include "cli/parallel.h"
#include "cli/spool.h"
#include "evidence/envelope.h"
#include "policy/charter.h"

/* --- what is asked for; paths and texts are borrowed ------------------------------- */

struct seal_part { const char *path; char name[PART_NAME_MAX + 1]; };

struct seal_order {
	const char	*policy, *class_id;	/* ids; class_id NULL: the charter's first */
	const char	*record;		/* a file; NULL: none */
	bool		 files_only;		/* regular files, "-" one too: nobody waits for who writes a pipe */
	size_t		 n_parts;
	struct seal_part part[PARTS_MAX];	/* ascending, once seal_order_check() was content */
};

/* One part more. RC_USAGE: its name, or too many. */
MUST_USE enum rc seal_order_part(struct seal_order *o, struct span name, const char *path, struct err *err);
/* Puts them in order. RC_USAGE: no part, or one given twice. */
MUST_USE enum rc seal_order_check(struct seal_order *o, struct err *err);

/*
 * Refuse before anything is encrypted what would be refused after. RC_USAGE: a file is not there, is none, is
 * empty; the charter has no such policy or class. RC_IO: a file cannot be looked at.
 */
MUST_USE enum rc seal_order_look(const struct seal_order *o, struct err *err);
MUST_USE enum rc seal_order_rules(const struct seal_order *o, const struct charter *charter, struct err *err);

/* --- what comes of it ----------------------------------------------------------------- */

struct sealed_artifact {
	uint8_t			 id[ARTIFACT_ID_BYTES];
	uint8_t			 salt[32];	/* of the record */
	bool			 has_record;
	uint8_t			 policy[SHA256_BYTES];
	char			 policy_id[ID_MAX + 1];
	struct buf		 descriptor;
	struct spool		 envelope;
	uint64_t		 size;		/* of it */
	uint8_t			*share[CUSTODIANS_MAX];	/* SHAMIR_SCALAR_BYTES each, in locked memory */
	uint8_t			 n_shares;
};
#define SEALED_ARTIFACT_INIT	((struct sealed_artifact){ .descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX), .envelope = SPOOL_INIT })
void	 sealed_artifact_done(struct sealed_artifact *a);
void	 sealed_artifact_reset(struct sealed_artifact *a);	/* for the next; shares are not its own */

/* What one thread needs to encrypt: locked memory, for one artifact at a time. */
struct seal_hand {
	struct secret_arena	*arena;
	struct secret		*tmp;		/* plaintext as it is read */
	struct hands		*hands;		/* who helps with a long part; NULL: nobody */
};
#define SEAL_HAND_INIT	((struct seal_hand){ .arena = NULL })
MUST_USE enum rc seal_hand_init(struct seal_hand *h, struct err *err);
void	 seal_hand_done(struct seal_hand *h);
/* From now on a thread for each processor helps with parts of more than one segment. */
MUST_USE enum rc seal_hand_help(struct seal_hand *h, struct err *err);

/*
 * Encrypts under `charter`, of the network of `genesis`. The shares stand in h until its
 * next artifact. RC_USAGE: the charter has no such policy or class; RC_IO: a file cannot
 * be read, or the spool not written; RC_FORMAT: a part is empty; RC_NOMEM.
 */
MUST_USE enum rc seal_artifact(struct seal_hand *h, const uint8_t genesis[SHA256_BYTES], const struct charter *charter,
    const struct seal_order *o, struct sealed_artifact *ret, struct err *err);

#endif

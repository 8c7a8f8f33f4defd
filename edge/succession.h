/*
 * edge/succession.h - the succession statement beside a charter: who signed it so far.
 *
 * NEW.json is the charter that is to take the place of the one in force;
 * NEW.json.dsse holds the succession statement (policy/statement.h) with a signature
 * of each amender and custodian who agreed. It becomes the first entry of the new
 * coordinator. Nobody's agreement is needed to make the file: whoever signs first
 * says which log it goes on from, and all others sign the same bytes.
 */
#ifndef EDGE_SUCCESSION_H
#define EDGE_SUCCESSION_H

#include "edge/edge.h"
#include "policy/dsse.h"

struct succession {
	uint8_t		genesis[SHA256_BYTES];
	uint8_t		now[SHA256_BYTES];	/* the charter in force, that the new one follows */
	uint8_t		next[SHA256_BYTES];	/* the new one */
	uint64_t	size;			/* what stands below the new coordinator's first entry, */
	uint8_t		root[SHA256_BYTES];	/* at least: a checkpoint that q cosigned */
};

/* <path>.dsse. RC_MISSING: nobody signed yet. RC_FORMAT, RC_VERIFY: it is no succession, or not to the document at path. */
MUST_USE enum rc succession_file_read(const char *path, struct succession *ret, struct buf *dsse, struct err *err);
/*
 * Adds s's signature to <path>.dsse, making it when it is not there. Signing twice
 * changes nothing. RC_VERIFY: what stands there says other than `what` does.
 */
MUST_USE enum rc succession_file_sign(const char *path, const struct succession *what, const struct signer *s,
    struct err *err);

/* How many have signed, of the charter in force. */
struct succession_signed {
	unsigned	amenders, custodians;
};
void	 succession_count(const struct dsse *d, const struct charter *now, struct succession_signed *ret);
/*
 * Reads <path>.dsse and tells what is wanting under the charter in force, each a line
 * appended to missing: nothing is when it can be logged. Codes as succession_file_read().
 */
MUST_USE enum rc succession_signatures(const char *path, const struct charter *now, struct buf *dsse,
    struct buf *missing, struct err *err);

#endif

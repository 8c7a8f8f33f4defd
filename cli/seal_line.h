/*
 * cli/seal_line.h - what `quorate seal --batch` reads and writes: one JSON object a line (docs/spec/seal-batch-v1.md).
 *
 * Pure: bytes in, an order or words out. Threads: distinct lines are independent.
 */
#ifndef CLI_SEAL_LINE_H
#define CLI_SEAL_LINE_H

#include "base/json.h"
#include "cli/sealing.h"

#define SEAL_LINE_MAX	((size_t)128 << 10)	/* bytes, without the line's end */
#define SEAL_REF_MAX	1024			/* bytes of a ref */

struct seal_line {
	json_t			*doc;		/* what the order borrows from; NULL: not JSON */
	const char		*ref;		/* in doc; NULL: none, or none that can be given back */
	struct seal_order	 order;
};
#define SEAL_LINE_INIT	((struct seal_line){ .doc = NULL })
void	 seal_line_done(struct seal_line *l);

/*
 * Reads one line. The policy and class that it does not name are those given (NULL: none). RC_FORMAT: not the
 * JSON that the spec has; RC_USAGE: parts; RC_LIMIT: too long. Also when it fails ret->ref is the
 * line's, if it has one, and ret is to be done with.
 */
MUST_USE enum rc seal_line_read(struct span text, const char *policy, const char *class_id, struct seal_line *ret,
    struct err *err);

#endif

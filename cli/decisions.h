/*
 * cli/decisions.h - what people (and custodians) said about a request or an amendment.
 *
 * As the coordinator lists it. Each is of this subject, and where a quorum cosigned it, it is
 * shown to stand in the log; whether it counts is the coordinator's reckoning.
 */
#ifndef CLI_DECISIONS_H
#define CLI_DECISIONS_H

#include "cli/remote.h"

struct decision_list {
	const uint8_t			*subject;
	Quorate__V1__LoggedEntry	**entry;
	size_t				 n;
	const uint64_t			*uncounted;	/* entries of approvals that do not count */
	size_t				 n_uncounted;
};

/* "decisions", and a line each. */
MUST_USE enum rc decisions_print(struct remote *r, const struct decision_list *l, struct err *err);
MUST_USE enum rc decisions_json(struct remote *r, const struct decision_list *l, json_t **ret, struct err *err);
/* What was logged of its opening: a line each, or, with a list, appended to it. (acknowledged.c) */
MUST_USE enum rc acknowledged_tell(struct remote *r, const uint8_t request[SHA256_BYTES],
    const Quorate__V1__RequestReply *a, json_t *list, struct err *err);
/* An erasable text by its salted digest, cleaned; "(erased)". */
MUST_USE enum rc erasable_text(struct remote *r, const uint8_t digest[SHA256_BYTES], struct buf *out, struct err *err);

#endif
